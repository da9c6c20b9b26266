//! What a station says of its own accord: limits, what vehicles need and plan, the profiles it has.

use fleet::UtcMicros;
use fleet::record::{ChargingLimitHeld, ChargingSource, CommandFollowed};
use ocpp::Word;
use serde_json::Value;
use serde_json::value::RawValue;

use super::answered::asked_for;
use super::{Now, Shard, StoreUnreadable};
use crate::CommandId;
use crate::charging::Edition;
use crate::charging::held::{Arrival, members};

/// Longest JSON that is kept of a limit or of what a vehicle told, bytes.
const TOLD_LEN_MAX: usize = 16 << 10;

impl Shard {
    /// What a station says of its own accord. Called before what it says is recorded, so that a store that cannot be
    /// read leaves nothing half done.
    pub(in crate::shard) fn charging_told(
        &mut self,
        now: Now,
        station: u32,
        action: &str,
        payload: &str,
    ) -> Result<(), StoreUnreadable> {
        match action {
            "ReportChargingProfiles" => self.profiles_told(now, station, payload),
            "NotifyChargingLimit" => {
                let told: Value = serde_json::from_str(payload).unwrap_or_default();
                let limit = &told["chargingLimit"];
                let raw = members(payload);
                let schedules = raw.get("chargingSchedule").map_or("", |raw| raw.get());
                let limit = ChargingLimitHeld {
                    source: text(&limit["chargingLimitSource"]),
                    evse_id: evse_id(&told),
                    is_grid_critical: limit["isGridCritical"].as_bool(),
                    is_local_generation: limit["isLocalGeneration"].as_bool(),
                    schedules: bounded(schedules),
                    at: now.utc.0,
                };
                self.change_held(now, station, action, None, |held| held.limit(limit))
            }
            "ClearedChargingLimit" => {
                let told: Value = serde_json::from_str(payload).unwrap_or_default();
                let source = text(&told["chargingLimitSource"]);
                let evse_id = told["evseId"]
                    .as_u64()
                    .and_then(|id| u32::try_from(id).ok());
                self.change_held(now, station, action, None, |held| {
                    held.limit_cleared(&source, evse_id);
                })
            }
            "NotifyPriorityCharging" => {
                let told: Value = serde_json::from_str(payload).unwrap_or_default();
                self.set_priority(now, station, action, &told, "activated", None)
            }
            "NotifyEVChargingNeeds" => {
                let told: Value = serde_json::from_str(payload).unwrap_or_default();
                let (evse_id, needs) = (evse_id(&told), bounded(payload));
                let running = self.running_at(station, evse_id);
                let status = match self.edition(station) {
                    Edition::V21 => {
                        let transfer = &told["chargingNeeds"]["requestedEnergyTransfer"];
                        let answer = self.needs_21(station, evse_id, &text(transfer))?;
                        answer.status.as_str()
                    }
                    Edition::V16 | Edition::V201 => self.needs_201().status.as_str(),
                };
                self.change_held(now, station, action, None, |held| {
                    if let Some(vehicle) = held.vehicle(evse_id, &running) {
                        vehicle.needs = needs;
                        vehicle.needs_at = now.utc.0;
                        status.clone_into(&mut vehicle.needs_status);
                    }
                })
            }
            "NotifyEVChargingSchedule" => {
                let told: Value = serde_json::from_str(payload).unwrap_or_default();
                let (evse_id, schedule) = (evse_id(&told), bounded(payload));
                let running = self.running_at(station, evse_id);
                self.change_held(now, station, action, None, |held| {
                    if let Some(vehicle) = held.vehicle(evse_id, &running) {
                        vehicle.schedule = schedule;
                        vehicle.schedule_at = now.utc.0;
                    }
                })
            }
            _ => Ok(()),
        }
    }

    /// Priority charging of a transaction begins or ends (K21, K22).
    pub(super) fn set_priority(
        &mut self,
        now: Now,
        station: u32,
        cause: &str,
        told: &Value,
        member: &str,
        command: Option<CommandId>,
    ) -> Result<(), StoreUnreadable> {
        let ocpp_id = told["transactionId"].as_str().unwrap_or_default();
        let priority = told[member].as_bool().unwrap_or(false);
        let state = &self.stations[station].state;
        let Some(evse_id) = (state.active().find(|t| *t.ocpp_id == *ocpp_id)).map(|t| t.evse_id)
        else {
            return Ok(());
        };
        self.change_held(now, station, cause, command, |held| {
            if let Some(vehicle) = held.vehicle(evse_id, ocpp_id) {
                vehicle.priority = priority;
            }
        })
    }

    /// The transaction that runs at an EVSE, by the station's name of it; empty for none.
    pub(super) fn running_at(&self, station: u32, evse_id: u32) -> String {
        let mut active = self.stations[station].state.active();
        let running = active.find(|running| running.evse_id == evse_id);
        running.map_or(String::new(), |running| running.ocpp_id.to_string())
    }

    /// A part of a report.
    fn profiles_told(
        &mut self,
        now: Now,
        station: u32,
        payload: &str,
    ) -> Result<(), StoreUnreadable> {
        let Some(protocol) = self.stations[station].state.protocol else {
            return Ok(());
        };
        let room = self.charging_room();
        let told: Value = serde_json::from_str(payload).unwrap_or_default();
        let limit_source = text(&told["chargingLimitSource"]);
        let raw = members(payload);
        let profiles: Vec<&RawValue> = raw
            .get("chargingProfile")
            .and_then(|list| serde_json::from_str(list.get()).ok())
            .unwrap_or_default();
        self.change_held(now, station, "ReportChargingProfiles", None, |held| {
            for profile in profiles {
                let arrival = Arrival {
                    evse_id: evse_id(&told),
                    json: profile.get(),
                    source: ChargingSource::Report,
                    limit_source: &limit_source,
                    command_id: None,
                    waits_for: None,
                };
                held.install(protocol, now.utc, &arrival, room);
            }
        })
    }

    /// A report of profiles that a command of ours asked for is whole: what it did not name is gone.
    pub(in crate::shard) fn profiles_reported(
        &mut self,
        now: Now,
        station: u32,
        course: &CommandFollowed,
    ) {
        let Some(command) = course.command_id.map(CommandId) else {
            return;
        };
        let Ok(Some(view)) = self.command_view(command) else {
            return;
        };
        let asked = asked_for(&view.payload);
        let since = UtcMicros(course.began_at);
        // A store that was read a moment ago and is not now leaves profiles that the next report will end.
        let _ = self.change_held(now, station, &course.action, Some(command), |held| {
            held.reported(&asked, since);
        });
    }
}

fn evse_id(told: &Value) -> u32 {
    let id = told["evseId"].as_u64().unwrap_or(0);
    u32::try_from(id).unwrap_or(0)
}

pub(super) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// JSON that is not too long; what is, stays in the frame alone.
fn bounded(json: &str) -> String {
    let kept = json.len() <= TOLD_LEN_MAX;
    if kept { json.to_owned() } else { String::new() }
}
