//! `loadgen verify`.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use loadgen::truth;
use loadgen::verify::Verdict;

use super::print;
use crate::options;

/// Between two looks at rows that may still be on their way.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// Compares a truth with a server, again and again while rows may still come.
///
/// # Errors
///
/// The truth cannot be read, or the server cannot be asked.
#[expect(clippy::disallowed_methods, reason = "a retry timer, with a deadline")]
pub(crate) async fn verify(options: options::Verify) -> anyhow::Result<ExitCode> {
    let mut truth = Vec::new();
    for path in &options.truth {
        truth.extend(truth::read(path)?);
    }
    let mut client = sdk::Client::new(&options.http, options.token.clone())?;
    let deadline = tokio::time::Instant::now() + options.wait;
    let verdict: Verdict = loop {
        let verdict = loadgen::verify::verify(&truth, &mut client)
            .await
            .with_context(|| {
                format!(
                    "verifying against {}; is it a SIGEC-VE server, and may the token query?",
                    options.http
                )
            })?;
        if !verdict.may_improve() || deadline <= tokio::time::Instant::now() {
            break verdict;
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    };
    print(&verdict.text())?;
    Ok(if verdict.is_clean() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(1)
    })
}
