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
