//! OCPP 1.6J: every action's types, generated from the official schemas, and what is read by hand.

mod generated;
mod meter_value;

pub use generated::*;
pub use meter_value::{MeterValueList, ValueFormat};

use crate::{CallError, MeterColumns, Policy};

/// Checks a command that an operator wrote, strictly, before it goes to a station.
///
/// # Errors
///
/// As [`Command::decode`].
pub fn validate_call(action: &str, payload: &str) -> Result<(), CallError> {
    Command::decode(action, payload, Policy::Strict, &mut MeterColumns::new()).map(drop)
}

impl IdTagInfo<'static> {
    /// An answer that says no more than the status.
    pub const fn of(status: AuthorizationStatus) -> IdTagInfo<'static> {
        IdTagInfo {
            expiry_date: None,
            parent_id_tag: None,
            status,
        }
    }
}
