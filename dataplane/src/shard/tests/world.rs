//! A shard without sockets, disk or clock, and a small language to drive it.
//!
//! A line is `TIME WHO WHAT…`. Times are seconds and only grow; timers that come due before are fired on their way.
//! Records are durable at the end of each line unless the disk is held.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write;
use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, LockResult, Mutex, MutexGuard};
use std::time::Duration;

use base64::Engine;
use fleet::record::{Acceptance, Direction};
use fleet::wire::{Body, Fact};
use fleet::{LogId, Seq, StationKey, UtcMicros};
use net::driver::ConnId;
use net::ws::{self, MaskKey};
use ocpp::Instant;
use ring::hmac;
use storage::state::Table;

use crate::certificates::Services;
use crate::config::{Config, Onboarding};
use crate::permutation::TransactionIds;
use crate::router::pending::{Pending, pending};
use crate::router::{
    Ask, CommandRequest, RegisterMode, Registration, StartRequest, StationPatch, StopRequest,
};
use crate::shard::{
    Effect, Now, Projection, Running, Settings, Shard, StoreUnreadable, token_key, write_token,
};
use crate::{
    MessageFormat, NamedToken, Password, PersonalMessage, Token, TokenDevice, TokenStatus,
    TokenType,
};

/// 2026-11-22T10:00:00Z: second 0 of every script.
pub(super) const EPOCH: i64 = 1_795_341_600_000_000;

/// Looks whether an operator has an answer.
type Heard = Box<dyn FnMut() -> Option<String>>;
type Rows = Arc<Store>;
type RowMap = BTreeMap<(Table, Vec<u8>), Vec<u8>>;

/// The state store.
#[derive(Default)]
pub(super) struct Store {
    rows: Mutex<RowMap>,
    /// It cannot be read.
    broken: AtomicBool,
}

impl Store {
    pub(super) fn lock(&self) -> LockResult<MutexGuard<'_, RowMap>> {
        self.rows.lock()
    }
}

pub(super) struct World {
    pub(super) shard: Shard,
    settings: Arc<Settings>,
    seconds: f64,
    names: HashMap<ConnId, String>,
    sockets: HashMap<String, Socket>,
    next_conn: u64,
    /// Records the log has taken, durable or not.
    pub(super) log: Vec<Vec<u8>>,
    durable: usize,
    held: bool,
    full: bool,
    pub(super) rows: Rows,
    replies: Vec<(String, Heard)>,
    /// Does errands at once, unless it hangs.
    services: Services,
    services_hang: bool,
    pub(super) out: String,
    /// The last HTTP answer that was no switch.
    pub(super) last_refusal: String,
    /// Records are shown as they are made.
    show_records: bool,
}

struct Socket {
    conn: ConnId,
    upgraded: bool,
    codec: ws::Codec,
    input: Vec<u8>,
    /// What the shard has not used yet.
    carry: Vec<u8>,
    paused: bool,
    /// Message id of our newest call.
    last_call: String,
    /// Answers no pings.
    mute: bool,
    /// Its end is not heard of until it drops.
    lingers: bool,
}

impl World {
    pub(super) fn new(config: Config) -> Self {
        let settings = Arc::new(Settings {
            config,
            shards: 1,
            transaction_ids: TransactionIds::new(b"test"),
            token_key: hmac::Key::new(hmac::HMAC_SHA256, b"test"),
            pending: AtomicUsize::new(0),
            token_changes: AtomicU64::new(0),
            running: Running::default(),
        });
        let rows = Rows::default();
        let services = Services::open(&settings.config.certificates).expect("services that start");
        let mut world = Self {
            services,
            services_hang: false,
            shard: shard(&settings, &rows, Seq(0), now_at(0.0)),
            settings,
            seconds: 0.0,
            names: HashMap::new(),
            sockets: HashMap::new(),
            next_conn: 0,
            log: Vec::new(),
            durable: 0,
            held: false,
            full: false,
            rows,
            replies: Vec::new(),
            out: String::new(),
            last_refusal: String::new(),
            show_records: false,
        };
        world.settle();
        world
    }

    pub(super) fn now(&self) -> Now {
        now_at(self.seconds)
    }

    /// Runs a script and answers what was seen.
    pub(super) fn run(&mut self, script: &str) -> String {
        for line in script
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty())
        {
            let (time, rest) = line
                .split_once(' ')
                .unwrap_or_else(|| panic!("no time: {line}"));
            self.pass_until(time.parse().unwrap_or_else(|_| panic!("no time: {line}")));
            let (who, what) = rest.split_once(' ').unwrap_or((rest, ""));
            self.line(who, what);
            self.settle();
        }
        std::mem::take(&mut self.out)
    }

    fn line(&mut self, who: &str, what: &str) {
        let (verb, rest) = what.split_once(' ').unwrap_or((what, ""));
        match (who, verb) {
            ("disk", "holds") => self.held = true,
            ("disk", "goes") => (self.held, self.full) = (false, false),
            ("disk", "full") => self.full = true,
            // Of what is not durable yet, that many records survive the next restart.
            ("disk", "keeps") => self.durable += rest.parse::<usize>().expect("a number"),
            ("store", "breaks") => self.rows.broken.store(true, Ordering::Relaxed),
            ("services", "hang") => self.services_hang = true,
            ("services", "work") => self.services_hang = false,
            ("store", "works") => self.rows.broken.store(false, Ordering::Relaxed),
            ("records", "shown") => self.show_records = true,
            ("wait", _) => {}
            ("restart", _) => self.restart(),
            ("token", _) => self.token(verb, rest),
            ("op", "register") => self.register(rest),
            ("op", "approve") => {
                let patch = StationPatch {
                    acceptance: Some(Acceptance::Accepted),
                    ..StationPatch::default()
                };
                self.ask_register(rest, patch, RegisterMode::Update);
            }
            ("op", "delete") => {
                let key = key(rest);
                let principal = "op".into();
                self.ask(what, |reply| Ask::Delete {
                    key,
                    principal,
                    reply,
                });
            }
            ("op", "note") => {
                let key = key(rest);
                self.ask(what, |reply| Ask::Note {
                    key,
                    action: "Sigec.IssueReported".into(),
                    payload: "{}".into(),
                    reply,
                });
            }
            ("op", "profiles") => {
                for line in super::charging::shown(self).lines() {
                    self.say(line);
                }
            }
            ("op", "command") => self.command(rest),
            ("op", "start") => {
                let mut words = rest.split(' ');
                let station = key(words.next().unwrap());
                let connector_id = words.next().unwrap().parse().unwrap();
                let request = StartRequest {
                    station,
                    connector_id,
                    reservation_id: None,
                    id_token: words.next().map(NamedToken::from),
                    principal: "op".into(),
                    wait: Duration::from_secs(30),
                };
                self.ask(what, |reply| Ask::Start { request, reply });
            }
            ("op", "stop") => {
                let view = self.shard.active.keys().next().copied();
                let request = StopRequest {
                    transaction: view.expect("a transaction runs"),
                    tenant: "default".into(),
                    principal: "op".into(),
                    wait: Duration::from_secs(30),
                };
                self.ask(what, |reply| Ask::Stop { request, reply });
            }
            ("op", "reserve") => super::reservations::reserve(self, rest),
            ("op", "reservations") => super::reservations::show(self, rest),
            ("op", "station") => self.show_station(rest),
            ("op", "certificates") => self.show_certificates(rest),
            ("op", "transactions") => self.show_transactions(rest),
            (_, "connect") => self.connect(who, rest),
            (_, "raw") => self.raw_request(who, rest),
            (_, ">") => self.send(who, rest),
            (_, "binary") => {
                let mut bytes = Vec::new();
                ws::write_binary(&mut bytes, Some(MaskKey([1, 2, 3, 4])), rest.as_bytes());
                self.deliver(who, &bytes);
            }
            (_, "bytes") => {
                let bytes: Vec<u8> = rest
                    .split(' ')
                    .map(|b| u8::from_str_radix(b, 16).unwrap())
                    .collect();
                self.deliver(who, &bytes);
            }
            (_, "answers") => {
                let text = format!("[3,\"{}\",{rest}]", self.last_call(who));
                self.send(who, &text);
            }
            (_, "refuses") => {
                let (code, description) = rest.split_once(' ').unwrap();
                let id = self.last_call(who);
                self.send(
                    who,
                    &format!("[4,\"{id}\",\"{code}\",\"{description}\",{{}}]"),
                );
            }
            (_, "mute") => self.sockets.get_mut(who).expect("a socket").mute = true,
            // We close it, and the kernel says so only when it is told to.
            (_, "lingers") => self.sockets.get_mut(who).expect("a socket").lingers = true,
            (_, "drops") => {
                let socket = self.sockets.remove(who).expect("a socket");
                let now = self.now();
                self.shard.closed(now, socket.conn, "connection reset");
                self.names.remove(&socket.conn);
            }
            _ => panic!("unknown line: {who} {what}"),
        }
    }

    /// Lets time pass, firing timers at their own moments.
    fn pass_until(&mut self, seconds: f64) {
        assert!(self.seconds <= seconds, "time only grows");
        for _ in 0..10_000 {
            let due = self.shard.poll_timeout().map(|at| at.0 as f64 / 1e9 - BOOT);
            let Some(due) = due.filter(|due| *due <= seconds) else {
                self.seconds = seconds;
                return;
            };
            self.seconds = self.seconds.max(due);
            let now = self.now();
            self.shard.timer(now);
            self.settle();
        }
        panic!("timers never end");
    }

    /// Hands over what the shard made until nothing moves any more.
    pub(super) fn settle(&mut self) {
        for _ in 0..1_000 {
            let mut moved = self.effects();
            for errand in self.shard.errands() {
                let now = self.now();
                if !self.services_hang {
                    let outcome = self.services.run(&errand.wish, now.utc);
                    self.shard.errand_done(now, errand.id, outcome);
                    moved = true;
                }
            }
            let (log, full) = (&mut self.log, self.full);
            let before = log.len();
            self.shard.records(|record| {
                if !full {
                    log.push(record.to_vec());
                }
                !full
            });
            for at in before..self.log.len() {
                self.show_record(at);
            }
            if !self.held && self.durable < self.log.len() {
                self.durable = self.log.len();
                let now = self.now();
                self.shard.committed(now, Seq(self.durable as u64));
                moved = true;
            }
            if !moved {
                self.project();
                self.hear();
                return;
            }
        }
        panic!("the shard never rests");
    }

    fn effects(&mut self) -> bool {
        let mut effects = Vec::new();
        self.shard
            .effects(|effect, bytes| effects.push((effect, bytes.to_vec())));
        let moved = !effects.is_empty();
        for (effect, bytes) in effects {
            match effect {
                Effect::Send { conn, .. } => self.hear_from_shard(conn, &bytes),
                Effect::Close(conn) | Effect::Abort(conn)
                    if self
                        .names
                        .get(&conn)
                        .is_some_and(|n| self.sockets[n].lingers) => {}
                Effect::Close(conn) | Effect::Abort(conn) => {
                    let now = self.now();
                    self.shard.closed(now, conn, "closed by us");
                    if let Some(name) = self.names.remove(&conn) {
                        self.sockets.remove(&name);
                        self.say(&format!("{name} ended"));
                    }
                }
                Effect::Pause(conn) => {
                    if let Some(name) = self.names.get(&conn).cloned() {
                        self.sockets.get_mut(&name).unwrap().paused = true;
                    }
                }
                Effect::Resume(conn) => {
                    if let Some(name) = self.names.get(&conn).cloned() {
                        self.sockets.get_mut(&name).unwrap().paused = false;
                        self.deliver(&name, &[]);
                    }
                }
                Effect::HandOver { conn, shard, .. } => {
                    let name = &self.names[&conn].clone();
                    self.say(&format!("{name} handed to shard {shard}"));
                }
            }
        }
        moved
    }

    /// What a station sees on its socket.
    fn hear_from_shard(&mut self, conn: ConnId, bytes: &[u8]) {
        let Some(name) = self.names.get(&conn).cloned() else {
            return;
        };
        let socket = self.sockets.get_mut(&name).unwrap();
        socket.input.extend_from_slice(bytes);
        let mut seen = Vec::new();
        if !socket.upgraded {
            let text = String::from_utf8_lossy(&socket.input).into_owned();
            let Some(end) = text.find("\r\n\r\n") else {
                return;
            };
            let status = text.lines().next().unwrap().replacen("HTTP/1.1 ", "", 1);
            let protocol = text
                .lines()
                .find_map(|l| l.strip_prefix("Sec-WebSocket-Protocol: "));
            seen.push(
                format!("{status} {}", protocol.unwrap_or(""))
                    .trim()
                    .to_owned(),
            );
            socket.upgraded = status.starts_with("101");
            if !socket.upgraded {
                self.last_refusal = text.clone();
            }
            socket
                .input
                .drain(..if socket.upgraded { end + 4 } else { text.len() });
        }
        if socket.upgraded {
            let read = socket
                .codec
                .read(&ws::Limits::default(), &mut socket.input, |message| {
                    seen.push(match message {
                        ws::Message::Text(text) => text.to_owned(),
                        ws::Message::Ping(_) => "ping".into(),
                        ws::Message::Pong(_) => "pong".into(),
                        ws::Message::Binary(_) => "binary".into(),
                        ws::Message::Close(code, reason) => {
                            let code = code.map_or(0, ws::CloseCode::get);
                            format!("close {code} {reason}").trim().to_owned()
                        }
                    });
                    ControlFlow::Continue(())
                });
            let used = read.expect("we send good frames");
            socket.input.drain(..used);
        }
        for seen in seen {
            if let Some(rest) = seen.strip_prefix("[2,\"")
                && let Some(socket) = self.sockets.get_mut(&name)
            {
                socket.last_call = rest.split('"').next().unwrap_or("").to_owned();
            }
            let answers = self.sockets.get(&name).is_some_and(|socket| !socket.mute);
            if seen == "ping" && answers {
                let mut pong = Vec::new();
                ws::write_pong(&mut pong, Some(MaskKey([1, 2, 3, 4])), b"");
                self.deliver(&name, &pong);
            } else {
                self.say(&format!("{name} < {seen}"));
            }
        }
    }

    pub(super) fn say(&mut self, text: &str) {
        writeln!(self.out, "{} {text}", self.seconds).unwrap();
    }

    fn open(&mut self, who: &str) -> ConnId {
        let conn = ConnId::from_bits(self.next_conn | 7 << 32);
        self.next_conn += 1;
        let peer = SocketAddr::from(([10, 0, 0, 1], 1_000 + self.next_conn as u16));
        let now = self.now();
        self.shard.opened(now, conn, peer);
        self.names.insert(conn, who.to_owned());
        let before = self.sockets.insert(
            who.to_owned(),
            Socket {
                conn,
                upgraded: false,
                codec: ws::Codec::new(ws::Role::Client),
                input: Vec::new(),
                carry: Vec::new(),
                paused: false,
                last_call: String::new(),
                mute: false,
                lingers: false,
            },
        );
        assert!(before.is_none(), "{who} is connected already");
        conn
    }

    /// `connect IDENTITY [1.6|2.0.1|2.1] [password=…] [header: value]…`
    fn connect(&mut self, who: &str, rest: &str) {
        let mut words = rest.split(' ');
        let identity = words.next().unwrap();
        let mut protocol = "ocpp1.6";
        let mut headers = String::new();
        for word in words {
            match word.split_once('=') {
                None if word == "1.6" => protocol = "ocpp1.6",
                None if word == "2.0.1" => protocol = "ocpp2.0.1",
                None if word == "2.1" => protocol = "ocpp2.1",
                None if word == "none" => protocol = "",
                Some(("password", password)) => {
                    let pair = format!("{identity}:{password}");
                    let encoded = base64::engine::general_purpose::STANDARD.encode(pair);
                    write!(headers, "Authorization: Basic {encoded}\r\n").unwrap();
                }
                Some((name, value)) => write!(headers, "{name}: {value}\r\n").unwrap(),
                None => panic!("{word}"),
            }
        }
        if !protocol.is_empty() {
            write!(headers, "Sec-WebSocket-Protocol: {protocol}\r\n").unwrap();
        }
        self.open(who);
        let request = upgrade(&format!("/{identity}"), &headers);
        self.deliver(who, request.as_bytes());
    }

    fn last_call(&self, who: &str) -> String {
        self.sockets[who].last_call.clone()
    }

    fn raw_request(&mut self, who: &str, request: &str) {
        self.open(who);
        let request = request.replace("\\r\\n", "\r\n");
        self.deliver(who, request.as_bytes());
    }

    fn send(&mut self, who: &str, text: &str) {
        let mut bytes = Vec::new();
        ws::write_text(&mut bytes, Some(MaskKey([1, 2, 3, 4])), text.as_bytes());
        self.deliver(who, &bytes);
    }

    fn deliver(&mut self, who: &str, bytes: &[u8]) {
        let now = self.now();
        let Some(socket) = self.sockets.get_mut(who) else {
            return self.say(&format!("{who} has no socket"));
        };
        let conn = socket.conn;
        let mut all = std::mem::take(&mut socket.carry);
        all.extend_from_slice(bytes);
        if !socket.paused {
            let used = self.shard.received(now, conn, &mut all);
            all.drain(..used);
        }
        if let Some(socket) = self.sockets.get_mut(who) {
            socket.carry = all;
        }
    }

    pub(super) fn ask<T: std::fmt::Debug + 'static>(
        &mut self,
        what: &str,
        ask: impl FnOnce(crate::router::pending::Reply<T>) -> Ask,
    ) {
        let (reply, pending) = pending();
        let mut pending = Some(pending);
        let heard = Box::new(move || {
            let answer = peek(pending.take()?);
            match answer {
                Ok(answer) => Some(format!("{answer:?}")),
                Err(still) => {
                    pending = Some(still);
                    None
                }
            }
        });
        self.replies.push((what.to_owned(), heard));
        let now = self.now();
        self.shard.ask(now, ask(reply));
    }

    /// Operators that have their answer.
    fn hear(&mut self) {
        let mut replies = std::mem::take(&mut self.replies);
        replies.retain_mut(|(what, heard)| match heard() {
            Some(answer) => {
                let short = shorten(&answer);
                self.say(&format!("op {what}: {short}"));
                false
            }
            None => true,
        });
        self.replies = replies;
    }

    /// `register IDENTITY [password]`
    fn register(&mut self, rest: &str) {
        let (identity, password) = rest.split_once(' ').unwrap_or((rest, ""));
        let patch = StationPatch {
            password: (!password.is_empty()).then(|| Some(Password::new(password).unwrap())),
            ..StationPatch::default()
        };
        self.ask_register(identity, patch, RegisterMode::Create);
    }

    fn ask_register(&mut self, identity: &str, patch: StationPatch, mode: RegisterMode) {
        let entries = vec![Registration {
            key: key(identity),
            patch,
        }];
        let what = format!("register {identity}");
        self.ask(&what, |reply| Ask::Register {
            entries,
            mode,
            principal: "op".into(),
            reply,
        });
    }

    /// `command IDENTITY [wait] ACTION JSON`
    fn command(&mut self, rest: &str) {
        let (station, rest) = rest.split_once(' ').unwrap();
        let (wait, rest) = match rest.strip_prefix("wait ") {
            Some(rest) => (Some(Duration::from_secs(20)), rest),
            None => (None, rest),
        };
        let (action, payload) = rest.split_once(' ').unwrap();
        let request = CommandRequest {
            station: key(station),
            action: action.into(),
            payload: payload.into(),
            principal: "op".into(),
            wait,
        };
        self.ask(&format!("command {action}"), |reply| Ask::Command {
            request,
            reply,
        });
    }

    /// `token TAG STATUS [NAME=VALUE]…`; times are seconds of the script, a device is `ID` or `ID:EVSE,EVSE`.
    fn token(&mut self, id: &str, rest: &str) {
        let mut words = rest.split(' ');
        let status = match words.next().unwrap_or_default() {
            "Accepted" => TokenStatus::Accepted,
            "Blocked" => TokenStatus::Blocked,
            "Expired" => TokenStatus::Expired,
            "Invalid" => TokenStatus::Invalid,
            "NoCredit" => TokenStatus::NoCredit,
            other => panic!("no status: {other}"),
        };
        let mut token = Token::new(id, status);
        for word in words {
            let (name, value) = word.split_once('=').unwrap_or((word, ""));
            let number = || {
                value
                    .parse::<u32>()
                    .unwrap_or_else(|_| panic!("no number: {word}"))
            };
            match name {
                "group" => token.group = value.into(),
                "master_pass" => token.master_pass = true,
                "max" => token.concurrent_max = Some(number()),
                "expires" => {
                    token.expires_at = Some(UtcMicros(EPOCH + i64::from(number()) * 1_000_000));
                }
                "cache" => token.cache_s = Some(number()),
                "priority" => token.charging_priority = number() as i8,
                "type" => {
                    token.kind = Some(match value {
                        "KeyCode" => TokenType::KeyCode,
                        "ISO14443" => TokenType::Iso14443,
                        other => panic!("no type: {other}"),
                    });
                }
                "language" => token.languages[0] = value.into(),
                "message" => {
                    token.message = Some(PersonalMessage {
                        format: MessageFormat::Utf8,
                        language: String::new(),
                        content: value.into(),
                    });
                }
                "site" => token.sites.push(value.into()),
                "device" => {
                    let (id, evses) = value.split_once(':').unwrap_or((value, ""));
                    let evses = evses.split(',').filter(|evse| !evse.is_empty());
                    token.devices.push(TokenDevice {
                        id: id.into(),
                        evse_ids: evses.map(|evse| evse.parse().unwrap()).collect(),
                    });
                }
                other => panic!("no member of a token: {other}"),
            }
        }
        let row = (Table::Tokens, token_key("default", id));
        self.rows.lock().unwrap().insert(row, write_token(&token));
        self.settings.token_changes.fetch_add(1, Ordering::Release);
    }

    fn show_station(&mut self, identity: &str) {
        let (reply, pending) = pending();
        let now = self.now();
        let key = key(identity);
        self.shard.ask(now, Ask::Station { key, reply });
        let Some(view) = pending.wait(Duration::ZERO).unwrap() else {
            return self.say(&format!("station {identity}: none"));
        };
        let connectors: Vec<_> = view
            .connectors
            .iter()
            .map(|c| {
                let register = c.register.map_or_else(String::new, |r| format!(" {r} kWh"));
                format!(
                    "{}.{} {}{register}",
                    c.evse_id, c.connector_id, c.status_reported
                )
            })
            .collect();
        self.say(&format!(
            "station {identity}: {} {} {:?} {} {} [{}]",
            view.acceptance,
            if view.online { "online" } else { "offline" },
            view.status(),
            view.vendor,
            view.active_transactions.len(),
            connectors.join(", "),
        ));
    }

    fn show_transactions(&mut self, identity: &str) {
        let station = self.shard.stations.find(&key(identity)).expect("a station");
        let details = self.shard.stations[station].state.details().into_owned();
        for t in details.transactions.iter() {
            let id = if t.ocpp_id.len() > 8 {
                "ID"
            } else {
                &t.ocpp_id
            };
            let energy = t.energy.map_or("?".into(), |e| e.to_string());
            let cost = t.cost.map_or("-".into(), |c| c.to_string());
            let line = format!(
                "transaction {id} on {}.{}: {} {} {energy} kWh {cost} {}",
                t.evse_id, t.connector_id, t.state, t.quality, t.stop_reason
            );
            self.say(line.trim_end());
        }
    }

    /// The newest 1.6 transaction id given to a station.
    pub(super) fn ocpp_id(&self, identity: &str) -> String {
        let station = self.shard.stations.find(&key(identity)).expect("a station");
        let details = self.shard.stations[station].state.details();
        details
            .transactions
            .iter()
            .next_back()
            .expect("a transaction")
            .ocpp_id
            .to_string()
    }

    fn project(&mut self) {
        while !self.held
            && let Some((batch, position, needed)) = self.shard.projection()
        {
            assert!(position <= needed);
            let mut rows = self.rows.lock().unwrap();
            rows.extend(
                batch
                    .into_iter()
                    .map(|(table, key, value)| ((table, key), value)),
            );
            drop(rows);
            self.shard.stored(position);
        }
    }

    /// Kill -9, and a new process over what was durable.
    fn restart(&mut self) {
        self.log.truncate(self.durable);
        let mut sockets: Vec<_> = self.sockets.drain().map(|(name, _)| name).collect();
        sockets.sort_unstable();
        for name in sockets {
            self.say(&format!("{name} ended"));
        }
        self.names.clear();
        self.settings.running.clear();
        let now = self.now();
        self.shard = shard(&self.settings, &self.rows, Seq(self.durable as u64), now);
        let mut states = BTreeMap::new();
        let mut commands = BTreeMap::new();
        let mut charged = BTreeSet::new();
        let mut reservation_ends = BTreeMap::new();
        let mut staged = Projection::default();
        for (at, bytes) in self.log.iter().enumerate() {
            let record = fleet::wire::read(bytes).unwrap();
            let key = record.station_key().unwrap();
            let event = fleet::EventId {
                log_id: LOG,
                seq: Seq(at as u64 + 1),
            };
            let state = states
                .entry(key.clone())
                .or_insert_with(|| crate::state::StationState::new(key.clone()));
            state.apply(event, &record, &self.settings.config.plausibility);
            staged.note(event, &record, bytes);
            match record.body.to_fact().unwrap() {
                Fact::CommandChanged(command) => {
                    commands.insert(command.command_id, (key, command));
                }
                Fact::ChargingChanged(_) => {
                    charged.insert(key);
                }
                _ => {
                    if let Body::ReservationsChanged(changed) = record.body {
                        reservation_ends.insert(key, crate::shard::reservation_ends(changed));
                    }
                }
            }
        }
        // As a start does, what the log adds goes to the store at once.
        let last = Seq(self.log.len() as u64);
        while !staged.is_empty() {
            let (batch, _) = staged.batch(last, |_| unreachable!("no station is dirty"));
            let rows = batch
                .into_iter()
                .map(|(table, key, value)| ((table, key), value));
            self.rows.lock().unwrap().extend(rows);
        }
        states
            .into_values()
            .for_each(|state| self.shard.load(state));
        self.shard.load_charging(charged);
        let open = commands
            .into_values()
            .filter(|(_, c)| c.state <= 2)
            .collect();
        let ends = reservation_ends.into_iter();
        let ends = ends.flat_map(|(key, ends)| ends.into_iter().map(move |at| (key.clone(), at)));
        self.shard.resume(now, open, ends.collect());
    }

    fn show_record(&mut self, at: usize) {
        if !self.show_records {
            return;
        }
        let record = fleet::wire::read(&self.log[at]).unwrap();
        let text = match record.body.to_fact().unwrap() {
            Fact::Message(message) => {
                let from = message.direction == Direction::FromStation.code();
                format!(
                    "message {} {}",
                    if from { "from" } else { "to" },
                    message.raw
                )
            }
            Fact::TransactionEvent(event) => format!(
                "TransactionEvent kind {} gap {} offline {} conflict {} state {}",
                event.kind, event.seq_gap, event.offline, event.retry.conflict, event.summary.state
            ),
            Fact::MeterValues(values) => format!(
                "MeterValues rows {} readings {} samples {} offline {} conflict {}",
                values.rows.len(),
                values.readings.len(),
                values.samples.len(),
                values.offline,
                values.retry.conflict
            ),
            Fact::StatusReported(status) => format!(
                "StatusReported {}.{} {} live {} conflict {}",
                status.evse_id,
                status.connector_id,
                status.status_reported,
                status.live,
                status.retry.conflict
            ),
            Fact::CommandChanged(command) => {
                let state = fleet::record::CommandState::from_code(command.state).unwrap();
                format!(
                    "CommandChanged {} {state} {}",
                    command.action, command.payload
                )
            }
            Fact::Connected(connected) => format!("Connected first_seen {}", connected.first_seen),
            Fact::Disconnected(ended) => format!("Disconnected {}", ended.reason),
            Fact::ConnectionRefused(refused) => format!("ConnectionRefused {}", refused.reason),
            Fact::SecurityEvent(event) => {
                format!("SecurityEvent {} {}", event.event_type, event.info)
            }
            Fact::Notified(notified) => {
                format!("Notified {} {}", notified.action, notified.payload)
            }
            Fact::CommandFollowed(course) => format!(
                "CommandFollowed {} messages {} duplicates {} complete {}",
                course.action, course.messages, course.duplicates, course.complete
            ),
            Fact::ChargingChanged(changed) => format!(
                "ChargingChanged {} installed {:?} removed {:?}",
                changed.cause, changed.installed, changed.removed
            ),
            Fact::ReservationsChanged(changed) => super::reservations::shown(&changed),
            Fact::StationCertificates(certificates) => format!(
                "StationCertificates installed {} requests {}",
                certificates.installed.len(),
                certificates.requests.len()
            ),
            Fact::Booted(booted) => format!("Booted {}", booted.vendor),
            Fact::StationConfigured(_) => "StationConfigured".into(),
            Fact::StationDeleted(_) => "StationDeleted".into(),
        };
        self.say(&format!("record {text}"));
    }
}

/// Seconds the machine has run at second 0 of a script.
const BOOT: f64 = 1_000.0;
const LOG: LogId = LogId(1);

fn now_at(seconds: f64) -> Now {
    Now {
        mono: Instant(((BOOT + seconds) * 1e9) as u64),
        utc: UtcMicros(EPOCH + (seconds * 1e6) as i64),
    }
}

fn shard(settings: &Arc<Settings>, rows: &Rows, last: Seq, now: Now) -> Shard {
    let rows = Arc::clone(rows);
    let lookup = Box::new(move |table: Table, key: &[u8]| {
        if rows.broken.load(Ordering::Relaxed) {
            return Err(StoreUnreadable);
        }
        Ok(rows.lock().unwrap().get(&(table, key.to_vec())).cloned())
    });
    Shard::new(0, Arc::clone(settings), lookup, 42, LOG, last, now)
}

pub(super) fn key(identity: &str) -> StationKey {
    StationKey::new("default", identity).unwrap()
}

pub(super) fn upgrade(path: &str, headers: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nHost: csms\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{headers}\r\n"
    )
}

/// The answer, or the question back while there is none.
fn peek<T>(pending: Pending<T>) -> Result<Result<T, crate::RouterError>, Pending<T>> {
    use std::future::Future;
    use std::task::{Context, Poll, Waker};

    let mut pending = pending;
    let mut context = Context::from_waker(Waker::noop());
    match std::pin::Pin::new(&mut pending).poll(&mut context) {
        Poll::Ready(answer) => Ok(answer),
        Poll::Pending => Err(pending),
    }
}

/// An answer's debug form without what differs from run to run or fills lines.
fn shorten(answer: &str) -> String {
    let view = answer.find("CommandView");
    let field = |name: &str| {
        let at = answer.find(&format!("{name}: "))? + name.len() + 2;
        let rest = &answer[at..];
        let mut depth = 0;
        let end = rest.char_indices().find(|(_, c)| {
            match c {
                '(' | '[' | '{' => depth += 1,
                ')' | ']' | '}' => depth -= 1,
                _ => {}
            }
            (*c == ',' && depth == 0) || depth < 0
        });
        Some(&rest[..end.map_or(rest.len(), |(at, _)| at)])
    };
    match view {
        Some(at) => {
            let before = answer[..at]
                .trim_start_matches("Ok(")
                .trim_start_matches("Ok(");
            let [state, result, error] =
                ["state", "result", "error"].map(|name| field(name).unwrap_or("").to_owned());
            format!("{before}{state} {result} {error}")
        }
        None if answer.contains("TransactionView") => {
            let kind = answer
                .trim_start_matches("Ok(")
                .split('(')
                .next()
                .unwrap_or("");
            format!(
                "{kind} {} energy {}",
                field("state").unwrap_or(""),
                field("energy").unwrap_or("")
            )
        }
        None => answer.to_owned(),
    }
}

pub(super) fn config(onboarding: Onboarding) -> Config {
    Config {
        onboarding,
        ..Config::default()
    }
}

/// Only what the shard itself does, for measurements: nothing is kept or shown.
impl World {
    /// Bytes for a socket, and the log and the store take what comes of it.
    pub(super) fn feed(&mut self, who: &str, bytes: &mut [u8]) {
        let now = self.now();
        let conn = self.sockets[who].conn;
        let used = self.shard.received(now, conn, bytes);
        assert_eq!(used, bytes.len(), "the shard takes every message");
        self.shard.records(|_| true);
        let last = self.shard.journal.last();
        self.shard.committed(now, last);
        self.shard.effects(|_, _| {});
    }

    /// What the shard made goes to the store.
    pub(super) fn store(&mut self) {
        while self.shard.projection().is_some() {}
        let last = self.shard.journal.last();
        self.shard.stored(last);
    }

    /// Stations that have booted, reported two connectors and charged once, with nothing left to do.
    pub(super) fn idle_stations(&mut self, numbers: std::ops::Range<usize>) -> usize {
        for n in numbers {
            let name = format!("s{n}");
            self.connect(&name, &format!("STATION-{n:08}"));
            let calls = [
                r#"[2,"1","BootNotification",{"chargePointVendor":"Vendor","chargePointModel":"Model-22","chargePointSerialNumber":"SN-0123456789","firmwareVersion":"1.23.4"}]"#.to_owned(),
                r#"[2,"2","StatusNotification",{"connectorId":1,"errorCode":"NoError","status":"Available","timestamp":"2026-11-22T10:00:00Z"}]"#.to_owned(),
                r#"[2,"3","StatusNotification",{"connectorId":2,"errorCode":"NoError","status":"Available","timestamp":"2026-11-22T10:00:00Z"}]"#.to_owned(),
                r#"[2,"4","StartTransaction",{"connectorId":1,"idTag":"TAG","meterStart":1000,"timestamp":"2026-11-22T10:00:00Z"}]"#.to_owned(),
            ];
            for call in calls {
                let mut bytes = Vec::new();
                ws::write_text(&mut bytes, Some(MaskKey([1, 2, 3, 4])), call.as_bytes());
                self.feed(&name, &mut bytes);
            }
            let id = self.ocpp_id(&format!("STATION-{n:08}"));
            let stop = format!(
                r#"[2,"5","StopTransaction",{{"transactionId":{id},"meterStop":2000,"timestamp":"2026-11-22T10:00:00Z"}}]"#
            );
            let mut bytes = Vec::new();
            ws::write_text(&mut bytes, Some(MaskKey([1, 2, 3, 4])), stop.as_bytes());
            self.feed(&name, &mut bytes);
            let socket = self.sockets.remove(&name).expect("just connected");
            self.names.remove(&socket.conn);
            self.store();
        }
        // They answer pings only, long enough for what is kept about their last calls to go.
        self.seconds += 60.0;
        let now = self.now();
        self.shard.timer(now);
        self.shard.effects(|_, _| {});
        self.log = Vec::new();
        self.out = String::new();
        self.shard.conns.len()
    }
}
