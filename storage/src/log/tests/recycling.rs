//! Files are recycled, or zeroed ahead.

use super::*;

/// A disk whose files open for direct writes and then take none.
struct NotDirect(SimDisk);

impl Disk for NotDirect {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.0.create_dir(path)
    }
    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.0.open(path)
    }
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.0.create(path)
    }
    fn create_direct(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let file = self.0.create(path)?;
        Ok(Box::new(Refusing(file)))
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.0.rename(from, to)
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        self.0.remove(path)
    }
    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.0.sync_dir(dir)
    }
    fn list(&self, dir: &Path) -> io::Result<Vec<PathBuf>> {
        self.0.list(dir)
    }
}

struct Refusing(Box<dyn DiskFile>);

impl DiskFile for Refusing {
    fn pread(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        self.0.pread(buf, offset)
    }
    fn pwrite(&self, _buf: &[u8], _offset: u64) -> io::Result<()> {
        Err(io::ErrorKind::InvalidInput.into())
    }
    fn fdatasync(&self) -> io::Result<()> {
        self.0.fdatasync()
    }
    fn len(&self) -> io::Result<u64> {
        self.0.len()
    }
}

#[test]
fn a_filesystem_without_direct_writes_gets_ordinary_ones() {
    let disk = SimDisk::new(1, u64::MAX);
    let (_log, mut stepper, _) =
        Log::open_stepped(Path::new(DIR), config(), Arc::new(NotDirect(disk.clone()))).unwrap();
    let steps: Vec<_> = (0..5).map(|_| stepper.janitor.step()).collect();
    use janitor::Step::{Idle, Refused, Worked};
    assert_eq!(
        steps,
        [Worked, Refused, Worked, Worked, Idle],
        "begun, refused, begun again, zeroed"
    );
    assert_eq!(disk.open(&segment(2)).unwrap().len().unwrap(), SEGMENT);
}

#[test]
fn what_a_burst_releases_is_used_again_before_the_next() {
    let mut bench = Bench::with(
        SimDisk::new(1, u64::MAX),
        LogConfig {
            bytes_max: 12 * SEGMENT,
            ..config()
        },
    )
    .unwrap();
    // Segments fill, and are released in one burst, as by a table that commits once a minute. Answers how many files
    // are ready then, and how many uses files have been made ready for.
    let burst = |bench: &mut Bench, segments: u64| {
        bench.commit(7 * segments);
        bench.release(bench.log.durable().0);
        bench.tidy();
        let newest = bench.files().pop().unwrap();
        let uses: u32 = newest.strip_suffix(".seg").unwrap().parse().unwrap();
        (bench.log.handle().shared.ready.len(), uses)
    };
    burst(&mut bench, 10);
    let (ready, uses) = burst(&mut bench, 9);
    assert_eq!(ready, 8);
    assert_eq!(
        burst(&mut bench, 9),
        (8, uses + 9),
        "nine were released, and no other file was made"
    );
    // The load falls, and so does what is kept, burst by burst, down to what any log keeps.
    let kept: Vec<_> = (0..12).map(|_| burst(&mut bench, 1).0).collect();
    assert!(kept.is_sorted_by(|a, b| b <= a), "{kept:?}");
    assert_eq!(kept.last(), Some(&ready::READY_MAX));
}
