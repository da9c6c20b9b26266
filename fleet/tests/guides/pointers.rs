//! What the pages point at is there: links, files, crates, messages, routes.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::{pages_in, read, root, sections, spans};

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

/// Every source file of the crates.
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
    text
}

/// A text with its continued lines in one piece.
fn joined(text: &str) -> String {
    text.split("\\\n").map(str::trim_start).collect()
}

/// What the log says at a level: of each call of its macro the longest text, with dots of omission for what differs.
fn messages(sources: &str, level: &str) -> BTreeSet<String> {
    let mut messages = BTreeSet::new();
    for call in sources.split(&format!("{level}!(")).skip(1) {
        let (mut depth, mut longest, mut rest) = (1, "", call);
        while let Some(at) = rest.find(['(', ')', '"']).filter(|_| 0 < depth) {
            let found = rest.as_bytes()[at];
            rest = &rest[at + 1..];
            match found {
                b'(' => depth += 1,
                b')' => depth -= 1,
                _ => {
                    let (text, after) = rest.split_once('"').unwrap();
                    longest = if longest.len() < text.len() {
                        text
                    } else {
                        longest
                    };
                    rest = after;
                }
            }
        }
        let parts = longest.split('{');
        let parts = parts.map(|part| part.split_once('}').map_or(part, |(_, after)| after));
        messages.insert(parts.collect::<Vec<_>>().join("…"));
    }
    messages
}

#[test]
fn every_warning_and_error_of_the_program_is_explained() {
    let sources = joined(&sources());
    let page = sections(&read("docs/operating/watching.md"));
    let rows = page.iter().flat_map(|section| &section.rows);
    let explained: BTreeSet<_> = rows.flat_map(|(messages, _)| spans(messages)).collect();
    for level in ["warn", "error"] {
        let said = messages(&sources, level);
        assert!(10 < said.len(), "only {} of {level}", said.len());
        for message in said {
            assert!(
                explained.contains(&message),
                "docs/operating/watching.md does not explain {message:?}"
            );
        }
    }
}

#[test]
fn every_message_that_a_guide_explains_is_one_of_the_program() {
    /// Said by the operating system.
    const FOREIGN: &[&str] = &["Address already in use"];
    let sources = joined(&sources()).replace(['\\', '"'], "");
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

/// Whether a path is one of a route, whose segments in braces stand for anything.
fn is_of_route(path: &str, route: &str) -> bool {
    let (mut path, mut route) = (path.split('/'), route.split('/'));
    loop {
        match (path.next(), route.next()) {
            (None, None) => return true,
            (Some(here), Some(there)) if there.starts_with('{') || here == there => (),
            _ => return false,
        }
    }
}

#[test]
fn every_route_that_a_guide_shows_is_one_of_the_api() {
    let policy = read("control-api/src/policy.rs");
    let routes: Vec<&str> = policy
        .split('"')
        .filter(|text| text.starts_with('/'))
        .collect();
    let mut unknown = Vec::new();
    let mut shown = 0;
    let pages = pages_in("docs/operating")
        .into_iter()
        .map(|name| format!("docs/operating/{name}"));
    for page in pages.chain(["README.md".to_owned(), "docs/sql.md".to_owned()]) {
        let text = read(&page);
        for rest in text.split("/api/v1/").skip(1) {
            let is_of_path = |c: char| c.is_ascii_alphanumeric() || "-_/{}$.".contains(c);
            let end = rest.find(|c| !is_of_path(c)).unwrap_or(rest.len());
            let path = format!("/api/v1/{}", rest[..end].trim_end_matches('.'));
            shown += 1;
            if !routes.iter().any(|route| is_of_route(&path, route)) {
                unknown.push(format!("{page}: the API has no {path}"));
            }
        }
    }
    assert!(40 < shown, "only {shown} routes were found");
    assert!(unknown.is_empty(), "{}", unknown.join("\n"));
}
