//! OCPP-J without I/O: messages, RPC rules, and the types and validation of every action.
//!
//! - [`scan`] reads the envelope of a message, [`write_call`] and its siblings write one.
//! - [`v16`], [`v201`] and [`v21`] decode, check and write payloads: `Request` is what a station asks of the CSMS and
//!   `Response` the answer, `Command` what the CSMS asks of a station and `CommandResponse` the answer. Both ends can use
//!   every one of them.
//! - [`MeterColumns`] receive meter values straight from the JSON.
//! - [`Rpc`] keeps the rules of calls on one connection, [`Inbound`] recognises repeated ones.
//! - [`Rules`] say how a message is read, [`Notes`] what was tolerated where; [`repair`] puts a frame right that is
//!   nearly one.
//! - [`open_signed`] gives what a signed message encloses.
//! - [`mask_secrets`] hides passwords in a raw message, [`replace_tokens`] the tokens of a payload.
//!
//! Nothing here reads a clock or a socket, and no input makes it panic.

#![forbid(unsafe_code)]

mod change;
mod decimal;
mod error;
mod frame;
mod instant;
mod json;
pub mod meter;
mod policy;
mod record;
mod repair;
mod rpc;
mod secrets;
mod signed;
mod timestamp;
pub mod v16;
pub mod v201;
pub mod v21;
mod version;

pub use change::Change;
pub use error::{CallError, ErrorCode};
pub use frame::{
    Frame, FrameError, FrameFault, MESSAGE_ID_MAX, Reply, UNREADABLE_ID, scan, write_call,
    write_call_error, write_call_result, write_call_result_error,
};
pub use instant::Instant;
pub use meter::MeterColumns;
pub use policy::{Clock, Notes, Policy, Quirks, Rules};
pub use record::{Any, Decoded, Int, Key, List, LooseText, Number, Open, Text, Uri, Word};
pub use repair::{Repaired, repair};
pub use rpc::{Admission, Call, Event, Inbound, Outcome, QueueFull, Rpc};
pub use secrets::{mask_secrets, may_hold_secrets, replace_tokens};
pub use signed::{open_signed, signed_action};
pub use timestamp::{Timestamp, Zone};
pub use version::Version;
