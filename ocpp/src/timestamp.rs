//! Dates as OCPP writes them (RFC 3339), in microseconds of UTC.

use std::borrow::Cow;

use crate::json::{Fault, Reader};
use crate::record::Wire;
use crate::{Clock, Quirks};

/// What a date said about its zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Zone {
    /// `Z` or an offset of zero.
    Utc,
    /// An offset, in minutes east of UTC; already subtracted from the moment.
    Offset(i16),
    /// None was given; the moment was read as UTC, or in the zone that the station's clock is known to be set to.
    Missing,
    /// Whatever was given: the station's clock is known to be wrong, and the moment tells nothing.
    Distrusted,
}

/// A moment, and how the station wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timestamp<'a> {
    /// As received; `None` for a moment of ours.
    pub raw: Option<Cow<'a, str>>,
    /// Microseconds since 1970-01-01T00:00:00Z; finer digits are cut.
    pub utc_micros: i64,
    /// The zone it was written in.
    pub zone: Zone,
}

impl<'a> Timestamp<'a> {
    /// Reads a date in RFC 3339, or in one of the notations that stations are known to use; `None` for no date.
    pub fn read(text: &'a str) -> Option<Self> {
        let moment = parse(text)?;
        Some(Self {
            raw: Some(Cow::Borrowed(text)),
            utc_micros: moment.utc_micros,
            zone: moment.zone,
        })
    }
}

impl Timestamp<'_> {
    /// The same by a clock of which something is known.
    pub fn by(self, clock: Clock) -> Self {
        let moment = Moment {
            utc_micros: self.utc_micros,
            zone: self.zone,
            quirks: Quirks::default(),
        };
        let Moment {
            utc_micros, zone, ..
        } = moment.by(clock);
        Self {
            utc_micros,
            zone,
            ..self
        }
    }

    /// A moment of ours. It is written with milliseconds, which every known station reads.
    pub const fn at(utc_micros: i64) -> Timestamp<'static> {
        Timestamp {
            raw: None,
            utc_micros,
            zone: Zone::Utc,
        }
    }
}

/// A parsed date before its text is attached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    pub(crate) utc_micros: i64,
    pub(crate) zone: Zone,
    /// What it takes to accept this notation; empty for RFC 3339.
    pub(crate) quirks: Quirks,
}

impl Moment {
    /// The moment by a clock of which something is known.
    pub(crate) fn by(mut self, clock: Clock) -> Moment {
        let local = match self.zone {
            Zone::Missing => true,
            Zone::Utc => clock.utc_is_local,
            Zone::Offset(_) | Zone::Distrusted => false,
        };
        if local {
            self.utc_micros -= i64::from(clock.zone_minutes) * 60_000_000;
        }
        if clock.distrusted {
            self.zone = Zone::Distrusted;
        }
        self
    }
}

/// Reads a date: RFC 3339, or one of the notations seen in the field, which are marked as quirks.
#[inline]
pub(crate) fn parse(text: &str) -> Option<Moment> {
    let bytes = text.as_bytes();
    let head: &[u8; 19] = bytes.first_chunk()?;
    let mut quirks = Quirks::default();
    let (year, month, day) = (
        i64::from(pair(head, 0)?) * 100 + i64::from(pair(head, 2)?),
        pair(head, 5)?,
        pair(head, 8)?,
    );
    let (hour, minute, second) = (pair(head, 11)?, pair(head, 14)?, pair(head, 17)?);
    let separated = head[4] == b'-' && head[7] == b'-' && head[13] == b':' && head[16] == b':';
    match head[10] {
        b'T' | b't' => {}
        b' ' => quirks.insert(Quirks::DATE_FORM),
        _ => return None,
    }
    // A leap second is written :60; it falls on the first moment of the next minute.
    let in_range = (1..=12).contains(&month)
        && day >= 1
        && day <= days_in_month(year, month)
        && hour < 24
        && minute < 60
        && second <= 60;
    if !separated || !in_range {
        return None;
    }
    let mut at = 19;
    let micros = fraction(bytes, &mut at)?;
    let zone = zone(&bytes[at..], &mut quirks)?;
    let offset = match zone {
        Zone::Offset(minutes) => i64::from(minutes),
        Zone::Utc | Zone::Missing | Zone::Distrusted => 0,
    };
    let days = days_from_civil(year, month, day);
    let minutes = (days * 24 + i64::from(hour)) * 60 + i64::from(minute) - offset;
    // RFC 3339, 5.7: only the last minute of a day of UTC has one, and what has no zone may be of any.
    if second == 60 && zone != Zone::Missing && minutes.rem_euclid(1_440) != 1_439 {
        return None;
    }
    Some(Moment {
        utc_micros: (minutes * 60 + i64::from(second)) * 1_000_000 + micros,
        zone,
        quirks,
    })
}

#[inline]
fn pair(head: &[u8; 19], at: usize) -> Option<u32> {
    let (tens, ones) = (head[at].wrapping_sub(b'0'), head[at + 1].wrapping_sub(b'0'));
    (tens < 10 && ones < 10).then(|| u32::from(tens) * 10 + u32::from(ones))
}

/// Microseconds of an optional fraction at `at`; digits beyond the sixth are read and dropped.
fn fraction(bytes: &[u8], at: &mut usize) -> Option<i64> {
    if bytes.get(*at) != Some(&b'.') {
        return Some(0);
    }
    let digits = bytes[*at + 1..].iter().take_while(|b| b.is_ascii_digit());
    let (mut micros, mut weight, mut len) = (0i64, 100_000i64, 0);
    for digit in digits {
        micros += i64::from(digit - b'0') * weight;
        weight /= 10;
        len += 1;
    }
    *at += 1 + len;
    (len > 0).then_some(micros)
}

fn zone(text: &[u8], quirks: &mut Quirks) -> Option<Zone> {
    let (sign, hours, minutes) = match *text {
        [] => {
            quirks.insert(Quirks::ZONE_MISSING);
            return Some(Zone::Missing);
        }
        [b'Z' | b'z'] => return Some(Zone::Utc),
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => (sign, [h1, h2], [m1, m2]),
        [sign @ (b'+' | b'-'), h1, h2, m1, m2] => {
            quirks.insert(Quirks::DATE_FORM);
            (sign, [h1, h2], [m1, m2])
        }
        [sign @ (b'+' | b'-'), h1, h2] => {
            quirks.insert(Quirks::DATE_FORM);
            (sign, [h1, h2], [b'0', b'0'])
        }
        _ => return None,
    };
    let two = |[tens, ones]: [u8; 2]| {
        (tens.is_ascii_digit() && ones.is_ascii_digit())
            .then(|| i16::from(tens - b'0') * 10 + i16::from(ones - b'0'))
    };
    let (hours, minutes) = (two(hours)?, two(minutes)?);
    if hours > 23 || minutes > 59 {
        return None;
    }
    let east = hours * 60 + minutes;
    Some(match (sign, east) {
        (_, 0) => Zone::Utc,
        (b'-', _) => Zone::Offset(-east),
        _ => Zone::Offset(east),
    })
}

fn days_in_month(year: i64, month: u32) -> u32 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01 of a date in the proleptic Gregorian calendar; years begin in March, so that the leap
/// day is the last (H. Hinnant, "chrono-Compatible Low-Level Date Algorithms").
fn days_from_civil(year: i64, month: u32, day: u32) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month_from_march = i64::from((month + 9) % 12);
    let day_of_year = (153 * month_from_march + 2) / 5 + i64::from(day) - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// The inverse of [`days_from_civil`]: year, month, day.
fn civil_from_days(days: i64) -> (i64, u32, u32) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = (day_of_year - (153 * month_from_march + 2) / 5 + 1) as u32;
    let month = ((month_from_march + 2) % 12 + 1) as u32;
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

/// Appends a moment as `"2026-11-22T10:00:00.000Z"`, quotes included, without allocating.
fn write(out: &mut Vec<u8>, utc_micros: i64) {
    // RFC 3339 has years of four digits; a clock beyond them shows the nearest one.
    const FIRST: i64 = -62_167_219_200_000_000;
    const LAST: i64 = 253_402_300_799_999_999;
    let utc_micros = utc_micros.clamp(FIRST, LAST);
    let seconds = utc_micros.div_euclid(1_000_000);
    let millis = (utc_micros.rem_euclid(1_000_000) / 1_000) as u32;
    let (year, month, day) = civil_from_days(seconds.div_euclid(86_400));
    let second = seconds.rem_euclid(86_400) as u32;
    let year = year as u32;
    let mut text = *b"\"0000-00-00T00:00:00.000Z\"";
    let mut put = |at: usize, value: u32| {
        text[at] = b'0' + (value / 10) as u8;
        text[at + 1] = b'0' + (value % 10) as u8;
    };
    put(1, year / 100);
    put(3, year % 100);
    put(6, month);
    put(9, day);
    put(12, second / 3_600);
    put(15, second / 60 % 60);
    put(18, second % 60);
    put(22, millis % 100);
    text[21] = b'0' + (millis / 100) as u8;
    out.extend_from_slice(&text);
}

impl<'a> Wire<'a> for Timestamp<'a> {
    const EMPTY_IS_ABSENT: bool = true;

    fn blank() -> Self {
        Timestamp::at(0)
    }

    fn read(r: &mut Reader<'a>) -> Result<Self, Fault> {
        let raw = r.string()?;
        let moment = read_moment(r, &raw)?;
        Ok(Timestamp {
            raw: Some(raw),
            utc_micros: moment.utc_micros,
            zone: moment.zone,
        })
    }

    fn write(&self, out: &mut Vec<u8>) {
        match &self.raw {
            Some(raw) => crate::json::write_string(out, raw),
            None => write(out, self.utc_micros),
        }
    }
}

/// Parses a date that the reader has handed out, under the reader's policy.
#[inline]
pub(crate) fn read_moment(r: &mut Reader<'_>, raw: &str) -> Result<Moment, Fault> {
    let expected = "a date like 2026-11-22T10:00:00Z";
    let moment = parse(raw).ok_or_else(|| Fault::value(raw, expected))?;
    if !moment.quirks.is_empty() && !r.tolerate(moment.quirks) {
        return Err(Fault::value(raw, expected));
    }
    Ok(r.by_clock(moment))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn micros(text: &str) -> Option<i64> {
        parse(text).map(|moment| moment.utc_micros)
    }

    #[test]
    fn dates_of_every_accepted_notation() {
        let base = 1_700_000_000_000_000;
        for (text, expected, zone) in [
            ("1970-01-01T00:00:00Z", 0, Zone::Utc),
            ("2023-11-14T22:13:20Z", base, Zone::Utc),
            ("2023-11-14t22:13:20z", base, Zone::Utc),
            ("2023-11-14T22:13:20+00:00", base, Zone::Utc),
            ("2023-11-14T23:13:20+01:00", base, Zone::Offset(60)),
            ("2023-11-14T19:13:20-0300", base, Zone::Offset(-180)),
            ("2023-11-15T03:43:20+05:30", base, Zone::Offset(330)),
            ("2023-11-14T19:13:20-03", base, Zone::Offset(-180)),
            ("2023-11-14 22:13:20", base, Zone::Missing),
            ("2023-11-14T22:13:20.1", base + 100_000, Zone::Missing),
            ("2023-11-14T22:13:20.123456Z", base + 123_456, Zone::Utc),
            ("2023-11-14T22:13:20.123456999Z", base + 123_456, Zone::Utc),
            ("2016-12-31T23:59:60Z", 1_483_228_800_000_000, Zone::Utc),
            (
                "2016-12-31T20:59:60-03:00",
                1_483_228_800_000_000,
                Zone::Offset(-180),
            ),
            ("2024-02-29T00:00:00Z", 1_709_164_800_000_000, Zone::Utc),
            ("1969-12-31T23:59:59.999999Z", -1, Zone::Utc),
        ] {
            let moment = parse(text).unwrap_or_else(|| panic!("{text} refused"));
            assert_eq!((moment.utc_micros, moment.zone), (expected, zone), "{text}");
        }
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for text in [
            "",
            "yesterday",
            "2023-11-14",
            "2023-11-14T22:13Z",
            "2023-13-01T00:00:00Z",
            "2023-00-01T00:00:00Z",
            "2023-02-29T00:00:00Z",
            "2023-11-31T00:00:00Z",
            "2023-11-14T24:00:00Z",
            "2023-11-14T22:60:00Z",
            "2023-11-14T22:13:61Z",
            "2023-11-14T22:13:60Z",
            "2016-12-31T23:59:60-03:00",
            "2023-11-14T22:13:20.Z",
            "2023-11-14T22:13:20 Z",
            "2023-11-14T22:13:20+1",
            "2023-11-14T22:13:20+24:00",
            "2023/11/14T22:13:20Z",
            "2023-11-14T22:13:20ZZ",
            "２０２３-11-14T22:13:20Z",
        ] {
            assert_eq!(micros(text), None, "{text}");
        }
    }

    #[test]
    fn a_written_moment_reads_back_to_the_millisecond() {
        for moment in [
            0,
            -1_000,
            1_709_164_799_999_000,
            1_700_000_000_123_000,
            i64::MAX,
        ] {
            let mut out = Vec::new();
            Timestamp::at(moment).write(&mut out);
            let text = std::str::from_utf8(&out).unwrap().trim_matches('"');
            let expected = moment.min(253_402_300_799_999_000);
            assert_eq!(micros(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn every_day_of_four_centuries_survives_the_round_trip() {
        for days in -80_000..80_000 {
            let (year, month, day) = civil_from_days(days);
            assert_eq!(days_from_civil(year, month, day), days);
            assert!(day >= 1 && day <= days_in_month(year, month));
        }
    }
}
