//! How transactions were paid (2.1 NotifySettlement).

use fleet::TransactionId;
use fleet::record::{MoneyChanged, Settlement};
use ocpp::{Word, v21};

use super::super::store::StoreUnreadable;
use super::super::{Now, Shard};
use crate::normalize::{moment, numeral};

/// Settlements that are kept of a transaction. One more is refused: were the oldest to go, it would be new when it is told
/// again.
pub(in crate::shard) const SETTLEMENTS_MAX: usize = 16;

/// What a settlement is that was told.
pub(in crate::shard) enum Settled {
    /// Of no transaction that is known.
    Unnamed,
    /// The first that says this of our transaction.
    New(TransactionId),
    /// Told before.
    Same(TransactionId),
    /// Its transaction has as many as are kept.
    Refused,
}

impl Shard {
    /// NotifySettlement.
    pub(in crate::shard) fn settle(
        &mut self,
        now: Now,
        station: u32,
        told: &v21::NotifySettlement<'_>,
    ) -> Result<Settled, StoreUnreadable> {
        let Some(ocpp_id) = told.transaction_id.as_deref() else {
            return Ok(Settled::Unnamed);
        };
        let Some(before) = self.named(station, ocpp_id, true)? else {
            return Ok(Settled::Unnamed);
        };
        let mut money = self.money(before.id)?;
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        let settled = moment(Some(&told.settlement_time), now.utc);
        let settlement = Settlement {
            told_at: now.utc.0,
            psp_ref: told.psp_ref.to_string(),
            status: told.status.as_str().to_owned(),
            status_info: text(told.status_info.as_deref()),
            amount: numeral(told.settlement_amount.as_str()).into_owned(),
            settled_at: settled.at,
            receipt_id: text(told.receipt_id.as_deref()),
            receipt_url: text(told.receipt_url.as_deref()),
            vat_number: text(told.vat_number.as_deref()),
            vat_company: told
                .vat_company
                .as_ref()
                .map_or_else(String::new, |company| {
                    let mut json = Vec::new();
                    company.write(&mut json);
                    String::from_utf8(json).unwrap_or_default()
                }),
        };
        let is_same = |known: &Settlement| {
            // A clock that is not set says nothing of when, also when it is told again.
            let settled_at = match settled.clock_trusted {
                true => settlement.settled_at,
                false => known.settled_at,
            };
            let same = Settlement {
                told_at: known.told_at,
                settled_at,
                ..settlement.clone()
            };
            *known == same
        };
        if money.settlements.iter().any(is_same) {
            return Ok(Settled::Same(before.id));
        }
        if SETTLEMENTS_MAX <= money.settlements.len() {
            return Ok(Settled::Refused);
        }
        money.settlements.push(settlement);
        let changed = MoneyChanged {
            money,
            tariff_is_new: false,
            settlement_is_new: true,
        };
        self.record(now, station, &changed);
        Ok(Settled::New(before.id))
    }
}
