//! Numbers in words or digits: `cinco`, `cento e vinte e um`, `zero zero sete`, `12`.

use super::Words;

/// A number and the words it takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Number {
    /// Index of its first word.
    pub(crate) start: usize,
    /// Index after its last word.
    pub(crate) end: usize,
    /// As digits; leading zeros stay.
    pub(crate) digits: String,
}

/// Most digits of a number that names something.
const DIGITS_MAX: usize = 9;

/// All numbers of a sentence, from left to right.
pub(crate) fn find(words: &Words) -> Vec<Number> {
    let mut numbers = Vec::new();
    let mut at = 0;
    while at < words.len() {
        match number_at(words, at) {
            Some(number) => {
                at = number.end;
                numbers.push(number);
            }
            None => at += 1,
        }
    }
    numbers
}

/// The longest number that begins at `start`. Digits said one by one follow each other: `um dois` is 12.
fn number_at(words: &Words, start: usize) -> Option<Number> {
    let (mut digits, mut end) = part_at(words, start)?;
    let spelled = |part: &str| part.len() == 1;
    if spelled(&digits) {
        while let Some((next, next_end)) = part_at(words, end).filter(|(part, _)| spelled(part)) {
            digits.push_str(&next);
            end = next_end;
        }
    }
    (digits.len() <= DIGITS_MAX).then_some(Number { start, end, digits })
}

/// Digits, or a cardinal up to 999.
fn part_at(words: &Words, start: usize) -> Option<(String, usize)> {
    let first = words.get(start)?;
    if first.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some((first.to_owned(), start + 1));
    }
    let mut value = cardinal(first)?;
    let mut end = start + 1;
    // Hundreds take tens and ones, tens take ones: what comes next must be smaller than the place it fills.
    loop {
        let place = match value {
            100.. if value % 100 == 0 => 100,
            20.. if value % 10 == 0 => 10,
            _ => break,
        };
        let next = match words.get(end) {
            Some("e") => end + 1,
            _ => break,
        };
        let Some(smaller) = words
            .get(next)
            .and_then(cardinal)
            .filter(|v| (1..place).contains(v))
        else {
            break;
        };
        value += smaller;
        end = next + 1;
    }
    Some((value.to_string(), end))
}

fn cardinal(word: &str) -> Option<u32> {
    Some(match word {
        "zero" => 0,
        "um" | "uma" => 1,
        "dois" | "duas" => 2,
        "tres" => 3,
        "quatro" => 4,
        "cinco" => 5,
        "seis" | "meia" => 6,
        "sete" => 7,
        "oito" => 8,
        "nove" => 9,
        "dez" => 10,
        "onze" => 11,
        "doze" => 12,
        "treze" => 13,
        "quatorze" | "catorze" => 14,
        "quinze" => 15,
        "dezesseis" | "dezasseis" => 16,
        "dezessete" | "dezassete" => 17,
        "dezoito" => 18,
        "dezenove" | "dezanove" => 19,
        "vinte" => 20,
        "trinta" => 30,
        "quarenta" => 40,
        "cinquenta" => 50,
        "sessenta" => 60,
        "setenta" => 70,
        "oitenta" => 80,
        "noventa" => 90,
        "cem" | "cento" => 100,
        "duzentos" | "duzentas" => 200,
        "trezentos" | "trezentas" => 300,
        "quatrocentos" | "quatrocentas" => 400,
        "quinhentos" | "quinhentas" => 500,
        "seiscentos" | "seiscentas" => 600,
        "setecentos" | "setecentas" => 700,
        "oitocentos" | "oitocentas" => 800,
        "novecentos" | "novecentas" => 900,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digits(text: &str) -> Vec<String> {
        find(&Words::of(text))
            .into_iter()
            .map(|number| number.digits)
            .collect()
    }

    #[test]
    fn cardinals_and_spelled_digits() {
        for (text, expected) in [
            ("posto cinco", vec!["5"]),
            ("posto 5", vec!["5"]),
            ("vinte e um", vec!["21"]),
            ("cento e vinte e três", vec!["123"]),
            ("novecentos e noventa e nove", vec!["999"]),
            ("cem", vec!["100"]),
            ("quinhentos e dois", vec!["502"]),
            ("dezessete", vec!["17"]),
            ("zero zero sete", vec!["007"]),
            ("um meia três", vec!["163"]),
            ("vinte cinco", vec!["20", "5"]),
            ("posto 12 conector dois", vec!["12", "2"]),
            ("dez e vinte", vec!["10", "20"]),
            ("cento e cem", vec!["100", "100"]),
            ("1234567890", vec![]),
            ("nenhum", vec![]),
        ] {
            assert_eq!(digits(text), expected, "{text}");
        }
    }

    #[test]
    fn every_number_to_999_is_read() {
        const ONES: [&str; 20] = [
            "zero",
            "um",
            "dois",
            "três",
            "quatro",
            "cinco",
            "seis",
            "sete",
            "oito",
            "nove",
            "dez",
            "onze",
            "doze",
            "treze",
            "quatorze",
            "quinze",
            "dezesseis",
            "dezessete",
            "dezoito",
            "dezenove",
        ];
        const TENS: [&str; 10] = [
            "",
            "",
            "vinte",
            "trinta",
            "quarenta",
            "cinquenta",
            "sessenta",
            "setenta",
            "oitenta",
            "noventa",
        ];
        const HUNDREDS: [&str; 10] = [
            "",
            "cento",
            "duzentos",
            "trezentos",
            "quatrocentos",
            "quinhentos",
            "seiscentos",
            "setecentos",
            "oitocentos",
            "novecentos",
        ];
        for value in 1..1_000_usize {
            let mut parts = vec![HUNDREDS[value / 100]];
            match value % 100 {
                0 => {}
                rest if rest < 20 => parts.push(ONES[rest]),
                rest => parts.extend([
                    TENS[rest / 10],
                    if rest % 10 == 0 { "" } else { ONES[rest % 10] },
                ]),
            }
            parts.retain(|part| !part.is_empty());
            assert_eq!(digits(&parts.join(" e ")), [value.to_string()]);
        }
    }
}
