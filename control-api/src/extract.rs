//! What handlers take from a request, each refused as a problem that says what was found and what was expected.

use std::error::Error as _;
use std::time::Duration;

use axum::extract::rejection::QueryRejection;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName};
use futures::StreamExt as _;
use sdk::FieldProblem;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use serde_path_to_error::Segment;

use crate::error::ApiError;
use crate::principals::Principal;

/// Longest wait that a request can ask for.
const WAIT_MAX: Duration = Duration::from_secs(300);

/// A JSON body.
pub(crate) struct Body<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        expect_type(request.headers(), "application/json")?;
        let bytes = read_body(request).await?;
        parse(&bytes).map(Self)
    }
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value: T = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        if error.inner().is_data() {
            let pointer = pointer(error.path());
            ApiError::Invalid(vec![FieldProblem {
                pointer,
                detail: error.into_inner().to_string(),
            }])
        } else {
            ApiError::Malformed(format!("the body is not JSON: {}", error.into_inner()))
        }
    })?;
    deserializer
        .end()
        .map_err(|error| ApiError::Malformed(format!("the body is not JSON: {error}")))?;
    Ok(value)
}

/// An object that goes to a station as it was written: its members in their order, its decimals with all their digits.
/// White space goes; what else is wrong with it, the schema of its action says.
///
/// # Errors
///
/// What was found in place of an object.
pub(crate) fn object_as_written(json: &RawValue) -> Result<String, &'static str> {
    if !json.get().starts_with('{') {
        return Err("not an object");
    }
    let (mut in_text, mut is_escaped) = (false, false);
    let significant = |c: &char| {
        let kept = in_text || !c.is_ascii_whitespace();
        in_text ^= *c == '"' && !is_escaped;
        is_escaped = in_text && *c == '\\' && !is_escaped;
        kept
    };
    Ok(json.get().chars().filter(significant).collect())
}

/// A type out of an object that was read before.
pub(crate) fn from_value<T: DeserializeOwned>(
    members: serde_json::Map<String, serde_json::Value>,
) -> Result<T, ApiError> {
    let value = serde_json::Value::Object(members);
    serde_path_to_error::deserialize(value).map_err(|error| {
        let pointer = pointer(error.path());
        ApiError::field(pointer, error.into_inner().to_string())
    })
}

/// JSON Pointer (RFC 6901).
fn pointer(path: &serde_path_to_error::Path) -> String {
    let mut pointer = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => pointer.push_str(&format!("/{index}")),
            Segment::Map { key } => {
                pointer.push('/');
                pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
            }
            Segment::Enum { .. } | Segment::Unknown => {}
        }
    }
    pointer
}

/// Refuses a body that says it is something else, or compressed; one that says nothing is taken at our word.
pub(crate) fn expect_type(headers: &HeaderMap, expected: &'static str) -> Result<(), ApiError> {
    for coding in headers.get_all(CONTENT_ENCODING) {
        if !coding.as_bytes().eq_ignore_ascii_case(b"identity") {
            let found = String::from_utf8_lossy(coding.as_bytes()).into_owned();
            return Err(ApiError::ContentCoding { found });
        }
    }
    let Some(found) = headers.get(CONTENT_TYPE) else {
        return Ok(());
    };
    let found = String::from_utf8_lossy(found.as_bytes());
    let essence = found.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case(expected) {
        return Ok(());
    }
    Err(ApiError::MediaType {
        found: found.into_owned(),
        expected,
    })
}

/// The whole body; [`crate::arrival`] bounds its size and its time.
pub(crate) async fn read_body(request: Request) -> Result<Vec<u8>, ApiError> {
    let mut chunks = request.into_body().into_data_stream();
    let mut bytes = Vec::new();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|e| ApiError::Malformed(format!("the body broke off: {e}")))?;
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// The one parameter of the path, percent-decoded.
pub(crate) struct Id(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        Path::from_request_parts(parts, state)
            .await
            .map(|Path(id)| Self(id))
            .map_err(|rejection| ApiError::BadParameter(rejection.body_text()))
    }
}

/// Two parameters of the path, percent-decoded, in their order.
pub(crate) struct Ids(pub(crate) String, pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for Ids {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        Path::from_request_parts(parts, state)
            .await
            .map(|Path((first, second))| Self(first, second))
            .map_err(|rejection| ApiError::BadParameter(rejection.body_text()))
    }
}

/// The query of the URL.
pub(crate) struct Params<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Params<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        Query::try_from_uri(&parts.uri)
            .map(|Query(params)| Self(params))
            .map_err(|rejection| bad_query(&rejection))
    }
}

/// What is wrong with a query string: the parameter's name and what was found.
pub(crate) fn bad_query(rejection: &QueryRejection) -> ApiError {
    let detail = rejection.source().map(ToString::to_string);
    ApiError::BadParameter(detail.unwrap_or_else(|| rejection.body_text()))
}

/// Who is logged in.
pub(crate) struct Caller(pub(crate) Principal);

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        parts
            .extensions
            .get()
            .cloned()
            .map(Self)
            .ok_or_else(|| ApiError::Internal("a route without a login asks for the caller".into()))
    }
}

/// `Prefer: wait=N` (RFC 7240, §4.3), at most five minutes.
pub(crate) struct Wait(pub(crate) Option<Duration>);

impl<S: Send + Sync> FromRequestParts<S> for Wait {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        wait(&parts.headers).map(Self)
    }
}

fn wait(headers: &HeaderMap) -> Result<Option<Duration>, ApiError> {
    let preferences = headers
        .get_all(HeaderName::from_static("prefer"))
        .into_iter()
        .filter_map(|header| header.to_str().ok())
        .flat_map(|header| header.split([',', ';']));
    for preference in preferences {
        let Some((name, value)) = preference.split_once('=') else {
            continue;
        };
        if name.trim().eq_ignore_ascii_case("wait") {
            let value = value.trim().trim_matches('"');
            let seconds: u32 = value.parse().map_err(|_| {
                ApiError::BadParameter(format!(
                    "Prefer: wait={value}, expected a number of seconds"
                ))
            })?;
            let wait = Duration::from_secs(seconds.into()).min(WAIT_MAX);
            return Ok((!wait.is_zero()).then_some(wait));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use sdk::DeviceRequest;

    use super::*;

    #[test]
    fn an_object_stays_as_it_was_written() {
        for (json, expected) in [
            ("{}", Ok("{}")),
            (
                "{ \"b\" : 1.10,\n\t\"a\": [ 1e0, \"x \\\" y\\\\\", { } ] }",
                Ok(r#"{"b":1.10,"a":[1e0,"x \" y\\",{}]}"#),
            ),
            ("[]", Err("not an object")),
            ("null", Err("not an object")),
            ("\"{}\"", Err("not an object")),
        ] {
            let json: &RawValue = serde_json::from_str(json).unwrap();
            assert_eq!(
                object_as_written(json).as_deref(),
                expected.as_deref(),
                "{json}"
            );
        }
    }

    #[test]
    fn a_wait_is_read_among_other_preferences() {
        for (header, expected) in [
            ("wait=10", Some(Some(10))),
            ("respond-async, wait=10", Some(Some(10))),
            ("WAIT=\"5\"", Some(Some(5))),
            ("wait=100000", Some(Some(300))),
            ("wait=0", Some(None)),
            ("return=minimal", Some(None)),
            ("wait=soon", None),
            ("wait=-1", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert("prefer", HeaderValue::from_static(header));
            let found = wait(&headers)
                .ok()
                .map(|wait| wait.map(|wait| wait.as_secs()));
            assert_eq!(found, expected, "{header}");
        }
    }

    #[test]
    fn a_wrong_body_is_answered_with_the_place_that_is_wrong() {
        let check = |body: &str, expected: &str| {
            let error = parse::<DeviceRequest>(body.as_bytes()).err().unwrap();
            assert_eq!(format!("{} {error}", error.kind().name), expected);
        };
        check(
            r#"{"id":"CP1","location":{"lat":"x","lng":1}}"#,
            r#"invalid /location/lat: invalid type: string "x", expected f64 at line 1 column 33"#,
        );
        check(
            r#"{"id":"CP1","naem":1}"#,
            "invalid /naem: unknown field `naem`, expected one of `id`, `password`, `generate_password`, `security_profile`, `site`, `location`, `connectors` at line 1 column 18",
        );
        check("{}", "invalid missing field `id` at line 1 column 2");
        check(
            "{",
            "malformed the body is not JSON: EOF while parsing an object at line 1 column 1",
        );
        check(
            r#"{"id":"CP1"} x"#,
            "malformed the body is not JSON: trailing characters at line 1 column 14",
        );
    }
}
