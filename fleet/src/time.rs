//! Wall-clock time as an integer.

use std::fmt;

/// Microseconds since 1970-01-01T00:00:00Z, without leap seconds; may be negative.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct UtcMicros(pub i64);

const MICROS_PER_SECOND: i64 = 1_000_000;
const MICROS_PER_DAY: i64 = 86_400 * MICROS_PER_SECOND;

impl UtcMicros {
    /// 2020-01-01T00:00:00Z: a station's clock that shows an earlier time is not set (design, section 5).
    pub const TRUSTED_MIN: Self = Self(1_577_836_800 * MICROS_PER_SECOND);
    /// How far ahead of receipt a station's clock is still believed.
    pub const TRUSTED_LEAD_MICROS: i64 = 300 * MICROS_PER_SECOND;

    /// True when a station that reports this time, received at `received_at`, has a clock worth believing.
    pub fn is_trusted(self, received_at: Self) -> bool {
        Self::TRUSTED_MIN <= self
            && self.0 <= received_at.0.saturating_add(Self::TRUSTED_LEAD_MICROS)
    }

    /// Whole days since 1970-01-01, rounded towards the past.
    pub fn days(self) -> i32 {
        self.0.div_euclid(MICROS_PER_DAY) as i32
    }

    /// Milliseconds, rounded towards the past.
    pub fn millis(self) -> i64 {
        self.0.div_euclid(1_000)
    }
}

/// Year, month and day of `days` since 1970-01-01 in the proleptic Gregorian calendar
/// (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `civil_from_days`).
fn civil(days: i64) -> (i64, u32, u32) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_shifted = (5 * day_of_year + 2) / 153;
    let day = (day_of_year - (153 * month_shifted + 2) / 5 + 1) as u32;
    let month = if month_shifted < 10 {
        month_shifted + 3
    } else {
        month_shifted - 9
    } as u32;
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// RFC 3339 in UTC with milliseconds, or microseconds where there are any: `2026-11-22T10:41:49.123Z`.
impl fmt::Display for UtcMicros {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, of_day) = (
            self.0.div_euclid(MICROS_PER_DAY),
            self.0.rem_euclid(MICROS_PER_DAY),
        );
        let (year, month, day) = civil(days);
        let seconds = of_day / MICROS_PER_SECOND;
        let micros = of_day % MICROS_PER_SECOND;
        write!(f, "{year:04}-{month:02}-{day:02}T")?;
        write!(
            f,
            "{:02}:{:02}:{:02}.",
            seconds / 3_600,
            seconds / 60 % 60,
            seconds % 60
        )?;
        if micros % 1_000 == 0 {
            write!(f, "{:03}Z", micros / 1_000)
        } else {
            write!(f, "{micros:06}Z")
        }
    }
}

impl fmt::Debug for UtcMicros {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_rfc_3339() {
        for (micros, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (-1, "1969-12-31T23:59:59.999999Z"),
            (951_782_400_000_000, "2000-02-29T00:00:00.000Z"),
            (1_795_344_109_123_000, "2026-11-22T10:41:49.123Z"),
            (4_102_444_799_999_999, "2099-12-31T23:59:59.999999Z"),
        ] {
            assert_eq!(UtcMicros(micros).to_string(), text);
        }
    }

    #[test]
    fn a_clock_is_believed_between_2020_and_five_minutes_from_now() {
        let now = UtcMicros(1_795_344_109_000_000);
        let check = |t: i64, expected| assert_eq!(UtcMicros(t).is_trusted(now), expected, "{t}");
        check(0, false);
        check(UtcMicros::TRUSTED_MIN.0 - 1, false);
        check(UtcMicros::TRUSTED_MIN.0, true);
        check(now.0 + 300_000_000, true);
        check(now.0 + 300_000_001, false);
    }
}
