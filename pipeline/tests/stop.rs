//! What ends when a query is ended: the work, whatever operator it is in, and not only the answer.

use std::time::Duration;

use futures::TryStreamExt;
use pipeline::{Limits, Sql, SqlError};
use tokio::task::JoinHandle;

use crate::support::*;

/// CPU that a query may use after its end: 200 ms of two threads, twice, because the tests are not optimised.
const AFTER_MAX: Duration = Duration::from_millis(800);
/// CPU after which queries are ended: then sorts spill, tables are built, groups are many.
const WORK: Duration = Duration::from_millis(1_500);
const DEADLINE: Duration = Duration::from_secs(60);

/// Each works for many seconds, most of them in an operator that reads everything before it gives a row.
pub const LABORIOUS: [(&str, &str); 12] = [
    (
        "a sort of several columns",
        "SELECT value FROM generate_series(1, 20000000) ORDER BY value % 1000, value % 77 DESC, (value % 1003)::text, value",
    ),
    (
        "a window over ordered rows",
        "SELECT max(n) FROM (SELECT row_number() OVER (ORDER BY value % 1000003, value) AS n FROM generate_series(1, 90000000))",
    ),
    (
        "a frame that is moved",
        "SELECT max(n) FROM (SELECT sum(value) OVER (ORDER BY value % 1003 ROWS BETWEEN 5 PRECEDING AND UNBOUNDED FOLLOWING) AS n FROM generate_series(1, 20000000))",
    ),
    (
        "groups of text",
        "SELECT max(c) FROM (SELECT value::text AS k, count(*) AS c, avg(value) FROM generate_series(1, 90000000) GROUP BY k)",
    ),
    (
        "distinct rows of two inputs",
        "SELECT max(value) FROM (SELECT value FROM generate_series(1, 90000000) UNION SELECT value * 2 FROM generate_series(1, 90000000))",
    ),
    (
        "an ordered list",
        "SELECT array_length(array_agg(value ORDER BY value % 1003)) FROM generate_series(1, 20000000)",
    ),
    (
        "a join on keys",
        "SELECT count(*) FROM generate_series(1, 90000000) a JOIN generate_series(1, 90000000) b ON a.value = b.value * 3",
    ),
    (
        "a join on an inequality",
        "SELECT count(*) FROM generate_series(1, 1000000) a JOIN generate_series(1, 1000000) b ON a.value < b.value",
    ),
    (
        "every pair",
        "SELECT count(*) FROM generate_series(1, 10000000) a, generate_series(1, 10000000) b WHERE a.value % 7 + b.value % 11 > 100",
    ),
    (
        "a regular expression over long text",
        "SELECT count(*) FROM generate_series(1, 20000000) WHERE repeat(value::text, 200) ~ '(1|2|3|12|23)*[a-z]{1,20}(.*x)+$'",
    ),
    (
        "text made and hashed",
        "SELECT max(length(md5(repeat(value::text, 1000)))) FROM generate_series(1, 20000000)",
    ),
    (
        "a recursion",
        "WITH RECURSIVE r AS (SELECT 1 n UNION ALL SELECT n + 1 FROM r) SELECT count(*) FROM r",
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn whatever_an_operator_does_its_work_ends_with_the_query() {
    let dir = tempfile::tempdir().unwrap();
    let log = TestLog::open(dir.path(), 0);
    let lake = lake(dir.path(), &[&log]);
    let sql = lake.sql();
    for (name, query) in LABORIOUS {
        let running = start(&sql, query, Limits::default());
        worked(&sql, name, &running).await;
        running.abort();
        ends(&sql, name).await;
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
    for (name, query) in LABORIOUS {
        let ended = start(&sql, query, limits).await.unwrap();
        // A limit may be met before the time is over.
        assert!(
            matches!(
                ended,
                Err(SqlError::Timeout { .. } | SqlError::Cancelled | SqlError::Resources(_))
            ),
            "{name}: {ended:?}"
        );
        ends(&sql, name).await;
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
            "SELECT array_length(array_agg(value ORDER BY value % 7)) FROM generate_series(1, {rows})"
        )
    };
    assert_eq!(value(&sql, &moved(20_000)).await, "200010000");
    assert_eq!(value(&sql, &listed(20_000)).await, "20000");
    for query in [moved(600_000), listed(600_000)] {
        let error = batches(&sql, &admin(), &query).await.expect_err(&query);
        assert!(
            matches!(error, SqlError::Resources(_)),
            "{query}: {error:?}"
        );
    }
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

/// Waits until the query has used its share of CPU.
pub async fn worked<T>(sql: &Sql, name: &str, running: &JoinHandle<T>) {
    let before = sql.cpu_time();
    let working = async {
        while sql.cpu_time() - before < WORK {
            // One that meets a limit first has ended by itself.
            if running.is_finished() {
                return;
            }
            pause().await;
        }
    };
    let waited = tokio::time::timeout(DEADLINE, working).await;
    waited.unwrap_or_else(|_| panic!("{name} does not work"));
}

/// Waits until nothing works any more, and says if that took too much CPU.
pub async fn ends(sql: &Sql, name: &str) {
    let before = sql.cpu_time();
    let ending = async {
        while sql.running_tasks() != 0 {
            pause().await;
        }
    };
    let waited = tokio::time::timeout(DEADLINE, ending).await;
    waited.unwrap_or_else(|_| panic!("{name} goes on"));
    let after = sql.cpu_time() - before;
    println!("{name}: {} ms of CPU after its end", after.as_millis());
    // Its rows are sorted before anybody counts them, and a sort of what was read is not left: 807 ms were seen.
    let twice = 1 + u32::from(name == "an ordered list");
    assert!(
        after < AFTER_MAX * twice,
        "{name} used {after:?} of CPU after its end"
    );
}

/// Leaves the cores to the query for a moment.
async fn pause() {
    let moment = Duration::from_millis(2);
    let nothing = tokio::time::timeout(moment, std::future::pending::<()>()).await;
    assert!(nothing.is_err());
}
