//! The list of tokens that a station goes by on its own (1.6 §3.5.2, 2.0.1 block D).
//!
//! What a station should have follows from the tokens; what it has is what it accepted last, kept with the version that it
//! was given. A message brings the one nearer to the other, in parts that a station can take: what is left of a full list
//! follows as differences, each with a version of its own. A station whose version is another one has been given a list by
//! somebody else, or has lost ours: only a full list helps.

mod limits;
mod row;

use std::collections::BTreeMap;
use std::sync::Arc;

use fleet::UtcMicros;
use fleet::record::Protocol;
use ocpp::{v16, v201};

use crate::router::view::StationView;
use crate::shard::{Authorization, id_tag_info, id_token_info, id_token_type, listed, write_token};
use crate::token::{Token, TokenType};
pub use limits::LocalListLimits;
pub(crate) use row::{read_local_list, write_local_list};

/// Longest idTag of 1.6 (`CiString20Type`): a longer one cannot be in its lists.
const ID_TAG_CHARS_MAX: usize = 20;
/// What a token is listed as in 2.x if nobody said: most are cards.
const TYPE_DEFAULT: TokenType = TokenType::Iso14443;

/// The list of a station, as far as its own answers tell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LocalList {
    /// What the station was told to call it; 0 for none.
    pub version: i64,
    /// When the station accepted it.
    pub accepted_at: UtcMicros,
    /// By folded id.
    entries: BTreeMap<String, Entry>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    id: String,
    kind: TokenType,
    /// Hash of all that the station was told.
    content: [u8; 16],
}

impl LocalList {
    /// Tokens in it.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// True without a token.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

/// How a list is brought up to date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LocalListUpdate {
    /// All of it anew.
    Full,
    /// What is different.
    Differential,
}

/// One SendLocalList.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalListPart {
    /// JSON, in the words of the station's version.
    pub payload: String,
    /// What the station has once it has accepted this and the parts before it.
    pub after: LocalList,
}

/// What to send to a station that has `before`, in parts within its `limits`; nothing, if it has all of it. A token that no
/// message of so many bytes holds goes by itself: the station's answer tells.
pub fn local_list_parts(
    station: &StationView,
    tokens: Vec<Token>,
    before: &LocalList,
    update: LocalListUpdate,
    now: UtcMicros,
    limits: LocalListLimits,
) -> Vec<LocalListPart> {
    let is_16 = match station.protocol {
        Some(Protocol::Ocpp201 | Protocol::Ocpp21) => false,
        Some(Protocol::Ocpp16) | None => true,
    };
    let mut wanted = BTreeMap::new();
    for token in tokens {
        if is_16 && ID_TAG_CHARS_MAX < token.id.chars().count() {
            continue;
        }
        let token = Arc::new(token);
        let told = listed(now, &token, station.key.identity(), &station.site);
        // 1.6 has no words for a token that is good at some connectors alone, and must not think it good at all of them.
        if let Some(told) = told.filter(|told| !is_16 || told.evse_ids.is_empty()) {
            wanted.insert(token.id.to_lowercase(), (entry(&token, &told), Some(told)));
        }
    }
    let mut list = match update {
        LocalListUpdate::Full => LocalList {
            version: before.version,
            ..LocalList::default()
        },
        LocalListUpdate::Differential => before.clone(),
    };
    let removed = list
        .entries
        .iter()
        .filter(|(key, _)| !wanted.contains_key(*key));
    let removed: Vec<_> = removed
        .map(|(key, entry)| (key.clone(), (entry.clone(), None)))
        .collect();
    wanted.retain(|key, (entry, _)| list.entries.get(key) != Some(entry));
    // The station knows a token by its id and its type (C01.FR.25): one of another type is another one, and the old one goes.
    let retyped = list.entries.iter().filter(|(key, entry)| {
        let wanted = wanted.get(key.as_str());
        !is_16 && wanted.is_some_and(|(wanted, _)| wanted.kind != entry.kind)
    });
    let retyped: Vec<_> = retyped
        .map(|(key, entry)| (key.clone(), (entry.clone(), None)))
        .collect();
    // Removals come first: a part that has both then leaves the new one.
    let changes: Vec<_> = removed.into_iter().chain(retyped).chain(wanted).collect();
    let mut rest = changes.as_slice();
    let mut parts: Vec<LocalListPart> = Vec::new();
    // A full list may be empty; a difference of nothing is none.
    while !rest.is_empty() || (parts.is_empty() && update == LocalListUpdate::Full) {
        let version = list.version.max(0) + 1;
        let is_full = parts.is_empty() && update == LocalListUpdate::Full;
        let write = if is_16 { payload_16 } else { payload_201 };
        let mut len = rest.len().min(limits.tokens.unwrap_or(usize::MAX).max(1));
        let payload = loop {
            let payload = write(version, is_full, &rest[..len]);
            if len <= 1 || limits.fits(&payload) {
                break payload;
            }
            len /= 2;
        };
        let (part, left) = rest.split_at(len);
        rest = left;
        (list.version, list.accepted_at) = (version, now);
        for (key, (entry, told)) in part {
            match told {
                Some(_) => list.entries.insert(key.clone(), entry.clone()),
                None => list.entries.remove(key),
            };
        }
        parts.push(LocalListPart {
            payload: String::from_utf8(payload).expect("the writers write JSON"),
            after: list.clone(),
        });
    }
    parts
}

/// A token by its folded id; what is told of it, or nothing to take it away.
type Change = (String, (Entry, Option<Authorization>));

fn entry(token: &Token, told: &Authorization) -> Entry {
    let mut canonical = crate::retry::Canonical::default();
    canonical
        .begin("local list", told.judgement.as_str())
        .bytes(&write_token(token));
    for evse_id in &told.evse_ids {
        canonical.int(i64::from(*evse_id));
    }
    Entry {
        id: token.id.clone(),
        kind: token.kind.unwrap_or(TYPE_DEFAULT),
        content: canonical.hash(),
    }
}

fn payload_16(version: i64, is_full: bool, changes: &[Change]) -> Vec<u8> {
    let list: Vec<_> = changes
        .iter()
        .map(|(_, (entry, told))| v16::AuthorizationData {
            id_tag: entry.id.as_str().into(),
            id_tag_info: told.as_ref().map(id_tag_info),
        })
        .collect();
    let mut payload = Vec::new();
    let message = v16::SendLocalList {
        list_version: version,
        local_authorization_list: Some(list.into()),
        update_type: if is_full {
            v16::UpdateType::Full
        } else {
            v16::UpdateType::Differential
        },
    };
    message.write(&mut payload);
    payload
}

fn payload_201(version: i64, is_full: bool, changes: &[Change]) -> Vec<u8> {
    let list: Vec<_> = changes
        .iter()
        .map(|(_, (entry, told))| v201::AuthorizationData {
            id_token: v201::IdToken {
                additional_info: None,
                id_token: entry.id.as_str().into(),
                kind: id_token_type(entry.kind),
            },
            id_token_info: told.as_ref().map(id_token_info),
        })
        .collect();
    let mut payload = Vec::new();
    let message = v201::SendLocalList {
        // An empty one is an absent one.
        local_authorization_list: (!list.is_empty()).then(|| list.into()),
        version_number: version,
        update_type: if is_full {
            v201::UpdateType::Full
        } else {
            v201::UpdateType::Differential
        },
    };
    message.write(&mut payload);
    payload
}

#[cfg(test)]
pub(crate) mod tests;
