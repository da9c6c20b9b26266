//! Server CPU per Heartbeat, beside a raw TCP echo and tokio-tungstenite.
//!
//! Each server is a process on the first CPU, the client one thread on the last. Every connection has one unanswered
//! request. Servers take turns, so that a busy neighbour disturbs all of them; the ratio to the echo is taken within a
//! turn, and its median over the turns is the result.

use std::time::Duration;

use anyhow::{Context, ensure};
use bench::child::{Server, cpu_time};
use bench::client::{Client, Round};
use bench::machine::Machine;
use bench::output::{Figure, Options, Results};
use bench::servers::{Rival, Serve};
use bench::stats::median;
use clap::Parser;
use net::driver::{Config, Uring};
use serde::Serialize;

/// Server CPU per Heartbeat, beside a raw TCP echo and tokio-tungstenite.
#[derive(Debug, Parser)]
#[command(
    after_help = "Example:\n  cargo run --release -p bench --bin engine -- --out bench/results/2026-11-22-2core-vm"
)]
struct Arguments {
    #[command(flatten)]
    options: Options,
    #[command(flatten)]
    serve: Serve,
    /// Times that every server has its turn.
    #[arg(long, default_value_t = 9)]
    turns: usize,
    /// Heartbeats per turn.
    #[arg(long, default_value_t = 60_000)]
    messages: u64,
    /// Compare these with the echo, instead of all.
    #[arg(long, value_enum, value_delimiter = ',')]
    servers: Vec<Rival>,
    /// Connections to each.
    #[arg(long, value_delimiter = ',', default_values_t = [100, 1_000])]
    sockets: Vec<usize>,
}

#[derive(Debug, Serialize)]
struct Turn {
    server: Rival,
    sockets: usize,
    turn: usize,
    /// CPU of the server per message, nanoseconds.
    server_ns: f64,
    /// CPU of the client per message.
    client_ns: f64,
    #[serde(flatten)]
    round: Round,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    if let Some(rival) = arguments.serve.serve {
        return rival.serve(&arguments.serve.dir);
    }
    let machine = Machine::read();
    let smoke = arguments.options.smoke;
    let (turns, messages) = if smoke {
        (2, 400)
    } else {
        (arguments.turns, arguments.messages)
    };
    let sockets: &[usize] = if smoke { &[10] } else { &arguments.sockets };
    let uring = Uring::new(Config::default(), Vec::new());
    let rivals: Vec<Rival> = Rival::HEARTBEAT
        .into_iter()
        .filter(|rival| uring.is_ok() || !rival.needs_uring())
        .filter(|rival| {
            *rival == Rival::Echo
                || arguments.servers.is_empty()
                || arguments.servers.contains(rival)
        })
        .collect();
    // Where there is one CPU only, or a sandbox, both ends share; the ratio still holds.
    let _ = net::os::pin_thread(machine.cpus.saturating_sub(1));
    let mut data = Vec::new();
    for &count in sockets {
        let mut servers = Vec::new();
        for &rival in &rivals {
            let (server, dir) = arguments.serve.start(rival)?;
            let mut client = Client::connect(server.addr, count, rival.opening())
                .with_context(|| format!("connecting to {}", rival.name()))?;
            client.round(messages / 10)?;
            servers.push((rival, server, client, dir));
        }
        for turn in 0..turns {
            for (rival, server, client, _) in &mut servers {
                data.push(measure(*rival, server, client, count, turn, messages)?);
            }
        }
    }
    let checksum = data.iter().fold(0, |sum: u64, turn: &Turn| {
        sum.wrapping_add(turn.round.checksum)
    });
    let expected = (sockets.len() * rivals.len()) as u64 * ids_sum(messages, turns as u64);
    ensure!(
        checksum == expected,
        "checksum is {checksum}, expected {expected}: an answer was not ours"
    );
    let mut not_measured = vec![
        "a network: both ends are on one machine, and each send runs the peer's receive path",
        "latency under a real rate: every connection is always busy",
        "more than 1,000 sockets",
    ];
    if uring.is_err() {
        not_measured.push("io_uring, left out: this process does not get it");
    }
    let results = Results {
        benchmark: "engine",
        machine,
        smoke,
        checksum: checksum.to_string(),
        figures: figures(&data, &rivals, sockets),
        not_measured,
        data,
    };
    results.publish(&arguments.options)
}

/// Ids are numbered on from the warm-up, which took `messages / 10` of them.
fn ids_sum(messages: u64, turns: u64) -> u64 {
    let sum_to = |n: u64| n * (n + 1) / 2;
    sum_to(messages / 10 + turns * messages) - sum_to(messages / 10)
}

fn measure(
    server: Rival,
    process: &Server,
    client: &mut Client,
    sockets: usize,
    turn: usize,
    messages: u64,
) -> anyhow::Result<Turn> {
    let own = std::process::id();
    let (server_before, client_before) = (cpu_time(process.id())?, cpu_time(own)?);
    let round = client
        .round(messages)
        .with_context(|| format!("asking {}", server.name()))?;
    let per_message =
        |after: Duration, before: Duration| (after - before).as_nanos() as f64 / messages as f64;
    Ok(Turn {
        server,
        sockets,
        turn,
        server_ns: per_message(cpu_time(process.id())?, server_before),
        client_ns: per_message(cpu_time(own)?, client_before),
        round,
    })
}

fn figures(data: &[Turn], rivals: &[Rival], sockets: &[usize]) -> Vec<Figure> {
    let mut figures = Vec::new();
    for &count in sockets {
        let of = |rival: Rival| -> Vec<&Turn> {
            data.iter()
                .filter(|turn| turn.sockets == count && turn.server == rival)
                .collect()
        };
        let floor = of(Rival::Echo);
        for &rival in rivals {
            let turns = of(rival);
            let ratios = turns
                .iter()
                .zip(&floor)
                .map(|(turn, echo)| turn.server_ns / echo.server_ns);
            let ns = median(turns.iter().map(|turn| turn.server_ns).collect());
            figures.push(Figure {
                name: format!("{}, {count} sockets", rival.name()),
                value: format!("{:.2} × echo; {:.2} µs", median(ratios.collect()), ns / 1e3),
                reach: reach(rival).map(str::to_owned),
            });
        }
    }
    figures
}

fn reach(rival: Rival) -> Option<&'static str> {
    match rival {
        Rival::Dataplane
        | Rival::DataplaneUnlogged
        | Rival::DataplaneUring
        | Rival::DataplaneUringUnlogged => Some("≤ 1.25 × echo"),
        Rival::Echo
        | Rival::MeterEcho
        | Rival::DurableEcho
        | Rival::Codec
        | Rival::CodecUring
        | Rival::TungsteniteTuned
        | Rival::TungsteniteDefault => None,
    }
}
