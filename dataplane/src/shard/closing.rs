//! Transactions that an operator ends here, without their stations.
//!
//! # What happens afterwards
//!
//! The close is an estimate, and the station's word is better: its own end (StopTransaction, or TransactionEvent
//! Ended), whenever it comes, takes the place of the close, with the registers that the station told and none of the
//! operator's. What else comes late is kept and shown, and changes neither end nor bill. So a close never enters the
//! registers, the `seqNo` or the newest time of a transaction: it lies over them.

use fleet::record::{
    CLOSED, Moment, Quality, Retry, TransactionClosed, TransactionEvent, TransactionEventKind,
    TransactionState, TransactionSummary,
};
use fleet::wire::Fact;
use fleet::{Cost, MilliwattHours, UtcMicros};
use storage::state::Table;

use super::summary::Before;
use super::{Now, Shard, StoreUnreadable, read_record_row};
use crate::energy::Registers;
use crate::router::closing::{CloseOutcome, CloseProblem, CloseRequest, ClosingView};
use crate::router::pending::Reply;
use crate::router::view::TransactionView;
use crate::router::{CommandRefused, RouterError};

/// How far the clock of whoever asks may be ahead of ours.
const AHEAD_MAX_MICROS: i64 = 5 * 60 * 1_000_000;

impl Shard {
    /// Ends a transaction as an operator asks.
    pub(super) fn close_transaction(
        &mut self,
        now: Now,
        request: &CloseRequest,
        reply: Reply<CloseOutcome>,
    ) {
        match self.end_here(now, request) {
            Ok(outcome) => self.reply_when_durable(reply, outcome),
            Err(StoreUnreadable) => reply.refuse(RouterError::StoreUnreadable),
        }
    }

    fn end_here(
        &mut self,
        now: Now,
        request: &CloseRequest,
    ) -> Result<CloseOutcome, StoreUnreadable> {
        let view = self.find_transaction(request.transaction)?;
        let Some(view) = view.filter(|view| view.station.tenant() == request.tenant) else {
            return Ok(CloseOutcome::Unknown);
        };
        // The station may have been deleted since.
        let station = self.stations.entry(&view.station);
        let before = self.identified(station, request.transaction)?;
        let is_over = before.state != TransactionState::Active && before.ended_at.is_some();
        if is_over && before.standing.is_none() {
            return Ok(CloseOutcome::Ended(view));
        }
        if before.standing.is_some() && is_same(request, view.closing.as_ref()) {
            return Ok(CloseOutcome::Closed(view));
        }
        if self.stalled {
            return Ok(CloseOutcome::Refused(CommandRefused::LogDown));
        }
        let told = match self.closing_of(request.transaction.0)? {
            Some((closed, _)) if before.standing.is_some() => closed.before,
            Some(_) | None => before.told(&self.config),
        };
        if let Err(problem) = self.check_close(now, request, &before) {
            return Ok(CloseOutcome::Invalid(problem));
        }
        self.recall_charged(&before)?;
        let mut summary = self.summary_of_close(now, request, &before);
        let bill = self.charge_close(&before, request.ended_at, &mut summary);
        let closed = TransactionClosed {
            transaction_id: before.id.0,
            principal: request.principal.clone(),
            reason: request.reason.clone(),
            ended_at: request.ended_at.map(|at| at.0),
            meter_stop_mwh: request.meter_stop.map(|energy| energy.0),
            before: told,
            seq_no: before.seq_no,
            event_at: before.event_at,
        };
        let event = TransactionEvent {
            transaction_id: before.id.0,
            ocpp_transaction_id: view.ocpp_transaction_id,
            kind: TransactionEventKind::Ended.code(),
            evse_id: before.evse_id,
            connector_id: before.connector_id,
            seq_no: -1,
            seq_gap: 0,
            trigger_reason: CLOSED.to_owned(),
            charging_state: String::new(),
            stop_reason: CLOSED.to_owned(),
            token_ref: None,
            remote_start_id: -1,
            ocpp_counter: 0,
            offline: false,
            occurred: Moment {
                at: summary.ended_at.unwrap_or(now.utc.0),
                raw: String::new(),
                clock_trusted: true,
            },
            register_mwh: closed.meter_stop_mwh,
            retry: Retry::default(),
            summary,
        };
        // First who did it and what was there before: an end that nobody is named for would be worse than none.
        self.record(now, station, &closed);
        self.record_transaction_event(now, station, &before, &event);
        if let Some(bill) = bill {
            self.record(now, station, &bill);
        }
        let view = self.find_transaction(request.transaction)?;
        Ok(view.map_or(CloseOutcome::Unknown, CloseOutcome::Closed))
    }

    fn check_close(
        &self,
        now: Now,
        request: &CloseRequest,
        before: &Before,
    ) -> Result<(), CloseProblem> {
        if let Some(ended_at) = request.ended_at {
            if let Some(started_at) = before.started_at.filter(|began| ended_at.0 < *began) {
                let started_at = UtcMicros(started_at);
                return Err(CloseProblem::EndedBeforeStart {
                    ended_at,
                    started_at,
                });
            }
            if now.utc.0 + AHEAD_MAX_MICROS < ended_at.0 {
                let now = now.utc;
                return Err(CloseProblem::EndedInFuture { ended_at, now });
            }
        }
        let Some(found) = request.meter_stop else {
            return Ok(());
        };
        let registers = &before.registers;
        let told = registers.last.map(|register| register.energy);
        if let Some(told) = told.filter(|told| found < *told) {
            return Err(CloseProblem::MeterBelow { found, told });
        }
        let energy = registers
            .first
            .and_then(|first| found.since(first.energy))
            .unwrap_or_default();
        let limit_wh = self.config.plausibility.transaction_wh_max;
        if limit_wh < energy.0 / 1_000 {
            return Err(CloseProblem::TooMuchEnergy {
                found,
                energy,
                limit_wh,
            });
        }
        Ok(())
    }

    /// The transaction after it was closed: an estimate, whatever was measured.
    fn summary_of_close(
        &self,
        now: Now,
        request: &CloseRequest,
        before: &Before,
    ) -> TransactionSummary {
        let registers = &before.registers;
        let heard_at = registers.last.and_then(|register| register.at);
        let heard_at = heard_at.unwrap_or(i64::MIN).max(before.event_at);
        let heard_at = (heard_at != i64::MIN).then(|| heard_at.min(now.utc.0));
        let ended_at = request
            .ended_at
            .map_or(heard_at.unwrap_or(now.utc.0), |at| at.0);
        let ended_at = before.started_at.map_or(ended_at, |at| at.max(ended_at));
        let last = registers.last.map(|register| register.energy);
        let energy = match request.meter_stop {
            Some(stop) => registers.first.and_then(|first| stop.since(first.energy)),
            None => registers.energy_at_end(),
        };
        let quality = if registers.broken {
            Quality::Quarantined
        } else {
            Quality::Estimated
        };
        let state = match before.started_at {
            Some(_) => TransactionState::Ended,
            None => TransactionState::Orphan,
        };
        let tariff = &self.config.tariff;
        let cost = energy
            .filter(|_| quality != Quality::Quarantined)
            .and_then(|energy| Cost::of_energy(energy, tariff.price_per_kwh_micros));
        TransactionSummary {
            state: state.code(),
            quality: quality.code(),
            started_at: before.started_at,
            ended_at: Some(ended_at),
            meter_start_mwh: registers.first.map(|register| register.energy.0),
            meter_stop_mwh: request.meter_stop.or(last).map(|energy| energy.0),
            energy_mwh: energy.map(|energy| energy.0),
            cost: cost.map(|cost| cost.0),
            currency: tariff.currency,
            token_ref: before.token_ref,
        }
    }

    /// Puts what was there before under what stands of a transaction that an operator has ended.
    pub(super) fn with_standing(
        &mut self,
        mut before: Before,
        is_closed: bool,
    ) -> Result<Before, StoreUnreadable> {
        if !is_closed {
            return Ok(before);
        }
        let row = self.row(Table::Transactions, before.id.0)?;
        let event = row.as_deref().and_then(super::transactions::read_event);
        before.standing = event.map(|event| Box::new(event.summary));
        if let Some((closed, _)) = self.closing_of(before.id.0)? {
            let told = Registers::of_summary(&closed.before);
            let first = |registers: &Registers| registers.first.map(|register| register.energy);
            if before.stored.is_some() {
                before.registers = told;
            } else if first(&told) != first(&before.registers) {
                // It had left memory, and what came since is all that is there.
                let since = std::mem::replace(&mut before.registers, told);
                if let Some(last) = since.last {
                    let rules = &self.config.plausibility;
                    before.registers.take(last, rules);
                }
            }
            before.seq_no = before.seq_no.max(closed.seq_no);
            before.event_at = match before.stored {
                Some(_) => closed.event_at,
                None => before.event_at.max(closed.event_at),
            };
        }
        Ok(before)
    }

    /// How an operator has ended a transaction, and when.
    fn closing_of(
        &mut self,
        id: [u8; 16],
    ) -> Result<Option<(TransactionClosed, UtcMicros)>, StoreUnreadable> {
        let row = self.row(Table::Closings, id)?;
        Ok(row.as_deref().and_then(read_closed))
    }

    /// Adds to the view of a transaction that is over how an operator has ended it.
    pub(super) fn with_closing(
        &mut self,
        mut view: TransactionView,
    ) -> Result<TransactionView, StoreUnreadable> {
        let row = self.row(Table::Closings, view.id.0)?;
        view.closing = row.as_deref().and_then(closing_view);
        if let Some(closing) = &mut view.closing {
            closing.stands = view.stop_reason == CLOSED;
        }
        Ok(view)
    }
}

fn read_closed(row: &[u8]) -> Option<(TransactionClosed, UtcMicros)> {
    let (_, record) = read_record_row(row)?;
    match record.body.to_fact().ok()? {
        Fact::TransactionClosed(closed) => Some((closed, record.received_at)),
        _ => None,
    }
}

/// How an operator has ended a transaction, in a row of [`Table::Closings`].
pub(crate) fn closing_view(row: &[u8]) -> Option<ClosingView> {
    let (closed, closed_at) = read_closed(row)?;
    Some(ClosingView {
        principal: closed.principal,
        reason: closed.reason,
        closed_at,
        ended_at: closed.ended_at.map(UtcMicros),
        meter_stop: closed.meter_stop_mwh.map(MilliwattHours),
        stands: true,
    })
}

/// Whether a request asks for nothing but what stands.
fn is_same(request: &CloseRequest, closing: Option<&ClosingView>) -> bool {
    closing.is_some_and(|closing| {
        (request.reason.is_empty() || request.reason == closing.reason)
            && (request.meter_stop.is_none() || request.meter_stop == closing.meter_stop)
            && (request.ended_at.is_none() || request.ended_at == closing.ended_at)
    })
}
