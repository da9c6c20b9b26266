//! Payment on the web by a dynamic QR code (2.1 C25): what the URL in it says, and whether its one-time password holds.
//!
//! A station shows a URL made of its `WebPaymentsCtrlr.URLTemplate`, with a password made of the time and of a secret that
//! it shares with us. Whoever runs the page behind that URL asks here before anybody is sent on to pay (C25.FR.07, .08).

pub(crate) mod seal;
pub(crate) mod totp;
pub(crate) mod url;

use fleet::record::WebPaymentSecret;

/// Secrets that are kept of a station, the newest: one, or one for each EVSE.
const SECRETS_MAX: usize = 64;

/// What a driver wants who scanned a QR code that a station shows now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WebPayment {
    /// Where the car is to charge; `None` where the URL does not name it.
    pub evse_id: Option<u32>,
    /// What the driver limited at the station, which holds to it by itself (C25.FR.56 to .58).
    pub limits: WebPaymentLimits,
}

/// Limits in the query of a URL.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WebPaymentLimits {
    /// `maxenergy`, Wh, as it is written.
    pub energy_wh: Option<String>,
    /// `maxtime`, seconds.
    pub time_seconds: Option<u64>,
    /// `maxcost`, in the currency of the station, as it is written.
    pub cost: Option<String>,
}

/// Why nobody is to pay by a URL.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WebPaymentRefused {
    /// A variable without which nothing can be decoded or checked.
    #[error("WebPaymentsCtrlr.{variable} of the station is {found}; {expected} is expected")]
    Setting {
        /// Its name.
        variable: &'static str,
        /// What is known of it.
        found: String,
        /// What would do.
        expected: &'static str,
    },
    /// Nobody gave the station a secret through this server.
    #[error(
        "no WebPaymentsCtrlr.SharedSecret is known: the station cannot be asked for it, so it has to be set from here"
    )]
    NoSecret,
    /// The URL is none of this station's.
    #[error("the URL is not as the station's URLTemplate says: {0}")]
    Url(#[from] url::UrlError),
    /// It was made for another station.
    #[error("the URL names the charging station {0:?}")]
    OtherStation(String),
    /// Made by an algorithm that nobody here knows.
    #[error("the password is of version {0:?}, v1 is expected")]
    Version(String),
    /// Neither of now, nor of the moment before or after it.
    #[error("the one-time password is not valid now")]
    Password,
    /// What the controller of one EVSE says, which is not the station's own.
    #[error("by the WebPaymentsCtrlr of EVSE {evse_id}: {problem}")]
    Evse {
        /// Its number.
        evse_id: u32,
        /// What is wrong there.
        problem: Box<WebPaymentRefused>,
    },
}

impl WebPaymentRefused {
    /// How far the check came: of several refusals, the one that came furthest says most.
    pub fn reached(&self) -> u8 {
        match self {
            Self::Setting { variable, .. } if *variable == "URLTemplate" => 0,
            Self::Url(_) => 1,
            Self::OtherStation(_) => 2,
            Self::Version(_) => 3,
            Self::Setting { .. } => 4,
            Self::NoSecret => 5,
            Self::Password => 6,
            Self::Evse { problem, .. } => problem.reached(),
        }
    }
}

/// Keeps another secret of one of the station's controllers.
pub(crate) fn keep(held: &mut Vec<WebPaymentSecret>, secret: WebPaymentSecret) {
    held.retain(|known| known.evse_id != secret.evse_id);
    if held.len() == SECRETS_MAX {
        held.remove(0);
    }
    held.push(secret);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_secret_of_each_controller_is_kept() {
        let mut held = Vec::new();
        let mut put = |evse_id: u32, sealed: u8| {
            let secret = WebPaymentSecret {
                evse_id,
                sealed: vec![sealed],
                command_id: [0; 16],
                at: 1,
            };
            keep(&mut held, secret);
            let of = |secret: &WebPaymentSecret| (secret.evse_id, secret.sealed[0]);
            held.iter().map(of).collect::<Vec<_>>()
        };
        assert_eq!(put(0, 1), [(0, 1)]);
        assert_eq!(put(2, 2), [(0, 1), (2, 2)]);
        assert_eq!(put(0, 3), [(2, 2), (0, 3)], "anew");
        for evse_id in 3..=SECRETS_MAX as u32 {
            put(evse_id, 4);
        }
        let all = put(100, 5);
        assert_eq!(all.len(), SECRETS_MAX);
        assert_eq!(all[0], (0, 3), "the oldest has gone");
    }
}
