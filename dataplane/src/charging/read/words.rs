//! Purposes and units in the words of each version.

use ocpp::{v16, v21, v201};

use super::super::profile::Purpose;
use super::super::rate::RateUnit;
use super::super::station::Edition;

/// A purpose in the words of `edition`.
pub fn purpose_name(edition: Edition, purpose: Purpose) -> String {
    match (edition, purpose) {
        (Edition::V16, Purpose::ChargingStationMaxProfile) => "ChargePointMaxProfile".to_owned(),
        _ => purpose.to_string(),
    }
}

/// A purpose by its name in any version.
pub fn purpose_of(name: &str) -> Option<Purpose> {
    if name == "ChargePointMaxProfile" {
        return Some(Purpose::ChargingStationMaxProfile);
    }
    let mut all = Purpose::ALL.into_iter();
    all.find(|purpose| purpose.to_string() == name)
}

pub(super) fn purpose_16(purpose: v16::ChargingProfilePurpose) -> Purpose {
    match purpose {
        v16::ChargingProfilePurpose::ChargePointMaxProfile => Purpose::ChargingStationMaxProfile,
        v16::ChargingProfilePurpose::TxDefaultProfile => Purpose::TxDefaultProfile,
        v16::ChargingProfilePurpose::TxProfile => Purpose::TxProfile,
    }
}

pub(super) fn purpose_201(purpose: v201::ChargingProfilePurpose) -> Purpose {
    use v201::ChargingProfilePurpose as From;

    match purpose {
        From::ChargingStationExternalConstraints => Purpose::ChargingStationExternalConstraints,
        From::ChargingStationMaxProfile => Purpose::ChargingStationMaxProfile,
        From::TxDefaultProfile => Purpose::TxDefaultProfile,
        From::TxProfile => Purpose::TxProfile,
    }
}

pub(super) fn purpose_21(purpose: v21::ChargingProfilePurpose) -> Purpose {
    use v21::ChargingProfilePurpose as From;

    match purpose {
        From::ChargingStationExternalConstraints => Purpose::ChargingStationExternalConstraints,
        From::ChargingStationMaxProfile => Purpose::ChargingStationMaxProfile,
        From::TxDefaultProfile => Purpose::TxDefaultProfile,
        From::TxProfile => Purpose::TxProfile,
        From::PriorityCharging => Purpose::PriorityCharging,
        From::LocalGeneration => Purpose::LocalGeneration,
    }
}

pub(super) fn unit_16(unit: v16::ChargingRateUnit) -> RateUnit {
    match unit {
        v16::ChargingRateUnit::A => RateUnit::Amperes,
        v16::ChargingRateUnit::W => RateUnit::Watts,
    }
}

pub(super) fn unit_201(unit: v201::ChargingRateUnit) -> RateUnit {
    match unit {
        v201::ChargingRateUnit::A => RateUnit::Amperes,
        v201::ChargingRateUnit::W => RateUnit::Watts,
    }
}

pub(super) fn unit_21(unit: v21::ChargingRateUnit) -> RateUnit {
    match unit {
        v21::ChargingRateUnit::A => RateUnit::Amperes,
        v21::ChargingRateUnit::W => RateUnit::Watts,
    }
}
