use std::sync::Arc;
use std::time::Duration;

use sdk::{CommandRequest, CommandState, DeviceRequest, Role};
use serde_json::{Value, json};

use super::world::{ROOT, World, problem, refusal, with_server};

const WAIT: Option<Duration> = Some(Duration::from_secs(60));

fn reset() -> CommandRequest {
    CommandRequest {
        action: "Reset".into(),
        payload: json!({ "type": "Soft" }).into(),
        answer_timeout: None,
    }
}

/// Sends a command beside the test, which plays the station.
fn send(
    world: &Arc<World>,
    request: CommandRequest,
    wait: Option<Duration>,
) -> tokio::task::JoinHandle<Result<sdk::Command, sdk::ClientError>> {
    let client = world.admin.clone();
    tokio::spawn(async move { client.command("CP1", &request, wait).await })
}

#[test]
fn the_answer_is_the_stations_own() {
    with_server(|world| async move {
        let mut station = world.station("CP1", None).await;
        station.boot().await;
        for status in ["Accepted", "Rejected"] {
            let sent = send(&world, reset(), WAIT);
            let payload = station.answer("Reset", json!({ "status": status })).await;
            assert_eq!(payload, json!({ "type": "Soft" }));
            let command = sent.await.unwrap().unwrap();
            assert_eq!(command.state, CommandState::Answered);
            assert_eq!(
                command.result.as_deref(),
                Some(&json!({ "status": status }))
            );
            assert_eq!(
                (command.created_by.as_str(), command.error),
                ("admin", None)
            );
            let again = world.admin.command_by_id(&command.id).await.unwrap();
            assert_eq!(again.result, command.result);
        }
        let sent = send(&world, reset(), WAIT);
        station
            .refuse("Reset", "NotSupported", "no reset here")
            .await;
        let command = sent.await.unwrap().unwrap();
        let error = command.error.unwrap();
        assert_eq!(command.result, None);
        assert_eq!(
            (error.code.as_str(), error.description.as_str()),
            ("NotSupported", "no reset here")
        );
    });
}

#[test]
fn what_a_station_has_under_way_is_listed_in_its_order() {
    with_server(|world| async move {
        let mut station = world.station("CP1", None).await;
        station.boot().await;
        let cache = || CommandRequest {
            action: "ClearCache".into(),
            payload: json!({}).into(),
            answer_timeout: None,
        };
        assert!(
            world
                .admin
                .open_commands("CP1", None, None)
                .await
                .unwrap()
                .items
                .is_empty()
        );
        for request in [reset(), cache(), cache()] {
            send(&world, request, None).await.unwrap().unwrap();
        }
        // The first is on its way by now, and the station has not answered it.
        let (id, _) = station.expect("Reset").await;
        let shown = |page: &sdk::Page<sdk::Command>| -> Vec<(String, CommandState)> {
            let items = page.items.iter();
            items.map(|one| (one.action.clone(), one.state)).collect()
        };
        let reader = world.client("reader", Role::ReadOnly).await;
        let first = reader.open_commands("CP1", Some(2), None).await.unwrap();
        let expected = [
            ("Reset", CommandState::Sent),
            ("ClearCache", CommandState::Queued),
        ];
        assert_eq!(
            shown(&first),
            expected.map(|(action, state)| (action.to_owned(), state))
        );
        assert_eq!(json!(first.items[0].id), id);
        let cursor = first.next_cursor.as_deref();
        let second = reader.open_commands("CP1", Some(2), cursor).await.unwrap();
        assert_eq!((shown(&second).len(), &second.next_cursor), (1, &None));
        station.send(json!([3, id, { "status": "Accepted" }])).await;
        station.expect("ClearCache").await;
        let left = world.admin.open_commands("CP1", None, None).await.unwrap();
        let expected = [CommandState::Sent, CommandState::Queued];
        assert_eq!(
            shown(&left),
            expected.map(|state| ("ClearCache".to_owned(), state))
        );
        assert_eq!(
            refusal(world.admin.open_commands("CP9", None, None).await),
            "404 not_found"
        );
    });
}

#[test]
fn a_payload_goes_to_the_station_as_it_is_written() {
    with_server(|world| async move {
        let mut station = world.station_21("CP1").await;
        let profile = r#"{"stackLevel":0,"id":7,"chargingProfileKind":"Relative","chargingProfilePurpose":"TxDefaultProfile",
            "chargingSchedule":[{"id":1,"chargingRateUnit":"A","chargingSchedulePeriod":[{"startPeriod":0,"limit":16.10}]}]}"#;
        let compact: String = profile.chars().filter(|c| !c.is_whitespace()).collect();
        for (method, path, body, expected) in [
            (
                reqwest::Method::POST,
                "commands",
                r#"{"payload": { "type": "OnIdle", "evseId": 1, "customData": {"vendorId": "V \" ", "b": 0.1000000000000000055, "a": 1} },
                    "action": "Reset"}"#
                    .to_owned(),
                r#""Reset",{"type":"OnIdle","evseId":1,"customData":{"vendorId":"V \" ","b":0.1000000000000000055,"a":1}}]"#.to_owned(),
            ),
            (
                reqwest::Method::PUT,
                "charging-profiles",
                format!(r#"{{"profile": {profile}, "evse_id": 1}}"#),
                format!(r#""SetChargingProfile",{{"evseId":1,"chargingProfile":{compact}}}]"#),
            ),
        ] {
            let request = reqwest::Client::new()
                .request(method, format!("{}/api/v1/devices/CP1/{path}", world.url))
                .bearer_auth(ROOT)
                .header("content-type", "application/json")
                .body(body);
            let sent = tokio::spawn(request.send());
            let frame = station.text().await;
            assert!(frame.ends_with(&expected), "{frame}\n{expected}");
            sent.abort();
        }
    });
}

#[test]
fn payload_and_result_are_shown_in_the_order_in_which_they_were_written() {
    with_server(|world| async move {
        let mut station = world.station_21("CP1").await;
        let payload =
            r#"{"type":"OnIdle","evseId":1,"customData":{"vendorId":"V","b":0.50,"a":1}}"#;
        let result =
            r#"{"statusInfo":{"reasonCode":"R","additionalInfo":"I"},"status":"Accepted"}"#;
        let sent = reqwest::Client::new()
            .post(format!("{}/api/v1/devices/CP1/commands", world.url))
            .bearer_auth(ROOT)
            .header("content-type", "application/json")
            .header("prefer", "wait=60")
            .body(format!(r#"{{"action":"Reset","payload":{payload}}}"#));
        let sent = tokio::spawn(sent.send());
        let frame = station.text().await;
        let id = frame.split('"').nth(1).expect("a message id").to_owned();
        station.say(format!(r#"[3,"{id}",{result}]"#)).await;
        let told = sent.await.unwrap().unwrap().text().await.unwrap();
        let looked_up = reqwest::Client::new()
            .get(format!("{}/api/v1/commands/{id}", world.url))
            .bearer_auth(ROOT);
        let looked_up = looked_up.send().await.unwrap().text().await.unwrap();
        for shown in [told, looked_up] {
            assert!(
                shown.contains(&format!(r#""payload":{payload}"#)),
                "{shown}"
            );
            assert!(shown.contains(&format!(r#""result":{result}"#)), "{shown}");
        }
    });
}

#[test]
fn a_payload_with_a_name_twice_is_no_payload() {
    with_server(|world| async move {
        let _station = world.station_21("CP1").await;
        for payload in [r#"{"type":"Immediate","type":"OnIdle"}"#, "null", "[]"] {
            let refused = reqwest::Client::new()
                .post(format!("{}/api/v1/devices/CP1/commands", world.url))
                .bearer_auth(ROOT)
                .header("content-type", "application/json")
                .body(format!(r#"{{"action":"Reset","payload":{payload}}}"#));
            assert_eq!(refused.send().await.unwrap().status(), 422, "{payload}");
        }
    });
}

#[test]
fn without_a_wait_the_command_is_looked_at_again() {
    with_server(|world| async move {
        let mut station = world.station("CP1", None).await;
        station.boot().await;
        let command = world.admin.command("CP1", &reset(), None).await.unwrap();
        assert!(matches!(
            command.state,
            CommandState::Queued | CommandState::Sent
        ));
        station
            .answer("Reset", json!({ "status": "Accepted" }))
            .await;
        // The answer was sent; the server reads it before the next call of the same socket.
        station.call("Heartbeat", json!({})).await;
        let command = world.admin.command_by_id(&command.id).await.unwrap();
        assert_eq!(command.state, CommandState::Answered);
    });
}

#[test]
fn a_station_that_is_away_silent_or_busy_is_told_apart() {
    with_server(|world| async move {
        let registered = DeviceRequest {
            id: "CP1".into(),
            ..DeviceRequest::default()
        };
        let password = world
            .admin
            .create_device(&registered)
            .await
            .unwrap()
            .password;
        let offline = problem(world.admin.command("CP1", &reset(), WAIT).await);
        assert_eq!((offline.status, offline.slug()), (409, "offline"));
        assert_eq!(offline.state, Some(CommandState::Offline));
        let known = world
            .admin
            .command_by_id(&offline.command.unwrap().id)
            .await
            .unwrap();
        assert_eq!(known.state, CommandState::Offline);
        let accepted = world.admin.command("CP1", &reset(), None).await.unwrap();
        assert_eq!(accepted.state, CommandState::Offline);

        let mut station = world.station("CP1", password.as_deref()).await;
        station.boot().await;
        let silent = problem(
            send(&world, reset(), Some(Duration::from_secs(1)))
                .await
                .unwrap(),
        );
        assert_eq!((silent.status, silent.slug()), (504, "timeout"));
        assert_eq!(silent.state, Some(CommandState::Sent));
        // One on the wire and two in the queue are all there is room for.
        for _ in 0..2 {
            world.admin.command("CP1", &reset(), None).await.unwrap();
        }
        let busy = problem(world.admin.command("CP1", &reset(), WAIT).await);
        assert_eq!((busy.status, busy.slug()), (429, "queue_full"));
        assert_eq!(busy.retry_after.as_deref(), Some("1s"));
    });
}

#[test]
fn a_command_has_a_time_of_its_own_for_its_answer() {
    with_server(|world| async move {
        let mut station = world.station("CP1", None).await;
        station.boot().await;
        let within = |seconds| CommandRequest {
            answer_timeout: Some(seconds),
            ..reset()
        };
        let silent = send(&world, within(1), WAIT).await.unwrap();
        let silent = problem(silent);
        assert_eq!((silent.status, silent.slug()), (504, "timeout"));
        assert_eq!(silent.state, Some(CommandState::Timeout));
        let detail = r#"station "CP1" did not answer Reset in time: no answer within 1 s"#;
        assert_eq!(silent.detail, detail);
        let ended = silent.command.unwrap();
        let known = world.admin.command_by_id(&ended.id).await.unwrap();
        assert_eq!((&known.state, &known.error), (&ended.state, &ended.error));
        let error = known.error.unwrap();
        assert_eq!(
            (&*error.code, &*error.description, known.answer_timeout),
            ("Timeout", "no answer within 1 s", None)
        );
        // Under way, a command shows its own time, or the configuration's.
        for request in [within(600), reset()] {
            send(&world, request, None).await.unwrap().unwrap();
        }
        let open = world.admin.open_commands("CP1", None, None).await.unwrap();
        let times = open.items.iter().map(|open| json!(open.answer_timeout));
        assert_eq!(times.collect::<Vec<_>>(), [json!(600), json!(30)]);
        for found in [json!(0), json!(601), json!(2.5), json!("5s"), json!(-1)] {
            let body = json!({ "action": "ClearCache", "answer_timeout": found });
            let refused = reqwest::Client::new()
                .post(format!("{}/api/v1/devices/CP1/commands", world.url))
                .bearer_auth(ROOT)
                .header("content-type", "application/json")
                .body(body.to_string());
            let refused = refused.send().await.unwrap();
            assert_eq!(refused.status(), 422, "{found}");
            let refused: Value = serde_json::from_str(&refused.text().await.unwrap()).unwrap();
            assert_eq!(
                refused["errors"],
                json!([{
                    "pointer": "/answer_timeout",
                    "detail": format!("{found}, expected a whole number of seconds, 1 to 600"),
                }])
            );
        }
    });
}

#[test]
fn a_connection_that_ends_leaves_the_outcome_unknown() {
    with_server(|world| async move {
        let mut station = world.station("CP1", None).await;
        station.boot().await;
        let sent = send(&world, reset(), WAIT);
        station.expect("Reset").await;
        drop(station);
        let lost = problem(sent.await.unwrap());
        assert_eq!((lost.status, lost.slug()), (502, "disconnected"));
        assert_eq!(lost.state, Some(CommandState::Unknown));
    });
}

#[test]
fn what_is_no_command_is_refused_before_it_is_made() {
    with_server(|world| async move {
        let mut station = world.station("CP1", None).await;
        station.boot().await;
        let refused = |action: &str, payload: Value| {
            let (client, action) = (world.admin.clone(), action.to_owned());
            async move {
                refusal(
                    client
                        .command(
                            "CP1",
                            &CommandRequest {
                                action,
                                payload: payload.into(),
                                answer_timeout: None,
                            },
                            WAIT,
                        )
                        .await,
                )
            }
        };
        assert_eq!(refused("Explode", json!({})).await, "422 invalid_command");
        assert_eq!(
            refused("Reset", json!({ "type": "Sideways" })).await,
            "422 invalid_command"
        );
        assert_eq!(refused("Reset", json!([])).await, "422 invalid");
        assert_eq!(refused("", json!({})).await, "422 invalid");
        assert_eq!(
            refusal(world.admin.command("CP2", &reset(), WAIT).await),
            "404 not_found"
        );
        assert_eq!(
            refusal(world.admin.command_by_id("no-id").await),
            "404 not_found"
        );
        let nobody = "0193a5f0-0000-7000-8000-000000000000";
        assert_eq!(
            refusal(world.admin.command_by_id(nobody).await),
            "404 not_found"
        );
        let reader = world.client("reader", Role::ReadOnly).await;
        assert_eq!(
            refusal(reader.command("CP1", &reset(), None).await),
            "403 forbidden"
        );
    });
}
