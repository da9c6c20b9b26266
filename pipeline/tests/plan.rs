//! What reading and planning a query may cost: both run in steps that no abort reaches.

use std::time::Duration;

use futures::TryStreamExt;
use pipeline::{Limits, Sql, SqlError};

use crate::support::*;

/// Passes of planning rules that the most laborious of them may take.
const PLANNED_MAX: u64 = 500_000;

/// `n` items, one `by` between two.
fn list(n: usize, by: &str, item: impl Fn(usize) -> String) -> String {
    (0..n).map(item).collect::<Vec<_>>().join(by)
}

fn nested(before: &str, inner: &str, after: &str, depth: usize) -> String {
    let (before, after) = (before.repeat(depth), after.repeat(depth));
    format!("SELECT {before}{inner}{after} FROM meter_values")
}

/// Each CTE reads the one before it twice.
fn doubling(depth: usize, columns: &str) -> String {
    let ctes = list(depth, ", ", |i| {
        let next = i + 1;
        format!("c{next} AS (SELECT {columns} FROM c{i} x, c{i} y)")
    });
    format!("WITH c0 AS (SELECT * FROM meter_values), {ctes} SELECT count(*) FROM c{depth}")
}

fn joined(tables: usize, columns: &str) -> String {
    let tables = list(tables, ", ", |i| format!("meter_values t{i}"));
    format!("SELECT {columns} FROM {tables}")
}

fn unions(queries: usize, of: &str) -> String {
    list(queries, " UNION ALL ", |_| format!("SELECT seq FROM {of}"))
}

/// `inner` behind so many conditions, one within the other.
fn within(inner: &str, depth: usize) -> String {
    let before = "SELECT seq FROM meter_values WHERE seq IN (".repeat(depth);
    format!("{before}{inner}{}", ")".repeat(depth))
}

fn listed(values: usize) -> String {
    let values = list(values, ", ", |i| i.to_string());
    format!("SELECT count(*) FROM meter_values WHERE seq IN ({values})")
}

/// As laborious to plan as a query of their kind may be.
fn accepted() -> Vec<(&'static str, String)> {
    let on_keys = list(49, " ", |i| {
        format!("JOIN meter_values t{} ON t0.seq = t{}.seq", i + 1, i + 1)
    });
    let columns = |item: &str| {
        let columns = list(195, ", ", |i| item.replace('#', &i.to_string()));
        format!("SELECT {columns} FROM meter_values")
    };
    vec![
        (
            "joins on keys",
            format!("SELECT count(*) FROM meter_values t0 {on_keys}"),
        ),
        ("every pair of fifty tables", joined(50, "*")),
        ("unions", unions(50, "meter_values")),
        ("unions of a view", unions(23, "meter_values_long")),
        (
            "a long condition",
            nested("false OR seq = 1 OR ", "true", "", 245),
        ),
        ("a long sum", nested("1 + ", "seq", "", 900)),
        ("a long list", listed(25_000)),
        ("many columns", columns("seq + # AS c#")),
        (
            "many windows",
            list(1, "", |_| columns("lag(seq) OVER w c#"))
                .replace("meter_values", "meter_values WINDOW w AS (ORDER BY seq)"),
        ),
        ("CTEs that read one another twice", doubling(5, "x.seq")),
        ("the same with all columns", doubling(5, "*")),
        (
            "functions within functions",
            nested("lower(", "station_id", ")", 14),
        ),
        ("queries within queries", nested("(SELECT ", "1", ")", 7)),
        (
            "queries within conditions",
            within("SELECT seq FROM meter_values", 4),
        ),
        (
            "constants that take long",
            list(1, "", |_| {
                columns("repeat('x', #0000) c#").replace("195", "")
            }),
        ),
    ]
}

/// Beyond what is accepted: most of them would be read or planned for ever.
fn refused() -> Vec<(&'static str, String)> {
    vec![
        (
            "functions within functions",
            nested("lower(", "station_id", ")", 40),
        ),
        (
            "a bracket that is missing",
            nested("POSITION(", "1", "", 30),
        ),
        ("a cast that is not finished", nested("CAST(", "1", "", 30)),
        ("queries within queries", nested("(SELECT ", "1", ")", 8)),
        (
            "more queries within queries",
            nested("(SELECT ", "1", ")", 40),
        ),
        (
            "queries within conditions",
            within("SELECT seq FROM meter_values", 7),
        ),
        (
            "a view within conditions",
            within("SELECT seq FROM meter_values_long", 5),
        ),
        (
            "a CTE within conditions",
            format!(
                "WITH c AS ({}) {}",
                within("SELECT seq FROM meter_values", 3),
                within("SELECT seq FROM c", 4)
            ),
        ),
        ("unions of a view", unions(24, "meter_values_long")),
        (
            "tables within brackets",
            format!("SELECT 1 FROM {}", "((SELECT * FROM ".repeat(30)),
        ),
        ("tables", joined(51, "1")),
        (
            "all columns over and over",
            format!("SELECT * FROM ({}) a", joined(50, "*") + " WHERE false"),
        ),
        ("CTEs that read one another twice", doubling(30, "x.seq")),
        (
            "columns",
            format!("SELECT {}", list(1_001, ", ", |i| i.to_string())),
        ),
        ("joins with nothing between them", joined(1_001, "1")),
        ("values", listed(25_002)),
    ]
}

#[tokio::test]
async fn what_is_accepted_is_planned_in_a_bounded_number_of_steps() {
    let dir = tempfile::tempdir().unwrap();
    let log = TestLog::open(dir.path(), 0);
    let lake = lake(dir.path(), &[&log]);
    let sql = lake.sql();
    for (name, query) in accepted() {
        let (ended, planned) = ask(&sql, &query, Limits::default()).await;
        assert!(matches!(ended, Ok(())), "{name}: {ended:?}");
        println!("{name}: {planned} steps of planning");
        assert!(0 < planned && planned <= PLANNED_MAX, "{name}: {planned}");
    }
}

#[tokio::test]
async fn a_query_that_has_ended_is_planned_no_further() {
    let dir = tempfile::tempdir().unwrap();
    let log = TestLog::open(dir.path(), 0);
    let lake = lake(dir.path(), &[&log]);
    let sql = lake.sql();
    // It is over when planning begins: before the first rule, somebody asks.
    let limits = Limits {
        timeout: Some(Duration::ZERO),
        rows_max: None,
    };
    for (name, query) in accepted() {
        let (ended, planned) = ask(&sql, &query, limits).await;
        assert!(
            matches!(ended, Err(SqlError::Timeout { .. })),
            "{name}: {ended:?}"
        );
        assert_eq!(planned, 0, "{name}");
    }
}

#[tokio::test]
async fn what_would_take_too_long_to_read_or_to_plan_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let log = TestLog::open(dir.path(), 0);
    let lake = lake(dir.path(), &[&log]);
    let sql = lake.sql();
    for (name, query) in refused() {
        let (ended, planned) = ask(&sql, &query, Limits::default()).await;
        let error = ended.expect_err(name);
        assert!(
            matches!(error, SqlError::TooComplex(_)),
            "{name}: {error:?}"
        );
        assert_eq!(error.sqlstate(), "54000");
        assert_eq!(planned, 0, "{name} is refused by its text");
    }
}

/// Asks, reads every row, and counts the steps of planning.
async fn ask(sql: &Sql, query: &str, limits: Limits) -> (Result<(), SqlError>, u64) {
    let before = sql.steps();
    let ended = async {
        let rows = sql.execute(&admin(), query, limits).await?;
        rows.try_collect::<Vec<_>>().await.map(drop)
    };
    let ended = ended.await;
    idle(sql).await;
    (ended, sql.steps().planned - before.planned)
}
