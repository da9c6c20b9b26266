//! The bytes of a variable in the state store.
//!
//! # Layout
//!
//! Numbers in keys are big-endian, elsewhere little-endian; names in keys are in ASCII lower case, as OCPP compares
//! them.
//!
//! | key | what |
//! | --- | --- |
//! | station, 0, 0 | the inventory: what is older is no longer there |
//! | station, 0, component, 0, its instance, 0, EVSE (4), connector (4), variable, 0, its instance, 0, 0 | a description |
//! | the same, ending with 1 to 4 | a value: Actual, Target, MinSet, MaxSet |
//!
//! A value begins with its version (1 byte, 1), log id (8), seq (8), as of (8, UTC microseconds) and source (1: report,
//! get, set, event). An inventory ends there. A name follows as the station writes it: component, its instance,
//! variable, its instance, each behind its length (2). Then
//!
//! - of a description: per attribute one byte (bit 0 present, bits 1 and 2 mutability from 1, bit 3 persistent, bit 4
//!   constant), one byte for the characteristics (bit 0 present, bit 1 supports monitoring), and unit, data type, limits
//!   and list of values, each behind its length (4);
//! - of a value: one byte (bit 0 known, bit 1 secret), and the text behind its length (4).

use fleet::{EventId, LogId, Seq, StationKey, UtcMicros};

use super::{AttributeKind, Characteristics, Mutability, Named, VariableSource};

const VERSION: u8 = 1;
/// Names of one variable together: OCPP allows 50 characters each.
const NAMES_LEN_MAX: usize = 400;

/// A row on its way into the store: its key and value.
pub(crate) type VariableRow = (Vec<u8>, Vec<u8>);

/// Which variable.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(crate) struct Name {
    pub(crate) component: Named,
    /// 0 for none.
    pub(crate) evse_id: u32,
    pub(crate) connector_id: u32,
    pub(crate) variable: Named,
}

/// Where a row comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    pub(crate) position: EventId,
    pub(crate) as_of: UtcMicros,
    pub(crate) source: VariableSource,
}

impl Origin {
    /// True when this row reflects less than `other` does. Positions of one log tell; between logs, which change with
    /// the number of shards, the clock does.
    pub(crate) fn is_before(&self, other: &Self) -> bool {
        if self.position.log_id == other.position.log_id {
            self.position.seq < other.position.seq
        } else {
            self.as_of < other.as_of
        }
    }
}

/// What a report says of one attribute beside its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AttributeRow {
    pub(crate) mutability: Option<Mutability>,
    pub(crate) persistent: bool,
    pub(crate) constant: bool,
}

/// The rest of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    Description {
        attributes: [Option<AttributeRow>; 4],
        characteristics: Option<Characteristics>,
    },
    Value {
        kind: AttributeKind,
        value: Option<String>,
        is_secret: bool,
    },
}

/// What all keys of a station begin with.
pub(crate) fn station_prefix(station: &StationKey) -> Vec<u8> {
    let mut key = station.as_str().as_bytes().to_vec();
    key.push(0);
    key
}

/// The key of a station's inventory.
pub(crate) fn inventory_key(station: &StationKey) -> Vec<u8> {
    let mut key = station_prefix(station);
    key.push(0);
    key
}

/// A station's inventory began here.
pub(crate) fn inventory_row(station: &StationKey, origin: Origin) -> VariableRow {
    let mut value = Vec::with_capacity(HEAD_LEN);
    put_origin(&mut value, origin);
    (inventory_key(station), value)
}

impl Name {
    /// The key of the variable, as far as all of its rows share it; `None` for a name that no key can hold.
    pub(crate) fn key(&self, station: &StationKey) -> Option<Vec<u8>> {
        let names = self.texts();
        let len: usize = names.iter().map(|name| name.len()).sum();
        let fits = len <= NAMES_LEN_MAX && names.iter().all(|name| !name.contains('\0'));
        if !fits || names[0].is_empty() || names[2].is_empty() {
            return None;
        }
        let mut key = station_prefix(station);
        key.reserve(len + 13);
        let text = |key: &mut Vec<u8>, name: &str| {
            key.extend(name.bytes().map(|byte| byte.to_ascii_lowercase()));
            key.push(0);
        };
        text(&mut key, names[0]);
        text(&mut key, names[1]);
        key.extend_from_slice(&self.evse_id.to_be_bytes());
        key.extend_from_slice(&self.connector_id.to_be_bytes());
        text(&mut key, names[2]);
        text(&mut key, names[3]);
        Some(key)
    }

    /// The key of the row with one of its values.
    pub(crate) fn value_key(&self, station: &StationKey, kind: AttributeKind) -> Option<Vec<u8>> {
        let mut key = self.key(station)?;
        key.push(kind as u8 + 1);
        Some(key)
    }

    fn texts(&self) -> [&str; 4] {
        [
            &self.component.name,
            &self.component.instance,
            &self.variable.name,
            &self.variable.instance,
        ]
    }
}

/// One row of a variable; `None` for a name that no key can hold.
pub(crate) fn row(
    station: &StationKey,
    name: &Name,
    origin: Origin,
    content: &Content,
) -> Option<VariableRow> {
    let mut key = name.key(station)?;
    let mut value = Vec::with_capacity(HEAD_LEN + 64);
    put_origin(&mut value, origin);
    for text in name.texts() {
        // The key holds them, so they are short.
        value.extend_from_slice(&(text.len() as u16).to_le_bytes());
        value.extend_from_slice(text.as_bytes());
    }
    match content {
        Content::Description {
            attributes,
            characteristics,
        } => {
            key.push(0);
            value.extend(attributes.map(|attribute| attribute.map_or(0, AttributeRow::to_byte)));
            value.push(characteristics.as_ref().map_or(0, |characteristics| {
                1 | u8::from(characteristics.supports_monitoring) << 1
            }));
            if let Some(c) = characteristics {
                let texts = [
                    &c.unit,
                    &c.data_type,
                    &c.min_limit,
                    &c.max_limit,
                    &c.values_list,
                ];
                texts
                    .into_iter()
                    .for_each(|text| put_text(&mut value, text));
            }
        }
        Content::Value {
            kind,
            value: text,
            is_secret,
        } => {
            key.push(*kind as u8 + 1);
            value.push(u8::from(text.is_some()) | u8::from(*is_secret) << 1);
            put_text(&mut value, text.as_deref().unwrap_or_default());
        }
    }
    Some((key, value))
}

/// Version, log id, seq, as of, source.
const HEAD_LEN: usize = 26;

fn put_origin(out: &mut Vec<u8>, origin: Origin) {
    out.push(VERSION);
    out.extend_from_slice(&origin.position.log_id.0.to_le_bytes());
    out.extend_from_slice(&origin.position.seq.0.to_le_bytes());
    out.extend_from_slice(&origin.as_of.0.to_le_bytes());
    out.push(origin.source as u8 + 1);
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    // A message is at most a megabyte.
    out.extend_from_slice(&(text.len() as u32).to_le_bytes());
    out.extend_from_slice(text.as_bytes());
}

impl AttributeRow {
    fn to_byte(self) -> u8 {
        let mutability = self.mutability.map_or(0, |mutability| mutability as u8 + 1);
        1 | mutability << 1 | u8::from(self.persistent) << 3 | u8::from(self.constant) << 4
    }

    fn from_byte(byte: u8) -> Option<Self> {
        (byte & 1 != 0).then(|| Self {
            mutability: code(&Mutability::ALL, byte >> 1 & 3),
            persistent: byte & 8 != 0,
            constant: byte & 16 != 0,
        })
    }
}

/// What a code from 1 on stands for; 0 is nothing.
fn code<T: Copy>(all: &[T], code: u8) -> Option<T> {
    all.get(usize::from(code).checked_sub(1)?).copied()
}

/// Where a row comes from; `None` for bytes that no version wrote.
pub(crate) fn read_origin(value: &[u8]) -> Option<Origin> {
    Reader(value).origin()
}

/// Reads a row of a variable; `None` for bytes that no version wrote.
pub(crate) fn read_row(key: &[u8], value: &[u8]) -> Option<(Name, Origin, Content)> {
    let kind = *key.last()?;
    let mut reader = Reader(value);
    let origin = reader.origin()?;
    let mut name = Name::default();
    for text in [
        &mut name.component.name,
        &mut name.component.instance,
        &mut name.variable.name,
        &mut name.variable.instance,
    ] {
        let len = u16::from_le_bytes(reader.take()?);
        *text = reader.text(usize::from(len))?;
    }
    // The numbers lie between the names, whose lengths the value tells.
    let behind = name.variable.name.len() + name.variable.instance.len() + 3;
    let numbers = key.get(..key.len().checked_sub(behind)?)?;
    let (numbers, connector_id) = numbers.split_last_chunk::<4>()?;
    let (_, evse_id) = numbers.split_last_chunk::<4>()?;
    name.evse_id = u32::from_be_bytes(*evse_id);
    name.connector_id = u32::from_be_bytes(*connector_id);
    let content = if kind == 0 {
        let attributes = reader.take::<4>()?.map(AttributeRow::from_byte);
        let [flags] = reader.take()?;
        let characteristics = if flags & 1 == 0 {
            None
        } else {
            Some(Characteristics {
                unit: reader.long_text()?,
                data_type: reader.long_text()?,
                min_limit: reader.long_text()?,
                max_limit: reader.long_text()?,
                values_list: reader.long_text()?,
                supports_monitoring: flags & 2 != 0,
            })
        };
        Content::Description {
            attributes,
            characteristics,
        }
    } else {
        let [flags] = reader.take()?;
        let text = reader.long_text()?;
        Content::Value {
            kind: code(&AttributeKind::ALL, kind)?,
            value: (flags & 1 != 0).then_some(text),
            is_secret: flags & 2 != 0,
        }
    };
    Some((name, origin, content))
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*taken)
    }

    fn text(&mut self, len: usize) -> Option<String> {
        let (text, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        String::from_utf8(text.to_vec()).ok()
    }

    fn long_text(&mut self) -> Option<String> {
        let len = u32::from_le_bytes(self.take()?);
        self.text(len as usize)
    }

    fn origin(&mut self) -> Option<Origin> {
        let [version] = self.take()?;
        if version != VERSION {
            return None;
        }
        let log_id = LogId(i64::from_le_bytes(self.take()?));
        let seq = Seq(u64::from_le_bytes(self.take()?));
        let as_of = UtcMicros(i64::from_le_bytes(self.take()?));
        let [source] = self.take()?;
        Some(Origin {
            position: EventId { log_id, seq },
            as_of,
            source: code(&VariableSource::ALL, source)?,
        })
    }
}
