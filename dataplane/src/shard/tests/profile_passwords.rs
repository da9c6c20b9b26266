//! Passwords that a 2.1 station is given with a network profile (Part 2, B09; errata of 2025-09, section 2.3).

use fleet::record::{PasswordInDoubt, PasswordsInDoubt};

use super::world::{World, config, key};
use crate::Password;
use crate::config::Onboarding;

const OLD: &str = "old-0123456789abcdef";
const NEW: &str = "new-0123456789abcdef";
const NEWER: &str = "newer-0123456789abcd";
const NEWEST: &str = "newest-0123456789abc";

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

/// What becomes of a station with [`OLD`].
enum Step<'a> {
    /// A command, and its answer.
    Given(&'a str, &'a str),
    /// It drops its connection and comes back with this password.
    ConnectsBy(&'a str),
}

/// A station after these, gone, and this server started again.
fn given(steps: &[Step<'_>]) -> World {
    let mut world = world();
    for (at, step) in (2..).zip(steps) {
        let seen = match step {
            Step::Given(command, answer) => world.run(&format!(
                "{at} op command CP1 {command}\n{at} a answers {answer}"
            )),
            Step::ConnectsBy(password) => world.run(&format!(
                "{at} a drops\n{at} a connect CP1 2.1 password={password}"
            )),
        };
        assert!(!seen.contains(" 401 "), "{seen}");
    }
    world.run("40 a drops\n41 restart");
    world
}

const ACCEPTED: &str = r#"{"status":"Accepted"}"#;

/// The profile may be used or not, so the station comes in with either password, also after a restart; where it refused the
/// profile, with the old one alone as before.
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
            let doubt = "in out in in in ";
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

/// `NetworkConfigurationPriority` names several slots, and a station that cannot connect by one goes on to the next.
#[test]
fn b10_a_station_that_falls_back_to_another_slot_shows_the_password_of_that() {
    let (first, second) = (of_slot(1), of_slot(2));
    let (first, second) = (first.as_str(), second.as_str());
    let (one, two) = (set_profile(1, NEW), set_profile(2, NEWER));
    let one_by_one = [Step::Given(&one, ACCEPTED), Step::Given(&two, ACCEPTED)];
    let both = set_variables(&[(first, NEW), (second, NEWER)]);
    let taken = variables_set(&[(first, "Accepted"), (second, "Accepted")]);
    let at_once = [Step::Given(&both, &taken)];
    for steps in [one_by_one.as_slice(), &at_once] {
        let all = [OLD, NEW, OLD, NEWER, NEW, OLD];
        assert_eq!(lets_in(&mut given(steps), &all), "in in in in in in ");
        let newest_first = [NEWER, NEW, OLD, NEWER];
        assert_eq!(lets_in(&mut given(steps), &newest_first), "in in in in ");
    }
    // Between two of them this server may start again.
    let mut world = given(&one_by_one);
    for password in [NEWER, NEW, OLD, NEWER] {
        assert_eq!(lets_in(&mut world, &[password]), "in ");
        world.run("90 restart");
    }
    let taken = variables_set(&[(first, "Rejected"), (second, "Accepted")]);
    let mut of_second = given(&[Step::Given(&both, &taken)]);
    assert_eq!(
        lets_in(&mut of_second, &[OLD, NEW, OLD, NEWER, NEW]),
        "in out in in out "
    );
}

/// A slot that the station is connected by keeps what it held until the new one is shown: it need not have connected again.
#[test]
fn b09_fr_01_what_a_slot_held_is_replaced() {
    let (new, newer) = (set_profile(2, NEW), set_profile(2, NEWER));
    let idle = Step::Given(&new, ACCEPTED);
    let mut replaced = given(&[idle, Step::Given(&newer, ACCEPTED)]);
    let all = [NEW, OLD, NEWER, NEW, OLD];
    assert_eq!(lets_in(&mut replaced, &all), "out in in out in ");
    let used = || [Step::Given(&new, ACCEPTED), Step::ConnectsBy(NEW)];
    let after = |answer: &str| {
        let [first, second] = used();
        given(&[first, second, Step::Given(&newer, answer)])
    };
    let all = [NEW, OLD, NEW, NEWER, NEW, OLD];
    assert_eq!(lets_in(&mut after(ACCEPTED), &all), "in in in in out in ");
    let refused = r#"{"status":"Rejected"}"#;
    assert_eq!(lets_in(&mut after(refused), &all), "in in in out in in ");
    // Nobody knows whether an unanswered one has replaced it.
    let mut unanswered = world();
    unanswered.run(&format!(
        "2 op command CP1 {new}\n3 a answers {ACCEPTED}\n4 op command CP1 {newer}\n5 a drops\n6 restart"
    ));
    assert_eq!(lets_in(&mut unanswered, &all), "in in in in out in ");
}

/// A profile may have no password of its own: its station shows what `SecurityCtrlr` says, which is that of the profile that it
/// is connected by (B09.FR.28).
#[test]
fn b09_fr_01_a_profile_without_a_password_replaces_one_that_had_it() {
    let slot = of_slot(2);
    let new = set_profile(2, NEW);
    let without = new.replace(&format!(r#","basicAuthPassword":"{NEW}""#), "");
    let taken = variables_set(&[(&slot, "Accepted")]);
    for (empty, answer) in [
        (set_profile(2, ""), ACCEPTED),
        (without, ACCEPTED),
        (set_variables(&[(&slot, "")]), &*taken),
    ] {
        let refused = answer.replace("Accepted", "Rejected");
        let idle =
            |answer: &str| given(&[Step::Given(&new, ACCEPTED), Step::Given(&empty, answer)]);
        assert_eq!(
            lets_in(&mut idle(answer), &[NEW, OLD]),
            "out in ",
            "{empty}"
        );
        assert_eq!(
            lets_in(&mut idle(&refused), &[NEW, OLD]),
            "in in ",
            "{empty}"
        );
        let mut used = given(&[
            Step::Given(&new, ACCEPTED),
            Step::ConnectsBy(NEW),
            Step::Given(&empty, answer),
        ]);
        assert_eq!(
            lets_in(&mut used, &[NEW, OLD, NEW]),
            "in in out ",
            "{empty}"
        );
    }
}

/// It is the station's own at once, and the profile that it is connected by has none any more; other profiles keep theirs.
#[test]
fn b09_fr_27_a_password_of_the_station_takes_the_place_of_the_active_profiles() {
    let set = set_variables(&[(OF_STATION, NEW)]);
    let taken = variables_set(&[(OF_STATION, "Accepted")]);
    let (one, two) = (set_profile(1, NEWEST), set_profile(2, NEWER));
    let (own, of_two) = (Step::Given(&set, &taken), Step::Given(&two, ACCEPTED));
    let mut filled_before = given(&[of_two, own]);
    assert_eq!(
        lets_in(&mut filled_before, &[OLD, NEWER, NEW, NEWER]),
        "out in in in "
    );
    let mut active = given(&[
        Step::Given(&two, ACCEPTED),
        Step::ConnectsBy(NEWER),
        Step::Given(&set, &taken),
    ]);
    assert_eq!(lets_in(&mut active, &[OLD, NEWER, NEW]), "out out in ");
    let mut other = given(&[
        Step::Given(&two, ACCEPTED),
        Step::Given(&one, ACCEPTED),
        Step::ConnectsBy(NEWEST),
        Step::Given(&set, &taken),
    ]);
    assert_eq!(
        lets_in(&mut other, &[OLD, NEWEST, NEWER, NEW, NEWER]),
        "out out in in in "
    );
}

/// One that waits its turn behind the station's own has not been sent when that is answered.
#[test]
fn b09_fr_27_a_password_on_its_way_behind_another_stays_in_doubt() {
    let set = set_variables(&[(OF_STATION, NEW)]);
    let taken = variables_set(&[(OF_STATION, "Accepted")]);
    let two = set_profile(2, NEWER);
    let mut world = world();
    world.run(&format!(
        "2 op command CP1 {two}\n3 a answers {ACCEPTED}\n4 a drops\n4 a connect CP1 2.1 password={NEWER}\n\
        5 op command CP1 {set}\n5 op command CP1 {}\n6 a answers {taken}\n7 a drops\n8 restart",
        set_profile(2, NEWEST),
    ));
    assert_eq!(
        lets_in(&mut world, &[OLD, NEWER, NEW, NEWEST, NEW]),
        "out out in in in "
    );
}

/// What an operator says of a password ends all that was given by command, and so does a deletion.
#[test]
fn an_operators_word_ends_the_passwords_of_every_place() {
    let (one, two) = (set_profile(1, NEWEST), set_profile(2, NEWER));
    for said in [
        format!("42 op password CP1 {NEW}"),
        format!("42 op delete CP1\n43 op register CP1 {NEW}"),
    ] {
        let mut world = given(&[
            Step::Given(&one, ACCEPTED),
            Step::Given(&two, ACCEPTED),
            Step::ConnectsBy(NEWER),
        ]);
        world.run(&said);
        assert_eq!(
            lets_in(&mut world, &[OLD, NEWEST, NEWER, NEW]),
            "out out out in ",
            "{said}"
        );
    }
}

/// Four of one place are kept beside the known one; the oldest goes first, and those of other places stay.
#[test]
fn too_many_passwords_of_one_place_take_nothing_from_another() {
    let later = variables_set(&[(OF_STATION, "RebootRequired")]);
    let own: Vec<String> = (0..5).map(|n| format!("own{n}-0123456789abcd")).collect();
    let commands: Vec<String> = own
        .iter()
        .map(|password| set_variables(&[(OF_STATION, password)]))
        .collect();
    let two = set_profile(2, NEWER);
    let mut steps = vec![Step::Given(&two, ACCEPTED)];
    steps.extend(commands.iter().map(|command| Step::Given(command, &later)));
    let passwords = [&own[0], OLD, NEWER, &own[1], &own[4], &own[3], NEWER];
    assert_eq!(
        lets_in(&mut given(&steps), &passwords),
        "out in in in in out in "
    );
}

/// Versions before wrote no place down: of what they kept, an older one goes once a newer one is shown.
#[test]
fn passwords_in_doubt_that_an_earlier_version_kept_are_known() {
    let mut world = world();
    let (now, shard) = (world.now(), &mut world.shard);
    let station = shard.stations.find(&key("CP1")).unwrap();
    let doubts = [NEW, NEWER].map(|text| {
        let Password { salt, mac } = Password::new(text).unwrap();
        PasswordInDoubt {
            command_id: [text.len() as u8; 16],
            salt,
            mac,
            at: 0,
        }
    });
    let kept = PasswordsInDoubt {
        passwords: doubts.to_vec(),
        ..PasswordsInDoubt::default()
    };
    shard.record(now, station, &kept);
    world.run("2 a drops\n3 restart");
    assert_eq!(
        lets_in(&mut world, &[OLD, NEW, OLD, NEWER, NEW]),
        "in in out in out "
    );
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
