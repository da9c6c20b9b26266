//! What a figure was measured on.

use std::fs;
use std::process::Command;

use serde::Serialize;

/// The machine, the program and its command: what stands beside every published figure.
#[derive(Clone, Debug, Serialize)]
pub struct Machine {
    /// `model name` of /proc/cpuinfo.
    pub cpu: String,
    /// CPUs this process may run on.
    pub cpus: usize,
    /// Memory, GiB.
    pub memory_gib: u64,
    /// Kernel release.
    pub kernel: String,
    /// Limit of open files.
    pub open_files: u64,
    /// Load average of the last minute when the run began: what else the machine did.
    pub load_average: String,
    /// Commit, with `+` if the tree had changes.
    pub commit: String,
    /// Optimised or not.
    pub profile: &'static str,
    /// The command line, without the program's folder.
    pub command: String,
    /// When the run began, RFC 3339.
    pub date: String,
}

impl Machine {
    /// Looks around; what cannot be found out is empty.
    pub fn read() -> Machine {
        let file = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let field = |path: &str, name: &str| {
            let text = file(path);
            let line = text.lines().find(|line| line.starts_with(name));
            line.and_then(|line| line.split_once(':'))
                .map_or(String::new(), |(_, v)| v.trim().into())
        };
        let memory = field("/proc/meminfo", "MemTotal");
        let kib: u64 = memory
            .split(' ')
            .next()
            .and_then(|kib| kib.parse().ok())
            .unwrap_or(0);
        let load = file("/proc/loadavg");
        let mut args = std::env::args();
        let program = args.next().unwrap_or_default();
        let name = program.rsplit('/').next().unwrap_or_default().to_owned();
        let seconds = net::clock::utc_micros() / 1_000_000;
        Machine {
            cpu: field("/proc/cpuinfo", "model name"),
            cpus: std::thread::available_parallelism().map_or(0, usize::from),
            memory_gib: kib >> 20,
            kernel: file("/proc/sys/kernel/osrelease").trim().to_owned(),
            open_files: net::os::raise_nofile_limit().unwrap_or(0),
            load_average: load.split(' ').next().unwrap_or_default().to_owned(),
            commit: commit(),
            profile: if cfg!(debug_assertions) {
                "dev"
            } else {
                "release"
            },
            command: [name].into_iter().chain(args).collect::<Vec<_>>().join(" "),
            date: fleet::UtcMicros(seconds * 1_000_000).to_string(),
        }
    }
}

fn commit() -> String {
    let git = |args: &[&str]| {
        let output = Command::new("git")
            .args(args)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output();
        output
            .ok()
            .map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let hash = git(&["rev-parse", "--short=12", "HEAD"]).unwrap_or_default();
    let changes = git(&["status", "--porcelain", "--untracked-files=no"]).unwrap_or_default();
    if changes.is_empty() { hash } else { hash + "+" }
}
