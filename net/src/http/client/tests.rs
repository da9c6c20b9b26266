use expect_test::expect;

use super::*;
use crate::http::{
    UpgradeLimits, basic_credentials, parse_upgrade, write_refusal, write_switching,
};

/// The nonce of RFC 6455 §1.3, whose key is `dGhlIHNhbXBsZSBub25jZQ==`.
fn key() -> ClientKey {
    ClientKey::new(*b"the sample nonce")
}

fn parse(answer: &str) -> String {
    match parse_client_response(answer.as_bytes(), &key(), None) {
        Ok(None) => "more".to_string(),
        Ok(Some((response, len))) => format!("{response:?}, {} bytes follow", answer.len() - len),
        Err(error) => error.to_string(),
    }
}

#[test]
fn a_server_understands_what_a_client_asks() {
    let mut out = Vec::new();
    let key = key();
    let upgrade = ClientUpgrade {
        host: "csms.example:9000",
        target: "/ocpp/CP%201?a=b",
        key: &key,
        protocols: &["ocpp2.0.1", "ocpp1.6"],
        basic: Some(("CP 1", b"p:\xff")),
        deflate: None,
    };
    write_client_upgrade(&mut out, &upgrade);
    expect![[r#"
        GET /ocpp/CP%201?a=b HTTP/1.1
        Host: csms.example:9000
        Upgrade: websocket
        Connection: Upgrade
        Sec-WebSocket-Version: 13
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==
        Sec-WebSocket-Protocol: ocpp2.0.1, ocpp1.6
        Authorization: Basic Q1AgMTpwOv8=

    "#]]
    .assert_eq(&str::from_utf8(&out).unwrap().replace('\r', ""));

    let (request, len) = parse_upgrade(&out, &UpgradeLimits::default())
        .unwrap()
        .unwrap();
    assert_eq!(len, out.len());
    assert_eq!((request.path, request.query), ("/ocpp/CP%201", Some("a=b")));
    assert!(request.protocols().eq(["ocpp2.0.1", "ocpp1.6"]));
    let credentials = basic_credentials(request.authorization.unwrap()).unwrap();
    assert_eq!(
        (credentials.user(), credentials.password()),
        (&b"CP 1"[..], &b"p:\xff"[..])
    );

    let mut answer = Vec::new();
    write_switching(&mut answer, request.key, request.protocols().next(), None);
    let answer = String::from_utf8(answer).unwrap();
    assert_eq!(
        parse(&answer),
        r#"Switched { protocol: Some("ocpp2.0.1"), deflate: None }, 0 bytes follow"#
    );
    for cut in 0..answer.len() {
        assert_eq!(parse(&answer[..cut]), "more");
    }
}

#[test]
fn a_target_cannot_end_the_request_line() {
    let mut out = Vec::new();
    let key = key();
    let target = "/a b\r\nX: y";
    let upgrade = ClientUpgrade {
        host: "h",
        target,
        key: &key,
        protocols: &[],
        basic: None,
        deflate: None,
    };
    write_client_upgrade(&mut out, &upgrade);
    assert!(out.starts_with(b"GET /a_b__X:_y HTTP/1.1\r\nHost: h\r\n"));
}

#[test]
fn a_refusal_is_its_status() {
    let mut out = Vec::new();
    write_refusal(&mut out, 503, &[("Retry-After", "30")], "later");
    let answer = String::from_utf8(out).unwrap();
    assert_eq!(parse(&answer), "Refused { status: 503 }, 5 bytes follow");
}

#[test]
fn an_answer_that_is_none_is_an_error() {
    let good = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
    assert_eq!(
        parse(&format!("{good}\u{1}")),
        "Switched { protocol: None, deflate: None }, 1 bytes follow"
    );
    let cases = [
        (
            good.replace("HTTP/1.1", "HTTP/1.0"),
            "found the status line \"HTTP/1.0 101 Switching Protocols\", expected `HTTP/1.1 101 …`",
        ),
        (
            good.replace("101", "1O1"),
            "found the status line \"HTTP/1.1 1O1 Switching Protocols\", expected `HTTP/1.1 101 …`",
        ),
        (
            good.replace("101 ", "1010 "),
            "found the status line \"HTTP/1.1 1010 Switching Protocols\", expected `HTTP/1.1 101 …`",
        ),
        (
            good.replace("websocket", "h2c"),
            "header Upgrade is missing, expected websocket",
        ),
        (
            good.replace(": Upgrade", ": close"),
            "header Connection is missing, expected upgrade",
        ),
        (
            good.replace("s3p", "S3p"),
            "header Sec-WebSocket-Accept is \"S3pPLMBiTxaQ9kYGzzhZRbK+xOo=\", expected the answer to our key",
        ),
        (
            good.replace(
                "\r\n\r\n",
                "\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n",
            ),
            "header Sec-WebSocket-Extensions is \"permessage-deflate\", expected none, as none was offered",
        ),
        (
            good.replace("\r\n\r\n", &"\r\nSec-WebSocket-Protocol: a".repeat(2)) + "\r\n\r\n",
            "header Sec-WebSocket-Protocol stands more than once",
        ),
        ("x".repeat(8192), "head exceeds 8192 bytes"),
    ];
    for (answer, expected) in cases {
        assert_eq!(parse(&answer), expected);
    }
}
