//! What a usage comes to: parts with and without tax, and their total.

use super::{Limit, Tariff, Taxes, Usage};

/// Units of one hundredth: milliwatt-hours times millionths per kilowatt-hour.
const PER_ENERGY: i128 = 10_000_000_000;
/// Microseconds times millionths per minute.
const PER_TIME: i128 = 600_000_000_000;
/// Millionths.
const PER_FIXED: i128 = 10_000;
/// Ten-thousandths of a percent in one.
const WHOLE: i128 = 1_000_000;

/// An amount, hundredths of the currency's major unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Money {
    /// Without tax.
    pub excl_tax: i64,
    /// With it.
    pub incl_tax: i64,
}

impl Money {
    fn and(self, other: Self) -> Self {
        Self {
            excl_tax: self.excl_tax.saturating_add(other.excl_tax),
            incl_tax: self.incl_tax.saturating_add(other.incl_tax),
        }
    }
}

/// What is charged for, as `TotalCostType` has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Fees that are due once.
    Fixed,
    /// Energy.
    Energy,
    /// Minutes in which energy flows.
    ChargingTime,
    /// Minutes in which none does.
    IdleTime,
    /// Minutes of the reservation that was used.
    ReservationTime,
    /// The fee of that reservation.
    ReservationFixed,
}

impl Part {
    /// Every part, in the order in which they are shown.
    pub const ALL: [Self; 6] = [
        Self::Fixed,
        Self::Energy,
        Self::ChargingTime,
        Self::IdleTime,
        Self::ReservationTime,
        Self::ReservationFixed,
    ];

    /// The member of `TotalCostType`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fixed => "fixed",
            Self::Energy => "energy",
            Self::ChargingTime => "chargingTime",
            Self::IdleTime => "idleTime",
            Self::ReservationTime => "reservationTime",
            Self::ReservationFixed => "reservationFixed",
        }
    }
}

/// `TariffCostEnumType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BillKind {
    /// What the prices come to.
    Normal,
    /// The least that the tariff asks for.
    Min,
    /// The most.
    Max,
}

impl BillKind {
    /// The word of OCPP.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Normal => "NormalCost",
            Self::Min => "MinCost",
            Self::Max => "MaxCost",
        }
    }
}

/// Parts in the order of [`Part::ALL`]; `None` for what the tariff has no price for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Parts(pub(crate) [Option<Money>; 6]);

impl Parts {
    pub(crate) fn forget_energy(&mut self) {
        self.0[1] = None;
    }

    fn total(&self) -> Money {
        let parts = self.0.iter().flatten();
        parts.fold(Money::default(), |sum, part| sum.and(*part))
    }

    /// No more than `most` in the amount that `of` names: what comes last is left out first, and of the part that is cut
    /// the other amount shrinks in proportion.
    fn cut(&mut self, most: i64, of: fn(&mut Money) -> (&mut i64, &mut i64)) {
        let mut left = most;
        for part in self.0.iter_mut().flatten() {
            let (amount, other) = of(part);
            if left < *amount {
                *other = round(i128::from(*other) * i128::from(left), i128::from(*amount));
                *amount = left;
            }
            left -= *amount;
        }
    }
}

/// What a transaction comes to under its tariff.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bill {
    /// `tariffId`.
    pub tariff_id: String,
    /// ISO 4217.
    pub currency: [u8; 3],
    /// Whether a limit of the tariff decided.
    pub kind: BillKind,
    /// Their sum is `total`.
    pub parts: Vec<(Part, Money)>,
    /// All together.
    pub total: Money,
    /// Milliwatt-hours that were counted.
    pub energy_mwh: i64,
    /// Whole seconds in which energy flowed.
    pub charging_s: i64,
    /// Whole seconds in which none did.
    pub idle_s: i64,
    /// Whole seconds of the reservation that was used.
    pub reservation_s: Option<i64>,
}

impl Usage {
    /// What it comes to; the least that a tariff asks for is asked at the end alone (I12.FR.38).
    pub(crate) fn bill(&self, tariff: &Tariff, has_ended: bool) -> Bill {
        let (mut parts, mut kind) = match self.frozen {
            Some(frozen) => (frozen, BillKind::Max),
            None => (self.parts(tariff), BillKind::Normal),
        };
        let total = parts.total();
        let least = tariff.min_cost.as_ref().filter(|_| has_ended);
        if let Some(least) = least.filter(|least| is_below(total, least)) {
            parts = Parts::default();
            parts.0[0] = Some(least.money());
            kind = BillKind::Min;
        }
        let named = Part::ALL.into_iter().zip(parts.0);
        Bill {
            tariff_id: tariff.id.clone(),
            currency: tariff.currency,
            kind,
            parts: named
                .filter_map(|(part, money)| Some((part, money?)))
                .collect(),
            total: parts.total(),
            energy_mwh: self.energy_mwh,
            charging_s: self.charging / 1_000_000,
            idle_s: self.idle / 1_000_000,
            reservation_s: self.reservation.map(|held| held / 1_000_000),
        }
    }

    /// The parts once they have reached the most that the tariff asks for (I12.FR.39).
    pub(super) fn reached(&self, tariff: &Tariff) -> Option<Parts> {
        let most = tariff.max_cost.as_ref()?;
        let mut parts = self.parts(tariff);
        let reaches = |amount: i64, most: &i64| *most <= amount;
        let total = parts.total();
        let excl_tax = most.excl_tax.filter(|most| reaches(total.excl_tax, most));
        if let Some(most) = excl_tax {
            parts.cut(most, |money| (&mut money.excl_tax, &mut money.incl_tax));
        }
        let total = parts.total();
        let incl_tax = most.incl_tax.filter(|most| reaches(total.incl_tax, most));
        if let Some(most) = incl_tax {
            parts.cut(most, |money| (&mut money.incl_tax, &mut money.excl_tax));
        }
        excl_tax.or(incl_tax).map(|_| parts)
    }

    pub(super) fn parts(&self, tariff: &Tariff) -> Parts {
        let micros = |micros: Option<i64>| micros.map(i128::from);
        let held = |sum: i128| self.reservation.map(|_| sum);
        let sums = [
            (&tariff.fixed_fee, micros(self.fixed_micros), PER_FIXED),
            (&tariff.energy, Some(self.energy_sum), PER_ENERGY),
            (&tariff.charging_time, Some(self.charging_sum), PER_TIME),
            (&tariff.idle_time, Some(self.idle_sum), PER_TIME),
            (
                &tariff.reservation_time,
                held(self.reservation_sum),
                PER_TIME,
            ),
            (
                &tariff.reservation_fixed,
                micros(self.reservation_micros),
                PER_FIXED,
            ),
        ];
        let mut parts = self.before;
        for (part, (component, sum, unit)) in parts.0.iter_mut().zip(sums) {
            let (Some(component), Some(sum)) = (component, sum) else {
                continue;
            };
            let money = Money {
                excl_tax: round(sum, unit),
                incl_tax: round(component.taxes.on(sum), unit),
            };
            *part = Some(part.unwrap_or_default().and(money));
        }
        parts
    }
}

impl Taxes {
    /// `net` with them, rounded to a whole unit of it after each stack.
    fn on(&self, net: i128) -> i128 {
        let taxed = |sum: i128, rate: &i64| half_up(sum * (WHOLE + i128::from(*rate)), WHOLE);
        self.0.iter().fold(net, taxed)
    }

    /// What `gross` is without them.
    fn off(&self, gross: i128) -> i128 {
        let untaxed = |sum: i128, rate: &i64| half_up(sum * WHOLE, WHOLE + i128::from(*rate));
        self.0.iter().rev().fold(gross, untaxed)
    }
}

impl Limit {
    /// Both amounts; the one that the tariff does not name follows from its taxes.
    fn money(&self) -> Money {
        // Millionths, so that only the end is rounded to hundredths.
        let scaled = |hundredths: i64| i128::from(hundredths) * PER_FIXED;
        let (excl_tax, incl_tax) = match (self.excl_tax, self.incl_tax) {
            (Some(excl), Some(incl)) => (excl, incl),
            (Some(excl), None) => (excl, round(self.taxes.on(scaled(excl)), PER_FIXED)),
            (None, Some(incl)) => (round(self.taxes.off(scaled(incl)), PER_FIXED), incl),
            (None, None) => (0, 0),
        };
        Money { excl_tax, incl_tax }
    }
}

fn is_below(total: Money, least: &Limit) -> bool {
    least.excl_tax.is_some_and(|least| total.excl_tax < least)
        || least.incl_tax.is_some_and(|least| total.incl_tax < least)
}

/// `sum` in whole units, half away from zero; what no amount holds is the largest that one does.
fn round(sum: i128, unit: i128) -> i64 {
    i64::try_from(half_up(sum, unit)).unwrap_or(i64::MAX)
}

/// `0 <= sum`, `0 < unit`.
fn half_up(sum: i128, unit: i128) -> i128 {
    (sum + unit / 2) / unit
}
