//! A page of a station's items, put together from their rows.

use std::collections::BTreeMap;

use fleet::{StationKey, UtcMicros};
use storage::state::{StateError, StateStore, Table};

use super::over::is_over;
use super::row::{Told, id_of, inventory_key, is_there, item_key, prefix, read, taken_key};
use super::{ItemKind, ItemView};
use crate::router::view::Page;
use crate::variables::read::Recent;

/// Rows that one list looks at before it answers with what it has.
const SCAN_MAX: usize = 16_384;

/// A page of the items that `station` has at `now`, behind the number `after`. What `recent` holds is as new as what the store has, or
/// newer.
pub(crate) fn list(
    store: &StateStore,
    recent: &Recent,
    kind: ItemKind,
    station: &StationKey,
    after: Option<i64>,
    limit: usize,
    now: UtcMicros,
) -> Result<Page<ItemView, i64>, StateError> {
    let keys = [inventory_key(kind, station), taken_key(kind, station)];
    let mut stored = [None, None];
    for (stored, key) in stored.iter_mut().zip(&keys) {
        *stored = store.get(Table::Variables, key)?;
    }
    let marks = [0, 1].map(|mark| {
        let made = recent.get(&keys[mark]).map(Vec::as_slice);
        newest([stored[mark].as_deref(), made])
    });

    let mut prefix = prefix(kind, station);
    prefix.push(1);
    let from = match after.map(|after| after.checked_add(1)) {
        None => prefix.clone(),
        Some(Some(next)) => item_key(kind, station, next),
        // Nothing is behind the greatest number.
        Some(None) => {
            return Ok(Page {
                items: Vec::new(),
                next: None,
            });
        }
    };
    let mut rows = BTreeMap::new();
    for row in store.scan(Table::Variables, &prefix, &from).take(SCAN_MAX) {
        let (key, value) = row?;
        rows.insert(key, value);
    }
    let is_cut = rows.len() == SCAN_MAX;
    let last = rows.keys().next_back().cloned();
    let made = recent.range(from..);
    rows.extend(
        made.take_while(|(key, _)| key.starts_with(&prefix))
            // Behind what was looked at, the store has more.
            .filter(|(key, _)| !is_cut || Some(*key) <= last.as_ref())
            .map(|(key, value)| (key.clone(), value.clone())),
    );
    let mut page = Page {
        items: Vec::new(),
        next: is_cut.then(|| last.as_deref().and_then(id_of)).flatten(),
    };
    for (key, value) in &rows {
        let Some((told, json)) = read(value) else {
            continue;
        };
        if !is_there(kind, &told, json, marks[0], marks[1]) {
            continue;
        }
        let is_over = match kind {
            ItemKind::DisplayMessage => is_over(store, station, &told, json, now)?,
            ItemKind::Monitor | ItemKind::Issue => false,
        };
        if let Some(id) = id_of(key).filter(|_| !is_over) {
            if page.items.len() == limit {
                page.next = page.items.last().map(|item: &ItemView| item.id);
                break;
            }
            page.items.push(ItemView {
                id,
                json: json.to_owned(),
                as_of: told.as_of,
                position: told.position,
            });
        }
    }
    Ok(page)
}

fn newest(rows: [Option<&[u8]>; 2]) -> Option<(Told, &str)> {
    let told = rows.into_iter().flatten().filter_map(read);
    told.reduce(|a, b| if a.0.is_before(&b.0) { b } else { a })
}
