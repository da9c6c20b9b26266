//! Messages of which fragments are here and not all: what they hold together, and who goes first when that is too much.

use std::cmp::Reverse;

use net::driver::ConnId;
use net::ws::CloseCode;

use super::arrivals::Load;
use super::{Now, Shard};

/// The part of a shard's memory that fragments may hold, and the same where that is nearly taken.
const SHARE: usize = 4;
const SHARE_FULL: usize = 32;

impl Shard {
    /// Notes that a connection held `before` bytes of fragments, and holds `after` now.
    pub(super) fn note_fragments(&mut self, now: Now, before: usize, after: usize) {
        self.fragments_len = self.fragments_len - before + after;
        if before < after {
            self.limit_fragments(now);
        }
    }

    /// Ends the connections that hold most fragments while all hold too much. Whoever sends one message in pieces and means
    /// it well sends it again.
    pub(super) fn limit_fragments(&mut self, now: Now) {
        let share = match self.how_busy(now) {
            Load::Full => SHARE_FULL,
            Load::Calm | Load::Busy | Load::High => SHARE,
        };
        let limit = self.config.shard_bytes_max / share;
        if self.fragments_len <= limit {
            return;
        }
        let mut holders: Vec<(usize, ConnId)> = self.conns.fragments().collect();
        holders.sort_unstable_by_key(|(len, id)| (Reverse(*len), id.index()));
        for (_, id) in holders {
            // Below the limit, so that the next fragment has room.
            if self.fragments_len <= limit / 8 * 7 {
                break;
            }
            self.tally.counters.connections_dropped += 1;
            let reason = "unfinished messages take too much memory, and this is the longest";
            self.say_goodbye(now, id, CloseCode::TRY_AGAIN_LATER, reason);
        }
    }
}
