//! Nonces: whose answer an answer is.

use x509_cert::der::asn1::{ObjectIdentifier, OctetString};
use x509_cert::der::{Decode, Encode};
use x509_cert::ext::Extension;
use x509_ocsp::{CertStatus, OcspRequest};

use super::{NOW, TestCa, ask, hash, responder, response, serve, services, statuses, with_ocsp};
use crate::certificates::{CertificatesConfig, Status};

const NONCE: &str = "1.3.6.1.5.5.7.48.1.2";

fn extension(oid: &str, critical: bool, value: &[u8]) -> Extension {
    Extension {
        extn_id: ObjectIdentifier::new(oid).unwrap(),
        critical,
        extn_value: OctetString::new(value).unwrap(),
    }
}

fn nonce(bytes: &[u8]) -> Extension {
    let value = OctetString::new(bytes).unwrap().to_der().unwrap();
    extension(NONCE, false, &value)
}

/// The nonce that a question has.
fn asked(request: &[u8]) -> Option<Vec<u8>> {
    let request = OcspRequest::from_der(request).unwrap();
    let [extension] = &request.tbs_request.request_extensions?[..] else {
        panic!("one extension at most");
    };
    assert_eq!(
        (extension.extn_id.to_string().as_str(), extension.critical),
        (NONCE, false)
    );
    let value = OctetString::from_der(extension.extn_value.as_bytes()).unwrap();
    Some(value.into_bytes())
}

fn config(url: &str, asks_anew: bool) -> CertificatesConfig {
    let mut config = with_ocsp(url);
    config.ocsp.as_mut().unwrap().nonce = asks_anew;
    config
}

/// What a responder that answers so leads to, asked twice, and how often it was asked.
fn twice(
    asks_anew: bool,
    extensions: impl Fn(Option<Vec<u8>>) -> Option<Vec<Extension>> + Send + 'static,
) -> (Vec<Result<Status, String>>, usize) {
    let ca = TestCa::new();
    let [hash, ..] = hash::certificate_hashes(&(ca.pem.clone() + &ca.root)).unwrap();
    let (told, heard) = std::sync::mpsc::channel();
    let url = serve(move |_, body| {
        told.send(()).unwrap();
        let extensions = extensions(asked(body));
        (
            200,
            response(body, CertStatus::good(), |_| vec![0], None, extensions),
        )
    });
    let services = services(&config(&url, asks_anew));
    let found = [0; 2].map(|_| statuses(&services, &ask(&hash, &url), NOW).map(|f| f.status));
    (found.into(), heard.try_iter().count())
}

fn refused(problem: &str) -> Vec<Result<Status, String>> {
    vec![Err(format!("the responder's answer {problem}")); 2]
}

fn good() -> Vec<Result<Status, String>> {
    vec![Ok(Status::Good); 2]
}

#[test]
fn a_question_has_no_nonce_where_none_is_configured_and_its_answer_is_remembered() {
    let asked = |nonce: Option<Vec<u8>>| {
        assert_eq!(nonce, None);
        None
    };
    assert_eq!(twice(false, asked), (good(), 1));
}

#[test]
fn an_answer_with_a_nonce_that_nobody_asked_for_is_told_once_and_not_remembered() {
    assert_eq!(twice(false, |_| Some(vec![nonce(&[7; 16])])), (good(), 2));
}

#[test]
fn a_nonce_is_of_32_bytes_and_another_each_time_and_comes_back() {
    let seen = std::sync::Mutex::new(Vec::new());
    let echoed = move |found: Option<Vec<u8>>| {
        let found = found.expect("a nonce");
        assert_eq!(found.len(), 32);
        let mut seen = seen.lock().unwrap();
        assert!(!seen.contains(&found), "a nonce came twice");
        seen.push(found.clone());
        Some(vec![nonce(&found)])
    };
    assert_eq!(twice(true, echoed), (good(), 2));
}

#[test]
fn an_answer_to_another_question_is_refused() {
    let other = |_| Some(vec![nonce(&[7; 32])]);
    assert_eq!(
        twice(true, other),
        (refused("has the nonce of another question"), 2)
    );
    assert_eq!(
        twice(true, |_| None),
        (refused("does not repeat the nonce of the question"), 2)
    );
    // The beginning of it is not it.
    let cut = |found: Option<Vec<u8>>| Some(vec![nonce(&found.unwrap()[..31])]);
    assert_eq!(
        twice(true, cut),
        (refused("has the nonce of another question"), 2)
    );
}

#[test]
fn a_nonce_has_1_to_128_bytes_and_an_answer_one_of_them() {
    let none = "has a nonce that is none, 1 to 128 bytes are expected";
    assert_eq!(twice(false, |_| Some(vec![nonce(&[7])])), (good(), 2));
    assert_eq!(twice(false, |_| Some(vec![nonce(&[7; 128])])), (good(), 2));
    assert_eq!(
        twice(false, |_| Some(vec![nonce(&[7; 129])])),
        (refused(none), 2)
    );
    assert_eq!(twice(false, |_| Some(vec![nonce(&[])])), (refused(none), 2));
    let bare = |_| Some(vec![extension(NONCE, false, &[7; 16])]);
    assert_eq!(twice(false, bare), (refused(none), 2));
    let both = |_| Some(vec![nonce(&[7; 16]), nonce(&[7; 16])]);
    assert_eq!(twice(false, both), (refused(none), 2));
}

#[test]
fn an_extension_that_nobody_may_pass_by_is_not_passed_by() {
    let other = |critical| move |_| Some(vec![extension("1.3.6.1.4.1.311.1", critical, &[5, 0])]);
    assert_eq!(twice(false, other(false)), (good(), 1));
    let problem = "has the critical extension 1.3.6.1.4.1.311.1, which nobody here knows";
    assert_eq!(twice(false, other(true)), (refused(problem), 2));
}

#[test]
fn a_responder_of_openssl_repeats_the_nonce() {
    let ca = TestCa::new();
    let Some((url, hash)) = responder(&ca, "V") else {
        return;
    };
    let services = services(&config(&url, true));
    let ask = ask(&hash, &url);
    let answers = [0; 2].map(|_| statuses(&services, &ask, super::now()).unwrap());
    assert!(answers.iter().all(|found| found.status == Status::Good));
    assert_ne!(
        answers[0].answer, answers[1].answer,
        "each has its own nonce"
    );
}
