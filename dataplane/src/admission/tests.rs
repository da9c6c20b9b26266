use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::*;

#[test]
fn the_last_segment_names_the_station() {
    let key = |identity: &str| StationKey::new("default", identity).map_err(RouteError::from);
    let relative = Err(RouteError::Relative);
    let encoding = Err(RouteError::Encoding);
    for (path, expected) in [
        ("/CP1", key("CP1")),
        ("/ocpp/CP1", key("CP1")),
        ("/default/CP1", key("CP1")),
        ("//ocpp//CP1//", key("CP1")),
        ("/ocpp/ws://host/ocpp/CP1", key("CP1")),
        ("/CP%201", key("CP 1")),
        ("/CP%252F1", key("CP%2F1")),
        ("/%C3%A9", key("é")),
        (
            "/a%2Fb",
            Err(RouteError::Key(InvalidKey::Character { found: '/' })),
        ),
        (
            "/a%00",
            Err(RouteError::Key(InvalidKey::Character { found: '\0' })),
        ),
        (
            "/a:b",
            Err(RouteError::Key(InvalidKey::Character { found: ':' })),
        ),
        ("/", Err(RouteError::NoIdentity)),
        ("/..", relative),
        ("/%2e%2e", Err(RouteError::Relative)),
        ("/a%", encoding),
        ("/a%4", Err(RouteError::Encoding)),
        ("/a%zz", Err(RouteError::Encoding)),
        ("/%ff", Err(RouteError::Encoding)),
    ] {
        assert_eq!(route(path), expected, "{path}");
    }
    let long = format!("/{}", "x".repeat(49));
    assert_eq!(
        route(&long),
        Err(RouteError::Key(InvalidKey::TooLong { chars: 49 }))
    );
}

/// What may be known of a station.
#[derive(Clone, Copy, Debug)]
enum Known {
    Not,
    Seen,
    Charging,
    Waiting,
    Registered,
    WithPassword,
    Unapproved,
}

const PASSWORD: &str = "0123456789abcdef";

fn state(known: Known) -> Option<StationState> {
    let mut state = StationState::new(StationKey::new("default", "CP1").unwrap());
    match known {
        Known::Not => return None,
        Known::Seen => state.acceptance = Some(Acceptance::Accepted),
        Known::Charging => {
            state.acceptance = Some(Acceptance::Accepted);
            state.details_mut().transactions =
                std::iter::once(crate::state::Transaction::running_for_test()).collect();
        }
        Known::Waiting => state.acceptance = Some(Acceptance::Pending),
        Known::Registered => {
            state.acceptance = Some(Acceptance::Accepted);
            state.registered = true;
        }
        Known::WithPassword => {
            state.acceptance = Some(Acceptance::Accepted);
            state.registered = true;
            state.details_mut().password = Some(Box::new(Password::new(PASSWORD).unwrap()));
        }
        Known::Unapproved => {
            state.acceptance = Some(Acceptance::Pending);
            state.registered = true;
        }
    }
    Some(state)
}

#[test]
fn onboarding_decides_about_the_unregistered() {
    use Acceptance::{Accepted, Pending};
    use Known::*;

    let unknown = Err(Refusal::Unknown);
    for (known, open, pending, closed) in [
        (Not, Ok(Accepted), Ok(Pending), unknown),
        (Seen, Ok(Accepted), Ok(Pending), unknown),
        (Charging, Ok(Accepted), Ok(Accepted), Ok(Accepted)),
        (Waiting, Ok(Accepted), Ok(Pending), unknown),
        (Registered, Ok(Accepted), Ok(Accepted), Ok(Accepted)),
        (Unapproved, Ok(Pending), Ok(Pending), Ok(Pending)),
    ] {
        let key = StationKey::new("default", "CP1").unwrap();
        let check = |onboarding, forwarded, expected: Result<Acceptance, Refusal>| {
            let given = Circumstances {
                onboarding,
                forwarded,
                authorization: None,
                transport: &Transport::Plain,
                organizations: &[],
                now: 0,
                profile_min: 0,
                room_for_pending: true,
            };
            let found = judge(&key, state(known).as_ref(), given).map(|entry| entry.acceptance);
            assert_eq!(
                found, expected,
                "{known:?} {onboarding:?} forwarded {forwarded}"
            );
        };
        check(Onboarding::Open, false, open);
        check(Onboarding::Open, true, pending);
        check(Onboarding::Pending, false, pending);
        check(Onboarding::Closed, false, closed);
    }
}

#[test]
fn no_more_wait_than_may() {
    let key = StationKey::new("default", "CP1").unwrap();
    let given = Circumstances {
        onboarding: Onboarding::Pending,
        forwarded: false,
        authorization: None,
        transport: &Transport::Plain,
        organizations: &[],
        now: 0,
        profile_min: 0,
        room_for_pending: false,
    };
    assert_eq!(judge(&key, None, given), Err(Refusal::Unknown));
    assert!(
        judge(&key, state(Known::Waiting).as_ref(), given).is_ok(),
        "it waits already"
    );
}

#[test]
fn credentials_are_those_of_the_station_in_the_path() {
    let basic = |pair: &str| format!("Basic {}", STANDARD.encode(pair));
    let right = basic(&format!("CP1:{PASSWORD}"));
    let (none, with) = (Known::Registered, Known::WithPassword);
    for (known, authorization, expected) in [
        (none, None, Ok(Security::None)),
        (none, Some(right.clone()), Ok(Security::None)),
        (none, Some(basic("CP2:x")), Err(Refusal::Credentials)),
        (with, None, Err(Refusal::Credentials)),
        (with, Some(right), Ok(Security::Basic)),
        (
            with,
            Some(basic("CP1:0123456789abcdeX")),
            Err(Refusal::Credentials),
        ),
        (
            with,
            Some(basic(&format!("CP2:{PASSWORD}"))),
            Err(Refusal::Credentials),
        ),
        (with, Some(basic("CP1:")), Err(Refusal::Credentials)),
        (with, Some("Bearer x".into()), Err(Refusal::Credentials)),
        (with, Some("Basic !!!".into()), Err(Refusal::Malformed)),
        (with, Some(basic("CP1")), Err(Refusal::Malformed)),
    ] {
        let given = Circumstances {
            onboarding: Onboarding::Open,
            forwarded: false,
            authorization: authorization.as_ref().map(|text| text.as_bytes()),
            transport: &Transport::Plain,
            organizations: &[],
            now: 0,
            profile_min: 0,
            room_for_pending: true,
        };
        let key = StationKey::new("default", "CP1").unwrap();
        let found = judge(&key, state(known).as_ref(), given).map(|entry| entry.security);
        assert_eq!(found, expected, "{known:?} {authorization:?}");
    }
}

#[test]
fn a_certificate_counts_by_a_serial_number_that_somebody_proven_told() {
    use fleet::record::{Booted, Connected, Protocol};
    use fleet::wire::{Fact, Writer};
    use fleet::{EventId, LogId, Seq, UtcMicros};

    let key = StationKey::new("default", "CP1").unwrap();
    let certificate = |name: &str| {
        let certificate = StationCertificate::of("Operator", name);
        Transport::Tls(Some(Box::new(certificate)))
    };
    let check = |told: Security, name: &str, profile: u8| {
        let mut state = StationState::new(key.clone());
        let facts: [Fact; 2] = [
            Connected {
                connection: 1,
                peer: "127.0.0.1:1".into(),
                protocol: Protocol::Ocpp201.code(),
                security: told.code(),
                acceptance: Acceptance::Accepted.code(),
                first_seen: true,
            }
            .into(),
            Booted {
                serial_number: "SN-7".into(),
                ..Booted::default()
            }
            .into(),
        ];
        for (seq, fact) in (1..).zip(&facts) {
            let mut bytes = Vec::new();
            Writer::default().write_fact(&mut bytes, &key, UtcMicros(1), fact);
            let event = EventId {
                log_id: LogId(1),
                seq: Seq(seq),
            };
            let record = fleet::wire::read(&bytes).unwrap();
            state.apply(event, &record, &crate::config::Plausibility::default());
        }
        // What is stored of it is worth the same.
        state = StationState::from_row(key.clone(), &state.to_row()).unwrap();
        state.profile = profile;
        let given = Circumstances {
            onboarding: Onboarding::Open,
            forwarded: false,
            authorization: None,
            transport: &certificate(name),
            organizations: &["Operator".to_owned()],
            now: 0,
            profile_min: 0,
            room_for_pending: true,
        };
        judge(&key, Some(&state), given).map(|entry| entry.security)
    };
    let (ok, foreign) = (
        Ok(Security::Certificate),
        Err(Refusal::Certificate(ForeignCertificate::Station)),
    );
    for (told, expected) in [
        (Security::None, foreign),
        (Security::Tls, foreign),
        (Security::Basic, ok),
        (Security::TlsBasic, ok),
        (Security::Certificate, ok),
    ] {
        assert_eq!(check(told, "SN-7", told.profile()), expected, "{told:?}");
        // What the station is to show by now says nothing about who told the serial number.
        assert_eq!(check(told, "SN-7", 2), expected, "{told:?}");
        assert_eq!(check(told, "CP1", 0), ok, "{told:?}");
        assert_eq!(check(told, "SN-8", 0), foreign, "{told:?}");
    }
}
