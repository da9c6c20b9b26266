//! Scripts: a log on a simulated disk, step by step; and the real one, with its threads.

mod batches;
mod failures;
mod inline;
mod interrupting;
mod readers;
mod recovery;
mod recycling;
mod threads;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fleet::Seq;

use super::format::PAGE;
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
