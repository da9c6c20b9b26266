//! What is shipped beside the program holds: the unit file, the container's and the example's configuration.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::foreign::has;
use super::server::sigec;

fn deploy(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../deploy")
        .join(name)
}

#[test]
fn the_shipped_configurations_are_valid() {
    for name in ["sigec.toml", "container.toml"] {
        let output = sigec()
            .args(["config", "check", "--config"])
            .arg(deploy(name))
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{name}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

/// What a unit file says behind `key`, without the program.
fn arguments(unit: &str, key: &str) -> Vec<String> {
    let line = unit.lines().find_map(|line| line.strip_prefix(key));
    let mut words = line.unwrap().split_whitespace();
    assert_eq!(words.next(), Some("/usr/local/bin/sigec"), "{key}");
    words.map(str::to_owned).collect()
}

#[test]
fn the_program_knows_the_commands_that_are_shipped() {
    let unit = std::fs::read_to_string(deploy("systemd/sigec.service")).unwrap();
    let container = std::fs::read_to_string(deploy("Dockerfile")).unwrap();
    let cmd = container.lines().find_map(|line| line.strip_prefix("CMD "));
    for mut args in [
        arguments(&unit, "ExecStartPre="),
        arguments(&unit, "ExecStart="),
        serde_json::from_str(cmd.unwrap()).unwrap(),
    ] {
        // Behind all others: it keeps the program from going on, not from reading them.
        args.push("--help".to_owned());
        let output = sigec().args(&args).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{args:?}: {error}");
    }
}

#[test]
fn systemd_accepts_the_unit() {
    if !has("systemd-analyze") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let unit = std::fs::read_to_string(deploy("systemd/sigec.service")).unwrap();
    // systemd looks for the program and its documentation where the unit says; neither is installed here.
    let unit = unit.replace("/usr/local/bin/sigec", env!("CARGO_BIN_EXE_sigec"));
    let path = dir.path().join("sigec.service");
    std::fs::write(&path, unit).unwrap();
    let output = Command::new("systemd-analyze")
        .arg("verify")
        .arg(&path)
        .output()
        .unwrap();
    let findings = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && findings.is_empty(), "{findings}");
}
