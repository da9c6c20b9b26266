//! Unpacks corpora for libFuzzer, which wants a folder of files, and packs what it leaves.

use std::path::Path;

use anyhow::{Context, bail};
use fuzz::{Target, corpus};

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let [verb @ ("unpack" | "pack"), target, dir] = words[..] else {
        bail!("found {words:?}, expected `unpack TARGET DIR` or `pack TARGET DIR`");
    };
    let target = Target::of(target).with_context(|| format!("there is no target {target:?}"))?;
    let dir = Path::new(dir);
    if verb == "pack" {
        return corpus::write(target, files(dir)?);
    }
    std::fs::create_dir_all(dir).with_context(|| format!("creating {}", dir.display()))?;
    for (number, input) in corpus::read(target)?.iter().enumerate() {
        let path = dir.join(format!("{number:05}"));
        std::fs::write(&path, input).with_context(|| format!("writing {}", path.display()))?;
    }
    Ok(())
}

fn files(dir: &Path) -> anyhow::Result<Vec<Vec<u8>>> {
    let entries = std::fs::read_dir(dir).with_context(|| format!("reading {}", dir.display()))?;
    entries
        .map(|entry| {
            let path = entry.context("reading a folder")?.path();
            std::fs::read(&path).with_context(|| format!("reading {}", path.display()))
        })
        .collect()
}
