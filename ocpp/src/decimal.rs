//! Decimal text to integers, exactly.

/// Why a text is no usable decimal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DecimalError {
    /// Not `[+-]digits[.digits][e[+-]digits]`.
    NotANumber,
    /// Larger than an `i64` holds.
    OutOfRange,
}

/// A decimal scaled to an integer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Scaled {
    /// The integer; what lay below one is rounded half away from zero.
    pub(crate) value: i64,
    /// False when rounding lost something.
    pub(crate) exact: bool,
}

/// `lexeme` × 10^`shift`, rounded half away from zero. Digits are never lost before the rounding, whatever the
/// exponent. Beside JSON's numbers it reads a leading `+`, leading zeros and a bare `.5` or `5.`.
pub(crate) fn scaled(lexeme: &str, shift: i64) -> Result<Scaled, DecimalError> {
    let parts = split(lexeme)?;
    // Leading zeros carry nothing; what remains begins with a digit that counts.
    let zeros = digits(&parts).take_while(|&digit| digit == 0).count();
    let significant = parts.whole.len() + parts.fraction.len() - zeros;
    if significant == 0 {
        return Ok(Scaled {
            value: 0,
            exact: true,
        });
    }
    let exponent = parts
        .exponent
        .saturating_add(shift)
        .saturating_sub(parts.fraction.len() as i64);
    let kept = exponent.saturating_add(significant as i64);
    if kept > 19 {
        return Err(DecimalError::OutOfRange);
    }
    let mut rest = digits(&parts).skip(zeros);
    let mut magnitude: u64 = 0;
    for _ in 0..kept.max(0) {
        // Beyond the last digit stand the zeros of a positive exponent.
        let digit = u64::from(rest.next().unwrap_or(0));
        magnitude = magnitude
            .checked_mul(10)
            .and_then(|m| m.checked_add(digit))
            .ok_or(DecimalError::OutOfRange)?;
    }
    // With kept < 0 at least one zero stands between the point and the first digit, so nothing rounds up.
    let first_dropped = if kept < 0 { Some(0) } else { rest.next() };
    if first_dropped.is_some_and(|digit| digit >= 5) {
        magnitude += 1;
    }
    let exact = kept >= 0 && first_dropped.unwrap_or(0) == 0 && rest.all(|digit| digit == 0);
    let value = i64::try_from(magnitude).map_err(|_| DecimalError::OutOfRange)?;
    Ok(Scaled {
        value: if parts.negative { -value } else { value },
        exact,
    })
}

/// The parts of a decimal text.
pub(crate) struct Parts<'t> {
    negative: bool,
    whole: &'t [u8],
    fraction: &'t [u8],
    /// Saturated; far beyond any digit count either way.
    pub(crate) exponent: i64,
    /// Length of the text before the exponent.
    pub(crate) mantissa_len: usize,
}

fn digits<'t>(parts: &Parts<'t>) -> impl Iterator<Item = u8> + use<'t> {
    parts.whole.iter().chain(parts.fraction).map(|b| b - b'0')
}

/// Splits a decimal text at sign, point and exponent.
pub(crate) fn split(lexeme: &str) -> Result<Parts<'_>, DecimalError> {
    let bytes = lexeme.as_bytes();
    let mut at = usize::from(matches!(bytes.first(), Some(b'+' | b'-')));
    let whole = digit_run(bytes, &mut at);
    let mut fraction: &[u8] = &[];
    if bytes.get(at) == Some(&b'.') {
        at += 1;
        fraction = digit_run(bytes, &mut at);
    }
    if whole.is_empty() && fraction.is_empty() {
        return Err(DecimalError::NotANumber);
    }
    let mantissa_len = at;
    let mut exponent = 0i64;
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        at += 1;
        let negative = bytes.get(at) == Some(&b'-');
        at += usize::from(matches!(bytes.get(at), Some(b'+' | b'-')));
        let run = digit_run(bytes, &mut at);
        if run.is_empty() {
            return Err(DecimalError::NotANumber);
        }
        for digit in run {
            exponent = exponent
                .saturating_mul(10)
                .saturating_add(i64::from(digit - b'0'));
        }
        exponent = if negative { -exponent } else { exponent };
    }
    if at != bytes.len() {
        return Err(DecimalError::NotANumber);
    }
    Ok(Parts {
        negative: bytes.first() == Some(&b'-'),
        whole,
        fraction,
        exponent,
        mantissa_len,
    })
}

fn digit_run<'t>(bytes: &'t [u8], at: &mut usize) -> &'t [u8] {
    let rest = &bytes[*at..];
    let len = rest.iter().take_while(|b| b.is_ascii_digit()).count();
    *at += len;
    &rest[..len]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_scale_exactly_and_round_half_away_from_zero() {
        let table: [(&str, i64, Result<i64, DecimalError>); 27] = [
            ("0", 0, Ok(0)),
            ("-0", 3, Ok(0)),
            ("12", 3, Ok(12_000)),
            ("12.345", 3, Ok(12_345)),
            ("12.3454", 3, Ok(12_345)),
            ("12.3455", 3, Ok(12_346)),
            ("-12.3455", 3, Ok(-12_346)),
            ("-12.34549999999999999999999", 3, Ok(-12_345)),
            ("0.0005", 3, Ok(1)),
            ("0.0004999", 3, Ok(0)),
            ("0.00009", 3, Ok(0)),
            ("1.5e3", 0, Ok(1_500)),
            ("1500E-3", 0, Ok(2)),
            ("1499e-3", 0, Ok(1)),
            ("007", 0, Ok(7)),
            ("+5.", 0, Ok(5)),
            (".5", 0, Ok(1)),
            ("9223372036854775807", 0, Ok(i64::MAX)),
            ("9223372036854775808", 0, Err(DecimalError::OutOfRange)),
            ("1e99999999999999999999", 0, Err(DecimalError::OutOfRange)),
            ("1e-99999999999999999999", 0, Ok(0)),
            ("0e99999999999999999999", 0, Ok(0)),
            ("", 0, Err(DecimalError::NotANumber)),
            (".", 0, Err(DecimalError::NotANumber)),
            ("1e", 0, Err(DecimalError::NotANumber)),
            ("NaN", 0, Err(DecimalError::NotANumber)),
            ("1,5", 0, Err(DecimalError::NotANumber)),
        ];
        for (lexeme, shift, expected) in table {
            assert_eq!(
                scaled(lexeme, shift).map(|s| s.value),
                expected,
                "{lexeme} × 10^{shift}"
            );
        }
    }

    #[test]
    fn exactness_is_lost_with_the_first_digit_below_one() {
        for (lexeme, exact) in [
            ("1.0", true),
            ("1.01", false),
            ("1.5", false),
            ("0.001", false),
        ] {
            assert_eq!(scaled(lexeme, 0).map(|s| s.exact), Ok(exact), "{lexeme}");
        }
    }
}
