use expect_test::{Expect, expect};

use super::*;

fn at(seconds: i64) -> UtcMicros {
    UtcMicros(seconds * 1_000_000)
}

fn json(id: i32, purpose: &str, kind: &str, more: &str) -> String {
    format!(
        r#"{{"id":{id},"stackLevel":0,"chargingProfilePurpose":"{purpose}","chargingProfileKind":"{kind}"{more},"chargingSchedule":[{{"id":1,"chargingRateUnit":"A","chargingSchedulePeriod":[{{"startPeriod":0,"limit":16.0}}]}}]}}"#
    )
}

fn arrival(evse_id: u32, json: &str) -> Arrival<'_> {
    Arrival {
        evse_id,
        json,
        source: ChargingSource::Set,
        limit_source: "",
        command_id: None,
        waits_for: None,
    }
}

fn ids(held: &Held) -> Vec<i32> {
    held.record.profiles.iter().map(|held| held.id).collect()
}

#[test]
fn what_does_not_fit_is_left_out_and_said_to_be() {
    let mut held = Held::default();
    let one = json(1, "TxDefaultProfile", "Absolute", "");
    let room = 2 * (one.len() + HEAD_LEN);
    for id in 1..=3 {
        let text = json(id, "TxDefaultProfile", "Absolute", "");
        held.install(Protocol::Ocpp201, at(id.into()), &arrival(1, &text), room);
    }
    assert_eq!((ids(&held), held.record.is_partial), (vec![1, 2], true));
    // One that cannot be read is not in the way of others.
    let mut held = Held::default();
    held.install(Protocol::Ocpp16, at(1), &arrival(1, &one), room);
    assert_eq!((ids(&held), held.record.is_partial), (vec![], true));
}

#[test]
fn a_profile_of_a_remote_start_waits_for_its_transaction() {
    let text = json(4, "TxProfile", "Relative", "");
    let start = |evse_id| {
        let mut held = Held::default();
        let arrival = Arrival {
            waits_for: Some(77),
            source: ChargingSource::RemoteStart,
            ..arrival(evse_id, &text)
        };
        held.install(Protocol::Ocpp201, at(1), &arrival, 10_000);
        assert!(held.set(Edition::V201).is_empty());
        held
    };
    for (sent_to, began_on, remote_start_id, is_its) in
        [(0, 2, 77, true), (2, 2, 77, true), (0, 2, 78, false)]
    {
        let mut held = start(sent_to);
        held.transaction_began(began_on, "T1", &[remote_start_id]);
        let set = held.set(Edition::V201);
        let installed = set.get(ProfileId(4));
        assert_eq!(installed.is_some(), is_its);
        if let Some(installed) = installed {
            assert_eq!(installed.evse_id, 2);
            let named = installed.profile.ocpp_transaction_id.as_deref();
            assert_eq!(named, Some("T1"));
        }
        held.transaction_ended(Edition::V201, began_on, "T1");
        assert_eq!(ids(&held), if is_its { vec![] } else { vec![4] });
    }
    // Somebody else plugged in where it was waited for.
    let mut held = start(2);
    held.transaction_began(2, "T2", &[]);
    assert_eq!(ids(&held), [] as [i32; 0]);
}

/// Reports what `asked` asks for, naming profile 1 alone, and shows what is left of three.
fn check_report(asked: &Asked, expected: Expect) {
    let mut held = Held::default();
    for (id, evse_id, purpose) in [
        (1, 1, "TxDefaultProfile"),
        (2, 1, "ChargingStationExternalConstraints"),
        (3, 0, "ChargingStationMaxProfile"),
    ] {
        let text = json(id, purpose, "Absolute", "");
        held.install(Protocol::Ocpp201, at(1), &arrival(evse_id, &text), 10_000);
    }
    held.record.profiles[1].limit_source = "EMS".into();
    let text = json(1, "TxDefaultProfile", "Absolute", "");
    let told = Arrival {
        source: ChargingSource::Report,
        limit_source: "CSO",
        ..arrival(1, &text)
    };
    held.install(Protocol::Ocpp201, at(9), &told, 10_000);
    held.reported(asked, at(5));
    expected.assert_eq(&format!("{:?}", ids(&held)));
    let one = held.record.profiles.first().unwrap();
    assert_eq!((one.installed_at, one.confirmed_at), (1_000_000, 9_000_000));
}

#[test]
fn a_whole_report_ends_what_it_was_to_name_and_did_not() {
    check_report(&Asked::default(), expect!["[1]"]);
    let of_evse = Asked {
        evse_id: Some(1),
        ..Asked::default()
    };
    check_report(&of_evse, expect!["[1, 3]"]);
    let of_ids = Asked {
        ids: Some(vec![1, 3]),
        ..Asked::default()
    };
    check_report(&of_ids, expect!["[1, 2]"]);
    let of_source = Asked {
        sources: Some(vec!["EMS".into()]),
        ..Asked::default()
    };
    check_report(&of_source, expect!["[1, 3]"]);
    let of_purpose = Asked {
        purpose: Some(Purpose::ChargingStationMaxProfile),
        stack_level: Some(0),
        ..Asked::default()
    };
    check_report(&of_purpose, expect!["[1, 2]"]);
    let of_level = Asked {
        stack_level: Some(7),
        ..Asked::default()
    };
    check_report(&of_level, expect!["[1, 2, 3]"]);
}

#[test]
fn a_dynamic_profile_is_pulled_as_it_was_last_updated() {
    let mut held = Held::default();
    let text = json(1, "TxDefaultProfile", "Dynamic", "");
    held.install(Protocol::Ocpp21, at(1), &arrival(1, &text), 10_000);
    let text = json(2, "TxDefaultProfile", "Absolute", "");
    held.install(Protocol::Ocpp21, at(1), &arrival(2, &text), 10_000);
    let pulled = held.pulled(ProfileId(1));
    assert_eq!(pulled.as_deref(), Some(r#"{"limit":16.0}"#));
    assert!(held.update(ProfileId(1), r#"{"limit":8}"#, at(2)));
    assert!(held.update(ProfileId(1), r#"{"setpoint":7.5}"#, at(3)));
    let pulled: serde_json::Value =
        serde_json::from_str(&held.pulled(ProfileId(1)).unwrap()).unwrap();
    assert_eq!(pulled, serde_json::json!({"limit": 8, "setpoint": 7.5}));
    let set = held.set(Edition::V21);
    let profile = &set.get(ProfileId(1)).unwrap().profile;
    let rates = profile.schedules[0].periods[0].rates();
    assert_eq!(rates.limit.all.map(|rate| rate.0), Some(8_000));
    assert_eq!(profile.updated_at, Some(at(3)));
    // Neither what is not dynamic nor what nobody knows.
    for id in [2, 3] {
        assert!(!held.update(ProfileId(id), "{}", at(4)));
        assert_eq!(held.pulled(ProfileId(id)), None);
    }
}

#[test]
fn an_external_limit_holds_until_its_source_takes_it_back() {
    let limit = |source: &str, evse_id| {
        ChargingLimitHeld {
        source: source.into(),
        evse_id,
        is_grid_critical: None,
        is_local_generation: None,
        schedules: r#"[{"id":1,"chargingRateUnit":"A","chargingSchedulePeriod":[{"startPeriod":0,"limit":6.0}]}]"#.into(),
        at: 5_000_000,
    }
    };
    let mut held = Held::default();
    held.limit(limit("EMS", 0));
    held.limit(limit("EMS", 1));
    held.limit(limit("SO", 1));
    held.limit(limit("SO", 1));
    assert_eq!(held.record.limits.len(), 3);
    let set = held.set(Edition::V201);
    assert_eq!(set.len(), 3);
    let first = set.iter().next().unwrap();
    assert_eq!(first.profile.schedules[0].start, Some(at(5)));
    held.limit_cleared("EMS", Some(1));
    assert_eq!(held.record.limits.len(), 2);
    held.limit_cleared("EMS", None);
    held.limit_cleared("SO", None);
    assert!(held.is_empty());
}

#[test]
fn a_station_has_so_many_limits_and_vehicles_at_most() {
    let mut held = Held::default();
    for n in 0..2 * OTHERS_MAX as u32 {
        held.limit(ChargingLimitHeld {
            source: "EMS".into(),
            evse_id: n,
            is_grid_critical: None,
            is_local_generation: None,
            schedules: String::new(),
            at: 0,
        });
        let vehicle = held.vehicle(n, "");
        assert_eq!(vehicle.is_some(), n < OTHERS_MAX as u32);
    }
    assert_eq!(held.record.limits.len(), OTHERS_MAX);
    assert!(held.record.is_partial);
}

#[test]
fn what_stations_tell_fits_into_a_record() {
    let mut held = Held::default();
    for n in 0..8 {
        let vehicle = held.vehicle(n, "").unwrap();
        vehicle.needs = "n".repeat(100);
        vehicle.schedule = "s".repeat(100);
    }
    held.fit(1_600);
    assert!(!held.record.is_partial);
    held.fit(500);
    assert!(held.record.is_partial);
    let kept = held.record.vehicles.iter().map(|vehicle| {
        let (needs, schedule) = (vehicle.needs.len(), vehicle.schedule.len());
        (needs + schedule) / 100
    });
    assert_eq!(kept.collect::<Vec<_>>(), [0, 0, 0, 0, 0, 1, 2, 2]);
}

#[test]
fn a_profile_that_does_not_outlive_an_outage_is_void() {
    let mut held = Held::default();
    let more = r#","maxOfflineDuration":60,"invalidAfterOfflineDuration":true"#;
    let text = json(1, "TxDefaultProfile", "Absolute", more);
    held.install(Protocol::Ocpp21, at(1), &arrival(1, &text), 10_000);
    let is_void = |held: &Held| {
        let set = held.set(Edition::V21);
        let is_void = set.get(ProfileId(1)).unwrap().is_void;
        assert_eq!(held.record.profiles[0].is_void, is_void);
        is_void
    };
    held.reconnected(Edition::V21, at(100), at(160));
    assert!(!is_void(&held));
    held.reconnected(Edition::V21, at(200), at(261));
    assert!(is_void(&held));
}
