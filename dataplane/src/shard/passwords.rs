//! Passwords that a station is given by command.
//!
//! A station that accepts one is known by it alone from then on, and one that does not by the one it had (OCPP 2.0.1 Part
//! 2, A01; 1.6 security whitepaper, A01). One that stands in a network profile is shown once the station connects by that
//! profile, and is its password from then on (2.1 Part 2, B09.FR.28); until then nobody knows. What stands at other places stays
//! good, for a station may fall back to any of its profiles (B10). The password itself goes by in the command; what is kept is its
//! salted digest, as of any other.

mod places;

use fleet::StationKey;
use fleet::record::{StationPassword, StationPasswords};
use ocpp::{MeterColumns, Policy, Rules, Word, v16, v21, v201};

use super::commands::status_of;
use super::{Now, Shard, StoreUnreadable};
use crate::admission::shows;
use crate::password::{KEY_CHARS_MAX, PASSWORD_CHARS_MAX, check_length};
use crate::router::StationPatch;
use crate::{CommandId, Password};

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
        let given = wanted(action, payload).into_iter();
        let given: Vec<StationPassword> = given
            .filter_map(|Given { place, text }| {
                let Password { salt, mac } = Password::new(&text).ok()?;
                Some(StationPassword {
                    slot: place.slot().map(str::to_owned),
                    command_id: Some(command.0),
                    salt,
                    mac,
                    at: now.utc.0,
                })
            })
            .collect();
        if given.is_empty() {
            return;
        }
        let doubted = self.change_grid(
            now,
            station,
            action,
            Some(command),
            |kept: &mut StationPasswords| places::give(kept, &given),
        );
        if let Err(StoreUnreadable) = doubted {
            // Older ones are of commands that this one was to make good for.
            let only = StationPasswords {
                cause: action.to_owned(),
                command_id: Some(command.0),
                known_slot: None,
                passwords: given,
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
        if wanted(action, payload).is_empty() {
            return;
        }
        let own = Some(command.0);
        let dropped = self.change_grid(
            now,
            station,
            action,
            Some(command),
            |kept: &mut StationPasswords| {
                kept.passwords.retain(|password| password.command_id != own);
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
        let (mut known, mut stored, mut over) = (None, Vec::new(), Vec::new());
        let (rules, _) = self.rules(station);
        for given in wanted(action, payload) {
            match taken(action, answer, rules, &given.place) {
                Taken::Known => {
                    known = Password::new(&given.text).ok();
                    over.push(given);
                }
                Taken::Stored => stored.push(given),
                Taken::Unsure => {}
                Taken::No => over.push(given),
            }
        }
        if let Some(password) = known {
            self.set_password(now, station, password, principal);
        }
        if stored.is_empty() && over.is_empty() {
            return;
        }
        // What waits behind it has not been sent.
        let newer: Vec<[u8; 16]> = self.commands.queued_of(station).collect();
        let own = Some(command.0);
        let is_older = |password: &StationPassword| {
            let id = password.command_id;
            id != own && id.is_none_or(|id| !newer.contains(&id))
        };
        let settled = self.change_grid(
            now,
            station,
            action,
            Some(command),
            |kept: &mut StationPasswords| {
                if known.is_some() {
                    places::take_own(kept, is_older);
                }
                for Given { place, text } in &stored {
                    if let Some(slot) = place.slot() {
                        places::replace(kept, slot, !text.is_empty(), is_older);
                    }
                }
                kept.passwords.retain(|password| {
                    let is_over = |given: &Given| {
                        given.place.slot() == password.slot.as_deref()
                            && password_of(password).matches(given.text.as_bytes())
                    };
                    !(password.command_id == own && over.iter().any(is_over))
                });
            },
        );
        if let Err(StoreUnreadable) = settled
            && known.is_some()
        {
            self.settle_unread(now, station);
        }
    }

    /// A station comes with credentials that are not those known of it: one that shows a password that stands at one of its
    /// places has it, and the place none that is older. What that was given since then it may yet have. `false` for any other.
    pub(super) fn settle_password(
        &mut self,
        now: Now,
        key: &StationKey,
        authorization: Option<&[u8]>,
    ) -> bool {
        // What cannot be read lets nobody in; the failed read was counted, and stations try again.
        let kept: StationPasswords = self.grid_of(key.as_str()).unwrap_or_default();
        let Some(station) = self.stations.find(key) else {
            return false;
        };
        let shown = |password: &&StationPassword| {
            shows(key.identity(), &password_of(password), authorization)
        };
        let Some(shown) = kept.passwords.iter().rev().find(shown) else {
            return false;
        };
        let details = self.stations[station].state.details();
        let before = details.password.as_deref().copied();
        self.set_password(now, station, password_of(shown), "sigec");
        let settled = self.change_grid(now, station, "", None, |kept: &mut StationPasswords| {
            places::show(kept, shown, before, now.utc.0);
        });
        if let Err(StoreUnreadable) = settled {
            self.settle_unread(now, station);
        }
        true
    }

    fn set_password(&mut self, now: Now, station: u32, password: Password, principal: &str) {
        let patch = StationPatch {
            password: Some(Some(password)),
            ..StationPatch::default()
        };
        // One that waits goes on waiting: it had no say in whether it is let in.
        let acceptance = self.stations[station].state.acceptance;
        self.configure(now, station, patch, acceptance, principal);
    }

    /// An operator says what a station's password is, or the station is forgotten: it comes in with no other.
    pub(super) fn settle_doubts(&mut self, now: Now, station: u32) {
        let settled = self.change_grid(now, station, "", None, |kept: &mut StationPasswords| {
            kept.known_slot = None;
            kept.passwords.clear();
        });
        if let Err(StoreUnreadable) = settled {
            self.settle_unread(now, station);
        }
    }

    /// Nobody can tell whether there are other passwords, and whoever knows one is to come in no more.
    fn settle_unread(&mut self, now: Now, station: u32) {
        self.record(now, station, &StationPasswords::default());
    }
}

/// Why a command must not be sent: it gives a station a password that it could not come in with.
pub(super) fn check_password(action: &str, payload: &str) -> Result<(), String> {
    let (name, max) = match action {
        KEY_ACTION => (KEY, KEY_CHARS_MAX),
        PROFILE_ACTION => ("basicAuthPassword", PASSWORD_CHARS_MAX),
        _ => (VARIABLE, PASSWORD_CHARS_MAX),
    };
    let all = wanted(action, payload);
    let mut set = all.iter().filter(|given| !given.is_none());
    set.try_for_each(|given| {
        check_length(&given.text, max).map_err(|error| format!("{name}: {error}"))
    })
}

/// How 1.6 sets a password, and what it calls it.
const KEY_ACTION: &str = "ChangeConfiguration";
const KEY: &str = "AuthorizationKey";
/// How 2.x sets one by itself, and what it calls it.
const VARIABLE_ACTION: &str = "SetVariables";
const VARIABLE: &str = "BasicAuthPassword";
/// How 2.1 sets one with the rest of a network profile.
const PROFILE_ACTION: &str = "SetNetworkProfile";

/// A password that a command sets.
struct Given {
    place: Place,
    /// Empty for a profile that is to have none of its own.
    text: String,
}

impl Given {
    fn is_none(&self) -> bool {
        self.place != Place::Station && self.text.is_empty()
    }
}

/// Where a station puts a password.
#[derive(PartialEq, Eq)]
enum Place {
    /// Where it takes it from whenever it connects: `AuthorizationKey`, or `SecurityCtrlr`.
    Station,
    /// The network profile of this slot, for when it connects by that.
    Profile(String),
}

impl Place {
    /// The slot of its profile.
    fn slot(&self) -> Option<&str> {
        match self {
            Self::Station => None,
            Self::Profile(slot) => Some(slot),
        }
    }
}

/// The passwords that a command sets, if it is one that does.
fn wanted(action: &str, payload: &str) -> Vec<Given> {
    let mut columns = MeterColumns::new();
    let mut all = Vec::new();
    match action {
        VARIABLE_ACTION => {
            let decoded = v201::Command::decode(action, payload, Policy::Tolerant, &mut columns);
            if let Ok(v201::Command::SetVariables(set)) = decoded.map(|decoded| decoded.message) {
                all.extend(set.set_variable_data.iter().filter_map(|data| {
                    Some(Given {
                        place: place_of(&data.component, &data.variable, data.attribute_type)?,
                        text: data.attribute_value.to_string(),
                    })
                }));
            }
        }
        PROFILE_ACTION => {
            let decoded = v21::Command::decode(action, payload, Policy::Tolerant, &mut columns);
            if let Ok(v21::Command::SetNetworkProfile(set)) = decoded.map(|decoded| decoded.message)
            {
                let password = set.connection_data.basic_auth_password;
                all.push(Given {
                    place: Place::Profile(set.configuration_slot.to_string()),
                    text: password.map(|text| text.to_string()).unwrap_or_default(),
                });
            }
        }
        KEY_ACTION => {
            let decoded = v16::Command::decode(action, payload, Policy::Tolerant, &mut columns);
            if let Ok(v16::Command::ChangeConfiguration(change)) =
                decoded.map(|decoded| decoded.message)
                && change.key.eq_ignore_ascii_case(KEY)
            {
                all.push(Given {
                    place: Place::Station,
                    text: change.value.to_string(),
                });
            }
        }
        _ => {}
    }
    all
}

/// Whether a station has the password that it was given.
enum Taken {
    /// It shows it from now on.
    Known,
    /// It shows it when it next connects by that profile.
    Stored,
    /// From its next boot on, or it did not say.
    Unsure,
    No,
}

/// What the answer to such a command says of the password itself: other variables of the call have results of their own.
fn taken(action: &str, answer: &str, rules: Rules<'_>, place: &Place) -> Taken {
    let taken = |status: &str| match (status, place) {
        ("Accepted", Place::Station) => Taken::Known,
        ("Accepted", Place::Profile(_)) => Taken::Stored,
        ("RebootRequired", _) => Taken::Unsure,
        _ => Taken::No,
    };
    if action != VARIABLE_ACTION {
        let status = status_of(answer);
        return status.map_or(Taken::Unsure, |status| taken(&status));
    }
    let mut columns = MeterColumns::new();
    let decoded = v201::CommandResponse::decode(action, answer, rules, &mut columns);
    let Ok(v201::CommandResponse::SetVariables(set)) = decoded.map(|decoded| decoded.message)
    else {
        return Taken::Unsure;
    };
    let mut results = set.set_variable_result.iter();
    let own = results.find(|result| {
        place_of(&result.component, &result.variable, result.attribute_type).as_ref() == Some(place)
    });
    own.map_or(Taken::Unsure, |result| {
        taken(result.attribute_status.as_str())
    })
}

/// Where a variable puts a password, if it is one.
fn place_of(
    component: &v201::Component<'_>,
    variable: &v201::Variable<'_>,
    attribute: Option<v201::AttributeType>,
) -> Option<Place> {
    let is_password = variable.name.eq_ignore_ascii_case(VARIABLE)
        && attribute.is_none_or(|attribute| attribute == v201::AttributeType::Actual);
    if !is_password {
        None
    } else if component.name.eq_ignore_ascii_case("SecurityCtrlr") {
        Some(Place::Station)
    } else if component.name.eq_ignore_ascii_case("NetworkConfiguration") {
        let slot = component.instance.as_ref();
        let slot = slot.map(|slot| slot.to_string());
        Some(Place::Profile(slot.unwrap_or_default()))
    } else {
        None
    }
}

fn password_of(&StationPassword { salt, mac, .. }: &StationPassword) -> Password {
    Password { salt, mac }
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
        let of_profile = |chars: usize| {
            let text = "k".repeat(chars);
            check_password(
                "SetVariables",
                &format!(
                    r#"{{"setVariableData":[{{"attributeValue":"{text}","component":{{"name":"NetworkConfiguration","instance":"1"}},"variable":{{"name":"BasicAuthPassword"}}}}]}}"#
                ),
            )
        };
        let profile = |chars: usize| {
            let text = "k".repeat(chars);
            check_password(
                "SetNetworkProfile",
                &format!(
                    r#"{{"configurationSlot":1,"connectionData":{{"ocppInterface":"Wired0","ocppTransport":"JSON","messageTimeout":30,"ocppCsmsUrl":"wss://c","securityProfile":2,"basicAuthPassword":"{text}"}}}}"#
                ),
            )
        };
        let allowed = |check: &dyn Fn(usize) -> Result<(), String>| {
            [0, 15, 16, 40, 41, 64, 65].map(|chars| check(chars).is_ok())
        };
        let variable_allows = [false, false, true, true, true, true, false];
        assert_eq!(
            allowed(&key),
            [false, false, true, true, false, false, false]
        );
        assert_eq!(allowed(&variable), variable_allows);
        // A profile without one of its own is shown with that of its station.
        let profile_allows = [true, false, true, true, true, true, false];
        assert_eq!(allowed(&of_profile), profile_allows);
        assert_eq!(allowed(&profile), profile_allows);
    }
}
