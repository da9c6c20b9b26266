//! `sigec station import`: stations that are known before they come, with a server and without.

use std::fmt::Write;
use std::fs;

use serde_json::json;

use super::raw::{Raw, upgrade, upgrade_as};
use super::server::{Site, TOKEN, sigec};

fn import(data: &str, file: &std::path::Path) -> (bool, String) {
    let output = sigec()
        .args(["station", "import", "--data-dir", data])
        .arg(file)
        .env("SIGEC_TOKEN", TOKEN)
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (
        output.status.success(),
        text(&output.stdout) + &text(&output.stderr),
    )
}

/// Stations `{prefix}0000…` with passwords of their own.
fn stations(prefix: &str, count: usize) -> String {
    let mut csv = "id,password,site,latitude,longitude,connectors\n".to_owned();
    for at in 0..count {
        let id = format!("{prefix}{at:04}");
        writeln!(
            csv,
            "{id},password-of-{id},Site {},-23.55,-46.63,2",
            at % 10
        )
        .unwrap();
    }
    csv
}

fn summary(created: usize, updated: usize, unchanged: usize) -> String {
    format!("{created} created, {updated} updated, {unchanged} unchanged, 0 refused\n")
}

#[test]
fn stations_are_registered_with_and_without_a_server() {
    const COUNT: usize = 2_000;
    let site = Site::new();
    let server = site.start(&[]);
    let data = server.ready.data_dir.to_str().unwrap().to_owned();
    let file = site.path("stations.csv");

    fs::write(&file, stations("ON", COUNT)).unwrap();
    let (ok, said) = import(&data, &file);
    assert!(ok && said.ends_with(&summary(COUNT, 0, 0)), "{said}");

    let last = server.kill();
    fs::write(&file, stations("OFF", COUNT)).unwrap();
    let (ok, said) = import(&data, &file);
    assert!(ok && said.ends_with(&summary(COUNT, 0, 0)), "{said}");

    let server = site.restart(&last, &[]);
    assert_eq!(
        server.sql("SELECT count(*) AS n, count(DISTINCT site) AS sites FROM stations"),
        [json!({"n": (2 * COUNT).to_string(), "sites": "10"})]
    );
    let principals = server.get("/api/v1/principals").json();
    assert_eq!(
        principals["items"].as_array().unwrap().len(),
        1,
        "{principals}"
    );

    // They have the passwords of the file, and may not come without.
    for id in ["ON1999", "OFF0000"] {
        let mut peer = Raw::connect(&server.ready.ocpp);
        peer.send(upgrade(id, "ocpp1.6").as_bytes());
        assert!(peer.head().starts_with("HTTP/1.1 401 "), "{id}");
    }
}

#[test]
fn a_bad_line_is_named_and_stops_no_other() {
    let site = Site::new();
    let server = site.start(&[]);
    let data = server.ready.data_dir.to_str().unwrap();
    let file = site.path("stations.csv");
    fs::write(&file, "id,connectors\nGOOD-1,2\nBAD-1,many\nGOOD-2,\n").unwrap();
    let (ok, said) = import(data, &file);
    assert!(!ok, "{said}");
    assert!(
        said.contains("stations.csv:3: ") && said.contains("many"),
        "{said}"
    );
    assert!(
        said.contains("2 created, 0 updated, 0 unchanged, 1 refused"),
        "{said}"
    );
    // A password is made up for those that had none, and shown.
    assert!(
        said.contains("GOOD-1,") && said.contains("GOOD-2,"),
        "{said}"
    );
}

#[test]
fn the_same_file_again_changes_nothing_and_gives_no_password_away() {
    // More than one request, so that the parts are put together again.
    const COUNT: usize = 12_000;
    let site = Site::new();
    let server = site.start(&[]);
    let data = server.ready.data_dir.to_str().unwrap();
    let file = site.path("stations.csv");
    let mut csv = "id,password,site,latitude,longitude,connectors\n".to_owned();
    for at in 0..COUNT {
        // Every second one brings its own password.
        let password = if at % 2 == 0 {
            ""
        } else {
            "correct horse battery"
        };
        writeln!(csv, "CP{at:05},{password},Site {},-23.55,-46.63,2", at % 10).unwrap();
    }
    fs::write(&file, &csv).unwrap();
    let (ok, said) = import(data, &file);
    assert!(ok && said.ends_with(&summary(COUNT, 0, 0)), "{said}");
    let made_up: Vec<_> = said.lines().filter(|line| line.starts_with("CP")).collect();
    assert_eq!(made_up.len(), COUNT / 2);

    let (ok, said) = import(data, &file);
    assert!(ok, "{said}");
    assert_eq!(said, summary(0, 0, COUNT));

    // A changed column, a changed password, and a line that is wrong far behind the first part.
    let changed = csv
        .replace("CP00002,,Site 2", "CP00002,,Site X")
        .replace(
            "CP00003,correct horse battery",
            "CP00003,another horse battery",
        )
        .replace(
            "CP11999,correct horse battery,Site 9,-23.55",
            "CP11999,,Site 9,south",
        );
    fs::write(&file, changed).unwrap();
    let (ok, said) = import(data, &file);
    assert!(!ok, "{said}");
    assert!(
        said.contains(&format!(
            "stations.csv:{}: latitude is \"south\"",
            COUNT + 1
        )),
        "{said}"
    );
    assert!(
        said.contains(&format!(
            "0 created, 2 updated, {} unchanged, 1 refused",
            COUNT - 3
        )),
        "{said}"
    );
    assert_eq!(
        server.get("/api/v1/devices/CP00002").json()["site"],
        "Site X"
    );

    // The passwords that were shown first still hold, and the changed one does.
    let (id, password) = made_up[1].split_once(',').unwrap();
    assert_eq!(id, "CP00002");
    for (id, password, status) in [
        (id, password, "101"),
        ("CP00001", "correct horse battery", "101"),
        ("CP00003", "correct horse battery", "401"),
        ("CP00003", "another horse battery", "101"),
    ] {
        let mut peer = Raw::connect(&server.ready.ocpp);
        peer.send(upgrade_as(id, password).as_bytes());
        let head = peer.head();
        assert!(
            head.starts_with(&format!("HTTP/1.1 {status} ")),
            "{id}: {head}"
        );
    }
}
