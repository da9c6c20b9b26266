//! A strict pull reader over one JSON text (RFC 8259).
//!
//! Decoders ask for the value they expect and the reader hands it out or explains why not. Nothing is built
//! in between, strings borrow from the text unless they hold an escape, and numbers stay text.
//!
//! # Invariants
//!
//! - `at` is always on a character boundary: it only moves over ASCII or to the end of a string.
//! - Nesting deeper than [`DEPTH_MAX`] is refused, so neither stack nor time depends on a sender's brackets.

mod fault;
mod skip;
mod string;

use std::borrow::Cow;

pub(crate) use fault::Fault;
pub(crate) use skip::is_json_number;
pub(crate) use string::{plain_end, write_string};

use crate::meter::MeterColumns;
use crate::policy::{Note, Taken};
use crate::timestamp::Moment;
use crate::{Clock, Quirks, Rules, Version, Zone};

/// Deepest nesting of arrays and objects in a payload; the deepest of a schema is 10.
pub(crate) const DEPTH_MAX: u32 = 32;

/// A cursor over one JSON text.
pub(crate) struct Reader<'a> {
    text: &'a str,
    /// Next byte to read; `at <= text.len()`.
    at: usize,
    /// Open arrays and objects, `<= DEPTH_MAX`.
    depth: u32,
    /// The version whose schema is read.
    pub(crate) version: Version,
    /// How to read it.
    pub(crate) rules: Rules<'a>,
    /// What may be tolerated.
    allowed: Quirks,
    /// What was tolerated.
    pub(crate) quirks: Quirks,
    /// Where meter values go; taken by the one field of a message that holds them.
    pub(crate) columns: Option<&'a mut MeterColumns>,
}

impl<'a> Reader<'a> {
    /// A reader at the start of `text`.
    pub(crate) fn new(text: &'a str, version: Version, rules: impl Into<Rules<'a>>) -> Reader<'a> {
        let rules = rules.into();
        Reader {
            text,
            at: 0,
            depth: 0,
            version,
            rules,
            allowed: rules.policy.allowed(),
            quirks: Quirks::default(),
            columns: None,
        }
    }

    /// The next byte that is not white space, without moving past it; 0 at the end.
    #[inline]
    pub(crate) fn peek(&mut self) -> u8 {
        match self.text.as_bytes().get(self.at) {
            Some(&byte) if byte > b' ' => byte,
            _ => self.skip_white_space(),
        }
    }

    #[cold]
    fn skip_white_space(&mut self) -> u8 {
        let bytes = self.text.as_bytes();
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = bytes.get(self.at) {
            self.at += 1;
        }
        bytes.get(self.at).copied().unwrap_or(0)
    }

    /// Where the next byte stands.
    pub(crate) fn position(&self) -> usize {
        self.at
    }

    /// Everything from the next value on, for a look ahead.
    pub(crate) fn rest(&mut self) -> &'a str {
        self.peek();
        &self.text[self.at..]
    }

    /// Refuses anything but white space after the value.
    pub(crate) fn end(&mut self) -> Result<(), Fault> {
        self.peek();
        if self.at == self.text.len() {
            Ok(())
        } else {
            Err(self.syntax("the end of the payload"))
        }
    }

    /// True where `quirk` may be tolerated.
    pub(crate) fn may(&self, quirk: Quirks) -> bool {
        self.allowed.contains(quirk)
    }

    /// The same, in which case `quirk` is noted, at the value that was just read or comes next.
    pub(crate) fn tolerate(&mut self, quirk: Quirks) -> bool {
        self.tolerate_as(quirk, Taken::Usual)
    }

    /// The same; `taken` is what is read instead.
    pub(crate) fn tolerate_as(&mut self, quirk: Quirks, taken: Taken) -> bool {
        let allowed = self.may(quirk);
        if allowed {
            self.note(quirk, taken);
        }
        allowed
    }

    fn note(&mut self, quirks: Quirks, taken: Taken) {
        self.quirks.insert(quirks);
        if let Some(notes) = self.rules.notes {
            let at = self.at;
            notes.add(Note { at, quirks, taken });
        }
    }

    /// What a date is worth by the station's clock.
    #[inline]
    pub(crate) fn by_clock(&mut self, moment: Moment) -> Moment {
        if self.rules.clock == Clock::default() {
            return moment;
        }
        let by_clock = moment.by(self.rules.clock);
        let corrected = by_clock.utc_micros != moment.utc_micros;
        if corrected && moment.zone == Zone::Utc {
            self.note(Quirks::LOCAL_TIME, Taken::Usual);
        }
        by_clock
    }

    /// Steps into an object.
    #[inline]
    pub(crate) fn object(&mut self) -> Result<Members, Fault> {
        self.open(b'{', "an object")?;
        Ok(Members {
            first: true,
            custom: false,
        })
    }

    /// The next key of the object; `None` after its end.
    #[inline(always)]
    pub(crate) fn key(&mut self, members: &mut Members) -> Result<Option<Cow<'a, str>>, Fault> {
        let byte = self.peek();
        if byte == b'}' {
            self.close();
            return Ok(None);
        }
        self.separator(byte, &mut members.first, "',' or '}'")?;
        if self.peek() != b'"' {
            return Err(self.syntax("a property name"));
        }
        let key = self.string()?;
        if self.peek() != b':' {
            return Err(self.syntax("':'"));
        }
        self.at += 1;
        Ok(Some(key))
    }

    /// Steps into an array.
    #[inline]
    pub(crate) fn array(&mut self) -> Result<Elements, Fault> {
        self.open(b'[', "an array")?;
        Ok(Elements { first: true })
    }

    /// True when another element follows; false after the end of the array.
    #[inline]
    pub(crate) fn element(&mut self, elements: &mut Elements) -> Result<bool, Fault> {
        let byte = self.peek();
        if byte == b']' {
            self.close();
            return Ok(false);
        }
        self.separator(byte, &mut elements.first, "',' or ']'")?;
        Ok(true)
    }

    #[inline]
    fn separator(
        &mut self,
        byte: u8,
        first: &mut bool,
        expected: &'static str,
    ) -> Result<(), Fault> {
        if *first {
            *first = false;
            return Ok(());
        }
        if byte != b',' {
            return Err(self.syntax(expected));
        }
        self.at += 1;
        // A comma promises a value: `[1,]` would otherwise end here.
        if matches!(self.peek(), b'}' | b']') {
            return Err(self.syntax("a value after ','"));
        }
        Ok(())
    }

    #[inline]
    fn open(&mut self, bracket: u8, expected: &'static str) -> Result<(), Fault> {
        if self.peek() != bracket {
            return Err(self.wrong_type(expected));
        }
        if self.depth == DEPTH_MAX {
            return Err(Fault::too_deep());
        }
        self.depth += 1;
        self.at += 1;
        Ok(())
    }

    #[inline]
    fn close(&mut self) {
        self.depth -= 1;
        self.at += 1;
    }

    /// A string, unescaped.
    ///
    /// Inlined wherever one is read: a call would hand the four words of its answer over in memory, and reading those
    /// back at once cost more than finding the end of the string.
    #[inline(always)]
    pub(crate) fn string(&mut self) -> Result<Cow<'a, str>, Fault> {
        if self.peek() == b'"' {
            let start = self.at + 1;
            let end = string::plain_end(self.text.as_bytes(), start);
            if self.text.as_bytes().get(end) == Some(&b'"') {
                self.at = end + 1;
                return Ok(Cow::Borrowed(&self.text[start..end]));
            }
        }
        self.other_string()
    }

    /// A string with escapes, or what stands in its place.
    #[cold]
    #[inline(never)]
    fn other_string(&mut self) -> Result<Cow<'a, str>, Fault> {
        if self.peek() != b'"' {
            return Err(self.wrong_type("a string"));
        }
        let start = self.at + 1;
        let end = string::plain_end(self.text.as_bytes(), start);
        let (text, end) = string::unescape(self.text, start, end)?;
        self.at = end;
        Ok(Cow::Owned(text))
    }

    /// A number, as written.
    #[inline]
    pub(crate) fn number(&mut self) -> Result<&'a str, Fault> {
        if !matches!(self.peek(), b'-' | b'0'..=b'9') {
            return Err(self.wrong_type("a number"));
        }
        let start = self.at;
        match skip::number_end(self.text.as_bytes(), start) {
            Ok(end) => {
                self.at = end;
                Ok(&self.text[start..end])
            }
            Err(at) => {
                self.at = at;
                Err(self.syntax("a number of JSON"))
            }
        }
    }

    /// Consumes the literal `word` if it comes next.
    pub(crate) fn literal(&mut self, word: &str) -> bool {
        let found = self.rest().starts_with(word);
        if found {
            self.at += word.len();
        }
        found
    }

    /// Any value, checked and handed out as written.
    pub(crate) fn value(&mut self) -> Result<&'a str, Fault> {
        self.peek();
        let start = self.at;
        self.skip_value()?;
        Ok(&self.text[start..self.at])
    }

    /// Decides about a property that the schema does not name.
    pub(crate) fn other(&mut self, key: &str, members: &mut Members) -> Result<(), Fault> {
        if key == "customData" && self.version != Version::V16 {
            if members.custom {
                return Err(Fault::duplicate(key));
            }
            members.custom = true;
            return self.custom_data().map_err(|fault| fault.at(key));
        }
        if !self.may(Quirks::EXTRA_PROPERTY) {
            return Err(Fault::unknown(key));
        }
        self.skip_value()?;
        self.note(Quirks::EXTRA_PROPERTY, Taken::Usual);
        Ok(())
    }

    /// `customData`: any members beside a `vendorId` of at most 255 characters (2.0.1 Part 2,
    /// `CustomDataType`). It is checked and passed over; the raw frame keeps it.
    fn custom_data(&mut self) -> Result<(), Fault> {
        let mut members = self.object()?;
        let mut vendor = false;
        while let Some(key) = self.key(&mut members)? {
            if key != "vendorId" {
                self.skip_value()?;
                continue;
            }
            if std::mem::replace(&mut vendor, true) {
                return Err(Fault::duplicate(&key));
            }
            let id = self.string().map_err(|fault| fault.at(&key))?;
            if id.chars().count() > 255 {
                return Err(Fault::too_long(id.chars().count(), 255).at(&key));
            }
        }
        if vendor {
            Ok(())
        } else {
            Err(Fault::missing("vendorId"))
        }
    }

    /// Another JSON type than `expected` comes next, or no value at all. Nothing can be read after this.
    #[cold]
    pub(crate) fn wrong_type(&mut self, expected: &'static str) -> Fault {
        let found = match self.peek() {
            b'{' => "an object",
            b'[' => "an array",
            b'"' => "a string",
            b'-' | b'0'..=b'9' => "a number",
            b't' | b'f' => "a boolean",
            b'n' => "null",
            _ => return self.syntax(expected),
        };
        // What only begins like a value is no JSON, and that is the graver fault.
        if let Err(fault) = self.skip_value() {
            return fault;
        }
        match self.peek() {
            b',' | b'}' | b']' | 0 => Fault::wrong_type(found, expected),
            _ => self.syntax("',' or the end of the value around it"),
        }
    }

    /// The text is no JSON here.
    #[cold]
    pub(crate) fn syntax(&mut self, expected: &'static str) -> Fault {
        self.peek();
        Fault::syntax(self.at, self.text[self.at..].chars().next(), expected)
    }
}

/// Progress through an object.
pub(crate) struct Members {
    first: bool,
    /// `customData` was seen.
    custom: bool,
}

/// Progress through an array.
pub(crate) struct Elements {
    first: bool,
}
