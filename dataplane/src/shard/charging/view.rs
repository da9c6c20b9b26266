//! What is known of a station's smart charging, for those who compute with it.

use fleet::UtcMicros;
use fleet::record::V2xChanged;

use super::{Now, Shard, StoreUnreadable};
use crate::charging;
use crate::router::charging::ChargingView;
use crate::tariff::Zone;
use crate::variables::Named;
use crate::variables::row::Name;

impl Shard {
    /// What is known of a station's smart charging, and of the station as far as that needs it.
    pub(in crate::shard) fn charging_view(
        &mut self,
        now: Now,
        station: u32,
    ) -> Result<ChargingView, StoreUnreadable> {
        let held = self.held(station)?;
        let mut v2x: V2xChanged = self.grid(station)?;
        let edition = self.edition(station);
        let profiles = held.set(edition);
        let mut schedules = (profiles.iter()).flat_map(|installed| &installed.profile.schedules);
        let utc_offset_s = match schedules.any(|schedule| schedule.use_local_time) {
            true => self.utc_offset_s(now, station)?,
            false => 0,
        };
        let (rules, _) = self.rules(station);
        let state = &self.stations[station].state;
        let details = state.details();
        let supply = self.config.supply;
        let mut known = charging::Station {
            supply,
            utc_offset_s,
            policy: rules.policy,
            clock: rules.clock,
            ..charging::Station::new(edition)
        };
        let ended_at = self.charging.get(&station).copied().flatten();
        let offline_since = ended_at.unwrap_or(state.seen_at).min(now.utc);
        known.offline_since = (state.connection == 0).then_some(offline_since);
        let connectors = details.connectors.iter().map(|connector| connector.evse_id);
        let declared = details.configured.as_deref();
        let declared = declared.map_or_else(Vec::new, |c| c.declared.places());
        let given = held.record.profiles.iter().map(|held| held.evse_id);
        let running = state.active().map(|transaction| transaction.evse_id);
        let mut ids: Vec<u32> = connectors
            .chain(declared.iter().map(|(evse_id, _)| *evse_id))
            .chain(given)
            .chain(running)
            .collect();
        ids.sort_unstable();
        ids.dedup();
        known.evses = (ids.into_iter().filter(|id| *id != 0))
            .map(|id| charging::Evse {
                supply,
                ..charging::Evse::new(id)
            })
            .collect();
        for transaction in state.active() {
            let vehicle = held.record.vehicles.iter().find(|vehicle| {
                vehicle.evse_id == transaction.evse_id
                    && vehicle.ocpp_transaction_id == *transaction.ocpp_id
            });
            let evse = known
                .evses
                .iter_mut()
                .find(|evse| evse.id == transaction.evse_id);
            if let Some(evse) = evse {
                evse.transaction = Some(charging::Transaction {
                    ocpp_transaction_id: transaction.ocpp_id.clone(),
                    ready_at: transaction.vehicle.ready_at.map(UtcMicros),
                    priority: vehicle.is_some_and(|vehicle| vehicle.priority),
                    soc_percent: transaction.vehicle.soc_percent,
                    schedule: vehicle.map_or(0, |vehicle| held.chosen(vehicle)),
                    needs: vehicle
                        .and_then(|vehicle| charging::read_needs(edition, &vehicle.needs)),
                });
            }
        }
        (v2x.allowed).retain(|allowed| {
            state
                .active()
                .any(|t| *t.ocpp_id == *allowed.ocpp_transaction_id)
        });
        Ok(ChargingView {
            key: state.key.clone(),
            station: known,
            profiles,
            held: held.record,
            v2x,
        })
    }

    /// Seconds that a station's local time is ahead of UTC, by the offset or the zone that it has reported; none where it has
    /// reported neither.
    fn utc_offset_s(&mut self, now: Now, station: u32) -> Result<i32, StoreUnreadable> {
        for variable in ["TimeOffset", "TimeZone"] {
            let named = |name: &str| Named {
                name: name.to_owned(),
                ..Named::default()
            };
            let name = Name {
                component: named("ClockCtrlr"),
                variable: named(variable),
                ..Name::default()
            };
            let told = self.variable(station, &name)?;
            if let Some(zone) = told.and_then(|told| Zone::parse(told.trim())) {
                let seconds = zone.offset(now.utc.0) / 1_000_000;
                return Ok(i32::try_from(seconds).unwrap_or(0));
            }
        }
        Ok(0)
    }
}
