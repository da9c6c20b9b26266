//! Smart charging of stations: what they accept, what they tell, and what becomes of it when transactions begin and end.
//!
//! All that is known of one station is one row of the state store, written by the record that changed it. In memory
//! stands only which stations have such a row.

use fleet::record::{
    ChargingLimitHeld, ChargingSource, CommandFollowed, Protocol, TransactionEvent,
};
use fleet::wire::Fact;
use fleet::{StationKey, UtcMicros};
use ocpp::{Call, MeterColumns, Policy, Version, Word, v21, v201};
use serde_json::Value;
use storage::state::Table;

use super::facts::not_enabled;
use super::projection::charging_key;
use super::{Now, Shard, StoreUnreadable, read_record_row};
use crate::CommandId;
use crate::charging::held::{Arrival, Asked, Held, edition, members};
use crate::charging::{
    self, Comparison, CompositeSchedule, Difference, Edition, Field, ProfileId, Reading, Tolerance,
    Unreadable, purpose_of, read_clear,
};
use crate::config::VehicleNeeds;
use crate::router::charging::ChargingView;

/// Longest JSON that is kept of a limit or of what a vehicle told, bytes.
const TOLD_LEN_MAX: usize = 16 << 10;

impl Shard {
    /// Which stations have something, at a start.
    pub(crate) fn load_charging(&mut self, stations: impl IntoIterator<Item = StationKey>) {
        for key in stations {
            let station = self.stations.find(&key);
            self.charging.extend(station.map(|station| (station, None)));
        }
    }

    /// What is known of a station's smart charging.
    fn held(&mut self, station: u32) -> Result<Held, StoreUnreadable> {
        if !self.charging.contains_key(&station) {
            return Ok(Held::default());
        }
        let key = self.stations[station].state.key.clone();
        let key = charging_key(&mut self.scratch.canonical, key.as_str());
        let row = self.row(Table::ChargingProfiles, key)?;
        let record = row.as_deref().and_then(read_charging).unwrap_or_default();
        Ok(Held { record })
    }

    /// Keeps what has become of it.
    fn put_held(
        &mut self,
        now: Now,
        station: u32,
        cause: &str,
        command: Option<CommandId>,
        held: Held,
    ) {
        if held.is_empty() {
            self.charging.remove(&station);
        } else {
            self.charging.entry(station).or_default();
        }
        let mut record = held.record;
        cause.clone_into(&mut record.cause);
        record.command_id = command.map(|command| command.0);
        self.record(now, station, &record);
    }

    /// Changes what is known of a station; nothing is recorded where nothing changed.
    fn change_held(
        &mut self,
        now: Now,
        station: u32,
        cause: &str,
        command: Option<CommandId>,
        change: impl FnOnce(&mut Held),
    ) -> Result<(), StoreUnreadable> {
        let mut held = self.held(station)?;
        held.record.installed.clear();
        held.record.removed.clear();
        let before = held.clone();
        change(&mut held);
        held.fit(self.settings.config.log.record_len_max / 4);
        if held != before {
            self.put_held(now, station, cause, command, held);
        }
        Ok(())
    }

    /// Bytes of profiles that a record holds beside the rest.
    fn charging_room(&self) -> usize {
        self.settings.config.log.record_len_max / 2
    }

    /// A station has answered a command of ours: it may have other profiles now.
    pub(super) fn charging_answered(
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
                let remote_start_id = number("remoteStartId").unwrap_or(-1);
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
                        held.transaction_began(evse_id, &ocpp_id, remote_start_id);
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

    /// Priority charging of a transaction begins or ends (K21, K22).
    fn set_priority(
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

    /// What a station says of its own accord. Called before what it says is recorded, so that a store that cannot be
    /// read leaves nothing half done.
    pub(super) fn charging_told(
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
                    Edition::V21 => self.needs_21().status.as_str(),
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

    /// What a 2.0.1 station is answered that tells what its vehicle needs. The plan is somebody else's, if there is one.
    pub(super) fn needs_201(&self) -> v201::NotifyEVChargingNeedsResponse<'static> {
        use v201::NotifyEVChargingNeedsStatus as Status;

        let (status, status_info) = match self.settings.config.vehicle_needs {
            VehicleNeeds::Rejected => (Status::Rejected, Some(not_enabled())),
            VehicleNeeds::Accepted => (Status::Accepted, None),
            VehicleNeeds::Processing => (Status::Processing, None),
        };
        v201::NotifyEVChargingNeedsResponse {
            status,
            status_info,
        }
    }

    /// The same in 2.1, which has a word of its own for a vehicle that may keep to its plan (K18.FR.04).
    pub(super) fn needs_21(&self) -> v21::NotifyEVChargingNeedsResponse<'static> {
        use v21::NotifyEVChargingNeedsStatus as Status;

        v21::NotifyEVChargingNeedsResponse {
            status: match self.settings.config.vehicle_needs {
                VehicleNeeds::Rejected => Status::NoChargingProfile,
                VehicleNeeds::Accepted => Status::Accepted,
                VehicleNeeds::Processing => Status::Processing,
            },
            status_info: None,
        }
    }

    /// Whether a vehicle's plan lies within what its station's profiles allow, as far as they are known (K15.FR.11).
    pub(super) fn vehicle_keeps_to(
        &mut self,
        now: Now,
        station: u32,
        evse_id: u32,
        plan: Result<CompositeSchedule, Unreadable>,
    ) -> Result<bool, StoreUnreadable> {
        // A plan beyond all numbers is beyond every limit.
        let Ok(plan) = plan else {
            return Ok(false);
        };
        if !self.charging.contains_key(&station) {
            return Ok(true);
        }
        let view = self.charging_view(now, station)?;
        let request = charging::Request {
            evse_id,
            from: plan.start,
            duration_s: plan.duration_s,
            unit: plan.unit,
        };
        let Ok(ours) = charging::composite(&view.profiles, &view.station, &request) else {
            return Ok(true);
        };
        let supply = &view.station.supply;
        let exceeds = |found: &Difference| match found.field {
            Field::Limit | Field::LimitL2 | Field::LimitL3 => {
                found.theirs != Reading::None && !found.is_stricter()
            }
            Field::DischargeLimit | Field::Setpoint | Field::Phases => false,
        };
        Ok(
            match charging::compare(&ours, &plan, supply, &Tolerance::default()) {
                Comparison::Equal | Comparison::Apart => true,
                Comparison::Differs(found) => !found.iter().any(exceeds),
            },
        )
    }

    /// The rates of a dynamic profile for a station that pulls them (K28), as an UpdateDynamicSchedule.
    pub(super) fn dynamic_rates(
        &mut self,
        station: u32,
        id: i64,
    ) -> Result<Option<String>, StoreUnreadable> {
        let held = self.held(station)?;
        let id = i32::try_from(id).ok();
        // In the words of the command that would bring them.
        let rates = id.and_then(|id| held.pulled(ProfileId(id)));
        Ok(rates.map(|rates| format!("{{\"chargingProfileId\":0,\"scheduleUpdate\":{rates}}}")))
    }

    /// The station is back: profiles that do not outlive the time it was away are void (2.1 K01.FR.102). `seen_at` is when
    /// it was last heard before.
    pub(super) fn charging_reconnected(&mut self, now: Now, station: u32, seen_at: UtcMicros) {
        let Some(ended_at) = self.charging.get(&station) else {
            return;
        };
        let since = ended_at.unwrap_or(seen_at);
        let edition = self.edition(station);
        let changed = self.change_held(now, station, "Sigec.Connected", None, |held| {
            held.reconnected(edition, since, now.utc);
        });
        if let Err(StoreUnreadable) = changed {
            let station = self.stations[station].state.key.as_str();
            tracing::warn!(%station, "its charging profiles stay as they were, the state store cannot be read");
        }
    }

    /// The transaction that runs at an EVSE, by the station's name of it; empty for none.
    fn running_at(&self, station: u32, evse_id: u32) -> String {
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
        let profiles: Vec<&serde_json::value::RawValue> = raw
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
    pub(super) fn profiles_reported(&mut self, now: Now, station: u32, course: &CommandFollowed) {
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

    /// A transaction began or ended.
    pub(super) fn charging_of_transaction(
        &mut self,
        now: Now,
        station: u32,
        was_active: bool,
        is_active: bool,
        event: &TransactionEvent,
    ) {
        if was_active == is_active || !self.charging.contains_key(&station) {
            return;
        }
        let edition = self.edition(station);
        let (evse_id, ocpp_id) = (event.evse_id, event.ocpp_transaction_id.as_str());
        let changed = self.change_held(now, station, "TransactionEvent", None, |held| {
            if is_active {
                held.transaction_began(evse_id, ocpp_id, event.remote_start_id);
            } else {
                held.transaction_ended(edition, evse_id, ocpp_id);
            }
        });
        if let Err(StoreUnreadable) = changed {
            let station = self.stations[station].state.key.as_str();
            tracing::warn!(%station, transaction = ocpp_id, "its charging profiles stay as they were, the state store cannot be read");
        }
    }

    /// A station was deleted: nothing of it is kept.
    pub(super) fn forget_charging(&mut self, now: Now, station: u32) {
        if self.charging.contains_key(&station) {
            self.put_held(now, station, "Sigec.Deleted", None, Held::default());
        }
    }

    fn edition(&self, station: u32) -> charging::Edition {
        let protocol = self.stations[station].state.protocol;
        edition(protocol.unwrap_or(Protocol::Ocpp16))
    }

    /// What is known of a station's smart charging, and of the station as far as that needs it.
    pub(super) fn charging_view(
        &mut self,
        now: Now,
        station: u32,
    ) -> Result<ChargingView, StoreUnreadable> {
        let held = self.held(station)?;
        let edition = self.edition(station);
        let state = &self.stations[station].state;
        let details = state.details();
        let mut known = charging::Station::new(edition);
        let ended_at = self.charging.get(&station).copied().flatten();
        let offline_since = ended_at.unwrap_or(state.seen_at).min(now.utc);
        known.offline_since = (state.connection == 0).then_some(offline_since);
        let connectors = details.connectors.iter().map(|connector| connector.evse_id);
        let declared = details.configured.as_ref().map_or(0, |c| c.connectors);
        let profiles = held.record.profiles.iter().map(|held| held.evse_id);
        let running = state.active().map(|transaction| transaction.evse_id);
        let mut ids: Vec<u32> = connectors
            .chain(1..=declared.min(64))
            .chain(profiles)
            .chain(running)
            .collect();
        ids.sort_unstable();
        ids.dedup();
        known.evses = (ids.into_iter().filter(|id| *id != 0))
            .map(charging::Evse::new)
            .collect();
        for transaction in state.active() {
            let vehicle = held.record.vehicles.iter().find(|vehicle| {
                vehicle.evse_id == transaction.evse_id
                    && vehicle.ocpp_transaction_id == *transaction.ocpp_id
            });
            let evse = known
                .evses
                .iter_mut()
                .find(|evse| evse.id == transaction.evse_id);
            if let Some(evse) = evse {
                evse.transaction = Some(charging::Transaction {
                    ocpp_transaction_id: transaction.ocpp_id.clone(),
                    ready_at: transaction.started_at.map(UtcMicros),
                    priority: vehicle.is_some_and(|vehicle| vehicle.priority),
                    soc_percent: None,
                    schedule: vehicle.map_or(0, |vehicle| held.chosen(vehicle)),
                    needs_known: vehicle.is_some_and(|vehicle| !vehicle.needs.is_empty()),
                });
            }
        }
        let profiles = held.set(edition);
        Ok(ChargingView {
            key: state.key.clone(),
            station: known,
            profiles,
            held: held.record,
        })
    }
}

/// What a station that pulls is answered: the rates, or that there are none (K28.FR.12).
pub(super) fn dynamic_response<'a>(
    command: Option<&'a str>,
    columns: &'a mut MeterColumns,
) -> v21::PullDynamicScheduleUpdateResponse<'a> {
    let decoded = command.and_then(|command| {
        let action = "UpdateDynamicSchedule";
        v21::Command::decode(action, command, Policy::Tolerant, columns).ok()
    });
    match decoded.map(|decoded| decoded.message) {
        Some(v21::Command::UpdateDynamicSchedule(update)) => {
            v21::PullDynamicScheduleUpdateResponse {
                schedule_update: Some(update.schedule_update),
                status: v21::ChargingProfileStatus::Accepted,
                status_info: None,
            }
        }
        _ => v21::PullDynamicScheduleUpdateResponse {
            schedule_update: None,
            status: v21::ChargingProfileStatus::Rejected,
            status_info: Some(v21::StatusInfo {
                reason_code: "UnknownProfile".into(),
                additional_info: None,
            }),
        },
    }
}

/// The record in a row.
fn read_charging(row: &[u8]) -> Option<fleet::record::ChargingChanged> {
    let (_, record) = read_record_row(row)?;
    match record.body.to_fact().ok()? {
        Fact::ChargingChanged(changed) => Some(changed),
        _ => None,
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
fn asked_for(payload: &str) -> Asked {
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

fn evse_id(told: &Value) -> u32 {
    let id = told["evseId"].as_u64().unwrap_or(0);
    u32::try_from(id).unwrap_or(0)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// JSON that is not too long; what is, stays in the frame alone.
fn bounded(json: &str) -> String {
    let kept = json.len() <= TOLD_LEN_MAX;
    if kept { json.to_owned() } else { String::new() }
}
