//! Block G, availability.

use expect_test::expect;

use super::{
    BOOTED, ENERGY_TRANSFER_STARTED, EV_CONNECTED_LAST, EV_DISCONNECTED, STOP_AUTHORIZED, check,
};

const EVSE: &str = r#","evse":{"id":1}"#;
const CONNECTOR: &str = r#","evse":{"id":1,"connectorId":1}"#;
const STATION: &str = "";

/// Makes something inoperative or operative, and the station tells of its connector then.
fn change(of: &str, to: &str, answer: &str) -> String {
    format!(
        r#"
        op ChangeAvailability {{"operationalStatus":"{to}"{of}}}
        answer {{"status":"{answer}"}}
        "#
    )
}

fn out_of_use(of: &str) -> String {
    change(of, "Inoperative", "Accepted") + "connector Unavailable\nop station CP1"
}

fn back_in_use(of: &str) -> String {
    change(of, "Operative", "Accepted") + "connector Available\nop station CP1"
}

/// While energy flows it is put off until the transaction has ended.
fn put_off(of: &str) -> String {
    change(of, "Inoperative", "Scheduled")
        + STOP_AUTHORIZED
        + EV_CONNECTED_LAST
        + EV_DISCONNECTED
        + "connector Unavailable\nop station CP1\nop transactions CP1"
}

/// An EVSE goes out of use.
#[test]
fn tc_g_03_csms() {
    check(
        &[BOOTED],
        &out_of_use(EVSE),
        expect![[r#"
        < ChangeAvailability {"operationalStatus":"Inoperative","evse":{"id":1}}
        op ChangeAvailability: Answered {"status":"Accepted"}
        StatusNotification: {}
        NotifyEvent: {}
        station CP1: accepted online Unavailable V 0 [1.1 Unavailable]
    "#]],
    );
}

/// An EVSE comes back into use.
#[test]
fn tc_g_04_csms() {
    check(
        &[BOOTED, &out_of_use(EVSE)],
        &back_in_use(EVSE),
        expect![[r#"
            < ChangeAvailability {"operationalStatus":"Operative","evse":{"id":1}}
            op ChangeAvailability: Answered {"status":"Accepted"}
            StatusNotification: {}
            NotifyEvent: {}
            station CP1: accepted online Available V 0 [1.1 Available]
        "#]],
    );
}

/// A whole station goes out of use: neither EVSE nor connector is named.
#[test]
fn tc_g_05_csms() {
    check(
        &[BOOTED],
        &out_of_use(STATION),
        expect![[r#"
        < ChangeAvailability {"operationalStatus":"Inoperative"}
        op ChangeAvailability: Answered {"status":"Accepted"}
        StatusNotification: {}
        NotifyEvent: {}
        station CP1: accepted online Unavailable V 0 [1.1 Unavailable]
    "#]],
    );
}

/// A whole station comes back into use.
#[test]
fn tc_g_06_csms() {
    check(
        &[BOOTED, &out_of_use(STATION)],
        &back_in_use(STATION),
        expect![[r#"
            < ChangeAvailability {"operationalStatus":"Operative"}
            op ChangeAvailability: Answered {"status":"Accepted"}
            StatusNotification: {}
            NotifyEvent: {}
            station CP1: accepted online Available V 0 [1.1 Available]
        "#]],
    );
}

/// A connector goes out of use.
#[test]
fn tc_g_07_csms() {
    check(
        &[BOOTED],
        &out_of_use(CONNECTOR),
        expect![[r#"
        < ChangeAvailability {"operationalStatus":"Inoperative","evse":{"id":1,"connectorId":1}}
        op ChangeAvailability: Answered {"status":"Accepted"}
        StatusNotification: {}
        NotifyEvent: {}
        station CP1: accepted online Unavailable V 0 [1.1 Unavailable]
    "#]],
    );
}

/// A connector comes back into use.
#[test]
fn tc_g_08_csms() {
    check(
        &[BOOTED, &out_of_use(CONNECTOR)],
        &back_in_use(CONNECTOR),
        expect![[r#"
            < ChangeAvailability {"operationalStatus":"Operative","evse":{"id":1,"connectorId":1}}
            op ChangeAvailability: Answered {"status":"Accepted"}
            StatusNotification: {}
            NotifyEvent: {}
            station CP1: accepted online Available V 0 [1.1 Available]
        "#]],
    );
}

/// An EVSE that charges goes out of use when its transaction has ended.
#[test]
fn tc_g_11_csms() {
    check(
        &[BOOTED, ENERGY_TRANSFER_STARTED],
        &put_off(EVSE),
        expect![[r#"
            < ChangeAvailability {"operationalStatus":"Inoperative","evse":{"id":1}}
            op ChangeAvailability: Answered {"status":"Scheduled"}
            TransactionEvent: {"idTokenInfo":{"status":"Accepted"}}
            TransactionEvent: {}
            StatusNotification: {}
            NotifyEvent: {}
            TransactionEvent: {"totalCost":5.25}
            StatusNotification: {}
            NotifyEvent: {}
            station CP1: accepted online Unavailable V 0 [1.1 Unavailable 8 kWh]
            transaction T1 on 1.1: ended ok 7 kWh 5.25 EVDisconnected
        "#]],
    );
}

/// A station that charges goes out of use when its transaction has ended.
#[test]
fn tc_g_14_csms() {
    check(
        &[BOOTED, ENERGY_TRANSFER_STARTED],
        &put_off(STATION),
        expect![[r#"
            < ChangeAvailability {"operationalStatus":"Inoperative"}
            op ChangeAvailability: Answered {"status":"Scheduled"}
            TransactionEvent: {"idTokenInfo":{"status":"Accepted"}}
            TransactionEvent: {}
            StatusNotification: {}
            NotifyEvent: {}
            TransactionEvent: {"totalCost":5.25}
            StatusNotification: {}
            NotifyEvent: {}
            station CP1: accepted online Unavailable V 0 [1.1 Unavailable 8 kWh]
            transaction T1 on 1.1: ended ok 7 kWh 5.25 EVDisconnected
        "#]],
    );
}

/// A connector that charges goes out of use when its transaction has ended.
#[test]
fn tc_g_17_csms() {
    check(
        &[BOOTED, ENERGY_TRANSFER_STARTED],
        &put_off(CONNECTOR),
        expect![[r#"
            < ChangeAvailability {"operationalStatus":"Inoperative","evse":{"id":1,"connectorId":1}}
            op ChangeAvailability: Answered {"status":"Scheduled"}
            TransactionEvent: {"idTokenInfo":{"status":"Accepted"}}
            TransactionEvent: {}
            StatusNotification: {}
            NotifyEvent: {}
            TransactionEvent: {"totalCost":5.25}
            StatusNotification: {}
            NotifyEvent: {}
            station CP1: accepted online Unavailable V 0 [1.1 Unavailable 8 kWh]
            transaction T1 on 1.1: ended ok 7 kWh 5.25 EVDisconnected
        "#]],
    );
}

/// A lock that fails is told as an event of the device model, and taken.
#[test]
fn tc_g_20_csms() {
    check(
        &[BOOTED],
        r#"
        NotifyEvent {"generatedAt":"$NOW","seqNo":0,"eventData":[{"eventId":2,"timestamp":"$NOW","trigger":"Delta","actualValue":"true","eventNotificationType":"HardWiredNotification","component":{"name":"ConnectorPlugRetentionLock","evse":{"id":1,"connectorId":1}},"variable":{"name":"Problem"}}]}
        "#,
        expect![[r#"
            NotifyEvent: {}
        "#]],
    );
}

/// A connector's state told as an event of the device model alone, which is how 2.1 tells it.
fn event(at: &str, value: &str, connector: &str) -> String {
    format!(
        r#"{{"eventId":1,"timestamp":"2026-11-22T10:00:{at}Z","trigger":"Delta","actualValue":"{value}","eventNotificationType":"HardWiredNotification","component":{{"name":"Connector","evse":{{"id":1{connector}}}}},"variable":{{"name":"AvailabilityState"}}}}"#
    )
}

fn told(events: &[String]) -> String {
    format!(
        "NotifyEvent {{\"generatedAt\":\"$NOW\",\"seqNo\":0,\"eventData\":[{}]}}\nop station CP1\n",
        events.join(",")
    )
}

#[test]
fn g01_an_event_of_a_connector_is_its_state() {
    let one = r#","connectorId":1"#;
    let script = [
        told(&[event("05", "Occupied", one)]),
        // The last of several is the newest, in whatever order they are told.
        told(&[event("07", "Faulted", one), event("06", "Available", one)]),
        // No state, an EVSE, and what was before.
        told(&[event("08", "Broken", one), event("09", "Available", "")]),
        told(&[event("02", "Occupied", one), event("07", "Faulted", one)]),
        told(&[
            event("09", "Reserved", r#","connectorId":2"#),
            event("10", "Unavailable", one),
        ]),
        "wait 7200\n".to_owned(),
        told(&[event("21", "Occupied", one), event("20", "Available", one)]),
    ];
    let expected = expect![[r#"
        NotifyEvent: {}
        station CP1: accepted online Occupied V 0 [1.1 Occupied]
        NotifyEvent: {}
        station CP1: accepted online Faulted V 0 [1.1 Faulted]
        NotifyEvent: {}
        station CP1: accepted online Faulted V 0 [1.1 Faulted]
        NotifyEvent: {}
        station CP1: accepted online Faulted V 0 [1.1 Faulted]
        NotifyEvent: {}
        station CP1: accepted online Reserved V 0 [1.1 Unavailable, 1.2 Reserved]
        NotifyEvent: {}
        station CP1: accepted online Occupied V 0 [1.1 Occupied, 1.2 Reserved]
    "#]];
    super::check_21(&[], &script.concat(), expected);
}

/// What a connector is said to be already makes no second row.
#[test]
fn g01_a_state_that_is_told_in_both_ways_is_on_record_once() {
    check(
        &[BOOTED, ": records shown"],
        "connector Occupied\nconnector Occupied",
        expect![[r#"
            record StatusReported 1.1 Occupied live true conflict false
            StatusNotification: {}
            record Notified NotifyEvent {"generatedAt":"2026-11-22T10:00:07Z","seqNo":0,"eventData":[{"eventId":1,"timestamp":"2026-11-22T10:00:07Z","trigger":"Delta","actualValue":"Occupied","component":{"evse":{"id":1,"connectorId":1},"name":"Connector"},"eventNotificationType":"HardWiredNotification","variable":{"name":"AvailabilityState"}}]}
            NotifyEvent: {}
            record StatusReported 1.1 Occupied live true conflict false
            StatusNotification: {}
            record Notified NotifyEvent {"generatedAt":"2026-11-22T10:00:09Z","seqNo":0,"eventData":[{"eventId":1,"timestamp":"2026-11-22T10:00:09Z","trigger":"Delta","actualValue":"Occupied","component":{"evse":{"id":1,"connectorId":1},"name":"Connector"},"eventNotificationType":"HardWiredNotification","variable":{"name":"AvailabilityState"}}]}
            NotifyEvent: {}
        "#]],
    );
}
