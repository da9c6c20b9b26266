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
