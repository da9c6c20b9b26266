//! The program: reads its command line, runs a fleet or verifies a truth, and reports.
#![forbid(unsafe_code)]

mod options;
mod run;

use std::process::ExitCode;

use clap::Parser;

use options::{Command, Options};

fn main() -> ExitCode {
    let options = Options::parse();
    let runtime = match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return complain(&error.into()),
    };
    let result = runtime.block_on(async {
        match options.command {
            Command::Fleet(options) => run::fleet(options).await,
            Command::Storm(options) => run::storm(options).await,
            Command::Scenarios => run::scenarios(),
            Command::Scenario(options) => run::scenario(&options.command),
            Command::Join(options) => run::join(&options),
            Command::WsEcho(options) => run::ws_echo(options).await,
            Command::Verify(options) => run::verify(options).await,
        }
    });
    result.unwrap_or_else(|error| complain(&error))
}

#[expect(
    clippy::print_stderr,
    reason = "the one place where the program ends with an error"
)]
fn complain(error: &anyhow::Error) -> ExitCode {
    eprintln!("loadgen: {error:#}");
    ExitCode::from(2)
}
