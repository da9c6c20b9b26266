//! The data files of a snapshot and the bounds of their columns.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Date32Array, RecordBatch, StringArray, UInt64Array,
};
use arrow::compute::kernels::cast_utils::Parser;
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Date32Type, Int64Type, TimestampMicrosecondType};
use datafusion::common::pruning::PruningStatistics;
use datafusion::common::{Column, ScalarValue};
use serde_json::Value;

use crate::Table;

/// A committed data file.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct DataFile {
    pub(crate) path: PathBuf,
    pub(crate) len: u64,
    /// Days since 1970: its partition.
    pub(crate) date: i32,
    pub(crate) rows: u64,
    /// Lower bound of the table's time column, UTC microseconds.
    pub(crate) time_min: Option<i64>,
    /// The one tenant whose rows it holds; `None` when there are several, or it cannot be told.
    pub(crate) tenant: Option<String>,
    min: BTreeMap<String, String>,
    max: BTreeMap<String, String>,
}

/// The data files of one snapshot.
#[derive(Debug)]
pub(crate) struct Files {
    table: Table,
    pub(crate) all: Vec<DataFile>,
}

/// Longest text that statistics hold whole.
const TEXT_WHOLE_MAX: usize = 32;

/// Paths of a scan batch, absolute; `None` for a path that is no file of ours.
pub(super) fn paths<'a>(
    batch: &'a RecordBatch,
    dir: &'a Path,
) -> impl Iterator<Item = Option<PathBuf>> + 'a {
    let paths = batch
        .column_by_name("path")
        .and_then(|column| column.as_string_opt::<i32>());
    (0..batch.num_rows()).map(move |row| {
        let paths = paths?;
        paths
            .is_valid(row)
            .then(|| absolute(dir, paths.value(row)))
            .flatten()
    })
}

/// The Delta log names files by URL-encoded paths relative to the table.
fn absolute(dir: &Path, path: &str) -> Option<PathBuf> {
    let base = url::Url::from_directory_path(dir).ok()?;
    base.join(path).ok()?.to_file_path().ok()
}

/// Appends the selected files of a scan batch.
pub(super) fn collect(
    table: Table,
    batch: &RecordBatch,
    selected: &[bool],
    dir: &Path,
    files: &mut Vec<DataFile>,
) {
    let sizes = batch
        .column_by_name("size")
        .and_then(|c| c.as_primitive_opt::<Int64Type>());
    let stats = batch
        .column_by_name("stats")
        .and_then(|c| c.as_string_opt::<i32>());
    let dates = partition_dates(batch);
    for ((row, path), selected) in paths(batch, dir).enumerate().zip(selected) {
        let (true, Some(path)) = (*selected, path) else {
            continue;
        };
        let stats = stats
            .filter(|stats| stats.is_valid(row))
            .and_then(|stats| serde_json::from_str::<Value>(stats.value(row)).ok())
            .unwrap_or_default();
        let (min, max) = (bounds(&stats["minValues"]), bounds(&stats["maxValues"]));
        let tenant = min
            .get("tenant")
            .filter(|tenant| tenant.len() < TEXT_WHOLE_MAX && max.get("tenant") == Some(tenant))
            .cloned();
        files.push(DataFile {
            path,
            len: sizes.map_or(0, |sizes| sizes.value(row) as u64),
            date: dates.as_ref().map_or(0, |dates| dates.value(row)),
            rows: stats["numRecords"].as_u64().unwrap_or(0),
            time_min: min
                .get(table.time_column())
                .and_then(|text| TimestampMicrosecondType::parse(text)),
            tenant,
            min,
            max,
        });
    }
}

fn partition_dates(batch: &RecordBatch) -> Option<Date32Array> {
    let constants = batch
        .column_by_name("fileConstantValues")?
        .as_struct_opt()?;
    let values = constants.column_by_name("partitionValues")?.as_map_opt()?;
    let date = |row: usize| -> Option<String> {
        let entries = values.value(row);
        let (keys, texts) = (
            entries.column(0).as_string::<i32>(),
            entries.column(1).as_string::<i32>(),
        );
        let at = keys.iter().position(|key| key == Some("date"))?;
        texts.is_valid(at).then(|| texts.value(at).to_owned())
    };
    let texts: StringArray = (0..batch.num_rows()).map(date).collect();
    let dates = cast(&(Arc::new(texts) as ArrayRef), &DataType::Date32)?;
    Some(dates.as_primitive::<Date32Type>().clone())
}

fn bounds(values: &Value) -> BTreeMap<String, String> {
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    };
    let values = values.as_object().into_iter().flatten();
    values
        .filter_map(|(name, value)| Some((name.clone(), text(value)?)))
        .collect()
}

fn cast(array: &ArrayRef, to: &DataType) -> Option<ArrayRef> {
    cast_with_options(
        array,
        to,
        &CastOptions {
            safe: true,
            ..CastOptions::default()
        },
    )
    .ok()
}

#[derive(Clone, Copy, PartialEq)]
enum Bound {
    Min,
    Max,
}

impl Files {
    pub(crate) fn new(table: Table, mut all: Vec<DataFile>) -> Self {
        all.sort_by(|a, b| (a.date, &a.path).cmp(&(b.date, &b.path)));
        Self { table, all }
    }

    /// Rows of all files.
    pub(crate) fn rows(&self) -> u64 {
        self.all.iter().map(|file| file.rows).sum()
    }

    /// Bytes of all files.
    pub(crate) fn bytes(&self) -> u64 {
        self.all.iter().map(|file| file.len).sum()
    }

    fn bound(&self, column: &Column, bound: Bound) -> Option<ArrayRef> {
        if column.name == "date" {
            let dates: Date32Array = self.all.iter().map(|file| Some(file.date)).collect();
            return Some(Arc::new(dates));
        }
        let schema = self.table.schema();
        let to = schema.field_with_name(&column.name).ok()?.data_type();
        let is_time = matches!(to, DataType::Timestamp(..));
        let texts: StringArray = self
            .all
            .iter()
            .map(|file| {
                let values = if bound == Bound::Min {
                    &file.min
                } else {
                    &file.max
                };
                let text = values.get(&column.name)?;
                Some(if is_time && bound == Bound::Max {
                    widened(text)
                } else {
                    Cow::Borrowed(&**text)
                })
            })
            .collect();
        cast(&(Arc::new(texts) as ArrayRef), to)
    }
}

/// `2026-11-22T10:41:49.123Z` stands for anything below …124: the statistics were cut downwards.
fn widened(text: &str) -> Cow<'_, str> {
    match text.split_once('Z') {
        Some((head, "")) if head.as_bytes().get(head.len().wrapping_sub(4)) == Some(&b'.') => {
            Cow::Owned(format!("{head}999Z"))
        }
        _ => Cow::Borrowed(text),
    }
}

impl PruningStatistics for Files {
    fn min_values(&self, column: &Column) -> Option<ArrayRef> {
        self.bound(column, Bound::Min)
    }

    fn max_values(&self, column: &Column) -> Option<ArrayRef> {
        self.bound(column, Bound::Max)
    }

    fn num_containers(&self) -> usize {
        self.all.len()
    }

    fn null_counts(&self, column: &Column) -> Option<ArrayRef> {
        (column.name == "date")
            .then(|| Arc::new(UInt64Array::from(vec![0; self.all.len()])) as ArrayRef)
    }

    fn row_counts(&self) -> Option<ArrayRef> {
        let rows = self.all.iter().map(|file| file.rows).collect::<Vec<_>>();
        Some(Arc::new(UInt64Array::from(rows)))
    }

    fn contained(&self, _: &Column, _: &HashSet<ScalarValue>) -> Option<BooleanArray> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upper_bound_cut_to_milliseconds_covers_the_microseconds_it_lost() {
        for (text, expected) in [
            ("2026-11-22T10:41:49.123Z", "2026-11-22T10:41:49.123999Z"),
            ("2026-11-22T10:41:49.123456Z", "2026-11-22T10:41:49.123456Z"),
            ("CP1", "CP1"),
            ("Z", "Z"),
        ] {
            assert_eq!(widened(text), expected);
        }
    }
}
