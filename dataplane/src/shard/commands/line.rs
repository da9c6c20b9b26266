//! The line to a station: one call on it, the others behind it, and what a call's answer is.

use std::borrow::Cow;
use std::time::Duration;

use fleet::record::{Acceptance, CommandState, Direction};
use net::driver::ConnId;
use ocpp::{Call, CallError, ErrorCode, Frame, FrameFault, Outcome, QueueFull, Version};

use super::check::check_answer;
use crate::CommandId;
use crate::shard::asked_for::asked_by;
use crate::shard::timers::Deadline;
use crate::shard::{Now, Shard};

impl Shard {
    /// A command's first record is durable: it goes to the station, or in line behind others. True when it went.
    pub(in crate::shard) fn transmit(&mut self, now: Now, id: CommandId) -> bool {
        let Some((action, payload)) = self.outgoing.remove(&id) else {
            return false;
        };
        let Some(command) = self.commands.get(&id) else {
            return false;
        };
        let (station, answer_timeout) = (command.station, command.answer_timeout);
        let conn = self.stations[station].conn;
        let Some(live) = conn.and_then(|conn| self.conns.live_mut(conn)) else {
            self.drop_doubt(now, station, id, &action, &payload);
            self.end_command(now, id, CommandState::Unknown, String::new(), None);
            return false;
        };
        let call = Call {
            id: id.to_string(),
            action: Cow::Owned(action),
            payload,
            answer_timeout,
        };
        if let Err(QueueFull { call, .. }) = live.rpc.call(now.mono, call) {
            self.drop_doubt(now, station, id, &call.action, &call.payload);
            self.end_command(now, id, CommandState::QueueFull, String::new(), None);
            return false;
        }
        if let Some(conn) = conn {
            self.pump(now, conn);
        }
        let command = self.commands.get(&id);
        command.is_some_and(|command| command.record.state == CommandState::Sent.code())
    }

    /// Sends the call that has the line, and takes in the calls that have ended.
    fn pump(&mut self, now: Now, conn: ConnId) {
        loop {
            let Some(live) = self.conns.live_mut(conn) else {
                return;
            };
            let (station, version) = (live.station, live.version);
            if let Some(event) = live.rpc.poll_event() {
                let problem =
                    self.call_ended(now, conn, (station, version), &event.call, event.outcome);
                if let Some(problem) = problem.filter(|_| version == Version::V21) {
                    let Call { id, action, .. } = &event.call;
                    self.refuse_answer(now, conn, station, id, action, &problem);
                }
                continue;
            }
            if live.leaves {
                return self.leave_if_done(now, conn);
            }
            let Some(call) = live.rpc.poll_transmit() else {
                return;
            };
            let mut text = Vec::new();
            ocpp::write_call(&mut text, &call.id, &call.action, &call.payload);
            let asked = asked_by(&call.action, &call.payload);
            let (id, action) = (call.id.clone(), call.action.clone());
            if let Some(deadline) = live.rpc.poll_timeout() {
                self.deadlines
                    .insert(deadline, Deadline::Call(conn.to_bits()));
            }
            self.note_asked_for(now, station, asked);
            self.say(conn, &text);
            self.record_message(now, station, Direction::ToStation, 2, &id, &action, &text);
            if let Ok(id) = id.parse() {
                self.change_command(now, id, |record| record.state = CommandState::Sent.code());
                self.start_sent(now, station, id);
                let before = self.begin_course(now, id);
                self.commands.change(&id, |command| command.before = before);
            }
        }
    }

    /// A station's answer to a call of ours.
    pub(in crate::shard) fn answered(
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
            let command = self.command_of(id).and_then(|id| self.commands.get(&id));
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

    /// An answer that is no message, as far as it says which call it is to.
    pub(in crate::shard) fn answer_unreadable(
        &mut self,
        now: Now,
        conn: ConnId,
        id: &str,
        fault: FrameFault,
    ) {
        let Some(live) = self.conns.live_mut(conn) else {
            return;
        };
        let (station, version) = (live.station, live.version);
        live.rpc.handle_unreadable(now.mono, id);
        // A complaint is about a CALLRESULT; a broken CALLERROR is only passed on to whoever waits.
        if (version, fault) == (Version::V21, FrameFault::AnswerElements)
            && let Some(command) = self.command_of(id).and_then(|id| self.commands.get(&id))
            && command.record.state == CommandState::Sent.code()
        {
            let action = command.record.action.clone();
            self.refuse_answer(now, conn, station, id, &action, &unreadable(NO_MESSAGE));
        }
        self.pump(now, conn);
    }

    pub(in crate::shard) fn call_timeout(&mut self, now: Now, conn: ConnId) {
        if let Some(live) = self.conns.live_mut(conn) {
            live.rpc.handle_timeout(now.mono);
            self.pump(now, conn);
        }
    }

    /// Ends a command, or sends what is left of it; what is wrong with the station's CALLRESULT, if something is.
    fn call_ended(
        &mut self,
        now: Now,
        conn: ConnId,
        (station, version): (u32, Version),
        call: &Call,
        outcome: Outcome,
    ) -> Option<CallError> {
        let id = self.command_of(&call.id)?;
        let mut problem = None;
        let named = |error: &CallError| {
            // The finding is ours, and named alike for every version.
            let code = error.code.as_str(Version::V201).to_owned();
            (code, error.description.clone().into_owned())
        };
        let (state, result, error) = match outcome {
            Outcome::Answered(payload) if is_object(&payload) => {
                if let Some(command) = self.commands.get(&id) {
                    let principal = command.record.principal.clone();
                    let asked = (&*call.action, call.payload.as_str());
                    self.note_password(now, station, id, asked, &payload, &principal);
                    self.charging_answered(now, station, version, call, &payload, id);
                    self.grid_answered(now, station, version, call, &payload, id);
                    self.note_certificates(now, station, id, call, &payload);
                    self.note_transaction_status(now, station, call, &payload, id);
                    self.course_answered(now, station, call, Some(&payload), id);
                    if refuses_to_say(&payload) {
                        self.note_not_asked_for(station, asked_by(&call.action, &call.payload));
                    }
                }
                // What is wrong with it is said beside it: whoever sent the command sees both.
                let (rules, _) = self.rules(station);
                problem = check_answer(version, rules, &call.action, &payload).err();
                let kept = self.without_secrets(&call.action, &payload);
                if problem.is_none() && self.send_next_part(now, conn, id, &call.action, &kept) {
                    return None;
                }
                (CommandState::Answered, kept, problem.as_ref().map(named))
            }
            Outcome::Answered(_) => {
                let error = unreadable("the station's answer is no JSON object");
                let named = named(&error);
                problem = Some(error);
                (CommandState::Answered, String::new(), Some(named))
            }
            Outcome::Unreadable => {
                let error = unreadable(NO_MESSAGE);
                (CommandState::Answered, String::new(), Some(named(&error)))
            }
            Outcome::Refused {
                code, description, ..
            } => {
                if let Some(command) = self.commands.get(&id) {
                    let station = command.station;
                    self.drop_doubt(now, station, id, &call.action, &call.payload);
                    self.course_answered(now, station, call, None, id);
                    self.note_not_asked_for(station, asked_by(&call.action, &call.payload));
                }
                // An empty code would read as no error at all.
                let code = if code.is_empty() {
                    ErrorCode::GenericError.as_str(version).to_owned()
                } else {
                    code
                };
                (
                    CommandState::Answered,
                    String::new(),
                    Some((code, description)),
                )
            }
            Outcome::TimedOut => {
                // No code of OCPP's, for the finding is ours.
                let error = (TIMEOUT.to_owned(), no_answer(call.answer_timeout));
                (CommandState::Timeout, String::new(), Some(error))
            }
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
        id: &str,
        action: &str,
        problem: &CallError,
    ) {
        let mut text = Vec::new();
        ocpp::write_call_result_error(&mut text, id, problem);
        self.say(conn, &text);
        let to = Direction::ToStation;
        self.record_message(now, station, to, 5, id, action, &text);
    }
}

/// What is said of an answer that is cut off or has other elements than it ought to.
const NO_MESSAGE: &str = "the station's answer is no OCPP-J message";

/// Code of a command that was not answered in time.
const TIMEOUT: &str = "Timeout";

fn no_answer(within: Duration) -> String {
    format!("no answer within {} s", within.as_secs_f64())
}

/// True for an answer behind which a station will not say what it was asked for.
fn refuses_to_say(answer: &str) -> bool {
    let answer: serde_json::Value = serde_json::from_str(answer).unwrap_or_default();
    answer["status"]
        .as_str()
        .is_some_and(|status| status != "Accepted")
}

fn unreadable(description: &'static str) -> CallError {
    CallError::new(ErrorCode::FormatViolation, description)
}

fn is_object(json: &str) -> bool {
    json.starts_with('{') && serde_json::from_str::<&serde_json::value::RawValue>(json).is_ok()
}
