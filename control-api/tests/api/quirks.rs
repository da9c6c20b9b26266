//! Quirk profiles, and messages that were kept aside.

use std::path::Path;
use std::sync::Arc;

use control_api::SqlRow;
use dataplane::{Config, Onboarding, QuirkPolicy, QuirksConfig};
use sdk::{QuarantineFilter, QuarantineOutcome, Role};
use serde_json::json;
use storage::disk::RealDisk;

use super::world::{refusal, with_config, with_server};

fn rows(rows: serde_json::Value) -> Vec<SqlRow> {
    serde_json::from_value(rows).unwrap()
}

fn config(path: &Path) -> Config {
    Config {
        shards: 2,
        onboarding: Onboarding::Open,
        quirks: QuirksConfig {
            policy: QuirkPolicy::Profile,
            path: Some(path.to_owned()),
            ..QuirksConfig::default()
        },
        ..Config::default()
    }
}

#[test]
fn profiles_are_listed_shown_with_their_stations_and_read_again() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("mine.toml");
    let profile = |revision: u32, more: &str| {
        format!(
            "format = 1\n[[profile]]\nid = \"abb\"\nrevision = {revision}\nvendor = \"ABB\"\n{more}\n"
        )
    };
    std::fs::write(
        &file,
        profile(1, "answer_delay_ms = { StartTransaction = 250 }"),
    )
    .unwrap();
    with_config(Arc::new(RealDisk), config(dir.path()), |world| async move {
        let profiles = world.admin.quirk_profiles().await.unwrap();
        assert_eq!(profiles.policy, "profile");
        let found = |profiles: &sdk::QuirkProfiles| {
            let found = profiles.profiles.iter().find(|p| p.id == "abb");
            found.cloned().unwrap()
        };
        let abb = found(&profiles);
        assert_eq!((abb.revision, abb.vendor.as_str()), (1, "ABB"));
        assert_eq!(abb.answer_delay_ms["StartTransaction"], 250);
        assert!(abb.origin.ends_with("mine.toml"), "{}", abb.origin);
        assert!(profiles.profiles.iter().any(|p| p.origin == "built-in"));
        world.station("CP1", None).await.boot().await;
        let shown = world
            .admin
            .device("CP1")
            .await
            .unwrap()
            .quirk_profile
            .unwrap();
        assert_eq!((shown.id.as_str(), shown.revision), ("abb", 1));

        std::fs::write(&file, profile(2, "pings = false")).unwrap();
        let refused = world
            .admin
            .reload_quirk_profiles()
            .await
            .unwrap_err()
            .to_string();
        assert!(
            refused.contains("has no key \"pings\"; did you mean \"ping\"?"),
            "{refused}"
        );
        let still = world.admin.quirk_profiles().await.unwrap();
        assert_eq!(found(&still).revision, 1);
        std::fs::write(&file, profile(2, "ping = false")).unwrap();
        let now = world.admin.reload_quirk_profiles().await.unwrap();
        assert_eq!((found(&now).revision, found(&now).ping), (2, false));
        let shown = world
            .admin
            .device("CP1")
            .await
            .unwrap()
            .quirk_profile
            .unwrap();
        assert_eq!(shown.revision, 2);

        let reader = world.client("reader", Role::ReadOnly).await;
        assert!(reader.quirk_profiles().await.is_ok());
        assert_eq!(
            refusal(reader.reload_quirk_profiles().await),
            "403 forbidden"
        );
    });
}

fn row(outcome: &str, raw: &str) -> serde_json::Value {
    json!([{
        "received_at": "2026-11-22T10:41:49.123Z", "log_id": "77", "seq": "5", "station_id": "CP1", "outcome": outcome,
        "protocol": "ocpp1.6", "message_id": "7", "action": "MeterValues", "raw": raw, "profile_id": null,
        "profile_revision": null, "changes": "[]", "error_code": "FormatViolation", "reason": "why", "passed_by": "3",
        "replay_of_log_id": null, "replay_of_seq": null,
    }])
}

const READABLE: &str = r#"[2,"7","MeterValues",{"connectorId":1,"meterValue":[{"timestamp":"2026-11-22T10:41:48Z","sampledValue":[{"value":7}]}]}]"#;

/// A message of the station `CP1` that was refused, and could be read now.
pub(crate) fn refused() -> Vec<SqlRow> {
    rows(row("refused", READABLE))
}

#[test]
fn what_was_refused_is_read_again_once() {
    with_server(|world| async move {
        world.station("CP1", None).await.boot().await;
        *world.rows.lock().unwrap() = refused();
        let filter = QuarantineFilter {
            device_id: Some("CP1".into()),
            outcome: Some(QuarantineOutcome::Refused),
            ..QuarantineFilter::default()
        };
        let page = world.admin.quarantine(&filter).await.unwrap();
        assert_eq!(
            (page.items[0].id.as_str(), page.items[0].passed_by),
            ("77-5", 3)
        );
        let asked = world.queries.lock().unwrap().last().unwrap().clone();
        assert!(
            asked.contains("station_id = 'CP1' AND outcome = 'refused'"),
            "{asked}"
        );

        let receipt = world.admin.replay_quarantined("77-5").await.unwrap();
        assert_eq!((receipt.device_id.as_str(), receipt.applied), ("CP1", true));
        let again = world.admin.replay_quarantined("77-5").await.unwrap();
        assert!(!again.applied);

        *world.rows.lock().unwrap() = rows(row("refused", "[2,\"7\",\"MeterValues\",{]"));
        assert_eq!(
            refusal(world.admin.replay_quarantined("77-6").await),
            "409 conflict"
        );
        *world.rows.lock().unwrap() = rows(row("changed", READABLE));
        assert_eq!(
            refusal(world.admin.replay_quarantined("77-6").await),
            "409 conflict"
        );
        *world.rows.lock().unwrap() = Vec::new();
        for id in ["77-6", "77", "x"] {
            assert_eq!(
                refusal(world.admin.replay_quarantined(id).await),
                "404 not_found"
            );
        }
        let reader = world.client("reader", Role::ReadOnly).await;
        assert_eq!(refusal(reader.quarantine(&filter).await), "403 forbidden");
        assert_eq!(
            refusal(reader.replay_quarantined("77-5").await),
            "403 forbidden"
        );
    });
}
