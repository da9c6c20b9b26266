//! Where a list goes on: an opaque text that carries the last item's key.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::ApiError;

/// Longest cursor that is looked at.
const LEN_MAX: usize = 1_024;

pub(crate) fn encode(key: &impl Serialize) -> String {
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(key).expect("keys are strings and integers"))
}

/// The key in a cursor of a request; it is the caller's own word, so it is checked like any other input.
pub(crate) fn decode<K: DeserializeOwned>(cursor: Option<&str>) -> Result<Option<K>, ApiError> {
    let Some(cursor) = cursor else {
        return Ok(None);
    };
    let key = (cursor.len() <= LEN_MAX)
        .then(|| URL_SAFE_NO_PAD.decode(cursor).ok())
        .flatten()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .ok_or_else(invalid)?;
    Ok(Some(key))
}

pub(crate) fn invalid() -> ApiError {
    ApiError::BadParameter("cursor is none that a list returned".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_as_it_went() {
        let key = ("2026-11-22T10:41:49.123Z".to_owned(), 7_u64);
        assert_eq!(decode(Some(&encode(&key))).ok(), Some(Some(key)));
        assert_eq!(decode::<String>(None).ok(), Some(None));
        for invalid in ["", "%%", "bm90IGpzb24", &"A".repeat(2_000)] {
            assert!(decode::<String>(Some(invalid)).is_err(), "{invalid}");
        }
    }
}
