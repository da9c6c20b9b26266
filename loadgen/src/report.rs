//! What a run measured.
//!
//! Latency is counted from when a request should have left, so a CSMS that stalls is charged for every request that
//! had to wait behind it. Requests that waited for a connection, or were sent more than once, are counted apart:
//! their delay measures the outage.
//!
//! A [`Report`] is what can be added up: counts and histograms, also of several processes ([`Report::merge`]). A
//! [`Summary`] is what people and thresholds look at.

mod html;
mod latencies;
mod memory;
mod peers;
mod series;
mod storm;
mod summary;
mod thresholds;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::station::{Failure, Output};
pub use latencies::{Latencies, LatencySummary};
pub use memory::{Memory, MemorySummary};
use peers::Peers;
pub use peers::PeersSummary;
pub use series::{Point, Series};
pub use storm::{Storm, StormSummary};
pub use summary::{ActionSummary, File, Run, Summary};
pub use thresholds::{Threshold, ThresholdError};

/// Distinct texts (of refusals, of commands) that are counted one by one; the rest is `other`.
const LABELS_MAX: usize = 64;

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Action {
    offered: u64,
    answered: u64,
    failures: BTreeMap<Failure, u64>,
    latencies: Latencies,
}

/// Counts and latencies of one run.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Report {
    actions: BTreeMap<String, Action>,
    commands: BTreeMap<String, u64>,
    connections: Connections,
    prompt: Latencies,
    delayed: Latencies,
    lag: Latencies,
    unexpected: u64,
    /// By kind of misbehaviour.
    peers: BTreeMap<String, Peers>,
    /// The run over time.
    pub series: Series,
    /// What a storm adds.
    pub storm: Option<Storm>,
    /// What the generator itself takes.
    pub memory: Memory,
    #[serde(skip)]
    window: Window,
}

/// What happened to connections.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Connections {
    /// Handshakes that led to an OCPP connection.
    pub opened: u64,
    /// Those of them whose TLS session went on from an earlier one.
    pub resumed: u64,
    /// Connections that ended before the run did, by reason.
    pub lost: BTreeMap<String, u64>,
    /// Attempts that led to none, by reason.
    pub failed: BTreeMap<String, u64>,
    /// Connections that the run itself cut.
    pub cut: u64,
}

/// Attempts of each station after which a server that let nobody in is taken for none.
const ATTEMPTS_MAX: u64 = 3;

/// What happened since the last point of the series.
#[derive(Debug, Default)]
struct Window {
    offered: u64,
    answered: u64,
    opened: u64,
    errors_before: u64,
    latencies: Latencies,
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
                if !delayed {
                    entry.latencies.record(*latency);
                }
                self.window.answered += 1;
                if *delayed {
                    self.delayed.record(*latency);
                } else {
                    self.prompt.record(*latency);
                    self.window.latencies.record(*latency);
                }
            }
            Output::Failed { action, failure } => {
                *self.action(action).failures.entry(*failure).or_default() += 1;
            }
            Output::Unexpected => self.unexpected += 1,
            Output::Commanded(action) => count(&mut self.commands, action),
            Output::Connect { .. }
            | Output::Close
            | Output::Cut { .. }
            | Output::Send(_)
            | Output::Sent(_)
            | Output::Settled { .. } => {}
        }
    }

    fn action(&mut self, action: &'static str) -> &mut Action {
        if !self.actions.contains_key(action) {
            self.actions.insert(action.to_owned(), Action::default());
        }
        self.actions
            .get_mut(action)
            .expect("it was there or was put there")
    }

    /// A connection is ready for OCPP; its TLS session may have been `resumed`.
    pub fn connected(&mut self, resumed: bool) {
        self.connections.opened += 1;
        self.connections.resumed += u64::from(resumed);
        self.window.opened += 1;
    }

    /// A connection that was ready ended, other than by our own wish.
    pub fn disconnected(&mut self, reason: &str) {
        count(&mut self.connections.lost, reason);
    }

    /// The run itself cut a connection.
    pub fn cut(&mut self) {
        self.connections.cut += 1;
    }

    /// An attempt to connect led to nothing.
    pub fn connect_failed(&mut self, reason: &str) {
        count(&mut self.connections.failed, reason);
    }

    /// Says that nobody is let in, once each of the `stations` has tried often enough.
    pub fn nobody_after(&self, stations: usize) -> Option<String> {
        let Connections { opened, failed, .. } = &self.connections;
        let attempts: u64 = failed.values().sum();
        if 0 < *opened || attempts < ATTEMPTS_MAX * stations as u64 {
            return None;
        }
        let (reason, count) = failed.iter().max_by_key(|(_, count)| **count)?;
        Some(format!(
            "none of {stations} stations could connect in {attempts} attempts, {count} of them: {reason}"
        ))
    }

    /// A server did something about a peer that misbehaves in this way, so long after it began to.
    pub fn reacted(&mut self, kind: &str, reaction: &str, after: Duration) {
        if !self.peers.contains_key(kind) {
            self.peers.insert(kind.to_owned(), Peers::default());
        }
        if let Some(peers) = self.peers.get_mut(kind) {
            peers.reacted(reaction, after);
        }
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

    /// Ends a step of the series, `len` long and ending `at` after the run began, with so many stations connected.
    pub fn step(&mut self, at: Duration, len: Duration, connected: usize) -> Point {
        let errors = self.errors();
        let window = &mut self.window;
        let point = Point {
            at_ms: at.as_millis() as u64,
            len_ms: len.as_millis() as u64,
            connected: connected as u64,
            opened: window.opened,
            offered: window.offered,
            answered: window.answered,
            errors: errors - window.errors_before,
            p50_us: window.latencies.quantile(0.5).as_micros() as u64,
            p99_us: window.latencies.quantile(0.99).as_micros() as u64,
        };
        (window.opened, window.offered, window.answered) = (0, 0, 0);
        window.errors_before = errors;
        window.latencies.clear();
        self.series.push(point);
        point
    }

    /// Adds what another process measured at the same time.
    pub fn merge(&mut self, other: &Report) {
        for (name, theirs) in &other.actions {
            let ours = self.actions.entry(name.clone()).or_default();
            ours.offered += theirs.offered;
            ours.answered += theirs.answered;
            for (failure, count) in &theirs.failures {
                *ours.failures.entry(*failure).or_default() += count;
            }
            ours.latencies.merge(&theirs.latencies);
        }
        add_all(&mut self.commands, &other.commands);
        self.connections.opened += other.connections.opened;
        self.connections.resumed += other.connections.resumed;
        self.connections.cut += other.connections.cut;
        add_all(&mut self.connections.lost, &other.connections.lost);
        add_all(&mut self.connections.failed, &other.connections.failed);
        self.prompt.merge(&other.prompt);
        self.delayed.merge(&other.delayed);
        self.lag.merge(&other.lag);
        self.unexpected += other.unexpected;
        for (kind, theirs) in &other.peers {
            self.peers.entry(kind.clone()).or_default().merge(theirs);
        }
        self.series.merge(&other.series);
        self.memory.merge(&other.memory);
        match (&mut self.storm, &other.storm) {
            (Some(ours), Some(theirs)) => ours.merge(theirs),
            (None, Some(theirs)) => self.storm = Some(theirs.clone()),
            (_, None) => {}
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

fn count(counts: &mut BTreeMap<String, u64>, label: &str) {
    add(counts, label, 1);
}

fn add(counts: &mut BTreeMap<String, u64>, label: &str, n: u64) {
    let full = LABELS_MAX <= counts.len() && !counts.contains_key(label);
    *counts
        .entry(if full { "other" } else { label }.to_owned())
        .or_default() += n;
}

fn add_all(counts: &mut BTreeMap<String, u64>, others: &BTreeMap<String, u64>) {
    for (label, n) in others {
        add(counts, label, *n);
    }
}

#[cfg(test)]
mod tests;
