//! From appending a record to knowing it durable, at a fixed rate, beside a bare `fdatasync` on the same disk.
//!
//! Stretches of load and of the probe take turns, so that a busy disk is busy for both.

use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::Duration;

use anyhow::{Context, ensure};
use bench::fdatasync::Probe;
use bench::machine::Machine;
use bench::output::{Figure, Options, Results};
use bench::stats::{Latencies, Quantiles};
use clap::Parser;
use net::clock::monotonic_ns;
use serde::Serialize;
use storage::disk::RealDisk;
use storage::log::{Log, LogConfig};

/// From appending a record to knowing it durable, beside a bare fdatasync.
#[derive(Debug, Parser)]
#[command(
    after_help = "Example:\n  cargo run --release -p bench --bin ack -- --dir . --out bench/results/2026-11-22-2core-vm"
)]
struct Arguments {
    #[command(flatten)]
    options: Options,
    /// A folder on the disk to measure; a new folder in it holds the log.
    #[arg(long, default_value = ".")]
    dir: std::path::PathBuf,
    /// Records per second.
    #[arg(long, default_value_t = 10_000)]
    rate: u64,
    /// Length of a record, bytes: a meter message has about 160.
    #[arg(long, default_value_t = 160)]
    record: usize,
    /// Stretches of load and of the probe.
    #[arg(long, default_value_t = 10)]
    turns: usize,
    /// Seconds per stretch.
    #[arg(long, default_value_t = 2)]
    seconds: u64,
}

#[derive(Debug, Serialize)]
struct Data {
    acknowledged: Quantiles,
    fdatasync: Quantiles,
    /// Of each turn.
    turns: Vec<(Quantiles, Quantiles)>,
    commits: u64,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let machine = Machine::read();
    let smoke = arguments.options.smoke;
    let (turns, stretch) = if smoke {
        (2, Duration::from_millis(100))
    } else {
        (arguments.turns, Duration::from_secs(arguments.seconds))
    };
    let dir = tempfile::tempdir_in(&arguments.dir).context("making a folder for the log")?;
    let mut probe = Probe::create(dir.path())?;
    let (wake, woken) = sync_channel(1);
    // A wake that is pending already wakes as well.
    let on_change = move || {
        let _ = wake.try_send(());
    };
    let (mut log, _) = Log::open(
        &dir.path().join("log"),
        LogConfig::default(),
        Arc::new(RealDisk),
        on_change,
    )?;

    let (mut acknowledged, mut syncs) = (Latencies::default(), Latencies::default());
    let mut data = Vec::new();
    let mut appended = 0;
    for _ in 0..turns {
        let count = arguments.rate * stretch.as_millis() as u64 / 1_000;
        let load = offer(&mut log, &woken, count, arguments.rate, arguments.record)?;
        let bare = probe.run(stretch)?;
        appended += count;
        data.push((load.quantiles(), bare.quantiles()));
        acknowledged.add(&load);
        syncs.add(&bare);
    }
    ensure!(
        log.durable().0 == appended,
        "{} of {appended} records are durable",
        log.durable().0
    );
    let commits = log.handle().health(monotonic_ns()).commits;
    log.shutdown().context("closing the log")?;

    let (ack, sync) = (acknowledged.quantiles(), syncs.quantiles());
    let results = Results {
        benchmark: "ack",
        machine,
        smoke,
        checksum: appended.to_string(),
        figures: vec![
            Figure {
                name: format!("append to durable at {}/s", arguments.rate),
                value: ack.to_string(),
                reach: None,
            },
            Figure {
                name: "bare write and fdatasync of 4 KiB".into(),
                value: sync.to_string(),
                reach: None,
            },
            Figure {
                name: "p99 against p99".into(),
                value: format!("{:.2}", ack.p99_us / sync.p99_us),
                reach: Some("≤ 2".into()),
            },
        ],
        not_measured: vec![
            "sockets and the shard: the benchmark `path` measures the whole way",
            "power loss: the disk is believed when it says that bytes are safe",
        ],
        data: Data {
            acknowledged: ack,
            fdatasync: sync,
            turns: data,
            commits,
        },
    };
    results.publish(&arguments.options)
}

/// Appends `count` records, `rate` per second, as a shard does: what is due in one turn is one batch.
fn offer(
    log: &mut Log,
    woken: &std::sync::mpsc::Receiver<()>,
    count: u64,
    rate: u64,
    record_len: usize,
) -> anyhow::Result<Latencies> {
    let record = vec![0xa5; record_len];
    let first = log.appended().0;
    let start = monotonic_ns();
    let due_of = |n: u64| start + n * 1_000_000_000 / rate;
    let mut latencies = Latencies::default();
    let (mut sent, mut durable) = (0, 0);
    while durable < count {
        let now = monotonic_ns();
        while sent < count && due_of(sent) <= now {
            log.append(&record)
                .context("appending; the log's budget is larger than this load")?;
            sent += 1;
        }
        log.flush(now);
        while durable < log.durable().0 - first {
            latencies.record(Duration::from_nanos(monotonic_ns() - due_of(durable)));
            durable += 1;
        }
        let wait = if sent < count {
            due_of(sent).saturating_sub(monotonic_ns())
        } else {
            1_000_000_000
        };
        match woken.recv_timeout(Duration::from_nanos(wait)) {
            Ok(()) | Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => anyhow::bail!("the log's committer is gone"),
        }
    }
    Ok(latencies)
}
