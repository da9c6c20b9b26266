//! One charging station, without socket and clock.
//!
//! The owner tells it of time and of its connection (`handle_*`), carries out the [`Output`]s that these calls leave
//! behind, and asks when to call again ([`Station::poll_timeout`]).
//!
//! # Invariants
//!
//! - At most one call of the station is unanswered (2.0.1 Part 4 §4.1.1).
//! - Nothing but BootNotification is sent before the CSMS accepted it.
//! - Events of a transaction are sent in order, and again with a new message id until they are acknowledged: after a
//!   lost connection, after silence, and up to [`REFUSALS_MAX`] times after an error.

mod commands;
mod outage;
mod outbox;
mod v16;
mod v201;

use std::time::Duration;

use ocpp::{Frame, Instant, Version};
use serde::{Deserialize, Serialize};

use crate::connector::{Connector, Happening};
use crate::event::{Body, Event, Status, Transaction};
use crate::plan::Plan;
use crate::random::Random;
use crate::truth::Truth;
use outage::Outage;
use outbox::{Outbox, Waiting};

/// A call about a transaction that was answered by so many errors is given up (`TransactionMessageAttempts` of 1.6,
/// `MessageAttempts` of 2.0.1).
pub const REFUSALS_MAX: u32 = 5;

/// The wait before the first repetition of a refused or unanswered call; it grows with each
/// (`TransactionMessageRetryInterval` of 1.6, `MessageAttemptInterval` of 2.0.1, E13.FR.03).
const RETRY_PAUSE: Duration = Duration::from_secs(2);

/// How long a station takes to restart.
const RESTART: Duration = Duration::from_secs(2);

/// The interval of Heartbeats, should the CSMS name none.
const HEARTBEAT_DEFAULT: Duration = Duration::from_secs(300);

/// What the owner is to do, in order.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// Open a connection; then call [`Station::handle_up`] or [`Station::handle_down`].
    Connect {
        /// When it should have begun.
        due: Instant,
    },
    /// Close the connection; no call follows.
    Close,
    /// The network is gone under the connection; no call follows.
    Cut {
        /// The CSMS is not to notice: the connection stays, and nobody is at its other end.
        silent: bool,
    },
    /// Send this text message.
    Send(String),
    /// A request of this action became due.
    Offered(&'static str),
    /// An event goes out for the first time.
    Sent(Truth),
    /// Nothing more will happen to an event; `acked_at` is for the owner to fill in if `acked`.
    Settled {
        /// The event.
        truth: Truth,
        /// True when the CSMS acknowledged it.
        acked: bool,
    },
    /// A request was answered.
    Answered {
        /// Its action.
        action: &'static str,
        /// From when it should have left to its answer.
        latency: Duration,
        /// True when it had to wait for a connection, or was sent more than once: its latency says more about the
        /// outage than about the CSMS.
        delayed: bool,
    },
    /// A request came to nothing.
    Failed {
        /// Its action.
        action: &'static str,
        /// How.
        failure: Failure,
    },
    /// The CSMS sent something that is no answer of ours and no command: a late answer, or no OCPP at all.
    Unexpected,
    /// The CSMS asked for this action.
    Commanded(String),
}

/// How a request came to nothing. It is sent again if the station keeps its kind, except when given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Failure {
    /// No answer in time.
    Timeout,
    /// The connection was lost before the answer.
    Disconnected,
    /// The CSMS answered with an error.
    Refused,
    /// The answer is not what the version asks for.
    Malformed,
    /// Refused too often, or about a transaction whose start was.
    GivenUp,
    /// The queue was full.
    Dropped,
    /// A newer status of the same connector took its place while offline: as it should be.
    Superseded,
}

/// One station.
#[derive(Debug)]
pub struct Station {
    name: String,
    index: u32,
    version: Version,
    random: Random,
    link: Link,
    boot: Boot,
    outbox: Outbox,
    connectors: Vec<Line>,
    /// 1.6 transactions that the CSMS has named and that are not over.
    named: Vec<(Transaction, i64)>,
    settings: commands::Settings,
    heartbeat_at: Option<Instant>,
    /// There if the station loses its network from time to time.
    outage: Option<Box<Outage>>,
    restart_at: Option<Instant>,
    /// A Reset waits for the last transaction to end.
    restart_when_idle: bool,
    /// For message ids: unique over all connections of the station.
    calls: u64,
    last_millis: i64,
    boots: u32,
    statuses: u32,
    /// Attempts since the last connection.
    attempts: u32,
    /// The last wait before an attempt.
    back_off: Duration,
    /// Heartbeats that became due while one was unanswered, and when the last of them did.
    beats_behind: u32,
    beat_behind_at: Instant,
    /// Not yet turned into events; empty between calls.
    happenings: Vec<Happening>,
}

/// A connector and what the station remembers of its reports.
#[derive(Debug)]
struct Line {
    connector: Connector,
    /// Events of the running transaction so far.
    seq: u32,
    /// The last status that was queued, as its version words it.
    reported: Option<&'static str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Link {
    Down {
        retry_at: Instant,
    },
    /// Not for ever: a server that accepts and says nothing is given up.
    Connecting {
        until: Instant,
    },
    Up,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Boot {
    Due {
        since: Instant,
        reason: &'static str,
    },
    Sent,
    Accepted,
}

impl Station {
    /// The station at `index` of the fleet; it first connects at `begins_at`.
    pub fn new(
        plan: &Plan,
        index: u32,
        name: String,
        version: Version,
        begins_at: Instant,
    ) -> Station {
        let line = |evse| Line {
            connector: Connector::new(plan, index, evse, begins_at),
            seq: 0,
            reported: None,
        };
        Station {
            name,
            index,
            version,
            random: Random::new(plan.seed, &[u64::from(index), u64::MAX]),
            link: Link::Down {
                retry_at: begins_at,
            },
            boot: Boot::Due {
                since: begins_at,
                reason: "PowerUp",
            },
            outbox: Outbox::default(),
            connectors: (1..=plan.connectors).map(line).collect(),
            named: Vec::new(),
            settings: commands::Settings::new(plan, index),
            heartbeat_at: None,
            outage: Outage::of(plan, index, begins_at).map(Box::new),
            restart_at: None,
            restart_when_idle: false,
            calls: 0,
            last_millis: 0,
            boots: 0,
            statuses: 0,
            attempts: 0,
            back_off: Duration::ZERO,
            beats_behind: 0,
            beat_behind_at: begins_at,
            happenings: Vec::new(),
        }
    }

    /// Its identity.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The version it speaks.
    pub fn version(&self) -> Version {
        self.version
    }

    /// True while it has a connection.
    pub fn is_up(&self) -> bool {
        self.link == Link::Up
    }

    /// True while it has a connection and the CSMS has accepted its boot.
    pub fn is_online(&self) -> bool {
        self.link == Link::Up && self.boot == Boot::Accepted
    }

    /// True when it has nothing to say and waits for no answer.
    pub fn is_quiet(&self) -> bool {
        self.outbox.is_empty() && self.boot == Boot::Accepted
    }

    /// Transactions that run.
    pub fn transactions(&self) -> usize {
        self.connectors
            .iter()
            .filter(|line| line.connector.transaction().is_some())
            .count()
    }

    /// When [`Station::handle_timeout`] has something to do.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let link = match self.link {
            Link::Down { retry_at } => Some(retry_at),
            Link::Connecting { until } => Some(until),
            Link::Up => None,
        };
        let outbox = self.outbox.poll_timeout().filter(|_| self.link == Link::Up);
        let boot = match self.boot {
            Boot::Due { since, .. } if self.link == Link::Up && !self.outbox.is_waiting() => {
                Some(since)
            }
            Boot::Due { .. } | Boot::Sent | Boot::Accepted => None,
        };
        let connectors = self
            .connectors
            .iter()
            .filter_map(|line| line.connector.poll_timeout());
        let outage = self.outage.as_ref().map(|outage| outage.at);
        [
            link,
            outbox,
            boot,
            self.heartbeat_at,
            self.restart_at,
            outage,
        ]
        .into_iter()
        .flatten()
        .chain(connectors)
        .min()
    }

    /// Does what is due by `now`.
    pub fn handle_timeout(&mut self, plan: &Plan, now: Instant, out: &mut Vec<Output>) {
        match self.link {
            Link::Down { retry_at } if retry_at <= now => {
                self.link = Link::Connecting {
                    until: now + plan.call_timeout,
                };
                out.push(Output::Connect { due: retry_at });
            }
            Link::Connecting { until } if until <= now => {
                out.push(Output::Close);
                self.handle_down(plan, now, out);
            }
            Link::Down { .. } | Link::Connecting { .. } | Link::Up => {}
        }
        if self.outage.as_ref().is_some_and(|outage| outage.at <= now) {
            self.lose_network(plan, now, out);
        }
        if self.restart_at.is_some_and(|at| at <= now) {
            self.restart(now, out);
        }
        if let Some(waiting) = self.outbox.overdue(now) {
            self.unanswered(plan, now, waiting.event, Failure::Timeout, out);
        }
        let mut happenings = std::mem::take(&mut self.happenings);
        for line in &mut self.connectors {
            line.connector
                .handle_timeout(plan, now, self.settings.interval(), &mut happenings);
        }
        self.happenings = happenings;
        self.record(plan, out);
        if let Some(at) = self.heartbeat_at.filter(|at| *at <= now) {
            self.heartbeat_at = Some(at + self.settings.heartbeat());
            if self.boot == Boot::Accepted {
                out.push(Output::Offered("Heartbeat"));
                self.beat(plan, at);
            }
        }
        self.pump(plan, now, out);
    }

    fn beat(&mut self, plan: &Plan, at: Instant) {
        // A second one would tell the CSMS nothing that the first, still unanswered, does not; but it was due, and a
        // report that left it out would show a CSMS that stands still as one slow answer.
        if self.outbox.holds_heartbeat() {
            self.beats_behind += 1;
            self.beat_behind_at = at;
        } else {
            let event = self.event(plan, at, 0, Body::Heartbeat);
            self.outbox.pass(event);
        }
    }

    /// When the Heartbeats became due that had to wait behind another one; there are none afterwards.
    fn beats_behind(&mut self) -> impl Iterator<Item = Instant> + use<> {
        let (last, interval) = (self.beat_behind_at, self.settings.heartbeat());
        let count = std::mem::take(&mut self.beats_behind);
        let nanos = u64::try_from(interval.as_nanos()).unwrap_or(u64::MAX);
        (0..u64::from(count)).map(move |n| Instant(last.0.saturating_sub(n.saturating_mul(nanos))))
    }

    fn beats_failed(&mut self, failure: Failure, out: &mut Vec<Output>) {
        out.extend(self.beats_behind().map(|_| Output::Failed {
            action: "Heartbeat",
            failure,
        }));
    }

    /// The connection it asked for is there.
    pub fn handle_up(&mut self, plan: &Plan, now: Instant, out: &mut Vec<Output>) {
        self.link = Link::Up;
        self.attempts = 0;
        match &mut self.boot {
            Boot::Due { since, .. } => *since = now,
            Boot::Accepted => self.beat_from(now),
            Boot::Sent => unreachable!("a lost connection makes an unanswered boot due again"),
        }
        self.pump(plan, now, out);
    }

    /// The connection is gone, or did not come about.
    pub fn handle_down(&mut self, plan: &Plan, now: Instant, out: &mut Vec<Output>) {
        if let Some(event) = self.outbox.disconnect() {
            let action = event.body.action(self.version);
            out.push(Output::Failed {
                action,
                failure: Failure::Disconnected,
            });
        }
        if self.boot == Boot::Sent {
            self.boot = Boot::Due {
                since: now,
                reason: "PowerUp",
            };
        }
        self.beats_failed(Failure::Disconnected, out);
        self.back_off = plan
            .back_off
            .wait(self.attempts, self.back_off, &mut self.random);
        self.attempts = self.attempts.saturating_add(1);
        self.link = Link::Down {
            retry_at: now + self.back_off,
        };
        self.heartbeat_at = None;
    }

    /// As [`Station::handle_down`], and the power is gone with it: the station will boot.
    pub fn handle_power_loss(&mut self, plan: &Plan, now: Instant, out: &mut Vec<Output>) {
        self.handle_down(plan, now, out);
        self.boot = Boot::Due {
            since: now,
            reason: "PowerUp",
        };
    }

    /// A text message of the CSMS.
    pub fn handle_text(&mut self, plan: &Plan, now: Instant, text: &str, out: &mut Vec<Output>) {
        match ocpp::scan(text, self.version) {
            Ok(Frame::Call {
                id,
                action,
                payload,
            }) => {
                out.push(Output::Commanded(action.to_string()));
                self.command(plan, now, &id, &action, payload, out);
                self.record(plan, out);
            }
            Ok(Frame::CallResult { id, payload }) => match self.outbox.answered(&id) {
                Some(waiting) => self.answered(plan, now, waiting, payload, out),
                None => out.push(Output::Unexpected),
            },
            Ok(Frame::CallError { id, .. }) => match self.outbox.answered(&id) {
                Some(waiting) => self.unanswered(plan, now, waiting.event, Failure::Refused, out),
                None => out.push(Output::Unexpected),
            },
            // 2.1 alone has these: nobody here streams, and what was answered is right.
            Ok(Frame::CallResultError { .. } | Frame::Send { .. }) | Err(_) => {
                out.push(Output::Unexpected);
            }
        }
        self.pump(plan, now, out);
    }

    /// Nobody comes any more, and no Heartbeat is due: what is queued is still sent.
    pub fn finish(&mut self) {
        self.heartbeat_at = None;
        self.settings.stop_heartbeats();
        self.outage = None;
        for line in &mut self.connectors {
            line.connector.close();
        }
    }

    /// Events that were sent and never acknowledged.
    pub fn unsettled(&self, plan: &Plan) -> Vec<Truth> {
        self.outbox
            .unsettled()
            .filter_map(|event| self.truth(plan, event))
            .collect()
    }

    /// Turns what happened at the connectors into events.
    fn record(&mut self, plan: &Plan, out: &mut Vec<Output>) {
        for Happening { at, body } in std::mem::take(&mut self.happenings) {
            if self.restart_when_idle && self.transactions() == 0 {
                self.restart_when_idle = false;
                self.restart_at = Some(at + RESTART);
            }
            self.record_one(plan, at, body, out);
        }
    }

    fn record_one(&mut self, plan: &Plan, at: Instant, body: Body, out: &mut Vec<Output>) {
        let action = body.action(self.version);
        let offline = !self.is_online();
        let seq = match &body {
            Body::Status { evse, status } => {
                if !self.is_news(*evse, *status) {
                    return;
                }
                if offline && self.outbox.supersede_status(*evse) {
                    out.push(Output::Failed {
                        action,
                        failure: Failure::Superseded,
                    });
                }
                self.statuses += 1;
                self.statuses - 1
            }
            Body::Start { transaction, .. }
            | Body::Sample { transaction, .. }
            | Body::Stop { transaction, .. } => {
                let line = &mut self.connectors[transaction.evse as usize - 1];
                line.seq = if matches!(body, Body::Start { .. }) {
                    0
                } else {
                    line.seq + 1
                };
                line.seq
            }
            // Nobody can be asked: the station decides by itself, and lets the vehicle charge.
            Body::Authorize { .. } if offline => return,
            Body::Authorize { .. } | Body::Heartbeat | Body::Boot { .. } => 0,
        };
        let event = self.event(plan, at, seq, body);
        out.push(Output::Offered(action));
        if !event.body.is_kept() {
            return self.outbox.pass(event);
        }
        if let Some(dropped) = self.outbox.keep(event, plan.offline_events_max) {
            let action = dropped.body.action(self.version);
            out.push(Output::Failed {
                action,
                failure: Failure::Dropped,
            });
        }
    }

    /// 2.0.1 has one word for several states of a vehicle, and is told of a change of word only.
    fn is_news(&mut self, evse: u32, status: Status) -> bool {
        let Some(line) = evse
            .checked_sub(1)
            .and_then(|at| self.connectors.get_mut(at as usize))
        else {
            return true;
        };
        let word = status.as_str(self.version);
        line.reported.replace(word) != Some(word)
    }

    fn event(&mut self, plan: &Plan, due: Instant, seq: u32, body: Body) -> Event {
        // A CSMS tells retries by their timestamps, so a station uses none twice.
        let at_millis = plan.timeline.utc_millis(due).max(self.last_millis + 1);
        self.last_millis = at_millis;
        Event {
            due,
            at_millis,
            seq,
            offline: !self.is_online(),
            sent: 0,
            refused: 0,
            body,
        }
    }

    /// Sends what may be sent.
    fn pump(&mut self, plan: &Plan, now: Instant, out: &mut Vec<Output>) {
        if self.link != Link::Up {
            return;
        }
        if let Boot::Due { since, reason } = self.boot {
            if since <= now && !self.outbox.is_waiting() {
                self.boot = Boot::Sent;
                self.boots += 1;
                let event = self.event(plan, since, self.boots - 1, Body::Boot { reason });
                out.push(Output::Offered("BootNotification"));
                self.send(plan, now, event, out);
            }
            return;
        }
        while self.boot == Boot::Accepted {
            let Some(event) = self.outbox.next(now) else {
                return;
            };
            let unnamed = self.version == Version::V16 && self.is_unnamed(&event);
            if !unnamed {
                return self.send(plan, now, event, out);
            }
            // Its start was given up, so the CSMS knows no transaction that it could belong to.
            self.give_up(plan, &event, out);
        }
    }

    fn is_unnamed(&self, event: &Event) -> bool {
        match &event.body {
            Body::Sample { transaction, .. } | Body::Stop { transaction, .. } => {
                self.name_of(*transaction).is_none()
            }
            Body::Start { .. }
            | Body::Status { .. }
            | Body::Boot { .. }
            | Body::Heartbeat
            | Body::Authorize { .. } => false,
        }
    }

    fn send(&mut self, plan: &Plan, now: Instant, mut event: Event, out: &mut Vec<Output>) {
        self.calls += 1;
        let base = Random::new(
            plan.seed,
            &[u64::from(self.index), plan.timeline.start_utc_micros as u64],
        )
        .bits();
        let id = format!("{:08x}-{}", base as u32, self.calls);
        let payload = match self.version {
            Version::V16 => v16::payload(self, &event),
            Version::V201 | Version::V21 => v201::payload(self, plan, &event),
        };
        let mut text = Vec::with_capacity(payload.len() + 64);
        ocpp::write_call(&mut text, &id, event.body.action(self.version), &payload);
        if event.sent == 0
            && let Some(truth) = self.truth(plan, &event)
        {
            out.push(Output::Sent(truth));
        }
        event.sent += 1;
        out.push(Output::Send(
            String::from_utf8(text).expect("written from strings"),
        ));
        self.outbox.wait(Waiting {
            id,
            event,
            deadline: now + plan.call_timeout,
        });
    }

    fn answered(
        &mut self,
        plan: &Plan,
        now: Instant,
        waiting: Waiting,
        payload: &str,
        out: &mut Vec<Output>,
    ) {
        let event = waiting.event;
        let action = event.body.action(self.version);
        let answer = match self.version {
            Version::V16 => v16::answer(&event.body, payload),
            Version::V201 | Version::V21 => v201::answer(&event.body, payload),
        };
        let Some(answer) = answer else {
            return self.unanswered(plan, now, event, Failure::Malformed, out);
        };
        out.push(Output::Answered {
            action,
            latency: now - event.due,
            delayed: event.offline && event.body.is_kept() || event.sent > 1,
        });
        if event.body == Body::Heartbeat {
            out.extend(self.beats_behind().map(|due| Output::Answered {
                action,
                latency: now - due,
                delayed: false,
            }));
        }
        if let (Some(id), Some(transaction)) = (answer.transaction, event.body.transaction()) {
            self.named.push((transaction, id));
        }
        if let Some(truth) = self.truth(plan, &event) {
            out.push(Output::Settled { truth, acked: true });
        }
        self.react(plan, now, &event.body, &answer, out);
    }

    fn react(
        &mut self,
        plan: &Plan,
        now: Instant,
        body: &Body,
        answer: &Answer,
        out: &mut Vec<Output>,
    ) {
        match body {
            Body::Boot { .. } => self.booted(plan, now, answer, out),
            Body::Authorize { evse, .. } if !answer.accepted => {
                let connector = &mut self.connectors[*evse as usize - 1].connector;
                connector.refuse(plan, now, &mut self.happenings);
            }
            Body::Start { transaction, .. } if !answer.accepted => {
                let connector = &mut self.connectors[transaction.evse as usize - 1].connector;
                if connector.transaction() == Some(*transaction) {
                    let reason = crate::event::StopReason::DeAuthorized;
                    connector.stop(plan, now, reason, &mut self.happenings);
                }
            }
            Body::Stop { transaction, .. } => self.named.retain(|(of, _)| of != transaction),
            Body::Authorize { .. }
            | Body::Start { .. }
            | Body::Heartbeat
            | Body::Status { .. }
            | Body::Sample { .. } => {}
        }
        self.record(plan, out);
    }

    fn booted(&mut self, plan: &Plan, now: Instant, answer: &Answer, out: &mut Vec<Output>) {
        let interval = answer.interval.filter(|interval| !interval.is_zero());
        if !answer.accepted {
            let since = now + interval.unwrap_or(HEARTBEAT_DEFAULT);
            self.boot = Boot::Due {
                since,
                reason: "PowerUp",
            };
            return;
        }
        self.boot = Boot::Accepted;
        self.settings
            .set_heartbeat(interval.unwrap_or(HEARTBEAT_DEFAULT));
        self.beat_from(now);
        if self.version == Version::V16 {
            self.record_one(
                plan,
                now,
                Body::Status {
                    evse: 0,
                    status: Status::Available,
                },
                out,
            );
        }
        for at in 0..self.connectors.len() {
            let line = &mut self.connectors[at];
            line.reported = None;
            let (evse, status) = (at as u32 + 1, line.connector.status());
            self.outbox.supersede_status(evse);
            self.record_one(plan, now, Body::Status { evse, status }, out);
        }
    }

    /// The first Heartbeat comes at any moment of the first interval, lest a fleet that booted together beats
    /// together.
    fn beat_from(&mut self, now: Instant) {
        let interval = self.settings.heartbeat();
        let first = self.random.duration(interval / 8, interval);
        self.heartbeat_at = Some(now + first).filter(|_| self.settings.beats());
    }

    /// An event went out and came to nothing.
    fn unanswered(
        &mut self,
        plan: &Plan,
        now: Instant,
        mut event: Event,
        failure: Failure,
        out: &mut Vec<Output>,
    ) {
        let action = event.body.action(self.version);
        out.push(Output::Failed { action, failure });
        if let Body::Boot { reason } = event.body {
            self.boot = Boot::Due {
                since: now + RETRY_PAUSE,
                reason,
            };
            return;
        }
        if event.body == Body::Heartbeat {
            self.beats_failed(failure, out);
        }
        if !event.body.is_kept() {
            return;
        }
        event.refused += u32::from(matches!(failure, Failure::Refused | Failure::Malformed));
        if event.refused < REFUSALS_MAX {
            let pause = RETRY_PAUSE * event.sent;
            self.outbox.retry(event, now, pause);
        } else {
            self.give_up(plan, &event, out);
        }
    }

    fn give_up(&mut self, plan: &Plan, event: &Event, out: &mut Vec<Output>) {
        let action = event.body.action(self.version);
        out.push(Output::Failed {
            action,
            failure: Failure::GivenUp,
        });
        if event.sent > 0
            && let Some(truth) = self.truth(plan, event)
        {
            out.push(Output::Settled {
                truth,
                acked: false,
            });
        }
    }

    /// Power off and on again: the connection goes, the meters and the queue stay.
    fn restart(&mut self, now: Instant, out: &mut Vec<Output>) {
        self.restart_at = None;
        self.heartbeat_at = None;
        self.boot = Boot::Due {
            since: now,
            reason: "RemoteReset",
        };
        self.beats_failed(Failure::Disconnected, out);
        if self.link != Link::Up {
            return;
        }
        if let Some(event) = self.outbox.disconnect() {
            let action = event.body.action(self.version);
            out.push(Output::Failed {
                action,
                failure: Failure::Disconnected,
            });
        }
        out.push(Output::Close);
        self.link = Link::Down {
            retry_at: now + RESTART,
        };
    }

    /// The transaction's id in OCPP, if it has one yet.
    fn transaction_id(&self, plan: &Plan, transaction: Transaction) -> Option<String> {
        match self.version {
            Version::V16 => self.name_of(transaction).map(|id| id.to_string()),
            Version::V201 | Version::V21 => {
                Some(v201::transaction_id(plan, self.index, transaction))
            }
        }
    }

    fn name_of(&self, transaction: Transaction) -> Option<i64> {
        self.named
            .iter()
            .find(|(of, _)| *of == transaction)
            .map(|(_, id)| *id)
    }

    fn truth(&self, plan: &Plan, event: &Event) -> Option<Truth> {
        let kind = event.body.kind()?;
        let transaction = event
            .body
            .transaction()
            .and_then(|of| self.transaction_id(plan, of));
        let stamped = !matches!(event.body, Body::Boot { .. });
        Some(Truth {
            station: self.name.clone(),
            transaction,
            seq: event.seq,
            kind,
            measured_at: stamped.then(|| crate::clock::rfc3339(event.at_millis)),
            energy_mwh: event.body.register_mwh(),
            acked_at: None,
        })
    }
}

/// What an answer of the CSMS says to the station, whatever its version.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Answer {
    /// The status is Accepted, or there is none.
    accepted: bool,
    /// Of BootNotification.
    interval: Option<Duration>,
    /// Of StartTransaction.
    transaction: Option<i64>,
}

impl Answer {
    const ACCEPTED: Answer = Answer {
        accepted: true,
        interval: None,
        transaction: None,
    };
}

/// The register as text and its unit: every fourth station counts in kilowatt-hours, and all of them show every digit.
fn energy_text(station: &Station, register_mwh: u64) -> (String, &'static str) {
    if station.index % 4 == 3 {
        (
            format!(
                "{}.{:06}",
                register_mwh / 1_000_000,
                register_mwh % 1_000_000
            ),
            "kWh",
        )
    } else {
        (
            format!("{}.{:03}", register_mwh / 1_000, register_mwh % 1_000),
            "Wh",
        )
    }
}

#[cfg(test)]
mod tests;
