//! What is about stations once more, with the server on io_uring; and a server that is denied io_uring.

use std::os::unix::process::CommandExt;
use std::process::Command;

use super::foreign::skip;
use super::raw::{Incoming, Raw};
use super::server::{FREE_PORTS, Site, UNDER_TEST, sigec};

#[path = "../../../net/tests/driver/denied.rs"]
mod denied;
#[path = "../../../net/tests/driver/uring.rs"]
mod uring;

/// The tests in which a station, or somebody in its place, is connected.
const WITH_STATIONS: [&str; 15] = [
    "e2e::again::health",
    "e2e::bad_input",
    "e2e::besieged",
    "e2e::crash",
    "e2e::flows",
    "e2e::full_disk",
    "e2e::lifecycle",
    "e2e::offline",
    "e2e::quarantine",
    "e2e::reload",
    "e2e::signed",
    "e2e::stations",
    "e2e::storm",
    "e2e::tls",
    "e2e::upgrade",
];

#[test]
fn stations_are_served_alike_on_io_uring() {
    if let Some(why) = uring::why_not() {
        return skip(&why);
    }
    let output = Command::new(std::env::current_exe().unwrap())
        .args(WITH_STATIONS)
        .env(UNDER_TEST, "io_uring")
        .output()
        .unwrap();
    uring::check_passed(&output);
}

/// One that believes it was given io_uring without being would pass the tests above on epoll.
#[test]
fn health_says_which_driver_serves() {
    let server = Site::new().start(&[]);
    let wanted = std::env::var(UNDER_TEST).unwrap_or_else(|_| "epoll".to_owned());
    assert_eq!(server.get("/health").json()["dataplane"]["driver"], wanted);
}

#[test]
fn a_server_that_is_denied_io_uring_serves_on_epoll_and_says_why_once() {
    for (errno, why) in [
        (libc::EPERM, "forbidden by a seccomp filter"),
        (libc::ENOSYS, "this kernel has none"),
        (libc::EINVAL, "this kernel is too old"),
        (libc::ENOMEM, "RLIMIT_MEMLOCK"),
    ] {
        let site = Site::new();
        let mut program = sigec();
        program.env("SIGEC_SERVER__DRIVER", "io_uring");
        denied::deny_io_uring(&mut program, errno);
        let server = site.start_with(program, &[&FREE_PORTS[..], &["--shards", "2"]].concat());
        let mut station = Raw::station(&server.ready.ocpp, "CP1", "ocpp1.6");
        station.text(r#"[2,"1","Heartbeat",{}]"#);
        assert!(matches!(station.next(), Incoming::Text(_)));
        let log = server.log();
        let lines = log.lines().filter(|line| line.contains("epoll serves"));
        let lines: Vec<_> = lines.collect();
        assert!(lines.len() == 1 && lines[0].contains(why), "{log}");
        let health = server.get("/health").json();
        assert_eq!(health["dataplane"]["driver"], "epoll", "{health}");
    }
}

/// What a kernel charges to this limit is its own affair (from 5.12 on only what is registered with a ring), and whoever has
/// CAP_IPC_LOCK is not bound by it.
#[test]
fn little_locked_memory_ends_in_service_whatever_the_kernel_makes_of_it() {
    let site = Site::new();
    let mut program = sigec();
    program.env("SIGEC_SERVER__DRIVER", "io_uring");
    lock_no_more_than_64_kib(&mut program);
    let server = site.start_with(program, &[&FREE_PORTS[..], &["--shards", "2"]].concat());
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", server.ready.pid)).unwrap();
    let limit = limits
        .lines()
        .find(|line| line.starts_with("Max locked memory"))
        .unwrap();
    let words: Vec<_> = limit.split_whitespace().collect();
    assert_eq!(words[3..], ["65536", "65536", "bytes"]);

    let mut station = Raw::station(&server.ready.ocpp, "CP1", "ocpp1.6");
    station.text(r#"[2,"1","Heartbeat",{}]"#);
    assert!(matches!(station.next(), Incoming::Text(_)));
    let log = server.log();
    let why: Vec<_> = log
        .lines()
        .filter(|line| line.contains("epoll serves"))
        .collect();
    let health = server.get("/health").json();
    match uring::why_not() {
        // It is denied here whatever the limit is, or by the limit of this process already.
        Some(denied) => skip(&format!("what a limit of locked memory does: {denied}")),
        None if why.is_empty() => {
            assert_eq!(health["dataplane"]["driver"], "io_uring", "{health}");
        }
        None => {
            assert!(
                why.len() == 1 && why[0].contains("RLIMIT_MEMLOCK, 65536 bytes"),
                "{log}"
            );
            assert_eq!(health["dataplane"]["driver"], "epoll", "{health}");
        }
    }
}

#[expect(unsafe_code, reason = "a limit is set between fork and exec")]
fn lock_no_more_than_64_kib(command: &mut Command) {
    let set = || {
        let limit = libc::rlimit {
            rlim_cur: 64 << 10,
            rlim_max: 64 << 10,
        };
        // SAFETY: the call reads a struct that lives until it returns, and does not allocate, which the child of a process with
        // threads must not.
        match unsafe { libc::setrlimit(libc::RLIMIT_MEMLOCK, &raw const limit) } {
            0 => Ok(()),
            _ => Err(std::io::Error::last_os_error()),
        }
    };
    // SAFETY: `set` makes one system call and touches only its own stack.
    unsafe { command.pre_exec(set) };
}
