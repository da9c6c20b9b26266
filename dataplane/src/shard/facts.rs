//! One arm per action: a station's request becomes records, and gets its answer.

mod both;
mod late;
mod v21;

use fleet::record::{Booted, Notified, Retry, SecurityEvent, StatusReported, TransactionEventKind};
use ocpp::{MeterColumns, Open, Timestamp, Version, Word, v16, v201};

use super::calls::{Answer, Inbound, Leave};
use super::certificates::{Asked, StatusKind};
use super::charging::VehiclePlan;
use super::contracts::ShownCertificate;
use super::store::StoreUnreadable;
use super::summary::TransactionReport;
use super::tokens::{Shown, id_tag_info, id_token_info, message_content};
use super::{Now, Shard};
use crate::certificates::ChainAsk;
use crate::charging::vehicle_schedule_201;
use crate::normalize::{self, moment, text};
use crate::retry::{Verdict, short};
use crate::security::is_critical;

/// Connectors whose states one message may tell.
const STATES_MAX: usize = 256;

impl Shard {
    /// A request in the words of 1.6.
    pub(super) fn request_16(
        &mut self,
        now: Now,
        call: Inbound<'_>,
        request: &v16::Request<'_>,
    ) -> Result<(), StoreUnreadable> {
        let response: v16::Response<'_> = match request {
            v16::Request::Heartbeat(_) => {
                let current_time = Timestamp::at(now.utc.0);
                let response = v16::HeartbeatResponse { current_time };
                self.answer(now, call, Leave::AtOnce, Answer::V16(response.into()));
                return Ok(());
            }
            v16::Request::MeterValues(values) => {
                self.meter_values_16(now, call.station, values)?;
                self.acknowledge(now, call);
                return Ok(());
            }
            v16::Request::StatusNotification(status) => {
                self.status_16(now, call.station, status)?;
                self.acknowledge(now, call);
                return Ok(());
            }
            v16::Request::StartTransaction(start) => {
                let shown = shown_16(&start.id_tag, start.connector_id);
                let mut authorization = self.authorize(now, call.station, shown)?;
                let transaction_id = self.start_16(now, call.station, start, &authorization)?;
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
                if let Some(interval) = self.defers_boot(now) {
                    let response = v16::BootNotificationResponse {
                        status: v16::RegistrationStatus::Rejected,
                        current_time: Timestamp::at(now.utc.0),
                        interval,
                    };
                    self.answer(now, call, Leave::WhenDurable, Answer::V16(response.into()));
                    return Ok(());
                }
                let booted = normalize::booted_16(boot);
                self.note_firmware_boot(now, call.station, &booted);
                self.record(now, call.station, &booted);
                let response = v16::BootNotificationResponse {
                    status: v16::RegistrationStatus::Accepted,
                    current_time: Timestamp::at(now.utc.0),
                    interval: self.heartbeat_interval(now),
                };
                self.answer(now, call, Leave::WhenDurable, Answer::V16(response.into()));
                return Ok(());
            }
            v16::Request::DiagnosticsStatusNotification(_)
            | v16::Request::FirmwareStatusNotification(_)
            | v16::Request::LogStatusNotification(_)
            | v16::Request::SignedFirmwareStatusNotification(_) => {
                self.notified(now, call, |out| request.write(out))?;
                self.acknowledge(now, call);
                return Ok(());
            }
            v16::Request::SecurityEventNotification(event) => {
                let info = event.tech_info.as_deref();
                self.security_event(now, call, &event.kind, &event.timestamp, info);
                return Ok(());
            }
            v16::Request::DataTransfer(_) => v16::DataTransferResponse {
                status: v16::DataTransferStatus::UnknownVendorId,
                data: None,
            }
            .into(),
            v16::Request::SignCertificate(sign) => {
                self.notified(now, call, |out| request.write(out))?;
                let asked = Asked {
                    csr: &sign.csr,
                    certificate_type: "",
                    request_id: None,
                };
                return self.sign_certificate(now, Version::V16, call, asked);
            }
        };
        self.notified(now, call, |out| request.write(out))?;
        self.answer(now, call, Leave::WhenDurable, Answer::V16(response));
        Ok(())
    }

    /// A request in the words of 2.0.1.
    pub(super) fn request_201(
        &mut self,
        now: Now,
        call: Inbound<'_>,
        request: &v201::Request<'_>,
    ) -> Result<(), StoreUnreadable> {
        let response: v201::Response<'_> = match request {
            v201::Request::Heartbeat(_) => {
                let current_time = Timestamp::at(now.utc.0);
                let response = v201::HeartbeatResponse { current_time };
                self.answer(now, call, Leave::AtOnce, Answer::V201(response.into()));
                return Ok(());
            }
            v201::Request::TransactionEvent(event) => {
                let columns = event.meter_value.as_ref().map(|list| list.0);
                let (report, shown) = both::report_201(event, now.utc);
                return self.transaction_event(now, call, report, shown, columns);
            }
            v201::Request::MeterValues(values) => {
                self.meter_values_2x(now, call.station, values.evse_id, &values.meter_value)?;
                self.acknowledge(now, call);
                return Ok(());
            }
            v201::Request::StatusNotification(status) => {
                self.status(now, call.station, both::status_201(status, now.utc))?;
                self.acknowledge(now, call);
                return Ok(());
            }
            v201::Request::Authorize(authorize) => {
                let shown = both::shown_201(&authorize.id_token, 0);
                let hashes = authorize.iso15118_certificate_hash_data.as_ref();
                if hashes.is_none() && authorize.certificate.is_none() {
                    return self.authorize_2x(now, call, shown);
                }
                let authorization = self.authorize(now, call.station, shown)?;
                let asks = hashes.map_or_else(Vec::new, |hashes| {
                    hashes.iter().map(both::status_ask_201).collect()
                });
                let payload = || written(|out| request.write(out));
                let chain = authorize.certificate.as_deref().map(|pem| ChainAsk {
                    pem: pem.to_owned(),
                    emaid: authorize.id_token.id_token.to_string(),
                });
                let shown = ShownCertificate { chain, asks };
                self.authorize_contract(now, Version::V201, call, authorization, shown, payload);
                return Ok(());
            }
            v201::Request::BootNotification(boot) => {
                self.booted_2x(now, call, &both::booted_201(boot));
                return Ok(());
            }
            v201::Request::SecurityEventNotification(event) => {
                let info = event.tech_info.as_deref();
                self.security_event(now, call, &event.kind, &event.timestamp, info);
                return Ok(());
            }
            v201::Request::ReservationStatusUpdate(update) => {
                let state = both::reservation_201(update.reservation_update_status);
                self.end_reservation(now, call.station, update.reservation_id, state)?;
                self.notified(now, call, |out| request.write(out))?;
                self.acknowledge(now, call);
                return Ok(());
            }
            v201::Request::NotifyEvent(told) => {
                self.notified(now, call, |out| request.write(out))?;
                self.connector_states(now, call.station, both::states_201(told, now.utc))?;
                self.acknowledge(now, call);
                return Ok(());
            }
            v201::Request::ClearedChargingLimit(_)
            | v201::Request::FirmwareStatusNotification(_)
            | v201::Request::LogStatusNotification(_)
            | v201::Request::NotifyChargingLimit(_)
            | v201::Request::NotifyCustomerInformation(_)
            | v201::Request::NotifyDisplayMessages(_)
            | v201::Request::NotifyMonitoringReport(_)
            | v201::Request::NotifyReport(_)
            | v201::Request::PublishFirmwareStatusNotification(_)
            | v201::Request::ReportChargingProfiles(_) => {
                self.notified(now, call, |out| request.write(out))?;
                self.acknowledge(now, call);
                return Ok(());
            }
            v201::Request::DataTransfer(_) => v201::DataTransferResponse {
                status: v201::DataTransferStatus::UnknownVendorId,
                data: None,
                status_info: None,
            }
            .into(),
            v201::Request::NotifyEVChargingNeeds(_) => self.needs_201().into(),
            v201::Request::NotifyEVChargingSchedule(told) => {
                let plan = VehiclePlan {
                    evse_id: told.evse_id,
                    schedule_id: told.charging_schedule.id,
                    schedule: vehicle_schedule_201(told),
                };
                let keeps = self.vehicle_keeps_to(now, call.station, plan)?;
                v201::NotifyEVChargingScheduleResponse {
                    status: match keeps {
                        true => v201::GenericStatus::Accepted,
                        false => v201::GenericStatus::Rejected,
                    },
                    status_info: None,
                }
                .into()
            }
            v201::Request::SignCertificate(sign) => {
                self.notified(now, call, |out| request.write(out))?;
                let asked = Asked {
                    csr: &sign.csr,
                    certificate_type: sign.certificate_type.map_or("", Word::as_str),
                    request_id: None,
                };
                return self.sign_certificate(now, Version::V201, call, asked);
            }
            v201::Request::Get15118EVCertificate(_) => {
                self.notified(now, call, |out| request.write(out))?;
                self.ask_contract(now, Version::V201, call, written(|out| request.write(out)));
                return Ok(());
            }
            v201::Request::GetCertificateStatus(status) => {
                self.notified(now, call, |out| request.write(out))?;
                let asks = vec![both::status_ask_201(&status.ocsp_request_data)];
                self.ask_statuses(now, Version::V201, call, StatusKind::One, asks);
                return Ok(());
            }
        };
        self.notified(now, call, |out| request.write(out))?;
        self.answer(now, call, Leave::WhenDurable, Answer::V201(response));
        Ok(())
    }

    fn booted_2x(&mut self, now: Now, call: Inbound<'_>, booted: &Booted) {
        if let Some(interval) = self.defers_boot(now) {
            let response = v201::BootNotificationResponse {
                current_time: Timestamp::at(now.utc.0),
                interval,
                status: v201::RegistrationStatus::Rejected,
                status_info: None,
            };
            return self.answer(now, call, Leave::WhenDurable, Answer::V201(response.into()));
        }
        self.note_firmware_boot(now, call.station, booted);
        self.record(now, call.station, booted);
        let response = v201::BootNotificationResponse {
            current_time: Timestamp::at(now.utc.0),
            interval: self.heartbeat_interval(now),
            status: v201::RegistrationStatus::Accepted,
            status_info: None,
        };
        self.answer(now, call, Leave::WhenDurable, Answer::V201(response.into()));
        if booted.reason != v201::BootReason::Triggered.as_str() {
            self.ask_for_monitors(now, call.station);
        }
    }

    fn authorize_2x(
        &mut self,
        now: Now,
        call: Inbound<'_>,
        shown: Shown<'_>,
    ) -> Result<(), StoreUnreadable> {
        let authorization = self.authorize(now, call.station, shown)?;
        self.keep_transfers(now, call.station, "Authorize", &authorization)?;
        let response = v201::AuthorizeResponse {
            id_token_info: id_token_info(&authorization),
            certificate_status: None,
        };
        let terms = self.driver_terms(call.station, &authorization);
        self.answer(
            now,
            call,
            Leave::AtOnce,
            Answer::More(response.into(), terms),
        );
        Ok(())
    }

    fn security_event(
        &mut self,
        now: Now,
        call: Inbound<'_>,
        kind: &str,
        timestamp: &Timestamp<'_>,
        info: Option<&str>,
    ) {
        self.record_security_event(now, call.station, kind, timestamp, info);
        self.acknowledge(now, call);
    }

    fn record_security_event(
        &mut self,
        now: Now,
        station: u32,
        kind: &str,
        timestamp: &Timestamp<'_>,
        info: Option<&str>,
    ) {
        let protocol = self.stations[station].state.protocol;
        let recorded = SecurityEvent {
            event_type: kind.to_owned(),
            occurred: moment(Some(timestamp), now.utc),
            info: text(info),
            critical: is_critical(protocol, kind),
        };
        let said = (recorded.event_type.as_str(), recorded.info.as_str());
        if !self.is_security_event_again(station, said, &recorded.occurred) {
            self.record(now, station, &recorded);
        }
    }

    /// Answers what wants no more than to be heard.
    fn acknowledge(&mut self, now: Now, call: Inbound<'_>) {
        self.answer(now, call, Leave::WhenDurable, Answer::Empty);
    }

    /// What changes no state of ours is kept as it was said; `write` puts it back as JSON.
    pub(super) fn notified(
        &mut self,
        now: Now,
        call: Inbound<'_>,
        write: impl FnOnce(&mut Vec<u8>),
    ) -> Result<(), StoreUnreadable> {
        let payload = written(write);
        let notified = Notified {
            action: call.action.to_owned(),
            payload: self.without_secrets(call.action, &payload),
        };
        self.charging_told(now, call.station, call.action, &notified.payload)?;
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
        // A word of its maker is one of the vendor, if that has said no other.
        let (error_code, vendor_error_code) = match &status.error_code {
            Open::Known(code) => (code.as_str(), None),
            Open::Other(word) => (
                v16::ChargePointErrorCode::OtherError.as_str(),
                Some(&**word),
            ),
        };
        let reported = StatusReported {
            evse_id,
            connector_id,
            status: normalize::status(status.status).code(),
            status_reported: status.status.as_str().to_owned(),
            error_code: error_code.to_owned(),
            vendor_error_code: text(status.vendor_error_code.as_deref().or(vendor_error_code)),
            vendor_id: text(status.vendor_id.as_deref()),
            info: text(status.info.as_deref()),
            occurred,
            live: true,
            retry: Retry::default(),
        };
        self.status(now, station, reported)
    }

    /// States of connectors that events of the device model tell, in whatever order (G01). One that says what is known
    /// already says no more than its event does.
    fn connector_states(
        &mut self,
        now: Now,
        station: u32,
        mut told: Vec<StatusReported>,
    ) -> Result<(), StoreUnreadable> {
        told.sort_by_key(|reported| reported.occurred.at);
        // The newest of each: what was in between stands in the events.
        let mut newest: Vec<StatusReported> = Vec::new();
        for reported in told.into_iter().rev() {
            let place = (reported.evse_id, reported.connector_id);
            let is_there = newest
                .iter()
                .any(|newer| (newer.evse_id, newer.connector_id) == place);
            if !is_there && newest.len() < STATES_MAX {
                newest.push(reported);
            }
        }
        for reported in newest.into_iter().rev() {
            let state = &self.stations[station].state;
            let last = state.connector(reported.evse_id, reported.connector_id);
            if last.is_none_or(|last| last.status_reported() != reported.status_reported) {
                self.status(now, station, reported)?;
            }
        }
        Ok(())
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
            let at = Some(reported.occurred.at);
            let older = self.is_older(station, at);
            self.verdict(station, reported.retry, at, older)?
        } else {
            // Without a time it says something new only if it says something else.
            let same = last
                .as_ref()
                .is_some_and(|last| last.status_content == short(reported.retry.content));
            if same { Verdict::Same } else { Verdict::New }
        };
        if self.is_repeated(verdict) {
            return Ok(());
        }
        let last = self.stations[station]
            .state
            .connector(evse_id, connector_id);
        reported.retry.conflict = verdict == Verdict::Conflict;
        // A clock that was put back would hold its connectors in the state they had.
        let may_be_older = self.clock(now, station).was_away(reported.occurred.at);
        reported.live = self.replaying.is_none()
            && !reported.retry.conflict
            && last.is_none_or(|last| !may_be_older || last.status_at <= reported.occurred.at);
        self.record(now, station, &reported);
        Ok(())
    }

    fn transaction_event(
        &mut self,
        now: Now,
        call: Inbound<'_>,
        mut report: TransactionReport<'_>,
        shown: Option<Shown<'_>>,
        columns: Option<&MeterColumns>,
    ) -> Result<(), StoreUnreadable> {
        let mut authorization = shown
            .map(|shown| self.authorize(now, call.station, shown))
            .transpose()?;
        // A token that is shown to end a transaction begins none.
        let ends = report.kind == TransactionEventKind::Ended
            || report.trigger_reason == v201::TriggerReason::StopAuthorized.as_str();
        if !ends {
            let authorization = authorization.as_ref();
            report.driver_tariff = authorization
                .and_then(|shown| self.driver_tariff(now, call.station, &report, shown));
        }
        let report = &report;
        let (id, verdict, cost) = self.transaction_event_2x(now, call.station, report, columns)?;
        if let (Some(shown), Some(authorization), false) = (shown, &mut authorization, ends) {
            self.admit_token(call.station, report.ocpp_id, shown, authorization);
            let kept = self.keep_transfers(now, call.station, "TransactionEvent", authorization);
            if let Err(StoreUnreadable) = kept {
                // The failed read was counted; the vehicle may be charged as it asks, until the token is shown again.
            }
        }
        // What it says at its end, nobody reads any more.
        let message = (report.kind != TransactionEventKind::Ended)
            .then(|| self.settings.messages.take(id))
            .flatten();
        let response = v201::TransactionEventResponse {
            total_cost: cost.map(|cost| ocpp::Number::from_scaled(cost.0, 2)),
            charging_priority: None,
            id_token_info: authorization.as_ref().map(id_token_info),
            updated_personal_message: message.as_ref().map(message_content),
        };
        let limits = self.limits_to_tell(now, call.station, report, id, verdict);
        let answer = match limits {
            Some(limits) => {
                Answer::More(response.into(), format!(",\"transactionLimit\":{limits}"))
            }
            None => Answer::V201(response.into()),
        };
        self.answer(now, call, Leave::WhenDurable, answer);
        Ok(())
    }
}

/// A request, written back as a JSON object.
pub(super) fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut payload = Vec::new();
    write(&mut payload);
    String::from_utf8(payload).expect("the writers write JSON")
}

/// Why a service that does not exist here refuses (2.0.1 Part 2 Appendices, standardized reason codes).
pub(super) fn not_enabled() -> v201::StatusInfo<'static> {
    v201::StatusInfo {
        reason_code: "NotEnabled".into(),
        additional_info: None,
    }
}

fn shown_16(id_tag: &str, connector_id: u32) -> Shown<'_> {
    Shown {
        id: id_tag,
        kind: None,
        is_payment: false,
        evse_id: normalize::place(connector_id).0,
    }
}
