//! The directory that one server owns.
//!
//! # Layout
//!
//! | name | what |
//! | --- | --- |
//! | `lock` | locked while a server runs; holds its pid |
//! | `FORMAT` | version of the whole directory and the cluster's id |
//! | `secrets/` | random keys, mode 0600 |
//! | `log/000/` … | one [`crate::log`] per shard |
//! | `state/` | the [`crate::state`] store |
//!
//! Everything is readable by the owner alone (0700, 0600).

use std::fmt;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use ring::rand::{SecureRandom, SystemRandom};

/// Version of the directory's layout that this program writes and reads.
const VERSION: u32 = 1;

/// A data directory, locked for as long as this value lives.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    cluster_id: ClusterId,
    /// The lock ends when this file is closed, also by a crash.
    _lock: File,
}

/// Random name of a cluster, made with its first data directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClusterId(pub u128);

impl fmt::Display for ClusterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// Why a data directory cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataDirError {
    /// Another server runs on it.
    #[error("data directory {} is in use by process {pid}", path.display())]
    Locked {
        /// The directory.
        path: PathBuf,
        /// What the lock file says.
        pid: String,
    },
    /// Not ours, or a newer program's.
    #[error("{} says {found:?}, expected \"sigec-data {VERSION}\" and a cluster id of 32 hex digits", path.display())]
    Format {
        /// The `FORMAT` file.
        path: PathBuf,
        /// Its text.
        found: String,
    },
    /// A secret of another length than asked for.
    #[error("secret {} has {found} bytes, expected {expected}", path.display())]
    SecretLen {
        /// Its file.
        path: PathBuf,
        /// Bytes in it.
        found: usize,
        /// Bytes asked for.
        expected: usize,
    },
    /// The operating system has no random bytes.
    #[error("no random bytes from the operating system")]
    Random,
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
}

impl DataDir {
    /// Opens the directory, or creates it, and locks it.
    ///
    /// # Errors
    ///
    /// [`DataDirError::Locked`] names the process that has it; any other variant as it says.
    pub fn open(path: &Path) -> Result<Self, DataDirError> {
        make_dir(path)?;
        let path = path
            .canonicalize()
            .map_err(io_error("resolving the path of", path))?;
        let lock = lock(&path)?;
        let cluster_id = read_or_write_format(&path)?;
        Ok(Self {
            path,
            cluster_id,
            _lock: lock,
        })
    }

    /// Its absolute path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The cluster it belongs to.
    pub fn cluster_id(&self) -> ClusterId {
        self.cluster_id
    }

    /// The directory of secrets, for those that change: whoever puts one there makes it 0600.
    ///
    /// # Errors
    ///
    /// [`DataDirError::Io`].
    pub fn secrets(&self) -> Result<PathBuf, DataDirError> {
        let dir = self.path.join("secrets");
        make_dir(&dir)?;
        Ok(dir)
    }

    /// `len` random bytes under `name`, made on first use and the same ever after.
    ///
    /// # Errors
    ///
    /// [`DataDirError::SecretLen`] when the file has another length; [`DataDirError::Io`].
    pub fn secret(&self, name: &str, len: usize) -> Result<Vec<u8>, DataDirError> {
        let path = self.secrets()?.join(name);
        match fs::read(&path) {
            Ok(bytes) if bytes.len() == len => Ok(bytes),
            Ok(bytes) => Err(DataDirError::SecretLen {
                path,
                found: bytes.len(),
                expected: len,
            }),
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                let mut bytes = vec![0; len];
                fill_random(&mut bytes)?;
                write_durably(&path, &bytes)?;
                Ok(bytes)
            }
            Err(e) => Err(io_error("reading", &path)(e)),
        }
    }
}

fn io_error(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> DataDirError {
    let path = path.to_owned();
    move |source| DataDirError::Io {
        doing,
        path,
        source,
    }
}

fn fill_random(bytes: &mut [u8]) -> Result<(), DataDirError> {
    SystemRandom::new()
        .fill(bytes)
        .map_err(|_| DataDirError::Random)
}

/// Creates `path` for its owner alone; one that exists is closed to others.
fn make_dir(path: &Path) -> Result<(), DataDirError> {
    let mut builder = DirBuilder::new();
    builder.recursive(true).mode(0o700);
    builder.create(path).map_err(io_error("creating", path))?;
    let mode = |m: &fs::Metadata| m.permissions().mode() & 0o777;
    let found = fs::metadata(path).map_err(io_error("reading the mode of", path))?;
    if mode(&found) != 0o700 {
        tracing::warn!(path = %path.display(), mode = format!("{:o}", mode(&found)), "directory was open to others, now 0700");
        fs::set_permissions(path, fs::Permissions::from_mode(0o700))
            .map_err(io_error("closing to others", path))?;
    }
    Ok(())
}

fn lock(dir: &Path) -> Result<File, DataDirError> {
    let path = dir.join("lock");
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    let mut file = options
        .mode(0o600)
        .open(&path)
        .map_err(io_error("opening", &path))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut pid = String::new();
            // A pid that cannot be read does not change the answer.
            let _ = file.read_to_string(&mut pid);
            return Err(DataDirError::Locked {
                path: dir.to_owned(),
                pid: pid.trim().to_owned(),
            });
        }
        Err(TryLockError::Error(e)) => return Err(io_error("locking", &path)(e)),
    }
    file.set_len(0)
        .and_then(|()| writeln!(file, "{}", std::process::id()))
        .map_err(io_error("writing", &path))?;
    Ok(file)
}

fn read_or_write_format(dir: &Path) -> Result<ClusterId, DataDirError> {
    let path = dir.join("FORMAT");
    match fs::read(&path) {
        Ok(bytes) => {
            let text = String::from_utf8_lossy(&bytes);
            parse_format(&text).ok_or_else(|| DataDirError::Format {
                path,
                found: text.chars().take(80).collect(),
            })
        }
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            let mut id = [0; 16];
            fill_random(&mut id)?;
            let id = ClusterId(u128::from_le_bytes(id));
            write_durably(
                &path,
                format!("sigec-data {VERSION}\ncluster {id}\n").as_bytes(),
            )?;
            Ok(id)
        }
        Err(e) => Err(io_error("reading", &path)(e)),
    }
}

fn parse_format(text: &str) -> Option<ClusterId> {
    let mut lines = text.lines();
    let version: u32 = lines.next()?.strip_prefix("sigec-data ")?.parse().ok()?;
    let id = lines.next()?.strip_prefix("cluster ")?;
    let id = (id.len() == 32).then(|| u128::from_str_radix(id, 16).ok())??;
    (version == VERSION && lines.next().is_none()).then_some(ClusterId(id))
}

/// Writes a whole file so that after any crash it is there with all its bytes, or not at all.
fn write_durably(path: &Path, bytes: &[u8]) -> Result<(), DataDirError> {
    let new = path.with_extension("new");
    let write = || {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        let mut file = options.open(&new)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&new, path)?;
        File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
    };
    write().map_err(io_error("writing", path))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_second_server_is_told_who_has_the_directory() {
        let tmp = tempfile::tempdir().unwrap();
        let path = tmp.path().join("deep/data");
        let first = DataDir::open(&path).unwrap();
        let error = DataDir::open(&path).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "data directory {} is in use by process {}",
                first.path().display(),
                std::process::id()
            )
        );
        let id = first.cluster_id();
        drop(first);
        assert_eq!(DataDir::open(&path).unwrap().cluster_id(), id);
    }

    #[test]
    fn everything_is_its_owners_alone() {
        let tmp = tempfile::tempdir().unwrap();
        fs::set_permissions(tmp.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let dir = DataDir::open(tmp.path()).unwrap();
        dir.secret("token-key", 32).unwrap();
        assert_eq!(mode(tmp.path()), 0o700);
        for (name, expected) in [
            ("lock", 0o600),
            ("FORMAT", 0o600),
            ("secrets", 0o700),
            ("secrets/token-key", 0o600),
        ] {
            assert_eq!(mode(&tmp.path().join(name)), expected, "{name}");
        }
    }

    #[test]
    fn a_secret_is_made_once() {
        let tmp = tempfile::tempdir().unwrap();
        let dir = DataDir::open(tmp.path()).unwrap();
        let secret = dir.secret("a", 32).unwrap();
        assert_eq!(dir.secret("a", 32).unwrap(), secret);
        assert_ne!(dir.secret("b", 32).unwrap(), secret);
        assert!(matches!(
            dir.secret("a", 16),
            Err(DataDirError::SecretLen {
                found: 32,
                expected: 16,
                ..
            })
        ));
    }

    #[test]
    fn a_directory_of_another_format_is_refused() {
        for text in [
            "",
            "sigec-data 2\ncluster 00000000000000000000000000000001\n",
            "sigec-data 1\ncluster 1\n",
            "sigec-data 1\ncluster 00000000000000000000000000000001\nmore\n",
        ] {
            let tmp = tempfile::tempdir().unwrap();
            fs::write(tmp.path().join("FORMAT"), text).unwrap();
            let error = DataDir::open(tmp.path()).unwrap_err();
            assert!(matches!(error, DataDirError::Format { .. }), "{text:?}");
        }
    }
}
