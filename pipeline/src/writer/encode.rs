//! Rows to sorted Parquet files.

use std::fs::File;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use arrow::array::{AsArray, RecordBatch, UInt32Array};
use arrow::compute::{concat_batches, take_record_batch};
use arrow::datatypes::{Date32Type, SchemaRef};
use arrow::error::ArrowError;
use arrow::row::{RowConverter, SortField};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::properties::{WriterProperties, WriterPropertiesBuilder};
use parquet::schema::types::ColumnPath;
use ring::rand::{SecureRandom, SystemRandom};

use crate::delta::{FileStats, NewFile, create_dir_durably};
use crate::table::Kind;
use crate::{LakeError, Table};

/// Rows handed to the Parquet writer at a time.
const SLICE_ROWS: usize = 64 << 10;
/// Rows of a row group [analytics §4].
const ROW_GROUP_ROWS: usize = 1 << 20;

/// Writes one sorted file per day; the files are synced and not committed.
pub(super) fn write_days(
    table: Table,
    dir: &Path,
    batches: &[RecordBatch],
) -> Result<Vec<NewFile>, LakeError> {
    let at = |source| LakeError::Arrow { table, source };
    if batches.is_empty() {
        return Ok(Vec::new());
    }
    let rows = concat_batches(&table.schema(), batches).map_err(at)?;
    let mut columns = vec!["date"];
    columns.extend(table.sort_columns());
    let rows = sorted(&rows, &columns).map_err(at)?;
    let day_column = rows.num_columns() - 1;
    let days = rows.column(day_column).as_primitive::<Date32Type>().clone();
    let rows = without_day(&rows).map_err(at)?;
    let mut files = Vec::new();
    let mut start = 0;
    for day in days.values().chunk_by(|a, b| a == b) {
        files.push(write(table, dir, day[0], &rows.slice(start, day.len()))?);
        start += day.len();
    }
    Ok(files)
}

/// Writes `batches`, which are of one day and have no `date`, as one sorted file.
pub(super) fn write_merged(
    table: Table,
    dir: &Path,
    day: i32,
    batches: &[RecordBatch],
) -> Result<NewFile, LakeError> {
    let at = |source| LakeError::Arrow { table, source };
    let rows = concat_batches(&data_schema(table), batches).map_err(at)?;
    let rows = sorted(&rows, &table.sort_columns()).map_err(at)?;
    write(table, dir, day, &rows)
}

/// The columns that are in a file: all but the partition's.
pub(super) fn data_schema(table: Table) -> SchemaRef {
    let schema = table.schema();
    let columns: Vec<_> = (0..schema.fields().len() - 1).collect();
    schema
        .project(&columns)
        .expect("indices are in range")
        .into()
}

fn without_day(rows: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    rows.project(&(0..rows.num_columns() - 1).collect::<Vec<_>>())
}

fn sorted(rows: &RecordBatch, columns: &[&str]) -> Result<RecordBatch, ArrowError> {
    let arrays: Vec<_> = columns
        .iter()
        .map(|name| {
            rows.column_by_name(name)
                .expect("sort columns are in every table")
                .clone()
        })
        .collect();
    let fields = arrays
        .iter()
        .map(|array| SortField::new(array.data_type().clone()))
        .collect();
    let keys = RowConverter::new(fields)?.convert_columns(&arrays)?;
    let mut order: Vec<u32> = (0..rows.num_rows() as u32).collect();
    order.sort_unstable_by_key(|row| keys.row(*row as usize));
    take_record_batch(rows, &UInt32Array::from(order))
}

fn write(table: Table, dir: &Path, day: i32, rows: &RecordBatch) -> Result<NewFile, LakeError> {
    let partition = dir.join(format!("date={}", day_text(day)));
    let path = partition.join(format!("part-{}.zstd.parquet", random_name()));
    let io = |source| LakeError::Io {
        doing: "writing",
        path: path.clone(),
        source,
    };
    let parquet = |source| LakeError::Parquet { table, source };

    create_dir_durably(&partition).map_err(io)?;
    let file = File::create_new(&path).map_err(io)?;
    let mut stats = FileStats::new(table);
    let mut writer =
        ArrowWriter::try_new(file, rows.schema(), Some(properties(table))).map_err(parquet)?;
    for start in (0..rows.num_rows()).step_by(SLICE_ROWS) {
        let slice = rows.slice(start, SLICE_ROWS.min(rows.num_rows() - start));
        writer.write(&slice).map_err(parquet)?;
        stats.add(table, &slice)?;
    }
    let file = writer.into_inner().map_err(parquet)?;
    file.sync_all().map_err(io)?;
    let metadata = file.metadata().map_err(io)?;
    File::open(&partition)
        .and_then(|dir| dir.sync_all())
        .map_err(io)?;
    let modified = metadata.modified().map_err(io)?;
    let modified_ms = modified
        .duration_since(UNIX_EPOCH)
        .map_or(0, |age| age.as_millis() as i64);
    Ok(NewFile {
        path,
        len: metadata.len(),
        date: day,
        modified_ms,
        stats: stats.finish(table)?,
    })
}

fn properties(table: Table) -> WriterProperties {
    let builder = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_created_by(concat!("sigec ", env!("CARGO_PKG_VERSION")).to_owned());
    let builder = table.columns().iter().fold(builder, |builder, column| {
        match (column.kind, column.name) {
            // Times, sequence numbers and registers grow along a sorted file: differences are small [analytics §3].
            (Kind::Timestamp | Kind::Energy, name) => delta_packed(builder, name),
            (Kind::BigInt, "seq") => delta_packed(builder, "seq"),
            (Kind::Text, "transaction_id") => {
                builder.set_column_bloom_filter_enabled(ColumnPath::from("transaction_id"), true)
            }
            _ => builder,
        }
    });
    builder.build()
}

fn delta_packed(builder: WriterPropertiesBuilder, name: &str) -> WriterPropertiesBuilder {
    builder
        .set_column_dictionary_enabled(ColumnPath::from(name), false)
        .set_column_encoding(ColumnPath::from(name), Encoding::DELTA_BINARY_PACKED)
}

/// `2026-11-22`, as Delta writes a date in a path.
fn day_text(day: i32) -> String {
    let midnight = fleet::UtcMicros(i64::from(day) * 86_400_000_000).to_string();
    midnight
        .split_once('T')
        .map_or_else(String::new, |(day, _)| day.to_owned())
}

fn random_name() -> String {
    let mut bytes = [0; 12];
    if SystemRandom::new().fill(&mut bytes).is_err() {
        // Without randomness the clock: `create_new` refuses a name that is taken.
        let nanos = clock()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |age| age.as_nanos());
        bytes.copy_from_slice(&nanos.to_le_bytes()[..12]);
    }
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[expect(clippy::disallowed_methods, reason = "only a name")]
fn clock() -> SystemTime {
    SystemTime::now()
}
