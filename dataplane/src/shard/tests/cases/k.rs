//! Block K, smart charging.

use expect_test::{Expect, expect};
use ocpp::Version;

use super::{BOOTED, Case, ENERGY_TRANSFER_STARTED, EV_DISCONNECTED, STOP_AUTHORIZED, check};
use crate::config::{Config, Onboarding, VehicleNeeds};
use crate::shard::tests::world::config;

/// A charging profile that allows so many amperes for an hour.
fn profile(id: i32, level: u32, purpose: &str, kind: &str, more: &str, limit: f64) -> String {
    let start = match kind {
        "Relative" => "",
        _ => r#""startSchedule":"2026-11-22T10:00:00Z","#,
    };
    format!(
        r#"{{"id":{id},"stackLevel":{level},"chargingProfilePurpose":"{purpose}","chargingProfileKind":"{kind}"{more},"chargingSchedule":[{{"id":1,{start}"duration":3600,"chargingRateUnit":"A","chargingSchedulePeriod":[{{"startPeriod":0,"limit":{limit:?}}}]}}]}}"#
    )
}

/// A profile of the most common kind.
fn default_profile(id: i32, level: u32, limit: f64) -> String {
    profile(id, level, "TxDefaultProfile", "Absolute", "", limit)
}

/// A profile of the transaction.
fn tx_profile(id: i32, limit: f64) -> String {
    let of = r#","transactionId":"T1""#;
    profile(id, 0, "TxProfile", "Relative", of, limit)
}

/// An operator sets a profile, and the station answers.
fn set(evse_id: u32, profile: &str, answer: &str) -> String {
    format!(
        "op SetChargingProfile {{\"evseId\":{evse_id},\"chargingProfile\":{profile}}}\nanswer {{\"status\":\"{answer}\"}}\n"
    )
}

fn accept(evse_id: u32, profile: &str) -> String {
    set(evse_id, profile, "Accepted")
}

/// An operator asks for profiles, and the station reports them in so many parts.
fn get(criteria: &str, parts: &[(u32, &str, &str)]) -> String {
    let mut script = format!(
        "op GetChargingProfiles {{\"requestId\":7{criteria}}}\nanswer {{\"status\":\"Accepted\"}}\n"
    );
    for (at, (evse_id, source, profile)) in parts.iter().enumerate() {
        let tbc = at + 1 < parts.len();
        script += &format!(
            "ReportChargingProfiles {{\"requestId\":7,\"chargingLimitSource\":\"{source}\",\"tbc\":{tbc},\"evseId\":{evse_id},\"chargingProfile\":[{profile}]}}\n"
        );
    }
    script
}

const SHOWN: &str = "op profiles CP1\n";

/// Runs the steps of a case and shows which profiles the station has then.
fn check_profiles(before: &[&str], steps: &[&str], expected: Expect) {
    check(before, &(steps.join("\n") + "\n" + SHOWN), expected);
}

#[test]
fn tc_k_01_csms_a_default_profile_on_one_evse() {
    let set = accept(1, &default_profile(1, 0, 16.0));
    check_profiles(
        &[BOOTED],
        &[&set],
        expect![[r#"
            < SetChargingProfile {"evseId":1,"chargingProfile":{"id":1,"stackLevel":0,"chargingProfilePurpose":"TxDefaultProfile","chargingProfileKind":"Absolute","chargingSchedule":[{"id":1,"startSchedule":"2026-11-22T10:00:00Z","duration":3600,"chargingRateUnit":"A","chargingSchedulePeriod":[{"startPeriod":0,"limit":16.0}]}]}}
            op SetChargingProfile: Answered {"status":"Accepted"}
            profile 1 on 1 by set
        "#]],
    );
}

#[test]
fn tc_k_02_csms_a_transactions_profile_without_transaction() {
    let set = set(1, &tx_profile(1, 16.0), "Rejected");
    check_profiles(
        &[BOOTED],
        &[&set],
        expect![[r#"
        < SetChargingProfile {"evseId":1,"chargingProfile":{"id":1,"stackLevel":0,"chargingProfilePurpose":"TxProfile","chargingProfileKind":"Relative","transactionId":"T1","chargingSchedule":[{"id":1,"duration":3600,"chargingRateUnit":"A","chargingSchedulePeriod":[{"startPeriod":0,"limit":16.0}]}]}}
        op SetChargingProfile: Answered {"status":"Rejected"}
    "#]],
    );
}

#[test]
fn tc_k_03_csms_a_profile_of_the_whole_station() {
    let max = profile(1, 0, "ChargingStationMaxProfile", "Absolute", "", 32.0);
    check_profiles(
        &[BOOTED],
        &[&accept(0, &max)],
        expect![[r#"
            < SetChargingProfile {"evseId":0,"chargingProfile":{"id":1,"stackLevel":0,"chargingProfilePurpose":"ChargingStationMaxProfile","chargingProfileKind":"Absolute","chargingSchedule":[{"id":1,"startSchedule":"2026-11-22T10:00:00Z","duration":3600,"chargingRateUnit":"A","chargingSchedulePeriod":[{"startPeriod":0,"limit":32.0}]}]}}
            op SetChargingProfile: Answered {"status":"Accepted"}
            profile 1 on 0 by set
        "#]],
    );
}

#[test]
fn tc_k_04_csms_a_profile_is_replaced_by_its_id() {
    let first = accept(1, &default_profile(1, 0, 8.0));
    let second = accept(1, &default_profile(1, 0, 6.0));
    check_profiles(
        &[BOOTED],
        &[&first, &second],
        expect![[r#"
            < SetChargingProfile {"evseId":1,"chargingProfile":{"id":1,"stackLevel":0,"chargingProfilePurpose":"TxDefaultProfile","chargingProfileKind":"Absolute","chargingSchedule":[{"id":1,"startSchedule":"2026-11-22T10:00:00Z","duration":3600,"chargingRateUnit":"A","chargingSchedulePeriod":[{"startPeriod":0,"limit":8.0}]}]}}
            op SetChargingProfile: Answered {"status":"Accepted"}
            < SetChargingProfile {"evseId":1,"chargingProfile":{"id":1,"stackLevel":0,"chargingProfilePurpose":"TxDefaultProfile","chargingProfileKind":"Absolute","chargingSchedule":[{"id":1,"startSchedule":"2026-11-22T10:00:00Z","duration":3600,"chargingRateUnit":"A","chargingSchedulePeriod":[{"startPeriod":0,"limit":6.0}]}]}}
            op SetChargingProfile: Answered {"status":"Accepted"}
            profile 1 on 1 by set
        "#]],
    );
}

#[test]
fn tc_k_05_csms_a_profile_is_cleared_by_its_id() {
    let max = profile(1, 0, "ChargingStationMaxProfile", "Absolute", "", 32.0);
    let reported = get(
        r#","chargingProfile":{"chargingProfilePurpose":"ChargingStationMaxProfile"}"#,
        &[(0, "CSO", &max)],
    );
    let clear = r#"
        op profiles CP1
        op ClearChargingProfile {"chargingProfileId":1}
        answer {"status":"Accepted"}
    "#;
    check_profiles(
        &[BOOTED, &reported],
        &[clear],
        expect![[r#"
            profile 1 on 0 by report of CSO
            < ClearChargingProfile {"chargingProfileId":1}
            op ClearChargingProfile: Answered {"status":"Accepted"}
        "#]],
    );
}

#[test]
fn tc_k_06_csms_profiles_are_cleared_by_level_and_purpose() {
    let first = accept(1, &default_profile(1, 0, 16.0));
    let second = accept(1, &default_profile(2, 1, 16.0));
    let clear = r#"
        op ClearChargingProfile {"chargingProfileCriteria":{"evseId":1,"chargingProfilePurpose":"TxDefaultProfile","stackLevel":1}}
        answer {"status":"Accepted"}
    "#;
    check_profiles(
        &[BOOTED, &first, &second],
        &[clear],
        expect![[r#"
            < ClearChargingProfile {"chargingProfileCriteria":{"evseId":1,"chargingProfilePurpose":"TxDefaultProfile","stackLevel":1}}
            op ClearChargingProfile: Answered {"status":"Accepted"}
            profile 1 on 1 by set
        "#]],
    );
}

/// The station lost a profile that it accepted: one that it does not know is gone here too.
#[test]
fn tc_k_08_csms_nothing_to_clear() {
    let lost = accept(1, &default_profile(1, 0, 16.0));
    let clear = r#"
        op ClearChargingProfile {"chargingProfileCriteria":{"evseId":1,"chargingProfilePurpose":"TxDefaultProfile","stackLevel":0}}
        answer {"status":"Unknown"}
    "#;
    check_profiles(
        &[BOOTED, &lost],
        &[clear],
        expect![[r#"
        < ClearChargingProfile {"chargingProfileCriteria":{"evseId":1,"chargingProfilePurpose":"TxDefaultProfile","stackLevel":0}}
        op ClearChargingProfile: Answered {"status":"Unknown"}
    "#]],
    );
}

#[test]
fn tc_k_10_csms_a_default_profile_on_all_evses() {
    let set = accept(0, &default_profile(1, 0, 16.0));
    check_profiles(
        &[BOOTED],
        &[&set],
        expect![[r#"
            < SetChargingProfile {"evseId":0,"chargingProfile":{"id":1,"stackLevel":0,"chargingProfilePurpose":"TxDefaultProfile","chargingProfileKind":"Absolute","chargingSchedule":[{"id":1,"startSchedule":"2026-11-22T10:00:00Z","duration":3600,"chargingRateUnit":"A","chargingSchedulePeriod":[{"startPeriod":0,"limit":16.0}]}]}}
            op SetChargingProfile: Answered {"status":"Accepted"}
            profile 1 on 0 by set
        "#]],
    );
}

#[test]
fn tc_k_15_csms_a_station_without_smart_charging() {
    let profile = default_profile(1, 0, 16.0);
    let set = format!(
        "op SetChargingProfile {{\"evseId\":1,\"chargingProfile\":{profile}}}\nrefuse NotSupported none here"
    );
    check_profiles(
        &[BOOTED],
        &[&set],
        expect![[r#"
        < SetChargingProfile {"evseId":1,"chargingProfile":{"id":1,"stackLevel":0,"chargingProfilePurpose":"TxDefaultProfile","chargingProfileKind":"Absolute","chargingSchedule":[{"id":1,"startSchedule":"2026-11-22T10:00:00Z","duration":3600,"chargingRateUnit":"A","chargingSchedulePeriod":[{"startPeriod":0,"limit":16.0}]}]}}
        op SetChargingProfile: Answered None Some(("NotSupported", "none here"))
    "#]],
    );
}

#[test]
fn tc_k_19_csms_a_profile_that_recurs() {
    let daily = r#","recurrencyKind":"Daily""#;
    let set = accept(
        1,
        &profile(1, 0, "TxDefaultProfile", "Recurring", daily, 16.0),
    );
    check_profiles(
        &[BOOTED],
        &[&set],
        expect![[r#"
            < SetChargingProfile {"evseId":1,"chargingProfile":{"id":1,"stackLevel":0,"chargingProfilePurpose":"TxDefaultProfile","chargingProfileKind":"Recurring","recurrencyKind":"Daily","chargingSchedule":[{"id":1,"startSchedule":"2026-11-22T10:00:00Z","duration":3600,"chargingRateUnit":"A","chargingSchedulePeriod":[{"startPeriod":0,"limit":16.0}]}]}}
            op SetChargingProfile: Answered {"status":"Accepted"}
            profile 1 on 1 by set
        "#]],
    );
}

/// What was there and is not in a whole report is gone; what was not asked for stays.
#[test]
fn tc_k_29_csms_profiles_of_the_station_are_reported() {
    let [max, old] = [(1, 0), (8, 5)]
        .map(|(id, level)| profile(id, level, "ChargingStationMaxProfile", "Absolute", "", 32.0));
    let gone = accept(0, &old);
    let stays = accept(1, &default_profile(9, 5, 16.0));
    let asked =
        r#","evseId":0,"chargingProfile":{"chargingProfilePurpose":"ChargingStationMaxProfile"}"#;
    check_profiles(
        &[BOOTED, &gone, &stays, ENERGY_TRANSFER_STARTED],
        &[&get(asked, &[(0, "CSO", &max)])],
        expect![[r#"
            < GetChargingProfiles {"requestId":7,"evseId":0,"chargingProfile":{"chargingProfilePurpose":"ChargingStationMaxProfile"}}
            op GetChargingProfiles: Answered {"status":"Accepted"}
            ReportChargingProfiles: {}
            profile 1 on 0 by report of CSO
            profile 9 on 1 by set
        "#]],
    );
}

/// Reports what an operator asked EVSE 1 for.
fn check_report(criteria: &str, expected: Expect) {
    let stays = accept(
        0,
        &profile(9, 5, "ChargingStationMaxProfile", "Absolute", "", 9.0),
    );
    let asked = format!(r#","evseId":1,"chargingProfile":{{{criteria}}}"#);
    let reported = get(&asked, &[(1, "CSO", &default_profile(1, 0, 16.0))]);
    check_profiles(&[BOOTED, &stays], &[&reported], expected);
}

#[test]
fn tc_k_30_csms_profiles_of_an_evse_are_reported() {
    check_report(
        r#""chargingProfilePurpose":"TxDefaultProfile""#,
        expect![[r#"
            < GetChargingProfiles {"requestId":7,"evseId":1,"chargingProfile":{"chargingProfilePurpose":"TxDefaultProfile"}}
            op GetChargingProfiles: Answered {"status":"Accepted"}
            ReportChargingProfiles: {}
            profile 1 on 1 by report of CSO
            profile 9 on 0 by set
        "#]],
    );
}

#[test]
fn tc_k_31_csms_profiles_of_every_evse_are_reported_in_parts() {
    let [one, two] = [1, 2].map(|id| default_profile(id, 0, 16.0));
    let gone = accept(1, &default_profile(9, 5, 16.0));
    let parts = [(1, "CSO", one.as_str()), (2, "CSO", two.as_str())];
    let asked = r#","chargingProfile":{"chargingProfilePurpose":"TxDefaultProfile"}"#;
    check_profiles(
        &[BOOTED, &gone],
        &[&get(asked, &parts)],
        expect![[r#"
            < GetChargingProfiles {"requestId":7,"chargingProfile":{"chargingProfilePurpose":"TxDefaultProfile"}}
            op GetChargingProfiles: Answered {"status":"Accepted"}
            ReportChargingProfiles: {}
            ReportChargingProfiles: {}
            profile 1 on 1 by report of CSO
            profile 2 on 2 by report of CSO
        "#]],
    );
}

#[test]
fn tc_k_32_csms_profiles_are_reported_by_id() {
    let stays = accept(1, &default_profile(9, 5, 16.0));
    let asked = r#","chargingProfile":{"chargingProfileId":[1]}"#;
    let reported = get(asked, &[(1, "CSO", &default_profile(1, 0, 16.0))]);
    check_profiles(
        &[BOOTED, &stays],
        &[&reported],
        expect![[r#"
            < GetChargingProfiles {"requestId":7,"chargingProfile":{"chargingProfileId":[1]}}
            op GetChargingProfiles: Answered {"status":"Accepted"}
            ReportChargingProfiles: {}
            profile 1 on 1 by report of CSO
            profile 9 on 1 by set
        "#]],
    );
}

#[test]
fn tc_k_33_csms_profiles_are_reported_by_level() {
    check_report(
        r#""stackLevel":0"#,
        expect![[r#"
            < GetChargingProfiles {"requestId":7,"evseId":1,"chargingProfile":{"stackLevel":0}}
            op GetChargingProfiles: Answered {"status":"Accepted"}
            ReportChargingProfiles: {}
            profile 1 on 1 by report of CSO
            profile 9 on 0 by set
        "#]],
    );
}

#[test]
fn tc_k_34_csms_profiles_are_reported_by_source() {
    check_report(
        r#""chargingLimitSource":["CSO"]"#,
        expect![[r#"
            < GetChargingProfiles {"requestId":7,"evseId":1,"chargingProfile":{"chargingLimitSource":["CSO"]}}
            op GetChargingProfiles: Answered {"status":"Accepted"}
            ReportChargingProfiles: {}
            profile 1 on 1 by report of CSO
            profile 9 on 0 by set
        "#]],
    );
}

#[test]
fn tc_k_35_csms_profiles_are_reported_by_purpose() {
    check_report(
        r#""chargingProfilePurpose":"TxDefaultProfile""#,
        expect![[r#"
            < GetChargingProfiles {"requestId":7,"evseId":1,"chargingProfile":{"chargingProfilePurpose":"TxDefaultProfile"}}
            op GetChargingProfiles: Answered {"status":"Accepted"}
            ReportChargingProfiles: {}
            profile 1 on 1 by report of CSO
            profile 9 on 0 by set
        "#]],
    );
}

#[test]
fn tc_k_36_csms_profiles_are_reported_by_purpose_and_level() {
    check_report(
        r#""chargingProfilePurpose":"TxDefaultProfile","stackLevel":0"#,
        expect![[r#"
            < GetChargingProfiles {"requestId":7,"evseId":1,"chargingProfile":{"chargingProfilePurpose":"TxDefaultProfile","stackLevel":0}}
            op GetChargingProfiles: Answered {"status":"Accepted"}
            ReportChargingProfiles: {}
            profile 1 on 1 by report of CSO
            profile 9 on 0 by set
        "#]],
    );
}

/// The profile waits for the transaction, and goes with it.
#[test]
fn tc_k_37_csms_a_remote_start_brings_a_profile() {
    let profile = profile(1, 0, "TxProfile", "Relative", "", 16.0);
    let start = format!(
        r#"
        op RequestStartTransaction {{"evseId":1,"remoteStartId":7777,"idToken":{{"idToken":"TAG","type":"ISO14443"}},"chargingProfile":{profile}}}
        answer {{"status":"Accepted"}}
        op profiles CP1
        connector Occupied
        tx Started RemoteStart token=TAG start evse state=Charging
        op profiles CP1
        "#
    );
    check_profiles(
        &[BOOTED],
        &[&start, STOP_AUTHORIZED, EV_DISCONNECTED],
        expect![[r#"
            < RequestStartTransaction {"evseId":1,"remoteStartId":$START,"idToken":{"idToken":"TAG","type":"ISO14443"},"chargingProfile":{"id":1,"stackLevel":0,"chargingProfilePurpose":"TxProfile","chargingProfileKind":"Relative","chargingSchedule":[{"id":1,"duration":3600,"chargingRateUnit":"A","chargingSchedulePeriod":[{"startPeriod":0,"limit":16.0}]}]}}
            op RequestStartTransaction: Answered {"status":"Accepted"}
            profile 1 on 1 by remote_start not in force
            StatusNotification: {}
            NotifyEvent: {}
            TransactionEvent: {"idTokenInfo":{"status":"Accepted"}}
            profile 1 on 1 by remote_start for T1
            TransactionEvent: {"idTokenInfo":{"status":"Accepted"}}
            StatusNotification: {}
            NotifyEvent: {}
            TransactionEvent: {}
        "#]],
    );
}

/// Asks for a schedule of an EVSE.
fn composite(evse_id: u32) -> String {
    format!(
        r#"
        op GetCompositeSchedule {{"evseId":{evse_id},"duration":300}}
        answer {{"status":"Accepted","schedule":{{"evseId":{evse_id},"duration":300,"scheduleStart":"$NOW","chargingRateUnit":"A","chargingSchedulePeriod":[{{"startPeriod":0,"limit":16.0}}]}}}}
        "#
    )
}

#[test]
fn tc_k_43_csms_the_schedule_of_an_evse() {
    check(
        &[BOOTED],
        &composite(1),
        expect![[r#"
        < GetCompositeSchedule {"evseId":1,"duration":300}
        op GetCompositeSchedule: Answered {"status":"Accepted","schedule":{"evseId":1,"duration":300,"scheduleStart":"2026-11-22T10:00:06Z","chargingRateUnit":"A","chargingSchedulePeriod":[{"startPeriod":0,"limit":16.0}]}}
    "#]],
    );
}

#[test]
fn tc_k_44_csms_the_schedule_of_the_station() {
    check(
        &[BOOTED],
        &composite(0),
        expect![[r#"
        < GetCompositeSchedule {"evseId":0,"duration":300}
        op GetCompositeSchedule: Answered {"status":"Accepted","schedule":{"evseId":0,"duration":300,"scheduleStart":"2026-11-22T10:00:06Z","chargingRateUnit":"A","chargingSchedulePeriod":[{"startPeriod":0,"limit":16.0}]}}
    "#]],
    );
}

/// An external limit is told.
const LIMITED: &str = r#"
NotifyChargingLimit {"chargingLimit":{"chargingLimitSource":"EMS","isGridCritical":false},"chargingSchedule":[{"id":1,"startSchedule":"$NOW","chargingRateUnit":"A","chargingSchedulePeriod":[{"startPeriod":0,"limit":10.0}]}]}
"#;
const RELEASED: &str = r#"ClearedChargingLimit {"chargingLimitSource":"EMS"}"#;

#[test]
fn tc_k_48_csms_an_external_limit() {
    check_profiles(
        &[BOOTED],
        &[LIMITED],
        expect![[r#"
        NotifyChargingLimit: {}
        limit of EMS on 0 [{"id":1,"startSchedule":"2026-11-22T10:00:05Z","chargingRateUnit":"A","chargingSchedulePeriod":[{"startPeriod":0,"limit":10.0}]}]
    "#]],
    );
}

#[test]
fn tc_k_50_csms_an_external_limit_is_released() {
    check_profiles(
        &[BOOTED, LIMITED],
        &[RELEASED],
        expect![[r#"
        ClearedChargingLimit: {}
    "#]],
    );
}

#[test]
fn tc_k_51_csms_an_external_limit_is_released_while_energy_flows() {
    let faster = "tx Updated ChargingRateChanged state=Charging";
    check_profiles(
        &[BOOTED, LIMITED, ENERGY_TRANSFER_STARTED],
        &[RELEASED, faster],
        expect![[r#"
            ClearedChargingLimit: {}
            TransactionEvent: {}
        "#]],
    );
}

/// The limit of an external system is among the profiles too, until it is released.
#[test]
fn tc_k_52_csms_an_external_limit_is_reported() {
    let constraint = profile(
        -1,
        0,
        "ChargingStationExternalConstraints",
        "Absolute",
        "",
        10.0,
    );
    let asked =
        r#","chargingProfile":{"chargingProfilePurpose":"ChargingStationExternalConstraints"}"#;
    check_profiles(
        &[BOOTED, LIMITED],
        &[&get(asked, &[(0, "EMS", &constraint)]), SHOWN, RELEASED],
        expect![[r#"
            < GetChargingProfiles {"requestId":7,"chargingProfile":{"chargingProfilePurpose":"ChargingStationExternalConstraints"}}
            op GetChargingProfiles: Answered {"status":"Accepted"}
            ReportChargingProfiles: {}
            profile -1 on 0 by report of EMS
            limit of EMS on 0 [{"id":1,"startSchedule":"2026-11-22T10:00:05Z","chargingRateUnit":"A","chargingSchedulePeriod":[{"startPeriod":0,"limit":10.0}]}]
            ClearedChargingLimit: {}
        "#]],
    );
}

const NEEDS: &str = r#"
NotifyEVChargingNeeds {"evseId":1,"maxScheduleTuples":3,"chargingNeeds":{"requestedEnergyTransfer":"AC_three_phase","acChargingParameters":{"energyAmount":20000,"evMinCurrent":6,"evMaxCurrent":32,"evMaxVoltage":400}}}
"#;

/// What the vehicle is going to do.
fn plan(limit: f64) -> String {
    format!(
        r#"NotifyEVChargingSchedule {{"timeBase":"$NOW","evseId":1,"chargingSchedule":{{"id":1,"duration":600,"chargingRateUnit":"A","chargingSchedulePeriod":[{{"startPeriod":0,"limit":{limit:?}}}]}}}}"#
    )
}

const OTHER_RATE: &str = "tx Updated ChargingRateChanged state=Charging";

/// Runs a case of a vehicle that negotiates, while somebody plans.
fn check_vehicle(needs: VehicleNeeds, before: &[&str], steps: &[&str], expected: Expect) {
    let config = Config {
        vehicle_needs: needs,
        ..config(Onboarding::Open)
    };
    let mut case = Case::new(Version::V201, config);
    case.prepare(": a connect CP1 2.0.1");
    case.prepare(BOOTED);
    before.iter().for_each(|state| case.prepare(state));
    expected.assert_eq(&case.run(&(steps.join("\n") + "\n" + SHOWN)));
}

/// The vehicle and the station have agreed on a schedule.
fn negotiated() -> String {
    [
        ENERGY_TRANSFER_STARTED,
        NEEDS,
        &accept(1, &tx_profile(1, 16.0)),
        &plan(16.0),
    ]
    .join("\n")
}

#[test]
fn tc_k_53_csms_a_vehicle_gets_the_schedule_it_asks_for() {
    check_vehicle(
        VehicleNeeds::Accepted,
        &[ENERGY_TRANSFER_STARTED],
        &[
            NEEDS,
            &accept(1, &tx_profile(1, 16.0)),
            &plan(16.0),
            OTHER_RATE,
        ],
        expect![[r#"
            NotifyEVChargingNeeds: {"status":"Accepted"}
            < SetChargingProfile {"evseId":1,"chargingProfile":{"id":1,"stackLevel":0,"chargingProfilePurpose":"TxProfile","chargingProfileKind":"Relative","transactionId":"T1","chargingSchedule":[{"id":1,"duration":3600,"chargingRateUnit":"A","chargingSchedulePeriod":[{"startPeriod":0,"limit":16.0}]}]}}
            op SetChargingProfile: Answered {"status":"Accepted"}
            NotifyEVChargingSchedule: {"status":"Accepted"}
            TransactionEvent: {}
            profile 1 on 1 by set
            vehicle on 1 of "T1" priority false
        "#]],
    );
}

#[test]
fn tc_k_55_csms_a_vehicle_plans_for_more_than_it_may() {
    check_vehicle(
        VehicleNeeds::Accepted,
        &[ENERGY_TRANSFER_STARTED],
        &[
            NEEDS,
            &accept(1, &tx_profile(1, 16.0)),
            &plan(32.0),
            &accept(1, &tx_profile(1, 20.0)),
            &plan(20.0),
            OTHER_RATE,
        ],
        expect![[r#"
            NotifyEVChargingNeeds: {"status":"Accepted"}
            < SetChargingProfile {"evseId":1,"chargingProfile":{"id":1,"stackLevel":0,"chargingProfilePurpose":"TxProfile","chargingProfileKind":"Relative","transactionId":"T1","chargingSchedule":[{"id":1,"duration":3600,"chargingRateUnit":"A","chargingSchedulePeriod":[{"startPeriod":0,"limit":16.0}]}]}}
            op SetChargingProfile: Answered {"status":"Accepted"}
            NotifyEVChargingSchedule: {"status":"Rejected"}
            < SetChargingProfile {"evseId":1,"chargingProfile":{"id":1,"stackLevel":0,"chargingProfilePurpose":"TxProfile","chargingProfileKind":"Relative","transactionId":"T1","chargingSchedule":[{"id":1,"duration":3600,"chargingRateUnit":"A","chargingSchedulePeriod":[{"startPeriod":0,"limit":20.0}]}]}}
            op SetChargingProfile: Answered {"status":"Accepted"}
            NotifyEVChargingSchedule: {"status":"Accepted"}
            TransactionEvent: {}
            profile 1 on 1 by set
            vehicle on 1 of "T1" priority false
        "#]],
    );
}

#[test]
fn tc_k_57_csms_a_vehicle_negotiates_anew() {
    check_vehicle(
        VehicleNeeds::Processing,
        &[&negotiated()],
        &[
            NEEDS,
            OTHER_RATE,
            &accept(1, &tx_profile(1, 10.0)),
            &plan(10.0),
            OTHER_RATE,
        ],
        expect![[r#"
            NotifyEVChargingNeeds: {"status":"Processing"}
            TransactionEvent: {}
            < SetChargingProfile {"evseId":1,"chargingProfile":{"id":1,"stackLevel":0,"chargingProfilePurpose":"TxProfile","chargingProfileKind":"Relative","transactionId":"T1","chargingSchedule":[{"id":1,"duration":3600,"chargingRateUnit":"A","chargingSchedulePeriod":[{"startPeriod":0,"limit":10.0}]}]}}
            op SetChargingProfile: Answered {"status":"Accepted"}
            NotifyEVChargingSchedule: {"status":"Accepted"}
            TransactionEvent: {}
            profile 1 on 1 by set
            vehicle on 1 of "T1" priority false
        "#]],
    );
}

#[test]
fn tc_k_58_csms_an_operator_negotiates_anew() {
    check_vehicle(
        VehicleNeeds::Accepted,
        &[&negotiated()],
        &[&accept(1, &tx_profile(1, 10.0)), &plan(10.0), OTHER_RATE],
        expect![[r#"
            < SetChargingProfile {"evseId":1,"chargingProfile":{"id":1,"stackLevel":0,"chargingProfilePurpose":"TxProfile","chargingProfileKind":"Relative","transactionId":"T1","chargingSchedule":[{"id":1,"duration":3600,"chargingRateUnit":"A","chargingSchedulePeriod":[{"startPeriod":0,"limit":10.0}]}]}}
            op SetChargingProfile: Answered {"status":"Accepted"}
            NotifyEVChargingSchedule: {"status":"Accepted"}
            TransactionEvent: {}
            profile 1 on 1 by set
            vehicle on 1 of "T1" priority false
        "#]],
    );
}

#[test]
fn tc_k_59_csms_a_vehicle_says_its_needs_again() {
    check_vehicle(
        VehicleNeeds::Processing,
        &[&negotiated()],
        &[
            &accept(1, &tx_profile(1, 10.0)),
            NEEDS,
            &accept(1, &tx_profile(1, 12.0)),
            &plan(12.0),
            OTHER_RATE,
        ],
        expect![[r#"
            < SetChargingProfile {"evseId":1,"chargingProfile":{"id":1,"stackLevel":0,"chargingProfilePurpose":"TxProfile","chargingProfileKind":"Relative","transactionId":"T1","chargingSchedule":[{"id":1,"duration":3600,"chargingRateUnit":"A","chargingSchedulePeriod":[{"startPeriod":0,"limit":10.0}]}]}}
            op SetChargingProfile: Answered {"status":"Accepted"}
            NotifyEVChargingNeeds: {"status":"Processing"}
            < SetChargingProfile {"evseId":1,"chargingProfile":{"id":1,"stackLevel":0,"chargingProfilePurpose":"TxProfile","chargingProfileKind":"Relative","transactionId":"T1","chargingSchedule":[{"id":1,"duration":3600,"chargingRateUnit":"A","chargingSchedulePeriod":[{"startPeriod":0,"limit":12.0}]}]}}
            op SetChargingProfile: Answered {"status":"Accepted"}
            NotifyEVChargingSchedule: {"status":"Accepted"}
            TransactionEvent: {}
            profile 1 on 1 by set
            vehicle on 1 of "T1" priority false
        "#]],
    );
}

#[test]
fn tc_k_60_csms_a_profile_of_the_running_transaction() {
    check_profiles(
        &[BOOTED, ENERGY_TRANSFER_STARTED],
        &[&accept(1, &tx_profile(1, 16.0)), SHOWN, EV_DISCONNECTED],
        expect![[r#"
            < SetChargingProfile {"evseId":1,"chargingProfile":{"id":1,"stackLevel":0,"chargingProfilePurpose":"TxProfile","chargingProfileKind":"Relative","transactionId":"T1","chargingSchedule":[{"id":1,"duration":3600,"chargingRateUnit":"A","chargingSchedulePeriod":[{"startPeriod":0,"limit":16.0}]}]}}
            op SetChargingProfile: Answered {"status":"Accepted"}
            profile 1 on 1 by set
            StatusNotification: {}
            NotifyEvent: {}
            TransactionEvent: {}
        "#]],
    );
}

#[test]
fn tc_k_70_csms_profiles_of_several_purposes() {
    let max = profile(2, 0, "ChargingStationMaxProfile", "Absolute", "", 32.0);
    let first = accept(1, &default_profile(1, 0, 16.0));
    check_profiles(
        &[BOOTED, ENERGY_TRANSFER_STARTED],
        &[&first, &accept(0, &max)],
        expect![[r#"
            < SetChargingProfile {"evseId":1,"chargingProfile":{"id":1,"stackLevel":0,"chargingProfilePurpose":"TxDefaultProfile","chargingProfileKind":"Absolute","chargingSchedule":[{"id":1,"startSchedule":"2026-11-22T10:00:00Z","duration":3600,"chargingRateUnit":"A","chargingSchedulePeriod":[{"startPeriod":0,"limit":16.0}]}]}}
            op SetChargingProfile: Answered {"status":"Accepted"}
            < SetChargingProfile {"evseId":0,"chargingProfile":{"id":2,"stackLevel":0,"chargingProfilePurpose":"ChargingStationMaxProfile","chargingProfileKind":"Absolute","chargingSchedule":[{"id":1,"startSchedule":"2026-11-22T10:00:00Z","duration":3600,"chargingRateUnit":"A","chargingSchedulePeriod":[{"startPeriod":0,"limit":32.0}]}]}}
            op SetChargingProfile: Answered {"status":"Accepted"}
            profile 1 on 1 by set
            profile 2 on 0 by set
        "#]],
    );
}
