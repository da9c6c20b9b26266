//! `POST /api/v1/devices/import`: many stations from one CSV file.

mod lines;

use std::time::Duration;

use axum::Json;
use axum::extract::{Request, State};
use dataplane::{
    Password, RegisterError, RegisterMode, RegisterPart, Registration, Router, RouterError,
    StationPatch, StationView,
};
use fleet::record::{Acceptance, Security};
use sdk::{GeneratedPassword, ImportReport};
use serde::Deserialize;
use tokio::time::{Instant, timeout_at};
use utoipa::{IntoParams, ToSchema};

use super::blocking;
use super::devices::random_failed;
use crate::SharedApp;
use crate::error::ApiError;
use crate::extract::{Caller, Params, expect_type, read_body};
pub use lines::read_import;
use lines::{Line, read, refuse};

/// Stations registered together; each batch is one group commit per shard.
const BATCH_LEN: usize = 2_048;
/// Stations looked up at a time.
const LOOKUPS_MAX: usize = 64;
/// How long a batch may take.
const BATCH_TIMEOUT: Duration = Duration::from_secs(70);

/// What to do beside registering.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ImportParams {
    /// Which registered stations get a new password where their line has none; without it no one does.
    #[param(inline)]
    passwords: Option<Renewed>,
}

/// Whose passwords are made up anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Renewed {
    /// Of stations that never came in with theirs.
    Unused,
}

/// Registers or changes stations from CSV with the header `id,password,site,latitude,longitude,connectors`.
///
/// Only `id` must be there; `connectors` is their number, or what they are, in their order: `CCS:150;Type2:22`. An empty cell leaves what is known of a station as it is; a new station without a
/// password gets one, shown in the report. Lines take effect by themselves: a refused one stops no other. The same
/// file again changes nothing: a registered station keeps its password unless its line has another one. An import that
/// the server could not finish answers with what became of each line until then, and says so in `interrupted`.
///
/// When the answer was lost, and the passwords with it, the same file with `?passwords=unused` gives a new one to each station
/// whose line has none and that never came in with its own. A station that came by itself and waits is approved without one.
#[utoipa::path(
    post,
    path = "/api/v1/devices/import",
    operation_id = "import_devices",
    tag = "devices",
    params(ImportParams),
    request_body(content = String, content_type = "text/csv", example = "id,password,site,latitude,longitude,connectors\nCP001,,Paulista,-23.5505,-46.6333,2\n"),
    responses((status = 200, description = "What became of each line", body = ImportReport))
)]
pub(crate) async fn import(
    State(app): State<SharedApp>,
    Caller(caller): Caller,
    Params(params): Params<ImportParams>,
    request: Request,
) -> Result<Json<ImportReport>, ApiError> {
    let _alone = app
        .imports
        .try_acquire()
        .map_err(|_| ApiError::Unavailable("another import is running".into()))?;
    expect_type(request.headers(), "text/csv")?;
    let file = read_body(request).await?;
    let tenant = caller.tenant.clone();
    let (lines, report) = blocking(move || read(&file, &tenant)).await??;
    let shards = Shards {
        router: &app.router,
        principal: &caller.name,
    };
    let report = register_all(&shards, lines, params.passwords, report).await;
    Ok(Json(report))
}

/// The owners of the stations.
trait Registrar {
    /// What became of each of `registrations`, in their order.
    async fn register(
        &self,
        registrations: Vec<Registration>,
        mode: RegisterMode,
    ) -> Vec<Result<Result<(), RegisterError>, RouterError>>;

    /// What is known of the lines' stations, in their order.
    async fn known(&self, lines: &[Line]) -> Vec<Result<Option<StationView>, RouterError>>;
}

struct Shards<'a> {
    router: &'a Router,
    /// Who imports.
    principal: &'a str,
}

impl Registrar for Shards<'_> {
    async fn register(
        &self,
        registrations: Vec<Registration>,
        mode: RegisterMode,
    ) -> Vec<Result<Result<(), RegisterError>, RouterError>> {
        let mut results = vec![Err(RouterError::TimedOut); registrations.len()];
        let parts = self
            .router
            .register_all(registrations, mode, self.principal);
        let deadline = Instant::now() + BATCH_TIMEOUT;
        for RegisterPart { places, answer } in parts {
            let answered = timeout_at(deadline, answer).await;
            match answered.unwrap_or(Err(RouterError::TimedOut)) {
                Ok(registered) => places
                    .into_iter()
                    .zip(registered)
                    .for_each(|(place, result)| results[place] = Ok(result)),
                Err(error) => places
                    .into_iter()
                    .for_each(|place| results[place] = Err(error)),
            }
        }
        results
    }

    async fn known(&self, lines: &[Line]) -> Vec<Result<Option<StationView>, RouterError>> {
        let mut known = Vec::with_capacity(lines.len());
        let deadline = Instant::now() + BATCH_TIMEOUT;
        for lines in lines.chunks(LOOKUPS_MAX) {
            let asked: Vec<_> = lines
                .iter()
                .map(|line| self.router.station(line.key.clone()))
                .collect();
            for answer in asked {
                let answered = timeout_at(deadline, answer).await;
                known.push(answered.unwrap_or(Err(RouterError::TimedOut)));
            }
        }
        known
    }
}

/// Registers all that can be. Whatever comes in between, the report has each line once and every password that may be
/// a station's by now.
async fn register_all(
    shards: &impl Registrar,
    lines: Vec<Line>,
    renewed: Option<Renewed>,
    mut report: ImportReport,
) -> ImportReport {
    let mut lines = lines.into_iter().peekable();
    while lines.peek().is_some() && report.interrupted.is_none() {
        let batch = lines.by_ref().take(BATCH_LEN).collect();
        register(shards, batch, renewed, &mut report).await;
    }
    refuse_rest(&mut report, lines);
    report
}

/// Registers a batch: as new stations first; those that exist are changed where a line says something else.
async fn register(
    shards: &impl Registrar,
    batch: Vec<Line>,
    renewed: Option<Renewed>,
    report: &mut ImportReport,
) {
    let mut created = Vec::with_capacity(batch.len());
    let mut passwords = Vec::with_capacity(batch.len());
    for line in &batch {
        match with_password(line) {
            Ok((registration, password)) => {
                created.push(registration);
                passwords.push(password);
            }
            Err(error) => {
                interrupt(report, &error);
                return refuse_rest(report, batch);
            }
        }
    }
    let results = shards.register(created, RegisterMode::New).await;
    let mut existing = Vec::new();
    for ((line, password), result) in batch.into_iter().zip(passwords).zip(results) {
        match result {
            Ok(Err(RegisterError::Exists)) => existing.push(line),
            result => note(report, &line, password, result, |report| {
                &mut report.created
            }),
        }
    }
    if report.interrupted.is_some() {
        return refuse_rest(report, existing);
    }
    let known = shards.known(&existing).await;
    let (mut origins, mut changes) = (Vec::new(), Vec::new());
    for (line, known) in existing.into_iter().zip(known) {
        // One that has only been seen is new to operators.
        let is_new = matches!(&known, Ok(Some(known)) if !known.registered);
        let difference = match known {
            Ok(Some(known)) => difference(&line, &known, renewed),
            // Deleted since; the update says so.
            Ok(None) => Ok((registration(&line), None)),
            Err(error) => Err(error.into()),
        };
        match difference {
            Ok((change, _)) if change.patch == StationPatch::default() => report.unchanged += 1,
            Ok((change, generated)) => {
                origins.push((line, generated, is_new));
                changes.push(change);
            }
            Err(error) => {
                refuse(report, line.number, error.to_string());
                interrupt(report, &error);
            }
        }
    }
    if report.interrupted.is_some() {
        return refuse_rest(report, origins.into_iter().map(|(line, ..)| line));
    }
    let results = shards.register(changes, RegisterMode::Update).await;
    for ((line, generated, is_new), result) in origins.into_iter().zip(results) {
        note(report, &line, generated, result, |report| {
            if is_new {
                &mut report.created
            } else {
                &mut report.updated
            }
        });
    }
}

/// Notes what became of a line that was sent to its shard, with the password that was made up for it.
fn note(
    report: &mut ImportReport,
    line: &Line,
    generated: Option<String>,
    result: Result<Result<(), RegisterError>, RouterError>,
    count: impl FnOnce(&mut ImportReport) -> &mut u64,
) {
    let may_hold = match result {
        Ok(Ok(())) => {
            *count(report) += 1;
            true
        }
        Ok(Err(error)) => {
            refuse(report, line.number, error.to_string());
            false
        }
        Err(error) => {
            interrupt(report, &error);
            // A full mailbox took nothing; one that says nothing may have.
            let sent = error != RouterError::Busy;
            let so_what = if sent {
                "; it may have been registered"
            } else {
                ""
            };
            refuse(report, line.number, format!("{error}{so_what}"));
            sent
        }
    };
    if let Some(password) = generated.filter(|_| may_hold) {
        report.passwords.push(GeneratedPassword {
            id: line.key.identity().to_owned(),
            password,
        });
    }
}

/// The import ends here; the first reason is the one.
fn interrupt(report: &mut ImportReport, error: &dyn std::error::Error) {
    report.interrupted.get_or_insert_with(|| error.to_string());
}

/// Lines that were not tried, because the import was interrupted.
fn refuse_rest(report: &mut ImportReport, lines: impl IntoIterator<Item = Line>) {
    for line in lines {
        let reason = report.interrupted.clone().unwrap_or_default();
        refuse(report, line.number, format!("not tried: {reason}"));
    }
}

/// What a line says of a registered station beyond what is known of it, and the password made up for it.
fn difference(
    line: &Line,
    known: &StationView,
    renewed: Option<Renewed>,
) -> Result<(Registration, Option<String>), ApiError> {
    let waits = known.acceptance == Acceptance::Pending;
    let is_unused = known.password.is_some() && known.security == Security::None;
    let (mut change, generated) = match renewed {
        Some(Renewed::Unused) if is_unused => with_password(line)?,
        Some(Renewed::Unused) | None => (registration(line), None),
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
        .take_if(|connectors| *connectors == known.declared);
    patch.acceptance = (waits || !known.registered).then_some(Acceptance::Accepted);
    Ok((change, generated))
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

#[cfg(test)]
mod tests;
