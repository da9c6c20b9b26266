//! A server of its own: the real binary, free ports, a temporary data directory.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};

use serde::Deserialize;
use tempfile::TempDir;

use super::wait::{DEADLINE, Lines, now};

/// The administrator's token of every test server.
pub(crate) const TOKEN: &str = "e2e-administrator-token-0123456789";

/// The program under test.
pub(crate) fn sigec() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sigec"));
    // What the developer's shell sets must not reach the test.
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("SIGEC_")) {
        command.env_remove(name);
    }
    if let Some(driver) = std::env::var_os(UNDER_TEST) {
        command.env("SIGEC_SERVER__DRIVER", driver);
    }
    command.stdin(Stdio::null());
    command
}

/// Names the driver that every server is told to have; nothing is the default.
pub(crate) const UNDER_TEST: &str = "SIGEC_TEST_DRIVER";

pub(crate) const FREE_PORTS: [&str; 6] = [
    "--ocpp",
    "127.0.0.1:0",
    "--http",
    "127.0.0.1:0",
    "--postgres",
    "127.0.0.1:0",
];

/// What the ready file says.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Ready {
    pub(crate) pid: u32,
    pub(crate) ocpp: String,
    pub(crate) ocpps: Option<String>,
    pub(crate) http: String,
    pub(crate) https: Option<String>,
    pub(crate) postgres: String,
    pub(crate) data_dir: PathBuf,
}

/// A home for servers: what outlives one of them.
pub(crate) struct Site {
    dir: TempDir,
}

impl Site {
    pub(crate) fn new() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Starts a server on free ports and waits until it is ready.
    pub(crate) fn start(&self, args: &[&str]) -> Server {
        self.start_with(sigec(), &[&FREE_PORTS, args].concat())
    }

    /// As [`Site::start`], with nothing said of the administrator.
    pub(crate) fn start_without_token(&self, args: &[&str]) -> Server {
        self.run(sigec(), &[&FREE_PORTS, args].concat(), None)
    }

    /// Starts a server again where the last one listened, as stations expect of one that comes back.
    pub(crate) fn restart(&self, last: &Ready, args: &[&str]) -> Server {
        let same = [
            "--ocpp",
            &last.ocpp,
            "--http",
            &last.http,
            "--postgres",
            &last.postgres,
        ];
        self.start_with(sigec(), &[&same, args].concat())
    }

    /// Starts a server whose data directory is a file system of its own, of `size_mib`; without root, in a user
    /// namespace. `None` where this machine allows neither, and the test says so.
    pub(crate) fn start_on_small_disk(&self, size_mib: u32, args: &[&str]) -> Option<Server> {
        const MOUNT: &str = "mount -t tmpfs -o size=\"$0\" tmpfs \"$1\" && shift && exec \"$@\"";
        let (size, data) = (format!("{size_mib}m"), self.path("data"));
        std::fs::create_dir_all(&data).unwrap();
        let inside = |command: &mut Command| {
            command.args(["--user", "--map-root-user", "--mount", "sh", "-c", MOUNT]);
            command.arg(&size).arg(&data);
        };
        let mut probe = Command::new("unshare");
        inside(&mut probe);
        let allowed = probe.arg("true").output();
        if !allowed.as_ref().is_ok_and(|output| output.status.success()) {
            super::foreign::skip(&format!("no small file system: {allowed:?}"));
            return None;
        }
        let program = sigec();
        let mut command = Command::new("unshare");
        inside(&mut command);
        command.arg(program.get_program()).stdin(Stdio::null());
        for (name, value) in program.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        Some(self.run(command, &[&FREE_PORTS, args].concat(), Some(TOKEN)))
    }

    /// As [`Site::start`], a program that was told more than others are, and nothing but this.
    pub(crate) fn start_with(&self, program: Command, args: &[&str]) -> Server {
        self.run(program, args, Some(TOKEN))
    }

    fn run(&self, mut program: Command, args: &[&str], token: Option<&str>) -> Server {
        let ready_file = self.path("ready.json");
        let log_path = self.path("server.log");
        let log = File::options()
            .create(true)
            .append(true)
            .open(&log_path)
            .unwrap();
        let mut child = program
            .arg("run")
            // Relative, as the default is.
            .current_dir(self.path(""))
            .args(["--data-dir", "data"])
            .args(["--ready-file".as_ref(), ready_file.as_os_str()])
            .args(args)
            .envs(token.map(|token| ("SIGEC_ADMIN_TOKEN", token)))
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let lines = Lines::of(child.stdout.take().unwrap());
        let mut printed = Vec::new();
        loop {
            match lines.next() {
                Some(line) if line.starts_with("ready") => {
                    printed.push(line);
                    break;
                }
                Some(line) => printed.push(line),
                None => panic!(
                    "the server ended before it was ready: {printed:?}\n{}",
                    std::fs::read_to_string(&log_path).unwrap()
                ),
            }
        }
        let ready = serde_json::from_slice(&std::fs::read(&ready_file).unwrap()).unwrap();
        Server {
            child,
            ready,
            printed,
            log_path,
        }
    }
}

/// A running server; killed when dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) ready: Ready,
    /// What it printed until it was ready.
    pub(crate) printed: Vec<String>,
    log_path: PathBuf,
}

impl Server {
    /// Where a station connects, to be followed by its identity.
    pub(crate) fn ocpp_url(&self) -> String {
        format!("ws://{}/", self.ready.ocpp)
    }

    pub(crate) fn lake(&self) -> PathBuf {
        self.ready.data_dir.join("lake")
    }

    /// `kill -9`: nothing of it can react.
    pub(crate) fn kill(mut self) -> Ready {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.ready.clone()
    }

    /// Asks it to stop with `signal` and waits for its exit.
    pub(crate) fn stop(self, signal: &str) -> (Ready, ExitStatus) {
        self.send(signal);
        (self.ready.clone(), self.ended())
    }

    pub(crate) fn send(&self, signal: &str) {
        let sent = Command::new("kill")
            .args([&format!("-{signal}"), &self.ready.pid.to_string()])
            .status()
            .unwrap();
        assert!(sent.success());
    }

    /// Waits for its exit.
    pub(crate) fn ended(mut self) -> ExitStatus {
        wait_for_exit(&mut self.child)
    }

    /// Resident memory of its process.
    pub(crate) fn resident_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.ready.pid)).unwrap();
        let line = status
            .lines()
            .find(|line| line.starts_with("VmRSS:"))
            .unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log_path).unwrap()
    }
}

impl Drop for Server {
    #[expect(
        clippy::print_stdout,
        reason = "the runner shows it beside the failure"
    )]
    fn drop(&mut self) {
        // It may have ended already; then there is nothing to end.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            let log = self.log();
            let begin = log.lines().count().saturating_sub(40);
            let tail: Vec<_> = log.lines().skip(begin).collect();
            println!("the server's last lines:\n{}", tail.join("\n"));
        }
    }
}

/// Runs a command to its end. As [`Command::output`], which would wait for ever for a server that starts although it
/// should not.
///
/// # Panics
///
/// When it has not ended within [`DEADLINE`].
pub(crate) fn output(command: &mut Command) -> Output {
    let (stdout, stderr) = (Stdio::piped(), Stdio::piped());
    let mut child = command.stdout(stdout).stderr(stderr).spawn().unwrap();
    let read = |mut pipe: Box<dyn Read + Send>| {
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            pipe.read_to_end(&mut bytes).map(|_| bytes)
        })
    };
    let stdout = read(Box::new(child.stdout.take().unwrap()));
    let stderr = read(Box::new(child.stderr.take().unwrap()));
    Output {
        status: wait_for_exit(&mut child),
        stdout: stdout.join().unwrap().unwrap(),
        stderr: stderr.join().unwrap().unwrap(),
    }
}

/// Waits for the end of a child.
///
/// # Panics
///
/// When it has not ended within [`DEADLINE`]; it is killed then.
pub(crate) fn wait_for_exit(child: &mut Child) -> ExitStatus {
    let started = now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        if started.elapsed() > DEADLINE {
            child.kill().unwrap();
            panic!("process {} did not end within {DEADLINE:?}", child.id());
        }
        std::thread::park_timeout(std::time::Duration::from_millis(10));
    }
}

/// The load generator, which cargo builds beside the program.
pub(crate) fn loadgen() -> Command {
    let path = Path::new(env!("CARGO_BIN_EXE_sigec")).with_file_name("loadgen");
    assert!(
        path.exists(),
        "{} is missing: cargo build -p loadgen",
        path.display()
    );
    Command::new(path)
}
