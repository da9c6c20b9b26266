//! Where the server listens: ports that are taken before anything is opened, and how they show.

use std::net::SocketAddr;

use anyhow::Context;
use tokio::net::TcpListener;

use super::Ready;
use super::health::Listener;
use crate::config::{Config, PostgresMode};

/// The ports of operators and analysts.
pub(super) struct Listeners {
    pub(super) http: TcpListener,
    pub(super) https: Option<TcpListener>,
    pub(super) postgres: TcpListener,
}

impl Listeners {
    /// Takes them, and makes sure that those of stations are free.
    pub(super) async fn bind(config: &Config) -> anyhow::Result<Self> {
        let http = bind("http.listen", config.http_listen).await?;
        let https = match config.https_listen {
            Some(address) => Some(bind("http.tls_listen", address).await?),
            None => None,
        };
        let postgres = bind("postgres.listen", config.postgres_listen).await?;
        // The shards share their port among themselves, and would share it with a second server as well.
        drop(bind("ocpp.listen", config.dataplane.listen[0]).await?);
        for address in config.dataplane.tls.iter().flat_map(|tls| &tls.listen) {
            drop(bind("tls.listen", *address).await?);
        }
        Ok(Self {
            http,
            https,
            postgres,
        })
    }
}

async fn bind(key: &str, address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address)
        .await
        .with_context(|| format!("{key}: listening on {address}"))
}

/// Where it listens, as `/health` shows it. Who may ask Postgres for TLS and need not is heard in the clear.
pub(super) fn listeners(ready: &Ready, postgres: PostgresMode) -> Vec<Listener> {
    let listener = |name, address, plaintext| Listener {
        name,
        address,
        plaintext,
    };
    let is_plain = postgres != PostgresMode::Required;
    let mut all = vec![
        listener("ocpp", ready.ocpp, true),
        listener("http", ready.http, true),
        listener("postgres", ready.postgres, is_plain),
    ];
    all.extend(ready.ocpps.map(|at| listener("ocpps", at, false)));
    all.extend(ready.https.map(|at| listener("https", at, false)));
    all
}

/// How this machine reaches a listener of its own.
pub(super) fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(match address {
            SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
        });
    }
    address
}
