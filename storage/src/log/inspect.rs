//! Logs of a server that is not running, and orphans.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use fleet::{LogId, Seq};

use super::reader::LogReader;
use super::recovery::{self, Recovery};
use super::segments::Segments;
use super::{LogError, shard_dir};
use crate::disk::{Disk, RealDisk};

/// The directory of a log, as found on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogDir {
    /// `{data_dir}/log/{shard:03}`.
    pub path: PathBuf,
    /// The number in its name.
    pub shard: usize,
    /// The log in it.
    pub id: LogId,
}

impl LogDir {
    /// Removes a log that every consumer has drained.
    ///
    /// # Errors
    ///
    /// [`LogError::Io`].
    pub fn remove(self) -> Result<(), LogError> {
        let parent = self.path.parent().unwrap_or(Path::new("."));
        std::fs::remove_dir_all(&self.path)
            .and_then(|()| RealDisk.sync_dir(parent))
            .map_err(LogError::io("removing", &self.path))
    }
}

/// The logs of a data directory, by shard number. Those beyond the number of shards of this start are orphans:
/// drain them with [`open_read_only`], then [`LogDir::remove`] them.
///
/// # Errors
///
/// As [`super::Log::open`].
pub fn discover(data_dir: &Path) -> Result<Vec<LogDir>, LogError> {
    let dir = data_dir.join("log");
    let names = match RealDisk.list(&dir) {
        Ok(names) => names,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(LogError::io("listing", &dir)(e)),
    };
    let shard = |path: &Path| path.file_name()?.to_str()?.parse::<usize>().ok();
    let mut logs = Vec::new();
    for path in names {
        let Some(shard) = shard(&path).filter(|s| shard_dir(data_dir, *s) == path) else {
            continue;
        };
        // A start that was killed while it created a log leaves a directory without one.
        if let Some(found) = recovery::find(&path, &RealDisk)? {
            let id = found.id;
            logs.push(LogDir { path, shard, id });
        }
    }
    logs.sort_by_key(|log| log.shard);
    Ok(logs)
}

/// A reader over the log of a stopped server, or an orphan; it starts at the oldest record there is. The end is
/// synced, nothing is changed.
///
/// # Errors
///
/// [`LogError::NoLog`]; otherwise as [`super::Log::open`].
pub fn open_read_only(dir: &Path) -> Result<(LogReader, Recovery), LogError> {
    let disk = Arc::new(RealDisk);
    let found = recovery::find(dir, &*disk)?.ok_or_else(|| LogError::NoLog {
        dir: dir.to_owned(),
    })?;
    found
        .tail
        .fdatasync()
        .map_err(LogError::io("syncing the log in", dir))?;
    let recovery = found.recovery(dir);
    let segments = Segments::new(
        found.id,
        dir.to_owned(),
        disk,
        found.segments,
        found.end.seq,
        &[],
    );
    segments.close();
    let reader = LogReader::new(Arc::new(segments), recovery.first);
    Ok((reader, recovery))
}

/// What [`verify`] counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyReport {
    /// What opening it would find.
    pub recovery: Recovery,
    /// Blocks read.
    pub blocks: u64,
    /// Records read.
    pub records: u64,
    /// Bytes of those records.
    pub record_bytes: u64,
}

/// Reads every record of a stopped log and checks every sum.
///
/// # Errors
///
/// The first damage found, with file and offset; otherwise as [`open_read_only`].
pub fn verify(dir: &Path) -> Result<VerifyReport, LogError> {
    let (mut reader, recovery) = open_read_only(dir)?;
    let mut report = VerifyReport {
        recovery,
        blocks: 0,
        records: 0,
        record_bytes: 0,
    };
    dump(&mut reader, |_, record| {
        report.records += 1;
        report.record_bytes += record.len() as u64;
    })?;
    report.blocks = reader.blocks();
    Ok(report)
}

/// Hands every record that `reader` has left to `each`.
///
/// # Errors
///
/// As [`LogReader::next`].
pub fn dump(reader: &mut LogReader, mut each: impl FnMut(Seq, &[u8])) -> Result<(), LogError> {
    while let Some((seq, record)) = reader.next()? {
        each(seq, record);
    }
    Ok(())
}
