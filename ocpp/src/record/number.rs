//! Integers, and decimals kept as text.

use std::borrow::Cow;

#[cfg(test)]
use super::Shape;
use super::Wire;
use crate::decimal;
use crate::json::{Fault, Reader};
use crate::{Quirks, Version};

macro_rules! integer {
    ($($ty:ty),*) => {$(
        impl<'a> Wire<'a> for $ty {
            fn read(r: &mut Reader<'a>) -> Result<Self, Fault> {
                let lexeme = r.number()?;
                let value = match lexeme.parse::<i64>() {
                    Ok(value) => value,
                    Err(_) => whole(r, lexeme)?,
                };
                <$ty>::try_from(value).map_err(|_| {
                    let expected = format!("an integer from {} to {}", <$ty>::MIN, <$ty>::MAX);
                    Fault::value(lexeme, &expected)
                })
            }

            fn write(&self, out: &mut Vec<u8>) {
                let value = i128::from(*self);
                write_integer(out, value < 0, value.unsigned_abs() as u64);
            }

            #[cfg(test)]
            fn shape() -> Shape {
                Shape::Integer
            }
        }
    )*};
}

integer!(i8, u32, u64, i64);

/// An integer in another notation, `12.0` or `1.2e1`: the same number to JSON schema draft 6 (2.x), not to
/// draft 4 (1.6).
#[cold]
fn whole(r: &mut Reader<'_>, lexeme: &str) -> Result<i64, Fault> {
    let scaled = decimal::scaled(lexeme, 0)
        .map_err(|_| Fault::value(lexeme, "an integer of at most 64 bits"))?;
    let as_written = r.version == Version::V201;
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

/// A decimal as written, with at most `DECIMALS` digits after the point that matter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Number<'a, const DECIMALS: usize = { usize::MAX }>(Cow<'a, str>);

impl<const DECIMALS: usize> Number<'_, DECIMALS> {
    /// The number as written.
    pub fn as_str(&self) -> &str {
        &self.0
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

impl<'a, const DECIMALS: usize> Wire<'a> for Number<'a, DECIMALS> {
    fn read(r: &mut Reader<'a>) -> Result<Self, Fault> {
        let lexeme = r.number()?;
        if !lexeme.parse::<f64>().is_ok_and(f64::is_finite) {
            return Err(Fault::value(lexeme, "a number that a double holds"));
        }
        let limited = DECIMALS != usize::MAX;
        if limited && !decimal::scaled(lexeme, DECIMALS as i64).is_ok_and(|s| s.exact) {
            let expected = format!("at most {DECIMALS} digits after the point");
            return Err(Fault::value(lexeme, &expected));
        }
        Ok(Number(Cow::Borrowed(lexeme)))
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.0.as_bytes());
    }

    #[cfg(test)]
    fn shape() -> Shape {
        Shape::Number
    }
}
