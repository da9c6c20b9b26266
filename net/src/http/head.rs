//! The head of a message: start line and fields, as slices of the buffer.

use memchr::{memchr, memmem};

/// Where compression is offered and answered (RFC 6455 §9.1).
pub(super) const EXTENSIONS: &str = "Sec-WebSocket-Extensions";

/// A head that breaks the grammar of RFC 9112 or our bounds.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HeadError {
    /// No end of the head within the limit.
    #[error("head exceeds {limit} bytes")]
    TooLong {
        /// The limit in bytes.
        limit: usize,
    },
    /// More fields than the limit.
    #[error("head has more than {limit} fields")]
    TooManyFields {
        /// The limit.
        limit: usize,
    },
    /// A line that is not `name: value`.
    #[error("found a header line that begins with \"{found}\", expected `name: value`")]
    Line {
        /// Its first word, escaped and cut; what follows may be a secret.
        found: String,
    },
    /// A field that must stand once and is absent.
    #[error("header {name} is missing, expected {expected}")]
    Missing {
        /// The field.
        name: &'static str,
        /// What it should hold.
        expected: &'static str,
    },
    /// A field that must stand once and is there again.
    #[error("header {name} stands more than once")]
    Repeated {
        /// The field.
        name: &'static str,
    },
    /// A field whose value does not fit.
    #[error("header {name} is \"{found}\", expected {expected}")]
    Value {
        /// The field.
        name: &'static str,
        /// The value, escaped and cut.
        found: String,
        /// What it should hold.
        expected: &'static str,
    },
}

/// A whole head. `fields` were checked, so iterating them cannot fail.
#[derive(Clone, Copy)]
pub(super) struct Head<'a> {
    /// Without its CRLF.
    pub(super) start_line: &'a [u8],
    pub(super) fields: Fields<'a>,
    /// Bytes of the head with the empty line that ends it.
    pub(super) len: usize,
}

/// Finds the head at the start of `bytes`; `None` until its last line is here.
pub(super) fn read_head(
    bytes: &[u8],
    len_max: usize,
    fields_max: usize,
) -> Result<Option<Head<'_>>, HeadError> {
    let within = &bytes[..bytes.len().min(len_max)];
    let Some(end) = memmem::find(within, b"\r\n\r\n") else {
        if bytes.len() >= len_max {
            return Err(HeadError::TooLong { limit: len_max });
        }
        return Ok(None);
    };
    // With the CRLF of the last field, so that every line ends in one.
    let lines = &bytes[..end + 2];
    // The search above found a CRLF at `end`, so there is a first one.
    let line_end = memmem::find(lines, b"\r\n").unwrap_or(end);
    let fields = Fields {
        rest: &lines[line_end + 2..],
    };
    for (count, field) in fields.lines().enumerate() {
        if count >= fields_max {
            return Err(HeadError::TooManyFields { limit: fields_max });
        }
        if split_field(field).is_none() {
            return Err(HeadError::Line {
                found: shown(first_word(field)),
            });
        }
    }
    Ok(Some(Head {
        start_line: &lines[..line_end],
        fields,
        len: end + 4,
    }))
}

/// The fields of a head in their order; names as written. They hold secrets, so they have no `Debug`.
#[derive(Clone, Copy)]
pub(super) struct Fields<'a> {
    /// Whole lines, each with its CRLF.
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    fn lines(self) -> impl Iterator<Item = &'a [u8]> {
        let mut rest = self.rest;
        std::iter::from_fn(move || {
            let end = memmem::find(rest, b"\r\n")?;
            let line = &rest[..end];
            rest = &rest[end + 2..];
            Some(line)
        })
    }

    /// Name and value of each field, the value without surrounding blanks.
    pub(super) fn iter(self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
        self.lines().filter_map(split_field)
    }

    /// Every value of the field `name`.
    pub(super) fn values(self, name: &'static str) -> impl Iterator<Item = &'a [u8]> {
        self.iter()
            .filter(move |(found, _)| is(found, name))
            .map(|(_, value)| value)
    }

    /// The value of a field that may stand at most once.
    pub(super) fn single(self, name: &'static str) -> Result<Option<&'a [u8]>, HeadError> {
        let mut values = self.values(name);
        let first = values.next();
        if values.next().is_some() {
            return Err(HeadError::Repeated { name });
        }
        Ok(first)
    }

    /// The value of a field that must stand exactly once.
    pub(super) fn required(
        self,
        name: &'static str,
        expected: &'static str,
    ) -> Result<&'a [u8], HeadError> {
        self.single(name)?
            .ok_or(HeadError::Missing { name, expected })
    }

    /// True when a comma-separated field holds `token`, in any case.
    pub(super) fn has_token(self, name: &'static str, token: &str) -> bool {
        self.values(name).flat_map(list).any(|item| is(item, token))
    }
}

/// The items of a comma-separated value, empty ones left out (RFC 9110 §5.6.1).
pub(super) fn list(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value
        .split(|byte| *byte == b',')
        .map(<[u8]>::trim_ascii)
        .filter(|item| !item.is_empty())
}

pub(super) fn is(found: &[u8], name: &str) -> bool {
    found.eq_ignore_ascii_case(name.as_bytes())
}

fn split_field(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = memchr(b':', line)?;
    let (name, value) = (&line[..colon], &line[colon + 1..]);
    let value_fits = value
        .iter()
        .all(|byte| matches!(byte, b'\t' | b' '..=b'~' | 0x80..));
    (is_token(name) && value_fits).then(|| (name, value.trim_ascii()))
}

fn first_word(line: &[u8]) -> &[u8] {
    let end = line
        .iter()
        .position(|byte| matches!(byte, b':' | b'\0'..=b' '));
    &line[..end.unwrap_or(line.len())]
}

/// RFC 9110 §5.6.2.
pub(super) fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty()
        && bytes
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte))
}

/// Bytes of a peer as they may stand in an error or a log line: escaped, at most 64 of them.
pub(super) fn shown(bytes: &[u8]) -> String {
    const SHOWN_MAX: usize = 64;
    match bytes.get(..SHOWN_MAX) {
        Some(start) if start.len() < bytes.len() => format!("{}…", start.escape_ascii()),
        _ => bytes.escape_ascii().to_string(),
    }
}
