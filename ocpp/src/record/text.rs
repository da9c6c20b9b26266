//! Strings with a limit on their length, in characters.

use std::borrow::Cow;

#[cfg(test)]
use super::Shape;
use super::Wire;
use crate::Quirks;
use crate::json::{Fault, Reader, write_string};

/// Longest descriptive string that is tolerated, in characters, whatever its field's own limit.
const TOLERATED_MAX: usize = 1_000;

macro_rules! text {
    ($(#[$meta:meta])* $name:ident) => {
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
            fn read(r: &mut Reader<'a>) -> Result<Self, Fault> {
                Self::read_text(r).map($name)
            }

            fn write(&self, out: &mut Vec<u8>) {
                write_string(out, &self.0);
            }

            #[cfg(test)]
            fn shape() -> Shape {
                Shape::Text { max: (MAX != usize::MAX).then_some(MAX) }
            }
        }
    };
}

text! {
    /// A description of at most `MAX` characters. A longer one is tolerated, up to 1,000.
    Text
}

text! {
    /// A name that something is found by, of at most `MAX` characters. A longer one is never accepted: whatever
    /// cut it further on could make two things one.
    Key
}

text! {
    /// A [`Text`] for which some stations send a bare number or boolean; kept as written.
    LooseText
}

impl<'a, const MAX: usize> Text<'a, MAX> {
    fn read_text(r: &mut Reader<'a>) -> Result<Cow<'a, str>, Fault> {
        let text = r.string()?;
        match excess(&text, MAX) {
            None => Ok(text),
            Some(len) if len <= TOLERATED_MAX && r.tolerate(Quirks::OVER_LONG) => Ok(text),
            Some(len) => Err(Fault::too_long(len, MAX)),
        }
    }
}

impl<'a, const MAX: usize> Key<'a, MAX> {
    fn read_text(r: &mut Reader<'a>) -> Result<Cow<'a, str>, Fault> {
        let text = r.string()?;
        match excess(&text, MAX) {
            None => Ok(text),
            Some(len) => Err(Fault::too_long(len, MAX)),
        }
    }
}

impl<'a, const MAX: usize> LooseText<'a, MAX> {
    fn read_text(r: &mut Reader<'a>) -> Result<Cow<'a, str>, Fault> {
        let bare = matches!(r.peek(), b'-' | b'0'..=b'9' | b't' | b'f');
        if bare && r.tolerate(Quirks::TYPE_COERCED) {
            return r.value().map(Cow::Borrowed);
        }
        Text::<MAX>::read_text(r)
    }
}

/// The length of `text` in characters if it is above `max`. Bytes are never fewer, so most need no counting.
fn excess(text: &str, max: usize) -> Option<usize> {
    if text.len() <= max {
        return None;
    }
    Some(text.chars().count()).filter(|&len| len > max)
}
