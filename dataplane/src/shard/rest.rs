//! What leaves memory: transactions and commands that ended long ago, and what a silent station needs not.

use std::time::Duration;

use super::conns::Stage;
use super::{Now, Scratch, Shard};

/// Time between two looks for what may leave memory, and stations looked at each time.
pub(super) const SWEEP_EVERY: Duration = Duration::from_secs(60);
const SWEEP_LEN: u32 = 8_192;

/// Time between two looks for stations that have come to rest, those looked at each time, and how long one has been
/// silent by then.
pub(super) const REST_EVERY: Duration = Duration::from_secs(1);
const REST_LEN: usize = 4_096;
const REST_AFTER_SECONDS: u32 = 8;

impl Shard {
    /// Drops transactions and commands that ended long enough ago; the state store answers for them.
    pub(super) fn sweep(&mut self, now: Now) {
        if now.mono < self.sweep.0 {
            return;
        }
        let stations = self.stations.all();
        let from = if self.sweep.1 < stations.end {
            self.sweep.1
        } else {
            0
        };
        let until = stations.end.min(from + SWEEP_LEN);
        for station in from..until {
            self.stations[station].state.forget_ended(now.utc);
        }
        self.sweep = (now.mono + SWEEP_EVERY, until);
        self.tidy_commands(now);
    }

    /// Packs stations that have been silent for a while and whose rows are on their way.
    pub(super) fn rest(&mut self, now: Now) {
        if now.mono < self.rest_at {
            return;
        }
        self.rest_at = now.mono + REST_EVERY;
        for _ in 0..self.stations.awake_len().min(REST_LEN) {
            let Some(station) = self.stations.next_awake() else {
                break;
            };
            let entry = &mut self.stations[station];
            let conn = entry.conn.and_then(|conn| self.conns.get_mut(conn));
            let silent = conn
                .as_ref()
                .is_none_or(|conn| conn.seen_at + REST_AFTER_SECONDS <= now.tick());
            if silent
                && let Some(Stage::Live(live)) = conn.map(|conn| &mut conn.stage)
                && live.inbound.unanswered() == 0
            {
                // A station that is silent for so long repeats nothing by its message id.
                live.inbound = ocpp::Inbound::new();
            }
            if silent && !entry.dirty {
                entry.rest();
                self.packed += usize::from(entry.state.is_packed());
            }
            self.stations.settle(station);
        }
    }

    /// When so many stations have come to rest that what they have left is worth giving back: what gives it back.
    pub(crate) fn spare_memory(&mut self) -> Option<fn()> {
        let all_rest = 0 < self.packed && self.stations.awake_len() == 0;
        if !all_rest && self.packed <= self.stations.len() / 8 {
            return None;
        }
        self.packed = 0;
        if all_rest {
            self.outbox.let_go();
            self.projection.let_go();
            self.journal.let_go();
            self.waiting.let_go();
            self.compression.let_go();
            self.scratch = Scratch::default();
        }
        Some(self.config.give_back)
    }
}
