//! A time, taken apart and written by a template.

use std::fmt::Write;

use chrono::{Datelike, NaiveDate};

use super::template::{Case, Field, Part, Piece};

/// What a template can ask of a time, or of a length of time.
#[derive(Clone, Debug, Default)]
pub(super) struct Moment {
    pub(super) year: i64,
    pub(super) month: i64,
    pub(super) day: i64,
    pub(super) hour: i64,
    pub(super) minute: i64,
    pub(super) second: i64,
    pub(super) micros: i64,
    /// `None` for a length.
    pub(super) date: Option<NaiveDate>,
    /// Seconds east of UTC; `None` where no zone is known.
    pub(super) offset: Option<i64>,
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
/// Monday first, as ISO counts.
const DAYS: [&str; 7] = [
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
];
const ROMAN: [&str; 12] = [
    "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII",
];
/// Width of the longest name of a month or a day.
const NAME_WIDTH: usize = 9;
/// Julian day of 1 January of the year 1, less one.
const JULIAN_BEFORE: i64 = 1_721_425;

/// Writes the time into `out`.
///
/// # Errors
///
/// A length of time has no day of the week, no zone and the like.
pub(super) fn write(out: &mut String, pieces: &[Piece], moment: &Moment) -> Result<(), String> {
    for piece in pieces {
        match piece {
            Piece::Text(text) => out.push_str(text),
            Piece::Field(field) => Writing { out, field }.part(moment)?,
        }
    }
    Ok(())
}

struct Writing<'a> {
    out: &'a mut String,
    field: &'a Field,
}

impl Writing<'_> {
    fn part(&mut self, moment: &Moment) -> Result<(), String> {
        let date = || {
            moment.date.ok_or_else(|| {
                let part = self.field.part;
                format!("a length of time has no {part:?}")
            })
        };
        let offset = moment.offset.unwrap_or(0);
        match self.field.part {
            Part::Hour12 => self.number((moment.hour + 11).rem_euclid(12) + 1, 2),
            Part::Hour24 => self.number(moment.hour, 2),
            Part::Minute => self.number(moment.minute, 2),
            Part::Second => self.number(moment.second, 2),
            Part::Fraction(digits) => {
                let cut = moment.micros / 10_i64.pow(6 - digits);
                // Places behind a point are never left out.
                let text = format!("{cut:0width$}", width = digits as usize);
                self.out.push_str(&text);
                self.ordinal(cut);
            }
            Part::SecondOfDay => {
                self.number(moment.hour * 3_600 + moment.minute * 60 + moment.second, 0);
            }
            Part::Meridiem(dots) => {
                let is_morning = moment.hour.rem_euclid(24) < 12;
                self.word(match (is_morning, dots) {
                    (true, false) => "AM",
                    (true, true) => "A.M.",
                    (false, false) => "PM",
                    (false, true) => "P.M.",
                });
            }
            Part::Era(dots) => {
                let is_after = 0 < date()?.year();
                self.word(match (is_after, dots) {
                    (true, false) => "AD",
                    (true, true) => "A.D.",
                    (false, false) => "BC",
                    (false, true) => "B.C.",
                });
            }
            Part::YearWithComma => {
                let year = counted(moment.year, moment.date.is_some());
                let text = format!("{},{:03}", year / 1_000, (year % 1_000).abs());
                self.out.push_str(&text);
                self.ordinal(year);
            }
            Part::Year(digits) => {
                self.year(counted(moment.year, moment.date.is_some()), digits);
            }
            Part::IsoYear(digits) => {
                let year = date()?.iso_week().year();
                self.year(counted(i64::from(year), true), digits);
            }
            Part::Century => {
                let year = i64::from(date()?.year());
                let century = if 0 < year {
                    (year - 1) / 100 + 1
                } else {
                    (year - 1) / 100 - 1
                };
                self.number(century, 2);
            }
            Part::Quarter => self.number((i64::from(date()?.month()) - 1) / 3 + 1, 0),
            Part::Month => self.number(moment.month, 2),
            Part::MonthName => {
                let month = date()?.month0();
                self.name(MONTHS[month as usize], NAME_WIDTH);
            }
            Part::MonthShort => {
                let month = date()?.month0();
                self.name(&MONTHS[month as usize][..3], 0);
            }
            Part::MonthRoman => {
                let month = date()?.month0();
                self.name(ROMAN[month as usize], 4);
            }
            Part::Week => self.number((i64::from(date()?.ordinal()) - 1) / 7 + 1, 2),
            Part::WeekOfMonth => self.number((i64::from(date()?.day()) - 1) / 7 + 1, 0),
            Part::IsoWeek => self.number(i64::from(date()?.iso_week().week()), 2),
            Part::Day => self.number(moment.day, 2),
            Part::DayOfYear => self.number(i64::from(date()?.ordinal()), 3),
            Part::IsoDayOfYear => {
                let date = date()?;
                let day = date.weekday().number_from_monday();
                self.number(i64::from((date.iso_week().week() - 1) * 7 + day), 3);
            }
            Part::DayName => {
                let day = date()?.weekday().num_days_from_monday();
                self.name(DAYS[day as usize], NAME_WIDTH);
            }
            Part::DayShort => {
                let day = date()?.weekday().num_days_from_monday();
                self.name(&DAYS[day as usize][..3], 0);
            }
            Part::Weekday => self.number(i64::from(date()?.weekday().number_from_sunday()), 0),
            Part::IsoWeekday => self.number(i64::from(date()?.weekday().number_from_monday()), 0),
            Part::Julian => {
                self.number(i64::from(date()?.num_days_from_ce()) + JULIAN_BEFORE, 0);
            }
            Part::Zone => {
                date()?;
                match moment.offset {
                    Some(0) => self.word("UTC"),
                    Some(offset) => self.offset(offset),
                    None => {}
                }
            }
            Part::ZoneHours => {
                date()?;
                let sign = if offset < 0 { '-' } else { '+' };
                let text = format!("{sign}{:02}", offset.abs() / 3_600);
                self.out.push_str(&text);
            }
            Part::ZoneMinutes => {
                date()?;
                let text = format!("{:02}", offset.abs() / 60 % 60);
                self.out.push_str(&text);
            }
            Part::Offset => {
                date()?;
                self.offset(offset);
            }
            Part::Nothing => {}
        }
        Ok(())
    }

    /// `-03`, `+05:30`.
    fn offset(&mut self, offset: i64) {
        let sign = if offset < 0 { '-' } else { '+' };
        let (hours, minutes) = (offset.abs() / 3_600, offset.abs() / 60 % 60);
        let text = match minutes {
            0 => format!("{sign}{hours:02}"),
            _ => format!("{sign}{hours:02}:{minutes:02}"),
        };
        self.out.push_str(&text);
    }

    fn year(&mut self, year: i64, digits: u32) {
        let last = if digits == 4 {
            year
        } else {
            year % 10_i64.pow(digits)
        };
        self.number(last, digits as usize);
    }

    /// A sign does not count as a digit.
    fn number(&mut self, value: i64, digits: usize) {
        let width = if self.field.is_bare { 0 } else { digits };
        let sign = if value < 0 { "-" } else { "" };
        // Writing to a String cannot fail.
        let _ = write!(self.out, "{sign}{:0width$}", value.unsigned_abs());
        self.ordinal(value);
    }

    fn ordinal(&mut self, value: i64) {
        let Some(case) = self.field.ordinal else {
            return;
        };
        let last = value.unsigned_abs() % 100;
        let ending = match (last / 10, last % 10) {
            (1, _) => "th",
            (_, 1) => "st",
            (_, 2) => "nd",
            (_, 3) => "rd",
            _ => "th",
        };
        match case {
            Case::Upper => self.out.push_str(&ending.to_uppercase()),
            Case::Lower | Case::Capital => self.out.push_str(ending),
        }
    }

    fn name(&mut self, name: &str, width: usize) {
        let width = if self.field.is_bare { 0 } else { width };
        let name = match self.field.case {
            Case::Upper => name.to_uppercase(),
            Case::Lower => name.to_lowercase(),
            Case::Capital => name.to_owned(),
        };
        let _ = write!(self.out, "{name:width$}");
    }

    /// Given in upper case.
    fn word(&mut self, word: &str) {
        match self.field.case {
            Case::Lower => self.out.push_str(&word.to_lowercase()),
            Case::Upper | Case::Capital => self.out.push_str(word),
        }
    }
}

/// There is no year 0: the one before the year 1 is 1 BC.
fn counted(year: i64, is_date: bool) -> i64 {
    if is_date && year <= 0 { 1 - year } else { year }
}
