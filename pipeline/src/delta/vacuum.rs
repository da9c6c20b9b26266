//! Deleting what no snapshot and no running reader needs.
//!
//! A file that a commit removes is touched ([`retire`]), so that its age since then is its modification time, on
//! disk and across restarts. What no live entry names and nobody touched for a while is deleted: retired files,
//! and orphans of a writer that was killed between writing and committing.

use std::collections::HashSet;
use std::fs::{self, DirEntry, File};
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::{DataFile, Files};
use crate::LakeError;

/// Notes that `files` left the table now.
pub(super) fn retire(files: &[DataFile]) {
    for file in files {
        let touched = File::options()
            .write(true)
            .open(&file.path)
            .and_then(|f| f.set_modified(now()));
        if let Err(error) = touched {
            tracing::warn!(path = %file.path.display(), %error, "a removed file could not be touched");
        }
    }
}

/// The version of the newest checkpoint.
pub(super) fn last_checkpoint(dir: &Path) -> Option<u64> {
    let entries = fs::read_dir(dir.join("_delta_log")).ok()?;
    let version = |entry: io::Result<DirEntry>| {
        let name = entry.ok()?.file_name();
        let (version, rest) = name.to_str()?.split_once('.')?;
        rest.ends_with("parquet")
            .then(|| version.parse().ok())
            .flatten()
    };
    entries.filter_map(version).max()
}

pub(super) fn run(dir: &Path, files: &Files, after: Duration) -> Result<usize, LakeError> {
    let at = |source| LakeError::Io {
        doing: "vacuuming",
        path: dir.to_owned(),
        source,
    };
    let deleted = data_files(dir, files, after).map_err(at)? + log_files(dir, after).map_err(at)?;
    Ok(deleted)
}

fn data_files(dir: &Path, files: &Files, after: Duration) -> io::Result<usize> {
    let live: HashSet<&Path> = files.all.iter().map(|file| file.path.as_path()).collect();
    let mut deleted = 0;
    for partition in fs::read_dir(dir)? {
        let partition = partition?;
        if !partition.file_name().to_string_lossy().starts_with("date=") {
            continue;
        }
        let mut left = 0;
        for entry in fs::read_dir(partition.path())? {
            let entry = entry?;
            if !live.contains(&*entry.path()) && is_older(&entry, after)? {
                fs::remove_file(entry.path())?;
                deleted += 1;
            } else {
                left += 1;
            }
        }
        if left == 0 && is_older(&partition, after)? {
            fs::remove_dir(partition.path())?;
        }
    }
    Ok(deleted)
}

/// Commits, checksums and checkpoints below the newest checkpoint.
fn log_files(dir: &Path, after: Duration) -> io::Result<usize> {
    let Some(checkpoint) = last_checkpoint(dir) else {
        return Ok(0);
    };
    let mut deleted = 0;
    for entry in fs::read_dir(dir.join("_delta_log"))? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let version = name
            .split_once('.')
            .and_then(|(version, _)| version.parse::<u64>().ok());
        let is_temporary = name.ends_with(".tmp");
        if (is_temporary || version.is_some_and(|version| version < checkpoint))
            && is_older(&entry, after)?
        {
            fs::remove_file(entry.path())?;
            deleted += 1;
        }
    }
    Ok(deleted)
}

fn is_older(entry: &DirEntry, after: Duration) -> io::Result<bool> {
    let modified = entry.metadata()?.modified()?;
    Ok(now().duration_since(modified).is_ok_and(|age| after <= age))
}

#[expect(
    clippy::disallowed_methods,
    reason = "compared with modification times, which are wall time"
)]
fn now() -> SystemTime {
    SystemTime::now()
}
