//! The shared words of SIGEC-VE: ids, units, time, partitions, and the bytes of a log record.
//!
//! Every crate above speaks these; this crate knows no sockets, no files and no OCPP syntax.
//!
//! # Invariants
//!
//! - A station's partition depends on its key alone ([`StationKey::partition`]), never on a process.
//! - Energy is an integer of milliwatt-hours from parser to bill ([`MilliwattHours`]).
//! - What [`wire`] writes, every later version of it reads; golden bytes hold it to that.

#![forbid(unsafe_code)]

mod ids;
mod murmur2;
pub mod record;
mod time;
mod units;
pub mod wire;

pub use ids::{
    EventId, IDENTITY_CHARS_MAX, InvalidKey, KEY_LEN_MAX, LogId, PARTITIONS, Partition, Seq,
    StationKey, TENANT_DEFAULT, TransactionId,
};
pub use time::UtcMicros;
pub use units::{Cost, MilliwattHours, minor_digits};
