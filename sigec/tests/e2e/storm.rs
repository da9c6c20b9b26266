//! Reconnect storms of the load generator: nothing that was acknowledged is lost, and what the stations could not send
//! meanwhile comes when they are back.

use std::fs;
use std::path::Path;
use std::process::Output;

use serde_json::Value;

use super::server::{Server, Site, TOKEN, loadgen, output};

const STATIONS: u32 = 50;
const ESTABLISHED: u32 = 5;
/// So long there is no network, seconds.
const OUTAGE_S: f64 = 2.0;

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Stations that charge are cut off and come back; the report and the truth of it.
fn storm(site: &Site, server: &Server) -> (Value, Vec<Value>) {
    let (truth, report) = (site.path("truth.ndjson"), site.path("storm.json"));
    let mut command = loadgen();
    command
        .args(["storm", "--url", &server.ocpp_url()])
        .args(["--stations", &STATIONS.to_string()])
        .args(["--established", &ESTABLISHED.to_string()])
        .args(["--interval", "400ms", "--outage", &format!("{OUTAGE_S}s")])
        .args(["--wait-minimum", "100ms", "--random-range", "200ms"])
        .args(["--settle", "2s", "--drain", "60s"])
        .args(["--truth".as_ref(), truth.as_os_str()])
        .args(["--report-json".as_ref(), report.as_os_str()]);
    let ended = output(&mut command);
    assert!(ended.status.success(), "{}", text(&ended.stdout));
    let report: Value = serde_json::from_slice(&fs::read(report).unwrap()).unwrap();
    assert_eq!(report["errors"], 0, "{}", text(&ended.stdout));
    let lines = fs::read_to_string(truth).unwrap();
    let lines = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    (report, lines.collect())
}

fn verify(server: &Server, truth: &Path, wait: &str) -> Output {
    let mut command = loadgen();
    command
        .args(["verify", "--token", TOKEN, "--wait", wait, "--http"])
        .arg(format!("http://{}", server.ready.http))
        .args(["--truth".as_ref(), truth.as_os_str()]);
    output(&mut command)
}

/// The one number of a query.
fn count(server: &Server, query: &str) -> u64 {
    let n = &server.sql(&format!("SELECT count(*) AS n {query}"))[0]["n"];
    n.as_str().unwrap().parse().unwrap()
}

#[test]
fn a_storm_loses_nothing_that_was_acknowledged() {
    let site = Site::new();
    let server = site.start(&[]);
    let (report, truth) = storm(&site, &server);
    assert_eq!(report["storm"]["back"], STATIONS);
    let kinds = ["boot", "status", "start", "meter"];
    for kind in kinds {
        let acked = |line: &&Value| line["kind"] == kind && line["acked_at"].is_string();
        assert!(
            STATIONS as usize <= truth.iter().filter(acked).count(),
            "{kind}"
        );
    }
    let path = site.path("truth.ndjson");
    let verdict = verify(&server, &path, "60s");
    assert!(verdict.status.success(), "{}", text(&verdict.stdout));
    assert!(text(&verdict.stdout).ends_with("all as it should be\n"));

    // The verdict is worth as much as what it would not let pass: another energy, an event more, and one less.
    let of_meter = |line: &&Value| line["kind"] == "meter" && line["acked_at"].is_string();
    let [changed, copied, left_out] = [0, 1, 2].map(|nth| {
        let line = truth.iter().filter(of_meter).nth(nth);
        line.unwrap().clone()
    });
    let mut altered: Vec<Value> = truth.into_iter().filter(|line| *line != left_out).collect();
    let line = altered.iter_mut().find(|line| **line == changed).unwrap();
    line["energy_mwh"] = (changed["energy_mwh"].as_u64().unwrap() + 1).into();
    let mut one_more = copied;
    one_more["transaction"] = "of-nobody".into();
    altered.push(one_more);
    let lines: Vec<String> = altered.iter().map(Value::to_string).collect();
    fs::write(&path, lines.join("\n") + "\n").unwrap();
    let verdict = verify(&server, &path, "0s");
    assert_eq!(verdict.status.code(), Some(1));
    let said = text(&verdict.stdout);
    for fault in [
        ": found ",
        "of transaction of-nobody",
        ": acknowledged, but not there",
        ": there, but never sent",
    ] {
        assert_eq!(said.matches(fault).count(), 1, "{fault}: {said}");
    }
    assert!(said.ends_with("NOT as it should be\n"), "{said}");
}

#[test]
fn what_happens_in_an_outage_comes_after_it() {
    let site = Site::new();
    let server = site.start(&[]);
    let (report, _) = storm(&site, &server);
    let verdict = verify(&server, &site.path("truth.ndjson"), "60s");
    assert!(verdict.status.success(), "{}", text(&verdict.stdout));
    let cut_at = report["measured"]["storm"]["cut_at_utc_micros"].as_f64();
    let cut_at = cut_at.unwrap() / 1e6;
    let network_at = cut_at + OUTAGE_S;
    let cut_off = format!("station_id > 'CP{ESTABLISHED:05}'");

    // As the server has it: nobody came while there was no network, and all came afterwards.
    let came = |from: f64, to: f64| {
        let at = "date_part('epoch', received_at)";
        count(
            &server,
            &format!(
                "FROM connection_events WHERE kind = 'connected' AND {cut_off} AND {at} >= {from} AND {at} < {to}"
            ),
        )
    };
    assert_eq!(came(0.0, cut_at), u64::from(STATIONS));
    assert_eq!(came(cut_at, network_at), 0);
    assert_eq!(came(network_at, f64::from(u32::MAX)), u64::from(STATIONS));

    // What was measured then is there, and was heard of later.
    let begun = cut_at + 0.1;
    let measured = format!(
        "FROM meter_values WHERE {cut_off} AND date_part('epoch', measured_at) > {begun} \
         AND date_part('epoch', measured_at) < {network_at}"
    );
    let there = count(&server, &measured);
    assert!(u64::from(STATIONS) <= there, "{there} readings");
    let late = format!("{measured} AND date_part('epoch', received_at) >= {network_at}");
    assert_eq!(count(&server, &late), there);
}
