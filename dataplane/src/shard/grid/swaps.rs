//! What a station tells of battery swaps (2.1 S).

use fleet::record::BatterySwapsChanged;
use ocpp::v21;

use super::{Now, Shard, StoreUnreadable};
use crate::grid::swaps;

impl Shard {
    /// Batteries moved.
    pub(in crate::shard) fn battery_swapped(
        &mut self,
        now: Now,
        station: u32,
        told: &v21::BatterySwap<'_>,
    ) -> Result<(), StoreUnreadable> {
        let token_ref = self.token_ref(&told.id_token.id_token);
        self.change_grid(
            now,
            station,
            "BatterySwap",
            None,
            |kept: &mut BatterySwapsChanged| {
                swaps::moved(kept, told, token_ref, now.utc);
            },
        )
    }
}
