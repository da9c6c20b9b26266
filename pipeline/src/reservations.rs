//! `reservations`: what stations keep free, and for whom.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int32Array, Int64Array};

use crate::paged::{Row, texts, times};
use crate::table::Kind;

/// A row of `reservations`. Times are UTC microseconds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReservationRow {
    /// The station's own name.
    pub station_id: String,
    /// What the station knows it by.
    pub reservation_id: i64,
    /// `None` for any.
    pub evse_id: Option<u32>,
    /// As 2.x writes it; `None` for any.
    pub connector_type: Option<String>,
    /// Hexadecimal.
    pub token_ref: String,
    /// Hexadecimal.
    pub group_ref: Option<String>,
    /// `requested`, `active`, `refused`, …
    pub state: &'static str,
    /// Until when.
    pub expires_at: i64,
    /// When it was asked for.
    pub requested_at: i64,
    /// When the state changed last.
    pub changed_at: i64,
    /// That used it.
    pub transaction_id: Option<String>,
    /// Name of the principal.
    pub requested_by: Option<String>,
}

impl Row for ReservationRow {
    const NAME: &'static str = "reservations";
    const COLUMNS: &'static [(&'static str, Kind)] = &[
        ("station_id", Kind::Text),
        ("reservation_id", Kind::BigInt),
        ("evse_id", Kind::Int),
        ("connector_type", Kind::Text),
        ("token_ref", Kind::Text),
        ("group_ref", Kind::Text),
        ("state", Kind::Text),
        ("expires_at", Kind::Timestamp),
        ("requested_at", Kind::Timestamp),
        ("changed_at", Kind::Timestamp),
        ("transaction_id", Kind::Text),
        ("requested_by", Kind::Text),
    ];

    fn columns(rows: &[Self]) -> Vec<ArrayRef> {
        let known =
            |of: fn(&Self) -> &Option<String>| texts(rows.iter().map(|row| of(row).as_deref()));
        let time = |of: fn(&Self) -> i64| times(rows.iter().map(|row| Some(of(row))));
        let ids = rows.iter().map(|row| row.reservation_id);
        let evses = rows.iter().map(|row| row.evse_id.map(|n| n as i32));
        vec![
            texts(rows.iter().map(|row| Some(row.station_id.as_str()))),
            Arc::new(Int64Array::from_iter_values(ids)),
            Arc::new(evses.collect::<Int32Array>()),
            known(|row| &row.connector_type),
            texts(rows.iter().map(|row| Some(row.token_ref.as_str()))),
            known(|row| &row.group_ref),
            texts(rows.iter().map(|row| Some(row.state))),
            time(|row| row.expires_at),
            time(|row| row.requested_at),
            time(|row| row.changed_at),
            known(|row| &row.transaction_id),
            known(|row| &row.requested_by),
        ]
    }
}
