//! What 2.0.1 and 2.1 have in common.

use serde_json::{Value, json};

use super::{NOW, Scene, accepted, check, power_with};

/// A flow in both versions.
fn check_both(toml: &str, flow: impl Fn(&mut Scene<'_>)) {
    for protocol in ["ocpp2.0.1", "ocpp2.1"] {
        check(protocol, toml, &flow);
    }
}

fn variable(name: &str, value: &str) -> Value {
    json!({
        "component": {"name": "EVSE", "evse": {"id": 1}},
        "variable": {"name": name},
        "variableAttribute": [{"type": "Actual", "value": value}],
    })
}

/// B07, B08: the parts of a report come in any order, and one that is missing is missed.
#[test]
fn reports_come_in_parts() {
    check_both("", |scene| {
        scene.boots();
        for (action, payload) in [
            (
                "GetBaseReport",
                json!({"requestId": 7, "reportBase": "FullInventory"}),
            ),
            (
                "GetReport",
                json!({"requestId": 8, "componentVariable": [{"component": {"name": "EVSE", "evse": {"id": 1}}}]}),
            ),
        ] {
            let request = &payload["requestId"];
            let command = scene.commanded(action, &payload, &accepted());
            for (seq, name, more) in [(0, "First", true), (2, "Third", false), (1, "Second", true)]
            {
                let part = json!({
                    "requestId": request, "generatedAt": NOW, "seqNo": seq, "tbc": more,
                    "reportData": [variable(name, &format!("{request}-{seq}"))],
                });
                assert_eq!(scene.says("NotifyReport", &part), json!({}));
            }
            let command = scene.complete(&command);
            assert_eq!(
                command["follow_ups"].as_array().unwrap().len(),
                3,
                "{command}"
            );
            let known = scene.get("/variables?component=EVSE");
            let values: Vec<_> = known["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|item| {
                    (
                        item["variable"]["name"]
                            .as_str()
                            .unwrap_or_default()
                            .to_owned(),
                        item.to_string(),
                    )
                })
                .collect();
            for (seq, _) in ["First", "Second", "Third"].iter().enumerate() {
                let value = format!("{request}-{seq}");
                assert!(
                    values.iter().any(|(_, text)| text.contains(&value)),
                    "{known}"
                );
            }
        }
    });
}

/// N02 to N07: monitors are set, reported in parts, tell of events, and are cleared.
#[test]
fn monitors_are_set_reported_and_cleared_and_tell_of_events() {
    check_both("", |scene| {
        scene.boots();
        scene.commanded(
            "SetVariableMonitoring",
            &json!({"setMonitoringData": [power_with(json!({"value": 22000, "type": "UpperThreshold", "severity": 4}))]}),
            &json!({"setMonitoringResult": [power_with(json!({"id": 3, "status": "Accepted", "type": "UpperThreshold", "severity": 4}))]}),
        );
        let monitors = scene.get("/monitors");
        assert_eq!(monitors["items"][0]["id"], 3, "{monitors}");

        let asked = json!({"requestId": 9, "monitoringCriteria": ["ThresholdMonitoring"]});
        let command = scene.commanded("GetMonitoringReport", &asked, &accepted());
        for (seq, id, more) in [(1, 4, false), (0, 3, true)] {
            let part = json!({
                "requestId": 9, "generatedAt": NOW, "seqNo": seq, "tbc": more,
                "monitor": [power_with(json!({"variableMonitoring": [monitoring(scene.protocol, id)]}))],
            });
            assert_eq!(scene.says("NotifyMonitoringReport", &part), json!({}));
        }
        scene.complete(&command);
        let monitors = scene.get("/monitors");
        assert_eq!(monitors["items"].as_array().unwrap().len(), 2, "{monitors}");

        let event = power_with(json!({
            "eventId": 1, "timestamp": NOW, "trigger": "Alerting", "actualValue": "22500",
            "eventNotificationType": "CustomMonitor", "variableMonitoringId": 3,
        }));
        let told = json!({"generatedAt": NOW, "seqNo": 0, "eventData": [event]});
        assert_eq!(scene.says("NotifyEvent", &told), json!({}));
        let events = scene.get("/events");
        assert!(events.to_string().contains("22500"), "{events}");

        scene.commanded(
            "ClearVariableMonitoring",
            &json!({"id": [3, 4]}),
            &json!({"clearMonitoringResult": [{"id": 3, "status": "Accepted"}, {"id": 4, "status": "Accepted"}]}),
        );
        assert_eq!(scene.get("/monitors")["items"], json!([]));
    });
}

/// A monitor as each version tells it.
fn monitoring(protocol: &str, id: u32) -> Value {
    // There is one of a type and severity on a variable (N04.FR.10).
    let severity = id + 1;
    let mut monitoring = json!({"id": id, "transaction": false, "value": 1, "type": "UpperThreshold", "severity": severity});
    if protocol == "ocpp2.1" {
        monitoring["eventNotificationType"] = json!("CustomMonitor");
    }
    monitoring
}

/// O01 to O06: a message is shown, listed and taken away.
#[test]
fn messages_are_displayed_listed_and_cleared() {
    check_both("", |scene| {
        scene.boots();
        let message = json!({"id": 1, "priority": "NormalCycle", "message": {"format": "UTF8", "content": "Bom dia \u{2600}"}});
        scene.commanded(
            "SetDisplayMessage",
            &json!({"message": message}),
            &accepted(),
        );
        let known = scene.get("/display-messages");
        assert_eq!(
            known["items"][0]["message"]["message"]["content"], "Bom dia \u{2600}",
            "{known}"
        );

        let command = scene.commanded("GetDisplayMessages", &json!({"requestId": 5}), &accepted());
        let second = json!({"id": 2, "priority": "AlwaysFront", "message": {"format": "UTF8", "content": "Fora de servi\u{e7}o"}});
        for (more, message) in [(true, &message), (false, &second)] {
            let told = json!({"requestId": 5, "tbc": more, "messageInfo": [message]});
            assert_eq!(scene.says("NotifyDisplayMessages", &told), json!({}));
        }
        scene.complete(&command);
        assert_eq!(
            scene.get("/display-messages")["items"]
                .as_array()
                .unwrap()
                .len(),
            2
        );

        scene.commanded("ClearDisplayMessage", &json!({"id": 2}), &accepted());
        let known = scene.get("/display-messages");
        assert_eq!(known["items"].as_array().unwrap().len(), 1, "{known}");
    });
}

/// N09: what a station knows about a customer comes in parts and is put together.
#[test]
fn what_is_known_of_a_customer_is_put_together() {
    check_both("", |scene| {
        scene.boots();
        let asked = json!({"requestId": 3, "report": true, "clear": false, "idToken": {"idToken": "TAG", "type": "ISO14443"}});
        let command = scene.commanded("CustomerInformation", &asked, &accepted());
        for (seq, data, more) in [(1, "Driver", false), (0, "A. ", true)] {
            let part = json!({"requestId": 3, "generatedAt": NOW, "seqNo": seq, "tbc": more, "data": data});
            assert_eq!(scene.says("NotifyCustomerInformation", &part), json!({}));
        }
        scene.complete(&command);
        let path = format!(
            "/api/v1/commands/{}/customer-report",
            command["id"].as_str().unwrap()
        );
        super::eventually(&path, || {
            let report = scene.server.get(&path).json();
            if report["data"] == "A. Driver" && report["complete"] == true {
                Ok(())
            } else {
                Err(report.to_string())
            }
        });
    });
}

/// B02.FR.09: a station that waits for approval is asked, and what it was asked for alone is taken.
#[test]
fn a_station_that_waits_is_asked_before_it_is_accepted() {
    check_both("ocpp.onboarding = \"pending\"\n", |scene| {
        let boot = json!({"reason": "PowerUp", "chargingStation": {"model": "M", "vendorName": "Foreign"}});
        assert_eq!(scene.says("BootNotification", &boot)["status"], "Pending");
        let status = json!({"timestamp": NOW, "connectorStatus": "Available", "evseId": 1, "connectorId": 1});
        assert_eq!(
            scene.says_in_vain("StatusNotification", &status),
            "SecurityError"
        );

        let trigger =
            json!({"requestedMessage": "StatusNotification", "evse": {"id": 1, "connectorId": 1}});
        scene.commanded("TriggerMessage", &trigger, &accepted());
        assert_eq!(scene.says("StatusNotification", &status), json!({}));
        assert_eq!(
            scene.says_in_vain(
                "SecurityEventNotification",
                &json!({"type": "StartupOfTheDevice", "timestamp": NOW})
            ),
            "SecurityError"
        );
        let report = json!({"requestId": 1, "reportBase": "SummaryInventory"});
        let command = scene.commanded("GetBaseReport", &report, &accepted());
        let part = json!({"requestId": 1, "generatedAt": NOW, "seqNo": 0, "reportData": [variable("Power", "11")]});
        assert_eq!(scene.says("NotifyReport", &part), json!({}));
        scene.complete(&command);

        let approved = scene
            .server
            .post("/api/v1/devices", &json!({"id": scene.id}));
        assert_eq!(approved.status, 201, "{}", approved.body);
        scene.boots();
        assert_eq!(scene.says("StatusNotification", &status), json!({}));
    });
}

/// What a station has under way: the command that it has not answered, and the one behind it.
#[test]
fn what_a_station_has_under_way_is_listed_until_it_answers() {
    check_both("", |scene| {
        scene.boots();
        scene.answers("ClearCache", &Value::Null);
        scene.answers("Reset", &accepted());
        let path = format!("/api/v1/devices/{}/commands", scene.id);
        for body in [
            json!({"action": "ClearCache", "payload": {}}),
            json!({"action": "Reset", "payload": {"type": "OnIdle"}}),
        ] {
            assert_eq!(scene.server.post(&path, &body).status, 202);
        }
        super::eventually("two commands under way", || {
            let open = scene.get("/commands");
            let states: Vec<_> = open["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|command| (command["action"].clone(), command["state"].clone()))
                .collect();
            if states
                == [
                    (json!("ClearCache"), json!("sent")),
                    (json!("Reset"), json!("queued")),
                ]
            {
                Ok(())
            } else {
                Err(open.to_string())
            }
        });
        scene.answers("ClearCache", &accepted());
        scene.heard("ClearCache");
        scene.heard("Reset");
        super::eventually("nothing under way", || {
            let open = scene.get("/commands");
            if open["items"] == json!([]) {
                Ok(())
            } else {
                Err(open.to_string())
            }
        });
    });
}

/// 2.x Part 4, chapter 7: a signed message counts as what it encloses, and its signature is kept.
#[test]
fn signed_messages_count_as_what_they_enclose() {
    check_both("", |scene| {
        scene.boots();
        // No library signs; one of them lets us do it and hear the answer.
        if scene.id != "PY-1" {
            return;
        }
        let status =
            json!({"timestamp": NOW, "connectorStatus": "Occupied", "evseId": 1, "connectorId": 1});
        let mut signed = |id: &str, signed_as: &str| {
            scene.station.tell(&json!({
                "do": "signed", "id": id, "action": "StatusNotification", "as": signed_as, "payload": status,
            }));
            scene.next("heard")["text"].as_str().unwrap().to_owned()
        };
        assert_eq!(signed("s1", "StatusNotification"), r#"[3,"s1",{}]"#);
        let refused = signed("s2", "Heartbeat");
        assert!(refused.starts_with("[4,\"s2\","), "{refused}");
        let device = scene.get("");
        assert!(
            device.to_string().to_lowercase().contains("occupied"),
            "{device}"
        );
        scene.get_until("/messages?limit=20", "c2lnbmF0dXJl");
    });
}

/// H01, H02 and H04: an EVSE is kept for a driver; the station ends that, or an operator does.
#[test]
fn an_evse_is_reserved_and_given_back() {
    check_both("", |scene| {
        scene.boots();
        scene.answers("ReserveNow", &accepted());
        scene.answers("CancelReservation", &accepted());
        let reserve = || {
            let wanted = json!({"id_token": {"id_token": "TAG", "type": "ISO14443"}, "connector_id": 1, "expires_at": "2099-01-01T00:00:00Z"});
            let answer = scene.post("/reservations", &wanted);
            assert!([200, 201].contains(&answer.status), "{}", answer.body);
            answer.json()
        };
        let (first, second) = (reserve(), reserve());
        assert_eq!(scene.heard("ReserveNow")["evseId"], 1);
        let state = |scene: &Scene<'_>, id: &Value| {
            let known = scene.get("/reservations");
            let items = known["items"].as_array().unwrap().clone();
            let it = items.iter().find(|item| &item["id"] == id);
            it.unwrap_or_else(|| panic!("no {id} in {known}"))["state"].clone()
        };
        assert_eq!(state(scene, &first["id"]), "active");
        let told = json!({"reservationId": first["id"], "reservationUpdateStatus": "Expired"});
        assert_eq!(scene.says("ReservationStatusUpdate", &told), json!({}));
        assert_eq!(state(scene, &first["id"]), "expired");
        let path = format!("/api/v1/devices/{}/reservations/{}", scene.id, second["id"]);
        let cancelled = scene.request("DELETE", &path, &Value::Null);
        assert_eq!(cancelled.status, 200, "{}", cancelled.body);
        assert_eq!(
            scene.heard("CancelReservation")["reservationId"],
            second["id"]
        );
        assert_eq!(state(scene, &second["id"]), "cancelled");
    });
}

/// D01, D02: a list goes out in as many messages as the station can take.
#[test]
fn a_local_list_goes_out_in_parts() {
    check_both("", |scene| {
        scene.boots();
        for n in 0..5 {
            let path = format!("/api/v1/tokens/TAG-{n}");
            let put = scene.request("PUT", &path, &json!({"status": "Accepted"}));
            assert!([200, 201].contains(&put.status), "{}", put.body);
        }
        scene.answers("SendLocalList", &accepted());
        scene.answers("GetLocalListVersion", &json!({"versionNumber": 0}));
        let sent = scene.post(
            "/local-list",
            &json!({"update": "full", "tokens_per_message": 2}),
        );
        assert_eq!(sent.status, 200, "{}", sent.body);
        let sent = sent.json();
        assert_eq!(
            (&sent["tokens"], &sent["messages"]),
            (&json!(5), &json!(3)),
            "{sent}"
        );
        let parts: Vec<_> = (0..3).map(|_| scene.heard("SendLocalList")).collect();
        let kinds: Vec<_> = parts.iter().map(|part| &part["updateType"]).collect();
        assert_eq!(kinds, ["Full", "Differential", "Differential"]);
        let lengths: Vec<_> = parts
            .iter()
            .map(|part| part["localAuthorizationList"].as_array().unwrap().len())
            .collect();
        assert_eq!(lengths, [2, 2, 1]);
    });
}

/// K01, K09, K10: a profile is set, reported in parts, and cleared.
#[test]
fn charging_profiles_are_set_reported_and_cleared() {
    check_both("", |scene| {
        scene.boots();
        let profile = json!({
            "id": 11, "stackLevel": 0, "chargingProfilePurpose": "TxDefaultProfile", "chargingProfileKind": "Absolute",
            "chargingSchedule": [{"id": 1, "startSchedule": NOW, "chargingRateUnit": "A",
                "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 16.5}, {"startPeriod": 3600, "limit": 6}]}],
        });
        scene.commanded(
            "SetChargingProfile",
            &json!({"evseId": 1, "chargingProfile": profile}),
            &accepted(),
        );
        let asked = json!({"requestId": 4, "chargingProfile": {"chargingProfilePurpose": "TxDefaultProfile"}});
        let command = scene.commanded("GetChargingProfiles", &asked, &accepted());
        let mut other = profile.clone();
        other["id"] = json!(12);
        other["stackLevel"] = json!(1);
        for (more, profile) in [(true, &profile), (false, &other)] {
            let told = json!({"requestId": 4, "chargingLimitSource": "CSO", "evseId": 1, "tbc": more, "chargingProfile": [profile]});
            assert_eq!(scene.says("ReportChargingProfiles", &told), json!({}));
        }
        scene.complete(&command);
        let known = scene.get("/charging-profiles");
        assert!(known.to_string().contains("12"), "{known}");
        scene.commanded(
            "ClearChargingProfile",
            &json!({"chargingProfileId": 12}),
            &accepted(),
        );
        let schedule = json!({"evseId": 1, "duration": 600, "scheduleStart": NOW, "chargingRateUnit": "A",
            "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 16.5}]});
        scene.answers(
            "GetCompositeSchedule",
            &json!({"status": "Accepted", "schedule": schedule}),
        );
        let path = format!(
            "/api/v1/devices/{}/composite-schedule?evse_id=1&duration=600&unit=A&compare=true",
            scene.id
        );
        let composite = scene.request("GET", &path, &Value::Null);
        assert_eq!(composite.status, 200, "{}", composite.body);
        let limit = json!({"chargingLimit": {"chargingLimitSource": "EMS", "isGridCritical": true}, "evseId": 1});
        assert_eq!(scene.says("NotifyChargingLimit", &limit), json!({}));
        let cleared = json!({"chargingLimitSource": "EMS", "evseId": 1});
        assert_eq!(scene.says("ClearedChargingLimit", &cleared), json!({}));
    });
}
