//! What a station's answer to a command of ours changes.

use fleet::record::{ChargingSource, Protocol};
use ocpp::{Call, Version};
use serde_json::Value;

use super::told::text;
use super::{Now, Shard, StoreUnreadable};
use crate::CommandId;
use crate::charging::held::{Arrival, Asked, edition, members};
use crate::charging::{ProfileId, purpose_of, read_clear};

impl Shard {
    /// A station has answered a command of ours: it may have other profiles now.
    pub(in crate::shard) fn charging_answered(
        &mut self,
        now: Now,
        station: u32,
        version: Version,
        call: &Call,
        answer: &str,
        command: CommandId,
    ) {
        let protocol = protocol_of(version);
        let changed = self.take_answer(now, station, protocol, call, answer, command);
        if let Err(StoreUnreadable) = changed {
            let station = self.stations[station].state.key.as_str();
            tracing::warn!(%station, action = %call.action, "what the station accepted is not noted, the state store cannot be read");
        }
    }

    fn take_answer(
        &mut self,
        now: Now,
        station: u32,
        protocol: Protocol,
        call: &Call,
        answer: &str,
        command: CommandId,
    ) -> Result<(), StoreUnreadable> {
        let room = self.charging_room();
        let edition = edition(protocol);
        let answer: Value = serde_json::from_str(answer).unwrap_or_default();
        let status = answer["status"].as_str().unwrap_or_default();
        let cause = call.action.as_ref();
        let asked = members(&call.payload);
        let number = |name: &str| {
            asked
                .get(name)
                .and_then(|raw| raw.get().parse::<i64>().ok())
        };
        match (cause, status) {
            ("SetChargingProfile", "Accepted") => {
                let (evse, profile) = match protocol {
                    Protocol::Ocpp16 => ("connectorId", "csChargingProfiles"),
                    Protocol::Ocpp201 | Protocol::Ocpp21 => ("evseId", "chargingProfile"),
                };
                let Some(profile) = asked.get(profile) else {
                    return Ok(());
                };
                let arrival = Arrival {
                    evse_id: number(evse)
                        .and_then(|n| u32::try_from(n).ok())
                        .unwrap_or(0),
                    json: profile.get(),
                    source: ChargingSource::Set,
                    limit_source: "",
                    command_id: Some(command.0),
                    waits_for: None,
                };
                self.change_held(now, station, cause, Some(command), |held| {
                    held.install(protocol, now.utc, &arrival, room);
                })
            }
            ("RequestStartTransaction" | "RemoteStartTransaction", "Accepted") => {
                let Some(profile) = asked.get("chargingProfile") else {
                    return Ok(());
                };
                let evse = match protocol {
                    Protocol::Ocpp16 => "connectorId",
                    Protocol::Ocpp201 | Protocol::Ocpp21 => "evseId",
                };
                // Where the command does not name it (1.6), by our own name of it.
                let remote_start_id = number("remoteStartId")
                    .or_else(|| self.start_of_sent(station, command))
                    .unwrap_or(-1);
                let arrival = Arrival {
                    evse_id: number(evse)
                        .and_then(|n| u32::try_from(n).ok())
                        .unwrap_or(0),
                    json: profile.get(),
                    source: ChargingSource::RemoteStart,
                    limit_source: "",
                    command_id: Some(command.0),
                    waits_for: Some(remote_start_id),
                };
                // A transaction that runs already, because the cable came first.
                let begun = answer["transactionId"].as_str().map(str::to_owned);
                let begun = begun.and_then(|ocpp_id| {
                    let state = &self.stations[station].state;
                    let running = state.active().find(|t| *t.ocpp_id == *ocpp_id);
                    let evse_id = running.map_or(arrival.evse_id, |running| running.evse_id);
                    (evse_id != 0).then_some((evse_id, ocpp_id))
                });
                self.change_held(now, station, cause, Some(command), |held| {
                    held.install(protocol, now.utc, &arrival, room);
                    if let Some((evse_id, ocpp_id)) = begun {
                        held.transaction_began(evse_id, &ocpp_id, &[remote_start_id]);
                    }
                })
            }
            // One that has nothing to clear has none of what was asked for.
            ("ClearChargingProfile", "Accepted" | "Unknown") => {
                let Ok(criteria) = read_clear(edition, &call.payload) else {
                    return Ok(());
                };
                self.change_held(now, station, cause, Some(command), |held| {
                    held.clear(edition, &criteria);
                })
            }
            ("GetChargingProfiles", "NoProfiles") => {
                let criteria = asked_for(&call.payload);
                self.change_held(now, station, cause, Some(command), |held| {
                    held.reported(&criteria, now.utc);
                })
            }
            ("UpdateDynamicSchedule", "Accepted") => {
                let id = number("chargingProfileId").and_then(|id| i32::try_from(id).ok());
                let (Some(id), Some(update)) = (id, asked.get("scheduleUpdate")) else {
                    return Ok(());
                };
                self.change_held(now, station, cause, Some(command), |held| {
                    held.update(ProfileId(id), update.get(), now.utc);
                })
            }
            ("UsePriorityCharging", "Accepted") => {
                let asked: Value = serde_json::from_str(&call.payload).unwrap_or_default();
                self.set_priority(now, station, cause, &asked, "activate", Some(command))
            }
            _ => Ok(()),
        }
    }
}

fn protocol_of(version: Version) -> Protocol {
    match version {
        Version::V16 => Protocol::Ocpp16,
        Version::V201 => Protocol::Ocpp201,
        Version::V21 => Protocol::Ocpp21,
    }
}

/// What a GetChargingProfiles asks for.
pub(super) fn asked_for(payload: &str) -> Asked {
    let asked: Value = serde_json::from_str(payload).unwrap_or_default();
    let criteria = &asked["chargingProfile"];
    let list = |name: &str| criteria[name].as_array();
    let small = |value: &Value| value.as_u64().and_then(|n| u32::try_from(n).ok());
    Asked {
        evse_id: small(&asked["evseId"]),
        purpose: criteria["chargingProfilePurpose"]
            .as_str()
            .and_then(purpose_of),
        stack_level: small(&criteria["stackLevel"]),
        ids: list("chargingProfileId").map(|ids| ids.iter().filter_map(Value::as_i64).collect()),
        sources: list("chargingLimitSource").map(|all| all.iter().map(text).collect()),
    }
}
