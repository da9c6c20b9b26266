//! Monitors, display messages and issues of a station: rows on their way from its shard, and rows of the state store.

use fleet::StationKey;

use super::view::Page;
use super::{Router, RouterError, TokenAsk};
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
        self.page_behind_recent(station, limit, |station, recent, limit, reply| {
            TokenAsk::Items {
                kind,
                station,
                recent,
                after,
                limit,
                reply,
            }
        })
        .await
    }
}
