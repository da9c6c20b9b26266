//! Files that go to stations and come from them: firmware, logs, reports about a person.
//!
//! An operator puts a file, or makes a URL under which a station may put one; a station holds no token, so what it is
//! given is a URL with a secret in it. A secret is 192 random bits and kept as its SHA-256, which is also what it is
//! looked up by: neither a look at the store nor the time of an answer tells one. A URL is good until it expires and for
//! as many transfers as it says. A transfer counts when its last byte has gone (or come), so that a station may break
//! off, try again and ask for ranges.
//!
//! # Layout
//!
//! `{data_dir}/files/{id}` holds a file's bytes, `{id}.part` those of one that is arriving; the id is ours, never a word
//! of a request. What is known of it is a row of the state store, see [`row`].
//!
//! # Invariants
//!
//! - A row's file is there with all its bytes: it is synced and renamed before the row is written, and goes after it.
//!   Files without a row are what a crash left, and go when the server starts.
//! - What is kept and what is arriving never exceed [`FilesConfig::total_max`].
//! - Rows change one after the other, [`Changing`] in hand; the index is locked for moments only, and by nobody who waits for
//!   the disk. Who has both took [`Changing`] first.

mod incoming;
mod link;
mod row;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fleet::UtcMicros;
use ring::rand::{SecureRandom as _, SystemRandom};
use storage::state::{Durability, StateBatch, StateError, StateStore, Table};
use tokio::sync::Semaphore;

pub(crate) use incoming::Incoming;
use link::LinkRow;
pub(crate) use link::{LinkId, LinkRequest, Made, Purpose};
pub(crate) use row::{FileId, FileRow, Origin, hex};

/// Most files there can be; what is known of them is in memory.
pub const FILES_MAX: usize = 10_000;
/// Most URLs there can be at a time.
pub const LINKS_MAX: usize = 100_000;
/// Bodies that are written to the disk at a time.
const UPLOADS_MAX: usize = 32;
/// Between two looks for what is kept no longer.
const TIDY_INTERVAL: Duration = Duration::from_secs(3_600);
/// How long a URL that is over is remembered, to say so.
const OVER_KEPT: Duration = Duration::from_secs(86_400);

/// How much there may be, and for how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilesConfig {
    /// What stands before `/files/…` in the URLs that stations are given, without a slash at its end.
    pub base_url: String,
    /// Longest file, bytes.
    pub size_max: u64,
    /// All files together, bytes.
    pub total_max: u64,
    /// How long what stations sent is kept; `None` for good. What operators put stays until they remove it.
    pub retention: Option<Duration>,
}

/// Why a file was not taken, given or kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FilesError {
    /// The file is longer than its URL, or any file, may be.
    #[error("the file is larger than {limit} bytes")]
    TooLarge {
        /// Bytes allowed.
        limit: u64,
    },
    /// There would be more than [`FilesConfig::total_max`].
    #[error(
        "{kept} bytes are kept or arriving, {len} more would exceed `files.total_max` of {limit}"
    )]
    Full {
        /// Bytes kept and arriving.
        kept: u64,
        /// Bytes that came.
        len: u64,
        /// Bytes allowed.
        limit: u64,
    },
    /// The disk is full.
    #[error("the disk has no room for the file")]
    DiskFull,
    /// [`FILES_MAX`] or [`LINKS_MAX`] is reached.
    #[error("there are {limit} {what} already, the most there can be")]
    TooMany {
        /// Kind of thing.
        what: &'static str,
        /// How many there can be.
        limit: usize,
    },
    /// Too many files arrive at this moment.
    #[error("{UPLOADS_MAX} files are arriving already")]
    Busy,
    /// The body had no byte.
    #[error("the body is empty")]
    Empty,
    /// There is no such file, or URL.
    #[error("no such {what}")]
    Unknown {
        /// Kind of thing.
        what: &'static str,
    },
    /// The URL is over.
    #[error("this URL expired at {0}")]
    Expired(UtcMicros),
    /// The URL has done what it was made for.
    #[error("this URL has been used as often as it may be")]
    Used,
    /// Under this URL a file is arriving.
    #[error("a file is arriving under this URL")]
    Arriving,
    /// The system's random source gives nothing.
    #[error("the system has no random bytes")]
    Random,
    /// A stored row cannot be read.
    #[error("a stored {what} cannot be read: {detail}")]
    Row {
        /// Kind of thing.
        what: &'static str,
        /// What is wrong with it.
        detail: String,
    },
    /// The disk's own error.
    #[error("{doing} {}", path.display())]
    Io {
        /// What was being done.
        doing: &'static str,
        /// To what.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The store's own error.
    #[error("the state store did not take or give what is known of a file")]
    Store(#[from] StateError),
}

fn io_error(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> FilesError {
    let path = path.to_owned();
    move |source| match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => FilesError::DiskFull,
        _ => FilesError::Io {
            doing,
            path,
            source,
        },
    }
}

/// All files. Cheap to clone; clones are the same set.
#[derive(Clone)]
pub struct Files(Arc<Inner>);

struct Inner {
    dir: PathBuf,
    store: StateStore,
    config: FilesConfig,
    changes: Mutex<()>,
    index: Mutex<Index>,
    uploads: Arc<Semaphore>,
}

/// The right to change rows: of one at a time, until the disk has them.
pub(super) struct Changing<'a>(#[expect(dead_code, reason = "held")] MutexGuard<'a, ()>);

/// What the rows say, and what is under way.
#[derive(Default)]
struct Index {
    files: BTreeMap<FileId, FileRow>,
    links: HashMap<LinkId, LinkRow>,
    /// Bytes of files that are arriving; of those that are here, `files` tells.
    arriving: u64,
    /// Bytes of files that are here.
    kept: u64,
}

impl std::fmt::Debug for Files {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Files")
            .field("dir", &self.0.dir)
            .finish_non_exhaustive()
    }
}

impl Files {
    /// Reads what `store` knows of the files in `dir`, makes the directory where it is missing, and removes what a
    /// crash left in it.
    ///
    /// # Errors
    ///
    /// - [`FilesError::Row`] when a row cannot be read.
    /// - [`FilesError::Io`], [`FilesError::Store`].
    pub fn open(dir: PathBuf, store: StateStore, config: FilesConfig) -> Result<Self, FilesError> {
        let mut builder = DirBuilder::new();
        builder.recursive(true).mode(0o700);
        builder.create(&dir).map_err(io_error("creating", &dir))?;
        let mut index = Index::default();
        for row in store.scan(Table::Files, &[], &[]) {
            let (key, value) = row?;
            index.add(&key, &value)?;
        }
        tidy_dir(&dir, &mut index)?;
        Ok(Self(Arc::new(Inner {
            dir,
            store,
            config,
            changes: Mutex::new(()),
            index: Mutex::new(index),
            uploads: Arc::new(Semaphore::new(UPLOADS_MAX)),
        })))
    }

    /// What operators see of the limits.
    pub(crate) fn config(&self) -> &FilesConfig {
        &self.0.config
    }

    /// Bytes kept and arriving, and how many files are kept.
    pub(crate) fn usage(&self) -> (u64, usize) {
        let index = self.index();
        (index.kept + index.arriving, index.files.len())
    }

    /// A tenant's file.
    pub(crate) fn find(&self, tenant: &str, id: FileId) -> Option<FileRow> {
        let index = self.index();
        let row = index.files.get(&id)?;
        (row.tenant == tenant).then(|| row.clone())
    }

    /// A tenant's files, newest first: at most `limit` that are older than `after` and wanted.
    pub(crate) fn list(
        &self,
        tenant: &str,
        after: Option<FileId>,
        limit: usize,
        wanted: impl Fn(&FileRow) -> bool,
    ) -> Vec<FileRow> {
        let index = self.index();
        let older = match after {
            Some(after) => index.files.range(..after),
            None => index.files.range(..),
        };
        older
            .rev()
            .map(|(_, row)| row)
            .filter(|row| row.tenant == tenant && wanted(row))
            .take(limit)
            .cloned()
            .collect()
    }

    /// What came to a command of a tenant, oldest first.
    pub(crate) fn of_command(&self, tenant: &str, command: [u8; 16]) -> Vec<FileRow> {
        let index = self.index();
        let rows = index.files.values();
        rows.filter(|row| row.tenant == tenant && row.command == Some(command))
            .cloned()
            .collect()
    }

    /// The bytes of a file.
    pub(crate) fn bytes_of(&self, id: FileId) -> Result<File, FilesError> {
        let path = self.path(id);
        File::open(&path).map_err(io_error("opening", &path))
    }

    /// Removes a file and the URLs that lead to it; a transfer under way still ends.
    pub(crate) fn remove(&self, tenant: &str, id: FileId) -> Result<(), FilesError> {
        let changing = self.changing();
        if self.find(tenant, id).is_none() {
            return Err(FilesError::Unknown { what: "file" });
        }
        self.forget(&changing, &[id], &[])
    }

    /// Removes what is kept no longer; answers how many files went.
    pub(crate) fn tidy(&self, now: UtcMicros) -> Result<usize, FilesError> {
        let age = |at: UtcMicros| Duration::from_micros(now.0.saturating_sub(at.0).max(0) as u64);
        let changing = self.changing();
        let index = self.index();
        let old = |row: &&FileRow| {
            let retention = self.0.config.retention;
            matches!(row.origin, Origin::Station(_))
                && retention.is_some_and(|retention| retention < age(row.created_at))
        };
        let files: Vec<_> = index.files.values().filter(old).map(|row| row.id).collect();
        let over =
            |(_, link): &(&LinkId, &LinkRow)| !link.is_arriving && OVER_KEPT < age(link.expires_at);
        let links: Vec<_> = index.links.iter().filter(over).map(|(id, _)| *id).collect();
        drop(index);
        if !files.is_empty() || !links.is_empty() {
            self.forget(&changing, &files, &links)?;
        }
        Ok(files.len())
    }

    /// Removes rows, then the bytes behind them.
    fn forget(
        &self,
        _: &Changing<'_>,
        files: &[FileId],
        links: &[LinkId],
    ) -> Result<(), FilesError> {
        let mut batch = StateBatch::default();
        for id in files {
            batch.remove(Table::Files, row::file_key(*id));
        }
        let to_gone = |link: &LinkRow| match link.purpose {
            Purpose::Download(file) => files.contains(&file),
            Purpose::Upload { .. } => false,
        };
        let mut gone = links.to_vec();
        gone.extend(
            self.index()
                .links
                .iter()
                .filter(|(_, link)| to_gone(link))
                .map(|(id, _)| *id),
        );
        for id in &gone {
            batch.remove(Table::Files, row::link_key(id));
        }
        self.0.store.apply(batch, None, Durability::Sync)?;
        let mut index = self.index();
        for id in gone {
            index.links.remove(&id);
        }
        for id in files {
            if let Some(row) = index.files.remove(id) {
                index.kept -= row.len;
            }
        }
        drop(index);
        for id in files {
            let path = self.path(*id);
            if let Err(error) = fs::remove_file(&path) {
                // It has no row any more, so the next start tries again.
                tracing::warn!(path = %path.display(), %error, "a removed file stays on the disk");
            }
        }
        Ok(())
    }

    fn path(&self, id: FileId) -> PathBuf {
        self.0.dir.join(id.to_string())
    }

    fn changing(&self) -> Changing<'_> {
        let changes = &self.0.changes;
        Changing(changes.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn index(&self) -> MutexGuard<'_, Index> {
        self.0.index.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Index {
    fn add(&mut self, key: &[u8], value: &[u8]) -> Result<(), FilesError> {
        match row::read(key, value)? {
            row::Row::File(row) => {
                self.kept += row.len;
                self.files.insert(row.id, row);
            }
            row::Row::Link(id, link) => {
                self.links.insert(id, link);
            }
        }
        Ok(())
    }
}

/// Removes what has no row, and forgets what has no file.
fn tidy_dir(dir: &Path, index: &mut Index) -> Result<(), FilesError> {
    let mut found = std::collections::BTreeSet::new();
    for entry in fs::read_dir(dir).map_err(io_error("listing", dir))? {
        let entry = entry.map_err(io_error("listing", dir))?;
        let id = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok());
        match id.filter(|id| index.files.contains_key(id)) {
            Some(id) => {
                found.insert(id);
            }
            None => {
                let path = entry.path();
                tracing::info!(path = %path.display(), "removing a file that no row names");
                fs::remove_file(&path).map_err(io_error("removing", &path))?;
            }
        }
    }
    let missing: Vec<_> = index
        .files
        .keys()
        .filter(|id| !found.contains(id))
        .copied()
        .collect();
    for id in missing {
        tracing::warn!(file = %id, "the bytes of a file are gone from {}", dir.display());
        if let Some(row) = index.files.remove(&id) {
            index.kept -= row.len;
        }
    }
    Ok(())
}

/// Removes what is kept no longer, now and every hour, until `ending`.
pub async fn keep_files(files: Files, ending: impl Future<Output = ()>) {
    let mut ending = std::pin::pin!(ending);
    let mut hour = tokio::time::interval(TIDY_INTERVAL);
    loop {
        tokio::select! {
            () = &mut ending => return,
            _ = hour.tick() => {}
        }
        let files = files.clone();
        match tokio::task::spawn_blocking(move || files.tidy(crate::now())).await {
            Ok(Ok(0)) => {}
            Ok(Ok(count)) => {
                tracing::info!(count, "files of stations were kept as long as they may be")
            }
            Ok(Err(error)) => tracing::warn!(%error, "removing old files"),
            Err(error) => tracing::error!(%error, "removing old files"),
        }
    }
}

/// A `requestId` that no other command of these days has.
pub(crate) fn request_id() -> Result<u32, FilesError> {
    Ok(u32::from_be_bytes(random()?) >> 1)
}

fn random<const N: usize>() -> Result<[u8; N], FilesError> {
    let mut bytes = [0; N];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| FilesError::Random)?;
    Ok(bytes)
}
