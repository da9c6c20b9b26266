//! A disk in memory that follows a seed.

use std::io;
use std::path::{Path, PathBuf};

use super::{Disk, DiskFile};

/// What a [`SimDisk`] can be told to do wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The next write fails with EIO.
    WriteEio,
    /// The next fdatasync fails with EIO, and what it should have written counts as clean.
    SyncEio,
}

/// A disk in memory; clones are the same disk.
#[derive(Clone, Debug)]
pub struct SimDisk {}

impl SimDisk {
    /// An empty disk of `capacity` bytes.
    pub fn new(seed: u64, capacity: u64) -> Self {
        let _ = (seed, capacity);
        todo!()
    }
    /// The disk that a reboot after a power cut would see: everything synced, and any part, in sectors of
    /// 512 bytes, of what was not.
    pub fn crash(&self) -> Self {
        todo!()
    }
    /// Makes one coming operation fail.
    pub fn inject(&self, fault: Fault) {
        let _ = fault;
        todo!()
    }
    /// Changes the capacity; smaller than what is used means ENOSPC for whatever grows.
    pub fn set_capacity(&self, bytes: u64) {
        let _ = bytes;
        todo!()
    }
    /// While true, every fdatasync blocks its thread.
    pub fn hold_syncs(&self, hold: bool) {
        let _ = hold;
        todo!()
    }
    /// Flips one bit of a file, on the medium and in the cache.
    pub fn flip_bit(&self, path: &Path, bit: u64) {
        let _ = (path, bit);
        todo!()
    }
}

impl Disk for SimDisk {
    fn create_dir(&self, _path: &Path) -> io::Result<()> {
        todo!()
    }
    fn open(&self, _path: &Path) -> io::Result<Box<dyn DiskFile>> {
        todo!()
    }
    fn create(&self, _path: &Path) -> io::Result<Box<dyn DiskFile>> {
        todo!()
    }
    fn rename(&self, _from: &Path, _to: &Path) -> io::Result<()> {
        todo!()
    }
    fn remove(&self, _path: &Path) -> io::Result<()> {
        todo!()
    }
    fn sync_dir(&self, _dir: &Path) -> io::Result<()> {
        todo!()
    }
    fn list(&self, _dir: &Path) -> io::Result<Vec<PathBuf>> {
        todo!()
    }
}
