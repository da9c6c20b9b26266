//! Simulated fleets of charging stations against any CSMS, with a report and the ground truth.
//!
//! - [`scenario::Scenario`] says how stations spend their time, also from TOML.
//! - [`connector::Connector`] is the physical world at one EVSE, driven by the seed alone; [`station::Station`] one
//!   station without socket and clock; [`fleet::Fleet`] all of them with their deadlines.
//! - [`peer::Peer`] is one that misbehaves.
//! - [`runner::Runner`] gives a fleet its sockets, counts into [`report::Report`] and writes [`truth`].
//! - [`echo`] says what it hears, for conformance suites.
//! - [`verify`] compares a truth with what a server has.
#![forbid(unsafe_code)]

pub mod charge;
pub mod clock;
pub mod connector;
pub mod echo;
pub mod event;
pub mod fleet;
pub mod peer;
pub mod plan;
pub mod random;
pub mod report;
pub mod runner;
pub mod scenario;
pub mod station;
pub mod target;
pub mod truth;
pub mod verify;
