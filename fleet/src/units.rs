//! Energy and money, exact.

use std::fmt;

/// Energy as OCPP's `Energy.*` measurands report it, in milliwatt-hours: exact from parser to bill.
///
/// 1 Wh is 1,000; `DECIMAL(18,3)` of watt-hours holds ±0.9 PWh, which is the range parsers accept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct MilliwattHours(pub i64);

impl MilliwattHours {
    /// `self − earlier`, if it can be held.
    pub fn since(self, earlier: Self) -> Option<Self> {
        self.0.checked_sub(earlier.0).map(Self)
    }
}

/// Kilowatt-hours with up to six decimals and no trailing zeros, as the HTTP API shows energy: `7.0425`.
impl fmt::Display for MilliwattHours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sign, magnitude) = (if self.0 < 0 { "-" } else { "" }, self.0.unsigned_abs());
        let (whole, mut fraction) = (magnitude / 1_000_000, magnitude % 1_000_000);
        write!(f, "{sign}{whole}")?;
        if fraction == 0 {
            return Ok(());
        }
        let mut digits = 6;
        while fraction % 10 == 0 {
            fraction /= 10;
            digits -= 1;
        }
        write!(f, ".{fraction:0digits$}")
    }
}

/// An amount in the minor unit of its currency (cents of BRL).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Cost(pub i64);

impl Cost {
    /// `energy` at `price_per_kwh_micros` (millionths of the major unit per kWh), rounded half away from zero
    /// to the minor unit; `None` when it cannot be held.
    pub fn of_energy(energy: MilliwattHours, price_per_kwh_micros: i64) -> Option<Self> {
        // mWh × µ(major)/kWh = 10⁻¹² major units; one minor unit is 10⁻² of a major one.
        const PER_MINOR: i128 = 10_000_000_000;
        let exact = i128::from(energy.0) * i128::from(price_per_kwh_micros);
        let rounded = (exact + PER_MINOR / 2 * exact.signum()) / PER_MINOR;
        i64::try_from(rounded).ok().map(Self)
    }
}

/// Decimals of a currency's minor unit by ISO 4217. All that is not listed there has two.
pub fn minor_digits(currency: [u8; 3]) -> u8 {
    match &currency {
        b"BIF" | b"CLP" | b"DJF" | b"GNF" | b"ISK" | b"JPY" | b"KMF" | b"KRW" | b"PYG" | b"RWF"
        | b"UGX" | b"UYI" | b"VND" | b"VUV" | b"XAF" | b"XOF" | b"XPF" => 0,
        b"BHD" | b"IQD" | b"JOD" | b"KWD" | b"LYD" | b"OMR" | b"TND" => 3,
        b"CLF" | b"UYW" => 4,
        _ => 2,
    }
}

/// A decimal with two places: `5.28`.
impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sign, magnitude) = (if self.0 < 0 { "-" } else { "" }, self.0.unsigned_abs());
        write!(f, "{sign}{}.{:02}", magnitude / 100, magnitude % 100)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn energy_prints_as_kilowatt_hours() {
        for (mwh, text) in [
            (0, "0"),
            (1, "0.000001"),
            (7_042_500, "7.0425"),
            (-500_000, "-0.5"),
            (12_000_000, "12"),
        ] {
            assert_eq!(MilliwattHours(mwh).to_string(), text);
        }
    }

    #[test]
    fn currencies_have_the_decimals_of_iso_4217() {
        for (currency, digits) in [
            (b"BRL", 2),
            (b"EUR", 2),
            (b"JPY", 0),
            (b"KWD", 3),
            (b"CLF", 4),
        ] {
            assert_eq!(minor_digits(*currency), digits);
        }
    }

    #[test]
    fn cost_rounds_half_away_from_zero() {
        let cost = |mwh, price| Cost::of_energy(MilliwattHours(mwh), price).map(|c| c.to_string());
        assert_eq!(cost(7_042_500, 750_000), Some("5.28".into()));
        assert_eq!(
            cost(20_000, 250_000),
            Some("0.01".into()),
            "half a cent rounds up"
        );
        assert_eq!(cost(-20_000, 250_000), Some("-0.01".into()));
        assert_eq!(cost(19_999, 250_000), Some("0.00".into()));
        assert_eq!(cost(i64::MAX, i64::MAX), None);
    }
}
