//! What clients set and ask around their queries: answered, without an effect on any query's result.

use std::time::Duration;

use datafusion::sql::sqlparser::ast::{Set, Statement};

/// PostgreSQL version whose dialect clients may assume.
pub(super) const SERVER_VERSION: &str = "16.6";

/// Told at login, and by `SHOW`.
pub(super) const REPORTED: &[(&str, &str)] = &[
    ("server_version", SERVER_VERSION),
    ("server_encoding", "UTF8"),
    ("client_encoding", "UTF8"),
    ("DateStyle", "ISO, MDY"),
    ("IntervalStyle", "postgres"),
    ("TimeZone", "UTC"),
    ("integer_datetimes", "on"),
    ("standard_conforming_strings", "on"),
    ("default_transaction_read_only", "on"),
    ("in_hot_standby", "off"),
    ("is_superuser", "off"),
];

/// Told by `SHOW` alone.
const SHOWN: &[(&str, &str)] = &[
    ("transaction_isolation", "read committed"),
    ("transaction isolation level", "read committed"),
    ("transaction_read_only", "on"),
    ("search_path", "sigec"),
    ("max_identifier_length", "63"),
    ("server_version_num", "160006"),
    ("lc_collate", "C"),
    ("lc_ctype", "C"),
];

/// The value of a setting; `None` of one that is not known.
pub(super) fn shown(name: &str) -> Option<&'static str> {
    let mut known = REPORTED.iter().chain(SHOWN);
    let found = known.find(|(known, _)| known.eq_ignore_ascii_case(name));
    found.map(|(_, value)| *value)
}

/// A statement about the session.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum SessionStatement {
    Begin,
    Commit,
    Rollback,
    /// A savepoint or its release: there is nothing to save.
    Savepoint(&'static str),
    /// `SET statement_timeout`; `None` is back to the server's limit.
    SetTimeout(Option<Duration>),
    /// Any other setting, which has no effect here.
    Set,
    Show {
        name: String,
        value: Option<&'static str>,
    },
    Deallocate,
    Discard,
}

impl SessionStatement {
    /// `None` when it is no statement about the session.
    pub(super) fn of(statement: &Statement) -> Option<Self> {
        Some(match statement {
            Statement::StartTransaction { .. } => Self::Begin,
            Statement::Commit { .. } => Self::Commit,
            Statement::Rollback {
                savepoint: Some(_), ..
            } => Self::Savepoint("ROLLBACK"),
            Statement::Rollback { .. } => Self::Rollback,
            Statement::Savepoint { .. } => Self::Savepoint("SAVEPOINT"),
            Statement::ReleaseSavepoint { .. } => Self::Savepoint("RELEASE"),
            Statement::Set(Set::SingleAssignment {
                variable, values, ..
            }) if variable
                .to_string()
                .eq_ignore_ascii_case("statement_timeout") =>
            {
                let value = values.first().map(ToString::to_string).unwrap_or_default();
                Self::SetTimeout(timeout(&value))
            }
            Statement::Set(_) => Self::Set,
            Statement::ShowVariable { variable } => {
                let words: Vec<_> = variable.iter().map(|word| word.value.as_str()).collect();
                let name = words.join(" ");
                Self::Show {
                    value: shown(&name),
                    name,
                }
            }
            Statement::Deallocate { .. } => Self::Deallocate,
            Statement::Discard { .. } => Self::Discard,
            _ => return None,
        })
    }
}

/// `'5s'`, `'200 ms'`, `5000`; 0 and DEFAULT are the server's limit.
fn timeout(text: &str) -> Option<Duration> {
    let text = text.trim_matches('\'').trim();
    let digits = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().ok()?;
    let millis = match unit.trim() {
        "" | "ms" => number,
        "s" => number.checked_mul(1_000)?,
        "min" => number.checked_mul(60_000)?,
        _ => return None,
    };
    (millis != 0).then(|| Duration::from_millis(millis))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeout_is_read_as_postgres_writes_it() {
        for (text, millis) in [
            ("5000", Some(5_000)),
            ("'5s'", Some(5_000)),
            ("'200 ms'", Some(200)),
            ("'1min'", Some(60_000)),
            ("0", None),
            ("DEFAULT", None),
            ("'1 fortnight'", None),
        ] {
            assert_eq!(timeout(text), millis.map(Duration::from_millis), "{text}");
        }
    }
}
