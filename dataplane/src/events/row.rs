//! The bytes of an event in the state store, in the table of variables.
//!
//! # Layout
//!
//! | key | what |
//! | --- | --- |
//! | 4 (1 byte), station, 0, 0 | the station was deleted: what is older is no longer there |
//! | the same, 1 instead of the last 0, when its message came (8, UTC microseconds), its number in the log (8), its place in the message (2), all big-endian and inverted | an event |
//!
//! So the newest come first. No key of a variable, monitor or message begins so. A value begins as theirs: see
//! [`crate::items::row`]. That of an event is followed by the element of `eventData`, in 1.6 by what was said of the error,
//! both JSON objects.

use fleet::StationKey;

use super::EventKey;
use crate::items::row::{Told, value};
use crate::variables::row::{VariableRow, station_prefix};

/// What all keys begin with, the station's own behind it.
pub(super) const KIND: u8 = 4;
/// Bytes of a key behind the station.
const KEY_LEN: usize = 18;

/// What all keys of a station's events begin with.
pub(crate) fn prefix(station: &StationKey) -> Vec<u8> {
    let mut key = vec![KIND];
    key.extend(station_prefix(station));
    key
}

pub(super) fn deleted_key(station: &StationKey) -> Vec<u8> {
    let mut key = prefix(station);
    key.push(0);
    key
}

/// What was there before is no more.
pub(super) fn deleted_row(station: &StationKey, told: Told) -> VariableRow {
    (deleted_key(station), value(told, ""))
}

/// What the keys of a station's events begin with, behind the row that says it was deleted.
pub(super) fn events_prefix(station: &StationKey) -> Vec<u8> {
    let mut key = prefix(station);
    key.push(1);
    key
}

pub(super) fn event_key(station: &StationKey, key: EventKey) -> Vec<u8> {
    let mut bytes = events_prefix(station);
    bytes.extend((!key.received_at.cast_unsigned()).to_be_bytes());
    bytes.extend((!key.seq).to_be_bytes());
    bytes.extend((!key.place).to_be_bytes());
    bytes
}

pub(super) fn event_row(
    station: &StationKey,
    key: EventKey,
    told: Told,
    json: &str,
) -> VariableRow {
    (event_key(station, key), value(told, json))
}

/// The end of an event's key.
pub(super) fn read_key(key: &[u8]) -> Option<EventKey> {
    let (rest, key) = key.split_last_chunk::<KEY_LEN>()?;
    let (received_at, key) = key.split_first_chunk::<8>()?;
    let (seq, place) = key.split_first_chunk::<8>()?;
    // The row that says a station was deleted ends otherwise.
    (rest.last() == Some(&1)).then_some(EventKey {
        received_at: (!u64::from_be_bytes(*received_at)).cast_signed(),
        seq: !u64::from_be_bytes(*seq),
        place: !u16::from_be_bytes(place.try_into().ok()?),
    })
}
