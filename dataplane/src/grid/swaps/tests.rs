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

#[test]
fn s03_as_many_batteries_of_a_swap_are_kept_as_there_is_room_for() {
    let tell = |held: &mut BatterySwapsChanged, from: usize, count: usize| {
        tell_with("50.0", held, from, count);
    };
    let mut held = BatterySwapsChanged::default();
    let mut move_batteries = |from, count| {
        tell(&mut held, from, count);
        let [swap] = &held.swaps[..] else {
            panic!("one swap")
        };
        let last = swap.batteries.last().unwrap().serial_number.clone();
        (swap.batteries.len(), last, swap.state)
    };
    let state = BatterySwapState::In.code();
    assert_eq!(
        move_batteries(0, BATTERIES_MAX - 1),
        (BATTERIES_MAX - 1, "B62".to_owned(), state)
    );
    // The rest in two messages, and one too many in each.
    assert_eq!(
        move_batteries(100, 2),
        (BATTERIES_MAX, "B100".to_owned(), state)
    );
    assert_eq!(
        move_batteries(200, 2),
        (BATTERIES_MAX, "B100".to_owned(), state)
    );
    // And of one message.
    let mut held = BatterySwapsChanged::default();
    tell(&mut held, 0, BATTERIES_MAX + 9);
    assert_eq!(held.swaps[0].batteries.len(), BATTERIES_MAX);
}

#[test]
fn s03_a_charge_in_very_many_digits_takes_no_more_room_than_another() {
    let mut held = BatterySwapsChanged::default();
    tell_with(&format!("50.5{}", "0".repeat(100_000)), &mut held, 0, 1);
    let battery = &held.swaps[0].batteries[0];
    assert_eq!(
        (&*battery.soc_percent, &*battery.soh_percent),
        ("50.5", "99.0")
    );
}

/// The station tells that batteries with this charge came in.
fn tell_with(soc: &str, held: &mut BatterySwapsChanged, from: usize, count: usize) {
    let batteries = (from..from + count)
        .map(|n| format!(r#"{{"evseId":1,"serialNumber":"B{n}","soC":{soc},"soH":99.0}}"#));
    let payload = format!(
        r#"{{"batteryData":[{}],"eventType":"BatteryIn","idToken":{{"idToken":"TAG","type":"Central"}},"requestId":5}}"#,
        batteries.collect::<Vec<_>>().join(",")
    );
    let mut columns = ocpp::MeterColumns::new();
    let strict = ocpp::Policy::Strict;
    let decoded = v21::Request::decode("BatterySwap", &payload, strict, &mut columns);
    let v21::Request::BatterySwap(told) = decoded.unwrap().message else {
        panic!("{payload:.500}")
    };
    moved(held, &told, [1; 16], UtcMicros(7));
}
