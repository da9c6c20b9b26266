//! The lake's place among the parts: what it reads, what an operator may ask of it.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use pipeline::{Lake, Source};
use storage::log::{LogDir, LogError, LogHandle, open_read_only};
use storage::state::StateStore;

/// How often it is looked whether an orphaned log may go.
const ORPHANS_INTERVAL: Duration = Duration::from_secs(60);

/// Every log there is: those that shards write, and those of an earlier start with more shards.
pub(super) fn sources(logs: &[LogHandle], orphans: &[LogDir]) -> Result<Vec<Source>, LogError> {
    let live = logs.iter().cloned().map(|log| Ok(Source::Live(log)));
    let stopped = orphans
        .iter()
        .map(|log| open_read_only(&log.path).map(|(reader, _)| Source::Stopped(reader)));
    live.chain(stopped).collect()
}

/// Removes each orphaned log once every table holds its rows; its state was taken over at the start.
pub(super) async fn drain(lake: Arc<Lake>, store: StateStore, mut orphans: Vec<LogDir>) {
    while !orphans.is_empty() {
        if let Err(error) = lake.flush().await {
            tracing::warn!(%error, "orphaned logs stay until their rows are written");
        }
        let mut left = Vec::new();
        for log in orphans {
            match remove_drained(&lake, &store, &log) {
                Ok(true) => tracing::info!(log = %log.id, "orphaned log drained and removed"),
                Ok(false) => left.push(log),
                Err(error) => {
                    tracing::warn!(log = %log.id, error = format!("{error:#}"), "orphaned log stays");
                    left.push(log);
                }
            }
        }
        orphans = left;
        #[expect(
            clippy::disallowed_methods,
            reason = "nothing tells of a commit; this is the retry"
        )]
        tokio::time::sleep(ORPHANS_INTERVAL).await;
    }
}

fn remove_drained(lake: &Lake, store: &StateStore, log: &LogDir) -> anyhow::Result<bool> {
    let (_, found) = open_read_only(&log.path)?;
    let in_state = store.position(log.id).unwrap_or_default();
    if lake.committed(log.id).min(in_state) < found.end {
        return Ok(false);
    }
    log.clone().remove()?;
    store.forget(log.id)?;
    Ok(true)
}

const FLUSH_PATH: &str = "/api/v1/lake/flush";

/// Writes out what is hot; who may ask for it is decided in front of it.
pub(super) fn routes(lake: Arc<Lake>) -> Router {
    Router::new()
        .route(FLUSH_PATH, post(flush))
        .with_state(lake)
}

async fn flush(State(lake): State<Arc<Lake>>) -> Response {
    match lake.flush().await {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => {
            let problem = sdk::Problem {
                kind: "/problems/unavailable".to_owned(),
                title: "unavailable".to_owned(),
                status: StatusCode::SERVICE_UNAVAILABLE.as_u16(),
                detail: format!("writing out the rows in memory: {error}"),
                instance: FLUSH_PATH.to_owned(),
                error: "unavailable".to_owned(),
                errors: Vec::new(),
                retry_after: None,
                state: None,
                command: None,
            };
            let kind = [(CONTENT_TYPE, "application/problem+json")];
            (StatusCode::SERVICE_UNAVAILABLE, kind, Json(problem)).into_response()
        }
    }
}
