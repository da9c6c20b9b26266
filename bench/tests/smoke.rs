//! Every benchmark runs, at a size that means nothing, so that none rots.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::io::Write;
use std::path::Path;
use std::process::Command;

/// Runs one to its end; its results. Rivals that are not at hand are said on the real standard error, which the test
/// runner does not capture.
fn check(program: &str) -> serde_json::Value {
    check_with(program, &[])
}

fn check_with(program: &str, arguments: &[&str]) -> serde_json::Value {
    let dir = tempfile::tempdir().unwrap();
    let output = Command::new(program)
        .args(arguments)
        .arg("--smoke")
        .arg("--out")
        .arg(dir.path())
        .current_dir(dir.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let results: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(results["smoke"], true);
    let name = results["benchmark"].as_str().unwrap();
    let json = std::fs::read(dir.path().join(format!("{name}.json"))).unwrap();
    assert_eq!(json, output.stdout);
    let summary = std::fs::read_to_string(dir.path().join(format!("{name}.md"))).unwrap();
    assert!(summary.contains("Not measured"), "{summary}");
    for item in results["not_measured"].as_array().unwrap() {
        if item.as_str().unwrap().contains("left out") {
            let line = format!("SKIPPED a rival in {name}: {item}\n");
            std::io::stderr().write_all(line.as_bytes()).unwrap();
        }
    }
    results
}

#[test]
fn engine_asks_every_server_and_gets_every_answer() {
    let results = check(env!("CARGO_BIN_EXE_engine"));
    let figures = results["figures"].as_array().unwrap();
    let names = figures
        .iter()
        .map(|figure| figure["name"].as_str().unwrap());
    // One by one, which all of them are asked.
    let servers: Vec<&str> = names
        .flat_map(|name| name.strip_suffix(", 10 sockets"))
        .filter(|name| !name.contains(" beside "))
        .collect();
    let beside = figures
        .iter()
        .filter(|figure| figure["name"].as_str().unwrap().contains(" beside "));
    // Both of tungstenite are always there.
    assert!((4..=8).contains(&beside.count()), "{results}");
    let is_step = |name: &&&str| {
        let name = name.trim_end_matches("-uring");
        ["driver", "web-socket", "checked"].contains(&name)
    };
    let is_library = |name: &&&str| name.contains("ocpp");
    let (steps, libraries) = (
        servers.iter().filter(is_step).count(),
        servers.iter().filter(is_library).count(),
    );
    let others = servers.len() - steps - libraries;
    // These are in the program itself, half of ours once more on io_uring where the kernel gives it.
    let uring = net::driver::Uring::new(net::driver::Config::default(), Vec::new());
    let here = if uring.is_ok() { (6, 9) } else { (3, 6) };
    assert_eq!(steps, here.0, "{results}");
    assert!((here.1..=here.1 + 6).contains(&others), "{results}");
    assert!(libraries <= 3, "{results}");
    // Each id is asked once: in two turns 400 one by one, 400 in bursts and 1,000 at a rate; of a step only the first, of
    // a library a twentieth of that. Before it a tenth of the first, to get warm.
    let ids = |warm_up: usize, asked: usize| (warm_up + 1..=warm_up + asked).sum::<usize>();
    let sum = others * ids(40, 2 * 1_800) + steps * ids(40, 2 * 400) + libraries * ids(2, 2 * 20);
    assert_eq!(results["checksum"], sum.to_string());
    let layers = figures
        .iter()
        .filter(|figure| figure["name"].as_str().unwrap().contains(" adds, "));
    assert_eq!(
        layers.count(),
        if uring.is_ok() { 10 } else { 5 },
        "{results}"
    );
}

#[test]
fn parse_reads_the_same_energy_every_time() {
    // 2 turns of 100 messages: seven readers see 1,234,567,891 mWh, two scan payloads, the frames without 57 and 62 bytes.
    let expected = 200 * (7 * 1_234_567_891_i64 + (1_032 - 57) + (1_145 - 62));
    let results = check(env!("CARGO_BIN_EXE_parse"));
    assert_eq!(results["checksum"], expected.to_string());
}

#[test]
fn peers_answer_every_message() {
    // 2 turns of 100 messages of two kinds.
    assert_eq!(check(env!("CARGO_BIN_EXE_peers"))["checksum"], "400");
}

#[test]
fn ack_has_every_event_answered_and_every_record_durable() {
    // 2 stretches of 0.1 s at 10,000 a second, of each of four loads and of one with the probe beside it.
    assert_eq!(check(env!("CARGO_BIN_EXE_ack"))["checksum"], "10000");
}

#[test]
fn memory_brings_every_station_to_rest() {
    assert_eq!(check(env!("CARGO_BIN_EXE_memory"))["checksum"], "50");
}

#[test]
fn connections_come_back() {
    let program = env!("CARGO_BIN_EXE_connections");
    let loadgen = Path::new(program).with_file_name("loadgen");
    if !loadgen.exists() {
        let line = format!("SKIPPED connections: there is no {}\n", loadgen.display());
        std::io::stderr().write_all(line.as_bytes()).unwrap();
        return;
    }
    let uring = net::driver::Uring::new(net::driver::Config::default(), Vec::new());
    // Ten stations, compressed and with certificates; with io_uring as many again, and the crowd.
    let back = if uring.is_ok() { "50" } else { "20" };
    assert_eq!(check(program)["checksum"], back);
}

#[test]
fn crowd_brings_every_station_back() {
    let program = env!("CARGO_BIN_EXE_crowd");
    let loadgen = Path::new(program).with_file_name("loadgen");
    if !loadgen.exists() {
        let line = format!("SKIPPED crowd: there is no {}\n", loadgen.display());
        std::io::stderr().write_all(line.as_bytes()).unwrap();
        return;
    }
    if net::driver::Uring::new(net::driver::Config::default(), Vec::new()).is_err() {
        let line = "SKIPPED crowd: this process does not get io_uring\n";
        std::io::stderr().write_all(line.as_bytes()).unwrap();
        return;
    }
    let with_passwords = check_with(program, &["--passwords"]);
    assert_eq!(with_passwords["benchmark"], "crowd-passwords");
    assert_eq!(with_passwords["checksum"], "40");
    let results = check(program);
    assert_eq!(results["checksum"], "40");
    let kept = &results["data"]["kept"];
    // Boot and two connectors' statuses of 44, and of 40 once more.
    assert_eq!(kept["acknowledged"], kept["sent"]);
    assert_eq!((&kept["lost"], &kept["doubled"]), (&0.into(), &0.into()));
    // Of so few most is what is there once; but it is all of it.
    let memory = &results["data"]["loadgen_memory"];
    let each = memory["per_station_bytes"].as_u64().unwrap();
    assert_eq!(each, memory["grown_bytes"].as_u64().unwrap() / 44);
    let figures = results["figures"].as_array().unwrap();
    let shown = |figure: &&serde_json::Value| figure["value"] == format!("{each} B");
    assert_eq!(figures.iter().filter(shown).count(), 1, "{results}");
}

#[test]
fn cancel_ends_every_query() {
    let program = Path::new(env!("CARGO_BIN_EXE_cancel"));
    let sigec = program.with_file_name("sigec");
    if !sigec.exists() {
        let line = format!("SKIPPED cancel: there is no {}\n", sigec.display());
        std::io::stderr().write_all(line.as_bytes()).unwrap();
        return;
    }
    // Two queries are ended, once each; the list has 200,000 elements.
    let arguments = ["--sigec", sigec.to_str().unwrap()];
    assert_eq!(
        check_with(env!("CARGO_BIN_EXE_cancel"), &arguments)["checksum"],
        "200002"
    );
}

#[test]
fn all_runs_what_it_is_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_all"))
        .args([
            "--smoke", "--only", "parse", "--only", "path", "--sigec", "nowhere", "--out", "out",
        ])
        .current_dir(dir.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains("path: left out, there is no nowhere"),
        "{said}"
    );
    assert!(dir.path().join("out/parse.md").exists() && !dir.path().join("out/path.md").exists());
}

#[test]
fn the_page_shows_the_committed_results() {
    let output = Command::new(env!("CARGO_BIN_EXE_report"))
        .arg("--check")
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
}
