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
    books.put(tenant, book(store, tenant)?);
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
        books.put(tenant, book(store, tenant)?);
    }
    Ok(known)
}
