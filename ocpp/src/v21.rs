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

impl IdTokenInfo<'static> {
    /// An answer that says no more than the status.
    pub const fn of(status: AuthorizationStatus) -> IdTokenInfo<'static> {
        IdTokenInfo {
            status,
            cache_expiry_date_time: None,
            charging_priority: None,
            language1: None,
            evse_id: None,
            group_id_token: None,
            language2: None,
            personal_message: None,
        }
    }
}
