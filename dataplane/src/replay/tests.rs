//! What a start does with records that it cannot read.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use fleet::record::{
    ConnectionRefused, Message, Moment, Notified, Reservation, ReservationState,
    ReservationsChanged, SecurityEvent,
};
use fleet::{UtcMicros, wire};
use storage::disk::RealDisk;
use storage::log::{Log, LogConfig};

use super::*;
use crate::state::UNAPPLIED;

const AT: UtcMicros = UtcMicros(1_700_000_000_000_000);

fn record(fact: impl Into<Fact>) -> Vec<u8> {
    let station = StationKey::new("default", "CP1").unwrap();
    let mut bytes = Vec::new();
    wire::Writer::default().write_fact(&mut bytes, &station, AT, &fact.into());
    bytes
}

fn message() -> Message {
    Message {
        direction: 1,
        message_type: 2,
        message_id: "m1".into(),
        action: "Heartbeat".into(),
        raw: r#"[2,"m1","Heartbeat",{}]"#.into(),
    }
}

fn notified() -> Notified {
    Notified {
        action: "FirmwareStatusNotification".into(),
        payload: "{}".into(),
    }
}

fn security_event() -> SecurityEvent {
    SecurityEvent {
        event_type: "FirmwareUpdated".into(),
        occurred: Moment::default(),
        info: String::new(),
        critical: true,
    }
}

fn connection_refused() -> ConnectionRefused {
    ConnectionRefused {
        reason: "wrong password".into(),
        peer: "127.0.0.1:1".into(),
    }
}

/// A frame's record that ends in bytes that are no UTF-8.
fn garbled_message() -> Vec<u8> {
    let mut record = record(message());
    let end = record.len() - 3;
    record[end..].fill(0xff);
    record
}

/// In a version that this program does not know.
fn newer(mut record: Vec<u8>) -> Vec<u8> {
    record[2] = 9;
    record
}

/// A file that lies aside: its name, and what is in it.
type Kept = (String, Vec<u8>);

/// Replays a log of these records; what it read, and what lies aside then.
fn replay(records: &[Vec<u8>]) -> (Result<(Seq, u64), String>, Vec<Kept>) {
    let dir = tempfile::tempdir().unwrap();
    let store = StateStore::open(&dir.path().join("state")).unwrap();
    let log_dir = dir.path().join("log");
    let config = LogConfig::default();
    let (mut log, _) = Log::open(&log_dir, config, Arc::new(RealDisk), || {}).unwrap();
    records.iter().for_each(|record| {
        log.append(record).unwrap();
    });
    log.flush(0);
    let handle = log.handle().clone();
    assert!(handle.reader(log.appended()).wait(Duration::from_secs(30)));
    let (id, aside) = (log.id(), dir.path().join("aside"));
    let again = || {
        let mut replay = Replay::load(&store, Plausibility::default(), aside.clone()).unwrap();
        let read = replay.read(&store, id, &mut handle.reader(handle.first()));
        read.map(|last| (last, replay.passed_by()))
    };
    let read = again();
    if read.is_ok() {
        assert_eq!(again().unwrap().1, 0, "the store is past them");
    }
    let read = read.map_err(|error| {
        error
            .to_string()
            .replace(&id.to_string(), "LOG")
            .replace(dir.path().to_str().unwrap(), "DIR")
    });
    let mut kept: Vec<_> = fs::read_dir(&aside)
        .into_iter()
        .flatten()
        .map(|entry| entry.unwrap())
        .map(|entry| {
            let name = entry.file_name().into_string().unwrap();
            let bytes = fs::read(entry.path()).unwrap();
            (name.replace(&id.to_string(), "LOG"), bytes)
        })
        .collect();
    kept.sort();
    (read, kept)
}

#[test]
fn a_record_that_changes_no_state_and_cannot_be_read_is_kept_and_passed_by() {
    let garbled = garbled_message();
    let event = newer(record(security_event()));
    let refused = newer(record(connection_refused()));
    let mut nobodys = record(message());
    // `default/CP1` without its slash.
    nobodys[20] = b'_';
    for unreadable in [&garbled, &event, &refused, &nobodys] {
        assert!(
            wire::read(unreadable)
                .and_then(|r| r.station_key())
                .is_err()
        );
    }
    let (read, kept) = replay(&[
        record(message()),
        garbled.clone(),
        event.clone(),
        record(notified()),
        refused.clone(),
        nobodys.clone(),
    ]);
    assert_eq!(read, Ok((Seq(6), 4)));
    let expected = [(2, garbled), (3, event), (5, refused), (6, nobodys)];
    let expected = expected.map(|(seq, bytes)| (format!("LOG-{seq}.record"), bytes));
    assert_eq!(kept, expected);
}

#[test]
fn one_that_state_may_hang_on_stops_the_start_and_says_where_it_is() {
    let mut unknown = record(message());
    unknown[0] = 200;
    for bad in [unknown, newer(record(notified())), vec![10]] {
        let (read, kept) = replay(&[record(message()), bad]);
        let error = read.unwrap_err();
        let expected = "replaying log LOG: record 2, in the block at offset 4096 of DIR/log/";
        assert!(error.starts_with(expected), "{error}");
        let what_to_do = "may change state and cannot be read; start the version that wrote it, or restore a backup";
        assert!(error.ends_with(what_to_do), "{error}");
        assert_eq!(kept, []);
    }
}

#[test]
fn what_may_be_passed_by_changes_no_state() {
    let station = StationKey::new("default", "CP1").unwrap();
    let event = EventId {
        log_id: LogId(1),
        seq: Seq(1),
    };
    for bytes in [
        record(message()),
        record(security_event()),
        record(connection_refused()),
    ] {
        assert!(aside::changes_no_state(&bytes));
        let read = wire::read(&bytes).unwrap();
        let mut state = StationState::new(station.clone());
        state.apply(event, &read, &Plausibility::default());
        state.applied = UNAPPLIED;
        state.seen_at = UtcMicros(0);
        assert_eq!(state.to_row(), StationState::new(station.clone()).to_row());
        let mut projection = Projection::default();
        projection.note(event, &read, &bytes);
        assert!(projection.is_empty());
    }
}

#[test]
fn reservations_end_when_they_would_have_by_the_log_and_by_the_store() {
    let dir = tempfile::tempdir().unwrap();
    let store = StateStore::open(&dir.path().join("state")).unwrap();
    let (config, disk) = (LogConfig::default(), Arc::new(RealDisk));
    let (mut log, _) = Log::open(&dir.path().join("log"), config, disk, || {}).unwrap();
    let reservation = |id, state: ReservationState| Reservation {
        id,
        evse_id: 1,
        connector_type: String::new(),
        token_ref: [1; 16],
        group_ref: None,
        expires_at: 100 * id,
        state: state.code(),
        requested_at: 0,
        changed_at: 0,
        transaction_id: None,
        principal: String::new(),
    };
    let changed = |reservations| ReservationsChanged {
        last_id: 3,
        reservations,
    };
    let (active, used) = (ReservationState::Active, ReservationState::Used);
    let unknown = ReservationState::Unknown;
    for reservations in [
        vec![reservation(2, active), reservation(1, active)],
        vec![
            reservation(2, active),
            reservation(3, unknown),
            reservation(1, used),
        ],
    ] {
        log.append(&record(changed(reservations))).unwrap();
    }
    log.flush(0);
    let handle = log.handle().clone();
    assert!(handle.reader(log.appended()).wait(Duration::from_secs(30)));
    for _ in 0..2 {
        let aside = dir.path().join("aside");
        let mut replay = Replay::load(&store, Plausibility::default(), aside).unwrap();
        let mut reader = handle.reader(handle.first());
        replay.read(&store, log.id(), &mut reader).unwrap();
        let share = replay.split(1).pop().unwrap();
        let ends: Vec<_> = share
            .reservation_ends
            .into_iter()
            .map(|(_, at)| at)
            .collect();
        assert_eq!(ends, [200, 300]);
    }
}
