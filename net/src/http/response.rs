//! The server side: writing the answer.

use super::accept_key;
use super::head::EXTENSIONS;
use crate::ws::{Agreement, answer};

/// Appends the 101 that turns the connection into a WebSocket: `key` is the request's
/// `Sec-WebSocket-Key`, `protocol` the subprotocol chosen from its offer, if one was, `deflate` what
/// [`super::UpgradeRequest::deflate`] came to.
pub fn write_switching(
    out: &mut Vec<u8>,
    key: &str,
    protocol: Option<&str>,
    deflate: Option<&Agreement>,
) {
    out.extend_from_slice(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n",
    );
    write_field(out, "Sec-WebSocket-Accept", &accept_key(key));
    if let Some(protocol) = protocol {
        write_field(out, "Sec-WebSocket-Protocol", protocol);
    }
    if let Some(agreement) = deflate {
        write_field(out, EXTENSIONS, &answer(agreement));
    }
    out.extend_from_slice(b"\r\n");
}

/// Appends a whole answer of plain text that refuses the upgrade and ends the connection; close it
/// after. `headers` are added as they are; a control character in a value becomes a blank, so that no
/// value can end its field.
pub fn write_refusal(out: &mut Vec<u8>, status: u16, headers: &[(&str, &str)], body: &str) {
    out.extend_from_slice(format!("HTTP/1.1 {status} {}\r\n", reason(status)).as_bytes());
    for (name, value) in headers {
        write_field(out, name, value);
    }
    write_field(out, "Connection", "close");
    write_field(out, "Content-Type", "text/plain; charset=utf-8");
    write_field(out, "Content-Length", &body.len().to_string());
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(body.as_bytes());
}

pub(super) fn write_field(out: &mut Vec<u8>, name: &str, value: &str) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    out.extend(
        value
            .bytes()
            .map(|byte| if byte.is_ascii_control() { b' ' } else { byte }),
    );
    out.extend_from_slice(b"\r\n");
}

/// The phrase beside a status: no client reads it, people in front of a trace do.
fn reason(status: u16) -> &'static str {
    match status {
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        409 => "Conflict",
        414 => "URI Too Long",
        426 => "Upgrade Required",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        503 => "Service Unavailable",
        505 => "HTTP Version Not Supported",
        _ => "Refused",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    #[test]
    fn switching_names_the_protocol_that_was_chosen() {
        let mut out = Vec::new();
        write_switching(
            &mut out,
            "dGhlIHNhbXBsZSBub25jZQ==",
            Some("ocpp2.0.1"),
            None,
        );
        expect![[r#"
            HTTP/1.1 101 Switching Protocols\r
            Upgrade: websocket\r
            Connection: Upgrade\r
            Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r
            Sec-WebSocket-Protocol: ocpp2.0.1\r
            \r
        "#]]
        .assert_eq(&lines(&out));
    }

    #[test]
    fn a_refusal_is_a_whole_answer_and_no_value_ends_its_field() {
        let mut out = Vec::new();
        let headers = [("WWW-Authenticate", "Basic realm=\"a\r\nSet-Cookie: b\"")];
        write_refusal(&mut out, 401, &headers, "credentials expected\n");
        expect![[r#"
            HTTP/1.1 401 Unauthorized\r
            WWW-Authenticate: Basic realm="a  Set-Cookie: b"\r
            Connection: close\r
            Content-Type: text/plain; charset=utf-8\r
            Content-Length: 21\r
            \r
            credentials expected
        "#]]
        .assert_eq(&lines(&out));
    }

    fn lines(out: &[u8]) -> String {
        String::from_utf8(out.to_vec())
            .unwrap()
            .replace('\r', "\\r")
    }
}
