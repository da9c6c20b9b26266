//! Profiles and schedules out of the JSON of each version.
//!
//! What was accepted or reported is kept as it was written, and read here whenever it is needed.

mod needs;
mod number;
mod profile;
mod request;
mod schedule;
#[cfg(test)]
mod tests;
mod words;

use ocpp::{CallError, MeterColumns, Policy, v16, v21, v201};

use super::profile::Profile;
use super::station::Edition;
pub(crate) use needs::read_needs;
use profile::{profile_16, profile_21, profile_201};
pub use request::{clear_payload, read_clear, read_update, set_payload};
pub use schedule::read_composite;
pub(crate) use schedule::{vehicle_schedule_21, vehicle_schedule_201};
pub use words::{purpose_name, purpose_of};

/// Why a profile, or an answer, cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// It breaks the schema of its version.
    #[error("{0}")]
    Schema(
        /// What is wrong, and where.
        String,
    ),
    /// A number lies beyond all that is computed with.
    #[error("{what} is {found}, out of range")]
    Range {
        /// Which.
        what: &'static str,
        /// As it was written.
        found: String,
    },
}

impl From<CallError> for Unreadable {
    fn from(error: CallError) -> Self {
        Self::Schema(error.to_string())
    }
}

/// Reads a charging profile: the `csChargingProfiles` of 1.6, the `chargingProfile` of 2.x.
///
/// # Errors
///
/// [`Unreadable`] for what breaks the schema of `edition`.
pub fn read_profile(edition: Edition, profile: &str) -> Result<Profile, Unreadable> {
    let payload = set_payload(edition, 0, profile);
    let mut columns = MeterColumns::new();
    let (action, policy) = ("SetChargingProfile", Policy::Tolerant);
    match edition {
        Edition::V16 => {
            let decoded = v16::Command::decode(action, &payload, policy, &mut columns)?;
            match decoded.message {
                v16::Command::SetChargingProfile(set) => profile_16(&set.cs_charging_profiles),
                other => Err(another(other.action())),
            }
        }
        Edition::V201 => {
            let decoded = v201::Command::decode(action, &payload, policy, &mut columns)?;
            match decoded.message {
                v201::Command::SetChargingProfile(set) => profile_201(&set.charging_profile),
                other => Err(another(other.action())),
            }
        }
        Edition::V21 => {
            let decoded = v21::Command::decode(action, &payload, policy, &mut columns)?;
            match decoded.message {
                v21::Command::SetChargingProfile(set) => profile_21(&set.charging_profile),
                other => Err(another(other.action())),
            }
        }
    }
}

fn another(action: &str) -> Unreadable {
    Unreadable::Schema(format!("read as {action}"))
}
