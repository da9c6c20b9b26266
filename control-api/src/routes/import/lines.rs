//! An import's file: CSV becomes lines that a station can be made of, and refusals.

use dataplane::{Password, StationPatch};
use fleet::StationKey;
use sdk::{ImportError, ImportReport};

use super::super::devices::{SITE_CHARS_MAX, check_text, degrees};
use crate::convert;
use crate::error::ApiError;

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

/// A line that can be registered.
pub(super) struct Line {
    pub(super) number: u64,
    pub(super) key: StationKey,
    pub(super) patch: StationPatch,
    /// The one whose digest is in the patch, to see whether it is the one that is known.
    pub(super) password: Option<String>,
}

/// Reads the file; lines that no station can be made of stand in the report.
pub(super) fn read(file: &[u8], tenant: &str) -> Result<(Vec<Line>, ImportReport), ApiError> {
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

/// The lines of an import's file that a station can be made of, by their numbers, and the report with the others: for
/// `fuzz`, which has no server to import into.
///
/// # Errors
///
/// A file whose header names no stations.
pub fn read_import(file: &[u8], tenant: &str) -> Result<(Vec<u64>, ImportReport), ApiError> {
    let (lines, report) = read(file, tenant)?;
    Ok((lines.iter().map(|line| line.number).collect(), report))
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
    let connectors = cell("connectors")
        .map(convert::compact_connectors)
        .transpose()
        .map_err(|error| format!("connectors: {error}"))?;
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

/// Notes that a line had no effect, and why.
pub(super) fn refuse(report: &mut ImportReport, line: u64, detail: String) {
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
            5 password has 5 characters, 16 to 64 are allowed
            6 lat is 91, expected -90 to 90
            7 latitude and longitude go together, one is empty
            8 latitude is "x", expected a number
            9 connectors: more than 64
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
