//! The control side: the API, SQL over the Postgres wire, the voice gateway; what they are given, and their ports.

use std::sync::Arc;

use axum::Router;
use control_api::{Files, Principals, Rates};
use dataplane::{Dataplane, Tls};
use futures::future::OptionFuture;
use pipeline::{Lake, PostgresTls};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use voice_gateway::VoiceGateway;

use super::drain::until;
use super::health::{self, Watch};
use super::listeners::{Listeners, reachable};
use super::{Ready, bridge, lake};
use crate::config::{Config, PostgresMode};

/// The parts that it works on.
pub(super) struct Parts<'a> {
    pub(super) config: &'a Config,
    pub(super) dataplane: &'a Dataplane,
    pub(super) lake: &'a Arc<Lake>,
    pub(super) principals: &'a Principals,
    pub(super) files: &'a Files,
    pub(super) rates: &'a Rates,
    pub(super) watch: &'a Arc<Watch>,
    pub(super) ready: &'a Ready,
}

/// What is served until the server ends.
pub(super) struct Served {
    pub(super) http: JoinHandle<()>,
    pub(super) postgres: JoinHandle<std::io::Result<()>>,
}

impl Parts<'_> {
    /// Serves all of it, until `ended`.
    pub(super) fn serve(
        &self,
        listeners: Listeners,
        ended: watch::Receiver<bool>,
    ) -> anyhow::Result<Served> {
        let Listeners {
            http,
            https,
            postgres,
        } = listeners;
        let limits = self.config.http;
        let api = self.api()?;
        let files = self.files.clone();
        tokio::spawn(control_api::keep_files(files, until(ended.clone())));
        let shown = self.dataplane.tls().map(|tls| {
            let tls = tls.asking_nobody();
            let shown: control_api::ShownTls = Arc::new(move || tls.config());
            shown
        });
        let plain = control_api::serve(http, None, api.clone(), limits, until(ended.clone()));
        let secure = https.map(|https| {
            let ended = until(ended.clone());
            control_api::serve(https, shown.clone(), api, limits, ended)
        });
        let http = tokio::spawn(async move {
            tokio::join!(plain, OptionFuture::from(secure));
        });
        let postgres_mode = self.config.postgres_tls;
        let postgres_tls = match postgres_mode {
            PostgresMode::None => None,
            PostgresMode::Offered | PostgresMode::Required => shown.map(|shown| PostgresTls {
                shown,
                required: postgres_mode == PostgresMode::Required,
            }),
        };
        let postgres = tokio::spawn(pipeline::serve_postgres(
            postgres,
            postgres_tls,
            self.lake.sql(),
            bridge::by_name(self.principals),
            until(ended),
        ));
        Ok(Served { http, postgres })
    }

    /// Every route.
    fn api(&self) -> anyhow::Result<Router> {
        let tariff = &self.config.dataplane.tariff;
        let currency = String::from_utf8_lossy(&tariff.currency).into_owned();
        let voice = VoiceGateway::new(voice_gateway::Config {
            api_base_url: format!("http://{}", reachable(self.ready.http)),
            // The gateway names prices in reais.
            price_per_kwh: (currency == "BRL").then(|| self.config.price_per_kwh.clone()),
        })?;
        let sql_routes = pipeline::http_router(self.lake.sql(), bridge::by_token(self.principals));
        Ok(control_api::router(control_api::Deps {
            router: self.dataplane.router(),
            principals: self.principals.clone(),
            files: self.files.clone(),
            rates: self.rates.clone(),
            sql: bridge::sql(self.lake.sql()),
            health: {
                let watch = Arc::clone(self.watch);
                Arc::new(move || watch.look())
            },
            currency,
            metrics: self.metrics(&voice),
            sql_routes: sql_routes.merge(lake::routes(Arc::clone(self.lake))),
            voice_routes: voice.router(),
        }))
    }

    /// Those that the API does not know itself.
    fn metrics(&self, voice: &VoiceGateway) -> Vec<control_api::MetricsFn> {
        let voice = voice.clone();
        let records_aside = self.dataplane.records_aside();
        let tls = self.dataplane.tls().cloned();
        let readings = self.watch.readings.clone();
        vec![
            Arc::new(move || voice.metrics()),
            Arc::new(move || {
                let expires_at = tls.as_ref().and_then(Tls::expires_at);
                health::metrics(records_aside, expires_at)
            }),
            Arc::new(move || readings.metrics()),
        ]
    }
}
