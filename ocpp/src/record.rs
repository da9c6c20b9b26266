//! How an action's type is declared, read, checked and written.
//!
//! A type of [`record!`] is a list of `field: Type = "wireName"`; the field types carry the limits
//! ([`Text`], [`Key`], [`List`], [`words!`]), `Option` means optional. [`actions!`] gathers the types of one
//! direction into an enum: one line per action. Everything else follows from there.

mod list;
mod number;
mod text;

use std::borrow::Cow;

pub use list::List;
pub use number::Number;
pub use text::{Key, LooseText, Text};

use crate::json::{Fault, Reader, write_string};
use crate::meter::MeterColumns;
use crate::{CallError, ErrorCode, Policy, Quirks, Version};

/// A type with a form on the wire.
pub(crate) trait Wire<'a>: Sized {
    /// True for strings whose empty form some stations send where they should send nothing.
    const EMPTY_IS_ABSENT: bool = false;

    /// Reads one value, or says what is wrong with it.
    fn read(r: &mut Reader<'a>) -> Result<Self, Fault>;

    /// Appends the value as JSON.
    fn write(&self, out: &mut Vec<u8>);

    /// What stands for a property that is not there; `None` if it is required.
    fn absent() -> Option<Self> {
        None
    }

    /// True when the property is not written at all.
    fn is_absent(&self) -> bool {
        false
    }

    /// The part of a schema that this type stands for.
    #[cfg(test)]
    fn shape() -> Shape;
}

/// A JSON schema as far as OCPP uses it, to compare our types with the official ones.
#[cfg(test)]
#[derive(Debug)]
pub(crate) enum Shape {
    Text {
        max: Option<usize>,
    },
    Word(Vec<&'static str>),
    Date,
    Integer,
    Number,
    Bool,
    Any,
    List {
        min: usize,
        max: Option<usize>,
        item: Box<Shape>,
    },
    Object(Vec<(&'static str, bool, Shape)>),
}

/// A message and what had to be tolerated to read it.
#[derive(Clone, Debug, PartialEq)]
pub struct Decoded<M> {
    /// The message.
    pub message: M,
    /// Its deviations from the schema; empty under [`Policy::Strict`].
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

    /// The word as written on the wire.
    fn as_str(self) -> &'static str;

    /// The word with exactly this spelling.
    fn parse(text: &str) -> Option<Self>;
}

impl<'a, W: Word + Wire<'a>> Wire<'a> for Open<'a, W> {
    const EMPTY_IS_ABSENT: bool = true;

    fn read(r: &mut Reader<'a>) -> Result<Self, Fault> {
        let raw = r.string()?;
        match W::parse(&raw) {
            Some(word) => Ok(Open::Known(word)),
            None if r.tolerate(Quirks::UNKNOWN_WORD) => Ok(Open::Other(raw)),
            None => Err(unknown_word::<W>(&raw)),
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        write_string(out, self.as_str());
    }

    #[cfg(test)]
    fn shape() -> Shape {
        W::shape()
    }
}

/// Reads a word of a closed set.
pub(crate) fn read_word<W: Word>(r: &mut Reader<'_>) -> Result<W, Fault> {
    let raw = r.string()?;
    W::parse(&raw).ok_or_else(|| unknown_word::<W>(&raw))
}

#[cold]
fn unknown_word<W: Word>(raw: &str) -> Fault {
    let words: Vec<&str> = W::ALL.iter().map(|word| word.as_str()).collect();
    Fault::value(raw, &format!("one of {}", words.join(", ")))
}

impl<'a, T: Wire<'a>> Wire<'a> for Option<T> {
    fn read(r: &mut Reader<'a>) -> Result<Self, Fault> {
        if r.peek() == b'n' && r.policy >= Policy::Tolerant && r.literal("null") {
            r.tolerate(Quirks::NULL_OPTIONAL);
            return Ok(None);
        }
        if T::EMPTY_IS_ABSENT && r.policy >= Policy::Tolerant && r.literal("\"\"") {
            r.tolerate(Quirks::EMPTY_STRING);
            return Ok(None);
        }
        T::read(r).map(Some)
    }

    fn write(&self, out: &mut Vec<u8>) {
        if let Some(value) = self {
            value.write(out);
        }
    }

    fn absent() -> Option<Self> {
        Some(None)
    }

    fn is_absent(&self) -> bool {
        self.is_none()
    }

    #[cfg(test)]
    fn shape() -> Shape {
        T::shape()
    }
}

impl<'a> Wire<'a> for bool {
    fn read(r: &mut Reader<'a>) -> Result<Self, Fault> {
        for (word, value) in [("true", true), ("false", false)] {
            if r.literal(word) {
                return Ok(value);
            }
        }
        // Seen: 0 and 1, and the words in quotes.
        let word = match r.peek() {
            b'"' => r.string()?,
            b'0' | b'1' => Cow::Borrowed(r.number()?),
            _ => return Err(r.wrong_type("a boolean")),
        };
        let value = match &*word {
            "1" | "true" | "True" => true,
            "0" | "false" | "False" => false,
            _ => return Err(Fault::wrong_type(&format!("{word:.20}"), "a boolean")),
        };
        if r.tolerate(Quirks::TYPE_COERCED) {
            Ok(value)
        } else {
            Err(Fault::wrong_type(&word, "a boolean"))
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(if *self { b"true" } else { b"false" });
    }

    #[cfg(test)]
    fn shape() -> Shape {
        Shape::Bool
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
    fn read(r: &mut Reader<'a>) -> Result<Self, Fault> {
        r.value().map(Any)
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.0.as_bytes());
    }

    #[cfg(test)]
    fn shape() -> Shape {
        Shape::Any
    }
}

/// Appends `"name":value` and the comma before it; `start` is where the object began. Absent values leave nothing.
pub(crate) fn write_member<'a, T: Wire<'a>>(
    out: &mut Vec<u8>,
    start: usize,
    name: &'static str,
    value: &T,
) {
    if value.is_absent() {
        return;
    }
    if out.len() > start + 1 {
        out.push(b',');
    }
    out.push(b'"');
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
    value.write(out);
}

/// Reads a whole payload.
pub(crate) fn read_payload<'a, T: Wire<'a>>(
    payload: &'a str,
    version: Version,
    policy: Policy,
    columns: Option<&'a mut MeterColumns>,
) -> Result<Decoded<T>, CallError> {
    let mut r = Reader::new(payload, version, policy);
    r.columns = columns;
    if policy >= Policy::Tolerant && r.literal("null") {
        r.end()?;
        let mut empty = Reader::new("{}", version, policy);
        empty.tolerate(Quirks::NULL_PAYLOAD);
        empty.columns = r.columns.take();
        r = empty;
    }
    if r.peek() != b'{' {
        return Err(Fault::not_an_object(r.wrong_type("an object")).into());
    }
    let message = T::read(&mut r)?;
    r.end()?;
    Ok(Decoded {
        message,
        quirks: r.quirks,
    })
}

/// The refusal of an action that this receiver does not take: unknown to `version`, or known and not offered.
pub(crate) fn refuse_action(action: &str, version: Version, known: &[&str]) -> CallError {
    // The name comes from the network and the description has 255 characters.
    let short: String = action.chars().take(60).collect();
    if known.contains(&action) {
        let description = format!("{short} is not supported here");
        CallError::new(ErrorCode::NotSupported, description)
    } else {
        let description = format!("{short:?} is no action of {version}");
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

            fn as_str(self) -> &'static str {
                match self {
                    $($name::$variant => $crate::record::words!(@wire $variant $($wire)?),)*
                }
            }

            fn parse(text: &str) -> Option<Self> {
                $(if text == $crate::record::words!(@wire $variant $($wire)?) {
                    return Some($name::$variant);
                })*
                None
            }
        }

        impl<'a> $crate::record::Wire<'a> for $name {
            const EMPTY_IS_ABSENT: bool = true;

            fn read(r: &mut $crate::json::Reader<'a>) -> Result<Self, $crate::json::Fault> {
                $crate::record::read_word(r)
            }

            fn write(&self, out: &mut Vec<u8>) {
                $crate::json::write_string(out, $crate::record::Word::as_str(*self));
            }

            #[cfg(test)]
            fn shape() -> $crate::record::Shape {
                let words = <Self as $crate::record::Word>::ALL;
                $crate::record::Shape::Word(
                    words.iter().map(|word| $crate::record::Word::as_str(*word)).collect(),
                )
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
        impl<$lt> $crate::record::Wire<$lt> for $name {
            fn read(r: &mut $crate::json::Reader<$lt>) -> Result<Self, $crate::json::Fault> {
                $(let mut $field: Option<$ty> = None;)*
                let mut members = r.object()?;
                while let Some(key) = r.key(&mut members)? {
                    $(if key == $wire {
                        if $field.is_some() {
                            return Err($crate::json::Fault::duplicate($wire));
                        }
                        let value = <$ty as $crate::record::Wire<$lt>>::read(r);
                        $field = Some(value.map_err(|fault| fault.at($wire))?);
                        continue;
                    })*
                    r.other(&key, &mut members)?;
                }
                Ok(Self {
                    $($field: match $field {
                        Some(value) => value,
                        None => <$ty as $crate::record::Wire<$lt>>::absent()
                            .ok_or_else(|| $crate::json::Fault::missing($wire))?,
                    },)*
                })
            }

            fn write(&self, out: &mut Vec<u8>) {
                let _start = out.len();
                out.push(b'{');
                $($crate::record::write_member(out, _start, $wire, &self.$field);)*
                out.push(b'}');
            }

            #[cfg(test)]
            fn shape() -> $crate::record::Shape {
                $crate::record::Shape::Object(vec![$((
                    $wire,
                    <$ty as $crate::record::Wire<'_>>::absent().is_none(),
                    <$ty as $crate::record::Wire<'_>>::shape(),
                )),*])
            }
        }

        impl<$lt> $name {
            /// Appends the object as JSON.
            pub fn write(&self, out: &mut Vec<u8>) {
                $crate::record::Wire::write(self, out);
            }
        }
    };
}

/// Declares one direction of calls: an enum of the calls and one of their answers, one line per action.
macro_rules! actions {
    (
        version $version:expr;
        known $known:expr;
        $(#[$call_meta:meta])* calls $call:ident;
        $(#[$answer_meta:meta])* answers $answer:ident;
        $($action:ident: $call_ty:ty => $answer_ty:ty,)*
    ) => {
        $crate::record::actions!(@messages $version, $known, $call, [$(#[$call_meta])*], $($action: $call_ty,)*);
        $crate::record::actions!(@messages $version, $known, $answer, [$(#[$answer_meta])*], $($action: $answer_ty,)*);
    };
    (@messages $version:expr, $known:expr, $name:ident, [$($meta:tt)*], $($action:ident: $ty:ty,)*) => {
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
                policy: $crate::Policy,
                columns: &'a mut $crate::meter::MeterColumns,
            ) -> Result<$crate::Decoded<Self>, $crate::CallError> {
                columns.clear();
                $(if action == stringify!($action) {
                    let decoded = $crate::record::read_payload::<$ty>(
                        payload, $version, policy, Some(columns),
                    )?;
                    return Ok($crate::Decoded {
                        message: $name::$action(decoded.message),
                        quirks: decoded.quirks,
                    });
                })*
                Err($crate::record::refuse_action(action, $version, $known))
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

            #[cfg(test)]
            pub(crate) fn shape(action: &str) -> Option<$crate::record::Shape> {
                $(if action == stringify!($action) {
                    return Some(<$ty as $crate::record::Wire<'_>>::shape());
                })*
                None
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
