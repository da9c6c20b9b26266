//! HTTP Basic credentials (RFC 7617), as OCPP's security profiles 1 and 2 use them.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Longest base64 text read. OCPP's identity holds 48 characters and its password 64, of up to four bytes each: 600
/// characters of base64.
const ENCODED_LEN_MAX: usize = 640;

/// A user and a password as bytes: OCPP 1.6 sends the password's raw bytes. Not printable.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    decoded: Vec<u8>,
    colon: usize,
}

impl Credentials {
    /// What stands before the first `:`.
    #[must_use]
    pub fn user(&self) -> &[u8] {
        &self.decoded[..self.colon]
    }

    /// What stands after the first `:`; may itself hold more.
    #[must_use]
    pub fn password(&self) -> &[u8] {
        &self.decoded[self.colon + 1..]
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").finish_non_exhaustive()
    }
}

/// Why an `Authorization` field is no Basic credentials. None of them repeats the secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CredentialsError {
    /// Another scheme.
    #[error("Authorization is of another scheme, expected Basic")]
    Scheme,
    /// Longer than any credentials of OCPP.
    #[error("Authorization holds {len} characters of base64, expected at most {ENCODED_LEN_MAX}")]
    TooLong {
        /// Characters found.
        len: usize,
    },
    /// Not base64 in its canonical form.
    #[error("Authorization is not canonical base64 with padding")]
    Base64,
    /// No `:` between user and password.
    #[error("Authorization has no \":\" between user and password")]
    NoColon,
}

/// Reads the value of an `Authorization` field.
///
/// # Errors
///
/// Each is the client's fault and answered with 401, or 400 for one that breaks the grammar.
pub fn basic_credentials(authorization: &[u8]) -> Result<Credentials, CredentialsError> {
    let (scheme, encoded) = authorization
        .split_at_checked("Basic ".len())
        .ok_or(CredentialsError::Scheme)?;
    if !scheme.eq_ignore_ascii_case(b"Basic ") {
        return Err(CredentialsError::Scheme);
    }
    let encoded = encoded.trim_ascii_start();
    if encoded.len() > ENCODED_LEN_MAX {
        return Err(CredentialsError::TooLong { len: encoded.len() });
    }
    let decoded = STANDARD
        .decode(encoded)
        .map_err(|_| CredentialsError::Base64)?;
    let colon = decoded
        .iter()
        .position(|byte| *byte == b':')
        .ok_or(CredentialsError::NoColon)?;
    Ok(Credentials { decoded, colon })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_colon_divides_and_bytes_are_kept() {
        for (text, user, password) in [
            (
                "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
                &b"Aladdin"[..],
                &b"open sesame"[..],
            ),
            ("basic  Y3A6YTpi", b"cp", b"a:b"),
            ("BASIC Og==", b"", b""),
            ("Basic Y3A6AP/+", b"cp", b"\x00\xff\xfe"),
        ] {
            let credentials = basic_credentials(text.as_bytes()).unwrap();
            assert_eq!(
                (credentials.user(), credentials.password()),
                (user, password),
                "{text}"
            );
            assert_eq!(format!("{credentials:?}"), "Credentials { .. }");
        }
    }

    #[test]
    fn the_longest_name_and_password_are_read() {
        let (user, password) = ("𝄞".repeat(48), "𝄞".repeat(64));
        let text = format!("Basic {}", STANDARD.encode(format!("{user}:{password}")));
        let credentials = basic_credentials(text.as_bytes()).unwrap();
        assert_eq!(
            (credentials.user(), credentials.password()),
            (user.as_bytes(), password.as_bytes())
        );
    }

    #[test]
    fn what_is_not_basic_is_refused() {
        let long = format!("Basic {}", "A".repeat(644));
        for (text, expected) in [
            ("", CredentialsError::Scheme),
            ("Basic", CredentialsError::Scheme),
            ("Bearer abc", CredentialsError::Scheme),
            ("Basic Y3A", CredentialsError::Base64),
            ("Basic Y3A6YTpi=", CredentialsError::Base64),
            ("Basic Y3A6Y!pi", CredentialsError::Base64),
            // The last character carries bits that are no byte: two texts for one password.
            ("Basic Oh==", CredentialsError::Base64),
            // Without padding.
            ("Basic Og", CredentialsError::Base64),
            ("Basic bm8gY29sb24=", CredentialsError::NoColon),
            (&long, CredentialsError::TooLong { len: 644 }),
        ] {
            assert_eq!(basic_credentials(text.as_bytes()), Err(expected), "{text}");
        }
    }
}
