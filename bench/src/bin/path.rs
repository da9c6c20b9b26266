//! The whole program: acknowledgements under load, from an event to SQL, during a full scan, and a restart.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, ensure};
use bench::client::Opening;
use bench::fdatasync::Probe;
use bench::load::{Load, STEP_MWH, Station, wake_in_time};
use bench::machine::Machine;
use bench::output::{Figure, Options, Results};
use bench::sigec::Sigec;
use bench::stats::{Latencies, Quantiles};
use clap::Parser;
use net::clock::monotonic_ns;
use serde::Serialize;

/// The whole program: acknowledgements, event to SQL, restart.
#[derive(Debug, Parser)]
#[command(
    after_help = "Example:\n  make release && cargo run --release -p bench --bin path -- --sigec bin/sigec --out bench/results/2026-11-22-2core-vm"
)]
struct Arguments {
    #[command(flatten)]
    options: Options,
    /// The program.
    #[arg(long, default_value = "bin/sigec")]
    sigec: PathBuf,
    /// A folder on the disk to measure; a new folder in it holds the data.
    #[arg(long, default_value = ".")]
    dir: PathBuf,
    /// Stations.
    #[arg(long, default_value_t = 1_000)]
    stations: usize,
    /// Events per second.
    #[arg(long, default_value_t = 10_000)]
    rate: u64,
    /// Stretches of load, each followed by one of the probe.
    #[arg(long, default_value_t = 5)]
    turns: u64,
    /// Seconds per stretch.
    #[arg(long, default_value_t = 4)]
    seconds: u64,
    /// Events whose way to SQL is timed.
    #[arg(long, default_value_t = 100)]
    visible: u64,
}

#[derive(Debug, Serialize)]
struct Data {
    acknowledged: Quantiles,
    fdatasync: Quantiles,
    acknowledged_during_scan: Quantiles,
    scans: u64,
    rows_scanned: u64,
    visible: Quantiles,
    ready_empty_s: f64,
    ready_after_kill_s: f64,
    log_bytes_at_kill: u64,
}

/// Reads every row of the largest table.
const SCAN: &str = "SELECT station_id, count(*) AS n, avg(power_w) AS p, avg(voltage_l1_v) AS v, max(energy_wh) AS e \
                    FROM meter_values GROUP BY station_id ORDER BY e DESC LIMIT 5";

fn main() -> anyhow::Result<()> {
    let mut arguments = Arguments::parse();
    let machine = Machine::read();
    if arguments.options.smoke {
        (
            arguments.stations,
            arguments.rate,
            arguments.turns,
            arguments.seconds,
            arguments.visible,
        ) = (20, 200, 1, 1, 3);
    }
    let dir = tempfile::tempdir_in(&arguments.dir).context("making a folder for the data")?;
    let data_dir = dir.path().join("data");
    let mut probe = Probe::create(dir.path())?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;

    let server = Sigec::start(&arguments.sigec, &data_dir)?;
    let ready_empty_s = server.ready_after.as_secs_f64();
    wake_in_time()?;
    let mut load = Load::connect(server.ocpp, Opening::Station, arguments.stations, "L")?;
    let per_turn = arguments.rate * arguments.seconds;
    load.offer(per_turn.min(arguments.rate), arguments.rate)?;
    let mut events = per_turn.min(arguments.rate);

    let (mut acknowledged, mut syncs) = (Latencies::default(), Latencies::default());
    for _ in 0..arguments.turns {
        acknowledged.add(&load.offer(per_turn, arguments.rate)?.latencies);
        syncs.add(&probe.run(Duration::from_secs(arguments.seconds))?);
        events += per_turn;
    }

    let api = server.api()?;
    let mut single = Station::connect(server.ocpp, "V00000")?;
    let mut visible = Latencies::default();
    for _ in 0..arguments.visible {
        visible.record(runtime.block_on(until_visible(&api, &mut single))?);
    }

    let (during_scan, scans) = offer_during_scans(&server, &mut load, per_turn, arguments.rate)?;
    events += per_turn;

    let total = runtime.block_on(rows(&api))?;
    let log_bytes_at_kill = size(&data_dir.join("log"))?;
    drop(server);
    let server = Sigec::start(&arguments.sigec, &data_dir)?;
    let ready_after_kill_s = server.ready_after.as_secs_f64();
    let sums = runtime.block_on(wait_for_rows(&server.api()?, &arguments, events))?;

    let data = Data {
        acknowledged: acknowledged.quantiles(),
        fdatasync: syncs.quantiles(),
        acknowledged_during_scan: during_scan.quantiles(),
        scans,
        rows_scanned: total,
        visible: visible.quantiles(),
        ready_empty_s,
        ready_after_kill_s,
        log_bytes_at_kill,
    };
    let results = Results {
        benchmark: "path",
        machine,
        smoke: arguments.options.smoke,
        checksum: sums,
        figures: figures(&data, &arguments),
        not_measured: vec![
            "a network and clients on other machines: both ends share the CPUs",
            "power loss: the restart follows kill -9",
            "tables of more than a few million rows",
        ],
        data,
    };
    results.publish(&arguments.options)
}

fn figures(data: &Data, arguments: &Arguments) -> Vec<Figure> {
    let figure = |name: &str, value: String, reach: Option<&str>| Figure {
        name: name.to_owned(),
        value,
        reach: reach.map(str::to_owned),
    };
    let ratio = |ack: &Quantiles| format!("{:.2}", ack.p99_us / data.fdatasync.p99_us);
    vec![
        figure(
            &format!("acknowledged at {}/s", arguments.rate),
            data.acknowledged.to_string(),
            None,
        ),
        figure(
            "bare write and fdatasync of 4 KiB",
            data.fdatasync.to_string(),
            None,
        ),
        figure("p99 against p99", ratio(&data.acknowledged), Some("≤ 2")),
        figure(
            "acknowledged during full scans",
            data.acknowledged_during_scan.to_string(),
            None,
        ),
        figure(
            "its p99 against the probe's",
            ratio(&data.acknowledged_during_scan),
            None,
        ),
        figure(
            "full scans meanwhile",
            format!("{} of {} rows", data.scans, data.rows_scanned),
            None,
        ),
        figure("event to SQL", data.visible.to_string(), Some("p99 ≤ 2 s")),
        figure(
            "ready, nothing stored",
            format!("{:.2} s", data.ready_empty_s),
            Some("≤ 2 s"),
        ),
        figure(
            "ready after kill -9",
            format!(
                "{:.2} s with {} MiB of log",
                data.ready_after_kill_s,
                data.log_bytes_at_kill >> 20
            ),
            Some("≤ 3 s"),
        ),
    ]
}

/// From sending an event to its row.
async fn until_visible(api: &sdk::Client, station: &mut Station) -> anyhow::Result<Duration> {
    let start = monotonic_ns();
    let at = fleet::UtcMicros(station.event()? * 1_000);
    let query = format!(
        "SELECT count(*) AS n FROM meter_values WHERE station_id = '{}' AND measured_at = TIMESTAMP '{at}'",
        station.name()
    );
    loop {
        let rows = api
            .sql(&query)
            .await
            .with_context(|| format!("asking {query:?}"))?;
        let elapsed = Duration::from_nanos(monotonic_ns() - start);
        if rows
            .first()
            .is_some_and(|row| row["n"] != "0" && row["n"] != 0)
        {
            return Ok(elapsed);
        }
        ensure!(
            elapsed < Duration::from_secs(30),
            "the event at {at} is not in SQL after 30 s"
        );
    }
}

/// Offers load while another thread scans as often as it can.
fn offer_during_scans(
    server: &Sigec,
    load: &mut Load,
    events: u64,
    rate: u64,
) -> anyhow::Result<(Latencies, u64)> {
    let done = AtomicBool::new(false);
    let api = server.api()?;
    std::thread::scope(|scope| {
        let scanner = scope.spawn(|| -> anyhow::Result<u64> {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            let mut scans = 0;
            while !done.load(Ordering::Relaxed) {
                runtime.block_on(api.sql(SCAN)).context("scanning")?;
                scans += 1;
            }
            Ok(scans)
        });
        let offered = load.offer(events, rate);
        done.store(true, Ordering::Relaxed);
        let scans = scanner.join().expect("the scanner does not panic")?;
        Ok((offered?.latencies, scans))
    })
}

async fn rows(api: &sdk::Client) -> anyhow::Result<u64> {
    let rows = api
        .sql("SELECT count(*) AS n FROM meter_values")
        .await
        .context("counting rows")?;
    number(rows.first().and_then(|row| row.get("n")))
}

/// Every event acknowledged is there after the kill, once, with its energy: their number and the sum of registers.
async fn wait_for_rows(
    api: &sdk::Client,
    arguments: &Arguments,
    events: u64,
) -> anyhow::Result<String> {
    let expected_sum = expected_sum(arguments.stations as u64, events);
    let query = "SELECT count(*) AS n, CAST(sum(energy_wh) AS VARCHAR) AS e FROM meter_values \
                 WHERE station_id LIKE 'L%' AND context = 'Sample.Periodic'";
    let deadline = monotonic_ns() + 30_000_000_000;
    loop {
        let rows = api
            .sql(query)
            .await
            .with_context(|| format!("asking {query:?}"))?;
        let row = rows.first().context("no row")?;
        let sum = row["e"].as_str().unwrap_or_default().replace('.', "");
        let found = (number(row.get("n"))?, sum.parse::<u64>().unwrap_or(0));
        if found == (events, expected_sum) {
            return Ok(format!("{events} rows, {expected_sum} mWh"));
        }
        ensure!(
            monotonic_ns() < deadline,
            "after the restart there are {found:?} rows and mWh, expected {:?}",
            (events, expected_sum)
        );
    }
}

/// Station by station, registers are 1, 2, 3 … steps; the stations take turns.
fn expected_sum(stations: u64, events: u64) -> u64 {
    let (rounds, rest) = (events / stations, events % stations);
    let sum_to = |n: u64| n * (n + 1) / 2;
    STEP_MWH * ((stations - rest) * sum_to(rounds) + rest * sum_to(rounds + 1))
}

fn number(value: Option<&serde_json::Value>) -> anyhow::Result<u64> {
    let value = value.context("no value")?;
    let number = value.as_u64().or_else(|| value.as_str()?.parse().ok());
    number.with_context(|| format!("found {value}, expected a number"))
}

fn size(dir: &Path) -> anyhow::Result<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(dir).with_context(|| format!("reading {}", dir.display()))? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        bytes += if metadata.is_dir() {
            size(&entry.path())?
        } else {
            metadata.len()
        };
    }
    Ok(bytes)
}
