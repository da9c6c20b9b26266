//! Certificates of stations: signed on request (OCPP 2.0.1 Part 2, A02 and A03), and known by the stations' own answers
//! (M03 to M05).
//!
//! A request is checked before it is answered, and goes to the CA when the answer is durable. The certificate goes to the
//! station as a command, once: a station that misses it asks again by itself (A02.FR.17), and an operator sees why.
//! Nothing stays in memory: the newest record of a station's certificates is looked up among the rows.

mod installed;

use fleet::record::{CommandState, SigningRequest, SigningState, StationCertificates};
use fleet::wire::Fact;
use ocpp::{Call, CallError, Version, Word, v16, v21, v201};
use storage::state::Table;

use super::calls::{Answer, Inbound, Leave};
use super::errands::{ANSWER_WAIT, Held, Purpose, SIGNING_WAIT};
use super::projection::certificates_key;
use super::waiting::Ready;
use super::{Now, Shard, StoreUnreadable, read_record_row};
use crate::CommandId;
use crate::certificates::{CSR_LEN_MAX, CertificateUse, Signed, Wish};
use crate::variables::Named;
use crate::variables::row::Name;

/// Requests that are kept; also the most that may be allowed within an hour.
const REQUESTS_MAX: usize = 16;
const HOUR_MICROS: u64 = 3_600 * 1_000_000;
/// EVSEs whose controllers towards vehicles are looked for.
const EVSES_MAX: u32 = 16;
/// Longest `additionalInfo` of 2.0.1, characters.
const INFO_CHARS_MAX: usize = 512;
/// Who sends what nobody asked for by hand.
const OURSELVES: &str = "sigec";

/// A SignCertificate.
pub(super) struct Asked<'a> {
    pub(super) csr: &'a str,
    /// Empty where the station names none.
    pub(super) certificate_type: &'a str,
    pub(super) request_id: Option<i64>,
}

/// A SignCertificate that is being checked.
pub(super) struct Request {
    csr: String,
    certificate_type: String,
    request_id: Option<i64>,
    usage: CertificateUse,
}

/// What the status of a certificate is asked for.
pub(super) enum StatusKind {
    /// GetCertificateStatus.
    One,
    /// GetCertificateChainStatus, with what its answer repeats.
    Chain(Vec<ChainAsked>),
}

/// One certificate of a GetCertificateChainStatus.
pub(super) struct ChainAsked {
    pub(super) hash_algorithm: v21::HashAlgorithm,
    pub(super) issuer_name_hash: String,
    pub(super) issuer_key_hash: String,
    pub(super) serial_number: String,
    pub(super) source: v21::CertificateStatusSource,
}

impl ChainAsked {
    pub(super) fn hash_21(&self) -> v21::CertificateHashData<'_> {
        v21::CertificateHashData {
            hash_algorithm: self.hash_algorithm,
            issuer_name_hash: self.issuer_name_hash.as_str().into(),
            issuer_key_hash: self.issuer_key_hash.as_str().into(),
            serial_number: self.serial_number.as_str().into(),
        }
    }
}

/// Why a request is refused: a reason code of 2.x, and what an operator reads.
pub(super) struct Refusal(pub(super) &'static str, pub(super) String);

impl Shard {
    /// A station asks for a certificate; the answer waits until the request has been checked.
    pub(super) fn sign_certificate(
        &mut self,
        now: Now,
        version: Version,
        call: Inbound<'_>,
        asked: Asked<'_>,
    ) -> Result<(), StoreUnreadable> {
        let held = Held::new(version, call);
        let usage = match self.may_ask(now, call.station, &asked)? {
            Ok(usage) => usage,
            Err(refusal) => {
                self.answer_signing(now, &held, Some(refusal));
                return Ok(());
            }
        };
        let names = self.names_of(call.station, usage)?;
        let wish = Wish::Check {
            csr: asked.csr.to_owned(),
            names,
        };
        let request = Request {
            csr: asked.csr.to_owned(),
            certificate_type: asked.certificate_type.to_owned(),
            request_id: asked.request_id,
            usage,
        };
        let purpose = Purpose::Check { held, request };
        if let Some(errand) = self.begin_errand(now, wish, purpose, ANSWER_WAIT) {
            self.send_errand(errand);
        }
        Ok(())
    }

    /// What can be told without reading the request.
    fn may_ask(
        &mut self,
        now: Now,
        station: u32,
        asked: &Asked<'_>,
    ) -> Result<Result<CertificateUse, Refusal>, StoreUnreadable> {
        let Some(ca) = self.config.certificates.ca.as_ref() else {
            return Ok(Err(Refusal("NotEnabled", String::new())));
        };
        let per_hour_max = ca.requests_per_hour_max.min(REQUESTS_MAX);
        let usage = match asked.certificate_type {
            "" => Some(CertificateUse::ChargingStation),
            word => CertificateUse::parse(word),
        };
        let Some(usage) = usage.filter(|usage| ca.uses.contains(usage)) else {
            let reason = format!("no {} is signed here", asked.certificate_type);
            return Ok(Err(Refusal("NotEnabled", reason)));
        };
        if CSR_LEN_MAX < asked.csr.len() {
            let len = asked.csr.len();
            let reason = format!("csr has {len} bytes, at most {CSR_LEN_MAX} are allowed");
            return Ok(Err(Refusal("InvalidCSR", reason)));
        }
        let known = self.certificates(station)?;
        let is_late =
            |request: &&SigningRequest| now.utc.0.abs_diff(request.requested_at) < HOUR_MICROS;
        let lately = known.requests.iter().filter(is_late).count();
        if per_hour_max <= lately || self.is_checking(station) {
            let reason = format!("more than {per_hour_max} requests within an hour");
            return Ok(Err(Refusal("TooManyRequests", reason)));
        }
        Ok(Ok(usage))
    }

    /// What a subject may call a station: its identity or its serial number (A00.FR.511), and towards vehicles also the
    /// `SeccId` of its controllers.
    fn names_of(
        &mut self,
        station: u32,
        usage: CertificateUse,
    ) -> Result<Vec<String>, StoreUnreadable> {
        let state = &self.stations[station].state;
        let key = state.key.clone();
        let mut names = vec![key.identity().to_owned()];
        let boot = state.details();
        let serial_number = boot.boot.as_ref().map(|boot| boot.texts()[2].to_owned());
        names.extend(serial_number.filter(|serial_number| !serial_number.is_empty()));
        if usage == CertificateUse::ChargingStation {
            return Ok(names);
        }
        for evse_id in 0..=EVSES_MAX {
            let name = Name {
                component: named("ISO15118Ctrlr"),
                evse_id,
                variable: named("SeccId"),
                ..Name::default()
            };
            let value = self.variable(station, &name)?;
            names.extend(value.filter(|value| !value.is_empty()));
        }
        Ok(names)
    }

    /// A request was checked: `checked` is its subject, or why it is not in order.
    pub(super) fn request_checked(
        &mut self,
        now: Now,
        held: &Held,
        request: Request,
        checked: Result<String, Refusal>,
    ) {
        // A station that is gone has heard nothing, and asks again.
        if self.conns.live_mut(held.conn).is_none() {
            return;
        }
        let Ok(mut known) = self.certificates(held.station) else {
            let error = CallError::from(StoreUnreadable);
            return self.refuse_call(now, held.version, held.call(), &error);
        };
        // Its name among the others: the clock may stand still, or go back.
        let mut requested_at = now.utc.0;
        while known
            .requests
            .iter()
            .any(|r| r.requested_at == requested_at)
        {
            requested_at += 1;
        }
        let state = match &checked {
            Ok(_) => SigningState::Requested,
            Err(_) => SigningState::Refused,
        };
        let (subject, reason) = match &checked {
            Ok(subject) => (subject.clone(), String::new()),
            Err(Refusal(_, reason)) => (String::new(), reason.clone()),
        };
        if known.requests.len() == REQUESTS_MAX {
            known.requests.remove(0);
        }
        known.requests.push(SigningRequest {
            requested_at,
            certificate_type: request.certificate_type,
            request_id: request.request_id,
            state: state.code(),
            changed_at: now.utc.0,
            subject,
            reason,
            command_id: None,
            serial_number: String::new(),
            not_after: None,
        });
        self.record(now, held.station, &known);
        let refusal = checked.err();
        let is_refused = refusal.is_some();
        self.answer_signing(now, held, refusal);
        if is_refused {
            return;
        }
        let station = held.station;
        let wish = Wish::Sign {
            csr: request.csr,
            station: self.stations[station].state.key.clone(),
            usage: request.usage,
        };
        let purpose = Purpose::Sign {
            station,
            requested_at,
        };
        // It goes out when the answer before it may.
        if let Some(errand) = self.begin_errand(now, wish, purpose, SIGNING_WAIT) {
            let last = self.journal.last();
            self.waiting.push(last, Ready::Errand(Box::new(errand)));
        }
    }

    fn answer_signing(&mut self, now: Now, held: &Held, refusal: Option<Refusal>) {
        let answer = match held.version {
            Version::V16 => Answer::V16(
                v16::SignCertificateResponse {
                    status: match refusal {
                        None => v16::GenericStatus::Accepted,
                        Some(_) => v16::GenericStatus::Rejected,
                    },
                }
                .into(),
            ),
            // The same in 2.1.
            Version::V201 | Version::V21 => Answer::V201(
                v201::SignCertificateResponse {
                    status: match refusal {
                        None => v201::GenericStatus::Accepted,
                        Some(_) => v201::GenericStatus::Rejected,
                    },
                    status_info: refusal
                        .as_ref()
                        .map(|Refusal(code, reason)| info_201(code, reason)),
                }
                .into(),
            ),
        };
        self.answer(now, held.call(), Leave::WhenDurable, answer);
    }

    /// The CA has signed a request, or has not.
    pub(super) fn request_signed(
        &mut self,
        now: Now,
        station: u32,
        requested_at: i64,
        signed: Result<Signed, String>,
    ) {
        let key = self.stations[station].state.key.clone();
        let Ok(mut known) = self.certificates(station) else {
            tracing::error!(station = %key, "a signed certificate is lost: its request cannot be looked up");
            return;
        };
        let mut requests = known.requests.iter_mut();
        let Some(request) = requests.find(|request| request.requested_at == requested_at) else {
            return;
        };
        request.changed_at = now.utc.0;
        let failure = match signed {
            Ok(signed) => {
                request.serial_number = signed.serial_number;
                request.not_after = Some(signed.not_after);
                let sent = self.send_certificate(now, station, request, &signed.chain);
                match sent {
                    Ok(command) => {
                        request.command_id = Some(command.0);
                        let command = self.commands.get(&command);
                        match command.and_then(|c| CommandState::from_code(c.record.state)) {
                            Some(CommandState::Offline) => {
                                Some("the station is offline".to_owned())
                            }
                            Some(CommandState::QueueFull) => {
                                Some("too many commands wait for the station".to_owned())
                            }
                            Some(_) | None => None,
                        }
                    }
                    Err(reason) => Some(reason),
                }
            }
            Err(reason) => Some(reason),
        };
        request.state = match &failure {
            None => SigningState::Signed,
            Some(_) => SigningState::Failed,
        }
        .code();
        if let Some(reason) = failure {
            // The station only waits; whoever operates it is to look into this (A02, error handling).
            tracing::warn!(station = %key, subject = %request.subject, %reason, "no certificate for a station");
            request.reason = reason;
        }
        self.record(now, station, &known);
    }

    /// Sends a certificate, in the words of the station's version (A02.FR.14).
    fn send_certificate(
        &mut self,
        now: Now,
        station: u32,
        request: &SigningRequest,
        chain: &str,
    ) -> Result<CommandId, String> {
        let mut payload = Vec::new();
        let word = &*request.certificate_type;
        match self.stations[station].state.protocol {
            Some(fleet::record::Protocol::Ocpp16) | None => v16::CertificateSigned {
                certificate_chain: chain.into(),
            }
            .write(&mut payload),
            Some(fleet::record::Protocol::Ocpp201) => v201::CertificateSigned {
                certificate_chain: chain.into(),
                certificate_type: <v201::CertificateSigningUse as Word>::parse(word),
            }
            .write(&mut payload),
            Some(fleet::record::Protocol::Ocpp21) => v21::CertificateSigned {
                certificate_chain: chain.into(),
                certificate_type: <v21::CertificateSigningUse as Word>::parse(word),
                request_id: request.request_id,
            }
            .write(&mut payload),
        }
        let payload = String::from_utf8(payload).unwrap_or_default();
        let action = "CertificateSigned".to_owned();
        self.check_command(station, &action, &payload)
            .map_err(|refused| refused.to_string())?;
        Ok(self.make_command(now, station, action, payload, OURSELVES.to_owned(), None))
    }

    /// A station has answered `call`, which was `command`, with `answer`: what it has of certificates may be others now.
    pub(super) fn note_certificates(
        &mut self,
        now: Now,
        station: u32,
        command: CommandId,
        call: &Call,
        answer: &str,
    ) {
        let is_about = matches!(
            &*call.action,
            "CertificateSigned"
                | "DeleteCertificate"
                | "GetInstalledCertificateIds"
                | "InstallCertificate"
        );
        if !is_about {
            return;
        }
        let Ok(before) = self.certificates(station) else {
            tracing::warn!(action = %call.action, "certificates of a station cannot be looked up, and stay as noted");
            return;
        };
        let mut known = before.clone();
        if call.action == "CertificateSigned" {
            installed::note_signed(&mut known, now.utc, command, answer);
        } else {
            installed::note(&mut known, now.utc, &call.action, &call.payload, answer);
        }
        if known != before {
            self.record(now, station, &known);
        }
    }

    /// What is known of a station's certificates.
    pub(super) fn certificates(
        &mut self,
        station: u32,
    ) -> Result<StationCertificates, StoreUnreadable> {
        let key = self.stations[station].state.key.clone();
        let row_key = certificates_key(&mut self.scratch.canonical, key.as_str());
        let row = self.row(Table::Certificates, row_key)?;
        let fact = row.as_deref().and_then(|row| {
            let (_, record) = read_record_row(row)?;
            record.body.to_fact().ok()
        });
        Ok(match fact {
            Some(Fact::StationCertificates(certificates)) => certificates,
            Some(_) | None => StationCertificates::default(),
        })
    }

    /// A station is forgotten, and so is what was known of its certificates.
    pub(super) fn forget_certificates(&mut self, now: Now, station: u32) {
        let known = self.certificates(station);
        if known.is_ok_and(|known| known != StationCertificates::default()) {
            self.record(now, station, &StationCertificates::default());
        }
    }
}

fn named(name: &str) -> Named {
    Named {
        name: name.to_owned(),
        instance: String::new(),
    }
}

/// Why something is refused, in the words of 2.0.1; an empty reason says nothing beyond its code.
pub(super) fn info_201(code: &'static str, reason: &str) -> v201::StatusInfo<'static> {
    v201::StatusInfo {
        reason_code: code.into(),
        additional_info: additional(reason),
    }
}

/// As [`info_201`], of 2.1.
pub(super) fn info_21(code: &'static str, reason: &str) -> v21::StatusInfo<'static> {
    v21::StatusInfo {
        reason_code: code.into(),
        additional_info: additional(reason),
    }
}

fn additional<T: From<String>>(reason: &str) -> Option<T> {
    let text: String = reason.chars().take(INFO_CHARS_MAX).collect();
    (!text.is_empty()).then(|| text.into())
}
