//! Stations, a shard and a disk that lies, on one thread, from one seed.
//!
//! Stations send messages that are told apart by a number, each again and again until it is answered; connections
//! break, the disk fails, the store cannot be read, the power goes. Afterwards: what was answered is in the log, nothing is there twice, nothing
//! was invented, and no station ever had two of our calls unanswered.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fleet::record::{CommandChanged, ReadingContext};
use fleet::wire::Fact;
use fleet::{EventId, Seq, StationKey, UtcMicros};
use net::driver::ConnId;
use net::ws::{self, MaskKey};
use ocpp::Instant;
use ring::hmac;
use storage::disk::{Fault, SimDisk};
use storage::log::{Consumer, Log, LogConfig, LogState, Stepper};
use storage::state::Table;

use super::world::{EPOCH, config, key, upgrade};
use crate::config::Onboarding;
use crate::permutation::TransactionIds;
use crate::random::Random;
use crate::router::pending::pending;
use crate::router::{Ask, CommandRequest};
use crate::shard::{ChangedMessages, Effect, Now, Running, Settings, Shard, StoreUnreadable};
use crate::state::StationState;

const SEEDS: u64 = 1_000;
const STEPS: usize = 220;
const STATIONS: u64 = 4;
/// As the default configuration has it.
const CALL_TIMEOUT_S: u64 = 30;
const CAPACITY: u64 = 6 << 20;

type Rows = BTreeMap<(Table, Vec<u8>), Vec<u8>>;

/// What a station is telling us; its number is the register it reports, in watt-hours.
#[derive(Clone, Debug)]
struct Told {
    number: u64,
    action: &'static str,
    payload: String,
}

struct Station {
    identity: String,
    conn: Option<ConnId>,
    upgraded: bool,
    codec: ws::Codec,
    input: Vec<u8>,
    carry: Vec<u8>,
    told: Option<Told>,
    sent_as: String,
    transaction: Option<i64>,
    /// Our call that it has not answered, and when it came.
    asked: Option<(String, u64)>,
}

struct Sim {
    dice: Random,
    settings: Arc<Settings>,
    seconds: u64,
    disk: SimDisk,
    log: Log,
    stepper: Stepper,
    shard: Shard,
    /// The state store: as it is, and as a power cut would find it.
    rows: Arc<Mutex<Rows>>,
    /// Whether the store can be read.
    unreadable: Arc<AtomicBool>,
    /// Calls that were refused because it could not.
    refused: u64,
    position: Seq,
    persisted: (Rows, Seq),
    ready: Option<(Vec<crate::shard::Row>, Seq, Seq)>,
    stations: Vec<Station>,
    next_conn: u64,
    next_number: u64,
    acked: BTreeSet<u64>,
    told: BTreeSet<u64>,
}

/// Every other power-on has a log that commits in the shard's turn, as soon as its disk was quick once.
fn log_config(own_commits: bool) -> LogConfig {
    LogConfig {
        inline_max: Duration::from_micros(u64::from(own_commits)),
        inline_after: 1,
        segment_len: 64 << 10,
        // Nothing is released, so that all of it can be looked at in the end.
        bytes_max: 4 << 20,
        batch_len_max: 32 << 10,
        record_len_max: 8 << 10,
        consumers: vec![Consumer::State],
        ..LogConfig::default()
    }
}

fn settings() -> Arc<Settings> {
    Arc::new(Settings {
        started: Arc::new(config(Onboarding::Open)),
        shards: 1,
        transaction_ids: TransactionIds::new(b"sim"),
        token_key: hmac::Key::new(hmac::HMAC_SHA256, b"sim"),
        pending: AtomicUsize::new(0),
        token_changes: AtomicU64::new(0),
        running: Running::default(),
        messages: ChangedMessages::default(),
        quirks: Arc::new(crate::quirks::Shelf::open(Default::default()).unwrap()),
        tariffs: crate::tariff::Books::default(),
    })
}

impl Sim {
    fn new(seed: u64) -> Self {
        let settings = settings();
        let disk = SimDisk::new(seed, CAPACITY);
        let rows = Arc::new(Mutex::new(Rows::new()));
        let unreadable = Arc::new(AtomicBool::new(false));
        let (log, stepper, shard) = open(&settings, &disk, &rows, &unreadable, Seq(0), 0);
        let stations = (0..STATIONS).map(|n| Station {
            identity: format!("CP{n}"),
            conn: None,
            upgraded: false,
            codec: ws::Codec::new(ws::Role::Client),
            input: Vec::new(),
            carry: Vec::new(),
            told: None,
            sent_as: String::new(),
            transaction: None,
            asked: None,
        });
        Self {
            dice: Random::new(seed),
            settings,
            seconds: 0,
            disk,
            log,
            stepper,
            shard,
            rows,
            unreadable,
            refused: 0,
            position: Seq(0),
            persisted: (Rows::new(), Seq(0)),
            ready: None,
            stations: stations.collect(),
            next_conn: 0,
            next_number: 1,
            acked: BTreeSet::new(),
            told: BTreeSet::new(),
        }
    }

    fn below(&mut self, n: u64) -> u64 {
        self.dice.next() % n
    }

    fn now(&self) -> Now {
        now_at(self.seconds)
    }

    fn run(&mut self) {
        for _ in 0..STEPS {
            self.seconds += self.below(3);
            let at = self.below(STATIONS) as usize;
            match self.below(100) {
                0..=54 => self.act(at),
                55..=64 => self.drop_connection(at),
                65..=69 => self.command(at),
                70..=74 => self.inject(),
                75..=76 => self.cut_power(),
                77..=78 => self.disk.set_capacity(0),
                79..=84 => self.disk.set_capacity(CAPACITY),
                85..=91 => self.project(),
                92 => self.unreadable.store(true, Ordering::Relaxed),
                93..=94 => self.unreadable.store(false, Ordering::Relaxed),
                // Time passes without a commit.
                _ => self.seconds += self.below(8),
            }
            self.turn();
            if 0 < self.below(3) {
                self.stepper.step();
            }
            self.commit();
        }
        // Peace: everything that was begun is finished.
        self.disk.set_capacity(CAPACITY);
        self.unreadable.store(false, Ordering::Relaxed);
        self.cut_power();
        for _ in 0..40 {
            self.seconds += 1;
            (0..STATIONS as usize).for_each(|at| self.act(at));
            self.turn();
            self.stepper.step();
            self.commit();
            self.project();
        }
        self.verify();
    }

    /// A station does the next thing it has to do.
    fn act(&mut self, at: usize) {
        if self.stations[at].conn.is_none() {
            return self.connect(at);
        }
        if !self.stations[at].upgraded {
            return;
        }
        if let Some((asked, _)) = self.stations[at].asked.take() {
            return self.send(at, &format!(r#"[3,"{asked}",{{"status":"Accepted"}}]"#));
        }
        if self.stations[at].told.is_none() {
            let told = self.next_told(at);
            self.told.insert(told.number);
            self.stations[at].told = Some(told);
        } else if !self.stations[at].sent_as.is_empty() {
            // It waits for the answer.
            return;
        }
        let id = format!("{:x}", self.dice.next());
        let told = self.stations[at].told.clone().expect("just filled");
        self.stations[at].sent_as = id.clone();
        self.send(
            at,
            &format!(r#"[2,"{id}","{}",{}]"#, told.action, told.payload),
        );
    }

    fn next_told(&mut self, at: usize) -> Told {
        let number = self.next_number;
        self.next_number += 1;
        let time = UtcMicros(EPOCH + self.seconds as i64 * 1_000_000 + number as i64);
        let choice = self.below(5);
        let (action, payload) = match (self.stations[at].transaction, choice) {
            (None, 0..=2) => (
                "StartTransaction",
                format!(
                    r#"{{"connectorId":1,"idTag":"T","meterStart":{number},"timestamp":"{time}"}}"#
                ),
            ),
            (Some(id), 0) => (
                "StopTransaction",
                format!(r#"{{"transactionId":{id},"meterStop":{number},"timestamp":"{time}"}}"#),
            ),
            (transaction, _) => {
                let named =
                    transaction.map_or(String::new(), |id| format!(r#""transactionId":{id},"#));
                let values = format!(
                    r#"{{"connectorId":1,{named}"meterValue":[{{"timestamp":"{time}","sampledValue":[{{"value":"{number}"}}]}}]}}"#
                );
                ("MeterValues", values)
            }
        };
        Told {
            number,
            action,
            payload,
        }
    }

    fn connect(&mut self, at: usize) {
        let conn = ConnId::from_bits(self.next_conn | 1 << 32);
        self.next_conn += 1;
        let now = self.now();
        self.shard
            .opened(now, conn, SocketAddr::from(([10, 0, 0, 1], 1)));
        let station = &mut self.stations[at];
        station.conn = Some(conn);
        station.upgraded = false;
        station.codec = ws::Codec::new(ws::Role::Client);
        let path = format!("/{}", station.identity);
        let request = upgrade(&path, "Sec-WebSocket-Protocol: ocpp1.6\r\n");
        self.deliver(at, request.as_bytes());
    }

    fn send(&mut self, at: usize, text: &str) {
        let mut bytes = Vec::new();
        ws::write_text(&mut bytes, Some(MaskKey([9, 8, 7, 6])), text.as_bytes());
        self.deliver(at, &bytes);
    }

    fn deliver(&mut self, at: usize, bytes: &[u8]) {
        let now = self.now();
        let station = &mut self.stations[at];
        let Some(conn) = station.conn else {
            return;
        };
        let mut all = std::mem::take(&mut station.carry);
        all.extend_from_slice(bytes);
        let used = self.shard.received(now, conn, &mut all);
        all.drain(..used);
        self.stations[at].carry = all;
        self.effects();
    }

    /// The network loses a connection; the shard hears of it now or when the station comes again.
    fn drop_connection(&mut self, at: usize) {
        let now = self.now();
        if let Some(conn) = self.forget_connection(at)
            && self.below(2) == 0
        {
            self.shard.closed(now, conn, "lost");
            self.effects();
        }
    }

    fn forget_connection(&mut self, at: usize) -> Option<ConnId> {
        let station = &mut self.stations[at];
        station.sent_as.clear();
        station.asked = None;
        station.input.clear();
        station.carry.clear();
        station.conn.take()
    }

    fn command(&mut self, at: usize) {
        let (reply, _pending) = pending();
        let request = CommandRequest {
            station: key(&self.stations[at].identity),
            action: "ClearCache".into(),
            payload: "{}".into(),
            principal: "sim".into(),
            wait: Some(Duration::from_secs(10)),
            answer_timeout: None,
        };
        let now = self.now();
        self.shard.ask(now, Ask::Command { request, reply });
    }

    fn inject(&mut self) {
        match self.below(5) {
            0 => self.disk.inject(Fault::Write),
            1 => self.disk.inject(Fault::Sync),
            2 => self.disk.inject(Fault::SyncDir),
            3 => self.disk.set_sync_time(Duration::from_millis(1)),
            _ => self.disk.set_sync_time(Duration::ZERO),
        }
    }

    /// Everything volatile is gone.
    fn cut_power(&mut self) {
        self.disk = self.disk.crash();
        self.disk.set_capacity(CAPACITY);
        for at in 0..STATIONS as usize {
            self.forget_connection(at);
        }
        let (rows, position) = self.persisted.clone();
        *self.rows.lock().unwrap() = rows;
        self.position = position;
        self.ready = None;
        self.settings.running.clear();
        self.settings.messages.clear();
        let (log, stepper, shard) = open(
            &self.settings,
            &self.disk,
            &self.rows,
            &self.unreadable,
            position,
            self.seconds,
        );
        (self.log, self.stepper, self.shard) = (log, stepper, shard);
    }

    fn turn(&mut self) {
        let now = self.now();
        if self.shard.poll_timeout().is_some_and(|at| at <= now.mono) {
            self.shard.timer(now);
        }
        let log = &mut self.log;
        self.shard.records(|record| log.append(record).is_ok());
        if self.shard.awaits_log() {
            self.log.flush(now.mono.0);
        } else {
            self.log.flush_unawaited(now.mono.0);
        }
        self.effects();
        // A log that has given up comes back with the next process.
        if let LogState::Failed { .. } = self.log.handle().health(now.mono.0).state {
            self.cut_power();
        }
    }

    fn commit(&mut self) {
        let now = self.now();
        self.shard.committed(now, self.log.durable());
        self.effects();
    }

    fn project(&mut self) {
        if self.ready.is_none() {
            self.ready = self.shard.projection();
        }
        let durable = self.log.durable();
        let Some((batch, position, _)) = self.ready.take_if(|(.., needed)| *needed <= durable)
        else {
            return;
        };
        let mut rows = self.rows.lock().unwrap();
        rows.extend(
            batch
                .into_iter()
                .map(|(table, key, value)| ((table, key), value)),
        );
        self.position = position;
        if self.dice.next().is_multiple_of(2) {
            self.persisted = (rows.clone(), position);
            let now = self.now();
            self.shard.stored(now, position);
        }
    }

    fn effects(&mut self) {
        for _ in 0..1_000 {
            let mut effects = Vec::new();
            self.shard
                .effects(|effect, bytes| effects.push((effect, bytes.to_vec())));
            if effects.is_empty() {
                return;
            }
            for (effect, bytes) in effects {
                self.effect(effect, &bytes);
            }
        }
        panic!("the shard never rests");
    }

    fn effect(&mut self, effect: Effect, bytes: &[u8]) {
        let at = |sim: &Self, conn| sim.stations.iter().position(|s| s.conn == Some(conn));
        match effect {
            Effect::Send { conn, .. } => {
                if let Some(at) = at(self, conn) {
                    self.hear(at, bytes);
                }
            }
            Effect::Close(conn) | Effect::Abort(conn) => {
                if let Some(at) = at(self, conn) {
                    self.forget_connection(at);
                }
                let now = self.now();
                self.shard.closed(now, conn, "ended");
            }
            Effect::Pause(_) | Effect::Hold(_) => {}
            Effect::Resume(conn) => {
                if let Some(at) = at(self, conn) {
                    self.deliver(at, &[]);
                }
            }
            Effect::HandOver { .. } => panic!("there is one shard"),
        }
    }

    fn hear(&mut self, at: usize, bytes: &[u8]) {
        let station = &mut self.stations[at];
        station.input.extend_from_slice(bytes);
        if !station.upgraded {
            let text = String::from_utf8_lossy(&station.input).into_owned();
            let Some(end) = text.find("\r\n\r\n") else {
                return;
            };
            station.upgraded = text.starts_with("HTTP/1.1 101");
            if !station.upgraded {
                return station.input.clear();
            }
            station.input.drain(..end + 4);
        }
        let mut heard = Vec::new();
        let read = station
            .codec
            .read(&ws::Limits::default(), &mut station.input, |message| {
                if let ws::Message::Text(text) = message {
                    heard.push(text.to_owned());
                }
                ControlFlow::Continue(())
            });
        let used = read.expect("good frames");
        station.input.drain(..used);
        heard.iter().for_each(|text| self.message(at, text));
    }

    fn message(&mut self, at: usize, text: &str) {
        let station = &mut self.stations[at];
        let id = text.split('"').nth(1).expect("an id");
        if text.starts_with("[2,") {
            // A call is over for us once its time is over.
            let open = station
                .asked
                .take()
                .filter(|(_, at)| self.seconds < at + CALL_TIMEOUT_S);
            assert_eq!(open, None, "two calls unanswered at {}", station.identity);
            station.asked = Some((id.to_owned(), self.seconds));
            return;
        }
        if id != station.sent_as {
            return;
        }
        if text.starts_with("[4,") {
            let internal = text.contains("\"InternalError\",\"the state store");
            assert!(internal, "refused: {text}");
            // It keeps what was not taken, and sends it again.
            station.sent_as.clear();
            self.refused += 1;
            return;
        }
        assert!(text.starts_with("[3,"), "{text}");
        let told = station.told.take().expect("it was sent");
        station.sent_as.clear();
        match told.action {
            "StartTransaction" => {
                let id = text.split("\"transactionId\":").nth(1).expect("an id");
                let id = id.trim_end_matches(['}', ']']);
                station.transaction = Some(id.parse().expect("a number"));
            }
            "StopTransaction" => station.transaction = None,
            _ => {}
        }
        self.acked.insert(told.number);
    }

    fn verify(&self) {
        let mut kept = BTreeMap::new();
        let mut reader = self.log.handle().reader(self.log.handle().first());
        while let Some((_, record)) = reader.next().expect("a sound log") {
            for number in numbers(record) {
                *kept.entry(number).or_insert(0) += 1;
            }
        }
        let kept_numbers: BTreeSet<u64> = kept.keys().copied().collect();
        let lost: Vec<_> = self.acked.difference(&kept_numbers).collect();
        assert!(lost.is_empty(), "answered and lost: {lost:?}");
        let twice: Vec<_> = kept.iter().filter(|(_, count)| **count != 1).collect();
        assert!(twice.is_empty(), "kept more than once: {twice:?}");
        let invented: Vec<_> = kept_numbers.difference(&self.told).collect();
        assert!(invented.is_empty(), "never told: {invented:?}");
        assert!(
            10 < self.acked.len(),
            "a simulation in which nothing happens"
        );
    }
}

/// The numbers that a record stands for: one per message of a station that had an effect.
fn numbers(record: &[u8]) -> Vec<u64> {
    let record = fleet::wire::read(record).expect("a record");
    match record.body.to_fact().expect("a fact") {
        Fact::TransactionEvent(event) => {
            assert!(!event.retry.conflict, "two contents: {event:?}");
            event
                .register_mwh
                .map(|mwh| mwh as u64 / 1_000)
                .into_iter()
                .collect()
        }
        Fact::MeterValues(values) => {
            assert!(!values.retry.conflict, "two contents: {values:?}");
            let periodic = ReadingContext::SamplePeriodic.code();
            let of_row = |row: u16| values.rows[usize::from(row)].context;
            let mine = values
                .readings
                .iter()
                .filter(|reading| of_row(reading.row) == periodic);
            mine.map(|reading| reading.bits as u64 / 1_000).collect()
        }
        _ => Vec::new(),
    }
}

fn now_at(seconds: u64) -> Now {
    Now {
        mono: Instant((1_000 + seconds) * 1_000_000_000),
        utc: UtcMicros(EPOCH + seconds as i64 * 1_000_000),
    }
}

/// A process starts over what the disk and the store hold.
fn open(
    settings: &Arc<Settings>,
    disk: &SimDisk,
    rows: &Arc<Mutex<Rows>>,
    unreadable: &Arc<AtomicBool>,
    position: Seq,
    seconds: u64,
) -> (Log, Stepper, Shard) {
    let config = log_config(seconds.is_multiple_of(2));
    let opened = Log::open_stepped(Path::new("/log"), config, Arc::new(disk.clone()));
    let (log, stepper, recovery) = opened.expect("a log that can be opened");
    assert!(position <= recovery.end, "the store is ahead of the log");
    let mut states: BTreeMap<StationKey, StationState> = BTreeMap::new();
    let mut commands: BTreeMap<[u8; 16], (StationKey, CommandChanged)> = BTreeMap::new();
    let mut note = |key: &StationKey, fact: Fact| {
        if let Fact::CommandChanged(command) = fact {
            commands.insert(command.command_id, (key.clone(), command));
        }
    };
    for ((table, row_key), value) in rows.lock().unwrap().iter() {
        match table {
            Table::Stations => {
                let key = StationKey::parse(std::str::from_utf8(row_key).unwrap()).unwrap();
                states.insert(key.clone(), StationState::from_row(key, value).unwrap());
            }
            Table::Commands => {
                let (_, record) = crate::shard::read_record_row(value).unwrap();
                note(
                    &record.station_key().unwrap(),
                    record.body.to_fact().unwrap(),
                );
            }
            _ => {}
        }
    }
    let mut staged = crate::shard::Projection::default();
    let mut reader = log.handle().reader(Seq(position.0 + 1));
    while let Some((seq, bytes)) = reader.next().expect("a sound log") {
        let record = fleet::wire::read(bytes).unwrap();
        let key = record.station_key().unwrap();
        let event = EventId {
            log_id: log.id(),
            seq,
        };
        let state = states
            .entry(key.clone())
            .or_insert_with(|| StationState::new(key.clone()));
        state.apply(event, &record, &settings.started.plausibility);
        staged.note(event, &record, bytes);
        note(&key, record.body.to_fact().unwrap());
    }
    // As a start does, what the log adds goes to the store at once.
    for (key, state) in &states {
        let row = (Table::Stations, key.as_str().as_bytes().to_vec());
        rows.lock().unwrap().insert(row, state.to_row());
    }
    while !staged.is_empty() {
        let (batch, _) = staged.batch(recovery.end, |_| unreachable!("no station is dirty"));
        let batch = batch
            .into_iter()
            .map(|(table, key, value)| ((table, key), value));
        rows.lock().unwrap().extend(batch);
    }
    let (lookup, unreadable) = (Arc::clone(rows), Arc::clone(unreadable));
    let lookup = Box::new(move |table, key: &[u8]| {
        if unreadable.load(Ordering::Relaxed) {
            return Err(StoreUnreadable);
        }
        Ok(lookup.lock().unwrap().get(&(table, key.to_vec())).cloned())
    });
    let now = now_at(seconds);
    let settings = Arc::clone(settings);
    let mut shard = Shard::new(0, settings, lookup, 7, log.id(), recovery.end, now);
    states.into_values().for_each(|state| shard.load(state));
    let open = commands
        .into_values()
        .filter(|(_, command)| command.state <= 2)
        .collect();
    shard.resume(now, open, Vec::new());
    (log, stepper, shard)
}

/// `SIGEC_SEED=n` runs one seed, `SIGEC_SEEDS=a..b` those (`make soak`).
pub(super) fn seeds(usual: u64) -> std::ops::Range<u64> {
    let number = |text: &str| text.parse::<u64>().expect("a number");
    if let Ok(seed) = std::env::var("SIGEC_SEED") {
        return number(&seed)..number(&seed) + 1;
    }
    match std::env::var("SIGEC_SEEDS") {
        Ok(range) => {
            let (begin, end) = range.split_once("..").expect("a range a..b");
            number(begin)..number(end)
        }
        Err(_) => 0..usual,
    }
}

#[test]
fn what_is_answered_survives_and_has_one_effect() {
    let seeds = seeds(SEEDS);
    let mut refused = 0;
    for seed in seeds.clone() {
        let ran = std::panic::catch_unwind(|| {
            let mut sim = Sim::new(seed);
            sim.run();
            sim.refused
        });
        match ran {
            Ok(of_this) => refused += of_this,
            Err(panic) => {
                eprintln!("SIGEC_SEED={seed} repeats this");
                std::panic::resume_unwind(panic);
            }
        }
    }
    assert!(
        seeds.end - seeds.start < SEEDS || 0 < refused,
        "no seed has the store asked while it cannot be read"
    );
}
