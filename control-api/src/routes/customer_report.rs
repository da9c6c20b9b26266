//! `/api/v1/commands/{id}/customer-report`

use std::borrow::Cow;
use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sdk::CustomerReport;
use serde_json::Value;

use super::commands::find;
use crate::SharedApp;
use crate::error::ApiError;
use crate::extract::{Caller, Id};
use crate::metrics::Database;
use crate::sql::{SqlRow, literal, text};

/// The command that asks for it, and the message that tells.
const ASKED: &str = "CustomerInformation";
const TOLD: &str = "NotifyCustomerInformation";
/// Parts that are looked at.
const PARTS_MAX: usize = 10_000;
/// Numbers of missing parts that are told.
const MISSING_MAX: usize = 64;

/// What a station told about a customer after a `CustomerInformation` command.
///
/// It is put together from the raw frames, which alone keep it: for `retention.ocpp_messages` days, and from a moment
/// after they came. Parts may come in any order; those that are missing are named.
#[utoipa::path(
    get,
    path = "/api/v1/commands/{id}/customer-report",
    operation_id = "get_customer_report",
    tag = "commands",
    params(("id" = String, Path)),
    responses((status = 200, description = "What came so far", body = CustomerReport))
)]
pub(crate) async fn show(
    State(app): State<SharedApp>,
    Caller(caller): Caller,
    Id(id): Id,
) -> Result<Json<CustomerReport>, ApiError> {
    let command = find(&app, &caller, &id).await?;
    let asked: Value = serde_json::from_str(&command.payload).unwrap_or_default();
    let Some(request_id) = asked.get("requestId").filter(|_| command.action == ASKED) else {
        let detail = format!("the command is {}, expected {ASKED}", command.action);
        return Err(ApiError::Conflict(detail));
    };
    let query = format!(
        "SELECT raw FROM ocpp_messages WHERE station_id = {} AND direction = 'from_station' AND action = '{TOLD}' \
         AND received_at >= {} ORDER BY received_at, log_id, seq LIMIT {PARTS_MAX}",
        literal(command.station.identity()),
        literal(&command.created_at.to_string()),
    );
    let rows = app
        .metrics
        .time(Database::Lake, (app.sql)(caller, query))
        .await?;
    Ok(Json(report(request_id, &rows)))
}

/// Puts the parts of a request together. One that comes again, or after the whole is here, is of another request.
fn report(request_id: &Value, rows: &[SqlRow]) -> CustomerReport {
    let mut parts = BTreeMap::new();
    let mut last = None;
    let whole = |parts: &BTreeMap<u32, String>, last: Option<u32>| {
        last.is_some_and(|last| parts.range(..=last).count() as u64 == u64::from(last) + 1)
    };
    for row in rows {
        let Some((seq_no, tbc, data)) = part(request_id, row) else {
            continue;
        };
        if whole(&parts, last) {
            break;
        }
        parts.entry(seq_no).or_insert(data);
        if !tbc {
            last = Some(seq_no);
        }
    }
    let mut missing_parts = Vec::new();
    let mut expected = 0;
    for seq_no in parts.keys() {
        let room = MISSING_MAX - missing_parts.len();
        missing_parts.extend((expected..*seq_no).take(room));
        expected = seq_no.saturating_add(1);
    }
    CustomerReport {
        complete: whole(&parts, last),
        parts: parts.len(),
        missing_parts,
        data: parts.into_values().collect(),
    }
}

/// Number, whether more comes, and text of a part that answers the request.
fn part(request_id: &Value, row: &SqlRow) -> Option<(u32, bool, String)> {
    let frame: Value = serde_json::from_str(&text(row, "raw")?).ok()?;
    let message = message(&frame)?;
    if message.get("requestId") != Some(request_id) {
        return None;
    }
    let seq_no = message.get("seqNo")?.as_u64()?.try_into().ok()?;
    let tbc = message.get("tbc").and_then(Value::as_bool);
    let data = message.get("data")?.as_str()?.to_owned();
    Some((seq_no, tbc.unwrap_or(false), data))
}

/// What a frame says, or what is enclosed where it is signed.
fn message(frame: &Value) -> Option<Cow<'_, Value>> {
    let payload = frame.get(3)?;
    if !frame.get(2)?.as_str()?.ends_with("-Signed") {
        return Some(Cow::Borrowed(payload));
    }
    let enclosed = payload.get("payload")?.as_str()?.trim_end_matches('=');
    let enclosed = URL_SAFE_NO_PAD.decode(enclosed).ok()?;
    serde_json::from_slice(&enclosed).ok().map(Cow::Owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Parts as (requestId, seqNo, tbc, data).
    fn check(parts: &[(u32, u32, bool, &str)], expected: &str) {
        let row = |(request_id, seq_no, tbc, data): &(u32, u32, bool, &str)| {
            let message =
                json!({"requestId": request_id, "seqNo": seq_no, "tbc": tbc, "data": data});
            let raw = json!([2, "1", TOLD, message]).to_string();
            serde_json::from_value(json!({ "raw": raw })).unwrap()
        };
        let rows: Vec<SqlRow> = parts.iter().map(row).collect();
        let found = report(&json!(7), &rows);
        let found = format!(
            "{:?} of {} parts, missing {:?}, complete {}",
            found.data, found.parts, found.missing_parts, found.complete
        );
        assert_eq!(found, expected);
    }

    #[test]
    fn parts_are_put_together_in_any_order_and_gaps_are_told() {
        check(&[], "\"\" of 0 parts, missing [], complete false");
        check(
            &[(7, 2, false, "c"), (7, 0, true, "a"), (8, 1, true, "x")],
            "\"ac\" of 2 parts, missing [1], complete false",
        );
        let whole = [(7, 1, false, "b"), (7, 0, true, "a"), (7, 0, true, "again")];
        check(&whole, "\"ab\" of 2 parts, missing [], complete true");
        // The number is used again.
        check(
            &[(7, 0, false, "old"), (7, 0, true, "new")],
            "\"old\" of 1 parts, missing [], complete true",
        );
        check(
            &[(7, u32::MAX, false, "z")],
            &format!(
                "\"z\" of 1 parts, missing {:?}, complete false",
                (0..64).collect::<Vec<_>>()
            ),
        );
    }

    #[test]
    fn a_signed_part_is_read() {
        let message = json!({"requestId": 7, "seqNo": 0, "data": "signed"}).to_string();
        let jws = json!({"protected": "e30", "payload": URL_SAFE_NO_PAD.encode(message), "signature": "c2ln"});
        let raw = json!([2, "1", format!("{TOLD}-Signed"), jws]).to_string();
        let row: SqlRow = serde_json::from_value(json!({ "raw": raw })).unwrap();
        assert_eq!(report(&json!(7), &[row]).data, "signed");
    }

    #[test]
    fn what_is_no_part_is_passed_by() {
        let row: SqlRow = serde_json::from_value(json!({ "raw": "*** withheld" })).unwrap();
        assert_eq!(report(&json!(7), &[row]).parts, 0);
    }
}
