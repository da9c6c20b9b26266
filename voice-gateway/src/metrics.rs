//! What Prometheus reads of the voice gateway.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::act::Status;
use crate::nlu::Intent;

/// Upper bounds, seconds. A sentence takes microseconds, a station seconds.
const BOUNDS_S: [f64; 10] = [0.001, 0.0025, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0];

/// What the gateway counts. Cheap to clone; clones count together.
#[derive(Clone, Debug, Default)]
pub(crate) struct Metrics(Arc<Mutex<Counts>>);

#[derive(Debug, Default)]
struct Counts {
    commands: BTreeMap<(Intent, Status), u64>,
    /// One per bound, then one for what lies above the last.
    latencies: [u64; BOUNDS_S.len() + 1],
    latency_sum_s: f64,
}

impl Metrics {
    pub(crate) fn record(&self, intent: Intent, status: Status, took: Duration) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.commands.entry((intent, status)).or_default() += 1;
        let seconds = took.as_secs_f64();
        counts.latencies[BOUNDS_S.partition_point(|bound| *bound < seconds)] += 1;
        counts.latency_sum_s += seconds;
    }

    /// The Prometheus text format (version 0.0.4).
    pub(crate) fn render(&self) -> String {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut out = String::from(
            "# HELP sigec_voice_commands_total Sentences answered, by what was wanted and what became of it.\n\
             # TYPE sigec_voice_commands_total counter\n",
        );
        let mut line = |line: std::fmt::Arguments<'_>| {
            writeln!(out, "{line}").expect("a String takes every write");
        };
        for intent in Intent::ALL {
            for status in Status::ALL {
                let count = counts.commands.get(&(intent, status)).copied().unwrap_or(0);
                let (intent, status) = (intent.as_str(), status.as_str());
                line(format_args!(
                    "sigec_voice_commands_total{{intent=\"{intent}\",status=\"{status}\"}} {count}"
                ));
            }
        }
        line(format_args!(
            "# HELP sigec_voice_latency_seconds Time from a sentence to its answer.\n\
             # TYPE sigec_voice_latency_seconds histogram"
        ));
        let mut below = 0;
        let bounds = BOUNDS_S
            .iter()
            .map(f64::to_string)
            .chain(["+Inf".to_owned()]);
        for (bound, count) in bounds.zip(counts.latencies) {
            below += count;
            line(format_args!(
                "sigec_voice_latency_seconds_bucket{{le=\"{bound}\"}} {below}"
            ));
        }
        let sum = counts.latency_sum_s;
        line(format_args!(
            "sigec_voice_latency_seconds_sum {sum}\nsigec_voice_latency_seconds_count {below}"
        ));
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pair_of_labels_is_there_from_the_start() {
        let metrics = Metrics::default();
        metrics.record(Intent::StopCharge, Status::Done, Duration::from_millis(3));
        let text = metrics.render();
        assert!(
            text.contains("sigec_voice_commands_total{intent=\"stop_charge\",status=\"done\"} 1\n")
        );
        assert!(
            text.contains("sigec_voice_commands_total{intent=\"unknown\",status=\"failed\"} 0\n")
        );
        assert!(text.contains("sigec_voice_latency_seconds_bucket{le=\"0.0025\"} 0\n"));
        assert!(text.contains("sigec_voice_latency_seconds_bucket{le=\"0.005\"} 1\n"));
        assert!(text.ends_with("sigec_voice_latency_seconds_count 1\n"));
    }
}
