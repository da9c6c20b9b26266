//! The tests of a program once more, with the data plane on io_uring.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::io::Write;

use crate::support::UNDER_TEST;

#[path = "../../../net/tests/driver/uring.rs"]
mod uring;

/// Runs the tests of this program again, all but `this`, with the data plane on io_uring.
pub(crate) fn run_on_io_uring(this: &str) {
    if let Some(why) = uring::why_not() {
        return skipped(&why);
    }
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--skip", this])
        .env(UNDER_TEST, "io_uring")
        .output()
        .unwrap();
    uring::check_passed(&output);
}

/// Says so on the real standard error, which the test runner does not capture.
pub(crate) fn skipped(why: &str) {
    let line = format!("SKIPPED a test of the data plane: {why}\n");
    std::io::stderr().write_all(line.as_bytes()).unwrap();
}
