//! Messages per second of server CPU, beside servers made with other OCPP libraries that check every message.
//!
//! Each server is a process on the first CPU, the client one thread on the last; every connection has one unanswered
//! message. What is counted is the CPU time of the server's process alone. Servers take turns; the ratio is taken within
//! a turn, and its median over the turns is the result.

use std::time::Duration;

use anyhow::{Context, ensure};
use bench::child::{Server, cpu_time};
use bench::client::{Client, Opening};
use bench::contender::{Contender, Foreign};
use bench::load::Load;
use bench::machine::Machine;
use bench::output::{Figure, Options, Results};
use bench::servers::{Rival, Serve};
use bench::stats::median;
use clap::Parser;
use serde::Serialize;
use tempfile::TempDir;

// The program's, so that the figure is the program's.
#[global_allocator]
static ALLOCATOR: allocator::MiMalloc = allocator::MiMalloc;

/// Messages per second of server CPU, beside servers made with other OCPP libraries.
#[derive(Debug, Parser)]
#[command(
    after_help = "Example:\n  cargo run --release -p bench --bin peers -- --out bench/results/2026-11-22-2core-vm"
)]
struct Arguments {
    #[command(flatten)]
    options: Options,
    #[command(flatten)]
    serve: Serve,
    /// Times that every server has its turn.
    #[arg(long, default_value_t = 11)]
    turns: usize,
    /// Messages of each kind per turn.
    #[arg(long, default_value_t = 10_000)]
    messages: u64,
    /// Connections to each, per kind of message.
    #[arg(long, default_value_t = 100)]
    sockets: usize,
}

const OURS: Contender = Contender::Here(Rival::Dataplane);

/// Ours with its log on, and those that check every message too.
const PEERS: [Contender; 4] = [
    OURS,
    Contender::Foreign(Foreign::OcppRpc),
    Contender::Foreign(Foreign::OcppGo),
    Contender::Foreign(Foreign::Mobilityhouse),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
enum Kind {
    Heartbeat,
    MeterValues,
}

impl Kind {
    const ALL: [Kind; 2] = [Kind::Heartbeat, Kind::MeterValues];

    /// What ours is to reach.
    fn reach(self) -> &'static str {
        match self {
            Kind::Heartbeat => "≥ 80,000 per core-second",
            Kind::MeterValues => "≥ 60,000 per core-second",
        }
    }
}

#[derive(Debug, Serialize)]
struct Turn {
    server: Contender,
    kind: Kind,
    turn: usize,
    messages: u64,
    /// CPU of the server, nanoseconds per message.
    server_ns: f64,
    /// Wall-clock seconds.
    seconds: f64,
}

/// A server that is asked for one kind of message.
struct Asked {
    peer: Contender,
    server: Server,
    asking: Asking,
    /// Of what it stores, as long as the server lives.
    _dir: TempDir,
}

enum Asking {
    Heartbeat(Client),
    MeterValues(Load),
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    if let Some(rival) = arguments.serve.serve {
        return rival.serve(&arguments.serve);
    }
    let machine = Machine::read();
    let smoke = arguments.options.smoke;
    let (turns, messages, sockets) = if smoke {
        (2, 100, 5)
    } else {
        (arguments.turns, arguments.messages, arguments.sockets)
    };
    let mut not_measured = vec![
        "a network: both ends are on one machine, and each send runs the peer's receive path",
        "storing by the others: ours writes its log, they keep nothing",
        "the tables behind the data plane: the benchmark `path` has them",
    ];
    let mut asked = Vec::new();
    for peer in PEERS {
        if let Some(missing) = peer.missing() {
            not_measured.push(missing);
            continue;
        }
        for kind in Kind::ALL {
            asked.push(Asked::start(peer, kind, &arguments.serve, sockets)?);
        }
    }
    let _ = net::os::pin_thread(machine.cpus.saturating_sub(1));
    let mut data = Vec::new();
    for asked in &mut asked {
        // As many as in a turn: compilers at run time are through by then.
        asked.ask(messages)?;
    }
    for turn in 0..turns {
        for asked in &mut asked {
            data.push(asked.measure(turn, messages)?);
        }
    }
    let results = Results {
        benchmark: "peers",
        machine,
        smoke,
        // Each answer was checked as it came; another number of servers must not make another sum.
        checksum: (2 * turns as u64 * messages).to_string(),
        figures: figures(&data, sockets),
        not_measured,
        data,
    };
    results.publish(&arguments.options)
}

impl Asked {
    fn start(peer: Contender, kind: Kind, serve: &Serve, sockets: usize) -> anyhow::Result<Asked> {
        let dir = tempfile::tempdir_in(&serve.dir).context("making a folder for the data")?;
        let server = peer.start(serve, dir.path())?;
        let (addr, opening) = (server.addr, Opening::Station);
        let asking = match kind {
            Kind::Heartbeat => Client::connect(addr, sockets, opening).map(Asking::Heartbeat),
            Kind::MeterValues => {
                Load::connect(addr, opening, sockets, "P").map(Asking::MeterValues)
            }
        };
        Ok(Asked {
            peer,
            server,
            asking: asking.with_context(|| format!("connecting to {}", peer.name()))?,
            _dir: dir,
        })
    }

    /// Sends `messages` and waits for each answer; the seconds it took.
    fn ask(&mut self, messages: u64) -> anyhow::Result<Duration> {
        let elapsed = match &mut self.asking {
            Asking::Heartbeat(client) => client
                .round(messages, 1)
                .map(|round| Duration::from_secs_f64(round.seconds)),
            Asking::MeterValues(load) => load.rush(messages).map(|offered| offered.elapsed),
        };
        elapsed.with_context(|| format!("asking {}", self.peer.name()))
    }

    fn measure(&mut self, turn: usize, messages: u64) -> anyhow::Result<Turn> {
        let before = cpu_time(self.server.id())?;
        let elapsed = self.ask(messages)?;
        let used = cpu_time(self.server.id())?.saturating_sub(before);
        ensure!(
            used > Duration::ZERO,
            "{} answered {messages} messages without any CPU time",
            self.peer.name()
        );
        Ok(Turn {
            server: self.peer,
            kind: match self.asking {
                Asking::Heartbeat(_) => Kind::Heartbeat,
                Asking::MeterValues(_) => Kind::MeterValues,
            },
            turn,
            messages,
            server_ns: used.as_nanos() as f64 / messages as f64,
            seconds: elapsed.as_secs_f64(),
        })
    }
}

fn figures(data: &[Turn], sockets: usize) -> Vec<Figure> {
    let mut figures = Vec::new();
    for kind in Kind::ALL {
        let of = |peer: Contender| -> Vec<f64> {
            let turns = data
                .iter()
                .filter(|turn| turn.server == peer && turn.kind == kind);
            turns.map(|turn| turn.server_ns).collect()
        };
        let ours = of(OURS);
        for peer in PEERS {
            let theirs = of(peer);
            if theirs.is_empty() {
                continue;
            }
            let ratios = theirs.iter().zip(&ours).map(|(theirs, ours)| theirs / ours);
            let (ratio, ns) = (median(ratios.collect()), median(theirs.clone()));
            let per_second = format!("{:.0} per core-second, {:.2} µs", 1e9 / ns, ns / 1e3);
            let (value, reach) = if peer == OURS {
                (per_second, kind.reach())
            } else {
                let value = format!("{per_second}; ours does {ratio:.1} ×");
                (value, "ours ≥ 3 ×")
            };
            figures.push(Figure {
                name: format!("{kind:?}, {sockets} sockets, {}", peer.name()),
                value,
                reach: Some(reach.to_owned()),
            });
        }
    }
    figures
}
