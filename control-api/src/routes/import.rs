//! `POST /api/v1/devices/import`: many stations from one CSV file.

mod lines;

use std::time::Duration;

use axum::Json;
use axum::extract::{Request, State};
use dataplane::{Password, RegisterError, RegisterMode, Registration, StationPatch, StationView};
use fleet::record::Acceptance;
use sdk::{GeneratedPassword, ImportReport};

use super::blocking;
use super::devices::random_failed;
use crate::SharedApp;
use crate::ask::{answered, answered_within};
use crate::error::ApiError;
use crate::extract::{Caller, expect_type, read_body};
use crate::principals::Principal;
use lines::{Line, read, refuse};

/// Stations registered together; each batch is one group commit per shard.
const BATCH_LEN: usize = 2_048;
/// Stations looked up at a time.
const LOOKUPS_MAX: usize = 64;
/// How long a batch may take beyond an ordinary question.
const BATCH_TIMEOUT: Duration = Duration::from_secs(60);
/// Registers or changes stations from CSV with the header `id,password,site,latitude,longitude,connectors`.
///
/// Only `id` must be there. An empty cell leaves what is known of a station as it is; a new station without a
/// password gets one, shown in the report. Lines take effect by themselves: a refused one stops no other. The same
/// file again changes nothing: a registered station keeps its password unless its line has another one.
#[utoipa::path(
    post,
    path = "/api/v1/devices/import",
    operation_id = "import_devices",
    tag = "devices",
    request_body(content = String, content_type = "text/csv", example = "id,password,site,latitude,longitude,connectors\nCP001,,Paulista,-23.5505,-46.6333,2\n"),
    responses((status = 200, description = "What became of each line", body = ImportReport))
)]
pub(crate) async fn import(
    State(app): State<SharedApp>,
    Caller(caller): Caller,
    request: Request,
) -> Result<Json<ImportReport>, ApiError> {
    let _alone = app
        .imports
        .try_acquire()
        .map_err(|_| ApiError::Unavailable("another import is running".into()))?;
    expect_type(request.headers(), "text/csv")?;
    let file = read_body(request).await?;
    let tenant = caller.tenant.clone();
    let (lines, mut report) = blocking(move || read(&file, &tenant)).await??;
    let mut lines = lines.into_iter().peekable();
    while lines.peek().is_some() {
        let batch = lines.by_ref().take(BATCH_LEN).collect();
        register(&app, &caller, batch, &mut report).await?;
    }
    Ok(Json(report))
}

/// Registers a batch: as new stations first; those that exist are changed where a line says something else.
async fn register(
    app: &SharedApp,
    caller: &Principal,
    batch: Vec<Line>,
    report: &mut ImportReport,
) -> Result<(), ApiError> {
    let (created, passwords): (Vec<_>, Vec<_>) = batch
        .iter()
        .map(with_password)
        .collect::<Result<Vec<_>, _>>()?
        .into_iter()
        .unzip();
    let results = register_all(app, caller, created, RegisterMode::Create).await?;
    let mut existing = Vec::new();
    for ((line, password), result) in batch.into_iter().zip(passwords).zip(results) {
        match result {
            Ok(()) => {
                report.created += 1;
                show(report, &line, password);
            }
            Err(RegisterError::Exists) => existing.push(line),
            Err(error) => refuse(report, line.number, error.to_string()),
        }
    }
    let mut known = Vec::with_capacity(existing.len());
    for lines in existing.chunks(LOOKUPS_MAX) {
        let asked: Vec<_> = lines
            .iter()
            .map(|line| app.router.station(line.key.clone()))
            .collect();
        for answer in asked {
            known.push(answered(answer).await?);
        }
    }
    let (mut origins, mut changes) = (Vec::new(), Vec::new());
    for (line, known) in existing.iter().zip(known) {
        let (change, generated) = match &known {
            Some(known) => difference(line, known)?,
            // Deleted since; the update says so.
            None => (registration(line), None),
        };
        if change.patch == StationPatch::default() {
            report.unchanged += 1;
        } else {
            origins.push((line, generated));
            changes.push(change);
        }
    }
    let results = register_all(app, caller, changes, RegisterMode::Update).await?;
    for ((line, generated), result) in origins.into_iter().zip(results) {
        match result {
            Ok(()) => {
                report.updated += 1;
                show(report, line, generated);
            }
            Err(error) => refuse(report, line.number, error.to_string()),
        }
    }
    Ok(())
}

/// What a line says of a registered station beyond what is known of it, and the password made up for it.
fn difference(
    line: &Line,
    known: &StationView,
) -> Result<(Registration, Option<String>), ApiError> {
    let waits = known.acceptance == Acceptance::Pending;
    let (mut change, generated) = match &known.password {
        // It was changed while it waited; naming it lets it speak as a new one does, so not without a password.
        None if waits => with_password(line)?,
        _ => (registration(line), None),
    };
    let same_password = |text: &str| {
        let known = known.password.as_ref();
        known.is_some_and(|known| known.matches(text.as_bytes()))
    };
    let patch = &mut change.patch;
    patch
        .password
        .take_if(|_| line.password.as_deref().is_some_and(same_password));
    patch.site.take_if(|site| *site == known.site);
    patch
        .location
        .take_if(|location| *location == known.location);
    patch
        .connectors
        .take_if(|connectors| *connectors == known.connectors_declared);
    patch.acceptance = waits.then_some(Acceptance::Accepted);
    Ok((change, generated))
}

/// Shows a password that was made up, this once.
fn show(report: &mut ImportReport, line: &Line, generated: Option<String>) {
    report
        .passwords
        .extend(generated.map(|password| GeneratedPassword {
            id: line.key.identity().to_owned(),
            password,
        }));
}

async fn register_all(
    app: &SharedApp,
    caller: &Principal,
    registrations: Vec<Registration>,
    mode: RegisterMode,
) -> Result<Vec<Result<(), RegisterError>>, ApiError> {
    let question = app.router.register_all(registrations, mode, &caller.name);
    answered_within(BATCH_TIMEOUT, question).await
}

fn registration(line: &Line) -> Registration {
    Registration {
        key: line.key.clone(),
        patch: line.patch.clone(),
    }
}

/// A new station has a password: its line's, or a generated one to show.
fn with_password(line: &Line) -> Result<(Registration, Option<String>), ApiError> {
    let mut registration = registration(line);
    if registration.patch.password.is_some() {
        return Ok((registration, None));
    }
    let generated = Password::generate().map_err(random_failed)?;
    let digest = Password::new(&generated).map_err(random_failed)?;
    registration.patch.password = Some(Some(digest));
    Ok((registration, Some(generated)))
}
