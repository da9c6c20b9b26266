//! Both languages of a page, section by section: levels of headings, commands and other blocks of code, rows of tables,
//! and every word between backticks.

use super::{pages_in, read, sections};

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
    for index in ["docs/operating/README.md", "docs/operating/pt-BR/README.md"] {
        let listed = read(index);
        for name in guides.iter().filter(|name| *name != "README.md") {
            if !listed.contains(&format!("]({name})")) {
                found.push(format!("{index} has no row for {name}"));
            }
        }
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
