//! What a message is beside those before it: new, the same again, or at odds with one of them.
//!
//! A station's newest keys lie in memory. The state store has the others, and is asked only about a message that can
//! have been there before: one that is not newer than the station's newest.

use std::cmp::Ordering;
use std::fmt::Display;
use std::time::Duration;

use fleet::record::{Moment, Retry, SecurityEvent};
use storage::state::Table;

use super::projection::RetryRow;
use super::store::StoreUnreadable;
use super::{Now, Shard};
use crate::retry::{RECENT_LEN_MAX, Verdict, conflict_key, short, timed};

/// A station whose firmware numbers its messages anew contradicts itself with each of them: one event tells it as well, and
/// the rows of all are flagged.
const CONFLICT_TOLD_EVERY: Duration = Duration::from_hours(1);

impl Shard {
    /// What a message is beside those before it. Of an `older` one, which may have been here before, the keys are also
    /// looked up in the state store, `at` the time that goes with them.
    pub(super) fn verdict(
        &mut self,
        station: u32,
        retry: Retry,
        at: Option<i64>,
        older: bool,
    ) -> Result<Verdict, StoreUnreadable> {
        if retry.key == [0; 16] {
            return Ok(Verdict::New);
        }
        let seen = self.seen(station, retry.key, at, older)?;
        Ok(match Verdict::of(seen, retry.content) {
            Verdict::Conflict if self.seen(station, conflict_key(retry), at, true)?.is_some() => {
                Verdict::Same
            }
            verdict => verdict,
        })
    }

    /// Half of the content under `key`.
    fn seen(
        &mut self,
        station: u32,
        key: [u8; 16],
        at: Option<i64>,
        older: bool,
    ) -> Result<Option<u64>, StoreUnreadable> {
        match self.stations[station].state.details().recent.find(key) {
            Some(content) => Ok(Some(content)),
            None => Ok(self.kept(key, at, older)?.map(|row| short(row.content))),
        }
    }

    /// What is kept under a retry key: made lately, or, for an `older` message, in the state store. `at` is the time that
    /// goes with the key, as [`super::projection::Projection::note`] has it; it may be left out only where that has none.
    pub(super) fn kept(
        &mut self,
        key: [u8; 16],
        at: Option<i64>,
        older: bool,
    ) -> Result<Option<RetryRow>, StoreUnreadable> {
        if let Some(row) = self.projection.find(key) {
            return Ok(Some(row));
        }
        if !older {
            return Ok(None);
        }
        let row = match at {
            Some(at) => self.look_up(Table::Retries, &timed(at, key))?,
            None => None,
        };
        // There is what tells no time, and everything that earlier versions wrote.
        let row = match row {
            Some(row) => Some(row),
            None => self.look_up(Table::RetryKeys, &key)?,
        };
        Ok(row.and_then(|row| RetryRow::from_bytes(&row)))
    }

    /// Whether what happened at `at`, by a clock worth believing, may be on record and not among the station's newest
    /// keys. Many messages share one time: those of the newest are all there while there are few.
    pub(super) fn is_older(&self, station: u32, at: Option<i64>) -> bool {
        let station = &self.stations[station];
        at.is_none_or(|at| match at.cmp(&station.state.newest_at) {
            Ordering::Less => true,
            Ordering::Equal => RECENT_LEN_MAX < usize::from(station.since_newest),
            Ordering::Greater => false,
        })
    }

    /// Counts what a message was; true when it is to have no effect.
    pub(super) fn is_repeated(&mut self, verdict: Verdict) -> bool {
        match verdict {
            Verdict::New => false,
            Verdict::Same => {
                self.tally.counters.retries += 1;
                true
            }
            Verdict::Conflict => {
                self.tally.counters.retry_conflicts += 1;
                false
            }
        }
    }

    /// Raises an event where `what` contradicts the record, unless one was raised lately. Not for statuses: a connector goes
    /// through several within the second that a timestamp tells.
    pub(super) fn tell_conflict(&mut self, now: Now, station: u32, what: impl Display) {
        let told_at = &mut self.stations[station].side_mut().conflict_told_at;
        if told_at.is_some_and(|at| now.mono - at < CONFLICT_TOLD_EVERY) {
            return;
        }
        *told_at = Some(now.mono);
        let event = SecurityEvent {
            event_type: "Sigec.RetryConflict".into(),
            occurred: Moment {
                at: now.utc.0,
                raw: String::new(),
                clock_trusted: true,
            },
            info: format!("{what} came again with other values"),
            critical: false,
        };
        self.record(now, station, &event);
    }
}
