//! Profiles, their schedules and periods, as each version writes them.

use fleet::UtcMicros;
use ocpp::{Timestamp, Zone, v16, v21, v201};

use super::super::profile::{
    Kind, LimitAtSoc, OperationMode, Period, Profile, Recurrence, Schedule, V2x,
};
use super::super::rate::PhaseRates;
use super::Unreadable;
use super::number::{moment, profile_id, rate, rate_of, schedule_id, seconds, small};
use super::words::{purpose_16, purpose_21, purpose_201, unit_16, unit_21, unit_201};

pub(super) fn profile_16(profile: &v16::ChargingProfile<'_>) -> Result<Profile, Unreadable> {
    let schedule = &profile.charging_schedule;
    let periods = schedule.charging_schedule_period.iter().map(period_16);
    Ok(Profile {
        id: profile_id(profile.charging_profile_id)?,
        stack_level: profile.stack_level,
        purpose: purpose_16(profile.charging_profile_purpose),
        kind: match profile.charging_profile_kind {
            v16::ChargingProfileKind::Absolute => Kind::Absolute,
            v16::ChargingProfileKind::Recurring => Kind::Recurring,
            v16::ChargingProfileKind::Relative => Kind::Relative,
        },
        recurrence: profile.recurrency_kind.map(|recurrence| match recurrence {
            v16::RecurrencyKind::Daily => Recurrence::Daily,
            v16::RecurrencyKind::Weekly => Recurrence::Weekly,
        }),
        valid_from: profile.valid_from.as_ref().map(moment),
        valid_to: profile.valid_to.as_ref().map(moment),
        ocpp_transaction_id: profile.transaction_id.map(|id| id.to_string().into()),
        schedules: vec![Schedule {
            id: 0,
            start: schedule.start_schedule.as_ref().map(moment),
            duration_s: schedule.duration,
            unit: unit_16(schedule.charging_rate_unit),
            min_charging_rate: rate(&schedule.min_charging_rate)?,
            power_tolerance: None,
            use_local_time: false,
            randomized_delay_s: 0,
            limit_at_soc: None,
            periods: periods.collect::<Result<_, _>>()?,
        }],
        offline_max_s: None,
        ends_offline: false,
        update_interval_s: None,
        updated_at: None,
    })
}

pub(super) fn profile_201(profile: &v201::ChargingProfile<'_>) -> Result<Profile, Unreadable> {
    let schedule = |schedule: &v201::ChargingSchedule<'_>| {
        let periods = schedule.charging_schedule_period.iter().map(period_201);
        Ok::<_, Unreadable>(Schedule {
            id: schedule_id(schedule.id)?,
            start: schedule.start_schedule.as_ref().map(moment),
            duration_s: schedule.duration,
            unit: unit_201(schedule.charging_rate_unit),
            min_charging_rate: rate(&schedule.min_charging_rate)?,
            power_tolerance: None,
            use_local_time: false,
            randomized_delay_s: 0,
            limit_at_soc: None,
            periods: periods.collect::<Result<_, _>>()?,
        })
    };
    let transaction_id = profile.transaction_id.as_ref();
    Ok(Profile {
        id: profile_id(profile.id)?,
        stack_level: profile.stack_level,
        purpose: purpose_201(profile.charging_profile_purpose),
        kind: match profile.charging_profile_kind {
            v201::ChargingProfileKind::Absolute => Kind::Absolute,
            v201::ChargingProfileKind::Recurring => Kind::Recurring,
            v201::ChargingProfileKind::Relative => Kind::Relative,
        },
        recurrence: profile.recurrency_kind.map(|recurrence| match recurrence {
            v201::RecurrencyKind::Daily => Recurrence::Daily,
            v201::RecurrencyKind::Weekly => Recurrence::Weekly,
        }),
        valid_from: profile.valid_from.as_ref().map(moment),
        valid_to: profile.valid_to.as_ref().map(moment),
        ocpp_transaction_id: transaction_id.map(|id| Box::from(&**id)),
        schedules: (profile.charging_schedule.iter())
            .map(schedule)
            .collect::<Result<_, _>>()?,
        offline_max_s: None,
        ends_offline: false,
        update_interval_s: None,
        updated_at: None,
    })
}

pub(super) fn profile_21(profile: &v21::ChargingProfile<'_>) -> Result<Profile, Unreadable> {
    let transaction_id = profile.transaction_id.as_ref();
    Ok(Profile {
        id: profile_id(profile.id)?,
        stack_level: profile.stack_level,
        purpose: purpose_21(profile.charging_profile_purpose),
        kind: match profile.charging_profile_kind {
            v21::ChargingProfileKind::Absolute => Kind::Absolute,
            v21::ChargingProfileKind::Recurring => Kind::Recurring,
            v21::ChargingProfileKind::Relative => Kind::Relative,
            v21::ChargingProfileKind::Dynamic => Kind::Dynamic,
        },
        recurrence: profile.recurrency_kind.map(|recurrence| match recurrence {
            v21::RecurrencyKind::Daily => Recurrence::Daily,
            v21::RecurrencyKind::Weekly => Recurrence::Weekly,
        }),
        valid_from: profile.valid_from.as_ref().map(moment),
        valid_to: profile.valid_to.as_ref().map(moment),
        ocpp_transaction_id: transaction_id.map(|id| Box::from(&**id)),
        schedules: (profile.charging_schedule.iter())
            .map(schedule_21)
            .collect::<Result<_, _>>()?,
        offline_max_s: profile.max_offline_duration.map(seconds),
        ends_offline: profile.invalid_after_offline_duration.unwrap_or(false),
        update_interval_s: profile.dyn_update_interval.map(seconds),
        updated_at: profile.dyn_update_time.as_ref().map(moment),
    })
}

fn schedule_21(schedule: &v21::ChargingSchedule<'_>) -> Result<Schedule, Unreadable> {
    let use_local_time = schedule.use_local_time.unwrap_or(false);
    let start = |start: &Timestamp<'_>| match start.zone {
        // As it was written, whatever zone that named.
        Zone::Offset(minutes) if use_local_time => {
            UtcMicros(start.utc_micros + i64::from(minutes) * 60_000_000)
        }
        Zone::Offset(_) | Zone::Utc | Zone::Missing | Zone::Distrusted => moment(start),
    };
    let limit_at_soc = schedule.limit_at_soc.as_ref().map(|limit| {
        Ok::<_, Unreadable>(LimitAtSoc {
            soc_percent: u8::try_from(limit.soc.get()).unwrap_or(100),
            limit: rate_of(limit.limit.as_str())?,
        })
    });
    let periods = schedule.charging_schedule_period.iter().map(period_21);
    Ok(Schedule {
        id: schedule_id(schedule.id)?,
        start: schedule.start_schedule.as_ref().map(start),
        duration_s: schedule.duration,
        unit: unit_21(schedule.charging_rate_unit),
        min_charging_rate: rate(&schedule.min_charging_rate)?,
        power_tolerance: rate(&schedule.power_tolerance)?,
        use_local_time,
        randomized_delay_s: schedule.randomized_delay.unwrap_or(0),
        limit_at_soc: limit_at_soc.transpose()?,
        periods: periods.collect::<Result<_, _>>()?,
    })
}

pub(super) fn period_16(period: &v16::ChargingSchedulePeriod<'_>) -> Result<Period, Unreadable> {
    Ok(Period {
        phases: period.number_phases.map(small),
        ..Period::limit(period.start_period, rate_of(period.limit.as_str())?)
    })
}

pub(super) fn period_201(period: &v201::ChargingSchedulePeriod<'_>) -> Result<Period, Unreadable> {
    Ok(Period {
        phases: period.number_phases.map(small),
        phase_to_use: period.phase_to_use.map(small),
        ..Period::limit(period.start_period, rate_of(period.limit.as_str())?)
    })
}

pub(super) fn period_21(period: &v21::ChargingSchedulePeriod<'_>) -> Result<Period, Unreadable> {
    let points = |len: Option<usize>| u8::try_from(len.unwrap_or(0)).unwrap_or(u8::MAX);
    let v2x = V2x {
        limit_l2: rate(&period.limit_l2)?,
        limit_l3: rate(&period.limit_l3)?,
        discharge_limit: PhaseRates {
            all: rate(&period.discharge_limit)?,
            l2: rate(&period.discharge_limit_l2)?,
            l3: rate(&period.discharge_limit_l3)?,
        },
        setpoint: PhaseRates {
            all: rate(&period.setpoint)?,
            l2: rate(&period.setpoint_l2)?,
            l3: rate(&period.setpoint_l3)?,
        },
        setpoint_reactive: PhaseRates {
            all: rate(&period.setpoint_reactive)?,
            l2: rate(&period.setpoint_reactive_l2)?,
            l3: rate(&period.setpoint_reactive_l3)?,
        },
        evse_sleep: period.evse_sleep.unwrap_or(false),
        preconditioning: period.preconditioning_request.unwrap_or(false),
        baseline: rate(&period.v2x_baseline)?,
        frequency_points: points(period.v2x_freq_watt_curve.as_ref().map(|c| c.len())),
        signal_points: points(period.v2x_signal_watt_curve.as_ref().map(|c| c.len())),
    };
    let mode = match period.operation_mode {
        None | Some(v21::OperationMode::ChargingOnly) => OperationMode::ChargingOnly,
        Some(v21::OperationMode::Idle) => OperationMode::Idle,
        Some(v21::OperationMode::CentralSetpoint) => OperationMode::CentralSetpoint,
        Some(v21::OperationMode::ExternalSetpoint) => OperationMode::ExternalSetpoint,
        Some(v21::OperationMode::ExternalLimits) => OperationMode::ExternalLimits,
        Some(v21::OperationMode::CentralFrequency) => OperationMode::CentralFrequency,
        Some(v21::OperationMode::LocalFrequency) => OperationMode::LocalFrequency,
        Some(v21::OperationMode::LocalLoadBalancing) => OperationMode::LocalLoadBalancing,
    };
    Ok(Period {
        start_s: period.start_period,
        phases: period.number_phases.map(|n| small(n.get())),
        phase_to_use: period.phase_to_use.map(|n| small(n.get())),
        mode,
        limit: rate(&period.limit)?,
        v2x: (v2x != V2x::default()).then(|| Box::new(v2x)),
    })
}
