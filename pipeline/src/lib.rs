//! Events to SQL: log records become columns, columns become a Delta table, both are one SQL table.
//!
//! ```text
//! Source ─► ingest thread ─► Columns ─► hot batches ─┐
//!                                          │ flush   ├─► TableProvider ─► Sql ─► Postgres wire, HTTP
//!                                          ▼         │
//!                            sorted Parquet + Delta commit (rows and log position together)
//! ```
//!
//! [`Lake`] owns the way in: it follows the logs, holds the newest rows in memory and writes them out.
//! [`Sql`] is the way out; [`http_router`] and [`serve_postgres`] put it on a socket.
//!
//! # Invariants
//!
//! - A row is named by (log_id, seq) and its ordinal within the record. A table holds the rows of every
//!   record up to its committed position of that log exactly once, whatever was replayed or killed before.
//! - A query sees each row once: the Delta snapshot and the hot batches after it are taken under one lock.
//! - A tenant's filter is part of the scan, so no shape of query avoids it.
//! - A statement that would change anything is refused by its logical plan.

#![forbid(unsafe_code)]

mod charging_profiles;
mod columns;
mod config;
mod delta;
mod error;
mod grid;
mod hot;
mod http;
mod ingest;
mod items;
mod lake;
mod members;
mod offline;
mod paged;
mod postgres;
mod provider;
mod reservations;
mod sql;
mod stations;
mod table;
mod variables;
mod views;
mod writer;

pub use charging_profiles::ChargingProfileRow;
pub use config::{Config, QueryConfig};
pub use error::LakeError;
pub use grid::{BatterySwapRow, DerAlarmRow, DerControlRow};
pub use http::http_router;
pub use items::{DisplayMessageRow, MonitorRow};
pub use lake::{Health, Lake, Source, TableHealth};
pub use offline::{Offline, open_offline};
pub use paged::{Asked, Page, PagesFn};
pub use postgres::{PostgresTls, ScramVerifier, serve_postgres};
pub use reservations::ReservationRow;
pub use sql::{Limits, Principal, QueryStream, Role, Sql, SqlError, Steps};
pub use stations::{ConnectorRow, StationRow, Stations};
pub use table::Table;
pub use variables::VariableRow;
