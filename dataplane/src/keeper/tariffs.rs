//! Tariffs in the store, and the books that shards read.

use storage::state::{Durability, StateBatch, StateError, StateStore, Table};

use crate::router::view::Page;
use crate::tariff::{
    Book, Books, StoredTariff, TariffWritten, read, read_row, tariff_key, write_row,
};

/// Puts every book in place before the first shard runs. A row that cannot be read is passed by.
pub(crate) fn load(store: &StateStore, books: &Books) -> Result<(), StateError> {
    let mut tenants = std::collections::BTreeSet::new();
    for row in store.scan(Table::Tariffs, b"", b"") {
        let (key, _) = row?;
        let key = String::from_utf8_lossy(&key);
        tenants.extend(key.split_once('/').map(|(tenant, _)| tenant.to_owned()));
    }
    for tenant in tenants {
        books.put(&tenant, book(store, &tenant)?);
    }
    Ok(())
}

/// The tariffs of a tenant as the store has them.
fn book(store: &StateStore, tenant: &str) -> Result<Book, StateError> {
    let mut book = Book::default();
    let prefix = tariff_key(tenant, "");
    for row in store.scan(Table::Tariffs, &prefix, b"") {
        let (key, row) = row?;
        let id = String::from_utf8_lossy(&key[prefix.len()..]).into_owned();
        let inserted = read_row(&id, &row).map(|stored| book.insert(&stored));
        if !matches!(inserted, Some(Ok(()))) {
            tracing::warn!(tenant, id, "the row of a tariff cannot be read");
        }
    }
    Ok(book)
}

pub(super) fn put(
    store: &StateStore,
    books: &Books,
    tenant: &str,
    tariff: &StoredTariff,
) -> Result<TariffWritten, StateError> {
    let known = books.of(tenant);
    let valid_from = read(&tariff.json, &tariff.time_zone).ok();
    let valid_from = valid_from.and_then(|(tariff, _)| tariff.valid_from);
    let refused = known
        .as_ref()
        .and_then(|book| book.refuses(tariff, valid_from));
    if let Some(refused) = refused {
        return Ok(refused);
    }
    let key = tariff_key(tenant, &tariff.id);
    let is_new = store.get(Table::Tariffs, &key)?.is_none();
    let mut batch = StateBatch::default();
    batch.put(Table::Tariffs, key, write_row(tariff));
    store.apply(batch, None, Durability::Sync)?;
    let mut book = known.as_deref().cloned().unwrap_or_default();
    if let Err(error) = book.insert(tariff) {
        tracing::error!(tenant, id = tariff.id, %error, "a tariff that was checked cannot be read");
    }
    books.put(tenant, book);
    Ok(if is_new {
        TariffWritten::Created
    } else {
        TariffWritten::Changed
    })
}

pub(super) fn find(
    store: &StateStore,
    tenant: &str,
    id: &str,
) -> Result<Option<StoredTariff>, StateError> {
    let row = store.get(Table::Tariffs, &tariff_key(tenant, id))?;
    Ok(row.as_deref().and_then(|row| read_row(id, row)))
}

pub(super) fn list(
    store: &StateStore,
    tenant: &str,
    after: Option<&str>,
    limit: usize,
) -> Result<Page<StoredTariff, String>, StateError> {
    // No key lies between a key and itself with a zero byte behind it.
    let from = after.map_or(Vec::new(), |id| [tariff_key(tenant, id), vec![0]].concat());
    let mut page = Page {
        items: Vec::new(),
        next: None,
    };
    let prefix = tariff_key(tenant, "");
    for row in store.scan(Table::Tariffs, &prefix, &from) {
        let (key, row) = row?;
        if page.items.len() == limit {
            page.next = page.items.last().map(|last: &StoredTariff| last.id.clone());
            break;
        }
        let id = String::from_utf8_lossy(&key[prefix.len()..]);
        page.items.extend(read_row(&id, &row));
    }
    Ok(page)
}

pub(super) fn forget(
    store: &StateStore,
    books: &Books,
    tenant: &str,
    id: &str,
) -> Result<bool, StateError> {
    let key = tariff_key(tenant, id);
    let known = store.get(Table::Tariffs, &key)?.is_some();
    if known {
        let mut batch = StateBatch::default();
        batch.remove(Table::Tariffs, key);
        store.apply(batch, None, Durability::Sync)?;
        let mut book = books.of(tenant).as_deref().cloned().unwrap_or_default();
        book.remove(id);
        books.put(tenant, book);
    }
    Ok(known)
}

#[cfg(test)]
mod tests {
    use fleet::UtcMicros;

    use super::*;
    use crate::tariff::{TariffScope, applying};

    fn stored(id: &str, more: &str, stations: &[&str]) -> StoredTariff {
        let stored = StoredTariff {
            id: id.into(),
            json: format!(r#"{{"tariffId":"{id}","currency":"BRL"{more}}}"#),
            time_zone: "America/Sao_Paulo".into(),
            scope: TariffScope {
                everywhere: stations.is_empty(),
                sites: Vec::new(),
                stations: stations.iter().map(|s| (*s).to_owned()).collect(),
            },
            changed_at: UtcMicros(1),
        };
        stored.checked().unwrap()
    }

    #[test]
    fn a_tariff_is_written_unless_it_contradicts_another_or_its_own_past() {
        let dir = tempfile::tempdir().unwrap();
        let store = StateStore::open(dir.path()).unwrap();
        let books = Books::default();
        let put = |tariff: &StoredTariff| put(&store, &books, "a", tariff).unwrap();
        let all = stored("all", "", &[]);
        assert_eq!(put(&all), TariffWritten::Created);
        assert_eq!(put(&all), TariffWritten::Changed);
        // I08.FR.08: what an id stands for never changes, where it holds may.
        let fee = r#","fixedFee":{"prices":[{"priceFixed":1}]}"#;
        assert_eq!(put(&stored("all", fee, &[])), TariffWritten::Differs);
        assert_eq!(put(&stored("one", fee, &["CP1"])), TariffWritten::Created);
        let claimed = TariffWritten::Claimed {
            place: "station CP1".into(),
            by: "one".into(),
        };
        assert_eq!(put(&stored("two", "", &["CP1", "CP2"])), claimed);
        let later = stored("later", r#","validFrom":"2030-01-01T00:00:00Z""#, &["CP1"]);
        assert_eq!(put(&later), TariffWritten::Created);
        let of = |books: &Books, station: &str, at: i64| {
            let book = books.of("a")?;
            applying(&book, station, "", at).map(|(tariff, _)| tariff.id.clone())
        };
        let year = 31_557_600_000_000;
        let check = |books: &Books| {
            assert_eq!(of(books, "CP1", 50 * year).as_deref(), Some("one"));
            assert_eq!(of(books, "CP1", 61 * year).as_deref(), Some("later"));
            assert_eq!(of(books, "CP9", 50 * year).as_deref(), Some("all"));
        };
        check(&books);
        let loaded = Books::default();
        load(&store, &loaded).unwrap();
        check(&loaded);
        assert!(loaded.of("b").is_none());
        let page = list(&store, "a", None, 2).unwrap();
        let ids: Vec<_> = page.items.iter().map(|tariff| &*tariff.id).collect();
        assert_eq!(
            (ids, page.next.as_deref()),
            (vec!["all", "later"], Some("later"))
        );
        let page = list(&store, "a", Some("later"), 2).unwrap();
        assert_eq!((page.items.len(), page.next), (1, None));
        assert_eq!(find(&store, "a", "later").unwrap(), Some(later));
        assert!(forget(&store, &books, "a", "one").unwrap());
        assert!(!forget(&store, &books, "a", "one").unwrap());
        assert_eq!(of(&books, "CP1", 50 * year).as_deref(), Some("all"));
    }

    #[test]
    fn a_row_that_cannot_be_read_hides_no_other() {
        let dir = tempfile::tempdir().unwrap();
        let store = StateStore::open(dir.path()).unwrap();
        let mut batch = StateBatch::default();
        batch.put(
            Table::Tariffs,
            tariff_key("a", "bad"),
            b"nothing that any version wrote",
        );
        store.apply(batch, None, Durability::Buffered).unwrap();
        put(&store, &Books::default(), "a", &stored("good", "", &[])).unwrap();
        let books = Books::default();
        load(&store, &books).unwrap();
        assert!(books.find("a", "good").is_some());
        assert_eq!(list(&store, "a", None, 10).unwrap().items.len(), 1);
    }
}
