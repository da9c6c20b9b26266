//! Handshakes, good and bad, and what each is answered with.

use std::fmt::Write;

use expect_test::expect;

use super::world::{World, config, upgrade};
use crate::config::{Config, Onboarding};

/// Handshakes by request: path, further header lines.
const REQUESTS: &[(&str, &str)] = &[
    ("/CP1", "Sec-WebSocket-Protocol: ocpp1.6\r\n"),
    ("/CP1", "Sec-WebSocket-Protocol: ocpp2.0.1\r\n"),
    ("/CP1", "Sec-WebSocket-Protocol: ocpp2.0.1, ocpp1.6\r\n"),
    ("/CP1", "Sec-WebSocket-Protocol: ocpp1.6, ocpp2.0.1\r\n"),
    ("/CP1", "Sec-WebSocket-Protocol: ocpp1.5, ocpp1.6\r\n"),
    (
        "/CP1",
        "Sec-WebSocket-Protocol: ocpp1.5\r\nSec-WebSocket-Protocol: ocpp2.0.1\r\n",
    ),
    ("/CP1", ""),
    ("/CP1", "Sec-WebSocket-Protocol: ocpp2.1\r\n"),
    ("/CP1", "Sec-WebSocket-Protocol: OCPP1.6\r\n"),
    ("/ocpp/default/CP1", "Sec-WebSocket-Protocol: ocpp1.6\r\n"),
    ("//ocpp//CP1/", "Sec-WebSocket-Protocol: ocpp1.6\r\n"),
    ("/CP%201?x=y", "Sec-WebSocket-Protocol: ocpp1.6\r\n"),
    ("/", "Sec-WebSocket-Protocol: ocpp1.6\r\n"),
    ("/..", "Sec-WebSocket-Protocol: ocpp1.6\r\n"),
    ("/%2e%2e", "Sec-WebSocket-Protocol: ocpp1.6\r\n"),
    ("/CP%00", "Sec-WebSocket-Protocol: ocpp1.6\r\n"),
    ("/CP%2F1", "Sec-WebSocket-Protocol: ocpp1.6\r\n"),
    ("/CP%zz", "Sec-WebSocket-Protocol: ocpp1.6\r\n"),
    ("/CP%ff", "Sec-WebSocket-Protocol: ocpp1.6\r\n"),
    ("/CP:1", "Sec-WebSocket-Protocol: ocpp1.6\r\n"),
    (
        "/1234567890123456789012345678901234567890123456789",
        "Sec-WebSocket-Protocol: ocpp1.6\r\n",
    ),
    (
        "/CP1",
        "Sec-WebSocket-Protocol: ocpp1.6\r\nOrigin: https://evil.example\r\n",
    ),
    (
        "/CP1",
        "Sec-WebSocket-Protocol: ocpp1.6\r\nOrigin: https://tool.example\r\n",
    ),
    (
        "/CP1",
        "Sec-WebSocket-Protocol: ocpp1.6\r\nX-Forwarded-For: 10.0.0.1\r\n",
    ),
    (
        "/CP1",
        "Sec-WebSocket-Protocol: ocpp1.6\r\nForwarded: for=10.0.0.1\r\n",
    ),
    (
        "/CP1",
        "Sec-WebSocket-Protocol: ocpp1.6\r\nAuthorization: Basic !\r\n",
    ),
    (
        "/CP1",
        "Sec-WebSocket-Protocol: ocpp1.6\r\nAuthorization: Bearer x\r\n",
    ),
    // CP2:x
    (
        "/CP1",
        "Sec-WebSocket-Protocol: ocpp1.6\r\nAuthorization: Basic Q1AyOng=\r\n",
    ),
    // CP1:x
    (
        "/CP1",
        "Sec-WebSocket-Protocol: ocpp1.6\r\nAuthorization: Basic Q1AxOng=\r\n",
    ),
    ("/CP1", "Sec-WebSocket-Protocol: ocpp1.6\r\nHost: twice\r\n"),
    (
        "/CP1",
        "Sec-WebSocket-Protocol: ocpp1.6\r\nContent-Length: 5\r\n",
    ),
];

/// Whole requests.
const RAW: &[&str] = &[
    "POST /CP1 HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n",
    "GET /CP1 HTTP/1.0\\r\\nHost: a\\r\\n\\r\\n",
    "GET /CP1 HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n",
    "GET /CP1\\r\\n\\r\\n",
    "GET  /CP1 HTTP/1.1\\r\\n\\r\\n",
    "hello",
    "\u{16}\u{3}\u{1}",
    "GET /CP1 HTTP/1.1\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\nSec-WebSocket-Version: 13\\r\\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\\r\\n\\r\\n",
    "GET /CP1 HTTP/1.1\\r\\nHost: a\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\nSec-WebSocket-Version: 8\\r\\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\\r\\n\\r\\n",
    "GET /CP1 HTTP/1.1\\r\\nHost: a\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\nSec-WebSocket-Version: 13\\r\\nSec-WebSocket-Key: short\\r\\n\\r\\n",
];

fn answers(config: &Config) -> String {
    let mut out = String::new();
    let raw = REQUESTS.iter().map(|(path, headers)| {
        let shown = headers.trim_end().replace("\r\n", " · ");
        (
            format!("{path} {shown}"),
            upgrade(path, headers).replace("\r\n", "\\r\\n"),
        )
    });
    let whole = RAW
        .iter()
        .map(|request| (request.replace("\\r\\n", "⏎"), (*request).to_owned()));
    for (shown, request) in raw.chain(whole) {
        let mut world = World::new(config.clone());
        let seen = world.run(&format!("0 a raw {request}"));
        let seen: Vec<_> = seen
            .lines()
            .map(|line| line.trim_start_matches("0 a "))
            .collect();
        let seen = if seen.is_empty() {
            "(nothing)".to_owned()
        } else {
            seen.join(" | ")
        };
        let cut: String = shown.chars().take(100).collect();
        writeln!(out, "{}\n    {seen}", cut.escape_debug()).unwrap();
    }
    out
}

#[test]
fn handshakes_while_onboarding_is_open() {
    let mut config = config(Onboarding::Open);
    config.origins = vec!["https://tool.example".into()];
    expect![[r#"
        /CP1 Sec-WebSocket-Protocol: ocpp1.6
            < 101 Switching Protocols ocpp1.6
        /CP1 Sec-WebSocket-Protocol: ocpp2.0.1
            < 101 Switching Protocols ocpp2.0.1
        /CP1 Sec-WebSocket-Protocol: ocpp2.0.1, ocpp1.6
            < 101 Switching Protocols ocpp2.0.1
        /CP1 Sec-WebSocket-Protocol: ocpp1.6, ocpp2.0.1
            < 101 Switching Protocols ocpp1.6
        /CP1 Sec-WebSocket-Protocol: ocpp1.5, ocpp1.6
            < 101 Switching Protocols ocpp1.6
        /CP1 Sec-WebSocket-Protocol: ocpp1.5 · Sec-WebSocket-Protocol: ocpp2.0.1
            < 101 Switching Protocols ocpp2.0.1
        /CP1 
            < 101 Switching Protocols | < close 1002 no common subprotocol, offered here: ocpp2.1, ocpp2.0.1, ocpp1.6 | ended
        /CP1 Sec-WebSocket-Protocol: ocpp2.1
            < 101 Switching Protocols ocpp2.1
        /CP1 Sec-WebSocket-Protocol: OCPP1.6
            < 101 Switching Protocols | < close 1002 no common subprotocol, offered here: ocpp2.1, ocpp2.0.1, ocpp1.6 | ended
        /ocpp/default/CP1 Sec-WebSocket-Protocol: ocpp1.6
            < 101 Switching Protocols ocpp1.6
        //ocpp//CP1/ Sec-WebSocket-Protocol: ocpp1.6
            < 101 Switching Protocols ocpp1.6
        /CP%201?x=y Sec-WebSocket-Protocol: ocpp1.6
            < 101 Switching Protocols ocpp1.6
        / Sec-WebSocket-Protocol: ocpp1.6
            < 404 Not Found | ended
        /.. Sec-WebSocket-Protocol: ocpp1.6
            < 400 Bad Request | ended
        /%2e%2e Sec-WebSocket-Protocol: ocpp1.6
            < 400 Bad Request | ended
        /CP%00 Sec-WebSocket-Protocol: ocpp1.6
            < 400 Bad Request | ended
        /CP%2F1 Sec-WebSocket-Protocol: ocpp1.6
            < 400 Bad Request | ended
        /CP%zz Sec-WebSocket-Protocol: ocpp1.6
            < 400 Bad Request | ended
        /CP%ff Sec-WebSocket-Protocol: ocpp1.6
            < 400 Bad Request | ended
        /CP:1 Sec-WebSocket-Protocol: ocpp1.6
            < 400 Bad Request | ended
        /1234567890123456789012345678901234567890123456789 Sec-WebSocket-Protocol: ocpp1.6
            < 400 Bad Request | ended
        /CP1 Sec-WebSocket-Protocol: ocpp1.6 · Origin: https://evil.example
            < 403 Forbidden | ended
        /CP1 Sec-WebSocket-Protocol: ocpp1.6 · Origin: https://tool.example
            < 101 Switching Protocols ocpp1.6
        /CP1 Sec-WebSocket-Protocol: ocpp1.6 · X-Forwarded-For: 10.0.0.1
            < 101 Switching Protocols ocpp1.6
        /CP1 Sec-WebSocket-Protocol: ocpp1.6 · Forwarded: for=10.0.0.1
            < 101 Switching Protocols ocpp1.6
        /CP1 Sec-WebSocket-Protocol: ocpp1.6 · Authorization: Basic !
            < 400 Bad Request | ended
        /CP1 Sec-WebSocket-Protocol: ocpp1.6 · Authorization: Bearer x
            < 401 Unauthorized | ended
        /CP1 Sec-WebSocket-Protocol: ocpp1.6 · Authorization: Basic Q1AyOng=
            < 401 Unauthorized | ended
        /CP1 Sec-WebSocket-Protocol: ocpp1.6 · Authorization: Basic Q1AxOng=
            < 101 Switching Protocols ocpp1.6
        /CP1 Sec-WebSocket-Protocol: ocpp1.6 · Host: twice
            < 400 Bad Request | ended
        /CP1 Sec-WebSocket-Protocol: ocpp1.6 · Content-Length: 5
            < 400 Bad Request | ended
        POST /CP1 HTTP/1.1⏎Host: a⏎⏎
            < 405 Method Not Allowed | ended
        GET /CP1 HTTP/1.0⏎Host: a⏎⏎
            < 505 HTTP Version Not Supported | ended
        GET /CP1 HTTP/1.1⏎Host: a⏎⏎
            < 426 Upgrade Required | ended
        GET /CP1⏎⏎
            < 400 Bad Request | ended
        GET  /CP1 HTTP/1.1⏎⏎
            < 400 Bad Request | ended
        hello
            (nothing)
        \u{16}\u{3}\u{1}
            < 400 Bad Request | ended
        GET /CP1 HTTP/1.1⏎Upgrade: websocket⏎Connection: Upgrade⏎Sec-WebSocket-Version: 13⏎Sec-WebSocket-Key
            < 400 Bad Request | ended
        GET /CP1 HTTP/1.1⏎Host: a⏎Upgrade: websocket⏎Connection: Upgrade⏎Sec-WebSocket-Version: 8⏎Sec-WebSoc
            < 426 Upgrade Required | ended
        GET /CP1 HTTP/1.1⏎Host: a⏎Upgrade: websocket⏎Connection: Upgrade⏎Sec-WebSocket-Version: 13⏎Sec-WebSo
            < 400 Bad Request | ended
    "#]].assert_eq(&answers(&config));
}

#[test]
fn nobody_unknown_comes_in_while_onboarding_is_closed() {
    let answers = answers(&config(Onboarding::Closed));
    assert!(!answers.contains("101"), "{answers}");
    assert!(answers.matches("404 Not Found").count() > 10, "{answers}");
}

#[test]
fn unknown_and_wrong_look_alike() {
    let mut world = World::new(config(Onboarding::Closed));
    world.run("0 op register CP1 0123456789abcdef");
    let body = |world: &mut World, identity: &str| {
        let request = upgrade(
            &format!("/{identity}"),
            "Sec-WebSocket-Protocol: ocpp1.6\r\n",
        );
        world.run(&format!("0 a raw {}", request.replace("\r\n", "\\r\\n")));
        world
            .last_refusal
            .rsplit("\r\n\r\n")
            .next()
            .unwrap()
            .to_owned()
    };
    let (wrong, unknown) = (body(&mut world, "CP1"), body(&mut world, "CP2"));
    assert!(!wrong.is_empty());
    assert_eq!(wrong, unknown);
}

#[test]
fn many_wrong_passwords_do_not_lock_the_right_one_out() {
    let mut world = World::new(config(Onboarding::Closed));
    world.run("0 op register CP1 0123456789abcdef");
    let wrong: String = (0..30)
        .map(|n| format!("1 w{n} connect CP1 password=0123456789abcdeX\n"))
        .collect();
    let seen = world.run(&wrong);
    assert_eq!(seen.matches("401 Unauthorized").count(), 10, "{seen}");
    assert_eq!(seen.matches("429 Too Many Requests").count(), 20, "{seen}");
    let right = world.run("2 a connect CP1 password=0123456789abcdef");
    assert!(right.contains("101"), "{right}");
    let records = world.log.len();
    assert!(
        records < 20,
        "wrong passwords fill the log: {records} records"
    );
}
