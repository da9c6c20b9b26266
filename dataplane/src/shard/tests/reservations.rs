//! Reservations: asked for, answered, used, over, and after a crash.

use std::fmt::Write;
use std::time::Duration;

use expect_test::{Expect, expect};
use fleet::UtcMicros;
use fleet::record::{ReservationState, ReservationsChanged};

use super::world::{EPOCH, World, config, key};
use crate::config::Onboarding;
use crate::router::Ask;
use crate::router::pending::pending;
use crate::router::reservations::ReserveRequest;
use crate::token::NamedToken;

/// `reserve IDENTITY TOKEN UNTIL [id=N] [evse=N] [connector=TYPE] [type=TYPE] [group=ID]`; times are seconds of the script.
pub(super) fn reserve(world: &mut World, rest: &str) {
    let words: Vec<_> = rest.split(' ').collect();
    let [station, token, until, options @ ..] = words.as_slice() else {
        panic!("{rest}");
    };
    let until: i64 = until.parse().expect("a time");
    let mut request = ReserveRequest {
        station: key(station),
        id: None,
        evse_id: 0,
        connector_type: None,
        token: NamedToken::from(*token),
        expires_at: UtcMicros(EPOCH + until * 1_000_000),
        principal: "op".into(),
        wait: Duration::from_secs(20),
    };
    for option in options {
        let (name, value) = option.split_once('=').expect("name=value");
        match name {
            "id" => request.id = Some(value.parse().expect("a number")),
            "evse" => request.evse_id = value.parse().expect("a number"),
            "connector" => request.connector_type = Some(value.into()),
            "type" => request.token.kind = Some(value.into()),
            "group" => request.token.group = Some(value.into()),
            _ => panic!("{option}"),
        }
    }
    world.ask("reserve", |reply| Ask::Reserve { request, reply });
}

/// `reservations IDENTITY`
pub(super) fn show(world: &mut World, identity: &str) {
    let (reply, pending) = pending();
    let (now, key) = (world.now(), key(identity));
    world.shard.ask(now, Ask::Reservations { key, reply });
    let views = pending.wait(Duration::ZERO).unwrap();
    for view in views.expect("a known station") {
        let used = if view.transaction.is_some() {
            " by a transaction"
        } else {
            ""
        };
        let seconds = |at: UtcMicros| (at.0 - EPOCH) / 1_000_000;
        world.say(&format!(
            "reservation {} on {} until {}: {} since {}{used}",
            view.id,
            view.evse_id,
            seconds(view.expires_at),
            view.state,
            seconds(view.changed_at),
        ));
    }
}

/// A record in one line.
pub(super) fn shown(changed: &ReservationsChanged) -> String {
    let Some(last) = changed.reservations.last() else {
        return "ReservationsChanged none".to_owned();
    };
    let mut out = format!(
        "ReservationsChanged {} of {}",
        last.id,
        changed.reservations.len()
    );
    let state = ReservationState::from_code(last.state).expect("a state");
    write!(out, " {state}").unwrap();
    out
}

/// Message ids are drawn, and the frames themselves are other tests' business.
fn check(script: &str, expected: Expect) {
    let mut world = World::new(config(Onboarding::Open));
    let out = world.run(script);
    let shown = out.lines().map(|line| match line.split_once(" < [") {
        Some((who, frame)) => match frame.split_once("\"ReserveNow\",") {
            Some((_, payload)) => format!("{who} < ReserveNow {}\n", payload.trim_end_matches(']')),
            None => String::new(),
        },
        None => format!("{line}\n"),
    });
    expected.assert_eq(&shown.collect::<String>());
}

#[test]
fn only_what_the_station_accepts_counts() {
    check(
        r#"
        0 a connect CP1
        0 token TAG Accepted group=FAMILY
        1 op reserve CP1 TAG 600 evse=1
        2 op reservations CP1
        3 a answers {"status":"Accepted"}
        4 op reservations CP1
        5 op reserve CP1 OTHER 600 evse=1
        6 a answers {"status":"Occupied"}
        7 op reserve CP1 OTHER 600
        8 a refuses NotSupported none
        9 op reservations CP1
        "#,
        expect![[r#"
            0 a < 101 Switching Protocols ocpp1.6
            1 a < ReserveNow {"connectorId":1,"expiryDate":"2026-11-22T10:10:00.000Z","idTag":"TAG","parentIdTag":"FAMILY","reservationId":1}
            2 reservation 1 on 1 until 600: requested since 1
            3 op reserve: Answered Some("{\"status\":\"Accepted\"}") None
            4 reservation 1 on 1 until 600: active since 3
            5 a < ReserveNow {"connectorId":1,"expiryDate":"2026-11-22T10:10:00.000Z","idTag":"OTHER","reservationId":2}
            6 op reserve: Answered Some("{\"status\":\"Occupied\"}") None
            7 a < ReserveNow {"connectorId":0,"expiryDate":"2026-11-22T10:10:00.000Z","idTag":"OTHER","reservationId":3}
            8 op reserve: Answered None Some(("NotSupported", "none"))
            9 reservation 1 on 1 until 600: active since 3
            9 reservation 2 on 1 until 600: refused since 6
            9 reservation 3 on 0 until 600: refused since 8
        "#]],
    );
}

#[test]
fn the_same_id_replaces_what_the_station_held_once_it_accepts() {
    check(
        r#"
        0 a connect CP1
        1 op reserve CP1 TAG 600 evse=1 id=7
        1 a answers {"status":"Accepted"}
        2 op reserve CP1 TAG 900 evse=2 id=7
        2 a answers {"status":"Occupied"}
        3 op reservations CP1
        4 op reserve CP1 TAG 900 evse=2 id=7
        4 a answers {"status":"Accepted"}
        5 op reservations CP1
        6 op reserve CP1 TAG 900
        6 a answers {"status":"Accepted"}
        "#,
        expect![[r#"
            0 a < 101 Switching Protocols ocpp1.6
            1 a < ReserveNow {"connectorId":1,"expiryDate":"2026-11-22T10:10:00.000Z","idTag":"TAG","reservationId":7}
            1 op reserve: Answered Some("{\"status\":\"Accepted\"}") None
            2 a < ReserveNow {"connectorId":2,"expiryDate":"2026-11-22T10:15:00.000Z","idTag":"TAG","reservationId":7}
            2 op reserve: Answered Some("{\"status\":\"Occupied\"}") None
            3 reservation 7 on 1 until 600: active since 1
            3 reservation 7 on 2 until 900: refused since 2
            4 a < ReserveNow {"connectorId":2,"expiryDate":"2026-11-22T10:15:00.000Z","idTag":"TAG","reservationId":7}
            4 op reserve: Answered Some("{\"status\":\"Accepted\"}") None
            5 reservation 7 on 2 until 900: refused since 2
            5 reservation 7 on 2 until 900: active since 4
            6 a < ReserveNow {"connectorId":0,"expiryDate":"2026-11-22T10:15:00.000Z","idTag":"TAG","reservationId":8}
            6 op reserve: Answered Some("{\"status\":\"Accepted\"}") None
        "#]],
    );
}

#[test]
fn a_reservation_ends_in_time_by_a_clock_that_nobody_sets() {
    check(
        r#"
        0 records shown
        0 a connect CP1
        1 op reserve CP1 TAG 600 evse=1
        1 a answers {"status":"Accepted"}
        2 op reserve CP1 TAG 700 evse=2
        599 op reservations CP1
        601 op reservations CP1
        "#,
        expect![[r#"
            0 a < 101 Switching Protocols ocpp1.6
            0 record Connected first_seen true
            1 record ReservationsChanged 1 of 1 requested
            1 record CommandChanged ReserveNow queued {"connectorId":1,"expiryDate":"2026-11-22T10:10:00.000Z","idTag":"b620ac70b667be730fd0103919919eb4","reservationId":1}
            1 a < ReserveNow {"connectorId":1,"expiryDate":"2026-11-22T10:10:00.000Z","idTag":"TAG","reservationId":1}
            1 record message to [2,"01a202b2-c8e8-756e-ab2f-2632d7bd03fb","ReserveNow",{"connectorId":1,"expiryDate":"2026-11-22T10:10:00.000Z","idTag":"TAG","reservationId":1}]
            1 record CommandChanged ReserveNow sent {"connectorId":1,"expiryDate":"2026-11-22T10:10:00.000Z","idTag":"b620ac70b667be730fd0103919919eb4","reservationId":1}
            1 record message from [3,"01a202b2-c8e8-756e-ab2f-2632d7bd03fb",{"status":"Accepted"}]
            1 record CommandChanged ReserveNow answered {"connectorId":1,"expiryDate":"2026-11-22T10:10:00.000Z","idTag":"b620ac70b667be730fd0103919919eb4","reservationId":1}
            1 record ReservationsChanged 1 of 1 active
            1 op reserve: Answered Some("{\"status\":\"Accepted\"}") None
            2 record ReservationsChanged 2 of 2 requested
            2 record CommandChanged ReserveNow queued {"connectorId":2,"expiryDate":"2026-11-22T10:11:40.000Z","idTag":"b620ac70b667be730fd0103919919eb4","reservationId":2}
            2 a < ReserveNow {"connectorId":2,"expiryDate":"2026-11-22T10:11:40.000Z","idTag":"TAG","reservationId":2}
            2 record message to [2,"01a202b2-ccd0-729f-8f13-5767524794fb","ReserveNow",{"connectorId":2,"expiryDate":"2026-11-22T10:11:40.000Z","idTag":"TAG","reservationId":2}]
            2 record CommandChanged ReserveNow sent {"connectorId":2,"expiryDate":"2026-11-22T10:11:40.000Z","idTag":"b620ac70b667be730fd0103919919eb4","reservationId":2}
            22 op reserve: Sent None None
            32 record CommandChanged ReserveNow timeout {"connectorId":2,"expiryDate":"2026-11-22T10:11:40.000Z","idTag":"b620ac70b667be730fd0103919919eb4","reservationId":2}
            32 record ReservationsChanged 2 of 2 unknown
            316 record StationHeard at 271
            599 reservation 1 on 1 until 600: active since 1
            599 reservation 2 on 2 until 700: unknown since 32
            600 record ReservationsChanged 1 of 2 expired
            601 reservation 2 on 2 until 700: unknown since 32
            601 reservation 1 on 1 until 600: expired since 600
        "#]],
    );
}

#[test]
fn a_transaction_uses_the_reservation_that_it_names_once() {
    check(
        r#"
        0 a connect CP1
        0 records shown
        1 op reserve CP1 TAG 600 evse=1
        1 a answers {"status":"Accepted"}
        2 a > [2,"1","StartTransaction",{"connectorId":1,"idTag":"TAG","meterStart":0,"reservationId":1,"timestamp":"2026-11-22T10:00:02Z"}]
        3 a > [2,"2","StartTransaction",{"connectorId":1,"idTag":"TAG","meterStart":0,"reservationId":1,"timestamp":"2026-11-22T10:00:02Z"}]
        4 op reservations CP1
        700 op reservations CP1
        "#,
        expect![[r#"
            0 a < 101 Switching Protocols ocpp1.6
            1 record ReservationsChanged 1 of 1 requested
            1 record CommandChanged ReserveNow queued {"connectorId":1,"expiryDate":"2026-11-22T10:10:00.000Z","idTag":"b620ac70b667be730fd0103919919eb4","reservationId":1}
            1 a < ReserveNow {"connectorId":1,"expiryDate":"2026-11-22T10:10:00.000Z","idTag":"TAG","reservationId":1}
            1 record message to [2,"01a202b2-c8e8-756e-ab2f-2632d7bd03fb","ReserveNow",{"connectorId":1,"expiryDate":"2026-11-22T10:10:00.000Z","idTag":"TAG","reservationId":1}]
            1 record CommandChanged ReserveNow sent {"connectorId":1,"expiryDate":"2026-11-22T10:10:00.000Z","idTag":"b620ac70b667be730fd0103919919eb4","reservationId":1}
            1 record message from [3,"01a202b2-c8e8-756e-ab2f-2632d7bd03fb",{"status":"Accepted"}]
            1 record CommandChanged ReserveNow answered {"connectorId":1,"expiryDate":"2026-11-22T10:10:00.000Z","idTag":"b620ac70b667be730fd0103919919eb4","reservationId":1}
            1 record ReservationsChanged 1 of 1 active
            1 op reserve: Answered Some("{\"status\":\"Accepted\"}") None
            2 record message from [2,"1","StartTransaction",{"connectorId":1,"idTag":"TAG","meterStart":0,"reservationId":1,"timestamp":"2026-11-22T10:00:02Z"}]
            2 record TransactionEvent kind 1 gap 0 offline false conflict false state 1
            2 record MeterValues rows 1 readings 1 samples 0 offline false conflict false
            2 record ReservationsChanged 1 of 1 used
            2 record message to [3,"1",{"idTagInfo":{"status":"Accepted"},"transactionId":1732842523}]
            3 record message from [2,"2","StartTransaction",{"connectorId":1,"idTag":"TAG","meterStart":0,"reservationId":1,"timestamp":"2026-11-22T10:00:02Z"}]
            3 record message to [3,"2",{"idTagInfo":{"status":"Accepted"},"transactionId":1732842523}]
            4 reservation 1 on 1 until 600: used since 2 by a transaction
            318 record StationHeard at 273
            633 record StationHeard at 588
            700 reservation 1 on 1 until 600: used since 2 by a transaction
        "#]],
    );
}

#[test]
fn a_transaction_that_began_before_is_about_an_older_one_of_that_id() {
    check(
        r#"
        0 a connect CP1
        1000 op reserve CP1 TAG 2000 evse=1
        1000 a answers {"status":"Accepted"}
        1001 a > [2,"1","StartTransaction",{"connectorId":1,"idTag":"TAG","meterStart":0,"reservationId":1,"timestamp":"2026-11-22T10:05:00Z"}]
        1002 op reservations CP1
        2001 a > [2,"2","StartTransaction",{"connectorId":1,"idTag":"TAG","meterStart":5,"reservationId":1,"timestamp":"2026-11-22T10:33:19Z"}]
        2002 op reservations CP1
        "#,
        expect![[r#"
            0 a < 101 Switching Protocols ocpp1.6
            1000 a < ReserveNow {"connectorId":1,"expiryDate":"2026-11-22T10:33:20.000Z","idTag":"TAG","reservationId":1}
            1000 op reserve: Answered Some("{\"status\":\"Accepted\"}") None
            1002 reservation 1 on 1 until 2000: active since 1000
            2002 reservation 1 on 1 until 2000: used since 2001 by a transaction
        "#]],
    );
}

#[test]
fn a_crash_between_the_start_and_its_reservation_is_made_good_by_the_retry() {
    check(
        r#"
        0 a connect CP1
        1 op reserve CP1 TAG 600 evse=1
        1 a answers {"status":"Accepted"}
        2 disk holds
        2 a > [2,"1","StartTransaction",{"connectorId":1,"idTag":"TAG","meterStart":0,"reservationId":1,"timestamp":"2026-11-22T10:00:02Z"}]
        2 disk keeps 3
        2 restart
        2 disk goes
        3 op reservations CP1
        4 a connect CP1
        5 a > [2,"2","StartTransaction",{"connectorId":1,"idTag":"TAG","meterStart":0,"reservationId":1,"timestamp":"2026-11-22T10:00:02Z"}]
        6 op reservations CP1
        "#,
        expect![[r#"
            0 a < 101 Switching Protocols ocpp1.6
            1 a < ReserveNow {"connectorId":1,"expiryDate":"2026-11-22T10:10:00.000Z","idTag":"TAG","reservationId":1}
            1 op reserve: Answered Some("{\"status\":\"Accepted\"}") None
            2 a ended
            3 reservation 1 on 1 until 600: active since 1
            4 a < 101 Switching Protocols ocpp1.6
            6 reservation 1 on 1 until 600: used since 5 by a transaction
        "#]],
    );
}

#[test]
fn after_a_kill_reservations_are_there_and_still_end() {
    check(
        r#"
        0 a connect CP1
        1 op reserve CP1 TAG 600 evse=1
        1 a answers {"status":"Accepted"}
        2 op reserve CP1 TAG 700 evse=2
        3 restart
        4 op reservations CP1
        5 a connect CP1
        6 op reserve CP1 TAG 800 evse=2
        6 a answers {"status":"Accepted"}
        650 restart
        651 op reservations CP1
        750 op reservations CP1
        "#,
        expect![[r#"
            0 a < 101 Switching Protocols ocpp1.6
            1 a < ReserveNow {"connectorId":1,"expiryDate":"2026-11-22T10:10:00.000Z","idTag":"TAG","reservationId":1}
            1 op reserve: Answered Some("{\"status\":\"Accepted\"}") None
            2 a < ReserveNow {"connectorId":2,"expiryDate":"2026-11-22T10:11:40.000Z","idTag":"TAG","reservationId":2}
            3 a ended
            3 op reserve: Err(Stopped)
            4 reservation 1 on 1 until 600: active since 1
            4 reservation 2 on 2 until 700: unknown since 3
            5 a < 101 Switching Protocols ocpp1.6
            6 a < ReserveNow {"connectorId":2,"expiryDate":"2026-11-22T10:13:20.000Z","idTag":"TAG","reservationId":3}
            6 op reserve: Answered Some("{\"status\":\"Accepted\"}") None
            650 a ended
            651 reservation 2 on 2 until 700: unknown since 3
            651 reservation 3 on 2 until 800: active since 6
            651 reservation 1 on 1 until 600: expired since 600
            750 reservation 3 on 2 until 800: active since 6
            750 reservation 1 on 1 until 600: expired since 600
            750 reservation 2 on 2 until 700: expired since 700
        "#]],
    );
}

#[test]
fn a_cancellation_counts_when_the_station_agrees() {
    check(
        r#"
        0 a connect CP1
        1 op reserve CP1 TAG 600 evse=1
        1 a answers {"status":"Accepted"}
        2 op command CP1 wait CancelReservation {"reservationId":1}
        2 a refuses InternalError no
        3 op reservations CP1
        4 op command CP1 wait CancelReservation {"reservationId":1}
        4 a answers {"status":"Accepted"}
        5 op reservations CP1
        6 op command CP1 wait CancelReservation {"reservationId":9}
        6 a answers {"status":"Accepted"}
        "#,
        expect![[r#"
            0 a < 101 Switching Protocols ocpp1.6
            1 a < ReserveNow {"connectorId":1,"expiryDate":"2026-11-22T10:10:00.000Z","idTag":"TAG","reservationId":1}
            1 op reserve: Answered Some("{\"status\":\"Accepted\"}") None
            2 op command CancelReservation: Answered None Some(("InternalError", "no"))
            3 reservation 1 on 1 until 600: active since 1
            4 op command CancelReservation: Answered Some("{\"status\":\"Accepted\"}") None
            5 reservation 1 on 1 until 600: cancelled since 4
            6 op command CancelReservation: Answered Some("{\"status\":\"Accepted\"}") None
        "#]],
    );
}

/// A station that has no such reservation keeps nothing free.
#[test]
fn h02_fr_01_a_reservation_that_the_station_does_not_know_is_over() {
    check(
        r#"
        0 a connect CP1
        1 op reserve CP1 TAG 600 evse=1
        1 a answers {"status":"Accepted"}
        2 op command CP1 CancelReservation {"reservationId":1}
        2 op command CP1 ReserveNow {"connectorId":2,"expiryDate":"2026-11-22T10:10:00Z","idTag":"TAG","reservationId":1}
        3 a answers {"status":"Rejected"}
        4 op reservations CP1
        5 a answers {"status":"Accepted"}
        6 op reservations CP1
        "#,
        expect![[r#"
            0 a < 101 Switching Protocols ocpp1.6
            1 a < ReserveNow {"connectorId":1,"expiryDate":"2026-11-22T10:10:00.000Z","idTag":"TAG","reservationId":1}
            1 op reserve: Answered Some("{\"status\":\"Accepted\"}") None
            2 op command CancelReservation: Queued None None
            2 op command ReserveNow: Queued None None
            3 a < ReserveNow {"connectorId":2,"expiryDate":"2026-11-22T10:10:00Z","idTag":"TAG","reservationId":1}
            4 reservation 1 on 2 until 600: requested since 2
            4 reservation 1 on 1 until 600: removed since 3
            6 reservation 1 on 1 until 600: removed since 3
            6 reservation 1 on 2 until 600: active since 5
        "#]],
    );
}

#[test]
fn what_nobody_heard_of_or_never_went_out_is_no_reservation() {
    check(
        r#"
        0 op register CP1
        1 op reserve CP1 TAG 600
        2 op reservations CP1
        3 a connect CP1
        4 op reserve CP1 TAG 600
        5 a drops
        6 op reservations CP1
        7 op reserve CP9 TAG 600
        "#,
        expect![[r#"
            0 op register CP1: Ok([Ok(())])
            1 op reserve: Offline None None
            3 a < 101 Switching Protocols ocpp1.6
            4 a < ReserveNow {"connectorId":0,"expiryDate":"2026-11-22T10:10:00.000Z","idTag":"TAG","reservationId":1}
            5 op reserve: Unknown None None
            6 reservation 1 on 0 until 600: unknown since 5
            7 op reserve: Ok(Err(UnknownStation))
        "#]],
    );
}

#[test]
fn a_store_that_cannot_be_read_reserves_nothing_and_ends_nothing_early() {
    check(
        r#"
        0 a connect CP1 2.0.1
        1 op reserve CP1 TAG 60
        1 a answers {"status":"Accepted"}
        2 store breaks
        3 op reserve CP1 TAG 600
        4 op command CP1 wait ReserveNow {"id":2,"expiryDateTime":"2026-11-22T11:00:00Z","idToken":{"idToken":"TAG","type":"ISO14443"}}
        5 a > [2,"1","ReservationStatusUpdate",{"reservationId":1,"reservationUpdateStatus":"Removed"}]
        65 store works
        66 op reservations CP1
        75 op reservations CP1
        "#,
        expect![[r#"
            0 a < 101 Switching Protocols ocpp2.0.1
            1 a < ReserveNow {"id":1,"expiryDateTime":"2026-11-22T10:01:00.000Z","idToken":{"idToken":"TAG","type":"ISO14443"}}
            1 op reserve: Answered Some("{\"status\":\"Accepted\"}") None
            3 op reserve: Err(StoreUnreadable)
            4 op command ReserveNow: Err(StoreUnreadable)
            66 reservation 1 on 0 until 60: active since 1
            75 reservation 1 on 0 until 60: expired since 70
        "#]],
    );
}

#[test]
fn a_version_gets_its_own_words() {
    for protocol in ["1.6", "2.0.1", "2.1"] {
        let script = format!(
            "
            0 a connect CP1 {protocol}
            0 token TAG Accepted type=KeyCode group=FAMILY
            1 op reserve CP1 TAG 60 evse=2
            1 a answers {{\"status\":\"Accepted\"}}
            2 op reserve CP1 TAG 60 connector=cCCS2
            2 a answers {{\"status\":\"Accepted\"}}
            3 op reserve CP1 NEW 60 type=Magic
            "
        );
        let expected = match protocol {
            "1.6" => expect![[r#"
                0 a < 101 Switching Protocols ocpp1.6
                1 a < ReserveNow {"connectorId":2,"expiryDate":"2026-11-22T10:01:00.000Z","idTag":"TAG","parentIdTag":"FAMILY","reservationId":1}
                1 op reserve: Answered Some("{\"status\":\"Accepted\"}") None
                2 op reserve: Ok(Err(Invalid("1.6 cannot reserve by the type of a connector")))
                3 a < ReserveNow {"connectorId":0,"expiryDate":"2026-11-22T10:01:00.000Z","idTag":"NEW","reservationId":2}
            "#]],
            "2.0.1" => expect![[r#"
                0 a < 101 Switching Protocols ocpp2.0.1
                1 a < ReserveNow {"id":1,"expiryDateTime":"2026-11-22T10:01:00.000Z","idToken":{"idToken":"TAG","type":"KeyCode"},"evseId":2,"groupIdToken":{"idToken":"FAMILY","type":"Central"}}
                1 op reserve: Answered Some("{\"status\":\"Accepted\"}") None
                2 a < ReserveNow {"id":2,"expiryDateTime":"2026-11-22T10:01:00.000Z","connectorType":"cCCS2","idToken":{"idToken":"TAG","type":"KeyCode"},"groupIdToken":{"idToken":"FAMILY","type":"Central"}}
                2 op reserve: Answered Some("{\"status\":\"Accepted\"}") None
                3 op reserve: Ok(Err(Invalid("type \"Magic\" is none of 2.0.1")))
            "#]],
            _ => expect![[r#"
                0 a < 101 Switching Protocols ocpp2.1
                1 a < ReserveNow {"id":1,"expiryDateTime":"2026-11-22T10:01:00.000Z","idToken":{"idToken":"TAG","type":"KeyCode"},"evseId":2,"groupIdToken":{"idToken":"FAMILY","type":"Central"}}
                1 op reserve: Answered Some("{\"status\":\"Accepted\"}") None
                2 a < ReserveNow {"id":2,"expiryDateTime":"2026-11-22T10:01:00.000Z","connectorType":"cCCS2","idToken":{"idToken":"TAG","type":"KeyCode"},"groupIdToken":{"idToken":"FAMILY","type":"Central"}}
                2 op reserve: Answered Some("{\"status\":\"Accepted\"}") None
                3 a < ReserveNow {"id":3,"expiryDateTime":"2026-11-22T10:01:00.000Z","idToken":{"idToken":"NEW","type":"Magic"}}
            "#]],
        };
        check(&script, expected);
    }
}

#[test]
fn an_id_is_not_given_again_when_its_reservation_is_kept_no_longer() {
    let mut world = World::new(config(Onboarding::Open));
    world.run(
        "0 a connect CP1\n0 op reserve CP1 TAG 600 id=500\n0 a answers {\"status\":\"Rejected\"}",
    );
    for id in 1..=64 {
        let step = format!("{id} op reserve CP1 TAG 600 id={id}");
        world.run(&format!(
            "{step}\n{id} a answers {{\"status\":\"Rejected\"}}"
        ));
    }
    let out = world.run("70 op reservations CP1\n70 op reserve CP1 TAG 600");
    assert!(!out.contains("reservation 500"), "{out}");
    assert!(out.contains("\"reservationId\":501"), "{out}");
}

#[test]
fn a_station_that_reserves_one_evse_twice_decides_alone_who_charges() {
    let mut world = World::new(config(Onboarding::Open));
    let shown = world.run(
        r#"
        0 a connect CP1
        0 token MINE Accepted
        0 token OTHER Accepted
        0 token THIRD Accepted
        1 op reserve CP1 MINE 600 evse=1
        1 a answers {"status":"Accepted"}
        2 op reserve CP1 OTHER 700 evse=1
        2 a answers {"status":"Accepted"}
        3 op reserve CP1 THIRD 800 evse=1
        3 a answers {"status":"Occupied"}
        4 a > [2,"1","StartTransaction",{"connectorId":1,"idTag":"THIRD","meterStart":0,"timestamp":"2026-11-22T10:00:04Z"}]
        5 op reservations CP1
        "#,
    );
    let of_interest = shown
        .lines()
        .filter(|line| line.starts_with("4 ") || line.starts_with("5 "));
    let lines: Vec<_> = of_interest.collect();
    expect![[r#"
        4 a < [3,"1",{"idTagInfo":{"status":"Accepted"},"transactionId":1732842523}]
        5 reservation 1 on 1 until 600: active since 1
        5 reservation 2 on 1 until 700: active since 2
        5 reservation 3 on 1 until 800: refused since 3"#]]
    .assert_eq(&lines.join("\n"));
}
