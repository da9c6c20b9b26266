//! A page of a station's items, put together from their rows.

use std::collections::{BTreeMap, HashMap};

use fleet::StationKey;
use serde_json::Value;
use storage::state::{StateError, StateStore, Table};

use super::row::{Told, id_of, inventory_key, item_key, prefix, read};
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
    let inventory = inventory_key(kind, station);
    let stored = store.get(Table::Variables, &inventory)?;
    let rows = [stored.as_deref(), recent.get(&inventory).map(Vec::as_slice)];
    let told = rows.into_iter().flatten().filter_map(read);
    let inventory = told
        .map(|(told, _)| told)
        .reduce(|a, b| if a.is_before(&b) { b } else { a });

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
    let watching = match kind {
        ItemKind::Monitor => newest_watching(store, recent, station)?,
        ItemKind::DisplayMessage | ItemKind::Issue => HashMap::new(),
    };
    for (key, value) in &rows {
        if let Some(item) = item(key, value, inventory.as_ref()) {
            let newest = what_it_watches(&item.json).and_then(|what| watching.get(&what));
            let told = Told {
                position: item.position,
                as_of: item.as_of,
            };
            if newest.is_some_and(|newest| told.is_before(newest)) {
                continue;
            }
            if page.items.len() == limit {
                page.next = page.items.last().map(|item: &ItemView| item.id);
                break;
            }
            page.items.push(item);
        }
    }
    Ok(page)
}

/// By what newest record each thing is watched that a station's monitors watch. There are no two monitors of one type and
/// severity on a variable (N04.FR.10), but a station may give one another number at its next boot (N04.FR.19): what an older
/// record told under another number is the same one.
fn newest_watching(
    store: &StateStore,
    recent: &Recent,
    station: &StationKey,
) -> Result<HashMap<String, Told>, StateError> {
    let mut prefix = prefix(ItemKind::Monitor, station);
    prefix.push(1);
    let mut newest: HashMap<String, Told> = HashMap::new();
    let mut note = |value: &[u8]| {
        if let Some((told, json)) = read(value)
            && let Some(what) = what_it_watches(json)
        {
            let known = newest.entry(what).or_insert(told);
            if known.is_before(&told) {
                *known = told;
            }
        }
    };
    for row in store
        .scan(Table::Variables, &prefix, &prefix)
        .take(SCAN_MAX)
    {
        let (key, value) = row?;
        if !recent.contains_key(&key) {
            note(&value);
        }
    }
    let made = recent.range(prefix.clone()..);
    made.take_while(|(key, _)| key.starts_with(&prefix))
        .for_each(|(_, value)| note(value));
    Ok(newest)
}

/// Component, variable, type and severity of a monitor, as OCPP compares them; `None` for one that is gone, and for what is none.
fn what_it_watches(json: &str) -> Option<String> {
    let monitor: Value = serde_json::from_str(json).ok()?;
    let (component, variable) = (&monitor["component"], &monitor["variable"]);
    component["name"].as_str()?;
    let evse = &component["evse"];
    let what = [
        &component["name"],
        &component["instance"],
        &evse["id"],
        &evse["connectorId"],
        &variable["name"],
        &variable["instance"],
        &monitor["type"],
        &monitor["severity"],
    ];
    Some(serde_json::to_string(&what).ok()?.to_ascii_lowercase())
}

/// What a row says, if it is there still.
fn item(key: &[u8], value: &[u8], inventory: Option<&Told>) -> Option<ItemView> {
    let (told, json) = read(value)?;
    if json.is_empty() || inventory.is_some_and(|began| told.is_before(began)) {
        return None;
    }
    Some(ItemView {
        id: id_of(key)?,
        json: json.to_owned(),
        as_of: told.as_of,
        position: told.position,
    })
}
