//! Calls of the CSMS to a 2.0.1 station, and the station's answers.

use super::{
    AcceptedStatus, AttributeType, ChargingProfile, Component, Evse, IdToken, StatusInfo, Variable,
};
use crate::record::{record, words};
use crate::{Key, List, Text};

record! {
    /// Start a transaction (use cases F01, F02).
    pub struct RequestStartTransaction<'a> {
        evse_id: Option<u32> = "evseId",
        group_id_token: Option<IdToken<'a>> = "groupIdToken",
        id_token: IdToken<'a> = "idToken",
        remote_start_id: i64 = "remoteStartId",
        charging_profile: Option<ChargingProfile<'a>> = "chargingProfile",
    }
}

record! {
    /// Answer to [`RequestStartTransaction`].
    pub struct RequestStartTransactionResponse<'a> {
        status: AcceptedStatus = "status",
        status_info: Option<StatusInfo<'a>> = "statusInfo",
        transaction_id: Option<Key<'a, 36>> = "transactionId",
    }
}

record! {
    /// Stop a transaction (use case F03).
    pub struct RequestStopTransaction<'a> {
        transaction_id: Key<'a, 36> = "transactionId",
    }
}

record! {
    /// Answer to [`RequestStopTransaction`].
    pub struct RequestStopTransactionResponse<'a> {
        status: AcceptedStatus = "status",
        status_info: Option<StatusInfo<'a>> = "statusInfo",
    }
}

words! {
    /// When to reset (`ResetEnumType`).
    pub enum ResetType {
        Immediate,
        OnIdle,
    }
}

record! {
    /// Restart the station or an EVSE (use cases B11, B12).
    pub struct Reset {
        kind: ResetType = "type",
        evse_id: Option<u32> = "evseId",
    }
}

words! {
    /// Whether and when the reset happens (`ResetStatusEnumType`).
    pub enum ResetStatus {
        Accepted,
        Rejected,
        Scheduled,
    }
}

record! {
    /// Answer to [`Reset`].
    pub struct ResetResponse<'a> {
        status: ResetStatus = "status",
        status_info: Option<StatusInfo<'a>> = "statusInfo",
    }
}

record! {
    /// Release the cable (use case F05).
    pub struct UnlockConnector {
        evse_id: u32 = "evseId",
        connector_id: u32 = "connectorId",
    }
}

words! {
    /// What became of the cable (`UnlockStatusEnumType`).
    pub enum UnlockStatus {
        Unlocked,
        UnlockFailed,
        OngoingAuthorizedTransaction,
        UnknownConnector,
    }
}

record! {
    /// Answer to [`UnlockConnector`].
    pub struct UnlockConnectorResponse<'a> {
        status: UnlockStatus = "status",
        status_info: Option<StatusInfo<'a>> = "statusInfo",
    }
}

words! {
    /// Whether something is to serve (`OperationalStatusEnumType`).
    pub enum OperationalStatus {
        Inoperative,
        Operative,
    }
}

record! {
    /// Take the station, an EVSE or a connector out of service or back (use cases G03, G04).
    pub struct ChangeAvailability {
        evse: Option<Evse> = "evse",
        operational_status: OperationalStatus = "operationalStatus",
    }
}

words! {
    /// When a change of availability happens (`ChangeAvailabilityStatusEnumType`).
    pub enum ChangeAvailabilityStatus {
        Accepted,
        Rejected,
        Scheduled,
    }
}

record! {
    /// Answer to [`ChangeAvailability`].
    pub struct ChangeAvailabilityResponse<'a> {
        status: ChangeAvailabilityStatus = "status",
        status_info: Option<StatusInfo<'a>> = "statusInfo",
    }
}

record! {
    /// A variable to read (`GetVariableDataType`).
    pub struct GetVariableData<'a> {
        /// `Actual` when left out.
        attribute_type: Option<AttributeType> = "attributeType",
        component: Component<'a> = "component",
        variable: Variable<'a> = "variable",
    }
}

record! {
    /// Read variables (use case B06).
    pub struct GetVariables<'a> {
        get_variable_data: List<GetVariableData<'a>, 1> = "getVariableData",
    }
}

words! {
    /// Whether a variable could be read (`GetVariableStatusEnumType`).
    pub enum GetVariableStatus {
        Accepted,
        Rejected,
        UnknownComponent,
        UnknownVariable,
        NotSupportedAttributeType,
    }
}

record! {
    /// A variable that was read (`GetVariableResultType`).
    pub struct GetVariableResult<'a> {
        attribute_status_info: Option<StatusInfo<'a>> = "attributeStatusInfo",
        attribute_status: GetVariableStatus = "attributeStatus",
        attribute_type: Option<AttributeType> = "attributeType",
        attribute_value: Option<Text<'a, 2500>> = "attributeValue",
        component: Component<'a> = "component",
        variable: Variable<'a> = "variable",
    }
}

record! {
    /// Answer to [`GetVariables`].
    pub struct GetVariablesResponse<'a> {
        get_variable_result: List<GetVariableResult<'a>, 1> = "getVariableResult",
    }
}

record! {
    /// A variable to write (`SetVariableDataType`).
    pub struct SetVariableData<'a> {
        /// `Actual` when left out.
        attribute_type: Option<AttributeType> = "attributeType",
        attribute_value: Text<'a, 1000> = "attributeValue",
        component: Component<'a> = "component",
        variable: Variable<'a> = "variable",
    }
}

record! {
    /// Write variables (use case B05).
    pub struct SetVariables<'a> {
        set_variable_data: List<SetVariableData<'a>, 1> = "setVariableData",
    }
}

words! {
    /// Whether a variable could be written (`SetVariableStatusEnumType`).
    pub enum SetVariableStatus {
        Accepted,
        Rejected,
        UnknownComponent,
        UnknownVariable,
        NotSupportedAttributeType,
        RebootRequired,
    }
}

record! {
    /// A variable that was written (`SetVariableResultType`).
    pub struct SetVariableResult<'a> {
        attribute_type: Option<AttributeType> = "attributeType",
        attribute_status: SetVariableStatus = "attributeStatus",
        attribute_status_info: Option<StatusInfo<'a>> = "attributeStatusInfo",
        component: Component<'a> = "component",
        variable: Variable<'a> = "variable",
    }
}

record! {
    /// Answer to [`SetVariables`].
    pub struct SetVariablesResponse<'a> {
        set_variable_result: List<SetVariableResult<'a>, 1> = "setVariableResult",
    }
}

words! {
    /// How much of the device model to report (`ReportBaseEnumType`).
    pub enum ReportBase {
        ConfigurationInventory,
        FullInventory,
        SummaryInventory,
    }
}

record! {
    /// Report the device model in NotifyReport messages (use case B07).
    pub struct GetBaseReport {
        request_id: i64 = "requestId",
        report_base: ReportBase = "reportBase",
    }
}

words! {
    /// Whether the report will come (`GenericDeviceModelStatusEnumType`).
    pub enum GenericDeviceModelStatus {
        Accepted,
        Rejected,
        NotSupported,
        EmptyResultSet,
    }
}

record! {
    /// Answer to [`GetBaseReport`].
    pub struct GetBaseReportResponse<'a> {
        status: GenericDeviceModelStatus = "status",
        status_info: Option<StatusInfo<'a>> = "statusInfo",
    }
}

words! {
    /// A message that a station can be asked to send (`MessageTriggerEnumType`).
    pub enum MessageTrigger {
        BootNotification,
        LogStatusNotification,
        FirmwareStatusNotification,
        Heartbeat,
        MeterValues,
        SignChargingStationCertificate,
        SignV2GCertificate,
        StatusNotification,
        TransactionEvent,
        SignCombinedCertificate,
        PublishFirmwareStatusNotification,
    }
}

record! {
    /// Send a message (use case F06).
    pub struct TriggerMessage {
        evse: Option<Evse> = "evse",
        requested_message: MessageTrigger = "requestedMessage",
    }
}

words! {
    /// Whether the message will come (`TriggerMessageStatusEnumType`).
    pub enum TriggerMessageStatus {
        Accepted,
        Rejected,
        NotImplemented,
    }
}

record! {
    /// Answer to [`TriggerMessage`].
    pub struct TriggerMessageResponse<'a> {
        status: TriggerMessageStatus = "status",
        status_info: Option<StatusInfo<'a>> = "statusInfo",
    }
}

record! {
    /// Forget the cached tokens (use case C11).
    pub struct ClearCache {}
}

record! {
    /// Answer to [`ClearCache`].
    pub struct ClearCacheResponse<'a> {
        status: AcceptedStatus = "status",
        status_info: Option<StatusInfo<'a>> = "statusInfo",
    }
}
