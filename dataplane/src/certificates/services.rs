//! The threads that do what a shard does not wait for.

use std::error::Error;
use std::fmt::Write;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use fleet::{StationKey, UtcMicros};

use super::CertificateUse;
use super::ca::Ca;
use super::chain;
use super::config::{CaConfig, CertificatesConfig, HttpConfig, ServicesError, read_certificates};
use super::contracts;
use super::crl::Lists;
use super::csr;
use super::http::Server;
use super::ocsp::Responders;
use super::vat::Provider;

pub(crate) use super::chain::ChainAsk;
pub(crate) use super::contracts::ContractAsk;
pub(crate) use super::ocsp::{Source, Status, StatusAsk, StatusFound};
pub(crate) use super::vat::{VatAsk, VatFound};

/// Threads that ask other servers.
const ASKING_THREADS: usize = 4;
/// Threads that ask about stations at the door: their upgrade waits, and nothing that is asked on a connection, however slow its
/// server, is to keep them there.
const DOOR_THREADS: usize = 4;
/// Errands that wait for a thread of each lane; a shard hears at once that there is no room for another.
const ERRANDS_MAX: usize = 256;

/// What a shard wants done.
#[derive(Debug)]
pub(crate) struct Errand {
    /// Whose it is.
    pub(crate) shard: usize,
    /// Its name there.
    pub(crate) id: u64,
    pub(crate) wish: Wish,
    /// There for as long as the shard waits for it: until its deadline, or until the connection is gone that wants it.
    pub(crate) asker: Weak<()>,
}

impl Errand {
    /// True while somebody hears what comes of it.
    pub(crate) fn is_awaited(&self) -> bool {
        0 < self.asker.strong_count()
    }
}

#[derive(Debug)]
pub(crate) enum Wish {
    /// Is this request in order? `names` are what the subject may call the station.
    Check { csr: String, names: Vec<String> },
    /// A certificate for a request that is in order.
    Sign {
        csr: String,
        station: StationKey,
        usage: CertificateUse,
    },
    /// Are these certificates revoked?
    Statuses(Vec<StatusAsk>),
    /// Is this contract certificate good?
    Chain(ChainAsk),
    /// Is the certificate, in DER, revoked that a station has shown?
    Station(Vec<u8>),
    /// What a provider of contracts has to say.
    Contract(ContractAsk),
    /// Is this a VAT number?
    Vat(VatAsk),
}

/// What came of it; an error is one line for an operator.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// The subject of a request that is in order.
    Checked(Result<String, String>),
    Signed(Result<Signed, String>),
    Statuses(Vec<Result<StatusFound, String>>),
    Judged(Worth),
    Contract(Result<String, String>),
    Vat(Result<VatFound, String>),
}

/// What a contract certificate is worth, or a station's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Worth {
    /// It comes from a root of ours, and none that was asked about is revoked.
    Good,
    Expired,
    Revoked,
    /// It cannot be verified, and why.
    Unproven(String),
}

/// A certificate and those above it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Signed {
    /// PEM, leaf first.
    pub(crate) chain: String,
    pub(crate) serial_number: String,
    /// UTC microseconds.
    pub(crate) not_after: i64,
}

/// Everything that is configured. Cheap to share: what it holds never changes, but for what others have said.
#[derive(Debug, Default)]
pub(crate) struct Services {
    ca: Option<(CaConfig, Ca)>,
    responders: Option<Responders>,
    lists: Option<Lists>,
    contracts: Option<Server>,
    /// In DER.
    vehicle_roots: Vec<Vec<u8>>,
    vat: Option<Provider>,
}

impl Services {
    /// `vat` knows about VAT numbers.
    pub(crate) fn open(
        config: &CertificatesConfig,
        vat: Option<&HttpConfig>,
    ) -> Result<Self, ServicesError> {
        let ca = config.ca.as_ref();
        let ca = ca.map(|config| Ca::open(&config.signer).map(|ca| (config.clone(), ca)));
        Ok(Self {
            ca: ca.transpose()?,
            responders: config.ocsp.as_ref().map(Responders::new).transpose()?,
            lists: config.crl.as_ref().map(Lists::new).transpose()?,
            contracts: config.contracts.as_ref().map(Server::new).transpose()?,
            vehicle_roots: read_certificates(config.vehicle_roots.as_deref())?,
            vat: vat.map(Provider::new).transpose()?,
        })
    }

    /// Does an errand, however long that takes.
    pub(crate) fn run(&self, wish: &Wish, now: UtcMicros) -> Outcome {
        match wish {
            Wish::Check { csr, names } => Outcome::Checked(self.check(csr, names)),
            Wish::Sign {
                csr,
                station,
                usage,
            } => Outcome::Signed(self.sign(csr, station, *usage, now)),
            Wish::Statuses(asks) => {
                Outcome::Statuses(asks.iter().map(|ask| self.status(ask, now)).collect())
            }
            Wish::Chain(ask) => Outcome::Judged(self.judge(ask, now)),
            Wish::Station(der) => Outcome::Judged(self.judge_station(der, now)),
            Wish::Contract(ask) => Outcome::Contract(match &self.contracts {
                Some(server) => contracts::ask(server, ask).map_err(|error| describe(&error)),
                None => Err(NOT_CONFIGURED.to_owned()),
            }),
            Wish::Vat(ask) => Outcome::Vat(match &self.vat {
                Some(provider) => provider.ask(ask, now).map_err(|error| describe(&error)),
                None => Err(NOT_CONFIGURED.to_owned()),
            }),
        }
    }

    fn check(&self, pem: &str, names: &[String]) -> Result<String, String> {
        let (config, _) = self.ca.as_ref().ok_or(NOT_CONFIGURED)?;
        let csr = csr::read(pem).map_err(|error| describe(&error))?;
        csr.check_subject(&config.organization, names)
            .map_err(|error| describe(&error))?;
        Ok(csr.subject_text())
    }

    fn sign(
        &self,
        pem: &str,
        station: &StationKey,
        usage: CertificateUse,
        now: UtcMicros,
    ) -> Result<Signed, String> {
        let (_, ca) = self.ca.as_ref().ok_or(NOT_CONFIGURED)?;
        let csr = csr::read(pem).map_err(|error| describe(&error))?;
        ca.sign(&csr, pem, station, usage, now)
            .map_err(|error| describe(&error))
    }

    fn status(&self, ask: &StatusAsk, now: UtcMicros) -> Result<StatusFound, String> {
        match ask.source {
            Source::Responder => {
                let responders = self.responders.as_ref().ok_or(NOT_CONFIGURED)?;
                let found = responders.status(ask, &[], now);
                found.map_err(|error| describe(&error))
            }
            Source::List => {
                let lists = self.lists.as_ref().ok_or(NOT_CONFIGURED)?;
                let found = lists.status(ask, now);
                found.map_err(|error| describe(&error))
            }
        }
    }

    fn judge(&self, ask: &ChainAsk, now: UtcMicros) -> Worth {
        let Some(responders) = &self.responders else {
            return Worth::Unproven(NOT_CONFIGURED.to_owned());
        };
        let (asks, issuers) = match chain::check(ask, &self.vehicle_roots, now) {
            Ok(checked) => checked,
            Err(chain::ChainError::Expired { .. }) => return Worth::Expired,
            Err(error) => return Worth::Unproven(describe(&error)),
        };
        worth(responders, &asks, &issuers, now)
    }

    fn judge_station(&self, der: &[u8], now: UtcMicros) -> Worth {
        let Some(responders) = &self.responders else {
            return Worth::Unproven(NOT_CONFIGURED.to_owned());
        };
        match chain::of_station(der, responders.issuers()) {
            Ok(ask) => worth(responders, &[ask], &[], now),
            Err(error) => Worth::Unproven(describe(&error)),
        }
    }

    fn lane(&self, wish: &Wish) -> Lane {
        let has_local_ca = || self.ca.as_ref().is_some_and(|(_, ca)| ca.is_local());
        match wish {
            Wish::Check { .. } => Lane::Local,
            Wish::Sign { .. } if has_local_ca() => Lane::Local,
            Wish::Station(_) => Lane::Door,
            Wish::Sign { .. }
            | Wish::Statuses(_)
            | Wish::Chain(_)
            | Wish::Contract(_)
            | Wish::Vat(_) => Lane::Remote,
        }
    }

    fn is_idle(&self) -> bool {
        self.ca.is_none()
            && self.responders.is_none()
            && self.lists.is_none()
            && self.contracts.is_none()
            && self.vat.is_none()
    }

    /// Starts the threads; `done` takes what came of each errand to its shard. Where nothing is configured there is
    /// nothing to start. They end when the handle and its clones are gone and what is under way is done.
    pub(crate) fn start(
        self,
        done: impl Fn(Errand, Outcome) + Clone + Send + 'static,
    ) -> Result<Option<Desk>, ServicesError> {
        if self.is_idle() {
            return Ok(None);
        }
        let services = Arc::new(self);
        let lane = |name: &str, threads: usize| -> Result<SyncSender<Errand>, ServicesError> {
            let (hand_in, errands) = sync_channel(ERRANDS_MAX);
            let errands = Arc::new(Mutex::new(errands));
            for at in 0..threads {
                let (services, done) = (Arc::clone(&services), done.clone());
                let errands = Arc::clone(&errands);
                let thread = std::thread::Builder::new().name(format!("{name}-{at}"));
                let spawned = thread.spawn(move || work(&services, &errands, done));
                spawned.map_err(ServicesError::Thread)?;
            }
            Ok(hand_in)
        };
        let door = match services.responders {
            Some(_) => DOOR_THREADS,
            None => 0,
        };
        Ok(Some(Desk {
            local: lane("certificates", 1)?,
            door: lane("cert-door", door)?,
            remote: lane("cert-ask", ASKING_THREADS)?,
            services,
        }))
    }
}

/// What responders make of certificates; `issuers` are those that may have signed them, beside the configured ones.
fn worth(
    responders: &Responders,
    asks: &[StatusAsk],
    issuers: &[Vec<u8>],
    now: UtcMicros,
) -> Worth {
    let mut doubt = None;
    for ask in asks {
        match responders.status(ask, issuers, now) {
            Ok(found) if found.status == Status::Revoked => return Worth::Revoked,
            Ok(found) if found.status == Status::Good && found.is_proven => {}
            Ok(_) => doubt = Some("the responder does not know the certificate".to_owned()),
            Err(error) => doubt = Some(describe(&error)),
        }
    }
    doubt.map_or(Worth::Good, Worth::Unproven)
}

fn work(services: &Services, errands: &Mutex<Receiver<Errand>>, done: impl Fn(Errand, Outcome)) {
    loop {
        let next = errands
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .recv();
        let Ok(errand) = next else { return };
        if !errand.is_awaited() {
            continue;
        }
        let outcome = services.run(&errand.wish, UtcMicros(net::clock::utc_micros()));
        done(errand, outcome);
    }
}

/// Errands that wait for the same threads.
enum Lane {
    /// They need no other server, and so are not to wait for what does.
    Local,
    /// A station waits at the door.
    Door,
    Remote,
}

/// Where errands are handed in.
#[derive(Clone)]
pub(crate) struct Desk {
    services: Arc<Services>,
    local: SyncSender<Errand>,
    door: SyncSender<Errand>,
    remote: SyncSender<Errand>,
}

impl Desk {
    /// Never blocks; an errand for which there is no room comes back.
    pub(crate) fn hand_in(&self, errand: Errand) -> Result<(), Errand> {
        let lane = match self.services.lane(&errand.wish) {
            Lane::Local => &self.local,
            Lane::Door => &self.door,
            Lane::Remote => &self.remote,
        };
        lane.try_send(errand).map_err(|refused| match refused {
            std::sync::mpsc::TrySendError::Full(errand)
            | std::sync::mpsc::TrySendError::Disconnected(errand) => errand,
        })
    }
}

/// What a shard without such a service would say; it does not ask then.
const NOT_CONFIGURED: &str = "no such service is configured";

/// An error with its sources, on one line of bounded length.
fn describe(error: &dyn Error) -> String {
    const CHARS_MAX: usize = 400;
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        // Writing to a text never fails.
        let _ = write!(text, ": {error}");
        source = error.source();
    }
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(CHARS_MAX)
        .collect()
}
