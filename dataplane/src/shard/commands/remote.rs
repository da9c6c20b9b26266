//! Starts and stops of transactions from afar: the command, and the transaction that it is for.

use std::time::Duration;

use fleet::TransactionId;
use fleet::record::{
    CommandState, Protocol, StartLimit, StartToken, StartTokens, TransactionEvent,
    TransactionEventKind, TransactionState,
};
use ocpp::{Instant, Int, v16, v21, v201};
use serde_json::Value;

use crate::CommandId;
use crate::normalize::OFFLINE_AFTER_MICROS;
use crate::router::pending::Reply;
use crate::router::view::CommandView;
use crate::router::{CommandRefused, RouterError, StartOutcome, StopOutcome};
use crate::shard::named_token::Told;
use crate::shard::timers::Deadline;
use crate::shard::{Now, Shard, StoreUnreadable};
use crate::token::TokenType;
use crate::variables::row::Name;
use crate::variables::{COMPONENT_16, Named};

/// A remote start, and perhaps an operator that waits for its transaction to begin. It stays when the wait is over, because
/// its token counts as authorized until the station can have used it.
pub(crate) struct StartWait {
    start: Start,
    command: CommandId,
    /// UTC microseconds.
    made_at: i64,
    deadline: Instant,
    forget_at: Instant,
    reply: Option<Reply<StartOutcome>>,
}

/// What a remote start asks for.
#[derive(Clone, Copy)]
pub(in crate::shard) struct Start {
    token_ref: [u8; 16],
    /// 0 where the station chooses.
    evse_id: u32,
    /// Drawn where its version has no such thing.
    remote_start_id: i64,
    /// How long its token is good, from when it was sent.
    kept: Duration,
}

impl Start {
    fn token(&self, now: Now) -> StartToken {
        let micros = i64::try_from(self.kept.as_micros()).unwrap_or(i64::MAX);
        StartToken {
            token_ref: self.token_ref,
            remote_start_id: self.remote_start_id,
            sent_at: now.utc.0,
            until: now.utc.0.saturating_add(micros),
        }
    }

    fn is_of(&self, token: &StartToken) -> bool {
        let own = (self.token_ref, self.remote_start_id);
        own == (token.token_ref, token.remote_start_id)
    }
}

/// An operator that waits for a transaction to end.
pub(crate) struct StopWait {
    transaction: TransactionId,
    command: CommandId,
    deadline: Instant,
    reply: Option<Reply<StopOutcome>>,
}

/// How long the token of a remote start is good at least.
const START_TOKEN_KEPT: Duration = Duration::from_secs(300);
/// And how long beyond the time that its station gives a driver for the cable: both messages are on their way, too.
const START_TOKEN_SPARE: Duration = Duration::from_secs(60);
/// The longest such time that is believed.
const CABLE_WAIT_MAX: Duration = Duration::from_secs(86_400);
/// A start that stands in line for no longer than this is as good as sent at once.
const LINE_SHORT_MICROS: i64 = 10_000_000;
/// Such tokens of one station; of more, the oldest is good no more after a restart.
const START_TOKENS_MAX: usize = 16;
/// Starts of one station that are remembered beside those somebody waits for; of more, the oldest's token is good no more.
const STARTS_MAX: usize = 64;

/// What changes those tokens, in the words of 2.x.
const START: &str = "RequestStartTransaction";
const START_16: &str = "RemoteStartTransaction";

/// The token of a remote start that names none.
const OWN_TOKEN: &str = "sigec";

/// By so much a clock may be slow that is right.
const CLOCK_SLACK_MICROS: i64 = 2 * 60_000_000;

impl Shard {
    /// Sends a remote start and waits for its transaction.
    pub(in crate::shard) fn start_transaction(
        &mut self,
        now: Now,
        station: u32,
        request: crate::router::StartRequest,
        reply: Reply<StartOutcome>,
    ) {
        let named = request.id_token.unwrap_or_else(|| OWN_TOKEN.into());
        let Ok(token) = self.told(station, named, TokenType::Central) else {
            return reply.refuse(RouterError::StoreUnreadable);
        };
        let mut evse_id = request.connector_id;
        if let Some(id) = request.reservation_id {
            match self.evse_reserved(station, id, &token) {
                Ok(Ok(reserved)) if evse_id == 0 => evse_id = reserved,
                Ok(Ok(_)) => {}
                Ok(Err(detail)) => {
                    let refused = CommandRefused::Invalid(detail);
                    return reply.send(StartOutcome::Refused(refused));
                }
                Err(StoreUnreadable) => return reply.refuse(RouterError::StoreUnreadable),
            }
        }
        if !request.limits.is_empty() {
            match self.check_limits(station, &request.limits) {
                Ok(Ok(())) => {}
                Ok(Err(refused)) => return reply.send(StartOutcome::Refused(refused)),
                Err(StoreUnreadable) => return reply.refuse(RouterError::StoreUnreadable),
            }
        }
        let remote_start_id = (self.random.next() >> 33) as i64;
        let protocol = self.stations[station].state.protocol;
        let written = remote_start(protocol, evse_id, remote_start_id, &token)
            .map_err(CommandRefused::Invalid)
            .and_then(|(action, payload)| {
                Ok((action, self.own_payload(station, action, payload)?))
            });
        let (action, payload) = match written {
            Ok(written) => written,
            Err(refused) => return reply.send(StartOutcome::Refused(refused)),
        };
        let token_ref = self.token_ref(&token.id);
        let Ok(kept) = self.start_kept(station) else {
            return reply.refuse(RouterError::StoreUnreadable);
        };
        let start = Start {
            token_ref,
            evse_id,
            remote_start_id,
            kept: request.wait.max(kept),
        };
        // Before the command, so that no station has a token that a restart has forgotten.
        if self.stations[station].conn.is_some() {
            let token = start.token(now);
            let until = token.until;
            if let Err(StoreUnreadable) = self.keep_start_token(now, station, token) {
                return reply.refuse(RouterError::StoreUnreadable);
            }
            let limit = StartLimit {
                remote_start_id,
                until,
                set: request.limits,
                set_by: request.principal.clone(),
                set_at: now.utc.0,
            };
            if !request.limits.is_empty()
                && let Err(StoreUnreadable) = self.keep_start_limit(now, station, limit)
            {
                return reply.refuse(RouterError::StoreUnreadable);
            }
        }
        let principal = request.principal;
        let command = self.make_command(now, station, action.into(), payload, principal, None);
        self.await_start(now, station, command, start, Some((request.wait, reply)));
    }

    /// A command is about to be made, and was checked: if it is a remote start, its token is kept first. Whoever gives it
    /// has authorized the token, by whichever way it comes (F01.FR.02, F02.FR.10; 1.6 §5.11).
    pub(in crate::shard) fn note_start(
        &mut self,
        now: Now,
        station: u32,
        action: &str,
        payload: &str,
    ) -> Result<Option<Start>, StoreUnreadable> {
        let is_start = matches!(action, START | START_16);
        // One that is not connected will not hear of it.
        if !is_start || self.stations[station].conn.is_none() {
            return Ok(None);
        }
        let payload: Value = serde_json::from_str(payload).unwrap_or_default();
        let token = [&payload["idTag"], &payload["idToken"]["idToken"]];
        let Some(token) = token.iter().find_map(|token| token.as_str()) else {
            return Ok(None);
        };
        let evse_id = [&payload["connectorId"], &payload["evseId"]];
        let evse_id = evse_id.iter().find_map(|id| id.as_u64()).unwrap_or(0);
        let named = payload["remoteStartId"].as_i64();
        let start = Start {
            token_ref: self.token_ref(token),
            evse_id: u32::try_from(evse_id).unwrap_or(0),
            remote_start_id: named.unwrap_or_else(|| (self.random.next() >> 33) as i64),
            kept: self.start_kept(station)?,
        };
        self.keep_start_token(now, station, start.token(now))?;
        Ok(Some(start))
    }

    /// A remote start was made, and perhaps somebody waits for its transaction.
    pub(in crate::shard) fn await_start(
        &mut self,
        now: Now,
        station: u32,
        command: CommandId,
        start: Start,
        wait: Option<(Duration, Reply<StartOutcome>)>,
    ) {
        let (wait, reply) =
            wait.map_or((Duration::ZERO, None), |(wait, reply)| (wait, Some(reply)));
        let (deadline, forget_at) = (now.mono + wait, now.mono + start.kept);
        if reply.is_some() {
            self.deadlines.insert(deadline, Deadline::Wait(station));
        }
        self.deadlines.insert(forget_at, Deadline::Wait(station));
        let starts = &mut self.stations[station].side_mut().starts;
        let waits_for_nobody = |wait: &StartWait| wait.reply.is_none();
        if STARTS_MAX <= starts.len()
            && let Some(oldest) = starts.iter().position(waits_for_nobody)
        {
            starts.remove(oldest);
        }
        starts.push(StartWait {
            start,
            command,
            made_at: now.utc.0,
            deadline,
            forget_at,
            reply,
        });
        self.tell_if_ended(now, station, command);
    }

    /// A command goes out: if it is a remote start, its token is good from now on, however long it has stood in line.
    pub(super) fn start_sent(&mut self, now: Now, station: u32, id: CommandId) {
        let side = self.stations[station].side.as_mut();
        let starts = side.map_or(&mut [][..], |side| &mut side.starts);
        let Some(wait) = starts.iter_mut().find(|wait| wait.command == id) else {
            return;
        };
        if now.utc.0 - wait.made_at <= LINE_SHORT_MICROS {
            return;
        }
        let start = wait.start;
        wait.forget_at = now.mono + start.kept;
        self.deadlines
            .insert(wait.forget_at, Deadline::Wait(station));
        let sent = self.change_grid(now, station, START, None, |kept: &mut StartTokens| {
            if let Some(own) = kept.tokens.iter_mut().rfind(|token| start.is_of(token)) {
                *own = start.token(now);
            }
        });
        if let Err(StoreUnreadable) = sent {
            // The failed read was counted; until a restart the token is good all the same.
        }
    }

    /// How long a remote start's token is good at a station: as long as that waits for the cable, which ends the
    /// authorization (C01.FR.26, F02.FR.07).
    fn start_kept(&mut self, station: u32) -> Result<Duration, StoreUnreadable> {
        let (component, variable) = match self.stations[station].state.protocol {
            Some(Protocol::Ocpp16) | None => (COMPONENT_16, "ConnectionTimeOut"),
            Some(Protocol::Ocpp201 | Protocol::Ocpp21) => ("TxCtrlr", "EVConnectionTimeOut"),
        };
        let named = |name: &str| Named {
            name: name.to_owned(),
            ..Named::default()
        };
        let name = Name {
            component: named(component),
            variable: named(variable),
            ..Name::default()
        };
        let told = self.variable(station, &name)?;
        let seconds = told.and_then(|told| told.trim().parse().ok());
        let cable_wait = Duration::from_secs(seconds.unwrap_or(0)).min(CABLE_WAIT_MAX);
        Ok((cable_wait + START_TOKEN_SPARE).max(START_TOKEN_KEPT))
    }

    /// Sends a remote stop and waits for the end of its transaction.
    pub(in crate::shard) fn stop_transaction(
        &mut self,
        now: Now,
        station: u32,
        request: crate::router::StopRequest,
        ocpp_id: &str,
        reply: Reply<StopOutcome>,
    ) {
        let mut payload = Vec::new();
        let numeric = ocpp_id.parse::<i64>().ok();
        let action = match (self.stations[station].state.protocol, numeric) {
            (Some(fleet::record::Protocol::Ocpp16) | None, Some(transaction_id)) => {
                v16::RemoteStopTransaction { transaction_id }.write(&mut payload);
                "RemoteStopTransaction"
            }
            _ => {
                let call = v201::RequestStopTransaction {
                    transaction_id: ocpp_id.into(),
                };
                call.write(&mut payload);
                "RequestStopTransaction"
            }
        };
        let payload = match self.own_payload(station, action, payload) {
            Ok(payload) => payload,
            Err(refused) => return reply.send(StopOutcome::Refused(refused)),
        };
        let principal = request.principal;
        let command = self.make_command(now, station, action.into(), payload, principal, None);
        let deadline = now.mono + request.wait;
        self.stations[station].side_mut().stops.push(StopWait {
            transaction: request.transaction,
            command,
            deadline,
            reply: Some(reply),
        });
        self.deadlines.insert(deadline, Deadline::Wait(station));
        self.tell_if_ended(now, station, command);
    }

    /// Checks a payload that we wrote ourselves.
    fn own_payload(
        &self,
        station: u32,
        action: &str,
        payload: Vec<u8>,
    ) -> Result<String, CommandRefused> {
        let payload = String::from_utf8(payload).expect("the writers write JSON");
        self.check_command(station, action, &payload)?;
        Ok(payload)
    }

    /// A remote start is about to be made: its token is good at the station for a while, also after a restart.
    fn keep_start_token(
        &mut self,
        now: Now,
        station: u32,
        token: StartToken,
    ) -> Result<(), StoreUnreadable> {
        self.change_grid(now, station, START, None, |kept: &mut StartTokens| {
            kept.tokens.retain(|token| now.utc.0 < token.until);
            if kept.tokens.len() == START_TOKENS_MAX {
                kept.tokens.remove(0);
            }
            kept.tokens.push(token);
        })
    }

    /// The station said no to a remote start, or never heard of it: it has no use for the token.
    fn forget_start_token(&mut self, now: Now, station: u32, start: Start) {
        let forgotten = self.change_grid(now, station, START, None, |kept: &mut StartTokens| {
            // An operator may name two starts alike: the newer one is over.
            let at = kept.tokens.iter().rposition(|token| start.is_of(token));
            at.map(|at| kept.tokens.remove(at));
        });
        if let Err(StoreUnreadable) = forgotten {
            // The failed read was counted; the token ends by its time.
        }
    }

    /// True for the token of a remote start that the station may still use.
    pub(in crate::shard) fn is_start_token(
        &mut self,
        now: Now,
        station: u32,
        token_ref: [u8; 16],
    ) -> Result<bool, StoreUnreadable> {
        let side = self.stations[station].side.as_ref();
        let starts = side.map_or(&[][..], |side| &side.starts);
        let mut starts = starts.iter().map(|wait| wait.start);
        if starts.any(|start| start.token_ref == token_ref) {
            return Ok(true);
        }
        // Of another run of the server, which only the clock on the wall tells anything about.
        let kept: StartTokens = self.grid(station)?;
        let mut tokens = kept.tokens.iter();
        Ok(tokens.any(|token| {
            token.token_ref == token_ref && (token.sent_at..token.until).contains(&now.utc.0)
        }))
    }

    /// Our name of a remote start that was sent.
    pub(in crate::shard) fn start_of_sent(&self, station: u32, command: CommandId) -> Option<i64> {
        let side = self.stations[station].side.as_ref()?;
        let mut starts = side.starts.iter();
        let wait = starts.find(|wait| wait.command == command)?;
        Some(wait.start.remote_start_id)
    }

    /// The remote starts that a transaction may have come of: the one its station names (2.x), else those whose token it
    /// shows while that is good (1.6 §5.11). -1 stands for one that nothing is known of.
    pub(in crate::shard) fn starts_behind(
        &mut self,
        now: Now,
        station: u32,
        event: &TransactionEvent,
    ) -> Result<Vec<i64>, StoreUnreadable> {
        let is_16 = self.stations[station].state.protocol == Some(Protocol::Ocpp16);
        if !is_16 {
            return Ok(vec![event.remote_start_id]);
        }
        // One that began while its station was offline comes late.
        let occurred = event.occurred.clock_trusted.then_some(event.occurred.at);
        let is_behind = |token: &StartToken| {
            let good = token.sent_at..token.until;
            event.token_ref == Some(token.token_ref)
                && (good.contains(&now.utc.0) || occurred.is_some_and(|at| good.contains(&at)))
        };
        let kept: StartTokens = self.grid(station)?;
        let behind = kept.tokens.iter().filter(|token| is_behind(token));
        Ok(behind
            .map(|token| token.remote_start_id)
            .chain([-1])
            .collect())
    }

    /// A command that was offline or one too many has ended already.
    fn tell_if_ended(&mut self, now: Now, station: u32, id: CommandId) {
        let view = self.commands.get(&id).map(|command| self.view_of(command));
        if let Some(view) = view
            .filter(|view| matches!(view.state, CommandState::Offline | CommandState::QueueFull))
        {
            self.tell_start_and_stop(now, station, id, &view);
        }
    }

    /// Whoever waits for a transaction hears when the station will not do it.
    pub(super) fn tell_start_and_stop(
        &mut self,
        now: Now,
        station: u32,
        id: CommandId,
        view: &CommandView,
    ) {
        // Also in an answer that is wrong elsewhere: the station does what it said.
        let accepted = view.state == CommandState::Answered
            && view.result.as_deref().is_some_and(says_accepted);
        if accepted {
            return;
        }
        // A station that said no, or never heard of it, has no use for the token. One that says nothing may begin yet.
        let is_open = matches!(view.state, CommandState::Timeout | CommandState::Unknown);
        // A start that stood in line for longer than its token is good has a limit all the same.
        if !is_open && let Some(remote_start_id) = start_of_command(view) {
            self.forget_start_limit(now, station, remote_start_id);
        }
        let Some(side) = self.stations[station].side.as_mut() else {
            return;
        };
        let start = side.starts.iter().position(|wait| wait.command == id);
        let (start, ended) = match start {
            Some(at) if is_open => {
                let wait = &mut side.starts[at];
                // It may have stood in line for longer than its token is good.
                let forget_at = wait.forget_at.max(now.mono);
                self.deadlines.insert(forget_at, Deadline::Wait(station));
                (wait.reply.take(), None)
            }
            Some(at) => {
                let StartWait { reply, start, .. } = side.starts.swap_remove(at);
                (reply, Some(start))
            }
            None => (None, None),
        };
        let stop = side.stops.iter_mut().find(|wait| wait.command == id);
        let stop = stop.and_then(|wait| wait.reply.take());
        side.stops.retain(|wait| wait.reply.is_some());
        if let Some(start) = ended {
            self.forget_start_token(now, station, start);
        }
        let view = view.clone();
        if let Some(reply) = start {
            let outcome = match view.state {
                CommandState::Answered => StartOutcome::Rejected(view),
                CommandState::Offline | CommandState::QueueFull => StartOutcome::NotSent(view),
                CommandState::Queued
                | CommandState::Sent
                | CommandState::Timeout
                | CommandState::Unknown => StartOutcome::Waiting(view),
            };
            self.reply_when_durable(reply, outcome);
        } else if let Some(reply) = stop {
            let outcome = match view.state {
                CommandState::Answered => StopOutcome::Rejected(view),
                CommandState::Offline | CommandState::QueueFull => StopOutcome::NotSent(view),
                CommandState::Queued
                | CommandState::Sent
                | CommandState::Timeout
                | CommandState::Unknown => StopOutcome::Waiting(view),
            };
            self.reply_when_durable(reply, outcome);
        }
    }

    /// A transaction's event, to the operators that wait for it.
    pub(in crate::shard) fn tell_waiting(
        &mut self,
        now: Now,
        station: u32,
        id: TransactionId,
        event: &TransactionEvent,
    ) {
        let started = self.start_of(now, station, event);
        let Some(side) = self.stations[station].side.as_mut() else {
            return;
        };
        let started = started.and_then(|at| side.starts[at].reply.take());
        let mut stopped = Vec::new();
        if event.summary.state != TransactionState::Active.code() {
            side.stops.retain_mut(|wait| {
                if wait.transaction == id {
                    stopped.extend(wait.reply.take());
                }
                wait.transaction != id
            });
        }
        let view = self.transaction_view(station, id);
        if let (Some(reply), Some(view)) = (started, view.clone()) {
            self.reply_when_durable(reply, StartOutcome::Begun(view));
        }
        for reply in stopped {
            if let Some(view) = view.clone() {
                self.reply_when_durable(reply, StopOutcome::Ended(view));
            }
        }
    }

    /// Which of those that wait for a transaction to begin began this one. Its station says so (2.x), or shows their token at
    /// their EVSE once it has heard of the start.
    fn start_of(&self, now: Now, station: u32, event: &TransactionEvent) -> Option<usize> {
        let entry = &self.stations[station];
        let starts = &entry.side.as_ref()?.starts;
        let waits = |wait: &StartWait| wait.reply.is_some();
        if 0 <= event.remote_start_id {
            let is_named = |wait: &StartWait| wait.start.remote_start_id == event.remote_start_id;
            return starts.iter().position(|wait| waits(wait) && is_named(wait));
        }
        if event.kind != TransactionEventKind::Started.code() {
            return None;
        }
        let connected_at = entry.state.connected_at().map_or(i64::MIN, |at| at.0);
        let clock = self.clock(now, station);
        let began_before = |wait: &StartWait| {
            let (at, made_at) = (event.occurred.at, wait.made_at);
            // What was queued comes when its station is back; a time at which it was in touch is that of a clock that is slow.
            let was_queued = at + CLOCK_SLACK_MICROS < connected_at && connected_at <= made_at;
            let is_old = was_queued || at < made_at - OFFLINE_AFTER_MICROS;
            event.occurred.clock_trusted && is_old && clock.was_away(at)
        };
        let is_unheard = |wait: &StartWait| self.commands.is_queued(&wait.command);
        let shows = |wait: &StartWait, evse_id: u32| {
            waits(wait)
                && wait.start.evse_id == evse_id
                && event.token_ref == Some(wait.start.token_ref)
                && !is_unheard(wait)
                && !began_before(wait)
        };
        let at = |evse_id: u32| starts.iter().position(|wait| shows(wait, evse_id));
        at(event.evse_id).or_else(|| at(0))
    }

    /// Somebody's wait for a transaction at this station may be over.
    pub(super) fn transaction_wait_timeout(&mut self, now: Now, station: u32) {
        let Some(side) = self.stations[station].side.as_mut() else {
            return;
        };
        let (mut starts, mut stops) = (Vec::new(), Vec::new());
        for wait in &mut side.starts {
            if wait.deadline <= now.mono {
                starts.extend(wait.reply.take().map(|reply| (wait.command, reply)));
            }
        }
        let commands = &self.commands;
        let is_unheard = |wait: &StartWait| commands.is_queued(&wait.command);
        side.starts
            .retain(|wait| now.mono < wait.forget_at || is_unheard(wait));
        side.stops.retain_mut(|wait| {
            if wait.deadline <= now.mono {
                stops.extend(wait.reply.take().map(|reply| (wait.command, reply)));
            }
            wait.reply.is_some()
        });
        for (command, reply) in starts {
            match self.command_view(command) {
                Ok(Some(view)) => reply.send(StartOutcome::Waiting(view)),
                Ok(None) => {}
                Err(StoreUnreadable) => reply.refuse(RouterError::StoreUnreadable),
            }
        }
        for (command, reply) in stops {
            match self.command_view(command) {
                Ok(Some(view)) => reply.send(StopOutcome::Waiting(view)),
                Ok(None) => {}
                Err(StoreUnreadable) => reply.refuse(RouterError::StoreUnreadable),
            }
        }
    }
}

/// The `remoteStartId` of a command that is a start.
fn start_of_command(view: &CommandView) -> Option<i64> {
    if view.action != START {
        return None;
    }
    let payload: serde_json::Value = serde_json::from_str(&view.payload).ok()?;
    payload.get("remoteStartId")?.as_i64()
}

/// A remote start in the words of a version; what that has no words for is an error. EVSE 0 leaves the choice to the
/// station.
fn remote_start(
    protocol: Option<Protocol>,
    evse_id: u32,
    remote_start_id: i64,
    token: &Told,
) -> Result<(&'static str, Vec<u8>), String> {
    let mut payload = Vec::new();
    let action = match protocol {
        Some(Protocol::Ocpp16) | None => {
            let call = v16::RemoteStartTransaction {
                connector_id: (evse_id != 0).then_some(evse_id),
                id_tag: token.id.as_str().into(),
                charging_profile: None,
            };
            call.write(&mut payload);
            START_16
        }
        Some(Protocol::Ocpp201) => {
            let (id_token, group_id_token) = token.to_201()?;
            let call = v201::RequestStartTransaction {
                evse_id: (evse_id != 0).then_some(evse_id),
                remote_start_id,
                id_token,
                charging_profile: None,
                group_id_token,
            };
            call.write(&mut payload);
            START
        }
        Some(Protocol::Ocpp21) => {
            let (id_token, group_id_token) = token.to_21();
            let call = v21::RequestStartTransaction {
                evse_id: Int::new(i64::from(evse_id)),
                remote_start_id,
                id_token,
                charging_profile: None,
                group_id_token,
            };
            call.write(&mut payload);
            START
        }
    };
    Ok((action, payload))
}

/// Both versions answer a start and a stop with a status, and mean yes by `Accepted`.
pub(in crate::shard) fn says_accepted(result: &str) -> bool {
    let parsed: Result<serde_json::Value, _> = serde_json::from_str(result);
    parsed.is_ok_and(|value| value.get("status").and_then(|s| s.as_str()) == Some("Accepted"))
}
