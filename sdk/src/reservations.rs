//! Reservations: an EVSE kept free for a driver.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::IdToken;

/// A reservation to ask a station for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReservationRequest {
    /// For whom; 1.6 is told the id alone.
    pub id_token: IdToken,
    /// Tokens of this group may use it too; without it, those of the group that the token has in `/tokens`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 36)]
    pub group_id_token: Option<String>,
    /// The connector of a 1.6 station, the EVSE of a 2.x one; without it, any that is free.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, example = 1)]
    pub connector_id: Option<u32>,
    /// Any connector of this type (2.x), in the words of the station's version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "cCCS2")]
    pub connector_type: Option<String>,
    /// Until when.
    #[schema(format = DateTime, example = "2027-01-01T18:00:00Z")]
    pub expires_at: String,
    /// What the station is to know it by; without it the server takes one that the station has not had. A reservation that
    /// the station holds under this id is replaced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<i64>,
}

/// A reservation, as far as its station told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Reservation {
    /// What the station knows it by.
    pub id: i64,
    /// The station.
    pub device_id: String,
    /// Where it stands.
    pub state: ReservationState,
    /// The connector of a 1.6 station, the EVSE of a 2.x one; `null` for any.
    pub connector_id: Option<u32>,
    /// `null` for any.
    pub connector_type: Option<String>,
    /// What stands for its token in SQL.
    pub token_ref: String,
    /// What would stand for its group.
    pub group_ref: Option<String>,
    /// Until when.
    #[schema(format = DateTime)]
    pub expires_at: String,
    /// When it was asked for.
    #[schema(format = DateTime)]
    pub requested_at: String,
    /// When `state` changed last.
    #[schema(format = DateTime)]
    pub changed_at: String,
    /// The transaction that used it.
    pub transaction_id: Option<String>,
    /// Who asked.
    pub created_by: String,
}

/// Where a reservation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReservationState {
    /// Sent, and not answered yet.
    Requested,
    /// The station holds it.
    Active,
    /// The station said no, or was not asked.
    Refused,
    /// The station was asked, and nobody heard its answer.
    Unknown,
    /// A transaction was begun on it.
    Used,
    /// Its time is over.
    Expired,
    /// The station gave it up: the EVSE is out of order, or its operator said so there.
    Removed,
    /// It was taken back, and the station agreed.
    Cancelled,
    /// Its driver came, and no transaction began (2.1).
    NoTransaction,
}

impl ReservationState {
    /// The name in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Active => "active",
            Self::Refused => "refused",
            Self::Unknown => "unknown",
            Self::Used => "used",
            Self::Expired => "expired",
            Self::Removed => "removed",
            Self::Cancelled => "cancelled",
            Self::NoTransaction => "no_transaction",
        }
    }
}
