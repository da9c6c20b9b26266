//! `variables`: the device model of stations.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Int32Array};

use crate::paged::{Row, texts, times};
use crate::table::Kind;

/// A row of `variables`: an attribute of a variable. Times are UTC microseconds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct VariableRow {
    /// The station's own name.
    pub station_id: String,
    /// As the station writes it.
    pub component: String,
    /// Of several components of that name.
    pub component_instance: Option<String>,
    /// `None` for the station as a whole.
    pub evse_id: Option<u32>,
    /// Within the EVSE.
    pub connector_id: Option<u32>,
    /// As the station writes it.
    pub variable: String,
    /// Of several variables of that name.
    pub variable_instance: Option<String>,
    /// `Actual`, `Target`, `MinSet`, `MaxSet`.
    pub attribute: &'static str,
    /// As the station writes it; `None` where it is write-only, secret, or nobody said.
    pub value: Option<String>,
    /// `ReadOnly`, `WriteOnly`, `ReadWrite`; `None` until a report told.
    pub mutability: Option<&'static str>,
    /// It outlives a restart of the station.
    pub persistent: bool,
    /// It never changes.
    pub constant: bool,
    /// `string`, `integer`, `OptionList`, …
    pub data_type: Option<String>,
    /// Of the value.
    pub unit: Option<String>,
    /// Decimal text.
    pub min_limit: Option<String>,
    /// Decimal text.
    pub max_limit: Option<String>,
    /// Comma-separated.
    pub values_list: Option<String>,
    /// `report`, `get`, `set`, `event`.
    pub source: &'static str,
    /// When the report, the event or the answer came.
    pub reported_at: i64,
}

impl Row for VariableRow {
    const NAME: &'static str = "variables";
    const COLUMNS: &'static [(&'static str, Kind)] = &[
        ("station_id", Kind::Text),
        ("component", Kind::Text),
        ("component_instance", Kind::Text),
        ("evse_id", Kind::Int),
        ("connector_id", Kind::Int),
        ("variable", Kind::Text),
        ("variable_instance", Kind::Text),
        ("attribute", Kind::Text),
        ("value", Kind::Text),
        ("mutability", Kind::Text),
        ("persistent", Kind::Bool),
        ("constant", Kind::Bool),
        ("data_type", Kind::Text),
        ("unit", Kind::Text),
        ("min_limit", Kind::Text),
        ("max_limit", Kind::Text),
        ("values_list", Kind::Text),
        ("source", Kind::Text),
        ("reported_at", Kind::Timestamp),
    ];

    fn columns(rows: &[Self]) -> Vec<ArrayRef> {
        let text = |of: fn(&VariableRow) -> &str| texts(rows.iter().map(|row| Some(of(row))));
        let known = |of: fn(&VariableRow) -> &Option<String>| {
            texts(rows.iter().map(|row| of(row).as_deref()))
        };
        let number = |of: fn(&VariableRow) -> Option<u32>| {
            let values = rows.iter().map(|row| of(row).map(|n| n as i32));
            Arc::new(values.collect::<Int32Array>()) as ArrayRef
        };
        let flag = |of: fn(&VariableRow) -> bool| {
            let values = rows.iter().map(|row| Some(of(row)));
            Arc::new(values.collect::<BooleanArray>()) as ArrayRef
        };
        vec![
            text(|row| &row.station_id),
            text(|row| &row.component),
            known(|row| &row.component_instance),
            number(|row| row.evse_id),
            number(|row| row.connector_id),
            text(|row| &row.variable),
            known(|row| &row.variable_instance),
            text(|row| row.attribute),
            known(|row| &row.value),
            texts(rows.iter().map(|row| row.mutability)),
            flag(|row| row.persistent),
            flag(|row| row.constant),
            known(|row| &row.data_type),
            known(|row| &row.unit),
            known(|row| &row.min_limit),
            known(|row| &row.max_limit),
            known(|row| &row.values_list),
            text(|row| row.source),
            times(rows.iter().map(|row| Some(row.reported_at))),
        ]
    }
}
