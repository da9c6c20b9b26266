//! `POST /api/v1/transactions/{id}/close`: an end that its station has not told.

use axum::Json;
use axum::extract::State;
use dataplane::{CloseOutcome, CloseProblem, CloseRequest};
use sdk::{Transaction, TransactionClose};

use super::super::commands::refuse;
use super::super::devices::check_text;
use super::transaction_id;
use crate::ask::answered;
use crate::error::ApiError;
use crate::extract::{Body, Caller, Id};
use crate::{SharedApp, convert};

/// Longest reason.
const REASON_CHARS_MAX: usize = 500;

/// Ends a transaction without its station, which is told nothing.
///
/// For one whose end will not come: the station is gone, or has forgotten it. Without `meter_stop_wh` and `ended_at` the
/// transaction ends where its station fell silent. Its `quality` is `estimated`, and `closing` says who did it. Said
/// again it changes nothing; with other values the newest hold. Should the station still end it, that counts in place
/// of this.
///
/// 409 `conflict` when the station has ended it.
#[utoipa::path(
    post,
    path = "/api/v1/transactions/{id}/close",
    operation_id = "close_transaction",
    tag = "transactions",
    params(("id" = String, Path)),
    request_body = TransactionClose,
    responses((status = 200, description = "It is closed, now or before", body = Transaction))
)]
pub(crate) async fn close(
    State(app): State<SharedApp>,
    Caller(caller): Caller,
    Id(id): Id,
    Body(request): Body<TransactionClose>,
) -> Result<Json<Transaction>, ApiError> {
    let reason = request.reason.unwrap_or_default();
    check_text(&reason, REASON_CHARS_MAX).map_err(|detail| ApiError::field("/reason", detail))?;
    let meter_stop = request.meter_stop_wh.map(|text| {
        let energy = convert::milliwatt_hours(&text).filter(|energy| 0 <= energy.0);
        energy.ok_or_else(|| {
            let detail = format!("{text:?}, expected watt-hours with at most three decimals");
            ApiError::field("/meter_stop_wh", detail)
        })
    });
    let ended_at = request
        .ended_at
        .map(|text| convert::moment(&text).map_err(|detail| ApiError::field("/ended_at", detail)));
    let question = app.router.close_transaction(CloseRequest {
        transaction: transaction_id(&id)?,
        tenant: caller.tenant,
        principal: caller.name,
        reason,
        meter_stop: meter_stop.transpose()?,
        ended_at: ended_at.transpose()?,
    });
    match answered(question).await? {
        CloseOutcome::Closed(closed) => Ok(Json(convert::transaction(closed))),
        CloseOutcome::Ended(ended) => Err(ApiError::Conflict(format!(
            "the station ended transaction {id} at {}",
            ended.ended_at.map_or_else(String::new, |at| at.to_string()),
        ))),
        CloseOutcome::Invalid(problem) => Err(invalid(problem)),
        CloseOutcome::Refused(refused) => Err(refuse(refused, &id)),
        CloseOutcome::Unknown => Err(ApiError::not_found("transaction", id)),
    }
}

fn invalid(problem: CloseProblem) -> ApiError {
    let wh = convert::watt_hours;
    match problem {
        CloseProblem::EndedBeforeStart { .. } | CloseProblem::EndedInFuture { .. } => {
            ApiError::field("/ended_at", problem.to_string())
        }
        CloseProblem::MeterBelow { found, told } => ApiError::field(
            "/meter_stop_wh",
            format!("{}, and the station has told {}", wh(found), wh(told)),
        ),
        CloseProblem::TooMuchEnergy {
            found,
            energy,
            limit_wh,
        } => {
            let (found, energy) = (wh(found), wh(energy));
            let detail =
                format!("{found}, which makes {energy} Wh; at most {limit_wh} Wh are believed");
            ApiError::field("/meter_stop_wh", detail)
        }
    }
}
