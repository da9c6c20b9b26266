//! `/files`: what stations do with files. They have no token; the secret in the path is what lets them in.

use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::header::{
    ACCEPT_RANGES, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG,
    IF_RANGE, RANGE, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use dataplane::CommandId;
use sdk::FileReceived;

use super::blocking;
use super::courses::may_use;
use super::files::{NAME_CHARS_MAX, receive};
use crate::ask::answered;
use crate::error::ApiError;
use crate::extract::{Id, Ids};
use crate::files::{FileRow, Files, LinkId, hex};
use crate::{SharedApp, convert};

/// Bytes that are read from the disk at a time.
const CHUNK_LEN: u64 = 256 << 10;

/// A file, by a URL that an operator made. `Range` asks for a part of it.
///
/// A download counts when the file's last byte goes out: one that broke off may be asked for again, whole or from where
/// it broke.
#[utoipa::path(
    get,
    path = "/files/d/{secret}",
    operation_id = "download",
    tag = "stations",
    params(("secret" = String, Path)),
    responses(
        (status = 200, description = "All of it", body = Vec<u8>, content_type = "application/octet-stream"),
        (status = 206, description = "A part", body = Vec<u8>, content_type = "application/octet-stream"),
        (status = 404, description = "No such URL"),
        (status = 410, description = "Expired, or used up"),
    )
)]
pub(crate) async fn download(
    State(app): State<SharedApp>,
    Id(secret): Id,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    drop_refused(&app, &secret).await?;
    let (link, row) = app.files.by_secret(crate::now(), &secret)?;
    send(app.files.clone(), row, Some(link), &headers).await
}

/// Takes a file, by a URL that an operator made.
///
/// The body is the file. One that breaks off leaves nothing, and may be sent again.
#[utoipa::path(
    put,
    path = "/files/u/{secret}",
    operation_id = "upload",
    tag = "stations",
    params(("secret" = String, Path)),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses(
        (status = 201, description = "It is here, on disk", body = FileReceived),
        (status = 404, description = "No such URL"),
        (status = 410, description = "Expired, or used already"),
        (status = 413, description = "Larger than the URL takes"),
    )
)]
pub(crate) async fn upload(
    State(app): State<SharedApp>,
    Id(secret): Id,
    request: Request,
) -> Result<(StatusCode, Json<FileReceived>), ApiError> {
    take(app, secret, String::new(), request).await
}

/// The same, for stations that POST.
#[utoipa::path(
    post,
    path = "/files/u/{secret}",
    operation_id = "upload_by_post",
    tag = "stations",
    params(("secret" = String, Path)),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 201, description = "It is here, on disk", body = FileReceived))
)]
pub(crate) async fn upload_by_post(
    state: State<SharedApp>,
    id: Id,
    request: Request,
) -> Result<(StatusCode, Json<FileReceived>), ApiError> {
    upload(state, id, request).await
}

/// The same, for stations that add a name of their own to the URL.
#[utoipa::path(
    put,
    path = "/files/u/{secret}/{name}",
    operation_id = "upload_named",
    tag = "stations",
    params(("secret" = String, Path), ("name" = String, Path)),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 201, description = "It is here, on disk", body = FileReceived))
)]
pub(crate) async fn upload_named(
    State(app): State<SharedApp>,
    Ids(secret, name): Ids,
    request: Request,
) -> Result<(StatusCode, Json<FileReceived>), ApiError> {
    take(app, secret, shown_name(&name), request).await
}

/// The same, for stations that POST and add a name of their own.
#[utoipa::path(
    post,
    path = "/files/u/{secret}/{name}",
    operation_id = "upload_named_by_post",
    tag = "stations",
    params(("secret" = String, Path), ("name" = String, Path)),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 201, description = "It is here, on disk", body = FileReceived))
)]
pub(crate) async fn upload_named_by_post(
    state: State<SharedApp>,
    path: Ids,
    request: Request,
) -> Result<(StatusCode, Json<FileReceived>), ApiError> {
    upload_named(state, path, request).await
}

async fn take(
    app: SharedApp,
    secret: String,
    name: String,
    request: Request,
) -> Result<(StatusCode, Json<FileReceived>), ApiError> {
    drop_refused(&app, &secret).await?;
    let files = app.files.clone();
    let incoming = blocking(move || files.receive_by_secret(crate::now(), &secret, name)).await??;
    let row = receive(request, incoming).await?;
    let received = FileReceived {
        size: row.len,
        sha256: hex(&row.sha256),
    };
    Ok((StatusCode::CREATED, Json(received)))
}

/// A URL whose command its station refused is no more, also where nobody waited for the station's answer.
async fn drop_refused(app: &SharedApp, secret: &str) -> Result<(), ApiError> {
    let Some((link, command)) = app.files.told_by(secret) else {
        return Ok(());
    };
    // A command that cannot be looked up keeps no station from what it was told to do.
    let command = answered(app.router.command_by_id(CommandId(command))).await;
    if let Ok(Some(command)) = command
        && !may_use(&convert::command(command))
    {
        let files = app.files.clone();
        blocking(move || files.drop_link(&link)).await??;
    }
    Ok(())
}

/// What a station calls its file, as far as it can be shown; nothing is ever opened by it.
fn shown_name(name: &str) -> String {
    name.chars()
        .take(NAME_CHARS_MAX)
        .map(|c| match c {
            '/' | '\\' => '_',
            c if c.is_control() => '_',
            c => c,
        })
        .collect()
}

/// Answers with a file, or the part of it that is asked for.
pub(super) async fn send(
    files: Files,
    row: FileRow,
    link: Option<LinkId>,
    headers: &HeaderMap,
) -> Result<Response, ApiError> {
    let etag = format!("\"{}\"", hex(&row.sha256));
    let asked = headers.get(RANGE).and_then(|range| range.to_str().ok());
    // Whoever has the beginning of another file gets all of this one.
    let same = headers
        .get(IF_RANGE)
        .is_none_or(|found| found.as_bytes() == etag.as_bytes());
    let part = match asked.filter(|_| same) {
        Some(range) => part(range, row.len)?,
        None => None,
    };
    let file = {
        let (files, id) = (files.clone(), row.id);
        blocking(move || files.bytes_of(id)).await??
    };
    let status = match part {
        Some(_) => StatusCode::PARTIAL_CONTENT,
        None => StatusCode::OK,
    };
    let range = part.clone().unwrap_or(0..row.len);
    let content_range =
        part.map(|part| format!("bytes {}-{}/{}", part.start, part.end - 1, row.len));
    let len = range.end - range.start;
    let sending = Sending {
        file: Arc::new(file),
        len: row.len,
        left: range,
        count: link.map(|link| (files, link)),
    };
    let body = Body::from_stream(futures::stream::try_unfold(sending, Sending::next));
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    let text = |text: &str| HeaderValue::from_str(text).ok();
    let named = disposition(&row.name);
    headers.extend(
        [
            (CONTENT_TYPE, text("application/octet-stream")),
            (CONTENT_LENGTH, Some(HeaderValue::from(len))),
            (ACCEPT_RANGES, text("bytes")),
            (ETAG, text(&etag)),
            (CONTENT_DISPOSITION, text(&named)),
            // A log of a station is never a page of ours.
            (X_CONTENT_TYPE_OPTIONS, text("nosniff")),
            (CONTENT_RANGE, content_range.as_deref().and_then(text)),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?))),
    );
    Ok(response)
}

fn disposition(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if name.is_empty() || !name.chars().all(plain) {
        return "attachment".to_owned();
    }
    format!("attachment; filename=\"{name}\"")
}

/// The one part that `Range` asks for (RFC 9110, §14); `None` where all is sent: several parts, or a unit that is not
/// bytes.
fn part(range: &str, len: u64) -> Result<Option<Range<u64>>, ApiError> {
    let Some((first, last)) = range
        .trim()
        .strip_prefix("bytes=")
        .filter(|range| !range.contains(','))
        .and_then(|range| range.trim().split_once('-'))
    else {
        return Ok(None);
    };
    let number = |text: &str| text.parse::<u64>().ok();
    let part = match (first, last) {
        ("", last) => number(last).map(|last| len.saturating_sub(last)..len),
        (first, "") => number(first).map(|first| first..len),
        (first, last) => match (number(first), number(last)) {
            (Some(first), Some(last)) if first <= last => {
                Some(first..last.saturating_add(1).min(len))
            }
            _ => None,
        },
    };
    match part {
        Some(part) if part.start < part.end => Ok(Some(part)),
        Some(_) => Err(ApiError::Range { len }),
        None => Ok(None),
    }
}

/// A file on its way out.
struct Sending {
    file: Arc<std::fs::File>,
    len: u64,
    left: Range<u64>,
    /// What counts when the last byte goes.
    count: Option<(Files, LinkId)>,
}

impl Sending {
    async fn next(mut self) -> io::Result<Option<(Bytes, Self)>> {
        if self.left.is_empty() {
            return Ok(None);
        }
        blocking(move || {
            let end = self.left.end.min(self.left.start + CHUNK_LEN);
            let mut chunk = vec![0; (end - self.left.start) as usize];
            self.file.read_exact_at(&mut chunk, self.left.start)?;
            if end == self.len
                && let Some((files, link)) = self.count.take()
            {
                files
                    .count_use(crate::now(), &link)
                    .map_err(io::Error::other)?;
            }
            self.left.start = end;
            Ok(Some((chunk.into(), self)))
        })
        .await
        .map_err(io::Error::other)?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_one_part_or_all() {
        for (range, expected) in [
            ("bytes=0-9", Some("0..10")),
            ("bytes=90-", Some("90..100")),
            ("bytes=-10", Some("90..100")),
            ("bytes=-1000", Some("0..100")),
            ("bytes=50-1000", Some("50..100")),
            ("bytes=0-18446744073709551615", Some("0..100")),
            ("bytes=0-9,20-29", Some("all")),
            ("bytes=9-0", Some("all")),
            ("bytes=a-b", Some("all")),
            ("lines=1-2", Some("all")),
            ("bytes=100-", None),
            ("bytes=-0", None),
            ("bytes=200-300", None),
        ] {
            let found = part(range, 100)
                .ok()
                .map(|part| part.map_or("all".to_owned(), |part| format!("{part:?}")));
            assert_eq!(found.as_deref(), expected, "{range}");
        }
    }

    #[test]
    fn a_name_that_a_header_could_not_hold_is_left_out() {
        assert_eq!(
            disposition("fw-1.2.bin"),
            "attachment; filename=\"fw-1.2.bin\""
        );
        for name in ["", "a\"b", "a b", "ä"] {
            assert_eq!(disposition(name), "attachment", "{name}");
        }
        assert_eq!(shown_name("../../etc/passwd\0"), ".._.._etc_passwd_");
    }
}
