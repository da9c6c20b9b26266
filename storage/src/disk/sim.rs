//! A disk in memory that follows a seed.
//!
//! What it models: the page cache (a write is readable at once and safe only after `fdatasync`), a power cut
//! that keeps any subset of the unsynced sectors of 512 bytes ([`SimDisk::crash`]: lost, torn and reordered
//! writes), directory changes that reach the medium in their order but only surely after `sync_dir`, a failed
//! `fdatasync` after which the kernel takes the lost pages for clean, EIO, a full disk, a sync that takes long or
//! does not return, and bits that flip at rest. Time passes only in syncs.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use super::{DIRECT_ALIGN, Disk, DiskFile};

const SECTOR: usize = 512;
const EIO: i32 = libc::EIO;
const EMFILE: i32 = libc::EMFILE;
const ENOSPC: i32 = libc::ENOSPC;

/// One operation that a [`SimDisk`] shall fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    /// The next read fails with EIO.
    Read,
    /// The next write fails with EIO; nothing is written.
    Write,
    /// The next fdatasync fails with EIO: some sectors are safe, and none counts as dirty any more.
    Sync,
    /// The next creation, rename or removal fails with EIO; nothing is done.
    Name,
    /// The next sync of a directory fails with EIO; its changes stay pending.
    SyncDir,
    /// The next file to be opened or created finds no free descriptor (EMFILE); nothing is done.
    Descriptor,
}

/// A disk in memory; clones are the same disk.
#[derive(Clone)]
pub struct SimDisk {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    syncs_released: Condvar,
    /// Where the clock began; only differences are ever looked at.
    began: Instant,
}

#[derive(Default)]
struct State {
    dice: u64,
    capacity: u64,
    inodes: BTreeMap<u64, Inode>,
    /// Names as a running process sees them.
    names: BTreeMap<PathBuf, u64>,
    /// Names on the medium.
    names_durable: BTreeMap<PathBuf, u64>,
    /// Changes of names that no `sync_dir` has covered, oldest first.
    names_pending: Vec<NameChange>,
    faults: BTreeMap<Fault, u32>,
    syncs_held: bool,
    sync_time: Duration,
    /// What all syncs have taken together.
    elapsed: Duration,
}

#[derive(Clone)]
enum NameChange {
    Set(PathBuf, u64),
    Move(PathBuf, PathBuf),
    Clear(PathBuf),
}

#[derive(Clone, Default)]
struct Inode {
    cache: Vec<u8>,
    medium: Vec<u8>,
    /// Sectors of `cache` that `medium` lacks, as far as the kernel knows.
    dirty: BTreeSet<usize>,
}

impl SimDisk {
    /// An empty disk of `capacity` bytes.
    pub fn new(seed: u64, capacity: u64) -> Self {
        Self::with(State {
            dice: seed,
            capacity,
            ..State::default()
        })
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the only way to have an Instant at all"
    )]
    fn with(state: State) -> Self {
        Self {
            shared: Arc::new(Shared {
                state: Mutex::new(state),
                syncs_released: Condvar::new(),
                began: Instant::now(),
            }),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.lock()
    }

    /// The disk that a reboot after a power cut sees: everything synced, and any part of what was not.
    pub fn crash(&self) -> Self {
        let mut state = self.state();
        let pending = state.names_pending.len() as u64;
        let kept = state.below(pending + 1) as usize;
        let mut names = state.names_durable.clone();
        for change in &state.names_pending[..kept] {
            change.apply(&mut names);
        }
        // Each cut has its own odds, so that seeds visit "nothing", "everything" and all between.
        let odds = [0, 10, 50, 90, 100][state.below(5) as usize];
        let mut inodes = BTreeMap::new();
        for id in names.values() {
            let mut inode = state.inodes[id].clone();
            for sector in std::mem::take(&mut inode.dirty) {
                if state.below(100) < odds {
                    inode.keep(sector);
                }
            }
            inode.cache.clone_from(&inode.medium);
            inodes.insert(*id, inode);
        }
        let dice = state.below(u64::MAX);
        Self::with(State {
            dice,
            capacity: state.capacity,
            inodes,
            names: names.clone(),
            names_durable: names,
            ..State::default()
        })
    }

    /// A number from `0..n`, from the same seed, so that one seed repeats a whole simulation.
    pub fn below(&self, n: u64) -> u64 {
        self.state().below(n)
    }

    /// Makes one coming operation fail.
    pub fn inject(&self, fault: Fault) {
        *self.state().faults.entry(fault).or_default() += 1;
    }

    /// Takes back what was injected and has not happened.
    pub fn clear_faults(&self) {
        self.state().faults.clear();
    }

    /// Changes the capacity; below what is used, nothing can grow.
    pub fn set_capacity(&self, bytes: u64) {
        self.state().capacity = bytes;
    }

    /// From now on an fdatasync takes `time`, as [`Disk::now`] tells it; it does not wait. At first it takes none.
    pub fn set_sync_time(&self, time: Duration) {
        self.state().sync_time = time;
    }

    /// While `held`, every fdatasync blocks its thread.
    pub fn hold_syncs(&self, held: bool) {
        self.state().syncs_held = held;
        self.shared.syncs_released.notify_all();
    }

    /// Flips bit `bit` of a file, on the medium and in the cache.
    ///
    /// # Panics
    ///
    /// When the file does not reach that far: the script is wrong.
    pub fn flip_bit(&self, path: &Path, bit: u64) {
        let mut state = self.state();
        let id = state.names[path];
        let inode = state.inodes.get_mut(&id).expect("a name has an inode");
        inode.cache[(bit / 8) as usize] ^= 1 << (bit % 8);
        // The medium is shorter when the file has grown since its last sync.
        if let Some(byte) = inode.medium.get_mut((bit / 8) as usize) {
            *byte ^= 1 << (bit % 8);
        }
    }

    fn create_file(&self, path: &Path, direct: bool) -> io::Result<Box<dyn DiskFile>> {
        let mut state = self.state();
        state.fails(Fault::Descriptor)?;
        state.fails(Fault::Name)?;
        let id = state.inodes.last_key_value().map_or(1, |(id, _)| id + 1);
        state.inodes.insert(id, Inode::default());
        state.change(NameChange::Set(path.to_owned(), id));
        Ok(Box::new(SimFile {
            shared: Arc::clone(&self.shared),
            id,
            direct,
        }))
    }

    /// Bytes that all files have together.
    pub fn used(&self) -> u64 {
        self.state().used()
    }
}

impl fmt::Debug for SimDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        let sizes = state
            .names
            .iter()
            .map(|(p, id)| (p, state.inodes[id].cache.len()));
        f.debug_map().entries(sizes).finish()
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .expect("no thread panics while it holds the disk")
    }
}

impl State {
    /// SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014).
    fn below(&mut self, n: u64) -> u64 {
        self.dice = self.dice.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.dice;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % n.max(1)
    }

    fn used(&self) -> u64 {
        let ids: BTreeSet<_> = self.names.values().collect();
        ids.iter()
            .map(|id| self.inodes[id].cache.len() as u64)
            .sum()
    }

    fn fails(&mut self, fault: Fault) -> io::Result<()> {
        match self.faults.get_mut(&fault) {
            Some(n) if 0 < *n => {
                *n -= 1;
                let code = match fault {
                    Fault::Descriptor => EMFILE,
                    Fault::Read | Fault::Write | Fault::Sync | Fault::Name | Fault::SyncDir => EIO,
                };
                Err(io::Error::from_raw_os_error(code))
            }
            Some(_) | None => Ok(()),
        }
    }

    fn change(&mut self, change: NameChange) {
        change.apply(&mut self.names);
        self.names_pending.push(change);
    }

    fn named(&self, path: &Path) -> io::Result<u64> {
        let id = self.names.get(path).copied();
        id.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
    }
}

impl NameChange {
    fn apply(&self, names: &mut BTreeMap<PathBuf, u64>) {
        match self {
            Self::Set(path, id) => {
                names.insert(path.clone(), *id);
            }
            Self::Move(from, to) => {
                if let Some(id) = names.remove(from) {
                    names.insert(to.clone(), id);
                }
            }
            Self::Clear(path) => {
                names.remove(path);
            }
        }
    }

    fn is_in(&self, dir: &Path) -> bool {
        let (Self::Set(path, _) | Self::Move(_, path) | Self::Clear(path)) = self;
        path.parent() == Some(dir)
    }
}

impl Inode {
    /// One sector reaches the medium.
    fn keep(&mut self, sector: usize) {
        let start = sector * SECTOR;
        let end = (start + SECTOR).min(self.cache.len());
        if self.medium.len() < end {
            self.medium.resize(end, 0);
        }
        self.medium[start..end].copy_from_slice(&self.cache[start..end]);
    }

    fn write(&mut self, buf: &[u8], offset: usize) {
        let end = offset + buf.len();
        if self.cache.len() < end {
            self.cache.resize(end, 0);
        }
        self.cache[offset..end].copy_from_slice(buf);
        self.dirty.extend(offset / SECTOR..end.div_ceil(SECTOR));
    }
}

impl Disk for SimDisk {
    fn create_dir(&self, _path: &Path) -> io::Result<()> {
        Ok(())
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let mut state = self.state();
        state.fails(Fault::Descriptor)?;
        let id = state.named(path)?;
        Ok(Box::new(SimFile {
            shared: Arc::clone(&self.shared),
            id,
            direct: false,
        }))
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.create_file(path, false)
    }

    fn create_direct(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.create_file(path, true)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.named(from)?;
        state.fails(Fault::Name)?;
        state.change(NameChange::Move(from.to_owned(), to.to_owned()));
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.named(path)?;
        state.fails(Fault::Name)?;
        state.change(NameChange::Clear(path.to_owned()));
        Ok(())
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.fails(Fault::SyncDir)?;
        let pending = std::mem::take(&mut state.names_pending);
        let (covered, rest): (Vec<_>, Vec<_>) = pending.into_iter().partition(|c| c.is_in(dir));
        for change in covered {
            change.apply(&mut state.names_durable);
        }
        state.names_pending = rest;
        Ok(())
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<PathBuf>> {
        let state = self.state();
        let names = state.names.keys().filter(|p| p.parent() == Some(dir));
        Ok(names.cloned().collect())
    }

    fn now(&self) -> Instant {
        self.shared.began + self.state().elapsed
    }
}

struct SimFile {
    shared: Arc<Shared>,
    id: u64,
    /// Writes are aligned. They are as unsafe as any before a sync: a real disk has a cache of its own.
    direct: bool,
}

impl SimFile {
    fn inode<R>(&self, state: &mut State, run: impl FnOnce(&mut Inode) -> R) -> R {
        run(state
            .inodes
            .get_mut(&self.id)
            .expect("inodes live as long as the disk"))
    }
}

impl DiskFile for SimFile {
    fn pread(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut state = self.shared.lock();
        state.fails(Fault::Read)?;
        Ok(self.inode(&mut state, |inode| {
            let bytes = inode.cache.get(offset as usize..).unwrap_or_default();
            let n = bytes.len().min(buf.len());
            buf[..n].copy_from_slice(&bytes[..n]);
            n
        }))
    }

    fn pwrite(&self, buf: &[u8], offset: u64) -> io::Result<()> {
        let mut state = self.shared.lock();
        let places = [buf.as_ptr().addr(), buf.len(), offset as usize];
        if self.direct && places.iter().any(|at| !at.is_multiple_of(DIRECT_ALIGN)) {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        state.fails(Fault::Write)?;
        let free = state.capacity.saturating_sub(state.used());
        let len = self.inode(&mut state, |inode| inode.cache.len() as u64);
        let end_max = len.max(offset).saturating_add(free);
        let fits = (end_max - offset).min(buf.len() as u64) as usize;
        self.inode(&mut state, |inode| {
            inode.write(&buf[..fits], offset as usize);
        });
        if fits < buf.len() {
            return Err(io::Error::from_raw_os_error(ENOSPC));
        }
        Ok(())
    }

    fn fdatasync(&self) -> io::Result<()> {
        let mut state = self.shared.lock();
        while state.syncs_held {
            state = self
                .shared
                .syncs_released
                .wait(state)
                .expect("no thread panics while it holds the disk");
        }
        let took = state.sync_time;
        state.elapsed += took;
        let failure = state.fails(Fault::Sync).err();
        let dirty = self.inode(&mut state, |inode| std::mem::take(&mut inode.dirty));
        for sector in dirty {
            if failure.is_none() || state.below(2) == 0 {
                self.inode(&mut state, |inode| inode.keep(sector));
            }
        }
        match failure {
            Some(e) => Err(e),
            None => Ok(()),
        }
    }

    fn len(&self) -> io::Result<u64> {
        let mut state = self.shared.lock();
        Ok(self.inode(&mut state, |inode| inode.cache.len() as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "/d/f";

    fn file_with(disk: &SimDisk, synced: &[u8], unsynced: &[u8]) -> Box<dyn DiskFile> {
        let file = disk.create(Path::new(FILE)).unwrap();
        file.pwrite(synced, 0).unwrap();
        file.fdatasync().unwrap();
        disk.sync_dir(Path::new("/d")).unwrap();
        file.pwrite(unsynced, 0).unwrap();
        file
    }

    fn content(disk: &SimDisk) -> Vec<u8> {
        let file = disk.open(Path::new(FILE)).unwrap();
        let mut bytes = vec![0; file.len().unwrap() as usize];
        file.pread(&mut bytes, 0).unwrap();
        bytes
    }

    #[test]
    fn a_power_cut_keeps_any_subset_of_the_unsynced_sectors() {
        let disk = SimDisk::new(7, u64::MAX);
        file_with(&disk, &[b'a'; 2048], &[b'b'; 2048]);
        assert_eq!(content(&disk), vec![b'b'; 2048]);
        let mut seen = BTreeSet::new();
        for _ in 0..500 {
            let bytes = content(&disk.crash());
            let sectors: Vec<_> = bytes.chunks(SECTOR).map(|s| s[0]).collect();
            assert!(bytes.chunks(SECTOR).all(|s| s.iter().all(|b| *b == s[0])));
            seen.insert(sectors);
        }
        assert_eq!(seen.len(), 16, "four sectors, each old or new");
    }

    #[test]
    fn a_failed_sync_loses_pages_that_still_read_well() {
        let disk = SimDisk::new(1, u64::MAX);
        let file = file_with(&disk, &[b'a'; 16 * SECTOR], &[b'b'; 16 * SECTOR]);
        disk.inject(Fault::Sync);
        assert_eq!(file.fdatasync().unwrap_err().raw_os_error(), Some(EIO));
        file.fdatasync().unwrap();
        assert_eq!(content(&disk), vec![b'b'; 16 * SECTOR]);
        assert!(content(&disk.crash()).contains(&b'a'));
    }

    #[test]
    fn direct_writes_are_aligned_and_no_safer() {
        let disk = SimDisk::new(1, u64::MAX);
        let file = disk.create_direct(Path::new(FILE)).unwrap();
        disk.sync_dir(Path::new("/d")).unwrap();
        let bytes = vec![b'a'; 3 * DIRECT_ALIGN];
        let skip = bytes.as_ptr().align_offset(DIRECT_ALIGN);
        let page = &bytes[skip..skip + DIRECT_ALIGN];
        file.pwrite(page, 0).unwrap();
        for (buf, offset) in [
            (&page[1..], 0),
            (&page[..512], 0),
            (&bytes[skip + 1..skip + 1 + DIRECT_ALIGN], 0),
            (page, 512),
        ] {
            let error = file.pwrite(buf, offset).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        }
        let lost = (0..50).any(|_| content(&disk.crash()).len() < DIRECT_ALIGN);
        assert!(lost, "only a sync makes it safe");
    }

    #[test]
    fn a_full_disk_takes_what_fits_and_overwrites_freely() {
        let disk = SimDisk::new(1, 1024);
        let file = file_with(&disk, &[b'a'; 1000], &[b'b'; 1000]);
        let error = file.pwrite(&[b'c'; 100], 1000).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        assert_eq!(file.len().unwrap(), 1024);
        disk.set_capacity(2000);
        file.pwrite(&[b'c'; 100], 1000).unwrap();
    }

    #[test]
    fn names_are_durable_after_sync_dir_and_kept_in_order_before() {
        let disk = SimDisk::new(3, u64::MAX);
        let dir = Path::new("/d");
        disk.create(Path::new("/d/a")).unwrap();
        disk.sync_dir(dir).unwrap();
        disk.rename(Path::new("/d/a"), Path::new("/d/b")).unwrap();
        disk.create(Path::new("/d/c")).unwrap();
        let mut seen = BTreeSet::new();
        for _ in 0..200 {
            seen.insert(disk.crash().list(dir).unwrap());
        }
        let names = |n: &[&str]| n.iter().map(PathBuf::from).collect::<Vec<_>>();
        assert_eq!(
            seen.into_iter().collect::<Vec<_>>(),
            [names(&["/d/a"]), names(&["/d/b"]), names(&["/d/b", "/d/c"])]
        );
    }
}
