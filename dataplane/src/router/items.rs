//! Monitors, display messages and issues of a station: rows on their way from its shard, and rows of the state store.

use fleet::StationKey;

use super::view::Page;
use super::{Ask, PAGE_LEN_MAX, Router, RouterError, TokenAsk, post};
use crate::items::{ItemKind, ItemView};

impl Router {
    /// What a station keeps under numbers behind `after`, by number; `limit` is at most 500. A page may hold fewer although
    /// there are more. `None` when nobody has heard of the station; with the store's error if it has one.
    ///
    /// # Errors
    ///
    /// [`RouterError`] when shard or keeper did not answer.
    pub async fn items(
        &self,
        kind: ItemKind,
        station: StationKey,
        after: Option<i64>,
        limit: usize,
    ) -> Result<Option<Result<Page<ItemView, i64>, String>>, RouterError> {
        let key = station.clone();
        let asked = self.ask(key.partition(), |reply| Ask::RecentVariables { key, reply });
        // First what is on its way, as for variables.
        let Some(recent) = asked.await? else {
            return Ok(None);
        };
        let limit = limit.clamp(1, PAGE_LEN_MAX);
        let page = post(&self.tokens, |reply| TokenAsk::Items {
            kind,
            station,
            recent,
            after,
            limit,
            reply,
        });
        page.await.map(Some)
    }
}
