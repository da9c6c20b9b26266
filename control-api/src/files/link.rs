//! URLs with a secret, by which a station gets a file or puts one.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fleet::UtcMicros;
use ring::digest::{SHA256, digest};
use storage::state::{Durability, StateBatch, Table};

use super::row::{FileId, FileRow, file_key, hex, link_key};
use super::{Changing, Files, FilesError, LINKS_MAX, random};

/// SHA-256 of a secret.
pub(crate) type LinkId = [u8; 32];

/// Random bytes of a secret: 192 bits, 32 characters of a URL.
const SECRET_LEN: usize = 24;

/// What a URL is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Gives this file.
    Download(FileId),
    /// Takes a file.
    Upload {
        /// Its longest, bytes.
        len_max: u64,
    },
}

/// What is known of a URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LinkRow {
    pub(crate) tenant: String,
    pub(crate) purpose: Purpose,
    /// Whom it is meant for; empty for anybody.
    pub(crate) station: String,
    /// Whole transfers that are left.
    pub(crate) uses_left: u32,
    pub(crate) expires_at: UtcMicros,
    /// The command that told the station of it.
    pub(crate) command: Option<[u8; 16]>,
    /// True while a file arrives; of this process only.
    pub(super) is_arriving: bool,
}

/// A URL to make.
#[derive(Clone, Debug)]
pub(crate) struct LinkRequest<'a> {
    pub(crate) tenant: &'a str,
    pub(crate) purpose: Purpose,
    pub(crate) station: &'a str,
    /// Whole transfers.
    pub(crate) uses: u32,
    pub(crate) lifetime: Duration,
}

/// A URL that was made; it is not shown again.
#[derive(Clone, Debug)]
pub(crate) struct Made {
    pub(crate) id: LinkId,
    pub(crate) url: String,
    pub(crate) expires_at: UtcMicros,
}

impl Files {
    /// Makes a URL, once that is on disk.
    pub(crate) fn make_link(
        &self,
        now: UtcMicros,
        request: &LinkRequest<'_>,
    ) -> Result<Made, FilesError> {
        let secret = URL_SAFE_NO_PAD.encode(random::<SECRET_LEN>()?);
        let id = id_of(&secret);
        let lifetime = i64::try_from(request.lifetime.as_micros()).unwrap_or(i64::MAX);
        let link = LinkRow {
            tenant: request.tenant.to_owned(),
            purpose: request.purpose,
            station: request.station.to_owned(),
            uses_left: request.uses,
            expires_at: UtcMicros(now.0.saturating_add(lifetime)),
            command: None,
            is_arriving: false,
        };
        let direction = match request.purpose {
            Purpose::Download(_) => "d",
            Purpose::Upload { .. } => "u",
        };
        let changing = self.changing();
        if LINKS_MAX <= self.index().links.len() {
            return Err(FilesError::TooMany {
                what: "URLs",
                limit: LINKS_MAX,
            });
        }
        self.put(&changing, &[(id, &link)], &[])?;
        let expires_at = link.expires_at;
        self.index().links.insert(id, link);
        Ok(Made {
            id,
            url: format!("{}/files/{direction}/{secret}", self.config().base_url),
            expires_at,
        })
    }

    /// A file that a secret gives, and by which URL.
    pub(crate) fn by_secret(
        &self,
        now: UtcMicros,
        secret: &str,
    ) -> Result<(LinkId, FileRow), FilesError> {
        let unknown = || FilesError::Unknown { what: "URL" };
        let id = id_of(secret);
        let index = self.index();
        let link = index.links.get(&id).ok_or_else(unknown)?;
        match link.purpose {
            Purpose::Download(file) => {
                link.check(now)?;
                let row = index.files.get(&file).ok_or_else(unknown)?;
                Ok((id, row.clone()))
            }
            Purpose::Upload { .. } => Err(unknown()),
        }
    }

    /// A transfer is about to be whole: counted before its last byte goes.
    pub(crate) fn count_use(&self, now: UtcMicros, id: &LinkId) -> Result<(), FilesError> {
        let changing = self.changing();
        let found = self.index().links.get(id).cloned();
        let mut used = found.ok_or(FilesError::Used)?;
        used.check(now)?;
        used.uses_left -= 1;
        self.put(&changing, &[(*id, &used)], &[])?;
        if let Some(link) = self.index().links.get_mut(id) {
            link.uses_left = used.uses_left;
        }
        Ok(())
    }

    /// Ties a URL, and what came by it already, to the command that told the station of it.
    pub(crate) fn tie(&self, id: &LinkId, command: [u8; 16]) -> Result<(), FilesError> {
        let changing = self.changing();
        let index = self.index();
        let Some(mut link) = index.links.get(id).cloned() else {
            return Ok(());
        };
        link.command = Some(command);
        let came = index.files.values().filter(|row| row.link == Some(*id));
        let mut came: Vec<FileRow> = came.cloned().collect();
        drop(index);
        for row in &mut came {
            row.command = Some(command);
        }
        let files: Vec<&FileRow> = came.iter().collect();
        self.put(&changing, &[(*id, &link)], &files)?;
        let mut index = self.index();
        // Meanwhile a file may have begun to arrive.
        if let Some(link) = index.links.get_mut(id) {
            link.command = Some(command);
        }
        index
            .files
            .extend(came.into_iter().map(|row| (row.id, row)));
        Ok(())
    }

    /// The URL of a secret, and the command that told a station of it.
    pub(crate) fn told_by(&self, secret: &str) -> Option<(LinkId, [u8; 16])> {
        let id = id_of(secret);
        let command = self.index().links.get(&id)?.command?;
        Some((id, command))
    }

    /// Ends an upload URL by what is shown of it: the hash of its secret.
    pub(crate) fn revoke_upload(&self, tenant: &str, id: &str) -> Result<(), FilesError> {
        let changing = self.changing();
        let index = self.index();
        let known = index.links.iter().find(|(known, link)| {
            let is_upload = matches!(link.purpose, Purpose::Upload { .. });
            is_upload && link.tenant == tenant && hex(*known) == id
        });
        let known = known.map(|(id, _)| *id);
        drop(index);
        let known = known.ok_or(FilesError::Unknown { what: "URL" })?;
        self.forget(&changing, &[], &[known])
    }

    /// Forgets a URL that nobody was told of, or that its station refused.
    pub(crate) fn drop_link(&self, id: &LinkId) -> Result<(), FilesError> {
        self.forget(&self.changing(), &[], &[*id])
    }

    /// Writes rows; they are on disk when this returns.
    pub(super) fn put(
        &self,
        _: &Changing<'_>,
        links: &[(LinkId, &LinkRow)],
        files: &[&FileRow],
    ) -> Result<(), FilesError> {
        let mut batch = StateBatch::default();
        for (id, link) in links {
            batch.put(Table::Files, link_key(id), link.write());
        }
        for file in files {
            batch.put(Table::Files, file_key(file.id), file.write());
        }
        Ok(self.0.store.apply(batch, None, Durability::Sync)?)
    }
}

impl LinkRow {
    pub(super) fn check(&self, now: UtcMicros) -> Result<(), FilesError> {
        if self.expires_at <= now {
            return Err(FilesError::Expired(self.expires_at));
        }
        match self.uses_left {
            0 => Err(FilesError::Used),
            _ => Ok(()),
        }
    }
}

pub(super) fn id_of(secret: &str) -> LinkId {
    digest(&SHA256, secret.as_bytes())
        .as_ref()
        .try_into()
        .expect("a SHA-256 has 32 bytes")
}
