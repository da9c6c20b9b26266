//! Reservations, and tokens that are named for a station.

use dataplane::{NamedToken, ReservationView};
use fleet::{StationKey, record};
use sdk::{FieldProblem, IdToken};

use crate::error::ApiError;
use crate::routes::check_text;

/// Longest id of a token: `identifierString[255]` of 2.1. What a version takes less of is refused by its own schema.
const ID_CHARS_MAX: usize = 255;
/// Longest type: `string[50]`, of additional info.
const TYPE_CHARS_MAX: usize = 50;
const ADDITIONAL_LEN_MAX: usize = 16;

pub(crate) fn reservation(station: &StationKey, view: ReservationView) -> sdk::Reservation {
    let hex = |reference: [u8; 16]| format!("{:032x}", u128::from_be_bytes(reference));
    sdk::Reservation {
        id: view.id,
        device_id: station.identity().to_owned(),
        state: reservation_state(view.state),
        connector_id: (view.evse_id != 0).then_some(view.evse_id),
        connector_type: super::some(view.connector_type),
        token_ref: hex(view.token_ref),
        group_ref: view.group_ref.map(hex),
        expires_at: view.expires_at.to_string(),
        requested_at: view.requested_at.to_string(),
        changed_at: view.changed_at.to_string(),
        transaction_id: view.transaction.map(|id| id.to_string()),
        created_by: view.principal,
    }
}

pub(crate) fn reservation_state(state: record::ReservationState) -> sdk::ReservationState {
    match state {
        record::ReservationState::Requested => sdk::ReservationState::Requested,
        record::ReservationState::Active => sdk::ReservationState::Active,
        record::ReservationState::Refused => sdk::ReservationState::Refused,
        record::ReservationState::Unknown => sdk::ReservationState::Unknown,
        record::ReservationState::Used => sdk::ReservationState::Used,
        record::ReservationState::Expired => sdk::ReservationState::Expired,
        record::ReservationState::Removed => sdk::ReservationState::Removed,
        record::ReservationState::Cancelled => sdk::ReservationState::Cancelled,
        record::ReservationState::NoTransaction => sdk::ReservationState::NoTransaction,
    }
}

/// A token as a station is told it; members stand under `/id_token` and `/group_id_token`.
pub(crate) fn named_token(token: IdToken, group: Option<String>) -> Result<NamedToken, ApiError> {
    let mut problems = Vec::new();
    let mut check = |pointer: String, text: &str, chars_max: usize| {
        let problem = match text {
            "" => Err("empty".to_owned()),
            text => check_text(text, chars_max),
        };
        if let Err(detail) = problem {
            problems.push(FieldProblem { pointer, detail });
        }
    };
    check("/id_token/id_token".into(), &token.id_token, ID_CHARS_MAX);
    if let Some(kind) = &token.kind {
        check("/id_token/type".into(), kind, TYPE_CHARS_MAX);
    }
    for (at, info) in token.additional_info.iter().enumerate() {
        let base = format!("/id_token/additional_info/{at}");
        let (id, kind) = (&info.additional_id_token, &info.kind);
        check(format!("{base}/additional_id_token"), id, ID_CHARS_MAX);
        check(format!("{base}/type"), kind, TYPE_CHARS_MAX);
    }
    if let Some(group) = &group {
        check("/group_id_token".into(), group, ID_CHARS_MAX);
    }
    let len = token.additional_info.len();
    if ADDITIONAL_LEN_MAX < len {
        problems.push(FieldProblem {
            pointer: "/id_token/additional_info".into(),
            detail: format!("{len} items, expected at most {ADDITIONAL_LEN_MAX}"),
        });
    }
    if !problems.is_empty() {
        return Err(ApiError::Invalid(problems));
    }
    let additional_info = token.additional_info.into_iter();
    Ok(NamedToken {
        id: token.id_token,
        kind: token.kind,
        additional_info: additional_info
            .map(|info| (info.additional_id_token, info.kind))
            .collect(),
        group,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_called_alike_everywhere() {
        for state in record::ReservationState::ALL {
            let shown = reservation_state(*state);
            assert_eq!(shown.as_str(), state.as_str());
            assert_eq!(serde_json::to_value(shown).unwrap(), state.as_str());
        }
    }

    #[test]
    fn everything_that_is_wrong_with_a_token_is_named() {
        let token = serde_json::json!({
            "id_token": "", "type": "x".repeat(51),
            "additional_info": [{"additional_id_token": "a", "type": ""}],
        });
        let token = serde_json::from_value(token).unwrap();
        let found = named_token(token, Some(String::new())).unwrap_err();
        assert_eq!(
            found.to_string(),
            "/id_token/id_token: empty; /id_token/type: 51 characters, at most 50 are allowed; \
             /id_token/additional_info/0/type: empty; /group_id_token: empty"
        );
    }
}
