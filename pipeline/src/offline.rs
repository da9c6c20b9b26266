//! The lake of a server that is down: files, and what its logs hold beyond them. Nothing is written.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use fleet::{LogId, Seq};
use storage::log::{LogReader, discover, open_read_only};

use crate::delta::{self, DeltaTable, Files};
use crate::hot::Shared;
use crate::ingest::{CaughtUp, Ingest};
use crate::lake::{OwnedRuntime, io_runtime, open_all};
use crate::sql::Sql;
use crate::stations::Stations;
use crate::{Config, LakeError};

/// Tables without a server (`sigec sql` while none runs).
pub struct Offline {
    sql: Sql,
    _io: OwnedRuntime,
}

/// Opens the tables of a stopped server. Records that are in no file yet are read from the logs into memory,
/// all of them; `stations` and `connectors` are what the caller knows of them.
///
/// The caller owns the data directory: a server that runs would write what this reads.
///
/// # Errors
///
/// When the logs or the tables cannot be read.
pub fn open_offline(
    config: &Config,
    data_dir: &Path,
    stations: Stations,
) -> Result<Offline, LakeError> {
    let io = io_runtime(config)?;
    let engine = delta::engine(io.handle());
    let log_error = |source| LakeError::Log { source };
    let mut readers = Vec::new();
    for log in discover(data_dir).map_err(log_error)? {
        readers.push(open_read_only(&log.path).map_err(log_error)?.0);
    }
    let logs: Vec<LogId> = readers.iter().map(LogReader::log_id).collect();
    let open = |table| {
        let (files, committed) = if DeltaTable::exists(&config.lake_dir, table) {
            let delta = DeltaTable::open(&engine, &config.lake_dir, table)?;
            (delta.files()?, delta.positions(&logs)?)
        } else {
            (Files::new(table, Vec::new()), BTreeMap::new())
        };
        Ok(Arc::new(Shared::new(table, files, committed)))
    };
    let tables = open_all(open)?;
    let ingest = Ingest {
        tables: tables.clone(),
        publish_interval: config.publish_interval,
        // No writer makes room; what no file has must be in memory to be seen.
        hot_bytes_max: usize::MAX,
        stop: Arc::default(),
        unreadable: Arc::default(),
        drained: Arc::default(),
        trouble: None,
    };
    for mut reader in readers {
        let log = reader.log_id();
        let held = tables
            .iter()
            .map(|table| table.committed(log))
            .min()
            .unwrap_or_default();
        if reader.position() < held {
            reader.seek(Seq(held.0 + 1));
        }
        ingest.follow(reader).map_err(log_error)?;
    }
    Ok(Offline {
        sql: Sql::new(config, tables, CaughtUp::default(), stations)?,
        _io: io,
    })
}

impl Offline {
    /// SQL over what was found.
    pub fn sql(&self) -> Sql {
        self.sql.clone()
    }
}
