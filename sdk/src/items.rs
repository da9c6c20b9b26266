//! What a station keeps under numbers: monitors and display messages; and what it knows about a customer.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A monitor of a variable.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Monitor {
    /// The station's number of it.
    pub id: i64,
    /// As OCPP has it: `component`, `variable`, `type`, `value`, `severity`, …
    #[schema(value_type = Object, example = json!({"id": 2, "type": "Delta", "value": 1, "severity": 8, "component": {"name": "EVSE", "evse": {"id": 1}}, "variable": {"name": "AvailabilityState"}}))]
    pub monitor: serde_json::Value,
    /// When it was told.
    #[schema(format = DateTime)]
    pub as_of: String,
    /// By which record: its log.
    pub log_id: String,
    /// Its number there.
    pub seq: u64,
}

/// A message on a station's display.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DisplayMessage {
    /// The number that it was set under.
    pub id: i64,
    /// As OCPP has it: `priority`, `message`, `state`, `startDateTime`, …
    #[schema(value_type = Object, example = json!({"id": 1, "priority": "NormalCycle", "message": {"format": "UTF8", "content": "Bom dia"}}))]
    pub message: serde_json::Value,
    /// When it was told.
    #[schema(format = DateTime)]
    pub as_of: String,
    /// By which record: its log.
    pub log_id: String,
    /// Its number there.
    pub seq: u64,
}

/// What a station told about a customer, put together from its parts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CustomerReport {
    /// The parts that came, in the order of their numbers.
    pub data: String,
    /// How many came.
    pub parts: usize,
    /// `seqNo` of parts that are missing before the newest one; the first 64.
    pub missing_parts: Vec<u32>,
    /// True when the last part is here, and every one before it.
    pub complete: bool,
}
