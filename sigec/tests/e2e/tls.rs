//! The API and SQL over TLS, as Python's own HTTPS client and psycopg speak it.

use std::fs;
use std::process::Command;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, generate_simple_self_signed,
};

use time::{Duration, OffsetDateTime};

use super::foreign::{python, script};
use super::server::{Server, Site, TOKEN, output, sigec};
use super::wait::eventually;

fn put_certificate(site: &Site) {
    let made = generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    fs::write(site.path("csms.pem"), made.cert.pem()).unwrap();
    fs::write(site.path("csms.key"), made.signing_key.serialize_pem()).unwrap();
}

/// The certificate is there already; `tls` is more of its section.
fn start(site: &Site, tls: &str, postgres: &str) -> Server {
    let file = site.path("sigec.toml");
    let settings = format!(
        "[tls]\n{tls}certificate_files = [\"csms.pem\"]\nkey_files = [\"csms.key\"]\n\
         [http]\ntls_listen = \"127.0.0.1:0\"\n[postgres]\ntls = \"{postgres}\"\n"
    );
    fs::write(&file, settings).unwrap();
    site.start(&["--config", file.to_str().unwrap()])
}

/// Runs the script, which checks all else.
fn check(site: &Site, server: &Server, python: &std::path::Path, postgres: &str) {
    let https = server.ready.https.as_deref().unwrap();
    let root = site.path("csms.pem");
    let checked = output(
        Command::new(python)
            .arg(script("tls_clients.py"))
            .args([
                https,
                &server.ready.postgres,
                root.to_str().unwrap(),
                postgres,
            ])
            .env("PGPASSWORD", TOKEN),
    );
    let said = String::from_utf8_lossy(&checked.stdout);
    let complained = String::from_utf8_lossy(&checked.stderr);
    assert!(checked.status.success(), "{said}{complained}");
}

#[test]
fn the_api_and_sql_are_reached_over_tls_and_a_new_certificate_needs_no_restart() {
    let Some(python) = python() else { return };
    let site = Site::new();
    put_certificate(&site);
    let server = start(&site, "", "required");
    check(&site, &server, &python, "required");
    assert!(
        server
            .printed
            .iter()
            .any(|line| line.starts_with("http      https://")),
        "{:?}",
        server.printed
    );

    put_certificate(&site);
    let told = Command::new("kill")
        .args(["-HUP", &server.ready.pid.to_string()])
        .status();
    assert!(told.unwrap().success());
    eventually("another certificate", || {
        let log = server.log();
        match log.contains("the files of TLS were read again") {
            true => Ok(()),
            false => Err(log),
        }
    });
    // It trusts the new one alone.
    check(&site, &server, &python, "required");
}

#[test]
fn who_need_not_ask_postgres_for_tls_may() {
    let Some(python) = python() else { return };
    let site = Site::new();
    put_certificate(&site);
    let server = start(&site, "", "offered");
    check(&site, &server, &python, "offered");
}

/// `root.pem`, and what it has signed, good for a year.
fn put_signed(site: &Site) {
    let mut root = CertificateParams::new(Vec::new()).unwrap();
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    root.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let issuer = CertifiedIssuer::self_signed(root, KeyPair::generate().unwrap()).unwrap();
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    params.not_before = OffsetDateTime::now_utc() - Duration::days(1);
    params.not_after = params.not_before + Duration::days(365);
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, &issuer).unwrap();
    fs::write(site.path("root.pem"), issuer.pem()).unwrap();
    fs::write(site.path("csms.pem"), certificate.pem()).unwrap();
    fs::write(site.path("csms.key"), key.serialize_pem()).unwrap();
}

#[test]
fn an_auditor_finds_nothing_at_any_listener() {
    let Some(python) = python() else { return };
    let site = Site::new();
    put_signed(&site);
    let server = start(&site, "listen = \"127.0.0.1:0\"\n", "offered");
    let listeners = [
        ("stations", server.ready.ocpps.clone().unwrap()),
        ("https", server.ready.https.clone().unwrap()),
        ("postgres", server.ready.postgres.clone()),
    ];
    let listeners = listeners.map(|(name, address)| format!("{name}={address}"));
    let scanned = output(
        Command::new(python)
            .arg(script("tls_scan.py"))
            .arg(site.path("root.pem"))
            .args(listeners),
    );
    let said = String::from_utf8_lossy(&scanned.stdout);
    let complained = String::from_utf8_lossy(&scanned.stderr);
    assert!(scanned.status.success(), "{said}{complained}");
    assert_eq!(said.matches("as it should be").count(), 3, "{said}");
}

#[test]
fn tls_without_certificates_is_refused_by_name() {
    for flag in [
        "SIGEC_HTTP__TLS_LISTEN=127.0.0.1:0",
        "SIGEC_POSTGRES__TLS=required",
    ] {
        let (name, value) = flag.split_once('=').unwrap();
        let refused = output(sigec().args(["config", "check"]).env(name, value));
        assert!(!refused.status.success(), "{flag}");
        let said = String::from_utf8_lossy(&refused.stderr);
        assert!(said.contains("tls.certificate_files"), "{said}");
    }
}
