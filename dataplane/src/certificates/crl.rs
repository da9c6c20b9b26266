//! Whether a certificate stands on its issuer's list of revoked ones (RFC 5280, section 5), fetched from where the
//! configuration allows it, and remembered until the list says that there will be a newer one.
//!
//! A list says something about every certificate of its issuer, so only a whole one counts: of all reasons, by the issuer
//! itself, of the place that the station names, and without anything critical that is not understood. What is read of it is
//! kept: its end, and the serial numbers.

pub(super) mod list;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use fleet::UtcMicros;
use ureq::Agent;

use super::config::{CrlConfig, ServicesError, read_certificates};
use super::http::{Address, HttpError, agent, check_url, get};
use super::ocsp::{StatusAsk, StatusFound};
use list::List;

/// Longest list, bytes: some 100,000 certificates.
const LIST_LEN_MAX: u64 = 4 << 20;
/// Lists that are remembered; for one more the oldest goes.
const LISTS_MAX: usize = 1_000;
/// Serial numbers on all of them: 32 MiB.
const SERIALS_MAX: usize = (32 << 20) / size_of::<list::Serial>();
/// How long one is remembered at most: it is replaced before its end where a certificate is revoked in a hurry.
const KEPT_MICROS_MAX: i64 = 24 * 3_600 * 1_000_000;

// One list alone fits: a certificate takes more bytes on it than are kept of it.
const _: () = assert!(LIST_LEN_MAX as usize / size_of::<list::Serial>() < SERIALS_MAX);

#[derive(Debug, thiserror::Error)]
pub(super) enum CrlError {
    #[error("the certificate is not named by hashes and a serial number in hexadecimal digits")]
    Ask,
    #[error("{url:?} is not among crl.addresses")]
    NotAllowed { url: String },
    #[error("no list is named")]
    NoList,
    #[error(transparent)]
    Http(#[from] HttpError),
    #[error("the list is no CertificateList in DER")]
    Structure,
    #[error("the list is not of now")]
    Stale,
    #[error("the list has the critical extension {0}, which nobody here knows")]
    Critical(String),
    #[error("the list is a part: of some reasons, of attributes, or of other issuers")]
    Partial,
    #[error("the list is of another issuer")]
    OtherIssuer,
    #[error("the list is for another address than the station names")]
    OtherAddress,
    #[error("the list is not signed by the certificate's issuer")]
    Signature,
}

/// The lists.
#[derive(Debug)]
pub(super) struct Lists {
    agent: Agent,
    allowed: Vec<Address>,
    /// Certificates of issuers, in DER.
    issuers: Vec<Vec<u8>>,
    /// By URL; shared by the threads that ask.
    kept: Mutex<HashMap<String, Kept>>,
}

#[derive(Debug)]
struct Kept {
    list: Arc<List>,
    since: UtcMicros,
}

impl Kept {
    fn counts(&self, now: UtcMicros) -> bool {
        now.0 < self.list.next_update.0.min(self.since.0 + KEPT_MICROS_MAX)
    }
}

impl Lists {
    pub(super) fn new(config: &CrlConfig) -> Result<Self, ServicesError> {
        let allowed = config.addresses.iter().map(|url| check_url(url));
        Ok(Self {
            agent: agent(config.timeout, config.roots.as_deref())?,
            allowed: allowed.collect::<Result<_, _>>()?,
            issuers: read_certificates(config.issuers.as_deref())?,
            kept: Mutex::default(),
        })
    }

    /// The status of a certificate by the first list that has one, fetched or from memory.
    pub(super) fn status(&self, ask: &StatusAsk, now: UtcMicros) -> Result<StatusFound, CrlError> {
        let mut problem = CrlError::NoList;
        for url in &ask.urls {
            let list = self.list(url, now);
            match list.and_then(|list| list.status(ask, &self.issuers)) {
                Ok(found) => return Ok(found),
                Err(error) => problem = error,
            }
        }
        Err(problem)
    }

    fn list(&self, url: &str, now: UtcMicros) -> Result<Arc<List>, CrlError> {
        let is_allowed = Address::parse(url)
            .is_ok_and(|address| self.allowed.iter().any(|allowed| allowed.covers(&address)));
        if !is_allowed {
            let url = url.chars().take(200).collect();
            return Err(CrlError::NotAllowed { url });
        }
        if let Some(list) = self.remembered(url, now) {
            return Ok(list);
        }
        let headers = [("Accept", "application/pkix-crl")];
        let der = get(&self.agent, url, headers.into_iter(), LIST_LEN_MAX)?;
        let list = Arc::new(List::read(&der, &self.issuers, now)?);
        self.remember(url, &list, now);
        Ok(list)
    }

    fn remembered(&self, url: &str, now: UtcMicros) -> Option<Arc<List>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = kept.get(url).filter(|kept| kept.counts(now))?;
        Some(Arc::clone(&kept.list))
    }

    fn remember(&self, url: &str, list: &Arc<List>, now: UtcMicros) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.remove(url);
        kept.retain(|_, kept| kept.counts(now));
        let mut serials: usize = kept.values().map(|kept| kept.list.len()).sum();
        while LISTS_MAX <= kept.len() || SERIALS_MAX < serials + list.len() {
            let oldest = kept.iter().min_by_key(|(_, kept)| kept.since);
            let Some(oldest) = oldest.map(|(url, _)| url.clone()) else {
                break;
            };
            let gone = kept.remove(&oldest);
            serials -= gone.map_or(0, |gone| gone.list.len());
        }
        kept.insert(
            url.to_owned(),
            Kept {
                list: Arc::clone(list),
                since: now,
            },
        );
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::tests::lists::{Revoker, Said};
    use super::*;

    /// 2026-11-22T10:00:00Z.
    const NOW: i64 = 1_795_341_600_000_000;

    #[test]
    fn for_one_more_list_than_are_remembered_the_oldest_goes() {
        let config = CrlConfig {
            addresses: Vec::new(),
            roots: None,
            issuers: None,
            timeout: Duration::from_secs(60),
        };
        let lists = Lists::new(&config).unwrap();
        let der = Revoker::new("OEM Sub").list(&Said::default());
        let list = Arc::new(List::read(&der, &[], UtcMicros(NOW)).unwrap());
        let at = |second: usize| UtcMicros(NOW + second as i64 * 1_000_000);
        for second in 0..=LISTS_MAX {
            lists.remember(&second.to_string(), &list, at(second));
        }
        let has = |url: usize| lists.remembered(&url.to_string(), at(LISTS_MAX)).is_some();
        assert_eq!([has(0), has(1), has(LISTS_MAX)], [false, true, true]);
        // What is fetched again takes its own place.
        lists.remember("1", &list, at(LISTS_MAX + 1));
        assert_eq!([has(1), has(2)], [true, true]);
    }
}
