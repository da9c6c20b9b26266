//! One arm per action of 2.1. What 2.0.1 has too is acted on, and answered, by the same functions.

use fleet::UtcMicros;
use ocpp::{CallError, ErrorCode, MeterColumns, Timestamp, Version, Word, v21};

use super::super::calls::{Answer, Inbound, Leave};
use super::super::certificates::{Asked, ChainAsked, StatusKind};
use super::super::charging::{VehiclePlan, dynamic_response};
use super::super::errands::Held;
use super::super::money::limits::limits_of;
use super::super::money::{SETTLEMENTS_MAX, Settled};
use super::super::store::StoreUnreadable;
use super::super::summary::TransactionReport;
use super::super::tokens::Shown;
use super::super::{Now, Shard};
use super::{both, written};
use crate::certificates::{ChainAsk, Source, StatusAsk, VatAsk};
use crate::charging::vehicle_schedule_21;
use crate::grid::streams::Refused;
use crate::shard::contracts::ShownCertificate;

impl Shard {
    /// A request in the words of 2.1.
    pub(in crate::shard) fn request_21(
        &mut self,
        now: Now,
        call: Inbound<'_>,
        request: &v21::Request<'_>,
    ) -> Result<(), StoreUnreadable> {
        let mut columns = MeterColumns::new();
        let response: v21::Response<'_> = match request {
            v21::Request::Heartbeat(_) => {
                let current_time = Timestamp::at(now.utc.0);
                let response = v21::HeartbeatResponse { current_time };
                self.answer(now, call, Leave::AtOnce, Answer::V21(response.into()));
                return Ok(());
            }
            v21::Request::BootNotification(boot) => {
                if boot.reason != v21::BootReason::Triggered {
                    self.take_up_secrets(now, call.station);
                }
                self.booted_2x(now, call, &both::booted_21(boot));
                return Ok(());
            }
            v21::Request::StatusNotification(status) => {
                self.status(now, call.station, both::status_21(status, now.utc))?;
                self.acknowledge(now, call);
                return Ok(());
            }
            v21::Request::MeterValues(values) => {
                self.meter_values_2x(now, call.station, values.evse_id, &values.meter_value)?;
                self.acknowledge(now, call);
                return Ok(());
            }
            v21::Request::TransactionEvent(event) => {
                let columns = event.meter_value.as_ref().map(|list| list.0);
                let (report, shown) = report(event, now.utc);
                return self.transaction_event(now, call, report, shown, columns);
            }
            v21::Request::Authorize(authorize) => {
                let shown = both::shown_21(&authorize.id_token, 0);
                let hashes = authorize.iso15118_certificate_hash_data.as_ref();
                if hashes.is_none() && authorize.certificate.is_none() {
                    return self.authorize_2x(now, call, shown);
                }
                let authorization = self.authorize(now, call.station, shown)?;
                self.keep_transfers(now, call.station, "Authorize", &authorization)?;
                let asks = hashes.map_or_else(Vec::new, |hashes| {
                    hashes.iter().map(both::status_ask_21).collect()
                });
                let payload = || written(|out| request.write(out));
                let chain = authorize.certificate.as_deref().map(|pem| ChainAsk {
                    pem: pem.to_owned(),
                    emaid: authorize.id_token.id_token.to_string(),
                });
                let shown = ShownCertificate { chain, asks };
                self.authorize_contract(now, Version::V21, call, authorization, shown, payload);
                return Ok(());
            }
            v21::Request::SecurityEventNotification(event) => {
                let info = event.tech_info.as_deref();
                self.security_event(now, call, &event.kind, &event.timestamp, info);
                return Ok(());
            }
            v21::Request::ReservationStatusUpdate(update) => {
                let state = both::reservation_21(update.reservation_update_status);
                let id = i64::from(update.reservation_id);
                self.end_reservation(now, call.station, id, state)?;
                self.notified(now, call, |out| request.write(out))?;
                self.acknowledge(now, call);
                return Ok(());
            }
            v21::Request::BatterySwap(swap) => {
                self.battery_swapped(now, call.station, swap)?;
                self.notified(now, call, |out| request.write(out))?;
                self.acknowledge(now, call);
                return Ok(());
            }
            v21::Request::NotifyDERAlarm(_)
            | v21::Request::NotifyDERStartStop(_)
            | v21::Request::ReportDERControl(_) => {
                let payload = written(|out| request.write(out));
                self.der_told(now, call.station, call.action, &payload)?;
                self.notified(now, call, |out| request.write(out))?;
                self.acknowledge(now, call);
                return Ok(());
            }
            v21::Request::ClosePeriodicEventStream(closed) => {
                self.close_stream(now, call.station, closed.id)?;
                self.notified(now, call, |out| request.write(out))?;
                self.acknowledge(now, call);
                return Ok(());
            }
            v21::Request::NotifyEvent(told) => {
                self.notified(now, call, |out| request.write(out))?;
                self.connector_states(now, call.station, both::states_21(told, now.utc))?;
                self.acknowledge(now, call);
                return Ok(());
            }
            v21::Request::ClearedChargingLimit(_)
            | v21::Request::FirmwareStatusNotification(_)
            | v21::Request::LogStatusNotification(_)
            | v21::Request::NotifyChargingLimit(_)
            | v21::Request::NotifyCustomerInformation(_)
            | v21::Request::NotifyDisplayMessages(_)
            | v21::Request::NotifyMonitoringReport(_)
            | v21::Request::NotifyPriorityCharging(_)
            | v21::Request::NotifyReport(_)
            | v21::Request::PublishFirmwareStatusNotification(_)
            | v21::Request::ReportChargingProfiles(_) => {
                self.notified(now, call, |out| request.write(out))?;
                self.acknowledge(now, call);
                return Ok(());
            }
            v21::Request::NotifySettlement(told) => {
                let of = match self.settle(now, call.station, told)? {
                    Settled::Refused => {
                        let reason = format!(
                            "the transaction has {SETTLEMENTS_MAX} settlements, and no more are kept"
                        );
                        let error =
                            CallError::new(ErrorCode::OccurrenceConstraintViolation, reason);
                        self.refuse_call(now, Version::V21, call, &error);
                        return Ok(());
                    }
                    Settled::Same(id) => Some(id),
                    Settled::New(id) => {
                        self.notified(now, call, |out| request.write(out))?;
                        Some(id)
                    }
                    Settled::Unnamed => {
                        self.notified(now, call, |out| request.write(out))?;
                        None
                    }
                };
                let receipt = of.and_then(|id| self.receipt(told, id)).unzip();
                let response = v21::NotifySettlementResponse {
                    receipt_url: receipt.0.as_deref().map(Into::into),
                    receipt_id: receipt.1.as_deref().map(Into::into),
                };
                self.answer(now, call, Leave::WhenDurable, Answer::V21(response.into()));
                return Ok(());
            }
            v21::Request::DataTransfer(_) => v21::DataTransferResponse {
                status: v21::DataTransferStatus::UnknownVendorId,
                data: None,
                status_info: None,
            }
            .into(),
            v21::Request::OpenPeriodicEventStream(open) => {
                let opened = self.open_stream(now, call.station, &open.constant_stream_data)?;
                stream_response(opened).into()
            }
            v21::Request::NotifyEVChargingNeeds(told) => {
                let evse_id = u32::try_from(told.evse_id.get()).unwrap_or(u32::MAX);
                let transfer = told.charging_needs.requested_energy_transfer.as_str();
                self.needs_21(call.station, evse_id, transfer)?.into()
            }
            v21::Request::NotifyEVChargingSchedule(told) => {
                let plan = VehiclePlan {
                    evse_id: u32::try_from(told.evse_id.get()).unwrap_or(u32::MAX),
                    schedule_id: (told.selected_charging_schedule_id)
                        .map_or(told.charging_schedule.id, i64::from),
                    schedule: vehicle_schedule_21(told),
                };
                let keeps = self.vehicle_keeps_to(now, call.station, plan)?;
                v21::NotifyEVChargingScheduleResponse {
                    status: match keeps {
                        true => v21::GenericStatus::Accepted,
                        false => v21::GenericStatus::Rejected,
                    },
                    status_info: None,
                }
                .into()
            }
            v21::Request::PullDynamicScheduleUpdate(pull) => {
                let update = self.dynamic_rates(now, call.station, pull.charging_profile_id)?;
                self.notified(now, call, |out| request.write(out))?;
                let response = dynamic_response(update.as_deref(), &mut columns);
                self.answer(now, call, Leave::WhenDurable, Answer::V21(response.into()));
                return Ok(());
            }
            v21::Request::VatNumberValidation(asked) if self.config.vat.is_some() => {
                self.notified(now, call, |out| request.write(out))?;
                let ask = VatAsk {
                    station: self.stations[call.station].state.key.clone(),
                    vat_number: asked.vat_number.to_string(),
                    evse_id: asked.evse_id,
                };
                self.ask_vat(now, Held::new(Version::V21, call), ask);
                return Ok(());
            }
            v21::Request::VatNumberValidation(validation) => v21::VatNumberValidationResponse {
                company: None,
                status_info: Some(not_enabled()),
                vat_number: validation.vat_number.clone(),
                evse_id: validation.evse_id,
                status: v21::GenericStatus::Rejected,
            }
            .into(),
            v21::Request::SignCertificate(sign) => {
                self.notified(now, call, |out| request.write(out))?;
                let asked = Asked {
                    csr: &sign.csr,
                    certificate_type: sign.certificate_type.map_or("", Word::as_str),
                    request_id: sign.request_id,
                };
                return self.sign_certificate(now, Version::V21, call, asked);
            }
            v21::Request::Get15118EVCertificate(_) => {
                self.notified(now, call, |out| request.write(out))?;
                self.ask_contract(now, Version::V21, call, written(|out| request.write(out)));
                return Ok(());
            }
            v21::Request::GetCertificateStatus(status) => {
                self.notified(now, call, |out| request.write(out))?;
                let asks = vec![both::status_ask_21(&status.ocsp_request_data)];
                self.ask_statuses(now, Version::V21, call, StatusKind::One, asks);
                return Ok(());
            }
            v21::Request::GetCertificateChainStatus(chain) => {
                self.notified(now, call, |out| request.write(out))?;
                let asked = chain.certificate_status_requests.iter();
                let (kept, asks) = asked.map(chain_asked).unzip();
                self.ask_statuses(now, Version::V21, call, StatusKind::Chain(kept), asks);
                return Ok(());
            }
        };
        self.notified(now, call, |out| request.write(out))?;
        self.answer(now, call, Leave::WhenDurable, Answer::V21(response));
        Ok(())
    }
}

/// A transaction's event, with what only 2.1 says of tariff and cost.
pub(super) fn report<'a>(
    event: &'a v21::TransactionEvent<'_>,
    received_at: UtcMicros,
) -> (TransactionReport<'a>, Option<Shown<'a>>) {
    let (report, shown) = both::report_21(event, received_at);
    let details = event.cost_details.as_ref();
    let limit = event.transaction_info.transaction_limit.as_ref();
    let report = TransactionReport {
        limits: limit.map(limits_of),
        tariff_id: event.transaction_info.tariff_id.as_deref(),
        cost_details: details.map(|details| written(|out| details.write(out))),
        ..report
    };
    (report, shown)
}

/// Whether a stream may be used, and why not (N11.FR.05, N11.FR.06).
fn stream_response(opened: Result<(), Refused>) -> v21::OpenPeriodicEventStreamResponse<'static> {
    match opened {
        Ok(()) => v21::OpenPeriodicEventStreamResponse {
            status: v21::GenericStatus::Accepted,
            status_info: None,
        },
        Err(Refused { reason, detail }) => v21::OpenPeriodicEventStreamResponse {
            status: v21::GenericStatus::Rejected,
            status_info: Some(v21::StatusInfo {
                reason_code: reason.into(),
                additional_info: Some(detail.into()),
            }),
        },
    }
}

/// One certificate of a GetCertificateChainStatus: what its answer repeats, and who is asked.
fn chain_asked(asked: &v21::CertificateStatusRequestInfo<'_>) -> (ChainAsked, StatusAsk) {
    let hash = &asked.certificate_hash_data;
    let kept = ChainAsked {
        hash_algorithm: hash.hash_algorithm,
        issuer_name_hash: hash.issuer_name_hash.to_string(),
        issuer_key_hash: hash.issuer_key_hash.to_string(),
        serial_number: hash.serial_number.to_string(),
        source: asked.source,
    };
    let ask = StatusAsk {
        algorithm: kept.hash_algorithm.as_str().to_owned(),
        issuer_name_hash: kept.issuer_name_hash.clone(),
        issuer_key_hash: kept.issuer_key_hash.clone(),
        serial_number: kept.serial_number.clone(),
        source: match asked.source {
            v21::CertificateStatusSource::Ocsp => Source::Responder,
            v21::CertificateStatusSource::Crl => Source::List,
        },
        urls: asked.urls.iter().map(|url| (**url).to_owned()).collect(),
    };
    (kept, ask)
}

/// Why a service that does not exist here refuses (2.1 Part 2 Appendices, standardized reason codes).
fn not_enabled() -> v21::StatusInfo<'static> {
    v21::StatusInfo {
        reason_code: "NotEnabled".into(),
        additional_info: None,
    }
}
