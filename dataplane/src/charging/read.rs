//! Profiles and schedules out of the JSON of each version.
//!
//! What was accepted or reported is kept as it was written, and read here whenever it is needed.

use fleet::UtcMicros;
use ocpp::{CallError, MeterColumns, Policy, Timestamp, Zone, v16, v21, v201};

use super::clear::ClearCriteria;
use super::composite::{CompositePeriod, CompositeSchedule};
use super::profile::{
    Kind, LimitAtSoc, OperationMode, Period, Profile, ProfileId, Purpose, Recurrence, Schedule, V2x,
};
use super::rate::{PhaseRates, Rate, RateUnit};
use super::set::Update;
use super::station::Edition;

/// Decimals of a rate that count.
const DECIMALS: i64 = 3;

/// Why a profile, or an answer, cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// It breaks the schema of its version.
    #[error("{0}")]
    Schema(
        /// What is wrong, and where.
        String,
    ),
    /// A number lies beyond all that is computed with.
    #[error("{what} is {found}, out of range")]
    Range {
        /// Which.
        what: &'static str,
        /// As it was written.
        found: String,
    },
}

impl From<CallError> for Unreadable {
    fn from(error: CallError) -> Self {
        Self::Schema(error.to_string())
    }
}

/// Reads a charging profile: the `csChargingProfiles` of 1.6, the `chargingProfile` of 2.x.
///
/// # Errors
///
/// [`Unreadable`] for what breaks the schema of `edition`.
pub fn read_profile(edition: Edition, profile: &str) -> Result<Profile, Unreadable> {
    let payload = set_payload(edition, 0, profile);
    let mut columns = MeterColumns::new();
    let (action, policy) = ("SetChargingProfile", Policy::Tolerant);
    match edition {
        Edition::V16 => {
            let decoded = v16::Command::decode(action, &payload, policy, &mut columns)?;
            match decoded.message {
                v16::Command::SetChargingProfile(set) => profile_16(&set.cs_charging_profiles),
                other => Err(another(other.action())),
            }
        }
        Edition::V201 => {
            let decoded = v201::Command::decode(action, &payload, policy, &mut columns)?;
            match decoded.message {
                v201::Command::SetChargingProfile(set) => profile_201(&set.charging_profile),
                other => Err(another(other.action())),
            }
        }
        Edition::V21 => {
            let decoded = v21::Command::decode(action, &payload, policy, &mut columns)?;
            match decoded.message {
                v21::Command::SetChargingProfile(set) => profile_21(&set.charging_profile),
                other => Err(another(other.action())),
            }
        }
    }
}

/// The payload of the SetChargingProfile that carries `profile`, which is JSON.
pub fn set_payload(edition: Edition, evse_id: u32, profile: &str) -> String {
    match edition {
        Edition::V16 => {
            format!("{{\"connectorId\":{evse_id},\"csChargingProfiles\":{profile}}}")
        }
        Edition::V201 | Edition::V21 => {
            format!("{{\"evseId\":{evse_id},\"chargingProfile\":{profile}}}")
        }
    }
}

/// The payload of the ClearChargingProfile with these criteria.
pub fn clear_payload(edition: Edition, criteria: &ClearCriteria) -> String {
    let mut members = serde_json::Map::new();
    let mut put = |name: &str, value: Option<serde_json::Value>| {
        if let Some(value) = value {
            members.insert(name.to_owned(), value);
        }
    };
    let id = criteria.id.map(|id| id.0.into());
    let level = criteria.stack_level.map(Into::into);
    let evse_id = criteria.evse_id.map(Into::into);
    let purpose = criteria
        .purpose
        .map(|purpose| purpose_name(edition, purpose).into());
    match edition {
        Edition::V16 => {
            put("id", id);
            put("connectorId", evse_id);
            put("chargingProfilePurpose", purpose);
            put("stackLevel", level);
        }
        Edition::V201 | Edition::V21 => {
            put("evseId", evse_id);
            put("chargingProfilePurpose", purpose);
            put("stackLevel", level);
            let criteria = std::mem::take(&mut members);
            if let Some(id) = id {
                members.insert("chargingProfileId".to_owned(), id);
            }
            if !criteria.is_empty() {
                members.insert("chargingProfileCriteria".to_owned(), criteria.into());
            }
        }
    }
    serde_json::Value::Object(members).to_string()
}

/// The criteria of a ClearChargingProfile.
///
/// # Errors
///
/// [`Unreadable`] for what breaks the schema of `edition`.
pub fn read_clear(edition: Edition, payload: &str) -> Result<ClearCriteria, Unreadable> {
    let mut columns = MeterColumns::new();
    let (action, policy) = ("ClearChargingProfile", Policy::Tolerant);
    macro_rules! criteria_2x {
        ($version:ident, $purpose:ident) => {{
            let decoded = $version::Command::decode(action, payload, policy, &mut columns)?;
            match decoded.message {
                $version::Command::ClearChargingProfile(clear) => {
                    let criteria = clear.charging_profile_criteria;
                    Ok(ClearCriteria {
                        id: clear.charging_profile_id.map(profile_id).transpose()?,
                        evse_id: criteria.as_ref().and_then(|criteria| criteria.evse_id),
                        purpose: criteria
                            .as_ref()
                            .and_then(|criteria| criteria.charging_profile_purpose)
                            .map($purpose),
                        stack_level: criteria.and_then(|criteria| criteria.stack_level),
                    })
                }
                other => Err(another(other.action())),
            }
        }};
    }
    match edition {
        Edition::V16 => {
            let decoded = v16::Command::decode(action, payload, policy, &mut columns)?;
            match decoded.message {
                v16::Command::ClearChargingProfile(clear) => Ok(ClearCriteria {
                    id: clear.id.map(profile_id).transpose()?,
                    evse_id: clear.connector_id,
                    purpose: clear.charging_profile_purpose.map(purpose_16),
                    stack_level: clear.stack_level,
                }),
                other => Err(another(other.action())),
            }
        }
        Edition::V201 => criteria_2x!(v201, purpose_201),
        Edition::V21 => criteria_2x!(v21, purpose_21),
    }
}

/// Reads a `ChargingScheduleUpdateType` of 2.1.
///
/// # Errors
///
/// [`Unreadable`] for what breaks the schema.
pub fn read_update(update: &str) -> Result<Update, Unreadable> {
    let payload = format!("{{\"chargingProfileId\":0,\"scheduleUpdate\":{update}}}");
    let mut columns = MeterColumns::new();
    let action = "UpdateDynamicSchedule";
    let decoded = v21::Command::decode(action, &payload, Policy::Tolerant, &mut columns)?;
    let v21::Command::UpdateDynamicSchedule(message) = decoded.message else {
        return Err(another(action));
    };
    let update = &message.schedule_update;
    Ok(Update {
        limit: PhaseRates {
            all: rate(&update.limit)?,
            l2: rate(&update.limit_l2)?,
            l3: rate(&update.limit_l3)?,
        },
        discharge_limit: PhaseRates {
            all: rate(&update.discharge_limit)?,
            l2: rate(&update.discharge_limit_l2)?,
            l3: rate(&update.discharge_limit_l3)?,
        },
        setpoint: PhaseRates {
            all: rate(&update.setpoint)?,
            l2: rate(&update.setpoint_l2)?,
            l3: rate(&update.setpoint_l3)?,
        },
        setpoint_reactive: PhaseRates {
            all: rate(&update.setpoint_reactive)?,
            l2: rate(&update.setpoint_reactive_l2)?,
            l3: rate(&update.setpoint_reactive_l3)?,
        },
    })
}

/// The schedule in a station's answer to GetCompositeSchedule; `None` where it has none. An answer of 1.6 without start
/// begins at `asked_at`, and one without duration lasts `duration_s`.
///
/// # Errors
///
/// [`Unreadable`] for what breaks the schema of `edition`.
pub fn read_composite(
    edition: Edition,
    answer: &str,
    asked_at: UtcMicros,
    duration_s: u32,
) -> Result<Option<CompositeSchedule>, Unreadable> {
    let mut columns = MeterColumns::new();
    let (action, policy) = ("GetCompositeSchedule", Policy::Tolerant);
    let whole = |start, duration_s, unit, periods: Vec<Period>| CompositeSchedule {
        start,
        duration_s,
        unit,
        periods: periods.iter().map(composite_period).collect(),
        delay_max_s: 0,
        is_truncated: false,
    };
    match edition {
        Edition::V16 => {
            let decoded = v16::CommandResponse::decode(action, answer, policy, &mut columns)?;
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
            let decoded = v201::CommandResponse::decode(action, answer, policy, &mut columns)?;
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
            let decoded = v21::CommandResponse::decode(action, answer, policy, &mut columns)?;
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

/// A purpose in the words of `edition`.
pub fn purpose_name(edition: Edition, purpose: Purpose) -> String {
    match (edition, purpose) {
        (Edition::V16, Purpose::ChargingStationMaxProfile) => "ChargePointMaxProfile".to_owned(),
        _ => purpose.to_string(),
    }
}

/// A purpose by its name in any version.
pub fn purpose_of(name: &str) -> Option<Purpose> {
    if name == "ChargePointMaxProfile" {
        return Some(Purpose::ChargingStationMaxProfile);
    }
    let mut all = Purpose::ALL.into_iter();
    all.find(|purpose| purpose.to_string() == name)
}

fn another(action: &str) -> Unreadable {
    Unreadable::Schema(format!("read as {action}"))
}

fn profile_16(profile: &v16::ChargingProfile<'_>) -> Result<Profile, Unreadable> {
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

fn profile_201(profile: &v201::ChargingProfile<'_>) -> Result<Profile, Unreadable> {
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

fn profile_21(profile: &v21::ChargingProfile<'_>) -> Result<Profile, Unreadable> {
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
        Zone::Offset(_) | Zone::Utc | Zone::Missing => moment(start),
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

fn period_16(period: &v16::ChargingSchedulePeriod<'_>) -> Result<Period, Unreadable> {
    Ok(Period {
        phases: period.number_phases.map(small),
        ..Period::limit(period.start_period, rate_of(period.limit.as_str())?)
    })
}

fn period_201(period: &v201::ChargingSchedulePeriod<'_>) -> Result<Period, Unreadable> {
    Ok(Period {
        phases: period.number_phases.map(small),
        phase_to_use: period.phase_to_use.map(small),
        ..Period::limit(period.start_period, rate_of(period.limit.as_str())?)
    })
}

fn period_21(period: &v21::ChargingSchedulePeriod<'_>) -> Result<Period, Unreadable> {
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

fn purpose_16(purpose: v16::ChargingProfilePurpose) -> Purpose {
    match purpose {
        v16::ChargingProfilePurpose::ChargePointMaxProfile => Purpose::ChargingStationMaxProfile,
        v16::ChargingProfilePurpose::TxDefaultProfile => Purpose::TxDefaultProfile,
        v16::ChargingProfilePurpose::TxProfile => Purpose::TxProfile,
    }
}

fn purpose_201(purpose: v201::ChargingProfilePurpose) -> Purpose {
    use v201::ChargingProfilePurpose as From;

    match purpose {
        From::ChargingStationExternalConstraints => Purpose::ChargingStationExternalConstraints,
        From::ChargingStationMaxProfile => Purpose::ChargingStationMaxProfile,
        From::TxDefaultProfile => Purpose::TxDefaultProfile,
        From::TxProfile => Purpose::TxProfile,
    }
}

fn purpose_21(purpose: v21::ChargingProfilePurpose) -> Purpose {
    use v21::ChargingProfilePurpose as From;

    match purpose {
        From::ChargingStationExternalConstraints => Purpose::ChargingStationExternalConstraints,
        From::ChargingStationMaxProfile => Purpose::ChargingStationMaxProfile,
        From::TxDefaultProfile => Purpose::TxDefaultProfile,
        From::TxProfile => Purpose::TxProfile,
        From::PriorityCharging => Purpose::PriorityCharging,
        From::LocalGeneration => Purpose::LocalGeneration,
    }
}

fn unit_16(unit: v16::ChargingRateUnit) -> RateUnit {
    match unit {
        v16::ChargingRateUnit::A => RateUnit::Amperes,
        v16::ChargingRateUnit::W => RateUnit::Watts,
    }
}

fn unit_201(unit: v201::ChargingRateUnit) -> RateUnit {
    match unit {
        v201::ChargingRateUnit::A => RateUnit::Amperes,
        v201::ChargingRateUnit::W => RateUnit::Watts,
    }
}

fn unit_21(unit: v21::ChargingRateUnit) -> RateUnit {
    match unit {
        v21::ChargingRateUnit::A => RateUnit::Amperes,
        v21::ChargingRateUnit::W => RateUnit::Watts,
    }
}

fn moment(timestamp: &Timestamp<'_>) -> UtcMicros {
    UtcMicros(timestamp.utc_micros)
}

fn profile_id(id: i64) -> Result<ProfileId, Unreadable> {
    number("profile id", id).map(ProfileId)
}

fn schedule_id(id: i64) -> Result<i32, Unreadable> {
    number("schedule id", id)
}

fn number(what: &'static str, found: i64) -> Result<i32, Unreadable> {
    i32::try_from(found).map_err(|_| Unreadable::Range {
        what,
        found: found.to_string(),
    })
}

/// A count of phases; what no byte holds is wrong either way, and stays so.
fn small<T: TryInto<u8>>(count: T) -> u8 {
    count.try_into().unwrap_or(u8::MAX)
}

/// A duration; a negative one is over.
fn seconds(found: i64) -> u32 {
    u32::try_from(found.max(0)).unwrap_or(u32::MAX)
}

fn rate<const DECIMALS: usize, const MIN: i64, const MAX: i64>(
    number: &Option<ocpp::Number<'_, DECIMALS, MIN, MAX>>,
) -> Result<Option<Rate>, Unreadable> {
    let number = number.as_ref();
    number.map(|number| rate_of(number.as_str())).transpose()
}

/// A rate as it was written; digits behind the third decimal are cut off.
fn rate_of(lexeme: &str) -> Result<Rate, Unreadable> {
    let beyond = || Unreadable::Range {
        what: "a rate",
        found: lexeme.chars().take(40).collect(),
    };
    let (mantissa, exponent) = lexeme.split_once(['e', 'E']).unwrap_or((lexeme, "0"));
    let exponent: i64 = exponent.parse().map_err(|_| beyond())?;
    let (magnitude, is_negative) = match mantissa.strip_prefix('-') {
        Some(magnitude) => (magnitude, true),
        None => (mantissa, false),
    };
    let (whole, fraction) = magnitude.split_once('.').unwrap_or((magnitude, ""));
    // Where the digits end that count, from the first.
    let end = (whole.len() as i64)
        .saturating_add(exponent)
        .saturating_add(DECIMALS);
    let mut digits = whole.bytes().chain(fraction.bytes());
    let mut thousandths = 0_i64;
    let mut at = 0_i64;
    while at < end {
        let digit = digits.next();
        if digit.is_none() && thousandths == 0 {
            break;
        }
        let digit = i64::from(digit.unwrap_or(b'0') - b'0');
        thousandths = (thousandths.checked_mul(10))
            .and_then(|sum| sum.checked_add(digit))
            .ok_or_else(beyond)?;
        at += 1;
    }
    Ok(Rate(if is_negative {
        -thousandths
    } else {
        thousandths
    }))
}

#[cfg(test)]
mod tests;
