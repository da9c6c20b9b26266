//! Rules for a profile as a whole and the place it goes to.

use super::{Judge, Problem, Via};
use crate::charging::profile::{Kind, Purpose, SCHEDULES_MAX};
use crate::charging::station::Edition;

impl Judge<'_> {
    pub(super) fn whole(&mut self) {
        self.words();
        self.target();
        match self.via {
            Via::Set => self.transaction(),
            Via::RemoteStart => self.remote_start(),
        }
        self.ids();
        self.time();
        self.schedules();
    }

    /// Purposes and kinds that the edition, or the station, does not know.
    fn words(&mut self) {
        let (edition, purpose, kind) = (self.edition(), self.profile.purpose, self.profile.kind);
        let features = &self.station.features;
        let (since, supported) = match purpose {
            Purpose::ChargingStationMaxProfile | Purpose::TxDefaultProfile | Purpose::TxProfile => {
                (Edition::V16, None)
            }
            Purpose::ChargingStationExternalConstraints => (Edition::V201, None),
            Purpose::PriorityCharging => (Edition::V21, features.priority_charging),
            Purpose::LocalGeneration => (Edition::V21, features.local_generation),
        };
        if edition < since {
            self.refuse(
                "ChargingProfilePurposeType",
                Problem::PurposeUnknown { edition, purpose },
            );
        } else if purpose == Purpose::ChargingStationExternalConstraints {
            self.refuse("K01.FR.22", Problem::PurposeExternal);
        } else if supported == Some(false) {
            self.warn("K01.FR.120", Problem::PurposeUnsupported { purpose });
        }
        if kind == Kind::Dynamic && edition < Edition::V21 {
            self.refuse(
                "ChargingProfileKindType",
                Problem::KindUnknown { edition, kind },
            );
        } else if kind == Kind::Dynamic && self.station.features.dynamic_profiles == Some(false) {
            self.warn("K01.FR.121", Problem::KindUnsupported { kind });
        }
    }

    /// The EVSE a purpose may go to.
    fn target(&mut self) {
        let evse_id = self.evse_id;
        let is_known = self.evse().is_some() || self.station.evses.is_empty();
        match (self.profile.purpose, evse_id) {
            // A remote start may leave the EVSE to the station.
            (Purpose::TxProfile, 0) if self.via == Via::Set => {
                self.refuse(
                    self.rule("1.6 §3.13.1", "K01.FR.16"),
                    Problem::TxProfileOnStation,
                );
            }
            (Purpose::ChargingStationMaxProfile, 1..) => {
                let rule = self.rule("1.6 §3.13.1", "K04.FR.03");
                self.refuse(rule, Problem::StationMaxOnEvse { evse_id });
            }
            _ if evse_id != 0 && !is_known => {
                let rule = self.rule("1.6 errata 3.39", "K01.FR.28");
                self.warn(rule, Problem::EvseUnknown { evse_id });
            }
            _ => {}
        }
    }

    fn transaction(&mut self) {
        let (evse_id, purpose) = (self.evse_id, self.profile.purpose);
        let named = self.profile.ocpp_transaction_id.clone();
        if purpose != Purpose::TxProfile {
            if let Some(named) = named {
                let rule = self.rule("1.6 §7.8", "ChargingProfileType.transactionId");
                self.refuse(rule, Problem::TransactionNotNeeded { purpose, named });
            }
            return;
        }
        if named.is_none() && self.edition() != Edition::V16 {
            self.refuse("K01.FR.03", Problem::TransactionMissing);
        }
        let Some(evse) = self.evse() else {
            return;
        };
        let running =
            (evse.transaction.as_ref()).map(|running| running.ocpp_transaction_id.clone());
        match (running, named) {
            (None, _) => {
                let rule = self.rule("1.6 §3.13.1", "K01.FR.09");
                self.warn(rule, Problem::NoTransaction { evse_id });
            }
            (Some(running), Some(named)) if running != named => {
                let rule = self.rule("1.6 §3.13.1", "K01.FR.33");
                self.warn(rule, Problem::TransactionUnknown { evse_id, named });
            }
            (Some(_), _) => {}
        }
    }

    fn remote_start(&mut self) {
        let purpose = self.profile.purpose;
        if purpose != Purpose::TxProfile {
            let rule = self.rule("1.6 §5.16.2", "K05.FR.02");
            self.refuse(rule, Problem::PurposeOnRemoteStart { purpose });
        }
        if let Some(named) = self.profile.ocpp_transaction_id.clone() {
            let rule = self.rule("1.6 §5.16.2", "K05");
            self.refuse(rule, Problem::TransactionOnRemoteStart { named });
        }
    }

    /// Id and stack level.
    fn ids(&mut self) {
        let (id, found) = (self.profile.id, self.profile.stack_level);
        let features = &self.station.features;
        let reserved = features.external_id_max.filter(|max| id.0 <= *max);
        let level = features.stack_level_max.filter(|max| found > *max);
        if let Some(max) = reserved.filter(|_| self.edition() == Edition::V21) {
            self.refuse("K01.FR.80", Problem::IdReserved { id, max });
        }
        if let Some(max) = level {
            let rule = self.rule("1.6 §9.4.1", "SmartChargingCtrlr.ProfileStackLevel");
            self.warn(rule, Problem::StackLevel { found, max });
        }
    }

    /// Kind, recurrence, validity.
    fn time(&mut self) {
        let profile = self.profile;
        let (kind, edition) = (profile.kind, self.edition());
        if kind == Kind::Relative
            && profile.purpose == Purpose::ChargingStationMaxProfile
            && edition != Edition::V16
        {
            self.refuse("K01.FR.38", Problem::StationMaxRelative);
        }
        match (kind == Kind::Recurring, profile.recurrence) {
            (true, None) => {
                let rule = self.rule("1.6 §7.8", "ChargingProfileType.recurrencyKind");
                self.warn(rule, Problem::RecurrenceMissing);
            }
            (false, Some(_)) => match edition {
                Edition::V16 => {
                    self.refuse("1.6 errata 3.56", Problem::RecurrenceNotNeeded { kind })
                }
                Edition::V201 | Edition::V21 => {
                    let rule = "ChargingProfileType.recurrencyKind";
                    self.warn(rule, Problem::RecurrenceNotNeeded { kind });
                }
            },
            (true, Some(_)) | (false, None) => {}
        }
        if let (Some(from), Some(to)) = (profile.valid_from, profile.valid_to)
            && to <= from
        {
            self.warn(self.rule("1.6 §3.13.2", "K01.FR.37"), Problem::NeverValid);
        }
        let updates = profile.update_interval_s.is_some() || profile.updated_at.is_some();
        if updates && kind != Kind::Dynamic {
            self.warn("K01.FR.122", Problem::UpdatesNotNeeded { kind });
        }
    }

    /// How many schedules there are.
    fn schedules(&mut self) {
        let found = self.profile.schedules.len();
        let max = match self.edition() {
            Edition::V16 => 1,
            Edition::V201 | Edition::V21 => SCHEDULES_MAX,
        };
        let running = self.evse().and_then(|evse| evse.transaction.as_ref());
        let needs_known = running.is_some_and(|running| running.needs.is_some());
        if found == 0 || found > max {
            self.refuse(
                "ChargingProfileType.chargingSchedule",
                Problem::Schedules { found, max },
            );
        } else if found > 1 && !needs_known {
            self.refuse("K01.FR.34", Problem::SchedulesWithoutNeeds { found });
        }
        let periods = self
            .profile
            .schedules
            .iter()
            .map(|schedule| schedule.periods.len());
        let periods = periods.sum();
        if self.profile.kind == Kind::Dynamic && (found, periods) != (1, 1) {
            let schedules = found;
            self.refuse("K28.FR.01", Problem::DynamicShape { schedules, periods });
        }
    }
}
