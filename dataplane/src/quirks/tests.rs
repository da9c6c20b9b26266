use expect_test::{Expect, expect};

use super::*;

fn profiles(text: &str) -> Result<Vec<QuirkProfile>, QuirkError> {
    let mut profiles = Vec::new();
    read::read("mine.toml", text, &mut profiles).map(|()| profiles)
}

fn book(text: &str, policy: QuirkPolicy) -> QuirkBook {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("mine.toml");
    std::fs::write(&path, text).unwrap();
    QuirkBook::load(&QuirksConfig {
        policy,
        path: Some(path),
        ..QuirksConfig::default()
    })
    .unwrap()
}

fn found<'a>(book: &'a QuirkBook, make: [&str; 4]) -> Option<(&'a str, &'a str)> {
    let [identity, vendor, model, firmware] = make;
    let make = Make {
        identity,
        vendor,
        model,
        firmware,
    };
    let profile = &book.profiles()[book.find(&make)?];
    Some((&profile.id, &profile.note))
}

#[test]
fn built_in_profiles_read_and_cover_their_makes() {
    let book = QuirkBook::load(&QuirksConfig::default()).unwrap();
    assert!(book.profiles().iter().all(|p| p.origin == "built-in"));
    assert!(book.profiles().iter().all(|p| !p.note.is_empty()));
    for (vendor, id) in [
        ("AEFA", "aefa-home"),
        ("ZJ Beny", "zj-beny"),
        ("Alfen BV", "alfen"),
        ("EN Plustech", "en-plus"),
        ("Wall Box Chargers", "wallbox"),
        ("GROWATT", "growatt-thor"),
    ] {
        let found = found(&book, ["CP1", vendor, "m", "1"]).map(|(id, _)| id);
        assert_eq!(found, Some(id), "{vendor}");
    }
    assert_eq!(found(&book, ["CP1", "", "", ""]), None);
}

#[test]
fn what_lies_beside_the_files_of_a_directory_is_no_profile() {
    let dir = tempfile::tempdir().unwrap();
    let profile = |id: &str| format!("format = 1\n[[profile]]\nid = \"{id}\"\nrevision = 1\n");
    std::fs::write(dir.path().join("b.toml"), profile("mine")).unwrap();
    std::fs::write(dir.path().join(".b.toml"), profile("saved")).unwrap();
    std::fs::write(dir.path().join("b.toml~"), "nothing").unwrap();
    std::fs::create_dir(dir.path().join("old.toml")).unwrap();
    // The lock of Emacs: a link to nowhere.
    std::os::unix::fs::symlink("me@host.1", dir.path().join(".#b.toml")).unwrap();
    let read = read::files(dir.path()).unwrap();
    let ids: Vec<&str> = read.iter().map(|profile| profile.id.as_str()).collect();
    assert_eq!(ids, ["mine"]);
}

#[test]
fn the_most_specific_profile_wins_and_the_operators_before_a_built_in_one() {
    let book = book(
        r#"
        format = 1
        [[profile]]
        id = "alfen"
        revision = 7
        note = "mine"
        vendor = "Alfen*"
        [[profile]]
        id = "alfen-pro"
        revision = 1
        vendor = "alfen*"
        model = "*Pro*"
        [[profile]]
        id = "one"
        revision = 1
        identity = "CP-0001"
        [[profile]]
        id = "same-as-legrand"
        revision = 1
        vendor = "legrand*"
        [[profile]]
        id = "alfen-2"
        revision = 1
        vendor = "alfen*"
        firmware = "2.*"
        "#,
        QuirkPolicy::Tolerant,
    );
    assert_eq!(
        found(&book, ["CP1", "Alfen BV", "Eve", "1"]),
        Some(("alfen", "mine"))
    );
    let id = |make| found(&book, make).map(|(id, _)| id);
    assert_eq!(
        id(["CP1", "Alfen BV", "Eve Pro-line", "1"]),
        Some("alfen-pro")
    );
    assert_eq!(id(["CP1", "Alfen BV", "Eve", "2.1"]), Some("alfen-2"));
    assert_eq!(id(["CP1", "Alfen BV", "Eve", "1.9"]), Some("alfen"));
    assert_eq!(id(["CP-0001", "", "", ""]), Some("one"));
    assert_eq!(id(["CP1", "Legrand", "", ""]), Some("same-as-legrand"));
    assert_eq!(
        book.profiles().iter().filter(|p| p.id == "alfen").count(),
        1
    );
}

#[test]
fn a_policy_and_a_profile_make_the_rules() {
    let text = r#"
        format = 1
        [[profile]]
        id = "a"
        revision = 1
        coerce = ["type_coerced", "extra_property"]
        tolerate = ["over_long"]
        repair = true
        clock_zone = "-03:00"
        clock_local_as_utc = true
    "#;
    for (policy, with, without, repairs) in [
        (QuirkPolicy::Strict, Policy::Strict, Policy::Strict, false),
        (
            QuirkPolicy::Tolerant,
            Policy::Lenient,
            Policy::Tolerant,
            true,
        ),
        (
            QuirkPolicy::Profile,
            Policy::Only({
                let mut quirks = Quirks::TYPE_COERCED;
                quirks.insert(Quirks::EXTRA_PROPERTY);
                quirks.insert(Quirks::OVER_LONG);
                quirks
            }),
            Policy::Only(Quirks::default()),
            true,
        ),
    ] {
        let book = book(text, policy);
        let at = book.profiles().iter().position(|p| p.id == "a").unwrap();
        let profile = Some(&book.profiles()[at]);
        assert_eq!(book.rules(profile).policy, with);
        assert_eq!(book.rules(None).policy, without);
        assert_eq!(book.repairs(profile), repairs);
        assert!(!book.repairs(None));
        assert_eq!(book.rules(profile).clock.zone_minutes, -180);
        assert_eq!(book.rules(None).clock, Clock::default());
    }
}

fn refused(profile: &str, expected: Expect) {
    let text = format!("format = 1\n[[profile]]\nid = \"a\"\nrevision = 1\n{profile}\n");
    expected.assert_eq(&profiles(&text).unwrap_err().to_string());
}

#[test]
fn what_is_wrong_is_named() {
    refused(
        "vendr = \"x\"",
        expect![[r#"mine.toml: profile "a" has no key "vendr"; did you mean "vendor"?"#]],
    );
    refused(
        "coerce = [\"over_long\"]",
        expect![[
            r#"mine.toml: coerce of profile "a": found "over_long" (string), expected one of null_payload, null_optional, empty_string, zone_missing, date_form, type_coerced, object_for_array, extra_property, number_form"#
        ]],
    );
    refused(
        "tolerate = [\"overlong\"]",
        expect![[
            r#"mine.toml: tolerate of profile "a": found "overlong" (string), expected one of over_long, unknown_word, empty_array, not_a_uri; did you mean "over_long"?"#
        ]],
    );
    refused(
        "clock_zone = \"CET\"",
        expect![[
            r#"mine.toml: clock_zone of profile "a": found "CET", expected an offset from UTC such as "+08:00" or "-03:00""#
        ]],
    );
    refused(
        "clock_local_as_utc = true",
        expect![[r#"mine.toml: profile "a" lacks the key "clock_zone""#]],
    );
    refused(
        "answer_delay_ms = { StartTransacton = 5 }",
        expect![[
            r#"mine.toml: answer_delay_ms of profile "a" has no key "StartTransacton"; did you mean "StartTransaction"?"#
        ]],
    );
    refused(
        "answer_delay_ms = { Heartbeat = 5 }",
        expect![[r#"mine.toml: answer_delay_ms of profile "a" has no key "Heartbeat""#]],
    );
    refused(
        "answer_delay_ms = { StartTransaction = 60000 }",
        expect![[
            r#"mine.toml: StartTransaction of answer_delay_ms of profile "a": found 60000 (integer), expected a number from 1 to 10000"#
        ]],
    );
    refused(
        "default_version = \"1.5\"",
        expect![[
            r#"mine.toml: default_version of profile "a": found "1.5", expected one of "1.6", "2.0.1", "2.1""#
        ]],
    );
    refused(
        "ping = false\nping_interval_s = 5",
        expect![[
            r#"mine.toml: ping_interval_s of profile "a": found an interval, expected no interval where ping is false"#
        ]],
    );
    refused(
        "repair = 1",
        expect![[r#"mine.toml: repair of profile "a": found 1 (integer), expected true or false"#]],
    );
    refused(
        "[[profile]]\nid = \"a\"\nrevision = 2",
        expect![[r#"mine.toml: there are two profiles with the id "a""#]],
    );
    for (text, expected) in [
        (
            "format = 2",
            "mine.toml: format of the file: found 2, expected 1",
        ),
        (
            "",
            "mine.toml: format of the file: found nothing, expected 1",
        ),
        (
            "format = 1\nprofiles = 1",
            "mine.toml: the file has no key \"profiles\"; did you mean \"profile\"?",
        ),
        (
            "format = 1\n[[profile]]\nrevision = 1",
            "mine.toml: profile 1 lacks the key \"id\"",
        ),
        (
            "format = 1\n[[profile]]\nid = \"A b\"",
            "mine.toml: id of profile \"A b\": found \"A b\", expected at most 64 small letters, digits and hyphens",
        ),
        (
            "format = 1\n[[profile]]\nid = \"b\"",
            "mine.toml: profile \"b\" lacks the key \"revision\"",
        ),
        ("format =", "mine.toml is not TOML"),
    ] {
        assert_eq!(profiles(text).unwrap_err().to_string(), expected, "{text}");
    }
}

#[test]
fn a_directory_is_read_in_the_order_of_its_names_and_a_bad_file_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
    let profile = |revision: u32| {
        format!(
            "format = 1\n[[profile]]\nid = \"x{revision}\"\nrevision = {revision}\nvendor = \"zz\"\n"
        )
    };
    write("b.toml", &profile(2));
    write("a.toml", &profile(1));
    write("a.txt", "not read");
    let config = QuirksConfig {
        path: Some(dir.path().to_owned()),
        ..QuirksConfig::default()
    };
    let shelf = Shelf::open(config).unwrap();
    let revision = |book: &QuirkBook| {
        let make = Make {
            vendor: "ZZ",
            ..Make::default()
        };
        book.find(&make).map(|at| book.profiles()[at].revision)
    };
    assert_eq!(revision(&shelf.book()), Some(2));
    let before = shelf.generation();
    write("c.toml", "format = 1\nprofil = 3");
    assert!(shelf.reload().is_err());
    assert_eq!(
        (shelf.generation(), revision(&shelf.book())),
        (before, Some(2))
    );
    write("c.toml", &profile(3));
    assert_eq!(revision(&shelf.reload().unwrap()), Some(3));
    assert_eq!(revision(&shelf.book()), Some(3));
    assert_ne!(shelf.generation(), before);
    // Another folder and another policy hold from here on, and what is wrong with them changes neither.
    let other = |path: &std::path::Path| QuirksConfig {
        path: Some(path.to_owned()),
        policy: QuirkPolicy::Strict,
        ..QuirksConfig::default()
    };
    assert!(shelf.reload_by(other(&dir.path().join("none"))).is_err());
    assert_eq!(revision(&shelf.reload().unwrap()), Some(3));
    let empty = tempfile::tempdir().unwrap();
    shelf.reload_by(other(empty.path())).unwrap();
    let book = shelf.reload().unwrap();
    assert_eq!(
        (revision(&book), book.policy()),
        (None, QuirkPolicy::Strict)
    );
}
