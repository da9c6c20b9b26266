//! `/api/v1/files`: what operators do with files.

use std::time::Duration;

use axum::Json;
use axum::extract::{Query, Request, State};
use axum::http::header::{CONTENT_LENGTH, LOCATION};
use axum::http::{HeaderMap, HeaderName, StatusCode, Uri};
use axum::response::Response;
use fleet::StationKey;
use futures::StreamExt as _;
use sdk::{DownloadUrl, DownloadUrlRequest, File, FileCreated, Page, UploadUrl, UploadUrlRequest};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use utoipa::IntoParams;

use super::{blocking, check_text, transfers};
use crate::error::ApiError;
use crate::extract::{Body, Caller, Id, bad_query};
use crate::files::{FileId, FileRow, Files, FilesError, Incoming, LinkRequest, Origin, Purpose};
use crate::listing::{Listing, PageParams};
use crate::principals::Principal;
use crate::{SharedApp, cursor};

/// Longest name, characters.
pub(super) const NAME_CHARS_MAX: usize = 128;
/// How long a URL is good for where nothing is said.
const LIFETIME_DEFAULT: Duration = Duration::from_secs(86_400);
/// How long it may be good for.
const LIFETIME_MAX: Duration = Duration::from_secs(90 * 86_400);
/// Most transfers of one URL.
const USES_MAX: u32 = 10_000;
/// Bytes that are handed to the disk at a time.
const CHUNK_LEN: usize = 256 << 10;

/// What is said of a file that is put.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct PutParams {
    /// What to call it; at most 128 characters, no path.
    name: Option<String>,
    /// Makes a URL by which stations get it, good for as many whole downloads.
    downloads: Option<u32>,
    /// How long that URL is good for, seconds; a day without it.
    expires_in: Option<u64>,
}

/// Which files to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct FileParams {
    /// Only those that came from this station.
    device_id: Option<String>,
}

/// Files, newest first.
#[utoipa::path(
    get,
    path = "/api/v1/files",
    operation_id = "list_files",
    tag = "files",
    params(FileParams, PageParams),
    responses((status = 200, description = "A page of them", body = Page<File>))
)]
pub(crate) async fn list(
    State(app): State<SharedApp>,
    Caller(caller): Caller,
    listing: Listing<FileParams, String>,
) -> Result<Json<Page<File>>, ApiError> {
    let after = listing
        .after
        .map(|id| id.parse().map_err(|()| cursor::invalid()))
        .transpose()?;
    let wanted = |row: &FileRow| match (&listing.filter.device_id, &row.origin) {
        (None, _) => true,
        (Some(wanted), Origin::Station(id)) => wanted == id,
        (Some(_), Origin::Operator(_)) => false,
    };
    let limit = listing.limit;
    let rows = app.files.list(&caller.tenant, after, limit + 1, wanted);
    let next = rows.get(limit - 1).filter(|_| limit < rows.len());
    Ok(Json(Page {
        next_cursor: next.map(|row| cursor::encode(&row.id.to_string())),
        items: rows.iter().take(limit).map(file).collect(),
    }))
}

/// Puts a file: its bytes are the body.
///
/// It is on disk when this answers. `files.size_max` and `files.total_max` set the limits.
#[utoipa::path(
    post,
    path = "/api/v1/files",
    operation_id = "put_file",
    tag = "files",
    params(PutParams),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 201, description = "Kept; a URL is shown this once", body = FileCreated))
)]
pub(crate) async fn put(
    State(app): State<SharedApp>,
    Caller(caller): Caller,
    request: Request,
) -> Result<(StatusCode, [(HeaderName, String); 1], Json<FileCreated>), ApiError> {
    let params: PutParams = query(request.uri())?;
    let name = params.name.unwrap_or_default();
    check_name(&name).map_err(|detail| ApiError::BadParameter(format!("name: {detail}")))?;
    let url = match params.downloads {
        Some(uses) => Some(limits(uses, params.expires_in)?),
        None if params.expires_in.is_some() => {
            let detail = "expires_in without downloads, which makes the URL that expires";
            return Err(ApiError::BadParameter(detail.into()));
        }
        None => None,
    };
    let files = app.files.clone();
    let Principal {
        tenant,
        name: principal,
        ..
    } = caller;
    let incoming = {
        let tenant = tenant.clone();
        blocking(move || files.receive(crate::now(), &tenant, &principal, name)).await??
    };
    let row = receive(request, incoming).await?;
    let files = app.files.clone();
    let (row, url) = blocking(move || {
        let made = url.map(|limits| download_url(&files, &tenant, row.id, limits));
        made.transpose().map(|made| (row, made))
    })
    .await??;
    let location = format!("/api/v1/files/{}", row.id);
    let created = FileCreated {
        file: file(&row),
        download: url,
    };
    Ok((StatusCode::CREATED, [(LOCATION, location)], Json(created)))
}

/// What is known of a file.
#[utoipa::path(
    get,
    path = "/api/v1/files/{id}",
    operation_id = "get_file",
    tag = "files",
    params(("id" = String, Path)),
    responses((status = 200, description = "The file", body = File))
)]
pub(crate) async fn show(
    State(app): State<SharedApp>,
    Caller(caller): Caller,
    Id(id): Id,
) -> Result<Json<File>, ApiError> {
    find(&app.files, &caller.tenant, &id).map(|row| Json(file(&row)))
}

/// The bytes of a file. `Range` asks for a part of them.
#[utoipa::path(
    get,
    path = "/api/v1/files/{id}/content",
    operation_id = "get_file_content",
    tag = "files",
    params(("id" = String, Path)),
    responses(
        (status = 200, description = "All of it", body = Vec<u8>, content_type = "application/octet-stream"),
        (status = 206, description = "A part", body = Vec<u8>, content_type = "application/octet-stream"),
    )
)]
pub(crate) async fn content(
    State(app): State<SharedApp>,
    Caller(caller): Caller,
    Id(id): Id,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let row = find(&app.files, &caller.tenant, &id)?;
    transfers::send(app.files.clone(), row, None, &headers).await
}

/// Removes a file and the URLs that lead to it.
#[utoipa::path(
    delete,
    path = "/api/v1/files/{id}",
    operation_id = "delete_file",
    tag = "files",
    params(("id" = String, Path)),
    responses((status = 204, description = "Gone"))
)]
pub(crate) async fn delete(
    State(app): State<SharedApp>,
    Caller(caller): Caller,
    Id(id): Id,
) -> Result<StatusCode, ApiError> {
    let row = find(&app.files, &caller.tenant, &id)?;
    let files = app.files.clone();
    blocking(move || files.remove(&caller.tenant, row.id)).await??;
    Ok(StatusCode::NO_CONTENT)
}

/// Makes a URL by which a station gets a file without a token.
#[utoipa::path(
    post,
    path = "/api/v1/files/{id}/download-urls",
    operation_id = "make_download_url",
    tag = "files",
    params(("id" = String, Path)),
    request_body = DownloadUrlRequest,
    responses((status = 201, description = "Made; it is shown this once", body = DownloadUrl))
)]
pub(crate) async fn make_download_url(
    State(app): State<SharedApp>,
    Caller(caller): Caller,
    Id(id): Id,
    Body(request): Body<DownloadUrlRequest>,
) -> Result<(StatusCode, Json<DownloadUrl>), ApiError> {
    let row = find(&app.files, &caller.tenant, &id)?;
    let limits = limits(request.downloads.unwrap_or(1), request.expires_in)?;
    let files = app.files.clone();
    let made = blocking(move || download_url(&files, &row.tenant, row.id, limits)).await??;
    Ok((StatusCode::CREATED, Json(made)))
}

/// Makes a URL under which a station puts one file, by PUT or POST, without a token.
#[utoipa::path(
    post,
    path = "/api/v1/files/upload-urls",
    operation_id = "make_upload_url",
    tag = "files",
    request_body = UploadUrlRequest,
    responses((status = 201, description = "Made; it is shown this once", body = UploadUrl))
)]
pub(crate) async fn make_upload_url(
    State(app): State<SharedApp>,
    Caller(caller): Caller,
    Body(request): Body<UploadUrlRequest>,
) -> Result<(StatusCode, Json<UploadUrl>), ApiError> {
    let size_max = size_max(&app.files, request.size_max)?;
    let lifetime = lifetime("/expires_in", request.expires_in)?;
    let station = request.device_id.unwrap_or_default();
    if !station.is_empty() {
        StationKey::new(&caller.tenant, &station)
            .map_err(|e| ApiError::field("/device_id", e.to_string()))?;
    }
    let files = app.files.clone();
    let made = blocking(move || {
        let request = LinkRequest {
            tenant: &caller.tenant,
            purpose: Purpose::Upload { len_max: size_max },
            station: &station,
            uses: 1,
            lifetime,
        };
        files.make_link(crate::now(), &request)
    })
    .await??;
    let url = UploadUrl {
        id: crate::files::hex(&made.id),
        url: made.url,
        size_max,
        expires_at: made.expires_at.to_string(),
    };
    Ok((StatusCode::CREATED, Json(url)))
}

/// Ends an upload URL. A file that is arriving under it is not kept; one that came stays.
#[utoipa::path(
    delete,
    path = "/api/v1/files/upload-urls/{id}",
    operation_id = "revoke_upload_url",
    tag = "files",
    params(("id" = String, Path)),
    responses((status = 204, description = "It takes nothing any more"))
)]
pub(crate) async fn revoke_upload_url(
    State(app): State<SharedApp>,
    Caller(caller): Caller,
    Id(id): Id,
) -> Result<StatusCode, ApiError> {
    let (files, name) = (app.files.clone(), id.clone());
    let revoked = blocking(move || files.revoke_upload(&caller.tenant, &name)).await?;
    match revoked {
        Ok(()) => Ok(StatusCode::NO_CONTENT),
        Err(FilesError::Unknown { .. }) => Err(ApiError::not_found("upload URL", id)),
        Err(error) => Err(error.into()),
    }
}

/// A file of the caller's tenant.
pub(super) fn find(files: &Files, tenant: &str, id: &str) -> Result<FileRow, ApiError> {
    let known = id.parse::<FileId>().ok();
    known
        .and_then(|id| files.find(tenant, id))
        .ok_or_else(|| ApiError::not_found("file", id))
}

pub(super) fn file(row: &FileRow) -> File {
    let (created_by, device_id) = match &row.origin {
        Origin::Operator(name) => (Some(name.clone()), None),
        Origin::Station(id) => (None, Some(id.clone()).filter(|id| !id.is_empty())),
    };
    File {
        id: row.id.to_string(),
        name: row.name.clone(),
        size: row.len,
        sha256: crate::files::hex(&row.sha256),
        created_at: row.created_at.to_string(),
        created_by,
        device_id,
        command_id: row.command.map(|id| dataplane::CommandId(id).to_string()),
    }
}

/// The longest file that a URL takes: what is asked for, within what any file may have.
pub(super) fn size_max(files: &Files, asked: Option<u64>) -> Result<u64, ApiError> {
    let limit = files.config().size_max;
    let size_max = asked.unwrap_or(limit);
    if (1..=limit).contains(&size_max) {
        return Ok(size_max);
    }
    let detail = format!("{size_max}, expected 1 to {limit} bytes (`files.size_max`)");
    Err(ApiError::field("/size_max", detail))
}

/// How long a URL is good, where a member of a body says it.
pub(super) fn lifetime(pointer: &str, asked: Option<u64>) -> Result<Duration, ApiError> {
    let lifetime = asked.map_or(LIFETIME_DEFAULT, Duration::from_secs);
    if lifetime.is_zero() || LIFETIME_MAX < lifetime {
        let (found, max) = (lifetime.as_secs(), LIFETIME_MAX.as_secs());
        let detail = format!("{found}, expected 1 to {max} seconds");
        return Err(ApiError::field(pointer, detail));
    }
    Ok(lifetime)
}

/// How often and how long a URL is good.
fn limits(uses: u32, expires_in: Option<u64>) -> Result<(u32, Duration), ApiError> {
    if !(1..=USES_MAX).contains(&uses) {
        let detail = format!("downloads is {uses}, expected 1 to {USES_MAX}");
        return Err(ApiError::BadParameter(detail));
    }
    Ok((uses, lifetime("/expires_in", expires_in)?))
}

fn download_url(
    files: &Files,
    tenant: &str,
    file: FileId,
    (uses, lifetime): (u32, Duration),
) -> Result<DownloadUrl, ApiError> {
    let request = LinkRequest {
        tenant,
        purpose: Purpose::Download(file),
        station: "",
        uses,
        lifetime,
    };
    let made = files.make_link(crate::now(), &request)?;
    Ok(DownloadUrl {
        url: made.url,
        downloads: uses,
        expires_at: made.expires_at.to_string(),
    })
}

/// Whether a name is one, and no path.
fn check_name(name: &str) -> Result<(), String> {
    check_text(name, NAME_CHARS_MAX)?;
    match name.chars().find(|c| matches!(c, '/' | '\\')) {
        Some(found) => Err(format!("contains {found:?}")),
        None => Ok(()),
    }
}

fn query<T: DeserializeOwned>(uri: &Uri) -> Result<T, ApiError> {
    Query::try_from_uri(uri)
        .map(|Query(params)| params)
        .map_err(|rejection| bad_query(&rejection))
}

/// Takes a body to the disk, some of it at a time.
pub(super) async fn receive(request: Request, mut incoming: Incoming) -> Result<FileRow, ApiError> {
    let announced = request.headers().get(CONTENT_LENGTH);
    if let Some(len) = announced.and_then(|len| len.to_str().ok()?.parse().ok()) {
        incoming.announce(len)?;
    }
    let mut chunks = request.into_body().into_data_stream();
    let mut buffer = Vec::new();
    loop {
        let chunk = chunks
            .next()
            .await
            .transpose()
            .map_err(|e| ApiError::Malformed(format!("the body broke off: {e}")))?;
        let is_last = chunk.is_none();
        buffer.extend_from_slice(&chunk.unwrap_or_default());
        if CHUNK_LEN <= buffer.len() || (is_last && !buffer.is_empty()) {
            let written = blocking(move || {
                incoming.write(&buffer)?;
                buffer.clear();
                Ok::<_, ApiError>((incoming, buffer))
            });
            (incoming, buffer) = written.await??;
        }
        if is_last {
            return Ok(blocking(move || incoming.finish()).await??);
        }
    }
}
