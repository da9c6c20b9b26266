//! A fleet that does its work beside peers that only want to do harm.

use std::process::{Child, Output, Stdio};

use super::raw::{Incoming, Raw};
use super::server::{Server, Site, loadgen, output, wait_for_exit};
use super::wait::eventually;

/// Each attack that `loadgen` knows, twice.
const ATTACKERS: &str = "46";

fn fleet(server: &Server, prefix: &str, more: &[&str]) -> std::process::Command {
    let mut command = loadgen();
    command.args(["fleet", "--url", &server.ocpp_url()]);
    command.args(["--station-prefix", prefix]).args(more);
    command
}

/// Makes sure of the end of a program in the background.
struct Running(Option<Child>);

impl Running {
    fn output(mut self) -> Output {
        let mut child = self.0.take().unwrap();
        wait_for_exit(&mut child);
        child.wait_with_output().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            // It may have ended already.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

#[test]
fn atk_22_a_fleet_is_served_while_others_attack() {
    /// What attackers may leave behind: the buffers of sockets and tables, which come and go.
    const ALLOWED_KIB: u64 = 256 << 10;
    let site = Site::new();
    let server = site.start(&["--shards", "2"]);
    // Every call answered, every connection kept.
    let healthy = [
        "--stations",
        "40",
        "--heartbeat",
        "1s",
        "--fail-if",
        "errors>0",
        "--fail-if",
        "lost>0",
        "--fail-if",
        "failed>0",
    ];
    let calm = output(fleet(&server, "CALM", &healthy).args(["--duration", "3s"]));
    assert!(calm.status.success(), "{calm:?}");
    let before = server.resident_kib();

    let report = site.path("healthy.json");
    let besieged = fleet(&server, "CP", &healthy)
        .args(["--duration", "12s", "--report-json"])
        .arg(&report)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let besieged = Running(Some(besieged.unwrap()));
    let attackers = [
        "--stations",
        ATTACKERS,
        "--malicious",
        "100",
        "--duration",
        "6s",
    ];
    let attackers = output(&mut fleet(&server, "EVIL", &attackers));
    let said = String::from_utf8_lossy(&attackers.stdout);
    assert!(attackers.status.success(), "{attackers:?}");
    for met in [
        "a frame of 64 MiB: ",
        "a bomb of deflate: ",
        "a flood of pings: ",
    ] {
        assert!(said.contains(met), "{met}{said}");
    }

    let besieged = besieged.output();
    assert!(besieged.status.success(), "{besieged:?}");
    let report: serde_json::Value =
        serde_json::from_slice(&std::fs::read(report).unwrap()).unwrap();
    let connections = &report["connections"];
    assert_eq!(connections["opened"], 40, "{connections}");
    let mut station = Raw::station(&server.ready.ocpp, "AFTER", "ocpp1.6");
    station.text("[2,\"1\",\"Heartbeat\",{}]");
    assert!(matches!(station.next(), Incoming::Text(text) if text.starts_with("[3,\"1\"")));
    eventually("the memory is given back", || {
        let grown = server.resident_kib().saturating_sub(before);
        match grown < ALLOWED_KIB {
            true => Ok(()),
            false => Err(format!("{grown} KiB more than before")),
        }
    });
}
