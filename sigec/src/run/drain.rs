//! The end of a server: a stop goes the way of the start backwards.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::watch;

use super::server::Server;

impl Server {
    /// Ends the parts in the order of the data: nothing new comes in, what came in becomes durable, then rows,
    /// then files.
    pub(super) async fn stop(self, patience: Duration) -> anyhow::Result<()> {
        self.watch.ready.store(false, Ordering::Relaxed);
        let dataplane = self.dataplane;
        let stopped = tokio::task::spawn_blocking(move || dataplane.stop(patience)).await;
        self.ending.send_replace(true);
        let served = tokio::time::timeout(patience, async {
            (self.served.http.await, self.served.postgres.await)
        });
        if served.await.is_err() {
            tracing::warn!(?patience, "requests were cut off");
        }
        self.orphans.abort();
        // A request that was cut off may still hold it; then what is hot stays in the log.
        drop(self.watch);
        match Arc::try_unwrap(self.lake) {
            Ok(lake) => lake.shutdown().await?,
            Err(_) => {
                tracing::warn!("rows that are not in files yet will be read from the log again")
            }
        }
        drop(self.data_dir);
        Ok(stopped??)
    }
}

/// Resolves when the server ends.
pub(super) async fn until(mut ended: watch::Receiver<bool>) {
    // The sender is gone only after the server.
    let _ = ended.wait_for(|ended| *ended).await;
}
