//! `GET /api/v1/transactions/history`: out of the tables.

use axum::Json;
use axum::extract::State;
use dataplane::ClosingView;
use fleet::record::CLOSED;
use sdk::{Page, Position, Transaction, TransactionQuality, TransactionStatus};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::ask::answered;
use crate::error::ApiError;
use crate::extract::Caller;
use crate::listing::{At, Listing, PageParams, page_of_rows};
use crate::metrics::Database;
use crate::sql::{SqlRow, literal, text};
use crate::{SharedApp, convert};

/// Which transactions to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct HistoryParams {
    /// First UTC day, `2024-01-31`.
    start_date: Option<String>,
    /// Last UTC day, included.
    end_date: Option<String>,
    /// Only those of this station.
    device_id: Option<String>,
}

/// When and which: the key by which the list is ordered.
type Key = (At, String);

/// Transactions that began (or, where that is not known, ended) on some days, newest first.
#[utoipa::path(
    get,
    path = "/api/v1/transactions/history",
    operation_id = "list_past_transactions",
    tag = "transactions",
    params(HistoryParams, PageParams),
    responses((status = 200, description = "A page of them", body = Page<Transaction>))
)]
pub(crate) async fn history(
    State(app): State<SharedApp>,
    Caller(caller): Caller,
    listing: Listing<HistoryParams, Key>,
) -> Result<Json<Page<Transaction>>, ApiError> {
    let query = query(&listing)?;
    let rows = app
        .metrics
        .time(Database::Lake, (app.sql)(caller, query))
        .await?;
    let key = |row: &SqlRow| Some((At::of(row, "ordered_at")?, text(row, "transaction_id")?));
    let mut page = page_of_rows(&rows, listing.limit, transaction, key)?;
    add_closings(&app, &mut page.items).await?;
    Ok(Json(page))
}

/// The tables know that somebody has ended a transaction, and not who.
async fn add_closings(app: &SharedApp, transactions: &mut [Transaction]) -> Result<(), ApiError> {
    let over = transactions
        .iter()
        .filter(|transaction| transaction.status != TransactionStatus::Started);
    let ids: Vec<_> = over.filter_map(|t| t.id.parse().ok()).collect();
    if ids.is_empty() {
        return Ok(());
    }
    let found = answered(app.router.closings(ids)).await?;
    for (id, closing) in found.map_err(ApiError::Internal)? {
        let id = id.to_string();
        let closed = transactions.iter_mut().find(|closed| closed.id == id);
        if let Some(closed) = closed {
            let stands = closed.stop_reason.as_deref() == Some(CLOSED);
            closed.closing = Some(convert::closing(ClosingView { stands, ..closing }));
        }
    }
    Ok(())
}

/// One more row than the page holds, to see whether there is another page.
fn query(listing: &Listing<HistoryParams, Key>) -> Result<String, ApiError> {
    let params = &listing.filter;
    const AT: &str = "coalesce(started_at, ended_at)";
    let mut conditions = vec!["true".to_owned()];
    let day = |name: &str, day: &Option<String>| {
        let day = day.as_deref().map(|day| day_of(name, day));
        day.transpose().map(|day| day.map(str::to_owned))
    };
    let first = day("start_date", &params.start_date)?;
    let last = day("end_date", &params.end_date)?;
    // Days are written so that texts compare as they do.
    if let Some((first, last)) = first.as_ref().zip(last.as_ref()).filter(|(f, l)| l < f) {
        let detail = format!("end_date: {last} is before start_date, {first}");
        return Err(ApiError::BadParameter(detail));
    }
    if let Some(day) = first {
        conditions.push(format!("{AT} >= '{day}T00:00:00Z'"));
    }
    if let Some(day) = last {
        conditions.push(format!("{AT} <= '{day}T23:59:59.999999Z'"));
    }
    if let Some(id) = &params.device_id {
        conditions.push(format!("station_id = {}", literal(id)));
    }
    if let Some((at, id)) = &listing.after {
        let (at, id) = (at.literal(), literal(id));
        conditions.push(format!(
            "({AT} < {at} OR ({AT} = {at} AND transaction_id < {id}))"
        ));
    }
    Ok(format!(
        "SELECT {AT} AS ordered_at, transaction_id, ocpp_transaction_id, station_id, evse_id, started_at, ended_at, state, \
         stop_reason, meter_start_wh, meter_stop_wh, energy_wh, cost, currency, quality, log_id, seq FROM transactions \
         WHERE {} ORDER BY ordered_at DESC, transaction_id DESC LIMIT {}",
        conditions.join(" AND "),
        listing.limit + 1
    ))
}

/// A day that exists; one that the tables cannot compare with becomes the nearest that they can, see [`crate::sql::time_literal`].
fn day_of<'a>(name: &str, day: &'a str) -> Result<&'a str, ApiError> {
    let refused = || {
        ApiError::BadParameter(format!(
            "{name} is {day:?}, expected a day such as 2024-01-31"
        ))
    };
    let shape = day.bytes().enumerate().all(|(at, byte)| match at {
        4 | 7 => byte == b'-',
        _ => byte.is_ascii_digit(),
    });
    if day.len() != 10 || !shape {
        return Err(refused());
    }
    let part = |range: std::ops::Range<usize>| day[range].parse::<u32>().unwrap_or_default();
    let (year, month, of_month) = (part(0..4), part(5..7), part(8..10));
    let days = match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    };
    if (1..=days).contains(&of_month) {
        Ok(day.clamp("1678-01-01", "2261-12-31"))
    } else {
        Err(refused())
    }
}

/// A row of the table `transactions`.
fn transaction(row: &SqlRow) -> Result<Transaction, ApiError> {
    let column = |name: &str| text(row, name);
    let unexpected =
        |name: &str| ApiError::Internal(format!("transactions.{name} is {:?}", row.get(name)));
    let status = match column("state").as_deref() {
        Some("active") => TransactionStatus::Started,
        Some("ended") => TransactionStatus::Completed,
        Some("orphan") => TransactionStatus::Orphan,
        _ => return Err(unexpected("state")),
    };
    let quality = match column("quality").as_deref() {
        Some("ok") => TransactionQuality::Ok,
        Some("estimated") => TransactionQuality::Estimated,
        Some("quarantined") => TransactionQuality::Quarantined,
        _ => return Err(unexpected("quality")),
    };
    let energy = column("energy_wh")
        .map(|wh| convert::milliwatt_hours(&wh).ok_or_else(|| unexpected("energy_wh")))
        .transpose()?;
    Ok(Transaction {
        id: column("transaction_id").ok_or_else(|| unexpected("transaction_id"))?,
        ocpp_transaction_id: column("ocpp_transaction_id").filter(|id| !id.is_empty()),
        device_id: column("station_id").ok_or_else(|| unexpected("station_id"))?,
        connector_id: column("evse_id")
            .and_then(|id| id.parse().ok())
            .filter(|id| *id != 0),
        status,
        start_time: column("started_at"),
        end_time: column("ended_at"),
        meter_start_wh: column("meter_start_wh"),
        meter_stop_wh: column("meter_stop_wh"),
        total_energy: energy.map(convert::kilowatt_hours),
        cost: column("cost"),
        currency: column("currency").unwrap_or_default(),
        quality,
        stop_reason: column("stop_reason").filter(|reason| !reason.is_empty()),
        closing: None,
        position: Position {
            log_id: column("log_id").ok_or_else(|| unexpected("log_id"))?,
            seq: column("seq").ok_or_else(|| unexpected("seq"))?,
        },
        cost_details: None,
        station_cost: None,
        settlements: Vec::new(),
        limits: None,
        missing_seq_nos: Vec::new(),
        station_status: None,
    })
}

#[cfg(test)]
mod tests {
    use fleet::UtcMicros;

    use super::*;

    #[test]
    fn days_exist() {
        for (day, exists) in [
            ("2024-01-31", true),
            ("2024-02-29", true),
            ("2023-02-29", false),
            ("1900-02-29", false),
            ("2024-04-31", false),
            ("2024-00-10", false),
            ("2024-13-01", false),
            ("2024-1-1", false),
            ("2024-01-0'", false),
            ("20240131", false),
            ("२०२४-01", false),
        ] {
            assert_eq!(day_of("start_date", day).is_ok(), exists, "{day}");
        }
    }

    #[test]
    fn a_day_is_one_that_the_tables_can_compare_with() {
        for (day, expected) in [
            ("0000-02-29", "1678-01-01"),
            ("2024-01-31", "2024-01-31"),
            ("9999-12-31", "2261-12-31"),
        ] {
            assert_eq!(day_of("start_date", day).ok(), Some(expected));
        }
    }

    #[test]
    fn days_that_end_before_they_begin_are_refused() {
        let query = |first: &str, last: &str| {
            query(&Listing {
                filter: HistoryParams {
                    start_date: Some(first.into()),
                    end_date: Some(last.into()),
                    device_id: None,
                },
                after: None,
                limit: 2,
            })
        };
        assert!(query("2024-01-31", "2024-01-31").is_ok());
        let refused = query("2024-02-01", "2024-01-31").err().unwrap();
        assert_eq!(
            format!("{} {refused}", refused.kind().name),
            "bad_parameter end_date: 2024-01-31 is before start_date, 2024-02-01"
        );
    }

    #[test]
    fn a_page_goes_on_after_its_last_row_and_nothing_leaves_its_literal() {
        let params = HistoryParams {
            start_date: Some("2024-01-01".into()),
            end_date: Some("2024-01-31".into()),
            device_id: Some("CP'1".into()),
        };
        let listing = Listing {
            filter: params,
            after: Some((
                At(UtcMicros(1_705_276_800_000_000)),
                "x' OR 1=1 --".to_owned(),
            )),
            limit: 2,
        };
        expect_test::expect!["SELECT coalesce(started_at, ended_at) AS ordered_at, transaction_id, ocpp_transaction_id, station_id, evse_id, started_at, ended_at, state, stop_reason, meter_start_wh, meter_stop_wh, energy_wh, cost, currency, quality, log_id, seq FROM transactions WHERE true AND coalesce(started_at, ended_at) >= '2024-01-01T00:00:00Z' AND coalesce(started_at, ended_at) <= '2024-01-31T23:59:59.999999Z' AND station_id = 'CP''1' AND (coalesce(started_at, ended_at) < '2024-01-15T00:00:00.000Z' OR (coalesce(started_at, ended_at) = '2024-01-15T00:00:00.000Z' AND transaction_id < 'x'' OR 1=1 --')) ORDER BY ordered_at DESC, transaction_id DESC LIMIT 3"]
        .assert_eq(&query(&listing).unwrap());
    }
}
