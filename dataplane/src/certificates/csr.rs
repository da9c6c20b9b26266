//! Certificate signing requests (OCPP 2.0.1 Part 2, A02 and A00.FR.501 to 511; the same in the 1.6 whitepaper).

use rcgen::SubjectPublicKeyInfo;
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::pem::parse_x509_pem;
use x509_parser::prelude::FromDer;
use x509_parser::public_key::PublicKey;
use x509_parser::x509::X509Name;

/// Longest request, characters (`SignCertificate.csr`).
pub(crate) const CSR_LEN_MAX: usize = 5_500;
/// Shortest RSA key, bits (A00.FR.502), and the longest that is worth the time of checking it.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2_048..=8_192;
/// Longest value in a subject, characters (RFC 5280, `ub-common-name` and `ub-organization-name`).
const NAME_CHARS_MAX: usize = 64;

/// A request that may be signed.
#[derive(Debug)]
pub(crate) struct Csr {
    pub(crate) public_key: SubjectPublicKeyInfo,
    /// `SubjectPublicKeyInfo` in DER.
    pub(crate) public_key_der: Vec<u8>,
    /// Attributes of the subject in their order, by the name that each has in RFC 4514.
    pub(crate) subject: Vec<(&'static str, String)>,
}

/// Why one may not.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CsrError {
    #[error("the request has {found} characters, at most {CSR_LEN_MAX} are allowed")]
    Length { found: usize },
    #[error("the request is no PEM block CERTIFICATE REQUEST")]
    Pem,
    #[error("the request is no PKCS #10 structure")]
    Structure,
    #[error(
        "the request's signature is not of its own key, or of an algorithm that is not supported"
    )]
    Signature,
    #[error("the key is {found}, expected RSA of 2048 to 8192 bits, or ECDSA on P-256 or P-384")]
    Key { found: String },
    #[error("the subject's {name} is {found:?}, expected {expected}")]
    Subject {
        name: &'static str,
        found: String,
        expected: String,
    },
}

/// Reads a request and checks what can be checked of it alone: form, proof of possession, key.
pub(crate) fn read(pem: &str) -> Result<Csr, CsrError> {
    if CSR_LEN_MAX < pem.len() {
        return Err(CsrError::Length { found: pem.len() });
    }
    let (_, block) = parse_x509_pem(pem.as_bytes()).map_err(|_| CsrError::Pem)?;
    if !matches!(
        &*block.label,
        "CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST"
    ) {
        return Err(CsrError::Pem);
    }
    let (rest, request) =
        X509CertificationRequest::from_der(&block.contents).map_err(|_| CsrError::Structure)?;
    if !rest.is_empty() {
        return Err(CsrError::Structure);
    }
    let info = &request.certification_request_info;
    let key = &info.subject_pki;
    check_key(key)?;
    request
        .verify_signature()
        .map_err(|_| CsrError::Signature)?;
    let public_key = SubjectPublicKeyInfo::from_der(key.raw).map_err(|_| CsrError::Key {
        found: "of an unknown algorithm".to_owned(),
    })?;
    Ok(Csr {
        public_key,
        public_key_der: key.raw.to_vec(),
        subject: subject(&info.subject)?,
    })
}

fn check_key(key: &x509_parser::x509::SubjectPublicKeyInfo<'_>) -> Result<(), CsrError> {
    let found = match key.parsed() {
        Ok(PublicKey::RSA(rsa)) if RSA_BITS.contains(&rsa.key_size()) => return Ok(()),
        Ok(PublicKey::RSA(rsa)) => format!("RSA of {} bits", rsa.key_size()),
        // A point's length tells its curve, of the two that its algorithm is then checked to name.
        Ok(PublicKey::EC(point)) => match (point.key_size(), curve(key)) {
            (256, Some("1.2.840.10045.3.1.7")) | (384, Some("1.3.132.0.34")) => return Ok(()),
            (bits, _) => format!("ECDSA of {bits} bits on another curve"),
        },
        Ok(_) | Err(_) => "of another kind".to_owned(),
    };
    Err(CsrError::Key { found })
}

/// The object identifier of an elliptic curve.
fn curve(key: &x509_parser::x509::SubjectPublicKeyInfo<'_>) -> Option<&'static str> {
    let curve = key
        .algorithm
        .parameters
        .as_ref()?
        .as_oid()
        .ok()?
        .to_id_string();
    ["1.2.840.10045.3.1.7", "1.3.132.0.34"]
        .into_iter()
        .find(|known| *known == curve)
}

/// The attributes of a subject that are signed; others are left out. Of several of one name the first counts, and a
/// name whose attributes nobody could tell apart is refused.
fn subject(name: &X509Name<'_>) -> Result<Vec<(&'static str, String)>, CsrError> {
    const NAMES: [(&str, &str); 7] = [
        ("2.5.4.6", "C"),
        ("2.5.4.8", "ST"),
        ("2.5.4.7", "L"),
        ("2.5.4.10", "O"),
        ("2.5.4.11", "OU"),
        ("2.5.4.3", "CN"),
        ("0.9.2342.19200300.100.1.25", "DC"),
    ];
    let mut subject: Vec<(&'static str, String)> = Vec::new();
    for attribute in name.iter_attributes() {
        let id = attribute.attr_type().to_id_string();
        let Some((_, name)) = NAMES.iter().find(|(known, _)| *known == id) else {
            continue;
        };
        let text = attribute.as_str().unwrap_or_default();
        let is_good = !text.is_empty()
            && text.chars().count() <= NAME_CHARS_MAX
            && !text.chars().any(char::is_control);
        let is_second = subject.iter().any(|(before, _)| before == name);
        if !is_good || (is_second && matches!(*name, "O" | "CN")) {
            let expected = format!("one text of 1 to {NAME_CHARS_MAX} characters");
            let found = text.chars().take(NAME_CHARS_MAX).collect();
            return Err(CsrError::Subject {
                name,
                found,
                expected,
            });
        }
        if !is_second {
            subject.push((name, text.to_owned()));
        }
    }
    Ok(subject)
}

impl Csr {
    fn attribute(&self, name: &str) -> &str {
        let found = self.subject.iter().find(|(known, _)| *known == name);
        found.map_or("", |(_, text)| text)
    }

    /// Checks that the subject is the operator's and the station's: `names` are what this station may be called.
    pub(crate) fn check_subject(
        &self,
        organization: &str,
        names: &[String],
    ) -> Result<(), CsrError> {
        let found = self.attribute("O");
        if found != organization {
            return Err(CsrError::Subject {
                name: "O",
                found: found.to_owned(),
                expected: format!("{organization:?}"),
            });
        }
        let found = self.attribute("CN");
        let is_address = found.contains("://") || found.parse::<std::net::IpAddr>().is_ok();
        if is_address || !names.iter().any(|name| name == found) {
            return Err(CsrError::Subject {
                name: "CN",
                found: found.to_owned(),
                expected: format!("{}, and no URL or IP address", names.join(" or ")),
            });
        }
        Ok(())
    }

    /// The subject in the manner of RFC 4514, as operators read it.
    pub(crate) fn subject_text(&self) -> String {
        let parts = self
            .subject
            .iter()
            .map(|(name, text)| format!("{name}={text}"));
        parts.collect::<Vec<_>>().join(", ")
    }
}
