//! What is known of a station, as far as smart charging needs it.

use std::fmt;

use fleet::UtcMicros;
use ocpp::{Clock, Policy};

use super::profile::OperationMode;
use super::rate::{RateUnit, Supply};

/// Whose rules a station follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Edition {
    /// OCPP 1.6 edition 2.
    V16,
    /// OCPP 2.0.1 edition 3.
    V201,
    /// OCPP 2.1 edition 1.
    V21,
}

impl fmt::Display for Edition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V16 => "OCPP 1.6",
            Self::V201 => "OCPP 2.0.1",
            Self::V21 => "OCPP 2.1",
        })
    }
}

/// A station with its EVSEs and its transactions at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Station {
    /// Whose rules it follows.
    pub edition: Edition,
    /// Its EVSEs as far as they are known, without EVSE 0.
    pub evses: Vec<Evse>,
    /// The grid connection.
    pub supply: Supply,
    /// Seconds its local time is ahead of UTC, for schedules in local time.
    pub utc_offset_s: i32,
    /// Who wins where both the CSMS and an external system give a setpoint.
    pub setpoint_priority: SetpointPriority,
    /// Since when it has been offline; `None` while connected.
    pub offline_since: Option<UtcMicros>,
    /// What it says it can do.
    pub features: Features,
    /// How far its answers may stray from their schemas.
    pub policy: Policy,
    /// What the dates in them are worth.
    pub clock: Clock,
}

impl Station {
    /// A connected station without EVSEs of which nothing else is known.
    pub fn new(edition: Edition) -> Self {
        Self {
            edition,
            evses: Vec::new(),
            supply: Supply::default(),
            utc_offset_s: 0,
            setpoint_priority: SetpointPriority::default(),
            offline_since: None,
            features: Features::default(),
            policy: Policy::default(),
            clock: Clock::default(),
        }
    }

    /// The EVSE with this id.
    pub fn evse(&self, evse_id: u32) -> Option<&Evse> {
        self.evses.iter().find(|evse| evse.id == evse_id)
    }
}

/// An EVSE; in 1.6 a connector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evse {
    /// Counted from 1.
    pub id: u32,
    /// How it hangs on the grid.
    pub supply: Supply,
    /// What it delivers; `None` while unknown.
    pub current: Option<Current>,
    /// `ACPhaseSwitchingSupported`; `None` while unknown.
    pub phase_switching: Option<bool>,
    /// The transaction that runs here.
    pub transaction: Option<Transaction>,
}

impl Evse {
    /// An EVSE on three phases, without transaction.
    pub fn new(id: u32) -> Self {
        Self {
            id,
            supply: Supply::default(),
            current: None,
            phase_switching: None,
            transaction: None,
        }
    }
}

/// Kind of current.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Current {
    /// Alternating: phases mean something.
    Ac,
    /// Direct.
    Dc,
}

/// A running transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    /// As the station names it; a 1.6 number in decimal.
    pub ocpp_transaction_id: Box<str>,
    /// When the EVSE got ready to deliver energy, from which relative schedules count (K01.FR.42); `None` before.
    pub ready_at: Option<UtcMicros>,
    /// Priority charging is in force (K21, K22).
    pub priority: bool,
    /// The EV's last reported state of charge.
    pub soc_percent: Option<u8>,
    /// Which of the schedules it was offered the EV follows, from 0 (K15.FR.22).
    pub schedule: u8,
    /// What the EV has told of its charging needs (ISO 15118); only then may it be offered several schedules
    /// (K01.FR.34).
    pub needs: Option<Needs>,
}

/// For which phases an EV names a power of their own: only these get rates of their own (2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Needs {
    /// `maxChargePower`, for limits (K01.FR.142).
    pub charge: PhasesNamed,
    /// `maxDischargePower`, for discharge limits and setpoints (V2X.08).
    pub discharge: PhasesNamed,
}

/// Phases beside the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct PhasesNamed {
    /// L2.
    pub l2: bool,
    /// L3.
    pub l3: bool,
}

impl Transaction {
    /// A transaction ready since `ready_at`, and nothing more.
    pub fn new(ocpp_transaction_id: &str, ready_at: UtcMicros) -> Self {
        Self {
            ocpp_transaction_id: ocpp_transaction_id.into(),
            ready_at: Some(ready_at),
            priority: false,
            soc_percent: None,
            schedule: 0,
            needs: None,
        }
    }
}

/// Whose setpoint wins (2.1 `SmartChargingCtrlr.SetpointPriority`, Q06.FR.20).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum SetpointPriority {
    /// The external system's.
    #[default]
    ExternalControl,
    /// The one of TxProfile or TxDefaultProfile.
    Csms,
}

/// What the station's configuration or device model says about smart charging. `None` is unknown and never held
/// against a profile.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Features {
    /// Units it takes (`ChargingScheduleAllowedChargingRateUnit`, `RateUnit`).
    pub units: Option<Vec<RateUnit>>,
    /// Highest stack level (`ChargeProfileMaxStackLevel`, `ProfileStackLevel`).
    pub stack_level_max: Option<u32>,
    /// Most periods of a schedule (`ChargingScheduleMaxPeriods`, `PeriodsPerSchedule`).
    pub periods_max: Option<u32>,
    /// Most profiles at a time (`MaxChargingProfilesInstalled`, `Entries`).
    pub profiles_max: Option<u32>,
    /// Ids up to this one are the station's own (2.1 `MaxExternalConstraintsId`).
    pub external_id_max: Option<i32>,
    /// It knows PriorityCharging (2.1 `SupportedAdditionalPurposes`).
    pub priority_charging: Option<bool>,
    /// It knows LocalGeneration (2.1 `SupportedAdditionalPurposes`).
    pub local_generation: Option<bool>,
    /// It knows dynamic profiles (2.1 `SupportsDynamicProfiles`).
    pub dynamic_profiles: Option<bool>,
    /// It knows schedules in local time (2.1 `SupportsUseLocalTime`).
    pub local_time: Option<bool>,
    /// It knows randomized delays (2.1 `SupportsRandomizedDelay`).
    pub randomized_delay: Option<bool>,
    /// It knows limits at a state of charge (2.1 `SupportsLimitAtSoC`).
    pub limit_at_soc: Option<bool>,
    /// Its EVSEs can sleep (2.1 `SupportsEvseSleep`).
    pub evse_sleep: Option<bool>,
    /// A DC EVSE can choose its input phases (2.1 `DCInputPhaseControl`).
    pub dc_input_phases: Option<bool>,
    /// Modes it knows beside ChargingOnly (2.1 `V2XSupportedOperationModes`).
    pub modes: Option<Vec<OperationMode>>,
}
