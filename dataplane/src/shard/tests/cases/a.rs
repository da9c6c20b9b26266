//! Block A, security: what is decided before the WebSocket stands.

use base64::Engine;
use expect_test::{Expect, expect};
use ocpp::Version;

use super::Case;
use crate::config::Onboarding;
use crate::shard::tests::world::config;

const PASSWORD: &str = "0123456789abcdef";

/// Runs a script on a server that knows `CP1` by its password, and nobody else.
fn check(script: &str, expected: Expect) {
    let mut case = Case::new(Version::V201, config(Onboarding::Closed));
    case.prepare(&format!(": op register CP1 {PASSWORD}"));
    expected.assert_eq(&case.run(script));
}

/// An upgrade request of `CP1` with these words for `Authorization: Basic`.
fn upgrade(credentials: &str) -> String {
    upgrade_as("ocpp2.0.1", credentials.as_bytes())
}

/// The same in any version.
pub(super) fn upgrade_as(protocol: &str, credentials: &[u8]) -> String {
    let encoded = base64::engine::general_purpose::STANDARD.encode(credentials);
    format!(
        ": a raw GET /CP1 HTTP/1.1\\r\\nHost: csms\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\\r\\nSec-WebSocket-Version: 13\\r\\n\
         Sec-WebSocket-Protocol: {protocol}\\r\\nAuthorization: Basic {encoded}\\r\\n\\r\\n"
    )
}

/// Name and password as registered open the connection, and the station boots on it.
#[test]
fn tc_a_01_csms() {
    let upgrade = upgrade(&format!("CP1:{PASSWORD}"));
    check(
        &format!("{upgrade}\n{}", super::BOOTED),
        expect![[r#"
        < 101 Switching Protocols ocpp2.0.1
        BootNotification: {"currentTime":"2026-11-22T10:00:03.000Z","interval":300,"status":"Accepted"}
        StatusNotification: {}
        NotifyEvent: {}
    "#]],
    );
}

/// A user name that is not the identity in the path opens nothing.
#[test]
fn tc_a_02_csms() {
    check(
        &upgrade(&format!("CP1-other:{PASSWORD}")),
        expect![[r#"
        < 401 Unauthorized
        a ended
    "#]],
    );
}

/// A wrong password opens nothing.
#[test]
fn tc_a_03_csms() {
    check(
        &upgrade("CP1:fedcba9876543210"),
        expect![[r#"
        < 401 Unauthorized
        a ended
    "#]],
    );
}

/// Gives the station a new password, and comes again with the old one and the new one.
fn change_password(status: &str) -> String {
    let variable =
        r#""component":{"name":"SecurityCtrlr"},"variable":{"name":"BasicAuthPassword"}"#;
    let new = "a-new-password-of-32-characters!";
    let (old, newer) = (format!("CP1:{PASSWORD}"), format!("CP1:{new}"));
    format!(
        r#"
        {}
        {}
        op SetVariables {{"setVariableData":[{{"attributeValue":"too short",{variable}}}]}}
        op SetVariables {{"setVariableData":[{{"attributeValue":"{new}",{variable}}}]}}
        answer {{"setVariableResult":[{{"attributeStatus":"{status}",{variable}}}]}}
        : a drops
        {}
        : restart
        {}
        "#,
        upgrade(&old),
        super::BOOTED,
        upgrade(&old),
        upgrade(&newer),
    )
}

/// A password that the station takes is the one it comes in with, also after a restart, and the old one is not.
#[test]
fn tc_a_09_csms() {
    check(
        &(change_password("Accepted") + super::BOOTED),
        expect![[r#"
            < 101 Switching Protocols ocpp2.0.1
            BootNotification: {"currentTime":"2026-11-22T10:00:03.000Z","interval":300,"status":"Accepted"}
            StatusNotification: {}
            NotifyEvent: {}
            op SetVariables: Ok(Err(Invalid("BasicAuthPassword: password has 9 characters, 16 to 64 are allowed")))
            < SetVariables {"setVariableData":[{"attributeValue":"a-new-password-of-32-characters!","component":{"name":"SecurityCtrlr"},"variable":{"name":"BasicAuthPassword"}}]}
            op SetVariables: Answered {"setVariableResult":[{"attributeStatus":"Accepted","component":{"name":"SecurityCtrlr"},"variable":{"name":"BasicAuthPassword"}}]}
            < 401 Unauthorized
            a ended
            < 101 Switching Protocols ocpp2.0.1
            BootNotification: {"currentTime":"2026-11-22T10:00:13.000Z","interval":300,"status":"Accepted"}
            StatusNotification: {}
            NotifyEvent: {}
        "#]],
    );
}

/// A password that the station refuses changes nothing: the old one still opens, the new one does not.
#[test]
fn tc_a_10_csms() {
    check(
        &change_password("Rejected"),
        expect![[r#"
        < 101 Switching Protocols ocpp2.0.1
        BootNotification: {"currentTime":"2026-11-22T10:00:03.000Z","interval":300,"status":"Accepted"}
        StatusNotification: {}
        NotifyEvent: {}
        op SetVariables: Ok(Err(Invalid("BasicAuthPassword: password has 9 characters, 16 to 64 are allowed")))
        < SetVariables {"setVariableData":[{"attributeValue":"a-new-password-of-32-characters!","component":{"name":"SecurityCtrlr"},"variable":{"name":"BasicAuthPassword"}}]}
        op SetVariables: Answered {"setVariableResult":[{"attributeStatus":"Rejected","component":{"name":"SecurityCtrlr"},"variable":{"name":"BasicAuthPassword"}}]}
        < 101 Switching Protocols ocpp2.0.1
        a ended
        < 401 Unauthorized
        a ended
    "#]],
    );
}

/// TC_A_19_CSMS up to where TLS begins: the new connection, its place in the order of priority, and the restart that makes the
/// station use it.
#[test]
fn a05_fr_04_a_station_is_given_a_higher_security_profile_by_three_commands() {
    super::check(
        &[super::BOOTED],
        r#"
        op SetNetworkProfile {"configurationSlot":2,"connectionData":{"messageTimeout":30,"ocppCsmsUrl":"wss://csms.example","ocppInterface":"Wired0","ocppTransport":"JSON","ocppVersion":"OCPP20","securityProfile":2}}
        answer {"status":"Accepted"}
        op SetVariables {"setVariableData":[{"attributeValue":"2,1","component":{"name":"OCPPCommCtrlr"},"variable":{"name":"NetworkConfigurationPriority"}}]}
        answer {"setVariableResult":[{"attributeStatus":"Accepted","component":{"name":"OCPPCommCtrlr"},"variable":{"name":"NetworkConfigurationPriority"}}]}
        op Reset {"type":"OnIdle"}
        answer {"status":"Accepted"}
        "#,
        expect![[r#"
            < SetNetworkProfile {"configurationSlot":2,"connectionData":{"messageTimeout":30,"ocppCsmsUrl":"wss://csms.example","ocppInterface":"Wired0","ocppTransport":"JSON","ocppVersion":"OCPP20","securityProfile":2}}
            op SetNetworkProfile: Answered {"status":"Accepted"}
            < SetVariables {"setVariableData":[{"attributeValue":"2,1","component":{"name":"OCPPCommCtrlr"},"variable":{"name":"NetworkConfigurationPriority"}}]}
            op SetVariables: Answered {"setVariableResult":[{"attributeStatus":"Accepted","component":{"name":"OCPPCommCtrlr"},"variable":{"name":"NetworkConfigurationPriority"}}]}
            < Reset {"type":"OnIdle"}
            op Reset: Answered {"status":"Accepted"}
        "#]],
    );
}
