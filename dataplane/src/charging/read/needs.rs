//! What an EV needs, as its station told it.

use ocpp::{MeterColumns, Policy, v21};

use super::super::station::{Edition, Needs, PhasesNamed};

/// The needs in a NotifyEVChargingNeeds; `None` for an empty one, which is none. Before 2.1 an EV names no single
/// phases, and what cannot be read is taken for all of them, so that it holds nothing back.
pub(crate) fn read_needs(edition: Edition, told: &str) -> Option<Needs> {
    if told.is_empty() {
        return None;
    }
    if edition != Edition::V21 {
        return Some(Needs::default());
    }
    let every = PhasesNamed { l2: true, l3: true };
    let unread = Needs {
        charge: every,
        discharge: every,
    };
    let mut columns = MeterColumns::new();
    // It was taken by the station's own rules.
    let (action, policy) = ("NotifyEVChargingNeeds", Policy::Lenient);
    let Ok(decoded) = v21::Request::decode(action, told, policy, &mut columns) else {
        return Some(unread);
    };
    let v21::Request::NotifyEVChargingNeeds(told) = decoded.message else {
        return Some(unread);
    };
    let Some(v2x) = &told.charging_needs.v2x_charging_parameters else {
        return Some(Needs::default());
    };
    Some(Needs {
        charge: PhasesNamed {
            l2: v2x.max_charge_power_l2.is_some(),
            l3: v2x.max_charge_power_l3.is_some(),
        },
        discharge: PhasesNamed {
            l2: v2x.max_discharge_power_l2.is_some(),
            l3: v2x.max_discharge_power_l3.is_some(),
        },
    })
}
