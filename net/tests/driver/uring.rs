//! The tests of a program once more on io_uring, in a process of their own; programs of other crates do the same.

use std::process::Output;

use net::driver::{Config, DriverError, Uring};

/// Why this process gets no io_uring, if it does not.
pub(crate) fn why_not() -> Option<String> {
    match Uring::new(Config::default(), Vec::new()) {
        Ok(_) => None,
        Err(error @ DriverError::Unavailable { .. }) => Some(error.to_string()),
        Err(error) => panic!("{error:?}"),
    }
}

/// Checks that tests were run, and that all of them held.
pub(crate) fn check_passed(output: &Output) {
    let said = String::from_utf8_lossy(&output.stdout);
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{complained}");
    // A filter that leaves nothing passes too.
    assert!(said.contains("test result: ok. "), "{said}");
    assert!(!said.contains("test result: ok. 0 passed"), "{said}");
}
