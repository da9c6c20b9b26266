//! Stations that come, are quiet, are cut off and come back: `loadgen storm` beside a server, and what the server takes
//! meanwhile.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use net::clock::monotonic_ns;
use serde::Serialize;
use serde_json::Value;

use crate::child::{Memory, Server, cpu_time, memory};
use crate::inside::{Commands, Inside};
use crate::stats::Quantiles;

/// Stations are called so, and numbered from 1.
pub const PREFIX: &str = "CP";

/// All stations are there by then, or something is wrong.
const PATIENCE: Duration = Duration::from_secs(600);

/// Who comes, and how.
#[derive(Debug)]
pub struct Storm<'a> {
    /// The load generator.
    pub loadgen: &'a Path,
    /// Stations that are cut off.
    pub stations: u64,
    /// Stations besides them that stay.
    pub established: u64,
    /// In which the quiet stations are measured.
    pub quiet: Duration,
    /// They show the passwords that the server was told of, as security profile 1 has it.
    pub passwords: bool,
    /// What they are asked afterwards.
    pub commands: Option<Commands>,
    /// More of the command line: `--rate-connect`, `--power-loss`, `--ca` and so on; `--url` is not among it.
    pub arguments: Vec<String>,
}

/// What it came to.
#[derive(Debug, Serialize)]
pub struct Measured {
    /// All of them.
    pub stations: u64,
    /// Before the first.
    pub empty: Memory,
    /// All connected, at the beginning of the quiet time.
    pub connected: Memory,
    /// At its end.
    pub quiet: Memory,
    /// Seconds of the quiet time.
    pub quiet_s: f64,
    /// CPU of the server in it.
    pub quiet_cpu_s: f64,
    /// Its answers in it.
    pub quiet_inside: Inside,
    /// Commands afterwards, from asking for one to the station's answer.
    pub commands: Option<Quantiles>,
    /// What the server says of them.
    pub commands_inside: Inside,
    /// From the end of those until all were back.
    pub storm_cpu_s: f64,
    /// Answers in that time.
    pub storm_inside: Inside,
    /// When all are back.
    pub after: Memory,
    /// What `loadgen storm` says.
    pub storm: Value,
    /// What it says of its own memory.
    pub loadgen_memory: Value,
    /// Connections whose TLS session went on from an earlier one.
    pub resumed: u64,
}

/// The load generator: `given`, or else what was built beside this program.
///
/// # Errors
///
/// There is none.
pub fn loadgen(given: Option<&Path>) -> anyhow::Result<PathBuf> {
    let program = match given {
        Some(program) => program.to_owned(),
        None => std::env::current_exe()
            .context("finding this program")?
            .with_file_name("loadgen"),
    };
    ensure!(
        program.exists(),
        "there is no {}; build it with `cargo build -p loadgen`, or name it with --loadgen",
        program.display()
    );
    Ok(program)
}

/// The first so many stations, each with its password.
pub fn passwords(stations: u64) -> impl Iterator<Item = (String, String)> {
    let names = (1..=stations).map(|number| format!("{PREFIX}{number:05}"));
    names.map(|name| (name.clone(), format!("the-password-of-{name}")))
}

impl Storm<'_> {
    /// Lets them come to `server` at `url`, which has nobody yet. What loadgen writes lies in `dir`.
    ///
    /// # Errors
    ///
    /// Not all come, or not all come back.
    pub fn run(&self, server: &mut Server, url: &str, dir: &Path) -> anyhow::Result<Measured> {
        let empty = memory(server.id())?;
        let report = dir.join("storm.json");
        let all = self.stations + self.established;
        let names: [OsString; 2] = if self.passwords {
            let path = dir.join("passwords.csv");
            let lines = passwords(all).map(|(name, password)| format!("{name},{password}\n"));
            std::fs::write(&path, lines.collect::<String>())
                .with_context(|| format!("writing {}", path.display()))?;
            ["--password-file".into(), path.into()]
        } else {
            ["--station-prefix".into(), PREFIX.into()]
        };
        let asked_s = self.commands.as_ref().map_or(0, |c| c.count / c.rate + 1);
        let settle = self.quiet.as_secs() + (self.quiet.as_secs() + asked_s) / 10 + 1 + asked_s;
        let mut stations = Stations(
            Command::new(self.loadgen)
                .arg("storm")
                .args(["--url", url])
                .args(["--version", "1.6"])
                .args(names)
                .args(["--stations", &self.stations.to_string()])
                .args(["--established", &self.established.to_string()])
                // Some to notice that all are there, and to measure.
                .args(["--settle", &format!("{settle}s")])
                .args(["--gather-max", "10m"])
                .args(&self.arguments)
                .arg("--report-json")
                .arg(&report)
                .stdout(Stdio::null())
                .spawn()
                .with_context(|| format!("starting {}", self.loadgen.display()))?,
        );
        let deadline = monotonic_ns() + PATIENCE.as_nanos() as u64;
        while Inside::of(server)?.connections < all {
            if let Some(status) = stations.0.try_wait().context("looking after loadgen")? {
                bail!("loadgen ended with {status} before all stations were there");
            }
            ensure!(
                monotonic_ns() < deadline,
                "not all stations are there after {PATIENCE:?}"
            );
            wait(Duration::from_millis(100));
        }
        let connected = memory(server.id())?;
        let (before, cpu_before, start) = now(server)?;
        wait(self.quiet);
        let (after_quiet, cpu_quiet, end) = now(server)?;
        let quiet = memory(server.id())?;
        let commands = self.commands.as_ref();
        let commands = commands
            .map(|commands| commands.send(server))
            .transpose()
            .context("sending commands")?;
        let (commanded, cpu_commanded, _) = now(server)?;
        let status = stations.0.wait().context("waiting for loadgen")?;
        ensure!(status.success(), "loadgen ended with {status}");
        let (after, cpu_after, _) = now(server)?;
        let text = std::fs::read_to_string(&report)
            .with_context(|| format!("reading {}", report.display()))?;
        let written: Value = serde_json::from_str(&text).context("reading what loadgen wrote")?;
        let storm = written["storm"].clone();
        ensure!(storm["missing"] == 0, "stations are not back: {storm}");
        let loadgen_memory = written["memory"].clone();
        ensure!(
            loadgen_memory["per_station_bytes"].is_u64(),
            "loadgen says nothing of its memory: {loadgen_memory}"
        );
        let resumed = written["connections"]["resumed"].as_u64();
        let resumed = resumed.context("loadgen says of no session whether it was resumed")?;
        Ok(Measured {
            stations: all,
            empty,
            connected,
            quiet,
            quiet_s: Duration::from_nanos(end - start).as_secs_f64(),
            quiet_cpu_s: (cpu_quiet - cpu_before).as_secs_f64(),
            quiet_inside: after_quiet.since(&before),
            commands,
            commands_inside: commanded.since(&after_quiet),
            storm_cpu_s: (cpu_after - cpu_commanded).as_secs_f64(),
            storm_inside: after.since(&commanded),
            after: memory(server.id())?,
            storm,
            loadgen_memory,
            resumed,
        })
    }
}

impl Measured {
    /// Bytes that the server grew by, from before the first station to `then`.
    pub fn grown(&self, then: &Memory) -> f64 {
        then.anonymous.saturating_sub(self.empty.anonymous) as f64
    }

    /// Stations that came back.
    pub fn back(&self) -> u64 {
        self.storm["back"].as_u64().unwrap_or_default()
    }

    /// Seconds from the cut until all were back.
    pub fn all_back_s(&self) -> f64 {
        self.storm["all_back_s"].as_f64().unwrap_or_default()
    }
}

fn now(server: &mut Server) -> anyhow::Result<(Inside, Duration, u64)> {
    Ok((Inside::of(server)?, cpu_time(server.id())?, monotonic_ns()))
}

/// `loadgen`, killed when dropped before its end.
struct Stations(Child);

impl Drop for Stations {
    fn drop(&mut self) {
        // A process that has ended already is as good.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "it is measured what a server does in a time in which nothing happens, so there is nothing to wait for"
)]
fn wait(time: Duration) {
    std::thread::sleep(time);
}
