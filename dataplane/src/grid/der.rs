//! DER controls: how a station reacts when the grid is not as it should be, and the alarms that say that it does.

use fleet::UtcMicros;
use fleet::record::{DerAlarm, DerChanged, DerControlHeld};
use serde_json::Value;

use super::{micros, moment, text, texts};

/// Controls that are kept of a station; one more takes the place of the oldest that is over, or of the oldest.
const CONTROLS_MAX: usize = 128;
/// Alarms that are kept of a station, the newest.
const ALARMS_MAX: usize = 64;
/// Longest settings that are kept of one control; longer ones break no schema, but say nothing that a station could do.
const SETTINGS_LEN_MAX: usize = 4 << 10;

/// How a control stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DerControlState {
    /// It is executed: scheduled and begun, or the default while nothing scheduled of its type is.
    Active,
    /// It will begin.
    Scheduled,
    /// A default that waits until what is scheduled of its type has ended (R04.FR.11).
    Standby,
    /// Another one of its type is executed instead.
    Superseded,
    /// Its time is over.
    Ended,
}

/// Which controls are meant; what is `None` means all (R04.FR.30).
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Criteria {
    is_default: Option<bool>,
    control_type: Option<String>,
    id: Option<String>,
}

impl Criteria {
    /// Those of a GetDERControl or a ClearDERControl.
    pub(crate) fn of(asked: &Value) -> Self {
        Self {
            is_default: asked["isDefault"].as_bool(),
            control_type: asked["controlType"].as_str().map(str::to_owned),
            id: asked["controlId"].as_str().map(str::to_owned),
        }
    }

    fn mean(&self, control: &DerControlHeld) -> bool {
        let is = |wanted: &Option<String>, found: &str| {
            wanted.as_deref().is_none_or(|wanted| wanted == found)
        };
        is(&self.id, &control.id)
            && is(&self.control_type, &control.control_type)
            && self
                .is_default
                .is_none_or(|wanted| wanted == control.is_default)
    }
}

/// Lists of a ReportDERControl: the member of an element that holds its settings, and its type, which an element of
/// `curve` tells itself.
const LISTS: [(&str, &str, Option<&str>); 8] = [
    ("curve", "curve", None),
    ("enterService", "enterService", Some("EnterService")),
    ("fixedPFAbsorb", "fixedPF", Some("FixedPFAbsorb")),
    ("fixedPFInject", "fixedPF", Some("FixedPFInject")),
    ("fixedVar", "fixedVar", Some("FixedVar")),
    ("freqDroop", "freqDroop", Some("FreqDroop")),
    ("gradient", "gradient", Some("Gradients")),
    (
        "limitMaxDischarge",
        "limitMaxDischarge",
        Some("LimitMaxDischarge"),
    ),
];

/// The member of a SetDERControl that holds the settings of a type (R04.FR.16): it is called as the list of a report is.
pub(super) fn member_of(control_type: &str) -> &'static str {
    let list = LISTS.iter().find(|(.., of)| *of == Some(control_type));
    list.map_or("curve", |(list, ..)| list)
}

/// All of these members.
pub(super) fn members() -> impl Iterator<Item = &'static str> {
    LISTS.iter().map(|(list, ..)| *list)
}

fn control(id: String, control_type: String, settings: Option<&Value>) -> DerControlHeld {
    let nothing = Value::Null;
    let settings = settings.unwrap_or(&nothing);
    let shown = match settings {
        Value::Object(_) => settings.to_string(),
        _ => String::new(),
    };
    DerControlHeld {
        id,
        control_type,
        priority: settings["priority"].as_i64(),
        starts_at: moment(&settings["startTime"]),
        duration_micros: micros(&settings["duration"]),
        settings: if shown.len() <= SETTINGS_LEN_MAX {
            shown
        } else {
            String::new()
        },
        ..DerControlHeld::default()
    }
}

/// The station accepted a SetDERControl; what it had under this id is replaced.
pub(crate) fn set(
    der: &mut DerChanged,
    asked: &Value,
    answered: &Value,
    command: [u8; 16],
    at: UtcMicros,
) {
    let control_type = text(&asked["controlType"]);
    let settings = asked.get(member_of(&control_type));
    let set = DerControlHeld {
        is_default: asked["isDefault"].as_bool().unwrap_or(false),
        command_id: Some(command),
        known_since: at.0,
        ..control(text(&asked["controlId"]), control_type, settings)
    };
    der.controls.retain(|control| control.id != set.id);
    push(der, set, at);
    // Also the one that was just set: it may come behind what is executed already (R04.FR.08).
    supersede(der, &texts(&answered["supersededIds"]));
}

/// The station accepted a ClearDERControl, or has none of what was asked for.
pub(crate) fn clear(der: &mut DerChanged, criteria: &Criteria) {
    der.controls.retain(|control| !criteria.mean(control));
}

/// A part of a ReportDERControl.
pub(crate) fn report(der: &mut DerChanged, payload: &Value, at: UtcMicros) {
    for (list, member, of) in LISTS {
        let told = payload[list].as_array().map(Vec::as_slice);
        for told in told.unwrap_or_default() {
            let control_type = of.map_or_else(|| text(&told["curveType"]), str::to_owned);
            let mut found = DerControlHeld {
                // Controls that have no such member exist as defaults alone (R04.FR.14).
                is_default: told["isDefault"].as_bool().unwrap_or(true),
                is_superseded: told["isSuperseded"].as_bool().unwrap_or(false),
                known_since: at.0,
                reported_at: Some(at.0),
                ..control(text(&told["id"]), control_type, told.get(member))
            };
            match der.controls.iter_mut().find(|known| known.id == found.id) {
                Some(known) => {
                    found.command_id = known.command_id;
                    found.known_since = known.known_since;
                    (found.began_at, found.ended_at) = (known.began_at, known.ended_at);
                    *known = found;
                }
                None => push(der, found, at),
            }
        }
    }
}

/// A report is whole that was asked for at `since`: what it ought to have named and did not is gone.
pub(crate) fn reported(der: &mut DerChanged, asked: &Criteria, since: UtcMicros) {
    der.controls.retain(|control| {
        let heard_at = control.known_since.max(control.reported_at.unwrap_or(0));
        since.0 <= heard_at || !asked.mean(control)
    });
}

/// A scheduled control began or ended, by the station's word (R04.FR.20 to FR.22).
pub(crate) fn start_stop(der: &mut DerChanged, told: &Value, at: UtcMicros) {
    let id = text(&told["controlId"]);
    let told_at = moment(&told["timestamp"]).unwrap_or(at.0);
    let found = der.controls.iter().position(|control| control.id == id);
    let place = found.unwrap_or_else(|| {
        let unknown = DerControlHeld {
            known_since: at.0,
            ..control(id, String::new(), None)
        };
        push(der, unknown, at);
        der.controls.len() - 1
    });
    let control = &mut der.controls[place];
    if told["started"].as_bool().unwrap_or(false) {
        control.began_at = Some(told_at);
        control.ended_at = None;
        control.is_superseded = false;
        supersede(der, &texts(&told["supersededIds"]));
    } else {
        control.ended_at = Some(told_at);
    }
}

/// A grid event makes the station deviate, or does no longer (R05).
pub(crate) fn alarm(der: &mut DerChanged, told: &Value, at: UtcMicros) {
    let (control_type, fault) = (text(&told["controlType"]), text(&told["gridEventFault"]));
    let told_at = moment(&told["timestamp"]).unwrap_or(at.0);
    let ends = told["alarmEnded"].as_bool().unwrap_or(false);
    let extra_info = text(&told["extraInfo"]);
    let is_same = |alarm: &DerAlarm| alarm.control_type == control_type && alarm.fault == fault;
    let said_before = |alarm: &DerAlarm| {
        let said_at = if ends {
            alarm.ended_at
        } else {
            alarm.raised_at
        };
        is_same(alarm) && said_at == Some(told_at)
    };
    if der.alarms.iter().any(said_before) {
        return;
    }
    if ends {
        let open = |alarm: &&mut DerAlarm| alarm.ended_at.is_none() && is_same(alarm);
        if let Some(alarm) = der.alarms.iter_mut().rfind(open) {
            alarm.ended_at = Some(told_at);
            if !extra_info.is_empty() {
                alarm.extra_info = extra_info;
            }
            return;
        }
    } else {
        // There is one level of alarm: a new one takes over, and nobody reports the end of the one before (R05.FR.04).
        for alarm in der
            .alarms
            .iter_mut()
            .filter(|alarm| alarm.ended_at.is_none())
        {
            alarm.ended_at = Some(told_at);
            alarm.is_taken_over = true;
        }
    }
    if der.alarms.len() == ALARMS_MAX {
        der.alarms.remove(0);
    }
    der.alarms.push(DerAlarm {
        control_type,
        fault,
        extra_info,
        raised_at: (!ends).then_some(told_at),
        received_at: at.0,
        ended_at: ends.then_some(told_at),
        is_taken_over: false,
    });
}

/// How each control stands at `now`, in their order.
pub(crate) fn states(der: &DerChanged, now: UtcMicros) -> Vec<DerControlState> {
    let runs = |control: &DerControlHeld| {
        !control.is_default
            && !control.is_superseded
            && !is_over(control, now)
            && has_begun(control, now)
    };
    let state = |control: &DerControlHeld| {
        let scheduled_runs = || {
            let same = |other: &&DerControlHeld| other.control_type == control.control_type;
            der.controls.iter().filter(same).any(runs)
        };
        if is_over(control, now) {
            DerControlState::Ended
        } else if control.is_superseded {
            DerControlState::Superseded
        } else if control.is_default && scheduled_runs() {
            DerControlState::Standby
        } else if control.is_default || has_begun(control, now) {
            DerControlState::Active
        } else {
            DerControlState::Scheduled
        }
    };
    der.controls.iter().map(state).collect()
}

/// A scheduled control that says no time begins when it is set.
fn has_begun(control: &DerControlHeld, now: UtcMicros) -> bool {
    control.began_at.is_some() || control.starts_at.is_none_or(|at| at <= now.0)
}

fn is_over(control: &DerControlHeld, now: UtcMicros) -> bool {
    let begins_at = control.starts_at.unwrap_or(control.known_since);
    let ends_at = control
        .duration_micros
        .map(|micros| begins_at.saturating_add(micros));
    control.ended_at.is_some() || (!control.is_default && ends_at.is_some_and(|at| at <= now.0))
}

fn supersede(der: &mut DerChanged, ids: &[String]) {
    for control in der
        .controls
        .iter_mut()
        .filter(|control| ids.contains(&control.id))
    {
        control.is_superseded = true;
    }
}

fn push(der: &mut DerChanged, control: DerControlHeld, now: UtcMicros) {
    if der.controls.len() == CONTROLS_MAX {
        let over = der
            .controls
            .iter()
            .position(|control| is_over(control, now));
        der.is_partial |= over.is_none();
        der.controls.remove(over.unwrap_or(0));
    }
    der.controls.push(control);
}

#[cfg(test)]
mod tests;
