//! Commands: made durable, sent once, answered by the station itself.
//!
//! queued → sent → answered | timeout | unknown; or offline | `queue_full` at once. Each state is a record. A command
//! is sent only when its first record is durable, and what a crash or a disconnect caught without an answer stays
//! `unknown`: whether the station acted on it, nobody here can tell.

use std::borrow::Cow;

use fleet::record::{
    Acceptance, CommandChanged, CommandState, Direction, Protocol, TransactionEvent,
    TransactionEventKind, TransactionState,
};
use fleet::{StationKey, TransactionId, UtcMicros};
use net::driver::ConnId;
use net::ws;
use ocpp::{
    Call, CallError, ErrorCode, Frame, Instant, Int, MeterColumns, Outcome, Policy, Rpc, Version,
    v16, v21, v201,
};

use super::named_token::Told;
use super::passwords::check_password;
use super::timers::Deadline;
use super::{Now, Ready, Shard, StoreUnreadable};
use crate::CommandId;
use crate::id::uuid_v7;
use crate::router::pending::Reply;
use crate::router::view::CommandView;
use crate::router::{CommandRefused, RouterError, StartOutcome, StopOutcome};
use crate::token::TokenType;

/// Ended commands stay in memory for as long as the state store may not have them.
const ENDED_KEPT_MICROS: i64 = 60_000_000;

/// A command of this process.
pub(crate) struct Command {
    pub(super) station: u32,
    pub(super) record: CommandChanged,
    pub(super) updated_at: UtcMicros,
    /// Operators that wait for its end, and until when.
    waiters: Vec<(Instant, Reply<Result<CommandView, CommandRefused>>)>,
}

/// An operator that waits for a transaction to begin. It stays when the wait is over, because its token counts as
/// authorized until the station can have used it.
pub(crate) struct StartWait {
    pub(super) token_ref: [u8; 16],
    command: CommandId,
    evse_id: u32,
    remote_start_id: i64,
    deadline: Instant,
    forget_at: Instant,
    reply: Option<Reply<StartOutcome>>,
}

/// An operator that waits for a transaction to end.
pub(crate) struct StopWait {
    transaction: TransactionId,
    command: CommandId,
    deadline: Instant,
    reply: Option<Reply<StopOutcome>>,
}

/// How long the token of a remote start is good for.
const START_TOKEN_KEPT: std::time::Duration = std::time::Duration::from_secs(300);

impl Shard {
    /// Makes a command and answers its id. It ends at once when the station is offline or has too many.
    pub(super) fn make_command(
        &mut self,
        now: Now,
        station: u32,
        action: String,
        payload: String,
        principal: String,
        wait: Option<(Instant, Reply<Result<CommandView, CommandRefused>>)>,
    ) -> CommandId {
        let entry = &self.stations[station];
        let partition = entry.state.key.partition();
        let id = CommandId(uuid_v7(now.utc, partition, self.random.bytes()));
        // One is on the wire, the others wait behind it.
        let full = self.settings.config.command_queue_len_max < usize::from(entry.commands_open);
        let state = match entry.conn {
            None => CommandState::Offline,
            Some(_) if full => CommandState::QueueFull,
            Some(_) => CommandState::Queued,
        };
        let record = CommandChanged {
            command_id: id.0,
            payload: self.without_secrets(&action, &payload),
            action: action.clone(),
            state: state.code(),
            result: String::new(),
            error_code: String::new(),
            error_description: String::new(),
            principal,
            created_at: now.utc.0,
        };
        let event = self.record(now, station, &record);
        let mut command = Command {
            station,
            record,
            updated_at: now.utc,
            waiters: Vec::new(),
        };
        if state == CommandState::Queued {
            self.stations[station].commands_open += 1;
            self.waiting.push(event.seq, Ready::Transmit(id));
            self.outgoing.insert(id, (action, payload));
            if let Some((deadline, reply)) = wait {
                self.deadlines.insert(deadline, Deadline::Wait(station));
                command.waiters.push((deadline, reply));
            }
        } else {
            self.settle_reservation(now, station, &command.record);
            if let Some((_, reply)) = wait {
                let view = self.view_of(&command);
                self.reply_when_durable(reply, Ok(view));
            }
        }
        self.commands.insert(id, command);
        id
    }

    /// Answers an operator once every record made so far is durable.
    pub(super) fn reply_when_durable<T: Send + 'static>(&mut self, reply: Reply<T>, answer: T) {
        let last = self.journal.last();
        if last <= self.journal.durable() {
            reply.send(answer);
        } else {
            self.waiting
                .push(last, Ready::Reply(Box::new(move || reply.send(answer))));
        }
    }

    /// A command's first record is durable: it goes to the station, or in line behind others.
    pub(super) fn transmit(&mut self, now: Now, id: CommandId) {
        let Some((action, payload)) = self.outgoing.remove(&id) else {
            return;
        };
        let Some(command) = self.commands.get(&id) else {
            return;
        };
        let conn = self.stations[command.station].conn;
        let Some(live) = conn.and_then(|conn| self.conns.live_mut(conn)) else {
            return self.end_command(now, id, CommandState::Unknown, String::new(), None);
        };
        let call = Call {
            id: id.to_string(),
            action: Cow::Owned(action),
            payload,
        };
        if live.rpc.call(now.mono, call).is_err() {
            return self.end_command(now, id, CommandState::QueueFull, String::new(), None);
        }
        if let Some(conn) = conn {
            self.pump(now, conn);
        }
    }

    /// Sends the call that has the line, and takes in the calls that have ended.
    fn pump(&mut self, now: Now, conn: ConnId) {
        loop {
            let Some(live) = self.conns.live_mut(conn) else {
                return;
            };
            let (station, version) = (live.station, live.version);
            if let Some(event) = live.rpc.poll_event() {
                let problem = self.call_ended(now, version, &event.call, event.outcome);
                if let Some(problem) = problem.filter(|_| version == Version::V21) {
                    self.refuse_answer(now, conn, station, &event.call, &problem);
                }
                continue;
            }
            let Some(call) = live.rpc.poll_transmit() else {
                return;
            };
            let mut text = Vec::new();
            ocpp::write_call(&mut text, &call.id, &call.action, &call.payload);
            let (id, action) = (call.id.clone(), call.action.clone());
            if let Some(deadline) = live.rpc.poll_timeout() {
                self.deadlines
                    .insert(deadline, Deadline::Call(conn.to_bits()));
            }
            self.outbox
                .send(conn, |out| ws::write_text(out, None, &text));
            self.record_message(now, station, Direction::ToStation, 2, &id, &action, &text);
            if let Ok(id) = id.parse() {
                self.change_command(now, id, |record| record.state = CommandState::Sent.code());
                self.begin_course(now, id);
            }
        }
    }

    /// A station's answer to a call of ours.
    pub(super) fn answered(
        &mut self,
        now: Now,
        conn: ConnId,
        station: u32,
        frame: &Frame<'_>,
        text: &str,
    ) {
        let (message_type, id) = match frame {
            Frame::Call { id, .. } => (2, id),
            Frame::CallResult { id, .. } => (3, id),
            Frame::CallError { id, .. } => (4, id),
            Frame::CallResultError { id, .. } => (5, id),
            Frame::Send { id, .. } => (6, id),
        };
        if self.stations[station].state.acceptance == Some(Acceptance::Accepted) {
            // Only the call tells which secrets an answer may hold; one that belongs to no call is kept as unreadable
            // would be, without its payload.
            let command = id.parse().ok().and_then(|id| self.commands.get(&id));
            let action = command.map(|command| command.record.action.clone());
            let from = Direction::FromStation;
            match action {
                Some(action) => {
                    self.record_message(
                        now,
                        station,
                        from,
                        message_type,
                        id,
                        &action,
                        text.as_bytes(),
                    );
                }
                None => self.record_message(
                    now,
                    station,
                    from,
                    message_type,
                    id,
                    "",
                    b"unasked answer, withheld",
                ),
            }
        }
        if let Some(live) = self.conns.live_mut(conn) {
            live.rpc.handle_frame(now.mono, frame);
        }
        self.pump(now, conn);
    }

    pub(super) fn answer_unreadable(&mut self, now: Now, conn: ConnId, id: &str) {
        if let Some(live) = self.conns.live_mut(conn) {
            live.rpc.handle_unreadable(now.mono, id);
        }
        self.pump(now, conn);
    }

    pub(super) fn call_timeout(&mut self, now: Now, conn: ConnId) {
        if let Some(live) = self.conns.live_mut(conn) {
            live.rpc.handle_timeout(now.mono);
            self.pump(now, conn);
        }
    }

    /// Ends a command; what is wrong with the station's CALLRESULT, if something is.
    fn call_ended(
        &mut self,
        now: Now,
        version: Version,
        call: &Call,
        outcome: Outcome,
    ) -> Option<CallError> {
        let id = call.id.parse().ok()?;
        let mut problem = None;
        let named = |error: &CallError| {
            // The finding is ours, and named alike for every version.
            let code = error.code.as_str(Version::V201).to_owned();
            (code, error.description.clone().into_owned())
        };
        let (state, result, error) = match outcome {
            Outcome::Answered(payload) if is_object(&payload) => {
                if let Some(command) = self.commands.get(&id) {
                    let (station, principal) = (command.station, command.record.principal.clone());
                    self.note_password(now, station, call, &payload, &principal);
                    self.charging_answered(now, station, version, call, &payload, id);
                    self.note_certificates(now, station, id, call, &payload);
                }
                // What is wrong with it is said beside it: whoever sent the command sees both.
                problem = check_answer(version, &call.action, &payload).err();
                let kept = self.without_secrets(&call.action, &payload);
                (CommandState::Answered, kept, problem.as_ref().map(named))
            }
            Outcome::Answered(_) => {
                let error = unreadable("the station's answer is no JSON object");
                let named = named(&error);
                problem = Some(error);
                (CommandState::Answered, String::new(), Some(named))
            }
            Outcome::Unreadable => {
                let error = unreadable("the station's answer is no OCPP-J message");
                (CommandState::Answered, String::new(), Some(named(&error)))
            }
            Outcome::Refused {
                code, description, ..
            } => (
                CommandState::Answered,
                String::new(),
                Some((code, description)),
            ),
            Outcome::TimedOut => (CommandState::Timeout, String::new(), None),
        };
        self.end_command(now, id, state, result, error);
        problem
    }

    /// Tells a 2.1 station that its answer cannot be used (2.1 Part 4 §4.2.4; the older versions have no words for it).
    fn refuse_answer(
        &mut self,
        now: Now,
        conn: ConnId,
        station: u32,
        call: &Call,
        problem: &CallError,
    ) {
        let mut text = Vec::new();
        ocpp::write_call_result_error(&mut text, &call.id, problem);
        self.outbox
            .send(conn, |out| ws::write_text(out, None, &text));
        let to = Direction::ToStation;
        self.record_message(now, station, to, 5, &call.id, &call.action, &text);
    }

    /// A command's last state: recorded, and told to whoever waits for it.
    fn end_command(
        &mut self,
        now: Now,
        id: CommandId,
        state: CommandState,
        result: String,
        error: Option<(String, String)>,
    ) {
        self.change_command(now, id, |record| {
            record.state = state.code();
            record.result = result;
            (record.error_code, record.error_description) = error.unwrap_or_default();
        });
        let Some(command) = self.commands.get_mut(&id) else {
            return;
        };
        let (station, waiters) = (command.station, std::mem::take(&mut command.waiters));
        let ended = command.record.clone();
        let open = &mut self.stations[station].commands_open;
        *open = open.saturating_sub(1);
        self.settle_reservation(now, station, &ended);
        let Some(view) = self.commands.get(&id).map(|command| self.view_of(command)) else {
            return;
        };
        for (_, reply) in waiters {
            self.reply_when_durable(reply, Ok(view.clone()));
        }
        self.tell_start_and_stop(station, id, &view);
    }

    /// Whoever waits for a transaction hears when the station will not do it.
    fn tell_start_and_stop(&mut self, station: u32, id: CommandId, view: &CommandView) {
        // Also in an answer that is wrong elsewhere: the station does what it said.
        let accepted = view.state == CommandState::Answered
            && view.result.as_deref().is_some_and(says_accepted);
        if accepted {
            return;
        }
        let Some(side) = self.stations[station].side.as_mut() else {
            return;
        };
        let start = side.starts.iter_mut().find(|wait| wait.command == id);
        let start = start.and_then(|wait| {
            // A station that said no has no use for the token.
            wait.forget_at = Instant(0);
            wait.reply.take()
        });
        let stop = side.stops.iter_mut().find(|wait| wait.command == id);
        let stop = stop.and_then(|wait| wait.reply.take());
        side.stops.retain(|wait| wait.reply.is_some());
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

    fn change_command(
        &mut self,
        now: Now,
        id: CommandId,
        change: impl FnOnce(&mut CommandChanged),
    ) {
        let Some(command) = self.commands.get_mut(&id) else {
            return;
        };
        change(&mut command.record);
        command.updated_at = now.utc;
        let (station, record) = (command.station, command.record.clone());
        self.record(now, station, &record);
    }

    /// The connection is gone: nobody can tell what became of the calls on it.
    pub(super) fn lose_commands(&mut self, now: Now, rpc: Rpc) {
        let (sent, unsent) = rpc.into_calls();
        for call in sent.into_iter().chain(unsent) {
            if let Ok(id) = call.id.parse() {
                self.end_command(now, id, CommandState::Unknown, String::new(), None);
            }
        }
    }

    /// A command that the last run left without an answer.
    pub(super) fn forget_command(
        &mut self,
        now: Now,
        key: &StationKey,
        mut record: CommandChanged,
    ) {
        let station = self.stations.entry(key);
        record.state = CommandState::Unknown.code();
        self.record(now, station, &record);
        self.settle_reservation(now, station, &record);
    }

    /// Drops ended commands that the store has by now.
    pub(super) fn tidy_commands(&mut self, now: Now) {
        let old = |command: &Command| {
            let state = CommandState::from_code(command.record.state);
            !matches!(state, Some(CommandState::Queued | CommandState::Sent))
                && command.updated_at.0 + ENDED_KEPT_MICROS < now.utc.0
        };
        self.commands.retain(|_, command| !old(command));
    }

    pub(super) fn view_of(&self, command: &Command) -> CommandView {
        command_view(
            self.stations[command.station].state.key.clone(),
            &command.record,
            command.updated_at,
        )
    }

    /// Sends a remote start and waits for its transaction.
    pub(super) fn start_transaction(
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
        let remote_start_id = (self.random.next() >> 33) as i64;
        let protocol = self.stations[station].state.protocol;
        let made = remote_start(protocol, evse_id, remote_start_id, &token)
            .map_err(CommandRefused::Invalid)
            .and_then(|(action, payload)| {
                self.make_own_command(now, station, action, payload, request.principal)
            });
        let command = match made {
            Ok(command) => command,
            Err(refused) => return reply.send(StartOutcome::Refused(refused)),
        };
        let token_ref = self.token_ref(&token.id);
        let deadline = now.mono + request.wait;
        let forget_at = deadline.max(now.mono + START_TOKEN_KEPT);
        self.stations[station].side_mut().starts.push(StartWait {
            token_ref,
            command,
            evse_id,
            remote_start_id,
            deadline,
            forget_at,
            reply: Some(reply),
        });
        self.deadlines.insert(deadline, Deadline::Wait(station));
        self.deadlines.insert(forget_at, Deadline::Wait(station));
        self.tell_if_ended(station, command);
    }

    /// Checks and makes a command whose payload we wrote ourselves; who asked waits for the transaction, not for the answer.
    fn make_own_command(
        &mut self,
        now: Now,
        station: u32,
        action: &str,
        payload: Vec<u8>,
        principal: String,
    ) -> Result<CommandId, CommandRefused> {
        let payload = String::from_utf8(payload).expect("the writers write JSON");
        self.check_command(station, action, &payload)?;
        Ok(self.make_command(now, station, action.into(), payload, principal, None))
    }

    /// Sends a remote stop and waits for the end of its transaction.
    pub(super) fn stop_transaction(
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
        let made = self.make_own_command(now, station, action, payload, request.principal);
        let command = match made {
            Ok(command) => command,
            Err(refused) => return reply.send(StopOutcome::Refused(refused)),
        };
        let deadline = now.mono + request.wait;
        self.stations[station].side_mut().stops.push(StopWait {
            transaction: request.transaction,
            command,
            deadline,
            reply: Some(reply),
        });
        self.deadlines.insert(deadline, Deadline::Wait(station));
        self.tell_if_ended(station, command);
    }

    /// A command that was offline or one too many has ended already.
    fn tell_if_ended(&mut self, station: u32, id: CommandId) {
        let view = self.commands.get(&id).map(|command| self.view_of(command));
        if let Some(view) = view
            .filter(|view| matches!(view.state, CommandState::Offline | CommandState::QueueFull))
        {
            self.tell_start_and_stop(station, id, &view);
        }
    }

    /// A transaction's event, to the operators that wait for it.
    pub(super) fn tell_waiting(
        &mut self,
        station: u32,
        id: TransactionId,
        event: &TransactionEvent,
    ) {
        let Some(side) = self.stations[station].side.as_mut() else {
            return;
        };
        let mut started = None;
        if event.kind == TransactionEventKind::Started.code() || 0 <= event.remote_start_id {
            let matches = |wait: &&mut StartWait| {
                wait.reply.is_some()
                    && if 0 <= event.remote_start_id {
                        wait.remote_start_id == event.remote_start_id
                    } else {
                        let token = event.token_ref.is_none_or(|token| token == wait.token_ref);
                        token && (wait.evse_id == 0 || wait.evse_id == event.evse_id)
                    }
            };
            started = side
                .starts
                .iter_mut()
                .find(matches)
                .and_then(|wait| wait.reply.take());
        }
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

    /// Somebody's wait at this station may be over.
    pub(super) fn wait_timeout(&mut self, now: Now, station: u32) {
        let mut replies = Vec::new();
        for command in self
            .commands
            .values_mut()
            .filter(|command| command.station == station)
        {
            let (over, waiting) = std::mem::take(&mut command.waiters)
                .into_iter()
                .partition(|(at, _)| *at <= now.mono);
            command.waiters = waiting;
            let over: Vec<_> = over;
            replies.extend(
                over.into_iter()
                    .map(|(_, reply)| (command.record.command_id, reply)),
            );
        }
        for (id, reply) in replies {
            match self.command_view(CommandId(id)) {
                Ok(Some(view)) => reply.send(Ok(view)),
                // Nobody heard of it, which the end of the reply says too.
                Ok(None) => {}
                Err(StoreUnreadable) => reply.refuse(RouterError::StoreUnreadable),
            }
        }
        let Some(side) = self.stations[station].side.as_mut() else {
            return;
        };
        let (mut starts, mut stops) = (Vec::new(), Vec::new());
        for wait in &mut side.starts {
            if wait.deadline <= now.mono {
                starts.extend(wait.reply.take().map(|reply| (wait.command, reply)));
            }
        }
        side.starts.retain(|wait| now.mono < wait.forget_at);
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

    /// Whether a station's version has such a command, and whether the log can hold it with its answer.
    pub(super) fn check_command(
        &self,
        station: u32,
        action: &str,
        payload: &str,
    ) -> Result<(), CommandRefused> {
        // An answer is a message, and takes up to half of the longest record.
        let len_max = self.settings.config.log.record_len_max / 4;
        if len_max < payload.len() {
            let len = payload.len();
            let detail = format!("payload has {len} bytes, at most {len_max} are allowed");
            return Err(CommandRefused::Invalid(detail));
        }
        let checked = match self.stations[station].state.protocol {
            Some(fleet::record::Protocol::Ocpp16) => {
                check_password(action, payload).map_err(CommandRefused::Invalid)?;
                v16::validate_call(action, payload)
            }
            Some(fleet::record::Protocol::Ocpp201) => {
                check_password(action, payload).map_err(CommandRefused::Invalid)?;
                v201::validate_call(action, payload)
            }
            Some(fleet::record::Protocol::Ocpp21) => {
                check_password(action, payload).map_err(CommandRefused::Invalid)?;
                v21::validate_call(action, payload)
            }
            // It never connected: any version's word will do, for it will not be sent.
            None => v16::validate_call(action, payload)
                .or_else(|_| v21::validate_call(action, payload))
                .or_else(|_| v201::validate_call(action, payload)),
        };
        checked.map_err(|error| CommandRefused::Invalid(error.to_string()))
    }
}

/// The token of a remote start that names none.
const OWN_TOKEN: &str = "sigec";

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
            "RemoteStartTransaction"
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
            "RequestStartTransaction"
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
            "RequestStartTransaction"
        }
    };
    Ok((action, payload))
}

/// A command as its operator sees it.
pub(super) fn command_view(
    station: StationKey,
    record: &CommandChanged,
    updated_at: UtcMicros,
) -> CommandView {
    CommandView {
        id: CommandId(record.command_id),
        station,
        action: record.action.clone(),
        payload: record.payload.clone(),
        state: CommandState::from_code(record.state).unwrap_or(CommandState::Unknown),
        result: (!record.result.is_empty()).then(|| record.result.clone()),
        error: (!record.error_code.is_empty())
            .then(|| (record.error_code.clone(), record.error_description.clone())),
        principal: record.principal.clone(),
        created_at: UtcMicros(record.created_at),
        updated_at,
        course: None,
    }
}

fn unreadable(description: &'static str) -> CallError {
    CallError::new(ErrorCode::FormatViolation, description)
}

/// Whether a station's answer to a command is what its version says it is.
fn check_answer(version: Version, action: &str, payload: &str) -> Result<(), CallError> {
    let (policy, mut columns) = (Policy::Tolerant, MeterColumns::new());
    match version {
        Version::V16 => {
            v16::CommandResponse::decode(action, payload, policy, &mut columns).map(drop)
        }
        Version::V201 => {
            v201::CommandResponse::decode(action, payload, policy, &mut columns).map(drop)
        }
        Version::V21 => {
            v21::CommandResponse::decode(action, payload, policy, &mut columns).map(drop)
        }
    }
}

fn is_object(json: &str) -> bool {
    json.starts_with('{') && serde_json::from_str::<&serde_json::value::RawValue>(json).is_ok()
}

/// Both versions answer a start and a stop with a status, and mean yes by `Accepted`.
pub(super) fn says_accepted(result: &str) -> bool {
    let parsed: Result<serde_json::Value, _> = serde_json::from_str(result);
    parsed.is_ok_and(|value| value.get("status").and_then(|s| s.as_str()) == Some("Accepted"))
}
