//! Strings with a limit on their length, in characters.

use std::borrow::Cow;

use super::Wire;
use crate::Quirks;
use crate::json::{Fault, Reader, write_string};

/// Longest descriptive string that is tolerated, in characters, whatever its field's own limit.
const TOLERATED_MAX: usize = 1_000;

macro_rules! text {
    ($(#[$meta:meta])* $name:ident by $read:ident) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub struct $name<'a, const MAX: usize = { usize::MAX }>(Cow<'a, str>);

        impl<'a, const MAX: usize> From<&'a str> for $name<'a, MAX> {
            fn from(text: &'a str) -> Self {
                $name(Cow::Borrowed(text))
            }
        }

        impl<const MAX: usize> From<String> for $name<'_, MAX> {
            fn from(text: String) -> Self {
                $name(Cow::Owned(text))
            }
        }

        impl<const MAX: usize> std::ops::Deref for $name<'_, MAX> {
            type Target = str;

            fn deref(&self) -> &str {
                &self.0
            }
        }

        impl<'a, const MAX: usize> Wire<'a> for $name<'a, MAX> {
            fn blank() -> Self {
                $name(Cow::Borrowed(""))
            }

            fn read(r: &mut Reader<'a>) -> Result<Self, Fault> {
                $read(r, MAX).map($name)
            }

            fn write(&self, out: &mut Vec<u8>) {
                write_string(out, &self.0);
            }
        }
    };
}

text! {
    /// A description of at most `MAX` characters. A longer one is tolerated, up to 1,000.
    Text by read_text
}

text! {
    /// A name that something is found by, of at most `MAX` characters. A longer one is never accepted: whatever
    /// cut it further on could make two things one.
    Key by read_key
}

text! {
    /// A [`Text`] for which some stations send a bare number or boolean; kept as written.
    LooseText by read_loose
}

pub(crate) fn read_text<'a>(r: &mut Reader<'a>, max: usize) -> Result<Cow<'a, str>, Fault> {
    let text = r.string()?;
    match excess(&text, max) {
        None => Ok(text),
        Some(len) if len <= TOLERATED_MAX && r.tolerate(Quirks::OVER_LONG) => Ok(text),
        Some(len) => Err(Fault::too_long(len, max)),
    }
}

fn read_key<'a>(r: &mut Reader<'a>, max: usize) -> Result<Cow<'a, str>, Fault> {
    let text = r.string()?;
    match excess(&text, max) {
        None => Ok(text),
        Some(len) => Err(Fault::too_long(len, max)),
    }
}

fn read_loose<'a>(r: &mut Reader<'a>, max: usize) -> Result<Cow<'a, str>, Fault> {
    let bare = matches!(r.peek(), b'-' | b'0'..=b'9' | b't' | b'f');
    if bare && r.tolerate(Quirks::TYPE_COERCED) {
        return r.value().map(Cow::Borrowed);
    }
    read_text(r, max)
}

/// The length of `text` in characters if it is above `max`. Bytes are never fewer, so most need no counting.
fn excess(text: &str, max: usize) -> Option<usize> {
    if text.len() <= max {
        return None;
    }
    Some(text.chars().count()).filter(|&len| len > max)
}
