//! The lake as other engines read it: DuckDB, Polars and delta-rs against the truth of a fleet.

use std::process::Command;

use super::foreign::{python, script};
use super::server::{Site, TOKEN, loadgen, sigec};

#[test]
fn duckdb_polars_and_delta_rs_agree_with_the_truth_to_the_milliwatt_hour() {
    let Some(python) = python() else { return };
    let site = Site::new();
    let server = site.start(&[]);
    let truth = site.path("truth.ndjson");
    let fleet = loadgen()
        .args([
            "fleet",
            "--url",
            &server.ocpp_url(),
            "--stations",
            "20",
            "--interval",
            "60s",
        ])
        .args([
            "--speed",
            "600",
            "--duration",
            "6s",
            "--seed",
            "11",
            "--truth",
        ])
        .arg(&truth)
        .output()
        .unwrap();
    assert!(
        fleet.status.success(),
        "{}",
        String::from_utf8_lossy(&fleet.stderr)
    );

    let flush = sigec()
        .args(["lake", "flush", "--data-dir"])
        .arg(&server.ready.data_dir)
        .env("SIGEC_TOKEN", TOKEN)
        .output()
        .unwrap();
    assert!(
        flush.status.success(),
        "{}",
        String::from_utf8_lossy(&flush.stderr)
    );

    let output = Command::new(python)
        .arg(script("lake_readers.py"))
        .args([&server.lake(), &truth])
        .output()
        .unwrap();
    let (report, error) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(output.status.success(), "{report}{error}");
    assert_eq!(report.lines().count(), 3, "{report}");
}
