//! What comes after a command: the messages of its station that carry its `requestId`.
//!
//! A course begins when such a command goes out, and is found by (station, action of the messages, `requestId`); a
//! report that nobody asked for begins one of its own. Each message makes a record that holds the whole course. Nothing
//! stays in memory: the newest record is looked up among the rows. A station that was deleted is behind no message of the next
//! one of its name: what began before its deletion goes on no more.
//!
//! # Invariants
//!
//! - A part that came already (by its `seqNo`) is counted and has no further effect.
//! - A report is complete when the part that says to be the last is there, and every one before it.

pub(super) mod ends;
pub(super) mod firmware;

use fleet::record::{CommandFollowed, CommandState, CourseState, FollowUp, Notified, PartRange};
use fleet::wire::Fact;
use serde_json::Value;
use storage::state::Table;

use super::commands::{CALLS_MAX, EMPTY, part_request_id};
use super::projection::course_key;
use super::{Now, Shard, StoreUnreadable, read_record_row};
use crate::CommandId;
use crate::items::tell::asks_for_all;
use crate::router::view::{CommandView, CourseView, FollowUpView};

/// Messages that a course keeps; beyond, the newest are kept and all are counted.
const FOLLOW_UPS_MAX: usize = 64;
/// Ranges of parts that a course keeps; what would need more is not noted, and the report stays incomplete.
const PARTS_MAX: usize = 64;
/// Numbers of missing parts that are told.
const MISSING_MAX: usize = 64;
/// Longest text of a message's member that a course keeps.
const MEMBER_CHARS_MAX: usize = 64;
/// Characters of the URLs of a message that a course keeps whole: four of the longest.
const LOCATIONS_CHARS_MAX: usize = 4 * 512;

/// What comes after a command of this action.
pub(super) fn followed_by(action: &str) -> Option<&'static str> {
    Some(match action {
        "CustomerInformation" => "NotifyCustomerInformation",
        "GetBaseReport" | "GetReport" => "NotifyReport",
        "GetChargingProfiles" => "ReportChargingProfiles",
        "GetDERControl" => "ReportDERControl",
        "GetDiagnostics" => "DiagnosticsStatusNotification",
        "GetDisplayMessages" => "NotifyDisplayMessages",
        "GetLog" => "LogStatusNotification",
        "GetMonitoringReport" => "NotifyMonitoringReport",
        "PublishFirmware" => "PublishFirmwareStatusNotification",
        "RequestBatterySwap" => "BatterySwap",
        "SignedUpdateFirmware" => "SignedFirmwareStatusNotification",
        "UpdateFirmware" => "FirmwareStatusNotification",
        _ => return None,
    })
}

/// What stands in place of an action in the key under which a station's newest deletion is kept.
pub(super) const DELETED: &str = "Sigec.Deleted";

/// True for a message that may come after a command.
fn follows(action: &str) -> bool {
    matches!(
        action,
        "BatterySwap"
            | "DiagnosticsStatusNotification"
            | "FirmwareStatusNotification"
            | "LogStatusNotification"
            | "NotifyCustomerInformation"
            | "NotifyDisplayMessages"
            | "NotifyMonitoringReport"
            | "NotifyReport"
            | "PublishFirmwareStatusNotification"
            | "ReportChargingProfiles"
            | "ReportDERControl"
            | "SignedFirmwareStatusNotification"
    )
}

/// A status behind which no other comes.
fn is_final(action: &str, status: &str) -> bool {
    match action {
        "DiagnosticsStatusNotification" => matches!(status, "Uploaded" | "UploadFailed"),
        "FirmwareStatusNotification" | "SignedFirmwareStatusNotification" => matches!(
            status,
            "DownloadFailed"
                | "InstallationFailed"
                | "InstallVerificationFailed"
                | "Installed"
                | "InvalidSignature"
        ),
        "LogStatusNotification" => matches!(
            status,
            "AcceptedCanceled"
                | "BadMessage"
                | "NotSupportedOperation"
                | "PermissionDenied"
                | "UploadFailure"
                | "Uploaded"
        ),
        "PublishFirmwareStatusNotification" => matches!(
            status,
            "DownloadFailed" | "InvalidChecksum" | "PublishFailed" | "Published"
        ),
        _ => false,
    }
}

/// What an answer lets expect.
enum Ahead {
    Messages {
        /// The station gave up for it what it was doing.
        cancels: bool,
    },
    /// There is nothing to send.
    Nothing,
    Refused,
}

/// What comes after this answer to a command of this action.
fn ahead(action: &str, answer: &str) -> Ahead {
    let answer: Value = serde_json::from_str(answer).unwrap_or_default();
    match answer.get("status").and_then(Value::as_str) {
        Some("Accepted") => Ahead::Messages { cancels: false },
        Some("AcceptedCanceled") => Ahead::Messages { cancels: true },
        Some(EMPTY | "NoProfiles" | "NotFound" | "Unknown") => Ahead::Nothing,
        Some(_) => Ahead::Refused,
        // The name is missing where there are no diagnostics (1.6 §6.26).
        None if action == "GetDiagnostics" && answer.get("fileName").is_none() => Ahead::Nothing,
        None => Ahead::Messages { cancels: false },
    }
}

impl Shard {
    /// A command goes out: from here on its course is told. The course that it may take the place of, if there is one.
    pub(super) fn begin_course(&mut self, now: Now, id: CommandId) -> Option<CommandId> {
        let command = self.commands.get(&id)?;
        let action = followed_by(&command.record.action)?;
        let station = command.station;
        let asked: Value = serde_json::from_str(&command.record.payload).unwrap_or_default();
        let is_inventory = match command.record.action.as_str() {
            "GetBaseReport" => {
                asked.get("reportBase").and_then(Value::as_str) == Some("FullInventory")
            }
            other => asks_for_all(other, &asked),
        };
        let request_id = asked.get("requestId").and_then(Value::as_i64);
        // The failed read was counted; the course stays open.
        let before = self.course_before(station, action, request_id);
        let before = before.ok().flatten();
        let course = CommandFollowed {
            command_id: Some(id.0),
            request_id,
            is_inventory,
            ..self.new_course(now, action)
        };
        self.record(now, station, &course);
        let before = before?;
        // Until the station agrees to this one, what it says under their number is of the one before, also after a crash.
        if before.request_id == request_id {
            self.record(now, station, &before);
        }
        before.command_id.map(CommandId)
    }

    /// Another part of a report is asked for, by `payload`: it has its own course.
    pub(super) fn begin_part(&mut self, now: Now, id: CommandId, payload: &str) {
        let Some(command) = self.commands.get(&id) else {
            return;
        };
        let Some(action) = followed_by(&command.record.action) else {
            return;
        };
        let station = command.station;
        let asked: Value = serde_json::from_str(payload).unwrap_or_default();
        let course = CommandFollowed {
            command_id: Some(id.0),
            request_id: asked.get("requestId").and_then(Value::as_i64),
            ..self.new_course(now, action)
        };
        self.record(now, station, &course);
    }

    /// A course that begins with the next record.
    fn new_course(&self, now: Now, action: &str) -> CommandFollowed {
        CommandFollowed {
            command_id: None,
            action: action.to_owned(),
            request_id: None,
            began_at: now.utc.0,
            began_log_id: self.journal.log_id().0,
            began_seq: self.journal.next().0,
            is_inventory: false,
            messages: 0,
            duplicates: 0,
            parts: Vec::new(),
            last_part: None,
            complete: false,
            follow_ups: Vec::new(),
        }
    }

    /// Keeps what a station says that changes no state of ours, and adds it to the course that it belongs to.
    pub(super) fn follow(
        &mut self,
        now: Now,
        station: u32,
        notified: &Notified,
    ) -> Result<(), StoreUnreadable> {
        if !follows(&notified.action) {
            if !self.is_said_again(station, notified) {
                self.record_notified(now, station, notified);
            }
            return Ok(());
        }
        // What a station knows about a person stays in the frame alone, which is not kept for long.
        let is_private = notified.action == "NotifyCustomerInformation";
        let message: Value = serde_json::from_str(&notified.payload).unwrap_or_default();
        let request_id = message.get("requestId").and_then(Value::as_i64);
        let is_firmware = firmware::is_firmware(&notified.action);
        let course = self.course_of(now, station, &notified.action, request_id)?;
        let is_asked = (course.as_ref()).is_some_and(|course| course.command_id.is_some());
        // A part that was asked for is known by its number.
        if !is_asked && self.is_said_again(station, notified) {
            return Ok(());
        }
        let Some(mut course) = course else {
            if !is_private {
                self.record_notified(now, station, notified);
            }
            if is_firmware {
                self.note_unasked_firmware(now, station, &message)?;
            }
            return Ok(());
        };
        let status = message.get("status").and_then(Value::as_str);
        // Asked what it does, a station that does nothing says so: that is nothing of a course that is over.
        if course.complete && status == Some("Idle") {
            self.record(now, station, notified);
            return Ok(());
        }
        ends::go_on(&mut course, status);
        if ends::begins_anew(&course, &message) {
            // What was told before it is no part of it.
            course = CommandFollowed {
                command_id: course.command_id,
                request_id,
                is_inventory: course.is_inventory,
                messages: course.messages,
                duplicates: course.duplicates,
                follow_ups: course.follow_ups,
                ..self.new_course(now, &notified.action)
            };
        }
        if is_firmware {
            let (summary, is_step) = firmware::step(&course, &message);
            if is_step && firmware::ends(&course.action, &message) {
                course.complete = true;
                if ends::mark_of(&course) == Some(CourseState::Done) {
                    ends::unmark(&mut course);
                }
            }
            push(&mut course, now, summary);
            self.record_notified(now, station, notified);
        } else if take(&mut course, &message) {
            push(&mut course, now, summary(&message));
            if !is_private {
                self.record_notified(now, station, notified);
            }
        } else {
            course.duplicates = course.duplicates.saturating_add(1);
        }
        self.record(now, station, &course);
        if course.complete {
            self.hand_on(now, station, &course);
        }
        if course.action == "ReportChargingProfiles" && course.complete {
            self.profiles_reported(now, station, &course);
        }
        if course.action == "ReportDERControl" && course.complete {
            self.der_reported(now, station, &course);
        }
        Ok(())
    }

    /// The course that a message belongs to; `None` for a status that no command of ours is behind.
    fn course_of(
        &mut self,
        now: Now,
        station: u32,
        action: &str,
        request_id: Option<i64>,
    ) -> Result<Option<CommandFollowed>, StoreUnreadable> {
        let course = self.kept_course(station, action, request_id)?;
        Ok(match course {
            // A report that nobody asked for has no other end than its last part.
            Some(course) if course.command_id.is_some() || !course.complete => Some(course),
            Some(_) | None if action == "NotifyReport" => Some(CommandFollowed {
                request_id,
                ..self.new_course(now, action)
            }),
            Some(_) | None => None,
        })
    }

    /// The newest course of this name and number, unless its station was deleted since.
    fn kept_course(
        &mut self,
        station: u32,
        action: &str,
        request_id: Option<i64>,
    ) -> Result<Option<CommandFollowed>, StoreUnreadable> {
        let key = self.stations[station].state.key.clone();
        let canonical = &mut self.scratch.canonical;
        let row = course_key(canonical, key.as_str(), action, request_id);
        let row = self.row(Table::FollowUps, row)?;
        match row.as_deref().and_then(read_course) {
            Some(course) if !self.was_deleted_since(key.as_str(), &course)? => Ok(Some(course)),
            Some(_) | None => Ok(None),
        }
    }

    /// True for a course of a station that was deleted, and of whose name there is another one now.
    fn was_deleted_since(
        &mut self,
        station: &str,
        course: &CommandFollowed,
    ) -> Result<bool, StoreUnreadable> {
        let key = course_key(&mut self.scratch.canonical, station, DELETED, None);
        let row = self.row(Table::FollowUps, key)?;
        let deleted = row.as_deref().and_then(read_record_row);
        Ok(deleted.is_some_and(|(event, record)| {
            // Positions of one log tell; between logs, which change with the number of shards, the clock does.
            match event.log_id.0 == course.began_log_id {
                true => course.began_seq < event.seq.0,
                false => course.began_at < record.received_at.0,
            }
        }))
    }

    /// What came after a command so far; `None` for one that nothing comes after, or that did not go out.
    pub(super) fn course_view(
        &mut self,
        view: &CommandView,
    ) -> Result<Option<CourseView>, StoreUnreadable> {
        let (id, action, state) = (view.id, view.action.as_str(), view.state);
        if followed_by(action).is_none()
            || matches!(state, CommandState::Offline | CommandState::QueueFull)
        {
            return Ok(None);
        }
        let Some(newest) = self.course_of_command(id)? else {
            return Ok(None);
        };
        if !matches!(action, "GetReport" | "GetMonitoringReport") {
            return Ok(Some(course_view(newest)));
        }
        self.courses_of_parts(view, newest).map(Some)
    }

    /// The courses of a report that may have been asked for in parts, as one; `newest` is what changed last of them.
    fn courses_of_parts(
        &mut self,
        view: &CommandView,
        newest: CommandFollowed,
    ) -> Result<CourseView, StoreUnreadable> {
        let (id, station) = (view.id, view.station.as_str());
        let asked: Value = serde_json::from_str(&view.payload).unwrap_or_default();
        let first = asked.get("requestId").and_then(Value::as_i64);
        let mut parts = Vec::new();
        for part in 0..CALLS_MAX {
            let request_id = part_request_id(id, part).or(first);
            let canonical = &mut self.scratch.canonical;
            let key = course_key(canonical, station, &newest.action, request_id);
            let row = self.row(Table::FollowUps, key)?;
            let course = row.as_deref().and_then(read_course);
            match course.filter(|course| course.command_id == Some(id.0)) {
                Some(course) => parts.push(course),
                // The operator may have used the first one's id again, for another command.
                None if part == 0 => {}
                None => break,
            }
        }
        if parts.len() < 2 {
            return Ok(course_view(newest));
        }
        let mut whole = CourseView {
            follow_ups: Vec::new(),
            messages: 0,
            duplicates: 0,
            missing: Vec::new(),
            // More parts may follow while it runs.
            state: match view.state {
                CommandState::Queued | CommandState::Sent => CourseState::Running,
                CommandState::Answered
                | CommandState::Timeout
                | CommandState::Offline
                | CommandState::QueueFull
                | CommandState::Unknown => CourseState::Empty,
            },
        };
        for part in parts.into_iter().map(course_view) {
            whole.follow_ups.extend(part.follow_ups);
            whole.messages = whole.messages.saturating_add(part.messages);
            whole.duplicates = whole.duplicates.saturating_add(part.duplicates);
            whole.missing.extend(part.missing);
            whole.state = of_both(whole.state, part.state);
        }
        whole.follow_ups.sort_by_key(|told| told.received_at);
        let newest = whole.follow_ups.len().saturating_sub(FOLLOW_UPS_MAX);
        whole.follow_ups.drain(..newest);
        whole.missing.truncate(MISSING_MAX);
        Ok(whole)
    }
}

/// Where two parts of a report stand together: what still runs, and what went wrong, is told before what is well.
fn of_both(a: CourseState, b: CourseState) -> CourseState {
    let rank = |state| match state {
        CourseState::Running => 0,
        CourseState::Failed | CourseState::Canceled | CourseState::Replaced => 1,
        CourseState::Refused => 2,
        CourseState::Done => 3,
        CourseState::Empty => 4,
    };
    if rank(b) < rank(a) { b } else { a }
}

/// Notes what was told; beyond the limit, the oldest goes.
fn push(course: &mut CommandFollowed, now: Now, summary: String) {
    course.messages = course.messages.saturating_add(1);
    if course.follow_ups.len() == FOLLOW_UPS_MAX {
        course.follow_ups.remove(0);
    }
    course.follow_ups.push(FollowUp {
        received_at: now.utc.0,
        summary,
    });
}

/// True for messages that end with a last part, and not with a status.
pub(super) fn is_report(action: &str) -> bool {
    !action.ends_with("StatusNotification")
}

fn read_course(row: &[u8]) -> Option<CommandFollowed> {
    let (_, record) = read_record_row(row)?;
    match record.body.to_fact().ok()? {
        Fact::CommandFollowed(course) => Some(course),
        _ => None,
    }
}

/// Takes a message into its course; `false` for a part that came already.
fn take(course: &mut CommandFollowed, message: &Value) -> bool {
    let seq_no = message.get("seqNo").and_then(Value::as_u64);
    let tbc = message.get("tbc").and_then(Value::as_bool).unwrap_or(false);
    let status = message.get("status").and_then(Value::as_str);
    match (seq_no.and_then(|n| u32::try_from(n).ok()), status) {
        (Some(seq_no), _) => {
            if is_part(&course.parts, seq_no) {
                return false;
            }
            add_part(&mut course.parts, seq_no);
            if !tbc {
                course.last_part = Some(seq_no);
            }
            let whole = |last| course.parts == [PartRange { first: 0, last }];
            course.complete = course.last_part.is_some_and(whole);
        }
        (None, Some(status)) => course.complete |= is_final(&course.action, status),
        // A swap is over when batteries went out, or nobody took them.
        (None, None) if course.action == "BatterySwap" => {
            let event = message.get("eventType").and_then(Value::as_str);
            course.complete |= event.is_some_and(|event| event != "BatteryIn");
        }
        (None, None) => course.complete |= !tbc,
    }
    true
}

fn is_part(parts: &[PartRange], seq_no: u32) -> bool {
    parts
        .iter()
        .any(|part| (part.first..=part.last).contains(&seq_no))
}

fn add_part(parts: &mut Vec<PartRange>, seq_no: u32) {
    let at = parts.partition_point(|part| part.last < seq_no);
    let after = at.checked_sub(1).filter(|at| parts[*at].last + 1 == seq_no);
    let before = parts.get(at).is_some_and(|part| seq_no + 1 == part.first);
    match (after, before) {
        (Some(after), true) => {
            parts[after].last = parts[at].last;
            parts.remove(at);
        }
        (Some(after), false) => parts[after].last = seq_no,
        (None, true) => parts[at].first = seq_no,
        (None, false) if parts.len() < PARTS_MAX => parts.insert(
            at,
            PartRange {
                first: seq_no,
                last: seq_no,
            },
        ),
        (None, false) => {}
    }
}

/// What of a message is worth showing beside its command: not its lists, and nothing that a driver said.
fn summary(message: &Value) -> String {
    const MEMBERS: [&str; 7] = [
        "requestId",
        "seqNo",
        "tbc",
        "status",
        "generatedAt",
        "evseId",
        "eventType",
    ];
    const LISTS: [&str; 13] = [
        "reportData",
        "monitor",
        "messageInfo",
        "chargingProfile",
        "batteryData",
        "curve",
        "enterService",
        "fixedPFAbsorb",
        "fixedPFInject",
        "fixedVar",
        "freqDroop",
        "gradient",
        "limitMaxDischarge",
    ];
    let mut shown = serde_json::Map::new();
    for member in MEMBERS {
        match message.get(member) {
            Some(Value::String(text)) => {
                let text: String = text.chars().take(MEMBER_CHARS_MAX).collect();
                shown.insert(member.to_owned(), text.into());
            }
            Some(value @ (Value::Number(_) | Value::Bool(_))) => {
                shown.insert(member.to_owned(), value.clone());
            }
            Some(Value::Null | Value::Array(_) | Value::Object(_)) | None => {}
        }
    }
    // L03.FR.04: where published firmware is to be had.
    let mut room = LOCATIONS_CHARS_MAX;
    let locations = message.get("location").and_then(Value::as_array);
    let locations = locations.into_iter().flatten().filter_map(Value::as_str);
    let locations: Vec<_> = locations
        .take_while(|location| {
            let left = room.checked_sub(location.chars().count());
            room = left.unwrap_or_default();
            left.is_some()
        })
        .collect();
    if !locations.is_empty() {
        shown.insert("location".to_owned(), locations.into());
    }
    for list in LISTS {
        if let Some(Value::Array(items)) = message.get(list) {
            shown.insert(format!("{list}_count"), items.len().into());
        }
    }
    Value::Object(shown).to_string()
}

fn course_view(course: CommandFollowed) -> CourseView {
    // Behind the newest part that came, nobody knows how many there are.
    let mut missing = Vec::new();
    let mut expected = 0;
    for part in &course.parts {
        let room = MISSING_MAX - missing.len();
        missing.extend((expected..part.first).take(room));
        expected = part.last.saturating_add(1);
    }
    let action = course.action;
    let told = course.follow_ups.iter().rev();
    let told = told.map(|told| told.summary.as_str());
    CourseView {
        state: CourseState::of(course.complete, told, firmware::status_that_counts),
        follow_ups: course
            .follow_ups
            .into_iter()
            .filter(|told| CourseState::of_mark(&told.summary).is_none())
            .map(|follow_up| FollowUpView {
                action: firmware::action_of(&action, &follow_up.summary).to_owned(),
                received_at: fleet::UtcMicros(follow_up.received_at),
                summary: follow_up.summary,
            })
            .collect(),
        messages: course.messages,
        duplicates: course.duplicates,
        missing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_grow_together() {
        let mut parts = Vec::new();
        let mut seen = String::new();
        for seq_no in [5, 0, 2, 1, 4, 3, u32::MAX] {
            assert!(!is_part(&parts, seq_no));
            add_part(&mut parts, seq_no);
            assert!(is_part(&parts, seq_no));
            let shown: Vec<_> = parts
                .iter()
                .map(|p| format!("{}-{}", p.first, p.last))
                .collect();
            seen += &format!("{}\n", shown.join(" "));
        }
        expect_test::expect![[r#"
            5-5
            0-0 5-5
            0-0 2-2 5-5
            0-2 5-5
            0-2 4-5
            0-5
            0-5 4294967295-4294967295
        "#]]
        .assert_eq(&seen);
    }

    #[test]
    fn gaps_beyond_all_measure_take_no_more_room() {
        let mut parts = Vec::new();
        (0..1_000).for_each(|n| add_part(&mut parts, 2 * n));
        assert_eq!(parts.len(), PARTS_MAX);
    }
}
