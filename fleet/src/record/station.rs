//! Who a station is, how it is connected, and what an operator says of it.

use rkyv::{Archive, Deserialize, Serialize};

use super::Moment;

closed_set! {
    /// The version a connection speaks.
    Protocol {
        /// OCPP 1.6 with JSON.
        Ocpp16 = 1 "ocpp1.6",
        /// OCPP 2.0.1.
        Ocpp201 = 2 "ocpp2.0.1",
        /// OCPP 2.1.
        Ocpp21 = 3 "ocpp2.1",
    }
}

closed_set! {
    /// Whether a station may speak.
    Acceptance {
        /// Seen while onboarding is pending; Boot is answered Pending.
        Pending = 1 "pending",
        /// Registered, approved, or met while onboarding was open.
        Accepted = 2 "accepted",
    }
}

closed_set! {
    /// How a peer proved who it is.
    Security {
        /// It did not.
        None = 1 "none",
        /// HTTP Basic with the station's password (security profile 1).
        Basic = 2 "basic",
        /// It did not, over TLS.
        Tls = 3 "tls",
        /// HTTP Basic with the station's password, over TLS (security profile 2).
        TlsBasic = 4 "tls_basic",
        /// A certificate of its own, over TLS (security profile 3).
        Certificate = 5 "certificate",
    }
}

impl Security {
    /// The security profile that it comes to (OCPP 2.0.1 Part 2, A00). TLS to a peer that proves nothing is none.
    pub const fn profile(self) -> u8 {
        match self {
            Self::None | Self::Tls => 0,
            Self::Basic => 1,
            Self::TlsBasic => 2,
            Self::Certificate => 3,
        }
    }
}

/// A socket became a station's connection.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[rkyv(derive(Debug))]
pub struct Connected {
    /// Names this connection among all of the log.
    pub connection: u64,
    /// Address and port of the peer.
    pub peer: String,
    /// [`Protocol`].
    pub protocol: u8,
    /// [`Security`].
    pub security: u8,
    /// [`Acceptance`] from here on.
    pub acceptance: u8,
    /// True when onboarding was open and this connection made the station known.
    pub first_seen: bool,
}

/// A station's connection ended.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[rkyv(derive(Debug))]
pub struct Disconnected {
    /// The connection that ended.
    pub connection: u64,
    /// Why, in words: `closed by station (1000)`, `replaced`, `ping timeout`.
    pub reason: String,
}

/// When a station was heard last on a connection that ends, where that was a ping or what else makes no record.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[rkyv(derive(Debug))]
pub struct StationHeard {
    /// UTC microseconds.
    pub heard_at: i64,
}

/// A handshake was refused for a station that is known, or a connection was displaced too often.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[rkyv(derive(Debug))]
pub struct ConnectionRefused {
    /// Address and port of the peer.
    pub peer: String,
    /// Why, in words.
    pub reason: String,
}

/// BootNotification.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq, Default)]
#[rkyv(derive(Debug))]
pub struct Booted {
    /// Vendor, model, serial number and firmware as sent; empty where absent.
    pub vendor: String,
    /// Model name.
    pub model: String,
    /// `chargePointSerialNumber` in 1.6, `serialNumber` in 2.x.
    pub serial_number: String,
    /// Firmware version.
    pub firmware_version: String,
    /// 2.x boot reason; empty in 1.6.
    pub reason: String,
    /// SIM card and modem, meter: `iccid`, `imsi`, `meter_type`, `meter_serial_number`.
    pub iccid: String,
    /// IMSI of the modem.
    pub imsi: String,
    /// Type of the main meter.
    pub meter_type: String,
    /// Serial number of the main meter.
    pub meter_serial_number: String,
    /// True when the answer was Accepted.
    pub accepted: bool,
}

/// An operator said which security profile a station comes in with at least (OCPP 2.0.1 Part 2, A00.FR.005: lowering it
/// is not part of OCPP).
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[rkyv(derive(Debug))]
pub struct SecurityProfileSet {
    /// 0 to 3.
    pub profile: u8,
    /// Name of the principal who said so.
    pub principal: String,
}

/// What an operator said of a station: the whole of it each time.
#[derive(Archive, Serialize, Deserialize, Clone, PartialEq, Default)]
pub struct StationConfigured {
    /// Site, empty for none.
    pub site: String,
    /// Degrees; both or neither.
    pub latitude: Option<f64>,
    /// Degrees.
    pub longitude: Option<f64>,
    /// Postal address, empty for none.
    pub address: String,
    /// Connectors the operator declared by their number alone; 0 = not so.
    pub connectors: u32,
    /// Salt of the password.
    pub password_salt: Option<[u8; 16]>,
    /// HMAC-SHA-256 of the password under the salt.
    pub password_mac: Option<[u8; 32]>,
    /// [`Acceptance`].
    pub acceptance: u8,
    /// Name of the principal who said so.
    pub principal: String,
    /// Connectors the operator declared one by one, in the order of (EVSE, connector).
    pub declared: Vec<ConnectorDeclared>,
}

/// Says of the password that there is one, and no more: records are printed for people who look for something else.
impl std::fmt::Debug for StationConfigured {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StationConfigured")
            .field("site", &self.site)
            .field("latitude", &self.latitude)
            .field("longitude", &self.longitude)
            .field("address", &self.address)
            .field("connectors", &self.connectors)
            .field("password_salt", &self.password_salt.map(|_| Masked))
            .field("password_mac", &self.password_mac.map(|_| Masked))
            .field("acceptance", &self.acceptance)
            .field("principal", &self.principal)
            .field("declared", &self.declared)
            .finish()
    }
}

/// Stands where a secret does.
struct Masked;

impl std::fmt::Debug for Masked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

/// A connector that an operator declared.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq, Eq, Default)]
#[rkyv(derive(Debug))]
pub struct ConnectorDeclared {
    /// EVSE.
    pub evse_id: u32,
    /// Connector within the EVSE.
    pub connector_id: u32,
    /// Its plug in the operator's words: `CCS`; empty for not said.
    pub kind: String,
    /// Rated power, watts.
    pub max_power_w: Option<u32>,
}

/// A station was deleted by an operator; its history stays.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[rkyv(derive(Debug))]
pub struct StationDeleted {
    /// Name of the principal who did it.
    pub principal: String,
}

/// SecurityEventNotification, or an event we raise ourselves.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[rkyv(derive(Debug))]
pub struct SecurityEvent {
    /// Type, from the list of OCPP 2.0.1 Part 2 Appendices §1, or `Sigec.*`.
    pub event_type: String,
    /// When.
    pub occurred: Moment,
    /// Details.
    pub info: String,
    /// True for the events that the specification calls critical.
    pub critical: bool,
}
