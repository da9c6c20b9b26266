//! How an action's type is declared, read, checked and written.
//!
//! A type of [`record!`] is a list of `field: Type = "wireName"`; the field types carry the limits
//! ([`Text`], [`Key`], [`List`], [`words!`]), `Option` means optional. [`actions!`] gathers the types of one
//! direction into an enum: one line per action. Everything else follows from there.
//!
//! There are hundreds of such types, so little is compiled for each: blank values, and what to call for the member
//! at an index. Finding members, noticing those that are missing or come twice, naming the place of a fault
//! and writing commas is done once for all of them, behind [`Record`].

mod list;
mod number;
mod text;
mod uri;

use std::borrow::Cow;

pub use list::List;
pub use number::{Int, Number};
pub use text::{Key, LooseText, Text};
pub use uri::Uri;

use crate::json::{Fault, Reader, write_string};
use crate::meter::MeterColumns;
use crate::policy::Taken;
use crate::{CallError, ErrorCode, Quirks, Rules, Version};

/// A type with a form on the wire.
pub(crate) trait Wire<'a>: Sized {
    /// True for strings whose empty form some stations send where they should send nothing.
    const EMPTY_IS_ABSENT: bool = false;

    /// False for a member that may be left out.
    const REQUIRED: bool = true;

    /// True when a blank one holds memory that has to be given back.
    const BLANK_OWNS: bool = false;

    /// What stands in a member until it is read; for an optional one, that it is not there.
    fn blank() -> Self;

    /// Reads one value, or says what is wrong with it.
    fn read(r: &mut Reader<'a>) -> Result<Self, Fault>;

    /// Appends the value as JSON; one that is not there leaves nothing.
    fn write(&self, out: &mut Vec<u8>);
}

/// An object, as the one reader and the one writer of all objects see it.
pub(crate) trait Record<'a> {
    /// Its members, in the order of the schema.
    fn fields(&self) -> &'static Fields;

    /// Reads the value of the member at `index`.
    fn read_member(&mut self, index: usize, r: &mut Reader<'a>) -> Result<(), Fault>;

    /// Appends the value of the member at `index`, or nothing if it is not there.
    fn write_member(&self, index: usize, out: &mut Vec<u8>);
}

/// The members of an object type.
pub(crate) struct Fields {
    list: &'static [(&'static str, bool)],
    /// A bit for each member that must be there, the first lowest.
    required: u64,
}

impl Fields {
    /// Names, and whether each must be there; at most 64.
    pub(crate) const fn new(list: &'static [(&'static str, bool)]) -> Fields {
        assert!(list.len() <= u64::BITS as usize);
        let (mut required, mut index) = (0, 0);
        while index < list.len() {
            required |= (list[index].1 as u64) << index;
            index += 1;
        }
        Fields { list, required }
    }

    /// Where `key` stands. Stations write members in the order of the schema more often than not: the look begins at
    /// `likely` and goes round.
    #[inline]
    fn find(&self, key: &str, likely: usize) -> Option<usize> {
        let from = |start: usize, end: usize| {
            let mut names = self.list.get(start..end)?.iter();
            names.position(|(name, _)| *name == key).map(|i| i + start)
        };
        from(likely, self.list.len()).or_else(|| from(0, likely))
    }
}

/// Reads an object into `record`, which is blank.
pub(crate) fn read_record<'a>(
    r: &mut Reader<'a>,
    record: &mut dyn Record<'a>,
) -> Result<(), Fault> {
    let fields = record.fields();
    let (mut seen, mut likely) = (0u64, 0);
    let mut progress = r.object()?;
    while let Some(key) = r.key(&mut progress)? {
        let Some(index) = fields.find(&key, likely) else {
            r.other(&key, &mut progress)?;
            continue;
        };
        let (name, bit) = (fields.list[index].0, 1 << index);
        if seen & bit != 0 {
            return Err(Fault::duplicate(name));
        }
        seen |= bit;
        likely = index + 1;
        record
            .read_member(index, r)
            .map_err(|fault| fault.at(name))?;
    }
    let missing = fields.required & !seen;
    if missing == 0 {
        Ok(())
    } else {
        let first = missing.trailing_zeros() as usize;
        Err(Fault::missing(fields.list[first].0))
    }
}

/// Reads a value into a place that is blank. Not inlined: it is the same for every member of the same type, of which
/// there are far fewer.
#[inline(never)]
pub(crate) fn fill<'a, T: Wire<'a>>(place: &mut T, r: &mut Reader<'a>) -> Result<(), Fault> {
    let blank = std::mem::replace(place, T::read(r)?);
    if !T::BLANK_OWNS {
        // Code to drop it would be compiled for every member of every type.
        std::mem::forget(blank);
    }
    Ok(())
}

/// Appends `record` as an object, its members in the order of the schema.
pub(crate) fn write_record(record: &dyn Record<'_>, out: &mut Vec<u8>) {
    out.push(b'{');
    let start = out.len();
    for (index, (name, _)) in record.fields().list.iter().enumerate() {
        write_named(out, start, name, |out| record.write_member(index, out));
    }
    out.push(b'}');
}

/// Appends `"name":value` and the comma before it; `start` is where the first member begins. A value that
/// leaves nothing takes its name with it.
pub(crate) fn write_named(
    out: &mut Vec<u8>,
    start: usize,
    name: &str,
    write: impl FnOnce(&mut Vec<u8>),
) {
    let before = out.len();
    if before > start {
        out.push(b',');
    }
    out.push(b'"');
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
    let value = out.len();
    write(out);
    if out.len() == value {
        out.truncate(before);
    }
}

/// Appends a member that is a string.
pub(crate) fn write_text(out: &mut Vec<u8>, start: usize, name: &str, text: Option<&str>) {
    write_named(out, start, name, |out| {
        if let Some(text) = text {
            write_string(out, text);
        }
    });
}

/// A message and what had to be tolerated to read it.
#[derive(Clone, Debug, PartialEq)]
pub struct Decoded<M> {
    /// The message.
    pub message: M,
    /// Its deviations from the schema; empty under [`Policy::Strict`](crate::Policy::Strict).
    pub quirks: Quirks,
}

/// A word of an open enumeration: one the version names, or the station's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Open<'a, W> {
    /// A word of the enumeration.
    Known(W),
    /// Any other word, as sent.
    Other(Cow<'a, str>),
}

impl<W> From<W> for Open<'_, W> {
    fn from(word: W) -> Self {
        Open::Known(word)
    }
}

impl<W: Word> Open<'_, W> {
    /// The word as sent.
    pub fn as_str(&self) -> &str {
        match self {
            Open::Known(word) => (*word).as_str(),
            Open::Other(raw) => raw,
        }
    }
}

/// A closed set of words, each with its exact spelling on the wire.
pub trait Word: Copy + 'static {
    /// Every word, in the order of the specification.
    const ALL: &'static [Self];

    /// The spelling of each of them.
    const NAMES: &'static [&'static str];

    /// The word as written on the wire.
    fn as_str(self) -> &'static str;

    /// The word with exactly this spelling.
    #[inline]
    fn parse(text: &str) -> Option<Self> {
        let index = Self::NAMES.iter().position(|name| *name == text)?;
        Some(Self::ALL[index])
    }
}

impl<'a, W: Word + Wire<'a>> Wire<'a> for Open<'a, W> {
    const EMPTY_IS_ABSENT: bool = true;

    fn blank() -> Self {
        Open::Known(W::ALL[0])
    }

    fn read(r: &mut Reader<'a>) -> Result<Self, Fault> {
        let raw = r.string()?;
        match W::parse(&raw) {
            Some(word) => Ok(Open::Known(word)),
            None if r.tolerate(Quirks::UNKNOWN_WORD) => Ok(Open::Other(raw)),
            None => Err(unknown_word(&raw, W::NAMES)),
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        write_string(out, self.as_str());
    }
}

/// Reads a word of a closed set.
#[inline]
pub(crate) fn read_word<W: Word>(r: &mut Reader<'_>) -> Result<W, Fault> {
    read_name(r, W::NAMES).map(|index| W::ALL[index])
}

fn read_name(r: &mut Reader<'_>, names: &[&str]) -> Result<usize, Fault> {
    let raw = r.string()?;
    let index = names.iter().position(|name| *name == raw);
    index.ok_or_else(|| unknown_word(&raw, names))
}

#[cold]
pub(crate) fn unknown_word(raw: &str, names: &[&str]) -> Fault {
    Fault::value(raw, &format!("one of {}", names.join(", ")))
}

impl<'a, T: Wire<'a>> Wire<'a> for Option<T> {
    const REQUIRED: bool = false;

    fn blank() -> Self {
        None
    }

    fn read(r: &mut Reader<'a>) -> Result<Self, Fault> {
        if stands_for_nothing(r, T::EMPTY_IS_ABSENT) {
            return Ok(None);
        }
        T::read(r).map(Some)
    }

    fn write(&self, out: &mut Vec<u8>) {
        if let Some(value) = self {
            value.write(out);
        }
    }
}

/// Consumes what is tolerated in the place of an optional value that should have been left out.
#[inline(never)]
fn stands_for_nothing(r: &mut Reader<'_>, empty_is_absent: bool) -> bool {
    match r.peek() {
        b'n' if r.may(Quirks::NULL_OPTIONAL) && r.literal("null") => {
            r.tolerate(Quirks::NULL_OPTIONAL)
        }
        b'"' if empty_is_absent && r.may(Quirks::EMPTY_STRING) && r.literal("\"\"") => {
            r.tolerate(Quirks::EMPTY_STRING)
        }
        _ => false,
    }
}

/// A part that is large and seldom there.
impl<'a, T: Wire<'a>> Wire<'a> for Box<T> {
    const BLANK_OWNS: bool = true;

    fn blank() -> Self {
        Box::new(T::blank())
    }

    fn read(r: &mut Reader<'a>) -> Result<Self, Fault> {
        T::read(r).map(Box::new)
    }

    fn write(&self, out: &mut Vec<u8>) {
        T::write(self, out);
    }
}

impl<'a> Wire<'a> for bool {
    fn blank() -> Self {
        false
    }

    fn read(r: &mut Reader<'a>) -> Result<Self, Fault> {
        for (word, value) in [("true", true), ("false", false)] {
            if r.literal(word) {
                return Ok(value);
            }
        }
        // Seen: 0 and 1, and the words in quotes.
        let word = match r.peek() {
            b'"' if r.may(Quirks::TYPE_COERCED) => r.string()?,
            b'0' | b'1' if r.may(Quirks::TYPE_COERCED) => Cow::Borrowed(r.number()?),
            _ => return Err(r.wrong_type("a boolean")),
        };
        let value = match &*word {
            "1" | "true" | "True" => true,
            "0" | "false" | "False" => false,
            _ => return Err(Fault::wrong_type(&format!("{word:.20}"), "a boolean")),
        };
        r.tolerate_as(Quirks::TYPE_COERCED, Taken::Boolean(value));
        Ok(value)
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(if *self { b"true" } else { b"false" });
    }
}

/// Any JSON value, syntax-checked and kept as written (`data` of a 2.0.1 DataTransfer).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Any<'a>(&'a str);

impl<'a> Any<'a> {
    /// The value's JSON text.
    pub fn as_str(self) -> &'a str {
        self.0
    }
}

impl<'a> Wire<'a> for Any<'a> {
    fn blank() -> Self {
        Any("null")
    }

    fn read(r: &mut Reader<'a>) -> Result<Self, Fault> {
        r.value().map(Any)
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.0.as_bytes());
    }
}

/// Reads a whole payload of an action and wraps it up as a message of its direction.
#[inline(never)]
pub(crate) fn decode<'a, T: Wire<'a> + Record<'a>, M>(
    payload: &'a str,
    version: Version,
    rules: Rules<'a>,
    columns: &'a mut MeterColumns,
    wrap: fn(T) -> M,
) -> Result<Decoded<M>, CallError> {
    let mut message = T::blank();
    let quirks = read_payload(payload, version, rules, columns, &mut message)?;
    let message = wrap(message);
    Ok(Decoded { message, quirks })
}

fn read_payload<'a>(
    payload: &'a str,
    version: Version,
    rules: Rules<'a>,
    columns: &'a mut MeterColumns,
    message: &mut dyn Record<'a>,
) -> Result<Quirks, CallError> {
    let mut r = Reader::new(payload, version, rules);
    r.columns = Some(columns);
    if r.may(Quirks::NULL_PAYLOAD) && r.literal("null") {
        r.end()?;
        let mut empty = Reader::new("{}", version, rules);
        empty.tolerate(Quirks::NULL_PAYLOAD);
        empty.columns = r.columns.take();
        r = empty;
    }
    if r.peek() != b'{' {
        return Err(Fault::not_an_object(r.wrong_type("an object")).into());
    }
    read_record(&mut r, message)?;
    r.end()?;
    Ok(r.quirks)
}

/// The refusal of an action that this receiver does not take: unknown to the version, or
/// asked the wrong way round.
pub(crate) fn refuse_action(action: &str, title: &str, known: &[&str]) -> CallError {
    // The name comes from the network and the description has 255 characters.
    let short: String = action.chars().take(60).collect();
    if known.contains(&action) {
        let description = format!("{short} is not supported here");
        CallError::new(ErrorCode::NotSupported, description)
    } else {
        let description = format!("{short:?} is no action of {title}");
        CallError::new(ErrorCode::NotImplemented, description)
    }
}

/// Declares a closed set of words: `Variant` is spelled as its name, `Variant = "spelling"` otherwise.
macro_rules! words {
    ($(#[$meta:meta])* pub enum $name:ident { $($variant:ident $(= $wire:literal)?),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name {
            $(#[doc = concat!("`", $crate::record::words!(@wire $variant $($wire)?), "`")] $variant,)*
        }

        impl $crate::record::Word for $name {
            const ALL: &'static [Self] = &[$($name::$variant),*];
            const NAMES: &'static [&'static str] =
                &[$($crate::record::words!(@wire $variant $($wire)?)),*];

            #[inline]
            fn as_str(self) -> &'static str {
                Self::NAMES[self as usize]
            }
        }

        impl<'a> $crate::record::Wire<'a> for $name {
            const EMPTY_IS_ABSENT: bool = true;

            fn blank() -> Self {
                <Self as $crate::record::Word>::ALL[0]
            }

            fn read(r: &mut $crate::json::Reader<'a>) -> Result<Self, $crate::json::Fault> {
                $crate::record::read_word(r)
            }

            fn write(&self, out: &mut Vec<u8>) {
                $crate::json::write_string(out, $crate::record::Word::as_str(*self));
            }
        }
    };
    (@wire $variant:ident $wire:literal) => { $wire };
    (@wire $variant:ident) => { stringify!($variant) };
}

/// Declares an object: its fields, their types and their names on the wire.
macro_rules! record {
    ($(#[$meta:meta])* pub struct $name:ident<$lt:lifetime> { $($body:tt)* }) => {
        $crate::record::record!(@struct [$(#[$meta])*] $name [<$lt>] $($body)*);
        $crate::record::record!(@wire $lt, $name<$lt>, $($body)*);
    };
    ($(#[$meta:meta])* pub struct $name:ident { $($body:tt)* }) => {
        $crate::record::record!(@struct [$(#[$meta])*] $name [] $($body)*);
        $crate::record::record!(@wire 'w, $name, $($body)*);
    };
    (@struct [$($meta:tt)*] $name:ident [$($generics:tt)*]
        $($(#[$field_meta:meta])* $field:ident: $ty:ty = $wire:literal,)*
    ) => {
        $($meta)*
        #[derive(Clone, Debug, PartialEq)]
        pub struct $name $($generics)* {
            $(#[doc = concat!("`", $wire, "`. ")] $(#[$field_meta])* pub $field: $ty,)*
        }
    };
    (@wire $lt:lifetime, $name:ty, $($(#[$field_meta:meta])* $field:ident: $ty:ty = $wire:literal,)*) => {
        impl<$lt> $crate::record::Record<$lt> for $name {
            fn fields(&self) -> &'static $crate::record::Fields {
                const {
                    &$crate::record::Fields::new(&[
                        $(($wire, <$ty as $crate::record::Wire<$lt>>::REQUIRED)),*
                    ])
                }
            }

            fn read_member(
                &mut self,
                index: usize,
                _r: &mut $crate::json::Reader<$lt>,
            ) -> Result<(), $crate::json::Fault> {
                // Counted down member by member; it compiles to a jump.
                let mut _left = index;
                $(if _left == 0 {
                    return $crate::record::fill(&mut self.$field, _r);
                }
                _left = _left.wrapping_sub(1);)*
                Ok(())
            }

            fn write_member(&self, index: usize, _out: &mut Vec<u8>) {
                let mut _left = index;
                $(if _left == 0 {
                    return $crate::record::Wire::write(&self.$field, _out);
                }
                _left = _left.wrapping_sub(1);)*
            }
        }

        impl<$lt> $crate::record::Wire<$lt> for $name {
            const BLANK_OWNS: bool = false $(|| <$ty as $crate::record::Wire<$lt>>::BLANK_OWNS)*;

            fn blank() -> Self {
                Self { $($field: $crate::record::Wire::blank()),* }
            }

            fn read(r: &mut $crate::json::Reader<$lt>) -> Result<Self, $crate::json::Fault> {
                let mut record = Self::blank();
                $crate::record::read_record(r, &mut record)?;
                Ok(record)
            }

            fn write(&self, out: &mut Vec<u8>) {
                $crate::record::write_record(self, out);
            }
        }

        impl<$lt> $name {
            /// Appends the object as JSON.
            pub fn write(&self, out: &mut Vec<u8>) {
                $crate::record::write_record(self, out);
            }
        }
    };
}

/// Declares one direction of calls: an enum of the calls and one of their answers, one line per action.
macro_rules! actions {
    (
        version $version:expr, $title:literal;
        known $known:expr;
        $(#[$call_meta:meta])* calls $call:ident;
        $(#[$answer_meta:meta])* answers $answer:ident;
        $($action:ident: $call_ty:ty => $answer_ty:ty,)*
    ) => {
        $crate::record::actions!(
            @messages $version, $title, $known, $call, [$(#[$call_meta])*], $($action: $call_ty,)*
        );
        $crate::record::actions!(
            @messages $version, $title, $known, $answer, [$(#[$answer_meta])*], $($action: $answer_ty,)*
        );
    };
    (
        version $version:expr, $title:literal;
        known $known:expr;
        $(#[$meta:meta])* sends $send:ident;
        $($action:ident: $ty:ty,)*
    ) => {
        $crate::record::actions!(
            @messages $version, $title, $known, $send, [$(#[$meta])*], $($action: $ty,)*
        );
    };
    (@messages $version:expr, $title:literal, $known:expr, $name:ident, [$($meta:tt)*], $($action:ident: $ty:ty,)*) => {
        $($meta)*
        #[derive(Clone, Debug, PartialEq)]
        #[allow(clippy::large_enum_variant, reason = "a message is moved once and then matched")]
        pub enum $name<'a> {
            $(#[doc = concat!("`", stringify!($action), "`")] $action($ty),)*
        }

        impl<'a> $name<'a> {
            /// The actions in this set.
            pub const ACTIONS: &'static [&'static str] = &[$(stringify!($action)),*];

            /// Reads the payload of `action`. Meter values go to `columns`, which are cleared first.
            ///
            /// # Errors
            ///
            /// What to put into the CALLERROR: `NotImplemented` for an action that the version does not know,
            /// `NotSupported` for one that is not of this set, else what is wrong with the payload and where.
            pub fn decode(
                action: &str,
                payload: &'a str,
                rules: impl Into<$crate::Rules<'a>>,
                columns: &'a mut $crate::meter::MeterColumns,
            ) -> Result<$crate::Decoded<Self>, $crate::CallError> {
                Self::decode_by(action, payload, rules.into(), columns)
            }

            fn decode_by(
                action: &str,
                payload: &'a str,
                rules: $crate::Rules<'a>,
                columns: &'a mut $crate::meter::MeterColumns,
            ) -> Result<$crate::Decoded<Self>, $crate::CallError> {
                columns.clear();
                $(if action == stringify!($action) {
                    return $crate::record::decode::<$ty, Self>(
                        payload, $version, rules, columns, $name::$action,
                    );
                })*
                Err($crate::record::refuse_action(action, $title, $known))
            }

            /// The action's name.
            pub fn action(&self) -> &'static str {
                match self {
                    $($name::$action(_) => stringify!($action),)*
                }
            }

            /// Appends the payload as JSON.
            pub fn write(&self, out: &mut Vec<u8>) {
                match self {
                    $($name::$action(message) => message.write(out),)*
                }
            }
        }

        $(impl<'a> From<$ty> for $name<'a> {
            fn from(message: $ty) -> Self {
                $name::$action(message)
            }
        })*
    };
}

pub(crate) use {actions, record, words};

#[cfg(test)]
mod tests;
