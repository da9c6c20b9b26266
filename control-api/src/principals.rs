//! Who may call: principals, their tokens, and the first of them.
//!
//! A principal's token is shown once. The store keeps its SHA-256, by which a request is recognised, and what
//! SCRAM-SHA-256 needs to check the same token as a password on the Postgres wire. Tokens are 256
//! random bits, so no slow hash is needed against guessing.
//!
//! # Invariants
//!
//! - Requests read an immutable snapshot; writers replace it after the store has synced.
//! - There is always an administrator: the last one cannot be deleted.

mod admin_token;
mod row;

use std::sync::{Arc, Mutex, PoisonError, RwLock};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fleet::{TENANT_DEFAULT, UtcMicros};
use ring::rand::{SecureRandom, SystemRandom};
use ring::{digest, pbkdf2};
use sdk::Role;
use storage::state::{Durability, StateBatch, StateError, StateStore, Table};

pub use admin_token::{
    ADMIN_TOKEN_CHARS_MAX, ADMIN_TOKEN_CHARS_MIN, ADMIN_TOKEN_DISTINCT_MIN, AdminToken,
    AdminTokenError,
};
use row::Row;

/// Name of the principal that the first start creates.
pub const ADMIN: &str = "admin";
/// Most principals there can be; checking a token looks at each.
pub const PRINCIPALS_MAX: usize = 1_000;
/// Longest name, in characters.
pub const NAME_CHARS_MAX: usize = 64;
/// What a token begins with, so that a leaked one is recognised.
const TOKEN_PREFIX: &str = "sgk_";
/// RFC 7677, §4: at least 4,096.
const SCRAM_ITERATIONS: std::num::NonZeroU32 = std::num::NonZeroU32::new(4_096).expect("not zero");

/// A caller, as far as everything behind the login needs to know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// Unique.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// Whose stations it sees.
    pub tenant: String,
    /// When it was created.
    pub created_at: UtcMicros,
}

/// What a server needs to check a password by SCRAM-SHA-256 (RFC 5802).
#[derive(Clone, PartialEq, Eq)]
pub struct ScramVerifier {
    /// Salt.
    pub salt: [u8; 16],
    /// Rounds of PBKDF2.
    pub iterations: u32,
    /// `Hi(token, salt, iterations)`: a secret, worth the token on this wire.
    pub salted_password: [u8; 32],
    /// Who is logged in once the password is right.
    pub principal: Principal,
}

impl std::fmt::Debug for ScramVerifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ScramVerifier")
            .field("principal", &self.principal)
            .finish_non_exhaustive()
    }
}

/// Why a principal was not made, changed or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PrincipalError {
    /// The name is none.
    #[error(
        "name {name:?} is not 1 to {NAME_CHARS_MAX} characters of a-z, A-Z, 0-9, '.', '_' and '-'"
    )]
    Name {
        /// The name found.
        name: String,
    },
    /// The name is taken.
    #[error("principal {name:?} exists already")]
    Exists {
        /// The name.
        name: String,
    },
    /// Nobody has this name.
    #[error("principal {name:?} does not exist")]
    Unknown {
        /// The name.
        name: String,
    },
    /// Nobody could make principals any more.
    #[error("principal {name:?} is the last administrator")]
    LastAdmin {
        /// The name.
        name: String,
    },
    /// [`PRINCIPALS_MAX`] is reached.
    #[error("there are {PRINCIPALS_MAX} principals already, the most there can be")]
    TooMany,
    /// The system's random source gives nothing.
    #[error("the system has no random bytes")]
    Random,
    /// A stored row cannot be read.
    #[error("stored principal {name:?} cannot be read: {detail}")]
    Row {
        /// Its key.
        name: String,
        /// What is wrong with it.
        detail: String,
    },
    /// The store's own error.
    #[error("the state store did not take or give the principals")]
    Store(#[from] StateError),
}

/// All principals. Cheap to clone; clones are the same set.
#[derive(Clone)]
pub struct Principals(Arc<Inner>);

struct Inner {
    store: StateStore,
    snapshot: RwLock<Arc<[Row]>>,
    /// Held from looking at the snapshot to replacing it.
    writing: Mutex<()>,
}

impl std::fmt::Debug for Principals {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Principals")
            .field("len", &self.snapshot().len())
            .finish_non_exhaustive()
    }
}

impl Principals {
    /// Reads the principals of `store`.
    ///
    /// # Errors
    ///
    /// - [`PrincipalError::Row`] when one cannot be read.
    /// - [`PrincipalError::Store`].
    pub fn open(store: StateStore) -> Result<Self, PrincipalError> {
        let rows = store
            .scan(Table::Principals, &[], &[])
            .map(|row| {
                let (key, value) = row?;
                Row::read(&value).map_err(|detail| PrincipalError::Row {
                    name: String::from_utf8_lossy(&key).into_owned(),
                    detail,
                })
            })
            .collect::<Result<Vec<_>, PrincipalError>>()?;
        Ok(Self(Arc::new(Inner {
            store,
            snapshot: RwLock::new(rows.into()),
            writing: Mutex::new(()),
        })))
    }

    /// Sees to it that there is an administrator. `token` (of the environment) becomes its token at every start;
    /// without one, the first start makes one up and returns it, to be shown once.
    ///
    /// # Errors
    ///
    /// [`PrincipalError::Random`], [`PrincipalError::Store`].
    pub fn bootstrap(&self, token: Option<&AdminToken>) -> Result<Option<String>, PrincipalError> {
        match token.map(AdminToken::as_str) {
            Some(token) => {
                let known = self.principal_by_token(token);
                if known.is_none_or(|known| known.name != ADMIN || known.role != Role::Admin) {
                    self.put_admin(token)?;
                }
                Ok(None)
            }
            None if self
                .snapshot()
                .iter()
                .any(|row| row.principal.role == Role::Admin) =>
            {
                Ok(None)
            }
            None => self.reset_admin_token().map(Some),
        }
    }

    /// Gives [`ADMIN`] a new token (and the role, if it had lost it); the old one is refused from now on.
    ///
    /// # Errors
    ///
    /// [`PrincipalError::Random`], [`PrincipalError::Store`].
    pub fn reset_admin_token(&self) -> Result<String, PrincipalError> {
        let token = generate_token()?;
        self.put_admin(&token)?;
        Ok(token)
    }

    /// Who holds `token`. Looks at every principal whatever it finds, so that the time it takes tells nothing.
    pub fn principal_by_token(&self, token: &str) -> Option<Principal> {
        let hash = token_hash(token);
        let snapshot = self.snapshot();
        let mut found = None;
        for row in snapshot.iter() {
            if equal_in_constant_time(&row.token_sha256, &hash) {
                found = Some(row);
            }
        }
        found.map(|row| row.principal.clone())
    }

    /// What checks the password of the principal `name`.
    pub fn scram_verifier(&self, name: &str) -> Option<ScramVerifier> {
        let snapshot = self.snapshot();
        let row = snapshot.iter().find(|row| row.principal.name == name)?;
        Some(ScramVerifier {
            salt: row.scram_salt,
            iterations: row.scram_iterations,
            salted_password: row.scram_salted_password,
            principal: row.principal.clone(),
        })
    }

    /// All principals, by name.
    pub fn list(&self) -> Vec<Principal> {
        self.snapshot()
            .iter()
            .map(|row| row.principal.clone())
            .collect()
    }

    /// Makes a principal and returns it with its token, once that is on disk. Costs milliseconds.
    ///
    /// # Errors
    ///
    /// Any [`PrincipalError`] except `Unknown` and `LastAdmin`.
    pub fn create(
        &self,
        name: &str,
        role: Role,
        tenant: &str,
    ) -> Result<(Principal, String), PrincipalError> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        if name.is_empty() || NAME_CHARS_MAX < name.len() || !name.bytes().all(allowed) {
            return Err(PrincipalError::Name {
                name: name.chars().take(NAME_CHARS_MAX).collect(),
            });
        }
        let _writing = self.lock();
        let snapshot = self.snapshot();
        if snapshot.iter().any(|row| row.principal.name == name) {
            return Err(PrincipalError::Exists {
                name: name.to_owned(),
            });
        }
        if PRINCIPALS_MAX <= snapshot.len() {
            return Err(PrincipalError::TooMany);
        }
        let token = generate_token()?;
        let principal = Principal {
            name: name.to_owned(),
            role,
            tenant: tenant.to_owned(),
            created_at: crate::now(),
        };
        self.put(new_row(principal.clone(), &token)?)?;
        Ok((principal, token))
    }

    /// Deletes a principal; its token is refused from now on.
    ///
    /// # Errors
    ///
    /// - [`PrincipalError::Unknown`] and [`PrincipalError::LastAdmin`].
    /// - [`PrincipalError::Store`].
    pub fn delete(&self, name: &str) -> Result<(), PrincipalError> {
        let _writing = self.lock();
        let snapshot = self.snapshot();
        let name_owned = || name.to_owned();
        if !snapshot.iter().any(|row| row.principal.name == name) {
            return Err(PrincipalError::Unknown { name: name_owned() });
        }
        let left: Vec<_> = snapshot
            .iter()
            .filter(|row| row.principal.name != name)
            .cloned()
            .collect();
        if !left.iter().any(|row| row.principal.role == Role::Admin) {
            return Err(PrincipalError::LastAdmin { name: name_owned() });
        }
        let mut batch = StateBatch::default();
        batch.remove(Table::Principals, name);
        self.0.store.apply(batch, None, Durability::Sync)?;
        self.replace(left);
        Ok(())
    }

    fn put_admin(&self, token: &str) -> Result<(), PrincipalError> {
        let _writing = self.lock();
        let principal = Principal {
            name: ADMIN.to_owned(),
            role: Role::Admin,
            tenant: TENANT_DEFAULT.to_owned(),
            created_at: crate::now(),
        };
        self.put(new_row(principal, token)?)
    }

    /// Writes one row; the caller holds the lock.
    fn put(&self, row: Row) -> Result<(), PrincipalError> {
        let mut batch = StateBatch::default();
        batch.put(Table::Principals, row.principal.name.as_str(), row.write());
        self.0.store.apply(batch, None, Durability::Sync)?;
        let mut rows = self.snapshot().to_vec();
        rows.retain(|other| other.principal.name != row.principal.name);
        rows.push(row);
        rows.sort_by(|a, b| a.principal.name.cmp(&b.principal.name));
        self.replace(rows);
        Ok(())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, ()> {
        self.0
            .writing
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn snapshot(&self) -> Arc<[Row]> {
        Arc::clone(
            &self
                .0
                .snapshot
                .read()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }

    fn replace(&self, rows: Vec<Row>) {
        *self
            .0
            .snapshot
            .write()
            .unwrap_or_else(PoisonError::into_inner) = rows.into();
    }
}

fn new_row(principal: Principal, token: &str) -> Result<Row, PrincipalError> {
    let mut scram_salt = [0; 16];
    random(&mut scram_salt)?;
    let mut scram_salted_password = [0; 32];
    pbkdf2::derive(
        pbkdf2::PBKDF2_HMAC_SHA256,
        SCRAM_ITERATIONS,
        &scram_salt,
        token.as_bytes(),
        &mut scram_salted_password,
    );
    Ok(Row {
        principal,
        token_sha256: token_hash(token),
        scram_salt,
        scram_iterations: SCRAM_ITERATIONS.get(),
        scram_salted_password,
    })
}

fn generate_token() -> Result<String, PrincipalError> {
    let mut bytes = [0; 32];
    random(&mut bytes)?;
    Ok(format!("{TOKEN_PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes)))
}

fn random(bytes: &mut [u8]) -> Result<(), PrincipalError> {
    SystemRandom::new()
        .fill(bytes)
        .map_err(|_| PrincipalError::Random)
}

fn token_hash(token: &str) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest::digest(&digest::SHA256, token.as_bytes()).as_ref());
    hash
}

/// The compiler must not see that one differing bit decides (`ring` keeps its own comparison private).
fn equal_in_constant_time(a: &[u8; 32], b: &[u8; 32]) -> bool {
    let difference = a
        .iter()
        .zip(b)
        .fold(0, |difference, (a, b)| difference | (a ^ b));
    std::hint::black_box(difference) == 0
}

#[cfg(test)]
mod tests;
