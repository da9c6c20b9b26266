//! Scripts: a log on a simulated disk, step by step; and the real one, with its threads.

mod inline;
mod recycling;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fleet::Seq;

use super::format::{HeaderPage, PAGE};
use super::*;
use crate::disk::{Disk, DiskFile, Fault, RealDisk, SimDisk};

const DIR: &str = "/log";
const DEADLINE: Duration = Duration::from_secs(30);
/// Records per commit of [`Bench::commit`], each of 100 bytes: one block of one page.
const BLOCK: u64 = 10;
/// A segment holds a header page and seven such blocks.
const SEGMENT: u64 = 8 * PAGE;

fn config() -> LogConfig {
    LogConfig {
        segment_len: SEGMENT,
        bytes_max: 4 * SEGMENT,
        batch_len_max: 8 << 10,
        record_len_max: 4 << 10,
        inline_max: Duration::ZERO,
        ..LogConfig::default()
    }
}

fn record(seq: u64) -> Vec<u8> {
    let mut record = vec![seq as u8; 100];
    record[..8].copy_from_slice(&seq.to_le_bytes());
    record
}

fn segment(no: u32) -> PathBuf {
    segment_path(Path::new(DIR), no)
}

/// A log on a simulated disk.
struct Bench {
    disk: SimDisk,
    log: Log,
    stepper: Stepper,
    recovery: Recovery,
}

impl Bench {
    fn new() -> Self {
        Self::on(SimDisk::new(1, u64::MAX)).unwrap()
    }

    fn on(disk: SimDisk) -> Result<Self, LogError> {
        Self::with(disk, config())
    }

    fn with(disk: SimDisk, config: LogConfig) -> Result<Self, LogError> {
        let shared: Arc<dyn Disk> = Arc::new(disk.clone());
        let (log, stepper, recovery) = Log::open_stepped(Path::new(DIR), config, shared)?;
        Ok(Self {
            disk,
            log,
            stepper,
            recovery,
        })
    }

    /// Appends and offers one block's records.
    fn offer(&mut self) {
        for _ in 0..BLOCK {
            let seq = self.log.appended().0 + 1;
            assert_eq!(self.log.append(&record(seq)).unwrap(), Seq(seq));
        }
        self.log.flush(0);
    }

    /// One step of the committer, without the janitor.
    fn step(&mut self) -> committer::Step {
        committer::lock(&self.stepper.committer).step()
    }

    /// Commits `blocks` blocks.
    fn commit(&mut self, blocks: u64) {
        for _ in 0..blocks {
            self.offer();
            self.stepper.step();
            assert_eq!(self.log.durable(), self.log.appended());
        }
    }

    /// Lets the janitor work until it has nothing to do.
    fn tidy(&mut self) {
        for _ in 0..100 {
            match self.stepper.janitor.step() {
                janitor::Step::Worked => {}
                janitor::Step::Idle => return,
                janitor::Step::Refused => panic!("the disk refuses what the janitor does"),
            }
        }
        panic!("the janitor does not come to rest");
    }

    fn release(&self, seq: u64) {
        self.log.handle().release(Consumer::State, Seq(seq));
        self.log.handle().release(Consumer::Lake, Seq(seq));
    }

    fn state(&self) -> LogState {
        self.log.handle().health(0).state
    }

    fn files(&self) -> Vec<String> {
        let name = |p: PathBuf| p.file_name().unwrap().to_str().unwrap().to_owned();
        let mut files: Vec<_> = self
            .disk
            .list(Path::new(DIR))
            .unwrap()
            .into_iter()
            .map(name)
            .collect();
        files.sort();
        files
    }
}

/// Every record from `first` to the end, each checked.
fn read_all(log: &LogHandle, first: u64) -> Result<u64, LogError> {
    let mut reader = log.reader(Seq(first));
    let mut expected = first;
    while let Some((seq, bytes)) = reader.next()? {
        assert_eq!((seq, bytes), (Seq(expected), &*record(expected)));
        expected += 1;
    }
    assert_eq!(reader.position(), Seq(expected - 1));
    Ok(expected - 1)
}

fn corrupt(file: u32, offset: u64, error: &LogError) {
    match error {
        LogError::Corrupt {
            file: f, offset: o, ..
        } => assert_eq!((f, *o), (&segment(file), offset), "{error}"),
        other => panic!("expected damage, got {other}"),
    }
}

fn open_error(disk: SimDisk) -> LogError {
    Bench::on(disk).err().expect("the log must not open")
}

#[test]
fn what_was_acknowledged_survives_a_power_cut_at_any_time() {
    let mut bench = Bench::new();
    let mut disk = bench.disk.clone();
    for blocks in 1..=20 {
        bench.commit(1);
        bench.offer();
        disk = disk.crash();
        bench = Bench::on(disk.clone()).unwrap();
        assert_eq!(bench.recovery.end, Seq(blocks * BLOCK));
        assert_eq!(read_all(bench.log.handle(), 1).unwrap(), blocks * BLOCK);
    }
    let segments = bench.log.handle().shared.segments.lock().segments.len();
    assert_eq!(segments, 3, "segments were passed on the way");
}

#[test]
fn a_new_log_is_there_whole_or_not_at_all() {
    let disk = SimDisk::new(5, u64::MAX);
    let id = Bench::on(disk.clone()).unwrap().log.id();
    assert!(0 < id.0);
    for _ in 0..20 {
        assert_eq!(Bench::on(disk.crash()).unwrap().log.id(), id);
    }
}

#[test]
fn a_commit_that_was_torn_is_cut() {
    let mut cuts = 0;
    for seed in 0..40 {
        let mut bench = Bench::on(SimDisk::new(seed, u64::MAX)).unwrap();
        bench.commit(2);
        // A sync that fails leaves the block on the medium in part.
        bench.disk.inject(Fault::Sync);
        bench.offer();
        assert_eq!(bench.step(), committer::Step::Failed);
        let mut crashed = Bench::on(bench.disk.crash()).unwrap();
        let Recovery { end, cut, .. } = crashed.recovery.clone();
        match &cut {
            Some(place) => assert_eq!((end, place), (Seq(20), &(segment(1), 3 * PAGE))),
            None => assert!(end == Seq(20) || end == Seq(30), "{end:?}"),
        }
        cuts += u32::from(cut.is_some());
        crashed.commit(1);
        assert_eq!(read_all(crashed.log.handle(), 1).unwrap(), end.0 + 10);
    }
    assert!(10 < cuts, "{cuts}");
}

#[test]
fn a_flipped_bit_below_the_durable_end_stops_the_start() {
    let mut bench = Bench::new();
    bench.commit(4);
    for (offset, what) in [
        (PAGE, "head"),
        (2 * PAGE + 100, "record"),
        (3 * PAGE + 4, "head"),
    ] {
        let disk = bench.disk.crash();
        disk.flip_bit(&segment(1), offset * 8);
        let error = open_error(disk);
        corrupt(1, offset / PAGE * PAGE, &error);
        assert!(error.to_string().contains(what), "{error}");
    }
}

#[test]
fn a_flipped_bit_in_the_last_block_looks_like_a_torn_write() {
    let mut bench = Bench::new();
    bench.commit(4);
    let disk = bench.disk.crash();
    disk.flip_bit(&segment(1), (4 * PAGE + 100) * 8);
    let bench = Bench::on(disk).unwrap();
    assert_eq!(bench.recovery.end, Seq(3 * BLOCK));
    assert_eq!(bench.recovery.cut, Some((segment(1), 4 * PAGE)));
}

#[test]
fn after_a_clean_shutdown_it_does_not() {
    let mut bench = Bench::new();
    bench.commit(4);
    bench.stepper.finish().unwrap();
    let disk = bench.disk.crash();
    assert_eq!(Bench::on(disk.crash()).unwrap().recovery.end, Seq(40));
    disk.flip_bit(&segment(1), (4 * PAGE + 100) * 8);
    corrupt(1, 4 * PAGE, &open_error(disk));
}

#[test]
fn starts_and_stops_without_records_take_no_room() {
    let mut bench = Bench::new();
    bench.commit(1);
    let mut ends = Vec::new();
    for _ in 0..5 {
        bench.stepper.finish().unwrap();
        bench = Bench::on(bench.disk.clone()).unwrap();
        ends.push(bench.log.handle().shared.segments.lock().segments[0].end);
    }
    assert_eq!(ends, [3 * PAGE; 5]);
    bench.commit(1);
    assert_eq!(read_all(bench.log.handle(), 1).unwrap(), 20);
}

#[test]
fn damage_in_an_older_segment_is_found_by_who_reads_it() {
    let mut bench = Bench::new();
    bench.commit(10);
    let disk = bench.disk.crash();
    disk.flip_bit(&segment(1), (2 * PAGE + 70) * 8);
    let bench = Bench::on(disk).unwrap();
    assert_eq!(bench.recovery.end, Seq(100));
    corrupt(1, 2 * PAGE, &read_all(bench.log.handle(), 1).unwrap_err());
    assert_eq!(read_all(bench.log.handle(), 21).unwrap(), 100);
}

#[test]
fn a_damaged_header_is_not_an_empty_segment() {
    let mut bench = Bench::new();
    bench.commit(1);
    let disk = bench.disk.crash();
    disk.flip_bit(&segment(1), 100);
    corrupt(1, 0, &open_error(disk));

    bench.commit(10);
    // The newest: two blocks in it prove that it was in use.
    let disk = bench.disk.crash();
    disk.flip_bit(&segment(2), 100);
    corrupt(2, 0, &open_error(disk));
    // One in the middle: its successor names it.
    bench.commit(7);
    let disk = bench.disk.crash();
    disk.flip_bit(&segment(2), 100);
    assert_eq!(
        open_error(disk).to_string(),
        "/log/0000000002.seg is missing: /log/0000000003.seg continues it"
    );
}

#[test]
fn a_missing_segment_stops_the_start() {
    let mut bench = Bench::new();
    bench.commit(20);
    bench.disk.remove(&segment(2)).unwrap();
    assert!(matches!(
        open_error(bench.disk.clone()),
        LogError::Missing { .. }
    ));
}

#[test]
fn a_newer_version_is_named() {
    let bench = Bench::new();
    let file = bench.disk.open(&segment(1)).unwrap();
    let mut page = [0; 96];
    file.pread(&mut page, 0).unwrap();
    assert!(matches!(HeaderPage::decode(&page), HeaderPage::Valid(_)));
    page[8] = 2;
    let crc = crc32c::crc32c(&page[..92]).to_le_bytes();
    page[92..].copy_from_slice(&crc);
    file.pwrite(&page, 0).unwrap();
    assert_eq!(
        open_error(bench.disk.clone()).to_string(),
        "/log/0000000001.seg has format version 2, this program reads version 1"
    );
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
fn readers_are_told_what_is_gone_and_what_never_was() {
    let mut bench = Bench::new();
    bench.commit(15);
    let handle = bench.log.handle().clone();
    let mut slow = handle.reader(Seq(1));
    assert_eq!(slow.next().unwrap().unwrap().0, Seq(1));
    let text = |result: Result<Option<(Seq, &[u8])>, LogError>| result.unwrap_err().to_string();
    assert_eq!(
        text(handle.reader(Seq(152)).next()),
        format!(
            "log {}: a reader starts at record 152, but the log ends at 150",
            handle.id()
        )
    );
    assert!(handle.reader(Seq(151)).next().unwrap().is_none());
    bench.release(150);
    bench.tidy();
    // Overwrites the file that `slow` has open.
    bench.commit(20);
    let gone = |seq| {
        format!(
            "log {}: record {seq} is gone, the oldest is 141",
            handle.id()
        )
    };
    assert_eq!(text(handle.reader(Seq(140)).next()), gone(140));
    let error = loop {
        match slow.next() {
            Ok(Some((seq, bytes))) => assert_eq!(bytes, record(seq.0)),
            Ok(None) => panic!("the reader was not told"),
            Err(e) => break e,
        }
    };
    assert!(matches!(error, LogError::Released { .. }), "{error}");
}

type Interrupt = Arc<Mutex<Option<Box<dyn FnOnce() + Send>>>>;

/// A disk that runs something, once, just before a block is read or written.
struct Interrupting {
    disk: SimDisk,
    interrupt: Interrupt,
}

struct InterruptingFile {
    file: Box<dyn DiskFile>,
    interrupt: Interrupt,
}

impl Interrupting {
    fn bench(disk: &SimDisk, interrupt: &Interrupt) -> Bench {
        let interrupting = Arc::new(Self {
            disk: disk.clone(),
            interrupt: Arc::clone(interrupt),
        });
        let (log, stepper, recovery) =
            Log::open_stepped(Path::new(DIR), config(), interrupting).unwrap();
        Bench {
            disk: disk.clone(),
            log,
            stepper,
            recovery,
        }
    }

    fn file(&self, file: Box<dyn DiskFile>) -> Box<dyn DiskFile> {
        let interrupt = Arc::clone(&self.interrupt);
        Box::new(InterruptingFile { file, interrupt })
    }
}

impl InterruptingFile {
    fn interrupt(&self, offset: u64) {
        if PAGE <= offset {
            let interrupt = self.interrupt.lock().unwrap().take();
            interrupt.into_iter().for_each(|run| run());
        }
    }
}

impl Disk for Interrupting {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.disk.create_dir(path)
    }
    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.disk.open(path).map(|file| self.file(file))
    }
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.disk.create(path).map(|file| self.file(file))
    }
    fn create_direct(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.disk.create_direct(path).map(|file| self.file(file))
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

impl DiskFile for InterruptingFile {
    fn pread(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        self.interrupt(offset);
        self.file.pread(buf, offset)
    }
    fn pwrite(&self, buf: &[u8], offset: u64) -> io::Result<()> {
        self.interrupt(offset);
        self.file.pwrite(buf, offset)
    }
    fn fdatasync(&self) -> io::Result<()> {
        self.file.fdatasync()
    }
    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }
}

#[test]
fn a_file_that_is_used_again_under_a_reader_is_not_damage() {
    let disk = SimDisk::new(1, u64::MAX);
    let interrupt = Interrupt::default();
    let mut bench = Interrupting::bench(&disk, &interrupt);
    bench.commit(8);
    let handle = bench.log.handle().clone();
    // Between the reader's look at the index and its read, the segment is released, renamed and overwritten.
    *interrupt.lock().unwrap() = Some(Box::new(move || {
        bench.release(80);
        bench.tidy();
        bench.commit(20);
    }));
    let error = handle.reader(Seq(1)).next().unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("log {}: record 1 is gone, the oldest is 71", handle.id())
    );
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
fn a_failed_sync_moves_the_records_to_a_new_segment() {
    for fault in [Fault::Sync, Fault::Write] {
        let mut bench = Bench::new();
        bench.commit(2);
        bench.disk.inject(fault);
        bench.offer();
        assert_eq!(bench.step(), committer::Step::Failed);
        assert_eq!(bench.log.durable(), Seq(20), "nobody is told");
        assert!(bench.log.accepts());
        assert_eq!(bench.step(), committer::Step::Committed);
        assert_eq!(bench.log.durable(), Seq(30));
        assert_eq!(bench.state(), LogState::Ok);
        bench.commit(1);
        let index = bench.log.handle().shared.segments.lock().segments.clone();
        assert_eq!(
            index.iter().map(|s| (s.no, s.end)).collect::<Vec<_>>(),
            [(1, 3 * PAGE), (2, 3 * PAGE)]
        );
        for _ in 0..10 {
            let crashed = Bench::on(bench.disk.crash()).unwrap();
            assert_eq!(read_all(crashed.log.handle(), 1).unwrap(), 40);
        }
    }
}

#[test]
fn a_second_failure_in_a_row_stays_down_until_a_restart() {
    let mut bench = Bench::new();
    bench.commit(2);
    bench.disk.inject(Fault::Sync);
    bench.disk.inject(Fault::Sync);
    bench.offer();
    assert_eq!(bench.step(), committer::Step::Failed);
    assert_eq!(bench.step(), committer::Step::Down);
    let LogState::Failed { error } = bench.state() else {
        panic!("{:?}", bench.state());
    };
    assert!(error.contains("Input/output error"), "{error}");
    assert!(!bench.log.accepts());
    let refusal = bench.log.append(b"x").unwrap_err();
    assert!(matches!(refusal, LogError::Stopped { .. }), "{refusal}");
    assert!(!refusal.is_transient());
    assert_eq!(bench.step(), committer::Step::Down);
    assert!(bench.stepper.finish().is_err());
    assert_eq!(read_all(bench.log.handle(), 1).unwrap(), 20);

    let mut bench = Bench::on(bench.disk.crash()).unwrap();
    assert!(Seq(20) <= bench.recovery.end);
    bench.commit(1);
}

#[test]
fn good_commits_between_failures_keep_it_up() {
    let mut bench = Bench::new();
    for _ in 0..5 {
        bench.disk.inject(Fault::Sync);
        bench.offer();
        assert_eq!(bench.step(), committer::Step::Failed);
        assert_eq!(bench.step(), committer::Step::Committed);
        bench.release(bench.log.durable().0);
        bench.tidy();
    }
    assert_eq!(
        read_all(bench.log.handle(), bench.log.handle().first().0).unwrap(),
        50
    );
}

#[test]
fn a_full_disk_is_waited_out() {
    let mut bench = Bench::new();
    bench.commit(7);
    bench.disk.set_capacity(bench.disk.used());
    // The segment that was ready needs no space.
    bench.commit(7);
    bench.offer();
    assert_eq!(bench.step(), committer::Step::Blocked);
    assert_eq!(bench.state(), LogState::NoSpace);
    assert!(!bench.log.accepts());
    let refusal = bench.log.append(b"x").unwrap_err();
    assert!(matches!(refusal, LogError::Full { .. }), "{refusal}");
    assert!(refusal.is_transient());
    for _ in 0..3 {
        assert_eq!(bench.step(), committer::Step::Blocked);
    }
    assert_eq!(bench.log.durable(), Seq(140));
    let crashed = Bench::on(bench.disk.crash()).unwrap();
    assert_eq!(read_all(crashed.log.handle(), 1).unwrap(), 140);

    bench.disk.set_capacity(u64::MAX);
    assert_eq!(bench.step(), committer::Step::Committed);
    assert_eq!(
        (bench.log.durable(), bench.state()),
        (Seq(150), LogState::Ok)
    );
    bench.commit(3);
    assert_eq!(read_all(bench.log.handle(), 1).unwrap(), 180);
}

#[test]
fn an_abandoned_segment_is_gone_before_records_go_elsewhere() {
    let disk = SimDisk::new(1, u64::MAX);
    let interrupt = Interrupt::default();
    let mut bench = Interrupting::bench(&disk, &interrupt);
    for _ in 0..7 {
        bench.offer();
        bench.step();
    }
    bench.offer();
    // The next segment is a new file with room for its header only, and its removal fails.
    disk.set_capacity(disk.used() + PAGE);
    let breaks = disk.clone();
    *interrupt.lock().unwrap() = Some(Box::new(move || breaks.inject(Fault::Name)));
    assert_eq!(bench.step(), committer::Step::Failed);
    disk.set_capacity(u64::MAX);
    assert_eq!(bench.step(), committer::Step::Committed);
    bench.commit(7);
    // With the segment before it recycled, its header would look like a survivor's.
    bench.release(150);
    bench.tidy();
    let bench = Bench::on(disk).unwrap();
    let first = bench.recovery.first.0;
    assert_eq!(
        (first, read_all(bench.log.handle(), first).unwrap()),
        (141, 150)
    );
}

#[test]
fn the_byte_budget_is_waited_out_until_a_consumer_releases() {
    let mut bench = Bench::new();
    bench.commit(22);
    assert!(bench.log.handle().health(0).alarm());
    bench.commit(6);
    bench.offer();
    assert_eq!(bench.step(), committer::Step::Blocked);
    let health = bench.log.handle().health(0);
    assert_eq!(
        (health.state, health.bytes_used, health.bytes_max),
        (LogState::Full, 4 * SEGMENT, 4 * SEGMENT)
    );
    assert!(!bench.log.accepts());
    bench.release(70);
    bench.tidy();
    assert_eq!(bench.step(), committer::Step::Committed);
    assert!(bench.log.accepts());
    assert_eq!(read_all(bench.log.handle(), 71).unwrap(), 290);
}

#[test]
fn a_record_or_a_batch_that_is_too_long_is_refused_whole() {
    let mut bench = Bench::new();
    let error = bench.log.append(&[0; 4097]).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "log {}: record of 4097 bytes exceeds the limit of 4096 bytes",
            bench.log.id()
        )
    );
    assert!(bench.log.accepts());
    let mut appended = 0;
    while bench.log.accepts() {
        bench.log.append(&[1; 4000]).unwrap();
        appended += 1;
    }
    assert_eq!(
        appended, 2,
        "while accepts is true, a record of the longest kind fits"
    );
    let refusal = bench.log.append(&[1; 4000]).unwrap_err();
    assert!(matches!(refusal, LogError::Full { .. }), "{refusal}");
    bench.log.flush(0);
    assert!(!bench.log.accepts(), "an offered batch still counts");
    bench.stepper.step();
    assert!(bench.log.accepts());
    let mut reader = bench.log.handle().reader(Seq(1));
    assert_eq!(reader.next().unwrap(), Some((Seq(1), &[1; 4000][..])));
    assert_eq!(reader.next().unwrap(), Some((Seq(2), &[1; 4000][..])));
    assert_eq!(reader.next().unwrap(), None);
}

#[test]
fn a_batch_grows_while_the_committer_is_busy() {
    let mut bench = Bench::new();
    bench.offer();
    bench.offer();
    bench
        .log
        .append_with(|out| out.extend_from_slice(&record(21)))
        .unwrap();
    bench.log.flush(0);
    bench.stepper.step();
    assert_eq!(bench.log.durable(), Seq(21));
    assert_eq!(bench.log.handle().health(0).commits, 1);
    assert_eq!(read_all(bench.log.handle(), 15).unwrap(), 21);
}

#[test]
fn a_commit_that_does_not_end_shows_as_stalled() {
    let mut bench = Bench::new();
    bench.log.append(b"x").unwrap();
    bench.log.flush(1_000);
    let at = |ns| bench.log.handle().health(ns).state;
    assert_eq!(at(5_000_001_000), LogState::Ok);
    assert_eq!(at(5_000_001_001), LogState::Stalled { since_ns: 1_000 });
    bench.stepper.step();
    assert_eq!(bench.state(), LogState::Ok);
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

// With threads.

fn append(log: &mut Log, n: u64) {
    for seq in 1..=n {
        log.append(&record(seq)).unwrap();
    }
}

fn small() -> LogConfig {
    LogConfig {
        segment_len: 64 << 10,
        bytes_max: 1 << 20,
        batch_len_max: 8 << 10,
        record_len_max: 4 << 10,
        ..LogConfig::default()
    }
}

#[test]
fn a_reader_on_another_thread_follows_the_shard() {
    const RECORDS: u64 = 20_000;
    let tmp = tempfile::tempdir().unwrap();
    let (wake, woken) = mpsc::channel();
    let on_change = move || wake.send(()).unwrap_or(());
    let (mut log, recovery) =
        Log::open(tmp.path(), small(), Arc::new(RealDisk), on_change).unwrap();
    assert_eq!((recovery.first, recovery.end), (Seq(1), Seq(0)));
    let handle = log.handle().clone();
    let follower = std::thread::spawn(move || {
        let mut reader = handle.reader(Seq(1));
        while reader.position() < Seq(RECORDS) {
            assert!(
                reader.wait(DEADLINE),
                "record {:?} is missing",
                reader.position()
            );
            while let Some((seq, bytes)) = reader.next().unwrap() {
                assert_eq!(bytes, record(seq.0));
            }
            let stored = reader.position();
            handle.release(Consumer::State, stored);
            handle.release(Consumer::Lake, stored);
        }
    });
    while log.appended() < Seq(RECORDS) {
        while log.appended() < Seq(RECORDS) && log.accepts() {
            let seq = log.appended().0 + 1;
            log.append(&record(seq)).unwrap();
        }
        log.flush(0);
        if !log.accepts() {
            woken.recv_timeout(DEADLINE).unwrap();
        }
    }
    follower.join().unwrap();
    assert_eq!(log.durable(), Seq(RECORDS));
    let health = log.handle().health(0);
    assert!(health.bytes_used <= health.bytes_max);
    log.shutdown().unwrap();

    let report = verify(tmp.path()).unwrap();
    assert_eq!(report.recovery.end, Seq(RECORDS));
    assert_eq!(report.records, RECORDS + 1 - report.recovery.first.0);
    assert_eq!(report.record_bytes, report.records * 100);
}

#[test]
fn shutdown_commits_what_is_left() {
    let tmp = tempfile::tempdir().unwrap();
    let open = || Log::open(tmp.path(), small(), Arc::new(RealDisk), || {}).unwrap();
    let (mut log, _) = open();
    append(&mut log, 5);
    let reader = log.handle().reader(Seq(6));
    let waiter = std::thread::spawn(move || (reader.wait(DEADLINE), reader.is_closed()));
    log.shutdown().unwrap();
    assert_eq!(
        waiter.join().unwrap(),
        (false, true),
        "a waiting reader is let go"
    );
    let (log, recovery) = open();
    assert_eq!((recovery.end, recovery.cut), (Seq(5), None));
    log.shutdown().unwrap();
}

#[test]
fn appends_go_on_while_the_disk_hangs_until_the_batch_is_full() {
    let disk = SimDisk::new(1, u64::MAX);
    let (mut log, _) = Log::open(Path::new(DIR), small(), Arc::new(disk.clone()), || {}).unwrap();
    disk.hold_syncs(true);
    let mut taken = 0;
    while log.accepts() {
        taken += 1;
        log.append(&record(taken)).unwrap();
        log.flush(0);
    }
    assert_eq!(log.durable(), Seq(0));
    assert!(matches!(
        log.handle().health(u64::MAX).state,
        LogState::Stalled { since_ns: 0 }
    ));
    disk.hold_syncs(false);
    assert!(log.handle().reader(Seq(taken)).wait(DEADLINE));
    assert_eq!(read_all(log.handle(), 1).unwrap(), taken);
    log.shutdown().unwrap();
}

#[test]
fn a_log_on_a_full_disk_shuts_down() {
    let disk = SimDisk::new(1, 64 << 10);
    let (wake, woken) = mpsc::channel();
    let on_change = move || wake.send(()).unwrap_or(());
    let (mut log, _) =
        Log::open(Path::new(DIR), small(), Arc::new(disk.clone()), on_change).unwrap();
    let mut seq = 0;
    while log.handle().health(0).state != LogState::NoSpace {
        while log.accepts() {
            seq += 1;
            log.append(&record(seq)).unwrap();
        }
        log.flush(0);
        woken.recv_timeout(DEADLINE).unwrap();
    }
    let error = log.shutdown().unwrap_err();
    assert!(
        error.to_string().ends_with("no space for the last records"),
        "{error}"
    );
}

#[test]
fn logs_of_a_data_directory_are_found_drained_and_removed() {
    let tmp = tempfile::tempdir().unwrap();
    assert_eq!(discover(tmp.path()).unwrap(), []);
    let mut ids = Vec::new();
    for shard in [2, 0, 1] {
        let dir = shard_dir(tmp.path(), shard);
        let (mut log, _) = Log::open(&dir, small(), Arc::new(RealDisk), || {}).unwrap();
        append(&mut log, 3);
        ids.push((shard, log.id()));
        log.shutdown().unwrap();
    }
    std::fs::create_dir(tmp.path().join("log/lost+found")).unwrap();
    std::fs::create_dir(tmp.path().join("log/007")).unwrap();
    ids.sort_unstable();
    let found = discover(tmp.path()).unwrap();
    assert_eq!(
        found.iter().map(|d| (d.shard, d.id)).collect::<Vec<_>>(),
        ids
    );

    let orphan = found[2].clone();
    let (mut reader, recovery) = open_read_only(&orphan.path).unwrap();
    assert_eq!((reader.log_id(), recovery.end), (orphan.id, Seq(3)));
    let mut seqs = Vec::new();
    dump(&mut reader, |seq, _| seqs.push(seq.0)).unwrap();
    assert_eq!(seqs, [1, 2, 3]);
    assert!(!reader.wait(DEADLINE), "nothing more will come");
    reader.seek(Seq(2));
    assert_eq!(reader.next().unwrap().unwrap().0, Seq(2));
    orphan.remove().unwrap();
    assert_eq!(discover(tmp.path()).unwrap().len(), 2);
    assert!(matches!(
        open_read_only(&tmp.path().join("log/007")),
        Err(LogError::NoLog { .. })
    ));
}
