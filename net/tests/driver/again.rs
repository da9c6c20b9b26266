//! The same tests on the other driver, and those about TLS with OpenSSL, in processes of their own.

use std::process::{Command, Output};

use net::driver::{Config, DriverError, Uring};

use crate::denied::deny_io_uring;
use crate::rig::{DENIED, IO_URING, UNDER_TEST};

/// These tests alone, in this very program.
fn tests_on(what: &str) -> Command {
    let mut tests = Command::new(std::env::current_exe().unwrap());
    tests.args(["--skip", "again::", "--test-threads", "4"]);
    tests.env(UNDER_TEST, what);
    tests
}

fn check_passed(output: &Output) {
    let said = String::from_utf8_lossy(&output.stdout);
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{complained}");
    // A filter that leaves nothing passes too.
    assert!(said.contains("test result: ok. "), "{said}");
    assert!(!said.contains("test result: ok. 0 passed"), "{said}");
}

#[test]
fn everything_holds_on_io_uring() {
    match Uring::new(Config::default(), Vec::new()) {
        Ok(_) => check_passed(&tests_on(IO_URING).output().unwrap()),
        Err(error @ DriverError::Unavailable { .. }) => println!("skipped: {error}"),
        Err(error) => panic!("{error:?}"),
    }
}

#[test]
fn everything_holds_where_io_uring_is_denied() {
    let mut tests = tests_on(DENIED);
    deny_io_uring(&mut tests, libc::EPERM);
    check_passed(&tests.output().unwrap());
}

#[test]
#[cfg(feature = "openssl")]
fn what_is_secured_holds_with_openssl_on_both() {
    for driver in [None, Some(IO_URING)] {
        if let Some(IO_URING) = driver
            && let Err(error) = Uring::new(Config::default(), Vec::new())
        {
            println!("skipped: {error}");
            continue;
        }
        let mut tests = tests_on(IO_URING);
        if driver.is_none() {
            tests.env_remove(UNDER_TEST);
        }
        tests.arg("secured::").env(crate::secured::OPENSSL, "1");
        check_passed(&tests.output().unwrap());
    }
}
