//! What a station is told about a token, in the words of its version.

use ocpp::{Timestamp, v16, v201};

use super::{Authorization, Judgement};
use crate::token::{MessageFormat, PersonalMessage, TokenType};

/// Longest `parentIdTag` (1.6 `CiString20Type`): a longer group would make a strict station refuse the whole answer.
const PARENT_CHARS_MAX: usize = 20;

/// The answer of 1.6. It has five words; what is ours but may not charge here and now is `Blocked`, what is not ours
/// `Invalid` (1.6 §7.2).
pub(crate) fn id_tag_info(authorization: &Authorization) -> v16::IdTagInfo<'_> {
    let token = authorization.token.as_deref();
    let group = token.map_or("", |token| token.group.as_str());
    let fits = !group.is_empty() && group.chars().count() <= PARENT_CHARS_MAX;
    v16::IdTagInfo {
        expiry_date: authorization.cache_until.map(|at| Timestamp::at(at.0)),
        parent_id_tag: fits.then(|| group.into()),
        status: match authorization.judgement {
            Judgement::Accepted => v16::AuthorizationStatus::Accepted,
            Judgement::Blocked | Judgement::NoCredit | Judgement::NotAtThisLocation => {
                v16::AuthorizationStatus::Blocked
            }
            Judgement::ConcurrentTx => v16::AuthorizationStatus::ConcurrentTx,
            Judgement::Expired => v16::AuthorizationStatus::Expired,
            Judgement::Invalid | Judgement::Unknown => v16::AuthorizationStatus::Invalid,
        },
    }
}

/// The answer of 2.x.
pub(crate) fn id_token_info(authorization: &Authorization) -> v201::IdTokenInfo<'_> {
    let status = match authorization.judgement {
        Judgement::Accepted => v201::AuthorizationStatus::Accepted,
        Judgement::Blocked => v201::AuthorizationStatus::Blocked,
        Judgement::ConcurrentTx => v201::AuthorizationStatus::ConcurrentTx,
        Judgement::Expired => v201::AuthorizationStatus::Expired,
        Judgement::Invalid => v201::AuthorizationStatus::Invalid,
        Judgement::NoCredit => v201::AuthorizationStatus::NoCredit,
        Judgement::NotAtThisLocation => v201::AuthorizationStatus::NotAtThisLocation,
        Judgement::Unknown => v201::AuthorizationStatus::Unknown,
    };
    let mut info = v201::IdTokenInfo {
        cache_expiry_date_time: authorization.cache_until.map(|at| Timestamp::at(at.0)),
        ..v201::IdTokenInfo::of(status)
    };
    let Some(token) = authorization.token.as_deref() else {
        return info;
    };
    info.charging_priority =
        (token.charging_priority != 0).then(|| i64::from(token.charging_priority));
    info.group_id_token = (!token.group.is_empty()).then(|| v201::IdToken {
        additional_info: None,
        id_token: token.group.as_str().into(),
        kind: v201::IdTokenType::Central,
    });
    let [language1, language2] = token
        .languages
        .each_ref()
        .map(|language| (!language.is_empty()).then(|| language.as_str().into()));
    (info.language1, info.language2) = (language1, language2);
    info.personal_message = token.message.as_ref().map(message_content);
    // Empty means every EVSE, and none is another status (C01.FR.19, C01.FR.22).
    let some = authorization.judgement == Judgement::Accepted && !authorization.evse_ids.is_empty();
    info.evse_id = some.then(|| authorization.evse_ids.clone().into());
    info
}

pub(in crate::shard) fn message_content(message: &PersonalMessage) -> v201::MessageContent<'_> {
    v201::MessageContent {
        format: match message.format {
            MessageFormat::Ascii => v201::MessageFormat::Ascii,
            MessageFormat::Html => v201::MessageFormat::Html,
            MessageFormat::Uri => v201::MessageFormat::Uri,
            MessageFormat::Utf8 => v201::MessageFormat::Utf8,
        },
        language: (!message.language.is_empty()).then(|| message.language.as_str().into()),
        content: message.content.as_str().into(),
    }
}

/// A type in the words of 2.0.1.
pub(crate) fn id_token_type(kind: TokenType) -> v201::IdTokenType {
    match kind {
        TokenType::Central => v201::IdTokenType::Central,
        TokenType::EMaid => v201::IdTokenType::EMAID,
        TokenType::Iso14443 => v201::IdTokenType::Iso14443,
        TokenType::Iso15693 => v201::IdTokenType::Iso15693,
        TokenType::KeyCode => v201::IdTokenType::KeyCode,
        TokenType::Local => v201::IdTokenType::Local,
        TokenType::MacAddress => v201::IdTokenType::MacAddress,
        TokenType::NoAuthorization => v201::IdTokenType::NoAuthorization,
    }
}

/// A type in our words.
pub(in crate::shard) fn token_type(kind: v201::IdTokenType) -> TokenType {
    match kind {
        v201::IdTokenType::Central => TokenType::Central,
        v201::IdTokenType::EMAID => TokenType::EMaid,
        v201::IdTokenType::Iso14443 => TokenType::Iso14443,
        v201::IdTokenType::Iso15693 => TokenType::Iso15693,
        v201::IdTokenType::KeyCode => TokenType::KeyCode,
        v201::IdTokenType::Local => TokenType::Local,
        v201::IdTokenType::MacAddress => TokenType::MacAddress,
        v201::IdTokenType::NoAuthorization => TokenType::NoAuthorization,
    }
}
