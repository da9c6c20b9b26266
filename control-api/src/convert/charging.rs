//! Profiles and schedules as the API shows them.

use dataplane::charging::{
    Comparison, CompositePeriod, CompositeSchedule, Difference, Field, Finding, OperationMode,
    Rate, RateUnit, Reading, Severity,
};
use dataplane::{ChargingView, CommandId};
use fleet::UtcMicros;
use fleet::record::{
    AfrrSignal, AllowedEnergyTransfer, ChargingLimitHeld, ChargingProfileHeld, ChargingSource,
    Protocol, VehicleCharging,
};
use serde_json::Value;

use super::some;

pub(crate) fn charging_profiles(view: ChargingView) -> sdk::ChargingProfiles {
    let held = view.held;
    sdk::ChargingProfiles {
        profiles: held.profiles.into_iter().map(profile).collect(),
        limits: held.limits.into_iter().map(limit).collect(),
        vehicles: held.vehicles.into_iter().map(vehicle).collect(),
        energy_transfers: view.v2x.allowed.into_iter().map(energy_transfer).collect(),
        afrr_signal: view.v2x.afrr.map(afrr_signal),
        is_partial: held.is_partial,
    }
}

fn energy_transfer(allowed: AllowedEnergyTransfer) -> sdk::AllowedEnergyTransfer {
    sdk::AllowedEnergyTransfer {
        ocpp_transaction_id: allowed.ocpp_transaction_id,
        modes: allowed.modes,
        command_id: CommandId(allowed.command_id).to_string(),
        at: UtcMicros(allowed.at).to_string(),
    }
}

fn afrr_signal(afrr: AfrrSignal) -> sdk::AfrrSignal {
    sdk::AfrrSignal {
        signal: afrr.signal,
        signal_at: UtcMicros(afrr.signal_at).to_string(),
        command_id: CommandId(afrr.command_id).to_string(),
        at: UtcMicros(afrr.at).to_string(),
    }
}

fn profile(held: ChargingProfileHeld) -> sdk::ChargingProfile {
    let protocol = Protocol::from_code(held.protocol);
    sdk::ChargingProfile {
        id: held.id,
        evse_id: held.evse_id,
        protocol: protocol.map_or("", Protocol::as_str).to_owned(),
        source: match ChargingSource::from_code(held.source) {
            Some(ChargingSource::Set) => sdk::ChargingProfileSource::Set,
            Some(ChargingSource::RemoteStart) => sdk::ChargingProfileSource::RemoteStart,
            Some(ChargingSource::Report) | None => sdk::ChargingProfileSource::Report,
        },
        limit_source: some(held.limit_source),
        command_id: held.command_id.map(|id| CommandId(id).to_string()),
        installed_at: UtcMicros(held.installed_at).to_string(),
        confirmed_at: UtcMicros(held.confirmed_at).to_string(),
        ocpp_transaction_id: some(held.ocpp_transaction_id),
        is_waiting: held.waits_for.is_some(),
        is_void: held.is_void,
        updated_at: moment(&held.update, held.updated_at),
        update: json(&held.update),
        profile: json(&held.profile).unwrap_or_default(),
    }
}

fn limit(held: ChargingLimitHeld) -> sdk::ChargingLimit {
    sdk::ChargingLimit {
        source: held.source,
        evse_id: held.evse_id,
        is_grid_critical: held.is_grid_critical,
        is_local_generation: held.is_local_generation,
        schedules: json(&held.schedules),
        at: UtcMicros(held.at).to_string(),
    }
}

fn vehicle(held: VehicleCharging) -> sdk::VehicleCharging {
    sdk::VehicleCharging {
        evse_id: held.evse_id,
        ocpp_transaction_id: some(held.ocpp_transaction_id),
        needs_at: moment(&held.needs_status, held.needs_at),
        needs: json(&held.needs),
        needs_status: some(held.needs_status),
        schedule_at: moment(&held.schedule, held.schedule_at),
        schedule: json(&held.schedule),
        priority: held.priority,
    }
}

fn json(text: &str) -> Option<Value> {
    serde_json::from_str(text).ok()
}

/// When something came, if it came.
fn moment(what: &str, at: i64) -> Option<String> {
    (!what.is_empty()).then(|| UtcMicros(at).to_string())
}

pub(crate) fn warning(finding: &Finding) -> sdk::ChargingWarning {
    sdk::ChargingWarning {
        is_forbidden: match finding.severity {
            Severity::Refuse => true,
            Severity::Warn => false,
        },
        rule: finding.rule.to_owned(),
        detail: finding.problem.to_string(),
    }
}

pub(crate) fn composite(
    evse_id: u32,
    schedule: &CompositeSchedule,
    leading: Vec<i32>,
    comparison: Option<sdk::CompositeComparison>,
) -> sdk::CompositeSchedule {
    sdk::CompositeSchedule {
        evse_id,
        start: schedule.start.to_string(),
        duration: schedule.duration_s,
        unit: match schedule.unit {
            RateUnit::Amperes => sdk::ChargingRateUnit::A,
            RateUnit::Watts => sdk::ChargingRateUnit::W,
        },
        periods: schedule.periods.iter().map(period).collect(),
        leading,
        randomized_delay: schedule.delay_max_s,
        is_truncated: schedule.is_truncated,
        comparison,
    }
}

fn period(period: &CompositePeriod) -> sdk::CompositePeriod {
    let rates = &period.rates;
    sdk::CompositePeriod {
        start: period.start_s,
        limit: rates.limit.all.map(number),
        limit_l2: rates.limit.l2.map(number),
        limit_l3: rates.limit.l3.map(number),
        discharge_limit: rates.discharge_limit.all.map(number),
        setpoint: rates.setpoint.all.map(number),
        phases: period.phases,
        operation_mode: (period.mode != OperationMode::ChargingOnly)
            .then(|| period.mode.to_string()),
    }
}

pub(crate) fn compared(
    command: sdk::Command,
    comparison: Option<Comparison>,
) -> sdk::CompositeComparison {
    let (verdict, differences) = match comparison {
        None => (sdk::CompositeVerdict::Refused, Vec::new()),
        Some(Comparison::Equal) => (sdk::CompositeVerdict::Equal, Vec::new()),
        Some(Comparison::Apart) => (sdk::CompositeVerdict::Apart, Vec::new()),
        Some(Comparison::Differs(found)) => (
            sdk::CompositeVerdict::Differs,
            found.iter().map(difference).collect(),
        ),
    };
    sdk::CompositeComparison {
        command,
        verdict,
        differences,
    }
}

fn difference(found: &Difference) -> sdk::CompositeDifference {
    let field = match found.field {
        Field::Limit => "limit",
        Field::LimitL2 => "limit_l2",
        Field::LimitL3 => "limit_l3",
        Field::DischargeLimit => "discharge_limit",
        Field::Setpoint => "setpoint",
        Field::Phases => "phases",
    };
    sdk::CompositeDifference {
        field: field.to_owned(),
        from: found.at.to_string(),
        to: found.until.to_string(),
        ours: reading(found.ours),
        theirs: reading(found.theirs),
        is_stricter: found.is_stricter(),
    }
}

fn reading(reading: Reading) -> Option<f64> {
    match reading {
        Reading::None => None,
        Reading::Rate(rate) => Some(number(rate)),
        Reading::Phases(phases) => Some(phases.into()),
    }
}

/// Thousandths are exact in a double up to nine petawatts.
fn number(rate: Rate) -> f64 {
    rate.0 as f64 / 1_000.0
}
