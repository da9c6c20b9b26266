//! When something happened, as far as a bill may hang on it.
//!
//! A station's time is kept and shown as it is told wherever it can be true at all; queued events are of long ago, and rightly
//! so. Minutes are billed, though, and a clock that shows local time, or was put back or forward in between, makes hours of
//! them. So a time of long ago is believed for a bill only if the station was out of touch then ([`Away`]): between the last
//! word on one connection and the beginning of the next, and not for ever after: what is queued comes first. A connection
//! that did not last, or that the server ended by ending itself, told no queue: the time out of touch goes on through it. Of
//! a station that was never heard before, its own word is taken that it was offline (2.x), for a week.
//!
//! What is not believed is taken to have happened when it came, and only where that bills no more minutes than there were: a
//! beginning, which may have been before, and a step back behind what is counted already, which no true clock makes. Nobody
//! knows then what was while the station was out of touch, and no minute of that is counted, however often that was since the
//! last that was counted.
//!
//! A clock that is not set at all tells nothing, and a time that can be is its next word. One that is ahead does not show it
//! in what it says of an outage: it tells nothing before it has told recent times when no queue came
//! ([`crate::state::ClockDoubt`]). Until then, what comes happened when it came.
//!
//! What is over has no more minutes, whatever is told of it, and neither has what others have overtaken. A message that was
//! quarantined and is read again is judged by the time when it came; if that was on another connection than the newest, its own
//! time is believed if it was recent then, and else it has no minutes.
//!
//! # What stays
//!
//! Who is out of touch with a clock that is behind, or that jumps or is set in that span, and tells a time within it, is
//! believed; and so is a clock that is put back in touch, by less than it is since the last that was counted, which bills
//! fewer minutes. A clock may be ahead by five minutes, and behind by [`OFFLINE_AFTER_MICROS`]. When a station was heard last
//! is known to a ping; after a crash of the server to what [`Shard::resume`] makes of it.

use fleet::TransactionId;

use super::super::summary::TransactionReport;
use super::super::{Now, Shard};
use crate::away::{self, Away};
use crate::normalize::OFFLINE_AFTER_MICROS;
use crate::state::ClockDoubt;
use crate::tariff::Until;

/// A station that was never heard before is believed that it was offline for so long.
const UNHEARD_MAX_MICROS: i64 = 7 * 24 * 60 * 60_000_000;

/// What we know ourselves about a message and its station. UTC microseconds.
#[derive(Clone, Debug)]
pub(in crate::shard) struct Clock {
    /// When the message came.
    received_at: i64,
    /// When the station was out of touch before it came, the last time last; empty where that is not known.
    away: Vec<Away>,
    doubt: ClockDoubt,
    /// The message is read again.
    is_late: bool,
}

impl Shard {
    pub(in crate::shard) fn clock(&self, now: Now, station: u32) -> Clock {
        let state = &self.stations[station].state;
        let is_late = self.replaying.is_some();
        let mut away = state.away();
        if is_late && away.last().is_some_and(|away| now.utc.0 < away.back_at) {
            away = Vec::new();
        }
        Clock {
            received_at: now.utc.0,
            away,
            doubt: state.clock_doubt,
            is_late,
        }
    }
}

impl Clock {
    /// When a transaction began.
    pub(in crate::shard) fn began(&self, report: &TransactionReport<'_>) -> i64 {
        let told = told(report).filter(|at| self.may_have_begun(report, *at));
        told.unwrap_or(self.received_at)
    }

    fn may_have_begun(&self, report: &TransactionReport<'_>, at: i64) -> bool {
        // In 1.6 the flag only says how old the message is, and for one that is read again it is ours.
        let says_offline = report.offline && 0 <= report.seq_no && !self.is_late;
        let before_first = || {
            let mut first = self.awaited().filter(|away| away.heard_until.is_none());
            first.any(|away| away.back_at - UNHEARD_MAX_MICROS <= at)
        };
        !self.doubt.is_ahead() && (self.may_be(at) || (says_offline && before_first()))
    }

    /// Whether it is believed to have begun while its station was out of touch, and could ask nobody.
    pub(in crate::shard) fn began_away(&self, report: &TransactionReport<'_>) -> bool {
        let was_away = |at: i64| self.awaited().any(|away| at <= away.back_at);
        told(report).is_some_and(|at| self.may_have_begun(report, at) && was_away(at))
    }

    /// When one had begun that was heard of when it got its id, and of which this is told now.
    pub(super) fn had_begun(
        &self,
        report: &TransactionReport<'_>,
        id: TransactionId,
        told: i64,
    ) -> i64 {
        let [a, b, c, d, e, f, ..] = id.0;
        let millis = i64::from_be_bytes([0, 0, a, b, c, d, e, f]);
        let then = Self {
            received_at: millis.saturating_mul(1_000),
            ..self.clone()
        };
        // What went on may have been queued like its beginning.
        if then.may_have_begun(report, told) || self.may_have_begun(report, told) {
            told
        } else {
            then.received_at
        }
    }

    /// When the next thing of it happened, of which minutes are counted up to `counted_at`.
    pub(super) fn went_on(&self, report: &TransactionReport<'_>, counted_at: i64) -> Until<'_> {
        self.measured(told(report), counted_at)
    }

    /// Likewise of a register beside its events; `None` where its clock is not set.
    pub(super) fn measured(&self, told: Option<i64>, counted_at: i64) -> Until<'_> {
        let is_known = !self.away.is_empty();
        let goes_on = |at: i64| is_known && counted_at <= at;
        let told =
            told.filter(|at| !self.doubt.is_ahead() && (goes_on(*at) || self.is_recent(*at)));
        match told {
            Some(at) => Until::from(at),
            None if is_known => Until {
                at: self.received_at,
                away: &self.away,
            },
            None => Until::from(counted_at),
        }
    }

    /// Up to now as far as it is known.
    pub(super) fn up_to(&self, at: i64) -> Until<'_> {
        match self.doubt.is_any() {
            true => self.heard(at),
            false => Until::from(at),
        }
    }

    /// Up to what was heard at this time, which nobody told.
    pub(super) fn heard(&self, at: i64) -> Until<'_> {
        Until {
            at,
            away: &self.away,
        }
    }

    /// Whether a station that has told nothing else can tell this time now.
    pub(in crate::shard) fn may_be(&self, at: i64) -> bool {
        self.was_away(at) || self.is_recent(at)
    }

    /// Whether it was out of touch then and may tell of it now.
    pub(in crate::shard) fn was_away(&self, at: i64) -> bool {
        self.awaited().any(|away| away.spans(at))
    }

    fn awaited(&self) -> impl Iterator<Item = &Away> {
        away::awaited(&self.away, self.received_at)
    }

    fn is_recent(&self, at: i64) -> bool {
        self.received_at - OFFLINE_AFTER_MICROS <= at
    }
}

/// What its clock says, if that is set.
fn told(report: &TransactionReport<'_>) -> Option<i64> {
    let occurred = &report.occurred;
    occurred.clock_trusted.then_some(occurred.at)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60_000_000;

    /// Minutes: received; heard until and back at, once and again, the same for never before.
    fn clock(received_at: i64, away: &[(i64, i64)]) -> Clock {
        let away = away.iter().map(|(heard_until, back_at)| Away {
            heard_until: (heard_until != back_at).then_some(heard_until * MINUTE),
            back_at: back_at * MINUTE,
        });
        Clock {
            received_at: received_at * MINUTE,
            away: away.collect(),
            doubt: ClockDoubt::default(),
            is_late: false,
        }
    }

    #[test]
    fn a_time_of_long_ago_is_believed_if_the_station_was_out_of_touch_then() {
        let in_touch = [(90, 100)];
        let out = [(300, 600)];
        let cut_short = [(300, 600), (612, 613)];
        for (received_at, away, told, expected) in [
            // In touch all the time, and a moment of delay.
            (600, &in_touch[..], 600, true),
            (600, &in_touch, 590, true),
            (600, &in_touch, 589, false),
            (600, &in_touch, 420, false),
            // Out of touch from 300 to 600.
            (601, &out, 420, true),
            (601, &out, 290, true),
            (601, &out, 289, false),
            (660, &out, 603, true),
            // Its queue is told by now.
            (661, &out, 603, false),
            (700, &out, 610, false),
            // A longer one takes longer.
            (3_096, &[(120, 3_000)], 1_000, true),
            (3_097, &[(120, 3_000)], 1_000, false),
            // A queue of which the rest comes over the next connection, in the same hour.
            (614, &cut_short, 420, true),
            (661, &cut_short, 420, true),
            (662, &cut_short, 420, false),
            (662, &cut_short, 602, true),
            // Nothing of what was to come.
            (605, &[(90, 100), (610, 620)], 590, false),
            // Never heard before.
            (601, &[(600, 600)], 590, true),
            (601, &[(600, 600)], 420, false),
        ] {
            let found = clock(received_at, away).may_be(told * MINUTE);
            assert_eq!(found, expected, "{received_at} {away:?} told {told}");
        }
    }

    /// Up to when minutes are counted, and how many of those since `counted` are not.
    fn measured(clock: &Clock, told: Option<i64>, counted: i64) -> (i64, i64) {
        let until = clock.measured(told.map(|at| at * MINUTE), counted * MINUTE);
        let left_out = until.away.iter().map(|away| {
            let (from, to) = (away.heard_until.unwrap_or(i64::MIN), away.back_at);
            (to.min(until.at) - from.max(counted * MINUTE)).max(0)
        });
        (until.at / MINUTE, left_out.sum::<i64>() / MINUTE)
    }

    #[test]
    fn a_clock_that_was_put_back_counts_no_minute_in_which_its_station_was_away() {
        let in_touch = [(90, 100)];
        let out = [(610, 690)];
        for (received_at, away, told, counted, expected) in [
            // It goes on.
            (700, &in_touch[..], Some(650), 600, (650, 0)),
            // A periodic reading was a moment newer.
            (700, &in_touch, Some(695), 696, (695, 0)),
            // Put back by hours, in touch all the time.
            (700, &in_touch, Some(520), 600, (700, 0)),
            // And out of touch from 610 to 690.
            (700, &out, Some(520), 600, (700, 80)),
            (700, &[(500, 690)], Some(400), 600, (700, 90)),
            // And once before.
            (700, &[(560, 620), (650, 690)], Some(400), 600, (700, 60)),
            // What comes next counts on from there.
            (710, &out, Some(530), 700, (710, 0)),
            // Not set.
            (700, &in_touch, None, 600, (700, 0)),
            (700, &out, None, 600, (700, 80)),
            // Before its first connection.
            (700, &[(690, 690)], None, 600, (700, 90)),
        ] {
            let found = measured(&clock(received_at, away), told, counted);
            let known = (received_at, away);
            assert_eq!(found, expected, "{known:?} told {told:?} counted {counted}");
        }
    }

    #[test]
    fn a_clock_that_is_ahead_tells_nothing() {
        let clock = Clock {
            doubt: ClockDoubt::AHEAD_FOR_TEST,
            ..clock(700, &[(610, 690)])
        };
        assert_eq!(measured(&clock, Some(650), 600), (700, 80));
        assert_eq!(measured(&clock, Some(699), 600), (700, 80));
        assert_eq!(clock.up_to(700 * MINUTE).away, clock.away);
    }

    #[test]
    fn a_clock_that_was_not_set_tells_a_time_that_can_be() {
        let clock = Clock {
            doubt: ClockDoubt::UNSET_FOR_TEST,
            ..clock(700, &[(610, 690)])
        };
        assert_eq!(measured(&clock, Some(650), 600), (650, 0));
        // What it will say of the time out of touch nobody knows.
        assert_eq!(clock.up_to(700 * MINUTE).away, clock.away);
    }

    #[test]
    fn what_is_read_again_of_another_connection_has_only_minutes_that_were_recent() {
        let clock = Clock {
            is_late: true,
            ..clock(700, &[])
        };
        assert_eq!(measured(&clock, Some(695), 600), (695, 0));
        assert_eq!(measured(&clock, Some(650), 600), (600, 0));
        assert_eq!(measured(&clock, None, 600), (600, 0));
        assert!(!clock.may_be(650 * MINUTE) && clock.may_be(690 * MINUTE));
    }
}
