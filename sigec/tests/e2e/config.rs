//! `sigec config`, as an operator types it.

use super::server::{output, sigec};

fn run(args: &[&str], env: &[(&str, &str)]) -> (bool, String, String) {
    let output = output(sigec().args(args).envs(env.iter().copied()));
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (
        output.status.success(),
        text(&output.stdout),
        text(&output.stderr),
    )
}

#[test]
fn the_shown_configuration_names_the_origin_of_what_differs() {
    let (ok, out, _) = run(
        &["config", "show", "--http", "127.0.0.1:1"],
        &[("SIGEC_QUERY__ROWS_MAX", "7")],
    );
    assert!(ok);
    assert!(
        out.contains("listen = \"127.0.0.1:1\" # from --http\n"),
        "{out}"
    );
    assert!(
        out.contains("rows_max = 7 # from SIGEC_QUERY__ROWS_MAX\n"),
        "{out}"
    );
}

#[test]
fn a_wrong_setting_ends_the_program_before_anything_starts() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let args = ["run", "--data-dir", data.to_str().unwrap()];
    let (ok, _, err) = run(&args, &[("SIGEC_OCPP__LISSTEN", "127.0.0.1:1")]);
    assert!(!ok);
    assert_eq!(
        err,
        "sigec: SIGEC_OCPP__LISSTEN: there is no setting \"ocpp.lissten\"; did you mean \"ocpp.listen\"?\n"
    );
    assert!(!data.exists(), "the data directory was made");
}

#[test]
fn a_token_that_could_be_guessed_is_refused_beyond_loopback_before_anything_starts() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let abroad = ["--http", "0.0.0.0:0", "--allow-plaintext"];
    for args in [
        [&["run", "--data-dir", data.to_str().unwrap()][..], &abroad].concat(),
        [&["config", "check"][..], &abroad].concat(),
    ] {
        for (token, why) in [
            ("letmein", "the token has 7 characters, expected 16 to 512"),
            ("", "the token has 0 characters, expected 16 to 512"),
            (
                "passphrase of four words",
                "character 11 of the token is none of visible ASCII",
            ),
            (
                "0000000000000000",
                "the token consists of 1 different characters",
            ),
        ] {
            let (ok, _, err) = run(&args, &[("SIGEC_ADMIN_TOKEN", token)]);
            let expected = format!("sigec: SIGEC_ADMIN_TOKEN: {why}");
            assert!(!ok && err.contains(&expected), "{args:?}: {err}");
            assert!(
                token.is_empty() || !err.contains(token),
                "it is shown: {err}"
            );
        }
    }
    assert!(!data.exists(), "the data directory was made");
    let check = [&["config", "check"][..], &abroad].concat();
    let good = run(&check, &[("SIGEC_ADMIN_TOKEN", super::server::TOKEN)]);
    assert!(good.0, "{}", good.2);

    for (token, ok) in [("letmein", true), ("", false), ("two words", false)] {
        let (found, _, err) = run(&["config", "check"], &[("SIGEC_ADMIN_TOKEN", token)]);
        assert_eq!(found, ok, "on loopback, {token:?}: {err}");
    }
}

#[test]
fn every_command_explains_itself_with_examples() {
    let mut pending = vec![vec![]];
    let mut explained = 0;
    while let Some(command) = pending.pop() {
        let args: Vec<&str> = command
            .iter()
            .map(String::as_str)
            .chain(["--help"])
            .collect();
        let (ok, out, _) = run(&args, &[]);
        assert!(ok, "{args:?}");
        assert!(out.contains("Usage:"), "{args:?}: {out}");
        let commands = out
            .split("\nCommands:\n")
            .nth(1)
            .map(|rest| rest.split("\n\n").next().unwrap());
        for line in commands.unwrap_or_default().lines() {
            let name = line.split_whitespace().next().unwrap();
            if name != "help" {
                pending.push(command.iter().cloned().chain([name.to_owned()]).collect());
            }
        }
        assert!(out.contains("Examples:"), "{args:?}: {out}");
        explained += 1;
    }
    assert!(explained >= 10, "only {explained} commands");
}
