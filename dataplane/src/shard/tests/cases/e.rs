//! Block E, transactions: every point at which a station may begin and end one.

use expect_test::expect;

use super::{
    AUTHORIZED_FIRST, BOOTED, ENERGY_TRANSFER_STARTED, ENERGY_TRANSFER_SUSPENDED,
    EV_CONNECTED_FIRST, EV_CONNECTED_LAST, EV_DISCONNECTED, STOP_AUTHORIZED, check,
};

/// A transaction that begins when the power path closes carries its token, and is answered by it.
#[test]
fn tc_e_01_csms() {
    check(
        &[BOOTED],
        r#"
        Authorize {"idToken":{"idToken":"TAG","type":"ISO14443"}}
        connector Occupied
        tx Started ChargingStateChanged state=SuspendedEVSE token=TAG evse
        tx Updated ChargingStateChanged state=Charging
        op station CP1
        op transactions CP1
        "#,
        expect![[r#"
            Authorize: {"idTokenInfo":{"status":"Accepted"}}
            StatusNotification: {}
            NotifyEvent: {}
            TransactionEvent: {"idTokenInfo":{"status":"Accepted"}}
            TransactionEvent: {}
            station CP1: accepted online Occupied V 1 [1.1 Occupied]
            transaction T1 on 1.1: active estimated ? kWh -
        "#]],
    );
}

/// A transaction that begins when energy flows.
#[test]
fn tc_e_02_csms() {
    check(
        &[BOOTED],
        r#"
        Authorize {"idToken":{"idToken":"TAG","type":"ISO14443"}}
        connector Occupied
        tx Started ChargingStateChanged state=Charging token=TAG evse
        op transactions CP1
        "#,
        expect![[r#"
            Authorize: {"idTokenInfo":{"status":"Accepted"}}
            StatusNotification: {}
            NotifyEvent: {}
            TransactionEvent: {"idTokenInfo":{"status":"Accepted"}}
            transaction T1 on 1.1: active estimated ? kWh -
        "#]],
    );
}

/// Cable first, then somebody is authorized, then energy flows: one transaction.
#[test]
fn tc_e_03_csms() {
    check(
        &[BOOTED, EV_CONNECTED_FIRST],
        r#"
        Authorize {"idToken":{"idToken":"TAG","type":"ISO14443"}}
        tx Updated Authorized token=TAG
        tx Updated ChargingStateChanged state=Charging
        op transactions CP1
        "#,
        expect![[r#"
            Authorize: {"idTokenInfo":{"status":"Accepted"}}
            TransactionEvent: {"idTokenInfo":{"status":"Accepted"}}
            TransactionEvent: {}
            transaction T1 on 1.1: active estimated ? kWh -
        "#]],
    );
}

/// Somebody is authorized, then the cable comes, then energy flows: one transaction, at the EVSE that it named late.
#[test]
fn tc_e_04_csms() {
    check(
        &[BOOTED],
        &format!("{ENERGY_TRANSFER_STARTED}\nop transactions CP1"),
        expect![[r#"
            Authorize: {"idTokenInfo":{"status":"Accepted"}}
            TransactionEvent: {"idTokenInfo":{"status":"Accepted"}}
            StatusNotification: {}
            NotifyEvent: {}
            TransactionEvent: {}
            TransactionEvent: {}
            transaction T1 on 1.1: active ok 0 kWh -
        "#]],
    );
}

/// The power path opens on the driver's word.
#[test]
fn tc_e_07_csms() {
    check(
        &[BOOTED, ENERGY_TRANSFER_STARTED],
        "
        wait 60
        tx Ended StopAuthorized stopped=Local meter=Transaction.End:8000
        op transactions CP1
        ",
        expect![[r#"
            TransactionEvent: {"totalCost":5.25}
            transaction T1 on 1.1: ended ok 7 kWh 5.25 Local
        "#]],
    );
}

/// Energy has stopped after the driver's word, the cable is still in.
#[test]
fn tc_e_08_csms() {
    check(
        &[BOOTED, ENERGY_TRANSFER_STARTED, STOP_AUTHORIZED],
        "
        tx Ended ChargingStateChanged state=EVConnected stopped=Local meter=Transaction.End:8000
        op transactions CP1
        ",
        expect![[r#"
            TransactionEvent: {"totalCost":5.25}
            transaction T1 on 1.1: ended ok 7 kWh 5.25 Local
        "#]],
    );
}

/// A transaction that begins with the cable has no token yet, and its answer says nothing of one.
#[test]
fn tc_e_09_csms() {
    check(
        &[BOOTED],
        &format!("{EV_CONNECTED_FIRST}\nop transactions CP1"),
        expect![[r#"
            StatusNotification: {}
            NotifyEvent: {}
            TransactionEvent: {}
            transaction T1 on 1.1: active estimated ? kWh -
        "#]],
    );
}

/// A transaction that begins with the authorization, before any EVSE is chosen.
#[test]
fn tc_e_10_csms() {
    check(
        &[BOOTED],
        &format!("{AUTHORIZED_FIRST}\nop transactions CP1"),
        expect![[r#"
            Authorize: {"idTokenInfo":{"status":"Accepted"}}
            TransactionEvent: {"idTokenInfo":{"status":"Accepted"}}
            transaction T1 on 0.0: active estimated ? kWh -
        "#]],
    );
}

/// A transaction that begins with a signed meter value.
#[test]
fn tc_e_11_csms() {
    check(
        &[BOOTED],
        r#"
        Authorize {"idToken":{"idToken":"TAG","type":"ISO14443"}}
        connector Occupied
        TransactionEvent {"eventType":"Started","timestamp":"$NOW","triggerReason":"SignedDataReceived","seqNo":0,"transactionInfo":{"transactionId":"T1"},"evse":{"id":1,"connectorId":1},"idToken":{"idToken":"TAG","type":"ISO14443"},"meterValue":[{"timestamp":"$NOW","sampledValue":[{"value":0.0,"context":"Transaction.Begin","signedMeterValue":{"signedMeterData":"T0NNRnx7fQ==","signingMethod":"ECDSA-secp256r1-SHA256","encodingMethod":"OCMF","publicKey":"a2V5"}}]}]}
        tx Updated ChargingStateChanged seq=1 state=Charging
        op transactions CP1
        "#,
        expect![[r#"
            Authorize: {"idTokenInfo":{"status":"Accepted"}}
            StatusNotification: {}
            NotifyEvent: {}
            TransactionEvent: {"idTokenInfo":{"status":"Accepted"}}
            TransactionEvent: {}
            transaction T1 on 1.1: active ok 0 kWh -
        "#]],
    );
}

/// A transaction that begins when a car is seen in the bay.
#[test]
fn tc_e_12_csms() {
    check(
        &[BOOTED],
        "
        tx Started EVDetected
        op transactions CP1
        ",
        expect![[r#"
            TransactionEvent: {}
            transaction T1 on 0.0: active estimated ? kWh -
        "#]],
    );
}

/// After the driver's word the cable is pulled, and that ends it.
#[test]
fn tc_e_14_csms() {
    check(
        &[
            BOOTED,
            ENERGY_TRANSFER_STARTED,
            STOP_AUTHORIZED,
            EV_CONNECTED_LAST,
        ],
        &format!("{EV_DISCONNECTED}\nop station CP1\nop transactions CP1"),
        expect![[r#"
            StatusNotification: {}
            NotifyEvent: {}
            TransactionEvent: {"totalCost":5.25}
            station CP1: accepted online Available V 0 [1.1 Available 8 kWh]
            transaction T1 on 1.1: ended ok 7 kWh 5.25 EVDisconnected
        "#]],
    );
}

/// The driver's word ends it.
#[test]
fn tc_e_15_csms() {
    check(
        &[BOOTED, ENERGY_TRANSFER_STARTED],
        "
        wait 60
        tx Ended StopAuthorized stopped=Local token=TAG meter=Transaction.End:8000
        op transactions CP1
        ",
        expect![[r#"
            TransactionEvent: {"totalCost":5.25,"idTokenInfo":{"status":"Accepted"}}
            transaction T1 on 1.1: ended ok 7 kWh 5.25 Local
        "#]],
    );
}

/// A transaction that begins with a token that is no good is answered so, and its end is taken all the same.
#[test]
fn tc_e_16_csms() {
    check(
        &[BOOTED],
        "
        tx Started Authorized token=BAD
        tx Ended Deauthorized stopped=DeAuthorized
        op transactions CP1
        ",
        expect![[r#"
            TransactionEvent: {"idTokenInfo":{"status":"Invalid"}}
            TransactionEvent: {}
            transaction T1 on 0.0: ended estimated ? kWh - DeAuthorized
        "#]],
    );
}

/// The car's side lets go of the cable while it is suspended, and the station ends the transaction.
#[test]
fn tc_e_17_csms() {
    check(
        &[BOOTED, ENERGY_TRANSFER_STARTED, ENERGY_TRANSFER_SUSPENDED],
        "
        tx Ended EVCommunicationLost state=Idle stopped=EVDisconnected meter=Transaction.End:8000
        op transactions CP1
        ",
        expect![[r#"
            TransactionEvent: {"totalCost":5.25}
            transaction T1 on 1.1: ended ok 7 kWh 5.25 EVDisconnected
        "#]],
    );
}

/// The transaction lasts until the car has left the bay.
#[test]
fn tc_e_19_csms() {
    check(
        &[
            BOOTED,
            ENERGY_TRANSFER_STARTED,
            STOP_AUTHORIZED,
            EV_CONNECTED_LAST,
            "connector Available\ntx Updated EVCommunicationLost state=Idle",
        ],
        "
        tx Ended EVDeparted stopped=Local meter=Transaction.End:8000
        op transactions CP1
        ",
        expect![[r#"
            TransactionEvent: {"totalCost":5.25}
            transaction T1 on 1.1: ended ok 7 kWh 5.25 Local
        "#]],
    );
}

/// A suspended car is unplugged, and that ends it.
#[test]
fn tc_e_20_csms() {
    check(
        &[BOOTED, ENERGY_TRANSFER_STARTED, ENERGY_TRANSFER_SUSPENDED],
        &format!("{EV_DISCONNECTED}\nop transactions CP1"),
        expect![[r#"
            StatusNotification: {}
            NotifyEvent: {}
            TransactionEvent: {"totalCost":5.25}
            transaction T1 on 1.1: ended ok 7 kWh 5.25 EVDisconnected
        "#]],
    );
}

/// An operator stops it: the station is given its own transaction's id, and the operator hears of the end.
#[test]
fn tc_e_21_csms() {
    check(
        &[BOOTED, ENERGY_TRANSFER_STARTED],
        r#"
        op stop
        answer {"status":"Accepted"}
        wait 20
        tx Ended RemoteStop stopped=Remote meter=Transaction.End:8000
        op transactions CP1
        "#,
        expect![[r#"
            < RequestStopTransaction {"transactionId":"T1"}
            TransactionEvent: {"totalCost":5.25}
            op stop: Ended Ended energy Some(MilliwattHours(7000000))
            transaction T1 on 1.1: ended ok 7 kWh 5.25 Remote
        "#]],
    );
}

/// The car takes no more, and the station ends it.
#[test]
fn tc_e_22_csms() {
    check(
        &[BOOTED, ENERGY_TRANSFER_STARTED],
        "
        wait 60
        tx Ended ChargingStateChanged state=SuspendedEV stopped=StoppedByEV meter=Transaction.End:8000
        op transactions CP1
        ",
        expect![[r#"
            TransactionEvent: {"totalCost":5.25}
            transaction T1 on 1.1: ended ok 7 kWh 5.25 StoppedByEV
        "#]],
    );
}

/// The car's side lets go and comes back within one transaction.
#[test]
fn tc_e_26_csms() {
    check(
        &[BOOTED, ENERGY_TRANSFER_STARTED, ENERGY_TRANSFER_SUSPENDED],
        "
        tx Updated EVCommunicationLost state=Idle
        connector Available
        tx Updated CablePluggedIn state=EVConnected
        tx Updated ChargingStateChanged state=Charging
        op transactions CP1
        ",
        expect![[r#"
            TransactionEvent: {}
            StatusNotification: {}
            NotifyEvent: {}
            TransactionEvent: {}
            TransactionEvent: {}
            transaction T1 on 1.1: active ok 0 kWh -
        "#]],
    );
}

const BACK_AGAIN: &str = ": a drops\nwait 60\n: a connect CP1 2.0.1";

/// Asked after a reconnect, the station has messages of a running transaction left, and sends them as offline.
#[test]
fn tc_e_29_csms() {
    check(
        &[BOOTED, ENERGY_TRANSFER_STARTED, BACK_AGAIN],
        r#"
        op GetTransactionStatus {"transactionId":"T1"}
        answer {"ongoingIndicator":true,"messagesInQueue":true}
        tx Updated MeterValuePeriodic meter=Sample.Periodic:4000 offline
        op transactions CP1
        "#,
        expect![[r#"
            < GetTransactionStatus {"transactionId":"T1"}
            op GetTransactionStatus: Answered {"ongoingIndicator":true,"messagesInQueue":true}
            TransactionEvent: {}
            transaction T1 on 1.1: active ok 3 kWh -
        "#]],
    );
}

/// A running transaction with nothing left to send.
#[test]
fn tc_e_30_csms() {
    check(
        &[BOOTED, ENERGY_TRANSFER_STARTED],
        r#"
        op GetTransactionStatus {"transactionId":"T1"}
        answer {"ongoingIndicator":true,"messagesInQueue":false}
        "#,
        expect![[r#"
            < GetTransactionStatus {"transactionId":"T1"}
            op GetTransactionStatus: Answered {"ongoingIndicator":true,"messagesInQueue":false}
        "#]],
    );
}

/// The end comes before two events that were left behind: they are taken, and the transaction stays ended.
#[test]
fn tc_e_31_csms() {
    check(
        &[BOOTED, ENERGY_TRANSFER_STARTED, BACK_AGAIN],
        r#"
        connector Available
        tx Ended EVCommunicationLost seq=5 state=Idle stopped=EVDisconnected offline meter=Transaction.End:8000
        op GetTransactionStatus {"transactionId":"T1"}
        answer {"ongoingIndicator":false,"messagesInQueue":true}
        tx Updated StopAuthorized seq=3 token=TAG offline
        tx Updated ChargingStateChanged seq=4 state=EVConnected offline
        op transactions CP1
        "#,
        expect![[r#"
            StatusNotification: {}
            NotifyEvent: {}
            TransactionEvent: {"totalCost":5.25}
            < GetTransactionStatus {"transactionId":"T1"}
            op GetTransactionStatus: Answered {"ongoingIndicator":false,"messagesInQueue":true}
            TransactionEvent: {"idTokenInfo":{"status":"Accepted"}}
            TransactionEvent: {}
            transaction T1 on 1.1: ended ok 7 kWh 5.25 EVDisconnected
        "#]],
    );
}

/// Asked of no transaction in particular, the station has messages left.
#[test]
fn tc_e_33_csms() {
    check(
        &[BOOTED, ENERGY_TRANSFER_STARTED, BACK_AGAIN],
        r#"
        op GetTransactionStatus {}
        answer {"messagesInQueue":true}
        tx Updated MeterValuePeriodic meter=Sample.Periodic:4000 offline
        "#,
        expect![[r#"
            < GetTransactionStatus {}
            op GetTransactionStatus: Answered {"messagesInQueue":true}
            TransactionEvent: {}
        "#]],
    );
}

/// Asked of no transaction in particular, the station has nothing left.
#[test]
fn tc_e_34_csms() {
    check(
        &[BOOTED],
        r#"
        op GetTransactionStatus {}
        answer {"messagesInQueue":false}
        "#,
        expect![[r#"
            < GetTransactionStatus {}
            op GetTransactionStatus: Answered {"messagesInQueue":false}
        "#]],
    );
}

/// Authorized and plugged in, but the car is not ready.
#[test]
fn tc_e_38_csms() {
    check(
        &[BOOTED, AUTHORIZED_FIRST],
        "
        connector Occupied
        tx Updated CablePluggedIn state=EVConnected evse
        tx Updated ChargingStateChanged state=SuspendedEV
        op transactions CP1
        ",
        expect![[r#"
            StatusNotification: {}
            NotifyEvent: {}
            TransactionEvent: {}
            TransactionEvent: {}
            transaction T1 on 1.1: active estimated ? kWh -
        "#]],
    );
}

/// Authorized, and no cable came in time: nothing is owed (2.1 C20.FR.03).
#[test]
fn tc_e_39_csms() {
    check(
        &[BOOTED, AUTHORIZED_FIRST],
        "
        wait 60
        tx Ended EVConnectTimeout stopped=Timeout
        op transactions CP1
        ",
        expect![[r#"
            TransactionEvent: {"totalCost":0.00}
            transaction T1 on 0.0: ended estimated ? kWh 0.00 Timeout
        "#]],
    );
    check(
        &[BOOTED],
        "
        tx Started Authorized token=TAG meter=Transaction.Begin:1000
        tx Ended EVConnectTimeout stopped=Timeout seq=3
        tx Updated ChargingStateChanged state=EVConnected seq=2
        op transactions CP1
        ",
        expect![[r#"
            TransactionEvent: {"idTokenInfo":{"status":"Accepted"}}
            TransactionEvent: {"totalCost":0.00}
            TransactionEvent: {}
            transaction T1 on 0.0: ended estimated ? kWh 0.00 Timeout
        "#]],
    );
}

/// Each transaction counts its events from 0; a second one with the numbers of the first is no retry of it.
#[test]
fn tc_e_53_csms() {
    let begin = r#"
        Authorize {"idToken":{"idToken":"TAG","type":"ISO14443"}}
        TransactionEvent {"eventType":"Started","timestamp":"$NOW","triggerReason":"Authorized","seqNo":0,"transactionInfo":{"transactionId":"TX"},"evse":{"id":1,"connectorId":1},"idToken":{"idToken":"TAG","type":"ISO14443"},"meterValue":[{"timestamp":"$NOW","sampledValue":[{"value":1000,"context":"Transaction.Begin"}]}]}
        TransactionEvent {"eventType":"Ended","timestamp":"$NOW","triggerReason":"EVCommunicationLost","seqNo":1,"transactionInfo":{"transactionId":"TX","chargingState":"Idle","stoppedReason":"EVDisconnected"},"meterValue":[{"timestamp":"$NOW","sampledValue":[{"value":2000,"context":"Transaction.End"}]}]}
        "#;
    let script = ["T1", "T2"].map(|id| begin.replace("TX", id)).concat();
    check(
        &[BOOTED],
        &format!("{script}\nop transactions CP1"),
        expect![[r#"
            Authorize: {"idTokenInfo":{"status":"Accepted"}}
            TransactionEvent: {"idTokenInfo":{"status":"Accepted"}}
            TransactionEvent: {"totalCost":0.75}
            Authorize: {"idTokenInfo":{"status":"Accepted"}}
            TransactionEvent: {"idTokenInfo":{"status":"Accepted"}}
            TransactionEvent: {"totalCost":0.75}
            transaction T1 on 1.1: ended ok 1 kWh 0.75 EVDisconnected
            transaction T2 on 1.1: ended ok 1 kWh 0.75 EVDisconnected
        "#]],
    );
}
