//! Why a log refuses.

use std::io;
use std::path::{Path, PathBuf};

use fleet::{LogId, Seq};

/// Why a log refuses.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
    /// A member of [`super::LogConfig`] does not fit the others.
    #[error("log: {name} is {found} bytes, expected at least {expected}{}", if *name == "segment_len" { " and a multiple of 4096" } else { "" })]
    Config {
        /// The member.
        name: &'static str,
        /// Its value.
        found: u64,
        /// The least that works.
        expected: u64,
    },
    /// The log takes no record now; it will again when a commit ends, a consumer releases or space appears.
    #[error("log {log} takes no record now")]
    Full {
        /// The log.
        log: LogId,
    },
    /// The record is longer than `record_len_max`; nothing was appended.
    #[error("log {log}: record of {len} bytes exceeds the limit of {limit} bytes")]
    RecordTooLarge {
        /// The log.
        log: LogId,
        /// Its bytes.
        len: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// The log takes nothing until a restart; records that were appended may not be durable.
    #[error("log {log} has stopped: {detail}")]
    Stopped {
        /// The log.
        log: LogId,
        /// What stopped it.
        detail: String,
    },
    /// Damage below a recorded durable end: an acknowledged record is lost or changed.
    #[error("{} is damaged at offset {offset}, below its durable end: {detail}", file.display())]
    Corrupt {
        /// The segment.
        file: PathBuf,
        /// Where the bad block, or the header, begins.
        offset: u64,
        /// What is wrong.
        detail: &'static str,
    },
    /// A segment that a later one continues is not there.
    #[error("{} is missing: {} continues it", file.display(), next.display())]
    Missing {
        /// The segment.
        file: PathBuf,
        /// The one that names it.
        next: PathBuf,
    },
    /// A newer program wrote the file.
    #[error("{} has format version {found}, this program reads version 1", file.display())]
    Version {
        /// The segment.
        file: PathBuf,
        /// Version found.
        found: u32,
    },
    /// A directory without a log.
    #[error("{} holds no log", dir.display())]
    NoLog {
        /// The directory.
        dir: PathBuf,
    },
    /// The record was recycled: every consumer had released it.
    #[error("log {log}: record {} is gone, the oldest is {}", seq.0, first.0)]
    Released {
        /// The log.
        log: LogId,
        /// The record asked for.
        seq: Seq,
        /// The oldest there is.
        first: Seq,
    },
    /// A reader was placed behind the end: what it has stored reflects records that this log has lost.
    #[error("log {log}: a reader starts at record {}, but the log ends at {}", from.0, end.0)]
    Ahead {
        /// The log.
        log: LogId,
        /// The record asked for.
        from: Seq,
        /// The newest there is.
        end: Seq,
    },
    /// The operating system has no random bytes.
    #[error("log: no random bytes from the operating system")]
    Random,
    /// The disk's own error.
    #[error("{doing} {}", path.display())]
    Io {
        /// What was being done.
        doing: &'static str,
        /// To what.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

impl LogError {
    /// True when sending the same record again can succeed.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Full { .. })
    }

    pub(super) fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io {
            doing,
            path,
            source,
        }
    }
}
