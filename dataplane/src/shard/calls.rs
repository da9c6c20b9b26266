//! Text from a station: read, routed, answered.

use std::sync::atomic::Ordering;

use fleet::record::{Acceptance, Direction};
use net::driver::ConnId;
use net::ws::CloseCode;
use ocpp::{
    Admission, CallError, Change, ErrorCode, Frame, FrameFault, MeterColumns, Policy, Rules,
    Timestamp, Version, v16, v21, v201,
};

use super::arrivals::Load;
use super::quirks::is_about_payload;
use super::store::StoreUnreadable;
use super::{Now, Shard};

/// Seconds after which a station that waits for approval is to boot again.
const PENDING_RETRY_S: u32 = 60;

/// Sampled values of one message: what a record of the log holds with room to spare.
const SAMPLES_MAX: usize = 4_096;

/// When an answer may leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leave {
    /// After every record made so far is durable.
    WhenDurable,
    /// At once, unless answers before it still wait.
    AtOnce,
}

/// A call of a station, as far as its envelope tells.
#[derive(Clone, Copy)]
pub(super) struct Inbound<'a> {
    pub(super) conn: ConnId,
    pub(super) station: u32,
    pub(super) id: &'a str,
    pub(super) action: &'a str,
}

/// An answer's payload, written where it leaves from.
pub(super) enum Answer<'a> {
    /// `{}`, which says in every version that the message was received.
    Empty,
    V16(v16::Response<'a>),
    /// Also to 2.1, where both versions answer alike: what 2.0.1 has to say is the same in 2.1.
    V201(v201::Response<'a>),
    V21(v21::Response<'a>),
    /// What 2.1 has beside 2.0.1: further members as JSON, each behind a comma.
    More(v201::Response<'a>, String),
}

impl Answer<'_> {
    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Empty => out.extend_from_slice(b"{}"),
            Self::V16(response) => response.write(out),
            Self::V201(response) => response.write(out),
            Self::V21(response) => response.write(out),
            Self::More(response, more) => {
                response.write(out);
                let end = out.pop();
                // The first member of all has no comma before it.
                let first = usize::from(out.ends_with(b"{") && !more.is_empty());
                out.extend_from_slice(&more.as_bytes()[first..]);
                out.extend(end);
            }
        }
    }
}

impl Shard {
    /// One text message.
    pub(super) fn text(&mut self, now: Now, conn: ConnId, text: &str) {
        let Some(live) = self.conns.live_mut(conn) else {
            return;
        };
        let (version, station) = (live.version, live.station);
        match ocpp::scan(text, version) {
            Ok(Frame::Call {
                id,
                action,
                payload,
            }) => {
                let call = Inbound {
                    conn,
                    station,
                    id: &id,
                    action: &action,
                };
                match ocpp::signed_action(version, &action) {
                    None => self.call(now, version, call, (payload, text), &[]),
                    Some(enclosed) => {
                        self.signed_call(now, version, call, enclosed, (payload, text));
                    }
                }
            }
            Ok(frame @ (Frame::CallResult { .. } | Frame::CallError { .. })) => {
                self.answered(now, conn, station, &frame, text);
            }
            Ok(Frame::Send {
                id,
                action,
                payload,
            }) => {
                let call = Inbound {
                    conn,
                    station,
                    id: &id,
                    action: &action,
                };
                match ocpp::signed_action(version, &action) {
                    None => self.said(now, call, Ok(payload), text),
                    Some(action) => {
                        let opened = ocpp::open_signed(version, action, payload);
                        let payload = opened.as_deref().map_err(CallError::clone);
                        self.said(now, Inbound { action, ..call }, payload, text);
                    }
                }
            }
            Ok(Frame::CallResultError { id, .. }) => {
                // The answer stands: what it answered is recorded, and would be answered alike again.
                self.tally.counters.answers_refused += 1;
                if self.accepted(station) {
                    let from = Direction::FromStation;
                    self.record_message(now, station, from, 5, &id, "", text.as_bytes());
                }
            }
            Err(error) => {
                if !self.accepted(station) {
                    return;
                }
                let id = error.id.as_deref().unwrap_or("");
                self.record_message(
                    now,
                    station,
                    Direction::FromStation,
                    0,
                    id,
                    "",
                    text.as_bytes(),
                );
                let answers_us = matches!(
                    error.fault,
                    FrameFault::AnswerElements | FrameFault::RefusalElements
                );
                if answers_us && let Some(id) = &error.id {
                    self.answer_unreadable(now, conn, id, error.fault);
                }
                let is_answer = answers_us || error.fault == FrameFault::ComplaintElements;
                if !is_answer && self.repaired(now, version, (conn, station), text) {
                    return;
                }
                let unread = Inbound {
                    conn,
                    station,
                    id,
                    action: "",
                };
                if !is_answer {
                    let refusal = error.reply.as_ref().map(|reply| &reply.error);
                    let reason = error.fault.to_string();
                    self.keep_refused(now, version, unread, text, refusal, &reason);
                }
                if let Some(reply) = error.reply {
                    let call = Inbound {
                        id: &reply.id,
                        ..unread
                    };
                    self.refuse_unadmitted(now, version, call, &reply.error);
                }
            }
        }
    }

    /// A frame that is no message: true when the station is known to send such, and it was put right and acted on.
    fn repaired(
        &mut self,
        now: Now,
        version: Version,
        (conn, station): (ConnId, u32),
        text: &str,
    ) -> bool {
        let (_, repairs) = self.rules(station);
        let Some(repaired) = repairs.then(|| ocpp::repair(text)).flatten() else {
            return false;
        };
        let Ok(Frame::Call {
            id,
            action,
            payload,
        }) = ocpp::scan(&repaired.text, version)
        else {
            return false;
        };
        let call = Inbound {
            conn,
            station,
            id: &id,
            action: &action,
        };
        // Its frame is on record, as it came.
        match ocpp::signed_action(version, &action) {
            None => self.heard(now, version, call, (payload, text), &repaired.changes),
            Some(action) => {
                let call = Inbound { action, ..call };
                match ocpp::open_signed(version, action, payload) {
                    Ok(payload) => {
                        self.heard(now, version, call, (&payload, text), &repaired.changes);
                    }
                    Err(error) => {
                        let reason = &error.description;
                        self.keep_refused(now, version, call, text, Some(&error), reason);
                        self.refuse_unadmitted(now, version, call, &error);
                    }
                }
            }
        }
        true
    }

    /// What a 2.1 station says without waiting for an answer, and never gets one. `payload` is what stands in the frame, or
    /// what its signature encloses as far as that can be opened.
    fn said(&mut self, now: Now, call: Inbound<'_>, payload: Result<&str, CallError>, text: &str) {
        if !self.accepted(call.station) {
            return;
        }
        let (from, action) = (Direction::FromStation, call.action);
        self.record_message(now, call.station, from, 6, call.id, action, text.as_bytes());
        let mut columns = std::mem::take(&mut self.scratch.columns);
        let (rules, _) = self.rules(call.station);
        let decoded = payload.and_then(|payload| {
            let decoded = v21::Send::decode(action, payload, rules, &mut columns)?;
            Ok((decoded, payload))
        });
        match decoded {
            Ok((decoded, payload)) => {
                if !decoded.quirks.is_empty() {
                    self.tally.counters.quirks += 1;
                    self.keep_changed(now, Version::V21, call, (payload, text), rules, &[]);
                }
                let mut payload = Vec::new();
                decoded.message.write(&mut payload);
                let payload = String::from_utf8(payload).expect("the writers write JSON");
                let v21::Send::NotifyPeriodicEventStream(said) = &decoded.message;
                // Nobody hears that the store cannot be read: a SEND has no answer. Its frame is kept.
                let heard = self.stream_said(now, call.station, said, payload);
                if heard.is_err() {
                    self.tally.counters.sends_unreadable += 1;
                }
            }
            Err(error) => {
                self.tally.counters.sends_unreadable += 1;
                if is_about_payload(error.code) {
                    let reason = &error.description;
                    self.keep_refused(now, Version::V21, call, text, Some(&error), reason);
                }
            }
        }
        columns.clear();
        self.scratch.columns = columns;
    }

    pub(super) fn accepted(&self, station: u32) -> bool {
        self.stations[station].state.acceptance == Some(Acceptance::Accepted)
    }

    /// A call in a signature is the call that it encloses, answered as that; its frame is kept as it came, with the
    /// signature.
    fn signed_call(
        &mut self,
        now: Now,
        version: Version,
        call: Inbound<'_>,
        enclosed: &str,
        (payload, text): (&str, &str),
    ) {
        let enclosing = Inbound {
            action: enclosed,
            ..call
        };
        match ocpp::open_signed(version, enclosed, payload) {
            Ok(payload) => self.call(now, version, enclosing, (&payload, text), &[]),
            Err(_) if !self.accepted(call.station) => {
                self.call_while_pending(now, version, call, payload);
            }
            Err(error) => {
                let (from, station) = (Direction::FromStation, call.station);
                self.record_message(now, station, from, 2, call.id, enclosed, text.as_bytes());
                let (_, repairs) = self.rules(station);
                let again = repairs.then(|| opened_after_repair(version, enclosed, text));
                let error = match again.flatten() {
                    Some(Ok((payload, changes))) => {
                        return self.heard(now, version, enclosing, (&payload, text), &changes);
                    }
                    // What could be put right is not what is wrong with it.
                    Some(Err(remaining)) => remaining,
                    None => error,
                };
                let reason = &error.description;
                self.keep_refused(now, version, enclosing, text, Some(&error), reason);
                self.refuse_unadmitted(now, version, call, &error);
            }
        }
    }

    fn call(
        &mut self,
        now: Now,
        version: Version,
        call: Inbound<'_>,
        (payload, text): (&str, &str),
        repaired: &[Change],
    ) {
        if !self.accepted(call.station) && !self.is_asked_for(now, call, payload) {
            return self.call_while_pending(now, version, call, payload);
        }
        let (from, action) = (Direction::FromStation, call.action);
        self.record_message(now, call.station, from, 2, call.id, action, text.as_bytes());
        if (action, payload) == ("Heartbeat", "{}") && !self.has_calls_open(call.conn) {
            return self.heartbeat(now, version, call);
        }
        self.heard(now, version, call, (payload, text), repaired);
    }

    /// True while calls on this connection may be unanswered, of which the next may bear the id.
    fn has_calls_open(&mut self, conn: ConnId) -> bool {
        let errands = !self.has_no_errands();
        // What is neither in line nor done elsewhere is answered.
        let live = self.conns.live_mut(conn);
        live.is_some_and(|live| 0 < live.held || errands && 0 < live.inbound.unanswered())
    }

    /// A call that is on record, with what its frame was put right by.
    fn heard(
        &mut self,
        now: Now,
        version: Version,
        call: Inbound<'_>,
        (payload, text): (&str, &str),
        repaired: &[Change],
    ) {
        let action = call.action;
        // All that it is judged by lies in the details, and is looked up more than once.
        self.stations.wake(call.station);
        let Some(live) = self.conns.live_mut(call.conn) else {
            return;
        };
        match live.inbound.admit(call.id, action, payload) {
            Admission::New => {}
            Admission::Pending => {
                self.tally.counters.retries += 1;
                return;
            }
            Admission::Replay(answer) => {
                self.scratch.payload.clear();
                self.scratch.payload.extend_from_slice(answer);
                self.tally.counters.retries += 1;
                return self.send_result(now, call, Leave::WhenDurable);
            }
            Admission::Conflict => {
                let error = CallError::new(
                    ErrorCode::ProtocolError,
                    "another call with this message id is still unanswered",
                );
                return self.refuse_unadmitted(now, version, call, &error);
            }
            Admission::Full => {
                let reason = "more calls are unanswered than a station may have";
                return self.say_goodbye(now, call.conn, CloseCode::POLICY_VIOLATION, reason);
            }
        }
        let (rules, repairs) = self.rules(call.station);
        let mut outcome = self.act(now, version, call, (payload, text), rules, repaired);
        // A frame may be whole around a payload that is not.
        let broken = |error: &CallError| error.code == ErrorCode::FormatViolation;
        if repairs && outcome.as_ref().is_err_and(broken) {
            let repaired = ocpp::repair(text);
            let again = repaired.as_ref().and_then(|r| {
                let frame = ocpp::scan(&r.text, version).ok()?;
                let Frame::Call {
                    action: whole,
                    payload,
                    ..
                } = frame
                else {
                    return None;
                };
                // What is wrong within a signature cannot be put right around it.
                if whole != action {
                    return None;
                }
                let read = (payload, text);
                Some(self.act(now, version, call, read, rules, &r.changes))
            });
            outcome = again.unwrap_or(outcome);
        }
        match outcome {
            Ok(Ok(())) if version != Version::V16 => {
                self.request_boot(now, call.conn, call.station);
            }
            Ok(Ok(())) => {}
            Ok(Err(unreadable)) => self.refuse_call(now, version, call, &unreadable.into()),
            Err(error) => {
                if is_about_payload(error.code) {
                    let reason = &error.description;
                    self.keep_refused(now, version, call, text, Some(&error), reason);
                }
                self.refuse_call(now, version, call, &error);
            }
        }
    }

    /// Reads a call and acts on it: refused for what it says, or for what it hangs on.
    fn act(
        &mut self,
        now: Now,
        version: Version,
        call: Inbound<'_>,
        (payload, text): (&str, &str),
        rules: Rules<'static>,
        repaired: &[Change],
    ) -> Result<Result<(), StoreUnreadable>, CallError> {
        let action = call.action;
        let rules = match action {
            "BootNotification" => self.rules_of_boot(rules),
            _ => rules,
        };
        let mut columns = std::mem::take(&mut self.scratch.columns);
        // The types of the versions have names alike and nothing else in common.
        macro_rules! act_on {
            ($decode:path, $act:ident, $make:path, $samples:path) => {{
                $decode(action, payload, rules, &mut columns).and_then(|decoded| {
                    check_samples($samples(&decoded.message))?;
                    if !decoded.quirks.is_empty() || !repaired.is_empty() {
                        self.tally.counters.quirks += 1;
                        if let Some(make) = $make(&decoded.message)
                            && !self.may_boot(call.station, make, decoded.quirks)
                        {
                            // The strict reading says what is wrong with it.
                            let mut columns = MeterColumns::new();
                            $decode(action, payload, Policy::Strict, &mut columns)?;
                        }
                        let read = (payload, text);
                        self.keep_changed(now, version, call, read, rules, repaired);
                    }
                    Ok(self.$act(now, call, &decoded.message))
                })
            }};
        }
        let outcome = match version {
            Version::V16 => act_on!(v16::Request::decode, request_16, make_16, samples_16),
            Version::V201 => act_on!(v201::Request::decode, request_201, make_201, samples_201),
            Version::V21 => act_on!(v21::Request::decode, request_21, make_21, samples_21),
        };
        columns.clear();
        self.scratch.columns = columns;
        outcome
    }

    /// Answers a Heartbeat as every station writes it, which is most of what a fleet says: there is nothing to decode,
    /// nothing to recognise as said before, and the answer is the same for all that come in one turn.
    fn heartbeat(&mut self, now: Now, version: Version, call: Inbound<'_>) {
        let (at, payload) = &mut self.scratch.heartbeat;
        if at.replace(now.utc) != Some(now.utc) {
            payload.clear();
            // 2.x says it in the same words.
            let current_time = Timestamp::at(now.utc.0);
            Answer::V16(v16::HeartbeatResponse { current_time }.into()).write(payload);
        }
        self.scratch.answer.clear();
        ocpp::write_call_result(&mut self.scratch.answer, call.id, |out| {
            out.extend_from_slice(payload);
        });
        self.send_answer(now, call, Leave::AtOnce, 3);
        if version != Version::V16 {
            self.request_boot(now, call.conn, call.station);
        }
    }

    /// A station that waits for approval may boot, and say what it was asked for; nothing else that it says is kept.
    fn call_while_pending(&mut self, now: Now, version: Version, call: Inbound<'_>, payload: &str) {
        let current_time = Timestamp::at(now.utc.0);
        let live = self.conns.live_mut(call.conn);
        let is_unanswered = live.is_some_and(|live| live.inbound.is_unanswered(call.id));
        let mut columns = std::mem::take(&mut self.scratch.columns);
        let mut has_booted = false;
        let outcome = if call.action == "BootNotification" && !is_unanswered {
            let action = call.action;
            let (rules, _) = self.rules(call.station);
            let policy = self.rules_of_boot(rules);
            match version {
                Version::V16 => v16::Request::decode(action, payload, policy, &mut columns)
                    .map(|_| Answer::V16(pending_16(current_time).into())),
                Version::V201 => v201::Request::decode(action, payload, policy, &mut columns)
                    .map(|_| Answer::V201(pending_2x(current_time).into())),
                Version::V21 => {
                    let decoded = v21::Request::decode(action, payload, policy, &mut columns);
                    decoded.map(|decoded| {
                        has_booted = matches!(&decoded.message,
                            v21::Request::BootNotification(boot) if boot.reason != v21::BootReason::Triggered);
                        Answer::V201(pending_2x(current_time).into())
                    })
                }
            }
        } else {
            Err(CallError::new(
                ErrorCode::SecurityError,
                "the station waits for its operator's approval",
            ))
        };
        self.scratch.columns = columns;
        if has_booted {
            self.take_up_secrets(now, call.station);
        }
        match outcome {
            Ok(answer) => self.answer(now, call, Leave::WhenDurable, answer),
            Err(error) => self.refuse_unadmitted(now, version, call, &error),
        }
    }

    /// Answers a call.
    pub(super) fn answer(&mut self, now: Now, call: Inbound<'_>, leave: Leave, answer: Answer<'_>) {
        self.scratch.payload.clear();
        answer.write(&mut self.scratch.payload);
        self.send_result(now, call, leave);
    }

    /// Answers a call with the payload in `scratch.payload`.
    fn send_result(&mut self, now: Now, call: Inbound<'_>, leave: Leave) {
        let payload = &self.scratch.payload;
        self.scratch.answer.clear();
        ocpp::write_call_result(&mut self.scratch.answer, call.id, |out| {
            out.extend_from_slice(payload);
        });
        self.send_answer(now, call, leave, 3);
    }

    /// Refuses a call that was not admitted: another one of the same id may be at work, and is to be answered yet.
    fn refuse_unadmitted(
        &mut self,
        now: Now,
        version: Version,
        call: Inbound<'_>,
        error: &CallError,
    ) {
        if let Some(live) = self.conns.live_mut(call.conn) {
            live.inbound.refuse_another(call.id);
        }
        self.refuse_call(now, version, call, error);
    }

    /// Refuses a call.
    pub(super) fn refuse_call(
        &mut self,
        now: Now,
        version: Version,
        call: Inbound<'_>,
        error: &CallError,
    ) {
        self.tally.counters.calls_refused += 1;
        self.scratch.answer.clear();
        ocpp::write_call_error(&mut self.scratch.answer, version, call.id, error);
        self.send_answer(now, call, Leave::WhenDurable, 4);
    }

    /// Sends the message in `scratch.answer`, or puts it in line.
    fn send_answer(&mut self, now: Now, call: Inbound<'_>, leave: Leave, message_type: u8) {
        // Who asked may be gone by now: nothing leaves, and nothing is put on record as if it had.
        if self.conns.live_mut(call.conn).is_none() {
            return;
        }
        let answer = std::mem::take(&mut self.scratch.answer);
        if call.action != "Heartbeat" && self.accepted(call.station) {
            self.delay_answer(now, call);
        }
        let held_back = self.answers_are_held(now, call.station);
        if self.accepted(call.station) || self.answers_asked_for(call) {
            let to = Direction::ToStation;
            self.record_message(
                now,
                call.station,
                to,
                message_type,
                call.id,
                call.action,
                &answer,
            );
        }
        let (last, durable) = (self.journal.last(), self.journal.durable());
        if let Some(live) = self.conns.live_mut(call.conn) {
            let waits =
                held_back || 0 < live.held || (leave == Leave::WhenDurable && durable < last);
            if waits && last <= durable && self.waiting.is_empty() {
                // It waits for no record, but behind an answer that is held back, or to be held back itself.
                live.held += 1;
                self.release(now, call.conn, now.mono, &answer);
            } else if waits {
                live.held += 1;
                self.waiting.push_answer(last, call.conn, now.mono, &answer);
            } else {
                if message_type == 3 {
                    let payload = &self.scratch.payload;
                    live.inbound.answered(call.id, payload);
                } else {
                    live.inbound.refused(call.id);
                }
                live.is_established = true;
                let was_there = self.tally.before.has(now.tick(), live.connection);
                self.tally.answered_at_once += u32::from(was_there);
                self.say(call.conn, &answer);
            }
        }
        self.scratch.answer = answer;
    }

    /// A 2.x station that was accepted and never booted is asked to, once per connection.
    fn request_boot(&mut self, now: Now, conn: ConnId, station: u32) {
        let asks = self.accepted(station) && self.how_busy(now) == Load::Calm;
        if self.stations[station].state.booted || !asks {
            return;
        }
        let Some(live) = self.conns.live_mut(conn) else {
            return;
        };
        if std::mem::replace(&mut live.boot_requested, true) {
            return;
        }
        let payload = "{\"requestedMessage\":\"BootNotification\"}".to_owned();
        self.make_command(
            now,
            station,
            "TriggerMessage".into(),
            payload,
            "sigec".into(),
            None,
        );
    }

    /// A pending station was approved or forgotten: one less waits.
    pub(super) fn no_longer_pending(&self) {
        self.settings.pending.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What a signature encloses whose frame had to be put right, and what was done to that, or what is wrong with it yet;
/// `None` for a frame that cannot be put right.
fn opened_after_repair(
    version: Version,
    enclosed: &str,
    text: &str,
) -> Option<Result<(String, Vec<Change>), CallError>> {
    let repaired = ocpp::repair(text)?;
    let Frame::Call { payload, .. } = ocpp::scan(&repaired.text, version).ok()? else {
        return None;
    };
    let opened = ocpp::open_signed(version, enclosed, payload);
    Some(opened.map(|payload| (payload, repaired.changes)))
}

fn pending_16(current_time: Timestamp<'_>) -> v16::BootNotificationResponse<'_> {
    v16::BootNotificationResponse {
        status: v16::RegistrationStatus::Pending,
        current_time,
        interval: PENDING_RETRY_S,
    }
}

fn pending_2x(current_time: Timestamp<'_>) -> v201::BootNotificationResponse<'_> {
    v201::BootNotificationResponse {
        current_time,
        interval: PENDING_RETRY_S,
        status: v201::RegistrationStatus::Pending,
        status_info: None,
    }
}

/// Vendor, model and firmware version, as a BootNotification of 1.6 says them.
fn make_16<'m>(request: &'m v16::Request<'_>) -> Option<[&'m str; 3]> {
    let v16::Request::BootNotification(boot) = request else {
        return None;
    };
    let firmware = boot.firmware_version.as_deref().unwrap_or("");
    Some([
        &boot.charge_point_vendor,
        &boot.charge_point_model,
        firmware,
    ])
}

/// The same of 2.0.1.
fn make_201<'m>(request: &'m v201::Request<'_>) -> Option<[&'m str; 3]> {
    let v201::Request::BootNotification(boot) = request else {
        return None;
    };
    let station = &boot.charging_station;
    let firmware = station.firmware_version.as_deref().unwrap_or("");
    Some([&station.vendor_name, &station.model, firmware])
}

/// The same of 2.1.
fn make_21<'m>(request: &'m v21::Request<'_>) -> Option<[&'m str; 3]> {
    let v21::Request::BootNotification(boot) = request else {
        return None;
    };
    let station = &boot.charging_station;
    let firmware = station.firmware_version.as_deref().unwrap_or("");
    Some([&station.vendor_name, &station.model, firmware])
}

/// The sampled values that a message tells.
pub(super) fn samples_16<'m>(request: &'m v16::Request<'_>) -> Option<&'m MeterColumns> {
    match request {
        v16::Request::MeterValues(values) => Some(&values.meter_value),
        v16::Request::StopTransaction(stop) => stop.transaction_data.as_deref(),
        _ => None,
    }
}

/// The same of 2.0.1.
pub(super) fn samples_201<'m>(request: &'m v201::Request<'_>) -> Option<&'m MeterColumns> {
    match request {
        v201::Request::MeterValues(values) => Some(&values.meter_value),
        v201::Request::TransactionEvent(event) => event.meter_value.as_deref(),
        _ => None,
    }
}

/// The same of 2.1.
pub(super) fn samples_21<'m>(request: &'m v21::Request<'_>) -> Option<&'m MeterColumns> {
    match request {
        v21::Request::MeterValues(values) => Some(&values.meter_value),
        v21::Request::TransactionEvent(event) => event.meter_value.as_deref(),
        _ => None,
    }
}

/// A message may be a megabyte of sampled values, which as a record would be six.
pub(super) fn check_samples(columns: Option<&MeterColumns>) -> Result<(), CallError> {
    let Some(columns) = columns else {
        return Ok(());
    };
    let rows = columns.rows();
    let samples: usize = rows
        .iter()
        .map(|row| columns.samples(row).len().max(1))
        .sum();
    if samples <= SAMPLES_MAX {
        return Ok(());
    }
    let found = format!("found {samples} sampled values, expected at most {SAMPLES_MAX}");
    Err(CallError::new(
        ErrorCode::OccurrenceConstraintViolation,
        found,
    ))
}
