//! Payment on the web (2.1 C25): secrets that stations share with us, and the URLs of their QR codes.

use fleet::UtcMicros;
use fleet::record::{WebPaymentSecret, WebPaymentSecretsChanged, WebPaymentSecretsPending};
use ocpp::{Call, MeterColumns, Policy, Rules, v21};

use super::{Now, Shard, StoreUnreadable};
use crate::CommandId;
use crate::variables::Named;
use crate::variables::row::Name;
use crate::web_payment::totp::{self, Totp};
use crate::web_payment::url::{self, Scanned};
use crate::web_payment::{WebPayment, WebPaymentRefused, keep, seal};

const COMPONENT: &str = "WebPaymentsCtrlr";
const SECRET: &str = "SharedSecret";

impl Shard {
    /// A station has answered a SetVariables: what it took as a secret is kept, encrypted. It is write-only, so nobody could
    /// ask for it later.
    pub(super) fn note_shared_secrets(
        &mut self,
        now: Now,
        station: u32,
        call: &Call,
        answer: &str,
        command: CommandId,
    ) -> Result<(), StoreUnreadable> {
        let key = self.stations[station].state.key.clone();
        let (mut in_force, mut pending) = (Vec::new(), Vec::new());
        let (rules, _) = self.rules(station);
        for taken in taken(&call.payload, answer, rules) {
            let Taken {
                evse_id,
                secret,
                at_boot,
            } = taken;
            let Some(sealed) = seal::seal(&self.settings.token_key, key.as_str(), evse_id, &secret)
            else {
                continue;
            };
            let kept = WebPaymentSecret {
                evse_id,
                sealed,
                command_id: command.0,
                at: now.utc.0,
            };
            match at_boot {
                true => pending.push(kept),
                false => in_force.push(kept),
            }
        }
        if in_force.is_empty() && pending.is_empty() {
            return Ok(());
        }
        let (action, command) = (&call.action, Some(command));
        let replaced: Vec<_> = in_force.iter().map(|new| new.evse_id).collect();
        // Should the server be killed between the two, what is in force is newer than what waits, and stays.
        self.change_grid(
            now,
            station,
            action,
            command,
            |kept: &mut WebPaymentSecretsChanged| {
                in_force
                    .into_iter()
                    .for_each(|new| keep(&mut kept.secrets, new));
            },
        )?;
        self.change_grid(
            now,
            station,
            action,
            command,
            |kept: &mut WebPaymentSecretsPending| {
                // What is in force at once is so after a boot too.
                kept.secrets.retain(|old| !replaced.contains(&old.evse_id));
                pending
                    .into_iter()
                    .for_each(|new| keep(&mut kept.secrets, new));
            },
        )
    }

    /// A station has booted: from here on it has the secrets that it had put off until then.
    pub(super) fn take_up_secrets(&mut self, now: Now, station: u32) {
        // A failed read was counted, and nobody is kept from booting by it: what is put off then waits for another boot.
        let Ok(pending) = self.grid::<WebPaymentSecretsPending>(station) else {
            return;
        };
        if pending.secrets.is_empty() {
            return;
        }
        let command = pending.command_id.map(CommandId);
        let taken_up = self.change_grid(
            now,
            station,
            "BootNotification",
            command,
            |kept: &mut WebPaymentSecretsChanged| {
                for new in pending.secrets {
                    let is_newer =
                        |kept: &WebPaymentSecret| kept.evse_id == new.evse_id && new.at < kept.at;
                    if !kept.secrets.iter().any(is_newer) {
                        keep(&mut kept.secrets, new);
                    }
                }
            },
        );
        if taken_up.is_ok() {
            self.record(
                now,
                station,
                &WebPaymentSecretsPending {
                    cause: "BootNotification".to_owned(),
                    ..WebPaymentSecretsPending::default()
                },
            );
        }
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
        let mut refused: Option<WebPaymentRefused> = None;
        for evse_id in tiers {
            match self.check_at(now, station, evse_id, url)? {
                Ok(payment) => return Ok(Ok(payment)),
                Err(problem) => {
                    let before = refused.as_ref().map(WebPaymentRefused::reached);
                    if before < Some(problem.reached()) {
                        let of_evse = |problem| WebPaymentRefused::Evse {
                            evse_id,
                            problem: Box::new(problem),
                        };
                        refused = Some(match evse_id {
                            0 => problem,
                            _ => of_evse(problem),
                        });
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

/// A secret that a station has taken.
struct Taken {
    /// EVSE of its controller, or 0.
    evse_id: u32,
    secret: String,
    /// It counts from the station's next boot on.
    at_boot: bool,
}

/// The secrets that a SetVariables sets and its answer, read by the station's `rules`, takes.
fn taken(payload: &str, answer: &str, rules: Rules<'_>) -> Vec<Taken> {
    let (mut columns, policy) = (MeterColumns::new(), Policy::Tolerant);
    let asked = v21::Command::decode("SetVariables", payload, policy, &mut columns);
    let Ok(v21::Command::SetVariables(asked)) = asked.map(|decoded| decoded.message) else {
        return Vec::new();
    };
    let is_of = |data: &v21::SetVariableData<'_>| {
        is_secret(&data.component, &data.variable, data.attribute_type)
    };
    if !asked.set_variable_data.iter().any(is_of) {
        return Vec::new();
    }
    let mut columns = MeterColumns::new();
    let answered = v21::CommandResponse::decode("SetVariables", answer, rules, &mut columns);
    let Ok(v21::CommandResponse::SetVariables(answered)) = answered.map(|decoded| decoded.message)
    else {
        return Vec::new();
    };
    let mut taken = Vec::new();
    for result in answered.set_variable_result.iter() {
        let at_boot = match result.attribute_status {
            v21::SetVariableStatus::Accepted => false,
            v21::SetVariableStatus::RebootRequired => true,
            v21::SetVariableStatus::Rejected
            | v21::SetVariableStatus::UnknownComponent
            | v21::SetVariableStatus::UnknownVariable
            | v21::SetVariableStatus::NotSupportedAttributeType => continue,
        };
        if !is_secret(&result.component, &result.variable, result.attribute_type) {
            continue;
        }
        let evse_id = tier(&result.component);
        // Of two that name the same one, the later was set later.
        let mut data = asked.set_variable_data.iter();
        let data = data.rfind(|data| is_of(data) && tier(&data.component) == evse_id);
        taken.extend(data.map(|data| Taken {
            evse_id,
            secret: data.attribute_value.to_string(),
            at_boot,
        }));
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
