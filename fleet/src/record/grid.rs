//! Stations and the grid in 2.1: DER controls, event streams, battery swaps, power from vehicles.

use rkyv::{Archive, Deserialize, Serialize};

/// DER controls of a station, and the alarms that it raised about the grid (2.1 R), as far as it accepted or told them: the
/// whole of it each time, so that the newest record is enough.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq, Default)]
#[rkyv(derive(Debug))]
pub struct DerChanged {
    /// The OCPP action that changed it.
    pub cause: String,
    /// The command that carried it; absent for what the station told by itself.
    pub command_id: Option<[u8; 16]>,
    /// True when the station has more than is kept.
    pub is_partial: bool,
    /// In the order in which they came to be known.
    pub controls: Vec<DerControlHeld>,
    /// The newest, oldest first.
    pub alarms: Vec<DerAlarm>,
}

/// A DER control of a station.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq, Default)]
#[rkyv(derive(Debug))]
pub struct DerControlHeld {
    /// Its id on the station.
    pub id: String,
    /// `DERControlEnumType`; empty for one of which nothing was heard but that it began or ended.
    pub control_type: String,
    /// `isDefault`; false for a scheduled one.
    pub is_default: bool,
    /// `isSuperseded`: another one of its type is executed instead.
    pub is_superseded: bool,
    /// The lower goes first; absent where only its beginning or end was heard.
    pub priority: Option<i64>,
    /// `startTime`.
    pub starts_at: Option<i64>,
    /// `duration`, in microseconds.
    pub duration_micros: Option<i64>,
    /// The command that brought it; absent for one that the station told of first.
    pub command_id: Option<[u8; 16]>,
    /// When the station took it, or first told of it.
    pub known_since: i64,
    /// When the station named it last in a report; absent for one that it has not named.
    pub reported_at: Option<i64>,
    /// When it began, by the station's word.
    pub began_at: Option<i64>,
    /// When it ended, likewise.
    pub ended_at: Option<i64>,
    /// The member with its settings as JSON, as it was sent or reported; empty where that is not known.
    pub settings: String,
}

/// A grid event that makes a station deviate from what it was to do.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq, Default)]
#[rkyv(derive(Debug))]
pub struct DerAlarm {
    /// `DERControlEnumType`: the control that is followed instead.
    pub control_type: String,
    /// `GridEventFaultEnumType`; empty where the station names none.
    pub fault: String,
    /// `extraInfo` of the newest message.
    pub extra_info: String,
    /// When it began, by the station's clock; absent where only its end was heard.
    pub raised_at: Option<i64>,
    /// When the first message about it came.
    pub received_at: i64,
    /// When it ended, by the station's clock; absent while it lasts.
    pub ended_at: Option<i64>,
    /// True when it ended because the next one took its place (R05.FR.04).
    pub is_taken_over: bool,
}

/// Periodic event streams that a station has open (2.1 N11 to N15): all of them each time.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq, Default)]
#[rkyv(derive(Debug))]
pub struct EventStreamsChanged {
    /// The OCPP action that changed them.
    pub cause: String,
    /// The command that carried it; absent for what the station told by itself.
    pub command_id: Option<[u8; 16]>,
    /// By their ids.
    pub streams: Vec<EventStreamHeld>,
}

/// A periodic event stream.
#[derive(Archive, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, Default)]
#[rkyv(derive(Debug))]
pub struct EventStreamHeld {
    /// The station's number of it.
    pub id: i64,
    /// `variableMonitoringId`.
    pub monitor_id: i64,
    /// `params.interval`, seconds.
    pub interval_s: Option<i64>,
    /// `params.values`.
    pub values: Option<i64>,
    /// When it was opened, or first heard of.
    pub opened_at: i64,
    /// When its parameters changed last.
    pub changed_at: i64,
}

closed_set! {
    /// How far a battery swap has come.
    BatterySwapState {
        /// The station accepted the request, and no battery has moved.
        Requested = 1 "requested",
        /// Batteries came in, and none went out.
        In = 2 "in",
        /// Batteries went out, and none came in.
        Out = 3 "out",
        /// Batteries came in and went out.
        Complete = 4 "complete",
        /// Batteries came in, and nobody took those that were offered.
        OutTimeout = 5 "out_timeout",
    }
}

closed_set! {
    /// What happened to a battery in a swap.
    BatteryEvent {
        /// The driver put it in.
        In = 1 "in",
        /// The driver took it.
        Out = 2 "out",
        /// It was offered, and not taken in time.
        OutTimeout = 3 "out_timeout",
    }
}

/// Battery swaps at a station (2.1 S): the newest ones each time, in the order of their last changes.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq, Default)]
#[rkyv(derive(Debug))]
pub struct BatterySwapsChanged {
    /// The OCPP action that changed them.
    pub cause: String,
    /// The one that this record is about is the last.
    pub swaps: Vec<BatterySwap>,
}

/// A battery swap.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq, Default)]
#[rkyv(derive(Debug))]
pub struct BatterySwap {
    /// `requestId`: what ties its messages together.
    pub request_id: i64,
    /// [`BatterySwapState`].
    pub state: u8,
    /// Whose it is; [`TransactionEvent::token_ref`](super::TransactionEvent::token_ref).
    pub token_ref: [u8; 16],
    /// The RequestBatterySwap; absent for one that began at the station.
    pub command_id: Option<[u8; 16]>,
    /// When the first message about it came.
    pub began_at: i64,
    /// When the last one came.
    pub changed_at: i64,
    /// In the order in which they were told.
    pub batteries: Vec<SwappedBattery>,
}

/// A battery of a [`BatterySwap`].
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq, Default)]
#[rkyv(derive(Debug))]
pub struct SwappedBattery {
    /// [`BatteryEvent`].
    pub event: u8,
    /// The slot.
    pub evse_id: u32,
    /// Its own.
    pub serial_number: String,
    /// State of charge as the station wrote it, but for a very long one, percent.
    pub soc_percent: String,
    /// State of health, likewise.
    pub soh_percent: String,
    /// When it was made; absent where the station does not say.
    pub produced_at: Option<i64>,
    /// `vendorInfo`.
    pub vendor_info: String,
    /// When that was told.
    pub at: i64,
}

/// What a station was told about power from and to vehicles, and accepted (2.1 Q): the whole of it each time.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq, Default)]
#[rkyv(derive(Debug))]
pub struct V2xChanged {
    /// The OCPP action that changed it.
    pub cause: String,
    /// The command that carried it; absent for what the station told by itself.
    pub command_id: Option<[u8; 16]>,
    /// Energy transfers that transactions may use, while they run.
    pub allowed: Vec<AllowedEnergyTransfer>,
    /// The newest AFRRSignal.
    pub afrr: Option<AfrrSignal>,
}

/// Energy transfers that a transaction may use.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq, Eq, Default)]
#[rkyv(derive(Debug))]
pub struct AllowedEnergyTransfer {
    /// The transaction, by the station's name of it.
    pub ocpp_transaction_id: String,
    /// `EnergyTransferModeEnumType`.
    pub modes: Vec<String>,
    /// The NotifyAllowedEnergyTransfer.
    pub command_id: [u8; 16],
    /// When the station accepted it.
    pub at: i64,
}

/// How drivers let their vehicles be charged, as their tokens said it for transactions that run (2.1 Q01): the whole of it
/// each time.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq, Default)]
#[rkyv(derive(Debug))]
pub struct DriverTransfers {
    /// The OCPP action that changed it.
    pub cause: String,
    /// The one that changed last is the last.
    pub transfers: Vec<DriverTransfer>,
}

/// One of [`DriverTransfers`].
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq, Eq, Default)]
#[rkyv(derive(Debug))]
pub struct DriverTransfer {
    /// Which transaction.
    pub transaction_id: [u8; 16],
    /// `EnergyTransferModeEnumType`.
    pub modes: Vec<String>,
}

/// A signal for automatic frequency restoration (Q07).
#[derive(Archive, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, Default)]
#[rkyv(derive(Debug))]
pub struct AfrrSignal {
    /// `signal`: where on the curve of its profile the station is to be.
    pub signal: i64,
    /// `timestamp`: from when.
    pub signal_at: i64,
    /// The AFRRSignal.
    pub command_id: [u8; 16],
    /// When the station accepted it.
    pub at: i64,
}
