//! Calls of the CSMS to a 1.6 station, and the station's answers.

use super::{AcceptedStatus, ChargingProfile};
use crate::record::{record, words};
use crate::{Key, List, LooseText, Text};

record! {
    /// Start a transaction (1.6 §5.11).
    pub struct RemoteStartTransaction<'a> {
        connector_id: Option<u32> = "connectorId",
        id_tag: Key<'a, 20> = "idTag",
        charging_profile: Option<ChargingProfile<'a>> = "chargingProfile",
    }
}

record! {
    /// Answer to [`RemoteStartTransaction`].
    pub struct RemoteStartTransactionResponse {
        status: AcceptedStatus = "status",
    }
}

record! {
    /// Stop a transaction (1.6 §5.12).
    pub struct RemoteStopTransaction {
        transaction_id: i64 = "transactionId",
    }
}

record! {
    /// Answer to [`RemoteStopTransaction`].
    pub struct RemoteStopTransactionResponse {
        status: AcceptedStatus = "status",
    }
}

words! {
    /// How thoroughly to reset (1.6 §7.39).
    pub enum ResetType {
        Hard,
        Soft,
    }
}

record! {
    /// Restart (1.6 §5.14).
    pub struct Reset {
        kind: ResetType = "type",
    }
}

record! {
    /// Answer to [`Reset`].
    pub struct ResetResponse {
        status: AcceptedStatus = "status",
    }
}

record! {
    /// Release the cable (1.6 §5.18).
    pub struct UnlockConnector {
        connector_id: u32 = "connectorId",
    }
}

words! {
    /// What became of the cable (1.6 §7.44).
    pub enum UnlockStatus {
        Unlocked,
        UnlockFailed,
        NotSupported,
    }
}

record! {
    /// Answer to [`UnlockConnector`].
    pub struct UnlockConnectorResponse {
        status: UnlockStatus = "status",
    }
}

words! {
    /// Whether a connector is to serve (1.6 §7.4).
    pub enum AvailabilityType {
        Inoperative,
        Operative,
    }
}

record! {
    /// Take a connector out of service or back (1.6 §5.2).
    pub struct ChangeAvailability {
        /// 0 for the station as a whole.
        connector_id: u32 = "connectorId",
        kind: AvailabilityType = "type",
    }
}

words! {
    /// When a change of availability happens (1.6 §7.3).
    pub enum AvailabilityStatus {
        Accepted,
        Rejected,
        Scheduled,
    }
}

record! {
    /// Answer to [`ChangeAvailability`].
    pub struct ChangeAvailabilityResponse {
        status: AvailabilityStatus = "status",
    }
}

record! {
    /// Read the configuration (1.6 §5.8).
    pub struct GetConfiguration<'a> {
        /// Empty or left out for all of it.
        key: Option<List<Key<'a, 50>>> = "key",
    }
}

record! {
    /// One setting (1.6 §7.29).
    pub struct KeyValue<'a> {
        key: Key<'a, 50> = "key",
        readonly: bool = "readonly",
        value: Option<LooseText<'a, 500>> = "value",
    }
}

record! {
    /// Answer to [`GetConfiguration`].
    pub struct GetConfigurationResponse<'a> {
        configuration_key: Option<List<KeyValue<'a>>> = "configurationKey",
        unknown_key: Option<List<Key<'a, 50>>> = "unknownKey",
    }
}

record! {
    /// Change one setting (1.6 §5.3).
    pub struct ChangeConfiguration<'a> {
        key: Key<'a, 50> = "key",
        value: Text<'a, 500> = "value",
    }
}

words! {
    /// What became of a changed setting (1.6 §7.21).
    pub enum ConfigurationStatus {
        Accepted,
        Rejected,
        RebootRequired,
        NotSupported,
    }
}

record! {
    /// Answer to [`ChangeConfiguration`].
    pub struct ChangeConfigurationResponse {
        status: ConfigurationStatus = "status",
    }
}

words! {
    /// A message that a station can be asked to send (1.6 §7.32).
    pub enum MessageTrigger {
        BootNotification,
        DiagnosticsStatusNotification,
        FirmwareStatusNotification,
        Heartbeat,
        MeterValues,
        StatusNotification,
    }
}

record! {
    /// Send a message (1.6 §5.17).
    pub struct TriggerMessage {
        requested_message: MessageTrigger = "requestedMessage",
        connector_id: Option<u32> = "connectorId",
    }
}

words! {
    /// Whether the message will come (1.6 §7.41).
    pub enum TriggerMessageStatus {
        Accepted,
        Rejected,
        NotImplemented,
    }
}

record! {
    /// Answer to [`TriggerMessage`].
    pub struct TriggerMessageResponse {
        status: TriggerMessageStatus = "status",
    }
}

record! {
    /// Forget the cached IdTags (1.6 §5.4).
    pub struct ClearCache {}
}

record! {
    /// Answer to [`ClearCache`].
    pub struct ClearCacheResponse {
        status: AcceptedStatus = "status",
    }
}
