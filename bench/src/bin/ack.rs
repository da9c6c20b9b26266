//! What an acknowledgement costs at a fixed rate, beside a bare `fdatasync` on the same disk: from a meter message
//! leaving its station to the answer, and, of that, from appending a record to knowing it durable.
//!
//! Stretches of either load and of the probe take turns, so that a busy disk is busy for all.

use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::Duration;

use anyhow::{Context, ensure};
use bench::fdatasync::Probe;
use bench::load::Load;
use bench::machine::Machine;
use bench::output::{Figure, Options, Results};
use bench::servers::{Rival, Serve};
use bench::stats::{Latencies, Quantiles};
use clap::Parser;
use net::clock::monotonic_ns;
use serde::Serialize;
use storage::disk::RealDisk;
use storage::log::{Log, LogConfig};

/// What an acknowledgement costs, beside a bare fdatasync.
#[derive(Debug, Parser)]
#[command(
    after_help = "Example:\n  cargo run --release -p bench --bin ack -- --dir . --out bench/results/2026-11-22-2core-vm"
)]
struct Arguments {
    #[command(flatten)]
    options: Options,
    #[command(flatten)]
    serve: Serve,
    /// Events, and records, per second.
    #[arg(long, default_value_t = 10_000)]
    rate: u64,
    /// Length of a record, bytes: a meter message has about 160.
    #[arg(long, default_value_t = 160)]
    record: usize,
    /// Stations that the events come from.
    #[arg(long, default_value_t = 1_000)]
    stations: usize,
    /// Stretches of each load and of the probe.
    #[arg(long, default_value_t = 10)]
    turns: usize,
    /// Seconds per stretch.
    #[arg(long, default_value_t = 2)]
    seconds: u64,
}

#[derive(Debug, Serialize)]
struct Data {
    acknowledged: Quantiles,
    durable: Quantiles,
    fdatasync: Quantiles,
    turns: Vec<Turn>,
}

/// One turn of all three.
#[derive(Debug, Serialize)]
struct Turn {
    acknowledged: Quantiles,
    durable: Quantiles,
    fdatasync: Quantiles,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    if let Some(rival) = arguments.serve.serve {
        return rival.serve(&arguments.serve.dir);
    }
    let machine = Machine::read();
    let smoke = arguments.options.smoke;
    let (turns, stretch, stations) = if smoke {
        (2, Duration::from_millis(100), 20)
    } else {
        (
            arguments.turns,
            Duration::from_secs(arguments.seconds),
            arguments.stations,
        )
    };
    let (server, dir) = arguments.serve.start(Rival::Dataplane)?;
    // Away from the server, where there is another CPU.
    let _ = net::os::pin_thread(machine.cpus.saturating_sub(1));
    let mut load = Load::connect(server.addr, stations, "A")?;
    let mut probe = Probe::create(dir.path())?;
    let (wake, woken) = sync_channel(1);
    // A wake that is pending already wakes as well.
    let on_change = move || {
        let _ = wake.try_send(());
    };
    let disk = Arc::new(RealDisk);
    let (mut log, _) = Log::open(
        &dir.path().join("log"),
        LogConfig::default(),
        disk,
        on_change,
    )?;

    let count = arguments.rate * stretch.as_millis() as u64 / 1_000;
    let mut all = [
        Latencies::default(),
        Latencies::default(),
        Latencies::default(),
    ];
    let mut data = Vec::new();
    for _ in 0..turns {
        let acknowledged = load.offer(count, arguments.rate)?.latencies;
        let durable = append(&mut log, &woken, count, arguments.rate, arguments.record)?;
        let fdatasync = probe.run(stretch)?;
        data.push(Turn {
            acknowledged: acknowledged.quantiles(),
            durable: durable.quantiles(),
            fdatasync: fdatasync.quantiles(),
        });
        for (sum, one) in all.iter_mut().zip([&acknowledged, &durable, &fdatasync]) {
            sum.add(one);
        }
    }
    let appended = count * turns as u64;
    ensure!(
        log.durable().0 == appended,
        "{} of {appended} records are durable",
        log.durable().0
    );
    log.shutdown().context("closing the log")?;

    let [acknowledged, durable, fdatasync] = all.map(|latencies| latencies.quantiles());
    let ratio = |of: &Quantiles| format!("{:.2}", of.p99_us / fdatasync.p99_us);
    let figure = |name: &str, value: String, reach: Option<&str>| Figure {
        name: name.to_owned(),
        value,
        reach: reach.map(str::to_owned),
    };
    let results = Results {
        benchmark: "ack",
        machine,
        smoke,
        checksum: (2 * appended).to_string(),
        figures: vec![
            figure(
                "meter message to its answer",
                acknowledged.to_string(),
                None,
            ),
            figure("append to durable", durable.to_string(), None),
            figure(
                "bare write and fdatasync of 4 KiB",
                fdatasync.to_string(),
                None,
            ),
            figure(
                "p99 of the answer against the probe's",
                ratio(&acknowledged),
                Some("≤ 2"),
            ),
            figure(
                "p99 of the append against the probe's",
                ratio(&durable),
                None,
            ),
        ],
        not_measured: vec![
            "a network: both ends are on one machine",
            "the tables behind the data plane: the benchmark `path` has them",
            "power loss: the disk is believed when it says that bytes are safe",
        ],
        data: Data {
            acknowledged,
            durable,
            fdatasync,
            turns: data,
        },
    };
    results.publish(&arguments.options)
}

/// Appends `count` records, `rate` per second, as a shard does: what is due in one turn is one batch.
fn append(
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
