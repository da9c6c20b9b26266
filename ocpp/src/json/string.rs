//! JSON strings: finding their end, unescaping, escaping.

use super::Fault;

const ONES: u64 = u64::from_ne_bytes([0x01; 8]);
const HIGHS: u64 = u64::from_ne_bytes([0x80; 8]);

/// Index of the first byte from `at` on that ends a plain run: a quote, a backslash, a control character,
/// or the end of `bytes`.
#[inline]
pub(crate) fn plain_end(bytes: &[u8], mut at: usize) -> usize {
    // Eight bytes a step. A borrow can only mark bytes above a true hit, and the lowest mark is taken.
    while let Some(chunk) = bytes.get(at..at + 8) {
        let word = u64::from_le_bytes(chunk.try_into().expect("the slice has eight bytes"));
        // With its second bit flipped a quote becomes 0x20, right above the control characters, which stay among
        // themselves: one comparison finds both.
        let flipped = word ^ (ONES * 0x02);
        let backslash = word ^ (ONES * b'\\' as u64);
        let hit = (flipped.wrapping_sub(ONES * 0x21) & !flipped)
            | (backslash.wrapping_sub(ONES) & !backslash);
        let hit = hit & HIGHS;
        if hit != 0 {
            return at + (hit.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    while let Some(&byte) = bytes.get(at) {
        if byte == b'"' || byte == b'\\' || byte < 0x20 {
            return at;
        }
        at += 1;
    }
    at
}

/// Unescapes the string whose content begins at `start` and is plain up to `plain`; also returns the index
/// after the closing quote.
#[cold]
pub(super) fn unescape(text: &str, start: usize, plain: usize) -> Result<(String, usize), Fault> {
    let bytes = text.as_bytes();
    let mut out = String::new();
    let (mut from, mut at) = (start, plain);
    loop {
        out.push_str(&text[from..at]);
        match bytes.get(at) {
            Some(b'"') => return Ok((out, at + 1)),
            Some(b'\\') => {}
            _ => {
                let found = text[at..].chars().next();
                return Err(Fault::syntax(
                    at,
                    found,
                    "the string to end without control characters",
                ));
            }
        }
        let escape = bytes.get(at + 1).copied().unwrap_or(0);
        at += 2;
        out.push(match escape {
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => unicode(bytes, &mut at)
                .ok_or_else(|| Fault::syntax(at, None, "four hex digits of a whole character"))?,
            _ => {
                let found = text.get(at - 1..).and_then(|rest| rest.chars().next());
                return Err(Fault::syntax(at - 1, found, "an escape of JSON"));
            }
        });
        from = at;
        at = plain_end(bytes, at);
    }
}

/// The character of `\uXXXX` or of a surrogate pair; `at` stands after the `u`. A lone surrogate is no character.
fn unicode(bytes: &[u8], at: &mut usize) -> Option<char> {
    let high = hex4(bytes, at)?;
    if !(0xd800..0xdc00).contains(&high) {
        return char::from_u32(high);
    }
    if bytes.get(*at..*at + 2) != Some(b"\\u") {
        return None;
    }
    *at += 2;
    let low = hex4(bytes, at)?;
    if !(0xdc00..0xe000).contains(&low) {
        return None;
    }
    char::from_u32(0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00))
}

fn hex4(bytes: &[u8], at: &mut usize) -> Option<u32> {
    let digits = bytes.get(*at..*at + 4)?;
    let mut value = 0;
    for &digit in digits {
        value = value << 4 | char::from(digit).to_digit(16)?;
    }
    *at += 4;
    Some(value)
}

/// Appends `text` as a JSON string.
pub(crate) fn write_string(out: &mut Vec<u8>, text: &str) {
    let bytes = text.as_bytes();
    out.push(b'"');
    let mut from = 0;
    loop {
        let at = plain_end(bytes, from);
        out.extend_from_slice(&bytes[from..at]);
        let Some(&byte) = bytes.get(at) else { break };
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            control => {
                const HEX: &[u8; 16] = b"0123456789abcdef";
                out.extend_from_slice(b"\\u00");
                out.push(HEX[usize::from(control >> 4)]);
                out.push(HEX[usize::from(control & 15)]);
            }
        }
        from = at + 1;
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_ends_at_the_first_byte_that_needs_a_look() {
        // Every byte at every place of a word and a rest, with every other kind of byte behind it.
        for byte in 0..=255u8 {
            for place in 0..12 {
                for filler in [b'a', b'"', 0x00, 0x1f, 0x20, 0x80, 0xff] {
                    let mut bytes = [b'x'; 12];
                    bytes[place..].fill(filler);
                    bytes[place] = byte;
                    let ends = |b: &u8| *b == b'"' || *b == b'\\' || *b < 0x20;
                    let expected = bytes.iter().position(ends).unwrap_or(bytes.len());
                    assert_eq!(plain_end(&bytes, 0), expected, "{bytes:02x?}");
                }
            }
        }
    }
}
