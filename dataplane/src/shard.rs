//! The stations of some partitions and their sockets: bytes, time and questions in, bytes, records and replies out.
//!
//! A shard never touches a socket, a file or a clock. Its owner feeds it (`opened`, `received`, `closed`, `ask`,
//! `timer`, `committed`) and drains it after each: [`Shard::effects`] for the sockets, [`Shard::records`] for the log,
//! [`Shard::projection`] for the state store.
//!
//! # Invariants
//!
//! - What is answered after a record waits in line behind every record made before it, so answers keep the order of
//!   their calls, per connection and over all.
//! - A station's state changes only through [`StationState::apply`], by a record that was just written.

mod asks;
mod calls;
mod certificates;
mod charging;
mod closing;
mod commands;
mod conns;
mod contracts;
mod errands;
mod facts;
mod follow;
mod grid;
mod handshake;
mod journal;
mod money;
mod named_token;
mod outbox;
mod passwords;
mod projection;
mod quirks;
mod reservations;
mod retries;
mod stations;
mod store;
mod summary;
mod tally;
mod tariffs;
mod timers;
mod tokens;
mod transactions;
mod values;
mod vat;
mod waiting;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize};
use std::time::Duration;

use fleet::record::{Direction, Disconnected, MeterValues};
use fleet::wire::{Body, MessageView};
use fleet::{EventId, Seq, TransactionId, UtcMicros};
use net::driver::ConnId;
use net::ws::{self, CloseCode};
use ocpp::{Instant, MeterColumns};
use ring::hmac;

use crate::CommandId;
use crate::admission::Guesses;
use crate::config::Config;
use crate::permutation::TransactionIds;
use crate::quirks::Shelf;
use crate::random::Random;
use crate::retry::Canonical;
use crate::state::StationState;
use crate::tariff::Books;
use crate::wheel::Wheel;
pub(crate) use asks::station_view;
use commands::{Command, Split};
use conns::{Conn, Conns, Handshake, Live, Stage};
use errands::Errands;
use journal::{Journal, Writable};
use money::Charged;
pub(crate) use outbox::Effect;
use outbox::Outbox;
pub(crate) use projection::Projection;
#[cfg(test)]
pub(crate) use projection::record_row;
pub(crate) use projection::{RetryRow, Row, charging_key, read_record_row, reservations_key};
use quirks::{Delayed, Fit, MeterNews, Shelved};
pub(crate) use reservations::{reservation_ends, view as reservation_view};
use stations::Stations;
pub(crate) use store::{Lookup, StoreUnreadable};
use tally::Tally;
use timers::Deadlines;
use tokens::TokenCache;
pub(crate) use tokens::{
    Authorization, Running, id_tag_info, id_token_info, id_token_type, listed, read_token,
    token_key, token_type_code, token_type_of, write_token,
};
use waiting::{Ready, Waiting};

/// Answers of one connection in line for the disk; a station ought to have one call unanswered, and one that has more
/// is read no further until they are answered.
const HELD_MAX: u16 = 24;

/// Time between two looks for what may leave memory, and stations looked at each time.
const SWEEP_EVERY: Duration = Duration::from_secs(60);
const SWEEP_LEN: u32 = 8_192;

/// Time between two looks for stations that have come to rest, those looked at each time, and how long one has been
/// silent by then.
const REST_EVERY: Duration = Duration::from_secs(1);
const REST_LEN: usize = 4_096;
const REST_AFTER_SECONDS: u32 = 8;

/// The two clocks, read once a turn.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Now {
    /// For deadlines.
    pub(crate) mono: Instant,
    /// For records.
    pub(crate) utc: UtcMicros,
}

impl Now {
    /// Whole seconds of the monotonic clock: the ticks of the wheel.
    fn tick(self) -> u32 {
        (self.mono.0 / 1_000_000_000) as u32
    }
}

/// What all shards of a server share; never changes.
pub(crate) struct Settings {
    pub(crate) config: Config,
    /// Number of shards in this start.
    pub(crate) shards: usize,
    pub(crate) transaction_ids: TransactionIds,
    /// Makes the references that stand for tokens in facts.
    pub(crate) token_key: hmac::Key,
    /// Identities that wait for approval, over all shards.
    pub(crate) pending: AtomicUsize,
    /// Changes of tokens so far; counted after each.
    pub(crate) token_changes: AtomicU64,
    /// Transactions that run, by token, over all shards.
    pub(crate) running: Running,
    /// The quirk profiles in force.
    pub(crate) quirks: Arc<Shelf>,
    /// The tariffs of all tenants.
    pub(crate) tariffs: Books,
}

/// See the module.
pub(crate) struct Shard {
    index: usize,
    settings: Arc<Settings>,
    lookup: Lookup,
    tokens: TokenCache,
    random: Random,
    conns: Conns,
    stations: Stations,
    /// Transactions that run, oldest first, and whose they are.
    active: BTreeMap<TransactionId, u32>,
    /// Those that a tariff is about.
    charged: HashMap<TransactionId, Charged>,
    commands: HashMap<CommandId, Command>,
    /// Stations that have a row of their smart charging, and when their last connection ended; `None` where that was
    /// another run's.
    charging: BTreeMap<u32, Option<UtcMicros>>,
    /// Action and payload of commands whose first record is not durable yet, with their secrets.
    outgoing: HashMap<CommandId, (String, String)>,
    /// Commands that go out in several calls.
    split: Split,
    journal: Journal,
    waiting: Waiting,
    projection: Projection,
    /// The newest record when rows were last handed over.
    claimed: Seq,
    wheel: Wheel,
    deadlines: Deadlines,
    guesses: Guesses,
    /// When to look for what may leave memory, and from which station on.
    sweep: (Instant, u32),
    /// When to look for stations that have come to rest.
    rest_at: Instant,
    /// Stations packed since memory was last given back.
    packed: usize,
    outbox: Outbox,
    delayed: Delayed,
    shelved: Shelved,
    /// The key of the replay that goes on: what it takes is history.
    replaying: Option<[u8; 16]>,
    errands: Errands,
    tally: Tally,
    reads_paused: bool,
    /// The log has stood still for too long: sockets are closed and upgrades refused.
    stalled: bool,
    /// The server is going down.
    draining: bool,
    scratch: Scratch,
}

/// Memory that is used again for every message.
#[derive(Default)]
struct Scratch {
    columns: MeterColumns,
    values: MeterValues,
    canonical: Canonical,
    payload: Vec<u8>,
    answer: Vec<u8>,
    /// What a Heartbeat is answered, and the moment that says.
    heartbeat: (Option<UtcMicros>, Vec<u8>),
    due: Vec<u32>,
}

impl Shard {
    /// A shard whose log ends with `last`.
    pub(crate) fn new(
        index: usize,
        settings: Arc<Settings>,
        lookup: Lookup,
        seed: u64,
        log_id: fleet::LogId,
        last: Seq,
        now: Now,
    ) -> Self {
        Self {
            index,
            shelved: Shelved::new(&settings),
            delayed: Delayed::default(),
            replaying: None,
            settings,
            lookup,
            tokens: TokenCache::default(),
            random: Random::new(seed),
            conns: Conns::default(),
            stations: Stations::default(),
            active: BTreeMap::new(),
            charged: HashMap::new(),
            commands: HashMap::new(),
            charging: BTreeMap::new(),
            outgoing: HashMap::new(),
            split: Split::default(),
            journal: Journal::new(log_id, last),
            waiting: Waiting::default(),
            projection: Projection::default(),
            claimed: last,
            wheel: Wheel::new(u64::from(now.tick())),
            deadlines: Deadlines::default(),
            guesses: Guesses::default(),
            sweep: (now.mono + SWEEP_EVERY, 0),
            rest_at: now.mono + REST_EVERY,
            packed: 0,
            outbox: Outbox::default(),
            errands: Errands::default(),
            tally: Tally::default(),
            reads_paused: false,
            stalled: false,
            draining: false,
            scratch: Scratch::default(),
        }
    }

    /// Takes a station as store and log know it, before the first connection.
    pub(crate) fn load(&mut self, mut state: StationState) {
        self.load_charged(&state);
        state.pack();
        let station = self.stations.insert(state);
        let state = &self.stations[station].state;
        if state.acceptance == Some(fleet::record::Acceptance::Pending) {
            self.settings
                .pending
                .fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        }
        self.active.extend(state.active().map(|t| (t.id, station)));
        tokens::load_running(&self.settings, state);
    }

    /// Ends what the last run left open: connections are over, and commands without an answer stay without one.
    /// Reservations end when they would have, at `reservation_ends`.
    pub(crate) fn resume(
        &mut self,
        now: Now,
        open_commands: Vec<(fleet::StationKey, fleet::record::CommandChanged)>,
        reservation_ends: Vec<(fleet::StationKey, i64)>,
    ) {
        for station in self.stations.all() {
            let connection = self.stations[station].state.connection;
            if connection != 0 {
                let ended = Disconnected {
                    connection,
                    reason: "server stopped".into(),
                };
                self.record(now, station, &ended);
            }
        }
        for (key, command) in open_commands {
            self.forget_command(now, &key, command);
        }
        let running: Vec<_> = self.active.iter().map(|(id, at)| (*id, *at)).collect();
        for (id, station) in running {
            self.await_cost_update(now, station, id);
        }
        for (key, ends_at) in reservation_ends {
            let station = self.stations.entry(&key);
            self.await_end(now, station, ends_at);
        }
    }

    /// A socket was opened, by a peer or by another shard that handed it over.
    pub(crate) fn opened(&mut self, now: Now, id: ConnId, peer: std::net::SocketAddr) {
        let tick = now.tick();
        self.conns.insert(Conn {
            id,
            seen_at: tick,
            due: 0,
            stage: Stage::Handshake(Box::new(Handshake {
                peer,
                opened_at: tick,
            })),
        });
        self.watch(
            id,
            u64::from(tick) + self.settings.config.handshake_timeout.as_secs(),
        );
    }

    /// Bytes of a socket; answers how many were used. The rest comes again with more, or after `Effect::Resume`.
    pub(crate) fn received(&mut self, now: Now, id: ConnId, bytes: &mut [u8]) -> usize {
        let Some(conn) = self.conns.get_mut(id) else {
            return bytes.len();
        };
        conn.seen_at = now.tick();
        match &mut conn.stage {
            Stage::Closing => bytes.len(),
            Stage::Handshake(_) => {
                let used = self.handshake(now, id, bytes);
                // What follows an upgrade at once is the first message.
                if 0 < used && used < bytes.len() && self.conns.live_mut(id).is_some() {
                    used + self.received(now, id, &mut bytes[used..])
                } else {
                    used
                }
            }
            Stage::Live(live) => {
                live.pinged = false;
                if live.paused || self.reads_paused {
                    live.paused = true;
                    self.outbox.push(Effect::Pause(id));
                    return 0;
                }
                let mut codec =
                    std::mem::replace(&mut live.codec, ws::Codec::new(ws::Role::Server));
                let limits = ws::Limits {
                    message_len_max: self.settings.config.message_len_max,
                    ..ws::Limits::default()
                };
                let read = codec.read(&limits, bytes, |message| self.message(now, id, message));
                if let Some(live) = self.conns.live_mut(id) {
                    live.codec = codec;
                }
                read.unwrap_or_else(|error| {
                    self.tally.counters.connections_dropped += 1;
                    self.say_goodbye(now, id, error.close_code(), &error.to_string());
                    bytes.len()
                })
            }
        }
    }

    fn message(&mut self, now: Now, id: ConnId, message: ws::Message<'_>) -> ControlFlow<()> {
        match message {
            ws::Message::Text(text) => self.text(now, id, text),
            ws::Message::Binary(_) => {
                self.tally.counters.connections_dropped += 1;
                let reason = "OCPP-J is text, this message was binary";
                self.say_goodbye(now, id, CloseCode::UNSUPPORTED_DATA, reason);
            }
            ws::Message::Ping(payload) => {
                self.outbox
                    .send(id, |out| ws::write_pong(out, None, payload));
            }
            ws::Message::Pong(_) => {}
            ws::Message::Close(code, reason) => {
                let code = code.map_or_else(|| "no code".to_owned(), |code| code.to_string());
                let reason = clean(reason);
                let said = if reason.is_empty() {
                    String::new()
                } else {
                    format!(": {reason}")
                };
                self.detach_station(now, id, &format!("closed by station ({code}){said}"));
                self.outbox.send(id, |out| {
                    ws::write_close(out, None, Some(CloseCode::NORMAL), "")
                });
                self.end(id);
            }
        }
        let full = self.over_budget();
        self.reads_paused |= full;
        match self.conns.live_mut(id) {
            // The rest comes again when answers have gone out.
            Some(live) if full || HELD_MAX <= live.held => {
                live.paused = true;
                self.outbox.push(Effect::Pause(id));
                ControlFlow::Break(())
            }
            Some(_) => ControlFlow::Continue(()),
            None => ControlFlow::Break(()),
        }
    }

    /// A socket is over, whoever ended it.
    pub(crate) fn closed(&mut self, now: Now, id: ConnId, reason: &str) {
        self.detach_station(now, id, reason);
        self.conns.remove(id);
    }

    /// True while bytes may be read from sockets.
    pub(crate) fn wants_reads(&self) -> bool {
        !self.reads_paused
    }

    /// The log has committed up to `seq`: what waited for it may go.
    pub(crate) fn committed(&mut self, now: Now, seq: Seq) {
        if seq == self.journal.durable() {
            return;
        }
        self.journal.committed(now.mono, seq);
        self.stalled = false;
        let mut waiting = std::mem::take(&mut self.waiting);
        while let Some((ready, frame)) = waiting.pop(seq) {
            match ready {
                Ready::Answer {
                    conn,
                    called_at,
                    header_len,
                    ..
                } => self.release(now, conn, called_at, frame, usize::from(header_len)),
                Ready::Reply(reply) => reply(),
                Ready::Transmit(command) => self.transmit(now, command),
                Ready::Errand(errand) => self.send_errand(*errand),
            }
        }
        waiting.tidy();
        // What the round above put in line comes after what is left of it.
        waiting.append(&mut self.waiting);
        self.waiting = waiting;
        if self.reads_paused && !self.over_budget_to_resume() {
            self.reads_paused = false;
            for id in self.conns.ids().collect::<Vec<_>>() {
                self.unpause(id);
            }
        }
    }

    fn release(
        &mut self,
        now: Now,
        id: ConnId,
        called_at: Instant,
        frame: &[u8],
        header_len: usize,
    ) {
        if !self.hold_back(now, id, called_at, frame, header_len) {
            self.send_released(now, id, called_at, frame, header_len);
        }
    }

    fn send_released(
        &mut self,
        now: Now,
        id: ConnId,
        called_at: Instant,
        frame: &[u8],
        header_len: usize,
    ) {
        let Some(live) = self.conns.live_mut(id) else {
            return;
        };
        live.held -= 1;
        if let Ok(text) = std::str::from_utf8(&frame[header_len..]) {
            note_answer(live, text);
        }
        let unpause = live.paused && live.held < HELD_MAX / 2;
        let last = self.draining && live.held == 0;
        self.tally
            .counters
            .ack_latency
            .record((now.mono - called_at).as_micros() as u64);
        self.outbox.send(id, |out| out.extend_from_slice(frame));
        if last {
            self.say_goodbye(now, id, CloseCode::SERVICE_RESTART, "server restarts");
        } else if unpause && !self.reads_paused {
            self.unpause(id);
        }
    }

    fn unpause(&mut self, id: ConnId) {
        if let Some(live) = self.conns.live_mut(id)
            && live.paused
            && live.held < HELD_MAX / 2
        {
            live.paused = false;
            self.outbox.push(Effect::Resume(id));
        }
    }

    fn bytes_held(&self) -> usize {
        self.journal.len() + self.waiting.len() + self.projection.len() + self.delayed.len()
    }

    fn over_budget(&self) -> bool {
        self.settings.config.shard_bytes_max < self.bytes_held()
    }

    fn over_budget_to_resume(&self) -> bool {
        self.settings.config.shard_bytes_max / 2 < self.bytes_held()
    }

    /// What is to be done with the sockets.
    pub(crate) fn effects(&mut self, each: impl FnMut(Effect, &[u8])) {
        self.outbox.drain(each);
    }

    /// Hands new records to the log, until `append` refuses one.
    pub(crate) fn records(&mut self, append: impl FnMut(&[u8]) -> bool) {
        self.journal.hand_over(append);
    }

    /// The newest record that it knows to be safe.
    pub(crate) fn durable(&self) -> Seq {
        self.journal.durable()
    }

    /// True while somebody waits until a record is durable.
    pub(crate) fn awaits_log(&self) -> bool {
        !self.waiting.is_empty() || self.draining
    }

    /// Rows for the state store, the position they claim, and the record that must be durable before they go there.
    pub(crate) fn projection(&mut self) -> Option<(Vec<Row>, Seq, Seq)> {
        if !self.has_rows() {
            return None;
        }
        let last = self.journal.last();
        self.claimed = last;
        let stations = &mut self.stations;
        let (batch, position) = self.projection.batch(last, |station| {
            let entry = &mut stations[station];
            entry.dirty = false;
            (
                entry.state.key.as_str().as_bytes().to_vec(),
                entry.state.to_row(),
            )
        });
        Some((batch, position, last))
    }

    /// True when [`Shard::projection`] has something.
    pub(crate) fn has_rows(&self) -> bool {
        // Raw frames change no row, but a log that holds nothing else is to be released too.
        !self.projection.is_empty() || self.claimed < self.journal.last()
    }

    /// True while it is told by [`Shard::stored`] what the store has.
    pub(crate) fn awaits_store(&self) -> bool {
        self.projection.awaits_store()
    }

    /// True while more rows would only wait in another place.
    pub(crate) fn is_store_busy(&self) -> bool {
        self.projection.is_store_busy()
    }

    /// True when the next rows are to follow soon: one batch does not hold what has changed.
    pub(crate) fn is_behind(&self) -> bool {
        self.projection.is_behind()
    }

    pub(crate) fn index(&self) -> usize {
        self.index
    }

    /// The store has everything up to `seq`.
    pub(crate) fn stored(&mut self, seq: Seq) {
        self.projection.stored(seq);
    }

    /// Closes every connection, refuses new ones. Answers that are in line still go out first.
    pub(crate) fn drain(&mut self, now: Now) {
        self.draining = true;
        self.send_delayed(now);
        for id in self.conns.ids().collect::<Vec<_>>() {
            match self.conns.live_mut(id).map(|live| live.held) {
                // It is closed when its answers are out; see `drained`.
                Some(held) if 0 < held => {}
                Some(_) => self.say_goodbye(now, id, CloseCode::SERVICE_RESTART, "server restarts"),
                None => self.end(id),
            }
        }
    }

    /// True when a drain has nothing left to wait for.
    pub(crate) fn drained(&self) -> bool {
        self.waiting.is_empty() && self.delayed.is_empty() && self.journal.waiting_since().is_none()
    }

    /// Writes a record and folds it into its station's state.
    fn record<T: Writable>(&mut self, now: Now, station: u32, content: &T) -> EventId {
        self.stations.wake(station);
        let entry = &mut self.stations[station];
        let (event, range) = self
            .journal
            .write(now.mono, &entry.state.key, now.utc, content);
        let bytes = self.journal.bytes(range);
        let record = fleet::wire::read(bytes).expect("bytes that were just written read back");
        let newest_at = entry.state.newest_at;
        entry
            .state
            .apply(event, &record, &self.settings.config.plausibility);
        entry.since_newest = if newest_at < entry.state.newest_at {
            1
        } else {
            entry.since_newest.saturating_add(1)
        };
        self.projection.note(event, &record, bytes);
        if matches!(record.body, Body::Booted(_) | Body::StationDeleted(_)) {
            entry.fit = Fit::default();
        }
        let meter_news = MeterNews::of(&record.body);
        if !entry.dirty {
            entry.dirty = true;
            self.projection.dirty(event.seq, station);
        }
        self.tally.counters.records += 1;
        if let Some(news) = meter_news {
            self.watch_meter_values(now, station, news);
        }
        event
    }

    /// Drops transactions and commands that ended long enough ago; the state store answers for them.
    fn sweep(&mut self, now: Now) {
        if now.mono < self.sweep.0 {
            return;
        }
        let stations = self.stations.all();
        let from = if self.sweep.1 < stations.end {
            self.sweep.1
        } else {
            0
        };
        let until = stations.end.min(from + SWEEP_LEN);
        for station in from..until {
            self.stations[station].state.forget_ended(now.utc);
        }
        self.sweep = (now.mono + SWEEP_EVERY, until);
        self.tidy_commands(now);
    }

    /// Packs stations that have been silent for a while and whose rows are on their way.
    fn rest(&mut self, now: Now) {
        if now.mono < self.rest_at {
            return;
        }
        self.rest_at = now.mono + REST_EVERY;
        for _ in 0..self.stations.awake_len().min(REST_LEN) {
            let Some(station) = self.stations.next_awake() else {
                break;
            };
            let entry = &mut self.stations[station];
            let conn = entry.conn.and_then(|conn| self.conns.get_mut(conn));
            let silent = conn
                .as_ref()
                .is_none_or(|conn| conn.seen_at + REST_AFTER_SECONDS <= now.tick());
            if silent
                && let Some(Stage::Live(live)) = conn.map(|conn| &mut conn.stage)
                && live.inbound.unanswered() == 0
            {
                // A station that is silent for so long repeats nothing by its message id.
                live.inbound = ocpp::Inbound::new();
            }
            if silent && !entry.dirty {
                entry.state.pack();
                self.packed += usize::from(entry.state.is_packed());
            }
            self.stations.settle(station);
        }
    }

    /// When so many stations have come to rest that what they have left is worth giving back: what gives it back.
    pub(crate) fn spare_memory(&mut self) -> Option<fn()> {
        let all_rest = 0 < self.packed && self.stations.awake_len() == 0;
        if !all_rest && self.packed <= self.stations.len() / 8 {
            return None;
        }
        self.packed = 0;
        if all_rest {
            self.outbox.let_go();
            self.projection.let_go();
            self.journal.let_go();
            self.waiting.let_go();
            self.scratch = Scratch::default();
        }
        Some(self.settings.config.give_back)
    }

    /// Keeps a frame as it went over the wire, without its secrets.
    #[expect(
        clippy::too_many_arguments,
        reason = "each is one member of the record"
    )]
    fn record_message(
        &mut self,
        now: Now,
        station: u32,
        direction: Direction,
        message_type: u8,
        message_id: &str,
        action: &str,
        raw: &[u8],
    ) {
        self.tally.message(action, direction);
        if action == "Heartbeat" && !self.settings.config.log_heartbeats {
            return;
        }
        let masked = ocpp::may_hold_secrets(action).then(|| {
            // What was read or composed as text is text.
            let text = std::str::from_utf8(raw).unwrap_or_default();
            ocpp::mask_secrets(action, text)
        });
        let message = MessageView {
            direction: direction.code(),
            message_type,
            message_id,
            action,
            raw: masked.as_ref().map_or(raw, |text| text.as_bytes()),
        };
        // Most records are raw frames. They make no rows, and tell when the station was last seen, which is no reason
        // to write it: reading back what was written, as `record` does, would cost as much as writing it.
        let state = &mut self.stations[station].state;
        let event = self
            .journal
            .write_message(now.mono, &state.key, now.utc, &message);
        state.apply_message(event, now.utc, message.direction);
        self.tally.counters.records += 1;
    }

    /// Ends a socket: its station's connection is over, the peer hears why, and what it still sends is passed by.
    fn say_goodbye(&mut self, now: Now, id: ConnId, code: CloseCode, reason: &str) {
        self.detach_station(now, id, reason);
        self.outbox
            .send(id, |out| ws::write_close(out, None, Some(code), reason));
        self.end(id);
    }

    /// Closes a socket that has heard all it will.
    fn end(&mut self, id: ConnId) {
        if let Some(conn) = self.conns.get_mut(id) {
            conn.stage = Stage::Closing;
            self.outbox.push(Effect::Close(id));
        }
    }

    /// Takes the station off a socket, if it has one: offline from here on.
    fn detach_station(&mut self, now: Now, id: ConnId, reason: &str) {
        let Some(conn) = self.conns.get_mut(id) else {
            return;
        };
        let Stage::Live(live) = std::mem::replace(&mut conn.stage, Stage::Closing) else {
            return;
        };
        let Live {
            station,
            connection,
            rpc,
            ..
        } = live;
        self.tally.counters.answers_unexpected += u64::from(rpc.answers_unexpected());
        let entry = &mut self.stations[station];
        // The close of an old connection says nothing about the one that took its place.
        if entry.conn == Some(id) {
            entry.conn = None;
            if let Some(ended_at) = self.charging.get_mut(&station) {
                *ended_at = Some(now.utc);
            }
        }
        if entry.state.acceptance == Some(fleet::record::Acceptance::Accepted) {
            let ended = Disconnected {
                connection,
                reason: reason.to_owned(),
            };
            self.record(now, station, &ended);
        }
        self.lose_commands(now, rpc);
    }
}

/// An answer leaves: the call it belongs to is no longer open.
fn note_answer(live: &mut Live, text: &str) {
    match ocpp::scan(text, live.version) {
        Ok(ocpp::Frame::CallResult { id, payload }) => {
            live.inbound.answered(&id, "", payload.as_bytes());
        }
        Ok(ocpp::Frame::CallError { id, .. }) => live.inbound.forget(&id),
        // Nothing else answers a call of the station.
        Ok(
            ocpp::Frame::Call { .. }
            | ocpp::Frame::CallResultError { .. }
            | ocpp::Frame::Send { .. },
        )
        | Err(_) => {}
    }
}

/// A peer's text on one line, at most 100 characters.
fn clean(text: &str) -> String {
    text.chars()
        .take(100)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}
