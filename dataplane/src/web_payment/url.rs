//! The URL in a QR code, read by the template it was made of (2.1 C25, "URL definition for dynamic QR code").
//!
//! Template and URL are compared piece by piece between slashes, scheme and host without regard to case; a slash at the end
//! counts for nothing. A placeholder stands for what reaches to the next character that the template has behind it.

use super::WebPaymentLimits;

/// Longest URL that is looked at, bytes.
pub(crate) const URL_LEN_MAX: usize = 2_048;
/// Most pieces of a URL that may name its station.
const NAMES_MAX: usize = 16;

/// What a URL says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Scanned {
    pub(crate) station: Option<String>,
    pub(crate) evse_id: Option<u32>,
    pub(crate) password: String,
    pub(crate) version: String,
    pub(crate) limits: WebPaymentLimits,
}

/// What is wrong with a URL, or with its template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UrlError {
    /// Longer than any template makes one.
    #[error("it has {0} bytes, at most 2048 are expected")]
    TooLong(usize),
    /// Another number of pieces.
    #[error("it has {found} pieces between slashes, {expected} are expected")]
    Pieces {
        /// In the URL.
        found: usize,
        /// In the template.
        expected: usize,
    },
    /// A piece that the template does not make.
    #[error("{found:?} stands where {expected:?} is expected")]
    Piece {
        /// In the URL.
        found: String,
        /// In the template.
        expected: String,
    },
    /// A template without what every URL must have (C25.FR.50).
    #[error("the template has no {0}")]
    Lacks(&'static str),
    /// A value that cannot be what its name says.
    #[error("{name} is {found:?}, {expected} is expected")]
    Value {
        /// Of the placeholder, or of the parameter.
        name: String,
        /// What stands there.
        found: String,
        /// What would do.
        expected: &'static str,
    },
}

/// Reads a URL by its template (C25.FR.09). Parameters that nobody asked for are passed by (C25.FR.60).
pub(crate) fn read(template: &str, url: &str) -> Result<Scanned, UrlError> {
    if URL_LEN_MAX < url.len() {
        return Err(UrlError::TooLong(url.len()));
    }
    let url = url.split('#').next().unwrap_or(url);
    let (template_path, template_query) = halves(template);
    let (path, query) = halves(url);
    let (expected, found) = (pieces(template_path), pieces(path));
    if expected.len() != found.len() {
        return Err(UrlError::Pieces {
            found: found.len(),
            expected: expected.len(),
        });
    }
    let mut values = Vec::new();
    for (at, (expected, found)) in expected.into_iter().zip(found).enumerate() {
        // The scheme, nothing, and the host.
        let ignores_case = at < 3;
        take(expected, found, ignores_case, &mut values)?;
    }
    for (name, expected) in parameters(template_query) {
        let found = parameters(query).find(|(other, _)| *other == name);
        let (_, found) = found.unwrap_or((name, ""));
        take(expected, found, false, &mut values)?;
    }
    let mut scanned = Scanned::default();
    let mut has = (false, false);
    for (name, found) in values {
        let value = decoded(found).ok_or_else(|| wrong(name, found, "percent-encoded UTF-8"))?;
        match name {
            "totp" => (scanned.password, has.0) = (value, true),
            "version" => (scanned.version, has.1) = (value, true),
            "chargingstationid" => scanned.station = Some(value),
            "evse" => {
                let number = value.parse().ok().filter(|number| 0 < *number);
                let number = number.ok_or_else(|| wrong(name, found, "the number of an EVSE"))?;
                scanned.evse_id = Some(number);
            }
            // Whatever else the operator put there.
            _ => {}
        }
    }
    match has {
        (false, _) => return Err(UrlError::Lacks("{totp}")),
        (_, false) => return Err(UrlError::Lacks("{version}")),
        (true, true) => {}
    }
    scanned.limits = limits(query)?;
    Ok(scanned)
}

/// Everything in a URL that could name its station, nearest to the end first.
pub(crate) fn names(url: &str) -> Vec<String> {
    let url = url.split('#').next().unwrap_or(url);
    let (path, query) = halves(url);
    let values = parameters(query).map(|(_, value)| value);
    let found = pieces(path).into_iter().skip(3).rev().chain(values);
    let found = found.filter(|piece| !piece.is_empty()).take(NAMES_MAX);
    found.filter_map(decoded).collect()
}

/// What stands before the query, and the query.
fn halves(url: &str) -> (&str, &str) {
    url.split_once('?').unwrap_or((url, ""))
}

fn pieces(path: &str) -> Vec<&str> {
    path.trim_end_matches('/').split('/').collect()
}

fn parameters(query: &str) -> impl Iterator<Item = (&str, &str)> {
    let all = query.split('&').filter(|parameter| !parameter.is_empty());
    all.map(|parameter| parameter.split_once('=').unwrap_or((parameter, "")))
}

/// Compares one piece with its template; what stands at placeholders goes to `values`.
fn take<'a>(
    template: &'a str,
    found: &'a str,
    ignores_case: bool,
    values: &mut Vec<(&'a str, &'a str)>,
) -> Result<(), UrlError> {
    let differs = || UrlError::Piece {
        found: found.to_owned(),
        expected: template.to_owned(),
    };
    let (mut rest, mut left) = (template, found);
    while let Some((before, behind)) = rest.split_once('{') {
        let (name, after) = behind.split_once('}').ok_or_else(differs)?;
        left = stripped(left, before, ignores_case).ok_or_else(differs)?;
        let next = after.split('{').next().unwrap_or(after);
        let end = match next.chars().next() {
            None if after.is_empty() => left.len(),
            // Two placeholders with nothing in between: nobody can tell where one ends.
            None => return Err(differs()),
            Some(_) => left.find(next).ok_or_else(differs)?,
        };
        values.push((name, &left[..end]));
        (rest, left) = (after, &left[end..]);
    }
    let left = stripped(left, rest, ignores_case).ok_or_else(differs)?;
    left.is_empty().then_some(()).ok_or_else(differs)
}

fn stripped<'a>(text: &'a str, prefix: &str, ignores_case: bool) -> Option<&'a str> {
    let (head, rest) = text.split_at_checked(prefix.len())?;
    let is_same = match ignores_case {
        true => head.eq_ignore_ascii_case(prefix),
        false => head == prefix,
    };
    is_same.then_some(rest)
}

/// The text that a piece stands for.
fn decoded(piece: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(piece.len());
    let mut left = piece.bytes();
    while let Some(byte) = left.next() {
        if byte == b'%' {
            let mut digit = || char::from(left.next()?).to_digit(16);
            bytes.push((digit()? << 4 | digit()?) as u8);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

/// C25.FR.59. A limit that is none is refused: the driver believes that it holds.
fn limits(query: &str) -> Result<WebPaymentLimits, UrlError> {
    let mut limits = WebPaymentLimits::default();
    for (name, found) in parameters(query) {
        let number = || match is_decimal(found) {
            true => Ok(Some(found.to_owned())),
            false => Err(wrong(name, found, "a number")),
        };
        match name {
            "maxenergy" => limits.energy_wh = number()?,
            "maxcost" => limits.cost = number()?,
            "maxtime" => {
                let seconds = found.parse();
                let seconds = seconds.map_err(|_| wrong(name, found, "whole seconds"))?;
                limits.time_seconds = Some(seconds);
            }
            _ => {}
        }
    }
    Ok(limits)
}

fn is_decimal(text: &str) -> bool {
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let is_number =
        |digits: &str| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    text.len() <= 18 && is_number(whole) && is_number(part)
}

fn wrong(name: &str, found: &str, expected: &'static str) -> UrlError {
    UrlError::Value {
        name: name.to_owned(),
        found: found.to_owned(),
        expected,
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn check(template: &str, urls: &[&str], expected: Expect) {
        let read = |url: &&str| match read(template, url) {
            Err(error) => format!("{url}: {error}\n"),
            Ok(scanned) => {
                let Scanned {
                    station,
                    evse_id,
                    password,
                    version,
                    limits,
                } = scanned;
                let WebPaymentLimits {
                    energy_wh,
                    time_seconds,
                    cost,
                } = limits;
                let limits = [energy_wh, time_seconds.map(|s| s.to_string()), cost];
                let limits = limits.map(|limit| limit.unwrap_or_else(|| "-".to_owned()));
                format!(
                    "{url}: {station:?} {evse_id:?} {password} {version} {}\n",
                    limits.join(" ")
                )
            }
        };
        expected.assert_eq(&urls.iter().map(read).collect::<String>());
    }

    #[test]
    fn c25_fr_09_a_url_is_read_by_its_template() {
        check(
            "https://qr.example/{chargingstationid}/{evse}/{totp}/{version}",
            &[
                "https://qr.example/CS1000/1/aHicux89/v1/?maxenergy=20000",
                "HTTPS://QR.Example/CS%2F7/12/x/v2?maxtime=60&maxcost=12.50&lang=de&flag#top",
                "https://qr.example/CS1000/0/x/v1",
                "https://qr.example/CS1000/one/x/v1",
                "https://qr.example/CS%f/1/x/v1",
                "https://qr.example/CS1000/1/x",
                "https://other.example/CS1000/1/x/v1",
                "http://qr.example/CS1000/1/x/v1",
                "nothing of the kind",
                "",
            ],
            expect![[r#"
                https://qr.example/CS1000/1/aHicux89/v1/?maxenergy=20000: Some("CS1000") Some(1) aHicux89 v1 20000 - -
                HTTPS://QR.Example/CS%2F7/12/x/v2?maxtime=60&maxcost=12.50&lang=de&flag#top: Some("CS/7") Some(12) x v2 - 60 12.50
                https://qr.example/CS1000/0/x/v1: evse is "0", the number of an EVSE is expected
                https://qr.example/CS1000/one/x/v1: evse is "one", the number of an EVSE is expected
                https://qr.example/CS%f/1/x/v1: chargingstationid is "CS%f", percent-encoded UTF-8 is expected
                https://qr.example/CS1000/1/x: it has 6 pieces between slashes, 7 are expected
                https://other.example/CS1000/1/x/v1: "other.example" stands where "qr.example" is expected
                http://qr.example/CS1000/1/x/v1: "http:" stands where "https:" is expected
                nothing of the kind: it has 1 pieces between slashes, 7 are expected
                : it has 1 pieces between slashes, 7 are expected
            "#]],
        );
    }

    #[test]
    fn c25_fr_59_limits_are_read_and_one_that_is_none_is_refused() {
        check(
            "https://qr.example/{totp}/{version}/",
            &[
                "https://qr.example/x/v1?maxenergy=20000.5&maxtime=0&maxcost=0",
                "https://qr.example/x/v1?maxenergy=",
                "https://qr.example/x/v1?maxenergy=-1",
                "https://qr.example/x/v1?maxcost=1e9",
                "https://qr.example/x/v1?maxcost=1234567890123456789",
                "https://qr.example/x/v1?maxtime=1.5",
            ],
            expect![[r#"
                https://qr.example/x/v1?maxenergy=20000.5&maxtime=0&maxcost=0: None None x v1 20000.5 0 0
                https://qr.example/x/v1?maxenergy=: maxenergy is "", a number is expected
                https://qr.example/x/v1?maxenergy=-1: maxenergy is "-1", a number is expected
                https://qr.example/x/v1?maxcost=1e9: maxcost is "1e9", a number is expected
                https://qr.example/x/v1?maxcost=1234567890123456789: maxcost is "1234567890123456789", a number is expected
                https://qr.example/x/v1?maxtime=1.5: maxtime is "1.5", whole seconds is expected
            "#]],
        );
    }

    #[test]
    fn placeholders_stand_within_pieces_and_in_the_query() {
        let url = "https://qr.example/p-CS1.2-x?a=b&e=3&t=aB&v=v1";
        check(
            "https://qr.example/p-{chargingstationid}-{site}?t={totp}&v={version}&e={evse}",
            &[url, "https://qr.example/p-CS1.2?t=aB&v=v1&e=3"],
            expect![[r#"
                https://qr.example/p-CS1.2-x?a=b&e=3&t=aB&v=v1: Some("CS1.2") Some(3) aB v1 - - -
                https://qr.example/p-CS1.2?t=aB&v=v1&e=3: "p-CS1.2" stands where "p-{chargingstationid}-{site}" is expected
            "#]],
        );
        assert_eq!(names(url), ["p-CS1.2-x", "b", "3", "aB", "v1"]);
        assert_eq!(names("https://qr.example/CS%20/1//"), ["1", "CS "]);
        assert_eq!(names(&"/x".repeat(1_000)).len(), NAMES_MAX);
    }

    #[test]
    fn c25_fr_50_a_template_without_password_or_version_makes_no_url() {
        for (template, url, error) in [
            (
                "https://q/{version}",
                "https://q/v1",
                "the template has no {totp}",
            ),
            (
                "https://q/{totp}",
                "https://q/x",
                "the template has no {version}",
            ),
            (
                "https://q/{totp}{version}",
                "https://q/xv1",
                r#""xv1" stands where "{totp}{version}" is expected"#,
            ),
            (
                "https://q/{totp",
                "https://q/x",
                r#""x" stands where "{totp" is expected"#,
            ),
        ] {
            assert_eq!(read(template, url).unwrap_err().to_string(), error);
        }
        let long = "x".repeat(URL_LEN_MAX + 1);
        let error = read("https://q/{totp}/{version}", &long).unwrap_err();
        assert_eq!(error, UrlError::TooLong(URL_LEN_MAX + 1));
    }
}
