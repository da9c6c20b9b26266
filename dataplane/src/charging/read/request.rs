//! Requests about profiles: their payloads written, and read back.

use ocpp::{MeterColumns, Policy, v16, v21, v201};

use super::super::clear::ClearCriteria;
use super::super::rate::PhaseRates;
use super::super::set::Update;
use super::super::station::Edition;
use super::number::{profile_id, rate};
use super::words::{purpose_16, purpose_21, purpose_201, purpose_name};
use super::{Unreadable, another};

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
