//! What one command line makes of every station: fixed before the first of them connects.

use std::time::Duration;

use ocpp::{Instant, Version};

use crate::random::Random;
use crate::scenario::{Faults, Scenario};

/// Which version of OCPP the stations speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Versions {
    /// OCPP 1.6J.
    #[value(name = "1.6")]
    V16,
    /// OCPP 2.0.1.
    #[value(name = "2.0.1")]
    V201,
    /// OCPP 2.1.
    #[value(name = "2.1")]
    V21,
    /// Every other station: 1.6, 2.0.1, 1.6, …
    Mix,
    /// Every third station: 1.6, 2.0.1, 2.1, 1.6, …
    All,
}

impl Versions {
    /// The version of the station at `index`.
    pub fn of(self, index: u32) -> Version {
        match self {
            Versions::V16 => Version::V16,
            Versions::V201 => Version::V201,
            Versions::V21 => Version::V21,
            Versions::Mix => [Version::V16, Version::V201][index as usize % 2],
            Versions::All => [Version::V16, Version::V201, Version::V21][index as usize % 3],
        }
    }

    /// As the command line calls it.
    pub fn as_str(self) -> &'static str {
        match self {
            Versions::V16 => "1.6",
            Versions::V201 => "2.0.1",
            Versions::V21 => "2.1",
            Versions::Mix => "mix",
            Versions::All => "all",
        }
    }
}

/// How monotonic time, the stations' own clocks and the lengths in a scenario belong together.
///
/// The stations' clocks run `speed` times as fast as ours. A run that compresses time begins in the past, so that
/// the last moment of the run is the present: a CSMS does not believe a clock that is ahead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeline {
    /// When the run begins.
    pub start: Instant,
    /// What the stations' clocks show then, microseconds of UTC.
    pub start_utc_micros: i64,
    /// Station seconds per second, at least 1.
    pub speed: u32,
}

impl Timeline {
    /// The timeline of a run of `duration` that begins at `start`, when the wall clock shows `utc_micros`.
    pub fn new(start: Instant, utc_micros: i64, duration: Duration, speed: u32) -> Timeline {
        let ahead = duration.saturating_mul(speed.saturating_sub(1));
        let ahead_micros = i64::try_from(ahead.as_micros()).unwrap_or(i64::MAX);
        Timeline {
            start,
            start_utc_micros: utc_micros.saturating_sub(ahead_micros),
            speed: speed.max(1),
        }
    }

    /// What a station's clock shows at `now`, milliseconds of UTC: the resolution of an OCPP timestamp.
    pub fn utc_millis(&self, now: Instant) -> i64 {
        let elapsed = (now - self.start).saturating_mul(self.speed);
        let elapsed_micros = i64::try_from(elapsed.as_micros()).unwrap_or(i64::MAX);
        self.start_utc_micros.saturating_add(elapsed_micros) / 1_000
    }

    /// How long we wait while a station's clock advances by `station`.
    pub fn real(&self, station: Duration) -> Duration {
        station / self.speed
    }

    /// By how much a station's clock advances while ours advances by `real`.
    pub fn station(&self, real: Duration) -> Duration {
        real.saturating_mul(self.speed)
    }
}

/// How long a station waits before it connects again (2.0.1 Part 4 §5.3). Stations of 1.6, which has no such settings,
/// do the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BackOff {
    /// `RetryBackOffWaitMinimum`.
    pub wait_min: Duration,
    /// `RetryBackOffRandomRange`.
    pub random_range: Duration,
    /// `RetryBackOffRepeatTimes`: how often the wait doubles.
    pub repeat_times: u32,
}

impl BackOff {
    /// The wait after the loss of a connection and `failures` attempts, the last of which waited for `previous`.
    pub fn wait(&self, failures: u32, previous: Duration, random: &mut Random) -> Duration {
        let mut more = || random.duration(Duration::ZERO, self.random_range);
        match failures {
            0 => self.wait_min + more(),
            _ if failures <= self.repeat_times => previous.saturating_mul(2).saturating_add(more()),
            _ => previous,
        }
    }
}

/// Everything the stations of a run have in common.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Names the fleet together with the other fields.
    pub seed: u64,
    /// How the stations spend their time.
    pub scenario: Scenario,
    /// Between two meter samples of a transaction, by the station's clock.
    pub interval: Duration,
    /// EVSEs per station, each with one connector.
    pub connectors: u32,
    /// Clocks.
    pub timeline: Timeline,
    /// No vehicle stays longer than this.
    pub end: Instant,
    /// Events that a station keeps while it cannot send them. When it is full, the oldest unsent meter sample is
    /// dropped and counted (2.0.1 E04 lets a station drop intermediate events first); starts and stops never are.
    pub offline_events_max: usize,
    /// After this an unanswered call counts as lost.
    pub call_timeout: Duration,
    /// Before a station connects again.
    pub back_off: BackOff,
    /// Between two Heartbeats; `None` obeys the interval of the BootNotification answer.
    pub heartbeat: Option<Duration>,
    /// Stations of this number and above obey it in any case.
    pub heartbeat_below: u32,
    /// Who misbehaves; of stations only the half-open ones.
    pub faults: Faults,
}

impl Plan {
    /// How long the small things of a visit take: from plug to card, from card to start, from stop to departure.
    pub fn pause(&self) -> Duration {
        (self.interval / 16).min(Duration::from_secs(2))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_compressed_run_ends_in_the_present() {
        let second = 1_000_000_000;
        let ten_minutes = Duration::from_secs(600);
        let now_micros = 1_795_344_109_000_000;
        let timeline = Timeline::new(Instant(5 * second), now_micros, ten_minutes, 60);
        let at = |seconds: u64| timeline.utc_millis(Instant((5 + seconds) * second));
        assert_eq!(at(0), now_micros / 1_000 - 59 * 600_000);
        assert_eq!(at(1), at(0) + 60_000);
        assert_eq!(at(600), now_micros / 1_000 + 600_000);
        assert_eq!(
            timeline.real(Duration::from_secs(60)),
            Duration::from_secs(1)
        );
        assert_eq!(
            timeline.station(Duration::from_secs(1)),
            Duration::from_secs(60)
        );
    }

    #[test]
    fn the_wait_doubles_as_often_as_it_may() {
        let back_off = BackOff {
            wait_min: Duration::from_secs(10),
            random_range: Duration::from_secs(5),
            repeat_times: 2,
        };
        let mut random = Random::new(1, &[]);
        let mut waits = vec![back_off.wait(0, Duration::ZERO, &mut random)];
        for failures in 1..5 {
            waits.push(back_off.wait(failures, waits[waits.len() - 1], &mut random));
        }
        let within =
            |wait: Duration, least: Duration| least <= wait && wait < least + back_off.random_range;
        assert!(within(waits[0], back_off.wait_min), "{waits:?}");
        assert!(within(waits[1], waits[0] * 2), "{waits:?}");
        assert!(within(waits[2], waits[1] * 2), "{waits:?}");
        assert_eq!(
            [waits[2]; 2],
            waits[3..],
            "no longer than after the last doubling"
        );
    }

    #[test]
    fn a_mixed_fleet_alternates() {
        use Version::{V16, V21, V201};
        let of = |versions: Versions| (0..4).map(|index| versions.of(index)).collect::<Vec<_>>();
        assert_eq!(of(Versions::Mix), [V16, V201, V16, V201]);
        assert_eq!(of(Versions::All), [V16, V201, V21, V16]);
    }

    #[test]
    fn versions_are_called_what_they_are_asked_for_by() {
        use clap::ValueEnum as _;
        for versions in Versions::value_variants() {
            let name = versions.to_possible_value().unwrap();
            assert_eq!(versions.as_str(), name.get_name());
        }
    }
}
