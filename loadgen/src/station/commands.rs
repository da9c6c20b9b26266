//! What a station does when the CSMS asks for something: the part that is the same in every version.
//!
//! Calls are read with the types of `ocpp`, strictly: a CSMS that sends nonsense is told so.

mod v16;
mod v2;
mod v201;
mod v21;

use std::time::Duration;

use ocpp::{CallError, ErrorCode, Instant, Version};
use serde_json::Value;

use super::{Boot, Output, Station};
use crate::connector::{Availability, RemoteStart};
use crate::event::{Body, Sampled, StopReason};
use crate::plan::Plan;

/// Between the answer to a Reset and the restart.
const RESET_AFTER: Duration = Duration::from_secs(1);

/// What the CSMS can configure: 1.6 keys, and the component and variable of 2.0.1 that mean the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Setting {
    HeartbeatInterval,
    MeterInterval,
    ConnectionTimeout,
    PingInterval,
    Connectors,
}

impl Setting {
    const ALL: [Setting; 5] = [
        Setting::HeartbeatInterval,
        Setting::MeterInterval,
        Setting::ConnectionTimeout,
        Setting::PingInterval,
        Setting::Connectors,
    ];

    fn key(self) -> &'static str {
        match self {
            Setting::HeartbeatInterval => "HeartbeatInterval",
            Setting::MeterInterval => "MeterValueSampleInterval",
            Setting::ConnectionTimeout => "ConnectionTimeOut",
            Setting::PingInterval => "WebSocketPingInterval",
            Setting::Connectors => "NumberOfConnectors",
        }
    }

    /// `None` for what 2.0.1 has no variable for.
    fn variable(self) -> Option<(&'static str, &'static str)> {
        match self {
            Setting::HeartbeatInterval => Some(("OCPPCommCtrlr", "HeartbeatInterval")),
            Setting::MeterInterval => Some(("SampledDataCtrlr", "TxUpdatedInterval")),
            Setting::ConnectionTimeout => Some(("TxCtrlr", "EVConnectionTimeOut")),
            Setting::PingInterval => Some(("OCPPCommCtrlr", "WebSocketPingInterval")),
            Setting::Connectors => None,
        }
    }

    fn is_read_only(self) -> bool {
        self == Setting::Connectors
    }
}

/// The values of the settings; whole seconds, except the number of connectors.
#[derive(Debug)]
pub(super) struct Settings {
    heartbeat: u32,
    meter_interval: Duration,
    connection_timeout: u32,
    ping_interval: u32,
    connectors: u32,
    /// Set when the plan fixes the Heartbeats, whatever the CSMS says.
    heartbeat_fixed: Option<Duration>,
    beats: bool,
}

impl Settings {
    pub(super) fn new(plan: &Plan, number: u32) -> Settings {
        Settings {
            heartbeat: 0,
            meter_interval: plan.interval,
            connection_timeout: 60,
            ping_interval: 0,
            connectors: plan.connectors,
            heartbeat_fixed: plan.heartbeat.filter(|_| number < plan.heartbeat_below),
            beats: true,
        }
    }

    /// Between two meter samples, by the station's clock.
    pub(super) fn interval(&self) -> Duration {
        self.meter_interval
    }

    /// Between two Heartbeats.
    pub(super) fn heartbeat(&self) -> Duration {
        self.heartbeat_fixed
            .unwrap_or(Duration::from_secs(u64::from(self.heartbeat.max(1))))
    }

    pub(super) fn set_heartbeat(&mut self, interval: Duration) {
        self.heartbeat = u32::try_from(interval.as_secs()).unwrap_or(u32::MAX);
    }

    pub(super) fn beats(&self) -> bool {
        self.beats
    }

    pub(super) fn stop_heartbeats(&mut self) {
        self.beats = false;
    }

    fn value(&self, setting: Setting) -> String {
        match setting {
            Setting::HeartbeatInterval => self.heartbeat().as_secs().to_string(),
            Setting::MeterInterval => self.meter_interval.as_secs().to_string(),
            Setting::ConnectionTimeout => self.connection_timeout.to_string(),
            Setting::PingInterval => self.ping_interval.to_string(),
            Setting::Connectors => self.connectors.to_string(),
        }
    }

    /// False when `value` is none this setting can take.
    fn set(&mut self, setting: Setting, value: &str) -> bool {
        let Ok(number) = value.parse::<u32>() else {
            return false;
        };
        match setting {
            // Zero would be a storm, or silence.
            Setting::HeartbeatInterval | Setting::MeterInterval if number == 0 => return false,
            Setting::HeartbeatInterval => self.heartbeat = number,
            Setting::MeterInterval => self.meter_interval = Duration::from_secs(u64::from(number)),
            Setting::ConnectionTimeout => self.connection_timeout = number,
            Setting::PingInterval => self.ping_interval = number,
            Setting::Connectors => return false,
        }
        true
    }
}

/// What became of a changed setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Changed {
    Accepted,
    Rejected,
}

/// A message that the CSMS wants sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trigger {
    Boot,
    Heartbeat,
    Status,
    Meter,
}

impl Station {
    /// Answers a call of the CSMS and does what it asks.
    pub(super) fn command(
        &mut self,
        plan: &Plan,
        now: Instant,
        id: &str,
        action: &str,
        payload: &str,
        out: &mut Vec<Output>,
    ) {
        let answer: Result<Value, CallError> = match self.version {
            Version::V16 => v16::answer(self, plan, now, action, payload),
            Version::V201 => {
                v201::read(action, payload).map(|asked| v2::answer(self, plan, now, asked))
            }
            Version::V21 => {
                v21::read(action, payload).map(|asked| v2::answer(self, plan, now, asked))
            }
        };
        let mut text = Vec::new();
        match answer {
            Ok(answer) => ocpp::write_call_result(&mut text, id, |out| {
                out.extend_from_slice(answer.to_string().as_bytes());
            }),
            Err(error) => ocpp::write_call_error(&mut text, self.version, id, &error),
        }
        out.push(Output::Send(
            String::from_utf8(text).expect("written from strings"),
        ));
    }

    fn start_remotely(
        &mut self,
        plan: &Plan,
        now: Instant,
        evse: Option<u32>,
        remote: RemoteStart,
    ) -> bool {
        let mut lines = self
            .connectors
            .iter_mut()
            .map(|line| &mut line.connector)
            .enumerate();
        let wanted = |at: usize| evse.is_none_or(|evse| evse as usize == at + 1);
        match lines.find(|(at, connector)| wanted(*at) && connector.is_free()) {
            Some((_, connector)) => {
                connector.start_remotely(plan, now, remote, &mut self.happenings)
            }
            None => false,
        }
    }

    fn stop_remotely(&mut self, plan: &Plan, now: Instant, transaction: &str) -> bool {
        let running = |line: &super::Line| line.connector.transaction();
        let found = (0..self.connectors.len()).find(|at| {
            running(&self.connectors[*at])
                .and_then(|transaction| self.transaction_id(plan, transaction))
                .is_some_and(|id| id == transaction)
        });
        let Some(at) = found else { return false };
        let connector = &mut self.connectors[at].connector;
        connector.stop(plan, now, StopReason::Remote, &mut self.happenings);
        true
    }

    fn stop_all(&mut self, plan: &Plan, now: Instant, reason: StopReason) {
        for line in &mut self.connectors {
            line.connector.stop(plan, now, reason, &mut self.happenings);
        }
    }

    fn reset(&mut self, plan: &Plan, now: Instant, reason: StopReason) {
        self.stop_all(plan, now, reason);
        self.restart_at = Some(now + RESET_AFTER);
    }

    /// `None` when there is no such EVSE; 0 is all of them.
    fn set_operative(&mut self, now: Instant, evse: u32, operative: bool) -> Option<Availability> {
        if evse as usize > self.connectors.len() {
            return None;
        }
        let mut result = Availability::Changed;
        for (at, line) in self.connectors.iter_mut().enumerate() {
            if evse == 0 || evse as usize == at + 1 {
                let one = line
                    .connector
                    .set_operative(now, operative, &mut self.happenings);
                if one == Availability::Scheduled {
                    result = one;
                }
            }
        }
        Some(result)
    }

    fn change(&mut self, setting: Setting, value: &str) -> Changed {
        if self.settings.set(setting, value) {
            Changed::Accepted
        } else {
            Changed::Rejected
        }
    }

    /// Sends what was asked for, of one EVSE or of all; false when there is nothing to send.
    fn trigger(&mut self, plan: &Plan, now: Instant, what: Trigger, evse: Option<u32>) -> bool {
        let wanted = |at: usize| evse.is_none_or(|evse| evse == 0 || evse as usize == at + 1);
        match what {
            Trigger::Boot => {
                self.boot = Boot::Due {
                    since: now,
                    reason: "Triggered",
                };
                true
            }
            Trigger::Heartbeat => {
                self.heartbeat_at = Some(now);
                true
            }
            Trigger::Status => {
                let lines = self
                    .connectors
                    .iter_mut()
                    .enumerate()
                    .filter(|(at, _)| wanted(*at));
                let mut any = false;
                for (at, line) in lines {
                    line.reported = None;
                    let body = Body::Status {
                        evse: at as u32 + 1,
                        status: line.connector.status(),
                    };
                    self.happenings
                        .push(crate::connector::Happening { at: now, body });
                    any = true;
                }
                any
            }
            Trigger::Meter => {
                let before = self.happenings.len();
                for (at, line) in self.connectors.iter_mut().enumerate() {
                    if wanted(at) {
                        line.connector
                            .sample(plan, now, Sampled::OnTrigger, &mut self.happenings);
                    }
                }
                before < self.happenings.len()
            }
        }
    }
}

/// The refusal of an action that these stations do not know.
fn not_offered(action: &str) -> CallError {
    let description = format!("{action} is not supported here");
    CallError::new(ErrorCode::NotSupported, description)
}
