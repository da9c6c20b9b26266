//! `sigec station import`: stations that are known before they come, with a server and without.

use std::fmt::Write;
use std::fs;

use serde_json::json;

use super::raw::{Raw, upgrade};
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

#[test]
fn stations_are_registered_with_and_without_a_server() {
    const COUNT: usize = 2_000;
    let site = Site::new();
    let server = site.start(&[]);
    let data = server.ready.data_dir.to_str().unwrap().to_owned();
    let file = site.path("stations.csv");

    fs::write(&file, stations("ON", COUNT)).unwrap();
    let (ok, said) = import(&data, &file);
    assert!(ok && said.contains("2000 imported, 0 refused"), "{said}");

    let last = server.kill();
    fs::write(&file, stations("OFF", COUNT)).unwrap();
    let (ok, said) = import(&data, &file);
    assert!(ok && said.contains("2000 imported, 0 refused"), "{said}");

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
    assert!(said.contains("2 imported, 1 refused"), "{said}");
    // A password is made up for those that had none, and shown.
    assert!(
        said.contains("GOOD-1,") && said.contains("GOOD-2,"),
        "{said}"
    );
}
