//! `/api/v1/transactions`

mod close;
mod history;
mod limits;
mod signed;

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use dataplane::{CommandView, NamedToken, StartOutcome, StartRequest, StopOutcome, StopRequest};
use fleet::TransactionId;
use sdk::{Command, CommandState, IdToken, Page, Transaction, TransactionStart};

use super::commands::{accepted, refuse};
use super::devices::check_text;
use crate::ask::{answered, answered_within, station_key};
use crate::error::ApiError;
use crate::extract::{Body, Caller, Id, Wait};
use crate::listing::{Everything, Listing, PageParams, page};
use crate::{SharedApp, convert, cursor};

pub(crate) use close::{__path_close, close};
pub(crate) use history::{__path_history, history};
pub(crate) use limits::{__path_limit, limit};
pub(crate) use signed::{__path_signed_values, signed_values};

/// How long start and stop wait when the request does not say.
const WAIT_DEFAULT: Duration = Duration::from_secs(30);
/// Longest token: `identifierString[36]` of 2.0.1; 1.6 stations take 20.
pub(super) const TOKEN_CHARS_MAX: usize = 36;

/// Starts a charge and waits until it runs.
///
/// 200 when the transaction began, 202 with the command when the wait ended first, 409 `rejected` or `offline`,
/// 429 `queue_full`.
#[utoipa::path(
    post,
    path = "/api/v1/transactions/start",
    operation_id = "start_transaction",
    tag = "transactions",
    params(("Prefer" = Option<String>, Header, description = "`wait=N`: seconds to wait for the charge to begin, at most 300; 30 by default")),
    request_body = TransactionStart,
    responses(
        (status = 200, description = "It runs", body = Transaction),
        (status = 202, description = "It has not begun yet", body = Command),
    )
)]
pub(crate) async fn start(
    State(app): State<SharedApp>,
    Caller(caller): Caller,
    Wait(wait): Wait,
    Body(request): Body<TransactionStart>,
) -> Result<Response, ApiError> {
    if request.connector_id == 0 && request.reservation_id.is_none() {
        return Err(ApiError::field("/connector_id", "0, expected 1 or more"));
    }
    let id_token = token_of(&request)?;
    if request.reservation_id.is_some() && id_token.is_none() {
        let detail = "absent, a reservation is for a token";
        return Err(ApiError::field("/id_token", detail));
    }
    let station = station_key(&caller, &request.device_id)
        .map_err(|e| ApiError::field("/device_id", e.to_string()))?;
    let limits = request.limits.as_ref();
    let limits = limits.map(|limits| convert::limits(limits, "/limits"));
    let wait = wait.unwrap_or(WAIT_DEFAULT);
    let question = app.router.start_transaction(StartRequest {
        station,
        connector_id: request.connector_id,
        reservation_id: request.reservation_id,
        id_token,
        limits: limits.transpose()?.unwrap_or_default(),
        principal: caller.name,
        wait,
    });
    match answered_within(wait, question).await? {
        StartOutcome::Begun(begun) => Ok(Json(convert::transaction(begun)).into_response()),
        StartOutcome::Waiting(command) => waiting(command),
        StartOutcome::Rejected(command) => Err(rejected(command)),
        StartOutcome::NotSent(command) => Err(not_sent(command)),
        StartOutcome::Refused(refused) => Err(refuse(refused, &request.device_id)),
    }
}

/// Stops a charge and waits until it has ended.
///
/// 200 when the transaction has ended, now or before, 202 with the command when the wait ended first, 409 `rejected`
/// or `offline`, 429 `queue_full`.
#[utoipa::path(
    post,
    path = "/api/v1/transactions/{id}/stop",
    operation_id = "stop_transaction",
    tag = "transactions",
    params(
        ("id" = String, Path),
        ("Prefer" = Option<String>, Header, description = "`wait=N`: seconds to wait for the charge to end, at most 300; 30 by default"),
    ),
    responses(
        (status = 200, description = "It has ended", body = Transaction),
        (status = 202, description = "It has not ended yet", body = Command),
    )
)]
pub(crate) async fn stop(
    State(app): State<SharedApp>,
    Caller(caller): Caller,
    Id(id): Id,
    Wait(wait): Wait,
) -> Result<Response, ApiError> {
    let wait = wait.unwrap_or(WAIT_DEFAULT);
    let question = app.router.stop_transaction(StopRequest {
        transaction: transaction_id(&id)?,
        tenant: caller.tenant,
        principal: caller.name,
        wait,
    });
    match answered_within(wait, question).await? {
        StopOutcome::Ended(ended) => Ok(Json(convert::transaction(ended)).into_response()),
        StopOutcome::Waiting(command) => waiting(command),
        StopOutcome::Rejected(command) => Err(rejected(command)),
        StopOutcome::NotSent(command) => Err(not_sent(command)),
        StopOutcome::Refused(refused) => Err(refuse(refused, &id)),
        StopOutcome::Unknown => Err(ApiError::not_found("transaction", id)),
    }
}

/// One transaction.
#[utoipa::path(
    get,
    path = "/api/v1/transactions/{id}",
    operation_id = "get_transaction",
    tag = "transactions",
    params(("id" = String, Path)),
    responses((status = 200, description = "The transaction", body = Transaction))
)]
pub(crate) async fn show(
    State(app): State<SharedApp>,
    Caller(caller): Caller,
    Id(id): Id,
) -> Result<Json<Transaction>, ApiError> {
    let transaction = answered(app.router.transaction(transaction_id(&id)?))
        .await?
        .filter(|transaction| transaction.station.tenant() == caller.tenant)
        .ok_or_else(|| ApiError::not_found("transaction", id))?;
    Ok(Json(convert::transaction(transaction)))
}

/// Transactions that run now, oldest first.
#[utoipa::path(
    get,
    path = "/api/v1/transactions/active",
    operation_id = "list_active_transactions",
    tag = "transactions",
    params(PageParams),
    responses((status = 200, description = "A page of them", body = Page<Transaction>))
)]
pub(crate) async fn active(
    State(app): State<SharedApp>,
    Caller(caller): Caller,
    listing: Listing<Everything, String>,
) -> Result<Json<Page<Transaction>>, ApiError> {
    let after = listing
        .after
        .map(|id| id.parse::<TransactionId>().map_err(|_| cursor::invalid()))
        .transpose()?;
    let question = app
        .router
        .active_transactions(&caller.tenant, after, listing.limit);
    let transactions = answered(question).await?;
    let key = TransactionId::to_string;
    Ok(Json(page(transactions, convert::transaction, key)))
}

/// An id that is none names nothing.
pub(super) fn transaction_id(id: &str) -> Result<TransactionId, ApiError> {
    id.parse()
        .map_err(|_| ApiError::not_found("transaction", id))
}

/// The token that a charge is to begin with, if the request names one.
fn token_of(request: &TransactionStart) -> Result<Option<NamedToken>, ApiError> {
    let group = request.group_id_token.clone();
    let token = match (&request.rfid_tag, &request.id_token) {
        (Some(_), Some(_)) => {
            let detail = "beside an rfid_tag, which names a token too";
            return Err(ApiError::field("/id_token", detail));
        }
        (Some(tag), None) => {
            check_token(tag).map_err(|detail| ApiError::field("/rfid_tag", detail))?;
            IdToken {
                id_token: tag.clone(),
                kind: None,
                additional_info: Vec::new(),
            }
        }
        (None, Some(token)) => token.clone(),
        (None, None) if group.is_some() => {
            return Err(ApiError::field("/group_id_token", "without a token"));
        }
        (None, None) => return Ok(None),
    };
    convert::named_token(token, group).map(Some)
}

/// Checks a token as stations would be sent it.
pub(super) fn check_token(token: &str) -> Result<(), String> {
    if token.is_empty() {
        return Err("empty".to_owned());
    }
    check_text(token, TOKEN_CHARS_MAX)
}

/// The wait ended before the transaction did what was asked.
fn waiting(command: CommandView) -> Result<Response, ApiError> {
    let command = convert::command(command);
    match command.state {
        CommandState::Unknown => Err(ApiError::Disconnected(Box::new(command))),
        CommandState::Queued
        | CommandState::Sent
        | CommandState::Answered
        | CommandState::Timeout
        | CommandState::Offline
        | CommandState::QueueFull => Ok(accepted(command)),
    }
}

fn rejected(command: CommandView) -> ApiError {
    ApiError::Rejected(Box::new(convert::command(command)))
}

fn not_sent(command: CommandView) -> ApiError {
    let command = Box::new(convert::command(command));
    if command.state == CommandState::QueueFull {
        ApiError::QueueFull(command)
    } else {
        ApiError::Offline(command)
    }
}
