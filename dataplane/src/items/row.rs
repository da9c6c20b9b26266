//! The bytes of an item in the state store, in the table of variables.
//!
//! # Layout
//!
//! | key | what |
//! | --- | --- |
//! | kind (1 byte, 1 a monitor, 2 a display message, 3 an issue), station, 0, 0 | the inventory: what is older is no longer there |
//! | the same, 1 instead of the last 0, number (8, big-endian, as if unsigned) | an item |
//! | the same, 2 instead of the last 0 | of monitors: one was told last by this record |
//! | the same, 3 instead of the last 0 | this record took some away that are older: of display messages it set one with `AlwaysFront`, which others had; of monitors it had the station go back to those that came with it |
//!
//! No key of a variable begins so: those begin with a tenant. A value begins with its version (1 byte, 1), log id (8), seq
//! (8), as of (8, UTC microseconds), little-endian, and 1 (1 byte), as a variable's that was reported: what hides or removes
//! old rows of variables knows these too. An inventory ends there, and so do an item that is gone and what says that there was
//! one; else a JSON object follows.
//! What took monitors away ends in a letter: `F` left those that came with the station, `H` those of them that are hard-wired.

use fleet::{EventId, LogId, Seq, StationKey, UtcMicros};
use serde_json::Value;

use super::ItemKind;
use crate::variables::row::{VariableRow, station_prefix};

const VERSION: u8 = 1;
const HEAD_LEN: usize = 26;
/// What took away all monitors but those that came with the station.
pub(super) const FACTORY_DEFAULT: &str = "F";
/// The same, but for those that are not hard-wired.
pub(super) const HARD_WIRED_ONLY: &str = "H";
/// The `eventNotificationType` of a monitor that an operator has made.
pub(super) const CUSTOM: &str = "CustomMonitor";
const PRECONFIGURED: &str = "PreconfiguredMonitor";

/// Where a row comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) position: EventId,
    pub(crate) as_of: UtcMicros,
}

impl Told {
    /// True when this reflects less than `other` does; see [`crate::variables::row::Origin::is_before`].
    pub(crate) fn is_before(&self, other: &Self) -> bool {
        if self.position.log_id == other.position.log_id {
            self.position.seq < other.position.seq
        } else {
            self.as_of < other.as_of
        }
    }
}

/// What the keys of a kind begin with.
pub(super) const fn kind_byte(kind: ItemKind) -> u8 {
    match kind {
        ItemKind::Monitor => 1,
        ItemKind::DisplayMessage => 2,
        ItemKind::Issue => 3,
    }
}

/// What all keys of a kind begin with, the station's own behind it.
pub(crate) fn prefix(kind: ItemKind, station: &StationKey) -> Vec<u8> {
    let mut key = vec![kind_byte(kind)];
    key.extend(station_prefix(station));
    key
}

pub(crate) fn inventory_key(kind: ItemKind, station: &StationKey) -> Vec<u8> {
    let mut key = prefix(kind, station);
    key.push(0);
    key
}

pub(crate) fn item_key(kind: ItemKind, station: &StationKey, id: i64) -> Vec<u8> {
    let mut key = prefix(kind, station);
    key.push(1);
    key.extend(id.to_be_bytes());
    key
}

/// The key under which it is kept which record told of an item last.
pub(crate) fn told_key(kind: ItemKind, station: &StationKey) -> Vec<u8> {
    let mut key = prefix(kind, station);
    key.push(2);
    key
}

/// The key under which it is kept which record took some away.
pub(crate) fn taken_key(kind: ItemKind, station: &StationKey) -> Vec<u8> {
    let mut key = prefix(kind, station);
    key.push(3);
    key
}

/// The number in a key of an item.
pub(crate) fn id_of(key: &[u8]) -> Option<i64> {
    let (_, id) = key.split_last_chunk::<8>()?;
    Some(i64::from_be_bytes(*id))
}

/// What was there before is no more, unless it is told again.
pub(crate) fn inventory_row(kind: ItemKind, station: &StationKey, told: Told) -> VariableRow {
    (inventory_key(kind, station), value(told, ""))
}

/// The monitors that an operator has made are no more, nor, by [`HARD_WIRED_ONLY`], those that are not hard-wired.
pub(crate) fn base_row(station: &StationKey, told: Told, base: &str) -> VariableRow {
    let key = taken_key(ItemKind::Monitor, station);
    (key, value(told, base))
}

/// True for an item that is there still, as far as the inventory tells and what took some away.
pub(crate) fn is_there(
    kind: ItemKind,
    told: &Told,
    json: &str,
    inventory: Option<(Told, &str)>,
    taken: Option<(Told, &str)>,
) -> bool {
    let is_old = inventory.is_some_and(|(began, _)| told.is_before(&began));
    let is_taken = taken.is_some_and(|(at, what)| told.is_before(&at) && takes(kind, what, json));
    !json.is_empty() && !is_old && !is_taken
}

/// A monitor of which its station has not said who made it stays: 2.0.1 has no word for that.
fn takes(kind: ItemKind, what: &str, json: &str) -> bool {
    let item: Value = serde_json::from_str(json).unwrap_or_default();
    match kind {
        ItemKind::DisplayMessage => is_always_in_front(&item),
        ItemKind::Monitor => {
            let made = &item["eventNotificationType"];
            made == CUSTOM || (what == HARD_WIRED_ONLY && made == PRECONFIGURED)
        }
        ItemKind::Issue => false,
    }
}

/// Some item is there by what was told.
pub(crate) fn told_row(kind: ItemKind, station: &StationKey, told: Told) -> VariableRow {
    (told_key(kind, station), value(told, ""))
}

/// A message was set that is always in front.
pub(crate) fn front_row(station: &StationKey, told: Told) -> VariableRow {
    (
        taken_key(ItemKind::DisplayMessage, station),
        value(told, ""),
    )
}

/// True for a message that is always in front.
pub(crate) fn is_always_in_front(message: &Value) -> bool {
    message["priority"] == "AlwaysFront"
}

/// An item; an empty `json` says that it is gone.
pub(crate) fn item_row(
    kind: ItemKind,
    station: &StationKey,
    id: i64,
    told: Told,
    json: &str,
) -> VariableRow {
    (item_key(kind, station, id), value(told, json))
}

pub(crate) fn value(told: Told, json: &str) -> Vec<u8> {
    let mut value = Vec::with_capacity(HEAD_LEN + json.len());
    value.push(VERSION);
    value.extend(told.position.log_id.0.to_le_bytes());
    value.extend(told.position.seq.0.to_le_bytes());
    value.extend(told.as_of.0.to_le_bytes());
    value.push(1);
    value.extend(json.as_bytes());
    value
}

/// Reads a value; `None` for one that no version wrote.
pub(crate) fn read(value: &[u8]) -> Option<(Told, &str)> {
    let (head, json) = value.split_first_chunk::<HEAD_LEN>()?;
    let (version, head) = head.split_first()?;
    let number = |at: usize| head.get(at..at + 8)?.try_into().ok();
    if *version != VERSION {
        return None;
    }
    let told = Told {
        position: EventId {
            log_id: LogId(i64::from_le_bytes(number(0)?)),
            seq: Seq(u64::from_le_bytes(number(8)?)),
        },
        as_of: UtcMicros(i64::from_le_bytes(number(16)?)),
    };
    Some((told, std::str::from_utf8(json).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_has_the_bytes_that_are_written_down() {
        let station = StationKey::new("default", "CP1").unwrap();
        let told = Told {
            position: EventId {
                log_id: LogId(2),
                seq: Seq(3),
            },
            as_of: UtcMicros(4),
        };
        let (key, value) = item_row(ItemKind::DisplayMessage, &station, 5, told, "{}");
        assert_eq!(key, b"\x02default/CP1\0\x01\0\0\0\0\0\0\0\x05");
        let head = b"\x01\x02\0\0\0\0\0\0\0\x03\0\0\0\0\0\0\0\x04\0\0\0\0\0\0\0\x01";
        assert_eq!(value, [head.as_slice(), b"{}"].concat());
        assert_eq!((id_of(&key), read(&value)), (Some(5), Some((told, "{}"))));
        let (key, value) = inventory_row(ItemKind::Monitor, &station, told);
        assert_eq!(
            (key, value),
            (b"\x01default/CP1\0\0".to_vec(), head.to_vec())
        );
        let (key, value) = told_row(ItemKind::Monitor, &station, told);
        assert_eq!(
            (key, value),
            (b"\x01default/CP1\0\x02".to_vec(), head.to_vec())
        );
        assert_eq!(read(&head[1..]), None);
        assert_eq!(read(&[2; HEAD_LEN]), None);
    }
}
