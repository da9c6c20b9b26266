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
