//! Passwords that a station is given by command.
//!
//! A station that accepts one is known by it alone from then on, and one that does not by the one it had (OCPP 2.0.1 Part
//! 2, A01; 1.6 security whitepaper, A01). The password itself goes by in the command; what is kept is its salted digest, as of any other.

use fleet::StationKey;
use fleet::record::{PasswordInDoubt, PasswordsInDoubt};
use ocpp::{MeterColumns, Policy, Word, v16, v201};

use super::commands::status_of;
use super::{Now, Shard, StoreUnreadable};
use crate::admission::shows;
use crate::password::{KEY_CHARS_MAX, PASSWORD_CHARS_MAX, check_length};
use crate::router::StationPatch;
use crate::{CommandId, Password};

/// Passwords that a station may have; of more, the oldest counts no more.
const DOUBTS_MAX: usize = 4;

impl Shard {
    /// A command is about to be made. From its first record on nobody knows whether the station has a password that it
    /// carries: the answer may be lost, with the connection or with this server. The station may come in with the one that it
    /// had, or with this.
    pub(super) fn doubt_password(
        &mut self,
        now: Now,
        station: u32,
        command: CommandId,
        action: &str,
        payload: &str,
    ) {
        // Commands with one that nobody could come in with are refused before they are made.
        let Some(Ok(password)) = wanted(action, payload).map(|text| Password::new(&text)) else {
            return;
        };
        let Password { salt, mac } = password;
        let (command_id, at) = (command.0, now.utc.0);
        let doubt = PasswordInDoubt {
            command_id,
            salt,
            mac,
            at,
        };
        let doubted = self.change_grid(
            now,
            station,
            action,
            Some(command),
            |kept: &mut PasswordsInDoubt| {
                if kept.passwords.len() == DOUBTS_MAX {
                    kept.passwords.remove(0);
                }
                kept.passwords.push(doubt.clone());
            },
        );
        if let Err(StoreUnreadable) = doubted {
            // Older ones are of commands that this one was to make good for.
            let only = PasswordsInDoubt {
                cause: action.to_owned(),
                command_id: Some(command_id),
                passwords: vec![doubt],
            };
            self.record(now, station, &only);
        }
    }

    /// A command was refused, or never went out: its station has no password of it.
    pub(super) fn drop_doubt(
        &mut self,
        now: Now,
        station: u32,
        command: CommandId,
        action: &str,
        payload: &str,
    ) {
        if wanted(action, payload).is_none() {
            return;
        }
        let dropped = self.change_grid(
            now,
            station,
            action,
            Some(command),
            |kept: &mut PasswordsInDoubt| {
                kept.passwords.retain(|doubt| doubt.command_id != command.0);
            },
        );
        if let Err(StoreUnreadable) = dropped {
            // The failed read was counted. The password stays good for a station that its operator meant to have it.
        }
    }

    /// A station has answered a command that `principal` made: its password may be another one now.
    pub(super) fn note_password(
        &mut self,
        now: Now,
        station: u32,
        command: CommandId,
        (action, payload): (&str, &str),
        answer: &str,
        principal: &str,
    ) {
        let Some(Ok(password)) = wanted(action, payload).map(|text| Password::new(&text)) else {
            return;
        };
        match taken(action, answer) {
            Taken::Yes => {
                let patch = StationPatch {
                    password: Some(Some(password)),
                    ..StationPatch::default()
                };
                // One that waits goes on waiting: it had no say in whether it is let in.
                let acceptance = self.stations[station].state.acceptance;
                self.configure(now, station, patch, acceptance, principal);
            }
            Taken::No => self.drop_doubt(now, station, command, action, payload),
            Taken::Unsure => {}
        }
    }

    /// A station comes with credentials that are not those known of it: one that shows a password in doubt has it, and has no
    /// other any more. `false` for any other.
    pub(super) fn settle_password(
        &mut self,
        now: Now,
        key: &StationKey,
        authorization: Option<&[u8]>,
    ) -> bool {
        // What cannot be read lets nobody in; the failed read was counted, and stations try again.
        let doubts: PasswordsInDoubt = self.grid_of(key.as_str()).unwrap_or_default();
        let Some(station) = self.stations.find(key) else {
            return false;
        };
        let passwords = doubts.passwords.into_iter();
        let mut passwords =
            passwords.map(|PasswordInDoubt { salt, mac, .. }| Password { salt, mac });
        let Some(password) =
            passwords.find(|password| shows(key.identity(), password, authorization))
        else {
            return false;
        };
        let acceptance = self.stations[station].state.acceptance;
        let patch = StationPatch {
            password: Some(Some(password)),
            ..StationPatch::default()
        };
        self.configure(now, station, patch, acceptance, "sigec");
        true
    }

    /// The password of a station is known again, or the station is forgotten: it comes in with no other.
    pub(super) fn settle_doubts(&mut self, now: Now, station: u32) {
        let settled = self.change_grid(now, station, "", None, |kept: &mut PasswordsInDoubt| {
            kept.passwords.clear();
        });
        if let Err(StoreUnreadable) = settled {
            // Nobody can tell whether there are any, and whoever knows one is to come in no more.
            self.record(now, station, &PasswordsInDoubt::default());
        }
    }
}

/// Why a command must not be sent: it gives a station a password that it could not come in with.
pub(super) fn check_password(action: &str, payload: &str) -> Result<(), String> {
    let Some(text) = wanted(action, payload) else {
        return Ok(());
    };
    let (name, max) = match action {
        KEY_ACTION => (KEY, KEY_CHARS_MAX),
        _ => ("BasicAuthPassword", PASSWORD_CHARS_MAX),
    };
    check_length(&text, max).map_err(|error| format!("{name}: {error}"))
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A00.FR.205 by the errata of 2025-01, and what 1.6 has room for.
    #[test]
    fn a_password_may_be_as_long_as_its_version_has_room_for() {
        let key = |chars: usize| {
            let text = "k".repeat(chars);
            check_password(
                "ChangeConfiguration",
                &format!(r#"{{"key":"AuthorizationKey","value":"{text}"}}"#),
            )
        };
        let variable = |chars: usize| {
            let text = "k".repeat(chars);
            check_password(
                "SetVariables",
                &format!(
                    r#"{{"setVariableData":[{{"attributeValue":"{text}","component":{{"name":"SecurityCtrlr"}},"variable":{{"name":"BasicAuthPassword"}}}}]}}"#
                ),
            )
        };
        let allowed = |check: &dyn Fn(usize) -> Result<(), String>| {
            [15, 16, 40, 41, 64, 65].map(|chars| check(chars).is_ok())
        };
        assert_eq!(allowed(&key), [false, true, true, false, false, false]);
        assert_eq!(allowed(&variable), [false, true, true, true, true, false]);
    }
}
