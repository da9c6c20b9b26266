//! Charging profiles, limits, and what vehicles tell of themselves.

use rkyv::{Archive, Deserialize, Serialize};

/// Charging profiles, limits and wishes of a station, as far as it accepted or told them: the whole of it each time, so
/// that the newest record is enough.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq, Default)]
#[rkyv(derive(Debug))]
pub struct ChargingChanged {
    /// The OCPP action that changed it.
    pub cause: String,
    /// The command that carried it; absent for what the station told by itself.
    pub command_id: Option<[u8; 16]>,
    /// Ids of the profiles that came, or came anew.
    pub installed: Vec<i32>,
    /// Ids of the profiles that went.
    pub removed: Vec<i32>,
    /// Profiles that the station has, by their ids.
    pub profiles: Vec<ChargingProfileHeld>,
    /// True when it has more than is kept.
    pub is_partial: bool,
    /// Limits that others have set, and the station told of.
    pub limits: Vec<ChargingLimitHeld>,
    /// What electric vehicles told of themselves, by EVSE.
    pub vehicles: Vec<VehicleCharging>,
}

closed_set! {
    /// How we know of a charging profile.
    ChargingSource {
        /// The station accepted it in SetChargingProfile.
        Set = 1 "set",
        /// The station accepted it with a remote start.
        RemoteStart = 2 "remote_start",
        /// The station named it in ReportChargingProfiles.
        Report = 3 "report",
    }
}

/// A charging profile of a station.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[rkyv(derive(Debug))]
pub struct ChargingProfileHeld {
    /// Its id on the station.
    pub id: i32,
    /// The EVSE that it was sent to; 0 for the whole station, and for one that waits for its transaction.
    pub evse_id: u32,
    /// [`Protocol`](super::Protocol) whose words `profile` uses.
    pub protocol: u8,
    /// [`ChargingSource`].
    pub source: u8,
    /// `chargingLimitSource` of a report; empty for what was sent from here.
    pub limit_source: String,
    /// The command that brought it.
    pub command_id: Option<[u8; 16]>,
    /// When the station took it, or first told of it.
    pub installed_at: i64,
    /// When the station last confirmed it: by its answer, or by a report.
    pub confirmed_at: i64,
    /// `remoteStartId` of the start that it waits for, in 1.6 our own name of it, or -1 where none is known; absent once its
    /// transaction is known.
    pub waits_for: Option<i64>,
    /// The transaction that it was given to by what happened, where `profile` names none; else empty.
    pub ocpp_transaction_id: String,
    /// True for one that did not outlive the time its station was offline.
    pub is_void: bool,
    /// The newest update of a dynamic profile as JSON (`ChargingScheduleUpdateType`, what is not in it stays); else empty.
    pub update: String,
    /// When that came.
    pub updated_at: i64,
    /// The profile as JSON, as it was sent.
    pub profile: String,
}

/// A limit that an external system has set.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[rkyv(derive(Debug))]
pub struct ChargingLimitHeld {
    /// Who set it: `EMS`, `SO`, `CSO`, `Other` or another word.
    pub source: String,
    /// Where it holds; 0 for the whole station.
    pub evse_id: u32,
    /// `isGridCritical`.
    pub is_grid_critical: Option<bool>,
    /// `isLocalGeneration` (2.1).
    pub is_local_generation: Option<bool>,
    /// The schedules as a JSON array; empty for none.
    pub schedules: String,
    /// When it was told.
    pub at: i64,
}

/// What an electric vehicle told of itself.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq, Default)]
#[rkyv(derive(Debug))]
pub struct VehicleCharging {
    /// Where it stands.
    pub evse_id: u32,
    /// Its transaction; empty while that is not known.
    pub ocpp_transaction_id: String,
    /// NotifyEVChargingNeeds as JSON; empty for none.
    pub needs: String,
    /// When that came.
    pub needs_at: i64,
    /// What it was answered.
    pub needs_status: String,
    /// NotifyEVChargingSchedule as JSON; empty for none.
    pub schedule: String,
    /// When that came.
    pub schedule_at: i64,
    /// Priority charging is in force (2.1).
    pub priority: bool,
}
