//! Smart charging: the profiles a station has, and the schedule that follows from them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Command;

/// What a station's smart charging is, as far as the station accepted or told it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ChargingProfiles {
    /// The profiles it has, by their ids.
    pub profiles: Vec<ChargingProfile>,
    /// Limits that others than the operator have set.
    pub limits: Vec<ChargingLimit>,
    /// What vehicles told of themselves, while they are there.
    pub vehicles: Vec<VehicleCharging>,
    /// Energy transfers that running transactions may use (2.1), where the station accepted such a list.
    #[serde(default)]
    pub energy_transfers: Vec<AllowedEnergyTransfer>,
    /// The newest signal for automatic frequency restoration that the station accepted (2.1).
    #[serde(default)]
    pub afrr_signal: Option<AfrrSignal>,
    /// True when the station has more than is kept here.
    pub is_partial: bool,
}

/// Energy transfers that a transaction may use. A vehicle that asks for another one is refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AllowedEnergyTransfer {
    /// The transaction, by the station's name of it.
    pub ocpp_transaction_id: String,
    /// `EnergyTransferModeEnumType`.
    #[schema(example = json!(["DC", "DC_BPT"]))]
    pub modes: Vec<String>,
    /// The `NotifyAllowedEnergyTransfer`.
    pub command_id: String,
    /// When the station accepted it.
    #[schema(format = DateTime)]
    pub at: String,
}

/// A signal for automatic frequency restoration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AfrrSignal {
    /// Where on its curve the station is to be.
    pub signal: i64,
    /// From when.
    #[schema(format = DateTime)]
    pub signal_at: String,
    /// The `AFRRSignal`.
    pub command_id: String,
    /// When the station accepted it.
    #[schema(format = DateTime)]
    pub at: String,
}

/// A charging profile of a station.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ChargingProfile {
    /// Its id on the station.
    pub id: i32,
    /// Where it holds; 0 is the whole station. In 1.6 the connector.
    pub evse_id: u32,
    /// The version whose words `profile` uses.
    #[schema(example = "ocpp2.0.1")]
    pub protocol: String,
    /// How it is known.
    pub source: ChargingProfileSource,
    /// `chargingLimitSource` of a report.
    pub limit_source: Option<String>,
    /// The command that brought it.
    pub command_id: Option<String>,
    /// When the station took it, or first told of it.
    #[schema(format = DateTime)]
    pub installed_at: String,
    /// When the station last said that it has it.
    #[schema(format = DateTime)]
    pub confirmed_at: String,
    /// The transaction that it was given to by what happened: its remote start led to it.
    pub ocpp_transaction_id: Option<String>,
    /// True while it waits for the transaction that its remote start is to begin.
    pub is_waiting: bool,
    /// True for one that is no longer in force, because its station was offline for too long.
    pub is_void: bool,
    /// The newest rates of a dynamic profile.
    #[schema(value_type = Option<Object>)]
    pub update: Option<serde_json::Value>,
    /// When those came.
    #[schema(format = DateTime)]
    pub updated_at: Option<String>,
    /// The profile as it was sent or reported.
    #[schema(value_type = Object)]
    pub profile: serde_json::Value,
}

/// How a charging profile is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChargingProfileSource {
    /// The station accepted it.
    Set,
    /// The station accepted it with a remote start.
    RemoteStart,
    /// The station reported it.
    Report,
}

/// A limit that an external system has set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ChargingLimit {
    /// Who set it.
    #[schema(example = "EMS")]
    pub source: String,
    /// Where it holds; 0 is the whole station.
    pub evse_id: u32,
    /// Whether the grid needs it.
    pub is_grid_critical: Option<bool>,
    /// Whether it is power that is made on site (2.1).
    pub is_local_generation: Option<bool>,
    /// Its schedules, if the station told them.
    #[schema(value_type = Option<Vec<Object>>)]
    pub schedules: Option<serde_json::Value>,
    /// When the station told of it.
    #[schema(format = DateTime)]
    pub at: String,
}

/// What a vehicle told of itself (ISO 15118).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct VehicleCharging {
    /// Where it stands.
    pub evse_id: u32,
    /// Its transaction, by the station's name of it.
    pub ocpp_transaction_id: Option<String>,
    /// The newest NotifyEVChargingNeeds.
    #[schema(value_type = Option<Object>)]
    pub needs: Option<serde_json::Value>,
    /// When that came.
    #[schema(format = DateTime)]
    pub needs_at: Option<String>,
    /// What it was answered.
    pub needs_status: Option<String>,
    /// The newest NotifyEVChargingSchedule.
    #[schema(value_type = Option<Object>)]
    pub schedule: Option<serde_json::Value>,
    /// When that came.
    #[schema(format = DateTime)]
    pub schedule_at: Option<String>,
    /// Whether it charges with priority (2.1).
    pub priority: bool,
}

/// A profile for a station.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChargingProfileRequest {
    /// Where it is to hold; 0 is the whole station. In 1.6 the connector.
    pub evse_id: u32,
    /// The profile in the words of the station's version: `csChargingProfiles` of 1.6, `chargingProfile` of 2.x.
    #[schema(value_type = Object, example = json!({"id": 1, "stackLevel": 0, "chargingProfilePurpose": "TxDefaultProfile", "chargingProfileKind": "Absolute", "chargingSchedule": [{"id": 1, "startSchedule": "2026-11-22T00:00:00Z", "chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 16}]}]}))]
    pub profile: serde_json::Value,
}

/// What became of a change of a station's profiles.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ChargingProfileChange {
    /// The command that the station accepted; `null` where it was only checked.
    pub command: Option<Command>,
    /// Rules that the profile breaks, as far as they can be told from here. It is sent all the same.
    pub warnings: Vec<ChargingWarning>,
}

/// A rule that a profile breaks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ChargingWarning {
    /// True for what the specification forbids to send; else the station is bound to refuse it, or it does not what it
    /// seems to say.
    pub is_forbidden: bool,
    /// The requirement, or the section of 1.6.
    #[schema(example = "K01.FR.06")]
    pub rule: String,
    /// What was found, and what was expected.
    pub detail: String,
}

/// Which profiles to clear; what is `None` says nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChargingProfileFilter {
    /// One profile.
    pub id: Option<i32>,
    /// Those of an EVSE; 0 is the whole station.
    pub evse_id: Option<u32>,
    /// Those of a purpose.
    pub purpose: Option<String>,
    /// Those of a stack level.
    pub stack_level: Option<u32>,
}

/// What a rate counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum ChargingRateUnit {
    /// Amperes of each phase.
    A,
    /// Watts of all phases together.
    W,
}

/// The schedule that follows from all profiles of a station.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CompositeSchedule {
    /// Of which EVSE; 0 is the grid connection.
    pub evse_id: u32,
    /// Where it begins.
    #[schema(format = DateTime)]
    pub start: String,
    /// Seconds it lasts.
    pub duration: u32,
    /// What its rates count.
    pub unit: ChargingRateUnit,
    /// In order, the first at 0.
    pub periods: Vec<CompositePeriod>,
    /// Ids of the profiles that lead where it begins.
    pub leading: Vec<i32>,
    /// The station shifts what is not the first period by up to this many seconds, at random (2.1).
    pub randomized_delay: u32,
    /// True when it is shorter than was asked for, because there would be too many periods.
    pub is_truncated: bool,
    /// The station's own, where it was asked for.
    pub comparison: Option<CompositeComparison>,
}

/// A stretch of a composite schedule. A rate that is `null` is not limited.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CompositePeriod {
    /// Seconds from its beginning.
    pub start: u32,
    /// What may charge; of phase L1 where `limit_l2` or `limit_l3` is given.
    pub limit: Option<f64>,
    /// Of phase L2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit_l2: Option<f64>,
    /// Of phase L3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit_l3: Option<f64>,
    /// What may discharge, zero or negative.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub discharge_limit: Option<f64>,
    /// What is to be followed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub setpoint: Option<f64>,
    /// How many phases, where a profile says so.
    pub phases: Option<u8>,
    /// Who sets the rates (2.1 `operationMode`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation_mode: Option<String>,
}

/// Our schedule beside the one that the station answered GetCompositeSchedule with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CompositeComparison {
    /// The command that asked.
    pub command: Command,
    /// How the two stand to each other.
    pub verdict: CompositeVerdict,
    /// Where they part, the first 32.
    pub differences: Vec<CompositeDifference>,
}

/// How two schedules stand to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CompositeVerdict {
    /// Equal for as long as both say something.
    Equal,
    /// They part.
    Differs,
    /// They speak of different times.
    Apart,
    /// The station gave none.
    Refused,
}

/// A stretch in which two schedules part.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CompositeDifference {
    /// `limit`, `limit_l2`, `limit_l3`, `discharge_limit`, `setpoint` or `phases`.
    pub field: String,
    /// From when.
    #[schema(format = DateTime)]
    pub from: String,
    /// Until when.
    #[schema(format = DateTime)]
    pub to: String,
    /// Our value, in the unit asked for; `null` for none.
    pub ours: Option<f64>,
    /// The station's.
    pub theirs: Option<f64>,
    /// True where the station allows less than its profiles do, as it may.
    pub is_stricter: bool,
}
