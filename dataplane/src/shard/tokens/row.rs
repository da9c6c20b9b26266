//! The bytes of a token in the state store.
//!
//! # Layout
//!
//! Two bytes of version, little-endian, then the rkyv archive of that version's row. Version 3 is written for a token with a
//! tariff or energy transfers of its own, version 2, which knew neither, for all others; version 1, which knew id, status,
//! expiry and group, is read. Enums are bytes, from 1; 0 is none.

use fleet::UtcMicros;
use rkyv::rancor::Error as RkyvError;
use rkyv::{Archive, Deserialize, Serialize};

use crate::token::{MessageFormat, PersonalMessage, Token, TokenDevice, TokenStatus, TokenType};

/// Without what version 3 added.
const VERSION: u16 = 2;
const VERSION_3: u16 = 3;

/// Version 1.
#[derive(Archive, Serialize, Deserialize)]
struct TokenRowV1 {
    id: String,
    status: u8,
    expires_at: Option<i64>,
    group: String,
}

/// Version 2.
#[derive(Archive, Serialize, Deserialize)]
struct TokenRow {
    id: String,
    status: u8,
    kind: u8,
    expires_at: Option<i64>,
    group: String,
    master_pass: bool,
    concurrent_max: Option<u32>,
    charging_priority: i8,
    languages: [String; 2],
    message: Option<MessageRow>,
    sites: Vec<String>,
    devices: Vec<DeviceRow>,
    cache_s: Option<u32>,
}

/// Version 3.
#[derive(Archive, Serialize, Deserialize)]
struct TokenRowV3 {
    row: TokenRow,
    tariff_id: String,
    energy_transfers: Vec<String>,
}

#[derive(Archive, Serialize, Deserialize)]
struct MessageRow {
    format: u8,
    language: String,
    content: String,
}

#[derive(Archive, Serialize, Deserialize)]
struct DeviceRow {
    id: String,
    evse_ids: Vec<u32>,
}

/// The key of a token: both versions compare without regard to case (1.6 `CiString`, 2.0.1 `identifierString`).
pub(crate) fn token_key(tenant: &str, id: &str) -> Vec<u8> {
    format!("{tenant}/{}", id.to_lowercase()).into_bytes()
}

/// The bytes of a token's row.
pub(crate) fn write_token(token: &Token) -> Vec<u8> {
    let row = TokenRow {
        id: token.id.clone(),
        status: match token.status {
            TokenStatus::Accepted => 1,
            TokenStatus::Blocked => 2,
            TokenStatus::Expired => 3,
            TokenStatus::Invalid => 4,
            TokenStatus::NoCredit => 5,
        },
        kind: token.kind.map_or(0, token_type_code),
        expires_at: token.expires_at.map(|at| at.0),
        group: token.group.clone(),
        master_pass: token.master_pass,
        concurrent_max: token.concurrent_max,
        charging_priority: token.charging_priority,
        languages: token.languages.clone(),
        message: token.message.as_ref().map(|message| MessageRow {
            format: match message.format {
                MessageFormat::Ascii => 1,
                MessageFormat::Html => 2,
                MessageFormat::Uri => 3,
                MessageFormat::Utf8 => 4,
            },
            language: message.language.clone(),
            content: message.content.clone(),
        }),
        sites: token.sites.clone(),
        devices: token
            .devices
            .iter()
            .map(|device| DeviceRow {
                id: device.id.clone(),
                evse_ids: device.evse_ids.clone(),
            })
            .collect(),
        cache_s: token.cache_s,
    };
    // A list of a station knows its tokens by a hash of these bytes, so those without anything new stay as they were.
    let is_old = token.tariff_id.is_empty() && token.energy_transfers.is_empty();
    let mut bytes = if is_old { VERSION } else { VERSION_3 }
        .to_le_bytes()
        .to_vec();
    let written = if is_old {
        rkyv::api::high::to_bytes_in::<_, RkyvError>(&row, &mut bytes)
    } else {
        let row = TokenRowV3 {
            row,
            tariff_id: token.tariff_id.clone(),
            energy_transfers: token.energy_transfers.clone(),
        };
        rkyv::api::high::to_bytes_in::<_, RkyvError>(&row, &mut bytes)
    };
    written.expect("a Vec takes every byte, and no type of ours shares pointers");
    bytes
}

/// Reads a token's row; `None` for bytes that no version wrote.
pub(crate) fn read_token(bytes: &[u8]) -> Option<Token> {
    let (version, body) = bytes.split_first_chunk::<2>()?;
    match u16::from_le_bytes(*version) {
        1 => {
            let row = rkyv::from_bytes::<TokenRowV1, RkyvError>(body).ok()?;
            Some(Token {
                expires_at: row.expires_at.map(UtcMicros),
                group: row.group,
                ..Token::new(row.id, status(row.status)?)
            })
        }
        VERSION => token(rkyv::from_bytes::<TokenRow, RkyvError>(body).ok()?),
        VERSION_3 => {
            let row = rkyv::from_bytes::<TokenRowV3, RkyvError>(body).ok()?;
            Some(Token {
                tariff_id: row.tariff_id,
                energy_transfers: row.energy_transfers,
                ..token(row.row)?
            })
        }
        _ => None,
    }
}

/// A token of version 2.
fn token(row: TokenRow) -> Option<Token> {
    let message = match row.message {
        None => None,
        Some(message) => Some(PersonalMessage {
            format: format(message.format)?,
            language: message.language,
            content: message.content,
        }),
    };
    let device = |device: DeviceRow| TokenDevice {
        id: device.id,
        evse_ids: device.evse_ids,
    };
    Some(Token {
        id: row.id,
        status: status(row.status)?,
        kind: match row.kind {
            0 => None,
            code => Some(token_type_of(code)?),
        },
        expires_at: row.expires_at.map(UtcMicros),
        group: row.group,
        master_pass: row.master_pass,
        concurrent_max: row.concurrent_max,
        charging_priority: row.charging_priority,
        languages: row.languages,
        message,
        sites: row.sites,
        devices: row.devices.into_iter().map(device).collect(),
        cache_s: row.cache_s,
        tariff_id: String::new(),
        energy_transfers: Vec::new(),
    })
}

fn status(code: u8) -> Option<TokenStatus> {
    Some(match code {
        1 => TokenStatus::Accepted,
        2 => TokenStatus::Blocked,
        3 => TokenStatus::Expired,
        4 => TokenStatus::Invalid,
        5 => TokenStatus::NoCredit,
        _ => return None,
    })
}

/// A type's byte, from 1.
pub(crate) fn token_type_code(kind: TokenType) -> u8 {
    match kind {
        TokenType::Central => 1,
        TokenType::EMaid => 2,
        TokenType::Iso14443 => 3,
        TokenType::Iso15693 => 4,
        TokenType::KeyCode => 5,
        TokenType::Local => 6,
        TokenType::MacAddress => 7,
        TokenType::NoAuthorization => 8,
    }
}

/// The type of a byte.
pub(crate) fn token_type_of(code: u8) -> Option<TokenType> {
    Some(match code {
        1 => TokenType::Central,
        2 => TokenType::EMaid,
        3 => TokenType::Iso14443,
        4 => TokenType::Iso15693,
        5 => TokenType::KeyCode,
        6 => TokenType::Local,
        7 => TokenType::MacAddress,
        8 => TokenType::NoAuthorization,
        _ => return None,
    })
}

fn format(code: u8) -> Option<MessageFormat> {
    Some(match code {
        1 => MessageFormat::Ascii,
        2 => MessageFormat::Html,
        3 => MessageFormat::Uri,
        4 => MessageFormat::Utf8,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole() -> Token {
        Token {
            kind: Some(TokenType::Iso14443),
            expires_at: Some(UtcMicros(7)),
            group: "G".into(),
            master_pass: true,
            concurrent_max: Some(2),
            charging_priority: -3,
            languages: ["pt".into(), "en".into()],
            message: Some(PersonalMessage {
                format: MessageFormat::Utf8,
                language: "pt".into(),
                content: "Olá".into(),
            }),
            sites: vec!["Centro".into()],
            devices: vec![TokenDevice {
                id: "CP1".into(),
                evse_ids: vec![1, 2],
            }],
            cache_s: Some(60),
            ..Token::new("TAG1", TokenStatus::Accepted)
        }
    }

    fn whole_v3() -> Token {
        Token {
            tariff_id: "T1".into(),
            energy_transfers: vec!["DC".into()],
            ..whole()
        }
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn unhex(text: &str) -> Vec<u8> {
        let digit = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
        (0..text.len()).step_by(2).map(digit).collect()
    }

    #[test]
    fn a_token_reads_back() {
        for status in (1..=5).filter_map(status) {
            for kind in (0..=8).map(token_type_of) {
                let token = Token {
                    kind,
                    status,
                    ..whole()
                };
                assert_eq!(read_token(&write_token(&token)), Some(token));
            }
        }
        for format in (1..=4).filter_map(format) {
            let mut token = whole();
            token.message.as_mut().unwrap().format = format;
            assert_eq!(read_token(&write_token(&token)), Some(token));
        }
        assert_eq!(read_token(&write_token(&whole_v3())), Some(whole_v3()));
        let plain = Token::new("T", TokenStatus::Blocked);
        assert_eq!(read_token(&write_token(&plain)), Some(plain));
    }

    #[test]
    fn the_bytes_of_every_version_stay_readable() {
        let v1 = Token {
            expires_at: Some(UtcMicros(7)),
            group: "G".into(),
            ..Token::new("TAG1", TokenStatus::Blocked)
        };
        assert_eq!(read_token(&unhex(V1)), Some(v1));
        assert_eq!(hex(&write_token(&whole())), V2);
        assert_eq!(read_token(&unhex(V2)), Some(whole()));
        expect_test::expect!["030043656e74726fffff0100000002000000435031fffffffffff0ffffff020000004443ffffffffffff54414731ffffffff010301070000000000000047ffffffffffffff010102000000fd7074ffffffffffff656effffffffffff01047074ffffffffffff4f6cc3a1ffffffff94ffffff010000009cffffff01000000013c0000005431ffffffffffff97ffffff01000000"].assert_eq(&hex(&write_token(&whole_v3())));
    }

    #[test]
    fn what_no_version_wrote_is_no_token() {
        let whole = write_token(&whole());
        for bytes in [&b""[..], b"\x01", b"\x04\0", &whole[..whole.len() - 1]] {
            assert_eq!(read_token(bytes), None);
        }
    }

    #[test]
    fn case_does_not_matter() {
        assert_eq!(token_key("default", "AbC"), token_key("default", "aBc"));
    }

    const V1: &str = "010054414731ffffffff0201070000000000000047ffffffffffffff";
    const V2: &str = "020043656e74726fffff0100000002000000435031fffffffffff0ffffff0200000054414731ffffffff010301070000000000000047ffffffffffffff010102000000fd7074ffffffffffff656effffffffffff01047074ffffffffffff4f6cc3a1ffffffff9cffffff01000000a4ffffff01000000013c000000";
}
