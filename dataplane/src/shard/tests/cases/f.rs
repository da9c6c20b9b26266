//! Block F, remote control.

use expect_test::expect;

use super::{BOOTED, ENERGY_TRANSFER_STARTED, EV_CONNECTED_FIRST, check};

/// With the cable in, the station is told to start with the driver's token, and says which transaction that became.
#[test]
fn tc_f_01_csms() {
    check(
        &[BOOTED, EV_CONNECTED_FIRST],
        r#"
        op RequestStartTransaction {"evseId":1,"remoteStartId":4711,"idToken":{"idToken":"TAG","type":"ISO14443"}}
        answer {"status":"Accepted","transactionId":"T1"}
        tx Updated RemoteStart start token=TAG
        tx Updated ChargingStateChanged state=Charging
        op transactions CP1
        "#,
        expect![[r#"
            < RequestStartTransaction {"evseId":1,"remoteStartId":$START,"idToken":{"idToken":"TAG","type":"ISO14443"}}
            op RequestStartTransaction: Answered {"status":"Accepted","transactionId":"T1"}
            TransactionEvent: {"idTokenInfo":{"status":"Accepted"}}
            TransactionEvent: {}
            transaction T1 on 1.1: active estimated ? kWh -
        "#]],
    );
}

/// A station that authorizes remote starts itself asks about the token, and it is good.
#[test]
fn tc_f_02_csms() {
    check(
        &[BOOTED],
        r#"
        op RequestStartTransaction {"evseId":1,"remoteStartId":4711,"idToken":{"idToken":"TAG","type":"ISO14443"}}
        answer {"status":"Accepted"}
        Authorize {"idToken":{"idToken":"TAG","type":"ISO14443"}}
        tx Started RemoteStart start token=TAG evse
        connector Occupied
        tx Updated CablePluggedIn state=EVConnected
        tx Updated ChargingStateChanged state=Charging
        op transactions CP1
        "#,
        expect![[r#"
            < RequestStartTransaction {"evseId":1,"remoteStartId":$START,"idToken":{"idToken":"TAG","type":"ISO14443"}}
            op RequestStartTransaction: Answered {"status":"Accepted"}
            Authorize: {"idTokenInfo":{"status":"Accepted"}}
            TransactionEvent: {"idTokenInfo":{"status":"Accepted"}}
            StatusNotification: {}
            NotifyEvent: {}
            TransactionEvent: {}
            TransactionEvent: {}
            transaction T1 on 1.1: active estimated ? kWh -
        "#]],
    );
}

/// A station that takes our word for the token starts at once, and the operator who waits hears of its transaction.
#[test]
fn tc_f_03_csms() {
    check(
        &[BOOTED],
        r#"
        op start CP1 1 TAG
        answer {"status":"Accepted"}
        tx Started RemoteStart start token=TAG evse
        connector Occupied
        tx Updated CablePluggedIn state=EVConnected
        tx Updated ChargingStateChanged state=Charging
        op transactions CP1
        "#,
        expect![[r#"
            < RequestStartTransaction {"evseId":1,"idToken":{"idToken":"TAG","type":"Central"},"remoteStartId":$START}
            TransactionEvent: {"idTokenInfo":{"status":"Accepted"}}
            op start CP1 1 TAG: Begun Active energy None
            StatusNotification: {}
            NotifyEvent: {}
            TransactionEvent: {}
            TransactionEvent: {}
            transaction T1 on 1.1: active estimated ? kWh -
        "#]],
    );
}

/// Started from afar, and no cable came.
#[test]
fn tc_f_04_csms() {
    check(
        &[BOOTED],
        r#"
        op RequestStartTransaction {"evseId":1,"remoteStartId":4711,"idToken":{"idToken":"TAG","type":"ISO14443"}}
        answer {"status":"Accepted"}
        tx Started RemoteStart start token=TAG evse
        wait 60
        tx Updated EVConnectTimeout
        op transactions CP1
        "#,
        expect![[r#"
            < RequestStartTransaction {"evseId":1,"remoteStartId":$START,"idToken":{"idToken":"TAG","type":"ISO14443"}}
            op RequestStartTransaction: Answered {"status":"Accepted"}
            TransactionEvent: {"idTokenInfo":{"status":"Accepted"}}
            TransactionEvent: {}
            transaction T1 on 1.1: active estimated ? kWh -
        "#]],
    );
}

/// A connector without a transaction is unlocked from afar.
#[test]
fn tc_f_06_csms() {
    check(
        &[BOOTED],
        r#"
        op UnlockConnector {"evseId":1,"connectorId":1}
        answer {"status":"Unlocked"}
        "#,
        expect![[r#"
            < UnlockConnector {"evseId":1,"connectorId":1}
            op UnlockConnector: Answered {"status":"Unlocked"}
        "#]],
    );
}

/// Meter values of one EVSE come when asked for.
#[test]
fn tc_f_11_csms() {
    check(
        &[BOOTED],
        r#"
        op TriggerMessage {"requestedMessage":"MeterValues","evse":{"id":1}}
        answer {"status":"Accepted"}
        MeterValues {"evseId":1,"meterValue":[{"timestamp":"$NOW","sampledValue":[{"value":1500,"context":"Trigger"}]}]}
        op station CP1
        "#,
        expect![[r#"
            < TriggerMessage {"requestedMessage":"MeterValues","evse":{"id":1}}
            op TriggerMessage: Answered {"status":"Accepted"}
            MeterValues: {}
            station CP1: accepted online Available V 0 [1.1 Available 1.5 kWh]
        "#]],
    );
}

/// Meter values of every EVSE come when asked for.
#[test]
fn tc_f_12_csms() {
    check(
        &[BOOTED],
        r#"
        op TriggerMessage {"requestedMessage":"MeterValues"}
        answer {"status":"Accepted"}
        MeterValues {"evseId":1,"meterValue":[{"timestamp":"$NOW","sampledValue":[{"value":1500,"context":"Trigger"}]}]}
        MeterValues {"evseId":2,"meterValue":[{"timestamp":"$NOW","sampledValue":[{"value":2500,"context":"Trigger"}]}]}
        "#,
        expect![[r#"
            < TriggerMessage {"requestedMessage":"MeterValues"}
            op TriggerMessage: Answered {"status":"Accepted"}
            MeterValues: {}
            MeterValues: {}
        "#]],
    );
}

/// A transaction's state comes when asked for, of one EVSE.
#[test]
fn tc_f_13_csms() {
    check(
        &[BOOTED, ENERGY_TRANSFER_STARTED],
        r#"
        op TriggerMessage {"requestedMessage":"TransactionEvent","evse":{"id":1}}
        answer {"status":"Accepted"}
        tx Updated Trigger state=Charging evse meter=Trigger:2000
        op transactions CP1
        "#,
        expect![[r#"
            < TriggerMessage {"requestedMessage":"TransactionEvent","evse":{"id":1}}
            op TriggerMessage: Answered {"status":"Accepted"}
            TransactionEvent: {}
            transaction T1 on 1.1: active ok 1 kWh -
        "#]],
    );
}

/// A transaction's state comes when asked for, of every EVSE.
#[test]
fn tc_f_14_csms() {
    check(
        &[BOOTED, ENERGY_TRANSFER_STARTED],
        r#"
        op TriggerMessage {"requestedMessage":"TransactionEvent"}
        answer {"status":"Accepted"}
        tx Updated Trigger state=Charging meter=Trigger:2000
        op transactions CP1
        "#,
        expect![[r#"
            < TriggerMessage {"requestedMessage":"TransactionEvent"}
            op TriggerMessage: Answered {"status":"Accepted"}
            TransactionEvent: {}
            transaction T1 on 1.1: active ok 1 kWh -
        "#]],
    );
}

/// The state of a log upload comes when asked for, also while there is none.
#[test]
fn tc_f_15_csms() {
    check(
        &[BOOTED],
        r#"
        op TriggerMessage {"requestedMessage":"LogStatusNotification"}
        answer {"status":"Accepted"}
        LogStatusNotification {"status":"Idle"}
        "#,
        expect![[r#"
            < TriggerMessage {"requestedMessage":"LogStatusNotification"}
            op TriggerMessage: Answered {"status":"Accepted"}
            LogStatusNotification: {}
        "#]],
    );
}

/// The state of a firmware update comes when asked for, also while there is none.
#[test]
fn tc_f_18_csms() {
    check(
        &[BOOTED],
        r#"
        op TriggerMessage {"requestedMessage":"FirmwareStatusNotification"}
        answer {"status":"Accepted"}
        FirmwareStatusNotification {"status":"Idle"}
        "#,
        expect![[r#"
            < TriggerMessage {"requestedMessage":"FirmwareStatusNotification"}
            op TriggerMessage: Answered {"status":"Accepted"}
            FirmwareStatusNotification: {}
        "#]],
    );
}

/// A heartbeat comes when asked for, and is told the time.
#[test]
fn tc_f_20_csms() {
    check(
        &[BOOTED],
        r#"
        op TriggerMessage {"requestedMessage":"Heartbeat"}
        answer {"status":"Accepted"}
        Heartbeat {}
        "#,
        expect![[r#"
            < TriggerMessage {"requestedMessage":"Heartbeat"}
            op TriggerMessage: Answered {"status":"Accepted"}
            Heartbeat: {"currentTime":"2026-11-22T10:00:07.000Z"}
        "#]],
    );
}

/// The state of a free connector comes when asked for.
#[test]
fn tc_f_23_csms() {
    check(
        &[BOOTED],
        r#"
        op TriggerMessage {"requestedMessage":"StatusNotification","evse":{"id":1,"connectorId":1}}
        answer {"status":"Accepted"}
        connector Available
        op station CP1
        "#,
        expect![[r#"
            < TriggerMessage {"requestedMessage":"StatusNotification","evse":{"id":1,"connectorId":1}}
            op TriggerMessage: Answered {"status":"Accepted"}
            StatusNotification: {}
            NotifyEvent: {}
            station CP1: accepted online Available V 0 [1.1 Available]
        "#]],
    );
}

/// The state of a connector in use comes when asked for, and is the one known already.
#[test]
fn tc_f_24_csms() {
    check(
        &[BOOTED, "connector Occupied"],
        r#"
        op TriggerMessage {"requestedMessage":"StatusNotification","evse":{"id":1,"connectorId":1}}
        answer {"status":"Accepted"}
        connector Occupied
        op station CP1
        "#,
        expect![[r#"
            < TriggerMessage {"requestedMessage":"StatusNotification","evse":{"id":1,"connectorId":1}}
            op TriggerMessage: Answered {"status":"Accepted"}
            StatusNotification: {}
            NotifyEvent: {}
            station CP1: accepted online Occupied V 0 [1.1 Occupied]
        "#]],
    );
}

/// A station that cannot send what it is asked for says so, and the operator sees it.
#[test]
fn tc_f_27_csms() {
    check(
        &[BOOTED],
        r#"
        op TriggerMessage {"requestedMessage":"SignV2GCertificate"}
        answer {"status":"NotImplemented"}
        "#,
        expect![[r#"
            < TriggerMessage {"requestedMessage":"SignV2GCertificate"}
            op TriggerMessage: Answered {"status":"NotImplemented"}
        "#]],
    );
}
