//! More than there is room for: who waits, who is refused, and that the connected notice nothing; the end of the server.

use std::collections::BTreeMap;
use std::fmt::Write;

use expect_test::expect;
use net::ws::{self, MaskKey};

use super::scripts::{check, check_with};
use super::world::{World, config};
use crate::config::{Config, Onboarding};
use crate::shard::HELD_MAX;

fn with_connects(connects_per_second_max: u32) -> Config {
    Config {
        connects_per_second_max,
        ..config(Onboarding::Open)
    }
}

#[test]
fn newcomers_wait_for_their_turn_and_the_connected_wait_for_nobody() {
    check_with(
        with_connects(4),
        r#"
        0 a connect CP1
        0 b connect CP2
        0 c connect CP3
        0 d connect CP4
        0.1 a > [2,"1","Heartbeat",{}]
        0.3 c drops
        0.3 e connect CP5
        2 e > [2,"1","Heartbeat",{}]
        "#,
        expect![[r#"
            0 a < 101 Switching Protocols ocpp1.6
            0.1 a < [3,"1",{"currentTime":"2026-11-22T10:00:00.100Z"}]
            0.26 b < 101 Switching Protocols ocpp1.6
            0.51 d < 101 Switching Protocols ocpp1.6
            0.76 e < 101 Switching Protocols ocpp1.6
            2 e < [3,"1",{"currentTime":"2026-11-22T10:00:02.000Z"}]
        "#]],
    );
}

#[test]
fn those_who_could_not_have_their_turn_in_time_are_refused_at_once() {
    let mut world = World::new(with_connects(1));
    let many: String = (0..40).map(|n| format!("0 s{n} connect CP{n}\n")).collect();
    let seen = world.run(&many);
    assert_eq!(seen.matches("101 Switching").count(), 1, "{seen}");
    assert_eq!(seen.matches("503 Service Unavailable").count(), 9, "{seen}");
    assert!(
        world
            .last_refusal
            .ends_with("\r\n\r\nmore stations come than are let in at once\n"),
        "{}",
        world.last_refusal
    );
    // All others within their thirty seconds.
    let seen = world.run("29.9 wait");
    assert_eq!(seen.matches("101 Switching").count(), 29, "{seen}");
    // The last one's turn would come with the end of its time.
    let seen = world.run("31 wait");
    assert_eq!(seen.matches("503 Service Unavailable").count(), 1, "{seen}");
}

#[test]
fn a_storm_comes_in_at_the_rate_it_is_let_in() {
    let mut world = World::new(with_connects(1_000));
    let many: String = (0..5_000)
        .map(|n| format!("0 s{n} connect STORM{n}\n"))
        .collect();
    let mut came_in = Vec::new();
    let mut count = |seen: String| came_in.push(seen.matches("101 Switching").count());
    count(world.run(&many));
    for second in 1..=6 {
        count(world.run(&format!("{second} wait")));
    }
    assert_eq!(came_in, [33, 1_000, 1_000, 1_000, 1_000, 967, 0]);
}

#[test]
fn a_late_shard_lets_fewer_in_and_all_in_the_end() {
    let mut world = World::new(with_connects(1_000));
    let many: String = (0..3_000)
        .map(|n| format!("0 s{n} connect STORM{n}\n"))
        .collect();
    let came_in = |seen: &str| seen.matches("101 Switching").count();
    let mut all = came_in(&world.run(&many));
    // Each turn takes a tenth of a second.
    let mut each_second = Vec::new();
    for _ in 0..3 {
        (0..10).for_each(|_| world.comes_late(0.1));
        each_second.push(came_in(&std::mem::take(&mut world.out)));
    }
    all += each_second.iter().sum::<usize>();
    let (first, rest) = each_second.split_first().unwrap();
    assert!(*first < 350, "{each_second:?}");
    // A third of the rate is kept up.
    assert!(
        rest.iter().all(|n| (325..=335).contains(n)),
        "{each_second:?}"
    );
    // Once it is punctual again, its pace rises within a second.
    let mut until = |second| came_in(&world.run(&format!("{second} wait")));
    let (fourth, fifth, rest) = (until(4), until(5), until(8));
    assert!((700..950).contains(&fourth), "{fourth}");
    assert!((900..=1_000).contains(&fifth), "{fifth}");
    assert_eq!(all + fourth + fifth + rest, 3_000);
}

#[test]
fn who_has_gone_is_not_remembered_as_waiting() {
    // At such a load nobody is let in, whatever the rate.
    for rate in [0, 1_000] {
        let mut world = World::new(with_connects(rate));
        world.run("0 server memory 90");
        for round in 0..50 {
            let mut script = String::new();
            for n in 0..40 {
                writeln!(script, "{round} r{round}n{n} connect CP{n}").unwrap();
            }
            for n in 0..40 {
                writeln!(script, "{round} r{round}n{n} drops").unwrap();
            }
            world.run(&script);
        }
        let (waiting, held) = world.shard.waiting_and_held();
        assert_eq!(waiting, 0);
        assert!(held <= 128, "{held} are remembered");
    }
}

#[test]
fn the_step_to_full_refuses_those_who_wait_piece_by_piece() {
    let mut world = World::new(with_connects(0));
    let many: String = (0..500)
        .map(|n| format!("1 s{n} connect CP{n}\n"))
        .collect();
    world.run("0 server memory 90");
    world.run(&many);
    let mut refused = |line: &str| world.run(line).matches("503 Service").count();
    assert_eq!(refused("1.05 server memory 95"), 0);
    assert_eq!(refused("1.115 wait"), 200);
    assert_eq!(refused("1.125 wait"), 200);
    assert_eq!(refused("1.135 wait"), 100);
}

#[test]
fn above_85_percent_newcomers_wait_and_above_95_they_are_refused() {
    check(
        r#"
        0 a connect CP1
        1 server memory 85
        1 b connect CP2
        2 a > [2,"1","StartTransaction",{"connectorId":1,"idTag":"T","meterStart":0,"timestamp":"2026-11-22T10:00:00Z"}]
        3 server memory 84
        4 server memory 94
        4 c connect CP3
        5 server memory 95
        6 d connect CP4
        7 a > [2,"2","MeterValues",{"connectorId":1,"meterValue":[{"timestamp":"2026-11-22T10:00:07Z","sampledValue":[{"value":"1"}]}]}]
        8 server memory 90
        9 e connect CP5
        60 wait
        "#,
        expect![[r#"
            0 a < 101 Switching Protocols ocpp1.6
            2 a < [3,"1",{"idTagInfo":{"status":"Accepted"},"transactionId":1732842523}]
            3.01 b < 101 Switching Protocols ocpp1.6
            5.01 c < 503 Service Unavailable
            5.01 c ended
            6 d < 503 Service Unavailable
            6 d ended
            6 d has no socket
            7 a < [3,"2",{}]
            39 e < 503 Service Unavailable
            39 e ended
        "#]],
    );
}

#[test]
fn above_70_percent_most_boots_are_put_off_and_never_all() {
    const BOOT: &str =
        r#"[2,"1","BootNotification",{"chargePointVendor":"V","chargePointModel":"M"}]"#;
    const BOOT_2: &str = r#"[2,"2","BootNotification",{"reason":"PowerUp","chargingStation":{"model":"M","vendorName":"V"}}]"#;
    let mut world = World::new(config(Onboarding::Open));
    let all: String = (0..40)
        .map(|n| {
            format!(
                "0 s{n} connect CP{n}{}\n",
                if n % 2 == 0 { "" } else { " 2.0.1" }
            )
        })
        .collect();
    world.run(&all);
    world.run("1 server memory 70");
    let mut boots = |second: u32| {
        let (mut accepted, mut intervals) = (0, BTreeMap::new());
        for n in 0..40 {
            let boot = if n % 2 == 0 { BOOT } else { BOOT_2 };
            let seen = world.run(&format!("{second} s{n} > {boot}"));
            if seen.contains("\"Accepted\"") {
                accepted += 1;
                continue;
            }
            assert!(seen.contains("\"Rejected\""), "{seen}");
            let interval = seen.split("\"interval\":").nth(1).unwrap();
            let digits: String = interval.chars().take_while(char::is_ascii_digit).collect();
            *intervals.entry(digits.parse::<u32>().unwrap()).or_insert(0) += 1;
        }
        (accepted, intervals)
    };
    let (accepted, intervals) = boots(2);
    assert_eq!(accepted, 12);
    assert!(intervals.len() > 15, "they are spread: {intervals:?}");
    assert!(
        intervals.keys().all(|s| (60..180).contains(s)),
        "{intervals:?}"
    );
    assert_eq!(boots(3).0, 12);
    // Nobody is asked to boot who was told not to.
    world.run("4 server memory 0");
    let seen = world.run(&format!("5 s1 > {BOOT_2}"));
    assert!(seen.contains("\"Accepted\""), "{seen}");
    assert_eq!(world.shard.tally.counters.boots_deferred, 56);
}

#[test]
fn who_boots_above_70_percent_is_to_send_half_as_many_heartbeats() {
    check(
        r#"
        0 a connect CP1
        0 b connect CP2 2.0.1
        1 server memory 69
        1 a > [2,"1","BootNotification",{"chargePointVendor":"V","chargePointModel":"M"}]
        2 server memory 70
        2 a > [2,"2","BootNotification",{"chargePointVendor":"V","chargePointModel":"M"}]
        2 b > [2,"1","BootNotification",{"reason":"PowerUp","chargingStation":{"model":"M","vendorName":"V"}}]
        3 server memory 69
        3 b > [2,"2","BootNotification",{"reason":"PowerUp","chargingStation":{"model":"M","vendorName":"V"}}]
        "#,
        expect![[r#"
            0 a < 101 Switching Protocols ocpp1.6
            0 b < 101 Switching Protocols ocpp2.0.1
            1 a < [3,"1",{"status":"Accepted","currentTime":"2026-11-22T10:00:01.000Z","interval":300}]
            2 a < [3,"2",{"status":"Accepted","currentTime":"2026-11-22T10:00:02.000Z","interval":600}]
            2 b < [3,"1",{"currentTime":"2026-11-22T10:00:02.000Z","interval":600,"status":"Accepted"}]
            3 b < [3,"2",{"currentTime":"2026-11-22T10:00:03.000Z","interval":300,"status":"Accepted"}]
        "#]],
    );
}

#[test]
fn above_95_percent_a_handshake_has_a_second() {
    check(
        r#"
        0 a connect CP1
        0 b raw G
        1 server memory 85
        1 c connect CP2
        2 server memory 84
        3 d raw G
        3 server memory 95
        4 server memory 94
        5 server memory 95
        6 a > [2,"1","Heartbeat",{}]
        "#,
        expect![[r#"
            0 a < 101 Switching Protocols ocpp1.6
            2.01 c < 101 Switching Protocols ocpp1.6
            3 b ended
            5 d ended
            6 a < [3,"1",{"currentTime":"2026-11-22T10:00:06.000Z"}]
        "#]],
    );
}

#[test]
fn a_late_log_puts_boots_off_as_well() {
    let mut world = World::new(config(Onboarding::Open));
    let all: String = (0..20).map(|n| format!("0 s{n} connect CP{n}\n")).collect();
    world.run(&all);
    world.run(
        r#"
        1 disk holds
        1 s0 > [2,"1","StatusNotification",{"connectorId":1,"errorCode":"NoError","status":"Available"}]
        "#,
    );
    let boots: String = (1..20)
        .map(|n| format!("3.1 s{n} > [2,\"2\",\"BootNotification\",{{\"chargePointVendor\":\"V\",\"chargePointModel\":\"M\"}}]\n"))
        .collect();
    let seen = world.run(&(boots + "3.2 disk goes"));
    assert_eq!(seen.matches("\"Accepted\"").count(), 12, "{seen}");
    assert_eq!(seen.matches("\"Rejected\"").count(), 7, "{seen}");
}

#[test]
fn who_waits_for_the_store_is_heard_once_it_has_caught_up() {
    let mut world = World::new(Config {
        shard_bytes_max: 64 << 10,
        ..config(Onboarding::Open)
    });
    world.run("0 a connect CP1\n0 store holds");
    let values: String = (0..1_000)
        .map(|n| format!("1 a > [2,\"{n}\",\"MeterValues\",{{\"connectorId\":1,\"meterValue\":[{{\"timestamp\":\"2026-11-22T10:00:00Z\",\"sampledValue\":[{{\"value\":\"{n}\"}}]}}]}}]\n"))
        .collect();
    let answers = |seen: &str| seen.matches("a < [3,").count();
    let before = answers(&world.run(&values));
    assert!(0 < before && before < 1_000, "{before} answers");
    assert!(!world.shard.wants_reads());
    // All is durable and answered, so no commit comes any more.
    assert_eq!(answers(&world.run("2 wait\n9 wait")), 0);
    let mut seen = world.run("9 store goes");
    for _ in 0..1_000 {
        seen += &world.run("9 wait");
    }
    assert_eq!(before + answers(&seen), 1_000);
}

#[test]
fn who_is_not_listened_to_is_not_taken_for_silent() {
    let mut world = World::new(Config {
        shard_bytes_max: 64 << 10,
        ..config(Onboarding::Open)
    });
    world.run("0 a connect CP1\n0 b connect CP2\n0 b mute\n0 store holds");
    let values: String = (0..1_000)
        .map(|n| format!("1 a > [2,\"{n}\",\"MeterValues\",{{\"connectorId\":1,\"meterValue\":[{{\"timestamp\":\"2026-11-22T10:00:00Z\",\"sampledValue\":[{{\"value\":\"{n}\"}}]}}]}}]\n"))
        .collect();
    let answers = |seen: &str| seen.matches("a < [3,").count();
    let before = answers(&world.run(&values));
    assert!(!world.shard.wants_reads());
    let seen = world.run("600 wait");
    assert!(!seen.contains("ended"), "{seen}");
    let mut seen = world.run("600 store goes");
    for _ in 0..1_000 {
        seen += &world.run("600 wait");
    }
    assert_eq!(before + answers(&seen), 1_000);
    // From here on silence is the station's own again.
    let seen = world.run("749 wait");
    assert!(
        seen.contains("b < ping") && !seen.contains("ended"),
        "{seen}"
    );
    let seen = world.run("751 wait");
    assert!(
        seen.contains("b ended") && !seen.contains("a ended"),
        "{seen}"
    );
}

#[test]
fn who_said_enough_while_its_answers_waited_is_heard_in_the_next_second() {
    let mut world = World::new(Config {
        messages_per_second_max: u16::from(HELD_MAX),
        ..config(Onboarding::Open)
    });
    world.run("0 a connect CP1\n1 disk holds");
    let all = usize::from(HELD_MAX) + 3;
    let mut bytes = Vec::new();
    for n in 0..all {
        let text = format!(
            r#"[2,"{n}","StatusNotification",{{"connectorId":1,"errorCode":"NoError","status":"Available"}}]"#
        );
        ws::write_text(&mut bytes, Some(MaskKey([1, 2, 3, 4])), text.as_bytes());
    }
    world.deliver("a", &bytes);
    world.settle();
    let seen = world.run("1.2 disk goes\n1.9 wait");
    assert_eq!(seen.matches("a < [3,").count(), usize::from(HELD_MAX));
    let seen = world.run("2 wait");
    assert_eq!(seen.matches("a < [3,").count(), 3, "{seen}");
}

#[test]
fn a_connection_that_says_too_much_is_read_more_slowly() {
    let mut world = World::new(Config {
        messages_per_second_max: 100,
        ..config(Onboarding::Open)
    });
    world.run("0 a connect CP1\n0 b connect CP2");
    let mut bytes = Vec::new();
    for n in 0..250 {
        let text = format!("[2,\"{n}\",\"Heartbeat\",{{}}]");
        ws::write_text(&mut bytes, Some(MaskKey([1, 2, 3, 4])), text.as_bytes());
    }
    world.run("1 wait");
    world.deliver("a", &bytes);
    world.settle();
    let mut heard = vec![];
    let mut count = |seen: &str| heard.push(seen.matches("a < [3,").count());
    count(&world.run("1.5 b > [2,\"1\",\"Heartbeat\",{}]"));
    count(&world.run("1.9 wait"));
    count(&world.run("2 wait"));
    count(&world.run("2.5 a > [2,\"x\",\"Heartbeat\",{}]"));
    count(&world.run("3 wait"));
    assert_eq!(heard, [100, 0, 100, 0, 51]);
}

#[test]
fn what_became_long_by_inflating_is_acted_on_piece_by_piece() {
    let mut world = World::new(config(Onboarding::Open));
    world.run("0 a connect CP1 deflate");
    let mut bytes = Vec::new();
    for n in 0..20 {
        let text = format!(r#"[2,"{n}","Heartbeat",{{}}{}]"#, " ".repeat(60_000));
        world.write("a", &mut bytes, &text);
    }
    assert!(bytes.len() < 20 * 1_000, "{} bytes", bytes.len());
    world.deliver("a", &bytes);
    world.settle();
    let at_once = world.out.matches("a < [3,").count();
    assert_eq!(at_once, 5, "256 KiB");
    let seen = world.run("0 wait");
    assert_eq!(seen.matches("a < [3,").count(), 20);
}

/// When connections ended, and how many.
fn ends(seen: &str) -> String {
    let mut by_time = BTreeMap::<String, usize>::new();
    for line in seen.lines().filter(|line| line.contains("< close 1012")) {
        let time: f64 = line.split(' ').next().unwrap().parse().unwrap();
        *by_time.entry(format!("{time:.1}")).or_default() += 1;
    }
    let mut out = String::new();
    for (time, count) in by_time {
        write!(out, "{time}: {count}, ").unwrap();
    }
    out
}

#[test]
fn a_stop_spreads_the_ends_and_waits_for_open_calls() {
    let mut world = World::new(config(Onboarding::Open));
    let many: String = (0..1_000)
        .map(|n| format!("0 s{n} connect CP{n}\n"))
        .collect();
    world.run(&many);
    let seen = world.run("1 server stops 10\n5 wait");
    assert_eq!(
        ends(&seen),
        "1.0: 200, 1.1: 200, 1.2: 200, 1.3: 200, 1.4: 200, "
    );
    assert!(world.shard.drained());

    check(
        r#"
        0 a connect CP1
        0 b connect CP2
        0 c connect CP3
        0 d raw GET /CP4 HTTP/1.1\r\n
        1 op command CP1 wait ClearCache {}
        1 op command CP1 wait ClearCache {}
        1 op command CP2 wait ClearCache {}
        1 disk holds
        1 c > [2,"1","StatusNotification",{"connectorId":1,"errorCode":"NoError","status":"Available"}]
        2 server stops 20
        3 a > [2,"1","Heartbeat",{}]
        4 a answers {"status":"Accepted"}
        5 disk goes
        30 wait
        "#,
        expect![[r#"
            0 a < 101 Switching Protocols ocpp1.6
            0 b < 101 Switching Protocols ocpp1.6
            0 c < 101 Switching Protocols ocpp1.6
            1 a < [2,"01a202b2-c8e8-756e-ab2f-2632d7bd03fb","ClearCache",{}]
            1 b < [2,"01a202b2-c8e8-7223-8824-5a58bc0906fa","ClearCache",{}]
            2 d ended
            3 a < [3,"1",{"currentTime":"2026-11-22T10:00:03.000Z"}]
            4 a < close 1012 server restarts
            4 a ended
            5 c < [3,"1",{}]
            5 c < close 1012 server restarts
            5 c ended
            5 op command ClearCache: Answered Some("{\"status\":\"Accepted\"}") None
            5 op command ClearCache: Unknown None None
            17 b < close 1012 server restarts
            17 b ended
            17 op command ClearCache: Unknown None None
        "#]],
    );
}

/// A newcomer may be read after the others until it has had its first answer; a minute later
/// its answers are counted as those of a station that was there before.
#[test]
fn a_station_is_established_with_its_first_answer() {
    let mut world = World::new(config(Onboarding::Open));
    let mut after = |script: &str| {
        world.run(script);
        let latency = &world.shard.tally.counters.established_latency;
        let counted: u64 = latency.counts.iter().sum();
        (world.may_wait("a"), counted)
    };
    assert_eq!(after("0 a connect CP1"), (true, 0));
    let boot =
        r#"1 a > [2,"1","BootNotification",{"chargePointVendor":"V","chargePointModel":"M"}]"#;
    assert_eq!(after(boot), (false, 0));
    // It is among those that have just come back.
    assert_eq!(after(r#"69 a > [2,"2","Heartbeat",{}]"#), (false, 0));
    // Answered at once, and when its record is durable.
    assert_eq!(after(r#"70 a > [2,"3","Heartbeat",{}]"#), (false, 1));
    let status = r#"71 a > [2,"4","StatusNotification",{"connectorId":1,"errorCode":"NoError","status":"Available"}]"#;
    assert_eq!(after(status), (false, 2));
    // On its next connection it is a newcomer again.
    assert_eq!(after("72 a drops\n73 a connect CP1"), (true, 2));
}
