//! How the server is, in three degrees of detail.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use dataplane::ShardHealth;
use sdk::{DataPlaneHealth, Health, HealthStatus};

use crate::SharedApp;
use crate::error::ApiError;
use crate::routes::answered;

/// How the parts are that only the program itself knows.
#[derive(Clone, Debug)]
pub struct HealthParts {
    /// True from the end of start-up to the beginning of the drain.
    pub ready: bool,
    /// The durable logs, by shard.
    pub logs: Vec<sdk::LogHealth>,
    /// The tables.
    pub lake: sdk::LakeHealth,
    /// The state store.
    pub state: sdk::StateHealth,
    /// Where the server listens.
    pub listeners: Vec<sdk::ListenerHealth>,
    /// True when a listener beyond loopback speaks without TLS.
    pub plaintext_beyond_loopback: bool,
}

/// Asks the program for them; must not block.
pub type HealthFn = Arc<dyn Fn() -> HealthParts + Send + Sync>;

/// The process answers.
#[utoipa::path(
    get,
    path = "/health/live",
    operation_id = "get_liveness",
    tag = "health",
    responses((status = 200, description = "`OK`", body = String, content_type = "text/plain"))
)]
pub(crate) async fn live() -> &'static str {
    "OK"
}

/// The server takes stations and requests.
#[utoipa::path(
    get,
    path = "/health/ready",
    operation_id = "get_readiness",
    tag = "health",
    responses(
        (status = 200, description = "`Ready`", body = String, content_type = "text/plain"),
        (status = 503, description = "It starts, drains, or cannot write", body = sdk::Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn ready(State(app): State<SharedApp>) -> Result<&'static str, ApiError> {
    let health = examine(&app).await;
    if health.ready {
        Ok("Ready")
    } else {
        Err(ApiError::Unavailable(
            "the server is not ready; see /health".into(),
        ))
    }
}

/// Every part of the server, and why it is not well where it is not.
#[utoipa::path(
    get,
    path = "/health",
    operation_id = "get_health",
    tag = "health",
    responses(
        (status = 200, description = "It works", body = Health),
        (status = 503, description = "A part is down", body = Health),
    )
)]
pub(crate) async fn health(State(app): State<SharedApp>) -> Response {
    let health = examine(&app).await;
    let status = match health.status {
        HealthStatus::Ok | HealthStatus::Degraded => StatusCode::OK,
        HealthStatus::Down => StatusCode::SERVICE_UNAVAILABLE,
    };
    (status, Json(health)).into_response()
}

async fn examine(app: &SharedApp) -> Health {
    let parts = (app.health)();
    let shards = answered(app.router.health()).await;
    let dataplane_status = match shards {
        Ok(_) => HealthStatus::Ok,
        Err(_) => HealthStatus::Down,
    };
    let status = parts
        .logs
        .iter()
        .map(|log| log.status)
        .chain([parts.lake.status, parts.state.status, dataplane_status])
        .max()
        .unwrap_or(HealthStatus::Ok);
    Health {
        status,
        ready: parts.ready && status < HealthStatus::Down,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        dataplane: data_plane(&shards.unwrap_or_default()),
        logs: parts.logs,
        lake: parts.lake,
        state: parts.state,
        listeners: parts.listeners,
        plaintext_beyond_loopback: parts.plaintext_beyond_loopback,
    }
}

fn data_plane(shards: &[ShardHealth]) -> DataPlaneHealth {
    let sum = |count: fn(&ShardHealth) -> usize| shards.iter().map(count).sum::<usize>() as u64;
    DataPlaneHealth {
        shards: shards.len() as u32,
        connections: sum(|shard| shard.connections),
        stations: sum(|shard| shard.stations),
        stations_pending: sum(|shard| shard.stations_pending),
        active_transactions: sum(|shard| shard.transactions_active),
    }
}
