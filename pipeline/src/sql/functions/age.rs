//! `age`: the time between two moments in years, months, days and hours, as a calendar counts them.

use std::sync::Arc;

use arrow::array::{Array, AsArray, IntervalMonthDayNanoArray};
use arrow::datatypes::{
    DataType, IntervalMonthDayNano, IntervalUnit, TimeUnit, TimestampMicrosecondType,
};
use chrono::{DateTime, Datelike, Months, NaiveDateTime};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

const MICROS: DataType = DataType::Timestamp(TimeUnit::Microsecond, None);

#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Age {
    signature: Signature,
}

impl Age {
    pub(super) fn new() -> Self {
        Self {
            signature: Signature::user_defined(Volatility::Immutable),
        }
    }
}

impl ScalarUDFImpl for Age {
    fn name(&self) -> &str {
        "age"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Interval(IntervalUnit::MonthDayNano))
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        let is_time = |of: &DataType| of.is_temporal() || of.is_string() || of.is_null();
        match types {
            [later, earlier] if is_time(later) && is_time(earlier) => Ok(vec![MICROS, MICROS]),
            _ => Err(DataFusionError::Plan(
                "age takes one or two times".to_owned(),
            )),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [later, earlier] = &ColumnarValue::values_to_arrays(&args.args)?[..] else {
            return Err(DataFusionError::Execution("age takes two times".to_owned()));
        };
        let (later, earlier) = (
            later.as_primitive::<TimestampMicrosecondType>(),
            earlier.as_primitive::<TimestampMicrosecondType>(),
        );
        let ages: IntervalMonthDayNanoArray = (0..later.len())
            .map(|row| {
                let known = later.is_valid(row) && earlier.is_valid(row);
                known
                    .then(|| between(later.value(row), earlier.value(row)))
                    .flatten()
            })
            .collect();
        Ok(ColumnarValue::Array(Arc::new(ages)))
    }
}

/// `None` beyond the calendar.
fn between(later: i64, earlier: i64) -> Option<IntervalMonthDayNano> {
    let at = |micros| DateTime::from_timestamp_micros(micros).map(|at| at.naive_utc());
    if later < earlier {
        let age = of(at(earlier)?, at(later)?)?;
        return Some(IntervalMonthDayNano::new(
            -age.months,
            -age.days,
            -age.nanoseconds,
        ));
    }
    of(at(later)?, at(earlier)?)
}

/// Months as long as they are whole from the earlier date on; a month is as long as that in which the earlier date lies.
fn of(later: NaiveDateTime, earlier: NaiveDateTime) -> Option<IntervalMonthDayNano> {
    let mut time = later.time() - earlier.time();
    let mut days = i64::from(later.day()) - i64::from(earlier.day());
    let mut months =
        (later.year() - earlier.year()) * 12 + later.month() as i32 - earlier.month() as i32;
    if time < chrono::TimeDelta::zero() {
        time += chrono::TimeDelta::days(1);
        days -= 1;
    }
    if days < 0 {
        let first = earlier.date().with_day(1)?;
        let next = first.checked_add_months(Months::new(1))?;
        days += (next - first).num_days();
        months -= 1;
    }
    Some(IntervalMonthDayNano::new(
        months,
        i32::try_from(days).ok()?,
        time.num_nanoseconds()?,
    ))
}
