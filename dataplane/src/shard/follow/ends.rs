//! How courses end but by their own last message, and which of them go on after all.
//!
//! What ended a course stands among its messages as a mark ([`CourseState::mark`]) that no operator is shown. A command that
//! the station accepts ends the upload or update before it where the station's messages cannot tell the two apart. One that is
//! refused ends nothing, and neither does one that nobody answered: whether the station has taken it, only its messages say.

use fleet::record::{CommandFollowed, CourseState, FollowUp, is_failure};
use serde_json::Value;
use storage::state::Table;

use super::firmware::{is_firmware, last_status};
use super::{Ahead, FOLLOW_UPS_MAX, Now, Shard, StoreUnreadable, ahead, followed_by, read_course};
use crate::CommandId;

/// What stands before an action in the key of a station's newest course of it that has not ended.
pub(in crate::shard) const RUNNING: &str = "Running.";

/// What stands before an action in the key of the newest course that a command began under a `requestId`, as it began.
pub(in crate::shard) const BEGUN: &str = "Begun.";

/// Ends a course.
pub(super) fn end(course: &mut CommandFollowed, now: Now, how: CourseState) {
    unmark(course);
    course.complete = true;
    // What it did not come to name may be there all the same.
    course.is_inventory = false;
    if course.follow_ups.len() == FOLLOW_UPS_MAX {
        course.follow_ups.remove(0);
    }
    course.follow_ups.push(FollowUp {
        received_at: now.utc.0,
        summary: how.mark(),
    });
}

/// What ended a course, if not its last message.
pub(super) fn mark_of(course: &CommandFollowed) -> Option<CourseState> {
    let mut told = course.follow_ups.iter().rev();
    told.find_map(|told| CourseState::of_mark(&told.summary))
}

pub(super) fn unmark(course: &mut CommandFollowed) {
    let is_mark = |told: &FollowUp| CourseState::of_mark(&told.summary).is_some();
    course.follow_ups.retain(|told| !is_mark(told));
}

/// A message came: one whose course was over goes on where the station refused and does it all the same, or where it tries
/// again what has failed (L01.FR.30, N01.FR.10).
pub(super) fn go_on(course: &mut CommandFollowed, status: Option<&str>) {
    let goes_on = match mark_of(course) {
        Some(CourseState::Refused | CourseState::Empty) => true,
        Some(_) => false,
        // Courses of older versions have no marks.
        None if course.messages == 0 => true,
        None => last_status(course).is_some_and(|last| {
            let may_be_tried_again = !is_firmware(&course.action) || last == "DownloadFailed";
            is_failure(&last) && may_be_tried_again && status != Some(&*last)
        }),
    };
    if course.complete && goes_on {
        unmark(course);
        course.complete = false;
    }
}

/// True for the first part of a report that the station makes anew, and not the part that came already once more.
pub(super) fn begins_anew(course: &CommandFollowed, message: &Value) -> bool {
    let is_first = |message: &Value| message["seqNo"].as_u64() == Some(0);
    if !is_first(message) || course.parts.first().is_none_or(|part| part.first != 0) {
        return false;
    }
    let told = course.follow_ups.iter().rev();
    let mut told = told.filter_map(|told| serde_json::from_str::<Value>(&told.summary).ok());
    let before = told.find(is_first);
    // One that is kept no more came long ago.
    before.is_none_or(|before| before["generatedAt"] != message["generatedAt"])
}

impl Shard {
    /// The course that a command of this action may take the place of: the one whose messages it takes, or the newest upload
    /// or update under another `requestId`, that the station may give up for it.
    pub(super) fn course_before(
        &mut self,
        station: u32,
        action: &str,
        request_id: Option<i64>,
    ) -> Result<Option<CommandFollowed>, StoreUnreadable> {
        let is_open = |course: &CommandFollowed| course.command_id.is_some() && !course.complete;
        let same = self.kept_course(station, action, request_id)?;
        if let Some(course) = same.filter(is_open) {
            return Ok(Some(course));
        }
        let running = [RUNNING, action].concat();
        let newest = self.kept_course(station, &running, None)?;
        let Some(id) = newest.and_then(|course| course.command_id) else {
            return Ok(None);
        };
        // It may have ended since.
        Ok(self.course_of_command(CommandId(id))?.filter(is_open))
    }

    /// What came after a command so far, of the part that changed last.
    pub(super) fn course_of_command(
        &mut self,
        id: CommandId,
    ) -> Result<Option<CommandFollowed>, StoreUnreadable> {
        let row = self.row(Table::FollowUps, id.0)?;
        Ok(row.as_deref().and_then(read_course))
    }

    /// A station has answered a call of ours, with `None` for a CALLERROR. Of what it refused, and of a report with nothing
    /// in it, no message comes; what it agreed to may be the end of the course before it.
    pub(in crate::shard) fn course_answered(
        &mut self,
        now: Now,
        station: u32,
        call: &ocpp::Call,
        answer: Option<&str>,
        id: CommandId,
    ) {
        let Some(action) = followed_by(&call.action) else {
            return;
        };
        let asked: Value = serde_json::from_str(&call.payload).unwrap_or_default();
        let request_id = asked.get("requestId").and_then(Value::as_i64);
        // A failed read was counted; the course stays open, and says nothing that is not so.
        let is_own = |course: &CommandFollowed| course.command_id == Some(id.0);
        let course = self.kept_course(station, action, request_id);
        let mut course = course.ok().flatten().filter(is_own);
        if course.is_none() {
            // What the station says under this number is of another one so far.
            let own = self.course_of_command(id).ok().flatten();
            course = own.filter(|own| own.request_id == request_id);
        }
        let how = match answer.map_or(Ahead::Refused, |answer| ahead(&call.action, answer)) {
            Ahead::Messages { cancels } => {
                return self.course_accepted(now, station, id, request_id, course, cancels);
            }
            Ahead::Nothing => CourseState::Empty,
            Ahead::Refused => CourseState::Refused,
        };
        if let Some(mut course) = course {
            let names_all = course.is_inventory && course.messages == 0 && action != "NotifyReport";
            end(&mut course, now, how);
            // A refusal says nothing of what there is, and a station without a single variable there is none.
            course.is_inventory = names_all && how == CourseState::Empty;
            self.record(now, station, &course);
        }
        self.course_before_goes_on(now, station, id);
    }

    /// Messages of a command will come: the course before it ends, if the station gives it up or says nothing more of it.
    fn course_accepted(
        &mut self,
        now: Now,
        station: u32,
        id: CommandId,
        request_id: Option<i64>,
        course: Option<CommandFollowed>,
        cancels: bool,
    ) {
        let Some(mut before) = self.course_behind(id) else {
            return;
        };
        let has_same_id = before.request_id == request_id;
        let how = match cancels {
            true => CourseState::Canceled,
            false if has_same_id => CourseState::Replaced,
            false => return,
        };
        end(&mut before, now, how);
        self.record(now, station, &before);
        // What comes next belongs to the newer one.
        if let Some(course) = course.filter(|_| has_same_id) {
            self.record(now, station, &course);
        }
    }

    /// The course before a call of ours goes on: the station refused the call.
    ///
    /// Where there is no answer that says what it made of it, because the deadline passed, the connection was lost, the server
    /// crashed, or the answer is no message, the station may have taken the call or not. The course of the same `requestId`,
    /// whose place it would have taken, has not ended as far as anybody knows: what the station says under that number is
    /// shown with it still. The course of the call stays open, and empty if that was all. Under numbers of their own, each has
    /// what is said under its own.
    fn course_before_goes_on(&mut self, now: Now, station: u32, id: CommandId) {
        let Some(before) = self.course_behind(id) else {
            return;
        };
        let course = self.course_of_command(id).ok().flatten();
        if course.is_some_and(|course| course.request_id == before.request_id) {
            self.record(now, station, &before);
        }
    }

    /// A course is over: what comes under its number from here on is of the command that went out after it, which the station
    /// has not refused.
    pub(super) fn hand_on(&mut self, now: Now, station: u32, over: &CommandFollowed) {
        let begun = [BEGUN, &over.action].concat();
        // A failed read was counted; what comes next is shown with the one that is over.
        let begun = self.kept_course(station, &begun, over.request_id);
        let next = begun.ok().flatten().and_then(|begun| begun.command_id);
        let next = next.filter(|next| over.command_id.is_some_and(|over| over != *next));
        let next = next.and_then(|next| self.course_of_command(CommandId(next)).ok().flatten());
        let takes_over =
            |next: &CommandFollowed| next.request_id == over.request_id && !next.complete;
        if let Some(next) = next.filter(takes_over) {
            self.record(now, station, &next);
        }
    }

    /// The course that this command may take the place of, if it has not come to its own end meanwhile.
    fn course_behind(&mut self, id: CommandId) -> Option<CommandFollowed> {
        let before = self.commands.get(&id)?.before?;
        // A failed read was counted; the course stays as it is.
        let before = self.course_of_command(before).ok()?;
        before.filter(|before| !before.complete)
    }
}
