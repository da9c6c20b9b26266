//! Meter values as columns: one row per `meterValue` element, of the context of its first sample.
//!
//! A column takes the sample of its measurand that is unphased, or of the named phase, at the outlet; every other
//! sample is kept as it was written. The state of charge is the vehicle's wherever it was measured.
//!
//! An energy register of another context has a row of its own behind that: a station may tell the registers of a
//! transaction's beginning and of its end in one element, and what is billed lies between them.

use std::borrow::Cow;

use fleet::UtcMicros;
use fleet::record::{
    MeterColumn, MeterRow, MeterValues, Reading, ReadingContext, Sample, TextRange,
};
use ocpp::meter::{self, Location, Measurand, Named, Phase, SignedValue, Unit};
use ocpp::{MeterColumns, Zone};

/// Writes the message's values into `values`, whose other members stay as they are. Reuses its memory.
pub(crate) fn fill(values: &mut MeterValues, columns: &MeterColumns, received_at: UtcMicros) {
    values.rows.clear();
    values.readings.clear();
    values.samples.clear();
    values.text.clear();
    // A message of 1 MiB holds fewer rows than 2^16; the log's index could not name more.
    for value_row in columns.rows() {
        let Ok(row) = u16::try_from(values.rows.len()) else {
            break;
        };
        let samples = columns.samples(value_row);
        let row_context = samples
            .first()
            .map_or(ReadingContext::SamplePeriodic, |s| context(s.context));
        let trusted = value_row.zone != Zone::Distrusted
            && UtcMicros(value_row.utc_micros).is_trusted(received_at);
        let raw = push_text(&mut values.text, columns.text(value_row.raw));
        values.rows.push(MeterRow {
            measured_at: if trusted {
                value_row.utc_micros
            } else {
                received_at.0
            },
            measured_at_raw: raw,
            clock_trusted: trusted,
            context: row_context.code(),
        });
        let first_reading = values.readings.len();
        for sample in samples {
            let found = column(columns, sample).and_then(|column| reading(columns, sample, column));
            let found = found.and_then(|(column, bits)| {
                let row = row_for(&mut values.rows, row, context(sample.context), column)?;
                let column = column.code();
                Some(Reading { row, column, bits })
            });
            let reading = found.filter(|found| {
                // The first of two samples for one column has it.
                values.readings[first_reading..]
                    .iter()
                    .all(|other| (other.row, other.column) != (found.row, found.column))
            });
            match reading {
                Some(reading) => values.readings.push(reading),
                None => push_sample(values, columns, row, sample),
            }
            if let Some(Reading { row, .. }) = reading
                && columns.signed(sample).is_some()
            {
                // The signature covers the value as written.
                push_sample(values, columns, row, sample);
            }
        }
    }
}

/// The row for a sample of this context and column in the element whose first row is `first`, made if an energy
/// register needs it.
fn row_for(
    rows: &mut Vec<MeterRow>,
    first: u16,
    context: ReadingContext,
    column: MeterColumn,
) -> Option<u16> {
    let of_element = rows.get(usize::from(first)..)?;
    let is_register = matches!(column, MeterColumn::EnergyWh | MeterColumn::EnergyExportWh);
    let found = of_element
        .iter()
        .take(if is_register { of_element.len() } else { 1 })
        .position(|row| row.context == context.code());
    match (found, is_register) {
        (Some(behind), _) => u16::try_from(usize::from(first) + behind).ok(),
        (None, false) => None,
        (None, true) => {
            let row = u16::try_from(rows.len()).ok()?;
            let like = *of_element.first()?;
            rows.push(MeterRow {
                context: context.code(),
                ..like
            });
            Some(row)
        }
    }
}

/// One row with one register: meterStart and meterStop of 1.6, in watt-hours. Answers it in milliwatt-hours; one that
/// cannot be held so is a sample as the station wrote it, and no register.
pub(crate) fn push_register(
    values: &mut MeterValues,
    occurred: &fleet::record::Moment,
    context: ReadingContext,
    register_wh: i64,
) -> Option<i64> {
    const PETAWATT_HOURS_0_9: u64 = 900_000_000_000_000_000;
    let register_mwh = register_wh
        .checked_mul(1_000)
        .filter(|mwh| mwh.unsigned_abs() <= PETAWATT_HOURS_0_9);
    let row = values.rows.len() as u16;
    let measured_at_raw = push_text(&mut values.text, &occurred.raw);
    values.rows.push(MeterRow {
        measured_at: occurred.at,
        measured_at_raw,
        clock_trusted: occurred.clock_trusted,
        context: context.code(),
    });
    match register_mwh {
        Some(bits) => values.readings.push(Reading {
            row,
            column: MeterColumn::EnergyWh.code(),
            bits,
        }),
        None => {
            let value = push_text(&mut values.text, &register_wh.to_string());
            // Absent texts mean what meterStart and meterStop mean: an import register in watt-hours.
            values.samples.push(Sample {
                row,
                context: context.code(),
                value,
                value_number: register_wh as f64,
                ..Sample::default()
            });
        }
    }
    register_mwh
}

/// The value of a sample that has a column and can be held there.
fn reading(
    columns: &MeterColumns,
    sample: &meter::Sample,
    column: MeterColumn,
) -> Option<(MeterColumn, i64)> {
    if is_signed_itself(columns, sample) {
        return None;
    }
    let bits = match column {
        MeterColumn::EnergyWh | MeterColumn::EnergyExportWh => columns.energy(sample).ok()?,
        _ => columns.number(sample).ok()?.to_bits() as i64,
    };
    Some((column, bits))
}

/// In 1.6 what is signed stands in place of the value: digits there are the meter's own format, and no register.
fn is_signed_itself(columns: &MeterColumns, sample: &meter::Sample) -> bool {
    let signed = columns.signed(sample);
    signed.is_some_and(|signed| signed.data == sample.value)
}

/// The unit that stations mean by a word that is none of the specification's.
fn meant(word: &str) -> Option<Unit> {
    match word.trim() {
        "%" => Some(Unit::Percent),
        "°C" | "C" => Some(Unit::Celsius),
        "Volt" | "Volts" => Some(Unit::V),
        "Amp" | "Amps" | "Ampere" | "Amperes" => Some(Unit::A),
        "Watt" | "Watts" => Some(Unit::W),
        _ => None,
    }
}

/// The column that a sample belongs to.
fn column(columns: &MeterColumns, sample: &meter::Sample) -> Option<MeterColumn> {
    use MeterColumn as Column;

    let Named::Known(measurand) = sample.measurand else {
        return None;
    };
    // What is told in a unit of another kind, or in one that nobody knows, is nothing that a column could hold.
    let is_of_kind = match sample.unit {
        None => true,
        Some(Named::Known(unit)) => measurand.default_unit() == Some(unit.base()),
        Some(Named::Other(word)) => {
            let meant = meant(columns.text(word));
            meant.is_some() && meant == measurand.default_unit()
        }
    };
    if !is_of_kind {
        return None;
    }
    match sample.location {
        None | Some(Named::Known(Location::Outlet)) => {}
        Some(Named::Known(Location::EV)) if measurand == Measurand::SoC => {}
        Some(_) => return None,
    }
    let phase = match sample.phase {
        None => None,
        Some(Named::Known(phase)) => Some(phase),
        Some(Named::Other(_)) => return None,
    };
    let phased = |all, l1, l2, l3| match phase {
        None => Some(all),
        Some(Phase::L1 | Phase::L1N) => Some(l1),
        Some(Phase::L2 | Phase::L2N) => Some(l2),
        Some(Phase::L3 | Phase::L3N) => Some(l3),
        Some(Phase::N | Phase::L1L2 | Phase::L2L3 | Phase::L3L1) => None,
    };
    let unphased = |column| phase.is_none().then_some(column);
    match measurand {
        Measurand::EnergyActiveImportRegister => unphased(Column::EnergyWh),
        Measurand::EnergyActiveExportRegister => unphased(Column::EnergyExportWh),
        Measurand::PowerActiveImport => phased(
            Column::PowerW,
            Column::PowerL1W,
            Column::PowerL2W,
            Column::PowerL3W,
        ),
        Measurand::PowerOffered => unphased(Column::PowerOfferedW),
        Measurand::CurrentImport => phased(
            Column::CurrentA,
            Column::CurrentL1A,
            Column::CurrentL2A,
            Column::CurrentL3A,
        ),
        Measurand::CurrentOffered => unphased(Column::CurrentOfferedA),
        Measurand::Voltage => phased(
            Column::VoltageV,
            Column::VoltageL1V,
            Column::VoltageL2V,
            Column::VoltageL3V,
        ),
        Measurand::Frequency => unphased(Column::FrequencyHz),
        Measurand::PowerFactor => unphased(Column::PowerFactor),
        Measurand::SoC => unphased(Column::SocPercent),
        Measurand::Temperature => unphased(Column::TemperatureC),
        Measurand::EnergyReactiveImportRegister
        | Measurand::EnergyReactiveExportRegister
        | Measurand::EnergyActiveImportInterval
        | Measurand::EnergyActiveExportInterval
        | Measurand::EnergyReactiveImportInterval
        | Measurand::EnergyReactiveExportInterval
        | Measurand::PowerActiveExport
        | Measurand::PowerReactiveImport
        | Measurand::PowerReactiveExport
        | Measurand::CurrentExport
        | Measurand::Rpm
        | Measurand::EnergyActiveNet
        | Measurand::EnergyReactiveNet
        | Measurand::EnergyApparentNet
        | Measurand::EnergyApparentImport
        | Measurand::EnergyApparentExport
        | Measurand::CurrentExportOffered
        | Measurand::CurrentExportMinimum
        | Measurand::CurrentImportOffered
        | Measurand::CurrentImportMinimum
        | Measurand::DisplayPresentSoc
        | Measurand::DisplayMinimumSoc
        | Measurand::DisplayTargetSoc
        | Measurand::DisplayMaximumSoc
        | Measurand::DisplayRemainingTimeToMinimumSoc
        | Measurand::DisplayRemainingTimeToTargetSoc
        | Measurand::DisplayRemainingTimeToMaximumSoc
        | Measurand::DisplayChargingComplete
        | Measurand::DisplayBatteryEnergyCapacity
        | Measurand::DisplayInletHot
        | Measurand::EnergyActiveImportCableLoss
        | Measurand::EnergyActiveImportLocalGenerationRegister
        | Measurand::EnergyActiveSetpointInterval
        | Measurand::EnergyRequestTarget
        | Measurand::EnergyRequestMinimum
        | Measurand::EnergyRequestMaximum
        | Measurand::EnergyRequestMinimumV2X
        | Measurand::EnergyRequestMaximumV2X
        | Measurand::EnergyRequestBulk
        | Measurand::PowerActiveSetpoint
        | Measurand::PowerActiveResidual
        | Measurand::PowerExportMinimum
        | Measurand::PowerExportOffered
        | Measurand::PowerImportOffered
        | Measurand::PowerImportMinimum
        | Measurand::VoltageMinimum
        | Measurand::VoltageMaximum => None,
    }
}

fn push_sample(values: &mut MeterValues, columns: &MeterColumns, row: u16, sample: &meter::Sample) {
    let text = &mut values.text;
    let measurand = push_text(text, columns.word(sample.measurand));
    let phase = sample.phase.map_or("", |phase| columns.word(phase));
    let phase = push_text(text, phase);
    let location = sample
        .location
        .map_or("", |location| columns.word(location));
    let location = push_text(text, location);
    let unit = sample.unit.map_or("", |unit| columns.word(unit));
    let unit = push_text(text, unit);
    let value = push_text(text, columns.text(sample.value));
    let signed = columns.signed(sample);
    let signed = signed.map_or(Cow::Borrowed(""), |signed| signed_value(columns, signed));
    let signed_value = push_text(text, &signed);
    values.samples.push(Sample {
        row,
        context: context(sample.context).code(),
        measurand,
        phase,
        location,
        unit,
        value,
        value_number: match is_signed_itself(columns, sample) {
            true => f64::NAN,
            false => columns.number(sample).unwrap_or(f64::NAN),
        },
        signed_value,
    });
}

/// A signed value with what it takes to check it: the object `signedMeterValue` of 2.x, members in the order of its
/// schema. In 1.6, and where a station says nothing but the data, the data as written.
fn signed_value<'c>(columns: &'c MeterColumns, signed: &SignedValue) -> Cow<'c, str> {
    let data = columns.text(signed.data);
    let beside = [
        ("signingMethod", columns.text(signed.signing_method)),
        ("encodingMethod", columns.text(signed.encoding_method)),
        ("publicKey", columns.text(signed.public_key)),
    ];
    if beside.iter().all(|(_, text)| text.is_empty()) {
        return Cow::Borrowed(data);
    }
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let mut object = format!("{{\"signedMeterData\":{}", quoted(data));
    for (name, text) in beside {
        object.push_str(&format!(",\"{name}\":{}", quoted(text)));
    }
    object.push('}');
    Cow::Owned(object)
}

/// Both sets are the one of OCPP 2.0.1.
fn context(context: meter::ReadingContext) -> ReadingContext {
    match context {
        meter::ReadingContext::SamplePeriodic => ReadingContext::SamplePeriodic,
        meter::ReadingContext::SampleClock => ReadingContext::SampleClock,
        meter::ReadingContext::TransactionBegin => ReadingContext::TransactionBegin,
        meter::ReadingContext::TransactionEnd => ReadingContext::TransactionEnd,
        meter::ReadingContext::Trigger => ReadingContext::Trigger,
        meter::ReadingContext::InterruptionBegin => ReadingContext::InterruptionBegin,
        meter::ReadingContext::InterruptionEnd => ReadingContext::InterruptionEnd,
        meter::ReadingContext::Other => ReadingContext::Other,
    }
}

fn push_text(arena: &mut String, text: &str) -> TextRange {
    if text.is_empty() {
        return TextRange::default();
    }
    let start = arena.len() as u32;
    arena.push_str(text);
    TextRange {
        start,
        len: text.len() as u32,
    }
}

#[cfg(test)]
mod tests;
