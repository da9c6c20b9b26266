//! Contract certificates of vehicles (ISO 15118), which somebody else issues and judges.
//!
//! The provider is asked by POST of a JSON object: `station`, `tenant`, `version` (of OCPP), `action` and `payload`, the
//! last two as the station sent them. It answers with the payload that the station is to be answered with; of
//! Authorize only `certificateStatus` is taken.

use fleet::StationKey;
use serde_json::json;
use serde_json::value::RawValue;

use super::http::{HttpError, Server};

/// Longest answer, bytes: `exiResponse` of 2.1 has 17,000 characters.
const ANSWER_LEN_MAX: u64 = 64 << 10;

#[derive(Debug, thiserror::Error)]
pub(super) enum ContractError {
    #[error(transparent)]
    Http(#[from] HttpError),
    #[error("the station's payload is no JSON")]
    Payload,
}

/// What a station asks of the provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ContractAsk {
    pub(crate) station: StationKey,
    pub(crate) version: &'static str,
    pub(crate) action: &'static str,
    /// A JSON object.
    pub(crate) payload: String,
}

pub(super) fn ask(server: &Server, ask: &ContractAsk) -> Result<String, ContractError> {
    let payload: &RawValue =
        serde_json::from_str(&ask.payload).map_err(|_| ContractError::Payload)?;
    let body = json!({
        "tenant": ask.station.tenant(),
        "station": ask.station.identity(),
        "version": ask.version,
        "action": ask.action,
        "payload": payload,
    });
    let headers = [
        ("Content-Type", "application/json"),
        ("Accept", "application/json"),
    ];
    Ok(server.ask(&headers, body.to_string().as_bytes(), ANSWER_LEN_MAX)?)
}
