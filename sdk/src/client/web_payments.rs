//! Payment on the web.

use super::{Client, ClientError, read};
use crate::{WebPayment, WebPaymentRequest};

impl Client {
    /// `POST /api/v1/web-payments/check`
    pub async fn check_web_payment(
        &self,
        request: &WebPaymentRequest,
    ) -> Result<WebPayment, ClientError> {
        read(self.post(&["web-payments", "check"]).json(request)).await
    }
}
