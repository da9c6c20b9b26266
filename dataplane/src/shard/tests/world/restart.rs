//! Kill -9, and what a start makes of what is durable.

use std::collections::{BTreeMap, BTreeSet};

use fleet::Seq;
use fleet::wire::{Body, Fact};

use super::{LOG, World, shard};
use crate::shard::Projection;

impl World {
    /// Kill -9, and a new process over what was durable.
    pub(super) fn restart(&mut self) {
        self.log.truncate(self.durable);
        let mut sockets: Vec<_> = self.sockets.drain().map(|(name, _)| name).collect();
        sockets.sort_unstable();
        for name in sockets {
            self.say(&format!("{name} ended"));
        }
        self.names.clear();
        self.settings.running.clear();
        self.settings.messages.clear();
        let now = self.now();
        self.shard = shard(&self.settings, &self.rows, Seq(self.durable as u64), now);
        let mut states = BTreeMap::new();
        let mut commands = BTreeMap::new();
        let mut charged = BTreeSet::new();
        let mut reservation_ends = BTreeMap::new();
        let mut staged = Projection::default();
        for (at, bytes) in self.log.iter().enumerate() {
            let record = fleet::wire::read(bytes).unwrap();
            let key = record.station_key().unwrap();
            let event = fleet::EventId {
                log_id: LOG,
                seq: Seq(at as u64 + 1),
            };
            let state = states
                .entry(key.clone())
                .or_insert_with(|| crate::state::StationState::new(key.clone()));
            // The store may be at the end of the log, and rows are not written for raw frames.
            if !matches!(record.body, Body::Message(_)) {
                state.apply(event, &record, &self.shard.config.plausibility);
            }
            staged.note(event, &record, bytes);
            match record.body.to_fact().unwrap() {
                Fact::CommandChanged(command) => {
                    commands.insert(command.command_id, (key, command));
                }
                Fact::ChargingChanged(_) => {
                    charged.insert(key);
                }
                _ => {
                    if let Body::ReservationsChanged(changed) = record.body {
                        reservation_ends.insert(key, crate::shard::reservation_ends(changed));
                    }
                }
            }
        }
        // As a start does, what the log adds goes to the store at once.
        let last = Seq(self.log.len() as u64);
        while !staged.is_empty() {
            let (batch, _) = staged.batch(last, |_| unreachable!("no station is dirty"));
            let rows = batch
                .into_iter()
                .map(|(table, key, value)| ((table, key), value));
            self.rows.lock().unwrap().extend(rows);
        }
        for (key, state) in states {
            let row = state.to_row();
            let state = crate::state::StationState::from_row(key, &row).expect("a row");
            self.shard.load(state);
        }
        self.shard.load_charging(charged);
        let open = commands
            .into_values()
            .filter(|(_, c)| c.state <= 2)
            .collect();
        let ends = reservation_ends.into_iter();
        let ends = ends.flat_map(|(key, ends)| ends.into_iter().map(move |at| (key.clone(), at)));
        self.shard.resume(now, open, ends.collect());
    }
}
