//! What stations tell of their own accord, said again. A part that a command asked for is known by its number in the
//! course instead, and taken once there.

use fleet::record::{Moment, Notified, NotifiedDated};

use super::{Now, Shard};
use crate::dates::dates_by;
use crate::said::{said_key, security_key};

impl Shard {
    /// Puts it on record, with what its dates are worth if its station is known to have a clock that is wrong.
    pub(super) fn record_notified(&mut self, now: Now, station: u32, notified: &Notified) {
        let clock = self.rules(station).0.clock;
        let dates = dates_by(clock, &notified.payload);
        if dates.is_empty() {
            self.record(now, station, notified);
        } else {
            let notified = notified.clone();
            self.record(now, station, &NotifiedDated { notified, dates });
        }
    }

    /// True for a message that its station has sent before; it is counted, and is to have no effect.
    pub(super) fn is_said_again(&mut self, station: u32, notified: &Notified) -> bool {
        let key = self.stations[station].state.key.as_str();
        let (action, payload) = (&notified.action, &notified.payload);
        let key = said_key(&mut self.scratch.canonical, key, action, payload);
        self.is_known(station, key)
    }

    /// The same of a security event.
    pub(super) fn is_security_event_again(
        &mut self,
        station: u32,
        said: (&str, &str),
        occurred: &Moment,
    ) -> bool {
        let occurred_at = occurred.clock_trusted.then_some(occurred.at);
        let key = self.stations[station].state.key.as_str();
        let key = security_key(&mut self.scratch.canonical, key, said, occurred_at);
        self.is_known(station, key)
    }

    fn is_known(&mut self, station: u32, key: Option<[u8; 16]>) -> bool {
        let details = self.stations[station].state.details();
        let is_known = key.is_some_and(|key| details.said.contains(key));
        self.tally.counters.retries += u64::from(is_known);
        is_known
    }
}
