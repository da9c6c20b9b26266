//! `loadgen ws-echo` with ends that others wrote: the Autobahn suite, and PyPI `websockets` for compression.

use std::collections::BTreeMap;
use std::env;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use net::driver::{Config, DriverError, Uring};
use serde_json::{Value, json};

/// Groups of cases, and how many they are. Compression is 12 and 13.
const WITHOUT_DEFLATE: (&[&str], usize) = (
    &[
        "1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "9.*", "10.*",
    ],
    301,
);
const ALL: (&[&str], usize) = (&["*"], 517);

/// Texts that are invalid before their frame is whole (6.4.3 and 6.4.4) may be refused with the frame.
const NON_STRICT_MAX: usize = 2;

/// The suite gives an answer a second or so, and this machine may be busy: what fails is run again by itself.
const RUNS_MAX: usize = 3;

/// Seconds that one run may take. All cases take an hour where the suite's Python shares two cores with others.
const PATIENCE: &str = "10000";

fn skip(why: &str) {
    let name = std::thread::current().name().unwrap_or("a test").to_owned();
    let line = format!("SKIPPED {name}: {why}\n");
    std::io::stderr().write_all(line.as_bytes()).unwrap();
}

/// What `make setup` leaves in the folder that `variable` names, or in this one of the cache.
pub(crate) fn tool(variable: &str, folder: &str, file: &str) -> Option<PathBuf> {
    let home = || env::var("HOME").map(|home| format!("{home}/.cache/{folder}"));
    let path = Path::new(&env::var(variable).or_else(|_| home()).ok()?).join(file);
    if !path.exists() {
        skip(&format!("no {}; run `make setup`", path.display()));
        return None;
    }
    Some(path)
}

/// The program, until it is dropped.
struct Echo {
    program: Child,
    addr: String,
}

impl Echo {
    fn start(driver: &str) -> Echo {
        let mut program = Command::new(env!("CARGO_BIN_EXE_loadgen"))
            .args(["ws-echo", "--listen", "127.0.0.1:0", "--driver", driver])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut out = BufReader::new(program.stdout.take().unwrap());
        out.read_line(&mut line).unwrap();
        let addr = line.trim().strip_prefix("listening on ").unwrap();
        Echo {
            addr: addr.to_owned(),
            program,
        }
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        self.program.kill().unwrap();
        self.program.wait().unwrap();
    }
}

/// Runs cases as the suite's client; how each behaved and closed.
fn run(wstest: &Path, addr: &str, cases: &[&str]) -> BTreeMap<String, [String; 2]> {
    let dir = tempfile::tempdir().unwrap();
    let spec = dir.path().join("spec.json");
    let text = json!({
        "outdir": dir.path(),
        "servers": [{"agent": "sigec", "url": format!("ws://{addr}")}],
        "cases": cases,
        "exclude-cases": [],
        "exclude-agent-cases": {},
    });
    std::fs::write(&spec, text.to_string()).unwrap();
    let output = Command::new("timeout")
        .arg(PATIENCE)
        .arg(wstest)
        .args(["--mode", "fuzzingclient", "--spec"])
        .arg(&spec)
        .output()
        .unwrap();
    let report = std::fs::read_to_string(dir.path().join("index.json"));
    let report = report.unwrap_or_else(|error| panic!("{error}: {output:?}"));
    let report: Value = serde_json::from_str(&report).unwrap();
    let ran = report["sigec"].as_object().unwrap();
    ran.iter()
        .map(|(case, how)| {
            let said = |key: &str| how[key].as_str().unwrap().to_owned();
            (case.clone(), [said("behavior"), said("behaviorClose")])
        })
        .collect()
}

#[test]
fn the_autobahn_suite_finds_no_fault() {
    check_with_autobahn("epoll");
}

#[test]
fn the_autobahn_suite_finds_no_fault_on_io_uring() {
    match Uring::new(Config::default(), Vec::new()) {
        Ok(_) => check_with_autobahn("io_uring"),
        Err(error @ DriverError::Unavailable { .. }) => skip(&error.to_string()),
        Err(error) => panic!("{error:?}"),
    }
}

fn check_with_autobahn(driver: &str) {
    let Some(wstest) = tool("SIGEC_AUTOBAHN", "sigec-autobahn", "wstest") else {
        return;
    };
    let (groups, count) = match env::var("SIGEC_AUTOBAHN_CASES").as_deref() {
        Ok("all") => ALL,
        _ => WITHOUT_DEFLATE,
    };
    let echo = Echo::start(driver);
    let mut ran = run(&wstest, &echo.addr, groups);
    assert_eq!(ran.len(), count, "cases of {groups:?}");
    let fits = |[behaved, closed]: &[String; 2]| {
        ["OK", "NON-STRICT", "INFORMATIONAL"].contains(&behaved.as_str())
            && ["OK", "INFORMATIONAL"].contains(&closed.as_str())
    };
    for _ in 1..RUNS_MAX {
        let failed: Vec<String> = ran
            .iter()
            .filter(|(_, how)| !fits(how))
            .map(|(case, _)| case.clone())
            .collect();
        if !failed.is_empty() {
            let failed: Vec<&str> = failed.iter().map(String::as_str).collect();
            let line =
                format!("AGAIN on {driver}, for they failed on a busy machine: {failed:?}\n");
            std::io::stderr().write_all(line.as_bytes()).unwrap();
            ran.extend(run(&wstest, &echo.addr, &failed));
        }
    }
    let failed: Vec<_> = ran.iter().filter(|(_, how)| !fits(how)).collect();
    assert!(failed.is_empty(), "failed: {failed:?}");
    let loose = |(_, how): &(&String, &[String; 2])| how[0] == "NON-STRICT";
    let loose: Vec<_> = ran.iter().filter(loose).collect();
    let line = format!("Autobahn on {driver}: {count} cases, 0 failed, not strict: {loose:?}\n");
    std::io::stderr().write_all(line.as_bytes()).unwrap();
    assert!(loose.len() <= NON_STRICT_MAX, "not strict: {loose:?}");
}

/// Every window and every way to forget, with zlib at the other end.
#[test]
fn whatever_another_client_offers_is_understood_by_both() {
    let Some(python) = tool("SIGEC_VENV", "sigec-venv", "bin/python") else {
        return;
    };
    let echo = Echo::start("epoll");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sockets/deflate.py");
    let output = Command::new("timeout")
        .arg(PATIENCE)
        .arg(python)
        .args([script, &echo.addr])
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    // Seven windows or none said by the server, eight or none by the client, two by two ways to forget.
    assert_eq!(String::from_utf8_lossy(&output.stdout), "288 agreements\n");
}
