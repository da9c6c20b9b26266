//! `/api/v1/devices/{id}/commands` and `/api/v1/commands`

use std::ops::RangeInclusive;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse, Response};
use dataplane::{CommandId, CommandRefused, CommandView};
use fleet::StationKey;
use sdk::{Command, CommandRequest, CommandState, Page};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::grid::page;
use crate::ask::{answered, answered_within, station_key};
use crate::error::ApiError;
use crate::extract::{Body, Caller, Id, Wait, object_as_written};
use crate::listing::{Everything, Listing, PageParams};
use crate::principals::Principal;
use crate::{SharedApp, convert};

/// Longest action name that is looked up.
const ACTION_CHARS_MAX: usize = 64;
/// Bounds of the setting too.
const ANSWER_TIMEOUT_SECONDS: RangeInclusive<u64> = 1..=600;
/// How long a command of a request's own may wait for its turn and the station's answer.
pub(super) const WAIT: Duration = Duration::from_secs(60);

/// [`CommandRequest`], with its payload as it was written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Create {
    action: String,
    #[serde(default = "nothing")]
    payload: Box<RawValue>,
    #[serde(default)]
    answer_timeout: Option<Value>,
}

fn nothing() -> Box<RawValue> {
    RawValue::from_string("{}".to_owned()).expect("an object is JSON")
}

/// Sends a command to a station, in the words of its own OCPP version.
///
/// The payload goes to the station as it is written, but for white space.
///
/// With `Prefer: wait=N` the answer is the station's own (200, also when it is `Rejected`), or 504 `timeout`,
/// 409 `offline`, 429 `queue_full`; without it 202 and the command. `Location` tells how it goes on, also after the
/// wait has ended: the station has a time of its own for each command (`answer_timeout`, or that of the configuration:
/// `ocpp.answer_timeout`, 30 seconds), and one that it does not answer in it ends as `timeout`. A command is durable before
/// it is sent. One that a crash or a disconnect caught without an answer is `unknown` and never resent.
#[utoipa::path(
    post,
    path = "/api/v1/devices/{id}/commands",
    operation_id = "send_command",
    tag = "commands",
    params(
        ("id" = String, Path),
        ("Prefer" = Option<String>, Header, description = "`wait=N`: seconds to wait for the station, at most 300"),
    ),
    request_body = CommandRequest,
    responses(
        (status = 200, description = "The station answered", body = Command),
        (status = 202, description = "Made; `Location` tells how it goes on", body = Command),
    )
)]
pub(crate) async fn create(
    State(app): State<SharedApp>,
    Caller(caller): Caller,
    Id(id): Id,
    Wait(wait): Wait,
    Body(request): Body<Create>,
) -> Result<Response, ApiError> {
    if request.action.is_empty() || ACTION_CHARS_MAX < request.action.chars().count() {
        let detail = format!("not 1 to {ACTION_CHARS_MAX} characters");
        return Err(ApiError::field("/action", detail));
    }
    let payload = object_as_written(&request.payload)
        .map_err(|detail| ApiError::field("/payload", detail))?;
    let answer_timeout = request.answer_timeout.as_ref().map(answer_timeout);
    let question = dataplane::CommandRequest {
        station: station_key(&caller, &id)?,
        action: request.action,
        payload,
        principal: caller.name,
        wait,
        answer_timeout: answer_timeout.transpose()?,
    };
    respond(ask(&app, question, &id).await?, wait)
}

/// How long a station may take for its answer, as `ocpp.answer_timeout` may be.
fn answer_timeout(found: &Value) -> Result<Duration, ApiError> {
    let seconds = found
        .as_u64()
        .filter(|seconds| ANSWER_TIMEOUT_SECONDS.contains(seconds));
    seconds.map(Duration::from_secs).ok_or_else(|| {
        let (min, max) = (ANSWER_TIMEOUT_SECONDS.start(), ANSWER_TIMEOUT_SECONDS.end());
        let detail = format!("{found}, expected a whole number of seconds, {min} to {max}");
        ApiError::field("/answer_timeout", detail)
    })
}

/// Sends a command to the station `id`, whose answer is waited for as long as `wait` says.
pub(super) async fn send(
    app: &SharedApp,
    caller: Principal,
    id: &str,
    action: String,
    payload: String,
    wait: Option<Duration>,
) -> Result<Command, ApiError> {
    let question = dataplane::CommandRequest {
        station: station_key(&caller, id)?,
        action,
        payload,
        principal: caller.name,
        wait,
        answer_timeout: None,
    };
    ask(app, question, id).await
}

async fn ask(
    app: &SharedApp,
    question: dataplane::CommandRequest,
    id: &str,
) -> Result<Command, ApiError> {
    let wait = question.wait.unwrap_or_default();
    let command = answered_within(wait, app.router.command(question))
        .await?
        .map_err(|refused| refuse(refused, id))?;
    Ok(convert::command(command))
}

/// The answer to a request that sent a command, and waited or did not.
pub(super) fn respond(command: Command, wait: Option<Duration>) -> Result<Response, ApiError> {
    match wait {
        Some(_) => settled(command),
        None => Ok(accepted(command)),
    }
}

/// Commands that a station has under way, oldest first: the one that it has not answered (`sent`) and those that wait behind
/// it (`queued`), of which there are at most `ocpp.commands_waiting_max`.
///
/// What is over is a row of the SQL table `commands`.
#[utoipa::path(
    get,
    path = "/api/v1/devices/{id}/commands",
    operation_id = "list_open_commands",
    tag = "commands",
    params(("id" = String, Path), PageParams),
    responses((status = 200, description = "A page of them", body = Page<Command>))
)]
pub(crate) async fn list(
    State(app): State<SharedApp>,
    Caller(caller): Caller,
    Id(id): Id,
    listing: Listing<Everything, (i64, [u8; 16])>,
) -> Result<Json<Page<Command>>, ApiError> {
    let station = station_key(&caller, &id)?;
    let found = answered(app.router.open_commands(station)).await?;
    let found = found.ok_or_else(|| ApiError::not_found("device", &id))?;
    // Ids of one millisecond are in no order.
    let age = |view: &CommandView| (view.created_at.0, view.id.0);
    Ok(Json(page(found, &listing, age, convert::command)))
}

/// A command and what became of it, for 24 hours.
#[utoipa::path(
    get,
    path = "/api/v1/commands/{id}",
    operation_id = "get_command",
    tag = "commands",
    params(("id" = String, Path)),
    responses((status = 200, description = "The command", body = Command))
)]
pub(crate) async fn show(
    State(app): State<SharedApp>,
    Caller(caller): Caller,
    Id(id): Id,
) -> Result<Json<Command>, ApiError> {
    let view = find(&app, &caller, &id).await?;
    let files = app.files.of_command(&caller.tenant, view.id.0);
    let mut command = convert::command(view);
    command.files = files.iter().map(super::files::file).collect();
    Ok(Json(command))
}

/// The command of an id, if it is one of the caller's tenant.
pub(super) async fn find(
    app: &SharedApp,
    caller: &Principal,
    id: &str,
) -> Result<CommandView, ApiError> {
    let unknown = || ApiError::not_found("command", id);
    let command: CommandId = id.parse().map_err(|_| unknown())?;
    answered(app.router.command_by_id(command))
        .await?
        .filter(|command| command.station.tenant() == caller.tenant)
        .ok_or_else(unknown)
}

/// Sends a command and waits for what the station answers; a CALLERROR is a refusal.
pub(super) async fn ask_station(
    app: &SharedApp,
    caller: &Principal,
    station: &StationKey,
    action: &str,
    payload: String,
) -> Result<Command, ApiError> {
    let question = app.router.command(dataplane::CommandRequest {
        station: station.clone(),
        action: action.to_owned(),
        payload,
        principal: caller.name.clone(),
        wait: Some(WAIT),
        answer_timeout: None,
    });
    let command = answered_within(WAIT, question)
        .await?
        .map_err(|refused| refuse(refused, station.identity()))?;
    let command = answer_of(convert::command(command))?;
    match command.error {
        Some(_) => Err(ApiError::Rejected(Box::new(command))),
        None => Ok(command),
    }
}

/// A command that was answered, if the station has agreed to it as `agrees` reads its answer.
pub(super) fn agreed(
    command: Command,
    agrees: impl Fn(&Value) -> bool,
) -> Result<Command, ApiError> {
    if command.result.as_deref().is_some_and(agrees) {
        Ok(command)
    } else {
        Err(ApiError::Rejected(Box::new(command)))
    }
}

/// What most actions agree by.
pub(super) fn says_accepted(result: &Value) -> bool {
    result["status"] == "Accepted"
}

/// The answer to a request that waited.
fn settled(command: Command) -> Result<Response, ApiError> {
    answer_of(command).map(|command| Json(command).into_response())
}

/// A command that waited for its answer and has one.
pub(super) fn answer_of(command: Command) -> Result<Command, ApiError> {
    match command.state {
        CommandState::Answered => Ok(command),
        CommandState::Queued | CommandState::Sent | CommandState::Timeout => {
            Err(ApiError::Timeout(Box::new(command)))
        }
        CommandState::Offline => Err(ApiError::Offline(Box::new(command))),
        CommandState::QueueFull => Err(ApiError::QueueFull(Box::new(command))),
        CommandState::Unknown => Err(ApiError::Disconnected(Box::new(command))),
    }
}

/// 202 with the command.
pub(super) fn accepted(command: Command) -> Response {
    let location = format!("/api/v1/commands/{}", command.id);
    (StatusCode::ACCEPTED, [(LOCATION, location)], Json(command)).into_response()
}

/// Why the station `id` got no command.
pub(super) fn refuse(refused: CommandRefused, id: &str) -> ApiError {
    match refused {
        CommandRefused::UnknownStation => ApiError::not_found("device", id),
        CommandRefused::Invalid(detail) => ApiError::InvalidCommand(detail),
        other => ApiError::Unavailable(other.to_string()),
    }
}
