//! Certificates for stations, made and checked by OpenSSL.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use super::{Scene, accepted, check_at};
use crate::e2e::foreign::skip;
use crate::e2e::server::Site;

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
