//! `meterValue` and `transactionData` of 1.6: values are text, the unit is a word.

use crate::Quirks;
use crate::json::{Fault, Reader};
use crate::meter::{
    Edition, Location, Measurand, MeterColumns, NO_VALUES, Named, ReadingContext, Sample,
    SignedValue, Unit, each, optional_text, optional_word, read_value, row_timestamp,
};
use crate::record::{Wire, Word, words, write_text};

/// A list of meter values; read them from the columns.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MeterValueList<'a>(pub &'a MeterColumns);

impl std::ops::Deref for MeterValueList<'_> {
    type Target = MeterColumns;

    fn deref(&self) -> &MeterColumns {
        self.0
    }
}

words! {
    /// How a value is to be read (1.6 §7.42).
    pub enum ValueFormat {
        Raw,
        SignedData,
    }
}

impl<'a> Wire<'a> for MeterValueList<'a> {
    fn blank() -> Self {
        MeterValueList(&NO_VALUES)
    }

    fn read(r: &mut Reader<'a>) -> Result<Self, Fault> {
        // One property of a message holds meter values; a second can only be the first again.
        let Some(columns) = r.columns.take() else {
            return Err(Fault::duplicate("meterValue"));
        };
        each(r, 0, |r| read_value(r, columns, 0, read_sample))?;
        Ok(MeterValueList(columns))
    }

    fn write(&self, out: &mut Vec<u8>) {
        write_list(self.0, out);
    }
}

/// The properties of a sampled value, one bit each, to notice what comes twice.
mod seen {
    pub(super) const VALUE: u8 = 1;
    pub(super) const CONTEXT: u8 = 1 << 1;
    pub(super) const FORMAT: u8 = 1 << 2;
    pub(super) const MEASURAND: u8 = 1 << 3;
    pub(super) const PHASE: u8 = 1 << 4;
    pub(super) const LOCATION: u8 = 1 << 5;
    pub(super) const UNIT: u8 = 1 << 6;
}

fn read_sample(r: &mut Reader<'_>, columns: &mut MeterColumns) -> Result<(), Fault> {
    let mut sample = Sample::of(Default::default());
    let mut format = ValueFormat::Raw;
    let mut found = 0;
    let mut members = r.object()?;
    while let Some(key) = r.key(&mut members)? {
        let bit = match &*key {
            "value" => seen::VALUE,
            "context" => seen::CONTEXT,
            "format" => seen::FORMAT,
            "measurand" => seen::MEASURAND,
            "phase" => seen::PHASE,
            "location" => seen::LOCATION,
            "unit" => seen::UNIT,
            _ => {
                r.other(&key, &mut members)?;
                continue;
            }
        };
        if found & bit != 0 {
            return Err(Fault::duplicate(&key));
        }
        found |= bit;
        read_property(r, columns, bit, &mut sample, &mut format).map_err(|fault| fault.at(&key))?;
    }
    if found & seen::VALUE == 0 {
        return Err(Fault::missing("value"));
    }
    let signed = (format == ValueFormat::SignedData).then(|| SignedValue {
        data: sample.value,
        ..SignedValue::default()
    });
    columns.push_read(sample, signed);
    Ok(())
}

#[inline]
fn read_property(
    r: &mut Reader<'_>,
    columns: &mut MeterColumns,
    bit: u8,
    sample: &mut Sample,
    format: &mut ValueFormat,
) -> Result<(), Fault> {
    match bit {
        seen::VALUE => {
            // Some stations send the number bare (OpenEVSE).
            let bare = matches!(r.peek(), b'-' | b'0'..=b'9');
            sample.value = if bare && r.tolerate(Quirks::TYPE_COERCED) {
                columns.push_text(r.number()?)
            } else {
                let text = r.string()?;
                columns.push_text(&text)
            };
        }
        seen::CONTEXT => {
            let context = optional_word(r, columns, |_| true)?;
            sample.context = match context {
                Some(Named::Known(context)) => context,
                Some(Named::Other(_)) => ReadingContext::Other,
                None => sample.context,
            };
        }
        seen::FORMAT => {
            if let Some(Named::Known(known)) = optional_word(r, columns, |_| true)? {
                *format = known;
            }
        }
        seen::MEASURAND => {
            let in_version = |measurand: Measurand| measurand.is_in(Edition::V16);
            if let Some(measurand) = optional_word(r, columns, in_version)? {
                sample.measurand = measurand;
            }
        }
        seen::PHASE => sample.phase = optional_word(r, columns, |_| true)?,
        seen::LOCATION => {
            let in_version = |location: Location| location.is_in(Edition::V16);
            sample.location = optional_word(r, columns, in_version)?;
        }
        _ => sample.unit = read_unit(r, columns)?,
    }
    Ok(())
}

fn read_unit(r: &mut Reader<'_>, columns: &mut MeterColumns) -> Result<Option<Named<Unit>>, Fault> {
    let Some(raw) = optional_text(r)? else {
        return Ok(None);
    };
    if raw.is_empty() && r.tolerate(Quirks::EMPTY_STRING) {
        return Ok(None);
    }
    let unit = Unit::parse(&raw).filter(|unit| unit.is_in_v16());
    match unit.or_else(|| Unit::from_alias(&raw).filter(|unit| unit.is_in_v16())) {
        Some(unit) => Ok(Some(Named::Known(unit))),
        None if r.tolerate(Quirks::UNKNOWN_WORD) => {
            let unit = Unit::parse(&raw).or_else(|| Unit::from_alias(&raw));
            Ok(Some(match unit {
                Some(unit) => Named::Known(unit),
                None => Named::Other(columns.push_text(&raw)),
            }))
        }
        None => Err(Fault::value(
            &raw,
            "a unit of 1.6 such as Wh, kWh, W, A, V or Percent",
        )),
    }
}

fn write_list(columns: &MeterColumns, out: &mut Vec<u8>) {
    out.push(b'[');
    for (index, row) in columns.rows().iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        out.extend_from_slice(b"{\"timestamp\":");
        row_timestamp(columns, row).write(out);
        out.extend_from_slice(b",\"sampledValue\":[");
        for (index, sample) in columns.samples(row).iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            write_sample(columns, sample, out);
        }
        out.extend_from_slice(b"]}");
    }
    out.push(b']');
}

fn write_sample(columns: &MeterColumns, sample: &Sample, out: &mut Vec<u8>) {
    assert!(
        sample.multiplier == 0,
        "1.6 has no multiplier; scale the value before"
    );
    out.push(b'{');
    let start = out.len();
    let mut text = |name, text| write_text(out, start, name, text);
    text("value", Some(columns.text(sample.value)));
    text("context", Some(sample.context.as_str()));
    let signed = columns.signed(sample);
    text("format", signed.map(|_| ValueFormat::SignedData.as_str()));
    text("measurand", Some(columns.word(sample.measurand)));
    text("phase", sample.phase.map(|phase| columns.word(phase)));
    text(
        "location",
        sample.location.map(|location| columns.word(location)),
    );
    text("unit", sample.unit.map(|unit| columns.word(unit)));
    out.push(b'}');
}
