//! The client side: asking for a WebSocket and reading the answer.

use std::str;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::accept_key;
use super::head::{EXTENSIONS, Fields, HeadError, list, read_head, shown};
use super::response::write_field;
use crate::ws::{Agreement, DeflateOptions, agree, offer};

/// The nonce of one handshake (`Sec-WebSocket-Key`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientKey([u8; 24]);

impl ClientKey {
    /// The key that holds `nonce`, drawn anew for each connection (RFC 6455 §4.1).
    #[must_use]
    pub fn new(nonce: [u8; 16]) -> ClientKey {
        let mut text = [0; 24];
        let len = STANDARD.encode_slice(nonce, &mut text);
        assert!(len == Ok(24), "16 bytes are 24 characters of base64");
        ClientKey(text)
    }

    fn as_str(&self) -> &str {
        str::from_utf8(&self.0).expect("base64 is ASCII")
    }
}

/// What a client asks for.
#[derive(Clone, Copy)]
pub struct ClientUpgrade<'a> {
    /// `Host`: name or address of the server, with its port unless it is 80.
    pub host: &'a str,
    /// Path and query, percent-encoded, beginning with `/`.
    pub target: &'a str,
    /// The nonce of this handshake.
    pub key: &'a ClientKey,
    /// Subprotocols, most wanted first; none when empty.
    pub protocols: &'a [&'a str],
    /// User and password for HTTP Basic, if any. The user holds no `:`.
    pub basic: Option<(&'a str, &'a [u8])>,
    /// Compression to offer, if any.
    pub deflate: Option<DeflateOptions>,
}

/// Appends the request.
pub fn write_client_upgrade(out: &mut Vec<u8>, upgrade: &ClientUpgrade<'_>) {
    out.extend_from_slice(b"GET ");
    out.extend(
        upgrade
            .target
            .bytes()
            .map(|byte| if byte.is_ascii_graphic() { byte } else { b'_' }),
    );
    out.extend_from_slice(b" HTTP/1.1\r\n");
    write_field(out, "Host", upgrade.host);
    write_field(out, "Upgrade", "websocket");
    write_field(out, "Connection", "Upgrade");
    write_field(out, "Sec-WebSocket-Version", "13");
    write_field(out, "Sec-WebSocket-Key", upgrade.key.as_str());
    if !upgrade.protocols.is_empty() {
        write_field(out, "Sec-WebSocket-Protocol", &upgrade.protocols.join(", "));
    }
    if let Some(options) = &upgrade.deflate {
        write_field(out, EXTENSIONS, &offer(options));
    }
    if let Some((user, password)) = upgrade.basic {
        let pair = [user.as_bytes(), b":", password].concat();
        write_field(
            out,
            "Authorization",
            &format!("Basic {}", STANDARD.encode(pair)),
        );
    }
    out.extend_from_slice(b"\r\n");
}

/// The server's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientResponse<'a> {
    /// The connection is a WebSocket now.
    Switched {
        /// The subprotocol the server chose. The caller checks that it was offered.
        protocol: Option<&'a str>,
        /// The compression that was agreed on.
        deflate: Option<Agreement>,
    },
    /// Any other status; a body may follow, the connection is over.
    Refused {
        /// The HTTP status.
        status: u16,
    },
}

/// Why an answer is not one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ResponseError {
    /// The head as such, or a field RFC 6455 §4.1 asks for.
    #[error(transparent)]
    Head(#[from] HeadError),
    /// Not `HTTP/1.1 nnn reason`.
    #[error("found the status line \"{found}\", expected `HTTP/1.1 101 …`")]
    StatusLine {
        /// The line, escaped and cut.
        found: String,
    },
}

/// Reads the answer at the start of `bytes`: what it says and the length of its head, or `None` until
/// the head is whole. After a switch the bytes behind the head are the server's first frames. `offered`
/// is [`ClientUpgrade::deflate`].
///
/// # Errors
///
/// An answer that is not HTTP/1.1, is longer than 8 KiB or 64 fields, or a 101 that breaks RFC 6455
/// §4.1: close the connection.
pub fn parse_client_response<'a>(
    bytes: &'a [u8],
    key: &ClientKey,
    offered: Option<&DeflateOptions>,
) -> Result<Option<(ClientResponse<'a>, usize)>, ResponseError> {
    let Some(head) = read_head(bytes, 8192, 64)? else {
        return Ok(None);
    };
    let status = status(head.start_line).ok_or_else(|| ResponseError::StatusLine {
        found: shown(head.start_line),
    })?;
    if status != 101 {
        return Ok(Some((ClientResponse::Refused { status }, head.len)));
    }
    let fields = head.fields;
    for (name, token) in [("Upgrade", "websocket"), ("Connection", "upgrade")] {
        if !fields.has_token(name, token) {
            return Err(HeadError::Missing {
                name,
                expected: token,
            }
            .into());
        }
    }
    let expected = "the answer to our key";
    let accept = fields.required("Sec-WebSocket-Accept", expected)?;
    if accept != accept_key(key.as_str()).as_bytes() {
        let name = "Sec-WebSocket-Accept";
        return Err(HeadError::Value {
            name,
            found: shown(accept),
            expected,
        }
        .into());
    }
    let deflate = agreement(fields, offered)?;
    let name = "Sec-WebSocket-Protocol";
    let protocol = match fields
        .single(name)?
        .map(|value| (value, str::from_utf8(value)))
    {
        None => None,
        Some((_, Ok(protocol))) => Some(protocol),
        Some((value, Err(_))) => {
            let found = shown(value);
            return Err(HeadError::Value {
                name,
                found,
                expected: "a subprotocol",
            }
            .into());
        }
    };
    Ok(Some((
        ClientResponse::Switched { protocol, deflate },
        head.len,
    )))
}

/// What the server made of the offer; it may pass it by, and may name nothing else.
fn agreement(
    fields: Fields<'_>,
    offered: Option<&DeflateOptions>,
) -> Result<Option<Agreement>, HeadError> {
    let mut answers = fields.values(EXTENSIONS).flat_map(list);
    let Some(first) = answers.next() else {
        return Ok(None);
    };
    let agreement = offered
        .zip(str::from_utf8(first).ok())
        .and_then(|(options, answer)| agree(answer, options))
        .filter(|_| answers.next().is_none());
    match agreement {
        Some(agreement) => Ok(Some(agreement)),
        None => Err(HeadError::Value {
            name: EXTENSIONS,
            found: shown(first),
            expected: match offered {
                Some(_) => "permessage-deflate within what was offered",
                None => "none, as none was offered",
            },
        }),
    }
}

fn status(line: &[u8]) -> Option<u16> {
    let rest = line.strip_prefix(b"HTTP/1.1 ")?;
    let (digits, rest) = rest.split_first_chunk::<3>()?;
    if !digits.iter().all(u8::is_ascii_digit) || !(rest.is_empty() || rest[0] == b' ') {
        return None;
    }
    str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests;
