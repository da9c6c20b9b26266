//! The API and SQL over TLS, as Python's own HTTPS client and psycopg speak it.

use std::fs;
use std::process::Command;

use rcgen::generate_simple_self_signed;

use super::foreign::{python, script};
use super::server::{Server, Site, TOKEN, output, sigec};
use super::wait::eventually;

fn put_certificate(site: &Site) {
    let made = generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    fs::write(site.path("csms.pem"), made.cert.pem()).unwrap();
    fs::write(site.path("csms.key"), made.signing_key.serialize_pem()).unwrap();
}

fn start(site: &Site, postgres: &str) -> Server {
    put_certificate(site);
    let file = site.path("sigec.toml");
    let settings = format!(
        "[tls]\ncertificate_files = [\"csms.pem\"]\nkey_files = [\"csms.key\"]\n\
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
    let server = start(&site, "required");
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
    let server = start(&site, "offered");
    check(&site, &server, &python, "offered");
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
