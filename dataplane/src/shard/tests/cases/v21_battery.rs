//! Block S of 2.1, battery swapping.

use expect_test::expect;

use super::check_21;

/// An operator asks for a swap, and the station accepts.
const ASKED: &str = r#"
op RequestBatterySwap {"idToken":{"idToken":"TAG","type":"ISO14443"},"requestId":5}
answer {"status":"Accepted"}
"#;

/// Batteries moved.
fn moved(event: &str, request: u32, batteries: &[(u32, &str, &str)]) -> String {
    let data: Vec<_> = batteries
        .iter()
        .map(|(evse, serial, soc)| {
            format!(r#"{{"evseId":{evse},"serialNumber":"{serial}","soC":{soc},"soH":98}}"#)
        })
        .collect();
    format!(
        "BatterySwap {{\"batteryData\":[{}],\"eventType\":\"{event}\",\"idToken\":{{\"idToken\":\"TAG\",\"type\":\"ISO14443\"}},\"requestId\":{request}}}\n",
        data.join(",")
    )
}

#[test]
fn s01_s03_a_swap_at_the_station_is_tied_by_its_request_id() {
    check_21(
        &[],
        &[
            moved("BatteryIn", 3, &[(1, "OLD", "12.5")]),
            "op swaps\n".into(),
            moved("BatteryOut", 3, &[(4, "NEW", "97")]),
            "op swaps".into(),
        ]
        .concat(),
        expect![[r#"
            BatterySwap: {}
            swap 3 in, at the station
              in OLD on 1 at 12.5 %, health 98 %
            BatterySwap: {}
            swap 3 complete, at the station
              in OLD on 1 at 12.5 %, health 98 %
              out NEW on 4 at 97 %, health 98 %
        "#]],
    );
}

#[test]
fn s02_fr_02_a_swap_that_was_asked_for_has_its_command() {
    check_21(
        &[],
        &[
            ASKED.into(),
            "op swaps\n".into(),
            moved("BatteryIn", 5, &[(1, "OLD1", "12.5"), (2, "OLD2", "13")]),
            moved("BatteryOut", 5, &[(3, "NEW1", "97"), (4, "NEW2", "96")]),
            "op swaps".into(),
        ]
        .concat(),
        expect![[r#"
            < RequestBatterySwap {"idToken":{"idToken":"TAG","type":"ISO14443"},"requestId":5}
            op RequestBatterySwap: Answered {"status":"Accepted"}
            swap 5 requested, asked for
            BatterySwap: {}
            BatterySwap: {}
            swap 5 complete, asked for
              in OLD1 on 1 at 12.5 %, health 98 %
              in OLD2 on 2 at 13 %, health 98 %
              out NEW1 on 3 at 97 %, health 98 %
              out NEW2 on 4 at 96 %, health 98 %
        "#]],
    );
}

#[test]
fn s02_fr_04_a_station_without_batteries_swaps_none() {
    check_21(
        &[],
        r#"
            op RequestBatterySwap {"idToken":{"idToken":"TAG","type":"ISO14443"},"requestId":5}
            answer {"status":"Rejected","statusInfo":{"reasonCode":"NoBatteryAvailable"}}
            op swaps
        "#,
        expect![[r#"
            < RequestBatterySwap {"idToken":{"idToken":"TAG","type":"ISO14443"},"requestId":5}
            op RequestBatterySwap: Answered {"status":"Rejected","statusInfo":{"reasonCode":"NoBatteryAvailable"}}
        "#]],
    );
}

#[test]
fn s03_fr_06_batteries_that_nobody_took_are_told_apart() {
    check_21(
        &[&moved("BatteryIn", 6, &[(1, "OLD", "10")])],
        &[
            moved("BatteryOutTimeout", 6, &[(4, "NEW", "97")]),
            "op swaps\n".into(),
            moved("BatteryOut", 6, &[(4, "NEW", "97")]),
            "op swaps".into(),
        ]
        .concat(),
        expect![[r#"
            BatterySwap: {}
            swap 6 out_timeout, at the station
              in OLD on 1 at 10 %, health 98 %
              out_timeout NEW on 4 at 97 %, health 98 %
            BatterySwap: {}
            swap 6 complete, at the station
              in OLD on 1 at 10 %, health 98 %
              out_timeout NEW on 4 at 97 %, health 98 %
              out NEW on 4 at 97 %, health 98 %
        "#]],
    );
}

#[test]
fn s03_the_other_order_is_a_swap_as_well() {
    check_21(
        &[&moved("BatteryOut", 7, &[(4, "NEW", "97")])],
        &[
            "op swaps\n".into(),
            moved("BatteryIn", 7, &[(1, "OLD", "10")]),
            "op swaps".into(),
        ]
        .concat(),
        expect![[r#"
            swap 7 out, at the station
              out NEW on 4 at 97 %, health 98 %
            BatterySwap: {}
            swap 7 complete, at the station
              out NEW on 4 at 97 %, health 98 %
              in OLD on 1 at 10 %, health 98 %
        "#]],
    );
}

#[test]
fn s03_a_retry_moves_no_battery_twice_and_a_number_that_comes_again_is_another_swap() {
    let (came, went) = (
        moved("BatteryIn", 1, &[(1, "OLD", "10")]),
        moved("BatteryOut", 1, &[(4, "NEW", "97")]),
    );
    let next = moved("BatteryIn", 1, &[(2, "NEW", "30")]);
    check_21(
        &[&came, &came, &went, &came, &went],
        &("op swaps\n".to_owned() + &next + "op swaps\n: restart\nop swaps"),
        expect![[r#"
            swap 1 complete, at the station
              in OLD on 1 at 10 %, health 98 %
              out NEW on 4 at 97 %, health 98 %
            BatterySwap: {}
            swap 1 complete, at the station
              in OLD on 1 at 10 %, health 98 %
              out NEW on 4 at 97 %, health 98 %
            swap 1 in, at the station
              in NEW on 2 at 30 %, health 98 %
            a ended
            swap 1 complete, at the station
              in OLD on 1 at 10 %, health 98 %
              out NEW on 4 at 97 %, health 98 %
            swap 1 in, at the station
              in NEW on 2 at 30 %, health 98 %
        "#]],
    );
}

#[test]
fn s04_a_battery_charges_in_a_transaction_of_nobody() {
    check_21(
        &[&moved("BatteryIn", 1, &[(1, "OLD", "10")])],
        r#"
            TransactionEvent {"eventType":"Started","timestamp":"$NOW","triggerReason":"CablePluggedIn","seqNo":0,"transactionInfo":{"transactionId":"B1","chargingState":"Charging"},"evse":{"id":1,"connectorId":1},"idToken":{"idToken":"","type":"NoAuthorization"},"meterValue":[{"timestamp":"$NOW","sampledValue":[{"value":1000,"context":"Transaction.Begin"},{"value":10,"measurand":"SoC","unitOfMeasure":{"unit":"Percent"}}]}]}
            TransactionEvent {"eventType":"Updated","timestamp":"$NOW","triggerReason":"EnergyLimitReached","seqNo":1,"transactionInfo":{"transactionId":"B1","chargingState":"SuspendedEVSE"}}
            op transactions CP1
            wait 3600
            TransactionEvent {"eventType":"Ended","timestamp":"$NOW","triggerReason":"EVCommunicationLost","seqNo":2,"transactionInfo":{"transactionId":"B1","chargingState":"Idle","stoppedReason":"EVDisconnected"},"meterValue":[{"timestamp":"$NOW","sampledValue":[{"value":3000,"context":"Transaction.End"}]}]}
            op transactions CP1
        "#,
        expect![[r#"
            TransactionEvent: {"idTokenInfo":{"status":"Accepted"}}
            TransactionEvent: {}
            transaction B1 on 1.1: active ok 0 kWh -
            TransactionEvent: {"totalCost":1.50}
            transaction B1 on 1.1: ended ok 2 kWh 1.50 EVDisconnected
        "#]],
    );
}
