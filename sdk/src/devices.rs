//! Charging stations, as the API calls them: devices.

use std::fmt;

use serde::de::{self, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use crate::{Position, QuirkProfileRef};

/// A charging station, as it is right now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Device {
    /// The station's identity: the last segment of the path it connects to.
    #[schema(example = "CP001")]
    pub id: String,
    /// From its BootNotification; `null` until it sent one.
    #[schema(example = "ABB")]
    pub vendor: Option<String>,
    /// From its BootNotification.
    #[schema(example = "Terra 184")]
    pub model: Option<String>,
    /// From its BootNotification.
    pub serial_number: Option<String>,
    /// From its BootNotification.
    pub firmware_version: Option<String>,
    /// The OCPP version of its last connection: `ocpp1.6`, `ocpp2.0.1` or `ocpp2.1`.
    pub protocol: Option<String>,
    /// What the station as a whole reports, else the best of its connectors' states; see `is_online` too, because
    /// a station that is offline keeps the last one. `Unavailable` until it reported any.
    pub status: ConnectorStatus,
    /// True while it holds a connection.
    pub is_online: bool,
    /// When its last message came.
    #[schema(format = DateTime)]
    pub last_seen_at: Option<String>,
    /// `accepted`, or `pending` until `POST /devices` approves it.
    pub acceptance: String,
    /// True when it must log in with a password.
    pub has_password: bool,
    /// The security profile of OCPP that it comes in with at least: the strongest that it has used, unless a request said
    /// otherwise since. 0: nothing; 1: its password; 2: its password, over TLS; 3: a certificate of its own, over TLS.
    #[serde(default)]
    #[schema(maximum = 3, example = 2)]
    pub security_profile: u8,
    /// The site it stands at.
    pub site: Option<String>,
    /// Where it stands.
    pub location: Option<Location>,
    /// How it is treated where it strays from the specification; `null` where no profile covers it.
    pub quirk_profile: Option<QuirkProfileRef>,
    /// What is known of its connectors, in the order of their numbers.
    pub connectors: Vec<Connector>,
    /// The newest event of the station that all this reflects.
    pub position: Position,
}

/// One connector of a station.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Connector {
    /// What `connector_id` of `POST /transactions/start` takes: the connector of a 1.6 station, the EVSE of a 2.x one.
    #[schema(example = 1)]
    pub id: u32,
    /// The connector within its EVSE.
    pub connector_id: u32,
    /// Plug: as the operator wrote it, else out of the device model of a 2.x station, `CCS`, `CHAdeMO`, `Type1`, `Type2`,
    /// `Tesla` or in the words of OCPP; `null` where not known.
    #[serde(rename = "type")]
    #[schema(example = "CCS")]
    pub kind: Option<String>,
    /// As OCPP 2.0.1 names it; `null` until the station reported one.
    pub status: Option<ConnectorStatus>,
    /// In the station's own words: `SuspendedEV`.
    pub status_reported: Option<String>,
    /// 1.6 `errorCode`, unless it is `NoError`.
    pub error_code: Option<String>,
    /// Rated power: the operator's, else the `Power` of the device model of a 2.x station; `null` where not known.
    #[schema(example = 150)]
    pub max_power_kw: Option<f64>,
}

/// The connectors of a station, at most 64.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(untagged)]
pub enum Connectors {
    /// How many.
    Count(u32),
    /// Which.
    Each(Vec<ConnectorRequest>),
}

impl From<u32> for Connectors {
    fn from(count: u32) -> Self {
        Self::Count(count)
    }
}

impl<'de> Deserialize<'de> for Connectors {
    /// By hand, because a derived one names neither the member that is wrong nor what was expected.
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = Connectors;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number of connectors or a list of them")
            }

            fn visit_u64<E: de::Error>(self, count: u64) -> Result<Connectors, E> {
                let narrow = u32::try_from(count);
                narrow
                    .map(Connectors::Count)
                    .map_err(|_| E::custom(format_args!("{count} is more than any station has")))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Connectors, A::Error> {
                Vec::deserialize(de::value::SeqAccessDeserializer::new(list)).map(Connectors::Each)
            }
        }

        d.deserialize_any(Either)
    }
}

/// A connector to declare.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConnectorRequest {
    /// As `Connector.id`: the connector of a 1.6 station, the EVSE of a 2.x one, from 1. Absent: its place in the list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, example = 1)]
    pub id: Option<u32>,
    /// `id` by the name of 2.x; where both are there they are the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1)]
    pub evse_id: Option<u32>,
    /// The connector within its EVSE, from 1. Absent: 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1)]
    pub connector_id: Option<u32>,
    /// Plug, at most 32 characters.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 32, example = "CCS")]
    pub kind: Option<String>,
    /// Rated power, more than 0 and at most 10,000; kept to the watt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(exclusive_minimum = 0, maximum = 10000, example = 150)]
    pub max_power_kw: Option<f64>,
}

/// `ConnectorStatusEnumType` of OCPP 2.0.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
pub enum ConnectorStatus {
    /// Ready for a new user.
    Available,
    /// In use.
    Occupied,
    /// Held by a reservation.
    Reserved,
    /// Out of service.
    Unavailable,
    /// Reports an error and cannot charge.
    Faulted,
}

/// A place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Location {
    /// Degrees north, −90 to 90.
    #[serde(alias = "latitude")]
    #[schema(minimum = -90, maximum = 90, example = -23.55052)]
    pub lat: f64,
    /// Degrees east, −180 to 180.
    #[serde(alias = "longitude")]
    #[schema(minimum = -180, maximum = 180, example = -46.633308)]
    pub lng: f64,
    /// Postal address, at most 256 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 256, example = "Av. Paulista, 1000")]
    pub address: Option<String>,
}

/// A station to register, or one that waits in `pending` to approve.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeviceRequest {
    /// 1 to 48 characters without `/`, `:` and control characters.
    #[schema(min_length = 1, max_length = 48, example = "CP001")]
    pub id: String,
    /// 16 to 64 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 16, max_length = 64)]
    pub password: Option<String>,
    /// Whether to make a password up and show it this once. Without it (and without `password`) one is made up for a
    /// station that nobody has heard of; one that came by itself, and waits, goes on without one, as it has none to come
    /// back with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generate_password: Option<bool>,
    /// The weakest security profile that it comes in with, 0 to 3; without it whatever it begins with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(maximum = 3)]
    pub security_profile: Option<u8>,
    /// At most 64 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 64)]
    pub site: Option<String>,
    /// Where it stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<Location>,
    /// How many connectors it has, or which.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connectors: Option<Connectors>,
}

/// A station just registered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DeviceCreated {
    /// The station.
    #[serde(flatten)]
    pub device: Device,
    /// The generated password, shown this once; absent when none was made up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
}

/// What to change about a station: what is absent stays, `null` clears, a location is replaced as a whole.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DevicePatch {
    /// 16 to 64 characters; `null` removes it, so that whoever knows the station's id can connect as it.
    #[serde(
        default,
        deserialize_with = "some",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = Option<String>, min_length = 16, max_length = 64)]
    pub password: Option<Option<String>>,
    /// The weakest security profile that it comes in with from now on, 0 to 3. This is how one is lowered: a station never
    /// does it by itself. One that it cannot meet locks it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(maximum = 3)]
    pub security_profile: Option<u8>,
    /// At most 64 characters.
    #[serde(
        default,
        deserialize_with = "some",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = Option<String>, max_length = 64)]
    pub site: Option<Option<String>>,
    /// Where it stands.
    #[serde(
        default,
        deserialize_with = "some",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = Option<Location>)]
    pub location: Option<Option<Location>>,
    /// How many connectors it has, or which; replaces what was declared of all of them.
    #[serde(
        default,
        deserialize_with = "some",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = Option<Connectors>)]
    pub connectors: Option<Option<Connectors>>,
}

/// Tells `null` (`Some(None)`) from an absent member (`None`, by `default`).
fn some<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    d: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(d).map(Some)
}

/// What became of a bulk import.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ImportReport {
    /// Stations registered that were not before.
    pub created: u64,
    /// Registered stations of which a line said something else than was known.
    pub updated: u64,
    /// Registered stations of which a line said what was known.
    pub unchanged: u64,
    /// Lines refused; the others took effect.
    pub failed: u64,
    /// Why, of the first 1,000 refused lines.
    pub errors: Vec<ImportError>,
    /// Passwords generated for stations whose line had none. Shown this once; after an interruption also those of
    /// stations that may have been registered.
    pub passwords: Vec<GeneratedPassword>,
    /// Why the server could not go on before the last line, if so: the lines not tried are among the refused ones.
    /// Import the same file again; what is registered stays as it is.
    pub interrupted: Option<String>,
}

/// A line of an import that was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ImportError {
    /// Line number in the file; the header is line 1.
    pub line: u64,
    /// What was found and what was expected.
    pub detail: String,
}

/// A password that the server made up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GeneratedPassword {
    /// The station.
    pub id: String,
    /// Its password.
    pub password: String,
}

/// Something that somebody found wrong with a station.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IssueRequest {
    /// What it is about.
    pub category: IssueCategory,
    /// In the reporter's words, at most 1,000 characters.
    #[schema(min_length = 1, max_length = 1000)]
    pub text: String,
}

/// What an issue is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum IssueCategory {
    /// Broken plug, cable, screen or housing.
    Hardware,
    /// The charge does not start, stops, or is slow.
    Charging,
    /// Price, receipt or payment.
    Payment,
    /// The place is blocked, dirty, dark or closed.
    Access,
    /// None of the others.
    Other,
}

/// An issue that is on record; it stays when the station is deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct IssueReceipt {
    /// The station.
    pub device_id: String,
    /// What it is about.
    pub category: IssueCategory,
    /// In the reporter's words.
    pub text: String,
    /// Who reported it.
    pub reported_by: String,
    /// When it was recorded.
    #[schema(format = DateTime)]
    pub reported_at: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_tells_null_from_absent() {
        let patch: DevicePatch = serde_json::from_str(r#"{"site":null,"connectors":2}"#).unwrap();
        assert_eq!(
            patch,
            DevicePatch {
                site: Some(None),
                connectors: Some(Some(2.into())),
                ..DevicePatch::default()
            }
        );
        assert_eq!(
            serde_json::to_string(&patch).unwrap(),
            r#"{"site":null,"connectors":2}"#
        );
    }

    #[test]
    fn connectors_are_a_number_or_a_list() {
        let check = |json: &str, expected: &str| {
            let found = match serde_json::from_str::<Connectors>(json) {
                Ok(connectors) => serde_json::to_string(&connectors).unwrap(),
                Err(error) => error.to_string(),
            };
            assert_eq!(found, expected, "{json}");
        };
        check("2", "2");
        check("[]", "[]");
        let full =
            r#"[{"id":2,"evse_id":2,"connector_id":1,"type":"CCS","max_power_kw":150.0},{}]"#;
        check(full, full);
        check(
            "-1",
            "invalid type: integer `-1`, expected a number of connectors or a list of them at line 1 column 2",
        );
        check(
            r#"[{"kind":"CCS"}]"#,
            "unknown field `kind`, expected one of `id`, `evse_id`, `connector_id`, `type`, `max_power_kw` at line 1 column 8",
        );
    }

    #[test]
    fn a_location_has_two_spellings_and_answers_in_one() {
        let long: Location =
            serde_json::from_str(r#"{"latitude":-23.5,"longitude":-46.6}"#).unwrap();
        assert_eq!(
            serde_json::to_string(&long).unwrap(),
            r#"{"lat":-23.5,"lng":-46.6}"#
        );
    }

    #[test]
    fn a_misspelt_member_is_an_error() {
        let found = serde_json::from_str::<DeviceRequest>(r#"{"id":"CP1","passwort":"x"}"#);
        assert!(
            found
                .unwrap_err()
                .to_string()
                .contains("unknown field `passwort`")
        );
    }
}
