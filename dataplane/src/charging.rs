//! Smart charging without I/O: the charging profiles of one station, what may be sent to it, and the schedule that
//! follows from them.
//!
//! - [`Profile`] is a charging profile of any version, in our words and exact; [`Station`] what is known of the
//!   station it is for.
//! - [`check`] and [`check_clear`] say what is wrong with a request before it is sent: what a CSMS must not send, and
//!   what the station is bound to refuse. Each finding names the requirement.
//! - [`ProfileSet`] mirrors what a station holds: profiles replace each other, end with their transaction, are cleared.
//! - [`composite`] computes the schedule a station should follow, [`leading`] names the profiles behind it, [`compare`]
//!   holds the station's answer against it.
//!
//! OCPP 1.6 is read with its errata of 2025-04, 2.0.1 edition 3 and 2.1 edition 1 with theirs of 2025-09. Requirement
//! ids are those of block K of Part 2 (`K01.FR.06`), of block Q for discharging (`V2X.05`, `Q08.FR.01`), and sections
//! of 1.6 (`1.6 §3.13.2`).
//!
//! # Invariants
//!
//! - Rates are integers of thousandths ([`Rate`]), times whole seconds: nothing here compares floating-point numbers.
//! - Nothing reads a clock, and no profile, however absurd, makes anything panic, overflow or run without end
//!   ([`PROFILES_MAX`], [`PERIODS_MAX`], [`COMPOSITE_PERIODS_MAX`]).
//!
//! What has no effect on rates (price schedules, sales tariffs, signatures) is not part of a [`Profile`]: it stays in
//! the operator's JSON.

mod check;
mod clear;
mod compare;
mod composite;
mod features;
pub(crate) mod held;
mod merge;
mod plan;
mod profile;
mod rate;
mod read;
mod set;
mod station;
#[cfg(test)]
mod tests;
mod timeline;

pub use check::{Finding, Problem, Severity, Via, check};
pub use clear::{ClearCriteria, ClearFault, check_clear};
pub use compare::{Comparison, DIFFERENCES_MAX, Difference, Field, Reading, Tolerance, compare};
pub use composite::{
    COMPOSITE_PERIODS_MAX, CompositePeriod, CompositeSchedule, Request, UnknownEvse, composite,
    leading,
};
pub use profile::{
    Kind, LimitAtSoc, OperationMode, PERIODS_PER_SCHEDULE_MAX, Period, Profile, ProfileId, Purpose,
    Recurrence, SCHEDULES_MAX, Schedule, V2x,
};
pub use rate::{PhaseRates, Rate, RateUnit, Rates, Supply};
pub use read::{
    Unreadable, clear_payload, purpose_name, purpose_of, read_clear, read_composite, read_profile,
    read_update, set_payload,
};
pub(crate) use read::{read_needs, vehicle_schedule_21, vehicle_schedule_201};
pub use set::{Full, Installed, NotDynamic, PERIODS_MAX, PROFILES_MAX, ProfileSet, Update};
pub use station::{
    Current, Edition, Evse, Features, Needs, PhasesNamed, SetpointPriority, Station, Transaction,
};
