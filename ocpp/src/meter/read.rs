//! The steps that both versions' readers share.

use super::{
    Measurand, MeterColumns, Named, ReadingContext, Sample, SignedValue, Span, Unit, ValueRow,
};
use crate::Quirks;
use crate::json::{Fault, Reader};
use crate::record::{Word, unknown_word};
use crate::timestamp::{Moment, read_moment};

/// Reads the elements of an array; a lone object is taken for an array of one (Huawei). `min` is 1 where the
/// schema wants an element, but an empty array loses nothing and is tolerated (Vestel).
#[inline]
pub(crate) fn each<'a>(
    r: &mut Reader<'a>,
    min: usize,
    mut read: impl FnMut(&mut Reader<'a>) -> Result<(), Fault>,
) -> Result<(), Fault> {
    if r.peek() == b'{' && r.tolerate(Quirks::OBJECT_FOR_ARRAY) {
        return read(r);
    }
    let mut elements = r.array()?;
    let mut index = 0;
    while r.element(&mut elements)? {
        read(r).map_err(|fault| fault.at_index(index))?;
        index += 1;
    }
    if index < min && !r.tolerate(Quirks::EMPTY_ARRAY) {
        return Err(Fault::count(0, format!("at least {min}")));
    }
    Ok(())
}

/// Reads the date of a `meterValue` element.
#[inline]
fn read_timestamp(r: &mut Reader<'_>, columns: &mut MeterColumns) -> Result<(Moment, Span), Fault> {
    let raw = r.string()?;
    let moment = read_moment(r, &raw)?;
    Ok((moment, columns.push_text(&raw)))
}

/// Reads one `meterValue` element of either version; they differ in what a sampled value holds and in how few there may be.
pub(crate) fn read_value<'a>(
    r: &mut Reader<'a>,
    columns: &mut MeterColumns,
    samples_min: usize,
    read_sample: impl Fn(&mut Reader<'a>, &mut MeterColumns) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let first_sample = columns.samples.len();
    let (mut timestamp, mut sampled) = (None, false);
    let mut members = r.object()?;
    while let Some(key) = r.key(&mut members)? {
        match &*key {
            "timestamp" if timestamp.is_none() => {
                timestamp = Some(read_timestamp(r, columns).map_err(|fault| fault.at(&key))?);
            }
            "sampledValue" if !sampled => {
                sampled = true;
                each(r, samples_min, |r| read_sample(r, columns))
                    .map_err(|fault| fault.at(&key))?;
            }
            "timestamp" | "sampledValue" => return Err(Fault::duplicate(&key)),
            _ => r.other(&key, &mut members)?,
        }
    }
    let timestamp = timestamp.ok_or_else(|| Fault::missing("timestamp"))?;
    if !sampled {
        return Err(Fault::missing("sampledValue"));
    }
    push_value(columns, timestamp, first_sample);
    Ok(())
}

/// Ends a `meterValue` element whose samples began at `first_sample`.
#[inline]
fn push_value(columns: &mut MeterColumns, (moment, raw): (Moment, Span), first_sample: usize) {
    columns.rows.push(ValueRow {
        utc_micros: moment.utc_micros,
        zone: moment.zone,
        raw,
        first_sample: first_sample as u32,
        sample_count: (columns.samples.len() - first_sample) as u32,
    });
}

/// Reads an optional string; `null` is tolerated.
#[inline(always)]
pub(crate) fn optional_text<'a>(
    r: &mut Reader<'a>,
) -> Result<Option<std::borrow::Cow<'a, str>>, Fault> {
    if r.peek() == b'n' && r.may(Quirks::NULL_OPTIONAL) && r.literal("null") {
        r.tolerate(Quirks::NULL_OPTIONAL);
        return Ok(None);
    }
    r.string().map(Some)
}

/// Reads an optional word; an unknown one is kept as sent, `null` and `""` mean that it is not there.
#[inline]
pub(crate) fn optional_word<W: Word>(
    r: &mut Reader<'_>,
    columns: &mut MeterColumns,
    allowed: impl Fn(W) -> bool,
) -> Result<Option<Named<W>>, Fault> {
    let Some(raw) = optional_text(r)? else {
        return Ok(None);
    };
    match W::parse(&raw) {
        Some(word) if allowed(word) || r.tolerate(Quirks::UNKNOWN_WORD) => {
            Ok(Some(Named::Known(word)))
        }
        None if raw.is_empty() && r.tolerate(Quirks::EMPTY_STRING) => Ok(None),
        None if r.tolerate(Quirks::UNKNOWN_WORD) => Ok(Some(Named::Other(columns.push_text(&raw)))),
        Some(_) | None => {
            let words = W::ALL.iter().filter(|word| allowed(**word));
            let words: Vec<&str> = words.map(|word| word.as_str()).collect();
            Err(unknown_word(&raw, &words))
        }
    }
}

impl Sample {
    /// A sample of `value` with the specification's defaults for the rest.
    #[inline]
    pub(crate) fn of(value: Span) -> Sample {
        Sample {
            measurand: Named::Known(Measurand::EnergyActiveImportRegister),
            phase: None,
            location: None,
            context: ReadingContext::SamplePeriodic,
            unit: None,
            value,
            multiplier: 0,
            signed: None,
        }
    }

    /// Fills in the unit that the measurand implies, where none was sent.
    #[inline]
    pub(crate) fn with_default_unit(mut self) -> Sample {
        if self.unit.is_none() {
            self.unit = match self.measurand {
                Named::Known(measurand) => measurand.default_unit().map(Named::Known),
                Named::Other(_) => None,
            };
        }
        self
    }
}

impl MeterColumns {
    /// Adds a sample that was read, with its signed value.
    #[inline]
    pub(crate) fn push_read(&mut self, mut sample: Sample, signed: Option<SignedValue>) {
        if let Some(signed) = signed {
            sample.signed = Some(self.signed.len() as u32);
            self.signed.push(signed);
        }
        self.samples.push(sample.with_default_unit());
    }
}

impl Unit {
    /// The unit behind a spelling that is not its own but common: 1.6 itself has `Celcius` (J errata 2025-04 §2.1
    /// wants both accepted), some copies of its schemas `Hertz`.
    pub(crate) fn from_alias(text: &str) -> Option<Unit> {
        match text {
            "Celcius" => Some(Unit::Celsius),
            "Hertz" => Some(Unit::Hz),
            _ => None,
        }
    }
}
