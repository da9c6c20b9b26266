//! What drivers identify themselves with, as an operator describes it.

use fleet::UtcMicros;

/// What an operator says of a token. What a station hears also depends on where, when and how often it is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenStatus {
    /// It may charge.
    Accepted,
    /// It may not.
    Blocked,
    /// Its time is over.
    Expired,
    /// It is not ours.
    Invalid,
    /// Its account is empty; 1.6 has no such word and hears `Blocked`.
    NoCredit,
}

/// What kind of token it is (2.x `IdTokenEnumType`); 1.6 does not tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenType {
    /// Made by us for a start from here.
    Central,
    /// Contract of a driver (ISO 15118-2).
    EMaid,
    /// RFID card.
    Iso14443,
    /// RFID card.
    Iso15693,
    /// Typed in.
    KeyCode,
    /// Made by the station.
    Local,
    /// Address of the vehicle's network card.
    MacAddress,
    /// Nobody identified himself.
    NoAuthorization,
}

/// How a message to the driver is written (2.x `MessageFormatEnumType`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageFormat {
    /// Plain ASCII.
    Ascii,
    /// HTML.
    Html,
    /// Where the message is to be found.
    Uri,
    /// Plain UTF-8.
    Utf8,
}

/// Shown to the driver when the token is (2.x).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonalMessage {
    /// How `content` is written.
    pub format: MessageFormat,
    /// RFC 5646, at most 8 characters; empty for none.
    pub language: String,
    /// At most 512 characters.
    pub content: String,
}

/// A station where a token may charge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenDevice {
    /// Identity.
    pub id: String,
    /// EVSEs (1.6 connectors); empty for all of them.
    pub evse_ids: Vec<u32>,
}

/// What is known of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// The idTag or idToken; compared without regard to case, as 1.6 and 2.0.1 say.
    pub id: String,
    /// Whether it may charge.
    pub status: TokenStatus,
    /// `None` takes every type that it is shown with.
    pub kind: Option<TokenType>,
    /// From when on it is `Expired`.
    pub expires_at: Option<UtcMicros>,
    /// Tokens of one group may end each other's transactions; empty for none.
    pub group: String,
    /// Its group is the `MasterPassGroupId` of stations: it ends any transaction and begins none.
    pub master_pass: bool,
    /// Transactions that it may have at one time; `None` for any number.
    pub concurrent_max: Option<u32>,
    /// -9 to 9 (2.x `chargingPriority`).
    pub charging_priority: i8,
    /// The driver's languages, best first (RFC 5646, at most 8 characters); empty for none.
    pub languages: [String; 2],
    /// Shown to the driver.
    pub message: Option<PersonalMessage>,
    /// Sites where it may charge. With `devices` empty too: everywhere.
    pub sites: Vec<String>,
    /// Stations where it may charge, beside those of `sites`.
    pub devices: Vec<TokenDevice>,
    /// Seconds that a station may go by an answer of ours; `None` leaves that to the station.
    pub cache_s: Option<u32>,
    /// The tariff of this driver, which 2.1 stations are told (I08); empty for none.
    pub tariff_id: String,
    /// How its vehicles may be charged, in the words of 2.1 (Q01); empty for what the station makes of it.
    pub energy_transfers: Vec<String>,
}

/// True for a word of 2.1's `EnergyTransferModeEnumType`.
pub fn is_energy_transfer(word: &str) -> bool {
    <ocpp::v21::EnergyTransferMode as ocpp::Word>::parse(word).is_some()
}

impl Token {
    /// One of which nothing is said but its status.
    pub fn new(id: impl Into<String>, status: TokenStatus) -> Self {
        Self {
            id: id.into(),
            status,
            kind: None,
            expires_at: None,
            group: String::new(),
            master_pass: false,
            concurrent_max: None,
            charging_priority: 0,
            languages: [String::new(), String::new()],
            message: None,
            sites: Vec::new(),
            devices: Vec::new(),
            cache_s: None,
            tariff_id: String::new(),
            energy_transfers: Vec::new(),
        }
    }
}

/// A token as an operator names it, for a station to charge on or to wait for.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct NamedToken {
    /// The idTag or idToken.
    pub id: String,
    /// Type in the words of the station's version; `None` takes that of our token, if we have one. 1.6 knows none.
    pub kind: Option<String>,
    /// Further ids of the same driver, each with its type (2.x); they are passed on as they are.
    pub additional_info: Vec<(String, String)>,
    /// Group; `None` takes that of our token, if it has one.
    pub group: Option<String>,
}

impl From<&str> for NamedToken {
    fn from(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            ..Self::default()
        }
    }
}

/// Which tokens a list shows; `None` shows all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TokenFilter {
    /// Exact group.
    pub group: Option<String>,
    /// Exact status.
    pub status: Option<TokenStatus>,
}

/// What must be true for a token to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenMode {
    /// There is none of that id.
    Create,
    /// It is this one still.
    Replace(Box<Token>),
    /// Anything.
    Upsert,
}

/// What became of a token that was to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenWritten {
    /// It is on disk.
    Done,
    /// What its [`TokenMode`] asks for is not so; nothing was written.
    Refused,
}
