//! User memory per idle station: connected, booted, two connectors reported, one transaction finished.
//!
//! Looked at twice. First while the stations come to rest: that figure holds what the seven messages left in caches that
//! are bounded and not per station, above all the write buffer of the state store. Then after a kill and a restart, with
//! the same stations connected again, against a server with as many connections fewer and no other state: that is what
//! a station costs for good.

use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, ensure};
use bench::child::{Memory, Server, memory};
use bench::client::{answer, request, upgrade};
use bench::frames;
use bench::machine::Machine;
use bench::output::{Figure, Options, Results};
use bench::servers::{Rival, Serve};
use bench::sigec::Sigec;
use clap::Parser;
use net::clock::utc_micros;
use serde::Serialize;

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
    /// Stations before the first look at memory: what the program allocates once is not charged to the others.
    #[arg(long, default_value_t = 1_000)]
    warm: usize,
}

#[derive(Debug, Serialize)]
struct Data {
    stations: usize,
    /// With `warm` stations, then with `stations` more.
    fresh: (Memory, Memory),
    /// The same after a restart.
    restarted: (Memory, Memory),
}

/// Stations that wait for their answers together, so that one commit serves many.
const BATCH: usize = 250;

/// A server that says nothing for so long has failed.
const PATIENCE: Duration = Duration::from_secs(30);

fn main() -> anyhow::Result<()> {
    let mut arguments = Arguments::parse();
    if let Some(rival) = arguments.serve.serve {
        return rival.serve(&arguments.serve.dir);
    }
    let machine = Machine::read();
    if arguments.options.smoke {
        (arguments.stations, arguments.warm) = (40, 10);
    }
    let data = measure(&arguments)?;
    let per_station = |(before, after): &(Memory, Memory), of: fn(&Memory) -> u64| {
        let bytes = (of(after) as f64 - of(before) as f64) / data.stations as f64;
        format!("{bytes:.0} B")
    };
    let allocated: fn(&Memory) -> u64 = |memory| memory.anonymous;
    let resident: fn(&Memory) -> u64 = |memory| memory.resident;
    let results = Results {
        benchmark: "memory",
        machine,
        smoke: arguments.options.smoke,
        checksum: (arguments.warm + arguments.stations).to_string(),
        figures: vec![
            Figure {
                name: format!("allocated per idle station of {}, restarted", data.stations),
                value: per_station(&data.restarted, allocated),
                reach: Some("≤ 1 KiB".into()),
            },
            Figure {
                name: "the same with mapped files".into(),
                value: per_station(&data.restarted, resident),
                reach: None,
            },
            Figure {
                name: "allocated while they came to rest, write buffers included".into(),
                value: per_station(&data.fresh, allocated),
                reach: None,
            },
        ],
        not_measured: vec![
            "the kernel's share: some 3.8 KB per socket",
            "with --sigec the figure holds the rows of these messages too, until the tables are flushed",
        ],
        data,
    };
    results.publish(&arguments.options)
}

/// A server of either kind; killed when dropped.
enum Process {
    Alone(Server),
    Whole(Sigec),
}

impl Process {
    fn start(arguments: &Arguments, dir: &Path) -> anyhow::Result<Process> {
        Ok(match &arguments.sigec {
            Some(program) => Process::Whole(Sigec::start(program, &dir.join("data"))?),
            None => Process::Alone(arguments.serve.start_in(Rival::Dataplane, dir)?),
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

fn measure(arguments: &Arguments) -> anyhow::Result<Data> {
    let folder = || tempfile::tempdir_in(&arguments.serve.dir).context("making a folder");
    let (few, many) = (folder()?, folder()?);
    let all = arguments.warm + arguments.stations;

    let server = Process::start(arguments, few.path())?;
    settle_all(server.addr(), 0..arguments.warm)?;
    drop(server);
    let restarted_before = reconnected(arguments, few.path(), arguments.warm)?;

    let server = Process::start(arguments, many.path())?;
    let warm = settle_all(server.addr(), 0..arguments.warm)?;
    let fresh_before = server.memory()?;
    let rest = settle_all(server.addr(), arguments.warm..all)?;
    let fresh_after = server.memory()?;
    drop((server, warm, rest));
    let restarted_after = reconnected(arguments, many.path(), all)?;
    Ok(Data {
        stations: arguments.stations,
        fresh: (fresh_before, fresh_after),
        restarted: (restarted_before, restarted_after),
    })
}

/// Starts a server on what a killed one left, connects its stations again, and looks.
fn reconnected(arguments: &Arguments, dir: &Path, count: usize) -> anyhow::Result<Memory> {
    let server = Process::start(arguments, dir)?;
    let mut stations = Vec::with_capacity(count);
    for index in 0..count {
        stations.push(connect(server.addr(), index)?);
    }
    // Idle, and still served.
    for stream in &mut stations {
        let beat = request(stream, &frames::heartbeat())?;
        ensure!(
            beat.contains("currentTime"),
            "a Heartbeat was answered {beat}"
        );
    }
    server.memory()
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

/// Brings stations to rest.
fn settle_all(addr: SocketAddr, indices: Range<usize>) -> anyhow::Result<Vec<TcpStream>> {
    let mut stations = Vec::with_capacity(indices.len());
    for first in indices.clone().step_by(BATCH) {
        let from = stations.len();
        for index in first..indices.end.min(first + BATCH) {
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
