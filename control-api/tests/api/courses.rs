use std::sync::Arc;
use std::time::Duration;

use expect_test::expect;
use sdk::{Command, CommandState, DownloadUrlRequest, FirmwareRequest, LogRequest, LogType};
use serde_json::{Value, json};

use super::world::{World, problem, refusal, with_server};

const WAIT: Option<Duration> = Some(Duration::from_secs(30));

fn log(kind: LogType) -> LogRequest {
    LogRequest {
        kind,
        from: Some("2026-11-22T00:00:00Z".into()),
        to: None,
        location: None,
        retries: Some(2),
        retry_interval: None,
        size_max: None,
        expires_in: None,
    }
}

/// What a station was asked, with the secret of its URL out of sight, and the URL.
fn shown(mut payload: Value, url: &str) -> (String, String) {
    let member = payload.pointer_mut(url).unwrap();
    let found = member.as_str().unwrap().to_owned();
    let (path, secret) = found.rsplit_once('/').unwrap();
    assert_eq!(secret.len(), 32);
    *member = path.split("/files").nth(1).unwrap().into();
    if let Some(id) = payload.get_mut("requestId") {
        assert!(id.is_u64());
        *id = 7.into();
    }
    (payload.to_string(), found)
}

async fn put(url: &str, bytes: &[u8]) -> u16 {
    let request = reqwest::Client::new().put(url).body(bytes.to_vec());
    request.send().await.unwrap().status().as_u16()
}

/// Asks for the command until it is complete, which the station's messages make it.
async fn complete(world: &World, id: &str) -> Command {
    let asking = async {
        loop {
            let command = world.admin.command_by_id(id).await.unwrap();
            if command.complete == Some(true) {
                return command;
            }
            tokio::task::yield_now().await;
        }
    };
    let asked = tokio::time::timeout(Duration::from_secs(30), asking);
    asked.await.expect("the course ends")
}

#[test]
fn a_station_sends_its_log_and_the_command_shows_it() {
    with_server(async |world: Arc<World>| {
        let mut station = world.station("CP1", None).await;
        station.boot().await;
        let request = log(LogType::DiagnosticsLog);
        let asking = world.admin.get_log("CP1", &request, WAIT);
        let answering = station.answer("GetDiagnostics", json!({"fileName": "log.gz"}));
        let (command, payload) = tokio::join!(asking, answering);
        let command = command.unwrap();
        let (payload, url) = shown(payload, "/location");
        expect![[r#"{"location":"/u","retries":2,"startTime":"2026-11-22T00:00:00Z"}"#]]
            .assert_eq(&payload);
        // Nobody who reads the command can use its URL.
        let kept = command.payload["location"].as_str().unwrap();
        assert_eq!(
            Some(kept),
            url.rsplit_once('/')
                .map(|(path, _)| format!("{path}/***"))
                .as_deref()
        );

        for status in ["Uploading", "Uploaded"] {
            let told = json!({"status": status});
            station.call("DiagnosticsStatusNotification", told).await;
        }
        assert_eq!(put(&format!("{url}/log.gz"), b"what happened").await, 201);
        let command = complete(&world, &command.id).await;
        let [file] = &command.files[..] else {
            panic!("one file, found {command:?}");
        };
        assert_eq!((&*file.name, file.size), ("log.gz", 13));
        assert_eq!(file.command_id.as_ref(), Some(&command.id));
        assert_eq!(file.device_id.as_deref(), Some("CP1"));
        let bytes = world.admin.file_content(&file.id).await.unwrap();
        assert_eq!(bytes, b"what happened");
    });
}

#[test]
fn a_url_that_no_station_has_a_use_for_is_none() {
    with_server(async |world: Arc<World>| {
        let mut station = world.station("CP1", None).await;
        station.boot().await;
        let request = log(LogType::SecurityLog);
        let asking = world.admin.get_log("CP1", &request, WAIT);
        let answering = station.answer("GetLog", json!({"status": "Rejected"}));
        let (command, payload) = tokio::join!(asking, answering);
        assert_eq!(command.unwrap().state, CommandState::Answered);
        let (payload, url) = shown(payload, "/log/remoteLocation");
        expect![[r#"{"log":{"oldestTimestamp":"2026-11-22T00:00:00Z","remoteLocation":"/u"},"logType":"SecurityLog","requestId":7,"retries":2}"#]].assert_eq(&payload);
        assert_eq!(put(&url, b"x").await, 404);
        drop(station);
        let unknown = world.admin.get_log("CP2", &request, WAIT).await;
        assert_eq!(refusal(unknown), "404 not_found");
        let long = LogRequest {
            size_max: Some(1 << 40),
            ..request
        };
        let detail = problem(world.admin.get_log("CP1", &long, None).await).detail;
        assert_eq!(
            detail,
            "/size_max: 1099511627776, expected 1 to 1048576 bytes (`files.size_max`)"
        );
    });
}

#[test]
fn a_url_that_its_station_refuses_later_is_no_more() {
    with_server(async |world: Arc<World>| {
        let mut station = world.station("CP1", None).await;
        station.boot().await;
        for (answer, expected) in [("Accepted", 201), ("Rejected", 404)] {
            let request = log(LogType::SecurityLog);
            let command = world.admin.get_log("CP1", &request, None).await.unwrap();
            let answering = station.answer("GetLog", json!({"status": answer}));
            let (_, url) = shown(answering.await, "/log/remoteLocation");
            while world.admin.command_by_id(&command.id).await.unwrap().state
                != CommandState::Answered
            {
                tokio::task::yield_now().await;
            }
            assert_eq!(put(&url, b"x").await, expected, "{answer}");
        }
    });
}

#[test]
fn a_station_fetches_its_firmware_and_the_command_shows_how_far_it_is() {
    with_server(async |world: Arc<World>| {
        let put = world
            .admin
            .put_file(
                "fw.bin",
                b"firmware".to_vec(),
                &DownloadUrlRequest::default(),
            )
            .await
            .unwrap();
        let mut station = world.station("CP1", None).await;
        station.boot().await;
        let mut request = FirmwareRequest {
            file_id: Some(put.file.id.clone()),
            retrieve_at: Some("2026-11-22T10:00:00Z".into()),
            retries: Some(1),
            ..FirmwareRequest::default()
        };
        let asking = world.admin.update_firmware("CP1", &request, WAIT);
        let (command, payload) = tokio::join!(asking, station.answer("UpdateFirmware", json!({})));
        let (payload, url) = shown(payload, "/location");
        expect![[r#"{"location":"/d","retries":1,"retrieveDate":"2026-11-22T10:00:00Z"}"#]]
            .assert_eq(&payload);
        for expected in [200, 200, 410] {
            let response = reqwest::get(&url).await.unwrap();
            assert_eq!(response.status().as_u16(), expected);
            // One that is not read to its end does not count.
            response.bytes().await.unwrap();
        }
        for status in ["Downloading", "Downloaded", "Installing", "Installed"] {
            station
                .call("FirmwareStatusNotification", json!({"status": status}))
                .await;
        }
        let command = complete(&world, &command.unwrap().id).await;
        assert_eq!(command.follow_ups_count, 4);
        assert!(command.files.is_empty());

        request.install_at = Some("2026-11-22T11:00:00Z".into());
        let refused = world.admin.update_firmware("CP1", &request, WAIT).await;
        assert_eq!(refusal(refused), "422 invalid");
        request.signature = Some("c2ln".into());
        let refused = world.admin.update_firmware("CP1", &request, WAIT).await;
        assert_eq!(refusal(refused), "422 invalid");
        request.signing_certificate = Some("-----BEGIN CERTIFICATE-----".into());
        let asking = world.admin.update_firmware("CP1", &request, WAIT);
        let accepted = json!({"status": "Accepted"});
        let answering = station.answer("SignedUpdateFirmware", accepted);
        let (command, payload) = tokio::join!(asking, answering);
        command.unwrap();
        let (payload, _) = shown(payload, "/firmware/location");
        expect![[r#"{"firmware":{"installDateTime":"2026-11-22T11:00:00Z","location":"/d","retrieveDateTime":"2026-11-22T10:00:00Z","signature":"c2ln","signingCertificate":"-----BEGIN CERTIFICATE-----"},"requestId":7,"retries":1}"#]].assert_eq(&payload);

        request.location = Some("https://files.example/fw.bin".into());
        let both = world.admin.update_firmware("CP1", &request, WAIT).await;
        assert_eq!(refusal(both), "422 invalid");
        request.file_id = Some("0".into());
        request.location = None;
        let unknown = world.admin.update_firmware("CP1", &request, WAIT).await;
        assert_eq!(refusal(unknown), "404 not_found");
    });
}
