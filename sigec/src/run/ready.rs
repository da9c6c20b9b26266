//! Where the running server listens, as a file for whoever started it and for the other commands.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::{Deserialize, Serialize};

/// A ready server. The field names are a contract with scripts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Ready {
    pub(crate) pid: u32,
    pub(crate) ocpp: SocketAddr,
    /// With TLS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ocpps: Option<SocketAddr>,
    pub(crate) http: SocketAddr,
    /// With TLS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) https: Option<SocketAddr>,
    pub(crate) postgres: SocketAddr,
    pub(crate) data_dir: PathBuf,
}

impl Ready {
    /// The copy that every server leaves in its data directory. It may be of a server that is gone: the lock
    /// tells.
    pub(crate) fn path_in(data_dir: &Path) -> PathBuf {
        data_dir.join("server.json")
    }

    /// Writes the file whole or not at all: whoever sees it can read it.
    pub(crate) fn write(&self, path: &Path) -> anyhow::Result<()> {
        let doing = || format!("writing {}", path.display());
        let new = path.with_extension("new");
        let mut text = serde_json::to_string(self).with_context(doing)?;
        text.push('\n');
        std::fs::write(&new, text).with_context(doing)?;
        std::fs::rename(&new, path).with_context(doing)
    }

    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        let text =
            std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
        serde_json::from_str(&text).with_context(|| format!("reading {}", path.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_names_every_listener() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ready.json");
        let ready = Ready {
            pid: 1,
            ocpp: SocketAddr::from(([127, 0, 0, 1], 9000)),
            ocpps: None,
            http: SocketAddr::from(([127, 0, 0, 1], 8080)),
            https: None,
            postgres: "[::1]:5433".parse().unwrap(),
            data_dir: "/d".into(),
        };
        ready.write(&path).unwrap();
        assert_eq!(
            std::fs::read_to_string(&path).unwrap(),
            "{\"pid\":1,\"ocpp\":\"127.0.0.1:9000\",\"http\":\"127.0.0.1:8080\",\
             \"postgres\":\"[::1]:5433\",\"data_dir\":\"/d\"}\n"
        );
        assert_eq!(Ready::read(&path).unwrap(), ready);
        assert_eq!(
            std::fs::read_dir(dir.path()).unwrap().count(),
            1,
            "a file was left behind"
        );
    }
}
