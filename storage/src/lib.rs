//! Durable things: the event log of a shard, the state store, and the disk below them.
//!
//! - [`data_dir`]: the directory that one server owns.
//! - [`log`]: what a shard has accepted, in order, synced before it is acknowledged.
//! - [`state`]: a projection of shard state, stored together with the log position it reflects.
//! - [`disk`]: files as the log sees them, real or simulated with faults.

#![deny(unsafe_code)]

pub mod data_dir;
pub mod disk;
pub mod log;
pub mod state;
