//! Questions to the shards, and how long they may take.

use std::time::Duration;

use dataplane::RouterError;
use fleet::StationKey;

use crate::SharedApp;
use crate::error::ApiError;
use crate::metrics::Database;
use crate::principals::Principal;

/// How long a shard may take to answer a question that does not wait for a station.
const ASK_TIMEOUT: Duration = Duration::from_secs(10);

/// A shard's answer, or a problem when there is none soon.
pub(crate) async fn answered<T>(
    question: impl Future<Output = Result<T, RouterError>>,
) -> Result<T, ApiError> {
    answered_within(Duration::ZERO, question).await
}

/// The same of a question whose answer waits up to `wait` for a station.
pub(crate) async fn answered_within<T>(
    wait: Duration,
    question: impl Future<Output = Result<T, RouterError>>,
) -> Result<T, ApiError> {
    tokio::time::timeout(wait.saturating_add(ASK_TIMEOUT), question)
        .await
        .unwrap_or(Err(RouterError::TimedOut))
        .map_err(ApiError::from)
}

/// The same of a question that the state store is asked for, timed; what the store says when it fails is a problem too.
pub(crate) async fn of_store<T>(
    app: &SharedApp,
    question: impl Future<Output = Result<Result<T, String>, RouterError>>,
) -> Result<T, ApiError> {
    app.metrics
        .time(Database::State, answered(question))
        .await?
        .map_err(ApiError::Unavailable)
}

/// The station `id` of the caller's tenant.
pub(crate) fn station_key(caller: &Principal, id: &str) -> Result<StationKey, ApiError> {
    StationKey::new(&caller.tenant, id)
        .map_err(|e| ApiError::BadParameter(format!("device id {id:?}: {e}")))
}

/// The same, if anybody has heard of it: for what is not asked of its shard.
pub(crate) async fn known_station(
    app: &SharedApp,
    caller: &Principal,
    id: &str,
) -> Result<StationKey, ApiError> {
    let key = station_key(caller, id)?;
    match answered(app.router.station(key.clone())).await? {
        Some(_) => Ok(key),
        None => Err(ApiError::not_found("device", id)),
    }
}
