//! `/api/v1/quarantine`: messages that strayed from their schema, out of the table `quarantined_messages`.

use axum::Json;
use axum::extract::State;
use dataplane::{QuarantineReplay, ReplayOutcome, ReplayRefused};
use fleet::record::Protocol;
use fleet::{EventId, LogId, Seq};
use sdk::{MessageChange, Page, QuarantineOutcome, QuarantinedMessage, ReplayReceipt};
use serde::Deserialize;
use utoipa::IntoParams;

use super::devices::check_text;
use crate::ask::{answered, station_key};
use crate::error::ApiError;
use crate::extract::{Caller, Id};
use crate::listing::{
    EventKey, Listing, NEWEST_FIRST, PageParams, behind, event_key, page_of_rows,
};
use crate::metrics::Database;
use crate::sql::{SqlRow, literal, text};
use crate::{SharedApp, convert};

/// Longest action, characters.
const ACTION_CHARS_MAX: usize = 64;

/// Which messages to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct QuarantineParams {
    /// Only those of this station.
    device_id: Option<String>,
    /// Only those of which this became.
    #[param(inline)]
    outcome: Option<QuarantineOutcome>,
    /// Only those of this action.
    action: Option<String>,
}

/// Messages that were changed before they were taken, or refused, newest first; they are kept for 30 days.
///
/// Of a station that sends many within an hour some are kept and the others counted, see `passed_by`.
#[utoipa::path(
    get,
    path = "/api/v1/quarantine",
    operation_id = "list_quarantine",
    tag = "quirks",
    params(QuarantineParams, PageParams),
    responses((status = 200, description = "A page of them", body = Page<QuarantinedMessage>))
)]
pub(crate) async fn list(
    State(app): State<SharedApp>,
    Caller(caller): Caller,
    listing: Listing<QuarantineParams, EventKey>,
) -> Result<Json<Page<QuarantinedMessage>>, ApiError> {
    if let Some(id) = &listing.filter.device_id {
        station_key(&caller, id)?;
    }
    let query = query(&listing)?;
    let rows = app
        .metrics
        .time(Database::Lake, (app.sql)(caller, query))
        .await?;
    page_of_rows(&rows, listing.limit, message, event_key).map(Json)
}

/// Reads a message again that was refused, by the profile that its station has now.
///
/// If it can be read now it is taken as one that comes late: it changes history and bills, never what runs, and its
/// station hears nothing. Doing it again changes nothing. 409 when it still cannot be read, or says nothing of the past.
#[utoipa::path(
    post,
    path = "/api/v1/quarantine/{id}/replay",
    operation_id = "replay_quarantined",
    tag = "quirks",
    params(("id" = String, Path)),
    responses((status = 200, description = "It counts, durably", body = ReplayReceipt))
)]
pub(crate) async fn replay(
    State(app): State<SharedApp>,
    Caller(caller): Caller,
    Id(id): Id,
) -> Result<Json<ReplayReceipt>, ApiError> {
    let event = event(&id).ok_or_else(|| ApiError::not_found("quarantined message", &id))?;
    let query = format!(
        "SELECT {COLUMNS} FROM quarantined_messages WHERE log_id = {} AND seq = {} LIMIT 1",
        event.log_id.0, event.seq.0
    );
    let tables = (app.sql)(caller.clone(), query);
    let rows = app.metrics.time(Database::Lake, tables).await?;
    let row = rows
        .first()
        .ok_or_else(|| ApiError::not_found("quarantined message", &id))?;
    let kept = message(row)?;
    if kept.outcome != QuarantineOutcome::Refused {
        let detail = format!(
            "message {id} is {}, only a refused one can be read again",
            kept.outcome.as_str()
        );
        return Err(ApiError::Conflict(detail));
    }
    let unexpected =
        |name: &str| ApiError::Internal(format!("quarantined_messages.{name} of {id}"));
    let protocol = kept.protocol.as_deref().and_then(Protocol::from_name);
    let request = QuarantineReplay {
        station: station_key(&caller, &kept.device_id)?,
        event,
        protocol: protocol.ok_or_else(|| unexpected("protocol"))?,
        raw: kept.raw.unwrap_or_default(),
        received_at: convert::moment(&kept.received_at).map_err(|_| unexpected("received_at"))?,
    };
    let outcome = answered(app.router.replay(request))
        .await?
        .map_err(|refused| match refused {
            ReplayRefused::UnknownStation => ApiError::not_found("device", kept.device_id.as_str()),
            ReplayRefused::LogDown => ApiError::Unavailable(refused.to_string()),
            ReplayRefused::Unreadable(detail) => {
                ApiError::Conflict(format!("message {id} still cannot be read: {detail}"))
            }
            refused => ApiError::Conflict(format!("message {id} is not taken: {refused}")),
        })?;
    tracing::info!(message = %id, device = %kept.device_id, principal = %caller.name, ?outcome, "a message was read again");
    Ok(Json(ReplayReceipt {
        id,
        device_id: kept.device_id,
        applied: outcome == ReplayOutcome::Applied,
    }))
}

const COLUMNS: &str = "received_at, log_id, seq, station_id, outcome, protocol, message_id, action, raw, profile_id, \
                       profile_revision, changes, error_code, reason, passed_by, replay_of_log_id, replay_of_seq";

/// One more row than the page holds, to see whether there is another page.
fn query(listing: &Listing<QuarantineParams, EventKey>) -> Result<String, ApiError> {
    let params = &listing.filter;
    let mut conditions = Vec::new();
    if let Some(id) = &params.device_id {
        conditions.push(format!("station_id = {}", literal(id)));
    }
    if let Some(outcome) = params.outcome {
        conditions.push(format!("outcome = '{}'", outcome.as_str()));
    }
    if let Some(action) = &params.action {
        check_text(action, ACTION_CHARS_MAX)
            .map_err(|detail| ApiError::BadParameter(format!("action: {detail}")))?;
        conditions.push(format!("action = {}", literal(action)));
    }
    conditions.extend(listing.after.as_ref().map(behind));
    let conditions = match conditions.is_empty() {
        true => String::new(),
        false => format!("WHERE {} ", conditions.join(" AND ")),
    };
    Ok(format!(
        "SELECT {COLUMNS} FROM quarantined_messages {conditions}\
         ORDER BY {NEWEST_FIRST} LIMIT {}",
        listing.limit + 1
    ))
}

/// `{log_id}-{seq}`.
fn event(id: &str) -> Option<EventId> {
    let (log_id, seq) = id.split_once('-')?;
    Some(EventId {
        log_id: LogId(log_id.parse().ok()?),
        seq: Seq(seq.parse().ok().filter(|seq| *seq <= i64::MAX as u64)?),
    })
}

fn message(row: &SqlRow) -> Result<QuarantinedMessage, ApiError> {
    let column = |name: &str| text(row, name).filter(|text| !text.is_empty());
    let unexpected = |name: &str| {
        ApiError::Internal(format!(
            "quarantined_messages.{name} is {:?}",
            row.get(name)
        ))
    };
    let needed = |name: &str| column(name).ok_or_else(|| unexpected(name));
    let number = |name: &str| column(name).and_then(|text| text.parse::<u64>().ok());
    let revision = number("profile_revision").and_then(|r| u32::try_from(r).ok());
    let profile = column("profile_id").zip(revision);
    let changes: Vec<MessageChange> = match column("changes") {
        Some(changes) => serde_json::from_str(&changes).map_err(|_| unexpected("changes"))?,
        None => Vec::new(),
    };
    Ok(QuarantinedMessage {
        id: format!("{}-{}", needed("log_id")?, needed("seq")?),
        device_id: needed("station_id")?,
        received_at: needed("received_at")?,
        outcome: match needed("outcome")?.as_str() {
            "changed" => QuarantineOutcome::Changed,
            "refused" => QuarantineOutcome::Refused,
            "replayed" => QuarantineOutcome::Replayed,
            _ => return Err(unexpected("outcome")),
        },
        protocol: column("protocol"),
        message_id: column("message_id"),
        action: column("action"),
        raw: column("raw"),
        profile: profile.map(|(id, revision)| sdk::QuirkProfileRef { id, revision }),
        changes,
        error_code: column("error_code"),
        reason: column("reason"),
        passed_by: number("passed_by").unwrap_or(0),
        replay_of: column("replay_of_log_id")
            .zip(column("replay_of_seq"))
            .map(|(log_id, seq)| format!("{log_id}-{seq}")),
    })
}

#[cfg(test)]
mod tests {
    use fleet::UtcMicros;

    use super::*;
    use crate::listing::At;

    #[test]
    fn filters_stay_inside_their_literals() {
        let filter = QuarantineParams {
            device_id: Some("CP'1".into()),
            outcome: Some(QuarantineOutcome::Refused),
            action: Some("Boot'".into()),
        };
        let listing = Listing {
            filter,
            after: Some((At(UtcMicros(1_795_344_109_123_000)), 7, 9)),
            limit: 1,
        };
        let query = query(&listing).unwrap();
        let (_, conditions) = query.split_once(" WHERE ").unwrap();
        expect_test::expect![[r#"station_id = 'CP''1' AND outcome = 'refused' AND action = 'Boot''' AND (received_at < '2026-11-22T10:41:49.123Z' OR (received_at = '2026-11-22T10:41:49.123Z' AND (log_id < 7 OR (log_id = 7 AND seq < 9)))) ORDER BY received_at DESC, log_id DESC, seq DESC LIMIT 2"#]]
        .assert_eq(conditions);
    }

    #[test]
    fn a_name_is_a_log_and_a_place_in_it() {
        assert_eq!(
            event("12-34"),
            Some(EventId {
                log_id: LogId(12),
                seq: Seq(34)
            })
        );
        for id in [
            "",
            "12",
            "12-",
            "a-1",
            "1-a",
            "1-2-3",
            "1- 2",
            "1-18446744073709551615",
        ] {
            assert_eq!(event(id), None, "{id}");
        }
    }

    #[test]
    fn a_row_becomes_a_message() {
        let row: SqlRow = serde_json::from_str(
            r#"{"received_at":"2026-11-22T10:41:49.123Z","log_id":"12","seq":"34","station_id":"CP1","outcome":"changed",
                "protocol":"ocpp1.6","message_id":"7","action":"MeterValues","raw":"[2]","profile_id":"a",
                "profile_revision":"3","changes":"[{\"pointer\":\"/a\",\"quirk\":\"over_long\",\"found\":\"1\",\"taken\":\"1\"}]",
                "error_code":null,"reason":null,"passed_by":"0","replay_of_log_id":null,"replay_of_seq":null}"#,
        )
        .unwrap();
        let message = message(&row).unwrap();
        assert_eq!((message.id.as_str(), message.replay_of), ("12-34", None));
        assert_eq!(message.outcome, QuarantineOutcome::Changed);
        assert_eq!(message.profile.map(|p| p.revision), Some(3));
        assert_eq!(message.changes[0].pointer, "/a");
    }
}
