//! `/api/v1/tokens`

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::IntoResponse;
use dataplane::{TokenFilter, TokenMode, TokenWritten};
use sdk::{Page, Token, TokenRequest, TokenStatus};
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::IntoParams;

use super::devices::percent_encoded;
use super::transactions::check_token;
use crate::ask::of_store;
use crate::error::ApiError;
use crate::extract::{Body, Caller, Id, from_value};
use crate::listing::{Listing, PageParams, page};
use crate::{SharedApp, convert};

/// Rounds of a change that others were faster than.
const CHANGE_ROUNDS_MAX: usize = 4;

/// Which tokens to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct TokenParams {
    /// Only those of this group, exactly.
    group: Option<String>,
    /// Only those of this status.
    #[param(inline)]
    status: Option<TokenStatus>,
}

/// Tokens that somebody put, by id. A page may be shorter than `limit` and yet have a next one.
#[utoipa::path(
    get,
    path = "/api/v1/tokens",
    operation_id = "list_tokens",
    tag = "tokens",
    params(TokenParams, PageParams),
    responses((status = 200, description = "A page of them", body = Page<Token>))
)]
pub(crate) async fn list(
    State(app): State<SharedApp>,
    Caller(caller): Caller,
    listing: Listing<TokenParams, String>,
) -> Result<Json<Page<Token>>, ApiError> {
    let after = listing.after.as_deref();
    let filter = TokenFilter {
        group: listing.filter.group,
        status: listing.filter.status.map(convert::token_status),
    };
    let question = app
        .router
        .tokens(&caller.tenant, filter, after, listing.limit);
    let tokens = of_store(&app, question).await?;
    Ok(Json(page(tokens, convert::token, String::clone)))
}

/// Adds a token that is not there yet.
#[utoipa::path(
    post,
    path = "/api/v1/tokens",
    operation_id = "create_token",
    tag = "tokens",
    request_body = Token,
    responses((status = 201, description = "The token", body = Token))
)]
pub(crate) async fn create(
    State(app): State<SharedApp>,
    Caller(caller): Caller,
    Body(mut request): Body<Map<String, Value>>,
) -> Result<impl IntoResponse, ApiError> {
    let id: String = match request.remove("id") {
        Some(Value::String(id)) => id,
        Some(other) => return Err(ApiError::field("/id", format!("{other}, expected a text"))),
        None => return Err(ApiError::field("/id", "absent")),
    };
    check_token(&id).map_err(|detail| ApiError::field("/id", detail))?;
    let token = convert::token_rules(&caller.tenant, id, from_value(request)?)?;
    let id = token.id.clone();
    match write(&app, &caller.tenant, token.clone(), TokenMode::Create).await? {
        TokenWritten::Done => {
            let location = format!("/api/v1/tokens/{}", percent_encoded(&id));
            let token = Json(convert::token(token));
            Ok((StatusCode::CREATED, [(LOCATION, location)], token))
        }
        TokenWritten::Refused => Err(ApiError::Exists {
            what: "token",
            name: id,
        }),
    }
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
    let question = app.router.delete_token(&caller.tenant, &id);
    let known = of_store(&app, question).await?;
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
    let token = find(&app, &caller.tenant, &id).await?;
    Ok(Json(convert::token(token)))
}

/// Says all there is to say of a token. Unknown ones are Accepted while onboarding is open, else Unknown (Invalid in 1.6).
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
    let token = convert::token_rules(&caller.tenant, id, request)?;
    write(&app, &caller.tenant, token.clone(), TokenMode::Upsert).await?;
    Ok(Json(convert::token(token)))
}

/// Changes what is said of a token: members that are absent stay, `null` takes one away, lists are replaced whole.
#[utoipa::path(
    patch,
    path = "/api/v1/tokens/{id}",
    operation_id = "change_token",
    tag = "tokens",
    params(("id" = String, Path)),
    request_body(content = Object, description = "Members of `TokenRequest`"),
    responses((status = 200, description = "The token after it", body = Token))
)]
pub(crate) async fn change(
    State(app): State<SharedApp>,
    Caller(caller): Caller,
    Id(id): Id,
    Body(request): Body<Map<String, Value>>,
) -> Result<Json<Token>, ApiError> {
    for _ in 0..CHANGE_ROUNDS_MAX {
        let before = find(&app, &caller.tenant, &id).await?;
        let shown = convert::token(before.clone());
        let rules = merged(&shown.rules, &request)?;
        let token = convert::token_rules(&caller.tenant, shown.id, rules)?;
        let mode = TokenMode::Replace(Box::new(before));
        match write(&app, &caller.tenant, token.clone(), mode).await? {
            TokenWritten::Done => return Ok(Json(convert::token(token))),
            TokenWritten::Refused => {}
        }
    }
    let detail = format!("token {id:?} was changed by others at the same time");
    Err(ApiError::Conflict(detail))
}

/// What is said after a change (RFC 7396, of the first level: what lies below is small, and replaced whole).
fn merged(before: &TokenRequest, change: &Map<String, Value>) -> Result<TokenRequest, ApiError> {
    let mut members = match serde_json::to_value(before) {
        Ok(Value::Object(members)) => members,
        other => {
            return Err(ApiError::Internal(format!(
                "a token is no object: {other:?}"
            )));
        }
    };
    for (name, value) in change {
        // A `null` says as much as an absent member, and an unknown one is to be refused.
        members.insert(name.clone(), value.clone());
    }
    from_value(members)
}

async fn find(app: &SharedApp, tenant: &str, id: &str) -> Result<dataplane::Token, ApiError> {
    let question = app.router.token(tenant, id);
    of_store(app, question)
        .await?
        .ok_or_else(|| ApiError::not_found("token", id))
}

async fn write(
    app: &SharedApp,
    tenant: &str,
    token: dataplane::Token,
    mode: TokenMode,
) -> Result<TokenWritten, ApiError> {
    let question = app.router.put_token(tenant, token, mode);
    of_store(app, question).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_touches_what_it_names() {
        let before = TokenRequest {
            group: Some("G".into()),
            concurrent_max: Some(1),
            ..TokenRequest::new(TokenStatus::Accepted)
        };
        let check = |change: Value, expected: Result<TokenRequest, &str>| {
            let Value::Object(change) = change else {
                panic!("a change is an object")
            };
            let found = merged(&before, &change).map_err(|error| error.to_string());
            assert_eq!(found, expected.map_err(str::to_owned));
        };
        check(serde_json::json!({}), Ok(before.clone()));
        check(
            serde_json::json!({"status": "Blocked", "group": null, "sites": null}),
            Ok(TokenRequest {
                status: TokenStatus::Blocked,
                group: None,
                ..before.clone()
            }),
        );
        check(
            serde_json::json!({"status": null}),
            Err("/status: invalid type: null, expected string or map"),
        );
        check(
            serde_json::json!({"concurrent_max": "2"}),
            Err("/concurrent_max: invalid type: string \"2\", expected u32"),
        );
    }
}
