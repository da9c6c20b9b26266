//! Calls of a 1.6 station, and the CSMS's answers to them.

use super::{AuthorizationStatus, IdTagInfo, MeterValueList};
use crate::record::{record, words};
use crate::{Key, Open, Text, Timestamp};

record! {
    /// The station has started (1.6 §4.2).
    pub struct BootNotification<'a> {
        charge_point_vendor: Text<'a, 20> = "chargePointVendor",
        charge_point_model: Text<'a, 20> = "chargePointModel",
        charge_point_serial_number: Option<Text<'a, 25>> = "chargePointSerialNumber",
        charge_box_serial_number: Option<Text<'a, 25>> = "chargeBoxSerialNumber",
        firmware_version: Option<Text<'a, 50>> = "firmwareVersion",
        iccid: Option<Text<'a, 20>> = "iccid",
        imsi: Option<Text<'a, 20>> = "imsi",
        meter_type: Option<Text<'a, 25>> = "meterType",
        meter_serial_number: Option<Text<'a, 25>> = "meterSerialNumber",
    }
}

words! {
    /// Whether the CSMS takes the station (1.6 §7.35).
    pub enum RegistrationStatus {
        Accepted,
        Pending,
        Rejected,
    }
}

record! {
    /// Answer to [`BootNotification`].
    pub struct BootNotificationResponse<'a> {
        status: RegistrationStatus = "status",
        current_time: Timestamp<'a> = "currentTime",
        /// Seconds between heartbeats; while not accepted, until the next BootNotification.
        interval: u32 = "interval",
    }
}

record! {
    /// The station is still there (1.6 §4.6).
    pub struct Heartbeat {}
}

record! {
    /// Answer to [`Heartbeat`].
    pub struct HeartbeatResponse<'a> {
        current_time: Timestamp<'a> = "currentTime",
    }
}

words! {
    /// What is wrong with a connector (1.6 §7.6).
    pub enum ChargePointErrorCode {
        NoError,
        ConnectorLockFailure,
        EVCommunicationError,
        GroundFailure,
        HighTemperature,
        InternalError,
        LocalListConflict,
        OtherError,
        OverCurrentFailure,
        OverVoltage,
        PowerMeterFailure,
        PowerSwitchFailure,
        ReaderFailure,
        ResetFailure,
        UnderVoltage,
        WeakSignal,
    }
}

words! {
    /// The state of a connector or of the whole station (1.6 §7.7).
    pub enum ChargePointStatus {
        Available,
        Preparing,
        Charging,
        SuspendedEVSE,
        SuspendedEV,
        Finishing,
        Reserved,
        Unavailable,
        Faulted,
    }
}

record! {
    /// A connector's state has changed (1.6 §4.9).
    pub struct StatusNotification<'a> {
        /// 0 for the station as a whole.
        connector_id: u32 = "connectorId",
        /// A word of the station's own means [`ChargePointErrorCode::OtherError`].
        error_code: Open<'a, ChargePointErrorCode> = "errorCode",
        info: Option<Text<'a, 50>> = "info",
        status: ChargePointStatus = "status",
        timestamp: Option<Timestamp<'a>> = "timestamp",
        vendor_id: Option<Text<'a, 255>> = "vendorId",
        vendor_error_code: Option<Text<'a, 50>> = "vendorErrorCode",
    }
}

record! {
    /// Answer to [`StatusNotification`].
    pub struct StatusNotificationResponse {}
}

record! {
    /// May this IdTag charge? (1.6 §4.1)
    pub struct Authorize<'a> {
        id_tag: Key<'a, 20> = "idTag",
    }
}

record! {
    /// Answer to [`Authorize`].
    pub struct AuthorizeResponse<'a> {
        id_tag_info: IdTagInfo<'a> = "idTagInfo",
    }
}

record! {
    /// A transaction has begun (1.6 §4.8).
    pub struct StartTransaction<'a> {
        connector_id: u32 = "connectorId",
        id_tag: Key<'a, 20> = "idTag",
        /// The energy register, in Wh.
        meter_start: i64 = "meterStart",
        reservation_id: Option<i64> = "reservationId",
        timestamp: Timestamp<'a> = "timestamp",
    }
}

record! {
    /// Answer to [`StartTransaction`].
    pub struct StartTransactionResponse<'a> {
        id_tag_info: IdTagInfo<'a> = "idTagInfo",
        transaction_id: i64 = "transactionId",
    }
}

words! {
    /// Why a transaction ended (1.6 §7.36).
    pub enum Reason {
        Local,
        Remote,
        EVDisconnected,
        DeAuthorized,
        EmergencyStop,
        HardReset,
        SoftReset,
        PowerLoss,
        Reboot,
        UnlockCommand,
        Other,
    }
}

record! {
    /// A transaction has ended (1.6 §4.10). It carries the bill, so that a reason of the station's own is no
    /// ground to refuse it.
    pub struct StopTransaction<'a> {
        id_tag: Option<Key<'a, 20>> = "idTag",
        /// The energy register, in Wh.
        meter_stop: i64 = "meterStop",
        timestamp: Timestamp<'a> = "timestamp",
        /// -1 and 0 are seen when the transaction began offline.
        transaction_id: i64 = "transactionId",
        /// `Local` when left out.
        reason: Option<Open<'a, Reason>> = "reason",
        transaction_data: Option<MeterValueList<'a>> = "transactionData",
    }
}

record! {
    /// Answer to [`StopTransaction`].
    pub struct StopTransactionResponse<'a> {
        id_tag_info: Option<IdTagInfo<'a>> = "idTagInfo",
    }
}

record! {
    /// What the meters show (1.6 §4.7).
    pub struct MeterValues<'a> {
        /// 0 for the main meter.
        connector_id: u32 = "connectorId",
        transaction_id: Option<i64> = "transactionId",
        meter_value: MeterValueList<'a> = "meterValue",
    }
}

record! {
    /// Answer to [`MeterValues`].
    pub struct MeterValuesResponse {}
}

words! {
    /// How a firmware update goes (1.6 §7.25).
    pub enum FirmwareStatus {
        Downloaded,
        DownloadFailed,
        Downloading,
        Idle,
        InstallationFailed,
        Installing,
        Installed,
    }
}

record! {
    /// A firmware update has moved on (1.6 §4.5).
    pub struct FirmwareStatusNotification {
        status: FirmwareStatus = "status",
    }
}

record! {
    /// Answer to [`FirmwareStatusNotification`].
    pub struct FirmwareStatusNotificationResponse {}
}

words! {
    /// How an upload of diagnostics goes (1.6 §7.24).
    pub enum DiagnosticsStatus {
        Idle,
        Uploaded,
        UploadFailed,
        Uploading,
    }
}

record! {
    /// An upload of diagnostics has moved on (1.6 §4.4).
    pub struct DiagnosticsStatusNotification {
        status: DiagnosticsStatus = "status",
    }
}

record! {
    /// Answer to [`DiagnosticsStatusNotification`].
    pub struct DiagnosticsStatusNotificationResponse {}
}

impl IdTagInfo<'static> {
    /// An answer that says no more than the status.
    pub const fn of(status: AuthorizationStatus) -> IdTagInfo<'static> {
        IdTagInfo {
            expiry_date: None,
            parent_id_tag: None,
            status,
        }
    }
}
