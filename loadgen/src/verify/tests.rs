use expect_test::{Expect, expect};

use super::*;

struct Fixture(HashMap<Check, Vec<Row>>);

impl Source for Fixture {
    async fn rows(&mut self, check: Check, _scope: &Scope) -> anyhow::Result<Vec<Row>> {
        Ok(self.0.remove(&check).unwrap_or_default())
    }
}

fn event(
    kind: Kind,
    second: u32,
    transaction: Option<&str>,
    energy: Option<u64>,
    acked: bool,
) -> Truth {
    Truth {
        station: "CP1".into(),
        transaction: transaction.map(Into::into),
        seq: second,
        kind,
        measured_at: (kind != Kind::Boot).then(|| format!("2026-11-22T10:00:{second:02}.000Z")),
        energy_mwh: energy,
        acked_at: acked.then(|| "2026-11-22T10:01:00.000Z".into()),
    }
}

fn row(second: u32, transaction: Option<&str>, energy_mwh: Option<u64>) -> Row {
    let at = parse_rfc3339(&format!("2026-11-22T10:00:{second:02}.000Z")).unwrap();
    Row {
        station: "CP1".into(),
        at,
        transaction: transaction.map(Into::into),
        energy_mwh,
    }
}

/// A whole transaction and its rows, changed by the caller.
fn check(change: impl FnOnce(&mut Vec<Truth>, &mut HashMap<Check, Vec<Row>>), expected: Expect) {
    let mut truth = vec![
        event(Kind::Boot, 0, None, None, true),
        event(Kind::Status, 1, None, None, true),
        event(Kind::Start, 2, Some("7"), Some(1_000), true),
        event(Kind::Meter, 3, Some("7"), Some(1_500), true),
        event(Kind::Stop, 4, Some("7"), Some(2_000), true),
    ];
    let seven = |second, energy| row(second, Some("7"), energy);
    let mut rows = HashMap::from([
        (Check::Booted, vec![row(0, None, None)]),
        (Check::Status, vec![row(1, None, None)]),
        (Check::Started, vec![seven(2, None)]),
        (Check::Ended, vec![seven(4, None)]),
        (
            Check::Energy,
            vec![
                seven(2, Some(1_000)),
                seven(3, Some(1_500)),
                seven(4, Some(2_000)),
            ],
        ),
    ]);
    change(&mut truth, &mut rows);
    let mut source = Fixture(rows);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let verdict = runtime.block_on(verify(&truth, &mut source)).unwrap();
    expected.assert_eq(&verdict.text());
}

#[test]
fn what_was_acknowledged_and_is_there_once_is_right() {
    check(
        |_, _| {},
        expect![[r#"
                                           sent acknowledged    present  differences
        meter_values                          3            3          3            0
        transaction_events Started            1            1          1            0
        transaction_events Ended              1            1          1            0
        status_events                         1            1          1            0
        connection_events booted              1            1          1            0
        all as it should be
    "#]],
    );
}

#[test]
fn an_acknowledged_event_that_is_not_there_is_lost() {
    check(
        |_, rows| {
            rows.get_mut(&Check::Energy).unwrap().remove(1);
            rows.remove(&Check::Status);
            rows.remove(&Check::Booted);
        },
        expect![[r#"
                                               sent acknowledged    present  differences
            meter_values                          3            3          2            1
            transaction_events Started            1            1          1            0
            transaction_events Ended              1            1          1            0
            status_events                         1            1          0            1
            connection_events booted              1            1          0            1
            meter_values: CP1 Meter 3 of transaction 7 at 2026-11-22T10:00:03.000Z: acknowledged, but not there
            status_events: CP1 Status 1 at 2026-11-22T10:00:01.000Z: acknowledged, but not there
            connection_events booted: CP1 boot: acknowledged, but not there
            NOT as it should be
        "#]],
    );
}

#[test]
fn an_event_that_was_not_acknowledged_may_be_there_or_not() {
    check(
        |truth, rows| {
            truth[3].acked_at = None;
            truth[4].acked_at = None;
            rows.get_mut(&Check::Energy).unwrap().remove(1);
        },
        expect![[r#"
                                               sent acknowledged    present  differences
            meter_values                          3            1          2            0
            transaction_events Started            1            1          1            0
            transaction_events Ended              1            0          1            0
            status_events                         1            1          1            0
            connection_events booted              1            1          1            0
            all as it should be
        "#]],
    );
}

#[test]
fn a_start_that_was_never_answered_matches_whatever_its_transaction_is_called() {
    check(
        |truth, rows| {
            rows.remove(&Check::Ended);
            rows.get_mut(&Check::Energy).unwrap().truncate(1);
            truth.truncate(3);
            truth[2].acked_at = None;
            truth[2].transaction = None;
        },
        expect![[r#"
                                               sent acknowledged    present  differences
            meter_values                          1            0          1            0
            transaction_events Started            1            0          1            0
            transaction_events Ended              0            0          0            0
            status_events                         1            1          1            0
            connection_events booted              1            1          1            0
            all as it should be
        "#]],
    );
}

#[test]
fn a_row_that_was_never_sent_or_is_there_twice_is_wrong() {
    check(
        |_, rows| {
            let energy = rows.get_mut(&Check::Energy).unwrap();
            energy.push(row(3, Some("7"), Some(1_500)));
            energy.push(row(5, Some("7"), Some(9_000)));
        },
        expect![[r#"
                                               sent acknowledged    present  differences
            meter_values                          3            3          5            2
            transaction_events Started            1            1          1            0
            transaction_events Ended              1            1          1            0
            status_events                         1            1          1            0
            connection_events booted              1            1          1            0
            meter_values: CP1 Meter 3 of transaction 7 at 2026-11-22T10:00:03.000Z: there more than once
            meter_values: CP1 of transaction 7 at 2026-11-22T10:00:05.000Z: there, but never sent
            NOT as it should be
        "#]],
    );
}

#[test]
fn another_energy_or_transaction_is_wrong() {
    check(
        |_, rows| {
            rows.get_mut(&Check::Energy).unwrap()[1].energy_mwh = Some(1_501);
            rows.get_mut(&Check::Ended).unwrap()[0].transaction = Some("8".into());
        },
        expect![[r#"
                                               sent acknowledged    present  differences
            meter_values                          3            3          3            1
            transaction_events Started            1            1          1            0
            transaction_events Ended              1            1          1            2
            status_events                         1            1          1            0
            connection_events booted              1            1          1            0
            meter_values: CP1 Meter 3 of transaction 7 at 2026-11-22T10:00:03.000Z: found 1.501 Wh, sent 1.500 Wh
            transaction_events Ended: CP1 Stop 4 of transaction 7 at 2026-11-22T10:00:04.000Z: acknowledged, but not there
            transaction_events Ended: CP1 of transaction 8 at 2026-11-22T10:00:04.000Z: there, but never sent
            NOT as it should be
        "#]],
    );
}

#[test]
fn only_missing_rows_may_still_come() {
    let mut verdict = Verdict::default();
    assert!(!verdict.may_improve(), "there is nothing to wait for");
    verdict.add(Check::Energy, Fault::Missing, "x".into());
    assert!(verdict.may_improve());
    verdict.add(Check::Energy, Fault::Twice, "x".into());
    assert!(!verdict.may_improve());
}
