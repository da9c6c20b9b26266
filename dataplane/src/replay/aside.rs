//! Records of the logs that change no state and cannot be read: they are passed by, and a copy is kept.
//!
//! The log is never rewritten, and its segments go once everybody has passed them; what nobody could read would go with
//! them. So each such record lies by itself in `{data_dir}/aside/{log}-{seq}.record`, the bytes as the log has them, for
//! whoever finds out what is wrong with it. Nothing reads that directory: what lies there may be removed.

use std::path::PathBuf;

use fleet::EventId;
use fleet::wire::Kind;
use storage::disk::{Disk, RealDisk};

use super::ReplayError;

/// Records kept of one start: enough to see what they have in common. All are counted.
const KEPT_MAX: u64 = 1_000;

/// True when no state hangs on a record of this kind ([`crate::state`] and [`crate::shard`]'s projection do nothing with
/// it but note when a station was last heard of). A kind that this program does not know may change anything.
pub(super) fn changes_no_state(record: &[u8]) -> bool {
    matches!(
        Kind::of(record),
        Some(Kind::Message | Kind::SecurityEvent | Kind::ConnectionRefused)
    )
}

/// What was passed by.
pub(super) struct Aside {
    dir: PathBuf,
    found: u64,
}

impl Aside {
    pub(super) fn new(dir: PathBuf) -> Self {
        Self { dir, found: 0 }
    }

    /// Counts a record, and keeps it durably; a second time it is the same file.
    pub(super) fn put(&mut self, event: EventId, record: &[u8]) -> Result<(), ReplayError> {
        self.found += 1;
        if KEPT_MAX < self.found {
            return Ok(());
        }
        let name = format!("{}-{}.record", event.log_id, event.seq.0);
        let path = self.dir.join(name);
        let kept = RealDisk
            .create_dir(&self.dir)
            .and_then(|()| RealDisk.create(&path))
            .and_then(|file| file.pwrite(record, 0).and_then(|()| file.fdatasync()))
            .and_then(|()| RealDisk.sync_dir(&self.dir));
        kept.map_err(|source| ReplayError::Aside { path, source })
    }

    /// How many there were.
    pub(super) fn found(&self) -> u64 {
        self.found
    }
}
