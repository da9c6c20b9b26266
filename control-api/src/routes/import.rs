//! `POST /api/v1/devices/import`: many stations from one CSV file.

use std::time::Duration;

use axum::Json;
use axum::extract::{Request, State};
use dataplane::{Password, RegisterError, RegisterMode, Registration, StationPatch, StationView};
use fleet::StationKey;
use fleet::record::Acceptance;
use sdk::{GeneratedPassword, ImportError, ImportReport};

use super::blocking;
use super::devices::{CONNECTORS_MAX, SITE_CHARS_MAX, check_text, degrees, random_failed};
use crate::SharedApp;
use crate::ask::{answered, answered_within};
use crate::error::ApiError;
use crate::extract::{Caller, expect_type, read_body};
use crate::principals::Principal;

/// Stations registered together; each batch is one group commit per shard.
const BATCH_LEN: usize = 2_048;
/// Stations looked up at a time.
const LOOKUPS_MAX: usize = 64;
/// How long a batch may take beyond an ordinary question.
const BATCH_TIMEOUT: Duration = Duration::from_secs(60);
/// Refused lines that the report names; the others are counted.
const ERRORS_MAX: usize = 1_000;
/// Columns that a header may name.
const COLUMNS: [&str; 6] = [
    "id",
    "password",
    "site",
    "latitude",
    "longitude",
    "connectors",
];

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

/// A line that can be registered.
struct Line {
    number: u64,
    key: StationKey,
    patch: StationPatch,
    /// The one whose digest is in the patch, to see whether it is the one that is known.
    password: Option<String>,
}

/// Reads the file; lines that no station can be made of stand in the report.
fn read(file: &[u8], tenant: &str) -> Result<(Vec<Line>, ImportReport), ApiError> {
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_reader(file);
    let header = reader
        .headers()
        .map_err(|e| ApiError::Malformed(format!("the header is no CSV: {e}")))?
        .clone();
    if let Some(unknown) = header.iter().find(|name| !COLUMNS.contains(name)) {
        return Err(ApiError::Malformed(format!(
            "the header names the column {unknown:?}, expected {}",
            COLUMNS.join(",")
        )));
    }
    if !header.iter().any(|name| name == "id") {
        return Err(ApiError::Malformed(
            "the header does not name the column \"id\"".into(),
        ));
    }
    let mut lines = Vec::new();
    let mut report = ImportReport::default();
    for record in reader.records() {
        let (number, line) = match record {
            Ok(record) => {
                let cell = |name: &str| {
                    let at = header.iter().position(|column| column == name)?;
                    record.get(at).filter(|cell| !cell.is_empty())
                };
                let number = record.position().map_or(0, csv::Position::line);
                (number, parse(cell, tenant))
            }
            Err(error) => {
                let number = error.position().map_or(0, csv::Position::line);
                (number, Err(error.to_string()))
            }
        };
        match line {
            Ok((key, patch, password)) => lines.push(Line {
                number,
                key,
                patch,
                password,
            }),
            Err(detail) => refuse(&mut report, number, detail),
        }
    }
    Ok((lines, report))
}

fn parse<'a>(
    cell: impl Fn(&str) -> Option<&'a str>,
    tenant: &str,
) -> Result<(StationKey, StationPatch, Option<String>), String> {
    let id = cell("id").ok_or("id is empty")?;
    let key = StationKey::new(tenant, id).map_err(|e| format!("id {id:?}: {e}"))?;
    let password = cell("password");
    let digest = password
        .map(Password::new)
        .transpose()
        .map_err(|e| e.to_string())?;
    let site = cell("site").map(str::to_owned);
    if let Some(site) = &site {
        check_text(site, SITE_CHARS_MAX).map_err(|detail| format!("site: {detail}"))?;
    }
    let location = match (
        number::<f64>(&cell, "latitude")?,
        number(&cell, "longitude")?,
    ) {
        (None, None) => None,
        (Some(lat), Some(lng)) => {
            Some(degrees(lat, lng).map_err(|(name, e)| format!("{name} is {e}"))?)
        }
        _ => return Err("latitude and longitude go together, one is empty".to_owned()),
    };
    let connectors = number::<u32>(&cell, "connectors")?;
    if connectors.is_some_and(|connectors| CONNECTORS_MAX < connectors) {
        return Err(format!("connectors is more than {CONNECTORS_MAX}"));
    }
    let patch = StationPatch {
        password: digest.map(Some),
        site,
        location: location.map(Some),
        connectors,
        ..StationPatch::default()
    };
    Ok((key, patch, password.map(str::to_owned)))
}

fn number<'a, T: std::str::FromStr>(
    cell: &impl Fn(&str) -> Option<&'a str>,
    name: &str,
) -> Result<Option<T>, String> {
    cell(name)
        .map(|text| {
            text.parse()
                .map_err(|_| format!("{name} is {text:?}, expected a number"))
        })
        .transpose()
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

fn refuse(report: &mut ImportReport, line: u64, detail: String) {
    report.failed += 1;
    if report.errors.len() < ERRORS_MAX {
        report.errors.push(ImportError { line, detail });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_line_is_named_and_stops_no_other() {
        let file = "id,password,site,latitude,longitude,connectors\n\
                    CP1,,Paulista,-23.5,-46.6,2\n\
                    ,,,,,\n\
                    a/b,,,,,\n\
                    CP2,short,,,,\n\
                    CP3,,,91,0,\n\
                    CP4,,,1,,\n\
                    CP5,,,x,1,\n\
                    CP6,,,,,65\n\
                    CP7\n\
                    \"CP8\",correct horse battery,\"Rua A, 1\",,,\n";
        let (lines, report) = read(file.as_bytes(), "default").unwrap();
        let good: Vec<_> = lines
            .iter()
            .map(|line| (line.number, line.key.identity()))
            .collect();
        assert_eq!(good, [(2, "CP1"), (11, "CP8")]);
        assert_eq!(lines[1].patch.site.as_deref(), Some("Rua A, 1"));
        assert_eq!(lines[0].patch.location, Some(Some((-23.5, -46.6))));
        let bad: Vec<_> = report
            .errors
            .iter()
            .map(|e| format!("{} {}", e.line, e.detail))
            .collect();
        expect_test::expect![[r#"
            3 id is empty
            4 id "a/b": station identity or tenant contains '/'
            5 password has 5 characters, 16 to 40 are allowed
            6 lat is 91, expected -90 to 90
            7 latitude and longitude go together, one is empty
            8 latitude is "x", expected a number
            9 connectors is more than 64
            10 CSV error: record 9 (line: 10, byte: 148): found record with 1 fields, but the previous record has 6 fields"#]]
        .assert_eq(&bad.join("\n"));
        assert_eq!(report.failed, 8);
    }

    #[test]
    fn a_header_names_known_columns() {
        let check = |file: &str, expected: &str| {
            let error = read(file.as_bytes(), "default")
                .err()
                .map(|e| e.to_string());
            assert_eq!(error.as_deref(), Some(expected), "{file}");
        };
        check(
            "id,pasword\n",
            "the header names the column \"pasword\", expected id,password,site,latitude,longitude,connectors",
        );
        check("site\n", "the header does not name the column \"id\"");
        check("", "the header does not name the column \"id\"");
        assert!(read(b"id\nCP1\n", "default").is_ok_and(|(lines, _)| lines.len() == 1));
    }
}
