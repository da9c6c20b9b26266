//! Block H: reservations.

use expect_test::expect;

use super::{BOOTED, check};

/// A reservation of EVSE 1 that its station holds.
const RESERVED: &str = r#"
op reserve CP1 TAG 600 evse=1 type=ISO14443
answer {"status":"Accepted"}
connector Reserved
"#;

#[test]
fn tc_h_01_csms_a_reserved_evse_is_used() {
    check(
        &[BOOTED],
        r#"
        op reserve CP1 TAG 600 evse=1 type=ISO14443
        answer {"status":"Accepted"}
        connector Reserved
        Authorize {"idToken":{"idToken":"TAG","type":"ISO14443"}}
        tx Started Authorized token=TAG evse reservation=1
        : op reservations CP1
        : op station CP1
        "#,
        expect![[r#"
            < ReserveNow {"id":1,"expiryDateTime":"2026-11-22T10:10:00.000Z","idToken":{"idToken":"TAG","type":"ISO14443"},"evseId":1}
            op reserve: Answered {"status":"Accepted"}
            StatusNotification: {}
            NotifyEvent: {}
            Authorize: {"idTokenInfo":{"status":"Accepted"}}
            TransactionEvent: {"idTokenInfo":{"status":"Accepted"}}
            reservation 1 on 1 until 600: used since 10 by a transaction
            station CP1: accepted online Reserved V 1 [1.1 Reserved]
        "#]],
    );
}

#[test]
fn tc_h_07_csms_a_reservation_ends_unused() {
    check(
        &[BOOTED, RESERVED],
        r#"
        wait 700
        connector Available
        ReservationStatusUpdate {"reservationId":1,"reservationUpdateStatus":"Expired"}
        : op reservations CP1
        "#,
        expect![[r#"
            StatusNotification: {}
            NotifyEvent: {}
            ReservationStatusUpdate: {}
            reservation 1 on 1 until 600: expired since 600
        "#]],
    );
}

#[test]
fn tc_h_08_csms_any_evse_is_reserved() {
    check(
        &[BOOTED],
        r#"
        op reserve CP1 TAG 600 type=ISO14443
        answer {"status":"Accepted"}
        connector Reserved
        : op reservations CP1
        "#,
        expect![[r#"
            < ReserveNow {"id":1,"expiryDateTime":"2026-11-22T10:10:00.000Z","idToken":{"idToken":"TAG","type":"ISO14443"}}
            op reserve: Answered {"status":"Accepted"}
            StatusNotification: {}
            NotifyEvent: {}
            reservation 1 on 0 until 600: active since 6
        "#]],
    );
}

#[test]
fn tc_h_14_csms_as_many_are_reserved_as_there_are() {
    check(
        &[BOOTED],
        r#"
        op reserve CP1 TAG 600 type=ISO14443
        answer {"status":"Accepted"}
        op reserve CP1 TAG 600 type=ISO14443
        answer {"status":"Accepted"}
        connector Reserved 1 1
        connector Reserved 2 1
        : op reservations CP1
        : op station CP1
        "#,
        expect![[r#"
            < ReserveNow {"id":1,"expiryDateTime":"2026-11-22T10:10:00.000Z","idToken":{"idToken":"TAG","type":"ISO14443"}}
            op reserve: Answered {"status":"Accepted"}
            < ReserveNow {"id":2,"expiryDateTime":"2026-11-22T10:10:00.000Z","idToken":{"idToken":"TAG","type":"ISO14443"}}
            op reserve: Answered {"status":"Accepted"}
            StatusNotification: {}
            NotifyEvent: {}
            StatusNotification: {}
            NotifyEvent: {}
            reservation 1 on 0 until 600: active since 6
            reservation 2 on 0 until 600: active since 8
            station CP1: accepted online Reserved V 0 [1.1 Reserved, 2.1 Reserved]
        "#]],
    );
}

#[test]
fn tc_h_15_csms_a_connector_of_a_type_is_reserved() {
    check(
        &[BOOTED],
        r#"
        op reserve CP1 TAG 600 connector=cType2 type=ISO14443
        answer {"status":"Accepted"}
        connector Reserved
        : op reservations CP1
        "#,
        expect![[r#"
            < ReserveNow {"id":1,"expiryDateTime":"2026-11-22T10:10:00.000Z","connectorType":"cType2","idToken":{"idToken":"TAG","type":"ISO14443"}}
            op reserve: Answered {"status":"Accepted"}
            StatusNotification: {}
            NotifyEvent: {}
            reservation 1 on 0 until 600: active since 6
        "#]],
    );
}

#[test]
fn tc_h_17_csms_a_reservation_is_cancelled() {
    check(
        &[BOOTED, RESERVED],
        r#"
        op CancelReservation {"reservationId":1}
        answer {"status":"Accepted"}
        connector Available
        : op reservations CP1
        "#,
        expect![[r#"
            < CancelReservation {"reservationId":1}
            op CancelReservation: Answered {"status":"Accepted"}
            StatusNotification: {}
            NotifyEvent: {}
            reservation 1 on 1 until 600: cancelled since 10
        "#]],
    );
}

#[test]
fn tc_h_19_csms_a_group_has_the_reservation() {
    check(
        &[BOOTED],
        r#"
        op reserve CP1 TAG 600 evse=1 type=ISO14443 group=FAMILY
        answer {"status":"Accepted"}
        connector Reserved
        "#,
        expect![[r#"
            < ReserveNow {"id":1,"expiryDateTime":"2026-11-22T10:10:00.000Z","idToken":{"idToken":"TAG","type":"ISO14443"},"evseId":1,"groupIdToken":{"idToken":"FAMILY","type":"Central"}}
            op reserve: Answered {"status":"Accepted"}
            StatusNotification: {}
            NotifyEvent: {}
        "#]],
    );
}

#[test]
fn tc_h_20_csms_a_fault_ends_the_reservation() {
    check(
        &[BOOTED, RESERVED],
        r#"
        connector Faulted
        ReservationStatusUpdate {"reservationId":1,"reservationUpdateStatus":"Removed"}
        : op reservations CP1
        "#,
        expect![[r#"
            StatusNotification: {}
            NotifyEvent: {}
            ReservationStatusUpdate: {}
            reservation 1 on 1 until 600: removed since 11
        "#]],
    );
}

#[test]
fn tc_h_22_csms_a_station_reserves_nothing() {
    check(
        &[BOOTED],
        r#"
        op reserve CP1 TAG 600 evse=1 type=ISO14443
        answer {"status":"Rejected"}
        : op reservations CP1
        "#,
        expect![[r#"
            < ReserveNow {"id":1,"expiryDateTime":"2026-11-22T10:10:00.000Z","idToken":{"idToken":"TAG","type":"ISO14443"},"evseId":1}
            op reserve: Answered {"status":"Rejected"}
            reservation 1 on 1 until 600: refused since 6
        "#]],
    );
}
