//! What 1.6 has of its own, with the security whitepaper, which the libraries know the messages of.

use serde_json::{Value, json};

use super::{NOW, accepted, check, now};

const V16: &str = "ocpp1.6";

/// A03, M03 to M05, A04, L01, N01 and 5.5 of the whitepaper, but for certificates of a CA's.
#[test]
fn the_security_extensions_go_both_ways() {
    check(V16, "", |scene| {
        scene.boots();
        let event = json!({"type": "TamperDetectionActivated", "timestamp": NOW, "techInfo": "Deckel ge\u{f6}ffnet"});
        assert_eq!(scene.says("SecurityEventNotification", &event), json!({}));
        let events = scene.get_until("/security-events", "TamperDetectionActivated");
        assert_eq!(
            events["items"][0]["type"], "TamperDetectionActivated",
            "{events}"
        );

        let trigger = json!({"requestedMessage": "LogStatusNotification"});
        scene.commanded("ExtendedTriggerMessage", &trigger, &accepted());
        assert_eq!(
            scene.says("LogStatusNotification", &json!({"status": "Idle"})),
            json!({})
        );

        let log = json!({"logType": "SecurityLog", "requestId": 2, "log": {"remoteLocation": "https://files.example/up"}});
        let command = scene.commanded(
            "GetLog",
            &log,
            &json!({"status": "Accepted", "filename": "s.log"}),
        );
        for status in ["Uploading", "Uploaded"] {
            let told = json!({"status": status, "requestId": 2});
            assert_eq!(scene.says("LogStatusNotification", &told), json!({}));
        }
        scene.complete(&command);

        let firmware = json!({"requestId": 3, "firmware": {"location": "https://files.example/fw", "retrieveDateTime": NOW,
            "signingCertificate": "-----BEGIN CERTIFICATE-----", "signature": "c2ln"}});
        let command = scene.commanded("SignedUpdateFirmware", &firmware, &accepted());
        for status in [
            "Downloading",
            "Downloaded",
            "SignatureVerified",
            "Installing",
            "InstallRebooting",
            "Installed",
        ] {
            let told = json!({"status": status, "requestId": 3});
            assert_eq!(
                scene.says("SignedFirmwareStatusNotification", &told),
                json!({})
            );
        }
        let command = scene.complete(&command);
        assert_eq!(
            command["follow_ups"].as_array().unwrap().len(),
            6,
            "{command}"
        );

        let hash = json!({"hashAlgorithm": "SHA256", "issuerNameHash": "aa", "issuerKeyHash": "bb", "serialNumber": "1"});
        let kind = json!({"certificateType": "CentralSystemRootCertificate"});
        let known = json!({"status": "Accepted", "certificateHashData": [hash]});
        scene.commanded("GetInstalledCertificateIds", &kind, &known);
        assert_eq!(
            scene.get("/certificates")["installed"]
                .as_array()
                .unwrap()
                .len(),
            1
        );
        scene.commanded(
            "DeleteCertificate",
            &json!({"certificateHashData": hash}),
            &accepted(),
        );
        assert_eq!(scene.get("/certificates")["installed"], json!([]));
    });
}

/// 5.1, 5.13: a connector is kept for a driver, used by a charge, and another one is given back.
#[test]
fn a_connector_is_reserved_used_and_given_back() {
    check(V16, "", |scene| {
        scene.boots();
        scene.answers("ReserveNow", &accepted());
        scene.answers("CancelReservation", &accepted());
        let wanted = json!({"id_token": {"id_token": "TAG"}, "connector_id": 1, "expires_at": "2099-01-01T00:00:00Z"});
        let reserved: Vec<Value> = (0..2)
            .map(|_| {
                let answer = scene.post("/reservations", &wanted);
                assert_eq!(answer.status, 201, "{}", answer.body);
                answer.json()["id"].clone()
            })
            .collect();
        assert_eq!(scene.heard("ReserveNow")["idTag"], "TAG");
        let path = format!("/api/v1/devices/{}/reservations/{}", scene.id, reserved[1]);
        let cancelled = scene.request("DELETE", &path, &Value::Null);
        assert_eq!(cancelled.status, 200, "{}", cancelled.body);
        assert_eq!(
            scene.heard("CancelReservation")["reservationId"],
            reserved[1]
        );

        let start = json!({"connectorId": 1, "idTag": "TAG", "meterStart": 5, "timestamp": now(), "reservationId": reserved[0]});
        let started = scene.says("StartTransaction", &start);
        let stop = json!({"transactionId": started["transactionId"], "meterStop": 1005, "timestamp": now()});
        scene.says("StopTransaction", &stop);
        let known = scene.get("/reservations");
        let mut states: Vec<_> = known["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| item["state"].as_str().unwrap().to_owned())
            .collect();
        states.sort();
        assert_eq!(states, ["cancelled", "used"], "{known}");
    });
}

/// 5.15: a list goes out in parts, and what changed follows alone.
#[test]
fn a_local_list_goes_out_in_parts_and_then_what_changed() {
    check(V16, "", |scene| {
        scene.boots();
        let put = |n: u32, status: &str| {
            let path = format!("/api/v1/tokens/TAG-{n}");
            let put = scene.request("PUT", &path, &json!({"status": status}));
            assert!([200, 201].contains(&put.status), "{}", put.body);
        };
        (0..5).for_each(|n| put(n, "Accepted"));
        put(5, "Blocked");
        scene.answers("SendLocalList", &accepted());
        let sent = scene.post(
            "/local-list",
            &json!({"update": "full", "tokens_per_message": 4}),
        );
        assert_eq!(sent.status, 200, "{}", sent.body);
        let parts = [scene.heard("SendLocalList"), scene.heard("SendLocalList")];
        assert_eq!(parts[0]["updateType"], "Full");
        let version = parts[1]["listVersion"].clone();
        let put = scene.request("PUT", "/api/v1/tokens/TAG-0", &json!({"status": "Blocked"}));
        assert_eq!(put.status, 200, "{}", put.body);
        scene.answers("GetLocalListVersion", &json!({"listVersion": version}));
        let sent = scene.post("/local-list", &json!({"update": "differential"}));
        assert_eq!(sent.status, 200, "{}", sent.body);
        let changed = scene.heard("SendLocalList");
        let entries = changed["localAuthorizationList"].as_array().unwrap();
        assert_eq!(
            (entries.len(), &entries[0]["idTag"]),
            (1, &json!("TAG-0")),
            "{changed}"
        );
        // For the station of the other library.
        scene.request(
            "PUT",
            "/api/v1/tokens/TAG-0",
            &json!({"status": "Accepted"}),
        );
    });
}

/// 5.5, 5.7, 5.16: a profile is set, worked out and cleared.
#[test]
fn charging_profiles_are_set_compared_and_cleared() {
    check(V16, "", |scene| {
        scene.boots();
        let profile = json!({
            "chargingProfileId": 11, "stackLevel": 0, "chargingProfilePurpose": "TxDefaultProfile", "chargingProfileKind": "Absolute",
            "chargingSchedule": {"startSchedule": NOW, "chargingRateUnit": "A", "minChargingRate": 6.5,
                "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 16.5}, {"startPeriod": 3600, "limit": 6.5}]},
        });
        scene.commanded(
            "SetChargingProfile",
            &json!({"connectorId": 1, "csChargingProfiles": profile}),
            &accepted(),
        );
        let schedule = json!({"duration": 600, "chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 16.5}]});
        scene.answers(
            "GetCompositeSchedule",
            &json!({"status": "Accepted", "connectorId": 1, "scheduleStart": NOW, "chargingSchedule": schedule}),
        );
        let path = format!(
            "/api/v1/devices/{}/composite-schedule?evse_id=1&duration=600&unit=A&compare=true",
            scene.id
        );
        let composite = scene.request("GET", &path, &Value::Null);
        assert_eq!(composite.status, 200, "{}", composite.body);
        scene.heard("GetCompositeSchedule");
        scene.commanded("ClearChargingProfile", &json!({"id": 11}), &accepted());
    });
}
