//! Clocks that are not set, show local time, or jump: they reach no bill and no order.

use std::fmt::Write;

use expect_test::expect;
use fleet::wire::Fact;

use super::super::world::EPOCH;
use super::{Charger, QuirkPolicy};

/// A charge of an hour and 22 kWh whose station shows the time that `clock` makes of the true one; both in seconds since
/// the beginning.
fn charge(profiles: &str, form: &str, clock: impl Fn(i64) -> i64) -> Charger {
    let date = |at: i64| {
        let micros = EPOCH + clock(at) * 1_000_000;
        let text = fleet::UtcMicros(micros).to_string();
        form.replace("{}", text.split('.').next().unwrap())
    };
    let mut script = "0 a connect CP1\n0 a > [2,\"b\",\"BootNotification\",{\"chargePointVendor\":\"ACME\",\"chargePointModel\":\"m\"}]\n".to_owned();
    let mut say = |at: i64, action: &str, payload: String| {
        writeln!(script, "{at} a > [2,\"{at}\",\"{action}\",{payload}]").unwrap();
    };
    say(
        10,
        "StatusNotification",
        format!(
            r#"{{"connectorId":1,"errorCode":"NoError","status":"Preparing","timestamp":"{}"}}"#,
            date(10)
        ),
    );
    say(
        20,
        "StartTransaction",
        format!(
            r#"{{"connectorId":1,"idTag":"T","meterStart":1000,"timestamp":"{}"}}"#,
            date(20)
        ),
    );
    for n in 1..=59 {
        let at = 20 + n * 60;
        let wh = 1_000 + n * 22_000 / 60;
        say(
            at,
            "MeterValues",
            format!(
                r#"{{"connectorId":1,"transactionId":1,"meterValue":[{{"timestamp":"{}","sampledValue":[{{"value":"{wh}"}}]}}]}}"#,
                date(at)
            ),
        );
    }
    let mut charger = Charger::new(QuirkPolicy::Tolerant, profiles);
    // The id that was given is in the answer.
    let (before, after) = script.split_at(script.find("\n80 ").unwrap() + 1);
    let answers = charger.world.run(before);
    let id = answers.split("\"transactionId\":").nth(1).unwrap();
    let id = id.split(['}', ',']).next().unwrap();
    charger
        .world
        .run(&after.replace("\"transactionId\":1,", &format!("\"transactionId\":{id},")));
    charger.world.run(&format!(
        "3620 a > [2,\"e\",\"StopTransaction\",{{\"transactionId\":{id},\"meterStop\":23000,\"timestamp\":\"{}\"}}]\n\
         3621 a > [2,\"s\",\"StatusNotification\",{{\"connectorId\":1,\"errorCode\":\"NoError\",\"status\":\"Available\",\"timestamp\":\"{}\"}}]",
        date(3_620),
        date(3_621)
    ));
    charger
}

/// The bill, whether the times are the station's, and how far the newest reading and the end are from the truth.
fn outcome(charger: &Charger) -> String {
    let facts = charger.world.log.iter().map(|bytes| {
        let record = fleet::wire::read(bytes).unwrap();
        record.body.to_fact().unwrap()
    });
    let (mut bill, mut reading) = (String::new(), String::new());
    for fact in facts {
        match fact {
            Fact::TransactionEvent(event) if event.kind == 3 => {
                let summary = event.summary;
                let quality = fleet::record::Quality::from_code(summary.quality).unwrap();
                bill = format!(
                    "{:?} mWh cost {:?} {quality}, ended {} s after the beginning, trusted {}",
                    summary.energy_mwh.unwrap(),
                    summary.cost,
                    (summary.ended_at.unwrap() - EPOCH) / 1_000_000,
                    event.occurred.clock_trusted,
                );
            }
            Fact::MeterValues(values) => {
                for row in values.rows {
                    reading = format!(
                        "last reading at {} trusted {}",
                        (row.measured_at - EPOCH) / 1_000_000,
                        row.clock_trusted
                    );
                }
            }
            _ => {}
        }
    }
    format!("{bill}; {reading}")
}

const UTC: &str = "{}Z";

#[test]
fn quirk_09_10_no_clock_reaches_a_bill() {
    let mut out = String::new();
    let mut case = |name: &str, profiles: &str, form: &str, clock: &dyn Fn(i64) -> i64| {
        let charger = charge(profiles, form, clock);
        writeln!(out, "{name}: {}", outcome(&charger)).unwrap();
    };
    let hours = |n: i64| n * 3_600;
    let seventies = -(EPOCH / 1_000_000);
    case("true", "", UTC, &|at| at);
    case("1970", "", UTC, &|at| seventies + at);
    case("1970, then set", "", UTC, &|at| {
        if at < 1_000 { seventies + at } else { at }
    });
    case("three hours ahead", "", UTC, &|at| at + hours(3));
    case("three hours behind", "", UTC, &|at| at - hours(3));
    case("put back two hours", "", UTC, &|at| {
        if at < 1_000 { at } else { at - hours(2) }
    });
    case("put forward two hours", "", UTC, &|at| {
        if at < 1_000 { at - hours(2) } else { at }
    });
    case("jumping", "", UTC, &|at| at - (at / 60 % 7) * 900);
    case("without a zone", "", "{}", &|at| at);
    let local = |more: &str| {
        format!(
            "[[profile]]\nid = \"acme\"\nrevision = 1\nvendor = \"ACME\"\nclock_zone = \"-03:00\"\n{more}"
        )
    };
    case("without a zone, local", &local(""), "{}", &|at| {
        at - hours(3)
    });
    case(
        "local, marked Z",
        &local("clock_local_as_utc = true"),
        UTC,
        &|at| at - hours(3),
    );
    case(
        "not to be trusted",
        &local("clock_trusted = false"),
        UTC,
        &|at| at - hours(3),
    );
    expect![[r#"
        true: 22000000 mWh cost Some(1650) ok, ended 3620 s after the beginning, trusted true; last reading at 3620 trusted true
        1970: 22000000 mWh cost Some(1650) ok, ended 3620 s after the beginning, trusted false; last reading at 3620 trusted false
        1970, then set: 22000000 mWh cost Some(1650) ok, ended 3620 s after the beginning, trusted true; last reading at 3620 trusted true
        three hours ahead: 22000000 mWh cost Some(1650) ok, ended 3620 s after the beginning, trusted false; last reading at 3620 trusted false
        three hours behind: 22000000 mWh cost Some(1650) ok, ended -7180 s after the beginning, trusted true; last reading at -7180 trusted true
        put back two hours: 22000000 mWh cost Some(1650) ok, ended -3580 s after the beginning, trusted true; last reading at -3580 trusted true
        put forward two hours: 22000000 mWh cost Some(1650) ok, ended 3620 s after the beginning, trusted true; last reading at 3620 trusted true
        jumping: 22000000 mWh cost Some(1650) ok, ended 20 s after the beginning, trusted true; last reading at 20 trusted true
        without a zone: 22000000 mWh cost Some(1650) ok, ended 3620 s after the beginning, trusted true; last reading at 3620 trusted true
        without a zone, local: 22000000 mWh cost Some(1650) ok, ended 3620 s after the beginning, trusted true; last reading at 3620 trusted true
        local, marked Z: 22000000 mWh cost Some(1650) ok, ended 3620 s after the beginning, trusted true; last reading at 3620 trusted true
        not to be trusted: 22000000 mWh cost Some(1650) ok, ended 3620 s after the beginning, trusted false; last reading at 3620 trusted false
    "#]].assert_eq(&out);
}

#[test]
fn quirk_10_no_clock_reaches_an_order() {
    // Records stand in the order in which they came, and a status that came later is the one that counts where its
    // clock cannot be believed.
    let seventies = -(EPOCH / 1_000_000);
    for (name, clock) in [
        ("1970", &(|at: i64| seventies + at) as &dyn Fn(i64) -> i64),
        ("ahead", &|at| at + 36_000),
        ("backwards", &|at: i64| seventies - at),
        ("three hours behind", &|at| at - 10_800),
        ("put back two hours", &|at| {
            if at < 1_000 { at } else { at - 7_200 }
        }),
        ("jumping", &|at| at - (at / 60 % 7) * 900),
    ] {
        let charger = charge("", UTC, clock);
        let at = charger
            .world
            .shard
            .stations
            .find(&super::super::world::key("CP1"))
            .unwrap();
        let state = &charger.world.shard.stations[at].state;
        let connector = state.connector(1, 1).unwrap();
        assert_eq!(connector.status_reported(), "Available", "{name}");
        assert_eq!(
            connector.register().map(|mwh| mwh.0),
            Some(23_000_000),
            "{name}"
        );
        let rows = charger
            .world
            .log
            .iter()
            .map(|bytes| fleet::wire::read(bytes).unwrap())
            .filter_map(|record| match record.body.to_fact().unwrap() {
                Fact::MeterValues(values) => Some(values.rows[0]),
                _ => None,
            });
        let rows: Vec<_> = rows.collect();
        // A time that there cannot be is that of its receipt; one that can be stands as it was told (ADR 0016).
        let untold = rows.iter().filter(|row| !row.clock_trusted);
        assert!(
            untold.map(|row| row.measured_at).is_sorted(),
            "{name}: {rows:?}"
        );
    }
}

/// What an event says of its time is put on record by the clock of its station, beside what was told, and once.
#[test]
fn quirk_09_an_event_is_of_the_time_that_its_stations_clock_means() {
    let profile =
        "[[profile]]\nid = \"acme\"\nrevision = 1\nvendor = \"ACME\"\nclock_zone = \"+03:00\"\n";
    let event = |id: u32| {
        format!(
            r#"a > [2,"{id}","NotifyEvent",{{"generatedAt":"2026-11-22T13:00:05Z","seqNo":0,"eventData":[{{"eventId":1,"timestamp":"2026-11-22T13:00:02Z","trigger":"Delta","actualValue":"1","eventNotificationType":"HardWiredMonitor","component":{{"name":"C"}},"variable":{{"name":"V"}}}}]}}]"#
        )
    };
    let run = |more: &str| {
        let mut charger = Charger::new(QuirkPolicy::Tolerant, &format!("{profile}{more}"));
        charger.world.run(&format!(
            r#"
            0 a connect CP1 2.0.1
            0 a > [2,"b","BootNotification",{{"reason":"PowerUp","chargingStation":{{"model":"M","vendorName":"ACME"}}}}]
            4 records shown
            5 {}
            6 {}
            7 op values
            "#,
            event(1),
            event(2)
        ))
    };
    let told = |seen: &str| {
        let lines = seen.lines().filter(|line| {
            line.contains("record Notified") || line.contains("C.V") || line.contains("dates")
        });
        let shown = lines.map(|line| match line.split_once("}]}") {
            Some((_, dates)) => dates.to_owned(),
            None => line.to_owned(),
        });
        shown.collect::<Vec<_>>().join("\n") + "\n"
    };
    expect![[r#"
        , dates [DateRead { pointer: "/eventData/0/timestamp", at: Some(1795341602000000) }]
        7 C.V = 1 as of 10:00:02
    "#]]
    .assert_eq(&told(&run("clock_local_as_utc = true")));
    expect![[r#"
        , dates [DateRead { pointer: "/eventData/0/timestamp", at: None }]
        7 C.V = 1 as of 10:00:05
    "#]]
    .assert_eq(&told(&run("clock_trusted = false")));
    expect![[r#"

        7 C.V = 1 as of 10:00:05
    "#]]
    .assert_eq(&told(&run("")));
}
