//! What a message is beside those before it: new, the same again, or at odds with one of them.

use fleet::record::Retry;
use storage::state::Table;

use super::Shard;
use super::projection::RetryRow;
use crate::retry::{Verdict, short};

impl Shard {
    /// What a message is beside those before it. `older` messages, which are all that are not newer than the station's
    /// newest, are also looked up in the state store: many may share one time.
    pub(super) fn verdict(&self, station: u32, retry: Retry, older: bool) -> Verdict {
        if retry.key == [0; 16] {
            return Verdict::New;
        }
        let recent = self.stations[station].state.recent.find(retry.key);
        let kept = || self.kept(retry.key, older).map(|row| short(row.content));
        let seen = recent.or_else(kept);
        Verdict::of(seen, retry.content)
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

    /// What is kept under a retry key: made lately, or, for an `older` message, in the state store.
    pub(super) fn kept(&self, key: [u8; 16], older: bool) -> Option<RetryRow> {
        self.projection.find(key).or_else(|| {
            let row = older
                .then(|| (self.lookup)(Table::RetryKeys, &key))
                .flatten()?;
            RetryRow::from_bytes(&row)
        })
    }
}
