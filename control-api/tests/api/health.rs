//! How the server says that it is not well.

use std::sync::Arc;
use std::time::Duration;

use dataplane::{Config, Onboarding};
use sdk::{Health, HealthStatus};
use serde_json::json;
use storage::disk::SimDisk;

use super::world::{World, with_config};

async fn health(world: &World) -> (u16, Health) {
    let (status, body) = world.get("/health").await;
    (status, serde_json::from_str(&body).unwrap())
}

#[test]
fn a_disk_that_hangs_in_a_shards_own_commit_is_named_while_the_shard_waits_for_it() {
    let disk = SimDisk::new(1, u64::MAX);
    let mut config = Config {
        shards: 2,
        onboarding: Onboarding::Open,
        ..Config::default()
    };
    // The shards commit by themselves from their second commit on.
    config.log.inline_after = 1;
    config.log.inline_max = Duration::from_secs(3_600);
    // What nobody waits for goes with what somebody does, so that the thread has nothing to hang in.
    config.log.unawaited_wait = Duration::from_secs(3_600);
    with_config(Arc::new(disk.clone()), config, |world| async move {
        let mut station = world.station("CP1", None).await;
        station.boot().await;
        let (status, healthy) = health(&world).await;
        assert_eq!((status, healthy.status), (200, HealthStatus::Ok));

        disk.hold_syncs(true);
        let status = json!({ "connectorId": 1, "errorCode": "NoError", "status": "Preparing" });
        let call = tokio::spawn(async move { station.call("StatusNotification", status).await });
        let (hung, other) = loop {
            let (status, health) = health(&world).await;
            let hung = health
                .logs
                .iter()
                .position(|log| log.status == HealthStatus::Down);
            if let Some(hung) = hung {
                assert_eq!((status, health.ready), (503, false));
                break (health.logs[hung].clone(), health.logs[1 - hung].clone());
            }
        };
        assert_eq!(hung.log_id, healthy.logs[hung.shard as usize].log_id);
        let open_for = hung.commit_open_seconds.unwrap();
        assert!(2.0 <= open_for, "{open_for}");
        let detail = hung.detail.unwrap();
        assert!(
            detail.starts_with("the disk has not answered the last write for "),
            "{detail}"
        );
        assert_eq!(
            (other.status, other.commit_open_seconds),
            (HealthStatus::Ok, None)
        );
        let (_, health_now) = health(&world).await;
        assert_eq!(health_now.dataplane.shards, 2);
        assert_eq!(
            health_now.dataplane.detail,
            Some(format!(
                "shard {} does not answer; the numbers are those of the others",
                hung.shard
            ))
        );
        let (_, metrics) = world.get("/metrics").await;
        assert!(metrics.contains("\nsigec_shards_up 0\n"), "{metrics}");
        let open = format!(
            "\nsigec_log_commit_open_seconds{{shard=\"{}\"}} ",
            other.shard
        );
        assert!(metrics.contains(&format!("{open}0\n")), "{metrics}");

        disk.hold_syncs(false);
        call.await.unwrap();
        let (status, again) = health(&world).await;
        assert_eq!((status, again.status), (200, HealthStatus::Ok), "{again:?}");
    });
}
