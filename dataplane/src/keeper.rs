//! The keeper of what stands in no log: tokens. It also clears out rows whose time is over.
//!
//! A thread of its own, because a write to the store waits for the disk and neither a shard nor a caller's runtime
//! may.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use fleet::UtcMicros;
use fleet::record::TransactionState;
use fleet::wire::Body;
use ocpp::Instant;
use storage::state::{Durability, StateBatch, StateError, StateStore, Table};

use crate::router::view::Page;
use crate::router::{Token, TokenAsk};
use crate::shard::{RetryRow, read_record_row, read_token, token_key, write_token};

/// Time between two rounds of clearing out.
pub(crate) const ROUND: Duration = Duration::from_secs(3_600);
/// How long the store answers for ended transactions and commands; SQL has them for longer.
const KEPT_MICROS: i64 = 30 * 86_400 * 1_000_000;
/// Rows removed together.
const BATCH_LEN_MAX: usize = 1_000;

/// Answers until it is told to stop, and clears out once a `round`.
pub(crate) fn keep(store: &StateStore, asks: &Receiver<TokenAsk>, round: Duration) {
    let clock = || Instant(net::clock::monotonic_ns());
    let mut due = clock() + round;
    loop {
        let now = clock();
        // Looked at before each ask, or a server that is always asked would never get to it.
        if due <= now {
            due = now + round;
            if let Err(error) = clear_out(store, UtcMicros(net::clock::utc_micros())) {
                tracing::warn!(%error, "old rows stay in the state store for now");
            }
        }
        match asks.recv_timeout(due - now) {
            Ok(TokenAsk::Put {
                tenant,
                token,
                reply,
            }) => reply.send(put(store, &tenant, &token).map_err(|error| describe(&error))),
            Ok(TokenAsk::Find { tenant, id, reply }) => {
                reply.send(find(store, &tenant, &id).map_err(|error| describe(&error)));
            }
            Ok(TokenAsk::List {
                tenant,
                after,
                limit,
                reply,
            }) => {
                let page = list(store, &tenant, after.as_deref(), limit);
                reply.send(page.map_err(|error| describe(&error)));
            }
            Ok(TokenAsk::Remove { tenant, id, reply }) => {
                reply.send(forget(store, &tenant, &id).map_err(|error| describe(&error)));
            }
            Err(RecvTimeoutError::Timeout) => {}
            Ok(TokenAsk::Stop) | Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

fn put(store: &StateStore, tenant: &str, token: &Token) -> Result<(), StateError> {
    let mut batch = StateBatch::default();
    batch.put(
        Table::Tokens,
        token_key(tenant, &token.id),
        write_token(token),
    );
    store.apply(batch, None, Durability::Sync)
}

fn find(store: &StateStore, tenant: &str, id: &str) -> Result<Option<Token>, StateError> {
    let row = store.get(Table::Tokens, &token_key(tenant, id))?;
    Ok(row.as_deref().and_then(read_token))
}

fn list(
    store: &StateStore,
    tenant: &str,
    after: Option<&str>,
    limit: usize,
) -> Result<Page<Token, String>, StateError> {
    // No key lies between a key and itself with a zero byte behind it.
    let from = after.map_or(Vec::new(), |id| [token_key(tenant, id), vec![0]].concat());
    let mut page = Page {
        items: Vec::new(),
        next: None,
    };
    for row in store.scan(Table::Tokens, &token_key(tenant, ""), &from) {
        if page.items.len() == limit {
            page.next = page.items.last().map(|token: &Token| token.id.clone());
            break;
        }
        page.items.extend(read_token(&row?.1));
    }
    Ok(page)
}

fn forget(store: &StateStore, tenant: &str, id: &str) -> Result<bool, StateError> {
    let key = token_key(tenant, id);
    let known = store.get(Table::Tokens, &key)?.is_some();
    if known {
        let mut batch = StateBatch::default();
        batch.remove(Table::Tokens, key);
        store.apply(batch, None, Durability::Sync)?;
    }
    Ok(known)
}

fn describe(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", describe(source)),
        None => error.to_string(),
    }
}

/// Removes retry keys that have expired, and commands and ended transactions that SQL answers for by now.
fn clear_out(store: &StateStore, now: UtcMicros) -> Result<(), StateError> {
    let old = |at: UtcMicros| at.0 + KEPT_MICROS < now.0;
    remove(store, Table::RetryKeys, |row| {
        RetryRow::from_bytes(row).is_none_or(|row| row.expires_at < now.0)
    })?;
    remove(store, Table::Commands, |row| {
        read_record_row(row).is_none_or(|(_, record)| old(record.received_at))
    })?;
    remove(store, Table::Transactions, |row| {
        match read_record_row(row) {
            Some((_, record)) => match &record.body {
                Body::TransactionEvent(event) => {
                    event.summary.state != TransactionState::Active.code()
                        && old(record.received_at)
                }
                _ => true,
            },
            None => true,
        }
    })
}

fn remove(
    store: &StateStore,
    table: Table,
    is_over: impl Fn(&[u8]) -> bool,
) -> Result<(), StateError> {
    let mut batch = StateBatch::default();
    for row in store.scan(table, b"", b"") {
        let (key, value) = row?;
        if is_over(&value) {
            batch.remove(table, key);
        }
        if batch.len() == BATCH_LEN_MAX {
            store.apply(std::mem::take(&mut batch), None, Durability::Buffered)?;
        }
    }
    store.apply(batch, None, Durability::Buffered)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::router::TokenStatus;

    #[test]
    fn tokens_are_listed_in_pages_and_forgotten() {
        let dir = tempfile::tempdir().unwrap();
        let store = StateStore::open(dir.path()).unwrap();
        for (tenant, id) in [("a", "Tag2"), ("a", "TAG1"), ("a", "tag3"), ("b", "tag0")] {
            let token = Token {
                id: id.to_owned(),
                status: TokenStatus::Accepted,
                expires_at: None,
                group: String::new(),
            };
            put(&store, tenant, &token).unwrap();
        }
        let ids = |after: Option<&str>| {
            let page = list(&store, "a", after, 2).unwrap();
            let ids: Vec<_> = page.items.into_iter().map(|token| token.id).collect();
            (ids.join(" "), page.next)
        };
        assert_eq!(ids(None), ("TAG1 Tag2".into(), Some("Tag2".into())));
        assert_eq!(ids(Some("Tag2")), ("tag3".into(), None));
        assert!(forget(&store, "a", "tag1").unwrap());
        assert!(!forget(&store, "a", "tag1").unwrap());
        assert_eq!(ids(None), ("Tag2 tag3".into(), None));
    }

    #[test]
    fn asks_do_not_put_off_the_clearing_out() {
        let dir = tempfile::tempdir().unwrap();
        let store = StateStore::open(dir.path()).unwrap();
        let mut batch = StateBatch::default();
        batch.put(Table::RetryKeys, [1; 16], b"nothing that any version wrote");
        store.apply(batch, None, Durability::Buffered).unwrap();
        let (asks, asked) = std::sync::mpsc::channel();
        asks.send(TokenAsk::Stop).unwrap();
        keep(&store, &asked, Duration::ZERO);
        assert_eq!(store.scan(Table::RetryKeys, b"", b"").count(), 0);
    }

    #[test]
    fn what_is_over_is_cleared_out() {
        let dir = tempfile::tempdir().unwrap();
        let store = StateStore::open(dir.path()).unwrap();
        let mut batch = StateBatch::default();
        for (key, expires_at) in [(1, 10), (2, 20), (3, 30)] {
            let row = RetryRow {
                content: [0; 16],
                transaction: [0; 16],
                ocpp_id: 0,
                expires_at,
            };
            batch.put(Table::RetryKeys, [key; 16], row.to_bytes());
        }
        store.apply(batch, None, Durability::Buffered).unwrap();
        clear_out(&store, UtcMicros(20)).unwrap();
        let left: Vec<u8> = store
            .scan(Table::RetryKeys, b"", b"")
            .map(|row| row.unwrap().0[0])
            .collect();
        assert_eq!(left, [2, 3]);
    }
}
