//! The tests of a program once more, with the data plane on io_uring.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::io::Write;

use net::driver::{Config, DriverError, Uring};

use crate::support::UNDER_TEST;

/// Runs the tests of this program again, all but `this`, with the data plane on io_uring.
pub(crate) fn run_on_io_uring(this: &str) {
    match Uring::new(Config::default(), Vec::new()) {
        Ok(_) => {}
        Err(error @ DriverError::Unavailable { .. }) => return skipped(&error.to_string()),
        Err(error) => panic!("{error:?}"),
    }
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--skip", this])
        .env(UNDER_TEST, "io_uring")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{complained}");
    assert!(!said.contains(" 0 passed"), "{said}");
}

/// Says so on the real standard error, which the test runner does not capture.
pub(crate) fn skipped(why: &str) {
    let line = format!("SKIPPED a test of the data plane: {why}\n");
    std::io::stderr().write_all(line.as_bytes()).unwrap();
}
