//! Messages that could not be read when they came, read again: they change history and bills, and nothing that lives.
//!
//! Nobody is answered: the station had its refusal. What only it can say, that a transaction begins or that one that runs
//! is over, is not taken from a message of the past.

use fleet::EventId;
use fleet::record::{
    MessageQuarantined, Protocol, QuarantineOutcome, QuarantinedAt, TransactionEventKind,
    TransactionState,
};
use ocpp::{CallError, Frame, MeterColumns, Rules, Version, v16, v21, v201};

use super::super::calls::{check_samples, samples_16, samples_21, samples_201};
use super::super::projection::replay_key;
use super::super::quirks::{changes_of, message_change};
use super::super::store::StoreUnreadable;
use super::super::summary::TransactionReport;
use super::super::{Now, Shard};
use super::both;
use crate::router::quarantine::{QuarantineReplay, ReplayOutcome, ReplayRefused};

/// What is done with a message that reads.
type Taken = Result<Result<(), &'static str>, StoreUnreadable>;

const BEGINS: &str = "it begins a transaction, which its station would have to hear of";
const RUNS: &str = "its transaction runs, and only its station ends it";
const UNKNOWN: &str = "nobody knows its transaction, and it does not end it";
const OTHER: &str = "it says nothing of the past: MeterValues, StatusNotification, StopTransaction, \
                     TransactionEvent and SecurityEventNotification do";

impl Shard {
    /// Reads a message again that was refused when it came.
    pub(in crate::shard) fn replay(
        &mut self,
        now: Now,
        request: &QuarantineReplay,
    ) -> Result<Result<ReplayOutcome, ReplayRefused>, StoreUnreadable> {
        let Some(station) = self.known(&request.station) else {
            return Ok(Err(ReplayRefused::UnknownStation));
        };
        if self.stalled {
            return Ok(Err(ReplayRefused::LogDown));
        }
        let EventId { log_id, seq } = request.event;
        let at = QuarantinedAt {
            log_id: log_id.0,
            seq: seq.0,
        };
        let key = replay_key(&mut self.scratch.canonical, request.station.as_str(), at);
        if self.kept(key, None, true)?.is_some() {
            return Ok(Ok(ReplayOutcome::AppliedBefore));
        }
        let version = match request.protocol {
            Protocol::Ocpp16 => Version::V16,
            Protocol::Ocpp201 => Version::V201,
            Protocol::Ocpp21 => Version::V21,
        };
        let (rules, repairs) = self.rules(station);
        let repaired = repairs.then(|| ocpp::repair(&request.raw)).flatten();
        let text = repaired.as_ref().map_or(&*request.raw, |r| &*r.text);
        let (id, action, payload) = match ocpp::scan(text, version) {
            Ok(Frame::Call {
                id,
                action,
                payload,
            }) => (id, action, payload),
            Ok(_) => return Ok(Err(ReplayRefused::NotApplicable(OTHER))),
            Err(error) => {
                return Ok(Err(ReplayRefused::Unreadable(error.fault.to_string())));
            }
        };
        let opened = ocpp::signed_action(version, &action).map(|enclosed| {
            let opened = ocpp::open_signed(version, enclosed, payload);
            opened.map(|payload| (enclosed, payload))
        });
        let opened = match opened.transpose() {
            Ok(opened) => opened,
            Err(error) => return Ok(Err(ReplayRefused::Unreadable(error.to_string()))),
        };
        let (action, payload) = match &opened {
            Some((action, payload)) => (*action, &**payload),
            None => (&*action, payload),
        };
        // It happened when it came: its dates are judged by that time, and its values are of that time.
        let then = Now {
            utc: request.received_at,
            ..now
        };
        self.replaying = Some(key);
        let taken = self.take_late(then, station, version, action, payload, rules);
        self.replaying = None;
        match taken {
            Err(error) => return Ok(Err(ReplayRefused::Unreadable(error.to_string()))),
            Ok(Err(unreadable)) => return Err(unreadable),
            Ok(Ok(Err(why))) => return Ok(Err(ReplayRefused::NotApplicable(why))),
            Ok(Ok(Ok(()))) => {}
        }
        let mut changes = changes_of(version, action, payload, rules);
        changes.extend(
            repaired
                .iter()
                .flat_map(|repaired| repaired.changes.clone()),
        );
        let (profile_id, profile_revision) = self.profile_name(station);
        let replayed = MessageQuarantined {
            outcome: QuarantineOutcome::Replayed.code(),
            protocol: request.protocol.code(),
            message_id: id.to_string(),
            action: action.to_string(),
            raw: String::new(),
            profile_id,
            profile_revision,
            changes: changes.into_iter().map(message_change).collect(),
            error_code: String::new(),
            reason: String::new(),
            passed_by: 0,
            replay_of: Some(at),
        };
        self.record(now, station, &replayed);
        Ok(Ok(ReplayOutcome::Applied))
    }

    fn take_late(
        &mut self,
        then: Now,
        station: u32,
        version: Version,
        action: &str,
        payload: &str,
        rules: Rules<'static>,
    ) -> Result<Taken, CallError> {
        let mut columns = MeterColumns::new();
        Ok(match version {
            Version::V16 => {
                let decoded = v16::Request::decode(action, payload, rules, &mut columns)?;
                check_samples(samples_16(&decoded.message))?;
                self.late_16(then, station, &decoded.message)
            }
            Version::V201 => {
                let decoded = v201::Request::decode(action, payload, rules, &mut columns)?;
                check_samples(samples_201(&decoded.message))?;
                self.late_201(then, station, &decoded.message)
            }
            Version::V21 => {
                let decoded = v21::Request::decode(action, payload, rules, &mut columns)?;
                check_samples(samples_21(&decoded.message))?;
                self.late_21(then, station, &decoded.message)
            }
        })
    }

    fn late_16(&mut self, then: Now, station: u32, request: &v16::Request<'_>) -> Taken {
        match request {
            v16::Request::MeterValues(values) => self.meter_values_16(then, station, values)?,
            v16::Request::StatusNotification(status) => self.status_16(then, station, status)?,
            v16::Request::StopTransaction(stop) => {
                let ocpp_id = stop.transaction_id.to_string();
                if self.runs(station, &ocpp_id)? {
                    return Ok(Err(RUNS));
                }
                self.stop_16(then, station, stop)?;
            }
            v16::Request::SecurityEventNotification(event) => {
                let info = event.tech_info.as_deref();
                self.record_security_event(then, station, &event.kind, &event.timestamp, info);
            }
            v16::Request::StartTransaction(_) => return Ok(Err(BEGINS)),
            _ => return Ok(Err(OTHER)),
        }
        Ok(Ok(()))
    }

    fn runs(&mut self, station: u32, ocpp_id: &str) -> Result<bool, StoreUnreadable> {
        let known = self.named(station, ocpp_id, true)?;
        Ok(known.is_some_and(|before| before.state == TransactionState::Active))
    }

    fn late_event(
        &mut self,
        then: Now,
        station: u32,
        report: TransactionReport<'_>,
        columns: Option<&MeterColumns>,
    ) -> Taken {
        let known = self.named(station, report.ocpp_id, true)?;
        let refused = match (known, report.kind) {
            (None, TransactionEventKind::Started) => Some(BEGINS),
            (None, TransactionEventKind::Updated) => Some(UNKNOWN),
            (None, TransactionEventKind::Ended) => None,
            (Some(before), kind) => match (before.state, kind) {
                (TransactionState::Active, TransactionEventKind::Ended) => Some(RUNS),
                // One of which neither beginning nor end is known would run from now on.
                (TransactionState::Orphan, TransactionEventKind::Started)
                    if before.ended_at.is_none() =>
                {
                    Some(BEGINS)
                }
                _ => None,
            },
        };
        if let Some(refused) = refused {
            return Ok(Err(refused));
        }
        let report = TransactionReport {
            offline: true,
            ..report
        };
        self.transaction_event_2x(then, station, &report, columns)?;
        Ok(Ok(()))
    }
}

/// What 2.0.1 and 2.1 take alike.
macro_rules! late {
    ($late:ident, $version:ident, $report:path, $status:ident) => {
        impl Shard {
            fn $late(&mut self, then: Now, station: u32, request: &$version::Request<'_>) -> Taken {
                match request {
                    $version::Request::MeterValues(values) => {
                        self.meter_values_2x(then, station, values.evse_id, &values.meter_value)?;
                    }
                    $version::Request::StatusNotification(status) => {
                        self.status(then, station, both::$status(status, then.utc))?;
                    }
                    $version::Request::TransactionEvent(event) => {
                        let columns = event.meter_value.as_ref().map(|list| list.0);
                        let (report, _) = $report(event, then.utc);
                        return self.late_event(then, station, report, columns);
                    }
                    $version::Request::SecurityEventNotification(event) => {
                        let (kind, info) = (&event.kind, event.tech_info.as_deref());
                        self.record_security_event(then, station, kind, &event.timestamp, info);
                    }
                    _ => return Ok(Err(OTHER)),
                }
                Ok(Ok(()))
            }
        }
    };
}

late!(late_201, v201, both::report_201, status_201);
late!(late_21, v21, super::v21::report, status_21);
