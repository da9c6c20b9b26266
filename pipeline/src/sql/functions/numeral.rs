//! PostgreSQL's patterns for numbers: `9`, `0`, `.`, `,`, `D`, `G`, `S`, `MI`, `PL`, `SG`, `PR`, `FM` and text.

/// A decimal number: digits, and how many of them are behind the point.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Number {
    Exact { units: i128, scale: u32 },
    Float(f64),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    /// `9`, or `0` which is written also where the number has no digit.
    Digit {
        is_forced: bool,
    },
    Group,
    Text(char),
    /// `MI`, `PL`, `SG`: at this place.
    Minus,
    Plus,
    Sign,
}

/// Where a sign goes that has no place of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Floating {
    /// A minus or a blank before the first digit.
    Blank,
    /// `S` first: a plus or a minus there.
    Before,
    /// `S` last.
    After,
    /// `PR`: in angle brackets.
    Brackets,
    /// None: the template has a place.
    Placed,
}

/// A template, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Template {
    whole: Vec<Token>,
    /// Behind the point; `None` where there is no point.
    fraction: Option<Vec<Token>>,
    floating: Floating,
    is_bare: bool,
}

/// More digits than a number has.
const DIGITS_MAX: usize = 64;

impl Template {
    /// # Errors
    ///
    /// A pattern that PostgreSQL knows and this does not, or one that makes no sense.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let mut template = Self {
            whole: Vec::new(),
            fraction: None,
            floating: Floating::Blank,
            is_bare: false,
        };
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            rest = template.take(rest, first)?;
        }
        if DIGITS_MAX < template.digits() {
            return Err(format!("at most {DIGITS_MAX} digits are written"));
        }
        Ok(template)
    }

    fn digits(&self) -> usize {
        let tokens = self.whole.iter().chain(self.fraction.iter().flatten());
        tokens
            .filter(|token| matches!(token, Token::Digit { .. }))
            .count()
    }

    fn take<'t>(&mut self, text: &'t str, first: char) -> Result<&'t str, String> {
        let upper = text.get(..2).map(str::to_uppercase).unwrap_or_default();
        let (after_one, after_two) = (&text[first.len_utf8()..], || &text[2..]);
        match (first, upper.as_str()) {
            (_, "FM") => self.is_bare = true,
            (_, "MI") => self.placed(Token::Minus),
            (_, "PL") => self.placed(Token::Plus),
            (_, "SG") => self.placed(Token::Sign),
            (_, "PR") => self.floating = Floating::Brackets,
            (_, "TH" | "RN" | "EE") => return Err(format!("{upper} is not answered here")),
            ('9' | '0', _) => {
                self.push(Token::Digit {
                    is_forced: first == '0',
                });
                return Ok(after_one);
            }
            ('.' | 'D' | 'd', _) => {
                if self.fraction.replace(Vec::new()).is_some() {
                    return Err("a number has one decimal point".to_owned());
                }
                return Ok(after_one);
            }
            (',' | 'G' | 'g', _) => {
                self.push(Token::Group);
                return Ok(after_one);
            }
            ('S' | 's', _) => {
                let is_first = self.digits() == 0;
                self.floating = if is_first {
                    Floating::Before
                } else {
                    Floating::After
                };
                return Ok(after_one);
            }
            ('L' | 'l' | 'V' | 'v' | 'B' | 'b' | 'C' | 'c', _) => {
                return Err(format!("{first} is not answered here"));
            }
            ('"', _) => return Ok(self.quoted(after_one)),
            (other, _) => {
                self.push(Token::Text(other));
                return Ok(after_one);
            }
        }
        Ok(after_two())
    }

    fn placed(&mut self, token: Token) {
        self.floating = Floating::Placed;
        self.push(token);
    }

    fn quoted<'t>(&mut self, text: &'t str) -> &'t str {
        let (inside, behind) = text.split_once('"').unwrap_or((text, ""));
        inside.chars().for_each(|c| self.push(Token::Text(c)));
        behind
    }

    fn push(&mut self, token: Token) {
        self.fraction
            .as_mut()
            .unwrap_or(&mut self.whole)
            .push(token);
    }

    /// The number by this template; of one with more digits than the template has places, each is a `#`.
    pub(super) fn written(&self, number: &Number) -> String {
        let is_digit = |token: &&Token| matches!(token, Token::Digit { .. });
        let places = self.fraction.iter().flatten().filter(is_digit).count();
        let rounded = rounded(number, places);
        let (whole, fraction) = match &rounded {
            Some((_, text)) => text.split_at(text.len() - places),
            None => ("", ""),
        };
        // A zero before the point is written where nothing else would be.
        let whole = match whole.trim_start_matches('0') {
            "" if self.fraction.is_none() && rounded.is_some() => "0",
            whole => whole,
        };
        let room = self.whole.iter().filter(is_digit).count();
        let is_overflow = rounded.is_none() || room < whole.len();
        let mut writing = Writing {
            out: String::new(),
            is_negative: rounded
                .as_ref()
                .is_some_and(|(is_negative, _)| *is_negative),
            has_sign: false,
            has_digit: false,
            template: self,
        };
        let whole = if is_overflow {
            "#".repeat(room)
        } else {
            whole.to_owned()
        };
        writing.whole(&whole, room);
        if let Some(tokens) = &self.fraction {
            let fraction = if is_overflow {
                "#".repeat(places)
            } else {
                fraction.to_owned()
            };
            writing.sign();
            writing.out.push('.');
            writing.fraction(tokens, &fraction);
        }
        writing.end()
    }
}

struct Writing<'a> {
    out: String,
    is_negative: bool,
    has_sign: bool,
    has_digit: bool,
    template: &'a Template,
}

impl Writing<'_> {
    /// The sign that floats, once, before the first digit.
    fn sign(&mut self) {
        if std::mem::replace(&mut self.has_sign, true) {
            return;
        }
        let sign = match (self.template.floating, self.is_negative) {
            (Floating::Blank, true) | (Floating::Before, true) => "-",
            (Floating::Before, false) => "+",
            (Floating::Brackets, true) => "<",
            (Floating::Blank | Floating::Brackets, false) if !self.template.is_bare => " ",
            _ => "",
        };
        self.out.push_str(sign);
    }

    fn blank(&mut self) {
        if !self.template.is_bare {
            self.out.push(' ');
        }
    }

    fn whole(&mut self, digits: &str, room: usize) {
        let mut digits_left = digits.chars();
        let mut place = 0;
        let mut is_forced_from_here = false;
        for token in &self.template.whole {
            match token {
                Token::Digit { is_forced } => {
                    is_forced_from_here |= is_forced;
                    let digit = if room - place <= digits.len() {
                        digits_left.next()
                    } else {
                        is_forced_from_here.then_some('0')
                    };
                    place += 1;
                    match digit {
                        Some(digit) => {
                            self.sign();
                            self.has_digit = true;
                            self.out.push(digit);
                        }
                        None => self.blank(),
                    }
                }
                Token::Group if self.has_digit => self.out.push(','),
                Token::Group => self.blank(),
                other => self.other(other),
            }
        }
    }

    fn fraction(&mut self, tokens: &[Token], digits: &str) {
        let is_forced = |token: &Token| matches!(token, Token::Digit { is_forced: true });
        let places = tokens
            .iter()
            .filter(|token| matches!(token, Token::Digit { .. }));
        let forced = places.clone().collect::<Vec<_>>();
        let forced = forced.iter().rposition(|token| is_forced(token));
        let kept = if self.template.is_bare {
            let last = digits.trim_end_matches('0').len();
            last.max(forced.map_or(0, |last| last + 1))
        } else {
            digits.len()
        };
        let mut digits = digits.chars().take(kept);
        for token in tokens {
            match token {
                Token::Digit { .. } => self.out.extend(digits.next()),
                Token::Group => {}
                other => self.other(other),
            }
        }
    }

    fn other(&mut self, token: &Token) {
        match (token, self.is_negative) {
            (Token::Text(text), _) => self.out.push(*text),
            (Token::Minus | Token::Sign, true) => self.out.push('-'),
            (Token::Plus | Token::Sign, false) => self.out.push('+'),
            (Token::Minus, false) | (Token::Plus, true) => self.blank(),
            (Token::Digit { .. } | Token::Group, _) => {}
        }
    }

    fn end(mut self) -> String {
        match (self.template.floating, self.is_negative) {
            (Floating::After, true) => self.out.push('-'),
            (Floating::After, false) => self.out.push('+'),
            (Floating::Brackets, true) => self.out.push('>'),
            (Floating::Brackets, false) => self.blank(),
            _ => {}
        }
        self.out
    }
}

/// Whether it is below zero, and its digits with `places` of them behind the point; `None` for what is no number.
fn rounded(number: &Number, places: usize) -> Option<(bool, String)> {
    let text = match number {
        Number::Float(value) if !value.is_finite() => return None,
        Number::Float(value) => format!("{value:.places$}").replace('.', ""),
        Number::Exact { units, scale } => {
            let surplus = (*scale as usize).checked_sub(places);
            match surplus {
                // Half away from zero.
                Some(surplus) => {
                    let divisor = 10_i128.checked_pow(u32::try_from(surplus).ok()?)?;
                    let half = divisor / 2 * units.signum();
                    let whole = units.checked_add(half)? / divisor;
                    whole.to_string()
                }
                None => format!("{units}{}", "0".repeat(places - *scale as usize)),
            }
        }
    };
    let digits = text.trim_start_matches('-');
    let is_negative = text.starts_with('-') && digits.contains(|c| c != '0');
    Some((
        is_negative,
        format!("{digits:0>width$}", width = places + 1),
    ))
}
