//! What a connection takes of the server: memory while nothing is said over it, CPU when it ends and comes back. Plain,
//! with compressed messages, over TLS, with a certificate of the station, and with sessions that are resumed.
//!
//! The stations are `loadgen storm` beside the server, which boot and report their connectors once, and come back without.
//! What is counted is the server's process.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, ensure};
use bench::machine::Machine;
use bench::output::{Figure, Options, Results};
use bench::pki;
use bench::servers::{Rival, Serve};
use bench::storm::{self, Measured, Storm};
use clap::Parser;
use net::driver::{Config, Uring};
use serde::Serialize;

// The program's, so that the figure is the program's.
#[global_allocator]
static ALLOCATOR: allocator::MiMalloc = allocator::MiMalloc;

/// Memory and CPU of a connection: plain, compressed, over TLS, with certificates, resumed.
#[derive(Debug, Parser)]
#[command(
    after_help = "Example:\n  cargo build --release -p loadgen\n  cargo run --release -p bench --bin connections -- --out bench/results/2026-11-22-2core-vm"
)]
struct Arguments {
    #[command(flatten)]
    options: Options,
    #[command(flatten)]
    serve: Serve,
    /// Stations.
    #[arg(long, default_value_t = 5_000)]
    stations: u64,
    /// Stations that resume their sessions all at once.
    #[arg(long, default_value_t = 20_000)]
    crowd: u64,
    /// Seconds in which nothing is said before memory is looked at.
    #[arg(long, default_value_t = 10)]
    quiet: u64,
    /// The load generator [default: beside this program]
    #[arg(long)]
    loadgen: Option<PathBuf>,
}

/// A way to connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
enum Way {
    Plain,
    /// The stations offer permessage-deflate, and send Heartbeats only.
    Compressed,
    /// A whole handshake every time.
    Tls,
    /// With a ticket of the session before.
    TlsResumed,
    /// A whole handshake, with a certificate of the station.
    Certificates,
    CertificatesResumed,
}

impl Way {
    const ALL: [Way; 6] = [
        Way::Plain,
        Way::Compressed,
        Way::Tls,
        Way::TlsResumed,
        Way::Certificates,
        Way::CertificatesResumed,
    ];

    fn name(self) -> &'static str {
        match self {
            Way::Plain => "plain",
            Way::Compressed => "compression agreed",
            Way::Tls => "TLS",
            Way::TlsResumed => "TLS, resumed",
            Way::Certificates => "TLS with certificates of stations",
            Way::CertificatesResumed => "TLS with certificates of stations, resumed",
        }
    }

    fn is_secured(self) -> bool {
        !matches!(self, Way::Plain | Way::Compressed)
    }

    fn shows_certificate(self) -> bool {
        matches!(self, Way::Certificates | Way::CertificatesResumed)
    }

    fn resumes(self) -> bool {
        matches!(self, Way::TlsResumed | Way::CertificatesResumed)
    }
}

#[derive(Debug, Serialize)]
struct Case {
    way: Way,
    driver: &'static str,
    #[serde(flatten)]
    measured: Measured,
}

fn main() -> anyhow::Result<()> {
    let mut arguments = Arguments::parse();
    if let Some(rival) = arguments.serve.serve {
        allocator::give_back_at_once();
        return rival.serve(&arguments.serve);
    }
    let machine = Machine::read();
    let smoke = arguments.options.smoke;
    if smoke {
        (arguments.stations, arguments.crowd, arguments.quiet) = (10, 10, 1);
    }
    let loadgen = storm::loadgen(arguments.loadgen.as_deref())?;
    let has_uring = Uring::new(Config::default(), Vec::new()).is_ok();
    let mut not_measured = vec![
        "a network: both ends are on one machine, and each send runs the peer's receive path",
        "the kernel's share: some 3.8 KB per socket",
        "compression at work: the stations say nothing but Heartbeats",
        "certificates of RSA: all keys are P-256",
    ];
    if !has_uring {
        not_measured.push("io_uring, left out: this process does not get it");
    }
    let ways = if smoke {
        &[Way::Compressed, Way::CertificatesResumed][..]
    } else {
        &Way::ALL
    };
    let mut data = Vec::new();
    for (driver, rival) in [
        ("epoll", Rival::Dataplane),
        ("io_uring", Rival::DataplaneUring),
    ] {
        if rival.needs_uring() && !has_uring {
            continue;
        }
        for &way in ways {
            let measured = measure(&arguments, &loadgen, way, rival, arguments.stations)
                .with_context(|| format!("{} over {driver}", way.name()))?;
            data.push(Case {
                way,
                driver,
                measured,
            });
        }
    }
    let mut figures: Vec<Figure> = data.iter().flat_map(figures).collect();
    if has_uring {
        let (way, rival) = (Way::TlsResumed, Rival::DataplaneCrowd);
        let measured = measure(&arguments, &loadgen, way, rival, arguments.crowd)?;
        figures.push(Figure {
            name: format!(
                "{} stations, {}, until all are back",
                arguments.crowd,
                way.name()
            ),
            value: format!(
                "{:.1} s, {} refused",
                measured.all_back_s(),
                measured.storm["refused"]
            ),
            reach: Some("≤ 8 s".to_owned()),
        });
        data.push(Case {
            way,
            driver: "io_uring, all CPUs",
            measured,
        });
    }
    let results = Results {
        benchmark: "connections",
        machine,
        smoke,
        checksum: data
            .iter()
            .map(|case| case.measured.back())
            .sum::<u64>()
            .to_string(),
        figures,
        not_measured,
        data,
    };
    results.publish(&arguments.options)
}

fn measure(
    arguments: &Arguments,
    loadgen: &Path,
    way: Way,
    rival: Rival,
    stations: u64,
) -> anyhow::Result<Measured> {
    let files = tempfile::tempdir().context("making a folder for certificates")?;
    let mut serve = arguments.serve.clone();
    // Each process of stations has its own limit of open files.
    let processes = stations.div_ceil(10_000);
    let mut more = ["--rate-connect", "1000", "--processes"]
        .map(str::to_owned)
        .to_vec();
    more.push(processes.to_string());
    if way.is_secured() {
        // As loadgen calls them.
        let names = (1..=stations).map(|index| format!("CP{index:05}"));
        let named: Vec<String> = names.filter(|_| way.shows_certificate()).collect();
        pki::write(files.path(), &named)?;
        let text = |path: PathBuf| path.to_string_lossy().into_owned();
        more.extend(["--ca".to_owned(), text(pki::roots(files.path()))]);
        if way.shows_certificate() {
            let folder = text(pki::certificates(files.path()));
            more.extend(["--client-cert".to_owned(), folder]);
        }
        serve.tls = Some(files.path().to_owned());
    }
    if way == Way::Compressed {
        more.push("--deflate".to_owned());
    }
    if way.resumes() {
        more.push("--resume".to_owned());
    }
    let (mut server, dir) = serve.start(rival)?;
    let scheme = if way.is_secured() { "wss" } else { "ws" };
    let url = format!("{scheme}://{}/", server.addr);
    let storm = Storm {
        loadgen,
        stations,
        established: 0,
        quiet: Duration::from_secs(arguments.quiet),
        passwords: false,
        commands: None,
        arguments: more,
    };
    let measured = storm.run(&mut server, &url, dir.path())?;
    let expected = if way.resumes() { stations } else { 0 };
    ensure!(
        measured.resumed == expected,
        "{} of {stations} sessions were resumed, not {expected}",
        measured.resumed
    );
    Ok(measured)
}

fn figures(case: &Case) -> [Figure; 2] {
    let Case {
        way,
        driver,
        measured,
    } = case;
    let stations = measured.stations as f64;
    let name = format!("{}, {driver}", way.name());
    let each = measured.storm_cpu_s / stations;
    [
        Figure {
            name: format!("{name}: memory of a quiet station"),
            value: format!("{:.0} B", measured.grown(&measured.quiet) / stations),
            reach: way.is_secured().then(|| "≤ 4.5 KB".to_owned()),
        },
        Figure {
            name: format!("{name}: cut off and back, CPU"),
            value: format!("{:.0} µs, {:.0} per core-second", each * 1e6, 1.0 / each),
            reach: None,
        },
    ]
}
