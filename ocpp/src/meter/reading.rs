//! A sampled value as a quantity.

use super::Unit;
use crate::decimal::{self, DecimalError};

/// Largest energy in milliwatt-hours, 0.9 PWh: `DECIMAL(18,3)` watt-hours still hold it.
const ENERGY_MAX: i64 = 900_000_000_000_000_000;
const _: () = assert!(ENERGY_MAX < 1_000_000_000_000_000_000);

/// Why a sampled value is no usable quantity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum ReadingError {
    /// The value is no decimal number.
    #[error("the value is no decimal number")]
    NotANumber,
    /// Energy in a unit other than Wh and kWh.
    #[error("the unit of energy is unknown, expected Wh or kWh")]
    UnknownUnit,
    /// Too large for what is to hold it.
    #[error("the value is out of range, expected at most ±0.9 PWh or what a double holds")]
    OutOfRange,
}

impl From<DecimalError> for ReadingError {
    fn from(error: DecimalError) -> ReadingError {
        match error {
            DecimalError::NotANumber => ReadingError::NotANumber,
            DecimalError::OutOfRange => ReadingError::OutOfRange,
        }
    }
}

/// Reads an energy sample in milliwatt-hours, exactly; what lies below 1 mWh is rounded half away from zero.
///
/// `lexeme` is the number as the station wrote it, times 10^`multiplier`, in `unit`; spaces around it are
/// passed over.
///
/// # Errors
///
/// - [`ReadingError::NotANumber`] when `lexeme` is no decimal.
/// - [`ReadingError::UnknownUnit`] for any unit but Wh and kWh.
/// - [`ReadingError::OutOfRange`] beyond ±0.9 PWh, which `DECIMAL(18,3)` still holds.
pub fn energy(lexeme: &str, multiplier: i8, unit: Unit) -> Result<i64, ReadingError> {
    let to_milli = match unit {
        Unit::Wh => 3,
        Unit::KWh => 6,
        _ => return Err(ReadingError::UnknownUnit),
    };
    let value = decimal::scaled(lexeme.trim(), i64::from(multiplier) + to_milli)?.value;
    if value.unsigned_abs() <= ENERGY_MAX.unsigned_abs() {
        Ok(value)
    } else {
        Err(ReadingError::OutOfRange)
    }
}

/// Reads any other sample as the nearest double in the base unit of its kind: W, Wh, VA, VAh, var, varh, A, V,
/// Hz, %, °C. Without a unit, or with one that has no other base, the value stays as sent.
///
/// # Errors
///
/// - [`ReadingError::NotANumber`] when `lexeme` is no decimal (`NaN` and `inf` are none).
/// - [`ReadingError::OutOfRange`] when a double cannot hold it.
pub fn number(lexeme: &str, multiplier: i8, unit: Option<Unit>) -> Result<f64, ReadingError> {
    let prefix = match unit {
        Some(Unit::KWh | Unit::KW | Unit::Kvarh | Unit::Kvar | Unit::KVA | Unit::KVAh) => 3,
        Some(Unit::MHz) => -3,
        _ => 0,
    };
    let value = scaled(lexeme.trim(), i64::from(multiplier) + prefix)?;
    let value = match unit {
        Some(Unit::Fahrenheit) => (value - 32.0) / 1.8,
        Some(Unit::K) => value - 273.15,
        _ => value,
    };
    if value.is_finite() {
        Ok(value)
    } else {
        Err(ReadingError::OutOfRange)
    }
}

/// `lexeme` × 10^`shift`, correctly rounded: the shift goes into the exponent of the text, because a
/// multiplication would round a second time.
fn scaled(lexeme: &str, shift: i64) -> Result<f64, ReadingError> {
    let parts = decimal::split(lexeme)?;
    if shift == 0 {
        return lexeme.parse().map_err(|_| ReadingError::NotANumber);
    }
    let exponent = parts.exponent.saturating_add(shift).clamp(-99_999, 99_999);
    let mut buffer = [0u8; 64];
    let mut rest = &mut buffer[..];
    let mantissa = &lexeme[..parts.mantissa_len];
    if std::io::Write::write_fmt(&mut rest, format_args!("{mantissa}e{exponent}")).is_err() {
        // More digits than a meter has; a heap string is fine.
        let text = format!("{mantissa}e{exponent}");
        return text.parse().map_err(|_| ReadingError::NotANumber);
    }
    let len = 64 - rest.len();
    let text = std::str::from_utf8(&buffer[..len]).map_err(|_| ReadingError::NotANumber)?;
    text.parse().map_err(|_| ReadingError::NotANumber)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn energy_is_exact_to_the_milliwatt_hour() {
        let table: [(&str, i8, Unit, Result<i64, ReadingError>); 18] = [
            ("12345", 0, Unit::Wh, Ok(12_345_000)),
            ("12.345", 0, Unit::KWh, Ok(12_345_000)),
            ("0.0015", 0, Unit::Wh, Ok(2)),
            ("-0.0015", 0, Unit::Wh, Ok(-2)),
            ("0.0014999", 0, Unit::Wh, Ok(1)),
            ("0.1", 0, Unit::KWh, Ok(100_000)),
            ("1.2345e4", 0, Unit::Wh, Ok(12_345_000)),
            ("12345", 3, Unit::Wh, Ok(12_345_000_000)),
            ("12345", -3, Unit::Wh, Ok(12_345)),
            ("12345", -128, Unit::Wh, Ok(0)),
            (" 7 ", 0, Unit::Wh, Ok(7_000)),
            ("900000000000000", 0, Unit::Wh, Ok(ENERGY_MAX)),
            ("-900000000000000", 0, Unit::Wh, Ok(-ENERGY_MAX)),
            (
                "900000000000000.001",
                0,
                Unit::Wh,
                Err(ReadingError::OutOfRange),
            ),
            ("1", 127, Unit::KWh, Err(ReadingError::OutOfRange)),
            ("", 0, Unit::Wh, Err(ReadingError::NotANumber)),
            ("12,5", 0, Unit::Wh, Err(ReadingError::NotANumber)),
            ("1", 0, Unit::W, Err(ReadingError::UnknownUnit)),
        ];
        for (lexeme, multiplier, unit, expected) in table {
            assert_eq!(
                energy(lexeme, multiplier, unit),
                expected,
                "{lexeme} × 10^{multiplier} {unit:?}"
            );
        }
    }

    #[test]
    fn numbers_come_in_base_units() {
        let long = "1".repeat(80);
        type Row<'t> = (&'t str, i8, Option<Unit>, Result<f64, ReadingError>);
        let table: [Row<'_>; 14] = [
            ("7.4", 0, Some(Unit::KW), Ok(7_400.0)),
            ("16.1", 0, Some(Unit::A), Ok(16.1)),
            ("161", -1, Some(Unit::A), Ok(16.1)),
            ("50010", 0, Some(Unit::MHz), Ok(50.01)),
            ("0.95", 0, None, Ok(0.95)),
            ("212", 0, Some(Unit::Fahrenheit), Ok(100.0)),
            ("273.15", 0, Some(Unit::K), Ok(0.0)),
            ("-1.5e2", 1, Some(Unit::W), Ok(-1_500.0)),
            (&long, 1, Some(Unit::W), Ok(1.111_111_111_111_111_1e80)),
            ("1e400", 0, Some(Unit::W), Err(ReadingError::OutOfRange)),
            ("1e-400", 0, Some(Unit::W), Ok(0.0)),
            ("NaN", 0, Some(Unit::W), Err(ReadingError::NotANumber)),
            ("inf", 0, Some(Unit::W), Err(ReadingError::NotANumber)),
            ("0x10", 0, Some(Unit::W), Err(ReadingError::NotANumber)),
        ];
        for (lexeme, multiplier, unit, expected) in table {
            assert_eq!(
                number(lexeme, multiplier, unit),
                expected,
                "{lexeme} {unit:?}"
            );
        }
    }
}
