use super::*;

#[test]
fn the_newest_swaps_are_kept_and_open_ones_longest() {
    let mut held = BatterySwapsChanged::default();
    let count = i64::try_from(SWAPS_MAX).unwrap();
    for id in 0..count {
        requested(&mut held, id, [1; 16], [2; 16], UtcMicros(id));
    }
    held.swaps[9].state = BatterySwapState::Complete.code();
    requested(&mut held, count, [1; 16], [2; 16], UtcMicros(count));
    let ids: Vec<_> = held.swaps.iter().map(|swap| swap.request_id).collect();
    assert_eq!((ids.len(), ids[0]), (SWAPS_MAX, 0));
    assert!(!ids.contains(&9));
    requested(&mut held, count + 1, [1; 16], [2; 16], UtcMicros(count));
    assert_eq!(held.swaps[0].request_id, 1);
}

#[test]
fn a_request_that_is_answered_after_its_battery_came_is_the_same_swap() {
    let mut held = BatterySwapsChanged::default();
    held.swaps.push(BatterySwap {
        request_id: 5,
        state: BatterySwapState::In.code(),
        ..BatterySwap::default()
    });
    requested(&mut held, 5, [1; 16], [2; 16], UtcMicros(7));
    assert_eq!(held.swaps.len(), 1);
    assert_eq!(held.swaps[0].command_id, Some([2; 16]));
    assert_eq!(held.swaps[0].state, BatterySwapState::In.code());
}
