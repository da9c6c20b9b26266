//! `/api/v1/principals`

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{HeaderName, LOCATION};
use sdk::{Page, PrincipalCreated, PrincipalRequest};

use super::blocking;
use crate::error::ApiError;
use crate::extract::{Body, Caller, Id};
use crate::metrics::Database;
use crate::principals::PrincipalError;
use crate::{SharedApp, convert};

/// All principals, by name.
#[utoipa::path(
    get,
    path = "/api/v1/principals",
    operation_id = "list_principals",
    tag = "principals",
    responses((status = 200, description = "All of them, on one page", body = Page<sdk::Principal>))
)]
pub(crate) async fn list(State(app): State<SharedApp>) -> Json<Page<sdk::Principal>> {
    let items = app
        .principals
        .list()
        .iter()
        .map(convert::principal)
        .collect();
    Json(Page {
        items,
        next_cursor: None,
    })
}

/// Makes a principal; its token is shown in the answer and never again.
#[utoipa::path(
    post,
    path = "/api/v1/principals",
    operation_id = "create_principal",
    tag = "principals",
    request_body = PrincipalRequest,
    responses((status = 201, description = "Made", body = PrincipalCreated))
)]
pub(crate) async fn create(
    State(app): State<SharedApp>,
    Caller(caller): Caller,
    Body(request): Body<PrincipalRequest>,
) -> Result<
    (
        StatusCode,
        [(HeaderName, String); 1],
        Json<PrincipalCreated>,
    ),
    ApiError,
> {
    let principals = app.principals.clone();
    let work = move || principals.create(&request.name, request.role, &caller.tenant);
    let (principal, token) = app.metrics.time(Database::State, blocking(work)).await??;
    let location = format!("/api/v1/principals/{}", principal.name);
    let created = PrincipalCreated {
        principal: convert::principal(&principal),
        token,
    };
    Ok((StatusCode::CREATED, [(LOCATION, location)], Json(created)))
}

/// Deletes a principal; its token is refused from now on.
#[utoipa::path(
    delete,
    path = "/api/v1/principals/{name}",
    operation_id = "delete_principal",
    tag = "principals",
    params(("name" = String, Path)),
    responses((status = 204, description = "Deleted"))
)]
pub(crate) async fn delete(
    State(app): State<SharedApp>,
    Id(name): Id,
) -> Result<StatusCode, ApiError> {
    let principals = app.principals.clone();
    let work = move || principals.delete(&name);
    app.metrics.time(Database::State, blocking(work)).await??;
    Ok(StatusCode::NO_CONTENT)
}

impl From<PrincipalError> for ApiError {
    fn from(error: PrincipalError) -> Self {
        match error {
            PrincipalError::Name { .. } => Self::field("/name", error.to_string()),
            PrincipalError::Exists { name } => Self::Exists {
                what: "principal",
                name,
            },
            PrincipalError::Unknown { name } => Self::not_found("principal", name),
            PrincipalError::LastAdmin { .. } | PrincipalError::TooMany => {
                Self::Conflict(error.to_string())
            }
            PrincipalError::Random | PrincipalError::Row { .. } => {
                Self::Internal(error.to_string())
            }
            PrincipalError::Store(_) => Self::Unavailable(error.to_string()),
        }
    }
}
