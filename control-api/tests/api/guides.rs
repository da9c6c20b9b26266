//! What the guides of operators show is what the API takes: their commands run as they are written.

use std::path::Path;
use std::process::Command;

use super::quirks::refused;
use super::world::{FILE_LEN_MAX, ROOT, with_server};

/// Pages whose commands need a server and a station alone.
const PAGES: &[&str] = &[
    "accounts",
    "battery-swaps",
    "charging",
    "der",
    "files",
    "quirks",
    "reservations",
    "stations",
    "tariffs",
    "tokens",
    "variables",
    "watching",
];

/// Those of them that speak of OCPP 2.1; the others do with 2.0.1.
const PAGES_21: &[&str] = &["battery-swaps", "der", "tariffs", "variables"];

/// `curl` as a reader would use it, but that it fails with the server's refusal, and the ids that a reader copies from
/// an answer into the next command.
const TERMINAL: &str = r#"
set -euo pipefail
curl() {
    command curl --silent --show-error --fail-with-body --max-time 120 "$@" > answer || { cat answer; return 1; }
    local id
    id=$(grep --only-matching --text '"id":"[^"]*"' answer | head --lines 1 | cut --delimiter '"' --fields 4) || true
    if grep --quiet --text '"sha256":' answer; then FILE=${FILE:-$id}; fi
    if grep --quiet --text '"action":' answer; then COMMAND=$id; fi
    if grep --quiet --text '"start_time":' answer; then ID=$id; fi
    if grep --quiet --text '"size_max":' answer; then URL_ID=$id; fi
}
"#;

fn page(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/operating");
    std::fs::read_to_string(folder.join(format!("{name}.md"))).unwrap()
}

/// The shell blocks of a page that ask the API.
fn commands(page: &str) -> Vec<&str> {
    let blocks = page.split("```sh\n").skip(1);
    let blocks = blocks.map(|rest| rest.split("```").next().unwrap());
    blocks.filter(|block| block.contains("curl ")).collect()
}

#[test]
fn every_command_of_the_guides_runs_as_written() {
    if Command::new("curl").arg("--version").output().is_err() {
        println!("SKIPPED the commands of the guides: no curl");
        return;
    }
    for name in PAGES {
        with_server(|world| async move {
            let station = match PAGES_21.contains(name) {
                true => world.station_21("CP1").await,
                false => world.station_201("CP1").await,
            };
            let station = tokio::spawn(station.accept_everything());
            if *name == "quirks" {
                *world.rows.lock().unwrap() = refused();
            }
            let dir = tempfile::tempdir().unwrap();
            std::fs::write(dir.path().join("fw-1.2.bin"), "firmware").unwrap();
            let page = page(name);
            let blocks = commands(&page);
            assert!(!blocks.is_empty(), "{name}.md shows no command");
            let host = world.url.trim_start_matches("http://");
            let script = format!("{TERMINAL}{}", blocks.concat())
                .replace("127.0.0.1:8080", host)
                .replace("localhost:8080", host)
                // This server's files are smaller.
                .replace("10000000", &FILE_LEN_MAX.to_string());
            let mut terminal = Command::new("bash");
            terminal.args(["-x", "-c", &script]).env("TOKEN", ROOT);
            terminal.current_dir(dir.path());
            let ran = tokio::task::spawn_blocking(move || terminal.output());
            let output = ran.await.unwrap().unwrap();
            assert!(
                output.status.success(),
                "a command of {name}.md failed\n{}\n{}",
                String::from_utf8_lossy(&output.stderr),
                String::from_utf8_lossy(&output.stdout)
            );
            station.abort();
        });
    }
}
