//! What stations told in passing ([`fleet::record::Notified`]), and what came after commands.
//!
//! A payload was read by its schema when it came, except values of a stream, which are explained by their monitor; what has
//! not the form that is expected is NULL.

use fleet::record::{ArchivedCommandFollowed, CourseState};
use fleet::wire::NotifiedView;
use fleet::{TransactionId, UtcMicros};
use serde_json::Value;

use super::{Head, text};
use crate::Table;
use crate::columns::Columns;
use crate::members::{self, int, json, moment, text as str_of};

/// What a message tells of.
#[derive(Clone, Copy)]
enum Told {
    /// What monitors saw.
    Events,
    /// Values of a periodic event stream.
    StreamValues,
    /// How far a station is, with what.
    Progress(&'static str),
    /// Limits, needs and schedules of charging.
    Charging,
    /// What has no columns of its own.
    Other,
}

impl Told {
    /// `None` for parts of a report: it tells the whole of what `variables`, `monitors`, `display_messages`,
    /// `charging_profiles` or `der_controls` show; and for what people note of a station.
    fn of(action: &str) -> Option<Self> {
        Some(match action {
            "NotifyEvent" => Self::Events,
            "NotifyPeriodicEventStream" => Self::StreamValues,
            "FirmwareStatusNotification" | "SignedFirmwareStatusNotification" => {
                Self::Progress("firmware")
            }
            "PublishFirmwareStatusNotification" => Self::Progress("published_firmware"),
            "LogStatusNotification" => Self::Progress("log"),
            "DiagnosticsStatusNotification" => Self::Progress("diagnostics"),
            "ClearedChargingLimit"
            | "NotifyChargingLimit"
            | "NotifyEVChargingNeeds"
            | "NotifyEVChargingSchedule"
            | "NotifyPriorityCharging"
            | "PullDynamicScheduleUpdate" => Self::Charging,
            "NotifyDisplayMessages"
            | "NotifyMonitoringReport"
            | "NotifyReport"
            | "ReportChargingProfiles"
            | "ReportDERControl" => return None,
            note if note.starts_with("Sigec.") => return None,
            _ => Self::Other,
        })
    }

    const fn table(self) -> Table {
        match self {
            Self::Events | Self::StreamValues => Table::Events,
            Self::Progress(_) => Table::ProgressEvents,
            Self::Charging => Table::ChargingEvents,
            Self::Other => Table::Notifications,
        }
    }
}

pub(super) fn notified(
    columns: &mut Columns,
    head: &Head<'_>,
    notified: &NotifiedView<'_>,
    wanted: impl Fn(Table) -> bool,
) {
    let (action, payload) = (notified.action, notified.payload);
    let Some(told) = Told::of(action).filter(|told| wanted(told.table())) else {
        return;
    };
    let message = members::read(payload);
    match told {
        Told::Events => {
            let events = message["eventData"].as_array();
            for (ordinal, event) in (0..).zip(events.into_iter().flatten()) {
                let seen = Seen {
                    at: notified.date(
                        || format!("/eventData/{ordinal}/timestamp"),
                        || moment(&event["timestamp"]),
                    ),
                    raw: str_of(&event["timestamp"]),
                    value: str_of(&event["actualValue"]),
                    stream_id: None,
                    ordinal,
                };
                event_seen(columns, head, event, &seen);
            }
        }
        Told::StreamValues => {
            let base = notified.date(|| "/basetime".into(), || moment(&message["basetime"]));
            let values = message["data"].as_array();
            for (ordinal, value) in (0..).zip(values.into_iter().flatten()) {
                // A double is exact to a microsecond for a century, and `as` saturates.
                let offset = value["t"].as_f64().map(|seconds| (seconds * 1e6) as i64);
                let seen = Seen {
                    at: base
                        .zip(offset)
                        .map(|(base, offset)| base.saturating_add(offset)),
                    raw: str_of(&message["basetime"]),
                    value: str_of(&value["v"]),
                    stream_id: message["id"].as_i64(),
                    ordinal,
                };
                event_seen(columns, head, &message, &seen);
            }
        }
        Told::Progress(kind) => progress(columns, head, action, kind, &message),
        Told::Charging => charging(columns, head, notified, &message),
        Told::Other => other(columns, head, action, payload, &message),
    }
}

/// What an event and a value of a stream say in different words.
struct Seen<'a> {
    at: Option<i64>,
    raw: &'a str,
    value: &'a str,
    stream_id: Option<i64>,
    ordinal: i32,
}

/// `said` is `EventDataType`, or has those of its members that are known.
fn event_seen(columns: &mut Columns, head: &Head<'_>, said: &Value, seen: &Seen<'_>) {
    let rows = &mut columns.events;
    let received_at = UtcMicros(head.received_at);
    let trusted = seen.at.filter(|at| UtcMicros(*at).is_trusted(received_at));
    let at = trusted.unwrap_or(head.received_at);
    frame!(rows, head, at);
    rows.occurred_at.append_value(at);
    text(&mut rows.occurred_at_raw, seen.raw);
    rows.clock_trusted.append_value(trusted.is_some());
    rows.event_id.append_option(said["eventId"].as_i64());
    text(&mut rows.trigger, str_of(&said["trigger"]));
    rows.cause.append_option(said["cause"].as_i64());
    let notification_type = str_of(&said["eventNotificationType"]);
    text(&mut rows.notification_type, notification_type);
    rows.severity.append_option(int(&said["severity"]));
    let (component, variable) = (&said["component"], &said["variable"]);
    text(&mut rows.component, str_of(&component["name"]));
    text(&mut rows.component_instance, str_of(&component["instance"]));
    rows.evse_id.append_option(int(&component["evse"]["id"]));
    let connector_id = int(&component["evse"]["connectorId"]);
    rows.connector_id.append_option(connector_id);
    text(&mut rows.variable, str_of(&variable["name"]));
    text(&mut rows.variable_instance, str_of(&variable["instance"]));
    text(&mut rows.actual_value, seen.value);
    let number = seen.value.trim().parse::<f64>().ok();
    rows.value_number
        .append_option(number.filter(|number| number.is_finite()));
    rows.cleared.append_option(said["cleared"].as_bool());
    text(&mut rows.tech_code, str_of(&said["techCode"]));
    text(&mut rows.tech_info, str_of(&said["techInfo"]));
    rows.monitor_id
        .append_option(said["variableMonitoringId"].as_i64());
    rows.stream_id.append_option(seen.stream_id);
    text(
        &mut rows.ocpp_transaction_id,
        str_of(&said["transactionId"]),
    );
    rows.ordinal.append_value(seen.ordinal);
}

fn progress(columns: &mut Columns, head: &Head<'_>, action: &str, kind: &str, message: &Value) {
    let rows = &mut columns.progress_events;
    frame!(rows, head, head.received_at);
    rows.kind.append_value(kind);
    rows.action.append_value(action);
    text(&mut rows.status, str_of(&message["status"]));
    let info = &message["statusInfo"];
    text(&mut rows.status_reason, str_of(&info["reasonCode"]));
    text(&mut rows.status_info, str_of(&info["additionalInfo"]));
    rows.request_id.append_option(message["requestId"].as_i64());
    rows.locations.append_option(json(&message["location"]));
}

fn charging(columns: &mut Columns, head: &Head<'_>, told: &NotifiedView<'_>, message: &Value) {
    let rows = &mut columns.charging_events;
    frame!(rows, head, head.received_at);
    rows.action.append_value(told.action);
    rows.evse_id.append_option(int(&message["evseId"]));
    text(
        &mut rows.ocpp_transaction_id,
        str_of(&message["transactionId"]),
    );
    rows.profile_id
        .append_option(message["chargingProfileId"].as_i64());
    let limit = &message["chargingLimit"];
    let source = match str_of(&limit["chargingLimitSource"]) {
        "" => str_of(&message["chargingLimitSource"]),
        source => source,
    };
    text(&mut rows.limit_source, source);
    rows.is_grid_critical
        .append_option(limit["isGridCritical"].as_bool());
    rows.is_local_generation
        .append_option(limit["isLocalGeneration"].as_bool());
    rows.is_priority
        .append_option(message["activated"].as_bool());
    let needs = &message["chargingNeeds"];
    text(
        &mut rows.energy_transfer,
        str_of(&needs["requestedEnergyTransfer"]),
    );
    let (ac, dc) = (
        &needs["acChargingParameters"],
        &needs["dcChargingParameters"],
    );
    let v2x = &needs["v2xChargingParameters"];
    let energies = [
        &ac["energyAmount"],
        &dc["energyAmount"],
        &v2x["evTargetEnergyRequest"],
    ];
    let energy = energies.into_iter().find_map(Value::as_f64);
    rows.requested_energy_wh.append_option(energy);
    rows.soc_percent.append_option(dc["stateOfCharge"].as_f64());
    rows.departure_at.append_option(told.date(
        || "/chargingNeeds/departureTime".into(),
        || moment(&needs["departureTime"]),
    ));
    rows.time_base_at
        .append_option(told.date(|| "/timeBase".into(), || moment(&message["timeBase"])));
    rows.selected_schedule_id
        .append_option(message["selectedChargingScheduleId"].as_i64());
    rows.needs.append_option(json(needs));
    rows.schedule
        .append_option(json(&message["chargingSchedule"]));
    text(&mut rows.payload, told.payload);
}

fn other(columns: &mut Columns, head: &Head<'_>, action: &str, payload: &str, message: &Value) {
    let rows = &mut columns.notifications;
    frame!(rows, head, head.received_at);
    rows.action.append_value(action);
    rows.request_id.append_option(message["requestId"].as_i64());
    rows.evse_id.append_option(int(&message["evseId"]));
    text(
        &mut rows.ocpp_transaction_id,
        str_of(&message["transactionId"]),
    );
    text(&mut rows.vendor_id, str_of(&message["vendorId"]));
    text(&mut rows.vendor_message_id, str_of(&message["messageId"]));
    match &message["data"] {
        Value::String(data) => rows.data.append_value(data),
        data => rows.data.append_option(json(data)),
    }
    text(&mut rows.payload, payload);
}

pub(super) fn followed(columns: &mut Columns, head: &Head<'_>, course: &ArchivedCommandFollowed) {
    let rows = &mut columns.command_courses;
    frame!(rows, head, head.received_at);
    let id = course.command_id.as_ref();
    rows.command_id
        .append_option(id.map(|id| TransactionId(*id).to_string()));
    rows.action.append_value(course.action.as_str());
    rows.request_id
        .append_option(course.request_id.as_ref().map(|id| id.to_native()));
    rows.began_at.append_value(course.began_at.to_native());
    rows.messages
        .append_value(i64::from(course.messages.to_native()));
    rows.duplicates
        .append_value(i64::from(course.duplicates.to_native()));
    let last = course.last_part.as_ref();
    rows.parts
        .append_option(last.map(|last| i64::from(last.to_native()) + 1));
    // Behind the newest part that came, nobody knows how many there are.
    let came: i64 = course
        .parts
        .iter()
        .map(|part| i64::from(part.last.to_native()) - i64::from(part.first.to_native()) + 1)
        .sum();
    let newest = course.parts.iter().next_back();
    let missing = newest.map(|newest| i64::from(newest.last.to_native()) + 1 - came);
    rows.parts_missing.append_option(missing);
    rows.is_complete.append_value(course.complete);
    let told = course.follow_ups.iter().rev();
    let told = told.map(|told| told.summary.as_str());
    let state = CourseState::of(course.complete, told.clone(), |told| {
        let told = members::read(told);
        let status = told["status"].as_str().filter(|_| told["flag"].is_null());
        status.map(str::to_owned)
    });
    rows.state.append_value(state.as_str());
    let mut told = told.filter(|told| CourseState::of_mark(told).is_none());
    let told = told.next().unwrap_or_default();
    let summary = members::read(told);
    text(&mut rows.status, str_of(&summary["status"]));
    text(&mut rows.told, told);
}
