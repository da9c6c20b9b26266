//! Numbers and moments, exact.

use fleet::UtcMicros;
use ocpp::Timestamp;

use super::super::profile::ProfileId;
use super::super::rate::Rate;
use super::Unreadable;

/// Decimals of a rate that count.
const DECIMALS: i64 = 3;

pub(super) fn moment(timestamp: &Timestamp<'_>) -> UtcMicros {
    UtcMicros(timestamp.utc_micros)
}

pub(super) fn profile_id(id: i64) -> Result<ProfileId, Unreadable> {
    number("profile id", id).map(ProfileId)
}

pub(super) fn schedule_id(id: i64) -> Result<i32, Unreadable> {
    number("schedule id", id)
}

fn number(what: &'static str, found: i64) -> Result<i32, Unreadable> {
    i32::try_from(found).map_err(|_| Unreadable::Range {
        what,
        found: found.to_string(),
    })
}

/// A count of phases; what no byte holds is wrong either way, and stays so.
pub(super) fn small<T: TryInto<u8>>(count: T) -> u8 {
    count.try_into().unwrap_or(u8::MAX)
}

/// A duration; a negative one is over.
pub(super) fn seconds(found: i64) -> u32 {
    u32::try_from(found.max(0)).unwrap_or(u32::MAX)
}

pub(super) fn rate<const DECIMALS: usize, const MIN: i64, const MAX: i64>(
    number: &Option<ocpp::Number<'_, DECIMALS, MIN, MAX>>,
) -> Result<Option<Rate>, Unreadable> {
    let number = number.as_ref();
    number.map(|number| rate_of(number.as_str())).transpose()
}

/// A rate as it was written; digits behind the third decimal are cut off.
pub(super) fn rate_of(lexeme: &str) -> Result<Rate, Unreadable> {
    let beyond = || Unreadable::Range {
        what: "a rate",
        found: lexeme.chars().take(40).collect(),
    };
    let (mantissa, exponent) = lexeme.split_once(['e', 'E']).unwrap_or((lexeme, "0"));
    let exponent: i64 = exponent.parse().map_err(|_| beyond())?;
    let (magnitude, is_negative) = match mantissa.strip_prefix('-') {
        Some(magnitude) => (magnitude, true),
        None => (mantissa, false),
    };
    let (whole, fraction) = magnitude.split_once('.').unwrap_or((magnitude, ""));
    // Where the digits end that count, from the first.
    let end = (whole.len() as i64)
        .saturating_add(exponent)
        .saturating_add(DECIMALS);
    let mut digits = whole.bytes().chain(fraction.bytes());
    let mut thousandths = 0_i64;
    let mut at = 0_i64;
    while at < end {
        let digit = digits.next();
        if digit.is_none() && thousandths == 0 {
            break;
        }
        let digit = i64::from(digit.unwrap_or(b'0') - b'0');
        thousandths = (thousandths.checked_mul(10))
            .and_then(|sum| sum.checked_add(digit))
            .ok_or_else(beyond)?;
        at += 1;
    }
    Ok(Rate(if is_negative {
        -thousandths
    } else {
        thousandths
    }))
}
