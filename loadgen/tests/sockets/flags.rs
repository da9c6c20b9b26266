//! What flags of a fleet do, seen from its server and from whoever started it.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::process::Output;

use loadgen::station::Station;
use loadgen::truth::{self, Kind};
use serde_json::Value;

use super::csms::{Fault, Kept, Server};
use super::{loadgen, stdout, verify};

/// A fleet of seven that connects, boots and is done, against a server of its own; what that one kept.
fn short(more: &[&str]) -> (Output, Kept) {
    let server = Server::start(Fault::None);
    let url = format!("ws://{}", server.addr);
    let mut args = vec!["fleet", "--url", &url, "--stations", "7"];
    args.extend(["--scenario", "idle", "--duration", "300ms"]);
    args.extend(["--rate-connect", "1000"]);
    args.extend(more);
    let output = loadgen(&args);
    (output, server.stop())
}

#[test]
fn stations_connect_from_the_addresses_in_turn() {
    let (output, kept) = short(&["--source-addresses", "127.7.0.3-127.7.0.5"]);
    assert!(output.status.success(), "{output:?}");
    let mut found: BTreeMap<IpAddr, usize> = BTreeMap::new();
    for address in kept.sources {
        *found.entry(address).or_default() += 1;
    }
    let at = |last| IpAddr::from(Ipv4Addr::new(127, 7, 0, last));
    assert_eq!(found, BTreeMap::from([(at(3), 3), (at(4), 2), (at(5), 2)]));
}

#[test]
fn a_missed_limit_of_latency_is_the_exit_status() {
    let (output, _) = short(&["--fail-p99", "1ns"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let text = stdout(&output);
    assert!(text.contains("FAILED: p99 is "), "{text}");
    assert!(text.contains("it should be at most 1ns"), "{text}");

    let (output, _) = short(&["--fail-p99", "1h"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(!stdout(&output).contains("FAILED"), "{output:?}");
}

#[test]
fn a_page_shows_the_run_in_plots_and_tables() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("fleet.html");
    let page = path.to_str().unwrap();
    let (output, _) = short(&["--report-html", page, "--fail-p99", "1ns"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let page = std::fs::read_to_string(&path).unwrap();
    for title in [
        "Requests a second",
        "Latency, milliseconds",
        "Stations connected",
        "Handshakes a second",
        "Errors a second",
        "Latency by percentile, milliseconds",
    ] {
        let of_plot = format!("<figcaption>{title}");
        assert!(page.contains(&of_plot), "no plot {title:?} in {page}");
    }
    assert_eq!(page.matches("<svg").count(), 6);
    assert!(page.contains("7 stations against ws://127.0.0.1:"));
    assert!(
        page.contains("FAILED: p99 is "),
        "the verdict is part of it"
    );
    assert!(page.contains("<td>BootNotification</td><td>7</td><td>7</td>"));
}

#[test]
fn a_report_says_what_the_generator_takes_for_a_station() {
    const STATIONS: u64 = 5_000;
    let server = Server::start(Fault::None);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("report.json");
    // They are there from the beginning; that few of them connect is no matter.
    let output = loadgen(&[
        "fleet",
        "--url",
        &format!("ws://{}", server.addr),
        "--stations",
        &STATIONS.to_string(),
        "--scenario",
        "idle",
        "--rate-connect",
        "10",
        "--duration",
        "300ms",
        "--drain",
        "0s",
        "--processes",
        "2",
        "--report-json",
        path.to_str().unwrap(),
    ]);
    assert!(output.status.success(), "{output:?}");
    server.stop();
    let report = std::fs::read_to_string(path).unwrap();
    let report: Value = serde_json::from_str(&report).unwrap();
    let number = |name: &str| report["memory"][name].as_u64().unwrap();
    let grown = number("grown_bytes");
    let known = STATIONS * size_of::<Station>() as u64;
    assert!(known < grown, "{grown} bytes, the stations are {known}");
    let each = number("per_station_bytes");
    assert_eq!(each, grown / STATIONS);
    let said = format!("{each} B per station");
    assert!(stdout(&output).contains(&said), "{}", stdout(&output));
}

/// All stations are offline for most of the time, and every connector charges.
const OFTEN_OFFLINE: &str = r#"
description = "A network that is seldom there"
[run]
speed = 120
duration = "5s"
begins_at = "08:00"
[stations]
versions = { "1.6" = 50, "2.0.1" = 50 }
connectors = 1
meter_interval = "5s"
[[supplies]]
share = 1
kind = "dc"
power_kw = 50
[arrivals]
vehicles_per_day = 1000
by_hour = [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]
[visits]
stay = ["3h", "4h"]
arrives_percent = [5, 10]
[[vehicles]]
share = 1
battery_kwh = 300
ac = { power_kw = 11, phases = 3 }
dc_kw = 50
curve = [[0, 100], [100, 100]]
[offline]
stations_percent = 100
every = ["90s", "100s"]
lasts = ["110s", "120s"]
"#;

#[test]
fn a_station_that_is_offline_keeps_as_many_events_as_it_may() {
    let dir = tempfile::tempdir().unwrap();
    let scenario = dir.path().join("scenario.toml");
    std::fs::write(&scenario, OFTEN_OFFLINE).unwrap();
    // In about 110 s of its clock a station takes a sample every five.
    for (room, has_room) in [("8", false), ("1000", true)] {
        let server = Server::start(Fault::None);
        let file = |name: &str| dir.path().join(format!("{name}-{room}"));
        let (truth, report) = (file("truth"), file("report"));
        let url = format!("ws://{}", server.addr);
        let output = loadgen(&[
            "fleet",
            "--url",
            &url,
            "--scenario",
            scenario.to_str().unwrap(),
            "--stations",
            "6",
            "--rate-connect",
            "1000",
            "--reconnect",
            "20ms",
            "--offline-events",
            room,
            "--truth",
            truth.to_str().unwrap(),
            "--report-json",
            report.to_str().unwrap(),
        ]);
        assert!(output.status.success(), "{output:?}");
        let report = std::fs::read_to_string(report).unwrap();
        let report: Value = serde_json::from_str(&report).unwrap();
        assert!(6 <= report["connections"]["cut"].as_u64().unwrap());
        let dropped: u64 = report["actions"]
            .as_object()
            .unwrap()
            .values()
            .filter_map(|action| action["failures"]["dropped"].as_u64())
            .sum();
        assert_eq!(dropped == 0, has_room, "{dropped} with room for {room}");

        // What it kept came afterwards, and what it dropped was never sent.
        let events = truth::read(&truth).unwrap();
        let verdict = verify(&events, &mut server.stop());
        assert!(verdict.is_clean(), "{}", verdict.text());
        let samples = events.iter().filter(|event| event.kind == Kind::Meter);
        let delayed = report["delayed"]["count"].as_u64().unwrap();
        assert!(6 * 8 / 2 <= delayed, "{delayed} were sent late");
        assert!(0 < samples.count());
    }
}
