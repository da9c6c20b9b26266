//! Every way a profile can be wrong, in words.

use crate::charging::profile::{Kind, OperationMode, ProfileId, Purpose};
use crate::charging::rate::{Rate, RateUnit};
use crate::charging::station::Edition;

/// What was found and what was expected. A place is the schedule's id and the period's start in seconds.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(
    missing_docs,
    reason = "each variant is the text above it, its fields the text's"
)]
pub enum Problem {
    // The profile and where it goes.
    #[error("{edition} has no purpose {purpose}")]
    PurposeUnknown { edition: Edition, purpose: Purpose },
    #[error("{edition} has no kind {kind}")]
    KindUnknown { edition: Edition, kind: Kind },
    #[error("ChargingStationExternalConstraints is set by external systems only, not by a CSMS")]
    PurposeExternal,
    #[error("a TxProfile is for EVSE 0, expected the EVSE of a transaction")]
    TxProfileOnStation,
    #[error("a ChargingStationMaxProfile is for EVSE {evse_id}, expected 0")]
    StationMaxOnEvse { evse_id: u32 },
    #[error("the station has no EVSE {evse_id}")]
    EvseUnknown { evse_id: u32 },
    #[error("the station does not support purpose {purpose}")]
    PurposeUnsupported { purpose: Purpose },
    #[error("the station does not support kind {kind}")]
    KindUnsupported { kind: Kind },
    #[error("a remote start carries purpose {purpose}, expected TxProfile")]
    PurposeOnRemoteStart { purpose: Purpose },
    #[error("a remote start names transaction {named:?}, expected none: it has not begun")]
    TransactionOnRemoteStart { named: Box<str> },
    #[error("a TxProfile names no transaction")]
    TransactionMissing,
    #[error("purpose {purpose} names transaction {named:?}, only a TxProfile does")]
    TransactionNotNeeded { purpose: Purpose, named: Box<str> },
    #[error("no transaction runs on EVSE {evse_id}")]
    NoTransaction { evse_id: u32 },
    #[error("transaction {named:?} does not run on EVSE {evse_id}")]
    TransactionUnknown { evse_id: u32, named: Box<str> },
    #[error("stack level {found}, the station takes at most {max}")]
    StackLevel { found: u32, max: u32 },
    #[error("profile id {id}, those up to {max} are the station's own")]
    IdReserved { id: ProfileId, max: i32 },
    #[error("a ChargingStationMaxProfile is Relative")]
    StationMaxRelative,
    #[error("a Recurring profile does not say how often")]
    RecurrenceMissing,
    #[error("a recurrence is given for a profile that is {kind}, expected Recurring")]
    RecurrenceNotNeeded { kind: Kind },
    #[error("validTo is not after validFrom, the profile is never valid")]
    NeverValid,
    #[error("an update interval or time is given for a profile that is {kind}, expected Dynamic")]
    UpdatesNotNeeded { kind: Kind },
    #[error("{found} schedules, expected 1 to {max}")]
    Schedules { found: usize, max: usize },
    #[error("{found} schedules, expected 1: the EV has not told its charging needs")]
    SchedulesWithoutNeeds { found: usize },
    #[error(
        "a Dynamic profile has {schedules} schedules with {periods} periods, expected one of each"
    )]
    DynamicShape { schedules: usize, periods: usize },
    #[error("{found} profiles are installed, the station holds at most {max}")]
    ProfilesMax { found: usize, max: u32 },

    // A schedule.
    #[error("schedule {schedule}: a profile that is {kind} has no startSchedule")]
    StartMissing { schedule: i32, kind: Kind },
    #[error("schedule {schedule}: a profile that is {kind} has a startSchedule")]
    StartNotNeeded { schedule: i32, kind: Kind },
    #[error("schedule {schedule}: no periods, expected 1 to {max}")]
    NoPeriods { schedule: i32, max: usize },
    #[error("schedule {schedule}: {found} periods, at most {max} are taken")]
    PeriodsMax {
        schedule: i32,
        found: usize,
        max: usize,
    },
    #[error("schedule {schedule}: the first period starts at {found} s, expected 0")]
    FirstPeriod { schedule: i32, found: u32 },
    #[error("schedule {schedule}: a period starts at {found} s after one at {before} s")]
    Unordered {
        schedule: i32,
        before: u32,
        found: u32,
    },
    #[error("schedule {schedule}: unit {unit} is not one of the station's")]
    UnitUnsupported { schedule: i32, unit: RateUnit },
    #[error(
        "schedule {schedule}: it recurs every {every} s but lasts {found} s; the rest is never executed"
    )]
    LongerThanRecurrence {
        schedule: i32,
        every: u32,
        found: u32,
    },
    #[error(
        "schedule {schedule}: PriorityCharging has a duration, it lasts until the transaction ends"
    )]
    PriorityDuration { schedule: i32 },
    #[error(
        "schedule {schedule}: purpose {purpose} has a randomized delay, only those of transactions may"
    )]
    DelayNotAllowed { schedule: i32, purpose: Purpose },
    #[error("schedule {schedule}: the station does not support {feature}")]
    ScheduleFeature {
        schedule: i32,
        feature: &'static str,
    },

    // A period.
    #[error("schedule {}, period {} s: starts after the schedule has ended at {end} s, never executed", place.0, place.1)]
    PastEnd { place: (i32, u32), end: u32 },
    #[error("schedule {}, period {} s: {field} is {found}, expected {expected}", place.0, place.1)]
    PhasesOutOfRange {
        place: (i32, u32),
        field: &'static str,
        found: u8,
        expected: &'static str,
    },
    #[error("schedule {}, period {} s: phaseToUse is given but numberPhases is not 1", place.0, place.1)]
    PhaseOfSeveral { place: (i32, u32) },
    #[error("schedule {}, period {} s: phaseToUse is given but the EVSE cannot switch phases", place.0, place.1)]
    PhaseSwitching { place: (i32, u32) },
    #[error("schedule {}, period {} s: phases are given for a DC EVSE", place.0, place.1)]
    PhasesForDc { place: (i32, u32) },
    #[error("schedule {}, period {} s: phase {found}, profile {other} wants phase {wanted}", place.0, place.1)]
    PhaseConflict {
        place: (i32, u32),
        found: u8,
        other: ProfileId,
        wanted: u8,
    },
    #[error("schedule {}, period {} s: mode {mode} is not allowed for purpose {purpose}", place.0, place.1)]
    ModeForPurpose {
        place: (i32, u32),
        mode: OperationMode,
        purpose: Purpose,
    },
    #[error("schedule {}, period {} s: the station does not support mode {mode}", place.0, place.1)]
    ModeUnsupported {
        place: (i32, u32),
        mode: OperationMode,
    },
    #[error("schedule {}, period {} s: mode {mode} needs {field}", place.0, place.1)]
    RateMissing {
        place: (i32, u32),
        mode: OperationMode,
        field: &'static str,
    },
    #[error("schedule {}, period {} s: {field} is not used in mode {mode}", place.0, place.1)]
    RateNotUsed {
        place: (i32, u32),
        mode: OperationMode,
        field: &'static str,
    },
    #[error("schedule {}, period {} s: {field} of L2 or L3 is given without {field}", place.0, place.1)]
    SplitWithoutWhole {
        place: (i32, u32),
        field: &'static str,
    },
    #[error("schedule {}, period {} s: {field} of L2 or L3 is for TxProfile only, found {purpose}", place.0, place.1)]
    SplitForPurpose {
        place: (i32, u32),
        field: &'static str,
        purpose: Purpose,
    },
    #[error("schedule {}, period {} s: {field} is given for a phase, L2 or L3, that the EV's needs do not name", place.0, place.1)]
    SplitWithoutNeed {
        place: (i32, u32),
        field: &'static str,
    },
    #[error("schedule {}, period {} s: setpoint {setpoint} lies outside {low} to {high}", place.0, place.1)]
    SetpointOutside {
        place: (i32, u32),
        setpoint: Rate,
        low: Rate,
        high: Rate,
    },
    #[error("schedule {}, period {} s: limit {found} is negative", place.0, place.1)]
    LimitNegative { place: (i32, u32), found: Rate },
    #[error("schedule {}, period {} s: dischargeLimit {found} is positive, expected 0 or less", place.0, place.1)]
    DischargePositive { place: (i32, u32), found: Rate },
    #[error("schedule {}, period {} s: limit {found} has more than one decimal", place.0, place.1)]
    Decimals { place: (i32, u32), found: Rate },
    #[error("schedule {}, period {} s: LocalFrequency needs a baseline and a frequency curve of at least 2 points, found {points}", place.0, place.1)]
    FrequencyCurve { place: (i32, u32), points: u8 },
    #[error("schedule {}, period {} s: a signal curve has at least 2 points, found 1", place.0, place.1)]
    SignalCurve { place: (i32, u32) },
    #[error("schedule {}, period {} s: CentralFrequency is for Dynamic profiles, found {kind}", place.0, place.1)]
    FrequencyKind { place: (i32, u32), kind: Kind },
    #[error("schedule {}, period {} s: CentralFrequency without a duration lasts for ever where updates stay away", place.0, place.1)]
    FrequencyForever { place: (i32, u32) },
    #[error("schedule {}, period {} s: LocalFrequency counts in W, found {unit}", place.0, place.1)]
    FrequencyUnit { place: (i32, u32), unit: RateUnit },
    #[error("schedule {}, period {} s: the EVSE can sleep in mode Idle only, where it can at all", place.0, place.1)]
    Sleep { place: (i32, u32) },

    // Other profiles.
    #[error(
        "profile {other} has the same purpose and stack level on EVSE {evse_id} at the same time"
    )]
    SameLevel { other: ProfileId, evse_id: u32 },
    #[error("profile {other} has the same stack level for the same transaction")]
    SameTransactionLevel { other: ProfileId },
    #[error("profile {other} is a TxDefaultProfile of the same stack level on EVSE {evse_id}")]
    DefaultElsewhere { other: ProfileId, evse_id: u32 },
    #[error("profile {id} is an external constraint of the station, it cannot be replaced")]
    ReplacesExternal { id: ProfileId },
}
