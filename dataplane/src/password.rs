//! Station passwords: random enough that a salted HMAC, checked in microseconds, keeps them.

use std::fmt;

use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};

/// Shortest password an operator may choose (OCPP 2.0.1 Part 2, A00.FR.205).
pub const PASSWORD_CHARS_MIN: usize = 16;
/// Longest one (the same, by the errata of 2025-01; a station's own `maxLimit` lies between 40 and this).
pub const PASSWORD_CHARS_MAX: usize = 64;
/// Longest one that 1.6 has room for (OCPP 1.6 security whitepaper, `AuthorizationKey`).
pub(crate) const KEY_CHARS_MAX: usize = 40;
/// Without the ones that look alike; 57 of them in 24 places are 139 bits.
const ALPHABET: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789";
const GENERATED_LEN: usize = 24;
/// Longest key of 1.6, bytes: what [`KEY_CHARS_MAX`] digits stand for.
const KEY_LEN_MAX: usize = KEY_CHARS_MAX / 2;

/// A password's salted digest; the password itself reaches a shard only in a command that gives it to its station.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Password {
    pub(crate) salt: [u8; 16],
    pub(crate) mac: [u8; 32],
}

/// Why a text is no password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PasswordError {
    /// Too short or too long.
    #[error("password has {chars} characters, {PASSWORD_CHARS_MIN} to {max} are allowed")]
    Length {
        /// Characters found.
        chars: usize,
        /// Most that are allowed.
        max: usize,
    },
    /// The system's random source gives nothing.
    #[error("the system has no random bytes")]
    Random,
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(..)")
    }
}

/// Refuses a password that is too short, or longer than `max` characters.
pub(crate) fn check_length(password: &str, max: usize) -> Result<(), PasswordError> {
    let chars = password.chars().count();
    match (PASSWORD_CHARS_MIN..=max).contains(&chars) {
        true => Ok(()),
        false => Err(PasswordError::Length { chars, max }),
    }
}

impl Password {
    /// Matches nothing anyone knows; checked in the place of one that is not there.
    pub(crate) const NOBODYS: Self = Self {
        salt: [0; 16],
        mac: [0; 32],
    };

    /// The digest of `password` under a new salt.
    ///
    /// # Errors
    ///
    /// Any [`PasswordError`].
    pub fn new(password: &str) -> Result<Self, PasswordError> {
        check_length(password, PASSWORD_CHARS_MAX)?;
        let mut salt = [0; 16];
        SystemRandom::new()
            .fill(&mut salt)
            .map_err(|_| PasswordError::Random)?;
        let mut mac = [0; 32];
        mac.copy_from_slice(hmac::sign(&Self::key(&salt), password.as_bytes()).as_ref());
        Ok(Self { salt, mac })
    }

    /// A password for a station that was registered without one; show it once.
    ///
    /// # Errors
    ///
    /// [`PasswordError::Random`].
    pub fn generate() -> Result<String, PasswordError> {
        let random = SystemRandom::new();
        let mut password = String::with_capacity(GENERATED_LEN);
        while password.len() < GENERATED_LEN {
            let mut bytes = [0; GENERATED_LEN];
            random.fill(&mut bytes).map_err(|_| PasswordError::Random)?;
            // Six bits each; what lies beyond the alphabet is thrown away, so that every character is as likely.
            let chars = bytes
                .iter()
                .filter_map(|byte| ALPHABET.get(usize::from(byte & 0x3f)));
            let room = GENERATED_LEN - password.len();
            password.extend(chars.take(room).map(|byte| char::from(*byte)));
        }
        Ok(password)
    }

    /// Whether `password` is the one, in constant time.
    pub fn matches(&self, password: &[u8]) -> bool {
        hmac::verify(&Self::key(&self.salt), password, &self.mac).is_ok()
    }

    /// The same of what a 1.6 station shows: it is told its key in hexadecimal digits, of which some stations show the
    /// bytes that they stand for (1.6 security whitepaper, §7.2; OCPP-J 1.6, §6.2).
    pub(crate) fn matches_key(&self, password: &[u8]) -> bool {
        let hex = |digits: &[u8; 16]| {
            let nibbles = password.iter().flat_map(|byte| [byte >> 4, byte & 15]);
            nibbles
                .map(|nibble| digits[usize::from(nibble)])
                .collect::<Vec<u8>>()
        };
        self.matches(password)
            || password.len() <= KEY_LEN_MAX
                && (self.matches(&hex(b"0123456789abcdef"))
                    || self.matches(&hex(b"0123456789ABCDEF")))
    }

    fn key(salt: &[u8; 16]) -> hmac::Key {
        hmac::Key::new(hmac::HMAC_SHA256, salt)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_password_itself_matches() {
        let password = Password::new("correct horse battery").unwrap();
        assert!(password.matches(b"correct horse battery"));
        assert!(!password.matches(b"correct horse batterz"));
        assert!(!password.matches(b""));
    }

    #[test]
    fn a_key_matches_as_digits_and_as_bytes() {
        for text in [
            "00ff7F3a00ff7F3a00ff7F3a",
            "00FF7F3A00FF7F3A00FF",
            "00ff7f3a00ff7f3a00ff",
        ] {
            let key = Password::new(text).unwrap();
            let digits = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
            let bytes: Vec<u8> = (0..text.len()).step_by(2).map(digits).collect();
            assert!(key.matches_key(text.as_bytes()));
            let is_one_case = text.to_lowercase() == text || text.to_uppercase() == text;
            assert_eq!(key.matches_key(&bytes), is_one_case, "{text}");
            assert!(!key.matches_key(&bytes[1..]) && !key.matches_key(b""));
        }
    }

    #[test]
    fn one_password_has_two_digests() {
        let digest = || Password::new("0123456789abcdef").unwrap();
        assert_ne!(digest(), digest());
    }

    #[test]
    fn lengths_are_those_of_the_specification() {
        for (chars, good) in [(15, false), (16, true), (40, true), (64, true), (65, false)] {
            assert_eq!(Password::new(&"é".repeat(chars)).is_ok(), good, "{chars}");
        }
    }

    #[test]
    fn generated_passwords_are_acceptable_and_differ() {
        let (a, b) = (Password::generate().unwrap(), Password::generate().unwrap());
        assert_ne!(a, b);
        assert!(Password::new(&a).is_ok() && a.bytes().all(|byte| ALPHABET.contains(&byte)));
    }
}
