//! What a record tells of its station's variables.
//!
//! Payloads were read by their schema when they came, except those of a station's answers; so what has not the form
//! that is expected is passed by, element by element.

use std::iter::zip;

use fleet::record::CommandState;
use fleet::wire::{Body, NotifiedView, RecordView};
use fleet::{EventId, LogId, Seq, StationKey, UtcMicros};
use serde_json::Value;

use crate::grid::moment;
use crate::grid::streams::newest;

use super::row::{AttributeRow, Content, Name, Origin, VariableRow, inventory_row, row};
use super::{AttributeKind, COMPONENT_16, Characteristics, Mutability, Named, VariableSource};

/// What stands in a record where a password stood.
const MASK: &str = "***";

/// The rows that a record makes, each to `put`.
pub(crate) fn rows(event: EventId, record: &RecordView<'_>, mut put: impl FnMut(VariableRow)) {
    match &record.body {
        Body::Notified(_) | Body::NotifiedDated(_) => {
            let Some(told) = record.body.notified() else {
                return;
            };
            let action = told.action;
            if !matches!(
                action,
                "NotifyReport" | "NotifyEvent" | "NotifyPeriodicEventStream"
            ) {
                return;
            }
            let payload = serde_json::from_str(told.payload);
            let (Ok(station), Ok(payload)) = (record.station_key(), payload) else {
                return;
            };
            let mut teller = Teller::new(event, record, &station, &mut put);
            match action {
                "NotifyReport" => teller.report(&payload),
                "NotifyPeriodicEventStream" => teller.stream(&told, &payload),
                _ => teller.events(&told, &payload),
            }
        }
        Body::CommandChanged(command) if command.state == CommandState::Answered.code() => {
            let action = command.action.as_str();
            if !matches!(
                action,
                "GetVariables" | "SetVariables" | "GetConfiguration" | "ChangeConfiguration"
            ) {
                return;
            }
            // A CALLERROR left no result.
            let asked = serde_json::from_str(&command.payload);
            let answered = serde_json::from_str(&command.result);
            let (Ok(station), Ok(asked), Ok(answered)) = (record.station_key(), asked, answered)
            else {
                return;
            };
            let mut teller = Teller::new(event, record, &station, &mut put);
            match action {
                "GetVariables" => teller.got(&answered),
                "SetVariables" => teller.set(&asked, &answered),
                "GetConfiguration" => teller.got_16(&asked, &answered),
                _ => teller.set_16(&asked, &answered),
            }
        }
        Body::CommandFollowed(course)
            if course.complete && course.is_inventory && course.action == "NotifyReport" =>
        {
            let origin = Origin {
                position: EventId {
                    log_id: LogId(course.began_log_id.to_native()),
                    seq: Seq(course.began_seq.to_native()),
                },
                as_of: UtcMicros(course.began_at.to_native()),
                source: VariableSource::Report,
            };
            if let Ok(station) = record.station_key() {
                put(inventory_row(&station, origin));
            }
        }
        Body::StationDeleted(_) => {
            if let Ok(station) = record.station_key() {
                Teller::new(event, record, &station, &mut put).forget();
            }
        }
        Body::CommandChanged(_)
        | Body::CommandFollowed(_)
        | Body::ChargingChanged(_)
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
        | Body::StationConfigured(_) => {}
    }
}

struct Teller<'a, F> {
    event: EventId,
    received_at: UtcMicros,
    station: &'a StationKey,
    put: &'a mut F,
}

impl<'a, F: FnMut(VariableRow)> Teller<'a, F> {
    fn new(
        event: EventId,
        record: &RecordView<'_>,
        station: &'a StationKey,
        put: &'a mut F,
    ) -> Self {
        Self {
            event,
            received_at: record.received_at,
            station,
            put,
        }
    }

    fn origin(&self, source: VariableSource) -> Origin {
        Origin {
            position: self.event,
            as_of: self.received_at,
            source,
        }
    }

    fn tell(&mut self, name: &Name, origin: Origin, content: &Content) {
        if let Some(row) = row(self.station, name, origin, content) {
            (self.put)(row);
        }
    }

    fn value(&mut self, name: &Name, origin: Origin, kind: AttributeKind, value: Option<&str>) {
        let is_secret = value == Some(MASK);
        let content = Content::Value {
            kind,
            value: value.filter(|_| !is_secret).map(str::to_owned),
            is_secret,
        };
        self.tell(name, origin, &content);
    }

    /// B07, B08: a part of a report.
    fn report(&mut self, payload: &Value) {
        let origin = self.origin(VariableSource::Report);
        for data in list(payload, "reportData") {
            let Some(name) = name(data) else { continue };
            let mut attributes = [None; 4];
            for attribute in list(data, "variableAttribute") {
                let Some(kind) = kind(attribute, "type") else {
                    continue;
                };
                attributes[kind as usize] = Some(AttributeRow {
                    mutability: mutability(attribute),
                    persistent: is(attribute, "persistent"),
                    constant: is(attribute, "constant"),
                });
                self.value(&name, origin, kind, text(attribute, "value"));
            }
            let characteristics = data.get("variableCharacteristics").map(characteristics);
            let content = Content::Description {
                attributes,
                characteristics,
            };
            self.tell(&name, origin, &content);
        }
    }

    /// N07: what a monitor saw, each value as of its own time.
    fn events(&mut self, told: &NotifiedView<'_>, payload: &Value) {
        let mut events = Vec::new();
        for (index, data) in list(payload, "eventData").enumerate() {
            let pointer = || format!("/eventData/{index}/timestamp");
            let at = told.date(pointer, || moment(&data["timestamp"]));
            events.push((self.seen_at(at), data));
        }
        events.sort_by_key(|(as_of, _)| *as_of);
        for (as_of, data) in events {
            let origin = Origin {
                as_of,
                ..self.origin(VariableSource::Event)
            };
            let named = name(data).filter(|name| !is_unsupported_limit(name));
            if let (Some(name), Some(value)) = (named, text(data, "actualValue")) {
                self.value(&name, origin, AttributeKind::Actual, Some(value));
            }
        }
    }

    /// N15: what a monitor saw, of which the newest is the value.
    fn stream(&mut self, told: &NotifiedView<'_>, payload: &Value) {
        let base = told.date(|| "/basetime".into(), || moment(&payload["basetime"]));
        let (Some(name), Some((value, seen_at))) = (name(payload), newest(payload, base)) else {
            return;
        };
        let origin = Origin {
            as_of: self.seen_at(seen_at),
            ..self.origin(VariableSource::Event)
        };
        self.value(&name, origin, AttributeKind::Actual, Some(value));
    }

    /// When a value was seen that a station says it saw then: no value is newer than its message.
    fn seen_at(&self, told: Option<i64>) -> UtcMicros {
        let told = told.map(UtcMicros);
        let told = told.filter(|at| at.is_trusted(self.received_at));
        told.map_or(self.received_at, |at| at.min(self.received_at))
    }

    /// B06.
    fn got(&mut self, answered: &Value) {
        let origin = self.origin(VariableSource::Get);
        for result in list(answered, "getVariableResult") {
            let accepted = text(result, "attributeStatus") == Some("Accepted");
            if let (true, Some(name), Some(kind)) =
                (accepted, name(result), kind(result, "attributeType"))
            {
                let value = text(result, "attributeValue");
                self.value(&name, origin, kind, value);
            }
        }
    }

    /// B05. What takes effect after a reboot is not the value yet.
    fn set(&mut self, asked: &Value, answered: &Value) {
        let origin = self.origin(VariableSource::Set);
        let key = |value: &Value| {
            Some((
                name(value)?.key(self.station)?,
                kind(value, "attributeType")?,
            ))
        };
        let mut told = Vec::new();
        for result in list(answered, "setVariableResult") {
            if text(result, "attributeStatus") != Some("Accepted") {
                continue;
            }
            let Some(wanted) = key(result) else { continue };
            // Of two that name the same one, the later was set later.
            let data =
                list(asked, "setVariableData").rfind(|data| key(data).as_ref() == Some(&wanted));
            if let Some(data) = data
                && let Some(name) = name(data)
            {
                told.push((name, wanted.1, text(data, "attributeValue")));
            }
        }
        for (name, kind, value) in told {
            self.value(&name, origin, kind, value);
        }
    }

    /// 1.6 §5.8.
    fn got_16(&mut self, asked: &Value, answered: &Value) {
        let origin = self.origin(VariableSource::Get);
        if list(asked, "key").next().is_none() {
            // All keys were asked for, and what is not in the answer is not there.
            (self.put)(inventory_row(self.station, origin));
        }
        for key in list(answered, "configurationKey") {
            let Some(name) = key_16(key) else { continue };
            let mutability = match is(key, "readonly") {
                true => Mutability::ReadOnly,
                false => Mutability::ReadWrite,
            };
            let actual = AttributeRow {
                mutability: Some(mutability),
                persistent: true,
                constant: false,
            };
            let content = Content::Description {
                attributes: [Some(actual), None, None, None],
                characteristics: None,
            };
            self.tell(&name, origin, &content);
            self.value(&name, origin, AttributeKind::Actual, text(key, "value"));
        }
    }

    /// 1.6 §5.3.
    fn set_16(&mut self, asked: &Value, answered: &Value) {
        if text(answered, "status") == Some("Accepted")
            && let Some(name) = key_16(asked)
        {
            let origin = self.origin(VariableSource::Set);
            self.value(&name, origin, AttributeKind::Actual, text(asked, "value"));
        }
    }

    /// Nothing that was said so far holds any more.
    fn forget(&mut self) {
        let origin = self.origin(VariableSource::Report);
        (self.put)(inventory_row(self.station, origin));
    }
}

/// An event about this variable names a limit that the station does *not* support (2.1 E16.FR.20, which calls the component
/// otherwise than its definition does).
fn is_unsupported_limit(name: &Name) -> bool {
    let component = &name.component.name;
    name.variable.name.eq_ignore_ascii_case("SupportedLimits")
        && (component.eq_ignore_ascii_case("TxCtrlr") || component.eq_ignore_ascii_case("TxCtrl"))
}

fn text<'v>(value: &'v Value, member: &str) -> Option<&'v str> {
    value.get(member)?.as_str()
}

fn is(value: &Value, member: &str) -> bool {
    value.get(member).and_then(Value::as_bool).unwrap_or(false)
}

fn list<'v>(value: &'v Value, member: &str) -> std::slice::Iter<'v, Value> {
    let list = value.get(member).and_then(Value::as_array);
    list.map(Vec::as_slice).unwrap_or_default().iter()
}

/// Component and variable of an element of a list.
fn name(value: &Value) -> Option<Name> {
    let named = |value: &Value| {
        Some(Named {
            name: text(value, "name")?.to_owned(),
            instance: text(value, "instance").unwrap_or_default().to_owned(),
        })
    };
    let component = value.get("component")?;
    let number = |value: Option<&Value>| {
        let number = value.and_then(Value::as_u64);
        number
            .and_then(|number| u32::try_from(number).ok())
            .unwrap_or(0)
    };
    let evse = component.get("evse");
    Some(Name {
        component: named(component)?,
        evse_id: number(evse.and_then(|evse| evse.get("id"))),
        connector_id: number(evse.and_then(|evse| evse.get("connectorId"))),
        variable: named(value.get("variable")?)?,
    })
}

/// A key of 1.6 as a variable.
fn key_16(value: &Value) -> Option<Name> {
    let named = |name: &str| Named {
        name: name.to_owned(),
        instance: String::new(),
    };
    Some(Name {
        component: named(COMPONENT_16),
        variable: named(text(value, "key")?),
        ..Name::default()
    })
}

/// An absent type is `Actual`; `None` for one that OCPP does not know.
fn kind(value: &Value, member: &str) -> Option<AttributeKind> {
    match text(value, member) {
        None => Some(AttributeKind::Actual),
        Some(name) => AttributeKind::from_name(name),
    }
}

/// An absent one is `ReadWrite`.
fn mutability(value: &Value) -> Option<Mutability> {
    match text(value, "mutability") {
        None => Some(Mutability::ReadWrite),
        Some(name) => Mutability::ALL.into_iter().find(|m| m.as_str() == name),
    }
}

fn characteristics(value: &Value) -> Characteristics {
    let mut found = Characteristics {
        supports_monitoring: is(value, "supportsMonitoring"),
        ..Characteristics::default()
    };
    let texts = [
        &mut found.unit,
        &mut found.data_type,
        &mut found.min_limit,
        &mut found.max_limit,
        &mut found.values_list,
    ];
    let members = ["unit", "dataType", "minLimit", "maxLimit", "valuesList"];
    for (text, member) in zip(texts, members) {
        *text = match value.get(member) {
            Some(Value::String(found)) => found.clone(),
            Some(Value::Number(found)) => found.to_string(),
            _ => String::new(),
        };
    }
    found
}
