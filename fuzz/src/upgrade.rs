//! The HTTP upgrade.
//!
//! Rules: a head that is read from a buffer is read alike when nothing follows it, and is not there one byte earlier; a
//! refusal is an answer that a client can read; a request that asks for what was read is read alike.

use net::http::{
    ClientKey, ClientResponse, ClientUpgrade, UpgradeLimits, basic_credentials,
    parse_client_response, parse_upgrade, write_client_upgrade, write_refusal, write_switching,
};
use net::ws::DeflateOptions;

/// What both ends of the exchange are willing to compress with.
const OFFERED: DeflateOptions = DeflateOptions {
    window_bits: 10,
    takeover: true,
};
const KEY: ClientKeyBytes = [7; 16];
type ClientKeyBytes = [u8; 16];

pub(crate) fn run(data: &[u8]) {
    request(data);
    response(data);
    // As the value of an Authorization field of its own.
    if let Ok(credentials) = basic_credentials(data) {
        assert!(!credentials.user().contains(&b':'));
    }
}

fn request(data: &[u8]) {
    let limits = UpgradeLimits::default();
    match parse_upgrade(data, &limits) {
        Ok(None) => {}
        Ok(Some((request, len))) => {
            assert!(len <= data.len() && len <= limits.head_len_max);
            assert!(matches!(parse_upgrade(&data[..len - 1], &limits), Ok(None)));
            let alone = parse_upgrade(&data[..len], &limits);
            let (alone, same_len) = alone.expect("is read").expect("is whole");
            assert_eq!(same_len, len);
            assert_eq!(alone.path, request.path);
            assert!(request.path.starts_with('/') && request.path.len() <= limits.target_len_max);
            let _ = request.authorization.map(basic_credentials);
            let protocols: Vec<&str> = request.protocols().collect();
            let agreement = request.deflate(&OFFERED);
            let mut answer = Vec::new();
            write_switching(
                &mut answer,
                request.key,
                protocols.first().copied(),
                agreement.as_ref(),
            );
            response(&answer);
            ask_again(request.path, request.host, &protocols);
        }
        Err(error) => {
            let mut answer = Vec::new();
            let (status, body) = (error.status(), error.to_string());
            write_refusal(&mut answer, status, error.headers(), &body);
            match parse_client_response(&answer, &ClientKey::new(KEY), None) {
                Ok(Some((ClientResponse::Refused { status: read }, _))) => assert_eq!(read, status),
                other => panic!("a refusal is read as {other:?}"),
            }
        }
    }
}

/// What a client writes of a request that was read is a request of the same path and offer.
fn ask_again(target: &str, host: &str, protocols: &[&str]) {
    let mut out = Vec::new();
    let upgrade = ClientUpgrade {
        host,
        target,
        key: &ClientKey::new(KEY),
        protocols,
        basic: None,
        deflate: Some(OFFERED),
    };
    write_client_upgrade(&mut out, &upgrade);
    // Names that a client adds may lengthen the head beyond the limit.
    let limits = UpgradeLimits {
        head_len_max: 1 << 16,
        ..UpgradeLimits::default()
    };
    let (request, len) = parse_upgrade(&out, &limits)
        .expect("a client writes what a server reads")
        .expect("it is whole");
    assert_eq!(len, out.len());
    assert_eq!((request.path, request.host), (target, host));
    assert_eq!(request.protocols().collect::<Vec<_>>(), protocols);
    assert!(request.deflate(&OFFERED).is_some());
}

fn response(data: &[u8]) {
    let key = ClientKey::new(KEY);
    if let Ok(Some((response, len))) = parse_client_response(data, &key, Some(&OFFERED)) {
        assert!(len <= data.len());
        let alone = parse_client_response(&data[..len], &key, Some(&OFFERED));
        assert_eq!(alone, Ok(Some((response, len))));
    }
}
