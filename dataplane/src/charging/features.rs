//! What a station's variables say about its smart charging.

use super::profile::OperationMode;
use super::rate::RateUnit;
use super::station::{Edition, Features};
use crate::variables::{AttributeKind, COMPONENT_16, VariableView};

/// The component of 2.x that says it.
const COMPONENT_2X: &str = "SmartChargingCtrlr";
const MODES: [OperationMode; 7] = [
    OperationMode::CentralSetpoint,
    OperationMode::ExternalSetpoint,
    OperationMode::ExternalLimits,
    OperationMode::CentralFrequency,
    OperationMode::LocalFrequency,
    OperationMode::LocalLoadBalancing,
    OperationMode::Idle,
];

impl Features {
    /// The component whose variables tell them.
    pub fn component(edition: Edition) -> &'static str {
        match edition {
            Edition::V16 => COMPONENT_16,
            Edition::V201 | Edition::V21 => COMPONENT_2X,
        }
    }

    /// What `variables` tell; what they do not stays unknown.
    pub fn told_by(variables: &[VariableView]) -> Self {
        let mut features = Self::default();
        for variable in variables {
            features.tell(variable);
        }
        features
    }

    fn tell(&mut self, variable: &VariableView) {
        let mut attributes = variable.attributes.iter();
        let actual = attributes.find(|attribute| attribute.kind == AttributeKind::Actual);
        let value = actual.and_then(|actual| actual.value.as_deref());
        let limit = variable.characteristics.as_ref();
        let limit = limit.and_then(|known| known.max_limit.parse::<f64>().ok());
        let number = || value.and_then(|value| value.trim().parse().ok());
        let is_true = || value.map(|value| value.eq_ignore_ascii_case("true"));
        let words = || value.map(|value| value.split(',').map(str::trim));
        match variable.variable.name.as_str() {
            "ChargeProfileMaxStackLevel" | "ProfileStackLevel" => self.stack_level_max = number(),
            "ChargingScheduleMaxPeriods" | "PeriodsPerSchedule" => self.periods_max = number(),
            "MaxChargingProfilesInstalled" => self.profiles_max = number(),
            // How many there are is the value; how many there may be is its limit.
            "Entries" => self.profiles_max = limit.map(|limit| limit as u32),
            "MaxExternalConstraintsId" => {
                self.external_id_max = value.and_then(|value| value.trim().parse().ok());
            }
            "ChargingScheduleAllowedChargingRateUnit" | "RateUnit" => {
                let unit = |word: &str| match word {
                    "A" | "Current" => Some(RateUnit::Amperes),
                    "W" | "Power" => Some(RateUnit::Watts),
                    _ => None,
                };
                self.units = words().map(|words| words.filter_map(unit).collect());
            }
            "SupportedAdditionalPurposes" => {
                let has = |name| words().map(|mut words| words.any(|word| word == name));
                self.priority_charging = has("PriorityCharging");
                self.local_generation = has("LocalGeneration");
            }
            "SupportsDynamicProfiles" => self.dynamic_profiles = is_true(),
            "SupportsUseLocalTime" => self.local_time = is_true(),
            "SupportsRandomizedDelay" => self.randomized_delay = is_true(),
            "SupportsLimitAtSoC" => self.limit_at_soc = is_true(),
            "SupportsEvseSleep" => self.evse_sleep = is_true(),
            "DCInputPhaseControl" => self.dc_input_phases = is_true(),
            "V2XSupportedOperationModes" => {
                let mode = |word: &str| MODES.into_iter().find(|mode| mode.to_string() == word);
                self.modes = words().map(|words| words.filter_map(mode).collect());
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use fleet::{EventId, LogId, Seq, UtcMicros};

    use super::*;
    use crate::variables::{AttributeView, Characteristics, Named, VariableSource};

    fn variable(name: &str, value: &str, max_limit: &str) -> VariableView {
        let named = |name: &str| Named {
            name: name.into(),
            instance: String::new(),
        };
        VariableView {
            component: named(COMPONENT_2X),
            evse_id: None,
            connector_id: None,
            variable: named(name),
            attributes: vec![AttributeView {
                kind: AttributeKind::Actual,
                value: Some(value.into()),
                is_secret: false,
                mutability: None,
                persistent: true,
                constant: false,
                source: VariableSource::Report,
                as_of: UtcMicros(0),
                position: EventId {
                    log_id: LogId(1),
                    seq: Seq(1),
                },
            }],
            characteristics: Some(Characteristics {
                max_limit: max_limit.into(),
                ..Characteristics::default()
            }),
        }
    }

    #[test]
    fn variables_of_every_version_tell_what_a_station_can() {
        let told = Features::told_by(&[
            variable("ProfileStackLevel", "5", ""),
            variable("RateUnit", "A, W", ""),
            variable("Entries", "2", "10.0"),
            variable("SupportedAdditionalPurposes", "PriorityCharging", ""),
            variable("SupportsUseLocalTime", "false", ""),
            variable("V2XSupportedOperationModes", "Idle,Nonsense", ""),
            variable("Enabled", "true", ""),
        ]);
        assert_eq!(
            told,
            Features {
                stack_level_max: Some(5),
                units: Some(vec![RateUnit::Amperes, RateUnit::Watts]),
                profiles_max: Some(10),
                priority_charging: Some(true),
                local_generation: Some(false),
                local_time: Some(false),
                modes: Some(vec![OperationMode::Idle]),
                ..Features::default()
            }
        );
        let told = Features::told_by(&[
            variable("ChargeProfileMaxStackLevel", "x", ""),
            variable("ChargingScheduleMaxPeriods", "24", ""),
            variable("MaxChargingProfilesInstalled", "8", ""),
            variable("ChargingScheduleAllowedChargingRateUnit", "Current", ""),
        ]);
        assert_eq!(
            told,
            Features {
                periods_max: Some(24),
                profiles_max: Some(8),
                units: Some(vec![RateUnit::Amperes]),
                ..Features::default()
            }
        );
    }
}
