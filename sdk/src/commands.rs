//! Commands to stations, and the frames that went over their sockets.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A command to send, in the words of the station's own OCPP version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CommandRequest {
    /// OCPP action.
    #[schema(example = "Reset")]
    pub action: String,
    /// Its payload.
    #[serde(default = "empty_object")]
    #[schema(value_type = Object, example = json!({"type": "Soft"}))]
    pub payload: serde_json::Value,
}

fn empty_object() -> serde_json::Value {
    serde_json::Value::Object(serde_json::Map::new())
}

/// A command and what became of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Command {
    /// UUIDv7.
    pub id: String,
    /// The station.
    pub device_id: String,
    /// OCPP action.
    pub action: String,
    /// As sent, secrets masked.
    #[schema(value_type = Object)]
    pub payload: serde_json::Value,
    /// Where it stands.
    pub state: CommandState,
    /// The station's own answer, secrets masked; `null` until there is one.
    #[schema(value_type = Option<Object>)]
    pub result: Option<serde_json::Value>,
    /// The CALLERROR, where the station answered with one.
    pub error: Option<CommandError>,
    /// Who asked for it.
    pub created_by: String,
    /// When it was asked for.
    #[schema(format = DateTime)]
    pub created_at: String,
}

/// Where a command stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CommandState {
    /// Durable, not yet on the socket.
    Queued,
    /// On the socket, unanswered.
    Sent,
    /// The station answered: `result` or `error`. A `Rejected` is an answer too.
    Answered,
    /// No answer within its deadline.
    Timeout,
    /// The station was not connected; nothing was sent.
    Offline,
    /// The station's queue of commands was full; nothing was sent.
    QueueFull,
    /// A crash or a disconnect caught it without an answer; it is never resent.
    Unknown,
}

/// A station's CALLERROR.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CommandError {
    /// `NotSupported`, `InternalError`, …
    pub code: String,
    /// In the station's words.
    pub description: String,
}

/// One frame as it went over a station's socket, secrets masked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Message {
    /// When it came or went.
    #[schema(format = DateTime)]
    pub received_at: String,
    /// Who sent it.
    pub direction: MessageDirection,
    /// `CALL`, `CALLRESULT` or `CALLERROR`; `null` for a frame that could not be read.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// OCPP-J message id.
    pub message_id: Option<String>,
    /// Of an answer, the action it answers.
    pub action: Option<String>,
    /// The frame.
    pub raw: String,
}

/// Who sent a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MessageDirection {
    /// The station.
    FromStation,
    /// The server.
    ToStation,
}

impl MessageDirection {
    /// The name in JSON and in the table `ocpp_messages`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FromStation => "from_station",
            Self::ToStation => "to_station",
        }
    }
}
