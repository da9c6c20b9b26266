//! Quantities as people write them: `50ms`, `64MiB`, `0.75`, `BRL`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// A duration with one unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span(pub(super) Duration);

/// Units of time, largest first, in microseconds.
const SPANS: [(&str, u64); 6] = [
    ("d", 86_400_000_000),
    ("h", 3_600_000_000),
    ("m", 60_000_000),
    ("s", 1_000_000),
    ("ms", 1_000),
    ("us", 1),
];

impl FromStr for Span {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let expected = "a duration with its unit (us, ms, s, m, h, d), such as 30s";
        let micros = scaled(text, &SPANS).ok_or(expected)?;
        Ok(Self(Duration::from_micros(micros)))
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = u64::try_from(self.0.as_micros()).unwrap_or(u64::MAX);
        show(micros, &SPANS, f)
    }
}

/// A size with one binary unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bytes(pub(super) usize);

/// Units of size, largest first, in bytes.
const SIZES: [(&str, u64); 5] = [
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("B", 1),
];

impl FromStr for Bytes {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let expected = "a size with its unit (B, KiB, MiB, GiB, TiB), such as 64MiB";
        let bytes = scaled(text, &SIZES).and_then(|bytes| bytes.try_into().ok());
        bytes.map(Self).ok_or(expected)
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show(self.0 as u64, &SIZES, f)
    }
}

/// A whole number directly before one of `units`; `None` for anything else, also when it cannot be held.
fn scaled(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(digits);
    let (_, scale) = units.iter().find(|(name, _)| *name == unit)?;
    number.parse::<u64>().ok()?.checked_mul(*scale)
}

/// In the largest unit that holds it whole.
fn show(amount: u64, units: &[(&str, u64)], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let fits = |(_, scale): &&(&str, u64)| amount != 0 && amount.is_multiple_of(*scale);
    let (name, scale) = units.iter().find(fits).unwrap_or(&units[units.len() - 1]);
    write!(f, "{}{name}", amount / scale)
}

/// What URLs of ours begin with; empty where nothing is said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BaseUrl(pub(super) String);

impl FromStr for BaseUrl {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let expected = "nothing, or a URL such as https://csms.example.org/sigec, without query and at most 200 characters";
        let url = text.trim_end_matches('/');
        let is_plain = |byte: u8| byte.is_ascii_graphic() && !b"?#\"<>\\".contains(&byte);
        let host = url
            .strip_prefix("http://")
            .or_else(|| url.strip_prefix("https://"));
        let named = host.is_some_and(|host| !host.is_empty() && !host.starts_with('/'));
        if url.len() <= 200 && url.bytes().all(is_plain) && (url.is_empty() || named) {
            return Ok(Self(url.to_owned()));
        }
        Err(expected)
    }
}

/// A price per kWh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Price {
    /// Millionths of the currency's major unit; never negative.
    pub(super) micros: i64,
}

impl FromStr for Price {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WHOLE_MAX: i64 = 1_000_000;
        let expected = "a decimal below a million with up to six decimals, such as \"0.75\"";
        let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
        let is_number =
            |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if !is_number(whole) || !is_number(fraction) || fraction.len() > 6 {
            return Err(expected);
        }
        let whole: i64 = whole
            .parse()
            .ok()
            .filter(|whole| *whole < WHOLE_MAX)
            .ok_or(expected)?;
        let fraction: i64 = format!("{fraction:0<6}").parse().map_err(|_| expected)?;
        Ok(Self {
            micros: whole * 1_000_000 + fraction,
        })
    }
}

/// An ISO 4217 code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Currency {
    pub(super) code: [u8; 3],
}

impl FromStr for Currency {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let code = text.as_bytes().try_into().ok();
        let code = code.filter(|code: &[u8; 3]| code.iter().all(u8::is_ascii_uppercase));
        let code = code.filter(|code| fleet::minor_digits(*code) == 2);
        let expected =
            "three capital letters of ISO 4217, such as BRL, of a currency with two decimals";
        code.map(|code| Self { code }).ok_or(expected)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_sizes_need_a_unit() {
        let span = |text: &str| text.parse::<Span>().map(|span| span.0.as_millis()).ok();
        assert_eq!(span("500ms"), Some(500));
        assert_eq!("200us".parse(), Ok(Span(Duration::from_micros(200))));
        assert_eq!(span("30s"), Some(30_000));
        assert_eq!(span("7d"), Some(604_800_000));
        for refused in [
            "",
            "30",
            "s",
            "-1s",
            "1.5s",
            "30 s",
            "1h30m",
            "99999999999999999999d",
        ] {
            assert_eq!(span(refused), None, "{refused:?}");
        }
        let size = |text: &str| text.parse::<Bytes>().map(|bytes| bytes.0).ok();
        assert_eq!(size("64MiB"), Some(64 << 20));
        for refused in ["64", "64MB", "64 MiB", "20000000TiB"] {
            assert_eq!(size(refused), None, "{refused:?}");
        }
    }

    #[test]
    fn quantities_print_as_they_are_read() {
        for text in ["0us", "200us", "500ms", "90s", "1h", "7d"] {
            assert_eq!(
                text.parse::<Span>().map(|span| span.to_string()),
                Ok(text.to_owned())
            );
        }
        for text in ["0B", "1KiB", "1500B", "64MiB"] {
            assert_eq!(
                text.parse::<Bytes>().map(|bytes| bytes.to_string()),
                Ok(text.to_owned())
            );
        }
    }

    #[test]
    fn a_price_is_exact_to_the_millionth() {
        let price = |text: &str| text.parse::<Price>().map(|price| price.micros).ok();
        assert_eq!(price("0.75"), Some(750_000));
        assert_eq!(price("12"), Some(12_000_000));
        assert_eq!(price("0.000001"), Some(1));
        for refused in ["", ".5", "1.", "-1", "1e3", "0.0000001", "1000000", "1,5"] {
            assert_eq!(price(refused), None, "{refused:?}");
        }
    }
}
