//! The OCPP versions this crate speaks.

/// A version of OCPP-J, fixed per connection by the WebSocket subprotocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Version {
    /// OCPP 1.6J, edition 2 with the errata of 2025-04.
    V16,
    /// OCPP 2.0.1, edition 3 with the errata of 2025-09.
    V201,
    /// OCPP 2.1, edition 1 with the errata of 2025-09.
    V21,
}

impl Version {
    /// Every version, oldest first.
    pub const ALL: [Version; 3] = [Version::V16, Version::V201, Version::V21];

    /// The name in `Sec-WebSocket-Protocol`, as IANA registered it.
    pub const fn subprotocol(self) -> &'static str {
        match self {
            Version::V16 => "ocpp1.6",
            Version::V201 => "ocpp2.0.1",
            Version::V21 => "ocpp2.1",
        }
    }

    /// The version that one token of `Sec-WebSocket-Protocol` names; tokens compare exactly.
    pub fn from_subprotocol(token: &str) -> Option<Version> {
        Version::ALL
            .into_iter()
            .find(|version| version.subprotocol() == token)
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Version::V16 => "OCPP 1.6",
            Version::V201 => "OCPP 2.0.1",
            Version::V21 => "OCPP 2.1",
        })
    }
}
