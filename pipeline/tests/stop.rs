//! What ends when a query is ended: the work, whatever operator it is in, and not only the answer.

use std::time::Duration;

use futures::TryStreamExt;
use pipeline::{Limits, Sql, SqlError, Steps};
use tokio::task::JoinHandle;

use crate::support::*;

/// Batches that may still come out of operators when a query ends: each was at work on one.
const LATE_MAX: u64 = 32;
const DEADLINE: Duration = Duration::from_secs(60);

/// Each works for many seconds, most of them in an operator that reads everything before it gives a row. The number is
/// of batches after which it is ended: then sorts spill, tables are built, groups are many.
pub const LABORIOUS: [(&str, u64, &str); 12] = [
    (
        "a sort of several columns",
        8_000,
        "SELECT value FROM generate_series(1, 20000000) ORDER BY value % 1000, value % 77 DESC, (value % 1003)::text, value",
    ),
    (
        "a window over ordered rows",
        20_000,
        "SELECT max(n) FROM (SELECT row_number() OVER (ORDER BY value % 1000003, value) AS n FROM generate_series(1, 90000000))",
    ),
    (
        "a frame that is moved",
        1_000,
        "SELECT max(n) FROM (SELECT sum(value) OVER (ORDER BY value % 1003 ROWS BETWEEN 5 PRECEDING AND UNBOUNDED FOLLOWING) AS n FROM generate_series(1, 20000000))",
    ),
    (
        "groups of text",
        4_000,
        "SELECT max(c) FROM (SELECT value::text AS k, count(*) AS c, avg(value) FROM generate_series(1, 90000000) GROUP BY k)",
    ),
    (
        "distinct rows of two inputs",
        8_000,
        "SELECT max(value) FROM (SELECT value FROM generate_series(1, 90000000) UNION SELECT value * 2 FROM generate_series(1, 90000000))",
    ),
    (
        "an ordered list",
        3_000,
        "SELECT array_length(array_agg(value ORDER BY (value % 1003)::text, value % 77 DESC, value)) FROM generate_series(1, 4000000)",
    ),
    (
        "a join on keys",
        8_000,
        "SELECT count(*) FROM generate_series(1, 90000000) a JOIN generate_series(1, 90000000) b ON a.value = b.value * 3",
    ),
    (
        "a join on an inequality",
        1_000,
        "SELECT count(*) FROM generate_series(1, 1000000) a JOIN generate_series(1, 1000000) b ON a.value < b.value",
    ),
    (
        "every pair",
        8_000,
        "SELECT count(*) FROM generate_series(1, 10000000) a, generate_series(1, 10000000) b WHERE a.value % 7 + b.value % 11 > 100",
    ),
    (
        "a regular expression over long text",
        10,
        "SELECT count(*) FROM generate_series(1, 20000000) WHERE repeat(value::text, 200) ~ '(1|2|3|12|23)*[a-z]{1,20}(.*x)+$'",
    ),
    (
        "text made and hashed",
        10,
        "SELECT max(length(md5(repeat(value::text, 1000)))) FROM generate_series(1, 20000000)",
    ),
    (
        "a recursion",
        10_000,
        "WITH RECURSIVE r AS (SELECT 1 n UNION ALL SELECT n + 1 FROM r) SELECT count(*) FROM r",
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn whatever_an_operator_does_its_work_ends_with_the_query() {
    let dir = tempfile::tempdir().unwrap();
    let log = TestLog::open(dir.path(), 0);
    let lake = lake(dir.path(), &[&log]);
    let sql = lake.sql();
    for (name, batches, query) in LABORIOUS {
        let before = sql.steps();
        let running = start(&sql, query, Limits::default());
        worked(&sql, name, &running, before.batches + batches).await;
        running.abort();
        ends(&sql, name, before).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timeout_ends_what_gives_no_row() {
    let dir = tempfile::tempdir().unwrap();
    let log = TestLog::open(dir.path(), 0);
    let lake = lake(dir.path(), &[&log]);
    let sql = lake.sql();
    let limits = Limits {
        timeout: Some(Duration::from_millis(700)),
        rows_max: None,
    };
    for (name, _, query) in LABORIOUS {
        let before = sql.steps();
        let ended = start(&sql, query, limits).await.unwrap();
        // A limit may be met before the time is over.
        assert!(
            matches!(
                ended,
                Err(SqlError::Timeout { .. } | SqlError::Cancelled | SqlError::Resources(_))
            ),
            "{name}: {ended:?}"
        );
        ends(&sql, name, before).await;
    }
}

#[tokio::test]
async fn what_works_through_all_it_read_in_one_step_reads_a_bounded_number_of_rows() {
    let dir = tempfile::tempdir().unwrap();
    let log = TestLog::open(dir.path(), 0);
    let lake = lake(dir.path(), &[&log]);
    let sql = lake.sql();
    let moved = |rows| {
        format!(
            "SELECT max(n) FROM (SELECT sum(value) OVER (ORDER BY value ROWS BETWEEN 5 PRECEDING AND UNBOUNDED FOLLOWING) AS n FROM generate_series(1, {rows}))"
        )
    };
    let listed = |rows| {
        format!(
            "SELECT array_length(array_agg(DISTINCT value ORDER BY value)) FROM generate_series(1, {rows})"
        )
    };
    assert_eq!(value(&sql, &moved(20_000)).await, "200010000");
    assert_eq!(value(&sql, &listed(150_000)).await, "150000");
    for query in [moved(600_000), listed(600_000)] {
        let error = batches(&sql, &admin(), &query).await.expect_err(&query);
        assert!(
            matches!(error, SqlError::Resources(_)),
            "{query}: {error:?}"
        );
    }
}

#[tokio::test]
async fn a_window_takes_any_number_of_rows_a_partition_at_a_time() {
    let dir = tempfile::tempdir().unwrap();
    let log = TestLog::open(dir.path(), 0);
    let lake = lake(dir.path(), &[&log]);
    let sql = lake.sql();
    // Partitions smaller than a batch, as large, larger; in step with batches and not.
    for (rows, len) in [
        (20_000, 1),
        (50_000, 7),
        (50_000, 2_048),
        (50_000, 5_000),
        (7, 9),
    ] {
        let each = format!("(value - 1) / {len}");
        let query = format!(
            "SELECT count(*) FROM (SELECT {each} AS k, sum(value) OVER (PARTITION BY {each}) AS n FROM generate_series(1, {rows})) a
             JOIN (SELECT {each} AS k, sum(value) AS s FROM generate_series(1, {rows}) GROUP BY 1) b ON a.k = b.k WHERE n = s"
        );
        assert_eq!(value(&sql, &query).await, rows.to_string(), "{len}");
    }
    // More rows than one partition may have.
    let moved = "SELECT count(n) FROM (SELECT sum(value) OVER (PARTITION BY value % 10 ORDER BY value ROWS BETWEEN 5 PRECEDING AND UNBOUNDED FOLLOWING) AS n FROM generate_series(1, 1200000))";
    assert_eq!(value(&sql, moved).await, "1200000");
    // What looks a bounded way back or ahead needs no whole partition.
    let lag = "EXPLAIN SELECT lag(energy_wh) OVER (PARTITION BY station_id, evse_id ORDER BY measured_at) FROM meter_values";
    let plan = table(&sql, lag).await;
    assert!(plan.contains("BoundedWindowAggExec"), "{plan}");
}

/// Asks, and reads every row.
pub fn start(sql: &Sql, query: &str, limits: Limits) -> JoinHandle<Result<(), SqlError>> {
    let (sql, query) = (sql.clone(), query.to_owned());
    tokio::spawn(async move {
        let mut rows = sql.execute(&admin(), &query, limits).await?;
        while rows.try_next().await?.is_some() {}
        Ok(())
    })
}

/// Waits until operators have handed out so many batches.
pub async fn worked<T>(sql: &Sql, name: &str, running: &JoinHandle<T>, batches: u64) {
    let working = async {
        // One that meets a limit first has ended by itself.
        while sql.steps().batches < batches && !running.is_finished() {
            pause().await;
        }
    };
    let waited = tokio::time::timeout(DEADLINE, working).await;
    waited.unwrap_or_else(|_| panic!("{name} does not work: {:?}", sql.steps()));
}

/// Waits until nothing works any more, and says if it went on for long.
pub async fn ends(sql: &Sql, name: &str, before: Steps) {
    let ending = async {
        while sql.running_tasks() != 0 {
            pause().await;
        }
    };
    let waited = tokio::time::timeout(DEADLINE, ending).await;
    waited.unwrap_or_else(|_| panic!("{name} goes on: {:?}", sql.steps()));
    let late = sql.steps().batches_late - before.batches_late;
    println!("{name}: {:?}", sql.steps());
    assert!(
        late <= LATE_MAX,
        "{name} handed out {late} batches after its end"
    );
}

/// Leaves the cores to the query for a moment.
async fn pause() {
    let moment = Duration::from_millis(2);
    let nothing = tokio::time::timeout(moment, std::future::pending::<()>()).await;
    assert!(nothing.is_err());
}
