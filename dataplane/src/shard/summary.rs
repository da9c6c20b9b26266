//! What a station reports of a transaction, and what that one comes to.

use fleet::record::{
    CLOSED, Limits, Moment, Quality, TransactionEvent, TransactionEventKind, TransactionState,
    TransactionSummary,
};
use fleet::{Cost, MilliwattHours, TransactionId};
use ocpp::Word;
use ocpp::v201::{Reason, TriggerReason};

use crate::config::Config;
use crate::energy::{Register, Registers};
use crate::state::{Transaction, registers_after};

/// What a station reports of a transaction, in either version.
pub(super) struct TransactionReport<'a> {
    pub(super) kind: TransactionEventKind,
    pub(super) ocpp_id: &'a str,
    pub(super) evse_id: u32,
    pub(super) connector_id: u32,
    /// -1 in 1.6.
    pub(super) seq_no: i64,
    pub(super) trigger_reason: &'a str,
    pub(super) charging_state: &'a str,
    pub(super) stop_reason: &'a str,
    pub(super) id_token: Option<&'a str>,
    pub(super) remote_start_id: i64,
    pub(super) offline: bool,
    pub(super) occurred: Moment,
    pub(super) reservation_id: Option<i64>,
    /// The tariff that the station charges by, said once (2.1).
    pub(super) tariff_id: Option<&'a str>,
    /// The tariff of the driver whose token was shown, and accepted or good when it was.
    pub(super) driver_tariff: Option<String>,
    /// What the station has worked out, a JSON object (2.1).
    pub(super) cost_details: Option<String>,
    /// What it may come to at most, said once for each change (2.1).
    pub(super) limits: Option<Limits>,
}

/// A transaction before an event, as far as memory or store know it.
#[derive(Clone)]
pub(super) struct Before {
    pub(super) id: TransactionId,
    pub(super) state: TransactionState,
    pub(super) started_at: Option<i64>,
    pub(super) ended_at: Option<i64>,
    pub(super) token_ref: Option<[u8; 16]>,
    pub(super) evse_id: u32,
    pub(super) connector_id: u32,
    pub(super) registers: Registers,
    pub(super) seq_no: i64,
    pub(super) event_at: i64,
    /// Its end is when that was heard of, because its clock told no time.
    pub(super) end_was_heard: bool,
    /// Empty while it runs.
    pub(super) stop_reason: Box<str>,
    /// What the store says of one that has left memory.
    pub(super) stored: Option<TransactionSummary>,
    /// What stands since an operator ended it, until its station does.
    pub(super) standing: Option<Box<TransactionSummary>>,
}

impl Before {
    /// A transaction that nobody has heard of.
    pub(super) fn unheard_of(id: TransactionId) -> Self {
        Self {
            id,
            state: TransactionState::Orphan,
            started_at: None,
            ended_at: None,
            token_ref: None,
            evse_id: 0,
            connector_id: 0,
            registers: Registers::default(),
            seq_no: -1,
            event_at: i64::MIN,
            end_was_heard: false,
            stop_reason: Box::default(),
            stored: None,
            standing: None,
        }
    }

    /// One in memory.
    pub(super) fn in_memory(t: &Transaction) -> Self {
        Self {
            id: t.id,
            state: t.state,
            started_at: t.started_at,
            ended_at: t.ended_at,
            token_ref: t.token_ref,
            evse_id: t.evse_id,
            connector_id: t.connector_id,
            registers: t.registers,
            seq_no: t.seq_no,
            event_at: t.event_at,
            end_was_heard: t.ended_at == Some(t.updated_at.0),
            stop_reason: t.stop_reason.clone(),
            stored: None,
            standing: None,
        }
    }

    /// One that has left memory, by its last event; `None` for a state that no version wrote.
    pub(super) fn in_store(event: TransactionEvent) -> Option<Self> {
        let summary = event.summary;
        Some(Self {
            id: TransactionId(event.transaction_id),
            state: TransactionState::from_code(summary.state)?,
            started_at: summary.started_at,
            ended_at: summary.ended_at,
            token_ref: summary.token_ref,
            evse_id: event.evse_id,
            connector_id: event.connector_id,
            registers: Registers::of_summary(&summary),
            seq_no: event.seq_no,
            event_at: event.occurred.at,
            end_was_heard: !event.occurred.clock_trusted
                && summary.ended_at == Some(event.occurred.at),
            stop_reason: event.stop_reason.into(),
            stored: Some(summary),
            standing: None,
        })
    }

    /// The same transaction after an event that changes nothing.
    pub(super) fn unchanged(&self, config: &Config) -> TransactionSummary {
        let stands = self.standing.as_deref().cloned();
        stands
            .or_else(|| self.settled())
            .unwrap_or_else(|| TransactionSummary {
                quality: Quality::Estimated.code(),
                ..self.told(config)
            })
    }

    /// The transaction as its station has told it.
    pub(super) fn told(&self, config: &Config) -> TransactionSummary {
        let is_over = self.ended_at.is_some();
        TransactionSummary {
            state: self.state.code(),
            quality: self.registers.quality(is_over, &config.plausibility).code(),
            started_at: self.started_at,
            ended_at: self.ended_at,
            meter_start_mwh: self.registers.first.map(|register| register.energy.0),
            meter_stop_mwh: self.registers.last.map(|register| register.energy.0),
            energy_mwh: self.registers.energy().map(|energy| energy.0),
            cost: None,
            currency: config.tariff.currency,
            token_ref: self.token_ref,
        }
    }

    /// The transaction after this event.
    pub(super) fn after(
        &self,
        config: &Config,
        report: &TransactionReport<'_>,
        register_mwh: Option<i64>,
        token_ref: Option<[u8; 16]>,
    ) -> TransactionSummary {
        if let Some(settled) = self.settled() {
            return settled;
        }
        if let Some(standing) = self.standing_after(report) {
            return standing;
        }
        // The station's own end takes the place of an operator's.
        let was_ended_at = match self.standing {
            Some(_) => None,
            None => self.ended_at,
        };
        let rules = &config.plausibility;
        let at = report.occurred.at;
        let register = register_mwh.map(|mwh| Register {
            at: report.occurred.clock_trusted.then_some(at),
            energy: MilliwattHours(mwh),
        });
        let registers = registers_after(self.registers, report.kind, register, rules);
        let (started_at, ended_at) = match report.kind {
            TransactionEventKind::Started => (
                Some(self.started_at.map_or(at, |b| b.min(at))),
                was_ended_at,
            ),
            TransactionEventKind::Updated => (self.started_at, was_ended_at),
            TransactionEventKind::Ended if self.is_late(report) => (self.started_at, was_ended_at),
            TransactionEventKind::Ended => (self.started_at, was_ended_at.or(Some(at))),
        };
        // A clock that was not set at the beginning left the time of receipt, which may lie after the end; and of one
        // that was put back in between, the end is what it says since.
        let started_at = match (started_at, ended_at) {
            (Some(started_at), Some(ended_at)) => Some(started_at.min(ended_at)),
            (started_at, _) => started_at,
        };
        let state = match (started_at, ended_at) {
            (None, _) => TransactionState::Orphan,
            (Some(_), None) => TransactionState::Active,
            (Some(_), Some(_)) => TransactionState::Ended,
        };
        let energy = match ended_at {
            None => registers.energy(),
            Some(_) => registers.energy_at_end(),
        };
        let quality = registers.quality(ended_at.is_some(), rules);
        let billed = energy.filter(|_| ended_at.is_some() && quality != Quality::Quarantined);
        // No cable came: nothing was delivered, whoever says no register (C20.FR.03).
        let is_unused = ended_at.is_some()
            && energy.is_none()
            && quality != Quality::Quarantined
            && (report.trigger_reason == TriggerReason::EVConnectTimeout.as_str()
                || &*self.stop_reason == Reason::Timeout.as_str());
        let price = config.tariff.price_per_kwh_micros;
        TransactionSummary {
            state: state.code(),
            quality: quality.code(),
            started_at,
            ended_at,
            meter_start_mwh: registers.first.map(|register| register.energy.0),
            meter_stop_mwh: registers.last.map(|register| register.energy.0),
            energy_mwh: energy.map(|energy| energy.0),
            cost: billed
                .and_then(|energy| Cost::of_energy(energy, price))
                .or(is_unused.then_some(Cost(0)))
                .map(|cost| cost.0),
            currency: config.tariff.currency,
            token_ref: self.token_ref.or(token_ref),
        }
    }

    /// An end that is older than what is known already, by its number and its time, ends nothing.
    fn is_late(&self, report: &TransactionReport<'_>) -> bool {
        report.seq_no < self.seq_no && report.occurred.at < self.event_at
    }

    /// Whether this is an end, and the first that is heard of: one of the station's, and not older than the last event.
    pub(super) fn awaits_end(&self, report: &TransactionReport<'_>) -> bool {
        let is_over = self.ended_at.is_some() && self.standing.is_none();
        report.kind == TransactionEventKind::Ended
            && !is_over
            && self.event_at <= report.occurred.at
    }

    /// What an operator made of it, if this report leaves that as it is: a late beginning is taken, for the rest only
    /// the station's own end counts.
    pub(super) fn standing_after(
        &self,
        report: &TransactionReport<'_>,
    ) -> Option<TransactionSummary> {
        let standing = self.standing.as_deref()?;
        let at = report.occurred.at;
        match report.kind {
            TransactionEventKind::Ended if !self.is_late(report) => None,
            TransactionEventKind::Ended | TransactionEventKind::Updated => Some(standing.clone()),
            TransactionEventKind::Started => Some(TransactionSummary {
                state: TransactionState::Ended.code(),
                started_at: Some(
                    standing
                        .started_at
                        .map_or(at, |began| began.min(at))
                        .min(standing.ended_at.unwrap_or(at)),
                ),
                ..standing.clone()
            }),
        }
    }

    /// Why it ended, after this report: the last event of a transaction is what lists and SQL show of it, and one that
    /// comes late says nothing of the end.
    pub(super) fn stop_reason_after(&self, report: &TransactionReport<'_>) -> String {
        if self.standing_after(report).is_some() {
            return CLOSED.to_owned();
        }
        match report.stop_reason {
            "" if &*self.stop_reason != CLOSED => self.stop_reason.to_string(),
            told => told.to_owned(),
        }
    }

    /// What is not worked out again: the sum of one that ended and left memory.
    pub(super) fn settled(&self) -> Option<TransactionSummary> {
        let over = |summary: &&TransactionSummary| summary.state != TransactionState::Active.code();
        let stored = self.stored.as_ref().filter(|_| self.standing.is_none());
        stored.filter(over).cloned()
    }
}
