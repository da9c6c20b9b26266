//! What a station's answer to a command of ours changes.

use fleet::record::{BatterySwapsChanged, DerChanged, EventStreamsChanged, V2xChanged};
use ocpp::{Call, Version};
use serde_json::Value;

use super::{Now, Shard, StoreUnreadable};
use crate::CommandId;
use crate::grid::{der, streams, swaps, v2x};

impl Shard {
    /// A station has answered a command of ours.
    pub(in crate::shard) fn grid_answered(
        &mut self,
        now: Now,
        station: u32,
        version: Version,
        call: &Call,
        answer: &str,
        command: CommandId,
    ) {
        if version != Version::V21 {
            return;
        }
        if let Err(StoreUnreadable) = self.note_answer(now, station, call, answer, command) {
            let station = self.stations[station].state.key.as_str();
            tracing::warn!(%station, action = %call.action, "what the station accepted is not noted, the state store cannot be read");
        }
    }

    fn note_answer(
        &mut self,
        now: Now,
        station: u32,
        call: &Call,
        answer_text: &str,
        command: CommandId,
    ) -> Result<(), StoreUnreadable> {
        let action = call.action.as_ref();
        let answer = || serde_json::from_str::<Value>(answer_text).unwrap_or_default();
        let asked = || serde_json::from_str::<Value>(&call.payload).unwrap_or_default();
        let status = |answer: &Value| answer["status"].as_str().unwrap_or_default().to_owned();
        let at = now.utc;
        match action {
            "SetDERControl" => {
                let (asked, answer) = (asked(), answer());
                if status(&answer) != "Accepted" {
                    return Ok(());
                }
                self.change_grid(
                    now,
                    station,
                    action,
                    Some(command),
                    |kept: &mut DerChanged| {
                        der::set(kept, &asked, &answer, command.0, at);
                    },
                )
            }
            "ClearDERControl" | "GetDERControl" => {
                let gone: &[&str] = match action {
                    "ClearDERControl" => &["Accepted", "NotFound"],
                    _ => &["NotFound"],
                };
                if !gone.contains(&status(&answer()).as_str()) {
                    return Ok(());
                }
                let criteria = der::Criteria::of(&asked());
                self.change_grid(
                    now,
                    station,
                    action,
                    Some(command),
                    |kept: &mut DerChanged| {
                        der::clear(kept, &criteria);
                    },
                )
            }
            "AdjustPeriodicEventStream" if status(&answer()) == "Accepted" => {
                let asked = asked();
                self.change_grid(
                    now,
                    station,
                    action,
                    Some(command),
                    |kept: &mut EventStreamsChanged| {
                        streams::adjust(kept, &asked, at);
                    },
                )
            }
            "GetPeriodicEventStream" => {
                let (answer, limits) = (answer(), self.config.event_streams);
                self.change_grid(
                    now,
                    station,
                    action,
                    Some(command),
                    |kept: &mut EventStreamsChanged| {
                        streams::listed(kept, &answer, &limits, at);
                    },
                )
            }
            "RequestBatterySwap" if status(&answer()) == "Accepted" => {
                let asked = asked();
                let Some(request_id) = asked["requestId"].as_i64() else {
                    return Ok(());
                };
                let token_ref =
                    self.token_ref(asked["idToken"]["idToken"].as_str().unwrap_or_default());
                self.change_grid(
                    now,
                    station,
                    action,
                    Some(command),
                    |kept: &mut BatterySwapsChanged| {
                        swaps::requested(kept, request_id, token_ref, command.0, at);
                    },
                )
            }
            "NotifyAllowedEnergyTransfer" if status(&answer()) == "Accepted" => {
                let asked = asked();
                let state = &self.stations[station].state;
                let running: Vec<_> = state
                    .active()
                    .map(|running| running.ocpp_id.clone())
                    .collect();
                self.change_grid(
                    now,
                    station,
                    action,
                    Some(command),
                    |kept: &mut V2xChanged| {
                        let runs = |id: &str| running.iter().any(|running| **running == *id);
                        v2x::allowed(kept, &asked, command.0, at, runs);
                    },
                )
            }
            "AFRRSignal" if status(&answer()) == "Accepted" => {
                let asked = asked();
                self.change_grid(
                    now,
                    station,
                    action,
                    Some(command),
                    |kept: &mut V2xChanged| {
                        v2x::signalled(kept, &asked, command.0, at);
                    },
                )
            }
            "SetVariables" => self.note_shared_secrets(now, station, call, answer_text, command),
            _ => Ok(()),
        }
    }
}
