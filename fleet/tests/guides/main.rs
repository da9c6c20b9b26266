//! The guides say the same in English and in Portuguese, and what they point at is there. The test stands here because
//! this crate compiles in seconds.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod attacks;
mod pointers;
mod twins;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(page: &str) -> String {
    std::fs::read_to_string(root().join(page)).unwrap_or_else(|error| panic!("{page}: {error}"))
}

/// Names of the pages in a folder, sorted.
fn pages_in(folder: &str) -> BTreeSet<String> {
    let entries = std::fs::read_dir(root().join(folder)).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.ends_with(".md")).collect()
}

/// A heading with what stands below it, up to the next one.
#[derive(Default)]
struct Section {
    level: usize,
    heading: String,
    /// Blocks of code, without comments: those are translated.
    blocks: Vec<String>,
    /// Of each row of its tables the first two cells.
    rows: Vec<(String, String)>,
    /// What stands between backticks in the text.
    spans: BTreeSet<String>,
}

fn sections(text: &str) -> Vec<Section> {
    let mut sections = vec![Section::default()];
    let mut block: Option<String> = None;
    let mut prose = String::new();
    for line in text.lines() {
        let section = sections.last_mut().unwrap();
        if line.starts_with("```") {
            match block.take() {
                Some(ended) => section.blocks.push(ended),
                None => block = Some(format!("{line}\n")),
            }
        } else if let Some(block) = &mut block {
            let code = match line.trim_start().starts_with('#') {
                true => "",
                false => line.split("  #").next().unwrap_or(line).trim_end(),
            };
            if !code.is_empty() {
                writeln!(block, "{code}").unwrap();
            }
        } else if line.starts_with('#') {
            section.spans = spans(&std::mem::take(&mut prose));
            let heading = line.trim_start_matches('#');
            sections.push(Section {
                level: line.len() - heading.len(),
                heading: heading.trim().to_owned(),
                ..Section::default()
            });
        } else {
            if line.starts_with('|') {
                let mut cells = line.split('|').skip(1).map(|cell| cell.trim().to_owned());
                let (first, second) = (cells.next(), cells.next());
                section
                    .rows
                    .push((first.unwrap_or_default(), second.unwrap_or_default()));
            }
            prose.push_str(line);
            prose.push('\n');
        }
    }
    assert!(block.is_none(), "a block of code does not end");
    sections.last_mut().unwrap().spans = spans(&prose);
    sections
}

fn spans(prose: &str) -> BTreeSet<String> {
    let between = prose.split('`').skip(1).step_by(2);
    between
        .map(|span| span.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect()
}
