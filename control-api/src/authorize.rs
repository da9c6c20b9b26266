//! The login of every request, and how many of them are let in.

use std::net::Ipv4Addr;
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use sdk::Role;

use crate::error::ApiError;
use crate::metrics;
use crate::policy::{Access, Verdict, verdict};
use crate::principals::{Principal, Principals};
use crate::rate::{Asker, Rates};
use crate::serve::Peer;

/// What stands in front of every route.
#[derive(Clone)]
pub(crate) struct Guard {
    principals: Principals,
    rates: Rates,
    started: Instant,
}

impl Guard {
    pub(crate) fn new(principals: Principals, rates: Rates) -> Self {
        Self {
            principals,
            rates,
            started: metrics::now(),
        }
    }

    /// Takes a request out of the asker's bucket.
    fn take(&self, asker: Asker) -> Result<(), ApiError> {
        let who = match &asker {
            Asker::Principal(_) => "this principal",
            Asker::Address(_) => "this address without a valid token",
        };
        let now = u64::try_from(self.started.elapsed().as_nanos()).expect("584 years of uptime");
        self.rates
            .take(now, asker)
            .map_err(|retry_after| ApiError::TooOften { who, retry_after })
    }
}

/// Lets a request through to its route, with its [`Principal`] in the extensions, or refuses it.
pub(crate) async fn authorize(
    State(guard): State<Guard>,
    mut request: Request,
    next: Next,
) -> Response {
    match admit(&guard, &request) {
        Ok(principal) => {
            if let Some(principal) = principal {
                request.extensions_mut().insert(principal);
            }
            next.run(request).await
        }
        Err(refused) => refused.into_response(),
    }
}

/// Who the request comes from, if there is room for it.
fn admit(guard: &Guard, request: &Request) -> Result<Option<Principal>, ApiError> {
    let path = request.extensions().get::<MatchedPath>();
    if path.is_some_and(|path| path.as_str() == UNCOUNTED) {
        return Ok(None);
    }
    let login = login(&guard.principals, request);
    let asker = match &login {
        // Whoever proves who it is keeps its bucket, also for what is forbidden to it.
        Ok((Some(principal), _)) => Asker::Principal(principal.name.clone()),
        Ok((None, _)) | Err(_) => Asker::at(
            request
                .extensions()
                .get::<Peer>()
                .map_or(Ipv4Addr::UNSPECIFIED.into(), |peer| peer.0),
        ),
    };
    guard.take(asker)?;
    match login? {
        (Some(principal), needed) if principal.role < needed => Err(ApiError::Forbidden {
            found: principal.role,
            needed,
        }),
        (principal, _) => Ok(principal),
    }
}

/// Always answered: whoever watches the process would end it otherwise.
const UNCOUNTED: &str = "/health/live";

/// Who the request comes from, and the role that its route needs; nobody where that does not matter.
fn login(
    principals: &Principals,
    request: &Request,
) -> Result<(Option<Principal>, Role), ApiError> {
    const NOBODY: (Option<Principal>, Role) = (None, Role::ReadOnly);
    let Some(path) = request.extensions().get::<MatchedPath>() else {
        return Ok(NOBODY); // No route: the fallback answers 404 to everybody.
    };
    let needed = match verdict(request.method(), path.as_str()) {
        Verdict::Access(Access::Role(needed)) => needed,
        Verdict::Access(Access::Public) | Verdict::OtherMethod => return Ok(NOBODY),
        Verdict::Unknown => return Err(ApiError::NoRoute),
    };
    let principal = principals
        .principal_by_token(bearer(request.headers())?)
        .ok_or(ApiError::Unauthorized("the token is not valid"))?;
    Ok((Some(principal), needed))
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
