//! Commands to stations, and the frames that went over their sockets.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::AsWritten;

/// A command to send, in the words of the station's own OCPP version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CommandRequest {
    /// OCPP action.
    #[schema(example = "Reset")]
    pub action: String,
    /// Its payload. It goes to the station with its members in that order: one that is to be kept is made of a text
    /// ([`AsWritten::new`]), since a [`serde_json::Value`] has lost it.
    #[serde(default = "empty_object")]
    #[schema(value_type = Object, example = json!({"type": "Soft"}))]
    pub payload: AsWritten,
    /// Seconds that the station has for its answer, 1 to 600, from the moment the command is sent, or each part of one that goes
    /// out in several; without it those of `ocpp.answer_timeout`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 600, example = 60)]
    pub answer_timeout: Option<u32>,
}

fn empty_object() -> AsWritten {
    AsWritten::new("{}")
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
    /// As sent, with its members in that order, secrets masked.
    #[schema(value_type = Object)]
    pub payload: AsWritten,
    /// Where it stands.
    pub state: CommandState,
    /// Seconds that the station has for its answer, from the moment the command is sent; `null` once it has ended.
    #[serde(default)]
    #[schema(value_type = Option<f64>, example = 60)]
    pub answer_timeout: Option<serde_json::Number>,
    /// The station's own answer, secrets masked; `null` until there is one.
    #[schema(value_type = Option<Object>)]
    pub result: Option<AsWritten>,
    /// The CALLERROR, where the station answered with one; `Timeout` where it did not answer.
    pub error: Option<CommandError>,
    /// Why the station is likely to refuse it, although its schema allows it: it was sent as it was written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// Who asked for it.
    pub created_by: String,
    /// When it was asked for.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// What the station sent after its answer: the parts of a report, the statuses of an upload or an update. The newest
    /// 64, oldest first. Asking for the command shows them; the answer to sending it does not wait for them.
    #[serde(default)]
    pub follow_ups: Vec<FollowUp>,
    /// How many there were in all.
    #[serde(default)]
    pub follow_ups_count: u32,
    /// `seqNo` of parts that are missing before the newest one; the first 64.
    #[serde(default)]
    pub missing_parts: Vec<u32>,
    /// Parts that came again, and had no further effect.
    #[serde(default)]
    pub duplicate_parts: u32,
    /// True when nothing more is to come: every part has, or a final status, or the station refused, or a newer command
    /// took its place; `null` for an action that nothing comes after.
    #[serde(default)]
    pub complete: Option<bool>,
    /// Where what comes after it stands, or how that ended; `null` for an action that nothing comes after.
    #[serde(default)]
    pub course_state: Option<CourseState>,
    /// Files that the station sent for it, to URLs of this server; asking for the command shows them.
    #[serde(default)]
    pub files: Vec<crate::File>,
}

/// A message that a station sent after a command.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FollowUp {
    /// OCPP action.
    #[schema(example = "LogStatusNotification")]
    pub action: String,
    /// When it came.
    #[schema(format = DateTime)]
    pub received_at: String,
    /// What of it is no list and no person's data, and how long its list is; the whole frame is among the station's
    /// messages.
    #[schema(value_type = Object, example = json!({"requestId": 7, "status": "Uploading"}))]
    pub summary: serde_json::Value,
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

/// Where what comes after a command stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CourseState {
    /// More may come.
    Running,
    /// Every part came, or the status of a good end.
    Done,
    /// The station said that it failed.
    Failed,
    /// The station refused the command.
    Refused,
    /// The station has nothing to send.
    Empty,
    /// A newer command has what the station says from then on: a station of 1.6 numbers nothing.
    Replaced,
    /// The station gave it up for a newer command.
    Canceled,
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
    /// `null` for a frame that could not be read.
    #[serde(rename = "type")]
    pub kind: Option<MessageType>,
    /// OCPP-J message id.
    pub message_id: Option<String>,
    /// Of an answer, the action it answers.
    pub action: Option<String>,
    /// The frame.
    pub raw: String,
}

/// What a frame is in OCPP-J.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum MessageType {
    /// A request.
    Call,
    /// Its answer.
    CallResult,
    /// Its refusal.
    CallError,
    /// The refusal of an answer (2.1).
    CallResultError,
    /// What wants no answer (2.1).
    Send,
}

impl MessageType {
    /// The name in JSON and in the table `ocpp_messages`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Call => "CALL",
            Self::CallResult => "CALLRESULT",
            Self::CallError => "CALLERROR",
            Self::CallResultError => "CALLRESULTERROR",
            Self::Send => "SEND",
        }
    }

    /// The type of this exact name.
    pub fn from_name(name: &str) -> Option<Self> {
        let all = [
            Self::Call,
            Self::CallResult,
            Self::CallError,
            Self::CallResultError,
            Self::Send,
        ];
        all.into_iter().find(|kind| kind.as_str() == name)
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_goes_to_the_server_as_it_is_written() {
        let payload = r#"{"type":"OnIdle","evseId":1,"a":{"z":0,"b":[1.50]}}"#;
        let request = CommandRequest {
            action: "Reset".to_owned(),
            payload: AsWritten::new(payload),
            answer_timeout: None,
        };
        let body = serde_json::to_string(&request).unwrap();
        assert_eq!(body, format!(r#"{{"action":"Reset","payload":{payload}}}"#));
        let read: CommandRequest = serde_json::from_str(&body).unwrap();
        assert_eq!(read.payload.to_string(), payload);
        let none: CommandRequest = serde_json::from_str(r#"{"action":"ClearCache"}"#).unwrap();
        assert_eq!(none.payload.to_string(), "{}");
    }
}
