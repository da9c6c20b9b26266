//! The Postgres wire, asked by a real client.

use std::net::SocketAddr;
use std::num::NonZeroU32;

use futures::TryStreamExt;
use pipeline::{Lake, PostgresTls, Role, ScramVerifier, serve_postgres};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

use crate::safety::{ENDLESS, long_conditions};
use crate::stop::{LABORIOUS, ends, worked};
use crate::support::*;

const ITERATIONS: u32 = 4_096;

fn verifier(token: &str, role: Role) -> ScramVerifier {
    let salt = b"sixteen byte sal".to_vec();
    let mut salted_password = vec![0; 32];
    let iterations = NonZeroU32::new(ITERATIONS).unwrap();
    let algorithm = ring::pbkdf2::PBKDF2_HMAC_SHA256;
    ring::pbkdf2::derive(
        algorithm,
        iterations,
        &salt,
        token.as_bytes(),
        &mut salted_password,
    );
    ScramVerifier {
        salt,
        iterations: ITERATIONS,
        salted_password,
        principal: principal("default", role),
    }
}

pub async fn serve(lake: &Lake) -> SocketAddr {
    serve_with(lake, None).await
}

pub async fn serve_with(lake: &Lake, tls: Option<PostgresTls>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let find = |user: &str| match user {
        "admin" => Some(verifier("secret", Role::Admin)),
        "reader" => Some(verifier("secret", Role::ReadOnly)),
        _ => None,
    };
    tokio::spawn(serve_postgres(
        listener,
        tls,
        lake.sql(),
        find,
        std::future::pending(),
    ));
    address
}

pub async fn connect(
    address: SocketAddr,
    user: &str,
    password: &str,
) -> Result<Client, tokio_postgres::Error> {
    let (client, _) = connect_with_socket(address, user, password).await?;
    Ok(client)
}

/// The task owns the socket: aborting it is a client that vanishes.
async fn connect_with_socket(
    address: SocketAddr,
    user: &str,
    password: &str,
) -> Result<(Client, JoinHandle<Result<(), tokio_postgres::Error>>), tokio_postgres::Error> {
    let mut config = tokio_postgres::Config::new();
    config
        .host(address.ip().to_string())
        .port(address.port())
        .user(user)
        .password(password)
        .dbname("sigec");
    let (client, connection) = config.connect(NoTls).await?;
    let socket = tokio::spawn(connection);
    Ok((client, socket))
}

#[tokio::test]
async fn a_client_asks_by_text_and_by_prepared_statement() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = TestLog::open(dir.path(), 0);
    let lake = lake(dir.path(), &[&log]);
    log.put("default/CP1", T0, meter(None, 1, T0, 1_500, 11_000.0));
    until(&lake.sql(), "SELECT count(*) FROM meter_values", "1").await;
    let client = connect(serve(&lake).await, "admin", "secret")
        .await
        .unwrap();

    let rows = client
        .simple_query("SELECT count(*), sum(energy_wh) FROM meter_values; SELECT 1")
        .await
        .unwrap();
    let texts: Vec<_> = rows
        .iter()
        .filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => Some(
                (0..row.len())
                    .map(|i| format!("{}={}", row.columns()[i].name(), row.get(i).unwrap()))
                    .collect::<Vec<_>>()
                    .join(" "),
            ),
            _ => None,
        })
        .collect();
    assert_eq!(texts, ["count=1 sum=1.500", "?column?=1"]);

    let row = client
        .query_one("SELECT $1 IS NULL, $2", &[&None::<&str>, &"CP1"])
        .await
        .expect("a NULL of unknown type is a value as well");
    assert_eq!((row.get(0), row.get(1)), (true, "CP1"));

    let row = client
        .query_one("SELECT station_id, power_w, evse_id FROM meter_values WHERE power_w > $1 AND station_id = $2", &[&10.0_f64, &"CP1"])
        .await
        .unwrap();
    assert_eq!(
        (
            row.get::<_, String>(0),
            row.get::<_, f64>(1),
            row.get::<_, i32>(2)
        ),
        ("CP1".to_owned(), 11_000.0, 1)
    );
}

pub async fn one_row(client: &Client, query: &str) -> Vec<String> {
    let messages = client
        .simple_query(query)
        .await
        .unwrap_or_else(|e| panic!("{query}: {e:?}"));
    let row = messages.into_iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    });
    let row = row.unwrap_or_else(|| panic!("{query}: no row"));
    (0..row.len())
        .map(|i| row.get(i).unwrap_or("NULL").to_owned())
        .collect()
}

pub fn code(error: &tokio_postgres::Error) -> &str {
    error.code().map_or("no code", |code| code.code())
}

#[tokio::test]
async fn who_cannot_prove_the_token_gets_nothing_and_is_not_told_why() {
    let dir = tempfile::tempdir().unwrap();
    let log = TestLog::open(dir.path(), 0);
    let lake = lake(dir.path(), &[&log]);
    let address = serve(&lake).await;
    for (user, password) in [("admin", "wrong"), ("admin", ""), ("nobody", "secret")] {
        let error = connect(address, user, password)
            .await
            .map(drop)
            .expect_err(user);
        assert_eq!(code(&error), "28P01", "{user}: {error:?}");
        let text = error.as_db_error().unwrap().message();
        assert_eq!(
            text,
            format!("Password authentication failed for user \"{user}\"")
        );
    }
    assert!(connect(address, "reader", "secret").await.is_ok());
}

#[tokio::test]
async fn session_statements_are_answered_and_a_transaction_block_is_followed() {
    let dir = tempfile::tempdir().unwrap();
    let log = TestLog::open(dir.path(), 0);
    let lake = lake(dir.path(), &[&log]);
    let mut client = connect(serve(&lake).await, "admin", "secret")
        .await
        .unwrap();
    client
        .batch_execute(
            "SET client_encoding TO 'UTF8'; SET application_name = 'x'; SET TIME ZONE 'UTC';
             SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY; SAVEPOINT a; RELEASE SAVEPOINT a; DISCARD ALL",
        )
        .await
        .unwrap();
    assert_eq!(one_row(&client, "SHOW server_version").await, ["16.6"]);
    assert_eq!(
        one_row(&client, "SHOW transaction_isolation").await,
        ["read committed"]
    );
    assert_eq!(one_row(&client, "SELECT current_user").await, ["tester"]);
    assert_eq!(one_row(&client, "SELECT current_schema()").await, ["sigec"]);
    assert!(one_row(&client, "SELECT version()").await[0].starts_with("PostgreSQL 16"));
    let transaction = client.transaction().await.unwrap();
    assert_eq!(
        transaction
            .query_one("SELECT 2", &[])
            .await
            .unwrap()
            .get::<_, i64>(0),
        2
    );
    transaction.commit().await.unwrap();

    let error = client
        .batch_execute("DROP TABLE meter_values")
        .await
        .unwrap_err();
    assert_eq!(code(&error), "25006");
    let error = client
        .batch_execute("SELECT x FROM meter_values")
        .await
        .unwrap_err();
    assert_eq!(code(&error), "42703");
    assert_eq!(
        one_row(&client, "SELECT 1").await,
        ["1"],
        "the connection goes on"
    );
}

#[tokio::test]
async fn parameters_and_results_have_their_types_in_binary_too() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = TestLog::open(dir.path(), 0);
    let lake = lake(dir.path(), &[&log]);
    log.put("default/CP1", T0, meter(Some(9), 1, T0, -1_500, 11_000.25));
    until(&lake.sql(), "SELECT count(*) FROM meter_values", "1").await;
    let client = connect(serve(&lake).await, "admin", "secret")
        .await
        .unwrap();
    let query = "SELECT station_id, evse_id, power_w, seq, clock_trusted, current_a, CAST(energy_wh AS TEXT) FROM meter_values WHERE seq >= $1 AND transaction_id = $2 AND clock_trusted = $3 LIMIT 5";
    let statement = client.prepare(query).await.unwrap();
    let row = client
        .query_one(&statement, &[&1_i64, &transaction_name(9), &true])
        .await
        .unwrap();
    assert_eq!(row.get::<_, &str>(0), "CP1");
    assert_eq!(row.get::<_, i32>(1), 1);
    assert_eq!(row.get::<_, f64>(2), 11_000.25);
    assert_eq!(row.get::<_, i64>(3), 1);
    assert!(row.get::<_, bool>(4));
    assert_eq!(row.get::<_, Option<f64>>(5), None);
    assert_eq!(row.get::<_, &str>(6), "-1.500");
    let none = client
        .query(&statement, &[&2_i64, &transaction_name(9), &true])
        .await
        .unwrap();
    assert!(none.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn cancel_timeout_and_a_vanished_client_end_the_work() {
    let dir = tempfile::tempdir().unwrap();
    let log = TestLog::open(dir.path(), 0);
    let lake = lake(dir.path(), &[&log]);
    let address = serve(&lake).await;

    let client = connect(address, "admin", "secret").await.unwrap();
    let cancel = client.cancel_token();
    let running = tokio::spawn(async move {
        let ended = client.simple_query(ENDLESS).await.unwrap_err();
        (client, ended)
    });
    busy(&lake.sql()).await;
    cancel.cancel_query(NoTls).await.unwrap();
    let (client, error) = running.await.unwrap();
    assert_eq!(code(&error), "57014");
    idle(&lake.sql()).await;

    client
        .batch_execute("SET statement_timeout = '100ms'")
        .await
        .unwrap();
    let error = client.simple_query(ENDLESS).await.unwrap_err();
    assert_eq!(code(&error), "57014");
    idle(&lake.sql()).await;
    client
        .batch_execute("SET statement_timeout = 0")
        .await
        .unwrap();
    assert_eq!(one_row(&client, "SELECT 1").await, ["1"]);

    let (client, socket) = connect_with_socket(address, "admin", "secret")
        .await
        .unwrap();
    let running = tokio::spawn(async move { client.simple_query(ENDLESS).await.map(drop) });
    busy(&lake.sql()).await;
    socket.abort();
    running.await.unwrap().unwrap_err();
    idle(&lake.sql()).await;
}

#[tokio::test]
async fn a_query_as_long_as_is_allowed_overflows_no_stack() {
    let dir = tempfile::tempdir().unwrap();
    let log = TestLog::open(dir.path(), 0);
    let lake = lake(dir.path(), &[&log]);
    let client = connect(serve(&lake).await, "admin", "secret")
        .await
        .unwrap();
    let [longest, too_long] = long_conditions();
    client.simple_query(&longest).await.unwrap();
    client.query(&longest, &[]).await.unwrap();
    assert_eq!(
        code(&client.simple_query(&too_long).await.unwrap_err()),
        "54000"
    );
    assert_eq!(one_row(&client, "SELECT 1").await, ["1"]);
}

#[tokio::test]
async fn the_catalog_queries_of_psql_are_answered() {
    let dir = tempfile::tempdir().unwrap();
    let log = TestLog::open(dir.path(), 0);
    let lake = lake(dir.path(), &[&log]);
    let client = connect(serve(&lake).await, "admin", "secret")
        .await
        .unwrap();
    // `\dt`, as psql 15 writes it.
    let tables = "SELECT n.nspname as \"Schema\", c.relname as \"Name\",
        CASE c.relkind WHEN 'r' THEN 'table' WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN 'i' THEN 'index' WHEN 'S' THEN 'sequence' WHEN 't' THEN 'TOAST table' WHEN 'f' THEN 'foreign table' WHEN 'p' THEN 'partitioned table' WHEN 'I' THEN 'partitioned index' END as \"Type\",
        pg_catalog.pg_get_userbyid(c.relowner) as \"Owner\"
        FROM pg_catalog.pg_class c
             LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
             LEFT JOIN pg_catalog.pg_am am ON am.oid = c.relam
        WHERE c.relkind IN ('r','p','')
              AND n.nspname <> 'pg_catalog' AND n.nspname !~ '^pg_toast' AND n.nspname <> 'information_schema'
          AND pg_catalog.pg_table_is_visible(c.oid)
        ORDER BY 1,2";
    let messages = client.simple_query(tables).await.unwrap();
    let names: Vec<_> = messages
        .iter()
        .filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => row.get(1).map(str::to_owned),
            _ => None,
        })
        .collect();
    assert!(names.iter().any(|name| name == "meter_values"), "{names:?}");
    assert!(names.iter().any(|name| name == "stations"), "{names:?}");
    let columns =
        "SELECT count(*) FROM information_schema.columns WHERE table_name = 'ocpp_messages'";
    assert_eq!(one_row(&client, columns).await, ["11"]);
}

#[tokio::test]
async fn an_error_has_the_sqlstate_that_postgres_gives_it() {
    let dir = tempfile::tempdir().unwrap();
    let log = TestLog::open(dir.path(), 0);
    let mut small = config(dir.path());
    small.query.rows_max = 1_000;
    let lake = lake_with(small, &[&log]);
    let client = connect(serve(&lake).await, "admin", "secret")
        .await
        .unwrap();
    for (query, state) in [
        ("SELECT * FROM meter_value", "42P01"),
        ("SELECT * FROM other.meter_values", "42P01"),
        ("SELECT nothing FROM meter_values", "42703"),
        ("SELECT m.nothing FROM meter_values m", "42703"),
        ("SELECT nothing(1)", "42883"),
        ("SELEC 1", "42601"),
        ("SELECT 1 +", "42601"),
        ("SELECT 1/0", "22012"),
        (
            "SELECT value / (value - 5) FROM generate_series(1, 10)",
            "22012",
        ),
        ("SELECT 'x'::int", "22P02"),
        (
            "SELECT ('x' || value::text)::int FROM generate_series(1, 10)",
            "22P02",
        ),
        ("SELECT 'x'::timestamp", "22P02"),
        ("DROP TABLE meter_values", "25006"),
        ("COPY meter_values FROM STDIN", "25006"),
        ("SELECT * FROM generate_series(1, 2000)", "54000"),
        ("SELECT NULL::INT[65536][65536]", "54000"),
        ("SELECT length(repeat('xy', 2000000000))", "53200"),
    ] {
        let error = client.simple_query(query).await.expect_err(query);
        assert_eq!(code(&error), state, "{query}: {error:?}");
    }
    client
        .batch_execute("SET statement_timeout = '50ms'")
        .await
        .unwrap();
    let error = client.simple_query(ENDLESS).await.unwrap_err();
    assert_eq!(code(&error), "57014");
}

#[tokio::test]
async fn a_copy_to_the_client_streams_lines() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = TestLog::open(dir.path(), 0);
    let lake = lake(dir.path(), &[&log]);
    log.put("default/CP1", T0, meter(None, 1, T0, 1_500, 11_000.0));
    until(&lake.sql(), "SELECT count(*) FROM meter_values", "1").await;
    let client = connect(serve(&lake).await, "admin", "secret")
        .await
        .unwrap();
    let copied = async |copy: &str| -> Result<String, tokio_postgres::Error> {
        let lines: Vec<_> = client.copy_out(copy).await?.try_collect().await?;
        Ok(String::from_utf8(lines.concat()).unwrap())
    };
    let query = "SELECT station_id, energy_wh, current_a FROM meter_values";
    for (copy, expected) in [
        (format!("COPY ({query}) TO STDOUT"), "CP1\t1.500\t\\N\n"),
        (
            format!("COPY ({query}) TO STDOUT WITH (FORMAT csv, HEADER)"),
            "station_id,energy_wh,current_a\nCP1,1.500,\n",
        ),
        (
            "COPY meter_values (station_id, evse_id) TO STDOUT CSV".to_owned(),
            "CP1,1\n",
        ),
    ] {
        assert_eq!(copied(&copy).await.unwrap(), expected, "{copy}");
    }
    let many = copied("COPY (SELECT * FROM generate_series(1, 100000)) TO STDOUT").await;
    assert_eq!(many.unwrap().lines().count(), 100_000);
    let failing = "COPY (SELECT 1 / (value - 90000) FROM generate_series(1, 100000)) TO STDOUT";
    assert_eq!(code(&copied(failing).await.unwrap_err()), "22012");
    assert_eq!(
        one_row(&client, "SELECT 1").await,
        ["1"],
        "the connection goes on after an error amid lines"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_ends_whatever_an_operator_does() {
    let dir = tempfile::tempdir().unwrap();
    let log = TestLog::open(dir.path(), 0);
    let lake = lake(dir.path(), &[&log]);
    let address = serve(&lake).await;
    for (name, batches, query) in LABORIOUS {
        let before = lake.sql().steps();
        let client = connect(address, "admin", "secret").await.unwrap();
        let cancel = client.cancel_token();
        let running = tokio::spawn(async move { client.simple_query(query).await.map(drop) });
        worked(&lake.sql(), name, &running, before.batches + batches).await;
        cancel.cancel_query(NoTls).await.unwrap();
        ends(&lake.sql(), name, before).await;
        let error = running.await.unwrap().expect_err(name);
        // A limit may be met before the cancel arrives.
        let ended = ["57014", "53200"].contains(&code(&error));
        assert!(ended, "{name}: {error:?}");
    }
}

/// As Grafana's query builder asks for tables.
const TABLES_OF_GRAFANA: &str = r#"
    SELECT CASE WHEN quote_ident(table_schema) IN (
        SELECT CASE WHEN trim(s[i]) = '"$user"' THEN user ELSE trim(s[i]) END
        FROM generate_series(array_lower(string_to_array(current_setting('search_path'), ','), 1),
                             array_upper(string_to_array(current_setting('search_path'), ','), 1)) AS i,
             string_to_array(current_setting('search_path'), ',') s)
    THEN quote_ident(table_name) ELSE quote_ident(table_schema) || '.' || quote_ident(table_name) END AS "table"
    FROM information_schema.tables
    WHERE quote_ident(table_schema) NOT IN ('information_schema', 'pg_catalog', '_timescaledb_cache')
    ORDER BY 1"#;

/// As Metabase asks for columns.
const COLUMNS_OF_METABASE: &str = r#"
    SELECT c.column_name AS name,
           CASE WHEN c.udt_schema IN ('public', 'pg_catalog') THEN format('%s', c.udt_name)
                ELSE format('"%s"."%s"', c.udt_schema, c.udt_name) END AS "database-type",
           c.ordinal_position - 1 AS "database-position", c.table_schema AS "table-schema", c.table_name AS "table-name"
    FROM information_schema.columns AS c
    WHERE c.table_schema !~ '^information_schema|catalog_history|pg_'"#;

#[tokio::test(flavor = "multi_thread")]
async fn psql_lists_and_describes() {
    let dir = tempfile::tempdir().unwrap();
    let log = TestLog::open(dir.path(), 0);
    let lake = lake(dir.path(), &[&log]);
    let address = serve(&lake).await;
    for (command, part) in [
        ("\\d", "meter_values"),
        ("\\d meter_values", "energy_wh|numeric(18,3)"),
        ("\\d transactions", "cost|numeric(18,2)"),
        ("\\d+ meter_values", "energy_wh|numeric(18,3)"),
        ("\\d+ transactions", "cost|numeric(18,2)"),
        ("\\dt", "stations"),
        ("\\dt+", "stations"),
        ("\\dv", "transactions"),
        ("\\df", ""),
        ("\\du", ""),
        ("\\dp", "meter_values"),
        ("\\dn", "sigec"),
        ("\\dn+", "sigec"),
        ("\\l", "sigec"),
        ("\\dT", ""),
        ("\\db", ""),
        ("SELECT user, current_user", "tester|tester"),
        (TABLES_OF_GRAFANA, "meter_values"),
        (COLUMNS_OF_METABASE, "sigec|meter_values"),
    ] {
        let mut psql = std::process::Command::new("psql");
        psql.args(["-X", "-At", "-h", "127.0.0.1", "-U", "admin", "-d", "sigec"])
            .args(["-p", &address.port().to_string(), "-c", command])
            .env("PGPASSWORD", "secret");
        let Ok(output) = tokio::task::spawn_blocking(move || psql.output())
            .await
            .unwrap()
        else {
            println!("SKIPPED: no psql");
            return;
        };
        let (out, error) = (
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
        );
        assert!(
            output.status.success() && error.is_empty(),
            "{command}: {error}"
        );
        assert!(out.contains(part), "{command}: {out}");
    }
}

#[tokio::test]
async fn sqlalchemy_reflects_a_table() {
    let dir = tempfile::tempdir().unwrap();
    let log = TestLog::open(dir.path(), 0);
    let lake = lake(dir.path(), &[&log]);
    let client = connect(serve(&lake).await, "admin", "secret")
        .await
        .unwrap();
    // As SQLAlchemy 2.1 writes them, shortened in their lists of columns.
    let schemas = "SELECT pg_catalog.pg_namespace.nspname FROM pg_catalog.pg_namespace
        WHERE (pg_catalog.pg_namespace.nspname NOT LIKE 'pg/_'::VARCHAR || '%' ESCAPE '/') ORDER BY pg_catalog.pg_namespace.nspname";
    let columns = "SELECT pg_catalog.pg_attribute.attname AS name, pg_catalog.format_type(pg_catalog.pg_attribute.atttypid, pg_catalog.pg_attribute.atttypmod) AS format_type,
        CASE WHEN pg_catalog.pg_attribute.atthasdef THEN (SELECT pg_catalog.pg_get_expr(pg_catalog.pg_attrdef.adbin, pg_catalog.pg_attrdef.adrelid) AS pg_get_expr_1
            FROM pg_catalog.pg_attrdef
            WHERE pg_catalog.pg_attribute.atthasdef AND pg_catalog.pg_attrdef.adrelid = pg_catalog.pg_attribute.attrelid AND pg_catalog.pg_attrdef.adnum = pg_catalog.pg_attribute.attnum) ELSE NULL END AS \"default\",
        CASE WHEN (pg_catalog.pg_attribute.attidentity != ''::VARCHAR) THEN (SELECT json_build_object('always'::VARCHAR, pg_catalog.pg_attribute.attidentity = 'a'::VARCHAR) AS json_build_object_1
            FROM pg_catalog.pg_sequence
            WHERE pg_catalog.pg_sequence.seqrelid = CAST(CAST(pg_catalog.pg_get_serial_sequence(CAST(CAST(pg_catalog.pg_attribute.attrelid AS REGCLASS) AS TEXT), pg_catalog.pg_attribute.attname) AS REGCLASS) AS OID)) ELSE NULL END AS identity_options,
        CASE WHEN (pg_catalog.pg_attribute.attcollation != 0::INTEGER AND (SELECT pg_catalog.pg_type.typcollation FROM pg_catalog.pg_type WHERE pg_catalog.pg_type.oid = pg_catalog.pg_attribute.atttypid) != pg_catalog.pg_attribute.attcollation) THEN 'x' ELSE NULL END AS collation
        FROM pg_catalog.pg_class LEFT OUTER JOIN pg_catalog.pg_attribute ON pg_catalog.pg_class.oid = pg_catalog.pg_attribute.attrelid AND pg_catalog.pg_attribute.attnum > 0::SMALLINT AND NOT pg_catalog.pg_attribute.attisdropped
        WHERE pg_catalog.pg_class.relkind = ANY (ARRAY['r'::VARCHAR, 'v'::VARCHAR]) AND pg_catalog.pg_table_is_visible(pg_catalog.pg_class.oid) AND pg_catalog.pg_class.relname IN ('transactions'::VARCHAR) AND pg_catalog.pg_attribute.attname = 'cost'";
    let keys = "SELECT count(attr.attnum) FROM (SELECT pg_catalog.pg_constraint.conrelid AS cols, unnest(pg_catalog.pg_index.indkey) AS attnum, generate_subscripts(pg_catalog.pg_index.indkey, 1::INTEGER) AS ord
        FROM pg_catalog.pg_constraint JOIN pg_catalog.pg_index ON pg_catalog.pg_constraint.conindid = pg_catalog.pg_index.indexrelid
            WHERE pg_catalog.pg_constraint.contype = 'p'::VARCHAR) AS attr";
    let options = "SELECT pg_catalog.pg_class.reloptions, pg_catalog.pg_get_indexdef(pg_catalog.pg_class.oid, 1, true) FROM pg_catalog.pg_class LIMIT 1";
    for (query, expected) in [
        ("SELECT to_regtype('hstore')", &["NULL"][..]),
        (
            "SELECT current_setting('server_version_num'), pg_catalog.current_setting('nothing')",
            &["160006", "NULL"],
        ),
        (schemas, &["information_schema"]),
        (columns, &["cost", "numeric(18,2)", "NULL", "NULL", "NULL"]),
        (keys, &["0"]),
        (options, &["NULL", "NULL"]),
    ] {
        assert_eq!(one_row(&client, query).await, expected, "{query}");
    }
}

/// Waits until a query runs.
async fn busy(sql: &pipeline::Sql) {
    while sql.running_tasks() < 2 {
        tokio::task::yield_now().await;
    }
}
