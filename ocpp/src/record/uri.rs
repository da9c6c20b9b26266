//! Addresses, as far as their syntax goes.

use std::borrow::Cow;

use super::Wire;
use crate::Quirks;
use crate::json::{Fault, Reader, write_string};

/// An absolute address (RFC 3986), such as the place of a file. Another text is tolerated from a station.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Uri<'a>(Cow<'a, str>);

impl<'a> From<&'a str> for Uri<'a> {
    fn from(text: &'a str) -> Self {
        Uri(Cow::Borrowed(text))
    }
}

impl std::ops::Deref for Uri<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl<'a> Wire<'a> for Uri<'a> {
    fn blank() -> Self {
        Uri(Cow::Borrowed(""))
    }

    fn read(r: &mut Reader<'a>) -> Result<Self, Fault> {
        let text = r.string()?;
        if is_uri(&text) || r.tolerate(Quirks::NOT_A_URI) {
            Ok(Uri(text))
        } else {
            Err(Fault::value(&text, "an address like https://host/path"))
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        write_string(out, &self.0);
    }
}

/// RFC 3986 §3: a scheme, then nothing but the characters an address may hold, each percent sign with two hex digits.
fn is_uri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else {
        return false;
    };
    let named = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
    let (rest, fragment) = rest.split_once('#').unwrap_or((rest, ""));
    let (hierarchy, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, path) = match hierarchy.strip_prefix("//") {
        Some(rest) => rest.split_at(rest.find('/').unwrap_or(rest.len())),
        None => ("", hierarchy),
    };
    named
        && is_authority(authority)
        && are(path, b"/:@")
        && are(query, b"/:@?")
        && are(fragment, b"/:@?")
}

/// An IPv6 address, or one of a version yet to come: `v`, its number, `.`, its text (RFC 3986, 3.2.2).
fn is_address(text: &str) -> bool {
    let later = text.strip_prefix(['v', 'V']);
    match later.and_then(|later| later.split_once('.')) {
        Some((version, address)) => {
            let is_number = version.bytes().all(|b| b.is_ascii_hexdigit());
            let is_plain = !address.contains('%') && are(address, b":");
            !version.is_empty() && is_number && !address.is_empty() && is_plain
        }
        None => text.parse::<std::net::Ipv6Addr>().is_ok(),
    }
}

/// `user@host:port`; a host in brackets is an address.
fn is_authority(text: &str) -> bool {
    let (user, host) = text.rsplit_once('@').unwrap_or(("", text));
    let (host, after) = match host.strip_prefix('[') {
        Some(literal) => match literal.split_once(']') {
            Some((address, after)) if is_address(address) => ("", after),
            _ => return false,
        },
        None => host.split_at(host.find(':').unwrap_or(host.len())),
    };
    let port = match after.strip_prefix(':') {
        Some(port) => port.bytes().all(|b| b.is_ascii_digit()),
        None => after.is_empty(),
    };
    port && are(user, b":") && are(host, b"")
}

/// True for unreserved characters, sub-delimiters, percent escapes and the bytes of `more`.
fn are(text: &str, more: &[u8]) -> bool {
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let mut hex = || bytes.next().is_some_and(|b| b.is_ascii_hexdigit());
        let good = match byte {
            b'%' => hex() && hex(),
            _ => {
                byte.is_ascii_alphanumeric()
                    || b"-._~!$&'()*+,;=".contains(&byte)
                    || more.contains(&byte)
            }
        };
        if !good {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_what_is_none() {
        for text in [
            "https://example.com/firmware/v2.bin?x=1&y=%20#part",
            "ftp://user:secret@10.0.0.1:2121/upload",
            "http://[2001:db8::1]:8080/",
            "http://[v1.fe80::a+en1]/x",
            "file:///tmp/log",
            "urn:example:firmware",
            "sftp://host",
        ] {
            assert!(is_uri(text), "{text}");
        }
        for text in [
            "",
            "firmware.bin",
            "://host/",
            "1http://host/",
            "https://ho st/",
            "https://host/%2",
            "https://host:80a/",
            "https://[2001:db8::g]/",
            "https://[v.a]/",
            "https://[v1.]/",
            "https://[v1.%61]/",
            "https://host/[1]",
            "https://h\u{f6}st/",
            "https://host/#a#b",
        ] {
            assert!(!is_uri(text), "{text}");
        }
    }
}
