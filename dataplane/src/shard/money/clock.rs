//! When something happened, as far as a bill may hang on it.
//!
//! A station's time is kept and shown as it is told wherever it can be true at all; queued events are of long ago, and rightly
//! so. Minutes are billed, though, and a clock that shows local time, or was put back or forward in between, makes hours of
//! them. So a time of long ago is believed for a bill only if the station was out of touch then: between the last word on an
//! earlier connection and the beginning of this one, and not for ever after: what is queued comes first. A connection that did not last, or that the server ended by ending
//! itself, told no queue: the time out of touch goes on through it. Of a station that was never heard before, its own word is
//! taken that it was offline (2.x).
//!
//! What is not believed is taken to have happened when it came, and only where that bills no more minutes than there were: a
//! beginning, which may have been before, and a step back behind what is counted already, which no true clock makes. Nobody
//! knows then what was while the station was out of touch, and no minute of that is counted: not by the first that is told
//! afterwards, and by no later one, because counting goes on at the moment when it was back.
//!
//! A clock that is not set at all tells nothing. One that told a time that there cannot be (it is ahead, or was not set) tells
//! nothing before it has told recent ones, more than once: until then, what comes happened when it came.
//!
//! What is over has no more minutes, whatever is told of it, and neither has what others have overtaken. A message that was
//! quarantined and is read again is judged by the time when it came; if that was on another connection than the newest, its own
//! time is believed if it was recent then, and else it has no minutes.
//!
//! # What stays
//!
//! Who is out of touch with a clock that is behind, or that jumps or is set in that span, and tells a time within it, is
//! believed. A clock may be ahead by five minutes, and behind by [`OFFLINE_AFTER_MICROS`]. When a station was heard last is
//! known to a ping; after a crash of the server, to its last message.

use fleet::TransactionId;

use super::super::summary::TransactionReport;
use super::super::{Now, Shard};
use crate::normalize::OFFLINE_AFTER_MICROS;
use crate::tariff::Until;

/// What was queued may come for so long after a station is back, or for this part of the time for which it was out of touch,
/// whichever is longer: a message a minute, and a second for each of them on a slow link, twice over. What a station says
/// again and again until it is answered comes within the hour too.
const QUEUE_TELLING_MICROS: i64 = 60 * 60_000_000;
const QUEUE_PACE: i64 = 30;

/// What we know ourselves about a message and its station. UTC microseconds.
#[derive(Clone, Copy, Debug)]
pub(in crate::shard) struct Clock {
    /// When the message came.
    received_at: i64,
    /// When the station was out of touch before the connection that it came on; `None` where that is not known.
    away: Option<(i64, i64)>,
    /// Its station told a time that there cannot be, and is not believed again yet.
    is_wrong: bool,
    /// The message is read again.
    is_late: bool,
}

impl Shard {
    pub(in crate::shard) fn clock(&self, now: Now, station: u32) -> Clock {
        let state = &self.stations[station].state;
        let is_late = self.replaying.is_some();
        let here = |away: &(i64, i64)| !is_late || away.1 <= now.utc.0;
        Clock {
            received_at: now.utc.0,
            away: state.away().filter(here),
            is_wrong: state.clock_doubt != 0,
            is_late,
        }
    }
}

impl Clock {
    /// When a transaction began.
    pub(in crate::shard) fn began(&self, report: &TransactionReport<'_>) -> i64 {
        // In 1.6 the flag only says how old the message is, and for one that is read again it is ours.
        let says_offline = report.offline && 0 <= report.seq_no && !self.is_late;
        let is_first = self
            .away
            .is_none_or(|(heard_until, connected_at)| heard_until == connected_at);
        let may_be = |at: i64| (says_offline && is_first) || self.may_be(at);
        let told = told(report).filter(|at| !self.is_wrong && may_be(*at));
        told.unwrap_or(self.received_at)
    }

    /// When one had begun that was heard of when it got its id.
    pub(super) fn had_begun(&self, id: TransactionId, told: i64) -> i64 {
        let [a, b, c, d, e, f, ..] = id.0;
        let millis = i64::from_be_bytes([0, 0, a, b, c, d, e, f]);
        let then = Self {
            received_at: millis.saturating_mul(1_000),
            ..*self
        };
        if !self.is_wrong && then.may_be(told) {
            told
        } else {
            then.received_at
        }
    }

    /// When the next thing of it happened, of which minutes are counted up to `counted_at`.
    pub(super) fn went_on(&self, report: &TransactionReport<'_>, counted_at: i64) -> Until {
        self.measured(told(report), counted_at)
    }

    /// Likewise of a register beside its events; `None` where its clock is not set.
    pub(super) fn measured(&self, told: Option<i64>, counted_at: i64) -> Until {
        let goes_on = |at: i64| self.away.is_some() && counted_at <= at;
        let told = told.filter(|at| !self.is_wrong && (goes_on(*at) || self.is_recent(*at)));
        match (told, self.away) {
            (Some(at), _) => Until::from(at),
            (None, Some(away)) => Until {
                at: self.received_at,
                away,
            },
            (None, None) => Until::from(counted_at),
        }
    }

    /// When it had ended, of which the beginning is heard only now, or up to now as far as it is known.
    pub(super) fn up_to(&self, at: i64) -> Until {
        let away = self.away.filter(|_| self.is_wrong);
        Until {
            at,
            away: away.unwrap_or((at, at)),
        }
    }

    /// Whether a station that has told nothing else can tell this time now.
    pub(in crate::shard) fn may_be(&self, at: i64) -> bool {
        let was_away = self.away.is_some_and(|(heard_until, connected_at)| {
            let is_telling = (connected_at - heard_until) / QUEUE_PACE;
            self.received_at <= connected_at + is_telling.max(QUEUE_TELLING_MICROS)
                && heard_until - OFFLINE_AFTER_MICROS <= at
                && at <= connected_at + OFFLINE_AFTER_MICROS
        });
        was_away || self.is_recent(at)
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

    /// Minutes: received, connected, heard before that.
    fn clock((received_at, connected_at, heard_until): (i64, i64, Option<i64>)) -> Clock {
        let heard_until = heard_until.unwrap_or(connected_at);
        Clock {
            received_at: received_at * MINUTE,
            away: Some((heard_until * MINUTE, connected_at * MINUTE)),
            is_wrong: false,
            is_late: false,
        }
    }

    #[test]
    fn a_time_of_long_ago_is_believed_if_the_station_was_out_of_touch_then() {
        for (known, told, expected) in [
            // In touch all the time, and a moment of delay.
            ((600, 100, Some(90)), 600, true),
            ((600, 100, Some(90)), 590, true),
            ((600, 100, Some(90)), 589, false),
            ((600, 100, Some(90)), 420, false),
            // Out of touch from 300 to 600.
            ((601, 600, Some(300)), 420, true),
            ((601, 600, Some(300)), 290, true),
            ((601, 600, Some(300)), 289, false),
            ((660, 600, Some(300)), 603, true),
            // Its queue is told by now.
            ((661, 600, Some(300)), 603, false),
            ((700, 600, Some(300)), 610, false),
            // A longer one takes longer.
            ((3_096, 3_000, Some(120)), 1_000, true),
            ((3_097, 3_000, Some(120)), 1_000, false),
            // Never heard before.
            ((601, 600, None), 590, true),
            ((601, 600, None), 420, false),
        ] {
            let found = clock(known).may_be(told * MINUTE);
            assert_eq!(found, expected, "{known:?} told {told}");
        }
    }

    /// Up to when minutes are counted, and how many of those since `counted` are not.
    fn measured(clock: Clock, told: Option<i64>, counted: i64) -> (i64, i64) {
        let until = clock.measured(told.map(|at| at * MINUTE), counted * MINUTE);
        let (from, to) = until.away;
        let left_out = to.min(until.at) - from.max(counted * MINUTE);
        (until.at / MINUTE, left_out.max(0) / MINUTE)
    }

    #[test]
    fn a_clock_that_was_put_back_counts_no_minute_in_which_its_station_was_away() {
        for (known, told, counted, expected) in [
            // It goes on.
            ((700, 100, Some(90)), Some(650), 600, (650, 0)),
            // A periodic reading was a moment newer.
            ((700, 100, Some(90)), Some(695), 696, (695, 0)),
            // Put back by hours, in touch all the time.
            ((700, 100, Some(90)), Some(520), 600, (700, 0)),
            // And out of touch from 610 to 690.
            ((700, 690, Some(610)), Some(520), 600, (700, 80)),
            ((700, 690, Some(500)), Some(400), 600, (700, 90)),
            // What comes next counts on from there.
            ((710, 690, Some(610)), Some(530), 700, (710, 0)),
            // Not set.
            ((700, 100, Some(90)), None, 600, (700, 0)),
            ((700, 690, Some(610)), None, 600, (700, 80)),
            ((700, 690, None), None, 600, (700, 0)),
        ] {
            let found = measured(clock(known), told, counted);
            assert_eq!(found, expected, "{known:?} told {told:?} counted {counted}");
        }
    }

    #[test]
    fn a_clock_that_told_no_time_there_can_be_tells_nothing() {
        let clock = Clock {
            is_wrong: true,
            ..clock((700, 690, Some(610)))
        };
        assert_eq!(measured(clock, Some(650), 600), (700, 80));
        assert_eq!(measured(clock, Some(699), 600), (700, 80));
        let up_to = clock.up_to(700 * MINUTE);
        assert_eq!(up_to.away, (610 * MINUTE, 690 * MINUTE));
    }

    #[test]
    fn what_is_read_again_of_another_connection_has_only_minutes_that_were_recent() {
        let clock = Clock {
            away: None,
            is_late: true,
            ..clock((700, 690, Some(610)))
        };
        assert_eq!(measured(clock, Some(695), 600), (695, 0));
        assert_eq!(measured(clock, Some(650), 600), (600, 0));
        assert_eq!(measured(clock, None, 600), (600, 0));
        assert!(!clock.may_be(650 * MINUTE) && clock.may_be(690 * MINUTE));
    }
}
