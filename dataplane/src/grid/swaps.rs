//! Battery swaps: what came in, what went out, and the request behind it.

use fleet::UtcMicros;
use fleet::record::{
    BatteryEvent, BatterySwap, BatterySwapState, BatterySwapsChanged, SwappedBattery,
};
use ocpp::v21;

use crate::normalize::numeral;

/// Swaps that are kept of a station, the newest.
const SWAPS_MAX: usize = 64;
/// Batteries that are kept of one swap.
const BATTERIES_MAX: usize = 64;

/// The station accepted a RequestBatterySwap.
pub(crate) fn requested(
    held: &mut BatterySwapsChanged,
    request_id: i64,
    token_ref: [u8; 16],
    command: [u8; 16],
    at: UtcMicros,
) {
    // A battery may have moved before the answer came.
    let unasked = |swap: &BatterySwap| swap.command_id.is_none() && !is_over(swap);
    let mut swap = take(held, request_id, unasked).unwrap_or(BatterySwap {
        request_id,
        state: BatterySwapState::Requested.code(),
        began_at: at.0,
        ..BatterySwap::default()
    });
    swap.token_ref = token_ref;
    swap.command_id = Some(command);
    swap.changed_at = at.0;
    push(held, swap);
}

/// Batteries moved (S03). A message that came already changes nothing.
pub(crate) fn moved(
    held: &mut BatterySwapsChanged,
    told: &v21::BatterySwap<'_>,
    token_ref: [u8; 16],
    at: UtcMicros,
) {
    let event = match told.event_type {
        v21::BatterySwapEvent::BatteryIn => BatteryEvent::In,
        v21::BatterySwapEvent::BatteryOut => BatteryEvent::Out,
        v21::BatterySwapEvent::BatteryOutTimeout => BatteryEvent::OutTimeout,
    };
    let data = told.battery_data.iter().take(BATTERIES_MAX);
    let batteries: Vec<_> = data.map(|data| battery(data, event, at)).collect();
    let newest = held
        .swaps
        .iter()
        .rfind(|swap| swap.request_id == told.request_id);
    if newest.is_some_and(|swap| {
        batteries
            .iter()
            .all(|new| swap.batteries.iter().any(|old| is_same(old, new)))
    }) {
        return;
    }
    // A station that counts from the start again begins another swap.
    let open =
        |swap: &BatterySwap| !is_over(swap) || (event == BatteryEvent::Out && is_offered(swap));
    let mut swap = take(held, told.request_id, open).unwrap_or(BatterySwap {
        request_id: told.request_id,
        began_at: at.0,
        ..BatterySwap::default()
    });
    swap.token_ref = token_ref;
    swap.changed_at = at.0;
    let room = BATTERIES_MAX.saturating_sub(swap.batteries.len());
    swap.batteries.extend(batteries.into_iter().take(room));
    swap.state = state(&swap, event).code();
    push(held, swap);
}

/// Where a swap stands after what has just happened.
fn state(swap: &BatterySwap, event: BatteryEvent) -> BatterySwapState {
    let has = |event: BatteryEvent| {
        swap.batteries
            .iter()
            .any(|battery| battery.event == event.code())
    };
    match (has(BatteryEvent::In), has(BatteryEvent::Out), event) {
        (true, true, _) => BatterySwapState::Complete,
        (_, _, BatteryEvent::OutTimeout) => BatterySwapState::OutTimeout,
        (true, false, _) => BatterySwapState::In,
        (false, _, _) => BatterySwapState::Out,
    }
}

fn is_over(swap: &BatterySwap) -> bool {
    swap.state == BatterySwapState::Complete.code() || is_offered(swap)
}

/// Batteries were offered and not taken in time: they may be yet.
fn is_offered(swap: &BatterySwap) -> bool {
    swap.state == BatterySwapState::OutTimeout.code()
}

fn is_same(old: &SwappedBattery, new: &SwappedBattery) -> bool {
    *old == SwappedBattery {
        at: old.at,
        ..new.clone()
    }
}

fn battery(data: &v21::BatteryData<'_>, event: BatteryEvent, at: UtcMicros) -> SwappedBattery {
    SwappedBattery {
        event: event.code(),
        evse_id: data.evse_id,
        serial_number: data.serial_number.to_string(),
        soc_percent: numeral(data.so_c.as_str()).into_owned(),
        soh_percent: numeral(data.so_h.as_str()).into_owned(),
        produced_at: data.production_date.as_ref().map(|date| date.utc_micros),
        vendor_info: data.vendor_info.as_deref().unwrap_or_default().to_owned(),
        at: at.0,
    }
}

/// Takes out the newest swap of this number, if it is as wanted.
fn take(
    held: &mut BatterySwapsChanged,
    request_id: i64,
    wanted: impl Fn(&BatterySwap) -> bool,
) -> Option<BatterySwap> {
    let at = held
        .swaps
        .iter()
        .rposition(|swap| swap.request_id == request_id)?;
    wanted(&held.swaps[at]).then(|| held.swaps.remove(at))
}

fn push(held: &mut BatterySwapsChanged, swap: BatterySwap) {
    if held.swaps.len() == SWAPS_MAX {
        let over = held.swaps.iter().position(is_over);
        held.swaps.remove(over.unwrap_or(0));
    }
    held.swaps.push(swap);
}

#[cfg(test)]
mod tests;
