//! The tokens that operators keep.

use std::sync::atomic::Ordering;

use fleet::UtcMicros;
use storage::state::Table;

use super::{EPOCH, World};
use crate::shard::{read_token, token_key, write_token};
use crate::{MessageFormat, PersonalMessage, Token, TokenDevice, TokenStatus, TokenType};

impl World {
    /// `token TAG STATUS [NAME=VALUE]…`; times are seconds of the script, a device is `ID` or `ID:EVSE,EVSE`.
    pub(super) fn token(&mut self, id: &str, rest: &str) {
        let mut words = rest.split(' ');
        let status = match words.next().unwrap_or_default() {
            "Accepted" => TokenStatus::Accepted,
            "Blocked" => TokenStatus::Blocked,
            "Expired" => TokenStatus::Expired,
            "Invalid" => TokenStatus::Invalid,
            "NoCredit" => TokenStatus::NoCredit,
            other => panic!("no status: {other}"),
        };
        let mut token = Token::new(id, status);
        for word in words {
            let (name, value) = word.split_once('=').unwrap_or((word, ""));
            let number = || {
                value
                    .parse::<u32>()
                    .unwrap_or_else(|_| panic!("no number: {word}"))
            };
            match name {
                "group" => token.group = value.into(),
                "master_pass" => token.master_pass = true,
                "max" => token.concurrent_max = Some(number()),
                "expires" => {
                    token.expires_at = Some(UtcMicros(EPOCH + i64::from(number()) * 1_000_000));
                }
                "cache" => token.cache_s = Some(number()),
                "priority" => token.charging_priority = number() as i8,
                "type" => {
                    token.kind = Some(match value {
                        "KeyCode" => TokenType::KeyCode,
                        "ISO14443" => TokenType::Iso14443,
                        other => panic!("no type: {other}"),
                    });
                }
                "language" => token.languages[0] = value.into(),
                "message" => {
                    token.message = Some(PersonalMessage {
                        format: MessageFormat::Utf8,
                        language: String::new(),
                        content: value.into(),
                    });
                }
                "tariff" => token.tariff_id = value.into(),
                "transfers" => {
                    token.energy_transfers = value.split(',').map(str::to_owned).collect()
                }
                "site" => token.sites.push(value.into()),
                "device" => {
                    let (id, evses) = value.split_once(':').unwrap_or((value, ""));
                    let evses = evses.split(',').filter(|evse| !evse.is_empty());
                    token.devices.push(TokenDevice {
                        id: id.into(),
                        evse_ids: evses.map(|evse| evse.parse().unwrap()).collect(),
                    });
                }
                other => panic!("no member of a token: {other}"),
            }
        }
        let row = (Table::Tokens, token_key("default", id));
        let before = self.rows.lock().unwrap().insert(row, write_token(&token));
        self.settings.token_changes.fetch_add(1, Ordering::Release);
        let before = before.as_deref().and_then(read_token);
        if before.and_then(|before| before.message) != token.message {
            self.settings.message_changed("default", &token);
        }
    }
}
