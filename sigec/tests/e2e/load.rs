//! A fleet of the load generator that outlives servers, and the verdict on what they kept of it.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use super::server::{Server, Site, TOKEN, loadgen, wait_for_exit};
use super::wait::eventually;

pub(crate) const STATIONS: usize = 40;

/// A fleet that runs; killed when dropped.
pub(crate) struct Load {
    child: Child,
    truth: PathBuf,
    log: PathBuf,
}

impl Load {
    /// Stations of `server` and of those that come after it on the same port, with more to say than any test hears.
    pub(crate) fn start(site: &Site, server: &Server, seed: u64) -> Self {
        let (truth, log) = (site.path("truth.ndjson"), site.path("fleet.log"));
        let child = loadgen()
            .args(["fleet", "--url", &server.ocpp_url()])
            .args(["--stations", &STATIONS.to_string()])
            .args(["--seed", &seed.to_string()])
            .args(["--interval", "60s", "--speed", "300", "--duration", "2h"])
            .args(["--reconnect", "50ms", "--call-timeout", "5s"])
            .args(["--drain", "30s"])
            .args(["--truth".as_ref(), truth.as_os_str()])
            .stdout(Stdio::null())
            .stderr(File::create(&log).unwrap())
            .spawn()
            .unwrap();
        Self { child, truth, log }
    }

    /// Waits until so many more events are acknowledged.
    pub(crate) fn acknowledges(&self, more: usize, what: &str) {
        let wanted = self.acknowledged() + more;
        eventually(&format!("acknowledgements {what}"), || {
            let seen = self.acknowledged();
            if seen >= wanted {
                Ok(())
            } else {
                Err(format!("{seen} of {wanted}"))
            }
        });
    }

    /// Lines of the truth so far: one per acknowledged event while the fleet runs.
    fn acknowledged(&self) -> usize {
        // The file appears with the first event.
        fs::read(&self.truth).map_or(0, |bytes| {
            bytes.iter().filter(|byte| **byte == b'\n').count()
        })
    }

    /// Interrupts the fleet, which then sends what is queued, and has what `server` knows compared with what was sent:
    /// acknowledged ⊆ present ⊆ sent, nothing twice, energy equal.
    pub(crate) fn end_and_verify(mut self, server: &Server) {
        let interrupted = Command::new("kill")
            .args(["-INT", &self.child.id().to_string()])
            .status();
        assert!(interrupted.unwrap().success());
        let status = wait_for_exit(&mut self.child);
        assert!(
            status.success(),
            "{}",
            fs::read_to_string(&self.log).unwrap()
        );

        let verify = loadgen()
            .args(["verify", "--token", TOKEN, "--wait", "60s", "--http"])
            .arg(format!("http://{}", server.ready.http))
            .args(["--truth".as_ref(), self.truth.as_os_str()])
            .output()
            .unwrap();
        let report = String::from_utf8_lossy(&verify.stdout);
        assert!(
            verify.status.success(),
            "{report}{}",
            String::from_utf8_lossy(&verify.stderr)
        );
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        // It may have ended already; then there is nothing to end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
