//! Questions in PostgreSQL's words, as its users and their tools write them.

use pipeline::SqlError;

use crate::support::*;

#[tokio::test]
async fn postgres_words_have_postgres_answers() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = TestLog::open(dir.path(), 0);
    let lake = lake(dir.path(), &[&log]);
    log.put("default/CP1", T0, meter(None, 1, T0, 1_500, 11_000.0));
    until(&lake.sql(), "SELECT count(*) FROM meter_values", "1").await;
    for (query, expected) in [
        (
            "SELECT to_char(measured_at, 'YYYY-MM-DD HH24:MI') FROM meter_values",
            "2026-11-22 10:00",
        ),
        (
            "SELECT to_char(measured_at AT TIME ZONE 'America/Sao_Paulo', 'HH24:MI') FROM meter_values",
            "07:00",
        ),
        (
            "SELECT to_char(energy_wh, 'FM990.000') FROM meter_values",
            "1.500",
        ),
        (
            "SELECT date_trunc('day', TIMESTAMPTZ '2026-11-22 02:00:00Z', 'America/Sao_Paulo')",
            "2026-11-21T00:00:00-03:00",
        ),
        (
            "SELECT timezone('America/Sao_Paulo', measured_at)::date FROM meter_values",
            "2026-11-22",
        ),
        (
            "SELECT to_timestamp('22/11/2026 10:30', 'DD/MM/YYYY HH24:MI') = TIMESTAMPTZ '2026-11-22 10:30:00Z'",
            "true",
        ),
        ("SELECT to_date('22/11/2026', 'DD/MM/YYYY')", "2026-11-22"),
        ("SELECT max(n) FROM generate_series(1, 3) AS t(n)", "3"),
        (
            "SELECT count(d) FROM generate_series(TIMESTAMP '2026-11-22', TIMESTAMP '2026-11-24', '1 day') AS t(d)",
            "3",
        ),
        (
            "SELECT age(measured_at, measured_at - INTERVAL '3 days') FROM meter_values",
            "3 days",
        ),
        ("SELECT age(now()) IS NULL", "false"),
        // One name twice.
        ("SELECT 1::float8, 1::bigint, 1::bigint", "1.0"),
        (
            "SELECT measured_at::date, measured_at::time, measured_at::date FROM meter_values",
            "2026-11-22",
        ),
        (
            "SELECT count(*), count(*) FROM meter_values ORDER BY 1",
            "1",
        ),
    ] {
        assert_eq!(value(&lake.sql(), query).await, expected, "{query}");
    }
    let schema = lake
        .sql()
        .execute(
            &admin(),
            "SELECT 1::int, 2::int",
            pipeline::Limits::default(),
        )
        .await
        .unwrap()
        .schema();
    let names: Vec<_> = schema.fields().iter().map(|field| field.name()).collect();
    assert_eq!(names, ["int", "int"]);
}

#[tokio::test]
async fn what_would_be_read_otherwise_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let log = TestLog::open(dir.path(), 0);
    let lake = lake(dir.path(), &[&log]);
    for (query, part) in [
        (
            "SELECT 'abc' SIMILAR TO 'a%'",
            "SIMILAR TO is not answered here",
        ),
        (
            "SELECT to_timestamp('1', 'Q')",
            "to_timestamp reads no pattern Q",
        ),
    ] {
        let error = batches(&lake.sql(), &admin(), query).await.unwrap_err();
        assert!(
            matches!(&error, SqlError::Unsupported(text) if text.contains(part)),
            "{error}"
        );
    }
}

#[tokio::test]
async fn the_information_schema_says_types_as_postgres_does() {
    let dir = tempfile::tempdir().unwrap();
    let log = TestLog::open(dir.path(), 0);
    let lake = lake(dir.path(), &[&log]);
    for (column, expected) in [
        ("tenant", "text text"),
        ("evse_id", "integer int4"),
        ("measured_at", "timestamp with time zone timestamptz"),
        ("energy_wh", "numeric numeric"),
        ("power_w", "double precision float8"),
        ("offline", "boolean bool"),
        ("seq", "bigint int8"),
        ("date", "date date"),
    ] {
        let query = format!(
            "SELECT data_type || ' ' || udt_name FROM information_schema.columns \
             WHERE table_name = 'meter_values' AND column_name = '{column}'"
        );
        assert_eq!(value(&lake.sql(), &query).await, expected, "{column}");
    }
    let arrows = "SELECT count(*) FROM information_schema.columns WHERE table_schema = 'sigec' \
                  AND data_type NOT IN ('text', 'integer', 'bigint', 'double precision', 'boolean', 'date', 'numeric', \
                                        'timestamp with time zone')";
    assert_eq!(value(&lake.sql(), arrows).await, "0");
    let tables = "SELECT count(*) FROM information_schema.tables WHERE table_name = 'meter_values'";
    assert_eq!(value(&lake.sql(), tables).await, "1");
}
