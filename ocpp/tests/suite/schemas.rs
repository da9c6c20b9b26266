//! Every payload of every version against a JSON schema validator on the official files: valid instances and every
//! kind of single mutation get its verdict, and the code of the rule that was broken.
//!
//! The schemas may not be copied into the repository; they are found in `SIGEC_SHARED` or beside it. The seed is
//! fixed; `SIGEC_SEED` tries another.

mod instance;
mod mutation;
mod seed;

use std::collections::BTreeMap;
use std::path::Path;

use jsonschema::Validator;
use ocpp::{CallError, ErrorCode, MeterColumns, Policy, v16, v21, v201};
use ocpp_generator::{Edition, Model};
use serde_json::Value;

use crate::spec;
use instance::{Fill, instance};
use mutation::{Mutant, Tag, mutants};
use seed::Seed;

/// Decodes a payload of an action strictly and writes it again.
type Echo = fn(&str, &str) -> Result<String, CallError>;

/// Mutants that are tried of one instance; the largest have thousands.
const MUTANTS_MAX: usize = 150;

/// One payload: its schema and our decoder.
pub(crate) struct Subject {
    pub(crate) name: String,
    pub(crate) edition: Edition,
    pub(crate) schema: Value,
    action: String,
    validator: Validator,
    echo: Echo,
}

macro_rules! echo {
    ($set:ty) => {
        |action, payload| {
            let mut columns = MeterColumns::new();
            let decoded = <$set>::decode(action, payload, Policy::Strict, &mut columns)?;
            assert_eq!(decoded.message.action(), action);
            assert!(decoded.quirks.is_empty(), "strictly, nothing is tolerated");
            let mut out = Vec::new();
            decoded.message.write(&mut out);
            Ok(String::from_utf8(out).unwrap())
        }
    };
}

/// The decoder of an action's call, and of its answer if it has one.
fn decoders(edition: Edition, action: &str, from_station: bool) -> (Echo, Option<Echo>) {
    let (calls, answers): (Echo, Echo) = match (edition, from_station) {
        (Edition::V16, true) => (echo!(v16::Request), echo!(v16::Response)),
        (Edition::V16, false) => (echo!(v16::Command), echo!(v16::CommandResponse)),
        (Edition::V201, true) => (echo!(v201::Request), echo!(v201::Response)),
        (Edition::V201, false) => (echo!(v201::Command), echo!(v201::CommandResponse)),
        (Edition::V21, true) => (echo!(v21::Request), echo!(v21::Response)),
        (Edition::V21, false) => (echo!(v21::Command), echo!(v21::CommandResponse)),
    };
    if v21::Send::ACTIONS.contains(&action) && edition == Edition::V21 {
        return (echo!(v21::Send), None);
    }
    (calls, Some(answers))
}

fn read(path: &Path) -> Option<Value> {
    let text = std::fs::read_to_string(path).ok()?;
    Some(serde_json::from_str(text.trim_start_matches('\u{feff}')).unwrap())
}

/// Every payload of `edition`; DataTransfer, which goes both ways, once a way.
fn subjects(edition: Edition, spec: &Path) -> Vec<Subject> {
    let model = Model::read(edition, spec).unwrap();
    let mut subjects = Vec::new();
    for message in &model.messages {
        let action = message.action.as_str();
        let from_station = edition.from_station().contains(&action);
        let ways = match action {
            "DataTransfer" => vec![true, false],
            _ => vec![from_station],
        };
        for from_station in ways {
            let (call, answer) = decoders(edition, action, from_station);
            let call_file = match (edition, message.answered) {
                (Edition::V16, _) | (_, false) => format!("{action}.json"),
                (Edition::V201 | Edition::V21, true) => format!("{action}Request.json"),
            };
            let mut parts = vec![(call_file, call)];
            parts.extend(answer.map(|answer| (format!("{action}Response.json"), answer)));
            for (file, echo) in parts {
                let mut folders = edition.folders().iter();
                let schema = folders.find_map(|folder| read(&spec.join(folder).join(&file)));
                let schema = schema.unwrap_or_else(|| panic!("no schema {file}"));
                let options = jsonschema::options().should_validate_formats(true);
                subjects.push(Subject {
                    name: format!("{} {file}", edition.module()),
                    edition,
                    validator: options.build(&schema).unwrap(),
                    schema,
                    action: action.to_owned(),
                    echo,
                });
            }
        }
    }
    subjects
}

/// Where we differ from the schemas, and why that is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Divergence {
    /// A count below zero is refused where 1.6 and 2.0.1 forgot `minimum`: connectors are `>= 0` in the text (1.6 §4.9,
    /// §5.2 …), and 2.1's schemas have `minimum: 0` for EVSEs, levels, phases and sequence numbers.
    NegativeCount,
    /// A count above 32 bits is refused: an integer has 32 bits (1.6 §7, 2.x Part 2 "Primitive data types").
    CountBeyond32Bits,
    /// An integer above 64 bits is refused; the same rule, and stations are known to break it only up to 64 bits.
    IntegerBeyond64Bits,
    /// A power of ten beyond ±127 is refused: a double ends at 10^308 and a meter long before.
    Multiplier,
    /// `7.0` is an integer to the draft that the schemas of 1.6's security extension name, and none to that of all
    /// its other messages. It is read one way.
    SecurityInteger,
}

/// The divergence that explains a verdict unlike the validator's.
fn divergence(subject: &Subject, mutant: &Mutant) -> Option<Divergence> {
    let property = mutant.property.as_str();
    let count = ocpp_generator::rules::is_count("", property)
        || property == "seqNo"
        || mutant.minimum == Some(0)
        || mutant.pointer.ends_with("evse/id");
    match mutant.tag {
        Tag::Negative if count && mutant.minimum.is_none() => Some(Divergence::NegativeCount),
        Tag::Beyond32Bits if count => Some(Divergence::CountBeyond32Bits),
        Tag::Beyond64Bits => Some(Divergence::IntegerBeyond64Bits),
        Tag::Negative | Tag::Beyond32Bits if property == "multiplier" => {
            Some(Divergence::Multiplier)
        }
        Tag::Whole if subject.edition == Edition::V16 => Some(Divergence::SecurityInteger),
        _ => None,
    }
}

#[derive(Default)]
struct Count {
    valid: usize,
    accepted: usize,
    refused: BTreeMap<&'static str, usize>,
    divergent: BTreeMap<Divergence, usize>,
    wrong: Vec<String>,
}

impl Subject {
    /// A valid instance is accepted and, as far as it holds nothing that is not kept, written the same.
    fn check_valid(&self, fill: Fill, value: &Value, count: &mut Count) {
        let text = value.to_string();
        assert!(
            self.validator.is_valid(value),
            "{}: the instance breaks the schema: {text}",
            self.name
        );
        count.valid += 1;
        match (self.echo)(&self.action, &text) {
            Ok(written) => {
                let written: Value = serde_json::from_str(&written).unwrap();
                assert!(
                    self.validator.is_valid(&written),
                    "{}: what was written breaks the schema: {written}",
                    self.name
                );
                // Custom data is passed over, and defaults of samples are written out.
                let same =
                    fill == Fill::Random || text.contains("\"sampledValue\"") || written == *value;
                if !same {
                    count
                        .wrong
                        .push(format!("{}: {value}\nwritten {written}", self.name));
                }
            }
            Err(error) => count.wrong.push(format!("{}: {error}: {text}", self.name)),
        }
    }

    fn check_mutant(&self, mutant: &Mutant, count: &mut Count) {
        let valid = mutant
            .value
            .as_ref()
            .is_some_and(|value| self.validator.is_valid(value));
        let verdict = (self.echo)(&self.action, &mutant.text).map(drop);
        let code = match &verdict {
            Ok(()) if valid => {
                count.accepted += 1;
                return;
            }
            Err(error) if !valid && error.code == mutant.code => {
                *count.refused.entry(mutant.tag.name()).or_default() += 1;
                return;
            }
            Ok(()) => None,
            Err(error) => Some(error.code),
        };
        let refused_rightly = valid && code == Some(mutant.code)
            || valid
                && mutant.tag == Tag::Whole
                && code == Some(ErrorCode::TypeConstraintViolation);
        match divergence(self, mutant) {
            Some(known) if refused_rightly => *count.divergent.entry(known).or_default() += 1,
            _ => {
                let text: String = mutant.text.chars().take(1_500).collect();
                count.wrong.push(format!(
                    "{}: {:?} at {}: {verdict:?}, the schema says {valid}, the rule {:?}: {text}",
                    self.name, mutant.tag, mutant.pointer, mutant.code
                ));
            }
        }
    }
}

#[test]
fn every_payload_gets_the_verdict_of_its_schema_and_the_code_of_the_rule() {
    let Some(spec) = spec() else { return };
    let first = std::env::var("SIGEC_SEED").map_or(1, |seed| seed.parse().unwrap());
    let (mut count, mut payloads) = (Count::default(), 0);
    for edition in Edition::ALL {
        let subjects = subjects(edition, &spec);
        // DataTransfer stands twice.
        payloads += subjects.len() - 2;
        for subject in &subjects {
            let mut seed = Seed::new(first, &subject.name);
            for fill in [
                Fill::Least,
                Fill::Most,
                Fill::Most,
                Fill::Random,
                Fill::Random,
            ] {
                let value = instance(&subject.schema, fill, &mut seed);
                subject.check_valid(fill, &value, &mut count);
                let mut mutants = mutants(subject, &value, &mut seed);
                seed.shuffle(&mut mutants);
                for mutant in mutants.iter().take(MUTANTS_MAX) {
                    subject.check_mutant(mutant, &mut count);
                }
            }
        }
    }
    count.wrong.truncate(12);
    assert!(
        count.wrong.is_empty(),
        "SIGEC_SEED={first}\n{}",
        count.wrong.join("\n\n")
    );
    assert_eq!(payloads, 78 + 128 + 181);
    let refused: usize = count.refused.values().sum();
    let instances = count.valid + count.accepted + refused;
    println!(
        "{instances} instances: {} valid, {:?}",
        count.valid, count.refused
    );
    println!("divergent: {:?}", count.divergent);
    assert!(instances >= 20_000, "only {instances} instances");
    for tag in Tag::NAMES {
        assert!(
            count.refused.contains_key(tag),
            "no instance was refused for {tag}"
        );
    }
    assert_eq!(
        count.divergent.len(),
        5,
        "a divergence is listed that nothing shows"
    );
}
