//! The ISO 15118 calls that ask somebody else: contract certificates, and whether a certificate is revoked.

use ocpp::{MeterColumns, Policy, Timestamp, Version, Word, v21, v201};

use super::calls::{Answer, Inbound, Leave};
use super::certificates::{StatusKind, info_21, info_201};
use super::errands::{ANSWER_WAIT, Held, Purpose};
use super::tokens::{Authorization, Judgement, id_token_info};
use super::{Now, Shard};
use crate::certificates::{
    ChainAsk, ContractAsk, Outcome, Source, Status, StatusAsk, StatusFound, Wish, Worth,
};

/// Longest `ocspResult`, characters.
const OCSP_RESULT_201_MAX: usize = 5_500;
const OCSP_RESULT_21_MAX: usize = 18_000;

/// What a station shows of a vehicle's contract certificate.
pub(super) struct ShownCertificate {
    /// The certificate, and those above it.
    pub(super) chain: Option<ChainAsk>,
    /// What it names them by.
    pub(super) asks: Vec<StatusAsk>,
}

impl Shard {
    /// Asks for the status of certificates; the answer waits for it.
    pub(super) fn ask_statuses(
        &mut self,
        now: Now,
        version: Version,
        call: Inbound<'_>,
        kind: StatusKind,
        asks: Vec<StatusAsk>,
    ) {
        let held = Held::new(version, call);
        let config = &self.config.certificates;
        let knows = |source: Source| match source {
            Source::Responder => config.ocsp.is_some(),
            Source::List => config.crl.is_some(),
        };
        if !asks.iter().any(|ask| knows(ask.source)) {
            return self.statuses_found(now, &held, kind, Vec::new());
        }
        let purpose = Purpose::Status { held, kind };
        if let Some(errand) = self.begin_errand(now, Wish::Statuses(asks), purpose, ANSWER_WAIT) {
            self.send_errand(errand);
        }
    }

    /// Answers with what responders and lists have said; `found` is empty where nobody was asked, or in time.
    pub(super) fn statuses_found(
        &mut self,
        now: Now,
        held: &Held,
        kind: StatusKind,
        found: Vec<Result<StatusFound, String>>,
    ) {
        match kind {
            StatusKind::One => {
                let first = found.into_iter().next();
                self.status_found(now, held, first);
            }
            StatusKind::Chain(asked) => {
                let station = &self.stations[held.station].state.key;
                let mut found = found.into_iter();
                let statuses: Vec<_> = asked
                    .iter()
                    .map(|asked| {
                        let found = found.next().transpose().unwrap_or_else(|problem| {
                            tracing::warn!(%station, %problem, "the status of a certificate is not known");
                            None
                        });
                        let status = match found.as_ref().map(|found| found.status) {
                            // What we say ourselves of a certificate, its issuer has to have signed.
                            Some(Status::Good) if found.as_ref().is_some_and(|f| !f.is_proven) => {
                                v21::CertificateStatusType::Failed
                            }
                            Some(Status::Good) => v21::CertificateStatusType::Good,
                            Some(Status::Revoked) => v21::CertificateStatusType::Revoked,
                            Some(Status::Unknown) => v21::CertificateStatusType::Unknown,
                            None => v21::CertificateStatusType::Failed,
                        };
                        let next = found.map_or(now.utc, |found| found.next_update);
                        v21::CertificateStatus {
                            certificate_hash_data: asked.hash_21(),
                            source: asked.source,
                            status,
                            next_update: Timestamp::at(next.0),
                        }
                    })
                    .collect();
                let response = v21::GetCertificateChainStatusResponse {
                    certificate_status: statuses.into(),
                };
                let answer = Answer::V21(response.into());
                self.answer(now, held.call(), Leave::WhenDurable, answer);
            }
        }
    }

    fn status_found(&mut self, now: Now, held: &Held, found: Option<Result<StatusFound, String>>) {
        use base64::Engine;

        let len_max = match held.version {
            Version::V21 => OCSP_RESULT_21_MAX,
            Version::V16 | Version::V201 => OCSP_RESULT_201_MAX,
        };
        let result = match found {
            Some(Ok(found)) => {
                let text = base64::engine::general_purpose::STANDARD.encode(&found.answer);
                if text.len() <= len_max {
                    Ok(text)
                } else {
                    let len = text.len();
                    Err(format!(
                        "ocspResult has {len} characters, at most {len_max} are allowed"
                    ))
                }
            }
            Some(Err(reason)) => Err(reason),
            None if self.config.certificates.ocsp.is_some() => Err(LATE.to_owned()),
            None => Err(String::new()),
        };
        let (status, info) = match &result {
            Ok(_) => (v201::GetCertificateStatusType::Accepted, None),
            Err(reason) => {
                let code = if reason.is_empty() {
                    "NotEnabled"
                } else {
                    "NotFound"
                };
                (
                    v201::GetCertificateStatusType::Failed,
                    Some(info_201(code, reason)),
                )
            }
        };
        let response = v201::GetCertificateStatusResponse {
            status,
            status_info: info,
            ocsp_result: result.as_deref().ok().map(Into::into),
        };
        // The same in 2.1.
        let answer = if held.version == Version::V21 {
            Answer::V21(
                v21::GetCertificateStatusResponse {
                    status: match status {
                        v201::GetCertificateStatusType::Accepted => {
                            v21::GetCertificateStatusType::Accepted
                        }
                        v201::GetCertificateStatusType::Failed => {
                            v21::GetCertificateStatusType::Failed
                        }
                    },
                    status_info: result.as_ref().err().map(|reason| {
                        info_21(
                            if reason.is_empty() {
                                "NotEnabled"
                            } else {
                                "NotFound"
                            },
                            reason,
                        )
                    }),
                    ocsp_result: result.as_deref().ok().map(Into::into),
                }
                .into(),
            )
        } else {
            Answer::V201(response.into())
        };
        self.answer(now, held.call(), Leave::WhenDurable, answer);
    }

    /// Passes a vehicle's request on; the answer waits for the provider.
    pub(super) fn ask_contract(
        &mut self,
        now: Now,
        version: Version,
        call: Inbound<'_>,
        payload: String,
    ) {
        let held = Held::new(version, call);
        if self.config.certificates.contracts.is_none() {
            return self.contract_answered(now, &held, Err(String::new()));
        }
        let wish = Wish::Contract(ContractAsk {
            station: self.stations[call.station].state.key.clone(),
            version: version.subprotocol(),
            action: "Get15118EVCertificate",
            payload,
        });
        if let Some(errand) = self.begin_errand(now, wish, Purpose::Contract { held }, ANSWER_WAIT)
        {
            self.send_errand(errand);
        }
    }

    /// Answers with what the provider said, if it is what a station of this version may be told.
    pub(super) fn contract_answered(
        &mut self,
        now: Now,
        held: &Held,
        answer: Result<String, String>,
    ) {
        const ACTION: &str = "Get15118EVCertificate";
        let mut columns = MeterColumns::new();
        let problem = match &answer {
            Ok(text) if held.version == Version::V21 => {
                match v21::Response::decode(ACTION, text, Policy::Strict, &mut columns) {
                    Ok(decoded) => {
                        let answer = Answer::V21(decoded.message);
                        return self.answer(now, held.call(), Leave::WhenDurable, answer);
                    }
                    Err(error) => format!("the provider's answer: {error}"),
                }
            }
            Ok(text) => match v201::Response::decode(ACTION, text, Policy::Strict, &mut columns) {
                Ok(decoded) => {
                    let answer = Answer::V201(decoded.message);
                    return self.answer(now, held.call(), Leave::WhenDurable, answer);
                }
                Err(error) => format!("the provider's answer: {error}"),
            },
            Err(reason) => reason.clone(),
        };
        if !problem.is_empty() {
            let station = self.stations[held.station].state.key.clone();
            tracing::warn!(%station, %problem, "no contract certificate for a vehicle");
        }
        let code = if problem.is_empty() {
            "NotEnabled"
        } else {
            "InternalError"
        };
        let answer = if held.version == Version::V21 {
            Answer::V21(
                v21::Get15118EVCertificateResponse {
                    status: v21::Iso15118EVCertificateStatus::Failed,
                    status_info: Some(info_21(code, &problem)),
                    exi_response: "".into(),
                    remaining_contracts: None,
                }
                .into(),
            )
        } else {
            Answer::V201(
                v201::Get15118EVCertificateResponse {
                    status: v201::Iso15118EVCertificateStatus::Failed,
                    status_info: Some(info_201(code, &problem)),
                    exi_response: "".into(),
                }
                .into(),
            )
        };
        self.answer(now, held.call(), Leave::WhenDurable, answer);
    }

    /// Authorizes a vehicle by its contract certificate (C07): the token is judged already, the certificate is judged
    /// by the provider if there is one; else, where the station shows it and roots are configured, by the way to them
    /// and its revocation status; else by the status of what the station names.
    pub(super) fn authorize_contract(
        &mut self,
        now: Now,
        version: Version,
        call: Inbound<'_>,
        authorization: Authorization,
        shown: ShownCertificate,
        payload: impl FnOnce() -> String,
    ) {
        let held = Held::new(version, call);
        let config = &self.config.certificates;
        let ShownCertificate { chain, asks } = shown;
        let chain = chain.filter(|_| config.vehicle_roots.is_some() && config.ocsp.is_some());
        let wish = if config.contracts.is_some() {
            Wish::Contract(ContractAsk {
                station: self.stations[call.station].state.key.clone(),
                version: version.subprotocol(),
                action: "Authorize",
                payload: payload(),
            })
        } else if let Some(chain) = chain {
            Wish::Chain(chain)
        } else if config.ocsp.is_some() && !asks.is_empty() {
            Wish::Statuses(asks)
        } else {
            let nobody = Outcome::Contract(Err(String::new()));
            return self.contract_judged(now, &held, authorization, nobody);
        };
        let purpose = Purpose::Authorize {
            held,
            authorization,
        };
        if let Some(errand) = self.begin_errand(now, wish, purpose, ANSWER_WAIT) {
            self.send_errand(errand);
        }
    }

    /// Answers an Authorize with a contract certificate (C07.FR.13 to 17).
    pub(super) fn contract_judged(
        &mut self,
        now: Now,
        held: &Held,
        authorization: Authorization,
        outcome: Outcome,
    ) {
        use v201::AuthorizeCertificateStatus as Word201;

        let certificate = match outcome {
            Outcome::Contract(Ok(answer)) => certificate_status(&answer),
            Outcome::Statuses(found) => judge(&found),
            Outcome::Judged(Worth::Good) => Word201::Accepted,
            Outcome::Judged(Worth::Expired) => Word201::CertificateExpired,
            Outcome::Judged(Worth::Revoked) => Word201::CertificateRevoked,
            Outcome::Judged(Worth::Unproven(problem)) => {
                let station = self.stations[held.station].state.key.clone();
                tracing::warn!(%station, %problem, "a vehicle's certificate is refused");
                Word201::CertChainError
            }
            Outcome::Contract(Err(_))
            | Outcome::Checked(_)
            | Outcome::Signed(_)
            | Outcome::Vat(_) => Word201::CertChainError,
        };
        let is_cancelled = matches!(
            authorization.judgement,
            Judgement::Blocked | Judgement::Expired | Judgement::Invalid | Judgement::Unknown
        );
        let mut id_token_info = id_token_info(&authorization);
        let certificate = match certificate {
            Word201::Accepted if is_cancelled => Word201::ContractCancelled,
            Word201::Accepted => Word201::Accepted,
            Word201::CertificateExpired => {
                id_token_info.status = v201::AuthorizationStatus::Expired;
                Word201::CertificateExpired
            }
            refused => {
                id_token_info.status = v201::AuthorizationStatus::Invalid;
                refused
            }
        };
        let is_good = id_token_info.status == v201::AuthorizationStatus::Accepted;
        let response = v201::AuthorizeResponse {
            id_token_info,
            certificate_status: Some(certificate),
        };
        let terms = match is_good {
            true => self.driver_terms(held.station, &authorization),
            false => String::new(),
        };
        self.answer(
            now,
            held.call(),
            Leave::AtOnce,
            Answer::More(response.into(), terms),
        );
    }
}

const LATE: &str = "there was no answer in time";

/// What a provider says of a certificate; what it does not say in OCPP's words is no yes.
fn certificate_status(answer: &str) -> v201::AuthorizeCertificateStatus {
    let answer: serde_json::Value = serde_json::from_str(answer).unwrap_or_default();
    let word = answer
        .get("certificateStatus")
        .and_then(|word| word.as_str());
    word.and_then(<v201::AuthorizeCertificateStatus as Word>::parse)
        .unwrap_or(v201::AuthorizeCertificateStatus::CertChainError)
}

/// What responders say of a chain: all of it must be good, on the word of its issuers.
fn judge(found: &[Result<StatusFound, String>]) -> v201::AuthorizeCertificateStatus {
    let mut known = found.iter().flatten();
    if known.any(|found| found.status == Status::Revoked) {
        return v201::AuthorizeCertificateStatus::CertificateRevoked;
    }
    let is_good = |found: &Result<StatusFound, String>| {
        let found = found.as_ref();
        found.is_ok_and(|found| found.status == Status::Good && found.is_proven)
    };
    if !found.is_empty() && found.iter().all(is_good) {
        v201::AuthorizeCertificateStatus::Accepted
    } else {
        v201::AuthorizeCertificateStatus::CertChainError
    }
}
