//! What an operator may set.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use crate::Table;

/// How the lake is written and kept.
#[derive(Clone, Debug)]
pub struct Config {
    /// Directory of the Delta tables, one folder per table; absolute. Default of [`Config::new`]: `{data_dir}/lake`.
    pub lake_dir: PathBuf,
    /// Directory where queries spill what does not fit in memory. Default: `{data_dir}/spill`; emptied at start.
    pub spill_dir: PathBuf,
    /// The longest a row waits in memory before it is written out. Default 60 s.
    pub flush_interval: Duration,
    /// A table is written out earlier when its rows in memory reach this many bytes. Default 64 MiB.
    pub flush_bytes: usize,
    /// Rows in memory over all tables; the logs are not read further while there are more. Default 512 MiB.
    pub hot_bytes_max: usize,
    /// The longest a row waits before a query sees it. Default 200 ms.
    pub publish_interval: Duration,
    /// Days that rows are kept, by their `date`; a table that is not named keeps them for ever.
    /// Default: `ocpp_messages`, `quarantined_messages` and `notifications` 30.
    pub retention_days: BTreeMap<Table, u32>,
    /// An hour's files are merged when it has more than this many. Default 8.
    pub compact_files: usize,
    /// A checkpoint is written after this many commits. Default 50.
    pub checkpoint_commits: u64,
    /// Files that no snapshot names are deleted after this long, so that running readers may finish. Default 1 h.
    pub vacuum_after: Duration,
    /// Limits of queries.
    pub query: QueryConfig,
}

/// Limits that every query runs under.
#[derive(Clone, Debug)]
pub struct QueryConfig {
    /// Default 60 s; a client may ask for less (`statement_timeout`), not for more.
    pub timeout: Duration,
    /// Memory of all queries together, beyond which they spill, in bytes. Default 1 GiB.
    pub memory: usize,
    /// Disk that spilling may take, in bytes. Default 8 GiB.
    pub spill_bytes: u64,
    /// Rows of one result; a longer one is an error, never cut silently. Default 10,000,000.
    pub rows_max: usize,
    /// Queries that run at a time; others wait, up to their timeout. Default 8.
    pub concurrency: usize,
    /// Threads that run queries, at nice 10. Default: as many as there are cores.
    pub threads: usize,
}

impl Config {
    /// The defaults over `data_dir`.
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        let data_dir = data_dir.into();
        Self {
            lake_dir: data_dir.join("lake"),
            spill_dir: data_dir.join("spill"),
            flush_interval: Duration::from_secs(60),
            flush_bytes: 64 << 20,
            hot_bytes_max: 512 << 20,
            publish_interval: Duration::from_millis(200),
            retention_days: BTreeMap::from([
                (Table::OcppMessages, 30),
                (Table::QuarantinedMessages, 30),
                (Table::Notifications, 30),
            ]),
            compact_files: 8,
            checkpoint_commits: 50,
            vacuum_after: Duration::from_secs(3_600),
            query: QueryConfig::default(),
        }
    }
}

impl Default for QueryConfig {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(60),
            memory: 1 << 30,
            spill_bytes: 8 << 30,
            rows_max: 10_000_000,
            concurrency: 8,
            threads: std::thread::available_parallelism().map_or(2, usize::from),
        }
    }
}
