use super::*;
use expect_test::{Expect, expect};

/// Loads `file` under `env` and `flags`; the error chain, or the settings that differ from the defaults.
fn check(file: &str, env: &[(&str, &str)], flags: &[(&str, &str)], expect: Expect) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("sigec.toml");
    std::fs::write(&path, file).unwrap();
    let env = env
        .iter()
        .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
    let flags: Vec<_> = flags
        .iter()
        .map(|(key, text)| (*key, (*text).to_owned()))
        .collect();
    let outcome = match Config::load(Some(&path), env, &flags) {
        Ok((_, settings)) => show(&settings)
            .lines()
            .filter(|line| line.contains(" # from "))
            .map(|l| format!("{l}\n"))
            .collect(),
        Err(error) => format!("{:#}\n", anyhow::Error::from(error)),
    };
    expect.assert_eq(&outcome.replace(&dir.path().display().to_string(), "DIR"));
}

fn default_config() -> Config {
    Config::load(None, [], &[]).unwrap().0
}

#[test]
fn the_defaults_are_a_whole_configuration() {
    let config = default_config();
    let address = |text: &str| text.parse::<SocketAddr>().unwrap();
    assert_eq!(config.dataplane.listen, [address("127.0.0.1:9000")]);
    assert_eq!(config.http_listen, address("127.0.0.1:8080"));
    assert_eq!(config.postgres_listen, address("127.0.0.1:5433"));
    // The parts' own defaults and the documented ones are the same.
    let (dataplane, lake) = (
        dataplane::Config {
            // Of the program, not of its settings.
            memory_max: config.dataplane.memory_max,
            give_back: config.dataplane.give_back,
            ..dataplane::Config::default()
        },
        pipeline::Config::new(std::path::absolute("./sigec-data").unwrap()),
    );
    assert_eq!(
        format!("{:#?}", config.dataplane),
        format!("{dataplane:#?}")
    );
    assert_eq!(format!("{:#?}", config.lake), format!("{lake:#?}"));
}

#[test]
fn every_default_is_documented_and_says_something_to_the_program() {
    let mut documented = false;
    for line in DEFAULTS.lines() {
        if line.contains(" = ") && !line.starts_with('#') {
            assert!(documented, "no comment above: {line}");
        }
        documented = line.starts_with('#');
    }

    // A key that `Config::check` never reads would accept any value of its type.
    for key in Settings::defaults().keys() {
        let refused: &[_] = match Settings::defaults().value(key).0 {
            // Some texts may be empty, and none has a line of its own.
            toml::Value::String(_) => &["", "\n"],
            toml::Value::Integer(_) => &["-1"],
            toml::Value::Boolean(_) | toml::Value::Array(_) => continue,
            other => panic!("{key}: a default of type {}", other.type_str()),
        };
        let is_taken = |text: &&str| {
            let mut settings = Settings::defaults();
            settings.add_flags(&[(key, (*text).to_owned())]).unwrap();
            Config::check(&settings).is_ok()
        };
        assert!(!refused.iter().all(is_taken), "{key} takes any value");
    }
}

#[test]
fn a_later_layer_wins_and_the_origin_is_shown() {
    check(
        "[http]\nlisten = \"127.0.0.1:1\"\n[query]\nrows_max = 5\n[ocpp]\norigins = [\"https://a\"]\n",
        &[
            ("SIGEC_HTTP__LISTEN", "127.0.0.1:2"),
            ("SIGEC_QUERY__ROWS_MAX", "6"),
            ("SIGEC_ADMIN_TOKEN", "x"),
        ],
        &[("http.listen", "127.0.0.1:3"), ("server.data_dir", "/d")],
        expect![[r#"
            data_dir = "/d" # from --data-dir
            origins = ["https://a"] # from DIR/sigec.toml
            listen = "127.0.0.1:3" # from --http
            rows_max = 6 # from SIGEC_QUERY__ROWS_MAX
        "#]],
    );
}

#[test]
fn what_is_shown_is_a_configuration_of_the_same_meaning() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("shown.toml");
    let flags = [
        ("server.data_dir", "/d".to_owned()),
        ("ocpp.origins", "a,b".to_owned()),
    ];
    let (config, settings) = Config::load(None, [], &flags).unwrap();
    std::fs::write(&path, show(&settings)).unwrap();
    let shown = Config::load(Some(&path), [], &[]).unwrap().0;
    assert_eq!(format!("{shown:#?}"), format!("{config:#?}"));
}

#[test]
fn a_ca_signs_for_an_organization_and_known_uses() {
    check(
        "[ca]\nsigner = \"file\"\n",
        &[],
        &[],
        expect![[r#"
            ca.organization from the defaults: found "none", expected the name that requests bear, when ca.signer is not "none"
        "#]],
    );
    check(
        "[ca]\ntypes = [\"ServerCertificate\"]\n",
        &[],
        &[],
        expect![[r#"
            ca.types from DIR/sigec.toml: found ["ServerCertificate"], expected some of ChargingStationCertificate, V2GCertificate, V2G20Certificate
        "#]],
    );
    let flags = [
        ("ca.signer", "http".to_owned()),
        ("ca.organization", "ACME".to_owned()),
        ("ocsp.responders", "http://a,http://b".to_owned()),
        ("crl.addresses", "http://d,http://e".to_owned()),
        ("crl.issuers_file", "f.pem".to_owned()),
        ("contracts.url", "https://c".to_owned()),
        ("vat.url", "https://v".to_owned()),
    ];
    let dataplane = Config::load(None, [], &flags).unwrap().0.dataplane;
    assert_eq!(dataplane.vat.unwrap().url, "https://v");
    let certificates = dataplane.certificates;
    let ca = certificates.ca.unwrap();
    assert!(matches!(ca.signer, dataplane::SignerConfig::Http(_)));
    assert_eq!(ca.organization, "ACME");
    assert_eq!(
        certificates.ocsp.unwrap().responders,
        ["http://a", "http://b"]
    );
    let crl = certificates.crl.unwrap();
    assert_eq!(crl.addresses, ["http://d", "http://e"]);
    assert_eq!(crl.issuers.unwrap().to_str(), Some("f.pem"));
    assert_eq!(certificates.contracts.unwrap().url, "https://c");
}

#[test]
fn an_unknown_key_names_the_nearest_known_one() {
    check(
        "[ocpp]\nlissten = \"x\"\n",
        &[],
        &[],
        expect![[r#"
        DIR/sigec.toml: there is no setting "ocpp.lissten"; did you mean "ocpp.listen"?
    "#]],
    );
    // Of keys that are as near, the one whose section is nearer: `http.listen` is spelt as well.
    check(
        "[ocp]\nlisten = \"x\"\n",
        &[],
        &[],
        expect![[r#"
        DIR/sigec.toml: there is no setting "ocp.listen"; did you mean "ocpp.listen"?
    "#]],
    );
    check(
        "[server]\nheartbeat_interval = \"1s\"\n",
        &[],
        &[],
        expect![[r#"
        DIR/sigec.toml: there is no setting "server.heartbeat_interval"; did you mean "ocpp.heartbeat_interval"?
    "#]],
    );
    check(
        "",
        &[("SIGEC_LAKE__FLUSHINTERVAL", "1s")],
        &[],
        expect![[r#"
        SIGEC_LAKE__FLUSHINTERVAL: there is no setting "lake.flushinterval"; did you mean "lake.flush_interval"?
    "#]],
    );
    check(
        "kafka = 1\n",
        &[],
        &[],
        expect![[r#"
        DIR/sigec.toml: there is no setting "kafka"; `sigec config show --defaults` lists them all
    "#]],
    );
}

#[test]
fn a_value_that_does_not_fit_says_what_would() {
    for (file, expect) in [
        (
            "[ocpp]\nlisten = \"nine thousand\"\n",
            expect![[r#"
            ocpp.listen from DIR/sigec.toml: found "nine thousand", expected an IP address and a port, such as 127.0.0.1:9000 or [::1]:9000
        "#]],
        ),
        (
            "[ocpp]\nlisten = 9000\n",
            expect![[r#"
            ocpp.listen from DIR/sigec.toml: found 9000 (integer), expected a string such as "127.0.0.1:9000"
        "#]],
        ),
        (
            "[ocpp]\nonboarding = \"maybe\"\n",
            expect![[r#"
            ocpp.onboarding from DIR/sigec.toml: found "maybe", expected one of "auto", "open", "pending", "closed"
        "#]],
        ),
        (
            "[query]\ntimeout = \"60\"\n",
            expect![[r#"
            query.timeout from DIR/sigec.toml: found "60", expected a duration with its unit (us, ms, s, m, h, d), such as 30s
        "#]],
        ),
        (
            "[query]\ntimeout = \"2d\"\n",
            expect![[r#"
            query.timeout from DIR/sigec.toml: found "2d", expected a duration from 1s to 1d
        "#]],
        ),
        (
            "[ocpp]\nidle_timeout = \"10s\"\n",
            expect![[r#"
            ocpp.idle_timeout from DIR/sigec.toml: found "10s", expected a duration above ocpp.ping_interval
        "#]],
        ),
        (
            "[tariff]\nprice_per_kwh = \"0,75\"\n",
            expect![[r#"
            tariff.price_per_kwh from DIR/sigec.toml: found "0,75", expected a decimal below a million with up to six decimals, such as "0.75"
        "#]],
        ),
        (
            "[tariff]\nreceipt_url = \"https://csms.example/receipts\"\n",
            expect![[r#"
            tariff.receipt_url from DIR/sigec.toml: found "https://csms.example/receipts", expected "none", or a URL of at most 1,000 characters with {transaction_id} in it
        "#]],
        ),
        (
            "[tariff]\ncost_updates = \"always\"\n",
            expect![[r#"
            tariff.cost_updates from DIR/sigec.toml: found "always", expected one of "off", "responses", "commands"
        "#]],
        ),
        (
            "[tariff\n",
            expect![[r#"
            the configuration file DIR/sigec.toml is not TOML: TOML parse error at line 1, column 8
              |
            1 | [tariff
              |        ^
            unclosed table, expected `]`

        "#]],
        ),
    ] {
        check(file, &[], &[], expect);
    }
}

#[test]
fn plaintext_beyond_loopback_needs_consent_on_every_listener() {
    for key in ["ocpp.listen", "http.listen", "postgres.listen"] {
        let exposed = [(key, "0.0.0.0:0".to_owned())];
        let error = Config::load(None, [], &exposed).unwrap_err().to_string();
        assert!(
            error.starts_with(key) && error.contains("--allow-plaintext"),
            "{error}"
        );

        let allowed = [
            exposed[0].clone(),
            ("server.allow_plaintext", "true".to_owned()),
        ];
        assert!(Config::load(None, [], &allowed).is_ok(), "{key}");
    }
}

#[test]
fn what_asks_for_certificates_needs_their_roots() {
    for (setting, expect) in [
        (
            ("client_certificates", "\"required\""),
            expect![[r#"
            tls.client_certificates from DIR/sigec.toml: found "required", expected "asked" while tls.client_roots_file is "none"
        "#]],
        ),
        (
            ("client_organizations", "[\"ACME\"]"),
            expect![[r#"
            tls.client_organizations from DIR/sigec.toml: found ["ACME"], expected [] while tls.client_roots_file is "none"
        "#]],
        ),
        (
            ("revocation_list_files", "[\"revoked.pem\"]"),
            expect![[r#"
            tls.revocation_list_files from DIR/sigec.toml: found ["revoked.pem"], expected [] while tls.client_roots_file is "none"
        "#]],
        ),
        (
            ("client_ocsp", "\"good\""),
            expect![[r#"
            tls.client_ocsp from DIR/sigec.toml: found "good", expected "unasked" while tls.client_roots_file is "none"
        "#]],
        ),
    ] {
        let (key, value) = setting;
        check(&format!("[tls]\n{key} = {value}\n"), &[], &[], expect);
    }
}

#[test]
fn who_asks_about_certificates_knows_whom_and_about_whose() {
    let clients = "[tls]\nclient_roots_file = \"c\"\nclient_organizations = [\"ACME\"]\nclient_ocsp = \"not_revoked\"\n";
    let responders = format!("{clients}[ocsp]\nresponders = [\"http://a\"]\n");
    for (file, expect) in [
        (
            clients,
            expect![[r#"
            tls.client_ocsp from DIR/sigec.toml: found "not_revoked", expected "unasked" while ocsp.responders is []
        "#]],
        ),
        (
            responders.as_str(),
            expect![[r#"
            tls.client_ocsp from DIR/sigec.toml: found "not_revoked", expected "unasked" while ocsp.issuers_file is "none"
        "#]],
        ),
    ] {
        check(file, &[], &[], expect);
    }
}

#[test]
fn a_profile_that_no_listener_offers_is_not_the_weakest() {
    let load = |profile: &str, tls: &str| {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("sigec.toml");
        let file = format!("[ocpp]\nsecurity_profile_min = {profile}\n[tls]\n{tls}");
        std::fs::write(&path, file).unwrap();
        Config::load(Some(&path), [], &[]).map_err(|error| error.to_string())
    };
    let server = "listen = \"127.0.0.1:0\"\ncertificate_files = [\"a\"]\nkey_files = [\"b\"]\n";
    let clients = "client_roots_file = \"c\"\nclient_organizations = [\"ACME\"]\n";
    let both = format!("{server}{clients}");
    for (profile, tls) in [("1", ""), ("2", server), ("3", &both)] {
        assert!(load(profile, tls).is_ok(), "{profile}");
    }
    for (profile, tls, missing) in [
        ("2", "", "at most 1 while tls.listen is \"none\""),
        ("3", clients, "at most 1 while tls.listen is \"none\""),
        (
            "3",
            server,
            "at most 2 while tls.client_roots_file is \"none\"",
        ),
    ] {
        let error = load(profile, tls).unwrap_err();
        assert!(error.starts_with("ocpp.security_profile_min"), "{error}");
        assert!(error.ends_with(missing), "{error}");
    }
}

#[test]
fn stations_with_tls_and_without_do_not_share_a_port() {
    let load = |ocpp: &str, ocpps: &str| {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("sigec.toml");
        let file = format!(
            "[server]\nallow_plaintext = true\n[ocpp]\nlisten = \"{ocpp}\"\n\
             [tls]\nlisten = \"{ocpps}\"\ncertificate_files = [\"a\"]\nkey_files = [\"b\"]\n"
        );
        std::fs::write(&path, file).unwrap();
        Config::load(Some(&path), [], &[]).map_err(|error| error.to_string())
    };
    for (ocpp, ocpps) in [
        ("127.0.0.1:9000", "127.0.0.1:9001"),
        ("127.0.0.1:9000", "127.0.0.2:9000"),
        ("127.0.0.1:0", "127.0.0.1:0"),
    ] {
        assert!(load(ocpp, ocpps).is_ok(), "{ocpp} {ocpps}");
    }
    for (ocpp, ocpps) in [
        ("127.0.0.1:9000", "127.0.0.1:9000"),
        ("0.0.0.0:9000", "127.0.0.1:9000"),
        ("127.0.0.1:9000", "[::]:9000"),
    ] {
        let error = load(ocpp, ocpps).unwrap_err();
        assert!(
            error.starts_with("tls.listen") && error.contains("ocpp.listen"),
            "{error}"
        );
    }
}

#[test]
fn onboarding_is_open_only_while_every_listener_is_on_loopback() {
    assert_eq!(
        default_config().dataplane.onboarding,
        dataplane::Onboarding::Open
    );
    let exposed = [
        ("http.listen", "0.0.0.0:0".to_owned()),
        ("server.allow_plaintext", "true".to_owned()),
    ];
    let (config, _) = Config::load(None, [], &exposed).unwrap();
    assert_eq!(config.dataplane.onboarding, dataplane::Onboarding::Pending);
}

#[test]
fn stations_are_given_urls_that_are_some() {
    let load = |key: &'static str, text: &str| Config::load(None, [], &[(key, text.to_owned())]);
    for (text, expected) in [
        ("", Some("")),
        ("https://csms.example.org", Some("https://csms.example.org")),
        (
            "http://10.0.0.1:8080/sigec/",
            Some("http://10.0.0.1:8080/sigec"),
        ),
        ("csms.example.org", None),
        ("ftp://csms.example.org", None),
        ("https://", None),
        ("https:///files", None),
        ("https://a b", None),
        ("https://a?b", None),
    ] {
        let found = load("files.base_url", text).map(|(config, _)| config.files.base_url);
        match (found, expected) {
            (Ok(found), expected) => assert_eq!(Some(&*found), expected, "{text}"),
            (Err(error), None) => assert!(error.to_string().contains("a URL such as"), "{error}"),
            (Err(error), Some(_)) => panic!("{text}: {error}"),
        }
    }
    let small = load("files.total_max", "1MiB").unwrap_err().to_string();
    assert!(small.contains("at least files.size_max"), "{small}");
    let (config, _) = load("files.retention_days", "0").unwrap();
    assert_eq!(config.files.retention, None);
}
