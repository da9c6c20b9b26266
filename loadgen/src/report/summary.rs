//! The figures of a run, for people, for thresholds and as a file.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};

use super::{
    Action, Connections, LatencySummary, MemorySummary, PeersSummary, Report, StormSummary,
};
use crate::station::Failure;

/// What was run: enough to run it again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
    /// Processes that measured it.
    pub processes: u32,
}

impl Run {
    /// The run of which this and `other` are parts.
    pub fn join(&mut self, other: &Run) {
        self.stations += other.stations;
        self.processes += other.processes;
        self.duration_s = self.duration_s.max(other.duration_s);
        if other.started_at < self.started_at {
            self.started_at.clone_from(&other.started_at);
        }
        for (ours, theirs) in [
            (&mut self.url, &other.url),
            (&mut self.version, &other.version),
            (&mut self.scenario, &other.scenario),
        ] {
            if ours.split(", ").all(|one| one != theirs) {
                *ours = format!("{ours}, {theirs}");
            }
        }
    }
}

/// A report as `--report-json` writes it: the figures, and under `measured` what they were taken from.
#[derive(Debug)]
pub struct File {
    /// What was run.
    pub run: Run,
    /// How long it took.
    pub elapsed: Duration,
    /// What was measured.
    pub report: Report,
}

#[derive(Serialize)]
struct Written {
    #[serde(flatten)]
    summary: Summary,
    /// In one line: it is for programs.
    measured: Box<RawValue>,
}

#[derive(Deserialize)]
struct Read {
    run: Run,
    elapsed_s: f64,
    measured: Report,
}

impl File {
    /// Reads what was written.
    ///
    /// # Errors
    ///
    /// It is no report.
    pub fn read(text: &str) -> serde_json::Result<File> {
        let read: Read = serde_json::from_str(text)?;
        let elapsed = Duration::try_from_secs_f64(read.elapsed_s).unwrap_or_default();
        Ok(File {
            run: read.run,
            elapsed,
            report: read.measured,
        })
    }
}

/// The figures of a run.
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
    /// What the generator itself took; null in reports of versions that did not look.
    pub memory: Option<MemorySummary>,
    /// See [`Report::errors`].
    pub errors: u64,
    /// Messages of the CSMS that answer nothing and ask nothing.
    pub unexpected: u64,
    /// Connections.
    pub connections: Connections,
    /// Of a storm.
    pub storm: Option<StormSummary>,
    /// What the server did about those who misbehave, by kind.
    pub peers: BTreeMap<String, PeersSummary>,
    /// By action of the stations.
    pub actions: BTreeMap<String, ActionSummary>,
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

impl Report {
    /// What a [`File`] of a run that took `elapsed` holds.
    ///
    /// # Errors
    ///
    /// None that could happen.
    pub fn written(
        &self,
        run: Run,
        elapsed: Duration,
    ) -> serde_json::Result<impl Serialize + use<>> {
        Ok(Written {
            summary: self.summary(run, elapsed),
            measured: to_raw_value(self)?,
        })
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
            memory: self.memory.summary(run.stations),
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
            storm: self
                .storm
                .as_ref()
                .map(|storm| storm.summary(self.series.opened_per_second_max())),
            peers: self
                .peers
                .iter()
                .map(|(kind, peers)| (kind.clone(), peers.summary()))
                .collect(),
            actions: self
                .actions
                .iter()
                .map(|(name, action)| (name.clone(), summary(action)))
                .collect(),
            commands: self.commands.clone(),
        }
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

impl Summary {
    /// The figures for people.
    pub fn text(&self) -> String {
        let mut text = String::new();
        self.write(&mut text).expect("a String takes everything");
        text
    }

    fn write(&self, text: &mut String) -> std::fmt::Result {
        let run = &self.run;
        write!(
            text,
            "{} stations, OCPP {}, seed {}, {:.1} s",
            run.stations, run.version, run.seed, self.elapsed_s
        )?;
        match run.processes {
            0..=1 => writeln!(text)?,
            processes => writeln!(text, ", {processes} processes")?,
        }
        writeln!(
            text,
            "offered {:.1}/s, achieved {:.1}/s; {} offered, {} answered, {} errors",
            self.offered_per_s, self.achieved_per_s, self.offered, self.answered, self.errors
        )?;
        for (label, latency) in [
            ("latency", &self.latency),
            ("delayed by outages", &self.delayed),
            ("generator lag", &self.generator_lag),
        ] {
            if latency.count > 0 {
                writeln!(text, "{label}: {}", latency.text())?;
            }
        }
        if let Some(memory) = &self.memory {
            writeln!(text, "generator memory: {}", memory.text())?;
        }
        if let Some(storm) = &self.storm {
            text.push_str(&storm.text());
        }
        write!(text, "connections: {} opened", self.connections.opened)?;
        for (count, what) in [
            (
                self.connections.resumed,
                "with a TLS session that was resumed",
            ),
            (self.connections.cut, "cut by this run"),
        ] {
            if 0 < count {
                write!(text, ", {count} {what}")?;
            }
        }
        writeln!(text)?;
        for (label, counts) in [
            ("lost", &self.connections.lost),
            ("failed", &self.connections.failed),
        ] {
            for (reason, count) in counts {
                writeln!(text, "  {count} {label}: {reason}")?;
            }
        }
        for (kind, peers) in &self.peers {
            let reactions = peers.reactions.iter();
            let reactions: Vec<String> = reactions
                .map(|(reaction, count)| format!("{count} {reaction}"))
                .collect();
            let after = &peers.after;
            writeln!(
                text,
                "{kind}: {}; after p50 {:.0} ms, max {:.0} ms",
                reactions.join(", "),
                after.p50_ms,
                after.max_ms
            )?;
        }
        writeln!(
            text,
            "{:<20} {:>10} {:>10} {:>10} {:>10} {:>10}  other",
            "action", "offered", "answered", "p50 ms", "p99 ms", "max ms"
        )?;
        for (name, action) in &self.actions {
            let other: Vec<String> = action
                .failures
                .iter()
                .map(|(name, count)| format!("{name} {count}"))
                .collect();
            writeln!(
                text,
                "{name:<20} {:>10} {:>10} {:>10.2} {:>10.2} {:>10.2}  {}",
                action.offered,
                action.answered,
                action.latency.p50_ms,
                action.latency.p99_ms,
                action.latency.max_ms,
                other.join(", ")
            )?;
        }
        for (action, count) in &self.commands {
            writeln!(text, "command {action}: {count}")?;
        }
        Ok(())
    }
}
