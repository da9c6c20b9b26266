//! Transactions: charges, from plugging in to the bill.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::IdToken;

/// A charge to start on a station.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TransactionStart {
    /// The station.
    #[schema(example = "CP001")]
    pub device_id: String,
    /// The connector of a 1.6 station, the EVSE of a 2.x one. With a `reservation_id` it may be absent: then the charge
    /// begins where that is.
    #[serde(default, skip_serializing_if = "is_zero")]
    #[schema(minimum = 1, example = 1)]
    pub connector_id: u32,
    /// The token to charge on; without one, one is made up for this charge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 36, example = "1234567890")]
    pub rfid_tag: Option<String>,
    /// The same with its type, in place of `rfid_tag`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id_token: Option<IdToken>,
    /// The token's group (2.x); without it, the one that the token has in `/tokens`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 36)]
    pub group_id_token: Option<String>,
    /// Begin it on this reservation, which has to be an active one for this token or its group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reservation_id: Option<i64>,
}

fn is_zero(connector_id: &u32) -> bool {
    *connector_id == 0
}

/// A transaction as far as it is known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Transaction {
    /// UUIDv7, given by the server.
    pub id: String,
    /// The station's own name of it.
    pub ocpp_transaction_id: Option<String>,
    /// The station.
    pub device_id: String,
    /// The connector of a 1.6 station, the EVSE of a 2.x one; `null` when not known.
    pub connector_id: Option<u32>,
    /// Where it stands.
    pub status: TransactionStatus,
    /// `null` when its beginning is not known.
    #[schema(format = DateTime)]
    pub start_time: Option<String>,
    /// `null` while it runs.
    #[schema(format = DateTime)]
    pub end_time: Option<String>,
    /// First plausible register, watt-hours, as a decimal.
    pub meter_start_wh: Option<String>,
    /// Last plausible register, watt-hours, as a decimal.
    pub meter_stop_wh: Option<String>,
    /// Kilowatt-hours, with up to six decimals (exact below 1 TWh).
    pub total_energy: Option<f64>,
    /// A decimal in major units of `currency`; `null` when the energy is not to be billed.
    #[schema(example = "5.28")]
    pub cost: Option<String>,
    /// ISO 4217.
    #[schema(example = "BRL")]
    pub currency: String,
    /// How far the energy can be billed.
    pub quality: TransactionQuality,
    /// Why it ended, in the station's words.
    pub stop_reason: Option<String>,
}

/// Where a transaction stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
pub enum TransactionStatus {
    /// Begun and not ended (`active` in SQL).
    Started,
    /// Ended by its station (`ended` in SQL).
    Completed,
    /// Its station told the end, never the beginning (`orphan` in SQL).
    Orphan,
}

/// How far a transaction's energy can be billed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TransactionQuality {
    /// From two plausible registers.
    Ok,
    /// The first or the last register is missing.
    Estimated,
    /// Registers run backwards or jump: shown, not billed.
    Quarantined,
}
