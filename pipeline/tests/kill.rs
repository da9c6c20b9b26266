//! A process killed anywhere between a record and its commit: afterwards every record is a row, once.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::support::*;

const CHILD_DIR: &str = "SIGEC_PIPELINE_CHILD_DIR";
const CYCLES: usize = 6;

/// The process that is killed: appends, tells what is durable, and writes out as fast as it can.
#[tokio::test]
#[ignore = "started by the test below"]
async fn child() {
    let Some(dir) = std::env::var_os(CHILD_DIR).map(PathBuf::from) else {
        return;
    };
    let mut log = TestLog::open(&dir, 0);
    let mut config = config(&dir);
    config.flush_interval = Duration::ZERO;
    config.checkpoint_commits = 3;
    config.compact_files = 2;
    let lake = lake_with(config, &[&log]);
    loop {
        let mut last = 0;
        for n in 0..50 {
            let at = T0 + n * MINUTE;
            last = log
                .append("default/CP1", at, meter(Some(1), 1, at, 1_001, 1.0))
                .0;
        }
        log.sync();
        println!("durable {last}");
        lake.flush().await.unwrap();
        lake.maintain().await.unwrap();
    }
}

#[tokio::test]
async fn kill_9_loses_and_doubles_no_row() {
    let dir = tempfile::tempdir().unwrap();
    let mut acknowledged = 0;
    for cycle in 0..CYCLES {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "kill::child", "--ignored", "--nocapture"])
            .env(CHILD_DIR, dir.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        // Another place each time: after the first, the second, … batch, wherever its writer is by then.
        let durable = lines
            .map_while(Result::ok)
            .filter_map(|line| {
                line.strip_prefix("durable ")
                    .and_then(|seq| seq.parse::<u64>().ok())
            })
            .nth(cycle % 3);
        child.kill().unwrap();
        child.wait().unwrap();
        acknowledged = durable.expect("the child came so far").max(acknowledged);

        let log = TestLog::open(dir.path(), 0);
        let durable = log.log().durable().0;
        assert!(acknowledged <= durable);
        let lake = lake(dir.path(), &[&log]);
        until(
            &lake.sql(),
            "SELECT count(*) FROM meter_values",
            &durable.to_string(),
        )
        .await;
        let sums =
            "SELECT count(DISTINCT seq), min(seq), max(seq), sum(energy_wh) FROM meter_values";
        let energy = format!("{}.{:03}", durable * 1_001 / 1_000, durable * 1_001 % 1_000);
        let found = table(&lake.sql(), sums).await;
        let row = found
            .lines()
            .nth(3)
            .unwrap()
            .split('|')
            .map(str::trim)
            .collect::<Vec<_>>();
        assert_eq!(
            row[1..5],
            [&*durable.to_string(), "1", &*durable.to_string(), &*energy],
            "cycle {cycle}"
        );
        log.close();
    }
}
