//! `/api/v1/tokens`

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use sdk::{Page, Token, TokenRequest};

use super::transactions::check_token;
use crate::ask::answered;
use crate::error::ApiError;
use crate::extract::{Body, Caller, Id};
use crate::listing::{Everything, Listing, PageParams, page};
use crate::metrics::Database;
use crate::{SharedApp, convert};

/// Tokens that somebody put, by id.
#[utoipa::path(
    get,
    path = "/api/v1/tokens",
    operation_id = "list_tokens",
    tag = "tokens",
    params(PageParams),
    responses((status = 200, description = "A page of them", body = Page<Token>))
)]
pub(crate) async fn list(
    State(app): State<SharedApp>,
    Caller(caller): Caller,
    listing: Listing<Everything, String>,
) -> Result<Json<Page<Token>>, ApiError> {
    let after = listing.after.as_deref();
    let question = answered(app.router.tokens(&caller.tenant, after, listing.limit));
    let tokens = app
        .metrics
        .time(Database::State, question)
        .await?
        .map_err(ApiError::Unavailable)?;
    Ok(Json(page(tokens, convert::token, String::clone)))
}

/// Forgets a token: from now on it is as unknown as any other.
#[utoipa::path(
    delete,
    path = "/api/v1/tokens/{id}",
    operation_id = "delete_token",
    tag = "tokens",
    params(("id" = String, Path)),
    responses((status = 204, description = "Forgotten"))
)]
pub(crate) async fn delete(
    State(app): State<SharedApp>,
    Caller(caller): Caller,
    Id(id): Id,
) -> Result<StatusCode, ApiError> {
    let question = answered(app.router.delete_token(&caller.tenant, &id));
    let known = app
        .metrics
        .time(Database::State, question)
        .await?
        .map_err(ApiError::Unavailable)?;
    if known {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(ApiError::not_found("token", id))
    }
}

/// What is known of a token.
#[utoipa::path(
    get,
    path = "/api/v1/tokens/{id}",
    operation_id = "get_token",
    tag = "tokens",
    params(("id" = String, Path)),
    responses((status = 200, description = "The token", body = Token))
)]
pub(crate) async fn show(
    State(app): State<SharedApp>,
    Caller(caller): Caller,
    Id(id): Id,
) -> Result<Json<Token>, ApiError> {
    let question = answered(app.router.token(&caller.tenant, &id));
    let token = app
        .metrics
        .time(Database::State, question)
        .await?
        .map_err(ApiError::Unavailable)?;
    token
        .map(|token| Json(convert::token(token)))
        .ok_or_else(|| ApiError::not_found("token", id))
}

/// Says what stations are told of a token. Unknown ones are Accepted while onboarding is open, else Invalid.
#[utoipa::path(
    put,
    path = "/api/v1/tokens/{id}",
    operation_id = "put_token",
    tag = "tokens",
    params(("id" = String, Path, description = "As stations send it, at most 36 characters")),
    request_body = TokenRequest,
    responses((status = 200, description = "The token after it", body = Token))
)]
pub(crate) async fn put(
    State(app): State<SharedApp>,
    Caller(caller): Caller,
    Id(id): Id,
    Body(request): Body<TokenRequest>,
) -> Result<Json<Token>, ApiError> {
    check_token(&id).map_err(|detail| ApiError::BadParameter(format!("token id: {detail}")))?;
    let token = dataplane::Token {
        id,
        status: convert::token_status(request.status),
        expires_at: None,
        group: String::new(),
    };
    let question = answered(app.router.put_token(&caller.tenant, token.clone()));
    app.metrics
        .time(Database::State, question)
        .await?
        .map_err(ApiError::Unavailable)?;
    Ok(Json(convert::token(token)))
}
