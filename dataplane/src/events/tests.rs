use std::fmt::Write;

use expect_test::{Expect, expect};
use fleet::record::{Moment, Notified, Retry, StationDeleted, StatusReported};
use fleet::wire::{Fact, Writer};
use fleet::{EventId, LogId, Seq, StationKey, UtcMicros};
use storage::state::{Durability, StateBatch, StateStore, Table};

use super::clear::{KEPT_MAX, clear, clear_some};
use super::{EventFilter, EventKey, read, tell};
use crate::items::ItemKind;
use crate::items::row::{Told, item_row};
use crate::variables::read::Recent;
use crate::variables::row::VariableRow;

const DAY: i64 = 86_400 * 1_000_000;

fn key(identity: &str) -> StationKey {
    StationKey::new("default", identity).unwrap()
}

/// The rows of a record that came at `at`, which numbers it too.
fn rows(station: &str, at: i64, fact: impl Into<Fact>) -> Vec<VariableRow> {
    let mut record = Vec::new();
    Writer::default().write_fact(&mut record, &key(station), UtcMicros(at), &fact.into());
    let record = fleet::wire::read(&record).unwrap();
    let mut rows = Vec::new();
    tell::rows(event(at), &record, |row| rows.push(row));
    rows
}

fn event(seq: i64) -> EventId {
    EventId {
        log_id: LogId(1),
        seq: Seq(seq.cast_unsigned()),
    }
}

fn notified(events: &str) -> Notified {
    Notified {
        action: "NotifyEvent".into(),
        payload: format!(
            r#"{{"generatedAt":"2026-11-22T10:00:00Z","seqNo":0,"eventData":[{events}]}}"#
        ),
    }
}

fn seen(id: u32, component: &str, more: &str) -> String {
    format!(
        r#"{{"eventId":{id},"timestamp":"2026-11-22T10:00:0{id}Z","trigger":"Delta","actualValue":"{id}","eventNotificationType":"CustomMonitor","component":{{"name":"{component}","evse":{{"id":1}}}},"variable":{{"name":"Power"}}{more}}}"#
    )
}

fn status(error_code: &str, evse_id: u32) -> StatusReported {
    StatusReported {
        evse_id,
        connector_id: 1,
        status: 5,
        status_reported: "Faulted".into(),
        error_code: error_code.into(),
        vendor_error_code: "E7".into(),
        vendor_id: String::new(),
        info: "hot".into(),
        occurred: Moment {
            at: 1,
            raw: "2026-11-22T10:00:00Z".into(),
            clock_trusted: true,
        },
        live: true,
        retry: Retry::default(),
    }
}

fn open() -> (tempfile::TempDir, StateStore) {
    let dir = tempfile::tempdir().unwrap();
    let store = StateStore::open(dir.path()).unwrap();
    (dir, store)
}

fn put(store: &StateStore, rows: Vec<VariableRow>) {
    let mut batch = StateBatch::default();
    for (key, value) in rows {
        batch.put(Table::Variables, key, value);
    }
    store.apply(batch, None, Durability::Buffered).unwrap();
}

/// All events of CP1, in pages of two.
fn check(store: &StateStore, recent: &Recent, filter: &EventFilter, expected: Expect) {
    let (mut shown, mut after) = (String::new(), None);
    loop {
        let page = read::list(store, recent, &key("CP1"), filter, after, 2).unwrap();
        for event in page.items {
            let EventKey {
                received_at, place, ..
            } = event.key;
            writeln!(
                shown,
                "{received_at}.{place} {:?} {} {}.{} {} = {:?} severity {:?} monitor {:?} cleared {:?} tech {:?} {:?}",
                event.event_id,
                event.component.name,
                event.evse_id,
                event.connector_id,
                event.variable.name,
                event.actual_value.unwrap_or_default(),
                event.severity,
                event.monitor_id,
                event.cleared,
                event.tech_code.unwrap_or_default(),
                event.tech_info.unwrap_or_default(),
            )
            .unwrap();
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    expected.assert_eq(&shown);
}

/// Three messages and two errors of CP1, and one of another station.
fn told() -> Vec<VariableRow> {
    let first = [
        seen(1, "EVSE", r#","variableMonitoringId":4,"cleared":false"#),
        seen(2, "Connector", r#","severity":9,"variableMonitoringId":4"#),
        seen(3, "EVSE", r#","variableMonitoringId":5"#),
    ];
    let other = Notified {
        action: "NotifyReport".into(),
        ..notified(&seen(9, "EVSE", ""))
    };
    let told = Told {
        position: event(1),
        as_of: UtcMicros(1),
    };
    let monitor = r#"{"id":4,"severity":2}"#;
    [
        vec![item_row(ItemKind::Monitor, &key("CP1"), 4, told, monitor)],
        rows("CP1", 10, notified(&first.join(","))),
        rows("CP1", 20, notified(&seen(4, "EVSE", r#","severity":0"#))),
        rows("CP1", 21, other),
        rows("CP1", 30, status("GroundFailure", 2)),
        rows("CP1", 31, status("NoError", 2)),
        rows("CP1", 32, status("", 2)),
        rows("CP1", 40, status("OtherError", 0)),
        rows("CP10", 50, notified(&seen(5, "EVSE", ""))),
    ]
    .concat()
}

#[test]
fn events_are_listed_newest_first_wherever_their_rows_are() {
    let expected = expect![[r#"
        40.0 None ChargingStation 0.1 Problem = "true" severity None monitor None cleared None tech "OtherError" "E7: hot"
        30.0 None Connector 2.1 Problem = "true" severity None monitor None cleared None tech "GroundFailure" "E7: hot"
        20.0 Some(4) EVSE 1.0 Power = "4" severity Some(0) monitor None cleared None tech "" ""
        10.2 Some(3) EVSE 1.0 Power = "3" severity None monitor Some(5) cleared None tech "" ""
        10.1 Some(2) Connector 1.0 Power = "2" severity Some(9) monitor Some(4) cleared None tech "" ""
        10.0 Some(1) EVSE 1.0 Power = "1" severity Some(2) monitor Some(4) cleared Some(false) tech "" ""
    "#]];
    let (_dir, store) = open();
    put(&store, told());
    check(&store, &Recent::new(), &EventFilter::default(), expected);

    let (_dir, store) = open();
    let rows = told();
    put(&store, rows[..4].to_vec());
    let recent = Recent::from_iter(rows[2..].iter().cloned());
    let expected = expect![[r#"
        40.0 None ChargingStation 0.1 Problem = "true" severity None monitor None cleared None tech "OtherError" "E7: hot"
        30.0 None Connector 2.1 Problem = "true" severity None monitor None cleared None tech "GroundFailure" "E7: hot"
        20.0 Some(4) EVSE 1.0 Power = "4" severity Some(0) monitor None cleared None tech "" ""
        10.2 Some(3) EVSE 1.0 Power = "3" severity None monitor Some(5) cleared None tech "" ""
        10.1 Some(2) Connector 1.0 Power = "2" severity Some(9) monitor Some(4) cleared None tech "" ""
        10.0 Some(1) EVSE 1.0 Power = "1" severity Some(2) monitor Some(4) cleared Some(false) tech "" ""
    "#]];
    check(&store, &recent, &EventFilter::default(), expected);
}

#[test]
fn filters_hold_together() {
    let (_dir, store) = open();
    put(&store, told());
    let none = EventFilter::default;
    let check = |filter: EventFilter, expected: Expect| {
        check(&store, &Recent::new(), &filter, expected);
    };
    check(
        EventFilter {
            component: Some("evse".into()),
            since: Some(UtcMicros(20)),
            ..none()
        },
        expect![[r#"
            20.0 Some(4) EVSE 1.0 Power = "4" severity Some(0) monitor None cleared None tech "" ""
        "#]],
    );
    check(
        EventFilter {
            severity: Some(2),
            ..none()
        },
        expect![[r#"
            20.0 Some(4) EVSE 1.0 Power = "4" severity Some(0) monitor None cleared None tech "" ""
            10.0 Some(1) EVSE 1.0 Power = "1" severity Some(2) monitor Some(4) cleared Some(false) tech "" ""
        "#]],
    );
    check(
        EventFilter {
            variable: Some("Problem".into()),
            component: Some("Connector".into()),
            ..none()
        },
        expect![[r#"
            30.0 None Connector 2.1 Problem = "true" severity None monitor None cleared None tech "GroundFailure" "E7: hot"
        "#]],
    );
    check(
        EventFilter {
            trigger: Some("Periodic".into()),
            ..none()
        },
        expect![""],
    );
}

#[test]
fn a_deleted_stations_events_are_gone_and_those_that_come_later_are_not() {
    let (_dir, store) = open();
    put(&store, told());
    let deleted = StationDeleted {
        principal: "op".into(),
    };
    put(&store, rows("CP1", 60, deleted));
    put(&store, rows("CP1", 61, notified(&seen(6, "EVSE", ""))));
    check(
        &store,
        &Recent::new(),
        &EventFilter::default(),
        expect![[r#"
            61.0 Some(6) EVSE 1.0 Power = "6" severity None monitor None cleared None tech "" ""
        "#]],
    );
    let left = store
        .scan(Table::Variables, b"\x04default/CP1\0", b"")
        .count();
    crate::variables::clear::clear(&store, &mut Vec::new()).unwrap();
    let cleared = store
        .scan(Table::Variables, b"\x04default/CP1\0", b"")
        .count();
    // What says that it was deleted stays.
    assert_eq!((left, cleared), (8, 2));
}

#[test]
fn the_newest_of_a_station_stay_for_a_month() {
    let (_dir, store) = open();
    let count = |station: &str| {
        let prefix = [b"\x04default/", station.as_bytes(), b"\0"].concat();
        store.scan(Table::Variables, &prefix, b"").count()
    };
    let many = (0..1_200).flat_map(|n| rows("A", n, status("OtherError", 1)));
    put(&store, many.collect());
    put(&store, rows("A2", 1, status("OtherError", 1)));
    put(&store, rows("A2", 2 * DAY, status("OtherError", 1)));
    put(&store, rows("B", 1, status("OtherError", 1)));
    let mut from = Vec::new();
    clear(&store, UtcMicros(29 * DAY), &mut from).unwrap();
    assert_eq!((count("A"), count("A2"), count("B")), (KEPT_MAX, 2, 1));
    clear(&store, UtcMicros(31 * DAY), &mut from).unwrap();
    assert_eq!((count("A"), count("A2"), count("B")), (0, 1, 0));
}

#[test]
fn rounds_that_end_amid_a_station_begin_with_it_again() {
    let (_dir, store) = open();
    for station in ["A", "B", "C"] {
        let many = (0..1_400).flat_map(|n| rows(station, n, status("OtherError", 1)));
        put(&store, many.collect());
    }
    let mut from = Vec::new();
    let mut rounds = 0;
    loop {
        clear_some(&store, UtcMicros(DAY), &mut from, 1_100).unwrap();
        rounds += 1;
        if from.is_empty() {
            break;
        }
        assert!(rounds < 50, "it goes round");
    }
    assert_eq!(
        store.scan(Table::Variables, b"\x04", b"").count(),
        3 * KEPT_MAX
    );
}
