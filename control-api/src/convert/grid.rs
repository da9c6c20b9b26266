//! DER controls, event streams and battery swaps as the API shows them.

use dataplane::{CommandId, DerControlState, DerControlView, DerView, EventStreamView};
use fleet::record::{BatteryEvent, BatterySwap, BatterySwapState, DerAlarm, SwappedBattery};
use fleet::{StationKey, UtcMicros};

use super::some;

pub(crate) fn der_controls(view: DerView) -> sdk::DerControls {
    sdk::DerControls {
        controls: view.controls.into_iter().map(control).collect(),
        alarms: view.alarms.into_iter().rev().map(alarm).collect(),
        is_partial: view.is_partial,
    }
}

fn control(view: DerControlView) -> sdk::DerControl {
    let held = view.held;
    sdk::DerControl {
        id: held.id,
        control_type: some(held.control_type),
        state: match view.state {
            DerControlState::Active => sdk::DerControlState::Active,
            DerControlState::Scheduled => sdk::DerControlState::Scheduled,
            DerControlState::Standby => sdk::DerControlState::Standby,
            DerControlState::Superseded => sdk::DerControlState::Superseded,
            DerControlState::Ended => sdk::DerControlState::Ended,
        },
        is_default: held.is_default,
        priority: held.priority,
        starts_at: time(held.starts_at),
        duration: held.duration_micros.map(|micros| micros as f64 / 1e6),
        began_at: time(held.began_at),
        ended_at: time(held.ended_at),
        command_id: held.command_id.map(|id| CommandId(id).to_string()),
        known_since: UtcMicros(held.known_since).to_string(),
        reported_at: time(held.reported_at),
        settings: serde_json::from_str(&held.settings).ok(),
    }
}

fn alarm(alarm: DerAlarm) -> sdk::DerAlarm {
    sdk::DerAlarm {
        control_type: alarm.control_type,
        fault: some(alarm.fault),
        extra_info: some(alarm.extra_info),
        raised_at: time(alarm.raised_at),
        ended_at: time(alarm.ended_at),
        is_taken_over: alarm.is_taken_over,
        received_at: UtcMicros(alarm.received_at).to_string(),
    }
}

pub(crate) fn event_stream(EventStreamView { held, heard }: EventStreamView) -> sdk::EventStream {
    sdk::EventStream {
        id: held.id,
        monitor_id: held.monitor_id,
        interval: held.interval_s,
        values: held.values,
        opened_at: UtcMicros(held.opened_at).to_string(),
        changed_at: UtcMicros(held.changed_at).to_string(),
        heard: heard.map(|heard| sdk::EventStreamHeard {
            messages: heard.messages,
            values: heard.values,
            pending: heard.pending,
            last_at: heard.at.to_string(),
        }),
    }
}

pub(crate) fn battery_swap(station: &StationKey, swap: BatterySwap) -> sdk::BatterySwap {
    sdk::BatterySwap {
        request_id: swap.request_id,
        device_id: station.identity().to_owned(),
        state: match BatterySwapState::from_code(swap.state) {
            Some(BatterySwapState::In) => sdk::BatterySwapState::In,
            Some(BatterySwapState::Out) => sdk::BatterySwapState::Out,
            Some(BatterySwapState::Complete) => sdk::BatterySwapState::Complete,
            Some(BatterySwapState::OutTimeout) => sdk::BatterySwapState::OutTimeout,
            Some(BatterySwapState::Requested) | None => sdk::BatterySwapState::Requested,
        },
        token_ref: format!("{:032x}", u128::from_be_bytes(swap.token_ref)),
        command_id: swap.command_id.map(|id| CommandId(id).to_string()),
        began_at: UtcMicros(swap.began_at).to_string(),
        changed_at: UtcMicros(swap.changed_at).to_string(),
        batteries: swap.batteries.into_iter().map(battery).collect(),
    }
}

fn battery(battery: SwappedBattery) -> sdk::SwappedBattery {
    sdk::SwappedBattery {
        event: match BatteryEvent::from_code(battery.event) {
            Some(BatteryEvent::Out) => sdk::BatteryEvent::Out,
            Some(BatteryEvent::OutTimeout) => sdk::BatteryEvent::OutTimeout,
            Some(BatteryEvent::In) | None => sdk::BatteryEvent::In,
        },
        evse_id: battery.evse_id,
        serial_number: battery.serial_number,
        soc_percent: battery.soc_percent,
        soh_percent: battery.soh_percent,
        produced_at: time(battery.produced_at),
        vendor_info: some(battery.vendor_info),
        at: UtcMicros(battery.at).to_string(),
    }
}

fn time(at: Option<i64>) -> Option<String> {
    at.map(|at| UtcMicros(at).to_string())
}
