//! The same tests on the other driver, and those about TLS with OpenSSL, in processes of their own.

use std::process::Command;

use crate::denied::deny_io_uring;
use crate::rig::{DENIED, IO_URING, UNDER_TEST};
use crate::uring::{check_passed, why_not};

/// These tests alone, in this very program.
fn tests_on(what: &str) -> Command {
    let mut tests = Command::new(std::env::current_exe().unwrap());
    tests.args(["--skip", "again::", "--test-threads", "4"]);
    tests.env(UNDER_TEST, what);
    tests
}

#[test]
fn everything_holds_on_io_uring() {
    match why_not() {
        None => check_passed(&tests_on(IO_URING).output().unwrap()),
        Some(why) => println!("skipped: {why}"),
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
            && let Some(why) = why_not()
        {
            println!("skipped: {why}");
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
