//! OCPP 2.1: limits that operators set for transactions, named by requirement. The four numbers are cost in millionths, energy in
//! milliwatt-hours, seconds and percent.

use expect_test::{Expect, expect};

use fleet::record::{CostLimit, CostLimits};
use ocpp::Version;

use super::{BOOTED, Case, check as check_201, check_16, check_21};
use crate::config::{Config, Onboarding, Tariff};
use crate::shard::tests::world::{config, key};

/// A station that keeps to limits, and a charge.
const KEEPS: &str = r#"
NotifyReport {"requestId":1,"generatedAt":"$NOW","seqNo":0,"reportData":[{"component":{"name":"TxCtrlr"},"variable":{"name":"SupportedLimits"},"variableAttribute":[{"value":"maxCost, maxEnergy,maxTime"}]}]}
"#;

const BEGUN: &str = "
tx Started Authorized token=TAG evse state=Charging meter=Transaction.Begin:1000
";

fn check(script: &str, expected: Expect) {
    check_21(&[KEEPS, BEGUN], script, expected);
}

#[test]
fn e16_fr_02_a_limit_goes_out_once_with_the_first_answer_after_it_was_set() {
    check(
        r#"
        tx Updated MeterValuePeriodic meter=Sample.Periodic:1500
        op limit energy=20000 time=3600
        op limits
        tx Updated MeterValuePeriodic meter=Sample.Periodic:2000
        tx Updated LimitSet limits={"maxEnergy":20000.0,"maxTime":3600}
        tx Updated MeterValuePeriodic meter=Sample.Periodic:3000
        op limits
        op limit energy=20000
        tx Updated MeterValuePeriodic meter=Sample.Periodic:3500
        op limit energy=10000 cost=1250
        tx Updated MeterValuePeriodic meter=Sample.Periodic:4000
        op limits
        "#,
        expect![[r#"
            TransactionEvent: {}
            op limit: Set Active energy Some(MilliwattHours(500000))
            limits set [None, Some(20000000), Some(3600), None] by "op" waiting [None, Some(20000000), Some(3600), None] sent [None, None, None, None] told [None, None, None, None]
            TransactionEvent: {"transactionLimit":{"maxEnergy":20000,"maxTime":3600}}
            TransactionEvent: {}
            TransactionEvent: {}
            limits set [None, Some(20000000), Some(3600), None] by "op" waiting [None, None, None, None] sent [None, Some(20000000), Some(3600), None] told [None, Some(20000000), Some(3600), None]
            op limit: Set Active energy Some(MilliwattHours(2000000))
            TransactionEvent: {}
            op limit: Set Active energy Some(MilliwattHours(2500000))
            TransactionEvent: {"totalCost":2.25,"transactionLimit":{"maxCost":12.5,"maxEnergy":10000}}
            limits set [Some(12500000), Some(10000000), Some(3600), None] by "op" waiting [None, None, None, None] sent [Some(12500000), Some(10000000), Some(3600), None] told [None, Some(20000000), Some(3600), None]
        "#]],
    );
}

/// The station has not heard an answer after which it says the same again.
#[test]
fn e16_fr_02_an_answer_that_was_lost_says_it_again() {
    let event = |seq_no: u32| {
        format!(
            r#"TransactionEvent {{"eventType":"Updated","timestamp":"2026-11-22T10:00:30Z","triggerReason":"MeterValueClock","seqNo":{seq_no},"transactionInfo":{{"transactionId":"T1"}}}}"#
        )
    };
    let (first, second) = (event(1), event(2));
    check(
        &format!(
            "op limit time=3600
            {first}
            : a drops
            : a connect CP1 2.1
            {first}
            op limit cost=100
            {first}
            {second}
            {second}
            op limits"
        ),
        expect![[r#"
            op limit: Set Active energy Some(MilliwattHours(0))
            TransactionEvent: {"transactionLimit":{"maxTime":3600}}
            < 101 Switching Protocols ocpp2.1
            TransactionEvent: {"transactionLimit":{"maxTime":3600}}
            op limit: Set Active energy Some(MilliwattHours(0))
            TransactionEvent: {"totalCost":0.00,"transactionLimit":{"maxCost":1,"maxTime":3600}}
            TransactionEvent: {"totalCost":0.00}
            TransactionEvent: {"totalCost":0.00}
            limits set [Some(1000000), None, Some(3600), None] by "op" waiting [None, None, None, None] sent [Some(1000000), None, Some(3600), None] told [None, None, None, None]
        "#]],
    );
}

#[test]
fn e16_fr_02_a_limit_that_waits_outlives_the_server() {
    check(
        r#"
        op limit energy=20000
        : restart
        : a connect CP1 2.1
        op limits
        tx Updated MeterValuePeriodic meter=Sample.Periodic:2000
        : restart
        : a connect CP1 2.1
        tx Updated LimitSet limits={"maxEnergy":20000}
        op limits
        "#,
        expect![[r#"
            op limit: Set Active energy Some(MilliwattHours(0))
            a ended
            < 101 Switching Protocols ocpp2.1
            limits set [None, Some(20000000), None, None] by "op" waiting [None, Some(20000000), None, None] sent [None, None, None, None] told [None, None, None, None]
            TransactionEvent: {"transactionLimit":{"maxEnergy":20000}}
            a ended
            < 101 Switching Protocols ocpp2.1
            TransactionEvent: {}
            limits set [None, Some(20000000), None, None] by "op" waiting [None, None, None, None] sent [None, Some(20000000), None, None] told [None, Some(20000000), None, None]
        "#]],
    );
}

#[test]
fn e16_fr_02_the_end_of_a_charge_has_no_limit() {
    check(
        "
        op limit energy=20000
        tx Ended StopAuthorized state=Idle stopped=Local meter=Transaction.End:11000
        op limits
        op limit energy=20000
        ",
        expect![[r#"
            op limit: Set Active energy Some(MilliwattHours(0))
            TransactionEvent: {}
            no limits
            op limit: Over Ended energy Some(MilliwattHours(0))
        "#]],
    );
}

#[test]
fn e16_fr_07_a_limit_of_the_stations_own_that_is_higher_is_overruled() {
    check(
        r#"
        op limit energy=20000 time=3600
        tx Updated LimitSet limits={"maxEnergy":30000}
        op limits
        "#,
        expect![[r#"
            op limit: Set Active energy Some(MilliwattHours(0))
            TransactionEvent: {"transactionLimit":{"maxEnergy":20000,"maxTime":3600}}
            limits set [None, Some(20000000), Some(3600), None] by "op" waiting [None, None, None, None] sent [None, Some(20000000), Some(3600), None] told [None, Some(30000000), None, None]
        "#]],
    );
}

#[test]
fn e16_fr_08_a_limit_of_the_stations_own_that_is_no_higher_is_left() {
    check(
        r#"
        op limit energy=20000 time=3600
        tx Updated LimitSet limits={"maxEnergy":20000,"maxTime":1800}
        op limits
        tx Updated MeterValuePeriodic meter=Sample.Periodic:2000
        "#,
        expect![[r#"
            op limit: Set Active energy Some(MilliwattHours(0))
            TransactionEvent: {}
            limits set [None, Some(20000000), Some(3600), None] by "op" waiting [None, None, None, None] sent [None, None, None, None] told [None, Some(20000000), Some(1800), None]
            TransactionEvent: {}
        "#]],
    );
}

/// What a station says of one limit while another is under way is about the first.
#[test]
fn e16_fr_14_a_limit_is_raised_while_its_station_confirms_the_one_before() {
    check(
        r#"
        op limit energy=5000
        tx Updated MeterValuePeriodic meter=Sample.Periodic:2000
        op limit energy=20000
        tx Updated LimitSet limits={"maxEnergy":5000}
        tx Updated LimitSet limits={"maxEnergy":20000}
        op limits
        "#,
        expect![[r#"
            op limit: Set Active energy Some(MilliwattHours(0))
            TransactionEvent: {"transactionLimit":{"maxEnergy":5000}}
            op limit: Set Active energy Some(MilliwattHours(1000000))
            TransactionEvent: {"transactionLimit":{"maxEnergy":20000}}
            TransactionEvent: {}
            limits set [None, Some(20000000), None, None] by "op" waiting [None, None, None, None] sent [None, Some(20000000), None, None] told [None, Some(20000000), None, None]
        "#]],
    );
}

#[test]
fn e16_fr_11_a_station_with_a_limit_of_ours_hears_what_the_charge_has_come_to() {
    let config = Config {
        tariff: Tariff::default(),
        ..config(Onboarding::Open)
    };
    let mut case = Case::new(Version::V21, config);
    case.prepare(": tariff everywhere UTC {\"tariffId\":\"T1\",\"currency\":\"EUR\",\"energy\":{\"prices\":[{\"priceKwh\":0.25}]}}");
    case.prepare(": a connect CP1 2.1");
    case.prepare(BOOTED);
    case.prepare(KEEPS);
    case.prepare(BEGUN);
    let seen = case.run(
        "
        wait 1800
        tx Updated MeterValuePeriodic meter=Sample.Periodic:5000
        op limit cost=1250
        wait 1800
        tx Updated MeterValuePeriodic meter=Sample.Periodic:9000
        ",
    );
    expect![[r#"
        TransactionEvent: {}
        op limit: Set Active energy Some(MilliwattHours(4000000))
        TransactionEvent: {"totalCost":2.00,"transactionLimit":{"maxCost":12.5}}
    "#]]
    .assert_eq(&seen);
}

#[test]
fn e16_fr_12_only_what_the_station_says_to_keep_to_is_set() {
    check(
        "
        op limit energy=20000 soc=80
        op limits
        tx Updated MeterValuePeriodic meter=Sample.Periodic:5000
        ",
        expect![[r#"
            op limit: Ok(Refused(Invalid("maxSoC is none of the limits to which the station keeps, "maxCost, maxEnergy,maxTime" (TxCtrlr.SupportedLimits)")))
            no limits
            TransactionEvent: {}
        "#]],
    );
    check_21(
        &[BEGUN],
        "op limit energy=20000",
        expect![[r#"
        op limit: Ok(Refused(Invalid("the station has not said to which limits it keeps; ask it for TxCtrlr.SupportedLimits (GetVariables)")))
    "#]],
    );
    check_201(
        &[BEGUN],
        "op limit energy=20000",
        expect![[r#"
        op limit: Ok(Refused(Invalid("the station speaks ocpp2.0.1, expected OCPP 2.1: no other version has limits of transactions")))
    "#]],
    );
    check_16(
        r#"
        StartTransaction {"connectorId":1,"idTag":"TAG","meterStart":0,"timestamp":"$NOW"}
        op limit energy=20000
        op start CP1 1 TAG energy=20000
        "#,
        expect![[r#"
            StartTransaction: {"idTagInfo":{"status":"Accepted"},"transactionId":$TX}
            op limit: Ok(Refused(Invalid("the station speaks ocpp1.6, expected OCPP 2.1: no other version has limits of transactions")))
            op start CP1 1 TAG energy=20000: Ok(Refused(Invalid("the station speaks ocpp1.6, expected OCPP 2.1: no other version has limits of transactions")))
        "#]],
    );
}

#[test]
fn f07_fr_02_a_remote_start_with_a_limit_has_it_in_the_first_answer() {
    check_21(
        &[KEEPS],
        r#"
        op start CP1 1 TAG energy=20000
        answer {"status":"Accepted"}
        : restart
        : a connect CP1 2.1
        tx Started RemoteStart token=TAG evse start meter=Transaction.Begin:1000
        tx Updated LimitSet limits={"maxEnergy":20000}
        op limits
        "#,
        expect![[r#"
            < RequestStartTransaction {"evseId":1,"idToken":{"idToken":"TAG","type":"Central"},"remoteStartId":$START}
            a ended
            op start CP1 1 TAG energy=20000: Err(Stopped)
            < 101 Switching Protocols ocpp2.1
            TransactionEvent: {"idTokenInfo":{"status":"Accepted"},"transactionLimit":{"maxEnergy":20000}}
            TransactionEvent: {}
            limits set [None, Some(20000000), None, None] by "op" waiting [None, None, None, None] sent [None, Some(20000000), None, None] told [None, Some(20000000), None, None]
        "#]],
    );
}

#[test]
fn f07_fr_02_a_start_that_its_station_refused_limits_nothing() {
    check_21(
        &[KEEPS],
        r#"
        op start CP1 1 TAG energy=20000
        answer {"status":"Rejected"}
        tx Started RemoteStart token=TAG evse start meter=Transaction.Begin:1000
        op start CP1 1 TAG soc=80
        "#,
        expect![[r#"
            < RequestStartTransaction {"evseId":1,"idToken":{"idToken":"TAG","type":"Central"},"remoteStartId":$START}
            op start CP1 1 TAG energy=20000: Rejected(Answered {"status":"Rejected"}
            TransactionEvent: {"idTokenInfo":{"status":"Accepted"}}
            op start CP1 1 TAG soc=80: Ok(Refused(Invalid("maxSoC is none of the limits to which the station keeps, "maxCost, maxEnergy,maxTime" (TxCtrlr.SupportedLimits)")))
        "#]],
    );
}

/// A driver who comes late, or an event that waited for a connection.
#[test]
fn f07_fr_02_a_remote_start_keeps_its_limit_until_its_transaction_names_it() {
    check_21(
        &[KEEPS],
        r#"
        op start CP1 1 TAG energy=20000
        answer {"status":"Accepted"}
        wait 1200
        tx Started CablePluggedIn evse
        tx Updated RemoteStart token=TAG start
        op limits
        "#,
        expect![[r#"
            < RequestStartTransaction {"evseId":1,"idToken":{"idToken":"TAG","type":"Central"},"remoteStartId":$START}
            op start CP1 1 TAG energy=20000: Waiting(Answered {"status":"Accepted"}
            TransactionEvent: {}
            TransactionEvent: {"idTokenInfo":{"status":"Accepted"},"transactionLimit":{"maxEnergy":20000}}
            limits set [None, Some(20000000), None, None] by "op" waiting [None, None, None, None] sent [None, Some(20000000), None, None] told [None, None, None, None]
        "#]],
    );
}

/// The one in line is refused when nobody waits for it any more.
#[test]
fn f07_fr_02_a_start_that_stood_in_line_and_was_refused_limits_nothing() {
    check_21(
        &[KEEPS],
        r#"
        op command CP1 within=900 ClearCache {}
        op start CP1 1 TAG energy=20000
        wait 600
        answer {"status":"Accepted"}
        answer {"status":"Rejected"}
        tx Started RemoteStart token=TAG evse start
        op limits
        "#,
        expect![[r#"
            < ClearCache {}
            op ClearCache: Queued None None
            op start CP1 1 TAG energy=20000: Waiting(Queued None None
            < RequestStartTransaction {"evseId":1,"idToken":{"idToken":"TAG","type":"Central"},"remoteStartId":$START}
            TransactionEvent: {"idTokenInfo":{"status":"Accepted"}}
            no limits
        "#]],
    );
}

/// What has begun and ended unheard is no reason to keep the limit of its start.
#[test]
fn f07_fr_02_a_start_whose_transaction_is_over_limits_nothing() {
    check_21(
        &[KEEPS],
        r#"
        op start CP1 1 TAG energy=20000
        answer {"status":"Accepted"}
        : records shown
        tx Ended StopAuthorized evse start state=Idle stopped=Local
        "#,
        expect![[r#"
            < RequestStartTransaction {"evseId":1,"idToken":{"idToken":"TAG","type":"Central"},"remoteStartId":$START}
            record TransactionEvent kind 3 gap 0 offline false conflict false state 3
            record TransactionLimits Sigec.Limited limits 0 starts 0
            TransactionEvent: {}
            op start CP1 1 TAG energy=20000: Begun Orphan energy None
        "#]],
    );
}

#[test]
fn e16_fr_08_a_limit_of_the_stations_own_that_was_there_before_is_left() {
    check(
        r#"
        tx Updated LimitSet limits={"maxEnergy":10000,"maxTime":7200}
        op limit energy=20000 time=3600
        op limits
        tx Updated MeterValuePeriodic meter=Sample.Periodic:2000
        tx Updated LimitSet limits={"maxTime":1800}
        op limit time=5400
        tx Updated MeterValuePeriodic meter=Sample.Periodic:3000
        "#,
        expect![[r#"
            TransactionEvent: {}
            op limit: Set Active energy Some(MilliwattHours(0))
            limits set [None, Some(20000000), Some(3600), None] by "op" waiting [None, None, Some(3600), None] sent [None, None, None, None] told [None, Some(10000000), Some(7200), None]
            TransactionEvent: {"transactionLimit":{"maxTime":3600}}
            TransactionEvent: {}
            op limit: Set Active energy Some(MilliwattHours(1000000))
            TransactionEvent: {}
        "#]],
    );
}

/// The driver's word comes while a raise waits: the charge is already below what the operator requires.
#[test]
fn e16_fr_08_a_raise_that_waits_gives_way_to_a_lower_limit_of_the_driver() {
    check(
        r#"
        op limit energy=20000
        tx Updated MeterValuePeriodic meter=Sample.Periodic:2000
        tx Updated LimitSet limits={"maxEnergy":20000}
        op limit energy=30000
        tx Updated LimitSet limits={"maxEnergy":5000}
        tx Updated MeterValuePeriodic meter=Sample.Periodic:3000
        op limits
        "#,
        expect![[r#"
            op limit: Set Active energy Some(MilliwattHours(0))
            TransactionEvent: {"transactionLimit":{"maxEnergy":20000}}
            TransactionEvent: {}
            op limit: Set Active energy Some(MilliwattHours(1000000))
            TransactionEvent: {}
            TransactionEvent: {}
            limits set [None, Some(30000000), None, None] by "op" waiting [None, None, None, None] sent [None, Some(20000000), None, None] told [None, Some(5000000), None, None]
        "#]],
    );
}

/// It says once more what it has taken over, and not what its driver wants.
#[test]
fn e16_fr_02_a_raise_that_waits_goes_out_after_what_the_station_said_before() {
    check(
        r#"
        op limit energy=10000
        tx Updated MeterValuePeriodic meter=Sample.Periodic:2000
        tx Updated LimitSet limits={"maxEnergy":10000}
        op limit energy=20000
        tx Updated LimitSet limits={"maxEnergy":10000}
        op limit energy=30000
        tx Updated LimitSet limits={"maxEnergy":10000}
        op limits
        "#,
        expect![[r#"
            op limit: Set Active energy Some(MilliwattHours(0))
            TransactionEvent: {"transactionLimit":{"maxEnergy":10000}}
            TransactionEvent: {}
            op limit: Set Active energy Some(MilliwattHours(1000000))
            TransactionEvent: {"transactionLimit":{"maxEnergy":20000}}
            op limit: Set Active energy Some(MilliwattHours(1000000))
            TransactionEvent: {"transactionLimit":{"maxEnergy":30000}}
            limits set [None, Some(30000000), None, None] by "op" waiting [None, None, None, None] sent [None, Some(30000000), None, None] told [None, Some(10000000), None, None]
        "#]],
    );
}

#[test]
fn e16_fr_03_a_station_that_numbers_all_events_alike_says_what_it_keeps_to() {
    check(
        r#"
        tx Updated LimitSet seq=1 limits={"maxEnergy":20000}
        tx Updated LimitSet seq=1 limits={"maxEnergy":10000}
        op limits
        op limit energy=15000
        tx Updated MeterValuePeriodic seq=1 meter=Sample.Periodic:4000
        "#,
        expect![[r#"
            TransactionEvent: {}
            TransactionEvent: {}
            limits set [None, None, None, None] by "" waiting [None, None, None, None] sent [None, None, None, None] told [None, Some(10000000), None, None]
            op limit: Set Active energy Some(MilliwattHours(0))
            TransactionEvent: {}
        "#]],
    );
}

/// Two events of one number in one second differ in nothing but their limits.
#[test]
fn e16_fr_03_a_station_whose_events_are_all_alike_says_what_it_keeps_to() {
    let event = |wh: u32| {
        format!(
            r#"TransactionEvent {{"eventType":"Updated","timestamp":"2026-11-22T10:00:30Z","triggerReason":"LimitSet","seqNo":1,"transactionInfo":{{"transactionId":"T1","transactionLimit":{{"maxEnergy":{wh}}}}}}}"#
        )
    };
    check(
        &format!("{}\n{}\nop limits", event(20_000), event(10_000)),
        expect![[r#"
            TransactionEvent: {}
            TransactionEvent: {}
            limits set [None, None, None, None] by "" waiting [None, None, None, None] sent [None, None, None, None] told [None, Some(10000000), None, None]
        "#]],
    );
}

/// An event of an outage, which comes late, says nothing of what the station keeps to now.
#[test]
fn e16_fr_03_a_station_that_counts_its_events_anew_says_what_it_keeps_to() {
    check(
        r#"
        tx Updated LimitSet seq=7 limits={"maxEnergy":20000}
        tx Updated LimitSet seq=1 limits={"maxEnergy":10000}
        op limits
        tx Updated LimitSet seq=8 limits={"maxEnergy":15000}
        tx Updated LimitSet offline seq=3 limits={"maxEnergy":5000}
        TransactionEvent {"eventType":"Updated","timestamp":"2026-11-22T10:00:05Z","triggerReason":"LimitSet","seqNo":4,"transactionInfo":{"transactionId":"T1","transactionLimit":{"maxEnergy":6000}}}
        op limits
        "#,
        expect![[r#"
            TransactionEvent: {}
            TransactionEvent: {}
            limits set [None, None, None, None] by "" waiting [None, None, None, None] sent [None, None, None, None] told [None, Some(10000000), None, None]
            TransactionEvent: {}
            TransactionEvent: {}
            TransactionEvent: {}
            limits set [None, None, None, None] by "" waiting [None, None, None, None] sent [None, None, None, None] told [None, Some(15000000), None, None]
        "#]],
    );
}

/// A station that has taken over 20000 Wh tells of 19500 Wh: that is no rounding.
#[test]
fn e16_fr_08_a_raise_that_waits_gives_way_to_a_slightly_lower_limit_of_the_driver() {
    check(
        r#"
        op limit energy=20000
        tx Updated MeterValuePeriodic meter=Sample.Periodic:2000
        tx Updated LimitSet limits={"maxEnergy":20000}
        op limit energy=30000
        tx Updated LimitSet limits={"maxEnergy":19500}
        tx Updated MeterValuePeriodic meter=Sample.Periodic:3000
        op limits
        "#,
        expect![[r#"
            op limit: Set Active energy Some(MilliwattHours(0))
            TransactionEvent: {"transactionLimit":{"maxEnergy":20000}}
            TransactionEvent: {}
            op limit: Set Active energy Some(MilliwattHours(1000000))
            TransactionEvent: {}
            TransactionEvent: {}
            limits set [None, Some(30000000), None, None] by "op" waiting [None, None, None, None] sent [None, Some(20000000), None, None] told [None, Some(19500000), None, None]
        "#]],
    );
}

/// The station is slow, and says of each limit that it has taken it over.
#[test]
fn e16_fr_14_a_late_confirmation_of_an_earlier_limit_is_none_of_the_driver() {
    check(
        r#"
        op limit energy=5000
        tx Updated MeterValuePeriodic meter=Sample.Periodic:1100
        op limit energy=10000
        tx Updated MeterValuePeriodic meter=Sample.Periodic:1200
        op limit energy=20000
        tx Updated LimitSet limits={"maxEnergy":5000}
        tx Updated LimitSet limits={"maxEnergy":10000}
        op limit energy=30000
        tx Updated MeterValuePeriodic meter=Sample.Periodic:1300
        tx Updated LimitSet limits={"maxEnergy":30000}
        op limit energy=40000
        tx Updated LimitSet limits={"maxEnergy":10000}
        op limits
        "#,
        expect![[r#"
            op limit: Set Active energy Some(MilliwattHours(0))
            TransactionEvent: {"transactionLimit":{"maxEnergy":5000}}
            op limit: Set Active energy Some(MilliwattHours(100000))
            TransactionEvent: {"transactionLimit":{"maxEnergy":10000}}
            op limit: Set Active energy Some(MilliwattHours(200000))
            TransactionEvent: {"transactionLimit":{"maxEnergy":20000}}
            TransactionEvent: {}
            op limit: Set Active energy Some(MilliwattHours(200000))
            TransactionEvent: {"transactionLimit":{"maxEnergy":30000}}
            TransactionEvent: {}
            op limit: Set Active energy Some(MilliwattHours(300000))
            TransactionEvent: {}
            limits set [None, Some(40000000), None, None] by "op" waiting [None, None, None, None] sent [None, Some(30000000), None, None] told [None, Some(10000000), None, None]
        "#]],
    );
}

/// What the newest inventory does not have is gone, whatever the station said of it before.
#[test]
fn e16_fr_12_a_limit_that_the_inventory_no_longer_has_is_not_set() {
    check(
        r#"
        op GetBaseReport {"requestId":9,"reportBase":"FullInventory"}
        answer {"status":"Accepted"}
        NotifyReport {"requestId":9,"generatedAt":"$NOW","seqNo":0,"reportData":[{"component":{"name":"TxCtrlr"},"variable":{"name":"TxStopPoint"},"variableAttribute":[{"value":"EVConnected"}]}]}
        op limit energy=20000
        "#,
        expect![[r#"
            < GetBaseReport {"requestId":9,"reportBase":"FullInventory"}
            op GetBaseReport: Answered {"status":"Accepted"}
            NotifyReport: {}
            op limit: Ok(Refused(Invalid("the station has not said to which limits it keeps; ask it for TxCtrlr.SupportedLimits (GetVariables)")))
        "#]],
    );
}

/// A station that counts whole kilowatt-hours has taken over 2000 Wh of 2300.
#[test]
fn e16_fr_19_a_limit_is_raised_that_its_station_has_rounded() {
    check(
        r#"
        op limit energy=2300
        tx Updated MeterValuePeriodic meter=Sample.Periodic:1100
        op limit energy=12300
        tx Updated LimitSet limits={"maxEnergy":2000}
        tx Updated LimitSet limits={"maxEnergy":12000}
        op limit energy=20000
        tx Updated MeterValuePeriodic meter=Sample.Periodic:2000
        "#,
        expect![[r#"
            op limit: Set Active energy Some(MilliwattHours(0))
            TransactionEvent: {"transactionLimit":{"maxEnergy":2300}}
            op limit: Set Active energy Some(MilliwattHours(100000))
            TransactionEvent: {"transactionLimit":{"maxEnergy":12300}}
            TransactionEvent: {}
            op limit: Set Active energy Some(MilliwattHours(100000))
            TransactionEvent: {"transactionLimit":{"maxEnergy":20000}}
        "#]],
    );
}

#[test]
fn e16_fr_02_a_limit_that_nobody_has_confirmed_is_set_again() {
    check(
        r#"
        op limit energy=20000
        tx Updated MeterValuePeriodic meter=Sample.Periodic:2000
        op limit energy=20000
        tx Updated MeterValuePeriodic meter=Sample.Periodic:3000
        tx Updated LimitSet limits={"maxEnergy":20000}
        op limit energy=20000
        tx Updated MeterValuePeriodic meter=Sample.Periodic:4000
        "#,
        expect![[r#"
            op limit: Set Active energy Some(MilliwattHours(0))
            TransactionEvent: {"transactionLimit":{"maxEnergy":20000}}
            op limit: Set Active energy Some(MilliwattHours(1000000))
            TransactionEvent: {"transactionLimit":{"maxEnergy":20000}}
            TransactionEvent: {}
            op limit: Set Active energy Some(MilliwattHours(2000000))
            TransactionEvent: {}
        "#]],
    );
}

#[test]
fn e16_fr_02_a_station_that_numbers_all_events_alike_hears_a_limit_once() {
    check(
        r#"
        op limit energy=20000
        tx Updated MeterValuePeriodic seq=1 meter=Sample.Periodic:2000
        tx Updated MeterValuePeriodic seq=1 meter=Sample.Periodic:3000
        tx Updated MeterValuePeriodic seq=1 meter=Sample.Periodic:4000
        "#,
        expect![[r#"
            op limit: Set Active energy Some(MilliwattHours(0))
            TransactionEvent: {"transactionLimit":{"maxEnergy":20000}}
            TransactionEvent: {}
            TransactionEvent: {}
        "#]],
    );
}

/// The schema of 2.0.1 has no limits.
#[test]
fn e16_fr_02_a_station_that_comes_back_with_2_0_1_hears_no_limit() {
    check(
        r#"
        op limit energy=20000
        : a drops
        : a connect CP1 2.0.1
        tx Updated MeterValuePeriodic meter=Sample.Periodic:2000
        : restart
        : a connect CP1 2.1
        tx Updated MeterValuePeriodic meter=Sample.Periodic:3000
        "#,
        expect![[r#"
            op limit: Set Active energy Some(MilliwattHours(0))
            < 101 Switching Protocols ocpp2.0.1
            TransactionEvent: {}
            a ended
            < 101 Switching Protocols ocpp2.1
            TransactionEvent: {"transactionLimit":{"maxEnergy":20000}}
        "#]],
    );
}

#[test]
fn e16_fr_02_what_was_set_is_known_when_the_store_can_be_read_again() {
    check(
        r#"
        op limit energy=20000
        : store breaks
        : restart
        : a connect CP1 2.1
        op limit time=3600
        : store works
        op limit time=3600
        op limits
        tx Updated MeterValuePeriodic meter=Sample.Periodic:2000
        "#,
        expect![[r#"
            op limit: Set Active energy Some(MilliwattHours(0))
            a ended
            < 101 Switching Protocols ocpp2.1
            op limit: Err(StoreUnreadable)
            op limit: Set Active energy Some(MilliwattHours(0))
            limits set [None, Some(20000000), Some(3600), None] by "op" waiting [None, Some(20000000), Some(3600), None] sent [None, None, None, None] told [None, None, None, None]
            TransactionEvent: {"transactionLimit":{"maxEnergy":20000,"maxTime":3600}}
        "#]],
    );
}

#[test]
fn e16_fr_02_a_charge_of_a_deleted_station_is_not_limited() {
    check(
        r#"
        : records shown
        op delete CP1
        op limit energy=20000
        "#,
        expect![[r#"
            < close 1008 the station was deleted
            a ended
            record Disconnected the station was deleted
            record StationDeleted
            op delete CP1: Ok(Ok(()))
            op limit: Over Active energy Some(MilliwattHours(0))
        "#]],
    );
}

#[test]
fn e16_fr_20_a_limit_that_a_station_does_not_support_is_none_that_it_does() {
    check(
        r#"
        NotifyEvent {"generatedAt":"$NOW","seqNo":0,"eventData":[{"eventId":1,"timestamp":"$NOW","trigger":"Alerting","actualValue":"maxSoC","eventNotificationType":"HardWiredNotification","component":{"name":"TxCtrlr"},"variable":{"name":"SupportedLimits"}}]}
        op limit soc=80
        op limit energy=20000
        "#,
        expect![[r#"
            NotifyEvent: {}
            op limit: Ok(Refused(Invalid("maxSoC is none of the limits to which the station keeps, "maxCost, maxEnergy,maxTime" (TxCtrlr.SupportedLimits)")))
            op limit: Set Active energy Some(MilliwattHours(0))
        "#]],
    );
}

#[test]
fn f07_fr_02_of_a_start_and_a_wish_the_newer_counts() {
    check_21(
        &[KEEPS],
        r#"
        tx Started CablePluggedIn evse
        op limit energy=5000
        op start CP1 1 TAG energy=20000
        answer {"status":"Accepted"}
        tx Updated RemoteStart token=TAG start
        op limits
        "#,
        expect![[r#"
            TransactionEvent: {}
            op limit: Set Active energy None
            < RequestStartTransaction {"evseId":1,"idToken":{"idToken":"TAG","type":"Central"},"remoteStartId":$START}
            TransactionEvent: {"idTokenInfo":{"status":"Accepted"},"transactionLimit":{"maxEnergy":20000}}
            op start CP1 1 TAG energy=20000: Begun Active energy None
            limits set [None, Some(20000000), None, None] by "op" waiting [None, None, None, None] sent [None, Some(20000000), None, None] told [None, None, None, None]
        "#]],
    );
}

#[test]
fn f07_fr_02_of_a_wish_and_an_older_start_the_newer_counts() {
    check_21(
        &[KEEPS],
        r#"
        tx Started CablePluggedIn evse
        op start CP1 1 TAG energy=20000 time=3600
        answer {"status":"Accepted"}
        op limit energy=5000
        tx Updated RemoteStart token=TAG start
        op limits
        "#,
        expect![[r#"
            TransactionEvent: {}
            < RequestStartTransaction {"evseId":1,"idToken":{"idToken":"TAG","type":"Central"},"remoteStartId":$START}
            op limit: Set Active energy None
            TransactionEvent: {"idTokenInfo":{"status":"Accepted"},"transactionLimit":{"maxEnergy":5000,"maxTime":3600}}
            op start CP1 1 TAG energy=20000 time=3600: Begun Active energy None
            limits set [None, Some(5000000), Some(3600), None] by "op" waiting [None, None, None, None] sent [None, Some(5000000), Some(3600), None] told [None, None, None, None]
        "#]],
    );
}

/// The list that defines the variable calls the limit of time by another name than the message that has it.
#[test]
fn e16_fr_12_a_limit_of_time_has_two_names() {
    let keeps = KEEPS.replace("maxTime", "maxLength");
    check_21(
        &[&keeps, BEGUN],
        "
        op limit time=3600
        tx Updated MeterValuePeriodic meter=Sample.Periodic:5000
        ",
        expect![[r#"
            op limit: Set Active energy Some(MilliwattHours(0))
            TransactionEvent: {"transactionLimit":{"maxTime":3600}}
        "#]],
    );
}

#[test]
fn e16_fr_11_a_limit_that_an_earlier_version_put_on_record_is_known() {
    let mut case = Case::new(Version::V21, config(Onboarding::Open));
    case.prepare(": a connect CP1 2.1");
    case.prepare(BOOTED);
    case.prepare(BEGUN);
    let (now, shard) = (case.world.now(), &mut case.world.shard);
    let station = shard.stations.find(&key("CP1")).unwrap();
    let running = *shard.active.keys().next().unwrap();
    let noted = shard.change_grid(
        now,
        station,
        "TransactionEvent",
        None,
        |kept: &mut CostLimits| {
            kept.limits.push(CostLimit {
                transaction_id: running.0,
                max_cost: "12.50".into(),
            });
        },
    );
    noted.unwrap();
    let seen = case.run(
        "
        : restart
        : a connect CP1 2.1
        op limits
        tx Updated MeterValuePeriodic meter=Sample.Periodic:5000
        ",
    );
    expect![[r#"
        a ended
        < 101 Switching Protocols ocpp2.1
        limits set [None, None, None, None] by "" waiting [None, None, None, None] sent [None, None, None, None] told [Some(12500000), None, None, None]
        TransactionEvent: {"totalCost":0.00}
    "#]].assert_eq(&seen);
}
