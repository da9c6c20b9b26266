//! What a station shares with us for payment on the web.

use rkyv::{Archive, Deserialize, Serialize};

/// The secrets that a station makes the one-time passwords of its QR codes with (2.1 C25), as far as it accepted them from
/// us: the whole of it each time.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq, Eq, Default)]
#[rkyv(derive(Debug))]
pub struct WebPaymentSecretsChanged {
    /// The OCPP action that changed it.
    pub cause: String,
    /// The command that carried it; absent where there was none.
    pub command_id: Option<[u8; 16]>,
    /// One for each controller of the station, the newest last.
    pub secrets: Vec<WebPaymentSecret>,
}

/// The secrets that a station has agreed to take up when it boots next (`RebootRequired`): the whole of it each time.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq, Eq, Default)]
#[rkyv(derive(Debug))]
pub struct WebPaymentSecretsPending {
    /// The OCPP action that changed it.
    pub cause: String,
    /// The command that carried it; absent where there was none.
    pub command_id: Option<[u8; 16]>,
    /// One for each controller of the station, the newest last.
    pub secrets: Vec<WebPaymentSecret>,
}

/// The secret of one `WebPaymentsCtrlr`.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq, Eq, Default)]
#[rkyv(derive(Debug))]
pub struct WebPaymentSecret {
    /// EVSE of the controller, 0 for that of the whole station.
    pub evse_id: u32,
    /// Encrypted by whoever wrote it, under a key that stands in no record.
    pub sealed: Vec<u8>,
    /// The SetVariables.
    pub command_id: [u8; 16],
    /// When the station accepted it.
    pub at: i64,
}
