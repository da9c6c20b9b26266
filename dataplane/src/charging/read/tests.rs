use fleet::UtcMicros;

use super::super::clear::ClearCriteria;
use super::super::profile::{ProfileId, Purpose, Schedule};
use super::super::rate::Rate;
use super::super::station::{Needs, PhasesNamed};
use super::number::rate_of;
use super::*;

#[test]
fn rates_are_cut_off_behind_three_decimals() {
    for (lexeme, expected) in [
        ("16", Some(16_000)),
        ("16.1", Some(16_100)),
        ("-0.5", Some(-500)),
        ("6.99999", Some(6_999)),
        ("1.61e1", Some(16_100)),
        ("16100E-3", Some(16_100)),
        ("1e-9", Some(0)),
        ("0e999999999", Some(0)),
        ("0.0", Some(0)),
        ("1e15", Some(1_000_000_000_000_000_000)),
        ("1e16", None),
        ("1e99999999999999999999", None),
        ("22000.0000000000000000000000001", Some(22_000_000)),
    ] {
        let found = rate_of(lexeme).ok().map(|rate| rate.0);
        assert_eq!(found, expected, "{lexeme}");
    }
}

#[test]
fn one_profile_reads_alike_in_every_version() {
    let schedule = r#""startSchedule":"2026-11-22T12:00:00+02:00","duration":60,"chargingRateUnit":"A","chargingSchedulePeriod":[{"startPeriod":0,"limit":8.1,"numberPhases":1}]"#;
    let v16 = format!(
        r#"{{"chargingProfileId":4,"stackLevel":2,"chargingProfilePurpose":"ChargePointMaxProfile","chargingProfileKind":"Recurring","recurrencyKind":"Daily","validTo":"2026-12-01T00:00:00Z","chargingSchedule":{{{schedule}}}}}"#
    );
    let v2x = format!(
        r#"{{"id":4,"stackLevel":2,"chargingProfilePurpose":"ChargingStationMaxProfile","chargingProfileKind":"Recurring","recurrencyKind":"Daily","validTo":"2026-12-01T00:00:00Z","chargingSchedule":[{{"id":0,{schedule}}}]}}"#
    );
    let [a, b, c] = [
        (Edition::V16, &v16),
        (Edition::V201, &v2x),
        (Edition::V21, &v2x),
    ]
    .map(|(edition, profile)| read_profile(edition, profile).unwrap());
    assert_eq!(a, b);
    assert_eq!(b, c);
    assert_eq!(
        a.schedules[0].start,
        Some(UtcMicros(1_795_341_600_000_000)),
        "ten o'clock in UTC"
    );
    let refused = read_profile(Edition::V16, &v2x).unwrap_err();
    assert!(
        refused.to_string().contains("/csChargingProfiles/id"),
        "{refused}"
    );
}

#[test]
fn criteria_travel_in_the_words_of_each_version() {
    let criteria = ClearCriteria {
        id: Some(ProfileId(3)),
        evse_id: Some(1),
        purpose: Some(Purpose::ChargingStationMaxProfile),
        stack_level: Some(0),
    };
    for edition in [Edition::V16, Edition::V201, Edition::V21] {
        let payload = clear_payload(edition, &criteria);
        assert_eq!(read_clear(edition, &payload), Ok(criteria), "{payload}");
        let payload = clear_payload(edition, &ClearCriteria::default());
        assert_eq!(payload, "{}");
        assert_eq!(read_clear(edition, &payload), Ok(ClearCriteria::default()));
    }
}

#[test]
fn a_schedule_in_local_time_starts_as_it_was_written() {
    let profile = |local: bool| {
        let text = format!(
            r#"{{"id":1,"stackLevel":0,"chargingProfilePurpose":"TxDefaultProfile","chargingProfileKind":"Absolute","chargingSchedule":[{{"id":1,"useLocalTime":{local},"startSchedule":"2026-11-22T12:00:00+02:00","chargingRateUnit":"W","chargingSchedulePeriod":[{{"startPeriod":0,"setpoint":-1,"operationMode":"CentralSetpoint"}}]}}]}}"#
        );
        read_profile(Edition::V21, &text).unwrap().schedules[0].clone()
    };
    let hours = |schedule: &Schedule| schedule.start.unwrap().0 / 3_600_000_000 % 24;
    assert_eq!((hours(&profile(true)), hours(&profile(false))), (12, 10));
    assert_eq!(
        profile(true).periods[0].rates().setpoint.all,
        Some(Rate::whole(-1))
    );
}

#[test]
fn what_a_vehicle_needs_names_its_phases() {
    let told = |v2x: &str| {
        format!(
            r#"{{"evseId":1,"chargingNeeds":{{"requestedEnergyTransfer":"AC_BPT","v2xChargingParameters":{{{v2x}}}}}}}"#
        )
    };
    let bare = r#"{"evseId":1,"chargingNeeds":{"requestedEnergyTransfer":"AC_three_phase"}}"#;
    let named = |l2, l3| PhasesNamed { l2, l3 };
    let needs = |charge, discharge| Some(Needs { charge, discharge });
    let (none, every) = (named(false, false), named(true, true));
    let two = told(r#""maxChargePower":7000,"maxChargePower_L2":7000,"maxDischargePower_L3":7000"#);
    for (edition, told, expected) in [
        (Edition::V21, "", None),
        (Edition::V201, "", None),
        (Edition::V201, bare, needs(none, none)),
        (Edition::V21, bare, needs(none, none)),
        (
            Edition::V21,
            &told(r#""maxChargePower":7000"#),
            needs(none, none),
        ),
        (
            Edition::V21,
            &two,
            needs(named(true, false), named(false, true)),
        ),
        // Cut off at the end: it holds nothing back.
        (Edition::V21, &two[..two.len() - 9], needs(every, every)),
    ] {
        assert_eq!(read_needs(edition, told), expected, "{edition}: {told}");
    }
}
