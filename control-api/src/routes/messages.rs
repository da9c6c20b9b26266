//! `/api/v1/devices/{id}/messages`: the frames that went over a station's sockets, out of the table `ocpp_messages`.

use axum::Json;
use axum::extract::State;
use sdk::{Message, MessageDirection, Page};
use serde::Deserialize;
use utoipa::IntoParams;

use super::devices::check_text;
use crate::SharedApp;
use crate::ask::station_key;
use crate::error::ApiError;
use crate::extract::{Caller, Id};
use crate::listing::{Listing, PageParams, page_of_rows};
use crate::metrics::Database;
use crate::sql::{SqlRow, literal, text};

/// Longest action, characters.
const ACTION_CHARS_MAX: usize = 64;

/// Which frames to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct MessageParams {
    /// Only those sent by this side.
    #[param(inline)]
    direction: Option<MessageDirection>,
    /// Only those of this action, and answers to it.
    action: Option<String>,
}

/// When, and the name of the event: the key by which the list is ordered.
type Key = (String, i64, i64);

/// Raw frames of a station, newest first, secrets masked; they are kept for 30 days.
#[utoipa::path(
    get,
    path = "/api/v1/devices/{id}/messages",
    operation_id = "list_messages",
    tag = "devices",
    params(("id" = String, Path), MessageParams, PageParams),
    responses((status = 200, description = "A page of them", body = Page<Message>))
)]
pub(crate) async fn list(
    State(app): State<SharedApp>,
    Caller(caller): Caller,
    Id(id): Id,
    listing: Listing<MessageParams, Key>,
) -> Result<Json<Page<Message>>, ApiError> {
    let station = station_key(&caller, &id)?;
    let query = query(station.identity(), &listing)?;
    let rows = app
        .metrics
        .time(Database::Lake, (app.sql)(caller, query))
        .await?;
    page_of_rows(&rows, listing.limit, message, key).map(Json)
}

/// One more row than the page holds, to see whether there is another page.
fn query(station_id: &str, listing: &Listing<MessageParams, Key>) -> Result<String, ApiError> {
    let params = &listing.filter;
    let mut conditions = vec![format!("station_id = {}", literal(station_id))];
    if let Some(direction) = params.direction {
        conditions.push(format!("direction = '{}'", direction.as_str()));
    }
    if let Some(action) = &params.action {
        check_text(action, ACTION_CHARS_MAX)
            .map_err(|detail| ApiError::BadParameter(format!("action: {detail}")))?;
        conditions.push(format!("action = {}", literal(action)));
    }
    if let Some((at, log, seq)) = &listing.after {
        let at = literal(at);
        conditions.push(format!(
            "(received_at < {at} OR (received_at = {at} AND (log_id < {log} OR (log_id = {log} AND seq < {seq}))))"
        ));
    }
    Ok(format!(
        "SELECT received_at, log_id, seq, direction, \"type\", message_id, action, raw FROM ocpp_messages \
         WHERE {} ORDER BY received_at DESC, log_id DESC, seq DESC LIMIT {}",
        conditions.join(" AND "),
        listing.limit + 1
    ))
}

fn key(row: &SqlRow) -> Option<Key> {
    Some((
        text(row, "received_at")?,
        text(row, "log_id")?.parse().ok()?,
        text(row, "seq")?.parse().ok()?,
    ))
}

fn message(row: &SqlRow) -> Result<Message, ApiError> {
    let column = |name: &str| text(row, name).filter(|text| !text.is_empty());
    let unexpected =
        |name: &str| ApiError::Internal(format!("ocpp_messages.{name} is {:?}", row.get(name)));
    Ok(Message {
        received_at: column("received_at").ok_or_else(|| unexpected("received_at"))?,
        direction: match column("direction").as_deref() {
            Some("from_station") => MessageDirection::FromStation,
            Some("to_station") => MessageDirection::ToStation,
            _ => return Err(unexpected("direction")),
        },
        kind: column("type"),
        message_id: column("message_id"),
        action: column("action"),
        raw: column("raw").unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_stay_inside_their_literals() {
        let params = MessageParams {
            direction: Some(MessageDirection::FromStation),
            action: Some("Boot'Notification".into()),
        };
        let listing = Listing {
            filter: params,
            after: Some(("2026-11-22T10:41:49.123Z'".to_owned(), 7, 9)),
            limit: 1,
        };
        expect_test::expect![[r#"SELECT received_at, log_id, seq, direction, "type", message_id, action, raw FROM ocpp_messages WHERE station_id = 'CP1' AND direction = 'from_station' AND action = 'Boot''Notification' AND (received_at < '2026-11-22T10:41:49.123Z''' OR (received_at = '2026-11-22T10:41:49.123Z''' AND (log_id < 7 OR (log_id = 7 AND seq < 9)))) ORDER BY received_at DESC, log_id DESC, seq DESC LIMIT 2"#]]
        .assert_eq(&query("CP1", &listing).unwrap());
    }

    #[test]
    fn an_unreadable_frame_is_shown_as_it_came() {
        let row: SqlRow = serde_json::from_str(
            r#"{"received_at":"2026-11-22T10:41:49.123Z","direction":"from_station","type":null,
                "message_id":null,"action":null,"raw":"{"}"#,
        )
        .unwrap();
        let message = message(&row).unwrap();
        assert_eq!((message.kind, message.raw.as_str()), (None, "{"));
    }

    #[test]
    fn a_row_becomes_a_frame() {
        let row: SqlRow = serde_json::from_str(
            r#"{"received_at":"2026-11-22T10:41:49.123Z","log_id":"12","seq":"34","direction":"to_station",
                "type":"CALLRESULT","message_id":"7","action":"Heartbeat","raw":"[3,\"7\",{}]"}"#,
        )
        .unwrap();
        assert_eq!(key(&row), Some(("2026-11-22T10:41:49.123Z".into(), 12, 34)));
        let message = message(&row).unwrap();
        assert_eq!(message.direction, MessageDirection::ToStation);
        assert_eq!(message.action.as_deref(), Some("Heartbeat"));
    }
}
