//! DER controls, periodic event streams and battery swaps of 2.1 stations.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// DER controls of a station and the alarms that it raised, as far as the station accepted or told them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DerControls {
    /// In the order in which they came to be known.
    pub controls: Vec<DerControl>,
    /// The newest 64, newest first.
    pub alarms: Vec<DerAlarm>,
    /// True when the station has more controls than are kept here.
    pub is_partial: bool,
}

/// A DER control of a station.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DerControl {
    /// Its id on the station.
    pub id: String,
    /// `DERControlEnumType`; `null` for one of which nothing was heard but that it began or ended.
    #[schema(example = "FreqDroop")]
    pub control_type: Option<String>,
    /// How it stands.
    pub state: DerControlState,
    /// True for a default control, false for a scheduled one.
    pub is_default: bool,
    /// The lower goes first.
    pub priority: Option<i64>,
    /// When a scheduled one begins.
    #[schema(format = DateTime)]
    pub starts_at: Option<String>,
    /// How long it lasts, seconds.
    pub duration: Option<f64>,
    /// When it began, by the station's word.
    #[schema(format = DateTime)]
    pub began_at: Option<String>,
    /// When it ended, by the station's word.
    #[schema(format = DateTime)]
    pub ended_at: Option<String>,
    /// The command that brought it.
    pub command_id: Option<String>,
    /// When the station took it, or first told of it.
    #[schema(format = DateTime)]
    pub known_since: String,
    /// When the station named it last in a report.
    #[schema(format = DateTime)]
    pub reported_at: Option<String>,
    /// Its settings as they were sent or reported: `freqDroop`, `curve`, …
    #[schema(value_type = Option<Object>)]
    pub settings: Option<serde_json::Value>,
}

/// How a DER control stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DerControlState {
    /// It is executed.
    Active,
    /// It will begin.
    Scheduled,
    /// A default that waits until what is scheduled of its type has ended.
    Standby,
    /// Another one of its type is executed instead.
    Superseded,
    /// Its time is over.
    Ended,
}

/// A grid event that makes a station deviate from what it was to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DerAlarm {
    /// The type of the control that is followed instead.
    #[schema(example = "VoltWatt")]
    pub control_type: String,
    /// `GridEventFaultEnumType`.
    #[schema(example = "OverVoltage")]
    pub fault: Option<String>,
    /// More, in the station's words.
    pub extra_info: Option<String>,
    /// When it began, by the station's clock; `null` where only its end was heard.
    #[schema(format = DateTime)]
    pub raised_at: Option<String>,
    /// When it ended; `null` while it lasts.
    #[schema(format = DateTime)]
    pub ended_at: Option<String>,
    /// True when it ended because the next one took its place.
    pub is_taken_over: bool,
    /// When the first message about it came.
    #[schema(format = DateTime)]
    pub received_at: String,
}

/// A periodic event stream that a station has open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EventStream {
    /// The station's number of it.
    pub id: i64,
    /// The monitor whose values it tells: one of `/monitors`.
    pub monitor_id: i64,
    /// Seconds between its messages.
    pub interval: Option<i64>,
    /// Values after which it sends one.
    pub values: Option<i64>,
    /// When it was opened, or first heard of.
    #[schema(format = DateTime)]
    pub opened_at: String,
    /// When `interval` or `values` changed last.
    #[schema(format = DateTime)]
    pub changed_at: String,
    /// What it said since the server started; `null` for nothing.
    pub heard: Option<EventStreamHeard>,
}

/// What an event stream said since the server started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EventStreamHeard {
    /// Messages.
    pub messages: u64,
    /// Values in them.
    pub values: u64,
    /// Values that the station has and did not send yet; one that grows asks for larger or more frequent messages.
    pub pending: i64,
    /// When the newest message came.
    #[schema(format = DateTime)]
    pub last_at: String,
}

/// A battery swap.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BatterySwap {
    /// What ties its messages together.
    pub request_id: i64,
    /// The station.
    pub device_id: String,
    /// How far it has come.
    pub state: BatterySwapState,
    /// What stands for its token in SQL.
    pub token_ref: String,
    /// The `RequestBatterySwap`; `null` for one that began at the station.
    pub command_id: Option<String>,
    /// When the first message about it came.
    #[schema(format = DateTime)]
    pub began_at: String,
    /// When the last one came.
    #[schema(format = DateTime)]
    pub changed_at: String,
    /// In the order in which they were told.
    pub batteries: Vec<SwappedBattery>,
}

/// How far a battery swap has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BatterySwapState {
    /// The station accepted the request, and no battery has moved.
    Requested,
    /// Batteries came in, and none went out.
    In,
    /// Batteries went out, and none came in.
    Out,
    /// Batteries came in and went out.
    Complete,
    /// Batteries came in, and nobody took those that were offered.
    OutTimeout,
}

/// A battery of a swap.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SwappedBattery {
    /// What happened to it.
    pub event: BatteryEvent,
    /// The slot.
    pub evse_id: u32,
    /// Its serial number.
    pub serial_number: String,
    /// State of charge in percent, as the station wrote it.
    #[schema(example = "97.5")]
    pub soc_percent: String,
    /// State of health in percent, as the station wrote it.
    #[schema(example = "99")]
    pub soh_percent: String,
    /// When it was made.
    #[schema(format = DateTime)]
    pub produced_at: Option<String>,
    /// What its vendor says of it.
    pub vendor_info: Option<String>,
    /// When that was told.
    #[schema(format = DateTime)]
    pub at: String,
}

/// What happened to a battery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BatteryEvent {
    /// The driver put it in.
    In,
    /// The driver took it.
    Out,
    /// It was offered, and not taken in time.
    OutTimeout,
}
