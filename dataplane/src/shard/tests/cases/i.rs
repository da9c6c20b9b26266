//! Block I: tariff and cost.

use expect_test::expect;

use super::{BOOTED, ENERGY_TRANSFER_STARTED, EV_CONNECTED_LAST, STOP_AUTHORIZED, check};

#[test]
fn tc_i_02_csms_the_end_of_a_charge_says_what_it_costs() {
    check(
        &[
            BOOTED,
            ENERGY_TRANSFER_STARTED,
            STOP_AUTHORIZED,
            EV_CONNECTED_LAST,
        ],
        "
        connector Available
        tx Ended EVCommunicationLost state=Idle stopped=EVDisconnected meter=Transaction.End:8000
        ",
        expect![[r#"
            StatusNotification: {}
            NotifyEvent: {}
            TransactionEvent: {"totalCost":5.25}
        "#]],
    );
}
