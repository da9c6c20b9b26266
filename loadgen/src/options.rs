//! The command line.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use loadgen::plan::Versions;
use loadgen::report::{Threshold, ThresholdError};
use loadgen::target;

/// Simulated fleets of OCPP charging stations against any CSMS, and a check of what it kept.
#[derive(Debug, Parser)]
#[command(name = "loadgen", version, after_help = EXAMPLES)]
pub(crate) struct Options {
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXAMPLES: &str = "\
Examples:
  loadgen fleet --stations 100 --duration 1m
  loadgen fleet --stations 1000 --truth truth.ndjson --report-json report.json
  loadgen storm --stations 10000 --fail-if 'all-back>30s'
  loadgen verify --truth truth.ndjson --token \"$SIGEC_ADMIN_TOKEN\"";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Simulate a fleet of charging stations.
    #[command(after_help = FLEET_EXAMPLES)]
    Fleet(Box<Fleet>),
    /// Cut a fleet off and measure how it comes back.
    #[command(after_help = STORM_EXAMPLES)]
    Storm(Box<Storm>),
    /// List what stations can do (`fleet --scenario`).
    #[command(after_help = SCENARIO_EXAMPLES)]
    Scenarios,
    /// Show or check a scenario.
    #[command(after_help = SCENARIO_EXAMPLES)]
    Scenario(Scenarios),
    /// Put reports of several processes or machines together.
    #[command(after_help = JOIN_EXAMPLES)]
    Join(Join),
    /// Say what is heard: an end for WebSocket conformance suites, on the codec of server and fleet.
    #[command(after_help = ECHO_EXAMPLES)]
    WsEcho(WsEcho),
    /// Compare the truth of a run with what a SIGEC-VE server has; exit 1 when anything differs.
    #[command(after_help = VERIFY_EXAMPLES)]
    Verify(Verify),
}

const FLEET_EXAMPLES: &str = "\
Examples:
  A small mixed fleet against the server of `make run`:
    loadgen fleet --stations 50 --version all --interval 10s --duration 5m
  Ten hours of history in ten minutes:
    loadgen fleet --stations 200 --interval 60s --speed 60 --duration 10m
  A day at work, as its scenario has it, with some stations that misbehave:
    loadgen fleet --scenario office --stations 200 --half-open 5 --malicious 1
  A load test with a verdict, and the truth for `loadgen verify`:
    loadgen fleet --url ws://csms:9000/ --stations 10000 --rate-connect 500 --duration 30m --seed 7 \\
      --truth truth.ndjson --report-json report.json --report-html report.html --fail-if 'p99>100ms' --fail-if 'errors>0'
  Stations with certificates (security profile 3), in certs/CP00001.pem and so on:
    loadgen fleet --url wss://csms:9443/ --ca ca.pem --client-cert certs/ --stations 100
  A fleet that is too large for one process or one core:
    loadgen fleet --stations 60000 --processes 4 --scenario idle --heartbeat 60s
  Stations with passwords, one `id,password` per line:
    loadgen fleet --stations 100 --password-file stations.csv

Exit status: 0; 1 when a --fail threshold was passed; 2 when it could not run.";

const STORM_EXAMPLES: &str = "\
Examples:
  A thousand stations lose their network for a moment, a hundred do not:
    loadgen storm
  The power comes back to ten thousand stations, with the back-off that they were configured with, and a verdict:
    loadgen storm --stations 10000 --rate-connect 2000 --power-loss --wait-minimum 10s --random-range 10s \\
      --repeat-times 3 --fail-if 'all-back>30s' --fail-if 'established-p99>50ms'
  Vehicles charge meanwhile, and nothing that was acknowledged is lost:
    loadgen storm --interval 1s --outage 10s --truth truth.ndjson
    loadgen verify --truth truth.ndjson --token \"$SIGEC_ADMIN_TOKEN\"
  A hundred thousand, in processes of 17,000, from as many addresses as that takes:
    loadgen storm --stations 100000 --established 1000 --processes 6 --rate-connect 5000 --report-json storm.json

Exit status: 0; 1 when a --fail-if limit was passed, or, without any, when a station was not back; 2 when it could
not run, as when not all stations could connect before the storm.";

const SCENARIO_EXAMPLES: &str = "\
Examples:
  loadgen scenarios
  loadgen scenario show depot > mine.toml
  loadgen scenario check mine.toml
  loadgen fleet --scenario mine.toml --stations 500";

const JOIN_EXAMPLES: &str = "\
Examples:
  Two machines that ran at the same time, with a station prefix of their own each:
    loadgen join left.json right.json --report-json both.json --fail-if 'p99>100ms'

Counts add up, quantiles are those of all latencies together. Exit status: 0; 1 when a --fail-if limit was passed; 2 when
a file is no report.";

const ECHO_EXAMPLES: &str = "\
Examples:
  A server for the Autobahn suite's fuzzingclient, until Ctrl-C:
    loadgen ws-echo --listen 127.0.0.1:9100
  A client of its fuzzingserver, until all cases have run:
    loadgen ws-echo --suite ws://127.0.0.1:9001/";

const VERIFY_EXAMPLES: &str = "\
Examples:
  loadgen verify --truth truth.ndjson --http http://127.0.0.1:8080 --token \"$SIGEC_ADMIN_TOKEN\"
  loadgen verify --truth truth.ndjson --token TOKEN --wait 60s

Exit status: 0 when acknowledged ⊆ present ⊆ sent, nothing is there twice and energy is equal; 1 when
anything differs; 2 when it could not be checked.";

/// What every command has that makes stations.
#[derive(Debug, Args)]
pub(crate) struct Stations {
    /// The CSMS; the identity of each station is appended.
    #[arg(long, default_value = "ws://127.0.0.1:9000/")]
    pub(crate) url: String,
    /// Version of OCPP; mix is 1.6 and 2.0.1 in turn, all is 2.1 as well [default: as the scenario says, else mix].
    #[arg(long, value_enum)]
    pub(crate) version: Option<Versions>,
    /// Names the fleet: the same seed gives the same messages at the same moments.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Stations are called PREFIX00001, PREFIX00002, …
    #[arg(long, default_value = "CP", value_name = "PREFIX")]
    pub(crate) station_prefix: String,
    /// Lines of id,password: the fleet consists of the first of them and authenticates with HTTP Basic.
    #[arg(long, value_name = "FILE", conflicts_with = "station_prefix")]
    pub(crate) password_file: Option<PathBuf>,
    /// Stations that connect per second at the beginning.
    #[arg(long, default_value_t = 200.0, value_name = "N", value_parser = positive_rate)]
    pub(crate) rate_connect: f64,
    /// Addresses to connect from, in turn: one carries some 28,000 connections. Large fleets on this machine take
    /// 127.1.0.1 and those after it by themselves.
    #[arg(long, value_name = "FIRST-LAST", value_parser = sources)]
    pub(crate) source_addresses: Option<Sources>,
    /// Offer compression of messages (permessage-deflate), with windows of 1 KiB.
    #[arg(long)]
    pub(crate) deflate: bool,
    /// After this an unanswered call counts as lost.
    #[arg(long, default_value = "30s", value_parser = positive)]
    pub(crate) call_timeout: Duration,
    /// After the end, how long stations may take to send what is queued.
    #[arg(long, default_value = "10s", value_parser = humantime::parse_duration)]
    pub(crate) drain: Duration,
    /// Share the stations among so many processes, and join their reports into one: each has its own limit of open
    /// files and may have its own core.
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=256))]
    pub(crate) processes: u32,
    /// Write every event sent and whether it was acknowledged, for `loadgen verify`. With --processes there is one
    /// file for each, FILE.1, FILE.2, …
    #[arg(long, value_name = "FILE")]
    pub(crate) truth: Option<PathBuf>,
    /// Write the report as JSON, also for `loadgen join`.
    #[arg(long, value_name = "FILE")]
    pub(crate) report_json: Option<PathBuf>,
    /// Write the report as one page with plots, which loads nothing from elsewhere.
    #[arg(long, value_name = "FILE")]
    pub(crate) report_html: Option<PathBuf>,
    /// Roots in PEM that the certificate of a wss server is checked with [default: those of this machine].
    #[arg(long, value_name = "FILE", conflicts_with = "insecure")]
    pub(crate) ca: Option<PathBuf>,
    /// Believe any certificate of a wss server.
    #[arg(long)]
    pub(crate) insecure: bool,
    /// What stations show a wss server: certificate and key in one PEM file; or a folder of ID.pem, one for each station.
    #[arg(long, value_name = "FILE|DIR")]
    pub(crate) client_cert: Option<PathBuf>,
    /// Each station resumes its last TLS session when it connects again, instead of a whole handshake; takes more memory.
    #[arg(long)]
    pub(crate) resume: bool,
    /// Which part of a fleet of several processes this one is.
    #[arg(long, hide = true, requires = "part_report")]
    pub(crate) part: Option<Part>,
    /// Where its report goes.
    #[arg(long, hide = true)]
    pub(crate) part_report: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Fleet {
    #[command(flatten)]
    pub(crate) stations_of: Stations,
    /// How many stations.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) stations: u32,
    /// What the stations do: default, idle, once, a profile (office, depot, highway, apartment), or a file like those;
    /// `loadgen scenarios` describes them, `loadgen scenario show NAME` prints one.
    #[arg(long, default_value = "default", value_name = "NAME|FILE")]
    pub(crate) scenario: String,
    /// Between two meter samples of a transaction, by the stations' clocks [default: as the scenario says, else 60s].
    #[arg(long, value_parser = positive)]
    pub(crate) interval: Option<Duration>,
    /// How long the run takes [default: as the scenario says, else 10m].
    #[arg(long, value_parser = positive)]
    pub(crate) duration: Option<Duration>,
    /// Connectors per station, each on its own EVSE [default: as the scenario says, else 2].
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) connectors: Option<u32>,
    /// The stations' clocks run N times as fast; the run begins in the past and ends in the present [default: as the
    /// scenario says, else 1].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) speed: Option<u32>,
    /// Between two Heartbeats [default: as the scenario says, else as the CSMS says].
    #[arg(long, value_parser = positive)]
    pub(crate) heartbeat: Option<Duration>,
    /// Percent of the stations that send their bytes slowly, one by one [default: as the scenario says, else 0].
    #[arg(long, value_name = "PERCENT", value_parser = permyriad)]
    pub(crate) slow: Option<u32>,
    /// Percent that connect and then say nothing [default: likewise].
    #[arg(long, value_name = "PERCENT", value_parser = permyriad)]
    pub(crate) silent: Option<u32>,
    /// Percent that leave from time to time without ending their connection, and come back with another [default:
    /// likewise].
    #[arg(long, value_name = "PERCENT", value_parser = permyriad)]
    pub(crate) half_open: Option<u32>,
    /// Percent that send what a server must not fall over: bombs, floods, broken frames [default: likewise].
    #[arg(long, value_name = "PERCENT", value_parser = permyriad)]
    pub(crate) malicious: Option<u32>,
    /// Shortest wait before a station connects again; as much again comes to it by chance, and it doubles four times.
    #[arg(long, default_value = "1s", value_parser = positive)]
    pub(crate) reconnect: Duration,
    /// Events that a station keeps while offline; beyond, the oldest samples are dropped.
    #[arg(long, default_value_t = 1_000, value_name = "N")]
    pub(crate) offline_events: usize,
    /// Exit 1 when the 99th percentile of latency is above this.
    #[arg(long, value_name = "DURATION", value_parser = positive)]
    pub(crate) fail_p99: Option<Duration>,
    /// Exit 1 when there are more errors than this.
    #[arg(long, value_name = "N")]
    pub(crate) fail_errors: Option<u64>,
    /// Exit 1 when a figure is above (or with <, below) a limit: p99>50ms, errors>0, achieved-rate<1000. Figures: p50,
    /// p90, p99, p99.9, max, lag-p99, errors, unexpected, lost, failed, offered-rate, achieved-rate.
    #[arg(long, value_name = "LIMIT", value_parser = fleet_threshold)]
    pub(crate) fail_if: Vec<Threshold>,
}

#[derive(Debug, Args)]
pub(crate) struct Scenarios {
    #[command(subcommand)]
    pub(crate) command: ScenarioCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ScenarioCommand {
    /// Print the TOML of a profile: a beginning for one of your own.
    Show {
        /// Its name.
        name: String,
    },
    /// Read a file and say what is wrong in it, if anything is.
    Check {
        /// The file.
        file: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Storm {
    #[command(flatten)]
    pub(crate) stations_of: Stations,
    /// How many stations are cut off and come back.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) stations: u32,
    /// Stations besides them that stay connected, and show what the storm does to others.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(0..=1_000_000))]
    pub(crate) established: u32,
    /// Between two Heartbeats of an established station; the others beat as the CSMS says.
    #[arg(long, default_value = "1s", value_parser = positive)]
    pub(crate) heartbeat: Duration,
    /// Vehicles come and go meanwhile, with a meter sample so often, and what the stations cannot send they send when
    /// they are back [default: nobody comes].
    #[arg(long, value_parser = positive)]
    pub(crate) interval: Option<Duration>,
    /// RetryBackOffWaitMinimum: the shortest wait before a station connects again.
    #[arg(long, default_value = "1s", value_parser = humantime::parse_duration)]
    pub(crate) wait_minimum: Duration,
    /// RetryBackOffRandomRange: what comes to each wait by chance, at most.
    #[arg(long, default_value = "2s", value_parser = humantime::parse_duration)]
    pub(crate) random_range: Duration,
    /// RetryBackOffRepeatTimes: how often the wait doubles.
    #[arg(long, default_value_t = 2, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=30))]
    pub(crate) repeat_times: u32,
    /// The stations had no power: they boot again and report their connectors. Otherwise only their network was gone.
    #[arg(long)]
    pub(crate) power_loss: bool,
    /// There is no network so long after the cut: attempts come to nothing, and waits double.
    #[arg(long, default_value = "0s", value_parser = humantime::parse_duration)]
    pub(crate) outage: Duration,
    /// How long all stations may take to connect before the storm.
    #[arg(long, default_value = "5m", value_parser = positive)]
    pub(crate) gather_max: Duration,
    /// How long the established stations are measured before the cut.
    #[arg(long, default_value = "5s", value_parser = humantime::parse_duration)]
    pub(crate) settle: Duration,
    /// How long the stations may take to be back.
    #[arg(long, default_value = "2m", value_parser = positive)]
    pub(crate) back_max: Duration,
    /// Exit 1 when a figure is above (or with <, below) a limit: all-back>30s, established-p99>50ms. Figures: those of
    /// `loadgen fleet` and all-back, missing, refused, retried, handshake-rate, established-p99.
    #[arg(long, value_name = "LIMIT", value_parser = storm_threshold)]
    pub(crate) fail_if: Vec<Threshold>,
}

#[derive(Debug, Args)]
pub(crate) struct Join {
    /// Reports written with --report-json.
    #[arg(required = true, value_name = "REPORT")]
    pub(crate) reports: Vec<PathBuf>,
    /// Write the joined report as JSON.
    #[arg(long, value_name = "FILE")]
    pub(crate) report_json: Option<PathBuf>,
    /// Write the joined report as one page with plots.
    #[arg(long, value_name = "FILE")]
    pub(crate) report_html: Option<PathBuf>,
    /// Exit 1 when a figure of the whole is above (or with <, below) a limit, as in `loadgen fleet` and `storm`.
    #[arg(long, value_name = "LIMIT", value_parser = storm_threshold)]
    pub(crate) fail_if: Vec<Threshold>,
}

/// What carries the sockets of the echo.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum EchoDriver {
    Epoll,
    #[value(name = "io_uring")]
    IoUring,
}

#[derive(Debug, Args)]
pub(crate) struct WsEcho {
    /// Listen here and echo; port 0 picks a free one, which is printed.
    #[arg(
        long,
        default_value = "127.0.0.1:9100",
        value_name = "ADDR",
        conflicts_with = "suite"
    )]
    pub(crate) listen: SocketAddr,
    /// Run every case of the Autobahn suite's fuzzingserver at this URL.
    #[arg(long, value_name = "URL")]
    pub(crate) suite: Option<String>,
    /// Largest window of compression, as the power of two of its bytes.
    #[arg(long, default_value_t = 15, value_name = "BITS", value_parser = clap::value_parser!(u8).range(9..=15))]
    pub(crate) window_bits: u8,
    /// Compress each message by itself.
    #[arg(long)]
    pub(crate) no_context_takeover: bool,
    /// What carries the sockets; it is an error if this machine has no such thing.
    #[arg(long, value_enum, default_value_t = EchoDriver::Epoll)]
    pub(crate) driver: EchoDriver,
}

#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// The truth of a run (`--truth` of `loadgen fleet` or `storm`); of a run in several processes, all their files.
    #[arg(long, value_name = "FILE", required = true, num_args = 1..)]
    pub(crate) truth: Vec<PathBuf>,
    /// The server.
    #[arg(long, default_value = "http://127.0.0.1:8080", value_name = "URL")]
    pub(crate) http: String,
    /// Token of a principal that may query.
    #[arg(long, env = "SIGEC_ADMIN_TOKEN", hide_env_values = true)]
    pub(crate) token: String,
    /// How long rows may take to become visible.
    #[arg(long, default_value = "10s", value_parser = humantime::parse_duration)]
    pub(crate) wait: Duration,
}

/// Addresses to connect from.
#[derive(Clone, Debug)]
pub(crate) struct Sources(pub(crate) Vec<IpAddr>);

fn sources(text: &str) -> Result<Sources, String> {
    target::parse_sources(text)
        .map(Sources)
        .map_err(|error| format!("{error:#}"))
}

/// One of several processes that share a fleet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    /// From 0.
    pub(crate) index: u32,
    /// How many there are.
    pub(crate) of: u32,
}

impl std::str::FromStr for Part {
    type Err = String;

    fn from_str(text: &str) -> Result<Part, String> {
        let numbers = text.split_once('/').and_then(|(index, of)| {
            let (index, of) = (index.parse().ok()?, of.parse().ok()?);
            (index < of).then_some(Part { index, of })
        });
        numbers.ok_or_else(|| "expected K/N, K below N".to_owned())
    }
}

/// Hundredths of a percent.
fn permyriad(text: &str) -> Result<u32, String> {
    match text.trim_end_matches('%').parse::<f64>() {
        Ok(percent) if (0.0..=100.0).contains(&percent) => Ok((percent * 100.0).round() as u32),
        _ => Err("expected a percentage from 0 to 100, such as 2 or 0.5".to_owned()),
    }
}

fn fleet_threshold(text: &str) -> Result<Threshold, ThresholdError> {
    Threshold::parse(text, false)
}

fn storm_threshold(text: &str) -> Result<Threshold, ThresholdError> {
    Threshold::parse(text, true)
}

fn positive(text: &str) -> Result<Duration, String> {
    let duration = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    if duration.is_zero() {
        return Err("expected more than nothing, such as 100ms or 10s".to_owned());
    }
    Ok(duration)
}

fn positive_rate(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if rate.is_finite() && 0.001 <= rate => Ok(rate),
        _ => Err("expected a number of stations per second, at least 0.001".to_owned()),
    }
}
