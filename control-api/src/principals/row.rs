//! A principal as the state store keeps it.
//!
//! # Layout
//!
//! Key: the name, UTF-8. Value: a JSON object with `version` 1, `name`, `role` (`read_only`, `operator`, `admin`),
//! `tenant`, `created_at` (UTC microseconds), `token_sha256`, `scram_salt`, `scram_iterations` and
//! `scram_salted_password`; bytes are base64 (URL-safe, no padding).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fleet::UtcMicros;
use sdk::Role;
use serde::{Deserialize, Serialize};

use super::Principal;

const VERSION: u32 = 1;

#[derive(Clone, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) principal: Principal,
    pub(super) token_sha256: [u8; 32],
    pub(super) scram_salt: [u8; 16],
    pub(super) scram_iterations: u32,
    pub(super) scram_salted_password: [u8; 32],
}

/// The JSON object; a change of it is a new `version`.
#[derive(Serialize, Deserialize)]
struct Stored {
    version: u32,
    name: String,
    role: Role,
    tenant: String,
    created_at: i64,
    token_sha256: String,
    scram_salt: String,
    scram_iterations: u32,
    scram_salted_password: String,
}

impl Row {
    pub(super) fn write(&self) -> Vec<u8> {
        let stored = Stored {
            version: VERSION,
            name: self.principal.name.clone(),
            role: self.principal.role,
            tenant: self.principal.tenant.clone(),
            created_at: self.principal.created_at.0,
            token_sha256: URL_SAFE_NO_PAD.encode(self.token_sha256),
            scram_salt: URL_SAFE_NO_PAD.encode(self.scram_salt),
            scram_iterations: self.scram_iterations,
            scram_salted_password: URL_SAFE_NO_PAD.encode(self.scram_salted_password),
        };
        serde_json::to_vec(&stored).expect("strings and integers are JSON")
    }

    pub(super) fn read(bytes: &[u8]) -> Result<Self, String> {
        let stored: Stored = serde_json::from_slice(bytes).map_err(|e| e.to_string())?;
        if stored.version != VERSION {
            return Err(format!(
                "version {}, this program reads {VERSION}",
                stored.version
            ));
        }
        Ok(Self {
            principal: Principal {
                name: stored.name,
                role: stored.role,
                tenant: stored.tenant,
                created_at: UtcMicros(stored.created_at),
            },
            token_sha256: bytes_of("token_sha256", &stored.token_sha256)?,
            scram_salt: bytes_of("scram_salt", &stored.scram_salt)?,
            scram_iterations: stored.scram_iterations,
            scram_salted_password: bytes_of(
                "scram_salted_password",
                &stored.scram_salted_password,
            )?,
        })
    }
}

fn bytes_of<const N: usize>(name: &str, text: &str) -> Result<[u8; N], String> {
    let bytes = URL_SAFE_NO_PAD
        .decode(text)
        .map_err(|e| format!("{name}: {e}"))?;
    let len = bytes.len();
    bytes
        .try_into()
        .map_err(|_| format!("{name} has {len} bytes, {N} are expected"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOLDEN: &str = r#"{"version":1,"name":"grafana","role":"read_only","tenant":"default","created_at":1795344109123000,"token_sha256":"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE","scram_salt":"AgICAgICAgICAgICAgICAg","scram_iterations":4096,"scram_salted_password":"AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM"}"#;

    fn row() -> Row {
        Row {
            principal: Principal {
                name: "grafana".into(),
                role: Role::ReadOnly,
                tenant: "default".into(),
                created_at: UtcMicros(1_795_344_109_123_000),
            },
            token_sha256: [1; 32],
            scram_salt: [2; 16],
            scram_iterations: 4_096,
            scram_salted_password: [3; 32],
        }
    }

    #[test]
    fn the_bytes_on_disk_stay_as_they_are() {
        assert_eq!(String::from_utf8(row().write()).unwrap(), GOLDEN);
        assert!(Row::read(GOLDEN.as_bytes()).is_ok_and(|read| read == row()));
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        for (text, expected) in [
            (
                GOLDEN.replace(":1,", ":2,"),
                "version 2, this program reads 1",
            ),
            (
                GOLDEN.replace("AgICAgICAgICAgICAgICAg", "AgICAgICAg"),
                "scram_salt has 7 bytes, 16 are expected",
            ),
            ("{}".to_owned(), "missing field `version`"),
        ] {
            let error = Row::read(text.as_bytes()).err().unwrap();
            assert!(error.contains(expected), "{error}");
        }
    }
}
