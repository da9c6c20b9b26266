//! Views: SQL over the fact tables, planned once per session.

use fleet::record::MeterColumn;

/// A view and the query behind it.
pub(crate) struct View {
    pub(crate) name: &'static str,
    pub(crate) sql: String,
}

/// Every view.
pub(crate) fn all() -> Vec<View> {
    vec![
        View {
            name: "transactions",
            sql: TRANSACTIONS.to_owned(),
        },
        View {
            name: "meter_values_long",
            sql: meter_values_long(),
        },
    ]
}

/// The newest summary of every transaction. Within a log the newest record is the one of the highest seq,
/// whatever the clock did; a station moves to another log only when the server restarts with another number of
/// shards, and then the log that began later is the newer one.
///
/// The newest seq is found per transaction and its row fetched by that: a window over the rows themselves sorts all of
/// them. Every key takes part everywhere, so that a filter on one reaches both scans.
const TRANSACTIONS: &str = "
    SELECT tenant, station_id, transaction_id, ocpp_transaction_id, evse_id, connector_id,
           start_token_ref AS token_ref, started_at, ended_at, state, stop_reason,
           meter_start_wh, meter_stop_wh, energy_wh, cost, currency, quality,
           received_at, log_id, seq
    FROM (
        SELECT *, row_number() OVER (
            PARTITION BY tenant, station_id, transaction_id ORDER BY log_since DESC) AS nth
        FROM (
            SELECT tenant, station_id, transaction_id, log_id, max(seq) AS seq, min(received_at) AS log_since
            FROM transaction_events
            WHERE NOT duplicate
            GROUP BY tenant, station_id, transaction_id, log_id)) AS newest
    JOIN transaction_events AS events USING (tenant, station_id, transaction_id, log_id, seq)
    WHERE nth = 1";

/// One row per value: the columns of `meter_values` turned to rows, and `meter_samples`. A filter on `measurand`
/// leaves the other branches out of the plan.
fn meter_values_long() -> String {
    const KEYS: &str = "tenant, station_id, evse_id, connector_id, transaction_id, ocpp_transaction_id, \
                        measured_at, context";
    const TAIL: &str = "clock_trusted, offline, duplicate, ordinal, received_at, log_id, seq, date";
    let wide = MeterColumn::ALL.iter().map(|column| {
        let (measurand, phase, unit) = meaning(*column);
        let phase = phase.map_or("CAST(NULL AS VARCHAR)".to_owned(), |phase| format!("'{phase}'"));
        format!(
            "SELECT {KEYS}, '{measurand}' AS measurand, {phase} AS phase, 'Outlet' AS location, \
             '{unit}' AS unit, CAST({column} AS VARCHAR) AS value, CAST({column} AS DOUBLE) AS value_number, \
             {TAIL} FROM meter_values WHERE {column} IS NOT NULL"
        )
    });
    let side = format!(
        "SELECT {KEYS}, measurand, phase, location, unit, value, value_number, {TAIL} FROM meter_samples"
    );
    wide.chain([side]).collect::<Vec<_>>().join(" UNION ALL ")
}

/// Measurand, phase and unit of a column, in the words of OCPP.
const fn meaning(column: MeterColumn) -> (&'static str, Option<&'static str>, &'static str) {
    match column {
        MeterColumn::EnergyWh => ("Energy.Active.Import.Register", None, "Wh"),
        MeterColumn::EnergyExportWh => ("Energy.Active.Export.Register", None, "Wh"),
        MeterColumn::PowerW => ("Power.Active.Import", None, "W"),
        MeterColumn::PowerL1W => ("Power.Active.Import", Some("L1"), "W"),
        MeterColumn::PowerL2W => ("Power.Active.Import", Some("L2"), "W"),
        MeterColumn::PowerL3W => ("Power.Active.Import", Some("L3"), "W"),
        MeterColumn::PowerOfferedW => ("Power.Offered", None, "W"),
        MeterColumn::CurrentA => ("Current.Import", None, "A"),
        MeterColumn::CurrentL1A => ("Current.Import", Some("L1"), "A"),
        MeterColumn::CurrentL2A => ("Current.Import", Some("L2"), "A"),
        MeterColumn::CurrentL3A => ("Current.Import", Some("L3"), "A"),
        MeterColumn::CurrentOfferedA => ("Current.Offered", None, "A"),
        MeterColumn::VoltageV => ("Voltage", None, "V"),
        MeterColumn::VoltageL1V => ("Voltage", Some("L1"), "V"),
        MeterColumn::VoltageL2V => ("Voltage", Some("L2"), "V"),
        MeterColumn::VoltageL3V => ("Voltage", Some("L3"), "V"),
        MeterColumn::FrequencyHz => ("Frequency", None, "Hz"),
        MeterColumn::PowerFactor => ("Power.Factor", None, ""),
        MeterColumn::SocPercent => ("SoC", None, "Percent"),
        MeterColumn::TemperatureC => ("Temperature", None, "Celsius"),
    }
}
