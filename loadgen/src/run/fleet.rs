//! `loadgen fleet`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use loadgen::clock::rfc3339;
use loadgen::fleet::Fleet;
use loadgen::plan::{BackOff, Plan, Timeline};
use loadgen::report::{File, Run, Threshold};
use loadgen::truth::Writer;
use ocpp::Instant;

use super::conclude::{self, Conclusion};
use super::drive::drive;
use super::parts;
use super::stations::stations;
use crate::options;

/// How often the wait before a connection doubles.
const REPEAT_TIMES: u32 = 4;

/// Runs a fleet to its end, or until Ctrl-C.
///
/// # Errors
///
/// The options do not fit each other or the machine, or a file cannot be written.
pub(crate) async fn fleet(options: Box<options::Fleet>) -> anyhow::Result<ExitCode> {
    let of = &options.stations_of;
    let file = if of.part.is_none() && 1 < of.processes {
        stations(of, options.stations)?;
        parts::run(of.processes).await?
    } else {
        one(&options).await?
    };
    if let Some(path) = &of.part_report {
        conclude::write(path, &file)?;
        return Ok(ExitCode::SUCCESS);
    }
    let p99 = options.fail_p99.map(Threshold::p99_above);
    let errors = options.fail_errors.map(Threshold::errors_above);
    let conclusion = Conclusion {
        report_json: of.report_json.as_deref(),
        limits: p99
            .into_iter()
            .chain(errors)
            .chain(options.fail_if)
            .collect(),
        all_back: false,
    };
    conclusion.of(&file)
}

/// The run in this process.
async fn one(options: &options::Fleet) -> anyhow::Result<File> {
    let of = &options.stations_of;
    let mut stations = stations(of, options.stations)?;
    let truth = options
        .truth
        .as_deref()
        .map(|path| truth_of(path, of.part))
        .map(|path| Writer::create(&path));
    stations.settings.truth = truth.transpose()?;
    let start = Instant(net::clock::monotonic_ns());
    let start_utc_micros = net::clock::utc_micros();
    let plan = Plan {
        seed: of.seed,
        scenario: options.scenario,
        interval: options.interval,
        connectors: options.connectors,
        timeline: Timeline::new(start, start_utc_micros, options.duration, options.speed),
        end: start + options.duration,
        offline_events_max: options.offline_events,
        call_timeout: of.call_timeout,
        back_off: BackOff {
            wait_min: options.reconnect,
            random_range: options.reconnect,
            repeat_times: REPEAT_TIMES,
        },
        heartbeat: options.heartbeat,
    };
    let run = Run {
        url: of.url.clone(),
        stations: stations.identities.len(),
        version: of.version.as_str().to_owned(),
        scenario: format!("{:?}", options.scenario).to_lowercase(),
        seed: of.seed,
        interval_s: options.interval.as_secs_f64(),
        duration_s: options.duration.as_secs_f64(),
        speed: options.speed,
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

/// Each part writes its own.
fn truth_of(path: &Path, part: Option<options::Part>) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    if let Some(part) = part {
        name.push(format!(".{}", part.index + 1));
    }
    PathBuf::from(name)
}
