use proptest::prelude::*;

use super::*;

const GOOD: &str = "GET /ocpp/CP%20%31?x=1 HTTP/1.1\r\nHost: csms.example:9000\r\nUpgrade: websocket\r\n\
    Connection: keep-alive, Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: ocpp2.0.1, ocpp1.6\r\n\r\n";

/// `GOOD` with one line more.
fn with(line: &str) -> String {
    GOOD.replace("\r\n\r\n", &format!("\r\n{line}\r\n\r\n"))
}

/// `GOOD` with one thing changed, which must be there.
fn but(from: &str, to: &str) -> String {
    assert!(GOOD.contains(from), "{from}");
    GOOD.replace(from, to)
}

fn parse(bytes: &[u8]) -> Result<Option<(UpgradeRequest<'_>, usize)>, UpgradeError> {
    parse_upgrade(bytes, &UpgradeLimits::default())
}

fn refusal(bytes: &[u8]) -> String {
    match parse(bytes) {
        Err(error) => format!("{} {error}", error.status()),
        other => format!("{other:?}"),
    }
}

#[test]
fn a_request_is_read_whole() {
    let text =
        with("Origin: https://a\r\nauthorization: Basic Og==\r\nUser-Agent: EVSE/1\r\nX-Real: 1")
            + "frames";
    let (request, len) = parse(text.as_bytes()).unwrap().unwrap();
    assert_eq!(&text[len..], "frames");
    assert_eq!(
        (request.path, request.query),
        ("/ocpp/CP%20%31", Some("x=1"))
    );
    assert_eq!(
        (request.host, request.key),
        ("csms.example:9000", "dGhlIHNhbXBsZSBub25jZQ==")
    );
    assert_eq!(request.authorization, Some(&b"Basic Og=="[..]));
    assert_eq!(request.origin, Some(&b"https://a"[..]));
    assert_eq!(request.user_agent, Some(&b"EVSE/1"[..]));
    assert!(!request.forwarded);
    assert!(request.protocols().eq(["ocpp2.0.1", "ocpp1.6"]));
}

#[test]
fn what_stations_and_proxies_really_send_is_taken() {
    for text in [
        but("Upgrade: websocket", "UPGRADE:WebSocket"),
        but("keep-alive, Upgrade", "UPGRADE\t"),
        but(
            "Connection: keep-alive, Upgrade",
            "Connection: keep-alive\r\nConnection: upgrade",
        ),
        but("GET /", "GET http://csms.example:9000/"),
        but("GET /", "GET wss://csms.example/"),
        with("Content-Length: 0"),
        with("Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"),
        with("X-Empty:"),
        // With these, 64.
        with(&["X-A: 1"; 58].join("\r\n")),
        with("X-Latin: caf\u{e9}"),
    ] {
        let (request, _) = parse(text.as_bytes()).unwrap().unwrap();
        assert_eq!(request.path, "/ocpp/CP%20%31", "{text}");
    }
}

#[test]
fn protocols_come_from_every_field_in_their_order() {
    let text =
        with("sec-websocket-protocol: , a b,\"q\",ocpp2.1 ,,x\u{e9}\r\nSec-WebSocket-Protocol:");
    let (request, _) = parse(text.as_bytes()).unwrap().unwrap();
    assert!(request.protocols().eq(["ocpp2.0.1", "ocpp1.6", "ocpp2.1"]));
    let text = but("Sec-WebSocket-Protocol: ocpp2.0.1, ocpp1.6\r\n", "");
    let (request, _) = parse(text.as_bytes()).unwrap().unwrap();
    assert_eq!(request.protocols().count(), 0);
}

#[test]
fn a_proxy_in_between_shows() {
    for name in [
        "Forwarded",
        "X-Forwarded-For",
        "x-forwarded-proto",
        "X-FORWARDED-HOST",
    ] {
        let text = with(&format!("{name}: for=10.0.0.1"));
        assert!(
            parse(text.as_bytes()).unwrap().unwrap().0.forwarded,
            "{name}"
        );
    }
    let text = with("X-Forwarded: 1\r\nForwarded-For: 1");
    assert!(!parse(text.as_bytes()).unwrap().unwrap().0.forwarded);
}

#[test]
fn bad_handshakes_have_their_status_and_say_what_was_found() {
    let line = "GET /ocpp/CP%20%31?x=1 HTTP/1.1";
    let (upgrade, key) = (
        "Upgrade: websocket\r\n",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    );
    let not_upgrade = "426 this is a WebSocket endpoint: expected `Upgrade: websocket` and \
                       `Connection: Upgrade`";
    let request_line =
        |found: &str| format!("400 found the request line \"{found}\", expected `GET /… HTTP/1.1`");
    let target = |found: &str| {
        format!(
            "400 found the target \"{found}\", expected a path of visible ASCII without fragment"
        )
    };
    let header = |found: &str| {
        format!("400 found a header line that begins with \"{found}\", expected `name: value`")
    };
    let bad_key = |found: &str| {
        format!("400 header Sec-WebSocket-Key is \"{found}\", expected 16 bytes in base64")
    };
    let cases: Vec<(String, String)> = vec![
        // No HTTP at all, said at once.
        (
            "\x16\x03\x01\x02\x00\x01".into(),
            "400 found a TLS handshake, expected plain HTTP (ws://)".into(),
        ),
        (
            "\x16".into(),
            "400 found a TLS handshake, expected plain HTTP (ws://)".into(),
        ),
        ("\0\0\0".into(), request_line("\\x00\\x00\\x00")),
        ("\r\n".into(), request_line("\\r\\n")),
        ("{\"a\":1}".into(), request_line("{\\\"a\\\":1}")),
        // The request line.
        (but(line, "GET /"), request_line("GET /")),
        (
            but(line, "GET  / HTTP/1.1"),
            request_line("GET  / HTTP/1.1"),
        ),
        (
            but(line, "GET / HTTP/1.1 "),
            request_line("GET / HTTP/1.1 "),
        ),
        (
            but(line, "GET\t/\tHTTP/1.1"),
            request_line("GET\\t/\\tHTTP/1.1"),
        ),
        (but(line, "G@T / HTTP/1.1"), request_line("G@T / HTTP/1.1")),
        (but(line, "GET / ICAP/1.0"), request_line("GET / ICAP/1.0")),
        (
            but("HTTP/1.1", "HTTP/1.0"),
            "505 found HTTP/1.0, expected HTTP/1.1".into(),
        ),
        (
            but("HTTP/1.1", "HTTP/2.0"),
            "505 found HTTP/2.0, expected HTTP/1.1".into(),
        ),
        (
            but("HTTP/1.1", "HTTP/1.1\u{1}"),
            "505 found HTTP/1.1\\x01, expected HTTP/1.1".into(),
        ),
        (
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".into(),
            "505 found HTTP/2.0, expected HTTP/1.1".into(),
        ),
        (
            but("GET", "POST"),
            "405 found the method POST, expected GET".into(),
        ),
        (
            but("GET", "get"),
            "405 found the method get, expected GET".into(),
        ),
        (
            but("GET", "CONNECT"),
            "405 found the method CONNECT, expected GET".into(),
        ),
        (but(line, "GET * HTTP/1.1"), target("*")),
        (but(line, "GET csms:9000 HTTP/1.1"), target("csms:9000")),
        (but(line, "GET ftp://a/b HTTP/1.1"), target("ftp://a/b")),
        (but(line, "GET ws://a HTTP/1.1"), target("ws://a")),
        (but(line, "GET /a#b HTTP/1.1"), target("/a#b")),
        (but(line, "GET /a\0 HTTP/1.1"), target("/a\\x00")),
        (
            but(line, "GET /caf\u{e9} HTTP/1.1"),
            target("/caf\\xc3\\xa9"),
        ),
        (
            but("/ocpp/", &"/o".repeat(600)),
            "414 target of 1212 bytes exceeds the limit of 1024 bytes".into(),
        ),
        // The header lines.
        (but("Host:", "Host :"), header("Host")),
        (but("Host:", " Host:"), header("")),
        (with("X-A: 1\r\n folded"), header("")),
        (with("no colon"), header("no")),
        (with(": empty"), header("")),
        (with("X-A: a\nX-B: b"), header("X-A")),
        (with("X-A: a\rX-B: b"), header("X-A")),
        (with("X-A: \0"), header("X-A")),
        (with("X-\u{e9}: 1"), header("X-\\xc3\\xa9")),
        (
            with(&["X-A: 1"; 59].join("\r\n")),
            "431 head has more than 64 fields".into(),
        ),
        (
            with(&format!("X-A: {}", "a".repeat(8192))),
            "431 head exceeds 8192 bytes".into(),
        ),
        (
            "GET /".to_string() + &"a".repeat(8192),
            "431 head exceeds 8192 bytes".into(),
        ),
        // The fields.
        (
            but("Host: csms.example:9000\r\n", ""),
            "400 header Host is missing, expected the host that was called".into(),
        ),
        (
            with("Host: other"),
            "400 header Host stands more than once".into(),
        ),
        (
            but("csms.example:9000", ""),
            "400 header Host is \"\", expected the host that was called".into(),
        ),
        (
            but("csms.example:9000", "a b"),
            "400 header Host is \"a b\", expected the host that was called".into(),
        ),
        (
            with("Content-Length: 5"),
            "400 header Content-Length is \"5\", expected no body".into(),
        ),
        (
            with("Transfer-Encoding: chunked"),
            "400 header Transfer-Encoding is \"chunked\", expected no body".into(),
        ),
        (
            with("Content-Length: 0\r\nContent-Length: 0"),
            "400 header Content-Length stands more than once".into(),
        ),
        (but(upgrade, ""), not_upgrade.into()),
        (but("websocket", "h2c"), not_upgrade.into()),
        (but("keep-alive, Upgrade", "keep-alive"), not_upgrade.into()),
        (
            but("Version: 13", "Version: 8"),
            "426 Sec-WebSocket-Version is \"8\", expected 13".into(),
        ),
        (
            but("Version: 13", "Version: 13, 8"),
            "426 Sec-WebSocket-Version is \"13, 8\", expected 13".into(),
        ),
        (
            but("Sec-WebSocket-Version: 13\r\n", ""),
            "400 header Sec-WebSocket-Version is missing, expected 13".into(),
        ),
        (
            but(&format!("{key}\r\n"), ""),
            "400 header Sec-WebSocket-Key is missing, expected 16 bytes in base64".into(),
        ),
        (
            with(key),
            "400 header Sec-WebSocket-Key stands more than once".into(),
        ),
        (but("dGhlIHNhbXBsZSBub25jZQ==", "short"), bad_key("short")),
        (but("jZQ==", "jZQ"), bad_key("dGhlIHNhbXBsZSBub25jZQ")),
        (but("jZQ==", "jZWU="), bad_key("dGhlIHNhbXBsZSBub25jZWU=")),
        (
            with("Origin: a\r\norigin: b"),
            "400 header Origin stands more than once".into(),
        ),
        (
            with("Authorization: Basic Og==\r\nAuthorization: Basic Og=="),
            "400 header Authorization stands more than once".into(),
        ),
    ];
    for (bytes, expected) in &cases {
        assert_eq!(
            refusal(bytes.as_bytes()),
            *expected,
            "{}",
            bytes.escape_default()
        );
    }
}

#[test]
fn a_secret_is_in_no_error_and_in_no_debug_line() {
    for line in [
        "Authorization : Basic c2VjcmV0",
        "Authorization: Basic c2VjcmV0\r\n c2VjcmV0",
    ] {
        let error = parse(with(line).as_bytes()).unwrap_err();
        assert!(
            !format!("{error} {error:?}").contains("c2VjcmV0"),
            "{error}"
        );
    }
    let text = with("Authorization: Basic c2VjcmV0");
    let (request, _) = parse(text.as_bytes()).unwrap().unwrap();
    assert_eq!(
        format!("{request:?}"),
        r#"UpgradeRequest { path: "/ocpp/CP%20%31", host: "csms.example:9000", .. }"#
    );
}

#[test]
fn a_refusal_says_in_its_fields_what_would_do() {
    let headers = |bytes: &str| parse(bytes.as_bytes()).unwrap_err().headers();
    assert_eq!(headers(&but("GET", "PUT")), [("Allow", "GET")]);
    assert_eq!(
        headers(&but("websocket", "h2c")),
        [("Upgrade", "websocket")]
    );
    assert_eq!(
        headers(&but("Version: 13", "Version: 8")),
        [("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13")]
    );
}

#[test]
fn a_head_is_awaited_until_its_last_byte() {
    for cut in 0..GOOD.len() {
        assert!(
            parse(&GOOD.as_bytes()[..cut]).unwrap().is_none(),
            "cut at {cut}"
        );
    }
}

proptest! {
    #[test]
    fn random_bytes_are_a_request_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = parse(&bytes);
    }

    #[test]
    fn a_request_with_random_damage_is_read_or_refused(
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut bytes = GOOD.as_bytes().to_vec();
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Ok(Some((request, len))) = parse(&bytes) {
            prop_assert!(len <= bytes.len());
            prop_assert!(request.path.starts_with('/'));
            prop_assert_eq!(request.key.len(), 24);
            let _ = request.protocols().count();
        }
    }
}
