//! User memory per idle station: connected, booted, two connectors reported, one transaction finished.
//!
//! What counts is all that the server grows by over an empty one, divided by the stations: nothing that is bounded and
//! merely amortised is left out. Two fleets of different size tell what of it is a station's and what is there once.
//! Each is looked at twice: when its stations have come to rest after those messages, and after a kill and a restart
//! with the same stations connected again.

use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, ensure};
use bench::child::{Memory, Server, memory, rest};
use bench::client::{answer, request, upgrade};
use bench::frames;
use bench::machine::Machine;
use bench::output::{Figure, Options, Results};
use bench::servers::{Rival, Serve};
use bench::sigec::Sigec;
use clap::Parser;
use net::clock::utc_micros;
use net::driver::{Config, Uring};
use serde::Serialize;

// The program's, so that the figure is the program's.
#[global_allocator]
static ALLOCATOR: allocator::MiMalloc = allocator::MiMalloc;

/// User memory per idle station.
#[derive(Debug, Parser)]
#[command(
    after_help = "Example:\n  cargo run --release -p bench --bin memory -- --out bench/results/2026-11-22-2core-vm"
)]
struct Arguments {
    #[command(flatten)]
    options: Options,
    #[command(flatten)]
    serve: Serve,
    /// Measure this program, tables and all, instead of the data plane alone.
    #[arg(long)]
    sigec: Option<PathBuf>,
    /// Stations.
    #[arg(long, default_value_t = 10_000)]
    stations: usize,
    /// Stations of the smaller fleet.
    #[arg(long, default_value_t = 2_000)]
    few: usize,
    /// Seconds without a message before a fleet counts as idle.
    #[arg(long, default_value_t = 20)]
    rest: u64,
}

/// Of one server.
#[derive(Debug, Serialize)]
struct Data {
    /// What is measured: a driver's data plane, or the whole program.
    server: &'static str,
    empty: Life,
    few: Life,
    many: Life,
}

/// What a server takes with some stations.
#[derive(Debug, Serialize)]
struct Life {
    stations: usize,
    /// Right after their last message.
    settled: Memory,
    /// The same when nothing was said for a while.
    at_rest: Memory,
    /// After a kill, a restart, and a Heartbeat of each.
    restarted: Memory,
    /// The same when nothing was said for a while.
    restarted_at_rest: Memory,
}

/// Stations that wait for their answers together, so that one commit serves many.
const BATCH: usize = 250;

/// A server that says nothing for so long has failed.
const PATIENCE: Duration = Duration::from_secs(30);

fn main() -> anyhow::Result<()> {
    let mut arguments = Arguments::parse();
    if let Some(rival) = arguments.serve.serve {
        allocator::give_back_at_once();
        return rival.serve(&arguments.serve);
    }
    let machine = Machine::read();
    if arguments.options.smoke {
        (arguments.stations, arguments.few, arguments.rest) = (40, 10, 0);
    }
    let mut not_measured = vec![
        "the kernel's share: some 3.8 KB per socket",
        "what the program has beside the data plane: --sigec measures it",
        "with --sigec the figure holds the rows of these messages too, until the tables are flushed",
    ];
    let subjects = match &arguments.sigec {
        Some(program) => vec![(Subject::Sigec(program), "the program", None)],
        None => vec![
            (Subject::Rival(Rival::Dataplane), "epoll", Some("≤ 512 B")),
            (
                Subject::Rival(Rival::DataplaneUring),
                "io_uring",
                Some("≤ 1 KiB"),
            ),
        ],
    };
    let has_uring = Uring::new(Config::default(), Vec::new()).is_ok();
    let (mut data, mut figures) = (Vec::new(), Vec::new());
    for (subject, server, reach) in subjects {
        if subject.needs_uring() && !has_uring {
            not_measured.push("io_uring, left out: this process does not get it");
            continue;
        }
        let measured = Data {
            server,
            empty: live(&arguments, subject, 0)?,
            few: live(&arguments, subject, arguments.few)?,
            many: live(&arguments, subject, arguments.stations)?,
        };
        figures.extend(measured.figures(reach));
        data.push(measured);
    }
    let results = Results {
        benchmark: "memory",
        machine,
        smoke: arguments.options.smoke,
        // Of the fleet of one server; another number of them must not make another sum.
        checksum: (arguments.few + arguments.stations).to_string(),
        figures,
        not_measured,
        data,
    };
    results.publish(&arguments.options)
}

impl Data {
    fn figures(&self, reach: Option<&'static str>) -> Vec<Figure> {
        let between = |small: &Life, large: &Life, of: fn(&Life) -> u64| {
            let stations = (large.stations - small.stations) as f64;
            let bytes = (of(large) as f64 - of(small) as f64) / stations;
            format!("{bytes:.0} B")
        };
        // What the two fleets have in common beside an empty server: buffers and caches that do not grow with the stations.
        let once = |of: fn(&Life) -> u64| {
            let [empty, few, many] =
                [&self.empty, &self.few, &self.many].map(|life| of(life) as f64);
            let stations = [self.few.stations, self.many.stations].map(|count| count as f64);
            let each = (many - few) / (stations[1] - stations[0]);
            format!("{:.2} MB", (few - empty - each * stations[0]) / 1e6)
        };
        let over_empty = |name: &str, of: fn(&Life) -> u64, reach: Option<&'static str>| {
            let name = format!("{name}, of {}", self.many.stations);
            (name, between(&self.empty, &self.many, of), reach)
        };
        let beyond = |name: &str, of: fn(&Life) -> u64| {
            let name = format!("each station beyond {}, {name}", self.few.stations);
            (name, between(&self.few, &self.many, of), None)
        };
        let rows = [
            over_empty(
                "growth over an empty server per idle station",
                |life| life.at_rest.anonymous,
                reach,
            ),
            over_empty(
                "the same after a restart",
                |life| life.restarted_at_rest.anonymous,
                reach,
            ),
            over_empty(
                "the same after a restart, mapped files included",
                |life| life.restarted_at_rest.resident,
                None,
            ),
            over_empty(
                "right after the last message",
                |life| life.settled.anonymous,
                None,
            ),
            over_empty(
                "right after a restart",
                |life| life.restarted.anonymous,
                None,
            ),
            beyond("idle", |life| life.at_rest.anonymous),
            beyond("idle, after a restart", |life| {
                life.restarted_at_rest.anonymous
            }),
            (
                "once, however many stations, idle".to_owned(),
                once(|life| life.at_rest.anonymous),
                None,
            ),
            (
                "once, however many stations, idle, after a restart".to_owned(),
                once(|life| life.restarted_at_rest.anonymous),
                None,
            ),
        ];
        let rows = rows.into_iter().map(|(name, value, reach)| Figure {
            name: format!("{}: {name}", self.server),
            value,
            reach: reach.map(str::to_owned),
        });
        rows.collect()
    }
}

/// What is measured.
#[derive(Clone, Copy, Debug)]
enum Subject<'a> {
    /// This program.
    Sigec(&'a Path),
    Rival(Rival),
}

impl Subject<'_> {
    fn needs_uring(self) -> bool {
        match self {
            Subject::Sigec(_) => false,
            Subject::Rival(rival) => rival.needs_uring(),
        }
    }
}

/// A server of either kind; killed when dropped.
enum Process {
    Alone(Server),
    Whole(Sigec),
}

impl Process {
    fn start(arguments: &Arguments, subject: Subject<'_>, dir: &Path) -> anyhow::Result<Process> {
        Ok(match subject {
            Subject::Sigec(program) => Process::Whole(Sigec::start(program, &dir.join("data"))?),
            Subject::Rival(rival) => Process::Alone(arguments.serve.start_in(rival, dir)?),
        })
    }

    fn addr(&self) -> SocketAddr {
        match self {
            Process::Alone(server) => server.addr,
            Process::Whole(server) => server.ocpp,
        }
    }

    fn memory(&self) -> anyhow::Result<Memory> {
        memory(match self {
            Process::Alone(server) => server.id(),
            Process::Whole(server) => server.id(),
        })
    }
}

/// Brings so many stations to rest on a new server, then again on one that was started on what it left.
fn live(arguments: &Arguments, subject: Subject<'_>, count: usize) -> anyhow::Result<Life> {
    let dir = tempfile::tempdir_in(&arguments.serve.dir).context("making a folder")?;
    let server = Process::start(arguments, subject, dir.path())?;
    let stations = settle_all(server.addr(), count)?;
    let settled = server.memory()?;
    rest(Duration::from_secs(arguments.rest));
    let at_rest = server.memory()?;
    // As by `kill -9`.
    drop((server, stations));
    let server = Process::start(arguments, subject, dir.path())?;
    let mut stations = Vec::with_capacity(count);
    for index in 0..count {
        stations.push(connect(server.addr(), index)?);
    }
    heartbeat(&mut stations)?;
    let restarted = server.memory()?;
    rest(Duration::from_secs(arguments.rest));
    let restarted_at_rest = server.memory()?;
    // Idle, and still served.
    heartbeat(&mut stations)?;
    Ok(Life {
        stations: count,
        settled,
        at_rest,
        restarted,
        restarted_at_rest,
    })
}

fn heartbeat(stations: &mut [TcpStream]) -> anyhow::Result<()> {
    for stream in stations {
        let beat = request(stream, &frames::heartbeat())?;
        ensure!(
            beat.contains("currentTime"),
            "a Heartbeat was answered {beat}"
        );
    }
    Ok(())
}

fn connect(addr: SocketAddr, index: usize) -> anyhow::Result<TcpStream> {
    let mut stream = TcpStream::connect(addr).with_context(|| format!("connecting to {addr}"))?;
    stream.set_nodelay(true).context("setting TCP_NODELAY")?;
    stream
        .set_read_timeout(Some(PATIENCE))
        .context("setting a timeout")?;
    upgrade(&mut stream, &format!("M{index:05}"))?;
    Ok(stream)
}

/// Brings so many stations to rest.
fn settle_all(addr: SocketAddr, count: usize) -> anyhow::Result<Vec<TcpStream>> {
    let mut stations = Vec::with_capacity(count);
    for first in (0..count).step_by(BATCH) {
        let from = stations.len();
        for index in first..count.min(first + BATCH) {
            stations.push(connect(addr, index)?);
        }
        settle(&mut stations[from..])?;
    }
    Ok(stations)
}

/// Boot, two connectors, and one transaction, step by step for all of them.
fn settle(stations: &mut [TcpStream]) -> anyhow::Result<()> {
    let now = utc_micros() / 1_000;
    let mut transactions = vec![0; stations.len()];
    for step in 0..5 {
        let message = |at: usize| match step {
            0 => frames::boot(),
            1 => frames::status(2, now, 1),
            2 => frames::status(3, now, 2),
            3 => frames::start_transaction(4, now, 1_000),
            _ => frames::stop_transaction(5, now + 1_000, transactions[at], 2_000),
        };
        let messages: Vec<String> = (0..stations.len()).map(message).collect();
        for (stream, message) in stations.iter_mut().zip(&messages) {
            stream
                .write_all(&frames::client_frame(message))
                .context("sending a call")?;
        }
        for (at, (stream, message)) in stations.iter_mut().zip(&messages).enumerate() {
            let text = answer(stream, message)?;
            if step == 3 {
                let value: serde_json::Value =
                    serde_json::from_str(&text).context("reading an answer")?;
                transactions[at] = value[2]["transactionId"]
                    .as_i64()
                    .context("no transactionId")?;
            }
        }
    }
    Ok(())
}
