//! Rules for one period.

use super::{Judge, Problem, place};
use crate::charging::profile::{Kind, OperationMode, Period, Purpose, Schedule, V2x};
use crate::charging::rate::{PhaseRates, Rate, RateUnit, Rates};
use crate::charging::station::{Current, Edition};

impl Judge<'_> {
    pub(super) fn period(&mut self, schedule: &Schedule, period: &Period) {
        let place = place(schedule, period);
        self.end(schedule, period);
        self.phases(place, period);
        self.numbers(place, period);
        if self.edition() == Edition::V21 {
            self.mode(place, period);
            self.rates_of_mode(place, &period.rates(), period.mode);
            self.central_frequency(schedule, period);
            self.split(place, &period.rates());
            self.split_of_vehicle(place, &period.rates());
            self.setpoint(place, &period.rates());
            self.frequency(schedule, period);
        }
    }

    fn end(&mut self, schedule: &Schedule, period: &Period) {
        let place = place(schedule, period);
        let every = self
            .profile
            .recurrence
            .filter(|_| self.profile.kind == Kind::Recurring);
        let every = every.map(|recurrence| recurrence.seconds());
        let ends = [schedule.duration_s, every].into_iter().flatten();
        if let Some(end) = ends.min().filter(|end| period.start_s >= *end) {
            let rule = self.rule("1.6 §5.16.4", "K01.FR.11");
            self.warn(rule, Problem::PastEnd { place, end });
        }
    }

    fn phases(&mut self, place: (i32, u32), period: &Period) {
        for (field, found, expected, low) in [
            ("numberPhases", period.phases, "0 to 3", 0),
            ("phaseToUse", period.phase_to_use, "1 to 3", 1),
        ] {
            if let Some(found) = found.filter(|found| !(low..=3).contains(found)) {
                let problem = Problem::PhasesOutOfRange {
                    place,
                    field,
                    found,
                    expected,
                };
                self.refuse("ChargingSchedulePeriodType", problem);
            }
        }
        let evse = self.evse();
        let current = evse.and_then(|evse| evse.current);
        let switching = evse.and_then(|evse| evse.phase_switching);
        if period.phase_to_use.is_some() {
            if period.phases != Some(1) {
                self.refuse("K01.FR.19", Problem::PhaseOfSeveral { place });
            }
            if switching == Some(false) {
                self.refuse("K01.FR.20", Problem::PhaseSwitching { place });
            }
        }
        let names_phases = period.phases.is_some() || period.phase_to_use.is_some();
        let can_choose = self.station.features.dc_input_phases == Some(true);
        if names_phases && current == Some(Current::Dc) && !can_choose {
            self.warn(
                self.rule("1.6 §7.14", "K01.FR.44"),
                Problem::PhasesForDc { place },
            );
        }
    }

    /// Signs and decimals.
    fn numbers(&mut self, place: (i32, u32), period: &Period) {
        if let Some(found) = period.limit.filter(|limit| *limit < Rate::ZERO) {
            self.warn(
                "ChargingSchedulePeriodType.limit",
                Problem::LimitNegative { place, found },
            );
        }
        if let Some(found) = period.limit.filter(|limit| limit.0 % 100 != 0) {
            match self.edition() {
                Edition::V16 => self.refuse("1.6 §7.14", Problem::Decimals { place, found }),
                Edition::V201 => {
                    let rule = "ChargingSchedulePeriodType.limit";
                    self.warn(rule, Problem::Decimals { place, found });
                }
                Edition::V21 => {}
            }
        }
        if period.limit.is_none() && self.edition() != Edition::V21 {
            let problem = Problem::RateMissing {
                place,
                mode: period.mode,
                field: "limit",
            };
            self.refuse("ChargingSchedulePeriodType.limit", problem);
        }
    }

    fn mode(&mut self, place: (i32, u32), period: &Period) {
        use OperationMode::{ChargingOnly, ExternalLimits, ExternalSetpoint, Idle};

        let (mode, purpose) = (period.mode, self.profile.purpose);
        let (rule, allowed): (_, &[_]) = match purpose {
            Purpose::PriorityCharging | Purpose::ChargingStationMaxProfile => {
                ("K01.FR.111", &[ChargingOnly])
            }
            Purpose::ChargingStationExternalConstraints => (
                "K01.FR.112",
                &[ChargingOnly, ExternalLimits, ExternalSetpoint],
            ),
            Purpose::LocalGeneration => ("K01.FR.113", &[ChargingOnly, ExternalLimits]),
            Purpose::TxProfile | Purpose::TxDefaultProfile => ("", &[]),
        };
        if !allowed.is_empty() && !allowed.contains(&mode) {
            let problem = Problem::ModeForPurpose {
                place,
                mode,
                purpose,
            };
            self.refuse(rule, problem);
        }
        let modes = self.station.features.modes.as_ref();
        if mode != ChargingOnly && modes.is_some_and(|modes| !modes.contains(&mode)) {
            self.warn("K01.FR.115", Problem::ModeUnsupported { place, mode });
        }
        let sleeps = period.v2x.as_ref().is_some_and(|v2x| v2x.evse_sleep);
        if sleeps && (mode != Idle || self.station.features.evse_sleep == Some(false)) {
            self.warn("K01.FR.126", Problem::Sleep { place });
        }
    }

    /// Which rates a mode needs and which it has no use for (block Q, "Limits and setpoints per operation mode").
    fn rates_of_mode(&mut self, place: (i32, u32), rates: &Rates, mode: OperationMode) {
        let fields = [
            ("limit", rates.limit),
            ("dischargeLimit", rates.discharge_limit),
            ("setpoint", rates.setpoint),
            ("setpointReactive", rates.setpoint_reactive),
        ];
        let table = "2.1 Q §2.2";
        let (rule, unused, needed): (_, &[&str], _) = match mode {
            OperationMode::ChargingOnly => (
                "Q02.FR.02",
                &["dischargeLimit", "setpoint", "setpointReactive"],
                Some("limit"),
            ),
            OperationMode::CentralSetpoint => (table, &[], Some("setpoint")),
            OperationMode::CentralFrequency => (table, &["setpointReactive"], Some("setpoint")),
            OperationMode::LocalFrequency => (
                "Q08.FR.01",
                &["limit", "dischargeLimit", "setpoint", "setpointReactive"],
                None,
            ),
            OperationMode::ExternalSetpoint => (table, &[], None),
            OperationMode::ExternalLimits => (table, &["setpoint", "setpointReactive"], None),
            OperationMode::LocalLoadBalancing => (table, &["setpoint", "setpointReactive"], None),
            OperationMode::Idle => (
                "Q10.FR.01",
                &["limit", "dischargeLimit", "setpoint", "setpointReactive"],
                None,
            ),
        };
        for (field, given) in fields {
            if unused.contains(&field) && !given.is_none() {
                self.refuse(rule, Problem::RateNotUsed { place, mode, field });
            }
            if needed == Some(field) && given.all.is_none() {
                self.refuse(table, Problem::RateMissing { place, mode, field });
            }
        }
    }

    /// What the CSMS itself steers by the grid's frequency (Q07, as the errata of 2.1 add to it in §2.57). The limits
    /// that the table of rates leaves open are none for a CSMS to give.
    fn central_frequency(&mut self, schedule: &Schedule, period: &Period) {
        let (place, mode, kind) = (place(schedule, period), period.mode, self.profile.kind);
        if mode != OperationMode::CentralFrequency {
            return;
        }
        if kind != Kind::Dynamic {
            self.refuse("Q07.FR.02", Problem::FrequencyKind { place, kind });
        }
        let rates = period.rates();
        for (field, given) in [
            ("limit", rates.limit),
            ("dischargeLimit", rates.discharge_limit),
        ] {
            if !given.is_none() {
                self.refuse("Q07.FR.03", Problem::RateNotUsed { place, mode, field });
            }
        }
        if schedule.duration_s.is_none() {
            self.warn("Q07.FR.04", Problem::FrequencyForever { place });
        }
    }

    /// Rates of single phases.
    fn split(&mut self, place: (i32, u32), rates: &Rates) {
        for (rule, field, given) in [
            ("K01.FR.145", "limit", rates.limit),
            ("V2X.07", "dischargeLimit", rates.discharge_limit),
            ("V2X.07", "setpoint", rates.setpoint),
            ("V2X.07", "setpointReactive", rates.setpoint_reactive),
        ] {
            if given.is_split() && given.all.is_none() {
                self.refuse(rule, Problem::SplitWithoutWhole { place, field });
            }
        }
        let purpose = self.profile.purpose;
        if purpose == Purpose::TxProfile {
            return;
        }
        for (rule, field, given) in [
            ("K01.FR.143", "limit", rates.limit),
            ("V2X.09", "dischargeLimit", rates.discharge_limit),
            ("V2X.09", "setpoint", rates.setpoint),
            ("V2X.09", "setpointReactive", rates.setpoint_reactive),
        ] {
            if given.is_split() {
                let problem = Problem::SplitForPurpose {
                    place,
                    field,
                    purpose,
                };
                self.refuse(rule, problem);
            }
        }
    }

    /// Rates of single phases that the vehicle did not ask for when it told its needs.
    fn split_of_vehicle(&mut self, place: (i32, u32), rates: &Rates) {
        let running = self.evse().and_then(|evse| evse.transaction.as_ref());
        let Some(needs) = running.and_then(|running| running.needs) else {
            return;
        };
        if self.profile.purpose != Purpose::TxProfile {
            return;
        }
        for (rule, field, given, asked) in [
            ("K01.FR.142", "limit", rates.limit, needs.charge),
            (
                "V2X.08",
                "dischargeLimit",
                rates.discharge_limit,
                needs.discharge,
            ),
            ("V2X.08", "setpoint", rates.setpoint, needs.discharge),
            (
                "V2X.08",
                "setpointReactive",
                rates.setpoint_reactive,
                needs.discharge,
            ),
        ] {
            let unasked = given.l2.is_some() && !asked.l2 || given.l3.is_some() && !asked.l3;
            if unasked {
                self.refuse(rule, Problem::SplitWithoutNeed { place, field });
            }
        }
    }

    /// The setpoint within its limits, phase by phase.
    fn setpoint(&mut self, place: (i32, u32), rates: &Rates) {
        let discharge = rates.discharge_limit;
        for found in phases_of(discharge).into_iter().flatten() {
            if found > Rate::ZERO {
                let rule = "ChargingSchedulePeriodType.dischargeLimit";
                self.refuse(rule, Problem::DischargePositive { place, found });
            }
        }
        let bounds = phases_of(discharge).into_iter().zip(phases_of(rates.limit));
        for (setpoint, (low, high)) in phases_of(rates.setpoint).into_iter().zip(bounds) {
            let (low, high) = (
                low.unwrap_or(Rate(i64::MIN)),
                high.unwrap_or(Rate(i64::MAX)),
            );
            if let Some(setpoint) = setpoint.filter(|set| *set < low || high < *set) {
                let problem = Problem::SetpointOutside {
                    place,
                    setpoint,
                    low,
                    high,
                };
                self.warn("V2X.05", problem);
            }
        }
    }

    fn frequency(&mut self, schedule: &Schedule, period: &Period) {
        let place = place(schedule, period);
        if period.mode != OperationMode::LocalFrequency {
            return;
        }
        let none = V2x::default();
        let v2x = period.v2x.as_deref().unwrap_or(&none);
        let points = v2x.frequency_points;
        if points < 2 || v2x.baseline.is_none() {
            self.refuse("Q08.FR.02", Problem::FrequencyCurve { place, points });
        }
        // Optional, but as long as the other where it is given (errata §2.58).
        if v2x.signal_points == 1 {
            self.refuse("Q08.FR.02", Problem::SignalCurve { place });
        }
        let unit = schedule.unit;
        if unit != RateUnit::Watts {
            self.refuse("Q08.FR.05", Problem::FrequencyUnit { place, unit });
        }
    }
}

fn phases_of(rates: PhaseRates) -> [Option<Rate>; 3] {
    [rates.all, rates.l2, rates.l3]
}
