//! What the disk can do: a bare write and `fdatasync`, into space that is there already.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use anyhow::Context;
use net::clock::monotonic_ns;

use crate::stats::Latencies;

const BLOCK: [u8; 4096] = [0x5a; 4096];
const FILE_LEN: u64 = 16 << 20;

/// A file to sync.
#[derive(Debug)]
pub struct Probe {
    file: File,
    at: u64,
}

impl Probe {
    /// A file of zeros in `dir`, which is to be on the disk in question.
    ///
    /// # Errors
    ///
    /// It cannot be written.
    pub fn create(dir: &Path) -> anyhow::Result<Probe> {
        let path = dir.join("fdatasync-probe");
        let file = File::create(&path).with_context(|| format!("creating {}", path.display()))?;
        for at in (0..FILE_LEN).step_by(BLOCK.len()) {
            file.write_all_at(&[0; BLOCK.len()], at)
                .context("writing zeros")?;
        }
        file.sync_all().context("syncing zeros")?;
        Ok(Probe { file, at: 0 })
    }

    /// Writes and syncs one block.
    ///
    /// # Errors
    ///
    /// The disk fails.
    pub fn commit(&mut self) -> anyhow::Result<()> {
        self.file
            .write_all_at(&BLOCK, self.at)
            .context("writing a block")?;
        self.file.sync_data().context("syncing a block")?;
        self.at = (self.at + BLOCK.len() as u64) % FILE_LEN;
        Ok(())
    }

    /// Writes and syncs one block after the other for `time`.
    ///
    /// # Errors
    ///
    /// The disk fails.
    pub fn run(&mut self, time: Duration) -> anyhow::Result<Latencies> {
        let mut latencies = Latencies::default();
        let end = monotonic_ns() + time.as_nanos() as u64;
        loop {
            let start = monotonic_ns();
            if end <= start {
                return Ok(latencies);
            }
            self.commit()?;
            latencies.record(Duration::from_nanos(monotonic_ns() - start));
        }
    }

    /// Writes and syncs a block every `pause` until `end` is dropped: what the disk does for a thread of its own while
    /// something else goes on.
    ///
    /// # Errors
    ///
    /// The disk fails.
    pub fn run_beside(&mut self, pause: Duration, end: &Receiver<()>) -> anyhow::Result<Latencies> {
        let mut latencies = Latencies::default();
        while let Err(RecvTimeoutError::Timeout) = end.recv_timeout(pause) {
            let start = monotonic_ns();
            self.commit()?;
            latencies.record(Duration::from_nanos(monotonic_ns() - start));
        }
        Ok(latencies)
    }
}
