//! Server CPU per Heartbeat, beside a raw TCP echo, other runtimes and other WebSockets.
//!
//! Each server is a process on the first CPU, the client one thread on the last. Every connection has one unanswered
//! request. Servers take turns, so that a busy neighbour disturbs all of them; the ratio to the echo is taken within a
//! turn, and its median over the turns is the result.

use std::time::Duration;

use anyhow::{Context, ensure};
use bench::child::{Server, cpu_time};
use bench::client::{Client, Round};
use bench::contender::{Contender, Foreign};
use bench::machine::Machine;
use bench::output::{Figure, Options, Results};
use bench::servers::{Rival, Serve};
use bench::stats::median;
use clap::Parser;
use net::driver::{Config, Uring};
use serde::Serialize;

// The program's, so that the figure is the program's.
#[global_allocator]
static ALLOCATOR: allocator::MiMalloc = allocator::MiMalloc;

/// Server CPU per Heartbeat, beside a raw TCP echo, other runtimes and other WebSockets.
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
    turns: u64,
    /// Heartbeats per turn.
    #[arg(long, default_value_t = 60_000)]
    messages: u64,
    /// Compare these with the echo, instead of all.
    #[arg(long, value_delimiter = ',', value_parser = contender)]
    servers: Vec<Contender>,
    /// Connections to each.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 100, 1_000, 10_000])]
    sockets: Vec<usize>,
}

/// The floor first.
const CONTENDERS: [Contender; 15] = [
    FLOOR,
    Contender::Here(Rival::Codec),
    Contender::Here(Rival::CodecUring),
    Contender::Here(Rival::Dataplane),
    Contender::Here(Rival::DataplaneUring),
    Contender::Here(Rival::DataplaneUnlogged),
    Contender::Here(Rival::DataplaneUringUnlogged),
    Contender::Foreign(Foreign::Tokio),
    Contender::Foreign(Foreign::Monoio),
    Contender::Foreign(Foreign::MonoioEpoll),
    Contender::Foreign(Foreign::Glommio),
    Contender::Foreign(Foreign::Bun),
    Contender::Foreign(Foreign::Fastwebsockets),
    Contender::Here(Rival::TungsteniteTuned),
    Contender::Here(Rival::TungsteniteDefault),
];
/// Heartbeats per connection in a turn.
const EACH_MAX: u64 = 5_000;
/// Sockets open at once, all servers together.
const OPEN_MAX: usize = 16_000;
const FLOOR: Contender = Contender::Here(Rival::Echo);

/// The contender of this name.
fn contender(name: &str) -> Result<Contender, String> {
    let found = CONTENDERS.into_iter().find(|known| known.name() == name);
    found.ok_or_else(|| {
        let names = CONTENDERS.map(Contender::name).join(", ");
        format!("expected one of {names}")
    })
}

#[derive(Debug, Serialize)]
struct Turn {
    server: Contender,
    sockets: usize,
    turn: u64,
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
    let mut not_measured = vec![
        "a network: both ends are on one machine, and each send runs the peer's receive path",
        "latency under a real rate: every connection is always busy",
    ];
    if uring.is_err() {
        not_measured.push("io_uring, left out: this process does not get it");
    }
    let mut rivals = Vec::new();
    for rival in CONTENDERS {
        let asked = arguments.servers.is_empty() || arguments.servers.contains(&rival);
        if rival != FLOOR && !asked || uring.is_err() && rival.needs_uring() {
            continue;
        }
        match rival.missing() {
            // Several are one program.
            Some(missing) if not_measured.contains(&missing) => {}
            Some(missing) => not_measured.push(missing),
            None => rivals.push(rival),
        }
    }
    let mut data = Vec::new();
    let mut expected: u64 = 0;
    for &count in sockets {
        // One connection alone waits out every round trip.
        let messages = messages.min(EACH_MAX * count as u64);
        // What does not fit into the limit of open files beside each other is opened anew for every turn.
        let kept = rivals.len() * count <= OPEN_MAX;
        let of_each = if kept {
            ids_sum(messages, turns)
        } else {
            turns * ids_sum(messages, 1)
        };
        expected = expected.wrapping_add(rivals.len() as u64 * of_each);
        let mut servers = Vec::new();
        for &rival in &rivals {
            let dir = tempfile::tempdir_in(&arguments.serve.dir)
                .context("making a folder for the data")?;
            servers.push((rival, rival.start(&arguments.serve, dir.path())?, None, dir));
        }
        // Where there is one CPU only, or a sandbox, both ends share; the ratio still holds.
        let _ = net::os::pin_thread(machine.cpus.saturating_sub(1));
        for turn in 0..turns {
            for (rival, server, open, _) in &mut servers {
                let mut client = match open.take() {
                    Some(client) => client,
                    None => connect(*rival, server, count, messages)?,
                };
                data.push(measure(*rival, server, &mut client, count, turn, messages)?);
                *open = kept.then_some(client);
            }
        }
    }
    let checksum = data.iter().fold(0, |sum: u64, turn: &Turn| {
        sum.wrapping_add(turn.round.checksum)
    });
    ensure!(
        checksum == expected,
        "checksum is {checksum}, expected {expected}: an answer was not ours"
    );
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

fn connect(
    rival: Contender,
    server: &Server,
    count: usize,
    messages: u64,
) -> anyhow::Result<Client> {
    let mut client = Client::connect(server.addr, count, rival.opening())
        .with_context(|| format!("connecting to {}", rival.name()))?;
    client.round(messages / 10)?;
    Ok(client)
}

/// Ids are numbered on from the warm-up, which took `messages / 10` of them.
fn ids_sum(messages: u64, turns: u64) -> u64 {
    let sum_to = |n: u64| n * (n + 1) / 2;
    sum_to(messages / 10 + turns * messages) - sum_to(messages / 10)
}

fn measure(
    server: Contender,
    process: &Server,
    client: &mut Client,
    sockets: usize,
    turn: u64,
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

fn figures(data: &[Turn], rivals: &[Contender], sockets: &[usize]) -> Vec<Figure> {
    let mut figures = Vec::new();
    for &count in sockets {
        let of = |rival: Contender| -> Vec<&Turn> {
            data.iter()
                .filter(|turn| turn.sockets == count && turn.server == rival)
                .collect()
        };
        let floor = of(FLOOR);
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
                reach: reach(rival, count),
            });
        }
    }
    figures
}

/// Of the whole data plane, by the driver's floor at so many sockets.
fn reach(rival: Contender, sockets: usize) -> Option<String> {
    let factor = match rival {
        Contender::Here(Rival::Dataplane | Rival::DataplaneUnlogged) => "1.10",
        Contender::Here(Rival::DataplaneUring | Rival::DataplaneUringUnlogged) => match sockets {
            ..1_000 => "0.95",
            1_000..10_000 => "1.00",
            10_000.. => "1.05",
        },
        Contender::Here(_) | Contender::Foreign(_) => return None,
    };
    Some(format!("≤ {factor} × echo"))
}
