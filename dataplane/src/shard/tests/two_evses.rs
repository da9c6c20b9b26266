//! Two charges at one station, each on its own EVSE: whatever comes late or again of one says nothing of the other.
//!
//! What is told of both is told of each alone, too, to a station of its own at the same moments: after every message the
//! transaction stands there as it does here.

use super::courses::{BEGINNINGS, ENDS, HOUR, Station, clock, events};
use crate::random::Random;

/// What happens at one moment, and to whom: to a charge, or to the station.
#[derive(Clone)]
enum Step {
    Told(usize, String),
    Lines(&'static [&'static str]),
}

/// The two ways of a station to come back, in its version's words.
type Returns = [&'static [&'static str]; 2];

/// How a station tells of its charges.
#[derive(Clone, Copy)]
struct Tells {
    new: fn() -> Station,
    returns: Returns,
    /// The beginning comes first: the others need the id that its answer has.
    begins_first: bool,
}

const TELLS_2: Tells = Tells {
    new: Station::new,
    returns: [
        &["a drops", "a connect CP1 2.0.1"],
        &["restart", "a connect CP1 2.0.1"],
    ],
    begins_first: false,
};

const TELLS_16: Tells = Tells {
    new: Station::new_16,
    returns: [&["a drops", "a connect CP1"], &["restart", "a connect CP1"]],
    begins_first: true,
};

/// Messages of a charge on EVSE 1 and of one on EVSE 2, in an order that the seed makes: of each as they happened or in
/// any, many of them again later, with reconnects and restarts in between.
fn steps(seed: u64, tells: Tells, of: [Vec<String>; 2]) -> Vec<Step> {
    let mut random = Random::new(seed);
    let mut draw = |below: usize| (random.next() % below as u64) as usize;
    let mut steps: Vec<Step> = Vec::new();
    for (who, mut messages) in of.into_iter().enumerate() {
        let in_order = draw(2) == 0;
        let mut from = 0;
        let mut is_first = tells.begins_first;
        while !messages.is_empty() {
            let message = match in_order || is_first {
                true => messages.remove(0),
                false => messages.remove(draw(messages.len())),
            };
            let at = from + draw(steps.len() - from + 1);
            steps.insert(at, Step::Told(who, message));
            if in_order || is_first {
                from = at + 1;
            }
            is_first = false;
        }
    }
    for again in steps.clone() {
        for _ in 0..draw(3) {
            // Behind itself, wherever that is by now.
            let first = steps.iter().position(|step| match (step, &again) {
                (Step::Told(whose, told), Step::Told(who, again)) => (whose, told) == (who, again),
                _ => false,
            });
            let from = first.expect("it is there") + 1;
            let at = from + draw(steps.len() - from + 1);
            steps.insert(at, again.clone());
        }
    }
    for _ in 0..draw(4) {
        let lines = tells.returns[draw(2)];
        let at = draw(steps.len() + 1);
        steps.insert(at, Step::Lines(lines));
    }
    steps
}

/// What stands of each charge after every step, if only that of `who` is told; of both without.
fn told(tells: Tells, steps: &[Step], who: Option<usize>) -> Vec<[String; 2]> {
    let mut station = (tells.new)();
    // Ids that the server gave, in 1.6.
    let mut ids = [String::new(), String::new()];
    let mut seen = Vec::new();
    for (at, step) in (HOUR..).step_by(4).zip(steps) {
        station.second = at;
        match step {
            Step::Lines(lines) => lines.iter().for_each(|line| drop(station.line(line))),
            Step::Told(whose, message) if who.is_none_or(|who| who == *whose) => {
                let answer = station.send(&message.replace("$TX", &ids[*whose]));
                if let Some((_, id)) = answer.split_once("\"transactionId\":") {
                    let id = &id[..id.find([',', '}']).expect("more follows")];
                    let known = &mut ids[*whose];
                    assert!(known.is_empty() || known == id, "{id} instead of {known}");
                    *known = id.to_owned();
                }
            }
            Step::Told(..) => {}
        }
        let shown = station.shown();
        let of = |place: &str| {
            let lines = shown.lines().filter(|line| line.contains(place));
            lines.collect::<Vec<_>>().join("\n")
        };
        // One that has not said its EVSE yet has a name.
        seen.push(match tells.begins_first {
            true => [" on 1.1: ", " on 2.1: "].map(of),
            false => ["transaction T1 ", "transaction T2 "].map(of),
        });
        let lines = shown.lines().count();
        assert!(lines <= 2, "{lines} transactions:\n{shown}");
    }
    seen
}

fn check(seed: u64, tells: Tells, of: [Vec<String>; 2], ends: &str) {
    let steps = steps(seed, tells, of);
    let both = told(tells, &steps, None);
    for who in [0, 1] {
        let alone = told(tells, &steps, Some(who));
        for (n, (both, alone)) in both.iter().zip(&alone).enumerate() {
            let script = || {
                let lines = steps[..=n].iter().map(|step| match step {
                    Step::Told(whose, message) => format!("{whose}: {message}"),
                    Step::Lines(lines) => lines.join(", "),
                });
                lines.collect::<Vec<_>>().join("\n")
            };
            assert_eq!(
                both[who],
                alone[who],
                "seed {seed}, step {n}:\n{}",
                script()
            );
        }
    }
    let last = both.last().expect("something happened");
    for (line, place) in last.iter().zip(["1.1", "2.1"]) {
        let expected = format!(" on {place}: {ends}");
        assert!(line.ends_with(&expected), "seed {seed}: {line}");
    }
}

/// A charge of 2.0.1 on an EVSE, and meter values of that EVSE that name no transaction.
fn charge(name: &str, evse_id: u32, beginning: usize) -> Vec<String> {
    let place = format!(r#""evse":{{"id":{evse_id},"connectorId":1}}"#);
    let messages = events(name, [BEGINNINGS[beginning].1, ENDS[1].1], false);
    let messages = messages.into_iter();
    let mut messages: Vec<String> = messages
        .map(|message| message.replace(r#""evse":{"id":1,"connectorId":1}"#, &place))
        .collect();
    for (second, wh) in [(90, 900_000), (700, 1)] {
        messages.push(format!(
            r#""MeterValues",{{"evseId":{evse_id},"meterValue":[{{"timestamp":"{}","sampledValue":[{{"value":{wh}}}]}}]}}"#,
            clock(second)
        ));
    }
    messages
}

#[test]
fn e_what_is_late_or_told_again_of_one_evse_says_nothing_of_another() {
    for seed in 0..100 {
        let (first, second) = (seed as usize % 4, seed as usize / 4 % 4);
        let charges = [charge("T1", 1, first), charge("T2", 2, second)];
        check(seed, TELLS_2, charges, "ended ok 7 kWh 5.25 EVDisconnected");
    }
}

/// A charge of 1.6 on a connector, its beginning first.
fn charge_16(connector: u32) -> Vec<String> {
    let values = |transaction: &str, wh: u32, second: u32| {
        format!(
            r#""MeterValues",{{"connectorId":{connector},{transaction}"meterValue":[{{"timestamp":"{}","sampledValue":[{{"value":"{wh}"}}]}}]}}"#,
            clock(second)
        )
    };
    vec![
        format!(
            r#""StartTransaction",{{"connectorId":{connector},"idTag":"TAG","meterStart":1000,"timestamp":"{}"}}"#,
            clock(60)
        ),
        values(r#""transactionId":$TX,"#, 2_000, 120),
        values("", 900_000, 150),
        values(r#""transactionId":$TX,"#, 3_000, 180),
        format!(
            r#""StopTransaction",{{"transactionId":$TX,"meterStop":8000,"timestamp":"{}","reason":"EVDisconnected"}}"#,
            clock(300)
        ),
    ]
}

#[test]
fn ocpp_1_6_what_is_late_or_told_again_of_one_connector_says_nothing_of_another() {
    for seed in 0..100 {
        let charges = [charge_16(1), charge_16(2)];
        check(
            seed,
            TELLS_16,
            charges,
            "ended ok 7 kWh 5.25 EVDisconnected",
        );
    }
}
