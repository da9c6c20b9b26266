//! Those who misbehave.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::thread::JoinHandle;

use net::driver::{Closed, Config, ConnId, Epoll, Handler, Io, Opened, Waker};
use net::http::{UpgradeLimits, parse_upgrade, write_switching};
use net::os::{ListenOptions, listen};
use net::ws::{self, Codec, DeflateOptions, Inflater, Limits, Message, Role};
use serde_json::Value;

use super::csms::{Fault, Server};
use super::{loadgen, verify};

/// A server that closes when the protocol is broken, refuses what is no OCPP, and otherwise says nothing.
struct Strict {
    addr: SocketAddr,
    waker: Waker,
    thread: JoinHandle<()>,
}

#[derive(Default)]
struct StrictHandler {
    /// Without a codec before the upgrade.
    open: HashMap<ConnId, Option<Codec>>,
    inflater: Inflater,
}

impl Strict {
    fn start() -> Strict {
        let any = "127.0.0.1:0".parse().unwrap();
        let listener = listen(any, ListenOptions::default()).unwrap();
        let addr = listener.local_addr();
        let mut driver = Epoll::new(Config::default(), vec![listener]).unwrap();
        let waker = driver.waker();
        let thread = std::thread::spawn(move || driver.run(&mut StrictHandler::default()).unwrap());
        Strict {
            addr,
            waker,
            thread,
        }
    }

    fn stop(self) {
        self.waker.wake();
        self.thread.join().unwrap();
    }
}

impl Handler for StrictHandler {
    fn opened(&mut self, _: &mut Io<'_>, conn: ConnId, _: Opened) {
        self.open.insert(conn, None);
    }

    fn received(&mut self, io: &mut Io<'_>, conn: ConnId, bytes: &mut [u8]) -> usize {
        let Some(codec) = self.open.get_mut(&conn) else {
            return bytes.len();
        };
        let Some(codec) = codec else {
            let limits = UpgradeLimits::default();
            let Some((request, len)) = parse_upgrade(bytes, &limits).unwrap_or_else(|_| {
                io.send(
                    conn,
                    b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
                );
                io.close(conn);
                None
            }) else {
                return 0;
            };
            let agreement = request.deflate(&DeflateOptions::default());
            let protocol = request.protocols().next();
            *codec = Some(match &agreement {
                Some(agreement) => Codec::compressed(Role::Server, agreement),
                None => Codec::new(Role::Server),
            });
            write_switching(io.out(conn), request.key, protocol, agreement.as_ref());
            return len;
        };
        let read =
            codec.read_compressed(&Limits::default(), &mut self.inflater, bytes, |message| {
                if let Message::Text(text) = message
                    && text.starts_with("[3,")
                {
                    ws::write_text(io.out(conn), None, b"[4,\"-1\",\"GenericError\",\"\",{}]");
                }
                ControlFlow::Continue(())
            });
        read.unwrap_or_else(|error| {
            ws::write_close(io.out(conn), None, Some(error.close_code()), "");
            io.close(conn);
            bytes.len()
        })
    }

    fn closed(&mut self, _: &mut Io<'_>, conn: ConnId, _: Closed) {
        self.open.remove(&conn);
    }

    fn woken(&mut self, io: &mut Io<'_>) {
        io.stop();
    }
}

fn report(path: &std::path::Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// A fleet of nothing else, until its report says of each kind what is expected: on a machine with much to do, what a peer
/// meets comes late.
fn peers_meet(more: &[&str], expected: &[(&str, &str)]) {
    for seconds in [3, 6, 12, 24, 48] {
        let duration = format!("{seconds}s");
        let peers = peers(&[more, &["--duration", &duration]].concat());
        let missing: Vec<_> = expected
            .iter()
            .filter(|(kind, reaction)| peers[*kind]["reactions"][*reaction].as_u64().is_none())
            .collect();
        if missing.is_empty() {
            return;
        }
        assert!(seconds < 48, "{missing:?} are not in {peers}");
    }
}

/// What the report of such a fleet says of each kind.
fn peers(more: &[&str]) -> Value {
    let server = Strict::start();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("report.json");
    let url = format!("ws://{}/", server.addr);
    let mut args = vec![
        "fleet",
        "--url",
        &url,
        "--report-json",
        path.to_str().unwrap(),
    ];
    args.extend(more);
    let output = loadgen(&args);
    assert!(output.status.success(), "{output:?}");
    server.stop();
    report(&path)["peers"].take()
}

#[test]
fn what_malicious_peers_meet_stands_in_the_report() {
    // One for each attack.
    peers_meet(
        &["--stations", "23", "--malicious", "100"],
        &[
            ("malicious: reserved bits", "closed with 1002"),
            ("malicious: a frame without a mask", "closed with 1002"),
            ("malicious: text that is no UTF-8", "closed with 1007"),
            ("malicious: a bomb of deflate", "closed with 1009"),
            ("malicious: a field of 10 kB", "HTTP 400"),
            (
                "malicious: an answer nobody asked for",
                "refused with GenericError",
            ),
            ("malicious: a wrong password", "let in"),
        ],
    );
}

#[test]
fn silent_and_slow_peers_last_as_long_as_the_server_lets_them() {
    let lasts = "still open at the end";
    peers_meet(
        &["--stations", "8", "--silent", "50", "--slow", "50%"],
        &[
            ("silent: without an upgrade", lasts),
            ("silent: after the upgrade", lasts),
            ("slow: upgrade byte by byte", lasts),
            ("slow: message byte by byte", lasts),
        ],
    );
}

#[test]
fn half_open_stations_lose_nothing_and_their_old_connections_are_watched() {
    let server = Server::start(Fault::None);
    let dir = tempfile::tempdir().unwrap();
    let (truth, path) = (dir.path().join("truth"), dir.path().join("report.json"));
    let url = format!("ws://{}", server.addr);
    let mut args = vec![
        "fleet",
        "--url",
        &url,
        "--stations",
        "10",
        "--interval",
        "100ms",
    ];
    args.extend([
        "--duration",
        "3s",
        "--reconnect",
        "20ms",
        "--rate-connect",
        "1000",
    ]);
    args.extend(["--half-open", "100", "--fail-if", "errors>0"]);
    args.extend(["--truth", truth.to_str().unwrap()]);
    args.extend(["--report-json", path.to_str().unwrap()]);
    let output = loadgen(&args);
    assert!(output.status.success(), "{output:?}");
    let report = report(&path);
    let left = &report["peers"]["half-open"]["reactions"]["still open at the end"];
    assert_eq!(left, &report["connections"]["cut"], "{report}");
    assert!(10 < left.as_u64().unwrap(), "{left} connections were left");
    let verdict = verify(&loadgen::truth::read(&truth).unwrap(), &mut server.stop());
    assert!(verdict.is_clean(), "{}", verdict.text());
}

#[test]
fn scenarios_are_listed_shown_and_checked() {
    let stdout = |args: &[&str]| {
        let output = loadgen(args);
        assert!(output.status.success(), "{output:?}");
        super::stdout(&output)
    };
    let list = stdout(&["scenarios"]);
    for name in [
        "default",
        "idle",
        "once",
        "apartment",
        "depot",
        "highway",
        "office",
    ] {
        assert!(list.lines().any(|line| line.starts_with(name)), "{list}");
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("mine.toml");
    let shown = stdout(&["scenario", "show", "highway"]);
    std::fs::write(&path, &shown).unwrap();
    assert!(stdout(&["scenario", "check", path.to_str().unwrap()]).contains("Fast charging"));

    std::fs::write(&path, shown.replace("[visits]", "[visists]")).unwrap();
    let output = loadgen(&["fleet", "--scenario", path.to_str().unwrap()]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        said.contains("unknown field `visists`, expected one of"),
        "{said}"
    );
}
