//! DER controls, event streams and battery swaps.

use reqwest::Method;

use super::{Client, ClientError, read};
use crate::{BatterySwap, DerControls, EventStream, Page};

impl Client {
    /// `GET /api/v1/devices/{id}/der-controls`
    pub async fn der_controls(&self, id: &str) -> Result<DerControls, ClientError> {
        read(self.get(&["devices", id, "der-controls"])).await
    }

    /// `GET /api/v1/devices/{id}/event-streams`
    pub async fn event_streams(
        &self,
        id: &str,
        limit: Option<u32>,
        cursor: Option<&str>,
    ) -> Result<Page<EventStream>, ClientError> {
        let query = page(limit, cursor);
        read(self.request(Method::GET, &["devices", id, "event-streams"], &query)).await
    }

    /// `GET /api/v1/devices/{id}/battery-swaps`
    pub async fn battery_swaps(
        &self,
        id: &str,
        limit: Option<u32>,
        cursor: Option<&str>,
    ) -> Result<Page<BatterySwap>, ClientError> {
        let query = page(limit, cursor);
        read(self.request(Method::GET, &["devices", id, "battery-swaps"], &query)).await
    }
}

fn page(limit: Option<u32>, cursor: Option<&str>) -> [(&'static str, Option<String>); 2] {
    [
        ("limit", limit.map(|limit| limit.to_string())),
        ("cursor", cursor.map(str::to_owned)),
    ]
}
