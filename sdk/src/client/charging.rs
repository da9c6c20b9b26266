//! Charging profiles and the schedule they make.

use reqwest::Method;

use super::{Client, ClientError, TIMEOUT_LONG, read};
use crate::{
    ChargingProfileChange, ChargingProfileFilter, ChargingProfileRequest, ChargingProfiles,
    ChargingRateUnit, CompositeSchedule,
};

impl Client {
    /// `GET /api/v1/devices/{id}/charging-profiles`
    pub async fn charging_profiles(&self, id: &str) -> Result<ChargingProfiles, ClientError> {
        read(self.get(&["devices", id, "charging-profiles"])).await
    }

    /// `PUT /api/v1/devices/{id}/charging-profiles`; waits for the station's answer.
    pub async fn put_charging_profile(
        &self,
        id: &str,
        request: &ChargingProfileRequest,
    ) -> Result<ChargingProfileChange, ClientError> {
        let path = ["devices", id, "charging-profiles"];
        let builder = self.request(Method::PUT, &path, &[]).json(request);
        read(builder.timeout(TIMEOUT_LONG)).await
    }

    /// The same, without sending it: what is wrong with it.
    pub async fn check_charging_profile(
        &self,
        id: &str,
        request: &ChargingProfileRequest,
    ) -> Result<ChargingProfileChange, ClientError> {
        let path = ["devices", id, "charging-profiles"];
        let check = [("check", Some("true".to_owned()))];
        read(self.request(Method::PUT, &path, &check).json(request)).await
    }

    /// `DELETE /api/v1/devices/{id}/charging-profiles`; waits for the station's answer.
    pub async fn clear_charging_profiles(
        &self,
        id: &str,
        filter: &ChargingProfileFilter,
    ) -> Result<ChargingProfileChange, ClientError> {
        let query = [
            ("id", filter.id.map(|id| id.to_string())),
            ("evse_id", filter.evse_id.map(|id| id.to_string())),
            ("purpose", filter.purpose.clone()),
            (
                "stack_level",
                filter.stack_level.map(|level| level.to_string()),
            ),
        ];
        let path = ["devices", id, "charging-profiles"];
        let builder = self.request(Method::DELETE, &path, &query);
        read(builder.timeout(TIMEOUT_LONG)).await
    }

    /// `GET /api/v1/devices/{id}/composite-schedule` for `duration` seconds from now; with `compare` beside the
    /// station's own.
    pub async fn composite_schedule(
        &self,
        id: &str,
        evse_id: u32,
        duration: u32,
        unit: ChargingRateUnit,
        compare: bool,
    ) -> Result<CompositeSchedule, ClientError> {
        let unit = match unit {
            ChargingRateUnit::A => "A",
            ChargingRateUnit::W => "W",
        };
        let query = [
            ("evse_id", Some(evse_id.to_string())),
            ("duration", Some(duration.to_string())),
            ("unit", Some(unit.to_owned())),
            ("compare", compare.then(|| "true".to_owned())),
        ];
        let path = ["devices", id, "composite-schedule"];
        let builder = self.request(Method::GET, &path, &query);
        read(builder.timeout(TIMEOUT_LONG)).await
    }
}
