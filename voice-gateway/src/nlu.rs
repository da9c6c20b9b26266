//! What somebody wants, from what they said, in Brazilian Portuguese and by rules alone.
//!
//! Wrong actions are worse than missed ones, so an action must be *commanded*: its verb stands at the head of the
//! sentence (after wake word, courtesy and "eu quero"), its object follows it, and nothing in the sentence turns it
//! into a question, a negation, a condition or a plan. Everything else scores words and takes the best intent.
//!
//! # Invariants
//!
//! - Words decide, never parts of words: `carregamento` is no `carregar`.
//! - A sentence that names both starting and stopping does neither.
//! - Pure and total: any text has an answer, and time is linear in its length.

mod lexicon;
mod numbers;
mod words;

use sdk::IssueCategory;

use lexicon as lex;
use numbers::Number;
use words::Words;

/// What somebody wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Intent {
    /// How a station or a charge is.
    CheckStatus,
    /// Begin a charge.
    StartCharge,
    /// End a charge.
    StopCharge,
    /// What a charge costs.
    CheckCost,
    /// Something is wrong.
    ReportIssue,
    /// Not understood.
    Unknown,
}

impl Intent {
    /// Every intent, as metrics count them.
    pub(crate) const ALL: [Self; 6] = [
        Self::CheckStatus,
        Self::StartCharge,
        Self::StopCharge,
        Self::CheckCost,
        Self::ReportIssue,
        Self::Unknown,
    ];

    /// The name in JSON and in metrics.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::CheckStatus => "check_status",
            Self::StartCharge => "start_charge",
            Self::StopCharge => "stop_charge",
            Self::CheckCost => "check_cost",
            Self::ReportIssue => "report_issue",
            Self::Unknown => "unknown",
        }
    }
}

/// A sentence, understood as far as rules go.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Understood {
    /// What somebody wants.
    pub(crate) intent: Intent,
    /// How far it lies ahead of the next best, 0 to 1.
    pub(crate) confidence: f64,
    /// The station's number, as digits: `5`, `007`.
    pub(crate) station: Option<String>,
    /// Words that may be a station's whole identity, folded: `cp-001`.
    pub(crate) mentions: Vec<String>,
    /// The connector's number.
    pub(crate) connector: Option<u32>,
    /// True when the sentence is about the speaker's own charge.
    pub(crate) own_charge: bool,
}

/// An answer to "Confirma?".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    /// Yes, and nothing else.
    Yes,
    /// No, in any way.
    No,
    /// Neither: something else was said.
    Other,
}

/// Understands a sentence.
pub(crate) fn understand(text: &str) -> Understood {
    let words = Words::of(text);
    let numbers = numbers::find(&words);
    let (intent, confidence) = classify(&words, &numbers);
    Understood {
        intent,
        confidence,
        station: number_after(&words, &numbers, lex::STATIONS).map(|n| n.digits.clone()),
        connector: number_after(&words, &numbers, lex::CONNECTORS)
            .and_then(|n| n.digits.parse().ok()),
        mentions: words.mentions().to_vec(),
        own_charge: words.any(lex::CHARGES) || words.any(lex::PROGRESS),
    }
}

/// Reads an answer to "Confirma?". Only a clear yes is one: what adds anything of its own is `Other`.
pub(crate) fn confirmation(text: &str) -> Reply {
    let words = Words::of(text);
    if words.any(lex::NO) {
        return Reply::No;
    }
    let all_agree = words
        .iter()
        .all(|word| lex::YES.contains(&word) || lex::YES_FILLERS.contains(&word));
    if all_agree && words.any(lex::YES) && !words.asks() {
        Reply::Yes
    } else {
        Reply::Other
    }
}

/// What a report is about.
pub(crate) fn category(text: &str) -> IssueCategory {
    let words = Words::of(text);
    let categories = [
        (lex::ABOUT_PAYMENT, IssueCategory::Payment),
        (lex::ABOUT_HARDWARE, IssueCategory::Hardware),
        (lex::ABOUT_ACCESS, IssueCategory::Access),
        (lex::FUNCTIONS, IssueCategory::Charging),
        (lex::BREAKDOWNS, IssueCategory::Charging),
        (lex::CHARGES, IssueCategory::Charging),
    ];
    categories
        .into_iter()
        .find(|(set, _)| words.any(set))
        .map_or(IssueCategory::Other, |(_, category)| category)
}

fn classify(words: &Words, numbers: &[Number]) -> (Intent, f64) {
    let issue = issue_score(words);
    let action = if issue == 0 {
        commanded(words, numbers)
    } else {
        None
    };
    let cost = 3 * u32::from(words.any(lex::COST)) + u32::from(words.any(lex::HOW_MUCH));
    let status = 2 * u32::from(words.any(lex::STATUS))
        + 3 * u32::from(words.any(lex::PROGRESS))
        + u32::from(
            words.any(lex::QUESTIONS) && (words.any(lex::STATIONS) || words.any(lex::CHARGES)),
        )
        + u32::from(words.any(lex::SHOW) && words.any(lex::STATIONS));
    let scores = [
        (Intent::ReportIssue, issue),
        (
            Intent::StartCharge,
            4 * u32::from(action == Some(Action::Start)),
        ),
        (
            Intent::StopCharge,
            4 * u32::from(action == Some(Action::Stop)),
        ),
        // "Quanto falta" is no price, and "quanto" alone is nothing.
        (Intent::CheckCost, if cost < 3 { 0 } else { cost }),
        (Intent::CheckStatus, status),
    ];
    // The first of equals wins, so that a defect is reported rather than a price told.
    let mut best = (Intent::Unknown, 0);
    let mut second = 0;
    for (intent, score) in scores {
        if best.1 < score {
            (second, best) = (best.1, (intent, score));
        } else {
            second = second.max(score);
        }
    }
    let margin = f64::from(best.1 - second) / f64::from(best.1.max(1));
    let confidence = if best.0 == Intent::Unknown {
        0.0
    } else {
        0.6 + 0.35 * margin
    };
    (best.0, (confidence * 100.0).round() / 100.0)
}

/// A defect is named, or something does not do what it should.
fn issue_score(words: &Words) -> u32 {
    if words.pair(lex::NONE, lex::PROBLEMS) {
        return 0; // "sem problema", "nenhum erro"
    }
    let named = 5 * u32::from(words.any(lex::PROBLEMS)) + u32::from(words.any(lex::REPORT));
    let fails = words.within(lex::NOT, lex::FUNCTIONS, 3)
        || words.within(lex::BROKE_OFF, lex::BREAKDOWNS, 2);
    named.max(5 * u32::from(fails))
}

/// Something that changes the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    Start,
    Stop,
}

/// The action that the sentence commands, if it does.
fn commanded(words: &Words, numbers: &[Number]) -> Option<Action> {
    if vetoed(words) {
        return None;
    }
    let head = words
        .iter()
        .position(|word| !lex::FILLERS.contains(&word))?;
    let verb = words.get(head)?;
    let action = if lex::START.contains(&verb) {
        Action::Start
    } else if lex::STOP.contains(&verb) {
        Action::Stop
    } else {
        return None;
    };
    let opposite = match action {
        Action::Start => lex::STOP,
        Action::Stop => lex::START,
    };
    // "Parar de carregar" names one action, "para" after the verb is a preposition.
    let other = (head + 1..words.len()).any(|at| {
        words
            .get(at)
            .is_some_and(|word| opposite.contains(&word) && word != "para")
            && words.get(at - 1) != Some("de")
    });
    let object = object_after(words, numbers, head);
    let fits = match object {
        Object::Charge => true,
        // "Carregar amanhã" is vetoed by its time; "carregar" alone says enough, and so does "pare".
        Object::Nothing => match action {
            Action::Start => lex::CHARGE_VERBS.contains(&verb),
            Action::Stop => lex::STOP_ALONE.contains(&verb),
        },
        Object::Other => false,
    };
    (fits && !other).then_some(action)
}

/// What makes a sentence something else than a command.
fn vetoed(words: &Words) -> bool {
    let polite = words.any(lex::POLITE);
    words.any(lex::NOT)
        || words.any(lex::CONDITIONS)
        || words.any(lex::TIMES)
        || words.any(lex::QUESTIONS)
        || words.any(lex::HOW_MUCH)
        || (words.asks() && !polite)
}

/// What a verb acts on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Object {
    Charge,
    Nothing,
    Other,
}

fn object_after(words: &Words, numbers: &[Number], verb: usize) -> Object {
    let skipped = |word: &str| lex::DETERMINERS.contains(&word);
    let Some(at) =
        (verb + 1..words.len()).find(|at| words.get(*at).is_some_and(|word| !skipped(word)))
    else {
        return Object::Nothing;
    };
    let word = words.get(at).unwrap_or_default();
    let is_number = numbers.iter().any(|number| number.start == at);
    let charge = [
        lex::CHARGES,
        lex::STATIONS,
        lex::CONNECTORS,
        lex::VEHICLES,
        lex::CHARGE_VERBS,
    ];
    if is_number || words.is_mention(word) || charge.iter().any(|set| set.contains(&word)) {
        Object::Charge
    } else {
        Object::Other
    }
}

/// The number that names one of `nouns`: after it ("posto número 5"), or, of a station, after a preposition
/// ("no 5") unless it counts something ("em 5 minutos").
fn number_after<'a>(words: &Words, numbers: &'a [Number], nouns: &[&str]) -> Option<&'a Number> {
    let noun = numbers.iter().find(|number| {
        let before = (0..number.start)
            .rev()
            .filter_map(|at| words.get(at))
            .find(|word| !lex::NUMBER_SIGNS.contains(word));
        before.is_some_and(|word| nouns.contains(&word))
    });
    if noun.is_some() || nouns != lex::STATIONS {
        return noun;
    }
    numbers.iter().find(|number| {
        let counts = words
            .get(number.end)
            .is_some_and(|word| lex::COUNTED.contains(&word));
        let before = number.start.checked_sub(1).and_then(|at| words.get(at));
        let alone = words.iter().enumerate().all(|(at, word)| {
            (number.start..number.end).contains(&at)
                || lex::DETERMINERS.contains(&word)
                || lex::FILLERS.contains(&word)
        });
        !counts && (alone || before.is_some_and(|word| lex::AT.contains(&word)))
    })
}

#[cfg(test)]
mod tests;
