//! `POST /api/v1/sql`: four forms of an answer, the errors, and a client that leaves.

use std::io::Write;
use std::net::TcpStream;
use std::time::Duration;

use arrow::ipc::reader::StreamReader;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use expect_test::expect;
use pipeline::{Lake, Role, http_router};
use tower_service::Service;

use crate::support::*;

const QUERY: &str = "SELECT station_id, energy_wh, seq, power_w, current_a, measured_at, clock_trusted, date FROM meter_values ORDER BY seq";

async fn two_rows(dir: &std::path::Path) -> (TestLog, Lake, Router) {
    let mut log = TestLog::open(dir, 0);
    let mut config = config(dir);
    // What is endless here ends with its client or not at all.
    config.query.timeout = Duration::from_secs(3_600);
    let lake = lake_with(config, &[&log]);
    log.append(
        "default/CP,1",
        T0,
        meter(None, 1, T0 + 123_456, 7_042_500, 11_000.5),
    );
    log.append("default/CP\"2", T0, meter(None, 1, T0, 1, 0.0));
    log.sync();
    until(&lake.sql(), "SELECT count(*) FROM meter_values", "2").await;
    let router = http_router(lake.sql(), |token| match token {
        "secret" => Some(admin()),
        "reader" => Some(principal("default", Role::ReadOnly)),
        _ => None,
    });
    (log, lake, router)
}

async fn ask(
    router: &Router,
    token: &str,
    accept: &str,
    body: &str,
) -> (StatusCode, String, Vec<u8>) {
    let request = Request::post("/api/v1/sql")
        .header("authorization", format!("Bearer {token}"))
        .header("accept", accept)
        .body(Body::from(body.to_owned()))
        .unwrap();
    let response = router.clone().call(request).await.unwrap();
    let kind = response.headers()["content-type"]
        .to_str()
        .unwrap()
        .to_owned();
    let status = response.status();
    (
        status,
        kind,
        to_bytes(response.into_body(), 1 << 20)
            .await
            .unwrap()
            .to_vec(),
    )
}

fn body(query: &str) -> String {
    serde_json::json!({ "query": query }).to_string()
}

#[tokio::test]
async fn rows_come_as_json_ndjson_csv_or_an_arrow_stream() {
    let dir = tempfile::tempdir().unwrap();
    let (_log, _lake, router) = two_rows(dir.path()).await;
    let text = async |accept: &str| {
        let (status, kind, bytes) = ask(&router, "secret", accept, &body(QUERY)).await;
        assert_eq!((status, kind.as_str()), (StatusCode::OK, accept));
        String::from_utf8(bytes).unwrap()
    };
    let json = text("application/json").await;
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(&json)
            .unwrap()
            .as_array()
            .unwrap()
            .len(),
        2
    );
    expect![[r#"
        [{"station_id":"CP,1","energy_wh":"7042.500","seq":"1","power_w":11000.5,"current_a":null,"measured_at":"2026-11-22T10:00:00.123456Z","clock_trusted":true,"date":"2026-11-22"}
        ,{"station_id":"CP\"2","energy_wh":"0.001","seq":"2","power_w":0.0,"current_a":null,"measured_at":"2026-11-22T10:00:00Z","clock_trusted":true,"date":"2026-11-22"}
        ]
    "#]].assert_eq(&json);
    expect![[r#"
        {"station_id":"CP,1","energy_wh":"7042.500","seq":"1","power_w":11000.5,"current_a":null,"measured_at":"2026-11-22T10:00:00.123456Z","clock_trusted":true,"date":"2026-11-22"}
        {"station_id":"CP\"2","energy_wh":"0.001","seq":"2","power_w":0.0,"current_a":null,"measured_at":"2026-11-22T10:00:00Z","clock_trusted":true,"date":"2026-11-22"}
    "#]].assert_eq(&text("application/x-ndjson").await);
    expect![[r#"
        station_id,energy_wh,seq,power_w,current_a,measured_at,clock_trusted,date
        "CP,1",7042.500,1,11000.5,,2026-11-22T10:00:00.123456Z,true,2026-11-22
        "CP""2",0.001,2,0.0,,2026-11-22T10:00:00Z,true,2026-11-22
    "#]]
    .assert_eq(&text("text/csv").await);
    let (_, _, bytes) = ask(
        &router,
        "secret",
        "application/vnd.apache.arrow.stream",
        &body(QUERY),
    )
    .await;
    let batches: Vec<_> = StreamReader::try_new(&*bytes, None)
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert_eq!(
        batches.iter().map(|batch| batch.num_rows()).sum::<usize>(),
        2
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_ends_its_query() {
    let dir = tempfile::tempdir().unwrap();
    let (_log, lake, router) = two_rows(dir.path()).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(axum::serve(listener, router).into_future());
    let endless_rows = "SELECT a.value FROM generate_series(1, 100000000000) a";
    // Before the first row, and amid rows that nobody reads.
    let endless =
        "WITH RECURSIVE r AS (SELECT 1 n UNION ALL SELECT n + 1 FROM r) SELECT count(*) FROM r";
    for query in [endless, endless_rows] {
        let body = body(query);
        let mut client = TcpStream::connect(address).unwrap();
        write!(
            client,
            "POST /api/v1/sql HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer secret\r\nAccept: text/csv\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        let before = lake.sql().steps().batches;
        until_true(|| before + 100 < lake.sql().steps().batches).await;
        drop(client);
        idle(&lake.sql()).await;
    }
    server.abort();
}

#[tokio::test]
async fn an_empty_result_is_well_formed_and_equal_names_become_distinct() {
    let dir = tempfile::tempdir().unwrap();
    let (_log, _lake, router) = two_rows(dir.path()).await;
    for (accept, query, expected) in [
        ("application/json", "SELECT 1 AS x WHERE false", "[]\n"),
        ("text/csv", "SELECT 1 AS x WHERE false", "x\n"),
        ("application/x-ndjson", "SELECT 1 AS x WHERE false", ""),
        (
            "application/json",
            "SELECT count(*), count(seq) FROM meter_values",
            "[{\"count\":\"2\",\"count_2\":\"2\"}\n]\n",
        ),
    ] {
        let (status, _, bytes) = ask(&router, "secret", accept, &body(query)).await;
        assert_eq!(
            (status, String::from_utf8(bytes).unwrap().as_str()),
            (StatusCode::OK, expected),
            "{query}"
        );
    }
}

#[tokio::test]
async fn errors_are_problems_with_a_type_and_a_status() {
    let dir = tempfile::tempdir().unwrap();
    let (_log, _lake, router) = two_rows(dir.path()).await;
    for (token, accept, request, status, kind) in [
        ("wrong", "", body("SELECT 1"), 401, "unauthorized"),
        (
            "secret",
            "image/png",
            body("SELECT 1"),
            406,
            "not_acceptable",
        ),
        ("secret", "", "{}".to_owned(), 400, "bad_request"),
        (
            "secret",
            "",
            r#"{"query": "SELECT 1", "limit": 1}"#.to_owned(),
            400,
            "bad_request",
        ),
        ("secret", "", body("SELEC 1"), 400, "invalid_query"),
        (
            "secret",
            "",
            body("DROP TABLE meter_values"),
            403,
            "read_only",
        ),
        (
            "reader",
            "",
            body("SELECT * FROM ocpp_messages"),
            403,
            "forbidden",
        ),
        (
            "secret",
            "",
            r#"{"query": "SELECT * FROM generate_series(1, 9)", "rows_max": 3}"#.to_owned(),
            422,
            "too_many_rows",
        ),
    ] {
        let (found, content_type, bytes) = ask(&router, token, accept, &request).await;
        let problem: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(
            (found.as_u16(), problem["type"].as_str().unwrap()),
            (status, format!("/problems/{kind}").as_str()),
            "{problem}"
        );
        assert_eq!(problem["instance"], "/api/v1/sql");
        assert_eq!(problem["error"], problem["title"]);
        assert_eq!(content_type, "application/problem+json");
    }
}
