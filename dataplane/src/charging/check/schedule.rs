//! Rules for one schedule.

use super::{Judge, Problem};
use crate::charging::profile::{Kind, PERIODS_PER_SCHEDULE_MAX, Purpose, Schedule};
use crate::charging::station::Edition;

impl Judge<'_> {
    pub(super) fn schedule(&mut self, schedule: &Schedule) {
        self.start(schedule);
        self.order(schedule);
        self.count(schedule);
        self.length(schedule);
        self.options(schedule);
    }

    fn start(&mut self, schedule: &Schedule) {
        let (kind, id) = (self.profile.kind, schedule.id);
        match (kind, schedule.start) {
            // 1.6 then counts from the start of charging.
            (Kind::Absolute | Kind::Recurring, None) if self.edition() != Edition::V16 => {
                self.refuse("K01.FR.40", Problem::StartMissing { schedule: id, kind });
            }
            (Kind::Relative, Some(_)) => match self.edition() {
                Edition::V16 => {
                    self.warn("1.6 §7.13", Problem::StartNotNeeded { schedule: id, kind });
                }
                Edition::V201 | Edition::V21 => {
                    self.refuse("K01.FR.41", Problem::StartNotNeeded { schedule: id, kind });
                }
            },
            (Kind::Absolute | Kind::Recurring | Kind::Relative | Kind::Dynamic, _) => {}
        }
    }

    fn order(&mut self, schedule: &Schedule) {
        let id = schedule.id;
        let starts = schedule.periods.iter().map(|period| period.start_s);
        if let Some(found) = starts.clone().next().filter(|start| *start != 0) {
            let rule = match self.profile.kind {
                Kind::Dynamic => "K28.FR.02",
                Kind::Absolute | Kind::Recurring | Kind::Relative => {
                    self.rule("1.6 §5.16.4", "K01.FR.31")
                }
            };
            self.refuse(
                rule,
                Problem::FirstPeriod {
                    schedule: id,
                    found,
                },
            );
        }
        let mut pairs = starts.clone().zip(starts.skip(1));
        if let Some((before, found)) = pairs.find(|(before, found)| found <= before) {
            let problem = Problem::Unordered {
                schedule: id,
                before,
                found,
            };
            match self.edition() {
                Edition::V16 => self.warn("1.6 §7.14", problem),
                Edition::V201 | Edition::V21 => self.refuse("K01.FR.35", problem),
            }
        }
    }

    fn count(&mut self, schedule: &Schedule) {
        let (id, found) = (schedule.id, schedule.periods.len());
        let problem = |max| Problem::PeriodsMax {
            schedule: id,
            found,
            max,
        };
        let supported = self.station.features.periods_max.map(|max| max as usize);
        let max = PERIODS_PER_SCHEDULE_MAX;
        if found == 0 {
            let problem = Problem::NoPeriods { schedule: id, max };
            self.refuse("ChargingScheduleType.chargingSchedulePeriod", problem);
        } else if found > max {
            self.refuse("ChargingScheduleType.chargingSchedulePeriod", problem(max));
        } else if let Some(supported) = supported.filter(|supported| found > *supported) {
            let rule = self.rule("1.6 §9.4.3", "SmartChargingCtrlr.PeriodsPerSchedule");
            self.warn(rule, problem(supported));
        }
    }

    fn length(&mut self, schedule: &Schedule) {
        let id = schedule.id;
        if self.profile.purpose == Purpose::PriorityCharging && schedule.duration_s.is_some() {
            self.refuse("K01.FR.73", Problem::PriorityDuration { schedule: id });
        }
        let recurrence = self
            .profile
            .recurrence
            .filter(|_| self.profile.kind == Kind::Recurring);
        if let (Some(every), Some(found)) = (
            recurrence.map(|recurrence| recurrence.seconds()),
            schedule.duration_s,
        ) && found > every
        {
            let problem = Problem::LongerThanRecurrence {
                schedule: id,
                every,
                found,
            };
            self.warn(self.rule("1.6 §5.16.4", "K01.FR.13"), problem);
        }
    }

    /// Units, and what came with 2.1.
    fn options(&mut self, schedule: &Schedule) {
        let (id, unit, purpose) = (schedule.id, schedule.unit, self.profile.purpose);
        let features = &self.station.features;
        let units = features.units.as_ref();
        if units.is_some_and(|units| !units.contains(&unit)) {
            let rule = self.rule("1.6 §9.4.2", "K01.FR.26");
            self.warn(rule, Problem::UnitUnsupported { schedule: id, unit });
        }
        let delayed = schedule.randomized_delay_s > 0;
        let transactional = matches!(purpose, Purpose::TxProfile | Purpose::TxDefaultProfile);
        if delayed && !transactional {
            let problem = Problem::DelayNotAllowed {
                schedule: id,
                purpose,
            };
            self.warn("K01.FR.95", problem);
        }
        let features = &self.station.features;
        for (used, supported, rule, feature) in [
            (
                schedule.use_local_time,
                features.local_time,
                "K01.FR.123",
                "useLocalTime",
            ),
            (
                delayed,
                features.randomized_delay,
                "K01.FR.124",
                "randomizedDelay",
            ),
            (
                schedule.limit_at_soc.is_some(),
                features.limit_at_soc,
                "K01.FR.125",
                "limitAtSoC",
            ),
        ] {
            if used && supported == Some(false) {
                let problem = Problem::ScheduleFeature {
                    schedule: id,
                    feature,
                };
                self.warn(rule, problem);
            }
        }
    }
}
