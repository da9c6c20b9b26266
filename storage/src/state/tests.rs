use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use super::projector::REST_AFTER_ROWLESS;
use super::*;
use crate::disk::RealDisk;
use crate::log::{Consumer, Log, LogConfig};

const LOG: LogId = LogId(7);

fn batch(rows: &[(Table, &str, &str)]) -> StateBatch {
    let mut batch = StateBatch::default();
    for (table, key, value) in rows {
        batch.put(*table, *key, *value);
    }
    batch
}

#[test]
fn rows_and_position_come_back_together() {
    let tmp = tempfile::tempdir().unwrap();
    let store = StateStore::open(tmp.path()).unwrap();
    assert_eq!(store.position(LOG), None);
    let rows = batch(&[(Table::Stations, "a", "1"), (Table::Transactions, "t", "2")]);
    store
        .apply(rows, Some((LOG, Seq(10))), Durability::Sync)
        .unwrap();
    drop(store);

    let store = StateStore::open(tmp.path()).unwrap();
    assert_eq!(store.position(LOG), Some(Seq(10)));
    assert_eq!(
        store.get(Table::Stations, b"a").unwrap(),
        Some(b"1".to_vec())
    );
    assert_eq!(
        store.get(Table::Transactions, b"t").unwrap(),
        Some(b"2".to_vec())
    );
    assert_eq!(
        store.get(Table::Tokens, b"a").unwrap(),
        None,
        "tables are apart"
    );

    let mut removal = StateBatch::default();
    removal.remove(Table::Stations, "a");
    store
        .apply(removal, Some((LOG, Seq(11))), Durability::Buffered)
        .unwrap();
    store.persist().unwrap();
    assert_eq!(store.get(Table::Stations, b"a").unwrap(), None);
    store.forget(LOG).unwrap();
    drop(store);
    assert_eq!(StateStore::open(tmp.path()).unwrap().position(LOG), None);
}

#[test]
fn a_batch_that_reflects_less_writes_nothing() {
    let tmp = tempfile::tempdir().unwrap();
    let store = StateStore::open(tmp.path()).unwrap();
    let apply = |value: &str, seq| {
        store.apply(
            batch(&[(Table::Meta, "k", value)]),
            Some((LOG, Seq(seq))),
            Durability::Buffered,
        )
    };
    apply("new", 5).unwrap();
    assert_eq!(
        apply("old", 4).unwrap_err().to_string(),
        "state store reflects log 0000000000000007 up to 5, a batch that reflects it up to 4 is older"
    );
    assert_eq!(store.get(Table::Meta, b"k").unwrap(), Some(b"new".to_vec()));
}

#[test]
fn a_position_is_told_while_something_is_written() {
    let tmp = tempfile::tempdir().unwrap();
    let store = StateStore::open(tmp.path()).unwrap();
    let rows = batch(&[(Table::Meta, "k", "v")]);
    store
        .apply(rows, Some((LOG, Seq(5))), Durability::Buffered)
        .unwrap();
    let told = || {
        let (store, (answer, told)) = (store.clone(), mpsc::channel());
        std::thread::spawn(move || answer.send(store.position(LOG)));
        told.recv_timeout(Duration::from_secs(60))
    };
    // Whatever asks now asks in the middle of a write.
    let in_the_middle = |(): &(), _: &[u8]| told() == Ok(Some(Seq(5)));
    let rows = [(b"k".to_vec(), ())];
    store.remove_if(Table::Meta, &rows, in_the_middle).unwrap();
    assert_eq!(store.get(Table::Meta, b"k").unwrap(), None);
}

#[test]
fn a_scan_has_the_keys_of_its_prefix_in_order() {
    let tmp = tempfile::tempdir().unwrap();
    let store = StateStore::open(tmp.path()).unwrap();
    let rows = ["b/1", "a/2", "a/1", "a/3", "ab"].map(|k| (Table::Stations, k, "v"));
    store.apply(batch(&rows), None, Durability::Sync).unwrap();
    let keys = |prefix: &str, from: &str| {
        let rows = store.scan(Table::Stations, prefix.as_bytes(), from.as_bytes());
        rows.map(|row| String::from_utf8(row.unwrap().0).unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(keys("a/", ""), ["a/1", "a/2", "a/3"]);
    assert_eq!(keys("a/", "a/2"), ["a/2", "a/3"]);
    assert_eq!(keys("a/", "b"), [""; 0]);
    assert_eq!(keys("", ""), ["a/1", "a/2", "a/3", "ab", "b/1"]);
}

/// The tables of the first version that had a store. Names are for good; new ones come behind.
const FIRST_TABLES: [&str; 9] = [
    "stations",
    "transactions",
    "retry_keys",
    "tokens",
    "principals",
    "commands",
    "follow_ups",
    "variables",
    "meta",
];

#[test]
fn a_store_with_fewer_tables_opens_and_gets_the_others() {
    let dir = tempfile::tempdir().unwrap();
    {
        let db = Database::builder(dir.path()).open().unwrap();
        let keyspace = |name| db.keyspace(name, KeyspaceCreateOptions::default).unwrap();
        for name in FIRST_TABLES {
            keyspace(name).insert("key", name).unwrap();
        }
        let position = (7_i64.to_be_bytes(), 9_u64.to_le_bytes());
        keyspace("positions")
            .insert(position.0, position.1)
            .unwrap();
        db.persist(PersistMode::SyncAll).unwrap();
    }
    let store = StateStore::open(dir.path()).unwrap();
    assert_eq!(store.position(LogId(7)), Some(Seq(9)));
    for (at, table) in Table::ALL.into_iter().enumerate() {
        assert_eq!(table as usize, at, "tables are found by their number");
        let name = FIRST_TABLES.get(at).map(|name| name.as_bytes().to_vec());
        assert_eq!(store.get(table, b"key").unwrap(), name, "{table:?}");
    }
}

#[test]
fn a_store_has_one_process() {
    let tmp = tempfile::tempdir().unwrap();
    let store = StateStore::open(tmp.path()).unwrap();
    assert!(matches!(
        StateStore::open(tmp.path()),
        Err(StateError::Store { .. })
    ));
    drop(store);
}

/// Waits for the engine's own threads, at most two minutes.
fn wait_for(what: &str, mut done: impl FnMut() -> bool) {
    let (sender, nobody) = std::sync::mpsc::channel::<()>();
    for _ in 0..12_000 {
        if done() {
            return;
        }
        // Nothing is ever sent: this is a pause that ends.
        let _ = nobody.recv_timeout(Duration::from_millis(10));
    }
    drop(sender);
    panic!("waited for {what} in vain");
}

/// Set by [`gave_back`].
static GAVE_BACK: AtomicBool = AtomicBool::new(false);

fn gave_back() {
    GAVE_BACK.store(true, Ordering::Release);
}

#[test]
fn rows_do_not_pile_up_in_memory() {
    let tmp = tempfile::tempdir().unwrap();
    let log = log_with_records(&tmp.path().join("log"), 96);
    let store = StateStore::open(&tmp.path().join("state")).unwrap();
    let projector = Projector::spawn(store.clone(), 64, gave_back).unwrap();
    let project = |seq: u64, rows: u64| {
        let mut batch = StateBatch::default();
        for row in 0..rows {
            batch.put(
                Table::Stations,
                format!("{seq}/{row}"),
                vec![seq as u8; 1_024],
            );
        }
        let projection = Projection {
            batch,
            log: log.handle().clone(),
            up_to: Seq(seq),
        };
        projector.handle().submit(projection).unwrap();
        // The last that it does.
        wait_for("the projector", || {
            log.handle().released(Consumer::State) == Some(Seq(seq))
        });
    };
    // 48 MiB in all.
    for seq in 1..=64 {
        project(seq, 768);
        let active: u64 = store
            .tables
            .iter()
            .map(|t| t.tree.active_memtable().size())
            .sum();
        assert!(active <= WRITE_BUFFER_LEN, "{active} bytes wait");
        wait_for("files", || store.db.outstanding_flushes() == 0);
    }
    // From here on stations say that they are alive and nothing else.
    (65..=64 + u64::from(REST_AFTER_ROWLESS)).for_each(|seq| project(seq, 0));
    wait_for("the rest in files", || {
        store.db.write_buffer_size() < MEMTABLE_LEN_MIN
    });
    // They leave memory when that goes on.
    (73..=76).for_each(|seq| project(seq, 0));
    wait_for("the engine to let go", || {
        GAVE_BACK.load(Ordering::Acquire) && !store.keeps_earlier_states()
    });
    assert_eq!(store.scan(Table::Stations, b"", b"").count(), 64 * 768);
    projector.shutdown().unwrap();
    log.shutdown().unwrap();
}

fn log_with_records(dir: &Path, n: u64) -> Log {
    let (mut log, _) = Log::open(dir, LogConfig::default(), Arc::new(RealDisk), || {}).unwrap();
    for i in 0..n {
        log.append(&i.to_le_bytes()).unwrap();
    }
    log.flush(0);
    assert!(log.handle().reader(Seq(n)).wait(Duration::from_secs(30)));
    log
}

#[test]
fn the_projector_stores_and_then_releases() {
    let tmp = tempfile::tempdir().unwrap();
    let log = log_with_records(&tmp.path().join("log"), 100);
    let store = StateStore::open(&tmp.path().join("state")).unwrap();
    let projector = Projector::spawn(store.clone(), 4, || {}).unwrap();
    let mut full = 0_u64;
    for seq in 1..=100 {
        let mut projection = Projection {
            batch: batch(&[(Table::Stations, &format!("s{seq}"), "v")]),
            log: log.handle().clone(),
            up_to: Seq(seq),
        };
        // As a shard does: full means later.
        while let Err(error) = projector.handle().submit(projection) {
            full += 1;
            assert!(full < 1 << 30, "the queue stays full");
            projection = match error {
                SubmitError::Full(projection) => projection,
                SubmitError::Failed(_) => panic!("{:?}", projector.handle().failure()),
            };
            std::thread::yield_now();
        }
    }
    projector.shutdown().unwrap();
    assert_eq!(store.position(log.id()), Some(Seq(100)));
    assert_eq!(store.scan(Table::Stations, b"s", b"").count(), 100);
    assert_eq!(log.handle().released(Consumer::State), Some(Seq(100)));
    log.shutdown().unwrap();
}

#[test]
fn a_projector_that_was_shut_down_gives_rows_back() {
    let tmp = tempfile::tempdir().unwrap();
    let log = log_with_records(&tmp.path().join("log"), 1);
    let store = StateStore::open(&tmp.path().join("state")).unwrap();
    let projector = Projector::spawn(store, 4, || {}).unwrap();
    let handle = projector.handle().clone();
    projector.shutdown().unwrap();
    let rows = batch(&[(Table::Meta, "k", "v")]);
    let projection = Projection {
        batch: rows.clone(),
        log: log.handle().clone(),
        up_to: Seq(1),
    };
    match handle.submit(projection) {
        Err(SubmitError::Failed(projection)) => assert_eq!(projection.batch, rows),
        other => panic!("{other:?}"),
    }
    log.shutdown().unwrap();
}

#[test]
fn a_stop_does_not_wait_for_a_store_that_never_returns() {
    let tmp = tempfile::tempdir().unwrap();
    let log = log_with_records(&tmp.path().join("log"), 3);
    let store = StateStore::open(&tmp.path().join("state")).unwrap();
    let projector = Projector::spawn(store.clone(), 1, || {}).unwrap();
    // Whatever is written waits for this.
    let writing = store.writing();
    let mut submitted = 0;
    // One is being written, and one fills the queue, so that nothing can be said to the thread either.
    while submitted < 2 {
        let projection = Projection {
            batch: batch(&[(Table::Meta, "k", "v")]),
            log: log.handle().clone(),
            up_to: Seq(3),
        };
        match projector.handle().submit(projection) {
            Ok(()) => submitted += 1,
            Err(SubmitError::Full(_)) => std::thread::yield_now(),
            Err(SubmitError::Failed(_)) => panic!("{:?}", projector.failure()),
        }
    }
    assert_eq!(projector.failure(), None);
    let (done, ended) = mpsc::channel();
    std::thread::spawn(move || done.send(projector.shutdown_within(Duration::from_millis(20))));
    let stopped = ended.recv_timeout(Duration::from_secs(60));
    let error = stopped.expect("the stop ends").unwrap_err();
    assert_eq!(error, "the store has not written what was left within 20ms");
    drop(writing);
    log.shutdown().unwrap();
}

#[test]
fn a_full_disk_is_waited_out_before_the_engine_meets_it() {
    static FULL: AtomicBool = AtomicBool::new(false);
    let tmp = tempfile::tempdir().unwrap();
    let log = log_with_records(&tmp.path().join("log"), 2);
    let mut store = StateStore::open(&tmp.path().join("state")).unwrap();
    store.free_bytes = |_| {
        Some(if FULL.load(Ordering::Relaxed) {
            5
        } else {
            SPACE_MIN
        })
    };
    FULL.store(true, Ordering::Relaxed);
    let refused = store.apply(batch(&[(Table::Meta, "k", "v")]), None, Durability::Sync);
    assert_eq!(
        refused.unwrap_err().to_string(),
        "the disk of the state store has 5 bytes free, expected at least 16777216"
    );
    let projector = Projector::spawn(store.clone(), 1, || {}).unwrap();
    let mut submitted = 0;
    // The second finds room once the first was taken from the queue, to wait there.
    while submitted < 2 {
        let projection = Projection {
            batch: batch(&[(Table::Stations, "a", "1")]),
            log: log.handle().clone(),
            up_to: Seq(2),
        };
        match projector.handle().submit(projection) {
            Ok(()) => submitted += 1,
            Err(SubmitError::Full(_)) => std::thread::yield_now(),
            Err(SubmitError::Failed(_)) => panic!("{:?}", projector.failure()),
        }
    }
    assert_eq!(store.position(log.id()), None);
    FULL.store(false, Ordering::Relaxed);
    projector.shutdown().unwrap();
    assert_eq!(store.position(log.id()), Some(Seq(2)));
    log.shutdown().unwrap();
}
