//! What 2.0.1 and 2.1 say alike, in one form, so that each action is acted on in one place.
//!
//! The types of the two versions differ in what 2.1 has added; the members read here bear the same names in both.

use fleet::UtcMicros;
use fleet::record::{
    Booted, Moment, ReservationState, Retry, StatusReported, TransactionEventKind,
};
use ocpp::{Word, v21, v201};

use super::super::summary::TransactionReport;
use super::super::tokens::{Shown, token_type};
use crate::certificates::{Source, StatusAsk};
use crate::normalize::{moment, text};
use crate::token::TokenType;

macro_rules! both {
    ($version:ident, $token_type:ident, $is_payment:ident, $booted:ident, $status:ident, $states:ident, $reported:ident, $shown:ident, $report:ident, $status_ask:ident) => {
        /// A boot.
        pub(super) fn $booted(boot: &$version::BootNotification<'_>) -> Booted {
            let station = &boot.charging_station;
            let modem = station.modem.as_ref();
            Booted {
                vendor: station.vendor_name.to_string(),
                model: station.model.to_string(),
                serial_number: text(station.serial_number.as_deref()),
                firmware_version: text(station.firmware_version.as_deref()),
                reason: boot.reason.as_str().to_owned(),
                iccid: text(modem.and_then(|modem| modem.iccid.as_deref())),
                imsi: text(modem.and_then(|modem| modem.imsi.as_deref())),
                meter_type: String::new(),
                meter_serial_number: String::new(),
                accepted: true,
            }
        }

        /// A connector's state.
        pub(super) fn $status(
            status: &$version::StatusNotification<'_>,
            received_at: UtcMicros,
        ) -> StatusReported {
            let place = (status.evse_id, status.connector_id);
            let occurred = moment(Some(&status.timestamp), received_at);
            $reported(place, status.connector_status, occurred)
        }

        /// The states of connectors among the events of a device model, without which 2.1 has none (G01).
        pub(super) fn $states(
            told: &$version::NotifyEvent<'_>,
            received_at: UtcMicros,
        ) -> Vec<StatusReported> {
            let events = told.event_data.iter().filter(|event| {
                event.component.name.eq_ignore_ascii_case("Connector")
                    && event
                        .variable
                        .name
                        .eq_ignore_ascii_case("AvailabilityState")
            });
            let state = |event: &$version::EventData<'_>| {
                let evse = event.component.evse.as_ref()?;
                let status = <$version::ConnectorStatus as Word>::parse(&event.actual_value)?;
                let occurred = moment(Some(&event.timestamp), received_at);
                Some($reported((evse.id, evse.connector_id?), status, occurred))
            };
            events.filter_map(state).collect()
        }

        fn $reported(
            (evse_id, connector_id): (u32, u32),
            status: $version::ConnectorStatus,
            occurred: Moment,
        ) -> StatusReported {
            use fleet::record::ConnectorStatus;

            let connector_status = match status {
                $version::ConnectorStatus::Available => ConnectorStatus::Available,
                $version::ConnectorStatus::Occupied => ConnectorStatus::Occupied,
                $version::ConnectorStatus::Reserved => ConnectorStatus::Reserved,
                $version::ConnectorStatus::Unavailable => ConnectorStatus::Unavailable,
                $version::ConnectorStatus::Faulted => ConnectorStatus::Faulted,
            };
            StatusReported {
                evse_id,
                connector_id,
                status: connector_status.code(),
                status_reported: status.as_str().to_owned(),
                error_code: String::new(),
                vendor_error_code: String::new(),
                vendor_id: String::new(),
                info: String::new(),
                occurred,
                live: true,
                retry: Retry::default(),
            }
        }

        /// A token, shown at an EVSE.
        pub(super) fn $shown<'a>(id_token: &'a $version::IdToken<'_>, evse_id: u32) -> Shown<'a> {
            Shown {
                id: &id_token.id_token,
                kind: $token_type(&id_token.kind),
                is_payment: $is_payment(&id_token.kind),
                evse_id,
            }
        }

        /// A certificate whose status is asked for.
        pub(super) fn $status_ask(data: &$version::OcspRequestData<'_>) -> StatusAsk {
            StatusAsk {
                algorithm: data.hash_algorithm.as_str().to_owned(),
                issuer_name_hash: data.issuer_name_hash.to_string(),
                issuer_key_hash: data.issuer_key_hash.to_string(),
                serial_number: data.serial_number.to_string(),
                source: Source::Responder,
                urls: vec![data.responder_url.to_string()],
            }
        }

        /// A transaction's event, without its meter values, and the token in it.
        pub(super) fn $report<'a>(
            event: &'a $version::TransactionEvent<'_>,
            received_at: UtcMicros,
        ) -> (TransactionReport<'a>, Option<Shown<'a>>) {
            let info = &event.transaction_info;
            let evse = event.evse.as_ref();
            let evse_id = evse.map_or(0, |evse| evse.id);
            let id_token = event.id_token.as_ref();
            let shown = id_token.map(|id_token| $shown(id_token, evse_id));
            let report = TransactionReport {
                kind: match event.event_type {
                    $version::TransactionEventType::Started => TransactionEventKind::Started,
                    $version::TransactionEventType::Updated => TransactionEventKind::Updated,
                    $version::TransactionEventType::Ended => TransactionEventKind::Ended,
                },
                ocpp_id: &info.transaction_id,
                evse_id,
                connector_id: evse.and_then(|evse| evse.connector_id).unwrap_or(0),
                seq_no: i64::try_from(event.seq_no).unwrap_or(i64::MAX),
                trigger_reason: event.trigger_reason.as_str(),
                charging_state: info.charging_state.map_or("", Word::as_str),
                stop_reason: info.stopped_reason.map_or("", Word::as_str),
                id_token: shown.map(|shown| shown.id),
                remote_start_id: info.remote_start_id.unwrap_or(-1),
                offline: event.offline.unwrap_or(false),
                occurred: moment(Some(&event.timestamp), received_at),
                reservation_id: event.reservation_id.map(i64::from),
                tariff_id: None,
                driver_tariff: None,
                cost_details: None,
                limits: None,
            };
            (report, shown)
        }
    };
}

both!(
    v201,
    kind_201,
    is_payment_201,
    booted_201,
    status_201,
    states_201,
    reported_201,
    shown_201,
    report_201,
    status_ask_201
);
both!(
    v21,
    kind_21,
    is_payment_21,
    booted_21,
    status_21,
    states_21,
    reported_21,
    shown_21,
    report_21,
    status_ask_21
);

fn kind_201(kind: &v201::IdTokenType) -> Option<TokenType> {
    Some(token_type(*kind))
}

/// The types of 2.1 are an open list; one that 2.0.1 does not have says nothing about the token.
fn kind_21(kind: &str) -> Option<TokenType> {
    <v201::IdTokenType as Word>::parse(kind).map(token_type)
}

/// 2.0.1 has no payments.
fn is_payment_201(_: &v201::IdTokenType) -> bool {
    false
}

fn is_payment_21(kind: &str) -> bool {
    kind == "DirectPayment"
}

/// How a reservation ended.
pub(super) fn reservation_201(status: v201::ReservationUpdateStatus) -> ReservationState {
    match status {
        v201::ReservationUpdateStatus::Expired => ReservationState::Expired,
        v201::ReservationUpdateStatus::Removed => ReservationState::Removed,
    }
}

/// How a reservation ended.
pub(super) fn reservation_21(status: v21::ReservationUpdateStatus) -> ReservationState {
    match status {
        v21::ReservationUpdateStatus::Expired => ReservationState::Expired,
        v21::ReservationUpdateStatus::Removed => ReservationState::Removed,
        v21::ReservationUpdateStatus::NoTransaction => ReservationState::NoTransaction,
    }
}
