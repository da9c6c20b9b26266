//! Who may do what: the one table, and what is not in it is refused.

use axum::http::Method;
use sdk::Role;

/// Who may use an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// Everybody who can reach the listener.
    Public,
    /// A principal of this role or a higher one.
    Role(Role),
}

use Access::Public;
const READ: Access = Access::Role(Role::ReadOnly);
const OPERATE: Access = Access::Role(Role::Operator);
const ADMINISTER: Access = Access::Role(Role::Admin);

/// Method, path as routes are written, and who may.
pub(crate) static RULES: &[(&str, &str, Access)] = &[
    ("GET", "/health", Public),
    ("GET", "/health/live", Public),
    ("GET", "/health/ready", Public),
    ("GET", "/metrics", Public),
    ("GET", "/docs", Public),
    ("GET", "/problems/{kind}", Public),
    ("GET", "/api/v1/openapi.json", Public),
    ("GET", "/openapi.json", Public),
    ("GET", "/openapi.yaml", Public),
    ("GET", "/api/v1/principals", ADMINISTER),
    ("POST", "/api/v1/principals", ADMINISTER),
    ("DELETE", "/api/v1/principals/{name}", ADMINISTER),
    ("GET", "/api/v1/devices", READ),
    ("POST", "/api/v1/devices", OPERATE),
    ("POST", "/api/v1/devices/import", OPERATE),
    ("GET", "/api/v1/devices/{id}", READ),
    ("PATCH", "/api/v1/devices/{id}", OPERATE),
    ("DELETE", "/api/v1/devices/{id}", OPERATE),
    ("GET", "/api/v1/devices/{id}/commands", READ),
    ("POST", "/api/v1/devices/{id}/commands", OPERATE),
    // Issues hold what people wrote, and who they are.
    ("GET", "/api/v1/devices/{id}/issues", OPERATE),
    ("POST", "/api/v1/devices/{id}/issues", OPERATE),
    // Frames hold clear tokens of drivers.
    ("GET", "/api/v1/devices/{id}/messages", OPERATE),
    ("GET", "/api/v1/devices/{id}/variables", READ),
    ("GET", "/api/v1/devices/{id}/security-events", READ),
    ("GET", "/api/v1/devices/{id}/events", READ),
    ("GET", "/api/v1/devices/{id}/charging-profiles", READ),
    ("PUT", "/api/v1/devices/{id}/charging-profiles", OPERATE),
    ("DELETE", "/api/v1/devices/{id}/charging-profiles", OPERATE),
    // Also asks the station, for those who may command it.
    ("GET", "/api/v1/devices/{id}/composite-schedule", READ),
    ("GET", "/api/v1/devices/{id}/monitors", READ),
    ("GET", "/api/v1/devices/{id}/display-messages", READ),
    ("GET", "/api/v1/quirks", READ),
    ("POST", "/api/v1/quirks/reload", OPERATE),
    // As frames do, these hold clear tokens of drivers.
    ("GET", "/api/v1/quarantine", OPERATE),
    ("POST", "/api/v1/quarantine/{id}/replay", OPERATE),
    ("GET", "/api/v1/commands/{id}", READ),
    // What a station knows about a person.
    ("GET", "/api/v1/commands/{id}/customer-report", OPERATE),
    ("POST", "/api/v1/transactions/start", OPERATE),
    ("POST", "/api/v1/transactions/{id}/stop", OPERATE),
    ("POST", "/api/v1/transactions/{id}/close", OPERATE),
    ("PATCH", "/api/v1/transactions/{id}/limits", OPERATE),
    ("GET", "/api/v1/transactions/{id}", READ),
    ("GET", "/api/v1/transactions/{id}/signed-values", READ),
    ("GET", "/api/v1/transactions/active", READ),
    ("GET", "/api/v1/transactions/history", READ),
    ("GET", "/api/v1/tokens", OPERATE),
    ("POST", "/api/v1/tokens", OPERATE),
    ("GET", "/api/v1/tokens/{id}", OPERATE),
    ("PUT", "/api/v1/tokens/{id}", OPERATE),
    ("PATCH", "/api/v1/tokens/{id}", OPERATE),
    ("DELETE", "/api/v1/tokens/{id}", OPERATE),
    ("GET", "/api/v1/tariffs", READ),
    ("GET", "/api/v1/tariffs/{id}", READ),
    ("PUT", "/api/v1/tariffs/{id}", OPERATE),
    ("DELETE", "/api/v1/tariffs/{id}", OPERATE),
    ("GET", "/api/v1/devices/{id}/tariffs", READ),
    ("POST", "/api/v1/devices/{id}/tariffs", OPERATE),
    (
        "DELETE",
        "/api/v1/devices/{id}/tariffs/{tariff_id}",
        OPERATE,
    ),
    ("POST", "/api/v1/transactions/{id}/tariff", OPERATE),
    ("POST", "/api/v1/web-payments/check", OPERATE),
    ("GET", "/api/v1/devices/{id}/local-list", READ),
    ("POST", "/api/v1/devices/{id}/local-list", OPERATE),
    ("GET", "/api/v1/devices/{id}/reservations", READ),
    ("POST", "/api/v1/devices/{id}/reservations", OPERATE),
    (
        "DELETE",
        "/api/v1/devices/{id}/reservations/{reservation_id}",
        OPERATE,
    ),
    ("GET", "/api/v1/devices/{id}/der-controls", READ),
    ("GET", "/api/v1/devices/{id}/event-streams", READ),
    ("GET", "/api/v1/devices/{id}/battery-swaps", READ),
    ("POST", "/api/v1/devices/{id}/logs", OPERATE),
    ("POST", "/api/v1/devices/{id}/firmware", OPERATE),
    // Logs of stations hold what drivers did.
    ("GET", "/api/v1/files", OPERATE),
    ("POST", "/api/v1/files", OPERATE),
    ("POST", "/api/v1/files/upload-urls", OPERATE),
    ("DELETE", "/api/v1/files/upload-urls/{id}", OPERATE),
    ("GET", "/api/v1/files/{id}", OPERATE),
    ("DELETE", "/api/v1/files/{id}", OPERATE),
    ("GET", "/api/v1/files/{id}/content", OPERATE),
    ("POST", "/api/v1/files/{id}/download-urls", OPERATE),
    // For stations, which have no token: the secret in the path is what lets them in.
    ("GET", "/files/d/{secret}", Public),
    ("PUT", "/files/u/{secret}", Public),
    ("POST", "/files/u/{secret}", Public),
    ("PUT", "/files/u/{secret}/{name}", Public),
    ("POST", "/files/u/{secret}/{name}", Public),
    ("GET", "/api/v1/devices/{id}/certificates", READ),
    ("POST", "/api/v1/devices/{id}/certificates", OPERATE),
    ("DELETE", "/api/v1/devices/{id}/certificates", OPERATE),
    // Mounted: served by the pipeline, the program itself and the voice gateway.
    ("POST", "/api/v1/sql", READ),
    ("POST", "/api/v1/lake/flush", OPERATE),
    ("POST", "/api/v1/voice/command", READ),
];

/// What the table says of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// This is who may.
    Access(Access),
    /// The path has other methods; the router answers 405.
    OtherMethod,
    /// The table does not know the path.
    Unknown,
}

/// Looks up an operation; HEAD is the GET it asks about.
pub(crate) fn verdict(method: &Method, path: &str) -> Verdict {
    let method = if method == Method::HEAD {
        "GET"
    } else {
        method.as_str()
    };
    let mut verdict = Verdict::Unknown;
    for (rule_method, rule_path, access) in RULES {
        if *rule_path == path {
            if *rule_method == method {
                return Verdict::Access(*access);
            }
            verdict = Verdict::OtherMethod;
        }
    }
    verdict
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_table_does_not_know_is_refused() {
        for (method, path, expected) in [
            (Method::GET, "/api/v1/devices", Verdict::Access(READ)),
            (Method::HEAD, "/api/v1/devices", Verdict::Access(READ)),
            (Method::PUT, "/api/v1/devices", Verdict::OtherMethod),
            (Method::GET, "/api/v1/secrets", Verdict::Unknown),
        ] {
            assert_eq!(verdict(&method, path), expected, "{method} {path}");
        }
    }

    #[test]
    fn only_an_operator_changes_anything() {
        for (method, path, access) in RULES {
            let reads =
                *method == "GET" || path.ends_with("/sql") || path.ends_with("/voice/command");
            let by_secret = path.starts_with("/files/u/{secret}");
            assert!(
                reads || by_secret || OPERATE == *access || ADMINISTER == *access,
                "{method} {path}"
            );
        }
    }
}
