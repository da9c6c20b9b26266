//! Tariffs: which one a charge is under, what it comes to, and that no crash or retry changes that.

use std::collections::BTreeSet;
use std::time::Duration;

use expect_test::expect;
use fleet::UtcMicros;
use fleet::record::{CostKind, CostState};
use fleet::wire::Fact;
use storage::state::Table;

use super::world::{EPOCH, World, config, key};
use crate::config::{Config, CostUpdates, Onboarding, Tariff};
use crate::router::Ask;
use crate::router::pending::pending;
use crate::tariff::{StoredTariff, TariffScope};

/// `PLACE ZONE TARIFF`: puts a tariff that holds `everywhere`, at a `site=NAME` or at a station.
pub(super) fn put(world: &mut World, what: &str) {
    let [place, zone, json] = *what.splitn(3, ' ').collect::<Vec<_>>() else {
        panic!("{what}");
    };
    let tariff: serde_json::Value = serde_json::from_str(json).expect("JSON");
    let site = place.strip_prefix("site=");
    let station = (place != "everywhere" && site.is_none()).then(|| place.to_owned());
    let stored = StoredTariff {
        id: tariff["tariffId"].as_str().expect("an id").to_owned(),
        json: json.to_owned(),
        time_zone: zone.to_owned(),
        scope: TariffScope {
            everywhere: place == "everywhere",
            sites: site.map(str::to_owned).into_iter().collect(),
            stations: station.into_iter().collect(),
        },
        changed_at: UtcMicros(0),
    };
    let books = &world.shard.settings.tariffs;
    let mut book = books.of("default").as_deref().cloned().unwrap_or_default();
    book.insert(&stored.checked().expect("a tariff")).unwrap();
    books.put("default", book);
}

/// `money IDENTITY`: what its transactions come to.
pub(super) fn show(world: &mut World, identity: &str) {
    let station = world
        .shard
        .stations
        .find(&key(identity))
        .expect("a station");
    let details = world.shard.stations[station].state.details().into_owned();
    for transaction in details.transactions.iter() {
        let (reply, pending) = pending();
        let (now, id) = (world.now(), transaction.id);
        world.shard.ask(now, Ask::Transaction { id, reply });
        let view = pending
            .wait(Duration::ZERO)
            .unwrap()
            .expect("a transaction");
        let currency = String::from_utf8_lossy(&view.currency).into_owned();
        let cost = view.cost.map_or("-".into(), |cost| cost.to_string());
        world.say(&format!("cost {cost} {currency} {}", view.state));
        let Some(money) = view.money else {
            continue;
        };
        if let Some(bill) = money.bill {
            let parts: Vec<_> = bill
                .parts
                .iter()
                .map(|(part, money)| {
                    format!("{} {}/{}", part.as_str(), money.excl_tax, money.incl_tax)
                })
                .collect();
            world.say(&format!(
                "tariff {} {}: {} = {}/{}, {} mWh, {} s charging, {} s idle",
                bill.tariff_id,
                bill.kind.as_str(),
                parts.join(" + "),
                bill.total.excl_tax,
                bill.total.incl_tax,
                bill.energy_mwh,
                bill.charging_s,
                bill.idle_s
            ));
        }
        if let Some(told) = money.station_cost {
            world.say(&format!(
                "station under {:?}: {}",
                told.tariff_id, told.details
            ));
        }
        for settlement in money.settlements {
            world.say(&format!(
                "settlement {} {} {} {}",
                settlement.psp_ref, settlement.status, settlement.amount, settlement.receipt_url
            ));
        }
    }
}

/// `tariffs IDENTITY`: what the station has.
pub(super) fn show_station(world: &mut World, identity: &str) {
    let (reply, pending) = pending();
    let (now, key) = (world.now(), key(identity));
    world.shard.ask(now, Ask::Tariffs { key, reply });
    let known = pending.wait(Duration::ZERO).unwrap().expect("a station");
    for tariff in known.tariffs {
        let from = tariff.valid_from.map_or(String::new(), |from| {
            format!(" from {}", (from - EPOCH) / 1_000_000)
        });
        let reported = if tariff.reported_at.is_some() {
            ", named"
        } else {
            ""
        };
        world.say(&format!(
            "{} {} on {:?}{from}{reported}",
            tariff.kind, tariff.tariff_id, tariff.evse_ids
        ));
    }
}

const NIGHT: &str = r#"{"tariffId":"night","currency":"EUR","energy":{"prices":[{"priceKwh":1,"conditions":{"startTimeOfDay":"08:00","endTimeOfDay":"11:30"}},{"priceKwh":0.5}],"taxRates":[{"type":"vat","tax":10}]},"idleTime":{"prices":[{"priceMinute":0.1}]},"fixedFee":{"prices":[{"priceFixed":2}]}}"#;

fn world() -> World {
    World::new(config(Onboarding::Open))
}

/// An hour from 10:00 UTC, 11:00 in Amsterdam, with 10 kWh: half of it before 11:30 there.
const CHARGE_16: &str = r#"
    0 a connect CP1
    0 a > [2,"1","StartTransaction",{"connectorId":1,"idTag":"T","meterStart":1000,"timestamp":"2026-11-22T10:00:00Z"}]
"#;

fn stop_16(id: &str) -> String {
    format!(
        r#"3600 a > [2,"2","StopTransaction",{{"transactionId":{id},"meterStop":11000,"timestamp":"2026-11-22T11:00:00Z"}}]"#
    )
}

#[test]
fn a_1_6_charge_is_under_the_tariff_of_its_place() {
    let mut world = world();
    world.run(&format!("0 tariff everywhere Europe/Amsterdam {NIGHT}"));
    world.run(CHARGE_16);
    let id = world.ocpp_id("CP1");
    let out = world.run(&format!("{}\n3600 op money CP1", stop_16(&id)));
    let (_, shown) = out.split_once('\n').unwrap();
    // 5 kWh at 1 and 5 at 0.5, and a tenth of tax on it; the fee has none.
    expect![[r#"
        3600 cost 10.25 EUR ended
        3600 tariff night NormalCost: fixed 200/200 + energy 750/825 + idleTime 0/0 = 950/1025, 10000000 mWh, 3600 s charging, 0 s idle
    "#]]
    .assert_eq(shown);
}

#[test]
fn what_is_nearer_to_a_station_holds_and_no_change_reaches_a_charge_that_runs() {
    let fee = |id: &str, fee: u32| {
        format!(
            r#"{{"tariffId":"{id}","currency":"EUR","fixedFee":{{"prices":[{{"priceFixed":{fee}}}]}}}}"#
        )
    };
    let mut world = world();
    world.run(&format!(
        "0 tariff everywhere UTC {}\n{CHARGE_16}",
        fee("all", 1)
    ));
    let id = world.ocpp_id("CP1");
    let out = world.run(&format!(
        "1 tariff CP1 UTC {}\n2 restart\n3 a connect CP1\n{}\n3601 op money CP1",
        fee("one", 9),
        stop_16(&id)
    ));
    assert!(out.contains("cost 1.00 EUR"), "{out}");
    world.run(r#"3602 a > [2,"3","StartTransaction",{"connectorId":1,"idTag":"T","meterStart":11000,"timestamp":"2026-11-22T11:00:02Z"}]"#);
    let out = world.run("3603 op money CP1");
    assert!(
        out.contains("tariff one NormalCost: fixed 900/900"),
        "{out}"
    );
}

#[test]
fn without_a_tariff_the_price_of_the_configuration_holds() {
    let mut world = world();
    world.run(CHARGE_16);
    let id = world.ocpp_id("CP1");
    world.run(&stop_16(&id));
    // Nobody looked for one.
    assert_eq!(world.shard.tally.counters.store_reads, 1, "the token");
    assert_eq!(world.run("3600 op money CP1"), "3600 cost 7.50 BRL ended\n");
}

#[test]
fn i12_fr_39_a_crash_or_a_retry_changes_no_bill() {
    let event = |n: u32, kind: &str, minute: u32, wh: u32, state: &str| {
        format!(
            r#"{0} a > [2,"{n}","TransactionEvent",{{"eventType":"{kind}","timestamp":"2026-11-22T10:{minute:02}:00Z","triggerReason":"Trigger","seqNo":{n},"evse":{{"id":1}},"transactionInfo":{{"transactionId":"T1","chargingState":"{state}"}},"meterValue":[{{"timestamp":"2026-11-22T10:{minute:02}:00Z","sampledValue":[{{"value":{wh}}}]}}]}}]"#,
            60 * minute
        )
    };
    let steps = [
        event(0, "Started", 0, 1_000, "Charging"),
        event(1, "Updated", 20, 5_000, "SuspendedEV"),
        event(2, "Updated", 40, 5_000, "Charging"),
        event(3, "Ended", 50, 9_000, "Idle"),
    ];
    let run = |crash: Option<(usize, usize)>| {
        let mut world = world();
        world.run(&format!(
            "0 tariff everywhere Europe/Amsterdam {NIGHT}\n0 a connect CP1 2.0.1"
        ));
        for (at, step) in steps.iter().enumerate() {
            let seconds = step.split_once(' ').unwrap().0.to_owned();
            if let Some((_, kept)) = crash.filter(|(step, _)| *step == at) {
                world.run(&format!("{seconds} disk holds"));
                let before = world.log.len();
                world.run(step);
                // All of them would be no crash.
                let kept = kept.min(world.log.len() - before - 1);
                world.run(&format!(
                    "{seconds} disk keeps {kept}\n{seconds} restart\n{seconds} disk goes\n{seconds} a connect CP1 2.0.1"
                ));
            }
            // Once more than needed.
            world.run(&format!("{step}\n{step}"));
        }
        world.run("3001 op money CP1")
    };
    let expected = run(None);
    expect![[r#"
        3001 cost 10.60 EUR ended
        3001 tariff night NormalCost: fixed 200/200 + energy 600/660 + idleTime 200/200 = 1000/1060, 8000000 mWh, 1800 s charging, 1200 s idle
    "#]]
    .assert_eq(&expected);
    for step in 0..steps.len() {
        for kept in 0..8 {
            let found = run(Some((step, kept)));
            assert_eq!(found, expected, "step {step}, {kept} records kept");
        }
    }
}

#[test]
fn i02_fr_01_a_station_hears_what_a_charge_comes_to_when_that_is_configured() {
    let mut world = World::new(Config {
        tariff: Tariff {
            cost_updates: CostUpdates::Commands {
                every: Duration::from_secs(60),
            },
            ..Tariff::default()
        },
        ..config(Onboarding::Open)
    });
    let out = world.run(
        r#"
        0 a connect CP1 2.0.1
        0 a > [2,"b","BootNotification",{"reason":"PowerUp","chargingStation":{"model":"M","vendorName":"V"}}]
        1 a > [2,"1","TransactionEvent",{"eventType":"Started","timestamp":"2026-11-22T10:00:01Z","triggerReason":"Trigger","seqNo":0,"evse":{"id":1},"transactionInfo":{"transactionId":"T1"},"meterValue":[{"timestamp":"2026-11-22T10:00:01Z","sampledValue":[{"value":1000,"context":"Transaction.Begin"}]}]}]
        62 a answers {}
        70 a > [2,"2","TransactionEvent",{"eventType":"Updated","timestamp":"2026-11-22T10:01:10Z","triggerReason":"Trigger","seqNo":1,"transactionInfo":{"transactionId":"T1"},"meterValue":[{"timestamp":"2026-11-22T10:01:10Z","sampledValue":[{"value":3000}]}]}]
        122 a answers {}
        200 wait
        210 a > [2,"3","TransactionEvent",{"eventType":"Ended","timestamp":"2026-11-22T10:03:30Z","triggerReason":"Trigger","seqNo":2,"transactionInfo":{"transactionId":"T1"},"meterValue":[{"timestamp":"2026-11-22T10:03:30Z","sampledValue":[{"value":5000}]}]}]
        400 wait
        "#,
    );
    let told: Vec<_> = out
        .lines()
        .filter_map(|line| line.split_once("\"CostUpdated\",").map(|(_, rest)| rest))
        .collect();
    // Two kilowatt-hours in a minute are news once; nothing is said after the end.
    assert_eq!(
        told,
        [r#"{"totalCost":1.50,"transactionId":"T1"}]"#],
        "{out}"
    );
    assert!(out.contains(r#"[3,"3",{"totalCost":3.00}]"#), "{out}");
}

/// An event of 2.1 in the minute of its time, which is the world's too unless `second` says otherwise.
fn event(seq_no: u32, kind: &str, minute: u32, wh: u32, more: &str) -> String {
    format!(
        r#"a > [2,"{kind}{seq_no}","TransactionEvent",{{"eventType":"{kind}","timestamp":"2026-11-22T10:{minute:02}:00Z","triggerReason":"Trigger","seqNo":{seq_no},"evse":{{"id":1}},"meterValue":[{{"timestamp":"2026-11-22T10:{minute:02}:00Z","sampledValue":[{{"value":{wh}}}]}}],{more}}}]"#
    )
}

fn of_t1(tariff: &str) -> String {
    match tariff {
        "" => r#""transactionInfo":{"transactionId":"T1"}"#.to_owned(),
        tariff => format!(r#""transactionInfo":{{"transactionId":"T1","tariffId":"{tariff}"}}"#),
    }
}

#[test]
fn a_beginning_that_was_overtaken_is_charged_as_if_it_had_come_first() {
    let events = [
        event(0, "Started", 0, 1_000, &of_t1("")),
        event(1, "Updated", 20, 5_000, &of_t1("")),
        event(2, "Ended", 40, 9_000, &of_t1("")),
    ];
    let run = |order: [usize; 3]| {
        let mut world = world();
        world.run(&format!(
            "0 tariff everywhere Europe/Amsterdam {NIGHT}\n0 a connect CP1 2.1"
        ));
        for at in order {
            world.run(&format!("2400 {}", events[at]));
        }
        world.run("2401 op money CP1")
    };
    let expected = run([0, 1, 2]);
    expect![[r#"
        2401 cost 9.70 EUR ended
        2401 tariff night NormalCost: fixed 200/200 + energy 700/770 + idleTime 0/0 = 900/970, 8000000 mWh, 2400 s charging, 0 s idle
    "#]]
    .assert_eq(&expected);
    assert_eq!(run([1, 0, 2]), expected);
    // Of what was delivered between them a beginning that comes last knows no more than both ends.
    let last = run([1, 2, 0]);
    assert!(
        last.contains("tariff night NormalCost: fixed 200/200"),
        "{last}"
    );
    assert!(last.contains("8000000 mWh"), "{last}");
}

#[test]
fn one_that_runs_and_left_memory_keeps_its_tariff() {
    let run = |leaves: &str| {
        let mut world = world();
        world.run(&format!(
            "0 tariff everywhere Europe/Amsterdam {NIGHT}\n0 a connect CP1 2.1\n0 {}",
            event(0, "Started", 0, 1_000, &of_t1(""))
        ));
        match leaves {
            // More run than a station is believed to have.
            "crowded out" => {
                for n in 0..200 {
                    let other = format!(r#""transactionInfo":{{"transactionId":"O{n}"}}"#);
                    let other =
                        event(0, "Started", 1, 1_000, &other).replace("Started0", &format!("O{n}"));
                    world.run(&format!("60 {other}"));
                }
            }
            "deleted" => {
                drop(world.run("60 op delete CP1\n60 op register CP1\n60 a connect CP1 2.1"))
            }
            _ => {}
        }
        assert_eq!(world.shard.charged.is_empty(), leaves == "deleted");
        let end = event(1, "Ended", 40, 9_000, &of_t1(""));
        world.run(&format!("2400 {end}"));
        let shown = world.run("2401 op money CP1");
        shown
            .lines()
            .filter(|line| line.contains("8000000 mWh"))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let expected = run("");
    assert_eq!(expected.len(), 1);
    assert_eq!(run("crowded out"), expected);
    assert_eq!(run("deleted"), expected);
}

const T2: &str = r#"{"tariffId":"T2","currency":"EUR","energy":{"prices":[{"priceKwh":2}]}}"#;

#[test]
fn of_two_tariffs_that_a_station_names_the_later_one_holds_in_whatever_order() {
    let run = |order: [usize; 4]| {
        let mut world = world();
        world.run(&format!(
            "0 tariff everywhere Europe/Amsterdam {NIGHT}\n0 tariff CP9 UTC {T2}\n0 a connect CP1 2.1"
        ));
        let events = [
            event(0, "Started", 0, 1_000, &of_t1("")),
            event(1, "Updated", 0, 1_000, &of_t1("night")),
            event(2, "Updated", 0, 1_000, &of_t1("T2")),
            event(3, "Ended", 40, 9_000, &of_t1("")),
        ];
        for at in order {
            world.run(&format!("2400 {}", events[at]));
        }
        let shown = world.run("2401 op money CP1");
        shown.lines().nth(1).unwrap().to_owned()
    };
    let expected = run([0, 1, 2, 3]);
    assert!(expected.contains("tariff T2"), "{expected}");
    assert_eq!(run([0, 2, 1, 3]), expected);
}

const BOOT_21: &str = r#"[2,"b","BootNotification",{"reason":"PowerUp","chargingStation":{"model":"M","vendorName":"V"}}]"#;

#[test]
fn a_crash_loses_nothing_that_a_station_says_of_tariff_and_cost() {
    let details = r#""costDetails":{"totalCost":{"currency":"EUR","typeOfCost":"NormalCost","total":{"exclTax":2.50}},"totalUsage":{"energy":10000,"chargingTime":2,"idleTime":0}}"#;
    let steps = [
        event(0, "Started", 0, 1_000, &of_t1("")),
        event(1, "Updated", 20, 5_000, &of_t1("T2")),
        event(2, "Ended", 40, 9_000, &format!("{},{details}", of_t1(""))),
        r#"a > [2,"paid","NotifySettlement",{"transactionId":"T1","pspRef":"P1","status":"Settled","settlementAmount":14.40,"settlementTime":"2026-11-22T10:40:00Z"}]"#.to_owned(),
    ];
    let run = |crash: Option<(usize, usize)>| {
        let mut world = world();
        world.run(&format!(
            "0 tariff everywhere Europe/Amsterdam {NIGHT}\n0 tariff CP9 UTC {T2}\n0 a connect CP1 2.1\n0 a > {BOOT_21}"
        ));
        for (at, (step, seconds)) in steps.iter().zip([0, 1_200, 2_400, 2_400]).enumerate() {
            if let Some((_, kept)) = crash.filter(|(step, _)| *step == at) {
                let before = world.log.len();
                world.run(&format!("{seconds} disk holds\n{seconds} {step}"));
                // All of them would be no crash.
                let kept = kept.min(world.log.len() - before - 1);
                world.run(&format!(
                    "{seconds} disk keeps {kept}\n{seconds} restart\n{seconds} disk goes\n{seconds} a connect CP1 2.1"
                ));
            }
            world.run(&format!("{seconds} {step}"));
            // On a new connection, so that its message id says nothing.
            world.run(&format!("{seconds} a drops\n{seconds} a connect CP1 2.1"));
            let before = world.log.len();
            world.run(&format!("{seconds} {step}"));
            assert_eq!(
                world.log.len(),
                before + 2,
                "more than the frames of {step}"
            );
        }
        // What fills a row of SQL does so once. A beginning that a crash cut off draws another id, here of the same seed.
        let draws_again = matches!(crash, Some((0, _)));
        let mut rows = BTreeSet::new();
        for record in &world.log {
            let record = fleet::wire::read(record).unwrap();
            if let Fact::MoneyChanged(changed) = record.body.to_fact().unwrap() {
                let of = changed.money.transaction_id;
                let tariff = changed.money.tariff.map(|tariff| tariff.tariff_id);
                let paid = changed.money.settlements.len();
                let is_new = !changed.tariff_is_new || rows.insert((of, tariff.clone(), 0));
                assert!(is_new || draws_again, "{tariff:?} again, {crash:?}");
                let is_new = !changed.settlement_is_new || rows.insert((of, None, paid));
                assert!(is_new, "payment {paid} again, {crash:?}");
            }
        }
        let paid = rows.iter().filter(|(.., paid)| *paid != 0).count();
        assert_eq!(paid, 1, "{crash:?}");
        assert!(3 <= rows.len(), "{rows:?}, {crash:?}");
        world.run("2401 op money CP1")
    };
    let expected = run(None);
    expect![[r#"
        2401 cost 14.40 EUR ended
        2401 tariff T2 NormalCost: fixed 200/200 + energy 1200/1240 + idleTime 0/0 = 1400/1440, 8000000 mWh, 2400 s charging, 0 s idle
        2401 station under "T2": {"totalCost":{"currency":"EUR","typeOfCost":"NormalCost","total":{"exclTax":2.50}},"totalUsage":{"energy":10000,"chargingTime":2,"idleTime":0}}
        2401 settlement P1 Settled 14.40 
    "#]]
    .assert_eq(&expected);
    for step in 0..steps.len() {
        for kept in 0..8 {
            let found = run(Some((step, kept)));
            assert_eq!(found, expected, "step {step}, {kept} records kept");
        }
    }
}

#[test]
fn what_a_tariff_asks_for_without_energy_is_billed_where_no_register_came() {
    let parking = r#"{"tariffId":"parking","currency":"EUR","fixedFee":{"prices":[{"priceFixed":2}]},"idleTime":{"prices":[{"priceMinute":0.1}]}}"#;
    let event = |seq_no: u32, kind: &str, minute: u32| {
        format!(
            r#"{0} a > [2,"{kind}","TransactionEvent",{{"eventType":"{kind}","timestamp":"2026-11-22T10:{minute:02}:00Z","triggerReason":"Trigger","seqNo":{seq_no},"evse":{{"id":1}},"transactionInfo":{{"transactionId":"T1","chargingState":"Idle"}}}}]"#,
            60 * minute
        )
    };
    let run = |tariff: &str, end: &str| {
        let mut world = world();
        world.run(&format!(
            "0 tariff everywhere UTC {tariff}\n0 a connect CP1 2.1\n0 a > {BOOT_21}\n{}\n{end}",
            event(0, "Started", 0)
        ));
        world.run("1801 op money CP1")
    };
    let ended = event(1, "Ended", 30);
    expect![[r#"
        1801 cost 5.00 EUR ended
        1801 tariff parking NormalCost: fixed 200/200 + idleTime 300/300 = 500/500, 0 mWh, 0 s charging, 1800 s idle
    "#]]
    .assert_eq(&run(parking, &ended));
    // How much energy there was nobody knows, and its price is part of the bill.
    let unknown = run(NIGHT, &ended);
    assert!(unknown.starts_with("1801 cost - EUR ended"), "{unknown}");
    let closed = run(parking, "1800 op close ended=1200");
    assert!(closed.starts_with("1801 cost 4.00 EUR ended"), "{closed}");
}

/// Of a charge that an operator ends, and of which nobody says when, what was told is counted and no more.
#[test]
fn a_close_without_an_end_counts_no_minute_that_was_not_told() {
    let parking = r#"{"tariffId":"parking","currency":"EUR","fixedFee":{"prices":[{"priceFixed":2}]},"idleTime":{"prices":[{"priceMinute":0.1}]}}"#;
    let run = |state: &str, back: &str, close: &str| {
        let event = |at: u32, seq_no: u32, kind: &str, time: &str| {
            format!(
                r#"{at} a > [2,"{kind}{at}","TransactionEvent",{{"eventType":"{kind}","timestamp":"{time}","triggerReason":"Trigger","seqNo":{seq_no},"evse":{{"id":1}},"transactionInfo":{{"transactionId":"T1"{state}}}}}]"#
            )
        };
        let mut world = world();
        world.run(&format!(
            "0 tariff everywhere UTC {parking}\n0 a connect CP1 2.1\n0 a > {BOOT_21}\n{}\n{}\n601 a drops\n7200 a connect CP1 2.1",
            event(0, 0, "Started", "2026-11-22T10:00:00Z"),
            event(600, 1, "Updated", "2026-11-22T10:10:00Z"),
        ));
        if !back.is_empty() {
            world.run(&event(7_201, 2, "Updated", back));
        }
        world.run(&format!("7260 op close{close}"));
        let shown = world.run("7261 op money CP1");
        let costed = world.log.iter().rev().find_map(|record| {
            let record = fleet::wire::read(record).unwrap();
            match record.body.to_fact().unwrap() {
                Fact::TransactionCosted(costed) => Some(costed.bill.idle / 1_000_000),
                _ => None,
            }
        });
        let idle = format!(" {} s idle", costed.expect("a bill"));
        assert!(shown.contains(&idle), "{idle}: {shown}");
        idle
    };
    let idle = r#","chargingState":"Idle""#;
    let (unset, right) = ("1970-01-01T00:00:00Z", "2026-11-22T12:00:01Z");
    assert_eq!(run(idle, "", ""), " 600 s idle");
    assert_eq!(run(idle, unset, ""), " 601 s idle");
    assert_eq!(run(idle, right, ""), " 7201 s idle", "the station says so");
    assert_eq!(run("", unset, ""), " 0 s idle");
    assert_eq!(run("", right, ""), " 0 s idle");
    assert_eq!(run("", unset, " ended=1200"), " 1200 s idle");
}

/// A world with a tariff everywhere, another one that holds nowhere here, and a station that has booted.
fn world_21(tariff: &str, configured: Tariff) -> World {
    let mut world = World::new(Config {
        tariff: configured,
        ..config(Onboarding::Open)
    });
    world.run(&format!(
        "0 tariff everywhere Europe/Amsterdam {tariff}\n0 tariff CP9 UTC {T2}\n0 a connect CP1 2.1\n0 a > {BOOT_21}"
    ));
    world
}

#[test]
fn what_comes_late_for_a_closed_charge_is_not_counted() {
    let run = |late: &str| {
        let mut world = world_21(NIGHT, Tariff::default());
        world.run(&format!(
            "0 {}\n3000 op close meter=40000 ended=3000\n{late}\n3002 {}",
            event(0, "Started", 0, 1_000, &of_t1("")),
            event(2, "Ended", 30, 9_000, &of_t1("")),
        ));
        world.run("3003 op money CP1")
    };
    let expected = run("3001 wait");
    assert!(expected.contains("1800 s charging"), "{expected}");
    let late = event(1, "Updated", 10, 3_000, &of_t1(""));
    assert_eq!(run(&format!("3001 {late}")), expected);
}

#[test]
fn energy_that_cannot_be_true_is_not_counted() {
    // Each step is one that the supply could deliver; all together are more than any transaction may have.
    let mut world = world_21(NIGHT, Tariff::default());
    world.run(&format!(
        "0 {}\n1200 {}\n2400 {}\n3540 {}",
        event(0, "Started", 0, 1_000, &of_t1("")),
        event(1, "Updated", 20, 5_000, &of_t1("")),
        event(2, "Updated", 40, 301_000, &of_t1("")),
        event(3, "Ended", 59, 601_000, &of_t1("")),
    ));
    let shown = world.run("3541 op money CP1");
    assert!(shown.starts_with("3541 cost - EUR"), "{shown}");
    assert!(shown.contains(", 300000000 mWh,"), "{shown}");

    let mut world = World::new(config(Onboarding::Open));
    world.run(&format!("0 tariff everywhere UTC {NIGHT}\n{CHARGE_16}"));
    for (minute, wh) in [(20, 5_000), (40, 301_000), (59, 601_000)] {
        let values = values_16(&world, minute, wh);
        world.run(&values);
    }
    let shown = world.run("3541 op money CP1");
    assert!(shown.contains(", 300000000 mWh,"), "{shown}");
}

/// Meter values of 1.6 in a minute of the transaction that runs.
fn values_16(world: &World, minute: u32, wh: u32) -> String {
    let id = world.ocpp_id("CP1");
    format!(
        r#"{} a > [2,"v{minute}","MeterValues",{{"connectorId":1,"transactionId":{id},"meterValue":[{{"timestamp":"2026-11-22T10:{minute:02}:00Z","sampledValue":[{{"value":"{wh}"}}]}}]}}]"#,
        60 * minute
    )
}

#[test]
fn a_tariff_in_another_currency_takes_nothing_over() {
    let dollars = r#"{"tariffId":"dollars","currency":"USD","energy":{"prices":[{"priceKwh":2}]}}"#;
    let mut world = world_21(NIGHT, Tariff::default());
    world.run(&format!(
        "0 tariff CP8 UTC {dollars}\n0 {}\n1200 {}\n2400 {}",
        event(0, "Started", 0, 1_000, &of_t1("")),
        event(1, "Updated", 20, 5_000, &of_t1("dollars")),
        event(2, "Ended", 40, 9_000, &of_t1("")),
    ));
    let shown = world.run("2401 op money CP1");
    expect![[r#"
        2401 cost 16.00 USD ended
        2401 tariff dollars NormalCost: energy 1600/1600 = 1600/1600, 8000000 mWh, 2400 s charging, 0 s idle
        2401 station under "dollars": 
    "#]]
    .assert_eq(&shown);
}

#[test]
fn a_tariff_that_a_station_names_at_the_end_changes_no_bill() {
    let mut world = world_21(NIGHT, Tariff::default());
    world.run(&format!(
        "0 {}\n2400 {}",
        event(0, "Started", 0, 1_000, &of_t1("")),
        event(1, "Ended", 40, 9_000, &of_t1("T2")),
    ));
    let shown = world.run("2401 op money CP1");
    assert!(shown.contains("tariff night NormalCost"), "{shown}");
    assert!(world.shard.charged.is_empty(), "it runs no longer");
}

#[test]
fn the_first_payments_are_kept_and_what_failed_has_no_receipt() {
    let configured = Tariff {
        receipt_url: Some("https://csms.example/{transaction_id}".into()),
        ..Tariff::default()
    };
    let mut world = world_21(NIGHT, configured);
    world.run(&format!("0 {}", event(0, "Started", 0, 1_000, &of_t1(""))));
    let settle = |n: u32, status: &str| {
        format!(
            r#"1 a > [2,"p{n}","NotifySettlement",{{"transactionId":"T1","pspRef":"P{n}","status":"{status}","settlementAmount":1,"settlementTime":"2026-11-22T10:00:00Z"}}]"#
        )
    };
    let failed = world.run(&settle(0, "Failed"));
    assert_eq!(failed, "1 a < [3,\"p0\",{}]\n");
    assert!(
        world
            .run(&settle(1, "Settled"))
            .contains("https://csms.example/")
    );
    for n in 2..20 {
        world.run(&settle(n, "Failed"));
    }
    let shown = world.run("2 op money CP1");
    let kept: Vec<_> = shown
        .lines()
        .filter_map(|line| line.strip_prefix("2 settlement "))
        .filter_map(|line| line.split(' ').next())
        .collect();
    assert_eq!((kept.len(), kept[0], kept[15]), (16, "P0", "P15"));
}

fn every_minute() -> Tariff {
    Tariff {
        cost_updates: CostUpdates::Commands {
            every: Duration::from_secs(60),
        },
        ..Tariff::default()
    }
}

#[test]
fn a_cost_waits_behind_no_other_command() {
    let mut world = world_21(T2, every_minute());
    let out = world.run(&format!(
        r#"
        1 {}
        10 {}
        50 op command CP1 ClearCache {{}}
        61 wait
        70 a answers {{"status":"Accepted"}}
        130 wait
        "#,
        event(0, "Started", 0, 1_000, &of_t1("")),
        event(1, "Updated", 0, 2_000, &of_t1("")),
    ));
    let told: Vec<_> = out
        .lines()
        .filter(|line| line.contains("\"CostUpdated\""))
        .map(|line| line.split(' ').next().unwrap())
        .collect();
    assert_eq!(told, ["121"], "{out}");
}

/// When, and how much.
fn costs_told(out: &str) -> Vec<String> {
    let told = out.lines().filter_map(|line| {
        let (_, cost) = line.split_once("\"CostUpdated\",{\"totalCost\":")?;
        let at = line.split(' ').next()?;
        Some(format!("{at}: {}", cost.split(',').next()?))
    });
    told.collect()
}

/// The deadline is made anew for what ran before the process ended, and goes on while a station is away.
#[test]
fn i02_fr_01_a_cost_is_told_after_a_restart_and_a_reconnect() {
    let mut world = world_21(T2, every_minute());
    let out = world.run(&format!(
        r#"
        1 {}
        10 {}
        61 wait
        62 a answers {{}}
        70 restart
        75 a connect CP1 2.1
        76 {}
        131 wait
        132 a answers {{}}
        140 a drops
        200 a connect CP1 2.1
        201 {}
        260 wait
        "#,
        event(0, "Started", 0, 1_000, &of_t1("")),
        event(1, "Updated", 0, 2_000, &of_t1("")),
        event(2, "Updated", 1, 3_000, &of_t1("")),
        event(3, "Updated", 3, 4_000, &of_t1("")),
    ));
    assert_eq!(
        costs_told(&out),
        ["61: 0.75", "130: 1.50", "250: 2.25"],
        "{out}"
    );
}

#[test]
fn a_1_6_station_is_told_no_cost() {
    let mut world = World::new(Config {
        tariff: every_minute(),
        ..config(Onboarding::Open)
    });
    world.run(CHARGE_16);
    let values = values_16(&world, 1, 5_000);
    let out = world.run(&format!("{values}\n300 wait"));
    assert!(!out.contains("CostUpdated"), "{out}");
    assert_eq!(world.shard.commands.len(), 0);
}

#[test]
fn a_cost_that_nobody_would_bill_is_not_told() {
    let mut world = world_21(
        NIGHT,
        Tariff {
            cost_updates: CostUpdates::Responses,
            ..Tariff::default()
        },
    );
    let out = world.run(&format!(
        "0 {}\n2400 {}",
        event(0, "Started", 0, 1_000, &of_t1("")),
        event(1, "Updated", 40, 601_000, &of_t1("")),
    ));
    expect![[r#"
        0 a < [3,"Started0",{"totalCost":2.00}]
        2400 a < [3,"Updated1",{}]
    "#]]
    .assert_eq(&out);
}

#[test]
fn a_restart_forgets_no_tariff_of_somebody_else() {
    let configured = Tariff {
        cost_updates: CostUpdates::Responses,
        ..Tariff::default()
    };
    let mut world = world_21(NIGHT, configured);
    let out = world.run(&format!(
        "0 {}\n1 restart\n1 a connect CP1 2.1\n1200 {}",
        event(0, "Started", 0, 1_000, &of_t1("MSP")),
        event(1, "Updated", 20, 5_000, &of_t1("")),
    ));
    assert!(out.ends_with("1200 a < [3,\"Updated1\",{}]\n"), "{out}");
}

#[test]
fn a_store_that_cannot_be_read_changes_no_bill() {
    let run = |breaks: &str, works: &str| {
        let mut world = world_21(NIGHT, Tariff::default());
        let end = event(1, "Ended", 40, 9_000, &of_t1(""));
        let out = world.run(&format!(
            "0 {}\n1 {breaks}\n1 restart\n2 a connect CP1 2.1\n2400 {end}\n2401 {works}\n2401 {end}",
            event(0, "Started", 0, 1_000, &of_t1("")),
        ));
        (out, world.run("2402 op money CP1"))
    };
    let (_, expected) = run("wait", "wait");
    assert!(expected.contains("cost 9.70 EUR ended"), "{expected}");
    let (out, shown) = run("store breaks", "store works");
    assert!(out.contains(r#"[4,"Ended1","InternalError","#), "{out}");
    assert_eq!(shown, expected);
}

#[test]
fn a_tariff_that_is_damaged_leaves_a_cost_open() {
    let mut world = world_21(NIGHT, Tariff::default());
    world.run(&format!(
        "0 {}\n60 op delete CP1\n60 op register CP1\n60 a connect CP1 2.1",
        event(0, "Started", 0, 1_000, &of_t1(""))
    ));
    let mut rows = world.rows.lock().unwrap();
    let money = rows
        .iter_mut()
        .filter(|((table, _), _)| *table == Table::Money);
    money.for_each(|(_, row)| row.truncate(20));
    drop(rows);
    let out = world.run(&format!(
        "2400 {}\n2401 op money CP1",
        event(1, "Ended", 40, 9_000, &of_t1(""))
    ));
    assert!(out.contains("2401 cost - "), "{out}");
    assert!(!out.contains("totalCost"), "{out}");
}

#[test]
fn an_end_is_on_record_as_a_bill_with_its_parts() {
    let mut world = world_21(NIGHT, Tariff::default());
    world.run(&format!(
        "0 {}\n1200 {}",
        event(0, "Started", 0, 1_000, &of_t1("")),
        event(1, "Updated", 20, 5_000, &of_t1("")),
    ));
    let bills = |world: &World| {
        let facts = world.log.iter().map(|record| {
            let record = fleet::wire::read(record).unwrap();
            record.body.to_fact().unwrap()
        });
        facts
            .filter_map(|fact| match fact {
                Fact::TransactionCosted(costed) => Some(costed.bill),
                _ => None,
            })
            .collect::<Vec<_>>()
    };
    assert!(bills(&world).is_empty(), "while it runs");
    world.run(&format!(
        "2400 {}\n2401 {}",
        event(3, "Ended", 40, 9_000, &of_t1("")),
        // What was missing comes late.
        event(2, "Updated", 30, 5_000, &of_t1("")),
    ));
    let bills = bills(&world);
    let parts: Vec<_> = bills
        .iter()
        .map(|bill| {
            let parts = bill.parts.iter();
            parts
                .map(|part| (part.part, part.excl_tax, part.incl_tax))
                .collect::<Vec<_>>()
        })
        .collect();
    // A fee, energy with a tenth of tax, and minutes in which none flowed.
    assert_eq!(parts, [[(0, 200, 200), (1, 700, 770), (3, 0, 0)]; 2]);
    let bill = &bills[0];
    assert_eq!(
        (&*bill.tariff_id, bill.currency, bill.kind, bill.energy_mwh),
        ("night", *b"EUR", CostKind::Normal.code(), 8_000_000)
    );
    assert_eq!((bill.charging, bill.idle), (2_400_000_000, 0));
}

#[test]
fn an_end_by_an_operator_is_a_bill_too_and_what_is_not_billed_has_no_parts() {
    let last = |world: &World| {
        let facts = world.log.iter().rev().map(|record| {
            let record = fleet::wire::read(record).unwrap();
            record.body.to_fact().unwrap()
        });
        let mut bills = facts.filter_map(|fact| match fact {
            Fact::TransactionCosted(costed) => Some(costed),
            _ => None,
        });
        bills.next().expect("a bill")
    };
    let mut world = world_21(NIGHT, Tariff::default());
    world.run(&format!(
        "0 {}\n3000 op close meter=9000 ended=2400",
        event(0, "Started", 0, 1_000, &of_t1(""))
    ));
    assert_eq!(last(&world).bill.parts.len(), 3);
    let mut world = world_21(NIGHT, Tariff::default());
    world.run(&format!(
        "0 {}\n2400 {}",
        event(0, "Started", 0, 1_000, &of_t1("")),
        event(1, "Ended", 40, 601_000, &of_t1("")),
    ));
    let costed = last(&world);
    assert!(costed.bill.parts.is_empty(), "{costed:?}");
    assert_eq!(costed.bill.tariff_id, "night");
}

#[test]
fn an_end_says_whether_there_is_a_bill() {
    let state = |tariff: &str, events: [&str; 2]| {
        let mut world = world_21(tariff, Tariff::default());
        world.run(&format!("0 {}\n2400 {}", events[0], events[1]));
        let facts = world.log.iter().rev().map(|record| {
            let record = fleet::wire::read(record).unwrap();
            record.body.to_fact().unwrap()
        });
        let mut bills = facts.filter_map(|fact| match fact {
            Fact::TransactionCosted(costed) => CostState::from_code(costed.state),
            _ => None,
        });
        bills.next()
    };
    let begun = event(0, "Started", 0, 1_000, &of_t1(""));
    let ended = event(1, "Ended", 40, 9_000, &of_t1(""));
    let free = r#"{"tariffId":"free","currency":"EUR"}"#;
    assert_eq!(state(NIGHT, [&begun, &ended]), Some(CostState::Billed));
    assert_eq!(state(free, [&begun, &ended]), Some(CostState::Free));
    let leaps = event(1, "Ended", 40, 601_000, &of_t1(""));
    assert_eq!(state(NIGHT, [&begun, &leaps]), Some(CostState::NotBilled));
    let unmeasured = |event: &str| {
        let (head, rest) = event.split_once(r#","meterValue""#).unwrap();
        let (_, rest) = rest.split_once("]}]").unwrap();
        format!("{head}{rest}")
    };
    let unread = [unmeasured(&begun), unmeasured(&ended)];
    assert_eq!(
        state(NIGHT, [&unread[0], &unread[1]]),
        Some(CostState::NotKnown)
    );
}

/// A station that took this default tariff, each from then on.
fn station_with(world: &mut World, at: u32, id: &str, evse_id: u32, more: &str) {
    world.run(&format!(
        "{at} op command CP1 SetDefaultTariff {{\"evseId\":{evse_id},\"tariff\":{{\"tariffId\":\"{id}\",\"currency\":\"EUR\"{more}}}}}\n\
         {at} a answers {{\"status\":\"Accepted\"}}"
    ));
}

#[test]
fn a_default_tariff_takes_the_place_of_those_that_hold_and_of_none_that_will() {
    let mut world = world_21(NIGHT, Tariff::default());
    let from = r#","validFrom":"2026-11-22T10:01:00Z""#;
    station_with(&mut world, 1, "now", 0, "");
    station_with(&mut world, 2, "later", 0, from);
    let both = "3 DefaultTariff now on [0]\n3 DefaultTariff later on [0] from 60\n";
    assert_eq!(world.run("3 op tariffs CP1"), both);
    station_with(&mut world, 4, "instead", 0, "");
    assert_eq!(
        world.run("5 op tariffs CP1"),
        "5 DefaultTariff later on [0] from 60\n5 DefaultTariff instead on [0]\n"
    );
    // Its time has come.
    station_with(&mut world, 61, "last", 0, "");
    assert_eq!(
        world.run("62 op tariffs CP1"),
        "62 DefaultTariff last on [0]\n"
    );
}

#[test]
fn the_newest_tariffs_of_a_station_are_kept() {
    let mut world = world_21(NIGHT, Tariff::default());
    let assigned = |ids: std::ops::Range<u32>| {
        let one = |id| format!(r#"{{"tariffId":"T{id}","tariffKind":"DriverTariff"}}"#);
        ids.map(one).collect::<Vec<_>>().join(",")
    };
    world.run(&format!(
        "1 op command CP1 GetTariffs {{\"evseId\":0}}\n1 a answers {{\"status\":\"Accepted\",\"tariffAssignments\":[{}]}}",
        assigned(0..255)
    ));
    let count = |world: &mut World| world.run("2 op tariffs CP1").lines().count();
    assert_eq!(count(&mut world), 255);
    for (n, evse_id) in [(1, 1), (2, 2), (3, 3)] {
        station_with(&mut world, 2, &format!("D{n}"), evse_id, "");
    }
    let shown = world.run("2 op tariffs CP1");
    let first = shown.lines().next().unwrap();
    assert_eq!(shown.lines().count(), 256);
    assert!(first.contains("DriverTariff T2 "), "{first}");
}

#[test]
fn a_charge_whose_tariff_cannot_be_read_is_billed_by_no_other() {
    let mut world = world_21(NIGHT, Tariff::default());
    world.run(&format!("0 {}", event(0, "Started", 0, 1_000, &of_t1(""))));
    for bytes in &mut world.log {
        let record = fleet::wire::read(bytes).unwrap();
        let (key, at) = (record.station_key().unwrap(), record.received_at);
        if let Fact::MoneyChanged(mut changed) = record.body.to_fact().unwrap() {
            changed.money.tariff.as_mut().expect("a tariff").tariff = "{}".into();
            let mut damaged = Vec::new();
            fleet::wire::Writer::default().write_fact(&mut damaged, &key, at, &changed.into());
            *bytes = damaged;
        }
    }
    world.run(&format!(
        "10 restart\n20 a connect CP1 2.1\n600 {}\n1200 {}",
        event(1, "Updated", 10, 3_000, &of_t1("T2")),
        event(2, "Ended", 20, 9_000, &of_t1("")),
    ));
    let shown = world.run("1201 op money CP1");
    assert!(shown.starts_with("1201 cost - "), "{shown}");
}

#[test]
fn no_settlement_is_forgotten_so_that_it_would_be_new_again() {
    let mut world = world_21(NIGHT, Tariff::default());
    world.run(&format!(
        "0 {}\n60 {}",
        event(0, "Started", 0, 1_000, &of_t1("")),
        event(1, "Ended", 1, 2_000, &of_t1("")),
    ));
    let mut settle = |n: usize, psp: usize| {
        world.run(&format!(
            r#"100 a > [2,"s{n}","NotifySettlement",{{"transactionId":"T1","pspRef":"P{psp}","status":"Settled","settlementAmount":1,"settlementTime":"2026-11-22T10:01:00Z"}}]"#
        ))
    };
    for psp in 0..16 {
        let answer = settle(psp, psp);
        assert!(answer.contains("[3,"), "{answer}");
    }
    let refused = settle(16, 16);
    assert!(
        refused.contains(r#""OccurrenceConstraintViolation","the transaction has 16 settlements"#),
        "{refused}"
    );
    let again = settle(17, 0);
    assert!(again.contains(r#"[3,"s17""#), "{again}");
    let told = |bytes: &&Vec<u8>| match fleet::wire::read(bytes).unwrap().body.to_fact() {
        Ok(Fact::MoneyChanged(changed)) => changed.settlement_is_new,
        _ => false,
    };
    assert_eq!(world.log.iter().filter(told).count(), 16);
}

/// A clock that is not set tells nothing of when something was paid: that is when it was told, and once.
#[test]
fn a_settlement_is_of_a_time_at_which_it_can_have_been() {
    let mut world = world_21(NIGHT, Tariff::default());
    world.run(&format!(
        "0 {}\n60 {}",
        event(0, "Started", 0, 1_000, &of_t1("")),
        event(1, "Ended", 1, 2_000, &of_t1("")),
    ));
    for (at, psp, time) in [
        (100, 1, "1970-01-01T00:01:00Z"),
        (200, 1, "1970-01-01T00:02:40Z"),
        (300, 2, "2026-11-22T10:02:30Z"),
        (400, 2, "2026-11-22T10:02:31Z"),
    ] {
        world.run(&format!(
            r#"{at} a > [2,"s{at}","NotifySettlement",{{"transactionId":"T1","pspRef":"P{psp}","status":"Settled","settlementAmount":1,"settlementTime":"{time}"}}]"#
        ));
    }
    let told = |bytes: &Vec<u8>| match fleet::wire::read(bytes).unwrap().body.to_fact() {
        Ok(Fact::MoneyChanged(changed)) if changed.settlement_is_new => {
            let settlement = changed.money.settlements.last()?.clone();
            let began = 1_795_341_600_000_000;
            Some((
                settlement.psp_ref,
                (settlement.settled_at - began) / 1_000_000,
            ))
        }
        _ => None,
    };
    let told: Vec<_> = world.log.iter().filter_map(told).collect();
    let told: Vec<_> = told.iter().map(|(psp, at)| (psp.as_str(), *at)).collect();
    assert_eq!(told, [("P1", 100), ("P2", 150), ("P2", 151)]);
}
