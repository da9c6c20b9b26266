//! The lake as other engines read it: DuckDB, Polars and delta-rs against the truth of a fleet.

use std::path::Path;
use std::process::Command;

use super::foreign::{python, script};
use super::server::{Server, Site, TOKEN, loadgen, sigec};

/// Stations whose names begin with `prefix` charge at a server; then every row is in a file.
fn charge(server: &Server, prefix: &str, truth: &Path) {
    let url = server.ocpp_url();
    let fleet = loadgen()
        .args(["fleet", "--url", &url, "--station-prefix", prefix])
        .args(["--stations", "20", "--interval", "60s", "--speed", "600"])
        .args(["--duration", "6s", "--seed", "11", "--truth"])
        .arg(truth)
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
}

/// Every reader finds in the lake what the fleet says it sent.
fn compare(python: &Path, server: &Server, truth: &Path) {
    let output = Command::new(python)
        .arg(script("lake_readers.py"))
        .arg(server.lake())
        .arg(truth)
        .output()
        .unwrap();
    let (report, error) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(output.status.success(), "{report}{error}");
    assert_eq!(report.lines().count(), 3, "{report}");
}

#[test]
fn duckdb_polars_and_delta_rs_agree_with_the_truth_to_the_milliwatt_hour() {
    let Some(python) = python() else { return };
    let site = Site::new();
    let server = site.start(&[]);
    let truth = site.path("truth.ndjson");
    charge(&server, "CP", &truth);
    compare(&python, &server, &truth);
}

#[test]
fn they_agree_when_an_older_program_wrote_half_of_the_lake_with_fewer_columns() {
    let Some(python) = python() else { return };
    let site = Site::new();
    let server = site.start(&[]);
    let (old, new) = (site.path("old.ndjson"), site.path("new.ndjson"));
    charge(&server, "OLD", &old);
    let table = server.lake().join("meter_values");
    assert!(server.stop("TERM").1.success());
    let older = Command::new(&python)
        .arg(script("lake_of_before.py"))
        .arg(table)
        .args(["power_factor", "temperature_c"])
        .output()
        .unwrap();
    assert!(
        older.status.success(),
        "{}",
        String::from_utf8_lossy(&older.stderr)
    );

    let server = site.start(&[]);
    charge(&server, "NEW", &new);
    let truth = [&old, &new].map(|path| std::fs::read_to_string(path).unwrap());
    let both = site.path("both.ndjson");
    std::fs::write(&both, truth.concat()).unwrap();
    compare(&python, &server, &both);
    let rows = server.sql(
        "SELECT count(*) FILTER (WHERE station_id LIKE 'OLD%') > 0 AS old,
                count(*) FILTER (WHERE station_id LIKE 'NEW%') > 0 AS new FROM meter_values",
    );
    assert_eq!(
        (&rows[0]["old"], &rows[0]["new"]),
        (&true.into(), &true.into())
    );
}
