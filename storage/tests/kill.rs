//! kill -9 of a process that appends as fast as it can: what it had acknowledged is there afterwards, and the
//! state store reflects exactly the records that it says it does.
//!
//! The test starts its own binary again as the victim ([`VICTIM_DIR`] in the environment). The victim prints
//! each acknowledgement; the pipe's content survives it.

#![expect(
    clippy::unwrap_used,
    reason = "the victim's code is test code outside a #[test]"
)]

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

use fleet::Seq;
use storage::disk::RealDisk;
use storage::log::{Consumer, Log, LogConfig, LogHandle, verify};
use storage::state::{Projection, Projector, StateBatch, StateStore, SubmitError, Table};

const VICTIM_DIR: &str = "SIGEC_STORAGE_VICTIM_DIR";
/// Whether the victim commits on its own thread.
const VICTIM_OWN: &str = "SIGEC_STORAGE_VICTIM_OWN";
const CYCLES: u64 = 8;
const DEADLINE: Duration = Duration::from_secs(60);

/// With the shard's own commits, or without.
fn config(own: bool) -> LogConfig {
    LogConfig {
        inline_max: Duration::from_secs(u64::from(own)),
        inline_after: 8,
        segment_len: 1 << 20,
        bytes_max: 64 << 20,
        batch_len_max: 64 << 10,
        record_len_max: 4 << 10,
        ..LogConfig::default()
    }
}

fn record(seq: u64) -> Vec<u8> {
    seq.to_le_bytes().repeat(1 + (seq % 20) as usize)
}

/// Rows of three tables that all say "up to here".
const ROWS: [Table; 3] = [Table::Stations, Table::Transactions, Table::Meta];

fn projection(log: &LogHandle, up_to: Seq) -> Projection {
    let mut batch = StateBatch::default();
    for table in ROWS {
        batch.put(table, "up to", up_to.0.to_le_bytes());
        batch.put(table, up_to.0.to_be_bytes(), "once");
    }
    let log = log.clone();
    Projection { batch, log, up_to }
}

/// The store is never ahead of its log, and its tables are never apart.
fn check_store(store: &StateStore, log: fleet::LogId, end: Seq) -> Seq {
    let position = store.position(log).unwrap_or_default();
    assert!(position <= end, "{position:?} reflected, {end:?} found");
    for table in ROWS {
        let row = store.get(table, b"up to").unwrap();
        let row = row.map(|r| u64::from_le_bytes(r.try_into().unwrap()));
        assert_eq!(row.unwrap_or_default(), position.0, "{table:?}");
    }
    position
}

/// Appends until it is killed.
fn victim(dir: &Path) {
    let store = StateStore::open(&dir.join("state")).unwrap();
    let projector = Projector::spawn(store.clone(), 16, || {}).unwrap();
    let (wake, woken) = mpsc::channel();
    let on_change = move || wake.send(()).unwrap_or(());
    let config = config(std::env::var_os(VICTIM_OWN).is_some());
    let (mut log, recovery) =
        Log::open(&dir.join("log"), config, Arc::new(RealDisk), on_change).unwrap();
    let mut projected = check_store(&store, log.id(), recovery.end);
    let mut out = std::io::stdout();
    writeln!(out, "found {}", recovery.end.0).unwrap();
    let mut acked = recovery.end;
    loop {
        for _ in 0..50 {
            let seq = log.appended().0 + 1;
            if log.accepts() {
                log.append(&record(seq)).unwrap();
            }
        }
        log.flush(0);
        if log.durable() < log.appended() {
            woken.recv_timeout(DEADLINE).unwrap();
        }
        if acked < log.durable() {
            acked = log.durable();
            writeln!(out, "acked {}", acked.0).unwrap();
            match projector.handle().submit(projection(log.handle(), acked)) {
                Ok(()) => projected = acked,
                Err(SubmitError::Full(_)) => assert!(projected < acked),
                Err(SubmitError::Failed(_)) => panic!("{:?}", projector.handle().failure()),
            }
            // A consumer that lags; segments are recycled under the kill too.
            let passed = Seq(acked.0.saturating_sub(20_000));
            log.handle().release(Consumer::Lake, passed);
        }
    }
}

#[test]
fn a_killed_log_has_all_that_it_acknowledged() {
    if let Some(dir) = std::env::var_os(VICTIM_DIR) {
        victim(Path::new(&dir));
        return;
    }
    let tmp = tempfile::tempdir().unwrap();
    let dir = tmp.path().join("log");
    let state = tmp.path().join("state");
    let mut acked = 0;
    for cycle in 0..CYCLES {
        let mut command = Command::new(std::env::current_exe().unwrap());
        if cycle % 2 == 1 {
            command.env(VICTIM_OWN, "1");
        }
        let mut child = command
            .args([
                "--exact",
                "a_killed_log_has_all_that_it_acknowledged",
                "--nocapture",
            ])
            .env(VICTIM_DIR, tmp.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let number = |line: &str, word: &str| -> Option<u64> {
            line.rsplit_once(word)?.1.trim().parse().ok()
        };
        let found = lines
            .by_ref()
            .find_map(|line| number(&line.unwrap(), "found "))
            .unwrap();
        assert!(
            acked <= found,
            "cycle {cycle}: {acked} acknowledged, {found} found"
        );
        // Killed after another number of acknowledgements each time, in the middle of the next.
        for _ in 0..40 + 37 * cycle {
            let line = lines.next().unwrap().unwrap();
            acked = number(&line, "acked ").unwrap_or(acked);
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let last = lines
            .map_while(Result::ok)
            .filter_map(|l| number(&l, "acked "))
            .last();
        acked = acked.max(last.unwrap_or(0));
    }
    let report = verify(&dir).unwrap();
    assert!(Seq(acked) <= report.recovery.end);
    let (mut reader, recovery) = storage::log::open_read_only(&dir).unwrap();
    assert!(Seq(1) < recovery.first, "segments were recycled");
    while let Some((seq, bytes)) = reader.next().unwrap() {
        assert_eq!(bytes, record(seq.0));
    }
    assert_eq!(reader.position(), recovery.end);
    let position = check_store(
        &StateStore::open(&state).unwrap(),
        recovery.id,
        recovery.end,
    );
    assert!(Seq(0) < position);
    println!(
        "{acked} acknowledged over {CYCLES} kills, {} found",
        recovery.end.0
    );
}
