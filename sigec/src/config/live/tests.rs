use expect_test::{Expect, expect};

use super::*;

fn settings(flags: &[(&str, &str)]) -> Settings {
    let flags: Vec<_> = flags
        .iter()
        .map(|(key, text)| (*key, (*text).to_owned()))
        .collect();
    let mut settings = Settings::defaults();
    settings.add_flags(&flags).unwrap();
    settings
}

/// What a server that runs with `running` makes of `wanted`.
fn check(running: &[(&str, &str)], wanted: &[(&str, &str)], expected: Expect) {
    let (running, wanted) = (settings(running), settings(wanted));
    let config = Config::check(&running).unwrap();
    let seen = match config.reread(&running, &wanted) {
        Ok(reread) => format!(
            "changed: {}\nneeds a restart: {}\n",
            listed(&reread.changed),
            listed(&reread.needs_restart)
        ),
        Err(error) => format!("{error}\n"),
    };
    expected.assert_eq(&seen);
}

#[test]
fn what_a_server_takes_and_what_needs_a_restart_is_told_with_both_values() {
    check(
        &[("ocpp.heartbeat_interval", "60s")],
        &[("ocpp.listen", "127.0.0.1:1"), ("http.rate_principal", "7")],
        expect![[r#"
            changed: http.rate_principal (was 1000, is 7), ocpp.heartbeat_interval (was "60s", is "300s")
            needs a restart: ocpp.listen (was "127.0.0.1:9000", is "127.0.0.1:1")
        "#]],
    );
    check(
        &[],
        &[],
        expect![[r#"
        changed: 
        needs a restart: 
    "#]],
    );
}

#[test]
fn a_value_back_as_it_was_needs_nothing() {
    let (running, wanted) = (settings(&[]), settings(&[("log.bytes_max", "1GiB")]));
    let config = Config::check(&running).unwrap();
    let reread = config.reread(&running, &wanted).unwrap();
    assert_eq!(reread.needs_restart.len(), 1);
    let again = reread.config.reread(&reread.settings, &running).unwrap();
    assert_eq!((again.changed, again.needs_restart), (vec![], vec![]));
}

#[test]
fn the_same_value_in_other_words_is_no_change() {
    let check = |key: &str, was: &str, is: &str, is_change: bool| {
        let (running, wanted) = (settings(&[(key, was)]), settings(&[(key, is)]));
        let reread = Config::check(&running)
            .unwrap()
            .reread(&running, &wanted)
            .unwrap();
        let said = reread.changed.len() + reread.needs_restart.len();
        assert_eq!(said, usize::from(is_change), "{key} from {was} to {is}");
    };
    for (key, was, is) in [
        ("ocpp.heartbeat_interval", "60s", "1m"),
        ("query.timeout", "120s", "2m"),
        ("ocpp.memory_max", "64MiB", "65536KiB"),
        ("log.bytes_max", "1GiB", "1024MiB"),
        ("server.memory_max", "1GiB", "1024MiB"),
        ("ocpp.listen", "[::1]:9000", "[0::1]:9000"),
        ("tariff.price_per_kwh", "0.75", "0.750"),
        ("files.base_url", "https://a", "https://a/"),
    ] {
        check(key, was, is, false);
    }
    for (key, was, is) in [
        ("ocpp.heartbeat_interval", "60s", "61s"),
        ("server.memory_max", "1GiB", "auto"),
        ("files.base_url", "https://a", ""),
        ("tls.listen", "none", "[::1]:9443"),
        // Of names, each is another one.
        ("server.data_dir", "60s", "1m"),
        ("quirks.path", "64MiB", "65536KiB"),
        ("logging.filter", "info", "INFO"),
    ] {
        check(key, was, is, true);
    }
}

#[test]
fn what_would_be_taken_has_to_go_together_with_what_waits_for_a_restart() {
    // It would shut out every station: TLS is spoken only after a restart.
    check(
        &[],
        &[
            ("tls.listen", "127.0.0.1:9443"),
            ("tls.certificate_files", "a.pem"),
            ("tls.key_files", "a.key"),
            ("ocpp.security_profile_min", "2"),
        ],
        expect![[r#"
            ocpp.security_profile_min from --security-profile-min: found 2, expected at most 1 while tls.listen is "none"
        "#]],
    );
}

#[test]
fn no_password_of_a_url_is_told() {
    check(
        &[("vat.url", "https://user:secret@vat.example")],
        &[("vat.url", "https://vat.example/?key=secret")],
        expect![[r#"
            changed: 
            needs a restart: vat.url (was a URL with a secret, is a URL with a secret)
        "#]],
    );
}

/// Another value that the setting takes, and those without which it takes none.
fn another(key: &str) -> Vec<(String, String)> {
    let with = |value: &str, others: &[(&str, &str)]| {
        let own = [(key, value)];
        let all = own.iter().chain(others);
        all.map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect()
    };
    let certificate: [(&str, &str); 2] = [
        ("tls.certificate_files", "a.pem"),
        ("tls.key_files", "a.key"),
    ];
    match key {
        "server.data_dir" => with("other", &[]),
        // More than there are cores.
        "server.shards" => with("63", &[]),
        "server.driver" => with("io_uring", &[]),
        "server.gather" => with("1ms", &[]),
        "server.memory_max" => with("1GiB", &[]),
        "ocpp.listen" | "http.listen" | "postgres.listen" => with("127.0.0.1:1", &[]),
        "ocpp.security_profile_min" => with("1", &[]),
        "ocpp.onboarding" => with("closed", &[]),
        "ocpp.vehicle_needs" => with("accepted", &[]),
        "ocpp.charging_phases" => with("1", &[]),
        "ocpp.no_common_version" => with("refused", &[]),
        "ocpp.direct_payments" => with("unknown", &[]),
        "ocpp.message_size_max" => with("64KiB", &[]),
        "http.tls_listen" => with("127.0.0.1:1", &certificate),
        "postgres.tls" => with("offered", &certificate),
        "files.base_url" => with("https://files.example", &[]),
        "log.inline_after" => with("65", &[]),
        "tariff.price_per_kwh" => with("0.76", &[]),
        "tariff.currency" => with("EUR", &[]),
        "tariff.cost_updates" => with("responses", &[]),
        "tariff.cost_updates_every" => with("61s", &[("tariff.cost_updates", "commands")]),
        "tariff.receipt_url" => with("https://a/{transaction_id}", &[]),
        "quirks.policy" => with("strict", &[]),
        "quirks.path" => with("quirks", &[]),
        "logging.filter" => with("debug", &[]),
        "logging.format" => with("json", &[]),
        _ => {
            let defaults = Settings::defaults();
            let value = match defaults.value(key).0 {
                toml::Value::Integer(value) => (value + 1).to_string(),
                toml::Value::Boolean(value) => (!value).to_string(),
                toml::Value::Array(_) => "https://other".to_owned(),
                toml::Value::String(text) => more(text).unwrap_or_else(|| "other".to_owned()),
                other => panic!("{key}: a default of type {}", other.type_str()),
            };
            with(&value, &[])
        }
    }
}

/// A duration or a size that is one unit longer.
fn more(text: &str) -> Option<String> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let number: u64 = text[..digits].parse().ok()?;
    Some(format!("{}{}", number + 1, &text[digits..]))
}

/// Sections whose every setting needs a restart; most say something only beside others.
const WHOLE: [&str; 6] = ["tls", "ca", "ocsp", "crl", "contracts", "vat"];

#[test]
fn every_setting_is_taken_or_waits_as_the_list_says() {
    let running = settings(&[]);
    let config = Config::check(&running).unwrap();
    let before = format!("{config:?}");
    let mut live: Vec<&str> = Vec::new();
    for key in running.keys() {
        let (section, _) = key.split_once('.').unwrap();
        if WHOLE.contains(&section) {
            assert!(!LIVE.contains(&key), "{key}");
            continue;
        }
        let mut wanted = running.clone();
        for (key, value) in another(key) {
            wanted.add_flags(&[(&*key, value)]).unwrap();
        }
        let wanted = Config::check(&wanted).unwrap_or_else(|error| panic!("{key}: {error}"));
        let said = format!("{wanted:?}");
        let after = format!("{:?}", config.taking(wanted));
        // It only lets others be.
        if key != "server.allow_plaintext" {
            assert_ne!(said, before, "{key} says nothing to the program");
        }
        if after != before {
            assert_eq!(after, said, "{key} is taken in part");
            live.push(key);
        }
    }
    let mut listed = LIVE.to_vec();
    listed.sort_unstable();
    assert_eq!(live, listed);
}

#[test]
fn the_guide_lists_what_needs_no_restart() {
    for page in ["", "pt-BR/"] {
        let path = format!(
            "{}/../docs/operating/{page}configuration.md",
            env!("CARGO_MANIFEST_DIR")
        );
        let page = std::fs::read_to_string(path).unwrap();
        let rows = page.lines().filter(|line| line.starts_with("| `"));
        let mut told: Vec<&str> = rows
            .flat_map(|row| row.split('|').nth(1).unwrap().split('`').skip(1).step_by(2))
            .collect();
        told.sort_unstable();
        let mut live = LIVE.to_vec();
        live.sort_unstable();
        assert_eq!(told, live);
    }
}
