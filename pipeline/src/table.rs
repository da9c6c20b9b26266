//! The fact tables: their names, columns and types.

use std::sync::{Arc, LazyLock};

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};

use crate::columns;

/// A fact table. Each is a Delta table of its own, partitioned by `date`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    /// One row per `meterValue` element.
    MeterValues,
    /// Sampled values without a column in `meter_values`.
    MeterSamples,
    /// StartTransaction, StopTransaction, TransactionEvent.
    TransactionEvents,
    /// Connections that began, ended or were refused, and boots.
    ConnectionEvents,
    /// SecurityEventNotification and our own.
    SecurityEvents,
    /// Changes of state of commands.
    Commands,
    /// StatusNotification.
    StatusEvents,
    /// Raw frames, secrets masked.
    OcppMessages,
    /// Messages that strayed from their schema, and what was made of them.
    QuarantinedMessages,
    /// How transactions were paid (2.1 NotifySettlement).
    Settlements,
    /// Which tariff a transaction is under, and since when.
    TransactionTariffs,
    /// What ended transactions under a tariff come to, part by part.
    TransactionCosts,
    /// What transactions may come to at most, and who said so.
    TransactionLimits,
    /// What monitors of 2.x stations saw, and values of periodic event streams.
    Events,
    /// How far stations are with firmware, logs and diagnostics.
    ProgressEvents,
    /// Limits, needs, schedules and priorities of charging that stations told.
    ChargingEvents,
    /// What came after commands.
    CommandCourses,
    /// Messages of stations that have no columns of their own.
    Notifications,
}

impl Table {
    /// Every table; the order is that of [`Table::index`].
    pub const ALL: [Self; 18] = [
        Self::MeterValues,
        Self::MeterSamples,
        Self::TransactionEvents,
        Self::ConnectionEvents,
        Self::SecurityEvents,
        Self::Commands,
        Self::StatusEvents,
        Self::OcppMessages,
        Self::QuarantinedMessages,
        Self::Settlements,
        Self::TransactionTariffs,
        Self::TransactionCosts,
        Self::TransactionLimits,
        Self::Events,
        Self::ProgressEvents,
        Self::ChargingEvents,
        Self::CommandCourses,
        Self::Notifications,
    ];

    /// Name in SQL and of the folder in the lake.
    pub const fn name(self) -> &'static str {
        match self {
            Self::MeterValues => "meter_values",
            Self::MeterSamples => "meter_samples",
            Self::TransactionEvents => "transaction_events",
            Self::ConnectionEvents => "connection_events",
            Self::SecurityEvents => "security_events",
            Self::Commands => "commands",
            Self::StatusEvents => "status_events",
            Self::OcppMessages => "ocpp_messages",
            Self::QuarantinedMessages => "quarantined_messages",
            Self::Settlements => "settlements",
            Self::TransactionTariffs => "transaction_tariffs",
            Self::TransactionCosts => "transaction_costs",
            Self::TransactionLimits => "transaction_limits",
            Self::Events => "events",
            Self::ProgressEvents => "progress_events",
            Self::ChargingEvents => "charging_events",
            Self::CommandCourses => "command_courses",
            Self::Notifications => "notifications",
        }
    }

    /// The table of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|table| table.name() == name)
    }

    /// Position in [`Table::ALL`].
    pub(crate) const fn index(self) -> usize {
        self as usize
    }

    /// The column whose UTC day is `date`, and by which files of an hour are told apart.
    pub(crate) const fn time_column(self) -> &'static str {
        match self {
            Self::MeterValues | Self::MeterSamples => "measured_at",
            Self::TransactionEvents | Self::SecurityEvents | Self::StatusEvents | Self::Events => {
                "occurred_at"
            }
            Self::ConnectionEvents
            | Self::Commands
            | Self::OcppMessages
            | Self::QuarantinedMessages
            | Self::Settlements
            | Self::TransactionTariffs
            | Self::TransactionCosts
            | Self::TransactionLimits
            | Self::ProgressEvents
            | Self::ChargingEvents
            | Self::CommandCourses
            | Self::Notifications => "received_at",
        }
    }

    /// Columns a file is sorted by: a station's rows lie together, in order of time.
    pub(crate) fn sort_columns(self) -> Vec<&'static str> {
        let mut columns = vec!["tenant", "station_id"];
        if matches!(self, Self::MeterValues | Self::MeterSamples) {
            columns.push("evse_id");
        }
        columns.extend([self.time_column(), "log_id", "seq"]);
        if matches!(self, Self::MeterValues | Self::MeterSamples | Self::Events) {
            columns.push("ordinal");
        }
        columns
    }

    pub(crate) fn columns(self) -> &'static [Column] {
        match self {
            Self::MeterValues => columns::MeterValues::COLUMNS,
            Self::MeterSamples => columns::MeterSamples::COLUMNS,
            Self::TransactionEvents => columns::TransactionEvents::COLUMNS,
            Self::ConnectionEvents => columns::ConnectionEvents::COLUMNS,
            Self::SecurityEvents => columns::SecurityEvents::COLUMNS,
            Self::Commands => columns::Commands::COLUMNS,
            Self::StatusEvents => columns::StatusEvents::COLUMNS,
            Self::OcppMessages => columns::OcppMessages::COLUMNS,
            Self::QuarantinedMessages => columns::QuarantinedMessages::COLUMNS,
            Self::Settlements => columns::Settlements::COLUMNS,
            Self::TransactionTariffs => columns::TransactionTariffs::COLUMNS,
            Self::TransactionCosts => columns::TransactionCosts::COLUMNS,
            Self::TransactionLimits => columns::TransactionLimits::COLUMNS,
            Self::Events => columns::Events::COLUMNS,
            Self::ProgressEvents => columns::ProgressEvents::COLUMNS,
            Self::ChargingEvents => columns::ChargingEvents::COLUMNS,
            Self::CommandCourses => columns::CommandCourses::COLUMNS,
            Self::Notifications => columns::Notifications::COLUMNS,
        }
    }

    /// The columns as SQL sees them; `date` is the last.
    pub fn schema(self) -> SchemaRef {
        static SCHEMAS: LazyLock<Vec<SchemaRef>> = LazyLock::new(|| {
            let of = |table: Table| {
                table
                    .columns()
                    .iter()
                    .map(Column::field)
                    .collect::<Vec<_>>()
            };
            Table::ALL
                .into_iter()
                .map(|table| Arc::new(Schema::new(of(table))))
                .collect()
        });
        Arc::clone(&SCHEMAS[self.index()])
    }
}

impl std::fmt::Display for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// A column of a fact table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
}

/// The types that columns have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// UTF-8.
    Text,
    /// 32 bits.
    Int,
    /// 64 bits.
    BigInt,
    /// IEEE 754, 64 bits.
    Double,
    /// True or false.
    Bool,
    /// UTC microseconds.
    Timestamp,
    /// Watt-hours with three decimals, exact.
    Energy,
    /// Money with two decimals, exact.
    Money,
    /// UTC day.
    Date,
}

impl Kind {
    pub(crate) fn data_type(self) -> DataType {
        match self {
            Self::Text => DataType::Utf8View,
            Self::Int => DataType::Int32,
            Self::BigInt => DataType::Int64,
            Self::Double => DataType::Float64,
            Self::Bool => DataType::Boolean,
            Self::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            Self::Energy => DataType::Decimal128(18, 3),
            Self::Money => DataType::Decimal128(18, 2),
            Self::Date => DataType::Date32,
        }
    }
}

impl Column {
    fn field(&self) -> Field {
        Field::new(self.name, self.kind.data_type(), true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fact_table_names_tenant_station_receipt_log_and_day() {
        for table in Table::ALL {
            let names: Vec<_> = table.columns().iter().map(|column| column.name).collect();
            assert_eq!(&names[..2], ["tenant", "station_id"], "{table}");
            assert_eq!(
                &names[names.len() - 4..],
                ["received_at", "log_id", "seq", "date"],
                "{table}"
            );
            assert!(names.contains(&table.time_column()), "{table}");
            assert_eq!(Table::from_name(table.name()), Some(table));
            assert_eq!(Table::ALL[table.index()], table);
        }
    }
}
