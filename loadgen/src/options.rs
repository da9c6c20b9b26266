//! The command line.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use loadgen::plan::{Scenario, Versions};
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
  loadgen verify --truth truth.ndjson --token \"$SIGEC_ADMIN_TOKEN\"";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Simulate a fleet of charging stations.
    #[command(after_help = FLEET_EXAMPLES)]
    Fleet(Box<Fleet>),
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
  A load test with a verdict, and the truth for `loadgen verify`:
    loadgen fleet --url ws://csms:9000/ --stations 10000 --rate-connect 500 \\
      --source-addresses 127.0.0.1-127.0.0.8 --duration 30m --seed 7 \\
      --truth truth.ndjson --report-json report.json --fail-p99 100ms --fail-errors 0
  Stations with passwords, one `id,password` per line:
    loadgen fleet --stations 100 --password-file stations.csv

Exit status: 0; 1 when a --fail threshold was passed; 2 when it could not run.";

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

#[derive(Debug, Args)]
pub(crate) struct Fleet {
    /// The CSMS; the identity of each station is appended.
    #[arg(long, default_value = "ws://127.0.0.1:9000/")]
    pub(crate) url: String,
    /// How many stations.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) stations: u32,
    /// Version of OCPP; mix is 1.6 and 2.0.1 in turn, all is 2.1 as well.
    #[arg(long, value_enum, default_value = "mix")]
    pub(crate) version: Versions,
    /// Between two meter samples of a transaction, by the stations' clocks.
    #[arg(long, default_value = "60s", value_parser = positive)]
    pub(crate) interval: Duration,
    /// How long the run takes.
    #[arg(long, default_value = "10m", value_parser = positive)]
    pub(crate) duration: Duration,
    /// Names the fleet: the same seed gives the same messages at the same moments.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// What the stations do.
    #[arg(long, value_enum, default_value = "default")]
    pub(crate) scenario: Scenario,
    /// Connectors per station, each on its own EVSE.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) connectors: u32,
    /// Stations are called PREFIX00001, PREFIX00002, …
    #[arg(long, default_value = "CP", value_name = "PREFIX")]
    pub(crate) station_prefix: String,
    /// Lines of id,password: the fleet consists of the first of them and authenticates with HTTP Basic.
    #[arg(long, value_name = "FILE", conflicts_with = "station_prefix")]
    pub(crate) password_file: Option<PathBuf>,
    /// Stations that connect per second at the beginning.
    #[arg(long, default_value_t = 200.0, value_name = "N", value_parser = positive_rate)]
    pub(crate) rate_connect: f64,
    /// Addresses to connect from, in turn: one carries some 28,000 connections.
    #[arg(long, value_name = "FIRST-LAST", value_parser = sources)]
    pub(crate) source_addresses: Option<Sources>,
    /// The stations' clocks run N times as fast; the run begins in the past and ends in the present.
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) speed: u32,
    /// Offer compression of messages (permessage-deflate), with windows of 1 KiB.
    #[arg(long)]
    pub(crate) deflate: bool,
    /// Between two Heartbeats, whatever the CSMS says.
    #[arg(long, value_parser = positive)]
    pub(crate) heartbeat: Option<Duration>,
    /// Shortest wait before a station connects again; it doubles up to 16 times as long, plus chance.
    #[arg(long, default_value = "1s", value_parser = positive)]
    pub(crate) reconnect: Duration,
    /// After this an unanswered call counts as lost.
    #[arg(long, default_value = "30s", value_parser = positive)]
    pub(crate) call_timeout: Duration,
    /// Events that a station keeps while offline; beyond, the oldest samples are dropped.
    #[arg(long, default_value_t = 1_000, value_name = "N")]
    pub(crate) offline_events: usize,
    /// After the end, how long stations may take to send what is queued.
    #[arg(long, default_value = "10s", value_parser = humantime::parse_duration)]
    pub(crate) drain: Duration,
    /// Write every event sent and whether it was acknowledged, for `loadgen verify`.
    #[arg(long, value_name = "FILE")]
    pub(crate) truth: Option<PathBuf>,
    /// Write the report as JSON.
    #[arg(long, value_name = "FILE")]
    pub(crate) report_json: Option<PathBuf>,
    /// Exit 1 when the 99th percentile of latency is above this.
    #[arg(long, value_name = "DURATION", value_parser = positive)]
    pub(crate) fail_p99: Option<Duration>,
    /// Exit 1 when there are more errors than this.
    #[arg(long, value_name = "N")]
    pub(crate) fail_errors: Option<u64>,
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
}

#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// The truth of a run (`loadgen fleet --truth`).
    #[arg(long, value_name = "FILE")]
    pub(crate) truth: PathBuf,
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
