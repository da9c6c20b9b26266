//! Passwords that a 2.1 station is given with a network profile (Part 2, B09; errata of 2025-09, section 2.3).

use super::world::{World, config};
use crate::config::Onboarding;

const OLD: &str = "old-0123456789abcdef";
const NEW: &str = "new-0123456789abcdef";
const NEWER: &str = "newer-0123456789abcd";

/// A station with the password [`OLD`], connected.
fn world() -> World {
    let mut world = World::new(config(Onboarding::Closed));
    world.run(&format!(
        "0 op register CP1 {OLD}\n1 a connect CP1 2.1 password={OLD}"
    ));
    world
}

fn set_profile(slot: u32, password: &str) -> String {
    format!(
        r#"SetNetworkProfile {{"configurationSlot":{slot},"connectionData":{{"messageTimeout":30,"ocppCsmsUrl":"wss://csms.example","ocppInterface":"Wired0","ocppTransport":"JSON","securityProfile":2,"basicAuthPassword":"{password}"}}}}"#
    )
}

fn of_slot(slot: u32) -> String {
    format!(
        r#""component":{{"name":"NetworkConfiguration","instance":"{slot}"}},"variable":{{"name":"BasicAuthPassword"}}"#
    )
}

const OF_STATION: &str =
    r#""component":{"name":"SecurityCtrlr"},"variable":{"name":"BasicAuthPassword"}"#;

fn set_variables(all: &[(&str, &str)]) -> String {
    let data: Vec<String> = all
        .iter()
        .map(|(variable, password)| format!(r#"{{"attributeValue":"{password}",{variable}}}"#))
        .collect();
    format!(r#"SetVariables {{"setVariableData":[{}]}}"#, data.join(","))
}

fn variables_set(all: &[(&str, &str)]) -> String {
    let results: Vec<String> = all
        .iter()
        .map(|(variable, status)| format!(r#"{{"attributeStatus":"{status}",{variable}}}"#))
        .collect();
    format!(r#"{{"setVariableResult":[{}]}}"#, results.join(","))
}

/// Which of these a station that comes with one after the other is let in by.
fn lets_in(world: &mut World, passwords: &[&str]) -> String {
    let mut seen = String::new();
    for password in passwords {
        let line = world.run(&format!("90 b connect CP1 2.1 password={password}"));
        let is_in = line.contains(" 101 ");
        assert!(is_in || line.contains(" 401 "), "{line}");
        seen += if is_in { "in " } else { "out " };
        if is_in {
            world.run("90 b drops");
        }
    }
    seen
}

/// The profile may be used or not, so the station comes in with either password, and with the new one alone once it has shown
/// it, also after a restart; where it refused the profile, with the old one as before.
#[test]
fn b09_fr_28_a_password_of_a_network_profile_counts_once_it_is_shown() {
    let slot = of_slot(2);
    let ways = [
        (
            set_profile(2, NEW),
            (|status| format!(r#"{{"status":"{status}"}}"#)) as fn(&str) -> String,
            "Failed",
        ),
        (
            set_variables(&[(&slot, NEW)]),
            |status| variables_set(&[(&of_slot(2), status)]),
            "UnknownVariable",
        ),
    ];
    for (set, says, failed) in ways {
        for end in [
            "40 a drops",
            "40 restart",
            "40 a drops\n41 restart\n42 restart",
        ] {
            let lets_in_after = |answer: &str| {
                let mut world = world();
                world.run(&format!("2 op command CP1 {set}\n{answer}\n{end}"));
                lets_in(&mut world, &[OLD, "guess-0123456789abc", NEW, OLD, NEW])
            };
            let answered = |status: &str| lets_in_after(&format!("3 a answers {}", says(status)));
            let doubt = "in out in out in ";
            let refused = "in out out in out ";
            assert_eq!(answered("Accepted"), doubt, "{set} {end}");
            assert_eq!(lets_in_after("3 wait"), doubt, "{set} {end}");
            assert_eq!(answered("Rejected"), refused, "{set} {end}");
            assert_eq!(answered(failed), refused, "{set} {end}");
            let error = lets_in_after("3 a refuses InternalError no");
            assert_eq!(error, refused, "{set} {end}");
        }
    }
}

/// Each slot has its own: what was given before the one that is shown counts no more, what was given since then does.
#[test]
fn b09_fr_28_a_password_of_another_slot_waits_until_the_station_uses_it() {
    let (first, second) = (of_slot(1), of_slot(2));
    let (first, second) = (first.as_str(), second.as_str());
    let in_one = set_variables(&[(first, NEW), (second, NEWER)]);
    let results = |of_first: &str, of_second: &str| {
        let results = variables_set(&[(first, of_first), (second, of_second)]);
        format!("2 op command CP1 {in_one}\n3 a answers {results}")
    };
    let in_two = format!(
        "2 op command CP1 {}\n3 a answers {{\"status\":\"Accepted\"}}\n4 op command CP1 {}\n5 a answers {{\"status\":\"Accepted\"}}",
        set_profile(1, NEW),
        set_profile(2, NEWER),
    );
    let lets_in_after = |script: &str, passwords: &[&str]| {
        let mut world = world();
        world.run(&format!("{script}\n40 a drops\n41 restart"));
        lets_in(&mut world, passwords)
    };
    let one_by_one = [OLD, NEW, OLD, NEWER, NEW];
    assert_eq!(lets_in_after(&in_two, &one_by_one), "in in out in out ");
    assert_eq!(lets_in_after(&in_two, &[NEWER, NEW, OLD]), "in out out ");
    let both = results("Accepted", "Accepted");
    assert_eq!(lets_in_after(&both, &one_by_one), "in in out in out ");
    // They came together, so neither is the older one.
    assert_eq!(lets_in_after(&both, &[NEWER, NEW, OLD]), "in in out ");
    let one = results("Rejected", "Accepted");
    assert_eq!(lets_in_after(&one, &one_by_one), "in out in in out ");
}

/// A password of the station itself takes the place of the one in the profile that it is connected by. One that is on its way
/// behind it is not answered by it.
#[test]
fn b09_fr_27_a_password_of_the_station_takes_the_place_of_those_before_it() {
    let set = set_variables(&[(OF_STATION, NEW)]);
    let taken = variables_set(&[(OF_STATION, "Accepted")]);
    let mut before = world();
    before.run(&format!(
        "2 op command CP1 {}\n3 a answers {{\"status\":\"Accepted\"}}\n4 op command CP1 {set}\n5 a answers {taken}\n6 a drops",
        set_profile(2, NEWER),
    ));
    assert_eq!(lets_in(&mut before, &[OLD, NEWER, NEW]), "out out in ");
    let mut behind = world();
    behind.run(&format!(
        "2 op command CP1 {set}\n2 op command CP1 {}\n3 a answers {taken}\n4 a drops\n5 restart",
        set_profile(2, NEWER),
    ));
    assert_eq!(
        lets_in(&mut behind, &[OLD, NEW, NEWER, NEW]),
        "out in in out "
    );
    // An operator's word ends all that was given by command.
    let mut said = world();
    said.run(&format!(
        "2 op command CP1 {}\n3 a answers {{\"status\":\"Accepted\"}}\n4 a drops\n5 op password CP1 {NEW}",
        set_profile(2, NEWER),
    ));
    assert_eq!(lets_in(&mut said, &[OLD, NEWER, NEW]), "out out in ");
}

/// Neither a record nor what an operator is shown has the password, and one that is too short is not sent.
#[test]
fn a_password_of_a_network_profile_is_masked_where_its_command_is_kept() {
    let slot = of_slot(2);
    for set in [set_profile(2, NEW), set_variables(&[(&slot, NEW)])] {
        let mut world = world();
        let seen = world.run(&format!(
            "2 records shown\n2 op command CP1 wait {set}\n3 a answers {{\"status\":\"Accepted\"}}"
        ));
        let kept: Vec<&str> = seen.lines().filter(|line| line.contains(NEW)).collect();
        assert!(
            matches!(kept[..], [wire] if wire.contains(" a < [2,")),
            "{kept:?}"
        );
        assert!(seen.contains("***"), "{seen}");
        let short = set.replace(NEW, "too-short");
        let refused = world.run(&format!("50 op command CP1 {short}"));
        assert!(
            refused.contains("password has 9 characters, 16 to 64 are allowed"),
            "{refused}"
        );
    }
}
