//! Our types against the official JSON schemas: the same properties, the same limits, and on thousands of mutated
//! samples the same verdict.
//!
//! The schemas may not be copied into the repository; they are found in `SIGEC_SHARED` or beside it.

use std::path::PathBuf;

use serde_json::{Map, Value, json};

use crate::record::Shape;
use crate::{ErrorCode, MeterColumns, Policy, v16, v201};

/// Decodes the payload of an action, strictly.
type Decode = fn(&str, &str) -> Result<(), ErrorCode>;
/// The shape of an action's payload.
type ShapeOf = fn(&str) -> Option<Shape>;
/// The actions of one direction, with calls and answers; true for 2.0.1.
type Set = (bool, &'static [&'static str], [(ShapeOf, Decode); 2]);

/// One payload type: its schema file and our decoder.
struct Subject {
    name: String,
    schema: Value,
    shape: Shape,
    action: &'static str,
    decode: Decode,
    sample: Value,
    v201: bool,
}

fn shared() -> PathBuf {
    match std::env::var_os("SIGEC_SHARED") {
        Some(path) => PathBuf::from(path),
        None => PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared")),
    }
}

/// Every supported payload with its schema; `None`, said aloud, where the schemas are not at hand.
fn subjects() -> Option<Vec<Subject>> {
    let ocpp = shared().join("spec/ocpp");
    if !ocpp.is_dir() {
        eprintln!(
            "SKIPPED: no OCPP schemas in {}; set SIGEC_SHARED",
            ocpp.display()
        );
        return None;
    }
    macro_rules! decode {
        ($set:ty) => {
            |action, payload| {
                let mut columns = MeterColumns::new();
                let decoded = <$set>::decode(action, payload, Policy::Strict, &mut columns);
                decoded.map(drop).map_err(|error| error.code)
            }
        };
    }
    let sets: [Set; 4] = [
        (
            false,
            v16::Request::ACTIONS,
            [
                (v16::Request::shape, decode!(v16::Request<'_>)),
                (v16::Response::shape, decode!(v16::Response<'_>)),
            ],
        ),
        (
            false,
            v16::Command::ACTIONS,
            [
                (v16::Command::shape, decode!(v16::Command<'_>)),
                (
                    v16::CommandResponse::shape,
                    decode!(v16::CommandResponse<'_>),
                ),
            ],
        ),
        (
            true,
            v201::Request::ACTIONS,
            [
                (v201::Request::shape, decode!(v201::Request<'_>)),
                (v201::Response::shape, decode!(v201::Response<'_>)),
            ],
        ),
        (
            true,
            v201::Command::ACTIONS,
            [
                (v201::Command::shape, decode!(v201::Command<'_>)),
                (
                    v201::CommandResponse::shape,
                    decode!(v201::CommandResponse<'_>),
                ),
            ],
        ),
    ];
    let mut subjects = Vec::new();
    for (v201, actions, parts) in sets {
        for action in actions {
            for (part, (shape, decode)) in ["call", "answer"].into_iter().zip(parts) {
                let file = match (v201, part) {
                    (false, "call") => format!("ocpp16/schemas/json/{action}.json"),
                    (false, _) => format!("ocpp16/schemas/json/{action}Response.json"),
                    (true, "call") => {
                        format!("ocpp2/OCPP-2.0.1_part3_JSON_schemas/{action}Request.json")
                    }
                    (true, _) => {
                        format!("ocpp2/OCPP-2.0.1_part3_JSON_schemas/{action}Response.json")
                    }
                };
                let read = |path: PathBuf| -> Value {
                    let text = std::fs::read_to_string(&path)
                        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
                    serde_json::from_str(text.trim_start_matches('\u{feff}')).unwrap()
                };
                let version = if v201 { "v201" } else { "v16" };
                let mut sample = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
                sample.extend(["samples", version, &format!("{action}.json")]);
                subjects.push(Subject {
                    name: format!("{version} {action} {part}"),
                    schema: read(ocpp.join(file)),
                    shape: shape(action).unwrap(),
                    action,
                    decode,
                    sample: read(sample)[part].clone(),
                    v201,
                });
            }
        }
    }
    Some(subjects)
}

/// The schema behind a `$ref`.
fn resolve<'s>(root: &'s Value, mut schema: &'s Value) -> &'s Value {
    while let Some(reference) = schema["$ref"].as_str() {
        schema = root.pointer(reference.trim_start_matches('#')).unwrap();
    }
    schema
}

/// Differences between a shape and a schema; ours is stricter only in refusing negative counts, which
/// neither schema language of OCPP says and both texts do.
fn differences(at: &str, shape: &Shape, root: &Value, schema: &Value, found: &mut Vec<String>) {
    let schema = resolve(root, schema);
    let kind = schema["type"].as_str();
    let mut differ = |what: String| found.push(format!("{at}: {what}"));
    match shape {
        Shape::Any => {
            if kind.is_some() {
                differ(format!("any against {kind:?}"));
            }
        }
        Shape::Bool | Shape::Integer | Shape::Number => {
            let ours = match shape {
                Shape::Bool => "boolean",
                Shape::Integer => "integer",
                _ => "number",
            };
            if kind != Some(ours) {
                differ(format!("{ours} against {kind:?}"));
            }
        }
        Shape::Date => {
            if kind != Some("string") || schema["format"] != "date-time" {
                differ("date against something else".to_owned());
            }
        }
        Shape::Text { max } => {
            let theirs = schema["maxLength"].as_u64().map(|max| max as usize);
            if kind != Some("string") || *max != theirs || !schema["enum"].is_null() {
                differ(format!("text of {max:?} against {theirs:?}"));
            }
        }
        Shape::Word(words) => {
            let theirs: Vec<&str> = match schema["enum"].as_array() {
                Some(words) => words.iter().filter_map(Value::as_str).collect(),
                None => Vec::new(),
            };
            let (mut ours, mut theirs) = (words.clone(), theirs);
            ours.sort_unstable();
            theirs.sort_unstable();
            if ours != theirs {
                differ(format!("words {ours:?} against {theirs:?}"));
            }
        }
        Shape::List { min, max, item } => {
            let bound = |name: &str| schema[name].as_u64().map(|bound| bound as usize);
            if kind != Some("array")
                || bound("minItems").unwrap_or(0) != *min
                || bound("maxItems") != *max
            {
                differ(format!("list of {min} to {max:?}"));
            }
            differences(&format!("{at}/[]"), item, root, &schema["items"], found);
        }
        Shape::Object(fields) => {
            let empty = Map::new();
            let theirs = schema["properties"].as_object().unwrap_or(&empty);
            let required: Vec<&str> = match schema["required"].as_array() {
                Some(names) => names.iter().filter_map(Value::as_str).collect(),
                None => Vec::new(),
            };
            if kind != Some("object") || schema["additionalProperties"] != false {
                differ("object against something open".to_owned());
            }
            for name in theirs.keys() {
                if name != "customData" && !fields.iter().any(|(ours, ..)| ours == name) {
                    differ(format!("{name} is not ours"));
                }
            }
            for (name, ours_required, shape) in fields {
                if *ours_required != required.contains(name) {
                    found.push(format!("{at}: {name} is required on one side only"));
                }
                match theirs.get(*name) {
                    Some(schema) => {
                        differences(&format!("{at}/{name}"), shape, root, schema, found);
                    }
                    None => found.push(format!("{at}: {name} is not theirs")),
                }
            }
        }
    }
}

#[test]
fn types_are_those_of_the_official_schemas() {
    let Some(subjects) = subjects() else { return };
    let mut found = Vec::new();
    for subject in &subjects {
        let schema = &subject.schema;
        differences(&subject.name, &subject.shape, schema, schema, &mut found);
    }
    assert_eq!(found, Vec::<String>::new());
    assert_eq!(subjects.len(), 2 * (10 + 10 + 12 + 11));
}

/// True when `value` follows the schema: the part of JSON schema that OCPP uses, and dates as the samples have them.
fn is_valid(root: &Value, schema: &Value, value: &Value, v201: bool) -> bool {
    let schema = resolve(root, schema);
    let bound = |name: &str| schema[name].as_u64().map(|bound| bound as usize);
    match schema["type"].as_str() {
        None => true,
        Some("boolean") => value.is_boolean(),
        // 1.0 is an integer to draft 6 of JSON schema (2.0.1), not to draft 4 (1.6).
        Some("integer") => {
            value.is_i64() || v201 && value.as_f64().is_some_and(|v| v.fract() == 0.0)
        }
        Some("number") => {
            let tenths = |value: f64| (value * 10.0 - (value * 10.0).round()).abs() < 1e-9;
            value
                .as_f64()
                .is_some_and(|v| schema["multipleOf"].is_null() || tenths(v))
        }
        Some("string") => value.as_str().is_some_and(|text| {
            let words = schema["enum"].as_array();
            bound("maxLength").is_none_or(|max| text.chars().count() <= max)
                && words.is_none_or(|words| words.contains(value))
                && (schema["format"] != "date-time"
                    || text.len() == "2026-11-22T10:15:30Z".len() && text.starts_with("202"))
        }),
        Some("array") => value.as_array().is_some_and(|items| {
            bound("minItems").is_none_or(|min| items.len() >= min)
                && bound("maxItems").is_none_or(|max| items.len() <= max)
                && items
                    .iter()
                    .all(|item| is_valid(root, &schema["items"], item, v201))
        }),
        Some("object") => value.as_object().is_some_and(|members| {
            let required = schema["required"].as_array();
            required.is_none_or(|names| {
                names
                    .iter()
                    .all(|name| members.contains_key(name.as_str().unwrap()))
            }) && members
                .iter()
                .all(|(name, value)| match schema["properties"].get(name) {
                    Some(schema) => is_valid(root, schema, value, v201),
                    None => schema["additionalProperties"] != false,
                })
        }),
        Some(other) => panic!("schema type {other}"),
    }
}

/// Every way to break one place of `value`, with the code that it earns if the schema forbids it.
fn mutants(value: &Value) -> Vec<(Value, ErrorCode)> {
    let mut out: Vec<(Value, ErrorCode)> = Vec::new();
    let wrong_types = [
        json!(null),
        json!(true),
        json!(7),
        json!(7.5),
        json!("x"),
        json!([]),
        json!({}),
    ];
    for other in wrong_types {
        if std::mem::discriminant(&other) != std::mem::discriminant(value) || value.is_number() {
            out.push((other, ErrorCode::TypeConstraintViolation));
        }
    }
    match value {
        Value::String(text) => {
            let long = "ä".repeat(6_000);
            for other in [long.as_str(), &format!("{text}{text}{text}"), "Bogus"] {
                out.push((json!(other), ErrorCode::PropertyConstraintViolation));
            }
        }
        Value::Array(items) => {
            let mut inner = Vec::new();
            for (index, item) in items.iter().enumerate() {
                for (mutant, code) in mutants(item) {
                    let mut items = items.clone();
                    items[index] = mutant;
                    inner.push((Value::Array(items), code));
                }
            }
            for count in [0, 2, 5] {
                let many = items.iter().cycle().take(count).cloned().collect();
                inner.push((Value::Array(many), ErrorCode::OccurrenceConstraintViolation));
            }
            out.append(&mut inner);
        }
        Value::Object(members) => {
            for (name, member) in members {
                let mut without = members.clone();
                without.remove(name);
                out.push((
                    Value::Object(without),
                    ErrorCode::OccurrenceConstraintViolation,
                ));
                for (mutant, code) in mutants(member) {
                    let mut members = members.clone();
                    members.insert(name.clone(), mutant);
                    out.push((Value::Object(members), code));
                }
            }
            let mut more = members.clone();
            more.insert("unheardOf".to_owned(), json!(1));
            out.push((Value::Object(more), ErrorCode::FormatViolation));
            let mut more = members.clone();
            more.insert(
                "customData".to_owned(),
                json!({"vendorId": "v", "x": [null]}),
            );
            out.push((Value::Object(more), ErrorCode::FormatViolation));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
    out
}

#[test]
fn mutated_samples_get_the_verdict_of_the_schema_and_the_code_of_the_rule() {
    let Some(subjects) = subjects() else { return };
    let (mut accepted, mut refused, mut wrong) = (0, 0, Vec::new());
    for subject in &subjects {
        assert!(
            is_valid(
                &subject.schema,
                &subject.schema,
                &subject.sample,
                subject.v201
            ),
            "{}: the sample breaks the schema",
            subject.name
        );
        for (mutant, code) in mutants(&subject.sample) {
            // A payload of another type is a matter of the frame.
            let code = if mutant.is_object() {
                code
            } else {
                ErrorCode::FormatViolation
            };
            let valid = is_valid(&subject.schema, &subject.schema, &mutant, subject.v201);
            let verdict = (subject.decode)(subject.action, &mutant.to_string());
            match (valid, &verdict) {
                (true, Ok(())) => accepted += 1,
                (false, Err(found)) if *found == code => refused += 1,
                _ => wrong.push(format!(
                    "{}: {verdict:?}, expected {valid} {code:?}: {mutant}",
                    subject.name
                )),
            }
        }
    }
    wrong.truncate(10);
    assert_eq!(wrong, Vec::<String>::new());
    assert!(
        accepted > 500 && refused > 5_000,
        "{accepted} accepted, {refused} refused"
    );
}
