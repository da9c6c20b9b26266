//! Block P, data transfer and custom data.

use expect_test::expect;

use super::{BOOTED, check};

/// Vendor data of a vendor that nobody here knows is refused as such.
#[test]
fn tc_p_02_csms() {
    check(
        &[BOOTED],
        r#"
        DataTransfer {"vendorId":"com.example","messageId":"hello","data":{"a":1}}
        "#,
        expect![[r#"
            DataTransfer: {"status":"UnknownVendorId"}
        "#]],
    );
}

/// Custom data in a message and within its members is no fault.
#[test]
fn tc_p_03_csms() {
    check(
        &[BOOTED],
        r#"
        StatusNotification {"timestamp":"$NOW","connectorStatus":"Available","evseId":1,"connectorId":1,"customData":{"vendorId":"com.example","more":{"a":[1,2]}}}
        TransactionEvent {"eventType":"Started","timestamp":"$NOW","triggerReason":"CablePluggedIn","seqNo":0,"transactionInfo":{"transactionId":"T1","customData":{"vendorId":"com.example"}},"customData":{"vendorId":"com.example"}}
        op transactions CP1
        "#,
        expect![[r#"
            StatusNotification: {}
            TransactionEvent: {}
            transaction T1 on 0.0: active estimated ? kWh -
        "#]],
    );
}

/// What no case has a station asked for.
#[test]
fn an_operator_sends_data_and_a_cost_and_asks_for_the_version_of_the_list() {
    check(
        &[BOOTED],
        r#"
        op DataTransfer {"vendorId":"com.example","messageId":"hello","data":{"a":1}}
        answer {"status":"UnknownVendorId"}
        op GetLocalListVersion {}
        answer {"versionNumber":0}
        TransactionEvent {"eventType":"Started","timestamp":"$NOW","triggerReason":"CablePluggedIn","seqNo":0,"transactionInfo":{"transactionId":"T1"}}
        op CostUpdated {"totalCost":1.25,"transactionId":"T1"}
        answer {}
        "#,
        expect![[r#"
            < DataTransfer {"vendorId":"com.example","messageId":"hello","data":{"a":1}}
            op DataTransfer: Answered {"status":"UnknownVendorId"}
            < GetLocalListVersion {}
            op GetLocalListVersion: Answered {"versionNumber":0}
            TransactionEvent: {}
            < CostUpdated {"totalCost":1.25,"transactionId":"T1"}
            op CostUpdated: Answered {}
        "#]],
    );
}
