use expect_test::{Expect, expect};
use fleet::record::Acceptance;
use fleet::{EventId, LogId, Seq, StationKey};

use super::*;
use crate::token::{TokenDevice, TokenStatus};

/// CP1 at Centro.
pub(crate) fn station(protocol: Protocol) -> StationView {
    StationView {
        key: StationKey::new("default", "CP1").unwrap(),
        acceptance: Acceptance::Accepted,
        registered: true,
        security: fleet::record::Security::None,
        security_profile: 0,
        password: None,
        site: "Centro".into(),
        address: String::new(),
        location: None,
        declared: crate::Declared::default(),
        plugs: Vec::new(),
        protocol: Some(protocol),
        online: true,
        peer: String::new(),
        connected_at: None,
        last_seen_at: None,
        booted_at: None,
        vendor: String::new(),
        model: String::new(),
        serial_number: String::new(),
        firmware_version: String::new(),
        quirk_profile: None,
        connectors: Vec::new(),
        active_transactions: Vec::new(),
        position: EventId {
            log_id: LogId(1),
            seq: Seq(1),
        },
    }
}

fn tokens() -> Vec<Token> {
    vec![
        Token {
            group: "FAMILY".into(),
            expires_at: Some(UtcMicros(1_000_000)),
            ..Token::new("One", TokenStatus::Accepted)
        },
        Token {
            kind: Some(TokenType::KeyCode),
            devices: vec![TokenDevice {
                id: "CP1".into(),
                evse_ids: vec![2],
            }],
            ..Token::new("1234", TokenStatus::Accepted)
        },
        Token::new("BAD", TokenStatus::Blocked),
        Token::new("LONGER-THAN-20-CHARACTERS", TokenStatus::Accepted),
        Token {
            sites: vec!["Norte".into()],
            ..Token::new("ELSEWHERE", TokenStatus::Accepted)
        },
    ]
}

fn check(protocol: Protocol, steps: &[(LocalListUpdate, Vec<Token>, i64)], expected: Expect) {
    let mut out = String::new();
    let mut list = LocalList::default();
    for (update, tokens, now) in steps {
        let station = station(protocol);
        let now = UtcMicros(*now);
        let parts = local_list_parts(&station, tokens.clone(), &list, *update, now, of(3));
        for part in parts {
            assert_eq!(
                read_local_list(&write_local_list(&part.after)),
                Some(part.after.clone())
            );
            out += &format!("{} {}\n", part.after.len(), part.payload);
            list = part.after;
        }
        out += "\n";
    }
    expected.assert_eq(&out);
}

fn steps() -> Vec<(LocalListUpdate, Vec<Token>, i64)> {
    let mut changed = tokens();
    changed[2].status = TokenStatus::Accepted;
    changed.remove(1);
    vec![
        (LocalListUpdate::Full, tokens(), 0),
        (LocalListUpdate::Differential, tokens(), 0),
        (LocalListUpdate::Differential, changed.clone(), 0),
        // Time alone changes a token.
        (LocalListUpdate::Differential, changed, 1_000_000),
        (LocalListUpdate::Full, Vec::new(), 0),
        (LocalListUpdate::Differential, Vec::new(), 0),
    ]
}

#[test]
fn a_list_of_2_0_1() {
    check(
        Protocol::Ocpp201,
        &steps(),
        expect![[r#"
        3 {"localAuthorizationList":[{"idToken":{"idToken":"1234","type":"KeyCode"},"idTokenInfo":{"status":"Accepted","evseId":[2]}},{"idToken":{"idToken":"BAD","type":"ISO14443"},"idTokenInfo":{"status":"Blocked"}},{"idToken":{"idToken":"LONGER-THAN-20-CHARACTERS","type":"ISO14443"},"idTokenInfo":{"status":"Accepted"}}],"versionNumber":1,"updateType":"Full"}
        4 {"localAuthorizationList":[{"idToken":{"idToken":"One","type":"ISO14443"},"idTokenInfo":{"status":"Accepted","cacheExpiryDateTime":"1970-01-01T00:00:01.000Z","groupIdToken":{"idToken":"FAMILY","type":"Central"}}}],"versionNumber":2,"updateType":"Differential"}


        3 {"localAuthorizationList":[{"idToken":{"idToken":"1234","type":"KeyCode"}},{"idToken":{"idToken":"BAD","type":"ISO14443"},"idTokenInfo":{"status":"Accepted"}}],"versionNumber":3,"updateType":"Differential"}

        3 {"localAuthorizationList":[{"idToken":{"idToken":"One","type":"ISO14443"},"idTokenInfo":{"status":"Expired","cacheExpiryDateTime":"1970-01-01T00:00:01.000Z","groupIdToken":{"idToken":"FAMILY","type":"Central"}}}],"versionNumber":4,"updateType":"Differential"}

        0 {"versionNumber":5,"updateType":"Full"}


    "#]],
    );
}

#[test]
fn a_list_of_1_6() {
    check(
        Protocol::Ocpp16,
        &steps(),
        expect![[r#"
            2 {"listVersion":1,"localAuthorizationList":[{"idTag":"BAD","idTagInfo":{"status":"Blocked"}},{"idTag":"One","idTagInfo":{"expiryDate":"1970-01-01T00:00:01.000Z","parentIdTag":"FAMILY","status":"Accepted"}}],"updateType":"Full"}


            2 {"listVersion":2,"localAuthorizationList":[{"idTag":"BAD","idTagInfo":{"status":"Accepted"}}],"updateType":"Differential"}

            2 {"listVersion":3,"localAuthorizationList":[{"idTag":"One","idTagInfo":{"expiryDate":"1970-01-01T00:00:01.000Z","parentIdTag":"FAMILY","status":"Expired"}}],"updateType":"Differential"}

            0 {"listVersion":4,"localAuthorizationList":[],"updateType":"Full"}


        "#]],
    );
}

/// Tokens are equal when id and type are.
#[test]
fn c01_fr_25_a_token_of_another_type_takes_the_old_one_off_the_list() {
    let code = |status| Token {
        kind: Some(TokenType::KeyCode),
        ..Token::new("One", status)
    };
    let card = Token::new("One", TokenStatus::Accepted);
    let differential = LocalListUpdate::Differential;
    let steps = || {
        vec![
            (LocalListUpdate::Full, vec![card.clone()], 0),
            (differential, vec![code(TokenStatus::Accepted)], 0),
            (differential, vec![code(TokenStatus::Blocked)], 0),
            (differential, Vec::new(), 0),
        ]
    };
    check(
        Protocol::Ocpp201,
        &steps(),
        expect![[r#"
            1 {"localAuthorizationList":[{"idToken":{"idToken":"One","type":"ISO14443"},"idTokenInfo":{"status":"Accepted"}}],"versionNumber":1,"updateType":"Full"}

            1 {"localAuthorizationList":[{"idToken":{"idToken":"One","type":"ISO14443"}},{"idToken":{"idToken":"One","type":"KeyCode"},"idTokenInfo":{"status":"Accepted"}}],"versionNumber":2,"updateType":"Differential"}

            1 {"localAuthorizationList":[{"idToken":{"idToken":"One","type":"KeyCode"},"idTokenInfo":{"status":"Blocked"}}],"versionNumber":3,"updateType":"Differential"}

            0 {"localAuthorizationList":[{"idToken":{"idToken":"One","type":"KeyCode"}}],"versionNumber":4,"updateType":"Differential"}

        "#]],
    );
    check(
        Protocol::Ocpp16,
        &steps(),
        expect![[r#"
            1 {"listVersion":1,"localAuthorizationList":[{"idTag":"One","idTagInfo":{"status":"Accepted"}}],"updateType":"Full"}

            1 {"listVersion":2,"localAuthorizationList":[{"idTag":"One","idTagInfo":{"status":"Accepted"}}],"updateType":"Differential"}

            1 {"listVersion":3,"localAuthorizationList":[{"idTag":"One","idTagInfo":{"status":"Blocked"}}],"updateType":"Differential"}

            0 {"listVersion":4,"localAuthorizationList":[{"idTag":"One"}],"updateType":"Differential"}

        "#]],
    );
}

#[test]
fn bytes_of_no_version_are_no_list() {
    assert_eq!(read_local_list(b""), None);
    assert_eq!(read_local_list(b"\x02\0"), None);
}

#[test]
fn the_bytes_of_the_first_version_stay_readable() {
    let part = |tokens| {
        let none = LocalList::default();
        let now = UtcMicros(7);
        local_list_parts(
            &station(Protocol::Ocpp201),
            tokens,
            &none,
            LocalListUpdate::Full,
            now,
            of(9),
        )
    };
    let mut list = part(vec![Token::new("One", TokenStatus::Accepted)])[0]
        .after
        .clone();
    // Not the hash of today's token rows.
    list.entries.get_mut("one").unwrap().content = [9; 16];
    let hex: String = write_local_list(&list)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    expect!["01004f6e65ffffffffff030909090909090909090909090909090901000000000000000700000000000000d7ffffff01000000"].assert_eq(&hex);
}

fn of(tokens: usize) -> LocalListLimits {
    LocalListLimits {
        tokens: Some(tokens),
        ..LocalListLimits::default()
    }
}

#[test]
fn d01_fr_11_no_message_is_longer_than_the_station_takes() {
    let tokens: Vec<_> = (0..40)
        .map(|n| Token::new(format!("TOKEN{n:03}"), TokenStatus::Accepted))
        .collect();
    let limits = LocalListLimits {
        tokens: Some(30),
        bytes: Some(700),
        entries: None,
    };
    let (none, now) = (LocalList::default(), UtcMicros(7));
    let station = station(Protocol::Ocpp201);
    let full = LocalListUpdate::Full;
    let parts = local_list_parts(&station, tokens.clone(), &none, full, now, limits);
    assert!(parts.iter().all(|part| part.payload.len() + 61 <= 700));
    assert!(parts[0].payload.contains(r#""updateType":"Full""#));
    let rest = &parts[1..];
    assert!(
        rest.iter()
            .all(|part| part.payload.contains(r#""updateType":"Differential""#))
    );
    let versions: Vec<_> = parts.iter().map(|part| part.after.version).collect();
    assert_eq!(versions, Vec::from_iter(1..=parts.len() as i64));
    let last = &parts[parts.len() - 1].after;
    assert_eq!((last.len(), 2 < parts.len()), (40, true));
    // One that fits nowhere goes by itself.
    let limits = LocalListLimits {
        bytes: Some(1),
        ..limits
    };
    let parts = local_list_parts(&station, tokens, &none, full, now, limits);
    assert_eq!(parts.len(), 40);
}
