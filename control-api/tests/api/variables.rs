use std::sync::Arc;
use std::time::Duration;

use sdk::{CommandRequest, Role, Variable, VariableFilter, VariableSource};
use serde_json::{Value, json};

use super::station::Station;
use super::world::{World, refusal, with_server};

const WAIT: Option<Duration> = Some(Duration::from_secs(60));

/// Sends a command and plays the station's answer to it.
async fn command(
    world: &Arc<World>,
    station: &mut Station,
    action: &str,
    payload: Value,
    answer: Value,
) -> sdk::Command {
    let request = CommandRequest {
        action: action.into(),
        payload: payload.into(),
        answer_timeout: None,
    };
    let client = world.admin.clone();
    let sent = tokio::spawn(async move { client.command("CP1", &request, WAIT).await });
    station.answer(action, answer).await;
    sent.await.unwrap().unwrap()
}

/// `Component.Variable = value`
fn shown(items: &[Variable]) -> Vec<String> {
    let show = |item: &Variable| {
        let attribute = &item.attributes[0];
        let value = attribute.value.as_deref().unwrap_or("-");
        let (component, variable) = (&item.component.name, &item.variable.name);
        format!("{component}.{variable} = {value} {:?}", attribute.source)
    };
    items.iter().map(show).collect()
}

#[test]
fn keys_of_1_6_are_listed_as_variables() {
    with_server(|world| async move {
        let mut station = world.station("CP1", None).await;
        station.boot().await;
        let keys = json!({ "configurationKey": [
            { "key": "NumberOfConnectors", "readonly": true, "value": "2" },
            { "key": "HeartbeatInterval", "readonly": false, "value": "300" },
            { "key": "AuthorizationKey", "readonly": false, "value": "hunter2hunter2hunter2" },
        ]});
        command(&world, &mut station, "GetConfiguration", json!({}), keys).await;
        let change = json!({ "key": "HeartbeatInterval", "value": "60" });
        let accepted = json!({ "status": "Accepted" });
        let changed = command(
            &world,
            &mut station,
            "ChangeConfiguration",
            change,
            accepted,
        )
        .await;
        assert_eq!((changed.complete, changed.follow_ups.len()), (None, 0));

        let reader = world.client("reader", Role::ReadOnly).await;
        let all = reader
            .variables("CP1", &VariableFilter::default())
            .await
            .unwrap();
        assert_eq!(
            shown(&all.items),
            [
                "ChargePoint.AuthorizationKey = - Get",
                "ChargePoint.HeartbeatInterval = 60 Set",
                "ChargePoint.NumberOfConnectors = 2 Get",
            ]
        );
        let [password, interval, connectors] = [0, 1, 2].map(|n| &all.items[n].attributes[0]);
        assert!(password.is_secret && !interval.is_secret);
        assert_eq!(interval.mutability.as_deref(), Some("ReadWrite"));
        assert_eq!(connectors.mutability.as_deref(), Some("ReadOnly"));
        assert_eq!(interval.source, VariableSource::Set);
        assert!(connectors.seq < interval.seq, "{interval:?}");

        let filter = VariableFilter {
            component: Some("chargepoint".into()),
            variable: Some("heartbeatinterval".into()),
            ..VariableFilter::default()
        };
        let one = reader.variables("CP1", &filter).await.unwrap();
        assert_eq!(
            shown(&one.items),
            ["ChargePoint.HeartbeatInterval = 60 Set"]
        );
    });
}

#[test]
fn variables_come_in_pages() {
    with_server(|world| async move {
        let mut station = world.station("CP1", None).await;
        station.boot().await;
        let keys: Vec<Value> = (0..5)
            .map(|n| json!({ "key": format!("Key{n}"), "readonly": false, "value": "v" }))
            .collect();
        let keys = json!({ "configurationKey": keys });
        command(&world, &mut station, "GetConfiguration", json!({}), keys).await;
        let mut filter = VariableFilter {
            limit: Some(2),
            ..VariableFilter::default()
        };
        let mut pages = Vec::new();
        loop {
            let page = world.admin.variables("CP1", &filter).await.unwrap();
            pages.push(page.items.len());
            filter.cursor = page.next_cursor;
            if filter.cursor.is_none() {
                break;
            }
            assert!(pages.len() < 10, "{pages:?}");
        }
        assert_eq!(pages.iter().sum::<usize>(), 5, "{pages:?}");
        let unknown = world
            .admin
            .variables("CP2", &VariableFilter::default())
            .await;
        assert_eq!(refusal(unknown), "404 not_found");
    });
}

#[test]
fn a_command_shows_what_came_after_it() {
    with_server(|world| async move {
        let mut station = world.station("CP1", None).await;
        station.boot().await;
        let location = json!({ "location": "ftp://files/" });
        let answer = json!({ "fileName": "log.zip" });
        let sent = command(&world, &mut station, "GetDiagnostics", location, answer).await;
        for (status, complete) in [("Uploading", false), ("Uploaded", true)] {
            let status = json!({ "status": status });
            station.call("DiagnosticsStatusNotification", status).await;
            let now = world.admin.command_by_id(&sent.id).await.unwrap();
            assert_eq!((now.complete, now.state), (Some(complete), sent.state));
        }
        let now = world.admin.command_by_id(&sent.id).await.unwrap();
        assert_eq!(now.follow_ups_count, 2);
        let told: Vec<_> = now
            .follow_ups
            .iter()
            .map(|f| (&*f.action, &f.summary))
            .collect();
        assert_eq!(
            told,
            [
                (
                    "DiagnosticsStatusNotification",
                    &json!({ "status": "Uploading" })
                ),
                (
                    "DiagnosticsStatusNotification",
                    &json!({ "status": "Uploaded" })
                ),
            ]
        );
    });
}
