//! Meter values as columns: JSON goes straight into them, without a tree and without allocation.
//!
//! One [`ValueRow`] stands for one `meterValue` element, one [`Sample`] for one `sampledValue`; texts lie in one
//! arena. The columns are reused from message to message. Every version fills them (`v16::MeterValueList`,
//! `v201::MeterValueList` and so on), so whoever reads them need not know the version.

mod read;
mod reading;
mod words;

pub(crate) use read::{each, optional_text, optional_word, read_value};
pub use reading::{ReadingError, energy, number};
pub(crate) use words::Edition;
pub use words::{Location, Measurand, Phase, ReadingContext, Unit};

use crate::record::Word;
use crate::{Timestamp, Zone};

/// Rows and samples, and bytes of text, that [`MeterColumns::clear`] keeps room for; a larger message gives its
/// memory back.
const SAMPLES_KEPT: usize = 1_024;
const TEXT_KEPT: usize = 64 * 1_024;

/// The meter values of one message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MeterColumns {
    pub(crate) rows: Vec<ValueRow>,
    pub(crate) samples: Vec<Sample>,
    signed: Vec<SignedValue>,
    text: String,
}

/// What a list of meter values shows until it is read.
pub(crate) static NO_VALUES: MeterColumns = MeterColumns::new();

/// A piece of the columns' text; see [`MeterColumns::text`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Span {
    start: u32,
    len: u32,
}

/// One `meterValue` element: when it was measured and its samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ValueRow {
    /// Microseconds of UTC.
    pub utc_micros: i64,
    /// The zone the date was written in.
    pub zone: Zone,
    /// The date as sent.
    pub raw: Span,
    first_sample: u32,
    sample_count: u32,
}

/// A word that the specification names, or the station's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named<W> {
    /// A word of the set.
    Known(W),
    /// Any other, as sent.
    Other(Span),
}

/// One `sampledValue`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// What was measured; `Energy.Active.Import.Register` where it was left out.
    pub measurand: Named<Measurand>,
    /// The phase or pair of phases; `None` for all together.
    pub phase: Option<Named<Phase>>,
    /// Where; `None` where it was left out, which means the outlet.
    pub location: Option<Named<Location>>,
    /// Why it was taken; `Sample.Periodic` where it was left out, `Other` for an unknown word.
    pub context: ReadingContext,
    /// The unit sent, else the measurand's own; `None` for one that has none.
    pub unit: Option<Named<Unit>>,
    /// The value as sent, before the multiplier: a decimal, or in 1.6 any text.
    pub value: Span,
    /// Power of ten to multiply the value by; 0 in 1.6.
    pub multiplier: i8,
    /// Index of the signed value, if one came along.
    signed: Option<u32>,
}

/// A signed meter value; empty spans where the version has no such field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct SignedValue {
    /// The signed data, usually Base64. In 1.6 it is the value itself (`format` = `SignedData`).
    pub data: Span,
    /// How it was signed (2.0.1).
    pub signing_method: Span,
    /// How it was encoded, such as OCMF (2.0.1).
    pub encoding_method: Span,
    /// The key to check it with (2.0.1).
    pub public_key: Span,
}

/// A sample to be sent; `..NewSample::default()` is the specification's default.
#[derive(Clone, Copy, Debug)]
pub struct NewSample<'v> {
    /// What was measured.
    pub measurand: Measurand,
    /// The phase or pair of phases.
    pub phase: Option<Phase>,
    /// Where.
    pub location: Option<Location>,
    /// Why it was taken.
    pub context: ReadingContext,
    /// The unit; `None` leaves it out.
    pub unit: Option<Unit>,
    /// A decimal.
    pub value: &'v str,
    /// Power of ten to multiply the value by; must be 0 for 1.6, which has no place for it.
    pub multiplier: i8,
}

impl Default for NewSample<'_> {
    fn default() -> Self {
        NewSample {
            measurand: Measurand::EnergyActiveImportRegister,
            phase: None,
            location: None,
            context: ReadingContext::SamplePeriodic,
            unit: None,
            value: "0",
            multiplier: 0,
        }
    }
}

impl MeterColumns {
    /// Empty columns; nothing is allocated before the first sample.
    pub const fn new() -> MeterColumns {
        MeterColumns {
            rows: Vec::new(),
            samples: Vec::new(),
            signed: Vec::new(),
            text: String::new(),
        }
    }

    /// Forgets the values and keeps the memory, up to that of a large message.
    pub fn clear(&mut self) {
        self.rows.clear();
        self.samples.clear();
        self.signed.clear();
        self.text.clear();
        let values = self.samples.capacity().max(self.rows.capacity());
        if values > SAMPLES_KEPT || self.text.capacity() > TEXT_KEPT {
            *self = MeterColumns::default();
        }
    }

    /// True without a single `meterValue` element.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The `meterValue` elements, in the order of the message.
    pub fn rows(&self) -> &[ValueRow] {
        &self.rows
    }

    /// The samples of one of [`MeterColumns::rows`].
    pub fn samples(&self, row: &ValueRow) -> &[Sample] {
        let first = row.first_sample as usize;
        &self.samples[first..first + row.sample_count as usize]
    }

    /// The text of a span of these columns.
    pub fn text(&self, span: Span) -> &str {
        let start = span.start as usize;
        &self.text[start..start + span.len as usize]
    }

    /// A word as sent.
    pub fn word<W: Word>(&self, word: Named<W>) -> &str {
        match word {
            Named::Known(word) => word.as_str(),
            Named::Other(span) => self.text(span),
        }
    }

    /// The signed value that came with a sample.
    pub fn signed(&self, sample: &Sample) -> Option<&SignedValue> {
        sample.signed.map(|index| &self.signed[index as usize])
    }

    /// The sample as energy, exactly; see [`energy`].
    ///
    /// # Errors
    ///
    /// Those of [`energy`].
    pub fn energy(&self, sample: &Sample) -> Result<i64, ReadingError> {
        match sample.unit {
            Some(Named::Known(unit)) => energy(self.text(sample.value), sample.multiplier, unit),
            Some(Named::Other(_)) | None => Err(ReadingError::UnknownUnit),
        }
    }

    /// The sample as a double in the base unit of its kind; see [`number`].
    ///
    /// # Errors
    ///
    /// Those of [`number`].
    pub fn number(&self, sample: &Sample) -> Result<f64, ReadingError> {
        let unit = match sample.unit {
            Some(Named::Known(unit)) => Some(unit),
            Some(Named::Other(_)) | None => None,
        };
        number(self.text(sample.value), sample.multiplier, unit)
    }

    /// Begins a `meterValue` element that is to be sent.
    pub fn push_row(&mut self, at: &Timestamp<'_>) {
        let raw = self.push_text(at.raw.as_deref().unwrap_or(""));
        self.rows.push(ValueRow {
            utc_micros: at.utc_micros,
            zone: at.zone,
            raw,
            first_sample: self.samples.len() as u32,
            sample_count: 0,
        });
    }

    /// Adds a sample to the element begun last.
    ///
    /// # Panics
    ///
    /// Before the first [`MeterColumns::push_row`].
    pub fn push_sample(&mut self, sample: NewSample<'_>) {
        let value = self.push_text(sample.value);
        let row = self
            .rows
            .last_mut()
            .expect("push_row comes before push_sample");
        row.sample_count += 1;
        self.samples.push(Sample {
            measurand: Named::Known(sample.measurand),
            phase: sample.phase.map(Named::Known),
            location: sample.location.map(Named::Known),
            context: sample.context,
            unit: sample.unit.map(Named::Known),
            value,
            multiplier: sample.multiplier,
            signed: None,
        });
    }

    pub(crate) fn push_text(&mut self, text: &str) -> Span {
        let start = self.text.len();
        self.text.push_str(text);
        // A message is far smaller; columns that someone fills for ever are a bug.
        assert!(
            self.text.len() <= u32::MAX as usize,
            "meter columns hold at most 4 GiB of text"
        );
        Span {
            start: start as u32,
            len: text.len() as u32,
        }
    }
}

/// The moment of a row as it goes on the wire again.
pub(crate) fn row_timestamp<'c>(columns: &'c MeterColumns, row: &ValueRow) -> Timestamp<'c> {
    Timestamp {
        raw: Some(columns.text(row.raw))
            .filter(|raw| !raw.is_empty())
            .map(Into::into),
        utc_micros: row.utc_micros,
        zone: row.zone,
    }
}
