//! Stations on a network that loses, repeats and holds back, through ten thousand reconnects of one history, and as many
//! of short ones from a few seeds.
//!
//! Each station keeps its transaction messages in a queue, as real ones do, sends one at a time and drops it when it is
//! answered. Connections break before a call, after it, or between call and answer; the server hears of it at once, late,
//! or when the station is long back on another; a call that was lost may still arrive; a call comes twice by its id or
//! again by its content; what is queued goes out of order; operators send commands meanwhile, and the disk pauses.
//!
//! Afterwards each message has had one effect, each transaction began and ended once with its energy, and the log has
//! them in the order in which they arrived. On the way, no station has two of our calls open, and no late end of an old
//! connection takes the live one away.

use std::collections::{BTreeMap, HashSet, VecDeque};

use fleet::UtcMicros;
use fleet::record::{ReadingContext, TransactionEventKind, TransactionState};
use fleet::wire::Fact;
use ocpp::Version;

use super::sim::seeds;
use super::world::{EPOCH, World, config, key};
use crate::config::Onboarding;
use crate::random::Random;

/// Short histories, and the reconnects of each.
const SEEDS: u64 = 10;
const RECONNECTS: u32 = 1_000;
/// Of the long one.
const RECONNECTS_LONG: u32 = 10_000;
const STATIONS: u64 = 20;
/// As the default configuration has it.
const CALL_TIMEOUT_S: f64 = 30.0;
/// Messages that a station keeps before it stops making more.
const QUEUE_MAX: usize = 8;
/// A lost call arrives within this time or not at all; the server has not given the connection up by then.
const LATE_MAX_S: u64 = 30;

/// A message about a transaction; its number is the register it reports, in watt-hours, and the station's own.
#[derive(Clone, Debug)]
struct Message {
    number: u64,
    transaction: usize,
    seq_no: u64,
    kind: TransactionEventKind,
    at: UtcMicros,
}

#[derive(Default)]
struct Transaction {
    first: u64,
    last: u64,
    /// As the server named it, in 1.6.
    id: String,
}

/// A connection that the station has lost and the server has not.
struct Lost {
    socket: String,
    at: u64,
    /// A call that may still arrive, with its number.
    late: Option<(String, u64)>,
    /// The station is back on another.
    displaced: bool,
}

struct Station {
    identity: String,
    version: Version,
    socket: Option<String>,
    sockets: u32,
    lost: Vec<Lost>,
    queue: VecDeque<Message>,
    /// Message id and number of the call that waits for its answer.
    sent: Option<(String, u64)>,
    /// Our call that it has not answered, and when it came.
    asked: Option<(String, f64)>,
    transactions: Vec<Transaction>,
    running: bool,
    seq_no: u64,
    register: u64,
    /// Numbers in the order in which they first arrived.
    arrived: Vec<u64>,
}

struct Storm {
    world: World,
    dice: Random,
    second: u64,
    held_until: Option<u64>,
    stations: Vec<Station>,
    reconnects: u32,
    reconnects_max: u32,
    messages: u64,
    calls: u64,
    late_ends: u64,
}

impl Storm {
    fn new(seed: u64, reconnects_max: u32) -> Self {
        let stations = (0..STATIONS).map(|n| Station {
            identity: format!("CP{n}"),
            version: Version::ALL[n as usize % Version::ALL.len()],
            socket: None,
            sockets: 0,
            lost: Vec::new(),
            queue: VecDeque::new(),
            sent: None,
            asked: None,
            transactions: Vec::new(),
            running: false,
            seq_no: 0,
            register: 0,
            arrived: Vec::new(),
        });
        Self {
            world: World::new(config(Onboarding::Open)),
            dice: Random::new(seed),
            second: 0,
            held_until: None,
            stations: stations.collect(),
            reconnects: 0,
            reconnects_max,
            messages: 0,
            calls: 0,
            late_ends: 0,
        }
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.dice.next().is_multiple_of(n)
    }

    fn run(&mut self) {
        for _ in 0..40 * self.reconnects_max {
            if self.reconnects_max <= self.reconnects {
                break;
            }
            self.second += 1;
            self.disk();
            let at = (self.dice.next() % STATIONS) as usize;
            self.make_message(at);
            match self.dice.next() % 16 {
                0 => self.lose(at),
                1 => self.end_late(at),
                2 => self.command(at),
                _ => self.act(at, true),
            }
        }
        assert_eq!(self.reconnects, self.reconnects_max, "too little happens");
        self.peace();
        self.verify();
    }

    fn disk(&mut self) {
        if self.held_until.is_some_and(|until| until <= self.second) {
            self.held_until = None;
            self.line("disk goes");
        } else if self.held_until.is_none() && self.one_in(40) {
            // Not so long that we close the door.
            self.held_until = Some(self.second + 3);
            self.line("disk holds");
        }
    }

    /// The station has something to tell.
    fn make_message(&mut self, at: usize) {
        let ends = self.one_in(6);
        let wh = 1 + self.dice.next() % 3;
        let (second, messages) = (self.second, &mut self.messages);
        let station = &mut self.stations[at];
        if QUEUE_MAX <= station.queue.len() {
            return;
        }
        let kind = match (station.running, ends) {
            (false, _) => TransactionEventKind::Started,
            (true, true) => TransactionEventKind::Ended,
            (true, false) => TransactionEventKind::Updated,
        };
        station.register += wh;
        let number = station.register;
        if kind == TransactionEventKind::Started {
            station.seq_no = 0;
            station.transactions.push(Transaction {
                first: number,
                ..Transaction::default()
            });
        }
        let transaction = station.transactions.len() - 1;
        station.transactions[transaction].last = number;
        station.running = kind != TransactionEventKind::Ended;
        station.queue.push_back(Message {
            number,
            transaction,
            seq_no: station.seq_no,
            kind,
            at: UtcMicros(EPOCH + second as i64 * 1_000_000),
        });
        station.seq_no += 1;
        *messages += 1;
    }

    /// The station does the next thing it has to do, `rough`ly or in peace.
    fn act(&mut self, at: usize, rough: bool) {
        if self.stations[at].socket.is_none() {
            if rough && self.one_in(3) {
                self.arrive_late(at);
            }
            return self.connect(at);
        }
        if let Some((id, _)) = self.stations[at].asked.clone() {
            if rough && self.one_in(8) {
                return;
            }
            self.stations[at].asked = None;
            let answer = format!(r#"[3,"{id}",{{"status":"Accepted"}}]"#);
            self.say(at, &answer);
            if rough && self.one_in(8) {
                self.say(at, &answer);
            }
            return;
        }
        if self.stations[at].sent.is_some() || self.stations[at].queue.is_empty() {
            return;
        }
        if rough && self.one_in(6) {
            self.reorder(at);
        }
        let front = self.stations[at].queue[0].clone();
        self.calls += 1;
        let id = format!("m{}", self.calls);
        let call = self.stations[at].call(&id, &front);
        match self.dice.next() % 12 {
            // Lost on its way out; it may still arrive.
            0 if rough => {
                let socket = self.stations[at].socket.clone().expect("connected");
                self.forget(at, &socket, Some((call, front.number)));
            }
            // Arrives, and the answer is lost.
            1 if rough => {
                let socket = self.stations[at].socket.clone().expect("connected");
                self.arrives(at, front.number);
                self.forget(at, &socket, None);
                self.line(&format!("{socket} > {call}"));
            }
            fate => {
                self.stations[at].sent = Some((id, front.number));
                self.arrives(at, front.number);
                self.say(at, &call);
                // The network repeats it.
                if rough && fate == 2 {
                    self.say(at, &call);
                }
            }
        }
    }

    /// Moves a message to the front, but none ahead of its own transaction's beginning.
    fn reorder(&mut self, at: usize) {
        let pick = self.dice.next() as usize;
        let queue = &mut self.stations[at].queue;
        let from = pick % queue.len();
        let begins = |m: &Message| {
            m.kind == TransactionEventKind::Started && m.transaction == queue[from].transaction
        };
        let first = queue.iter().position(begins).map_or(0, |begin| begin + 1);
        if first < from {
            let message = queue.remove(from).expect("within");
            queue.insert(first, message);
        }
    }

    fn connect(&mut self, at: usize) {
        let station = &mut self.stations[at];
        station.sockets += 1;
        let socket = format!("{}.{}", station.identity, station.sockets);
        station.socket = Some(socket.clone());
        station
            .lost
            .iter_mut()
            .for_each(|lost| lost.displaced = true);
        let version = match station.version {
            Version::V16 => "1.6",
            Version::V201 => "2.0.1",
            Version::V21 => "2.1",
        };
        let line = format!("{socket} connect {} {version}", station.identity);
        let line = line.trim_end_matches(" 1.6").to_owned();
        if station.sockets > 1 {
            self.reconnects += 1;
        }
        self.line(&line);
    }

    /// The network loses the connection, and the server hears of it now, later or from the next one.
    fn lose(&mut self, at: usize) {
        let Some(socket) = self.stations[at].socket.clone() else {
            return;
        };
        if self.one_in(2) {
            self.stations[at].hang_up();
            self.line(&format!("{socket} drops"));
        } else {
            self.forget(at, &socket, None);
        }
    }

    /// The station is gone from a connection that the server still has.
    fn forget(&mut self, at: usize, socket: &str, late: Option<(String, u64)>) {
        self.stations[at].hang_up();
        self.line(&format!("{socket} mute"));
        // Some ends are heard of only when they no longer matter.
        if self.one_in(2) {
            self.line(&format!("{socket} lingers"));
        }
        self.stations[at].lost.push(Lost {
            socket: socket.to_owned(),
            at: self.second,
            late,
            displaced: false,
        });
    }

    /// A call that was lost arrives on the connection that it was sent on.
    fn arrive_late(&mut self, at: usize) {
        let second = self.second;
        let late = self.stations[at]
            .lost
            .iter_mut()
            .filter(|lost| !lost.displaced && second < lost.at + LATE_MAX_S)
            .find_map(|lost| lost.late.take().map(|late| (lost.socket.clone(), late)));
        if let Some((socket, (call, number))) = late {
            self.arrives(at, number);
            self.line(&format!("{socket} > {call}"));
        }
    }

    /// The server hears of the end of a connection that the station lost a while ago.
    fn end_late(&mut self, at: usize) {
        let Some(lost) = self.stations[at].lost.pop() else {
            return;
        };
        // What is still on the way there comes too late to have an effect.
        if let Some((call, _)) = lost.late.filter(|_| lost.displaced) {
            self.line(&format!("{} > {call}", lost.socket));
        }
        self.line(&format!("{} drops", lost.socket));
        if let Some(socket) = &self.stations[at].socket {
            let known = self
                .world
                .shard
                .stations
                .find(&key(&self.stations[at].identity));
            let live = self.world.shard.stations[known.expect("known")]
                .conn
                .is_some();
            assert!(live, "the end of {} took {socket} away", lost.socket);
            self.late_ends += 1;
        }
    }

    fn command(&mut self, at: usize) {
        if 0 < self.stations[at].sockets {
            let identity = self.stations[at].identity.clone();
            self.line(&format!("op command {identity} ClearCache {{}}"));
        }
    }

    fn arrives(&mut self, at: usize, number: u64) {
        let arrived = &mut self.stations[at].arrived;
        if !arrived.contains(&number) {
            arrived.push(number);
        }
    }

    fn say(&mut self, at: usize, text: &str) {
        if let Some(socket) = self.stations[at].socket.clone() {
            self.line(&format!("{socket} > {text}"));
        }
    }

    /// A line of the world, and what is seen of it.
    fn line(&mut self, line: &str) {
        let seen = self.world.run(&format!("{} {line}", self.second));
        for line in seen.lines() {
            let mut words = line.splitn(4, ' ');
            // What came due since the last line has a time of its own.
            let time = words.next().and_then(|time| time.parse().ok());
            let who = words.next().unwrap_or("");
            let (verb, what) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
            let at = self.stations.iter().position(|s| {
                who.split_once('.')
                    .is_some_and(|(identity, _)| identity == s.identity)
            });
            match (at, verb) {
                (Some(at), "ended") => {
                    self.stations[at].lost.retain(|lost| lost.socket != who);
                    let live = self.stations[at].socket.as_deref() == Some(who);
                    assert!(!live, "{who} was live, and we ended it: {line}");
                }
                (Some(at), "<") if self.stations[at].socket.as_deref() == Some(who) => {
                    self.hear(at, time.expect("a line has a time"), what);
                }
                // Nobody is there any more, or an operator has an answer.
                (Some(_), "<") | (None, _) => {}
                (Some(_), _) => panic!("{line}"),
            }
        }
    }

    fn hear(&mut self, at: usize, time: f64, text: &str) {
        if text.starts_with("101 ") || text == "ping" {
            return;
        }
        let id = text
            .split('"')
            .nth(1)
            .unwrap_or_else(|| panic!("{text}"))
            .to_owned();
        let forgets = self.one_in(20);
        let station = &mut self.stations[at];
        if text.starts_with("[2,") {
            // A call is over for us once its time is over.
            let open = station.asked.replace((id, time));
            let open = open.filter(|(_, at)| time < at + CALL_TIMEOUT_S);
            assert_eq!(open, None, "two calls unanswered at {}", station.identity);
            return;
        }
        assert!(text.starts_with("[3,"), "{}: {text}", station.identity);
        let Some((_, number)) = station.sent.take_if(|(sent, _)| *sent == id) else {
            // The second answer to a call that came twice.
            return;
        };
        let place = station.queue.iter().position(|m| m.number == number);
        let place = place.expect("it is kept until it is answered");
        let message = station.queue[place].clone();
        if station.version == Version::V16 && message.kind == TransactionEventKind::Started {
            let (_, given) = text.split_once("\"transactionId\":").expect("an id");
            let given = given.trim_end_matches(['}', ']']);
            let id = &mut station.transactions[message.transaction].id;
            assert!(id.is_empty() || id == given, "two ids for one transaction");
            *id = given.to_owned();
        }
        // Some lose their memory of the answer and tell it again.
        if !forgets {
            station.queue.remove(place);
        }
    }

    /// Everything that was begun is finished, on a network that works.
    fn peace(&mut self) {
        self.held_until = None;
        self.line("disk goes");
        for _ in 0..100 * QUEUE_MAX {
            for at in 0..self.stations.len() {
                self.second += 1;
                self.act(at, false);
            }
            if self
                .stations
                .iter()
                .all(|s| s.queue.is_empty() && s.sent.is_none())
            {
                return;
            }
        }
        panic!("some station is never done");
    }

    fn verify(&self) {
        let mut kept: BTreeMap<String, Vec<u64>> = BTreeMap::new();
        let mut begun: BTreeMap<(String, String), HashSet<[u8; 16]>> = BTreeMap::new();
        let mut ended: BTreeMap<(String, String), i64> = BTreeMap::new();
        for bytes in &self.world.log {
            let record = fleet::wire::read(bytes).expect("a record");
            let identity = record.station_key().expect("a key").identity().to_owned();
            match record.body.to_fact().expect("a fact") {
                Fact::TransactionEvent(event) => {
                    assert!(!event.retry.conflict, "two contents: {event:?}");
                    let register = event.register_mwh.expect("each has one");
                    kept.entry(identity.clone())
                        .or_default()
                        .push(register as u64 / 1_000);
                    let name = (identity, event.ocpp_transaction_id);
                    begun
                        .entry(name.clone())
                        .or_default()
                        .insert(event.transaction_id);
                    if event.kind == TransactionEventKind::Ended.code() {
                        assert_eq!(event.summary.state, TransactionState::Ended.code());
                        let energy = event.summary.energy_mwh.expect("both registers are known");
                        assert_eq!(ended.insert(name, energy), None, "ended twice");
                    }
                }
                Fact::MeterValues(values) => {
                    assert!(!values.retry.conflict, "two contents: {values:?}");
                    let periodic = ReadingContext::SamplePeriodic.code();
                    let of_1_6 = self
                        .stations
                        .iter()
                        .any(|s| s.identity == identity && s.version == Version::V16);
                    for reading in values.readings.iter().filter(|_| of_1_6) {
                        if values.rows[usize::from(reading.row)].context == periodic {
                            kept.entry(identity.clone())
                                .or_default()
                                .push(reading.bits as u64 / 1_000);
                        }
                    }
                }
                _ => {}
            }
        }
        for station in &self.stations {
            let kept = kept.remove(&station.identity).unwrap_or_default();
            assert_eq!(
                kept, station.arrived,
                "{}: each once, in order",
                station.identity
            );
            let told: HashSet<u64> = kept.into_iter().collect();
            for (n, transaction) in station.transactions.iter().enumerate() {
                let id = match station.version {
                    Version::V16 => transaction.id.clone(),
                    Version::V201 | Version::V21 => format!("{}-{n}", station.identity),
                };
                let name = (station.identity.clone(), id);
                assert!(
                    told.contains(&transaction.first) && told.contains(&transaction.last),
                    "{name:?} is lost"
                );
                assert_eq!(begun.get(&name).map(HashSet::len), Some(1), "{name:?}");
                let runs = station.running && n + 1 == station.transactions.len();
                let energy = 1_000 * (transaction.last - transaction.first) as i64;
                assert_eq!(ended.remove(&name), (!runs).then_some(energy), "{name:?}");
            }
        }
        assert!(ended.is_empty(), "invented: {ended:?}");
        let acts = [u64::from(self.reconnects), self.messages, self.late_ends];
        assert!(
            acts.iter().all(|count| 100 < *count),
            "a storm in which nothing happens: {acts:?}"
        );
    }
}

impl Station {
    /// The connection is gone for it, and with it what waited on it.
    fn hang_up(&mut self) {
        self.socket = None;
        self.sent = None;
        self.asked = None;
    }

    fn call(&self, id: &str, message: &Message) -> String {
        let Message {
            number,
            at,
            seq_no,
            kind,
            ..
        } = message;
        let name = &self.transactions[message.transaction].id;
        match (self.version, kind) {
            (Version::V16, TransactionEventKind::Started) => format!(
                r#"[2,"{id}","StartTransaction",{{"connectorId":1,"idTag":"T","meterStart":{number},"timestamp":"{at}"}}]"#
            ),
            (Version::V16, TransactionEventKind::Ended) => format!(
                r#"[2,"{id}","StopTransaction",{{"transactionId":{name},"meterStop":{number},"timestamp":"{at}"}}]"#
            ),
            (Version::V16, _) => format!(
                r#"[2,"{id}","MeterValues",{{"connectorId":1,"transactionId":{name},"meterValue":[{{"timestamp":"{at}","sampledValue":[{{"value":"{number}"}}]}}]}}]"#
            ),
            (Version::V201 | Version::V21, _) => {
                let (event, reason, context) = match kind {
                    TransactionEventKind::Started => {
                        ("Started", "CablePluggedIn", "Transaction.Begin")
                    }
                    TransactionEventKind::Ended => ("Ended", "EVDeparted", "Transaction.End"),
                    _ => ("Updated", "MeterValuePeriodic", "Sample.Periodic"),
                };
                format!(
                    r#"[2,"{id}","TransactionEvent",{{"eventType":"{event}","timestamp":"{at}","triggerReason":"{reason}","seqNo":{seq_no},"transactionInfo":{{"transactionId":"{}-{}"}},"evse":{{"id":1,"connectorId":1}},"meterValue":[{{"timestamp":"{at}","sampledValue":[{{"value":{number},"context":"{context}"}}]}}]}}]"#,
                    self.identity, message.transaction
                )
            }
        }
    }
}

#[test]
fn ten_thousand_reconnects_lose_double_and_disorder_nothing() {
    check(1, RECONNECTS_LONG);
}

#[test]
fn reconnects_of_other_seeds_lose_double_and_disorder_nothing() {
    check(SEEDS, RECONNECTS);
}

#[track_caller]
fn check(histories: u64, reconnects: u32) {
    for seed in seeds(histories) {
        if let Err(panic) = std::panic::catch_unwind(|| Storm::new(seed, reconnects).run()) {
            eprintln!("SIGEC_SEED={seed} repeats this");
            std::panic::resume_unwind(panic);
        }
    }
}
