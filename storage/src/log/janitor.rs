//! The background work of a log: segment files are recycled once released, and one is zeroed ahead.
//!
//! Consumers release in bursts (the state store each second, the tables each minute), so as many files are kept ready
//! as the log had in use before the last bursts ([`Peak`]): what one burst releases is used again before the next, and
//! under a steady load nothing is zeroed at all.
//!
//! Zeroing goes in small pieces with pauses ([`PIECE`], [`PAUSE`]: 64 MiB in about a second), so that it does not
//! stand in a commit's way; a commit that outruns it grows a file instead of waiting. It goes past the page cache: with
//! the pauses, on a busy machine, 64 MiB took 34 to 41 ms of CPU through it, each piece synced, and 11 to 16 ms past it,
//! synced once (ext4). Filesystems that cannot get pieces through the cache.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use super::LogState;
use super::ready::READY_MAX;
use super::segments::Segment;
use super::shared::Shared;
use crate::disk::{DIRECT_ALIGN, DiskFile};

/// Bytes zeroed at a time.
const PIECE: usize = 256 << 10;
const _: () = assert!(PIECE.is_multiple_of(DIRECT_ALIGN));
/// Between two pieces.
const PAUSE: Duration = Duration::from_millis(4);
/// After an error of the disk.
const RETRY: Duration = Duration::from_secs(1);
/// Name of the file that is being zeroed.
pub(super) const NEW_FILE: &str = "new.tmp";

/// What a step did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// A piece of work; there may be more.
    Worked,
    /// Nothing to do until a segment is released or taken.
    Idle,
    /// The disk refused.
    Refused,
}

pub(super) struct Janitor {
    shared: Arc<Shared>,
    /// Released, out of the index, and not yet renamed or removed. Segments leave in order: one that is left
    /// behind would look like the survivor of a lost successor.
    leaving: Option<Segment>,
    peak: Peak,
    zeroing: Option<Zeroing>,
    /// As long as [`PIECE`] and what it takes to align it, while something is zeroed.
    zeros: Vec<u8>,
    /// False once this disk has refused a direct write.
    direct: bool,
}

/// The most segments that held records before a burst of releases; it falls slowly when load does.
#[derive(Debug, Default)]
struct Peak {
    segments: usize,
    in_burst: bool,
}

impl Peak {
    /// A segment is released, one of `segments`.
    fn released(&mut self, segments: usize) {
        self.in_burst = true;
        self.segments = self.segments.max(segments);
    }

    /// Nothing more is released for now.
    fn burst_ended(&mut self) {
        if std::mem::take(&mut self.in_burst) {
            self.segments -= self.segments.div_ceil(8);
        }
    }

    /// Files to keep ready while `segments` hold records.
    fn ready_max(&self, segments: usize) -> usize {
        self.segments.saturating_sub(segments).max(READY_MAX)
    }
}

struct Zeroing {
    path: PathBuf,
    file: Box<dyn DiskFile>,
    len: u64,
}

impl Janitor {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            leaving: None,
            peak: Peak::default(),
            zeroing: None,
            zeros: Vec::new(),
            direct: true,
        }
    }

    pub(super) fn step(&mut self) -> Step {
        match self.try_step() {
            Ok(true) => Step::Worked,
            Ok(false) => Step::Idle,
            Err(e) => {
                let dir = self.shared.segments.dir.display();
                tracing::warn!(log = %dir, error = %e, "preparing a log segment was refused");
                Step::Refused
            }
        }
    }

    fn try_step(&mut self) -> io::Result<bool> {
        if self.leaving.is_none() {
            let mut index = self.shared.segments.lock();
            let before = index.segments.len();
            self.leaving = index.take_released();
            match self.leaving {
                Some(_) => self.peak.released(before),
                None => self.peak.burst_ended(),
            }
        }
        if let Some(segment) = self.leaving {
            self.recycle(segment)?;
            self.leaving = None;
            self.shared.slot.poke();
            return Ok(true);
        }
        match self.zeroing.take() {
            Some(zeroing) => self.zero(zeroing).map(|()| true),
            None => self.begin_zeroing(),
        }
    }

    /// Makes a released file ready again, or removes it when enough are.
    fn recycle(&self, segment: Segment) -> io::Result<()> {
        let Shared {
            segments,
            ready,
            config,
            ..
        } = &*self.shared;
        let path = segments.path(segment.no);
        let ready_max = self.peak.ready_max(segments.lock().segments.len());
        let done = if ready.len() < ready_max && segment.capacity == config.segment_len {
            ready.adopt(segments, path, segment.capacity)
        } else {
            let removed = segments.disk.remove(&path);
            removed.and_then(|()| segments.disk.sync_dir(&segments.dir))
        };
        match done {
            // The name went in a step that failed later and is being repeated.
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
            done => done,
        }
    }

    fn begin_zeroing(&mut self) -> io::Result<bool> {
        let Shared {
            segments,
            ready,
            config,
            ..
        } = &*self.shared;
        let room = {
            let index = segments.lock();
            let next = index.bytes_used() + config.segment_len;
            index.state == LogState::Ok && next <= config.bytes_max
        };
        if !room || 0 < ready.len() {
            self.zeros = Vec::new();
            return Ok(false);
        }
        let path = segments.dir.join(NEW_FILE);
        let direct = match self.direct {
            true => Some(segments.disk.create_direct(&path)),
            false => None,
        };
        let file = match direct {
            Some(Err(e)) if e.kind() == io::ErrorKind::InvalidInput => {
                self.direct = false;
                note_no_direct_writes(&segments.dir);
                segments.disk.create(&path)?
            }
            Some(created) => created?,
            None => segments.disk.create(&path)?,
        };
        self.zeros.resize(PIECE + DIRECT_ALIGN, 0);
        self.zeroing = Some(Zeroing { path, file, len: 0 });
        Ok(true)
    }

    /// Writes one more piece; a file that is refused one is begun again later.
    fn zero(&mut self, mut zeroing: Zeroing) -> io::Result<()> {
        let Shared {
            segments,
            ready,
            config,
            ..
        } = &*self.shared;
        let piece = (config.segment_len - zeroing.len).min(PIECE as u64);
        let start = self.zeros.as_ptr().align_offset(DIRECT_ALIGN);
        let zeros = &self.zeros[start..start + piece as usize];
        // What went past the cache is no burden to a later sync, and each sync is a commit of the filesystem's journal.
        let sync = !self.direct || zeroing.len + piece == config.segment_len;
        let mut written = zeroing.file.pwrite(zeros, zeroing.len);
        if sync {
            written = written.and_then(|()| zeroing.file.fdatasync());
        }
        if let Err(e) = written {
            // The space goes back first: the commit that may need it matters more.
            segments.disk.remove(&zeroing.path)?;
            if self.direct && e.kind() == io::ErrorKind::InvalidInput {
                self.direct = false;
                note_no_direct_writes(&segments.dir);
                return Ok(());
            }
            return Err(e);
        }
        zeroing.len += piece;
        if zeroing.len == config.segment_len {
            return ready.adopt(segments, zeroing.path, zeroing.len);
        }
        self.zeroing = Some(zeroing);
        Ok(())
    }

    /// Works until the log closes.
    pub(super) fn run(mut self) {
        while !self.shared.bell.is_closed() {
            match self.step() {
                Step::Worked => self.shared.bell.pause(PAUSE),
                Step::Idle => self.shared.bell.wait(),
                Step::Refused => self.shared.bell.pause(RETRY),
            }
        }
    }
}

/// Nothing is wrong with such a disk (tmpfs, some network and stacked filesystems), and nobody has to do anything.
fn note_no_direct_writes(dir: &Path) {
    tracing::info!(
        log = %dir.display(),
        "the filesystem takes no direct writes: new segments are zeroed through the page cache, which costs some more CPU \
         and nothing else"
    );
}

/// Wakes the janitor.
#[derive(Debug, Default)]
pub(super) struct Bell {
    state: Mutex<BellState>,
    rung: Condvar,
}

#[derive(Debug, Default)]
struct BellState {
    rung: bool,
    closed: bool,
}

impl Bell {
    /// A segment was released or taken.
    pub(super) fn ring(&self) {
        self.lock().rung = true;
        self.rung.notify_one();
    }

    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.rung.notify_one();
    }

    fn is_closed(&self) -> bool {
        self.lock().closed
    }

    fn wait(&self) {
        let state = self.lock();
        let woken = self.rung.wait_while(state, |s| !s.rung && !s.closed);
        woken.expect(POISON).rung = false;
    }

    /// Waits, unless the log closes; a ring is kept for [`Bell::wait`].
    fn pause(&self, timeout: Duration) {
        let state = self.lock();
        let woken = self.rung.wait_timeout_while(state, timeout, |s| !s.closed);
        drop(woken.expect(POISON));
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BellState> {
        self.state.lock().expect(POISON)
    }
}

const POISON: &str = "no thread panics while it holds the bell";
