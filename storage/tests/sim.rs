//! A log on a disk that lies, over many seeds.
//!
//! Each seed is one story of several lives: records are appended, committed and released, the disk refuses and
//! fills up, and each life ends in a power cut, a kill or a shutdown. After each, everything that was
//! acknowledged is there, in order, once, and unchanged, and nothing else than what was appended. In half of the
//! lives the shard commits by itself while the disk is quick, which it is not always.
//!
//! `SIGEC_SEED=n` runs one seed, `SIGEC_SEEDS=n` the first n, `SIGEC_SEEDS=a..b` others; the default is 1,000.

#![expect(clippy::unwrap_used, reason = "a story is test code outside a #[test]")]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use fleet::{LogId, Seq};
use storage::disk::{Disk, Fault, SimDisk};
use storage::log::{Consumer, Log, LogConfig, LogError, LogState, Recovery, Stepper};

const DIR: &str = "/log";
const SEEDS: u64 = 1_000;
const LIVES: u64 = 5;
const STEPS: u64 = 60;
const SLOW: Duration = Duration::from_millis(1);

/// With the shard's own commits or without.
fn config(own: bool) -> LogConfig {
    LogConfig {
        inline_max: if own { SLOW / 2 } else { Duration::ZERO },
        inline_after: 1,
        segment_len: 32 << 10,
        bytes_max: 8 * (32 << 10),
        batch_len_max: 12 << 10,
        record_len_max: 6 << 10,
        ..LogConfig::default()
    }
}

const FAULTS: [Fault; 5] = [
    Fault::Read,
    Fault::Write,
    Fault::Sync,
    Fault::Name,
    Fault::SyncDir,
];

/// What the world may expect of the log.
struct Story {
    disk: SimDisk,
    id: Option<LogId>,
    /// For each seq from 1: which append it was, ever. A seq that was lost unacknowledged is given again.
    appends: Vec<u64>,
    appended_ever: u64,
    /// Acknowledged: `durable` as the shard saw it.
    acked: u64,
    /// Acknowledged before the last commit.
    acked_before: u64,
    released: u64,
    /// Commits of the shard's own.
    own_commits: u64,
}

/// The bytes of the n-th append ever; its length follows from n too.
fn record(n: u64) -> Vec<u8> {
    let len = match n % 17 {
        0 => 0,
        1 => 6 << 10,
        m => 8 * (n.wrapping_mul(m) % 90) as usize,
    };
    let mut bytes = n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes().to_vec();
    bytes = bytes.iter().copied().cycle().take(len).collect();
    bytes
}

impl Story {
    fn new(seed: u64) -> Self {
        Self {
            disk: SimDisk::new(seed, u64::MAX),
            id: None,
            appends: Vec::new(),
            appended_ever: 0,
            acked: 0,
            acked_before: 0,
            released: 0,
            own_commits: 0,
        }
    }

    fn chance(&self, percent: u64) -> bool {
        self.disk.below(100) < percent
    }

    fn open(&self) -> Result<(Log, Stepper, Recovery), LogError> {
        let disk: Arc<dyn Disk> = Arc::new(self.disk.clone());
        Log::open_stepped(Path::new(DIR), config(self.chance(50)), disk)
    }

    /// Opens the log, perhaps on the second attempt, and checks what it has.
    fn begin_life(&mut self) -> (Log, Stepper) {
        if self.chance(10) {
            self.disk.inject(FAULTS[self.disk.below(5) as usize]);
            if let Err(error) = self.open() {
                assert!(matches!(error, LogError::Io { .. }), "{error}");
            }
            self.disk.clear_faults();
        }
        let (log, stepper, recovery) = self.open().unwrap();
        self.check_recovery(&recovery);
        if self.acked < recovery.end.0 {
            // A commit that was cut short by the end of the last life, and made it.
            self.acked_before = self.acked;
            self.acked = recovery.end.0;
        }
        self.appends.truncate(recovery.end.0 as usize);
        let id = *self.id.get_or_insert(log.id());
        assert_eq!(log.id(), id);
        self.check_records(&log);
        for consumer in [Consumer::State, Consumer::Lake] {
            log.handle().release(consumer, Seq(self.released));
        }
        (log, stepper)
    }

    fn check_recovery(&self, recovery: &Recovery) {
        let (first, end) = (recovery.first.0, recovery.end.0);
        assert!(
            self.acked <= end,
            "acknowledged {}, found {end}",
            self.acked
        );
        assert!(end <= self.appends.len() as u64, "records nobody appended");
        assert!(first <= self.released + 1, "{first} was never released");
    }

    fn check_records(&self, log: &Log) {
        let first = log.handle().first();
        let mut reader = log.handle().reader(first);
        let mut expected = first.0;
        while let Some((seq, bytes)) = reader.next().unwrap() {
            assert_eq!(seq, Seq(expected));
            assert_eq!(
                bytes,
                record(self.appends[expected as usize - 1]),
                "{seq:?}"
            );
            expected += 1;
        }
        assert_eq!(expected, log.durable().0 + 1);
    }

    fn live(&mut self, log: &mut Log, stepper: &mut Stepper) {
        for _ in 0..STEPS {
            match self.disk.below(100) {
                0..=49 => self.append(log),
                50..=74 => {
                    stepper.step();
                    self.note_durable(log);
                }
                75..=79 => {
                    let slow = self.chance(30);
                    self.disk
                        .set_sync_time(if slow { SLOW } else { Duration::ZERO });
                }
                80..=89 => self.release(log),
                90..=92 => self.disk.inject(Fault::Sync),
                93..=94 => self.disk.inject(FAULTS[1 + self.disk.below(4) as usize]),
                95..=96 => self.disk.set_capacity(self.disk.used()),
                97..=98 => self.disk.set_capacity(u64::MAX),
                _ => self.check_records(log),
            }
        }
    }

    fn append(&mut self, log: &mut Log) {
        for _ in 0..self.disk.below(6) {
            let accepts = log.accepts();
            match log.append(&record(self.appended_ever)) {
                Ok(seq) => {
                    self.appends.push(self.appended_ever);
                    self.appended_ever += 1;
                    assert_eq!(seq.0, self.appends.len() as u64);
                }
                Err(error) => {
                    assert!(!accepts, "{error}");
                    assert!(
                        matches!(error, LogError::Full { .. } | LogError::Stopped { .. }),
                        "{error}"
                    );
                }
            }
        }
        match self.disk.below(100) {
            0..=59 => {
                let before = log.durable();
                log.flush(0);
                self.own_commits += u64::from(before < log.durable());
                self.note_durable(log);
            }
            60..=79 => log.flush_unawaited(0),
            _ => {}
        }
    }

    /// At most one commit has ended since the last call.
    fn note_durable(&mut self, log: &Log) {
        let durable = log.durable().0;
        assert!(self.acked <= durable && durable <= self.appends.len() as u64);
        if self.acked < durable {
            self.acked_before = self.acked;
            self.acked = durable;
        }
    }

    fn release(&mut self, log: &Log) {
        self.released += self.disk.below(self.acked - self.released + 1);
        for consumer in [Consumer::State, Consumer::Lake] {
            log.handle().release(consumer, Seq(self.released));
        }
    }

    /// Ends a life; true when it ended well.
    fn end_life(&mut self, log: Log, mut stepper: Stepper) -> bool {
        self.disk.set_capacity(u64::MAX);
        self.disk.clear_faults();
        let well = match self.disk.below(3) {
            0 if !matches!(state(&log), LogState::Failed { .. }) => {
                let mut log = log;
                log.flush(0);
                self.note_durable(&log);
                let finished = stepper.finish();
                self.acked = log.durable().0;
                match finished {
                    Ok(()) => assert_eq!(self.acked, self.appends.len() as u64),
                    Err(error) => assert_eq!(state(&log), LogState::Full, "{error}"),
                }
                state(&log) == LogState::Ok
            }
            // A kill: the page cache survives.
            0 | 1 => false,
            _ => {
                self.disk = self.disk.crash();
                false
            }
        };
        if well && self.chance(50) {
            self.disk = self.disk.crash();
        }
        well
    }

    /// A bit flips at rest. What opens then is right, if shorter by the last commit at most; or it is refused.
    fn flip(&mut self, well: bool) -> Outcome {
        let files = self.disk.list(Path::new(DIR)).unwrap();
        let file = &files[self.disk.below(files.len() as u64) as usize];
        let len = self.disk.open(file).unwrap().len().unwrap();
        if len == 0 {
            return Outcome::Whole;
        }
        self.disk.flip_bit(file, self.disk.below(len * 8));
        let (log, _stepper, recovery) = match self.open() {
            Ok(opened) => opened,
            Err(LogError::Corrupt { .. } | LogError::Missing { .. }) => return Outcome::Refused,
            Err(error) => panic!("{error}"),
        };
        let least = if well { self.acked } else { self.acked_before };
        assert!(least <= recovery.end.0, "{least} and {recovery:?}");
        assert!(recovery.end.0 <= self.appends.len() as u64);
        let mut reader = log.handle().reader(recovery.first);
        loop {
            match reader.next() {
                Ok(Some((seq, bytes))) => {
                    assert_eq!(bytes, record(self.appends[seq.0 as usize - 1]), "{seq:?}");
                }
                Ok(None) if recovery.end.0 < self.acked => return Outcome::Cut,
                Ok(None) => return Outcome::Whole,
                Err(LogError::Corrupt { .. }) => return Outcome::Refused,
                Err(error) => panic!("{error}"),
            }
        }
    }
}

fn state(log: &Log) -> LogState {
    log.handle().health(0).state
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// The bit did not matter.
    Whole,
    /// The last commit was taken for a torn one.
    Cut,
    Refused,
}

fn run(seed: u64) -> (Story, Outcome) {
    let mut story = Story::new(seed);
    let mut well = false;
    for _ in 0..LIVES {
        let (mut log, mut stepper) = story.begin_life();
        story.live(&mut log, &mut stepper);
        well = story.end_life(log, stepper);
    }
    let outcome = story.flip(well);
    (story, outcome)
}

fn seeds() -> std::ops::Range<u64> {
    let number = |text: &str| text.parse::<u64>().unwrap();
    if let Ok(seed) = std::env::var("SIGEC_SEED") {
        return number(&seed)..number(&seed) + 1;
    }
    match std::env::var("SIGEC_SEEDS") {
        Ok(range) => match range.split_once("..") {
            Some((start, end)) => number(start)..number(end),
            None => 0..number(&range),
        },
        Err(_) => 0..SEEDS,
    }
}

#[test]
fn nothing_acknowledged_is_lost_doubled_or_changed() {
    let (mut records, mut own_commits, mut outcomes) = (0, 0, Vec::new());
    for seed in seeds() {
        let told = std::panic::catch_unwind(|| run(seed));
        let (story, outcome) = told.unwrap_or_else(|_| {
            panic!("repeat with SIGEC_SEED={seed} cargo test -p storage --test sim")
        });
        records += story.appended_ever;
        own_commits += story.own_commits;
        outcomes.push(outcome);
    }
    let count = |o| outcomes.iter().filter(|x| **x == o).count();
    let (whole, cut, refused) = (
        count(Outcome::Whole),
        count(Outcome::Cut),
        count(Outcome::Refused),
    );
    println!(
        "{records} records, {own_commits} commits of the shard's own; flipped bits: {whole} harmless, {cut} cut, \
         {refused} refused"
    );
    if SEEDS <= outcomes.len() as u64 {
        assert!(
            0 < whole && 0 < cut && 0 < refused,
            "the seeds visit all three"
        );
        assert!(outcomes.len() as u64 * 5 < own_commits, "{own_commits}");
    }
}
