//! Events of a station: rows on their way from its shard, and rows of the state store.

use fleet::StationKey;

use super::view::Page;
use super::{Router, RouterError, TokenAsk};
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
        self.page_behind_recent(station, limit, |station, recent, limit, reply| {
            TokenAsk::Events {
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
}
