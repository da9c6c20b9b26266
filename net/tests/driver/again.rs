//! The same tests on the other driver, and those about TLS with OpenSSL, in processes of their own.

use std::os::unix::process::CommandExt;
use std::process::{Command, Output};

use net::driver::{Config, DriverError, Uring};

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
    deny_io_uring(&mut tests);
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

/// Has `io_uring_setup` answer EPERM in the process that `command` starts, as the default filter of containers does.
#[expect(unsafe_code, reason = "a filter is set between fork and exec")]
fn deny_io_uring(command: &mut Command) {
    let set = || {
        const fn statement(code: u32, k: u32, if_not: u8) -> libc::sock_filter {
            libc::sock_filter {
                code: code as u16,
                jt: 0,
                jf: if_not,
                k,
            }
        }
        let mut filter = [
            // The number of the system call is the first field of what the filter sees.
            statement(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0),
            statement(
                libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K,
                libc::SYS_io_uring_setup as u32,
                1,
            ),
            statement(
                libc::BPF_RET | libc::BPF_K,
                libc::SECCOMP_RET_ERRNO | libc::EPERM as u32,
                0,
            ),
            statement(libc::BPF_RET | libc::BPF_K, libc::SECCOMP_RET_ALLOW, 0),
        ];
        let program = libc::sock_fprog {
            len: filter.len() as u16,
            filter: filter.as_mut_ptr(),
        };
        // SAFETY: both calls take numbers, and the second a program that lives until it returns; neither allocates,
        // which the child of a process with threads must not.
        let results = unsafe {
            [
                libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0),
                libc::prctl(
                    libc::PR_SET_SECCOMP,
                    libc::SECCOMP_MODE_FILTER,
                    &raw const program,
                ),
            ]
        };
        if results == [0, 0] {
            Ok(())
        } else {
            Err(std::io::Error::last_os_error())
        }
    };
    // SAFETY: `set` makes two system calls and touches only its own stack.
    unsafe { command.pre_exec(set) };
}
