//! What every request passes, driven without a listener.

use axum::body::Body;
use axum::http::header::{
    ALLOW, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE,
};
use axum::http::{Method, Request, Response};
use axum::routing::{get, post};
use expect_test::{Expect, expect};
use futures::StreamExt as _;
use sdk::{DeviceRequest, Problem, Role};
use storage::state::StateStore;
use tower::ServiceExt as _;

use super::*;
use crate::extract::{Body as JsonBody, Caller};

/// The administrator's token.
const ROOT: &str = "root-token-of-the-test";
/// Five times as many at once: more than any test asks, but one.
const RATES: RateLimits = RateLimits {
    principal: 10,
    anonymous: 4,
};

struct Api {
    router: Router,
    metrics: metrics::Metrics,
    read_only: String,
    _dir: tempfile::TempDir,
}

/// Some routes that the policy knows, and one that it does not.
fn api() -> Api {
    let create = |Caller(caller): Caller, JsonBody(request): JsonBody<DeviceRequest>| async move {
        format!("{} made {}", caller.name, request.id)
    };
    let routes = Router::new()
        .route("/health/live", get(async || "OK"))
        .route(
            "/api/v1/devices",
            get(|Caller(caller): Caller| async move { caller.name }).post(create),
        )
        .route("/api/v1/unlisted", post(async || "never"));
    api_with(routes)
}

fn api_with(routes: Router) -> Api {
    let dir = tempfile::tempdir().unwrap();
    let principals = Principals::open(StateStore::open(dir.path()).unwrap()).unwrap();
    let root = AdminToken::new(ROOT).unwrap();
    principals.bootstrap(Some(&root)).unwrap();
    let (_, read_only) = principals
        .create("reader", Role::ReadOnly, "default")
        .unwrap();
    let metrics = metrics::Metrics::default();
    Api {
        router: guarded(
            routes,
            Guard::new(principals, Rates::new(RATES)),
            metrics.clone(),
        ),
        metrics,
        read_only,
        _dir: dir,
    }
}

async fn send(api: &Api, request: Request<Body>) -> (Response<()>, String) {
    let response = api.router.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let mut chunks = body.into_data_stream();
    let mut bytes = Vec::new();
    while let Some(chunk) = chunks.next().await {
        bytes.extend_from_slice(&chunk.unwrap());
    }
    (
        Response::from_parts(parts, ()),
        String::from_utf8(bytes).unwrap(),
    )
}

fn request(method: Method, path: &str, token: Option<&str>, body: &str) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(path);
    if let Some(token) = token {
        request = request.header(AUTHORIZATION, format!("Bearer {token}"));
    }
    if !body.is_empty() {
        request = request.header(CONTENT_TYPE, "application/json");
    }
    request.body(Body::from(body.to_owned())).unwrap()
}

/// `200 body`, or `403 forbidden: detail`.
async fn answer(api: &Api, request: Request<Body>) -> String {
    let (response, body) = send(api, request).await;
    let status = response.status().as_u16();
    if response.status().is_success() {
        return format!("{status} {body}");
    }
    assert_eq!(response.headers()[CONTENT_TYPE], "application/problem+json");
    let problem: Problem = serde_json::from_str(&body).unwrap();
    assert_eq!(problem.status, status);
    assert_eq!(problem.error, problem.title);
    format!(
        "{status} {}: {} ({})",
        problem.slug(),
        problem.detail,
        problem.instance
    )
}

async fn check(api: &Api, requests: Vec<Request<Body>>, expected: Expect) {
    let mut answers = String::new();
    for request in requests {
        answers.push_str(&answer(api, request).await);
        answers.push('\n');
    }
    expected.assert_eq(&answers);
}

#[tokio::test]
async fn a_request_passes_with_a_token_of_sufficient_role() {
    let api = api();
    let read_only = api.read_only.clone();
    let lower_case = Request::get("/api/v1/devices")
        .header(AUTHORIZATION, format!("bearer {ROOT}"))
        .body(Body::empty())
        .unwrap();
    let basic = Request::get("/api/v1/devices")
        .header(AUTHORIZATION, "Basic cm9vdDo=")
        .body(Body::empty())
        .unwrap();
    check(
        &api,
        vec![
            request(Method::GET, "/health/live", None, ""),
            request(Method::GET, "/api/v1/devices", Some(ROOT), ""),
            lower_case,
            request(Method::GET, "/api/v1/devices", Some(&read_only), ""),
            request(Method::HEAD, "/api/v1/devices", Some(&read_only), ""),
            request(Method::GET, "/api/v1/devices", None, ""),
            basic,
            request(Method::GET, "/api/v1/devices", Some("roo"), ""),
            request(
                Method::POST,
                "/api/v1/devices",
                Some(&read_only),
                r#"{"id":"CP1"}"#,
            ),
            request(
                Method::POST,
                "/api/v1/devices",
                Some(ROOT),
                r#"{"id":"CP1"}"#,
            ),
        ],
        expect![[r#"
            200 OK
            200 admin
            200 admin
            200 reader
            200 
            401 unauthorized: the request has no Authorization header (/api/v1/devices)
            401 unauthorized: the Authorization header is not `Bearer TOKEN` (/api/v1/devices)
            401 unauthorized: the token is not valid (/api/v1/devices)
            403 forbidden: role read_only does not suffice, operator is needed (/api/v1/devices)
            200 admin made CP1
        "#]],
    )
    .await;
}

#[tokio::test]
async fn what_nobody_knows_is_refused_in_the_same_form() {
    let api = api();
    check(
        &api,
        vec![
            request(Method::GET, "/api/v1/nothing", Some(ROOT), ""),
            request(Method::POST, "/api/v1/unlisted", Some(ROOT), ""),
            request(Method::PUT, "/api/v1/devices", Some(ROOT), ""),
            request(Method::POST, "/api/v1/devices", Some(ROOT), "{"),
            request(Method::POST, "/api/v1/devices", Some(ROOT), r#"{"id":7}"#),
            request(
                Method::POST,
                "/api/v1/devices",
                Some(ROOT),
                &"x".repeat((1 << 20) + 1),
            ),
        ],
        expect![[r#"
            404 not_found: no resource has this path (/api/v1/nothing)
            404 not_found: no resource has this path (/api/v1/unlisted)
            405 method_not_allowed: method PUT is not known here (/api/v1/devices)
            400 malformed: the body is not JSON: EOF while parsing an object at line 1 column 1 (/api/v1/devices)
            422 invalid: /id: invalid type: integer `7`, expected a string at line 1 column 7 (/api/v1/devices)
            413 too_large: the body is larger than 1048576 bytes (/api/v1/devices)
        "#]],
    )
    .await;
}

#[tokio::test]
async fn a_refusal_says_how_to_go_on() {
    let api = api();
    let (response, _) = send(&api, request(Method::GET, "/api/v1/devices", None, "")).await;
    assert_eq!(
        response.headers()[WWW_AUTHENTICATE],
        "Bearer realm=\"sigec\""
    );
    let (response, _) = send(
        &api,
        request(Method::PUT, "/api/v1/devices", Some(ROOT), ""),
    )
    .await;
    assert_eq!(response.headers()[ALLOW], "GET,HEAD,POST");
    let form = Request::post("/api/v1/devices")
        .header(AUTHORIZATION, format!("Bearer {ROOT}"))
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from("id=CP1"))
        .unwrap();
    let expected = "415 media_type: content type \"application/x-www-form-urlencoded\", expected \"application/json\" (/api/v1/devices)";
    assert_eq!(answer(&api, form).await, expected);
    for (coding, expected) in [
        (
            "gzip",
            "415 media_type: content encoding \"gzip\", expected none (/api/v1/devices)",
        ),
        (
            "identity",
            "400 malformed: the body is not JSON: EOF while parsing a value at line 1 column 0 (/api/v1/devices)",
        ),
    ] {
        let zipped = Request::post("/api/v1/devices")
            .header(AUTHORIZATION, format!("Bearer {ROOT}"))
            .header(CONTENT_TYPE, "application/json")
            .header(CONTENT_ENCODING, coding)
            .body(Body::from(""))
            .unwrap();
        assert_eq!(answer(&api, zipped).await, expected);
    }
}

#[tokio::test]
async fn metrics_have_a_bounded_set_of_labels() {
    let api = api();
    let made_up = Method::from_bytes(b"BREW").unwrap();
    for request in [
        request(Method::GET, "/api/v1/devices", Some(ROOT), ""),
        request(Method::GET, "/made/up/1", None, ""),
        request(Method::GET, "/made/up/2", None, ""),
        request(made_up, "/api/v1/devices", Some(ROOT), ""),
    ] {
        send(&api, request).await;
    }
    let mut out = metrics::Exposition::default();
    api.metrics.render(&mut out);
    let counted: Vec<_> = out
        .into_text()
        .lines()
        .filter(|line| line.starts_with("http_requests_total"))
        .map(str::to_owned)
        .collect();
    expect![[r#"
        http_requests_total{method="GET",path="/api/v1/devices",status="200"} 1
        http_requests_total{method="GET",path="other",status="404"} 2
        http_requests_total{method="other",path="/api/v1/devices",status="405"} 1"#]]
    .assert_eq(&counted.join("\n"));
}

#[tokio::test]
async fn a_body_that_does_not_come_is_given_up() {
    // Within the ordinary limit, one that has no patience at all.
    let impatient = arrival::Limits {
        timeout: std::time::Duration::ZERO,
        ..arrival::ORDINARY
    };
    let create = |JsonBody(request): JsonBody<DeviceRequest>| async move { request.id };
    let route = post(create).layer(axum::middleware::from_fn(move |request, next| {
        arrival::within(impatient, request, next)
    }));
    let api = api_with(Router::new().route("/api/v1/devices", route));
    let never = Body::from_stream(futures::stream::pending::<Result<Vec<u8>, std::io::Error>>());
    let slow = Request::post("/api/v1/devices")
        .header(AUTHORIZATION, format!("Bearer {ROOT}"))
        .header(CONTENT_TYPE, "application/json")
        .body(never)
        .unwrap();
    let expected = "408 slow: the body did not arrive within 0 seconds (/api/v1/devices)";
    assert_eq!(answer(&api, slow).await, expected);
}

#[tokio::test]
async fn whoever_asks_too_often_is_told_when_to_come_back_and_nobody_else_is() {
    let api = api();
    let ask = |token| request(Method::GET, "/api/v1/devices", token, "");
    let flood = async |token| {
        for _ in 0..1_000 {
            let (response, _) = send(&api, ask(token)).await;
            if response.status() == 429 {
                let seconds = response.headers()[RETRY_AFTER].to_str().unwrap().to_owned();
                return seconds.parse::<u64>().unwrap();
            }
        }
        panic!("1,000 requests were let in");
    };
    assert_eq!(flood(Some(ROOT)).await, 1);
    assert_eq!(send(&api, ask(Some(&api.read_only))).await.0.status(), 200);
    // Guessing tokens is counted by address, and does not lock out those who have one.
    assert_eq!(flood(Some("guess")).await, 1);
    assert_eq!(send(&api, ask(None)).await.0.status(), 429);
    assert_eq!(send(&api, ask(Some(&api.read_only))).await.0.status(), 200);
    let live = request(Method::GET, "/health/live", None, "");
    assert_eq!(send(&api, live).await.0.status(), 200);
}
