//! A token for the administrator that somebody brings along, where a generated one cannot be carried away.

/// Shortest token that is accepted, characters: 16 random ones cannot be guessed over a network.
pub const ADMIN_TOKEN_CHARS_MIN: usize = 16;
/// Longest one; an HTTP header has to hold it.
pub const ADMIN_TOKEN_CHARS_MAX: usize = 512;
/// Fewest different characters; below it lies what a hand typed to get past the length.
pub const ADMIN_TOKEN_DISTINCT_MIN: usize = 6;

/// A token strong enough for whoever may do everything, as far as others can reach the server.
#[derive(Clone, PartialEq, Eq)]
pub struct AdminToken(Box<str>);

/// Why a text is no token for an administrator. None of these shows the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AdminTokenError {
    /// It cannot travel in a header, or would be cut at a blank.
    #[error(
        "character {at} of the token is none of visible ASCII; white space and other alphabets are not allowed"
    )]
    Character {
        /// Its place, counted from 1.
        at: usize,
    },
    /// Too short or too long.
    #[error(
        "the token has {chars} characters, expected {min} to {ADMIN_TOKEN_CHARS_MAX}; \
         `openssl rand -hex 24` makes a good one"
    )]
    Length {
        /// Characters found.
        chars: usize,
        /// Fewest that would do.
        min: usize,
    },
    /// It repeats itself.
    #[error(
        "the token consists of {distinct} different characters, expected at least {ADMIN_TOKEN_DISTINCT_MIN}; \
         `openssl rand -hex 24` makes a good one"
    )]
    Repetitive {
        /// Different characters found.
        distinct: usize,
    },
}

impl AdminToken {
    /// Checks a token.
    ///
    /// # Errors
    ///
    /// Any [`AdminTokenError`].
    pub fn new(token: &str) -> Result<Self, AdminTokenError> {
        let checked = Self::of_length(token, ADMIN_TOKEN_CHARS_MIN)?;
        let distinct = token
            .bytes()
            .collect::<std::collections::BTreeSet<_>>()
            .len();
        if distinct < ADMIN_TOKEN_DISTINCT_MIN {
            return Err(AdminTokenError::Repetitive { distinct });
        }
        Ok(checked)
    }

    /// Checks a token that nobody beyond this machine can try: any that an HTTP header carries.
    ///
    /// # Errors
    ///
    /// As [`AdminToken::new`], except that one character is long enough and none has to differ.
    pub fn for_loopback(token: &str) -> Result<Self, AdminTokenError> {
        Self::of_length(token, 1)
    }

    fn of_length(token: &str, min: usize) -> Result<Self, AdminTokenError> {
        if let Some(at) = token.chars().position(|c| !c.is_ascii_graphic()) {
            return Err(AdminTokenError::Character { at: at + 1 });
        }
        let chars = token.len();
        if !(min..=ADMIN_TOKEN_CHARS_MAX).contains(&chars) {
            return Err(AdminTokenError::Length { chars, min });
        }
        Ok(Self(token.into()))
    }

    /// The secret itself.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for AdminToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AdminToken(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_be_guessed_or_cut_is_refused() {
        use AdminTokenError::{Character, Length, Repetitive};
        let long = "abcdef0123456789".repeat(32);
        for (token, expected) in [
            ("e2e-administrator", None),
            ("0123456789abcdef", None),
            ("0123456789abcde", Some(Length { chars: 15, min: 16 })),
            ("", Some(Length { chars: 0, min: 16 })),
            (&*long, None),
            (
                &*format!("{long}x"),
                Some(Length {
                    chars: 513,
                    min: 16,
                }),
            ),
            ("two words of sixteen", Some(Character { at: 4 })),
            ("0123456789abcdef\n", Some(Character { at: 17 })),
            ("administração-do-sigec", Some(Character { at: 11 })),
            ("aaaaaaaaaaaaaaaa", Some(Repetitive { distinct: 1 })),
            ("12345123451234512345", Some(Repetitive { distinct: 5 })),
        ] {
            assert_eq!(AdminToken::new(token).err(), expected, "{token}");
        }
    }

    #[test]
    fn on_loopback_a_short_one_will_do() {
        use AdminTokenError::{Character, Length};
        for (token, expected) in [
            ("x", None),
            ("aaaaaaaaaaaaaaaa", None),
            ("", Some(Length { chars: 0, min: 1 })),
            ("two words", Some(Character { at: 4 })),
        ] {
            assert_eq!(AdminToken::for_loopback(token).err(), expected, "{token}");
        }
    }

    #[test]
    fn nothing_prints_it() {
        let token = AdminToken::new("0123456789abcdef").unwrap();
        assert_eq!(format!("{token:?}"), "AdminToken(..)");
    }
}
