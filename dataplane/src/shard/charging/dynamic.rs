//! Rates of dynamic profiles, for a station that pulls them.

use ocpp::{MeterColumns, Policy, v21};

use super::{Now, Shard, StoreUnreadable};
use crate::charging::ProfileId;

impl Shard {
    /// The rates of a dynamic profile for a station that pulls them (K28), as an UpdateDynamicSchedule. What lasts only so
    /// long behind its newest rates begins again with them (K28.FR.09, K28.FR.14).
    pub(in crate::shard) fn dynamic_rates(
        &mut self,
        now: Now,
        station: u32,
        id: i64,
    ) -> Result<Option<String>, StoreUnreadable> {
        let held = self.held(station)?;
        let id = i32::try_from(id).ok().map(ProfileId);
        let pulled = id.and_then(|id| Some((id, held.pulled(id)?)));
        if let Some((id, rates)) = &pulled
            && held.runs_out(*id)
        {
            self.change_held(now, station, "PullDynamicScheduleUpdate", None, |held| {
                held.update(*id, rates, now.utc);
            })?;
        }
        // In the words of the command that would bring them.
        Ok(pulled
            .map(|(_, rates)| rates)
            .map(|rates| format!("{{\"chargingProfileId\":0,\"scheduleUpdate\":{rates}}}")))
    }
}

/// What a station that pulls is answered: the rates, or that there are none (K28.FR.12).
pub(in crate::shard) fn dynamic_response<'a>(
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
                reason_code: "InvalidProfile".into(),
                additional_info: None,
            }),
        },
    }
}
