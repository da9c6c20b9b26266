//! Every benchmark, one after the other, into one folder.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};
use clap::Parser;
use net::driver::{Config, Uring};

/// Run every benchmark and keep the results in one folder.
#[derive(Debug, Parser)]
#[command(after_help = "Examples:
  cargo run --release -p bench
  cargo run --release -p bench -- --only engine --only parse
  cargo run --release -p bench -- --sigec bin/sigec --dir /var/tmp --out bench/results/2026-11-22-2core-vm")]
struct Arguments {
    /// A size that takes seconds; its figures mean nothing.
    #[arg(long)]
    smoke: bool,
    /// Folder for the results [default: bench/results/DATE-Ncore]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// The program that `path` and `cancel` measure; without it, or without that file, they are left out.
    #[arg(long, default_value = "bin/sigec")]
    sigec: PathBuf,
    /// A folder on the disk to measure.
    #[arg(long, default_value = ".")]
    dir: PathBuf,
    /// Only this one; may be given more than once.
    #[arg(long, value_enum)]
    only: Vec<Benchmark>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Benchmark {
    Engine,
    Parse,
    Peers,
    Ack,
    Memory,
    Connections,
    Crowd,
    CrowdPasswords,
    Path,
    Cancel,
}

impl Benchmark {
    const ALL: [Benchmark; 10] = [
        Benchmark::Engine,
        Benchmark::Parse,
        Benchmark::Peers,
        Benchmark::Ack,
        Benchmark::Memory,
        Benchmark::Connections,
        Benchmark::Crowd,
        Benchmark::CrowdPasswords,
        Benchmark::Path,
        Benchmark::Cancel,
    ];

    fn name(self) -> &'static str {
        match self {
            Benchmark::Engine => "engine",
            Benchmark::Parse => "parse",
            Benchmark::Peers => "peers",
            Benchmark::Ack => "ack",
            Benchmark::Memory => "memory",
            Benchmark::Connections => "connections",
            Benchmark::Crowd => "crowd",
            Benchmark::CrowdPasswords => "crowd-passwords",
            Benchmark::Path => "path",
            Benchmark::Cancel => "cancel",
        }
    }

    /// The program that measures it.
    fn program(self) -> &'static str {
        match self {
            Benchmark::CrowdPasswords => Benchmark::Crowd.name(),
            other => other.name(),
        }
    }

    /// What it takes besides the folder for its results.
    fn arguments(self, arguments: &Arguments) -> Vec<PathBuf> {
        let dir = || vec!["--dir".into(), arguments.dir.clone()];
        match self {
            Benchmark::Parse => Vec::new(),
            Benchmark::Engine
            | Benchmark::Peers
            | Benchmark::Ack
            | Benchmark::Memory
            | Benchmark::Connections
            | Benchmark::Crowd => dir(),
            Benchmark::CrowdPasswords => [dir(), vec!["--passwords".into()]].concat(),
            Benchmark::Path | Benchmark::Cancel => {
                [dir(), vec!["--sigec".into(), arguments.sigec.clone()]].concat()
            }
        }
    }

    /// What it measures and cannot find; it is left out then.
    fn missing(self, arguments: &Arguments) -> Option<String> {
        let needed = match self {
            Benchmark::Path | Benchmark::Cancel => arguments.sigec.clone(),
            Benchmark::Crowd | Benchmark::CrowdPasswords
                if Uring::new(Config::default(), Vec::new()).is_err() =>
            {
                return Some("this process does not get io_uring".to_owned());
            }
            Benchmark::Connections | Benchmark::Crowd | Benchmark::CrowdPasswords => {
                std::env::current_exe().ok()?.with_file_name("loadgen")
            }
            Benchmark::Engine
            | Benchmark::Peers
            | Benchmark::Parse
            | Benchmark::Ack
            | Benchmark::Memory => return None,
        };
        (!needed.exists()).then(|| format!("there is no {}", needed.display()))
    }
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let out = arguments.out.clone().unwrap_or_else(default_folder);
    let mut wanted = arguments.only.clone();
    if wanted.is_empty() {
        wanted = Benchmark::ALL.to_vec();
    }
    for benchmark in wanted {
        if let Some(missing) = benchmark.missing(&arguments) {
            say(&format!("{}: left out, {missing}", benchmark.name()));
            continue;
        }
        say(&format!("{}: running", benchmark.name()));
        run(benchmark, &arguments, &out)?;
        say(&format!(
            "{}: see {}",
            benchmark.name(),
            summary(&out, benchmark).display()
        ));
    }
    Ok(())
}

fn run(benchmark: Benchmark, arguments: &Arguments, out: &Path) -> anyhow::Result<()> {
    let this = std::env::current_exe().context("finding this program")?;
    let program = this.with_file_name(benchmark.program());
    let mut command = Command::new(&program);
    command
        .args(benchmark.arguments(arguments))
        .arg("--out")
        .arg(out)
        .stdout(Stdio::null());
    if arguments.smoke {
        command.arg("--smoke");
    }
    let status = command.status().with_context(|| {
        format!(
            "starting {}; `cargo build --release -p bench` makes it",
            program.display()
        )
    })?;
    ensure!(status.success(), "{} ended with {status}", benchmark.name());
    Ok(())
}

fn summary(out: &Path, benchmark: Benchmark) -> PathBuf {
    out.join(format!("{}.md", benchmark.name()))
}

/// The day, and what kind of machine it was: figures of different machines do not belong together.
fn default_folder() -> PathBuf {
    let machine = bench::machine::Machine::read();
    let day = machine.date.split('T').next().unwrap_or_default();
    PathBuf::from(format!("bench/results/{day}-{}core", machine.cpus))
}

#[expect(
    clippy::print_stderr,
    reason = "the one place where this program says where it is"
)]
fn say(line: &str) {
    eprintln!("{line}");
}
