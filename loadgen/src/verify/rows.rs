//! What a server has, asked for over its SQL interface.

use anyhow::{Context, bail, ensure};
use serde_json::{Map, Value};

use super::{Check, Scope};
use crate::clock::{parse_rfc3339, rfc3339};

/// A row as far as it is compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// `station_id`.
    pub station: String,
    /// `measured_at`, `occurred_at` or `received_at`, microseconds of UTC.
    pub at: i64,
    /// `ocpp_transaction_id`.
    pub transaction: Option<String>,
    /// `energy_wh`, in milliwatt-hours.
    pub energy_mwh: Option<u64>,
}

/// Where rows come from.
pub trait Source {
    /// The rows of one comparison within the scope.
    fn rows(
        &mut self,
        check: Check,
        scope: &Scope,
    ) -> impl Future<Output = anyhow::Result<Vec<Row>>>;
}

/// Rows asked for at once: enough to be quick, few enough for the server's memory and its limits.
const PAGE_STATIONS: usize = 500;

impl Source for sdk::Client {
    async fn rows(&mut self, check: Check, scope: &Scope) -> anyhow::Result<Vec<Row>> {
        let mut rows = Vec::new();
        for stations in scope.stations.chunks(PAGE_STATIONS) {
            let [query, count] = queries(check, scope, stations);
            let counted = self
                .sql(&count)
                .await
                .with_context(|| format!("asking {count:?}"))?;
            let page = self
                .sql(&query)
                .await
                .with_context(|| format!("asking {query:?}"))?;
            let expected = counted
                .first()
                .and_then(|row| row.get("n"))
                .and_then(integer);
            // Rows may have arrived in between, and are welcome; fewer would mean that a limit cut them.
            ensure!(
                expected.is_some_and(|expected| expected <= page.len() as i64),
                "the server counted {expected:?} rows and returned {}: raise its row limit",
                page.len()
            );
            for row in &page {
                rows.push(read(row).with_context(|| format!("reading a row of {query:?}"))?);
            }
        }
        Ok(rows)
    }
}

/// The rows, and their number.
fn queries(check: Check, scope: &Scope, stations: &[String]) -> [String; 2] {
    let (table, time, columns, condition) = match check {
        Check::Energy => (
            "meter_values",
            "measured_at",
            ", ocpp_transaction_id, energy_wh",
            " AND energy_wh IS NOT NULL AND ocpp_transaction_id IS NOT NULL",
        ),
        Check::Started => (
            "transaction_events",
            "occurred_at",
            ", ocpp_transaction_id",
            " AND kind = 'Started'",
        ),
        Check::Ended => (
            "transaction_events",
            "occurred_at",
            ", ocpp_transaction_id",
            " AND kind = 'Ended'",
        ),
        Check::Status => ("status_events", "occurred_at", "", ""),
        Check::Booted => (
            "connection_events",
            "received_at",
            "",
            " AND kind = 'booted'",
        ),
    };
    let (from, to) = match check {
        Check::Energy | Check::Started | Check::Ended | Check::Status => scope.measured,
        Check::Booted => (scope.booted_from, i64::MAX / 1_000_000),
    };
    let ids: Vec<String> = stations
        .iter()
        .map(|id| format!("'{}'", id.replace('\'', "''")))
        .collect();
    let until = match check {
        Check::Booted => String::new(),
        Check::Energy | Check::Started | Check::Ended | Check::Status => {
            format!(" AND {time} <= TIMESTAMP '{}'", rfc3339(to / 1_000))
        }
    };
    let from = format!(
        "FROM {table} WHERE station_id IN ({}) AND {time} >= TIMESTAMP '{}'{until}{condition}",
        ids.join(", "),
        rfc3339(from / 1_000),
    );
    [
        format!("SELECT station_id, {time} AS happened_at{columns} {from}"),
        format!("SELECT count(*) AS n {from}"),
    ]
}

fn read(row: &Map<String, Value>) -> anyhow::Result<Row> {
    let text = |name: &str| row.get(name).and_then(Value::as_str);
    let at = text("happened_at").context("found no time")?;
    let energy_mwh = match row.get("energy_wh") {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) => Some(milliwatt_hours(text)?),
        Some(other) => bail!("energy_wh is {other}, expected a decimal in a string"),
    };
    Ok(Row {
        station: text("station_id")
            .context("found no station_id")?
            .to_owned(),
        at: parse_rfc3339(at)
            .with_context(|| format!("found the time {at:?}, expected RFC 3339"))?,
        transaction: text("ocpp_transaction_id").map(str::to_owned),
        energy_mwh,
    })
}

/// A BIGINT is a string in SQL results of SIGEC-VE; other servers may send a number.
fn integer(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}

/// Milliwatt-hours of a decimal number of watt-hours, exactly.
fn milliwatt_hours(text: &str) -> anyhow::Result<u64> {
    let expected =
        || format!("energy_wh is {text:?}, expected a decimal with three places at most");
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    ensure!(fraction.len() <= 3, expected());
    format!("{whole}{fraction:0<3}")
        .parse()
        .with_context(expected)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decimal_is_read_exactly() {
        for (text, mwh) in [
            ("0.000", Some(0)),
            ("123456789.012", Some(123_456_789_012)),
            ("5", Some(5_000)),
            ("5.1", Some(5_100)),
            ("5.1234", None),
            ("-1.000", None),
            ("x", None),
        ] {
            assert_eq!(milliwatt_hours(text).ok(), mwh, "{text}");
        }
    }

    #[test]
    fn an_identity_cannot_break_out_of_the_query() {
        let scope = Scope {
            stations: vec![],
            measured: (0, 1_000_000),
            booted_from: 0,
        };
        let [query, count] = queries(Check::Ended, &scope, &["O'Neil".to_owned()]);
        let from = "FROM transaction_events WHERE station_id IN ('O''Neil') \
                    AND occurred_at >= TIMESTAMP '1970-01-01T00:00:00.000Z' \
                    AND occurred_at <= TIMESTAMP '1970-01-01T00:00:01.000Z' AND kind = 'Ended'";
        assert_eq!(
            query,
            format!("SELECT station_id, occurred_at AS happened_at, ocpp_transaction_id {from}")
        );
        assert_eq!(count, format!("SELECT count(*) AS n {from}"));
    }

    #[test]
    fn a_row_is_read_as_the_api_writes_it() {
        let row = serde_json::json!({
            "station_id": "CP1",
            "happened_at": "2026-11-22T10:41:49.123Z",
            "ocpp_transaction_id": "17",
            "energy_wh": "1234.567",
        });
        let expected = Row {
            station: "CP1".into(),
            at: 1_795_344_109_123_000,
            transaction: Some("17".into()),
            energy_mwh: Some(1_234_567),
        };
        assert_eq!(read(row.as_object().unwrap()).unwrap(), expected);
    }
}
