//! When a station was out of touch.

use crate::normalize::OFFLINE_AFTER_MICROS;

/// What was queued may come for so long after a station is back, or for this part of the time for which it was out of touch,
/// whichever is longer: a message a minute, and a second for each of them on a slow link, twice over. What a station says
/// again and again until it is answered comes within the hour too. While it is out of touch again, nothing comes.
const QUEUE_TELLING_MICROS: i64 = 60 * 60_000_000;
const QUEUE_PACE: i64 = 30;

/// So many are told apart; of more, the first two are one, from the beginning of one to the end of the other.
const KEPT: usize = 8;

/// From the last that was heard of a station until it had a connection again. UTC microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Away {
    /// `None` for a station that was never heard before.
    pub(crate) heard_until: Option<i64>,
    pub(crate) back_at: i64,
}

impl Away {
    /// Whether its station can have queued something of this time, as one whose clock is right.
    pub(crate) fn spans(&self, at: i64) -> bool {
        let heard_until = self.heard_until.unwrap_or(self.back_at);
        heard_until - OFFLINE_AFTER_MICROS <= at && at <= self.back_at + OFFLINE_AFTER_MICROS
    }

    /// Whether something queued in it would come late.
    pub(crate) fn is_long(&self) -> bool {
        let is_long = |heard_until| OFFLINE_AFTER_MICROS <= self.back_at - heard_until;
        self.heard_until.is_none_or(is_long)
    }

    fn is_told_within(&self) -> i64 {
        let away = self.back_at - self.heard_until.unwrap_or(self.back_at);
        QUEUE_TELLING_MICROS.max(away / QUEUE_PACE)
    }

    /// How much of this lies between two moments.
    fn between(&self, from: i64, to: i64) -> i64 {
        let heard_until = self.heard_until.unwrap_or(self.back_at);
        (self.back_at.min(to) - heard_until.max(from)).max(0)
    }
}

/// Those of all, the last one last, of which something queued may come at `at`.
pub(crate) fn awaited(all: &[Away], at: i64) -> impl Iterator<Item = &Away> {
    let is_awaited = move |(index, away): &(usize, &Away)| {
        let later = all[index + 1..].iter();
        let away_again: i64 = later.map(|later| later.between(away.back_at, at)).sum();
        let in_touch = at.saturating_sub(away.back_at) - away_again;
        away.back_at <= at && in_touch <= away.is_told_within()
    };
    all.iter().enumerate().filter(is_awaited).map(|(_, a)| a)
}

/// As few of them as are told apart.
pub(crate) fn bound(all: &mut Vec<Away>) {
    while KEPT <= all.len() {
        all[1].heard_until = all[0].heard_until;
        all.remove(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60_000_000;

    fn away(heard_until: i64, back_at: i64) -> Away {
        Away {
            heard_until: Some(heard_until * MINUTE),
            back_at: back_at * MINUTE,
        }
    }

    #[test]
    fn a_queue_is_awaited_for_an_hour_in_touch_or_longer_after_a_long_time() {
        for (all, at, expected) in [
            (&[away(300, 600)][..], 660, &[0][..]),
            (&[away(300, 600)], 661, &[]),
            (&[away(300, 600)], 599, &[]),
            (&[away(120, 3_000)], 3_096, &[0]),
            (&[away(120, 3_000)], 3_097, &[]),
            // Eleven minutes in touch, and an hour out of it again.
            (&[away(300, 600), away(611, 671)], 720, &[0, 1]),
            (&[away(300, 600), away(611, 671)], 721, &[1]),
            (&[away(300, 600), away(611, 671)], 640, &[0]),
        ] {
            let found: Vec<_> = awaited(all, at * MINUTE).collect();
            let expected: Vec<_> = expected.iter().map(|index| &all[*index]).collect();
            assert_eq!(found, expected, "{all:?} at {at}");
        }
    }

    #[test]
    fn more_than_are_told_apart_are_one() {
        let mut all: Vec<_> = (0..9).map(|n| away(10 * n, 10 * n + 5)).collect();
        bound(&mut all);
        assert_eq!(all.len(), 7);
        assert_eq!((all[0], all[1]), (away(0, 25), away(30, 35)));
    }
}
