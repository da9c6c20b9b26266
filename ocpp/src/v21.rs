//! OCPP 2.1: every action's types, generated from the official schemas, and what is read by hand.
//!
//! Every object may carry `customData`. It is checked and passed over; the raw frame keeps it.

mod generated;
mod meter_value;

pub use generated::*;
pub use meter_value::MeterValueList;

use crate::{CallError, MeterColumns, Policy};

/// Checks a command that an operator wrote, strictly, before it goes to a station.
///
/// # Errors
///
/// As [`Command::decode`].
pub fn validate_call(action: &str, payload: &str) -> Result<(), CallError> {
    Command::decode(action, payload, Policy::Strict, &mut MeterColumns::new()).map(drop)
}
