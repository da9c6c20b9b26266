//! What peers of the HTTP listener may take: bytes, time and turns.

use std::io::{Read, Write};
use std::net::TcpStream;

use super::server::{Server, Site, TOKEN};
use super::wait::DEADLINE;

fn start(site: &Site, settings: &str) -> Server {
    let file = site.path("sigec.toml");
    std::fs::write(&file, settings).unwrap();
    site.start(&["--config", file.to_str().unwrap()])
}

fn connect(server: &Server) -> TcpStream {
    let socket = TcpStream::connect(&server.ready.http).unwrap();
    socket.set_read_timeout(Some(DEADLINE)).unwrap();
    socket
}

/// Everything until the server closes; a reset is a failure.
fn rest(mut socket: TcpStream) -> String {
    let mut text = String::new();
    socket.read_to_string(&mut text).unwrap();
    text
}

#[test]
fn a_body_that_is_too_large_is_answered_and_not_cut_off() {
    const LEN: usize = 20 << 20;
    let site = Site::new();
    let server = start(&site, "");
    for (authorization, path, length) in [
        (
            format!("Authorization: Bearer {TOKEN}\r\n"),
            "/api/v1/devices",
            Some(LEN),
        ),
        (
            format!("Authorization: Bearer {TOKEN}\r\n"),
            "/api/v1/sql",
            None,
        ),
        (String::new(), "/api/v1/devices", Some(LEN)),
    ] {
        let mut socket = connect(&server);
        let length = match length {
            Some(len) => format!("Content-Length: {len}\r\n"),
            None => "Transfer-Encoding: chunked\r\n".to_owned(),
        };
        write!(
            socket,
            "POST {path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n{authorization}{length}\
             Content-Type: application/json\r\n\r\n"
        )
        .unwrap();
        if length.contains("chunked") {
            write!(socket, "{LEN:x}\r\n").unwrap();
        }
        // All of it is taken, though nobody wants it: what the peer sends first is what it can send.
        socket.write_all(&vec![b' '; LEN]).unwrap();
        if length.contains("chunked") {
            write!(socket, "\r\n0\r\n\r\n").unwrap();
        }
        let answer = rest(socket);
        assert!(
            answer.starts_with("HTTP/1.1 413 ") && answer.contains("/problems/too_large"),
            "{path}: {answer}"
        );
    }
}

#[test]
fn a_head_that_does_not_come_ends_the_connection_and_no_other() {
    let site = Site::new();
    let server = start(
        &site,
        "[http]\nheader_timeout = \"1s\"\nconnections_max = 4\n",
    );
    let mut slow: Vec<_> = (0..4).map(|_| connect(&server)).collect();
    for socket in &mut slow {
        socket
            .write_all(b"GET /health/live HTTP/1.1\r\nHost:")
            .unwrap();
    }
    // All places are taken; this one waits for its turn.
    assert_eq!(server.get("/health/live").status, 200);
    for socket in slow {
        let answer = rest(socket);
        assert!(!answer.contains(" 200 "), "{answer}");
    }
}

#[test]
fn whoever_asks_too_often_is_told_when_to_come_back() {
    let site = Site::new();
    let server = start(&site, "[http]\nrate_principal = 1\nrate_anonymous = 1\n");
    for token in [TOKEN, "nobody's"] {
        let mut refused = None;
        for _ in 0..100 {
            let answer = server.request("GET", "/api/v1/tokens", token, &[], "");
            if answer.status == 429 {
                refused = Some(answer.json());
                break;
            }
        }
        let problem = refused.expect("a refusal within 100 requests");
        assert_eq!(problem["type"], "/problems/rate_limited", "{problem}");
        assert_eq!(problem["retry_after"], "1s", "{problem}");
    }
    assert_eq!(server.get("/health/live").status, 200);
}
