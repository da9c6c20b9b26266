//! Files as the log sees them.
//!
//! A trait, because faults are an open set: [`RealDisk`] is the operating system's files, [`SimDisk`] keeps
//! them in memory, follows a seed and loses, tears, refuses and damages what a disk may.

mod real;
mod sim;

use std::io;
use std::path::{Path, PathBuf};
use std::time::Instant;

pub use real::RealDisk;
pub use sim::{Fault, SimDisk};

/// Addresses, offsets and lengths of direct writes are multiples of this.
pub const DIRECT_ALIGN: usize = 4096;

/// A directory tree of files that are written at offsets and synced.
pub trait Disk: Send + Sync + 'static {
    /// Creates `path` and its parents; their entries are durable when this returns.
    fn create_dir(&self, path: &Path) -> io::Result<()>;
    /// Opens an existing file for reading and writing.
    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;
    /// Creates an empty file, or empties an existing one, and opens it. Its name is durable after
    /// [`Disk::sync_dir`].
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;
    /// As [`Disk::create`], for bytes that nobody reads soon: they go past the page cache. Buffers are aligned to
    /// [`DIRECT_ALIGN`], offsets and lengths are multiples of it. A filesystem that cannot says `InvalidInput`, here or
    /// at the first write.
    fn create_direct(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;
    /// Renames a file, over an existing one if there is one. Durable after [`Disk::sync_dir`].
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file. Durable after [`Disk::sync_dir`].
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Makes creations, renames and removals in `dir` durable.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;
    /// Paths of the files in `dir`, in no order.
    fn list(&self, dir: &Path) -> io::Result<Vec<PathBuf>>;
    /// The clock by which work on this disk is timed.
    #[expect(
        clippy::disallowed_methods,
        reason = "how long a disk takes is measured where it works; a simulated one has its own clock"
    )]
    fn now(&self) -> Instant {
        Instant::now()
    }
}

/// An open file; a rename does not disturb it.
pub trait DiskFile: Send + Sync {
    /// Reads up to `buf.len()` bytes at `offset`; fewer only at the end of the file.
    fn pread(&self, buf: &mut [u8], offset: u64) -> io::Result<usize>;
    /// Writes all of `buf` at `offset`, extending the file where needed.
    fn pwrite(&self, buf: &[u8], offset: u64) -> io::Result<()>;
    /// Makes all written bytes, and the length, durable.
    fn fdatasync(&self) -> io::Result<()>;
    /// Length in bytes.
    fn len(&self) -> io::Result<u64>;
    /// True when it has no byte.
    fn is_empty(&self) -> io::Result<bool> {
        self.len().map(|len| len == 0)
    }
}
