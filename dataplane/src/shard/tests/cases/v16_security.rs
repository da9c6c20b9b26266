//! Passwords and certificates of OCPP 1.6's security whitepaper, edition 3.

use expect_test::expect;
use ocpp::Version;

use super::Case;
use super::a::upgrade_as;
use super::certificates::{csr_json, run_with_ca};
use crate::config::Onboarding;
use crate::shard::tests::world::config;

const OLD: &str = "0123456789abcdef";
/// Twenty bytes, as a station is told them.
const NEW: &str = "00ff7f3a00ff7f3a00ff7f3a00ff7f3a00ff7f3a";

/// A key that the station takes is the one it comes in with, as digits or as the bytes that they stand for; one that it
/// does not take is none.
#[test]
fn ocpp16_security_a01_password() {
    let mut case = Case::new(Version::V16, config(Onboarding::Closed));
    case.prepare(&format!(": op register CP1 {OLD}"));
    let bytes = NEW.as_bytes().chunks(2).map(|digits| {
        let digits = str::from_utf8(digits).unwrap();
        u8::from_str_radix(digits, 16).unwrap()
    });
    let bytes: Vec<u8> = b"CP1:".iter().copied().chain(bytes).collect();
    let old = upgrade_as("ocpp1.6", format!("CP1:{OLD}").as_bytes());
    let digits = upgrade_as("ocpp1.6", format!("CP1:{NEW}").as_bytes());
    let bytes = upgrade_as("ocpp1.6", &bytes);
    let seen = case.run(&format!(
        r#"
        {old}
        BootNotification {{"chargePointVendor":"V","chargePointModel":"M"}}
        op ChangeConfiguration {{"key":"AuthorizationKey","value":"too short"}}
        op ChangeConfiguration {{"key":"AuthorizationKey","value":"{NEW}"}}
        answer {{"status":"Rejected"}}
        : a drops
        {digits}
        {old}
        op ChangeConfiguration {{"key":"authorizationkey","value":"{NEW}"}}
        answer {{"status":"Accepted"}}
        : a drops
        {old}
        {digits}
        : restart
        {bytes}
        "#
    ));
    expect![[r#"
        < 101 Switching Protocols ocpp1.6
        BootNotification: {"status":"Accepted","currentTime":"2026-11-22T10:00:03.000Z","interval":300}
        op ChangeConfiguration: Ok(Err(Invalid("AuthorizationKey: password has 9 characters, 16 to 40 are allowed")))
        < ChangeConfiguration {"key":"AuthorizationKey","value":"00ff7f3a00ff7f3a00ff7f3a00ff7f3a00ff7f3a"}
        op ChangeConfiguration: Answered {"status":"Rejected"}
        < 401 Unauthorized
        a ended
        < 101 Switching Protocols ocpp1.6
        < ChangeConfiguration {"key":"authorizationkey","value":"00ff7f3a00ff7f3a00ff7f3a00ff7f3a00ff7f3a"}
        op ChangeConfiguration: Answered {"status":"Accepted"}
        < 401 Unauthorized
        a ended
        < 101 Switching Protocols ocpp1.6
        a ended
        < 101 Switching Protocols ocpp1.6
    "#]]
    .assert_eq(&seen);
}

/// A central system that triggers it gets a request for a certificate, and sends what its CA signs. A station that
/// refuses it is left alone.
#[test]
fn ocpp16_security_a02_certificate_by_request() {
    let seen = run_with_ca(
        Version::V16,
        &format!(
            r#"
            op ExtendedTriggerMessage {{"requestedMessage":"SignChargePointCertificate"}}
            answer {{"status":"Accepted"}}
            SignCertificate {{"csr":{}}}
            answer {{"status":"Rejected"}}
            : op certificates CP1
            "#,
            csr_json("ACME", "CP1")
        ),
    );
    expect![[r#"
        < ExtendedTriggerMessage {"requestedMessage":"SignChargePointCertificate"}
        op ExtendedTriggerMessage: Answered {"status":"Accepted"}
        SignCertificate: {"status":"Accepted"}
        < CertificateSigned {"certificateChain":"PEM.PEM."}
        request - rejected [O=ACME, CN=CP1]
    "#]]
    .assert_eq(&seen);
}

/// A station asks by itself when its certificate is about to end; what is another station's is refused.
#[test]
fn ocpp16_security_a03_certificate_of_its_own_accord() {
    let seen = run_with_ca(
        Version::V16,
        &format!(
            r#"
            SignCertificate {{"csr":{}}}
            answer {{"status":"Accepted"}}
            SignCertificate {{"csr":{}}}
            : op certificates CP1
            "#,
            csr_json("ACME", "SN-7"),
            csr_json("ACME", "CP2")
        ),
    );
    expect![[r#"
        SignCertificate: {"status":"Accepted"}
        < CertificateSigned {"certificateChain":"PEM.PEM."}
        SignCertificate: {"status":"Rejected"}
        request - accepted [O=ACME, CN=SN-7]
        request - refused [] the subject's CN is "CP2", expected CP1 or SN-7, and no URL or IP address
    "#]].assert_eq(&seen);
}
