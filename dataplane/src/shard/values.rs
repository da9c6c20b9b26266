//! Meter values: from a message's columns into a record.

use fleet::record::{MeterColumn, MeterValues, Reading, Retry};
use ocpp::{MeterColumns, v16};

use super::store::StoreUnreadable;
use super::unnamed::{Unnamed, is_id};
use super::{Now, Shard};
use crate::normalize::{self, meter, was_offline};
use crate::retry::{Canonical, Verdict, begin_meter};

impl Shard {
    pub(super) fn meter_values_16(
        &mut self,
        now: Now,
        station: u32,
        values: &v16::MeterValues<'_>,
    ) -> Result<(), StoreUnreadable> {
        let (evse_id, connector_id) = normalize::place(values.connector_id);
        let mut filled = self.take_values(evse_id, connector_id);
        if let Some(id) = values.transaction_id {
            use std::fmt::Write;
            // Writing to a String cannot fail.
            let _ = write!(filled.ocpp_transaction_id, "{id}");
        }
        let has_id = values.transaction_id.is_none_or(is_id);
        let unnamed_on = (!has_id).then_some(evse_id);
        self.meter_values(now, station, filled, &values.meter_value, None, unnamed_on)
    }

    pub(super) fn meter_values_2x(
        &mut self,
        now: Now,
        station: u32,
        evse_id: u32,
        columns: &MeterColumns,
    ) -> Result<(), StoreUnreadable> {
        let filled = self.take_values(evse_id, 0);
        self.meter_values(now, station, filled, columns, Some(false), None)
    }

    /// The scratch record, empty, for these values. Give it back with [`Shard::give_values`].
    pub(super) fn take_values(&mut self, evse_id: u32, connector_id: u32) -> MeterValues {
        let mut values = std::mem::take(&mut self.scratch.values);
        values.evse_id = evse_id;
        values.connector_id = connector_id;
        values.transaction_id = None;
        values.ocpp_transaction_id.clear();
        values.offline = false;
        values.rows.clear();
        values.readings.clear();
        values.samples.clear();
        values.text.clear();
        values.retry = Retry::default();
        values
    }

    pub(super) fn give_values(&mut self, values: MeterValues) {
        // A message of 1 MiB must not stay for ever.
        if values.text.capacity() <= 256 << 10 {
            self.scratch.values = values;
        }
    }

    /// MeterValues of either version; `offline` is what 2.x says about it, and `unnamed_on` the EVSE where a transaction
    /// runs that a 1.6 station has no id for.
    fn meter_values(
        &mut self,
        now: Now,
        station: u32,
        mut values: MeterValues,
        columns: &MeterColumns,
        offline: Option<bool>,
        unnamed_on: Option<u32>,
    ) -> Result<(), StoreUnreadable> {
        meter::fill(&mut values, columns, now.utc);
        let state = &self.stations[station].state;
        if !values.ocpp_transaction_id.is_empty() {
            let named = state.transaction_named(&values.ocpp_transaction_id);
            values.transaction_id = named.map(|t| t.id.0);
        }
        if let Some(evse_id) = unnamed_on
            && let Some(at) = newest_of(&values)
        {
            let said = Unnamed {
                evse_id: Some(evse_id),
                at,
                register: None,
                token_ref: None,
            };
            values.transaction_id = self.meant(station, &said).map(|running| running.id.0);
        }
        let state = &self.stations[station].state;
        let first = values.rows.first().copied();
        let trusted = first.filter(|row| row.clock_trusted);
        let late = self.replaying.map(|_| true);
        values.offline = late.or(offline).unwrap_or_else(|| {
            trusted.is_some_and(|row| {
                was_offline(
                    &fleet::record::Moment {
                        at: row.measured_at,
                        raw: String::new(),
                        clock_trusted: true,
                    },
                    now.utc,
                )
            })
        });
        let canonical = &mut self.scratch.canonical;
        let (station_key, named) = (state.key.as_str(), &values.ocpp_transaction_id);
        begin_meter(canonical, station_key, values.evse_id, named);
        if let Some(row) = trusted {
            canonical.int(row.measured_at);
            values.retry.key = canonical.hash();
        } else if let Some(replaying) = self.replaying {
            // A crash may keep them and not that they were read again.
            values.retry.key = canonical.bytes(&replaying).hash();
        }
        values.retry.content = content_of(canonical, &values);
        let at = trusted.map(|row| row.measured_at);
        let older = self.replaying.is_some() || (at.is_some() && self.is_older(station, at));
        let verdict = self.verdict(station, values.retry, at, older)?;
        if !self.is_repeated(verdict) {
            values.retry.conflict = verdict == Verdict::Conflict;
            if values.retry.conflict {
                let what = format_args!("meter values of EVSE {}", values.evse_id);
                self.tell_conflict(now, station, what);
            }
            self.record(now, station, &values);
        }
        // Also of what comes again: a crash may have kept the values and not what they come to.
        let is_register = |r: &Reading| r.column == MeterColumn::EnergyWh.code();
        let counts = verdict != Verdict::Conflict && values.readings.iter().any(is_register);
        if let Some(transaction) = values.transaction_id.filter(|_| counts) {
            self.charge_values(now, station, transaction, verdict == Verdict::Same);
        }
        self.give_values(values);
        Ok(())
    }
}

/// The newest time of its own that a message tells, as far as it is worth believing.
pub(super) fn newest_of(values: &MeterValues) -> Option<i64> {
    let trusted = values.rows.iter().filter(|row| row.clock_trusted);
    trusted.map(|row| row.measured_at).max()
}

/// A hash of the decoded values, on top of what `canonical` holds already.
pub(super) fn content_of(canonical: &mut Canonical, values: &MeterValues) -> [u8; 16] {
    canonical.text(&values.text);
    for row in &values.rows {
        // A receive time is not the station's word.
        canonical.int(if row.clock_trusted {
            row.measured_at
        } else {
            0
        });
        canonical.int(i64::from(row.context));
    }
    for reading in &values.readings {
        canonical
            .int(i64::from(reading.row) << 8 | i64::from(reading.column))
            .int(reading.bits);
    }
    for sample in &values.samples {
        canonical.int(i64::from(sample.row) << 8 | i64::from(sample.context));
        for range in [
            sample.measurand,
            sample.phase,
            sample.location,
            sample.unit,
            sample.value,
            sample.signed_value,
        ] {
            canonical.int(i64::from(range.len));
        }
    }
    canonical.hash()
}
