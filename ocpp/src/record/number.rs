//! Integers, and decimals kept as text.

use std::borrow::Cow;

use super::Wire;
use crate::decimal;
use crate::json::{Fault, Reader};
use crate::{Quirks, Version};

macro_rules! integer {
    ($($ty:ty),*) => {$(
        impl<'a> Wire<'a> for $ty {
            fn blank() -> Self {
                0
            }

            fn read(r: &mut Reader<'a>) -> Result<Self, Fault> {
                let value = read_integer(r, i64::from(<$ty>::MIN), i64::from(<$ty>::MAX))?;
                Ok(value as $ty)
            }

            fn write(&self, out: &mut Vec<u8>) {
                let value = i64::from(*self);
                write_integer(out, value < 0, value.unsigned_abs());
            }
        }
    )*};
}

integer!(i8, u32, i64);

/// Up to the largest signed integer, which no counter reaches.
impl<'a> Wire<'a> for u64 {
    fn blank() -> Self {
        0
    }

    fn read(r: &mut Reader<'a>) -> Result<Self, Fault> {
        read_integer(r, 0, i64::MAX).map(i64::unsigned_abs)
    }

    fn write(&self, out: &mut Vec<u8>) {
        write_integer(out, false, *self);
    }
}

/// An integer from `MIN` to `MAX`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Int<const MIN: i64, const MAX: i64>(i64);

impl<const MIN: i64, const MAX: i64> Int<MIN, MAX> {
    /// `None` outside the range.
    pub const fn new(value: i64) -> Option<Self> {
        if MIN <= value && value <= MAX {
            Some(Int(value))
        } else {
            None
        }
    }

    /// The integer.
    pub const fn get(self) -> i64 {
        self.0
    }
}

impl<'a, const MIN: i64, const MAX: i64> Wire<'a> for Int<MIN, MAX> {
    fn blank() -> Self {
        Int(MIN)
    }

    fn read(r: &mut Reader<'a>) -> Result<Self, Fault> {
        read_integer(r, MIN, MAX).map(Int)
    }

    fn write(&self, out: &mut Vec<u8>) {
        write_integer(out, self.0 < 0, self.0.unsigned_abs());
    }
}

fn read_integer(r: &mut Reader<'_>, min: i64, max: i64) -> Result<i64, Fault> {
    let lexeme = r.number()?;
    let value = match lexeme.parse::<i64>() {
        Ok(value) => value,
        Err(_) => whole(r, lexeme)?,
    };
    if min <= value && value <= max {
        return Ok(value);
    }
    let expected = if max == i64::MAX {
        format!("an integer of at least {min}")
    } else {
        format!("an integer from {min} to {max}")
    };
    Err(Fault::value(lexeme, &expected))
}

/// An integer in another notation, `12.0` or `1.2e1`: the same number to JSON schema draft 6 (2.x), not to
/// draft 4 (1.6).
#[cold]
fn whole(r: &mut Reader<'_>, lexeme: &str) -> Result<i64, Fault> {
    let scaled = decimal::scaled(lexeme, 0)
        .map_err(|_| Fault::value(lexeme, "an integer of at most 64 bits"))?;
    let as_written = r.version != Version::V16;
    if scaled.exact && (as_written || r.tolerate(Quirks::NUMBER_FORM)) {
        Ok(scaled.value)
    } else {
        Err(Fault::wrong_type(&format!("{lexeme:.40}"), "an integer"))
    }
}

/// Appends an integer without allocating.
pub(crate) fn write_integer(out: &mut Vec<u8>, negative: bool, mut magnitude: u64) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (magnitude % 10) as u8;
        magnitude /= 10;
        if magnitude == 0 {
            break;
        }
    }
    if negative {
        out.push(b'-');
    }
    out.extend_from_slice(&digits[at..]);
}

/// A decimal as written, from `MIN` to `MAX`, with at most `DECIMALS` digits after the point that matter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Number<
    'a,
    const DECIMALS: usize = { usize::MAX },
    const MIN: i64 = { i64::MIN },
    const MAX: i64 = { i64::MAX },
>(Cow<'a, str>);

impl<const DECIMALS: usize, const MIN: i64, const MAX: i64> Number<'_, DECIMALS, MIN, MAX> {
    /// The number as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The number × 10^`decimals`; `None` if that is no integer of 64 bits.
    pub fn to_scaled(&self, decimals: u8) -> Option<i64> {
        let scaled = decimal::scaled(&self.0, i64::from(decimals)).ok()?;
        scaled.exact.then_some(scaled.value)
    }
}

impl<const DECIMALS: usize> Number<'static, DECIMALS> {
    /// `value` ÷ 10^`decimals`, exactly: an amount in minor units as the decimal that OCPP sends.
    pub fn from_scaled(value: i64, decimals: u8) -> Self {
        let decimals = usize::from(decimals);
        let digits = format!("{:0width$}", value.unsigned_abs(), width = decimals + 1);
        let (whole, fraction) = digits.split_at(digits.len() - decimals);
        let sign = if value < 0 { "-" } else { "" };
        let point = if fraction.is_empty() { "" } else { "." };
        Number(Cow::Owned(format!("{sign}{whole}{point}{fraction}")))
    }
}

impl<'a, const DECIMALS: usize, const MIN: i64, const MAX: i64> Wire<'a>
    for Number<'a, DECIMALS, MIN, MAX>
{
    fn blank() -> Self {
        Number(Cow::Borrowed("0"))
    }

    fn read(r: &mut Reader<'a>) -> Result<Self, Fault> {
        read_number(r, DECIMALS, MIN, MAX).map(|lexeme| Number(Cow::Borrowed(lexeme)))
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.0.as_bytes());
    }
}

fn read_number<'a>(
    r: &mut Reader<'a>,
    decimals: usize,
    min: i64,
    max: i64,
) -> Result<&'a str, Fault> {
    let lexeme = r.number()?;
    let value = lexeme.parse::<f64>().unwrap_or(f64::NAN);
    if !value.is_finite() {
        return Err(Fault::value(lexeme, "a number that a double holds"));
    }
    if (min != i64::MIN && value < min as f64) || (max != i64::MAX && value > max as f64) {
        let least = if min == i64::MIN {
            String::new()
        } else {
            format!("at least {min}")
        };
        let and = if min == i64::MIN { "" } else { " and " };
        let expected = format!("a number of {least}{and}at most {max}");
        return Err(Fault::value(lexeme, &expected));
    }
    let limited = decimals != usize::MAX;
    if limited && !decimal::scaled(lexeme, decimals as i64).is_ok_and(|s| s.exact) {
        let expected = format!("at most {decimals} digits after the point");
        return Err(Fault::value(lexeme, &expected));
    }
    Ok(lexeme)
}
