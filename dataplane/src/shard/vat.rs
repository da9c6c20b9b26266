//! VatNumberValidation (2.1): whether a company's number is one, by somebody who knows.

use ocpp::{MeterColumns, Policy, v21};
use serde_json::value::RawValue;

use super::calls::{Answer, Leave};
use super::certificates::info_21;
use super::errands::{ANSWER_WAIT, Held, Purpose};
use super::{Now, Shard};
use crate::certificates::{VatAsk, VatFound, Wish};

impl Shard {
    /// Asks the provider; the answer waits for it.
    pub(super) fn ask_vat(&mut self, now: Now, held: Held, ask: VatAsk) {
        let purpose = Purpose::Vat {
            held,
            ask: ask.clone(),
        };
        if let Some(errand) = self.begin_errand(now, Wish::Vat(ask), purpose, ANSWER_WAIT) {
            self.send_errand(errand);
        }
    }

    /// Answers with what the provider said, or that it said nothing: then nobody knows, and the number counts as none.
    pub(super) fn vat_found(
        &mut self,
        now: Now,
        held: &Held,
        ask: &VatAsk,
        found: Result<VatFound, String>,
    ) {
        let mut columns = MeterColumns::new();
        let payload = found.as_ref().ok().and_then(|found| company_of(found, ask));
        let company = payload.as_deref().and_then(|payload| {
            let (action, strict) = ("VatNumberValidation", Policy::Strict);
            let decoded = v21::Response::decode(action, payload, strict, &mut columns).ok()?;
            match decoded.message {
                v21::Response::VatNumberValidation(response) => response.company,
                _ => None,
            }
        });
        let (status, info) = match &found {
            Ok(found) if found.is_valid => (v21::GenericStatus::Accepted, None),
            Ok(found) => (
                v21::GenericStatus::Rejected,
                Some(info_21("InvalidValue", &found.reason)),
            ),
            Err(problem) => {
                let station = self.stations[held.station].state.key.clone();
                tracing::warn!(%station, %problem, "nobody told whether a VAT number is one");
                let info = info_21("InternalError", problem);
                (v21::GenericStatus::Rejected, Some(info))
            }
        };
        let response = v21::VatNumberValidationResponse {
            company,
            status_info: info,
            vat_number: ask.vat_number.as_str().into(),
            evse_id: ask.evse_id,
            status,
        };
        let answer = Answer::V21(response.into());
        self.answer(now, held.call(), Leave::WhenDurable, answer);
    }
}

/// A whole answer with the provider's company in it, for the schema to judge; a company that breaks it is left out.
fn company_of(found: &VatFound, ask: &VatAsk) -> Option<String> {
    let company = found.company.as_deref().filter(|_| found.is_valid)?;
    let company: &RawValue = serde_json::from_str(company).ok()?;
    let number = serde_json::Value::from(ask.vat_number.as_str());
    Some(format!(
        r#"{{"vatNumber":{number},"status":"Accepted","company":{}}}"#,
        company.get()
    ))
}
