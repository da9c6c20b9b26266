use std::sync::Arc;
use std::time::Duration;

use sdk::{CommandRequest, CustomerReport, Role};
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
        payload,
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
