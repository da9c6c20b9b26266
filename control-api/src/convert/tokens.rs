//! Tokens, which operators write too: every member is looked at before the data plane has it.

use dataplane::{
    LocalList, MessageFormat, PersonalMessage, Token, TokenDevice, TokenStatus, TokenType,
    is_energy_transfer,
};
use fleet::{StationKey, UtcMicros};
use sdk::FieldProblem;

use crate::error::ApiError;

/// Longest group: `identifierString[36]` of 2.0.1.
const GROUP_CHARS_MAX: usize = 36;
/// Longest language (RFC 5646): `string[8]` of 2.0.1.
const LANGUAGE_CHARS_MAX: usize = 8;
/// Longest message to a driver: `string[512]` of 2.0.1.
const CONTENT_CHARS_MAX: usize = 512;
/// Longest site, as of devices.
const SITE_CHARS_MAX: usize = 64;
/// Sites, stations, and EVSEs of one station that a token can name.
const PLACES_LEN_MAX: usize = 32;
/// Longest `tariffId`: `identifierString[60]` of 2.1.
const TARIFF_ID_CHARS_MAX: usize = 60;
/// Words that 2.1 has for it.
const TRANSFERS_MAX: usize = 11;
const CONCURRENT_MAX: u32 = 1_000;
/// A year.
const CACHE_SECONDS_MAX: u32 = 31_536_000;

pub(crate) fn token(token: Token) -> sdk::Token {
    sdk::Token {
        rules: sdk::TokenRequest {
            kind: token.kind.map(shown_type),
            expires_at: super::time(token.expires_at),
            group: super::some(token.group),
            master_pass: token.master_pass,
            concurrent_max: token.concurrent_max,
            charging_priority: (token.charging_priority != 0).then_some(token.charging_priority),
            languages: token
                .languages
                .into_iter()
                .filter(|language| !language.is_empty())
                .collect(),
            personal_message: token.message.map(|message| sdk::PersonalMessage {
                format: match message.format {
                    MessageFormat::Ascii => sdk::MessageFormat::Ascii,
                    MessageFormat::Html => sdk::MessageFormat::Html,
                    MessageFormat::Uri => sdk::MessageFormat::Uri,
                    MessageFormat::Utf8 => sdk::MessageFormat::Utf8,
                },
                language: super::some(message.language),
                content: message.content,
            }),
            sites: token.sites,
            devices: token
                .devices
                .into_iter()
                .map(|device| sdk::TokenDevice {
                    id: device.id,
                    evse_ids: device.evse_ids,
                })
                .collect(),
            cache_seconds: token.cache_s,
            tariff_id: super::some(token.tariff_id),
            allowed_energy_transfer: token.energy_transfers,
            ..sdk::TokenRequest::new(match token.status {
                TokenStatus::Accepted => sdk::TokenStatus::Accepted,
                TokenStatus::Blocked => sdk::TokenStatus::Blocked,
                TokenStatus::Expired => sdk::TokenStatus::Expired,
                TokenStatus::Invalid => sdk::TokenStatus::Invalid,
                TokenStatus::NoCredit => sdk::TokenStatus::NoCredit,
            })
        },
        id: token.id,
    }
}

pub(crate) fn token_status(status: sdk::TokenStatus) -> TokenStatus {
    match status {
        sdk::TokenStatus::Accepted => TokenStatus::Accepted,
        sdk::TokenStatus::Blocked => TokenStatus::Blocked,
        sdk::TokenStatus::Expired => TokenStatus::Expired,
        sdk::TokenStatus::Invalid => TokenStatus::Invalid,
        sdk::TokenStatus::NoCredit => TokenStatus::NoCredit,
    }
}

/// The token `id` of a tenant as an operator wrote it, or all that is wrong with it.
pub(crate) fn token_rules(
    tenant: &str,
    id: String,
    rules: sdk::TokenRequest,
) -> Result<Token, ApiError> {
    let mut found = Found::default();
    let expires_at = found.time("/expires_at", rules.expires_at.as_deref());
    let group = rules.group.unwrap_or_default();
    found.text("/group", &group, GROUP_CHARS_MAX);
    if rules.master_pass && group.is_empty() {
        found.wrong(
            "/group",
            "absent, a master pass needs the group of the stations' MasterPassGroupId".into(),
        );
    }
    found.range("/concurrent_max", rules.concurrent_max, 1, CONCURRENT_MAX);
    found.range("/cache_seconds", rules.cache_seconds, 0, CACHE_SECONDS_MAX);
    let charging_priority = rules.charging_priority.unwrap_or_default();
    found.range("/charging_priority", Some(charging_priority), -9, 9);
    found.len("/languages", rules.languages.len(), 2);
    for (at, language) in rules.languages.iter().enumerate() {
        found.text(&format!("/languages/{at}"), language, LANGUAGE_CHARS_MAX);
    }
    let mut languages = rules.languages.into_iter();
    let languages = [(); 2].map(|()| languages.next().unwrap_or_default());
    found.len("/sites", rules.sites.len(), PLACES_LEN_MAX);
    for (at, site) in rules.sites.iter().enumerate() {
        found.named(&format!("/sites/{at}"), site, SITE_CHARS_MAX);
    }
    found.len("/devices", rules.devices.len(), PLACES_LEN_MAX);
    for (at, device) in rules.devices.iter().enumerate() {
        if let Err(error) = StationKey::new(tenant, &device.id) {
            found.wrong(&format!("/devices/{at}/id"), error.to_string());
        }
        let pointer = format!("/devices/{at}/evse_ids");
        found.len(&pointer, device.evse_ids.len(), PLACES_LEN_MAX);
        if device.evse_ids.contains(&0) {
            found.wrong(&pointer, "0, expected 1 or more".into());
        }
    }
    let message = rules.personal_message.map(|message| {
        let language = message.language.unwrap_or_default();
        found.text("/personal_message/language", &language, LANGUAGE_CHARS_MAX);
        let chars = message.content.chars().count();
        if !(1..=CONTENT_CHARS_MAX).contains(&chars) {
            let detail = format!("{chars} characters, expected 1 to {CONTENT_CHARS_MAX}");
            found.wrong("/personal_message/content", detail);
        }
        PersonalMessage {
            format: match message.format {
                sdk::MessageFormat::Ascii => MessageFormat::Ascii,
                sdk::MessageFormat::Html => MessageFormat::Html,
                sdk::MessageFormat::Uri => MessageFormat::Uri,
                sdk::MessageFormat::Utf8 => MessageFormat::Utf8,
            },
            language,
            content: message.content,
        }
    });
    let tariff_id = rules.tariff_id.unwrap_or_default();
    found.text("/tariff_id", &tariff_id, TARIFF_ID_CHARS_MAX);
    let transfers = &rules.allowed_energy_transfer;
    found.len("/allowed_energy_transfer", transfers.len(), TRANSFERS_MAX);
    for (at, transfer) in transfers.iter().enumerate() {
        if !is_energy_transfer(transfer) {
            let pointer = format!("/allowed_energy_transfer/{at}");
            let detail = format!("{transfer:?}, expected a word of 2.1 like \"DC\"");
            found.wrong(&pointer, detail);
        }
    }
    found.into_result()?;
    Ok(Token {
        kind: rules.kind.map(token_type),
        expires_at,
        group,
        master_pass: rules.master_pass,
        concurrent_max: rules.concurrent_max,
        charging_priority,
        languages,
        message,
        sites: rules.sites,
        devices: rules
            .devices
            .into_iter()
            .map(|device| TokenDevice {
                id: device.id,
                evse_ids: device.evse_ids,
            })
            .collect(),
        cache_s: rules.cache_seconds,
        tariff_id,
        energy_transfers: rules.allowed_energy_transfer,
        ..Token::new(id, token_status(rules.status))
    })
}

pub(crate) fn local_list(
    list: &LocalList,
    version_reported: Option<i64>,
    messages: usize,
) -> sdk::LocalList {
    sdk::LocalList {
        version: list.version,
        tokens: list.len(),
        accepted_at: super::time((list.version != 0).then_some(list.accepted_at)),
        version_reported,
        messages,
    }
}

/// What is wrong with a request.
#[derive(Default)]
struct Found(Vec<FieldProblem>);

impl Found {
    fn wrong(&mut self, pointer: &str, detail: String) {
        self.0.push(FieldProblem {
            pointer: pointer.to_owned(),
            detail,
        });
    }

    fn text(&mut self, pointer: &str, text: &str, chars_max: usize) {
        if let Err(detail) = crate::routes::check_text(text, chars_max) {
            self.wrong(pointer, detail);
        }
    }

    fn named(&mut self, pointer: &str, text: &str, chars_max: usize) {
        if text.is_empty() {
            self.wrong(pointer, "empty".into());
        }
        self.text(pointer, text, chars_max);
    }

    fn len(&mut self, pointer: &str, len: usize, max: usize) {
        if max < len {
            self.wrong(pointer, format!("{len} items, expected at most {max}"));
        }
    }

    fn range<T: PartialOrd + std::fmt::Display>(
        &mut self,
        pointer: &str,
        value: Option<T>,
        min: T,
        max: T,
    ) {
        if let Some(value) = value.filter(|value| *value < min || max < *value) {
            self.wrong(pointer, format!("{value}, expected {min} to {max}"));
        }
    }

    fn time(&mut self, pointer: &str, text: Option<&str>) -> Option<UtcMicros> {
        let text = text?;
        let at = super::moment(text);
        at.map_err(|detail| self.wrong(pointer, detail)).ok()
    }

    fn into_result(self) -> Result<(), ApiError> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(ApiError::Invalid(self.0))
        }
    }
}

fn shown_type(kind: TokenType) -> sdk::TokenType {
    match kind {
        TokenType::Central => sdk::TokenType::Central,
        TokenType::EMaid => sdk::TokenType::EMaid,
        TokenType::Iso14443 => sdk::TokenType::Iso14443,
        TokenType::Iso15693 => sdk::TokenType::Iso15693,
        TokenType::KeyCode => sdk::TokenType::KeyCode,
        TokenType::Local => sdk::TokenType::Local,
        TokenType::MacAddress => sdk::TokenType::MacAddress,
        TokenType::NoAuthorization => sdk::TokenType::NoAuthorization,
    }
}

fn token_type(kind: sdk::TokenType) -> TokenType {
    match kind {
        sdk::TokenType::Central => TokenType::Central,
        sdk::TokenType::EMaid => TokenType::EMaid,
        sdk::TokenType::Iso14443 => TokenType::Iso14443,
        sdk::TokenType::Iso15693 => TokenType::Iso15693,
        sdk::TokenType::KeyCode => TokenType::KeyCode,
        sdk::TokenType::Local => TokenType::Local,
        sdk::TokenType::MacAddress => TokenType::MacAddress,
        sdk::TokenType::NoAuthorization => TokenType::NoAuthorization,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(json: serde_json::Value) -> Result<Token, String> {
        let request = serde_json::from_value(json).map_err(|error| error.to_string())?;
        token_rules("default", "TAG".into(), request).map_err(|error| error.to_string())
    }

    #[test]
    fn a_token_comes_back_as_it_was_written() {
        let written = serde_json::json!({
            "id": "TAG", "status": "NoCredit", "type": "eMAID", "expires_at": "2027-01-01T00:00:00Z",
            "group": "G", "master_pass": true, "concurrent_max": 1, "charging_priority": -9,
            "languages": ["pt-BR", "en"],
            "personal_message": {"format": "UTF8", "language": "pt", "content": "Oi\nBoa carga"},
            "sites": ["Centro"], "devices": [{"id": "CP1", "evse_ids": [1]}, {"id": "CP2"}],
            "cache_seconds": 0, "tariff_id": "T1", "allowed_energy_transfer": ["DC", "AC_three_phase"],
        });
        let read: sdk::Token = serde_json::from_value(written.clone()).unwrap();
        let token = token_rules("default", read.id, read.rules).unwrap();
        let mut shown = serde_json::to_value(super::token(token)).unwrap();
        assert_eq!(shown["expires_at"], "2027-01-01T00:00:00.000Z");
        shown["expires_at"] = written["expires_at"].clone();
        assert_eq!(shown, written);
        let plain = rules(serde_json::json!({"status": "Accepted"})).unwrap();
        let shown = serde_json::to_value(super::token(plain)).unwrap();
        assert_eq!(
            shown,
            serde_json::json!({"id": "TAG", "status": "Accepted"})
        );
    }

    #[test]
    fn everything_that_is_wrong_is_named() {
        let check = |members: &str, expected: &str| {
            let json = format!("{{\"status\":\"Accepted\",{members}}}");
            let found = rules(serde_json::from_str(&json).unwrap()).unwrap_err();
            assert_eq!(found, expected);
        };
        check(
            r#""expires_at":"tomorrow","concurrent_max":0"#,
            r#"/expires_at: "tomorrow", expected a time like 2027-01-01T00:00:00Z; /concurrent_max: 0, expected 1 to 1000"#,
        );
        check(
            r#""expires_at":"1969-12-31T23:59:59Z""#,
            r#"/expires_at: "1969-12-31T23:59:59Z", expected a time like 2027-01-01T00:00:00Z"#,
        );
        check(
            r#""master_pass":true"#,
            "/group: absent, a master pass needs the group of the stations' MasterPassGroupId",
        );
        check(
            r#""charging_priority":10,"languages":["a","b","portuguese"]"#,
            "/charging_priority: 10, expected -9 to 9; /languages: 3 items, expected at most 2; /languages/2: 10 characters, at most 8 are allowed",
        );
        check(
            r#""sites":[""],"devices":[{"id":"a:b","evse_ids":[0]}]"#,
            r#"/sites/0: empty; /devices/0/id: station identity or tenant contains ':'; /devices/0/evse_ids: 0, expected 1 or more"#,
        );
        check(
            r#""personal_message":{"content":""},"cache_seconds":31536001"#,
            "/cache_seconds: 31536001, expected 0 to 31536000; /personal_message/content: 0 characters, expected 1 to 512",
        );
        check(
            r#""allowed_energy_transfer":["DC","dc"]"#,
            r#"/allowed_energy_transfer/1: "dc", expected a word of 2.1 like "DC""#,
        );
        check(
            r#""color":1"#,
            "unknown field `color`, expected one of `status`, `type`, `expires_at`, `group`, `master_pass`, `concurrent_max`, `charging_priority`, `languages`, `personal_message`, `sites`, `devices`, `cache_seconds`, `tariff_id`, `allowed_energy_transfer`",
        );
    }
}
