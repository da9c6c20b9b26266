use expect_test::expect_file;
use fleet::record::{
    Booted, Connected, ConnectorDeclared, Disconnected, MeterRow, MeterValues, Moment, Notified,
    Reading, SecurityProfileSet, StationConfigured, StationDeleted, StatusReported,
    TransactionEvent, TransactionSummary,
};
use fleet::wire::{Fact, Writer};
use fleet::{LogId, Seq};

use super::*;
use crate::id::made_at;

const AT: UtcMicros = UtcMicros(1_795_341_600_000_000);

fn key() -> StationKey {
    StationKey::new("default", "CP1").unwrap()
}

/// Folds facts, each a second after the one before.
fn fold(state: &mut StationState, log: i64, from: u64, facts: &[Fact]) {
    for (n, fact) in (0_u64..).zip(facts) {
        let mut bytes = Vec::new();
        let at = UtcMicros(AT.0 + (from + n) as i64 * 1_000_000);
        Writer::default().write_fact(&mut bytes, &key(), at, fact);
        let event = EventId {
            log_id: LogId(log),
            seq: Seq(from + n),
        };
        let record = fleet::wire::read(&bytes).unwrap();
        state.apply(event, &record, &Plausibility::default());
    }
}

fn moment(seconds: i64) -> Moment {
    Moment {
        at: AT.0 + seconds * 1_000_000,
        raw: "2026-11-22T10:00:00Z".into(),
        clock_trusted: true,
    }
}

fn retry(n: u8) -> Retry {
    Retry {
        key: [n; 16],
        content: [n + 100; 16],
        conflict: false,
    }
}

fn event(kind: TransactionEventKind, state: TransactionState, register_mwh: i64) -> Fact {
    let ended = kind == TransactionEventKind::Ended;
    TransactionEvent {
        transaction_id: [3; 16],
        ocpp_transaction_id: "1234".into(),
        kind: kind.code(),
        evse_id: 1,
        connector_id: 1,
        seq_no: 5,
        seq_gap: 0,
        trigger_reason: String::new(),
        charging_state: "Charging".into(),
        stop_reason: if ended { "Local".into() } else { String::new() },
        token_ref: Some([4; 16]),
        remote_start_id: -1,
        ocpp_counter: 6,
        offline: false,
        occurred: moment(5),
        register_mwh: Some(register_mwh),
        retry: retry(kind.code()),
        summary: TransactionSummary {
            state: state.code(),
            quality: 1,
            started_at: Some(AT.0),
            ended_at: ended.then_some(AT.0 + 9),
            meter_start_mwh: Some(1_000),
            meter_stop_mwh: Some(register_mwh),
            energy_mwh: Some(register_mwh - 1_000),
            cost: ended.then_some(75),
            currency: *b"BRL",
            token_ref: Some([4; 16]),
        },
    }
    .into()
}

/// A life with every kind of record that leaves a trace.
fn life() -> Vec<Fact> {
    vec![
        StationConfigured {
            site: "Site".into(),
            latitude: Some(-23.5),
            longitude: Some(-46.6),
            address: "Rua 1".into(),
            connectors: 2,
            password_salt: Some([8; 16]),
            password_mac: Some([9; 32]),
            acceptance: Acceptance::Accepted.code(),
            principal: "op".into(),
            declared: Vec::new(),
        }
        .into(),
        Connected {
            connection: 2,
            peer: "10.0.0.1:7".into(),
            protocol: Protocol::Ocpp16.code(),
            security: Security::Basic.code(),
            acceptance: Acceptance::Accepted.code(),
            first_seen: false,
        }
        .into(),
        Booted {
            vendor: "V".into(),
            model: "M".into(),
            serial_number: "S".into(),
            firmware_version: "1.2".into(),
            accepted: true,
            ..Booted::default()
        }
        .into(),
        StatusReported {
            evse_id: 1,
            connector_id: 1,
            status: ConnectorStatus::Occupied.code(),
            status_reported: "Charging".into(),
            error_code: "OtherError".into(),
            vendor_error_code: String::new(),
            vendor_id: String::new(),
            info: String::new(),
            occurred: moment(4),
            live: true,
            retry: retry(50),
        }
        .into(),
        event(
            TransactionEventKind::Started,
            TransactionState::Active,
            1_000,
        ),
        MeterValues {
            evse_id: 1,
            connector_id: 1,
            transaction_id: Some([3; 16]),
            rows: vec![MeterRow {
                measured_at: AT.0 + 6_000_000,
                clock_trusted: true,
                context: ReadingContext::SamplePeriodic.code(),
                ..MeterRow::default()
            }],
            readings: vec![
                Reading {
                    row: 0,
                    column: MeterColumn::EnergyWh.code(),
                    bits: 1_500,
                },
                Reading {
                    row: 0,
                    column: MeterColumn::SocPercent.code(),
                    bits: 55.5_f64.to_bits() as i64,
                },
            ],
            retry: retry(51),
            ..MeterValues::default()
        }
        .into(),
    ]
}

fn hex(bytes: &[u8]) -> String {
    let line = |line: &[u8]| {
        line.iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
    };
    bytes.chunks(32).map(line).collect::<Vec<_>>().join("\n") + "\n"
}

#[test]
fn a_row_has_the_bytes_it_always_had() {
    let mut state = StationState::new(key());
    fold(&mut state, 7, 1, &life());
    fold(&mut state, 7, 8, &[report("cCCS2", 150_000), each()]);
    let row = state.to_row();
    expect_file!["../../fixtures/station_row_v8.hex"].assert_eq(&hex(&row));
    assert_eq!(StationState::from_row(key(), &row).unwrap(), state);
    let running = state.details().transactions.active().next().cloned();
    let vehicle = Vehicle {
        is_connected: true,
        ready_at: Some(AT.0 + 5_000_000),
        soc_percent: Some(55),
    };
    assert_eq!(running.unwrap().vehicle, vehicle);
}

/// Rows did not say what is known of vehicles: a transaction that ran was ready when it was first heard of.
fn before_vehicles(state: &mut StationState) {
    let id = TransactionId([3; 16]);
    let running = state.details_mut().transactions.active_mut(id);
    running.unwrap().vehicle = Vehicle {
        is_connected: true,
        ready_at: Some(made_at(id.0).0),
        soc_percent: None,
    };
}

#[test]
fn a_row_of_version_7_reads_as_one_of_now() {
    let mut state = StationState::new(key());
    fold(&mut state, 7, 1, &life());
    fold(&mut state, 7, 8, &[report("cCCS2", 150_000), each()]);
    before_vehicles(&mut state);
    let row = unhex(include_str!("../../fixtures/station_row_v7.hex"));
    assert_eq!(StationState::from_row(key(), &row).unwrap(), state);
    let mut state = unsure();
    before_vehicles(&mut state);
    let row = unhex(include_str!("../../fixtures/station_row_v7_unsure.hex"));
    assert_eq!(StationState::from_row(key(), &row).unwrap(), state);
    let mut state = StationState::new(key());
    fold(&mut state, 7, 1, &[told().into()]);
    let row = unhex(include_str!("../../fixtures/station_row_v7_told.hex"));
    assert_eq!(StationState::from_row(key(), &row).unwrap(), state);
}

#[test]
fn a_row_of_version_6_reads_as_one_of_now() {
    let mut state = StationState::new(key());
    fold(&mut state, 7, 1, &life());
    fold(&mut state, 7, 8, &[report("cCCS2", 150_000), each()]);
    before_vehicles(&mut state);
    let row = unhex(include_str!("../../fixtures/station_row_v6.hex"));
    assert_eq!(StationState::from_row(key(), &row).unwrap(), state);
    let mut state = unsure();
    before_vehicles(&mut state);
    let row = unhex(include_str!("../../fixtures/station_row_v6_unsure.hex"));
    assert_eq!(StationState::from_row(key(), &row).unwrap(), state);
}

fn told() -> Notified {
    Notified {
        action: "NotifyEvent".into(),
        payload: r#"{"generatedAt":"2026-11-22T10:00:00Z"}"#.into(),
    }
}

#[test]
fn a_row_says_what_was_told() {
    let mut state = StationState::new(key());
    fold(&mut state, 7, 1, &[told().into()]);
    let row = state.to_row();
    expect_file!["../../fixtures/station_row_v8_told.hex"].assert_eq(&hex(&row));
    let read = StationState::from_row(key(), &row).unwrap();
    assert_eq!(read, state);
    assert_eq!(read.details().said.iter().len(), 1);
}

#[test]
fn a_row_of_version_5_reads_as_one_of_now() {
    let mut state = StationState::new(key());
    fold(&mut state, 7, 1, &life());
    fold(&mut state, 7, 8, &[report("cCCS2", 150_000), each()]);
    before_vehicles(&mut state);
    let row = unhex(include_str!("../../fixtures/station_row_v5.hex"));
    assert_eq!(StationState::from_row(key(), &row).unwrap(), state);
}

/// A station that told a time that there cannot be, lost touch twice and charged all the time.
fn unsure() -> StationState {
    let mut state = StationState::new(key());
    fold(&mut state, 7, 1, &life());
    state.clock_doubt = ClockDoubt::from_code(3);
    let hours = |hours: i64| UtcMicros(AT.0 + hours * 3_600_000_000);
    for (heard, back) in [(1, 2), (3, 5), (6, 7)] {
        let details = state.details_mut();
        details.connects(hours(back), hours(heard));
    }
    state
}

#[test]
fn a_row_says_how_far_times_are_to_be_believed() {
    let state = unsure();
    let away = state.away();
    assert_eq!(away.len(), 4, "{away:?}");
    let row = state.to_row();
    expect_file!["../../fixtures/station_row_v8_unsure.hex"].assert_eq(&hex(&row));
    let read = StationState::from_row(key(), &row).unwrap();
    assert_eq!(read, state);
    assert_eq!((read.away(), read.clock_doubt), (away, state.clock_doubt));
}

/// Rows did not say what a boot is worth, and without a password anybody may speak for the station by now.
fn unproven(state: &mut StationState) {
    assert_eq!(state.profile, 0);
    state.details_mut().boot.as_mut().unwrap().proven = false;
}

#[test]
fn a_row_of_version_4_reads_as_one_of_now() {
    let mut state = StationState::new(key());
    fold(&mut state, 7, 1, &life());
    fold(&mut state, 7, 8, &[report("cCCS2", 150_000), each()]);
    unproven(&mut state);
    before_vehicles(&mut state);
    let row = unhex(include_str!("../../fixtures/station_row_v4.hex"));
    assert_eq!(StationState::from_row(key(), &row).unwrap(), state);
}

fn unhex(hex: &str) -> Vec<u8> {
    let hex = hex.replace('\n', "");
    let byte = |at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    (0..hex.len()).step_by(2).map(byte).collect()
}

#[test]
fn a_row_of_version_3_reads_as_one_of_now() {
    let mut state = StationState::new(key());
    fold(&mut state, 7, 1, &life());
    fold(&mut state, 7, 8, &[report("cCCS2", 150_000), each()]);
    unproven(&mut state);
    before_vehicles(&mut state);
    let row = unhex(include_str!("../../fixtures/station_row_v3.hex"));
    assert_eq!(StationState::from_row(key(), &row).unwrap(), state);
}

#[test]
fn a_row_of_version_2_reads_as_one_of_now() {
    let mut state = StationState::new(key());
    fold(&mut state, 7, 1, &life());
    fold(&mut state, 7, 8, &[report("cCCS2", 150_000), each()]);
    // The version before had only the last connection.
    state.profile = state.security.profile();
    before_vehicles(&mut state);
    let row = unhex(include_str!("../../fixtures/station_row_v2.hex"));
    assert_eq!(StationState::from_row(key(), &row).unwrap(), state);
}

#[test]
fn the_profile_is_the_strongest_that_was_used_until_an_operator_says_otherwise() {
    let mut state = StationState::new(key());
    let mut seq = 0;
    let mut after = |fact: Fact| {
        seq += 1;
        fold(&mut state, 7, seq, &[fact]);
        assert_eq!(
            StationState::from_row(key(), &state.to_row()).unwrap(),
            state
        );
        state.profile
    };
    let connected = |security: Security| -> Fact {
        Connected {
            connection: 1,
            peer: "127.0.0.1:1".into(),
            protocol: Protocol::Ocpp201.code(),
            security: security.code(),
            acceptance: Acceptance::Accepted.code(),
            first_seen: false,
        }
        .into()
    };
    let set = |profile| -> Fact {
        SecurityProfileSet {
            profile,
            principal: "admin".into(),
        }
        .into()
    };
    let configured = |password: bool| -> Fact {
        StationConfigured {
            password_salt: password.then_some([1; 16]),
            password_mac: password.then_some([2; 32]),
            acceptance: Acceptance::Accepted.code(),
            ..StationConfigured::default()
        }
        .into()
    };
    assert_eq!(after(connected(Security::Tls)), 0);
    assert_eq!(after(configured(true)), 0);
    assert_eq!(after(connected(Security::Basic)), 1);
    assert_eq!(after(connected(Security::TlsBasic)), 2);
    assert_eq!(after(configured(true)), 2);
    assert_eq!(after(set(1)), 1);
    assert_eq!(after(set(2)), 2);
    // Without a password there is nothing to show but a certificate.
    assert_eq!(after(configured(false)), 0);
    assert_eq!(after(connected(Security::Certificate)), 3);
    assert_eq!(after(configured(false)), 3);
}

#[test]
fn a_row_of_version_1_reads_as_one_of_now() {
    let mut state = StationState::new(key());
    fold(&mut state, 7, 1, &life());
    state.profile = state.security.profile();
    before_vehicles(&mut state);
    let row = unhex(include_str!("../../fixtures/station_row_v1.hex"));
    assert_eq!(StationState::from_row(key(), &row).unwrap(), state);
}

/// A report of EVSE 1 and its connector.
fn report(kind: &str, watts: u32) -> Fact {
    let payload = serde_json::json!({"reportData": [
        {
            "component": {"name": "Connector", "evse": {"id": 1, "connectorId": 1}},
            "variable": {"name": "ConnectorType"}, "variableAttribute": [{"value": kind}]
        },
        {
            "component": {"name": "EVSE", "evse": {"id": 1}}, "variable": {"name": "Power"},
            "variableCharacteristics": {"maxLimit": watts}
        },
    ]});
    Notified {
        action: "NotifyReport".into(),
        payload: payload.to_string(),
    }
    .into()
}

/// Connectors declared one by one.
fn each() -> Fact {
    StationConfigured {
        declared: vec![ConnectorDeclared {
            evse_id: 1,
            connector_id: 1,
            kind: "CHAdeMO".into(),
            max_power_w: None,
        }],
        acceptance: Acceptance::Accepted.code(),
        ..StationConfigured::default()
    }
    .into()
}

#[test]
fn the_device_model_tells_plugs_until_another_station_stands_there() {
    let plugs = |state: &StationState| -> Vec<_> {
        let details = state.details();
        let plug = |plug: &Plug| format!("{:?} {} {:?}", plug.place(), plug.kind, plug.max_power_w);
        details.plugs.iter().map(plug).collect()
    };
    let mut state = StationState::new(key());
    fold(&mut state, 7, 1, &life());
    fold(&mut state, 7, 8, &[report("cCCS2", 150_000)]);
    assert_eq!(
        plugs(&state),
        [r#"(1, 0)  Some(150000)"#, r#"(1, 1) CCS None"#]
    );
    fold(&mut state, 7, 9, &[report("Unknown", 120_000)]);
    assert_eq!(
        plugs(&state),
        [r#"(1, 0)  Some(120000)"#, r#"(1, 1) CCS None"#]
    );
    fold(&mut state, 7, 10, &life()[2..3]);
    assert_eq!(plugs(&state).len(), 2, "the same station has booted again");
    let other = Booted {
        vendor: "V".into(),
        model: "M".into(),
        serial_number: "another".into(),
        ..Booted::default()
    };
    fold(&mut state, 7, 11, &[other.into()]);
    assert_eq!(plugs(&state), [""; 0]);
}

#[test]
fn damaged_and_foreign_rows_are_errors() {
    let row = StationState::new(key()).to_row();
    for len in [0, 1, 2, row.len() - 1] {
        assert!(
            StationState::from_row(key(), &row[..len]).is_err(),
            "{len} bytes"
        );
    }
    let mut newer = row;
    newer[0] = 9;
    let error = StationState::from_row(key(), &newer)
        .unwrap_err()
        .to_string();
    assert_eq!(
        error,
        "row of station default/CP1 has version Some(9), this program reads versions 1 to 8"
    );
}

#[test]
fn live_and_replayed_state_are_the_same() {
    let facts = life();
    let mut live = StationState::new(key());
    fold(&mut live, 7, 1, &facts);
    // The store was written after the third record; the replay begins at the first.
    let mut early = StationState::new(key());
    fold(&mut early, 7, 1, &facts[..3]);
    let mut replayed = StationState::from_row(key(), &early.to_row()).unwrap();
    fold(&mut replayed, 7, 1, &facts);
    assert_eq!(replayed, live);
    // After a move to another shard its records are those of another log.
    fold(&mut replayed, 8, 1, &facts[1..2]);
    assert_eq!(replayed.applied.log_id, LogId(8));
}

#[test]
fn meter_values_move_a_running_transaction_and_nothing_else() {
    let mut state = StationState::new(key());
    fold(&mut state, 7, 1, &life());
    let energy = |state: &StationState| {
        let details = state.details();
        details.transactions.iter().next().unwrap().energy
    };
    assert_eq!(energy(&state), Some(MilliwattHours(500)));
    let ended = event(TransactionEventKind::Ended, TransactionState::Ended, 2_000);
    fold(&mut state, 7, 10, &[ended]);
    let before = state.details().transactions.clone();
    fold(&mut state, 7, 11, &life()[5..]);
    assert_eq!(
        state.details().transactions,
        before,
        "a late value revives nothing"
    );
}

#[test]
fn the_end_of_an_old_connection_says_nothing_about_the_new_one() {
    let mut state = StationState::new(key());
    fold(&mut state, 7, 1, &life());
    let end = |connection| {
        Fact::from(Disconnected {
            connection,
            reason: "r".into(),
        })
    };
    fold(&mut state, 7, 20, &[end(1)]);
    assert_eq!(state.connection, 2);
    fold(&mut state, 7, 21, &[end(2)]);
    assert_eq!(state.connection, 0);
}

#[test]
fn a_message_that_is_read_again_is_no_sign_of_life() {
    let told = life().into_iter().filter(|fact| {
        matches!(
            fact,
            Fact::StatusReported(_) | Fact::TransactionEvent(_) | Fact::MeterValues(_)
        )
    });
    for fact in told {
        let mut state = StationState::new(key());
        fold(&mut state, 1, 100, &life());
        let seen_at = state.seen_at;
        fold(&mut state, 2, 1, std::slice::from_ref(&fact));
        assert_eq!(state.seen_at, seen_at, "{fact:?}");
        fold(&mut state, 2, 1_000, &[fact]);
        assert_eq!(state.seen_at, UtcMicros(AT.0 + 1_000_000_000));
    }
}

#[test]
fn a_deleted_station_gives_no_transaction_id_twice() {
    let mut state = StationState::new(key());
    fold(&mut state, 7, 1, &life());
    let deleted = StationDeleted {
        principal: "op".into(),
    };
    fold(&mut state, 7, 20, &[deleted.into()]);
    assert_eq!((state.counter, state.acceptance), (6, None));
    assert!(state.details().transactions.len() == 0 && state.details().password.is_none());
}

#[test]
fn ended_transactions_leave_memory_after_a_day() {
    let mut state = StationState::new(key());
    fold(&mut state, 7, 1, &life());
    let later = |micros| UtcMicros(AT.0 + 12_000_000 + ENDED_KEPT_MICROS + micros);
    state.forget_ended(later(1));
    assert_eq!(state.details().transactions.len(), 1, "it still runs");
    let ended = event(TransactionEventKind::Ended, TransactionState::Ended, 2_000);
    fold(&mut state, 7, 12, &[ended]);
    state.forget_ended(later(0));
    assert_eq!(state.details().transactions.len(), 1);
    state.forget_ended(later(1));
    assert_eq!(state.details().transactions.len(), 0);
}

#[test]
fn memory_of_one_station_is_bounded() {
    let mut state = StationState::new(key());
    let mut facts = Vec::new();
    for n in 0..1_000_u32 {
        let Fact::TransactionEvent(mut started) = event(
            TransactionEventKind::Started,
            TransactionState::Active,
            1_000,
        ) else {
            unreachable!("it is a transaction event");
        };
        started.transaction_id[..4].copy_from_slice(&n.to_le_bytes());
        facts.push(started.into());
        let Fact::StatusReported(mut status) = life().swap_remove(3) else {
            unreachable!("it is a status");
        };
        status.connector_id = n;
        facts.push(status.into());
    }
    fold(&mut state, 7, 1, &facts);
    assert_eq!(state.details().transactions.len(), TRANSACTIONS_MAX);
    assert_eq!(state.details().connectors.len(), CONNECTORS_MAX);
}
