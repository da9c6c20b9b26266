//! Courses of transactions: every point at which a station may begin and end one, and every way in which what it tells of
//! that may reach us.

use std::fmt::Write;

use expect_test::{Expect, expect};

use super::world::{World, config};
use crate::config::Onboarding;

/// An event as the station means it, without when and under which id.
#[derive(Clone, Copy)]
pub(super) struct Event {
    kind: &'static str,
    trigger: &'static str,
    /// Words as below: `state`, `stopped`, `token`, `evse`, `wh`.
    words: &'static str,
}

const fn event(kind: &'static str, trigger: &'static str, words: &'static str) -> Event {
    Event {
        kind,
        trigger,
        words,
    }
}

/// TxStartPoint, and the events until energy flows (E01 to E03).
pub(super) const BEGINNINGS: &[(&str, &[Event])] = &[
    (
        "ParkingBayOccupancy",
        &[
            event("Started", "EVDetected", ""),
            event("Updated", "CablePluggedIn", "state=EVConnected evse"),
            event("Updated", "Authorized", "token=TAG wh=1000"),
            event("Updated", "ChargingStateChanged", "state=Charging"),
        ],
    ),
    (
        "EVConnected",
        &[
            event(
                "Started",
                "CablePluggedIn",
                "state=EVConnected evse wh=1000",
            ),
            event("Updated", "Authorized", "token=TAG"),
            event("Updated", "ChargingStateChanged", "state=Charging"),
        ],
    ),
    (
        "Authorized",
        &[
            event("Started", "Authorized", "token=TAG"),
            event(
                "Updated",
                "CablePluggedIn",
                "state=EVConnected evse wh=1000",
            ),
            event("Updated", "ChargingStateChanged", "state=Charging"),
        ],
    ),
    (
        "Authorized, the EVSE known",
        &[
            event("Started", "RemoteStart", "token=TAG evse wh=1000"),
            event("Updated", "CablePluggedIn", "state=EVConnected"),
            event("Updated", "ChargingStateChanged", "state=Charging"),
        ],
    ),
    (
        "DataSigned",
        &[
            event("Started", "SignedDataReceived", "token=TAG evse wh=1000"),
            event("Updated", "ChargingStateChanged", "state=Charging"),
        ],
    ),
    (
        "PowerPathClosed",
        &[
            event(
                "Started",
                "ChargingStateChanged",
                "state=SuspendedEVSE token=TAG evse wh=1000",
            ),
            event("Updated", "ChargingStateChanged", "state=Charging"),
        ],
    ),
    (
        "EnergyTransfer",
        &[event(
            "Started",
            "ChargingStateChanged",
            "state=Charging token=TAG evse wh=1000",
        )],
    ),
];

/// TxStopPoint, and the events behind the energy (E05 to E07, E10, E15). The end says 8,000 Wh.
pub(super) const ENDS: &[(&str, &[Event])] = &[
    (
        "ParkingBayOccupancy",
        &[
            event("Updated", "StopAuthorized", "state=EVConnected token=TAG"),
            event("Updated", "EVCommunicationLost", "state=Idle"),
            event("Ended", "EVDeparted", "state=Idle stopped=Local wh=8000"),
        ],
    ),
    (
        "EVConnected",
        &[
            event(
                "Updated",
                "ChargingStateChanged",
                "state=SuspendedEV wh=8000",
            ),
            event(
                "Ended",
                "EVCommunicationLost",
                "state=Idle stopped=EVDisconnected wh=8000",
            ),
        ],
    ),
    (
        "Authorized, by the driver",
        &[event(
            "Ended",
            "StopAuthorized",
            "state=EVConnected stopped=Local token=TAG wh=8000",
        )],
    ),
    (
        "Authorized, taken back",
        &[event(
            "Ended",
            "Deauthorized",
            "state=EVConnected stopped=DeAuthorized wh=8000",
        )],
    ),
    (
        "DataSigned",
        &[
            event("Updated", "StopAuthorized", "state=EVConnected token=TAG"),
            event(
                "Ended",
                "SignedDataReceived",
                "state=EVConnected stopped=Local wh=8000",
            ),
        ],
    ),
    (
        "PowerPathClosed",
        &[event(
            "Ended",
            "AbnormalCondition",
            "state=EVConnected stopped=GroundFault wh=8000",
        )],
    ),
    (
        "EnergyTransfer",
        &[event(
            "Ended",
            "ChargingStateChanged",
            "state=SuspendedEV stopped=StoppedByEV wh=8000",
        )],
    ),
];

pub(super) const HOUR: u32 = 3_600;

/// The events of one charge as JSON, a minute apart from second 60 on.
pub(super) fn events(name: &str, parts: [&[Event]; 2], offline: bool) -> Vec<String> {
    let all = parts.concat();
    (0..)
        .zip(&all)
        .map(|(seq_no, event)| message(name, seq_no, 60 * (seq_no + 1), event, offline))
        .collect()
}

pub(super) fn clock(second: u32) -> String {
    let (hour, minute, second) = (10 + second / HOUR, second / 60 % 60, second % 60);
    format!("2026-11-22T{hour:02}:{minute:02}:{second:02}Z")
}

fn message(name: &str, seq_no: u32, second: u32, event: &Event, offline: bool) -> String {
    let at = clock(second);
    let (mut info, mut more) = (String::new(), String::new());
    for word in event.words.split_whitespace() {
        let (word, value) = word.split_once('=').unwrap_or((word, ""));
        match word {
            "state" => write!(info, r#","chargingState":"{value}""#),
            "stopped" => write!(info, r#","stoppedReason":"{value}""#),
            "token" => write!(more, r#","idToken":{{"idToken":"{value}","type":"ISO14443"}}"#),
            "evse" => write!(more, r#","evse":{{"id":1,"connectorId":1}}"#),
            "wh" => {
                let context = match event.kind {
                    "Ended" => "Transaction.End",
                    _ if value == "1000" => "Transaction.Begin",
                    _ => "Sample.Periodic",
                };
                write!(
                    more,
                    r#","meterValue":[{{"timestamp":"{at}","sampledValue":[{{"value":{value},"context":"{context}"}}]}}]"#
                )
            }
            _ => panic!("{word}"),
        }
        .unwrap();
    }
    if offline {
        more.push_str(r#","offline":true"#);
    }
    let (kind, trigger) = (event.kind, event.trigger);
    format!(
        r#""TransactionEvent",{{"eventType":"{kind}","timestamp":"{at}","triggerReason":"{trigger}","seqNo":{seq_no},"transactionInfo":{{"transactionId":"{name}"{info}}}{more}}}"#
    )
}

const BOOT: &str = r#"a > [2,"boot$N","BootNotification",{"reason":"PowerUp","chargingStation":{"model":"M","vendorName":"V"}}]"#;

/// A station on a socket, and the second it is.
pub(super) struct Station {
    pub(super) world: World,
    pub(super) second: u32,
    frames: u32,
}

impl Station {
    pub(super) fn new() -> Self {
        let mut station = Self {
            world: World::new(config(Onboarding::Open)),
            second: 0,
            frames: 0,
        };
        station.line("token TAG Accepted");
        station.line("a connect CP1 2.0.1");
        station.boot();
        station
    }

    pub(super) fn new_16() -> Self {
        let mut station = Self {
            world: World::new(config(Onboarding::Open)),
            second: 0,
            frames: 0,
        };
        station.line("token TAG Accepted");
        station.line("a connect CP1");
        station.send(r#""BootNotification",{"chargePointVendor":"V","chargePointModel":"M"}"#);
        station
    }

    pub(super) fn line(&mut self, line: &str) -> String {
        self.second += 1;
        self.world.run(&format!("{} {line}", self.second))
    }

    fn boot(&mut self) {
        self.frames += 1;
        self.line(&BOOT.replace("$N", &self.frames.to_string()));
    }

    /// Sends a call, and answers what came of it.
    pub(super) fn send(&mut self, call: &str) -> String {
        self.frames += 1;
        let seen = self.line(&format!(r#"a > [2,"f{}",{call}]"#, self.frames));
        assert!(seen.contains("a < [3,"), "{call}: {seen}");
        seen
    }

    /// What stands of the transactions, a line each.
    pub(super) fn shown(&mut self) -> String {
        let seen = self.line("op transactions CP1");
        let lines = seen.lines().map(|line| line.split_once(' ').unwrap().1);
        lines.map(|line| format!("{line}\n")).collect()
    }
}

/// How messages reach us.
#[derive(Clone, Copy, Debug)]
enum Way {
    /// Each once, as it happens.
    Live,
    /// All of them an hour later, out of the station's queue (E04, E08, E12).
    Queued,
    /// Each twice under another message id, and all once more in the end (E13).
    Repeated,
    /// On a connection of its own each, with and without a boot between them.
    Reconnected,
    /// The server was killed before each.
    Killed,
    /// The end first, the rest behind it.
    EndFirst,
    /// The newest first.
    Backwards,
}

const WAYS: [Way; 7] = [
    Way::Live,
    Way::Queued,
    Way::Repeated,
    Way::Reconnected,
    Way::Killed,
    Way::EndFirst,
    Way::Backwards,
];

fn deliver(station: &mut Station, way: Way, parts: [&[Event]; 2]) {
    let mut messages = events("T1", parts, matches!(way, Way::Queued));
    match way {
        Way::Live => messages
            .iter()
            .for_each(|message| drop(station.send(message))),
        Way::Queued => {
            station.line("a drops");
            station.second = HOUR;
            station.line("a connect CP1 2.0.1");
            messages
                .iter()
                .for_each(|message| drop(station.send(message)));
        }
        Way::Repeated => {
            for message in &messages {
                station.send(message);
                station.send(message);
            }
            messages
                .iter()
                .for_each(|message| drop(station.send(message)));
        }
        Way::Reconnected => {
            for (n, message) in messages.iter().enumerate() {
                station.line("a drops");
                station.line("a connect CP1 2.0.1");
                if n % 2 == 0 {
                    station.boot();
                }
                station.send(message);
            }
        }
        Way::Killed => {
            for message in &messages {
                station.line("restart");
                station.line("a connect CP1 2.0.1");
                station.send(message);
            }
        }
        Way::EndFirst => {
            let end = messages.pop().expect("an end");
            station.send(&end);
            messages
                .iter()
                .for_each(|message| drop(station.send(message)));
        }
        Way::Backwards => {
            messages.reverse();
            messages
                .iter()
                .for_each(|message| drop(station.send(message)));
        }
    }
}

/// E01, E02, E03, E05, E06, E07: whichever points a station begins and ends at, and however it tells of it, there is one
/// transaction with one end, one energy and one cost.
#[test]
fn e01_to_e07_every_start_and_stop_point_in_every_way_is_one_transaction() {
    for (start_point, beginning) in BEGINNINGS {
        for (stop_point, end) in ENDS {
            let words = end.last().expect("an end").words;
            let reason = words.split_once("stopped=").unwrap().1;
            let reason = reason.split(' ').next().unwrap();
            for way in WAYS {
                let mut station = Station::new();
                deliver(&mut station, way, [beginning, end]);
                assert_eq!(
                    station.shown(),
                    format!("transaction T1 on 1.1: ended ok 7 kWh 5.25 {reason}\n"),
                    "{start_point} to {stop_point}, {way:?}"
                );
                assert!(station.world.shard.active.is_empty());
            }
        }
    }
}

/// Two charges on one EVSE, one behind the other: what comes late of the first says nothing of the second.
#[test]
fn e_the_next_transaction_on_an_evse_is_another_one() {
    let (beginning, end) = (BEGINNINGS[1].1, ENDS[1].1);
    let first = events("T1", [beginning, end], false);
    let second = events("T2", [beginning, end], false);
    let mut station = Station::new();
    let (first_end, before) = first.split_last().unwrap();
    before
        .iter()
        .for_each(|message| drop(station.send(message)));
    // The cable was changed while the end of the first waited in the queue.
    second[..3]
        .iter()
        .for_each(|message| drop(station.send(message)));
    station.send(first_end);
    station.send(&before[2]);
    assert_eq!(
        station.shown(),
        "transaction T1 on 1.1: ended ok 7 kWh 5.25 EVDisconnected\n\
         transaction T2 on 1.1: active ok 0 kWh -\n"
    );
    second[3..]
        .iter()
        .for_each(|message| drop(station.send(message)));
    station.send(first_end);
    assert_eq!(
        station.shown(),
        "transaction T1 on 1.1: ended ok 7 kWh 5.25 EVDisconnected\n\
         transaction T2 on 1.1: ended ok 7 kWh 5.25 EVDisconnected\n"
    );
}

/// A 1.6 station, its calls one a second from `at` on; `$TX` is the id of the transaction of the newest start.
fn run_16(script: &str) -> String {
    let mut world = World::new(config(Onboarding::Open));
    world.run("0 token TAG Accepted\n0 a connect CP1");
    world.run(
        r#"0 a > [2,"b","BootNotification",{"chargePointVendor":"V","chargePointModel":"M"}]"#,
    );
    let mut out = String::new();
    for (n, line) in script
        .lines()
        .map(str::trim)
        .filter(|l| !l.is_empty())
        .enumerate()
    {
        let (second, what) = line.split_once(' ').unwrap();
        let (who, rest) = what.split_once(' ').unwrap_or((what, ""));
        let line = match who {
            "start" | "values" | "stop" => format!("{second} a > {}", call_16(n, who, rest)),
            _ => line.to_owned(),
        };
        let line = match line.contains("$TX") {
            true => line.replace("$TX", &world.ocpp_id("CP1")),
            false => line,
        };
        for seen in world.run(&line).lines() {
            let (_, what) = seen.split_once(' ').unwrap();
            if what.starts_with("transaction") || what.contains("[4,") || what.starts_with("op") {
                writeln!(out, "{what}").unwrap();
            }
        }
    }
    out
}

fn check_16(script: &str, expected: Expect) {
    expected.assert_eq(&run_16(script));
}

/// `CONNECTOR WH SECOND`, `ID CONNECTOR WH SECOND`, `ID WH SECOND`: of a station's own clock.
fn call_16(n: usize, verb: &str, rest: &str) -> String {
    let words: Vec<_> = rest.split(' ').collect();
    let at = |second: &str| clock(second.parse().expect("seconds"));
    match (verb, &words[..]) {
        ("start", [connector, wh, second]) => format!(
            r#"[2,"{n}","StartTransaction",{{"connectorId":{connector},"idTag":"TAG","meterStart":{wh},"timestamp":"{}"}}]"#,
            at(second)
        ),
        ("values", [id, connector, wh, second]) => format!(
            r#"[2,"{n}","MeterValues",{{"connectorId":{connector},"transactionId":{id},"meterValue":[{{"timestamp":"{}","sampledValue":[{{"value":"{wh}"}}]}}]}}]"#,
            at(second)
        ),
        ("stop", [id, wh, second]) => format!(
            r#"[2,"{n}","StopTransaction",{{"transactionId":{id},"meterStop":{wh},"timestamp":"{}"}}]"#,
            at(second)
        ),
        _ => panic!("{verb} {rest}"),
    }
}

#[test]
fn offline_16_what_was_queued_without_an_id_is_about_the_start_before_it() {
    for id in ["-1", "0"] {
        let script = "
            7200 start 1 1000 600
            7201 values ID 1 2000 1200
            7202 op transactions CP1
            7203 values ID 2 9000 1300
            7204 stop ID 5000 1800
            7205 op transactions CP1
            7206 stop ID 5000 1800
            7207 values ID 1 4000 1500
            7208 op transactions CP1
            "
        .replace("ID", id);
        assert_eq!(
            run_16(&script),
            "transaction ID on 1.1: active ok 1 kWh -\n\
             transaction ID on 1.1: ended ok 4 kWh 3.00 Local\n\
             transaction ID on 1.1: ended ok 4 kWh 3.00 Local\n",
            "{id}"
        );
    }
}

#[test]
fn offline_16_several_charges_in_one_queue_each_have_their_own_end() {
    check_16(
        "
        9000 start 1 1000 600
        9001 stop -1 2000 1200
        9002 start 1 2000 1800
        9003 stop -1 4000 2400
        9004 start 1 4000 3000
        9005 values -1 1 4500 3100
        9006 op transactions CP1
        9007 stop $TX 7000 9007
        9008 stop -1 2000 1200
        9009 stop -1 4000 2400
        9010 op transactions CP1
        ",
        expect![[r#"
            transaction ID on 1.1: ended ok 1 kWh 0.75 Local
            transaction ID on 1.1: ended ok 2 kWh 1.50 Local
            transaction ID on 1.1: active ok 0.5 kWh -
            transaction ID on 1.1: ended ok 1 kWh 0.75 Local
            transaction ID on 1.1: ended ok 2 kWh 1.50 Local
            transaction ID on 1.1: ended ok 3 kWh 2.25 Local
        "#]],
    );
}

#[test]
fn offline_16_an_end_that_fits_nothing_ends_nothing() {
    check_16(
        "
        600 start 1 1000 600
        601 stop -1 900 590
        700 stop -1 1500 699
        701 stop 0 500 600
        702 op transactions CP1
        9000 start 2 1000 3000
        9001 start 3 1000 3000
        9002 stop -1 3000 3600
        9003 op transactions CP1
        9004 restart
        9005 op transactions CP1
        ",
        expect![[r#"
            transaction ID on 1.1: active ok 0 kWh -
            transaction -1 on 0.0: orphan estimated ? kWh - Local
            transaction -1 on 0.0: orphan estimated ? kWh - Local
            transaction 0 on 0.0: orphan estimated ? kWh - Local
            transaction ID on 1.1: active ok 0 kWh -
            transaction -1 on 0.0: orphan estimated ? kWh - Local
            transaction -1 on 0.0: orphan estimated ? kWh - Local
            transaction 0 on 0.0: orphan estimated ? kWh - Local
            transaction ID on 2.1: active ok 0 kWh -
            transaction ID on 3.1: active ok 0 kWh -
            transaction -1 on 0.0: orphan estimated ? kWh - Local
            transaction ID on 1.1: active ok 0 kWh -
            transaction -1 on 0.0: orphan estimated ? kWh - Local
            transaction -1 on 0.0: orphan estimated ? kWh - Local
            transaction 0 on 0.0: orphan estimated ? kWh - Local
            transaction ID on 2.1: active ok 0 kWh -
            transaction ID on 3.1: active ok 0 kWh -
            transaction -1 on 0.0: orphan estimated ? kWh - Local
        "#]],
    );
}

#[test]
fn offline_16_a_retry_after_a_restart_makes_no_orphan() {
    check_16(
        "
        7200 start 1 1000 600
        7201 stop -1 5000 1800
        7202 restart
        7203 a connect CP1
        7204 stop -1 5000 1800
        7205 start 1 1000 600
        7206 op transactions CP1
        ",
        expect![[r#"
            transaction ID on 1.1: ended ok 4 kWh 3.00 Local
        "#]],
    );
}
