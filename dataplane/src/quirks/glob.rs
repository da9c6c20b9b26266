//! Patterns of names: `*` is any run of characters, `?` is one, and case does not matter.

use std::fmt;

/// A pattern.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Glob {
    pattern: String,
    folded: Vec<char>,
}

impl fmt::Debug for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.pattern, f)
    }
}

impl Glob {
    pub(super) fn new(pattern: &str) -> Self {
        Self {
            pattern: pattern.to_owned(),
            folded: pattern.to_lowercase().chars().collect(),
        }
    }

    pub(super) fn as_str(&self) -> &str {
        &self.pattern
    }

    /// Characters that stand for themselves.
    pub(super) fn spelled_out(&self) -> usize {
        self.folded.iter().filter(|c| !"*?".contains(**c)).count()
    }

    /// Whether `text` is of this pattern; takes at most the product of both lengths.
    pub(super) fn matches(&self, text: &str) -> bool {
        if self.folded == ['*'] {
            return true;
        }
        let text: Vec<char> = text.to_lowercase().chars().collect();
        let (mut at, mut in_text) = (0, 0);
        // Where the last star stands, and up to where it reaches.
        let mut star: Option<(usize, usize)> = None;
        while in_text < text.len() {
            match self.folded.get(at) {
                Some('*') => {
                    star = Some((at, in_text));
                    at += 1;
                }
                Some(&c) if c == '?' || c == text[in_text] => {
                    at += 1;
                    in_text += 1;
                }
                Some(_) | None => {
                    let Some((star_at, reach)) = star else {
                        return false;
                    };
                    star = Some((star_at, reach + 1));
                    at = star_at + 1;
                    in_text = reach + 1;
                }
            }
        }
        self.folded[at..].iter().all(|c| *c == '*')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_found_whatever_their_case() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("", "", true),
            ("", "a", false),
            ("Alfen*", "ALFEN BV", true),
            ("alfen", "Alfen BV", false),
            ("*pro*", "Eve Single Pro-line", true),
            ("*pro", "pro line", false),
            ("?.1.*", "7.1.0", true),
            ("?.1.*", "17.1.0", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c-b", false),
            ("ÉVE*", "éve 1", true),
            ("**", "x", true),
        ] {
            assert_eq!(
                Glob::new(pattern).matches(text),
                expected,
                "{pattern} {text}"
            );
        }
        assert_eq!(Glob::new("a*b?").spelled_out(), 2);
    }
}
