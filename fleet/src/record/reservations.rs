//! Reservations.

use rkyv::{Archive, Deserialize, Serialize};

closed_set! {
    /// Where a reservation stands.
    ReservationState {
        /// Asked for; the station has not answered.
        Requested = 1 "requested",
        /// The station accepted it, and it is not over.
        Active = 2 "active",
        /// The station said no, or was not asked.
        Refused = 3 "refused",
        /// Whether the station holds it nobody heard.
        Unknown = 4 "unknown",
        /// A transaction was begun on it.
        Used = 5 "used",
        /// Its time is over.
        Expired = 6 "expired",
        /// The station gave it up.
        Removed = 7 "removed",
        /// An operator took it back, and the station agreed.
        Cancelled = 8 "cancelled",
        /// Its driver came, and no transaction began (2.1).
        NoTransaction = 9 "no_transaction",
    }
}

/// What is known of a station's reservations: all that is kept each time, so that the newest record is enough. The one
/// that this record is about is the last.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq, Eq, Default)]
#[rkyv(derive(Debug))]
pub struct ReservationsChanged {
    /// Highest id so far; the next one that is given here is behind it.
    pub last_id: i64,
    /// In the order of their last changes.
    pub reservations: Vec<Reservation>,
}

/// One reservation of a [`ReservationsChanged`].
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[rkyv(derive(Debug))]
pub struct Reservation {
    /// What the station knows it by.
    pub id: i64,
    /// 0 for any.
    pub evse_id: u32,
    /// `ConnectorEnumType` of 2.x; empty for any.
    pub connector_type: String,
    /// For whom; [`TransactionEvent::token_ref`](super::TransactionEvent::token_ref).
    pub token_ref: [u8; 16],
    /// The group whose tokens may use it too, likewise.
    pub group_ref: Option<[u8; 16]>,
    /// Until when.
    pub expires_at: i64,
    /// [`ReservationState`].
    pub state: u8,
    /// When it was asked for.
    pub requested_at: i64,
    /// When the state changed last.
    pub changed_at: i64,
    /// The transaction that used it.
    pub transaction_id: Option<[u8; 16]>,
    /// Name of the principal who asked.
    pub principal: String,
}
