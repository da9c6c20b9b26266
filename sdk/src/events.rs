//! Events of stations: what their monitors saw, and errors of their connectors.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Position, VariableComponent, VariableName};

/// Something that a station found worth telling of one of its variables.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StationEvent {
    /// Which message told it.
    pub source: StationEventSource,
    /// The station's number of it (`eventId`); `null` in 1.6, as all below that 1.6 does not know.
    pub event_id: Option<i64>,
    /// When it happened by the station's clock, as the station wrote it.
    #[schema(example = "2026-11-22T10:41:49Z")]
    pub timestamp: String,
    /// When it came.
    #[schema(format = DateTime)]
    pub received_at: String,
    /// `Alerting`, `Delta` or `Periodic`.
    pub trigger: Option<String>,
    /// `eventId` of the event that led to this one.
    pub cause: Option<i64>,
    /// Where it was seen; in 1.6 `Connector`, or `ChargingStation` for connector 0.
    pub component: VariableComponent,
    /// What was seen; in 1.6 `Problem`.
    pub variable: VariableName,
    /// The variable's value then.
    pub actual_value: Option<String>,
    /// `true` when this tells the end of what an event before it told.
    pub cleared: Option<bool>,
    /// 0 (danger) to 9 (debug): of the event (2.1), or of its monitor in `/monitors`; `null` where neither is known.
    pub severity: Option<u8>,
    /// The monitor: its number in `/monitors`.
    pub monitor_id: Option<i64>,
    /// `eventNotificationType`, such as `HardWiredNotification` or `CustomMonitor`.
    pub notification_type: Option<String>,
    /// Technical code of it; in 1.6 the `errorCode`.
    pub tech_code: Option<String>,
    /// Technical details; in 1.6 `vendorId`, `vendorErrorCode` and `info`.
    pub tech_info: Option<String>,
    /// The transaction that it belongs to, by the station's name.
    pub ocpp_transaction_id: Option<String>,
    /// The record that says so.
    pub position: Position,
}

/// Which message told an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
pub enum StationEventSource {
    /// OCPP 2.x.
    NotifyEvent,
    /// OCPP 1.6, with an `errorCode` other than `NoError`.
    StatusNotification,
}
