//! What stations are told of cost while a charge runs, and at its end.

use fleet::record::{Protocol, Quality, TransactionEventKind, TransactionState};
use fleet::{Cost, TransactionId};
use ocpp::v21;

use super::super::summary::TransactionReport;
use super::super::timers::Deadline;
use super::super::{Now, Shard};
use super::Counted;
use crate::config::CostUpdates;

impl Shard {
    /// What a transaction that runs has come to; `None` where nobody knows, or its station says it by itself.
    fn running_cost(&self, now: Now, station: u32, id: TransactionId) -> Option<Cost> {
        let state = &self.stations[station].state;
        let transaction = state.transaction(id)?;
        let charged = self.charged.get(&id);
        if transaction.state != TransactionState::Active
            || transaction.quality == Quality::Quarantined
            || charged.is_some_and(|charged| charged.by_station)
        {
            return None;
        }
        match charged.map(|charged| &charged.counted) {
            Some(Counted::Usage(tariff, usage)) => {
                let mut usage = usage.clone();
                usage.time(tariff, self.clock(now, station).up_to(now.utc.0));
                Some(Cost(usage.bill(tariff, false).total.incl_tax))
            }
            Some(Counted::Unread | Counted::Unreadable) => None,
            None | Some(Counted::Nothing) => {
                let price = self.config.tariff.price_per_kwh_micros;
                Cost::of_energy(transaction.energy?, price)
            }
        }
    }

    /// The `totalCost` of an event's answer: of the end what it comes to (I03.FR.02), before it what it has come to if that
    /// is configured (I02.FR.01), or the station keeps to a limit.
    pub(in crate::shard) fn cost_to_tell(
        &self,
        now: Now,
        station: u32,
        report: &TransactionReport<'_>,
        id: TransactionId,
        settled: Option<Cost>,
        by_station: bool,
    ) -> Option<Cost> {
        match report.kind {
            TransactionEventKind::Ended => settled.filter(|_| !by_station),
            TransactionEventKind::Started | TransactionEventKind::Updated => {
                match self.config.tariff.cost_updates {
                    CostUpdates::Responses => self.running_cost(now, station, id),
                    // Whoever keeps to a limit has to hear how near it is (E16.FR.11).
                    CostUpdates::Off if self.has_cost_limit(id) => {
                        self.running_cost(now, station, id)
                    }
                    CostUpdates::Off | CostUpdates::Commands { .. } => None,
                }
            }
        }
    }

    /// True for a transaction whose station charges by a tariff that is not ours.
    pub(in crate::shard) fn is_charged_by_station(&self, id: TransactionId) -> bool {
        let charged = self.charged.get(&id);
        charged.is_some_and(|charged| charged.by_station)
    }

    /// A transaction runs: its station is to hear what it comes to.
    pub(in crate::shard) fn await_cost_update(
        &mut self,
        now: Now,
        station: u32,
        id: TransactionId,
    ) {
        if let CostUpdates::Commands { every } = self.config.tariff.cost_updates
            && self.stations[station].state.protocol != Some(Protocol::Ocpp16)
        {
            let deadline = Deadline::CostUpdate(station, id, 0);
            self.deadlines.insert(now.mono + every, deadline);
        }
    }

    /// Tells a station what a transaction has come to, if that is not what it was `told` (I02.FR.01).
    pub(in crate::shard) fn update_cost(
        &mut self,
        now: Now,
        station: u32,
        id: TransactionId,
        told: i64,
    ) {
        let CostUpdates::Commands { every } = self.config.tariff.cost_updates else {
            return;
        };
        let entry = &self.stations[station];
        let Some(transaction) = entry.state.transaction(id) else {
            return;
        };
        if transaction.state != TransactionState::Active {
            return;
        }
        // What waits behind another call would be old when it comes.
        let is_free = entry.conn.is_some() && entry.commands_open == 0 && !self.stalled;
        let ocpp_id = transaction.ocpp_id.to_string();
        let cost = self.running_cost(now, station, id).map(|cost| cost.0);
        let news = cost.filter(|cost| is_free && *cost != told);
        if let Some(cost) = news {
            let call = v21::CostUpdated {
                total_cost: ocpp::Number::from_scaled(cost, 2),
                transaction_id: ocpp_id.as_str().into(),
            };
            let mut payload = Vec::new();
            // The same in 2.0.1.
            call.write(&mut payload);
            if let Ok(payload) = String::from_utf8(payload) {
                let (action, principal) = ("CostUpdated".into(), "sigec".into());
                self.make_command(now, station, action, payload, principal, None);
            }
        }
        let deadline = Deadline::CostUpdate(station, id, news.unwrap_or(told));
        self.deadlines.insert(now.mono + every, deadline);
    }

    /// Where the receipt of a settled transaction is, if we have it (C21.FR.03).
    pub(in crate::shard) fn receipt(
        &self,
        told: &v21::NotifySettlement<'_>,
        id: TransactionId,
    ) -> Option<(String, String)> {
        let ours = self.config.tariff.receipt_url.as_deref()?;
        let is_settled = told.status == v21::PaymentStatus::Settled && told.receipt_url.is_none();
        let id = is_settled.then(|| id.to_string())?;
        Some((ours.replace("{transaction_id}", &id), id))
    }
}
