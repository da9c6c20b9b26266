//! A hundred thousand stations on one machine: what the server takes with all of them quiet, and how they come back
//! after all have been cut off at once.
//!
//! The stations are `loadgen storm`, in several processes beside the server. What is counted is the server's process.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use bench::child::{Memory, Server, cpu_time, memory};
use bench::inside::Inside;
use bench::machine::Machine;
use bench::output::{Figure, Options, Results};
use bench::servers::{Rival, Serve};
use clap::Parser;
use net::clock::monotonic_ns;
use net::driver::{Config, Uring};
use serde::Serialize;
use serde_json::Value;

// The program's, so that the figure is the program's.
#[global_allocator]
static ALLOCATOR: allocator::MiMalloc = allocator::MiMalloc;

/// A hundred thousand stations: memory and CPU with all of them quiet, and a storm of all.
#[derive(Debug, Parser)]
#[command(
    after_help = "Example:\n  cargo build --release -p loadgen\n  cargo run --release -p bench --bin crowd -- --out bench/results/2026-11-22-2core-vm"
)]
struct Arguments {
    #[command(flatten)]
    options: Options,
    #[command(flatten)]
    serve: Serve,
    /// Stations that are cut off.
    #[arg(long, default_value_t = 100_000)]
    stations: u64,
    /// Stations besides them that stay.
    #[arg(long, default_value_t = 1_000)]
    established: u64,
    /// Processes of stations; each has its own limit of open files.
    #[arg(long, default_value_t = 6)]
    processes: usize,
    /// Stations that connect per second before the storm.
    #[arg(long, default_value_t = 4_000)]
    rate_connect: u32,
    /// Seconds in which the quiet stations are measured.
    #[arg(long, default_value_t = 60)]
    quiet: u64,
    /// The load generator [default: beside this program]
    #[arg(long)]
    loadgen: Option<PathBuf>,
}

#[derive(Debug, Serialize)]
struct Data {
    stations: u64,
    empty: Memory,
    /// All connected, at the beginning of the quiet time.
    connected: Memory,
    /// At its end.
    quiet: Memory,
    /// In the quiet time.
    quiet_s: f64,
    quiet_cpu_s: f64,
    quiet_inside: Inside,
    /// From the end of the quiet time until all were back.
    storm_cpu_s: f64,
    storm_inside: Inside,
    after: Memory,
    /// What `loadgen storm` says.
    storm: Value,
}

/// All stations are there by then, or something is wrong.
const PATIENCE: Duration = Duration::from_secs(600);

fn main() -> anyhow::Result<()> {
    let mut arguments = Arguments::parse();
    if let Some(rival) = arguments.serve.serve {
        allocator::give_back_at_once();
        return rival.serve(&arguments.serve.dir);
    }
    let machine = Machine::read();
    if arguments.options.smoke {
        (arguments.stations, arguments.established) = (40, 4);
        (arguments.processes, arguments.quiet) = (2, 1);
    }
    let loadgen = match arguments.loadgen.clone() {
        Some(program) => program,
        None => std::env::current_exe()
            .context("finding this program")?
            .with_file_name("loadgen"),
    };
    ensure!(
        loadgen.exists(),
        "there is no {}; build it with `cargo build -p loadgen`, or name it with --loadgen",
        loadgen.display()
    );
    let uring = Uring::new(Config::default(), Vec::new());
    ensure!(
        uring.is_ok(),
        "this process does not get io_uring, and with descriptors 20,000 is the end"
    );
    drop(uring);
    let data = measure(&arguments, &loadgen)?;
    let storm = &data.storm;
    ensure!(storm["missing"] == 0, "stations are not back: {storm}");
    let results = Results {
        benchmark: "crowd",
        machine,
        smoke: arguments.options.smoke,
        checksum: storm["back"].to_string(),
        figures: figures(&data),
        not_measured: vec![
            "a network: both ends are on one machine, and each send runs the peer's receive path",
            "the kernel's share: some 3.8 KB per socket",
            "TLS: these are plain connections without passwords",
            "the tables behind the data plane",
        ],
        data,
    };
    results.publish(&arguments.options)
}

fn measure(arguments: &Arguments, loadgen: &Path) -> anyhow::Result<Data> {
    let (mut server, dir) = arguments.serve.start(Rival::DataplaneCrowd)?;
    let empty = memory(server.id())?;
    let report = dir.path().join("storm.json");
    let quiet = Duration::from_secs(arguments.quiet);
    let mut stations = Stations(
        Command::new(loadgen)
            .arg("storm")
            .args(["--url", &format!("ws://{}/", server.addr)])
            .args(["--version", "1.6"])
            .args(["--stations", &arguments.stations.to_string()])
            .args(["--established", &arguments.established.to_string()])
            .args(["--processes", &arguments.processes.to_string()])
            .args(["--rate-connect", &arguments.rate_connect.to_string()])
            // Some to notice that all are there, and to measure.
            .args(["--settle", &format!("{}s", arguments.quiet + 5)])
            .args(["--gather-max", "10m"])
            // They boot anew, and report their connectors.
            .arg("--power-loss")
            .arg("--report-json")
            .arg(&report)
            .stdout(Stdio::null())
            .spawn()
            .with_context(|| format!("starting {}", loadgen.display()))?,
    );
    let all = arguments.stations + arguments.established;
    let deadline = monotonic_ns() + PATIENCE.as_nanos() as u64;
    while Inside::of(&mut server)?.connections < all {
        if let Some(status) = stations.0.try_wait().context("looking after loadgen")? {
            bail!("loadgen ended with {status} before all stations were there");
        }
        ensure!(
            monotonic_ns() < deadline,
            "not all stations are there after {PATIENCE:?}"
        );
        wait(Duration::from_millis(100));
    }
    let connected = memory(server.id())?;
    let (before, cpu_before, start) = now(&mut server)?;
    wait(quiet);
    let (after_quiet, cpu_quiet, end) = now(&mut server)?;
    let at_rest = memory(server.id())?;
    let status = stations.0.wait().context("waiting for loadgen")?;
    ensure!(status.success(), "loadgen ended with {status}");
    let (after, cpu_after, _) = now(&mut server)?;
    let text = std::fs::read_to_string(&report)
        .with_context(|| format!("reading {}", report.display()))?;
    let written: Value = serde_json::from_str(&text).context("reading what loadgen wrote")?;
    Ok(Data {
        stations: all,
        empty,
        connected,
        quiet: at_rest,
        quiet_s: Duration::from_nanos(end - start).as_secs_f64(),
        quiet_cpu_s: (cpu_quiet - cpu_before).as_secs_f64(),
        quiet_inside: after_quiet.since(&before),
        storm_cpu_s: (cpu_after - cpu_quiet).as_secs_f64(),
        storm_inside: after.since(&after_quiet),
        after: memory(server.id())?,
        storm: written["storm"].clone(),
    })
}

fn now(server: &mut Server) -> anyhow::Result<(Inside, Duration, u64)> {
    Ok((Inside::of(server)?, cpu_time(server.id())?, monotonic_ns()))
}

/// `loadgen`, killed when dropped before its end.
struct Stations(Child);

impl Drop for Stations {
    fn drop(&mut self) {
        // A process that has ended already is as good.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "it is measured what a server does in a time in which nothing happens, so there is nothing to wait for"
)]
fn wait(time: Duration) {
    std::thread::sleep(time);
}

fn figures(data: &Data) -> Vec<Figure> {
    let figure = |name: &str, value: String, reach: Option<&str>| Figure {
        name: name.to_owned(),
        value,
        reach: reach.map(str::to_owned),
    };
    let grown = |memory: &Memory| memory.anonymous.saturating_sub(data.empty.anonymous) as f64;
    let growth = |memory: &Memory| {
        let each = grown(memory) / data.stations as f64;
        format!("{:.1} MB, {each:.0} B per station", grown(memory) / 1e6)
    };
    let quiet_share = 100.0 * data.quiet_cpu_s / data.quiet_s;
    let bound = |inside: &Inside, quantile: f64| match inside.bound_us(quantile) {
        Some(bound) => format!("≤ {:.1} ms", bound as f64 / 1e3),
        None => "beyond 5 s".to_owned(),
    };
    let storm = &data.storm;
    let ms = |phase: &str| {
        let p99 = storm[phase]["p99_ms"].as_f64().unwrap_or_default();
        format!("p99 {p99:.1} ms over {}", storm[phase]["count"])
    };
    vec![
        figure(
            &format!("growth of user memory, {} stations quiet", data.stations),
            growth(&data.quiet),
            Some("≤ 100 MB"),
        ),
        figure(
            "the same when the last has connected",
            growth(&data.connected),
            None,
        ),
        figure("the same after the storm", growth(&data.after), None),
        figure(
            "CPU with all of them quiet, a Heartbeat per 60 s",
            format!("{quiet_share:.1} % of a core over {:.0} s", data.quiet_s),
            Some("≤ 20 %"),
        ),
        figure(
            "power cut, until all are back",
            format!(
                "{:.1} s, {} refused, {} attempts",
                storm["all_back_s"].as_f64().unwrap_or_default(),
                storm["refused"],
                storm["attempts"]
            ),
            Some("≤ 30 s, 0 refused for good"),
        ),
        figure(
            "answers that wait for the disk, inside the server from the cut on, readable to reply",
            format!(
                "p99 {} over {}",
                bound(&data.storm_inside, 0.99),
                data.storm_inside.count()
            ),
            None,
        ),
        figure(
            "answers to stations that had one on that connection before, likewise",
            format!(
                "p99 {} over {}",
                bound(&data.storm_inside.of_established(), 0.99),
                data.storm_inside.of_established().count()
            ),
            Some("p99 ≤ 50 ms"),
        ),
        figure(
            "established stations before the storm, as they see it",
            ms("established_before"),
            None,
        ),
        figure(
            "established stations meanwhile, as they see it",
            ms("established_meanwhile"),
            None,
        ),
        figure(
            "CPU of the server from the cut on",
            format!("{:.1} s", data.storm_cpu_s),
            None,
        ),
    ]
}
