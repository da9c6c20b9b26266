//! Values that every station has, in as few bytes as they need.

/// `N` texts in one allocation, and none at all while every one of them is empty.
///
/// # Layout
///
/// For each text its length as a varint, then its bytes.
#[derive(Clone, PartialEq, Default)]
pub(crate) struct Texts<const N: usize>(Box<[u8]>);

impl<const N: usize> Texts<N> {
    pub(crate) fn new(texts: [&str; N]) -> Self {
        if texts.iter().all(|text| text.is_empty()) {
            return Self::default();
        }
        let mut bytes = Vec::new();
        for text in texts {
            put_bytes(&mut bytes, text.as_bytes());
        }
        Self(exact(&bytes))
    }

    /// Puts them as they lie.
    pub(super) fn put(&self, bytes: &mut Vec<u8>) {
        put_bytes(bytes, &self.0);
    }

    /// Takes what [`Texts::put`] put.
    pub(super) fn take(bytes: &mut &[u8]) -> Self {
        Self(take_bytes(bytes).into())
    }

    /// All of them, in the order they were given.
    pub(crate) fn get(&self) -> [&str; N] {
        let mut rest = &*self.0;
        [(); N].map(|()| {
            if rest.is_empty() {
                return "";
            }
            take_text(&mut rest)
        })
    }
}

impl<const N: usize> std::fmt::Debug for Texts<N> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.get().fmt(f)
    }
}

/// What a connector says of itself, nearly always in words of the specification: those take no memory of their own.
#[derive(Clone, PartialEq)]
pub(crate) enum Words {
    /// Indices into [`KNOWN`]: the status and the error code.
    Known(u8, u8),
    /// As the station wrote them. In a box because few do.
    Other(Box<Texts<2>>),
}

/// Connector statuses of 1.6 and 2.0.1 and error codes of 1.6, the empty text first.
const KNOWN: [&str; 26] = [
    "",
    "Available",
    "Occupied",
    "Reserved",
    "Unavailable",
    "Faulted",
    "Preparing",
    "Charging",
    "SuspendedEVSE",
    "SuspendedEV",
    "Finishing",
    "ConnectorLockFailure",
    "EVCommunicationError",
    "GroundFailure",
    "HighTemperature",
    "InternalError",
    "LocalListConflict",
    "OtherError",
    "OverCurrentFailure",
    "OverVoltage",
    "PowerMeterFailure",
    "PowerSwitchFailure",
    "ReaderFailure",
    "ResetFailure",
    "UnderVoltage",
    "WeakSignal",
];
/// No index: the words follow as texts.
const OTHER: u8 = u8::MAX;
const _: () = assert!(KNOWN.len() <= OTHER as usize);

impl Words {
    pub(crate) fn new(status: &str, error_code: &str) -> Self {
        let index = |text| KNOWN.iter().position(|known| *known == text);
        match (index(status), index(error_code)) {
            (Some(status), Some(error_code)) => Self::Known(status as u8, error_code as u8),
            (Some(_), None) | (None, _) => Self::Other(Box::new(Texts::new([status, error_code]))),
        }
    }

    /// Two indices, or [`OTHER`] and the texts.
    pub(super) fn put(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Known(status, error_code) => bytes.extend_from_slice(&[*status, *error_code]),
            Self::Other(texts) => {
                bytes.push(OTHER);
                texts.put(bytes);
            }
        }
    }

    /// Takes what [`Words::put`] put.
    pub(super) fn take(bytes: &mut &[u8]) -> Self {
        match take_array(bytes) {
            [OTHER] => Self::Other(Box::new(Texts::take(bytes))),
            [status] => {
                let [error_code] = take_array(bytes);
                Self::Known(status, error_code)
            }
        }
    }

    /// The status and the error code.
    pub(crate) fn get(&self) -> [&str; 2] {
        match self {
            Self::Known(status, error_code) => {
                [KNOWN[usize::from(*status)], KNOWN[usize::from(*error_code)]]
            }
            Self::Other(texts) => texts.get(),
        }
    }
}

impl Default for Words {
    fn default() -> Self {
        Self::Known(0, 0)
    }
}

impl std::fmt::Debug for Words {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.get().fmt(f)
    }
}

/// An `Option<i64>` in eight bytes. `i64::MIN`, which is no time and no register, reads back as `None`.
#[derive(Clone, Copy, PartialEq)]
pub(crate) struct Maybe(i64);

impl Maybe {
    pub(crate) const NONE: Self = Self(i64::MIN);

    pub(crate) fn new(value: Option<i64>) -> Self {
        value.map_or(Self::NONE, Self)
    }

    pub(crate) fn get(self) -> Option<i64> {
        (self != Self::NONE).then_some(self.0)
    }
}

impl Default for Maybe {
    fn default() -> Self {
        Self::NONE
    }
}

impl std::fmt::Debug for Maybe {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.get().fmt(f)
    }
}

/// The bytes in a block of their own length. A vector that is shrunk may stay in the block it has: mimalloc leaves it there
/// while half of the block is in use.
pub(super) fn exact(bytes: &[u8]) -> Box<[u8]> {
    bytes.into()
}

/// Seven bits a byte, the lowest first; the last byte has its highest bit clear.
pub(super) fn put_unsigned(bytes: &mut Vec<u8>, mut value: u64) {
    while 0x80 <= value {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

/// The sign in the lowest bit, so that small numbers of either sign are short.
pub(super) fn put_signed(bytes: &mut Vec<u8>, value: i64) {
    put_unsigned(bytes, (value << 1 ^ value >> 63) as u64);
}

/// The length, then the bytes.
pub(super) fn put_bytes(bytes: &mut Vec<u8>, value: &[u8]) {
    put_unsigned(bytes, value.len() as u64);
    bytes.extend_from_slice(value);
}

/// Takes as many bytes as were put.
pub(super) fn take_array<const N: usize>(bytes: &mut &[u8]) -> [u8; N] {
    let (taken, rest) = bytes.split_first_chunk().expect("as much was put");
    *bytes = rest;
    *taken
}

/// Takes what [`put_unsigned`] put.
pub(super) fn take_unsigned(bytes: &mut &[u8]) -> u64 {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first().expect("`put_unsigned` ends a number");
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if *byte < 0x80 {
            break;
        }
    }
    value
}

/// Takes what [`put_signed`] put.
pub(super) fn take_signed(bytes: &mut &[u8]) -> i64 {
    let value = take_unsigned(bytes);
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

/// Takes what [`put_bytes`] put.
pub(super) fn take_bytes<'a>(bytes: &mut &'a [u8]) -> &'a [u8] {
    let len = take_unsigned(bytes) as usize;
    let (taken, rest) = bytes.split_at(len);
    *bytes = rest;
    taken
}

/// Takes a text that [`put_bytes`] put.
pub(super) fn take_text<'a>(bytes: &mut &'a [u8]) -> &'a str {
    std::str::from_utf8(take_bytes(bytes)).expect("a text was put")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn empty_texts_take_no_memory() {
        let texts = Texts::new(["", ""]);
        assert_eq!((texts.0.len(), texts.get()), (0, ["", ""]));
    }

    #[test]
    fn words_of_the_specification_take_no_memory() {
        let words = Words::new("SuspendedEV", "GroundFailure");
        assert_eq!(words, Words::Known(9, 13));
        assert_eq!(words.get(), ["SuspendedEV", "GroundFailure"]);
        let words = Words::new("Available", "Leaking");
        assert_eq!(words.get(), ["Available", "Leaking"]);
        assert_eq!(Words::default().get(), ["", ""]);
    }

    proptest! {
        #[test]
        fn texts_read_back(a in ".{0,300}", b in ".*", c in ".{0,3}") {
            let texts = Texts::new([&a, &b, &c]);
            prop_assert_eq!(texts.get(), [&*a, &*b, &*c]);
        }

        #[test]
        fn numbers_read_back(unsigned: u64, signed: i64, near in -200_i64..200) {
            let mut bytes = Vec::new();
            put_unsigned(&mut bytes, unsigned);
            put_signed(&mut bytes, signed);
            put_signed(&mut bytes, near);
            let mut rest = &*bytes;
            prop_assert_eq!(take_unsigned(&mut rest), unsigned);
            prop_assert_eq!(take_signed(&mut rest), signed);
            prop_assert_eq!(take_signed(&mut rest), near);
            prop_assert!(rest.is_empty());
        }
    }
}
