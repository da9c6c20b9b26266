//! The nonce of a question and its answer (RFC 6960, section 4.4.1, as RFC 9654 has it).
//!
//! An answer with a nonce was made for one question. It counts for whoever asked that, and for nobody after.

use ring::rand::{SecureRandom, SystemRandom};
use x509_cert::der::asn1::{ObjectIdentifier, OctetString};
use x509_cert::der::{Decode, Encode};
use x509_cert::ext::Extension;
use x509_ocsp::{BasicOcspResponse, SingleResponse};

use super::OcspError;

/// `id-pkix-ocsp-nonce`.
const NONCE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.1.2");
/// Bytes of a nonce of ours: what RFC 9654 recommends, and the most that RFC 8954 allows.
const LEN: usize = 32;
/// Most bytes of any.
const LEN_MAX: usize = 128;

/// What a question says that nobody could know before.
pub(in crate::certificates) type Nonce = [u8; LEN];

/// A new one; `None` when the system gives no random bytes.
pub(super) fn new() -> Option<Nonce> {
    let mut nonce = [0; LEN];
    SystemRandom::new().fill(&mut nonce).ok()?;
    Some(nonce)
}

/// It in a question.
pub(super) fn extension(nonce: &Nonce) -> Option<Extension> {
    let inner = OctetString::new(nonce.as_slice()).ok()?.to_der().ok()?;
    Some(Extension {
        extn_id: NONCE,
        // A responder that does not know it may answer all the same.
        critical: false,
        extn_value: OctetString::new(inner).ok()?,
    })
}

/// Whether an answer was made for the question that asked for it alone; `sent` is the nonce of that.
///
/// # Errors
///
/// For an answer that is another question's or that has extensions which nobody may pass by.
pub(super) fn check(
    basic: &BasicOcspResponse,
    single: &SingleResponse,
    sent: Option<&Nonce>,
) -> Result<bool, OcspError> {
    let of_answer = basic.tbs_response_data.response_extensions.iter().flatten();
    let mut of_single = single.single_extensions.iter().flatten();
    let mut found = None;
    for extension in of_answer {
        if extension.extn_id == NONCE {
            let value = value(extension).filter(|_| found.is_none());
            found = Some(value.ok_or(OcspError::NonceForm)?);
        } else if extension.critical {
            return Err(OcspError::Critical(extension.extn_id.to_string()));
        }
    }
    if let Some(critical) = of_single.find(|extension| extension.critical) {
        return Err(OcspError::Critical(critical.extn_id.to_string()));
    }
    match (sent, found) {
        (Some(sent), Some(found)) if found == sent.as_slice() => Ok(true),
        (Some(_), Some(_)) => Err(OcspError::NonceOther),
        (Some(_), None) => Err(OcspError::NonceMissing),
        // Nobody asked for one: whose it is, nobody can tell, and the signature and the time count as ever.
        (None, found) => Ok(found.is_some()),
    }
}

/// The bytes of a nonce; `None` for what is none.
fn value(extension: &Extension) -> Option<Vec<u8>> {
    let inner = OctetString::from_der(extension.extn_value.as_bytes()).ok()?;
    let bytes = inner.as_bytes();
    ((1..=LEN_MAX).contains(&bytes.len())).then(|| bytes.to_vec())
}
