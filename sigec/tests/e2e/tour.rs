//! The tour of the README, command by command.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::foreign::has;
use super::server::{Server, Site, TOKEN, loadgen, sigec};
use super::wait::eventually;

/// The blocks that a comment names.
fn tour() -> BTreeMap<String, String> {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    let text = std::fs::read_to_string(readme).unwrap();
    let named = text.split("<!-- tour: ").skip(1).map(|rest| {
        let (name, rest) = rest.split_once(" -->").unwrap();
        let (_, rest) = rest.split_once("```sh\n").unwrap();
        let (block, _) = rest.split_once("```").unwrap();
        (name.to_owned(), block.to_owned())
    });
    named.collect()
}

/// A reader's terminal: the server's ports and names are put in for the ones the README shows.
struct Terminal<'a> {
    site: &'a Site,
    server: &'a Server,
}

impl Terminal<'_> {
    fn command(&self, block: &str) -> Command {
        let ready = &self.server.ready;
        let (host, port) = ready.postgres.rsplit_once(':').unwrap();
        let program = |command: Command| command.get_program().to_str().unwrap().to_owned();
        let text = block
            .replace("127.0.0.1:9000", &ready.ocpp)
            .replace("127.0.0.1:8080", &ready.http)
            .replace(
                "--host 127.0.0.1 --port 5433",
                &format!("--host {host} --port {port}"),
            )
            .replace("bin/loadgen", &program(loadgen()))
            .replace("bin/sigec", &program(sigec()))
            .replace("sigec-data/", &format!("{}/", ready.data_dir.display()));
        let mut command = Command::new("bash");
        // `pipefail`, so that a failing curl does not hide behind tee.
        command
            .args(["-euo", "pipefail", "-c", &text])
            .env("TOKEN", TOKEN)
            .env("PGPASSWORD", TOKEN);
        command.current_dir(self.site.path("."));
        command
    }

    fn run(&self, block: &str) -> String {
        let output = self.command(block).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert!(
            output.status.success(),
            "{block}\n{}{}",
            text(&output.stdout),
            text(&output.stderr)
        );
        text(&output.stdout)
    }

    /// A command that the reader leaves running.
    fn leave(&self, block: &str) -> Leaving {
        let foreground = block.trim_end().strip_suffix('&').unwrap();
        let mut command = self.command(&format!("exec {foreground}"));
        Leaving(
            command
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap(),
        )
    }
}

/// Ends with the test.
struct Leaving(Child);

impl Drop for Leaving {
    fn drop(&mut self) {
        // It may have ended already; then there is nothing to end.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_tour_of_the_readme_works_as_written() {
    if !has("psql") || !has("curl") || !has("python3") {
        return;
    }
    let tour = tour();
    let site = Site::new();
    let server = site.start(&[]);
    let terminal = Terminal {
        site: &site,
        server: &server,
    };

    terminal.run(&tour["fleet"]);
    let looked = terminal.run(&tour["look"]);
    assert!(
        looked.contains("\"CP00001\"") && looked.contains("\"status\":\"ok\""),
        "{looked}"
    );
    server.sql_until(
        "SELECT count(DISTINCT station_id) AS n FROM meter_values",
        |rows| {
            rows[0]["n"]
                .as_str()
                .is_some_and(|n| n.parse::<u32>().unwrap() >= 5)
        },
    );
    let queried = terminal.run(&tour["query"]);
    assert!(
        queried.contains("register_wh") && queried.contains("(5 rows)"),
        "{queried}"
    );

    let station = terminal.leave(&tour["arrive"]);
    eventually("the station of the tour", || {
        let device = server.get("/api/v1/devices/TOUR00001");
        if device.status == 200 && device.json()["is_online"] == true {
            Ok(())
        } else {
            Err(device.body)
        }
    });
    let charged = terminal.run(&tour["charge"]);
    assert!(charged.contains("\"total_energy\""), "{charged}");
    drop(station);

    terminal.run(&tour["kill"]);
    let last = server.kill();
    let server = site.restart(&last, &[]);
    let verified = Terminal {
        site: &site,
        server: &server,
    }
    .run(&tour["verify"]);
    assert!(verified.contains("meter_values"), "{verified}");
}
