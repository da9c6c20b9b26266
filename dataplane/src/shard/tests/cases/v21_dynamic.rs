//! Dynamic profiles and priority charging of 2.1, K21, K22 and K28.

use expect_test::expect;

use super::{ENERGY_TRANSFER_STARTED, check_21};

/// An operator sets a profile on EVSE 1 that takes new rates as it goes, and the station accepts.
fn dynamic(id: i32, more: &str, period: &str) -> String {
    format!(
        "op SetChargingProfile {{\"evseId\":1,\"chargingProfile\":{{\"id\":{id},\"stackLevel\":0,\"chargingProfilePurpose\":\"TxDefaultProfile\",\"chargingProfileKind\":\"Dynamic\",\"dynUpdateInterval\":60,\"chargingSchedule\":[{{\"id\":1{more},\"chargingRateUnit\":\"W\",\"chargingSchedulePeriod\":[{{\"startPeriod\":0,{period}}}]}}]}}}}\nanswer {{\"status\":\"Accepted\"}}\n"
    )
}

const LIMIT: &str = r#""limit":11000.0"#;

#[test]
fn k28_fr_06_an_update_that_the_station_accepts_is_in_force() {
    check_21(
        &[&dynamic(1, "", LIMIT)],
        r#"
            op UpdateDynamicSchedule {"chargingProfileId":1,"scheduleUpdate":{"limit":7000,"limit_L2":2000,"limit_L3":1000}}
            answer {"status":"Accepted"}
            op UpdateDynamicSchedule {"chargingProfileId":1,"scheduleUpdate":{"limit":3000}}
            answer {"status":"Rejected"}
            op profiles
        "#,
        expect![[r#"
            < UpdateDynamicSchedule {"chargingProfileId":1,"scheduleUpdate":{"limit":7000,"limit_L2":2000,"limit_L3":1000}}
            op UpdateDynamicSchedule: Answered {"status":"Accepted"}
            < UpdateDynamicSchedule {"chargingProfileId":1,"scheduleUpdate":{"limit":3000}}
            op UpdateDynamicSchedule: Answered {"status":"Rejected"}
            profile 1 on 1 by set now {"limit":7000,"limit_L2":2000,"limit_L3":1000}
        "#]],
    );
}

#[test]
fn k28_fr_07_a_station_that_pulls_is_told_the_newest_rates() {
    check_21(
        &[&dynamic(
            1,
            "",
            r#""setpoint":-5000.0,"setpoint_L2":-1000.0,"operationMode":"CentralSetpoint""#,
        )],
        r#"
            PullDynamicScheduleUpdate {"chargingProfileId":1}
            op UpdateDynamicSchedule {"chargingProfileId":1,"scheduleUpdate":{"setpoint":-4000}}
            answer {"status":"Accepted"}
            PullDynamicScheduleUpdate {"chargingProfileId":1}
            op profiles
        "#,
        expect![[r#"
            PullDynamicScheduleUpdate: {"scheduleUpdate":{"setpoint":-5000.0,"setpoint_L2":-1000.0},"status":"Accepted"}
            < UpdateDynamicSchedule {"chargingProfileId":1,"scheduleUpdate":{"setpoint":-4000}}
            op UpdateDynamicSchedule: Answered {"status":"Accepted"}
            PullDynamicScheduleUpdate: {"scheduleUpdate":{"setpoint":-4000,"setpoint_L2":-1000.0},"status":"Accepted"}
            profile 1 on 1 by set now {"setpoint":-4000}
        "#]],
    );
}

#[test]
fn k28_fr_12_rates_of_no_dynamic_profile_are_not_told() {
    let fixed = r#"op SetChargingProfile {"evseId":1,"chargingProfile":{"id":2,"stackLevel":0,"chargingProfilePurpose":"TxDefaultProfile","chargingProfileKind":"Absolute","chargingSchedule":[{"id":1,"startSchedule":"2026-11-22T10:00:00Z","chargingRateUnit":"W","chargingSchedulePeriod":[{"startPeriod":0,"limit":11000.0}]}]}}
answer {"status":"Accepted"}"#;
    check_21(
        &[fixed],
        r#"
            PullDynamicScheduleUpdate {"chargingProfileId":2}
            PullDynamicScheduleUpdate {"chargingProfileId":3}
        "#,
        expect![[r#"
            PullDynamicScheduleUpdate: {"status":"Rejected","statusInfo":{"reasonCode":"InvalidProfile"}}
            PullDynamicScheduleUpdate: {"status":"Rejected","statusInfo":{"reasonCode":"InvalidProfile"}}
        "#]],
    );
}

#[test]
fn k28_fr_14_a_pull_begins_the_duration_of_a_profile_anew() {
    check_21(
        &[&dynamic(1, r#","duration":120"#, LIMIT)],
        r#"
            op composite
            wait 200
            op composite
            PullDynamicScheduleUpdate {"chargingProfileId":1}
            op composite
        "#,
        expect![[r#"
            composite [(0, Some(11000))]
            composite [(0, None)]
            PullDynamicScheduleUpdate: {"scheduleUpdate":{"limit":11000.0},"status":"Accepted"}
            composite [(0, Some(11000))]
        "#]],
    );
}

#[test]
fn k21_and_k22_priority_charging_is_on_while_the_station_says_so() {
    check_21(
        &[ENERGY_TRANSFER_STARTED],
        r#"
            op UsePriorityCharging {"transactionId":"T1","activate":true}
            answer {"status":"NoProfile"}
            op profiles
            op UsePriorityCharging {"transactionId":"T1","activate":true}
            answer {"status":"Accepted"}
            NotifyPriorityCharging {"transactionId":"T1","activated":true}
            op profiles
            NotifyPriorityCharging {"transactionId":"T1","activated":false}
            NotifyPriorityCharging {"transactionId":"T9","activated":true}
            op profiles
        "#,
        expect![[r#"
            < UsePriorityCharging {"transactionId":"T1","activate":true}
            op UsePriorityCharging: Answered {"status":"NoProfile"}
            < UsePriorityCharging {"transactionId":"T1","activate":true}
            op UsePriorityCharging: Answered {"status":"Accepted"}
            NotifyPriorityCharging: {}
            vehicle on 1 of "T1" priority true
            NotifyPriorityCharging: {}
            NotifyPriorityCharging: {}
            vehicle on 1 of "T1" priority false
        "#]],
    );
}
