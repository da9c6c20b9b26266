//! `monitors` and `display_messages`: what 2.x stations keep under numbers of their own.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Float64Array, Int32Array, Int64Array};
use serde_json::Value;

use crate::members::{self, int, moment};
use crate::paged::{Row, texts, times};
use crate::table::Kind;

/// A row of `monitors`. Times are UTC microseconds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MonitorRow {
    /// The station's own name.
    pub station_id: String,
    /// `variableMonitoringId` of its events.
    pub monitor_id: i64,
    /// `component.name`.
    pub component: Option<String>,
    /// `component.instance`.
    pub component_instance: Option<String>,
    /// `component.evse.id`.
    pub evse_id: Option<i32>,
    /// `component.evse.connectorId`.
    pub connector_id: Option<i32>,
    /// `variable.name`.
    pub variable: Option<String>,
    /// `variable.instance`.
    pub variable_instance: Option<String>,
    /// `MonitorEnumType`.
    pub monitor_type: Option<String>,
    /// The threshold, the change, or seconds.
    pub value: Option<f64>,
    /// 0 is the worst.
    pub severity: Option<i32>,
    /// It watches only while a transaction runs.
    pub in_transaction: Option<bool>,
    /// `EventNotificationEnumType`, of a report.
    pub notification_type: Option<String>,
    /// Seconds between messages of its stream (2.1).
    pub stream_interval_s: Option<i64>,
    /// When the report, or the answer, came.
    pub told_at: i64,
}

impl MonitorRow {
    /// `json` is `VariableMonitoringType`, with its `component` and `variable`.
    pub fn read(station_id: &str, monitor_id: i64, json: &str, told_at: i64) -> Self {
        let monitor = members::read(json);
        let (component, variable) = (&monitor["component"], &monitor["variable"]);
        Self {
            station_id: station_id.to_owned(),
            monitor_id,
            component: text(&component["name"]),
            component_instance: text(&component["instance"]),
            evse_id: int(&component["evse"]["id"]),
            connector_id: int(&component["evse"]["connectorId"]),
            variable: text(&variable["name"]),
            variable_instance: text(&variable["instance"]),
            monitor_type: text(&monitor["type"]),
            value: monitor["value"].as_f64(),
            severity: int(&monitor["severity"]),
            in_transaction: monitor["transaction"].as_bool(),
            notification_type: text(&monitor["eventNotificationType"]),
            stream_interval_s: monitor["periodicEventStream"]["interval"].as_i64(),
            told_at,
        }
    }
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

impl Row for MonitorRow {
    const NAME: &'static str = "monitors";
    const COLUMNS: &'static [(&'static str, Kind)] = &[
        ("station_id", Kind::Text),
        ("monitor_id", Kind::BigInt),
        ("component", Kind::Text),
        ("component_instance", Kind::Text),
        ("evse_id", Kind::Int),
        ("connector_id", Kind::Int),
        ("variable", Kind::Text),
        ("variable_instance", Kind::Text),
        ("type", Kind::Text),
        ("value", Kind::Double),
        ("severity", Kind::Int),
        ("in_transaction", Kind::Bool),
        ("notification_type", Kind::Text),
        ("stream_interval_s", Kind::BigInt),
        ("told_at", Kind::Timestamp),
    ];

    fn columns(rows: &[Self]) -> Vec<ArrayRef> {
        let known =
            |of: fn(&Self) -> &Option<String>| texts(rows.iter().map(|row| of(row).as_deref()));
        let number = |of: fn(&Self) -> Option<i32>| {
            Arc::new(rows.iter().map(of).collect::<Int32Array>()) as ArrayRef
        };
        let ids = rows.iter().map(|row| row.monitor_id);
        let values = rows.iter().map(|row| row.value);
        let flags = rows.iter().map(|row| row.in_transaction);
        let intervals = rows.iter().map(|row| row.stream_interval_s);
        vec![
            texts(rows.iter().map(|row| Some(row.station_id.as_str()))),
            Arc::new(Int64Array::from_iter_values(ids)),
            known(|row| &row.component),
            known(|row| &row.component_instance),
            number(|row| row.evse_id),
            number(|row| row.connector_id),
            known(|row| &row.variable),
            known(|row| &row.variable_instance),
            known(|row| &row.monitor_type),
            Arc::new(values.collect::<Float64Array>()),
            number(|row| row.severity),
            Arc::new(flags.collect::<BooleanArray>()),
            known(|row| &row.notification_type),
            Arc::new(intervals.collect::<Int64Array>()),
            times(rows.iter().map(|row| Some(row.told_at))),
        ]
    }
}

/// A row of `display_messages`. Times are UTC microseconds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DisplayMessageRow {
    /// The station's own name.
    pub station_id: String,
    /// Its id on the station.
    pub message_id: i64,
    /// `MessagePriorityEnumType`.
    pub priority: Option<String>,
    /// `MessageStateEnumType`: while the station is in it; `None` for always.
    pub state: Option<String>,
    /// From when it is shown.
    pub starts_at: Option<i64>,
    /// Until when.
    pub ends_at: Option<i64>,
    /// The station's own name of the transaction it is for.
    pub ocpp_transaction_id: Option<String>,
    /// `MessageFormatEnumType`.
    pub format: Option<String>,
    /// RFC 5646.
    pub language: Option<String>,
    /// What it says.
    pub content: Option<String>,
    /// `MessageInfoType`, JSON.
    pub message: String,
    /// When the report, or the answer, came.
    pub told_at: i64,
}

impl DisplayMessageRow {
    /// `json` is `MessageInfoType`.
    pub fn read(station_id: &str, message_id: i64, json: String, told_at: i64) -> Self {
        let message = members::read(&json);
        let content = &message["message"];
        Self {
            station_id: station_id.to_owned(),
            message_id,
            priority: text(&message["priority"]),
            state: text(&message["state"]),
            starts_at: moment(&message["startDateTime"]),
            ends_at: moment(&message["endDateTime"]),
            ocpp_transaction_id: text(&message["transactionId"]),
            format: text(&content["format"]),
            language: text(&content["language"]),
            content: text(&content["content"]),
            message: json,
            told_at,
        }
    }
}

impl Row for DisplayMessageRow {
    const NAME: &'static str = "display_messages";
    const COLUMNS: &'static [(&'static str, Kind)] = &[
        ("station_id", Kind::Text),
        ("message_id", Kind::BigInt),
        ("priority", Kind::Text),
        ("state", Kind::Text),
        ("starts_at", Kind::Timestamp),
        ("ends_at", Kind::Timestamp),
        ("ocpp_transaction_id", Kind::Text),
        ("format", Kind::Text),
        ("language", Kind::Text),
        ("content", Kind::Text),
        ("message", Kind::Text),
        ("told_at", Kind::Timestamp),
    ];

    fn columns(rows: &[Self]) -> Vec<ArrayRef> {
        let known =
            |of: fn(&Self) -> &Option<String>| texts(rows.iter().map(|row| of(row).as_deref()));
        let ids = rows.iter().map(|row| row.message_id);
        vec![
            texts(rows.iter().map(|row| Some(row.station_id.as_str()))),
            Arc::new(Int64Array::from_iter_values(ids)),
            known(|row| &row.priority),
            known(|row| &row.state),
            times(rows.iter().map(|row| row.starts_at)),
            times(rows.iter().map(|row| row.ends_at)),
            known(|row| &row.ocpp_transaction_id),
            known(|row| &row.format),
            known(|row| &row.language),
            known(|row| &row.content),
            texts(rows.iter().map(|row| Some(row.message.as_str()))),
            times(rows.iter().map(|row| Some(row.told_at))),
        ]
    }
}
