//! What it costs to commit records that nobody waits for, as a fleet at rest makes them: Heartbeats, which are
//! answered at once, and whose two raw frames go to the log all the same.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::Duration;

use anyhow::Context;
use net::clock::monotonic_ns;
use serde::Serialize;
use storage::disk::RealDisk;
use storage::log::{Log, LogConfig};

use crate::child::cpu_time;

/// Heartbeats per second of 100,000 stations that send one every five minutes.
pub const RATE: u64 = 333;
/// Records that a Heartbeat leaves.
const RECORDS: usize = 2;
/// Bytes of one.
const RECORD_LEN: usize = 160;

/// What a log did in `seconds` at [`RATE`].
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Unawaited {
    /// [`LogConfig::unawaited_wait`], milliseconds.
    pub wait_ms: u64,
    /// How long it ran.
    pub seconds: f64,
    /// Commits.
    pub commits: u64,
    /// Bytes written, padding included.
    pub bytes: u64,
    /// CPU of this process, with the loop that appends.
    pub cpu_ms: f64,
}

impl Unawaited {
    /// Appends to a log in `dir` that waits for up to `wait`, for `time`.
    ///
    /// # Errors
    ///
    /// The log refuses.
    pub fn measure(dir: &Path, wait: Duration, time: Duration) -> anyhow::Result<Self> {
        let (wake, woken) = sync_channel(1);
        // A wake that is pending already wakes as well.
        let on_change = move || {
            let _ = wake.try_send(());
        };
        let config = LogConfig {
            unawaited_wait: wait,
            ..LogConfig::default()
        };
        let opened = Log::open(dir, config, Arc::new(RealDisk), on_change);
        let (mut log, _) = opened.context("opening a log")?;
        let (start, cpu) = (monotonic_ns(), cpu_time(std::process::id())?);
        let count = time.as_millis() as u64 * RATE / 1_000;
        for n in 0..count {
            let due = start + n * 1_000_000_000 / RATE;
            while let Some(left) = due.checked_sub(monotonic_ns()).filter(|left| 0 < *left) {
                // The shard is woken by each commit too.
                match woken.recv_timeout(Duration::from_nanos(left)) {
                    Ok(()) | Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => anyhow::bail!("the committer is gone"),
                }
            }
            for _ in 0..RECORDS {
                log.append(&[0xa5; RECORD_LEN]).context("appending")?;
            }
            log.flush_unawaited(monotonic_ns());
        }
        let health = log.handle().health(0);
        let cpu = cpu_time(std::process::id())? - cpu;
        let seconds = (monotonic_ns() - start) as f64 / 1e9;
        log.shutdown().context("closing the log")?;
        Ok(Self {
            wait_ms: wait.as_millis() as u64,
            seconds,
            commits: health.commits,
            bytes: health.bytes_written,
            cpu_ms: cpu.as_secs_f64() * 1e3,
        })
    }
}

impl std::fmt::Display for Unawaited {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let per_second = |of: f64| of / self.seconds;
        write!(
            f,
            "{:.0} commits/s, {:.1} GB a day, {:.2} % of a CPU",
            per_second(self.commits as f64),
            per_second(self.bytes as f64) * 86_400.0 / 1e9,
            per_second(self.cpu_ms) / 10.0
        )
    }
}
