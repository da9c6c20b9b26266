use sdk::{
    HealthStatus, MessageDirection, MessageFilter, Role, SecuritySeverity, TransactionStatus,
};
use serde_json::json;

use super::world::{refusal, with_server};

fn rows(rows: serde_json::Value) -> Vec<control_api::SqlRow> {
    serde_json::from_value(rows).unwrap()
}

#[test]
fn history_comes_from_the_tables() {
    with_server(|world| async move {
        let row = |at: &str, id: &str| {
            json!({
                "ordered_at": at, "transaction_id": id, "ocpp_transaction_id": "7", "station_id": "CP1", "evse_id": 1,
                "started_at": at, "ended_at": at, "state": "ended", "stop_reason": "Local",
                "meter_start_wh": "1000.000", "meter_stop_wh": "8042.500", "energy_wh": "7042.500", "cost": "5.28",
                "currency": "BRL", "quality": "ok", "log_id": "1", "seq": "7",
            })
        };
        let mut many = vec![row("2024-01-31T10:00:00.000Z", "b")];
        many.extend((0..100).map(|_| row("2024-01-30T10:00:00.000Z", "a")));
        *world.rows.lock().unwrap() = rows(json!(many));
        let history = |cursor: Option<String>| {
            let client = world.admin.clone();
            async move {
                client
                    .transaction_history("2024-01-01", "2024-01-31", cursor.as_deref())
                    .await
            }
        };
        let page = history(None).await.unwrap();
        assert_eq!(page.items.len(), 100);
        assert_eq!(page.items[0].status, TransactionStatus::Completed);
        assert_eq!(page.items[0].total_energy, Some(7.0425));
        assert_eq!(page.items[0].cost.as_deref(), Some("5.28"));
        let position = &page.items[0].position;
        assert_eq!((&*position.log_id, &*position.seq), ("1", "7"));
        history(page.next_cursor).await.unwrap();
        let queries = world.queries.lock().unwrap().clone();
        assert!(queries[0].starts_with("default: SELECT "), "{}", queries[0]);
        assert!(
            queries[0].contains(">= '2024-01-01T00:00:00Z'") && queries[0].ends_with("LIMIT 101")
        );
        assert!(
            queries[1].contains("< '2024-01-30T10:00:00.000Z'"),
            "{}",
            queries[1]
        );
        let bad = world
            .admin
            .transaction_history("2024-02-30", "2024-03-01", None)
            .await;
        assert_eq!(refusal(bad), "400 bad_parameter");
        *world.rows.lock().unwrap() = rows(json!([{ "state": "??" }]));
        assert_eq!(refusal(history(None).await), "500 internal");
    });
}

#[test]
fn messages_are_for_operators() {
    with_server(|world| async move {
        let _station = world.station("CP1", None).await;
        *world.rows.lock().unwrap() = rows(json!([{
            "received_at": "2026-11-22T10:41:49.123Z", "log_id": "1", "seq": "2", "direction": "from_station",
            "type": "CALL", "message_id": "7", "action": "Heartbeat", "raw": "[2,\"7\",\"Heartbeat\",{}]",
        }]));
        let filter = MessageFilter {
            direction: Some(MessageDirection::FromStation),
            action: Some("Heartbeat".into()),
            ..MessageFilter::default()
        };
        let page = world.admin.messages("CP1", &filter).await.unwrap();
        assert_eq!(page.items[0].raw, r#"[2,"7","Heartbeat",{}]"#);
        assert_eq!(page.next_cursor, None);
        let reader = world.client("reader", Role::ReadOnly).await;
        assert_eq!(
            refusal(reader.messages("CP1", &filter).await),
            "403 forbidden"
        );
        assert_eq!(
            refusal(world.admin.messages(&"x".repeat(49), &filter).await),
            "400 bad_parameter"
        );
        assert_eq!(
            refusal(world.admin.messages("UNKNOWN", &filter).await),
            "404 not_found"
        );
    });
}

#[test]
fn health_has_three_degrees_of_detail() {
    with_server(|world| async move {
        let mut station = world.station("CP1", None).await;
        station.boot().await;
        assert_eq!(world.get("/health/live").await, (200, "OK".to_owned()));
        assert_eq!(world.get("/health/ready").await, (200, "Ready".to_owned()));
        let health = world.admin.health().await.unwrap();
        assert_eq!((health.status, health.ready), (HealthStatus::Ok, true));
        assert_eq!(
            (health.dataplane.shards, health.dataplane.connections),
            (2, 1)
        );
        assert_eq!(health.logs.len(), 2);
    });
}

#[test]
fn metrics_carry_the_names_that_dashboards_know() {
    with_server(|world| async move {
        let mut station = world.station("CP1", None).await;
        station.boot().await;
        world.admin.device("CP1").await.unwrap();
        world
            .admin
            .create_principal(&sdk::PrincipalRequest {
                name: "a".into(),
                role: Role::Admin,
            })
            .await
            .unwrap();
        let (status, text) = world.get("/metrics").await;
        assert_eq!(status, 200);
        for line in [
            "sigec_active_charging_sessions 0",
            "sigec_energy_delivered_kwh_total 0",
            "sigec_revenue_total{currency=\"BRL\"} 0.00",
            "sigec_voice_commands_total 0",
            "sigec_ocpp_messages_total{action=\"BootNotification\",direction=\"in\"} 1",
            "sigec_ocpp_messages_total{action=\"BootNotification\",direction=\"out\"} 1",
            "sigec_database_latency_seconds_count{store=\"state\"} 1",
            "database_query_duration_seconds_count{store=\"state\"} 1",
            "http_request_duration_seconds_count{method=\"GET\",path=\"/api/v1/devices/{id}\"} 1",
            "http_requests_total{method=\"GET\",path=\"/api/v1/devices/{id}\",status=\"200\"} 1",
        ] {
            assert!(
                text.lines().any(|found| found == line),
                "{line} is not in\n{text}"
            );
        }
        for name in [
            "process_resident_memory_bytes ",
            "sigec_ack_latency_seconds_bucket{le=\"0.001\"} ",
            "sigec_established_latency_seconds_bucket{le=\"0.05\"} ",
            "sigec_command_latency_seconds_bucket{le=\"0.001\"} ",
        ] {
            assert!(
                text.lines().any(|found| found.starts_with(name)),
                "{name} is not in\n{text}"
            );
        }
    });
}

#[test]
fn the_api_describes_itself() {
    with_server(|world| async move {
        let (status, document) = world.get("/api/v1/openapi.json").await;
        let document: serde_json::Value = serde_json::from_str(&document).unwrap();
        assert_eq!((status, &document["openapi"]), (200, &json!("3.1.0")));
        // What it describes is there: no operation answers that there is no such route.
        for (path, item) in document["paths"].as_object().unwrap() {
            if ["sql", "lake", "voice"]
                .iter()
                .any(|name| path.starts_with(&format!("/api/v1/{name}")))
            {
                continue; // Served by other crates.
            }
            for method in item.as_object().unwrap().keys() {
                let concrete = path
                    .replace("{kind}", "offline")
                    .replace("{id}", "x")
                    .replace("{secret}", "x")
                    .replace("{name}", "x");
                let method = method.to_uppercase().parse().unwrap();
                let url = format!("{}{concrete}", world.url);
                let response = reqwest::Client::new()
                    .request(method, url)
                    .send()
                    .await
                    .unwrap();
                let expected = if path.starts_with("/files/") {
                    404 // Nobody was told this secret.
                } else if item["get"]["security"].is_null() && item["get"].is_object() {
                    200
                } else {
                    401
                };
                assert_eq!(response.status().as_u16(), expected, "{path}");
            }
        }
        assert!(
            world
                .get("/docs")
                .await
                .1
                .contains("<title>SIGEC-VE API</title>")
        );
        assert_eq!(world.get("/problems/nothing").await.0, 404);
    });
}

#[test]
fn signed_values_come_with_all_that_checks_them() {
    with_server(|world| async move {
        let mut station = world.station("CP1", None).await;
        station.boot().await;
        let asked = world.admin.clone();
        let command = tokio::spawn(async move {
            let command = sdk::CommandRequest {
                action: "GetConfiguration".into(),
                payload: json!({}).into(),
                answer_timeout: None,
            };
            asked
                .command("CP1", &command, Some(std::time::Duration::from_secs(30)))
                .await
        });
        station
            .answer(
                "GetConfiguration",
                json!({ "configurationKey": [
                    { "key": "MeterPublicKey1", "readonly": true, "value": "3059" },
                    { "key": "MeterPublicKey2", "readonly": true, "value": "305A" },
                ] }),
            )
            .await;
        command.await.unwrap().unwrap();
        let id = "0193a5f0-0000-7000-8000-000000000000";
        assert_eq!(
            refusal(world.admin.signed_values(id, None).await),
            "404 not_found"
        );
        let row = |signed: &str| {
            json!({
                "station_id": "CP1", "evse_id": 1, "measured_at": "2026-11-22T10:00:00.000Z",
                "context": "Transaction.Begin", "measurand": "Energy.Active.Import.Register",
                "signed_value": signed, "received_at": "2026-11-22T10:00:01.000Z", "log_id": "7", "seq": "9",
                "ordinal": 0,
            })
        };
        *world.rows.lock().unwrap() = rows(json!([
            row("OCMF|{}|{}"),
            row(
                r#"{"signedMeterData":"T0NNRg==","signingMethod":"","encodingMethod":"OCMF","publicKey":"key"}"#
            ),
        ]));
        let found = world.admin.signed_values(id, None).await.unwrap();
        let texts: Vec<_> = found
            .items
            .iter()
            .map(|v| {
                (
                    v.signed_data.as_str(),
                    v.encoding_method.as_deref(),
                    v.public_key.as_deref(),
                )
            })
            .collect();
        assert_eq!(
            texts,
            [
                ("OCMF|{}|{}", None, None),
                ("T0NNRg==", Some("OCMF"), Some("key"))
            ]
        );
        // The key of the first one is sought among all values of the charge.
        let query = world.queries.lock().unwrap().pop().unwrap();
        assert!(
            query.contains(id) && query.ends_with("ORDER BY nth LIMIT 1"),
            "{query}"
        );
        assert_eq!(found.next_cursor, None);
        let keys: Vec<_> = found
            .public_keys
            .iter()
            .map(|key| key.value.as_str())
            .collect();
        assert_eq!(keys, ["3059"]);
        assert!(found.public_keys[0].as_of.ends_with('Z'), "{found:?}");
        let last_query = || world.queries.lock().unwrap().last().cloned().unwrap();
        let query = last_query();
        assert!(
            query.contains(id) && query.ends_with("LIMIT 101 OFFSET 0"),
            "{query}"
        );
        // More than a page, and all of one row of `meter_values`.
        *world.rows.lock().unwrap() = rows(json!(vec![row("OCMF|{}|{}"); 101]));
        let found = world.admin.signed_values(id, None).await.unwrap();
        assert_eq!(found.items.len(), 100);
        let cursor = found.next_cursor.as_deref();
        assert!(cursor.is_some());
        world.admin.signed_values(id, cursor).await.unwrap();
        world.queries.lock().unwrap().pop();
        let query = last_query();
        assert!(
            query.contains("ordinal >= 0") && query.ends_with("LIMIT 101 OFFSET 100"),
            "{query}"
        );
        let tampered = world.admin.signed_values(id, Some("bm90IGpzb24")).await;
        assert_eq!(refusal(tampered), "400 bad_parameter");
    });
}

#[test]
fn security_events_have_their_severity() {
    with_server(|world| async move {
        let _station = world.station("CP1", None).await;
        *world.rows.lock().unwrap() = rows(json!([{
            "received_at": "2026-11-22T10:00:01.000Z", "log_id": "7", "seq": "9", "type": "TamperDetectionActivated",
            "occurred_at": "2026-11-22T10:00:00.000Z", "info": "", "severity": "critical",
        }]));
        let severity = Some(SecuritySeverity::Critical);
        let page = world
            .admin
            .security_events("CP1", severity, None)
            .await
            .unwrap();
        let event = &page.items[0];
        assert_eq!(event.kind, "TamperDetectionActivated");
        assert_eq!(
            (event.severity, &event.info),
            (SecuritySeverity::Critical, &None)
        );
        let query = world.queries.lock().unwrap().last().cloned().unwrap();
        assert!(query.contains("severity = 'critical'"), "{query}");
    });
}
