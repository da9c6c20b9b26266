//! Meter values, in columns.

use rkyv::{Archive, Deserialize, Serialize};

use super::Retry;

closed_set! {
    /// `ReadingContextEnumType` of OCPP 2.0.1.
    ReadingContext {
        /// At the start of an interruption.
        InterruptionBegin = 1 "Interruption.Begin",
        /// At the end of an interruption.
        InterruptionEnd = 2 "Interruption.End",
        /// None of the others.
        Other = 3 "Other",
        /// Taken at a clock-aligned interval.
        SampleClock = 4 "Sample.Clock",
        /// Taken periodically (the default).
        SamplePeriodic = 5 "Sample.Periodic",
        /// At the start of a transaction.
        TransactionBegin = 6 "Transaction.Begin",
        /// At the end of a transaction.
        TransactionEnd = 7 "Transaction.End",
        /// In answer to a trigger.
        Trigger = 8 "Trigger",
    }
}

closed_set! {
    /// A measurement column of `meter_values`. The code is the index of the column.
    MeterColumn {
        /// `Energy.Active.Import.Register`, milliwatt-hours.
        EnergyWh = 0 "energy_wh",
        /// `Energy.Active.Export.Register`, milliwatt-hours.
        EnergyExportWh = 1 "energy_export_wh",
        /// `Power.Active.Import`, watts.
        PowerW = 2 "power_w",
        /// The same of phase L1.
        PowerL1W = 3 "power_l1_w",
        /// The same of phase L2.
        PowerL2W = 4 "power_l2_w",
        /// The same of phase L3.
        PowerL3W = 5 "power_l3_w",
        /// `Power.Offered`, watts.
        PowerOfferedW = 6 "power_offered_w",
        /// `Current.Import`, amperes.
        CurrentA = 7 "current_a",
        /// The same of phase L1.
        CurrentL1A = 8 "current_l1_a",
        /// The same of phase L2.
        CurrentL2A = 9 "current_l2_a",
        /// The same of phase L3.
        CurrentL3A = 10 "current_l3_a",
        /// `Current.Offered`, amperes.
        CurrentOfferedA = 11 "current_offered_a",
        /// `Voltage`, volts.
        VoltageV = 12 "voltage_v",
        /// The same of phase L1 (or L1-N).
        VoltageL1V = 13 "voltage_l1_v",
        /// The same of phase L2 (or L2-N).
        VoltageL2V = 14 "voltage_l2_v",
        /// The same of phase L3 (or L3-N).
        VoltageL3V = 15 "voltage_l3_v",
        /// `Frequency`, hertz.
        FrequencyHz = 16 "frequency_hz",
        /// `Power.Factor`, 0 to 1.
        PowerFactor = 17 "power_factor",
        /// `SoC`, percent.
        SocPercent = 18 "soc_percent",
        /// `Temperature`, degrees Celsius.
        TemperatureC = 19 "temperature_c",
    }
}

/// Meter values of one message. Values of common measurands lie in [`Reading`]s, all else in [`Sample`]s.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq, Default)]
#[rkyv(derive(Debug))]
pub struct MeterValues {
    /// EVSE; 0 is the main meter.
    pub evse_id: u32,
    /// Connector; 0 when unknown.
    pub connector_id: u32,
    /// Our id, where the station named a transaction.
    pub transaction_id: Option<[u8; 16]>,
    /// The station's name of it; empty where it named none.
    pub ocpp_transaction_id: String,
    /// Recorded while the station was offline.
    pub offline: bool,
    /// One per `meterValue` element.
    pub rows: Vec<MeterRow>,
    /// Values of columns, grouped by row in ascending order.
    pub readings: Vec<Reading>,
    /// Values without a column, grouped by row in ascending order.
    pub samples: Vec<Sample>,
    /// Text that rows and samples point into.
    pub text: String,
    /// Recognises a retry.
    pub retry: Retry,
}

/// A range of [`MeterValues::text`], in bytes.
#[derive(Archive, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, Default)]
#[rkyv(derive(Debug))]
pub struct TextRange {
    /// First byte.
    pub start: u32,
    /// Number of bytes; 0 means absent.
    pub len: u32,
}

/// One `meterValue` element; its ordinal is its index.
#[derive(Archive, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Default)]
#[rkyv(derive(Debug))]
pub struct MeterRow {
    /// The station's time, or the receive time where that is not worth believing.
    pub measured_at: i64,
    /// The station's text.
    pub measured_at_raw: TextRange,
    /// False when `measured_at` is the receive time.
    pub clock_trusted: bool,
    /// [`ReadingContext`].
    pub context: u8,
}

/// One value of a [`MeterColumn`].
#[derive(Archive, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Default)]
#[rkyv(derive(Debug))]
pub struct Reading {
    /// Index into [`MeterValues::rows`].
    pub row: u16,
    /// [`MeterColumn`].
    pub column: u8,
    /// Milliwatt-hours for the two energy columns, else the bits of an `f64`.
    pub bits: i64,
}

/// One sampled value that has no column, as the station wrote it.
#[derive(Archive, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Default)]
#[rkyv(derive(Debug))]
pub struct Sample {
    /// Index into [`MeterValues::rows`].
    pub row: u16,
    /// [`ReadingContext`].
    pub context: u8,
    /// Measurand, phase, location and unit as written; absent ranges mean the specification's default.
    pub measurand: TextRange,
    /// Phase.
    pub phase: TextRange,
    /// Location.
    pub location: TextRange,
    /// Unit.
    pub unit: TextRange,
    /// Value as written.
    pub value: TextRange,
    /// Value times 10^multiplier as a double; NaN where the text is no number.
    pub value_number: f64,
    /// Signed meter data: 2.x `signedMeterValue` as a JSON object, in 1.6 the value of `format: SignedData`.
    pub signed_value: TextRange,
}
