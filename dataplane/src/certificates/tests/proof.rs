//! On whose word an answer counts, and which contract certificates are good.

use x509_ocsp::{CertStatus, RevokedInfo};

use super::pki::{By, EMAID, Leaf, Pki};
use super::{NOW, services, statuses};
use crate::certificates::chain::ChainAsk;
use crate::certificates::services::Worth;
use crate::certificates::{CertificatesConfig, Outcome, Status, Wish};

const UNPROVEN: &str = "the responder's answer is signed neither by the certificate's issuer nor by whom that lets answer";

#[test]
fn an_answer_counts_on_the_word_of_the_issuer_or_of_its_delegate() {
    for by in By::ALL {
        for (shows_issuer, knows_issuer) in [(false, false), (true, false), (false, true)] {
            let pki = Pki::new(by, shows_issuer, CertStatus::good(), &Leaf::default());
            let services = services(&pki.config(knows_issuer));
            let found = statuses(&services, &pki.ask(), NOW).map(|found| {
                assert_eq!(found.status, Status::Good);
                found.is_proven
            });
            let expected = match by {
                // Nobody can tell.
                _ if !shows_issuer && !knows_issuer => Ok(false),
                By::Issuer | By::Delegate => Ok(true),
                By::Stationmaster | By::FormerDelegate | By::DelegateOfAnother | By::Stranger => {
                    Err(UNPROVEN.to_owned())
                }
            };
            assert_eq!(found, expected, "{by:?}, {shows_issuer}, {knows_issuer}");
        }
    }
}

/// What the issuer signed is proven to the last byte.
#[test]
fn an_answer_that_was_changed_is_refused() {
    let pki = Pki::new(By::Issuer, true, CertStatus::good(), &Leaf::default());
    let ask = pki.ask();
    let answer = statuses(&services(&pki.config(false)), &ask, NOW)
        .unwrap()
        .answer;
    let revoked = at_least_one_changed(&answer);
    let url = super::serve(move |_, _| (200, revoked.clone()));
    let mut ask = ask;
    ask.urls = vec![url.clone()];
    let services = services(&super::with_ocsp(&url));
    assert_eq!(statuses(&services, &ask, NOW).unwrap_err(), UNPROVEN);
}

/// The answer with `good` [0] made `unknown` [2].
fn at_least_one_changed(answer: &[u8]) -> Vec<u8> {
    // Behind the certificate's name stands its status, then the time from which it counts.
    let at = answer.windows(3).position(|bytes| bytes == [0x80, 0, 0x18]);
    let mut changed = answer.to_vec();
    changed[at.expect("a good status, and a time")] = 0x82;
    changed
}

fn judged(config: &CertificatesConfig, pem: &str) -> Worth {
    let ask = ChainAsk {
        pem: pem.to_owned(),
        emaid: EMAID.to_owned(),
    };
    match services(config).run(&Wish::Chain(ask), NOW) {
        Outcome::Judged(judgement) => judgement,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_contract_certificate_is_followed_to_its_root() {
    let good = |leaf: &Leaf<'_>| Pki::new(By::Issuer, false, CertStatus::good(), leaf);
    let judge = |pki: &Pki, pem: &str| judged(&pki.config(false), pem);
    let refused = |pki: &Pki, pem: &str| match judge(pki, pem) {
        Worth::Unproven(reason) => reason,
        other => panic!("{other:?}"),
    };
    let pki = good(&Leaf::default());
    assert_eq!(judge(&pki, &pki.chain), Worth::Good);
    // Some pass the root on, too.
    assert_eq!(judge(&pki, &(pki.chain.clone() + &pki.root)), Worth::Good);
    let unsigned =
        "is not signed by the certificate behind it, nor by a root in contracts.vehicle_roots_file";
    let leaf = pki.chain.replace(&pki.sub_ca, "");
    assert_eq!(refused(&pki, &leaf), format!("\"CN={EMAID}\" {unsigned}"));
    let other = good(&Leaf::default());
    assert_eq!(
        refused(&pki, &(leaf + &other.sub_ca)),
        format!("\"CN=MO Sub\" {unsigned}")
    );
    assert_eq!(refused(&pki, "x"), "found no PEM block CERTIFICATE");
    let long = pki.chain.clone() + &pki.sub_ca.repeat(5);
    assert_eq!(refused(&pki, &long), "7 certificates, at most 6 are read");

    let pki = good(&Leaf {
        name: "DE8AACOTHER0001",
        ..Leaf::default()
    });
    assert_eq!(
        refused(&pki, &pki.chain),
        format!("the certificate is of the contract \"DE8AACOTHER0001\", not of {EMAID:?}")
    );
    let pki = good(&Leaf {
        is_ca_a_ca: false,
        ..Leaf::default()
    });
    assert_eq!(
        refused(&pki, &pki.chain),
        "\"CN=MO Sub\" may not sign other certificates"
    );
    let pki = good(&Leaf {
        names_responder: false,
        ..Leaf::default()
    });
    assert_eq!(
        refused(&pki, &pki.chain),
        "the certificate names no OCSP responder"
    );
    let pki = good(&Leaf {
        ends_in_days: -1,
        ..Leaf::default()
    });
    assert_eq!(judge(&pki, &pki.chain), Worth::Expired);
}

#[test]
fn a_contract_certificate_is_good_on_its_issuers_word_alone() {
    let judge = |by: By, status: CertStatus| {
        let pki = Pki::new(by, false, status, &Leaf::default());
        judged(&pki.config(false), &pki.chain)
    };
    let time = x509_cert::der::DateTime::new(2026, 1, 1, 0, 0, 0).unwrap();
    let revoked = CertStatus::revoked(RevokedInfo {
        revocation_time: time.into(),
        revocation_reason: None,
    });
    assert_eq!(judge(By::Delegate, CertStatus::good()), Worth::Good);
    assert_eq!(judge(By::Issuer, revoked), Worth::Revoked);
    assert_eq!(
        judge(By::Issuer, CertStatus::unknown()),
        Worth::Unproven("the responder does not know the certificate".to_owned())
    );
    assert_eq!(
        judge(By::Stranger, CertStatus::good()),
        Worth::Unproven(UNPROVEN.to_owned())
    );
}
