//! Stations: what an operator says of them, and what is known of each.

use fleet::StationKey;
use fleet::record::{Acceptance, ConnectorStatus};

use super::pending::Pending;
use super::view::{Page, StationView};
use super::{Ask, Router, RouterError};
use crate::password::Password;
use crate::plug::Declared;

/// Stations per letter when many are registered at once.
const REGISTER_CHUNK_LEN: usize = 256;

/// What an operator changes of a station; `None` leaves a member as it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StationPatch {
    /// A new password; `Some(None)` removes it.
    pub password: Option<Option<Password>>,
    /// Site; an empty text removes it.
    pub site: Option<String>,
    /// Postal address; an empty text removes it.
    pub address: Option<String>,
    /// Degrees, latitude and longitude; `Some(None)` removes them.
    pub location: Option<Option<(f64, f64)>>,
    /// Connectors declared.
    pub connectors: Option<Declared>,
    /// The security profile that it comes in with at least, 0 to 3. What it uses from then on raises it again.
    pub security_profile: Option<u8>,
    /// Whether it may speak. A station that an operator names is accepted unless this says otherwise.
    pub acceptance: Option<Acceptance>,
}

/// What must be true of the station before it is registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegisterMode {
    /// Nobody has heard of it.
    New,
    /// It is not registered yet. One that has only been seen counts as new.
    Create,
    /// It is known.
    Update,
    /// Either.
    Upsert,
}

/// One station to register.
#[derive(Clone, Debug, PartialEq)]
pub struct Registration {
    /// Tenant and identity.
    pub key: StationKey,
    /// What is said of it.
    pub patch: StationPatch,
}

/// Some stations of a [`Router::register_all`].
#[derive(Debug)]
pub struct RegisterPart {
    /// Their places in what was asked.
    pub places: Vec<usize>,
    /// What became of each, in the order of `places`, once that is durable. Without an answer they may be registered,
    /// unless it is [`RouterError::Busy`].
    pub answer: Pending<Vec<Result<(), RegisterError>>>,
}

/// Why a station was not registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RegisterError {
    /// [`RegisterMode::Create`] of a station that an operator already named.
    #[error("the station is registered already")]
    Exists,
    /// [`RegisterMode::Update`] of an unknown station.
    #[error("no such station")]
    Unknown,
    /// The log takes no record: it is full, failed or stalled.
    #[error("the log takes no record")]
    LogDown,
}

/// Which stations a list shows; `None` shows all.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StationFilter {
    /// Stations of this tenant only.
    pub tenant: String,
    /// [`StationView::status`].
    pub status: Option<ConnectorStatus>,
    /// Exact vendor.
    pub vendor: Option<String>,
    /// Whether it holds a connection.
    pub online: Option<bool>,
    /// Whether it may speak.
    pub acceptance: Option<Acceptance>,
    /// Exact site.
    pub site: Option<String>,
}

impl Router {
    /// Registers or changes one station; answered once that is durable.
    pub async fn register(
        &self,
        registration: Registration,
        mode: RegisterMode,
        principal: &str,
    ) -> Result<Result<(), RegisterError>, RouterError> {
        let principal = principal.to_owned();
        let asked = self.ask(registration.key.partition(), |reply| Ask::Register {
            entries: vec![registration],
            mode,
            principal,
            reply,
        });
        Ok(asked.await?.pop().unwrap_or(Err(RegisterError::Unknown)))
    }

    /// Registers many stations, in parts that are answered by themselves: what one shard does not answer is not lost
    /// from what the others did.
    pub fn register_all(
        &self,
        registrations: Vec<Registration>,
        mode: RegisterMode,
        principal: &str,
    ) -> Vec<RegisterPart> {
        let mut by_shard: Vec<Vec<(usize, Registration)>> = vec![Vec::new(); self.shards.len()];
        for (at, registration) in registrations.into_iter().enumerate() {
            let shard = registration.key.partition().shard(self.shards.len());
            by_shard[shard].push((at, registration));
        }
        let mut parts = Vec::new();
        for (shard, entries) in by_shard.into_iter().enumerate() {
            let mut entries = entries.into_iter().peekable();
            while entries.peek().is_some() {
                let (places, entries): (Vec<_>, Vec<_>) =
                    entries.by_ref().take(REGISTER_CHUNK_LEN).unzip();
                let principal = principal.to_owned();
                let answer = self.ask_shard(shard, |reply| Ask::Register {
                    entries,
                    mode,
                    principal,
                    reply,
                });
                parts.push(RegisterPart { places, answer });
            }
        }
        parts
    }

    /// Lets a station speak that waits for approval; answered once that is durable.
    pub async fn approve(
        &self,
        key: StationKey,
        principal: &str,
    ) -> Result<Result<(), RegisterError>, RouterError> {
        let patch = StationPatch {
            acceptance: Some(Acceptance::Accepted),
            ..StationPatch::default()
        };
        self.register(Registration { key, patch }, RegisterMode::Update, principal)
            .await
    }

    /// Forgets a station and closes its connection; its history stays. Answered once that is durable.
    pub fn delete(&self, key: StationKey, principal: &str) -> Pending<Result<(), RegisterError>> {
        let principal = principal.to_owned();
        self.ask(key.partition(), |reply| Ask::Delete {
            key,
            principal,
            reply,
        })
    }

    /// Puts on a station's record what somebody says of it and what changes no state: `action` is a name of ours
    /// (`Sigec.*`), `payload` a JSON object. Answered once that is durable.
    pub fn note(
        &self,
        key: StationKey,
        action: &str,
        payload: String,
    ) -> Pending<Result<(), RegisterError>> {
        let action = action.to_owned();
        self.ask(key.partition(), |reply| Ask::Note {
            key,
            action,
            payload,
            reply,
        })
    }

    /// One station; `None` when nobody has heard of it.
    pub fn station(&self, key: StationKey) -> Pending<Option<StationView>> {
        self.ask(key.partition(), |reply| Ask::Station { key, reply })
    }

    /// Stations after a key, in the order of their keys; `limit` is at most 500.
    ///
    /// # Errors
    ///
    /// [`RouterError`] when a shard did not answer.
    pub async fn stations(
        &self,
        filter: &StationFilter,
        after: Option<StationKey>,
        limit: usize,
    ) -> Result<Page<StationView, StationKey>, RouterError> {
        let ask = |shard, after, limit| {
            let filter = filter.clone();
            self.ask_shard(shard, |reply| Ask::Stations {
                filter,
                after,
                limit,
                reply,
            })
        };
        self.merged(after, limit, ask, |station: &StationView| {
            station.key.clone()
        })
        .await
    }
}
