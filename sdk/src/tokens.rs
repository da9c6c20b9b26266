//! What drivers identify themselves with.

use serde::{Deserialize, Deserializer, Serialize};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

/// What stations are told about a token, and what it may do. What is absent is as its description says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenRequest {
    /// From now on.
    pub status: TokenStatus,
    /// Its `idToken.type` of 2.x: shown as another one it is another token. Absent: any. 1.6 does not tell.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<TokenType>,
    /// `Expired` from then on, RFC 3339 in UTC. Absent: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "2027-01-01T00:00:00Z")]
    pub expires_at: Option<String>,
    /// Tokens of one group end each other's transactions (`parentIdTag`, `groupIdToken`); at most 36 characters, and 1.6
    /// is told of no more than 20. Absent: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 36)]
    pub group: Option<String>,
    /// The group is the stations' `MasterPassGroupId`: the token ends any transaction and begins none.
    #[serde(
        default,
        deserialize_with = "or_default",
        skip_serializing_if = "is_false"
    )]
    pub master_pass: bool,
    /// Transactions at one time, 1 to 1,000; one more is told `ConcurrentTx`. Absent: any number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 1000)]
    pub concurrent_max: Option<u32>,
    /// `chargingPriority` of 2.x, -9 to 9. Absent: 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = -9, maximum = 9)]
    pub charging_priority: Option<i8>,
    /// The driver's languages, best first, at most two (`language1`, `language2` of 2.x).
    #[serde(
        default,
        deserialize_with = "or_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    #[schema(max_items = 2, example = json!(["pt-BR"]))]
    pub languages: Vec<String>,
    /// Shown to the driver by stations of 2.x.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub personal_message: Option<PersonalMessage>,
    /// Sites where it may charge, at most 32. With no `devices` either: everywhere.
    #[serde(
        default,
        deserialize_with = "or_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    #[schema(max_items = 32)]
    pub sites: Vec<String>,
    /// Stations where it may charge, beside those at `sites`, at most 32.
    #[serde(
        default,
        deserialize_with = "or_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    #[schema(max_items = 32)]
    pub devices: Vec<TokenDevice>,
    /// Seconds that a station may go by an answer (`expiryDate`, `cacheExpiryDateTime`), at most a year. Absent: until
    /// `expires_at`, else as long as the station likes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(maximum = 31_536_000)]
    pub cache_seconds: Option<u32>,
    /// The driver's own tariff, one of `/tariffs`: 2.1 stations are told of it with the token, and charge by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 60)]
    pub tariff_id: Option<String>,
    /// How the driver's vehicles may be charged, in the words of 2.1 (`AC_three_phase`, `DC`, `DC_BPT`, …); 2.1 stations are
    /// told of it with the token. Absent: the station decides.
    #[serde(
        default,
        deserialize_with = "or_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    #[schema(max_items = 11, example = json!(["DC", "DC_BPT"]))]
    pub allowed_energy_transfer: Vec<String>,
}

impl TokenRequest {
    /// Nothing but a status.
    pub fn new(status: TokenStatus) -> Self {
        Self {
            status,
            kind: None,
            expires_at: None,
            group: None,
            master_pass: false,
            concurrent_max: None,
            charging_priority: None,
            languages: Vec::new(),
            personal_message: None,
            sites: Vec::new(),
            devices: Vec::new(),
            cache_seconds: None,
            tariff_id: None,
            allowed_energy_transfer: Vec::new(),
        }
    }
}

/// `null` says as much as an absent member.
fn or_default<'de, T: Deserialize<'de> + Default, D: Deserializer<'de>>(
    d: D,
) -> Result<T, D::Error> {
    Option::deserialize(d).map(Option::unwrap_or_default)
}

fn is_false(value: &bool) -> bool {
    !value
}

/// An idTag (1.6) or idToken (2.x) that the server knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// As stations send it, at most 36 characters; upper and lower case are the same.
    pub id: String,
    /// What is said of it.
    #[serde(flatten)]
    pub rules: TokenRequest,
}

/// The members of [`TokenRequest`] and `id`. Derived, it would ask for all of a `TokenRequest` and nothing else, and
/// for an `id`: no JSON is both.
impl PartialSchema for Token {
    fn schema() -> RefOr<Schema> {
        let mut schema = TokenRequest::schema();
        if let RefOr::T(Schema::Object(object)) = &mut schema {
            let id = ObjectBuilder::new()
                .schema_type(Type::String)
                .description(Some(
                    "As stations send it, at most 36 characters; upper and lower case are the same.",
                ))
                .examples(["04A2B3C4D5E680"]);
            object.properties.insert("id".into(), id.into());
            object.required.insert(0, "id".into());
            object.additional_properties = None;
            object.description =
                Some("An idTag (1.6) or idToken (2.x) that the server knows.".into());
        }
        schema
    }
}

impl ToSchema for Token {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        TokenRequest::schemas(schemas);
    }
}

/// What an operator says of a token. A station hears something else where the token may not charge here or now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
pub enum TokenStatus {
    /// May charge.
    Accepted,
    /// Must not charge.
    Blocked,
    /// Is out of date.
    Expired,
    /// Is not known.
    Invalid,
    /// Has no money left; 1.6 is told `Blocked`.
    NoCredit,
}

impl TokenStatus {
    /// As in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "Accepted",
            Self::Blocked => "Blocked",
            Self::Expired => "Expired",
            Self::Invalid => "Invalid",
            Self::NoCredit => "NoCredit",
        }
    }
}

/// `IdTokenEnumType` of 2.0.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
pub enum TokenType {
    /// Made by a server for a remote start.
    Central,
    /// A driver's contract (ISO 15118).
    #[serde(rename = "eMAID")]
    EMaid,
    /// RFID card.
    #[serde(rename = "ISO14443")]
    Iso14443,
    /// RFID card.
    #[serde(rename = "ISO15693")]
    Iso15693,
    /// Typed in.
    KeyCode,
    /// Made by a station.
    Local,
    /// Address of a vehicle's network card.
    MacAddress,
    /// Nobody identified himself; such a token is always accepted.
    NoAuthorization,
}

/// What a station shows to the driver.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PersonalMessage {
    /// How `content` is written. Absent: `UTF8`.
    #[serde(default)]
    pub format: MessageFormat,
    /// Its language (RFC 5646), at most 8 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 8)]
    pub language: Option<String>,
    /// At most 512 characters.
    #[schema(max_length = 512)]
    pub content: String,
}

/// `MessageFormatEnumType` of 2.0.1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
pub enum MessageFormat {
    /// Plain ASCII.
    #[serde(rename = "ASCII")]
    Ascii,
    /// HTML.
    #[serde(rename = "HTML")]
    Html,
    /// Where the message is to be found.
    #[serde(rename = "URI")]
    Uri,
    /// Plain UTF-8.
    #[default]
    #[serde(rename = "UTF8")]
    Utf8,
}

/// A station where a token may charge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenDevice {
    /// The station.
    pub id: String,
    /// EVSEs (connectors in 1.6) where it may, at most 32. Absent: all of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 32)]
    pub evse_ids: Vec<u32>,
}

/// A token for a station to charge on or to wait for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IdToken {
    /// The idTag or idToken.
    #[schema(example = "04A2B3C4")]
    pub id_token: String,
    /// In the words of the station's version (`ISO14443`, `Central`, …; 2.1 has an open list). Without it, the type that
    /// the token has in `/tokens`. 1.6 knows none.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    #[schema(example = "ISO14443")]
    pub kind: Option<String>,
    /// Further ids of the same driver (2.x).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub additional_info: Vec<AdditionalInfo>,
}

/// A further id of a driver.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AdditionalInfo {
    /// The id.
    pub additional_id_token: String,
    /// What kind of id it is; station and server have agreed on it.
    #[serde(rename = "type")]
    pub kind: String,
}
