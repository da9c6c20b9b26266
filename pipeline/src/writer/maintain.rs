//! Fewer and older files: merging hours, dropping days.

use std::collections::BTreeMap;
use std::fs::File;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use arrow::array::{RecordBatch, new_null_array};
use arrow::datatypes::{FieldRef, Schema};
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder,
};

use super::{MAINTAIN_INTERVAL, TableStatus, Writer, encode, now};
use crate::delta::{DataFile, DeltaTable};
use crate::writer::Status;
use crate::{LakeError, Table};

/// Rows merged at a time: they are in memory together.
const MERGE_ROWS_MAX: u64 = 1_000_000;
/// An hour is over this long after its end: most late rows have come.
const CLOSED_AFTER_MICROS: i64 = 900_000_000;
const HOUR_MICROS: i64 = 3_600_000_000;
const DAY_MICROS: i64 = 24 * HOUR_MICROS;

impl Writer {
    pub(super) fn maintain(&mut self) -> Result<(), LakeError> {
        self.maintain_at = now() + MAINTAIN_INTERVAL;
        let mut result = Ok(());
        for index in 0..self.tables.len() {
            let maintained = self.maintain_table(index);
            result = result.and(maintained);
        }
        Status::lock(&self.status).error = result.as_ref().err().map(super::chain);
        result
    }

    fn maintain_table(&mut self, index: usize) -> Result<(), LakeError> {
        let wall = wall_micros();
        self.show_committed(index)?;
        let (delta, shared) = &mut self.tables[index];
        if let Some(days) = self.config.retention_days.get(&delta.table()) {
            let oldest = wall.div_euclid(DAY_MICROS) as i32 - *days as i32;
            let old: Vec<_> = delta
                .files()?
                .all
                .into_iter()
                .filter(|file| file.date < oldest)
                .collect();
            if !old.is_empty() {
                delta.remove(&old)?;
                tracing::info!(table = %delta.table(), files = old.len(), days, "dropped what is older");
            }
        }
        for group in due(&delta.files()?.all, self.config.compact_files, wall) {
            let merged = merge(delta, &group)?;
            delta.rewrite(&group, &[merged])?;
            tracing::info!(table = %delta.table(), files = group.len(), "merged into one");
        }
        delta.checkpoint_after(self.config.checkpoint_commits)?;
        let files = delta.files()?;
        delta.vacuum(&files, self.config.vacuum_after)?;
        shared.replace_files(files);
        let mut status = Status::lock(&self.status);
        let committed = status.tables[index].committed;
        status.tables[index] = TableStatus {
            version: delta.version(),
            committed,
        };
        Ok(())
    }
}

/// Files to merge, hour by hour: more than `files_max` of one hour, or several of an hour that is over.
fn due(files: &[DataFile], files_max: usize, wall_micros: i64) -> Vec<Vec<DataFile>> {
    let mut hours: BTreeMap<(i32, i64), Vec<DataFile>> = BTreeMap::new();
    for file in files {
        let Some(begin) = file.time_min else { continue };
        hours
            .entry((file.date, begin.div_euclid(HOUR_MICROS)))
            .or_default()
            .push(file.clone());
    }
    let mut groups = Vec::new();
    for ((_, hour), mut files) in hours {
        let end = (hour + 1) * HOUR_MICROS;
        let is_over = end + CLOSED_AFTER_MICROS <= wall_micros;
        if files.len() < 2 || !(is_over || files_max < files.len()) {
            continue;
        }
        files.sort_by_key(|file| file.rows);
        let mut rows = 0;
        files.retain(|file| {
            rows += file.rows;
            rows <= MERGE_ROWS_MAX
        });
        if 2 <= files.len() {
            groups.push(files);
        }
    }
    groups
}

fn merge(delta: &DeltaTable, files: &[DataFile]) -> Result<crate::delta::NewFile, LakeError> {
    let table = delta.table();
    let mut batches = Vec::new();
    for file in files {
        read(table, file, &mut batches)?;
    }
    let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
    let expected: u64 = files.iter().map(|file| file.rows).sum();
    if rows as u64 != expected {
        return Err(LakeError::Rows {
            table,
            found: rows as u64,
            expected,
        });
    }
    encode::write_merged(table, delta.dir(), files[0].date, &batches)
}

/// Appends the rows of `file` with the columns of today: a file has those of the program that wrote it.
fn read(table: Table, file: &DataFile, batches: &mut Vec<RecordBatch>) -> Result<(), LakeError> {
    let parquet = |source| LakeError::Parquet { table, source };
    let arrow = |source| LakeError::Arrow { table, source };
    let opened = File::open(&file.path).map_err(|source| LakeError::Io {
        doing: "reading",
        path: file.path.clone(),
        source,
    })?;
    let schema = encode::data_schema(table);
    let found = ArrowReaderMetadata::load(&opened, ArrowReaderOptions::new()).map_err(parquet)?;
    let known = |field: &FieldRef| schema.field_with_name(field.name()).cloned();
    let known: Result<Vec<_>, _> = found.schema().fields().iter().map(known).collect();
    let known = Arc::new(Schema::new(known.map_err(arrow)?));
    let options = ArrowReaderOptions::new().with_schema(known);
    let typed =
        ArrowReaderMetadata::try_new(Arc::clone(found.metadata()), options).map_err(parquet)?;
    let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(opened, typed)
        .with_batch_size(8_192)
        .build()
        .map_err(parquet)?;
    for batch in reader {
        let batch = batch.map_err(arrow)?;
        let column = |field: &FieldRef| match batch.column_by_name(field.name()) {
            Some(column) => Arc::clone(column),
            None => new_null_array(field.data_type(), batch.num_rows()),
        };
        let columns = schema.fields().iter().map(column).collect();
        batches.push(RecordBatch::try_new(Arc::clone(&schema), columns).map_err(arrow)?);
    }
    Ok(())
}

#[expect(
    clippy::disallowed_methods,
    reason = "retention is counted in days of wall time"
)]
fn wall_micros() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |age| age.as_micros() as i64)
}
