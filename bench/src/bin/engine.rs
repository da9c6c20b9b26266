//! Server CPU per Heartbeat, beside a raw TCP echo, other runtimes and other WebSockets.
//!
//! Each server is a process on the first CPU, the client one thread on the last. Every connection has one unanswered
//! request, or a burst of them, as a station has that empties its queue; and at some rates they come whatever the server
//! does, and how long they take is told. Servers take turns, so that a busy neighbour disturbs all of them; the ratio to the echo is taken within a
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
    /// Heartbeats per second at which latency is measured.
    #[arg(long, value_delimiter = ',', default_values_t = [2_000, 20_000, 40_000])]
    rates: Vec<u64>,
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
/// Requests of a burst.
const DEEP: u64 = 16;
/// Connections over which the rates are offered, of those that are measured.
const RATES_SOCKETS: usize = 1_000;
/// How long a rate is offered in a turn, milliseconds.
const RATE_MS: u64 = 500;
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

/// How requests come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Coming {
    /// So many per connection at a time, the next when these are answered.
    Together(u64),
    /// So many per second over all connections.
    Rate(u64),
}

#[derive(Debug, Serialize)]
struct Turn {
    server: Contender,
    sockets: usize,
    coming: Coming,
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
    let rates: &[u64] = if smoke { &[2_000] } else { &arguments.rates };
    let uring = Uring::new(Config::default(), Vec::new());
    let mut not_measured =
        vec!["a network: both ends are on one machine, and each send runs the peer's receive path"];
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
        let mut comings = vec![
            (Coming::Together(1), messages),
            (Coming::Together(DEEP), messages),
        ];
        if count == RATES_SOCKETS || smoke {
            let rates = rates
                .iter()
                .map(|rate| (Coming::Rate(*rate), rate * RATE_MS / 1_000));
            comings.extend(rates);
        }
        let in_turn: u64 = comings.iter().map(|(_, messages)| messages).sum();
        let of_each = if kept {
            ids_sum(messages / 10, turns * in_turn)
        } else {
            turns * ids_sum(messages / 10, in_turn)
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
                for (coming, messages) in &comings {
                    let (coming, messages) = (*coming, *messages);
                    let (server_ns, client_ns, round) =
                        measure(*rival, server, &mut client, coming, messages)?;
                    data.push(Turn {
                        server: *rival,
                        sockets: count,
                        coming,
                        turn,
                        server_ns,
                        client_ns,
                        round,
                    });
                }
                say(&data[data.len() - comings.len()..], turns);
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

#[expect(
    clippy::print_stderr,
    reason = "a run takes minutes, and whoever waits for it sees where it is"
)]
fn say(measured: &[Turn], turns: u64) {
    let Some(first) = measured.first() else {
        return;
    };
    let all = measured
        .iter()
        .map(|turn| format!("{:.0} ns", turn.server_ns));
    let all = all.collect::<Vec<_>>().join(", ");
    let (sockets, turn, name) = (first.sockets, first.turn + 1, first.server.name());
    eprintln!("{sockets} sockets, turn {turn} of {turns}: {name}, {all}");
}

fn connect(
    rival: Contender,
    server: &Server,
    count: usize,
    messages: u64,
) -> anyhow::Result<Client> {
    let mut client = Client::connect(server.addr, count, rival.opening())
        .with_context(|| format!("connecting to {}", rival.name()))?;
    client.round(messages / 10, 1)?;
    Ok(client)
}

/// The sum of `count` ids, which are numbered on from the warm-up.
fn ids_sum(warm_up: u64, count: u64) -> u64 {
    let sum_to = |n: u64| n * (n + 1) / 2;
    sum_to(warm_up + count) - sum_to(warm_up)
}

/// CPU of the server and of the client per message, nanoseconds, and what came back.
fn measure(
    server: Contender,
    process: &Server,
    client: &mut Client,
    coming: Coming,
    messages: u64,
) -> anyhow::Result<(f64, f64, Round)> {
    let own = std::process::id();
    let (server_before, client_before) = (cpu_time(process.id())?, cpu_time(own)?);
    let round = match coming {
        Coming::Together(deep) => client.round(messages, deep),
        Coming::Rate(rate) => client.offer(messages, rate),
    };
    let round = round.with_context(|| format!("asking {}", server.name()))?;
    let per_message =
        |after: Duration, before: Duration| (after - before).as_nanos() as f64 / messages as f64;
    let server_ns = per_message(cpu_time(process.id())?, server_before);
    let client_ns = per_message(cpu_time(own)?, client_before);
    Ok((server_ns, client_ns, round))
}

fn figures(data: &[Turn], rivals: &[Contender], sockets: &[usize]) -> Vec<Figure> {
    let mut figures = Vec::new();
    let mut comings: Vec<Coming> = Vec::new();
    for turn in data {
        if !comings.contains(&turn.coming) {
            comings.push(turn.coming);
        }
    }
    for &coming in &comings {
        for &count in sockets {
            let of = |rival: Contender| -> Vec<&Turn> {
                let is_it = |turn: &&Turn| {
                    (turn.sockets, turn.server, turn.coming) == (count, rival, coming)
                };
                data.iter().filter(is_it).collect()
            };
            let floor = of(FLOOR);
            for &rival in rivals {
                let turns = of(rival);
                if turns.is_empty() {
                    continue;
                }
                let ratios = turns
                    .iter()
                    .zip(&floor)
                    .map(|(turn, echo)| turn.server_ns / echo.server_ns);
                let cpu = format!(
                    "{:.2} × echo; {:.2} µs",
                    median(ratios.collect()),
                    median(turns.iter().map(|turn| turn.server_ns).collect()) / 1e3
                );
                let latency =
                    |of: fn(&Turn) -> f64| median(turns.iter().map(|turn| of(turn)).collect());
                let name = format!("{}, {count} sockets", rival.name());
                let (name, value, reach) = match coming {
                    Coming::Together(1) => (name, cpu, reach(rival, count)),
                    Coming::Together(deep) => (format!("{name}, bursts of {deep}"), cpu, None),
                    Coming::Rate(rate) => (
                        format!("{name}, {rate}/s"),
                        format!(
                            "{cpu}; p50 {:.0} µs, p99 {:.0} µs",
                            latency(|turn| turn.round.latency.p50_us),
                            latency(|turn| turn.round.latency.p99_us)
                        ),
                        None,
                    ),
                };
                figures.push(Figure { name, value, reach });
            }
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
