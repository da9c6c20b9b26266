//! What a 2.1 station is told of a driver beside the token: a tariff and how the vehicle may be charged.

use fleet::record::{DriverTransfer, DriverTransfers, Protocol};
use serde_json::json;

use super::{Authorization, Judgement, Now, Shard, StoreUnreadable};

/// Transactions of a station whose drivers' energy transfers are kept; of more, the oldest may have any.
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
    /// A token was shown: how its vehicles may be charged counts for the transactions that it has running at this station.
    /// Called once the event that showed it is on record, which may have begun one.
    pub(in crate::shard) fn keep_transfers(
        &mut self,
        now: Now,
        station: u32,
        action: &str,
        shown: &Authorization,
    ) -> Result<(), StoreUnreadable> {
        let state = &self.stations[station].state;
        let Some(token) = &shown.token else {
            return Ok(());
        };
        if state.protocol != Some(Protocol::Ocpp21) || state.active().next().is_none() {
            return Ok(());
        }
        let token_ref = self.token_ref(&token.id);
        let (own, others): (Vec<_>, Vec<_>) = (state.active())
            .map(|running| (running.id.0, running.token_ref == Some(token_ref)))
            .partition(|(_, is_own)| *is_own);
        if own.is_empty() {
            return Ok(());
        }
        let modes = &token.energy_transfers;
        self.change_grid(now, station, action, None, |kept: &mut DriverTransfers| {
            let is_other =
                |kept: &DriverTransfer| others.iter().any(|(id, _)| *id == kept.transaction_id);
            kept.transfers.retain(is_other);
            if modes.is_empty() {
                return;
            }
            for (transaction_id, _) in own {
                if kept.transfers.len() == TRANSFERS_MAX {
                    kept.transfers.remove(0);
                }
                kept.transfers.push(DriverTransfer {
                    transaction_id,
                    modes: modes.clone(),
                });
            }
        })
    }

    /// How the token of the transaction at an EVSE lets its vehicle be charged; empty where it does not say.
    pub(in crate::shard) fn driver_transfers(
        &mut self,
        station: u32,
        evse_id: u32,
    ) -> Result<Vec<String>, StoreUnreadable> {
        let running = (self.stations[station].state.active())
            .find(|running| running.evse_id == evse_id)
            .map(|running| running.id);
        let Some(running) = running else {
            return Ok(Vec::new());
        };
        let kept: DriverTransfers = self.grid(station)?;
        let mut kept = kept.transfers.into_iter();
        let of_it = kept.find(|kept| kept.transaction_id == running.0);
        Ok(of_it.map_or_else(Vec::new, |kept| kept.modes))
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
