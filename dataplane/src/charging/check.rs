//! What is wrong with a charging profile before it is sent.
//!
//! Two kinds of finding, because an operator's request goes to the station as it was written wherever the rules leave
//! that to the station: [`Severity::Refuse`] is what a CSMS must not send, or what no reader could understand;
//! [`Severity::Warn`] what the station is bound to reject, or what will not do what it seems to say.
//!
//! Findings are made rule by rule, in the order profile, schedules, periods, other profiles.

mod period;
mod problem;
mod schedule;
mod stack;
mod whole;

use super::profile::{Period, Profile, Schedule};
use super::set::ProfileSet;
use super::station::{Edition, Evse, Station};

pub use problem::Problem;

/// What to do about a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Sent as it was written, with this said.
    Warn,
    /// Not sent.
    Refuse,
}

/// A rule that a profile breaks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{problem} ({rule})")]
pub struct Finding {
    /// What to do about it.
    pub severity: Severity,
    /// The requirement or section.
    pub rule: &'static str,
    /// What was found and what was expected.
    pub problem: Problem,
}

/// In which request a profile travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Via {
    /// SetChargingProfile.
    Set,
    /// RemoteStartTransaction or RequestStartTransaction.
    RemoteStart,
}

/// Everything wrong with sending `profile` to `evse_id` of `station`, which holds `profiles`. Empty when nothing is.
///
/// What is not known of the station (an EVSE list that is empty, a feature that is `None`) is not held against the
/// profile.
pub fn check(
    station: &Station,
    profiles: &ProfileSet,
    evse_id: u32,
    profile: &Profile,
    via: Via,
) -> Vec<Finding> {
    let mut judge = Judge {
        station,
        profiles,
        evse_id,
        profile,
        via,
        findings: Vec::new(),
    };
    judge.whole();
    for schedule in &profile.schedules {
        judge.schedule(schedule);
        for period in &schedule.periods {
            judge.period(schedule, period);
        }
    }
    judge.stack();
    judge.findings
}

/// Most findings of one profile: a thousand periods may all break the same rule.
const FINDINGS_MAX: usize = 64;

/// The case and what was found so far.
struct Judge<'c> {
    station: &'c Station,
    profiles: &'c ProfileSet,
    evse_id: u32,
    profile: &'c Profile,
    via: Via,
    findings: Vec<Finding>,
}

impl Judge<'_> {
    fn edition(&self) -> Edition {
        self.station.edition
    }

    /// The EVSE it goes to, if that is known.
    fn evse(&self) -> Option<&Evse> {
        self.station.evse(self.evse_id)
    }

    /// One rule for 1.6, another for what came after it.
    fn rule(&self, v16: &'static str, v2x: &'static str) -> &'static str {
        match self.edition() {
            Edition::V16 => v16,
            Edition::V201 | Edition::V21 => v2x,
        }
    }

    fn refuse(&mut self, rule: &'static str, problem: Problem) {
        self.find(Severity::Refuse, rule, problem);
    }

    fn warn(&mut self, rule: &'static str, problem: Problem) {
        self.find(Severity::Warn, rule, problem);
    }

    fn find(&mut self, severity: Severity, rule: &'static str, problem: Problem) {
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push(Finding {
                severity,
                rule,
                problem,
            });
        }
    }
}

/// Where in a profile a period stands, for its findings.
fn place(schedule: &Schedule, period: &Period) -> (i32, u32) {
    (schedule.id, period.start_s)
}
