//! `GET /api/v1/devices/{id}/security-events`: out of the table `security_events`.

use axum::Json;
use axum::extract::State;
use sdk::{Page, SecurityEvent, SecuritySeverity};
use serde::Deserialize;
use utoipa::IntoParams;

use super::devices::check_text;
use crate::ask::known_station;
use crate::error::ApiError;
use crate::extract::{Caller, Id};
use crate::listing::{
    EventKey, Listing, NEWEST_FIRST, PageParams, behind, event_key, page_of_rows,
};
use crate::metrics::Database;
use crate::sql::{SqlRow, literal, text, time_literal};
use crate::{SharedApp, convert};

/// Longest type: `identifierString[50]`, and our own are shorter.
const TYPE_CHARS_MAX: usize = 50;

/// Which events to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct SecurityEventParams {
    /// Only those of this type.
    #[serde(rename = "type")]
    kind: Option<String>,
    /// Only those of this severity.
    #[param(inline)]
    severity: Option<SecuritySeverity>,
    /// Only those that came at this time or later.
    #[param(format = DateTime)]
    since: Option<String>,
}

/// Security events of a station, newest first, with those that the server saw itself (`Sigec.*`).
#[utoipa::path(
    get,
    path = "/api/v1/devices/{id}/security-events",
    operation_id = "list_security_events",
    tag = "devices",
    params(("id" = String, Path), SecurityEventParams, PageParams),
    responses((status = 200, description = "A page of them", body = Page<SecurityEvent>))
)]
pub(crate) async fn list(
    State(app): State<SharedApp>,
    Caller(caller): Caller,
    Id(id): Id,
    listing: Listing<SecurityEventParams, EventKey>,
) -> Result<Json<Page<SecurityEvent>>, ApiError> {
    let station = known_station(&app, &caller, &id).await?;
    let query = query(station.identity(), &listing)?;
    let rows = app
        .metrics
        .time(Database::Lake, (app.sql)(caller, query))
        .await?;
    page_of_rows(&rows, listing.limit, event, event_key).map(Json)
}

/// One more row than the page holds, to see whether there is another page.
fn query(
    station_id: &str,
    listing: &Listing<SecurityEventParams, EventKey>,
) -> Result<String, ApiError> {
    let params = &listing.filter;
    let mut conditions = vec![format!("station_id = {}", literal(station_id))];
    if let Some(kind) = &params.kind {
        check_text(kind, TYPE_CHARS_MAX)
            .map_err(|detail| ApiError::BadParameter(format!("type: {detail}")))?;
        conditions.push(format!("\"type\" = {}", literal(kind)));
    }
    if let Some(severity) = params.severity {
        conditions.push(format!("severity = '{}'", severity.as_str()));
    }
    if let Some(since) = &params.since {
        let since = convert::moment(since)
            .map_err(|detail| ApiError::BadParameter(format!("since: {detail}")))?;
        conditions.push(format!("received_at >= {}", time_literal(since)));
    }
    conditions.extend(listing.after.as_ref().map(behind));
    Ok(format!(
        "SELECT received_at, log_id, seq, \"type\", occurred_at, info, severity FROM security_events \
         WHERE {} ORDER BY {NEWEST_FIRST} LIMIT {}",
        conditions.join(" AND "),
        listing.limit + 1
    ))
}

fn event(row: &SqlRow) -> Result<SecurityEvent, ApiError> {
    let unexpected =
        |name: &str| ApiError::Internal(format!("security_events.{name} is {:?}", row.get(name)));
    let required = |name: &str| text(row, name).ok_or_else(|| unexpected(name));
    Ok(SecurityEvent {
        kind: required("type")?,
        severity: match required("severity")?.as_str() {
            "critical" => SecuritySeverity::Critical,
            "info" => SecuritySeverity::Info,
            _ => return Err(unexpected("severity")),
        },
        occurred_at: required("occurred_at")?,
        info: text(row, "info").filter(|info| !info.is_empty()),
        received_at: required("received_at")?,
    })
}

#[cfg(test)]
mod tests {
    use fleet::UtcMicros;

    use super::*;
    use crate::listing::At;

    #[test]
    fn filters_hold_together_and_stay_inside_their_literals() {
        let listing = Listing {
            filter: SecurityEventParams {
                kind: Some("Tamper'".into()),
                severity: Some(SecuritySeverity::Critical),
                since: Some("2026-11-22T10:00:00Z".into()),
            },
            after: Some((At(UtcMicros(1_795_344_109_123_000)), 7, 9)),
            limit: 1,
        };
        expect_test::expect![[r#"SELECT received_at, log_id, seq, "type", occurred_at, info, severity FROM security_events WHERE station_id = 'CP1' AND "type" = 'Tamper''' AND severity = 'critical' AND received_at >= '2026-11-22T10:00:00.000Z' AND (received_at < '2026-11-22T10:41:49.123Z' OR (received_at = '2026-11-22T10:41:49.123Z' AND (log_id < 7 OR (log_id = 7 AND seq < 9)))) ORDER BY received_at DESC, log_id DESC, seq DESC LIMIT 2"#]]
        .assert_eq(&query("CP1", &listing).unwrap());
    }
}
