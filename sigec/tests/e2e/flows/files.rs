//! Logs from stations and firmware for them, by the server's own place for files.

use serde_json::{Value, json};

use super::{Scene, check};
use crate::e2e::server::TOKEN;

/// The station puts its log where it was told to, and the operator reads it.
fn log_arrives(scene: &mut Scene<'_>, action: &str, location: &str, status: (&str, Value)) {
    scene.boots();
    scene.answers(
        action,
        &match action {
            "GetDiagnostics" => json!({"fileName": "log.txt"}),
            _ => json!({"status": "Accepted", "filename": "log.txt"}),
        },
    );
    let answer = scene.post("/logs", &json!({"type": "DiagnosticsLog"}));
    assert_eq!(answer.status, 200, "{}", answer.body);
    let command = answer.json();
    let asked = scene.heard(action);
    let url = asked
        .pointer(location)
        .unwrap()
        .as_str()
        .unwrap()
        .to_owned();
    let said = |scene: &mut Scene<'_>, state: &str| {
        let mut told = status.1.clone();
        told["status"] = json!(state);
        if let Some(request) = asked.get("requestId") {
            told["requestId"] = request.clone();
        }
        assert_eq!(scene.says(status.0, &told), json!({}));
    };
    said(scene, "Uploading");
    let log = format!("12:00 {} \u{2713}\n", scene.id);
    scene
        .station
        .tell(&json!({"do": "put", "url": url, "body": log}));
    let put = scene.next("put");
    assert!(
        [200, 201].contains(&put["status"].as_u64().unwrap()),
        "{put}"
    );
    said(scene, "Uploaded");
    let command = scene.complete(&command);
    let file = command["files"][0]["id"]
        .as_str()
        .unwrap_or_else(|| panic!("{command}"));
    let content = scene.server.request(
        "GET",
        &format!("/api/v1/files/{file}/content"),
        TOKEN,
        &[],
        "",
    );
    assert_eq!((content.status, content.body), (200, log));
    // One URL takes one file.
    scene
        .station
        .tell(&json!({"do": "put", "url": url, "body": "again"}));
    assert_eq!(scene.next("put")["status"], 410);
}

/// The station fetches its firmware by a URL of the server and installs it.
fn firmware_is_installed(scene: &mut Scene<'_>, location: &str, told: &str) {
    scene.boots();
    let image = "firmware 2.0, \u{2713}\n";
    let put = scene.server.request(
        "POST",
        "/api/v1/files?name=fw-2.0.bin",
        TOKEN,
        &[("Content-Type", "application/octet-stream")],
        image,
    );
    assert_eq!(put.status, 201, "{}", put.body);
    scene.answers(
        "UpdateFirmware",
        &match scene.protocol {
            "ocpp1.6" => json!({}),
            _ => json!({"status": "Accepted"}),
        },
    );
    let wanted = json!({"file_id": put.json()["id"], "retrieve_at": "2026-11-23T02:00:00Z"});
    let answer = scene.post("/firmware", &wanted);
    assert_eq!(answer.status, 200, "{}", answer.body);
    let asked = scene.heard("UpdateFirmware");
    let url = asked.pointer(location).unwrap().clone();
    for state in ["Downloading", "Downloaded", "Installing", "Installed"] {
        let mut status = json!({"status": state});
        if let Some(request) = asked.get("requestId") {
            status["requestId"] = request.clone();
        }
        assert_eq!(scene.says(told, &status), json!({}));
        if state == "Downloading" {
            scene.station.tell(&json!({"do": "get", "url": url}));
            let got = scene.next("got");
            assert_eq!((&got["status"], &got["body"]), (&json!(200), &json!(image)));
        }
    }
    let command = scene.complete(&answer.json());
    assert_eq!(
        command["follow_ups"].as_array().unwrap().len(),
        4,
        "{command}"
    );
}

#[test]
fn a_1_6_station_sends_its_diagnostics_and_installs_firmware() {
    check("ocpp1.6", "", |scene| {
        let status = ("DiagnosticsStatusNotification", json!({}));
        log_arrives(scene, "GetDiagnostics", "/location", status);
        firmware_is_installed(scene, "/location", "FirmwareStatusNotification");
    });
}

#[test]
fn a_2_x_station_sends_its_log_and_installs_firmware() {
    for protocol in ["ocpp2.0.1", "ocpp2.1"] {
        check(protocol, "", |scene| {
            let status = ("LogStatusNotification", json!({}));
            log_arrives(scene, "GetLog", "/log/remoteLocation", status);
            firmware_is_installed(scene, "/firmware/location", "FirmwareStatusNotification");
        });
    }
}
