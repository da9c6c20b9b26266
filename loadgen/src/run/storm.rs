//! `loadgen storm`.

use std::process::ExitCode;
use std::time::Duration;

use loadgen::clock::rfc3339;
use loadgen::fleet::Fleet;
use loadgen::plan::{BackOff, Plan, Timeline, Versions};
use loadgen::report::{File, Run};
use loadgen::runner::StormPlan;
use loadgen::scenario::{Faults, Scenario};
use ocpp::Instant;

use super::conclude::{self, Conclusion};
use super::drive::drive;
use super::parts;
use super::stations::{stations, truth};
use crate::options;

/// Points of the series are so far apart.
const STEP: Duration = Duration::from_millis(100);

/// The meter interval of stations that nobody comes to, should the CSMS start a transaction.
const INTERVAL: Duration = Duration::from_secs(60);

/// Gathers a fleet, cuts it off, and measures how it comes back.
///
/// # Errors
///
/// The options do not fit each other or the machine, not all stations could connect, or a file cannot be written.
pub(crate) async fn storm(options: Box<options::Storm>) -> anyhow::Result<ExitCode> {
    let of = &options.stations_of;
    let all = options.stations + options.established;
    let file = if of.part.is_none() && 1 < of.processes {
        stations(of, all, |number| versions(of).of(number))?;
        parts::run(of.processes).await?
    } else {
        one(&options, all).await?
    };
    if let Some(path) = &of.part_report {
        conclude::write(path, &file)?;
        return Ok(ExitCode::SUCCESS);
    }
    let conclusion = Conclusion {
        report_json: of.report_json.as_deref(),
        report_html: of.report_html.as_deref(),
        limits: options.fail_if,
        all_back: true,
    };
    conclusion.of(&file)
}

fn versions(of: &options::Stations) -> Versions {
    of.version.unwrap_or(Versions::Mix)
}

/// The run in this process.
async fn one(options: &options::Storm, all: u32) -> anyhow::Result<File> {
    let of = &options.stations_of;
    let mut stations = stations(of, all, |number| versions(of).of(number))?;
    let is_part = of.part.is_some();
    let stays = |(number, ..): &&(u32, _, _)| *number < options.established;
    let gate = is_part.then(parts::gate);
    let go = gate.as_ref().map(|gate| gate.go.clone());
    stations.settings.step = STEP;
    stations.settings.truth = truth(of)?;
    stations.settings.storm = Some(StormPlan {
        established: stations.identities.iter().take_while(stays).count(),
        power_loss: options.power_loss,
        outage: options.outage,
        gather_max: options.gather_max,
        settle: options.settle,
        back_max: options.back_max,
        gate,
    });

    let start = Instant(net::clock::monotonic_ns());
    let start_utc_micros = net::clock::utc_micros();
    // Parts wait for each other, for twice as long as any of them may take to gather.
    let longest = options.gather_max * 2 + options.settle + options.back_max;
    let plan = Plan {
        seed: of.seed,
        scenario: match options.interval {
            Some(_) => Scenario::Default,
            None => Scenario::Idle,
        },
        interval: options.interval.unwrap_or(INTERVAL),
        connectors: 1,
        timeline: Timeline::new(start, start_utc_micros, longest, 1),
        end: start + longest,
        offline_events_max: 1_000,
        call_timeout: of.call_timeout,
        back_off: BackOff {
            wait_min: options.wait_minimum,
            random_range: options.random_range,
            repeat_times: options.repeat_times,
        },
        heartbeat: Some(options.heartbeat),
        heartbeat_below: options.established,
        faults: Faults::default(),
    };
    let run = Run {
        url: of.url.clone(),
        stations: stations.identities.len(),
        version: versions(of).as_str().to_owned(),
        scenario: format!(
            "storm, {}, {}, back-off {:?} + 0 to {:?}, {} doublings",
            if options.power_loss {
                "power lost"
            } else {
                "network lost"
            },
            match options.interval {
                Some(interval) => format!("vehicles come and go, a sample per {interval:?}"),
                None => "nobody comes".to_owned(),
            },
            options.wait_minimum,
            options.random_range,
            options.repeat_times
        ),
        seed: of.seed,
        interval_s: options.heartbeat.as_secs_f64(),
        duration_s: longest.as_secs_f64(),
        speed: 1,
        started_at: rfc3339(start_utc_micros / 1_000),
        processes: 1,
    };
    let pace = Duration::from_secs_f64(1.0 / of.rate_connect);
    let fleet = Fleet::new(plan, stations.identities, pace);
    let interrupted = stations.settings.interrupted.clone();
    let finished = drive(fleet, stations.settings, is_part, |waker| {
        if is_part {
            parts::listen(waker, go, interrupted);
        }
    });
    let finished = finished.await?;
    let file = File {
        run,
        elapsed: finished.elapsed,
        report: finished.report,
    };
    if let Some(failed) = finished.failed {
        let summary = file.report.summary(file.run, file.elapsed);
        anyhow::bail!("{failed}\n{}", summary.text());
    }
    Ok(file)
}
