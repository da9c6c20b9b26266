//! `to_char`: by PostgreSQL's templates, and by strftime's where there is a percent sign.

use std::str::FromStr;
use std::sync::Arc;

use arrow::array::timezone::Tz;
use arrow::array::{Array, ArrayRef, AsArray, StringBuilder};
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, Decimal128Type, DurationMicrosecondType, Float64Type, IntervalMonthDayNanoType,
    IntervalUnit, Time64MicrosecondType, TimeUnit, TimestampMicrosecondType,
};
use chrono::{DateTime, Datelike, Offset, TimeZone, Timelike};
use datafusion::common::ScalarValue;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::moment::{self, Moment};
use super::numeral::{Number, Template};
use super::template::{self, Piece};

const NAME: &str = "to_char";
const MICROS: DataType = DataType::Timestamp(TimeUnit::Microsecond, None);

/// Around the engine's own, which knows strftime.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct ToChar {
    engines: Arc<ScalarUDF>,
    signature: Signature,
}

impl ToChar {
    pub(super) fn around(engines: Arc<ScalarUDF>) -> Self {
        Self {
            engines,
            signature: Signature::user_defined(Volatility::Stable),
        }
    }

    /// Row by row, each with a template of its own.
    fn each(
        &self,
        values: &ArrayRef,
        formats: &ArrayRef,
        args: &ScalarFunctionArgs,
    ) -> Result<ArrayRef> {
        let formats = formats.as_string::<i32>();
        let mut texts = StringBuilder::new();
        for row in 0..values.len() {
            if formats.is_null(row) {
                texts.append_null();
                continue;
            }
            let one = self.all(&values.slice(row, 1), formats.value(row), args)?;
            let one = one.as_string::<i32>();
            texts.append_option(one.is_valid(0).then(|| one.value(0)));
        }
        Ok(Arc::new(texts.finish()))
    }

    /// All rows by one template.
    fn all(&self, values: &ArrayRef, format: &str, args: &ScalarFunctionArgs) -> Result<ArrayRef> {
        if values.data_type().is_numeric() {
            return numbers(values, format);
        }
        if !format.contains('%') {
            return times(values, &template::pieces(format));
        }
        let format = ScalarValue::Utf8(Some(format.to_owned()));
        let args = ScalarFunctionArgs {
            args: vec![
                ColumnarValue::Array(Arc::clone(values)),
                ColumnarValue::Scalar(format),
            ],
            number_rows: values.len(),
            ..args.clone()
        };
        self.engines
            .invoke_with_args(args)?
            .into_array(values.len())
    }
}

impl ScalarUDFImpl for ToChar {
    fn name(&self) -> &str {
        NAME
    }

    fn aliases(&self) -> &[String] {
        self.engines.aliases()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        let [value, _] = types else {
            let count = types.len();
            return Err(DataFusionError::Plan(format!(
                "{NAME} takes a value and a template, not {count} arguments"
            )));
        };
        let value = match value {
            DataType::Date32 | DataType::Null => MICROS,
            text if text.is_string() => MICROS,
            known if known.is_temporal() || known.is_numeric() => known.clone(),
            other => {
                return Err(DataFusionError::Plan(format!(
                    "{NAME} writes times and numbers, not {other}"
                )));
            }
        };
        Ok(vec![value, DataType::Utf8])
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let is_constant = args
            .args
            .iter()
            .all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let rows = if is_constant { 1 } else { args.number_rows };
        let values = args.args[0].to_array(rows)?;
        let texts = match &args.args[1] {
            ColumnarValue::Scalar(ScalarValue::Utf8(Some(format))) => {
                self.all(&values, format, &args)?
            }
            formats => self.each(&values, &formats.to_array(rows)?, &args)?,
        };
        if is_constant {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(
                &texts, 0,
            )?));
        }
        Ok(ColumnarValue::Array(texts))
    }
}

fn invalid(text: String) -> DataFusionError {
    DataFusionError::Execution(format!("{NAME}: {text}"))
}

fn numbers(values: &ArrayRef, format: &str) -> Result<ArrayRef> {
    let template = Template::read(format).map_err(invalid)?;
    let mut texts = StringBuilder::new();
    if values.data_type().is_floating() {
        let values = cast(values, &DataType::Float64)?;
        for value in values.as_primitive::<Float64Type>() {
            texts.append_option(value.map(|value| template.written(&Number::Float(value))));
        }
        return Ok(Arc::new(texts.finish()));
    }
    let scale = match values.data_type() {
        DataType::Decimal32(_, scale)
        | DataType::Decimal64(_, scale)
        | DataType::Decimal128(_, scale)
        | DataType::Decimal256(_, scale) => *scale,
        _ => 0,
    };
    let values = cast(values, &DataType::Decimal128(38, scale))?;
    for units in values.as_primitive::<Decimal128Type>() {
        let number = |units| Number::Exact {
            units,
            scale: u32::try_from(scale).unwrap_or(0),
        };
        texts.append_option(units.map(|units| template.written(&number(units))));
    }
    Ok(Arc::new(texts.finish()))
}

fn times(values: &ArrayRef, pieces: &[Piece]) -> Result<ArrayRef> {
    let mut texts = StringBuilder::new();
    let mut text = String::new();
    let mut write = |moment: Option<Moment>| -> Result<()> {
        let Some(moment) = moment else {
            texts.append_null();
            return Ok(());
        };
        text.clear();
        moment::write(&mut text, pieces, &moment).map_err(invalid)?;
        texts.append_value(&text);
        Ok(())
    };
    match values.data_type() {
        DataType::Interval(_) => {
            let values = cast(values, &DataType::Interval(IntervalUnit::MonthDayNano))?;
            for value in values.as_primitive::<IntervalMonthDayNanoType>() {
                write(value.map(|value| {
                    length(
                        value.months.into(),
                        value.days.into(),
                        value.nanoseconds / 1_000,
                    )
                }))?;
            }
        }
        DataType::Duration(_) => {
            let values = cast(values, &DataType::Duration(TimeUnit::Microsecond))?;
            for value in values.as_primitive::<DurationMicrosecondType>() {
                write(value.map(|micros| length(0, 0, micros)))?;
            }
        }
        DataType::Time32(_) | DataType::Time64(_) => {
            let values = cast(values, &DataType::Time64(TimeUnit::Microsecond))?;
            for value in values.as_primitive::<Time64MicrosecondType>() {
                write(value.map(|micros| length(0, 0, micros)))?;
            }
        }
        other => {
            let zone = match other {
                DataType::Timestamp(_, zone) => zone.clone(),
                _ => None,
            };
            let tz = zone.as_deref().map(Tz::from_str).transpose()?;
            let values = cast(values, &DataType::Timestamp(TimeUnit::Microsecond, zone))?;
            for value in values.as_primitive::<TimestampMicrosecondType>() {
                let moment = |micros| {
                    let utc = DateTime::from_timestamp_micros(micros);
                    utc.map(|utc| of_time(utc.naive_utc(), tz.as_ref()))
                        .ok_or_else(|| {
                            invalid(format!("{micros} µs since 1970 is beyond the calendar"))
                        })
                };
                write(value.map(moment).transpose()?)?;
            }
        }
    }
    Ok(Arc::new(texts.finish()))
}

fn of_time(utc: chrono::NaiveDateTime, tz: Option<&Tz>) -> Moment {
    let offset = tz.map(|tz| tz.offset_from_utc_datetime(&utc).fix());
    let local = offset.map_or(utc, |offset| utc + offset);
    Moment {
        year: local.year().into(),
        month: local.month().into(),
        day: local.day().into(),
        hour: local.hour().into(),
        minute: local.minute().into(),
        second: local.second().into(),
        micros: i64::from(local.nanosecond() / 1_000),
        date: Some(local.date()),
        offset: offset.map(|offset| offset.local_minus_utc().into()),
    }
}

/// Hours of a length are not days, and days not months, as in PostgreSQL.
fn length(months: i64, days: i64, micros: i64) -> Moment {
    const SECOND: i64 = 1_000_000;
    Moment {
        year: months / 12,
        month: months % 12,
        day: days,
        hour: micros / (3_600 * SECOND),
        minute: micros / (60 * SECOND) % 60,
        second: micros / SECOND % 60,
        micros: micros % SECOND,
        date: None,
        offset: None,
    }
}
