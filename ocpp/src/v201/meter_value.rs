//! `meterValue` of 2.0.1: values are numbers with a unit, a power of ten and perhaps a signature.

use crate::Quirks;
use crate::json::{Fault, Reader, is_json_number, write_string};
use crate::meter::{
    Edition, Location, Measurand, MeterColumns, NO_VALUES, Named, ReadingContext, Sample,
    SignedValue, Span, Unit, each, optional_text, optional_word, read_value, row_timestamp,
};
use crate::record::{Wire, Word, write_named, write_text};

/// A list of meter values; read them from the columns.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MeterValueList<'a>(pub &'a MeterColumns);

impl std::ops::Deref for MeterValueList<'_> {
    type Target = MeterColumns;

    fn deref(&self) -> &MeterColumns {
        self.0
    }
}

impl<'a> Wire<'a> for MeterValueList<'a> {
    fn blank() -> Self {
        MeterValueList(&NO_VALUES)
    }

    fn read(r: &mut Reader<'a>) -> Result<Self, Fault> {
        read_list(r, Edition::V201).map(MeterValueList)
    }

    fn write(&self, out: &mut Vec<u8>) {
        write_list(self.0, Edition::V201, out);
    }
}

/// Reads the list of 2.0.1 or 2.1, which differ in words and in what a signature must have.
pub(crate) fn read_list<'a>(
    r: &mut Reader<'a>,
    edition: Edition,
) -> Result<&'a MeterColumns, Fault> {
    // One property of a message holds meter values; a second can only be the first again.
    let Some(columns) = r.columns.take() else {
        return Err(Fault::duplicate("meterValue"));
    };
    each(r, 1, |r| {
        read_value(r, columns, 1, |r, columns| read_sample(r, columns, edition))
    })?;
    Ok(columns)
}

/// The properties of a sampled value, one bit each, to notice what comes twice.
mod seen {
    pub(super) const VALUE: u8 = 1;
    pub(super) const CONTEXT: u8 = 1 << 1;
    pub(super) const MEASURAND: u8 = 1 << 2;
    pub(super) const PHASE: u8 = 1 << 3;
    pub(super) const LOCATION: u8 = 1 << 4;
    pub(super) const SIGNED: u8 = 1 << 5;
    pub(super) const UNIT: u8 = 1 << 6;
}

fn read_sample(
    r: &mut Reader<'_>,
    columns: &mut MeterColumns,
    edition: Edition,
) -> Result<(), Fault> {
    let mut sample = Sample::of(Span::default());
    let mut signed = None;
    let mut found = 0;
    let mut members = r.object()?;
    while let Some(key) = r.key(&mut members)? {
        let bit = match &*key {
            "value" => seen::VALUE,
            "context" => seen::CONTEXT,
            "measurand" => seen::MEASURAND,
            "phase" => seen::PHASE,
            "location" => seen::LOCATION,
            "signedMeterValue" => seen::SIGNED,
            "unitOfMeasure" => seen::UNIT,
            _ => {
                r.other(&key, &mut members)?;
                continue;
            }
        };
        if found & bit != 0 {
            return Err(Fault::duplicate(&key));
        }
        found |= bit;
        read_property(r, columns, edition, bit, &mut sample, &mut signed)
            .map_err(|fault| fault.at(&key))?;
    }
    if found & seen::VALUE == 0 {
        return Err(Fault::missing("value"));
    }
    columns.push_read(sample, signed);
    Ok(())
}

#[inline]
fn read_property(
    r: &mut Reader<'_>,
    columns: &mut MeterColumns,
    edition: Edition,
    bit: u8,
    sample: &mut Sample,
    signed: &mut Option<SignedValue>,
) -> Result<(), Fault> {
    match bit {
        seen::VALUE => {
            // 1.6 had a string here, and some stations kept it.
            sample.value = if r.peek() == b'"' && r.tolerate(Quirks::TYPE_COERCED) {
                let text = r.string()?;
                columns.push_text(&text)
            } else {
                let lexeme = r.number()?;
                // From a station it is taken as it is: the sample is of no use, the others are.
                if !r.may(Quirks::NUMBER_FORM) && !lexeme.parse().is_ok_and(f64::is_finite) {
                    return Err(Fault::value(lexeme, "a number that a double holds"));
                }
                columns.push_text(lexeme)
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
        seen::MEASURAND => {
            let in_version = |measurand: Measurand| measurand.is_in(edition);
            if let Some(measurand) = optional_word(r, columns, in_version)? {
                sample.measurand = measurand;
            }
        }
        seen::PHASE => sample.phase = optional_word(r, columns, |_| true)?,
        seen::LOCATION => {
            let in_version = |location: Location| location.is_in(edition);
            sample.location = optional_word(r, columns, in_version)?;
        }
        seen::SIGNED if !null(r) => *signed = Some(read_signed(r, columns, edition)?),
        seen::UNIT if !null(r) => read_unit(r, columns, sample)?,
        _ => {}
    }
    Ok(())
}

/// Consumes a tolerated `null`.
fn null(r: &mut Reader<'_>) -> bool {
    r.peek() == b'n'
        && r.may(Quirks::NULL_OPTIONAL)
        && r.literal("null")
        && r.tolerate(Quirks::NULL_OPTIONAL)
}

/// Longest unit, in characters.
const UNIT_MAX: usize = 20;

/// `UnitOfMeasureType`: any text, and a power of ten.
fn read_unit(
    r: &mut Reader<'_>,
    columns: &mut MeterColumns,
    sample: &mut Sample,
) -> Result<(), Fault> {
    let (mut unit, mut multiplier) = (false, false);
    let mut members = r.object()?;
    while let Some(key) = r.key(&mut members)? {
        match &*key {
            "unit" if !unit => {
                unit = true;
                let Some(raw) = optional_text(r).map_err(|fault| fault.at(&key))? else {
                    continue;
                };
                let len = raw.chars().count();
                if len > UNIT_MAX && !r.tolerate(Quirks::OVER_LONG) {
                    return Err(Fault::too_long(len, UNIT_MAX).at(&key));
                }
                sample.unit = match Unit::parse(&raw).or_else(|| Unit::from_alias(&raw)) {
                    Some(unit) => Some(Named::Known(unit)),
                    None if raw.is_empty() => None,
                    None => Some(Named::Other(columns.push_text(&raw))),
                };
            }
            "multiplier" if !multiplier => {
                multiplier = true;
                let power = Option::<i8>::read(r).map_err(|fault| fault.at(&key))?;
                sample.multiplier = power.unwrap_or(0);
            }
            "unit" | "multiplier" => return Err(Fault::duplicate(&key)),
            _ => r.other(&key, &mut members)?,
        }
    }
    Ok(())
}

/// The properties of `SignedMeterValueType`.
const SIGNED: [&str; 4] = [
    "signedMeterData",
    "signingMethod",
    "encodingMethod",
    "publicKey",
];

/// For each of [`SIGNED`] its limit in characters, and whether it must be there.
const fn signed_rules(edition: Edition) -> [(usize, bool); 4] {
    match edition {
        Edition::V16 | Edition::V201 => [(2500, true), (50, true), (50, true), (2500, true)],
        Edition::V21 => [(32_768, true), (50, false), (50, true), (2500, false)],
    }
}

fn read_signed(
    r: &mut Reader<'_>,
    columns: &mut MeterColumns,
    edition: Edition,
) -> Result<SignedValue, Fault> {
    let rules = signed_rules(edition);
    let mut texts: [Option<Span>; 4] = [None; 4];
    let mut members = r.object()?;
    while let Some(key) = r.key(&mut members)? {
        let Some(index) = SIGNED.iter().position(|name| *name == key) else {
            r.other(&key, &mut members)?;
            continue;
        };
        if texts[index].is_some() {
            return Err(Fault::duplicate(&key));
        }
        let text = r.string().map_err(|fault| fault.at(&key))?;
        let (len, max) = (text.chars().count(), rules[index].0);
        if len > max && !r.tolerate(Quirks::OVER_LONG) {
            return Err(Fault::too_long(len, max).at(&key));
        }
        texts[index] = Some(columns.push_text(&text));
    }
    let text = |index: usize| match texts[index] {
        Some(text) => Ok(text),
        None if rules[index].1 => Err(Fault::missing(SIGNED[index])),
        None => Ok(Span::default()),
    };
    Ok(SignedValue {
        data: text(0)?,
        signing_method: text(1)?,
        encoding_method: text(2)?,
        public_key: text(3)?,
    })
}

pub(crate) fn write_list(columns: &MeterColumns, edition: Edition, out: &mut Vec<u8>) {
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
            write_sample(columns, sample, edition, out);
        }
        out.extend_from_slice(b"]}");
    }
    out.push(b']');
}

fn write_sample(columns: &MeterColumns, sample: &Sample, edition: Edition, out: &mut Vec<u8>) {
    out.push(b'{');
    let start = out.len();
    write_named(out, start, "value", |out| {
        let value = columns.text(sample.value);
        if is_json_number(value) {
            out.extend_from_slice(value.as_bytes());
        } else {
            // It came as a string and is no number; a string it stays.
            write_string(out, value);
        }
    });
    let mut text = |name, text| write_text(out, start, name, text);
    text("context", Some(sample.context.as_str()));
    text("measurand", Some(columns.word(sample.measurand)));
    text("phase", sample.phase.map(|phase| columns.word(phase)));
    text(
        "location",
        sample.location.map(|location| columns.word(location)),
    );
    if let Some(signed) = columns.signed(sample) {
        write_named(out, start, "signedMeterValue", |out| {
            write_signed(columns, signed, edition, out);
        });
    }
    if sample.unit.is_some() || sample.multiplier != 0 {
        write_named(out, start, "unitOfMeasure", |out| {
            out.push(b'{');
            let start = out.len();
            let unit = sample.unit.map(|unit| columns.word(unit));
            write_text(out, start, "unit", unit);
            let multiplier = Some(sample.multiplier).filter(|&power| power != 0);
            write_named(out, start, "multiplier", |out| multiplier.write(out));
            out.push(b'}');
        });
    }
    out.push(b'}');
}

fn write_signed(columns: &MeterColumns, signed: &SignedValue, edition: Edition, out: &mut Vec<u8>) {
    let spans = [
        signed.data,
        signed.signing_method,
        signed.encoding_method,
        signed.public_key,
    ];
    out.push(b'{');
    let start = out.len();
    for (index, span) in spans.into_iter().enumerate() {
        let text = Some(columns.text(span));
        let required = signed_rules(edition)[index].1;
        let text = text.filter(|text| required || !text.is_empty());
        write_text(out, start, SIGNED[index], text);
    }
    out.push(b'}');
}
