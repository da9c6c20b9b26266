//! A page of a station's items, put together from their rows.

use std::collections::BTreeMap;

use fleet::StationKey;
use storage::state::{StateError, StateStore, Table};

use super::row::{
    Told, front_key, id_of, inventory_key, is_always_in_front, is_there, item_key, prefix, read,
};
use super::{ItemKind, ItemView};
use crate::router::view::Page;
use crate::variables::read::Recent;

/// Rows that one list looks at before it answers with what it has.
const SCAN_MAX: usize = 16_384;

/// A page of the items of `station` behind the number `after`. What `recent` holds is as new as what the store has, or
/// newer.
pub(crate) fn list(
    store: &StateStore,
    recent: &Recent,
    kind: ItemKind,
    station: &StationKey,
    after: Option<i64>,
    limit: usize,
) -> Result<Page<ItemView, i64>, StateError> {
    let key = inventory_key(kind, station);
    let stored = store.get(Table::Variables, &key)?;
    let inventory = newest([stored.as_deref(), recent.get(&key).map(Vec::as_slice)]);
    let key = front_key(station);
    let stored = match kind {
        ItemKind::DisplayMessage => store.get(Table::Variables, &key)?,
        ItemKind::Monitor | ItemKind::Issue => None,
    };
    let made = recent.get(&key).map(Vec::as_slice);
    let front = newest([stored.as_deref(), made]).filter(|_| kind == ItemKind::DisplayMessage);

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
        if let Some(item) = item(key, value, inventory, front) {
            if page.items.len() == limit {
                page.next = page.items.last().map(|item: &ItemView| item.id);
                break;
            }
            page.items.push(item);
        }
    }
    Ok(page)
}

fn newest(rows: [Option<&[u8]>; 2]) -> Option<(Told, &str)> {
    let told = rows.into_iter().flatten().filter_map(read);
    told.reduce(|a, b| if a.0.is_before(&b.0) { b } else { a })
}

/// What a row says, if it is there still: a message that is always in front, until another one was put there.
fn item(
    key: &[u8],
    value: &[u8],
    inventory: Option<(Told, &str)>,
    front: Option<(Told, &str)>,
) -> Option<ItemView> {
    let (told, json) = read(value)?;
    let is_replaced = front.is_some_and(|(set, _)| {
        told.is_before(&set) && serde_json::from_str(json).is_ok_and(|m| is_always_in_front(&m))
    });
    if is_replaced || !is_there(&told, json, inventory) {
        return None;
    }
    Some(ItemView {
        id: id_of(key)?,
        json: json.to_owned(),
        as_of: told.as_of,
        position: told.position,
    })
}
