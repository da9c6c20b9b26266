use std::time::Duration;

use super::*;
use crate::charge::Supply;
use crate::random::Random;

const HOUR: Duration = Duration::from_secs(3_600);

fn office(changed: &str, to: &str) -> Result<Profile, String> {
    let (_, text) = PROFILES
        .into_iter()
        .find(|(name, _)| *name == "office")
        .unwrap();
    assert!(text.contains(changed), "office has no {changed}");
    Profile::parse(&text.replacen(changed, to, 1)).map_err(|error| {
        let source = std::error::Error::source(&error).map(ToString::to_string);
        format!("{error} {}", source.unwrap_or_default())
    })
}

#[test]
fn every_profile_of_the_program_is_one() {
    for (name, text) in PROFILES {
        let profile = Profile::parse(text).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(!profile.description.is_empty(), "{name}");
        assert!(matches!(
            Scenario::load(name).unwrap(),
            Scenario::Profile(_)
        ));
    }
    assert_eq!(list().unwrap().len(), names().len());
    assert_eq!(Scenario::load("idle").unwrap(), Scenario::Idle);
}

#[test]
fn what_is_no_profile_says_what_is_wrong_and_what_is_expected() {
    for (changed, to, expected) in [
        (
            "connectors = 2",
            "sockets = 2",
            &["sockets", "`connectors`", "`meter_interval`"][..],
        ),
        ("[run]", "[walk]", &["walk", "`run`", "`faults`"]),
        ("connectors = 2\n", "", &["missing field `connectors`"]),
        (
            "connectors = 2",
            "connectors = 0",
            &["stations.connectors: found 0, expected 1 to 100"],
        ),
        (
            "\"2.1\" = 10",
            "\"2.2\" = 10",
            &["found \"2.2\", expected \"1.6\", \"2.0.1\" or \"2.1\""],
        ),
        (
            "phases = 3",
            "phases = 2",
            &["supplies.phases: found 2, expected 1 or 3"],
        ),
        (
            "kind = \"ac\"",
            "kind = \"dc\"",
            &["supplies.phases: found 3, expected none"],
        ),
        (
            "\"2h\", \"9h\"",
            "\"9h\", \"2h\"",
            &["visits.stay", "the shorter one first"],
        ),
        (
            "\"07:00\"",
            "\"7am\"",
            &["run.begins_at: found \"7am\"", "\"07:00\""],
        ),
        (
            "[100, 0]",
            "[99, 0]",
            &["vehicles.curve", "the last at 100"],
        ),
        (
            "by_hour = [0,",
            "by_hour = [",
            &["arrivals.by_hour", "24 weights"],
        ),
        (
            "vehicles_per_day = 1.6",
            "vehicles_per_day = -1",
            &["arrivals.vehicles_per_day: found -1"],
        ),
        ("[25, 75]", "[75, 25]", &["visits.arrives_percent"]),
        (
            "share = 100",
            "share = 0",
            &["supplies: found shares [0.0], expected shares from 0 on"],
        ),
        ("speed = 60", "speed = \"fast\"", &["speed", "invalid type"]),
    ] {
        let error = office(changed, to).unwrap_err();
        for part in expected {
            assert!(error.contains(part), "{to}: {error}");
        }
    }
    let error = Scenario::load("workplace").unwrap_err().to_string();
    assert!(
        error.contains("default, idle, once, apartment, depot, highway, office"),
        "{error}"
    );
}

#[test]
fn faults_are_no_more_than_all_stations() {
    let faults = |text: &str| office("[[supplies]]", &format!("[faults]\n{text}\n[[supplies]]"));
    let profile = faults("slow_percent = 0.5\nhalf_open_percent = 20").unwrap();
    assert_eq!((profile.faults.slow, profile.faults.half_open), (50, 2_000));
    assert!(
        faults("slow_percent = 60\nsilent_percent = 50")
            .unwrap_err()
            .contains("100 % at most")
    );
    assert!(
        faults("slow_percent = 101")
            .unwrap_err()
            .contains("0 to 100 percent")
    );
}

#[test]
fn roles_come_by_their_shares_and_stay_with_their_stations() {
    let faults = Faults {
        slow: 1_000,
        half_open: 2_000,
        ..Faults::default()
    };
    let of = |role| {
        (0..10_000)
            .filter(|number| faults.role(7, *number) == role)
            .count()
    };
    assert!(
        (900..1_100).contains(&of(Role::Slow)),
        "{} are slow",
        of(Role::Slow)
    );
    assert!((1_900..2_100).contains(&of(Role::HalfOpen)));
    assert_eq!(of(Role::Silent) + of(Role::Malicious), 0);
    let without = Faults::default();
    assert!((0..10_000).all(|number| without.role(7, number) == Role::Regular));
}

#[test]
fn vehicles_come_when_the_profile_says_so() {
    let profile = office("[run]", "[run]").unwrap();
    let mut random = Random::new(3, &[]);
    let mut by_hour = [0; 24];
    let day = 24 * HOUR;
    for _ in 0..500 {
        let mut at = Duration::ZERO;
        while let Some(after) = profile.arrival(at, day, &mut random) {
            at += after;
            by_hour[((profile.run.begins_at + at).as_secs() / 3_600 % 24) as usize] += 1;
        }
    }
    // 1.6 vehicles a day, of which 35 of 100 come between seven and eight.
    let all: i32 = by_hour.iter().sum();
    assert!((700..900).contains(&all), "{all} in 500 days");
    assert!((220..340).contains(&by_hour[7]), "{by_hour:?}");
    assert_eq!(
        by_hour[0..5].iter().sum::<i32>() + by_hour[19..].iter().sum::<i32>(),
        0,
        "{by_hour:?}"
    );
}

#[test]
fn phases_and_limits_of_both_sides_count() {
    let single = "[[vehicles]]           # a plug-in hybrid\nshare = 20";
    let profile = office(single, "[[vehicles]]\nshare = 20000000").unwrap_err();
    assert!(profile.contains("shares from 0 on"), "{profile}");
    let profile = office(single, "[[vehicles]]\nshare = 1000000").unwrap();
    let power = |supply, phases| {
        let (mut charge, _) = profile.visit(supply, phases, &mut Random::new(1, &[]));
        charge.advance(Duration::from_secs(60));
        let reading = charge.reading(0);
        (reading.power_w, reading.three_phase)
    };
    assert_eq!(
        power(Supply::Ac(22_000), 3),
        (3_700, false),
        "the vehicle has one phase"
    );
    assert_eq!(
        power(Supply::Ac(2_300), 1),
        (2_300, false),
        "the station gives no more"
    );
    assert_eq!(power(Supply::Dc(150_000), 1), (4_000, false));

    let three = office("share = 45", "share = 1000000").unwrap();
    let (mut charge, _) = three.visit(Supply::Ac(7_400), 1, &mut Random::new(1, &[]));
    charge.advance(Duration::from_secs(60));
    assert_eq!(charge.reading(0).power_w, 3_666, "one of three phases");
}
