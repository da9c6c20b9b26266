//! The keeper of what stands in no log: tokens, the lists of them that stations have, and tariffs. It also clears out rows whose time is over.
//!
//! A thread of its own, because a write to the store waits for the disk and neither a shard nor a caller's runtime
//! may.

mod tariffs;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use fleet::record::TransactionState;
use fleet::wire::Body;
use fleet::{StationKey, TransactionId, UtcMicros};
use ocpp::Instant;
use storage::state::{Durability, StateBatch, StateError, StateStore, Table};

use crate::local_list::{read_local_list, write_local_list};
use crate::retry::timed;
use crate::router::TokenAsk;
use crate::router::closing::ClosingView;
use crate::router::view::Page;
use crate::shard::{
    RETRY_KEPT_MICROS, RetryRow, closing_view, read_record_row, read_token, token_key, write_token,
};
use crate::tariff::Books;
use crate::tls::Tls;
use crate::token::{Token, TokenFilter, TokenMode, TokenWritten};
use crate::{events, items, variables};

/// Time between two rounds of clearing out.
pub(crate) const ROUND: Duration = Duration::from_secs(3_600);
/// How long the store answers for ended transactions and commands; SQL has them for longer.
const KEPT_MICROS: i64 = 30 * 86_400 * 1_000_000;
/// Rows removed together.
const BATCH_LEN_MAX: usize = 1_000;
/// Tokens that one list looks at before it answers with what it has: some ten milliseconds.
const SCAN_MAX: usize = 8_192;

pub(crate) use tariffs::load as load_tariffs;

/// Answers until it is told to stop, and once a `round` clears out and looks after `tls`. Counts in `changes` what it did
/// to tokens, so that nobody goes on with one that was read before, and says to `message_changed` which has another message.
pub(crate) fn keep(
    store: &StateStore,
    changes: &AtomicU64,
    books: &Books,
    message_changed: impl Fn(&str, &Token),
    tls: Option<&Tls>,
    asks: &Receiver<TokenAsk>,
    round: Duration,
) {
    let clock = || Instant(net::clock::monotonic_ns());
    let mut due = clock() + round;
    // Where the next look at variables begins, at events, and at issues.
    let (mut from, mut events_from, mut issues_from) = (Vec::new(), Vec::new(), Vec::new());
    loop {
        let now = clock();
        // Looked at before each ask, or a server that is always asked would never get to it.
        if due <= now {
            due = now + round;
            let utc = utc_now();
            if let Some(tls) = tls {
                tls.look_after(utc.0);
            }
            let cleared = clear_out(store, utc)
                .and_then(|()| variables::clear::clear(store, &mut from))
                .and_then(|()| events::clear::clear(store, utc, &mut events_from))
                .and_then(|()| items::clear::clear(store, utc, &mut issues_from));
            if let Err(error) = cleared {
                tracing::warn!(%error, "old rows stay in the state store for now");
            }
        }
        match asks.recv_timeout(due - now) {
            Ok(TokenAsk::Put {
                tenant,
                token,
                mode,
                reply,
            }) => {
                let before = find(store, &tenant, &token.id);
                let put = put(store, &tenant, &token, &mode);
                changes.fetch_add(1, Ordering::Release);
                let is_written = matches!(put, Ok(TokenWritten::Done));
                // Of one that cannot be read nobody knows whether its message is another.
                let is_other = |before: Option<Token>| {
                    before.and_then(|before| before.message) != token.message
                };
                if is_written && before.is_ok_and(is_other) {
                    message_changed(&tenant, &token);
                }
                reply.send(put.map_err(|error| describe(&error)));
            }
            Ok(TokenAsk::Find { tenant, id, reply }) => {
                reply.send(find(store, &tenant, &id).map_err(|error| describe(&error)));
            }
            Ok(TokenAsk::List {
                tenant,
                filter,
                after,
                limit,
                reply,
            }) => {
                let page = list(store, &tenant, &filter, after.as_deref(), limit);
                reply.send(page.map_err(|error| describe(&error)));
            }
            Ok(TokenAsk::Remove { tenant, id, reply }) => {
                let forgotten = forget(store, &tenant, &id);
                changes.fetch_add(1, Ordering::Release);
                reply.send(forgotten.map_err(|error| describe(&error)));
            }
            Ok(TokenAsk::FindList { station, reply }) => {
                let row = store.get(Table::Meta, &list_key(&station));
                let list = row.map(|row| row.as_deref().and_then(read_local_list));
                let list = list.map(Option::unwrap_or_default);
                reply.send(list.map_err(|error| describe(&error)));
            }
            Ok(TokenAsk::PutList {
                station,
                list,
                reply,
            }) => {
                let mut batch = StateBatch::default();
                batch.put(Table::Meta, list_key(&station), write_local_list(&list));
                let put = store.apply(batch, None, Durability::Sync);
                reply.send(put.map_err(|error| describe(&error)));
            }
            Ok(TokenAsk::PutTariff {
                tenant,
                tariff,
                reply,
            }) => {
                let put = tariffs::put(store, books, &tenant, &tariff);
                reply.send(put.map_err(|error| describe(&error)));
            }
            Ok(TokenAsk::FindTariff { tenant, id, reply }) => {
                let found = tariffs::find(store, &tenant, &id);
                reply.send(found.map_err(|error| describe(&error)));
            }
            Ok(TokenAsk::ListTariffs {
                tenant,
                after,
                limit,
                reply,
            }) => {
                let page = tariffs::list(store, &tenant, after.as_deref(), limit);
                reply.send(page.map_err(|error| describe(&error)));
            }
            Ok(TokenAsk::RemoveTariff { tenant, id, reply }) => {
                let forgotten = tariffs::forget(store, books, &tenant, &id);
                reply.send(forgotten.map_err(|error| describe(&error)));
            }
            Ok(TokenAsk::Closings {
                transactions,
                reply,
            }) => {
                let found = closings(store, transactions);
                reply.send(found.map_err(|error| describe(&error)));
            }
            Ok(TokenAsk::Events {
                station,
                recent,
                filter,
                after,
                limit,
                reply,
            }) => {
                let page = events::read::list(store, &recent, &station, &filter, after, limit);
                reply.send(page.map_err(|error| describe(&error)));
            }
            Ok(TokenAsk::Variables {
                station,
                recent,
                filter,
                after,
                limit,
                reply,
            }) => {
                let after = after.as_deref();
                let page = variables::read::list(store, &recent, &station, &filter, after, limit);
                reply.send(page.map_err(|error| describe(&error)));
            }
            Ok(TokenAsk::Items {
                kind,
                station,
                recent,
                after,
                limit,
                reply,
            }) => {
                let page =
                    items::read::list(store, &recent, kind, &station, after, limit, utc_now());
                reply.send(page.map_err(|error| describe(&error)));
            }
            Err(RecvTimeoutError::Timeout) => {}
            Ok(TokenAsk::Stop) | Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

fn utc_now() -> UtcMicros {
    UtcMicros(net::clock::utc_micros())
}

fn closings(
    store: &StateStore,
    transactions: Vec<TransactionId>,
) -> Result<Vec<(TransactionId, ClosingView)>, StateError> {
    let mut found = Vec::new();
    for id in transactions {
        let row = store.get(Table::Closings, &id.0)?;
        let closing = row.as_deref().and_then(closing_view);
        found.extend(closing.map(|closing| (id, closing)));
    }
    Ok(found)
}

/// The key of a station's list.
fn list_key(station: &StationKey) -> Vec<u8> {
    format!("local_lists/{}", station.as_str()).into_bytes()
}

fn put(
    store: &StateStore,
    tenant: &str,
    token: &Token,
    mode: &TokenMode,
) -> Result<TokenWritten, StateError> {
    // Nobody else writes tokens, so what is found here is what is replaced.
    let is_so = match mode {
        TokenMode::Upsert => true,
        TokenMode::Create => find(store, tenant, &token.id)?.is_none(),
        TokenMode::Replace(before) => find(store, tenant, &token.id)?.as_ref() == Some(before),
    };
    if !is_so {
        return Ok(TokenWritten::Refused);
    }
    let mut batch = StateBatch::default();
    batch.put(
        Table::Tokens,
        token_key(tenant, &token.id),
        write_token(token),
    );
    store.apply(batch, None, Durability::Sync)?;
    Ok(TokenWritten::Done)
}

fn find(store: &StateStore, tenant: &str, id: &str) -> Result<Option<Token>, StateError> {
    let row = store.get(Table::Tokens, &token_key(tenant, id))?;
    Ok(row.as_deref().and_then(read_token))
}

fn list(
    store: &StateStore,
    tenant: &str,
    filter: &TokenFilter,
    after: Option<&str>,
    limit: usize,
) -> Result<Page<Token, String>, StateError> {
    // No key lies between a key and itself with a zero byte behind it.
    let from = after.map_or(Vec::new(), |id| [token_key(tenant, id), vec![0]].concat());
    let mut page = Page {
        items: Vec::new(),
        next: None,
    };
    let mut last = None;
    let prefix = token_key(tenant, "");
    let rows = store.scan(Table::Tokens, &prefix, &from);
    for (scanned, row) in rows.enumerate() {
        if page.items.len() == limit || scanned == SCAN_MAX {
            page.next = last;
            break;
        }
        let (key, row) = row?;
        let Some(token) = read_token(&row) else {
            // The list goes on behind it by its key, or a page of nothing but such rows would look like the last.
            let id = String::from_utf8_lossy(&key[prefix.len()..]).into_owned();
            tracing::warn!(tenant, id, "the row of a token cannot be read");
            last = Some(id);
            continue;
        };
        last = Some(token.id.clone());
        page.items.extend(shows(filter, &token).then_some(token));
    }
    Ok(page)
}

fn shows(filter: &TokenFilter, token: &Token) -> bool {
    let group = filter.group.as_ref();
    group.is_none_or(|group| *group == token.group)
        && filter.status.is_none_or(|status| status == token.status)
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

/// Removes commands, what came after them, and ended transactions that SQL answers for by now, and retry keys that have
/// expired. A key of a transaction goes no sooner than that one, however long it ran.
fn clear_out(store: &StateStore, now: UtcMicros) -> Result<(), StateError> {
    let old = |at: UtcMicros| at.0 + KEPT_MICROS < now.0;
    for table in [Table::Commands, Table::FollowUps] {
        remove(store, table, |row| {
            Ok(read_record_row(row).is_none_or(|(_, record)| old(record.received_at)))
        })?;
    }
    remove(store, Table::Transactions, |row| {
        Ok(match read_record_row(row) {
            Some((_, record)) => match &record.body {
                Body::TransactionEvent(event) => {
                    event.summary.state != TransactionState::Active.code()
                        && old(record.received_at)
                }
                _ => true,
            },
            None => true,
        })
    })?;
    remove(store, Table::Closings, |row| {
        Ok(match read_record_row(row) {
            Some((_, record)) => match &record.body {
                Body::TransactionClosed(closed) => {
                    let transaction = store.get(Table::Transactions, &closed.transaction_id)?;
                    transaction.is_none() && old(record.received_at)
                }
                _ => true,
            },
            None => true,
        })
    })?;
    remove(store, Table::Money, |row| {
        let Some((_, record)) = read_record_row(row) else {
            return Ok(true);
        };
        let transaction = match &record.body {
            Body::TransactionMoney(money) => money.transaction_id,
            Body::MoneyChanged(changed) => changed.money.transaction_id,
            Body::CostAccrued(accrued) => accrued.transaction_id,
            Body::StationTariffs(_) => return Ok(false),
            _ => return Ok(true),
        };
        Ok(old(record.received_at) && store.get(Table::Transactions, &transaction)?.is_none())
    })?;
    remove(store, Table::Progress, |row| {
        let Some((_, record)) = read_record_row(row) else {
            return Ok(true);
        };
        let Body::TransactionProgress(progress) = &record.body else {
            return Ok(true);
        };
        let transaction = store.get(Table::Transactions, &progress.transaction_id)?;
        Ok(old(record.received_at) && transaction.is_none())
    })?;
    let has_expired = |row: &[u8]| match RetryRow::from_bytes(row) {
        None => Ok(true),
        Some(row) if now.0 <= row.expires_at => Ok(false),
        Some(row) if row.transaction == [0; 16] => Ok(true),
        Some(row) => Ok(store.get(Table::Transactions, &row.transaction)?.is_none()),
    };
    remove(store, Table::RetryKeys, has_expired)?;
    // They lie in the order of their time, and none of the last days has expired.
    let from = now.0 - RETRY_KEPT_MICROS + UtcMicros::TRUSTED_LEAD_MICROS;
    remove_until(
        store,
        Table::Retries,
        Some(&timed(from, [0; 16])),
        has_expired,
    )
}

fn remove(
    store: &StateStore,
    table: Table,
    is_over: impl Fn(&[u8]) -> Result<bool, StateError>,
) -> Result<(), StateError> {
    remove_until(store, table, None, is_over)
}

/// The same of rows whose keys are less than `until`.
fn remove_until(
    store: &StateStore,
    table: Table,
    until: Option<&[u8]>,
    is_over: impl Fn(&[u8]) -> Result<bool, StateError>,
) -> Result<(), StateError> {
    let mut batch = StateBatch::default();
    for row in store.scan(table, b"", b"") {
        let (key, value) = row?;
        if until.is_some_and(|until| until <= key.as_slice()) {
            break;
        }
        if is_over(&value)? {
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
    use crate::token::TokenStatus;

    #[test]
    fn tokens_are_listed_in_pages_and_forgotten() {
        let dir = tempfile::tempdir().unwrap();
        let store = StateStore::open(dir.path()).unwrap();
        for (tenant, id) in [("a", "Tag2"), ("a", "TAG1"), ("a", "tag3"), ("b", "tag0")] {
            let token = Token::new(id, TokenStatus::Accepted);
            put(&store, tenant, &token, &TokenMode::Create).unwrap();
        }
        let ids = |after: Option<&str>| {
            let page = list(&store, "a", &TokenFilter::default(), after, 2).unwrap();
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
    fn a_list_shows_what_its_filter_asks_for_and_looks_at_so_many_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let store = StateStore::open(dir.path()).unwrap();
        let mut batch = StateBatch::default();
        for n in 0..=SCAN_MAX {
            let token = Token {
                group: if n % SCAN_MAX == 0 { "G" } else { "" }.into(),
                ..Token::new(format!("T{n:05}"), TokenStatus::Blocked)
            };
            batch.put(
                Table::Tokens,
                token_key("a", &token.id),
                write_token(&token),
            );
        }
        store.apply(batch, None, Durability::Buffered).unwrap();
        let check = |group: &str, status, after: Option<&str>, expected: &[&str]| {
            let filter = TokenFilter {
                group: Some(group.to_owned()),
                status: Some(status),
            };
            let page = list(&store, "a", &filter, after, 10).unwrap();
            let ids: Vec<_> = page.items.iter().map(|token| token.id.as_str()).collect();
            assert_eq!(ids, expected);
            page.next
        };
        let next = check("G", TokenStatus::Blocked, None, &["T00000"]);
        assert_eq!(next.as_deref(), Some("T08191"));
        let next = check("G", TokenStatus::Blocked, next.as_deref(), &["T08192"]);
        assert_eq!(next, None);
        check("G", TokenStatus::Accepted, None, &[]);
        check("H", TokenStatus::Blocked, None, &[]);
    }

    #[test]
    fn rows_that_cannot_be_read_hide_none_that_can() {
        let dir = tempfile::tempdir().unwrap();
        let store = StateStore::open(dir.path()).unwrap();
        let mut batch = StateBatch::default();
        for n in 0..SCAN_MAX {
            let key = token_key("a", &format!("T{n:05}"));
            batch.put(Table::Tokens, key, b"nothing that any version wrote");
        }
        for id in ["S", "Z"] {
            let token = Token::new(id, TokenStatus::Accepted);
            batch.put(Table::Tokens, token_key("a", id), write_token(&token));
        }
        store.apply(batch, None, Durability::Buffered).unwrap();
        let page = |after: Option<&str>| {
            let page = list(&store, "a", &TokenFilter::default(), after, 10).unwrap();
            let ids: Vec<_> = page.items.into_iter().map(|token| token.id).collect();
            (ids.join(" "), page.next)
        };
        let (ids, next) = page(None);
        // The last row that was looked at, which is one that cannot be read.
        assert_eq!((ids.as_str(), next.as_deref()), ("S", Some("t08190")));
        assert_eq!(page(next.as_deref()), ("Z".to_owned(), None));
        // A look that begins with them and finds nothing else is not the last either.
        let mut batch = StateBatch::default();
        batch.remove(Table::Tokens, token_key("a", "S"));
        store.apply(batch, None, Durability::Buffered).unwrap();
        assert_eq!(page(None), (String::new(), Some("t08191".to_owned())));
    }

    #[test]
    fn a_token_is_written_if_what_is_there_is_what_was_asked_for() {
        let dir = tempfile::tempdir().unwrap();
        let store = StateStore::open(dir.path()).unwrap();
        let [one, two] = [TokenStatus::Accepted, TokenStatus::Blocked].map(|s| Token::new("T", s));
        let replace = |token: &Token| TokenMode::Replace(Box::new(token.clone()));
        for (token, mode, expected) in [
            (&one, replace(&one), TokenWritten::Refused),
            (&one, TokenMode::Create, TokenWritten::Done),
            (&two, TokenMode::Create, TokenWritten::Refused),
            (&two, replace(&two), TokenWritten::Refused),
            (&two, replace(&one), TokenWritten::Done),
            (&one, TokenMode::Upsert, TokenWritten::Done),
        ] {
            assert_eq!(
                put(&store, "a", token, &mode).unwrap(),
                expected,
                "{mode:?}"
            );
            let found = find(&store, "a", "t").unwrap();
            assert_eq!(
                found.as_ref() == Some(token),
                expected == TokenWritten::Done
            );
        }
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
        keep(
            &store,
            &AtomicU64::new(0),
            &Books::default(),
            |_, _| {},
            None,
            &asked,
            Duration::ZERO,
        );
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

    #[test]
    fn what_is_in_the_order_of_its_time_is_cleared_out_as_well() {
        const DAY: i64 = 86_400 * 1_000_000;
        let dir = tempfile::tempdir().unwrap();
        let store = StateStore::open(dir.path()).unwrap();
        let mut batch = StateBatch::default();
        // Told on a day that a clock said, and kept for as long as its message was.
        for (id, told, expires_at) in [(1, 2, 9), (2, 2, 40), (3, 12, 19), (4, 13, 20)] {
            let row = RetryRow {
                content: [0; 16],
                transaction: [0; 16],
                ocpp_id: 0,
                expires_at: expires_at * DAY,
            };
            let key = timed(told * DAY, [id; 16]);
            batch.put(Table::Retries, key, row.to_bytes());
        }
        store.apply(batch, None, Durability::Buffered).unwrap();
        clear_out(&store, UtcMicros(19 * DAY + 1)).unwrap();
        let left: Vec<u8> = store
            .scan(Table::Retries, b"", b"")
            .map(|row| row.unwrap().0[4])
            .collect();
        assert_eq!(left, [2, 4]);
    }

    #[test]
    fn keys_of_a_transaction_stay_until_it_goes_itself() {
        const DAY: i64 = 86_400 * 1_000_000;
        let dir = tempfile::tempdir().unwrap();
        let store = StateStore::open(dir.path()).unwrap();
        let mut batch = StateBatch::default();
        // A transaction's last record was made on the day; its messages and their keys are a day older than day 0.
        let mut transaction = |id: u8, state: TransactionState, day: i64| {
            let mut record = Vec::new();
            let event = event(id, state);
            let station = fleet::StationKey::new("default", "CP1").unwrap();
            fleet::wire::Writer::default().write(
                &mut record,
                &station,
                UtcMicros(day * DAY),
                &event,
            );
            let name = fleet::EventId {
                log_id: fleet::LogId(1),
                seq: fleet::Seq(1),
            };
            let row = crate::shard::record_row(name, &record);
            batch.put(Table::Transactions, [id; 16], row);
        };
        transaction(1, TransactionState::Active, 0);
        transaction(2, TransactionState::Ended, 20);
        transaction(3, TransactionState::Ended, 9);
        for id in [0, 1, 2, 3, 4] {
            let row = RetryRow {
                content: [0; 16],
                transaction: [id; 16],
                ocpp_id: 0,
                expires_at: 29 * DAY,
            };
            batch.put(Table::RetryKeys, [id; 16], row.to_bytes());
            let money = fleet::record::TransactionMoney {
                transaction_id: [id; 16],
                ..fleet::record::TransactionMoney::default()
            };
            let mut record = Vec::new();
            let station = fleet::StationKey::new("default", "CP1").unwrap();
            fleet::wire::Writer::default().write(&mut record, &station, UtcMicros(0), &money);
            let name = fleet::EventId {
                log_id: fleet::LogId(1),
                seq: fleet::Seq(1),
            };
            let row = crate::shard::record_row(name, &record);
            batch.put(Table::Money, [id; 16], row);
            let closed = fleet::record::TransactionClosed {
                transaction_id: [id; 16],
                principal: "op".to_owned(),
                reason: String::new(),
                ended_at: None,
                meter_stop_mwh: None,
                before: event(id, TransactionState::Active).summary,
                seq_no: -1,
                event_at: 0,
            };
            let mut record = Vec::new();
            fleet::wire::Writer::default().write(&mut record, &station, UtcMicros(0), &closed);
            let row = crate::shard::record_row(name, &record);
            batch.put(Table::Closings, [id; 16], row);
        }
        store.apply(batch, None, Durability::Buffered).unwrap();
        clear_out(&store, UtcMicros(40 * DAY)).unwrap();
        // What is known of its money as well, and who closed it.
        for table in [Table::RetryKeys, Table::Money, Table::Closings] {
            let left: Vec<u8> = store
                .scan(table, b"", b"")
                .map(|row| row.unwrap().0[0])
                .collect();
            assert_eq!(left, [1, 2], "{table:?}");
        }
    }

    fn event(id: u8, state: TransactionState) -> fleet::record::TransactionEvent {
        use fleet::record::{Moment, Quality, Retry, TransactionEventKind, TransactionSummary};

        fleet::record::TransactionEvent {
            transaction_id: [id; 16],
            ocpp_transaction_id: id.to_string(),
            kind: TransactionEventKind::Ended.code(),
            evse_id: 1,
            connector_id: 1,
            seq_no: -1,
            seq_gap: 0,
            trigger_reason: String::new(),
            charging_state: String::new(),
            stop_reason: String::new(),
            token_ref: None,
            remote_start_id: -1,
            ocpp_counter: 0,
            offline: false,
            occurred: Moment::default(),
            register_mwh: None,
            retry: Retry::default(),
            summary: TransactionSummary {
                state: state.code(),
                quality: Quality::Ok.code(),
                started_at: None,
                ended_at: None,
                meter_start_mwh: None,
                meter_stop_mwh: None,
                energy_mwh: None,
                cost: None,
                currency: *b"BRL",
                token_ref: None,
            },
        }
    }
}
