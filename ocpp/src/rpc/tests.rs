use std::fmt::Write as _;
use std::time::Duration;

use expect_test::{Expect, expect};

use super::*;
use crate::{Version, scan};

const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
const QUEUE_LEN_MAX: u16 = 2;

/// Runs a script and compares what comes out. A line is a second and an input: `5 call a Reset`, which
/// may name its seconds (`5 call a Reset 10`), `5 frame [3,"a",{}]`,
/// `5 unreadable a`, `5 close`; `wait` lets time pass until nothing is due any more.
fn check(script: &str, expected: Expect) {
    let mut rpc = Rpc::new(QUEUE_LEN_MAX);
    let mut out = String::new();
    for line in script
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
    {
        if line == "wait" {
            while let Some(due) = rpc.poll_timeout() {
                rpc.handle_timeout(due);
                drain(&mut rpc, due, &mut out);
            }
            continue;
        }
        let (second, input) = line.split_once(' ').unwrap();
        let now = Instant(0) + Duration::from_secs(second.parse().unwrap());
        rpc.handle_timeout(now);
        let (verb, rest) = input.split_once(' ').unwrap_or((input, ""));
        match verb {
            "call" => {
                let mut words = rest.split(' ');
                let (id, action) = (words.next().unwrap(), words.next().unwrap());
                let seconds = words.next().map(|seconds| seconds.parse().unwrap());
                let call = Call {
                    answer_timeout: seconds.map_or(ANSWER_TIMEOUT, Duration::from_secs),
                    ..call(id, action)
                };
                if let Err(full) = rpc.call(now, call) {
                    writeln!(out, "{second} refused: {full}").unwrap();
                }
            }
            "frame" => rpc.handle_frame(now, &scan(rest, Version::V201).unwrap()),
            "unreadable" => rpc.handle_unreadable(now, rest),
            "close" => {
                let (sent, unsent) = std::mem::replace(&mut rpc, Rpc::new(0)).into_calls();
                let ids = |calls: &mut dyn Iterator<Item = Call>| {
                    calls.map(|call| call.id).collect::<Vec<_>>().join(" ")
                };
                let (sent, unsent) = (ids(&mut sent.into_iter()), ids(&mut unsent.into_iter()));
                writeln!(out, "{second} closed, sent: {sent}, unsent: {unsent}").unwrap();
            }
            _ => panic!("no such input: {line}"),
        }
        drain(&mut rpc, now, &mut out);
    }
    writeln!(out, "unexpected answers: {}", rpc.answers_unexpected()).unwrap();
    expected.assert_eq(&out);
}

fn call(id: &str, action: &str) -> Call {
    Call {
        id: id.to_owned(),
        action: action.to_owned().into(),
        payload: "{}".to_owned(),
        answer_timeout: ANSWER_TIMEOUT,
    }
}

fn drain(rpc: &mut Rpc, now: Instant, out: &mut String) {
    let second = now.0 / 1_000_000_000;
    while let Some(event) = rpc.poll_event() {
        let id = event.call.id;
        match event.outcome {
            Outcome::Answered(payload) => writeln!(out, "{second} answered {id} {payload}"),
            Outcome::Refused {
                code, description, ..
            } => writeln!(out, "{second} refused {id} {code} {description:?}"),
            Outcome::Unreadable => writeln!(out, "{second} unreadable {id}"),
            Outcome::TimedOut => writeln!(out, "{second} timed out {id}"),
        }
        .unwrap();
    }
    while let Some(call) = rpc.poll_transmit() {
        writeln!(out, "{second} send {} {}", call.id, call.action).unwrap();
    }
}

#[test]
fn part4_4_1_1_silence_ends_in_a_timeout_and_frees_the_line() {
    check(
        "
        0 call a Reset
        1 call b ClearCache
        wait
        ",
        expect![[r#"
            0 send a Reset
            30 timed out a
            30 send b ClearCache
            60 timed out b
            unexpected answers: 0
        "#]],
    );
}

#[test]
fn each_call_has_its_own_time_from_when_the_line_is_its_own() {
    check(
        "
        0 call a Reset 100
        1 call b ClearCache 5
        2 call c Reset
        wait
        ",
        expect![[r#"
            0 send a Reset
            100 timed out a
            100 send b ClearCache
            105 timed out b
            105 send c Reset
            135 timed out c
            unexpected answers: 0
        "#]],
    );
}

#[test]
fn part4_4_1_1_one_call_at_a_time_in_the_order_they_were_made() {
    check(
        r#"
        0 call a Reset
        0 call b ClearCache
        0 call c Reset
        2 frame [3,"a",{"status":"Accepted"}]
        3 frame [4,"b","NotSupported","no cache",{}]
        4 frame [3,"c",{}]
        "#,
        expect![[r#"
            0 send a Reset
            2 answered a {"status":"Accepted"}
            2 send b ClearCache
            3 refused b NotSupported "no cache"
            3 send c Reset
            4 answered c {}
            unexpected answers: 0
        "#]],
    );
}

#[test]
fn part4_4_1_1_a_late_answer_is_counted_and_passed_by() {
    check(
        r#"
        0 call a Reset
        1 call b ClearCache
        31 frame [3,"a",{}]
        32 frame [3,"b",{}]
        33 frame [3,"b",{}]
        34 frame [3,"never",{}]
        "#,
        expect![[r#"
            0 send a Reset
            31 timed out a
            31 send b ClearCache
            32 answered b {}
            unexpected answers: 3
        "#]],
    );
}

#[test]
fn part4_4_1_4_an_answer_to_a_waiting_call_is_not_its_answer() {
    check(
        r#"
        0 call a Reset
        0 call b ClearCache
        1 frame [3,"b",{}]
        2 frame [3,"a",{}]
        "#,
        expect![[r#"
            0 send a Reset
            2 answered a {}
            2 send b ClearCache
            unexpected answers: 1
        "#]],
    );
}

#[test]
fn a_full_queue_gives_the_call_back() {
    check(
        r#"
        0 call a Reset
        0 call b Reset
        0 call c Reset
        0 call d Reset
        1 frame [3,"a",{}]
        1 call d Reset
        "#,
        expect![[r#"
            0 send a Reset
            0 refused: 2 calls wait for this connection already; Reset was not taken
            1 answered a {}
            1 send b Reset
            unexpected answers: 0
        "#]],
    );
}

#[test]
fn part4_4_2_2_a_broken_answer_ends_its_call() {
    check(
        "
        0 call a Reset
        0 call b Reset
        1 unreadable a
        2 unreadable x
        ",
        expect![[r#"
            0 send a Reset
            1 unreadable a
            1 send b Reset
            unexpected answers: 1
        "#]],
    );
}

#[test]
fn a_closed_connection_gives_its_calls_back() {
    check(
        "
        0 call a Reset
        0 call b Reset
        1 close
        ",
        expect![[r#"
            0 send a Reset
            1 closed, sent: a, unsent: b
            unexpected answers: 0
        "#]],
    );
}

#[test]
fn part4_4_1_1_the_peers_calls_do_not_touch_ours() {
    check(
        r#"
        0 call a Reset
        1 frame [2,"a","Heartbeat",{}]
        2 frame [3,"a",{}]
        "#,
        expect![[r#"
            0 send a Reset
            2 answered a {}
            unexpected answers: 0
        "#]],
    );
}

#[test]
fn part4_4_1_4_what_was_not_sent_cannot_be_answered() {
    let mut rpc = Rpc::new(QUEUE_LEN_MAX);
    let call = call("a", "Reset");
    rpc.call(Instant(0), call.clone()).unwrap();
    rpc.handle_frame(Instant(1), &scan(r#"[3,"a",{}]"#, Version::V16).unwrap());
    assert_eq!(rpc.poll_event(), None);
    assert_eq!(rpc.answers_unexpected(), 1);
    assert_eq!(rpc.into_calls(), (None, vec![call]));
}

#[test]
fn an_idle_connection_holds_no_memory() {
    let mut rpc = Rpc::new(QUEUE_LEN_MAX);
    let call = call("a", "Reset");
    rpc.call(Instant(0), call).unwrap();
    assert!(rpc.poll_transmit().is_some());
    rpc.handle_frame(Instant(1), &scan(r#"[3,"a",{}]"#, Version::V16).unwrap());
    assert!(rpc.poll_event().is_some());
    assert!(rpc.line.is_none());
}
