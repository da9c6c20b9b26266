//! How far a message may stray from its schema, what its dates are worth, and what it strayed by.

/// What to do with a message that breaks its schema; each of the first three accepts more than the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Policy {
    /// The schema and nothing else. For what we or an operator send.
    Strict,
    /// Also the deviations known from stations in the field, one [`Quirks`] flag each.
    #[default]
    Tolerant,
    /// Also properties that the schema does not name; they are skipped.
    Lenient,
    /// These deviations and no others: what a station of this make is known for.
    Only(Quirks),
}

impl Policy {
    /// What may be tolerated.
    pub const fn allowed(self) -> Quirks {
        match self {
            Policy::Strict => Quirks(0),
            Policy::Tolerant => Quirks::KNOWN,
            Policy::Lenient => Quirks::ALL,
            Policy::Only(quirks) => quirks,
        }
    }
}

/// What is known of the clock that a station's dates come from; the default says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Clock {
    /// The zone of dates that name none, in minutes east of UTC.
    pub zone_minutes: i16,
    /// Dates marked `Z` are of that zone too.
    pub utc_is_local: bool,
    /// No date of it tells when anything happened.
    pub distrusted: bool,
}

/// How a message is to be read.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rules<'n> {
    /// How far it may stray from its schema.
    pub policy: Policy,
    /// What its dates are worth.
    pub clock: Clock,
    /// Where to note what was tolerated, place by place; without it only the kinds are told.
    pub notes: Option<&'n Notes>,
}

impl From<Policy> for Rules<'_> {
    fn from(policy: Policy) -> Self {
        Rules {
            policy,
            ..Rules::default()
        }
    }
}

/// The deviations that were tolerated in one message, as a set.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Quirks(u32);

impl Quirks {
    /// `null` where the payload should be `{}`.
    pub const NULL_PAYLOAD: Quirks = Quirks(1);
    /// `null` for an optional property that should be absent.
    pub const NULL_OPTIONAL: Quirks = Quirks(1 << 1);
    /// `""` for an optional date or enumeration that should be absent.
    pub const EMPTY_STRING: Quirks = Quirks(1 << 2);
    /// A descriptive string beyond its limit; kept whole.
    pub const OVER_LONG: Quirks = Quirks(1 << 3);
    /// A value outside an open enumeration; kept as sent.
    pub const UNKNOWN_WORD: Quirks = Quirks(1 << 4);
    /// A date without zone; read as UTC.
    pub const ZONE_MISSING: Quirks = Quirks(1 << 5);
    /// A date in another notation than RFC 3339, such as a space for the `T`.
    pub const DATE_FORM: Quirks = Quirks(1 << 6);
    /// A number or boolean where a string is due, or a number in a string.
    pub const TYPE_COERCED: Quirks = Quirks(1 << 7);
    /// An array with fewer elements than it must have.
    pub const EMPTY_ARRAY: Quirks = Quirks(1 << 8);
    /// One object where an array of them is due.
    pub const OBJECT_FOR_ARRAY: Quirks = Quirks(1 << 9);
    /// An unknown property, skipped ([`Policy::Lenient`] only).
    pub const EXTRA_PROPERTY: Quirks = Quirks(1 << 10);
    /// An integer written as `12.0` in 1.6.
    pub const NUMBER_FORM: Quirks = Quirks(1 << 11);
    /// Another text where an address is due.
    pub const NOT_A_URI: Quirks = Quirks(1 << 12);
    /// A local time marked as UTC, put right (a [`Clock`] that says so only).
    pub const LOCAL_TIME: Quirks = Quirks(1 << 13);

    /// All of them.
    pub const ALL: Quirks = Quirks((1 << 14) - 1);
    /// Those that [`Policy::Tolerant`] takes.
    pub const KNOWN: Quirks = Quirks(Quirks::ALL.0 & !Quirks::EXTRA_PROPERTY.0);
    /// Those by which a value is kept as it was sent; every other one changes what is read.
    pub const KEPT: Quirks = Quirks(
        Quirks::OVER_LONG.0 | Quirks::UNKNOWN_WORD.0 | Quirks::EMPTY_ARRAY.0 | Quirks::NOT_A_URI.0,
    );

    const NAMES: [&'static str; 14] = [
        "null_payload",
        "null_optional",
        "empty_string",
        "over_long",
        "unknown_word",
        "zone_missing",
        "date_form",
        "type_coerced",
        "empty_array",
        "object_for_array",
        "extra_property",
        "number_form",
        "not_a_uri",
        "local_time",
    ];

    /// True when the message followed its schema.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// True when every flag of `other` is set.
    pub const fn contains(self, other: Quirks) -> bool {
        self.0 & other.0 == other.0
    }

    /// Adds the flags of `other`.
    pub const fn insert(&mut self, other: Quirks) {
        self.0 |= other.0;
    }

    /// The flag of this name.
    pub fn parse(name: &str) -> Option<Quirks> {
        let bit = Quirks::NAMES.iter().position(|known| *known == name)?;
        Some(Quirks(1 << bit))
    }

    /// The set as bits, stable between versions of this crate: a flag keeps its bit.
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// The flags' names, for logs and metric labels.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Quirks::NAMES
            .into_iter()
            .enumerate()
            .filter(move |(bit, _)| self.0 & (1 << bit) != 0)
            .map(|(_, name)| name)
    }
}

/// What stands in a message in place of what was found there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// What the kind of deviation says by itself.
    Usual,
    /// A boolean for a number or a word.
    Boolean(bool),
}

/// One place where something was tolerated.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Note {
    /// A byte of the value, or the one behind it.
    pub(crate) at: usize,
    pub(crate) quirks: Quirks,
    pub(crate) taken: Taken,
}

/// Places that are noted of one message; a message may be a megabyte of them.
const NOTES_MAX: usize = 32;

/// What was tolerated in one message, place by place; the first [`Notes::LEN_MAX`] places.
#[derive(Debug, Default)]
pub struct Notes(std::cell::RefCell<Vec<Note>>);

impl Notes {
    /// Most places that are noted.
    pub const LEN_MAX: usize = NOTES_MAX;

    pub(crate) fn add(&self, note: Note) {
        let mut notes = self.0.borrow_mut();
        if notes.len() < NOTES_MAX {
            notes.push(note);
        }
    }

    /// What was noted, in the order of the message, and nothing any more.
    pub(crate) fn take(&self) -> Vec<Note> {
        self.0.take()
    }
}

impl std::fmt::Debug for Quirks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}
