//! Certificates that are signed, known, judged: block A from case 11 on, C from 50 on, and M.

use expect_test::expect;
use ocpp::Version;
use x509_ocsp::{CertStatus, RevokedInfo};

use super::{BOOTED, Case};
use crate::certificates::CertificatesConfig;
use crate::certificates::tests::lists::{Revoker, Said};
use crate::certificates::tests::pki::{By, EMAID, Leaf, Pki};
use crate::certificates::tests::{TestCa, http, request, responder_of, serve, with_ca, with_ocsp};
use crate::config::{Config, Onboarding};
use crate::shard::tests::world::config;

/// A request in PEM, as JSON.
pub(super) fn csr_json(organization: &str, name: &str) -> String {
    serde_json::Value::from(request(organization, name)).to_string()
}

fn case(version: Version, certificates: CertificatesConfig) -> Case {
    let config = Config {
        certificates,
        ..config(Onboarding::Open)
    };
    let mut case = Case::new(version, config);
    match version {
        Version::V16 => {
            case.prepare(": a connect CP1");
            case.prepare(r#"BootNotification {"chargePointVendor":"V","chargePointModel":"M","chargePointSerialNumber":"SN-7"}"#);
        }
        Version::V201 => case.prepare(": a connect CP1 2.0.1"),
        Version::V21 => case.prepare(": a connect CP1 2.1"),
    }
    if version != Version::V16 {
        case.prepare(BOOTED);
    }
    case
}

/// PEM blocks and the hashes of fresh keys differ from run to run.
fn masked(seen: &str) -> String {
    let mut out = String::new();
    let mut rest = seen;
    while let Some(start) = rest.find("-----BEGIN CERTIFICATE-----") {
        let end = "-----END CERTIFICATE-----\\n";
        let len = rest[start..]
            .find(end)
            .map_or(rest.len() - start, |at| at + end.len());
        out += &rest[..start];
        out += "PEM.";
        rest = &rest[start + len..];
    }
    out + rest
}

/// Runs a script on a station that has booted, on a server with a CA.
pub(super) fn run_with_ca(version: Version, script: &str) -> String {
    let ca = TestCa::new();
    masked(&case(version, with_ca(ca.signer())).run(script))
}

fn by_request(trigger: &str, kind: &str, answer: &str) -> String {
    let told = match answer {
        "Rejected" => {
            r#"SecurityEventNotification {"type":"InvalidChargingStationCertificate","timestamp":"$NOW"}"#
        }
        _ => "",
    };
    run_with_ca(
        Version::V201,
        &format!(
            r#"
            op TriggerMessage {{"requestedMessage":"{trigger}"}}
            answer {{"status":"Accepted"}}
            SignCertificate {{"csr":{}{kind}}}
            answer {{"status":"{answer}"}}
            {told}
            : op certificates CP1
            "#,
            csr_json("ACME", "CP1")
        ),
    )
}

/// The station's own certificate is asked for, signed, sent and taken; that it comes again with it is shown over TLS.
#[test]
fn a02_fr_02_a_certificate_is_triggered_asked_for_signed_and_taken() {
    let kind = r#","certificateType":"ChargingStationCertificate""#;
    expect![[r#"
        < TriggerMessage {"requestedMessage":"SignChargingStationCertificate"}
        op TriggerMessage: Answered {"status":"Accepted"}
        SignCertificate: {"status":"Accepted"}
        < CertificateSigned {"certificateChain":"PEM.PEM.","certificateType":"ChargingStationCertificate"}
        request ChargingStationCertificate accepted [O=ACME, CN=CP1]
    "#]].assert_eq(&by_request(
        "SignChargingStationCertificate",
        kind,
        "Accepted",
    ));
}

/// The one towards vehicles.
#[test]
fn tc_a_12_csms() {
    let kind = r#","certificateType":"V2GCertificate""#;
    expect![[r#"
        < TriggerMessage {"requestedMessage":"SignV2GCertificate"}
        op TriggerMessage: Answered {"status":"Accepted"}
        SignCertificate: {"status":"Accepted"}
        < CertificateSigned {"certificateChain":"PEM.PEM.","certificateType":"V2GCertificate"}
        request V2GCertificate accepted [O=ACME, CN=CP1]
    "#]]
    .assert_eq(&by_request("SignV2GCertificate", kind, "Accepted"));
}

/// One for both ends has no type, and comes back without one.
#[test]
fn tc_a_13_csms() {
    expect![[r#"
        < TriggerMessage {"requestedMessage":"SignCombinedCertificate"}
        op TriggerMessage: Answered {"status":"Accepted"}
        SignCertificate: {"status":"Accepted"}
        < CertificateSigned {"certificateChain":"PEM.PEM."}
        request - accepted [O=ACME, CN=CP1]
    "#]]
    .assert_eq(&by_request("SignCombinedCertificate", "", "Accepted"));
}

/// A station that finds its certificate invalid says so, is seen to have said so, and is sent nothing more.
#[test]
fn tc_a_14_csms() {
    let kind = r#","certificateType":"ChargingStationCertificate""#;
    expect![[r#"
        < TriggerMessage {"requestedMessage":"SignChargingStationCertificate"}
        op TriggerMessage: Answered {"status":"Accepted"}
        SignCertificate: {"status":"Accepted"}
        < CertificateSigned {"certificateChain":"PEM.PEM.","certificateType":"ChargingStationCertificate"}
        SecurityEventNotification: {}
        request ChargingStationCertificate rejected [O=ACME, CN=CP1]
    "#]].assert_eq(&by_request(
        "SignChargingStationCertificate",
        kind,
        "Rejected",
    ));
}

/// What is not the station's or not the operator's, and what comes too often, is refused with the reason (A02.FR.12).
#[test]
fn a_request_that_is_not_in_order_is_refused() {
    let (other, stranger, good) = (
        csr_json("ACME", "CP2"),
        csr_json("Other", "CP1"),
        csr_json("ACME", "CP1"),
    );
    let seen = run_with_ca(
        Version::V201,
        &format!(
            r#"
            SignCertificate {{"csr":{other}}}
            SignCertificate {{"csr":{stranger}}}
            SignCertificate {{"csr":"-----BEGIN CERTIFICATE REQUEST-----"}}
            SignCertificate {{"csr":{good}}}
            SignCertificate {{"csr":{good}}}
            wait 3600
            SignCertificate {{"csr":{good}}}
            : op certificates CP1
            "#
        ),
    );
    expect![[r#"
        SignCertificate: {"status":"Rejected","statusInfo":{"reasonCode":"InvalidCSR","additionalInfo":"the subject's CN is \"CP2\", expected CP1, and no URL or IP address"}}
        SignCertificate: {"status":"Rejected","statusInfo":{"reasonCode":"InvalidCSR","additionalInfo":"the subject's O is \"Other\", expected \"ACME\""}}
        SignCertificate: {"status":"Rejected","statusInfo":{"reasonCode":"InvalidCSR","additionalInfo":"the request is no PEM block CERTIFICATE REQUEST"}}
        SignCertificate: {"status":"Accepted"}
        < CertificateSigned {"certificateChain":"PEM.PEM."}
        SignCertificate: {"status":"Rejected","statusInfo":{"reasonCode":"TooManyRequests","additionalInfo":"more than 4 requests within an hour"}}
        SignCertificate: {"status":"Accepted"}
        < CertificateSigned {"certificateChain":"PEM.PEM."}
        request - refused [] the subject's CN is "CP2", expected CP1, and no URL or IP address
        request - refused [] the subject's O is "Other", expected "ACME"
        request - refused [] the request is no PEM block CERTIFICATE REQUEST
        request - signed [O=ACME, CN=CP1]
        request - signed [O=ACME, CN=CP1]
    "#]].assert_eq(&seen);
}

/// What is known of a station's certificates outlives a restart and not the station.
#[test]
fn a_request_outlives_a_restart() {
    let seen = run_with_ca(
        Version::V201,
        &format!(
            r#"
            SignCertificate {{"csr":{}}}
            : restart
            : op certificates CP1
            : op delete CP1
            : op certificates CP1
            : op register CP1 0123456789abcdef
            : op certificates CP1
            "#,
            csr_json("ACME", "CP1")
        ),
    );
    expect![[r#"
        SignCertificate: {"status":"Accepted"}
        < CertificateSigned {"certificateChain":"PEM.PEM."}
        a ended
        request - signed [O=ACME, CN=CP1]
        op delete CP1: Ok(Ok(()))
        certificates: Ok(None)
        op register CP1: Ok([Ok(())])
    "#]]
    .assert_eq(&seen);
}

/// The types of 2.1 and its `requestId` come back with the certificate.
#[test]
fn a_2_1_request_is_named_in_its_certificate() {
    let seen = run_with_ca(
        Version::V21,
        &format!(
            r#"
            SignCertificate {{"csr":{},"certificateType":"V2G20Certificate","requestId":7}}
            answer {{"status":"Accepted"}}
            : op certificates CP1
            "#,
            csr_json("ACME", "CP1")
        ),
    );
    expect![[r#"
        SignCertificate: {"status":"Accepted"}
        < CertificateSigned {"certificateChain":"PEM.PEM.","certificateType":"V2G20Certificate","requestId":7}
        request V2G20Certificate accepted [O=ACME, CN=CP1]
    "#]].assert_eq(&seen);
}

/// Towards vehicles a station may be called what its controller is called.
#[test]
fn a_v2g_certificate_may_bear_the_secc_id() {
    let seen = run_with_ca(
        Version::V201,
        &format!(
            r#"
            SignCertificate {{"csr":{0},"certificateType":"V2GCertificate"}}
            op GetVariables {{"getVariableData":[{{"component":{{"name":"ISO15118Ctrlr","evse":{{"id":1}}}},"variable":{{"name":"SeccId"}}}}]}}
            answer {{"getVariableResult":[{{"attributeStatus":"Accepted","attributeValue":"DEICYE0001","component":{{"name":"ISO15118Ctrlr","evse":{{"id":1}}}},"variable":{{"name":"SeccId"}}}}]}}
            SignCertificate {{"csr":{0},"certificateType":"V2GCertificate"}}
            SignCertificate {{"csr":{0},"certificateType":"ChargingStationCertificate"}}
            "#,
            csr_json("ACME", "DEICYE0001")
        ),
    );
    expect![[r#"
        SignCertificate: {"status":"Rejected","statusInfo":{"reasonCode":"InvalidCSR","additionalInfo":"the subject's CN is \"DEICYE0001\", expected CP1, and no URL or IP address"}}
        < GetVariables {"getVariableData":[{"component":{"name":"ISO15118Ctrlr","evse":{"id":1}},"variable":{"name":"SeccId"}}]}
        op GetVariables: Answered {"getVariableResult":[{"attributeStatus":"Accepted","attributeValue":"DEICYE0001","component":{"name":"ISO15118Ctrlr","evse":{"id":1}},"variable":{"name":"SeccId"}}]}
        SignCertificate: {"status":"Accepted"}
        < CertificateSigned {"certificateChain":"PEM.PEM.","certificateType":"V2GCertificate"}
        SignCertificate: {"status":"Rejected","statusInfo":{"reasonCode":"InvalidCSR","additionalInfo":"the subject's CN is \"DEICYE0001\", expected CP1, and no URL or IP address"}}
    "#]].assert_eq(&seen);
}

/// A CA that does not answer is given up, and a station that is gone by then is not sent anything later.
#[test]
fn a_ca_that_hangs_is_given_up() {
    let seen = run_with_ca(
        Version::V201,
        &format!(
            r#"
            : services hang
            : a > [2,"99","SignCertificate",{{"csr":{}}}]
            wait 19
            wait 2
            : op certificates CP1
            Heartbeat {{}}
            "#,
            csr_json("ACME", "CP1")
        ),
    );
    expect![[r#"
        SignCertificate: {"status":"Rejected","statusInfo":{"reasonCode":"InternalError","additionalInfo":"it took too long"}}
        request - refused [] it took too long
        Heartbeat: {"currentTime":"2026-11-22T10:00:29.000Z"}
    "#]].assert_eq(&seen);
}

/// Roots by type are installed and listed, with what we know of them beside what the station names.
fn installed(kind: &str) -> String {
    let ca = TestCa::new();
    let root = serde_json::Value::from(ca.root.clone()).to_string();
    let [sha256, sha384, _] = crate::certificates::certificate_hashes(&ca.root).unwrap();
    let named = |hash: &crate::CertificateHash| {
        format!(
            r#"{{"hashAlgorithm":"{}","issuerNameHash":"{}","issuerKeyHash":"{}","serialNumber":"{}"}}"#,
            hash.algorithm.as_str(),
            hash.issuer_name_hash.to_uppercase(),
            hash.issuer_key_hash,
            hash.serial_number
        )
    };
    let (first, second) = (named(&sha384), named(&sha256));
    let other = r#"{"hashAlgorithm":"SHA256","issuerNameHash":"aa","issuerKeyHash":"bb","serialNumber":"1f"}"#;
    let mut case = case(Version::V201, CertificatesConfig::default());
    let seen = case.run(&format!(
        r#"
        op InstallCertificate {{"certificateType":"{kind}","certificate":{root}}}
        answer {{"status":"Accepted"}}
        : op certificates CP1
        op GetInstalledCertificateIds {{"certificateType":["{kind}"]}}
        answer {{"status":"Accepted","certificateHashDataChain":[{{"certificateType":"{kind}","certificateHashData":{first},"childCertificateHashData":[{other}]}},{{"certificateType":"{kind}","certificateHashData":{other}}}]}}
        : op certificates CP1
        op DeleteCertificate {{"certificateHashData":{second}}}
        answer {{"status":"Accepted"}}
        : restart
        : op certificates CP1
        "#
    ));
    let mut seen = masked(&seen);
    for hash in [&sha256, &sha384] {
        for (text, name) in [
            (&hash.issuer_name_hash, "NAME"),
            (&hash.issuer_key_hash, "KEY"),
            (&hash.serial_number, "SERIAL"),
        ] {
            seen = seen
                .replace(text.as_str(), name)
                .replace(&text.to_uppercase(), name);
        }
    }
    seen
}

/// A root for vehicles' networks is installed, and known from then on; one that the station names beside it is known too.
#[test]
fn tc_m_03_csms_to_tc_m_04_csms_and_tc_m_14_csms_and_tc_m_16_csms() {
    expect![[r#"
        < InstallCertificate {"certificateType":"V2GRootCertificate","certificate":"PEM."}
        op InstallCertificate: Answered {"status":"Accepted"}
        certificate V2GRootCertificate SHA256+SHA384+SHA512 O=ACME, CN=Root children 0 reported false
        < GetInstalledCertificateIds {"certificateType":["V2GRootCertificate"]}
        op GetInstalledCertificateIds: Answered {"status":"Accepted","certificateHashDataChain":[{"certificateType":"V2GRootCertificate","certificateHashData":{"hashAlgorithm":"SHA384","issuerNameHash":"NAME","issuerKeyHash":"KEY","serialNumber":"SERIAL"},"childCertificateHashData":[{"hashAlgorithm":"SHA256","issuerNameHash":"aa","issuerKeyHash":"bb","serialNumber":"1f"}]},{"certificateType":"V2GRootCertificate","certificateHashData":{"hashAlgorithm":"SHA256","issuerNameHash":"aa","issuerKeyHash":"bb","serialNumber":"1f"}}]}
        certificate V2GRootCertificate SHA256+SHA384+SHA512 O=ACME, CN=Root children 1 reported true
        certificate V2GRootCertificate SHA256 - children 0 reported true
        < DeleteCertificate {"certificateHashData":{"hashAlgorithm":"SHA256","issuerNameHash":"NAME","issuerKeyHash":"KEY","serialNumber":"SERIAL"}}
        op DeleteCertificate: Answered {"status":"Accepted"}
        a ended
        certificate V2GRootCertificate SHA256 - children 0 reported true
    "#]].assert_eq(&installed("V2GRootCertificate"));
    assert_eq!(
        installed("V2GRootCertificate").replace("V2GRoot", "MORoot"),
        installed("MORootCertificate")
    );
}

/// The chain that a station has towards vehicles is named with what is below it.
#[test]
fn tc_m_15_csms() {
    let mut case = case(Version::V201, CertificatesConfig::default());
    let hash = |n: u32| {
        format!(
            r#"{{"hashAlgorithm":"SHA256","issuerNameHash":"a{n}","issuerKeyHash":"b{n}","serialNumber":"{n}"}}"#
        )
    };
    let seen = case.run(&format!(
        r#"
        op GetInstalledCertificateIds {{"certificateType":["V2GCertificateChain"]}}
        answer {{"status":"Accepted","certificateHashDataChain":[{{"certificateType":"V2GCertificateChain","certificateHashData":{},"childCertificateHashData":[{},{}]}}]}}
        : op certificates CP1
        "#,
        hash(1),
        hash(2),
        hash(3)
    ));
    expect![[r#"
        < GetInstalledCertificateIds {"certificateType":["V2GCertificateChain"]}
        op GetInstalledCertificateIds: Answered {"status":"Accepted","certificateHashDataChain":[{"certificateType":"V2GCertificateChain","certificateHashData":{"hashAlgorithm":"SHA256","issuerNameHash":"a1","issuerKeyHash":"b1","serialNumber":"1"},"childCertificateHashData":[{"hashAlgorithm":"SHA256","issuerNameHash":"a2","issuerKeyHash":"b2","serialNumber":"2"},{"hashAlgorithm":"SHA256","issuerNameHash":"a3","issuerKeyHash":"b3","serialNumber":"3"}]}]}
        certificate V2GCertificateChain SHA256 - children 2 reported true
    "#]].assert_eq(&seen);
}

/// The statuses of a chain in 2.1: what responders say, and Failed for what only a list of revoked certificates tells, where
/// none is configured.
#[test]
fn a_chain_of_2_1_has_a_status_for_each() {
    let url = responder_of(CertStatus::good());
    let mut case = case(Version::V21, with_ocsp(&url));
    let asked = |n: u32, source: &str, url: &str| {
        format!(
            r#"{{"certificateHashData":{{"hashAlgorithm":"SHA256","issuerNameHash":"a{n}","issuerKeyHash":"b{n}","serialNumber":"{n}"}},"source":"{source}","urls":["{url}"]}}"#
        )
    };
    let seen = case.run(&format!(
        "GetCertificateChainStatus {{\"certificateStatusRequests\":[{},{},{}]}}",
        asked(1, "OCSP", &url),
        asked(2, "CRL", &url),
        asked(3, "OCSP", "http://127.0.0.1:1/")
    ));
    expect![[r#"
        GetCertificateChainStatus: {"certificateStatus":[{"certificateHashData":{"hashAlgorithm":"SHA256","issuerNameHash":"a1","issuerKeyHash":"b1","serialNumber":"1"},"source":"OCSP","status":"Failed","nextUpdate":"2026-11-29T10:00:00.000Z"},{"certificateHashData":{"hashAlgorithm":"SHA256","issuerNameHash":"a2","issuerKeyHash":"b2","serialNumber":"2"},"source":"CRL","status":"Failed","nextUpdate":"2026-11-22T10:00:05.000Z"},{"certificateHashData":{"hashAlgorithm":"SHA256","issuerNameHash":"a3","issuerKeyHash":"b3","serialNumber":"3"},"source":"OCSP","status":"Failed","nextUpdate":"2026-11-22T10:00:05.000Z"}]}
    "#]].assert_eq(&seen);
}

/// A GetCertificateChainStatus for certificates of this CA, each by its serial number and where its list lies.
fn listed(ca: &Revoker, asked: &[(&str, &str)]) -> String {
    let asked = asked.iter().map(|(serial, url)| {
        let ask = ca.ask(serial, url);
        serde_json::json!({
            "certificateHashData": {
                "hashAlgorithm": ask.algorithm,
                "issuerNameHash": ask.issuer_name_hash,
                "issuerKeyHash": ask.issuer_key_hash,
                "serialNumber": ask.serial_number,
            },
            "source": "CRL",
            "urls": ask.urls,
        })
    });
    let asked: Vec<_> = asked.collect();
    let request = serde_json::json!({ "certificateStatusRequests": asked });
    format!("GetCertificateChainStatus {request}")
}

/// Serial number, status and end of each certificate in the only answer.
fn told(seen: &str) -> Vec<(String, String, String)> {
    let (action, answer) = seen.trim().split_once(": ").unwrap();
    assert_eq!(action, "GetCertificateChainStatus");
    let answer: serde_json::Value = serde_json::from_str(answer).unwrap();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let each = answer["certificateStatus"].as_array().unwrap().iter();
    let each = each.map(|told| {
        assert_eq!(told["source"], "CRL");
        (
            text(&told["certificateHashData"]["serialNumber"]),
            text(&told["status"]),
            text(&told["nextUpdate"]),
        )
    });
    each.collect()
}

fn row(serial: &str, status: &str, next_update: &str) -> (String, String, String) {
    (serial.to_owned(), status.to_owned(), next_update.to_owned())
}

/// A certificate that stands on its issuer's list is revoked, one that does not is good, and one whose list cannot be had, or
/// is not of now, has failed.
#[test]
fn m07_fr_04_to_07_a_list_tells_which_certificates_are_revoked() {
    let ca = Revoker::new("OEM Sub");
    let list = ca.list(&Said::default());
    let past = ca.list(&Said {
        days: (-14, -7),
        ..Said::default()
    });
    let url = serve(move |head, _| match head.split(' ').nth(1) {
        Some("/oem.crl") => (200, list.clone()),
        Some("/past.crl") => (200, past.clone()),
        _ => (404, Vec::new()),
    });
    let mut case = case(Version::V21, ca.config(&url));
    let [here, past, nowhere] = ["oem", "past", "none"].map(|name| format!("{url}/{name}.crl"));
    let seen = case.run(&listed(
        &ca,
        &[
            ("77", &here),
            ("78", &here),
            ("78", &past),
            ("78", &nowhere),
        ],
    ));
    let end = "2026-11-29T10:00:00.000Z";
    let asked_at = "2026-11-22T10:00:05.000Z";
    assert_eq!(
        told(&seen),
        [
            row("77", "Revoked", end),
            row("78", "Good", end),
            row("78", "Failed", asked_at),
            row("78", "Failed", asked_at),
        ]
    );
}

/// What nobody is known to have signed makes no certificate good; one that it calls revoked had better not be trusted.
#[test]
fn m07_fr_07_a_list_that_nobody_is_known_to_have_signed_makes_none_good() {
    let ca = Revoker::new("OEM Sub");
    let list = ca.list(&Said::default());
    let url = serve(move |_, _| (200, list.clone()));
    let mut certificates = ca.config(&url);
    if let Some(crl) = &mut certificates.crl {
        crl.issuers = None;
    }
    let seen = case(Version::V21, certificates).run(&listed(&ca, &[("77", &url), ("78", &url)]));
    let end = "2026-11-29T10:00:00.000Z";
    assert_eq!(
        told(&seen),
        [row("77", "Revoked", end), row("78", "Failed", end)]
    );
}

/// Lists do not stand in for responders: where there are none, a station hears so.
#[test]
fn a_server_with_lists_alone_has_no_responder_to_ask() {
    let ca = Revoker::new("OEM Sub");
    let mut case = case(Version::V21, ca.config("http://127.0.0.1:1/"));
    let seen = case.run(
        r#"GetCertificateStatus {"ocspRequestData":{"hashAlgorithm":"SHA256","issuerNameHash":"a1","issuerKeyHash":"b1","serialNumber":"1","responderURL":"http://127.0.0.1:1/"}}"#,
    );
    expect![[r#"
        GetCertificateStatus: {"status":"Failed","statusInfo":{"reasonCode":"NotEnabled"}}
    "#]]
    .assert_eq(&seen);
}

/// Two types are asked for at once.
#[test]
fn tc_m_17_csms() {
    let mut case = case(Version::V201, CertificatesConfig::default());
    let hash = |n: u32| {
        format!(
            r#"{{"hashAlgorithm":"SHA256","issuerNameHash":"a{n}","issuerKeyHash":"b{n}","serialNumber":"{n}"}}"#
        )
    };
    let seen = case.run(&format!(
        r#"
        op GetInstalledCertificateIds {{"certificateType":["CSMSRootCertificate","ManufacturerRootCertificate"]}}
        answer {{"status":"Accepted","certificateHashDataChain":[{{"certificateType":"CSMSRootCertificate","certificateHashData":{}}},{{"certificateType":"ManufacturerRootCertificate","certificateHashData":{}}}]}}
        : op certificates CP1
        op GetInstalledCertificateIds {{"certificateType":["CSMSRootCertificate"]}}
        answer {{"status":"NotFound"}}
        : op certificates CP1
        "#,
        hash(1),
        hash(2)
    ));
    expect![[r#"
        < GetInstalledCertificateIds {"certificateType":["CSMSRootCertificate","ManufacturerRootCertificate"]}
        op GetInstalledCertificateIds: Answered {"status":"Accepted","certificateHashDataChain":[{"certificateType":"CSMSRootCertificate","certificateHashData":{"hashAlgorithm":"SHA256","issuerNameHash":"a1","issuerKeyHash":"b1","serialNumber":"1"}},{"certificateType":"ManufacturerRootCertificate","certificateHashData":{"hashAlgorithm":"SHA256","issuerNameHash":"a2","issuerKeyHash":"b2","serialNumber":"2"}}]}
        certificate CSMSRootCertificate SHA256 - children 0 reported true
        certificate ManufacturerRootCertificate SHA256 - children 0 reported true
        < GetInstalledCertificateIds {"certificateType":["CSMSRootCertificate"]}
        op GetInstalledCertificateIds: Answered {"status":"NotFound"}
        certificate ManufacturerRootCertificate SHA256 - children 0 reported true
    "#]].assert_eq(&seen);
}

/// The status of a certificate comes from its responder, in the responder's own bytes.
#[test]
fn tc_m_24_csms() {
    let url = responder_of(CertStatus::good());
    let mut case = case(Version::V201, with_ocsp(&url));
    let ask = |url: &str| {
        format!(
            r#"GetCertificateStatus {{"ocspRequestData":{{"hashAlgorithm":"SHA256","issuerNameHash":"aa11","issuerKeyHash":"bb22","serialNumber":"1f","responderURL":"{url}"}}}}"#
        )
    };
    let seen = case.run(&ask(&url));
    let seen = match seen.split_once(r#""ocspResult":""#) {
        Some((before, rest)) => {
            let (result, after) = rest.split_once('"').unwrap();
            assert!(result.starts_with("MI"), "DER in base64");
            format!("{before}\"ocspResult\":\"DER\"{after}")
        }
        None => seen,
    };
    expect![[r#"
        GetCertificateStatus: {"status":"Accepted","ocspResult":"DER"}
    "#]]
    .assert_eq(&seen);
    expect![[r#"
        GetCertificateStatus: {"status":"Failed","statusInfo":{"reasonCode":"NotFound","additionalInfo":"\"http://169.254.169.254/latest/meta-data\" is not among ocsp.responders"}}
    "#]].assert_eq(&case.run(&ask("http://169.254.169.254/latest/meta-data")));
}

fn contracts(url: &str) -> CertificatesConfig {
    CertificatesConfig {
        contracts: Some(http(url)),
        ..CertificatesConfig::default()
    }
}

fn vehicle(action: &str) -> String {
    let url = serve(|_, body| {
        let asked: serde_json::Value = serde_json::from_slice(body).unwrap();
        assert_eq!(asked["version"], "ocpp2.0.1");
        let exi = format!(
            "answer to {}",
            asked["payload"]["exiRequest"].as_str().unwrap()
        );
        let answer = serde_json::json!({"status": "Accepted", "exiResponse": exi});
        (200, answer.to_string().into_bytes())
    });
    case(Version::V201, contracts(&url)).run(&format!(
        r#"Get15118EVCertificate {{"iso15118SchemaVersion":"urn:iso:15118:2:2013:MsgDef","action":"{action}","exiRequest":"AA=="}}"#
    ))
}

/// A vehicle's wish for a contract certificate is passed on, and the answer back.
#[test]
fn tc_m_26_csms() {
    expect![[r#"
        Get15118EVCertificate: {"status":"Accepted","exiResponse":"answer to AA=="}
    "#]]
    .assert_eq(&vehicle("Install"));
}

/// The same of a renewed one.
#[test]
fn tc_m_28_csms() {
    expect![[r#"
        Get15118EVCertificate: {"status":"Accepted","exiResponse":"answer to AA=="}
    "#]]
    .assert_eq(&vehicle("Update"));
}

/// A provider's answer that no station may be given is not given to one.
#[test]
fn a_providers_answer_is_checked() {
    let url = serve(|_, _| (200, br#"{"status":"Perhaps","exiResponse":""}"#.to_vec()));
    let seen = case(Version::V201, contracts(&url)).run(
        r#"Get15118EVCertificate {"iso15118SchemaVersion":"urn:iso:15118:2:2013:MsgDef","action":"Install","exiRequest":"AA=="}"#,
    );
    expect![[r#"
        Get15118EVCertificate: {"status":"Failed","statusInfo":{"reasonCode":"InternalError","additionalInfo":"the provider's answer: PropertyConstraintViolation: /status: found \"Perhaps\", expected one of Accepted, Failed"},"exiResponse":""}
    "#]].assert_eq(&seen);
}

/// Authorizes with hash data of a certificate whose responder says `status`, and shows its issuer as `shows_issuer` says.
fn authorized_by(status: CertStatus, token: &str, shows_issuer: bool) -> String {
    let pki = Pki::new(By::Delegate, shows_issuer, status, &Leaf::default());
    let mut case = case(Version::V201, pki.config(false));
    let hash = pki.hash();
    case.run(&format!(
        r#"Authorize {{"idToken":{{"idToken":"{token}","type":"eMAID"}},"iso15118CertificateHashData":[{{"hashAlgorithm":"SHA256","issuerNameHash":"{}","issuerKeyHash":"{}","serialNumber":"{}","responderURL":"{}"}}]}}"#,
        hash.issuer_name_hash, hash.issuer_key_hash, hash.serial_number, pki.url
    ))
}

fn authorized(status: CertStatus, token: &str) -> String {
    authorized_by(status, token, true)
}

/// A vehicle with a good certificate and a good contract charges; the contract may be cancelled all the same (C07.FR.13).
#[test]
fn tc_c_50_csms() {
    expect![[r#"
        Authorize: {"idTokenInfo":{"status":"Accepted"},"certificateStatus":"Accepted"}
    "#]]
    .assert_eq(&authorized(CertStatus::good(), "TAG"));
    expect![[r#"
        Authorize: {"idTokenInfo":{"status":"Invalid"},"certificateStatus":"ContractCancelled"}
    "#]]
    .assert_eq(&authorized(CertStatus::good(), "BAD"));
}

/// One whose certificate is revoked does not, whatever its contract (C07.FR.16); nor one that nobody knows.
#[test]
fn tc_c_51_csms() {
    let time = x509_cert::der::DateTime::new(2026, 1, 1, 0, 0, 0).unwrap();
    let revoked = RevokedInfo {
        revocation_time: time.into(),
        revocation_reason: None,
    };
    expect![[r#"
        Authorize: {"idTokenInfo":{"status":"Invalid"},"certificateStatus":"CertificateRevoked"}
    "#]]
    .assert_eq(&authorized(CertStatus::revoked(revoked), "TAG"));
    expect![[r#"
        Authorize: {"idTokenInfo":{"status":"Invalid"},"certificateStatus":"CertChainError"}
    "#]]
    .assert_eq(&authorized(CertStatus::unknown(), "TAG"));
}

/// What a responder says on nobody's known word makes no certificate good.
#[test]
fn a_status_that_nobody_has_signed_is_no_yes() {
    expect![[r#"
        Authorize: {"idTokenInfo":{"status":"Invalid"},"certificateStatus":"CertChainError"}
    "#]]
    .assert_eq(&authorized_by(CertStatus::good(), "TAG", false));
}

/// A station shows the certificate alone: what to ask its responder follows from it, and so does who may answer.
#[test]
fn tc_c_52_csms() {
    let pki = Pki::new(By::Issuer, false, CertStatus::good(), &Leaf::default());
    let mut case = case(Version::V201, pki.config(false));
    case.prepare(&format!(": token {EMAID} Accepted"));
    let pem = serde_json::Value::from(pki.chain.clone());
    let authorize = |emaid: &str| {
        format!(
            r#"Authorize {{"idToken":{{"idToken":"{emaid}","type":"eMAID"}},"certificate":{pem}}}"#
        )
    };
    let seen = case.run(&format!(
        r#"
        {}
        tx Started Authorized token={EMAID}
        : token {EMAID} Blocked
        {}
        {}
        "#,
        authorize(EMAID),
        authorize(EMAID),
        authorize("TAG"),
    ));
    expect![[r#"
        Authorize: {"idTokenInfo":{"status":"Accepted"},"certificateStatus":"Accepted"}
        TransactionEvent: {"idTokenInfo":{"status":"Accepted"}}
        Authorize: {"idTokenInfo":{"status":"Blocked"},"certificateStatus":"ContractCancelled"}
        Authorize: {"idTokenInfo":{"status":"Invalid"},"certificateStatus":"CertChainError"}
    "#]]
    .assert_eq(&seen);
}

/// Its way ends at no root of ours, or it has ended itself (C07.FR.15 and 17).
#[test]
fn a_contract_certificate_without_a_root_or_past_its_end_is_refused() {
    let run = |leaf: &Leaf<'_>, roots: &str| {
        let pki = Pki::new(By::Issuer, false, CertStatus::good(), leaf);
        let mut config = pki.config(false);
        config.vehicle_roots = Some(pki.path(roots));
        let pem = serde_json::Value::from(pki.chain.clone());
        let mut case = case(Version::V21, config);
        case.prepare(&format!(": token {EMAID} Accepted"));
        case.run(&format!(
            r#"Authorize {{"idToken":{{"idToken":"{EMAID}","type":"eMAID"}},"certificate":{pem}}}"#
        ))
    };
    let stranger = Pki::new(By::Issuer, false, CertStatus::good(), &Leaf::default());
    let stranger = stranger.path("root.pem");
    let ended = Leaf {
        ends_in_days: -1,
        ..Leaf::default()
    };
    expect![[r#"
        Authorize: {"idTokenInfo":{"status":"Expired"},"certificateStatus":"CertificateExpired"}
    "#]]
    .assert_eq(&run(&ended, "root.pem"));
    expect![[r#"
        Authorize: {"idTokenInfo":{"status":"Invalid"},"certificateStatus":"CertChainError"}
    "#]]
    .assert_eq(&run(&Leaf::default(), stranger.to_str().unwrap()));
}

/// A certificate that the station cannot judge is judged by the provider.
#[test]
fn a_certificate_that_the_station_cannot_judge_is_judged_by_the_provider() {
    let url = serve(|_, body| {
        let asked: serde_json::Value = serde_json::from_slice(body).unwrap();
        assert_eq!(asked["action"], "Authorize");
        assert_eq!(asked["payload"]["certificate"], "PEM");
        (200, br#"{"certificateStatus":"Accepted"}"#.to_vec())
    });
    let authorize = r#"Authorize {"idToken":{"idToken":"TAG","type":"eMAID"},"certificate":"PEM"}"#;
    let mut case = case(Version::V201, contracts(&url));
    expect![[r#"
        Authorize: {"idTokenInfo":{"status":"Accepted"},"certificateStatus":"Accepted"}
    "#]]
    .assert_eq(&case.run(authorize));
}

/// Nobody to ask means that the certificate cannot be verified (C07.FR.17).
#[test]
fn a_contract_certificate_that_nobody_can_judge_is_refused() {
    let authorize = r#"Authorize {"idToken":{"idToken":"TAG","type":"eMAID"},"certificate":"PEM"}"#;
    let mut case = case(Version::V201, CertificatesConfig::default());
    expect![[r#"
        Authorize: {"idTokenInfo":{"status":"Invalid"},"certificateStatus":"CertChainError"}
    "#]]
    .assert_eq(&case.run(authorize));
}
