//! `charging_profiles`: what stations were told of power and current, as far as they accepted or reported it.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Int32Array};

use crate::paged::{Row, texts, times};
use crate::table::Kind;

/// A row of `charging_profiles`. Times are UTC microseconds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ChargingProfileRow {
    /// The station's own name.
    pub station_id: String,
    /// Its id on the station.
    pub profile_id: i32,
    /// 0 for the whole station, and for one that waits for its transaction.
    pub evse_id: u32,
    /// Whose words `profile` uses: `ocpp1.6`, …
    pub protocol: Option<&'static str>,
    /// `chargingProfilePurpose`.
    pub purpose: Option<String>,
    /// `chargingProfileKind`.
    pub kind: Option<String>,
    /// Of several of a purpose the highest holds.
    pub stack_level: Option<i32>,
    /// From when, if not at once.
    pub valid_from: Option<i64>,
    /// Until when, if not for good.
    pub valid_to: Option<i64>,
    /// `set`, `remote_start`, `report`.
    pub source: Option<&'static str>,
    /// `chargingLimitSource` of a report.
    pub limit_source: Option<String>,
    /// The station's own name of the transaction.
    pub ocpp_transaction_id: Option<String>,
    /// It waits for the transaction of a remote start.
    pub is_waiting: bool,
    /// It did not outlive the time its station was offline.
    pub is_void: bool,
    /// When the station took it, or first told of it.
    pub installed_at: i64,
    /// When the station last confirmed it.
    pub confirmed_at: i64,
    /// When its newest update came.
    pub updated_at: Option<i64>,
    /// The command that brought it.
    pub command_id: Option<String>,
    /// JSON, as it was sent or reported.
    pub profile: String,
    /// JSON, of a dynamic profile.
    pub update: Option<String>,
}

impl Row for ChargingProfileRow {
    const NAME: &'static str = "charging_profiles";
    const COLUMNS: &'static [(&'static str, Kind)] = &[
        ("station_id", Kind::Text),
        ("profile_id", Kind::Int),
        ("evse_id", Kind::Int),
        ("protocol", Kind::Text),
        ("purpose", Kind::Text),
        ("kind", Kind::Text),
        ("stack_level", Kind::Int),
        ("valid_from", Kind::Timestamp),
        ("valid_to", Kind::Timestamp),
        ("source", Kind::Text),
        ("limit_source", Kind::Text),
        ("ocpp_transaction_id", Kind::Text),
        ("is_waiting", Kind::Bool),
        ("is_void", Kind::Bool),
        ("installed_at", Kind::Timestamp),
        ("confirmed_at", Kind::Timestamp),
        ("updated_at", Kind::Timestamp),
        ("command_id", Kind::Text),
        ("profile", Kind::Text),
        ("update", Kind::Text),
    ];

    fn columns(rows: &[Self]) -> Vec<ArrayRef> {
        let known =
            |of: fn(&Self) -> &Option<String>| texts(rows.iter().map(|row| of(row).as_deref()));
        let number = |of: fn(&Self) -> Option<i32>| {
            Arc::new(rows.iter().map(of).collect::<Int32Array>()) as ArrayRef
        };
        let flag = |of: fn(&Self) -> bool| {
            let values = rows.iter().map(|row| Some(of(row)));
            Arc::new(values.collect::<BooleanArray>()) as ArrayRef
        };
        let time = |of: fn(&Self) -> Option<i64>| times(rows.iter().map(of));
        vec![
            texts(rows.iter().map(|row| Some(row.station_id.as_str()))),
            number(|row| Some(row.profile_id)),
            number(|row| Some(row.evse_id as i32)),
            texts(rows.iter().map(|row| row.protocol)),
            known(|row| &row.purpose),
            known(|row| &row.kind),
            number(|row| row.stack_level),
            time(|row| row.valid_from),
            time(|row| row.valid_to),
            texts(rows.iter().map(|row| row.source)),
            known(|row| &row.limit_source),
            known(|row| &row.ocpp_transaction_id),
            flag(|row| row.is_waiting),
            flag(|row| row.is_void),
            time(|row| Some(row.installed_at)),
            time(|row| Some(row.confirmed_at)),
            time(|row| row.updated_at),
            known(|row| &row.command_id),
            texts(rows.iter().map(|row| Some(row.profile.as_str()))),
            known(|row| &row.update),
        ]
    }
}
