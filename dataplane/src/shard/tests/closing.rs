//! Transactions that an operator ends: what becomes of them, and of what their stations say afterwards.

use expect_test::{Expect, expect};
use fleet::record::{TransactionEvent, TransactionSummary};
use fleet::wire::Fact;
use fleet::{MilliwattHours, TransactionId, UtcMicros};
use storage::state::Table;

use super::world::{EPOCH, World, config};
use crate::config::Onboarding;
use crate::router::Ask;
use crate::router::closing::CloseRequest;

/// `close [reason=WORD] [meter=WH] [ended=SECOND] [tenant=NAME]`: the newest transaction that the store has.
pub(super) fn close(world: &mut World, rest: &str) {
    let newest = {
        let rows = world.rows.lock().unwrap();
        let mut ids = rows
            .keys()
            .filter(|(table, _)| *table == Table::Transactions);
        let newest = ids.next_back().expect("a transaction");
        TransactionId(newest.1.as_slice().try_into().expect("an id"))
    };
    let mut request = CloseRequest {
        transaction: newest,
        tenant: "default".into(),
        principal: "op".into(),
        reason: String::new(),
        meter_stop: None,
        ended_at: None,
    };
    for word in rest.split_whitespace() {
        let (name, value) = word.split_once('=').expect("name=value");
        let number = || value.parse::<i64>().expect("a number");
        match name {
            "reason" => request.reason = value.into(),
            "meter" => request.meter_stop = Some(MilliwattHours(number() * 1_000)),
            "ended" => request.ended_at = Some(UtcMicros(EPOCH + number() * 1_000_000)),
            "tenant" => request.tenant = value.into(),
            _ => panic!("{word}"),
        }
    }
    world.ask("close", |reply| Ask::Close { request, reply });
}

fn world() -> World {
    World::new(config(Onboarding::Open))
}

fn check(script: &str, expected: Expect) -> World {
    let mut world = world();
    expected.assert_eq(&world.run(script));
    world
}

/// The events of the log, oldest first.
fn events(world: &World) -> Vec<TransactionEvent> {
    let records = world.log.iter();
    let facts = records.map(|record| fleet::wire::read(record).unwrap().body.to_fact().unwrap());
    facts
        .filter_map(|fact| match fact {
            Fact::TransactionEvent(event) => Some(event),
            _ => None,
        })
        .collect()
}

/// As SQL shows the transaction after each of its events: state, quality, end in seconds, registers and energy in Wh, and
/// why it ended.
fn shown(world: &World) -> String {
    let mut out = String::new();
    for event in events(world) {
        let TransactionSummary {
            state,
            quality,
            ended_at,
            meter_start_mwh,
            meter_stop_mwh,
            energy_mwh,
            ..
        } = event.summary;
        let state = fleet::record::TransactionState::from_code(state).unwrap();
        let quality = fleet::record::Quality::from_code(quality).unwrap();
        let wh = |mwh: Option<i64>| mwh.map(|mwh| mwh / 1_000);
        let ended_at = ended_at.map(|at| (at - EPOCH) / 1_000_000);
        out += &format!(
            "{} {quality} ended {ended_at:?} from {:?} to {:?} energy {:?} {} {}\n",
            state,
            wh(meter_start_mwh),
            wh(meter_stop_mwh),
            wh(energy_mwh),
            event.trigger_reason,
            event.stop_reason,
        );
    }
    out
}

const START_16: &str = r#"[2,"1","StartTransaction",{"connectorId":1,"idTag":"TAG","meterStart":1000,"timestamp":"2026-11-22T10:00:01Z"}]"#;

fn stop_16(world: &World, wh: u32, second: u32) -> String {
    let id = world.ocpp_id("CP1");
    let (minute, second) = (second / 60, second % 60);
    format!(
        r#"[2,"9","StopTransaction",{{"transactionId":{id},"meterStop":{wh},"timestamp":"2026-11-22T10:{minute:02}:{second:02}Z"}}]"#
    )
}

fn values_16(world: &World, wh: u32) -> String {
    let id = world.ocpp_id("CP1");
    format!(
        r#"[2,"5","MeterValues",{{"connectorId":1,"transactionId":{id},"meterValue":[{{"timestamp":"2026-11-22T10:00:30Z","sampledValue":[{{"value":"{wh}"}}]}}]}}]"#
    )
}

/// A transaction of 1.6 that runs, with a register of 1,000 Wh at second 1 and of 3,000 Wh at second 30.
fn running_16() -> World {
    let mut world = world();
    world.run(&format!("1 a connect CP1\n1 a > {START_16}"));
    let values = values_16(&world, 3_000);
    world.run(&format!("30 a > {values}"));
    world
}

#[test]
fn a_close_ends_a_transaction_where_its_station_fell_silent_and_sends_nothing() {
    let mut world = running_16();
    let seen = world.run(
        "
        40 a drops
        90 records shown
        90 op close reason=gone
        90 op transactions CP1
        90 op station CP1
        ",
    );
    expect![[r#"
        90 record TransactionClosed by op because "gone" ended_at None meter_stop None
        90 record TransactionEvent kind 3 gap 0 offline false conflict false state 2
        90 op close: Closed Ended energy Some(MilliwattHours(2000000))
        90 transaction ID on 1.1: ended estimated 2 kWh 1.50 Sigec.Closed
        90 station CP1: accepted offline Unavailable  0 [1.1  3 kWh]
    "#]]
    .assert_eq(&seen);
    expect![[r#"
        active ok ended None from Some(1000) to Some(1000) energy Some(0)  
        ended estimated ended Some(30) from Some(1000) to Some(3000) energy Some(2000) Sigec.Closed Sigec.Closed
    "#]]
    .assert_eq(&shown(&world));
    assert!(world.shard.active.is_empty());
}

#[test]
fn the_operators_end_and_register_are_taken_and_said_twice_they_are_one() {
    let mut world = running_16();
    let seen = world.run(
        "
        90 op close meter=5000 ended=60
        91 op close meter=5000 ended=60
        92 op close
        93 restart
        94 op close meter=5000
        95 op close meter=6000 ended=60
        ",
    );
    expect![[r#"
        90 op close: Closed Ended energy Some(MilliwattHours(4000000))
        91 op close: Closed Ended energy Some(MilliwattHours(4000000))
        92 op close: Closed Ended energy Some(MilliwattHours(4000000))
        93 a ended
        94 op close: Closed Ended energy Some(MilliwattHours(4000000))
        95 op close: Closed Ended energy Some(MilliwattHours(5000000))
    "#]]
    .assert_eq(&seen);
    expect![[r#"
        active ok ended None from Some(1000) to Some(1000) energy Some(0)  
        ended estimated ended Some(60) from Some(1000) to Some(5000) energy Some(4000) Sigec.Closed Sigec.Closed
        ended estimated ended Some(60) from Some(1000) to Some(6000) energy Some(5000) Sigec.Closed Sigec.Closed
    "#]]
    .assert_eq(&shown(&world));
}

#[test]
fn what_cannot_be_is_refused_and_changes_nothing() {
    let mut world = running_16();
    let seen = world.run(
        "
        90 op close meter=2999
        90 op close meter=501001
        90 op close ended=0
        90 op close ended=391
        90 op close tenant=other
        90 op transactions CP1
        ",
    );
    expect![[r#"
        90 op close: Ok(Invalid(MeterBelow { found: MilliwattHours(2999000), told: MilliwattHours(3000000) }))
        90 op close: Ok(Invalid(TooMuchEnergy { found: MilliwattHours(501001000), energy: MilliwattHours(500001000), limit_wh: 500000 }))
        90 op close: Ok(Invalid(EndedBeforeStart { ended_at: 2026-11-22T10:00:00.000Z, started_at: 2026-11-22T10:00:01.000Z }))
        90 op close: Ok(Invalid(EndedInFuture { ended_at: 2026-11-22T10:06:31.000Z, now: 2026-11-22T10:01:30.000Z }))
        90 op close: Ok(Unknown)
        90 transaction ID on 1.1: active ok 2 kWh -
    "#]]
    .assert_eq(&seen);
}

#[test]
fn one_that_its_station_has_ended_is_not_closed() {
    let mut world = running_16();
    let stop = stop_16(&world, 4_000, 50);
    let seen = world.run(&format!(
        "50 a > {stop}\n90 op close meter=9000\n90 op transactions CP1"
    ));
    expect![[r#"
        50 a < [3,"9",{}]
        90 op close: Ended Ended energy Some(MilliwattHours(3000000))
        90 transaction ID on 1.1: ended ok 3 kWh 2.25 Local
    "#]]
    .assert_eq(&seen);
}

/// An estimate of the operator above what the meter says at the end does not make the meter run backwards.
#[test]
fn the_stations_own_end_takes_the_place_of_a_close() {
    for restart in ["", "95 restart\n95 b connect CP1\n"] {
        let mut world = running_16();
        let stop = stop_16(&world, 4_000, 70);
        let who = if restart.is_empty() { "a" } else { "b" };
        world.run("90 op close meter=9000");
        world.run(restart);
        let seen = world.run(&format!(
            "
            100 {who} > {stop}
            101 {who} > {stop}
            101 op transactions CP1
            102 op close meter=9000
            "
        ));
        let seen = seen.replace(" b <", " a <");
        expect![[r#"
            100 a < [3,"9",{}]
            101 a < [3,"9",{}]
            101 transaction ID on 1.1: ended ok 3 kWh 2.25 Local
            102 op close: Ended Ended energy Some(MilliwattHours(3000000))
        "#]]
        .assert_eq(&seen);
        expect![[r#"
            active ok ended None from Some(1000) to Some(1000) energy Some(0)  
            ended estimated ended Some(30) from Some(1000) to Some(9000) energy Some(8000) Sigec.Closed Sigec.Closed
            ended ok ended Some(70) from Some(1000) to Some(4000) energy Some(3000)  Local
        "#]]
        .assert_eq(&shown(&world));
    }
}

#[test]
fn days_later_the_stations_own_end_still_counts() {
    let mut world = running_16();
    let stop = stop_16(&world, 4_000, 70);
    world.run("90 op close meter=9000");
    // It leaves memory after a day, and the sweep comes with a timer.
    let seen = world.run(&format!(
        "
        91 a drops
        90000 wait
        90001 op transactions CP1
        90002 b connect CP1
        90003 b > {stop}
        90004 op transactions CP1
        "
    ));
    assert!(
        seen.contains("90004 transaction ID on 1.1: ended ok 3 kWh"),
        "{seen}"
    );
    assert!(!seen.contains("90001 transaction"), "{seen}");
}

fn event_201(kind: &str, seq_no: u32, second: u32, reason: &str, wh: u32) -> String {
    format!(
        r#"[2,"e{seq_no}","TransactionEvent",{{"eventType":"{kind}","timestamp":"2026-11-22T10:00:{second:02}Z","triggerReason":"{reason}","seqNo":{seq_no},"transactionInfo":{{"transactionId":"T1"}},"evse":{{"id":1,"connectorId":1}},"meterValue":[{{"timestamp":"2026-11-22T10:00:{second:02}Z","sampledValue":[{{"value":{wh},"context":"{}"}}]}}]}}]"#,
        match kind {
            "Started" => "Transaction.Begin",
            "Ended" => "Transaction.End",
            _ => "Sample.Periodic",
        }
    )
}

#[test]
fn what_comes_late_beside_the_end_is_kept_and_changes_nothing() {
    let [started, updated, ended] = [
        event_201("Started", 0, 1, "CablePluggedIn", 1_000),
        event_201("Updated", 1, 20, "MeterValuePeriodic", 2_000),
        event_201("Ended", 2, 30, "EVCommunicationLost", 3_000),
    ];
    let world = check(
        &format!(
            "
            0 a connect CP1 2.0.1
            1 a > {started}
            40 op close meter=8000 ended=35
            50 a > {updated}
            51 op transactions CP1
            52 a > {ended}
            53 op transactions CP1
            "
        ),
        expect![[r#"
            0 a < 101 Switching Protocols ocpp2.0.1
            1 a < [3,"e0",{}]
            1 a < [2,"01a202b2-c8e8-729f-8f13-5767524794fb","TriggerMessage",{"requestedMessage":"BootNotification"}]
            40 op close: Closed Ended energy Some(MilliwattHours(7000000))
            50 a < [3,"e1",{}]
            51 transaction T1 on 1.1: ended estimated 7 kWh 5.25 Sigec.Closed
            52 a < [3,"e2",{"totalCost":1.50}]
            53 transaction T1 on 1.1: ended ok 2 kWh 1.50
        "#]],
    );
    expect![[r#"
        active ok ended None from Some(1000) to Some(1000) energy Some(0) CablePluggedIn 
        ended estimated ended Some(35) from Some(1000) to Some(8000) energy Some(7000) Sigec.Closed Sigec.Closed
        ended estimated ended Some(35) from Some(1000) to Some(8000) energy Some(7000) MeterValuePeriodic Sigec.Closed
        ended ok ended Some(30) from Some(1000) to Some(3000) energy Some(2000) EVCommunicationLost 
    "#]]
    .assert_eq(&shown(&world));
}

#[test]
fn an_orphan_without_an_end_gets_one_and_its_beginning_when_that_comes() {
    let [started, updated] = [
        event_201("Started", 0, 1, "CablePluggedIn", 1_000),
        event_201("Updated", 1, 20, "MeterValuePeriodic", 2_000),
    ];
    let world = check(
        &format!(
            "
            0 a connect CP1 2.0.1
            20 a > {updated}
            40 op close
            41 a > {started}
            42 op transactions CP1
            "
        ),
        expect![[r#"
            0 a < 101 Switching Protocols ocpp2.0.1
            20 a < [3,"e1",{}]
            20 a < [2,"01a202b3-1320-729f-8f13-5767524794fb","TriggerMessage",{"requestedMessage":"BootNotification"}]
            40 op close: Closed Orphan energy None
            41 a < [3,"e0",{}]
            42 transaction T1 on 1.1: ended estimated ? kWh - Sigec.Closed
        "#]],
    );
    expect![[r#"
        orphan estimated ended None from Some(2000) to Some(2000) energy None MeterValuePeriodic 
        orphan estimated ended Some(20) from Some(2000) to Some(2000) energy None Sigec.Closed Sigec.Closed
        ended estimated ended Some(20) from Some(2000) to Some(2000) energy None CablePluggedIn Sigec.Closed
    "#]]
    .assert_eq(&shown(&world));
}

#[test]
fn a_transaction_whose_station_was_deleted_can_be_closed() {
    let mut world = running_16();
    let seen = world.run(
        "
        50 op delete CP1
        60 op close
        ",
    );
    expect![[r#"
        50 a < close 1008 the station was deleted
        50 a ended
        50 op delete CP1: Ok(Ok(()))
        60 op close: Closed Ended energy None
    "#]]
    .assert_eq(&seen);
}

/// What was measured before does not get lost when more comes for a transaction that had left memory.
#[test]
fn late_values_of_one_that_left_memory_do_not_change_its_bill() {
    let [started, ended, late, later] = [
        event_201("Started", 0, 1, "CablePluggedIn", 1_000),
        event_201("Ended", 5, 30, "EVCommunicationLost", 3_000),
        event_201("Updated", 1, 10, "MeterValuePeriodic", 1_500),
        event_201("Updated", 2, 20, "MeterValuePeriodic", 2_000),
    ];
    let mut world = world();
    world.run(&format!(
        "
        0 a connect CP1 2.0.1
        1 a > {started}
        30 a > {ended}
        31 a drops
        90000 wait
        90001 b connect CP1 2.0.1
        90002 b > {late}
        90003 b > {later}
        "
    ));
    let bills: Vec<_> = events(&world)
        .iter()
        .skip(1)
        .map(|event| (event.summary.energy_mwh, event.summary.quality))
        .collect();
    assert_eq!(bills, [(Some(2_000_000), 1); 3]);
}

/// A transaction of 2.0.1 with `seqNo` 0 at second 1 and 5 at second 20, closed at 60 and gone from memory.
fn closed_and_gone() -> World {
    let mut world = world();
    world.run(&format!(
        "
        0 a connect CP1 2.0.1
        1 a > {}
        20 a > {}
        60 op close meter=9000 ended=60
        61 a drops
        90000 wait
        90001 b connect CP1 2.0.1
        ",
        event_201("Started", 0, 1, "CablePluggedIn", 1_000),
        event_201("Updated", 5, 20, "MeterValuePeriodic", 3_000),
    ));
    world
}

fn after(world: &mut World, events: &[String]) -> String {
    for event in events {
        world.run(&format!("90002 b > {event}"));
    }
    world.run("90003 op transactions CP1")
}

#[test]
fn an_end_that_was_overtaken_before_the_close_leaves_it_as_it_is() {
    let shown = after(
        &mut closed_and_gone(),
        &[
            event_201("Updated", 1, 10, "MeterValuePeriodic", 2_000),
            event_201("Ended", 3, 15, "EVCommunicationLost", 2_500),
        ],
    );
    assert!(shown.contains("ended estimated 8 kWh"), "{shown}");
    assert!(shown.ends_with("Sigec.Closed\n"), "{shown}");
}

#[test]
fn the_close_is_no_time_by_which_an_end_is_late() {
    let end = event_201("Ended", 4, 30, "EVCommunicationLost", 4_000);
    let shown = after(&mut closed_and_gone(), &[end]);
    assert!(shown.contains(" 3 kWh"), "{shown}");
    assert!(!shown.contains("Sigec.Closed"), "{shown}");
}

#[test]
fn what_was_measured_before_a_close_counts_when_the_end_comes_behind_something_else() {
    let shown = after(
        &mut closed_and_gone(),
        &[
            event_201("Updated", 1, 10, "MeterValuePeriodic", 2_000),
            event_201("Ended", 6, 30, "EVCommunicationLost", 4_000),
        ],
    );
    assert!(shown.contains(" 3 kWh"), "{shown}");
}

#[test]
fn a_second_close_remembers_what_was_there_before_the_first() {
    let mut world = running_16();
    world.run("90 op close meter=5000 ended=60\n91 op close meter=6000 ended=60");
    let records = world.log.iter();
    let facts = records.map(|record| fleet::wire::read(record).unwrap().body.to_fact().unwrap());
    let before: Vec<_> = facts
        .filter_map(|fact| match fact {
            Fact::TransactionClosed(closed) => Some(closed.before),
            _ => None,
        })
        .collect();
    assert_eq!(before.len(), 2);
    assert_eq!(before[0], before[1]);
}

#[test]
fn a_station_whose_clock_is_ahead_is_closed_neither_before_its_beginning_nor_in_the_future() {
    let ended = |kind: &str| {
        let mut world = world();
        let ahead =
            event_201(kind, 0, 1, "CablePluggedIn", 1_000).replace("T10:00:01Z", "T10:04:00Z");
        world.run(&format!("0 a connect CP1 2.0.1\n1 a > {ahead}\n2 op close"));
        let ended_at = events(&world).last().unwrap().summary.ended_at.unwrap();
        (ended_at - EPOCH) / 1_000_000
    };
    assert_eq!(ended("Started"), 240);
    assert_eq!(ended("Updated"), 2);
}

#[test]
fn registers_that_cannot_be_true_are_billed_by_no_close() {
    let mut world = running_16();
    // Two that agree with each other and not with what was read before.
    let at = |second: u32, wh: u32| {
        let values = values_16(&world, wh).replace("\"5\"", &format!("\"v{second}\""));
        values.replace("T10:00:30Z", &format!("T10:00:{second}Z"))
    };
    let (one, two) = (at(31, 90_000), at(32, 90_100));
    world.run(&format!("31 a > {one}\n32 a > {two}\n90 op close"));
    let summary = events(&world).pop().unwrap().summary;
    let quarantined = fleet::record::Quality::Quarantined.code();
    assert_eq!((summary.quality, summary.cost), (quarantined, None));
}

#[test]
fn a_close_is_refused_while_the_log_takes_nothing() {
    let mut world = running_16();
    world.shard.stalled = true;
    let before = world.log.len();
    let seen = world.run("31 op close");
    assert!(seen.contains("Refused(LogDown)"), "{seen}");
    assert_eq!(world.log.len(), before);
}
