//! The language of scripts: who does what, one line each.

use std::sync::atomic::Ordering;
use std::time::Duration;

use fleet::record::Acceptance;
use net::ws::{self, MaskKey};

use super::{BOOT, World, key};
use crate::router::{Ask, RegisterMode, StartRequest, StationPatch, StopRequest};
use crate::shard::tests::{
    charging, closing, follow, grid, limits, progress, reservations, tariffs,
};
use crate::{NamedToken, Password};

impl World {
    /// Runs a script and answers what was seen.
    pub(in crate::shard::tests) fn run(&mut self, script: &str) -> String {
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

    pub(super) fn line(&mut self, who: &str, what: &str) {
        let (verb, rest) = what.split_once(' ').unwrap_or((what, ""));
        match (who, verb) {
            ("disk", "holds") => self.held = true,
            ("store", "holds") => self.store_held = true,
            ("store", "goes") => self.store_held = false,
            ("disk", "goes") => (self.held, self.full) = (false, false),
            ("disk", "full") => self.full = true,
            // Of what is not durable yet, that many records survive the next restart.
            ("disk", "keeps") => self.durable += rest.parse::<usize>().expect("a number"),
            ("store", "breaks") => self.rows.broken.store(true, Ordering::Relaxed),
            ("services", "hang") => self.services_hang = true,
            ("services", "work") => self.services_hang = false,
            ("store", "works") => self.rows.broken.store(false, Ordering::Relaxed),
            ("server", "stops") => {
                let now = self.now();
                let by = now.mono + Duration::from_secs(rest.parse().expect("seconds"));
                self.shard.drain(now, by);
            }
            ("network", "address") => self.address = rest.parse().expect("an address"),
            ("server", "memory") => {
                let now = self.now();
                let percent = rest.parse().expect("percent");
                self.shard.memory_used(now, percent, 0);
            }
            ("records", "shown") => self.show_records = true,
            ("wait", _) => {}
            ("restart", _) => self.restart(),
            ("token", _) => self.token(verb, rest),
            ("tariff", _) => tariffs::put(self, what),
            ("op", "money") => tariffs::show(self, rest),
            ("op", "tariffs") => tariffs::show_station(self, rest),
            ("op", "register") => self.register(rest),
            ("op", "approve") => {
                let patch = StationPatch {
                    acceptance: Some(Acceptance::Accepted),
                    ..StationPatch::default()
                };
                self.ask_register(rest, patch, RegisterMode::Update);
            }
            ("op", "password") => {
                let (identity, password) = rest.split_once(' ').expect("a password");
                let patch = StationPatch {
                    password: Some(Some(Password::new(password).unwrap())),
                    ..StationPatch::default()
                };
                self.ask_register(identity, patch, RegisterMode::Update);
            }
            ("op", "passwordless") => {
                let patch = StationPatch {
                    password: Some(None),
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
                for line in charging::shown(self).lines() {
                    self.say(line);
                }
            }
            ("op", "courses") => {
                for line in follow::courses(self).lines() {
                    self.say(line);
                }
            }
            ("op", "der" | "streams" | "swaps" | "values") => {
                for line in grid::shown(self, verb).lines() {
                    self.say(line);
                }
            }
            ("op", "composite") => {
                let line = charging::shown_composite(self);
                self.say(&line);
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
                    limits: limits::read(rest),
                    id_token: words
                        .next()
                        .filter(|word| !word.contains('='))
                        .map(NamedToken::from),
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
            ("op", "pays") => {
                let (key, url) = (key("CP1"), rest.to_owned());
                self.ask("pays", |reply| Ask::WebPayment { key, url, reply });
            }
            ("op", "progress") => progress::show(self),
            ("op", "limit") => limits::set(self, rest),
            ("op", "limits") => limits::show(self),
            ("op", "close") => closing::close(self, rest),
            ("op", "replay") => crate::shard::tests::quirks::replay(self, rest),
            ("op", "reserve") => reservations::reserve(self, rest),
            ("op", "reservations") => reservations::show(self, rest),
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
            // Any text, with the id of our last call.
            (_, "says") => {
                let text = rest.replace("$ID", &self.last_call(who));
                self.send(who, &text);
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
    pub(super) fn pass_until(&mut self, seconds: f64) {
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
}
