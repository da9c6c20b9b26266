//! Passwords that a station of 2.0.1 is given by command.
//!
//! A station that accepts one is known by it alone from then on, and one that does not by the one it had (OCPP 2.0.1 Part
//! 2, A01). The password itself goes by in the command; what is kept is its salted digest, as of any other.

use ocpp::{Call, MeterColumns, Policy, v201};

use super::{Now, Shard};
use crate::Password;
use crate::router::StationPatch;

impl Shard {
    /// A station has answered `call`, which `principal` made, with `answer`: its password may be another one now.
    pub(super) fn note_password(
        &mut self,
        now: Now,
        station: u32,
        call: &Call,
        answer: &str,
        principal: &str,
    ) {
        if call.action != "SetVariables" || !is_taken(answer) {
            return;
        }
        // Commands with one that nobody could come in with are refused before they are sent.
        let Some(Ok(password)) = wanted(&call.payload).map(|text| Password::new(&text)) else {
            return;
        };
        let patch = StationPatch {
            password: Some(Some(password)),
            ..StationPatch::default()
        };
        self.configure(now, station, patch, None, principal);
    }
}

/// Why a command must not be sent: it gives a station a password that it could not come in with.
pub(super) fn check_password(action: &str, payload: &str) -> Result<(), String> {
    if action != "SetVariables" {
        return Ok(());
    }
    match wanted(payload).map(|text| Password::new(&text)) {
        Some(Err(error)) => Err(format!("BasicAuthPassword: {error}")),
        Some(Ok(_)) | None => Ok(()),
    }
}

/// The password that a SetVariables sets.
fn wanted(payload: &str) -> Option<String> {
    let mut columns = MeterColumns::new();
    let decoded =
        v201::Command::decode("SetVariables", payload, Policy::Tolerant, &mut columns).ok()?;
    let v201::Command::SetVariables(set) = decoded.message else {
        return None;
    };
    let mut variables = set.set_variable_data.iter();
    variables
        .find(|data| is_password(&data.component, &data.variable, data.attribute_type))
        .map(|data| data.attribute_value.to_string())
}

/// Whether the answer to a SetVariables says that the password was taken.
fn is_taken(answer: &str) -> bool {
    let mut columns = MeterColumns::new();
    let decoded =
        v201::CommandResponse::decode("SetVariables", answer, Policy::Tolerant, &mut columns);
    let Ok(v201::CommandResponse::SetVariables(set)) = decoded.map(|decoded| decoded.message)
    else {
        return false;
    };
    set.set_variable_result.iter().any(|result| {
        result.attribute_status == v201::SetVariableStatus::Accepted
            && is_password(&result.component, &result.variable, result.attribute_type)
    })
}

fn is_password(
    component: &v201::Component<'_>,
    variable: &v201::Variable<'_>,
    attribute: Option<v201::AttributeType>,
) -> bool {
    component.name.eq_ignore_ascii_case("SecurityCtrlr")
        && variable.name.eq_ignore_ascii_case("BasicAuthPassword")
        && attribute.is_none_or(|attribute| attribute == v201::AttributeType::Actual)
}
