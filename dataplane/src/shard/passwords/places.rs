//! What a station may come in with beside the password that is known of it, by the places where passwords stand.
//!
//! A place is the station's own (`SecurityCtrlr`, `AuthorizationKey`) or the network profile of a slot. A station shows the one
//! of the profile that it connects by, and its own where that has none; it may fall back to another slot at any time (OCPP 2.1
//! Part 2, B10). So what was given to one place says nothing of the others.
//!
//! # Invariants
//!
//! - A place has at most [`OF_PLACE_MAX`], a station [`PASSWORDS_MAX`]; of more, the oldest count no more. The known one is
//!   kept elsewhere, and is not among them.

use fleet::record::{StationPassword, StationPasswords};

use crate::Password;

/// Passwords of one place that a station may show: what is given to one again and again takes nothing from the others.
const OF_PLACE_MAX: usize = 4;
/// Passwords that a station may show, of all places.
const PASSWORDS_MAX: usize = 12;

/// A command is about to give these to a station.
pub(super) fn give(kept: &mut StationPasswords, given: &[StationPassword]) {
    kept.passwords.extend_from_slice(given);
    bound(kept);
}

/// A station has shown one of these: its place has none that is older. What the station was known by, `before`, stands where it
/// stood, unless that is the same place.
pub(super) fn show(
    kept: &mut StationPasswords,
    shown: &StationPassword,
    before: Option<Password>,
    at: i64,
) {
    let mut is_newer = false;
    kept.passwords.retain(|password| {
        let is_shown = password == shown;
        is_newer |= is_shown;
        !is_shown && (is_newer || password.slot != shown.slot)
    });
    let slot = std::mem::replace(&mut kept.known_slot, shown.slot.clone());
    if let Some(Password { salt, mac }) = before
        && slot != shown.slot
    {
        let mut others = kept.passwords.iter();
        let newer = others.position(|password| password.slot == slot);
        let older = StationPassword {
            slot,
            command_id: None,
            salt,
            mac,
            at,
        };
        kept.passwords
            .insert(newer.unwrap_or(kept.passwords.len()), older);
        bound(kept);
    }
}

/// A station has a password of its own (A01.FR.03), and clears that of the profile that it is connected by (B09.FR.27); the
/// other profiles keep theirs.
pub(super) fn take_own(kept: &mut StationPasswords, is_older: impl Fn(&StationPassword) -> bool) {
    let active = kept.known_slot.take();
    let is_over = |password: &StationPassword| password.slot.is_none() || password.slot == active;
    kept.passwords
        .retain(|password| !(is_older(password) && is_over(password)));
}

/// A station has put a password, or none, into the profile of a slot: what that held is gone (B09.FR.01). Where it is connected by
/// that profile, it may come with the known one until it has shown the new one.
pub(super) fn replace(
    kept: &mut StationPasswords,
    slot: &str,
    has_password: bool,
    is_older: impl Fn(&StationPassword) -> bool,
) {
    let replaced = Some(slot);
    kept.passwords
        .retain(|password| !(is_older(password) && password.slot.as_deref() == replaced));
    if !has_password && kept.known_slot.as_deref() == replaced {
        // `SecurityCtrlr` has said the same since the station connected by it (B09.FR.28).
        kept.known_slot = None;
    }
}

fn bound(kept: &mut StationPasswords) {
    let mut newest: Vec<StationPassword> = Vec::new();
    for password in std::mem::take(&mut kept.passwords).into_iter().rev() {
        let of_place = newest.iter().filter(|newer| newer.slot == password.slot);
        if of_place.count() < OF_PLACE_MAX && newest.len() < PASSWORDS_MAX {
            newest.push(password);
        }
    }
    newest.reverse();
    kept.passwords = newest;
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The `n`th password, of this place.
    fn password(slot: &str, n: u8) -> StationPassword {
        StationPassword {
            slot: (!slot.is_empty()).then(|| slot.to_owned()),
            command_id: Some([n; 16]),
            salt: [n; 16],
            mac: [n; 32],
            at: i64::from(n),
        }
    }

    /// Place and number of each.
    fn shown(kept: &StationPasswords) -> String {
        let each = kept.passwords.iter().map(|password| {
            let slot = password.slot.as_deref().unwrap_or_default();
            format!("{slot}:{}", password.salt[0])
        });
        each.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn of_too_many_passwords_the_oldest_of_the_place_go_first() {
        let mut kept = StationPasswords::default();
        for n in 1..=5 {
            give(&mut kept, &[password("1", n), password("", 10 + n)]);
        }
        assert_eq!(shown(&kept), "1:2 :12 1:3 :13 1:4 :14 1:5 :15");
        for n in 21..=25 {
            give(&mut kept, &[password("2", n)]);
        }
        assert_eq!(
            shown(&kept),
            "1:2 :12 1:3 :13 1:4 :14 1:5 :15 2:22 2:23 2:24 2:25"
        );
        give(&mut kept, &[password("3", 31)]);
        assert_eq!(
            shown(&kept),
            ":12 1:3 :13 1:4 :14 1:5 :15 2:22 2:23 2:24 2:25 3:31"
        );
    }

    #[test]
    fn what_a_station_was_known_by_is_older_than_what_its_place_was_given_since() {
        let mut kept = StationPasswords::default();
        let of_two = password("2", 1);
        give(&mut kept, &[of_two.clone(), password("", 2)]);
        let known = Password {
            salt: [9; 16],
            mac: [9; 32],
        };
        show(&mut kept, &of_two, Some(known), 0);
        assert_eq!(shown(&kept), ":9 :2");
        let known = Password {
            salt: [1; 16],
            mac: [1; 32],
        };
        show(&mut kept, &password("", 2), Some(known), 0);
        assert_eq!((shown(&kept), kept.known_slot), ("2:1".to_owned(), None));
    }
}
