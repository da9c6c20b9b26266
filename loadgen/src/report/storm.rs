//! What a reconnect storm adds to a report.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Latencies, LatencySummary, add, add_all};

/// What happened from the moment the connections were cut.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Storm {
    /// Stations that were cut.
    pub stations: u64,
    /// Stations that stayed connected.
    pub established: u64,
    /// Of those cut, how many are back.
    pub back: u64,
    /// When they were cut, microseconds of UTC.
    pub cut_at_utc_micros: i64,
    /// From the cut until the last one was back, microseconds.
    pub last_back_us: u64,
    /// Attempts to connect.
    pub attempts: u64,
    /// Attempts that were refused or came to nothing otherwise, by reason.
    pub refused: BTreeMap<String, u64>,
    /// From when an attempt should have begun until its connection spoke OCPP.
    pub handshake: Latencies,
    /// Of the established stations, before the cut.
    pub calm: Latencies,
    /// Of the established stations, from the cut on.
    pub meanwhile: Latencies,
}

impl Storm {
    /// An attempt came to nothing.
    pub fn refused(&mut self, reason: &str) {
        add(&mut self.refused, reason, 1);
    }

    /// One station more is back, `since_cut` after the cut.
    pub fn is_back(&mut self, since_cut: Duration) {
        self.back += 1;
        self.last_back_us = self.last_back_us.max(since_cut.as_micros() as u64);
    }

    /// Adds the part of another process. The storm begins with its first cut.
    pub fn merge(&mut self, other: &Storm) {
        let last = |storm: &Storm| storm.cut_at_utc_micros + storm.last_back_us as i64;
        let last_at = last(self).max(last(other));
        self.cut_at_utc_micros = self.cut_at_utc_micros.min(other.cut_at_utc_micros);
        self.last_back_us = (last_at - self.cut_at_utc_micros).max(0) as u64;
        self.stations += other.stations;
        self.established += other.established;
        self.back += other.back;
        self.attempts += other.attempts;
        add_all(&mut self.refused, &other.refused);
        self.handshake.merge(&other.handshake);
        self.calm.merge(&other.calm);
        self.meanwhile.merge(&other.meanwhile);
    }

    /// The figures; `opened_per_second_max` is of the series.
    pub fn summary(&self, opened_per_second_max: f64) -> StormSummary {
        let last_back = Duration::from_micros(self.last_back_us);
        let refused: u64 = self.refused.values().sum();
        StormSummary {
            stations: self.stations,
            established: self.established,
            back: self.back,
            missing: self.stations - self.back,
            all_back_s: (self.back == self.stations).then_some(last_back.as_secs_f64()),
            handshakes_per_s: self.back as f64 / last_back.as_secs_f64().max(1e-3),
            handshakes_per_s_max: opened_per_second_max,
            attempts: self.attempts,
            retried: self.attempts.saturating_sub(self.stations),
            refused,
            refusals: self.refused.clone(),
            handshake: self.handshake.summary(),
            established_before: self.calm.summary(),
            established_meanwhile: self.meanwhile.summary(),
        }
    }
}

/// The figures of a storm.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StormSummary {
    /// Stations that were cut.
    pub stations: u64,
    /// Stations that stayed connected.
    pub established: u64,
    /// Of those cut, how many came back.
    pub back: u64,
    /// Of those cut, how many did not.
    pub missing: u64,
    /// From the cut until all were back, seconds; null when some were not.
    pub all_back_s: Option<f64>,
    /// Stations back, per second until the last of them.
    pub handshakes_per_s: f64,
    /// Handshakes in the best second of the whole run, the gathering before the cut included.
    pub handshakes_per_s_max: f64,
    /// Attempts to connect after the cut.
    pub attempts: u64,
    /// Attempts beyond the first of each station.
    pub retried: u64,
    /// Attempts that came to nothing.
    pub refused: u64,
    /// The same by reason.
    pub refusals: BTreeMap<String, u64>,
    /// From when an attempt should have begun until its connection spoke OCPP.
    pub handshake: LatencySummary,
    /// Latency of the established stations before the cut.
    pub established_before: LatencySummary,
    /// Latency of the established stations from the cut on.
    pub established_meanwhile: LatencySummary,
}

impl StormSummary {
    /// The figures for people.
    pub fn text(&self) -> String {
        let mut text = match self.all_back_s {
            Some(seconds) => format!("storm: all {} back after {seconds:.2} s", self.stations),
            None => format!("storm: {} of {} back", self.back, self.stations),
        };
        text += &format!(
            ", {:.0} handshakes/s; best second of the run {:.0}\n",
            self.handshakes_per_s, self.handshakes_per_s_max
        );
        text += &format!(
            "attempts: {}, of them {} retried, {} refused\n",
            self.attempts, self.retried, self.refused
        );
        for (reason, count) in &self.refusals {
            text += &format!("  {count} refused: {reason}\n");
        }
        for (label, latency) in [
            ("handshake", &self.handshake),
            ("established, before", &self.established_before),
            ("established, meanwhile", &self.established_meanwhile),
        ] {
            if latency.count > 0 {
                text += &format!("{label}: {}\n", latency.text());
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(cut_at_utc_micros: i64, last_back_us: u64) -> Storm {
        let mut storm = Storm {
            stations: 2,
            cut_at_utc_micros,
            attempts: 3,
            ..Storm::default()
        };
        storm.is_back(Duration::from_micros(last_back_us / 2));
        storm.is_back(Duration::from_micros(last_back_us));
        storm.refused("HTTP 503");
        storm
    }

    #[test]
    fn a_storm_of_two_processes_ends_with_the_last_station_of_either() {
        let mut storm = part(1_000, 2_000_000);
        storm.merge(&part(501_000, 1_700_000));
        let summary = storm.summary(7.0);
        assert_eq!(summary.all_back_s, Some(2.2));
        assert_eq!(
            (
                summary.stations,
                summary.attempts,
                summary.retried,
                summary.refused
            ),
            (4, 6, 2, 2)
        );
    }

    #[test]
    fn a_storm_that_leaves_one_out_is_not_over() {
        let mut storm = part(0, 10);
        storm.stations = 3;
        let summary = storm.summary(0.0);
        assert_eq!((summary.all_back_s, summary.missing), (None, 1));
        assert!(
            summary.text().starts_with("storm: 2 of 3 back"),
            "{}",
            summary.text()
        );
    }
}
