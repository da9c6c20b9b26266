//! The record of what an operator said of a station, as version 2 and the one before it say it.

use rkyv::{Archive, Deserialize, Serialize};

use super::{WireError, access};
use crate::record::{
    ArchivedConnectorDeclared, ArchivedStationConfigured, ConnectorDeclared, StationConfigured,
};

pub(super) const KIND: u16 = 11;
pub(super) const VERSION: u16 = 2;

/// A [`StationConfigured`] that borrows.
#[derive(Clone, Copy)]
pub struct StationConfiguredView<'a> {
    /// Site, empty for none.
    pub site: &'a str,
    /// Degrees, latitude and longitude.
    pub location: Option<(f64, f64)>,
    /// Postal address, empty for none.
    pub address: &'a str,
    /// Connectors the operator declared by their number alone; 0 = not so.
    pub connectors: u32,
    /// Connectors the operator declared one by one; none in version 1.
    declared: &'a [ArchivedConnectorDeclared],
    /// Salt of the password, and its HMAC-SHA-256 under the salt.
    pub password: Option<([u8; 16], [u8; 32])>,
    /// [`crate::record::Acceptance`].
    pub acceptance: u8,
    /// Name of the principal who said so.
    pub principal: &'a str,
}

impl<'a> StationConfiguredView<'a> {
    /// Connectors the operator declared one by one, in the order of (EVSE, connector).
    pub fn declared(&self) -> impl ExactSizeIterator<Item = ConnectorDeclared> + use<'a> {
        self.declared.iter().map(|connector| ConnectorDeclared {
            evse_id: connector.evse_id.to_native(),
            connector_id: connector.connector_id.to_native(),
            kind: connector.kind.as_str().to_owned(),
            max_power_w: connector
                .max_power_w
                .as_ref()
                .map(|watts| watts.to_native()),
        })
    }

    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, WireError> {
        let found = access::<ArchivedStationConfigured>(KIND, bytes)?;
        Ok(Self {
            site: &found.site,
            location: degrees(&found.latitude, &found.longitude),
            address: &found.address,
            connectors: found.connectors.to_native(),
            declared: &found.declared,
            password: password(&found.password_salt, &found.password_mac),
            acceptance: found.acceptance,
            principal: &found.principal,
        })
    }

    /// Version 1: [`StationConfiguredV1`] archived.
    pub(super) fn read_v1(bytes: &'a [u8]) -> Result<Self, WireError> {
        let found = access::<ArchivedStationConfiguredV1>(KIND, bytes)?;
        Ok(Self {
            site: &found.site,
            location: degrees(&found.latitude, &found.longitude),
            address: &found.address,
            connectors: found.connectors.to_native(),
            declared: &[],
            password: password(&found.password_salt, &found.password_mac),
            acceptance: found.acceptance,
            principal: &found.principal,
        })
    }
}

impl std::fmt::Debug for StationConfiguredView<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        StationConfigured::from(self).fmt(f)
    }
}

impl From<&StationConfiguredView<'_>> for StationConfigured {
    fn from(view: &StationConfiguredView<'_>) -> Self {
        Self {
            site: view.site.to_owned(),
            latitude: view.location.map(|(latitude, _)| latitude),
            longitude: view.location.map(|(_, longitude)| longitude),
            address: view.address.to_owned(),
            connectors: view.connectors,
            password_salt: view.password.map(|(salt, _)| salt),
            password_mac: view.password.map(|(_, mac)| mac),
            acceptance: view.acceptance,
            principal: view.principal.to_owned(),
            declared: view.declared().collect(),
        }
    }
}

/// What version 1 said.
#[derive(Archive, Serialize, Deserialize)]
struct StationConfiguredV1 {
    site: String,
    latitude: Option<f64>,
    longitude: Option<f64>,
    address: String,
    connectors: u32,
    password_salt: Option<[u8; 16]>,
    password_mac: Option<[u8; 32]>,
    acceptance: u8,
    principal: String,
}

type Degrees = rkyv::option::ArchivedOption<rkyv::primitive::ArchivedF64>;

fn degrees(latitude: &Degrees, longitude: &Degrees) -> Option<(f64, f64)> {
    let both = latitude.as_ref().zip(longitude.as_ref());
    both.map(|(latitude, longitude)| (latitude.to_native(), longitude.to_native()))
}

fn password(
    salt: &rkyv::option::ArchivedOption<[u8; 16]>,
    mac: &rkyv::option::ArchivedOption<[u8; 32]>,
) -> Option<([u8; 16], [u8; 32])> {
    let both = salt.as_ref().zip(mac.as_ref());
    both.map(|(salt, mac)| (*salt, *mac))
}
