//! Commands to a fleet that is there, at an even pace: how long each takes to its station's answer.

use std::time::Duration;

use anyhow::{Context, ensure};
use dataplane::{CommandRequest, Router};
use fleet::StationKey;
use fleet::record::CommandState;
use net::clock::monotonic_ns;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

use crate::inside::Commands;
use crate::stats::Latencies;

/// A station that has not answered by then is gone.
const PATIENCE: Duration = Duration::from_secs(60);
/// Between two handfuls of commands: a runtime's clock has no finer ticks.
const EVERY: Duration = Duration::from_millis(1);

/// Asks stations for a setting, all of them in turn, and waits for every answer.
pub(super) async fn ask(router: &Router, commands: &Commands) -> anyhow::Result<Latencies> {
    let mut latencies = Latencies::default();
    let mut open = JoinSet::new();
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let per_tick = commands.rate as f64 * EVERY.as_secs_f64();
    let mut due = 0.0;
    let mut asked = 0;
    while asked < commands.count {
        ticks.tick().await;
        due += per_tick;
        while (asked as f64) < due && asked < commands.count {
            let station = commands.station(asked);
            let name = StationKey::new(fleet::TENANT_DEFAULT, &station)
                .with_context(|| format!("naming {station}"))?;
            let began = monotonic_ns();
            let pending = router.command(CommandRequest {
                station: name,
                action: "GetConfiguration".to_owned(),
                payload: r#"{"key":["HeartbeatInterval"]}"#.to_owned(),
                principal: "bench".to_owned(),
                wait: Some(PATIENCE),
                answer_timeout: None,
            });
            open.spawn(async move {
                let command = pending.await??;
                ensure!(
                    command.state == CommandState::Answered,
                    "{station} has not answered: {:?}",
                    command.state
                );
                Ok(Duration::from_nanos(monotonic_ns() - began))
            });
            asked += 1;
        }
        while let Some(ended) = open.try_join_next() {
            latencies.record(ended.context("asking a station")??);
        }
    }
    while let Some(ended) = open.join_next().await {
        latencies.record(ended.context("asking a station")??);
    }
    Ok(latencies)
}
