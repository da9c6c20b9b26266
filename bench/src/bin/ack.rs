//! What an acknowledgement costs at a fixed rate, beside a bare `fdatasync` on the same disk: from a meter message
//! leaving its station to the answer, what of that lies inside the server, and from appending a record to knowing it
//! durable. The same load goes to an echo that writes and syncs a block before it answers, and to one that answers at
//! once: what two processes and their sockets cost without us, with a disk and without.
//!
//! Beside that, what a log costs whose records nobody waits for, by how long they may wait for company.
//!
//! Stretches of each load and of the probe take turns, so that a busy disk is busy for all. In one more stretch the probe
//! runs while the load does: what the same disk then gives a thread that does nothing else.

use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::Duration;

use anyhow::{Context, ensure};
use bench::fdatasync::Probe;
use bench::inside::Inside;
use bench::load::{Load, wake_in_time};
use bench::machine::Machine;
use bench::output::{Figure, Options, Results};
use bench::servers::{Rival, Serve};
use bench::stats::{Latencies, Quantiles};
use bench::unawaited::{self, Unawaited};
use clap::Parser;
use net::clock::monotonic_ns;
use serde::Serialize;
use storage::disk::RealDisk;
use storage::log::{Consumer, Log, LogConfig};

// The program's, so that the figure is the program's.
#[global_allocator]
static ALLOCATOR: allocator::MiMalloc = allocator::MiMalloc;

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
    all: Turn,
    inside: Inside,
    turns: Vec<Turn>,
    unawaited: Vec<Unawaited>,
}

/// What one turn, or all together, came to.
#[derive(Clone, Copy, Debug, Serialize)]
struct Turn {
    acknowledged: Quantiles,
    /// By the echo that syncs.
    echoed: Quantiles,
    /// By the echo without a disk.
    echoed_at_once: Quantiles,
    durable: Quantiles,
    fdatasync: Quantiles,
    /// While the probe runs too.
    acknowledged_beside: Quantiles,
    /// While the load runs too.
    fdatasync_beside: Quantiles,
}

impl Turn {
    fn of(latencies: &[Latencies; 7]) -> Self {
        let [
            acknowledged,
            echoed,
            echoed_at_once,
            durable,
            fdatasync,
            acknowledged_beside,
            fdatasync_beside,
        ] = latencies.each_ref().map(Latencies::quantiles);
        Self {
            acknowledged,
            echoed,
            echoed_at_once,
            durable,
            fdatasync,
            acknowledged_beside,
            fdatasync_beside,
        }
    }
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    if let Some(rival) = arguments.serve.serve {
        return rival.serve(&arguments.serve);
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
    let (mut server, dir) = arguments.serve.start(Rival::Dataplane)?;
    let (echo, _echo_dir) = arguments.serve.start(Rival::DurableEcho)?;
    let (plain_echo, _plain_dir) = arguments.serve.start(Rival::MeterEcho)?;
    // Away from the server, where there is another CPU.
    let _ = net::os::pin_thread(machine.cpus.saturating_sub(1));
    wake_in_time()?;
    let mut load = Load::connect(server.addr, Rival::Dataplane.opening(), stations, "A")?;
    let mut echo_load = Load::connect(echo.addr, Rival::DurableEcho.opening(), stations, "E")?;
    let mut plain_load = Load::connect(plain_echo.addr, Rival::MeterEcho.opening(), stations, "P")?;
    let mut probe = Probe::create(dir.path())?;
    let (wake, woken) = sync_channel(1);
    // A wake that is pending already wakes as well.
    let on_change = move || {
        let _ = wake.try_send(());
    };
    let config = LogConfig {
        // As behind the data plane here: the state store lets segments go, and there are no tables.
        consumers: vec![Consumer::State],
        ..LogConfig::default()
    };
    let disk = Arc::new(RealDisk);
    let (mut log, _) = Log::open(&dir.path().join("log"), config, disk, on_change)?;

    let count = arguments.rate * stretch.as_millis() as u64 / 1_000;
    let mut all = [(); 7].map(|()| Latencies::default());
    let mut data = Vec::new();
    let before = Inside::of(&mut server)?;
    for _ in 0..turns {
        let (acknowledged_beside, fdatasync_beside) =
            beside(&mut load, &mut probe, count, arguments.rate)?;
        let one = [
            load.offer(count, arguments.rate)?.latencies,
            echo_load.offer(count, arguments.rate)?.latencies,
            plain_load.offer(count, arguments.rate)?.latencies,
            append(&mut log, &woken, count, arguments.rate, arguments.record)?,
            probe.run(stretch)?,
            acknowledged_beside,
            fdatasync_beside,
        ];
        data.push(Turn::of(&one));
        for (sum, one) in all.iter_mut().zip(&one) {
            sum.add(one);
        }
    }
    let inside = Inside::of(&mut server)?.since(&before);
    let offered = count * turns as u64;
    let answered = 2 * offered;
    ensure!(
        inside.count() == answered,
        "the server counts {} answers, expected {answered}",
        inside.count()
    );
    ensure!(
        log.durable().0 == offered,
        "{} of {offered} records are durable",
        log.durable().0
    );
    log.shutdown().context("closing the log")?;

    let all = Turn::of(&all);
    let mut unawaited = Vec::new();
    for wait_ms in UNAWAITED_WAITS_MS {
        let (dir, wait) = (
            dir.path().join(format!("unawaited-{wait_ms}")),
            Duration::from_millis(wait_ms),
        );
        unawaited.push(Unawaited::measure(&dir, wait, 5 * stretch)?);
    }
    let results = Results {
        benchmark: "ack",
        machine,
        smoke,
        checksum: (5 * offered).to_string(),
        figures: figures(&all, &inside, &unawaited),
        not_measured: vec![
            "a network: both ends are on one machine",
            "the tables behind the data plane: the benchmark `path` has them",
            "power loss: the disk is believed when it says that bytes are safe",
        ],
        data: Data {
            all,
            inside,
            turns: data,
            unawaited,
        },
    };
    results.publish(&arguments.options)
}

/// Waits that are compared for records that nobody waits for; the last one is the log's default.
const UNAWAITED_WAITS_MS: [u64; 2] = [1, 10];

/// Between two commits of the probe while the load runs: a tenth of the load's own.
const PAUSE_BESIDE: Duration = Duration::from_millis(1);

/// The load and the probe at once, each on a thread of its own.
fn beside(
    load: &mut Load,
    probe: &mut Probe,
    count: u64,
    rate: u64,
) -> anyhow::Result<(Latencies, Latencies)> {
    std::thread::scope(|scope| {
        let (running, end) = std::sync::mpsc::channel();
        let probing = scope.spawn(move || probe.run_beside(PAUSE_BESIDE, &end));
        let offered = load.offer(count, rate);
        drop(running);
        let probed = probing
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        Ok((offered?.latencies, probed?))
    })
}

fn figures(all: &Turn, inside: &Inside, unawaited: &[Unawaited]) -> Vec<Figure> {
    let probe_us = all.fdatasync.p99_us;
    let figure = |name: &str, value: String, reach: Option<&str>| Figure {
        name: name.to_owned(),
        value,
        reach: reach.map(str::to_owned),
    };
    let ratio =
        |name: &str, of: f64, to: f64, reach| figure(name, format!("{:.2}", of / to), reach);
    // The server counts in steps; a quantile beyond the last is as good as endless.
    let within = |quantile| {
        inside
            .bound_us(quantile)
            .map_or(f64::INFINITY, |us| us as f64)
    };
    let (inside_p50, inside_p99) = (within(0.5), within(0.99));
    let answers = inside.count() as f64;
    let unawaited = unawaited.iter().map(|log| {
        let name = format!(
            "records nobody waits for, {} Heartbeats/s, committed within {} ms",
            unawaited::RATE,
            log.wait_ms
        );
        figure(&name, log.to_string(), None)
    });
    let mut figures = vec![
        figure(
            "meter message to its answer",
            all.acknowledged.to_string(),
            None,
        ),
        figure(
            "of that inside the server, from readable to the reply handed on",
            format!("p50 ≤ {inside_p50} µs, p99 ≤ {inside_p99} µs over {answers}"),
            None,
        ),
        figure(
            "the same message to an echo that writes and syncs 4 KiB first",
            all.echoed.to_string(),
            None,
        ),
        figure(
            "the same message to an echo without a disk",
            all.echoed_at_once.to_string(),
            None,
        ),
        figure("append to durable", all.durable.to_string(), None),
        figure(
            "bare write and fdatasync of 4 KiB",
            all.fdatasync.to_string(),
            None,
        ),
        figure(
            "meter message to its answer while the probe runs too",
            all.acknowledged_beside.to_string(),
            None,
        ),
        figure(
            "bare write and fdatasync of 4 KiB each millisecond, meanwhile",
            all.fdatasync_beside.to_string(),
            None,
        ),
        ratio(
            "p99 of the answer against the probe's, both at once",
            all.acknowledged_beside.p99_us,
            all.fdatasync_beside.p99_us,
            Some("≤ 2"),
        ),
        ratio(
            "p99 of the answer against the probe's",
            all.acknowledged.p99_us,
            probe_us,
            Some("≤ 2"),
        ),
        ratio(
            "p99 inside the server against the probe's",
            inside_p99,
            probe_us,
            None,
        ),
        ratio(
            "p99 of the append against the probe's",
            all.durable.p99_us,
            probe_us,
            None,
        ),
        ratio(
            "p99 of the syncing echo against the probe's",
            all.echoed.p99_us,
            probe_us,
            None,
        ),
        ratio(
            "p99 of the answer against the syncing echo's",
            all.acknowledged.p99_us,
            all.echoed.p99_us,
            None,
        ),
        figure(
            "the server's log per answer",
            format!(
                "{:.2} commits, {:.0} bytes",
                inside.commits as f64 / answers,
                inside.bytes_written as f64 / answers
            ),
            None,
        ),
    ];
    figures.extend(unawaited);
    figures
}

/// As the data plane's state store does.
const RELEASE_EVERY: Duration = Duration::from_secs(1);

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
    let (mut sent, mut durable, mut released_at) = (0, 0, start);
    while durable < count {
        let now = monotonic_ns();
        while sent < count && due_of(sent) <= now {
            log.append(&record)
                .context("appending; the log's budget is larger than this load")?;
            sent += 1;
        }
        log.flush(now);
        if released_at + RELEASE_EVERY.as_nanos() as u64 <= now {
            released_at = now;
            log.handle().release(Consumer::State, log.durable());
        }
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
