//! Members of OCPP messages that are kept as JSON. What is not there, or has another form, is `None` or empty.

use serde_json::Value;

pub(crate) fn read(json: &str) -> Value {
    serde_json::from_str(json).unwrap_or_default()
}

pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

pub(crate) fn int(value: &Value) -> Option<i32> {
    value.as_i64().and_then(|n| i32::try_from(n).ok())
}

/// As JSON.
pub(crate) fn json(value: &Value) -> Option<String> {
    (!value.is_null()).then(|| value.to_string())
}

/// A time as OCPP writes it, in UTC microseconds; without a zone it is UTC, as everywhere.
pub(crate) fn moment(value: &Value) -> Option<i64> {
    let text = value.as_str()?;
    let at = chrono::DateTime::parse_from_rfc3339(text).map(|at| at.timestamp_micros());
    // Notations that stations are known to use.
    let text = text.replacen(' ', "T", 1);
    let odd_zone = || {
        let at = chrono::DateTime::parse_from_str(&text, "%Y-%m-%dT%H:%M:%S%.f%#z");
        at.map(|at| at.timestamp_micros())
    };
    let zoneless = || {
        let at = chrono::NaiveDateTime::parse_from_str(&text, "%Y-%m-%dT%H:%M:%S%.f");
        at.map(|at| at.and_utc().timestamp_micros())
    };
    at.or_else(|_| odd_zone()).or_else(|_| zoneless()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_without_zone_is_utc() {
        for (text, expected) in [
            ("2026-11-22T10:00:00Z", Some(1_795_341_600_000_000)),
            ("2026-11-22T10:00:00.25", Some(1_795_341_600_250_000)),
            ("2026-11-22T07:00:00-03:00", Some(1_795_341_600_000_000)),
            ("2026-11-22T07:00:00-0300", Some(1_795_341_600_000_000)),
            ("2026-11-22T07:00:00.5-03", Some(1_795_341_600_500_000)),
            ("2026-11-22 10:00:00", Some(1_795_341_600_000_000)),
            ("yesterday", None),
        ] {
            assert_eq!(moment(&text.into()), expected, "{text}");
        }
    }
}
