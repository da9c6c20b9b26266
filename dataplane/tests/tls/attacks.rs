//! Attacks on TLS and on what a station must show there, beside those of `tls.rs`.

use std::process::Command;

use super::*;

/// Once with a certificate, never again without; once over TLS, never again in plain. The attacker knows the password.
#[test]
fn atk_05_nobody_comes_in_with_less_than_its_station_has_shown() {
    let dir = tempfile::tempdir().unwrap();
    let ca = Ca::new(dir.path());
    let data = dir.path().join("data");
    let certified = ca.client(Some(ca.station(&subject("ACME", "CP1"))));
    let anonymous = ca.client(None);
    let server = Server::start(&data, ca.config(2, Some(false)));
    for identity in ["CP1", "CP2"] {
        register(&server, identity);
    }
    connect(&server, &certified, "CP1", None).unwrap();
    connect(&server, &anonymous, "CP2", Some(PASSWORD)).unwrap();
    let refused = |server: &Server| {
        let over_tls = connect(server, &anonymous, "CP1", Some(PASSWORD));
        assert_eq!(over_tls.err(), Some(403));
        for identity in ["CP1", "CP2"] {
            let addr = server.addr();
            let plain = Station::try_connect(addr, identity, "ocpp2.0.1", Some(PASSWORD), None);
            assert_eq!(plain.err(), Some(403), "{identity}");
        }
    };
    refused(&server);
    let reasons = records(&server).into_iter().filter_map(|fact| match fact {
        Fact::ConnectionRefused(refused) => Some(refused.reason),
        _ => None,
    });
    let mut reasons: Vec<_> = reasons.collect();
    reasons.sort();
    assert_eq!(
        reasons,
        [
            "security profile 1, at least 2 is wanted",
            "security profile 1, at least 3 is wanted",
            "security profile 2, at least 3 is wanted",
        ]
    );
    server.stop();
    let server = Server::start(&data, ca.config(1, Some(false)));
    refused(&server);
    server.stop();
}

/// A key of RSA with so many bits and its certificate, of the CA: their files.
fn of_rsa(ca: &Ca, bits: u32) -> std::io::Result<[String; 2]> {
    let path = |name: &str| ca.file(name).to_str().unwrap().to_owned();
    let [key, csr, certificate] = ["key", "csr", "pem"].map(|end| path(&format!("{bits}.{end}")));
    let ca_key = path("root.key");
    std::fs::write(&ca_key, ca.issuer.key().serialize_pem())?;
    let openssl = |args: &[&str]| {
        let output = Command::new("openssl").args(args).output()?;
        assert!(output.status.success(), "{args:?}\n{output:?}");
        std::io::Result::Ok(())
    };
    let (kind, subject) = (format!("rsa:{bits}"), "/O=ACME/CN=CP1");
    openssl(&[
        "req", "-new", "-nodes", "-newkey", &kind, "-keyout", &key, "-subj", subject, "-out", &csr,
    ])?;
    // Without an extension it would be of version 1, which nobody takes.
    let (root, extensions) = (path("root.pem"), path("extensions"));
    std::fs::write(&extensions, "basicConstraints=CA:FALSE")?;
    openssl(&[
        "x509",
        "-req",
        "-in",
        &csr,
        "-CA",
        &root,
        "-CAkey",
        &ca_key,
        "-set_serial",
        "9",
        "-extfile",
        &extensions,
        "-days",
        "2",
        "-out",
        &certificate,
    ])?;
    Ok([key, certificate])
}

/// With a key below 2048 bits a certificate shows nothing (A00.FR.508), whoever has signed it.
#[test]
fn atk_06_a_certificate_of_a_weak_key_does_not_finish_the_handshake() {
    let dir = tempfile::tempdir().unwrap();
    let ca = Ca::new(dir.path());
    let server = Server::start(&dir.path().join("data"), ca.config(1, Some(true)));
    register(&server, "CP1");
    for version in ["-tls1_2", "-tls1_3"] {
        for (bits, comes_in) in [(1024, false), (2048, true)] {
            let [key, certificate] = match of_rsa(&ca, bits) {
                Ok(files) => files,
                Err(error) => return again::skipped(&format!("openssl: {error}")),
            };
            // Its own rules are not to keep it from trying.
            let weak = "DEFAULT@SECLEVEL=0";
            let args = [
                "-ign_eof",
                "-cipher",
                weak,
                "-key",
                &key,
                "-cert",
                &certificate,
                version,
            ];
            let request = b"GET /nothing HTTP/1.1\r\nHost: csms\r\n\r\n";
            let (_, text) = s_client(&ca, &server, &args, request).unwrap();
            assert_eq!(
                text.contains("HTTP/1.1 4"),
                comes_in,
                "{bits} {version}\n{text}"
            );
        }
    }
    let weak = "a signature of the peer's certificate, or with it, is wrong or too weak";
    assert_eq!(certificate_events(&server), [weak, weak]);
    server.stop();
}
