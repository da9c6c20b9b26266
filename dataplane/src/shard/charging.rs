//! Smart charging of stations: what they accept, what they tell, and what becomes of it when transactions begin and end.
//!
//! All that is known of one station is one row of the state store, written by the record that changed it. In memory
//! stands only which stations have such a row.

mod answered;
mod dynamic;
mod told;
mod vehicles;
mod view;

use fleet::record::{Protocol, TransactionEvent};
use fleet::wire::Fact;
use fleet::{StationKey, UtcMicros};
use storage::state::Table;

use super::projection::charging_key;
use super::{Now, Shard, StoreUnreadable, read_record_row};
use crate::CommandId;
use crate::charging;
use crate::charging::held::{Held, edition};
pub(super) use dynamic::dynamic_response;
pub(super) use vehicles::VehiclePlan;

impl Shard {
    /// Which stations have something, at a start.
    pub(crate) fn load_charging(&mut self, stations: impl IntoIterator<Item = StationKey>) {
        for key in stations {
            let station = self.stations.find(&key);
            self.charging.extend(station.map(|station| (station, None)));
        }
    }

    /// What is known of a station's smart charging.
    fn held(&mut self, station: u32) -> Result<Held, StoreUnreadable> {
        if !self.charging.contains_key(&station) {
            return Ok(Held::default());
        }
        let key = self.stations[station].state.key.clone();
        let key = charging_key(&mut self.scratch.canonical, key.as_str());
        let row = self.row(Table::ChargingProfiles, key)?;
        let record = row.as_deref().and_then(read_charging).unwrap_or_default();
        Ok(Held { record })
    }

    /// Keeps what has become of it.
    fn put_held(
        &mut self,
        now: Now,
        station: u32,
        cause: &str,
        command: Option<CommandId>,
        held: Held,
    ) {
        if held.is_empty() {
            self.charging.remove(&station);
        } else {
            self.charging.entry(station).or_default();
        }
        let mut record = held.record;
        cause.clone_into(&mut record.cause);
        record.command_id = command.map(|command| command.0);
        self.record(now, station, &record);
    }

    /// Changes what is known of a station; nothing is recorded where nothing changed.
    fn change_held(
        &mut self,
        now: Now,
        station: u32,
        cause: &str,
        command: Option<CommandId>,
        change: impl FnOnce(&mut Held),
    ) -> Result<(), StoreUnreadable> {
        let mut held = self.held(station)?;
        held.record.installed.clear();
        held.record.removed.clear();
        let before = held.clone();
        change(&mut held);
        held.fit(self.config.log.record_len_max / 4);
        if held != before {
            self.put_held(now, station, cause, command, held);
        }
        Ok(())
    }

    /// Bytes of profiles that a record holds beside the rest.
    fn charging_room(&self) -> usize {
        self.config.log.record_len_max / 2
    }

    /// The station is back: profiles that do not outlive the time it was away are void (2.1 K01.FR.102). `seen_at` is when
    /// it was last heard before.
    pub(super) fn charging_reconnected(&mut self, now: Now, station: u32, seen_at: UtcMicros) {
        let Some(ended_at) = self.charging.get(&station) else {
            return;
        };
        let since = ended_at.unwrap_or(seen_at);
        let edition = self.edition(station);
        let changed = self.change_held(now, station, "Sigec.Connected", None, |held| {
            held.reconnected(edition, since, now.utc);
        });
        if let Err(StoreUnreadable) = changed {
            let station = self.stations[station].state.key.as_str();
            tracing::warn!(%station, "its charging profiles stay as they were, the state store cannot be read");
        }
    }

    /// A transaction began or ended.
    pub(super) fn charging_of_transaction(
        &mut self,
        now: Now,
        station: u32,
        was_active: bool,
        is_active: bool,
        event: &TransactionEvent,
    ) {
        if was_active == is_active || !self.charging.contains_key(&station) {
            return;
        }
        let edition = self.edition(station);
        let (evse_id, ocpp_id) = (event.evse_id, event.ocpp_transaction_id.as_str());
        let starts = match is_active {
            true => self.starts_behind(now, station, event),
            false => Ok(Vec::new()),
        };
        let changed = starts.and_then(|starts| {
            self.change_held(now, station, "TransactionEvent", None, |held| {
                if is_active {
                    held.transaction_began(evse_id, ocpp_id, &starts);
                } else {
                    held.transaction_ended(edition, evse_id, ocpp_id);
                }
            })
        });
        if let Err(StoreUnreadable) = changed {
            let station = self.stations[station].state.key.as_str();
            tracing::warn!(%station, transaction = ocpp_id, "its charging profiles stay as they were, the state store cannot be read");
        }
    }

    /// A station was deleted: nothing of it is kept.
    pub(super) fn forget_charging(&mut self, now: Now, station: u32) {
        if self.charging.contains_key(&station) {
            self.put_held(now, station, "Sigec.Deleted", None, Held::default());
        }
    }

    fn edition(&self, station: u32) -> charging::Edition {
        let protocol = self.stations[station].state.protocol;
        edition(protocol.unwrap_or(Protocol::Ocpp16))
    }
}

/// The record in a row.
fn read_charging(row: &[u8]) -> Option<fleet::record::ChargingChanged> {
    let (_, record) = read_record_row(row)?;
    match record.body.to_fact().ok()? {
        Fact::ChargingChanged(changed) => Some(changed),
        _ => None,
    }
}
