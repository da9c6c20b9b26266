//! Commands: made durable, sent once, answered by the station itself.
//!
//! queued → sent → answered | timeout | unknown; or offline | `queue_full` at once. Each state is a record. A command
//! is sent only when its first record is durable, and what a crash or a disconnect caught without an answer stays
//! `unknown`: whether the station acted on it, nobody here can tell.

mod check;
mod line;
mod open;
mod parts;
mod remote;

use std::time::Duration;

use fleet::record::{CommandChanged, CommandState};
use fleet::{StationKey, UtcMicros};
use ocpp::{Instant, Rpc};

pub(super) use open::Commands;
pub(super) use parts::{CALLS_MAX, EMPTY, Split, part_request_id, status_of};
pub(super) use remote::{StartWait, StopWait, says_accepted};

use super::timers::Deadline;
use super::waiting::Ready;
use super::{Now, Shard, StoreUnreadable};
use crate::CommandId;
use crate::id::uuid_v7;
use crate::router::pending::Reply;
use crate::router::view::CommandView;
use crate::router::{CommandRefused, RouterError};

/// Ended commands stay in memory for as long as the state store may not have them.
const ENDED_KEPT_MICROS: i64 = 60_000_000;

/// A command of this process.
pub(crate) struct Command {
    pub(super) station: u32,
    pub(super) record: CommandChanged,
    pub(super) updated_at: UtcMicros,
    /// Of each of its calls.
    answer_timeout: Duration,
    /// The command whose course this one may take the place of: until it is answered, nobody can tell.
    pub(super) before: Option<CommandId>,
    /// Empty where it has ended. Operators that wait for its end, and until when.
    waiters: Vec<(Instant, Reply<Result<CommandView, CommandRefused>>)>,
}

impl Command {
    /// True while it waits for its turn or its answer.
    fn is_open(&self) -> bool {
        matches!(
            CommandState::from_code(self.record.state),
            Some(CommandState::Queued | CommandState::Sent)
        )
    }
}

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
        let full = self.config.command_queue_len_max < usize::from(entry.commands_open);
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
        if state == CommandState::Queued {
            self.doubt_password(now, station, id, &action, &payload);
        }
        let event = self.record(now, station, &record);
        let mut command = Command {
            station,
            record,
            updated_at: now.utc,
            answer_timeout: self.config.call_timeout,
            before: None,
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

    /// A command that waits to be sent has another time for its answer than the configuration's.
    pub(super) fn answer_within(&mut self, id: CommandId, answer_timeout: Duration) {
        if let Some(command) = self.commands.get_mut(&id) {
            command.answer_timeout = answer_timeout;
        }
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

    /// A command's last state: recorded, and told to whoever waits for it.
    fn end_command(
        &mut self,
        now: Now,
        id: CommandId,
        state: CommandState,
        result: String,
        error: Option<(String, String)>,
    ) {
        let result = self.whole_result(id, result);
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
        self.note_tariffs(now, station, &ended);
        let Some(view) = self.commands.get(&id).map(|command| self.view_of(command)) else {
            return;
        };
        for (_, reply) in waiters {
            self.reply_when_durable(reply, Ok(view.clone()));
        }
        self.tell_start_and_stop(now, station, id, &view);
    }

    fn change_command(
        &mut self,
        now: Now,
        id: CommandId,
        change: impl FnOnce(&mut CommandChanged),
    ) {
        let Some(command) = self.commands.change(&id, |command| {
            change(&mut command.record);
            command.updated_at = now.utc;
        }) else {
            return;
        };
        let (station, record) = (command.station, command.record.clone());
        self.record(now, station, &record);
    }

    /// The connection is gone: nobody can tell what became of the calls on it.
    pub(super) fn lose_commands(&mut self, now: Now, rpc: Rpc) {
        let (sent, unsent) = rpc.into_calls();
        for call in &unsent {
            if let Some(id) = self.command_of(&call.id)
                && let Some(command) = self.commands.get(&id)
            {
                self.drop_doubt(now, command.station, id, &call.action, &call.payload);
            }
        }
        for call in sent.into_iter().chain(unsent) {
            if let Some(id) = self.command_of(&call.id) {
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
        let before = UtcMicros(now.utc.0 - ENDED_KEPT_MICROS);
        self.commands.forget_ended(before);
    }

    /// Commands of a station that wait for their turn or their answer, oldest first.
    pub(super) fn open_commands(&self, station: u32) -> Vec<CommandView> {
        let open = self.commands.open_of(station);
        let mut open: Vec<_> = open.map(|command| self.view_of(command)).collect();
        // Ids of one millisecond are in no order.
        open.sort_unstable_by_key(|view| (view.created_at, view.id));
        open
    }

    pub(super) fn view_of(&self, command: &Command) -> CommandView {
        let key = self.stations[command.station].state.key.clone();
        CommandView {
            answer_timeout: command.is_open().then_some(command.answer_timeout),
            ..command_view(key, &command.record, command.updated_at)
        }
    }

    /// Somebody's wait at this station may be over.
    pub(super) fn wait_timeout(&mut self, now: Now, station: u32) {
        // Nobody waits for one that has ended.
        let mut replies = Vec::new();
        self.commands.each_open_of(station, |command| {
            let (over, waiting): (Vec<_>, _) = std::mem::take(&mut command.waiters)
                .into_iter()
                .partition(|(at, _)| *at <= now.mono);
            command.waiters = waiting;
            let id = command.record.command_id;
            replies.extend(over.into_iter().map(|(_, reply)| (id, reply)));
        });
        for (id, reply) in replies {
            match self.command_view(CommandId(id)) {
                Ok(Some(view)) => reply.send(Ok(view)),
                // Nobody heard of it, which the end of the reply says too.
                Ok(None) => {}
                Err(StoreUnreadable) => reply.refuse(RouterError::StoreUnreadable),
            }
        }
        self.transaction_wait_timeout(now, station);
    }
}

/// A command as its operator sees it once it has ended.
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
        answer_timeout: None,
        result: (!record.result.is_empty()).then(|| record.result.clone()),
        error: (!record.error_code.is_empty())
            .then(|| (record.error_code.clone(), record.error_description.clone())),
        principal: record.principal.clone(),
        created_at: UtcMicros(record.created_at),
        updated_at,
        course: None,
    }
}
