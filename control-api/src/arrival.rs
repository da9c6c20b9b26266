//! How a request's body arrives: not larger and not slower than its route takes, and read away where nobody wants it.
//!
//! A body that is left unread when its connection closes makes the kernel reset the connection, and the peer loses
//! the answer that says why. What a handler (or the login) leaves is therefore drained beside the answer, up to
//! [`DRAIN_LEN_MAX`] and [`DRAIN_TIMEOUT`]. A peer that waits for `100 Continue` has sent nothing and needs no drain.

use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, BodyDataStream, Bytes};
use axum::extract::{MatchedPath, Request};
use axum::http::header::{CONTENT_LENGTH, EXPECT};
use axum::http::{HeaderMap, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures::{Stream, StreamExt as _};
use tokio::runtime::Handle;
use tokio::time::Sleep;

use crate::error::ApiError;

/// What is read of a body that nobody wants.
const DRAIN_LEN_MAX: usize = 64 << 20;
/// How long.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);

/// What a route takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Bytes.
    pub(crate) len_max: usize,
    /// From the head to the last byte.
    pub(crate) timeout: Duration,
}

/// JSON and SQL.
pub(crate) const ORDINARY: Limits = Limits {
    len_max: 1 << 20,
    timeout: Duration::from_secs(30),
};
/// Speech.
const AUDIO: Limits = Limits {
    len_max: 8 << 20,
    ..ORDINARY
};
/// A file: about 500,000 stations.
const FILE: Limits = Limits {
    len_max: 32 << 20,
    timeout: Duration::from_secs(600),
};

/// Firmware and logs, as slow as a modem of a station may be. How long they may be is said by their own limits, which
/// are below this one.
const TRANSFER: Limits = Limits {
    len_max: 1 << 40,
    timeout: Duration::from_secs(3_600),
};

fn limits(path: Option<&MatchedPath>) -> Limits {
    match path.map(MatchedPath::as_str) {
        Some("/api/v1/devices/import") => FILE,
        Some("/api/v1/files" | "/files/u/{secret}" | "/files/u/{secret}/{name}") => TRANSFER,
        Some("/api/v1/voice/command") => AUDIO,
        _ => ORDINARY,
    }
}

/// Puts a request's body under its route's limits: a layer outside the login.
pub(crate) async fn limit(request: Request, next: Next) -> Response {
    let limits = limits(request.extensions().get::<MatchedPath>());
    within(limits, request, next).await
}

/// Puts a request's body under `limits`.
pub(crate) async fn within(limits: Limits, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let verdict = Arc::new(OnceLock::new());
    let arriving = Arriving {
        chunks: Some(body.into_data_stream()),
        left: limits.len_max,
        limits,
        timer: Box::pin(timer(limits.timeout)),
        awaits_continue: awaits_continue(&parts.headers),
        verdict: Arc::clone(&verdict),
    };
    if announced(&parts.headers).is_some_and(|len| (limits.len_max as u64) < len) {
        return too_large(limits).into_response(); // Dropping `arriving` drains it.
    }
    let response = next
        .run(Request::from_parts(parts, Body::from_stream(arriving)))
        .await;
    // Handlers see a body that broke off; here is known why.
    match verdict.get() {
        Some(error) => ApiError::clone(error).into_response(),
        None => response,
    }
}

fn announced(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn awaits_continue(headers: &HeaderMap) -> bool {
    headers
        .get(EXPECT)
        .map(HeaderValue::as_bytes)
        .is_some_and(|expected| expected.eq_ignore_ascii_case(b"100-continue"))
}

fn too_large(limits: Limits) -> ApiError {
    ApiError::TooLarge {
        limit: limits.len_max,
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the deadline of a peer on a real socket"
)]
fn timer(timeout: Duration) -> Sleep {
    tokio::time::sleep(timeout)
}

/// A body on its way.
struct Arriving {
    /// `None` once it has ended, well or not.
    chunks: Option<BodyDataStream>,
    /// Bytes that it may still have.
    left: usize,
    limits: Limits,
    timer: Pin<Box<Sleep>>,
    /// True while the peer has not been asked for the body.
    awaits_continue: bool,
    /// Why it was refused, for the layer.
    verdict: Arc<OnceLock<ApiError>>,
}

impl Arriving {
    fn refuse(&mut self, error: ApiError) -> axum::Error {
        let text = error.to_string();
        // The first reason stands.
        let _ = self.verdict.set(error);
        axum::Error::new(text)
    }
}

impl Stream for Arriving {
    type Item = Result<Bytes, axum::Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        this.awaits_continue = false;
        let Some(chunks) = &mut this.chunks else {
            return Poll::Ready(None);
        };
        match chunks.poll_next_unpin(cx) {
            Poll::Ready(Some(Ok(chunk))) => match this.left.checked_sub(chunk.len()) {
                Some(left) => {
                    this.left = left;
                    Poll::Ready(Some(Ok(chunk)))
                }
                None => {
                    let error = this.refuse(too_large(this.limits));
                    Poll::Ready(Some(Err(error)))
                }
            },
            Poll::Ready(ended) => {
                this.chunks = None;
                Poll::Ready(ended)
            }
            Poll::Pending => {
                std::task::ready!(this.timer.as_mut().poll(cx));
                // It had its time; nothing is drained after that.
                this.chunks = None;
                let seconds = this.limits.timeout.as_secs();
                Poll::Ready(Some(Err(this.refuse(ApiError::Slow { seconds }))))
            }
        }
    }
}

impl Drop for Arriving {
    fn drop(&mut self) {
        let chunks = self.chunks.take().filter(|_| !self.awaits_continue);
        if let (Some(chunks), Ok(runtime)) = (chunks, Handle::try_current()) {
            runtime.spawn(tokio::time::timeout(DRAIN_TIMEOUT, drain(chunks)));
        }
    }
}

async fn drain(mut chunks: BodyDataStream) {
    let mut left = DRAIN_LEN_MAX;
    while let Some(Ok(chunk)) = chunks.next().await {
        match left.checked_sub(chunk.len()) {
            Some(rest) => left = rest,
            None => return,
        }
    }
}
