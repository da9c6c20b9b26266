//! A page of a station's variables, put together from their rows.

use std::collections::BTreeMap;
use std::iter::Peekable;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fleet::StationKey;
use storage::state::{StateError, StateStore, Table};

use super::row::{
    AttributeRow, Content, Name, Origin, inventory_key, read_origin, read_row, station_prefix,
};
use super::{AttributeView, Characteristics, VariableFilter, VariableView};
use crate::router::view::Page;

/// Rows that one list looks at before it answers with what it has: some ten milliseconds.
const SCAN_MAX: usize = 16_384;

/// Rows that the store may not have yet, by key.
pub(crate) type Recent = BTreeMap<Vec<u8>, Vec<u8>>;

/// A page of the variables of `station` behind `after`, which is a `next` of the page before. What `recent` holds is
/// as new as what the store has, or newer.
pub(crate) fn list(
    store: &StateStore,
    recent: &Recent,
    station: &StationKey,
    filter: &VariableFilter,
    after: Option<&str>,
    limit: usize,
) -> Result<Page<VariableView, String>, StateError> {
    let mut page = Page {
        items: Vec::new(),
        next: None,
    };
    let Some(from) = begin(station, after) else {
        return Ok(page);
    };
    let inventory_key = inventory_key(station);
    let stored = store.get(Table::Variables, &inventory_key)?;
    let origins = [
        stored.as_deref(),
        recent.get(&inventory_key).map(Vec::as_slice),
    ];
    let origins = origins.into_iter().flatten().filter_map(read_origin);
    let inventory = origins.reduce(|a, b| if a.is_before(&b) { b } else { a });

    let mut prefix = station_prefix(station);
    if let Some(component) = &filter.component {
        prefix.extend(component.bytes().map(|byte| byte.to_ascii_lowercase()));
        prefix.push(0);
    }
    let stored = store.scan(Table::Variables, &prefix, &from).peekable();
    let from = prefix.clone().max(from);
    let made = recent
        .range(from..)
        .take_while(|(key, _)| key.starts_with(&prefix))
        .peekable();
    let mut rows = Merged { stored, made }.take(SCAN_MAX).peekable();
    let mut scanned = 0;
    let mut last = None;
    while let Some(group) = next_group(&mut rows, &mut scanned)? {
        if page.items.len() == limit || (scanned == SCAN_MAX && rows.peek().is_none()) {
            // The last group may be cut off; it is the first of the next page.
            page.next = last.map(|key: Vec<u8>| cursor(station, &key));
            break;
        }
        page.items
            .extend(variable(&group, inventory.as_ref()).filter(|found| {
                let wanted = filter.variable.as_deref();
                wanted.is_none_or(|wanted| wanted.eq_ignore_ascii_case(&found.variable.name))
            }));
        last = Some(group.key);
    }
    Ok(page)
}

/// Where a page begins; `None` for a cursor that no page returned.
fn begin(station: &StationKey, after: Option<&str>) -> Option<Vec<u8>> {
    let mut from = station_prefix(station);
    if let Some(after) = after {
        from.extend(URL_SAFE_NO_PAD.decode(after).ok()?);
        // Behind every row of that variable.
        from.push(u8::MAX);
    } else {
        // Behind the inventory.
        from.push(1);
    }
    Some(from)
}

fn cursor(station: &StationKey, key: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(&key[station.as_str().len() + 1..])
}

/// The rows of one variable.
struct Group {
    /// What their keys have in common.
    key: Vec<u8>,
    rows: Vec<(Name, Origin, Content)>,
}

pub(crate) type StoredRow = Result<(Vec<u8>, Vec<u8>), StateError>;

fn next_group<I: Iterator<Item = StoredRow>>(
    rows: &mut Peekable<I>,
    scanned: &mut usize,
) -> Result<Option<Group>, StateError> {
    let mut group: Option<Group> = None;
    loop {
        let same = match (rows.peek(), &group) {
            (Some(Ok((key, _))), Some(group)) => key[..key.len() - 1] == group.key,
            (Some(_), None) => true,
            (Some(Err(_)) | None, _) => false,
        };
        if !same {
            return Ok(group);
        }
        let Some(row) = rows.next() else {
            return Ok(group);
        };
        let (mut key, value) = row?;
        *scanned += 1;
        let read = read_row(&key, &value);
        key.pop();
        let group = group.get_or_insert(Group {
            key,
            rows: Vec::new(),
        });
        group.rows.extend(read);
    }
}

/// Rows of the store and rows that are on their way there, by key; of two under one key, the newer.
pub(crate) struct Merged<S: Iterator, M: Iterator> {
    pub(crate) stored: Peekable<S>,
    pub(crate) made: Peekable<M>,
}

impl<'a, S, M> Iterator for Merged<S, M>
where
    S: Iterator<Item = StoredRow>,
    M: Iterator<Item = (&'a Vec<u8>, &'a Vec<u8>)>,
{
    type Item = StoredRow;

    fn next(&mut self) -> Option<StoredRow> {
        let order = match (self.stored.peek(), self.made.peek()) {
            (Some(Ok((stored, _))), Some((made, _))) => stored.cmp(made),
            (None, Some(_)) => std::cmp::Ordering::Greater,
            (Some(Err(_)), _) | (_, None) => std::cmp::Ordering::Less,
        };
        match order {
            std::cmp::Ordering::Less => self.stored.next(),
            std::cmp::Ordering::Greater => {
                let (key, value) = self.made.next()?;
                Some(Ok((key.clone(), value.clone())))
            }
            std::cmp::Ordering::Equal => {
                let stored = self.stored.next()?;
                let (key, value) = self.made.next()?;
                let is_newer = |(_, stored): &(Vec<u8>, Vec<u8>)| {
                    let (stored, made) = (read_origin(stored), read_origin(value));
                    stored
                        .zip(made)
                        .is_some_and(|(stored, made)| made.is_before(&stored))
                };
                Some(stored.map(|stored| match is_newer(&stored) {
                    true => stored,
                    false => (key.clone(), value.clone()),
                }))
            }
        }
    }
}

/// A variable out of its rows; `None` when the newest inventory does not have it.
fn variable(group: &Group, inventory: Option<&Origin>) -> Option<VariableView> {
    let is_there = |origin: &Origin| inventory.is_none_or(|began| !origin.is_before(began));
    let mut described: Option<([Option<AttributeRow>; 4], Option<Characteristics>)> = None;
    let mut view: Option<VariableView> = None;
    for (name, origin, content) in group.rows.iter().filter(|(_, origin, _)| is_there(origin)) {
        let view = view.get_or_insert_with(|| VariableView {
            component: name.component.clone(),
            evse_id: (name.evse_id != 0).then_some(name.evse_id),
            connector_id: (name.connector_id != 0).then_some(name.connector_id),
            variable: name.variable.clone(),
            attributes: Vec::new(),
            characteristics: None,
        });
        match content {
            Content::Description {
                attributes,
                characteristics,
            } => described = Some((*attributes, characteristics.clone())),
            Content::Value {
                kind,
                value,
                is_secret,
            } => view.attributes.push(AttributeView {
                kind: *kind,
                value: value.clone(),
                is_secret: *is_secret,
                mutability: None,
                persistent: false,
                constant: false,
                source: origin.source,
                as_of: origin.as_of,
                position: origin.position,
            }),
        }
    }
    // A description of nothing is none.
    let mut view = view.filter(|view| !view.attributes.is_empty())?;
    if let Some((attributes, characteristics)) = described {
        view.characteristics = characteristics;
        for attribute in &mut view.attributes {
            if let Some(row) = attributes[attribute.kind as usize] {
                attribute.mutability = row.mutability;
                attribute.persistent = row.persistent;
                attribute.constant = row.constant;
            }
        }
    }
    debug_assert!(
        view.attributes
            .is_sorted_by_key(|attribute: &AttributeView| attribute.kind)
    );
    Some(view)
}
