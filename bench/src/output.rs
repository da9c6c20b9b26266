//! Results on standard output, and in a folder.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::{Deserialize, Serialize};

use crate::machine::Machine;

/// Options that every benchmark has.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// A size that takes a second or so; its figures mean nothing.
    #[arg(long)]
    pub smoke: bool,
    /// Folder for the results, such as bench/results/2026-11-22-2core-vm; without it they are only printed.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

/// One figure as the summary shows it.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Figure {
    /// What was measured.
    pub name: String,
    /// The result, with its unit.
    pub value: String,
    /// What is to be reached, if something is.
    pub reach: Option<String>,
}

/// The results of one benchmark.
#[derive(Clone, Debug, Serialize)]
pub struct Results<D> {
    /// Name of the binary.
    pub benchmark: &'static str,
    /// What it was measured on.
    pub machine: Machine,
    /// True when the figures mean nothing.
    pub smoke: bool,
    /// Of what was computed: the same for the same size on every machine.
    pub checksum: String,
    /// The summary.
    pub figures: Vec<Figure>,
    /// What a reader might think was measured, and was not.
    pub not_measured: Vec<&'static str>,
    /// Everything else.
    pub data: D,
}

impl<D: Serialize> Results<D> {
    /// Prints the results as JSON, and writes `NAME.json` and `NAME.md` to the folder, if there is one.
    ///
    /// # Errors
    ///
    /// Something cannot be written.
    pub fn publish(&self, options: &Options) -> anyhow::Result<()> {
        let json = serde_json::to_string_pretty(self).context("writing the results")? + "\n";
        std::io::stdout()
            .write_all(json.as_bytes())
            .context("writing to standard output")?;
        let Some(dir) = &options.out else {
            return Ok(());
        };
        std::fs::create_dir_all(dir).with_context(|| format!("creating {}", dir.display()))?;
        write(&dir.join(format!("{}.json", self.benchmark)), &json)?;
        write(
            &dir.join(format!("{}.md", self.benchmark)),
            &self.markdown(),
        )
    }

    fn markdown(&self) -> String {
        let machine = &self.machine;
        let mut text = format!("# {}\n\n", self.benchmark);
        let mut line = |args: std::fmt::Arguments<'_>| {
            text.write_fmt(args).expect("a String takes everything");
            text.push('\n');
        };
        if self.smoke {
            line(format_args!("**A smoke run: the figures mean nothing.**\n"));
        }
        line(format_args!(
            "| figure | measured | to reach |\n| --- | --- | --- |"
        ));
        for Figure { name, value, reach } in &self.figures {
            line(format_args!(
                "| {name} | {value} | {} |",
                reach.as_deref().unwrap_or("")
            ));
        }
        line(format_args!(
            "\n- command: `{}`\n- commit: {} ({})\n- date: {}\n- machine: {}, {} CPUs, {} GiB, kernel {}, {} open \
             files, load average {} at the start\n- checksum: {}",
            machine.command,
            machine.commit,
            machine.profile,
            machine.date,
            machine.cpu,
            machine.cpus,
            machine.memory_gib,
            machine.kernel,
            machine.open_files,
            machine.load_average,
            self.checksum,
        ));
        line(format_args!("\nNot measured:\n"));
        for item in &self.not_measured {
            line(format_args!("- {item}"));
        }
        text
    }
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    std::fs::write(path, text).with_context(|| format!("writing {}", path.display()))
}
