//! The two clocks of the program. Only drivers and programs read them; everything else takes time
//! as an argument.

use rustix::time::{ClockId, Timespec, clock_gettime};

/// Nanoseconds of `CLOCK_MONOTONIC`: the same scale on every thread of this machine, never set back.
#[must_use]
pub fn monotonic_ns() -> u64 {
    let time = clock_gettime(ClockId::Monotonic);
    // The clock counts from boot, so both parts are positive and 2^64 ns are 584 years.
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// Microseconds of UTC since 1970-01-01. May jump when the machine's clock is set.
#[must_use]
pub fn utc_micros() -> i64 {
    let time = clock_gettime(ClockId::Realtime);
    time.tv_sec * 1_000_000 + time.tv_nsec / 1_000
}

/// `nanos` as the kernel takes it.
pub(crate) fn timespec(nanos: u64) -> Timespec {
    Timespec {
        // 2^64 ns are below 2^35 s.
        tv_sec: (nanos / 1_000_000_000) as i64,
        tv_nsec: (nanos % 1_000_000_000) as i64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_monotonic_clock_never_steps_back_and_utc_is_of_this_century() {
        let first = monotonic_ns();
        let second = monotonic_ns();
        assert!(first <= second);
        // 2020-01-01 and 2100-01-01.
        assert!((1_577_836_800_000_000..4_102_444_800_000_000).contains(&utc_micros()));
    }
}
