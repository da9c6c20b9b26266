//! Reservations: what an operator asks for, and what became of it.

use std::time::Duration;

use fleet::record::ReservationState;
use fleet::{StationKey, TransactionId, UtcMicros};

use super::pending::Pending;
use super::view::CommandView;
use super::{Ask, CommandRefused, Router};
use crate::token::NamedToken;

/// Asks a station to keep an EVSE free for a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReserveRequest {
    /// Where.
    pub station: StationKey,
    /// `None` takes the next one that the station has not had. An id that it holds replaces that reservation.
    pub id: Option<i64>,
    /// EVSE (a 1.6 connector); 0 for any.
    pub evse_id: u32,
    /// `ConnectorEnumType` of 2.x; `None` for any, and in 1.6.
    pub connector_type: Option<String>,
    /// For whom.
    pub token: NamedToken,
    /// Until when.
    pub expires_at: UtcMicros,
    /// Who asks.
    pub principal: String,
    /// How long to wait for the station's answer.
    pub wait: Duration,
}

/// A reservation, as far as its station told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReservationView {
    /// What the station knows it by.
    pub id: i64,
    /// 0 for any.
    pub evse_id: u32,
    /// Empty for any.
    pub connector_type: String,
    /// What stands for its token in facts.
    pub token_ref: [u8; 16],
    /// The same of its group.
    pub group_ref: Option<[u8; 16]>,
    /// Until when.
    pub expires_at: UtcMicros,
    /// Where it stands.
    pub state: ReservationState,
    /// When it was asked for.
    pub requested_at: UtcMicros,
    /// When `state` changed last.
    pub changed_at: UtcMicros,
    /// The transaction that used it.
    pub transaction: Option<TransactionId>,
    /// Who asked.
    pub principal: String,
}

impl Router {
    /// Asks a station to reserve, in the words of its version; answered with the ReserveNow that was sent.
    pub fn reserve(&self, request: ReserveRequest) -> Pending<Result<CommandView, CommandRefused>> {
        let partition = request.station.partition();
        self.ask(partition, |reply| Ask::Reserve { request, reply })
    }

    /// The newest reservations of a station, 64 at most, the one that changed last at the end; `None` when nobody has
    /// heard of the station.
    pub fn reservations(&self, key: StationKey) -> Pending<Option<Vec<ReservationView>>> {
        self.ask(key.partition(), |reply| Ask::Reservations { key, reply })
    }
}
