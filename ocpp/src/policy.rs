//! How far a message may stray from its schema, and what it strayed by.

/// What to do with a message that breaks its schema; each step accepts more than the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Policy {
    /// The schema and nothing else. For what we or an operator send.
    Strict,
    /// Also the deviations known from stations in the field, one [`Quirks`] flag each.
    #[default]
    Tolerant,
    /// Also properties that the schema does not name; they are skipped.
    Lenient,
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

    const NAMES: [&'static str; 13] = [
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

impl std::fmt::Debug for Quirks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}
