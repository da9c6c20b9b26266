//! Programs that others wrote. A test that needs one which this machine lacks says so and ends.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

use serde_json::Value;

use super::server::wait_for_exit;
use super::wait::Lines;

/// Says on the real standard error, which the test runner does not capture, that a test does not run.
pub(crate) fn skip(why: &str) {
    let name = std::thread::current().name().unwrap_or("a test").to_owned();
    let line = format!("SKIPPED {name}: {why}\n");
    std::io::stderr().write_all(line.as_bytes()).unwrap();
}

/// The Python of the test environment (sigec/tests/setup.sh).
pub(crate) fn python() -> Option<PathBuf> {
    let home = || std::env::var("HOME").map(|home| format!("{home}/.cache/sigec-venv"));
    let venv = std::env::var("SIGEC_VENV").or_else(|_| home()).ok()?;
    let python = Path::new(&venv).join("bin/python");
    if !python.exists() {
        skip(&format!("no {}; run `make setup`", python.display()));
        return None;
    }
    Some(python)
}

/// Node with the libraries of the test environment (sigec/tests/setup.sh).
pub(crate) fn node() -> Option<Command> {
    let home = || std::env::var("HOME").map(|home| format!("{home}/.cache/sigec-node"));
    let packages = std::env::var("SIGEC_NODE").or_else(|_| home()).ok()?;
    let modules = Path::new(&packages).join("node_modules");
    if !modules.exists() {
        skip(&format!("no {}; run `make setup`", modules.display()));
        return None;
    }
    let mut node = Command::new("node");
    node.env("NODE_PATH", modules);
    Some(node)
}

/// Whether `program` is installed.
pub(crate) fn has(program: &str) -> bool {
    let found = Command::new(program).arg("--version").output().is_ok();
    if !found {
        skip(&format!("{program} is not installed; run `make setup`"));
    }
    found
}

/// One of our scripts around a foreign library.
pub(crate) fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/foreign")
        .join(name)
}

/// A charging station made with a foreign library; it ends when dropped.
pub(crate) struct Station {
    child: Child,
    lines: Lines,
    /// Closing it asks the station to leave.
    input: Option<ChildStdin>,
}

impl Station {
    pub(crate) fn start(python: &Path, name: &str, args: &[&str]) -> Self {
        Self::run(Command::new(python), name, args)
    }

    /// Runs one of our scripts with `interpreter`.
    pub(crate) fn run(mut interpreter: Command, name: &str, args: &[&str]) -> Self {
        let mut child = interpreter
            .arg(script(name))
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = Lines::of(child.stdout.take().unwrap());
        let input = child.stdin.take();
        Self {
            child,
            lines,
            input,
        }
    }

    /// The next step it reports.
    pub(crate) fn next(&self) -> Value {
        let line = self
            .lines
            .next()
            .expect("the station ended; its traceback is above");
        serde_json::from_str(&line).unwrap()
    }

    /// The next step of this name; steps before it are passed over.
    pub(crate) fn until(&self, event: &str) -> Value {
        loop {
            let step = self.next();
            if step["event"] == event {
                return step;
            }
        }
    }

    /// One line of its input, for a script that does what that says.
    pub(crate) fn tell(&mut self, step: &Value) {
        let input = self.input.as_mut().unwrap();
        input.write_all(format!("{step}\n").as_bytes()).unwrap();
    }

    /// Lets it leave, and checks that it ended well.
    pub(crate) fn leave(mut self) {
        drop(self.input.take());
        let status = wait_for_exit(&mut self.child);
        assert!(status.success(), "the station ended with {status}");
    }
}

impl Drop for Station {
    fn drop(&mut self) {
        // It may have ended already; then there is nothing to end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
