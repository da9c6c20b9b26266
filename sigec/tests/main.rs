//! End to end: the real binary, on ports of its own, driven by parts that others wrote.
//!
//! Each test starts its own server with its own data directory. A foreign part that this machine lacks makes
//! its tests print `SKIPPED` with the reason; `sigec/tests/setup.sh` installs all of them. Nothing sleeps: a
//! test waits for a line, a row or an exit, and a deadline makes a failure of a wait that would not end.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on ends where it stands"
)]

mod e2e {
    mod again;
    pub(crate) mod api;
    pub(crate) mod foreign;
    pub(crate) mod load;
    pub(crate) mod raw;
    pub(crate) mod server;
    pub(crate) mod wait;

    mod bad_input;
    mod besieged;
    mod config;
    mod crash;
    mod deploy;
    mod flows;
    mod full_disk;
    mod http;
    mod import;
    mod lake;
    mod lifecycle;
    mod log;
    mod offline;
    mod openapi;
    mod quarantine;
    mod reload;
    mod signed;
    mod sql_clients;
    mod stations;
    mod storm;
    mod tls;
    mod tour;
    mod upgrade;
}
