//! The HTTP API of operators: stations, commands, transactions, tokens, files, principals, health and metrics.
//!
//! A request passes the login ([`policy`] is the one table of who may do what), reaches a handler in [`routes`],
//! which asks the data plane's router, and leaves through [`convert`]. Nothing here holds state of a station.
//!
//! # Invariants
//!
//! - What [`policy::RULES`] does not name is refused.
//! - Every refusal is a problem document (RFC 9457) that says what was found and what was expected.
//! - Other tenants' things do not exist for a caller: they are 404, never 403.

#![forbid(unsafe_code)]

mod arrival;
mod ask;
mod authorize;
mod convert;
mod cursor;
mod error;
mod extract;
mod files;
mod health;
mod listing;
mod metrics;
mod openapi;
mod policy;
mod principals;
mod problem;
mod rate;
mod routes;
mod serve;
mod sql;

use std::sync::Arc;

use axum::middleware::{from_fn, from_fn_with_state};
use axum::{Extension, Router};
use fleet::UtcMicros;
use tokio::sync::Semaphore;

use authorize::Guard;

pub use error::ApiError;
pub use files::{FILES_MAX, Files, FilesConfig, FilesError, LINKS_MAX, keep_files};
pub use health::{HealthFn, HealthParts};
pub use principals::{
    ADMIN, ADMIN_TOKEN_CHARS_MAX, ADMIN_TOKEN_CHARS_MIN, ADMIN_TOKEN_DISTINCT_MIN, AdminToken,
    AdminTokenError, NAME_CHARS_MAX, PRINCIPALS_MAX, Principal, PrincipalError, Principals,
    ScramVerifier,
};
pub use rate::{RateLimits, Rates};
pub use routes::read_import;
pub use serve::{ServeLimits, ShownTls, serve};
pub use sql::{SqlError, SqlFn, SqlRow};

/// Writes metrics in the Prometheus text format; called for every scrape.
pub type MetricsFn = Arc<dyn Fn() -> String + Send + Sync>;

/// What the API works on and with.
pub struct Deps {
    /// The way to the stations.
    pub router: dataplane::Router,
    /// Who may call.
    pub principals: Principals,
    /// How often.
    pub rates: Rates,
    /// Files for stations and from them.
    pub files: Files,
    /// Asks the tables.
    pub sql: SqlFn,
    /// How the parts are that the data plane's router does not know.
    pub health: HealthFn,
    /// Metrics of other parts.
    pub metrics: Vec<MetricsFn>,
    /// ISO 4217 code of what energy is billed in.
    pub currency: String,
    /// Serves `POST /api/v1/sql` and `POST /api/v1/lake/flush`.
    pub sql_routes: Router,
    /// Serves `POST /api/v1/voice/command`.
    pub voice_routes: Router,
}

impl std::fmt::Debug for Deps {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Deps").finish_non_exhaustive()
    }
}

/// What handlers see.
struct App {
    router: dataplane::Router,
    principals: Principals,
    files: Files,
    sql: SqlFn,
    health: HealthFn,
    metrics: metrics::Metrics,
    metrics_of_others: Vec<MetricsFn>,
    currency: String,
    /// One import at a time: each holds its whole file.
    imports: Semaphore,
}

type SharedApp = Arc<App>;

/// Everything the HTTP listener serves.
pub fn router(deps: Deps) -> Router {
    let metrics = metrics::Metrics::default();
    let guard = Guard::new(deps.principals.clone(), deps.rates);
    let app = Arc::new(App {
        router: deps.router,
        principals: deps.principals,
        files: deps.files,
        sql: deps.sql,
        health: deps.health,
        metrics: metrics.clone(),
        metrics_of_others: deps.metrics,
        currency: deps.currency,
        imports: Semaphore::new(1),
    });
    let (routes, document) = routes::all().split_for_parts();
    let document = openapi::Document::new(&openapi::complete(document));
    let routes = routes
        .with_state(app)
        .merge(deps.sql_routes)
        .merge(deps.voice_routes)
        .layer(Extension(document));
    guarded(routes, guard, metrics)
}

/// What every request passes on its way in and out: metrics, problems, limits of its body, login.
fn guarded(routes: Router, guard: Guard, metrics: metrics::Metrics) -> Router {
    routes
        .fallback(routes::no_route)
        .method_not_allowed_fallback(routes::no_method)
        .layer(from_fn_with_state(guard, authorize::authorize))
        .layer(from_fn(arrival::limit))
        .layer(from_fn(problem::render))
        .layer(from_fn_with_state(metrics, metrics::measure))
}

#[expect(
    clippy::disallowed_methods,
    reason = "the time of an operator's request, which is read nowhere else"
)]
fn now() -> UtcMicros {
    let since = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default();
    UtcMicros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod guard_tests;
