//! Which tariffs a tenant has, and which of them holds where.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use fleet::{UtcMicros, minor_digits};

use super::{Tariff, TariffError};

/// Tariffs of one tenant.
pub(crate) const TARIFFS_MAX: usize = 1_000;
/// Longest tariff, bytes of JSON.
pub(crate) const JSON_LEN_MAX: usize = 64 << 10;
/// Decimals of every amount here. A currency with others would be billed in parts that nobody can pay, or rounded to what
/// nobody owes.
const COST_DIGITS: u8 = 2;
/// Sites, or stations, that one tariff names.
const PLACES_MAX: usize = 1_000;

/// Where a tariff holds: the nearest that names a station holds there, a station before its site before all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TariffScope {
    /// Wherever no other holds.
    pub everywhere: bool,
    /// Sites, as stations are registered.
    pub sites: Vec<String>,
    /// Stations, by identity.
    pub stations: Vec<String>,
}

/// A tariff as somebody put it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredTariff {
    /// `tariffId`.
    pub id: String,
    /// `TariffType`, a JSON object.
    pub json: String,
    /// Where its times of day are local: a zone of the IANA database, or an offset like `-03:00`.
    pub time_zone: String,
    /// Where it holds.
    pub scope: TariffScope,
    /// When it was put.
    pub changed_at: UtcMicros,
}

/// What became of a tariff that was put.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TariffWritten {
    /// There was none of this id.
    Created,
    /// Where it holds is changed, or nothing is.
    Changed,
    /// One of this id says something else, and always will: old costs refer to it (2.1 I08.FR.08).
    Differs,
    /// Another holds there from the same time on.
    Claimed {
        /// `everywhere`, `site S` or `station S`.
        place: String,
        /// Its id.
        by: String,
    },
    /// The tenant has as many as it may have.
    Full,
}

impl StoredTariff {
    /// Checks all of it; answers it as it is kept, its JSON in the order of the schema.
    ///
    /// # Errors
    ///
    /// [`TariffError`] for the first thing that is wrong.
    pub fn checked(mut self) -> Result<Self, TariffError> {
        let wrong = |pointer: &str, detail: String| TariffError {
            pointer: pointer.to_owned(),
            detail,
        };
        if JSON_LEN_MAX < self.json.len() {
            let detail = format!("{} bytes, expected at most {JSON_LEN_MAX}", self.json.len());
            return Err(wrong("", detail));
        }
        let (tariff, json) = super::read(&self.json, &self.time_zone)?;
        if tariff.id != self.id {
            let detail = format!("{:?}, expected {:?}", tariff.id, self.id);
            return Err(wrong("/tariffId", detail));
        }
        let digits = minor_digits(tariff.currency);
        if digits != COST_DIGITS {
            let currency = String::from_utf8_lossy(&tariff.currency);
            let detail = format!(
                "{currency:?} has {digits} decimals, expected a currency with {COST_DIGITS}: amounts are hundredths"
            );
            return Err(wrong("/currency", detail));
        }
        let scope = &mut self.scope;
        for (member, places) in [
            ("/sites", &mut scope.sites),
            ("/devices", &mut scope.stations),
        ] {
            places.sort_unstable();
            places.dedup();
            if PLACES_MAX < places.len() {
                let detail = format!("{} of them, expected at most {PLACES_MAX}", places.len());
                return Err(wrong(member, detail));
            }
        }
        self.json = json;
        Ok(self)
    }
}

/// One that was read.
#[derive(Clone, Debug)]
struct Entry {
    scope: TariffScope,
    tariff: Arc<Tariff>,
    json: Arc<str>,
}

/// The tariffs of a tenant, by id.
#[derive(Clone, Debug, Default)]
pub(crate) struct Book(Vec<Entry>);

impl Book {
    pub(crate) fn insert(&mut self, stored: &StoredTariff) -> Result<(), TariffError> {
        let (tariff, json) = super::read(&stored.json, &stored.time_zone)?;
        let entry = Entry {
            scope: stored.scope.clone(),
            tariff: Arc::new(tariff),
            json: json.into(),
        };
        match self
            .0
            .binary_search_by(|known| known.tariff.id.cmp(&stored.id))
        {
            Ok(at) => self.0[at] = entry,
            Err(at) => self.0.insert(at, entry),
        }
        Ok(())
    }

    pub(crate) fn remove(&mut self, id: &str) {
        self.0.retain(|entry| entry.tariff.id != id);
    }

    /// Why this cannot be put beside the others.
    pub(crate) fn refuses(
        &self,
        stored: &StoredTariff,
        valid_from: Option<i64>,
    ) -> Option<TariffWritten> {
        let others = self.0.iter().filter(|entry| entry.tariff.id != stored.id);
        let known = self.0.iter().find(|entry| entry.tariff.id == stored.id);
        if known.is_some_and(|known| {
            *known.json != *stored.json || known.tariff.zone.name() != stored.time_zone
        }) {
            return Some(TariffWritten::Differs);
        }
        if known.is_none() && TARIFFS_MAX <= self.0.len() {
            return Some(TariffWritten::Full);
        }
        for other in others.filter(|other| other.tariff.valid_from == valid_from) {
            let (ours, theirs) = (&stored.scope, &other.scope);
            let shared = |ours: &[String], theirs: &[String]| {
                ours.iter().find(|place| theirs.contains(place)).cloned()
            };
            let both = (ours.everywhere && theirs.everywhere).then(|| "everywhere".to_owned());
            let site = || shared(&ours.sites, &theirs.sites).map(|site| format!("site {site}"));
            let station = || {
                let station = shared(&ours.stations, &theirs.stations);
                station.map(|station| format!("station {station}"))
            };
            if let Some(place) = both.or_else(site).or_else(station) {
                return Some(TariffWritten::Claimed {
                    place,
                    by: other.tariff.id.clone(),
                });
            }
        }
        None
    }
}

/// The one that holds at a station since the latest time that has come, and its JSON.
pub(crate) fn applying(
    book: &Book,
    station: &str,
    site: &str,
    at: i64,
) -> Option<(Arc<Tariff>, Arc<str>)> {
    let newest = |names: &dyn Fn(&TariffScope) -> bool| {
        let valid = |tariff: &Tariff| tariff.valid_from.is_none_or(|from| from <= at);
        let named = book.0.iter();
        named
            .filter(|entry| names(&entry.scope) && valid(&entry.tariff))
            .max_by_key(|entry| entry.tariff.valid_from)
            .map(|entry| (Arc::clone(&entry.tariff), Arc::clone(&entry.json)))
    };
    let has = |places: &[String], place: &str| places.iter().any(|known| known == place);
    newest(&|scope| has(&scope.stations, station))
        .or_else(|| newest(&|scope| !site.is_empty() && has(&scope.sites, site)))
        .or_else(|| newest(&|scope| scope.everywhere))
}

/// The books of all tenants. The keeper of tokens writes them, shards read one when a transaction begins.
#[derive(Debug, Default)]
pub(crate) struct Books(RwLock<HashMap<String, Arc<Book>>>);

impl Books {
    /// What a tenant has; `None` for nothing.
    pub(crate) fn of(&self, tenant: &str) -> Option<Arc<Book>> {
        // A panic elsewhere leaves whole books behind: each is put in place by one insertion.
        let books = self.0.read().unwrap_or_else(PoisonError::into_inner);
        books.get(tenant).cloned()
    }

    /// Puts another book in the place of a tenant's; only the keeper does.
    pub(crate) fn put(&self, tenant: &str, book: Book) {
        let mut books = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if book.0.is_empty() {
            books.remove(tenant);
        } else {
            books.insert(tenant.to_owned(), Arc::new(book));
        }
    }

    /// A tariff by its id.
    pub(crate) fn find(&self, tenant: &str, id: &str) -> Option<(Arc<Tariff>, Arc<str>)> {
        let book = self.of(tenant)?;
        let found = book.0.iter().find(|entry| entry.tariff.id == id)?;
        Some((Arc::clone(&found.tariff), Arc::clone(&found.json)))
    }
}
