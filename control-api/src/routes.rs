//! The resources. A handler's attribute is its entry in the OpenAPI document.

mod certificates;
mod charging;
mod commands;
mod courses;
mod customer_report;
mod devices;
mod events;
mod files;
mod grid;
mod import;
mod issues;
mod items;
mod local_list;
mod messages;
mod principals;
mod prometheus;
mod quarantine;
mod quirks;
mod reservations;
mod security_events;
mod tariffs;
mod tokens;
mod transactions;
mod transfers;
mod variables;
mod web_payments;

pub(crate) use devices::check_text;
pub use import::read_import;

use axum::http::Method;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::SharedApp;
use crate::error::ApiError;
use crate::{health, openapi, problem};

/// Every route of this crate, with its document.
pub(crate) fn all() -> OpenApiRouter<SharedApp> {
    OpenApiRouter::with_openapi(openapi::base())
        .routes(routes!(devices::list, devices::create))
        .routes(routes!(devices::show, devices::change, devices::delete))
        .routes(routes!(import::import))
        .routes(routes!(commands::create, commands::list))
        .routes(routes!(commands::show))
        .routes(routes!(customer_report::show))
        .routes(routes!(messages::list))
        .routes(routes!(variables::list))
        .routes(routes!(charging::show, charging::put, charging::clear))
        .routes(routes!(charging::schedule))
        .routes(routes!(items::monitors))
        .routes(routes!(items::display_messages))
        .routes(routes!(security_events::list))
        .routes(routes!(events::list))
        .routes(routes!(issues::list, issues::report))
        .routes(routes!(transactions::start))
        .routes(routes!(transactions::stop))
        .routes(routes!(transactions::close))
        .routes(routes!(transactions::limit))
        .routes(routes!(transactions::signed_values))
        .routes(routes!(transactions::show))
        .routes(routes!(transactions::active))
        .routes(routes!(transactions::history))
        .routes(routes!(tariffs::list))
        .routes(routes!(tariffs::show, tariffs::put, tariffs::delete))
        .routes(routes!(tariffs::of_device, tariffs::send))
        .routes(routes!(tariffs::clear))
        .routes(routes!(tariffs::change))
        .routes(routes!(tokens::list, tokens::create))
        .routes(routes!(
            tokens::show,
            tokens::put,
            tokens::change,
            tokens::delete
        ))
        .routes(routes!(local_list::show, local_list::update))
        .routes(routes!(reservations::list, reservations::create))
        .routes(routes!(reservations::cancel))
        .routes(routes!(grid::der_controls))
        .routes(routes!(grid::event_streams))
        .routes(routes!(grid::battery_swaps))
        .routes(routes!(web_payments::check))
        .routes(routes!(courses::get_log))
        .routes(routes!(courses::update_firmware))
        .routes(routes!(files::list, files::put))
        .routes(routes!(files::show, files::delete))
        .routes(routes!(files::content))
        .routes(routes!(files::make_download_url))
        .routes(routes!(files::make_upload_url))
        .routes(routes!(files::revoke_upload_url))
        .routes(routes!(transfers::download))
        .routes(routes!(transfers::upload, transfers::upload_by_post))
        .routes(routes!(
            transfers::upload_named,
            transfers::upload_named_by_post
        ))
        .routes(routes!(
            certificates::show,
            certificates::install,
            certificates::delete
        ))
        .routes(routes!(quirks::list))
        .routes(routes!(quirks::reload))
        .routes(routes!(quarantine::list))
        .routes(routes!(quarantine::replay))
        .routes(routes!(principals::list, principals::create))
        .routes(routes!(principals::delete))
        .routes(routes!(health::health))
        .routes(routes!(health::live))
        .routes(routes!(health::ready))
        .routes(routes!(prometheus::metrics))
        .routes(routes!(openapi::document))
        .routes(routes!(openapi::json))
        .routes(routes!(openapi::yaml))
        .routes(routes!(openapi::page))
        .routes(routes!(problem::describe))
}

pub(crate) async fn no_route() -> ApiError {
    ApiError::NoRoute
}

pub(crate) async fn no_method(method: Method) -> ApiError {
    ApiError::Method {
        method: method.to_string(),
    }
}

/// Runs what touches a disk where it may.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, ApiError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|e| ApiError::Internal(e.to_string()))
}
