//! `/api/v1/devices/{id}/messages`: the frames that went over a station's sockets, out of the table `ocpp_messages`.

use axum::Json;
use axum::extract::State;
use sdk::{Message, MessageDirection, MessageType, Page};
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

/// Longest action, characters.
const ACTION_CHARS_MAX: usize = 64;
/// Longest message id, characters: OCPP-J allows 36, stations write what they like.
const ID_CHARS_MAX: usize = 255;

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
    /// Only those of this OCPP-J type.
    #[serde(rename = "type")]
    #[param(inline)]
    kind: Option<MessageType>,
    /// Only those with this OCPP-J id: a call and its answer.
    message_id: Option<String>,
    /// Only those that came or went at this time or later.
    #[param(format = DateTime)]
    from: Option<String>,
    /// Only those that came or went before this time.
    #[param(format = DateTime)]
    to: Option<String>,
}

/// Raw frames of a station, newest first, secrets masked; they are kept for 30 days.
///
/// Filters hold together. A frame that comes while pages are read is newer than all of them, and shifts none.
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
    listing: Listing<MessageParams, EventKey>,
) -> Result<Json<Page<Message>>, ApiError> {
    let station = known_station(&app, &caller, &id).await?;
    let query = query(station.identity(), &listing)?;
    let rows = app
        .metrics
        .time(Database::Lake, (app.sql)(caller, query))
        .await?;
    page_of_rows(&rows, listing.limit, message, event_key).map(Json)
}

/// One more row than the page holds, to see whether there is another page.
fn query(station_id: &str, listing: &Listing<MessageParams, EventKey>) -> Result<String, ApiError> {
    let params = &listing.filter;
    let mut conditions = vec![format!("station_id = {}", literal(station_id))];
    if let Some(direction) = params.direction {
        conditions.push(format!("direction = '{}'", direction.as_str()));
    }
    if let Some(kind) = params.kind {
        conditions.push(format!("\"type\" = '{}'", kind.as_str()));
    }
    for (column, text, chars_max) in [
        ("action", &params.action, ACTION_CHARS_MAX),
        ("message_id", &params.message_id, ID_CHARS_MAX),
    ] {
        if let Some(text) = text {
            check_text(text, chars_max)
                .map_err(|detail| ApiError::BadParameter(format!("{column}: {detail}")))?;
            conditions.push(format!("{column} = {}", literal(text)));
        }
    }
    let bound = |name: &str, text: &Option<String>| match text {
        Some(text) => convert::moment(text)
            .map(Some)
            .map_err(|detail| ApiError::BadParameter(format!("{name}: {detail}"))),
        None => Ok(None),
    };
    let (from, to) = (bound("from", &params.from)?, bound("to", &params.to)?);
    if let Some((from, to)) = from.zip(to).filter(|(from, to)| to <= from) {
        let detail = format!("to: {to} is not behind from, {from}");
        return Err(ApiError::BadParameter(detail));
    }
    for (comparison, at) in [(">=", from), ("<", to)] {
        if let Some(at) = at {
            conditions.push(format!("received_at {comparison} {}", time_literal(at)));
        }
    }
    conditions.extend(listing.after.as_ref().map(behind));
    Ok(format!(
        "SELECT received_at, log_id, seq, direction, \"type\", message_id, action, raw FROM ocpp_messages \
         WHERE {} ORDER BY {NEWEST_FIRST} LIMIT {}",
        conditions.join(" AND "),
        listing.limit + 1
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
        kind: column("type").as_deref().and_then(MessageType::from_name),
        message_id: column("message_id"),
        action: column("action"),
        raw: column("raw").unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use fleet::UtcMicros;

    use super::*;
    use crate::listing::At;

    #[test]
    fn filters_stay_inside_their_literals() {
        let params = MessageParams {
            direction: Some(MessageDirection::FromStation),
            action: Some("Boot'Notification".into()),
            ..MessageParams::default()
        };
        let listing = Listing {
            filter: params,
            after: Some((At(UtcMicros(1_795_344_109_123_000)), 7, 9)),
            limit: 1,
        };
        expect_test::expect![[r#"SELECT received_at, log_id, seq, direction, "type", message_id, action, raw FROM ocpp_messages WHERE station_id = 'CP1' AND direction = 'from_station' AND action = 'Boot''Notification' AND (received_at < '2026-11-22T10:41:49.123Z' OR (received_at = '2026-11-22T10:41:49.123Z' AND (log_id < 7 OR (log_id = 7 AND seq < 9)))) ORDER BY received_at DESC, log_id DESC, seq DESC LIMIT 2"#]]
        .assert_eq(&query("CP1", &listing).unwrap());
    }

    fn check(params: &str, expected: expect_test::Expect) {
        let uri = format!("/?{params}").parse().unwrap();
        let axum::extract::Query(filter) = axum::extract::Query::try_from_uri(&uri).unwrap();
        let listing = Listing {
            filter,
            after: None,
            limit: 1,
        };
        let conditions = match query("CP1", &listing) {
            Ok(query) => {
                let (_, rest) = query.split_once(" WHERE ").unwrap();
                rest.split_once(" ORDER").unwrap().0.to_owned()
            }
            Err(error) => error.to_string(),
        };
        expected.assert_eq(&conditions);
    }

    #[test]
    fn filters_hold_together() {
        check(
            "type=CALLERROR&message_id=7'&direction=to_station&from=2026-11-22T10:00:00Z&to=2026-11-22T10:00:00.000001Z",
            expect_test::expect![[
                r#"station_id = 'CP1' AND direction = 'to_station' AND "type" = 'CALLERROR' AND message_id = '7''' AND received_at >= '2026-11-22T10:00:00.000Z' AND received_at < '2026-11-22T10:00:00.000001Z'"#
            ]],
        );
        check(
            "type=SEND",
            expect_test::expect![[r#"station_id = 'CP1' AND "type" = 'SEND'"#]],
        );
    }

    #[test]
    fn what_is_wrong_is_named() {
        check(
            "from=yesterday",
            expect_test::expect![[
                r#"from: "yesterday", expected a time like 2027-01-01T00:00:00Z"#
            ]],
        );
        check(
            "to=2026-11-22",
            expect_test::expect![[
                r#"to: "2026-11-22", expected a time like 2027-01-01T00:00:00Z"#
            ]],
        );
        check(
            "message_id=%00",
            expect_test::expect![[r#"message_id: contains '\0'"#]],
        );
        check(
            "from=2026-11-22T10:00:00Z&to=2026-11-22T10:00:00Z",
            expect_test::expect![
                "to: 2026-11-22T10:00:00.000Z is not behind from, 2026-11-22T10:00:00.000Z"
            ],
        );
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
        assert_eq!(
            event_key(&row),
            Some((At(UtcMicros(1_795_344_109_123_000)), 12, 34))
        );
        let message = message(&row).unwrap();
        assert_eq!(message.direction, MessageDirection::ToStation);
        assert_eq!(message.action.as_deref(), Some("Heartbeat"));
    }
}
