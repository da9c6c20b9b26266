//! Payments and tariffs of transactions, and messages that strayed, from their records to rows in memory, in files, and after
//! a start.

use fleet::record::*;

use crate::support::*;

fn settlement(told_at: i64, status: &str, amount: &str) -> Settlement {
    Settlement {
        told_at,
        psp_ref: "PSP-1".to_owned(),
        status: status.to_owned(),
        amount: amount.to_owned(),
        settled_at: told_at - SECOND,
        vat_company: "{\"name\":\"ACME\"}".to_owned(),
        ..Settlement::default()
    }
}

/// A record holds all that is known; its rows are what is new.
#[tokio::test]
async fn a_payment_and_a_tariff_are_one_row_in_memory_in_files_and_after_a_start() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = TestLog::open(dir.path(), 0);
    let first = lake(dir.path(), &[&log]);
    let mut changed = MoneyChanged {
        money: TransactionMoney {
            transaction_id: transaction_id(1),
            tariff: Some(AppliedTariff {
                tariff_id: "day-night".to_owned(),
                tariff: "{}".to_owned(),
                time_zone: "America/Sao_Paulo".to_owned(),
                applied_at: T0,
            }),
            ..TransactionMoney::default()
        },
        tariff_is_new: true,
        settlement_is_new: false,
    };
    // All in the same microsecond, so that times tell nothing apart.
    log.append("default/CP1", T0, changed.clone());
    changed.tariff_is_new = false;
    changed.settlement_is_new = true;
    for (status, amount) in [("Failed", "12.5"), ("Settled", "12.345")] {
        changed
            .money
            .settlements
            .push(settlement(T0, status, amount));
        log.append("default/CP1", T0, changed.clone());
    }
    // What its station has worked out is no payment.
    changed.settlement_is_new = false;
    changed.money.station_cost = Some(StationCost::default());
    log.append("default/CP1", T0, changed.clone());
    log.put("default/CP1", T0, changed.money);
    let rows = "SELECT transaction_id, psp_ref, status, amount, amount_reported, settled_at, received_at, vat_company, seq \
                FROM settlements ORDER BY seq";
    let expected = format!(
        "\
+--------------------------------------+---------+---------+--------+-----------------+----------------------+----------------------+-----------------+-----+
| transaction_id                       | psp_ref | status  | amount | amount_reported | settled_at           | received_at          | vat_company     | seq |
+--------------------------------------+---------+---------+--------+-----------------+----------------------+----------------------+-----------------+-----+
| {0} | PSP-1   | Failed  | 12.50  | 12.5            | 2026-11-22T09:59:59Z | 2026-11-22T10:00:00Z | {{\"name\":\"ACME\"}} | 2   |
| {0} | PSP-1   | Settled |        | 12.345          | 2026-11-22T09:59:59Z | 2026-11-22T10:00:00Z | {{\"name\":\"ACME\"}} | 3   |
+--------------------------------------+---------+---------+--------+-----------------+----------------------+----------------------+-----------------+-----+",
        transaction_name(1)
    );
    let tariffs = "SELECT count(*) || ' ' || max(tariff_id) || ' ' || max(time_zone) || ' ' || max(seq) FROM transaction_tariffs";
    let is_told = async |lake: &pipeline::Lake, where_: &str| {
        let sql = lake.sql();
        until(&sql, "SELECT count(*) FROM settlements", "2").await;
        assert_eq!(table(&sql, rows).await, expected, "{where_}");
        let found = value(&sql, tariffs).await;
        assert_eq!(found, "1 day-night America/Sao_Paulo 1", "{where_}");
    };
    let second = holds_wherever_rows_lie(first, dir.path(), &log, is_told).await;
    second.shutdown().await.unwrap();
}

/// Every record has the limits of all charges of its station: a row is made of the one that changed.
#[tokio::test]
async fn a_limit_has_a_row_for_each_change_and_for_who_made_it() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = TestLog::open(dir.path(), 0);
    let first = lake(dir.path(), &[&log]);
    let kept =
        |cause: &str, limits: &[TransactionLimit], starts: Vec<StartLimit>| TransactionLimits {
            cause: cause.to_owned(),
            limits: limits.to_vec(),
            starts,
        };
    let all = fleet::record::Limits {
        cost_micros: Some(12_504_999),
        energy_mwh: Some(20_000_500),
        time_s: Some(3_600),
        soc_percent: Some(80),
    };
    let other = TransactionLimit {
        transaction_id: transaction_id(2),
        ..TransactionLimit::default()
    };
    let set = TransactionLimit {
        transaction_id: transaction_id(1),
        set: all,
        set_by: "ana".to_owned(),
        set_at: Some(T0),
        waiting: all,
        ..TransactionLimit::default()
    };
    let sent = TransactionLimit {
        waiting: fleet::record::Limits::default(),
        sent: all,
        sent_at: Some(T0 + SECOND),
        ..set.clone()
    };
    let told = TransactionLimit {
        told: fleet::record::Limits {
            cost_micros: Some(12_505_000),
            energy_mwh: Some(i64::MAX),
            ..fleet::record::Limits::default()
        },
        told_at: Some(T0 + 2 * SECOND),
        ..sent.clone()
    };
    let start = StartLimit {
        remote_start_id: 1,
        until: T0,
        set: all,
        set_by: "ana".to_owned(),
        set_at: T0 + SECOND,
    };
    let limited = [other.clone(), set];
    log.append("default/CP1", T0, kept("Sigec.Limited", &limited, vec![]));
    // A start is none of a transaction yet.
    let start = kept("Sigec.Limited", &limited, vec![start]);
    log.append("default/CP1", T0 + SECOND, start);
    let sent = [other, sent];
    let sent = kept("TransactionEvent", &sent, vec![]);
    log.append("default/CP1", T0 + SECOND, sent);
    let told = kept("TransactionEvent", &[told], vec![]);
    log.append("default/CP1", T0 + 2 * SECOND, told);
    log.put(
        "default/CP1",
        T0 + 3 * SECOND,
        kept("Sigec.Deleted", &[], vec![]),
    );
    let columns = |what: &str| {
        ["cost", "energy_wh", "time_s", "soc_percent"]
            .map(|of| format!("coalesce(CAST({what}_{of} AS VARCHAR), '-')"))
            .join(", ")
    };
    let rows = |n: usize| {
        format!(
            "SELECT concat_ws('|', seq, transaction_id, {}, set_by, set_at, {}, coalesce(CAST(sent_at AS VARCHAR), '-'), {}, \
             coalesce(CAST(told_at AS VARCHAR), '-')) FROM transaction_limits ORDER BY seq LIMIT 1 OFFSET {n}",
            columns("set"),
            columns("sent"),
            columns("told")
        )
    };
    let all = "12.50|20000.500|3600|80";
    let set = format!("{all}|ana|2026-11-22T10:00:00Z");
    let sent = format!("{set}|{all}|2026-11-22T10:00:01Z");
    let expected = [
        format!("1|T1|{set}|-|-|-|-|-|-|-|-|-|-"),
        format!("3|T1|{sent}|-|-|-|-|-"),
        format!("4|T1|{sent}|12.51|-|-|-|2026-11-22T10:00:02Z"),
    ];
    let is_told = async |lake: &pipeline::Lake, where_: &str| {
        let sql = lake.sql();
        until(&sql, "SELECT count(*) FROM transaction_limits", "3").await;
        for (n, expected) in expected.iter().enumerate() {
            let found = value(&sql, &rows(n)).await;
            assert_eq!(
                found.replace(&transaction_name(1), "T1"),
                *expected,
                "{where_}"
            );
        }
    };
    let second = holds_wherever_rows_lie(first, dir.path(), &log, is_told).await;
    second.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_cost_has_its_parts_and_the_newest_row_holds() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = TestLog::open(dir.path(), 0);
    let first = lake(dir.path(), &[&log]);
    let part = |part: u8, excl_tax: i64, incl_tax: i64| CostPart {
        part,
        excl_tax,
        incl_tax,
    };
    let bill = TransactionBilled {
        transaction_id: transaction_id(1),
        tariff_id: "day-night".to_owned(),
        currency: *b"EUR",
        kind: CostKind::Normal.code(),
        parts: vec![part(0, 200, 200), part(1, 700, 770), part(5, 1, 2)],
        energy_mwh: 8_000_001,
        charging: 2_400 * SECOND + 999_999,
        idle: 60 * SECOND,
        reservation: Some(0),
    };
    let open = TransactionBilled {
        transaction_id: transaction_id(2),
        parts: Vec::new(),
        reservation: None,
        ..bill.clone()
    };
    let capped = TransactionBilled {
        kind: CostKind::Max.code(),
        parts: vec![part(2, 500, 605), part(3, 10, 11), part(4, 20, 22)],
        ..bill.clone()
    };
    let without = |n, state: CostState| TransactionCosted {
        bill: TransactionBilled {
            transaction_id: transaction_id(n),
            ..open.clone()
        },
        state: state.code(),
    };
    let (free, unknown) = (without(3, CostState::Free), without(4, CostState::NotKnown));
    // As an earlier version wrote them.
    log.append("default/CP1", T0, bill);
    log.append("default/CP1", T0, open);
    log.append(
        "default/CP1",
        T0,
        TransactionCosted {
            bill: capped,
            state: CostState::Billed.code(),
        },
    );
    log.append("default/CP1", T0, free);
    log.put("default/CP1", T0, unknown);
    let rows = "SELECT concat_ws('|', seq, transaction_id, tariff_id, currency, kind, coalesce(state, 'untold'), coalesce(CAST(total_incl_tax AS VARCHAR), 'open'), \
                total_excl_tax, fixed_excl_tax, fixed_incl_tax, energy_excl_tax, energy_incl_tax, charging_time_excl_tax, \
                charging_time_incl_tax, idle_time_excl_tax, idle_time_incl_tax, reservation_time_excl_tax, \
                reservation_time_incl_tax, reservation_fixed_excl_tax, reservation_fixed_incl_tax, energy_wh, charging_s, \
                idle_s, reservation_s) FROM transaction_costs WHERE seq = ";
    let expected = [
        format!(
            "1|{}|day-night|EUR|NormalCost|billed|9.72|9.01|2.00|2.00|7.00|7.70|0.01|0.02|8000.001|2400|60|0",
            transaction_name(1)
        ),
        format!(
            "2|{}|day-night|EUR|NormalCost|untold|open|8000.001|2400|60",
            transaction_name(2)
        ),
        format!(
            "3|{}|day-night|EUR|MaxCost|billed|6.38|5.30|5.00|6.05|0.10|0.11|0.20|0.22|8000.001|2400|60|0",
            transaction_name(1)
        ),
        format!(
            "4|{}|day-night|EUR|NormalCost|free|0.00|0.00|8000.001|2400|60",
            transaction_name(3)
        ),
        format!(
            "5|{}|day-night|EUR|NormalCost|not_known|open|8000.001|2400|60",
            transaction_name(4)
        ),
    ];
    let is_told = async |lake: &pipeline::Lake, where_: &str| {
        let sql = lake.sql();
        until(&sql, "SELECT count(*) FROM transaction_costs", "5").await;
        for (seq, expected) in (1..).zip(&expected) {
            assert_eq!(
                value(&sql, &format!("{rows}{seq}")).await,
                *expected,
                "{where_}"
            );
        }
        let newest = "SELECT total_incl_tax FROM (SELECT DISTINCT ON (transaction_id) * FROM transaction_costs \
                      ORDER BY transaction_id, log_id, seq DESC) ORDER BY transaction_id";
        assert_eq!(value(&sql, newest).await, "6.38", "{where_}");
    };
    let second = holds_wherever_rows_lie(first, dir.path(), &log, is_told).await;
    second.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_message_that_strayed_is_a_row_with_all_that_was_made_of_it() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = TestLog::open(dir.path(), 0);
    let first = lake(dir.path(), &[&log]);
    let change = MessageChange {
        pointer: "/meterValue/0/timestamp".to_owned(),
        quirk: "timestamp_lenient".to_owned(),
        found: "\"22/11/2026\"".to_owned(),
        taken: "\"2026-11-22T00:00:00Z\"".to_owned(),
    };
    let quarantined = MessageQuarantined {
        outcome: QuarantineOutcome::Changed.code(),
        protocol: Protocol::Ocpp16.code(),
        message_id: "m1".to_owned(),
        action: "MeterValues".to_owned(),
        raw: "[2,\"m1\",\"MeterValues\",{}]".to_owned(),
        profile_id: "acme".to_owned(),
        profile_revision: 3,
        changes: vec![change],
        error_code: String::new(),
        reason: String::new(),
        passed_by: 2,
        replay_of: None,
    };
    log.put("default/CP1", T0, quarantined.clone());
    log.put(
        "default/CP1",
        T0 + SECOND,
        MessageQuarantined {
            outcome: QuarantineOutcome::Replayed.code(),
            raw: String::new(),
            changes: Vec::new(),
            replay_of: Some(QuarantinedAt { log_id: 7, seq: 1 }),
            ..quarantined
        },
    );
    let text = "SELECT concat_ws('|', outcome, protocol, message_id, action, raw, profile_id, profile_revision, changes, \
                coalesce(error_code, 'NULL'), passed_by, replay_of_log_id, replay_of_seq) FROM quarantined_messages";
    let is_told = async |lake: &pipeline::Lake, where_: &str| {
        let sql = lake.sql();
        until(&sql, "SELECT count(*) FROM quarantined_messages", "2").await;
        assert_eq!(
            value(&sql, &format!("{text} WHERE seq = 1")).await,
            "changed|ocpp1.6|m1|MeterValues|[2,\"m1\",\"MeterValues\",{}]|acme|3|[{\"found\":\"\\\"22/11/2026\\\"\",\
             \"pointer\":\"/meterValue/0/timestamp\",\"quirk\":\"timestamp_lenient\",\
             \"taken\":\"\\\"2026-11-22T00:00:00Z\\\"\"}]|NULL|2",
            "{where_}"
        );
        assert_eq!(
            value(&sql, &format!("{text} WHERE seq = 2")).await,
            "replayed|ocpp1.6|m1|MeterValues|acme|3|[]|NULL|2|7|1",
            "{where_}"
        );
    };
    let second = holds_wherever_rows_lie(first, dir.path(), &log, is_told).await;
    let sql = second.sql();
    let error = batches(
        &sql,
        &principal("default", pipeline::Role::ReadOnly),
        "SELECT * FROM quarantined_messages",
    )
    .await;
    assert!(error.is_err());
}
