//! The guides say the same in English and in Portuguese, and what they point at is there: links, files, crates.
//!
//! What both languages share is compared section by section: levels of headings, commands and other blocks of code, rows
//! of tables, and every word between backticks. The test stands here because this crate compiles in seconds.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

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

/// What differs between two languages of one page, a line for each.
fn differences(page: &str, english: &str, portuguese: &str) -> Vec<String> {
    let (english, portuguese) = (sections(english), sections(portuguese));
    let mut found = Vec::new();
    for (ours, theirs) in english.iter().zip(&portuguese) {
        let place = format!(
            "{page}, \"{}\" (English: \"{}\")",
            theirs.heading, ours.heading
        );
        if ours.level != theirs.level {
            found.push(format!(
                "{place}: the levels of the headings differ; is one missing before it?"
            ));
            return found;
        }
        if ours.rows.len() != theirs.rows.len() {
            found.push(format!(
                "{place}: {} rows of tables, in English {}",
                theirs.rows.len(),
                ours.rows.len()
            ));
        }
        // Names and types of columns are no prose.
        let is_sql = page.contains("sql");
        for (ours, theirs) in ours
            .rows
            .iter()
            .zip(&theirs.rows)
            .filter(|(ours, _)| is_sql && ours.0.starts_with('`'))
        {
            if ours != theirs {
                found.push(format!(
                    "{place}: the row {theirs:?} is {ours:?} in English"
                ));
            }
        }
        if ours.blocks.len() != theirs.blocks.len() {
            found.push(format!(
                "{place}: {} blocks of code, in English {}",
                theirs.blocks.len(),
                ours.blocks.len()
            ));
        }
        for (ours, theirs) in ours
            .blocks
            .iter()
            .zip(&theirs.blocks)
            .filter(|(ours, theirs)| ours != theirs)
        {
            found.push(format!(
                "{place}: this block of code\n{theirs}is in English\n{ours}"
            ));
        }
        for span in ours.spans.difference(&theirs.spans) {
            found.push(format!("{place}: `{span}` stands only in English"));
        }
        for span in theirs.spans.difference(&ours.spans) {
            found.push(format!("{place}: `{span}` stands only in Portuguese"));
        }
    }
    if english.len() != portuguese.len() {
        found.push(format!(
            "{page}: {} headings, in English {}",
            portuguese.len() - 1,
            english.len() - 1
        ));
    }
    found
}

#[test]
fn every_guide_says_the_same_in_both_languages() {
    let guides = pages_in("docs/operating");
    let translated = pages_in("docs/operating/pt-BR");
    let mut found = Vec::new();
    for missing in guides.difference(&translated) {
        found.push(format!(
            "docs/operating/{missing} has no docs/operating/pt-BR/{missing}: the same headings, blocks of code and words \
             between backticks, with the prose in Portuguese"
        ));
    }
    for alone in translated.difference(&guides) {
        found.push(format!(
            "docs/operating/pt-BR/{alone} has no docs/operating/{alone}"
        ));
    }
    let pairs = guides.intersection(&translated).map(|name| {
        let pair = (
            format!("docs/operating/{name}"),
            format!("docs/operating/pt-BR/{name}"),
        );
        (pair, (format!("pt-BR/{name}"), format!("../{name}")))
    });
    let others = ["README", "deploy/README", "docs/sql"].map(|page| {
        let name = page.rsplit('/').next().unwrap();
        let pair = (format!("{page}.md"), format!("{page}.pt-BR.md"));
        (pair, (format!("{name}.pt-BR.md"), format!("{name}.md")))
    });
    for ((english, portuguese), (there, back)) in pairs.chain(others) {
        let (ours, theirs) = (read(&english), read(&portuguese));
        for (page, text, link) in [
            (&english, &ours, format!("[Português]({there})")),
            (&portuguese, &theirs, format!("[English]({back})")),
        ] {
            if text.lines().nth(2) != Some(&link) {
                found.push(format!("{page}: line 3 is not {link}"));
            }
        }
        found.extend(differences(&portuguese, &ours, &theirs));
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn a_difference_is_named_with_its_section() {
    let english = "# A\n\n`x` and `y`\n\n## B\n\n```sh\nls   # all\n```\n\n| a | b |\n";
    let same = "# Á\n\n`y` e `x`\n\n## Bê\n\n```sh\n# tudo\nls\n```\n\n| á | b |\n";
    assert_eq!(differences("p", english, same), Vec::<String>::new());
    let other = "# Á\n\n`y` e `z`\n\n## Bê\n\n```sh\nls -l\n```\n";
    let expected = [
        "p, \"Á\" (English: \"A\"): `x` stands only in English",
        "p, \"Á\" (English: \"A\"): `z` stands only in Portuguese",
        "p, \"Bê\" (English: \"B\"): 0 rows of tables, in English 1",
        "p, \"Bê\" (English: \"B\"): this block of code\n```sh\nls -l\nis in English\n```sh\nls\n",
    ];
    assert_eq!(differences("p", english, other), expected);
    let shorter = ["p: 1 headings, in English 2"];
    assert_eq!(differences("p", english, "# Á\n\n`x` `y`\n"), shorter);
    let deeper = [
        "p, \"Bê\" (English: \"B\"): the levels of the headings differ; is one missing before it?",
    ];
    assert_eq!(
        differences("p", english, "# Á\n\n`x` `y`\n\n### Bê\n"),
        deeper
    );
}

/// The name that a heading has in a link, as GitHub makes it.
fn anchor(heading: &str) -> String {
    let kept = heading
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

#[test]
fn every_link_of_the_documentation_leads_somewhere() {
    let folders = [
        ".",
        "docs",
        "docs/operating",
        "docs/operating/pt-BR",
        "docs/adr",
        "deploy",
    ];
    let mut broken = Vec::new();
    for folder in folders {
        for name in pages_in(folder) {
            let page = format!("{folder}/{name}");
            let text = read(&page);
            // Blocks of code and what stands between backticks are no links.
            let prose: String = text.split("```").step_by(2).collect();
            let prose: String = prose.split('`').step_by(2).collect();
            for link in prose.split("](").skip(1) {
                let link = link.split([')', '>']).next().unwrap();
                if link.contains("://") {
                    continue;
                }
                let (path, wanted) = link
                    .split_once('#')
                    .map_or((link, None), |(path, name)| (path, Some(name)));
                let target = match path {
                    "" => root().join(&page),
                    path => root().join(folder).join(path),
                };
                let is_there = target.exists()
                    && wanted.is_none_or(|wanted| {
                        let text = std::fs::read_to_string(&target).unwrap_or_default();
                        sections(&text)
                            .iter()
                            .any(|section| anchor(&section.heading) == wanted)
                    });
                if !is_there {
                    broken.push(format!("{page}: nothing is at {link}"));
                }
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn every_file_that_the_documentation_names_exists() {
    let entries = std::fs::read_dir(root()).unwrap();
    let folders: BTreeSet<String> = entries
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    let mut missing = Vec::new();
    let mut named = 0;
    for folder in [".", "docs", "docs/operating"] {
        for name in pages_in(folder) {
            let page = format!("{folder}/{name}");
            // What a page on changes names may be gone by now.
            if name == "CHANGELOG.md" || name == "ocpp-coverage.md" {
                continue;
            }
            for section in sections(&read(&page)) {
                for span in &section.spans {
                    let is_path = span
                        .split_once('/')
                        .is_some_and(|(first, _)| folders.contains(first));
                    let is_whole = !span.contains(['<', '…', '*', ' ', '{']);
                    if is_path && is_whole {
                        named += 1;
                        if !root().join(span).exists() {
                            missing.push(format!("{page}: there is no {span}"));
                        }
                    }
                }
            }
        }
    }
    assert!(20 < named, "only {named} files were found in the text");
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

/// The crates of this workspace that a manifest depends on.
fn dependencies(manifest: &str) -> BTreeSet<String> {
    let (_, rest) = manifest.split_once("\n[dependencies]\n").unwrap();
    let own = rest.split("\n[").next().unwrap();
    let names = own
        .lines()
        .filter_map(|line| line.split(['.', ' ', '=']).next());
    let is_ours = |name: &&str| !name.is_empty() && root().join(name).join("Cargo.toml").exists();
    names.filter(is_ours).map(str::to_owned).collect()
}

#[test]
fn the_arrows_of_the_architecture_are_those_of_the_manifests() {
    let page = read("docs/architecture.md");
    let (_, block) = page.split_once("Arrows only point down").unwrap();
    let block = block.split("```").nth(1).unwrap();
    let mut shown = BTreeSet::new();
    for (folder, arrows) in block.lines().filter_map(|line| line.split_once('→')) {
        let folder = folder.trim();
        let arrows: BTreeSet<String> = arrows.split_whitespace().map(str::to_owned).collect();
        assert_eq!(
            arrows,
            dependencies(&read(&format!("{folder}/Cargo.toml"))),
            "arrows of {folder}"
        );
        shown.insert(folder.to_owned());
    }
    for entry in std::fs::read_dir(root()).unwrap() {
        let entry = entry.unwrap();
        let manifest = entry.path().join("Cargo.toml");
        let folder = entry.file_name().into_string().unwrap();
        if let Ok(manifest) = std::fs::read_to_string(manifest) {
            assert!(
                shown.contains(&folder) || dependencies(&manifest).is_empty(),
                "{folder} has no line among the arrows of docs/architecture.md"
            );
        }
    }
}

/// Every source file of the program, each text of its messages in one piece: without quotes and continued lines.
fn sources() -> String {
    let mut text = String::new();
    let crates = std::fs::read_dir(root()).unwrap();
    let mut folders: Vec<PathBuf> = crates
        .map(|entry| entry.unwrap().path().join("src"))
        .collect();
    folders.retain(|folder| folder.is_dir());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                text += &std::fs::read_to_string(path).unwrap();
            }
        }
    }
    let lines = text.split("\\\n").map(str::trim_start);
    lines.collect::<String>().replace(['\\', '"'], "")
}

#[test]
fn every_message_that_a_guide_explains_is_one_of_the_program() {
    /// Said by the operating system.
    const FOREIGN: &[&str] = &["Address already in use"];
    let sources = sources();
    let mut looked_for = 0;
    for section in sections(&read("docs/operating/watching.md")) {
        let is_of_messages = section.rows.first().is_some_and(|row| row.0 == "Message");
        for (messages, _) in section.rows.iter().filter(|_| is_of_messages) {
            for message in spans(messages) {
                // What stands between two dots of omission differs each time.
                let parts = message
                    .split('…')
                    .map(|part| part.replace('"', "").trim().to_owned());
                for part in parts.filter(|part| 8 < part.len() && !FOREIGN.contains(&part.as_str()))
                {
                    looked_for += 1;
                    assert!(
                        sources.contains(&part),
                        "docs/operating/watching.md: nothing says {part:?}"
                    );
                }
            }
        }
    }
    assert!(20 < looked_for, "only {looked_for} messages were found");
}
