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

#[tokio::test]
async fn tables_that_stand_at_different_places_of_a_log_go_on_from_there() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = TestLog::open(dir.path(), 0);
    let first = lake(dir.path(), &[&log]);
    // Only one table has rows and a position; the others begin at the first record again, in many steps.
    for n in 0..30_000 {
        log.append("default/CP1", T0, meter(None, 1, T0 + n, 1, 1.0));
    }
    log.sync();
    until(&first.sql(), "SELECT count(*) FROM meter_values", "30000").await;
    first.flush().await.unwrap();
    drop(first);
    let ended = fleet::record::TransactionEventKind::Ended;
    log.put("default/CP1", T0, transaction(1, ended, T0, T0, 1));
    log.put("default/CP1", T0, meter(None, 1, T0, 1, 1.0));
    let second = lake(dir.path(), &[&log]);
    until(&second.sql(), "SELECT count(*) FROM transactions", "1").await;
    until(&second.sql(), "SELECT count(*) FROM meter_values", "30001").await;
}

/// `SIGEC_SEED=n` runs one seed, `SIGEC_SEEDS=a..b` (`make soak`) every fiftieth of those: one takes a second.
fn seeds() -> Vec<u64> {
    let number = |text: &str| text.parse::<u64>().unwrap();
    if let Ok(seed) = std::env::var("SIGEC_SEED") {
        return vec![number(&seed)];
    }
    match std::env::var("SIGEC_SEEDS") {
        Ok(range) => {
            let (begin, end) = range.split_once("..").unwrap();
            (number(begin)..number(end)).step_by(50).collect()
        }
        Err(_) => vec![1, 2, 3],
    }
}

/// Whatever the order of appends, flushes, merges, stops and kills, the table is the log.
#[tokio::test]
async fn any_order_of_writes_and_restarts_gives_the_same_rows() {
    for seed in seeds() {
        println!("SIGEC_SEED={seed}");
        let mut random = Random(seed);
        let dir = tempfile::tempdir().unwrap();
        let mut logs = [TestLog::open(dir.path(), 0), TestLog::open(dir.path(), 1)];
        let mut tuned = config(dir.path());
        tuned.checkpoint_commits = 3;
        tuned.compact_files = 2;
        let mut lake = lake_with(tuned.clone(), &[&logs[0], &logs[1]]);
        let (mut rows, mut energy_mwh) = (0, 0);
        for _ in 0..25 {
            match random.below(8) {
                0..=3 => {
                    let log = &mut logs[random.below(2) as usize];
                    for _ in 0..=random.below(40) {
                        let at = T0 - (random.below(3) as i64) * 30 * HOUR + rows * SECOND;
                        let station = format!("default/CP{}", random.below(5));
                        log.append(&station, T0, meter(None, 1, at, rows * 1_001, 1.0));
                        energy_mwh += rows * 1_001;
                        rows += 1;
                    }
                    log.sync();
                }
                4 | 5 => lake.flush().await.unwrap(),
                6 => lake.maintain().await.unwrap(),
                _ => {
                    match random.below(2) {
                        0 => drop(lake),
                        _ => stop(lake).await,
                    }
                    lake = lake_with(tuned.clone(), &[&logs[0], &logs[1]]);
                }
            }
            until(
                &lake.sql(),
                "SELECT count(*) FROM meter_values",
                &rows.to_string(),
            )
            .await;
        }
        let distinct =
            "SELECT count(*) FROM (SELECT DISTINCT log_id, seq, ordinal FROM meter_values)";
        assert_eq!(
            value(&lake.sql(), distinct).await,
            rows.to_string(),
            "seed {seed}"
        );
        let sum = "SELECT CAST(sum(energy_wh) * 1000 AS BIGINT) FROM meter_values";
        assert_eq!(
            value(&lake.sql(), sum).await,
            energy_mwh.to_string(),
            "seed {seed}"
        );
    }
}

/// SplitMix64: the same numbers from the same seed, everywhere.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % end
    }
}

async fn stop(lake: Lake) {
    lake.shutdown().await.unwrap();
}
