//! What the schemas do not say.

/// A version of OCPP with schemas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edition {
    /// 1.6 with its security extension (whitepaper edition 3).
    V16,
    /// 2.0.1, edition 3.
    V201,
    /// 2.1, edition 1.
    V21,
}

impl Edition {
    /// Every edition, oldest first.
    pub const ALL: [Edition; 3] = [Edition::V16, Edition::V201, Edition::V21];

    /// The module of the crate.
    pub fn module(self) -> &'static str {
        match self {
            Edition::V16 => "v16",
            Edition::V201 => "v201",
            Edition::V21 => "v21",
        }
    }

    /// The name in documentation.
    pub fn title(self) -> &'static str {
        match self {
            Edition::V16 => "1.6",
            Edition::V201 => "2.0.1",
            Edition::V21 => "2.1",
        }
    }

    /// Where its schemas lie.
    pub fn folders(self) -> &'static [&'static str] {
        match self {
            Edition::V16 => &["ocpp16/schemas/json", "ocpp16/security-schemas"],
            Edition::V201 => &["ocpp2/OCPP-2.0.1_part3_JSON_schemas"],
            Edition::V21 => &["ocpp21/OCPP-2.1_part3_JSON_schemas"],
        }
    }

    /// What a station asks of the CSMS; every other action goes the other way, DataTransfer both (1.6 §4 and the
    /// security whitepaper, 2.x Part 2 "Messages").
    pub fn from_station(self) -> &'static [&'static str] {
        match self {
            Edition::V16 => &[
                "Authorize",
                "BootNotification",
                "DataTransfer",
                "DiagnosticsStatusNotification",
                "FirmwareStatusNotification",
                "Heartbeat",
                "LogStatusNotification",
                "MeterValues",
                "SecurityEventNotification",
                "SignCertificate",
                "SignedFirmwareStatusNotification",
                "StartTransaction",
                "StatusNotification",
                "StopTransaction",
            ],
            Edition::V201 => &FROM_STATION_2X[..25],
            Edition::V21 => &FROM_STATION_2X,
        }
    }
}

/// Those of 2.0.1 first, then those that 2.1 adds.
const FROM_STATION_2X: [&str; 36] = [
    "Authorize",
    "BootNotification",
    "ClearedChargingLimit",
    "DataTransfer",
    "FirmwareStatusNotification",
    "Get15118EVCertificate",
    "GetCertificateStatus",
    "Heartbeat",
    "LogStatusNotification",
    "MeterValues",
    "NotifyChargingLimit",
    "NotifyCustomerInformation",
    "NotifyDisplayMessages",
    "NotifyEVChargingNeeds",
    "NotifyEVChargingSchedule",
    "NotifyEvent",
    "NotifyMonitoringReport",
    "NotifyReport",
    "PublishFirmwareStatusNotification",
    "ReportChargingProfiles",
    "ReservationStatusUpdate",
    "SecurityEventNotification",
    "SignCertificate",
    "StatusNotification",
    "TransactionEvent",
    "BatterySwap",
    "ClosePeriodicEventStream",
    "GetCertificateChainStatus",
    "NotifyDERAlarm",
    "NotifyDERStartStop",
    "NotifyPriorityCharging",
    "NotifySettlement",
    "OpenPeriodicEventStream",
    "PullDynamicScheduleUpdate",
    "ReportDERControl",
    "VatNumberValidation",
];

/// Sent both ways.
pub(crate) const BOTH_WAYS: &str = "DataTransfer";

/// The most frequent actions; an action is looked up from the front.
pub(crate) const FREQUENT: [&str; 8] = [
    "Heartbeat",
    "StatusNotification",
    "MeterValues",
    "TransactionEvent",
    "StartTransaction",
    "StopTransaction",
    "Authorize",
    "BootNotification",
];

/// Texts that something is found by: `Key` instead of `Text`, never cut, never tolerated when too long.
pub(crate) fn is_key(record: &str, property: &str) -> bool {
    matches!(
        property,
        "idTag"
            | "parentIdTag"
            | "key"
            | "unknownKey"
            | "transactionId"
            | "idToken"
            | "additionalIdToken"
    ) || matches!(
        (record, property),
        ("Component" | "Variable", "name" | "instance")
    )
}

/// Integers that count or measure and that the texts never let be negative, where 1.6 and 2.0.1 forgot to say so
/// in the schema: connectors and EVSEs, seconds, phases, levels.
pub fn is_count(record: &str, property: &str) -> bool {
    matches!(
        property,
        "connectorId"
            | "evseId"
            | "interval"
            | "stackLevel"
            | "startPeriod"
            | "duration"
            | "numberPhases"
            | "phaseToUse"
            | "numberOfPhasesUsed"
            | "numEPriceLevels"
            | "ePriceLevel"
    ) || (record, property) == ("Evse", "id")
}

/// Enumerations of 1.6 for which stations send words of their own, where another word costs more than it saves: a
/// status would be lost, or a bill.
pub(crate) fn is_open(edition: Edition, record: &str, property: &str) -> bool {
    edition == Edition::V16
        && matches!(
            (record, property),
            ("StatusNotification", "errorCode") | ("StopTransaction", "reason")
        )
}

/// Texts of 1.6 for which stations send bare numbers and booleans.
pub(crate) fn is_loose(edition: Edition, record: &str, property: &str) -> bool {
    edition == Edition::V16 && (record, property) == ("KeyValue", "value")
}

/// Lists that are read into columns, by hand.
pub(crate) fn is_meter_values(property: &str) -> bool {
    matches!(property, "meterValue" | "transactionData")
}

/// The name of a type that 1.6's schemas leave nameless, as the text has it (1.6 §7), by the payload and the property
/// it stands in.
pub(crate) fn nameless(payload: &str, property: &str, is_object: bool) -> Option<&'static str> {
    if is_object {
        return Some(match property {
            "idTagInfo" => "IdTagInfo",
            "chargingProfile" | "csChargingProfiles" => "ChargingProfile",
            "chargingSchedule" => "ChargingSchedule",
            "chargingSchedulePeriod" => "ChargingSchedulePeriod",
            "configurationKey" => "KeyValue",
            "localAuthorizationList" => "AuthorizationData",
            _ => return None,
        });
    }
    Some(match (payload, property) {
        (_, "chargingProfileKind") => "ChargingProfileKind",
        (_, "chargingProfilePurpose") => "ChargingProfilePurpose",
        (_, "chargingRateUnit") => "ChargingRateUnit",
        (_, "recurrencyKind") => "RecurrencyKind",
        (
            "AuthorizeResponse"
            | "SendLocalList"
            | "StartTransactionResponse"
            | "StopTransactionResponse",
            "status",
        ) => "AuthorizationStatus",
        ("BootNotificationResponse", "status") => "RegistrationStatus",
        ("CancelReservationResponse", "status") => "CancelReservationStatus",
        ("ChangeAvailability", "type") => "AvailabilityType",
        ("ChangeAvailabilityResponse", "status") => "AvailabilityStatus",
        ("ChangeConfigurationResponse", "status") => "ConfigurationStatus",
        ("ClearCacheResponse", "status") => "ClearCacheStatus",
        ("ClearChargingProfileResponse", "status") => "ClearChargingProfileStatus",
        ("DataTransferResponse", "status") => "DataTransferStatus",
        ("DiagnosticsStatusNotification", "status") => "DiagnosticsStatus",
        ("FirmwareStatusNotification", "status") => "FirmwareStatus",
        ("GetCompositeScheduleResponse", "status") => "GetCompositeScheduleStatus",
        ("RemoteStartTransactionResponse" | "RemoteStopTransactionResponse", "status") => {
            "RemoteStartStopStatus"
        }
        ("ReserveNowResponse", "status") => "ReservationStatus",
        ("Reset", "type") => "ResetType",
        ("ResetResponse", "status") => "ResetStatus",
        ("SendLocalList", "updateType") => "UpdateType",
        ("SendLocalListResponse", "status") => "UpdateStatus",
        ("SetChargingProfileResponse", "status") => "ChargingProfileStatus",
        ("StatusNotification", "errorCode") => "ChargePointErrorCode",
        ("StatusNotification", "status") => "ChargePointStatus",
        ("StopTransaction", "reason") => "Reason",
        ("TriggerMessage", "requestedMessage") => "MessageTrigger",
        ("TriggerMessageResponse", "status") => "TriggerMessageStatus",
        ("UnlockConnectorResponse", "status") => "UnlockStatus",
        _ => return None,
    })
}

/// Definitions whose name without its ending says too little, or is taken.
pub(crate) fn renamed(edition: Edition, definition: &str) -> Option<&'static str> {
    Some(match (edition, definition) {
        (Edition::V16, "MessageTriggerEnumType") => "ExtendedMessageTrigger",
        (Edition::V16, "FirmwareStatusEnumType") => "SignedFirmwareStatus",
        (_, "AttributeEnumType") => "AttributeType",
        (_, "CertificateStatusEnumType") => "CertificateStatusType",
        (_, "ClearChargingProfileType") => "ClearChargingProfileCriterion",
        (_, "CostDimensionEnumType") => "CostDimensionType",
        (_, "DataEnumType") => "DataType",
        (_, "GetCertificateStatusEnumType") => "GetCertificateStatusType",
        (_, "IdTokenEnumType") => "IdTokenType",
        (_, "LogEnumType") => "LogType",
        (_, "MonitorEnumType") => "MonitorType",
        (_, "ResetEnumType") => "ResetType",
        (_, "TransactionEventEnumType") => "TransactionEventType",
        (_, "TransactionType") => "TransactionInfo",
        (_, "UpdateEnumType") => "UpdateType",
        (_, "VPNEnumType") => "VpnType",
        _ => return None,
    })
}
