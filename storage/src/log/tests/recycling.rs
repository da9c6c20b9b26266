//! Files are recycled, or zeroed ahead.

use super::*;

/// A disk whose files open for direct writes and then take none, or do not even open.
struct NotDirect {
    disk: SimDisk,
    opens: bool,
}

impl Disk for NotDirect {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.disk.create_dir(path)
    }
    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.disk.open(path)
    }
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.disk.create(path)
    }
    fn create_direct(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        if !self.opens {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let file = self.disk.create(path)?;
        Ok(Box::new(Refusing(file)))
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.disk.rename(from, to)
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        self.disk.remove(path)
    }
    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.disk.sync_dir(dir)
    }
    fn list(&self, dir: &Path) -> io::Result<Vec<PathBuf>> {
        self.disk.list(dir)
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
    use janitor::Step::{Idle, Worked};
    for (opens, expected) in [
        (true, vec![Worked, Worked, Worked, Worked, Idle]),
        (false, vec![Worked, Worked, Idle]),
    ] {
        let disk = SimDisk::new(1, u64::MAX);
        let not_direct = NotDirect {
            disk: disk.clone(),
            opens,
        };
        let (_log, mut stepper, _) =
            Log::open_stepped(Path::new(DIR), config(), Arc::new(not_direct)).unwrap();
        let steps = expected.iter().map(|_| stepper.janitor.step());
        // Begun (and given up, begun again), zeroed; nothing is refused that somebody should hear of.
        assert_eq!(steps.collect::<Vec<_>>(), expected, "{opens}");
        assert_eq!(disk.open(&segment(2)).unwrap().len().unwrap(), SEGMENT);
    }
}

#[test]
fn a_commit_into_a_ready_file_writes_its_block_and_nothing_behind_it() {
    let mut bench = Bench::new();
    bench.tidy();
    let file = bench.disk.open(&segment(2)).unwrap();
    // As an earlier use leaves it.
    let old = vec![7; (SEGMENT - 2 * PAGE) as usize];
    file.pwrite(&old, 2 * PAGE).unwrap();
    bench.commit(8);
    let mut rest = vec![0; old.len()];
    file.pread(&mut rest, 2 * PAGE).unwrap();
    assert_eq!(rest, old);
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

#[test]
fn a_released_segment_is_used_again_and_its_old_bytes_never_show() {
    let mut bench = Bench::new();
    for round in 1..=20 {
        bench.commit(7);
        bench.release(round * 70);
        bench.tidy();
        let crashed = Bench::on(bench.disk.crash()).unwrap();
        assert_eq!(crashed.recovery.end, Seq(round * 70));
        let first = crashed.recovery.first.0;
        assert!(round * 70 < first + 140, "{first}");
        read_all(crashed.log.handle(), first).unwrap();
    }
    assert_eq!(
        bench.files(),
        ["0000000020.seg", "0000000021.seg"],
        "one in use, one ready"
    );
}

#[test]
fn a_segment_stays_until_each_consumer_has_passed_it() {
    let mut bench = Bench::new();
    bench.commit(15);
    let handle = bench.log.handle().clone();
    let first = |bench: &mut Bench| {
        bench.tidy();
        bench.log.handle().first()
    };
    assert_eq!(handle.awaited(Consumer::Lake), None, "State has not passed");
    handle.release(Consumer::State, Seq(139));
    assert_eq!(first(&mut bench), Seq(1));
    assert_eq!(handle.awaited(Consumer::State), None);
    assert_eq!(handle.awaited(Consumer::Lake), Some(Seq(70)));
    handle.release(Consumer::Lake, Seq(69));
    assert_eq!(first(&mut bench), Seq(1), "69 is not all of 1 to 70");
    handle.release(Consumer::Lake, Seq(70));
    assert_eq!(first(&mut bench), Seq(71));
    handle.release(Consumer::State, Seq(150));
    handle.release(Consumer::Lake, Seq(150));
    assert_eq!(first(&mut bench), Seq(141), "the last segment stays");
    handle.release(Consumer::Lake, Seq(1));
    assert_eq!(handle.released(Consumer::Lake), Some(Seq(150)));
}

#[test]
fn segments_leave_in_order_also_when_renaming_fails() {
    for fault in [Fault::Name, Fault::SyncDir] {
        let mut bench = Bench::new();
        bench.commit(22);
        bench.release(220);
        bench.disk.inject(fault);
        assert_eq!(bench.stepper.janitor.step(), janitor::Step::Refused);
        for _ in 0..10 {
            let crashed = Bench::on(bench.disk.crash()).unwrap();
            let first = crashed.recovery.first;
            assert!(first == Seq(1) || first == Seq(71), "{first:?}");
        }
        bench.tidy();
        bench.commit(15);
        let bench = Bench::on(bench.disk.crash()).unwrap();
        assert_eq!(bench.recovery.first, Seq(211));
        assert_eq!(read_all(bench.log.handle(), 211).unwrap(), 370);
        // A file whose name was lost track of is not kept for ever.
        let used = bench.log.handle().shared.segments.lock().segments.len();
        let ready = bench.log.handle().shared.ready.len();
        assert_eq!(bench.files().len(), used + ready, "{:?}", bench.files());
    }
}

#[test]
fn a_ready_file_of_another_length_is_not_used() {
    let mut bench = Bench::new();
    bench.commit(1);
    bench.tidy();
    assert_eq!(bench.files(), ["0000000001.seg", "0000000002.seg"]);
    let longer = LogConfig {
        segment_len: 2 * SEGMENT,
        ..config()
    };
    let mut bench = Bench::with(bench.disk.clone(), longer).unwrap();
    assert_eq!(bench.files(), ["0000000001.seg"]);
    bench.commit(20);
    let segments = bench.log.handle().shared.segments.lock().segments.clone();
    assert_eq!(
        segments.iter().map(|s| s.capacity).collect::<Vec<_>>(),
        [SEGMENT, 2 * SEGMENT]
    );
}
