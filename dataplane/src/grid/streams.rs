//! Periodic event streams: which of a station's monitors tell their values without an answer.

use fleet::UtcMicros;
use fleet::record::{EventStreamHeld, EventStreamsChanged};
use serde_json::{Map, Value};

use crate::config::EventStreams;

/// Why a stream is not opened (N11.FR.05), in a standardized reason code and in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) reason: &'static str,
    pub(crate) detail: String,
}

/// A stream that a station opens. It stands instead of the one that has its number, or its monitor.
pub(crate) fn open(
    held: &mut EventStreamsChanged,
    stream: EventStreamHeld,
    limits: &EventStreams,
) -> Result<(), Refused> {
    let refused = |reason, detail| Err(Refused { reason, detail });
    let interval = stream.interval_s.unwrap_or(0);
    let values = stream.values.unwrap_or(0);
    if interval == 0 && values == 0 {
        let detail = "neither interval nor values say when it is sent".to_owned();
        return refused("MissingParam", detail);
    }
    let interval_min = i64::from(limits.interval_min_s);
    if interval != 0 && interval < interval_min {
        let detail = format!("an interval of {interval} s, at least {interval_min} s are allowed");
        return refused("ValueOutOfRange", detail);
    }
    if i64::from(limits.values_max) < values {
        let detail = format!(
            "{values} values a message, at most {} are allowed",
            limits.values_max
        );
        return refused("ValueOutOfRange", detail);
    }
    let is_replaced =
        |old: &EventStreamHeld| old.id == stream.id || old.monitor_id == stream.monitor_id;
    let others = held.streams.iter().filter(|old| !is_replaced(old)).count();
    if limits.per_station_max <= others {
        let detail = format!(
            "{others} streams are open, at most {} are allowed",
            limits.per_station_max
        );
        return refused("TooManyElements", detail);
    }
    let same = held
        .streams
        .iter()
        .find(|old| old.id == stream.id && old.monitor_id == stream.monitor_id);
    let opened_at = same.map_or(stream.opened_at, |old| old.opened_at);
    held.streams.retain(|old| !is_replaced(old));
    let place = held.streams.partition_point(|old| old.id < stream.id);
    held.streams.insert(
        place,
        EventStreamHeld {
            opened_at,
            ..stream
        },
    );
    Ok(())
}

/// A stream is closed (N13).
pub(crate) fn close(held: &mut EventStreamsChanged, id: i64) {
    held.streams.retain(|stream| stream.id != id);
}

/// The station accepted an AdjustPeriodicEventStream (N14); what it does not name stays.
pub(crate) fn adjust(held: &mut EventStreamsChanged, asked: &Value, at: UtcMicros) {
    let params = &asked["params"];
    let found = held
        .streams
        .iter_mut()
        .find(|stream| Some(stream.id) == asked["id"].as_i64());
    if let Some(stream) = found {
        stream.interval_s = params["interval"].as_i64().or(stream.interval_s);
        stream.values = params["values"].as_i64().or(stream.values);
        stream.changed_at = at.0;
    }
}

/// The station named its streams (N12): those and no others are open. More than it may have are left out.
pub(crate) fn listed(
    held: &mut EventStreamsChanged,
    answered: &Value,
    limits: &EventStreams,
    at: UtcMicros,
) {
    let told = answered["constantStreamData"].as_array().map(Vec::as_slice);
    let told = told
        .unwrap_or_default()
        .iter()
        .filter_map(|told| read(told, at));
    let mut streams: Vec<_> = told.take(limits.per_station_max).collect();
    for stream in &mut streams {
        let same =
            |old: &&EventStreamHeld| old.id == stream.id && old.monitor_id == stream.monitor_id;
        if let Some(old) = held.streams.iter().find(same) {
            stream.opened_at = old.opened_at;
            if (old.interval_s, old.values) == (stream.interval_s, stream.values) {
                stream.changed_at = old.changed_at;
            }
        }
    }
    streams.sort_by_key(|stream| stream.id);
    streams.dedup_by_key(|stream| stream.id);
    held.streams = streams;
}

/// `ConstantStreamDataType`.
fn read(told: &Value, at: UtcMicros) -> Option<EventStreamHeld> {
    Some(EventStreamHeld {
        id: told["id"].as_i64()?,
        monitor_id: told["variableMonitoringId"].as_i64()?,
        interval_s: told["params"]["interval"].as_i64(),
        values: told["params"]["values"].as_i64(),
        opened_at: at.0,
        changed_at: at.0,
    })
}

/// A message of a stream with what its values are values of, in the words of NotifyEvent (N15.FR.03).
pub(crate) fn explained(message: &str, stream: &EventStreamHeld, monitor: &Value) -> String {
    const MEMBERS: [&str; 4] = ["component", "variable", "severity", "eventNotificationType"];
    let mut explained: Map<String, Value> = serde_json::from_str(message).unwrap_or_default();
    for name in MEMBERS {
        if let Some(value) = monitor.get(name) {
            explained.insert(name.to_owned(), value.clone());
        }
    }
    explained.insert("variableMonitoringId".to_owned(), stream.monitor_id.into());
    explained.insert("trigger".to_owned(), "Periodic".into());
    Value::Object(explained).to_string()
}

/// The newest value of a message whose times count from `base`, and when it was seen by the station's clock.
pub(crate) fn newest(message: &Value, base: Option<i64>) -> Option<(&str, Option<i64>)> {
    let values = message["data"].as_array()?.iter();
    let timed = values.filter_map(|data| Some((data["v"].as_str()?, super::micros(&data["t"])?)));
    // Of two that were seen at one time, the later was written later.
    let (value, offset) = timed.max_by_key(|(_, offset)| *offset)?;
    Some((value, base.map(|base| base.saturating_add(offset))))
}

#[cfg(test)]
mod tests;
