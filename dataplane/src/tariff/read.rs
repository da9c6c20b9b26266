//! `TariffType` as JSON, read by the official schema and then by what it means.

use ocpp::{List, MeterColumns, Number, Policy, Text, Word, v21};

use super::conditions::{Conditions, Range};
use super::{Component, Limit, Price, Tariff, Taxes, Zone};

/// Prices of one component: what a shard looks through a few times a minute.
const PRICES_MAX: usize = 256;
/// Highest price, millionths: a million.
const MICROS_MAX: i64 = 1_000_000_000_000;
/// Highest tax, ten-thousandths of a percent: a thousand percent.
const TAX_MAX: i64 = 10_000_000;
/// Longest duration, seconds: a hundred years.
const SECONDS_MAX: i64 = 100 * 366 * 86_400;

/// What is wrong with a tariff.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{pointer}: {detail}")]
pub struct TariffError {
    /// Where, a JSON pointer into the tariff; empty for all of it.
    pub pointer: String,
    /// What was found, and what was expected.
    pub detail: String,
}

fn wrong(pointer: &str, detail: impl Into<String>) -> TariffError {
    TariffError {
        pointer: pointer.to_owned(),
        detail: detail.into(),
    }
}

/// Reads a tariff; answers it with its JSON, members in the order of the schema.
pub(crate) fn read(json: &str, zone: &str) -> Result<(Tariff, String), TariffError> {
    let zone = Zone::parse(zone).ok_or_else(|| {
        let detail = format!("{zone:?}, expected a zone like \"America/Sao_Paulo\" or \"+05:30\"");
        wrong("/time_zone", detail)
    })?;
    // It is put into a payload below, and must not bring more members with it.
    let whole = serde_json::from_str::<&serde_json::value::RawValue>(json);
    whole.map_err(|error| wrong("", error.to_string()))?;
    let (head, tail) = (r#"{"evseId":0,"tariff":"#, "}");
    let payload = format!("{head}{json}{tail}");
    let mut columns = MeterColumns::new();
    let decoded = v21::Command::decode("SetDefaultTariff", &payload, Policy::Strict, &mut columns)
        .map_err(|error| wrong("", error.description.into_owned()))?;
    let mut written = Vec::new();
    decoded.message.write(&mut written);
    let v21::Command::SetDefaultTariff(set) = &decoded.message else {
        return Err(wrong("", "another action"));
    };
    let tariff = tariff(&set.tariff, zone)?;
    let written = String::from_utf8(written).map_err(|_| wrong("", "no UTF-8"))?;
    let inner = written
        .strip_prefix(head)
        .and_then(|rest| rest.strip_suffix(tail));
    let inner = inner.ok_or_else(|| wrong("", "more than a tariff"))?;
    Ok((tariff, inner.to_owned()))
}

fn tariff(told: &v21::Tariff<'_>, zone: Zone) -> Result<Tariff, TariffError> {
    if told.tariff_id.is_empty() {
        return Err(wrong("/tariffId", "empty"));
    }
    let is_code = told.currency.len() == 3 && told.currency.bytes().all(|b| b.is_ascii_uppercase());
    let currency: [u8; 3] = told.currency.as_bytes().try_into().unwrap_or_default();
    if !is_code {
        let detail = format!(
            "{:?}, expected a code of ISO 4217 like \"BRL\"",
            &*told.currency
        );
        return Err(wrong("/currency", detail));
    }
    macro_rules! component {
        ($told:expr, $pointer:literal, $price:ident, $conditions:ident) => {{
            let read = $told.as_ref().map(|told| {
                let conditions = |price: usize, at: &str| {
                    let pointer = format!("{}/prices/{price}", $pointer);
                    match told
                        .prices
                        .get(price)
                        .and_then(|price| price.conditions.as_ref())
                    {
                        Some(told) => $conditions(told, &format!("{pointer}{at}")),
                        None => Ok(Conditions::default()),
                    }
                };
                let prices = told.prices.iter().map(|price| &price.$price);
                component(
                    prices,
                    told.tax_rates.as_ref(),
                    conditions,
                    $pointer,
                    stringify!($price),
                )
            });
            read.transpose()?
        }};
    }
    let limit = |told: &Option<v21::Price<'_>>, pointer: &str| {
        told.as_ref().map(|told| limit(told, pointer)).transpose()
    };
    Ok(Tariff {
        id: told.tariff_id.to_string(),
        currency,
        valid_from: told.valid_from.as_ref().map(|at| at.utc_micros),
        energy: component!(told.energy, "/energy", price_kwh, varying),
        charging_time: component!(told.charging_time, "/chargingTime", price_minute, varying),
        idle_time: component!(told.idle_time, "/idleTime", price_minute, varying),
        fixed_fee: component!(told.fixed_fee, "/fixedFee", price_fixed, at_start),
        reservation_time: component!(
            told.reservation_time,
            "/reservationTime",
            price_minute,
            varying
        ),
        reservation_fixed: component!(
            told.reservation_fixed,
            "/reservationFixed",
            price_fixed,
            at_start
        ),
        min_cost: limit(&told.min_cost, "/minCost")?,
        max_cost: limit(&told.max_cost, "/maxCost")?,
        zone,
    })
}

fn component<'t>(
    micros: impl ExactSizeIterator<Item = &'t Number<'t>>,
    rates: Option<&'t List<v21::TaxRate<'t>, 1, 5>>,
    conditions: impl Fn(usize, &str) -> Result<Conditions, TariffError>,
    pointer: &str,
    name: &str,
) -> Result<Component, TariffError> {
    if PRICES_MAX < micros.len() {
        let detail = format!("{} prices, expected at most {PRICES_MAX}", micros.len());
        return Err(wrong(&format!("{pointer}/prices"), detail));
    }
    let member = match name {
        "price_kwh" => "priceKwh",
        "price_minute" => "priceMinute",
        _ => "priceFixed",
    };
    let prices = micros.enumerate().map(|(at, micros)| {
        let pointer = format!("{pointer}/prices/{at}/{member}");
        Ok(Price {
            micros: decimal(micros, 6, MICROS_MAX, &pointer)?,
            conditions: conditions(at, "/conditions")?,
        })
    });
    Ok(Component {
        prices: prices.collect::<Result<_, _>>()?,
        taxes: taxes(rates, pointer)?,
    })
}

fn taxes(
    rates: Option<&List<v21::TaxRate<'_>, 1, 5>>,
    pointer: &str,
) -> Result<Taxes, TariffError> {
    let mut stacks = std::collections::BTreeMap::<u32, i64>::new();
    for (at, rate) in rates.into_iter().flat_map(|rates| rates.iter()).enumerate() {
        let pointer = format!("{pointer}/taxRates/{at}/tax");
        *stacks.entry(rate.stack.unwrap_or(0)).or_default() +=
            decimal(&rate.tax, 4, TAX_MAX, &pointer)?;
    }
    Ok(Taxes(stacks.into_values().collect()))
}

fn limit(told: &v21::Price<'_>, pointer: &str) -> Result<Limit, TariffError> {
    let amount = |told: &Option<Number<'_>>, member: &str| {
        let told = told.as_ref();
        told.map(|told| decimal(told, 2, MICROS_MAX, &format!("{pointer}/{member}")))
            .transpose()
    };
    let limit = Limit {
        excl_tax: amount(&told.excl_tax, "exclTax")?,
        incl_tax: amount(&told.incl_tax, "inclTax")?,
        taxes: taxes(told.tax_rates.as_ref(), pointer)?,
    };
    if (limit.excl_tax, limit.incl_tax) == (None, None) {
        return Err(wrong(pointer, "neither exclTax nor inclTax"));
    }
    Ok(limit)
}

fn decimal(told: &Number<'_>, places: u8, max: i64, pointer: &str) -> Result<i64, TariffError> {
    let value = told
        .to_scaled(places)
        .filter(|value| (0..=max).contains(value));
    value.ok_or_else(|| {
        let most = max / 10_i64.pow(places.into());
        let expected = format!("expected 0 to {most} with at most {places} decimals");
        wrong(pointer, format!("{}, {expected}", told.as_str()))
    })
}

fn varying(told: &v21::TariffConditions<'_>, pointer: &str) -> Result<Conditions, TariffError> {
    let scaled = |told: &Option<Number<'_>>, member: &str| {
        let pointer = format!("{pointer}/{member}");
        // Thousandths of a watt-hour or a watt, up to 0.9 PWh.
        let told = told.as_ref();
        told.map(|told| decimal(told, 3, 900_000_000_000_000_000, &pointer))
            .transpose()
    };
    let seconds = |told: Option<i64>, member: &str| {
        let checked = told.map(|told| match told {
            0..=SECONDS_MAX => Ok(told * 1_000_000),
            _ => {
                let detail = format!("{told}, expected 0 to {SECONDS_MAX} seconds");
                Err(wrong(&format!("{pointer}/{member}"), detail))
            }
        });
        checked.transpose()
    };
    let mut conditions = calendar(
        [&told.start_time_of_day, &told.end_time_of_day],
        told.day_of_week.as_deref(),
        [&told.valid_from_date, &told.valid_to_date],
        pointer,
    )?;
    conditions.energy_mwh = Range {
        min: scaled(&told.min_energy, "minEnergy")?,
        max: scaled(&told.max_energy, "maxEnergy")?,
    };
    conditions.power_mw = Range {
        min: scaled(&told.min_power, "minPower")?,
        max: scaled(&told.max_power, "maxPower")?,
    };
    conditions.time = Range {
        min: seconds(told.min_time, "minTime")?,
        max: seconds(told.max_time, "maxTime")?,
    };
    conditions.charging = Range {
        min: seconds(told.min_charging_time, "minChargingTime")?,
        max: seconds(told.max_charging_time, "maxChargingTime")?,
    };
    conditions.idle = Range {
        min: seconds(told.min_idle_time, "minIdleTime")?,
        max: seconds(told.max_idle_time, "maxIdleTime")?,
    };
    conditions.is_beyond_us =
        told.evse_kind.is_some() || told.min_current.is_some() || told.max_current.is_some();
    Ok(conditions)
}

fn at_start(
    told: &v21::TariffConditionsFixed<'_>,
    pointer: &str,
) -> Result<Conditions, TariffError> {
    let mut conditions = calendar(
        [&told.start_time_of_day, &told.end_time_of_day],
        told.day_of_week.as_deref(),
        [&told.valid_from_date, &told.valid_to_date],
        pointer,
    )?;
    conditions.is_beyond_us = told.evse_kind.is_some()
        || told.payment_brand.is_some()
        || told.payment_recognition.is_some();
    Ok(conditions)
}

fn calendar(
    [from, to]: [&Option<Text<'_>>; 2],
    days: Option<&[v21::DayOfWeek]>,
    [from_date, to_date]: [&Option<Text<'_>>; 2],
    pointer: &str,
) -> Result<Conditions, TariffError> {
    fn read(
        told: &Option<Text<'_>>,
        parse: fn(&str) -> Option<i64>,
        expected: &str,
        pointer: &str,
        member: &str,
    ) -> Result<Option<i64>, TariffError> {
        let parsed = told.as_ref().map(|told| {
            let detail = || format!("{:.40?}, expected {expected}", &**told);
            parse(told).ok_or_else(|| wrong(&format!("{pointer}/{member}"), detail()))
        });
        parsed.transpose()
    }
    let time = "a time of day like \"08:00\"";
    let date = "a date like \"2026-12-24\"";
    let days = days.unwrap_or_default().iter().map(|day| {
        let at = v21::DayOfWeek::ALL.iter().position(|known| known == day);
        1 << at.unwrap_or_default()
    });
    Ok(Conditions {
        from_minute: read(from, minute_of, time, pointer, "startTimeOfDay")?,
        to_minute: read(to, minute_of, time, pointer, "endTimeOfDay")?,
        days: days.fold(0, |days: u8, day: u8| days | day),
        date: Range {
            min: read(from_date, day_of, date, pointer, "validFromDate")?,
            max: read(to_date, day_of, date, pointer, "validToDate")?,
        },
        ..Conditions::default()
    })
}

/// `08:30`.
fn minute_of(text: &str) -> Option<i64> {
    let (hours, minutes) = text.split_once(':')?;
    let two = |digits: &str| match digits.as_bytes() {
        [a, b] if a.is_ascii_digit() && b.is_ascii_digit() => digits.parse::<i64>().ok(),
        _ => None,
    };
    let (hours, minutes) = (two(hours)?, two(minutes)?);
    (hours < 24 && minutes < 60).then_some(hours * 60 + minutes)
}

/// `2026-12-24`, in days since 1970-01-01.
fn day_of(text: &str) -> Option<i64> {
    let date: jiff::civil::Date = text.parse().ok().filter(|_| text.len() == 10)?;
    let epoch = jiff::civil::date(1970, 1, 1);
    Some(i64::from(date.since(epoch).ok()?.get_days()))
}
