//! A sentence as words, folded: lower case, without accents.

/// Longest sentence that is looked at, in characters.
const CHARS_MAX: usize = 500;

/// The words of a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Words {
    words: Vec<String>,
    /// Words as they stand between blanks that hold a digit and something else: `cp-001`.
    mentions: Vec<String>,
    question_mark: bool,
}

impl Words {
    pub(crate) fn of(text: &str) -> Self {
        let folded: String = text.chars().take(CHARS_MAX).flat_map(fold).collect();
        let words = folded
            .split(|c: char| !c.is_alphanumeric())
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect();
        let mentions = folded
            .split_whitespace()
            .map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()))
            .filter(|word| word.contains(|c: char| c.is_ascii_digit()))
            .map(str::to_owned)
            .collect();
        Self {
            words,
            mentions,
            question_mark: folded.contains('?'),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.words.len()
    }

    pub(crate) fn get(&self, at: usize) -> Option<&str> {
        self.words.get(at).map(String::as_str)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        self.words.iter().map(String::as_str)
    }

    /// True when the sentence has a question mark.
    pub(crate) fn asks(&self) -> bool {
        self.question_mark
    }

    pub(crate) fn mentions(&self) -> &[String] {
        &self.mentions
    }

    /// True when `word` is (the beginning of) a word with a digit in it.
    pub(crate) fn is_mention(&self, word: &str) -> bool {
        self.mentions
            .iter()
            .any(|mention| mention.starts_with(word))
    }

    /// True when a word of `set` occurs.
    pub(crate) fn any(&self, set: &[&str]) -> bool {
        self.iter().any(|word| set.contains(&word))
    }

    /// True when a word of `second` follows directly on one of `first`.
    pub(crate) fn pair(&self, first: &[&str], second: &[&str]) -> bool {
        self.within(first, second, 1)
    }

    /// True when a word of `second` stands at most `distance` words after one of `first`.
    pub(crate) fn within(&self, first: &[&str], second: &[&str], distance: usize) -> bool {
        self.iter().enumerate().any(|(at, word)| {
            first.contains(&word)
                && self
                    .iter()
                    .skip(at + 1)
                    .take(distance)
                    .any(|word| second.contains(&word))
        })
    }
}

/// A letter of Portuguese without its accent, in lower case. Combining accents vanish.
fn fold(c: char) -> impl Iterator<Item = char> {
    let folded = match c {
        'á' | 'à' | 'â' | 'ã' | 'ä' | 'Á' | 'À' | 'Â' | 'Ã' | 'Ä' => 'a',
        'é' | 'è' | 'ê' | 'ë' | 'É' | 'È' | 'Ê' | 'Ë' => 'e',
        'í' | 'ì' | 'î' | 'ï' | 'Í' | 'Ì' | 'Î' | 'Ï' => 'i',
        'ó' | 'ò' | 'ô' | 'õ' | 'ö' | 'Ó' | 'Ò' | 'Ô' | 'Õ' | 'Ö' => 'o',
        'ú' | 'ù' | 'û' | 'ü' | 'Ú' | 'Ù' | 'Û' | 'Ü' => 'u',
        'ç' | 'Ç' => 'c',
        'ñ' | 'Ñ' => 'n',
        other => other,
    };
    let combining = matches!(c, '\u{300}'..='\u{36f}');
    folded.to_lowercase().filter(move |_| !combining)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_folded_and_mentions_keep_their_marks() {
        let words = Words::of("Não, EVA: inicie a sessa\u{303}o no CP-001.");
        let folded: Vec<_> = words.iter().collect();
        assert_eq!(
            folded,
            ["nao", "eva", "inicie", "a", "sessao", "no", "cp", "001"]
        );
        assert_eq!(words.mentions(), ["cp-001"]);
    }
}
