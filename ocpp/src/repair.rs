//! Frames that are nearly JSON: commas where none belong, members without a value, a payload without its braces.
//!
//! Only for stations that are known to send such frames: whoever repairs a message decides what it was to say. Nothing
//! is added to a message but braces, and nothing is taken out but commas and members that have no value.

use crate::change::{Change, shown};
use crate::json::DEPTH_MAX;

/// Most places of one frame that are repaired.
const REPAIRS_MAX: usize = 32;

/// A frame that was put right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repaired {
    /// The frame as it should have been.
    pub text: String,
    /// What was done to it.
    pub changes: Vec<Change>,
}

/// Puts a frame right; `None` where there is nothing to repair, or more than a slip.
pub fn repair(text: &str) -> Option<Repaired> {
    let mut repairer = Repairer {
        text,
        out: Vec::new(),
        depth: 0,
        braced: false,
        changes: Vec::new(),
    };
    let mut at = 0;
    while at < text.len() {
        let piece = next(text, at)?;
        repairer.take(at, piece)?;
        at += piece.len();
        if REPAIRS_MAX < repairer.changes.len() {
            return None;
        }
    }
    let whole = repairer.depth == 0 && !repairer.changes.is_empty();
    whole.then(|| Repaired {
        text: repairer.out.iter().map(|(_, piece)| *piece).collect(),
        changes: repairer.changes,
    })
}

/// The next string, punctuation, run of white space, or run of anything else; `None` for a string without end.
fn next(text: &str, at: usize) -> Option<&str> {
    let rest = &text[at..];
    let bytes = rest.as_bytes();
    let len = match bytes[0] {
        b'"' => {
            let mut end = 1;
            loop {
                match bytes.get(end)? {
                    b'"' => break end + 1,
                    b'\\' => end += 2,
                    _ => end += 1,
                }
            }
        }
        b'[' | b']' | b'{' | b'}' | b',' | b':' => 1,
        first if first.is_ascii_whitespace() => {
            let blank = bytes.iter().take_while(|b| b.is_ascii_whitespace());
            blank.count()
        }
        _ => {
            let ends = |b: &u8| b"\"[]{},:".contains(b) || b.is_ascii_whitespace();
            bytes.iter().position(ends).unwrap_or(bytes.len())
        }
    };
    rest.get(..len)
}

struct Repairer<'a> {
    text: &'a str,
    /// Pieces of the frame with where they stood; those that were put in stand at the piece behind them.
    out: Vec<(usize, &'a str)>,
    depth: u32,
    /// A brace was put before the payload.
    braced: bool,
    changes: Vec<Change>,
}

impl<'a> Repairer<'a> {
    fn take(&mut self, at: usize, piece: &'a str) -> Option<()> {
        match piece {
            "[" | "{" => {
                self.depth += 1;
                if DEPTH_MAX < self.depth {
                    return None;
                }
            }
            "," => {
                self.drop_member_without_value(at);
                if matches!(self.last(), Some("[" | "{" | ",")) {
                    self.changed(at, ",", "");
                    return Some(());
                }
            }
            "]" | "}" => {
                self.drop_member_without_value(at);
                while self.last() == Some(",") {
                    let comma = self.pop();
                    self.changed(comma, ",", "");
                }
                self.depth = self.depth.checked_sub(1)?;
                if self.depth == 0 && self.braced {
                    self.out.push((at, "}"));
                    self.changed(at, "", "}");
                }
            }
            // A member right in the frame: its payload lacks its braces.
            ":" if self.depth == 1 && !self.braced => {
                let key = self.out.iter().rposition(|(_, p)| !is_blank(p))?;
                let key_at = self.out[key].0;
                self.out.insert(key, (key_at, "{"));
                self.braced = true;
                self.changed(key_at, "", "{");
            }
            _ => {}
        }
        self.out.push((at, piece));
        Some(())
    }

    /// The last piece that is no white space.
    fn last(&self) -> Option<&'a str> {
        let mut pieces = self.out.iter().rev().map(|(_, piece)| *piece);
        pieces.find(|piece| !is_blank(piece))
    }

    /// Takes that piece out, and the white space behind it; answers where it stood.
    fn pop(&mut self) -> usize {
        while let Some((at, piece)) = self.out.pop() {
            if !is_blank(piece) {
                return at;
            }
        }
        0
    }

    /// Takes out a key whose colon is followed by the end of the member at `at`.
    fn drop_member_without_value(&mut self, at: usize) {
        if self.last() == Some(":") {
            self.pop();
            let from = self.pop();
            let found = self.text.get(from..at).unwrap_or_default();
            self.changed(from, found, "");
        }
    }

    fn changed(&mut self, at: usize, found: &str, taken: &str) {
        self.changes.push(Change {
            pointer: format!("#{at}"),
            quirk: "repaired".to_owned(),
            found: shown(found),
            taken: taken.to_owned(),
        });
    }
}

fn is_blank(piece: &str) -> bool {
    piece.bytes().all(|byte| byte.is_ascii_whitespace())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(frame: &str, expected: Option<(&str, &str)>) {
        let repaired = repair(frame).map(|repaired| {
            let changes = repaired.changes.iter();
            let changes = changes.map(|c| format!("{} {:?} {:?}", c.pointer, c.found, c.taken));
            (repaired.text, changes.collect::<Vec<_>>().join("; "))
        });
        let expected = expected.map(|(text, changes)| (text.to_owned(), changes.to_owned()));
        assert_eq!(repaired, expected, "{frame}");
    }

    #[test]
    fn slips_seen_in_the_field() {
        check(
            r#"[2,"1","MeterValues",{"connectorId":1,"transactionId":,"meterValue":[]}]"#,
            Some((
                r#"[2,"1","MeterValues",{"connectorId":1,"meterValue":[]}]"#,
                r##"#38 "\"transactionId\":" ""; #54 "," """##,
            )),
        );
        check(
            r#"[2,"1","MeterValues",{"meterValue":[,{"a":1}, ]}]"#,
            Some((
                r#"[2,"1","MeterValues",{"meterValue":[{"a":1}]}]"#,
                r##"#36 "," ""; #44 "," """##,
            )),
        );
        check(
            r#"[2,"1","StatusNotification","connectorId":1,"status":"Available"]"#,
            Some((
                r#"[2,"1","StatusNotification",{"connectorId":1,"status":"Available"}]"#,
                r##"#28 "" "{"; #64 "" "}""##,
            )),
        );
        check(
            r#"[2,"1","A",{"a":1,"b": }]"#,
            Some((
                r#"[2,"1","A",{"a":1}]"#,
                r##"#18 "\"b\": " ""; #17 "," """##,
            )),
        );
    }

    #[test]
    fn what_is_whole_or_past_repair_is_left() {
        for frame in [
            "",
            "hello",
            r#"[2,"1","Heartbeat",{}]"#,
            r#"[2,"1","A",{"a":", :,}"}]"#,
            r#"[2,"1","A",{"a":,"#,
            r#"[2,"1","A",{"a":,}]]"#,
            r#"[2,"1","A",{"a:,}]"#,
            r#"[2,"1","A",{"a\"#,
        ] {
            check(frame, None);
        }
        check(&format!("[{}]", ",".repeat(100)), None);
        check(&"[,".repeat(100), None);
    }
}
