//! Block I: tariff and cost.

use std::time::Duration;

use expect_test::expect;
use ocpp::Version;

use super::{BOOTED, Case, ENERGY_TRANSFER_STARTED, EV_CONNECTED_LAST, STOP_AUTHORIZED, check};
use crate::config::{Config, CostUpdates, Onboarding, Tariff};
use crate::shard::tests::world::config;

/// After each of its readings the station hears what has come together so far. The case prints the first event of the
/// transaction as Updated, which Part 2 has as Started (E01): one that nobody saw begin is told no cost.
#[test]
fn tc_i_01_csms_a_charge_that_runs_is_told_what_it_costs() {
    let mut case = Case::new(
        Version::V201,
        Config {
            tariff: Tariff {
                cost_updates: CostUpdates::Commands {
                    every: Duration::from_secs(60),
                },
                ..Tariff::default()
            },
            ..config(Onboarding::Open)
        },
    );
    case.prepare(": a connect CP1 2.0.1");
    case.prepare(BOOTED);
    let seen = case.run(
        r#"
        Authorize {"idToken":{"idToken":"TAG","type":"ISO14443"}}
        tx Started Authorized token=TAG
        connector Occupied
        tx Updated CablePluggedIn state=EVConnected evse meter=Transaction.Begin:1000
        tx Updated ChargingStateChanged state=Charging
        wait 50
        tx Updated MeterValuePeriodic state=Charging meter=Sample.Periodic:3000
        wait 10
        answer {}
        wait 50
        tx Updated MeterValuePeriodic state=Charging meter=Sample.Periodic:5000
        wait 10
        answer {}
        "#,
    );
    expect![[r#"
        Authorize: {"idTokenInfo":{"status":"Accepted"}}
        TransactionEvent: {"idTokenInfo":{"status":"Accepted"}}
        StatusNotification: {}
        NotifyEvent: {}
        TransactionEvent: {}
        TransactionEvent: {}
        TransactionEvent: {}
        < CostUpdated {"totalCost":1.50,"transactionId":"T1"}
        TransactionEvent: {}
        < CostUpdated {"totalCost":3.00,"transactionId":"T1"}
    "#]]
    .assert_eq(&seen);
}

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
