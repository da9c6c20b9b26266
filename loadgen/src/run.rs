//! The commands.

mod conclude;
mod drive;
mod echo;
mod fleet;
mod parts;
mod scenarios;
mod stations;
mod storm;
mod tls;
mod verify;

use std::io::{Write, stdout};

use anyhow::Context;

pub(crate) use conclude::join;
pub(crate) use echo::ws_echo;
pub(crate) use fleet::fleet;
pub(crate) use scenarios::{scenario, scenarios};
pub(crate) use storm::storm;
pub(crate) use verify::verify;

fn print(text: &str) -> anyhow::Result<()> {
    let mut out = stdout();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .context("writing to standard output")
}
