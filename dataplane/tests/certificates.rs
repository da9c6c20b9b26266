//! A certificate over real sockets: asked for, signed by a CA in files on a thread of its own, sent and taken.

mod again;
mod support;

use std::time::Duration;

use dataplane::{CaConfig, CertificateUse, CertificatesConfig, Config, SignerConfig};
use fleet::StationKey;
use fleet::record::SigningState;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyPair};
use support::{PATIENCE, Server, Station, config};

fn named(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::OrganizationName, "ACME");
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

#[test]
fn a_station_asks_for_a_certificate_and_gets_it() {
    let dir = tempfile::tempdir().unwrap();
    let (certificate, key) = (dir.path().join("ca.pem"), dir.path().join("ca.key"));
    let ca_key = KeyPair::generate().unwrap();
    let mut ca = named("Stations");
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    std::fs::write(&certificate, ca.self_signed(&ca_key).unwrap().pem()).unwrap();
    std::fs::write(&key, ca_key.serialize_pem()).unwrap();
    let config = Config {
        certificates: CertificatesConfig {
            ca: Some(CaConfig {
                signer: SignerConfig::File {
                    certificate,
                    key,
                    validity: Duration::from_secs(86_400),
                },
                organization: "ACME".to_owned(),
                uses: vec![CertificateUse::ChargingStation],
                requests_per_hour_max: 4,
            }),
            ..CertificatesConfig::default()
        },
        ..config(2)
    };
    let data = dir.path().join("data");
    let server = Server::start(&data, config.clone());
    let mut station = Station::connect(server.addr(), "CP1", "ocpp2.0.1");
    let boot = r#"{"reason":"PowerUp","chargingStation":{"model":"M","vendorName":"V"}}"#;
    station.call("BootNotification", boot);
    let station_key = KeyPair::generate().unwrap();
    let csr = named("CP1").serialize_request(&station_key).unwrap();
    let ask = serde_json::json!({ "csr": csr.pem().unwrap() }).to_string();
    assert_eq!(
        station.call("SignCertificate", &ask),
        r#"{"status":"Accepted"}"#
    );
    let sent: serde_json::Value = serde_json::from_str(&station.hear()).unwrap();
    assert_eq!(sent[2], "CertificateSigned");
    let chain = sent[3]["certificateChain"].as_str().unwrap();
    // The CA is a root here, which a station has.
    assert_eq!(chain.matches("BEGIN CERTIFICATE").count(), 1);
    let summary = dataplane::certificate_summary(chain).unwrap();
    assert_eq!(
        (&*summary.subject, &*summary.issuer),
        ("O=ACME, CN=CP1", "O=ACME, CN=Stations")
    );
    station.send(&format!("[3,{},{{\"status\":\"Accepted\"}}]", sent[1]));
    // Answered after what came before it.
    station.call("Heartbeat", "{}");

    let known = |server: &Server| {
        let key = StationKey::new("default", "CP1").unwrap();
        let asked = server.dataplane.router().certificates(key);
        asked.wait(PATIENCE).unwrap().unwrap()
    };
    let before = known(&server);
    let [request] = &*before.requests else {
        panic!("{before:?}");
    };
    assert_eq!(request.state, SigningState::Accepted.code());
    assert_eq!(request.subject, "O=ACME, CN=CP1");
    assert_eq!(request.serial_number, summary.serial_number);
    server.stop();
    let server = Server::start(&data, config);
    assert_eq!(known(&server), before);
    server.stop();
}

#[test]
fn all_of_this_holds_on_io_uring() {
    again::run_on_io_uring("all_of_this_holds_on_io_uring");
}
