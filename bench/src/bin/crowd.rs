//! A hundred thousand stations on one machine: what the server takes with all of them quiet, and how they come back
//! after all have been cut off at once.
//!
//! The stations are `loadgen storm`, in several processes beside the server. What is counted is the server's process,
//! and what `loadgen` says of its own memory.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::ensure;
use bench::child::Memory;
use bench::inside::{Commands, Inside};
use bench::kept::{self, Kept};
use bench::machine::Machine;
use bench::output::{Figure, Options, Results};
use bench::servers::{Rival, Serve};
use bench::storm::{self, Measured, PREFIX, Storm};
use clap::Parser;
use net::driver::{Config, Uring};
use serde::Serialize;

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
    /// The server knows all of them beforehand, and they show passwords (security profile 1); the results are called
    /// crowd-passwords.
    #[arg(long)]
    passwords: bool,
    /// Seconds in which the quiet stations are measured.
    #[arg(long, default_value_t = 60)]
    quiet: u64,
    /// Commands to them after that.
    #[arg(long, default_value_t = 5_000)]
    commands: u64,
    /// Commands a second.
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u64).range(1..))]
    rate_commands: u64,
    /// The load generator [default: beside this program]
    #[arg(long)]
    loadgen: Option<PathBuf>,
}

fn main() -> anyhow::Result<()> {
    let mut arguments = Arguments::parse();
    if let Some(rival) = arguments.serve.serve {
        allocator::give_back_at_once();
        return rival.serve(&arguments.serve);
    }
    let machine = Machine::read();
    if arguments.options.smoke {
        (arguments.stations, arguments.established) = (40, 4);
        (arguments.processes, arguments.quiet) = (2, 1);
        (arguments.commands, arguments.rate_commands) = (88, 200);
    }
    let loadgen = storm::loadgen(arguments.loadgen.as_deref())?;
    let uring = Uring::new(Config::default(), Vec::new());
    ensure!(
        uring.is_ok(),
        "this process does not get io_uring, and with descriptors 20,000 is the end"
    );
    drop(uring);
    let data = measure(&arguments, &loadgen)?;
    let results = Results {
        benchmark: if arguments.passwords {
            "crowd-passwords"
        } else {
            "crowd"
        },
        machine,
        smoke: arguments.options.smoke,
        checksum: data.measured.back().to_string(),
        figures: figures(&data),
        not_measured: vec![
            "a network: both ends are on one machine, and each send runs the peer's receive path",
            "the kernel's share: some 3.8 KB per socket",
            if arguments.passwords {
                "TLS: these are plain connections; and the memory of what was known of the stations before they came"
            } else {
                "TLS: these are plain connections without passwords"
            },
            "the tables behind the data plane",
        ],
        data,
    };
    results.publish(&arguments.options)
}

/// What came of it all.
#[derive(Serialize)]
struct Crowd {
    #[serde(flatten)]
    measured: Measured,
    /// What stations were told, against the log.
    kept: Kept,
}

fn measure(arguments: &Arguments, loadgen: &Path) -> anyhow::Result<Crowd> {
    let mut serve = arguments.serve.clone();
    if arguments.passwords {
        serve.known = arguments.stations + arguments.established;
    }
    let (mut server, dir) = serve.start(Rival::DataplaneCrowd)?;
    let truth = dir.path().join("truth");
    let own = [
        ("--processes", arguments.processes.to_string()),
        ("--rate-connect", arguments.rate_connect.to_string()),
        ("--truth", truth.display().to_string()),
    ];
    let own = own
        .into_iter()
        .flat_map(|(name, value)| [name.to_owned(), value]);
    let storm = Storm {
        loadgen,
        stations: arguments.stations,
        established: arguments.established,
        quiet: Duration::from_secs(arguments.quiet),
        passwords: 0 < serve.known,
        commands: Some(Commands {
            count: arguments.commands,
            rate: arguments.rate_commands,
            stations: arguments.stations + arguments.established,
            prefix: PREFIX.to_owned(),
        }),
        // They boot anew, and report their connectors.
        arguments: own.chain(["--power-loss".to_owned()]).collect(),
    };
    let url = format!("ws://{}/", server.addr);
    let measured = storm.run(&mut server, &url, dir.path())?;
    // As by `kill -9`.
    drop(server);
    let truths: Vec<PathBuf> = (1..=arguments.processes)
        .map(|part| dir.path().join(format!("truth.{part}")))
        .collect();
    let kept = kept::compare(&truths, &dir.path().join("data"))?;
    Ok(Crowd { measured, kept })
}

fn figures(
    Crowd {
        measured: data,
        kept,
    }: &Crowd,
) -> Vec<Figure> {
    let figure = |name: &str, value: String, reach: Option<&str>| Figure {
        name: name.to_owned(),
        value,
        reach: reach.map(str::to_owned),
    };
    let growth = |memory: &Memory| {
        let grown = data.grown(memory);
        let each = grown / data.stations as f64;
        format!("{:.1} MB, {each:.0} B per station", grown / 1e6)
    };
    let quiet_share = 100.0 * data.quiet_cpu_s / data.quiet_s;
    let p99 = |inside: &Inside| match (inside.count(), inside.bound_us(0.99)) {
        (0, _) => "none was counted".to_owned(),
        (count, Some(bound)) => format!("p99 ≤ {:.1} ms over {count}", bound as f64 / 1e3),
        (count, None) => format!("p99 beyond 5 s over {count}"),
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
            "a command from its record on the disk to its call at the socket, inside the server",
            p99(&data.commands_inside.of_commands()),
            Some("p99 ≤ 1 ms"),
        ),
        figure(
            "a command from asking for it to the station's answer",
            data.commands
                .map_or_else(String::new, |commands| commands.to_string()),
            Some("p99 ≤ 100 ms"),
        ),
        figure(
            "power cut, until all are back",
            format!(
                "{:.1} s, {} refused, {} attempts",
                data.all_back_s(),
                storm["refused"],
                storm["attempts"]
            ),
            Some("≤ 30 s, 0 refused for good"),
        ),
        figure(
            "answers that wait for the disk, inside the server from the cut on, readable to reply",
            p99(&data.storm_inside),
            None,
        ),
        figure(
            "answers to stations that were there a minute before, likewise",
            p99(&data.storm_inside.of_established()),
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
            "boots and statuses that were acknowledged, against the log after a kill -9",
            format!(
                "{} of {} acknowledged, {} lost, {} doubled",
                kept.acknowledged, kept.sent, kept.lost, kept.doubled
            ),
            Some("0 lost or doubled"),
        ),
        figure(
            "CPU of the server from the cut on",
            format!("{:.1} s", data.storm_cpu_s),
            None,
        ),
        figure(
            "loadgen's memory per station, at its largest",
            format!("{} B", data.loadgen_memory["per_station_bytes"]),
            Some("≤ 2 KB"),
        ),
    ]
}
