//! What connectors are doing.

use rkyv::{Archive, Deserialize, Serialize};

use super::{Moment, Retry};

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
