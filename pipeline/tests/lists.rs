//! Ordered lists: every value once, in order, of as many rows as memory holds.

use pipeline::{Sql, SqlError};

use crate::support::*;

/// Numbers, one `,` between two.
fn joined(numbers: impl IntoIterator<Item = i64>) -> String {
    let numbers: Vec<_> = numbers.into_iter().map(|n| n.to_string()).collect();
    numbers.join(",")
}

/// 1 to `n` in the order of a key.
fn ordered<K: Ord>(n: i64, key: impl Fn(i64) -> K) -> Vec<i64> {
    let mut numbers: Vec<_> = (1..=n).collect();
    numbers.sort_by_key(|n| key(*n));
    numbers
}

async fn check(sql: &Sql, query: &str, expected: &str) {
    let found = value(sql, query).await;
    // One that is wrong is long.
    assert!(
        found == expected,
        "{query}: {} …, expected {} …",
        &found.chars().take(80).collect::<String>(),
        &expected.chars().take(80).collect::<String>()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_in_order_however_many_rows_come_from_wherever() {
    let dir = tempfile::tempdir().unwrap();
    let log = TestLog::open(dir.path(), 0);
    let sql = lake(dir.path(), &[&log]).sql();
    // Less than a step of the sort, a step, some, not a power of two of them.
    for n in [1, 5, 8_192, 8_193, 100_000] {
        let expected = joined(ordered(n, |n| (-(n % 1_003), n)));
        let by = "value ORDER BY value % 1003 DESC, value";
        let halves = format!(
            "(SELECT value FROM generate_series(1, {n}) WHERE value % 3 = 0
              UNION ALL SELECT value FROM generate_series(1, {n}) WHERE value % 3 <> 0)"
        );
        for from in [format!("generate_series(1, {n})"), halves] {
            let list = format!("SELECT array_to_string(array_agg({by}), ',') FROM {from}");
            check(&sql, &list, &expected).await;
            let text = by.replacen("value", "value::text, ','", 1);
            let text = format!("SELECT string_agg({text}) FROM {from}");
            check(&sql, &text, &expected).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_group_has_a_list_of_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let log = TestLog::open(dir.path(), 0);
    let sql = lake(dir.path(), &[&log]).sql();
    // Few groups of many rows, many of few.
    for (rows, groups) in [(60_000, 3), (60_000, 20_000)] {
        let lists = format!(
            "SELECT k, array_agg(value ORDER BY value DESC) AS l, string_agg('a name longer than a view ' || value, '; ' ORDER BY value) AS t
             FROM (SELECT value, value % {groups} AS k FROM generate_series(1, {rows})) GROUP BY k"
        );
        let each = rows / groups;
        check(
            &sql,
            &format!("SELECT count(*) FROM ({lists}) WHERE array_length(l) = {each} AND l[1] = {rows} - ({groups} - k) % {groups} AND l[{each}] = CASE k WHEN 0 THEN {groups} ELSE k END"),
            &groups.to_string(),
        )
        .await;
        check(
            &sql,
            &format!("SELECT count(*) FROM ({lists}) WHERE split_part(t, '; ', 1) = 'a name longer than a view ' || l[{each}] AND split_part(t, '; ', {each}) = 'a name longer than a view ' || l[1]"),
            &groups.to_string(),
        )
        .await;
    }
}

#[tokio::test]
async fn a_list_has_the_nulls_that_the_query_asks_for() {
    let dir = tempfile::tempdir().unwrap();
    let log = TestLog::open(dir.path(), 0);
    let sql = lake(dir.path(), &[&log]).sql();
    let rows =
        "(VALUES (1, 'c', 10), (2, NULL, 20), (3, 'a', NULL), (4, 'b', 30)) AS t(id, name, k)";
    for (list, expected) in [
        ("array_agg(name ORDER BY k)", "[c, , b, a]"),
        ("array_agg(name ORDER BY k NULLS FIRST)", "[a, c, , b]"),
        ("array_agg(name ORDER BY k DESC)", "[a, b, , c]"),
        ("array_agg(name ORDER BY k DESC NULLS LAST)", "[b, , c, a]"),
        ("array_agg(name ORDER BY name)", "[a, b, c, ]"),
        (
            "array_agg(k ORDER BY name, id) FILTER (WHERE id < 4)",
            "[, 10, 20]",
        ),
        ("array_agg(name ORDER BY k) FILTER (WHERE id > 4)", ""),
        ("string_agg(name, ', ' ORDER BY k)", "c, b, a"),
        (
            "string_agg(name, ', ' ORDER BY k) FILTER (WHERE name IS NULL)",
            "",
        ),
        ("array_agg(DISTINCT name ORDER BY name)", "[a, b, c, ]"),
        (
            "array_agg([id, k] ORDER BY id DESC)",
            "[[4, 30], [3, ], [2, 20], [1, 10]]",
        ),
    ] {
        check(&sql, &format!("SELECT {list} FROM {rows}"), expected).await;
    }
}

#[tokio::test]
async fn lists_are_bounded_by_memory() {
    let dir = tempfile::tempdir().unwrap();
    let log = TestLog::open(dir.path(), 0);
    let mut small = config(dir.path());
    small.query.memory = 32 << 20;
    let sql = lake_with(small, &[&log]).sql();
    let listed = |rows, groups| {
        format!(
            "SELECT max(array_length(l)) FROM (SELECT array_agg(value ORDER BY value % 7) AS l
             FROM generate_series(1, {rows}) GROUP BY value % {groups})"
        )
    };
    assert_eq!(value(&sql, &listed(50_000, 1)).await, "50000");
    let error = batches(&sql, &admin(), &listed(1_000_000, 1))
        .await
        .expect_err("a list larger than the memory");
    assert!(matches!(error, SqlError::Resources(_)), "{error:?}");
}
