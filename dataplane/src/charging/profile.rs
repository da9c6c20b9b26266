//! A charging profile of any version, in our words.
//!
//! The fields can hold what a profile must not say (a recurring one without recurrence), because operators write such
//! profiles and stations report them: [`check`](super::check) judges, and everything else gives each a meaning.

use std::fmt;

use fleet::UtcMicros;

use super::rate::{PhaseRates, Rate, RateUnit, Rates};

/// Most schedules in one profile (2.x `chargingSchedule`).
pub const SCHEDULES_MAX: usize = 3;
/// Most periods in one schedule (2.x `chargingSchedulePeriod`).
pub const PERIODS_PER_SCHEDULE_MAX: usize = 1_024;

/// The id of a profile, unique within its station. Stations number their own (external constraints) below zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProfileId(pub i32);

impl fmt::Display for ProfileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a profile limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Purpose {
    /// The whole station (1.6 `ChargePointMaxProfile`).
    ChargingStationMaxProfile,
    /// What an external system set, reported by the station; never sent to it.
    ChargingStationExternalConstraints,
    /// Any transaction without a profile of its own.
    TxDefaultProfile,
    /// One transaction.
    TxProfile,
    /// A transaction for which priority charging was asked (2.1).
    PriorityCharging,
    /// Power available on top of all limits (2.1).
    LocalGeneration,
}

impl Purpose {
    /// Every purpose, in the order of the enum.
    pub const ALL: [Self; 6] = [
        Self::ChargingStationMaxProfile,
        Self::ChargingStationExternalConstraints,
        Self::TxDefaultProfile,
        Self::TxProfile,
        Self::PriorityCharging,
        Self::LocalGeneration,
    ];

    /// True for the three that speak about a transaction.
    pub fn is_for_transactions(self) -> bool {
        match self {
            Self::TxDefaultProfile | Self::TxProfile | Self::PriorityCharging => true,
            Self::ChargingStationMaxProfile
            | Self::ChargingStationExternalConstraints
            | Self::LocalGeneration => false,
        }
    }
}

/// The name as 2.x writes it.
impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// From when a schedule counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// From its start.
    Absolute,
    /// From its start, again and again.
    Recurring,
    /// From the moment the EVSE is ready to deliver energy.
    Relative,
    /// From the last update; one period whose rates change (2.1).
    Dynamic,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// How often a recurring schedule begins anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Recurrence {
    /// Every 86,400 seconds.
    Daily,
    /// Every 604,800 seconds.
    Weekly,
}

impl Recurrence {
    /// Seconds from one beginning to the next.
    pub fn seconds(self) -> u32 {
        match self {
            Self::Daily => 86_400,
            Self::Weekly => 604_800,
        }
    }
}

/// A charging profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Its id on the station.
    pub id: ProfileId,
    /// Higher levels overrule lower ones of the same purpose.
    pub stack_level: u32,
    /// What it limits.
    pub purpose: Purpose,
    /// From when its schedules count.
    pub kind: Kind,
    /// How often it recurs; without effect unless `kind` is Recurring.
    pub recurrence: Option<Recurrence>,
    /// Not before; `None` from receipt.
    pub valid_from: Option<UtcMicros>,
    /// Not at this moment nor later; `None` until replaced.
    pub valid_to: Option<UtcMicros>,
    /// The transaction of a TxProfile, as the station names it. `None` in a remote start, and in 1.6 for the one that
    /// runs.
    pub ocpp_transaction_id: Option<Box<str>>,
    /// One schedule; up to three for the EV to choose from (ISO 15118).
    pub schedules: Vec<Schedule>,
    /// Seconds a station may be offline before it sets the profile aside (2.1 `maxOfflineDuration`).
    pub offline_max_s: Option<u32>,
    /// True when such a profile is not taken up again on return (2.1 `invalidAfterOfflineDuration`).
    pub ends_offline: bool,
    /// Seconds between two questions for new rates of a dynamic profile (2.1 `dynUpdateInterval`).
    pub update_interval_s: Option<u32>,
    /// When the rates of a dynamic profile last changed (2.1 `dynUpdateTime`).
    pub updated_at: Option<UtcMicros>,
}

/// Rates over time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// Its id within the station; 0 in 1.6.
    pub id: i32,
    /// Where an absolute or recurring schedule begins. With `use_local_time` the date and time as written, read as if
    /// they were UTC.
    pub start: Option<UtcMicros>,
    /// Seconds it lasts; `None` for ever, or until the transaction ends.
    pub duration_s: Option<u32>,
    /// What its rates count.
    pub unit: RateUnit,
    /// Below this rate charging is inefficient; a wish, without effect on the composite schedule (K01.FR.21).
    pub min_charging_rate: Option<Rate>,
    /// How far an EV may stray from its own power profile (2.1); without effect on the composite schedule.
    pub power_tolerance: Option<Rate>,
    /// `start` is local time at the station (2.1, K01.FR.90).
    pub use_local_time: bool,
    /// The station delays the start of every period but the first by a random 0 to this many seconds (2.1).
    pub randomized_delay_s: u32,
    /// A cap once the EV's battery is this full (2.1).
    pub limit_at_soc: Option<LimitAtSoc>,
    /// What applies from when.
    pub periods: Vec<Period>,
}

/// A cap on limit and setpoint from a state of charge on (K01.FR.100).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitAtSoc {
    /// State of charge, percent.
    pub soc_percent: u8,
    /// The cap, in the schedule's unit.
    pub limit: Rate,
}

/// A stretch of a schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Period {
    /// Seconds from the schedule's beginning.
    pub start_s: u32,
    /// How many phases may be used; AC without it means 3 (K01.FR.49).
    pub phases: Option<u8>,
    /// The one phase to use, 1 to 3.
    pub phase_to_use: Option<u8>,
    /// How rates are set and followed (2.1).
    pub mode: OperationMode,
    /// At most this much charges.
    pub limit: Option<Rate>,
    /// What most periods do not say.
    pub v2x: Option<Box<V2x>>,
}

/// The fields of a period that 2.1 added.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct V2x {
    /// `limit` of phase L2.
    pub limit_l2: Option<Rate>,
    /// `limit` of phase L3.
    pub limit_l3: Option<Rate>,
    /// At most this much discharges; zero or negative.
    pub discharge_limit: PhaseRates,
    /// To be followed.
    pub setpoint: PhaseRates,
    /// To be followed by reactive power.
    pub setpoint_reactive: PhaseRates,
    /// The EVSE is to turn its power electronics off.
    pub evse_sleep: bool,
    /// The EV is asked to keep its battery ready.
    pub preconditioning: bool,
    /// What the curves add to.
    pub baseline: Option<Rate>,
    /// Points of the frequency-watt curve.
    pub frequency_points: u8,
    /// Points of the signal-watt curve.
    pub signal_points: u8,
}

/// Who sets the rates of a period, and which of them count (2.1 Part 2, block Q, "Limits and setpoints per operation
/// mode").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum OperationMode {
    /// Charging up to the limit; all there was before 2.1.
    #[default]
    ChargingOnly,
    /// The CSMS sets the setpoint.
    CentralSetpoint,
    /// An external system sets the setpoint.
    ExternalSetpoint,
    /// An external system sets the limits.
    ExternalLimits,
    /// The CSMS sets the setpoint for the grid's frequency.
    CentralFrequency,
    /// The station derives the setpoint from the grid's frequency.
    LocalFrequency,
    /// The station derives the setpoint from the load of the building.
    LocalLoadBalancing,
    /// Nothing flows.
    Idle,
}

impl fmt::Display for OperationMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl Period {
    /// A limit from `start_s` on, as any version knows it.
    pub fn limit(start_s: u32, limit: Rate) -> Self {
        Self {
            start_s,
            phases: None,
            phase_to_use: None,
            mode: OperationMode::ChargingOnly,
            limit: Some(limit),
            v2x: None,
        }
    }

    /// Every rate the period gives.
    pub fn rates(&self) -> Rates {
        let limit = PhaseRates {
            all: self.limit,
            l2: self.v2x.as_ref().and_then(|v2x| v2x.limit_l2),
            l3: self.v2x.as_ref().and_then(|v2x| v2x.limit_l3),
        };
        let Some(v2x) = &self.v2x else {
            return Rates {
                limit,
                ..Rates::default()
            };
        };
        Rates {
            limit,
            discharge_limit: v2x.discharge_limit,
            setpoint: v2x.setpoint,
            setpoint_reactive: v2x.setpoint_reactive,
        }
    }

    /// The rates that count in the period's mode.
    pub(super) fn effective(&self) -> Rates {
        let rates = self.rates();
        match self.mode {
            OperationMode::CentralSetpoint | OperationMode::ExternalSetpoint => rates,
            OperationMode::CentralFrequency => Rates {
                setpoint_reactive: PhaseRates::NONE,
                ..rates
            },
            OperationMode::ExternalLimits | OperationMode::LocalLoadBalancing => Rates {
                setpoint: PhaseRates::NONE,
                setpoint_reactive: PhaseRates::NONE,
                ..rates
            },
            OperationMode::ChargingOnly => Rates {
                limit: rates.limit,
                ..Rates::default()
            },
            OperationMode::LocalFrequency | OperationMode::Idle => Rates::default(),
        }
    }
}
