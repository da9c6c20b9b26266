//! Monotonic time as the owner of a connection passes it in.

use std::ops::{Add, Sub};
use std::time::Duration;

/// Nanoseconds of a monotonic clock with an arbitrary origin; a test may name any moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Instant(pub u64);

impl Add<Duration> for Instant {
    type Output = Instant;

    /// Saturates after 584 years.
    fn add(self, duration: Duration) -> Instant {
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        Instant(self.0.saturating_add(nanos))
    }
}

impl Sub for Instant {
    type Output = Duration;

    /// The time from `earlier` to `self`; zero if `earlier` is the later one.
    fn sub(self, earlier: Instant) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}
