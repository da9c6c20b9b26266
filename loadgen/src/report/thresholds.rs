//! Limits on the figures of a run, which decide its exit status.

use std::fmt;
use std::time::Duration;

use super::Summary;

/// `p99>50ms`: the run fails when the figure is above (or, with `<`, below) the limit.
#[derive(Clone, Debug, PartialEq)]
pub struct Threshold {
    metric: Metric,
    above: bool,
    limit: Value,
}

/// Why a text is no threshold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ThresholdError {
    /// There is no `<` or `>` in it.
    #[error("{0:?}: expected a figure, < or >, and a limit, such as \"p99>50ms\"")]
    Form(String),
    /// It names no figure.
    #[error("there is no figure {found:?}, expected one of {known}")]
    Metric {
        /// What it names.
        found: String,
        /// What there is.
        known: String,
    },
    /// The limit is none.
    #[error("{metric}: found {found:?}, expected {expected}")]
    Limit {
        /// The figure.
        metric: &'static str,
        /// What the text says.
        found: String,
        /// What it could say.
        expected: &'static str,
    },
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Value {
    Time(Duration),
    Number(f64),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Time(time) => write!(f, "{time:?}"),
            Value::Number(number) => write!(f, "{number}"),
        }
    }
}

/// What can be limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Metric {
    P50,
    P90,
    P99,
    P999,
    Max,
    LagP99,
    Errors,
    Unexpected,
    Lost,
    Failed,
    OfferedRate,
    AchievedRate,
    AllBack,
    Missing,
    Refused,
    Retried,
    HandshakeRate,
    EstablishedP99,
}

impl Metric {
    const ALL: [Metric; 18] = [
        Metric::P50,
        Metric::P90,
        Metric::P99,
        Metric::P999,
        Metric::Max,
        Metric::LagP99,
        Metric::Errors,
        Metric::Unexpected,
        Metric::Lost,
        Metric::Failed,
        Metric::OfferedRate,
        Metric::AchievedRate,
        Metric::AllBack,
        Metric::Missing,
        Metric::Refused,
        Metric::Retried,
        Metric::HandshakeRate,
        Metric::EstablishedP99,
    ];

    fn name(self) -> &'static str {
        match self {
            Metric::P50 => "p50",
            Metric::P90 => "p90",
            Metric::P99 => "p99",
            Metric::P999 => "p99.9",
            Metric::Max => "max",
            Metric::LagP99 => "lag-p99",
            Metric::Errors => "errors",
            Metric::Unexpected => "unexpected",
            Metric::Lost => "lost",
            Metric::Failed => "failed",
            Metric::OfferedRate => "offered-rate",
            Metric::AchievedRate => "achieved-rate",
            Metric::AllBack => "all-back",
            Metric::Missing => "missing",
            Metric::Refused => "refused",
            Metric::Retried => "retried",
            Metric::HandshakeRate => "handshake-rate",
            Metric::EstablishedP99 => "established-p99",
        }
    }

    fn is_time(self) -> bool {
        match self {
            Metric::P50
            | Metric::P90
            | Metric::P99
            | Metric::P999
            | Metric::Max
            | Metric::LagP99
            | Metric::AllBack
            | Metric::EstablishedP99 => true,
            Metric::Errors
            | Metric::Unexpected
            | Metric::Lost
            | Metric::Failed
            | Metric::OfferedRate
            | Metric::AchievedRate
            | Metric::Missing
            | Metric::Refused
            | Metric::Retried
            | Metric::HandshakeRate => false,
        }
    }

    fn is_of_storms(self) -> bool {
        match self {
            Metric::AllBack
            | Metric::Missing
            | Metric::Refused
            | Metric::Retried
            | Metric::HandshakeRate
            | Metric::EstablishedP99 => true,
            Metric::P50
            | Metric::P90
            | Metric::P99
            | Metric::P999
            | Metric::Max
            | Metric::LagP99
            | Metric::Errors
            | Metric::Unexpected
            | Metric::Lost
            | Metric::Failed
            | Metric::OfferedRate
            | Metric::AchievedRate => false,
        }
    }

    /// `None` when nothing was measured that it could be taken from.
    fn of(self, summary: &Summary) -> Option<Value> {
        let ms = |ms: f64| Value::Time(Duration::from_secs_f64(ms / 1_000.0));
        let latency = |quantile: fn(&super::LatencySummary) -> f64, of: &super::LatencySummary| {
            (0 < of.count).then(|| ms(quantile(of)))
        };
        let count = |count: u64| Some(Value::Number(count as f64));
        let sum = |counts: &std::collections::BTreeMap<String, u64>| count(counts.values().sum());
        let storm = summary.storm.as_ref();
        match self {
            Metric::P50 => latency(|of| of.p50_ms, &summary.latency),
            Metric::P90 => latency(|of| of.p90_ms, &summary.latency),
            Metric::P99 => latency(|of| of.p99_ms, &summary.latency),
            Metric::P999 => latency(|of| of.p999_ms, &summary.latency),
            Metric::Max => latency(|of| of.max_ms, &summary.latency),
            Metric::LagP99 => latency(|of| of.p99_ms, &summary.generator_lag),
            Metric::Errors => count(summary.errors),
            Metric::Unexpected => count(summary.unexpected),
            Metric::Lost => sum(&summary.connections.lost),
            Metric::Failed => sum(&summary.connections.failed),
            Metric::OfferedRate => Some(Value::Number(summary.offered_per_s)),
            Metric::AchievedRate => Some(Value::Number(summary.achieved_per_s)),
            Metric::AllBack => storm?
                .all_back_s
                .map(|seconds| Value::Time(Duration::from_secs_f64(seconds))),
            Metric::Missing => count(storm?.missing),
            Metric::Refused => count(storm?.refused),
            Metric::Retried => count(storm?.retried),
            Metric::HandshakeRate => Some(Value::Number(storm?.handshakes_per_s)),
            Metric::EstablishedP99 => latency(|of| of.p99_ms, &storm?.established_meanwhile),
        }
    }
}

impl Threshold {
    /// Reads a threshold; those on the figures of a storm only `with_storm`.
    ///
    /// # Errors
    ///
    /// It is none, or its figure is not of such a run.
    pub fn parse(text: &str, with_storm: bool) -> Result<Threshold, ThresholdError> {
        let form = || ThresholdError::Form(text.to_owned());
        let at = text.find(['<', '>']).ok_or_else(form)?;
        let (name, above) = (text[..at].trim(), text[at..].starts_with('>'));
        let limit = text[at + 1..].trim();
        let mut known = Metric::ALL
            .into_iter()
            .filter(|metric| with_storm || !metric.is_of_storms());
        let Some(metric) = known.clone().find(|metric| metric.name() == name) else {
            let names: Vec<_> = known.by_ref().map(Metric::name).collect();
            return Err(ThresholdError::Metric {
                found: name.to_owned(),
                known: names.join(", "),
            });
        };
        let wrong = |expected| ThresholdError::Limit {
            metric: metric.name(),
            found: limit.to_owned(),
            expected,
        };
        let limit = if metric.is_time() {
            let time = humantime::parse_duration(limit);
            Value::Time(time.map_err(|_| wrong("a time such as 50ms or 30s"))?)
        } else {
            let number = limit.parse().ok().filter(|number: &f64| number.is_finite());
            Value::Number(number.ok_or_else(|| wrong("a number"))?)
        };
        Ok(Threshold {
            metric,
            above,
            limit,
        })
    }

    /// `p99` above `limit`.
    pub fn p99_above(limit: Duration) -> Threshold {
        Threshold {
            metric: Metric::P99,
            above: true,
            limit: Value::Time(limit),
        }
    }

    /// More than `limit` errors.
    pub fn errors_above(limit: u64) -> Threshold {
        Threshold {
            metric: Metric::Errors,
            above: true,
            limit: Value::Number(limit as f64),
        }
    }

    /// What to say when the run passed this limit; `None` when it kept it. A figure for which nothing was measured
    /// keeps no limit.
    pub fn failure(&self, summary: &Summary) -> Option<String> {
        let name = self.metric.name();
        let bound = format!(
            "{} {}",
            if self.above { "at most" } else { "at least" },
            self.limit
        );
        let Some(found) = self.metric.of(summary) else {
            return Some(format!("{name} was not reached, it should be {bound}"));
        };
        let order = match (found, self.limit) {
            (Value::Time(found), Value::Time(limit)) => found.cmp(&limit),
            (Value::Number(found), Value::Number(limit)) => found.total_cmp(&limit),
            (Value::Time(_), Value::Number(_)) | (Value::Number(_), Value::Time(_)) => {
                unreachable!("a limit is read as its figure is")
            }
        };
        let passed = if self.above {
            order.is_gt()
        } else {
            order.is_lt()
        };
        passed.then(|| format!("{name} is {found}, it should be {bound}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::{answered, run};
    use crate::report::{Report, Storm};

    fn summary(with_storm: bool) -> Summary {
        let mut report = Report::default();
        report.record(&answered(40, false));
        report.storm = with_storm.then(|| Storm {
            stations: 2,
            back: 2,
            last_back_us: 3_000_000,
            ..Storm::default()
        });
        report.summary(run(), Duration::from_secs(2))
    }

    #[test]
    fn a_limit_is_kept_or_passed() {
        for (text, failure) in [
            ("p99>50ms", None),
            (
                "p99 > 30ms",
                Some("p99 is 40.031ms, it should be at most 30ms"),
            ),
            ("errors>0", None),
            ("errors<1", Some("errors is 0, it should be at least 1")),
            ("achieved-rate<0.5", None),
            (
                "achieved-rate<0.6",
                Some("achieved-rate is 0.5, it should be at least 0.6"),
            ),
            ("all-back>3s", None),
            (
                "all-back>2s",
                Some("all-back is 3s, it should be at most 2s"),
            ),
            (
                "established-p99>1s",
                Some("established-p99 was not reached, it should be at most 1s"),
            ),
        ] {
            let threshold = Threshold::parse(text, true).unwrap();
            assert_eq!(
                threshold.failure(&summary(true)).as_deref(),
                failure,
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_no_threshold_says_what_is_expected() {
        let error = |text| Threshold::parse(text, false).unwrap_err().to_string();
        assert!(error("p99=5").contains("such as \"p99>50ms\""));
        assert!(error("p95>1s").contains("\"p95\", expected one of p50, p90, p99"));
        assert!(error("all-back>1s").contains("no figure \"all-back\""));
        assert!(error("p99>5").contains("expected a time"));
        assert!(error("errors>few").contains("expected a number"));
    }
}
