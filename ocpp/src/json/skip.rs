//! Checking a value that no schema describes.

use super::{DEPTH_MAX, Fault, Reader, string};

impl Reader<'_> {
    /// Passes over one value of any kind, checking its syntax; iterative, whatever the nesting.
    pub(crate) fn skip_value(&mut self) -> Result<(), Fault> {
        let bottom = self.depth;
        // One bit per open bracket, the innermost lowest: set for an object.
        let mut objects: u64 = 0;
        const { assert!(DEPTH_MAX <= u64::BITS) };
        loop {
            let empty = match self.peek() {
                open @ (b'{' | b'[') => {
                    self.open(open, "a value")?;
                    objects = objects << 1 | u64::from(open == b'{');
                    let close = if open == b'{' { b'}' } else { b']' };
                    if self.peek() != close {
                        if open == b'{' {
                            self.skip_key()?;
                        }
                        continue;
                    }
                    true
                }
                _ => {
                    self.skip_scalar()?;
                    false
                }
            };
            if empty {
                self.close();
                objects >>= 1;
            }
            // A value has ended; so may the brackets around it.
            loop {
                if self.depth == bottom {
                    return Ok(());
                }
                let object = objects & 1 == 1;
                match self.peek() {
                    b',' => {
                        self.at += 1;
                        if object {
                            self.skip_key()?;
                        }
                        break;
                    }
                    b'}' if object => self.close(),
                    b']' if !object => self.close(),
                    _ if object => return Err(self.syntax("',' or '}'")),
                    _ => return Err(self.syntax("',' or ']'")),
                }
                objects >>= 1;
            }
        }
    }

    fn skip_key(&mut self) -> Result<(), Fault> {
        if self.peek() != b'"' {
            return Err(self.syntax("a property name"));
        }
        self.skip_string()?;
        if self.peek() != b':' {
            return Err(self.syntax("':'"));
        }
        self.at += 1;
        Ok(())
    }

    fn skip_scalar(&mut self) -> Result<(), Fault> {
        let word = match self.peek() {
            b'"' => return self.skip_string(),
            b'-' | b'0'..=b'9' => return self.number().map(drop),
            b't' => "true",
            b'f' => "false",
            b'n' => "null",
            _ => return Err(self.syntax("a value")),
        };
        if self.literal(word) {
            Ok(())
        } else {
            Err(self.syntax("true, false or null"))
        }
    }

    fn skip_string(&mut self) -> Result<(), Fault> {
        let start = self.at + 1;
        let end = string::plain_end(self.text.as_bytes(), start);
        if self.text.as_bytes().get(end) == Some(&b'"') {
            self.at = end + 1;
        } else {
            self.at = string::unescape(self.text, start, end)?.1;
        }
        Ok(())
    }
}

/// True when all of `text` is one JSON number.
pub(crate) fn is_json_number(text: &str) -> bool {
    number_end(text.as_bytes(), 0) == Ok(text.len())
}

/// The end of the JSON number at `start`, or where a digit is missing.
pub(super) fn number_end(bytes: &[u8], start: usize) -> Result<usize, usize> {
    let byte = |at: usize| bytes.get(at).copied().unwrap_or(0);
    let digits = |mut at: usize| {
        if !byte(at).is_ascii_digit() {
            return Err(at);
        }
        while byte(at).is_ascii_digit() {
            at += 1;
        }
        Ok(at)
    };
    let mut at = start + usize::from(byte(start) == b'-');
    // A leading zero stands alone.
    at = match (byte(at), byte(at + 1)) {
        (b'0', b'0'..=b'9') => return Err(at + 1),
        (b'0', _) => at + 1,
        _ => digits(at)?,
    };
    if byte(at) == b'.' {
        at = digits(at + 1)?;
    }
    if matches!(byte(at), b'e' | b'E') {
        at += 1;
        at = digits(at + usize::from(matches!(byte(at), b'+' | b'-')))?;
    }
    Ok(at)
}
