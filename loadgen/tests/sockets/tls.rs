//! Stations over TLS, and what they show of themselves.

use std::path::Path;
use std::sync::Arc;

use net::tls::{
    ClientCertificates, Identity, PrivateKeyDer, ServerSettings, TicketKeys, TlsServer, TlsVersion,
    certificates,
};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

use super::csms::{Fault, Server, any_port};
use super::{loadgen, stdout};

/// Writes a root, a server's certificate and one for each station; a server that asks for these.
fn server(dir: &Path, stations: &[&str]) -> TlsServer {
    let root_key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root = params.self_signed(&root_key).unwrap().pem();
    std::fs::write(dir.join("ca.pem"), &root).unwrap();
    let issuer = Issuer::new(params, root_key);
    let issue = |name: &str| {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        (params.signed_by(&key, &issuer).unwrap(), key)
    };
    for station in stations {
        let (certificate, key) = issue(station);
        let pem = certificate.pem() + &key.serialize_pem();
        std::fs::write(dir.join(format!("{station}.pem")), pem).unwrap();
    }
    let (certificate, key) = issue("127.0.0.1");
    TlsServer::new(ServerSettings {
        identities: vec![Identity {
            chain: vec![certificate.der().clone()],
            key: PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
        }],
        clients: ClientCertificates::Asked {
            roots: certificates(root.as_bytes()).unwrap(),
            revocation_lists: Vec::new(),
            required: true,
        },
        version_min: TlsVersion::V12,
        tickets: Arc::new(TicketKeys::in_memory().unwrap()),
    })
    .unwrap()
}

#[test]
fn stations_check_the_server_and_show_what_they_have() {
    let dir = tempfile::tempdir().unwrap();
    let tls = server(dir.path(), &["CP00001", "CP00002"]);
    let server = Server::start_on(any_port().with_tls(tls), Fault::None);
    let url = format!("wss://{}", server.addr);
    let (ca, certs) = (dir.path().join("ca.pem"), dir.path().to_str().unwrap());
    let fleet = |more: &[&str]| {
        let mut args = vec![
            "fleet",
            "--url",
            &url,
            "--stations",
            "2",
            "--duration",
            "1s",
        ];
        args.extend([
            "--scenario",
            "idle",
            "--drain",
            "1s",
            "--call-timeout",
            "5s",
        ]);
        args.extend(more);
        loadgen(&args)
    };
    let ca = ca.to_str().unwrap();
    for more in [
        &["--ca", ca, "--client-cert", certs, "--resume"][..],
        &[
            "--insecure",
            "--client-cert",
            &format!("{certs}/CP00002.pem"),
        ],
    ] {
        let output = fleet(more);
        assert!(output.status.success(), "{more:?}: {output:?}");
        assert!(
            stdout(&output).contains("connections: 2 opened"),
            "{}",
            stdout(&output)
        );
    }
    // Without a certificate the server lets nobody in, and nobody believes it without its root.
    for more in [&["--ca", ca][..], &["--client-cert", certs]] {
        let output = fleet(more);
        assert_eq!(output.status.code(), Some(1), "{more:?}: {output:?}");
        let text = stdout(&output);
        assert!(text.contains("connections: 0 opened"), "{text}");
        assert!(text.contains("failed: during the upgrade: TLS"), "{text}");
    }
    assert_eq!(server.stop().upgrades.len(), 4);
}

#[test]
fn a_storm_says_how_many_sessions_were_resumed() {
    let dir = tempfile::tempdir().unwrap();
    let names: Vec<String> = (1..=10).map(|n| format!("CP{n:05}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let server = Server::start_on(any_port().with_tls(server(dir.path(), &names)), Fault::None);
    let ca = dir.path().join("ca.pem");
    let report = dir.path().join("storm.json");
    let resumed = |more: &[&str]| {
        let mut args = vec!["storm", "--stations", "10", "--established", "0"];
        let url = format!("wss://{}", server.addr);
        args.extend(["--url", &url, "--ca", ca.to_str().unwrap()]);
        args.extend(["--client-cert", dir.path().to_str().unwrap()]);
        args.extend(["--rate-connect", "1000", "--settle", "100ms"]);
        args.extend(["--wait-minimum", "100ms", "--random-range", "100ms"]);
        args.extend(["--report-json", report.to_str().unwrap()]);
        args.extend(more);
        let output = loadgen(&args);
        assert!(output.status.success(), "{output:?}");
        let text = std::fs::read(&report).unwrap();
        let report: serde_json::Value = serde_json::from_slice(&text).unwrap();
        let connections = &report["connections"];
        assert_eq!(connections["opened"], 20, "{connections}");
        let said = stdout(&output).contains("10 with a TLS session that was resumed");
        (connections["resumed"].as_u64().unwrap(), said)
    };
    assert_eq!(resumed(&[]), (0, false));
    assert_eq!(resumed(&["--resume"]), (10, true));
}
