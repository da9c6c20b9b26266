//! OCPP 1.6J: every action's types, one module per direction.

mod from_station;
mod meter_value;
mod shared;
mod to_station;

pub use from_station::*;
pub use meter_value::{MeterValueList, ValueFormat};
pub use shared::*;
pub use to_station::*;

use crate::record::actions;
use crate::{CallError, MeterColumns, Policy, Version};

actions! {
    version Version::V16;
    known ACTIONS;
    /// What a station asks of the CSMS.
    calls Request;
    /// What the CSMS answers.
    answers Response;
    BootNotification: BootNotification<'a> => BootNotificationResponse<'a>,
    Heartbeat: Heartbeat => HeartbeatResponse<'a>,
    StatusNotification: StatusNotification<'a> => StatusNotificationResponse,
    MeterValues: MeterValues<'a> => MeterValuesResponse,
    Authorize: Authorize<'a> => AuthorizeResponse<'a>,
    StartTransaction: StartTransaction<'a> => StartTransactionResponse<'a>,
    StopTransaction: StopTransaction<'a> => StopTransactionResponse<'a>,
    DataTransfer: DataTransfer<'a> => DataTransferResponse<'a>,
    FirmwareStatusNotification: FirmwareStatusNotification => FirmwareStatusNotificationResponse,
    DiagnosticsStatusNotification: DiagnosticsStatusNotification => DiagnosticsStatusNotificationResponse,
}

actions! {
    version Version::V16;
    known ACTIONS;
    /// What the CSMS asks of a station.
    calls Command;
    /// What the station answers.
    answers CommandResponse;
    RemoteStartTransaction: RemoteStartTransaction<'a> => RemoteStartTransactionResponse,
    RemoteStopTransaction: RemoteStopTransaction => RemoteStopTransactionResponse,
    Reset: Reset => ResetResponse,
    UnlockConnector: UnlockConnector => UnlockConnectorResponse,
    ChangeAvailability: ChangeAvailability => ChangeAvailabilityResponse,
    GetConfiguration: GetConfiguration<'a> => GetConfigurationResponse<'a>,
    ChangeConfiguration: ChangeConfiguration<'a> => ChangeConfigurationResponse,
    TriggerMessage: TriggerMessage => TriggerMessageResponse,
    ClearCache: ClearCache => ClearCacheResponse,
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

/// Every action of 1.6 with its security extension (whitepaper edition 3), in either direction: what is not
/// supported is told apart from what does not exist.
pub const ACTIONS: &[&str] = &[
    "Authorize",
    "BootNotification",
    "CancelReservation",
    "CertificateSigned",
    "ChangeAvailability",
    "ChangeConfiguration",
    "ClearCache",
    "ClearChargingProfile",
    "DataTransfer",
    "DeleteCertificate",
    "DiagnosticsStatusNotification",
    "ExtendedTriggerMessage",
    "FirmwareStatusNotification",
    "GetCompositeSchedule",
    "GetConfiguration",
    "GetDiagnostics",
    "GetInstalledCertificateIds",
    "GetLocalListVersion",
    "GetLog",
    "Heartbeat",
    "InstallCertificate",
    "LogStatusNotification",
    "MeterValues",
    "RemoteStartTransaction",
    "RemoteStopTransaction",
    "ReserveNow",
    "Reset",
    "SecurityEventNotification",
    "SendLocalList",
    "SetChargingProfile",
    "SignCertificate",
    "SignedFirmwareStatusNotification",
    "SignedUpdateFirmware",
    "StartTransaction",
    "StatusNotification",
    "StopTransaction",
    "TriggerMessage",
    "UnlockConnector",
    "UpdateFirmware",
];
