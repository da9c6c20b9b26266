//! `sigec sql`: one query, to whoever can answer it.

mod table;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;
use axum::http::StatusCode;
use pipeline::Stations;

use super::{Holder, block_on, client, load};
use crate::cli::{Login, RowFormat, Sources};
use crate::config::Config;
use crate::{print, query};

pub(super) fn execute(
    sources: &Sources,
    login: Login,
    format: RowFormat,
    text: &str,
) -> anyhow::Result<()> {
    let config = load(sources)?;
    let accept = match format {
        RowFormat::Table | RowFormat::Csv => "text/csv",
        RowFormat::Json => "application/json",
    };
    let rows = match Holder::find(&config)? {
        Holder::Server(ready) => {
            let client = client(&ready, login)?;
            block_on(async move { Ok(client.sql_as(text, accept).await?) })?
        }
        Holder::Us(data_dir) => offline(&config, data_dir.path(), text, accept)?,
    };
    match format {
        RowFormat::Table => print::line(table::aligned(&rows)),
        RowFormat::Csv | RowFormat::Json => print::line(rows.trim_end()),
    }
}

/// Whoever may read the data directory may read all of it.
fn offline(
    config: &Config,
    data_dir: &std::path::Path,
    text: &str,
    accept: &str,
) -> anyhow::Result<String> {
    let asked = Arc::<AtomicBool>::default();
    let lake = pipeline::open_offline(&config.lake, data_dir, absent(&asked))?;
    let owner = pipeline::Principal {
        tenant: fleet::TENANT_DEFAULT.to_owned(),
        role: pipeline::Role::Admin,
        name: control_api::ADMIN.to_owned(),
    };
    let (status, body) = block_on(query::ask(lake.sql(), owner, text, accept))?;
    anyhow::ensure!(status == StatusCode::OK, "{}", query::detail(&body));
    if asked.load(Ordering::Relaxed) {
        print::note("stations and connectors have rows only while the server runs; it does not");
    }
    String::from_utf8(body.into()).context("the rows are not UTF-8")
}

/// The present that only a running server knows: no rows, and a note that they were asked for.
fn absent(asked: &Arc<AtomicBool>) -> Stations {
    let note = |asked: Arc<AtomicBool>| move || asked.store(true, Ordering::Relaxed);
    let (stations, connectors) = (note(Arc::clone(asked)), note(Arc::clone(asked)));
    Stations {
        stations: Arc::new(move || {
            stations();
            Vec::new()
        }),
        connectors: Arc::new(move || {
            connectors();
            Vec::new()
        }),
    }
}
