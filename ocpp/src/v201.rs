//! OCPP 2.0.1: every action's types, one module per direction.
//!
//! Every object may carry `customData`. It is checked and passed over; the raw frame keeps it.

mod from_station;
mod meter_value;
mod shared;
mod to_station;

pub use from_station::*;
pub use meter_value::MeterValueList;
pub use shared::*;
pub use to_station::*;

use crate::record::actions;
use crate::{CallError, MeterColumns, Policy, Version};

actions! {
    version Version::V201;
    known ACTIONS;
    /// What a station asks of the CSMS.
    calls Request;
    /// What the CSMS answers.
    answers Response;
    BootNotification: BootNotification<'a> => BootNotificationResponse<'a>,
    Heartbeat: Heartbeat => HeartbeatResponse<'a>,
    StatusNotification: StatusNotification<'a> => StatusNotificationResponse,
    TransactionEvent: TransactionEvent<'a> => TransactionEventResponse<'a>,
    MeterValues: MeterValues<'a> => MeterValuesResponse,
    Authorize: Authorize<'a> => AuthorizeResponse<'a>,
    NotifyEvent: NotifyEvent<'a> => NotifyEventResponse,
    NotifyReport: NotifyReport<'a> => NotifyReportResponse,
    SecurityEventNotification: SecurityEventNotification<'a> => SecurityEventNotificationResponse,
    FirmwareStatusNotification: FirmwareStatusNotification => FirmwareStatusNotificationResponse,
    LogStatusNotification: LogStatusNotification => LogStatusNotificationResponse,
    DataTransfer: DataTransfer<'a> => DataTransferResponse<'a>,
}

actions! {
    version Version::V201;
    known ACTIONS;
    /// What the CSMS asks of a station.
    calls Command;
    /// What the station answers.
    answers CommandResponse;
    RequestStartTransaction: RequestStartTransaction<'a> => RequestStartTransactionResponse<'a>,
    RequestStopTransaction: RequestStopTransaction<'a> => RequestStopTransactionResponse<'a>,
    Reset: Reset => ResetResponse<'a>,
    UnlockConnector: UnlockConnector => UnlockConnectorResponse<'a>,
    ChangeAvailability: ChangeAvailability => ChangeAvailabilityResponse<'a>,
    GetVariables: GetVariables<'a> => GetVariablesResponse<'a>,
    SetVariables: SetVariables<'a> => SetVariablesResponse<'a>,
    GetBaseReport: GetBaseReport => GetBaseReportResponse<'a>,
    TriggerMessage: TriggerMessage => TriggerMessageResponse<'a>,
    ClearCache: ClearCache => ClearCacheResponse<'a>,
    DataTransfer: DataTransfer<'a> => DataTransferResponse<'a>,
}

/// Checks a command that an operator wrote, strictly, before it goes to a station.
///
/// # Errors
///
/// As [`Command::decode`].
pub fn validate_call(action: &str, payload: &str) -> Result<(), CallError> {
    Command::decode(action, payload, Policy::Strict, &mut MeterColumns::new()).map(drop)
}

/// Every action of 2.0.1, in either direction: what is not supported is told apart from what does not exist.
pub const ACTIONS: &[&str] = &[
    "Authorize",
    "BootNotification",
    "CancelReservation",
    "CertificateSigned",
    "ChangeAvailability",
    "ClearCache",
    "ClearChargingProfile",
    "ClearDisplayMessage",
    "ClearVariableMonitoring",
    "ClearedChargingLimit",
    "CostUpdated",
    "CustomerInformation",
    "DataTransfer",
    "DeleteCertificate",
    "FirmwareStatusNotification",
    "Get15118EVCertificate",
    "GetBaseReport",
    "GetCertificateStatus",
    "GetChargingProfiles",
    "GetCompositeSchedule",
    "GetDisplayMessages",
    "GetInstalledCertificateIds",
    "GetLocalListVersion",
    "GetLog",
    "GetMonitoringReport",
    "GetReport",
    "GetTransactionStatus",
    "GetVariables",
    "Heartbeat",
    "InstallCertificate",
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
    "PublishFirmware",
    "PublishFirmwareStatusNotification",
    "ReportChargingProfiles",
    "RequestStartTransaction",
    "RequestStopTransaction",
    "ReservationStatusUpdate",
    "ReserveNow",
    "Reset",
    "SecurityEventNotification",
    "SendLocalList",
    "SetChargingProfile",
    "SetDisplayMessage",
    "SetMonitoringBase",
    "SetMonitoringLevel",
    "SetNetworkProfile",
    "SetVariableMonitoring",
    "SetVariables",
    "SignCertificate",
    "StatusNotification",
    "TransactionEvent",
    "TriggerMessage",
    "UnlockConnector",
    "UnpublishFirmware",
    "UpdateFirmware",
];
