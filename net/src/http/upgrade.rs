//! The server side: reading the request.

use std::{fmt, str};

use memchr::memchr;

use super::head::{EXTENSIONS, Fields, HeadError, is, is_token, list, read_head, shown};
use crate::ws::{Agreement, DeflateOptions, accept};

/// Bounds on a request that asks for a WebSocket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UpgradeLimits {
    /// Longest head in bytes, request line and empty line included. Default 8 KiB.
    pub head_len_max: usize,
    /// Longest request target in bytes. Default 1 KiB.
    pub target_len_max: usize,
    /// Most header fields. Default 64.
    pub headers_max: usize,
}

impl Default for UpgradeLimits {
    fn default() -> UpgradeLimits {
        UpgradeLimits {
            head_len_max: 8192,
            target_len_max: 1024,
            headers_max: 64,
        }
    }
}

/// A valid request for a WebSocket, borrowed from the read buffer. Printed without its secrets.
#[derive(Clone, Copy)]
pub struct UpgradeRequest<'a> {
    /// Begins with `/`; visible ASCII, not percent-decoded, without query.
    pub path: &'a str,
    /// What follows the first `?`.
    pub query: Option<&'a str>,
    /// `Host`, not empty, visible ASCII.
    pub host: &'a str,
    /// `Sec-WebSocket-Key`: 24 characters of base64 that hold 16 bytes.
    pub key: &'a str,
    /// `Authorization` as sent. A secret: it does not belong in a log.
    pub authorization: Option<&'a [u8]>,
    /// `Origin`: only browsers send it.
    pub origin: Option<&'a [u8]>,
    /// `User-Agent`, unchecked bytes.
    pub user_agent: Option<&'a [u8]>,
    /// True when any `Forwarded` or `X-Forwarded-…` field is there: a proxy stands in between.
    pub forwarded: bool,
    fields: Fields<'a>,
}

impl fmt::Debug for UpgradeRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UpgradeRequest")
            .field("path", &self.path)
            .field("host", &self.host)
            .finish_non_exhaustive()
    }
}

impl<'a> UpgradeRequest<'a> {
    /// The subprotocols the client offers, most wanted first, over all `Sec-WebSocket-Protocol`
    /// fields. What is not a token is left out.
    pub fn protocols(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.fields
            .values("Sec-WebSocket-Protocol")
            .flat_map(list)
            .filter(|item| is_token(item))
            .filter_map(|item| str::from_utf8(item).ok())
    }

    /// The first of the client's offers of compression that a server with `options` can take, over all
    /// `Sec-WebSocket-Extensions` fields; what it cannot take or does not know is declined.
    #[must_use]
    pub fn deflate(&self, options: &DeflateOptions) -> Option<Agreement> {
        let offers = self.fields.values(EXTENSIONS).flat_map(list);
        accept(offers.filter_map(|item| str::from_utf8(item).ok()), options)
    }
}

/// Why a request is refused; [`UpgradeError::status`] and [`UpgradeError::headers`] say how.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UpgradeError {
    /// The head as such.
    #[error(transparent)]
    Head(#[from] HeadError),
    /// A TLS ClientHello on a listener without TLS.
    #[error("found a TLS handshake, expected plain HTTP (ws://)")]
    Tls,
    /// Not `METHOD target HTTP/1.1`.
    #[error("found the request line \"{found}\", expected `GET /… HTTP/1.1`")]
    RequestLine {
        /// The line, escaped and cut.
        found: String,
    },
    /// Any method but GET.
    #[error("found the method {found}, expected GET")]
    Method {
        /// The method, escaped and cut.
        found: String,
    },
    /// A target that is neither a path nor an absolute URL.
    #[error("found the target \"{found}\", expected a path of visible ASCII without fragment")]
    Target {
        /// The target, escaped and cut.
        found: String,
    },
    /// A target over the limit.
    #[error("target of {len} bytes exceeds the limit of {limit} bytes")]
    TargetTooLong {
        /// Its length in bytes.
        len: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// Another version of HTTP.
    #[error("found {found}, expected HTTP/1.1")]
    Version {
        /// The version, escaped and cut.
        found: String,
    },
    /// A request that does not ask for a WebSocket.
    #[error(
        "this is a WebSocket endpoint: expected `Upgrade: websocket` and `Connection: Upgrade`"
    )]
    NotUpgrade,
    /// Another version of the WebSocket protocol.
    #[error("Sec-WebSocket-Version is \"{found}\", expected 13")]
    WebSocketVersion {
        /// The version, escaped and cut.
        found: String,
    },
}

impl UpgradeError {
    /// The HTTP status to refuse with.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            UpgradeError::Head(HeadError::TooLong { .. } | HeadError::TooManyFields { .. }) => 431,
            UpgradeError::Head(
                HeadError::Line { .. }
                | HeadError::Missing { .. }
                | HeadError::Repeated { .. }
                | HeadError::Value { .. },
            )
            | UpgradeError::Tls
            | UpgradeError::RequestLine { .. }
            | UpgradeError::Target { .. } => 400,
            UpgradeError::Method { .. } => 405,
            UpgradeError::TargetTooLong { .. } => 414,
            UpgradeError::NotUpgrade | UpgradeError::WebSocketVersion { .. } => 426,
            UpgradeError::Version { .. } => 505,
        }
    }

    /// The fields the refusal must carry.
    #[must_use]
    pub fn headers(&self) -> &'static [(&'static str, &'static str)] {
        match self {
            UpgradeError::Method { .. } => &[("Allow", "GET")],
            UpgradeError::NotUpgrade => &[("Upgrade", "websocket")],
            UpgradeError::WebSocketVersion { .. } => {
                &[("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13")]
            }
            UpgradeError::Head(_)
            | UpgradeError::Tls
            | UpgradeError::RequestLine { .. }
            | UpgradeError::Target { .. }
            | UpgradeError::TargetTooLong { .. }
            | UpgradeError::Version { .. } => &[],
        }
    }
}

/// Reads the request at the start of `bytes`: the request and the length of its head, or `None` until
/// the head is whole. Bytes after the head are the client's first frames.
///
/// # Errors
///
/// The first thing found wrong. What cannot become HTTP is refused on its first bytes; an endless
/// head at `head_len_max`; a slow one is the caller's deadline.
pub fn parse_upgrade<'a>(
    bytes: &'a [u8],
    limits: &UpgradeLimits,
) -> Result<Option<(UpgradeRequest<'a>, usize)>, UpgradeError> {
    check_first_byte(bytes)?;
    let Some(head) = read_head(bytes, limits.head_len_max, limits.headers_max)? else {
        return Ok(None);
    };
    let target = request_target(head.start_line, limits)?;
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (target, None),
    };
    let fields = head.fields;
    let host = host(fields)?;
    refuse_body(fields)?;
    if !fields.has_token("Upgrade", "websocket") || !fields.has_token("Connection", "upgrade") {
        return Err(UpgradeError::NotUpgrade);
    }
    let version = fields.required("Sec-WebSocket-Version", "13")?;
    if version != b"13" {
        return Err(UpgradeError::WebSocketVersion {
            found: shown(version),
        });
    }
    let request = UpgradeRequest {
        path,
        query,
        host,
        key: key(fields)?,
        authorization: fields.single("Authorization")?,
        origin: fields.single("Origin")?,
        user_agent: fields.values("User-Agent").next(),
        forwarded: fields.iter().any(|(name, _)| is_forwarded(name)),
        fields,
    };
    Ok(Some((request, head.len)))
}

/// A client that talks TLS, or no HTTP at all, is told so at once instead of at its deadline.
fn check_first_byte(bytes: &[u8]) -> Result<(), UpgradeError> {
    match bytes {
        // Record type 22 (handshake), major version 3 (RFC 8446 §5.1).
        [0x16] | [0x16, 3, ..] => Err(UpgradeError::Tls),
        [first, ..] if !is_token(&[*first]) => Err(UpgradeError::RequestLine {
            found: shown(bytes),
        }),
        _ => Ok(()),
    }
}

fn request_target<'a>(line: &'a [u8], limits: &UpgradeLimits) -> Result<&'a str, UpgradeError> {
    let refused = || UpgradeError::RequestLine { found: shown(line) };
    let mut parts = line.split(|byte| *byte == b' ');
    let (Some(method), Some(target), Some(version), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(refused());
    };
    if !is_token(method) || !version.starts_with(b"HTTP/") {
        return Err(refused());
    }
    if version != b"HTTP/1.1" {
        return Err(UpgradeError::Version {
            found: shown(version),
        });
    }
    if method != b"GET" {
        return Err(UpgradeError::Method {
            found: shown(method),
        });
    }
    if target.len() > limits.target_len_max {
        return Err(UpgradeError::TargetTooLong {
            len: target.len(),
            limit: limits.target_len_max,
        });
    }
    path_of(target).ok_or_else(|| UpgradeError::Target {
        found: shown(target),
    })
}

/// The path of an origin-form or absolute-form target (RFC 9112 §3.2), with its query.
fn path_of(target: &[u8]) -> Option<&str> {
    if !target
        .iter()
        .all(|byte| byte.is_ascii_graphic() && *byte != b'#')
    {
        return None;
    }
    let target = str::from_utf8(target).ok()?;
    if target.starts_with('/') {
        return Some(target);
    }
    let (scheme, rest) = target.split_once("://")?;
    if !["http", "https", "ws", "wss"]
        .iter()
        .any(|known| scheme.eq_ignore_ascii_case(known))
    {
        return None;
    }
    let path_at = memchr(b'/', rest.as_bytes())?;
    Some(&rest[path_at..])
}

fn host(fields: Fields<'_>) -> Result<&str, HeadError> {
    let expected = "the host that was called";
    let value = fields.required("Host", expected)?;
    match str::from_utf8(value) {
        Ok(host) if !host.is_empty() && value.iter().all(u8::is_ascii_graphic) => Ok(host),
        _ => Err(HeadError::Value {
            name: "Host",
            found: shown(value),
            expected,
        }),
    }
}

/// An upgrade has no body, and one that were passed over would be read as frames.
fn refuse_body(fields: Fields<'_>) -> Result<(), HeadError> {
    if let Some(value) = fields.single("Content-Length")?
        && value != b"0"
    {
        let found = shown(value);
        return Err(HeadError::Value {
            name: "Content-Length",
            found,
            expected: "no body",
        });
    }
    match fields.values("Transfer-Encoding").next() {
        None => Ok(()),
        Some(value) => {
            let found = shown(value);
            Err(HeadError::Value {
                name: "Transfer-Encoding",
                found,
                expected: "no body",
            })
        }
    }
}

fn key(fields: Fields<'_>) -> Result<&str, HeadError> {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;

    const NAME: &str = "Sec-WebSocket-Key";
    let expected = "16 bytes in base64";
    let value = fields.required(NAME, expected)?;
    let mut decoded = [0; 18];
    match (
        STANDARD.decode_slice(value, &mut decoded),
        str::from_utf8(value),
    ) {
        (Ok(16), Ok(key)) => Ok(key),
        _ => Err(HeadError::Value {
            name: NAME,
            found: shown(value),
            expected,
        }),
    }
}

fn is_forwarded(name: &[u8]) -> bool {
    let prefix = b"x-forwarded-";
    is(name, "forwarded")
        || name
            .get(..prefix.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

#[cfg(test)]
mod tests;
