//! Certificates for stations, made and checked by OpenSSL.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use super::{Scene, accepted, check_at};
use crate::e2e::foreign::skip;
use crate::e2e::server::Site;
use crate::e2e::wait::Lines;

/// Runs OpenSSL in `dir`; what it prints, or why it does not go on.
fn openssl(dir: &Path, args: &str) -> Result<String, String> {
    let mut command = Command::new("openssl");
    let output = command.args(args.split(' ')).current_dir(dir).output();
    let output = output.map_err(|error| format!("no openssl: {error}"))?;
    if output.status.success() {
        Ok(String::from_utf8(output.stdout).unwrap())
    } else {
        Err(String::from_utf8(output.stderr).unwrap())
    }
}

const NEW_KEY: &str = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";

/// A root and a CA below it, and the configuration that has it sign.
fn with_ca(protocol: &'static str, flow: impl Fn(&mut Scene<'_>, &Path)) {
    let site = Site::new();
    let dir = site.path("");
    if let Err(why) = openssl(&dir, "version") {
        return skip(&why);
    }
    let run = |args: &str| openssl(&dir, args).unwrap_or_else(|why| panic!("{args}: {why}"));
    std::fs::write(
        dir.join("ca.ext"),
        "basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign,cRLSign\n\
         subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n",
    )
    .unwrap();
    run(&format!(
        "req -x509 {NEW_KEY} -days 30 -subj /O=ACME/CN=Root -keyout root.key -out root.pem"
    ));
    run(&format!(
        "req {NEW_KEY} -subj /O=ACME/CN=Stations -keyout ca.key -out ca.csr"
    ));
    run(
        "x509 -req -in ca.csr -CA root.pem -CAkey root.key -CAcreateserial -days 20 -out ca.pem -extfile ca.ext",
    );
    use std::os::unix::fs::PermissionsExt;
    let secret = std::fs::Permissions::from_mode(0o600);
    std::fs::set_permissions(dir.join("ca.key"), secret).unwrap();
    let toml = format!(
        "[ca]\nsigner = \"file\"\norganization = \"ACME\"\ncertificate_file = {:?}\nkey_file = {:?}\nvalidity = \"10d\"\n",
        dir.join("ca.pem"),
        dir.join("ca.key"),
    );
    check_at(&site, protocol, &toml, |scene| flow(scene, &dir));
}

/// A02: the station is told to renew its certificate, asks, and gets one that OpenSSL follows to the root.
fn renewed(scene: &mut Scene<'_>, dir: &Path, trigger: (&str, &str), root: &str) {
    scene.boots();
    let run = |args: &str| openssl(dir, args).unwrap_or_else(|why| panic!("{args}: {why}"));
    let pem = |name: &str| std::fs::read_to_string(dir.join(name)).unwrap();

    scene.answers("InstallCertificate", &accepted());
    let body = json!({"certificate_type": root, "certificate": pem("root.pem")});
    let installed = scene.post("/certificates", &body);
    assert!([200, 201].contains(&installed.status), "{}", installed.body);
    assert_eq!(scene.heard("InstallCertificate")["certificateType"], root);

    scene.answers("CertificateSigned", &accepted());
    scene.commanded(
        trigger.0,
        &json!({"requestedMessage": trigger.1}),
        &accepted(),
    );
    let id = scene.id.clone();
    run(&format!(
        "req -new {NEW_KEY} -subj /O=ACME/CN={id} -keyout own.key -out own.csr"
    ));
    assert_eq!(
        scene.says("SignCertificate", &csr(scene, &pem("own.csr")))["status"],
        "Accepted"
    );
    let signed = scene.heard("CertificateSigned");
    std::fs::write(
        dir.join("own.pem"),
        signed["certificateChain"].as_str().unwrap(),
    )
    .unwrap();
    assert_eq!(
        run("verify -CAfile root.pem -untrusted own.pem own.pem"),
        "own.pem: OK\n"
    );
    assert_eq!(
        run("x509 -in own.pem -noout -pubkey"),
        run("pkey -in own.key -pubout")
    );

    // Another station's name is signed for nobody.
    run(&format!(
        "req -new {NEW_KEY} -subj /O=ACME/CN=CP-OTHER -keyout other.key -out other.csr"
    ));
    assert_eq!(
        scene.says("SignCertificate", &csr(scene, &pem("other.csr")))["status"],
        "Rejected"
    );
    let known = scene.get("/certificates");
    let states: Vec<_> = known["requests"]
        .as_array()
        .unwrap()
        .iter()
        .map(|request| request["state"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(states, ["accepted", "refused"], "{known}");
    assert_eq!(
        known["installed"][0]["subject"], "O=ACME, CN=Root",
        "{known}"
    );
}

fn csr(scene: &Scene<'_>, csr: &str) -> Value {
    match scene.protocol {
        // It is answered by its own `requestId`.
        "ocpp2.1" => {
            json!({"csr": csr, "certificateType": "ChargingStationCertificate", "requestId": 17})
        }
        _ => json!({"csr": csr}),
    }
}

#[test]
fn a_1_6_station_renews_its_certificate() {
    with_ca("ocpp1.6", |scene, dir| {
        let trigger = ("ExtendedTriggerMessage", "SignChargePointCertificate");
        renewed(scene, dir, trigger, "CentralSystemRootCertificate");
    });
}

#[test]
fn a_2_x_station_renews_its_certificate() {
    for protocol in ["ocpp2.0.1", "ocpp2.1"] {
        with_ca(protocol, |scene, dir| {
            let trigger = ("TriggerMessage", "SignChargingStationCertificate");
            renewed(scene, dir, trigger, "CSMSRootCertificate");
        });
    }
}

/// OpenSSL as a responder for what `root.pem` in `dir` has signed, on a port of its own.
fn responder(dir: &Path) -> (Responder, String) {
    let expires = "300101000000Z";
    std::fs::write(
        dir.join("index.txt"),
        format!("V\t{expires}\t\t1F\tunknown\t/O=ACME/CN=Sub\n"),
    )
    .unwrap();
    let mut child = Command::new("openssl")
        .args(
            "ocsp -index index.txt -port 0 -rsigner root.pem -rkey root.key -CA root.pem -ndays 1"
                .split(' '),
        )
        .current_dir(dir)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = Lines::of(child.stdout.take().unwrap());
    let responder = Responder(child);
    // "ACCEPT [::]:42797 PID=13229"
    let line = lines.next().unwrap();
    let port = line.split(' ').nth(1).and_then(|at| at.rsplit(':').next());
    let url = format!(
        "http://127.0.0.1:{}",
        port.unwrap_or_else(|| panic!("{line}"))
    );
    (responder, url)
}

struct Responder(Child);

impl Drop for Responder {
    fn drop(&mut self) {
        // It may have ended already; then there is nothing to end.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// M06: each question to the responder has a nonce of its own, and the station gets the responder's bytes.
#[test]
fn a_station_learns_by_ocsp_that_a_certificate_is_good() {
    let site = Site::new();
    let dir = site.path("");
    if let Err(why) = openssl(&dir, "version") {
        return skip(&why);
    }
    let run = |args: &str| openssl(&dir, args).unwrap_or_else(|why| panic!("{args}: {why}"));
    run(&format!(
        "req -x509 {NEW_KEY} -days 30 -subj /O=ACME/CN=Root -keyout root.key -out root.pem"
    ));
    let asked = run("ocsp -sha256 -issuer root.pem -serial 0x1F -req_text");
    let of = |name: &str| {
        let found = asked
            .lines()
            .find_map(|line| line.trim().strip_prefix(name));
        found
            .unwrap_or_else(|| panic!("no {name} in {asked}"))
            .trim()
            .to_lowercase()
    };
    let (_responder, url) = responder(&dir);
    let toml = format!(
        "[ocsp]\nresponders = [{url:?}]\nissuers_file = {:?}\nnonce = true\n",
        dir.join("root.pem")
    );
    let question = |responder: &str| {
        json!({"ocspRequestData": {
            "hashAlgorithm": "SHA256", "issuerNameHash": of("Issuer Name Hash:"), "issuerKeyHash": of("Issuer Key Hash:"),
            "serialNumber": "1F", "responderURL": responder,
        }})
    };
    for protocol in ["ocpp2.0.1", "ocpp2.1"] {
        check_at(&site, protocol, &toml, |scene| {
            scene.boots();
            let nonces = [(); 2].map(|()| {
                let answer = scene.says("GetCertificateStatus", &question(&url));
                assert_eq!(answer["status"], "Accepted", "{answer}");
                std::fs::write(
                    dir.join("answer.b64"),
                    answer["ocspResult"].as_str().unwrap(),
                )
                .unwrap();
                run("base64 -d -A -in answer.b64 -out answer.der");
                let text = run("ocsp -respin answer.der -CAfile root.pem -resp_text");
                assert!(text.contains("Cert Status: good"), "{text}");
                let nonce = text
                    .split("OCSP Nonce:")
                    .nth(1)
                    .unwrap_or_else(|| panic!("{text}"));
                nonce.lines().nth(1).unwrap().trim().to_owned()
            });
            assert_ne!(nonces[0], nonces[1]);
            let elsewhere = scene.says("GetCertificateStatus", &question("http://127.0.0.1:1"));
            assert_eq!(elsewhere["status"], "Failed");
            if protocol == "ocpp2.1" {
                let hash = json!({
                    "hashAlgorithm": "SHA256", "issuerNameHash": of("Issuer Name Hash:"),
                    "issuerKeyHash": of("Issuer Key Hash:"), "serialNumber": "1F",
                });
                let each = |serial: &str, url: &str| {
                    let mut hash = hash.clone();
                    hash["serialNumber"] = json!(serial);
                    json!({"source": "OCSP", "urls": [url], "certificateHashData": hash})
                };
                let asked = [
                    each("1F", &url),
                    each("20", &url),
                    each("1F", "http://127.0.0.1:1"),
                ];
                let chain = json!({"certificateStatusRequests": asked});
                let answer = scene.says("GetCertificateChainStatus", &chain);
                let found = answer["certificateStatus"].as_array().unwrap().iter();
                let found: Vec<_> = found.map(|each| each["status"].clone()).collect();
                assert_eq!(found, ["Good", "Unknown", "Failed"], "{answer}");
            }
        });
    }
}
