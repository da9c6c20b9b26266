//! What a query may not do: change something, see another's rows, outlive its client, take the machine.

use std::time::Duration;

use arrow::array::RecordBatch;
use fleet::record::{Direction, Message};
use futures::{StreamExt, TryStreamExt};
use pipeline::{Limits, Role, Sql, SqlError};

use crate::support::*;

/// Runs for hours.
pub const ENDLESS: &str = "SELECT count(*) FROM generate_series(1, 100000000) a, generate_series(1, 100000000) b WHERE a.value % 7 = b.value % 11";

#[tokio::test]
async fn what_would_change_anything_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let log = TestLog::open(dir.path(), 0);
    let lake = lake(dir.path(), &[&log]);
    let target = dir.path().join("stolen.csv");
    let target = target.display();
    for query in [
        "CREATE TABLE t AS SELECT 1",
        "CREATE VIEW t AS SELECT 1",
        "CREATE SCHEMA t",
        "SELECT 1 AS x INTO t",
        "INSERT INTO meter_values (station_id) VALUES ('x')",
        "UPDATE meter_values SET station_id = 'x'",
        "DELETE FROM meter_values",
        "TRUNCATE meter_values",
        "DROP TABLE meter_values",
        "DROP VIEW transactions",
        "ALTER TABLE meter_values ADD COLUMN x INT",
        &format!("COPY (SELECT 1) TO '{target}'"),
        "CREATE FUNCTION f() RETURNS INT RETURN 1",
        "SET datafusion.execution.batch_size = 1",
        "PREPARE p AS SELECT 1",
        "GRANT ALL ON meter_values TO public",
        "EXPLAIN ANALYZE INSERT INTO meter_values (station_id) VALUES ('x')",
        "WITH x AS (DELETE FROM meter_values RETURNING 1) SELECT * FROM x",
    ] {
        let error = batches(&lake.sql(), &admin(), query)
            .await
            .expect_err(query);
        assert!(
            matches!(
                error,
                SqlError::ReadOnly(_) | SqlError::Invalid(_) | SqlError::Unsupported(_)
            ),
            "{query}: {error:?}"
        );
    }
    // Files of the server are no tables.
    for query in [
        "SELECT * FROM '/etc/passwd'",
        "CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '/etc/passwd'",
    ] {
        let error = batches(&lake.sql(), &admin(), query)
            .await
            .expect_err(query);
        assert!(
            matches!(
                error,
                SqlError::ReadOnly(_) | SqlError::Invalid(_) | SqlError::UndefinedTable(_)
            ),
            "{query}: {error:?}"
        );
    }
    assert!(!dir.path().join("stolen.csv").exists());
    assert_eq!(
        value(&lake.sql(), "SELECT count(*) FROM meter_values").await,
        "0"
    );
}

#[tokio::test]
async fn bad_queries_say_what_is_wrong() {
    let dir = tempfile::tempdir().unwrap();
    let log = TestLog::open(dir.path(), 0);
    let lake = lake(dir.path(), &[&log]);
    for (query, part) in [
        ("", "empty"),
        ("SELECT 1; SELECT 2", "2 statements"),
        ("SELEC 1", "SELEC"),
        ("SELECT nothing FROM meter_values", "nothing"),
        ("SELECT * FROM meter_value", "meter_value"),
        ("SELECT 1/0", "division by zero"),
    ] {
        let error = batches(&lake.sql(), &admin(), query)
            .await
            .expect_err(query)
            .to_string();
        assert!(error.contains(part), "{query}: {error}");
    }
}

#[tokio::test]
async fn a_tenant_sees_its_rows_alone_in_memory_and_in_files() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = TestLog::open(dir.path(), 0);
    let lake = lake(dir.path(), &[&log]);
    let sql = lake.sql();
    let other = principal("other", Role::Admin);
    log.append("default/CP1", T0, meter(Some(1), 1, T0, 1_000, 1.0));
    log.append("other/CP1", T0, meter(Some(1), 1, T0, 5_000, 1.0));
    log.append("other/CP2", T0, meter(None, 1, T0, 7_000, 1.0));
    let ended = fleet::record::TransactionEventKind::Ended;
    log.append(
        "other/CP1",
        T0,
        transaction(1, ended, T0, T0 + MINUTE, 5_000),
    );
    log.sync();
    until(&sql, "SELECT count(*) FROM meter_values", "1").await;
    let questions = [
        ("SELECT count(*) FROM meter_values", "1", "2"),
        ("SELECT count(energy_wh) FROM meter_values", "1", "2"),
        (
            "SELECT count(*) FROM meter_values WHERE tenant = 'other' OR true",
            "1",
            "2",
        ),
        (
            "SELECT count(*) FROM (SELECT DISTINCT tenant FROM meter_values)",
            "1",
            "1",
        ),
        ("SELECT count(*) FROM transactions", "0", "1"),
        (
            "SELECT count(*) FROM transaction_events e LEFT JOIN meter_values m ON true",
            "0",
            "2",
        ),
        (
            "SELECT count(*) FROM meter_values_long WHERE measurand = 'Power.Active.Import'",
            "1",
            "2",
        ),
        (
            "SELECT count(*) FROM meter_values WHERE station_id = (SELECT max(station_id) FROM meter_values)",
            "1",
            "1",
        ),
    ];
    for place in ["in memory", "in files"] {
        for (query, ours, theirs) in questions {
            assert_eq!(
                value_for(&sql, &admin(), query).await,
                ours,
                "{place}: {query}"
            );
            assert_eq!(
                value_for(&sql, &other, query).await,
                theirs,
                "{place}: {query}"
            );
        }
        let projected = batches(
            &sql,
            &other,
            "SELECT station_id, energy_wh FROM meter_values ORDER BY 1",
        )
        .await;
        assert_eq!(
            projected
                .unwrap()
                .iter()
                .map(RecordBatch::num_rows)
                .sum::<usize>(),
            2
        );
        lake.flush().await.unwrap();
    }
}

async fn value_for(sql: &Sql, who: &pipeline::Principal, query: &str) -> String {
    let rows = batches(sql, who, query)
        .await
        .unwrap_or_else(|e| panic!("{query}: {e}"));
    arrow::util::display::array_value_to_string(rows[0].column(0), 0).unwrap()
}

#[tokio::test]
async fn raw_frames_need_the_operator_role() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = TestLog::open(dir.path(), 0);
    let lake = lake(dir.path(), &[&log]);
    let message = Message {
        direction: Direction::FromStation.code(),
        message_type: 2,
        message_id: "1".to_owned(),
        action: "Heartbeat".to_owned(),
        raw: r#"[2,"1","Heartbeat",{}]"#.to_owned(),
    };
    log.put("default/CP1", T0, message);
    let query = "SELECT count(*) FROM ocpp_messages";
    until(&lake.sql(), query, "1").await;
    let operator = principal("default", Role::Operator);
    assert_eq!(value_for(&lake.sql(), &operator, query).await, "1");
    let reader = principal("default", Role::ReadOnly);
    for query in [
        query,
        "SELECT raw FROM ocpp_messages",
        "SELECT (SELECT max(raw) FROM ocpp_messages) FROM meter_values",
        "SELECT raw FROM quarantined_messages",
        "SELECT payload FROM notifications",
    ] {
        let error = batches(&lake.sql(), &reader, query).await.expect_err(query);
        assert!(
            matches!(error, SqlError::Forbidden { .. }),
            "{query}: {error:?}"
        );
        assert!(error.to_string().ends_with(" is read_only"), "{error}");
    }
    assert_eq!(
        value_for(
            &lake.sql(),
            &reader,
            "SELECT count(*) FROM connection_events"
        )
        .await,
        "0"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timeout_ends_the_work_and_not_only_the_answer() {
    let dir = tempfile::tempdir().unwrap();
    let log = TestLog::open(dir.path(), 0);
    let lake = lake(dir.path(), &[&log]);
    let sql = lake.sql();
    let limits = Limits {
        timeout: Some(Duration::from_millis(300)),
        rows_max: None,
    };
    let error = match sql.execute(&admin(), ENDLESS, limits).await {
        Ok(stream) => stream
            .try_collect::<Vec<_>>()
            .await
            .expect_err("it runs for hours"),
        Err(error) => error,
    };
    assert!(matches!(error, SqlError::Timeout { .. }), "{error:?}");
    idle(&sql).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_stream_ends_the_work() {
    let dir = tempfile::tempdir().unwrap();
    let log = TestLog::open(dir.path(), 0);
    let lake = lake(dir.path(), &[&log]);
    let sql = lake.sql();
    let endless_rows = "SELECT a.value FROM generate_series(1, 100000000) a";
    let mut rows = sql
        .execute(&admin(), endless_rows, Limits::default())
        .await
        .unwrap();
    rows.next().await.unwrap().unwrap();
    assert!(sql.running_tasks() != 0);
    drop(rows);
    idle(&sql).await;
}

#[tokio::test]
async fn a_result_beyond_the_row_limit_is_an_error_and_not_cut() {
    let dir = tempfile::tempdir().unwrap();
    let log = TestLog::open(dir.path(), 0);
    let lake = lake(dir.path(), &[&log]);
    let limits = Limits {
        timeout: None,
        rows_max: Some(1_000),
    };
    let run = async |rows: usize| {
        let query = format!("SELECT * FROM generate_series(1, {rows})");
        let stream = lake.sql().execute(&admin(), &query, limits).await?;
        let batches: Vec<_> = stream.try_collect().await?;
        Ok::<usize, SqlError>(batches.iter().map(RecordBatch::num_rows).sum())
    };
    assert_eq!(run(1_000).await.unwrap(), 1_000);
    assert!(matches!(
        run(1_001).await,
        Err(SqlError::TooManyRows { rows_max: 1_000 })
    ));
}

#[tokio::test]
async fn no_function_makes_more_than_a_bound_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let log = TestLog::open(dir.path(), 0);
    let lake = lake(dir.path(), &[&log]);
    for query in [
        "SELECT length(repeat('xy', 2000000000))",
        "SELECT length(lpad('x', 2000000000, 'y'))",
        "SELECT length(rpad('x', 2000000000))",
        "SELECT max(length(repeat('x', value))) FROM generate_series(1, 100000)",
        "SELECT array_length(range(1, 1000000000000))",
        "SELECT array_length(generate_series(1, 1000000000000))",
        "SELECT array_length(array_repeat(1, 1000000000))",
        "SELECT array_length(array_resize([1], 1000000000, 1))",
    ] {
        let error = batches(&lake.sql(), &admin(), query)
            .await
            .expect_err(query);
        assert!(
            matches!(
                error,
                SqlError::Resources(_) | SqlError::Invalid(_) | SqlError::UndefinedFunction(_)
            ),
            "{query}: {error:?}"
        );
    }
    let fits = "SELECT sum(length(repeat('x', value)) + length(lpad('x', 20, 'y'))) FROM generate_series(1, 100)";
    assert_eq!(value(&lake.sql(), fits).await, "7050");
}

/// As complicated as a query may be, and one beyond.
pub fn long_conditions() -> [String; 2] {
    let of = |terms: usize| {
        format!("SELECT 1 WHERE false{}", " OR 1 = seq_no".repeat(terms))
            .replace("WHERE", "FROM transaction_events WHERE")
    };
    [of(497), of(500)]
}

#[tokio::test]
async fn a_query_as_long_as_is_allowed_overflows_no_stack() {
    let dir = tempfile::tempdir().unwrap();
    let log = TestLog::open(dir.path(), 0);
    let lake = lake(dir.path(), &[&log]);
    let [longest, too_long] = long_conditions();
    let answer = batches(&lake.sql(), &admin(), &longest).await;
    assert!(answer.is_ok(), "{answer:?}");
    let deep = |n| format!("SELECT {}1{}", "(".repeat(n), ")".repeat(n));
    let nested = format!("SELECT {}", "- ".repeat(990) + "1");
    for query in [
        too_long,
        deep(490),
        deep(100_000),
        nested,
        "SELECT ".repeat(3_000),
        "[".repeat(3_000),
    ] {
        let error = batches(&lake.sql(), &admin(), &query)
            .await
            .expect_err("too deep");
        assert!(
            matches!(error, SqlError::TooComplex(_) | SqlError::Invalid(_)),
            "{error:?}"
        );
    }
    let list = format!(
        "SELECT count(*) FROM transaction_events WHERE seq_no IN ({}1)",
        "1, ".repeat(20_000)
    );
    assert_eq!(
        value(&lake.sql(), &list).await,
        "0",
        "a list of literals weighs nothing"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_is_bounded_by_spilling_and_then_by_refusing() {
    let dir = tempfile::tempdir().unwrap();
    let log = TestLog::open(dir.path(), 0);
    let sorted = "SELECT max(n) FROM (SELECT *, row_number() OVER (ORDER BY value % 1000003, value) AS n FROM generate_series(1, 1000000))";
    let mut small = config(dir.path());
    small.query.memory = 8 << 20;
    let lake = lake_with(small.clone(), &[&log]);
    assert_eq!(value(&lake.sql(), sorted).await, "1000000", "it spills");
    lake.shutdown().await.unwrap();
    small.query.spill_bytes = 1 << 20;
    let lake = lake_with(small, &[&log]);
    let error = batches(&lake.sql(), &admin(), sorted)
        .await
        .expect_err("no room to spill");
    assert!(matches!(error, SqlError::Resources(_)), "{error:?}");
}

#[tokio::test]
async fn a_sort_takes_whatever_lies_below_it() {
    let dir = tempfile::tempdir().unwrap();
    let log = TestLog::open(dir.path(), 0);
    let sql = lake(dir.path(), &[&log]).sql();
    let rows = "(SELECT value, value % 1000 AS k, 'a name that is longer than a view ' || value::varchar AS name \
                FROM generate_series(1, 300000))";
    // A window's rows, an aggregate's groups, both sides of a join.
    for query in [
        format!(
            "SELECT count(*) FROM (SELECT row_number() OVER (PARTITION BY k ORDER BY first DESC, name) AS nth
             FROM (SELECT *, first_value(name) OVER (PARTITION BY k ORDER BY value) AS first FROM {rows}))"
        ),
        format!(
            "SELECT count(*) FROM (SELECT row_number() OVER (ORDER BY n, name) AS nth
             FROM (SELECT name, count(*) AS n FROM {rows} GROUP BY name))"
        ),
        format!(
            "SELECT count(*) FROM (SELECT row_number() OVER (ORDER BY a.name, b.name) AS nth
             FROM {rows} a JOIN {rows} b ON a.value = b.value)"
        ),
    ] {
        assert_eq!(value(&sql, &query).await, "300000", "{query}");
    }
}

#[tokio::test]
async fn no_type_makes_room_for_more_than_there_is() {
    let dir = tempfile::tempdir().unwrap();
    let log = TestLog::open(dir.path(), 0);
    let lake = lake(dir.path(), &[&log]);
    let sql = lake.sql();
    for query in [
        "SELECT arrow_cast(NULL, 'FixedSizeBinary(2147483647)')",
        "SELECT arrow_try_cast(NULL, 'FixedSizeBinary(2147483647)')",
        "SELECT CAST(NULL AS INT[2147483647])",
        "SELECT (NULL::INT[65536][65536]) IS NULL",
        "SELECT 1 WHERE EXISTS (SELECT NULL::INT[2147483647])",
    ] {
        let error = batches(&sql, &admin(), query).await.expect_err(query);
        assert!(
            matches!(
                error,
                SqlError::TooComplex(_) | SqlError::UndefinedFunction(_)
            ),
            "{query}: {error:?}"
        );
    }
    assert_eq!(value(&sql, "SELECT (NULL::INT[3]) IS NULL").await, "true");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_join_that_is_summed_up_can_be_ended_too() {
    let dir = tempfile::tempdir().unwrap();
    let log = TestLog::open(dir.path(), 0);
    let lake = lake(dir.path(), &[&log]);
    let sql = lake.sql();
    let limits = Limits {
        timeout: Some(Duration::from_millis(100)),
        rows_max: None,
    };
    for query in [
        "SELECT sum(length(md5(a.value::text || b.value::text))) FROM generate_series(1, 100000) a, generate_series(1, 100000) b",
        "WITH RECURSIVE r AS (SELECT 1 n UNION ALL SELECT n + 1 FROM r) SELECT count(*) FROM r",
    ] {
        let asked = async {
            let rows = sql.execute(&admin(), query, limits).await?;
            rows.try_collect::<Vec<_>>().await
        };
        let ended = tokio::time::timeout(DEADLINE, asked);
        let error = ended.await.expect(query).expect_err(query);
        assert!(
            matches!(error, SqlError::Timeout { .. }),
            "{query}: {error:?}"
        );
        idle(&sql).await;
    }
}
