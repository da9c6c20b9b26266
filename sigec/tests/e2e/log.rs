//! `sigec log` over what a real run left.

use std::path::Path;
use std::sync::Arc;

use fleet::{StationKey, UtcMicros, record, wire};
use storage::disk::RealDisk;
use storage::log::{Log, LogConfig, shard_dir};

use super::server::{Site, loadgen, output, sigec};

fn run(args: &[&str]) -> (bool, String, String) {
    let output = sigec().args(args).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (
        output.status.success(),
        text(&output.stdout),
        text(&output.stderr),
    )
}

#[test]
fn the_log_of_a_killed_server_is_verified_and_printed() {
    let site = Site::new();
    let server = site.start(&["--shards", "2"]);
    let fleet = loadgen()
        .args([
            "fleet",
            "--url",
            &server.ocpp_url(),
            "--stations",
            "6",
            "--scenario",
            "idle",
        ])
        .args(["--duration", "1s"])
        .output()
        .unwrap();
    assert!(
        fleet.status.success(),
        "{}",
        String::from_utf8_lossy(&fleet.stderr)
    );
    let data = server.ready.data_dir.to_str().unwrap().to_owned();

    let (ok, _, error) = run(&["log", "verify", "--data-dir", &data]);
    assert!(!ok && error.contains("in use by process"), "{error}");
    server.kill();

    let (ok, verified, error) = run(&["log", "verify", "--data-dir", &data]);
    assert!(ok, "{error}");
    assert_eq!(verified.matches("shard ").count(), 2, "{verified}");

    let (ok, dumped, error) = run(&["log", "dump", "--data-dir", &data]);
    assert!(ok, "{error}");
    for station in 1..=6 {
        assert!(
            dumped.contains(&format!("default/CP{station:05}")),
            "{station}: {dumped}"
        );
    }
    let (_, limited, _) = run(&["log", "dump", "--data-dir", &data, "--limit", "3"]);
    assert_eq!(
        limited.lines().collect::<Vec<_>>(),
        dumped.lines().take(3).collect::<Vec<_>>()
    );
}

#[test]
fn a_directory_that_is_none_is_named_and_not_made() {
    let site = Site::new();
    let data = site.path("nowhere");
    let (ok, _, error) = run(&["log", "verify", "--data-dir", data.to_str().unwrap()]);
    assert!(!ok && error.contains("is no data directory"), "{error}");
    assert!(!data.exists());
}

/// Puts a record into the log of a stopped server, as a program that knows one version more writes it.
fn append_newer(data_dir: &Path, fact: impl Into<wire::Fact>) {
    let (mut log, _) = Log::open(
        &shard_dir(data_dir, 0),
        LogConfig::default(),
        Arc::new(RealDisk),
        || {},
    )
    .unwrap();
    let station = StationKey::new("default", "CP1").unwrap();
    let mut bytes = Vec::new();
    wire::Writer::default().write_fact(&mut bytes, &station, UtcMicros(0), &fact.into());
    bytes[2] = 200;
    log.append(&bytes).unwrap();
    log.shutdown().unwrap();
}

#[test]
fn a_start_passes_by_history_that_it_cannot_read_and_nothing_else() {
    let site = Site::new();
    let server = site.start(&["--shards", "1"]);
    let (ready, _) = server.stop("TERM");
    let data = ready.data_dir.to_str().unwrap();
    let frame = record::Message {
        direction: 1,
        message_type: 2,
        message_id: "m1".into(),
        action: "Heartbeat".into(),
        raw: r#"[2,"m1","Heartbeat",{}]"#.into(),
    };
    append_newer(&ready.data_dir, frame);

    let (ok, listed, error) = run(&["log", "verify", "--data-dir", data]);
    assert!(
        !ok && error.contains("1 records passed their sums"),
        "{error}"
    );
    assert!(listed.contains("kind 10 version 200"), "{listed}");
    let (ok, dumped, _) = run(&["log", "dump", "--data-dir", data]);
    assert!(ok && dumped.contains(" unreadable: "), "{dumped}");

    let server = site.restart(&ready, &["--shards", "1"]);
    let health = server.get("/health").json();
    assert_eq!(health["state"]["status"], "degraded", "{health}");
    assert!(health["ready"].as_bool().unwrap(), "{health}");
    let metrics = server.get("/metrics").body;
    assert!(
        metrics.contains("\nsigec_log_records_aside 1\n"),
        "{metrics}"
    );
    let aside: Vec<_> = std::fs::read_dir(ready.data_dir.join("aside"))
        .unwrap()
        .collect();
    assert_eq!(aside.len(), 1);
    assert!(server.log().contains("passed by"), "{}", server.log());
    let (ready, _) = server.stop("TERM");

    let notified = record::Notified {
        action: "NotifyReport".into(),
        payload: "{}".into(),
    };
    append_newer(&ready.data_dir, notified);
    let mut again = sigec();
    again.args(["run", "--shards", "1", "--data-dir", data]);
    for listener in ["--ocpp", "--http", "--postgres"] {
        again.args([listener, "127.0.0.1:0"]);
    }
    let refused = output(&mut again);
    let error = String::from_utf8(refused.stderr).unwrap();
    assert!(!refused.status.success(), "{error}");
    assert!(
        error.contains("may change state and cannot be read"),
        "{error}"
    );
    assert!(error.contains("/log/000/"), "{error}");
}
