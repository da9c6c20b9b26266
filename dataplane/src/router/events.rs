//! Events of a station: rows on their way from its shard, and rows of the state store.

use fleet::StationKey;

use super::view::Page;
use super::{Ask, PAGE_LEN_MAX, Router, RouterError, TokenAsk, post};
use crate::events::{EventFilter, EventKey, EventView};

impl Router {
    /// Events of a station behind `after`, newest first; `limit` is at most 500. A page may hold fewer although there are
    /// more. `None` when nobody has heard of the station; with the store's error if it has one.
    ///
    /// # Errors
    ///
    /// [`RouterError`] when shard or keeper did not answer.
    pub async fn events(
        &self,
        station: StationKey,
        filter: EventFilter,
        after: Option<EventKey>,
        limit: usize,
    ) -> Result<Option<Result<Page<EventView, EventKey>, String>>, RouterError> {
        let key = station.clone();
        let asked = self.ask(key.partition(), |reply| Ask::RecentVariables { key, reply });
        // First what is on its way, as for variables.
        let Some(recent) = asked.await? else {
            return Ok(None);
        };
        let limit = limit.clamp(1, PAGE_LEN_MAX);
        let page = post(&self.tokens, |reply| TokenAsk::Events {
            station,
            recent,
            filter,
            after,
            limit,
            reply,
        });
        page.await.map(Some)
    }
}
