//! PostgreSQL's patterns for dates and times (chapter "Data Type Formatting Functions"), read into pieces.
//!
//! A pattern is a word of [`WORDS`], all upper case or all lower case; names of months and days also with a capital. `FM`
//! before it leaves out padding, `TH` behind it makes an ordinal of a number. What is no pattern stands for itself, and so
//! does everything in double quotes.

/// What a pattern stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Hour12,
    Hour24,
    Minute,
    Second,
    /// As many digits.
    Fraction(u32),
    SecondOfDay,
    /// `AM`; with dots.
    Meridiem(bool),
    /// `AD`; with dots.
    Era(bool),
    YearWithComma,
    /// The last digits.
    Year(u32),
    IsoYear(u32),
    Century,
    Quarter,
    Month,
    MonthName,
    MonthShort,
    MonthRoman,
    Week,
    WeekOfMonth,
    IsoWeek,
    Day,
    DayOfYear,
    IsoDayOfYear,
    DayName,
    DayShort,
    Weekday,
    IsoWeekday,
    Julian,
    Zone,
    ZoneHours,
    ZoneMinutes,
    Offset,
    /// `FX`, which is about reading.
    Nothing,
}

/// Longer ones before those that they begin with.
const WORDS: [(&str, Part); 54] = [
    ("SSSSS", Part::SecondOfDay),
    ("Y,YYY", Part::YearWithComma),
    ("MONTH", Part::MonthName),
    ("IDDD", Part::IsoDayOfYear),
    ("IYYY", Part::IsoYear(4)),
    ("SSSS", Part::SecondOfDay),
    ("YYYY", Part::Year(4)),
    ("HH24", Part::Hour24),
    ("HH12", Part::Hour12),
    ("A.D.", Part::Era(true)),
    ("B.C.", Part::Era(true)),
    ("A.M.", Part::Meridiem(true)),
    ("P.M.", Part::Meridiem(true)),
    ("DAY", Part::DayName),
    ("DDD", Part::DayOfYear),
    ("FF1", Part::Fraction(1)),
    ("FF2", Part::Fraction(2)),
    ("FF3", Part::Fraction(3)),
    ("FF4", Part::Fraction(4)),
    ("FF5", Part::Fraction(5)),
    ("FF6", Part::Fraction(6)),
    ("IYY", Part::IsoYear(3)),
    ("MON", Part::MonthShort),
    ("TZH", Part::ZoneHours),
    ("TZM", Part::ZoneMinutes),
    ("YYY", Part::Year(3)),
    ("AD", Part::Era(false)),
    ("BC", Part::Era(false)),
    ("AM", Part::Meridiem(false)),
    ("PM", Part::Meridiem(false)),
    ("CC", Part::Century),
    ("DD", Part::Day),
    ("DY", Part::DayShort),
    ("FX", Part::Nothing),
    ("HH", Part::Hour12),
    ("ID", Part::IsoWeekday),
    ("IW", Part::IsoWeek),
    ("IY", Part::IsoYear(2)),
    ("MI", Part::Minute),
    ("MM", Part::Month),
    ("MS", Part::Fraction(3)),
    ("OF", Part::Offset),
    ("RM", Part::MonthRoman),
    ("SS", Part::Second),
    ("TZ", Part::Zone),
    ("US", Part::Fraction(6)),
    ("WW", Part::Week),
    ("YY", Part::Year(2)),
    ("D", Part::Weekday),
    ("I", Part::IsoYear(1)),
    ("J", Part::Julian),
    ("Q", Part::Quarter),
    ("W", Part::WeekOfMonth),
    ("Y", Part::Year(1)),
];
/// May be written with a capital letter.
const NAMES: [(&str, Part); 4] = [
    ("Month", Part::MonthName),
    ("Mon", Part::MonthShort),
    ("Day", Part::DayName),
    ("Dy", Part::DayShort),
];

/// How words are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Case {
    Upper,
    Lower,
    Capital,
}

/// A pattern and its modifiers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Field {
    pub(super) part: Part,
    pub(super) case: Case,
    /// `FM`: without padding.
    pub(super) is_bare: bool,
    /// `TH` or `th`.
    pub(super) ordinal: Option<Case>,
}

/// A stretch of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    Text(String),
    Field(Field),
}

/// The pieces of a template. There is none that cannot be read.
pub(super) fn pieces(template: &str) -> Vec<Piece> {
    let mut pieces = Pieces::default();
    let mut rest = template;
    while !rest.is_empty() {
        let mut is_bare = false;
        if let Some(behind) = either(rest, "FM") {
            (is_bare, rest) = (true, behind);
        } else if let Some(behind) = either(rest, "TM") {
            // Names of another language; there is one here.
            rest = behind;
        }
        rest = match word(rest) {
            Some((part, case, behind)) => pieces.field(part, case, is_bare, behind),
            None => pieces.literal(rest),
        };
    }
    pieces.done
}

/// What stands behind `word` in upper or lower case.
fn either<'t>(text: &'t str, word: &str) -> Option<&'t str> {
    text.strip_prefix(word)
        .or_else(|| text.strip_prefix(word.to_lowercase().as_str()))
}

fn word(text: &str) -> Option<(Part, Case, &str)> {
    let capital = NAMES
        .iter()
        .find_map(|(name, part)| Some((*part, Case::Capital, text.strip_prefix(name)?)));
    capital.or_else(|| {
        WORDS.iter().find_map(|(word, part)| {
            let upper = text
                .strip_prefix(word)
                .map(|rest| (*part, Case::Upper, rest));
            let lower = || text.strip_prefix(word.to_lowercase().as_str());
            upper.or_else(|| Some((*part, Case::Lower, lower()?)))
        })
    })
}

#[derive(Default)]
struct Pieces {
    done: Vec<Piece>,
}

impl Pieces {
    fn field<'t>(&mut self, part: Part, case: Case, is_bare: bool, behind: &'t str) -> &'t str {
        let (ordinal, rest) = if let Some(rest) = behind.strip_prefix("TH") {
            (Some(Case::Upper), rest)
        } else if let Some(rest) = behind.strip_prefix("th") {
            (Some(Case::Lower), rest)
        } else {
            (None, behind)
        };
        self.done.push(Piece::Field(Field {
            part,
            case,
            is_bare,
            ordinal,
        }));
        rest
    }

    /// Takes a quoted text or one character.
    fn literal<'t>(&mut self, text: &'t str) -> &'t str {
        let mut characters = text.chars();
        match characters.next() {
            Some('"') => {
                while let Some(character) = characters.next() {
                    match character {
                        '"' => break,
                        '\\' => self.text(characters.next().unwrap_or('\\')),
                        other => self.text(other),
                    }
                }
            }
            Some('\\') if text[1..].starts_with('"') => {
                characters.next();
                self.text('"');
            }
            Some(other) => self.text(other),
            None => {}
        }
        characters.as_str()
    }

    fn text(&mut self, character: char) {
        match self.done.last_mut() {
            Some(Piece::Text(text)) => text.push(character),
            _ => self.done.push(Piece::Text(character.to_string())),
        }
    }
}

/// The same for the engine's own readers of times, which know patterns of strftime.
///
/// # Errors
///
/// The pattern that has no counterpart.
pub(in crate::sql) fn strftime(template: &str) -> Result<String, String> {
    let mut text = String::new();
    for piece in pieces(template) {
        match piece {
            Piece::Text(literal) => text.push_str(&literal),
            Piece::Field(field) => text.push_str(specifier(field.part)?),
        }
    }
    Ok(text)
}

fn specifier(part: Part) -> Result<&'static str, String> {
    Ok(match part {
        Part::Year(4) => "%Y",
        Part::Year(2) => "%y",
        Part::Month => "%m",
        Part::MonthName => "%B",
        Part::MonthShort => "%b",
        Part::Day => "%d",
        Part::DayOfYear => "%j",
        Part::DayName => "%A",
        Part::DayShort => "%a",
        Part::Hour24 => "%H",
        Part::Hour12 => "%I",
        Part::Minute => "%M",
        Part::Second => "%S",
        Part::Fraction(3) => "%3f",
        Part::Fraction(6) => "%6f",
        Part::Meridiem(false) => "%p",
        Part::ZoneHours => "%#z",
        Part::Nothing => "",
        other => {
            let word = WORDS.iter().find(|(_, part)| *part == other);
            return Err(word.map_or_else(String::new, |(word, _)| (*word).to_owned()));
        }
    })
}
