//! `sigec log` over what a real run left.

use super::server::{Site, loadgen, sigec};

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
