//! Rules that concern the other profiles of the station.

use fleet::UtcMicros;

use super::{Judge, Problem, place};
use crate::charging::profile::{Profile, Purpose};
use crate::charging::set::Installed;
use crate::charging::station::Edition;

impl Judge<'_> {
    pub(super) fn stack(&mut self) {
        let profiles = self.profiles;
        let others = || {
            profiles
                .iter()
                .filter(|other| other.profile.id != self.profile.id)
        };
        let is_new = profiles.get(self.profile.id).is_none();
        let max = self.station.features.profiles_max;
        if let Some(max) = max.filter(|max| is_new && profiles.len() >= *max as usize) {
            let found = profiles.len();
            let rule = self.rule("1.6 §9.4.5", "SmartChargingCtrlr.Entries");
            self.warn(rule, Problem::ProfilesMax { found, max });
        }
        // 1.6 replaces what stands in the way (1.6 §5.16.3).
        if self.edition() == Edition::V16 {
            return;
        }
        let old = profiles.get(self.profile.id).map(|old| old.profile.purpose);
        if old == Some(Purpose::ChargingStationExternalConstraints) {
            let id = self.profile.id;
            self.warn("K01.FR.05", Problem::ReplacesExternal { id });
        }
        for other in others() {
            self.level(other);
            self.phase(other);
        }
    }

    /// At most one profile of a purpose and stack level at a time.
    fn level(&mut self, installed: &Installed) {
        let (own, other) = (self.profile, &installed.profile);
        if (own.purpose, own.stack_level) != (other.purpose, other.stack_level) {
            return;
        }
        let (id, evse_id) = (other.id, installed.evse_id);
        let same_transaction = own.ocpp_transaction_id.is_some()
            && own.ocpp_transaction_id == other.ocpp_transaction_id;
        if own.purpose == Purpose::TxProfile {
            if same_transaction {
                self.refuse("K01.FR.39", Problem::SameTransactionLevel { other: id });
            }
        } else if evse_id == self.evse_id {
            if overlaps(own, other) {
                self.refuse("K01.FR.06", Problem::SameLevel { other: id, evse_id });
            }
        } else if own.purpose == Purpose::TxDefaultProfile && (evse_id == 0 || self.evse_id == 0) {
            let rule = if self.evse_id == 0 {
                "K01.FR.52"
            } else {
                "K01.FR.53"
            };
            self.warn(rule, Problem::DefaultElsewhere { other: id, evse_id });
        }
    }

    /// Two profiles that may both apply must not want different phases. Whether their periods meet is not looked at:
    /// the station itself must refuse unless it is certain that they do not (2.1 K, section 3.8; errata of 2.0.1, §2.36).
    fn phase(&mut self, installed: &Installed) {
        let (own, other) = (self.profile, &installed.profile);
        let same_place =
            installed.evse_id == self.evse_id || installed.evse_id == 0 || self.evse_id == 0;
        let constrains = |purpose| {
            matches!(
                purpose,
                Purpose::ChargingStationMaxProfile | Purpose::ChargingStationExternalConstraints
            )
        };
        if !same_place
            || constrains(own.purpose) == constrains(other.purpose)
            || !overlaps(own, other)
        {
            return;
        }
        let phases = other
            .schedules
            .iter()
            .flat_map(|schedule| &schedule.periods);
        let Some(wanted) = phases.filter_map(|period| period.phase_to_use).next() else {
            return;
        };
        for schedule in &own.schedules {
            let mut periods = schedule.periods.iter();
            let conflict = periods.find_map(|period| {
                let found = period.phase_to_use.filter(|phase| *phase != wanted)?;
                Some((place(schedule, period), found))
            });
            if let Some((place, found)) = conflict {
                let other = other.id;
                let problem = Problem::PhaseConflict {
                    place,
                    found,
                    other,
                    wanted,
                };
                let rule = match self.edition() {
                    Edition::V16 | Edition::V201 => "2.0.1 errata 2.36",
                    Edition::V21 => "K01.FR.141",
                };
                self.warn(rule, problem);
            }
        }
    }
}

/// True when both are valid at some moment (K01.FR.36, K01.FR.37).
fn overlaps(a: &Profile, b: &Profile) -> bool {
    let from = |profile: &Profile| profile.valid_from.unwrap_or(UtcMicros(i64::MIN));
    let to = |profile: &Profile| profile.valid_to.unwrap_or(UtcMicros(i64::MAX));
    from(a).max(from(b)) < to(a).min(to(b))
}
