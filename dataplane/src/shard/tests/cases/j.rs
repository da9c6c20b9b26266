//! Block J, meter values.

use expect_test::expect;

use super::{
    AUTHORIZED_FIRST, BOOTED, ENERGY_TRANSFER_STARTED, EV_CONNECTED_LAST, STOP_AUTHORIZED, check,
};

/// Values on the clock from every EVSE and from the main meter, while nothing charges.
#[test]
fn tc_j_01_csms() {
    let values = [(0, 9_000), (1, 1_000), (2, 2_000)].map(|(evse, wh)| {
        format!(
            r#"
            MeterValues {{"evseId":{evse},"meterValue":[{{"timestamp":"$NOW","sampledValue":[{{"value":{wh},"context":"Sample.Clock"}}]}}]}}
            NotifyEvent {{"generatedAt":"$NOW","seqNo":0,"eventData":[{{"eventId":{wh},"timestamp":"$NOW","trigger":"Periodic","actualValue":"{wh}","eventNotificationType":"CustomMonitor","component":{{"name":"FiscalMetering"}},"variable":{{"name":"EnergyImport"}}}}]}}
            wait 60
            "#
        )
    });
    check(
        &[BOOTED],
        &(values.concat() + "op station CP1"),
        expect![[r#"
            MeterValues: {}
            NotifyEvent: {}
            MeterValues: {}
            NotifyEvent: {}
            MeterValues: {}
            NotifyEvent: {}
            station CP1: accepted online Available V 0 [1.1 Available 1 kWh, 2.1  2 kWh]
        "#]],
    );
}

/// Values on the clock within a transaction and beside it.
#[test]
fn tc_j_02_csms() {
    check(
        &[BOOTED, ENERGY_TRANSFER_STARTED],
        r#"
        MeterValues {"evseId":0,"meterValue":[{"timestamp":"$NOW","sampledValue":[{"value":9000,"context":"Sample.Clock"}]}]}
        tx Updated MeterValueClock meter=Sample.Clock:2000
        wait 60
        tx Updated MeterValueClock meter=Sample.Clock:3000
        op transactions CP1
        "#,
        expect![[r#"
            MeterValues: {}
            TransactionEvent: {}
            TransactionEvent: {}
            transaction T1 on 1.1: active ok 2 kWh -
        "#]],
    );
}

/// Ends the transaction with all the values it has taken on its way.
fn end_with(context: &str, signed: &str) -> String {
    format!(
        r#"
        connector Available
        : records shown
        TransactionEvent {{"eventType":"Ended","timestamp":"$NOW","triggerReason":"EVCommunicationLost","seqNo":5,"transactionInfo":{{"transactionId":"T1","chargingState":"Idle","stoppedReason":"EVDisconnected"}},"meterValue":[{{"timestamp":"2026-11-22T10:00:40Z","sampledValue":[{{"value":4000,"context":"{context}"{signed}}}]}},{{"timestamp":"2026-11-22T10:01:00Z","sampledValue":[{{"value":6000,"context":"{context}"{signed}}}]}},{{"timestamp":"$NOW","sampledValue":[{{"value":8000,"context":"Transaction.End"{signed}}}]}}]}}
        op transactions CP1
        "#
    )
}

const ENDING: &[&str] = &[
    BOOTED,
    ENERGY_TRANSFER_STARTED,
    STOP_AUTHORIZED,
    EV_CONNECTED_LAST,
];
const SIGNED: &str = r#","signedMeterValue":{"signedMeterData":"T0NNRnx7fQ==","signingMethod":"ECDSA-secp256r1-SHA256","encodingMethod":"OCMF","publicKey":"a2V5"}"#;

/// Values on the clock come with the end of the transaction, and its last one is what is billed.
#[test]
fn tc_j_03_csms() {
    check(
        ENDING,
        &end_with("Sample.Clock", ""),
        expect![[r#"
            StatusNotification: {}
            NotifyEvent: {}
            record MeterValues rows 3 readings 3 samples 0 offline false conflict false
            record TransactionEvent kind 3 gap 0 offline false conflict false state 2
            TransactionEvent: {"totalCost":5.25}
            transaction T1 on 1.1: ended ok 7 kWh 5.25 EVDisconnected
        "#]],
    );
}

/// The same with signatures, which are kept.
#[test]
fn tc_j_04_csms() {
    check(
        ENDING,
        &end_with("Sample.Clock", SIGNED),
        expect![[r#"
            StatusNotification: {}
            NotifyEvent: {}
            record MeterValues rows 3 readings 3 samples 3 offline false conflict false
            record TransactionEvent kind 3 gap 0 offline false conflict false state 2
            TransactionEvent: {"totalCost":5.25}
            transaction T1 on 1.1: ended ok 7 kWh 5.25 EVDisconnected
        "#]],
    );
}

/// The beginning has a value.
#[test]
fn tc_j_07_csms() {
    check(
        &[BOOTED],
        "
        connector Occupied
        tx Started CablePluggedIn state=EVConnected evse meter=Transaction.Begin:1000
        op station CP1
        op transactions CP1
        ",
        expect![[r#"
            StatusNotification: {}
            NotifyEvent: {}
            TransactionEvent: {}
            station CP1: accepted online Occupied V 1 [1.1 Occupied 1 kWh]
            transaction T1 on 1.1: active ok 0 kWh -
        "#]],
    );
}

/// The beginning has no EVSE and so no value: the value comes with the EVSE, and counts as the beginning's.
#[test]
fn tc_j_08_csms() {
    check(
        &[BOOTED, AUTHORIZED_FIRST],
        "
        connector Occupied
        tx Updated CablePluggedIn state=EVConnected evse meter=Transaction.Begin:1000
        tx Updated ChargingStateChanged state=Charging meter=Sample.Periodic:1500
        op transactions CP1
        ",
        expect![[r#"
            StatusNotification: {}
            NotifyEvent: {}
            TransactionEvent: {}
            TransactionEvent: {}
            transaction T1 on 1.1: active ok 0.5 kWh -
        "#]],
    );
}

/// Values on their interval within a transaction.
#[test]
fn tc_j_09_csms() {
    check(
        &[BOOTED, ENERGY_TRANSFER_STARTED],
        "
        tx Updated MeterValuePeriodic meter=Sample.Periodic:2000
        wait 30
        tx Updated MeterValuePeriodic meter=Sample.Periodic:3000
        wait 30
        tx Updated MeterValuePeriodic meter=Sample.Periodic:4000
        op transactions CP1
        ",
        expect![[r#"
            TransactionEvent: {}
            TransactionEvent: {}
            TransactionEvent: {}
            transaction T1 on 1.1: active ok 3 kWh -
        "#]],
    );
}

/// Values on their interval come with the end of the transaction.
#[test]
fn tc_j_10_csms() {
    check(
        ENDING,
        &end_with("Sample.Periodic", ""),
        expect![[r#"
            StatusNotification: {}
            NotifyEvent: {}
            record MeterValues rows 3 readings 3 samples 0 offline false conflict false
            record TransactionEvent kind 3 gap 0 offline false conflict false state 2
            TransactionEvent: {"totalCost":5.25}
            transaction T1 on 1.1: ended ok 7 kWh 5.25 EVDisconnected
        "#]],
    );
}

/// The same with signatures, which are kept.
#[test]
fn tc_j_11_csms() {
    check(
        ENDING,
        &end_with("Sample.Periodic", SIGNED),
        expect![[r#"
            StatusNotification: {}
            NotifyEvent: {}
            record MeterValues rows 3 readings 3 samples 3 offline false conflict false
            record TransactionEvent kind 3 gap 0 offline false conflict false state 2
            TransactionEvent: {"totalCost":5.25}
            transaction T1 on 1.1: ended ok 7 kWh 5.25 EVDisconnected
        "#]],
    );
}
