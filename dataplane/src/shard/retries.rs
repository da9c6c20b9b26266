//! What a message is beside those before it: new, the same again, or at odds with one of them.
//!
//! A station's newest keys lie in memory. The state store has the others, and is asked only about a message that can
//! have been there before: one that is not newer than the station's newest.

use std::cmp::Ordering;

use fleet::record::Retry;
use storage::state::Table;

use super::Shard;
use super::projection::RetryRow;
use super::store::StoreUnreadable;
use crate::retry::{RECENT_LEN_MAX, Verdict, conflict_key, short};

impl Shard {
    /// What a message is beside those before it. Of an `older` one, which may have been here before, the keys are also
    /// looked up in the state store.
    pub(super) fn verdict(
        &mut self,
        station: u32,
        retry: Retry,
        older: bool,
    ) -> Result<Verdict, StoreUnreadable> {
        if retry.key == [0; 16] {
            return Ok(Verdict::New);
        }
        let seen = self.seen(station, retry.key, older)?;
        Ok(match Verdict::of(seen, retry.content) {
            Verdict::Conflict if self.seen(station, conflict_key(retry), true)?.is_some() => {
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
        older: bool,
    ) -> Result<Option<u64>, StoreUnreadable> {
        match self.stations[station].state.details().recent.find(key) {
            Some(content) => Ok(Some(content)),
            None => Ok(self.kept(key, older)?.map(|row| short(row.content))),
        }
    }

    /// What is kept under a retry key: made lately, or, for an `older` message, in the state store.
    pub(super) fn kept(
        &mut self,
        key: [u8; 16],
        older: bool,
    ) -> Result<Option<RetryRow>, StoreUnreadable> {
        match self.projection.find(key) {
            Some(row) => Ok(Some(row)),
            None if older => {
                let row = self.look_up(Table::RetryKeys, &key)?;
                Ok(row.and_then(|row| RetryRow::from_bytes(&row)))
            }
            None => Ok(None),
        }
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
}
