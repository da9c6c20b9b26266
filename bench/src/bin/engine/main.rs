//! Server CPU per Heartbeat, beside a raw TCP echo, other runtimes, other WebSockets and other OCPP libraries, and what
//! of ours each layer takes.
//!
//! Each server is a process on the first CPU, the client one thread on the last. Every connection has one unanswered
//! request, or a burst of them, as a station has that empties its queue; and at some rates they come whatever the server
//! does, and how long they take is told. Servers take turns, so that a busy neighbour disturbs all of them; the ratio to
//! the echo is taken within a turn, and its median over the turns is the result.

mod figures;
mod idle;
mod plan;

use std::time::Duration;

use anyhow::{Context, ensure};
use bench::child::{Server, cpu_time};
use bench::client::{Client, Round};
use bench::contender::Contender;
use bench::machine::Machine;
use bench::output::{Options, Results};
use bench::servers::Serve;
use clap::Parser;
use net::driver::{Config, Uring};
use serde::Serialize;

use self::figures::figures;
use self::idle::idle;
use self::plan::{CONTENDERS, Coming, FLOOR, Plan};

// The program's, so that the figure is the program's.
#[global_allocator]
static ALLOCATOR: allocator::MiMalloc = allocator::MiMalloc;

/// Server CPU per Heartbeat, beside a raw TCP echo, other runtimes, other WebSockets and other OCPP libraries.
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
    #[arg(long, value_delimiter = ',', value_parser = plan::contender)]
    servers: Vec<Contender>,
    /// Connections to each.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 100, 1_000, 10_000])]
    sockets: Vec<usize>,
    /// Heartbeats per second at which latency is measured.
    #[arg(long, value_delimiter = ',', default_values_t = [2_000, 20_000, 40_000])]
    rates: Vec<u64>,
}

/// Connections to each server whose memory is looked at, and how long nothing is said before.
const IDLE: (usize, Duration) = (2_000, Duration::from_secs(20));
/// Sockets open at once, all servers together.
const OPEN_MAX: usize = 16_000;

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
        allocator::give_back_at_once();
        return rival.serve(&arguments.serve);
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
    let mut not_measured = vec![
        "a network: both ends are on one machine, and each send runs the peer's receive path",
        "shards beside each other: every server has one thread, and the client the other CPU",
        "servers made with an OCPP library at 1,000 and 10,000 sockets, in bursts and at a rate: 1 and 100 tell what they take",
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
    let plan = Plan {
        messages,
        rates: rates.to_vec(),
        smoke,
    };
    let mut data = Vec::new();
    let mut expected: u64 = 0;
    for &count in sockets {
        let asked = rivals
            .iter()
            .map(|&rival| (rival, plan.comings(rival, count)));
        let asked: Vec<_> = asked.filter(|(_, comings)| !comings.is_empty()).collect();
        // What does not fit into the limit of open files beside each other is opened anew for every turn.
        let kept = asked.len() * count <= OPEN_MAX;
        let mut servers = Vec::new();
        for (rival, comings) in asked {
            let in_turn: u64 = comings.iter().map(|(_, messages)| messages).sum();
            let warm_up = warm_up(&comings);
            expected = expected.wrapping_add(if kept {
                ids_sum(warm_up, turns * in_turn)
            } else {
                turns * ids_sum(warm_up, in_turn)
            });
            let dir = tempfile::tempdir_in(&arguments.serve.dir)
                .context("making a folder for the data")?;
            let server = rival.start(&arguments.serve, dir.path())?;
            servers.push((rival, comings, server, None, dir));
        }
        // Where there is one CPU only, or a sandbox, both ends share; the ratio still holds.
        let _ = net::os::pin_thread(machine.cpus.saturating_sub(1));
        for turn in 0..turns {
            for (rival, comings, server, open, _) in &mut servers {
                let mut client = match open.take() {
                    Some(client) => client,
                    None => connect(*rival, server, count, warm_up(comings))?,
                };
                for &(coming, messages) in comings.iter() {
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
    let (count, rest) = if smoke { (10, Duration::ZERO) } else { IDLE };
    let idle = idle(&rivals, &arguments.serve, count, rest)?;
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
        figures: figures(&data, sockets).into_iter().chain(idle).collect(),
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
    warm_up: u64,
) -> anyhow::Result<Client> {
    let mut client = Client::connect(server.addr, count, rival.opening())
        .with_context(|| format!("connecting to {}", rival.name()))?;
    client.round(warm_up, 1)?;
    Ok(client)
}

/// Messages that a server is asked before anything is measured.
fn warm_up(comings: &[(Coming, u64)]) -> u64 {
    comings.first().map_or(0, |(_, messages)| messages / 10)
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
