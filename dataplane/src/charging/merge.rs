//! Rates of several profiles at one moment as one: units, phases, the lowest of each.

use super::profile::{LimitAtSoc, OperationMode, Period, ProfileId, Schedule};
use super::rate::{PhaseRates, Rate, RateUnit, Rates, Supply, divisor};
use super::station::SetpointPriority;

/// A period that leads its purpose at some moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lead<'p> {
    pub(super) id: ProfileId,
    pub(super) period: &'p Period,
    pub(super) schedule: &'p Schedule,
    pub(super) role: Role,
    /// The EV's state of charge, where it is known.
    pub(super) soc_percent: Option<u8>,
}

/// What a lead does to the whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Limits it.
    Constraint,
    /// Limits it, and may give the external setpoint.
    External,
    /// Limits it, and may give the CSMS's setpoint and the mode.
    Transaction,
    /// Comes on top.
    Generation,
}

/// What applies at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(super) struct Merged {
    pub(super) rates: Rates,
    pub(super) phases: Option<u8>,
    pub(super) phase_to_use: Option<u8>,
    pub(super) mode: OperationMode,
}

/// In what terms to merge.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    pub(super) unit: RateUnit,
    pub(super) supply: Supply,
    pub(super) setpoint_priority: SetpointPriority,
    /// Give rates per phase even where no lead does.
    pub(super) split: bool,
}

/// Merges `leads`: the lowest limit, the least discharge, one setpoint within both, and what is generated locally on
/// top of the limit (K08.FR.04, K08.FR.08). `sum` stands for the transactions of a whole station, in the same terms.
pub(super) fn merge(leads: &[Lead<'_>], sum: Option<&Merged>, terms: &Terms) -> Merged {
    let limiting = || leads.iter().filter(|lead| lead.role != Role::Generation);
    let is_split = |lead: &Lead<'_>| lead.period.effective().is_split();
    let phases = limiting().filter_map(|lead| lead.period.phases).min();
    let convert = Convert {
        terms,
        used: terms.supply.usable(phases.unwrap_or(3)),
        split: terms.split || leads.iter().any(is_split),
    };
    let mut merged = Merged {
        phases,
        phase_to_use: agreed_phase(limiting().filter_map(|lead| lead.period.phase_to_use)),
        ..Merged::default()
    };
    let (mut of_transaction, mut of_external) = (Setpoint::default(), Setpoint::default());
    for lead in limiting() {
        let rates = convert.rates(lead);
        bound(&mut merged.rates, &rates);
        match lead.role {
            Role::Constraint | Role::Generation => {}
            Role::External => of_external.merge(&rates, lead.period.mode),
            Role::Transaction => of_transaction.merge(&rates, lead.period.mode),
        }
    }
    if let Some(sum) = sum {
        bound(&mut merged.rates, &sum.rates);
        of_transaction.merge(&sum.rates, sum.mode);
    }
    let setpoint = Setpoint::choose(of_transaction, of_external, terms.setpoint_priority);
    merged.mode = setpoint.mode.unwrap_or_default();
    for lead in leads.iter().filter(|lead| lead.role == Role::Generation) {
        let extra = convert.rates(lead).limit;
        merged.rates.limit = merged.rates.limit.and_then(extra, add);
    }
    merged.rates.setpoint = setpoint
        .active
        .and_then(merged.rates.limit, |set, limit| match set > Rate::ZERO {
            true => set.min(limit),
            false => set,
        })
        .and_then(merged.rates.discharge_limit, |set, limit| {
            match set < Rate::ZERO {
                true => set.max(limit),
                false => set,
            }
        });
    merged.rates.setpoint_reactive = setpoint.reactive;
    merged
}

/// Takes the lower limit and the lesser discharge.
fn bound(own: &mut Rates, other: &Rates) {
    own.limit = own.limit.or_both(other.limit, Ord::min);
    own.discharge_limit = own.discharge_limit.or_both(other.discharge_limit, Ord::max);
}

/// The one phase all name; none where they differ, because then no schedule can follow (2.1 K, section 3.8).
fn agreed_phase(mut phases: impl Iterator<Item = u8>) -> Option<u8> {
    let first = phases.next()?;
    phases.all(|phase| phase == first).then_some(first)
}

pub(super) fn add(a: Rate, b: Rate) -> Rate {
    Rate(a.0.saturating_add(b.0))
}

/// The setpoints of one side, the CSMS or the external system.
#[derive(Clone, Copy, Debug, Default)]
struct Setpoint {
    active: PhaseRates,
    reactive: PhaseRates,
    mode: Option<OperationMode>,
}

impl Setpoint {
    fn merge(&mut self, rates: &Rates, mode: OperationMode) {
        self.active = self.active.or_both(rates.setpoint, gentler);
        self.reactive = self.reactive.or_both(rates.setpoint_reactive, gentler);
        self.mode = Some(self.mode.map_or(mode, |own| own.max(mode)));
    }

    fn is_given(&self) -> bool {
        !self.active.is_none() || !self.reactive.is_none()
    }

    /// The side whose setpoint applies; where neither gives one, the transaction's mode goes first.
    fn choose(transaction: Self, external: Self, priority: SetpointPriority) -> Self {
        match (transaction.is_given(), external.is_given()) {
            (true, false) => transaction,
            (false, true) => external,
            (true, true) => match priority {
                SetpointPriority::ExternalControl => external,
                SetpointPriority::Csms => transaction,
            },
            (false, false) => Self {
                mode: transaction.mode.or(external.mode),
                ..Self::default()
            },
        }
    }
}

/// The setpoint that moves less energy: the lower when charging, the higher when discharging (SC.04).
fn gentler(a: Rate, b: Rate) -> Rate {
    std::cmp::min_by_key(a, b, |rate| (rate.0.unsigned_abs(), rate.0 < 0))
}

/// Brings rates to one unit, and to rates per phase where any lead gives those.
struct Convert<'t> {
    terms: &'t Terms,
    /// Phases the composite period uses: the lowest of all leads, as far as the supply has them (K01.FR.140).
    used: u8,
    split: bool,
}

impl Convert<'_> {
    fn rates(&self, lead: &Lead<'_>) -> Rates {
        let mut rates = lead.period.effective();
        let full = |cap: &LimitAtSoc| lead.soc_percent.is_some_and(|soc| soc >= cap.soc_percent);
        if let Some(cap) = lead.schedule.limit_at_soc.filter(full) {
            cap_at(&mut rates, cap.limit);
        }
        let (from, own) = (lead.schedule.unit, lead.period.phases.unwrap_or(3));
        Rates {
            limit: self.phases(rates.limit, from, own),
            discharge_limit: self.phases(rates.discharge_limit, from, own),
            setpoint: self.phases(rates.setpoint, from, own),
            setpoint_reactive: self.phases(rates.setpoint_reactive, from, own),
        }
    }

    /// `own` is the number of phases the period itself names. Watts become amperes over those (K01.FR.50); amperes
    /// become watts over the phases in use, because a limit per phase holds for each of them, however few.
    fn phases(&self, rates: PhaseRates, from: RateUnit, own: u8) -> PhaseRates {
        use RateUnit::{Amperes, Watts};

        let (to, supply) = (self.terms.unit, &self.terms.supply);
        if rates.is_split() {
            return rates.map(|rate| match (from, to) {
                (Watts, Amperes) => supply.amperes(rate, 1),
                (Amperes, Watts) => supply.watts(rate, 1),
                (Amperes, Amperes) | (Watts, Watts) => rate,
            });
        }
        if !self.split {
            return rates.map(|rate| match (from, to) {
                (Watts, Amperes) => supply.amperes(rate, own),
                (Amperes, Watts) => supply.watts(rate, self.used),
                (Amperes, Amperes) | (Watts, Watts) => rate,
            });
        }
        let each = rates.all.map(|rate| match (from, to) {
            (Watts, Amperes) => supply.amperes(rate, own),
            (Amperes, Watts) => supply.watts(rate, 1),
            (Watts, Watts) => Rate(rate.0 / divisor(own) as i64),
            (Amperes, Amperes) => rate,
        });
        PhaseRates {
            all: each,
            l2: each,
            l3: each,
        }
    }
}

/// Caps limit and setpoint (K01.FR.100).
fn cap_at(rates: &mut Rates, cap: Rate) {
    rates.setpoint = rates.setpoint.map(|rate| rate.min(cap));
    rates.limit = match rates.limit.is_none() {
        true => PhaseRates::of(cap),
        false => rates.limit.map(|rate| rate.min(cap)),
    };
}
