//! What the certification asks of a CSMS: one test per case of OCPP 2.0.1 Part 6, named by its id, and one per use of
//! OCPP 1.6, named by its section.
//!
//! A script is one step a line, and each step takes place a second after the one before:
//!
//! - `Action {…}`: the station calls; `$NOW` is the step's time, `$TX` the 1.6 transaction's id, `$START` the id of our
//!   last remote start;
//! - `tx EVENT REASON words…`: the station sends a TransactionEvent of 2.x, numbered by itself;
//! - `connector STATUS [EVSE CONNECTOR]`: the station tells of a connector in both ways that 2.0.1 has;
//! - `op Action {…}`: an operator's command, `op …`: another of their wishes;
//! - `answer {…}`, `refuse CODE TEXT`: what the station says to our last call;
//! - `wait SECONDS`, and `: …` for a line of [`World`] as it stands.
//!
//! What comes of it is shown without times and message ids, which are checked here: an answer has the id of its call,
//! and each payload that leaves us is read back by the strict reader of its version.

mod a;
mod b;
mod b_parts;
mod certificates;
mod e;
mod f;
mod g;
mod h;
mod i;
mod j;
mod k;
mod l;
mod l_local_controller;
mod m;
mod n;
mod n_monitoring;
mod o;
mod p;
mod reports;
mod v16_core;
mod v16_profiles;
mod v16_security;
mod v21_battery;
mod v21_commands;
mod v21_der;
mod v21_dynamic;
mod v21_limits;
mod v21_money;
mod v21_streams;
mod v21_v2x;
mod v21_web_payment;

use std::collections::HashMap;
use std::fmt::Write;

use expect_test::Expect;
use ocpp::{MeterColumns, Policy, Version, v16, v21, v201};
use serde_json::value::RawValue;

use super::world::{World, config};
use crate::config::{Config, Onboarding};

/// The station has booted and tells of its connector.
const BOOTED: &str = r#"
BootNotification {"reason":"PowerUp","chargingStation":{"model":"M","vendorName":"V"}}
connector Available
"#;

/// The cable is in, and nobody is authorized.
const EV_CONNECTED_FIRST: &str = "
connector Occupied
tx Started CablePluggedIn state=EVConnected evse
";

/// Somebody is authorized, and no cable is in.
const AUTHORIZED_FIRST: &str = r#"
Authorize {"idToken":{"idToken":"TAG","type":"ISO14443"}}
tx Started Authorized token=TAG
"#;

/// Energy flows: authorization first, cable second.
const ENERGY_TRANSFER_STARTED: &str = r#"
Authorize {"idToken":{"idToken":"TAG","type":"ISO14443"}}
tx Started Authorized token=TAG
connector Occupied
tx Updated CablePluggedIn state=EVConnected evse meter=Transaction.Begin:1000
tx Updated ChargingStateChanged state=Charging
"#;

const ENERGY_TRANSFER_SUSPENDED: &str = "
wait 60
tx Updated ChargingStateChanged state=SuspendedEV
";

const STOP_AUTHORIZED: &str = "
wait 60
tx Updated StopAuthorized token=TAG
";

const EV_CONNECTED_LAST: &str = "
tx Updated ChargingStateChanged state=EVConnected
";

const EV_DISCONNECTED: &str = "
connector Available
tx Ended EVCommunicationLost state=Idle stopped=EVDisconnected meter=Transaction.End:8000
";

/// Runs a case of 2.0.1 on a fresh station that is connected, after what has to come before it.
fn check(before: &[&str], script: &str, expected: Expect) {
    let mut case = Case::new(Version::V201, config(Onboarding::Open));
    case.prepare(": a connect CP1 2.0.1");
    before.iter().for_each(|state| case.prepare(state));
    expected.assert_eq(&case.run(script));
}

/// Runs a use of 1.6 on a fresh station that is connected and has booted.
fn check_16(script: &str, expected: Expect) {
    let mut case = Case::new(Version::V16, config(Onboarding::Open));
    case.prepare(": a connect CP1");
    case.prepare(r#"BootNotification {"chargePointVendor":"V","chargePointModel":"M"}"#);
    expected.assert_eq(&case.run(script));
}

/// Runs a use of 2.1 on a fresh station that is connected and has booted, after what has to come before it.
fn check_21(before: &[&str], script: &str, expected: Expect) {
    let mut case = Case::new(Version::V21, config(Onboarding::Open));
    case.prepare(": a connect CP1 2.1");
    case.prepare(BOOTED);
    before.iter().for_each(|state| case.prepare(state));
    expected.assert_eq(&case.run(script));
}

/// A world with one station `CP1` on the socket `a`, and a token `TAG` that is good.
struct Case {
    world: World,
    version: Version,
    second: u32,
    /// Actions of the station's unanswered calls by message id.
    open: HashMap<String, String>,
    calls: u32,
    /// The next TransactionEvent's `seqNo`.
    seq_no: u32,
    /// The 1.6 transaction's id.
    transaction: String,
    remote_start: String,
    out: String,
}

impl Case {
    fn new(version: Version, config: Config) -> Self {
        let mut world = World::new(config);
        world.run("0 token TAG Accepted\n0 token BAD Invalid");
        Self {
            world,
            version,
            second: 0,
            open: HashMap::new(),
            calls: 0,
            seq_no: 0,
            transaction: String::new(),
            remote_start: String::new(),
            out: String::new(),
        }
    }

    /// What has to come before a case; that it goes well is another case's business, and a condition of this one.
    fn prepare(&mut self, script: &str) {
        let seen = self.run(script);
        assert!(!seen.contains("error"), "{seen}");
    }

    fn run(&mut self, script: &str) -> String {
        for line in script.lines().map(str::trim).filter(|l| !l.is_empty()) {
            let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
            match verb {
                "connector" => {
                    let mut words = rest.split(' ');
                    let status = words.next().unwrap();
                    let evse = words.next().unwrap_or("1");
                    let connector = words.next().unwrap_or("1");
                    self.call("StatusNotification", &format!(
                        r#"{{"timestamp":"$NOW","connectorStatus":"{status}","evseId":{evse},"connectorId":{connector}}}"#
                    ));
                    self.call("NotifyEvent", &format!(
                        r#"{{"generatedAt":"$NOW","seqNo":0,"eventData":[{{"eventId":1,"timestamp":"$NOW","trigger":"Delta","actualValue":"{status}","eventNotificationType":"HardWiredNotification","component":{{"name":"Connector","evse":{{"id":{evse},"connectorId":{connector}}}}},"variable":{{"name":"AvailabilityState"}}}}]}}"#
                    ));
                }
                "tx" => self.transaction_event(rest),
                "op" if rest.starts_with(char::is_uppercase) => {
                    self.step(&format!("op command CP1 wait {rest}"));
                }
                "op" => self.step(line),
                "answer" => self.step(&format!("a answers {rest}")),
                "refuse" => self.step(&format!("a refuses {rest}")),
                "wait" => {
                    self.second += rest.parse::<u32>().expect("seconds") - 1;
                    self.step("wait");
                }
                ":" => self.step(rest),
                action => self.call(action, rest),
            }
        }
        std::mem::take(&mut self.out)
    }

    /// `EVENT REASON` and: `state=`, `stopped=`, `start`, `token=`, `meter=CONTEXT:WH`, `evse`, `offline`,
    /// `reservation=`, `seq=`, `tariff=`, `limit=`, `limits=`, `cost=`.
    fn transaction_event(&mut self, rest: &str) {
        let mut words = rest.split(' ');
        let (event, reason) = (words.next().unwrap(), words.next().unwrap());
        if event == "Started" {
            self.seq_no = 0;
        }
        let (mut id, mut info, mut more) = ("T1", String::new(), String::new());
        for word in words {
            let (name, value) = word.split_once('=').unwrap_or((word, ""));
            match name {
                "id" => {
                    id = value;
                    Ok(())
                }
                "state" => write!(info, r#","chargingState":"{value}""#),
                "stopped" => write!(info, r#","stoppedReason":"{value}""#),
                "start" => write!(info, r#","remoteStartId":$START"#),
                "token" => write!(more, r#","idToken":{{"idToken":"{value}","type":"ISO14443"}}"#),
                "evse" => write!(more, r#","evse":{{"id":1,"connectorId":1}}"#),
                "offline" => write!(more, r#","offline":true"#),
                "limits" => write!(info, r#","transactionLimit":{value}"#),
                "limit" => write!(info, r#","transactionLimit":{{"maxCost":{value}}}"#),
                "tariff" => write!(info, r#","tariffId":"{value}""#),
                "cost" => write!(more, r#","costDetails":{value}"#),
                "reservation" => write!(more, r#","reservationId":{value}"#),
                "seq" => {
                    self.seq_no = value.parse().expect("a number");
                    Ok(())
                }
                "meter" => {
                    let (context, wh) = value.split_once(':').unwrap();
                    write!(more, r#","meterValue":[{{"timestamp":"$NOW","sampledValue":[{{"value":{wh},"context":"{context}"}}]}}]"#)
                }
                _ => panic!("{word}"),
            }
            .unwrap();
        }
        let seq_no = self.seq_no;
        self.seq_no += 1;
        self.call("TransactionEvent", &format!(
            r#"{{"eventType":"{event}","timestamp":"$NOW","triggerReason":"{reason}","seqNo":{seq_no},"transactionInfo":{{"transactionId":"{id}"{info}}}{more}}}"#
        ));
    }

    /// The station calls, and has its answer before the next step.
    fn call(&mut self, action: &str, payload: &str) {
        self.calls += 1;
        let id = self.calls.to_string();
        self.step(&format!(r#"a > [2,"{id}","{action}",{payload}]"#));
        let open = self.open.contains_key(&id);
        assert!(!open, "{action} has no answer");
    }

    /// One line of the world, a second later.
    fn step(&mut self, line: &str) {
        self.second += 1;
        let (minutes, seconds) = (self.second / 60, self.second % 60);
        let now = format!(
            "2026-11-22T{:02}:{:02}:{seconds:02}Z",
            10 + minutes / 60,
            minutes % 60
        );
        let line = line
            .replace("$NOW", &now)
            .replace("$TX", &self.transaction)
            .replace("$START", &self.remote_start);
        if let Some(call) = line.strip_prefix("a > ") {
            let parts: Vec<&RawValue> = serde_json::from_str(call).expect("a call");
            self.open.insert(text(parts[1]), text(parts[2]));
        }
        let seen = self.world.run(&format!("{} {line}", self.second));
        for line in seen.lines() {
            let (_, what) = line.split_once(' ').expect("a time");
            // The frames themselves are shown anyway.
            if !what.starts_with("record message ") {
                self.see(what);
            }
        }
    }

    fn see(&mut self, what: &str) {
        let shown = match what.strip_prefix("a < ") {
            Some(frame) if frame.starts_with('[') => self.frame(frame),
            Some(other) => format!("< {other}"),
            None => what
                .replacen("op command ", "op ", 1)
                .replace("Some(\"{", "{")
                .replace("}\") None", "}")
                .replace('\\', ""),
        };
        let shown = if self.transaction.is_empty() {
            shown
        } else {
            shown.replace(&self.transaction, "$TX")
        };
        writeln!(self.out, "{shown}").unwrap();
    }

    /// A frame of ours: checked, and shown without its id.
    fn frame(&mut self, frame: &str) -> String {
        let parts: Vec<&RawValue> = serde_json::from_str(frame).expect("a frame");
        let mut columns = MeterColumns::new();
        match (parts[0].get(), parts.len()) {
            ("2", 4) => {
                let (action, payload) = (text(parts[2]), parts[3].get());
                let checked = match self.version {
                    Version::V16 => {
                        v16::Command::decode(&action, payload, Policy::Strict, &mut columns)
                            .map(drop)
                    }
                    Version::V201 => {
                        v201::Command::decode(&action, payload, Policy::Strict, &mut columns)
                            .map(drop)
                    }
                    Version::V21 => {
                        v21::Command::decode(&action, payload, Policy::Strict, &mut columns)
                            .map(drop)
                    }
                };
                checked.unwrap_or_else(|error| panic!("we call {action} {payload}: {error}"));
                if let Some((_, id)) = payload.split_once("\"remoteStartId\":") {
                    let end = id.find([',', '}']).expect("more follows");
                    self.remote_start = id[..end].to_owned();
                }
                let payload = if self.remote_start.is_empty() {
                    payload.to_owned()
                } else {
                    payload.replace(&self.remote_start, "$START")
                };
                format!("< {action} {payload}")
            }
            ("3", 3) => {
                let action = self
                    .open
                    .remove(&text(parts[1]))
                    .expect("an answer to a call");
                let payload = parts[2].get();
                let checked = match self.version {
                    Version::V16 => {
                        v16::Response::decode(&action, payload, Policy::Strict, &mut columns)
                            .map(drop)
                    }
                    Version::V201 => {
                        v201::Response::decode(&action, payload, Policy::Strict, &mut columns)
                            .map(drop)
                    }
                    Version::V21 => {
                        v21::Response::decode(&action, payload, Policy::Strict, &mut columns)
                            .map(drop)
                    }
                };
                checked.unwrap_or_else(|error| panic!("we answer {action} {payload}: {error}"));
                if action == "StartTransaction" {
                    let (_, id) = payload.split_once("\"transactionId\":").expect("an id");
                    let end = id.find([',', '}']).expect("more follows");
                    self.transaction = id[..end].to_owned();
                }
                format!("{action}: {payload}")
            }
            ("4", 5) => {
                let action = self
                    .open
                    .remove(&text(parts[1]))
                    .expect("an answer to a call");
                format!("{action}: error {}: {}", text(parts[2]), text(parts[3]))
            }
            ("5", 5) => format!("< CALLRESULTERROR {}: {}", text(parts[2]), text(parts[3])),
            _ => panic!("no frame of ours: {frame}"),
        }
    }
}

fn text(json: &RawValue) -> String {
    serde_json::from_str(json.get()).expect("a text")
}
