//! Limits of transactions, exact both ways.

use fleet::record::{Limits, TransactionLimit};
use fleet::{MilliwattHours, UtcMicros};

use super::{milliwatt_hours, some, time, watt_hours};
use crate::error::ApiError;

/// Millionths in a major unit.
const MICROS: i64 = 1_000_000;
/// Highest cost, major units.
const COST_MAX: i64 = 1_000_000_000;
/// Highest energy: what a station cannot deliver bounds nothing.
const ENERGY_WH_MAX: i64 = 1_000_000_000_000;
/// OCPP's integers have 32 bits.
const TIME_MAX: u32 = i32::MAX as u32;

/// Limits of a request, whose member `pointer` has them.
pub(crate) fn limits(asked: &sdk::Limits, pointer: &str) -> Result<Limits, ApiError> {
    let wrong = |member: &str, found: &str, expected: String| {
        ApiError::field(
            format!("{pointer}/{member}"),
            format!("{found}, expected {expected}"),
        )
    };
    let cost = asked.max_cost.as_ref().map(|text| {
        let found = micros(text).filter(|found| (0..=COST_MAX * MICROS).contains(found));
        found.ok_or_else(|| {
            let expected = format!("0 to {COST_MAX} with at most six decimals");
            wrong("max_cost", &format!("{text:?}"), expected)
        })
    });
    let energy = asked.max_energy_wh.as_ref().map(|text| {
        let found = milliwatt_hours(text).map(|energy| energy.0);
        let found = found.filter(|found| (0..=ENERGY_WH_MAX * 1_000).contains(found));
        found.ok_or_else(|| {
            let expected = format!("0 to {ENERGY_WH_MAX} watt-hours with at most three decimals");
            wrong("max_energy_wh", &format!("{text:?}"), expected)
        })
    });
    let time = asked.max_time_seconds.map(|found| match found {
        0..=TIME_MAX => Ok(i64::from(found)),
        _ => {
            let expected = format!("0 to {TIME_MAX} seconds");
            Err(wrong("max_time_seconds", &found.to_string(), expected))
        }
    });
    let soc = asked.max_soc.map(|found| match found {
        0..=100 => Ok(i64::from(found)),
        _ => Err(wrong(
            "max_soc",
            &found.to_string(),
            "0 to 100 percent".to_owned(),
        )),
    });
    let limits = Limits {
        cost_micros: cost.transpose()?,
        energy_mwh: energy.transpose()?,
        time_s: time.transpose()?,
        soc_percent: soc.transpose()?,
    };
    if limits.is_empty() {
        let detail = "no limit, expected max_cost, max_energy_wh, max_time_seconds or max_soc";
        return Err(ApiError::field(pointer, detail));
    }
    Ok(limits)
}

pub(super) fn of_transaction(limit: TransactionLimit) -> sdk::TransactionLimits {
    let (set, told) = (limit.set.each(), limit.told.each());
    let mut each = set.iter().zip(told);
    sdk::TransactionLimits {
        is_confirmed: each.all(|(set, told)| set.is_none() || *set == told),
        set: shown(&limit.set),
        set_by: some(limit.set_by),
        set_at: time(limit.set_at.map(UtcMicros)),
        waiting: shown(&limit.waiting),
        sent_at: time(limit.sent_at.map(UtcMicros)),
        station: shown(&limit.told),
        told_at: time(limit.told_at.map(UtcMicros)),
    }
}

fn shown(limits: &Limits) -> sdk::Limits {
    sdk::Limits {
        max_cost: limits.cost_micros.map(decimal),
        max_energy_wh: limits.energy_mwh.map(|mwh| watt_hours(MilliwattHours(mwh))),
        // A station may say what is no time, which limits nothing.
        max_time_seconds: limits.time_s.and_then(|time| time.try_into().ok()),
        max_soc: limits.soc_percent.and_then(|soc| soc.try_into().ok()),
    }
}

/// A decimal with two places, or as many more as it has.
fn decimal(micros: i64) -> String {
    let sign = if micros < 0 { "-" } else { "" };
    let magnitude = micros.unsigned_abs();
    let places = format!("{:06}", magnitude % MICROS.unsigned_abs());
    let (kept, rest) = places.split_at(2);
    let rest = rest.trim_end_matches('0');
    format!("{sign}{}.{kept}{rest}", magnitude / MICROS.unsigned_abs())
}

/// A decimal with at most six places, in millionths.
fn micros(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let mut digits = whole.bytes().chain(fraction.bytes());
    if whole.is_empty() || 6 < fraction.len() || !digits.all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    format!("{whole}{fraction:0<6}").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cost_is_read_and_shown_exactly() {
        for (text, expected, shown) in [
            ("12.50", Some(12_500_000), "12.50"),
            ("0", Some(0), "0.00"),
            ("0.000001", Some(1), "0.000001"),
            ("7.125", Some(7_125_000), "7.125"),
            ("0.0000001", None, ""),
            ("-1", None, ""),
            ("", None, ""),
            (".5", None, ""),
            ("1e3", None, ""),
            ("99999999999999999999", None, ""),
        ] {
            assert_eq!(micros(text), expected, "{text}");
            if let Some(micros) = expected {
                assert_eq!(decimal(micros), shown);
            }
        }
    }
}
