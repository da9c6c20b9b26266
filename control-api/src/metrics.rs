//! What Prometheus reads at `/metrics`.
//!
//! Labels are bounded: paths are those of routes, methods and statuses those that HTTP has. The names are promised
//! to dashboards and alerts, so they stay as they are.

mod exposition;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::Response;

pub(crate) use exposition::{Exposition, Kind};

/// Upper bounds of latencies, seconds; a database answers within the first ones, a station within the last.
const BOUNDS_S: [f64; 14] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0,
];

/// Latencies by upper bound.
#[derive(Clone, Debug, Default)]
struct Latencies {
    /// One per bound, then one for what lies above the last.
    counts: [u64; BOUNDS_S.len() + 1],
    sum_s: f64,
}

impl Latencies {
    fn record(&mut self, latency: Duration) {
        let seconds = latency.as_secs_f64();
        self.counts[BOUNDS_S.partition_point(|bound| *bound < seconds)] += 1;
        self.sum_s += seconds;
    }
}

/// A place where the API waits for a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Database {
    /// Principals and tokens.
    State,
    /// SQL over the tables.
    Lake,
}

impl Database {
    fn as_str(self) -> &'static str {
        match self {
            Self::State => "state",
            Self::Lake => "lake",
        }
    }
}

/// What the API counts. Cheap to clone; clones count together.
#[derive(Clone, Debug, Default)]
pub(crate) struct Metrics(Arc<Mutex<Counts>>);

#[derive(Debug, Default)]
struct Counts {
    /// By method and route.
    durations: BTreeMap<(&'static str, String), Latencies>,
    /// By method, route and status.
    requests: BTreeMap<(&'static str, String, u16), u64>,
    databases: BTreeMap<Database, Latencies>,
}

impl Metrics {
    /// Runs `work` and counts how long the database took.
    pub(crate) async fn time<T>(&self, database: Database, work: impl Future<Output = T>) -> T {
        let started = now();
        let result = work.await;
        self.record_database(database, started.elapsed());
        result
    }

    fn record_database(&self, database: Database, latency: Duration) {
        self.counts()
            .databases
            .entry(database)
            .or_default()
            .record(latency);
    }

    fn record_request(&self, method: &Method, path: &str, status: StatusCode, took: Duration) {
        let (method, path) = (method_label(method), path.to_owned());
        let mut counts = self.counts();
        counts
            .durations
            .entry((method, path.clone()))
            .or_default()
            .record(took);
        *counts
            .requests
            .entry((method, path, status.as_u16()))
            .or_default() += 1;
    }

    /// Everything counted here.
    pub(crate) fn render(&self, out: &mut Exposition) {
        let counts = self.counts();
        let name = "http_request_duration_seconds";
        out.family(
            name,
            Kind::Histogram,
            "Time from a request's head to its answer's.",
        );
        for ((method, path), latencies) in &counts.durations {
            let labels = [("method", *method), ("path", path)];
            out.histogram(name, &labels, &BOUNDS_S, &latencies.counts, latencies.sum_s);
        }
        let name = "http_requests_total";
        out.family(name, Kind::Counter, "Requests answered.");
        for ((method, path, status), count) in &counts.requests {
            let status = status.to_string();
            let labels = [("method", *method), ("path", path), ("status", &status)];
            out.sample(name, &labels, *count);
        }
        for (name, help) in [
            (
                "sigec_database_latency_seconds",
                "Time the API waits for a store.",
            ),
            (
                "database_query_duration_seconds",
                "The same, under its older name.",
            ),
        ] {
            out.family(name, Kind::Histogram, help);
            for (database, latencies) in &counts.databases {
                let labels = [("store", database.as_str())];
                out.histogram(name, &labels, &BOUNDS_S, &latencies.counts, latencies.sum_s);
            }
        }
    }

    fn counts(&self) -> std::sync::MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "measures how long requests take and how often they come; no rule of the domain sees it"
)]
pub(crate) fn now() -> std::time::Instant {
    std::time::Instant::now()
}

/// Methods beyond these share a label: a peer can invent them.
fn method_label(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        _ => "other",
    }
}

/// Counts every request: a layer around everything.
pub(crate) async fn measure(
    State(metrics): State<Metrics>,
    request: Request,
    next: Next,
) -> Response {
    let started = now();
    let method = request.method().clone();
    let path = request.extensions().get::<MatchedPath>().cloned();
    let response = next.run(request).await;
    let path = path.as_ref().map_or("other", MatchedPath::as_str);
    metrics.record_request(&method, path, response.status(), started.elapsed());
    response
}
