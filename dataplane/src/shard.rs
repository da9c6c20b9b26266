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

mod arrivals;
mod asked_for;
mod asks;
mod before;
mod calls;
mod certificates;
mod charging;
mod closing;
mod commands;
mod committed;
mod compression;
mod conns;
mod contracts;
mod drain;
mod errands;
mod facts;
mod follow;
mod grid;
mod handshake;
mod journal;
mod money;
mod monitors;
mod named_token;
mod outbox;
mod partial;
mod passwords;
mod progress;
mod projection;
mod quirks;
mod received;
mod records;
mod reservations;
mod rest;
mod retries;
mod said;
mod stations;
mod store;
mod summary;
mod tally;
mod tariffs;
mod timers;
mod tokens;
mod transactions;
mod unnamed;
mod values;
mod vat;
mod waiting;
mod web_payment;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize};

use fleet::record::{Disconnected, MeterValues, StationHeard, TransactionLimit};
use fleet::{Seq, TransactionId, UtcMicros};
use net::driver::ConnId;
use net::tls::TlsFailure;
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
use crate::tls::Transport;
use crate::wheel::Wheel;
use arrivals::Arrivals;
use asked_for::AskedFor;
pub(crate) use asks::station_view;
pub(crate) use closing::closing_view;
use commands::{Commands, Split};
use compression::Compression;
use conns::{Conns, Live, Stage};
use drain::Drain;
use errands::Errands;
pub(crate) use grid::{battery_swaps_key, der_key};
use journal::Journal;
use money::Charged;
use money::limits::SentBefore;
pub(crate) use outbox::Effect;
use outbox::Outbox;
pub(crate) use projection::Projection;
#[cfg(test)]
pub(crate) use projection::record_row;
pub(crate) use projection::{
    RETRY_KEPT_MICROS, RetryRow, Row, TRANSACTION_KEPT_MICROS, charging_key, name_key,
    read_record_row, reservations_key,
};
use quirks::{Delayed, Shelved};
pub(crate) use reservations::{reservation_ends, view as reservation_view};
use rest::{REST_EVERY, SWEEP_EVERY};
use stations::Stations;
pub(crate) use store::{Lookup, StoreUnreadable};
use tally::Tally;
use timers::Deadlines;
use tokens::TokenCache;
pub(crate) use tokens::{
    Authorization, ChangedMessages, Running, id_tag_info, id_token_info, id_token_type, listed,
    read_token, token_key, token_type_code, token_type_of, write_token,
};
use waiting::Waiting;

/// Answers of one connection in line for the disk; a station ought to have one call unanswered, and one that has more
/// is read no further until they are answered.
const HELD_MAX: u8 = 24;
/// A station that was heard so much later than its last record, on a connection that ends, has that put on record.
const HEARD_AFTER_MICROS: i64 = 60 * 1_000_000;
/// Likewise, of any station of a shard, so often while there are connections.
const RAN_EVERY_S: u32 = 5 * 60;

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

    /// When the next tick begins.
    fn next_second(self) -> Instant {
        Instant((u64::from(self.tick()) + 1) * 1_000_000_000)
    }
}

/// What all shards of a server share; never changes.
pub(crate) struct Settings {
    /// What they start with; each has what holds now.
    pub(crate) started: Arc<Config>,
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
    /// What their drivers are to be told anew.
    pub(crate) messages: ChangedMessages,
    /// The quirk profiles in force.
    pub(crate) quirks: Arc<Shelf>,
    /// The tariffs of all tenants.
    pub(crate) tariffs: Books,
}

/// See the module.
pub(crate) struct Shard {
    index: usize,
    settings: Arc<Settings>,
    /// What holds now: another takes its place as a whole.
    config: Arc<Config>,
    /// The longest interval between Heartbeats that held since the start: a station keeps to what its last boot told it.
    heartbeat_longest_s: u32,
    lookup: Lookup,
    tokens: TokenCache,
    random: Random,
    conns: Conns,
    arrivals: Arrivals,
    compression: Compression,
    stations: Stations,
    /// Transactions that run, oldest first, and whose they are.
    active: BTreeMap<TransactionId, u32>,
    /// Those that a tariff is about.
    charged: HashMap<TransactionId, Charged>,
    /// Of those that run, what they may come to at most.
    limits: HashMap<TransactionId, TransactionLimit>,
    /// Of those, what else went out.
    limits_sent: HashMap<TransactionId, SentBefore>,
    commands: Commands,
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
    /// When it was last put on record, for the shard's sake, that a station was heard; seconds of the monotonic clock.
    run_noted_at: u32,
    reads_paused: bool,
    /// The tick at which all were listened to again; nobody's silence counts from before.
    resumed_at: u32,
    /// The log has stood still for too long: sockets are closed and upgrades refused.
    stalled: bool,
    /// The server is going down.
    drain: Option<Drain>,
    /// Bytes of fragments of unfinished messages, of all connections.
    fragments_len: usize,
    /// Bytes that the sockets' buffers held when last looked at.
    sockets_len: usize,
    /// Bytes of text that this call of [`Shard::received`] has acted on.
    read_text: usize,
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
        let config = Arc::clone(&settings.started);
        let record_len_max = config.log.record_len_max;
        Self {
            index,
            shelved: Shelved::new(&settings),
            delayed: Delayed::default(),
            replaying: None,
            settings,
            heartbeat_longest_s: config.heartbeat_interval_s,
            config,
            lookup,
            tokens: TokenCache::default(),
            random: Random::new(seed),
            conns: Conns::default(),
            arrivals: Arrivals::default(),
            compression: Compression::default(),
            stations: Stations::default(),
            active: BTreeMap::new(),
            charged: HashMap::new(),
            limits: HashMap::new(),
            limits_sent: HashMap::new(),
            commands: Commands::default(),
            charging: BTreeMap::new(),
            outgoing: HashMap::new(),
            split: Split::default(),
            journal: Journal::new(log_id, last, record_len_max),
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
            run_noted_at: 0,
            reads_paused: false,
            resumed_at: 0,
            stalled: false,
            drain: None,
            fragments_len: 0,
            sockets_len: 0,
            read_text: 0,
            scratch: Scratch::default(),
        }
    }

    /// Runs with these settings from here on. What was agreed with a connection, and what is timed already, stays as it is.
    pub(crate) fn configured(&mut self, config: Arc<Config>) {
        self.heartbeat_longest_s = self.heartbeat_longest_s.max(config.heartbeat_interval_s);
        self.config = config;
    }

    /// Takes a station as store and log know it, before the first connection.
    pub(crate) fn load(&mut self, mut state: StationState) {
        self.load_charged(&state);
        let limits = self.load_limits(&state);
        state.pack();
        let station = self.stations.insert(state);
        if let Err(StoreUnreadable) = limits {
            self.stations[station].side_mut().has_unread_limits = true;
        }
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
        let all = || self.stations.all();
        let heard = all().map(|station| self.stations[station].state.seen_at);
        // Our own clock may have been ahead for a moment.
        let ran_until = heard.filter(|at| *at <= now.utc).max();
        let ran_until = ran_until.unwrap_or_default().0;
        for station in all() {
            let StationState {
                connection,
                seen_at,
                acceptance,
                ..
            } = self.stations[station].state;
            if connection == 0 {
                continue;
            }
            // Whoever had been silent for longer would have been cut off.
            let idle = i64::try_from(self.patience(station).1).unwrap_or(i64::MAX);
            let heard_at = ran_until.saturating_sub(idle.saturating_mul(1_000_000));
            let is_news = seen_at.0 + HEARD_AFTER_MICROS < heard_at;
            if is_news && acceptance == Some(fleet::record::Acceptance::Accepted) {
                self.record(now, station, &StationHeard { heard_at });
            }
            let ended = Disconnected {
                connection,
                reason: "server stopped".into(),
            };
            self.record(now, station, &ended);
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

    /// A socket that has said nothing yet speaks TLS.
    pub(crate) fn secured(&mut self, id: ConnId, transport: Transport) {
        if let Some(handshake) = self.conns.handshake_mut(id) {
            handshake.transport = transport;
        }
    }

    /// True of a socket that may be read after the others: it is at its handshake, or its station has had no answer on it.
    pub(crate) fn may_wait(&self, id: ConnId) -> bool {
        self.conns.is_newcomer(id)
    }

    /// The peer of a socket that is still in its handshake.
    pub(crate) fn peer(&self, id: ConnId) -> Option<std::net::SocketAddr> {
        self.conns.peer(id)
    }

    /// TLS with somebody came to nothing.
    pub(crate) fn tls_failed(&mut self, failure: TlsFailure) {
        self.tally.tls_failed(failure.kind());
    }

    /// A socket is over, whoever ended it.
    pub(crate) fn closed(&mut self, now: Now, id: ConnId, reason: &str) {
        self.detach_station(now, id, reason);
        self.drop_errands_of(id);
        self.conns.remove(id);
    }

    /// True while bytes may be read from sockets.
    pub(crate) fn wants_reads(&self) -> bool {
        !self.reads_paused
    }

    fn bytes_held(&self) -> usize {
        self.journal.len() + self.waiting.len() + self.projection.len() + self.delayed.len()
    }

    fn over_budget(&self) -> bool {
        self.config.shard_bytes_max < self.bytes_held()
    }

    fn over_budget_to_resume(&self) -> bool {
        self.config.shard_bytes_max / 2 < self.bytes_held()
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
        !self.waiting.is_empty() || self.is_draining()
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
    pub(crate) fn stored(&mut self, now: Now, seq: Seq) {
        self.projection.stored(seq);
        self.listen_again(now);
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
        let heard_at = now.utc.0 - conn.silent_micros(now);
        let Live {
            codec,
            station,
            connection,
            rpc,
            is_compressed,
            ..
        } = live;
        self.fragments_len -= codec.held_len();
        if is_compressed {
            self.compression.end(id);
        }
        if let Some(drain) = &mut self.drain {
            drain.live = drain.live.saturating_sub(1);
        }
        self.tally.counters.answers_unexpected += u64::from(rpc.answers_unexpected());
        let entry = &mut self.stations[station];
        // The close of an old connection says nothing about the one that took its place.
        if entry.conn == Some(id) {
            entry.conn = None;
            if let Some(side) = &mut entry.side {
                side.asked_for = AskedFor::default();
            }
            if let Some(ended_at) = self.charging.get_mut(&station) {
                *ended_at = Some(now.utc);
            }
        }
        if entry.state.acceptance == Some(fleet::record::Acceptance::Accepted) {
            // Others write records, which tell when they were heard themselves.
            let is_news = entry.state.seen_at.0 + HEARD_AFTER_MICROS < heard_at;
            // What raw frames told is in no record, and minutes may hang on it.
            let counts = entry.state.clock_doubt.is_any() && entry.state.active().next().is_some();
            if (is_news || counts) && entry.state.connection == connection {
                self.record(now, station, &StationHeard { heard_at });
            }
            let ended = Disconnected {
                connection,
                reason: reason.to_owned(),
            };
            self.record(now, station, &ended);
        }
        self.lose_commands(now, rpc);
    }

    /// Somebody was heard at `heard_at`. Now and then that is on record, so that the next run knows how long this one lasted.
    fn note_run(&mut self, now: Now, station: u32, heard_at: i64) {
        let acceptance = self.stations[station].state.acceptance;
        let is_due = self.run_noted_at + RAN_EVERY_S <= now.tick();
        if is_due && acceptance == Some(fleet::record::Acceptance::Accepted) {
            self.run_noted_at = now.tick();
            self.record(now, station, &StationHeard { heard_at });
        }
    }
}
