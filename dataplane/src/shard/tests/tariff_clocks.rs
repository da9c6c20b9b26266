//! Clocks that are not set, show local time or were put forward or back: no bill has minutes of theirs.

use std::fmt::Write;
use std::time::Duration;

use expect_test::expect;
use fleet::record::StationHeard;

use super::world::{EPOCH, World, config};
use crate::config::{Config, CostUpdates, Onboarding};

/// Minutes in which energy flows at 0.10, others at 1; energy at 1 from twelve to two, UTC, else at 9.
const MINUTES: &str = r#"{"tariffId":"minutes","currency":"EUR","energy":{"prices":[{"priceKwh":1,"conditions":{"startTimeOfDay":"12:00","endTimeOfDay":"14:00"}},{"priceKwh":9}]},"chargingTime":{"prices":[{"priceMinute":0.1}]},"idleTime":{"prices":[{"priceMinute":1}]}}"#;

/// When what is said happened, and when it is, in seconds since ten o'clock; what its clock makes of the first.
struct Said<'c> {
    at: i64,
    arrives: i64,
    clock: &'c dyn Fn(i64) -> i64,
    is_offline: bool,
}

impl Said<'_> {
    fn time(&self) -> String {
        let micros = EPOCH + (self.clock)(self.at) * 1_000_000;
        fleet::UtcMicros(micros).to_string()
    }
}

/// Begins, goes on or ends a charge, by a register.
fn say(world: &mut World, version: &str, n: usize, wh: u32, said: &Said<'_>) {
    say_as(world, version, n, n, wh, said);
}

/// The same, as message `n`.
fn say_as(world: &mut World, version: &str, n: usize, kind: usize, wh: u32, said: &Said<'_>) {
    let (time, at) = (said.time(), said.arrives);
    let kinds = match version {
        "2.0.1" => ["Started", "Updated", "Ended"],
        _ => ["StartTransaction", "MeterValues", "StopTransaction"],
    };
    let kind = kinds[kind];
    let payload = match (version, kind) {
        ("2.0.1", _) => format!(
            r#""TransactionEvent",{{"eventType":"{kind}","timestamp":"{time}","triggerReason":"Trigger","seqNo":{n},"offline":{},"evse":{{"id":1}},"transactionInfo":{{"transactionId":"T1","chargingState":"Charging"}},"meterValue":[{{"timestamp":"{time}","sampledValue":[{{"value":{wh}}}]}}]}}"#,
            said.is_offline
        ),
        (_, "StartTransaction") => format!(
            r#""StartTransaction",{{"connectorId":1,"idTag":"T","meterStart":{wh},"timestamp":"{time}"}}"#
        ),
        (_, "MeterValues") => {
            let id = world.ocpp_id("CP1");
            format!(
                r#""MeterValues",{{"connectorId":1,"transactionId":{id},"meterValue":[{{"timestamp":"{time}","sampledValue":[{{"value":"{wh}"}}]}}]}}"#
            )
        }
        (_, _) => {
            let id = world.ocpp_id("CP1");
            format!(
                r#""StopTransaction",{{"transactionId":{id},"meterStop":{wh},"timestamp":"{time}"}}"#
            )
        }
    };
    world.run(&format!("{at} a > [2,\"{n}\",{payload}]"));
}

/// Forty minutes from twelve o'clock with 4 kWh, told as they happen.
fn in_touch(version: &str, clock: &dyn Fn(i64) -> i64) -> String {
    in_touch_from(7_200, version, clock)
}

fn in_touch_from(begin: i64, version: &str, clock: &dyn Fn(i64) -> i64) -> String {
    let mut world = world(version);
    for (n, after, wh) in [(0, 0, 1_000), (1, 1_200, 3_000), (2, 2_400, 5_000)] {
        let at = begin + after;
        let said = Said {
            at,
            arrives: at,
            clock,
            is_offline: false,
        };
        say(&mut world, version, n, wh, &said);
    }
    bill(&mut world, begin + 2_401)
}

/// The same, and nobody hears of it before three hours after its end.
fn out_of_touch(version: &str, is_offline: bool, clock: &dyn Fn(i64) -> i64) -> String {
    let mut world = world(version);
    world.run(&format!(
        "7000 a drops\n20400 a connect CP1{}",
        subprotocol(version)
    ));
    for (n, at, wh) in [(0, 7_200, 1_000), (1, 8_400, 3_000), (2, 9_600, 5_000)] {
        let said = Said {
            at,
            arrives: 20_401 + n as i64,
            clock,
            is_offline,
        };
        say(&mut world, version, n, wh, &said);
    }
    bill(&mut world, 20_404)
}

/// Its station is out of touch from ten minutes after its beginning to an hour after its end.
fn lost_in_between(version: &str, clock: &dyn Fn(i64) -> i64) -> String {
    let mut world = world(version);
    let told = [(0, 7_200, 7_200, 1_000), (2, 9_600, 13_201, 5_000)];
    for (n, at, arrives, wh) in told {
        let said = Said {
            at,
            arrives,
            clock,
            is_offline: at != arrives,
        };
        say(&mut world, version, n, wh, &said);
        if n == 0 {
            let heartbeat = r#"7800 a > [2,"h","Heartbeat",{}]"#;
            world.run(&format!(
                "{heartbeat}\n7801 a drops\n13200 a connect CP1{}",
                subprotocol(version)
            ));
        }
    }
    bill(&mut world, 13_204)
}

fn subprotocol(version: &str) -> String {
    match version {
        "1.6" => String::new(),
        version => format!(" {version}"),
    }
}

fn world(version: &str) -> World {
    world_of(version, config(Onboarding::Open))
}

fn world_of(version: &str, config: Config) -> World {
    let mut world = World::new(config);
    let (subprotocol, boot) = match version {
        "1.6" => ("", r#"{"chargePointVendor":"V","chargePointModel":"M"}"#),
        _ => (
            " 2.0.1",
            r#"{"reason":"PowerUp","chargingStation":{"model":"M","vendorName":"V"}}"#,
        ),
    };
    world.run(&format!(
        "0 tariff everywhere UTC {MINUTES}\n0 a connect CP1{subprotocol}\n0 a > [2,\"b\",\"BootNotification\",{boot}]"
    ));
    world
}

fn bill(world: &mut World, at: i64) -> String {
    let shown = world.run(&format!("{at} op money CP1"));
    let line = shown.lines().find(|line| line.contains("NormalCost: "));
    let line = line.unwrap_or_else(|| panic!("{shown}"));
    line.split_once("NormalCost: ").unwrap().1.to_owned()
}

const HOUR: i64 = 3_600;

#[test]
fn quirk_09_10_no_clock_of_a_station_in_touch_reaches_the_minutes_of_a_bill() {
    let seventies = -(EPOCH / 1_000_000);
    let halfway = |at: i64| at < 8_000;
    let clocks: [(&str, &dyn Fn(i64) -> i64); 8] = [
        ("true", &|at| at),
        ("1970", &|at| seventies + at),
        ("three hours behind", &|at| at - 3 * HOUR),
        ("an hour behind", &|at| at - HOUR),
        ("three hours ahead", &|at| at + 3 * HOUR),
        ("behind, then set", &|at| {
            if halfway(at) { at - 3 * HOUR } else { at }
        }),
        ("put back", &|at| {
            if halfway(at) { at } else { at - 3 * HOUR }
        }),
        ("put forward", &|at| {
            if halfway(at) { at } else { at + 3 * HOUR }
        }),
    ];
    let mut out = String::new();
    for version in ["1.6", "2.0.1"] {
        for (name, clock) in clocks {
            writeln!(out, "{version} {name}: {}", in_touch(version, clock)).unwrap();
        }
    }
    expect![[r#"
        1.6 true: energy 400/400 + chargingTime 400/400 + idleTime 0/0 = 800/800, 4000000 mWh, 2400 s charging, 0 s idle
        1.6 1970: energy 400/400 + chargingTime 400/400 + idleTime 0/0 = 800/800, 4000000 mWh, 2400 s charging, 0 s idle
        1.6 three hours behind: energy 400/400 + chargingTime 400/400 + idleTime 0/0 = 800/800, 4000000 mWh, 2400 s charging, 0 s idle
        1.6 an hour behind: energy 400/400 + chargingTime 400/400 + idleTime 0/0 = 800/800, 4000000 mWh, 2400 s charging, 0 s idle
        1.6 three hours ahead: energy 400/400 + chargingTime 400/400 + idleTime 0/0 = 800/800, 4000000 mWh, 2400 s charging, 0 s idle
        1.6 behind, then set: energy 400/400 + chargingTime 400/400 + idleTime 0/0 = 800/800, 4000000 mWh, 2400 s charging, 0 s idle
        1.6 put back: energy 400/400 + chargingTime 400/400 + idleTime 0/0 = 800/800, 4000000 mWh, 2400 s charging, 0 s idle
        1.6 put forward: energy 400/400 + chargingTime 400/400 + idleTime 0/0 = 800/800, 4000000 mWh, 2400 s charging, 0 s idle
        2.0.1 true: energy 400/400 + chargingTime 400/400 + idleTime 0/0 = 800/800, 4000000 mWh, 2400 s charging, 0 s idle
        2.0.1 1970: energy 400/400 + chargingTime 400/400 + idleTime 0/0 = 800/800, 4000000 mWh, 2400 s charging, 0 s idle
        2.0.1 three hours behind: energy 400/400 + chargingTime 400/400 + idleTime 0/0 = 800/800, 4000000 mWh, 2400 s charging, 0 s idle
        2.0.1 an hour behind: energy 400/400 + chargingTime 400/400 + idleTime 0/0 = 800/800, 4000000 mWh, 2400 s charging, 0 s idle
        2.0.1 three hours ahead: energy 400/400 + chargingTime 400/400 + idleTime 0/0 = 800/800, 4000000 mWh, 2400 s charging, 0 s idle
        2.0.1 behind, then set: energy 400/400 + chargingTime 400/400 + idleTime 0/0 = 800/800, 4000000 mWh, 2400 s charging, 0 s idle
        2.0.1 put back: energy 400/400 + chargingTime 400/400 + idleTime 0/0 = 800/800, 4000000 mWh, 2400 s charging, 0 s idle
        2.0.1 put forward: energy 400/400 + chargingTime 400/400 + idleTime 0/0 = 800/800, 4000000 mWh, 2400 s charging, 0 s idle
    "#]].assert_eq(&out);
}

#[test]
fn quirk_09_10_a_clock_that_is_behind_by_the_age_of_the_connection_is_not_of_the_time_before_it() {
    for version in ["1.6", "2.0.1"] {
        // It connected three hours and five minutes before.
        let (begin, behind) = (11_100, |at: i64| at - 3 * HOUR);
        assert_eq!(
            in_touch_from(begin, version, &behind),
            in_touch_from(begin, version, &|at| at),
        );
    }
}

#[test]
fn what_was_queued_is_billed_by_the_times_it_is_told_with() {
    let mut out = String::new();
    let mut case = |name: &str, bill: String| writeln!(out, "{name}: {bill}").unwrap();
    case("1.6", out_of_touch("1.6", true, &|at| at));
    case("2.0.1", out_of_touch("2.0.1", true, &|at| at));
    case(
        "2.0.1 without the flag",
        out_of_touch("2.0.1", false, &|at| at),
    );
    expect![[r#"
        1.6: energy 400/400 + chargingTime 400/400 + idleTime 0/0 = 800/800, 4000000 mWh, 2400 s charging, 0 s idle
        2.0.1: energy 400/400 + chargingTime 400/400 + idleTime 0/0 = 800/800, 4000000 mWh, 2400 s charging, 0 s idle
        2.0.1 without the flag: energy 400/400 + chargingTime 400/400 + idleTime 0/0 = 800/800, 4000000 mWh, 2400 s charging, 0 s idle
    "#]].assert_eq(&out);
}

#[test]
fn time_out_of_touch_that_no_clock_tells_is_not_billed() {
    let seventies = -(EPOCH / 1_000_000);
    let mut out = String::new();
    for version in ["1.6", "2.0.1"] {
        let mut case = |name: &str, clock: &dyn Fn(i64) -> i64| {
            writeln!(out, "{version} {name}: {}", lost_in_between(version, clock)).unwrap();
        };
        case("true", &|at| at);
        // Its battery is empty, and it begins anew.
        case("1970 at its end", &|at| {
            if at < 8_000 { at } else { seventies + at }
        });
        case("put back", &|at| {
            if at < 8_000 { at } else { at - 3 * HOUR }
        });
    }
    expect![[r#"
        1.6 true: energy 400/400 + chargingTime 400/400 + idleTime 0/0 = 800/800, 4000000 mWh, 2400 s charging, 0 s idle
        1.6 1970 at its end: energy 400/400 + chargingTime 100/100 + idleTime 0/0 = 500/500, 4000000 mWh, 601 s charging, 0 s idle
        1.6 put back: energy 400/400 + chargingTime 100/100 + idleTime 0/0 = 500/500, 4000000 mWh, 601 s charging, 0 s idle
        2.0.1 true: energy 400/400 + chargingTime 400/400 + idleTime 0/0 = 800/800, 4000000 mWh, 2400 s charging, 0 s idle
        2.0.1 1970 at its end: energy 400/400 + chargingTime 100/100 + idleTime 0/0 = 500/500, 4000000 mWh, 601 s charging, 0 s idle
        2.0.1 put back: energy 400/400 + chargingTime 100/100 + idleTime 0/0 = 500/500, 4000000 mWh, 601 s charging, 0 s idle
    "#]].assert_eq(&out);
}

#[test]
fn a_tariff_that_is_named_later_holds_from_a_beginning_that_can_be() {
    let event = |seq_no: u32, kind: &str, at: i64, clock: i64, more: &str| {
        let time = fleet::UtcMicros(EPOCH + clock * 1_000_000);
        format!(
            r#"{at} a > [2,"{seq_no}","TransactionEvent",{{"eventType":"{kind}","timestamp":"{time}","triggerReason":"Trigger","seqNo":{seq_no},"evse":{{"id":1}},"transactionInfo":{{"transactionId":"T1","chargingState":"Charging"{more}}},"meterValue":[{{"timestamp":"{time}","sampledValue":[{{"value":{}}}]}}]}}]"#,
            1_000 + 1_000 * seq_no
        )
    };
    let run = |began: i64| {
        let mut world = World::new(config(Onboarding::Open));
        world.run(&format!(
            "0 tariff CP9 UTC {MINUTES}\n0 a connect CP1 2.1\n{}\n{}\n{}",
            event(0, "Started", 7_200, began, ""),
            event(1, "Updated", 8_400, 8_400, r#","tariffId":"minutes""#),
            event(2, "Ended", 9_600, 9_600, ""),
        ));
        bill(&mut world, 9_601)
    };
    let expected = run(7_200);
    assert!(expected.contains("2400 s charging"), "{expected}");
    assert_eq!(run(7_200 - 3 * HOUR), expected);

    // All of it was queued before the first connection.
    let mut world = World::new(config(Onboarding::Open));
    let queued = |seq_no, kind, at, clock, more| {
        let event: String = event(seq_no, kind, at, clock, more);
        event.replace(r#""evse""#, r#""offline":true,"evse""#)
    };
    world.run(&format!(
        "0 tariff CP9 UTC {MINUTES}\n7000 a connect CP1 2.1\n{}\n{}\n{}",
        queued(0, "Started", 7_001, 0, ""),
        queued(1, "Updated", 7_002, 1_200, r#","tariffId":"minutes""#),
        queued(2, "Ended", 7_003, 2_400, ""),
    ));
    assert_eq!(seconds(&bill(&mut world, 7_004)), 2_400);
}

/// Under whose tariff a charge is that its driver begins with `token` while his station is out of touch, or `began` says it is,
/// and of which it tells once that is over and the token is no longer as it was; and what it is answered of the token.
fn tariff_and_answer(version: &str, token: &str, began: i64) -> (String, String) {
    const DRIVER: &str =
        r#"{"tariffId":"driver","currency":"EUR","fixedFee":{"prices":[{"priceFixed":1}]}}"#;
    let subprotocol = subprotocol(version);
    let mut world = World::new(config(Onboarding::Open));
    world.run(&format!(
        "0 tariff everywhere UTC {MINUTES}\n0 tariff CP9 UTC {DRIVER}\n0 a connect CP1{subprotocol}\n\
         3600 a drops\n7200 token T {token} tariff=driver\n10800 a connect CP1{subprotocol}"
    ));
    let time = fleet::UtcMicros(EPOCH + began * 1_000_000);
    let told = match version {
        "1.6" => format!(
            r#""StartTransaction",{{"connectorId":1,"idTag":"T","meterStart":1000,"timestamp":"{time}"}}"#
        ),
        _ => format!(
            r#""TransactionEvent",{{"eventType":"Started","timestamp":"{time}","triggerReason":"Authorized","seqNo":0,"offline":true,"evse":{{"id":1}},"idToken":{{"idToken":"T","type":"ISO14443"}},"transactionInfo":{{"transactionId":"T1"}}}}"#
        ),
    };
    let answer = world.run(&format!("{} a > [2,\"1\",{told}]", began.max(10_801)));
    let shown = world.run(&format!("{} op money CP1", began.max(10_801)));
    let word_behind = |text: &str, before: &str| {
        let (_, rest) = text.split_once(before).unwrap_or_else(|| panic!("{text}"));
        let is_in_word = |c: char| c.is_ascii_alphanumeric();
        rest.split(|c| !is_in_word(c)).next().unwrap().to_owned()
    };
    (
        word_behind(&shown, " tariff "),
        word_behind(&answer, r#""status":""#),
    )
}

#[test]
fn who_might_charge_when_he_began_keeps_his_tariff_whatever_his_token_is_by_now() {
    let mut out = String::new();
    for version in ["1.6", "2.0.1", "2.1"] {
        for (token, began) in [
            ("Accepted expires=7200", 3_900),
            ("Accepted expires=7200", 7_199),
            ("Accepted expires=7200", 7_200),
            ("Blocked", 3_900),
            ("NoCredit", 3_900),
            // It was over before, or never good here.
            ("Blocked expires=3900", 3_900),
            ("Blocked device=CP2", 3_900),
            // Its station was in touch then, and is again.
            ("Blocked", 1_000),
            ("Accepted expires=7200", 1_000),
            ("Blocked", 10_900),
        ] {
            let (tariff, answer) = tariff_and_answer(version, token, began);
            writeln!(out, "{version} {token} at {began}: {answer}, {tariff}").unwrap();
        }
    }
    expect![[r#"
        1.6 Accepted expires=7200 at 3900: Expired, driver
        1.6 Accepted expires=7200 at 7199: Expired, driver
        1.6 Accepted expires=7200 at 7200: Expired, minutes
        1.6 Blocked at 3900: Blocked, driver
        1.6 NoCredit at 3900: Blocked, driver
        1.6 Blocked expires=3900 at 3900: Blocked, minutes
        1.6 Blocked device=CP2 at 3900: Blocked, minutes
        1.6 Blocked at 1000: Blocked, minutes
        1.6 Accepted expires=7200 at 1000: Expired, minutes
        1.6 Blocked at 10900: Blocked, minutes
        2.0.1 Accepted expires=7200 at 3900: Expired, driver
        2.0.1 Accepted expires=7200 at 7199: Expired, driver
        2.0.1 Accepted expires=7200 at 7200: Expired, minutes
        2.0.1 Blocked at 3900: Blocked, driver
        2.0.1 NoCredit at 3900: NoCredit, driver
        2.0.1 Blocked expires=3900 at 3900: Blocked, minutes
        2.0.1 Blocked device=CP2 at 3900: Blocked, minutes
        2.0.1 Blocked at 1000: Blocked, minutes
        2.0.1 Accepted expires=7200 at 1000: Expired, minutes
        2.0.1 Blocked at 10900: Blocked, minutes
        2.1 Accepted expires=7200 at 3900: Expired, driver
        2.1 Accepted expires=7200 at 7199: Expired, driver
        2.1 Accepted expires=7200 at 7200: Expired, minutes
        2.1 Blocked at 3900: Blocked, driver
        2.1 NoCredit at 3900: NoCredit, driver
        2.1 Blocked expires=3900 at 3900: Blocked, minutes
        2.1 Blocked device=CP2 at 3900: Blocked, minutes
        2.1 Blocked at 1000: Blocked, minutes
        2.1 Accepted expires=7200 at 1000: Expired, minutes
        2.1 Blocked at 10900: Blocked, minutes
    "#]]
    .assert_eq(&out);
}

/// What befalls a charge, in seconds since ten o'clock. The first that is said begins it, and the last ends it.
#[derive(Clone, Copy)]
enum Step {
    /// At this time so many Wh are on the meter; told at once, or when its station is back.
    Says(i64, u32),
    Queued(i64, i64, u32),
    Beats(i64),
    /// Tells its connector's status, by its clock.
    Shows(i64),
    Drops(i64),
    Connects(i64),
    Restarts(i64),
}

/// Tells a charge as it went, and answers its bill.
fn course(version: &str, clock: &dyn Fn(i64) -> i64, steps: &[Step]) -> String {
    let mut world = world(version);
    let (mut said, mut now) = (0, 0);
    let says = |step: &&Step| matches!(step, Step::Says(..) | Step::Queued(..));
    let last = steps.iter().filter(says).count() - 1;
    for step in steps {
        let due = match *step {
            Step::Queued(_, at, _) => at,
            Step::Says(at, _) | Step::Beats(at) | Step::Drops(at) => at,
            Step::Shows(at) | Step::Connects(at) | Step::Restarts(at) => at,
        };
        while now + 5_000 < due {
            now += 5_000;
            world.run(&format!("{now} wait"));
        }
        now = due;
        let told = match *step {
            Step::Says(at, wh) => Some((at, at, wh)),
            Step::Queued(at, arrives, wh) => Some((at, arrives, wh)),
            Step::Beats(at) => {
                world.run(&format!(r#"{at} a > [2,"h{at}","Heartbeat",{{}}]"#));
                None
            }
            Step::Shows(at) => {
                let time = fleet::UtcMicros(EPOCH + clock(at) * 1_000_000);
                let status = ["Available", "Unavailable"][(at % 2) as usize];
                world.run(&format!(
                    r#"{at} a > [2,"s{at}","StatusNotification",{{"connectorId":1,"errorCode":"NoError","status":"{status}","timestamp":"{time}"}}]"#
                ));
                None
            }
            Step::Drops(at) => {
                world.run(&format!("{at} a drops"));
                None
            }
            Step::Connects(at) => {
                world.run(&format!("{at} a connect CP1{}", subprotocol(version)));
                None
            }
            Step::Restarts(at) => {
                world.run(&format!("{at} restart"));
                None
            }
        };
        let Some((at, arrives, wh)) = told else {
            continue;
        };
        let kind = if said == last { 2 } else { said.min(1) };
        let is_offline = at != arrives;
        let told = Said {
            at,
            arrives,
            clock,
            is_offline,
        };
        say_as(&mut world, version, said, kind, wh, &told);
        said += 1;
    }
    bill(&mut world, now + 1)
}

/// Seconds that a bill has of charging.
fn seconds(bill: &str) -> i64 {
    let charging = bill
        .split(", ")
        .find_map(|part| part.strip_suffix(" s charging"));
    charging.expect("seconds").parse().expect("a number")
}

const SEVENTIES: i64 = -(EPOCH / 1_000_000);

#[test]
fn time_out_of_touch_that_no_clock_tells_is_not_billed_by_what_comes_afterwards() {
    use Step::{Connects, Drops, Says};
    let unset = |at: i64| SEVENTIES + at;
    let mut out = String::new();
    let mut case = |name: &str, steps: &[Step]| {
        for version in ["1.6", "2.0.1"] {
            let seconds = seconds(&course(version, &unset, steps));
            writeln!(out, "{version} {name}: {seconds} s").unwrap();
        }
    };
    case(
        "five events after an hour out of touch",
        &[
            Says(7_200, 1_000),
            Says(7_800, 2_000),
            Drops(7_800),
            Connects(11_400),
            Says(11_460, 3_000),
            Says(11_520, 4_000),
            Says(11_580, 5_000),
            Says(11_640, 6_000),
            Says(11_700, 7_000),
        ],
    );
    case(
        "two hours out of touch",
        &[
            Says(7_200, 1_000),
            Drops(7_800),
            Connects(11_400),
            Says(11_460, 3_000),
            Says(11_520, 4_000),
            Drops(12_600),
            Connects(16_200),
            Says(16_260, 5_000),
            Says(16_320, 6_000),
            Says(16_380, 7_000),
        ],
    );
    case(
        "two hours out of touch, and half an hour in between of which no event tells",
        &[
            Says(7_200, 1_000),
            Drops(7_800),
            Connects(11_400),
            Drops(13_200),
            Connects(16_800),
            Says(17_100, 5_000),
        ],
    );
    case(
        "out of touch right after its beginning",
        &[
            Says(7_200, 1_000),
            Drops(7_200),
            Connects(10_800),
            Says(10_860, 3_000),
            Says(10_920, 4_000),
            Says(10_980, 5_000),
        ],
    );
    expect![[r#"
        1.6 five events after an hour out of touch: 900 s
        2.0.1 five events after an hour out of touch: 900 s
        1.6 two hours out of touch: 1965 s
        2.0.1 two hours out of touch: 1965 s
        1.6 two hours out of touch, and half an hour in between of which no event tells: 2685 s
        2.0.1 two hours out of touch, and half an hour in between of which no event tells: 2685 s
        1.6 out of touch right after its beginning: 180 s
        2.0.1 out of touch right after its beginning: 180 s
    "#]]
    .assert_eq(&out);
}

#[test]
fn a_connection_that_did_not_last_makes_no_queue_unbelieved() {
    use Step::{Beats, Connects, Drops, Queued, Restarts, Says};
    let mut out = String::new();
    let mut case = |name: &str, steps: &[Step]| {
        let bill = course("1.6", &|at| at, steps);
        writeln!(out, "{name}: {} s", seconds(&bill)).unwrap();
    };
    let queue = [
        Queued(8_000, 20_410, 1_000),
        Queued(9_200, 20_411, 3_000),
        Queued(10_400, 20_412, 5_000),
    ];
    let with = |before: &[Step]| [before, &queue].concat();
    case(
        "a quarter of an hour, in which a part of it was told",
        &[
            Drops(7_200),
            Connects(20_000),
            Queued(8_000, 20_010, 1_000),
            Queued(9_200, 20_011, 3_000),
            Drops(20_900),
            Connects(20_902),
            Queued(10_400, 20_910, 5_000),
        ],
    );
    case(
        "back for a second",
        &with(&[
            Drops(7_200),
            Connects(20_400),
            Drops(20_401),
            Connects(20_402),
        ]),
    );
    case(
        "a restart of the server",
        &with(&[
            Drops(7_200),
            Connects(20_400),
            Restarts(20_402),
            Connects(20_405),
        ]),
    );
    case(
        "a restart while it was away",
        &with(&[Drops(7_200), Restarts(20_000), Connects(20_405)]),
    );
    // Minutes in which it was in touch, of which, up to the last, heartbeats and pings alone tell.
    let live = [
        Says(1_000, 1_000),
        Beats(4_000),
        Drops(7_200),
        Connects(20_400),
    ];
    let told = [Queued(7_100, 20_410, 3_000), Queued(8_000, 20_411, 5_000)];
    let bill = course("1.6", &|at| SEVENTIES + at, &[&live[..], &told].concat());
    writeln!(out, "heartbeats alone: {} s", seconds(&bill)).unwrap();
    expect![[r#"
        a quarter of an hour, in which a part of it was told: 2400 s
        back for a second: 2400 s
        a restart of the server: 2400 s
        a restart while it was away: 2400 s
        heartbeats alone: 6206 s
    "#]]
    .assert_eq(&out);
}

#[test]
fn minutes_of_a_clock_that_is_right_again_are_billed() {
    use Step::{Connects, Drops, Queued, Shows};
    let mut out = String::new();
    let mut case = |name: &str, clock: &dyn Fn(i64) -> i64, before: &[Step]| {
        let steps = [
            before,
            &[
                Drops(7_200),
                Connects(20_400),
                Queued(8_000, 20_410, 1_000),
                Queued(9_200, 20_411, 3_000),
                Queued(10_400, 20_412, 5_000),
            ][..],
        ];
        let seconds = seconds(&course("1.6", clock, &steps.concat()));
        writeln!(out, "{name}: {seconds} s").unwrap();
    };
    let unset = |at: i64| if at < 1_000 { SEVENTIES + at } else { at };
    let ahead = |at: i64| if at < 1_000 { at + 2 * HOUR } else { at };
    case("not set at first", &unset, &[Shows(900)]);
    case("ahead at first, and nothing since", &ahead, &[Shows(900)]);
    let live = [900, 3_601, 3_602, 3_603, 3_604, 3_605, 3_606].map(Shows);
    case("ahead at first", &ahead, &live);
    // What it queued of its connectors looks as if it were of now.
    let queued = [7_101, 7_102, 7_103, 7_104, 7_105, 7_106].map(Shows);
    let queued = [&[Shows(5), Drops(10), Connects(6_450)][..], &queued].concat();
    case(
        "ahead at first, and right as a queue is told",
        &ahead,
        &queued,
    );
    expect![[r#"
        not set at first: 2400 s
        ahead at first, and nothing since: 2 s
        ahead at first: 2400 s
        ahead at first, and right as a queue is told: 2 s
    "#]]
    .assert_eq(&out);
}

#[test]
fn what_was_before_the_first_connection_is_believed_for_a_week() {
    use Step::{Connects, Drops, Queued};
    let day = 24 * HOUR;
    let mut out = String::new();
    let mut case = |name: &str, began: i64, before: &[Step]| {
        let back_at = if before.is_empty() { 0 } else { 3_990 };
        let queue = [
            Queued(began, back_at + 10, 1_000),
            Queued(began + 1_200, back_at + 11, 3_000),
            Queued(began + 2_400, back_at + 12, 5_000),
        ];
        let bill = course("2.0.1", &|at| at, &[before, &queue].concat());
        writeln!(out, "{name}: {} s", seconds(&bill)).unwrap();
    };
    case("an hour", -HOUR, &[]);
    let short = [Drops(5), Connects(3_990)];
    case("an hour, and the first connection was short", -HOUR, &short);
    case("since that", 600, &short);
    case("six days", -6 * day, &[]);
    case("eight days", -8 * day, &[]);
    // Its clock tells nothing from half way on.
    let queue = [
        Queued(-HOUR, 10, 1_000),
        Queued(-HOUR + 1_200, 11, 3_000),
        Queued(-1_200, 12, 5_000),
    ];
    let clock = |at| if at < -1_200 { at } else { SEVENTIES + at };
    let bill = course("2.0.1", &clock, &queue);
    writeln!(out, "its end is told by no clock: {} s", seconds(&bill)).unwrap();
    expect![[r#"
        an hour: 2400 s
        an hour, and the first connection was short: 2400 s
        since that: 2400 s
        six days: 2400 s
        eight days: 2 s
        its end is told by no clock: 1212 s
    "#]]
    .assert_eq(&out);
}

#[test]
fn what_a_station_that_waits_could_not_tell_is_believed_when_it_is_let_in() {
    let mut world = world_of("2.0.1", config(Onboarding::Pending));
    let boot = r#"{"reason":"PowerUp","chargingStation":{"model":"M","vendorName":"V"}}"#;
    world.run(&format!(
        "7000 op approve CP1\n7001 a > [2,\"again\",\"BootNotification\",{boot}]"
    ));
    for (n, at, wh) in [(0, 1_000, 1_000), (1, 2_200, 3_000), (2, 3_400, 5_000)] {
        let said = Said {
            at,
            arrives: 7_010 + n as i64,
            clock: &|at| at,
            is_offline: true,
        };
        say(&mut world, "2.0.1", n, wh, &said);
    }
    assert_eq!(seconds(&bill(&mut world, 7_020)), 2_400);
}

#[test]
fn a_beginning_behind_its_end_has_no_minute_out_of_touch_when_no_clock_told_the_end() {
    for is_shown in [false, true] {
        let mut world = world("2.0.1");
        world.run("7000 a drops\n14400 a connect CP1 2.0.1");
        let said = |at: i64, arrives: i64, clock| Said {
            at,
            arrives,
            clock,
            is_offline: true,
        };
        let unset = |at: i64| SEVENTIES + at;
        say_as(
            &mut world,
            "2.0.1",
            1,
            2,
            5_000,
            &said(8_400, 14_401, &unset),
        );
        if is_shown {
            let time = fleet::UtcMicros(EPOCH + 14_402 * 1_000_000);
            world.run(&format!(
                r#"14402 a > [2,"s","StatusNotification",{{"timestamp":"{time}","connectorStatus":"Available","evseId":1,"connectorId":1}}]"#
            ));
        }
        say_as(
            &mut world,
            "2.0.1",
            0,
            0,
            1_000,
            &said(7_200, 14_403, &|at| at),
        );
        assert_eq!(seconds(&bill(&mut world, 14_404)), 1, "{is_shown}");
    }
}

#[test]
fn a_crash_forgets_no_more_than_the_last_minutes() {
    use Step::{Beats, Connects, Drops, Restarts, Says};
    let beats: Vec<_> = (0..60).map(|n| Beats(7_500 + 300 * n)).collect();
    let around = |before: &[Step], after: &[Step]| [before, &beats, after].concat();
    let seventies = |at: i64| SEVENTIES + at;
    // A charge goes on through it.
    let steps = around(
        &[Drops(1_000), Connects(7_000), Says(7_200, 1_000)],
        &[Restarts(25_300), Connects(25_320), Says(25_500, 5_000)],
    );
    let bill = course("1.6", &seventies, &steps);
    let most = 25_500 - 7_200 - 20;
    let found = seconds(&bill);
    assert!((most - 600..=most).contains(&found), "{found} of {most} s");
    // And nothing is believed of the time in which it was in touch before that.
    let steps = around(
        &[],
        &[
            Restarts(25_300),
            Connects(25_320),
            Says(25_600, 1_000),
            Says(26_500, 5_000),
        ],
    );
    let bill = course(
        "1.6",
        &|at| if at < 26_000 { at - 3 * HOUR } else { at },
        &steps,
    );
    assert_eq!(seconds(&bill), 900);
}

#[test]
fn every_station_that_was_connected_at_a_crash_was_heard_until_minutes_before() {
    let mut world = World::new(config(Onboarding::Open));
    world.run("0 a connect CP1\n0 b connect CP2\n0 c connect CP3\n0 d connect CP4\n1000 d drops");
    world.run("4000 wait\n8000 wait");
    // Our own clock was ahead for a moment.
    let at = world.shard.stations.entry(&super::world::key("CP4"));
    let now = world.now();
    let heard_at = now.utc.0 + 10 * 365 * 24 * HOUR * 1_000_000;
    world.shard.record(now, at, &StationHeard { heard_at });
    world.run("8000 wait\n8001 restart");
    let mut heard = |name: &str| {
        let at = world.shard.stations.entry(&super::world::key(name));
        (world.shard.stations[at].state.seen_at.0 - EPOCH) / 1_000_000
    };
    for name in ["CP1", "CP2", "CP3"] {
        let found = heard(name);
        assert!((8_000 - 600..=8_000).contains(&found), "{name}: {found}");
    }
}

/// A charge of a clock that is not set, in a world that has booted: ten minutes, and an hour out of touch.
fn unset_and_away(config: Config) -> World {
    let mut world = world_of("2.0.1", config);
    say_unset(&mut world, 0, 0, 7_200, 1_000);
    world.run("7800 a drops\n11400 a connect CP1 2.0.1");
    world
}

fn say_unset(world: &mut World, n: usize, kind: usize, at: i64, wh: u32) {
    let said = Said {
        at,
        arrives: at,
        clock: &|at| SEVENTIES + at,
        is_offline: false,
    };
    say_as(world, "2.0.1", n, kind, wh, &said);
}

#[test]
fn an_operators_close_adds_no_minute_out_of_touch() {
    let mut world = unset_and_away(config(Onboarding::Open));
    say_unset(&mut world, 1, 1, 11_460, 2_000);
    world.run("11520 op close ended=11520");
    // 585 s to the last ping, and two minutes since it was back.
    assert_eq!(seconds(&bill(&mut world, 11_521)), 705);
}

#[test]
fn what_comes_after_the_end_adds_no_minute() {
    let mut world = unset_and_away(config(Onboarding::Open));
    say_unset(&mut world, 2, 2, 11_460, 3_000);
    let ended = bill(&mut world, 11_461);
    assert_eq!(seconds(&ended), 645);
    say_unset(&mut world, 1, 1, 11_520, 2_000);
    assert_eq!(seconds(&bill(&mut world, 11_521)), 645);
}

#[test]
fn what_a_charge_has_come_to_has_no_minute_out_of_touch() {
    let mut configured = config(Onboarding::Open);
    configured.tariff.cost_updates = CostUpdates::Commands {
        every: Duration::from_secs(60),
    };
    let mut world = unset_and_away(configured);
    let out = world.run("11460 wait");
    // Ten minutes to the last ping, and one since it was back.
    let told = out
        .lines()
        .filter_map(|line| line.split_once("totalCost\":"));
    let told: Vec<_> = told
        .map(|(_, cost)| cost.split(',').next().unwrap())
        .collect();
    assert_eq!(told, ["1.08"], "{out}");
}

#[test]
fn a_reservation_is_used_whatever_the_clock_of_its_station_says() {
    for clock in [0, -3 * HOUR, 3 * HOUR, SEVENTIES] {
        let mut world = world("1.6");
        let time = fleet::UtcMicros(EPOCH + (7_260 + clock) * 1_000_000);
        world.run(&format!(
            r#"
            7200 op reserve CP1 T 9000 id=1 evse=1
            7201 a answers {{"status":"Accepted"}}
            7260 a > [2,"1","StartTransaction",{{"connectorId":1,"idTag":"T","meterStart":1,"timestamp":"{time}","reservationId":1}}]
            "#
        ));
        let shown = world.run("7261 op reservations CP1");
        assert!(shown.contains("by a transaction"), "{clock}: {shown}");
    }
}

#[test]
fn values_that_came_again_after_a_crash_are_billed_as_if_they_had_come_once() {
    let values = |n: u32, second: i64, wh: u32| {
        let time = fleet::UtcMicros(EPOCH + second * 1_000_000);
        format!(
            r#"{second} a > [2,"{n}","MeterValues",{{"connectorId":1,"transactionId":ID,"meterValue":[{{"timestamp":"{time}","sampledValue":[{{"value":"{wh}"}}]}}]}}]"#
        )
    };
    let run = |crash: Option<usize>| {
        let mut world = world("1.6");
        let time = fleet::UtcMicros(EPOCH + 7_200 * 1_000_000);
        world.run(&format!(
            r#"7200 a > [2,"s","StartTransaction",{{"connectorId":1,"idTag":"T","meterStart":1000,"timestamp":"{time}"}}]"#
        ));
        let id = world.ocpp_id("CP1").to_string();
        let [first, second] = [values(1, 8_400, 1_000), values(2, 9_600, 3_000)]
            .map(|values| values.replace("ID", &id));
        if let Some(kept) = crash {
            world.run("8400 disk holds");
            let before = world.log.len();
            world.run(&first);
            let kept = kept.min(world.log.len() - before - 1);
            world.run(&format!(
                "8400 disk keeps {kept}\n8400 restart\n8400 disk goes\n8400 a connect CP1"
            ));
        }
        world.run(&format!("{first}\n{second}"));
        let stop = fleet::UtcMicros(EPOCH + 9_600 * 1_000_000);
        world.run(&format!(
            r#"9601 a > [2,"e","StopTransaction",{{"transactionId":{id},"meterStop":3000,"timestamp":"{stop}"}}]"#
        ));
        bill(&mut world, 9_602)
    };
    let expected = run(None);
    assert!(
        expected.contains("1200 s charging, 1200 s idle"),
        "{expected}"
    );
    for kept in 0..4 {
        assert_eq!(run(Some(kept)), expected, "{kept} records kept");
    }
}

#[test]
fn a_clock_that_was_put_back_holds_no_connector_in_its_state() {
    let mut world = world("1.6");
    for (at, clock, status) in [
        (11_000, 0, "Available"),
        (12_000, -3 * HOUR, "Charging"),
        (12_100, 0, "Available"),
        (12_280, -480, "Charging"),
    ] {
        let time = fleet::UtcMicros(EPOCH + (at + clock) * 1_000_000);
        world.run(&format!(
            r#"{at} a > [2,"{status}","StatusNotification",{{"connectorId":1,"errorCode":"NoError","status":"{status}","timestamp":"{time}"}}]"#
        ));
    }
    let at = world.shard.stations.entry(&super::world::key("CP1"));
    let connector = world.shard.stations[at].state.connector(1, 1);
    let status = connector.and_then(|connector| connector.status);
    assert_eq!(status, Some(fleet::record::ConnectorStatus::Occupied));
}

#[test]
fn a_clock_that_is_ahead_by_minutes_holds_no_connector_either() {
    let mut world = world("1.6");
    let time = fleet::UtcMicros(EPOCH + 12_240 * 1_000_000);
    world.run(&format!(
        r#"12000 a > [2,"1","StatusNotification",{{"connectorId":1,"errorCode":"NoError","status":"Charging","timestamp":"{time}"}}]
12100 a > [2,"2","StatusNotification",{{"connectorId":1,"errorCode":"NoError","status":"Available"}}]"#
    ));
    let at = world.shard.stations.entry(&super::world::key("CP1"));
    let connector = world.shard.stations[at].state.connector(1, 1);
    let status = connector.and_then(|connector| connector.status);
    assert_eq!(status, Some(fleet::record::ConnectorStatus::Available));
}
