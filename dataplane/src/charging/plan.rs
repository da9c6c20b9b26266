//! The profiles that bear on one EVSE, or on the grid connection, moving along the time axis.

use fleet::UtcMicros;

use super::merge::{Lead, Merged, Role, Terms, merge};
use super::profile::{Period, ProfileId, Purpose, Schedule};
use super::rate::RateUnit;
use super::set::{Installed, ProfileSet};
use super::station::{Evse, Station};
use super::timeline::{Clock, Timeline, second};

/// Which profiles a plan takes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Scope<'s> {
    /// All that bear on one EVSE: its own, and the station's.
    Evse(&'s Evse),
    /// What one EVSE adds to the grid connection: the station's constraints are left to [`Scope::Grid`].
    Share(&'s Evse),
    /// The constraints on the station as a whole.
    Grid,
}

impl<'s> Scope<'s> {
    fn evse(self) -> Option<&'s Evse> {
        match self {
            Self::Evse(evse) | Self::Share(evse) => Some(evse),
            Self::Grid => None,
        }
    }

    /// `hidden` says which profiles of the station the EVSE has its own instead of.
    fn takes(self, installed: &Installed, hidden: &Hidden) -> bool {
        let (profile, owner) = (&installed.profile, installed.evse_id);
        let own = self.evse().is_some_and(|evse| evse.id == owner);
        let of_station = owner == 0;
        let constraint = match self {
            Self::Evse(_) => own || of_station,
            Self::Share(_) => own,
            Self::Grid => of_station,
        };
        let of_evse = own || (of_station && self.evse().is_some());
        let transaction = self.evse().and_then(|evse| evse.transaction.as_ref());
        match profile.purpose {
            Purpose::ChargingStationMaxProfile | Purpose::ChargingStationExternalConstraints => {
                constraint
            }
            Purpose::LocalGeneration => constraint && !hidden.hides(installed),
            Purpose::TxDefaultProfile => of_evse && !hidden.hides(installed),
            Purpose::PriorityCharging => {
                let asked = transaction.is_some_and(|transaction| transaction.priority);
                asked && of_evse && !hidden.hides(installed)
            }
            // Without a transaction it is for the one that runs where it was sent.
            Purpose::TxProfile => {
                transaction.is_some_and(|running| match &profile.ocpp_transaction_id {
                    Some(named) => of_evse && *named == running.ocpp_transaction_id,
                    None => own,
                })
            }
        }
    }
}

/// What an EVSE has profiles of its own for: at the same level they stand instead of the station's (1.6 §3.13.1).
struct Hidden(Vec<(Purpose, u32)>);

impl Hidden {
    fn by(evse: Option<&Evse>, profiles: &ProfileSet) -> Self {
        let own = profiles
            .iter()
            .filter(|installed| evse.is_some_and(|evse| evse.id == installed.evse_id));
        Self(
            own.map(|own| (own.profile.purpose, own.profile.stack_level))
                .collect(),
        )
    }

    fn hides(&self, installed: &Installed) -> bool {
        let profile = &installed.profile;
        installed.evse_id == 0 && self.0.contains(&(profile.purpose, profile.stack_level))
    }
}

/// A profile on its way.
struct Entry<'p> {
    id: ProfileId,
    timeline: Timeline<'p>,
    schedule: &'p Schedule,
    purpose: Purpose,
    stack_level: u32,
    /// What applied when last looked, and until when.
    period: Option<&'p Period>,
    until: i64,
}

/// See the module.
pub(super) struct Plan<'p> {
    entries: Vec<Entry<'p>>,
    leads: Vec<Lead<'p>>,
    soc_percent: Option<u8>,
    is_running: bool,
    terms: Terms,
    delay_max_s: u32,
}

impl<'p> Plan<'p> {
    /// The profiles of `scope` as seen at `from`.
    pub(super) fn new(
        profiles: &'p ProfileSet,
        station: &Station,
        scope: Scope<'_>,
        from: i64,
        unit: RateUnit,
    ) -> Self {
        let transaction = scope.evse().and_then(|evse| evse.transaction.as_ref());
        // Without a transaction, or before it is ready, as if it began now (K08.FR.06).
        let ready_at = transaction
            .and_then(|running| running.ready_at)
            .map_or(from, second);
        let chosen = transaction.map_or(0, |running| usize::from(running.schedule));
        let entry = |installed: &'p Installed| {
            let profile = &installed.profile;
            let clock = Clock {
                relative: match profile.purpose.is_for_transactions() {
                    true => ready_at,
                    false => second(installed.installed_at),
                },
                utc_offset_s: i64::from(station.utc_offset_s),
                offline_since: station.offline_since.map(second),
            };
            // Of all profiles, a vehicle is offered those of its transaction to choose from (K15.FR.07).
            let at = match profile.purpose {
                Purpose::TxProfile => chosen,
                Purpose::ChargingStationMaxProfile
                | Purpose::ChargingStationExternalConstraints
                | Purpose::TxDefaultProfile
                | Purpose::PriorityCharging
                | Purpose::LocalGeneration => 0,
            };
            let schedules = &profile.schedules;
            let schedule = schedules.get(at).or(schedules.first())?;
            Some(Entry {
                id: profile.id,
                timeline: Timeline::new(installed, schedule, &clock),
                schedule,
                purpose: profile.purpose,
                stack_level: profile.stack_level,
                period: None,
                until: i64::MIN,
            })
        };
        let hidden = Hidden::by(scope.evse(), profiles);
        Self {
            entries: profiles
                .iter()
                .filter(|installed| !installed.is_void && scope.takes(installed, &hidden))
                .filter_map(entry)
                .collect(),
            leads: Vec::new(),
            soc_percent: transaction.and_then(|running| running.soc_percent),
            is_running: transaction.is_some(),
            terms: Terms {
                unit,
                supply: scope.evse().map_or(station.supply, |evse| evse.supply),
                setpoint_priority: station.setpoint_priority,
                split: false,
            },
            delay_max_s: 0,
        }
    }

    /// How many profiles there are to look at.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The profiles that led when last looked, in order of their ids.
    pub(super) fn leads(&self) -> impl Iterator<Item = ProfileId> {
        self.leads.iter().map(|lead| lead.id)
    }

    /// True when some period gives rates per phase.
    pub(super) fn is_split(&self) -> bool {
        let mut periods = self
            .entries
            .iter()
            .flat_map(|entry| &entry.schedule.periods);
        periods.any(|period| period.effective().is_split())
    }

    /// Gives rates per phase throughout, so that they can be added to those of other plans.
    pub(super) fn split(&mut self) {
        self.terms.split = true;
    }

    /// What applies at `t`, and the first second after it at which that may change. Times must not go back.
    ///
    /// `sum` is what the EVSEs draw together, for the grid connection.
    pub(super) fn at(&mut self, t: i64, sum: Option<&Merged>) -> (Merged, i64) {
        let mut next = i64::MAX;
        let mut highest: [Option<u32>; Purpose::ALL.len()] = [None; Purpose::ALL.len()];
        for entry in &mut self.entries {
            if entry.until <= t {
                (entry.period, entry.until) = entry.timeline.at(t);
            }
            next = next.min(entry.until);
            if entry.period.is_some() {
                let highest = &mut highest[entry.purpose as usize];
                *highest = (*highest).max(Some(entry.stack_level));
            }
        }
        let is_led = |purpose: &Purpose| highest[*purpose as usize].is_some();
        // PriorityCharging instead of TxProfile, that instead of TxDefaultProfile (K21.FR.04, K02.FR.04).
        let transactional = [Purpose::PriorityCharging, Purpose::TxProfile]
            .into_iter()
            .find(is_led)
            .unwrap_or(Purpose::TxDefaultProfile);
        self.leads.clear();
        for entry in &self.entries {
            let leads = highest[entry.purpose as usize] == Some(entry.stack_level);
            let Some(period) = entry.period.filter(|_| leads) else {
                continue;
            };
            let role = match entry.purpose {
                Purpose::ChargingStationMaxProfile => Role::Constraint,
                Purpose::ChargingStationExternalConstraints => Role::External,
                Purpose::LocalGeneration => Role::Generation,
                purpose if purpose == transactional => Role::Transaction,
                Purpose::TxDefaultProfile | Purpose::TxProfile | Purpose::PriorityCharging => {
                    continue;
                }
            };
            // Without a transaction there is no delay (K08.FR.06).
            if self.is_running {
                self.delay_max_s = self.delay_max_s.max(entry.schedule.randomized_delay_s);
            }
            self.leads.push(Lead {
                id: entry.id,
                period,
                schedule: entry.schedule,
                role,
                soc_percent: self.soc_percent,
            });
        }
        (merge(&self.leads, sum, &self.terms), next)
    }

    /// The longest random delay among the schedules that have led so far.
    pub(super) fn delay_max_s(&self) -> u32 {
        self.delay_max_s
    }
}

/// The second a moment falls into, as a moment.
pub(super) fn floor(at: UtcMicros) -> UtcMicros {
    UtcMicros(second(at).saturating_mul(1_000_000))
}
