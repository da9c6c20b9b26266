//! The charging profiles a station holds, as far as we know.
//!
//! The set follows the station: a profile enters once the station has accepted it, whatever [`check`](super::check)
//! thought of it, and leaves by the station's own rules.
//!
//! # Invariants
//!
//! - No two profiles share an id.
//! - The periods of every schedule are in order of their start.
//! - At most [`PROFILES_MAX`] profiles and [`PERIODS_MAX`] periods: a station that reports more is not believed.

use fleet::UtcMicros;

use super::profile::{Kind, PERIODS_PER_SCHEDULE_MAX, Profile, ProfileId, Purpose, SCHEDULES_MAX};
use super::rate::{PhaseRates, Rate};
use super::station::Edition;

/// Most profiles kept for one station.
pub const PROFILES_MAX: usize = 256;
/// Most periods kept for one station, over all its profiles.
pub const PERIODS_MAX: usize = 8_192;

/// A profile in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installed {
    /// The EVSE it was sent to; 0 for the whole station.
    pub evse_id: u32,
    /// The profile, its periods in order.
    pub profile: Profile,
    /// When the station took it.
    pub installed_at: UtcMicros,
    /// Not in force any more although installed: the station was offline for too long (K01.FR.102).
    pub is_void: bool,
}

impl Installed {
    /// When the rates of a dynamic profile last changed; on receipt at the earliest (K28.FR.05).
    pub fn updated_at(&self) -> UtcMicros {
        self.profile.updated_at.unwrap_or(self.installed_at)
    }
}

/// A profile that a set does not take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Full {
    /// Too many profiles.
    #[error("a station holds at most {PROFILES_MAX} charging profiles here")]
    Profiles,
    /// Too many periods over all profiles.
    #[error(
        "{found} schedule periods in all profiles of a station, at most {PERIODS_MAX} are kept"
    )]
    Periods {
        /// How many there would be.
        found: usize,
    },
    /// Too many schedules in one profile.
    #[error("charging profile with {found} schedules, expected at most {SCHEDULES_MAX}")]
    Schedules {
        /// How many there are.
        found: usize,
    },
    /// Too many periods in one schedule.
    #[error("charging schedule with {found} periods, expected at most {PERIODS_PER_SCHEDULE_MAX}")]
    Schedule {
        /// How many there are.
        found: usize,
    },
}

/// A profile whose rates cannot be updated (K28.FR.11, K28.FR.12).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotDynamic {
    /// There is none with this id.
    #[error("no charging profile {0} is installed")]
    Unknown(
        /// The id asked for.
        ProfileId,
    ),
    /// It is of another kind.
    #[error("charging profile {id} is {kind}, only a Dynamic one takes updates")]
    Kind {
        /// Its id.
        id: ProfileId,
        /// Its kind.
        kind: Kind,
    },
}

/// New rates for a dynamic profile (2.1 `ChargingScheduleUpdateType`); what is not given stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Update {
    /// `limit`, `limit_L2`, `limit_L3`.
    pub limit: PhaseRates,
    /// `dischargeLimit` and its phases.
    pub discharge_limit: PhaseRates,
    /// `setpoint` and its phases.
    pub setpoint: PhaseRates,
    /// `setpointReactive` and its phases.
    pub setpoint_reactive: PhaseRates,
}

/// The charging profiles of one station.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct ProfileSet {
    /// In order of id.
    profiles: Vec<Installed>,
}

impl ProfileSet {
    /// A station without profiles.
    pub fn new() -> Self {
        Self::default()
    }

    /// All profiles in order of their ids.
    pub fn iter(&self) -> std::slice::Iter<'_, Installed> {
        self.profiles.iter()
    }

    /// How many profiles there are.
    pub fn len(&self) -> usize {
        self.profiles.len()
    }

    /// True without any profile.
    pub fn is_empty(&self) -> bool {
        self.profiles.is_empty()
    }

    /// The profile with this id.
    pub fn get(&self, id: ProfileId) -> Option<&Installed> {
        let at = self.position(id).ok()?;
        self.profiles.get(at)
    }

    /// Takes a profile that the station accepted at `at`, and answers which ones it replaced.
    ///
    /// One with the same id goes, wherever it was (K01.FR.05, 1.6 §5.16.3). In 1.6 the one with the same purpose and
    /// stack level on the same connector goes too; in 2.x such profiles stand beside each other, at different times
    /// (K01.FR.06).
    ///
    /// # Errors
    ///
    /// [`Full`], and nothing has changed.
    pub fn install(
        &mut self,
        edition: Edition,
        evse_id: u32,
        mut profile: Profile,
        at: UtcMicros,
    ) -> Result<Vec<ProfileId>, Full> {
        let own_periods = periods_of(&profile)?;
        let is_replaced = |installed: &Installed| {
            let old = &installed.profile;
            let same_place = (installed.evse_id, old.purpose, old.stack_level)
                == (evse_id, profile.purpose, profile.stack_level);
            old.id == profile.id || (edition == Edition::V16 && same_place)
        };
        let (gone, stay): (Vec<_>, Vec<_>) = self
            .profiles
            .iter()
            .partition(|installed| is_replaced(installed));
        if stay.len() >= PROFILES_MAX {
            return Err(Full::Profiles);
        }
        let kept: usize = stay
            .iter()
            .map(|installed| periods(&installed.profile))
            .sum();
        let found = kept + own_periods;
        if found > PERIODS_MAX {
            return Err(Full::Periods { found });
        }
        let gone: Vec<_> = gone.iter().map(|installed| installed.profile.id).collect();
        self.remove(&gone);
        for schedule in &mut profile.schedules {
            schedule.periods.sort_by_key(|period| period.start_s);
        }
        let place = self.position(profile.id).unwrap_or_else(|place| place);
        let installed = Installed {
            evse_id,
            profile,
            installed_at: at,
            is_void: false,
        };
        self.profiles.insert(place, installed);
        Ok(gone)
    }

    /// Gives a TxProfile that came with a remote start, without transaction, the one that has begun on its EVSE
    /// (1.6 §5.16.2, K05). A remote start that left the EVSE to the station is taken once that is known.
    pub fn transaction_started(&mut self, evse_id: u32, ocpp_transaction_id: &str) {
        for installed in &mut self.profiles {
            let profile = &mut installed.profile;
            if profile.purpose == Purpose::TxProfile && installed.evse_id == evse_id {
                profile
                    .ocpp_transaction_id
                    .get_or_insert_with(|| ocpp_transaction_id.into());
            }
        }
    }

    /// Drops the TxProfiles of a transaction that has ended, and answers which (K02.FR.05, 1.6 §3.13.1).
    pub fn transaction_ended(&mut self, evse_id: u32, ocpp_transaction_id: &str) -> Vec<ProfileId> {
        self.remove_where(|installed| {
            let named = installed.profile.ocpp_transaction_id.as_deref();
            installed.profile.purpose == Purpose::TxProfile
                && named.map_or(installed.evse_id == evse_id, |named| {
                    named == ocpp_transaction_id
                })
        })
    }

    /// Changes the rates of a dynamic profile and the time they count from (K28.FR.06, K28.FR.09).
    ///
    /// # Errors
    ///
    /// [`NotDynamic`] where the station answers Rejected.
    pub fn update(
        &mut self,
        id: ProfileId,
        update: &Update,
        at: UtcMicros,
    ) -> Result<(), NotDynamic> {
        let place = self.position(id).map_err(|_| NotDynamic::Unknown(id))?;
        let profile = &mut self.profiles[place].profile;
        if profile.kind != Kind::Dynamic {
            let kind = profile.kind;
            return Err(NotDynamic::Kind { id, kind });
        }
        profile.updated_at = Some(at);
        let period =
            (profile.schedules.first_mut()).and_then(|schedule| schedule.periods.first_mut());
        if let Some(period) = period {
            period.apply(update);
        }
        Ok(())
    }

    /// The rates of a dynamic profile, for a station that asks (K28.FR.07).
    ///
    /// # Errors
    ///
    /// [`NotDynamic`], to be answered Rejected (K28.FR.12).
    pub fn dynamic(&self, id: ProfileId) -> Result<Update, NotDynamic> {
        let profile = &self.get(id).ok_or(NotDynamic::Unknown(id))?.profile;
        if profile.kind != Kind::Dynamic {
            let kind = profile.kind;
            return Err(NotDynamic::Kind { id, kind });
        }
        let period = (profile.schedules.first()).and_then(|schedule| schedule.periods.first());
        let rates = period.map(|period| period.rates()).unwrap_or_default();
        Ok(Update {
            limit: rates.limit,
            discharge_limit: rates.discharge_limit,
            setpoint: rates.setpoint,
            setpoint_reactive: rates.setpoint_reactive,
        })
    }

    /// The station is back after it was offline from `since` to `at`. Profiles that do not survive so long stay
    /// installed but void; answers which (K01.FR.102).
    pub fn reconnected(&mut self, since: UtcMicros, at: UtcMicros) -> Vec<ProfileId> {
        let offline_micros = at.0.saturating_sub(since.0);
        let mut void = Vec::new();
        for installed in &mut self.profiles {
            let profile = &installed.profile;
            let too_long = (profile.offline_max_s)
                .is_some_and(|max| offline_micros > i64::from(max) * 1_000_000);
            if profile.ends_offline && too_long && !installed.is_void {
                installed.is_void = true;
                void.push(profile.id);
            }
        }
        void
    }

    /// Sets a profile aside that did not outlive the time its station was offline.
    pub(super) fn avoid(&mut self, id: ProfileId) {
        if let Ok(place) = self.position(id) {
            self.profiles[place].is_void = true;
        }
    }

    /// Drops a profile that something newer stands instead of.
    pub(super) fn drop_replaced(&mut self, id: ProfileId) {
        self.remove(&[id]);
    }

    /// Drops the profiles that `gone` picks, and answers their ids.
    pub(super) fn remove_where(&mut self, gone: impl Fn(&Installed) -> bool) -> Vec<ProfileId> {
        let gone: Vec<_> = (self.profiles.iter())
            .filter(|installed| gone(installed))
            .map(|installed| installed.profile.id)
            .collect();
        self.remove(&gone);
        gone
    }

    fn remove(&mut self, ids: &[ProfileId]) {
        self.profiles
            .retain(|installed| !ids.contains(&installed.profile.id));
    }

    fn position(&self, id: ProfileId) -> Result<usize, usize> {
        self.profiles
            .binary_search_by_key(&id, |installed| installed.profile.id)
    }
}

/// How many periods a profile has, if none of its lists is too long.
fn periods_of(profile: &Profile) -> Result<usize, Full> {
    let found = profile.schedules.len();
    if found > SCHEDULES_MAX {
        return Err(Full::Schedules { found });
    }
    let lengths = profile
        .schedules
        .iter()
        .map(|schedule| schedule.periods.len());
    match lengths.max().filter(|len| *len > PERIODS_PER_SCHEDULE_MAX) {
        Some(found) => Err(Full::Schedule { found }),
        None => Ok(periods(profile)),
    }
}

fn periods(profile: &Profile) -> usize {
    profile
        .schedules
        .iter()
        .map(|schedule| schedule.periods.len())
        .sum()
}

impl super::profile::Period {
    fn apply(&mut self, update: &Update) {
        let newer = |own: &mut Option<Rate>, new: Option<Rate>| *own = new.or(*own);
        newer(&mut self.limit, update.limit.all);
        let beyond_limit = Update {
            limit: PhaseRates {
                all: None,
                ..update.limit
            },
            ..*update
        };
        if beyond_limit == Update::default() {
            return;
        }
        let v2x = self.v2x.get_or_insert_default();
        newer(&mut v2x.limit_l2, update.limit.l2);
        newer(&mut v2x.limit_l3, update.limit.l3);
        for (own, new) in [
            (&mut v2x.discharge_limit, update.discharge_limit),
            (&mut v2x.setpoint, update.setpoint),
            (&mut v2x.setpoint_reactive, update.setpoint_reactive),
        ] {
            newer(&mut own.all, new.all);
            newer(&mut own.l2, new.l2);
            newer(&mut own.l3, new.l3);
        }
    }
}
