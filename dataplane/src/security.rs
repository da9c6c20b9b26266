//! How grave a security event is.

use fleet::record::Protocol;

/// Events that are critical in every version: 1.6 security whitepaper, section 8; 2.0.1 and 2.1 Part 2 Appendices, 1.
const CRITICAL: [&str; 7] = [
    "FirmwareUpdated",
    "SettingSystemTime",
    "StartupOfTheDevice",
    "ResetOrReboot",
    "SecurityLogWasCleared",
    "MemoryExhaustion",
    "TamperDetectionActivated",
];

/// Events that 2.x calls critical and 1.6 does not, or does not have.
const CRITICAL_2X: [&str; 9] = [
    "InvalidFirmwareSignature",
    "InvalidFirmwareSigningCertificate",
    "InvalidCsmsCertificate",
    "InvalidChargingStationCertificate",
    "InvalidTLSVersion",
    "InvalidTLSCipherSuite",
    "MaintenanceLoginAccepted",
    "MaintenanceLoginFailed",
    // Only in 2.1.
    "DiscardedRenewedClientCertificate",
];

/// Whether the specification that a station speaks calls an event critical. Names are open: what a vendor adds is not.
pub(crate) fn is_critical(protocol: Option<Protocol>, kind: &str) -> bool {
    CRITICAL.contains(&kind)
        || match protocol {
            Some(Protocol::Ocpp16) => false,
            Some(Protocol::Ocpp201 | Protocol::Ocpp21) | None => CRITICAL_2X.contains(&kind),
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tables of the specifications, name by name.
    #[test]
    fn severities_are_those_of_the_tables() {
        // Name in 1.6, name in 2.x, critical in 1.6, in 2.x; a dash where a version does not have it.
        let table = [
            ("FirmwareUpdated", "FirmwareUpdated", true, true),
            (
                "FailedToAuthenticationAtCentralSystem",
                "FailedToAuthenticationAtCsms",
                false,
                false,
            ),
            (
                "CentralSystemFailedToAuthentication",
                "CsmsFailedToAuthentication",
                false,
                false,
            ),
            ("SettingSystemTime", "SettingSystemTime", true, true),
            ("StartupOfTheDevice", "StartupOfTheDevice", true, true),
            ("ResetOrReboot", "ResetOrReboot", true, true),
            ("SecurityLogWasCleared", "SecurityLogWasCleared", true, true),
            (
                "ReconfigurationOfSecurityParameters",
                "ReconfigurationOfSecurityParameters",
                false,
                false,
            ),
            ("MemoryExhaustion", "MemoryExhaustion", true, true),
            ("InvalidMessages", "InvalidMessages", false, false),
            (
                "AttemptedReplayAttacks",
                "AttemptedReplayAttacks",
                false,
                false,
            ),
            (
                "TamperDetectionActivated",
                "TamperDetectionActivated",
                true,
                true,
            ),
            (
                "InvalidFirmwareSignature",
                "InvalidFirmwareSignature",
                false,
                true,
            ),
            (
                "InvalidFirmwareSigningCertificate",
                "InvalidFirmwareSigningCertificate",
                false,
                true,
            ),
            (
                "InvalidCentralSystemCertificate",
                "InvalidCsmsCertificate",
                false,
                true,
            ),
            (
                "InvalidChargePointCertificate",
                "InvalidChargingStationCertificate",
                false,
                true,
            ),
            ("-", "DiscardedRenewedClientCertificate", false, true),
            ("InvalidTLSVersion", "InvalidTLSVersion", false, true),
            (
                "InvalidTLSCipherSuite",
                "InvalidTLSCipherSuite",
                false,
                true,
            ),
            ("-", "MaintenanceLoginAccepted", false, true),
            ("-", "MaintenanceLoginFailed", false, true),
            ("VendorEvent", "VendorEvent", false, false),
        ];
        for (name_16, name_2x, critical_16, critical_2x) in table {
            assert_eq!(
                is_critical(Some(Protocol::Ocpp16), name_16),
                critical_16,
                "{name_16}"
            );
            for protocol in [Protocol::Ocpp201, Protocol::Ocpp21] {
                assert_eq!(
                    is_critical(Some(protocol), name_2x),
                    critical_2x,
                    "{name_2x}"
                );
            }
        }
    }
}
