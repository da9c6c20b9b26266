//! VAT numbers (2.1 VatNumberValidation), which somebody else knows about.
//!
//! The provider is asked by POST of a JSON object: `tenant`, `station`, `vat_number` and, where the station names one,
//! `evse_id`. It answers with `valid` (a boolean), and may add `company` (`AddressType`) and `reason` (a text). What it
//! says is remembered, a yes for longer than a no; that it did not answer is not.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use fleet::{StationKey, UtcMicros};
use serde_json::{Value, json};

use super::config::{HttpConfig, ServicesError};
use super::http::{HttpError, Server};

/// Longest answer, bytes: an address has at most 440 characters.
const ANSWER_LEN_MAX: u64 = 16 << 10;
/// Answers that are remembered; all are forgotten when there are more.
const KNOWN_MAX: usize = 10_000;
const VALID_MICROS: i64 = 24 * 3_600_000_000;
const INVALID_MICROS: i64 = 3_600_000_000;

#[derive(Debug, thiserror::Error)]
pub(super) enum VatError {
    #[error(transparent)]
    Http(#[from] HttpError),
    #[error("the answer is no JSON object with a boolean `valid`")]
    Answer,
}

/// What a station asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct VatAsk {
    pub(crate) station: StationKey,
    pub(crate) vat_number: String,
    pub(crate) evse_id: Option<u32>,
}

/// What the provider says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct VatFound {
    pub(crate) is_valid: bool,
    /// `AddressType` as it came, unchecked.
    pub(crate) company: Option<String>,
    pub(crate) reason: String,
}

/// A tenant's number, as it was written.
type Number = (String, String);

#[derive(Debug)]
pub(super) struct Provider {
    server: Server,
    known: Mutex<HashMap<Number, (UtcMicros, VatFound)>>,
}

impl Provider {
    pub(super) fn new(config: &HttpConfig) -> Result<Self, ServicesError> {
        Ok(Self {
            server: Server::new(config)?,
            known: Mutex::default(),
        })
    }

    pub(super) fn ask(&self, ask: &VatAsk, now: UtcMicros) -> Result<VatFound, VatError> {
        let number = (ask.station.tenant().to_owned(), ask.vat_number.clone());
        if let Some((until, found)) = self.known().get(&number)
            && now < *until
        {
            return Ok(found.clone());
        }
        let mut body = json!({
            "tenant": ask.station.tenant(),
            "station": ask.station.identity(),
            "vat_number": ask.vat_number,
        });
        if let Some(evse_id) = ask.evse_id {
            body["evse_id"] = evse_id.into();
        }
        let headers = [
            ("Content-Type", "application/json"),
            ("Accept", "application/json"),
        ];
        let body = body.to_string();
        let answer = self.server.ask(&headers, body.as_bytes(), ANSWER_LEN_MAX)?;
        let found = read(&answer).ok_or(VatError::Answer)?;
        let kept = match found.is_valid {
            true => VALID_MICROS,
            false => INVALID_MICROS,
        };
        let mut known = self.known();
        if KNOWN_MAX <= known.len() {
            known.clear();
        }
        known.insert(number, (UtcMicros(now.0 + kept), found.clone()));
        Ok(found)
    }

    fn known(&self) -> MutexGuard<'_, HashMap<Number, (UtcMicros, VatFound)>> {
        // A panic elsewhere leaves whole answers behind.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read(answer: &str) -> Option<VatFound> {
    let answer: Value = serde_json::from_str(answer).ok()?;
    let company = answer.get("company").filter(|company| !company.is_null());
    let reason = answer.get("reason").and_then(Value::as_str);
    Some(VatFound {
        is_valid: answer.get("valid")?.as_bool()?,
        company: company.map(Value::to_string),
        reason: reason.unwrap_or_default().to_owned(),
    })
}
