//! Payment on the web (2.1 C25): secrets that stations share with us, and the URLs of their QR codes.

use fleet::UtcMicros;
use fleet::record::WebPaymentSecretsChanged;
use ocpp::{Call, MeterColumns, Policy, v21};

use super::{Now, Shard, StoreUnreadable};
use crate::CommandId;
use crate::variables::Named;
use crate::variables::row::Name;
use crate::web_payment::totp::{self, Totp};
use crate::web_payment::url::{self, Scanned};
use crate::web_payment::{WebPayment, WebPaymentRefused, changed, seal};

const COMPONENT: &str = "WebPaymentsCtrlr";
const SECRET: &str = "SharedSecret";

impl Shard {
    /// A station has answered a SetVariables: what it accepted as a secret is kept, encrypted. It is write-only, so nobody
    /// could ask for it later.
    pub(super) fn note_shared_secrets(
        &mut self,
        now: Now,
        station: u32,
        call: &Call,
        answer: &str,
        command: CommandId,
    ) -> Result<(), StoreUnreadable> {
        let key = self.stations[station].state.key.clone();
        let mut sealed = Vec::new();
        for (evse_id, secret) in taken(&call.payload, answer) {
            let made = seal::seal(&self.settings.token_key, key.as_str(), evse_id, &secret);
            sealed.extend(made.map(|made| (evse_id, made)));
        }
        if sealed.is_empty() {
            return Ok(());
        }
        self.change_grid(
            now,
            station,
            &call.action,
            Some(command),
            |kept: &mut WebPaymentSecretsChanged| {
                for (evse_id, sealed) in sealed {
                    changed(kept, evse_id, sealed, command.0, now.utc.0);
                }
            },
        )
    }

    /// Whether `url` is in a QR code that the station shows now (C25.FR.07, .09).
    pub(super) fn check_web_payment(
        &mut self,
        now: Now,
        station: u32,
        url: &str,
    ) -> Result<Result<WebPayment, WebPaymentRefused>, StoreUnreadable> {
        let details = self.stations[station].state.details();
        let evses = details.connectors.iter().map(|c| c.evse_id);
        // One controller for the station, or one for each EVSE.
        let mut tiers: Vec<u32> = std::iter::once(0).chain(evses).collect();
        tiers.dedup();
        let mut refused = None;
        for evse_id in tiers {
            match self.check_at(now, station, evse_id, url)? {
                Ok(payment) => return Ok(Ok(payment)),
                // What is wrong with the URL says more than that there is no template.
                Err(problem) => {
                    let says_nothing = matches!(problem, WebPaymentRefused::Setting { .. });
                    if refused.is_none() || !says_nothing {
                        refused = Some(problem);
                    }
                }
            }
        }
        Ok(Err(refused.unwrap_or(WebPaymentRefused::NoSecret)))
    }

    /// By the controller of one EVSE, or the station's own where that is 0.
    fn check_at(
        &mut self,
        now: Now,
        station: u32,
        tier: u32,
        url: &str,
    ) -> Result<Result<WebPayment, WebPaymentRefused>, StoreUnreadable> {
        let setting = |variable: &'static str, found: Option<&str>, expected: &'static str| {
            Err(WebPaymentRefused::Setting {
                variable,
                found: found.map_or("not known".to_owned(), |found| format!("{found:?}")),
                expected,
            })
        };
        let Some(template) = self.web_payment_variable(station, tier, "URLTemplate")? else {
            return Ok(setting(
                "URLTemplate",
                None,
                "a template that a report or an operator told",
            ));
        };
        let scanned = match url::read(&template, url) {
            Ok(scanned) => scanned,
            Err(error) => return Ok(Err(error.into())),
        };
        let Scanned {
            station: named,
            evse_id,
            password,
            version,
            limits,
        } = scanned;
        if let Some(named) = named {
            let identity = self.stations[station].state.key.identity().to_owned();
            let own = self.web_payment_variable(station, tier, "ChargingStationId")?;
            if named != own.filter(|own| !own.is_empty()).unwrap_or(identity) {
                return Ok(Err(WebPaymentRefused::OtherStation(named)));
            }
        }
        let evse_id = match (tier, evse_id) {
            (0, evse_id) => evse_id,
            (tier, None) => Some(tier),
            (tier, Some(evse_id)) if tier == evse_id => Some(evse_id),
            (_, Some(evse_id)) => {
                let named = format!("EVSE {evse_id}");
                return Ok(Err(WebPaymentRefused::OtherStation(named)));
            }
        };
        if version != totp::VERSION {
            return Ok(Err(WebPaymentRefused::Version(version)));
        }
        let validity = self.web_payment_variable(station, tier, "ValidityTime")?;
        let seconds = validity.as_deref().and_then(|text| text.parse().ok());
        let Some(validity_seconds) = seconds.filter(|s| totp::VALIDITY_SECONDS.contains(s)) else {
            return Ok(setting(
                "ValidityTime",
                validity.as_deref(),
                "6 to 3600 seconds",
            ));
        };
        let len = self.web_payment_variable(station, tier, "Length")?;
        let chars = len.as_deref().and_then(|text| text.parse().ok());
        let Some(chars) = chars.filter(|chars| totp::LEN.contains(chars)) else {
            return Ok(setting("Length", len.as_deref(), "6 to 64 characters"));
        };
        let Some(secret) = self.shared_secret(station, tier)? else {
            return Ok(Err(WebPaymentRefused::NoSecret));
        };
        let totp = Totp {
            secret: &secret,
            validity_seconds,
            len: chars,
        };
        if !totp.accepts(&password, unix_seconds(now.utc)) {
            return Ok(Err(WebPaymentRefused::Password));
        }
        Ok(Ok(WebPayment { evse_id, limits }))
    }

    /// Of the EVSE's controller, or of the station's where that one does not say.
    fn web_payment_variable(
        &mut self,
        station: u32,
        tier: u32,
        variable: &str,
    ) -> Result<Option<String>, StoreUnreadable> {
        let named = |name: &str| Named {
            name: name.to_owned(),
            instance: String::new(),
        };
        let mut name = Name {
            component: named(COMPONENT),
            variable: named(variable),
            evse_id: tier,
            connector_id: 0,
        };
        let own = self.variable(station, &name)?;
        if own.is_some() || tier == 0 {
            return Ok(own);
        }
        name.evse_id = 0;
        self.variable(station, &name)
    }

    fn shared_secret(
        &mut self,
        station: u32,
        tier: u32,
    ) -> Result<Option<String>, StoreUnreadable> {
        let kept: WebPaymentSecretsChanged = self.grid(station)?;
        let of = |evse_id| kept.secrets.iter().find(|secret| secret.evse_id == evse_id);
        let found = of(tier).or_else(|| of(0));
        let key = self.stations[station].state.key.as_str();
        Ok(found.and_then(|secret| {
            seal::open(
                &self.settings.token_key,
                key,
                secret.evse_id,
                &secret.sealed,
            )
        }))
    }
}

fn unix_seconds(at: UtcMicros) -> u64 {
    u64::try_from(at.0 / 1_000_000).unwrap_or(0)
}

/// The secrets that a SetVariables sets and its answer accepts, each with the EVSE of its controller, or 0.
fn taken(payload: &str, answer: &str) -> Vec<(u32, String)> {
    // Most commands have none, and are not read.
    if !payload.contains(COMPONENT) {
        return Vec::new();
    }
    let (mut columns, policy) = (MeterColumns::new(), Policy::Tolerant);
    let asked = v21::Command::decode("SetVariables", payload, policy, &mut columns);
    let Ok(v21::Command::SetVariables(asked)) = asked.map(|decoded| decoded.message) else {
        return Vec::new();
    };
    let mut columns = MeterColumns::new();
    let answered = v21::CommandResponse::decode("SetVariables", answer, policy, &mut columns);
    let Ok(v21::CommandResponse::SetVariables(answered)) = answered.map(|decoded| decoded.message)
    else {
        return Vec::new();
    };
    let results = answered.set_variable_result.iter();
    let accepted = results.filter(|result| {
        result.attribute_status == v21::SetVariableStatus::Accepted
            && is_secret(&result.component, &result.variable, result.attribute_type)
    });
    let mut taken = Vec::new();
    for result in accepted {
        let evse_id = tier(&result.component);
        // Of two that name the same one, the later was set later.
        let data = asked.set_variable_data.iter().rfind(|data| {
            is_secret(&data.component, &data.variable, data.attribute_type)
                && tier(&data.component) == evse_id
        });
        taken.extend(data.map(|data| (evse_id, data.attribute_value.to_string())));
    }
    taken
}

fn is_secret(
    component: &v21::Component<'_>,
    variable: &v21::Variable<'_>,
    attribute: Option<v21::AttributeType>,
) -> bool {
    component.name.eq_ignore_ascii_case(COMPONENT)
        && variable.name.eq_ignore_ascii_case(SECRET)
        && attribute.is_none_or(|attribute| attribute == v21::AttributeType::Actual)
}

fn tier(component: &v21::Component<'_>) -> u32 {
    component.evse.as_ref().map_or(0, |evse| evse.id)
}
