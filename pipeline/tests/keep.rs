//! Fewer and older files: merging, checkpoints, retention, vacuum; and what a restart makes of them.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fleet::Seq;
use fleet::record::{Direction, Message};
use pipeline::{Table, open_offline};
use storage::log::Consumer;

use crate::support::*;

const CONTENT: &str = "SELECT count(*), sum(energy_wh), sum(ordinal), count(DISTINCT seq), min(measured_at), max(measured_at), count(DISTINCT station_id) FROM meter_values";

fn data_files(lake_dir: &Path, table: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for partition in std::fs::read_dir(lake_dir.join(table)).unwrap() {
        let partition = partition.unwrap().path();
        if partition
            .file_name()
            .unwrap()
            .to_str()
            .unwrap()
            .starts_with("date=")
        {
            files.extend(
                std::fs::read_dir(partition)
                    .unwrap()
                    .map(|entry| entry.unwrap().path()),
            );
        }
    }
    files
}

#[tokio::test]
async fn an_hour_that_is_over_becomes_one_sorted_file_with_the_same_rows() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = TestLog::open(dir.path(), 0);
    let mut config = config(dir.path());
    config.vacuum_after = Duration::ZERO;
    let lake = lake_with(config.clone(), &[&log]);
    let sql = lake.sql();
    // Two hours of a day that is long over, three stations out of order, four commits.
    let day = T0 - 400 * 24 * HOUR;
    for part in 0..4 {
        for n in 0..60 {
            let at = day + ((n * 7 + part) % 60) * 2 * MINUTE;
            log.append(
                &format!("default/CP{}", n % 3),
                at,
                meter(None, 1, at, n * 1_000 + part, 1.5),
            );
        }
        log.sync();
        until(
            &sql,
            "SELECT count(*) FROM meter_values",
            &((part + 1) * 60).to_string(),
        )
        .await;
        lake.flush().await.unwrap();
    }
    let before = table(&sql, CONTENT).await;
    assert_eq!(data_files(&config.lake_dir, "meter_values").len(), 4);
    lake.maintain().await.unwrap();
    assert_eq!(table(&sql, CONTENT).await, before);
    assert_eq!(
        data_files(&config.lake_dir, "meter_values").len(),
        1,
        "one minimum hour, old files are gone"
    );
    assert_eq!(lake.health().tables[Table::MeterValues as usize].files, 1);
    drop(lake);
    let again = lake_with(config, &[&log]);
    assert_eq!(
        table(&again.sql(), CONTENT).await,
        before,
        "after a restart"
    );
}

#[tokio::test]
async fn days_beyond_their_retention_are_dropped_and_their_files_deleted() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = TestLog::open(dir.path(), 0);
    let mut config = config(dir.path());
    config.vacuum_after = Duration::ZERO;
    let lake = lake_with(config.clone(), &[&log]);
    let message = |text: &str| Message {
        direction: Direction::ToStation.code(),
        message_type: 3,
        message_id: text.to_owned(),
        action: String::new(),
        raw: text.to_owned(),
    };
    #[expect(
        clippy::disallowed_methods,
        reason = "retention is counted in days of wall time"
    )]
    let today = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_micros() as i64;
    log.append("default/CP1", today - 40 * 24 * HOUR, message("old"));
    log.append("default/CP1", today - 2 * 24 * HOUR, message("new"));
    log.append(
        "default/CP1",
        T0 - 1_000 * 24 * HOUR,
        meter(None, 1, T0 - 1_000 * 24 * HOUR, 1, 1.0),
    );
    log.sync();
    until(&lake.sql(), "SELECT count(*) FROM ocpp_messages", "2").await;
    lake.flush().await.unwrap();
    lake.maintain().await.unwrap();
    assert_eq!(
        value(
            &lake.sql(),
            "SELECT string_agg(raw, ',') FROM ocpp_messages"
        )
        .await,
        "new"
    );
    assert_eq!(data_files(&config.lake_dir, "ocpp_messages").len(), 1);
    assert_eq!(
        value(&lake.sql(), "SELECT count(*) FROM meter_values").await,
        "1",
        "kept for ever"
    );
}

#[tokio::test]
async fn orphan_files_are_deleted_and_never_read() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = TestLog::open(dir.path(), 0);
    let mut config = config(dir.path());
    config.vacuum_after = Duration::ZERO;
    let lake = lake_with(config.clone(), &[&log]);
    log.put("default/CP1", T0, meter(None, 1, T0, 1, 1.0));
    until(&lake.sql(), "SELECT count(*) FROM meter_values", "1").await;
    lake.flush().await.unwrap();
    let files = data_files(&config.lake_dir, "meter_values");
    let orphan = files[0].with_file_name("part-orphan.zstd.parquet");
    std::fs::copy(&files[0], &orphan).unwrap();
    assert_eq!(
        value(&lake.sql(), "SELECT count(*) FROM meter_values").await,
        "1"
    );
    lake.maintain().await.unwrap();
    assert!(!orphan.exists());
    assert_eq!(data_files(&config.lake_dir, "meter_values"), files);
}

#[tokio::test]
async fn many_commits_end_in_a_checkpoint_and_a_short_log() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = TestLog::open(dir.path(), 0);
    let mut config = config(dir.path());
    config.checkpoint_commits = 4;
    config.vacuum_after = Duration::ZERO;
    let lake = lake_with(config.clone(), &[&log]);
    for n in 1..=10 {
        log.put("default/CP1", T0 + n, meter(None, 1, T0 + n, 1, 1.0));
        until(
            &lake.sql(),
            "SELECT count(*) FROM meter_values",
            &n.to_string(),
        )
        .await;
        lake.flush().await.unwrap();
    }
    lake.maintain().await.unwrap();
    let delta_log = config.lake_dir.join("meter_values/_delta_log");
    let names: Vec<String> = std::fs::read_dir(&delta_log)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let commits = names.iter().filter(|name| name.ends_with(".json")).count();
    assert!(commits <= 5, "{names:?}");
    assert!(
        names.iter().any(|name| name.ends_with(".parquet")),
        "{names:?}"
    );
    drop(lake);
    let again = lake_with(config, &[&log]);
    assert_eq!(
        value(&again.sql(), "SELECT count(*) FROM meter_values").await,
        "10"
    );
    log.put("default/CP1", T0, meter(None, 1, T0, 1, 1.0));
    until(&again.sql(), "SELECT count(*) FROM meter_values", "11").await;
    again.flush().await.unwrap();
}

#[tokio::test]
async fn a_log_is_released_when_every_table_has_passed_it_and_an_idle_one_commits_when_it_is_awaited()
 {
    let dir = tempfile::tempdir().unwrap();
    let mut log = TestLog::open(dir.path(), 0);
    let handle = log.log().handle().clone();
    let lake = lake(dir.path(), &[&log]);
    let mut last = Seq(0);
    // More than a segment, all of one table.
    for n in 0..12_000_i64 {
        last = log.append(
            "default/CP1",
            T0 + n,
            meter(None, 1, T0 + n * SECOND, n, 1.0),
        );
    }
    log.sync();
    handle.release(Consumer::State, last);
    until(&lake.sql(), "SELECT count(*) FROM meter_values", "12000").await;
    let awaited = handle
        .awaited(Consumer::Lake)
        .expect("a full segment waits");
    lake.flush().await.unwrap();
    assert!(awaited <= handle.released(Consumer::Lake).unwrap());
    let versions = || -> Vec<u64> {
        let tables = lake.health().tables;
        tables.iter().map(|table| table.version).collect()
    };
    // The table with rows may have committed before, when the first segment was full.
    let before = versions();
    assert!(
        before.iter().all(|version| 1 <= *version),
        "idle ones too: {before:?}"
    );
    lake.flush().await.unwrap();
    assert_eq!(versions(), before, "nothing new, nothing committed");
}

#[tokio::test]
async fn two_logs_fill_one_table_and_a_drained_one_may_be_dropped() {
    let dir = tempfile::tempdir().unwrap();
    let (mut first, mut second) = (TestLog::open(dir.path(), 0), TestLog::open(dir.path(), 1));
    let both = lake(dir.path(), &[&first, &second]);
    for n in 0..10 {
        first.append("default/CP1", T0 + n, meter(None, 1, T0 + n, 1, 1.0));
        second.append("default/CP2", T0 + n, meter(None, 1, T0 + n, 2, 1.0));
    }
    first.sync();
    second.sync();
    until(&both.sql(), "SELECT count(*) FROM meter_values", "20").await;
    both.flush().await.unwrap();
    second.put("default/CP2", T0 + 10, meter(None, 1, T0 + 10, 2, 1.0));
    drop(both);
    let (last, orphan) = (second.log().appended(), second.log().id());
    second.close();

    // The next start has one shard: the second log is read to its end and then not needed.
    let reader = storage::log::open_read_only(&storage::log::shard_dir(dir.path(), 1))
        .unwrap()
        .0;
    let sources = vec![first.source(), pipeline::Source::Stopped(reader)];
    let lake =
        pipeline::Lake::start(config(dir.path()), sources, pipeline::Stations::none()).unwrap();
    until(&lake.sql(), "SELECT count(*) FROM meter_values", "21").await;
    lake.flush().await.unwrap();
    assert_eq!(lake.committed(orphan), last);
}

#[tokio::test]
async fn a_stopped_server_is_read_with_the_tail_of_its_log_and_nothing_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = TestLog::open(dir.path(), 0);
    let lake = lake(dir.path(), &[&log]);
    log.put("default/CP1", T0, meter(None, 1, T0, 1_000, 1.0));
    until(&lake.sql(), "SELECT count(*) FROM meter_values", "1").await;
    lake.flush().await.unwrap();
    log.put("default/CP1", T0, meter(None, 1, T0, 2_500, 1.0));
    drop(lake);
    log.close();
    let files = data_files(&dir.path().join("lake"), "meter_values");
    let offline =
        open_offline(&config(dir.path()), dir.path(), pipeline::Stations::none()).unwrap();
    assert_eq!(
        value(&offline.sql(), "SELECT sum(energy_wh) FROM meter_values").await,
        "3.500"
    );
    assert_eq!(
        value(&offline.sql(), "SELECT count(*) FROM stations").await,
        "0"
    );
    drop(offline);
    assert_eq!(data_files(&dir.path().join("lake"), "meter_values"), files);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_query_after_a_start_sees_all_that_was_acknowledged_before() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = TestLog::open(dir.path(), 0);
    for n in 0..20_000 {
        let at = T0 + n * SECOND;
        log.append("default/CP1", at, meter(None, 1, at, 1_000, 1.0));
    }
    log.sync();
    let lake = lake(dir.path(), &[&log]);
    let count = "SELECT count(*) FROM meter_values";
    assert_eq!(value(&lake.sql(), count).await, "20000");
}

#[tokio::test]
async fn the_lag_is_that_of_the_oldest_row_in_no_file() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = TestLog::open(dir.path(), 0);
    let lake = lake(dir.path(), &[&log]);
    assert_eq!(lake.health().lag, Duration::ZERO);
    log.put("default/CP1", T0, meter(None, 1, T0, 1_000, 1.0));
    until(&lake.sql(), "SELECT count(*) FROM meter_values", "1").await;
    assert!(Duration::ZERO < lake.health().lag);
    lake.flush().await.unwrap();
    assert_eq!(lake.health().lag, Duration::ZERO);
}

/// An older program wrote the lake, and its log has gone on.
#[tokio::test]
async fn a_table_that_is_new_to_the_lake_misses_nothing_that_the_log_has_dropped() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = TestLog::open(dir.path(), 0);
    let handle = log.log().handle().clone();
    let old = lake(dir.path(), &[&log]);
    let mut last = Seq(0);
    for n in 0..12_000_i64 {
        let at = T0 + n * SECOND;
        last = log.append("default/CP1", at, meter(None, 1, at, n, 1.0));
    }
    log.sync();
    handle.release(Consumer::State, last);
    let count = "SELECT count(*) FROM meter_values";
    until(&old.sql(), count, "12000").await;
    old.flush().await.unwrap();
    until_true(|| Seq(1) < handle.first()).await;
    old.shutdown().await.unwrap();
    std::fs::remove_dir_all(dir.path().join("lake/settlements")).unwrap();

    let new = lake(dir.path(), &[&log]);
    assert_eq!(value(&new.sql(), count).await, "12000");
    assert_eq!(new.health().error, None);
    new.shutdown().await.unwrap();
    std::fs::remove_dir_all(dir.path().join("lake")).unwrap();
    let empty = lake(dir.path(), &[&log]);
    assert!(
        empty
            .health()
            .error
            .is_some_and(|error| error.contains("are lost"))
    );
}
