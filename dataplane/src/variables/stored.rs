//! The variables of all stations, as the state store has them: a moment behind what the shards have written.

use fleet::StationKey;
use storage::state::{StateError, StateStore, Table};

use super::read::{Recent, list};
use super::{VariableFilter, VariableView};
use crate::router::view::Page;

/// Variables of a page.
const PAGE_LEN: usize = 500;

/// Variables of a tenant's stations, or of one of them, by station, component, EVSE and variable; behind `after`, which
/// is a `next` of the page before. A page may hold fewer although there are more. Takes some ten milliseconds.
///
/// # Errors
///
/// When the store cannot be read.
pub fn stored_variables(
    store: &StateStore,
    tenant: &str,
    identity: Option<&str>,
    after: Option<&str>,
) -> Result<Page<(StationKey, VariableView), String>, StateError> {
    let filter = VariableFilter::default();
    station_by_station(
        store,
        &[],
        tenant,
        identity,
        after,
        |station, inner, left| list(store, &Recent::new(), station, &filter, inner, left),
    )
}

/// A page of what the stations of a tenant, or one of them, have in the table of variables under keys that begin with `head`;
/// `list` finds some of what one has, behind a cursor of its own.
pub(crate) fn station_by_station<T>(
    store: &StateStore,
    head: &[u8],
    tenant: &str,
    identity: Option<&str>,
    after: Option<&str>,
    list: impl Fn(&StationKey, Option<&str>, usize) -> Result<Page<T, String>, StateError>,
) -> Result<Page<(StationKey, T), String>, StateError> {
    let mut page = Page {
        items: Vec::new(),
        next: None,
    };
    let tenant_prefix = [head, tenant.as_bytes(), b"/"].concat();
    let prefix = match identity {
        Some(identity) => [tenant_prefix.as_slice(), identity.as_bytes(), &[0]].concat(),
        None => tenant_prefix.clone(),
    };
    let (station, mut inner) = match after.and_then(|after| after.split_once('\0')) {
        Some((station, inner)) => (station, Some(inner.to_owned()).filter(|i| !i.is_empty())),
        None => ("", None),
    };
    // A page stands at a station: with a cursor within it, or at its beginning.
    let mut from = [tenant_prefix.as_slice(), station.as_bytes()].concat();
    while page.items.len() < PAGE_LEN {
        let Some(row) = store.scan(Table::Variables, &prefix, &from).next() else {
            page.next = None;
            return Ok(page);
        };
        let (key, _) = row?;
        let key = &key[head.len()..];
        let end = key.iter().position(|byte| *byte == 0).unwrap_or(key.len());
        // Behind every row of this station, and before those of the next.
        from = [head, &key[..end], &[1]].concat();
        let Some(station) = std::str::from_utf8(&key[..end])
            .ok()
            .and_then(|key| StationKey::parse(key).ok())
        else {
            continue;
        };
        let left = PAGE_LEN - page.items.len();
        let of_station = list(&station, inner.take().as_deref(), left)?;
        let named = |item| (station.clone(), item);
        page.items.extend(of_station.items.into_iter().map(named));
        if let Some(next) = of_station.next {
            page.next = Some(format!("{}\0{next}", station.identity()));
            return Ok(page);
        }
        page.next = Some(format!("{}\u{1}\0", station.identity()));
    }
    Ok(page)
}

#[cfg(test)]
mod tests {
    use fleet::{EventId, LogId, Seq, UtcMicros};
    use storage::state::{Durability, StateBatch};

    use super::*;
    use crate::variables::row::{Content, Name, Origin, row};
    use crate::variables::{AttributeKind, Named, VariableSource};

    fn put(batch: &mut StateBatch, station: &str, n: usize) {
        let station = StationKey::parse(station).unwrap();
        let named = |name: String| Named {
            name,
            instance: String::new(),
        };
        let name = Name {
            component: named("C".to_owned()),
            variable: named(format!("V{n:04}")),
            ..Name::default()
        };
        let origin = Origin {
            position: EventId {
                log_id: LogId(1),
                seq: Seq(1),
            },
            as_of: UtcMicros(1),
            source: VariableSource::Report,
        };
        let content = Content::Value {
            kind: AttributeKind::Actual,
            value: Some(n.to_string()),
            is_secret: false,
        };
        let (key, value) = row(&station, &name, origin, &content).unwrap();
        batch.put(Table::Variables, key, value);
    }

    /// Every page's length, and station and variable of all.
    fn all(store: &StateStore, tenant: &str, identity: Option<&str>) -> (Vec<usize>, Vec<String>) {
        let (mut lens, mut found, mut after) = (Vec::new(), Vec::new(), None);
        loop {
            let page = stored_variables(store, tenant, identity, after.as_deref()).unwrap();
            lens.push(page.items.len());
            let named = |(station, variable): &(StationKey, VariableView)| {
                format!("{} {}", station.identity(), variable.variable.name)
            };
            found.extend(page.items.iter().map(named));
            after = page.next;
            if after.is_none() {
                return (lens, found);
            }
            assert!(lens.len() < 10, "it goes round");
        }
    }

    #[test]
    fn pages_go_through_the_stations_of_one_tenant() {
        let dir = tempfile::tempdir().unwrap();
        let store = StateStore::open(dir.path()).unwrap();
        let mut batch = StateBatch::default();
        // One name is the beginning of another, and one station has more than a page.
        let stations = [("a/CP1", 3), ("a/CP1-x", 2), ("a/CP2", 1_100), ("a/CP3", 1)];
        let mut expected = Vec::new();
        for (station, variables) in stations {
            for n in 0..variables {
                put(&mut batch, station, n);
                expected.push(format!("{} V{n:04}", &station[2..]));
            }
        }
        put(&mut batch, "aa/CP1", 0);
        put(&mut batch, "b/CP1", 0);
        store.apply(batch, None, Durability::Buffered).unwrap();

        assert_eq!(all(&store, "a", None), (vec![500, 500, 106], expected));
        assert_eq!(all(&store, "a", Some("CP1")).1.len(), 3);
        assert_eq!(all(&store, "a", Some("CP2")).0, [500, 500, 100]);
        assert_eq!(all(&store, "a", Some("CP")).1, [""; 0]);
        assert_eq!(all(&store, "b", None).1, ["CP1 V0000"]);
        assert_eq!(all(&store, "c", None).1, [""; 0]);
    }
}
