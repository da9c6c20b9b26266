//! Fleets over real sockets against a CSMS that drops connections in the middle, and the echo.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod csms;
mod echo;
mod flags;
mod foreign;
mod peers;
mod storm;
mod suite;
mod tls;

use std::collections::HashSet;
use std::process::{Command, Output};

use csms::{Fault, Server};
use loadgen::truth::{self, Kind};

fn loadgen(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_loadgen"))
        .args(args)
        .output()
        .unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Compares the truth with what the server kept.
fn verify(truth: &[truth::Truth], kept: &mut csms::Kept) -> loadgen::verify::Verdict {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime
        .block_on(loadgen::verify::verify(truth, kept))
        .unwrap()
}

#[test]
fn a_fleet_loses_and_doubles_nothing_though_its_connections_are_dropped() {
    let server = Server::start(Fault::DropEvery(97));
    let dir = tempfile::tempdir().unwrap();
    let (truth, report) = (dir.path().join("truth"), dir.path().join("report"));
    let url = format!("ws://{}/ocpp", server.addr);
    let output = loadgen(&[
        "fleet",
        "--url",
        &url,
        "--stations",
        "20",
        "--interval",
        "100ms",
        "--duration",
        "3s",
        "--version",
        "all",
        "--seed",
        "5",
        "--reconnect",
        "20ms",
        "--rate-connect",
        "1000",
        "--truth",
        truth.to_str().unwrap(),
        "--report-json",
        report.to_str().unwrap(),
        "--fail-errors",
        "0",
    ]);
    assert!(output.status.success(), "{output:?}");
    let mut kept = server.stop();
    assert!(3 < kept.drops, "{} connections were dropped", kept.drops);

    let verdict = verify(&truth::read(&truth).unwrap(), &mut kept);
    assert!(verdict.is_clean(), "{}", verdict.text());
    let events = truth::read(&truth).unwrap();
    let count = |kind: Kind| events.iter().filter(|event| event.kind == kind).count();
    assert!(20 < count(Kind::Start), "{} starts", count(Kind::Start));
    assert_eq!(
        count(Kind::Start),
        count(Kind::Stop),
        "nobody stays at the end"
    );
    assert!(
        events.iter().all(|event| event.acked_at.is_some()),
        "all was acknowledged in the end"
    );
    let keys: HashSet<_> = events
        .iter()
        .map(|event| (&event.station, event.kind, &event.measured_at, event.seq))
        .collect();
    assert_eq!(keys.len(), events.len(), "one line per event");

    let report: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(report).unwrap()).unwrap();
    let number = |pointer: &str| {
        report
            .pointer(pointer)
            .and_then(serde_json::Value::as_u64)
            .unwrap()
    };
    assert!(number("/connections/opened") >= 20 + u64::from(kept.drops));
    assert!(number("/answered") <= number("/offered"));
    assert!(
        number("/delayed/count") > 0,
        "what was sent again is counted apart"
    );
    assert_eq!(number("/unexpected"), 0);
    let text = stdout(&output);
    assert!(
        text.contains("TransactionEvent") && text.contains("MeterValues"),
        "{text}"
    );
}

#[test]
fn a_fleet_that_compresses_loses_nothing_either() {
    let server = Server::start(Fault::DropEvery(97));
    let dir = tempfile::tempdir().unwrap();
    let truth = dir.path().join("truth");
    let url = format!("ws://{}/ocpp", server.addr);
    let output = loadgen(&[
        "fleet",
        "--url",
        &url,
        "--deflate",
        "--stations",
        "10",
        "--interval",
        "100ms",
        "--duration",
        "2s",
        "--reconnect",
        "20ms",
        "--rate-connect",
        "1000",
        "--truth",
        truth.to_str().unwrap(),
        "--fail-errors",
        "0",
    ]);
    assert!(output.status.success(), "{output:?}");
    let mut kept = server.stop();
    assert_eq!(kept.compressed, kept.upgrades.len());
    let verdict = verify(&truth::read(&truth).unwrap(), &mut kept);
    assert!(verdict.is_clean(), "{}", verdict.text());
}

#[test]
fn stations_of_a_password_file_authenticate() {
    let server = Server::start(Fault::None);
    let dir = tempfile::tempdir().unwrap();
    let passwords = dir.path().join("stations.csv");
    std::fs::write(
        &passwords,
        "id,password\nAlpha 1,0123456789abcdef\nBeta,fedcba9876543210\n",
    )
    .unwrap();
    let url = format!("ws://{}", server.addr);
    let output = loadgen(&[
        "fleet",
        "--url",
        &url,
        "--stations",
        "2",
        "--version",
        "1.6",
        "--scenario",
        "idle",
        "--duration",
        "200ms",
        "--password-file",
        passwords.to_str().unwrap(),
    ]);
    assert!(output.status.success(), "{output:?}");
    let mut upgrades = server.stop().upgrades;
    upgrades.sort();
    assert_eq!(
        upgrades,
        [
            (
                "/Alpha%201".to_owned(),
                Some("Basic QWxwaGEgMTowMTIzNDU2Nzg5YWJjZGVm".to_owned())
            ),
            (
                "/Beta".to_owned(),
                Some("Basic QmV0YTpmZWRjYmE5ODc2NTQzMjEw".to_owned())
            ),
        ]
    );
}

#[test]
fn a_killed_fleet_leaves_a_truth_that_still_verifies() {
    let server = Server::start(Fault::SilentAfter(2_000));
    let dir = tempfile::tempdir().unwrap();
    let truth = dir.path().join("truth");
    let url = format!("ws://{}", server.addr);
    let fleet = Killed(
        Command::new(env!("CARGO_BIN_EXE_loadgen"))
            .args([
                "fleet",
                "--url",
                &url,
                "--stations",
                "50",
                "--interval",
                "50ms",
            ])
            .args(["--duration", "60s", "--rate-connect", "1000", "--truth"])
            .arg(&truth)
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap(),
    );
    wait_for("fleet that waits for answers", || {
        let events = truth::read(&truth).unwrap_or_default();
        20 <= events
            .iter()
            .filter(|event| event.acked_at.is_none())
            .count()
    });
    drop(fleet);
    let verdict = verify(&truth::read(&truth).unwrap(), &mut server.stop());
    assert!(verdict.is_clean(), "{}", verdict.text());
}

/// Killed when it goes out of scope, also by a panic.
struct Killed(std::process::Child);

impl Drop for Killed {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// Looks until `condition` holds; panics after half a minute.
fn wait_for(what: &str, condition: impl Fn() -> bool) {
    let deadline = net::clock::monotonic_ns() + 30_000_000_000;
    while !condition() {
        assert!(
            net::clock::monotonic_ns() < deadline,
            "no {what} within 30 s"
        );
        std::thread::yield_now();
    }
}

#[test]
fn errors_say_what_to_do_next() {
    for (args, expected) in [
        (
            &["fleet", "--url", "https://localhost/"][..],
            "expected ws://host:port/path",
        ),
        (&["fleet", "--insecure"], "expected --url wss://"),
        (
            &["fleet", "--url", "wss://localhost/", "--ca", "/dev/null"],
            "/dev/null: it has no block CERTIFICATE",
        ),
        (&["fleet", "--stations", "0"], "0 is not in 1..=1000000"),
        (&["fleet", "--interval", "0s"], "expected more than nothing"),
        (&["fleet", "--source-addresses", "x"], "expected an address"),
        (
            &["fleet", "--fail-if", "p42>1s"],
            "expected one of p50, p90",
        ),
        (&["storm", "--stations", "1000000"], "--processes"),
        (&["join", "/dev/null"], "/dev/null is no report"),
        (
            &["fleet", "--password-file", "/nonexistent"],
            "reading /nonexistent",
        ),
        (
            &[
                "fleet",
                "--url",
                "ws://127.0.0.1:1/",
                "--duration",
                "100ms",
                "--drain",
                "0s",
            ],
            "is the server at --url up?",
        ),
        (
            &["verify", "--truth", "/nonexistent", "--token", "t"],
            "`--truth` of `loadgen fleet` or `storm` writes it",
        ),
    ] {
        let output = loadgen(args);
        let text = stdout(&output) + &String::from_utf8_lossy(&output.stderr);
        assert!(
            !output.status.success() && text.contains(expected),
            "{args:?}: {text}"
        );
    }
}

#[test]
fn every_help_shows_examples() {
    for args in [
        &["--help"][..],
        &["fleet", "--help"],
        &["storm", "--help"],
        &["join", "--help"],
        &["verify", "--help"],
    ] {
        let output = loadgen(args);
        assert!(
            output.status.success() && stdout(&output).contains("Examples:"),
            "{args:?}"
        );
    }
}
