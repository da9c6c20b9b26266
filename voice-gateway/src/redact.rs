//! Takes what identifies a person out of a text before it is kept.

/// Digits in a row (blanks, dots and dashes between them) from which on they are somebody's: CPF, phone, card.
const DIGITS_MIN: usize = 8;

/// `text` without e-mail addresses, number plates and long numbers, control characters, and cut to `chars_max`.
pub(crate) fn redact(text: &str, chars_max: usize) -> String {
    let words: Vec<_> = text
        .split_whitespace()
        .map(|word| {
            if word.contains('@') {
                "[e-mail]".to_owned()
            } else if is_plate(word) {
                "[placa]".to_owned()
            } else {
                word.chars().filter(|c| !c.is_control()).collect()
            }
        })
        .collect();
    long_numbers(&words.join(" "))
        .chars()
        .take(chars_max)
        .collect()
}

/// `ABC1D23` (Mercosul) or `ABC-1234`.
fn is_plate(word: &str) -> bool {
    let plain: Vec<char> = word.chars().filter(char::is_ascii_alphanumeric).collect();
    let is = |at: usize, letter: bool| {
        plain[at].is_ascii_alphabetic() == letter && plain[at].is_ascii_digit() != letter
    };
    plain.len() == 7
        && (0..3).all(|at| is(at, true))
        && [3, 5, 6].into_iter().all(|at| is(at, false))
}

fn long_numbers(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        kept.push_str(&rest[..start]);
        rest = &rest[start..];
        let run = rest
            .find(|c: char| !c.is_ascii_digit() && !matches!(c, ' ' | '.' | '-' | '(' | ')' | '/'))
            .unwrap_or(rest.len());
        let run = rest[..run]
            .trim_end_matches(|c: char| !c.is_ascii_digit())
            .len();
        let digits = rest[..run].bytes().filter(u8::is_ascii_digit).count();
        kept.push_str(if DIGITS_MIN <= digits {
            "[número]"
        } else {
            &rest[..run]
        });
        rest = &rest[run..];
    }
    kept.push_str(rest);
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn persons_leave_no_trace() {
        for (text, expected) in [
            ("meu CPF é 123.456.789-09", "meu CPF é [número]"),
            ("ligue (11) 91234-5678 já", "ligue ([número] já"),
            ("cartão 4111 1111 1111 1111.", "cartão [número]."),
            ("ana@example.org reclamou", "[e-mail] reclamou"),
            ("placa ABC1D23 ou ABC-1234", "placa [placa] ou [placa]"),
            (
                "posto 5, conector 2: erro 1234567",
                "posto 5, conector 2: erro 1234567",
            ),
            ("linha\u{7}um\n dois", "linhaum dois"),
        ] {
            assert_eq!(redact(text, 100), expected);
        }
        assert_eq!(redact("ação ação", 4), "ação");
    }
}
