//! Rows of variables that no list shows any more: what a station told before its newest inventory, and did not name in it.

use storage::state::{StateError, StateStore, Table};

use super::row::{Origin, read_origin};

/// Rows looked at in one round, some hundred milliseconds. Where there are more, the next round goes on.
const SCAN_MAX: usize = 65_536;
/// Rows removed while no shard's rows are written.
const REMOVED_MAX: usize = 256;

/// Removes hidden rows from `from` on, and moves that to where the next round begins: the beginning again, when there is
/// no more to look at.
pub(crate) fn clear(store: &StateStore, from: &mut Vec<u8>) -> Result<(), StateError> {
    clear_some(store, from, SCAN_MAX)
}

fn clear_some(store: &StateStore, from: &mut Vec<u8>, scan_max: usize) -> Result<(), StateError> {
    let (mut station, mut inventory) = (Vec::new(), None);
    let mut hidden: Vec<(Vec<u8>, Origin)> = Vec::new();
    let mut rows = store.scan(Table::Variables, b"", from);
    for row in rows.by_ref().take(scan_max) {
        let (key, value) = row?;
        let end = key.iter().position(|byte| *byte == 0).unwrap_or(key.len());
        if station != key[..end] {
            station = key[..end].to_vec();
            let began = store.get(Table::Variables, &[&station, &b"\0\0"[..]].concat())?;
            inventory = began.as_deref().and_then(read_origin);
        }
        if let Some(inventory) = inventory
            && is_hidden(&inventory, &value)
        {
            hidden.push((key, inventory));
        }
    }
    let next = rows.next().transpose()?;
    for rows in hidden.chunks(REMOVED_MAX) {
        // A row that was written anew in between is not hidden any more.
        store.remove_if(Table::Variables, rows, is_hidden)?;
    }
    *from = next.map(|(key, _)| key).unwrap_or_default();
    Ok(())
}

/// True for a row that tells less than the inventory of its station reflects. An inventory does not hide itself.
fn is_hidden(inventory: &Origin, row: &[u8]) -> bool {
    read_origin(row).is_some_and(|origin| origin.is_before(inventory))
}

#[cfg(test)]
mod tests {
    use fleet::{EventId, LogId, Seq, StationKey, UtcMicros};
    use storage::state::{Durability, StateBatch};

    use super::*;
    use crate::variables::row::{Content, Name, inventory_row, row};
    use crate::variables::{AttributeKind, Named, VariableSource};

    fn origin(seq: u64) -> Origin {
        Origin {
            position: EventId {
                log_id: LogId(1),
                seq: Seq(seq),
            },
            as_of: UtcMicros(0),
            source: VariableSource::Report,
        }
    }

    /// Rows are told by their station, name and number.
    fn store_with(rows: &[(&str, &str, u64)]) -> (tempfile::TempDir, StateStore) {
        let dir = tempfile::tempdir().unwrap();
        let store = StateStore::open(dir.path()).unwrap();
        put(&store, rows);
        (dir, store)
    }

    fn put(store: &StateStore, rows: &[(&str, &str, u64)]) {
        let mut batch = StateBatch::default();
        for (station, variable, seq) in rows {
            let station = StationKey::new("default", station).unwrap();
            let named = |name: &str| Named {
                name: name.to_owned(),
                instance: String::new(),
            };
            let name = Name {
                component: named("C"),
                variable: named(variable),
                ..Name::default()
            };
            let content = Content::Value {
                kind: AttributeKind::Actual,
                value: None,
                is_secret: false,
            };
            let (key, value) = if variable.is_empty() {
                inventory_row(&station, origin(*seq))
            } else {
                row(&station, &name, origin(*seq), &content).unwrap()
            };
            batch.put(Table::Variables, key, value);
        }
        store.apply(batch, None, Durability::Buffered).unwrap();
    }

    fn left(store: &StateStore) -> Vec<u64> {
        let rows = store.scan(Table::Variables, b"", b"");
        rows.map(|row| read_origin(&row.unwrap().1).unwrap().position.seq.0)
            .collect()
    }

    const ROWS: [(&str, &str, u64); 8] = [
        ("A", "", 10),
        ("A", "gone", 9),
        ("A", "named", 10),
        ("A", "set", 11),
        // No inventory, and a key that begins like another station's.
        ("A2", "old", 1),
        ("B", "", 20),
        ("B", "gone", 19),
        ("B", "gone too", 12),
    ];

    #[test]
    fn what_an_inventory_does_not_name_goes_and_nothing_else() {
        let (_dir, store) = store_with(&ROWS);
        let mut from = Vec::new();
        clear(&store, &mut from).unwrap();
        assert_eq!((left(&store), from), (vec![10, 10, 11, 1, 20], Vec::new()));
    }

    #[test]
    fn rounds_go_on_where_the_last_one_stopped() {
        let (_dir, store) = store_with(&ROWS);
        let mut from = Vec::new();
        let mut rounds = 0;
        loop {
            clear_some(&store, &mut from, 3).unwrap();
            rounds += 1;
            if from.is_empty() {
                break;
            }
        }
        assert_eq!((left(&store), rounds), (vec![10, 10, 11, 1, 20], 3));
    }

    #[test]
    fn a_row_that_is_written_anew_in_between_stays() {
        let (_dir, store) = store_with(&ROWS[..2]);
        let rows = store.scan(Table::Variables, b"", b"");
        let keys: Vec<_> = rows.map(|row| (row.unwrap().0, origin(10))).collect();
        put(&store, &[("A", "gone", 12)]);
        store.remove_if(Table::Variables, &keys, is_hidden).unwrap();
        assert_eq!(left(&store), [10, 12]);
    }
}
