//! Cases of the certification, and uses of the whitepaper of 1.6, that are about TLS itself; `docs/ocpp-coverage.md` counts
//! them by their names.

use dataplane::{
    CaConfig, CertificateUse, CertificatesConfig, CommandRequest, CommandView, SignerConfig,
};
use fleet::StationKey;
use fleet::record::CommandState;
use rustls::pki_types::pem::PemObject;

use super::*;

/// An operator's command to `CP1`, and the station's answer to it.
fn obeyed(
    server: &Server,
    station: &mut Station,
    action: &str,
    payload: &str,
    answer: &str,
) -> CommandView {
    let asked = server.dataplane.router().command(CommandRequest {
        station: StationKey::new("default", "CP1").unwrap(),
        action: action.into(),
        payload: payload.into(),
        principal: "admin".into(),
        wait: Some(support::PATIENCE),
        answer_timeout: None,
    });
    let heard: serde_json::Value = serde_json::from_str(&station.hear()).unwrap();
    let sent: serde_json::Value = serde_json::from_str(payload).unwrap();
    assert_eq!((&heard[2], &heard[3]), (&action.into(), &sent));
    station.send(&format!("[3,{},{answer}]", heard[1]));
    let view = asked.wait(support::PATIENCE).unwrap().unwrap();
    assert_eq!(view.state, CommandState::Answered);
    view
}

/// The reusable state Booted: the station is accepted and tells how its connector stands.
pub(super) fn booted(mut station: Station) -> Station {
    assert!(station.call("BootNotification", BOOT).contains("Accepted"));
    let status = r#"{"connectorId":1,"connectorStatus":"Available","evseId":1,"timestamp":"2026-11-22T10:00:00Z"}"#;
    assert_eq!(station.call("StatusNotification", status), "{}");
    let event = r#"{"generatedAt":"2026-11-22T10:00:00Z","seqNo":0,"eventData":[{"eventId":1,"timestamp":"2026-11-22T10:00:00Z","trigger":"Delta","actualValue":"Available","eventNotificationType":"HardWiredNotification","component":{"name":"Connector","evse":{"id":1,"connectorId":1}},"variable":{"name":"AvailabilityState"}}]}"#;
    assert_eq!(station.call("NotifyEvent", event), "{}");
    station
}

/// The ClientHello of a peer whose newest version is `version`, with suites that every server of its time had.
fn client_hello(version: [u8; 2]) -> Vec<u8> {
    let suites = [
        0xC0, 0x0A, 0xC0, 0x09, 0xC0, 0x14, 0xC0, 0x13, 0x00, 0x35, 0x00, 0x2F,
    ];
    // The groups and the form of points that its elliptic curves need.
    let extensions = [0, 10, 0, 4, 0, 2, 0, 23, 0, 11, 0, 2, 1, 0];
    let mut body = version.to_vec();
    body.extend([7; 32]);
    body.extend([0, 0, suites.len() as u8]);
    body.extend(suites);
    body.extend([1, 0, 0, extensions.len() as u8]);
    body.extend(extensions);
    let mut hello = vec![22, 3, 1, 0, body.len() as u8 + 4, 1, 0, 0, body.len() as u8];
    hello.extend(body);
    hello
}

/// A peer that knows no more than 1.1 or 1.0 is told so and cut off; with 1.2, and with a password, it boots.
#[test]
fn tc_a_06_csms() {
    let dir = tempfile::tempdir().unwrap();
    let ca = Ca::new(dir.path());
    let server = Server::start(&dir.path().join("data"), ca.config(1, None));
    register(&server, "CP1");
    for version in [[3, 2], [3, 1], [3, 0]] {
        let mut socket = dial(server.dataplane.tls_addrs()[0]);
        socket.write_all(&client_hello(version)).unwrap();
        let mut answer = Vec::new();
        socket.read_to_end(&mut answer).unwrap();
        // One fatal alert: handshake_failure, because nothing before 1.2 names its signature algorithms.
        assert_eq!(answer, [21, 3, 3, 0, 2, 2, 40], "{version:?}");
    }
    let socket = dial_tls(&server, &ca.client(None)).unwrap();
    let station = Station::try_over(socket, "CP1", "ocpp2.0.1", Some(PASSWORD), None);
    booted(station.unwrap());
    assert_eq!(entries(&server), [Security::TlsBasic]);
    server.stop();
}

/// A certificate of an unknown CA, an expired one, and one that names another station: the connection ends; with its own the
/// station boots.
#[test]
fn tc_a_08_csms() {
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let ca = Ca::new(dir.path());
    let server = Server::start(&dir.path().join("data"), ca.config(1, Some(true)));
    // The serial number that it tells when it boots.
    let own = ca.client(Some(ca.station(&subject("ACME", "SN-7"))));
    patch(&server, "CP1", StationPatch::default());
    let by_name = ca.client(Some(ca.station(&subject("ACME", "CP1"))));
    booted(connect(&server, &by_name, "CP1", None).unwrap());

    let mut expired = subject("ACME", "CP1");
    expired.not_after = date_time_ymd(2020, 1, 1);
    let unknown = Ca::new(other.path()).station(&subject("ACME", "CP1"));
    for identity in [unknown, ca.station(&expired)] {
        let refused = dial_tls(&server, &ca.client(Some(identity))).and_then(|mut socket| {
            socket.write_all(b"GET / HTTP/1.1\r\n\r\n")?;
            socket.read(&mut [0; 1])
        });
        assert!(refused.is_err());
    }
    let another = ca.client(Some(ca.station(&subject("ACME", "SN-8"))));
    assert_eq!(connect(&server, &another, "CP1", None).err(), Some(403));

    booted(connect(&server, &own, "CP1", None).unwrap());
    assert_eq!(entries(&server), [Security::Certificate; 2]);
    assert_eq!(certificate_events(&server).len(), 3);
    server.stop();
}

/// A station asks for a new certificate when it is told to, and comes again with it.
#[test]
fn tc_a_11_csms() {
    let dir = tempfile::tempdir().unwrap();
    let ca = Ca::new(dir.path());
    std::fs::write(ca.file("root.key"), ca.issuer.key().serialize_pem()).unwrap();
    let signer = SignerConfig::File {
        certificate: ca.file("root.pem"),
        key: ca.file("root.key"),
        validity: Duration::from_secs(86_400),
    };
    let config = Config {
        certificates: CertificatesConfig {
            ca: Some(CaConfig {
                signer,
                organization: "ACME".to_owned(),
                uses: vec![CertificateUse::ChargingStation],
                requests_per_hour_max: 4,
            }),
            ..CertificatesConfig::default()
        },
        ..ca.config(2, Some(true))
    };
    let server = Server::start(&dir.path().join("data"), config);
    patch(&server, "CP1", StationPatch::default());
    let old = ca.client(Some(ca.station(&subject("ACME", "CP1"))));
    let mut station = booted(connect(&server, &old, "CP1", None).unwrap());
    obeyed(
        &server,
        &mut station,
        "TriggerMessage",
        r#"{"requestedMessage":"SignChargingStationCertificate"}"#,
        r#"{"status":"Accepted"}"#,
    );
    let key = KeyPair::generate().unwrap();
    let csr = subject("ACME", "CP1").serialize_request(&key).unwrap();
    let ask = serde_json::json!({
        "csr": csr.pem().unwrap(),
        "certificateType": "ChargingStationCertificate",
    });
    let signed = station.call("SignCertificate", &ask.to_string());
    assert_eq!(signed, r#"{"status":"Accepted"}"#);
    let sent: serde_json::Value = serde_json::from_str(&station.hear()).unwrap();
    assert_eq!(sent[2], "CertificateSigned");
    let chain = sent[3]["certificateChain"].as_str().unwrap();
    let chain: Result<_, _> = CertificateDer::pem_slice_iter(chain.as_bytes()).collect();
    station.send(&format!("[3,{},{{\"status\":\"Accepted\"}}]", sent[1]));
    drop(station);
    let new = ca.client(Some(Identity {
        chain: chain.unwrap(),
        key: PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
    }));
    let mut station = connect(&server, &new, "CP1", None).unwrap();
    // The connection stands.
    assert!(station.call("Heartbeat", "{}").contains("currentTime"));
    assert_eq!(entries(&server), [Security::Certificate; 2]);
    server.stop();
}

/// A station goes from profile 1 to 2 and on to 3, by a new network profile, its place in the order and a reset; each time it
/// is let in with the new profile, and never again with the one before.
#[test]
fn tc_a_19_csms() {
    let dir = tempfile::tempdir().unwrap();
    let ca = Ca::new(dir.path());
    let server = Server::start(&dir.path().join("data"), ca.config(2, Some(false)));
    register(&server, "CP1");
    let (password, certificate) = (
        ca.client(None),
        ca.client(Some(ca.station(&subject("ACME", "SN-7")))),
    );
    let plain = || Station::try_connect(server.addr(), "CP1", "ocpp2.0.1", Some(PASSWORD), None);
    let mut station = booted(plain().unwrap());
    for profile in [2, 3] {
        let network = format!(
            r#"{{"configurationSlot":{profile},"connectionData":{{"messageTimeout":30,"ocppCsmsUrl":"wss://csms.example","ocppInterface":"Wired0","ocppTransport":"JSON","ocppVersion":"OCPP20","securityProfile":{profile}}}}}"#
        );
        let accepted = r#"{"status":"Accepted"}"#;
        obeyed(
            &server,
            &mut station,
            "SetNetworkProfile",
            &network,
            accepted,
        );
        let variable = r#""component":{"name":"OCPPCommCtrlr"},"variable":{"name":"NetworkConfigurationPriority"}"#;
        obeyed(
            &server,
            &mut station,
            "SetVariables",
            &format!(r#"{{"setVariableData":[{{"attributeValue":"{profile},1",{variable}}}]}}"#),
            &format!(r#"{{"setVariableResult":[{{"attributeStatus":"Accepted",{variable}}}]}}"#),
        );
        obeyed(
            &server,
            &mut station,
            "Reset",
            r#"{"type":"OnIdle"}"#,
            accepted,
        );
        drop(station);
        station = booted(match profile {
            2 => connect(&server, &password, "CP1", Some(PASSWORD)).unwrap(),
            _ => connect(&server, &certificate, "CP1", None).unwrap(),
        });
        assert_eq!(plain().err(), Some(403));
    }
    let weaker = connect(&server, &password, "CP1", Some(PASSWORD));
    assert_eq!(weaker.err(), Some(403));
    assert_eq!(
        entries(&server),
        [Security::Basic, Security::TlsBasic, Security::Certificate]
    );
    assert!(station.call("Heartbeat", "{}").contains("currentTime"));
    server.stop();
}

/// A station whose certificates are to end goes back from profile 3 to 2: not of itself, but once its operator has said so, before
/// the reset that makes it. It goes no further down.
#[test]
fn b09_fr_31_a_station_goes_back_from_profile_3_to_2_when_its_operator_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let ca = Ca::new(dir.path());
    let server = Server::start(&dir.path().join("data"), ca.config(2, Some(false)));
    register(&server, "CP1");
    let (password, certificate) = (
        ca.client(None),
        ca.client(Some(ca.station(&subject("ACME", "SN-7")))),
    );
    // Its certificate names the serial number that it tells when it boots.
    let first = connect(&server, &password, "CP1", Some(PASSWORD));
    drop(booted(first.unwrap()));
    let mut station = booted(connect(&server, &certificate, "CP1", None).unwrap());
    let by_password = || connect(&server, &password, "CP1", Some(PASSWORD));
    assert_eq!(by_password().err(), Some(403));
    let accepted = r#"{"status":"Accepted"}"#;
    obeyed(
        &server,
        &mut station,
        "SetNetworkProfile",
        r#"{"configurationSlot":2,"connectionData":{"messageTimeout":30,"ocppCsmsUrl":"wss://csms.example","ocppInterface":"Wired0","ocppTransport":"JSON","ocppVersion":"OCPP20","securityProfile":2}}"#,
        accepted,
    );
    let variable = r#""component":{"name":"OCPPCommCtrlr"},"variable":{"name":"NetworkConfigurationPriority"}"#;
    obeyed(
        &server,
        &mut station,
        "SetVariables",
        &format!(r#"{{"setVariableData":[{{"attributeValue":"2,1",{variable}}}]}}"#),
        &format!(r#"{{"setVariableResult":[{{"attributeStatus":"Accepted",{variable}}}]}}"#),
    );
    // What the station was given lets nobody in: anybody could say it.
    assert_eq!(by_password().err(), Some(403));
    patch(
        &server,
        "CP1",
        StationPatch {
            security_profile: Some(2),
            ..StationPatch::default()
        },
    );
    obeyed(
        &server,
        &mut station,
        "Reset",
        r#"{"type":"OnIdle"}"#,
        accepted,
    );
    drop(station);
    let mut station = booted(by_password().unwrap());
    let plain = Station::try_connect(server.addr(), "CP1", "ocpp2.0.1", Some(PASSWORD), None);
    assert_eq!(plain.err(), Some(403));
    assert!(station.call("Heartbeat", "{}").contains("currentTime"));
    assert_eq!(
        entries(&server),
        [
            Security::TlsBasic,
            Security::Certificate,
            Security::TlsBasic
        ]
    );
    server.stop();
}

/// A charge point of 1.6 is given a higher profile by its key `SecurityProfile`, and is not let in with the lower one again
/// (A05.FR.09 says that nothing goes back).
#[test]
fn ocpp16_security_a05_security_profile() {
    let dir = tempfile::tempdir().unwrap();
    let ca = Ca::new(dir.path());
    let server = Server::start(&dir.path().join("data"), ca.config(2, None));
    register(&server, "CP1");
    let plain = || Station::try_connect(server.addr(), "CP1", "ocpp1.6", Some(PASSWORD), None);
    let boot = r#"{"chargePointVendor":"V","chargePointModel":"M"}"#;
    let mut station = plain().unwrap();
    assert!(station.call("BootNotification", boot).contains("Accepted"));
    obeyed(
        &server,
        &mut station,
        "ChangeConfiguration",
        r#"{"key":"SecurityProfile","value":"2"}"#,
        r#"{"status":"Accepted"}"#,
    );
    drop(station);
    let socket = dial_tls(&server, &ca.client(None)).unwrap();
    let mut station = Station::try_over(socket, "CP1", "ocpp1.6", Some(PASSWORD), None).unwrap();
    assert!(station.call("BootNotification", boot).contains("Accepted"));
    assert_eq!(plain().err(), Some(403));
    assert_eq!(entries(&server), [Security::Basic, Security::TlsBasic]);
    server.stop();
}
