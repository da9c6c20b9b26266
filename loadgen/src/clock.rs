//! Timestamps as text.

use std::time::{Duration, UNIX_EPOCH};

/// RFC 3339 with milliseconds, as in `2026-11-22T10:41:49.123Z`. Times before 1970 show 1970.
pub fn rfc3339(utc_millis: i64) -> String {
    let since = Duration::from_millis(u64::try_from(utc_millis).unwrap_or(0));
    humantime::format_rfc3339_millis(UNIX_EPOCH + since).to_string()
}

/// Microseconds of UTC of an RFC 3339 timestamp in UTC, written with `Z` or `+00:00`.
pub fn parse_rfc3339(text: &str) -> Option<i64> {
    let utc = text.strip_suffix("+00:00").map(|text| format!("{text}Z"));
    let time = humantime::parse_rfc3339_weak(utc.as_deref().unwrap_or(text)).ok()?;
    i64::try_from(time.duration_since(UNIX_EPOCH).ok()?.as_micros()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_go_both_ways() {
        assert_eq!(rfc3339(1_795_344_109_120), "2026-11-22T10:41:49.120Z");
        for (text, micros) in [
            ("2026-11-22T10:41:49.123Z", Some(1_795_344_109_123_000)),
            ("2026-11-22T10:41:49.123456Z", Some(1_795_344_109_123_456)),
            ("2026-11-22T10:41:49+00:00", Some(1_795_344_109_000_000)),
            ("2026-11-22 10:41:49", Some(1_795_344_109_000_000)),
            ("yesterday", None),
        ] {
            assert_eq!(parse_rfc3339(text), micros, "{text}");
        }
    }
}
