//! What a record tells of its station's monitors, display messages and issues.
//!
//! Payloads were read by their schema when they came, except those of a station's answers; so what has not the form
//! that is expected is passed by, element by element.

use std::iter::zip;

use fleet::record::CommandState;
use fleet::wire::{Body, RecordView};
use fleet::{EventId, LogId, Seq, StationKey, UtcMicros};
use serde_json::{Map, Value};

use super::row::{
    CUSTOM, FACTORY_DEFAULT, HARD_WIRED_ONLY, Told, base_row, front_row, inventory_row,
    is_always_in_front, item_row, told_row,
};
use super::{ISSUE_REPORTED, ItemKind, issue_id};
use crate::variables::row::VariableRow;

/// The rows that a record makes, each to `put`. A record that tells nothing of it costs nothing.
pub(crate) fn rows(event: EventId, record: &RecordView<'_>, put: impl FnMut(VariableRow)) {
    let told = match &record.body {
        Body::Notified(_)
        | Body::NotifiedDated(_)
        | Body::CommandChanged(_)
        | Body::StationDeleted(_) => Told {
            position: event,
            as_of: record.received_at,
        },
        Body::CommandFollowed(course) if course.complete && course.is_inventory => Told {
            position: EventId {
                log_id: LogId(course.began_log_id.to_native()),
                seq: Seq(course.began_seq.to_native()),
            },
            as_of: UtcMicros(course.began_at.to_native()),
        },
        Body::CommandFollowed(_)
        | Body::ChargingChanged(_)
        | Body::Connected(_)
        | Body::Disconnected(_)
        | Body::ConnectionRefused(_)
        | Body::Booted(_)
        | Body::StatusReported(_)
        | Body::TransactionEvent(_)
        | Body::MeterValues(_)
        | Body::SecurityEvent(_)
        | Body::SecurityProfileSet(_)
        | Body::StationHeard(_)
        | Body::Message(_)
        | Body::ReservationsChanged(_)
        | Body::DerChanged(_)
        | Body::EventStreamsChanged(_)
        | Body::BatterySwapsChanged(_)
        | Body::V2xChanged(_)
        | Body::DriverTransfers(_)
        | Body::WebPaymentSecretsChanged(_)
        | Body::WebPaymentSecretsPending(_)
        | Body::PasswordsInDoubt(_)
        | Body::StationPasswords(_)
        | Body::StartTokens(_)
        | Body::CostLimits(_)
        | Body::TransactionLimits(_)
        | Body::StationCertificates(_)
        | Body::TransactionClosed(_)
        | Body::MessageQuarantined(_)
        | Body::TransactionProgress(_)
        | Body::TransactionMoney(_)
        | Body::MoneyChanged(_)
        | Body::TransactionBilled(_)
        | Body::TransactionCosted(_)
        | Body::CostAccrued(_)
        | Body::StationTariffs(_)
        | Body::StationConfigured(_) => return,
    };
    let Ok(station) = record.station_key() else {
        return;
    };
    let mut teller = Teller {
        told,
        station: &station,
        put,
        has_monitors: false,
    };
    if let Some(notified) = record.body.notified() {
        teller.notified(notified.action, notified.payload);
    } else if let Body::CommandChanged(command) = &record.body {
        if command.state == CommandState::Answered.code() {
            teller.answered(&command.action, &command.payload, &command.result);
        }
    } else if let Body::CommandFollowed(course) = &record.body {
        match course.action.as_str() {
            "NotifyMonitoringReport" => teller.inventory(ItemKind::Monitor),
            "NotifyDisplayMessages" => teller.inventory(ItemKind::DisplayMessage),
            _ => {}
        }
    } else {
        // A station that is gone has neither; what people said of it stays.
        teller.inventory(ItemKind::Monitor);
        teller.inventory(ItemKind::DisplayMessage);
    }
    if teller.has_monitors {
        (teller.put)(told_row(ItemKind::Monitor, &station, told));
    }
}

/// True for a command whose whole report names everything there is.
pub(crate) fn asks_for_all(action: &str, asked: &Value) -> bool {
    let filters: &[&str] = match action {
        "GetMonitoringReport" => &["monitoringCriteria", "componentVariable"],
        "GetDisplayMessages" => &["id", "priority", "state"],
        _ => return false,
    };
    filters.iter().all(|filter| asked.get(filter).is_none())
}

struct Teller<'a, F> {
    told: Told,
    station: &'a StationKey,
    put: F,
    /// It told of a monitor that is there.
    has_monitors: bool,
}

impl<F: FnMut(VariableRow)> Teller<'_, F> {
    fn item(&mut self, kind: ItemKind, id: i64, json: &str) {
        self.has_monitors |= kind == ItemKind::Monitor && !json.is_empty();
        (self.put)(item_row(kind, self.station, id, self.told, json));
    }

    fn inventory(&mut self, kind: ItemKind) {
        (self.put)(inventory_row(kind, self.station, self.told));
    }

    fn notified(&mut self, action: &str, payload: &str) {
        match action {
            "NotifyMonitoringReport" => self.monitors(&json(payload)),
            "NotifyDisplayMessages" => {
                for message in list(&json(payload), "messageInfo") {
                    self.message(message);
                }
            }
            ISSUE_REPORTED => {
                let id = issue_id(self.told.position, self.told.as_of);
                self.item(ItemKind::Issue, id, payload);
            }
            _ => {}
        }
    }

    fn answered(&mut self, action: &str, asked: &str, answered: &str) {
        let (asked, answered) = (|| json(asked), || json(answered));
        match action {
            "SetVariableMonitoring" => self.set_monitors(&asked(), &answered()),
            "ClearVariableMonitoring" => self.cleared_monitors(&answered()),
            "SetMonitoringBase" => self.set_base(&asked(), &answered()),
            "GetMonitoringReport" if asks_for_all(action, &asked()) => {
                self.none_if(ItemKind::Monitor, &answered(), "EmptyResultSet");
            }
            "SetDisplayMessage" if is(&answered(), "status", "Accepted") => {
                if let Some(message) = asked().get("message") {
                    self.message(message);
                    // It takes the place of the one before (O01.FR.16, O02.FR.18).
                    if is_always_in_front(message) {
                        (self.put)(front_row(self.station, self.told));
                    }
                }
            }
            "ClearDisplayMessage" => self.cleared_message(&asked(), &answered()),
            "GetDisplayMessages" if asks_for_all(action, &asked()) => {
                self.none_if(ItemKind::DisplayMessage, &answered(), "Unknown");
            }
            _ => {}
        }
    }

    /// N02: a part of a report.
    fn monitors(&mut self, report: &Value) {
        for data in list(report, "monitor") {
            for monitor in list(data, "variableMonitoring") {
                self.monitor(data, monitor, id(monitor));
            }
        }
    }

    /// N04. An answer names a monitor by what it watches, and the request says how.
    fn set_monitors(&mut self, asked: &Value, answered: &Value) {
        const NAMES: [&str; 4] = ["component", "variable", "type", "severity"];
        let mut left: Vec<&Value> = list(asked, "setMonitoringData").collect();
        for result in list(answered, "setMonitoringResult") {
            let same = |at: &usize| {
                let data = left[*at];
                NAMES.iter().all(|name| data.get(name) == result.get(name))
            };
            // Of two that watch the same, one is a `Duplicate` (N04.FR.10): their numbers tell them apart, if they have any.
            let found = (0..left.len())
                .filter(same)
                .min_by_key(|at| match id(left[*at]) {
                    given if given == id(result) => 0,
                    None => 1,
                    Some(_) => 2,
                });
            let Some(at) = found else {
                continue;
            };
            let data = left.remove(at);
            if is(result, "status", "Accepted") {
                let mut made = data.clone();
                made["eventNotificationType"] = CUSTOM.into();
                self.monitor(data, &made, id(result));
            }
        }
    }

    fn monitor(&mut self, place: &Value, monitor: &Value, id: Option<i64>) {
        const MEMBERS: [&str; 6] = [
            "transaction",
            "value",
            "type",
            "severity",
            "eventNotificationType",
            "periodicEventStream",
        ];
        let Some(id) = id else { return };
        let mut shown = Map::new();
        shown.insert("id".to_owned(), id.into());
        let places = zip(["component", "variable"], [place; 2]);
        for (name, from) in places.chain(MEMBERS.map(|name| (name, monitor))) {
            if let Some(value) = from.get(name) {
                shown.insert(name.to_owned(), value.clone());
            }
        }
        self.item(ItemKind::Monitor, id, &Value::Object(shown).to_string());
    }

    /// N06. What the station does not know is gone as well.
    fn cleared_monitors(&mut self, answered: &Value) {
        for result in list(answered, "clearMonitoringResult") {
            let gone = is(result, "status", "Accepted") || is(result, "status", "NotFound");
            if let Some(id) = id(result).filter(|_| gone) {
                self.item(ItemKind::Monitor, id, "");
            }
        }
    }

    /// N03. `All` adds those that came with the station; the others take away those that did not (N03.FR.04, N03.FR.05).
    fn set_base(&mut self, asked: &Value, answered: &Value) {
        let base = match asked["monitoringBase"].as_str() {
            Some("FactoryDefault") => FACTORY_DEFAULT,
            Some("HardWiredOnly") => HARD_WIRED_ONLY,
            Some(_) | None => return,
        };
        if is(answered, "status", "Accepted") {
            (self.put)(base_row(self.station, self.told, base));
        }
    }

    /// O: a message as it was set, or reported.
    fn message(&mut self, message: &Value) {
        if let Some(id) = id(message) {
            self.item(ItemKind::DisplayMessage, id, &message.to_string());
        }
    }

    /// O05. What the station does not know is gone as well.
    fn cleared_message(&mut self, asked: &Value, answered: &Value) {
        let gone = is(answered, "status", "Accepted") || is(answered, "status", "Unknown");
        if let Some(id) = id(asked).filter(|_| gone) {
            self.item(ItemKind::DisplayMessage, id, "");
        }
    }

    fn none_if(&mut self, kind: ItemKind, answered: &Value, status: &str) {
        if is(answered, "status", status) {
            self.inventory(kind);
        }
    }
}

/// An unreadable payload says nothing; a CALLERROR left none.
fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_default()
}

fn id(value: &Value) -> Option<i64> {
    value.get("id")?.as_i64()
}

fn is(value: &Value, member: &str, expected: &str) -> bool {
    value.get(member).and_then(Value::as_str) == Some(expected)
}

fn list<'v>(value: &'v Value, member: &str) -> std::slice::Iter<'v, Value> {
    let list = value.get(member).and_then(Value::as_array);
    list.map(Vec::as_slice).unwrap_or_default().iter()
}
