//! `PATCH /api/v1/transactions/{id}/limits`: what a transaction may come to at most.

use axum::Json;
use axum::extract::State;
use dataplane::{LimitOutcome, LimitRequest};
use sdk::{Limits, Transaction};

use super::super::commands::refuse;
use super::transaction_id;
use crate::ask::answered;
use crate::error::ApiError;
use crate::extract::{Body, Caller, Id};
use crate::{SharedApp, convert};

/// Sets or changes the limits of a transaction that runs on a station of OCPP 2.1.
///
/// The station hears of it with the answer to the transaction's next event, and says in a later one to what it keeps:
/// `limits` of the transaction shows both. A limit that was set can be changed and not taken away: one that is high
/// enough limits nothing. One that the driver has set at the station, and is no higher, is left as it is.
///
/// 409 `conflict` when the transaction has ended; 422 `invalid_command` when the station does not keep to such a limit: it
/// speaks another version, or has not named it in `TxCtrlr.SupportedLimits`.
#[utoipa::path(
    patch,
    path = "/api/v1/transactions/{id}/limits",
    operation_id = "limit_transaction",
    tag = "transactions",
    params(("id" = String, Path)),
    request_body = Limits,
    responses((status = 200, description = "They are set", body = Transaction))
)]
pub(crate) async fn limit(
    State(app): State<SharedApp>,
    Caller(caller): Caller,
    Id(id): Id,
    Body(request): Body<Limits>,
) -> Result<Json<Transaction>, ApiError> {
    let question = app.router.limit_transaction(LimitRequest {
        transaction: transaction_id(&id)?,
        tenant: caller.tenant,
        principal: caller.name,
        limits: convert::limits(&request, "")?,
    });
    match answered(question).await? {
        LimitOutcome::Set(limited) => Ok(Json(convert::transaction(limited))),
        LimitOutcome::Over(_) => {
            let detail = format!("transaction {id} has ended, and takes no limits");
            Err(ApiError::Conflict(detail))
        }
        LimitOutcome::Refused(refused) => Err(refuse(refused, &id)),
        LimitOutcome::Unknown => Err(ApiError::not_found("transaction", id)),
    }
}
