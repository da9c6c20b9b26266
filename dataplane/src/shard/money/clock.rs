//! When something happened, as far as a bill may hang on it.
//!
//! A station's time is kept and shown as it is told wherever it can be true at all; queued events are of long ago, and rightly
//! so. Minutes are billed, though, and a clock that shows local time, or was put back or forward in between, makes hours of
//! them. So a time of long ago is believed for a bill only if the station says that it was offline, or if it was out of
//! touch then: between the last word on an earlier connection and the beginning of this one. What is not believed
//! is taken to have happened when it came, and only where that bills no more minutes than there were: a beginning, which
//! may have been before, and a step back behind what is counted already, which no true clock makes.
//!
//! A clock that is not set at all tells nothing of time in which the station was out of touch, and none of that is billed.
//!
//! # What stays
//!
//! Who was out of touch and tells a wrong time within that span is believed.

use fleet::TransactionId;

use super::super::summary::TransactionReport;
use super::super::{Now, Shard};
use crate::normalize::OFFLINE_AFTER_MICROS;

/// What we know ourselves about a message and its station. UTC microseconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    /// When the message came.
    received_at: i64,
    /// When this connection began; `None` for a message that is read again.
    connected_at: Option<i64>,
    /// When the station was heard last before that; `None` for never.
    heard_until: Option<i64>,
}

impl Shard {
    pub(super) fn clock(&self, now: Now, station: u32) -> Clock {
        let station = &self.stations[station];
        let connected_at = station.state.connected_at().map(|at| at.0);
        Clock {
            received_at: now.utc.0,
            connected_at: connected_at.filter(|_| self.replaying.is_none()),
            heard_until: station.heard_until(),
        }
    }
}

impl Clock {
    /// When a transaction began.
    pub(super) fn began(&self, report: &TransactionReport<'_>) -> i64 {
        let at = report.occurred.at;
        if report.occurred.clock_trusted && !self.may_be(at, says_offline(report)) {
            return self.received_at;
        }
        at
    }

    /// When one had begun that was heard of when it got its id.
    pub(super) fn had_begun(&self, id: TransactionId, told: i64) -> i64 {
        let [a, b, c, d, e, f, ..] = id.0;
        let millis = i64::from_be_bytes([0, 0, a, b, c, d, e, f]);
        let then = Self {
            received_at: millis.saturating_mul(1_000),
            ..*self
        };
        if then.may_be(told, false) {
            told
        } else {
            then.received_at
        }
    }

    /// When the next thing of it happened, of which minutes are counted up to `counted_at`.
    pub(super) fn went_on(&self, report: &TransactionReport<'_>, counted_at: i64) -> i64 {
        let occurred = &report.occurred;
        self.measured(occurred.clock_trusted.then_some(occurred.at), counted_at)
    }

    /// Likewise of a register beside its events; `None` where its clock is not set.
    pub(super) fn measured(&self, at: Option<i64>, counted_at: i64) -> i64 {
        if self.connected_at.is_none() {
            return at.unwrap_or(counted_at);
        }
        let is_recent = |at: i64| self.received_at - OFFLINE_AFTER_MICROS <= at;
        match at {
            Some(at) if counted_at <= at || is_recent(at) => at,
            Some(_) | None => self.received_at - self.away_since(counted_at),
        }
    }

    /// Whether a station that has told nothing else can tell this time now.
    fn may_be(&self, at: i64, says_offline: bool) -> bool {
        let Some(connected_at) = self.connected_at else {
            return true;
        };
        let heard_until = self.heard_until.unwrap_or(connected_at);
        let was_away =
            heard_until - OFFLINE_AFTER_MICROS <= at && at <= connected_at + OFFLINE_AFTER_MICROS;
        says_offline || was_away || self.received_at - OFFLINE_AFTER_MICROS <= at
    }

    /// How long the station was out of touch since then.
    fn away_since(&self, at: i64) -> i64 {
        let connected_at = self.connected_at.unwrap_or(i64::MIN);
        let from = self.heard_until.unwrap_or(connected_at).max(at);
        connected_at.saturating_sub(from).max(0)
    }
}

/// The flag of 2.x; in 1.6 it only says how old the message is.
fn says_offline(report: &TransactionReport<'_>) -> bool {
    report.offline && 0 <= report.seq_no
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60_000_000;

    /// Minutes: received, connected, heard before that, told (`None` for a clock that is not set), counted up to;
    /// `None` there for a beginning.
    fn at(clock: (i64, i64, Option<i64>), told: Option<i64>, counted: Option<i64>) -> i64 {
        let (received_at, connected_at, heard_until) = clock;
        let clock = Clock {
            received_at: received_at * MINUTE,
            connected_at: Some(connected_at * MINUTE),
            heard_until: heard_until.map(|at| at * MINUTE),
        };
        let told = told.map(|at| at * MINUTE);
        let at = match (counted, told) {
            (Some(counted), told) => clock.measured(told, counted * MINUTE),
            (None, Some(told)) if clock.may_be(told, false) => told,
            (None, _) => clock.received_at,
        };
        at / MINUTE
    }

    #[test]
    fn a_time_of_long_ago_is_believed_if_the_station_was_out_of_touch_then() {
        let begins = |clock, told| at(clock, Some(told), None);
        for (clock, told, expected) in [
            // In touch all the time, and a moment of delay.
            ((600, 100, Some(90)), 600, 600),
            ((600, 100, Some(90)), 590, 590),
            ((600, 100, Some(90)), 589, 600),
            ((600, 100, Some(90)), 420, 600),
            // Out of touch from 300 to 600.
            ((601, 600, Some(300)), 420, 420),
            ((601, 600, Some(300)), 290, 290),
            ((601, 600, Some(300)), 289, 601),
            ((700, 600, Some(300)), 610, 610),
            ((700, 600, Some(300)), 611, 700),
            // Never heard before.
            ((601, 600, None), 590, 590),
            ((601, 600, None), 420, 601),
        ] {
            assert_eq!(begins(clock, told), expected, "{clock:?} told {told}");
        }
    }

    #[test]
    fn a_clock_that_was_put_back_stands_still_no_longer_than_the_station_was_away() {
        for (clock, told, counted, expected) in [
            // It goes on.
            ((700, 100, Some(90)), Some(650), 600, 650),
            // A periodic reading was a moment newer.
            ((700, 100, Some(90)), Some(695), 696, 695),
            // Put back by hours, in touch all the time.
            ((700, 100, Some(90)), Some(520), 600, 700),
            // And out of touch from 610 to 690.
            ((700, 690, Some(610)), Some(520), 600, 620),
            ((700, 690, Some(500)), Some(400), 600, 610),
            // Not set.
            ((700, 100, Some(90)), None, 600, 700),
            ((700, 690, Some(610)), None, 600, 620),
            ((700, 690, None), None, 600, 700),
        ] {
            let found = at(clock, told, Some(counted));
            assert_eq!(found, expected, "{clock:?} told {told:?} counted {counted}");
        }
    }
}
