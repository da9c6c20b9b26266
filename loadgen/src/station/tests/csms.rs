//! The other side of a station in a test: answers at once, or does not, and writes down what happens.

use ocpp::{MeterColumns, Policy};
use serde_json::Value;

use super::*;

/// How the CSMS answers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Csms {
    Accepting,
    Silent,
    /// With a CALLERROR, except BootNotification.
    Refusing,
    /// Boot is Pending with an interval of 10 s.
    Pending,
    /// No card is good.
    Unauthorized,
}

pub(super) struct World {
    plan: Plan,
    station: Station,
    now: Instant,
    connected: bool,
    pub(super) reachable: bool,
    pub(super) csms: Csms,
    commands: u32,
    transactions: i64,
    /// The last 2.0.1 transaction id seen.
    pub(super) transaction: String,
    pub(super) log: String,
    pub(super) sent: Vec<String>,
}

impl World {
    pub(super) fn new(version: Version, scenario: Scenario) -> World {
        World::with_seed(version, scenario, 7)
    }

    pub(super) fn with_seed(version: Version, scenario: Scenario, seed: u64) -> World {
        World::station(version, scenario, seed, 0)
    }

    pub(super) fn station(version: Version, scenario: Scenario, seed: u64, index: u32) -> World {
        let plan = Plan {
            seed,
            ..World::plan(scenario)
        };
        World {
            station: Station::new(&plan, index, "CP1".into(), version, Instant(0)),
            plan,
            now: Instant(0),
            connected: false,
            reachable: true,
            csms: Csms::Accepting,
            commands: 0,
            transactions: 100,
            transaction: String::new(),
            log: String::new(),
            sent: Vec::new(),
        }
    }

    pub(super) fn plan(scenario: Scenario) -> Plan {
        let duration = Duration::from_secs(3_600);
        Plan {
            seed: 7,
            scenario,
            interval: Duration::from_secs(30),
            connectors: 2,
            timeline: Timeline::new(Instant(0), 1_795_344_000_000_000, duration, 1),
            end: Instant(0) + duration,
            offline_events_max: 100,
            call_timeout: Duration::from_secs(30),
            back_off: BackOff {
                wait_min: Duration::from_secs(2),
                random_range: Duration::from_secs(2),
                repeat_times: 4,
            },
            heartbeat: None,
            heartbeat_below: u32::MAX,
            faults: Faults::default(),
        }
    }

    /// Lets time pass from one deadline to the next.
    pub(super) fn run_until(&mut self, seconds: u64) {
        let end = Instant(0) + Duration::from_secs(seconds);
        for _ in 0..100_000 {
            match self.station.poll_timeout() {
                Some(at) if at <= end => {
                    self.now = self.now.max(at);
                    let mut out = Vec::new();
                    self.station.handle_timeout(&self.plan, self.now, &mut out);
                    self.carry_out(out);
                }
                Some(_) | None => {
                    self.now = end;
                    return;
                }
            }
        }
        panic!("the station is never done");
    }

    pub(super) fn disconnect(&mut self) {
        assert!(std::mem::replace(&mut self.connected, false));
        self.line("disconnected");
        let mut out = Vec::new();
        self.station.handle_down(&self.plan, self.now, &mut out);
        self.carry_out(out);
    }

    pub(super) fn command(&mut self, action: &str, payload: &str) {
        self.commands += 1;
        self.line(&format!("< {action} {payload}"));
        let mut text = Vec::new();
        ocpp::write_call(&mut text, &format!("c{}", self.commands), action, payload);
        self.text(&String::from_utf8(text).unwrap());
    }

    fn text(&mut self, text: &str) {
        let mut out = Vec::new();
        self.station
            .handle_text(&self.plan, self.now, text, &mut out);
        self.carry_out(out);
    }

    fn line(&mut self, text: &str) {
        writeln!(self.log, "{:.1} {text}", self.now.0 as f64 / 1e9).unwrap();
    }

    fn carry_out(&mut self, outputs: Vec<Output>) {
        for output in outputs {
            match output {
                Output::Connect { .. } => self.connect(),
                Output::Cut { silent } => {
                    self.connected = false;
                    self.line(if silent {
                        "leaves silently"
                    } else {
                        "loses its network"
                    });
                }
                Output::Close => {
                    self.connected = false;
                    self.line("closes");
                }
                Output::Send(text) => self.receive(&text),
                Output::Failed { action, failure } => self.line(&format!("! {action} {failure:?}")),
                Output::Unexpected => self.line("! unexpected"),
                Output::Settled {
                    truth,
                    acked: false,
                } => {
                    self.line(&format!("! lost {:?} {}", truth.kind, truth.seq));
                }
                Output::Offered(_)
                | Output::Sent(_)
                | Output::Settled { .. }
                | Output::Answered { .. }
                | Output::Commanded(_) => {}
            }
        }
    }

    fn connect(&mut self) {
        self.connected = self.reachable;
        self.line(if self.reachable {
            "connected"
        } else {
            "no connection"
        });
        let mut out = Vec::new();
        if self.reachable {
            self.station.handle_up(&self.plan, self.now, &mut out);
        } else {
            self.station.handle_down(&self.plan, self.now, &mut out);
        }
        self.carry_out(out);
    }

    fn receive(&mut self, text: &str) {
        assert!(self.connected, "sent without a connection: {text}");
        self.sent.push(text.to_owned());
        match ocpp::scan(text, self.station.version()).unwrap() {
            Frame::Call {
                id,
                action,
                payload,
            } => self.called(&id, &action, payload),
            Frame::CallResult { payload, .. } => self.line(&format!("  > {payload}")),
            Frame::Send { action, .. } => self.line(&format!("  > {action}")),
            Frame::CallError { code, .. } | Frame::CallResultError { code, .. } => {
                self.line(&format!("  > {code}"))
            }
        }
    }

    fn called(&mut self, id: &str, action: &str, payload: &str) {
        let mut columns = MeterColumns::new();
        match self.station.version() {
            Version::V16 => {
                ocpp::v16::Request::decode(action, payload, Policy::Strict, &mut columns).map(drop)
            }
            Version::V201 => {
                ocpp::v201::Request::decode(action, payload, Policy::Strict, &mut columns).map(drop)
            }
            Version::V21 => {
                ocpp::v21::Request::decode(action, payload, Policy::Strict, &mut columns).map(drop)
            }
        }
        .unwrap_or_else(|error| panic!("{action} {payload}: {error}"));
        let value: Value = serde_json::from_str(payload).unwrap();
        self.line(&format!("> {action} {}", brief(&value)));
        if let Some(id) = value["transactionInfo"]["transactionId"].as_str() {
            self.transaction = id.to_owned();
        }
        let Some(answer) = self.answer(id, action) else {
            return;
        };
        self.text(&answer);
    }

    fn answer(&mut self, id: &str, action: &str) -> Option<String> {
        let card = if self.csms == Csms::Unauthorized {
            "Invalid"
        } else {
            "Accepted"
        };
        let info = match self.station.version() {
            Version::V16 => format!("\"idTagInfo\":{{\"status\":\"{card}\"}}"),
            Version::V201 | Version::V21 => format!("\"idTokenInfo\":{{\"status\":\"{card}\"}}"),
        };
        let time = "\"currentTime\":\"2026-11-22T10:40:00.000Z\"";
        let payload = match action {
            "BootNotification" => {
                let (status, interval) = match self.csms {
                    Csms::Pending => ("Pending", 10),
                    _ => ("Accepted", 100),
                };
                format!("{{{time},\"status\":\"{status}\",\"interval\":{interval}}}")
            }
            _ if self.csms == Csms::Refusing => {
                return Some(format!("[4,\"{id}\",\"InternalError\",\"\",{{}}]"));
            }
            "Heartbeat" => format!("{{{time}}}"),
            "Authorize" => format!("{{{info}}}"),
            "StartTransaction" => {
                self.transactions += 1;
                format!("{{\"transactionId\":{},{info}}}", self.transactions)
            }
            _ => "{}".to_owned(),
        };
        (self.csms != Csms::Silent).then(|| format!("[3,\"{id}\",{payload}]"))
    }
}

/// A payload as a script shows it: what is not the same in every message of its kind.
fn brief(value: &Value) -> String {
    let mut words = Vec::new();
    for pointer in [
        "/reason",
        "/eventType",
        "/triggerReason",
        "/seqNo",
        "/offline",
        "/transactionInfo/stoppedReason",
        "/transactionInfo/remoteStartId",
        "/connectorId",
        "/evseId",
        "/status",
        "/connectorStatus",
        "/transactionId",
        "/idTag",
        "/idToken/idToken",
        "/meterStart",
        "/meterStop",
        "/meterValue/0/sampledValue/0/value",
    ] {
        match value.pointer(pointer) {
            Some(Value::String(text)) => words.push(text.clone()),
            Some(other) => {
                let name = pointer.rsplit('/').next().unwrap_or_default();
                words.push(format!("{name}={other}"));
            }
            None => {}
        }
    }
    words.join(" ")
}
