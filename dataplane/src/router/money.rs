//! Tariffs, and what transactions cost under them.

use fleet::StationKey;
use fleet::record::{Settlement, StationCost, StationTariffs};

use super::pending::Pending;
use super::view::Page;
use super::{Ask, PAGE_LEN_MAX, Router, TokenAsk, post};
use crate::tariff::{Bill, StoredTariff, TariffWritten};

/// What is known of a transaction's money beside its cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MoneyView {
    /// What it comes to under its tariff; `None` where the price of the configuration holds.
    pub bill: Option<Bill>,
    /// What its station has worked out.
    pub station_cost: Option<StationCost>,
    /// How it was paid, oldest first.
    pub settlements: Vec<Settlement>,
}

impl Router {
    /// Writes a tariff that was [checked](StoredTariff::checked); answered once it is on disk, with the store's error if it
    /// has one. Transactions that run keep what they are under.
    pub fn put_tariff(
        &self,
        tenant: &str,
        tariff: StoredTariff,
    ) -> Pending<Result<TariffWritten, String>> {
        let tenant = tenant.to_owned();
        post(&self.tokens, |reply| TokenAsk::PutTariff {
            tenant,
            tariff,
            reply,
        })
    }

    /// Finds a tariff; with the store's error if it has one.
    pub fn tariff(&self, tenant: &str, id: &str) -> Pending<Result<Option<StoredTariff>, String>> {
        let (tenant, id) = (tenant.to_owned(), id.to_owned());
        post(&self.tokens, |reply| TokenAsk::FindTariff {
            tenant,
            id,
            reply,
        })
    }

    /// Tariffs after an id, by id; `limit` is at most 500. With the store's error if it has one.
    pub fn tariffs(
        &self,
        tenant: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Pending<Result<Page<StoredTariff, String>, String>> {
        let (tenant, after) = (tenant.to_owned(), after.map(str::to_owned));
        let limit = limit.clamp(1, PAGE_LEN_MAX);
        post(&self.tokens, |reply| TokenAsk::ListTariffs {
            tenant,
            after,
            limit,
            reply,
        })
    }

    /// Forgets a tariff; answers whether there was one, once that is on disk, or with the store's error.
    pub fn delete_tariff(&self, tenant: &str, id: &str) -> Pending<Result<bool, String>> {
        let (tenant, id) = (tenant.to_owned(), id.to_owned());
        post(&self.tokens, |reply| TokenAsk::RemoveTariff {
            tenant,
            id,
            reply,
        })
    }

    /// The tariffs of a station, as far as its own answers tell; `None` for a station nobody has heard of.
    pub fn station_tariffs(&self, key: StationKey) -> Pending<Option<StationTariffs>> {
        self.ask(key.partition(), |reply| Ask::Tariffs { key, reply })
    }
}
