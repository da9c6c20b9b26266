//! Dates that do not say what they seem to: those of a station whose clock is known to be wrong.
//!
//! Whoever reads a payload later does not know the clock that it was written by, so these are put on record beside it.

use fleet::record::DateRead;
use ocpp::{Clock, Timestamp, Zone};
use serde_json::Value;

/// Members that say when something happened, or will.
const MEMBERS: [&str; 4] = ["basetime", "departureTime", "timeBase", "timestamp"];

/// The dates of a payload that are others by this clock than they read, in no order.
pub(crate) fn dates_by(clock: Clock, payload: &str) -> Vec<DateRead> {
    let mut dates = Vec::new();
    if clock != Clock::default() {
        let message = serde_json::from_str(payload).unwrap_or_default();
        gather(clock, &message, "", &mut dates);
    }
    dates
}

fn gather(clock: Clock, value: &Value, pointer: &str, dates: &mut Vec<DateRead>) {
    if let Value::Array(elements) = value {
        for (index, element) in elements.iter().enumerate() {
            gather(clock, element, &format!("{pointer}/{index}"), dates);
        }
    }
    for (name, member) in value.as_object().into_iter().flatten() {
        // Names that may need an escape are none of OCPP.
        let pointer = format!("{pointer}/{name}");
        let text = member.as_str().filter(|_| MEMBERS.contains(&&**name));
        let Some(plain) = text.and_then(Timestamp::read) else {
            gather(clock, member, &pointer, dates);
            continue;
        };
        let seems = plain.utc_micros;
        let told = plain.by(clock);
        let at = (told.zone != Zone::Distrusted).then_some(told.utc_micros);
        if at != Some(seems) {
            dates.push(DateRead { pointer, at });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write;

    #[test]
    fn a_clock_that_is_known_to_be_wrong_makes_other_dates() {
        let payload = r#"{"generatedAt":"2026-11-22T07:00:00Z","eventData":[
            {"timestamp":"2026-11-22T07:00:00Z","actualValue":"2026-11-22T07:00:00"},
            {"timestamp":"2026-11-22T07:00:00"},{"timestamp":"2026-11-22T07:00:00+01:00"},{"timestamp":1}]}"#;
        let shown = |clock: Clock| {
            let mut shown = String::new();
            for date in dates_by(clock, payload) {
                let at = date.at.map(|at| fleet::UtcMicros(at).to_string());
                writeln!(shown, "{} {at:?}", date.pointer).unwrap();
            }
            shown
        };
        let local = Clock {
            zone_minutes: -180,
            ..Clock::default()
        };
        expect_test::expect![[r#"
            /eventData/1/timestamp Some("2026-11-22T10:00:00.000Z")
        "#]]
        .assert_eq(&shown(local));
        expect_test::expect![[r#"
            /eventData/0/timestamp Some("2026-11-22T10:00:00.000Z")
            /eventData/1/timestamp Some("2026-11-22T10:00:00.000Z")
        "#]]
        .assert_eq(&shown(Clock {
            utc_is_local: true,
            ..local
        }));
        expect_test::expect![[r#"
            /eventData/0/timestamp None
            /eventData/1/timestamp None
            /eventData/2/timestamp None
        "#]]
        .assert_eq(&shown(Clock {
            distrusted: true,
            ..Clock::default()
        }));
        assert_eq!(shown(Clock::default()), "");
        assert!(dates_by(local, "[").is_empty());
    }
}
