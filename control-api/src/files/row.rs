//! Files and URLs as the state store keeps them, in [`Table::Files`](storage::state::Table::Files).
//!
//! # Layout
//!
//! Key: `f` and the file's id (16 bytes), or `l` and the SHA-256 of the URL's secret (32 bytes). Value: a JSON object with
//! `version` 1; bytes are hexadecimal, times UTC microseconds.

use std::fmt;
use std::str::FromStr;

use fleet::UtcMicros;
use serde::{Deserialize, Serialize};

use super::link::{LinkId, LinkRow, Purpose};
use super::{FilesError, random};

const VERSION: u32 = 1;

/// UUIDv7, so that files stand in the order of their making.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct FileId(pub(crate) [u8; 16]);

impl FileId {
    pub(super) fn new(now: UtcMicros) -> Result<Self, FilesError> {
        let millis = u64::try_from(now.millis()).unwrap_or(0);
        let id = uuid::Builder::from_unix_timestamp_millis(millis, &random()?);
        Ok(Self(id.into_uuid().into_bytes()))
    }
}

impl fmt::Display for FileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        uuid::Uuid::from_bytes(self.0).fmt(f)
    }
}

impl fmt::Debug for FileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for FileId {
    type Err = ();

    /// Takes the form that it is shown in, and no other.
    fn from_str(text: &str) -> Result<Self, ()> {
        let id = uuid::Uuid::try_parse(text).map_err(|_| ())?;
        let id = Self(id.into_bytes());
        (id.to_string() == text).then_some(id).ok_or(())
    }
}

/// Who a file comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A principal.
    Operator(String),
    /// A station, or whoever held its URL.
    Station(String),
}

/// What is known of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FileRow {
    pub(crate) id: FileId,
    pub(crate) tenant: String,
    /// As its sender calls it; never a path.
    pub(crate) name: String,
    pub(crate) len: u64,
    pub(crate) sha256: [u8; 32],
    pub(crate) origin: Origin,
    pub(crate) created_at: UtcMicros,
    /// The URL it came by.
    pub(crate) link: Option<LinkId>,
    /// The command that made the station send it.
    pub(crate) command: Option<[u8; 16]>,
}

pub(super) enum Row {
    File(FileRow),
    Link(LinkId, LinkRow),
}

/// The JSON objects; a change of one is a new `version`.
#[derive(Serialize, Deserialize)]
struct StoredFile {
    version: u32,
    tenant: String,
    name: String,
    len: u64,
    sha256: String,
    principal: Option<String>,
    station: Option<String>,
    created_at: i64,
    link: Option<String>,
    command: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct StoredLink {
    version: u32,
    tenant: String,
    /// A URL that gives this file; else one that takes a file.
    download: Option<String>,
    len_max: u64,
    station: String,
    uses_left: u32,
    expires_at: i64,
    command: Option<String>,
}

pub(super) fn file_key(id: FileId) -> Vec<u8> {
    [b"f".as_slice(), &id.0].concat()
}

pub(super) fn link_key(id: &LinkId) -> Vec<u8> {
    [b"l".as_slice(), id].concat()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex<const N: usize>(what: &'static str, text: &str) -> Result<[u8; N], FilesError> {
    let byte = |at: usize| u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok();
    let mut bytes = [0; N];
    for (at, slot) in bytes.iter_mut().enumerate() {
        *slot = byte(at).ok_or_else(|| broken(what, format!("{text:?} has not {N} bytes")))?;
    }
    Ok(bytes)
}

fn broken(what: &'static str, detail: impl fmt::Display) -> FilesError {
    FilesError::Row {
        what,
        detail: detail.to_string(),
    }
}

impl FileRow {
    pub(super) fn write(&self) -> Vec<u8> {
        let (principal, station) = match &self.origin {
            Origin::Operator(name) => (Some(name.clone()), None),
            Origin::Station(id) => (None, Some(id.clone())),
        };
        let stored = StoredFile {
            version: VERSION,
            tenant: self.tenant.clone(),
            name: self.name.clone(),
            len: self.len,
            sha256: hex(&self.sha256),
            principal,
            station,
            created_at: self.created_at.0,
            link: self.link.map(|link| hex(&link)),
            command: self.command.map(|command| hex(&command)),
        };
        serde_json::to_vec(&stored).expect("strings and integers are JSON")
    }
}

impl LinkRow {
    pub(super) fn write(&self) -> Vec<u8> {
        let (download, len_max) = match self.purpose {
            Purpose::Download(file) => (Some(hex(&file.0)), 0),
            Purpose::Upload { len_max } => (None, len_max),
        };
        let stored = StoredLink {
            version: VERSION,
            tenant: self.tenant.clone(),
            download,
            len_max,
            station: self.station.clone(),
            uses_left: self.uses_left,
            expires_at: self.expires_at.0,
            command: self.command.map(|command| hex(&command)),
        };
        serde_json::to_vec(&stored).expect("strings and integers are JSON")
    }
}

pub(super) fn read(key: &[u8], value: &[u8]) -> Result<Row, FilesError> {
    match key.split_first() {
        Some((b'f', id)) => read_file(id, value).map(Row::File),
        Some((b'l', id)) => read_link(id, value),
        _ => Err(broken("row", "its key begins with neither f nor l")),
    }
}

fn read_file(id: &[u8], value: &[u8]) -> Result<FileRow, FilesError> {
    const WHAT: &str = "file";
    let id = id.try_into().map_err(|e| broken(WHAT, e))?;
    let stored: StoredFile = serde_json::from_slice(value).map_err(|e| broken(WHAT, e))?;
    check_version(WHAT, stored.version)?;
    let origin = match (stored.principal, stored.station) {
        (Some(name), _) => Origin::Operator(name),
        (None, Some(id)) => Origin::Station(id),
        (None, None) => return Err(broken(WHAT, "it names neither principal nor station")),
    };
    Ok(FileRow {
        id: FileId(id),
        tenant: stored.tenant,
        name: stored.name,
        len: stored.len,
        sha256: unhex(WHAT, &stored.sha256)?,
        origin,
        created_at: UtcMicros(stored.created_at),
        link: stored.link.map(|link| unhex(WHAT, &link)).transpose()?,
        command: stored
            .command
            .map(|command| unhex(WHAT, &command))
            .transpose()?,
    })
}

fn read_link(id: &[u8], value: &[u8]) -> Result<Row, FilesError> {
    const WHAT: &str = "URL";
    let id: LinkId = id.try_into().map_err(|e| broken(WHAT, e))?;
    let stored: StoredLink = serde_json::from_slice(value).map_err(|e| broken(WHAT, e))?;
    check_version(WHAT, stored.version)?;
    let purpose = match stored.download {
        Some(file) => Purpose::Download(FileId(unhex(WHAT, &file)?)),
        None => Purpose::Upload {
            len_max: stored.len_max,
        },
    };
    let link = LinkRow {
        tenant: stored.tenant,
        purpose,
        station: stored.station,
        uses_left: stored.uses_left,
        expires_at: UtcMicros(stored.expires_at),
        command: stored
            .command
            .map(|command| unhex(WHAT, &command))
            .transpose()?,
        is_arriving: false,
    };
    Ok(Row::Link(id, link))
}

fn check_version(what: &'static str, found: u32) -> Result<(), FilesError> {
    if found == VERSION {
        return Ok(());
    }
    let detail = format!("version {found}, this program reads {VERSION}");
    Err(broken(what, detail))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"{"version":1,"tenant":"default","name":"log.gz","len":7,"sha256":"0202020202020202020202020202020202020202020202020202020202020202","principal":null,"station":"CP1","created_at":1795344109123000,"link":"0303030303030303030303030303030303030303030303030303030303030303","command":"04040404040404040404040404040404"}"#;
    const LINK: &str = r#"{"version":1,"tenant":"default","download":"01010101010101010101010101010101","len_max":0,"station":"CP1","uses_left":5,"expires_at":1795344109123000,"command":null}"#;
    const AT: UtcMicros = UtcMicros(1_795_344_109_123_000);

    #[test]
    fn the_bytes_on_disk_stay_as_they_are() {
        let file = FileRow {
            id: FileId([1; 16]),
            tenant: "default".into(),
            name: "log.gz".into(),
            len: 7,
            sha256: [2; 32],
            origin: Origin::Station("CP1".into()),
            created_at: AT,
            link: Some([3; 32]),
            command: Some([4; 16]),
        };
        let link = LinkRow {
            tenant: "default".into(),
            purpose: Purpose::Download(FileId([1; 16])),
            station: "CP1".into(),
            uses_left: 5,
            expires_at: AT,
            command: None,
            is_arriving: false,
        };
        assert_eq!(String::from_utf8(file.write()).unwrap(), FILE);
        assert_eq!(String::from_utf8(link.write()).unwrap(), LINK);
        assert_eq!(file_key(file.id), [b"f".as_slice(), &[1; 16]].concat());
        assert_eq!(link_key(&[3; 32]), [b"l".as_slice(), &[3; 32]].concat());
        match read(&file_key(file.id), FILE.as_bytes()) {
            Ok(Row::File(found)) => assert_eq!(found, file),
            _ => panic!("no file"),
        }
        match read(&link_key(&[3; 32]), LINK.as_bytes()) {
            Ok(Row::Link(id, found)) => assert_eq!((id, found), ([3; 32], link)),
            _ => panic!("no URL"),
        }
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let (file, link) = (file_key(FileId([1; 16])), link_key(&[3; 32]));
        for (key, value, expected) in [
            (
                &file,
                FILE.replace(":1,", ":2,"),
                "a stored file cannot be read: version 2, this program reads 1",
            ),
            (
                &file,
                FILE.replace("\"CP1\"", "null"),
                "a stored file cannot be read: it names neither principal nor station",
            ),
            (
                &link,
                LINK.replace("0101", ""),
                "a stored URL cannot be read: \"\" has not 16 bytes",
            ),
            (
                &b"x".to_vec(),
                LINK.to_owned(),
                "a stored row cannot be read: its key begins with neither f nor l",
            ),
        ] {
            let error = read(key, value.as_bytes()).err().unwrap();
            assert_eq!(error.to_string(), expected);
        }
    }
}
