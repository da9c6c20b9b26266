use super::*;

fn open(dir: &tempfile::TempDir) -> Principals {
    Principals::open(StateStore::open(dir.path()).unwrap()).unwrap()
}

fn bring_root(principals: &Principals) {
    let token = AdminToken::new("root-token-of-the-test").unwrap();
    principals.bootstrap(Some(&token)).unwrap();
}

#[test]
fn the_first_start_makes_an_administrator_and_later_ones_do_not() {
    let dir = tempfile::tempdir().unwrap();
    let token = open(&dir).bootstrap(None).unwrap().unwrap();
    let again = open(&dir);
    assert_eq!(again.bootstrap(None).unwrap(), None);
    let admin = again.principal_by_token(&token).unwrap();
    assert_eq!((admin.name.as_str(), admin.role), ("admin", Role::Admin));
}

#[test]
fn a_token_of_the_environment_wins_at_every_start() {
    let dir = tempfile::tempdir().unwrap();
    let principals = open(&dir);
    let first = principals.bootstrap(None).unwrap().unwrap();
    let bring = |token: &str| {
        let token = AdminToken::new(token).unwrap();
        assert_eq!(principals.bootstrap(Some(&token)).unwrap(), None);
    };
    bring("token-from-outside");
    assert!(principals.principal_by_token(&first).is_none());
    assert!(
        principals
            .principal_by_token("token-from-outside")
            .is_some()
    );
    bring("another-from-outside");
    assert!(
        principals
            .principal_by_token("token-from-outside")
            .is_none()
    );
}

#[test]
fn a_reset_replaces_the_token() {
    let dir = tempfile::tempdir().unwrap();
    let principals = open(&dir);
    let first = principals.bootstrap(None).unwrap().unwrap();
    let second = principals.reset_admin_token().unwrap();
    assert!(principals.principal_by_token(&first).is_none());
    assert_eq!(principals.list().len(), 1);
    drop(principals);
    assert!(open(&dir).principal_by_token(&second).is_some());
}

#[test]
fn a_deleted_principal_is_nobody_at_once_and_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let principals = open(&dir);
    bring_root(&principals);
    let (made, token) = principals
        .create("grafana", Role::ReadOnly, "default")
        .unwrap();
    assert_eq!(principals.principal_by_token(&token), Some(made));
    principals.delete("grafana").unwrap();
    assert!(principals.principal_by_token(&token).is_none());
    assert!(principals.scram_verifier("grafana").is_none());
    drop(principals);
    assert!(open(&dir).principal_by_token(&token).is_none());
}

#[test]
fn the_last_administrator_stays() {
    let dir = tempfile::tempdir().unwrap();
    let principals = open(&dir);
    bring_root(&principals);
    principals.create("ops", Role::Operator, "default").unwrap();
    assert!(matches!(
        principals.delete("admin"),
        Err(PrincipalError::LastAdmin { .. })
    ));
    principals.create("second", Role::Admin, "default").unwrap();
    principals.delete("admin").unwrap();
    assert!(matches!(
        principals.delete("admin"),
        Err(PrincipalError::Unknown { .. })
    ));
}

#[test]
fn names_are_unique_and_plain() {
    let dir = tempfile::tempdir().unwrap();
    let principals = open(&dir);
    principals
        .create("a.b_c-9", Role::ReadOnly, "default")
        .unwrap();
    assert!(matches!(
        principals.create("a.b_c-9", Role::ReadOnly, "default"),
        Err(PrincipalError::Exists { .. })
    ));
    for name in ["", "a b", "a/b", "é", &"x".repeat(65)] {
        assert!(
            matches!(
                principals.create(name, Role::ReadOnly, "default"),
                Err(PrincipalError::Name { .. })
            ),
            "{name:?}"
        );
    }
    assert!(
        principals
            .create(&"x".repeat(64), Role::ReadOnly, "default")
            .is_ok()
    );
}

#[test]
fn the_verifier_is_that_of_rfc_5802() {
    // Hi(str, salt, i) is PBKDF2 with HMAC-SHA-256 (RFC 7677); checked here against the token the principal holds.
    let dir = tempfile::tempdir().unwrap();
    let principals = open(&dir);
    let (_, token) = principals
        .create("psql", Role::ReadOnly, "default")
        .unwrap();
    let verifier = principals.scram_verifier("psql").unwrap();
    assert_eq!(verifier.iterations, 4_096);
    let check = |password: &str| {
        pbkdf2::verify(
            pbkdf2::PBKDF2_HMAC_SHA256,
            SCRAM_ITERATIONS,
            &verifier.salt,
            password.as_bytes(),
            &verifier.salted_password,
        )
        .is_ok()
    };
    assert!(check(&token));
    assert!(!check("sgk_wrong"));
}

#[test]
fn tokens_differ_and_say_whose_they_are() {
    let (a, b) = (generate_token().unwrap(), generate_token().unwrap());
    assert_ne!(a, b);
    assert!(a.starts_with("sgk_") && a.len() == 4 + 43);
}

#[test]
fn comparison_sees_every_byte() {
    for at in 0..32 {
        let mut other = [7; 32];
        other[at] ^= 1;
        assert!(!equal_in_constant_time(&[7; 32], &other));
    }
    assert!(equal_in_constant_time(&[7; 32], &[7; 32]));
}
