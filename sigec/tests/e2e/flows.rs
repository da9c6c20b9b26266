//! The uses of each version as whole flows: what an operator does by HTTP, what a station made with a foreign library
//! (`puppet.py`, `puppet.js`) hears and says about it, and what is known afterwards.
//!
//! Each flow runs once with PyPI `ocpp` and once with npm `ocpp-rpc` in strict mode. Both check every message, of either side,
//! against the official schemas: one of ours that breaks them ends the station, and with it the test.

mod certificates;
mod files;
mod v16;
mod v21;
mod v2x;

use std::collections::VecDeque;

use serde_json::{Value, json};

use super::api::Answer;
use super::foreign::{Station, node, python};
use super::server::{Server, Site, TOKEN};
use super::wait::eventually;

/// A server, and a station of its that does what it is told.
struct Scene<'s> {
    server: &'s Server,
    id: String,
    protocol: &'static str,
    station: Station,
    /// What the station was asked, and nobody has looked at yet.
    called: VecDeque<Value>,
}

/// Runs `flow` with a station of each library on a server that is configured by `toml`.
fn check(protocol: &'static str, toml: &str, flow: impl Fn(&mut Scene<'_>)) {
    let site = Site::new();
    check_at(&site, protocol, toml, flow);
}

/// The same at a site that exists already.
fn check_at(site: &Site, protocol: &'static str, toml: &str, flow: impl Fn(&mut Scene<'_>)) {
    let config = site.path("sigec.toml");
    std::fs::write(&config, toml).unwrap();
    let server = site.start(&["--config", config.to_str().unwrap()]);
    let url = server.ocpp_url();
    let with_python = || Some(std::process::Command::new(python()?));
    for (id, interpreter, script) in [
        ("PY-1", with_python(), "puppet.py"),
        ("JS-1", node(), "puppet.js"),
    ] {
        let Some(interpreter) = interpreter else {
            continue;
        };
        let mut scene = Scene {
            server: &server,
            id: id.to_owned(),
            protocol,
            station: Station::run(interpreter, script, &[protocol, &url, id]),
            called: VecDeque::new(),
        };
        assert_eq!(scene.next("connected")["protocol"], protocol);
        flow(&mut scene);
        scene.station.leave();
    }
}

impl Scene<'_> {
    /// The next step of the station of this name; what it was asked meanwhile is kept.
    fn next(&mut self, event: &str) -> Value {
        loop {
            let step = self.station.next();
            match &step["event"] {
                found if found == event => return step,
                found if found == "called" => self.called.push_back(step),
                _ => panic!("{step} instead of {event}"),
            }
        }
    }

    /// The station says `action`, and is answered.
    fn says(&mut self, action: &str, payload: &Value) -> Value {
        self.station
            .tell(&json!({"do": "call", "action": action, "payload": payload}));
        self.next("result")["payload"].take()
    }

    /// The station says `action`, and is answered with a CALLERROR.
    fn says_in_vain(&mut self, action: &str, payload: &Value) -> Value {
        self.station
            .tell(&json!({"do": "call", "action": action, "payload": payload}));
        self.next("error")["code"].take()
    }

    /// The station sends a text as it is.
    fn sends(&mut self, text: &str) {
        self.station.tell(&json!({"do": "raw", "text": text}));
    }

    /// How the station answers `action` from now on; `null` keeps whoever asks waiting.
    fn answers(&mut self, action: &str, payload: &Value) {
        self.station
            .tell(&json!({"do": "answer", "action": action, "payload": payload}));
        self.next("answers");
    }

    /// What the station was asked with `action`, now or before.
    fn heard(&mut self, action: &str) -> Value {
        let is_it = |step: &Value| step["action"] == action;
        let mut step = match self.called.iter().position(is_it) {
            Some(at) => self.called.remove(at).unwrap(),
            None => loop {
                let step = self.next_called();
                if is_it(&step) {
                    break step;
                }
                self.called.push_back(step);
            },
        };
        step["payload"].take()
    }

    fn next_called(&mut self) -> Value {
        let step = self.station.next();
        assert_eq!(step["event"], "called", "{step}");
        step
    }

    /// The station boots in the words of its version, and is accepted.
    fn boots(&mut self) {
        let (model, vendor) = ("Post 2", "Foreign");
        let boot = match self.protocol {
            "ocpp1.6" => json!({"chargePointModel": model, "chargePointVendor": vendor}),
            _ => {
                json!({"reason": "PowerUp", "chargingStation": {"model": model, "vendorName": vendor}})
            }
        };
        assert_eq!(self.says("BootNotification", &boot)["status"], "Accepted");
    }

    /// What stands at a path below the station.
    fn get(&self, path: &str) -> Value {
        let answer = self
            .server
            .get(&format!("/api/v1/devices/{}{path}", self.id));
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        answer.json()
    }

    /// The same once it holds `text`: what is read out of tables is there a moment after its acknowledgement.
    fn get_until(&self, path: &str, text: &str) -> Value {
        eventually(path, || {
            let found = self.get(path);
            if found.to_string().contains(text) {
                Ok(found)
            } else {
                Err(found.to_string())
            }
        })
    }

    fn post(&self, path: &str, body: &Value) -> Answer {
        self.request("POST", &format!("/api/v1/devices/{}{path}", self.id), body)
    }

    /// A request that waits for the station.
    fn request(&self, method: &str, path: &str, body: &Value) -> Answer {
        let headers = [("Content-Type", "application/json"), ("Prefer", "wait=60")];
        self.server
            .request(method, path, TOKEN, &headers, &body.to_string())
    }

    /// An operator's command, which the station answers: the command as it stands then.
    fn command(&self, action: &str, payload: &Value) -> Value {
        let answer = self.post("/commands", &json!({"action": action, "payload": payload}));
        assert_eq!(answer.status, 200, "{action}: {}", answer.body);
        let command = answer.json();
        assert_eq!(command["state"], "answered", "{command}");
        assert!(command["result"].is_object(), "{command}");
        command
    }

    /// The station is to accept `action`; an operator commands it, and the station hears exactly that.
    fn commanded(&mut self, action: &str, payload: &Value, answer: &Value) -> Value {
        self.answers(action, answer);
        let command = self.command(action, payload);
        assert_eq!(&self.heard(action), payload);
        assert_eq!(&command["result"], answer);
        command
    }

    /// A command as it stands once all that was to follow it has come.
    fn complete(&self, command: &Value) -> Value {
        let path = format!("/api/v1/commands/{}", command["id"].as_str().unwrap());
        eventually(&path, || {
            let command = self.server.get(&path).json();
            if command["complete"] == true {
                Ok(command)
            } else {
                Err(command.to_string())
            }
        })
    }
}

fn accepted() -> Value {
    json!({"status": "Accepted"})
}

/// The power of EVSE 1 as a monitor and its events name it, with `more` said of it.
fn power_with(more: Value) -> Value {
    let mut data =
        json!({"component": {"name": "EVSE", "evse": {"id": 1}}, "variable": {"name": "Power"}});
    data.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    data
}

/// A moment that both sides have seen go by.
const NOW: &str = "2026-11-23T06:00:00Z";

/// The present second, as a station writes it.
fn now() -> String {
    fleet::UtcMicros(net::clock::utc_micros()).to_string()
}
