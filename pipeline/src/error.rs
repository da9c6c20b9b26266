//! What can go wrong between a log and a table.

use std::path::PathBuf;

use fleet::{LogId, Seq};

use crate::Table;

/// Why the lake cannot start, write or stop.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LakeError {
    /// A file or directory of the lake.
    #[error("{doing} {}", path.display())]
    Io {
        /// What was being done.
        doing: &'static str,
        /// To which file.
        path: PathBuf,
        /// Why it went wrong.
        source: std::io::Error,
    },
    /// The Delta log of a table.
    #[error("table {table}: {doing}")]
    Delta {
        /// Which table.
        table: Table,
        /// What was being done.
        doing: &'static str,
        /// What the kernel says.
        source: Box<delta_kernel::KernelError>,
    },
    /// Rows could not become a Parquet file.
    #[error("table {table}: writing rows as Parquet")]
    Parquet {
        /// Which table.
        table: Table,
        /// What the writer says.
        source: parquet::errors::ParquetError,
    },
    /// Rows could not become columns.
    #[error("table {table}: arranging columns")]
    Arrow {
        /// Which table.
        table: Table,
        /// What Arrow says.
        source: arrow::error::ArrowError,
    },
    /// Reading the logs is slower than what is written to them, or has stopped; `Lake::health` says why.
    #[error("the tables are behind the logs: what was durable did not become rows in time")]
    Behind,
    /// Another process writes the same table.
    #[error(
        "table {table}: another writer committed log {log} up to {found}, this one had read {expected}; one server per lake"
    )]
    Zombie {
        /// Which table.
        table: Table,
        /// Which log.
        log: LogId,
        /// The position committed by the other.
        found: u64,
        /// The position this process last committed.
        expected: u64,
    },
    /// A newer program has written the lake: what its columns mean is not known here.
    #[error(
        "table {table}: the lake has columns that this program does not know ({columns}): a newer sigec wrote it; start that \
         version or a later one, or another data directory"
    )]
    Newer {
        /// Which table.
        table: Table,
        /// Their names.
        columns: String,
    },
    /// The table in the lake is not the one this program writes.
    #[error(
        "table {table}: column {column} is of type {found} in the lake, this program writes {expected}: another program \
         wrote it; start that one, or move the table's folder out of the lake to begin it anew"
    )]
    Schema {
        /// Which table.
        table: Table,
        /// Which column.
        column: String,
        /// Its type in the lake.
        found: String,
        /// Its type here.
        expected: String,
    },
    /// Files do not hold the rows that the Delta log says.
    #[error("table {table}: files to merge hold {found} rows, the Delta log says {expected}")]
    Rows {
        /// Which table.
        table: Table,
        /// Rows read.
        found: u64,
        /// Rows the log says.
        expected: u64,
    },
    /// The log no longer holds what a table still needs.
    #[error("log {log}: the lake has rows up to {}, the log begins at {}; records between them are lost", committed.0, first.0)]
    Gap {
        /// Which log.
        log: LogId,
        /// What the lake holds.
        committed: Seq,
        /// What the log begins with.
        first: Seq,
    },
    /// A log cannot be read.
    #[error("reading the log")]
    Log {
        /// What the log says.
        source: storage::log::LogError,
    },
    /// Query machinery could not be set up.
    #[error("query engine")]
    Query(#[from] datafusion::error::DataFusionError),
    /// The writer thread has ended.
    #[error("the lake is shut down")]
    Closed,
}
