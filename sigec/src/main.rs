//! `sigec`: the one program. It reads its configuration, opens the data directory, starts the parts, and
//! passes to each what it may not reach by itself.

#![forbid(unsafe_code)]

mod cli;
mod commands;
mod config;
mod print;
mod query;
mod run;

use std::process::ExitCode;

use clap::Parser;

#[global_allocator]
static ALLOCATOR: allocator::MiMalloc = allocator::MiMalloc;

fn main() -> ExitCode {
    allocator::give_back_at_once();
    match commands::execute(cli::Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            print::error(&error);
            ExitCode::FAILURE
        }
    }
}
