use sdk::{
    ChargingProfileChange, ChargingProfileFilter, ChargingProfileRequest, ChargingProfileSource,
    ChargingRateUnit, ClientError, CompositeSchedule, CompositeVerdict,
};
use serde_json::{Value, json};

use super::world::{World, refusal, with_server};

/// A profile of 1.6 that allows so many amperes.
fn profile(id: i32, purpose: &str, limit: f64) -> Value {
    json!({
        "chargingProfileId": id,
        "stackLevel": 0,
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": "Absolute",
        "chargingSchedule": {
            "startSchedule": "2026-01-01T00:00:00Z",
            "chargingRateUnit": "A",
            "chargingSchedulePeriod": [{ "startPeriod": 0, "limit": limit, "numberPhases": 3 }]
        }
    })
}

type Sent<T> = tokio::task::JoinHandle<Result<T, ClientError>>;

/// Gives CP1 a profile beside the test, which plays the station.
fn put(world: &World, evse_id: u32, profile: Value) -> Sent<ChargingProfileChange> {
    let client = world.admin.clone();
    let request = ChargingProfileRequest { evse_id, profile };
    tokio::spawn(async move { client.put_charging_profile("CP1", &request).await })
}

fn clear(world: &World, filter: ChargingProfileFilter) -> Sent<ChargingProfileChange> {
    let client = world.admin.clone();
    tokio::spawn(async move { client.clear_charging_profiles("CP1", &filter).await })
}

fn compare(world: &World) -> Sent<CompositeSchedule> {
    let client = world.admin.clone();
    let unit = ChargingRateUnit::A;
    tokio::spawn(async move { client.composite_schedule("CP1", 1, 3_600, unit, true).await })
}

#[test]
fn a_profile_is_put_shown_and_cleared() {
    with_server(|world| async move {
        let mut station = world.station("CP1", None).await;
        station.boot().await;
        let accepted = || json!({ "status": "Accepted" });

        let one = profile(1, "TxDefaultProfile", 16.1);
        let sent = put(&world, 1, one.clone());
        let heard = station.answer("SetChargingProfile", accepted()).await;
        assert_eq!(
            heard,
            json!({ "connectorId": 1, "csChargingProfiles": one })
        );
        let change = sent.await.unwrap().unwrap();
        assert_eq!(change.warnings, []);

        let known = world.admin.charging_profiles("CP1").await.unwrap();
        let [held] = &known.profiles[..] else {
            panic!("{known:?}")
        };
        assert_eq!((held.id, held.evse_id, &held.profile), (1, 1, &one));
        assert_eq!(held.source, ChargingProfileSource::Set);
        assert_eq!(held.command_id, change.command.map(|command| command.id));

        let schedule = world
            .admin
            .composite_schedule("CP1", 1, 60, ChargingRateUnit::W, false)
            .await
            .unwrap();
        assert_eq!(schedule.periods[0].limit, Some(11_109.0));
        assert_eq!(schedule.leading, [1]);

        let filter = ChargingProfileFilter {
            id: Some(1),
            ..ChargingProfileFilter::default()
        };
        let sent = clear(&world, filter.clone());
        let heard = station.answer("ClearChargingProfile", accepted()).await;
        assert_eq!(heard, json!({ "id": 1 }));
        sent.await.unwrap().unwrap();
        let known = world.admin.charging_profiles("CP1").await.unwrap();
        assert_eq!(known.profiles, []);
        let sent = clear(&world, filter);
        let unknown = json!({ "status": "Unknown" });
        station.answer("ClearChargingProfile", unknown).await;
        assert_eq!(refusal(sent.await.unwrap()), "404 not_found");
    });
}

#[test]
fn what_the_station_takes_not_is_not_kept_and_what_is_wrong_is_said_before() {
    with_server(|world| async move {
        let mut station = world.station("CP1", None).await;
        station.boot().await;
        let wrong = profile(1, "ChargePointMaxProfile", 16.0);
        let request = ChargingProfileRequest {
            evse_id: 1,
            profile: wrong.clone(),
        };
        // Nothing is sent: the next thing the station hears is the profile itself.
        let checked = world.admin.check_charging_profile("CP1", &request).await;
        let checked = checked.unwrap();
        assert_eq!(checked.command, None);
        assert!(!checked.warnings.is_empty());
        let rules = |change: &ChargingProfileChange| {
            let rules = change.warnings.iter().map(|warning| warning.rule.clone());
            rules.collect::<Vec<_>>()
        };
        let before = rules(&checked);

        // It told that it counts in watts alone.
        let client = world.admin.clone();
        let asked = sdk::CommandRequest {
            action: "GetConfiguration".into(),
            payload: json!({}).into(),
            answer_timeout: None,
        };
        let sent = tokio::spawn(async move {
            client
                .command("CP1", &asked, Some(std::time::Duration::from_secs(30)))
                .await
        });
        let keys = json!({ "configurationKey": [{
            "key": "ChargingScheduleAllowedChargingRateUnit", "readonly": true, "value": "Power"
        }] });
        station.answer("GetConfiguration", keys).await;
        sent.await.unwrap().unwrap();
        let checked = world.admin.check_charging_profile("CP1", &request).await;
        assert_eq!(rules(&checked.unwrap()).len(), before.len() + 1);

        let sent = put(&world, 1, wrong);
        let rejected = json!({ "status": "Rejected" });
        station.answer("SetChargingProfile", rejected).await;
        assert_eq!(refusal(sent.await.unwrap()), "409 rejected");
        let known = world.admin.charging_profiles("CP1").await.unwrap();
        assert_eq!(known.profiles, []);

        let sent = put(&world, 1, json!({ "id": 1 }));
        assert_eq!(refusal(sent.await.unwrap()), "422 invalid");
        let sent = put(&world, 1, json!([]));
        assert_eq!(refusal(sent.await.unwrap()), "422 invalid");
        drop(station);
    });
}

#[test]
fn our_schedule_is_held_against_the_stations_own() {
    with_server(|world| async move {
        let mut station = world.station("CP1", None).await;
        station.boot().await;
        let sent = put(&world, 1, profile(1, "TxDefaultProfile", 16.0));
        station
            .answer("SetChargingProfile", json!({ "status": "Accepted" }))
            .await;
        sent.await.unwrap().unwrap();

        let answer = |limit: f64| {
            json!({
                "status": "Accepted",
                "connectorId": 1,
                "scheduleStart": "2026-11-22T10:00:00Z",
                "chargingSchedule": {
                    "duration": 3600,
                    "chargingRateUnit": "A",
                    "chargingSchedulePeriod": [{ "startPeriod": 0, "limit": limit }]
                }
            })
        };
        for (limit, verdict, stricter) in [
            (16.0, CompositeVerdict::Equal, None),
            (10.0, CompositeVerdict::Differs, Some(true)),
            (32.0, CompositeVerdict::Differs, Some(false)),
        ] {
            let sent = compare(&world);
            let heard = station.answer("GetCompositeSchedule", answer(limit)).await;
            let asked = json!({ "connectorId": 1, "duration": 3600, "chargingRateUnit": "A" });
            assert_eq!(heard, asked);
            let comparison = sent.await.unwrap().unwrap().comparison.unwrap();
            assert_eq!(comparison.verdict, verdict);
            let found = comparison.differences.first();
            assert_eq!(found.map(|found| found.is_stricter), stricter);
        }
        let sent = compare(&world);
        let rejected = json!({ "status": "Rejected" });
        station.answer("GetCompositeSchedule", rejected).await;
        let comparison = sent.await.unwrap().unwrap().comparison.unwrap();
        assert_eq!(comparison.verdict, CompositeVerdict::Refused);
    });
}

#[test]
fn requests_for_nothing_are_refused() {
    with_server(|world| async move {
        let unit = ChargingRateUnit::A;
        let admin = &world.admin;
        assert_eq!(
            refusal(admin.charging_profiles("CP1").await),
            "404 not_found"
        );
        let _station = world.station("CP1", None).await;
        for (evse_id, duration, expected) in [
            (9, 60, "404 not_found"),
            (0, 0, "400 bad_parameter"),
            (0, 40 * 86_400, "400 bad_parameter"),
        ] {
            let refused = admin
                .composite_schedule("CP1", evse_id, duration, unit, false)
                .await;
            assert_eq!(refusal(refused), expected);
        }
        let filter = ChargingProfileFilter {
            purpose: Some("Nonsense".into()),
            ..ChargingProfileFilter::default()
        };
        let refused = admin.clear_charging_profiles("CP1", &filter).await;
        assert_eq!(refusal(refused), "400 bad_parameter");
    });
}
