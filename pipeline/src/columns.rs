//! Builders of columns, one struct per fact table, and what each kind of record puts into them.
//!
//! A table's columns are written down once, in [`tables!`]; the order there is the order in SQL.

mod convert;

use std::sync::Arc;

use arrow::array::{
    ArrayBuilder, ArrayRef, BooleanBuilder, Date32Builder, Decimal128Builder, Float64Builder,
    Int32Builder, Int64Builder, RecordBatch, StringViewBuilder, TimestampMicrosecondBuilder,
};
use fleet::EventId;
use fleet::wire::RecordView;

use crate::Table;
use crate::table::{Column, Kind};

/// Long strings are kept in blocks of this many bytes. Fixed, because the default doubles with every block,
/// and a batch of one row would hold two megabytes.
const TEXT_BLOCK_LEN: u32 = 8 << 10;

macro_rules! builder {
    (Text) => {
        StringViewBuilder
    };
    (Int) => {
        Int32Builder
    };
    (BigInt) => {
        Int64Builder
    };
    (Double) => {
        Float64Builder
    };
    (Bool) => {
        BooleanBuilder
    };
    (Timestamp) => {
        TimestampMicrosecondBuilder
    };
    (Energy) => {
        Decimal128Builder
    };
    (Money) => {
        Decimal128Builder
    };
    (Date) => {
        Date32Builder
    };
}

macro_rules! new_builder {
    (Text) => {
        StringViewBuilder::new()
            .with_fixed_block_size(TEXT_BLOCK_LEN)
            .with_deduplicate_strings()
    };
    (Int) => {
        Int32Builder::new()
    };
    (BigInt) => {
        Int64Builder::new()
    };
    (Double) => {
        Float64Builder::new()
    };
    (Bool) => {
        BooleanBuilder::new()
    };
    (Timestamp) => {
        TimestampMicrosecondBuilder::new().with_data_type(Kind::Timestamp.data_type())
    };
    (Energy) => {
        Decimal128Builder::new().with_data_type(Kind::Energy.data_type())
    };
    (Money) => {
        Decimal128Builder::new().with_data_type(Kind::Money.data_type())
    };
    (Date) => {
        Date32Builder::new()
    };
}

macro_rules! tables {
    ($($table:ident { $($column:ident: $kind:ident,)+ })+) => {
        $(#[doc = concat!("Rows of [`Table::", stringify!($table), "`] on their way into a batch.")]
        pub(crate) struct $table { $($column: builder!($kind),)+ }

        impl $table {
            pub(crate) const COLUMNS: &[Column] = &[
                $(Column { name: unraw(stringify!($column)), kind: Kind::$kind },)+
            ];

            fn new() -> Self {
                Self { $($column: new_builder!($kind),)+ }
            }

            fn len(&self) -> usize {
                self.seq.len()
            }

            fn take(&mut self) -> RecordBatch {
                let columns: Vec<ArrayRef> = vec![$(Arc::new(self.$column.finish()),)+];
                RecordBatch::try_new(Table::$table.schema(), columns)
                    .expect("builders and schema come from the same list")
            }
        })+
    };
}

/// `type` for `r#type`.
const fn unraw(name: &'static str) -> &'static str {
    match name.as_bytes() {
        [b'r', b'#', ..] => name.split_at(2).1,
        _ => name,
    }
}

tables! {
    MeterValues {
        tenant: Text,
        station_id: Text,
        evse_id: Int,
        connector_id: Int,
        transaction_id: Text,
        ocpp_transaction_id: Text,
        measured_at: Timestamp,
        measured_at_raw: Text,
        context: Text,
        energy_wh: Energy,
        energy_export_wh: Energy,
        power_w: Double,
        power_l1_w: Double,
        power_l2_w: Double,
        power_l3_w: Double,
        power_offered_w: Double,
        current_a: Double,
        current_l1_a: Double,
        current_l2_a: Double,
        current_l3_a: Double,
        current_offered_a: Double,
        voltage_v: Double,
        voltage_l1_v: Double,
        voltage_l2_v: Double,
        voltage_l3_v: Double,
        frequency_hz: Double,
        power_factor: Double,
        soc_percent: Double,
        temperature_c: Double,
        clock_trusted: Bool,
        offline: Bool,
        duplicate: Bool,
        ordinal: Int,
        received_at: Timestamp,
        log_id: BigInt,
        seq: BigInt,
        date: Date,
    }
    MeterSamples {
        tenant: Text,
        station_id: Text,
        evse_id: Int,
        connector_id: Int,
        transaction_id: Text,
        ocpp_transaction_id: Text,
        measured_at: Timestamp,
        measured_at_raw: Text,
        context: Text,
        measurand: Text,
        phase: Text,
        location: Text,
        unit: Text,
        value: Text,
        value_number: Double,
        signed_value: Text,
        clock_trusted: Bool,
        offline: Bool,
        duplicate: Bool,
        ordinal: Int,
        received_at: Timestamp,
        log_id: BigInt,
        seq: BigInt,
        date: Date,
    }
    TransactionEvents {
        tenant: Text,
        station_id: Text,
        transaction_id: Text,
        ocpp_transaction_id: Text,
        kind: Text,
        evse_id: Int,
        connector_id: Int,
        seq_no: BigInt,
        seq_gap: BigInt,
        trigger_reason: Text,
        charging_state: Text,
        stop_reason: Text,
        token_ref: Text,
        remote_start_id: BigInt,
        offline: Bool,
        occurred_at: Timestamp,
        occurred_at_raw: Text,
        clock_trusted: Bool,
        register_wh: Energy,
        duplicate: Bool,
        state: Text,
        quality: Text,
        started_at: Timestamp,
        ended_at: Timestamp,
        meter_start_wh: Energy,
        meter_stop_wh: Energy,
        energy_wh: Energy,
        cost: Money,
        currency: Text,
        start_token_ref: Text,
        received_at: Timestamp,
        log_id: BigInt,
        seq: BigInt,
        date: Date,
    }
    ConnectionEvents {
        tenant: Text,
        station_id: Text,
        kind: Text,
        connection_id: BigInt,
        peer: Text,
        reason: Text,
        version: Text,
        security: Text,
        acceptance: Text,
        received_at: Timestamp,
        log_id: BigInt,
        seq: BigInt,
        date: Date,
    }
    SecurityEvents {
        tenant: Text,
        station_id: Text,
        r#type: Text,
        occurred_at: Timestamp,
        occurred_at_raw: Text,
        clock_trusted: Bool,
        info: Text,
        severity: Text,
        received_at: Timestamp,
        log_id: BigInt,
        seq: BigInt,
        date: Date,
    }
    Commands {
        tenant: Text,
        station_id: Text,
        command_id: Text,
        action: Text,
        payload: Text,
        state: Text,
        result: Text,
        error_code: Text,
        error_description: Text,
        principal: Text,
        created_at: Timestamp,
        received_at: Timestamp,
        log_id: BigInt,
        seq: BigInt,
        date: Date,
    }
    StatusEvents {
        tenant: Text,
        station_id: Text,
        evse_id: Int,
        connector_id: Int,
        status: Text,
        status_reported: Text,
        error_code: Text,
        vendor_error_code: Text,
        vendor_id: Text,
        info: Text,
        occurred_at: Timestamp,
        occurred_at_raw: Text,
        clock_trusted: Bool,
        live: Bool,
        duplicate: Bool,
        received_at: Timestamp,
        log_id: BigInt,
        seq: BigInt,
        date: Date,
    }
    OcppMessages {
        tenant: Text,
        station_id: Text,
        direction: Text,
        r#type: Text,
        message_id: Text,
        action: Text,
        raw: Text,
        received_at: Timestamp,
        log_id: BigInt,
        seq: BigInt,
        date: Date,
    }
    Settlements {
        tenant: Text,
        station_id: Text,
        transaction_id: Text,
        psp_ref: Text,
        status: Text,
        status_info: Text,
        amount: Money,
        amount_reported: Text,
        settled_at: Timestamp,
        receipt_id: Text,
        receipt_url: Text,
        vat_number: Text,
        vat_company: Text,
        received_at: Timestamp,
        log_id: BigInt,
        seq: BigInt,
        date: Date,
    }
    TransactionTariffs {
        tenant: Text,
        station_id: Text,
        transaction_id: Text,
        tariff_id: Text,
        tariff: Text,
        time_zone: Text,
        received_at: Timestamp,
        log_id: BigInt,
        seq: BigInt,
        date: Date,
    }
    TransactionCosts {
        tenant: Text,
        station_id: Text,
        transaction_id: Text,
        tariff_id: Text,
        currency: Text,
        kind: Text,
        state: Text,
        total_excl_tax: Money,
        total_incl_tax: Money,
        fixed_excl_tax: Money,
        fixed_incl_tax: Money,
        energy_excl_tax: Money,
        energy_incl_tax: Money,
        charging_time_excl_tax: Money,
        charging_time_incl_tax: Money,
        idle_time_excl_tax: Money,
        idle_time_incl_tax: Money,
        reservation_time_excl_tax: Money,
        reservation_time_incl_tax: Money,
        reservation_fixed_excl_tax: Money,
        reservation_fixed_incl_tax: Money,
        energy_wh: Energy,
        charging_s: BigInt,
        idle_s: BigInt,
        reservation_s: BigInt,
        received_at: Timestamp,
        log_id: BigInt,
        seq: BigInt,
        date: Date,
    }
    TransactionLimits {
        tenant: Text,
        station_id: Text,
        transaction_id: Text,
        set_cost: Money,
        set_energy_wh: Energy,
        set_time_s: BigInt,
        set_soc_percent: BigInt,
        set_by: Text,
        set_at: Timestamp,
        sent_cost: Money,
        sent_energy_wh: Energy,
        sent_time_s: BigInt,
        sent_soc_percent: BigInt,
        sent_at: Timestamp,
        told_cost: Money,
        told_energy_wh: Energy,
        told_time_s: BigInt,
        told_soc_percent: BigInt,
        told_at: Timestamp,
        received_at: Timestamp,
        log_id: BigInt,
        seq: BigInt,
        date: Date,
    }
    QuarantinedMessages {
        tenant: Text,
        station_id: Text,
        outcome: Text,
        protocol: Text,
        message_id: Text,
        action: Text,
        raw: Text,
        profile_id: Text,
        profile_revision: BigInt,
        changes: Text,
        error_code: Text,
        reason: Text,
        passed_by: BigInt,
        replay_of_log_id: BigInt,
        replay_of_seq: BigInt,
        received_at: Timestamp,
        log_id: BigInt,
        seq: BigInt,
        date: Date,
    }
    Events {
        tenant: Text,
        station_id: Text,
        event_id: BigInt,
        occurred_at: Timestamp,
        occurred_at_raw: Text,
        clock_trusted: Bool,
        trigger: Text,
        cause: BigInt,
        notification_type: Text,
        severity: Int,
        component: Text,
        component_instance: Text,
        evse_id: Int,
        connector_id: Int,
        variable: Text,
        variable_instance: Text,
        actual_value: Text,
        value_number: Double,
        cleared: Bool,
        tech_code: Text,
        tech_info: Text,
        monitor_id: BigInt,
        stream_id: BigInt,
        ocpp_transaction_id: Text,
        ordinal: Int,
        received_at: Timestamp,
        log_id: BigInt,
        seq: BigInt,
        date: Date,
    }
    ProgressEvents {
        tenant: Text,
        station_id: Text,
        kind: Text,
        action: Text,
        status: Text,
        status_reason: Text,
        status_info: Text,
        request_id: BigInt,
        locations: Text,
        received_at: Timestamp,
        log_id: BigInt,
        seq: BigInt,
        date: Date,
    }
    ChargingEvents {
        tenant: Text,
        station_id: Text,
        action: Text,
        evse_id: Int,
        ocpp_transaction_id: Text,
        profile_id: BigInt,
        limit_source: Text,
        is_grid_critical: Bool,
        is_local_generation: Bool,
        is_priority: Bool,
        energy_transfer: Text,
        requested_energy_wh: Double,
        soc_percent: Double,
        departure_at: Timestamp,
        time_base_at: Timestamp,
        selected_schedule_id: BigInt,
        needs: Text,
        schedule: Text,
        payload: Text,
        received_at: Timestamp,
        log_id: BigInt,
        seq: BigInt,
        date: Date,
    }
    CommandCourses {
        tenant: Text,
        station_id: Text,
        command_id: Text,
        action: Text,
        request_id: BigInt,
        began_at: Timestamp,
        messages: BigInt,
        duplicates: BigInt,
        parts: BigInt,
        parts_missing: BigInt,
        is_complete: Bool,
        status: Text,
        told: Text,
        state: Text,
        received_at: Timestamp,
        log_id: BigInt,
        seq: BigInt,
        date: Date,
    }
    Notifications {
        tenant: Text,
        station_id: Text,
        action: Text,
        request_id: BigInt,
        evse_id: Int,
        ocpp_transaction_id: Text,
        vendor_id: Text,
        vendor_message_id: Text,
        data: Text,
        payload: Text,
        received_at: Timestamp,
        log_id: BigInt,
        seq: BigInt,
        date: Date,
    }
}

/// Rows of every table, gathered from records in the order of their log.
pub(crate) struct Columns {
    meter_values: MeterValues,
    meter_samples: MeterSamples,
    transaction_events: TransactionEvents,
    connection_events: ConnectionEvents,
    security_events: SecurityEvents,
    commands: Commands,
    status_events: StatusEvents,
    ocpp_messages: OcppMessages,
    quarantined_messages: QuarantinedMessages,
    settlements: Settlements,
    transaction_tariffs: TransactionTariffs,
    transaction_costs: TransactionCosts,
    transaction_limits: TransactionLimits,
    events: Events,
    progress_events: ProgressEvents,
    charging_events: ChargingEvents,
    command_courses: CommandCourses,
    notifications: Notifications,
}

impl Columns {
    pub(crate) fn new() -> Self {
        Self {
            meter_values: MeterValues::new(),
            meter_samples: MeterSamples::new(),
            transaction_events: TransactionEvents::new(),
            connection_events: ConnectionEvents::new(),
            security_events: SecurityEvents::new(),
            commands: Commands::new(),
            status_events: StatusEvents::new(),
            ocpp_messages: OcppMessages::new(),
            quarantined_messages: QuarantinedMessages::new(),
            settlements: Settlements::new(),
            transaction_tariffs: TransactionTariffs::new(),
            transaction_costs: TransactionCosts::new(),
            transaction_limits: TransactionLimits::new(),
            events: Events::new(),
            progress_events: ProgressEvents::new(),
            charging_events: ChargingEvents::new(),
            command_courses: CommandCourses::new(),
            notifications: Notifications::new(),
        }
    }

    /// Adds what `record` says to the tables that `wanted` names: those that do not hold it yet.
    pub(crate) fn push(
        &mut self,
        event: EventId,
        record: &RecordView<'_>,
        wanted: impl Fn(Table) -> bool,
    ) {
        convert::push(self, event, record, wanted);
    }

    /// Rows gathered, over all tables.
    pub(crate) fn len(&self) -> usize {
        Table::ALL.into_iter().map(|table| self.len_of(table)).sum()
    }

    fn len_of(&self, table: Table) -> usize {
        match table {
            Table::MeterValues => self.meter_values.len(),
            Table::MeterSamples => self.meter_samples.len(),
            Table::TransactionEvents => self.transaction_events.len(),
            Table::ConnectionEvents => self.connection_events.len(),
            Table::SecurityEvents => self.security_events.len(),
            Table::Commands => self.commands.len(),
            Table::StatusEvents => self.status_events.len(),
            Table::OcppMessages => self.ocpp_messages.len(),
            Table::QuarantinedMessages => self.quarantined_messages.len(),
            Table::Settlements => self.settlements.len(),
            Table::TransactionTariffs => self.transaction_tariffs.len(),
            Table::TransactionCosts => self.transaction_costs.len(),
            Table::TransactionLimits => self.transaction_limits.len(),
            Table::Events => self.events.len(),
            Table::ProgressEvents => self.progress_events.len(),
            Table::ChargingEvents => self.charging_events.len(),
            Table::CommandCourses => self.command_courses.len(),
            Table::Notifications => self.notifications.len(),
        }
    }

    /// The rows of one table as a batch, which leaves it empty; `None` when there are none.
    pub(crate) fn take(&mut self, table: Table) -> Option<RecordBatch> {
        (self.len_of(table) != 0).then(|| match table {
            Table::MeterValues => self.meter_values.take(),
            Table::MeterSamples => self.meter_samples.take(),
            Table::TransactionEvents => self.transaction_events.take(),
            Table::ConnectionEvents => self.connection_events.take(),
            Table::SecurityEvents => self.security_events.take(),
            Table::Commands => self.commands.take(),
            Table::StatusEvents => self.status_events.take(),
            Table::OcppMessages => self.ocpp_messages.take(),
            Table::QuarantinedMessages => self.quarantined_messages.take(),
            Table::Settlements => self.settlements.take(),
            Table::TransactionTariffs => self.transaction_tariffs.take(),
            Table::TransactionCosts => self.transaction_costs.take(),
            Table::TransactionLimits => self.transaction_limits.take(),
            Table::Events => self.events.take(),
            Table::ProgressEvents => self.progress_events.take(),
            Table::ChargingEvents => self.charging_events.take(),
            Table::CommandCourses => self.command_courses.take(),
            Table::Notifications => self.notifications.take(),
        })
    }
}
