//! Stations whose certificates are asked about before they come in.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use dataplane::{CertificatesConfig, OcspConfig, RevocationCheck};
use rcgen::{CustomExtension, SigningKey};
use x509_cert::der::asn1::{BitString, GeneralizedTime, Null, ObjectIdentifier, OctetString};
use x509_cert::der::{Decode, Encode};
use x509_ocsp::{
    BasicOcspResponse, CertStatus, OcspGeneralizedTime, OcspRequest, OcspResponse, ResponderId,
    ResponseData, RevokedInfo, SingleResponse, Version,
};

use super::*;

/// What a responder says of every certificate.
#[derive(Clone, Copy, Debug)]
enum Says {
    Good,
    Revoked,
    /// 500.
    Nothing,
}

fn at(offset_s: i64) -> OcspGeneralizedTime {
    let seconds = net::clock::utc_micros() / 1_000_000 + offset_s;
    let since = Duration::from_secs(u64::try_from(seconds).unwrap());
    OcspGeneralizedTime(GeneralizedTime::from_unix_duration(since).unwrap())
}

/// Signed by the key of the CA itself.
fn answer(key: &KeyPair, request: &[u8], says: Says) -> Option<Vec<u8>> {
    let request = OcspRequest::from_der(request).unwrap();
    let cert_status = match says {
        Says::Good => CertStatus::Good(Null),
        Says::Revoked => CertStatus::Revoked(RevokedInfo {
            revocation_time: at(-60),
            revocation_reason: None,
        }),
        Says::Nothing => return None,
    };
    let data = ResponseData {
        version: Version::V1,
        responder_id: ResponderId::ByKey(OctetString::new([1; 20]).unwrap()),
        produced_at: at(-60),
        responses: vec![SingleResponse {
            cert_id: request.tbs_request.request_list[0].req_cert.clone(),
            cert_status,
            this_update: at(-60),
            next_update: Some(at(86_400)),
            single_extensions: None,
        }],
        response_extensions: None,
    };
    let signature = key.sign(&data.to_der().unwrap()).unwrap();
    let basic = BasicOcspResponse {
        tbs_response_data: data,
        signature_algorithm: x509_cert::spki::AlgorithmIdentifierOwned {
            oid: ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2"),
            parameters: None,
        },
        signature: BitString::from_bytes(&signature).unwrap(),
        certs: None,
    };
    let response = OcspResponse::successful(basic).unwrap();
    Some(response.to_der().unwrap())
}

/// A responder over HTTP, and what it says, to be changed. It ends with the test.
fn responder(key: KeyPair) -> (String, Arc<Mutex<Says>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let says = Arc::new(Mutex::new(Says::Good));
    let current = Arc::clone(&says);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.unwrap());
            let mut len = 0;
            loop {
                let mut line = String::new();
                stream.read_line(&mut line).unwrap();
                if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                    len = value.trim().parse().unwrap();
                }
                if line.trim().is_empty() {
                    break;
                }
            }
            let mut request = vec![0; len];
            stream.read_exact(&mut request).unwrap();
            let body = answer(&key, &request, *current.lock().unwrap());
            let (status, body) = body.map_or(("500 Down", Vec::new()), |body| ("200 OK", body));
            let len = body.len();
            let head =
                format!("HTTP/1.1 {status}\r\nContent-Length: {len}\r\nConnection: close\r\n\r\n");
            let socket = stream.get_mut();
            socket.write_all(head.as_bytes()).unwrap();
            socket.write_all(&body).unwrap();
        }
    });
    (url, says)
}

/// A certificate that names its responder (RFC 5280, 4.2.2.1).
fn naming(url: &str, serial: u64) -> CertificateParams {
    let len = |bytes: &[u8]| u8::try_from(bytes.len()).unwrap();
    let sequence = |content: &[u8]| [&[0x30, len(content)], content].concat();
    let ocsp = [0x06, 8, 0x2B, 6, 1, 5, 5, 7, 0x30, 1];
    let place = [&[0x86, len(url.as_bytes())], url.as_bytes()].concat();
    let access = sequence(&sequence(&[&ocsp[..], &place].concat()));
    let mut params = subject("ACME", "CP1");
    params.serial_number = Some(SerialNumber::from(serial));
    let extension = CustomExtension::from_oid_content(&[1, 3, 6, 1, 5, 5, 7, 1, 1], access);
    params.custom_extensions = vec![extension];
    params
}

#[test]
fn a_certificate_is_asked_about_before_its_station_comes_in() {
    for (check, untold) in [
        (RevocationCheck::Revoked, None),
        (RevocationCheck::Good, Some(503)),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let ca = Ca::new(dir.path());
        let (url, says) = responder(KeyPair::from_pem(&ca.issuer.key().serialize_pem()).unwrap());
        let mut config = ca.config(2, Some(false));
        let tls = config.tls.as_mut().unwrap();
        tls.clients.as_mut().unwrap().revocation = check;
        config.certificates = CertificatesConfig {
            ocsp: Some(OcspConfig {
                responders: vec![url.clone()],
                roots: None,
                issuers: Some(ca.file("root.pem")),
                nonce: false,
                timeout: Duration::from_secs(10),
            }),
            ..CertificatesConfig::default()
        };
        let server = Server::start(&dir.path().join("data"), config);
        register(&server, "CP1");
        let good = ca.client(Some(ca.station(&naming(&url, 1))));
        let mut station = connect(&server, &good, "CP1", None).unwrap();
        assert!(station.call("BootNotification", BOOT).contains("Accepted"));

        // Nobody is asked about a certificate whose answer still holds.
        *says.lock().unwrap() = Says::Nothing;
        assert!(connect(&server, &good, "CP1", None).is_ok());
        let other = ca.client(Some(ca.station(&naming(&url, 2))));
        assert_eq!(connect(&server, &other, "CP1", None).err(), untold);
        let silent = ca.client(Some(ca.station(&subject("ACME", "CP1"))));
        assert_eq!(connect(&server, &silent, "CP1", None).err(), untold);

        *says.lock().unwrap() = Says::Revoked;
        let revoked = ca.client(Some(ca.station(&naming(&url, 3))));
        assert_eq!(connect(&server, &revoked, "CP1", None).err(), Some(403));
        assert_eq!(certificate_events(&server), ["its certificate is revoked"]);
        let reasons: Vec<_> = records(&server)
            .into_iter()
            .filter_map(|fact| match fact {
                Fact::ConnectionRefused(refused) => Some(refused.reason),
                _ => None,
            })
            .collect();
        let expected: &[&str] = match check {
            RevocationCheck::Good => &[
                "whether its certificate is revoked is not known: http://",
                "whether its certificate is revoked is not known: the certificate names no",
                "its certificate is revoked",
            ],
            _ => &["its certificate is revoked"],
        };
        assert_eq!(reasons.len(), expected.len(), "{reasons:?}");
        for (reason, expected) in reasons.iter().zip(expected) {
            assert!(reason.starts_with(expected), "{reason}");
        }
        server.stop();
    }
}
