//! The bytes of a list in the state store: two bytes of version, little-endian, 1, then the rkyv archive of a row.

use fleet::UtcMicros;
use rkyv::rancor::Error as RkyvError;
use rkyv::{Archive, Deserialize, Serialize};

use super::{Entry, LocalList};
use crate::shard::{token_type_code, token_type_of};

const VERSION: u16 = 1;

#[derive(Archive, Serialize, Deserialize)]
struct ListRow {
    version: i64,
    accepted_at: i64,
    entries: Vec<EntryRow>,
}

#[derive(Archive, Serialize, Deserialize)]
struct EntryRow {
    id: String,
    kind: u8,
    content: [u8; 16],
}

pub(crate) fn write_local_list(list: &LocalList) -> Vec<u8> {
    let entries = list.entries.values().map(|entry| EntryRow {
        id: entry.id.clone(),
        kind: token_type_code(entry.kind),
        content: entry.content,
    });
    let row = ListRow {
        version: list.version,
        accepted_at: list.accepted_at.0,
        entries: entries.collect(),
    };
    let mut bytes = VERSION.to_le_bytes().to_vec();
    rkyv::api::high::to_bytes_in::<_, RkyvError>(&row, &mut bytes)
        .expect("a Vec takes every byte, and no type of ours shares pointers");
    bytes
}

/// `None` for bytes that no version wrote.
pub(crate) fn read_local_list(bytes: &[u8]) -> Option<LocalList> {
    let (version, body) = bytes.split_first_chunk::<2>()?;
    if u16::from_le_bytes(*version) != VERSION {
        return None;
    }
    let row = rkyv::from_bytes::<ListRow, RkyvError>(body).ok()?;
    let entries = row.entries.into_iter().map(|entry| {
        let read = Entry {
            kind: token_type_of(entry.kind)?,
            content: entry.content,
            id: entry.id,
        };
        Some((read.id.to_lowercase(), read))
    });
    Some(LocalList {
        version: row.version,
        accepted_at: UtcMicros(row.accepted_at),
        entries: entries.collect::<Option<_>>()?,
    })
}
