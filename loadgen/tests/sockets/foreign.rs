//! A CSMS that others wrote: PyPI `ocpp`.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use super::echo::tool;
use super::{Killed, loadgen, stdout};

#[test]
fn a_central_system_of_others_finds_nothing_wrong_with_fleet_and_storm() {
    let Some(python) = tool("SIGEC_VENV", "sigec-venv", "bin/python") else {
        return;
    };
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sockets/foreign.py");
    let mut server = Killed(
        Command::new(python)
            .arg(script)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap(),
    );
    let mut line = String::new();
    let mut out = BufReader::new(server.0.stdout.take().unwrap());
    out.read_line(&mut line).unwrap();
    let url = format!("ws://{}/", line.trim());

    let mut args = vec![
        "fleet",
        "--url",
        &url,
        "--stations",
        "9",
        "--version",
        "all",
    ];
    args.extend(["--interval", "200ms", "--duration", "4s", "--deflate"]);
    args.extend([
        "--fail-if",
        "errors>0",
        "--fail-if",
        "lost>0",
        "--fail-if",
        "failed>0",
    ]);
    let output = loadgen(&args);
    let text = stdout(&output);
    assert!(output.status.success(), "{output:?}");
    for action in [
        "StartTransaction",
        "MeterValues",
        "StopTransaction",
        "TransactionEvent",
    ] {
        assert!(text.contains(action), "{text}");
    }

    let mut args = vec![
        "storm",
        "--url",
        &url,
        "--stations",
        "30",
        "--established",
        "3",
    ];
    args.extend(["--version", "all", "--power-loss", "--settle", "500ms"]);
    args.extend(["--wait-minimum", "100ms", "--random-range", "500ms"]);
    args.extend(["--fail-if", "missing>0", "--fail-if", "errors>0"]);
    let output = loadgen(&args);
    assert!(output.status.success(), "{output:?}");
    assert!(
        stdout(&output).contains("storm: all 30 back after"),
        "{}",
        stdout(&output)
    );
}
