//! Payment on the web by a dynamic QR code.

use fleet::StationKey;

use super::pending::Pending;
use super::{Ask, Router};
use crate::web_payment::{WebPayment, WebPaymentRefused, url};

impl Router {
    /// Whether `url` stands in a QR code that the station shows now, and what it says (2.1 C25.FR.07, .09); `None` when
    /// nobody has heard of the station.
    pub fn check_web_payment(
        &self,
        key: StationKey,
        url: String,
    ) -> Pending<Option<Result<WebPayment, WebPaymentRefused>>> {
        self.ask(key.partition(), |reply| Ask::WebPayment { key, url, reply })
    }

    /// Everything in such a URL that could be its station's identity, likeliest first; 16 at most.
    pub fn web_payment_stations(url: &str) -> Vec<String> {
        match url.len() <= url::URL_LEN_MAX {
            true => url::names(url),
            false => Vec::new(),
        }
    }
}
