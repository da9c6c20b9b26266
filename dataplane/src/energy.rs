//! Energy of one transaction from the registers that came.
//!
//! Energy is a difference of two registers, never a sum of deltas. A register that cannot be true is put aside: one
//! that runs backwards, and one that jumps further than the supply could have delivered since the one before. It is
//! kept as a candidate; a second register that agrees with it says that the meter is not what it was, and such a
//! transaction is quarantined. One case is known in the field and is estimated: a station that could not read its meter
//! sends 0 as the beginning and the odometer ever after, and 910 kWh would be billed where 0.083 were delivered. There
//! the candidate becomes the first register.

use fleet::MilliwattHours;
use fleet::record::{Quality, TransactionSummary};

use crate::config::Plausibility;

/// An import register at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Register {
    /// UTC microseconds; `None` when the station's clock is not worth believing.
    pub(crate) at: Option<i64>,
    /// Its value.
    pub(crate) energy: MilliwattHours,
}

/// The registers of one transaction, as far as its energy needs them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) struct Registers {
    /// First plausible one.
    pub(crate) first: Option<Register>,
    /// Last plausible one.
    pub(crate) last: Option<Register>,
    /// Jumped away from `last`; true if the next one agrees with it.
    pub(crate) candidate: Option<Register>,
    /// The first register was replaced by one that came later.
    pub(crate) rebased: bool,
    /// The registers moved away from one that had been read, and stayed there.
    pub(crate) broken: bool,
    /// The station gave one for the beginning, for the end.
    pub(crate) has_begin: bool,
    /// As above.
    pub(crate) has_end: bool,
}

const MWH_PER_WH: i128 = 1_000;

impl Registers {
    /// Those of a transaction that has left memory, as far as its sum tells them.
    pub(crate) fn of_summary(summary: &TransactionSummary) -> Self {
        let register = |at: Option<i64>, mwh: i64| Register {
            at,
            energy: MilliwattHours(mwh),
        };
        let (first, last) = (summary.meter_start_mwh, summary.meter_stop_mwh);
        let quality = Quality::from_code(summary.quality);
        let is_whole = quality == Some(Quality::Ok);
        // One that runs and has delivered nothing was read once, as far as the sum tells.
        let last_at = match summary.ended_at {
            None if first == last => summary.started_at,
            ended_at => ended_at,
        };
        Self {
            first: first.map(|mwh| register(summary.started_at, mwh)),
            last: last.map(|mwh| register(last_at, mwh)),
            broken: quality == Some(Quality::Quarantined),
            has_begin: is_whole,
            has_end: is_whole && summary.ended_at.is_some(),
            ..Self::default()
        }
    }

    /// Takes the next register; what is older than the last one is history.
    pub(crate) fn take(&mut self, register: Register, rules: &Plausibility) {
        if register.energy.0 < 0 {
            return;
        }
        let Some(last) = self.last else {
            self.first = Some(register);
            self.last = Some(register);
            return;
        };
        if matches!((last.at, register.at), (Some(last), Some(at)) if at < last) {
            return;
        }
        if follows(last, register, rules) {
            self.last = Some(register);
            self.candidate = None;
            return;
        }
        match self.candidate {
            // The same register said twice agrees with nothing.
            Some(candidate) if candidate.energy == register.energy => {}
            Some(candidate) if follows(candidate, register, rules) => {
                if self.first == self.last && is_unread(last) {
                    self.rebased = true;
                    self.first = Some(candidate);
                    self.last = Some(register);
                    self.candidate = None;
                } else {
                    self.broken = true;
                    self.candidate = Some(register);
                }
            }
            // Neither agrees; the newest may be the true one.
            Some(_) | None => self.candidate = Some(register),
        }
    }

    /// The register of the beginning. It counts as the first whenever it comes.
    pub(crate) fn begin(&mut self, register: Register, rules: &Plausibility) {
        if register.energy.0 < 0 {
            return;
        }
        let again = std::mem::replace(&mut self.has_begin, true);
        let later =
            |first: Register| matches!((first.at, register.at), (Some(f), Some(r)) if f < r);
        match self.first {
            Some(first) if !again && !later(first) => self.begin_late(register, first, rules),
            Some(_) | None => self.take(register, rules),
        }
    }

    /// A beginning that others overtook, `first` the oldest of them.
    fn begin_late(&mut self, register: Register, first: Register, rules: &Plausibility) {
        if follows(register, first, rules) {
            self.first = Some(register);
        } else {
            // What two others agree on is billed in place of a meter that was not read; an end alone has nothing to be
            // compared with.
            self.rebased = true;
            self.broken |= !is_unread(register) || (self.has_end && self.first == self.last);
        }
    }

    /// The register of the end.
    pub(crate) fn end(&mut self, register: Register, rules: &Plausibility) {
        self.has_end = true;
        let before = self.last;
        // A meter that is ahead of one that was read later by the clock says that the clock was put back in between: it
        // tells nothing of the time that has passed.
        let put_back = before.is_some_and(|last| {
            matches!((last.at, register.at), (Some(last), Some(at)) if at < last)
                && last.energy < register.energy
        });
        let register = match put_back {
            true => Register {
                at: None,
                ..register
            },
            false => register,
        };
        self.take(register, rules);
        // A periodic reading may be a moment newer than the end.
        let overtaken = before.zip(self.first).is_some_and(|(last, first)| {
            register.at < last.at
                && first.energy <= register.energy
                && register.energy <= last.energy
        });
        // The station's last word agrees with nothing: there is no end to bill to.
        let agrees = self.last.is_some_and(|last| last.energy == register.energy);
        self.broken |= !agrees && !overtaken;
    }

    /// What was delivered, as far as known.
    pub(crate) fn energy(&self) -> Option<MilliwattHours> {
        // One register alone says nothing, unless the transaction begins with it.
        let known = self.has_begin || self.first != self.last;
        let (first, last) = (self.first.filter(|_| known)?, self.last?);
        last.energy.since(first.energy)
    }

    /// What was delivered by the end: the register of the beginning alone does not tell.
    pub(crate) fn energy_at_end(&self) -> Option<MilliwattHours> {
        let told = self.has_end || self.first != self.last;
        self.energy().filter(|_| told)
    }

    /// How far that can be billed. A transaction that runs lacks no end.
    pub(crate) fn quality(&self, ended: bool, rules: &Plausibility) -> Quality {
        let too_much = |energy: MilliwattHours| {
            i128::from(rules.transaction_wh_max) * MWH_PER_WH < i128::from(energy.0)
        };
        if self.broken || self.energy().is_some_and(too_much) {
            Quality::Quarantined
        } else if self.rebased || !self.has_begin || (ended && !self.has_end) {
            Quality::Estimated
        } else {
            Quality::Ok
        }
    }
}

/// What a station sends that cannot read its meter.
fn is_unread(register: Register) -> bool {
    register.energy == MilliwattHours(0)
}

/// Whether `later` can follow `earlier`: not lower, and no further than the supply delivers in between.
fn follows(earlier: Register, later: Register, rules: &Plausibility) -> bool {
    let Some(delivered) = later.energy.since(earlier.energy) else {
        return false;
    };
    // Without two clocks only the cap on a whole transaction holds.
    let allowed = match (earlier.at, later.at) {
        (Some(from), Some(to)) => {
            let micros = i128::from(to) - i128::from(from);
            i128::from(rules.slack_wh) * MWH_PER_WH
                + i128::from(rules.power_w_max) * MWH_PER_WH * micros / 3_600_000_000
        }
        (None, _) | (_, None) => i128::from(rules.transaction_wh_max) * MWH_PER_WH,
    };
    0 <= delivered.0 && i128::from(delivered.0) <= allowed
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Registers in Wh at minutes; the last one is the end.
    fn check(registers: &[(i64, i64)], energy_wh: Option<i64>, quality: Quality) {
        let rules = Plausibility::default();
        let mut taken = Registers::default();
        let (count, mut at) = (registers.len(), 0);
        for (minute, wh) in registers {
            let register = Register {
                at: Some(minute * 60_000_000),
                energy: MilliwattHours(wh * 1_000),
            };
            at += 1;
            match at {
                1 => taken.begin(register, &rules),
                _ if at == count => taken.end(register, &rules),
                _ => taken.take(register, &rules),
            }
        }
        assert_eq!(
            taken.energy(),
            energy_wh.map(|wh| MilliwattHours(wh * 1_000)),
            "{registers:?}"
        );
        assert_eq!(taken.quality(true, &rules), quality, "{registers:?}");
    }

    #[test]
    fn energy_is_the_difference_of_two_registers() {
        check(
            &[(0, 1_000), (30, 12_000), (60, 23_000)],
            Some(22_000),
            Quality::Ok,
        );
        check(&[(0, 1_000), (60, 1_000)], Some(0), Quality::Ok);
    }

    #[test]
    fn a_clock_that_is_put_back_reaches_no_bill() {
        // Two hours in the middle of an hour's charging, and at its very end.
        check(
            &[(0, 1_000), (30, 12_000), (-90, 15_000), (-60, 23_000)],
            Some(22_000),
            Quality::Ok,
        );
        check(&[(0, 1_000), (-60, 23_000)], Some(22_000), Quality::Ok);
        // The limits of a transaction still hold.
        check(&[(0, 1_000), (-60, 900_000)], Some(0), Quality::Quarantined);
    }

    #[test]
    fn an_odometer_after_a_zero_is_not_billed() {
        check(
            &[(0, 0), (1, 909_948), (2, 910_000), (3, 910_031)],
            Some(83),
            Quality::Estimated,
        );
        check(
            &[(0, 0), (1, 909_948), (3, 910_031)],
            Some(83),
            Quality::Estimated,
        );
        check(&[(0, 0), (30, 910_031)], Some(0), Quality::Quarantined);
    }

    #[test]
    fn a_register_that_runs_backwards_is_put_aside() {
        check(
            &[(0, 1_000), (10, 5_000), (20, 0), (30, 9_000)],
            Some(8_000),
            Quality::Ok,
        );
        check(&[(0, 5_000), (30, 4_000)], Some(0), Quality::Quarantined);
        // Two that agree with each other do not make it true, nor is what they differ by delivered.
        check(
            &[(0, 5_000), (10, 100), (20, 4_000)],
            Some(0),
            Quality::Quarantined,
        );
        check(
            &[(0, 1_000), (10, 5_000), (20, 100), (30, 200)],
            Some(4_000),
            Quality::Quarantined,
        );
    }

    #[test]
    fn only_a_meter_that_could_not_be_read_is_begun_anew() {
        check(
            &[(0, 5_000), (1, 909_948), (2, 910_000), (3, 910_031)],
            Some(0),
            Quality::Quarantined,
        );
    }

    #[test]
    fn a_beginning_that_comes_late_is_still_the_beginning() {
        let rules = Plausibility::default();
        let register = |minute: Option<i64>, wh: i64| Register {
            at: minute.map(|minute| minute * 60_000_000),
            energy: MilliwattHours(wh * 1_000),
        };
        let late = |begin: Register, others: &[Register]| {
            let mut taken = Registers::default();
            let (end, before) = others.split_last().expect("an end");
            before.iter().for_each(|other| taken.take(*other, &rules));
            taken.end(*end, &rules);
            taken.begin(begin, &rules);
            (
                taken.energy().map(|energy| energy.0 / 1_000),
                taken.quality(true, &rules),
            )
        };
        let (begin, end) = (register(Some(0), 100), register(Some(60), 500));
        assert_eq!(late(begin, &[end]), (Some(400), Quality::Ok));
        assert_eq!(
            late(begin, &[register(Some(30), 300), end]),
            (Some(400), Quality::Ok)
        );
        let unset = register(None, 100);
        assert_eq!(late(unset, &[end]), (Some(400), Quality::Ok));
        // It agrees with nothing: the others bill what they agree on, one alone bills nothing.
        let zero = register(Some(0), 0);
        let odometer = [register(Some(2), 909_948), register(Some(3), 910_031)];
        assert_eq!(late(zero, &odometer), (Some(83), Quality::Estimated));
        assert_eq!(late(zero, &odometer[1..]), (Some(0), Quality::Quarantined));
    }

    #[test]
    fn a_beginning_below_zero_is_none() {
        let rules = Plausibility::default();
        let register = |minute: i64, wh: i64| Register {
            at: Some(minute * 60_000_000),
            energy: MilliwattHours(wh * 1_000),
        };
        let mut taken = Registers::default();
        taken.begin(register(0, -100), &rules);
        taken.end(register(30, 1_000), &rules);
        assert_eq!(taken.energy(), None);
        assert_eq!(taken.quality(true, &rules), Quality::Estimated);
    }

    #[test]
    fn a_beginning_said_again_later_begins_nothing() {
        let rules = Plausibility::default();
        let register = |minute: i64, wh: i64| Register {
            at: Some(minute * 60_000_000),
            energy: MilliwattHours(wh * 1_000),
        };
        let mut taken = Registers::default();
        taken.take(register(0, 100), &rules);
        taken.begin(register(10, 300), &rules);
        taken.begin(register(20, 400), &rules);
        taken.end(register(30, 500), &rules);
        assert_eq!(taken.energy(), Some(MilliwattHours(400_000)));
    }

    #[test]
    fn a_register_said_twice_confirms_nothing() {
        check(
            &[(0, 5_000), (30, 4_000), (30, 4_000)],
            Some(0),
            Quality::Quarantined,
        );
        check(
            &[(0, 0), (1, 909_948), (2, 909_948), (3, 910_031)],
            Some(83),
            Quality::Estimated,
        );
    }

    #[test]
    fn a_reading_may_overtake_the_end() {
        check(
            &[(0, 1_000), (10, 5_000), (9, 4_900)],
            Some(4_000),
            Quality::Ok,
        );
    }

    #[test]
    fn a_jump_after_two_registers_agreed_is_quarantined() {
        let jump = [
            (0, 1_000),
            (10, 5_000),
            (20, 909_000),
            (30, 909_100),
            (40, 909_200),
        ];
        check(&jump, Some(4_000), Quality::Quarantined);
    }

    #[test]
    fn no_transaction_takes_more_than_the_cap() {
        check(&[(0, 0), (1_440, 500_000)], Some(500_000), Quality::Ok);
        check(
            &[(0, 0), (1_440, 500_001)],
            Some(500_001),
            Quality::Quarantined,
        );
    }

    #[test]
    fn without_an_end_or_a_beginning_it_is_an_estimate() {
        let rules = Plausibility::default();
        let register = |minute: i64, wh: i64| Register {
            at: Some(minute * 60_000_000),
            energy: MilliwattHours(wh * 1_000),
        };
        let mut running = Registers::default();
        running.begin(register(0, 100), &rules);
        running.take(register(5, 300), &rules);
        assert_eq!(running.quality(false, &rules), Quality::Ok);
        assert_eq!(running.quality(true, &rules), Quality::Estimated);
        let mut endless = Registers::default();
        endless.begin(register(0, 100), &rules);
        assert_eq!(endless.energy(), Some(MilliwattHours(0)));
        assert_eq!(endless.energy_at_end(), None);
        endless.take(register(5, 300), &rules);
        assert_eq!(endless.energy_at_end(), Some(MilliwattHours(200_000)));
        let mut headless = Registers::default();
        headless.end(register(5, 300), &rules);
        assert_eq!(headless.energy(), None);
        assert_eq!(headless.quality(true, &rules), Quality::Estimated);
    }

    #[test]
    fn clocks_that_are_not_set_do_not_quarantine() {
        let rules = Plausibility::default();
        let register = |wh: i64| Register {
            at: None,
            energy: MilliwattHours(wh * 1_000),
        };
        let mut taken = Registers::default();
        taken.begin(register(0), &rules);
        taken.end(register(60_000), &rules);
        assert_eq!(taken.quality(true, &rules), Quality::Ok);
    }
}
