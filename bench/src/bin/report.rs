//! Writes `docs/performance.md` and its plots from committed results.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use clap::Parser;

/// Write docs/performance.md and its plots from committed results.
#[derive(Debug, Parser)]
#[command(after_help = "Examples:
  cargo run -p bench --bin report
  cargo run -p bench --bin report -- --check
  cargo run -p bench --bin report -- --results bench/results/2026-11-22-2core-vm")]
struct Arguments {
    /// Folder of results [default: the newest in bench/results]
    #[arg(long, value_name = "DIR")]
    results: Option<PathBuf>,
    /// Only say whether the page is true of the results.
    #[arg(long)]
    check: bool,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let bench = Path::new(env!("CARGO_MANIFEST_DIR"));
    let results = match arguments.results {
        Some(dir) => dir,
        None => newest(&bench.join("results"))?,
    };
    let docs = bench.join("../docs");
    for (file, text) in bench::report::page(&results)? {
        let path = docs.join(&file);
        let found = fs::read_to_string(&path).unwrap_or_default();
        if found == text {
            continue;
        }
        ensure!(
            !arguments.check,
            "docs/{} is not what {} makes; run `cargo run -p bench --bin report`",
            file.display(),
            results.display()
        );
        let folder = path.parent().context("a file lies in a folder")?;
        fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))?;
        fs::write(&path, text).with_context(|| format!("writing {}", path.display()))?;
        let mut stdout = std::io::stdout();
        writeln!(stdout, "wrote docs/{}", file.display()).context("saying what was written")?;
    }
    Ok(())
}

/// Their names begin with their dates.
fn newest(dir: &Path) -> anyhow::Result<PathBuf> {
    let entries = fs::read_dir(dir).with_context(|| format!("reading {}", dir.display()))?;
    let folders = entries.flatten().map(|entry| entry.path());
    let newest = folders.filter(|path| path.is_dir()).max();
    newest.with_context(|| format!("{} has no results", dir.display()))
}
