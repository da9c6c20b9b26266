//! Monitors of a station that has rebooted.

use crate::items::ItemKind;
use crate::items::row::{inventory_key, read, told_key};

use super::arrivals::Load;
use super::{Now, Shard, StoreUnreadable};

impl Shard {
    /// A station has rebooted. The monitors that were set are there still, and may have other numbers: where it is configured so,
    /// one that is known to have any is asked for all of them (N04.FR.19), and what it does not name any more is gone with the end
    /// of its report. In a storm of boots nobody is asked.
    pub(super) fn ask_for_monitors(&mut self, now: Now, station: u32) {
        if !self.config.monitors_after_boot || self.how_busy(now) != Load::Calm {
            return;
        }
        // A failed read was counted, and nobody is asked.
        if let Ok(true) = self.has_monitors(station) {
            // Nobody else's number, unless by chance.
            let request_id = (now.utc.0 / 1_000_000) & i64::from(i32::MAX);
            let payload = format!("{{\"requestId\":{request_id}}}");
            let (action, principal) = ("GetMonitoringReport".into(), "sigec".into());
            self.make_command(now, station, action, payload, principal, None);
        }
    }

    /// True for a station that has told of a monitor since it last told of all.
    fn has_monitors(&mut self, station: u32) -> Result<bool, StoreUnreadable> {
        let key = self.stations[station].state.key.clone();
        let row = self.variable_row(&told_key(ItemKind::Monitor, &key))?;
        let Some((told, _)) = row.as_deref().and_then(read) else {
            return Ok(false);
        };
        let row = self.variable_row(&inventory_key(ItemKind::Monitor, &key))?;
        let inventory = row.as_deref().and_then(read);
        Ok(inventory.is_none_or(|(inventory, _)| !told.is_before(&inventory)))
    }
}
