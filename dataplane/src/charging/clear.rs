//! Which profiles a ClearChargingProfile removes.

use super::profile::{ProfileId, Purpose};
use super::set::ProfileSet;
use super::station::Edition;

/// The criteria of a ClearChargingProfile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct ClearCriteria {
    /// One profile; the other criteria then say nothing.
    pub id: Option<ProfileId>,
    /// Profiles sent to this EVSE; 0 is the station as a whole.
    pub evse_id: Option<u32>,
    /// Profiles of this purpose.
    pub purpose: Option<Purpose>,
    /// Profiles of this stack level.
    pub stack_level: Option<u32>,
}

/// Why a CSMS must not send such criteria.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClearFault {
    /// K10.FR.02.
    #[error(
        "no criterion given, expected a profile id, or one of EVSE, purpose and stack level (K10.FR.02)"
    )]
    NoCriteria,
    /// K10.FR.06.
    #[error("{0} profiles are not ours to clear (K10.FR.06)")]
    Purpose(
        /// The purpose named.
        Purpose,
    ),
}

/// Judges criteria before they are sent. 1.6 clears everything where no criterion is given.
///
/// # Errors
///
/// [`ClearFault`] names the requirement.
pub fn check_clear(edition: Edition, criteria: &ClearCriteria) -> Result<(), ClearFault> {
    if let Some(purpose) = criteria.purpose
        && is_kept(edition, purpose)
    {
        return Err(ClearFault::Purpose(purpose));
    }
    if edition != Edition::V16 && *criteria == ClearCriteria::default() {
        return Err(ClearFault::NoCriteria);
    }
    Ok(())
}

/// What an external system set stays (K10.FR.04, K10.FR.09); in 2.1 so does what it generates.
fn is_kept(edition: Edition, purpose: Purpose) -> bool {
    match purpose {
        Purpose::ChargingStationExternalConstraints => true,
        Purpose::LocalGeneration => edition == Edition::V21,
        Purpose::ChargingStationMaxProfile
        | Purpose::TxDefaultProfile
        | Purpose::TxProfile
        | Purpose::PriorityCharging => false,
    }
}

impl ProfileSet {
    /// Removes what matches all criteria, as a station does that answers Accepted, and answers the ids. With none the
    /// station answers Unknown (K10.FR.01, K10.FR.08).
    pub fn clear(&mut self, edition: Edition, criteria: &ClearCriteria) -> Vec<ProfileId> {
        self.remove_where(|installed| {
            let profile = &installed.profile;
            let matches = match criteria.id {
                Some(id) => profile.id == id,
                None => {
                    criteria
                        .evse_id
                        .is_none_or(|evse_id| evse_id == installed.evse_id)
                        && criteria
                            .purpose
                            .is_none_or(|purpose| purpose == profile.purpose)
                        && criteria
                            .stack_level
                            .is_none_or(|level| level == profile.stack_level)
                }
            };
            matches && !is_kept(edition, profile.purpose)
        })
    }
}
