//! Latencies, as histograms that several processes can put together.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Longest latency told apart; longer ones count as this.
const LATENCY_MAX: Duration = Duration::from_secs(3_600);

/// Latencies in microseconds, to three digits.
///
/// Serialised as a list of `[microseconds, count]`, one for each bucket that is not empty: read back, it is the same
/// histogram.
#[derive(Clone, Debug)]
pub struct Latencies(Histogram<u64>);

impl Default for Latencies {
    fn default() -> Latencies {
        let max = LATENCY_MAX.as_micros() as u64;
        Latencies(Histogram::new_with_bounds(1, max, 3).expect("bounds are constant and valid"))
    }
}

impl Latencies {
    /// Takes note of one.
    pub fn record(&mut self, latency: Duration) {
        let micros = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        self.0.saturating_record(micros);
    }

    /// What this share of them stayed below or at, `0.0 <= quantile <= 1.0`.
    pub fn quantile(&self, quantile: f64) -> Duration {
        Duration::from_micros(self.0.value_at_quantile(quantile))
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.0.len()
    }

    /// The longest.
    pub fn max(&self) -> Duration {
        Duration::from_micros(self.0.max())
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.0.reset();
    }

    /// Adds those of `other`.
    pub fn merge(&mut self, other: &Latencies) {
        self.0
            .add(&other.0)
            .expect("both have the same constant bounds");
    }

    /// The figures.
    pub fn summary(&self) -> LatencySummary {
        let ms = |quantile| self.quantile(quantile).as_secs_f64() * 1_000.0;
        LatencySummary {
            count: self.0.len(),
            p50_ms: ms(0.5),
            p90_ms: ms(0.9),
            p99_ms: ms(0.99),
            p999_ms: ms(0.999),
            max_ms: self.0.max() as f64 / 1_000.0,
        }
    }
}

impl Serialize for Latencies {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let buckets = self.0.iter_recorded();
        serializer.collect_seq(
            buckets.map(|bucket| (bucket.value_iterated_to(), bucket.count_at_value())),
        )
    }
}

impl<'de> Deserialize<'de> for Latencies {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Latencies, D::Error> {
        let mut latencies = Latencies::default();
        for (micros, count) in <Vec<(u64, u64)>>::deserialize(deserializer)? {
            latencies.0.saturating_record_n(micros, count);
        }
        Ok(latencies)
    }
}

/// Quantiles of a latency.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LatencySummary {
    /// How many were measured.
    pub count: u64,
    /// Median, milliseconds.
    pub p50_ms: f64,
    /// 90th percentile.
    pub p90_ms: f64,
    /// 99th percentile.
    pub p99_ms: f64,
    /// 99.9th percentile.
    pub p999_ms: f64,
    /// The longest.
    pub max_ms: f64,
}

impl LatencySummary {
    /// The figures for people.
    pub fn text(&self) -> String {
        format!(
            "p50 {:.2} ms, p99 {:.2} ms, p99.9 {:.2} ms, max {:.2} ms over {}",
            self.p50_ms, self.p99_ms, self.p999_ms, self.max_ms, self.count
        )
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_written_is_read_back(micros in proptest::collection::vec(0_u64..10_000_000_000, 0..200)) {
            let mut latencies = Latencies::default();
            for micros in &micros {
                latencies.record(Duration::from_micros(*micros));
            }
            let text = serde_json::to_string(&latencies).unwrap();
            let read: Latencies = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(&read.0, &latencies.0);
            prop_assert_eq!(read.summary(), latencies.summary());
        }
    }

    #[test]
    fn two_parts_together_are_the_whole() {
        let of = |range: std::ops::Range<u64>| {
            let mut latencies = Latencies::default();
            for ms in range {
                latencies.record(Duration::from_millis(ms));
            }
            latencies
        };
        let mut part = of(0..700);
        part.merge(&of(700..1_000));
        assert_eq!(part.summary(), of(0..1_000).summary());
    }
}
