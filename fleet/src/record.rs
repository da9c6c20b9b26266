//! What a log record says: one struct per kind, one kind per fact.
//!
//! These are wire types: their archived form is the format on disk, so a struct here is never changed in
//! place. A new field is a new version of the kind, and [`crate::wire`] keeps a reader for the one before.
//! Scalars are plain integers; the constants beside them say what they mean. Times are UTC microseconds.

#[macro_use]
mod closed_set;
mod certificates;
mod charging;
mod command;
mod grid;
mod message;
mod meter;
mod money;
mod promised;
mod reservations;
mod station;
mod status;
mod transaction;
mod web_payment;

use rkyv::{Archive, Deserialize, Serialize};

pub use certificates::*;
pub use charging::*;
pub use command::*;
pub use grid::*;
pub use message::*;
pub use meter::*;
pub use money::*;
pub use promised::*;
pub use reservations::*;
pub use station::*;
pub use status::*;
pub use transaction::*;
pub use web_payment::*;

/// When something happened, as the station says and as we believe it.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq, Default)]
#[rkyv(derive(Debug))]
pub struct Moment {
    /// The station's time, or the receive time where that is not worth believing.
    pub at: i64,
    /// The station's text; empty where it sent none.
    pub raw: String,
    /// False when `at` is the receive time.
    pub clock_trusted: bool,
}

/// How a retry is recognised: same key and same content is one effect, same key and other content is kept and flagged.
#[derive(Archive, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, Default)]
#[rkyv(derive(Debug))]
pub struct Retry {
    /// Hash of the retry key; zero when the message has no key that counts.
    pub key: [u8; 16],
    /// Hash of the decoded values, without message id and `offline`.
    pub content: [u8; 16],
    /// True when this is a second content under one key.
    pub conflict: bool,
}
