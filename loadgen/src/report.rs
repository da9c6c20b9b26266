//! What a run measured.
//!
//! Latency is counted from when a request should have left, so a CSMS that stalls is charged for every request that
//! had to wait behind it. Requests that waited for a connection, or were sent more than once, are counted apart:
//! their delay measures the outage.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

use crate::station::{Failure, Output};

/// Longest latency told apart; longer ones count as this.
const LATENCY_MAX: Duration = Duration::from_secs(3_600);

/// Distinct texts (of refusals, of commands) that are counted one by one; the rest is `other`.
const LABELS_MAX: usize = 64;

/// Latencies in microseconds, to three digits.
#[derive(Clone, Debug)]
struct Latencies(Histogram<u64>);

impl Latencies {
    fn new() -> Latencies {
        let max = LATENCY_MAX.as_micros() as u64;
        Latencies(Histogram::new_with_bounds(1, max, 3).expect("bounds are constant and valid"))
    }

    fn record(&mut self, latency: Duration) {
        let micros = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        self.0.saturating_record(micros);
    }

    fn quantile(&self, quantile: f64) -> Duration {
        Duration::from_micros(self.0.value_at_quantile(quantile))
    }

    fn summary(&self) -> LatencySummary {
        let ms = |quantile| self.quantile(quantile).as_secs_f64() * 1_000.0;
        LatencySummary {
            count: self.0.len(),
            p50_ms: ms(0.5),
            p99_ms: ms(0.99),
            p999_ms: ms(0.999),
            max_ms: self.0.max() as f64 / 1_000.0,
        }
    }
}

/// Quantiles of a latency.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LatencySummary {
    /// How many were measured.
    pub count: u64,
    /// Median, milliseconds.
    pub p50_ms: f64,
    /// 99th percentile.
    pub p99_ms: f64,
    /// 99.9th percentile.
    pub p999_ms: f64,
    /// The longest.
    pub max_ms: f64,
}

#[derive(Clone, Debug)]
struct Action {
    offered: u64,
    answered: u64,
    failures: BTreeMap<Failure, u64>,
    latencies: Latencies,
}

/// Counts and latencies of one run.
#[derive(Debug)]
pub struct Report {
    actions: BTreeMap<&'static str, Action>,
    commands: BTreeMap<String, u64>,
    connections: Connections,
    prompt: Latencies,
    delayed: Latencies,
    lag: Latencies,
    unexpected: u64,
    window: Window,
}

/// What happened to connections.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Connections {
    /// Handshakes that led to an OCPP connection.
    pub opened: u64,
    /// Connections that ended before the run did, by reason.
    pub lost: BTreeMap<String, u64>,
    /// Attempts that led to none, by reason.
    pub failed: BTreeMap<String, u64>,
}

/// What happened since the last progress line.
#[derive(Debug)]
struct Window {
    offered: u64,
    answered: u64,
    latencies: Latencies,
}

impl Default for Report {
    fn default() -> Report {
        Report {
            actions: BTreeMap::new(),
            commands: BTreeMap::new(),
            connections: Connections::default(),
            prompt: Latencies::new(),
            delayed: Latencies::new(),
            lag: Latencies::new(),
            unexpected: 0,
            window: Window {
                offered: 0,
                answered: 0,
                latencies: Latencies::new(),
            },
        }
    }
}

impl Report {
    /// Takes note of what a station did.
    pub fn record(&mut self, output: &Output) {
        match output {
            Output::Offered(action) => {
                self.action(action).offered += 1;
                self.window.offered += 1;
            }
            Output::Answered {
                action,
                latency,
                delayed,
            } => {
                let entry = self.action(action);
                entry.answered += 1;
                self.window.answered += 1;
                if *delayed {
                    self.delayed.record(*latency);
                } else {
                    self.action(action).latencies.record(*latency);
                    self.prompt.record(*latency);
                    self.window.latencies.record(*latency);
                }
            }
            Output::Failed { action, failure } => {
                *self.action(action).failures.entry(*failure).or_default() += 1;
            }
            Output::Unexpected => self.unexpected += 1,
            Output::Commanded(action) => count(&mut self.commands, action),
            Output::Connect
            | Output::Close
            | Output::Send(_)
            | Output::Sent(_)
            | Output::Settled { .. } => {}
        }
    }

    fn action(&mut self, action: &'static str) -> &mut Action {
        self.actions.entry(action).or_insert_with(|| Action {
            offered: 0,
            answered: 0,
            failures: BTreeMap::new(),
            latencies: Latencies::new(),
        })
    }

    /// A connection is ready for OCPP.
    pub fn connected(&mut self) {
        self.connections.opened += 1;
    }

    /// A connection that was ready ended, other than by our own wish.
    pub fn disconnected(&mut self, reason: &str) {
        count(&mut self.connections.lost, reason);
    }

    /// An attempt to connect led to nothing.
    pub fn connect_failed(&mut self, reason: &str) {
        count(&mut self.connections.failed, reason);
    }

    /// The generator itself was late by `lag`.
    pub fn lagged(&mut self, lag: Duration) {
        self.lag.record(lag);
    }

    /// Requests that came to nothing by the CSMS's doing: silence, errors, malformed answers, and events given up or
    /// dropped; what a lost connection caught is sent again and does not count, nor does a status that a newer one
    /// replaced.
    pub fn errors(&self) -> u64 {
        let failures = self.actions.values().flat_map(|action| &action.failures);
        let counted = failures
            .filter(|(failure, _)| is_error(**failure))
            .map(|(_, count)| count);
        counted.sum::<u64>() + self.unexpected
    }

    /// 99th percentile of prompt requests.
    pub fn p99(&self) -> Duration {
        self.prompt.quantile(0.99)
    }

    /// One line about the time since the last call, `elapsed` long.
    pub fn progress(
        &mut self,
        elapsed: Duration,
        up: usize,
        stations: usize,
        left: Duration,
    ) -> String {
        let empty = Window {
            offered: 0,
            answered: 0,
            latencies: Latencies::new(),
        };
        let window = std::mem::replace(&mut self.window, empty);
        let per_second = |count: u64| count as f64 / elapsed.as_secs_f64().max(1e-3);
        format!(
            "{up}/{stations} connected · {:.0} offered/s, {:.0} answered/s · p50 {} p99 {} · {} errors · {} s left",
            per_second(window.offered),
            per_second(window.answered),
            millis(window.latencies.quantile(0.5)),
            millis(window.latencies.quantile(0.99)),
            self.errors(),
            left.as_secs(),
        )
    }

    /// The figures of a run that took `elapsed`.
    pub fn summary(&self, run: Run, elapsed: Duration) -> Summary {
        let offered = self.actions.values().map(|action| action.offered).sum();
        let answered = self.actions.values().map(|action| action.answered).sum();
        let per_second = |count: u64| count as f64 / elapsed.as_secs_f64().max(1e-3);
        let summary = |action: &Action| ActionSummary {
            offered: action.offered,
            answered: action.answered,
            failures: names(&action.failures),
            latency: action.latencies.summary(),
        };
        Summary {
            run,
            elapsed_s: elapsed.as_secs_f64(),
            offered,
            answered,
            offered_per_s: per_second(offered),
            achieved_per_s: per_second(answered),
            latency: self.prompt.summary(),
            delayed: self.delayed.summary(),
            generator_lag: self.lag.summary(),
            errors: self.errors(),
            unexpected: self.unexpected,
            connections: self.connections.clone(),
            actions: self
                .actions
                .iter()
                .map(|(name, action)| (*name, summary(action)))
                .collect(),
            commands: self.commands.clone(),
        }
    }
}

fn is_error(failure: Failure) -> bool {
    match failure {
        Failure::Timeout
        | Failure::Refused
        | Failure::Malformed
        | Failure::GivenUp
        | Failure::Dropped => true,
        Failure::Disconnected | Failure::Superseded => false,
    }
}

fn name(failure: Failure) -> &'static str {
    match failure {
        Failure::Timeout => "timeout",
        Failure::Disconnected => "disconnected",
        Failure::Refused => "refused",
        Failure::Malformed => "malformed",
        Failure::GivenUp => "given_up",
        Failure::Dropped => "dropped",
        Failure::Superseded => "superseded",
    }
}

fn names(failures: &BTreeMap<Failure, u64>) -> BTreeMap<&'static str, u64> {
    failures
        .iter()
        .map(|(failure, count)| (name(*failure), *count))
        .collect()
}

fn count(counts: &mut BTreeMap<String, u64>, label: &str) {
    let full = LABELS_MAX <= counts.len() && !counts.contains_key(label);
    *counts
        .entry(if full { "other" } else { label }.to_owned())
        .or_default() += 1;
}

fn millis(duration: Duration) -> String {
    format!("{:.1} ms", duration.as_secs_f64() * 1_000.0)
}

/// What was run: enough to run it again.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Run {
    /// The server.
    pub url: String,
    /// Stations.
    pub stations: usize,
    /// Versions.
    pub version: String,
    /// Scenario.
    pub scenario: String,
    /// Seed.
    pub seed: u64,
    /// Meter interval, seconds of the stations' clocks.
    pub interval_s: f64,
    /// Planned length, seconds.
    pub duration_s: f64,
    /// Station seconds per second.
    pub speed: u32,
    /// When it began, RFC 3339.
    pub started_at: String,
}

/// The figures of a run, as `--report-json` writes them.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// What was run.
    pub run: Run,
    /// How long it took.
    pub elapsed_s: f64,
    /// Requests that became due.
    pub offered: u64,
    /// Requests that were answered.
    pub answered: u64,
    /// Offered rate.
    pub offered_per_s: f64,
    /// Achieved rate.
    pub achieved_per_s: f64,
    /// Of requests due while connected and answered at the first attempt: from when they should have left.
    pub latency: LatencySummary,
    /// Of requests that waited for a connection or were sent again.
    pub delayed: LatencySummary,
    /// How late the generator itself was: figures with a large lag say little about the CSMS.
    pub generator_lag: LatencySummary,
    /// See [`Report::errors`].
    pub errors: u64,
    /// Messages of the CSMS that answer nothing and ask nothing.
    pub unexpected: u64,
    /// Connections.
    pub connections: Connections,
    /// By action of the stations.
    pub actions: BTreeMap<&'static str, ActionSummary>,
    /// Calls of the CSMS, by action.
    pub commands: BTreeMap<String, u64>,
}

/// The figures of one action.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ActionSummary {
    /// Requests that became due.
    pub offered: u64,
    /// Requests that were answered.
    pub answered: u64,
    /// What else became of an attempt, by name.
    pub failures: BTreeMap<&'static str, u64>,
    /// As [`Summary::latency`].
    pub latency: LatencySummary,
}

impl Summary {
    /// The figures for people.
    pub fn text(&self) -> String {
        let mut text = String::new();
        let line = |text: &mut String, args: std::fmt::Arguments<'_>| {
            text.write_fmt(args).expect("a String takes everything");
            text.push('\n');
        };
        line(
            &mut text,
            format_args!(
                "{} stations, OCPP {}, seed {}, {:.1} s",
                self.run.stations, self.run.version, self.run.seed, self.elapsed_s
            ),
        );
        line(
            &mut text,
            format_args!(
                "offered {:.1}/s, achieved {:.1}/s; {} offered, {} answered, {} errors",
                self.offered_per_s, self.achieved_per_s, self.offered, self.answered, self.errors
            ),
        );
        for (label, latency) in [
            ("latency", &self.latency),
            ("delayed by outages", &self.delayed),
            ("generator lag", &self.generator_lag),
        ] {
            if latency.count > 0 {
                line(&mut text, format_args!("{label}: {}", quantiles(latency)));
            }
        }
        line(
            &mut text,
            format_args!("connections: {} opened", self.connections.opened),
        );
        for (label, counts) in [
            ("lost", &self.connections.lost),
            ("failed", &self.connections.failed),
        ] {
            for (reason, count) in counts {
                line(&mut text, format_args!("  {count} {label}: {reason}"));
            }
        }
        line(
            &mut text,
            format_args!(
                "{:<20} {:>10} {:>10} {:>10} {:>10} {:>10}  other",
                "action", "offered", "answered", "p50 ms", "p99 ms", "max ms"
            ),
        );
        for (name, action) in &self.actions {
            let other: Vec<String> = action
                .failures
                .iter()
                .map(|(name, count)| format!("{name} {count}"))
                .collect();
            line(
                &mut text,
                format_args!(
                    "{name:<20} {:>10} {:>10} {:>10.2} {:>10.2} {:>10.2}  {}",
                    action.offered,
                    action.answered,
                    action.latency.p50_ms,
                    action.latency.p99_ms,
                    action.latency.max_ms,
                    other.join(", ")
                ),
            );
        }
        for (action, count) in &self.commands {
            line(&mut text, format_args!("command {action}: {count}"));
        }
        text
    }
}

fn quantiles(latency: &LatencySummary) -> String {
    format!(
        "p50 {:.2} ms, p99 {:.2} ms, p99.9 {:.2} ms, max {:.2} ms over {}",
        latency.p50_ms, latency.p99_ms, latency.p999_ms, latency.max_ms, latency.count
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(ms: u64, delayed: bool) -> Output {
        Output::Answered {
            action: "Heartbeat",
            latency: Duration::from_millis(ms),
            delayed,
        }
    }

    fn run() -> Run {
        Run {
            url: "ws://127.0.0.1:9000/".into(),
            stations: 1,
            version: "1.6".into(),
            scenario: "default".into(),
            seed: 7,
            interval_s: 60.0,
            duration_s: 10.0,
            speed: 1,
            started_at: "2026-11-22T10:00:00.000Z".into(),
        }
    }

    #[test]
    fn an_outage_does_not_pass_for_latency() {
        let mut report = Report::default();
        for _ in 0..4 {
            report.record(&Output::Offered("Heartbeat"));
        }
        report.record(&answered(2, false));
        report.record(&answered(4, false));
        report.record(&answered(9_000, true));
        report.record(&Output::Failed {
            action: "Heartbeat",
            failure: Failure::Disconnected,
        });
        let summary = report.summary(run(), Duration::from_secs(2));
        assert_eq!(
            (summary.offered, summary.answered, summary.errors),
            (4, 3, 0)
        );
        assert_eq!((summary.offered_per_s, summary.achieved_per_s), (2.0, 1.5));
        assert_eq!(summary.latency.count, 2);
        assert!(
            (3.9..4.1).contains(&summary.latency.max_ms),
            "{:?}",
            summary.latency
        );
        assert_eq!(summary.delayed.count, 1);
    }

    #[test]
    fn errors_are_what_the_csms_did_wrong() {
        let mut report = Report::default();
        for failure in [
            Failure::Timeout,
            Failure::Disconnected,
            Failure::Refused,
            Failure::Malformed,
            Failure::GivenUp,
            Failure::Dropped,
            Failure::Superseded,
        ] {
            report.record(&Output::Failed {
                action: "MeterValues",
                failure,
            });
        }
        report.record(&Output::Unexpected);
        assert_eq!(report.errors(), 6);
    }

    #[test]
    fn labels_from_outside_are_bounded() {
        let mut report = Report::default();
        for n in 0..1_000 {
            report.record(&Output::Commanded(format!("Action{n}")));
        }
        assert_eq!(report.commands.len(), LABELS_MAX + 1);
        assert_eq!(report.commands["other"], 1_000 - LABELS_MAX as u64);
    }
}
