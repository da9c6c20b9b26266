use std::sync::Arc;
use std::time::Duration;

use sdk::{CommandRequest, CustomerReport, Role, StationEventFilter, StationEventSource};
use serde_json::{Value, json};

use super::station::Station;
use super::world::{World, refusal, with_server};

const WAIT: Option<Duration> = Some(Duration::from_secs(30));

/// Sends a command that the station answers; its id.
async fn command(
    world: &World,
    station: &mut Station,
    action: &str,
    payload: Value,
    answer: Value,
) -> String {
    let request = CommandRequest {
        action: action.to_owned(),
        payload: payload.into(),
        answer_timeout: None,
    };
    let asking = world.admin.command("CP1", &request, WAIT);
    let (command, _) = tokio::join!(asking, station.answer(action, answer));
    command.unwrap().id
}

#[test]
fn monitors_and_messages_are_listed_for_everybody_who_may_read() {
    with_server(async |world: Arc<World>| {
        let mut station = world.station_201("CP1").await;
        let monitor = |severity: u32| json!({"value": 1, "type": "Delta", "severity": severity, "component": {"name": "C"}, "variable": {"name": "V"}});
        let set = json!({"setMonitoringData": [monitor(8), monitor(7)]});
        let result = |id: u32, severity: u32| json!({"id": id, "status": "Accepted", "type": "Delta", "severity": severity, "component": {"name": "C"}, "variable": {"name": "V"}});
        let accepted = json!({"setMonitoringResult": [result(1, 8), result(2, 7)]});
        command(&world, &mut station, "SetVariableMonitoring", set, accepted).await;
        let message = json!({"id": 5, "priority": "NormalCycle", "message": {"format": "UTF8", "content": "Hello"}});
        let set = json!({ "message": message });
        let accepted = json!({"status": "Accepted"});
        command(&world, &mut station, "SetDisplayMessage", set, accepted).await;

        let reader = world.client("reader", Role::ReadOnly).await;
        let monitors = reader.monitors("CP1", None).await.unwrap().items;
        let seen: Vec<_> = monitors
            .iter()
            .map(|found| (found.id, found.monitor["severity"].clone()))
            .collect();
        assert_eq!(seen, [(1, json!(8)), (2, json!(7))]);
        let (_, page) = world.get("/api/v1/devices/CP1/monitors?limit=1").await;
        assert!(page.contains("unauthorized"), "{page}");
        let messages = reader.display_messages("CP1", None).await.unwrap().items;
        assert_eq!((messages.len(), &messages[0].message), (1, &message));
        let unknown = reader.monitors("CP2", None).await;
        assert_eq!(refusal(unknown), "404 not_found");
        let strange = reader.monitors("CP1", Some("x")).await;
        assert_eq!(refusal(strange), "400 bad_parameter");
    });
}

#[test]
fn o01_fr_07_and_o02_fr_07_a_message_whose_time_is_over_is_gone() {
    with_server(async |world: Arc<World>| {
        let mut station = world.station_201("CP1").await;
        for (id, end) in [
            (1, "2020-01-01T00:00:00Z"),
            (2, "2020-01-01T00:00:00+02:00"),
            (3, "2100-01-01T00:00:00Z"),
        ] {
            let message = json!({"id": id, "priority": "NormalCycle", "endDateTime": end, "message": {"format": "UTF8", "content": "Hello"}});
            let (set, accepted) = (json!({ "message": message }), json!({"status": "Accepted"}));
            command(&world, &mut station, "SetDisplayMessage", set, accepted).await;
        }
        let messages = world.admin.display_messages("CP1", None).await.unwrap();
        let ids: Vec<_> = messages.items.iter().map(|message| message.id).collect();
        assert_eq!(ids, [3]);
    });
}

#[test]
fn what_a_station_told_about_a_customer_is_for_operators() {
    with_server(async |world: Arc<World>| {
        let mut station = world.station_201("CP1").await;
        let asked =
            json!({"requestId": 3, "report": true, "clear": false, "customerIdentifier": "x"});
        let accepted = json!({"status": "Accepted"});
        let id = command(&world, &mut station, "CustomerInformation", asked, accepted).await;
        let frame = r#"[2,"9","NotifyCustomerInformation",{"data":"A. Driver","seqNo":0,"generatedAt":"2026-11-22T10:00:00Z","requestId":3}]"#;
        let row = serde_json::from_value(json!({ "raw": frame })).unwrap();
        world.rows.lock().unwrap().push(row);
        let expected = CustomerReport {
            data: "A. Driver".into(),
            parts: 1,
            missing_parts: Vec::new(),
            complete: true,
        };
        assert_eq!(world.admin.customer_report(&id).await.unwrap(), expected);
        let query = world.queries.lock().unwrap().pop().unwrap();
        assert!(query.contains("station_id = 'CP1'"), "{query}");
        let reader = world.client("reader", Role::ReadOnly).await;
        assert_eq!(refusal(reader.customer_report(&id).await), "403 forbidden");
        let other = command(
            &world,
            &mut station,
            "ClearCache",
            json!({}),
            json!({"status": "Accepted"}),
        )
        .await;
        assert_eq!(
            refusal(world.admin.customer_report(&other).await),
            "409 conflict"
        );
    });
}

#[test]
fn what_monitors_saw_is_listed_with_what_is_known_of_them() {
    with_server(async |world: Arc<World>| {
        let mut station = world.station_201("CP1").await;
        let place = json!({"component": {"name": "EVSE", "evse": {"id": 1}}, "variable": {"name": "Power"}});
        let with = |more: Value| {
            let mut all = place.as_object().unwrap().clone();
            all.extend(more.as_object().unwrap().clone());
            Value::Object(all)
        };
        let set = json!({"setMonitoringData": [with(json!({"value": 1, "type": "Delta", "severity": 3}))]});
        let accepted = json!({"setMonitoringResult": [with(json!({"id": 7, "status": "Accepted", "type": "Delta", "severity": 3}))]});
        command(&world, &mut station, "SetVariableMonitoring", set, accepted).await;
        let event = |id: u32| {
            with(json!({
                "eventId": id, "timestamp": "2026-11-22T10:41:49Z", "trigger": "Delta", "actualValue": "11000",
                "eventNotificationType": "CustomMonitor", "variableMonitoringId": 7,
            }))
        };
        let notify = json!({"generatedAt": "2026-11-22T10:41:50Z", "seqNo": 0, "eventData": [event(1), event(2)]});
        station.call("NotifyEvent", notify).await;
        let mut old = world.station("CP2", None).await;
        old.boot().await;
        let faulted = json!({"connectorId": 2, "errorCode": "GroundFailure", "status": "Faulted", "info": "wet"});
        old.call("StatusNotification", faulted).await;

        let reader = world.client("reader", Role::ReadOnly).await;
        let none = StationEventFilter::default;
        let mut one = StationEventFilter {
            limit: Some(1),
            ..none()
        };
        let first = reader.device_events("CP1", &one).await.unwrap();
        one.cursor = first.next_cursor;
        let second = reader.device_events("CP1", &one).await.unwrap();
        assert_eq!(second.next_cursor, None);
        let seen: Vec<_> = [&first.items[0], &second.items[0]]
            .map(|event| {
                (
                    event.event_id,
                    event.severity,
                    event.monitor_id,
                    event.component.evse_id,
                )
            })
            .into();
        assert_eq!(
            seen,
            [
                (Some(2), Some(3), Some(7), Some(1)),
                (Some(1), Some(3), Some(7), Some(1))
            ]
        );
        let mild = StationEventFilter {
            severity: Some(2),
            ..none()
        };
        assert_eq!(reader.device_events("CP1", &mild).await.unwrap().items, []);

        let errors = reader.device_events("CP2", &none()).await.unwrap().items;
        let seen = errors.iter().map(|error| {
            let code = error.tech_code.as_deref();
            (
                error.source,
                error.component.evse_id,
                code,
                error.tech_info.as_deref(),
            )
        });
        let expected = (
            StationEventSource::StatusNotification,
            Some(2),
            Some("GroundFailure"),
            Some("wet"),
        );
        assert_eq!(Vec::from_iter(seen), [expected]);

        let unknown = reader.device_events("CP3", &none()).await;
        assert_eq!(refusal(unknown), "404 not_found");
        for wrong in [
            "severity=10",
            "since=now",
            "trigger=%0A",
            "cursor=x",
            "colour=red",
        ] {
            let answer = reqwest::Client::new()
                .get(format!("{}/api/v1/devices/CP1/events?{wrong}", world.url))
                .bearer_auth(super::world::ROOT)
                .send();
            assert_eq!(answer.await.unwrap().status().as_u16(), 400, "{wrong}");
        }
    });
}
