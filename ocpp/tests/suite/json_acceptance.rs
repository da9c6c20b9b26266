//! JSON acceptance by nst/JSONTestSuite, through the decoder that faces the network.

use ocpp::{Policy, Version};

use crate::{receive, shared};

#[test]
fn valid_json_is_accepted_and_invalid_json_refused() {
    let dir = shared().join("data/JSONTestSuite/test_parsing");
    let Ok(files) = std::fs::read_dir(&dir) else {
        eprintln!(
            "SKIPPED: no JSONTestSuite in {}; set SIGEC_SHARED",
            dir.display()
        );
        return;
    };
    let (mut accepted, mut refused, mut wrong) = (0, 0, Vec::new());
    for file in files {
        let path = file.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let bytes = std::fs::read(&path).unwrap();
        // Text that is not UTF-8 never leaves the WebSocket codec (RFC 6455 §8.1).
        let ok = std::str::from_utf8(&bytes).is_ok_and(|json| {
            let frame = format!(r#"[2,"1","DataTransfer",{{"vendorId":"v","data":{json}}}]"#);
            receive(Version::V201, Policy::Strict, &frame) == "ok"
        });
        match (name.as_bytes()[0], ok) {
            (b'y', true) => accepted += 1,
            (b'n', false) => refused += 1,
            (b'i', _) => {}
            _ => wrong.push(name),
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    assert_eq!((accepted, refused), (95, 188));
}
