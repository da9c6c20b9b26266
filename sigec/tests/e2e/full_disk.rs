//! A disk that fills up under the live server: nothing is acknowledged that is not stored, `/health` says why, and
//! it goes on by itself once there is space.

use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::raw::{Incoming, Raw, upgrade};
use super::server::{Server, Site};
use super::wait::eventually;

/// Room for two segments of the log, the state store and some tables.
const DISK_MIB: u32 = 400;
/// Of one message; OCPP-J has no smaller limit than ours.
const PAYLOAD_LEN: usize = 900_000;
/// More than what is left in the segments that the log has already.
const MESSAGES_MAX: usize = 400;

#[test]
fn a_full_disk_is_never_acknowledged_and_the_server_recovers_by_itself() {
    let site = Site::new();
    let settings = site.path("sigec.toml");
    std::fs::write(&settings, "[log]\nstall_timeout = \"1s\"\n").unwrap();
    let args = ["--shards", "1", "--config", settings.to_str().unwrap()];
    let Some(server) = site.start_on_small_disk(DISK_MIB, &args) else {
        return;
    };
    let mut station = booted(&server);
    let filler = fill(&inside(&server));

    // The log has room left in what it has taken already; what does not fit any more is not answered.
    let mut acknowledged = 0;
    loop {
        assert!(acknowledged < MESSAGES_MAX, "the disk is not full");
        station.text(&transfer(acknowledged));
        match station.next() {
            Incoming::Text(answer) => {
                let expected = format!("[3,\"m{acknowledged}\",");
                assert!(answer.starts_with(&expected), "{answer}");
                acknowledged += 1;
            }
            Incoming::Close(_) | Incoming::End => break,
            Incoming::Pong(_) => {}
        }
    }
    assert!(acknowledged > 0, "nothing was ever acknowledged");

    let health = eventually("the full disk in /health", || {
        let answer = server.get("/health");
        let health = answer.json();
        let log = &health["logs"][0];
        let told = log["detail"]
            .as_str()
            .is_some_and(|why| why.contains("disk is full"));
        if answer.status == 503 && told {
            Ok(health)
        } else {
            Err(answer.body)
        }
    });
    assert_eq!(health["logs"][0]["status"], "down", "{health}");
    assert_eq!(server.get("/health/ready").status, 503);
    let mut refused = Raw::connect(&server.ready.ocpp);
    refused.send(upgrade("FULL-1", "ocpp1.6").as_bytes());
    assert!(refused.head().starts_with("HTTP/1.1 503 "));

    std::fs::remove_file(filler).unwrap();
    eventually("readiness after the disk has space again", || {
        let answer = server.get("/health/ready");
        if answer.status == 200 {
            Ok(())
        } else {
            Err(server.get("/health").body)
        }
    });
    // The station comes back with what was never acknowledged.
    let mut station = booted(&server);
    station.text(&transfer(acknowledged));
    match station.next() {
        Incoming::Text(answer) => assert!(answer.starts_with("[3,"), "{answer}"),
        other => panic!("{other:?}"),
    }
    let count = "SELECT count(DISTINCT message_id) AS n FROM ocpp_messages \
                 WHERE direction = 'from_station' AND action = 'DataTransfer'";
    let all: Value = json!((acknowledged + 1).to_string());
    server.sql_until(count, |rows| rows[0]["n"] == all);
}

fn booted(server: &Server) -> Raw {
    let mut station = Raw::station(&server.ready.ocpp, "FULL-1", "ocpp1.6");
    station.text(
        "[2,\"boot\",\"BootNotification\",{\"chargePointVendor\":\"V\",\"chargePointModel\":\"M\"}]",
    );
    match station.next() {
        Incoming::Text(answer) => assert!(answer.contains("Accepted"), "{answer}"),
        other => panic!("{other:?}"),
    }
    station
}

fn transfer(number: usize) -> String {
    let data = "x".repeat(PAYLOAD_LEN);
    format!("[2,\"m{number}\",\"DataTransfer\",{{\"vendorId\":\"V\",\"data\":\"{data}\"}}]")
}

/// The data directory as the server sees it, whatever is mounted there.
fn inside(server: &Server) -> PathBuf {
    let data = server.ready.data_dir.strip_prefix("/").unwrap();
    Path::new("/proc")
        .join(server.ready.pid.to_string())
        .join("root")
        .join(data)
}

/// Takes all the space there is.
fn fill(directory: &Path) -> PathBuf {
    let path = directory.join("filler");
    let mut file = File::create(&path).unwrap();
    let block = vec![0; 64 << 10];
    loop {
        match file.write(&block) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::StorageFull => return path,
            Err(error) => panic!("{error}"),
        }
    }
}
