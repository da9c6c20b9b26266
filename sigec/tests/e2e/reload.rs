//! `SIGHUP`: the configuration is read again by a server that runs.

use std::fs;
use std::process::Command;

use serde_json::{Value, json};

use super::raw::{Incoming, Raw};
use super::server::{Server, Site};
use super::wait::eventually;

/// Writes the file, has the server read it, and waits until `/health` shows what came of that.
fn reload(server: &Server, site: &Site, settings: &str, shows: impl Fn(&Value) -> bool) -> Value {
    fs::write(site.path("sigec.toml"), settings).unwrap();
    let told = Command::new("kill")
        .args(["-HUP", &server.ready.pid.to_string()])
        .status();
    assert!(told.unwrap().success());
    eventually("the configuration was read", || {
        let health = server.get("/health").json();
        match shows(&health["configuration"]) {
            true => Ok(health),
            false => Err(health["configuration"].to_string()),
        }
    })
}

/// The interval that a station is told.
fn interval(station: &mut Raw, id: u8) -> Value {
    station.text(&format!(
        r#"[2,"{id}","BootNotification",{{"chargePointVendor":"V","chargePointModel":"M"}}]"#
    ));
    let Incoming::Text(answer) = station.next() else {
        panic!("no answer to a boot");
    };
    let answer: Value = serde_json::from_str(&answer).unwrap();
    answer[2]["interval"].clone()
}

#[test]
fn a_running_server_takes_what_it_can_names_what_it_cannot_and_survives_what_is_wrong() {
    const SECRET: &str = "a-password-that-no-log-has";
    let site = Site::new();
    let file = site.path("sigec.toml");
    fs::write(&file, "[ocpp]\nheartbeat_interval = \"60s\"\n").unwrap();
    let server = site.start(&["--config", file.to_str().unwrap()]);
    let mut station = Raw::station(&server.ready.ocpp, "CP1", "ocpp1.6");
    assert_eq!(interval(&mut station, 1), 60);
    let started = server.get("/health").json()["configuration"].clone();
    assert_eq!(
        (&started["status"], &started["needs_restart"]),
        (&json!("ok"), &json!([]))
    );

    // The flags of the start still go before the file.
    let settings = format!(
        "[ocpp]\nlisten = \"127.0.0.1:1\"\nheartbeat_interval = \"77s\"\n[log]\nbytes_max = \"1GiB\"\n\
         [logging]\nfilter = \"warn\"\n[vat]\nurl = \"https://sigec:{SECRET}@vat.example\"\n"
    );
    let health = reload(&server, &site, &settings, |configuration| {
        configuration["needs_restart"] == json!(["log.bytes_max", "vat.url"])
    });
    assert_eq!(health["status"], "ok");
    assert_ne!(health["configuration"]["read_at"], started["read_at"]);
    assert_eq!(interval(&mut station, 2), 77, "on the same connection");
    let needs_restart = r#"needs a restart: log.bytes_max (was "8GiB", is "1GiB"), vat.url (was "none", is a URL with a secret)"#;
    assert!(server.log().contains(needs_restart), "{}", server.log());

    let read_at = health["configuration"]["read_at"].clone();
    let broken = "[ocpp]\nheartbeat_interval = \"88\"\n[http]\nrate_anonymous = 7\n";
    let health = reload(&server, &site, broken, |configuration| {
        configuration["status"] == "degraded"
    });
    assert_eq!(
        (&health["status"], &health["configuration"]["read_at"]),
        (&json!("degraded"), &read_at)
    );
    assert_eq!(interval(&mut station, 3), 77);
    assert!(
        server
            .get("/metrics")
            .body
            .contains("\nsigec_configuration_reload_failed 1\n")
    );
    let log = server.log();
    assert!(
        log.contains("SIGHUP: the configuration stays as it was")
            && log.contains("ocpp.heartbeat_interval from")
            && log.contains("a duration with its unit"),
        "{log}"
    );

    // What is logged was set to warnings at the first time, and to all at the second.
    assert!(!log.contains("SIGHUP: the configuration was read again"));
    let health = reload(&server, &site, "", |configuration| {
        configuration["status"] == "ok"
    });
    assert_eq!(health["configuration"]["needs_restart"], json!([]));
    assert_eq!(interval(&mut station, 4), 300);
    let log = server.log();
    assert!(
        log.contains("SIGHUP: the configuration was read again"),
        "{log}"
    );
    assert!(!log.contains(SECRET), "{log}");

    // A file that it names is as good as a part of it.
    let settings = "[quirks]\npath = \"missing\"\n[ocpp]\nheartbeat_interval = \"99s\"\n";
    reload(&server, &site, settings, |configuration| {
        configuration["status"] == "degraded"
    });
    assert_eq!(interval(&mut station, 5), 300);
    let log = server.log();
    assert!(log.contains("reading quirk profiles"), "{log}");
}
