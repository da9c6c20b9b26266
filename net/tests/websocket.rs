//! Both ends of a WebSocket, each on a driver of its own, of either kind: upgrade, messages of every length class, close.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::HashMap;
use std::net::SocketAddr;
use std::ops::ControlFlow::Continue;
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use net::driver::{
    Closed, Config, ConnId, Driver, DriverError, DriverKind, Handler, Io, Opened, Uring,
};
use net::http::{
    ClientKey, ClientResponse, ClientUpgrade, UpgradeLimits, parse_client_response, parse_upgrade,
    write_client_upgrade, write_refusal, write_switching,
};
use net::os::{ListenOptions, listen};
use net::ws::{
    CloseCode, Codec, Limits, MaskKey, Message, Role, begin_text, write_binary, write_close,
    write_ping, write_pong, write_text,
};

const DEADLINE: Duration = Duration::from_secs(60);
/// Longest text sent: its frame comes in more than one read.
const LEN_MAX: usize = 150_000;
const MASK: Option<MaskKey> = Some(MaskKey([9, 8, 7, 6]));

/// Echoes; `None` while the upgrade is awaited.
#[derive(Default)]
struct Echo {
    conns: HashMap<ConnId, Option<Codec>>,
}

impl Handler for Echo {
    fn opened(&mut self, _: &mut Io<'_>, conn: ConnId, _: Opened) {
        self.conns.insert(conn, None);
    }

    fn received(&mut self, io: &mut Io<'_>, conn: ConnId, bytes: &mut [u8]) -> usize {
        let Some(codec) = self.conns.get_mut(&conn).unwrap() else {
            return match parse_upgrade(bytes, &UpgradeLimits::default()) {
                Ok(None) => 0,
                Ok(Some((request, len))) => {
                    write_switching(io.out(conn), request.key, request.protocols().next(), None);
                    self.conns.insert(conn, Some(Codec::new(Role::Server)));
                    // The client's first frames may stand right behind.
                    len + self.received(io, conn, &mut bytes[len..])
                }
                Err(error) => {
                    let body = error.to_string();
                    write_refusal(io.out(conn), error.status(), error.headers(), &body);
                    io.close(conn);
                    bytes.len()
                }
            };
        };
        let mut over = false;
        let out = io.out(conn);
        let read = codec.read(&Limits::default(), bytes, |message| {
            match message {
                Message::Text(text) => {
                    let frame = begin_text(out, None);
                    out.extend_from_slice(text.as_bytes());
                    frame.end(out);
                }
                Message::Binary(bytes) => write_binary(out, None, bytes),
                Message::Ping(bytes) => write_pong(out, None, bytes),
                Message::Pong(_) => {}
                Message::Close(code, reason) => {
                    write_close(out, None, code, reason);
                    over = true;
                }
            }
            Continue(())
        });
        if let Err(error) = read {
            write_close(
                io.out(conn),
                None,
                Some(error.close_code()),
                &error.to_string(),
            );
            over = true;
        }
        if over {
            io.close(conn);
        }
        read.unwrap_or(bytes.len())
    }

    fn closed(&mut self, _: &mut Io<'_>, conn: ConnId, _: Closed) {
        self.conns.remove(&conn).unwrap();
    }

    fn woken(&mut self, io: &mut Io<'_>) {
        io.stop();
    }
}

/// Connects, sends everything at once, and says what came back.
struct Caller {
    server: SocketAddr,
    key: ClientKey,
    codec: Option<Codec>,
    said: Vec<String>,
    done: Sender<Vec<String>>,
    begun: bool,
}

impl Handler for Caller {
    fn poll_timeout(&self) -> Option<u64> {
        (!self.begun).then_some(0)
    }

    fn timer(&mut self, io: &mut Io<'_>) {
        self.begun = true;
        io.connect(self.server, None, 1).unwrap();
    }

    fn opened(&mut self, io: &mut Io<'_>, conn: ConnId, opened: Opened) {
        assert_eq!(opened, Opened::Connected { tag: 1 });
        let host = self.server.to_string();
        let upgrade = ClientUpgrade {
            host: &host,
            target: "/ocpp/CP1",
            key: &self.key,
            protocols: &["ocpp2.0.1", "ocpp1.6"],
            basic: None,
            deflate: None,
        };
        let out = io.out(conn);
        write_client_upgrade(out, &upgrade);
        // Behind the request, in the same segment.
        write_text(out, MASK, b"eager");
    }

    fn received(&mut self, io: &mut Io<'_>, conn: ConnId, bytes: &mut [u8]) -> usize {
        let Some(codec) = &mut self.codec else {
            let Some((response, len)) = parse_client_response(bytes, &self.key, None).unwrap()
            else {
                return 0;
            };
            assert_eq!(
                response,
                ClientResponse::Switched {
                    protocol: Some("ocpp2.0.1"),
                    deflate: None,
                }
            );
            let out = io.out(conn);
            for len in [0, 1, 125, 126, 65_535, 65_536, LEN_MAX] {
                write_text(out, MASK, "ã".repeat(len / 2).as_bytes());
                write_binary(out, MASK, &vec![0; len]);
            }
            write_ping(out, MASK, b"are you there");
            write_close(out, MASK, Some(CloseCode::NORMAL), "até logo");
            self.codec = Some(Codec::new(Role::Client));
            return len + self.received(io, conn, &mut bytes[len..]);
        };
        let said = &mut self.said;
        let read = codec.read(&Limits::default(), bytes, |message| {
            said.push(match message {
                Message::Text("eager") => "eager".to_string(),
                Message::Text(text) => {
                    assert!(text.chars().all(|char| char == 'ã'));
                    format!("text {}", text.len())
                }
                Message::Binary(bytes) => format!("binary {}", bytes.len()),
                other => format!("{other:?}"),
            });
            Continue(())
        });
        read.unwrap()
    }

    fn closed(&mut self, io: &mut Io<'_>, _: ConnId, reason: Closed) {
        self.said.push(format!("closed {reason:?}"));
        self.done.send(std::mem::take(&mut self.said)).unwrap();
        io.stop();
    }
}

#[test]
fn what_one_end_says_the_other_hears() {
    check_on(DriverKind::Epoll);
    match Uring::new(Config::default(), Vec::new()) {
        Ok(_) => check_on(DriverKind::IoUring),
        Err(error @ DriverError::Unavailable { .. }) => println!("skipped: {error}"),
        Err(error) => panic!("{error:?}"),
    }
}

fn check_on(kind: DriverKind) {
    // Where io_uring is not to be had this is epoll, with a line in the log.
    let driver = move |config, listeners| {
        let driver = Driver::new(kind, config, listeners).unwrap();
        assert_eq!(driver.kind(), kind);
        driver
    };
    let any = "127.0.0.1:0".parse().unwrap();
    let listener = listen(any, ListenOptions::default()).unwrap();
    let server = listener.local_addr();
    // Nobody reads while it sends 400 KB here.
    let config = Config {
        pending_len_max: 1 << 20,
        ..Config::default()
    };
    let mut echo = driver(config, vec![listener]);
    let waker = echo.waker();
    let echo = std::thread::spawn(move || {
        let mut handler = Echo::default();
        echo.run(&mut handler).unwrap();
        assert!(handler.conns.is_empty());
    });
    let (done, said) = channel();
    let caller = std::thread::spawn(move || {
        let key = ClientKey::new([7; 16]);
        let said = Vec::new();
        let mut handler = Caller {
            server,
            key,
            codec: None,
            said,
            done,
            begun: false,
        };
        driver(config, Vec::new()).run(&mut handler).unwrap();
    });
    let said = said
        .recv_timeout(DEADLINE)
        .expect("no end before the deadline");
    let mut expected = vec!["eager".to_string()];
    for len in [0, 1, 125, 126, 65_535, 65_536, LEN_MAX] {
        expected.push(format!("text {}", len / 2 * 2));
        expected.push(format!("binary {len}"));
    }
    expected.push(r#"Pong([97, 114, 101, 32, 121, 111, 117, 32, 116, 104, 101, 114, 101])"#.into());
    expected.push(r#"Close(Some(CloseCode(1000)), "até logo")"#.into());
    expected.push("closed Peer".into());
    assert_eq!(said, expected, "{kind:?}");
    caller.join().unwrap();
    waker.wake();
    echo.join().unwrap();
}
