//! Calls of a 2.0.1 station, and the CSMS's answers to them.

use super::{
    AttributeType, Component, Evse, IdToken, IdTokenInfo, MessageContent, MeterValueList,
    StatusInfo, Variable,
};
use crate::record::{record, words};
use crate::{Key, List, Number, Text, Timestamp};

words! {
    /// Why a station started (`BootReasonEnumType`).
    pub enum BootReason {
        ApplicationReset,
        FirmwareUpdate,
        LocalReset,
        PowerUp,
        RemoteReset,
        ScheduledReset,
        Triggered,
        Unknown,
        Watchdog,
    }
}

record! {
    /// The station has started (use cases B01 to B03).
    pub struct BootNotification<'a> {
        charging_station: ChargingStation<'a> = "chargingStation",
        reason: BootReason = "reason",
    }
}

record! {
    /// What the station is (`ChargingStationType`).
    pub struct ChargingStation<'a> {
        serial_number: Option<Text<'a, 25>> = "serialNumber",
        model: Text<'a, 20> = "model",
        modem: Option<Modem<'a>> = "modem",
        vendor_name: Text<'a, 50> = "vendorName",
        firmware_version: Option<Text<'a, 50>> = "firmwareVersion",
    }
}

record! {
    /// The station's modem (`ModemType`).
    pub struct Modem<'a> {
        iccid: Option<Text<'a, 20>> = "iccid",
        imsi: Option<Text<'a, 20>> = "imsi",
    }
}

words! {
    /// Whether the CSMS takes the station (`RegistrationStatusEnumType`).
    pub enum RegistrationStatus {
        Accepted,
        Pending,
        Rejected,
    }
}

record! {
    /// Answer to [`BootNotification`].
    pub struct BootNotificationResponse<'a> {
        current_time: Timestamp<'a> = "currentTime",
        /// Seconds between heartbeats; while not accepted, until the next BootNotification.
        interval: u32 = "interval",
        status: RegistrationStatus = "status",
        status_info: Option<StatusInfo<'a>> = "statusInfo",
    }
}

record! {
    /// The station is still there (use case G02).
    pub struct Heartbeat {}
}

record! {
    /// Answer to [`Heartbeat`].
    pub struct HeartbeatResponse<'a> {
        current_time: Timestamp<'a> = "currentTime",
    }
}

words! {
    /// The state of a connector (`ConnectorStatusEnumType`).
    pub enum ConnectorStatus {
        Available,
        Occupied,
        Reserved,
        Unavailable,
        Faulted,
    }
}

record! {
    /// A connector's state has changed (use case G01).
    pub struct StatusNotification<'a> {
        timestamp: Timestamp<'a> = "timestamp",
        connector_status: ConnectorStatus = "connectorStatus",
        evse_id: u32 = "evseId",
        connector_id: u32 = "connectorId",
    }
}

record! {
    /// Answer to [`StatusNotification`].
    pub struct StatusNotificationResponse {}
}

words! {
    /// How a certificate's names were hashed (`HashAlgorithmEnumType`).
    pub enum HashAlgorithm {
        Sha256 = "SHA256",
        Sha384 = "SHA384",
        Sha512 = "SHA512",
    }
}

record! {
    /// What to ask about a certificate (`OCSPRequestDataType`).
    pub struct OcspRequestData<'a> {
        hash_algorithm: HashAlgorithm = "hashAlgorithm",
        issuer_name_hash: Text<'a, 128> = "issuerNameHash",
        issuer_key_hash: Text<'a, 128> = "issuerKeyHash",
        serial_number: Text<'a, 40> = "serialNumber",
        responder_url: Text<'a, 512> = "responderURL",
    }
}

record! {
    /// May this token charge? (use cases C01 to C07)
    pub struct Authorize<'a> {
        id_token: IdToken<'a> = "idToken",
        certificate: Option<Text<'a, 5500>> = "certificate",
        iso15118_certificate_hash_data: Option<List<OcspRequestData<'a>, 1, 4>> = "iso15118CertificateHashData",
    }
}

words! {
    /// What became of a contract certificate (`AuthorizeCertificateStatusEnumType`).
    pub enum AuthorizeCertificateStatus {
        Accepted,
        SignatureError,
        CertificateExpired,
        CertificateRevoked,
        NoCertificateAvailable,
        CertChainError,
        ContractCancelled,
    }
}

record! {
    /// Answer to [`Authorize`].
    pub struct AuthorizeResponse<'a> {
        id_token_info: IdTokenInfo<'a> = "idTokenInfo",
        certificate_status: Option<AuthorizeCertificateStatus> = "certificateStatus",
    }
}

words! {
    /// Where in its life a transaction is (`TransactionEventEnumType`).
    pub enum TransactionEventType {
        Started,
        Updated,
        Ended,
    }
}

words! {
    /// What made a station send a transaction event (`TriggerReasonEnumType`).
    pub enum TriggerReason {
        Authorized,
        CablePluggedIn,
        ChargingRateChanged,
        ChargingStateChanged,
        Deauthorized,
        EnergyLimitReached,
        EVCommunicationLost,
        EVConnectTimeout,
        MeterValueClock,
        MeterValuePeriodic,
        TimeLimitReached,
        Trigger,
        UnlockCommand,
        StopAuthorized,
        EVDeparted,
        EVDetected,
        RemoteStop,
        RemoteStart,
        AbnormalCondition,
        SignedDataReceived,
        ResetCommand,
    }
}

words! {
    /// What the vehicle and the EVSE do (`ChargingStateEnumType`).
    pub enum ChargingState {
        Charging,
        EVConnected,
        SuspendedEV,
        SuspendedEVSE,
        Idle,
    }
}

words! {
    /// Why a transaction ended (`ReasonEnumType`).
    pub enum Reason {
        DeAuthorized,
        EmergencyStop,
        EnergyLimitReached,
        EVDisconnected,
        GroundFault,
        ImmediateReset,
        Local,
        LocalOutOfCredit,
        MasterPass,
        Other,
        OvercurrentFault,
        PowerLoss,
        PowerQuality,
        Reboot,
        Remote,
        SOCLimitReached,
        StoppedByEV,
        TimeLimitReached,
        Timeout,
    }
}

record! {
    /// Which transaction, and how it stands (`TransactionType`).
    pub struct TransactionInfo<'a> {
        transaction_id: Key<'a, 36> = "transactionId",
        charging_state: Option<ChargingState> = "chargingState",
        /// Seconds in which energy flowed.
        time_spent_charging: Option<i64> = "timeSpentCharging",
        /// `Local` when left out of an ended transaction.
        stopped_reason: Option<Reason> = "stoppedReason",
        remote_start_id: Option<i64> = "remoteStartId",
    }
}

record! {
    /// Something happened in a transaction (use cases E01 to E15).
    pub struct TransactionEvent<'a> {
        event_type: TransactionEventType = "eventType",
        meter_value: Option<MeterValueList<'a>> = "meterValue",
        timestamp: Timestamp<'a> = "timestamp",
        trigger_reason: TriggerReason = "triggerReason",
        /// Counts the transaction's events from 0.
        seq_no: u64 = "seqNo",
        /// True when it happened while the station was offline; false when left out.
        offline: Option<bool> = "offline",
        number_of_phases_used: Option<u32> = "numberOfPhasesUsed",
        /// Amperes.
        cable_max_current: Option<i64> = "cableMaxCurrent",
        reservation_id: Option<i64> = "reservationId",
        transaction_info: TransactionInfo<'a> = "transactionInfo",
        evse: Option<Evse> = "evse",
        id_token: Option<IdToken<'a>> = "idToken",
    }
}

record! {
    /// Answer to [`TransactionEvent`].
    pub struct TransactionEventResponse<'a> {
        /// In the currency of the station's `TariffCostCtrlr`.
        total_cost: Option<Number<'a>> = "totalCost",
        charging_priority: Option<i64> = "chargingPriority",
        id_token_info: Option<IdTokenInfo<'a>> = "idTokenInfo",
        updated_personal_message: Option<MessageContent<'a>> = "updatedPersonalMessage",
    }
}

record! {
    /// What a meter shows outside of transactions (use cases J01, J02).
    pub struct MeterValues<'a> {
        /// 0 for the main meter.
        evse_id: u32 = "evseId",
        meter_value: MeterValueList<'a> = "meterValue",
    }
}

record! {
    /// Answer to [`MeterValues`].
    pub struct MeterValuesResponse {}
}

words! {
    /// What made an event (`EventTriggerEnumType`).
    pub enum EventTrigger {
        Alerting,
        Delta,
        Periodic,
    }
}

words! {
    /// Who asked for an event (`EventNotificationEnumType`).
    pub enum EventNotification {
        HardWiredNotification,
        HardWiredMonitor,
        PreconfiguredMonitor,
        CustomMonitor,
    }
}

record! {
    /// One event of the device model (`EventDataType`).
    pub struct EventData<'a> {
        event_id: i64 = "eventId",
        timestamp: Timestamp<'a> = "timestamp",
        trigger: EventTrigger = "trigger",
        /// The event that caused this one.
        cause: Option<i64> = "cause",
        actual_value: Text<'a, 2500> = "actualValue",
        tech_code: Option<Text<'a, 50>> = "techCode",
        tech_info: Option<Text<'a, 500>> = "techInfo",
        cleared: Option<bool> = "cleared",
        transaction_id: Option<Key<'a, 36>> = "transactionId",
        component: Component<'a> = "component",
        variable_monitoring_id: Option<i64> = "variableMonitoringId",
        event_notification_type: EventNotification = "eventNotificationType",
        variable: Variable<'a> = "variable",
    }
}

record! {
    /// Events of the device model (use case N07).
    pub struct NotifyEvent<'a> {
        generated_at: Timestamp<'a> = "generatedAt",
        /// More parts follow.
        tbc: Option<bool> = "tbc",
        seq_no: u64 = "seqNo",
        event_data: List<EventData<'a>, 1> = "eventData",
    }
}

record! {
    /// Answer to [`NotifyEvent`].
    pub struct NotifyEventResponse {}
}

words! {
    /// Who may write a variable (`MutabilityEnumType`).
    pub enum Mutability {
        ReadOnly,
        WriteOnly,
        ReadWrite,
    }
}

record! {
    /// One value of a variable (`VariableAttributeType`).
    pub struct VariableAttribute<'a> {
        /// `Actual` when left out.
        kind: Option<AttributeType> = "type",
        value: Option<Text<'a, 2500>> = "value",
        /// `ReadWrite` when left out.
        mutability: Option<Mutability> = "mutability",
        persistent: Option<bool> = "persistent",
        constant: Option<bool> = "constant",
    }
}

words! {
    /// The type of a variable (`DataEnumType`).
    pub enum DataType {
        Text = "string",
        Decimal = "decimal",
        Integer = "integer",
        DateTime = "dateTime",
        Boolean = "boolean",
        OptionList,
        SequenceList,
        MemberList,
    }
}

record! {
    /// What a variable can hold (`VariableCharacteristicsType`).
    pub struct VariableCharacteristics<'a> {
        unit: Option<Text<'a, 16>> = "unit",
        data_type: DataType = "dataType",
        min_limit: Option<Number<'a>> = "minLimit",
        max_limit: Option<Number<'a>> = "maxLimit",
        values_list: Option<Text<'a, 1000>> = "valuesList",
        supports_monitoring: bool = "supportsMonitoring",
    }
}

record! {
    /// One variable of a report (`ReportDataType`).
    pub struct ReportData<'a> {
        component: Component<'a> = "component",
        variable: Variable<'a> = "variable",
        variable_attribute: List<VariableAttribute<'a>, 1, 4> = "variableAttribute",
        variable_characteristics: Option<VariableCharacteristics<'a>> = "variableCharacteristics",
    }
}

record! {
    /// A part of a report on the device model (use case B07).
    pub struct NotifyReport<'a> {
        request_id: i64 = "requestId",
        generated_at: Timestamp<'a> = "generatedAt",
        report_data: Option<List<ReportData<'a>, 1>> = "reportData",
        /// More parts follow.
        tbc: Option<bool> = "tbc",
        seq_no: u64 = "seqNo",
    }
}

record! {
    /// Answer to [`NotifyReport`].
    pub struct NotifyReportResponse {}
}

record! {
    /// Something that touches security (use case A04).
    pub struct SecurityEventNotification<'a> {
        kind: Text<'a, 50> = "type",
        timestamp: Timestamp<'a> = "timestamp",
        tech_info: Option<Text<'a, 255>> = "techInfo",
    }
}

record! {
    /// Answer to [`SecurityEventNotification`].
    pub struct SecurityEventNotificationResponse {}
}

words! {
    /// How a firmware update goes (`FirmwareStatusEnumType`).
    pub enum FirmwareStatus {
        Downloaded,
        DownloadFailed,
        Downloading,
        DownloadScheduled,
        DownloadPaused,
        Idle,
        InstallationFailed,
        Installing,
        Installed,
        InstallRebooting,
        InstallScheduled,
        InstallVerificationFailed,
        InvalidSignature,
        SignatureVerified,
    }
}

record! {
    /// A firmware update has moved on (use case L01).
    pub struct FirmwareStatusNotification {
        status: FirmwareStatus = "status",
        request_id: Option<i64> = "requestId",
    }
}

record! {
    /// Answer to [`FirmwareStatusNotification`].
    pub struct FirmwareStatusNotificationResponse {}
}

words! {
    /// How an upload of logs goes (`UploadLogStatusEnumType`).
    pub enum UploadLogStatus {
        BadMessage,
        Idle,
        NotSupportedOperation,
        PermissionDenied,
        Uploaded,
        UploadFailure,
        Uploading,
        AcceptedCanceled,
    }
}

record! {
    /// An upload of logs has moved on (use case N01).
    pub struct LogStatusNotification {
        status: UploadLogStatus = "status",
        request_id: Option<i64> = "requestId",
    }
}

record! {
    /// Answer to [`LogStatusNotification`].
    pub struct LogStatusNotificationResponse {}
}
