//! Our composite schedule beside the one a station answers with.

use std::fmt;

use fleet::UtcMicros;

use super::composite::{CompositePeriod, CompositeSchedule};
use super::rate::{Rate, RateUnit, Supply};

/// Most differences reported.
pub const DIFFERENCES_MAX: usize = 32;

/// How far two schedules may part and still be equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tolerance {
    /// Difference of a rate.
    pub rate: Rate,
    /// Difference of a rate in thousandths of ours, where that is more.
    pub permille: u16,
    /// How long a difference may last: clocks differ, and a station may round its times.
    pub seconds: u32,
}

impl Default for Tolerance {
    /// One decimal, which is what OCPP 1.6 and 2.0.1 carry; five per mille, for amperes rounded and turned into watts;
    /// two seconds.
    fn default() -> Self {
        Self {
            rate: Rate(100),
            permille: 5,
            seconds: 2,
        }
    }
}

/// What a comparison found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// Equal for as long as both say something.
    Equal,
    /// They part, first at the first of these; at most [`DIFFERENCES_MAX`].
    Differs(Vec<Difference>),
    /// They speak of different times.
    Apart,
}

/// A stretch in which two schedules part in one field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Where.
    pub field: Field,
    /// From when.
    pub at: UtcMicros,
    /// Until when, at the latest the end of the shorter schedule.
    pub until: UtcMicros,
    /// Our value at its beginning.
    pub ours: Reading,
    /// The station's at its beginning.
    pub theirs: Reading,
}

impl Difference {
    /// True where the station allows less than our profiles do. That is no fault: it may know limits of its own
    /// (1.6 §5.7, SC.04). More than our profiles allow is one.
    pub fn is_stricter(&self) -> bool {
        match self.field {
            Field::Limit | Field::LimitL2 | Field::LimitL3 => {
                self.theirs.value() < self.ours.value()
            }
            Field::Phases => self.theirs.value() < self.ours.value(),
            // Discharge is negative, and its strictest limit is zero.
            Field::DischargeLimit => match (self.ours, self.theirs) {
                (_, Reading::None) => false,
                (Reading::None, _) => true,
                (ours, theirs) => theirs.value() > ours.value(),
            },
            Field::Setpoint => false,
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} at {}: {} here, {} at the station",
            self.field, self.at, self.ours, self.theirs
        )
    }
}

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Field {
    /// `limit`.
    Limit,
    /// `limit_L2`.
    LimitL2,
    /// `limit_L3`.
    LimitL3,
    /// `dischargeLimit`.
    DischargeLimit,
    /// `setpoint`.
    Setpoint,
    /// `numberPhases`, where both name them.
    Phases,
}

impl Field {
    const ALL: [Self; 6] = [
        Self::Limit,
        Self::LimitL2,
        Self::LimitL3,
        Self::DischargeLimit,
        Self::Setpoint,
        Self::Phases,
    ];
}

/// A value of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// Not given: no limit.
    None,
    /// A rate in our unit.
    Rate(Rate),
    /// A number of phases.
    Phases(u8),
}

impl Reading {
    /// The value as an upper bound: without one there is none.
    fn value(self) -> i64 {
        match self {
            Self::None => i64::MAX,
            Self::Rate(rate) => rate.0,
            Self::Phases(phases) => i64::from(phases),
        }
    }
}

impl fmt::Display for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Rate(rate) => rate.fmt(f),
            Self::Phases(phases) => phases.fmt(f),
        }
    }
}

/// Holds a station's answer against our schedule, for the time both cover.
///
/// Theirs is turned into our unit with `supply` where it came in the other. A difference that ends within the
/// tolerated seconds, or within the random delay our schedule knows of, is none.
pub fn compare(
    ours: &CompositeSchedule,
    theirs: &CompositeSchedule,
    supply: &Supply,
    tolerance: &Tolerance,
) -> Comparison {
    let from = ours.start.max(theirs.start);
    let end = end_of(ours).min(end_of(theirs));
    if end <= from {
        return Comparison::Apart;
    }
    let shift_s = tolerance.seconds.max(ours.delay_max_s);
    let brief_micros = i64::from(shift_s) * MICROS;
    let mut found = Found {
        open: [None; Field::ALL.len()],
        done: Vec::new(),
        brief_micros,
    };
    let (own_steps, other_steps) = (Steps::new(ours), Steps::new(theirs));
    for at in own_steps.changes(&other_steps, from, end) {
        let (Some(own), Some(other)) = (own_steps.at(at), other_steps.at(at)) else {
            continue;
        };
        for (field, open) in Field::ALL.into_iter().zip(0..) {
            let a = reading(own, field);
            let b = converted(other, field, theirs.unit, ours.unit, own, supply);
            match is_equal(a, b, tolerance) {
                true => found.close(open, at),
                false => found.open(open, field, at, a, b),
            }
        }
    }
    for open in 0..Field::ALL.len() {
        found.close(open, end);
    }
    found
        .done
        .sort_by_key(|difference| (difference.at, difference.field));
    found.done.truncate(DIFFERENCES_MAX);
    match found.done.is_empty() {
        true => Comparison::Equal,
        false => Comparison::Differs(found.done),
    }
}

const MICROS: i64 = 1_000_000;

/// Differences under way and finished.
struct Found {
    open: [Option<Difference>; Field::ALL.len()],
    done: Vec<Difference>,
    brief_micros: i64,
}

impl Found {
    fn open(&mut self, slot: usize, field: Field, at: UtcMicros, ours: Reading, theirs: Reading) {
        self.open[slot].get_or_insert(Difference {
            field,
            at,
            until: at,
            ours,
            theirs,
        });
    }

    fn close(&mut self, slot: usize, until: UtcMicros) {
        if let Some(difference) = self.open[slot].take()
            && until.0 - difference.at.0 > self.brief_micros
        {
            self.done.push(Difference {
                until,
                ..difference
            });
        }
    }
}

fn end_of(schedule: &CompositeSchedule) -> UtcMicros {
    at(schedule, schedule.duration_s)
}

fn at(schedule: &CompositeSchedule, offset_s: u32) -> UtcMicros {
    UtcMicros(
        schedule
            .start
            .0
            .saturating_add(i64::from(offset_s) * MICROS),
    )
}

/// The periods of a schedule with their moments, in order: a station's may stand in any.
struct Steps<'s>(Vec<(UtcMicros, &'s CompositePeriod)>);

impl<'s> Steps<'s> {
    fn new(schedule: &'s CompositeSchedule) -> Self {
        let placed = |period: &'s CompositePeriod| (at(schedule, period.start_s), period);
        let mut steps: Vec<_> = schedule.periods.iter().map(placed).collect();
        steps.sort_by_key(|(at, _)| *at);
        Self(steps)
    }

    /// The period in force at a moment.
    fn at(&self, moment: UtcMicros) -> Option<&'s CompositePeriod> {
        let begun = self.0.partition_point(|(at, _)| *at <= moment);
        self.0[..begun].last().map(|(_, period)| *period)
    }

    /// Every moment from `from` to `end` at which either may change, in order.
    fn changes(&self, other: &Self, from: UtcMicros, end: UtcMicros) -> Vec<UtcMicros> {
        let starts = self.0.iter().chain(&other.0).map(|(at, _)| *at);
        let mut all = vec![from];
        all.extend(starts.filter(|at| from < *at && *at < end));
        all.sort_unstable();
        all.dedup();
        all
    }
}

fn reading(period: &CompositePeriod, field: Field) -> Reading {
    let rates = &period.rates;
    let rate = match field {
        Field::Phases => return period.phases.map_or(Reading::None, Reading::Phases),
        Field::Limit => rates.limit.all,
        Field::LimitL2 => rates.limit.l2,
        Field::LimitL3 => rates.limit.l3,
        Field::DischargeLimit => rates.discharge_limit.all,
        Field::Setpoint => rates.setpoint.all,
    };
    rate.map_or(Reading::None, Reading::Rate)
}

/// Their value of a field in our unit, over the phases they name, else those we do.
fn converted(
    period: &CompositePeriod,
    field: Field,
    from: RateUnit,
    to: RateUnit,
    ours: &CompositePeriod,
    supply: &Supply,
) -> Reading {
    let value = reading(period, field);
    let (Reading::Rate(rate), true) = (value, from != to) else {
        return value;
    };
    let phases = match period.rates.is_split() {
        true => 1,
        false => period.phases.or(ours.phases).unwrap_or(3),
    };
    Reading::Rate(match to {
        RateUnit::Watts => supply.watts(rate, supply.usable(phases)),
        RateUnit::Amperes => supply.amperes(rate, phases),
    })
}

fn is_equal(ours: Reading, theirs: Reading, tolerance: &Tolerance) -> bool {
    match (ours, theirs) {
        (Reading::Rate(ours), Reading::Rate(theirs)) => {
            let apart = ours.0.abs_diff(theirs.0);
            let share = u128::from(ours.0.unsigned_abs()) * u128::from(tolerance.permille) / 1_000;
            u128::from(apart) <= share.max(u128::from(tolerance.rate.0.unsigned_abs()))
        }
        // Phases that only one side names say nothing.
        (Reading::Phases(_), Reading::None) | (Reading::None, Reading::Phases(_)) => true,
        (Reading::None, Reading::None) => true,
        (Reading::Phases(ours), Reading::Phases(theirs)) => ours == theirs,
        (Reading::Rate(_), Reading::None | Reading::Phases(_))
        | (Reading::None | Reading::Phases(_), Reading::Rate(_)) => false,
    }
}
