//! The composite schedule: what a station should do with all its profiles, as `GetCompositeSchedule` asks.

use fleet::UtcMicros;

use super::merge::{Merged, add};
use super::plan::{Plan, Scope, floor};
use super::profile::{OperationMode, ProfileId};
use super::rate::{PhaseRates, Rate, RateUnit, Rates};
use super::set::ProfileSet;
use super::station::Station;
use super::timeline::second;

/// Most periods of a composite schedule: as many as a schedule on the wire may have.
pub const COMPOSITE_PERIODS_MAX: usize = 1_024;
/// Most looks at a profile for one schedule, and what a change costs beside them: together some ten milliseconds,
/// which only a set at its bounds or years of daily profiles reach.
const LOOKS_MAX: usize = 1 << 21;
const LOOKS_PER_CHANGE: usize = 16;

/// Which schedule is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// The EVSE; 0 for the grid connection.
    pub evse_id: u32,
    /// Its beginning; fractions of a second are cut off.
    pub from: UtcMicros,
    /// How long.
    pub duration_s: u32,
    /// In which unit.
    pub unit: RateUnit,
}

/// Rates over time, ours or a station's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompositeSchedule {
    /// Where it begins.
    pub start: UtcMicros,
    /// How long it says something.
    pub duration_s: u32,
    /// What its rates count.
    pub unit: RateUnit,
    /// In order, the first at 0, none equal to the one before; empty only where `duration_s` is 0.
    pub periods: Vec<CompositePeriod>,
    /// The station shifts a period that is not the first by up to this many seconds, at random (K01.FR.92).
    pub delay_max_s: u32,
    /// Shorter than was asked for: more than [`COMPOSITE_PERIODS_MAX`] periods, or too many changes.
    pub is_truncated: bool,
}

/// A stretch of a composite schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct CompositePeriod {
    /// Seconds from its beginning.
    pub start_s: u32,
    /// What may flow. Without limit nothing but the station's own bounds holds.
    pub rates: Rates,
    /// The fewest phases any profile names; `None` where none does.
    pub phases: Option<u8>,
    /// The phase to use, where the profiles agree.
    pub phase_to_use: Option<u8>,
    /// Who sets the rates.
    pub mode: OperationMode,
}

/// A schedule was asked of an EVSE that is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("EVSE {0} is not known")]
pub struct UnknownEvse(
    /// Its id.
    pub u32,
);

/// The schedule that follows from `profiles`.
///
/// At each moment the highest stack level with a period leads its purpose; the lowest of the leading limits holds;
/// TxProfile stands instead of TxDefaultProfile, PriorityCharging instead of both; LocalGeneration comes on top
/// (K08.FR.04). Where two profiles of a purpose share the highest level, both hold. An EVSE without transaction is
/// seen as if one began at `from` (K08.FR.06).
///
/// For EVSE 0 the rates of all known EVSEs are added up, then held against what limits the station (K08.FR.03). One
/// EVSE without limit leaves only the latter.
///
/// # Errors
///
/// [`UnknownEvse`] when `station` has no such EVSE (K08.FR.05).
pub fn composite(
    profiles: &ProfileSet,
    station: &Station,
    request: &Request,
) -> Result<CompositeSchedule, UnknownEvse> {
    let from = second(request.from);
    let plan = |scope| Plan::new(profiles, station, scope, from, request.unit);
    if request.evse_id == 0 {
        let shares = station.evses.iter().map(|evse| plan(Scope::Share(evse)));
        return Ok(grid(request, plan(Scope::Grid), shares.collect()));
    }
    let evse = station
        .evse(request.evse_id)
        .ok_or(UnknownEvse(request.evse_id))?;
    let mut plan = plan(Scope::Evse(evse));
    let mut schedule = sweep(request, plan.len(), |t| plan.at(t, None));
    schedule.delay_max_s = plan.delay_max_s();
    Ok(schedule)
}

/// The schedule of the grid connection: what the EVSEs draw together, within what `whole` allows.
fn grid(request: &Request, mut whole: Plan<'_>, mut shares: Vec<Plan<'_>>) -> CompositeSchedule {
    let split = whole.is_split() || shares.iter().any(Plan::is_split);
    if split {
        whole.split();
        shares.iter_mut().for_each(Plan::split);
    }
    let len = whole.len() + shares.iter().map(Plan::len).sum::<usize>();
    let mut schedule = sweep(request, len, |t| {
        let mut sum = None;
        let mut next = i64::MAX;
        for share in &mut shares {
            let (merged, until) = share.at(t, None);
            next = next.min(until);
            sum = Some(Sum::plus(sum, &merged, split));
        }
        let sum = sum.map(Sum::merged);
        let (merged, until) = whole.at(t, sum.as_ref());
        (merged, next.min(until))
    });
    let delays = shares.iter().map(Plan::delay_max_s);
    schedule.delay_max_s = delays.max().unwrap_or(0);
    schedule
}

/// The profiles that lead at `at`, in order of their ids: why the composite schedule says there what it says. For
/// EVSE 0 those of the station as a whole.
///
/// # Errors
///
/// [`UnknownEvse`] when `station` has no such EVSE.
pub fn leading(
    profiles: &ProfileSet,
    station: &Station,
    evse_id: u32,
    at: UtcMicros,
) -> Result<Vec<ProfileId>, UnknownEvse> {
    let scope = match evse_id {
        0 => Scope::Grid,
        _ => Scope::Evse(station.evse(evse_id).ok_or(UnknownEvse(evse_id))?),
    };
    let at = second(at);
    // Who leads does not depend on the unit.
    let mut plan = Plan::new(profiles, station, scope, at, RateUnit::Watts);
    plan.at(at, None);
    Ok(plan.leads().collect())
}

/// Collects what applies from change to change, equal neighbours as one; `profiles` are looked at for each.
fn sweep(
    request: &Request,
    profiles: usize,
    mut at: impl FnMut(i64) -> (Merged, i64),
) -> CompositeSchedule {
    let from = second(request.from);
    let end = from.saturating_add(i64::from(request.duration_s));
    let mut periods: Vec<CompositePeriod> = Vec::new();
    let mut t = from;
    for _ in 0..LOOKS_MAX / (profiles + LOOKS_PER_CHANGE) {
        if t >= end {
            break;
        }
        let (merged, next) = at(t);
        let period = CompositePeriod {
            // At most duration_s, since t < end.
            start_s: (t - from) as u32,
            rates: merged.rates,
            phases: merged.phases,
            phase_to_use: merged.phase_to_use,
            mode: merged.mode,
        };
        let continues = periods.last().is_some_and(|last| period.follows_from(last));
        if !continues {
            if periods.len() == COMPOSITE_PERIODS_MAX {
                break;
            }
            periods.push(period);
        }
        assert!(t < next, "a change at {next} after {t}");
        t = next.min(end);
    }
    CompositeSchedule {
        start: floor(request.from),
        duration_s: (t - from) as u32,
        unit: request.unit,
        periods,
        delay_max_s: 0,
        is_truncated: t < end,
    }
}

impl CompositePeriod {
    /// True when only the beginning differs.
    fn follows_from(&self, before: &Self) -> bool {
        Self {
            start_s: before.start_s,
            ..*self
        } == *before
    }
}

/// What several EVSEs draw together. A rate is known only while it is known of each.
#[derive(Clone, Copy)]
struct Sum {
    rates: Rates,
    /// What all agree on.
    mode: Option<OperationMode>,
    /// Some EVSE may discharge, so the bound on discharge means something.
    discharges: bool,
}

impl Sum {
    /// `split` when all rates are per phase.
    fn plus(sum: Option<Self>, share: &Merged, split: bool) -> Self {
        let idle = share.mode == OperationMode::Idle;
        let charges_only = idle || share.mode == OperationMode::ChargingOnly;
        let part = Self {
            rates: Rates {
                limit: zero_if(idle, split, share.rates.limit),
                discharge_limit: zero_if(charges_only, split, share.rates.discharge_limit),
                setpoint: zero_if(idle, split, share.rates.setpoint),
                setpoint_reactive: zero_if(idle, split, share.rates.setpoint_reactive),
            },
            mode: Some(share.mode),
            discharges: !charges_only,
        };
        let Some(sum) = sum else {
            return part;
        };
        Self {
            rates: Rates {
                limit: added(sum.rates.limit, part.rates.limit),
                discharge_limit: added(sum.rates.discharge_limit, part.rates.discharge_limit),
                setpoint: added(sum.rates.setpoint, part.rates.setpoint),
                setpoint_reactive: added(sum.rates.setpoint_reactive, part.rates.setpoint_reactive),
            },
            mode: sum.mode.filter(|mode| Some(*mode) == part.mode),
            discharges: sum.discharges || part.discharges,
        }
    }

    fn merged(self) -> Merged {
        let mut rates = self.rates;
        if !self.discharges {
            rates.discharge_limit = PhaseRates::NONE;
        }
        Merged {
            rates,
            mode: self.mode.unwrap_or_default(),
            ..Merged::default()
        }
    }
}

/// Nothing flows where nothing may; else `rates`.
fn zero_if(nothing_flows: bool, split: bool, rates: PhaseRates) -> PhaseRates {
    let zero = Some(Rate::ZERO);
    match nothing_flows {
        true => PhaseRates {
            all: zero,
            l2: zero.filter(|_| split),
            l3: zero.filter(|_| split),
        },
        false => rates,
    }
}

fn added(a: PhaseRates, b: PhaseRates) -> PhaseRates {
    let both = |a: Option<Rate>, b: Option<Rate>| a.zip(b).map(|(a, b)| add(a, b));
    PhaseRates {
        all: both(a.all, b.all),
        l2: both(a.l2, b.l2),
        l3: both(a.l3, b.l3),
    }
}
