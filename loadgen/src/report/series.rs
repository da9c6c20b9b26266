//! A run over time: one point for each step, a second or less.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Points that are kept; when there are more, neighbours become one.
const POINTS_MAX: usize = 20_000;

/// What happened in each step of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Series {
    /// When the run began, microseconds of UTC.
    pub began_utc_micros: i64,
    /// In the order of time.
    pub points: Vec<Point>,
}

/// One step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Point {
    /// Its end, milliseconds since the run began.
    pub at_ms: u64,
    /// Its length, milliseconds.
    pub len_ms: u64,
    /// Stations with a connection at its end.
    pub connected: u64,
    /// Handshakes done in it.
    pub opened: u64,
    /// Requests that became due in it.
    pub offered: u64,
    /// Requests answered in it.
    pub answered: u64,
    /// Errors in it.
    pub errors: u64,
    /// Median latency of what was answered in it, microseconds. Of points put together, the largest.
    pub p50_us: u64,
    /// 99th percentile, likewise.
    pub p99_us: u64,
}

impl Point {
    /// Events per second, of a count of this point.
    pub fn per_second(&self, count: u64) -> f64 {
        count as f64 * 1_000.0 / self.len_ms.max(1) as f64
    }

    /// The latencies of two points cannot be told from their quantiles, so the worse one stands.
    fn count_in(&mut self, other: &Point) {
        self.opened += other.opened;
        self.offered += other.offered;
        self.answered += other.answered;
        self.errors += other.errors;
        self.p50_us = self.p50_us.max(other.p50_us);
        self.p99_us = self.p99_us.max(other.p99_us);
    }
}

impl Series {
    /// Takes note of the next step.
    pub fn push(&mut self, point: Point) {
        self.points.push(point);
        if POINTS_MAX < self.points.len() {
            self.points = self.points.chunks(2).map(one).collect();
        }
    }

    /// At most `points_max` points, for a plot.
    pub fn thinned(&self, points_max: usize) -> Vec<Point> {
        let size = self.points.len().div_ceil(points_max.max(1)).max(1);
        self.points.chunks(size).map(one).collect()
    }

    /// Most handshakes in any second, as far as steps tell.
    pub fn opened_per_second_max(&self) -> f64 {
        let rate = |at: usize| {
            let window = self.points[at..].iter().scan(0, |ms, point| {
                *ms += point.len_ms;
                Some((*ms, point.opened))
            });
            let (mut opened, mut ms) = (0, 0);
            for (end, count) in window {
                (opened, ms) = (opened + count, end);
                if 1_000 <= end {
                    break;
                }
            }
            opened as f64 * 1_000.0 / ms.max(1_000) as f64
        };
        (0..self.points.len()).map(rate).fold(0.0, f64::max)
    }

    /// Puts the series of another process beside this one: what happened at the same time becomes one point.
    pub fn merge(&mut self, other: &Series) {
        if self.points.is_empty() {
            return self.clone_from(other);
        }
        let step = [&*self, other]
            .into_iter()
            .flat_map(|series| &series.points)
            .map(|point| point.len_ms)
            .max()
            .unwrap_or(1)
            .max(1);
        let began = self.began_utc_micros.min(other.began_utc_micros);
        let mut merged: BTreeMap<u64, Point> = BTreeMap::new();
        for series in [&*self, other] {
            let behind = Duration::from_micros(began.abs_diff(series.began_utc_micros));
            let steps = |point: &Point| {
                let at_ms = behind.as_millis() as u64 + point.at_ms;
                (at_ms + step / 2) / step
            };
            // The last point of a part that falls into a step says how many are connected.
            let mut connected: BTreeMap<u64, u64> = BTreeMap::new();
            for point in &series.points {
                let at = steps(point);
                merged.entry(at).or_default().count_in(point);
                connected.insert(at, point.connected);
            }
            for (at, count) in connected {
                merged.entry(at).or_default().connected += count;
            }
        }
        for (at, point) in &mut merged {
            (point.at_ms, point.len_ms) = (at * step, step);
        }
        self.began_utc_micros = began;
        self.points = merged.into_values().collect();
    }
}

fn one(points: &[Point]) -> Point {
    let mut all = Point::default();
    for point in points {
        all.count_in(point);
        all.len_ms += point.len_ms;
        (all.at_ms, all.connected) = (point.at_ms, point.connected);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(at_ms: u64, connected: u64, opened: u64, p99_us: u64) -> Point {
        Point {
            at_ms,
            len_ms: 1_000,
            connected,
            opened,
            p99_us,
            ..Point::default()
        }
    }

    #[test]
    fn parts_that_began_one_after_the_other_meet_at_the_same_time() {
        let mut first = Series {
            began_utc_micros: 5_000_000,
            points: vec![point(1_000, 10, 10, 7), point(2_000, 20, 10, 9)],
        };
        let second = Series {
            began_utc_micros: 6_010_000,
            points: vec![point(1_001, 4, 4, 8), point(2_003, 6, 2, 1)],
        };
        first.merge(&second);
        assert_eq!(
            first.points,
            [
                point(1_000, 10, 10, 7),
                point(2_000, 24, 14, 9),
                point(3_000, 6, 2, 1)
            ]
        );
        assert_eq!(first.began_utc_micros, 5_000_000);
    }

    #[test]
    fn a_long_series_keeps_its_sums() {
        let mut series = Series::default();
        for second in 1..=POINTS_MAX as u64 + 1 {
            series.push(point(second * 1_000, second, 1, second));
        }
        assert_eq!(series.points.len(), POINTS_MAX / 2 + 1);
        assert_eq!(
            series.points[0],
            Point {
                len_ms: 2_000,
                ..point(2_000, 2, 2, 2)
            }
        );
        let thin = series.thinned(100);
        assert!(thin.len() <= 100);
        assert_eq!(
            thin.iter().map(|point| point.opened).sum::<u64>(),
            POINTS_MAX as u64 + 1
        );
    }

    #[test]
    fn the_best_second_is_found_across_steps() {
        let step = |at_ms, opened| Point {
            len_ms: 500,
            ..point(at_ms, 0, opened, 0)
        };
        let series = Series {
            began_utc_micros: 0,
            points: vec![
                step(500, 1),
                step(1_000, 300),
                step(1_500, 200),
                step(2_000, 3),
            ],
        };
        assert_eq!(series.opened_per_second_max(), 500.0);
    }
}
