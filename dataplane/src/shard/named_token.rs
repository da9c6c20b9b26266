//! A token that an operator names, in the words of a station's version.

use ocpp::{Word, v21, v201};

use super::tokens::id_token_type;
use super::{Shard, StoreUnreadable};
use crate::token::{NamedToken, TokenType};

/// A token with all that a station is told of it.
pub(super) struct Told {
    pub(super) id: String,
    kind: String,
    additional_info: Vec<(String, String)>,
    pub(super) group: Option<String>,
}

impl Shard {
    /// What is not said of a token is what we know of it, or `kind_default`.
    pub(super) fn told(
        &mut self,
        station: u32,
        named: NamedToken,
        kind_default: TokenType,
    ) -> Result<Told, StoreUnreadable> {
        let known = self.find_token(station, &named.id)?;
        let known = known.as_deref();
        let kind = known.and_then(|token| token.kind).unwrap_or(kind_default);
        let group = known.map(|token| token.group.clone());
        Ok(Told {
            id: named.id,
            kind: named
                .kind
                .unwrap_or_else(|| id_token_type(kind).as_str().to_owned()),
            additional_info: named.additional_info,
            group: named.group.or(group).filter(|group| !group.is_empty()),
        })
    }
}

impl Told {
    /// As 2.0.1 says it, with its group.
    ///
    /// # Errors
    ///
    /// What is wrong with its type: those of 2.0.1 are a closed list.
    pub(super) fn to_201(&self) -> Result<(v201::IdToken<'_>, Option<v201::IdToken<'_>>), String> {
        let kind = <v201::IdTokenType as Word>::parse(&self.kind)
            .ok_or_else(|| format!("type {:?} is none of 2.0.1", self.kind))?;
        let additional_info: Vec<_> = self
            .additional_info
            .iter()
            .map(|(id, kind)| v201::AdditionalInfo {
                additional_id_token: id.as_str().into(),
                kind: kind.as_str().into(),
            })
            .collect();
        let token = v201::IdToken {
            additional_info: (!additional_info.is_empty()).then(|| additional_info.into()),
            id_token: self.id.as_str().into(),
            kind,
        };
        // Groups are ours, and so is their type when a station is told of one.
        let group = self.group.as_deref().map(|group| v201::IdToken {
            additional_info: None,
            id_token: group.into(),
            kind: v201::IdTokenType::Central,
        });
        Ok((token, group))
    }

    /// As 2.1 says it, with its group. Its types are an open list.
    pub(super) fn to_21(&self) -> (v21::IdToken<'_>, Option<v21::IdToken<'_>>) {
        let additional_info: Vec<_> = self
            .additional_info
            .iter()
            .map(|(id, kind)| v21::AdditionalInfo {
                additional_id_token: id.as_str().into(),
                kind: kind.as_str().into(),
            })
            .collect();
        let token = v21::IdToken {
            additional_info: (!additional_info.is_empty()).then(|| additional_info.into()),
            id_token: self.id.as_str().into(),
            kind: self.kind.as_str().into(),
        };
        let group = self.group.as_deref().map(|group| v21::IdToken {
            additional_info: None,
            id_token: group.into(),
            kind: v201::IdTokenType::Central.as_str().into(),
        });
        (token, group)
    }
}
