//! Amperes and watts as integers, and the one rule that turns one into the other.

use std::fmt;
use std::num::NonZeroU32;

/// A charging rate in thousandths of its unit: 16.1 A is 16,100, 11 kW is 11,000,000.
///
/// Positive charges, negative discharges. A reader that finds more than three decimals cuts them off, so that a limit
/// never grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Rate(pub i64);

impl Rate {
    /// Nothing flows.
    pub const ZERO: Self = Self(0);

    /// A whole number of amperes or watts.
    pub const fn whole(units: i32) -> Self {
        Self(units as i64 * 1_000)
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let magnitude = self.0.unsigned_abs();
        write!(f, "{sign}{}", magnitude / 1_000)?;
        match magnitude % 1_000 {
            0 => Ok(()),
            rest => write!(f, ".{}", format!("{rest:03}").trim_end_matches('0')),
        }
    }
}

/// What a rate counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RateUnit {
    /// Amperes of each phase, not their sum (K01.FR.51).
    Amperes,
    /// Watts of all phases together.
    Watts,
}

impl fmt::Display for RateUnit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Amperes => "A",
            Self::Watts => "W",
        })
    }
}

/// One rate, or one per phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct PhaseRates {
    /// The rate of the whole, as its unit counts it; of phase L1 alone where `l2` or `l3` is given.
    pub all: Option<Rate>,
    /// Phase L2.
    pub l2: Option<Rate>,
    /// Phase L3.
    pub l3: Option<Rate>,
}

impl PhaseRates {
    /// No rate.
    pub const NONE: Self = Self {
        all: None,
        l2: None,
        l3: None,
    };

    /// One rate for the whole.
    pub const fn of(rate: Rate) -> Self {
        Self {
            all: Some(rate),
            ..Self::NONE
        }
    }

    /// True when nothing is given.
    pub fn is_none(&self) -> bool {
        *self == Self::NONE
    }

    /// True when phases have rates of their own.
    pub fn is_split(&self) -> bool {
        self.l2.is_some() || self.l3.is_some()
    }

    /// Each rate that is given, through `f`.
    pub(super) fn map(self, f: impl Fn(Rate) -> Rate) -> Self {
        Self {
            all: self.all.map(&f),
            l2: self.l2.map(&f),
            l3: self.l3.map(&f),
        }
    }

    /// `f` where both sides give a rate, the given one where only one does.
    pub(super) fn or_both(self, other: Self, f: impl Fn(Rate, Rate) -> Rate) -> Self {
        let both = |a: Option<Rate>, b: Option<Rate>| match (a, b) {
            (Some(a), Some(b)) => Some(f(a, b)),
            (one, None) | (None, one) => one,
        };
        Self {
            all: both(self.all, other.all),
            l2: both(self.l2, other.l2),
            l3: both(self.l3, other.l3),
        }
    }

    /// `f` where both sides give a rate, this side's where the other gives none.
    pub(super) fn and_then(self, other: Self, f: impl Fn(Rate, Rate) -> Rate) -> Self {
        let apply = |a: Option<Rate>, b: Option<Rate>| a.map(|a| b.map_or(a, |b| f(a, b)));
        Self {
            all: apply(self.all, other.all),
            l2: apply(self.l2, other.l2),
            l3: apply(self.l3, other.l3),
        }
    }
}

/// What a period of a schedule says about the flow of energy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct Rates {
    /// At most this much charges.
    pub limit: PhaseRates,
    /// At most this much discharges; zero or negative.
    pub discharge_limit: PhaseRates,
    /// To be followed as closely as possible.
    pub setpoint: PhaseRates,
    /// Reactive power or current to follow; positive is inductive.
    pub setpoint_reactive: PhaseRates,
}

impl Rates {
    pub(super) fn is_split(&self) -> bool {
        self.limit.is_split()
            || self.discharge_limit.is_split()
            || self.setpoint.is_split()
            || self.setpoint_reactive.is_split()
    }
}

/// How an EVSE, or the whole station, hangs on the grid: what turns amperes into watts.
///
/// The voltage is the one set for the area, not a measured one (K01.FR.50).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Supply {
    /// Volts between phase and neutral, in thousandths.
    pub line_voltage_mv: NonZeroU32,
    /// How many phases can be used, 1 to 3. A schedule for more phases keeps its limit per phase (1.6 errata 3.34).
    pub phases: u8,
}

impl Default for Supply {
    /// Three phases of 230 V.
    fn default() -> Self {
        const VOLTAGE: NonZeroU32 = match NonZeroU32::new(230_000) {
            Some(voltage) => voltage,
            None => unreachable!(),
        };
        Self {
            line_voltage_mv: VOLTAGE,
            phases: 3,
        }
    }
}

impl Supply {
    /// Watts of `phases` phases that carry `per_phase` amperes each; what lies below 1 mW is cut off.
    pub fn watts(&self, per_phase: Rate, phases: u8) -> Rate {
        let voltage_mv = i128::from(self.line_voltage_mv.get());
        clamped(i128::from(per_phase.0) * voltage_mv * divisor(phases) / 1_000)
    }

    /// Amperes per phase of `total` watts on `phases` phases; what lies below 1 mA is cut off.
    pub fn amperes(&self, total: Rate, phases: u8) -> Rate {
        let voltage_mv = i128::from(self.line_voltage_mv.get());
        clamped(i128::from(total.0) * 1_000 / (voltage_mv * divisor(phases)))
    }

    /// `used` phases, as far as there are so many.
    pub(super) fn usable(&self, used: u8) -> u8 {
        used.min(self.phases).clamp(1, 3)
    }
}

/// A number of phases to multiply and divide by; 0 appears on the wire and means none other than 1 to us.
pub(super) fn divisor(phases: u8) -> i128 {
    i128::from(phases.clamp(1, 3))
}

fn clamped(value: i128) -> Rate {
    Rate(value.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_prints_as_a_decimal() {
        for (thousandths, text) in [
            (0, "0"),
            (16_000, "16"),
            (16_100, "16.1"),
            (-500, "-0.5"),
            (1, "0.001"),
            (i64::MIN, "-9223372036854775.808"),
        ] {
            assert_eq!(Rate(thousandths).to_string(), text);
        }
    }

    /// K01.FR.50: current per phase = limit / (line voltage × phases); K01.FR.51: amperes are per phase.
    #[test]
    fn amperes_and_watts() {
        let supply = Supply::default();
        for (amperes, phases, watts) in [
            (16_000, 3, 11_040_000),
            (16_000, 1, 3_680_000),
            (32_000, 2, 14_720_000),
            (-10_000, 3, -6_900_000),
            (0, 3, 0),
        ] {
            assert_eq!(supply.watts(Rate(amperes), phases), Rate(watts));
            assert_eq!(supply.amperes(Rate(watts), phases), Rate(amperes));
        }
        // What does not divide is cut off, never rounded up.
        assert_eq!(supply.amperes(Rate::whole(11_000), 3), Rate(15_942));
        assert_eq!(supply.amperes(Rate::whole(-11_000), 3), Rate(-15_942));
    }

    #[test]
    fn the_largest_numbers_saturate() {
        let supply = Supply {
            line_voltage_mv: NonZeroU32::MAX,
            phases: 3,
        };
        assert_eq!(supply.watts(Rate(i64::MAX), 3), Rate(i64::MAX));
        assert_eq!(supply.watts(Rate(i64::MIN), 255), Rate(i64::MIN));
        let supply = Supply {
            line_voltage_mv: NonZeroU32::MIN,
            phases: 0,
        };
        assert_eq!(supply.amperes(Rate(i64::MAX), 0), Rate(i64::MAX));
        assert_eq!(supply.usable(3), 1);
    }
}
