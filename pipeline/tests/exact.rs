//! Each row once, whatever was flushed, restarted, merged or replayed.

use expect_test::expect;
use pipeline::Lake;

use crate::support::*;

const SUMS: &str = "SELECT count(*), sum(energy_wh), min(seq), max(seq) FROM meter_values";

#[tokio::test]
async fn a_durable_record_is_a_row_before_it_is_in_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = TestLog::open(dir.path(), 0);
    let lake = lake(dir.path(), &[&log]);
    log.put(
        "default/CP1",
        T0 + SECOND,
        meter(Some(1), 1, T0, 7_042_500, 11_000.5),
    );
    until(&lake.sql(), "SELECT count(*) FROM meter_values", "1").await;
    let row = "SELECT tenant, station_id, evse_id, connector_id, transaction_id, measured_at, context, energy_wh,
                      power_w, current_a, clock_trusted, duplicate, ordinal, received_at, seq, date FROM meter_values";
    expect![[r#"
        +---------+------------+---------+--------------+--------------------------------------+----------------------+-----------------+-----------+---------+-----------+---------------+-----------+---------+----------------------+-----+------------+
        | tenant  | station_id | evse_id | connector_id | transaction_id                       | measured_at          | context         | energy_wh | power_w | current_a | clock_trusted | duplicate | ordinal | received_at          | seq | date       |
        +---------+------------+---------+--------------+--------------------------------------+----------------------+-----------------+-----------+---------+-----------+---------------+-----------+---------+----------------------+-----+------------+
        | default | CP1        | 1       | 1            | 00000000-0000-0000-0000-000000000001 | 2026-11-22T10:00:00Z | Sample.Periodic | 7042.500  | 11000.5 |           | true          | false     | 0       | 2026-11-22T10:00:01Z | 1   | 2026-11-22 |
        +---------+------------+---------+--------------+--------------------------------------+----------------------+-----------------+-----------+---------+-----------+---------------+-----------+---------+----------------------+-----+------------+"#]].assert_eq(&table(&lake.sql(), row).await);
}

#[tokio::test]
async fn rows_are_counted_once_while_they_move_from_memory_to_files_and_over_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = TestLog::open(dir.path(), 0);
    let first = lake(dir.path(), &[&log]);
    let sql = first.sql();
    for n in 0..100 {
        log.append(
            "default/CP1",
            T0 + n * SECOND,
            meter(None, 1, T0 + n * SECOND, n * 1_001, 1.0),
        );
    }
    log.sync();
    until(&sql, "SELECT count(*) FROM meter_values", "100").await;
    let before = table(&sql, SUMS).await;
    first.flush().await.unwrap();
    assert_eq!(table(&sql, SUMS).await, before);
    for n in 100..150 {
        log.append(
            "default/CP1",
            T0 + n * SECOND,
            meter(None, 1, T0 + n * SECOND, n * 1_001, 1.0),
        );
    }
    log.sync();
    until(&sql, "SELECT count(*) FROM meter_values", "150").await;
    let both = table(&sql, SUMS).await;
    // Nothing is written at the end: as after a kill, the log has the rest.
    drop(first);
    let second = lake(dir.path(), &[&log]);
    until(&second.sql(), "SELECT count(*) FROM meter_values", "150").await;
    assert_eq!(table(&second.sql(), SUMS).await, both);
    stop(second).await;
    let third = lake(dir.path(), &[&log]);
    assert_eq!(
        table(&third.sql(), SUMS).await,
        both,
        "everything is in files"
    );
}

async fn stop(lake: Lake) {
    lake.shutdown().await.unwrap();
}
