//! The Postgres wire among clients that only want to keep others out.

use std::net::SocketAddr;
use std::sync::Arc;

use pipeline::PostgresTls;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::server::ResolvesServerCertUsingSni;

use crate::postgres::{connect, serve, serve_with};
use crate::support::*;

/// As many as are served at a time.
const ALL: usize = 256;
const SSL_REQUEST: &[u8] = &[0, 0, 0, 8, 4, 210, 22, 47];
const CANCEL_REQUEST: &[u8] = &[0, 0, 0, 16, 4, 210, 22, 46, 0, 0, 0, 1, 0, 0, 0, 2];

fn startup() -> Vec<u8> {
    let mut message = b"\0\0\0\0\0\x03\0\0user\0admin\0\0".to_vec();
    let len = message.len() as u32;
    message[..4].copy_from_slice(&len.to_be_bytes());
    message
}

/// A password message that is none of SCRAM's.
const NONSENSE: &[u8] = b"p\0\0\0\x09nope\0";

async fn say(address: SocketAddr, bytes: &[u8]) -> TcpStream {
    let mut socket = TcpStream::connect(address).await.unwrap();
    socket.write_all(bytes).await.unwrap();
    socket
}

/// What the server says until it ends the connection.
async fn heard(mut socket: TcpStream) -> Vec<u8> {
    let mut heard = Vec::new();
    let read = tokio::time::timeout(DEADLINE, socket.read_to_end(&mut heard)).await;
    // A reset is an end as well.
    let _ = read.expect("the server ends the connection");
    heard
}

/// Waits until a client gets a place.
async fn comes_in(address: SocketAddr) {
    let tried = async {
        while connect(address, "admin", "secret").await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    let came_in = tokio::time::timeout(DEADLINE, tried).await;
    came_in.expect("a client gets a place");
}

#[tokio::test]
async fn who_was_refused_keeps_no_place() {
    let dir = tempfile::tempdir().unwrap();
    let log = TestLog::open(dir.path(), 0);
    let lake = lake(dir.path(), &[&log]);
    let address = serve(&lake).await;
    let refused = [startup(), NONSENSE.to_vec()].concat();
    let mut kept = Vec::new();
    for _ in 0..ALL {
        kept.push(say(address, &refused).await);
    }
    comes_in(address).await;
    for socket in kept {
        let heard = heard(socket).await;
        let has = |text: &[u8]| heard.windows(text.len()).any(|part| part == text);
        assert!(has(b"SCRAM-SHA-256") && has(b"FATAL"), "{heard:?}");
    }
}

#[tokio::test]
async fn who_does_not_log_in_in_time_loses_the_place() {
    let dir = tempfile::tempdir().unwrap();
    let log = TestLog::open(dir.path(), 0);
    let lake = lake(dir.path(), &[&log]);
    let address = serve(&lake).await;
    let (startup, mut kept) = (startup(), Vec::new());
    let beginnings = [
        &[][..],
        SSL_REQUEST,
        &SSL_REQUEST[..3],
        &startup,
        CANCEL_REQUEST,
    ];
    for n in 1..ALL {
        kept.push(say(address, beginnings[n % beginnings.len()]).await);
    }
    // It is the last to be accepted, and is asked for its password.
    let mut last = say(address, &startup).await;
    assert_eq!(last.read_u8().await.unwrap(), b'R');
    heard(last).await;
    comes_in(address).await;
}

#[tokio::test]
async fn a_login_is_not_as_long_as_a_query_may_be() {
    let dir = tempfile::tempdir().unwrap();
    let log = TestLog::open(dir.path(), 0);
    let lake = lake(dir.path(), &[&log]);
    let address = serve(&lake).await;
    // A query of 64 MiB is announced.
    let mut socket = say(address, &[&startup()[..], b"Q\x04\0\0\0"].concat()).await;
    let mebibyte = vec![b' '; 1 << 20];
    let written = async {
        for _ in 0..64 {
            if socket.write_all(&mebibyte).await.is_err() {
                return Err("refused");
            }
        }
        Ok(())
    };
    let written = tokio::time::timeout(DEADLINE, written).await;
    assert_eq!(written.expect("it is not read on"), Err("refused"));
}

#[tokio::test]
async fn what_stands_in_the_clear_behind_a_request_for_tls_is_never_a_message() {
    let dir = tempfile::tempdir().unwrap();
    let log = TestLog::open(dir.path(), 0);
    let lake = lake(dir.path(), &[&log]);
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(ResolvesServerCertUsingSni::new()));
    let config = Arc::new(config);
    let tls = PostgresTls {
        shown: Arc::new(move || Arc::clone(&config)),
        required: true,
    };
    let address = serve_with(&lake, Some(tls)).await;
    let injected = [SSL_REQUEST, &startup()].concat();
    let heard = heard(say(address, &injected).await).await;
    // An alert of TLS, because no handshake begins so.
    assert_eq!(heard[..2], [b'S', 0x15], "{heard:?}");
}
