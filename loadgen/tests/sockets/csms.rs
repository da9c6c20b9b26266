//! A CSMS on real sockets for the tests: accepts everything, remembers what it saw, and drops connections.

use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, SocketAddr};
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use loadgen::clock::parse_rfc3339;
use loadgen::verify::{Check, Row, Scope, Source};
use net::driver::{Closed, Config, ConnId, Epoll, Handler, Io, Opened, Waker};
use net::http::{UpgradeLimits, parse_upgrade, write_switching};
use net::os::{ListenOptions, Listener, listen};
use net::ws::{self, Codec, DeflateOptions, DeflateWriter, Deflater, Limits, Message, Role};
use ocpp::{Frame, Version};
use serde_json::Value;

/// What the server made durable, in the rows that SIGEC-VE would show.
#[derive(Clone, Debug, Default)]
pub(crate) struct Kept {
    rows: HashMap<Check, Vec<Row>>,
    /// Recognises what a station sends again.
    seen: HashSet<(String, Check, i64)>,
    transactions: HashMap<(String, i64), i64>,
    /// Connections dropped on purpose.
    pub(crate) drops: u32,
    /// Connections that agreed on compression.
    pub(crate) compressed: usize,
    /// Paths and Authorization headers, one per upgrade.
    pub(crate) upgrades: Vec<(String, Option<String>)>,
    /// Where connections came from, one per connection.
    pub(crate) sources: Vec<IpAddr>,
}

impl Source for Kept {
    async fn rows(&mut self, check: Check, _scope: &Scope) -> anyhow::Result<Vec<Row>> {
        Ok(self.rows.get(&check).cloned().unwrap_or_default())
    }
}

/// What the server does wrong.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    /// Every so many calls one is kept, and its connection dropped instead of answered.
    DropEvery(u32),
    /// After so many calls they are still kept, and no longer answered.
    SilentAfter(u32),
    /// Every so many upgrades one is answered 503.
    BusyEvery(usize),
}

pub(crate) struct Server {
    pub(crate) addr: SocketAddr,
    kept: Arc<Mutex<Kept>>,
    waker: Waker,
    thread: JoinHandle<()>,
}

impl Server {
    /// Listens on a free port.
    pub(crate) fn start(fault: Fault) -> Server {
        Server::start_on(any_port(), fault)
    }

    pub(crate) fn start_on(listener: Listener, fault: Fault) -> Server {
        let addr = listener.local_addr();
        let kept = Arc::new(Mutex::new(Kept::default()));
        let shared = kept.clone();
        let (started, waker) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            let mut driver = Epoll::new(Config::default(), vec![listener]).unwrap();
            started.send(driver.waker()).unwrap();
            let mut csms = Csms {
                kept: shared,
                fault,
                calls: 0,
                open: HashMap::new(),
            };
            driver.run(&mut csms).unwrap();
        });
        Server {
            addr,
            kept,
            waker: waker.recv().unwrap(),
            thread,
        }
    }

    /// Ends the server; what it kept.
    pub(crate) fn stop(self) -> Kept {
        self.waker.wake();
        self.thread.join().unwrap();
        Arc::into_inner(self.kept).unwrap().into_inner().unwrap()
    }
}

/// A free port of this machine.
pub(crate) fn any_port() -> Listener {
    listen("127.0.0.1:0".parse().unwrap(), ListenOptions::default()).unwrap()
}

struct Csms {
    kept: Arc<Mutex<Kept>>,
    fault: Fault,
    calls: u32,
    open: HashMap<ConnId, Peer>,
}

struct Peer {
    /// Empty until the upgrade.
    station: String,
    version: Version,
    codec: Codec,
    writer: Option<DeflateWriter>,
}

impl Csms {
    fn upgrade(&mut self, io: &mut Io<'_>, conn: ConnId, bytes: &[u8]) -> usize {
        let Some((request, len)) = parse_upgrade(bytes, &UpgradeLimits::default()).unwrap() else {
            return 0;
        };
        let authorization = request
            .authorization
            .map(|value| String::from_utf8(value.to_vec()).unwrap());
        self.kept
            .lock()
            .unwrap()
            .upgrades
            .push((request.path.to_owned(), authorization));
        let upgrades = self.kept.lock().unwrap().upgrades.len();
        if matches!(self.fault, Fault::BusyEvery(n) if upgrades.is_multiple_of(n)) {
            io.send(
                conn,
                b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n",
            );
            io.close(conn);
            return len;
        }
        let protocol = request.protocols().next().unwrap();
        let peer = self.open.get_mut(&conn).unwrap();
        peer.version = Version::from_subprotocol(protocol).unwrap();
        peer.station = request.path.rsplit('/').next().unwrap().to_owned();
        let agreement = request.deflate(&DeflateOptions::default());
        if let Some(agreement) = &agreement {
            peer.codec = Codec::compressed(Role::Server, agreement);
            peer.writer = Some(DeflateWriter::new(Role::Server, agreement));
            self.kept.lock().unwrap().compressed += 1;
        }
        write_switching(
            io.out(conn),
            request.key,
            Some(protocol),
            agreement.as_ref(),
        );
        len
    }

    fn call(&mut self, io: &mut Io<'_>, conn: ConnId, peer: &mut Peer, text: &str) {
        let Ok(Frame::Call {
            id,
            action,
            payload,
        }) = ocpp::scan(text, peer.version)
        else {
            panic!("{} sent {text}", peer.station);
        };
        let payload: Value = serde_json::from_str(payload).unwrap();
        let answer = self.keep(peer, &action, &payload);
        self.calls += 1;
        match self.fault {
            Fault::DropEvery(n) if self.calls.is_multiple_of(n) => {
                self.kept.lock().unwrap().drops += 1;
                io.abort(conn);
                return;
            }
            Fault::SilentAfter(n) if n < self.calls => return,
            Fault::None | Fault::DropEvery(_) | Fault::SilentAfter(_) | Fault::BusyEvery(_) => {}
        }
        let text = format!("[3,\"{id}\",{answer}]");
        match &mut peer.writer {
            // Whatever gets shorter for it, so that short answers are compressed too.
            Some(writer) => {
                writer.write_text(&mut Deflater::new(1), io.out(conn), None, text.as_bytes());
            }
            None => ws::write_text(io.out(conn), None, text.as_bytes()),
        }
    }

    /// Keeps the call's rows unless it was seen before; the answer is the same.
    fn keep(&mut self, peer: &Peer, action: &str, payload: &Value) -> String {
        let mut kept = self.kept.lock().unwrap();
        let station = &peer.station;
        let info = r#""idTagInfo":{"status":"Accepted"}"#;
        let number = |name: &str| payload[name].as_i64().unwrap();
        match action {
            "BootNotification" => {
                kept.row(station, Check::Booted, 0, None, None);
                r#"{"currentTime":"2026-11-22T10:00:00Z","interval":1,"status":"Accepted"}"#.into()
            }
            "Heartbeat" => r#"{"currentTime":"2026-11-22T10:00:00Z"}"#.into(),
            "Authorize" => match peer.version {
                Version::V16 => format!("{{{info}}}"),
                Version::V201 | Version::V21 => r#"{"idTokenInfo":{"status":"Accepted"}}"#.into(),
            },
            "StatusNotification" => {
                kept.once(station, Check::Status, time(payload), None, None);
                "{}".into()
            }
            "StartTransaction" => {
                let at = time(payload);
                let next = 1_000 + kept.transactions.len() as i64;
                let id = *kept
                    .transactions
                    .entry((station.clone(), at))
                    .or_insert(next);
                let transaction = Some(id.to_string());
                let energy = Some(number("meterStart") as u64 * 1_000);
                kept.once(station, Check::Started, at, transaction.clone(), None);
                kept.once(station, Check::Energy, at, transaction, energy);
                format!("{{\"transactionId\":{id},{info}}}")
            }
            "MeterValues" => {
                let value = &payload["meterValue"][0];
                let transaction = Some(number("transactionId").to_string());
                kept.once(
                    station,
                    Check::Energy,
                    time(value),
                    transaction,
                    Some(energy(value)),
                );
                "{}".into()
            }
            "StopTransaction" => {
                let (at, transaction) = (time(payload), Some(number("transactionId").to_string()));
                let energy = Some(number("meterStop") as u64 * 1_000);
                kept.once(station, Check::Ended, at, transaction.clone(), None);
                kept.once(station, Check::Energy, at, transaction, energy);
                "{}".into()
            }
            "TransactionEvent" => {
                let at = time(payload);
                let id = payload["transactionInfo"]["transactionId"]
                    .as_str()
                    .unwrap();
                let transaction = Some(id.to_owned());
                match payload["eventType"].as_str().unwrap() {
                    "Started" => kept.once(station, Check::Started, at, transaction.clone(), None),
                    "Ended" => kept.once(station, Check::Ended, at, transaction.clone(), None),
                    _ => {}
                }
                let energy = Some(energy(&payload["meterValue"][0]));
                kept.once(station, Check::Energy, at, transaction, energy);
                "{}".into()
            }
            _ => panic!("{action} is not of these stations"),
        }
    }
}

impl Kept {
    fn once(
        &mut self,
        station: &str,
        check: Check,
        at: i64,
        transaction: Option<String>,
        energy_mwh: Option<u64>,
    ) {
        if self.seen.insert((station.to_owned(), check, at)) {
            self.row(station, check, at, transaction, energy_mwh);
        }
    }

    fn row(
        &mut self,
        station: &str,
        check: Check,
        at: i64,
        transaction: Option<String>,
        energy_mwh: Option<u64>,
    ) {
        let station = station.to_owned();
        self.rows.entry(check).or_default().push(Row {
            station,
            at,
            transaction,
            energy_mwh,
        });
    }
}

fn time(value: &Value) -> i64 {
    parse_rfc3339(value["timestamp"].as_str().unwrap()).unwrap()
}

/// The register of one meter value, from either version's form and unit, in milliwatt-hours.
fn energy(value: &Value) -> u64 {
    let sample = &value["sampledValue"][0];
    assert_eq!(sample["measurand"], "Energy.Active.Import.Register");
    let unit = sample["unit"]
        .as_str()
        .or(sample["unitOfMeasure"]["unit"].as_str())
        .unwrap();
    let text = sample["value"]
        .as_str()
        .map_or(sample["value"].to_string(), str::to_owned);
    let places = if unit == "kWh" { 6 } else { 3 };
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    assert!(fraction.len() <= places, "{text} {unit}");
    format!("{whole}{fraction:0<places$}").parse().unwrap()
}

impl Handler for Csms {
    fn opened(&mut self, _io: &mut Io<'_>, conn: ConnId, opened: Opened) {
        let Opened::Accepted { peer, .. } = opened else {
            unreachable!("it connects to nobody");
        };
        self.kept.lock().unwrap().sources.push(peer.ip());
        let codec = Codec::new(Role::Server);
        self.open.insert(
            conn,
            Peer {
                station: String::new(),
                version: Version::V16,
                codec,
                writer: None,
            },
        );
    }

    fn received(&mut self, io: &mut Io<'_>, conn: ConnId, bytes: &mut [u8]) -> usize {
        let mut consumed = 0;
        if self.open[&conn].station.is_empty() {
            consumed = self.upgrade(io, conn, bytes);
            if consumed == 0 {
                return 0;
            }
        }
        let Some(mut peer) = self.open.remove(&conn) else {
            return bytes.len();
        };
        let mut codec = std::mem::replace(&mut peer.codec, Codec::new(Role::Server));
        let read = codec.read(&Limits::default(), &mut bytes[consumed..], |message| {
            match message {
                Message::Text(text) => self.call(io, conn, &mut peer, text),
                Message::Close(code, _) => {
                    ws::write_close(io.out(conn), None, code, "");
                    io.close(conn);
                }
                Message::Binary(_) | Message::Ping(_) | Message::Pong(_) => {
                    panic!("stations send text only")
                }
            }
            ControlFlow::Continue(())
        });
        peer.codec = codec;
        self.open.insert(conn, peer);
        consumed + read.unwrap()
    }

    fn closed(&mut self, _io: &mut Io<'_>, conn: ConnId, _reason: Closed) {
        self.open.remove(&conn);
    }

    fn woken(&mut self, io: &mut Io<'_>) {
        io.stop();
    }
}
