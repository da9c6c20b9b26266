//! What a log record says: one struct per kind, one kind per fact.
//!
//! These are wire types: their archived form is the format on disk, so a struct here is never changed in
//! place. A new field is a new version of the kind, and [`crate::wire`] keeps a reader for the one before.
//! Scalars are plain integers; the constants beside them say what they mean. Times are UTC microseconds.

use rkyv::{Archive, Deserialize, Serialize};

/// Declares a fieldless enum that travels as one byte and has the OCPP 2.0.1 (or our) name of each variant.
macro_rules! closed_set {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $code:literal $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum $name { $($(#[$vdoc])* $variant = $code,)+ }

        impl $name {
            /// Every variant, in the order of its code.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The name on the wire and in SQL.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }

            /// The byte in a record; `None` for a byte that no version has written.
            pub const fn from_code(code: u8) -> Option<Self> {
                match code { $($code => Some(Self::$variant),)+ _ => None }
            }

            /// The byte in a record.
            pub const fn code(self) -> u8 {
                self as u8
            }

            /// The variant of this exact name.
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($text => Some(Self::$variant),)+ _ => None }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

closed_set! {
    /// The version a connection speaks.
    Protocol {
        /// OCPP 1.6 with JSON.
        Ocpp16 = 1 "ocpp1.6",
        /// OCPP 2.0.1.
        Ocpp201 = 2 "ocpp2.0.1",
        /// OCPP 2.1.
        Ocpp21 = 3 "ocpp2.1",
    }
}

closed_set! {
    /// `ConnectorStatusEnumType` of OCPP 2.0.1; the nine of 1.6 are translated into it.
    ConnectorStatus {
        /// Ready for a new user.
        Available = 1 "Available",
        /// In use: 1.6 Preparing, Charging, SuspendedEV, SuspendedEVSE, Finishing.
        Occupied = 2 "Occupied",
        /// Held by a reservation.
        Reserved = 3 "Reserved",
        /// Out of service.
        Unavailable = 4 "Unavailable",
        /// Reports an error and cannot charge.
        Faulted = 5 "Faulted",
    }
}

closed_set! {
    /// `ReadingContextEnumType` of OCPP 2.0.1.
    ReadingContext {
        /// At the start of an interruption.
        InterruptionBegin = 1 "Interruption.Begin",
        /// At the end of an interruption.
        InterruptionEnd = 2 "Interruption.End",
        /// None of the others.
        Other = 3 "Other",
        /// Taken at a clock-aligned interval.
        SampleClock = 4 "Sample.Clock",
        /// Taken periodically (the default).
        SamplePeriodic = 5 "Sample.Periodic",
        /// At the start of a transaction.
        TransactionBegin = 6 "Transaction.Begin",
        /// At the end of a transaction.
        TransactionEnd = 7 "Transaction.End",
        /// In answer to a trigger.
        Trigger = 8 "Trigger",
    }
}

closed_set! {
    /// `TransactionEventEnumType` of OCPP 2.0.1.
    TransactionEventKind {
        /// First event of a transaction.
        Started = 1 "Started",
        /// Any event in between.
        Updated = 2 "Updated",
        /// Last event of a transaction.
        Ended = 3 "Ended",
    }
}

closed_set! {
    /// Where a transaction stands.
    TransactionState {
        /// Begun and not ended.
        Active = 1 "active",
        /// Ended by its station.
        Ended = 2 "ended",
        /// An end (or a middle) whose beginning is unknown here.
        Orphan = 3 "orphan",
    }
}

closed_set! {
    /// How far the energy of a transaction can be billed.
    Quality {
        /// From two plausible registers.
        Ok = 1 "ok",
        /// From the registers that came; the first or the last is missing.
        Estimated = 2 "estimated",
        /// Registers run backwards or jump; shown, not billed.
        Quarantined = 3 "quarantined",
    }
}

closed_set! {
    /// A measurement column of `meter_values`. The code is the index of the column.
    MeterColumn {
        /// `Energy.Active.Import.Register`, milliwatt-hours.
        EnergyWh = 0 "energy_wh",
        /// `Energy.Active.Export.Register`, milliwatt-hours.
        EnergyExportWh = 1 "energy_export_wh",
        /// `Power.Active.Import`, watts.
        PowerW = 2 "power_w",
        /// The same of phase L1.
        PowerL1W = 3 "power_l1_w",
        /// The same of phase L2.
        PowerL2W = 4 "power_l2_w",
        /// The same of phase L3.
        PowerL3W = 5 "power_l3_w",
        /// `Power.Offered`, watts.
        PowerOfferedW = 6 "power_offered_w",
        /// `Current.Import`, amperes.
        CurrentA = 7 "current_a",
        /// The same of phase L1.
        CurrentL1A = 8 "current_l1_a",
        /// The same of phase L2.
        CurrentL2A = 9 "current_l2_a",
        /// The same of phase L3.
        CurrentL3A = 10 "current_l3_a",
        /// `Current.Offered`, amperes.
        CurrentOfferedA = 11 "current_offered_a",
        /// `Voltage`, volts.
        VoltageV = 12 "voltage_v",
        /// The same of phase L1 (or L1-N).
        VoltageL1V = 13 "voltage_l1_v",
        /// The same of phase L2 (or L2-N).
        VoltageL2V = 14 "voltage_l2_v",
        /// The same of phase L3 (or L3-N).
        VoltageL3V = 15 "voltage_l3_v",
        /// `Frequency`, hertz.
        FrequencyHz = 16 "frequency_hz",
        /// `Power.Factor`, 0 to 1.
        PowerFactor = 17 "power_factor",
        /// `SoC`, percent.
        SocPercent = 18 "soc_percent",
        /// `Temperature`, degrees Celsius.
        TemperatureC = 19 "temperature_c",
    }
}

closed_set! {
    /// Who sent a frame.
    Direction {
        /// The station.
        FromStation = 1 "from_station",
        /// We.
        ToStation = 2 "to_station",
    }
}

closed_set! {
    /// Where a command stands (design, section 5).
    CommandState {
        /// Durable, not yet on the socket.
        Queued = 1 "queued",
        /// On the socket, unanswered.
        Sent = 2 "sent",
        /// The station answered: result or error.
        Answered = 3 "answered",
        /// No answer within its deadline.
        Timeout = 4 "timeout",
        /// The station was not connected.
        Offline = 5 "offline",
        /// The station's queue of commands was full.
        QueueFull = 6 "queue_full",
        /// A crash or a disconnect caught it without an answer; never resent.
        Unknown = 7 "unknown",
    }
}

closed_set! {
    /// Where a reservation stands.
    ReservationState {
        /// Asked for; the station has not answered.
        Requested = 1 "requested",
        /// The station accepted it, and it is not over.
        Active = 2 "active",
        /// The station said no, or was not asked.
        Refused = 3 "refused",
        /// Whether the station holds it nobody heard.
        Unknown = 4 "unknown",
        /// A transaction was begun on it.
        Used = 5 "used",
        /// Its time is over.
        Expired = 6 "expired",
        /// The station gave it up.
        Removed = 7 "removed",
        /// An operator took it back, and the station agreed.
        Cancelled = 8 "cancelled",
        /// Its driver came, and no transaction began (2.1).
        NoTransaction = 9 "no_transaction",
    }
}

closed_set! {
    /// Whether a station may speak.
    Acceptance {
        /// Seen while onboarding is pending; Boot is answered Pending.
        Pending = 1 "pending",
        /// Registered, approved, or met while onboarding was open.
        Accepted = 2 "accepted",
    }
}

closed_set! {
    /// How a peer proved who it is, weakest first.
    Security {
        /// It did not.
        None = 1 "none",
        /// HTTP Basic with the station's password (security profiles 1 and 2).
        Basic = 2 "basic",
    }
}

/// A socket became a station's connection.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[rkyv(derive(Debug))]
pub struct Connected {
    /// Names this connection among all of the log.
    pub connection: u64,
    /// Address and port of the peer.
    pub peer: String,
    /// [`Protocol`].
    pub protocol: u8,
    /// [`Security`].
    pub security: u8,
    /// [`Acceptance`] from here on.
    pub acceptance: u8,
    /// True when onboarding was open and this connection made the station known.
    pub first_seen: bool,
}

/// A station's connection ended.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[rkyv(derive(Debug))]
pub struct Disconnected {
    /// The connection that ended.
    pub connection: u64,
    /// Why, in words: `closed by station (1000)`, `replaced`, `ping timeout`.
    pub reason: String,
}

/// A handshake was refused for a station that is known, or a connection was displaced too often.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[rkyv(derive(Debug))]
pub struct ConnectionRefused {
    /// Address and port of the peer.
    pub peer: String,
    /// Why, in words.
    pub reason: String,
}

/// BootNotification.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq, Default)]
#[rkyv(derive(Debug))]
pub struct Booted {
    /// Vendor, model, serial number and firmware as sent; empty where absent.
    pub vendor: String,
    /// Model name.
    pub model: String,
    /// `chargePointSerialNumber` in 1.6, `serialNumber` in 2.x.
    pub serial_number: String,
    /// Firmware version.
    pub firmware_version: String,
    /// 2.x boot reason; empty in 1.6.
    pub reason: String,
    /// SIM card and modem, meter: `iccid`, `imsi`, `meter_type`, `meter_serial_number`.
    pub iccid: String,
    /// IMSI of the modem.
    pub imsi: String,
    /// Type of the main meter.
    pub meter_type: String,
    /// Serial number of the main meter.
    pub meter_serial_number: String,
    /// True when the answer was Accepted.
    pub accepted: bool,
}

/// When something happened, as the station says and as we believe it.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq, Default)]
#[rkyv(derive(Debug))]
pub struct Moment {
    /// The station's time, or the receive time where that is not worth believing.
    pub at: i64,
    /// The station's text; empty where it sent none.
    pub raw: String,
    /// False when `at` is the receive time.
    pub clock_trusted: bool,
}

/// StatusNotification.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[rkyv(derive(Debug))]
pub struct StatusReported {
    /// EVSE; 0 is the station as a whole.
    pub evse_id: u32,
    /// Connector within the EVSE.
    pub connector_id: u32,
    /// [`ConnectorStatus`].
    pub status: u8,
    /// As the station wrote it.
    pub status_reported: String,
    /// 1.6 `errorCode` as written; empty in 2.x.
    pub error_code: String,
    /// 1.6 `vendorErrorCode`.
    pub vendor_error_code: String,
    /// 1.6 `vendorId`.
    pub vendor_id: String,
    /// 1.6 `info`.
    pub info: String,
    /// When.
    pub occurred: Moment,
    /// False when a later status of this connector is already known: history only.
    pub live: bool,
    /// Recognises a retry: hash of the key, and of the values.
    pub retry: Retry,
}

/// How a retry is recognised: same key and same content is one effect, same key and other content is kept and flagged.
#[derive(Archive, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, Default)]
#[rkyv(derive(Debug))]
pub struct Retry {
    /// Hash of the retry key; zero when the message has no key that counts.
    pub key: [u8; 16],
    /// Hash of the decoded values, without message id and `offline`.
    pub content: [u8; 16],
    /// True when this is a second content under one key.
    pub conflict: bool,
}

/// StartTransaction, StopTransaction (1.6) or TransactionEvent (2.x), with what the shard made of it.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[rkyv(derive(Debug))]
pub struct TransactionEvent {
    /// [`crate::TransactionId`].
    pub transaction_id: [u8; 16],
    /// The station's text, or the decimal 1.6 id.
    pub ocpp_transaction_id: String,
    /// [`TransactionEventKind`].
    pub kind: u8,
    /// EVSE; 0 when unknown.
    pub evse_id: u32,
    /// Connector; 0 when unknown.
    pub connector_id: u32,
    /// 2.x `seqNo`; -1 in 1.6.
    pub seq_no: i64,
    /// Sequence numbers missing before this one, as far as known.
    pub seq_gap: u32,
    /// 2.x `triggerReason`; empty in 1.6.
    pub trigger_reason: String,
    /// 2.x `chargingState`.
    pub charging_state: String,
    /// 2.x `stoppedReason`, 1.6 `reason`.
    pub stop_reason: String,
    /// HMAC of the idToken under the tenant's key; absent where the station sent none.
    pub token_ref: Option<[u8; 16]>,
    /// 2.x `remoteStartId`; -1 where absent.
    pub remote_start_id: i64,
    /// Counter behind a 1.6 transaction id given here; 0 otherwise.
    pub ocpp_counter: u32,
    /// Recorded while the station was offline.
    pub offline: bool,
    /// When.
    pub occurred: Moment,
    /// `meterStart` or `meterStop` of 1.6, or the register that came with the event, milliwatt-hours.
    pub register_mwh: Option<i64>,
    /// Recognises a retry.
    pub retry: Retry,
    /// The transaction after this event.
    pub summary: TransactionSummary,
}

/// `trigger_reason` and `stop_reason` of a [`TransactionEvent`] that no station sent: an operator has ended the
/// transaction here. Until its station ends it, later events of it have this `stop_reason` too.
pub const CLOSED: &str = "Sigec.Closed";

/// An operator has ended a transaction here, and its station was not asked. What came of it says the
/// [`TransactionEvent`] behind this record.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[rkyv(derive(Debug))]
pub struct TransactionClosed {
    /// [`crate::TransactionId`].
    pub transaction_id: [u8; 16],
    /// Name of the principal who did it.
    pub principal: String,
    /// Why, in that one's words; empty for none.
    pub reason: String,
    /// The end as the operator said it.
    pub ended_at: Option<i64>,
    /// The last register as the operator said it, milliwatt-hours.
    pub meter_stop_mwh: Option<i64>,
    /// The transaction as its station had told it by then: what the station's own end goes on from.
    pub before: TransactionSummary,
    /// Highest `seqNo` by then; -1 for none.
    pub seq_no: i64,
    /// When the newest event by then happened.
    pub event_at: i64,
}

/// A transaction as far as it is known: computed once, by its shard.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[rkyv(derive(Debug))]
pub struct TransactionSummary {
    /// [`TransactionState`].
    pub state: u8,
    /// [`Quality`].
    pub quality: u8,
    /// Absent when the beginning is unknown.
    pub started_at: Option<i64>,
    /// Absent while it runs.
    pub ended_at: Option<i64>,
    /// First plausible register, milliwatt-hours.
    pub meter_start_mwh: Option<i64>,
    /// Last plausible register, milliwatt-hours.
    pub meter_stop_mwh: Option<i64>,
    /// Their difference.
    pub energy_mwh: Option<i64>,
    /// Minor units of `currency`; absent when the energy is not to be billed.
    pub cost: Option<i64>,
    /// ISO 4217.
    pub currency: [u8; 3],
    /// The token it was started with.
    pub token_ref: Option<[u8; 16]>,
}

/// Meter values of one message. Values of common measurands lie in [`Reading`]s, all else in [`Sample`]s.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq, Default)]
#[rkyv(derive(Debug))]
pub struct MeterValues {
    /// EVSE; 0 is the main meter.
    pub evse_id: u32,
    /// Connector; 0 when unknown.
    pub connector_id: u32,
    /// Our id, where the station named a transaction.
    pub transaction_id: Option<[u8; 16]>,
    /// The station's name of it; empty where it named none.
    pub ocpp_transaction_id: String,
    /// Recorded while the station was offline.
    pub offline: bool,
    /// One per `meterValue` element.
    pub rows: Vec<MeterRow>,
    /// Values of columns, grouped by row in ascending order.
    pub readings: Vec<Reading>,
    /// Values without a column, grouped by row in ascending order.
    pub samples: Vec<Sample>,
    /// Text that rows and samples point into.
    pub text: String,
    /// Recognises a retry.
    pub retry: Retry,
}

/// A range of [`MeterValues::text`], in bytes.
#[derive(Archive, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, Default)]
#[rkyv(derive(Debug))]
pub struct TextRange {
    /// First byte.
    pub start: u32,
    /// Number of bytes; 0 means absent.
    pub len: u32,
}

/// One `meterValue` element; its ordinal is its index.
#[derive(Archive, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Default)]
#[rkyv(derive(Debug))]
pub struct MeterRow {
    /// The station's time, or the receive time where that is not worth believing.
    pub measured_at: i64,
    /// The station's text.
    pub measured_at_raw: TextRange,
    /// False when `measured_at` is the receive time.
    pub clock_trusted: bool,
    /// [`ReadingContext`].
    pub context: u8,
}

/// One value of a [`MeterColumn`].
#[derive(Archive, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Default)]
#[rkyv(derive(Debug))]
pub struct Reading {
    /// Index into [`MeterValues::rows`].
    pub row: u16,
    /// [`MeterColumn`].
    pub column: u8,
    /// Milliwatt-hours for the two energy columns, else the bits of an `f64`.
    pub bits: i64,
}

/// One sampled value that has no column, as the station wrote it.
#[derive(Archive, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Default)]
#[rkyv(derive(Debug))]
pub struct Sample {
    /// Index into [`MeterValues::rows`].
    pub row: u16,
    /// [`ReadingContext`].
    pub context: u8,
    /// Measurand, phase, location and unit as written; absent ranges mean the specification's default.
    pub measurand: TextRange,
    /// Phase.
    pub phase: TextRange,
    /// Location.
    pub location: TextRange,
    /// Unit.
    pub unit: TextRange,
    /// Value as written.
    pub value: TextRange,
    /// Value times 10^multiplier as a double; NaN where the text is no number.
    pub value_number: f64,
    /// Signed meter data: 2.x `signedMeterValue` as a JSON object, in 1.6 the value of `format: SignedData`.
    pub signed_value: TextRange,
}

/// SecurityEventNotification, or an event we raise ourselves.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[rkyv(derive(Debug))]
pub struct SecurityEvent {
    /// Type, from the list of OCPP 2.0.1 Part 2 Appendices §1, or `Sigec.*`.
    pub event_type: String,
    /// When.
    pub occurred: Moment,
    /// Details.
    pub info: String,
    /// True for the events that the specification calls critical.
    pub critical: bool,
}

/// A command to a station changed state; the whole resource each time, so that the newest record is enough.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[rkyv(derive(Debug))]
pub struct CommandChanged {
    /// UUIDv7.
    pub command_id: [u8; 16],
    /// OCPP action, in the words of the station's version.
    pub action: String,
    /// JSON object, secrets masked.
    pub payload: String,
    /// [`CommandState`].
    pub state: u8,
    /// The station's answer as JSON, secrets masked; empty until there is one.
    pub result: String,
    /// CALLERROR code, or empty.
    pub error_code: String,
    /// CALLERROR description.
    pub error_description: String,
    /// Name of the principal who asked.
    pub principal: String,
    /// When it was asked for.
    pub created_at: i64,
}

/// One frame as it went over the wire, secrets masked. Archived it is version 1 of its kind; what is written now is
/// version 2 ([`crate::wire::MessageView`]).
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[rkyv(derive(Debug))]
pub struct Message {
    /// [`Direction`].
    pub direction: u8,
    /// OCPP-J message type: 2 CALL, 3 CALLRESULT, 4 CALLERROR; 0 when unreadable.
    pub message_type: u8,
    /// Message id; empty when unreadable.
    pub message_id: String,
    /// Action; of an answer, the action it answers.
    pub action: String,
    /// The frame.
    pub raw: String,
}

/// What an operator said of a station: the whole of it each time.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq, Default)]
#[rkyv(derive(Debug))]
pub struct StationConfigured {
    /// Site, empty for none.
    pub site: String,
    /// Degrees; both or neither.
    pub latitude: Option<f64>,
    /// Degrees.
    pub longitude: Option<f64>,
    /// Postal address, empty for none.
    pub address: String,
    /// Connectors the operator declared; 0 = not declared.
    pub connectors: u32,
    /// Salt of the password.
    pub password_salt: Option<[u8; 16]>,
    /// HMAC-SHA-256 of the password under the salt.
    pub password_mac: Option<[u8; 32]>,
    /// [`Acceptance`].
    pub acceptance: u8,
    /// Name of the principal who said so.
    pub principal: String,
}

/// A station was deleted by an operator; its history stays.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[rkyv(derive(Debug))]
pub struct StationDeleted {
    /// Name of the principal who did it.
    pub principal: String,
}

/// A notification that changes no state of ours: firmware, diagnostics or log status, NotifyEvent, NotifyReport, DataTransfer.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[rkyv(derive(Debug))]
pub struct Notified {
    /// OCPP action.
    pub action: String,
    /// Its payload as JSON.
    pub payload: String,
}

/// What a station sent after a command, or of its own accord in parts: the whole course each time, so that the newest
/// record is enough.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[rkyv(derive(Debug))]
pub struct CommandFollowed {
    /// The command; absent for a report that none of ours asked for.
    pub command_id: Option<[u8; 16]>,
    /// Action of the messages: `NotifyReport`, `LogStatusNotification`, …
    pub action: String,
    /// Their `requestId`; absent where the action of this version has none.
    pub request_id: Option<i64>,
    /// When the command went out, or the first message came.
    pub began_at: i64,
    /// Log of the first record that belongs to it.
    pub began_log_id: i64,
    /// That record.
    pub began_seq: u64,
    /// True for a report that, once complete, names every variable of the station.
    pub is_inventory: bool,
    /// Messages so far, without those that came again.
    pub messages: u32,
    /// Parts that came again.
    pub duplicates: u32,
    /// Parts that came, by `seqNo`: ascending, neither touching nor overlapping.
    pub parts: Vec<PartRange>,
    /// `seqNo` of the part that said to be the last.
    pub last_part: Option<u32>,
    /// True when every part is there, or the final status.
    pub complete: bool,
    /// The newest messages, oldest first.
    pub follow_ups: Vec<FollowUp>,
}

/// Parts without a gap.
#[derive(Archive, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[rkyv(derive(Debug))]
pub struct PartRange {
    /// First `seqNo`.
    pub first: u32,
    /// Last `seqNo`; `first <= last`.
    pub last: u32,
}

/// One message of a [`CommandFollowed`].
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[rkyv(derive(Debug))]
pub struct FollowUp {
    /// When it came.
    pub received_at: i64,
    /// What of it is no list, as a JSON object, and how long its list is.
    pub summary: String,
}

/// Charging profiles, limits and wishes of a station, as far as it accepted or told them: the whole of it each time, so
/// that the newest record is enough.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq, Default)]
#[rkyv(derive(Debug))]
pub struct ChargingChanged {
    /// The OCPP action that changed it.
    pub cause: String,
    /// The command that carried it; absent for what the station told by itself.
    pub command_id: Option<[u8; 16]>,
    /// Ids of the profiles that came, or came anew.
    pub installed: Vec<i32>,
    /// Ids of the profiles that went.
    pub removed: Vec<i32>,
    /// Profiles that the station has, by their ids.
    pub profiles: Vec<ChargingProfileHeld>,
    /// True when it has more than is kept.
    pub is_partial: bool,
    /// Limits that others have set, and the station told of.
    pub limits: Vec<ChargingLimitHeld>,
    /// What electric vehicles told of themselves, by EVSE.
    pub vehicles: Vec<VehicleCharging>,
}

closed_set! {
    /// How we know of a charging profile.
    ChargingSource {
        /// The station accepted it in SetChargingProfile.
        Set = 1 "set",
        /// The station accepted it with a remote start.
        RemoteStart = 2 "remote_start",
        /// The station named it in ReportChargingProfiles.
        Report = 3 "report",
    }
}

/// A charging profile of a station.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[rkyv(derive(Debug))]
pub struct ChargingProfileHeld {
    /// Its id on the station.
    pub id: i32,
    /// The EVSE that it was sent to; 0 for the whole station, and for one that waits for its transaction.
    pub evse_id: u32,
    /// [`Protocol`] whose words `profile` uses.
    pub protocol: u8,
    /// [`ChargingSource`].
    pub source: u8,
    /// `chargingLimitSource` of a report; empty for what was sent from here.
    pub limit_source: String,
    /// The command that brought it.
    pub command_id: Option<[u8; 16]>,
    /// When the station took it, or first told of it.
    pub installed_at: i64,
    /// When the station last confirmed it: by its answer, or by a report.
    pub confirmed_at: i64,
    /// `remoteStartId` of the start that it waits for, in 1.6 -1; absent once its transaction is known.
    pub waits_for: Option<i64>,
    /// The transaction that it was given to by what happened, where `profile` names none; else empty.
    pub ocpp_transaction_id: String,
    /// True for one that did not outlive the time its station was offline.
    pub is_void: bool,
    /// The newest update of a dynamic profile as JSON (`ChargingScheduleUpdateType`, what is not in it stays); else empty.
    pub update: String,
    /// When that came.
    pub updated_at: i64,
    /// The profile as JSON, as it was sent.
    pub profile: String,
}

/// A limit that an external system has set.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[rkyv(derive(Debug))]
pub struct ChargingLimitHeld {
    /// Who set it: `EMS`, `SO`, `CSO`, `Other` or another word.
    pub source: String,
    /// Where it holds; 0 for the whole station.
    pub evse_id: u32,
    /// `isGridCritical`.
    pub is_grid_critical: Option<bool>,
    /// `isLocalGeneration` (2.1).
    pub is_local_generation: Option<bool>,
    /// The schedules as a JSON array; empty for none.
    pub schedules: String,
    /// When it was told.
    pub at: i64,
}

/// What an electric vehicle told of itself.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq, Default)]
#[rkyv(derive(Debug))]
pub struct VehicleCharging {
    /// Where it stands.
    pub evse_id: u32,
    /// Its transaction; empty while that is not known.
    pub ocpp_transaction_id: String,
    /// NotifyEVChargingNeeds as JSON; empty for none.
    pub needs: String,
    /// When that came.
    pub needs_at: i64,
    /// What it was answered.
    pub needs_status: String,
    /// NotifyEVChargingSchedule as JSON; empty for none.
    pub schedule: String,
    /// When that came.
    pub schedule_at: i64,
    /// Priority charging is in force (2.1).
    pub priority: bool,
}

/// What is known of a station's reservations: all that is kept each time, so that the newest record is enough. The one
/// that this record is about is the last.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq, Eq, Default)]
#[rkyv(derive(Debug))]
pub struct ReservationsChanged {
    /// Highest id so far; the next one that is given here is behind it.
    pub last_id: i64,
    /// In the order of their last changes.
    pub reservations: Vec<Reservation>,
}

/// One reservation of a [`ReservationsChanged`].
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[rkyv(derive(Debug))]
pub struct Reservation {
    /// What the station knows it by.
    pub id: i64,
    /// 0 for any.
    pub evse_id: u32,
    /// `ConnectorEnumType` of 2.x; empty for any.
    pub connector_type: String,
    /// For whom; [`TransactionEvent::token_ref`].
    pub token_ref: [u8; 16],
    /// The group whose tokens may use it too, likewise.
    pub group_ref: Option<[u8; 16]>,
    /// Until when.
    pub expires_at: i64,
    /// [`ReservationState`].
    pub state: u8,
    /// When it was asked for.
    pub requested_at: i64,
    /// When the state changed last.
    pub changed_at: i64,
    /// The transaction that used it.
    pub transaction_id: Option<[u8; 16]>,
    /// Name of the principal who asked.
    pub principal: String,
}

closed_set! {
    /// How far a certificate that a station asked for has come.
    SigningState {
        /// In order, and on its way to the CA.
        Requested = 1 "requested",
        /// Not in order; the station was told.
        Refused = 2 "refused",
        /// The CA did not sign, or not in time.
        Failed = 3 "failed",
        /// Signed, and on its way to the station.
        Signed = 4 "signed",
        /// The station has taken it.
        Accepted = 5 "accepted",
        /// The station has refused it.
        Rejected = 6 "rejected",
    }
}

/// Certificates in a station, as far as its own answers tell, and those that it asked for. A record holds all of them.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[rkyv(derive(Debug))]
pub struct StationCertificates {
    /// In the order in which they came to be known.
    pub installed: Vec<InstalledCertificate>,
    /// The newest requests for a signature, oldest first.
    pub requests: Vec<SigningRequest>,
}

/// A certificate of a station.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[rkyv(derive(Debug))]
pub struct InstalledCertificate {
    /// `CertificateUseEnumType` of 1.6, `GetCertificateIdUseEnumType` of 2.x, as the station's version has it.
    pub certificate_type: String,
    /// What it is known by: under every algorithm for one that we sent, under one for one that the station named.
    pub hashes: Vec<CertificateHashData>,
    /// Those below it, as the station named them.
    pub children: Vec<CertificateHashData>,
    /// Distinguished name; empty where only the station knows it.
    pub subject: String,
    /// Its end; absent where only the station knows it.
    pub not_after: Option<i64>,
    /// When the station took it, or named it first.
    pub known_since: i64,
    /// When the station named it last; absent for one that it was sent and has not been asked for since.
    pub reported_at: Option<i64>,
}

/// `CertificateHashDataType`.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[rkyv(derive(Debug))]
pub struct CertificateHashData {
    /// SHA256, SHA384 or SHA512.
    pub hash_algorithm: String,
    /// Hexadecimal.
    pub issuer_name_hash: String,
    /// Hexadecimal.
    pub issuer_key_hash: String,
    /// Hexadecimal, without leading zeros.
    pub serial_number: String,
}

/// A certificate that a station asked for.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[rkyv(derive(Debug))]
pub struct SigningRequest {
    /// When it came.
    pub requested_at: i64,
    /// `CertificateSigningUseEnumType`; empty where the station names none.
    pub certificate_type: String,
    /// `requestId` of 2.1.
    pub request_id: Option<i64>,
    /// Code of a [`SigningState`].
    pub state: u8,
    /// When it came to that.
    pub changed_at: i64,
    /// Distinguished name; empty where the request could not be read.
    pub subject: String,
    /// Why it was refused, or has failed.
    pub reason: String,
    /// The CertificateSigned; absent before it.
    pub command_id: Option<[u8; 16]>,
    /// Of the certificate, hexadecimal; empty before it.
    pub serial_number: String,
    /// Its end; absent before it.
    pub not_after: Option<i64>,
}

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
    /// Whose it is; [`TransactionEvent::token_ref`].
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
    /// State of charge as the station wrote it, percent.
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

closed_set! {
    /// What became of a message that is kept aside.
    QuarantineOutcome {
        /// It was taken, after parts of it were tolerated or changed.
        Changed = 1 "changed",
        /// It was refused, or could not be read.
        Refused = 2 "refused",
        /// One that was refused before was read again, and taken.
        Replayed = 3 "replayed",
    }
}

/// A message of a station that strayed from its schema: as it came, and what was made of it.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[rkyv(derive(Debug))]
pub struct MessageQuarantined {
    /// [`QuarantineOutcome`].
    pub outcome: u8,
    /// [`Protocol`].
    pub protocol: u8,
    /// Message id; empty when unreadable.
    pub message_id: String,
    /// Action; empty when unreadable.
    pub action: String,
    /// The frame, secrets masked.
    pub raw: String,
    /// The station's quirk profile; empty without one.
    pub profile_id: String,
    /// Its revision; 0 without one.
    pub profile_revision: u32,
    /// What was tolerated or changed, in the order of the message; the first places of a message that has many.
    pub changes: Vec<MessageChange>,
    /// Code of the refusal, in the words of 2.0.1; empty where it was taken, or nothing may be said.
    pub error_code: String,
    /// Why it was refused.
    pub reason: String,
    /// Messages of this station that were not kept since the one before this: too many came within an hour.
    pub passed_by: u32,
    /// Of a replay: the record that it read again.
    pub replay_of: Option<QuarantinedAt>,
}

/// One place of a message that was not as its schema has it.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[rkyv(derive(Debug))]
pub struct MessageChange {
    /// JSON pointer into the payload; of a repaired frame `#` and the byte.
    pub pointer: String,
    /// Kinds of deviation, with spaces in between.
    pub quirk: String,
    /// As it was sent, JSON, cut at 200 characters.
    pub found: String,
    /// As it was read, likewise; empty where it was left out.
    pub taken: String,
}

/// The name of a [`MessageQuarantined`].
#[derive(Archive, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[rkyv(derive(Debug))]
pub struct QuarantinedAt {
    /// Its log.
    pub log_id: i64,
    /// Its place there.
    pub seq: u64,
}

/// What is known of a transaction's money beside its energy. A record holds all of it.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[rkyv(derive(Debug))]
pub struct TransactionMoney {
    /// [`crate::TransactionId`].
    pub transaction_id: [u8; 16],
    /// What it is under; absent where the price of the configuration holds.
    pub tariff: Option<AppliedTariff>,
    /// What its station has worked out (2.1 `costDetails`).
    pub station_cost: Option<StationCost>,
    /// How it was paid (2.1 NotifySettlement), oldest first.
    pub settlements: Vec<Settlement>,
}

/// A tariff as it was when it was first applied to a transaction.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[rkyv(derive(Debug))]
pub struct AppliedTariff {
    /// `tariffId`.
    pub tariff_id: String,
    /// `TariffType`, a JSON object.
    pub tariff: String,
    /// Where its times of day are local.
    pub time_zone: String,
    /// Since when.
    pub applied_at: i64,
}

/// What a station has worked out for a transaction.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[rkyv(derive(Debug))]
pub struct StationCost {
    /// `seqNo` of the event that said so.
    pub seq_no: i64,
    /// When it came.
    pub told_at: i64,
    /// The tariff that the station names for this transaction; empty where it named none.
    pub tariff_id: String,
    /// `CostDetailsType`, a JSON object; empty where the station only named a tariff.
    pub details: String,
}

/// A payment, or an attempt (2.1 NotifySettlement).
#[derive(Archive, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[rkyv(derive(Debug))]
pub struct Settlement {
    /// When it was told.
    pub told_at: i64,
    /// The payment service provider's name of it.
    pub psp_ref: String,
    /// `PaymentStatusEnumType`.
    pub status: String,
    /// Empty where absent, as all below.
    pub status_info: String,
    /// The decimal as the station wrote it.
    pub amount: String,
    /// The station's time.
    pub settled_at: i64,
    /// Of the receipt that the station has.
    pub receipt_id: String,
    /// Where that is.
    pub receipt_url: String,
    /// Of the company that a receipt is for.
    pub vat_number: String,
    /// `AddressType`, a JSON object.
    pub vat_company: String,
}

/// What a transaction has used under its tariff so far. Times are UTC microseconds, lengths microseconds.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[rkyv(derive(Debug))]
pub struct CostAccrued {
    /// [`crate::TransactionId`].
    pub transaction_id: [u8; 16],
    /// When it began.
    pub started_at: i64,
    /// Up to where minutes are counted.
    pub time_at: i64,
    /// Up to where energy is.
    pub energy_at: i64,
    /// Milliwatt-hours that are counted.
    pub energy_mwh: i64,
    /// 0 nobody says, 1 energy flows, 2 none does.
    pub flow: u8,
    /// Of all times in which energy flowed.
    pub charging: i64,
    /// Of all in which none did.
    pub idle: i64,
    /// Of the idle time that has not ended.
    pub idle_now: i64,
    /// Of the reservation that it used.
    pub reservation: Option<i64>,
    /// Mean power between the last two registers, milliwatts.
    pub power_mw: Option<i64>,
    /// Milliwatt-hours times millionths per kilowatt-hour.
    pub energy_sum: i128,
    /// Microseconds times millionths per minute, as the two below.
    pub charging_sum: i128,
    /// Of idle time.
    pub idle_sum: i128,
    /// Of the reservation.
    pub reservation_sum: i128,
    /// Millionths.
    pub fixed_micros: Option<i64>,
    /// Millionths, of the reservation.
    pub reservation_micros: Option<i64>,
    /// What came of an earlier tariff.
    pub before: Vec<CostPart>,
    /// What it came to when that was the most that the tariff asks for.
    pub frozen: Option<Vec<CostPart>>,
}

/// A part of a cost, hundredths of the currency's major unit.
#[derive(Archive, Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[rkyv(derive(Debug))]
pub struct CostPart {
    /// 0 fixed, 1 energy, 2 charging time, 3 idle time, 4 time of a reservation, 5 its fee.
    pub part: u8,
    /// Without tax.
    pub excl_tax: i64,
    /// With it.
    pub incl_tax: i64,
}

/// The tariffs of a station, as far as its own answers tell (2.1 I07, I09, I10). A record holds all of them.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[rkyv(derive(Debug))]
pub struct StationTariffs {
    /// In the order in which they came to be known.
    pub tariffs: Vec<StationTariff>,
}

/// A tariff of a station.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[rkyv(derive(Debug))]
pub struct StationTariff {
    /// `tariffId`.
    pub tariff_id: String,
    /// `TariffKindEnumType`.
    pub kind: String,
    /// Where it is; 0 is every EVSE.
    pub evse_ids: Vec<u32>,
    /// How many tokens it is for.
    pub id_tokens: u32,
    /// From when on.
    pub valid_from: Option<i64>,
    /// When the station took it, or named it first.
    pub known_since: i64,
    /// When the station named it last; absent for one that it was sent and has not been asked for since.
    pub reported_at: Option<i64>,
}
