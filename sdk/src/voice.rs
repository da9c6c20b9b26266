//! Talking with EVA, the assistant.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What somebody said.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VoiceRequest {
    /// In Brazilian Portuguese, at most 500 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 500, example = "EVA, iniciar carregamento no posto 5")]
    pub text: Option<String>,
    /// The conversation it belongs to; without it one begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 64)]
    pub session_id: Option<String>,
    /// Where the speaker is, degrees north.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lat: Option<f64>,
    /// Where the speaker is, degrees east.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lng: Option<f64>,
    /// Recorded speech, base64. Without `text` it is answered that speech recognition is not configured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audio: Option<String>,
}

/// What EVA answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct VoiceReply {
    /// In Brazilian Portuguese.
    pub text: String,
    /// Always `null`: speech output is not configured.
    pub audio: Option<String>,
    /// `check_status`, `start_charge`, `stop_charge`, `check_cost`, `report_issue` or `unknown`.
    pub intent: String,
    /// How sure EVA is of the intent, 0 to 1.
    pub confidence: f64,
    /// What was done or found, or what is to be confirmed; `null` when nothing was.
    #[schema(value_type = Option<Object>)]
    pub action_result: Option<serde_json::Value>,
    /// Send it with the next sentence of this conversation.
    pub session_id: String,
}
