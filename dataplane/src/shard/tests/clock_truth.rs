//! Charges whose usage is known, told by stations that lose touch, under clocks that are wrong, beside their bills.
//!
//! - With a right clock a bill is what the usage comes to, however its station lost touch and the server ended.
//! - With any other, no more time is billed than there was, but for what it takes to tell a queue.
//! - What is told twice is billed once.
//!
//! Clocks are wrong, set or put forward and back while the station is in touch, and tell so; see `shard/money/clock.rs` for
//! what nobody can know.

use std::collections::VecDeque;
use std::fmt::Write;

use fleet::{MilliwattHours, UtcMicros};

use super::world::{EPOCH, World, config};
use crate::config::Onboarding;
use crate::tariff::{self, Flow, Usage};

const TARIFF: &str = r#"{"tariffId":"all","currency":"EUR","energy":{"prices":[{"priceKwh":1,"conditions":{"startTimeOfDay":"11:00","endTimeOfDay":"13:00"}},{"priceKwh":9}]},"chargingTime":{"prices":[{"priceMinute":0.1,"conditions":{"startTimeOfDay":"12:00","endTimeOfDay":"14:00"}},{"priceMinute":0.3}]},"idleTime":{"prices":[{"priceMinute":1}]}}"#;

const HOUR: i64 = 3_600;
/// How long it takes a station to tell its queue after each reconnect, and a station to be missed.
const TOLD_WITHIN: i64 = 60;

/// SplitMix64.
struct Seeded(u64);

impl Seeded {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn of(&mut self, range: std::ops::RangeInclusive<i64>) -> i64 {
        let len = range.end() - range.start() + 1;
        range.start() + (self.next() % len as u64) as i64
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.next().is_multiple_of(n)
    }
}

#[derive(Clone, Copy, Debug)]
enum Clock {
    Right,
    /// Off by this, until then.
    Off(i64, i64),
    /// Right until then, off by this afterwards.
    Jumps(i64, i64),
}

impl Clock {
    fn at(self, second: i64) -> i64 {
        match self {
            Self::Off(by, until) if second < until => second + by,
            Self::Jumps(from, by) if from <= second => second + by,
            Self::Right | Self::Off(..) | Self::Jumps(..) => second,
        }
    }
}

/// Out of touch from when to when, seconds since ten o'clock, and whether the server ended.
type Outage = (i64, i64, bool);

#[derive(Debug)]
struct Course {
    version: &'static str,
    /// Its events say whether energy flows (2.x).
    tells_flow: bool,
    tells_offline: bool,
    /// When something is told, the meter then, and whether energy flows from there on.
    points: Vec<(i64, i64, bool)>,
    outages: Vec<Outage>,
    clock: Clock,
}

impl Course {
    fn new(seed: u64) -> Self {
        let mut random = Seeded(seed);
        let version = ["1.6", "2.0.1", "2.1"][random.of(0..=2) as usize];
        let (mut at, mut wh) = (random.of(300..=4 * HOUR), 1_000);
        let mut points = Vec::new();
        for _ in 0..random.of(2..=7) {
            let flows = !random.one_in(3);
            points.push((at, wh, flows));
            let length = 60 * random.of(1..=40);
            at += length;
            wh += if flows { length * random.of(1..=3) } else { 0 };
        }
        points.push((at, wh, false));
        let mut outages = Vec::new();
        let mut from = random.of(10..=3 * HOUR);
        while from < at + HOUR {
            let is_restart = random.one_in(3);
            let length = match is_restart {
                true => random.of(2..=90),
                false => random.of(5..=3 * HOUR),
            };
            outages.push((from, from + length, is_restart));
            let stays = match random.of(0..=3) {
                0 => random.of(1..=20),
                1 => random.of(21..=900),
                _ => random.of(900..=4 * HOUR),
            };
            from += length + stays;
        }
        let is_live = |at: i64| {
            outages
                .iter()
                .all(|(from, to, _)| at < *from - 60 || *to + 60 < at)
        };
        // What changes a clock is told at once.
        let live = points
            .iter()
            .find(|(at, ..)| is_live(*at))
            .map(|(at, ..)| at - 1);
        let seventies = -EPOCH / 1_000_000;
        let by = [seventies, 3 * HOUR, -3 * HOUR][random.of(0..=2) as usize];
        let clock = match (random.of(0..=3), live) {
            (0 | 1, _) => Clock::Right,
            (2, _) => {
                let set = live.filter(|_| random.one_in(2));
                // A clock that is behind and then set: what nobody can know.
                let set = set.filter(|_| by != -3 * HOUR);
                Clock::Off(by, set.unwrap_or(i64::MAX))
            }
            (_, Some(from)) => Clock::Jumps(from, by),
            (_, None) => Clock::Off(by, i64::MAX),
        };
        Self {
            version,
            tells_flow: version != "1.6" && random.one_in(2),
            tells_offline: random.one_in(2),
            points,
            outages,
            clock,
        }
    }

    fn is_right(&self) -> bool {
        matches!(self.clock, Clock::Right)
    }

    /// What it used, counted as it was.
    fn truth(&self) -> String {
        let (tariff, _) = tariff::read(TARIFF, "UTC").expect("a tariff");
        let micros = |second: i64| EPOCH + second * 1_000_000;
        let flow = |flows| if flows { Flow::Charging } else { Flow::Idle };
        let (began, first, flows) = self.points[0];
        let mut usage = Usage::begin(&tariff, micros(began), None);
        usage.flows(flow(flows));
        for (at, wh, flows) in &self.points[1..] {
            usage.energy(&tariff, micros(*at), MilliwattHours((wh - first) * 1_000).0);
            usage.time(&tariff, micros(*at));
            usage.flows(flow(*flows));
        }
        let bill = usage.bill(&tariff, true);
        let parts: Vec<_> = bill
            .parts
            .iter()
            .map(|(part, money)| format!("{} {}/{}", part.as_str(), money.excl_tax, money.incl_tax))
            .collect();
        format!(
            "{} = {}/{}, {} mWh, {} s charging, {} s idle",
            parts.join(" + "),
            bill.total.excl_tax,
            bill.total.incl_tax,
            bill.energy_mwh,
            bill.charging_s,
            bill.idle_s
        )
    }

    /// Tells it, and answers the bill; some messages come twice if `doubles` says so.
    fn tell(&self, mut doubles: Option<Seeded>) -> String {
        let mut told = Telling::begin(self);
        let mut queue = VecDeque::new();
        let mut points = (0..self.points.len()).peekable();
        let mut outages = self.outages.iter().peekable();
        let mut twice = |message: &Message, told: &mut Telling<'_>| {
            let double = doubles.as_mut().is_some_and(|random| random.one_in(3));
            if double {
                told.say(message);
            }
        };
        loop {
            let outage = outages.peek().map_or(i64::MAX, |(from, ..)| *from);
            let point = points.peek().map_or(i64::MAX, |at| self.points[*at].0);
            let flush = if queue.is_empty() {
                i64::MAX
            } else {
                told.now + 1
            };
            if point == i64::MAX && flush == i64::MAX {
                return told.bill();
            }
            if point <= flush.min(outage - 1) {
                let at = points.next().expect("it was seen");
                if queue.is_empty() {
                    told.wait(point);
                    let message = told.message(at, false);
                    told.say(&message);
                    twice(&message, &mut told);
                } else {
                    queue.push_back(at);
                }
            } else if flush < outage {
                told.wait(flush);
                let at = queue.pop_front().expect("it is not empty");
                let message = told.message(at, true);
                told.say(&message);
                twice(&message, &mut told);
            } else {
                let (from, to, is_restart) = *outages.next().expect("it was seen");
                told.wait(from);
                told.run(if is_restart { "restart" } else { "a drops" });
                while let Some(at) = points.next_if(|at| self.points[*at].0 < to) {
                    queue.push_back(at);
                }
                told.wait(to);
                let subprotocol = self.subprotocol();
                told.run(&format!("a connect CP1{subprotocol}"));
            }
        }
    }

    fn subprotocol(&self) -> String {
        match self.version {
            "1.6" => String::new(),
            version => format!(" {version}"),
        }
    }
}

struct Message {
    payload: String,
}

/// A world while a course is told to it.
struct Telling<'c> {
    course: &'c Course,
    world: World,
    now: i64,
    said: u32,
}

impl<'c> Telling<'c> {
    fn begin(course: &'c Course) -> Self {
        let world = World::new(config(Onboarding::Open));
        let mut told = Self {
            course,
            world,
            now: 0,
            said: 0,
        };
        told.run(&format!("tariff everywhere UTC {TARIFF}"));
        told.run(&format!("a connect CP1{}", course.subprotocol()));
        told
    }

    fn run(&mut self, what: &str) -> String {
        self.world.run(&format!("{} {what}", self.now))
    }

    fn wait(&mut self, until: i64) {
        while self.now < until {
            self.now = until.min(self.now + 5_000);
            self.run("wait");
        }
    }

    fn message(&mut self, point: usize, is_queued: bool) -> Message {
        let course = self.course;
        let (at, wh, flows) = course.points[point];
        let time = UtcMicros(EPOCH + course.clock.at(at) * 1_000_000);
        let kind = match point {
            0 => 0,
            at if at + 1 == course.points.len() => 2,
            _ => 1,
        };
        let mut payload = String::new();
        let out = &mut payload;
        if course.version == "1.6" {
            match kind {
                0 => write!(out, r#""StartTransaction",{{"connectorId":1,"idTag":"T","meterStart":{wh},"timestamp":"{time}"}}"#),
                1 => {
                    let id = self.world.ocpp_id("CP1");
                    write!(out, r#""MeterValues",{{"connectorId":1,"transactionId":{id},"meterValue":[{{"timestamp":"{time}","sampledValue":[{{"value":"{wh}"}}]}}]}}"#)
                }
                _ => {
                    let id = self.world.ocpp_id("CP1");
                    write!(out, r#""StopTransaction",{{"transactionId":{id},"meterStop":{wh},"timestamp":"{time}"}}"#)
                }
            }
        } else {
            let event = ["Started", "Updated", "Ended"][kind];
            let state = match (course.tells_flow, flows) {
                (false, _) => "",
                (true, true) => r#","chargingState":"Charging""#,
                (true, false) => r#","chargingState":"SuspendedEV""#,
            };
            let offline = is_queued && course.tells_offline;
            write!(out, r#""TransactionEvent",{{"eventType":"{event}","timestamp":"{time}","triggerReason":"Trigger","seqNo":{point},"offline":{offline},"evse":{{"id":1}},"transactionInfo":{{"transactionId":"T1"{state}}},"meterValue":[{{"timestamp":"{time}","sampledValue":[{{"value":{wh}}}]}}]}}"#)
        }
        .expect("a String takes it");
        Message { payload }
    }

    fn say(&mut self, message: &Message) {
        self.said += 1;
        let id = self.said;
        self.run(&format!(r#"a > [2,"{id}",{}]"#, message.payload));
    }

    fn bill(&mut self) -> String {
        let shown = self.run("op money CP1");
        let line = shown
            .split_once("NormalCost: ")
            .unwrap_or_else(|| panic!("no bill: {shown}"));
        line.1.trim_end().to_owned()
    }
}

/// Seconds of a bill, those of charging and all others.
fn seconds(bill: &str) -> i64 {
    let numbers = bill.split(", ").filter_map(|part| part.split_once(" s "));
    numbers
        .map(|(seconds, _)| seconds.parse::<i64>().expect("a number"))
        .sum()
}

#[test]
fn bills_never_hang_on_a_wrong_clock_and_lose_no_minute_of_a_right_one() {
    let seeds = match std::env::var("SIGEC_SEED") {
        Ok(seed) => vec![seed.parse().expect("a number")],
        Err(_) => (0..100).chain([198, 598]).collect(),
    };
    let mut failed = Vec::new();
    for seed in seeds {
        let course = Course::new(seed);
        let (truth, bill) = (course.truth(), course.tell(None));
        let most = seconds(&truth) + TOLD_WITHIN * (1 + course.outages.len() as i64);
        let energy = |bill: &str| bill.split(", ").nth(1).map(str::to_owned);
        let twice = course.tell(Some(Seeded(seed)));
        let holds = match course.is_right() {
            true => bill == truth,
            false => seconds(&bill) <= most && energy(&bill) == energy(&truth),
        };
        if !holds || twice != bill {
            failed.push(format!(
                "SIGEC_SEED={seed}\n{truth}\n{bill}\ntold twice {twice}\n{course:?}\n"
            ));
        }
    }
    assert!(
        failed.is_empty(),
        "{} fail:\n{}",
        failed.len(),
        failed.concat()
    );
}
