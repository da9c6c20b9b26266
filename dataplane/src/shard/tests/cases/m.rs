//! Block M, certificates in the station's store.

use expect_test::expect;

use super::{BOOTED, check};

fn install(kind: &str, answer: &str) -> String {
    format!(
        r#"
        op InstallCertificate {{"certificateType":"{kind}","certificate":"-----BEGIN CERTIFICATE-----"}}
        answer {{"status":"{answer}"}}
        "#
    )
}

fn hash(algorithm: &str) -> String {
    format!(
        r#"{{"hashAlgorithm":"{algorithm}","issuerNameHash":"aa11","issuerKeyHash":"bb22","serialNumber":"1f"}}"#
    )
}

/// Asks which certificates there are, of one type or of all, and one is found.
fn list(kind: Option<&str>, algorithm: &str) -> String {
    let asked = kind.map_or_else(String::new, |kind| {
        format!(r#""certificateType":["{kind}"]"#)
    });
    let found = kind.unwrap_or("CSMSRootCertificate");
    format!(
        r#"
        op GetInstalledCertificateIds {{{asked}}}
        answer {{"status":"Accepted","certificateHashDataChain":[{{"certificateType":"{found}","certificateHashData":{}}}]}}
        "#,
        hash(algorithm)
    )
}

fn delete(algorithm: &str, answer: &str) -> String {
    format!(
        r#"
        op DeleteCertificate {{"certificateHashData":{}}}
        answer {{"status":"{answer}"}}
        "#,
        hash(algorithm)
    )
}

/// A root for us is installed.
#[test]
fn tc_m_01_csms() {
    check(
        &[BOOTED],
        &install("CSMSRootCertificate", "Accepted"),
        expect![[r#"
            < InstallCertificate {"certificateType":"CSMSRootCertificate","certificate":"-----BEGIN CERTIFICATE-----"}
            op InstallCertificate: Answered {"status":"Accepted"}
        "#]],
    );
}

/// A root for the manufacturer is installed.
#[test]
fn tc_m_02_csms() {
    check(
        &[BOOTED],
        &install("ManufacturerRootCertificate", "Accepted"),
        expect![[r#"
            < InstallCertificate {"certificateType":"ManufacturerRootCertificate","certificate":"-----BEGIN CERTIFICATE-----"}
            op InstallCertificate: Answered {"status":"Accepted"}
        "#]],
    );
}

/// The station could not install it.
#[test]
fn tc_m_05_csms() {
    check(
        &[BOOTED],
        &install("CSMSRootCertificate", "Failed"),
        expect![[r#"
            < InstallCertificate {"certificateType":"CSMSRootCertificate","certificate":"-----BEGIN CERTIFICATE-----"}
            op InstallCertificate: Answered {"status":"Failed"}
        "#]],
    );
}

/// Which roots of us there are.
#[test]
fn tc_m_12_csms() {
    check(
        &[BOOTED],
        &list(Some("CSMSRootCertificate"), "SHA256"),
        expect![[r#"
            < GetInstalledCertificateIds {"certificateType":["CSMSRootCertificate"]}
            op GetInstalledCertificateIds: Answered {"status":"Accepted","certificateHashDataChain":[{"certificateType":"CSMSRootCertificate","certificateHashData":{"hashAlgorithm":"SHA256","issuerNameHash":"aa11","issuerKeyHash":"bb22","serialNumber":"1f"}}]}
        "#]],
    );
}

/// Which roots of the manufacturer there are.
#[test]
fn tc_m_13_csms() {
    check(
        &[BOOTED],
        &list(Some("ManufacturerRootCertificate"), "SHA256"),
        expect![[r#"
            < GetInstalledCertificateIds {"certificateType":["ManufacturerRootCertificate"]}
            op GetInstalledCertificateIds: Answered {"status":"Accepted","certificateHashDataChain":[{"certificateType":"ManufacturerRootCertificate","certificateHashData":{"hashAlgorithm":"SHA256","issuerNameHash":"aa11","issuerKeyHash":"bb22","serialNumber":"1f"}}]}
        "#]],
    );
}

/// Which certificates of any type there are: none is named.
#[test]
fn tc_m_18_csms() {
    check(
        &[BOOTED],
        &list(None, "SHA256"),
        expect![[r#"
        < GetInstalledCertificateIds {}
        op GetInstalledCertificateIds: Answered {"status":"Accepted","certificateHashDataChain":[{"certificateType":"CSMSRootCertificate","certificateHashData":{"hashAlgorithm":"SHA256","issuerNameHash":"aa11","issuerKeyHash":"bb22","serialNumber":"1f"}}]}
    "#]],
    );
}

/// There is none of the type asked for.
#[test]
fn tc_m_19_csms() {
    check(
        &[BOOTED],
        r#"
        op GetInstalledCertificateIds {"certificateType":["ManufacturerRootCertificate"]}
        answer {"status":"NotFound"}
        "#,
        expect![[r#"
            < GetInstalledCertificateIds {"certificateType":["ManufacturerRootCertificate"]}
            op GetInstalledCertificateIds: Answered {"status":"NotFound"}
        "#]],
    );
}

/// What the station listed is deleted by the very hash it gave, whatever its algorithm.
#[test]
fn tc_m_20_csms() {
    let script = ["SHA256", "SHA384", "SHA512"].map(|algorithm| {
        install("CSMSRootCertificate", "Accepted")
            + &list(Some("CSMSRootCertificate"), algorithm)
            + &delete(algorithm, "Accepted")
    });
    check(
        &[BOOTED],
        &script.concat(),
        expect![[r#"
        < InstallCertificate {"certificateType":"CSMSRootCertificate","certificate":"-----BEGIN CERTIFICATE-----"}
        op InstallCertificate: Answered {"status":"Accepted"}
        < GetInstalledCertificateIds {"certificateType":["CSMSRootCertificate"]}
        op GetInstalledCertificateIds: Answered {"status":"Accepted","certificateHashDataChain":[{"certificateType":"CSMSRootCertificate","certificateHashData":{"hashAlgorithm":"SHA256","issuerNameHash":"aa11","issuerKeyHash":"bb22","serialNumber":"1f"}}]}
        < DeleteCertificate {"certificateHashData":{"hashAlgorithm":"SHA256","issuerNameHash":"aa11","issuerKeyHash":"bb22","serialNumber":"1f"}}
        op DeleteCertificate: Answered {"status":"Accepted"}
        < InstallCertificate {"certificateType":"CSMSRootCertificate","certificate":"-----BEGIN CERTIFICATE-----"}
        op InstallCertificate: Answered {"status":"Accepted"}
        < GetInstalledCertificateIds {"certificateType":["CSMSRootCertificate"]}
        op GetInstalledCertificateIds: Answered {"status":"Accepted","certificateHashDataChain":[{"certificateType":"CSMSRootCertificate","certificateHashData":{"hashAlgorithm":"SHA384","issuerNameHash":"aa11","issuerKeyHash":"bb22","serialNumber":"1f"}}]}
        < DeleteCertificate {"certificateHashData":{"hashAlgorithm":"SHA384","issuerNameHash":"aa11","issuerKeyHash":"bb22","serialNumber":"1f"}}
        op DeleteCertificate: Answered {"status":"Accepted"}
        < InstallCertificate {"certificateType":"CSMSRootCertificate","certificate":"-----BEGIN CERTIFICATE-----"}
        op InstallCertificate: Answered {"status":"Accepted"}
        < GetInstalledCertificateIds {"certificateType":["CSMSRootCertificate"]}
        op GetInstalledCertificateIds: Answered {"status":"Accepted","certificateHashDataChain":[{"certificateType":"CSMSRootCertificate","certificateHashData":{"hashAlgorithm":"SHA512","issuerNameHash":"aa11","issuerKeyHash":"bb22","serialNumber":"1f"}}]}
        < DeleteCertificate {"certificateHashData":{"hashAlgorithm":"SHA512","issuerNameHash":"aa11","issuerKeyHash":"bb22","serialNumber":"1f"}}
        op DeleteCertificate: Answered {"status":"Accepted"}
    "#]],
    );
}

/// The station could not delete it.
#[test]
fn tc_m_21_csms() {
    check(
        &[BOOTED, &install("CSMSRootCertificate", "Accepted")],
        &(list(Some("CSMSRootCertificate"), "SHA256") + &delete("SHA256", "Failed")),
        expect![[r#"
            < GetInstalledCertificateIds {"certificateType":["CSMSRootCertificate"]}
            op GetInstalledCertificateIds: Answered {"status":"Accepted","certificateHashDataChain":[{"certificateType":"CSMSRootCertificate","certificateHashData":{"hashAlgorithm":"SHA256","issuerNameHash":"aa11","issuerKeyHash":"bb22","serialNumber":"1f"}}]}
            < DeleteCertificate {"certificateHashData":{"hashAlgorithm":"SHA256","issuerNameHash":"aa11","issuerKeyHash":"bb22","serialNumber":"1f"}}
            op DeleteCertificate: Answered {"status":"Failed"}
        "#]],
    );
}
