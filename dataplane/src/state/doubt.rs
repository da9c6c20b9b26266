//! Whether what a station's clock says is worth believing.

use fleet::UtcMicros;
use ocpp::Timestamp;

use crate::away::{self, Away};
use crate::normalize::OFFLINE_AFTER_MICROS;

/// A time that a station told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// One that there can be. UTC microseconds.
    At(i64),
    /// One that is yet to come.
    Ahead,
    /// One of before there were such stations, or one that its profile says tells nothing.
    Unset,
}

impl Told {
    /// What a record has of it: the time and whether it is trusted, and its text; `None` where none was told.
    pub(super) fn of(at: i64, trusted: bool, raw: &str, received_at: UtcMicros) -> Option<Self> {
        if trusted {
            return Some(Self::At(at));
        }
        match Timestamp::read(raw) {
            Some(told) if received_at.0 < told.utc_micros => Some(Self::Ahead),
            Some(_) => Some(Self::Unset),
            None if raw.is_empty() => None,
            None => Some(Self::Unset),
        }
    }
}

/// What the last times of a station make one think of its clock.
///
/// One that is not set shows it in each time by itself. One that is ahead does not: what it says of an outage lies within
/// that, only later. So it is not believed before it told recent times when no queue came any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) struct ClockDoubt(u8);

impl ClockDoubt {
    /// Records with a recent time that one that was ahead is to tell: three messages, which make two at most.
    const AHEAD: u8 = 6;
    const UNSET: u8 = u8::MAX;
    #[cfg(test)]
    pub(crate) const AHEAD_FOR_TEST: Self = Self(Self::AHEAD);
    #[cfg(test)]
    pub(crate) const UNSET_FOR_TEST: Self = Self(Self::UNSET);

    /// 0 for a clock that is believed, 255 for one that was not set, else how many records with a recent time are to come.
    pub(super) fn code(self) -> u8 {
        self.0
    }

    pub(super) fn from_code(code: u8) -> Self {
        match code {
            0..=Self::AHEAD | Self::UNSET => Self(code),
            _ => Self(Self::AHEAD),
        }
    }

    /// Its times tell nothing.
    pub(crate) fn is_ahead(self) -> bool {
        (1..=Self::AHEAD).contains(&self.0)
    }

    /// Its last time told nothing.
    pub(crate) fn is_any(self) -> bool {
        self != Self::default()
    }

    /// It tells a time at `at`, after it was out of touch at these times.
    pub(super) fn judge(&mut self, at: UtcMicros, told: Told, away: &[Away]) {
        self.0 = match told {
            Told::Ahead => Self::AHEAD,
            Told::Unset if self.is_ahead() => self.0,
            Told::Unset => Self::UNSET,
            Told::At(_) if !self.is_ahead() => 0,
            Told::At(told) => {
                let is_recent = at.0 - OFFLINE_AFTER_MICROS <= told;
                // Nothing was queued within moments.
                let is_live = !away::awaited(away, at.0).any(Away::is_long);
                self.0 - u8::from(is_recent && is_live)
            }
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60_000_000;
    const DAY: i64 = 1_795_344_000_000_000;

    fn told(minute: i64, received: i64) -> Told {
        let at = UtcMicros(DAY + minute * MINUTE);
        let received_at = UtcMicros(DAY + received * MINUTE);
        let found = Told::of(
            at.0,
            at.is_trusted(received_at),
            &at.to_string(),
            received_at,
        );
        found.expect("a time")
    }

    #[test]
    fn a_time_is_ahead_or_not_set_or_can_be() {
        assert_eq!(told(10, 10), Told::At(DAY + 10 * MINUTE));
        assert_eq!(told(15, 10), Told::At(DAY + 15 * MINUTE));
        assert_eq!(told(16, 10), Told::Ahead);
        assert_eq!(told(-DAY / MINUTE, 10), Told::Unset);
        let of = |raw| Told::of(DAY, false, raw, UtcMicros(DAY));
        assert_eq!(of(""), None);
        assert_eq!(of("yesterday"), Some(Told::Unset));
        // One of now that its profile distrusts.
        assert_eq!(of(&UtcMicros(DAY).to_string()), Some(Told::Unset));
    }

    /// Of a station that came back at minute 100: told, received.
    fn judged(times: &[(i64, i64)]) -> ClockDoubt {
        let away = Away {
            heard_until: Some(DAY),
            back_at: DAY + 100 * MINUTE,
        };
        let mut doubt = ClockDoubt::default();
        for (minute, received) in times {
            let at = UtcMicros(DAY + received * MINUTE);
            doubt.judge(at, told(*minute, *received), &[away]);
        }
        doubt
    }

    #[test]
    fn one_that_was_ahead_is_believed_after_six_recent_times_when_no_queue_comes() {
        let ahead = (300, 161);
        let live = [162, 163, 164, 165, 166, 167].map(|at| (at, at));
        let after = |before: &[(i64, i64)], live: &[(i64, i64)]| judged(&[before, live].concat());
        assert!(after(&[ahead], &live[..5]).is_ahead());
        assert!(!after(&[ahead], &live).is_any());
        // Of long ago, and while a queue may come.
        assert!(after(&[ahead, (151, 162)], &live[..5]).is_ahead());
        assert!(after(&[(300, 155), (160, 160)], &live[..5]).is_ahead());
        assert!(after(&[ahead], &[&live[..5], &[ahead], &live[5..]].concat()).is_ahead());
    }

    #[test]
    fn one_that_was_ahead_is_believed_though_its_connection_is_renewed_all_the_time() {
        let mut doubt = ClockDoubt::AHEAD_FOR_TEST;
        for minute in (100..400).step_by(50) {
            let back_at = DAY + minute * MINUTE;
            let away = Away {
                heard_until: Some(back_at - MINUTE / 60),
                back_at,
            };
            let at = minute + 1;
            doubt.judge(UtcMicros(DAY + at * MINUTE), told(at, at), &[away]);
        }
        assert!(!doubt.is_any());
    }

    #[test]
    fn one_that_was_not_set_is_believed_by_its_next_time() {
        let unset = (-DAY / MINUTE, 101);
        assert!(judged(&[unset]).is_any() && !judged(&[unset]).is_ahead());
        assert!(!judged(&[unset, (50, 102)]).is_any());
        assert!(judged(&[(200, 101), unset, (102, 102)]).is_ahead());
    }

    #[test]
    fn what_older_programs_wrote_is_read() {
        for code in 0..=u8::MAX {
            let doubt = ClockDoubt::from_code(code);
            assert_eq!(doubt.is_any(), code != 0);
            assert_eq!(doubt.is_ahead(), !matches!(code, 0 | ClockDoubt::UNSET));
            assert_eq!(ClockDoubt::from_code(doubt.code()), doubt);
        }
    }
}
