//! `loadgen fleet`.

use std::process::ExitCode;
use std::time::Duration;

use loadgen::clock::rfc3339;
use loadgen::fleet::Fleet;
use loadgen::plan::{BackOff, Plan, Timeline, Versions};
use loadgen::report::{File, Run, Threshold};
use loadgen::scenario::{Faults, Scenario};
use ocpp::{Instant, Version};

use super::conclude::{self, Conclusion};
use super::drive::drive;
use super::parts;
use super::stations::{stations, truth};
use crate::options;

/// How often the wait before a connection doubles.
const REPEAT_TIMES: u32 = 4;

/// What is so unless the command line or the scenario says otherwise.
const INTERVAL: Duration = Duration::from_secs(60);
const DURATION: Duration = Duration::from_secs(600);
const CONNECTORS: u32 = 2;

/// Runs a fleet to its end, or until Ctrl-C.
///
/// # Errors
///
/// The options do not fit each other or the machine, or a file cannot be written.
pub(crate) async fn fleet(options: Box<options::Fleet>) -> anyhow::Result<ExitCode> {
    let of = &options.stations_of;
    let scenario = Scenario::load(&options.scenario)?;
    let file = if of.part.is_none() && 1 < of.processes {
        stations(of, options.stations, version(of, &scenario))?;
        parts::run(of.processes).await?
    } else {
        one(&options, scenario).await?
    };
    if let Some(path) = &of.part_report {
        conclude::write(path, &file)?;
        return Ok(ExitCode::SUCCESS);
    }
    let p99 = options.fail_p99.map(Threshold::p99_above);
    let errors = options.fail_errors.map(Threshold::errors_above);
    let conclusion = Conclusion {
        report_json: of.report_json.as_deref(),
        report_html: of.report_html.as_deref(),
        limits: p99
            .into_iter()
            .chain(errors)
            .chain(options.fail_if)
            .collect(),
        all_back: false,
    };
    conclusion.of(&file)
}

/// The version of each station.
fn version(of: &options::Stations, scenario: &Scenario) -> impl Fn(u32) -> Version {
    let (asked, seed) = (of.version, of.seed);
    move |number| match (asked, scenario.profile()) {
        (Some(versions), _) => versions.of(number),
        (None, Some(profile)) => profile.version(seed, number),
        (None, None) => Versions::Mix.of(number),
    }
}

/// The run in this process.
async fn one(options: &options::Fleet, scenario: Scenario) -> anyhow::Result<File> {
    let of = &options.stations_of;
    let profile = scenario.profile();
    let said = |option: Option<Duration>, profile: Option<Duration>, else_: Duration| {
        option.or(profile).unwrap_or(else_)
    };
    let run = profile.map(|profile| profile.run);
    let duration = said(options.duration, run.map(|run| run.duration), DURATION);
    let speed = options.speed.or(run.map(|run| run.speed)).unwrap_or(1);
    let meter_interval = profile.map(|profile| profile.meter_interval);
    let in_profile = profile.map(|profile| profile.faults).unwrap_or_default();
    let faults = Faults {
        slow: options.slow.unwrap_or(in_profile.slow),
        silent: options.silent.unwrap_or(in_profile.silent),
        half_open: options.half_open.unwrap_or(in_profile.half_open),
        malicious: options.malicious.unwrap_or(in_profile.malicious),
    };
    anyhow::ensure!(
        faults.slow + faults.silent + faults.half_open + faults.malicious <= 10_000,
        "--slow, --silent, --half-open and --malicious are more than 100 percent together"
    );

    let mut stations = stations(of, options.stations, version(of, &scenario))?;
    stations.settings.peers = stations.split_off(|number| faults.role(of.seed, number));
    stations.settings.truth = truth(of)?;
    let start = Instant(net::clock::monotonic_ns());
    let start_utc_micros = net::clock::utc_micros();
    let plan = Plan {
        seed: of.seed,
        interval: said(options.interval, meter_interval, INTERVAL),
        connectors: options
            .connectors
            .or(profile.map(|profile| profile.connectors))
            .unwrap_or(CONNECTORS),
        timeline: Timeline::new(start, start_utc_micros, duration, speed),
        end: start + duration,
        offline_events_max: options.offline_events,
        call_timeout: of.call_timeout,
        back_off: BackOff {
            wait_min: options.reconnect,
            random_range: options.reconnect,
            repeat_times: REPEAT_TIMES,
        },
        // A profile's is by the stations' clocks, as all its times are.
        heartbeat: options.heartbeat.or(profile
            .and_then(|profile| profile.heartbeat)
            .map(|heartbeat| (heartbeat / speed).max(Duration::from_millis(10)))),
        heartbeat_below: u32::MAX,
        faults,
        scenario,
    };
    let run = Run {
        url: of.url.clone(),
        stations: stations.identities.len() + stations.settings.peers.len(),
        version: match (of.version, plan.scenario.profile()) {
            (Some(versions), _) => versions.as_str().to_owned(),
            (None, Some(_)) => "as the scenario says".to_owned(),
            (None, None) => Versions::Mix.as_str().to_owned(),
        },
        scenario: options.scenario.clone(),
        seed: of.seed,
        interval_s: plan.interval.as_secs_f64(),
        duration_s: duration.as_secs_f64(),
        speed,
        started_at: rfc3339(start_utc_micros / 1_000),
        processes: 1,
    };
    let pace = Duration::from_secs_f64(1.0 / of.rate_connect);
    let fleet = Fleet::new(plan, stations.identities, pace);
    let interrupted = stations.settings.interrupted.clone();
    let is_part = of.part.is_some();
    let finished = drive(fleet, stations.settings, is_part, |waker| {
        if is_part {
            parts::listen(waker, None, interrupted);
        }
    });
    let finished = finished.await?;
    Ok(File {
        run,
        elapsed: finished.elapsed,
        report: finished.report,
    })
}
