//! Variables of a station: rows on their way from its shard, and rows of the state store.

use fleet::StationKey;

use super::pending::Reply;
use super::view::Page;
use super::{Ask, PAGE_LEN_MAX, Router, RouterError, TokenAsk, post};
use crate::variables::read::Recent;
use crate::variables::{VariableFilter, VariableView};

impl Router {
    /// Variables of a station behind `after`, which is a `next` of the page before, by component, EVSE and variable;
    /// `limit` is at most 500. A page may hold fewer although there are more. `None` when nobody has heard of the
    /// station; with the store's error if it has one.
    ///
    /// # Errors
    ///
    /// [`RouterError`] when shard or keeper did not answer.
    pub async fn variables(
        &self,
        station: StationKey,
        filter: VariableFilter,
        after: Option<String>,
        limit: usize,
    ) -> Result<Option<Result<Page<VariableView, String>, String>>, RouterError> {
        self.page_behind_recent(station, limit, |station, recent, limit, reply| {
            TokenAsk::Variables {
                station,
                recent,
                filter,
                after,
                limit,
                reply,
            }
        })
        .await
    }

    /// A page of what is kept in the table of variables; `None` when nobody has heard of the station.
    pub(super) async fn page_behind_recent<T>(
        &self,
        station: StationKey,
        limit: usize,
        letter: impl FnOnce(StationKey, Recent, usize, Reply<T>) -> TokenAsk,
    ) -> Result<Option<T>, RouterError> {
        let key = station.clone();
        let asked = self.ask(key.partition(), |reply| Ask::RecentVariables { key, reply });
        // First what is on its way: what arrives in between is in the store as well, and neither is missed.
        let Some(recent) = asked.await? else {
            return Ok(None);
        };
        let limit = limit.clamp(1, PAGE_LEN_MAX);
        let page = post(&self.tokens, |reply| letter(station, recent, limit, reply));
        page.await.map(Some)
    }
}
