//! What a 2.1 station is told of a driver beside the token: a tariff and how the vehicle may be charged.

use std::sync::Arc;

use fleet::record::Protocol;
use serde_json::json;

use super::{Authorization, Judgement};
use crate::shard::Shard;
use crate::token::Token;

/// Tokens of a station whose energy transfers are remembered; of more, the oldest may have any.
const TRANSFERS_MAX: usize = 64;

impl Shard {
    /// Members of AuthorizeResponse that 2.1 added, each behind a comma; empty for none (I08.FR.01, Q01.FR.01 and FR.08).
    pub(in crate::shard) fn driver_terms(
        &self,
        station: u32,
        authorization: &Authorization,
    ) -> String {
        let state = &self.stations[station].state;
        let is_told = state.protocol == Some(Protocol::Ocpp21)
            && authorization.judgement == Judgement::Accepted;
        let Some(token) = authorization.token.as_deref().filter(|_| is_told) else {
            return String::new();
        };
        let mut terms = String::new();
        if !token.energy_transfers.is_empty() {
            let modes = json!(token.energy_transfers);
            terms.push_str(&format!(r#","allowedEnergyTransfer":{modes}"#));
        }
        if let Some((_, tariff)) = self
            .settings
            .tariffs
            .find(state.key.tenant(), &token.tariff_id)
        {
            let tariff = without_valid_from(&tariff);
            terms.push_str(&format!(r#","tariff":{tariff}"#));
        }
        terms
    }
}

impl Shard {
    /// A token is shown: how its vehicles may be charged counts for the transaction that it begins.
    pub(super) fn note_transfers(&mut self, station: u32, id: &str, token: &Arc<Token>) {
        let entry = &self.stations[station];
        let noted = entry.side.as_ref().map_or(0, |side| side.transfers.len());
        let is_21 = entry.state.protocol == Some(Protocol::Ocpp21);
        if !is_21 || (noted == 0 && token.energy_transfers.is_empty()) {
            return;
        }
        let token_ref = self.token_ref(id);
        let transfers = &mut self.stations[station].side_mut().transfers;
        transfers.retain(|(shown, _)| *shown != token_ref);
        if token.energy_transfers.is_empty() {
            return;
        }
        if transfers.len() == TRANSFERS_MAX {
            transfers.remove(0);
        }
        transfers.push((token_ref, Arc::clone(token)));
    }

    /// How the token of the transaction at an EVSE lets its vehicle be charged; empty where it does not say.
    pub(in crate::shard) fn driver_transfers(&self, station: u32, evse_id: u32) -> &[String] {
        let entry = &self.stations[station];
        let running = entry.state.active().find(|t| t.evse_id == evse_id);
        let token_ref = running.and_then(|running| running.token_ref);
        let shown = entry.side.iter().flat_map(|side| &side.transfers);
        let mut shown = shown.filter(|(shown, _)| token_ref == Some(*shown));
        shown
            .next()
            .map_or(&[], |(_, token)| &token.energy_transfers)
    }
}

/// A tariff of a driver holds at once, and must not say since when (I08.FR.09). What is kept of a tariff was written by us, so
/// the member stands as below, behind others; in a text its quotes would be escaped.
fn without_valid_from(tariff: &str) -> String {
    const MEMBER: &str = r#","validFrom":""#;
    let found = tariff.split_once(MEMBER);
    let rest = found.and_then(|(head, rest)| Some((head, rest.split_once('"')?.1)));
    rest.map_or_else(|| tariff.to_owned(), |(head, rest)| format!("{head}{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn i08_fr_09_a_drivers_tariff_says_not_since_when_it_holds() {
        let check = |tariff: &str, expected: &str| {
            assert_eq!(without_valid_from(tariff), expected);
        };
        check(
            r#"{"tariffId":"T","currency":"EUR","validFrom":"2026-11-22T10:00:00Z","energy":{}}"#,
            r#"{"tariffId":"T","currency":"EUR","energy":{}}"#,
        );
        check(
            r#"{"tariffId":"T","validFrom":"2026-11-22T10:00:00Z"}"#,
            r#"{"tariffId":"T"}"#,
        );
        let text = r#"{"tariffId":"T","description":[{"content":"a,\"validFrom\":\"b"}]}"#;
        check(text, text);
    }
}
