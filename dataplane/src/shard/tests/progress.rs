//! What is missing of transactions, and what their stations say of them.

use std::time::Duration;

use expect_test::{Expect, expect};
use fleet::TransactionId;
use storage::state::Table;

use super::world::{World, config};
use crate::config::Onboarding;
use crate::router::Ask;
use crate::router::pending::pending;

/// `progress`: of every transaction that the store has.
pub(super) fn show(world: &mut World) {
    let ids: Vec<_> = {
        let rows = world.rows.lock().unwrap();
        let ids = rows
            .keys()
            .filter(|(table, _)| *table == Table::Transactions);
        ids.map(|(_, key)| TransactionId(key.as_slice().try_into().expect("an id")))
            .collect()
    };
    for id in ids {
        let (reply, pending) = pending();
        let now = world.now();
        world.shard.ask(now, Ask::Transaction { id, reply });
        let view = pending
            .wait(Duration::ZERO)
            .unwrap()
            .expect("a transaction");
        let progress = view.progress.unwrap_or_default();
        let told = progress.told.map_or("nothing".to_owned(), |told| {
            format!(
                "ongoing {:?} queue {}",
                told.ongoing, told.messages_in_queue
            )
        });
        let name = view.ocpp_transaction_id;
        world.say(&format!(
            "transaction {name} {} lacks {:?}, told {told}",
            view.state, progress.missing
        ));
    }
}

fn world() -> World {
    World::new(config(Onboarding::Open))
}

fn check(script: &str, expected: Expect) {
    expected.assert_eq(&shown(&mut world(), script));
}

/// What an operator sees, without the frames.
fn shown(world: &mut World, script: &str) -> String {
    let script = script.lines().map(expand).collect::<Vec<_>>().join("\n");
    let seen = world.run(&script);
    let shown = |line: &&str| line.contains(" transaction T") || line.contains(" progress");
    seen.lines()
        .filter(shown)
        .map(|line| format!("{line}\n"))
        .collect()
}

/// `SECOND a tx KIND SEQ`: the station sends an event of the transaction T1, at that second.
fn expand(line: &str) -> String {
    let words: Vec<_> = line.split_whitespace().collect();
    let [second, who, "tx", kind, seq_no] = words[..] else {
        return line.to_owned();
    };
    let at: u32 = second.parse().expect("seconds");
    let info = match kind {
        "Ended" => r#""chargingState":"Idle","stoppedReason":"Local""#,
        _ => r#""chargingState":"Charging""#,
    };
    format!(
        r#"{second} {who} > [2,"{at}-{seq_no}","TransactionEvent",{{"eventType":"{kind}","timestamp":"2026-11-22T10:{:02}:{:02}Z","triggerReason":"ChargingStateChanged","seqNo":{seq_no},"evse":{{"id":1,"connectorId":1}},"transactionInfo":{{"transactionId":"T1",{info}}}}}]"#,
        at / 60,
        at % 60
    )
}

const BEGUN: &str = r#"
    1 a connect CP1 2.0.1
    1 a > [2,"b","BootNotification",{"reason":"PowerUp","chargingStation":{"model":"M","vendorName":"V"}}]
    2 a tx Started 0
"#;

#[test]
fn e_seq_no_what_has_not_come_is_named_until_it_does() {
    let mut world = world();
    shown(&mut world, BEGUN);
    let seen = shown(
        &mut world,
        "
        3 a tx Updated 1
        3 op progress
        4 a tx Updated 5
        4 op progress
        5 a tx Updated 3
        5 op progress
        6 a tx Updated 3
        7 a tx Updated 2
        8 a tx Ended 8
        8 op progress
        9 restart
        9 op progress
        10 a connect CP1 2.0.1
        11 a tx Updated 7
        12 a tx Updated 4
        13 a tx Updated 6
        13 op progress
        ",
    );
    expect![[r#"
        3 transaction T1 active lacks [], told nothing
        4 transaction T1 active lacks [2, 3, 4], told nothing
        5 transaction T1 active lacks [2, 4], told nothing
        8 transaction T1 ended lacks [4, 6, 7], told nothing
        9 transaction T1 ended lacks [4, 6, 7], told nothing
        13 transaction T1 ended lacks [], told nothing
    "#]]
    .assert_eq(&seen);
}

#[test]
fn e_seq_no_a_transaction_whose_beginning_is_late_lacks_all_before_what_came() {
    check(
        r#"
        1 a connect CP1 2.0.1
        1 a > [2,"b","BootNotification",{"reason":"PowerUp","chargingStation":{"model":"M","vendorName":"V"}}]
        10 a tx Updated 3
        10 op progress
        11 a tx Started 1
        11 op progress
        12 a tx Updated 2
        12 op progress
        "#,
        expect![[r#"
            10 transaction T1 orphan lacks [0, 1, 2], told nothing
            11 transaction T1 active lacks [2], told nothing
            12 transaction T1 active lacks [], told nothing
        "#]],
    );
}

#[test]
fn a_crash_between_a_gap_and_its_event_is_mended_by_the_retry() {
    let mut world = world();
    shown(&mut world, BEGUN);
    let seen = shown(
        &mut world,
        "
        3 disk holds
        4 a tx Updated 3
        5 disk keeps 1
        5 restart
        5 disk goes
        6 op progress
        7 a connect CP1 2.0.1
        8 a tx Updated 3
        8 op progress
        ",
    );
    expect![[r#"
        6 transaction T1 active lacks [], told nothing
        8 transaction T1 active lacks [1, 2], told nothing
    "#]]
    .assert_eq(&seen);
}

#[test]
fn what_cannot_be_looked_up_is_refused_and_comes_again() {
    let mut world = world();
    shown(&mut world, BEGUN);
    let seen = world.run(
        &[
            "3 store breaks",
            "4 a tx Updated 3",
            "5 store works",
            "6 op progress",
            "7 a tx Updated 3",
            "7 op progress",
        ]
        .map(expand)
        .join("\n"),
    );
    expect![[r#"
        4 a < [4,"4-3","InternalError","the state store cannot be read, nothing was decided",{}]
        6 transaction T1 active lacks [], told nothing
        7 a < [3,"7-3",{}]
        7 transaction T1 active lacks [1, 2], told nothing
    "#]]
    .assert_eq(&seen);
}

#[test]
fn e14_what_a_station_says_of_a_transaction_stands_beside_it() {
    let mut world = world();
    shown(&mut world, BEGUN);
    let seen = shown(
        &mut world,
        r#"
        3 op command CP1 GetTransactionStatus {"transactionId":"T1"}
        4 a answers {"ongoingIndicator":true,"messagesInQueue":true}
        4 op progress
        5 op command CP1 GetTransactionStatus {}
        6 a answers {"messagesInQueue":false}
        7 op command CP1 GetTransactionStatus {"transactionId":"T9"}
        8 a answers {"messagesInQueue":false}
        8 op progress
        9 a tx Ended 1
        9 restart
        10 a connect CP1 2.0.1
        11 op command CP1 GetTransactionStatus {"transactionId":"T1"}
        12 a answers {"ongoingIndicator":false,"messagesInQueue":false}
        12 op progress
        "#,
    );
    expect![[r#"
        4 transaction T1 active lacks [], told ongoing Some(true) queue true
        8 transaction T1 active lacks [], told ongoing Some(true) queue true
        12 transaction T1 ended lacks [], told ongoing Some(false) queue false
    "#]]
    .assert_eq(&seen);
}
