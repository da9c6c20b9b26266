//! The login of every request.

use axum::extract::{MatchedPath, Request, State};
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::error::ApiError;
use crate::policy::{Access, Verdict, verdict};
use crate::principals::{Principal, Principals};

/// Lets a request through to its route, with its [`Principal`] in the extensions, or refuses it.
pub(crate) async fn authorize(
    State(principals): State<Principals>,
    mut request: Request,
    next: Next,
) -> Response {
    match login(&principals, &request) {
        Ok(principal) => {
            if let Some(principal) = principal {
                request.extensions_mut().insert(principal);
            }
            next.run(request).await
        }
        Err(refused) => refused.into_response(),
    }
}

/// Who the request comes from; `None` where that does not matter.
fn login(principals: &Principals, request: &Request) -> Result<Option<Principal>, ApiError> {
    let Some(path) = request.extensions().get::<MatchedPath>() else {
        return Ok(None); // No route: the fallback answers 404 to everybody.
    };
    let needed = match verdict(request.method(), path.as_str()) {
        Verdict::Access(Access::Role(needed)) => needed,
        Verdict::Access(Access::Public) | Verdict::OtherMethod => return Ok(None),
        Verdict::Unknown => return Err(ApiError::NoRoute),
    };
    let principal = principals
        .principal_by_token(bearer(request.headers())?)
        .ok_or(ApiError::Unauthorized("the token is not valid"))?;
    if principal.role < needed {
        return Err(ApiError::Forbidden {
            found: principal.role,
            needed,
        });
    }
    Ok(Some(principal))
}

/// The token of `Authorization: Bearer TOKEN` (RFC 6750, §2.1).
fn bearer(headers: &HeaderMap) -> Result<&str, ApiError> {
    let header = headers.get(AUTHORIZATION).ok_or(ApiError::Unauthorized(
        "the request has no Authorization header",
    ))?;
    let expected = ApiError::Unauthorized("the Authorization header is not `Bearer TOKEN`");
    let (scheme, token) = header
        .to_str()
        .ok()
        .and_then(|text| text.split_once(' '))
        .ok_or_else(|| expected.clone())?;
    if scheme.eq_ignore_ascii_case("bearer") {
        Ok(token.trim())
    } else {
        Err(expected)
    }
}
