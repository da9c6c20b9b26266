//! Periodic event streams (2.1 N11 to N15): opened and closed by calls, their values told by SENDs, which are never
//! answered.
//!
//! A message becomes a fact with what its values are values of, and the newest of them the value of its variable. What a
//! stream says too often, or a stream that nobody opened, is counted; its frame is kept like every other.

use fleet::record::{EventStreamHeld, EventStreamsChanged, Notified};
use ocpp::v21;
use serde_json::Value;

use super::{Now, Shard, StoreUnreadable};
use crate::grid::streams;
use crate::items::ItemKind;
use crate::items::row::{inventory_key, is_there, item_key, read, taken_key};
use crate::router::grid::{EventStreamView, StreamHeard};

/// What streams of one station have said since this process began.
#[derive(Debug, Default)]
pub(in crate::shard) struct StreamsHeard {
    /// The minute that is counted, and its messages so far.
    minute: (u32, u32),
    /// Of streams that are open, or were: at most as many as a station may have.
    streams: Vec<(i64, StreamHeard)>,
}

impl Shard {
    /// A stream that a station wants to open; an error says why not (N11.FR.05).
    pub(in crate::shard) fn open_stream(
        &mut self,
        now: Now,
        station: u32,
        asked: &v21::ConstantStreamData,
    ) -> Result<Result<(), streams::Refused>, StoreUnreadable> {
        let stream = EventStreamHeld {
            id: i64::from(asked.id),
            monitor_id: i64::from(asked.variable_monitoring_id),
            interval_s: asked.params.interval.map(i64::from),
            values: asked.params.values.map(i64::from),
            opened_at: now.utc.0,
            changed_at: now.utc.0,
        };
        let limits = self.config.event_streams;
        let mut opened = Ok(());
        self.change_grid(
            now,
            station,
            "OpenPeriodicEventStream",
            None,
            |kept: &mut EventStreamsChanged| {
                opened = streams::open(kept, stream, &limits);
            },
        )?;
        Ok(opened)
    }

    /// A station has closed a stream (N13).
    pub(in crate::shard) fn close_stream(
        &mut self,
        now: Now,
        station: u32,
        id: u32,
    ) -> Result<(), StoreUnreadable> {
        self.change_grid(
            now,
            station,
            "ClosePeriodicEventStream",
            None,
            |kept: &mut EventStreamsChanged| {
                streams::close(kept, i64::from(id));
            },
        )
    }

    /// Values of a stream; `payload` is the message as JSON.
    pub(in crate::shard) fn stream_said(
        &mut self,
        now: Now,
        station: u32,
        said: &v21::NotifyPeriodicEventStream<'_>,
        payload: String,
    ) -> Result<(), StoreUnreadable> {
        let limits = self.config.event_streams;
        let heard = self.stations[station]
            .side_mut()
            .streams
            .get_or_insert_default();
        let minute = now.tick() / 60;
        if heard.minute.0 != minute {
            heard.minute = (minute, 0);
        }
        heard.minute.1 = heard.minute.1.saturating_add(1);
        if limits.messages_per_minute_max < heard.minute.1
            || (limits.values_max as usize) < said.data.len()
        {
            self.tally.counters.streams_limited += 1;
            return Ok(());
        }
        let (id, values) = (i64::from(said.id), said.data.len() as u64);
        let kept: EventStreamsChanged = self.grid(station)?;
        let stream = kept.streams.iter().find(|stream| stream.id == id);
        let payload = match stream {
            Some(stream) => {
                self.hear_stream(now, station, &kept, id, values, i64::from(said.pending));
                self.tally.counters.stream_values += values;
                match self.monitor(station, stream.monitor_id)? {
                    Some(monitor) => streams::explained(&payload, stream, &monitor),
                    None => payload,
                }
            }
            None => {
                self.tally.counters.streams_unknown += 1;
                payload
            }
        };
        let action = "NotifyPeriodicEventStream".to_owned();
        self.record_notified(now, station, &Notified { action, payload });
        Ok(())
    }

    fn hear_stream(
        &mut self,
        now: Now,
        station: u32,
        kept: &EventStreamsChanged,
        id: i64,
        values: u64,
        pending: i64,
    ) {
        let heard = self.stations[station]
            .side_mut()
            .streams
            .get_or_insert_default();
        let is_open = |id: i64| kept.streams.iter().any(|stream| stream.id == id);
        heard.streams.retain(|(id, _)| is_open(*id));
        let at = heard.streams.iter().position(|(known, _)| *known == id);
        let at = at.unwrap_or_else(|| {
            heard.streams.push((id, StreamHeard::default()));
            heard.streams.len() - 1
        });
        let stream = &mut heard.streams[at].1;
        stream.messages += 1;
        stream.values += values;
        stream.pending = pending;
        stream.at = now.utc;
    }

    /// A monitor of a station, as it last told or accepted it.
    fn monitor(&mut self, station: u32, id: i64) -> Result<Option<Value>, StoreUnreadable> {
        let key = self.stations[station].state.key.clone();
        let kind = ItemKind::Monitor;
        let inventory = self.variable_row(&inventory_key(kind, &key))?;
        let taken = self.variable_row(&taken_key(kind, &key))?;
        let Some(row) = self.variable_row(&item_key(ItemKind::Monitor, &key, id))? else {
            return Ok(None);
        };
        let marks = [inventory, taken];
        let [inventory, taken] = marks.each_ref().map(|mark| mark.as_deref().and_then(read));
        let found = read(&row);
        let found = found.filter(|(told, json)| is_there(kind, told, json, inventory, taken));
        Ok(found.and_then(|(_, json)| serde_json::from_str(json).ok()))
    }

    /// The streams of a station, to show.
    pub(in crate::shard) fn stream_views(
        &mut self,
        station: u32,
    ) -> Result<Vec<EventStreamView>, StoreUnreadable> {
        let kept: EventStreamsChanged = self.grid(station)?;
        let side = self.stations[station].side.as_deref();
        let heard = side.and_then(|side| side.streams.as_deref());
        let heard = |id: i64| {
            let of = |(known, _): &&(i64, StreamHeard)| *known == id;
            heard
                .and_then(|heard| heard.streams.iter().find(of))
                .map(|(_, heard)| *heard)
        };
        let streams = kept.streams.into_iter();
        Ok(streams
            .map(|held| EventStreamView {
                held,
                heard: heard(held.id),
            })
            .collect())
    }
}
