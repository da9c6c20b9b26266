//! Commands of 2.0.1 and 2.1: they ask for the same, in types of their own that each version reads into an [`Asked`].

use ocpp::Instant;
use serde_json::{Value, json};

use super::{Changed, Setting, Trigger};
use crate::connector::{Availability, RemoteStart};
use crate::event::StopReason;
use crate::plan::Plan;
use crate::station::Station;

/// What the CSMS asks for.
pub(super) enum Asked {
    Start {
        evse: Option<u32>,
        remote: RemoteStart,
    },
    Stop {
        transaction: String,
    },
    Reset(ResetKind),
    Unlock {
        evse: u32,
        connector: u32,
    },
    Availability {
        evse: u32,
        operative: bool,
    },
    GetVariables(Vec<Named>),
    /// Each with its value.
    SetVariables(Vec<(Named, String)>),
    BaseReport,
    /// `None` for a message that these stations do not send.
    Trigger {
        what: Option<Trigger>,
        evse: Option<u32>,
    },
    ClearCache,
    DataTransfer,
}

pub(super) enum ResetKind {
    Immediate,
    OnIdle,
    /// With its transactions going on afterwards (2.1).
    AndResume,
}

/// A variable, by its names.
pub(super) struct Named {
    pub(super) component: String,
    pub(super) variable: String,
    /// Whether its attribute `Actual` is meant.
    pub(super) is_actual: bool,
}

/// The payload of the answer.
pub(super) fn answer(station: &mut Station, plan: &Plan, now: Instant, asked: Asked) -> Value {
    match asked {
        Asked::Start { evse, remote } => accepted(station.start_remotely(plan, now, evse, remote)),
        Asked::Stop { transaction } => accepted(station.stop_remotely(plan, now, &transaction)),
        Asked::Reset(kind) => reset(station, plan, now, kind),
        Asked::Unlock { evse, connector } => {
            let line = (evse as usize).checked_sub(1);
            let line = line
                .and_then(|at| station.connectors.get(at))
                .filter(|_| connector == 1);
            let status = match line.map(|line| line.connector.transaction()) {
                Some(None) => "Unlocked",
                Some(Some(_)) => "OngoingAuthorizedTransaction",
                None => "UnknownConnector",
            };
            json!({ "status": status })
        }
        Asked::Availability { evse, operative } => {
            let status = match station.set_operative(now, evse, operative) {
                Some(Availability::Changed) => "Accepted",
                Some(Availability::Scheduled) => "Scheduled",
                None => "Rejected",
            };
            json!({ "status": status })
        }
        Asked::GetVariables(wanted) => {
            let results: Vec<Value> = wanted
                .iter()
                .map(|wanted| variable(station, wanted))
                .collect();
            json!({ "getVariableResult": results })
        }
        Asked::SetVariables(wanted) => {
            let results: Vec<Value> = wanted
                .iter()
                .map(|(wanted, value)| set_variable(station, wanted, value))
                .collect();
            json!({ "setVariableResult": results })
        }
        Asked::BaseReport => json!({ "status": "NotSupported" }),
        Asked::Trigger { what: None, .. } => json!({ "status": "NotImplemented" }),
        Asked::Trigger {
            what: Some(what),
            evse,
        } => accepted(station.trigger(plan, now, what, evse)),
        Asked::ClearCache => accepted(true),
        Asked::DataTransfer => json!({ "status": "UnknownVendorId" }),
    }
}

fn accepted(yes: bool) -> Value {
    json!({ "status": if yes { "Accepted" } else { "Rejected" } })
}

/// On idle, the station waits for its transactions; it looks again whenever one ends.
fn reset(station: &mut Station, plan: &Plan, now: Instant, kind: ResetKind) -> Value {
    match kind {
        ResetKind::AndResume => accepted(false),
        ResetKind::OnIdle if station.transactions() > 0 => {
            station.restart_when_idle = true;
            json!({ "status": "Scheduled" })
        }
        ResetKind::OnIdle | ResetKind::Immediate => {
            station.reset(plan, now, StopReason::HardReset);
            accepted(true)
        }
    }
}

/// Which setting is meant, or the status that says why there is none.
fn find(wanted: &Named) -> Result<Setting, &'static str> {
    let of_component = |setting: &Setting| {
        setting
            .variable()
            .is_some_and(|(name, _)| name == wanted.component)
    };
    if !Setting::ALL.iter().any(of_component) {
        return Err("UnknownComponent");
    }
    let meant = (&*wanted.component, &*wanted.variable);
    let setting = Setting::ALL
        .into_iter()
        .find(|setting| setting.variable() == Some(meant));
    match setting {
        None => Err("UnknownVariable"),
        Some(setting) if wanted.is_actual => Ok(setting),
        Some(_) => Err("NotSupportedAttributeType"),
    }
}

/// The result names component and variable as the call did.
fn result(wanted: &Named, status: &str) -> Value {
    json!({
        "attributeStatus": status,
        "component": { "name": wanted.component },
        "variable": { "name": wanted.variable },
    })
}

fn variable(station: &Station, wanted: &Named) -> Value {
    match find(wanted) {
        Ok(setting) => {
            let mut result = result(wanted, "Accepted");
            result["attributeValue"] = station.settings.value(setting).into();
            result
        }
        Err(status) => result(wanted, status),
    }
}

fn set_variable(station: &mut Station, wanted: &Named, value: &str) -> Value {
    let status = match find(wanted) {
        Ok(setting) => match station.change(setting, value) {
            Changed::Accepted => "Accepted",
            Changed::Rejected => "Rejected",
        },
        Err(status) => status,
    };
    result(wanted, status)
}
