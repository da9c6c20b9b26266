//! The monitors and display messages of all stations, as the state store has them: a moment behind what the shards have
//! written.

use fleet::{StationKey, UtcMicros};
use storage::state::{StateError, StateStore};

use super::read::list;
use super::row::kind_byte;
use super::{ItemKind, ItemView};
use crate::router::view::Page;
use crate::variables::read::Recent;
use crate::variables::stored::station_by_station;

/// Monitors of a tenant's stations, or of one of them, by station and number; behind `after`, which is a `next` of the page
/// before. A page may hold fewer although there are more.
///
/// # Errors
///
/// When the store cannot be read.
pub fn stored_monitors(
    store: &StateStore,
    tenant: &str,
    identity: Option<&str>,
    after: Option<&str>,
) -> Result<Page<(StationKey, ItemView), String>, StateError> {
    // Monitors have no end.
    let now = UtcMicros(0);
    stored(store, ItemKind::Monitor, tenant, identity, after, now)
}

/// Display messages at `now`, likewise.
///
/// # Errors
///
/// When the store cannot be read.
pub fn stored_display_messages(
    store: &StateStore,
    tenant: &str,
    identity: Option<&str>,
    after: Option<&str>,
    now: UtcMicros,
) -> Result<Page<(StationKey, ItemView), String>, StateError> {
    stored(
        store,
        ItemKind::DisplayMessage,
        tenant,
        identity,
        after,
        now,
    )
}

fn stored(
    store: &StateStore,
    kind: ItemKind,
    tenant: &str,
    identity: Option<&str>,
    after: Option<&str>,
    now: UtcMicros,
) -> Result<Page<(StationKey, ItemView), String>, StateError> {
    let head = [kind_byte(kind)];
    station_by_station(
        store,
        &head,
        tenant,
        identity,
        after,
        |station, inner, left| {
            let after = inner.and_then(|inner| inner.parse().ok());
            let page = list(store, &Recent::new(), kind, station, after, left, now)?;
            Ok(Page {
                items: page.items,
                next: page.next.map(|id| id.to_string()),
            })
        },
    )
}

#[cfg(test)]
mod tests {
    use fleet::{EventId, LogId, Seq, UtcMicros};
    use storage::state::{Durability, StateBatch, Table};

    use super::*;
    use crate::items::row::{Told, inventory_row, item_row};

    fn told(seq: u64) -> Told {
        Told {
            position: EventId {
                log_id: LogId(1),
                seq: Seq(seq),
            },
            as_of: UtcMicros(1),
        }
    }

    /// Station and number of all, and how many pages that took.
    fn all(store: &StateStore, tenant: &str, identity: Option<&str>) -> (usize, Vec<String>) {
        let (mut pages, mut found, mut after) = (0, Vec::new(), None);
        loop {
            let page = stored_monitors(store, tenant, identity, after.as_deref()).unwrap();
            let named = |(station, item): (StationKey, ItemView)| format!("{station} {}", item.id);
            found.extend(page.items.into_iter().map(named));
            (pages, after) = (pages + 1, page.next);
            assert!(pages < 20, "it goes round");
            if after.is_none() {
                return (pages, found);
            }
        }
    }

    #[test]
    fn monitors_come_page_by_page_and_those_that_are_gone_do_not() {
        let dir = tempfile::tempdir().unwrap();
        let store = StateStore::open(dir.path()).unwrap();
        let mut batch = StateBatch::default();
        let mut put = |(key, value)| batch.put(Table::Variables, key, value);
        let station = |n: u64| StationKey::parse(&format!("a/CP{n}")).unwrap();
        for n in 0..3 {
            for id in 0..400 {
                put(item_row(ItemKind::Monitor, &station(n), id, told(2), "{}"));
            }
        }
        // What it had before its newest inventory is gone, and one was cleared.
        put(item_row(ItemKind::Monitor, &station(3), 1, told(1), "{}"));
        put(item_row(ItemKind::Monitor, &station(3), 2, told(4), "{}"));
        put(item_row(ItemKind::Monitor, &station(3), 3, told(4), ""));
        put(inventory_row(ItemKind::Monitor, &station(3), told(3)));
        put(item_row(
            ItemKind::DisplayMessage,
            &station(3),
            9,
            told(4),
            "{}",
        ));
        let other = StationKey::parse("b/CP0").unwrap();
        put(item_row(ItemKind::Monitor, &other, 7, told(2), "{}"));
        store.apply(batch, None, Durability::Buffered).unwrap();

        let (pages, mut found) = all(&store, "a", None);
        assert_eq!((pages, found.len()), (3, 1_201));
        assert_eq!(found.last().unwrap(), "a/CP3 2");
        found.dedup();
        assert_eq!(found.len(), 1_201, "none twice");
        assert_eq!(all(&store, "a", Some("CP1")).1.len(), 400);
        assert_eq!(all(&store, "a", Some("CP3")).1, ["a/CP3 2"]);
        assert_eq!(all(&store, "b", None).1, ["b/CP0 7"]);
        assert!(all(&store, "b", Some("CP1")).1.is_empty());
        let messages = stored_display_messages(&store, "a", None, None, UtcMicros(1)).unwrap();
        assert_eq!(messages.items[0].1.id, 9);
    }
}
