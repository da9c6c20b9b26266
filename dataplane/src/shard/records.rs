//! What is put on record: facts, folded into the state of their station, and frames as they went over the wire.

use fleet::EventId;
use fleet::record::Direction;
use fleet::wire::{Body, MessageView};

use super::journal::Writable;
use super::quirks::{Fit, MeterNews};
use super::{Now, Shard};

impl Shard {
    /// Writes a record and folds it into its station's state.
    pub(super) fn record<T: Writable>(&mut self, now: Now, station: u32, content: &T) -> EventId {
        self.stations.wake(station);
        let entry = &mut self.stations[station];
        let (event, range) = self
            .journal
            .write(now.mono, &entry.state.key, now.utc, content);
        let bytes = self.journal.bytes(range);
        let record = fleet::wire::read(bytes).expect("bytes that were just written read back");
        let newest_at = entry.state.newest_at;
        entry.state.apply(event, &record, &self.config.plausibility);
        entry.since_newest = if newest_at < entry.state.newest_at {
            1
        } else {
            entry.since_newest.saturating_add(1)
        };
        self.projection.note(event, &record, bytes);
        if matches!(record.body, Body::Booted(_) | Body::StationDeleted(_)) {
            entry.fit = Fit::default();
        }
        let meter_news = MeterNews::of(&record.body);
        if !entry.dirty {
            entry.dirty = true;
            self.projection.dirty(event.seq, station);
        }
        self.tally.counters.records += 1;
        if let Some(news) = meter_news {
            self.watch_meter_values(now, station, news);
        }
        event
    }

    /// Keeps a frame as it went over the wire, without its secrets.
    #[expect(
        clippy::too_many_arguments,
        reason = "each is one member of the record"
    )]
    pub(super) fn record_message(
        &mut self,
        now: Now,
        station: u32,
        direction: Direction,
        message_type: u8,
        message_id: &str,
        action: &str,
        raw: &[u8],
    ) {
        self.tally.message(action, direction);
        if action == "Heartbeat" && !self.config.log_heartbeats {
            return;
        }
        let masked = ocpp::may_hold_secrets(action).then(|| {
            // What was read or composed as text is text.
            let text = std::str::from_utf8(raw).unwrap_or_default();
            ocpp::mask_secrets(action, text)
        });
        let message = MessageView {
            direction: direction.code(),
            message_type,
            message_id,
            action,
            raw: masked.as_ref().map_or(raw, |text| text.as_bytes()),
        };
        // Most records are raw frames. They make no rows, and tell when the station was last seen, which is no reason
        // to write it: reading back what was written, as `record` does, would cost as much as writing it.
        let state = &mut self.stations[station].state;
        let event = self
            .journal
            .write_message(now.mono, &state.key, now.utc, &message);
        state.apply_message(event, now.utc, message.direction);
        self.tally.counters.records += 1;
    }
}
