//! Tickets: what a client comes back with to go on from an earlier session, sealed with keys that only servers have.
//!
//! The keys lie in a file that all shards and the next run share. The newest seals; it is replaced after
//! [`ROTATE_AFTER`], and the one before it opens until it is replaced in turn, so that a ticket is good for that long at
//! least. A key that is gone takes the secrets of its sessions with it: recorded traffic of TLS 1.2 stays closed. Keys go
//! while a server runs, or with its next start; those of a server that never starts again stay in the file.
//!
//! # Layout
//!
//! The file: `SIGECTK1`, then for each key, newest first, the moment it was made (i64, microseconds of UTC) and its 32
//! bytes, little-endian. A ticket: name of its key (16), nonce (12), what is sealed with AES-256-GCM, tag (16).

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::digest;
use ring::rand::{SecureRandom, SystemRandom};
use rustls::server::ProducesTickets;

use crate::clock;

const MAGIC: &[u8; 8] = b"SIGECTK1";
const KEY_LEN: usize = 32;
const ENTRY_LEN: usize = 8 + KEY_LEN;
const NAME_LEN: usize = 16;
const NONCE_LEN: usize = 12;
const TAG_LEN: usize = 16;
/// The newest and the one before it.
const KEYS: usize = 2;
/// Microseconds after which another key seals.
const ROTATE_AFTER: i64 = 12 * 3_600 * 1_000_000;
/// What clients are told, in seconds: what the oldest ticket of a key is good for.
const LIFETIME_S: u32 = 12 * 3_600;
/// The longest ticket that is looked at: a session of ours holds little beside the client's certificates.
const TICKET_LEN_MAX: usize = 16 << 10;

/// Why there are no keys.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TicketKeysError {
    /// The file cannot be read or written.
    #[error("{doing} {}", path.display())]
    Io {
        /// What was being done.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The file is another's.
    #[error("{} has {found} bytes that are no ticket keys; remove it, and clients make new sessions", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// Its length.
        found: usize,
    },
    /// The system has no random bytes.
    #[error("no random bytes from the operating system")]
    Random,
}

/// The keys of a server, or of all that share the file.
pub struct TicketKeys {
    /// Newest first; never empty.
    keys: RwLock<Vec<Key>>,
    path: Option<PathBuf>,
}

struct Key {
    made_at: i64,
    bytes: [u8; KEY_LEN],
    name: [u8; NAME_LEN],
    sealing: LessSafeKey,
}

impl Key {
    fn new(made_at: i64, bytes: [u8; KEY_LEN]) -> Key {
        let mut name = [0; NAME_LEN];
        let digest = digest::digest(&digest::SHA256, &bytes);
        name.copy_from_slice(&digest.as_ref()[..NAME_LEN]);
        let key = UnboundKey::new(&AES_256_GCM, &bytes).expect("32 bytes are a key of AES-256");
        Key {
            made_at,
            bytes,
            name,
            sealing: LessSafeKey::new(key),
        }
    }

    /// Its tickets are good for nothing any more.
    fn is_over(&self, now: i64) -> bool {
        KEYS as i64 * ROTATE_AFTER <= now - self.made_at
    }

    fn random(made_at: i64) -> Result<Key, TicketKeysError> {
        let mut bytes = [0; KEY_LEN];
        SystemRandom::new()
            .fill(&mut bytes)
            .map_err(|_| TicketKeysError::Random)?;
        Ok(Key::new(made_at, bytes))
    }
}

impl TicketKeys {
    /// Keys that end with the process.
    ///
    /// # Errors
    ///
    /// [`TicketKeysError::Random`].
    pub fn in_memory() -> Result<TicketKeys, TicketKeysError> {
        Ok(TicketKeys {
            keys: RwLock::new(vec![Key::random(clock::utc_micros())?]),
            path: None,
        })
    }

    /// The keys in the file at `path`, which is made with mode 0600 where it is missing.
    ///
    /// # Errors
    ///
    /// [`TicketKeysError`].
    pub fn open(path: &Path) -> Result<TicketKeys, TicketKeysError> {
        Self::open_at(clock::utc_micros(), path)
    }

    fn open_at(now: i64, path: &Path) -> Result<TicketKeys, TicketKeysError> {
        let mut keys = match std::fs::read(path) {
            Ok(bytes) => read(&bytes).ok_or_else(|| TicketKeysError::Format {
                path: path.to_owned(),
                found: bytes.len(),
            })?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(io_error("reading", path, error)),
        };
        if rotate(&mut keys, now)? {
            write(path, &keys)?;
        }
        Ok(TicketKeys {
            keys: RwLock::new(keys),
            path: Some(path.to_owned()),
        })
    }

    /// Removes keys that are good for no ticket any more, as sealing does; for a server that seals nothing for long.
    pub fn tidy(&self, now: i64) {
        let due = |keys: &[Key]| is_due(keys, now) || keys.iter().any(|key| key.is_over(now));
        if due(&self.keys.read().unwrap_or_else(PoisonError::into_inner)) {
            self.renew(now);
        }
    }

    fn seal(&self, now: i64, trust: &[u8], plain: &[u8]) -> Option<Vec<u8>> {
        let due = |keys: &[Key]| is_due(keys, now);
        if due(&self.keys.read().unwrap_or_else(PoisonError::into_inner)) {
            self.renew(now);
        }
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        let key = keys.first()?;
        let mut nonce = [0; NONCE_LEN];
        // Random and not counted: several processes may share a key, and 2^32 tickets take longer than a key lives.
        SystemRandom::new().fill(&mut nonce).ok()?;
        let mut ticket = Vec::with_capacity(NAME_LEN + NONCE_LEN + plain.len() + TAG_LEN);
        ticket.extend_from_slice(&key.name);
        ticket.extend_from_slice(&nonce);
        ticket.extend_from_slice(plain);
        let nonce = Nonce::assume_unique_for_key(nonce);
        let sealed = &mut ticket[NAME_LEN + NONCE_LEN..];
        let tag = key
            .sealing
            .seal_in_place_separate_tag(nonce, Aad::from(trust), sealed)
            .ok()?;
        ticket.extend_from_slice(tag.as_ref());
        Some(ticket)
    }

    fn open_ticket(&self, now: i64, trust: &[u8], ticket: &[u8]) -> Option<Vec<u8>> {
        if TICKET_LEN_MAX < ticket.len() {
            return None;
        }
        let (name, rest) = ticket.split_at_checked(NAME_LEN)?;
        let (nonce, sealed) = rest.split_at_checked(NONCE_LEN)?;
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        let key = keys.iter().find(|key| key.name == name)?;
        if key.is_over(now) {
            return None;
        }
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut plain = sealed.to_vec();
        let len = key
            .sealing
            .open_in_place(nonce, Aad::from(trust), &mut plain)
            .ok()?
            .len();
        plain.truncate(len);
        Some(plain)
    }

    /// The name of the key that seals now.
    #[cfg(feature = "openssl")]
    pub(super) fn newest_name(&self, now: i64) -> Option<[u8; NAME_LEN]> {
        let due = |keys: &[Key]| is_due(keys, now);
        if due(&self.keys.read().unwrap_or_else(PoisonError::into_inner)) {
            self.renew(now);
        }
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        keys.first().map(|newest| newest.name)
    }

    /// The same, and what OpenSSL seals tickets with while it seals: keys of their own, made from that one for a server with
    /// these clients.
    #[cfg(feature = "openssl")]
    pub(super) fn for_openssl(&self, now: i64, trust: &[u8]) -> Option<([u8; NAME_LEN], [u8; 80])> {
        let name = self.newest_name(now)?;
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        let key = keys.iter().find(|key| key.name == name)?;
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &key.bytes);
        let mut derived = [0; 80];
        for (block, into) in (0u8..).zip(derived.chunks_mut(32)) {
            let mut context = ring::hmac::Context::with_key(&key);
            context.update(b"tickets of OpenSSL");
            context.update(&[block]);
            context.update(trust);
            into.copy_from_slice(&context.sign().as_ref()[..into.len()]);
        }
        Some((name, derived))
    }

    /// Seals with another key from here on. One that cannot be written serves this process.
    fn renew(&self, now: i64) {
        let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        match (rotate(&mut keys, now), &self.path) {
            (Ok(true), Some(path)) => {
                if let Err(error) = write(path, &keys) {
                    let source = std::error::Error::source(&error);
                    tracing::warn!(%error, source, "keys of TLS tickets end with this process");
                }
            }
            (Ok(_), _) => {}
            (Err(error), _) => tracing::warn!(%error, "keys of TLS tickets are not renewed"),
        }
    }
}

fn is_due(keys: &[Key], now: i64) -> bool {
    // A clock that was set back makes none older than it is.
    keys.first()
        .is_none_or(|newest| ROTATE_AFTER <= (now - newest.made_at).abs())
}

/// Puts a new key before the others where the newest is too old, and removes those that are over; answers whether
/// anything has changed.
fn rotate(keys: &mut Vec<Key>, now: i64) -> Result<bool, TicketKeysError> {
    let due = is_due(keys, now);
    if due {
        keys.insert(0, Key::random(now)?);
        keys.truncate(KEYS);
    }
    let before = keys.len();
    keys.retain(|key| !key.is_over(now));
    Ok(due || keys.len() < before)
}

fn read(bytes: &[u8]) -> Option<Vec<Key>> {
    let entries = bytes.strip_prefix(MAGIC)?;
    if entries.is_empty() || !entries.len().is_multiple_of(ENTRY_LEN) {
        return None;
    }
    let keys = entries.chunks_exact(ENTRY_LEN).take(KEYS).map(|entry| {
        let (made_at, key) = entry.split_first_chunk::<8>()?;
        Some(Key::new(i64::from_le_bytes(*made_at), key.try_into().ok()?))
    });
    keys.collect()
}

/// Beside it first, so that whoever reads sees one or the other. Not synced: without them clients make new sessions.
fn write(path: &Path, keys: &[Key]) -> Result<(), TicketKeysError> {
    let mut bytes = MAGIC.to_vec();
    for key in keys {
        bytes.extend_from_slice(&key.made_at.to_le_bytes());
        bytes.extend_from_slice(&key.bytes);
    }
    let beside = path.with_extension("new");
    let put = || -> io::Result<()> {
        // One that a crash left behind may have been opened by somebody.
        match std::fs::remove_file(&beside) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file: File = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&beside)?;
        file.write_all(&bytes)?;
        std::fs::rename(&beside, path)
    };
    put().map_err(|error| io_error("writing", path, error))
}

fn io_error(doing: &'static str, path: &Path, source: io::Error) -> TicketKeysError {
    TicketKeysError::Io {
        doing,
        path: path.to_owned(),
        source,
    }
}

/// Says how many there are, and no more.
impl fmt::Debug for TicketKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TicketKeys")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

/// Seals tickets of one server; those of a server with other clients do not open.
#[derive(Debug)]
pub(super) struct Ticketer {
    keys: Arc<TicketKeys>,
    trust: [u8; 32],
}

impl Ticketer {
    pub(super) fn new(keys: Arc<TicketKeys>, trust: [u8; 32]) -> Ticketer {
        Ticketer { keys, trust }
    }
}

impl ProducesTickets for Ticketer {
    fn enabled(&self) -> bool {
        true
    }

    fn lifetime(&self) -> u32 {
        LIFETIME_S
    }

    fn encrypt(&self, plain: &[u8]) -> Option<Vec<u8>> {
        self.keys.seal(clock::utc_micros(), &self.trust, plain)
    }

    fn decrypt(&self, ticket: &[u8]) -> Option<Vec<u8>> {
        self.keys
            .open_ticket(clock::utc_micros(), &self.trust, ticket)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const TRUST: &[u8] = b"these clients";
    const HOUR: i64 = 3_600 * 1_000_000;

    #[test]
    fn a_ticket_opens_with_the_keys_of_the_file_wherever_they_are_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keys");
        let first = TicketKeys::open(&path).unwrap();
        let now = clock::utc_micros();
        let ticket = first.seal(now, TRUST, b"session").unwrap();
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);

        let second = TicketKeys::open(&path).unwrap();
        assert_eq!(
            second.open_ticket(now, TRUST, &ticket),
            Some(b"session".to_vec())
        );
        assert_eq!(second.open_ticket(now, b"other clients", &ticket), None);
        let others = TicketKeys::in_memory().unwrap();
        assert_eq!(others.open_ticket(now, TRUST, &ticket), None);
    }

    #[test]
    fn a_ticket_lives_at_least_as_long_as_a_key_seals_and_ends_with_its_key() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keys");
        let keys = TicketKeys::open(&path).unwrap();
        let now = clock::utc_micros();
        let first = keys.seal(now, TRUST, b"first").unwrap();
        let second = keys.seal(now + 13 * HOUR, TRUST, b"second").unwrap();
        assert_ne!(first[..NAME_LEN], second[..NAME_LEN]);
        // The next run knows both.
        let next = TicketKeys::open_at(now + 14 * HOUR, &path).unwrap();
        for keys in [&keys, &next] {
            assert!(keys.open_ticket(now + 14 * HOUR, TRUST, &first).is_some());
            assert!(keys.open_ticket(now + 14 * HOUR, TRUST, &second).is_some());
            assert_eq!(keys.open_ticket(now + 25 * HOUR, TRUST, &first), None);
        }
        keys.seal(now + 26 * HOUR, TRUST, b"third").unwrap();
        assert!(keys.open_ticket(now + 26 * HOUR, TRUST, &second).is_some());
        assert_eq!(keys.open_ticket(now + 13 * HOUR, TRUST, &first), None);
    }

    #[test]
    fn keys_that_are_good_for_nothing_leave_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keys");
        let keys_of = |bytes: &[u8]| -> Vec<[u8; KEY_LEN]> {
            read(bytes).unwrap().iter().map(|key| key.bytes).collect()
        };
        let in_file = || keys_of(&std::fs::read(&path).unwrap());
        let now = clock::utc_micros();
        let keys = TicketKeys::open_at(now, &path).unwrap();
        let first = in_file();
        // A server that nobody comes to.
        keys.tidy(now + 11 * HOUR);
        assert_eq!(in_file(), first);
        keys.tidy(now + 13 * HOUR);
        assert_eq!(in_file()[1..], first);
        keys.tidy(now + 24 * HOUR);
        assert_eq!(in_file().len(), 1);
        assert!(!in_file().contains(&first[0]));
        // One that was stopped for longer than its keys are good for.
        let before = in_file();
        TicketKeys::open_at(now + 50 * HOUR, &path).unwrap();
        assert_eq!(in_file().len(), 1);
        assert_ne!(in_file(), before);
    }

    #[test]
    fn a_ticket_that_was_touched_does_not_open() {
        let keys = TicketKeys::in_memory().unwrap();
        let now = clock::utc_micros();
        let ticket = keys.seal(now, TRUST, b"session").unwrap();
        for at in 0..ticket.len() {
            let mut touched = ticket.clone();
            touched[at] ^= 1;
            assert_eq!(keys.open_ticket(now, TRUST, &touched), None, "byte {at}");
            assert_eq!(
                keys.open_ticket(now, TRUST, &ticket[..at]),
                None,
                "cut at {at}"
            );
        }
        let long = vec![0; TICKET_LEN_MAX + 1];
        assert_eq!(keys.open_ticket(now, TRUST, &long), None);
    }

    #[test]
    fn a_file_of_something_else_is_refused_by_name() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keys");
        for bytes in [&b"something else"[..], b"SIGECTK1", b"SIGECTK1short"] {
            std::fs::write(&path, bytes).unwrap();
            let error = TicketKeys::open(&path).unwrap_err().to_string();
            assert!(error.contains("no ticket keys"), "{error}");
            assert!(error.contains(path.to_str().unwrap()), "{error}");
        }
    }
}
