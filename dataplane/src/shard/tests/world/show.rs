//! What a script can have shown.

use std::time::Duration;

use fleet::record::Direction;
use fleet::wire::Fact;

use super::{World, key};
use crate::router::Ask;
use crate::router::pending::pending;
use crate::shard::tests::{limits, reservations};

impl World {
    pub(super) fn show_station(&mut self, identity: &str) {
        let (reply, pending) = pending();
        let now = self.now();
        let key = key(identity);
        self.shard.ask(now, Ask::Station { key, reply });
        let Some(view) = pending.wait(Duration::ZERO).unwrap() else {
            return self.say(&format!("station {identity}: none"));
        };
        let connectors: Vec<_> = view
            .connectors
            .iter()
            .map(|c| {
                let register = c.register.map_or_else(String::new, |r| format!(" {r} kWh"));
                format!(
                    "{}.{} {}{register}",
                    c.evse_id, c.connector_id, c.status_reported
                )
            })
            .collect();
        self.say(&format!(
            "station {identity}: {} {} {:?} {} {} [{}]",
            view.acceptance,
            if view.online { "online" } else { "offline" },
            view.status(),
            view.vendor,
            view.active_transactions.len(),
            connectors.join(", "),
        ));
    }

    pub(super) fn show_transactions(&mut self, identity: &str) {
        let station = self.shard.stations.find(&key(identity)).expect("a station");
        let details = self.shard.stations[station].state.details().into_owned();
        for t in details.transactions.iter() {
            let id = if t.ocpp_id.len() > 8 {
                "ID"
            } else {
                &t.ocpp_id
            };
            let energy = t.energy.map_or("?".into(), |e| e.to_string());
            let cost = t.cost.map_or("-".into(), |c| c.to_string());
            let line = format!(
                "transaction {id} on {}.{}: {} {} {energy} kWh {cost} {}",
                t.evse_id, t.connector_id, t.state, t.quality, t.stop_reason
            );
            self.say(line.trim_end());
        }
    }

    /// The newest 1.6 transaction id given to a station.
    pub(in crate::shard::tests) fn ocpp_id(&self, identity: &str) -> String {
        let station = self.shard.stations.find(&key(identity)).expect("a station");
        let details = self.shard.stations[station].state.details();
        details
            .transactions
            .iter()
            .next_back()
            .expect("a transaction")
            .ocpp_id
            .to_string()
    }

    pub(super) fn show_record(&mut self, at: usize) {
        if !self.show_records {
            return;
        }
        let record = fleet::wire::read(&self.log[at]).unwrap();
        let text = match record.body.to_fact().unwrap() {
            Fact::Message(message) => {
                let from = message.direction == Direction::FromStation.code();
                format!(
                    "message {} {}",
                    if from { "from" } else { "to" },
                    message.raw
                )
            }
            Fact::TransactionEvent(event) => format!(
                "TransactionEvent kind {} gap {} offline {} conflict {} state {}",
                event.kind, event.seq_gap, event.offline, event.retry.conflict, event.summary.state
            ),
            Fact::MeterValues(values) => format!(
                "MeterValues rows {} readings {} samples {} offline {} conflict {}",
                values.rows.len(),
                values.readings.len(),
                values.samples.len(),
                values.offline,
                values.retry.conflict
            ),
            Fact::StatusReported(status) => format!(
                "StatusReported {}.{} {} live {} conflict {}",
                status.evse_id,
                status.connector_id,
                status.status_reported,
                status.live,
                status.retry.conflict
            ),
            Fact::CommandChanged(command) => {
                let state = fleet::record::CommandState::from_code(command.state).unwrap();
                format!(
                    "CommandChanged {} {state} {}",
                    command.action, command.payload
                )
            }
            Fact::Connected(connected) => format!("Connected first_seen {}", connected.first_seen),
            Fact::StationHeard(heard) => {
                format!(
                    "StationHeard at {}",
                    (heard.heard_at - super::EPOCH) / 1_000_000
                )
            }
            Fact::Disconnected(ended) => format!("Disconnected {}", ended.reason),
            Fact::ConnectionRefused(refused) => format!("ConnectionRefused {}", refused.reason),
            Fact::SecurityEvent(event) => {
                format!("SecurityEvent {} {}", event.event_type, event.info)
            }
            Fact::Notified(notified) => {
                format!("Notified {} {}", notified.action, notified.payload)
            }
            Fact::NotifiedDated(told) => format!(
                "NotifiedDated {} {}, dates {:?}",
                told.notified.action, told.notified.payload, told.dates
            ),
            Fact::CommandFollowed(course) => format!(
                "CommandFollowed {} messages {} duplicates {} complete {}",
                course.action, course.messages, course.duplicates, course.complete
            ),
            Fact::ChargingChanged(changed) => format!(
                "ChargingChanged {} installed {:?} removed {:?}",
                changed.cause, changed.installed, changed.removed
            ),
            Fact::ReservationsChanged(changed) => reservations::shown(&changed),
            Fact::TransactionMoney(_) => "TransactionMoney".to_owned(),
            Fact::MoneyChanged(changed) => format!(
                "MoneyChanged tariff {:?} station {} settlements {}, new: tariff {}, settlement {}",
                changed.money.tariff.map(|tariff| tariff.tariff_id),
                changed.money.station_cost.is_some(),
                changed.money.settlements.len(),
                changed.tariff_is_new,
                changed.settlement_is_new
            ),
            Fact::TransactionBilled(billed) => format!("TransactionBilled {}", billed.tariff_id),
            Fact::TransactionCosted(costed) => format!(
                "TransactionCosted {} {} {}",
                costed.bill.tariff_id,
                fleet::record::CostState::from_code(costed.state).unwrap(),
                costed
                    .bill
                    .parts
                    .iter()
                    .map(|part| part.incl_tax)
                    .sum::<i64>()
            ),
            Fact::TransactionProgress(progress) => {
                let gap = |gap: &fleet::record::SeqRange| format!("{}-{}", gap.first, gap.last);
                let missing: Vec<_> = progress.missing.iter().map(gap).collect();
                format!(
                    "TransactionProgress missing {missing:?} told {}",
                    progress.told.is_some()
                )
            }
            Fact::CostAccrued(accrued) => format!(
                "CostAccrued {} mWh, charging {} s, idle {} s",
                accrued.energy_mwh,
                accrued.charging / 1_000_000,
                accrued.idle / 1_000_000
            ),
            Fact::StationTariffs(tariffs) => format!("StationTariffs {}", tariffs.tariffs.len()),
            Fact::StationCertificates(certificates) => format!(
                "StationCertificates installed {} requests {}",
                certificates.installed.len(),
                certificates.requests.len()
            ),
            Fact::DerChanged(der) => format!(
                "DerChanged {} controls {} alarms {}",
                der.cause,
                der.controls.len(),
                der.alarms.len()
            ),
            Fact::EventStreamsChanged(changed) => format!(
                "EventStreamsChanged {} streams {}",
                changed.cause,
                changed.streams.len()
            ),
            Fact::BatterySwapsChanged(changed) => format!(
                "BatterySwapsChanged {} swaps {}",
                changed.cause,
                changed.swaps.len()
            ),
            Fact::V2xChanged(changed) => format!(
                "V2xChanged {} allowed {}",
                changed.cause,
                changed.allowed.len()
            ),
            Fact::DriverTransfers(kept) => {
                let modes = kept.transfers.iter().map(|kept| kept.modes.join(", "));
                format!("DriverTransfers {:?}", modes.collect::<Vec<_>>())
            }
            Fact::WebPaymentSecretsChanged(changed) => format!(
                "WebPaymentSecretsChanged {} evses {:?}",
                changed.cause,
                changed
                    .secrets
                    .iter()
                    .map(|s| s.evse_id)
                    .collect::<Vec<_>>()
            ),
            Fact::WebPaymentSecretsPending(changed) => format!(
                "WebPaymentSecretsPending {} evses {:?}",
                changed.cause,
                changed
                    .secrets
                    .iter()
                    .map(|s| s.evse_id)
                    .collect::<Vec<_>>()
            ),
            Fact::PasswordsInDoubt(doubts) => {
                format!("PasswordsInDoubt {}", doubts.passwords.len())
            }
            Fact::StationPasswords(kept) => format!("StationPasswords {}", kept.passwords.len()),
            Fact::StartTokens(starts) => format!("StartTokens {}", starts.tokens.len()),
            Fact::CostLimits(kept) => {
                let limits = kept.limits.iter().map(|limit| limit.max_cost.as_str());
                format!("CostLimits {:?}", limits.collect::<Vec<_>>())
            }
            Fact::TransactionLimits(kept) => limits::shown(&kept),
            Fact::TransactionClosed(closed) => format!(
                "TransactionClosed by {} because {:?} ended_at {:?} meter_stop {:?}",
                closed.principal,
                closed.reason,
                closed.ended_at.map(|at| (at - super::EPOCH) / 1_000_000),
                closed.meter_stop_mwh
            ),
            Fact::MessageQuarantined(kept) => super::super::quirks::shown(&kept),
            Fact::Booted(booted) => format!("Booted {}", booted.vendor),
            Fact::StationConfigured(_) => "StationConfigured".into(),
            Fact::SecurityProfileSet(set) => {
                format!("SecurityProfileSet {} by {}", set.profile, set.principal)
            }
            Fact::StationDeleted(_) => "StationDeleted".into(),
        };
        self.say(&format!("record {text}"));
    }
}
