//! `sigec sql`: one query, to whoever can answer it.

mod table;

use std::path::Path;

use anyhow::Context;
use axum::http::StatusCode;
use pipeline::Stations;
use storage::state::StateStore;

use super::{Holder, block_on, client, load};
use crate::cli::{Login, RowFormat, Sources};
use crate::config::Config;
use crate::run::{bridge, state_dir};
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
fn offline(config: &Config, data_dir: &Path, text: &str, accept: &str) -> anyhow::Result<String> {
    let stations = stations(config, data_dir)?;
    let lake = pipeline::open_offline(&config.lake, data_dir, stations)?;
    let owner = pipeline::Principal {
        tenant: fleet::TENANT_DEFAULT.to_owned(),
        role: pipeline::Role::Admin,
        name: control_api::ADMIN.to_owned(),
    };
    let (status, body) = block_on(query::ask(lake.sql(), owner, text, accept))?;
    anyhow::ensure!(status == StatusCode::OK, "{}", query::detail(&body));
    String::from_utf8(body.into()).context("the rows are not UTF-8")
}

/// The present as the last server left it.
fn stations(config: &Config, data_dir: &Path) -> anyhow::Result<Stations> {
    let dir = state_dir(data_dir);
    // Opening makes a store that is missing; looking for one must not.
    if !dir.is_dir() {
        return Ok(Stations::none());
    }
    let store = StateStore::open(&dir)?;
    let rules = config.dataplane.plausibility;
    let stations = dataplane::stored_stations(&store, data_dir, rules)?;
    Ok(bridge::stored(&store, stations))
}
