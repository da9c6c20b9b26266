//! What is about stations once more, with the server on io_uring; and a server that is denied io_uring.

use std::process::Command;

use super::foreign::skip;
use super::raw::{Incoming, Raw};
use super::server::{FREE_PORTS, Site, UNDER_TEST, sigec};

#[path = "../../../net/tests/driver/denied.rs"]
mod denied;
#[path = "../../../net/tests/driver/uring.rs"]
mod uring;

/// The tests in which a station, or somebody in its place, is connected.
const WITH_STATIONS: [&str; 14] = [
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
