//! User memory per idle station: connected, booted, two connectors reported, one transaction finished.

use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, ensure};
use bench::child::{Memory, memory};
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
    before: Memory,
    after: Memory,
    stations: usize,
}

/// Stations that wait for their answers together, so that one commit serves many.
const BATCH: usize = 250;

fn main() -> anyhow::Result<()> {
    let mut arguments = Arguments::parse();
    if let Some(rival) = arguments.serve.serve {
        return rival.serve(&arguments.serve.dir);
    }
    let machine = Machine::read();
    if arguments.options.smoke {
        (arguments.stations, arguments.warm) = (40, 10);
    }
    let data = match &arguments.sigec {
        Some(program) => {
            let dir = tempfile::tempdir_in(&arguments.serve.dir).context("making a folder")?;
            let server = Sigec::start(program, &dir.path().join("data"))?;
            measure(server.ocpp, server.id(), &arguments)?
        }
        None => {
            let (server, _dir) = arguments.serve.start(Rival::Dataplane)?;
            measure(server.addr, server.id(), &arguments)?
        }
    };
    let per_station = |of: fn(&Memory) -> u64| {
        (of(&data.after) as f64 - of(&data.before) as f64) / data.stations as f64
    };
    let results = Results {
        benchmark: "memory",
        machine,
        smoke: arguments.options.smoke,
        checksum: (arguments.warm + arguments.stations).to_string(),
        figures: vec![
            Figure {
                name: format!(
                    "allocated per idle station, {} stations",
                    arguments.stations
                ),
                value: format!("{:.0} B", per_station(|memory| memory.anonymous)),
                reach: Some("≤ 1 KiB".into()),
            },
            Figure {
                name: "resident, mapped files included".into(),
                value: format!("{:.0} B", per_station(|memory| memory.resident)),
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

fn measure(addr: SocketAddr, process: u32, arguments: &Arguments) -> anyhow::Result<Data> {
    let mut stations = Vec::new();
    connect(addr, arguments.warm, &mut stations)?;
    let before = memory(process)?;
    connect(addr, arguments.stations, &mut stations)?;
    let after = memory(process)?;
    // Idle, and still served.
    let beat = request(&mut stations[0], &frames::heartbeat())?;
    ensure!(
        beat.contains("currentTime"),
        "a Heartbeat was answered {beat}"
    );
    Ok(Data {
        before,
        after,
        stations: arguments.stations,
    })
}

/// Brings `count` more stations to rest.
fn connect(addr: SocketAddr, count: usize, stations: &mut Vec<TcpStream>) -> anyhow::Result<()> {
    let end = stations.len() + count;
    while stations.len() < end {
        let first = stations.len();
        for index in first..end.min(first + BATCH) {
            let mut stream =
                TcpStream::connect(addr).with_context(|| format!("connecting to {addr}"))?;
            stream.set_nodelay(true).context("setting TCP_NODELAY")?;
            stream
                .set_read_timeout(Some(Duration::from_secs(30)))
                .context("setting a timeout")?;
            upgrade(&mut stream, &format!("M{index:05}"))?;
            stations.push(stream);
        }
        settle(&mut stations[first..])?;
    }
    Ok(())
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
