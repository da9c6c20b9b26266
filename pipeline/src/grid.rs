//! `der_controls`, `der_alarms` and `battery_swaps`: what 2.1 stations do for the grid, and what drivers put in and took.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Float64Array, Int32Array, Int64Array};

use crate::paged::{Row, texts, times};
use crate::table::Kind;

/// A row of `der_controls`. Times are UTC microseconds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DerControlRow {
    /// The station's own name.
    pub station_id: String,
    /// Its id on the station.
    pub control_id: String,
    /// `DERControlEnumType`; `None` for one of which only its beginning or end was heard.
    pub control_type: Option<String>,
    /// False for a scheduled one.
    pub is_default: bool,
    /// Another one of its type is executed instead.
    pub is_superseded: bool,
    /// The lower goes first.
    pub priority: Option<i64>,
    /// As it was sent.
    pub starts_at: Option<i64>,
    /// Seconds.
    pub duration_s: Option<f64>,
    /// When the station took it, or first told of it.
    pub known_since: i64,
    /// When the station named it last in a report.
    pub reported_at: Option<i64>,
    /// By the station's word.
    pub began_at: Option<i64>,
    /// Likewise.
    pub ended_at: Option<i64>,
    /// The command that brought it.
    pub command_id: Option<String>,
    /// JSON.
    pub settings: Option<String>,
}

impl Row for DerControlRow {
    const NAME: &'static str = "der_controls";
    const COLUMNS: &'static [(&'static str, Kind)] = &[
        ("station_id", Kind::Text),
        ("control_id", Kind::Text),
        ("control_type", Kind::Text),
        ("is_default", Kind::Bool),
        ("is_superseded", Kind::Bool),
        ("priority", Kind::BigInt),
        ("starts_at", Kind::Timestamp),
        ("duration_s", Kind::Double),
        ("known_since", Kind::Timestamp),
        ("reported_at", Kind::Timestamp),
        ("began_at", Kind::Timestamp),
        ("ended_at", Kind::Timestamp),
        ("command_id", Kind::Text),
        ("settings", Kind::Text),
    ];

    fn columns(rows: &[Self]) -> Vec<ArrayRef> {
        let known =
            |of: fn(&Self) -> &Option<String>| texts(rows.iter().map(|row| of(row).as_deref()));
        let time = |of: fn(&Self) -> Option<i64>| times(rows.iter().map(of));
        let flag = |of: fn(&Self) -> bool| {
            Arc::new(
                rows.iter()
                    .map(|row| Some(of(row)))
                    .collect::<BooleanArray>(),
            ) as ArrayRef
        };
        let priorities = rows.iter().map(|row| row.priority);
        let durations = rows.iter().map(|row| row.duration_s);
        vec![
            texts(rows.iter().map(|row| Some(row.station_id.as_str()))),
            texts(rows.iter().map(|row| Some(row.control_id.as_str()))),
            known(|row| &row.control_type),
            flag(|row| row.is_default),
            flag(|row| row.is_superseded),
            Arc::new(priorities.collect::<Int64Array>()),
            time(|row| row.starts_at),
            Arc::new(durations.collect::<Float64Array>()),
            time(|row| Some(row.known_since)),
            time(|row| row.reported_at),
            time(|row| row.began_at),
            time(|row| row.ended_at),
            known(|row| &row.command_id),
            known(|row| &row.settings),
        ]
    }
}

/// A row of `der_alarms`. Times are UTC microseconds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DerAlarmRow {
    /// The station's own name.
    pub station_id: String,
    /// `DERControlEnumType`.
    pub control_type: String,
    /// `GridEventFaultEnumType`.
    pub fault: Option<String>,
    /// Of the newest message.
    pub extra_info: Option<String>,
    /// By the station's clock; `None` where only its end was heard.
    pub raised_at: Option<i64>,
    /// By the station's clock; `None` while it lasts.
    pub ended_at: Option<i64>,
    /// It ended because the next one took its place.
    pub is_taken_over: bool,
    /// When the first message about it came.
    pub received_at: i64,
}

impl Row for DerAlarmRow {
    const NAME: &'static str = "der_alarms";
    const COLUMNS: &'static [(&'static str, Kind)] = &[
        ("station_id", Kind::Text),
        ("control_type", Kind::Text),
        ("fault", Kind::Text),
        ("extra_info", Kind::Text),
        ("raised_at", Kind::Timestamp),
        ("ended_at", Kind::Timestamp),
        ("is_taken_over", Kind::Bool),
        ("received_at", Kind::Timestamp),
    ];

    fn columns(rows: &[Self]) -> Vec<ArrayRef> {
        let taken_over = rows.iter().map(|row| Some(row.is_taken_over));
        vec![
            texts(rows.iter().map(|row| Some(row.station_id.as_str()))),
            texts(rows.iter().map(|row| Some(row.control_type.as_str()))),
            texts(rows.iter().map(|row| row.fault.as_deref())),
            texts(rows.iter().map(|row| row.extra_info.as_deref())),
            times(rows.iter().map(|row| row.raised_at)),
            times(rows.iter().map(|row| row.ended_at)),
            Arc::new(taken_over.collect::<BooleanArray>()),
            times(rows.iter().map(|row| Some(row.received_at))),
        ]
    }
}

/// A row of `battery_swaps`: a battery that moved, or a swap in which none has. Times are UTC microseconds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BatterySwapRow {
    /// The station's own name.
    pub station_id: String,
    /// What ties its messages together.
    pub request_id: i64,
    /// `requested`, `in`, `out`, `complete`, `out_timeout`.
    pub state: Option<&'static str>,
    /// Hexadecimal.
    pub token_ref: String,
    /// When the first message about the swap came.
    pub began_at: i64,
    /// When the last one came.
    pub changed_at: i64,
    /// The RequestBatterySwap.
    pub command_id: Option<String>,
    /// `in`, `out`, `out_timeout`; `None`, as all below, where none has moved.
    pub event: Option<&'static str>,
    /// The slot.
    pub evse_id: Option<u32>,
    /// Its own.
    pub serial_number: Option<String>,
    /// State of charge.
    pub soc_percent: Option<f64>,
    /// State of health.
    pub soh_percent: Option<f64>,
    /// When it was made.
    pub produced_at: Option<i64>,
    /// As the station says.
    pub vendor_info: Option<String>,
    /// When that was told.
    pub told_at: Option<i64>,
}

impl Row for BatterySwapRow {
    const NAME: &'static str = "battery_swaps";
    const COLUMNS: &'static [(&'static str, Kind)] = &[
        ("station_id", Kind::Text),
        ("request_id", Kind::BigInt),
        ("state", Kind::Text),
        ("token_ref", Kind::Text),
        ("began_at", Kind::Timestamp),
        ("changed_at", Kind::Timestamp),
        ("command_id", Kind::Text),
        ("event", Kind::Text),
        ("evse_id", Kind::Int),
        ("serial_number", Kind::Text),
        ("soc_percent", Kind::Double),
        ("soh_percent", Kind::Double),
        ("produced_at", Kind::Timestamp),
        ("vendor_info", Kind::Text),
        ("told_at", Kind::Timestamp),
    ];

    fn columns(rows: &[Self]) -> Vec<ArrayRef> {
        let known =
            |of: fn(&Self) -> &Option<String>| texts(rows.iter().map(|row| of(row).as_deref()));
        let percent = |of: fn(&Self) -> Option<f64>| {
            Arc::new(rows.iter().map(of).collect::<Float64Array>()) as ArrayRef
        };
        let ids = rows.iter().map(|row| row.request_id);
        let slots = rows.iter().map(|row| row.evse_id.map(|n| n as i32));
        vec![
            texts(rows.iter().map(|row| Some(row.station_id.as_str()))),
            Arc::new(Int64Array::from_iter_values(ids)),
            texts(rows.iter().map(|row| row.state)),
            texts(rows.iter().map(|row| Some(row.token_ref.as_str()))),
            times(rows.iter().map(|row| Some(row.began_at))),
            times(rows.iter().map(|row| Some(row.changed_at))),
            known(|row| &row.command_id),
            texts(rows.iter().map(|row| row.event)),
            Arc::new(slots.collect::<Int32Array>()),
            known(|row| &row.serial_number),
            percent(|row| row.soc_percent),
            percent(|row| row.soh_percent),
            times(rows.iter().map(|row| row.produced_at)),
            known(|row| &row.vendor_info),
            times(rows.iter().map(|row| row.told_at)),
        ]
    }
}
