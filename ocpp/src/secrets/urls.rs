//! What of a URL lets somebody in.

/// Members that say where a file is or goes.
pub(super) const MEMBERS: [&str; 2] = ["location", "remoteLocation"];

/// A segment of a path with as many characters of base64 has as good as no other meaning than to be unguessable.
const SECRET_CHARS_MIN: usize = 32;
const MASK: &str = "***";

/// A URL that lets nobody in: without the password of its user, its query, and what in its path nobody could guess.
pub(super) fn without_secrets(url: &str) -> String {
    let (scheme, rest) = match url.split_once("://") {
        Some((scheme, rest)) => (Some(scheme), rest),
        None => (None, url),
    };
    let path_at = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(path_at);
    let mut out = String::with_capacity(url.len());
    if let Some(scheme) = scheme {
        out += scheme;
        out += "://";
    }
    match authority.rsplit_once('@') {
        Some((user, host)) => {
            out += user.split_once(':').map_or(user, |(name, _)| name);
            out += if user.contains(':') { ":***@" } else { "@" };
            out += host;
        }
        None => out += authority,
    }
    let (path, behind) = path.split_at(path.find(['?', '#']).unwrap_or(path.len()));
    for (at, segment) in path.split('/').enumerate() {
        if 0 < at {
            out.push('/');
        }
        out += if is_secret(segment) { MASK } else { segment };
    }
    if !behind.is_empty() {
        out += &behind[..1];
        out += MASK;
    }
    out
}

fn is_secret(segment: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    SECRET_CHARS_MIN <= segment.len() && segment.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_keeps_what_lets_nobody_in() {
        for (url, expected) in [
            ("https://files.example/fw-1.2.bin", None),
            ("ftp://files.example", None),
            ("ftp://ana@files.example/up", None),
            (
                "ftp://ana:secret@files.example/up",
                Some("ftp://ana:***@files.example/up"),
            ),
            ("ftp://ana:p@ss@host", Some("ftp://ana:***@host")),
            (
                "http://host:8080/files/u/0123456789abcdefABCDEF_-01234567/log.gz",
                Some("http://host:8080/files/u/***/log.gz"),
            ),
            (
                "https://s3.example/fw.bin?X-Amz-Signature=1#a",
                Some("https://s3.example/fw.bin?***"),
            ),
            ("https://host?a=b", Some("https://host?***")),
            ("", None),
            ("ä//:@?", Some("ä//:@?***")),
        ] {
            assert_eq!(without_secrets(url), expected.unwrap_or(url), "{url}");
        }
    }
}
