//! Reservations (1.6 §5.1 and §5.13, 2.x block H): what operators ask for, what stations answer, and how they end.
//!
//! Whether something can be reserved its station alone decides; here stands what it said. One record holds all that is
//! kept of a station's reservations, and one row the newest of these, so that nothing of them stays in memory but when
//! the next one ends.
//!
//! # Invariants
//!
//! - An id is on record before the command that carries it, so none is given out twice.
//! - A reservation is `active` from the station's `Accepted` to the first of: a transaction that names it, the station's
//!   word that it is over or that it has none of that id, a cancellation that it accepts, its time.
//! - A station has one reservation per id: the one it accepted last.

use std::time::Duration;

use fleet::record::{
    ArchivedReservationsChanged, CommandChanged, CommandState, Protocol, Reservation,
    ReservationState, ReservationsChanged,
};
use fleet::wire::Fact;
use fleet::{StationKey, TransactionId, UtcMicros};
use ocpp::{MeterColumns, Policy, Timestamp, Word, v16, v21, v201};
use serde_json::Value;
use storage::state::Table;

use super::commands::{says_accepted, status_of};
use super::named_token::Told;
use super::projection::{read_record_row, reservations_key};
use super::summary::TransactionReport;
use super::timers::Deadline;
use super::{Now, Shard, StoreUnreadable};
use crate::router::pending::Reply;
use crate::router::reservations::{ReservationView, ReserveRequest};
use crate::router::view::CommandView;
use crate::router::{CommandRefused, CommandRequest, RouterError};
use crate::token::TokenType;

/// Reservations that are kept of a station. One more takes the place of the oldest that is over, or of the oldest.
const KEPT_MAX: usize = 64;
/// Ids are 32 bits wide in every version, and signed.
const ID_MAX: i64 = i32::MAX as i64;
/// What a token is reserved for as if nobody said: it will be shown to the station, and most are cards.
const TYPE_DEFAULT: TokenType = TokenType::Iso14443;
/// How far the clock of a station may be behind ours: a transaction that begins earlier than that before a reservation
/// was asked for is about an older one of the same id.
const CLOCK_BEHIND_MICROS: i64 = 300_000_000;
/// When a store that cannot be read is asked again about reservations that end.
const RETRY_AFTER: Duration = Duration::from_secs(10);
/// Longest wait of a deadline: what nanoseconds hold with room to spare.
const WAIT_MAX_MICROS: i64 = 100 * 365 * 86_400 * 1_000_000;

impl Shard {
    /// All that is kept of a station's reservations.
    fn reservations(&mut self, station: u32) -> Result<ReservationsChanged, StoreUnreadable> {
        let station = self.stations[station].state.key.as_str();
        let key = reservations_key(&mut self.scratch.canonical, station);
        let row = self.row(Table::Reservations, key)?;
        Ok(row.as_deref().and_then(read).unwrap_or_default())
    }

    /// The same, to show; `None` for an unknown station.
    pub(super) fn reservation_views(
        &mut self,
        key: &StationKey,
    ) -> Result<Option<Vec<ReservationView>>, StoreUnreadable> {
        let Some(station) = self.known(key) else {
            return Ok(None);
        };
        let list = self.reservations(station)?.reservations;
        Ok(Some(list.into_iter().map(view).collect()))
    }

    /// Asks a station to reserve.
    pub(super) fn reserve(
        &mut self,
        now: Now,
        station: u32,
        request: ReserveRequest,
        reply: Reply<Result<CommandView, CommandRefused>>,
    ) {
        let known = self
            .reservations(station)
            .and_then(|list| Ok((list, self.told(station, request.token, TYPE_DEFAULT)?)));
        let Ok((list, token)) = known else {
            return reply.refuse(RouterError::StoreUnreadable);
        };
        let asked = Asked {
            id: request.id.unwrap_or_else(|| next_id(&list)),
            evse_id: request.evse_id,
            connector_type: request.connector_type.unwrap_or_default(),
            expires_at: request.expires_at.0,
        };
        let protocol = self.stations[station].state.protocol;
        let payload = match asked.payload(protocol, &token) {
            Ok(payload) => payload,
            Err(detail) => return reply.send(Err(CommandRefused::Invalid(detail))),
        };
        let command = CommandRequest {
            station: request.station,
            action: "ReserveNow".to_owned(),
            payload,
            principal: request.principal,
            wait: Some(request.wait),
            answer_timeout: None,
        };
        self.command(now, station, command, reply);
    }

    /// A command is about to be made, and was checked: if it asks to reserve, that is noted first.
    pub(super) fn note_reservation(
        &mut self,
        now: Now,
        station: u32,
        action: &str,
        payload: &str,
        principal: &str,
    ) -> Result<(), StoreUnreadable> {
        // One that is not connected will not hear of it.
        if action != "ReserveNow" || self.stations[station].conn.is_none() {
            return Ok(());
        }
        let protocol = self.stations[station].state.protocol;
        let Some((asked, id_token, group)) = Asked::read(protocol, payload) else {
            return Ok(());
        };
        let mut list = self.reservations(station)?;
        list.last_id = list.last_id.max(asked.id);
        let reservation = Reservation {
            id: asked.id,
            evse_id: asked.evse_id,
            connector_type: asked.connector_type,
            token_ref: self.token_ref(&id_token),
            group_ref: group.map(|group| self.token_ref(&group)),
            expires_at: asked.expires_at,
            state: ReservationState::Requested.code(),
            requested_at: now.utc.0,
            changed_at: now.utc.0,
            transaction_id: None,
            principal: principal.to_owned(),
        };
        push(&mut list.reservations, reservation);
        self.record(now, station, &list);
        self.await_end(now, station, asked.expires_at);
        Ok(())
    }

    /// A command has ended: it may have made a reservation, or taken one back.
    pub(super) fn settle_reservation(&mut self, now: Now, station: u32, command: &CommandChanged) {
        let answered = match CommandState::from_code(command.state) {
            Some(CommandState::Answered) if says_accepted(&command.result) => {
                ReservationState::Active
            }
            Some(CommandState::Answered | CommandState::Offline | CommandState::QueueFull) => {
                ReservationState::Refused
            }
            Some(CommandState::Timeout | CommandState::Unknown) => ReservationState::Unknown,
            Some(CommandState::Queued | CommandState::Sent) | None => return,
        };
        let state = match command.action.as_str() {
            "ReserveNow" => answered,
            "CancelReservation" if answered == ReservationState::Active => {
                ReservationState::Cancelled
            }
            // It has none of that id (H02.FR.01; 1.6 §5.2).
            "CancelReservation" if status_of(&command.result).as_deref() == Some("Rejected") => {
                ReservationState::Removed
            }
            // Whatever else became of a cancellation, the reservation stands as it did.
            _ => return,
        };
        let Some(id) = id_of(&command.payload) else {
            return;
        };
        // A store that cannot be read is counted; then the reservation stays as it was asked for, and the command tells
        // what the station said.
        let Ok(mut list) = self.reservations(station) else {
            return;
        };
        let requested = |r: &Reservation| r.state == ReservationState::Requested.code();
        let found = match state {
            ReservationState::Cancelled => newest(&list.reservations, id, is_open),
            // One that is still to be asked for stands in line behind the cancellation.
            ReservationState::Removed => {
                newest(&list.reservations, id, |r| is_open(r) && !requested(r))
            }
            _ => newest(&list.reservations, id, requested),
        };
        let Some(at) = found else {
            return;
        };
        change(&mut list.reservations, at, now.utc, state);
        if state == ReservationState::Active {
            // What the station held under this id is replaced (H01.FR.02; 1.6 §5.13).
            let last = list.reservations.len() - 1;
            let mut at = 0..;
            list.reservations
                .retain(|r| at.next() == Some(last) || r.id != id || !is_open(r));
        }
        self.record(now, station, &list);
    }

    /// The station says that a reservation is over (2.x ReservationStatusUpdate).
    pub(super) fn end_reservation(
        &mut self,
        now: Now,
        station: u32,
        id: i64,
        state: ReservationState,
    ) -> Result<(), StoreUnreadable> {
        let mut list = self.reservations(station)?;
        if let Some(at) = newest(&list.reservations, id, is_open) {
            change(&mut list.reservations, at, now.utc, state);
            self.record(now, station, &list);
        }
        Ok(())
    }

    /// What a station's reservations are once the transaction `used` has begun; `None` where they stay as they are.
    pub(super) fn reservation_used(
        &mut self,
        now: Now,
        station: u32,
        report: &TransactionReport<'_>,
        used: TransactionId,
    ) -> Result<Option<ReservationsChanged>, StoreUnreadable> {
        let Some(id) = report.reservation_id else {
            return Ok(None);
        };
        let mut list = self.reservations(station)?;
        let began = self.clock(now, station).began(report);
        let meant = |r: &Reservation| {
            !report.occurred.clock_trusted || r.requested_at - CLOCK_BEHIND_MICROS <= began
        };
        // The driver may have come just before a time that only our clock had reached.
        let found = newest(&list.reservations, id, |r| meant(r) && is_open(r))
            .or_else(|| newest(&list.reservations, id, meant));
        let Some(at) = found.filter(|at| list.reservations[*at].transaction_id.is_none()) else {
            return Ok(None);
        };
        change(&mut list.reservations, at, now.utc, ReservationState::Used);
        if let Some(reservation) = list.reservations.last_mut() {
            reservation.transaction_id = Some(used.0);
        }
        Ok(Some(list))
    }

    /// Puts on record what [`Shard::reservation_used`] found.
    pub(super) fn record_reservations(
        &mut self,
        now: Now,
        station: u32,
        changed: Option<ReservationsChanged>,
    ) {
        if let Some(list) = changed {
            self.record(now, station, &list);
        }
    }

    /// A station that is deleted keeps nothing free any more; the ids that it was given are not given again.
    pub(super) fn forget_reservations(&mut self, now: Now, station: u32) {
        let Ok(mut list) = self.reservations(station) else {
            let station = self.stations[station].state.key.as_str();
            tracing::warn!(%station, "the reservations of a deleted station stay, the state store cannot be read");
            return;
        };
        if !list.reservations.is_empty() {
            list.reservations.clear();
            self.record(now, station, &list);
        }
    }

    /// A reservation of this station ends at `ends_at`, unless something ends it before.
    pub(super) fn await_end(&mut self, now: Now, station: u32, ends_at: i64) {
        let wait = ends_at.saturating_sub(now.utc.0).clamp(0, WAIT_MAX_MICROS);
        let deadline = now.mono + Duration::from_micros(wait.unsigned_abs());
        self.deadlines
            .insert(deadline, Deadline::Reservation(station, ends_at));
    }

    /// The time of reservations that end at `ends_at` is over, whatever the wall clock says by now.
    pub(super) fn end_reservations(&mut self, now: Now, station: u32, ends_at: i64) {
        let Ok(mut list) = self.reservations(station) else {
            let deadline = Deadline::Reservation(station, ends_at);
            return self.deadlines.insert(now.mono + RETRY_AFTER, deadline);
        };
        let is_due = |r: &Reservation| is_open(r) && r.expires_at <= ends_at;
        while let Some(at) = list.reservations.iter().position(is_due) {
            change(
                &mut list.reservations,
                at,
                now.utc,
                ReservationState::Expired,
            );
            self.record(now, station, &list);
        }
    }

    /// Where to start a charge on a reservation that was made for this token or its group; why not, if it was not.
    pub(super) fn evse_reserved(
        &mut self,
        station: u32,
        id: i64,
        token: &Told,
    ) -> Result<Result<u32, String>, StoreUnreadable> {
        let list = self.reservations(station)?.reservations;
        let is_active = |r: &Reservation| r.state == ReservationState::Active.code();
        let Some(at) = newest(&list, id, is_active) else {
            return Ok(Err(format!("no active reservation has the id {id}")));
        };
        let reservation = &list[at];
        let group = token.group.as_deref().map(|group| self.token_ref(group));
        let is_its = reservation.token_ref == self.token_ref(&token.id)
            || group.is_some_and(|group| reservation.group_ref == Some(group));
        Ok(if is_its {
            Ok(reservation.evse_id)
        } else {
            Err(format!("reservation {id} is for another token"))
        })
    }
}

/// A ReserveNow without its token.
struct Asked {
    id: i64,
    evse_id: u32,
    connector_type: String,
    expires_at: i64,
}

impl Asked {
    /// In the words of a version; what that has no words for is an error.
    fn payload(&self, protocol: Option<Protocol>, token: &Told) -> Result<String, String> {
        let mut payload = Vec::new();
        let expires_at = Timestamp::at(self.expires_at);
        let evse_id = (self.evse_id != 0).then_some(self.evse_id);
        let connector_type =
            (!self.connector_type.is_empty()).then_some(self.connector_type.as_str());
        match protocol {
            Some(Protocol::Ocpp16) | None => {
                if connector_type.is_some() {
                    return Err("1.6 cannot reserve by the type of a connector".to_owned());
                }
                let call = v16::ReserveNow {
                    connector_id: self.evse_id,
                    expiry_date: expires_at,
                    id_tag: token.id.as_str().into(),
                    parent_id_tag: token.group.as_deref().map(Into::into),
                    reservation_id: self.id,
                };
                call.write(&mut payload);
            }
            Some(Protocol::Ocpp201) => {
                let (id_token, group_id_token) = token.to_201()?;
                let connector_type = connector_type.map(|text| {
                    <v201::Connector as Word>::parse(text)
                        .ok_or_else(|| format!("connector type {text:?} is none of 2.0.1"))
                });
                let call = v201::ReserveNow {
                    id: self.id,
                    expiry_date_time: expires_at,
                    connector_type: connector_type.transpose()?,
                    id_token,
                    evse_id,
                    group_id_token,
                };
                call.write(&mut payload);
            }
            Some(Protocol::Ocpp21) => {
                let (id_token, group_id_token) = token.to_21();
                let call = v21::ReserveNow {
                    id: u32::try_from(self.id).map_err(|_| format!("id {} is below 0", self.id))?,
                    expiry_date_time: expires_at,
                    connector_type: connector_type.map(Into::into),
                    id_token,
                    evse_id,
                    group_id_token,
                };
                call.write(&mut payload);
            }
        }
        Ok(String::from_utf8(payload).expect("the writers write JSON"))
    }

    /// Out of a payload, with its token and group; `None` for one that is no ReserveNow of this version.
    fn read(protocol: Option<Protocol>, payload: &str) -> Option<(Self, String, Option<String>)> {
        let (action, policy, mut columns) = ("ReserveNow", Policy::Tolerant, MeterColumns::new());
        match protocol {
            Some(Protocol::Ocpp16) | None => {
                let decoded = v16::Command::decode(action, payload, policy, &mut columns).ok()?;
                let v16::Command::ReserveNow(call) = decoded.message else {
                    return None;
                };
                let asked = Self {
                    id: call.reservation_id,
                    evse_id: call.connector_id,
                    connector_type: String::new(),
                    expires_at: call.expiry_date.utc_micros,
                };
                let group = call.parent_id_tag.map(|group| group.to_string());
                Some((asked, call.id_tag.to_string(), group))
            }
            Some(Protocol::Ocpp201) => {
                let decoded = v201::Command::decode(action, payload, policy, &mut columns).ok()?;
                let v201::Command::ReserveNow(call) = decoded.message else {
                    return None;
                };
                let asked = Self {
                    id: call.id,
                    evse_id: call.evse_id.unwrap_or(0),
                    connector_type: call.connector_type.map_or("", Word::as_str).to_owned(),
                    expires_at: call.expiry_date_time.utc_micros,
                };
                let group = call.group_id_token.map(|group| group.id_token.to_string());
                Some((asked, call.id_token.id_token.to_string(), group))
            }
            Some(Protocol::Ocpp21) => {
                let decoded = v21::Command::decode(action, payload, policy, &mut columns).ok()?;
                let v21::Command::ReserveNow(call) = decoded.message else {
                    return None;
                };
                let connector_type = call.connector_type.as_deref().unwrap_or_default();
                let asked = Self {
                    id: i64::from(call.id),
                    evse_id: call.evse_id.unwrap_or(0),
                    connector_type: connector_type.to_owned(),
                    expires_at: call.expiry_date_time.utc_micros,
                };
                let group = call.group_id_token.map(|group| group.id_token.to_string());
                Some((asked, call.id_token.id_token.to_string(), group))
            }
        }
    }
}

/// The reservation that a ReserveNow or CancelReservation of any version names.
fn id_of(payload: &str) -> Option<i64> {
    let payload: Value = serde_json::from_str(payload).ok()?;
    let id = payload.get("reservationId").or_else(|| payload.get("id"))?;
    id.as_i64()
}

fn read(row: &[u8]) -> Option<ReservationsChanged> {
    let (_, record) = read_record_row(row)?;
    match record.body.to_fact().ok()? {
        Fact::ReservationsChanged(changed) => Some(changed),
        _ => None,
    }
}

/// A reservation of the record, as others see it.
pub(crate) fn view(reservation: Reservation) -> ReservationView {
    ReservationView {
        id: reservation.id,
        evse_id: reservation.evse_id,
        connector_type: reservation.connector_type,
        token_ref: reservation.token_ref,
        group_ref: reservation.group_ref,
        expires_at: UtcMicros(reservation.expires_at),
        state: ReservationState::from_code(reservation.state).unwrap_or(ReservationState::Unknown),
        requested_at: UtcMicros(reservation.requested_at),
        changed_at: UtcMicros(reservation.changed_at),
        transaction: reservation.transaction_id.map(TransactionId),
        principal: reservation.principal,
    }
}

/// True while the station may hold it.
fn is_open(reservation: &Reservation) -> bool {
    may_be_held(reservation.state)
}

fn may_be_held(state: u8) -> bool {
    match ReservationState::from_code(state) {
        Some(
            ReservationState::Requested | ReservationState::Active | ReservationState::Unknown,
        ) => true,
        Some(
            ReservationState::Refused
            | ReservationState::Used
            | ReservationState::Expired
            | ReservationState::Removed
            | ReservationState::Cancelled
            | ReservationState::NoTransaction,
        )
        | None => false,
    }
}

/// When those of a station's reservations end that it may hold.
pub(crate) fn reservation_ends(changed: &ArchivedReservationsChanged) -> Vec<i64> {
    let open = changed.reservations.iter().filter(|r| may_be_held(r.state));
    open.map(|r| r.expires_at.to_native()).collect()
}

/// The first id behind all that the station has had, or, when there are no more, the first that nobody uses.
fn next_id(list: &ReservationsChanged) -> i64 {
    let is_free = |id: &i64| list.reservations.iter().all(|r| r.id != *id);
    let begin = list.last_id.clamp(0, ID_MAX);
    let mut ids = (begin + 1..=ID_MAX).chain(1..=ID_MAX);
    ids.find(is_free).expect("64 ids are not all there are")
}

/// Where the newest one of an id is that `shows`.
fn newest(list: &[Reservation], id: i64, shows: impl Fn(&Reservation) -> bool) -> Option<usize> {
    list.iter().rposition(|r| r.id == id && shows(r))
}

/// Changes one, which becomes the last.
fn change(list: &mut Vec<Reservation>, at: usize, now: UtcMicros, state: ReservationState) {
    let mut changed = list.remove(at);
    changed.state = state.code();
    changed.changed_at = now.0;
    list.push(changed);
}

fn push(list: &mut Vec<Reservation>, reservation: Reservation) {
    if list.len() == KEPT_MAX {
        let over = list.iter().position(|r| !is_open(r));
        list.remove(over.unwrap_or(0));
    }
    list.push(reservation);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reservation(id: i64, state: ReservationState) -> Reservation {
        Reservation {
            id,
            evse_id: 1,
            connector_type: String::new(),
            token_ref: [1; 16],
            group_ref: None,
            expires_at: 0,
            state: state.code(),
            requested_at: 0,
            changed_at: 0,
            transaction_id: None,
            principal: String::new(),
        }
    }

    #[test]
    fn no_id_is_given_out_twice() {
        let check = |last_id, kept: &[i64], expected| {
            let kept = kept
                .iter()
                .map(|id| reservation(*id, ReservationState::Active));
            let reservations = kept.collect();
            let list = ReservationsChanged {
                last_id,
                reservations,
            };
            assert_eq!(next_id(&list), expected);
        };
        check(0, &[], 1);
        check(-7, &[-7], 1);
        check(5, &[1, 5], 6);
        check(ID_MAX, &[1, 2, ID_MAX], 3);
        check(i64::MAX, &[i64::MAX], 1);
    }

    #[test]
    fn what_is_over_goes_first_when_there_are_too_many() {
        let mut list = vec![
            reservation(1, ReservationState::Active),
            reservation(2, ReservationState::Used),
        ];
        list.resize(KEPT_MAX, reservation(3, ReservationState::Active));
        push(&mut list, reservation(4, ReservationState::Requested));
        push(&mut list, reservation(5, ReservationState::Requested));
        let ids: Vec<_> = list.iter().map(|r| r.id).collect();
        assert_eq!((ids.len(), ids[0], &ids[62..]), (KEPT_MAX, 3, &[4, 5][..]));
    }
}
