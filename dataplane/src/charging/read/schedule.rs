//! Schedules that are no profile: what a station says it follows, and what a vehicle plans.

use fleet::UtcMicros;
use ocpp::{MeterColumns, Rules, Timestamp, v16, v21, v201};

use super::super::composite::{CompositePeriod, CompositeSchedule};
use super::super::profile::Period;
use super::super::rate::RateUnit;
use super::super::station::{Edition, Station};
use super::number::moment;
use super::profile::{period_16, period_21, period_201};
use super::words::{unit_16, unit_21, unit_201};
use super::{Unreadable, another};

/// The schedule in a station's answer to GetCompositeSchedule; `None` where it has none. An answer of 1.6 without start
/// begins at `asked_at`, and one without duration lasts `duration_s`.
///
/// # Errors
///
/// [`Unreadable`] for what breaks the schema of the station's edition further than its policy lets it.
pub fn read_composite(
    station: &Station,
    answer: &str,
    asked_at: UtcMicros,
    duration_s: u32,
) -> Result<Option<CompositeSchedule>, Unreadable> {
    let mut columns = MeterColumns::new();
    let action = "GetCompositeSchedule";
    let rules = Rules {
        policy: station.policy,
        clock: station.clock,
        notes: None,
    };
    let whole = |start, duration_s, unit, periods: Vec<Period>| CompositeSchedule {
        start,
        duration_s,
        unit,
        periods: periods.iter().map(composite_period).collect(),
        delay_max_s: 0,
        is_truncated: false,
    };
    match station.edition {
        Edition::V16 => {
            let decoded = v16::CommandResponse::decode(action, answer, rules, &mut columns)?;
            let v16::CommandResponse::GetCompositeSchedule(answer) = decoded.message else {
                return Err(another(action));
            };
            let Some(schedule) = &answer.charging_schedule else {
                return Ok(None);
            };
            let start = (answer.schedule_start.as_ref()).or(schedule.start_schedule.as_ref());
            let periods = schedule.charging_schedule_period.iter().map(period_16);
            Ok(Some(whole(
                start.map_or(asked_at, moment),
                schedule.duration.unwrap_or(duration_s),
                unit_16(schedule.charging_rate_unit),
                periods.collect::<Result<_, _>>()?,
            )))
        }
        Edition::V201 => {
            let decoded = v201::CommandResponse::decode(action, answer, rules, &mut columns)?;
            let v201::CommandResponse::GetCompositeSchedule(answer) = decoded.message else {
                return Err(another(action));
            };
            let Some(schedule) = &answer.schedule else {
                return Ok(None);
            };
            let periods = schedule.charging_schedule_period.iter().map(period_201);
            Ok(Some(whole(
                moment(&schedule.schedule_start),
                schedule.duration,
                unit_201(schedule.charging_rate_unit),
                periods.collect::<Result<_, _>>()?,
            )))
        }
        Edition::V21 => {
            let decoded = v21::CommandResponse::decode(action, answer, rules, &mut columns)?;
            let v21::CommandResponse::GetCompositeSchedule(answer) = decoded.message else {
                return Err(another(action));
            };
            let Some(schedule) = &answer.schedule else {
                return Ok(None);
            };
            let periods = schedule.charging_schedule_period.iter().map(period_21);
            Ok(Some(whole(
                moment(&schedule.schedule_start),
                schedule.duration,
                unit_21(schedule.charging_rate_unit),
                periods.collect::<Result<_, _>>()?,
            )))
        }
    }
}

fn composite_period(period: &Period) -> CompositePeriod {
    CompositePeriod {
        start_s: period.start_s,
        rates: period.rates(),
        phases: period.phases,
        phase_to_use: period.phase_to_use,
        mode: period.mode,
    }
}

/// What a vehicle plans, as its 2.0.1 station tells it. One that does not say how long lasts an hour behind its last
/// period.
pub(crate) fn vehicle_schedule_201(
    told: &v201::NotifyEVChargingSchedule<'_>,
) -> Result<CompositeSchedule, Unreadable> {
    let schedule = &told.charging_schedule;
    let periods = schedule.charging_schedule_period.iter().map(period_201);
    let periods = periods.collect::<Result<Vec<_>, _>>()?;
    let unit = unit_201(schedule.charging_rate_unit);
    Ok(vehicle_schedule(
        &told.time_base,
        schedule.duration,
        unit,
        &periods,
    ))
}

/// The same in 2.1.
pub(crate) fn vehicle_schedule_21(
    told: &v21::NotifyEVChargingSchedule<'_>,
) -> Result<CompositeSchedule, Unreadable> {
    let schedule = &told.charging_schedule;
    let periods = schedule.charging_schedule_period.iter().map(period_21);
    let periods = periods.collect::<Result<Vec<_>, _>>()?;
    let unit = unit_21(schedule.charging_rate_unit);
    Ok(vehicle_schedule(
        &told.time_base,
        schedule.duration,
        unit,
        &periods,
    ))
}

fn vehicle_schedule(
    start: &Timestamp<'_>,
    duration_s: Option<u32>,
    unit: RateUnit,
    periods: &[Period],
) -> CompositeSchedule {
    let last = periods.iter().map(|period| period.start_s).max();
    let open_end = last.unwrap_or(0).saturating_add(3_600);
    CompositeSchedule {
        start: moment(start),
        duration_s: duration_s.unwrap_or(open_end),
        unit,
        periods: periods.iter().map(composite_period).collect(),
        delay_max_s: 0,
        is_truncated: false,
    }
}
