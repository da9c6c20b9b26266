//! `meterValue` of 2.0.1: values are numbers with a unit, a power of ten and perhaps a signature.

use crate::json::{Fault, Reader, is_json_number, write_string};
#[cfg(test)]
use crate::meter::{Location, Phase};
use crate::meter::{
    Measurand, MeterColumns, Named, ReadingContext, Sample, SignedValue, Span, Unit, each,
    optional_text, optional_word, read_value, row_timestamp,
};
#[cfg(test)]
use crate::record::Shape;
use crate::record::{Wire, Word, write_member};
use crate::{Policy, Quirks, Text, Version};

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
    fn read(r: &mut Reader<'a>) -> Result<Self, Fault> {
        // One property of a message holds meter values; a second can only be the first again.
        let Some(columns) = r.columns.take() else {
            return Err(Fault::duplicate("meterValue"));
        };
        each(r, 1, |r| read_value(r, columns, 1, read_sample))?;
        Ok(MeterValueList(columns))
    }

    fn write(&self, out: &mut Vec<u8>) {
        write_list(self.0, out);
    }

    #[cfg(test)]
    fn shape() -> Shape {
        let text = |max| Shape::Text { max: Some(max) };
        let list = |item| Shape::List {
            min: 1,
            max: None,
            item: Box::new(item),
        };
        let measurands = Measurand::ALL.iter().filter(|m| m.is_in(Version::V201));
        let unit = Shape::Object(vec![
            ("unit", false, text(UNIT_MAX)),
            ("multiplier", false, Shape::Integer),
        ]);
        let signed = SIGNED.map(|(name, max)| (name, true, text(max)));
        let sample = Shape::Object(vec![
            ("value", true, Shape::Number),
            ("context", false, ReadingContext::shape()),
            (
                "measurand",
                false,
                Shape::Word(measurands.map(|m| m.as_str()).collect()),
            ),
            ("phase", false, Phase::shape()),
            ("location", false, Location::shape()),
            ("signedMeterValue", false, Shape::Object(signed.into())),
            ("unitOfMeasure", false, unit),
        ]);
        list(Shape::Object(vec![
            ("timestamp", true, Shape::Date),
            ("sampledValue", true, list(sample)),
        ]))
    }
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

fn read_sample(r: &mut Reader<'_>, columns: &mut MeterColumns) -> Result<(), Fault> {
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
        read_property(r, columns, bit, &mut sample, &mut signed).map_err(|fault| fault.at(&key))?;
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
                columns.push_text(r.number()?)
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
            let in_version = |measurand: Measurand| measurand.is_in(Version::V201);
            if let Some(measurand) = optional_word(r, columns, in_version)? {
                sample.measurand = measurand;
            }
        }
        seen::PHASE => sample.phase = optional_word(r, columns, |_| true)?,
        seen::LOCATION => sample.location = optional_word(r, columns, |_| true)?,
        seen::SIGNED if !null(r) => *signed = Some(read_signed(r, columns)?),
        seen::UNIT if !null(r) => read_unit(r, columns, sample)?,
        _ => {}
    }
    Ok(())
}

/// Consumes a tolerated `null`.
fn null(r: &mut Reader<'_>) -> bool {
    r.peek() == b'n'
        && r.policy >= Policy::Tolerant
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

/// The properties of `SignedMeterValueType`, all required, and their limits in characters.
const SIGNED: [(&str, usize); 4] = [
    ("signedMeterData", 2500),
    ("signingMethod", 50),
    ("encodingMethod", 50),
    ("publicKey", 2500),
];

fn read_signed(r: &mut Reader<'_>, columns: &mut MeterColumns) -> Result<SignedValue, Fault> {
    let mut texts: [Option<Span>; 4] = [None; 4];
    let mut members = r.object()?;
    while let Some(key) = r.key(&mut members)? {
        let Some(index) = SIGNED.iter().position(|(name, _)| *name == key) else {
            r.other(&key, &mut members)?;
            continue;
        };
        if texts[index].is_some() {
            return Err(Fault::duplicate(&key));
        }
        let text = r.string().map_err(|fault| fault.at(&key))?;
        let (len, max) = (text.chars().count(), SIGNED[index].1);
        if len > max && !r.tolerate(Quirks::OVER_LONG) {
            return Err(Fault::too_long(len, max).at(&key));
        }
        texts[index] = Some(columns.push_text(&text));
    }
    let text = |index: usize| texts[index].ok_or_else(|| Fault::missing(SIGNED[index].0));
    Ok(SignedValue {
        data: text(0)?,
        signing_method: text(1)?,
        encoding_method: text(2)?,
        public_key: text(3)?,
    })
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
    let text = |text| Text::<'_, { usize::MAX }>::from(text);
    let start = out.len();
    out.extend_from_slice(b"{\"value\":");
    let value = columns.text(sample.value);
    if is_json_number(value) {
        out.extend_from_slice(value.as_bytes());
    } else {
        // It came as a string and is no number; a string it stays.
        write_string(out, value);
    }
    write_member(out, start, "context", &sample.context);
    write_member(
        out,
        start,
        "measurand",
        &text(columns.word(sample.measurand)),
    );
    write_member(
        out,
        start,
        "phase",
        &sample.phase.map(|phase| text(columns.word(phase))),
    );
    let location = sample.location.map(|location| text(columns.word(location)));
    write_member(out, start, "location", &location);
    if let Some(signed) = columns.signed(sample) {
        let spans = [
            signed.data,
            signed.signing_method,
            signed.encoding_method,
            signed.public_key,
        ];
        out.extend_from_slice(b",\"signedMeterValue\":");
        let start = out.len();
        out.push(b'{');
        for ((name, _), span) in SIGNED.into_iter().zip(spans) {
            write_member(out, start, name, &text(columns.text(span)));
        }
        out.push(b'}');
    }
    if sample.unit.is_some() || sample.multiplier != 0 {
        out.extend_from_slice(b",\"unitOfMeasure\":");
        let start = out.len();
        out.push(b'{');
        write_member(
            out,
            start,
            "unit",
            &sample.unit.map(|unit| text(columns.word(unit))),
        );
        let multiplier = Some(sample.multiplier).filter(|&power| power != 0);
        write_member(out, start, "multiplier", &multiplier);
        out.push(b'}');
    }
    out.push(b'}');
}
