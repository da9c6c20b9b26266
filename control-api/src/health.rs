//! How the server is, in three degrees of detail.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use dataplane::{LogView, ShardHealth};
use net::driver::DriverKind;
use sdk::{DataPlaneHealth, Health, HealthStatus};
use storage::log::{LogHealth, LogState};
use tokio::time::{Instant, timeout_at};

use crate::SharedApp;
use crate::error::ApiError;

/// How long a shard may take to say how it is; probes give up after a few seconds themselves.
const SHARD_TIMEOUT: Duration = Duration::from_secs(2);

/// How the parts are that only the program itself knows.
#[derive(Clone, Debug)]
pub struct HealthParts {
    /// True from the end of start-up to the beginning of the drain.
    pub ready: bool,
    /// The tables.
    pub lake: sdk::LakeHealth,
    /// The state store.
    pub state: sdk::StateHealth,
    /// The settings that hold.
    pub configuration: sdk::ConfigurationHealth,
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

/// What each shard says of itself; `None` for one that says nothing in time.
pub(crate) async fn ask_shards(app: &SharedApp) -> Vec<Option<ShardHealth>> {
    let asked = app.router.health_of_each();
    let deadline = Instant::now() + SHARD_TIMEOUT;
    let mut shards = Vec::with_capacity(asked.len());
    for pending in asked {
        let answered = timeout_at(deadline, pending).await;
        shards.push(answered.ok().and_then(Result::ok));
    }
    shards
}

async fn examine(app: &SharedApp) -> Health {
    let parts = (app.health)();
    let shards = ask_shards(app).await;
    // Looked at after the shards, which may have been waited for: what has hung since shows.
    let logs: Vec<_> = app
        .router
        .logs()
        .iter()
        .zip(&shards)
        .map(|(log, shard)| log_health(log, shard.as_ref()))
        .collect();
    let dataplane = data_plane(&shards, app.router.driver());
    let status = logs
        .iter()
        .map(|log| log.status)
        .chain([
            parts.lake.status,
            parts.state.status,
            parts.configuration.status,
            dataplane.status,
        ])
        .max()
        .unwrap_or(HealthStatus::Ok);
    Health {
        status,
        ready: parts.ready && status < HealthStatus::Down,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        dataplane,
        logs,
        lake: parts.lake,
        state: parts.state,
        configuration: parts.configuration,
        listeners: parts.listeners,
        plaintext_beyond_loopback: parts.plaintext_beyond_loopback,
    }
}

/// A log, whose shard may say nothing.
fn log_health(log: &LogView, shard: Option<&ShardHealth>) -> sdk::LogHealth {
    let health = &log.health;
    let (status, detail) = match (shard, log.open_for) {
        // As long as the shard has said nothing: it makes that commit itself.
        (None, Some(open_for)) if SHARD_TIMEOUT <= open_for => (
            HealthStatus::Down,
            Some(format!(
                "the disk has not answered the last write for {:.1} s, and the shard waits for it: its stations are not \
                 served until then",
                open_for.as_secs_f64()
            )),
        ),
        (shard, _) => log_status(health, shard.is_some_and(|shard| shard.stalled)),
    };
    sdk::LogHealth {
        shard: log.shard as u32,
        log_id: log.id.to_string(),
        status,
        detail,
        commit_open_seconds: log.open_for.map(|open_for| open_for.as_secs_f64()),
        bytes_used: health.bytes_used,
        bytes_max: health.bytes_max,
        sync_p99_ms: health.sync_p99.as_secs_f64() * 1e3,
    }
}

fn log_status(health: &LogHealth, given_up: bool) -> (HealthStatus, Option<String>) {
    let (used, max) = (health.bytes_used, health.bytes_max);
    let (status, detail) = match &health.state {
        LogState::Ok if given_up => (
            HealthStatus::Down,
            "the log stood still, stations were disconnected".to_owned(),
        ),
        LogState::Ok if health.alarm() => (
            HealthStatus::Degraded,
            format!("{used} of {max} bytes are used: the tables or the state store are behind"),
        ),
        LogState::Ok => return (HealthStatus::Ok, None),
        LogState::Stalled { .. } => {
            let status = if given_up {
                HealthStatus::Down
            } else {
                HealthStatus::Degraded
            };
            (
                status,
                "the disk has not answered the last write yet".to_owned(),
            )
        }
        LogState::Full => (
            HealthStatus::Down,
            format!("all {max} bytes are used: nothing is acknowledged until the tables catch up"),
        ),
        LogState::NoSpace => (
            HealthStatus::Down,
            "the disk is full, or the system has no descriptor or memory left: nothing is acknowledged until there is space"
                .to_owned(),
        ),
        LogState::Failed { error } => (
            HealthStatus::Down,
            format!("the disk failed twice, the log is down until a restart: {error}"),
        ),
    };
    (status, Some(detail))
}

fn data_plane(shards: &[Option<ShardHealth>], driver: DriverKind) -> DataPlaneHealth {
    let silent: Vec<_> = (0..shards.len())
        .filter(|shard| shards[*shard].is_none())
        .map(|shard| shard.to_string())
        .collect();
    let sum = |count: fn(&ShardHealth) -> usize| {
        let answered = shards.iter().flatten();
        answered.map(count).sum::<usize>() as u64
    };
    let is_silent = (!silent.is_empty()).then(|| {
        format!(
            "shard {} does not answer; the numbers are those of the others",
            silent.join(", ")
        )
    });
    // One store for all of them, and one thread that writes it.
    let failure = |shard: &ShardHealth| shard.store_failure.clone();
    let detail = match shards.iter().flatten().find_map(failure) {
        Some(error) => Some(format!(
            "the state store takes nothing more, which only a restart changes: {error}"
        )),
        None => is_silent,
    };
    DataPlaneHealth {
        status: match detail {
            None => HealthStatus::Ok,
            Some(_) => HealthStatus::Down,
        },
        detail,
        driver: driver.name().to_owned(),
        shards: shards.len() as u32,
        connections: sum(|shard| shard.connections),
        stations: sum(|shard| shard.stations),
        stations_pending: sum(|shard| shard.stations_pending),
        active_transactions: sum(|shard| shard.transactions_active),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_that_acknowledges_nothing_is_down_and_says_why() {
        use HealthStatus::{Degraded, Down, Ok};
        let check = |state: LogState, bytes_used, given_up, expected: HealthStatus| {
            let health = LogHealth {
                state,
                bytes_used,
                bytes_max: 100,
                sync_p50: Duration::ZERO,
                sync_p99: Duration::ZERO,
                commits: 0,
                bytes_written: 0,
            };
            let (status, detail) = log_status(&health, given_up);
            assert_eq!(status, expected, "{health:?}");
            assert_eq!(detail.is_none(), status == Ok);
        };
        check(LogState::Ok, 0, false, Ok);
        check(LogState::Ok, 79, false, Ok);
        check(LogState::Ok, 80, false, Degraded);
        check(LogState::Ok, 0, true, Down);
        check(LogState::Stalled { since_ns: 1 }, 0, false, Degraded);
        check(LogState::Stalled { since_ns: 1 }, 0, true, Down);
        check(LogState::Full, 100, false, Down);
        check(LogState::NoSpace, 0, false, Down);
        let error = "EIO".to_owned();
        check(LogState::Failed { error }, 0, false, Down);
    }
}
