//! The one-time password of a dynamic QR code (2.1 Part 2, C25, "TOTP algorithm, version 1").
//!
//! As RFC 6238 with SHA-256, but for the end: the characters are read off the digest one byte each, from where its last
//! byte points.

use ring::hmac;

/// Name of the algorithm, as a URL and `TOTPVersion` say it.
pub(crate) const VERSION: &str = "v1";

/// Passwords of a shorter time or fewer characters are not OCPP's; longer ones nobody could scan.
pub(crate) const VALIDITY_SECONDS: std::ops::RangeInclusive<u64> = 6..=3_600;
pub(crate) const LEN: std::ops::RangeInclusive<usize> = 6..=64;

/// The characters of a password. In the text of edition 1 the algorithm's alphabet is called base62 and is printed
/// without its `o`; stations that took it as it is printed are understood too.
const ALPHABETS: [&[u8]; 2] = [
    b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
    b"0123456789abcdefghijklmnpqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
];

/// How a station makes its passwords.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Totp<'s> {
    pub(crate) secret: &'s str,
    /// In [`VALIDITY_SECONDS`].
    pub(crate) validity_seconds: u64,
    /// In [`LEN`].
    pub(crate) len: usize,
}

impl Totp<'_> {
    /// True for the password of now, and of the interval before and the one after: a driver takes his time, and clocks
    /// differ. `now` is in seconds of Unix time.
    pub(crate) fn accepts(&self, password: &str, now: u64) -> bool {
        let interval = now / self.validity_seconds;
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.secret.as_bytes());
        // All are looked at, whichever is right.
        (interval.saturating_sub(1)..=interval + 1).fold(false, |found, interval| {
            let digest = hmac::sign(&key, &interval.to_be_bytes());
            ALPHABETS.iter().fold(found, |found, alphabet| {
                found | is_same(&read_off(digest.as_ref(), alphabet, self.len), password)
            })
        })
    }
}

fn read_off(digest: &[u8], alphabet: &[u8], len: usize) -> Vec<u8> {
    let offset = digest.last().map_or(0, |last| usize::from(last & 0x0f));
    let bytes = digest.iter().cycle().skip(offset).take(len);
    bytes
        .map(|byte| alphabet[usize::from(*byte) % alphabet.len()])
        .collect()
}

/// In a time that does not tell how much of it was right.
fn is_same(password: &[u8], given: &str) -> bool {
    let given = given.as_bytes();
    let differs = password.iter().zip(given).fold(0, |d, (a, b)| d | (a ^ b));
    password.len() == given.len() && differs == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made by another implementation: `hmac` and `hashlib` of Python, by the pseudocode of C25.
    const KNOWN: [(&str, u64, u64, &str); 4] = [
        ("SecretSecretSecret", 59, 30, "ryRRw4wi"),
        ("SecretSecretSecret", 1_111_111_109, 30, "EK8QFVBB"),
        (
            "s3cr3t-€",
            20_000_000_000,
            6,
            "gwuPachx5WlSRqRd1kLcF3YpPhr63WLAgwuPachx",
        ),
        (
            "12345678901234567890123456789012",
            1_234_567_890,
            3_600,
            "ycZWGD",
        ),
    ];

    fn totp(secret: &str, validity_seconds: u64, len: usize) -> Totp<'_> {
        Totp {
            secret,
            validity_seconds,
            len,
        }
    }

    #[test]
    fn c25_passwords_are_those_of_the_algorithm_of_version_1() {
        for (secret, now, validity, password) in KNOWN {
            let totp = totp(secret, validity, password.len());
            assert!(totp.accepts(password, now), "{password}");
            assert!(!totp.accepts(&password.to_lowercase(), now), "{password}");
            assert!(!totp.accepts(&password[1..], now), "{password}");
            assert!(!totp.accepts(&format!("{password}a"), now), "{password}");
            assert!(!totp.accepts("", now), "{password}");
        }
    }

    #[test]
    fn c25_the_digest_under_a_password_is_that_of_rfc_6238() {
        // Appendix B: the seed for SHA-256, and the digits that HOTP's truncation takes from the digest.
        let key = hmac::Key::new(hmac::HMAC_SHA256, b"12345678901234567890123456789012");
        for (time, digits) in [
            (59_u64, 46_119_246),
            (1_111_111_109, 68_084_774),
            (1_111_111_111, 67_062_674),
            (1_234_567_890, 91_819_424),
            (2_000_000_000, 90_698_825),
            (20_000_000_000, 77_737_706),
        ] {
            let digest = hmac::sign(&key, &(time / 30).to_be_bytes());
            let digest = digest.as_ref();
            let offset = usize::from(digest[31] & 0x0f);
            let cut = u32::from_be_bytes(digest[offset..offset + 4].try_into().unwrap());
            assert_eq!(cut % (1 << 31) % 100_000_000, digits, "{time}");
        }
    }

    #[test]
    fn c25_the_password_of_the_interval_before_and_after_is_good_and_no_other() {
        let (secret, now, validity, password) = KNOWN[1];
        let totp = totp(secret, validity, password.len());
        let begins = now - now % validity;
        for good in [begins - validity, begins, begins + 2 * validity - 1] {
            assert!(totp.accepts(password, good), "{good}");
        }
        for bad in [begins - validity - 1, begins + 2 * validity, 0] {
            assert!(!totp.accepts(password, bad), "{bad}");
        }
    }

    #[test]
    fn c25_a_password_over_the_alphabet_as_it_is_printed_is_good_too() {
        assert!(totp("SecretSecretSecret", 30, 8).accepts("vzVSy8xj", 59));
    }
}
