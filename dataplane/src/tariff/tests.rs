use proptest::prelude::*;

use super::book::TARIFFS_MAX;
use super::zone::{DAY, MINUTE};
use super::{
    BillKind, Book, Flow, Money, Part, StoredTariff, Tariff, TariffScope, TariffWritten, Usage,
    applying, read,
};

/// 2026-11-22T10:00:00Z, a Sunday.
const AT: i64 = 1_795_341_600_000_000;
const HOUR: i64 = 60 * MINUTE;
const KWH: i64 = 1_000_000;

fn tariff(members: &str, zone: &str) -> Tariff {
    let json = format!(r#"{{"tariffId":"T","currency":"EUR"{members}}}"#);
    read(&json, zone).expect("a tariff").0
}

/// What energy between two moments costs without tax, hundredths.
fn energy(tariff: &Tariff, from: i64, to: i64, mwh: i64) -> i64 {
    let mut usage = Usage::begin(tariff, from, None);
    usage.energy(tariff, to, mwh);
    usage.bill(tariff, true).total.excl_tax
}

#[test]
fn the_examples_of_the_specification_come_to_what_it_says() {
    // 2.1 Part 2 I §1.2.1 and §1.3: tariff 10, 10 kWh.
    let simple = tariff(
        r#","energy":{"taxRates":[{"type":"federal","tax":6.0},{"type":"state","tax":4.0}],"prices":[{"priceKwh":0.25}]}"#,
        "UTC",
    );
    let mut usage = Usage::begin(&simple, AT, None);
    usage.energy(&simple, AT + HOUR, 10 * KWH);
    let bill = usage.bill(&simple, true);
    let money = Money {
        excl_tax: 250,
        incl_tax: 275,
    };
    assert_eq!(
        (bill.total, bill.parts),
        (money, vec![(Part::Energy, money)])
    );
    // §1.2.2: 6 kWh before 18:00 at the high price, 4 kWh after it at the low one.
    let by_clock = tariff(
        r#","energy":{"prices":[{"priceKwh":0.4,"conditions":{"startTimeOfDay":"08:00","endTimeOfDay":"18:00"}},{"priceKwh":0.25}]}"#,
        "UTC",
    );
    let from = AT + 7 * HOUR + 24 * MINUTE;
    assert_eq!(energy(&by_clock, from, from + HOUR, 10 * KWH), 340);
}

#[test]
fn i12_fr_13_a_tax_is_applied_on_top_of_the_stacks_below_it() {
    let taxed = tariff(
        r#","fixedFee":{"prices":[{"priceFixed":10}],"taxRates":[{"type":"vat","tax":20,"stack":1},{"type":"energy","tax":5},{"type":"city","tax":5}]}"#,
        "UTC",
    );
    let bill = Usage::begin(&taxed, AT, None).bill(&taxed, true);
    assert_eq!((bill.total.excl_tax, bill.total.incl_tax), (1_000, 1_320));
}

#[test]
fn i12_fr_34_the_first_price_that_applies_is_taken() {
    let steps = tariff(
        r#","energy":{"prices":[{"priceKwh":1,"conditions":{"maxEnergy":10000}},{"priceKwh":2,"conditions":{"maxEnergy":20000}},{"priceKwh":3}]}"#,
        "UTC",
    );
    for (kwh, cost) in [(5, 500), (10, 1_000), (15, 2_000), (20, 3_000), (21, 3_300)] {
        assert_eq!(energy(&steps, AT, AT + HOUR, kwh * KWH), cost, "{kwh} kWh");
        // A register whose time does not move says as much.
        assert_eq!(energy(&steps, AT, AT, kwh * KWH), cost, "{kwh} kWh at once");
    }
    let none = tariff(
        r#","energy":{"prices":[{"priceKwh":1,"conditions":{"dayOfWeek":["Monday"]}},{"priceKwh":9,"conditions":{"evseKind":"DC"}}]}"#,
        "UTC",
    );
    assert_eq!(energy(&none, AT, AT + HOUR, KWH), 0, "a Sunday");
    assert_eq!(
        energy(&none, AT + DAY, AT + DAY + HOUR, KWH),
        100,
        "a Monday"
    );
}

#[test]
fn i12_fr_37_times_of_day_are_those_of_a_clock_on_the_wall() {
    let night = tariff(
        r#","energy":{"prices":[{"priceKwh":1,"conditions":{"startTimeOfDay":"02:00","endTimeOfDay":"03:00"}},{"priceKwh":0}]}"#,
        "Europe/Amsterdam",
    );
    let at = |text: &str| text.parse::<jiff::Timestamp>().unwrap().as_microsecond();
    // One kilowatt for the whole of a local day: as many kWh at the price as there are hours of it.
    for (midnight, hours, cost) in [
        ("2026-10-23T22:00:00Z", 24, 100),
        // The clock is put back at three, and the hour comes again.
        ("2026-10-24T22:00:00Z", 25, 200),
        // It is put forward at two, and the hour does not come.
        ("2026-03-28T23:00:00Z", 23, 0),
    ] {
        let from = at(midnight);
        let found = energy(&night, from, from + hours * HOUR, hours * KWH);
        assert_eq!(found, cost, "{midnight}");
    }
    let weekend = tariff(
        r#","energy":{"prices":[{"priceKwh":1,"conditions":{"dayOfWeek":["Saturday","Sunday"]}},{"priceKwh":2}]}"#,
        "-03:00",
    );
    // From 22 to 2 o'clock there, from a Sunday to a Monday.
    let from = AT + 15 * HOUR;
    assert_eq!(energy(&weekend, from, from + 4 * HOUR, 4 * KWH), 600);
    let wraps = tariff(
        r#","energy":{"prices":[{"priceKwh":1,"conditions":{"startTimeOfDay":"22:00","endTimeOfDay":"06:00"}},{"priceKwh":2}]}"#,
        "UTC",
    );
    assert_eq!(energy(&wraps, AT, AT + DAY, 24 * KWH), 800 + 3_200);
    let until_midnight = tariff(
        r#","energy":{"prices":[{"priceKwh":1,"conditions":{"startTimeOfDay":"12:00","endTimeOfDay":"00:00"}},{"priceKwh":2}]}"#,
        "UTC",
    );
    assert_eq!(
        energy(&until_midnight, AT, AT + DAY, 24 * KWH),
        1_200 + 2_400
    );
    let dates = tariff(
        r#","energy":{"prices":[{"priceKwh":1,"conditions":{"validFromDate":"2026-11-23","validToDate":"2026-11-24"}},{"priceKwh":2}]}"#,
        "UTC",
    );
    assert_eq!(energy(&dates, AT, AT + 3 * DAY, 72 * KWH), 2_400 + 9_600);
}

#[test]
fn minutes_are_charged_or_idle_and_cost_by_their_own_length() {
    let timed = tariff(
        r#","chargingTime":{"prices":[{"priceMinute":0.1,"conditions":{"maxChargingTime":1800}},{"priceMinute":0.2}]},"idleTime":{"prices":[{"priceMinute":1,"conditions":{"minIdleTime":300}}]}"#,
        "UTC",
    );
    let mut usage = Usage::begin(&timed, AT, None);
    usage.flows(Flow::Charging);
    usage.time(&timed, AT + 20 * MINUTE);
    usage.flows(Flow::Idle);
    // Ten minutes of which five are free.
    usage.time(&timed, AT + 30 * MINUTE);
    usage.flows(Flow::Charging);
    usage.time(&timed, AT + 50 * MINUTE);
    usage.flows(Flow::Idle);
    // The next idle time begins anew.
    usage.end(&timed, AT + 60 * MINUTE);
    let bill = usage.bill(&timed, true);
    let parts: Vec<_> = bill
        .parts
        .iter()
        .map(|(part, money)| (*part, money.excl_tax))
        .collect();
    // 30 minutes at 0.1, 10 at 0.2; twice five minutes at 1.
    assert_eq!(parts, [(Part::ChargingTime, 500), (Part::IdleTime, 1_000)]);
    assert_eq!((bill.charging_s, bill.idle_s), (2_400, 1_200));
}

#[test]
fn where_no_state_is_told_time_in_which_energy_flowed_is_charging() {
    let timed = tariff(
        r#","chargingTime":{"prices":[{"priceMinute":1}]},"idleTime":{"prices":[{"priceMinute":2}]}"#,
        "UTC",
    );
    let mut usage = Usage::begin(&timed, AT, None);
    usage.energy(&timed, AT + 10 * MINUTE, KWH);
    usage.time(&timed, AT + 12 * MINUTE);
    usage.energy(&timed, AT + 15 * MINUTE, KWH);
    usage.end(&timed, AT + 20 * MINUTE);
    let bill = usage.bill(&timed, true);
    assert_eq!((bill.charging_s, bill.idle_s), (600, 600));
    assert_eq!(bill.total.excl_tax, 1_000 + 2_000);
}

#[test]
fn i12_fr_38_a_transaction_costs_the_least_that_the_tariff_asks_for() {
    let least = tariff(
        r#","energy":{"prices":[{"priceKwh":1}]},"minCost":{"exclTax":5,"taxRates":[{"type":"vat","tax":10}]}"#,
        "UTC",
    );
    let mut usage = Usage::begin(&least, AT, None);
    usage.energy(&least, AT + HOUR, 4 * KWH);
    let running = usage.bill(&least, false);
    assert_eq!(
        (running.kind, running.total.excl_tax),
        (BillKind::Normal, 400)
    );
    let bill = usage.bill(&least, true);
    let money = Money {
        excl_tax: 500,
        incl_tax: 550,
    };
    assert_eq!((bill.kind, bill.total), (BillKind::Min, money));
    assert_eq!(bill.parts, [(Part::Fixed, money)]);
    usage.energy(&least, AT + HOUR, 5 * KWH);
    assert_eq!(usage.bill(&least, true).kind, BillKind::Normal);
}

#[test]
fn i12_fr_39_nothing_is_added_to_the_most_that_the_tariff_asks_for() {
    let most = tariff(
        r#","fixedFee":{"prices":[{"priceFixed":2}]},"energy":{"prices":[{"priceKwh":1}],"taxRates":[{"type":"vat","tax":10}]},"maxCost":{"inclTax":10}"#,
        "UTC",
    );
    let mut usage = Usage::begin(&most, AT, None);
    usage.energy(&most, AT + HOUR, 5 * KWH);
    assert_eq!(usage.bill(&most, false).kind, BillKind::Normal);
    for kwh in [8, 20, 100] {
        usage.energy(&most, AT + 2 * HOUR, kwh * KWH);
        let bill = usage.bill(&most, true);
        let total = Money {
            excl_tax: 200 + 727,
            incl_tax: 1_000,
        };
        assert_eq!((bill.kind, bill.total), (BillKind::Max, total));
        // What was used is counted on (I12.FR.40).
        assert_eq!(bill.energy_mwh, kwh * KWH);
    }
}

#[test]
fn i12_fr_06_a_reservation_is_charged_once_when_it_is_used() {
    let reserved = tariff(
        r#","reservationTime":{"prices":[{"priceMinute":0.5}]},"reservationFixed":{"prices":[{"priceFixed":3}]}"#,
        "UTC",
    );
    let bill = Usage::begin(&reserved, AT, Some(10 * MINUTE)).bill(&reserved, true);
    let parts: Vec<_> = bill
        .parts
        .iter()
        .map(|(part, money)| (*part, money.excl_tax))
        .collect();
    assert_eq!(
        parts,
        [(Part::ReservationTime, 500), (Part::ReservationFixed, 300)]
    );
    assert_eq!(bill.reservation_s, Some(600));
    let bill = Usage::begin(&reserved, AT, None).bill(&reserved, true);
    assert_eq!((bill.parts.len(), bill.total.excl_tax), (0, 0));
}

#[test]
fn i11_fr_08_another_tariff_counts_what_comes_after_it() {
    let (old, new) = (
        tariff(
            r#","fixedFee":{"prices":[{"priceFixed":1}]},"energy":{"prices":[{"priceKwh":1}]}"#,
            "UTC",
        ),
        tariff(
            r#","fixedFee":{"prices":[{"priceFixed":9}]},"energy":{"prices":[{"priceKwh":3}],"taxRates":[{"type":"vat","tax":10}]}"#,
            "UTC",
        ),
    );
    let mut usage = Usage::begin(&old, AT, None);
    usage.energy(&old, AT + HOUR, 2 * KWH);
    usage.change(&old);
    usage.energy(&new, AT + 2 * HOUR, 4 * KWH);
    let bill = usage.bill(&new, true);
    assert_eq!(
        (bill.total.excl_tax, bill.total.incl_tax),
        (100 + 200 + 600, 100 + 200 + 660)
    );
}

#[test]
fn a_meter_that_is_begun_anew_takes_back_what_was_never_delivered() {
    let simple = tariff(r#","energy":{"prices":[{"priceKwh":1}]}"#, "UTC");
    let mut usage = Usage::begin(&simple, AT, None);
    usage.energy(&simple, AT + HOUR, 50 * KWH);
    usage.energy(&simple, AT + 2 * HOUR, 3 * KWH);
    assert_eq!(usage.bill(&simple, true).total.excl_tax, 300);
}

#[test]
fn what_is_wrong_with_a_tariff_is_named() {
    let check = |members: &str, zone: &str, expected: &str| {
        let json = format!(r#"{{"tariffId":"T"{members}}}"#);
        let error = read(&json, zone).expect_err(members).to_string();
        assert_eq!(error, expected);
    };
    let eur = r#","currency":"EUR""#;
    check(
        eur,
        "Mars",
        "/time_zone: \"Mars\", expected a zone like \"America/Sao_Paulo\" or \"+05:30\"",
    );
    check(
        r#","currency":"eur""#,
        "UTC",
        "/currency: \"eur\", expected a code of ISO 4217 like \"BRL\"",
    );
    for (members, expected) in [
        (
            r#","energy":{"prices":[{"priceKwh":-1}]}"#,
            "/energy/prices/0/priceKwh: -1, expected 0 to 1000000 with at most 6 decimals",
        ),
        (
            r#","energy":{"prices":[{"priceKwh":0.1234567}]}"#,
            "/energy/prices/0/priceKwh: 0.1234567, expected 0 to 1000000 with at most 6 decimals",
        ),
        (
            r#","idleTime":{"prices":[{"priceMinute":1,"conditions":{"startTimeOfDay":"24:00"}}]}"#,
            "/idleTime/prices/0/conditions/startTimeOfDay: \"24:00\", expected a time of day like \"08:00\"",
        ),
        (
            r#","energy":{"prices":[{"priceKwh":1,"conditions":{"validFromDate":"2026-02-30"}}]}"#,
            "/energy/prices/0/conditions/validFromDate: \"2026-02-30\", expected a date like \"2026-12-24\"",
        ),
        (
            r#","energy":{"prices":[{"priceKwh":1,"conditions":{"minTime":-1}}]}"#,
            "/energy/prices/0/conditions/minTime: -1, expected 0 to 3162240000 seconds",
        ),
        (r#","minCost":{}"#, "/minCost: neither exclTax nor inclTax"),
        (
            r#","energy":{"prices":[{"priceKwh":1}],"taxRates":[{"type":"vat","tax":1000.5}]}"#,
            "/energy/taxRates/0/tax: 1000.5, expected 0 to 1000 with at most 4 decimals",
        ),
    ] {
        check(&format!("{eur}{members}"), "UTC", expected);
    }
    assert!(read("{}", "UTC").is_err());
    assert!(read(r#"{"tariffId":"T","currency":"EUR","colour":1}"#, "UTC").is_err());
    // What is put behind it is part of no tariff.
    assert!(
        read(
            r#"{"tariffId":"T","currency":"EUR"},"customData":{"vendorId":"V"}"#,
            "UTC"
        )
        .is_err()
    );
}

/// Prices by clock, energy and length, with taxes.
fn any_tariff() -> impl Strategy<Value = Tariff> {
    let price = 0..5_000_i64;
    let hours = (0..24_i64, 0..24_i64);
    let zone = prop_oneof![
        Just("UTC"),
        Just("Europe/Amsterdam"),
        Just("America/Sao_Paulo"),
        Just("Australia/Lord_Howe"),
        Just("+05:45"),
    ];
    (prop::array::uniform6(price), hours, 0..40_000_i64, 0..20_000_i64, 0..250_i64, zone).prop_map(
        |(prices, (from, to), wh, seconds, tax, zone)| {
            let [a, b, c, d, e, f] = prices.map(|p| format!("{}.{:03}", p / 1_000, p % 1_000));
            let clock = format!(r#""startTimeOfDay":"{from:02}:30","endTimeOfDay":"{to:02}:00""#);
            let taxes = format!(r#""taxRates":[{{"type":"vat","tax":{}.{}}}]"#, tax / 10, tax % 10);
            tariff(
                &format!(
                    r#","energy":{{{taxes},"prices":[{{"priceKwh":{a},"conditions":{{{clock}}}}},{{"priceKwh":{b},"conditions":{{"maxEnergy":{wh}}}}},{{"priceKwh":{c},"conditions":{{"minTime":{seconds}}}}},{{"priceKwh":{a}}}]}},"chargingTime":{{{taxes},"prices":[{{"priceMinute":{d},"conditions":{{"maxChargingTime":{seconds}}}}},{{"priceMinute":{e},"conditions":{{{clock}}}}}]}},"idleTime":{{"prices":[{{"priceMinute":{f},"conditions":{{"minIdleTime":{seconds}}}}},{{"priceMinute":{d},"conditions":{{{clock},"dayOfWeek":["Sunday","Friday"]}}}}]}},"fixedFee":{{"prices":[{{"priceFixed":{e},"conditions":{{{clock}}}}},{{"priceFixed":{f}}}]}}"#
                ),
                zone,
            )
        },
    )
}

/// Steps of a transaction: seconds, milliwatt-hours and whether energy flows.
fn steps() -> impl Strategy<Value = Vec<(i64, i64, bool)>> {
    prop::collection::vec((0..50_000_i64, 0..30_000_000_i64, any::<bool>()), 1..12)
}

fn run(tariff: &Tariff, started_at: i64, steps: &[(i64, i64, bool)]) -> Usage {
    let mut usage = Usage::begin(tariff, started_at, None);
    let (mut at, mut mwh) = (started_at, 0);
    for (seconds, delivered, flows) in steps {
        usage.flows(if *flows { Flow::Charging } else { Flow::Idle });
        at += seconds * 1_000_000;
        mwh += delivered;
        usage.energy(tariff, at, mwh);
        usage.time(tariff, at);
    }
    usage.end(tariff, at);
    usage
}

proptest! {
    #[test]
    fn a_total_is_the_sum_of_its_parts_and_every_minute_is_counted_once(
        tariff in any_tariff(),
        started_at in 0..4_000_000_000_i64,
        steps in steps(),
    ) {
        let started_at = started_at * 1_000_000;
        let usage = run(&tariff, started_at, &steps);
        let bill = usage.bill(&tariff, true);
        let sum = bill.parts.iter().fold((0, 0), |(excl, incl), (_, money)| (excl + money.excl_tax, incl + money.incl_tax));
        prop_assert_eq!(sum, (bill.total.excl_tax, bill.total.incl_tax));
        prop_assert!(bill.total.excl_tax <= bill.total.incl_tax);
        let length: i64 = steps.iter().map(|(seconds, ..)| seconds * 1_000_000).sum();
        prop_assert_eq!(usage.charging + usage.idle, length);
        prop_assert_eq!(usage.energy_mwh, steps.iter().map(|(_, mwh, _)| mwh).sum::<i64>());
    }

    #[test]
    fn more_energy_never_costs_less(
        tariff in any_tariff(),
        started_at in 0..4_000_000_000_i64,
        steps in steps(),
        more in 0..50_000_000_i64,
        length in 0..100_000_i64,
    ) {
        let started_at = started_at * 1_000_000;
        let mut usage = run(&tariff, started_at, &steps);
        let (at, mwh) = (usage.energy_at, usage.energy_mwh);
        let before = usage.bill(&tariff, false);
        usage.energy(&tariff, at + length * 1_000_000, mwh + more);
        let after = usage.bill(&tariff, false);
        prop_assert!(before.total.excl_tax <= after.total.excl_tax);
        prop_assert!(before.total.incl_tax <= after.total.incl_tax);
        usage.end(&tariff, at + length * 1_000_000);
        prop_assert!(after.total.incl_tax <= usage.bill(&tariff, false).total.incl_tax);
    }

    #[test]
    fn at_one_price_it_does_not_matter_how_often_a_station_tells(
        started_at in 0..4_000_000_000_i64,
        steps in steps(),
        price in 0..9_999_999_i64,
    ) {
        let flat = tariff(
            &format!(r#","energy":{{"prices":[{{"priceKwh":{}.{:06}}}]}}"#, price / 1_000_000, price % 1_000_000),
            "UTC",
        );
        let started_at = started_at * 1_000_000;
        let often = run(&flat, started_at, &steps);
        let all = steps.iter().fold((0, 0, true), |(s, e, _), (seconds, mwh, _)| (s + seconds, e + mwh, true));
        let once = run(&flat, started_at, &[all]);
        prop_assert_eq!(often.energy_sum, once.energy_sum);
        prop_assert_eq!(often.energy_sum, i128::from(often.energy_mwh) * i128::from(price));
    }

    #[test]
    fn limits_hold_whatever_is_used(
        started_at in 0..4_000_000_000_i64,
        steps in steps(),
        (least, more) in (0..50_000_i64, 0..50_000_i64),
    ) {
        let most = least + more;
        let limited = tariff(
            &format!(
                r#","fixedFee":{{"prices":[{{"priceFixed":1.5}}]}},"energy":{{"prices":[{{"priceKwh":1.234}}],"taxRates":[{{"type":"vat","tax":19}}]}},"idleTime":{{"prices":[{{"priceMinute":0.05}}]}},"minCost":{{"inclTax":{}.{:02}}},"maxCost":{{"inclTax":{}.{:02}}}"#,
                least / 100, least % 100, most / 100, most % 100,
            ),
            "UTC",
        );
        let bill = run(&limited, started_at * 1_000_000, &steps).bill(&limited, true);
        prop_assert!((least..=most).contains(&bill.total.incl_tax), "{bill:?}");
        let sum: i64 = bill.parts.iter().map(|(_, money)| money.incl_tax).sum();
        prop_assert_eq!(sum, bill.total.incl_tax);
    }
}

#[test]
fn a_meter_that_is_begun_anew_takes_back_all_that_hung_on_its_energy() {
    let by_clock = tariff(
        r#","energy":{"prices":[{"priceKwh":1,"conditions":{"endTimeOfDay":"10:30"}},{"priceKwh":2}]},"maxCost":{"exclTax":20}"#,
        "UTC",
    );
    let mut usage = Usage::begin(&by_clock, AT, None);
    usage.energy(&by_clock, AT + HOUR, 50 * KWH);
    assert_eq!(usage.bill(&by_clock, true).kind, BillKind::Max);
    // One of the four kilowatt-hours was delivered in the first half hour.
    usage.energy(&by_clock, AT + 2 * HOUR, 4 * KWH);
    let bill = usage.bill(&by_clock, true);
    assert_eq!((bill.kind, bill.total.excl_tax), (BillKind::Normal, 700));
    // Under the tariff before as well.
    let dear = tariff(r#","energy":{"prices":[{"priceKwh":3}]}"#, "UTC");
    usage.change(&by_clock);
    usage.energy(&dear, AT + 3 * HOUR, 3 * KWH);
    assert_eq!(usage.bill(&dear, true).total.excl_tax, 900);
}

#[test]
fn i12_fr_39_what_was_the_most_under_one_tariff_is_no_more_under_the_next() {
    let most = tariff(
        r#","energy":{"prices":[{"priceKwh":1}]},"maxCost":{"exclTax":10}"#,
        "UTC",
    );
    let next = tariff(r#","energy":{"prices":[{"priceKwh":3}]}"#, "UTC");
    let mut usage = Usage::begin(&most, AT, None);
    usage.energy(&most, AT + HOUR, 50 * KWH);
    usage.change(&most);
    usage.energy(&next, AT + 2 * HOUR, 51 * KWH);
    let bill = usage.bill(&next, true);
    assert_eq!((bill.kind, bill.total.excl_tax), (BillKind::Normal, 1_300));
}

#[test]
fn i12_fr_37_a_price_begins_when_the_clock_is_put_over_its_beginning() {
    let early = tariff(
        r#","energy":{"prices":[{"priceKwh":1,"conditions":{"startTimeOfDay":"03:00","endTimeOfDay":"04:00"}},{"priceKwh":0}]}"#,
        "Europe/Amsterdam",
    );
    // The hour from two to three does not come, that from three to four does.
    let from = "2026-03-28T23:00:00Z".parse::<jiff::Timestamp>().unwrap();
    let from = from.as_microsecond();
    assert_eq!(energy(&early, from, from + 23 * HOUR, 23 * KWH), 100);
}

#[test]
fn the_nearest_tariff_holds_and_a_tenant_has_only_so_many() {
    let stored = |id: &str, scope: TariffScope| StoredTariff {
        id: id.to_owned(),
        json: format!(r#"{{"tariffId":"{id}","currency":"EUR"}}"#),
        time_zone: "UTC".into(),
        scope,
        changed_at: fleet::UtcMicros(0),
    };
    let at_site = TariffScope {
        sites: vec!["S".into()],
        ..TariffScope::default()
    };
    let at_station = TariffScope {
        stations: vec!["CP1".into()],
        ..TariffScope::default()
    };
    let everywhere = TariffScope {
        everywhere: true,
        ..TariffScope::default()
    };
    let mut book = Book::default();
    for (id, scope) in [("all", everywhere), ("site", at_site), ("one", at_station)] {
        book.insert(&stored(id, scope)).unwrap();
    }
    let found = |station: &str, site: &str| {
        let found = applying(&book, station, site, AT).expect("a tariff");
        found.0.id.clone()
    };
    assert_eq!(found("CP1", "S"), "one");
    assert_eq!(found("CP2", "S"), "site");
    assert_eq!(found("CP2", ""), "all");
    let mut book = Book::default();
    for n in 0..TARIFFS_MAX {
        let one = stored(&format!("T{n}"), TariffScope::default());
        assert_eq!(book.refuses(&one, None), None);
        book.insert(&one).unwrap();
    }
    let more = stored("more", TariffScope::default());
    assert_eq!(book.refuses(&more, None), Some(TariffWritten::Full));
    let known = stored("T7", TariffScope::default());
    assert_eq!(book.refuses(&known, None), None);
}

#[test]
fn a_currency_without_hundredths_is_refused_when_it_is_put_and_goes_on_where_it_is() {
    let put = |currency: &str| StoredTariff {
        id: "T".into(),
        json: format!(r#"{{"tariffId":"T","currency":"{currency}"}}"#),
        time_zone: "UTC".into(),
        scope: TariffScope::default(),
        changed_at: fleet::UtcMicros(0),
    };
    assert!(put("EUR").checked().is_ok());
    for (currency, digits) in [("JPY", 0), ("KWD", 3), ("CLF", 4)] {
        let error = put(currency).checked().unwrap_err().to_string();
        let expected = format!(
            "/currency: \"{currency}\" has {digits} decimals, expected a currency with 2: amounts are hundredths"
        );
        assert_eq!(error, expected);
        let mut book = Book::default();
        assert!(book.insert(&put(currency)).is_ok());
    }
}
