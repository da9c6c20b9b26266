//! Who may connect. Pure: a path, what is known of the station, and the operator's choice in; a verdict
//! out. Credentials are checked before anything is displaced.

mod guesses;

pub(crate) use guesses::Guesses;

use fleet::record::{Acceptance, Security};
use fleet::{InvalidKey, StationKey, TENANT_DEFAULT};
use net::http::{CredentialsError, basic_credentials};

use crate::config::Onboarding;
use crate::password::Password;
use crate::state::{Boot, StationState};
use crate::tls::{ForeignCertificate, StationCertificate, Transport};

/// Why a path names no station.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RouteError {
    /// Nothing after the last `/`.
    #[error("the path names no station, expected ws://host:port/IDENTITY")]
    NoIdentity,
    /// `%` without two hex digits, or bytes that are no UTF-8.
    #[error("the station identity is not percent-encoded UTF-8")]
    Encoding,
    /// `.` and `..` mean something else in a path.
    #[error("the station identity is a relative path")]
    Relative,
    /// What no station may be called.
    #[error(transparent)]
    Key(#[from] InvalidKey),
}

/// The station that a path names: its last segment, percent-decoded once, and the tenant before it if there is such a
/// tenant. Other segments are ignored: stations append their identity to whatever URL they were given.
pub(crate) fn route(path: &str) -> Result<StationKey, RouteError> {
    let mut segments = path.rsplit('/').filter(|segment| !segment.is_empty());
    let identity = decode(segments.next().ok_or(RouteError::NoIdentity)?)?;
    if matches!(&*identity, "." | "..") {
        return Err(RouteError::Relative);
    }
    // There is one tenant so far, with or without its name in the path.
    Ok(StationKey::new(TENANT_DEFAULT, &identity)?)
}

fn decode(segment: &str) -> Result<String, RouteError> {
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let (digits, after) = rest.split_at_checked(2).ok_or(RouteError::Encoding)?;
        let digit = |at: usize| char::from(digits[at]).to_digit(16);
        let (high, low) = digit(0).zip(digit(1)).ok_or(RouteError::Encoding)?;
        bytes.push((high << 4 | low) as u8);
        rest = after;
    }
    String::from_utf8(bytes).map_err(|_| RouteError::Encoding)
}

/// How a station was let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) security: Security,
    pub(crate) acceptance: Acceptance,
    /// This connection makes the station known.
    pub(crate) first_seen: bool,
}

/// Why it was not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Nobody by that name: 404.
    Unknown,
    /// The right name and not the right password: 401.
    Credentials,
    /// An `Authorization` field that breaks the grammar: 400.
    Malformed,
    /// A weaker security profile than the station is to have (A00.FR.002, A05.FR.07): 403.
    Profile { found: u8, expected: u8 },
    /// A certificate that is good, and not for this station (A00.FR.404, A00.FR.405): 403.
    Certificate(ForeignCertificate),
}

/// What is known beside the station itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Circumstances<'a> {
    pub(crate) onboarding: Onboarding,
    /// The upgrade came through a proxy, so loopback means nothing.
    pub(crate) forwarded: bool,
    pub(crate) authorization: Option<&'a [u8]>,
    pub(crate) transport: &'a Transport,
    /// Whose stations' certificates are let in.
    pub(crate) organizations: &'a [String],
    /// UTC microseconds.
    pub(crate) now: i64,
    /// The weakest security profile that is let in.
    pub(crate) profile_min: u8,
    /// One more identity may wait for approval.
    pub(crate) room_for_pending: bool,
}

/// Decides about a handshake of `key`, of which `state` is known.
pub(crate) fn judge(
    key: &StationKey,
    state: Option<&StationState>,
    given: Circumstances<'_>,
) -> Result<Entry, Refusal> {
    let password = state.and_then(|state| state.details().password.as_deref().copied());
    let basic = check_credentials(key.identity(), password.as_ref(), given.authorization);
    let security = match given.transport {
        Transport::Plain => basic?,
        Transport::Tls(None) => match basic? {
            Security::Basic => Security::TlsBasic,
            _ => Security::Tls,
        },
        Transport::Tls(Some(certificate)) => {
            check_certificate(key, state, certificate, given)?;
            match basic {
                // Who shows a certificate needs no password beside it; a wrong one is wrong nevertheless.
                Err(Refusal::Credentials) if given.authorization.is_none() => {}
                basic => drop(basic?),
            }
            Security::Certificate
        }
    };
    let expected = state
        .map_or(0, |state| state.profile)
        .max(given.profile_min);
    if security.profile() < expected {
        return Err(Refusal::Profile {
            found: security.profile(),
            expected,
        });
    }
    let open = given.onboarding == Onboarding::Open && !given.forwarded;
    let known = state.and_then(|state| state.acceptance.map(|acceptance| (state, acceptance)));
    let Some((state, acceptance)) = known else {
        return newcomer(open, given).map(|acceptance| Entry {
            security,
            acceptance,
            first_seen: true,
        });
    };
    // Met while onboarding was open and never named by an operator: as good as unknown, unless it charges a car.
    let only_seen = !state.registered && password.is_none() && state.active().next().is_none();
    let acceptance = match acceptance {
        Acceptance::Accepted if !only_seen => Acceptance::Accepted,
        // It is counted among those that wait already.
        Acceptance::Pending if !state.registered => newcomer(
            open,
            Circumstances {
                room_for_pending: true,
                ..given
            },
        )?,
        Acceptance::Pending => Acceptance::Pending,
        Acceptance::Accepted => newcomer(open, given)?,
    };
    Ok(Entry {
        security,
        acceptance,
        first_seen: false,
    })
}

fn newcomer(open: bool, given: Circumstances<'_>) -> Result<Acceptance, Refusal> {
    match given.onboarding {
        Onboarding::Closed => Err(Refusal::Unknown),
        Onboarding::Open | Onboarding::Pending if open => Ok(Acceptance::Accepted),
        Onboarding::Open | Onboarding::Pending if given.room_for_pending => Ok(Acceptance::Pending),
        Onboarding::Open | Onboarding::Pending => Err(Refusal::Unknown),
    }
}

fn check_certificate(
    key: &StationKey,
    state: Option<&StationState>,
    certificate: &StationCertificate,
    given: Circumstances<'_>,
) -> Result<(), Refusal> {
    let details = state.map(StationState::details);
    let boot = details.as_ref().and_then(|details| details.boot.as_ref());
    // Who may come in without showing anything could name the serial number of a certificate that it has.
    let serial_number = boot.and_then(Boot::serial_number_proven).unwrap_or("");
    certificate
        .check(
            given.now,
            given.organizations,
            &[key.identity(), serial_number],
        )
        .map_err(Refusal::Certificate)
}

/// True for who names `identity` and shows this password.
pub(crate) fn shows(identity: &str, password: &Password, authorization: Option<&[u8]>) -> bool {
    authorization.is_some() && check_credentials(identity, Some(password), authorization).is_ok()
}

/// A station with a password must show it; one without may say who it is, and must not say it is another.
fn check_credentials(
    identity: &str,
    password: Option<&Password>,
    authorization: Option<&[u8]>,
) -> Result<Security, Refusal> {
    let Some(authorization) = authorization else {
        return if password.is_some() {
            Err(Refusal::Credentials)
        } else {
            Ok(Security::None)
        };
    };
    let credentials = match basic_credentials(authorization) {
        Ok(credentials) => credentials,
        Err(CredentialsError::Scheme) => return Err(Refusal::Credentials),
        Err(_) => return Err(Refusal::Malformed),
    };
    let named = credentials.user() == identity.as_bytes();
    // Whether the station exists, or has a password, must not show in the time this takes.
    let matches = password
        .unwrap_or(&Password::NOBODYS)
        .matches_key(credentials.password());
    match password {
        Some(_) if named && matches => Ok(Security::Basic),
        None if named => Ok(Security::None),
        Some(_) | None => Err(Refusal::Credentials),
    }
}

#[cfg(test)]
mod tests;
