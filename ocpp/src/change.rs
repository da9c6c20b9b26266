//! What was read differently from how it was sent, place by place.

use std::ops::Range;

use crate::decimal;
use crate::json::{DEPTH_MAX, Fault, Reader, write_string};
use crate::policy::{Note, Notes, Taken};
use crate::record::Wire;
use crate::{Clock, Policy, Quirks, Timestamp, Version};

/// Longest value that a [`Change`] shows, in characters.
const SHOWN_MAX: usize = 200;

/// One value of a message that was tolerated or changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Where in the payload, as a JSON pointer (RFC 6901); of a repaired frame, the byte: `#17`.
    pub pointer: String,
    /// The kinds of deviation, by the names of [`Quirks::names`], or `repaired`; with spaces in between.
    pub quirk: String,
    /// What was sent, as JSON.
    pub found: String,
    /// What was read, as JSON; empty where it was left out.
    pub taken: String,
}

impl Notes {
    /// What was noted while `payload` was read by `clock`, in the order of the message; afterwards nothing is noted.
    pub fn changes(&self, payload: &str, clock: Clock) -> Vec<Change> {
        let notes = self.take();
        let change = |note: &Note| {
            let (pointer, range) = locate(payload, note.at)?;
            let found = &payload[range];
            Some(Change {
                pointer,
                quirk: note.quirks.names().collect::<Vec<_>>().join(" "),
                found: shown(found),
                taken: shown(&taken(note, found, clock)),
            })
        };
        notes.iter().filter_map(change).collect()
    }
}

/// `text`, cut where it is long.
pub(crate) fn shown(text: &str) -> String {
    text.chars().take(SHOWN_MAX).collect()
}

/// What was read in the place of `found`.
fn taken(note: &Note, found: &str, clock: Clock) -> String {
    if let Taken::Boolean(value) = note.taken {
        return value.to_string();
    }
    let is = |quirk| note.quirks.contains(quirk);
    if is(Quirks::NULL_PAYLOAD) {
        return "{}".to_owned();
    }
    if is(Quirks::NULL_OPTIONAL) || is(Quirks::EMPTY_STRING) || is(Quirks::EXTRA_PROPERTY) {
        return String::new();
    }
    if is(Quirks::OBJECT_FOR_ARRAY) {
        return format!("[{found}]");
    }
    if is(Quirks::TYPE_COERCED) {
        return match found.strip_prefix('"').and_then(|f| f.strip_suffix('"')) {
            Some(number) => number.to_owned(),
            None => quoted(found),
        };
    }
    if is(Quirks::NUMBER_FORM) {
        let scaled = decimal::scaled(found, 0).map(|scaled| scaled.value.to_string());
        return scaled.unwrap_or_else(|_| found.to_owned());
    }
    if is(Quirks::ZONE_MISSING) || is(Quirks::DATE_FORM) || is(Quirks::LOCAL_TIME) {
        return date(found, clock).unwrap_or_else(|| found.to_owned());
    }
    // Kept as it was sent.
    found.to_owned()
}

fn quoted(text: &str) -> String {
    let mut out = Vec::new();
    write_string(&mut out, text);
    String::from_utf8_lossy(&out).into_owned()
}

/// A date as it was understood.
fn date(found: &str, clock: Clock) -> Option<String> {
    let raw = Reader::new(found, Version::V16, Policy::Strict)
        .string()
        .ok()?;
    let moment = crate::timestamp::parse(&raw)?.by(clock);
    let mut out = Vec::new();
    Timestamp::at(moment.utc_micros).write(&mut out);
    Some(String::from_utf8_lossy(&out).into_owned())
}

/// The innermost value that `at` lies in or directly behind: its JSON pointer, and where it stands.
fn locate(payload: &str, at: usize) -> Option<(String, Range<usize>)> {
    let mut r = Reader::new(payload, Version::V16, Policy::Strict);
    let mut pointer = String::new();
    let range = find(&mut r, at, &mut pointer, 0).ok().flatten()?;
    Some((pointer, range))
}

/// Reads one value; its place, or that of the one inside it, if `at` is there. `pointer` is that of the value found.
fn find(
    r: &mut Reader<'_>,
    at: usize,
    pointer: &mut String,
    depth: u32,
) -> Result<Option<Range<usize>>, Fault> {
    let byte = r.peek();
    let start = r.position();
    match byte {
        b'{' if depth < DEPTH_MAX => {
            let mut members = r.object()?;
            while let Some(key) = r.key(&mut members)? {
                let len = pointer.len();
                pointer.push('/');
                pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
                if let Some(found) = find(r, at, pointer, depth + 1)? {
                    return Ok(Some(found));
                }
                pointer.truncate(len);
            }
        }
        b'[' if depth < DEPTH_MAX => {
            let mut elements = r.array()?;
            let mut index = 0;
            while r.element(&mut elements)? {
                let len = pointer.len();
                pointer.push('/');
                pointer.push_str(&index.to_string());
                if let Some(found) = find(r, at, pointer, depth + 1)? {
                    return Ok(Some(found));
                }
                pointer.truncate(len);
                index += 1;
            }
        }
        _ => r.skip_value()?,
    }
    let range = start..r.position();
    Ok((range.start <= at && at <= range.end).then_some(range))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{MeterColumns, Rules, v16, v201};

    const ZONE: Clock = Clock {
        zone_minutes: -180,
        utc_is_local: true,
        distrusted: false,
    };

    fn changes(version: Version, action: &str, payload: &str, clock: Clock) -> String {
        let notes = Notes::default();
        let rules = Rules {
            policy: Policy::Lenient,
            clock,
            notes: Some(&notes),
        };
        let mut columns = MeterColumns::new();
        let quirks = match version {
            Version::V16 => v16::Request::decode(action, payload, rules, &mut columns)
                .map(|decoded| decoded.quirks),
            Version::V201 | Version::V21 => {
                v201::Request::decode(action, payload, rules, &mut columns)
                    .map(|decoded| decoded.quirks)
            }
        };
        let changes = notes.changes(payload, clock);
        assert_eq!(quirks.unwrap().is_empty(), changes.is_empty());
        changes
            .iter()
            .map(|c| format!("{} {}: {} -> {}\n", c.pointer, c.quirk, c.found, c.taken))
            .collect()
    }

    #[test]
    fn every_kind_is_told_with_its_place() {
        let meter = r#"{"connectorId": 1.0 ,"transactionId":null,"meterValue":{"timestamp":"2026-11-22 10:00:00","sampledValue":[{"value":1.5,"unit":"","phase":"L9"}]}}"#;
        assert_eq!(
            changes(Version::V16, "MeterValues", meter, Clock::default()),
            "/connectorId number_form: 1.0 -> 1\n\
             /transactionId null_optional: null -> \n\
             /meterValue object_for_array: {\"timestamp\":\"2026-11-22 10:00:00\",\"sampledValue\":[{\"value\":1.5,\"unit\":\"\",\"phase\":\"L9\"}]} -> [{\"timestamp\":\"2026-11-22 10:00:00\",\"sampledValue\":[{\"value\":1.5,\"unit\":\"\",\"phase\":\"L9\"}]}]\n\
             /meterValue/timestamp zone_missing date_form: \"2026-11-22 10:00:00\" -> \"2026-11-22T10:00:00.000Z\"\n\
             /meterValue/sampledValue/0/value type_coerced: 1.5 -> \"1.5\"\n\
             /meterValue/sampledValue/0/unit empty_string: \"\" -> \n\
             /meterValue/sampledValue/0/phase unknown_word: \"L9\" -> \"L9\"\n"
        );
        assert_eq!(
            changes(Version::V16, "Heartbeat", "null", Clock::default()),
            " null_payload: null -> {}\n"
        );
        let status = r#"{"connectorId":1,"errorCode":"NoError","status":"Available","a~/b":[1],"timestamp":"2026-11-22T10:00:00Z"}"#;
        assert_eq!(
            changes(Version::V16, "StatusNotification", status, ZONE),
            "/a~0~1b extra_property: [1] -> \n\
             /timestamp local_time: \"2026-11-22T10:00:00Z\" -> \"2026-11-22T13:00:00.000Z\"\n"
        );
        let event = r#"{"eventType":"Started","timestamp":"2026-11-22T10:00:00Z","triggerReason":"Authorized","seqNo":0,"offline":0,"transactionInfo":{"transactionId":"a"},"meterValue":[{"timestamp":"2026-11-22T10:00:00Z","sampledValue":[{"value":"7"}]}]}"#;
        assert_eq!(
            changes(Version::V201, "TransactionEvent", event, Clock::default()),
            "/offline type_coerced: 0 -> false\n\
             /meterValue/0/sampledValue/0/value type_coerced: \"7\" -> 7\n"
        );
    }

    #[test]
    fn what_follows_the_schema_is_not_told() {
        let status = r#"{"connectorId":1,"errorCode":"NoError","status":"Available"}"#;
        let told = changes(Version::V16, "StatusNotification", status, Clock::default());
        assert_eq!(told, "");
    }

    #[test]
    fn a_flood_is_told_in_part() {
        let values = vec![r#"{"value":1}"#; 1_000].join(",");
        let payload = format!(
            r#"{{"connectorId":1,"meterValue":[{{"timestamp":"2026-11-22T10:00:00Z","sampledValue":[{values}]}}]}}"#
        );
        let told = changes(Version::V16, "MeterValues", &payload, Clock::default());
        assert_eq!(told.lines().count(), Notes::LEN_MAX);
    }
}
