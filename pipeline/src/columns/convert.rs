//! Log records into rows: the one place that knows both.
//!
//! Records were validated when they were written and again by `fleet::wire`; a code that no version has
//! written becomes NULL, an index out of range is passed by.

use arrow::array::{Int32Builder, StringViewBuilder};
use fleet::record::{
    Acceptance, ArchivedCommandChanged, ArchivedMessageQuarantined, ArchivedMeterRow,
    ArchivedMeterValues, ArchivedSample, ArchivedSecurityEvent, ArchivedStatusReported,
    ArchivedTextRange, ArchivedTransactionBilled, ArchivedTransactionEvent,
    ArchivedTransactionLimits, ArchivedTransactionMoney, CommandState, ConnectorStatus, CostKind,
    CostState, Direction, MeterColumn, Protocol, Quality, QuarantineOutcome, ReadingContext,
    Security, TransactionEventKind, TransactionState,
};
use fleet::wire::{Body, MessageView, RecordView};
use fleet::{EventId, TransactionId, UtcMicros};

use super::Columns;
use crate::Table;

const DOUBLES: usize = MeterColumn::ALL.len() - 2;
const _: () = assert!(MeterColumn::EnergyExportWh.code() == 1 && MeterColumn::PowerW.code() == 2);

/// What every row of a record shares.
struct Head<'a> {
    tenant: &'a str,
    station_id: &'a str,
    received_at: i64,
    log_id: i64,
    seq: i64,
}

/// Appends what every fact table begins and ends with; `$at` is the time whose day is `date`.
macro_rules! frame {
    ($rows:expr, $head:expr, $at:expr) => {
        $rows.tenant.append_value($head.tenant);
        $rows.station_id.append_value($head.station_id);
        $rows.received_at.append_value($head.received_at);
        $rows.log_id.append_value($head.log_id);
        $rows.seq.append_value($head.seq);
        $rows.date.append_value(UtcMicros($at).days());
    };
}

/// Appends when something happened.
macro_rules! moment {
    ($rows:expr, $moment:expr) => {
        $rows.occurred_at.append_value($moment.at.to_native());
        text(&mut $rows.occurred_at_raw, &$moment.raw);
        $rows.clock_trusted.append_value($moment.clock_trusted);
    };
}

mod told;

pub(super) fn push(
    columns: &mut Columns,
    event: EventId,
    record: &RecordView<'_>,
    wanted: impl Fn(Table) -> bool,
) {
    let (tenant, station_id) = record
        .station
        .split_once('/')
        .unwrap_or(("", record.station));
    let head = Head {
        tenant,
        station_id,
        received_at: record.received_at.0,
        log_id: event.log_id.0,
        seq: event.seq.0 as i64,
    };
    match &record.body {
        Body::MeterValues(values) => {
            if wanted(Table::MeterValues) {
                meter_values(columns, &head, values);
            }
            if wanted(Table::MeterSamples) {
                meter_samples(columns, &head, values);
            }
        }
        Body::TransactionEvent(event) if wanted(Table::TransactionEvents) => {
            transaction_event(columns, &head, event);
        }
        Body::StatusReported(status) if wanted(Table::StatusEvents) => {
            status_event(columns, &head, status);
        }
        Body::Connected(connected) if wanted(Table::ConnectionEvents) => {
            let version = Protocol::from_code(connected.protocol).map(Protocol::as_str);
            connection_event(
                columns,
                &head,
                &Connection {
                    kind: "connected",
                    id: Some(connected.connection.to_native()),
                    peer: &connected.peer,
                    version,
                    security: Security::from_code(connected.security).map(Security::as_str),
                    acceptance: Acceptance::from_code(connected.acceptance).map(Acceptance::as_str),
                    ..Connection::default()
                },
            );
        }
        Body::Disconnected(disconnected) if wanted(Table::ConnectionEvents) => {
            connection_event(
                columns,
                &head,
                &Connection {
                    kind: "disconnected",
                    id: Some(disconnected.connection.to_native()),
                    reason: &disconnected.reason,
                    ..Connection::default()
                },
            );
        }
        Body::ConnectionRefused(refused) if wanted(Table::ConnectionEvents) => {
            connection_event(
                columns,
                &head,
                &Connection {
                    kind: "refused",
                    peer: &refused.peer,
                    reason: &refused.reason,
                    ..Connection::default()
                },
            );
        }
        Body::Booted(booted) if wanted(Table::ConnectionEvents) => {
            let acceptance = if booted.accepted {
                Acceptance::Accepted
            } else {
                Acceptance::Pending
            };
            connection_event(
                columns,
                &head,
                &Connection {
                    kind: "booted",
                    reason: &booted.reason,
                    acceptance: Some(acceptance.as_str()),
                    ..Connection::default()
                },
            );
        }
        Body::SecurityEvent(event) if wanted(Table::SecurityEvents) => {
            security_event(columns, &head, event);
        }
        Body::CommandChanged(command) if wanted(Table::Commands) => {
            command_changed(columns, &head, command);
        }
        Body::Message(message) if wanted(Table::OcppMessages) => {
            message_sent(columns, &head, message)
        }
        Body::MessageQuarantined(message) if wanted(Table::QuarantinedMessages) => {
            message_quarantined(columns, &head, message);
        }
        Body::MoneyChanged(changed) => {
            if changed.settlement_is_new && wanted(Table::Settlements) {
                settlement(columns, &head, &changed.money);
            }
            if changed.tariff_is_new && wanted(Table::TransactionTariffs) {
                transaction_tariff(columns, &head, &changed.money);
            }
        }
        Body::TransactionCosted(costed) if wanted(Table::TransactionCosts) => {
            let state = CostState::from_code(costed.state);
            transaction_cost(columns, &head, &costed.bill, state);
        }
        // An earlier version wrote it, which did not tell what is free from what is not billed.
        Body::TransactionBilled(bill) if wanted(Table::TransactionCosts) => {
            let state = (!bill.parts.is_empty()).then_some(CostState::Billed);
            transaction_cost(columns, &head, bill, state);
        }
        Body::TransactionLimits(kept) if wanted(Table::TransactionLimits) => {
            transaction_limits(columns, &head, kept);
        }
        Body::Notified(_) | Body::NotifiedDated(_) => {
            if let Some(notified) = record.body.notified() {
                told::notified(columns, &head, &notified, wanted);
            }
        }
        Body::CommandFollowed(course) if wanted(Table::CommandCourses) => {
            told::followed(columns, &head, course);
        }
        // In their table already, or without one: what operators say of a station shows in `stations`, what a station keeps
        // in the tables of the present.
        Body::TransactionEvent(_)
        | Body::StatusReported(_)
        | Body::Connected(_)
        | Body::Disconnected(_)
        | Body::ConnectionRefused(_)
        | Body::Booted(_)
        | Body::SecurityEvent(_)
        | Body::CommandChanged(_)
        | Body::CommandFollowed(_)
        | Body::ChargingChanged(_)
        | Body::StationCertificates(_)
        // The event behind it says what came of it.
        | Body::TransactionClosed(_)
        | Body::MessageQuarantined(_)
        | Body::TransactionBilled(_)
        | Body::TransactionCosted(_)
        | Body::TransactionProgress(_)
        | Body::TransactionMoney(_)
        | Body::CostAccrued(_)
        | Body::StationTariffs(_)
        | Body::Message(_)
        | Body::StationConfigured(_)
        | Body::SecurityProfileSet(_)
        | Body::StationHeard(_)
        | Body::StationDeleted(_)
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
        | Body::TransactionLimits(_) => {}
    }
}

fn meter_values(columns: &mut Columns, head: &Head<'_>, values: &ArchivedMeterValues) {
    let rows = &mut columns.meter_values;
    let transaction_id = values
        .transaction_id
        .as_ref()
        .map(|id| TransactionId(*id).to_string());
    let mut readings = values.readings.iter().peekable();
    for (ordinal, row) in values.rows.iter().enumerate() {
        let mut energies = [None; 2];
        let mut doubles = [None; DOUBLES];
        while let Some(reading) =
            readings.next_if(|reading| usize::from(reading.row.to_native()) <= ordinal)
        {
            let (column, bits) = (usize::from(reading.column), reading.bits.to_native());
            if let Some(energy) = energies.get_mut(column) {
                *energy = Some(i128::from(bits));
            } else if let Some(double) = doubles.get_mut(column - energies.len()) {
                *double = Some(f64::from_bits(bits as u64));
            }
        }
        frame!(rows, head, row.measured_at.to_native());
        rows.evse_id.append_value(values.evse_id.to_native() as i32);
        unless_zero(&mut rows.connector_id, values.connector_id.to_native());
        rows.transaction_id.append_option(transaction_id.as_deref());
        text(&mut rows.ocpp_transaction_id, &values.ocpp_transaction_id);
        rows.measured_at.append_value(row.measured_at.to_native());
        rows.measured_at_raw
            .append_option(range(values, &row.measured_at_raw));
        rows.context.append_option(context(row));
        let [energy_wh, energy_export_wh] = energies;
        rows.energy_wh.append_option(energy_wh);
        rows.energy_export_wh.append_option(energy_export_wh);
        // In the order of MeterColumn's codes.
        let builders: [&mut arrow::array::Float64Builder; DOUBLES] = [
            &mut rows.power_w,
            &mut rows.power_l1_w,
            &mut rows.power_l2_w,
            &mut rows.power_l3_w,
            &mut rows.power_offered_w,
            &mut rows.current_a,
            &mut rows.current_l1_a,
            &mut rows.current_l2_a,
            &mut rows.current_l3_a,
            &mut rows.current_offered_a,
            &mut rows.voltage_v,
            &mut rows.voltage_l1_v,
            &mut rows.voltage_l2_v,
            &mut rows.voltage_l3_v,
            &mut rows.frequency_hz,
            &mut rows.power_factor,
            &mut rows.soc_percent,
            &mut rows.temperature_c,
        ];
        for (builder, value) in builders.into_iter().zip(doubles) {
            builder.append_option(value);
        }
        rows.clock_trusted.append_value(row.clock_trusted);
        rows.offline.append_value(values.offline);
        rows.duplicate.append_value(values.retry.conflict);
        rows.ordinal.append_value(ordinal as i32);
    }
}

fn meter_samples(columns: &mut Columns, head: &Head<'_>, values: &ArchivedMeterValues) {
    let rows = &mut columns.meter_samples;
    let transaction_id = values
        .transaction_id
        .as_ref()
        .map(|id| TransactionId(*id).to_string());
    for sample in values.samples.iter() {
        let ordinal = usize::from(sample.row.to_native());
        let Some(row) = values.rows.get(ordinal) else {
            continue;
        };
        frame!(rows, head, row.measured_at.to_native());
        rows.evse_id.append_value(values.evse_id.to_native() as i32);
        unless_zero(&mut rows.connector_id, values.connector_id.to_native());
        rows.transaction_id.append_option(transaction_id.as_deref());
        text(&mut rows.ocpp_transaction_id, &values.ocpp_transaction_id);
        rows.measured_at.append_value(row.measured_at.to_native());
        rows.measured_at_raw
            .append_option(range(values, &row.measured_at_raw));
        let context = ReadingContext::from_code(sample.context);
        rows.context
            .append_option(context.map(ReadingContext::as_str));
        let (measurand, unit) = measurand_and_unit(values, sample);
        rows.measurand.append_value(measurand);
        rows.phase.append_option(range(values, &sample.phase));
        rows.location
            .append_value(range(values, &sample.location).unwrap_or("Outlet"));
        rows.unit.append_option(unit);
        rows.value.append_option(range(values, &sample.value));
        let number = sample.value_number.to_native();
        rows.value_number
            .append_option((!number.is_nan()).then_some(number));
        rows.signed_value
            .append_option(range(values, &sample.signed_value));
        rows.clock_trusted.append_value(row.clock_trusted);
        rows.offline.append_value(values.offline);
        rows.duplicate.append_value(values.retry.conflict);
        rows.ordinal.append_value(ordinal as i32);
    }
}

/// With the specification's defaults where the station named none (OCPP 2.0.1 Part 2, `SampledValueType`).
fn measurand_and_unit<'a>(
    values: &'a ArchivedMeterValues,
    sample: &ArchivedSample,
) -> (&'a str, Option<&'a str>) {
    let measurand = range(values, &sample.measurand).unwrap_or("Energy.Active.Import.Register");
    let default = measurand.starts_with("Energy.Active").then_some("Wh");
    (measurand, range(values, &sample.unit).or(default))
}

fn transaction_event(columns: &mut Columns, head: &Head<'_>, event: &ArchivedTransactionEvent) {
    let rows = &mut columns.transaction_events;
    let id = TransactionId(event.transaction_id).to_string();
    frame!(rows, head, event.occurred.at.to_native());
    moment!(rows, event.occurred);
    rows.transaction_id.append_value(id);
    text(&mut rows.ocpp_transaction_id, &event.ocpp_transaction_id);
    let kind = TransactionEventKind::from_code(event.kind);
    rows.kind
        .append_option(kind.map(TransactionEventKind::as_str));
    unless_zero(&mut rows.evse_id, event.evse_id.to_native());
    unless_zero(&mut rows.connector_id, event.connector_id.to_native());
    rows.seq_no
        .append_option(unless_negative(event.seq_no.to_native()));
    rows.seq_gap
        .append_value(i64::from(event.seq_gap.to_native()));
    text(&mut rows.trigger_reason, &event.trigger_reason);
    text(&mut rows.charging_state, &event.charging_state);
    text(&mut rows.stop_reason, &event.stop_reason);
    rows.token_ref
        .append_option(event.token_ref.as_ref().map(hex));
    rows.remote_start_id
        .append_option(unless_negative(event.remote_start_id.to_native()));
    rows.offline.append_value(event.offline);
    rows.register_wh.append_option(
        event
            .register_mwh
            .as_ref()
            .map(|v| i128::from(v.to_native())),
    );
    rows.duplicate.append_value(event.retry.conflict);

    let summary = &event.summary;
    let state = TransactionState::from_code(summary.state);
    rows.state
        .append_option(state.map(TransactionState::as_str));
    rows.quality
        .append_option(Quality::from_code(summary.quality).map(Quality::as_str));
    rows.started_at
        .append_option(summary.started_at.as_ref().map(|v| v.to_native()));
    rows.ended_at
        .append_option(summary.ended_at.as_ref().map(|v| v.to_native()));
    let exact = |value: Option<i64>| value.map(i128::from);
    rows.meter_start_wh.append_option(exact(
        summary.meter_start_mwh.as_ref().map(|v| v.to_native()),
    ));
    rows.meter_stop_wh.append_option(exact(
        summary.meter_stop_mwh.as_ref().map(|v| v.to_native()),
    ));
    rows.energy_wh
        .append_option(exact(summary.energy_mwh.as_ref().map(|v| v.to_native())));
    let cost = summary.cost.as_ref().map(|v| v.to_native());
    rows.cost.append_option(exact(cost));
    let currency = std::str::from_utf8(&summary.currency).ok();
    rows.currency
        .append_option(currency.filter(|code| !code.contains('\0')));
    rows.start_token_ref
        .append_option(summary.token_ref.as_ref().map(hex));
}

fn status_event(columns: &mut Columns, head: &Head<'_>, status: &ArchivedStatusReported) {
    let rows = &mut columns.status_events;
    frame!(rows, head, status.occurred.at.to_native());
    moment!(rows, status.occurred);
    rows.evse_id.append_value(status.evse_id.to_native() as i32);
    rows.connector_id
        .append_value(status.connector_id.to_native() as i32);
    let translated = ConnectorStatus::from_code(status.status);
    rows.status
        .append_option(translated.map(ConnectorStatus::as_str));
    text(&mut rows.status_reported, &status.status_reported);
    text(&mut rows.error_code, &status.error_code);
    text(&mut rows.vendor_error_code, &status.vendor_error_code);
    text(&mut rows.vendor_id, &status.vendor_id);
    text(&mut rows.info, &status.info);
    rows.live.append_value(status.live);
    rows.duplicate.append_value(status.retry.conflict);
}

#[derive(Default)]
struct Connection<'a> {
    kind: &'static str,
    id: Option<u64>,
    peer: &'a str,
    reason: &'a str,
    version: Option<&'static str>,
    security: Option<&'static str>,
    acceptance: Option<&'static str>,
}

fn connection_event(columns: &mut Columns, head: &Head<'_>, connection: &Connection<'_>) {
    let rows = &mut columns.connection_events;
    frame!(rows, head, head.received_at);
    rows.kind.append_value(connection.kind);
    rows.connection_id
        .append_option(connection.id.map(|id| id as i64));
    text(&mut rows.peer, connection.peer);
    text(&mut rows.reason, connection.reason);
    rows.version.append_option(connection.version);
    rows.security.append_option(connection.security);
    rows.acceptance.append_option(connection.acceptance);
}

fn security_event(columns: &mut Columns, head: &Head<'_>, event: &ArchivedSecurityEvent) {
    let rows = &mut columns.security_events;
    frame!(rows, head, event.occurred.at.to_native());
    moment!(rows, event.occurred);
    rows.r#type.append_value(event.event_type.as_str());
    text(&mut rows.info, &event.info);
    rows.severity
        .append_value(if event.critical { "critical" } else { "info" });
}

fn command_changed(columns: &mut Columns, head: &Head<'_>, command: &ArchivedCommandChanged) {
    let rows = &mut columns.commands;
    let id = TransactionId(command.command_id).to_string();
    frame!(rows, head, head.received_at);
    rows.command_id.append_value(id);
    rows.action.append_value(command.action.as_str());
    text(&mut rows.payload, &command.payload);
    let state = CommandState::from_code(command.state);
    rows.state.append_option(state.map(CommandState::as_str));
    text(&mut rows.result, &command.result);
    text(&mut rows.error_code, &command.error_code);
    text(&mut rows.error_description, &command.error_description);
    text(&mut rows.principal, &command.principal);
    rows.created_at.append_value(command.created_at.to_native());
}

fn message_sent(columns: &mut Columns, head: &Head<'_>, message: &MessageView<'_>) {
    let rows = &mut columns.ocpp_messages;
    frame!(rows, head, head.received_at);
    let direction = Direction::from_code(message.direction);
    rows.direction
        .append_option(direction.map(Direction::as_str));
    rows.r#type.append_option(match message.message_type {
        2 => Some("CALL"),
        3 => Some("CALLRESULT"),
        4 => Some("CALLERROR"),
        5 => Some("CALLRESULTERROR"),
        6 => Some("SEND"),
        _ => None,
    });
    text(&mut rows.message_id, message.message_id);
    text(&mut rows.action, message.action);
    text(&mut rows.raw, message.raw);
}

fn message_quarantined(
    columns: &mut Columns,
    head: &Head<'_>,
    message: &ArchivedMessageQuarantined,
) {
    let rows = &mut columns.quarantined_messages;
    frame!(rows, head, head.received_at);
    let outcome = QuarantineOutcome::from_code(message.outcome);
    rows.outcome
        .append_option(outcome.map(QuarantineOutcome::as_str));
    let protocol = Protocol::from_code(message.protocol);
    rows.protocol.append_option(protocol.map(Protocol::as_str));
    text(&mut rows.message_id, &message.message_id);
    text(&mut rows.action, &message.action);
    text(&mut rows.raw, &message.raw);
    text(&mut rows.profile_id, &message.profile_id);
    let revision = i64::from(message.profile_revision.to_native());
    rows.profile_revision
        .append_option((revision != 0).then_some(revision));
    let changes = message.changes.iter().map(|change| {
        serde_json::json!({
            "pointer": change.pointer.as_str(),
            "quirk": change.quirk.as_str(),
            "found": change.found.as_str(),
            "taken": change.taken.as_str(),
        })
    });
    let changes = serde_json::Value::Array(changes.collect());
    rows.changes.append_value(changes.to_string());
    text(&mut rows.error_code, &message.error_code);
    text(&mut rows.reason, &message.reason);
    rows.passed_by
        .append_value(i64::from(message.passed_by.to_native()));
    let replay_of = message.replay_of.as_ref();
    rows.replay_of_log_id
        .append_option(replay_of.map(|at| at.log_id.to_native()));
    rows.replay_of_seq
        .append_option(replay_of.map(|at| at.seq.to_native() as i64));
}

fn settlement(columns: &mut Columns, head: &Head<'_>, money: &ArchivedTransactionMoney) {
    let Some(told) = money.settlements.last() else {
        return;
    };
    let rows = &mut columns.settlements;
    frame!(rows, head, head.received_at);
    let id = TransactionId(money.transaction_id).to_string();
    rows.transaction_id.append_value(id);
    text(&mut rows.psp_ref, &told.psp_ref);
    text(&mut rows.status, &told.status);
    text(&mut rows.status_info, &told.status_info);
    rows.amount
        .append_option(hundredths(&told.amount).map(i128::from));
    text(&mut rows.amount_reported, &told.amount);
    rows.settled_at.append_value(told.settled_at.to_native());
    text(&mut rows.receipt_id, &told.receipt_id);
    text(&mut rows.receipt_url, &told.receipt_url);
    text(&mut rows.vat_number, &told.vat_number);
    text(&mut rows.vat_company, &told.vat_company);
}

fn transaction_tariff(columns: &mut Columns, head: &Head<'_>, money: &ArchivedTransactionMoney) {
    let Some(applied) = money.tariff.as_ref() else {
        return;
    };
    let rows = &mut columns.transaction_tariffs;
    frame!(rows, head, head.received_at);
    let id = TransactionId(money.transaction_id).to_string();
    rows.transaction_id.append_value(id);
    text(&mut rows.tariff_id, &applied.tariff_id);
    text(&mut rows.tariff, &applied.tariff);
    text(&mut rows.time_zone, &applied.time_zone);
}

/// Microseconds in a second.
const SECOND: i64 = 1_000_000;

fn transaction_cost(
    columns: &mut Columns,
    head: &Head<'_>,
    bill: &ArchivedTransactionBilled,
    state: Option<CostState>,
) {
    let rows = &mut columns.transaction_costs;
    frame!(rows, head, head.received_at);
    let id = TransactionId(bill.transaction_id).to_string();
    rows.transaction_id.append_value(id);
    text(&mut rows.tariff_id, &bill.tariff_id);
    let currency = std::str::from_utf8(&bill.currency).ok();
    rows.currency.append_option(currency);
    let kind = CostKind::from_code(bill.kind).map(CostKind::as_str);
    rows.kind.append_option(kind);
    rows.state.append_option(state.map(CostState::as_str));
    let parts = || {
        let parts = bill.parts.iter();
        parts.map(|part| {
            (
                part.part,
                part.excl_tax.to_native(),
                part.incl_tax.to_native(),
            )
        })
    };
    let total = parts().map(|(_, excl, incl)| (excl, incl));
    // `None` for one that is not billed; what is free has no part and comes to nothing.
    let total =
        total.reduce(|sum, part| (sum.0.saturating_add(part.0), sum.1.saturating_add(part.1)));
    let total = total.or((state == Some(CostState::Free)).then_some((0, 0)));
    let of = |wanted: u8| {
        parts()
            .find(|part| part.0 == wanted)
            .map(|(_, excl, incl)| (excl, incl))
    };
    for (excl_tax, incl_tax, money) in [
        (&mut rows.total_excl_tax, &mut rows.total_incl_tax, total),
        (&mut rows.fixed_excl_tax, &mut rows.fixed_incl_tax, of(0)),
        (&mut rows.energy_excl_tax, &mut rows.energy_incl_tax, of(1)),
        (
            &mut rows.charging_time_excl_tax,
            &mut rows.charging_time_incl_tax,
            of(2),
        ),
        (
            &mut rows.idle_time_excl_tax,
            &mut rows.idle_time_incl_tax,
            of(3),
        ),
        (
            &mut rows.reservation_time_excl_tax,
            &mut rows.reservation_time_incl_tax,
            of(4),
        ),
        (
            &mut rows.reservation_fixed_excl_tax,
            &mut rows.reservation_fixed_incl_tax,
            of(5),
        ),
    ] {
        excl_tax.append_option(money.map(|(excl, _)| i128::from(excl)));
        incl_tax.append_option(money.map(|(_, incl)| i128::from(incl)));
    }
    rows.energy_wh
        .append_value(i128::from(bill.energy_mwh.to_native()));
    rows.charging_s
        .append_value(bill.charging.to_native() / SECOND);
    rows.idle_s.append_value(bill.idle.to_native() / SECOND);
    let held = bill.reservation.as_ref();
    rows.reservation_s
        .append_option(held.map(|held| held.to_native() / SECOND));
}

/// A record has the limits of all transactions of a station that run, the one that it is about last, and those of starts, which
/// have no transaction yet.
fn transaction_limits(columns: &mut Columns, head: &Head<'_>, kept: &ArchivedTransactionLimits) {
    macro_rules! known {
        ($number:expr) => {
            $number.as_ref().map(|number| number.to_native())
        };
    }
    let changed = kept
        .limits
        .last()
        .filter(|limit| match kept.cause.as_str() {
            "TransactionEvent" => true,
            // A wish of an operator, of a transaction or of a start.
            _ => known!(limit.set_at) == Some(head.received_at),
        });
    let Some(limit) = changed else {
        return;
    };
    let rows = &mut columns.transaction_limits;
    frame!(rows, head, head.received_at);
    let id = TransactionId(limit.transaction_id).to_string();
    rows.transaction_id.append_value(id);
    text(&mut rows.set_by, &limit.set_by);
    rows.set_at.append_option(known!(limit.set_at));
    rows.sent_at.append_option(known!(limit.sent_at));
    rows.told_at.append_option(known!(limit.told_at));
    for (cost, energy, time, soc, limits) in [
        (
            &mut rows.set_cost,
            &mut rows.set_energy_wh,
            &mut rows.set_time_s,
            &mut rows.set_soc_percent,
            &limit.set,
        ),
        (
            &mut rows.sent_cost,
            &mut rows.sent_energy_wh,
            &mut rows.sent_time_s,
            &mut rows.sent_soc_percent,
            &limit.sent,
        ),
        (
            &mut rows.told_cost,
            &mut rows.told_energy_wh,
            &mut rows.told_time_s,
            &mut rows.told_soc_percent,
            &limit.told,
        ),
    ] {
        let hundredths = |micros| (i128::from(micros) + 5_000).div_euclid(10_000);
        cost.append_option(known!(limits.cost_micros).map(hundredths));
        // What a station says may lie beyond all bounds, and beyond the column.
        let milliwatt_hours =
            known!(limits.energy_mwh).filter(|mwh| mwh.unsigned_abs() < 10_u64.pow(18));
        energy.append_option(milliwatt_hours.map(i128::from));
        time.append_option(known!(limits.time_s));
        soc.append_option(known!(limits.soc_percent));
    }
}

/// A decimal as a number of hundredths; `None` where it has smaller parts, or is none.
fn hundredths(decimal: &str) -> Option<i64> {
    let (whole, fraction) = decimal.split_once('.').unwrap_or((decimal, ""));
    let fraction = fraction.trim_end_matches('0');
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let unsigned = whole.strip_prefix('-').unwrap_or(whole);
    let is_whole = digits(unsigned) && !unsigned.is_empty();
    if 2 < fraction.len() || !digits(fraction) || !is_whole {
        return None;
    }
    // DECIMAL(18,2) holds no more.
    let held = |hundredths: &i64| hundredths.unsigned_abs() < 1_000_000_000_000_000_000;
    format!("{whole}{fraction:0<2}").parse().ok().filter(held)
}

/// Empty text stands for absent in records; in SQL that is NULL.
fn text(builder: &mut StringViewBuilder, value: &str) {
    builder.append_option((!value.is_empty()).then_some(value));
}

fn range<'a>(values: &'a ArchivedMeterValues, range: &ArchivedTextRange) -> Option<&'a str> {
    let (start, len) = (
        range.start.to_native() as usize,
        range.len.to_native() as usize,
    );
    (len != 0)
        .then(|| values.text.get(start..start.checked_add(len)?))
        .flatten()
}

fn context(row: &ArchivedMeterRow) -> Option<&'static str> {
    ReadingContext::from_code(row.context).map(ReadingContext::as_str)
}

fn unless_zero(builder: &mut Int32Builder, value: u32) {
    builder.append_option((value != 0).then_some(value as i32));
}

fn unless_negative(value: i64) -> Option<i64> {
    (0 <= value).then_some(value)
}

fn hex(bytes: &[u8; 16]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_held_in_hundredths_or_not_at_all() {
        for (decimal, expected) in [
            ("12", Some(1_200)),
            ("12.5", Some(1_250)),
            ("-0.05", Some(-5)),
            ("12.3400", Some(1_234)),
            ("9999999999999999.99", Some(999_999_999_999_999_999)),
            ("10000000000000000", None),
            ("12.345", None),
            ("1e3", None),
            ("-", None),
            ("", None),
        ] {
            assert_eq!(hundredths(decimal), expected, "{decimal}");
        }
    }
}
