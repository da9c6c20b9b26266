//! One arm per action: a station's request becomes records, and gets its answer.

use fleet::record::{Booted, Notified, Retry, SecurityEvent, StatusReported, TransactionEventKind};
use ocpp::{CallError, ErrorCode, Timestamp, Version, Word, v16, v201};

use super::calls::{Answer, Inbound, Leave};
use super::store::StoreUnreadable;
use super::summary::TransactionReport;
use super::tokens::{Shown, id_tag_info, id_token_info, token_type};
use super::{Now, Shard};
use crate::normalize::{self, moment, text};
use crate::retry::Verdict;

/// Security events that the specification calls critical (OCPP 2.0.1 Part 2 Appendices, §1).
const CRITICAL: &[&str] = &[
    "FirmwareUpdated",
    "SettingSystemTime",
    "StartupOfTheDevice",
    "ResetOrReboot",
    "SecurityLogWasCleared",
    "MemoryExhaustion",
    "TamperDetectionActivated",
    "InvalidFirmwareSignature",
    "InvalidFirmwareSigningCertificate",
    "InvalidCsmsCertificate",
    "InvalidChargingStationCertificate",
    "InvalidTLSVersion",
    "InvalidTLSCipherSuite",
    "MaintenanceLoginAccepted",
    "MaintenanceLoginFailed",
];

impl Shard {
    /// A request in the words of 1.6.
    pub(super) fn request_16(
        &mut self,
        now: Now,
        call: Inbound<'_>,
        request: &v16::Request<'_>,
    ) -> Result<(), StoreUnreadable> {
        let current_time = Timestamp::at(now.utc.0);
        let (leave, response): (Leave, v16::Response<'_>) = match request {
            v16::Request::Heartbeat(_) => (
                Leave::AtOnce,
                v16::HeartbeatResponse { current_time }.into(),
            ),
            v16::Request::MeterValues(values) => {
                self.meter_values_16(now, call.station, values)?;
                (Leave::WhenDurable, v16::MeterValuesResponse {}.into())
            }
            v16::Request::StatusNotification(status) => {
                self.status_16(now, call.station, status)?;
                (
                    Leave::WhenDurable,
                    v16::StatusNotificationResponse {}.into(),
                )
            }
            v16::Request::StartTransaction(start) => {
                let shown = shown_16(&start.id_tag, start.connector_id);
                let mut authorization = self.authorize(now, call.station, shown)?;
                let transaction_id = self.start_16(now, call.station, start)?;
                let ocpp_id = transaction_id.to_string();
                self.admit_token(call.station, &ocpp_id, shown, &mut authorization);
                let response = v16::StartTransactionResponse {
                    id_tag_info: id_tag_info(&authorization),
                    transaction_id,
                };
                self.answer(now, call, Leave::WhenDurable, Answer::V16(response.into()));
                return Ok(());
            }
            v16::Request::StopTransaction(stop) => {
                let id_tag = stop.id_tag.as_ref();
                let authorization = id_tag
                    .map(|id| self.authorize(now, call.station, shown_16(id, 0)))
                    .transpose()?;
                self.stop_16(now, call.station, stop)?;
                let response = v16::StopTransactionResponse {
                    id_tag_info: authorization.as_ref().map(id_tag_info),
                };
                self.answer(now, call, Leave::WhenDurable, Answer::V16(response.into()));
                return Ok(());
            }
            v16::Request::Authorize(authorize) => {
                let shown = shown_16(&authorize.id_tag, 0);
                let authorization = self.authorize(now, call.station, shown)?;
                let response = v16::AuthorizeResponse {
                    id_tag_info: id_tag_info(&authorization),
                };
                self.answer(now, call, Leave::AtOnce, Answer::V16(response.into()));
                return Ok(());
            }
            v16::Request::BootNotification(boot) => {
                self.booted(now, call.station, &normalize::booted_16(boot));
                let response = v16::BootNotificationResponse {
                    status: v16::RegistrationStatus::Accepted,
                    current_time,
                    interval: self.settings.config.heartbeat_interval_s,
                };
                (Leave::WhenDurable, response.into())
            }
            v16::Request::DataTransfer(_) => {
                self.notified(now, call, request)?;
                let response = v16::DataTransferResponse {
                    status: v16::DataTransferStatus::UnknownVendorId,
                    data: None,
                };
                (Leave::WhenDurable, response.into())
            }
            v16::Request::FirmwareStatusNotification(_) => {
                self.notified(now, call, request)?;
                (
                    Leave::WhenDurable,
                    v16::FirmwareStatusNotificationResponse {}.into(),
                )
            }
            v16::Request::DiagnosticsStatusNotification(_) => {
                self.notified(now, call, request)?;
                (
                    Leave::WhenDurable,
                    v16::DiagnosticsStatusNotificationResponse {}.into(),
                )
            }
            v16::Request::LogStatusNotification(_) => {
                self.notified(now, call, request)?;
                (
                    Leave::WhenDurable,
                    v16::LogStatusNotificationResponse {}.into(),
                )
            }
            v16::Request::SignedFirmwareStatusNotification(_) => {
                self.notified(now, call, request)?;
                (
                    Leave::WhenDurable,
                    v16::SignedFirmwareStatusNotificationResponse {}.into(),
                )
            }
            v16::Request::SecurityEventNotification(event) => {
                let info = event.tech_info.as_deref();
                self.security_event(now, call.station, &event.kind, &event.timestamp, info);
                (
                    Leave::WhenDurable,
                    v16::SecurityEventNotificationResponse {}.into(),
                )
            }
            v16::Request::SignCertificate(_) => {
                self.refuse_call(now, Version::V16, call, &not_offered(call.action));
                return Ok(());
            }
        };
        self.answer(now, call, leave, Answer::V16(response));
        Ok(())
    }

    /// A request in the words of 2.0.1.
    pub(super) fn request_201(
        &mut self,
        now: Now,
        call: Inbound<'_>,
        request: &v201::Request<'_>,
    ) -> Result<(), StoreUnreadable> {
        let current_time = Timestamp::at(now.utc.0);
        let (leave, response): (Leave, v201::Response<'_>) = match request {
            v201::Request::Heartbeat(_) => (
                Leave::AtOnce,
                v201::HeartbeatResponse { current_time }.into(),
            ),
            v201::Request::TransactionEvent(event) => {
                return self.transaction_event(now, call, event);
            }
            v201::Request::MeterValues(values) => {
                self.meter_values_201(now, call.station, values)?;
                (Leave::WhenDurable, v201::MeterValuesResponse {}.into())
            }
            v201::Request::StatusNotification(status) => {
                self.status_201(now, call.station, status)?;
                (
                    Leave::WhenDurable,
                    v201::StatusNotificationResponse {}.into(),
                )
            }
            v201::Request::Authorize(authorize) => {
                let shown = shown_201(&authorize.id_token, 0);
                let authorization = self.authorize(now, call.station, shown)?;
                let response = v201::AuthorizeResponse {
                    id_token_info: id_token_info(&authorization),
                    certificate_status: None,
                };
                self.answer(now, call, Leave::AtOnce, Answer::V201(response.into()));
                return Ok(());
            }
            v201::Request::BootNotification(boot) => {
                self.booted(now, call.station, &normalize::booted_201(boot));
                let response = v201::BootNotificationResponse {
                    current_time,
                    interval: self.settings.config.heartbeat_interval_s,
                    status: v201::RegistrationStatus::Accepted,
                    status_info: None,
                };
                (Leave::WhenDurable, response.into())
            }
            v201::Request::SecurityEventNotification(event) => {
                let info = event.tech_info.as_deref();
                self.security_event(now, call.station, &event.kind, &event.timestamp, info);
                (
                    Leave::WhenDurable,
                    v201::SecurityEventNotificationResponse {}.into(),
                )
            }
            v201::Request::NotifyEvent(_) => {
                self.notified(now, call, request)?;
                (Leave::WhenDurable, v201::NotifyEventResponse {}.into())
            }
            v201::Request::NotifyReport(_) => {
                self.notified(now, call, request)?;
                (Leave::WhenDurable, v201::NotifyReportResponse {}.into())
            }
            v201::Request::FirmwareStatusNotification(_) => {
                self.notified(now, call, request)?;
                (
                    Leave::WhenDurable,
                    v201::FirmwareStatusNotificationResponse {}.into(),
                )
            }
            v201::Request::LogStatusNotification(_) => {
                self.notified(now, call, request)?;
                (
                    Leave::WhenDurable,
                    v201::LogStatusNotificationResponse {}.into(),
                )
            }
            v201::Request::DataTransfer(_) => {
                self.notified(now, call, request)?;
                let response = v201::DataTransferResponse {
                    status: v201::DataTransferStatus::UnknownVendorId,
                    data: None,
                    status_info: None,
                };
                (Leave::WhenDurable, response.into())
            }
            v201::Request::ClearedChargingLimit(_) => {
                self.notified(now, call, request)?;
                (
                    Leave::WhenDurable,
                    v201::ClearedChargingLimitResponse {}.into(),
                )
            }
            v201::Request::NotifyChargingLimit(_) => {
                self.notified(now, call, request)?;
                (
                    Leave::WhenDurable,
                    v201::NotifyChargingLimitResponse {}.into(),
                )
            }
            v201::Request::NotifyDisplayMessages(_) => {
                self.notified(now, call, request)?;
                (
                    Leave::WhenDurable,
                    v201::NotifyDisplayMessagesResponse {}.into(),
                )
            }
            v201::Request::NotifyMonitoringReport(_) => {
                self.notified(now, call, request)?;
                (
                    Leave::WhenDurable,
                    v201::NotifyMonitoringReportResponse {}.into(),
                )
            }
            v201::Request::PublishFirmwareStatusNotification(_) => {
                self.notified(now, call, request)?;
                (
                    Leave::WhenDurable,
                    v201::PublishFirmwareStatusNotificationResponse {}.into(),
                )
            }
            v201::Request::ReportChargingProfiles(_) => {
                self.notified(now, call, request)?;
                (
                    Leave::WhenDurable,
                    v201::ReportChargingProfilesResponse {}.into(),
                )
            }
            v201::Request::ReservationStatusUpdate(_) => {
                self.notified(now, call, request)?;
                (
                    Leave::WhenDurable,
                    v201::ReservationStatusUpdateResponse {}.into(),
                )
            }
            v201::Request::NotifyCustomerInformation(_) => {
                self.notified(now, call, request)?;
                (
                    Leave::WhenDurable,
                    v201::NotifyCustomerInformationResponse {}.into(),
                )
            }
            v201::Request::Get15118EVCertificate(_)
            | v201::Request::GetCertificateStatus(_)
            | v201::Request::NotifyEVChargingNeeds(_)
            | v201::Request::NotifyEVChargingSchedule(_)
            | v201::Request::SignCertificate(_) => {
                self.refuse_call(now, Version::V201, call, &not_offered(call.action));
                return Ok(());
            }
        };
        self.answer(now, call, leave, Answer::V201(response));
        Ok(())
    }

    fn booted(&mut self, now: Now, station: u32, booted: &Booted) {
        self.record(now, station, booted);
    }

    fn security_event(
        &mut self,
        now: Now,
        station: u32,
        kind: &str,
        at: &Timestamp<'_>,
        info: Option<&str>,
    ) {
        let recorded = SecurityEvent {
            event_type: kind.to_owned(),
            occurred: moment(Some(at), now.utc),
            info: text(info),
            critical: CRITICAL.contains(&kind),
        };
        self.record(now, station, &recorded);
    }

    /// What changes no state of ours is kept as it was said, without secrets.
    fn notified(
        &mut self,
        now: Now,
        call: Inbound<'_>,
        request: &impl Payload,
    ) -> Result<(), StoreUnreadable> {
        let mut payload = Vec::new();
        request.write_payload(&mut payload);
        let payload = String::from_utf8(payload).unwrap_or_default();
        let notified = Notified {
            action: call.action.to_owned(),
            payload: self.without_secrets(call.action, &payload),
        };
        self.follow(now, call.station, &notified)
    }

    /// A payload as facts keep it: without passwords, and for a token what stands for it in every fact.
    pub(super) fn without_secrets(&self, action: &str, payload: &str) -> String {
        let masked = ocpp::mask_secrets(action, payload);
        let kept = ocpp::replace_tokens(&masked, |token| {
            // Nobody can guess a token from it, and it is the same in `transactions`.
            format!("{:032x}", u128::from_be_bytes(self.token_ref(token)))
        });
        kept.into_owned()
    }

    fn status_16(
        &mut self,
        now: Now,
        station: u32,
        status: &v16::StatusNotification<'_>,
    ) -> Result<(), StoreUnreadable> {
        let occurred = moment(status.timestamp.as_ref(), now.utc);
        let (evse_id, connector_id) = normalize::place(status.connector_id);
        let reported = StatusReported {
            evse_id,
            connector_id,
            status: normalize::status(status.status).code(),
            status_reported: status.status.as_str().to_owned(),
            error_code: status.error_code.as_str().to_owned(),
            vendor_error_code: text(status.vendor_error_code.as_deref()),
            vendor_id: text(status.vendor_id.as_deref()),
            info: text(status.info.as_deref()),
            occurred,
            live: true,
            retry: Retry::default(),
        };
        self.status(now, station, reported)
    }

    fn status_201(
        &mut self,
        now: Now,
        station: u32,
        status: &v201::StatusNotification<'_>,
    ) -> Result<(), StoreUnreadable> {
        let reported = StatusReported {
            evse_id: status.evse_id,
            connector_id: status.connector_id,
            status: normalize::connector_status(status.connector_status).code(),
            status_reported: status.connector_status.as_str().to_owned(),
            error_code: String::new(),
            vendor_error_code: String::new(),
            vendor_id: String::new(),
            info: String::new(),
            occurred: moment(Some(&status.timestamp), now.utc),
            live: true,
            retry: Retry::default(),
        };
        self.status(now, station, reported)
    }

    fn status(
        &mut self,
        now: Now,
        station: u32,
        mut reported: StatusReported,
    ) -> Result<(), StoreUnreadable> {
        let state = &self.stations[station].state;
        let key = state.key.as_str();
        let (evse_id, connector_id) = (reported.evse_id, reported.connector_id);
        let canonical = &mut self.scratch.canonical;
        canonical
            .begin("status", key)
            .int(i64::from(evse_id))
            .int(i64::from(connector_id));
        if reported.occurred.clock_trusted {
            canonical.int(reported.occurred.at);
            reported.retry.key = canonical.hash();
        }
        canonical
            .text(&reported.status_reported)
            .text(&reported.error_code);
        canonical
            .text(&reported.vendor_error_code)
            .text(&reported.vendor_id);
        reported.retry.content = canonical.text(&reported.info).hash();
        let last = state.connector(evse_id, connector_id);
        let verdict = if reported.occurred.clock_trusted {
            let older = self.is_older(station, Some(reported.occurred.at));
            self.verdict(station, reported.retry, older)?
        } else {
            // Without a time it says something new only if it says something else.
            let same = last
                .as_ref()
                .is_some_and(|last| last.status_content == reported.retry.content);
            if same { Verdict::Same } else { Verdict::New }
        };
        if self.is_repeated(verdict) {
            return Ok(());
        }
        let last = self.stations[station]
            .state
            .connector(evse_id, connector_id);
        reported.retry.conflict = verdict == Verdict::Conflict;
        reported.live = !reported.retry.conflict
            && last.is_none_or(|last| last.status_at <= reported.occurred.at);
        self.record(now, station, &reported);
        Ok(())
    }

    fn transaction_event(
        &mut self,
        now: Now,
        call: Inbound<'_>,
        event: &v201::TransactionEvent<'_>,
    ) -> Result<(), StoreUnreadable> {
        let kind = match event.event_type {
            v201::TransactionEventType::Started => TransactionEventKind::Started,
            v201::TransactionEventType::Updated => TransactionEventKind::Updated,
            v201::TransactionEventType::Ended => TransactionEventKind::Ended,
        };
        let info = &event.transaction_info;
        let evse_id = event.evse.as_ref().map_or(0, |evse| evse.id);
        let shown = event
            .id_token
            .as_ref()
            .map(|token| shown_201(token, evse_id));
        let report = TransactionReport {
            kind,
            ocpp_id: &info.transaction_id,
            evse_id,
            connector_id: event
                .evse
                .as_ref()
                .and_then(|evse| evse.connector_id)
                .unwrap_or(0),
            seq_no: i64::try_from(event.seq_no).unwrap_or(i64::MAX),
            trigger_reason: event.trigger_reason.as_str(),
            charging_state: info.charging_state.map_or("", Word::as_str),
            stop_reason: info.stopped_reason.map_or("", Word::as_str),
            id_token: shown.map(|shown| shown.id),
            remote_start_id: info.remote_start_id.unwrap_or(-1),
            offline: event.offline.unwrap_or(false),
            occurred: moment(Some(&event.timestamp), now.utc),
            reservation_id: event.reservation_id,
        };
        let columns = event.meter_value.as_ref().map(|list| list.0);
        let mut authorization = shown
            .map(|shown| self.authorize(now, call.station, shown))
            .transpose()?;
        let cost = self.transaction_event_201(now, call.station, &report, columns)?;
        // A token that is shown to end a transaction begins none.
        let ends = kind == TransactionEventKind::Ended
            || event.trigger_reason == v201::TriggerReason::StopAuthorized;
        if let (Some(shown), Some(authorization), false) = (shown, &mut authorization, ends) {
            self.admit_token(call.station, report.ocpp_id, shown, authorization);
        }
        let response = v201::TransactionEventResponse {
            total_cost: cost.map(|cost| ocpp::Number::from_scaled(cost.0, 2)),
            charging_priority: None,
            id_token_info: authorization.as_ref().map(id_token_info),
            updated_personal_message: None,
        };
        self.answer(now, call, Leave::WhenDurable, Answer::V201(response.into()));
        Ok(())
    }
}

/// Either version's request, written back as JSON.
trait Payload {
    fn write_payload(&self, out: &mut Vec<u8>);
}

impl Payload for v16::Request<'_> {
    fn write_payload(&self, out: &mut Vec<u8>) {
        self.write(out);
    }
}

impl Payload for v201::Request<'_> {
    fn write_payload(&self, out: &mut Vec<u8>) {
        self.write(out);
    }
}

/// The refusal of an action that is read and checked, and that nothing here acts on.
fn not_offered(action: &str) -> CallError {
    let description = format!("{action} is not supported here");
    CallError::new(ErrorCode::NotSupported, description)
}

fn shown_16(id_tag: &str, connector_id: u32) -> Shown<'_> {
    Shown {
        id: id_tag,
        kind: None,
        evse_id: normalize::place(connector_id).0,
    }
}

fn shown_201<'a>(id_token: &'a v201::IdToken<'_>, evse_id: u32) -> Shown<'a> {
    Shown {
        id: &id_token.id_token,
        kind: Some(token_type(id_token.kind)),
        evse_id,
    }
}
