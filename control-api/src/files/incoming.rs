//! A file that is arriving.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;
use std::sync::Arc;

use fleet::UtcMicros;
use ring::digest::{Context, SHA256};
use tokio::sync::OwnedSemaphorePermit;

use super::link::{LinkId, id_of};
use super::row::{FileId, FileRow, Origin};
use super::{FILES_MAX, Files, FilesError, Index, Purpose, io_error};

/// Bytes on their way to the disk. Dropped before [`Incoming::finish`], it leaves nothing behind.
pub(crate) struct Incoming {
    files: Files,
    row: FileRow,
    part: PathBuf,
    file: File,
    digest: Context,
    len_max: u64,
    /// True once the bytes are a file of their own.
    is_kept: bool,
    _permit: OwnedSemaphorePermit,
}

impl Files {
    /// A file that an operator puts.
    pub(crate) fn receive(
        &self,
        now: UtcMicros,
        tenant: &str,
        principal: &str,
        name: String,
    ) -> Result<Incoming, FilesError> {
        let row = FileRow {
            id: FileId::new(now)?,
            tenant: tenant.to_owned(),
            name,
            len: 0,
            sha256: [0; 32],
            origin: Origin::Operator(principal.to_owned()),
            created_at: now,
            link: None,
            command: None,
        };
        self.begin(row, self.config().size_max)
    }

    /// A file that comes by a URL. Until it has come or broken off, no other comes by the same one.
    pub(crate) fn receive_by_secret(
        &self,
        now: UtcMicros,
        secret: &str,
        name: String,
    ) -> Result<Incoming, FilesError> {
        let unknown = || FilesError::Unknown { what: "URL" };
        let link_id = id_of(secret);
        let file_id = FileId::new(now)?;
        let mut index = self.index();
        let link = index.links.get_mut(&link_id).ok_or_else(unknown)?;
        let Purpose::Upload { len_max } = link.purpose else {
            return Err(unknown());
        };
        link.check(now)?;
        if link.is_arriving {
            return Err(FilesError::Arriving);
        }
        let row = FileRow {
            id: file_id,
            tenant: link.tenant.clone(),
            name,
            len: 0,
            sha256: [0; 32],
            origin: Origin::Station(link.station.clone()),
            created_at: now,
            link: Some(link_id),
            command: link.command,
        };
        link.is_arriving = true;
        drop(index);
        let begun = self.begin(row, len_max.min(self.config().size_max));
        if begun.is_err() {
            self.release(&link_id);
        }
        begun
    }

    fn begin(&self, row: FileRow, len_max: u64) -> Result<Incoming, FilesError> {
        let permit = Arc::clone(&self.0.uploads)
            .try_acquire_owned()
            .map_err(|_| FilesError::Busy)?;
        if FILES_MAX <= self.index().files.len() {
            return Err(FilesError::TooMany {
                what: "files",
                limit: FILES_MAX,
            });
        }
        let part = self.0.dir.join(format!("{}.part", row.id));
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(0o600);
        let file = options.open(&part).map_err(io_error("creating", &part))?;
        Ok(Incoming {
            files: self.clone(),
            row,
            part,
            file,
            digest: Context::new(&SHA256),
            len_max,
            is_kept: false,
            _permit: permit,
        })
    }

    fn release(&self, link: &LinkId) {
        if let Some(link) = self.index().links.get_mut(link) {
            link.is_arriving = false;
        }
    }
}

impl Incoming {
    /// Refuses a body by the length that it announces, before a byte of it has come.
    pub(crate) fn announce(&self, len: u64) -> Result<(), FilesError> {
        let index = self.files.index();
        self.check_len(len, index.kept + index.arriving)
    }

    /// Takes some bytes.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), FilesError> {
        let len = bytes.len() as u64;
        {
            let mut index = self.files.index();
            self.check_link(&index)?;
            self.check_len(len, index.kept + index.arriving)?;
            index.arriving += len;
        }
        self.row.len += len;
        self.digest.update(bytes);
        self.file
            .write_all(bytes)
            .map_err(io_error("writing", &self.part))
    }

    /// Whether the URL is still there: it may be revoked while a file arrives under it.
    fn check_link(&self, index: &Index) -> Result<(), FilesError> {
        match self.row.link {
            Some(link) if !index.links.contains_key(&link) => {
                Err(FilesError::Unknown { what: "URL" })
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Whether `len` more bytes may come while `kept` are here.
    fn check_len(&self, len: u64, kept: u64) -> Result<(), FilesError> {
        if self.len_max < self.row.len.saturating_add(len) {
            return Err(FilesError::TooLarge {
                limit: self.len_max,
            });
        }
        let limit = self.files.config().total_max;
        if limit < kept.saturating_add(len) {
            return Err(FilesError::Full { kept, len, limit });
        }
        Ok(())
    }

    /// It has come whole: a file with a row, both on disk when this returns.
    pub(crate) fn finish(mut self) -> Result<FileRow, FilesError> {
        if self.row.len == 0 {
            return Err(FilesError::Empty);
        }
        let digest = std::mem::replace(&mut self.digest, Context::new(&SHA256)).finish();
        self.row.sha256.copy_from_slice(digest.as_ref());
        let path = self.files.path(self.row.id);
        self.file
            .sync_all()
            .map_err(io_error("syncing", &self.part))?;
        fs::rename(&self.part, &path).map_err(io_error("naming", &path))?;
        // From here on it lies under its own name.
        self.part = path;
        let dir = &self.files.0.dir;
        File::open(dir)
            .and_then(|dir| dir.sync_all())
            .map_err(io_error("syncing", dir))?;
        let files = self.files.clone();
        let changing = files.changing();
        let index = files.index();
        self.check_link(&index)?;
        let link = self.row.link.and_then(|id| {
            let mut link = index.links.get(&id)?.clone();
            link.uses_left = link.uses_left.saturating_sub(1);
            link.is_arriving = false;
            self.row.command = link.command;
            Some((id, link))
        });
        drop(index);
        let links: Vec<_> = link.iter().map(|(id, link)| (*id, link)).collect();
        files.put(&changing, &links, &[&self.row])?;
        let mut index = files.index();
        index.links.extend(link);
        index.arriving -= self.row.len;
        index.kept += self.row.len;
        index.files.insert(self.row.id, self.row.clone());
        self.is_kept = true;
        drop(index);
        Ok(self.row.clone())
    }
}

#[cfg(test)]
impl Incoming {
    /// What comes from here on meets a full disk.
    pub(super) fn on_full_disk(mut self) -> Self {
        let full = OpenOptions::new().write(true).open("/dev/full");
        self.file = full.expect("the kernel's full disk");
        self
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        if self.is_kept {
            return;
        }
        if let Err(error) = fs::remove_file(&self.part) {
            // The next start tries again.
            tracing::warn!(path = %self.part.display(), %error, "a part of a file stays on the disk");
        }
        self.files.index().arriving -= self.row.len;
        if let Some(link) = self.row.link {
            self.files.release(&link);
        }
    }
}
