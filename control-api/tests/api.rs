//! The API over a real listener, a real data plane and stations on real sockets, asked by the SDK's client.

#![expect(
    clippy::unwrap_used,
    reason = "a test says what went wrong by panicking"
)]

mod api {
    pub(crate) mod station;
    pub(crate) mod world;

    mod certificates;
    mod charging;
    mod commands;
    mod courses;
    mod devices;
    mod files;
    mod grid;
    mod guides;
    mod health;
    mod items;
    mod local_lists;
    mod quirks;
    mod reservations;
    mod roles;
    mod tables;
    mod tariffs;
    mod transactions;
    mod variables;
    mod web_payments;
}
