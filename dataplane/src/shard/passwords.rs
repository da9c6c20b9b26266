//! Passwords that a station is given by command.
//!
//! A station that accepts one is known by it alone from then on, and one that does not by the one it had (OCPP 2.0.1 Part
//! 2, A01; 1.6 security whitepaper, A01). The password itself goes by in the command; what is kept is its salted digest, as of any other.

use ocpp::{Call, MeterColumns, Policy, Word, v16, v201};

use super::commands::status_of;
use super::stations::Station;
use super::{Now, Shard};
use crate::Password;
use crate::admission::shows;
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
        // Commands with one that nobody could come in with are refused before they are sent.
        let Some(Ok(password)) =
            wanted(&call.action, &call.payload).map(|text| Password::new(&text))
        else {
            return;
        };
        match taken(&call.action, answer) {
            Taken::No => return,
            Taken::Unsure => return self.doubt_password(station, call),
            Taken::Yes => {}
        }
        let patch = StationPatch {
            password: Some(Some(password)),
            ..StationPatch::default()
        };
        // One that waits goes on waiting: it had no say in whether it is let in.
        let acceptance = self.stations[station].state.acceptance;
        self.configure(now, station, patch, acceptance, principal);
    }
}

impl Shard {
    /// A station was given a password, and nobody knows whether it has it: it did not answer, or takes it when it boots. It
    /// may come in with the one that it had, or with this. Only memory has it: after a restart of the server it counts no more.
    pub(super) fn doubt_password(&mut self, station: u32, call: &Call) {
        if let Some(Ok(password)) =
            wanted(&call.action, &call.payload).map(|text| Password::new(&text))
        {
            self.stations[station].side_mut().password_in_doubt = Some(password);
        }
    }

    /// A station comes: one that shows the password in doubt has it, and has no other any more.
    pub(super) fn settle_password(&mut self, now: Now, station: u32, authorization: Option<&[u8]>) {
        let Station { state, side, .. } = &self.stations[station];
        let doubted = side.as_ref().and_then(|side| side.password_in_doubt);
        let Some(password) =
            doubted.filter(|password| shows(state.key.identity(), password, authorization))
        else {
            return;
        };
        let acceptance = state.acceptance;
        let patch = StationPatch {
            password: Some(Some(password)),
            ..StationPatch::default()
        };
        self.configure(now, station, patch, acceptance, "sigec");
    }
}

/// Why a command must not be sent: it gives a station a password that it could not come in with.
pub(super) fn check_password(action: &str, payload: &str) -> Result<(), String> {
    match wanted(action, payload).map(|text| Password::new(&text)) {
        Some(Err(error)) if action == KEY_ACTION => Err(format!("{KEY}: {error}")),
        Some(Err(error)) => Err(format!("BasicAuthPassword: {error}")),
        Some(Ok(_)) | None => Ok(()),
    }
}

/// How 1.6 sets a password, and what it calls it.
const KEY_ACTION: &str = "ChangeConfiguration";
const KEY: &str = "AuthorizationKey";

/// The password that a command sets, if it is one that does.
fn wanted(action: &str, payload: &str) -> Option<String> {
    let mut columns = MeterColumns::new();
    match action {
        "SetVariables" => {
            let decoded =
                v201::Command::decode(action, payload, Policy::Tolerant, &mut columns).ok()?;
            let v201::Command::SetVariables(set) = decoded.message else {
                return None;
            };
            let mut variables = set.set_variable_data.iter();
            variables
                .find(|data| is_password(&data.component, &data.variable, data.attribute_type))
                .map(|data| data.attribute_value.to_string())
        }
        KEY_ACTION => {
            let decoded =
                v16::Command::decode(action, payload, Policy::Tolerant, &mut columns).ok()?;
            let v16::Command::ChangeConfiguration(change) = decoded.message else {
                return None;
            };
            let is_key = change.key.eq_ignore_ascii_case(KEY);
            is_key.then(|| change.value.to_string())
        }
        _ => None,
    }
}

/// Whether a station has the password that it was given.
enum Taken {
    Yes,
    /// From its next boot on, or it did not say.
    Unsure,
    No,
}

/// What the answer to such a command says of the password itself: other variables of the call have results of their own.
fn taken(action: &str, answer: &str) -> Taken {
    let taken = |status: &str| match status {
        "Accepted" => Taken::Yes,
        "RebootRequired" => Taken::Unsure,
        _ => Taken::No,
    };
    if action == KEY_ACTION {
        let status = status_of(answer);
        return status.map_or(Taken::Unsure, |status| taken(&status));
    }
    let mut columns = MeterColumns::new();
    let decoded =
        v201::CommandResponse::decode("SetVariables", answer, Policy::Tolerant, &mut columns);
    let Ok(v201::CommandResponse::SetVariables(set)) = decoded.map(|decoded| decoded.message)
    else {
        return Taken::Unsure;
    };
    let mut results = set.set_variable_result.iter();
    let own = results
        .find(|result| is_password(&result.component, &result.variable, result.attribute_type));
    own.map_or(Taken::Unsure, |result| {
        taken(result.attribute_status.as_str())
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
