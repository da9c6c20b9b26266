//! The page on attacks names the tests that try them, and leaves none out.

use std::collections::{BTreeMap, BTreeSet};

use super::{read, root};

/// The classes of attacks, from 1 on.
const CLASSES: usize = 25;

/// Names of all functions behind an attribute that makes them tests.
fn tests() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let crates = std::fs::read_dir(root()).unwrap();
    let crates = crates.map(|entry| entry.unwrap().path());
    let mut folders: Vec<_> = crates
        .filter(|path| path.join("Cargo.toml").exists())
        .flat_map(|path| [path.join("src"), path.join("tests")])
        .filter(|path| path.is_dir())
        .collect();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let source = std::fs::read_to_string(path).unwrap();
                let mut is_next = false;
                for line in source.lines().map(str::trim) {
                    is_next |= line.starts_with("#[test]") || line.starts_with("#[tokio::test");
                    let line = line.strip_prefix("async ").unwrap_or(line);
                    if let Some(rest) = line.strip_prefix("fn ")
                        && std::mem::take(&mut is_next)
                    {
                        names.insert(rest.split('(').next().unwrap().to_owned());
                    }
                }
            }
        }
    }
    names
}

/// What is wrong with the page, a line for each.
fn faults(page: &str, tests: &BTreeSet<String>) -> Vec<String> {
    let mut found = Vec::new();
    let mut listed: BTreeMap<usize, Vec<&str>> = BTreeMap::new();
    for line in page.lines() {
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        if let [_, class, _, _, names, _] = cells[..]
            && let Ok(class) = class.parse()
        {
            let names = names.split('`').skip(1).step_by(2).collect();
            if listed.insert(class, names).is_some() {
                found.push(format!("class {class} stands there twice"));
            }
        }
    }
    for class in 1..=CLASSES {
        match listed.get(&class) {
            None => found.push(format!("class {class} is missing")),
            Some(names) if names.is_empty() => found.push(format!("class {class} has no test")),
            Some(names) => {
                let missing = names.iter().filter(|name| !tests.contains(**name));
                found.extend(missing.map(|name| format!("class {class}: there is no test {name}")));
            }
        }
    }
    for test in tests {
        let class = test.strip_prefix("atk_").and_then(|rest| rest.get(..2));
        let Some(class) = class.and_then(|class| class.parse().ok()) else {
            continue;
        };
        let names = listed.get(&class);
        if names.is_none_or(|names| !names.contains(&test.as_str())) {
            found.push(format!("class {class} does not list {test}"));
        }
    }
    found
}

#[test]
fn every_class_of_attacks_has_tests_and_none_is_left_out() {
    let found = faults(&read("docs/operating/attacks.md"), &tests());
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn what_the_page_on_attacks_lacks_is_named() {
    let row = |class: usize, names: &str| format!("| {class} | a | b | {names} |\n");
    let page: String = (1..CLASSES)
        .map(|class| match class {
            1 => row(class, "`atk_01_a`, `gone`"),
            2 => row(class, ""),
            _ => row(class, "`other`"),
        })
        .collect();
    let tests = ["atk_01_a", "atk_01_b", "atk_30_c", "atk_no_number", "other"];
    let tests = tests.map(str::to_owned).into();
    assert_eq!(
        faults(&page, &tests),
        [
            "class 1: there is no test gone",
            "class 2 has no test",
            "class 25 is missing",
            "class 1 does not list atk_01_b",
            "class 30 does not list atk_30_c",
        ]
    );
}
