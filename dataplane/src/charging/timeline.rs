//! One profile on the time axis: which period applies at a second, and until when.

use super::profile::{Kind, Period, Schedule};
use super::set::Installed;

/// Whole seconds since 1970-01-01T00:00:00Z.
pub(super) fn second(at: fleet::UtcMicros) -> i64 {
    at.0.div_euclid(1_000_000)
}

/// What a profile's times are measured from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    /// The second at which relative schedules begin.
    pub(super) relative: i64,
    /// Seconds the station's local time is ahead of UTC.
    pub(super) utc_offset_s: i64,
    /// Since which second the station has been offline.
    pub(super) offline_since: Option<i64>,
}

/// The periods of one schedule of a profile, placed.
///
/// `valid_from <= t < valid_to`, `anchor <= t`, and the time since the anchor (since the last recurrence) below
/// `length` make a period apply.
#[derive(Clone, Debug)]
pub(super) struct Timeline<'p> {
    periods: &'p [Period],
    anchor: i64,
    /// Seconds of one occurrence that count.
    length: i64,
    /// Seconds from one occurrence to the next.
    every: Option<i64>,
    valid_from: i64,
    valid_to: i64,
}

impl<'p> Timeline<'p> {
    pub(super) fn new(installed: &'p Installed, schedule: &'p Schedule, clock: &Clock) -> Self {
        let profile = &installed.profile;
        let start = schedule.start.map(|start| {
            let local = if schedule.use_local_time {
                clock.utc_offset_s
            } else {
                0
            };
            second(start).saturating_sub(local)
        });
        let anchor = match profile.kind {
            // Without a start an absolute schedule of 1.6 counts from the start of charging (1.6 §7.13).
            Kind::Absolute | Kind::Recurring => start.unwrap_or(clock.relative),
            Kind::Relative => clock.relative,
            Kind::Dynamic => second(installed.updated_at()),
        };
        let duration = schedule.duration_s.map_or(i64::MAX, i64::from);
        let every = profile
            .recurrence
            .filter(|_| profile.kind == Kind::Recurring)
            .map(|recurrence| i64::from(recurrence.seconds()));
        let valid_to = profile.valid_to.map_or(i64::MAX, second);
        // Offline for longer than it may be, a profile is set aside (K01.FR.101).
        let offline_from = clock
            .offline_since
            .zip(profile.offline_max_s)
            .map_or(i64::MAX, |(since, max)| {
                since.saturating_add(i64::from(max)).saturating_add(1)
            });
        Self {
            periods: &schedule.periods,
            anchor,
            // What is longer than its recurrence is cut (1.6 §5.16.4).
            length: every.map_or(duration, |every| every.min(duration)),
            every,
            valid_from: profile.valid_from.map_or(i64::MIN, second),
            valid_to: valid_to.min(offline_from),
        }
    }

    /// The period that applies at `t`, and the first second after `t` at which that may change.
    pub(super) fn at(&self, t: i64) -> (Option<&'p Period>, i64) {
        if t >= self.valid_to {
            return (None, i64::MAX);
        }
        let begin = self.valid_from.max(self.anchor);
        if t < begin {
            return (None, begin);
        }
        let (period, until) = self.scheduled(t);
        (period, until.min(self.valid_to))
    }

    /// As [`at`](Self::at), for a `t` within validity and not before the anchor.
    fn scheduled(&self, t: i64) -> (Option<&'p Period>, i64) {
        let since = t.saturating_sub(self.anchor);
        let into = self.every.map_or(since, |every| since % every);
        let begun = t.saturating_sub(into);
        let again = self
            .every
            .map_or(i64::MAX, |every| begun.saturating_add(every));
        if into >= self.length {
            return (None, again);
        }
        // Sorted by ProfileSet, so the next one starts later.
        let next = self
            .periods
            .partition_point(|period| i64::from(period.start_s) <= into);
        let until = self.periods.get(next).map_or(self.length, |period| {
            i64::from(period.start_s).min(self.length)
        });
        let period = next.checked_sub(1).and_then(|at| self.periods.get(at));
        (period, begun.saturating_add(until))
    }
}
