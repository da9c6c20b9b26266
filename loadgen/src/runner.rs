//! The sockets of a fleet: carries out what the stations want, on one thread.

mod peers;
mod storm;

use std::collections::VecDeque;
use std::io;
use std::net::IpAddr;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use net::driver::{Closed, ConnId, Handler, Io, Opened};
use net::http::{
    ClientKey, ClientResponse, ClientUpgrade, parse_client_response, write_client_upgrade,
};
use net::tls::TlsClient;
use net::ws::{
    self, CloseCode, Codec, DeflateOptions, DeflateWriter, Deflater, Inflater, Limits, MaskKey,
    Message, Role,
};
use ocpp::Instant;

use crate::clock::rfc3339;
use crate::fleet::{Fleet, Index, Outputs};
use crate::peer::Peer;
use crate::random::Random;
use crate::report::Report;
use crate::station::Output;
use crate::target::Target;
use crate::truth::Writer;
use storm::Stage;
pub use storm::{Gate, StormPlan};

/// What a run needs besides its fleet.
#[derive(Debug)]
pub struct Settings {
    /// The CSMS.
    pub target: Target,
    /// Password of each station, by its index; empty for none at all.
    pub passwords: Vec<String>,
    /// Addresses to connect from, in turn; empty leaves the choice to the kernel.
    pub sources: Vec<IpAddr>,
    /// What the stations speak TLS with: nothing, one for all, or one for each.
    pub tls: Vec<TlsClient>,
    /// Compression that the stations offer, if any.
    pub deflate: Option<DeflateOptions>,
    /// After the end, how long stations may take to say what is queued.
    pub drain: Duration,
    /// Those who misbehave. Their passwords and addresses come after those of the stations.
    pub peers: Vec<Peer>,
    /// Where the truth goes.
    pub truth: Option<Writer>,
    /// Between two points of the report's series.
    pub step: Duration,
    /// Cut most of the stations off once all are connected, and see them come back.
    pub storm: Option<StormPlan>,
    /// What this process had of its own before it had stations, bytes.
    pub memory_before: u64,
    /// Set from outside, with a wake, to end the run early.
    pub interrupted: Arc<AtomicBool>,
}

/// The handler of the driver that runs a fleet.
#[derive(Debug)]
pub struct Runner<P> {
    fleet: Fleet,
    settings: Settings,
    report: Report,
    /// Called about once a second with a progress line.
    progress: P,
    /// By station.
    links: Vec<Link>,
    /// By [`ConnId::index`].
    connections: Vec<Option<Connection>>,
    outputs: Outputs,
    inflater: Inflater,
    deflater: Deflater,
    random: Random,
    now: Instant,
    /// When peers that misbehave are looked after.
    peers_at: Instant,
    next_tick: Instant,
    last_tick: Instant,
    phase: Phase,
    stage: Stage,
    /// Why the run could not be what it should have been.
    failed: Option<String>,
    ended_at: Instant,
    failure: Option<io::Error>,
}

#[derive(Clone, Copy, Debug)]
struct Link {
    conn: Option<ConnId>,
    /// Attempts so far: a late failure of an attempt that was given up is told by it.
    attempt: u32,
    /// When the last one should have begun.
    due: Instant,
    /// Back after the storm.
    back: bool,
}

#[derive(Debug)]
struct Connection {
    id: ConnId,
    station: Index,
    upgrade: Option<ClientKey>,
    codec: Codec,
    /// Where compression was agreed on.
    writer: Option<DeflateWriter>,
    /// Since then nobody is there, and the server does not know.
    left_at: Option<Instant>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Running,
    Draining { until: Instant },
}

/// What a finished run leaves behind.
#[derive(Debug)]
pub struct Finished {
    /// Its figures.
    pub report: Report,
    /// From its start to the last answer waited for.
    pub elapsed: Duration,
    /// Why the truth could not be written, if so.
    pub failure: Option<io::Error>,
    /// Why the run could not be what it should have been, if so.
    pub failed: Option<String>,
}

impl<P: FnMut(String)> Runner<P> {
    /// A runner whose driver is about to start.
    pub fn new(fleet: Fleet, settings: Settings, progress: P) -> Runner<P> {
        let start = fleet.plan().timeline.start;
        let link = Link {
            conn: None,
            attempt: 0,
            due: start,
            back: false,
        };
        let mut report = Report::default();
        report.memory.before = settings.memory_before;
        report.series.began_utc_micros = net::clock::utc_micros();
        let stage = Stage::first(settings.storm.as_ref(), start);
        let next_tick = start + settings.step;
        Runner {
            links: vec![link; fleet.stations().len() + settings.peers.len()],
            peers_at: start,
            connections: Vec::new(),
            outputs: VecDeque::new(),
            inflater: Inflater::default(),
            deflater: Deflater::default(),
            random: Random::new(fleet.plan().seed, &[start.0]),
            report,
            stage,
            failed: None,
            fleet,
            settings,
            progress,
            now: start,
            next_tick,
            last_tick: start,
            phase: Phase::Running,
            ended_at: start,
            failure: None,
        }
    }

    /// Ends the truth file; call it when the driver has stopped.
    pub fn finish(mut self) -> Finished {
        self.look_at_memory();
        if let Some(truth) = self.settings.truth.take()
            && let Err(error) = truth.finish(&self.fleet.unsettled())
        {
            self.failure.get_or_insert(error);
        }
        Finished {
            report: self.report,
            elapsed: self.ended_at - self.fleet.plan().timeline.start,
            failure: self.failure,
            failed: self.failed,
        }
    }

    fn look_at_memory(&mut self) {
        // Where it cannot be read there is no figure.
        if let Some(bytes) = net::os::memory_own() {
            self.report.memory.seen(bytes);
        }
    }

    /// Carries out what the stations want, until they want nothing more.
    fn carry_out(&mut self, io: &mut Io<'_>) {
        while let Some((station, output)) = self.outputs.pop_front() {
            self.report.record(&output);
            match output {
                Output::Connect { due } => self.connect(io, station, due),
                Output::Close => {
                    if !self.close(io, station) {
                        self.not_connected(station, "no answer to the upgrade in time");
                    }
                }
                Output::Cut { silent } => self.lose(io, station, silent),
                Output::Send(text) => {
                    if let Some(conn) = self.links[station as usize].conn {
                        self.send(io, conn, text.as_bytes());
                    }
                }
                Output::Sent(truth) => self.write(|writer| writer.sent(&truth)),
                Output::Settled { mut truth, acked } => {
                    truth.acked_at = acked.then(|| rfc3339(io.utc_micros() / 1_000));
                    self.write(|writer| writer.settled(&truth));
                }
                Output::Answered { latency, .. } => self.established_answered(station, latency),
                Output::Offered(_)
                | Output::Failed { .. }
                | Output::Unexpected
                | Output::Commanded(_) => {}
            }
        }
    }

    /// A truth that cannot be written ends the run: what follows could not be verified.
    fn write(&mut self, write: impl FnOnce(&mut Writer) -> io::Result<()>) {
        if let Some(writer) = &mut self.settings.truth
            && let Err(error) = write(writer)
        {
            self.failure.get_or_insert(error);
            self.settings.interrupted.store(true, Ordering::Relaxed);
        }
    }

    fn send(&mut self, io: &mut Io<'_>, conn: ConnId, text: &[u8]) {
        let mask = self.mask();
        let out = io.out(conn);
        let connection = self.connections.get_mut(conn.index());
        let writer = connection.and_then(|connection| connection.as_mut()?.writer.as_mut());
        match writer {
            Some(writer) => writer.write_text(&mut self.deflater, out, mask, text),
            None => ws::write_text(out, mask, text),
        }
    }

    fn mask(&mut self) -> Option<MaskKey> {
        Some(MaskKey((self.random.bits() as u32).to_ne_bytes()))
    }

    fn connect(&mut self, io: &mut Io<'_>, station: Index, due: Instant) {
        if !self.attempt(station) {
            return self.fleet.handle_down(station, self.now, &mut self.outputs);
        }
        self.links[station as usize].due = due;
        if let Err(error) = self.open(io, station) {
            self.failed(station, &format!("connecting: {error}"));
        }
    }

    /// Begins a connection of a station or of a peer that misbehaves.
    fn open(&mut self, io: &mut Io<'_>, station: Index) -> io::Result<()> {
        let link = &mut self.links[station as usize];
        link.attempt = link.attempt.wrapping_add(1);
        let tag = u64::from(link.attempt) << 32 | u64::from(station);
        let sources = &self.settings.sources;
        let source = sources
            .get(station as usize % sources.len().max(1))
            .copied();
        link.conn = Some(io.connect(self.settings.target.addr, source, tag)?);
        Ok(())
    }

    /// Has a new connection speak TLS, where it is to.
    fn start_tls(&mut self, io: &mut Io<'_>, conn: ConnId, station: Index) -> io::Result<()> {
        let clients = &self.settings.tls;
        match clients.get(station as usize % clients.len().max(1)) {
            Some(client) => io.start_tls(conn, client),
            None => Ok(()),
        }
    }

    fn put(&mut self, conn: ConnId, connection: Connection) {
        if self.connections.len() <= conn.index() {
            self.connections.resize_with(conn.index() + 1, || None);
        }
        self.connections[conn.index()] = Some(connection);
    }

    fn failed(&mut self, station: Index, reason: &str) {
        self.not_connected(station, reason);
        self.fleet.handle_down(station, self.now, &mut self.outputs);
    }

    /// The network under a connection is gone.
    fn lose(&mut self, io: &mut Io<'_>, station: Index, silent: bool) {
        let Some(conn) = self.links[station as usize].conn.take() else {
            return;
        };
        self.report.cut();
        let now = self.now;
        match self
            .connection(conn)
            .filter(|connection| silent && connection.upgrade.is_none())
        {
            Some(connection) => connection.left_at = Some(now),
            None => io.abort(conn),
        }
    }

    /// What became of a connection that its station had left without a word.
    fn left_behind(&mut self, conn: ConnId, reaction: &str) -> bool {
        let now = self.now;
        let Some(left_at) = self
            .connection(conn)
            .and_then(|connection| connection.left_at.take())
        else {
            return false;
        };
        self.report.reacted("half-open", reaction, now - left_at);
        true
    }

    /// Closes the station's connection, if it has one; false when it was not yet open.
    fn close(&mut self, io: &mut Io<'_>, station: Index) -> bool {
        let Some(conn) = self.links[station as usize].conn.take() else {
            return true;
        };
        let open = self
            .connection(conn)
            .is_some_and(|connection| connection.upgrade.is_none());
        if open {
            let mask = self.mask();
            ws::write_close(io.out(conn), mask, Some(CloseCode::NORMAL), "");
            io.close(conn);
        } else {
            io.abort(conn);
        }
        open
    }

    fn connection(&mut self, conn: ConnId) -> Option<&mut Connection> {
        let connection = self.connections.get_mut(conn.index())?.as_mut()?;
        (connection.id == conn).then_some(connection)
    }

    /// The connection is of no use any more; the station hears of it at once.
    fn give_up(&mut self, io: &mut Io<'_>, conn: ConnId, station: Index, reason: &str) {
        self.links[station as usize].conn = None;
        io.abort(conn);
        self.failed(station, reason);
    }

    /// Reads the answer to the upgrade; returns the length of its head once the connection speaks OCPP.
    fn switched(&mut self, io: &mut Io<'_>, conn: ConnId, bytes: &[u8]) -> Option<usize> {
        let connection = self.connection(conn)?;
        let (station, key) = (connection.station, connection.upgrade?);
        let version = self.fleet.stations()[station as usize].version();
        let reason = match parse_client_response(bytes, &key, self.settings.deflate.as_ref()) {
            Ok(None) => return None,
            Ok(Some((ClientResponse::Switched { protocol, deflate }, len))) => {
                if protocol == Some(version.subprotocol()) {
                    let connection = self.connection(conn)?;
                    connection.upgrade = None;
                    if let Some(agreement) = &deflate {
                        connection.codec = Codec::compressed(Role::Client, agreement);
                        connection.writer = Some(DeflateWriter::new(Role::Client, agreement));
                    }
                    let resumed = io.tls_peer(conn).is_some_and(|peer| peer.resumed);
                    self.report.connected(resumed);
                    self.fleet.handle_up(station, self.now, &mut self.outputs);
                    self.storm_connected(station);
                    return Some(len);
                }
                let chosen = protocol.unwrap_or("none");
                format!(
                    "the server chose subprotocol {chosen}, offered {}",
                    version.subprotocol()
                )
            }
            Ok(Some((ClientResponse::Refused { status }, _))) => format!("HTTP {status}"),
            Err(error) => format!("upgrade: {error}"),
        };
        self.give_up(io, conn, station, &reason);
        None
    }

    fn messages(&mut self, io: &mut Io<'_>, conn: ConnId, bytes: &mut [u8]) -> usize {
        let Some(connection) = self.connection(conn) else {
            return bytes.len();
        };
        let station = connection.station;
        // Out of the table while its messages are handled; it holds no buffer unless a message is in pieces.
        let mut codec = std::mem::replace(&mut connection.codec, Codec::new(Role::Client));
        let mut inflater = std::mem::take(&mut self.inflater);
        let read = codec.read_compressed(&Limits::default(), &mut inflater, bytes, |message| {
            self.message(io, conn, station, message);
            ControlFlow::Continue(())
        });
        self.inflater = inflater;
        if let Some(connection) = self.connection(conn) {
            connection.codec = codec;
        }
        read.unwrap_or_else(|error| {
            let mask = self.mask();
            ws::write_close(io.out(conn), mask, Some(error.close_code()), "");
            if self.links[station as usize].conn == Some(conn) {
                self.links[station as usize].conn = None;
                self.report
                    .disconnected(&format!("the server broke the protocol: {error}"));
                self.fleet.handle_down(station, self.now, &mut self.outputs);
            }
            io.close(conn);
            bytes.len()
        })
    }

    fn message(&mut self, io: &mut Io<'_>, conn: ConnId, station: Index, message: Message<'_>) {
        if self
            .connection(conn)
            .is_some_and(|connection| connection.left_at.is_some())
        {
            // Nobody hears it, so nobody answers; but we may know what it was.
            if let Message::Close(code, _) = message {
                let code = code.map_or(1005, CloseCode::get);
                self.left_behind(conn, &format!("closed with {code}"));
                io.abort(conn);
            }
            return;
        }
        match message {
            Message::Text(text) => {
                // A connection that its station has closed says nothing to it any more.
                if self.links[station as usize].conn == Some(conn) {
                    self.fleet
                        .handle_text(station, self.now, text, &mut self.outputs);
                    self.carry_out(io);
                    self.may_be_back(station);
                }
            }
            Message::Ping(payload) => {
                let mask = self.mask();
                ws::write_pong(io.out(conn), mask, payload);
            }
            Message::Close(code, _) => {
                let mask = self.mask();
                ws::write_close(io.out(conn), mask, code, "");
                if self.links[station as usize].conn == Some(conn) {
                    self.links[station as usize].conn = None;
                    let code = code.map_or(1005, CloseCode::get);
                    self.report
                        .disconnected(&format!("closed by the server ({code})"));
                    self.fleet.handle_down(station, self.now, &mut self.outputs);
                }
                io.close(conn);
            }
            // OCPP-J is text; a Pong answers nothing, since stations send no Ping.
            Message::Binary(_) => self.report.record(&Output::Unexpected),
            Message::Pong(_) => {}
        }
    }

    fn tick(&mut self) {
        let fleet = &self.fleet;
        let up = fleet
            .stations()
            .iter()
            .filter(|station| station.is_up())
            .count();
        let left = fleet.plan().end - self.now;
        let elapsed = self.now - self.last_tick;
        let since_start = self.now - fleet.plan().timeline.start;
        let point = self.report.step(since_start, elapsed, up);
        (self.progress)(format!(
            "{up}/{} connected · {:.0} offered/s, {:.0} answered/s · p50 {:.1} ms p99 {:.1} ms · {} errors · {} s left",
            fleet.stations().len(),
            point.per_second(point.offered),
            point.per_second(point.answered),
            point.p50_us as f64 / 1_000.0,
            point.p99_us as f64 / 1_000.0,
            self.report.errors(),
            left.as_secs(),
        ));
        self.look_at_memory();
        self.last_tick = self.now;
        // By the clock rather than from the last one, so that parts of a run in several processes keep step.
        while self.next_tick <= self.now {
            self.next_tick = self.next_tick + self.settings.step;
        }
    }

    /// Ends the run when it is time, or when nobody has anything to say after it.
    fn advance(&mut self, io: &mut Io<'_>) {
        match self.phase {
            Phase::Running => {
                self.advance_storm(io);
                let interrupted = self.settings.interrupted.load(Ordering::Relaxed);
                let over = self.stage == Stage::Over || self.fleet.plan().end <= self.now;
                if interrupted || over {
                    self.fleet.finish();
                    self.dismiss_peers(io);
                    self.phase = Phase::Draining {
                        until: self.now + self.settings.drain,
                    };
                    self.ended_at = self.now;
                }
            }
            Phase::Draining { until } => {
                if until <= self.now || self.failure.is_some() || self.fleet.is_quiet() {
                    for station in 0..self.fleet.stations().len() {
                        self.close(io, station as Index);
                    }
                    io.stop();
                }
            }
        }
    }
}

impl<P: FnMut(String)> Handler for Runner<P> {
    fn opened(&mut self, io: &mut Io<'_>, conn: ConnId, opened: Opened) {
        self.now = Instant(io.now());
        let Opened::Connected { tag } = opened else {
            unreachable!("this driver has no listeners");
        };
        let station = tag as Index;
        let nonce = [
            self.random.bits().to_ne_bytes(),
            self.random.bits().to_ne_bytes(),
        ]
        .concat();
        let key = ClientKey::new(nonce.try_into().expect("twice eight bytes"));
        if let Some(peer) = self.peer_at(station) {
            return self.peer_opened(io, conn, peer, key);
        }
        if let Err(error) = self.start_tls(io, conn, station) {
            self.give_up(io, conn, station, &format!("TLS: {error}"));
            return self.carry_out(io);
        }
        let name = self.fleet.stations()[station as usize].name();
        let version = self.fleet.stations()[station as usize].version();
        let password = self.settings.passwords.get(station as usize);
        let upgrade = ClientUpgrade {
            host: &self.settings.target.host,
            target: &self.settings.target.path_of(name),
            key: &key,
            protocols: &[version.subprotocol()],
            basic: password.map(|password| (name, password.as_bytes())),
            deflate: self.settings.deflate,
        };
        write_client_upgrade(io.out(conn), &upgrade);
        self.put(
            conn,
            Connection {
                id: conn,
                station,
                upgrade: Some(key),
                codec: Codec::new(Role::Client),
                writer: None,
                left_at: None,
            },
        );
    }

    fn received(&mut self, io: &mut Io<'_>, conn: ConnId, bytes: &mut [u8]) -> usize {
        self.now = Instant(io.now());
        let station = self.connection(conn).map(|connection| connection.station);
        if let Some(peer) = station.and_then(|station| self.peer_at(station)) {
            return self.peer_received(io, conn, peer, bytes);
        }
        let upgrading = self
            .connection(conn)
            .is_some_and(|connection| connection.upgrade.is_some());
        let head = match upgrading.then(|| self.switched(io, conn, bytes)) {
            None => 0,
            Some(Some(head)) => head,
            Some(None) => {
                self.carry_out(io);
                return 0;
            }
        };
        let consumed = head + self.messages(io, conn, &mut bytes[head..]);
        self.carry_out(io);
        consumed
    }

    fn closed(&mut self, io: &mut Io<'_>, conn: ConnId, reason: Closed) {
        self.now = Instant(io.now());
        let Some(connection) = self
            .connections
            .get_mut(conn.index())
            .and_then(Option::take)
        else {
            return;
        };
        if let Some(peer) = self.peer_at(connection.station) {
            return self.peer_closed(io, peer, conn, reason);
        }
        if let Some(left_at) = connection.left_at {
            let reaction = match reason {
                Closed::Stopped => "still open at the end".to_owned(),
                reason => reason_text(reason),
            };
            self.report
                .reacted("half-open", &reaction, self.now - left_at);
            return;
        }
        let link = &mut self.links[connection.station as usize];
        if link.conn != Some(conn) {
            return;
        }
        link.conn = None;
        let reason = reason_text(reason);
        let station = connection.station;
        if connection.upgrade.is_some() {
            self.not_connected(station, &format!("during the upgrade: {reason}"));
        } else {
            self.report.disconnected(&reason);
        }
        self.fleet.handle_down(station, self.now, &mut self.outputs);
        self.carry_out(io);
    }

    fn connect_failed(&mut self, io: &mut Io<'_>, tag: u64, error: io::Error) {
        self.now = Instant(io.now());
        let station = tag as Index;
        let link = &mut self.links[station as usize];
        if u64::from(link.attempt) == tag >> 32 && link.conn.take().is_some() {
            if let Some(peer) = self.peer_at(station) {
                return self.peer_failed(io, peer, &error);
            }
            self.failed(station, &format!("connecting: {}", error.kind()));
            self.carry_out(io);
        }
    }

    fn woken(&mut self, io: &mut Io<'_>) {
        self.now = Instant(io.now());
        self.advance(io);
        self.carry_out(io);
    }

    fn timer(&mut self, io: &mut Io<'_>) {
        self.now = Instant(io.now());
        if let Some(lag) = self.fleet.handle_timeout(self.now, &mut self.outputs) {
            self.report.lagged(lag);
        }
        self.carry_out(io);
        if self.next_tick <= self.now {
            self.tick();
        }
        if self.peers_at <= self.now {
            self.tend_peers(io);
            self.peers_at = self.now + peers::TICK;
        }
        self.advance(io);
        self.carry_out(io);
    }

    fn poll_timeout(&self) -> Option<u64> {
        // The end is seen within a second of its time, and at once by a fleet that is quiet in that moment.
        let own = match self.phase {
            Phase::Running if self.stage == Stage::Over => self.now,
            Phase::Running => self.next_tick.min(self.fleet.plan().end),
            Phase::Draining { until } => self.now + Duration::from_millis(10).min(until - self.now),
        };
        let own = match self.settings.peers.is_empty() {
            true => own,
            false => own.min(self.peers_at),
        };
        let next = self.fleet.poll_timeout().map_or(own, |at| at.min(own));
        Some(next.0)
    }

    fn turn_ended(&mut self, _io: &mut Io<'_>) {
        // Before the sockets get what was appended in this turn: what is sent stands in the journal.
        self.write(Writer::flush);
    }
}

fn reason_text(closed: Closed) -> String {
    match closed {
        Closed::Peer => "the server went away".to_owned(),
        Closed::Failed(kind) => kind.to_string(),
        Closed::SlowConsumer => "the server does not read".to_owned(),
        Closed::CarryFull => "the server sent a message that is too long".to_owned(),
        Closed::Tls(failure) => format!("TLS: {failure}"),
        Closed::Local | Closed::Aborted | Closed::BuffersFull | Closed::Stopped => {
            format!("{closed:?}")
        }
    }
}
