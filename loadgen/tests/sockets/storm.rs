//! Storms, and runs in several processes.

use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::Value;

use super::csms::{Fault, Server};
use super::{loadgen, stdout, verify};

/// A storm whose waits are short; its report.
fn storm(server: &Server, dir: &Path, more: &[&str]) -> (Output, Value) {
    let report = dir.join("storm.json");
    let url = format!("ws://{}", server.addr);
    let mut args = vec![
        "storm",
        "--url",
        &url,
        "--stations",
        "40",
        "--established",
        "5",
    ];
    args.extend([
        "--heartbeat",
        "10ms",
        "--rate-connect",
        "2000",
        "--settle",
        "100ms",
    ]);
    args.extend(["--wait-minimum", "100ms", "--random-range", "100ms"]);
    args.extend(["--report-json", report.to_str().unwrap()]);
    let page = dir.join("storm.html");
    args.extend(["--report-html", page.to_str().unwrap()]);
    args.extend(more);
    let output = loadgen(&args);
    let text = std::fs::read_to_string(report).unwrap_or_else(|_| "null".into());
    (output, serde_json::from_str(&text).unwrap())
}

fn number(report: &Value, pointer: &str) -> u64 {
    let number = report.pointer(pointer).and_then(Value::as_u64);
    number.unwrap_or_else(|| panic!("no {pointer} in {report}"))
}

#[test]
fn a_storm_is_over_when_all_are_back_and_shows_what_the_others_saw() {
    let server = Server::start(Fault::None);
    let dir = tempfile::tempdir().unwrap();
    let (output, report) = storm(&server, dir.path(), &[]);
    assert!(output.status.success(), "{output:?}");
    let counts = ["back", "missing", "attempts", "retried", "refused"];
    let counts = counts.map(|name| number(&report, &format!("/storm/{name}")));
    assert_eq!(counts, [40, 0, 40, 0, 0]);
    let all_back = report["storm"]["all_back_s"].as_f64().unwrap();
    assert!(
        0.1 <= all_back,
        "nobody is back before its back-off: {all_back}"
    );
    assert_eq!(number(&report, "/connections/opened"), 85);
    assert_eq!(number(&report, "/connections/cut"), 40);
    for phase in ["before", "meanwhile"] {
        let beats = number(&report, &format!("/storm/established_{phase}/count"));
        assert!(0 < beats, "no Heartbeat {phase}");
    }
    assert_eq!(
        number(&report, "/actions/BootNotification/offered"),
        45,
        "a network was lost, no power"
    );
    assert!(
        stdout(&output).contains("storm: all 40 back after"),
        "{}",
        stdout(&output)
    );
    let page = std::fs::read_to_string(dir.path().join("storm.html")).unwrap();
    assert!(page.contains("all 40 stations back after"), "{page}");
    assert_eq!(server.stop().upgrades.len(), 85);
}

#[test]
fn stations_that_a_storm_finds_refused_come_again() {
    let server = Server::start(Fault::BusyEvery(3));
    let dir = tempfile::tempdir().unwrap();
    let args = ["--power-loss", "--fail-if", "refused>0"];
    let (output, report) = storm(&server, dir.path(), &args);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(
        stdout(&output).contains("FAILED: refused is"),
        "{}",
        stdout(&output)
    );
    assert_eq!(number(&report, "/storm/back"), 40);
    let refused = number(&report, "/storm/refused");
    assert!(0 < refused);
    assert_eq!(number(&report, "/storm/retried"), refused);
    assert_eq!(number(&report, "/storm/refusals/HTTP 503"), refused);
    assert_eq!(
        number(&report, "/actions/BootNotification/offered"),
        85,
        "power was lost"
    );
    server.stop();
}

#[test]
fn a_storm_of_several_processes_is_one_storm() {
    let server = Server::start(Fault::None);
    let dir = tempfile::tempdir().unwrap();
    let (output, report) = storm(&server, dir.path(), &["--processes", "3"]);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(number(&report, "/run/processes"), 3);
    assert_eq!(number(&report, "/run/stations"), 45);
    assert_eq!(number(&report, "/storm/stations"), 40);
    assert_eq!(number(&report, "/storm/established"), 5);
    assert_eq!(number(&report, "/storm/back"), 40);
    let mut names: Vec<_> = server
        .stop()
        .upgrades
        .into_iter()
        .map(|(path, _)| path)
        .collect();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), 45, "no station is in two processes");
}

#[test]
fn a_storm_against_nobody_says_so_at_once() {
    // A port that was free a moment ago.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/", free.local_addr().unwrap());
    drop(free);
    for processes in ["1", "2"] {
        let output = loadgen(&[
            "storm",
            "--url",
            &url,
            "--stations",
            "10",
            "--established",
            "2",
            "--rate-connect",
            "2000",
            "--wait-minimum",
            "10ms",
            "--random-range",
            "10ms",
            "--gather-max",
            "10m",
            "--processes",
            processes,
        ]);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains("stations could connect in "), "{said}");
        assert!(said.contains("connection refused"), "{said}");
    }
}

#[test]
fn there_is_no_storm_before_all_are_there() {
    let server = Server::start(Fault::SilentAfter(9));
    let dir = tempfile::tempdir().unwrap();
    let (output, _) = storm(
        &server,
        dir.path(),
        &["--gather-max", "1s", "--drain", "0s"],
    );
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        said.contains("of 45 stations are connected and accepted"),
        "{said}"
    );
    server.stop();

    // Nor where it is shared.
    let server = Server::start(Fault::SilentAfter(9));
    let args = ["--gather-max", "1s", "--drain", "0s", "--processes", "2"];
    let (output, _) = storm(&server, dir.path(), &args);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    server.stop();
}

#[test]
fn a_fleet_of_several_processes_is_the_fleet_of_one() {
    let server = Server::start(Fault::DropEvery(97));
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let url = format!("ws://{}", server.addr);
    let mut args = vec![
        "fleet",
        "--url",
        &url,
        "--stations",
        "21",
        "--interval",
        "100ms",
    ];
    args.extend([
        "--duration",
        "2s",
        "--reconnect",
        "20ms",
        "--rate-connect",
        "1000",
    ]);
    let (truth, report) = (file("truth"), file("report"));
    args.extend([
        "--processes",
        "2",
        "--truth",
        &truth,
        "--report-json",
        &report,
    ]);
    args.extend(["--fail-if", "errors>0", "--fail-if", "offered-rate<1"]);
    let output = loadgen(&args);
    assert!(output.status.success(), "{output:?}");
    let mut kept = server.stop();
    let mut events = Vec::new();
    for part in ["truth.1", "truth.2"] {
        events.extend(loadgen::truth::read(&PathBuf::from(file(part))).unwrap());
    }
    let verdict = verify(&events, &mut kept);
    assert!(verdict.is_clean(), "{}", verdict.text());

    // The same file twice is twice as much.
    let both = file("both.json");
    let output = loadgen(&["join", &report, &report, "--report-json", &both]);
    assert!(output.status.success(), "{output:?}");
    let read = |path: &str| -> Value {
        serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
    };
    let (one, two) = (read(&report), read(&both));
    for pointer in [
        "/run/stations",
        "/answered",
        "/latency/count",
        "/connections/opened",
    ] {
        assert_eq!(
            number(&two, pointer),
            2 * number(&one, pointer),
            "{pointer}"
        );
    }
    assert_eq!(one["latency"]["p99_ms"], two["latency"]["p99_ms"]);
}
