//! The same tests with OpenSSL as the server, in a process of their own.

use std::process::Command;

use super::OPENSSL;

#[test]
fn all_of_this_holds_with_openssl() {
    let mut tests = Command::new(std::env::current_exe().unwrap());
    tests.args(["tls::tests::", "--skip", "again::"]);
    tests.args(["--skip", "rsa_key_exchange::"]);
    let output = tests.env(OPENSSL, "1").output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{complained}");
    assert!(!said.contains("test result: ok. 0 passed"), "{said}");
}
