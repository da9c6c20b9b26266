//! When a station was out of touch.

use crate::normalize::OFFLINE_AFTER_MICROS;

/// What was queued may come for so long after a station is back, or for this part of the time for which it was out of touch,
/// whichever is longer: a message a minute, and a second for each of them on a slow link, twice over. What a station says
/// again and again until it is answered comes within the hour too.
const QUEUE_TELLING_MICROS: i64 = 60 * 60_000_000;
const QUEUE_PACE: i64 = 30;

/// So many are told apart; of more, the first two are one, from the beginning of one to the end of the other.
const KEPT: usize = 8;

/// From the last that was heard of a station until it had a connection again. UTC microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Away {
    /// The same as `back_at` for a station that was never heard before.
    pub(crate) heard_until: i64,
    pub(crate) back_at: i64,
}

impl Away {
    /// False of a station that was never heard before.
    pub(crate) fn is_known(&self) -> bool {
        self.heard_until != self.back_at
    }

    /// Whether its station can have queued something of this time, as one whose clock is right.
    pub(crate) fn spans(&self, at: i64) -> bool {
        self.heard_until - OFFLINE_AFTER_MICROS <= at && at <= self.back_at + OFFLINE_AFTER_MICROS
    }

    /// Until when what was queued then is awaited.
    pub(crate) fn told_until(&self) -> i64 {
        let is_telling = (self.back_at - self.heard_until) / QUEUE_PACE;
        self.back_at
            .saturating_add(is_telling.max(QUEUE_TELLING_MICROS))
    }
}

/// Adds one to those before it, oldest first, of which those that are over go.
pub(crate) fn push(earlier: &mut Vec<Away>, away: Away, is_over: impl Fn(&Away) -> bool) {
    earlier.retain(|away| !is_over(away));
    earlier.push(away);
    if KEPT <= earlier.len() {
        earlier[1].heard_until = earlier[0].heard_until;
        earlier.remove(0);
    }
}
