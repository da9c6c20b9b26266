//! The lake over real logs on a real disk, asked the way its clients ask.

#![allow(
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test says by panicking what is wrong, and nothing here is called from outside"
)]

mod besieged;
mod dialect;
mod exact;
mod grow;
mod http;
mod keep;
mod kill;
mod lists;
mod money;
mod plan;
mod postgres;
mod questions;
mod safety;
mod stop;
mod support;
mod told;
