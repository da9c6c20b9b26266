//! Whether a certificate is revoked (RFC 6960), asked of responders that the configuration lists, and remembered until
//! the answer says that there will be a newer one.
//!
//! Where nothing else is configured, no nonce is sent: responders answer with what they have signed beforehand, and an answer
//! counts for as long as it says. An answer with a nonce, asked for or not, is told once and not remembered.

pub(super) mod answer;
mod nonce;

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use fleet::UtcMicros;
use ureq::Agent;
use x509_cert::der::Encode;
use x509_cert::der::asn1::{Null, ObjectIdentifier, OctetString};
use x509_cert::serial_number::SerialNumber;
use x509_cert::spki::AlgorithmIdentifierOwned;
use x509_ocsp::{CertId, OcspRequest, OcspResponseStatus, Request, TbsRequest};

use super::config::{OcspConfig, ServicesError, read_certificates};
use super::hash::{HashAlgorithm, unhex};
use super::http::{Address, HttpError, agent, check_url, post};

/// Longest answer of a responder, bytes: `ocspResult` of 2.1 has 18,000 characters of base64.
const ANSWER_LEN_MAX: u64 = 13_500;
/// Answers that are remembered.
const CACHE_LEN_MAX: usize = 10_000;
/// How long one is remembered at most: a responder's own view may change before the end that it named (M06.FR.10 lets a
/// station ask once a week).
const KEPT_MICROS_MAX: i64 = 24 * 3_600 * 1_000_000;

/// Which certificate, as a station names it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct StatusAsk {
    pub(crate) algorithm: String,
    pub(crate) issuer_name_hash: String,
    pub(crate) issuer_key_hash: String,
    pub(crate) serial_number: String,
    /// What to ask.
    pub(crate) source: Source,
    /// Where, in order.
    pub(crate) urls: Vec<String>,
}

/// Who tells whether a certificate is revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Source {
    /// A responder (OCSP).
    Responder,
    /// A list of its issuer's (CRL).
    List,
}

/// What a responder says, or a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StatusFound {
    pub(crate) status: Status,
    /// `OCSPResponse` in DER; nothing where a list has told.
    pub(crate) answer: Vec<u8>,
    /// Until when it counts.
    pub(crate) next_update: UtcMicros,
    /// Whether its signature was checked and found good; `false` where the issuer's certificate is not known.
    pub(crate) is_proven: bool,
    /// Whether it was made for this one question, and is nobody else's.
    pub(crate) is_for_once: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Good,
    Revoked,
    Unknown,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum OcspError {
    #[error("the certificate is not named by hashes and a serial number in hexadecimal digits")]
    Ask,
    #[error("{url:?} is not among ocsp.responders")]
    NotAllowed { url: String },
    #[error("no responder is named")]
    NoResponder,
    #[error(transparent)]
    Http(#[from] HttpError),
    #[error("the responder's answer is no OCSP response in DER")]
    Structure,
    #[error("the responder answers {0:?}")]
    Refused(OcspResponseStatus),
    #[error("the responder's answer is about another certificate")]
    Other,
    #[error("the responder's answer is not of now")]
    Stale,
    #[error("the system gives no random bytes for a nonce")]
    Random,
    #[error("the responder's answer has a nonce that is none, 1 to 128 bytes are expected")]
    NonceForm,
    #[error("the responder's answer has the nonce of another question")]
    NonceOther,
    #[error("the responder's answer does not repeat the nonce of the question")]
    NonceMissing,
    #[error("the responder's answer has the critical extension {0}, which nobody here knows")]
    Critical(String),
    #[error(
        "the responder's answer is signed neither by the certificate's issuer nor by whom that lets answer"
    )]
    Signature,
}

/// The responders, and what they have said.
#[derive(Debug)]
pub(super) struct Responders {
    agent: Agent,
    allowed: Vec<Address>,
    /// Certificates of issuers, in DER.
    issuers: Vec<Vec<u8>>,
    /// Each question has a nonce, which its answer has to repeat.
    asks_anew: bool,
    /// Shared by the threads that ask.
    cache: Mutex<HashMap<StatusAsk, StatusFound>>,
}

impl Responders {
    pub(super) fn new(config: &OcspConfig) -> Result<Self, ServicesError> {
        let allowed = config.responders.iter().map(|url| check_url(url));
        Ok(Self {
            agent: agent(config.timeout, config.roots.as_deref())?,
            allowed: allowed.collect::<Result<_, _>>()?,
            issuers: read_certificates(config.issuers.as_deref())?,
            asks_anew: config.nonce,
            cache: Mutex::default(),
        })
    }

    /// Certificates in DER of those whose certificates are asked about.
    pub(super) fn issuers(&self) -> &[Vec<u8>] {
        &self.issuers
    }

    /// The status of a certificate, from memory or from the first responder that gives one. `shown` are certificates in
    /// DER that may be its issuer's, beside those of the configuration.
    pub(super) fn status(
        &self,
        ask: &StatusAsk,
        shown: &[Vec<u8>],
        now: UtcMicros,
    ) -> Result<StatusFound, OcspError> {
        // Whoever shows the issuer's certificate can have a proof.
        let remembered = self.remembered(ask, now);
        if let Some(found) = remembered.filter(|found| found.is_proven || shown.is_empty()) {
            return Ok(found);
        }
        let issuers = [shown, &self.issuers].concat();
        let wanted = cert_id(ask).ok_or(OcspError::Ask)?;
        let mut problem = OcspError::NoResponder;
        for url in &ask.urls {
            match self.ask(ask, &wanted, &issuers, url, now) {
                Ok(found) => {
                    if !found.is_for_once {
                        self.remember(ask, &found, now);
                    }
                    return Ok(found);
                }
                Err(error) => problem = error,
            }
        }
        Err(problem)
    }

    fn ask(
        &self,
        ask: &StatusAsk,
        wanted: &CertId,
        issuers: &[Vec<u8>],
        url: &str,
        now: UtcMicros,
    ) -> Result<StatusFound, OcspError> {
        let is_allowed = Address::parse(url)
            .is_ok_and(|address| self.allowed.iter().any(|allowed| allowed.covers(&address)));
        if !is_allowed {
            let url = url.chars().take(200).collect();
            return Err(OcspError::NotAllowed { url });
        }
        let headers = [
            ("Content-Type", "application/ocsp-request"),
            ("Accept", "application/ocsp-response"),
        ];
        let nonce = match self.asks_anew {
            true => Some(nonce::new().ok_or(OcspError::Random)?),
            false => None,
        };
        let request = request(wanted, nonce.as_ref()).ok_or(OcspError::Ask)?;
        let answer = post(
            &self.agent,
            url,
            headers.into_iter(),
            &request,
            ANSWER_LEN_MAX,
        )?;
        answer::read(answer, ask, wanted, nonce.as_ref(), issuers, now)
    }

    fn remembered(&self, ask: &StatusAsk, now: UtcMicros) -> Option<StatusFound> {
        let cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        cache
            .get(ask)
            .filter(|found| now < found.next_update)
            .cloned()
    }

    fn remember(&self, ask: &StatusAsk, found: &StatusFound, now: UtcMicros) {
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        if cache.len() == CACHE_LEN_MAX {
            cache.retain(|_, found| now < found.next_update);
        }
        // One too many is asked for again: that is slower, and no less right.
        if cache.len() < CACHE_LEN_MAX {
            let until = found.next_update.min(UtcMicros(now.0 + KEPT_MICROS_MAX));
            cache.insert(
                ask.clone(),
                StatusFound {
                    next_update: until,
                    ..found.clone()
                },
            );
        }
    }
}

pub(super) fn cert_id(ask: &StatusAsk) -> Option<CertId> {
    // NIST's arc of hash functions.
    let id = match HashAlgorithm::parse(&ask.algorithm)? {
        HashAlgorithm::Sha256 => "2.16.840.1.101.3.4.2.1",
        HashAlgorithm::Sha384 => "2.16.840.1.101.3.4.2.2",
        HashAlgorithm::Sha512 => "2.16.840.1.101.3.4.2.3",
    };
    let hash =
        |digits: &str| OctetString::new(unhex(digits).filter(|bytes| !bytes.is_empty())?).ok();
    let serial = unhex(&ask.serial_number).filter(|bytes| !bytes.is_empty())?;
    Some(CertId {
        hash_algorithm: AlgorithmIdentifierOwned {
            oid: ObjectIdentifier::new(id).ok()?,
            parameters: Some(Null.into()),
        },
        issuer_name_hash: hash(&ask.issuer_name_hash)?,
        issuer_key_hash: hash(&ask.issuer_key_hash)?,
        serial_number: SerialNumber::new(&serial).ok()?,
    })
}

fn request(wanted: &CertId, nonce: Option<&nonce::Nonce>) -> Option<Vec<u8>> {
    let request_extensions = match nonce {
        Some(nonce) => Some(vec![nonce::extension(nonce)?]),
        None => None,
    };
    let request = OcspRequest {
        tbs_request: TbsRequest {
            request_list: vec![Request {
                req_cert: wanted.clone(),
                single_request_extensions: None,
            }],
            request_extensions,
            ..TbsRequest::default()
        },
        optional_signature: None,
    };
    request.to_der().ok()
}
