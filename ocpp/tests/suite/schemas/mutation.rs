//! Every way to break one place of a payload, with the code that the break earns.

use ocpp::ErrorCode;
use ocpp_generator::Edition;
use serde_json::{Value, json};

use super::Subject;
use super::instance::resolve;
use super::seed::Seed;

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tag {
    Missing,
    Null,
    WrongType,
    TooLong,
    BadWord,
    Extra,
    Duplicate,
    OutOfRange,
    Negative,
    Beyond32Bits,
    Beyond64Bits,
    Whole,
    BadDate,
    BadUri,
    Items,
    NotJson,
    TooDeep,
}

impl Tag {
    /// What every run must have refused.
    pub(crate) const NAMES: [&str; 13] = [
        "missing",
        "null",
        "wrong type",
        "too long",
        "bad word",
        "extra",
        "duplicate",
        "out of range",
        "bad date",
        "bad uri",
        "items",
        "not JSON",
        "too deep",
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Tag::Missing => "missing",
            Tag::Null => "null",
            Tag::WrongType | Tag::Whole => "wrong type",
            Tag::TooLong => "too long",
            Tag::BadWord => "bad word",
            Tag::Extra => "extra",
            Tag::Duplicate => "duplicate",
            Tag::OutOfRange | Tag::Negative | Tag::Beyond32Bits | Tag::Beyond64Bits => {
                "out of range"
            }
            Tag::BadDate => "bad date",
            Tag::BadUri => "bad uri",
            Tag::Items => "items",
            Tag::NotJson => "not JSON",
            Tag::TooDeep => "too deep",
        }
    }
}

/// A payload with one break.
pub(crate) struct Mutant {
    pub(crate) tag: Tag,
    /// The place.
    pub(crate) pointer: String,
    /// The last name on the way to it.
    pub(crate) property: String,
    /// The least integer that the schema of the place allows.
    pub(crate) minimum: Option<i64>,
    pub(crate) text: String,
    /// What the text says; `None` if it is no JSON, or not the JSON that a lenient parser makes of it.
    pub(crate) value: Option<Value>,
    /// What it is to be refused with, if the schema refuses it.
    pub(crate) code: ErrorCode,
}

/// A place to break.
struct Place<'s> {
    pointer: String,
    schema: &'s Value,
}

/// Stands for text that is no JSON value until everything else is written.
const HOLE: &str = "a hole for text that serde_json would not write";

pub(crate) fn mutants(subject: &Subject, value: &Value, seed: &mut Seed) -> Vec<Mutant> {
    let root = &subject.schema;
    let mut places = Vec::new();
    collect(root, root, value, String::new(), &mut places);
    // Large messages repeat themselves; a sample of their places is enough.
    seed.shuffle(&mut places);
    places.truncate(40);
    let mut out = Vec::new();
    for place in &places {
        Breaker {
            subject,
            whole: value,
            place,
            seed,
            out: &mut out,
        }
        .run();
    }
    out
}

fn collect<'s>(
    root: &'s Value,
    schema: &'s Value,
    value: &Value,
    pointer: String,
    places: &mut Vec<Place<'s>>,
) {
    let schema = resolve(root, schema);
    match value {
        Value::Array(items) if schema["type"] == "array" => {
            for (index, item) in items.iter().enumerate() {
                collect(
                    root,
                    &schema["items"],
                    item,
                    format!("{pointer}/{index}"),
                    places,
                );
            }
        }
        Value::Object(members) if schema["type"] == "object" => {
            for (name, member) in members {
                if let Some(schema) = schema["properties"].get(name) {
                    collect(root, schema, member, format!("{pointer}/{name}"), places);
                }
            }
        }
        _ => {}
    }
    places.push(Place { pointer, schema });
}

struct Breaker<'b, 's> {
    subject: &'b Subject,
    whole: &'b Value,
    place: &'b Place<'s>,
    seed: &'b mut Seed,
    out: &'b mut Vec<Mutant>,
}

impl Breaker<'_, '_> {
    fn run(&mut self) {
        let schema = self.place.schema;
        let here = self.whole.pointer(&self.place.pointer).unwrap().clone();
        let kind = schema["type"].as_str();
        self.wrong_types(kind);
        match kind {
            Some("string") => self.strings(schema, here.as_str().unwrap()),
            Some("integer") => self.integers(schema),
            Some("number") => self.numbers(schema),
            Some("array") => self.arrays(schema, here.as_array().unwrap()),
            Some("object") => self.objects(schema, &here),
            Some(_) => {}
            // Anything goes, as long as it is JSON and not too deep.
            None => {
                for depth in [10, 40, 3_000] {
                    let deep = "[".repeat(depth) + &"]".repeat(depth);
                    let tag = if depth < 20 {
                        Tag::NotJson
                    } else {
                        Tag::TooDeep
                    };
                    if depth > 20 {
                        self.text(tag, &deep, ErrorCode::FormatViolation);
                    }
                }
            }
        }
        // Nothing at all is an element less, not a value missing.
        let element = self.place.pointer.ends_with(|c: char| c.is_ascii_digit());
        let texts = [
            "",
            "nul",
            "01",
            "1.",
            "NaN",
            "'x'",
            "\"\\ud800\"",
            "\"\\x\"",
            "\"a\tb\"",
            "[,]",
        ];
        for _ in 0..3 {
            let text = self.seed.pick(&texts[usize::from(element)..]);
            self.text(Tag::NotJson, text, ErrorCode::FormatViolation);
        }
    }

    /// Everything that is of another JSON type than the schema wants.
    fn wrong_types(&mut self, kind: Option<&str>) {
        let Some(kind) = kind else { return };
        let root = self.place.pointer.is_empty();
        let others = [
            ("null", json!(null)),
            ("boolean", json!(true)),
            ("number", json!(7)),
            ("number", json!(7.5)),
            ("string", json!("x")),
            ("array", json!([])),
            ("object", json!({})),
        ];
        for (other, value) in others {
            let fits =
                other == kind || (kind, other) == ("integer", "number") && value != json!(7.5);
            if fits {
                continue;
            }
            // A payload of another type is a matter of the frame.
            let code = if root {
                ErrorCode::FormatViolation
            } else {
                ErrorCode::TypeConstraintViolation
            };
            let tag = if other == "null" {
                Tag::Null
            } else {
                Tag::WrongType
            };
            self.put(tag, value, code);
        }
    }

    fn strings(&mut self, schema: &Value, here: &str) {
        let property = ErrorCode::PropertyConstraintViolation;
        if schema["enum"].is_array() {
            for word in [
                "Bogus",
                "",
                &format!("{here} "),
                &here.to_lowercase(),
                &here.to_uppercase(),
            ] {
                self.put(Tag::BadWord, json!(word), property);
            }
        }
        if let Some(max) = schema["maxLength"].as_u64() {
            let max = max as usize;
            self.put(Tag::TooLong, json!("é".repeat(max + 1)), property);
            self.put(Tag::TooLong, json!("x".repeat(max + 1)), property);
            self.put(Tag::TooLong, json!("\n".repeat(max + 1)), property);
            self.put(Tag::TooLong, json!("😀".repeat(max)), property);
        }
        match schema["format"].as_str() {
            Some("date-time") => {
                for date in [
                    "yesterday",
                    "",
                    "2026-11-22",
                    "2026-13-01T00:00:00Z",
                    "2026-11-23T10:15:60Z",
                    "2026-11-23T23:59:60+02:00",
                    "2026-02-29T00:00:00Z",
                    "2026-11-22T24:00:00Z",
                    "2026-11-22T10:60:00Z",
                    "2026-11-22T10:15:30",
                    "2026-11-22 10:15:30Z",
                    "2026-11-22T10:15:30+0200",
                    "2026-11-22T10:15:30+24:00",
                    "2026-11-22T10:15Z",
                ] {
                    self.put(Tag::BadDate, json!(date), property);
                }
            }
            Some("uri") => {
                for uri in [
                    "",
                    "firmware.bin",
                    "//host/path",
                    "https://ho st/",
                    "https://host/%zz",
                    "1a://x",
                ] {
                    self.put(Tag::BadUri, json!(uri), property);
                }
            }
            _ => {}
        }
    }

    fn integers(&mut self, schema: &Value) {
        let property = ErrorCode::PropertyConstraintViolation;
        if let Some(min) = schema["minimum"].as_f64() {
            self.put(Tag::OutOfRange, json!(min as i64 - 1), property);
        }
        if let Some(max) = schema["maximum"].as_f64() {
            self.put(Tag::OutOfRange, json!(max as i64 + 1), property);
        }
        self.put(Tag::Negative, json!(-200), property);
        self.put(Tag::Beyond32Bits, json!(1_u64 << 32), property);
        self.put(Tag::Beyond64Bits, json!(1_u64 << 63), property);
        self.put(Tag::Whole, json!(1.0), ErrorCode::TypeConstraintViolation);
    }

    fn numbers(&mut self, schema: &Value) {
        let property = ErrorCode::PropertyConstraintViolation;
        if let Some(min) = schema["minimum"].as_f64() {
            self.put(Tag::OutOfRange, json!(min - 0.5), property);
        }
        if let Some(max) = schema["maximum"].as_f64() {
            self.put(Tag::OutOfRange, json!(max + 0.5), property);
        }
        if schema["multipleOf"].is_number() {
            self.put(Tag::OutOfRange, json!(7.05), property);
        }
        for number in ["0", "-0.0", "1e2", "12.50"] {
            let value: Value = serde_json::from_str(number).unwrap();
            self.put(Tag::OutOfRange, value, property);
        }
        self.text(Tag::OutOfRange, "1e400", property);
    }

    fn arrays(&mut self, schema: &Value, items: &[Value]) {
        let max = schema["maxItems"].as_u64().map_or(3, |max| max as usize);
        for len in [0, max, max + 1] {
            if items.is_empty() && len > 0 {
                continue;
            }
            let many = items.iter().cycle().take(len).cloned().collect();
            self.put(Tag::Items, many, ErrorCode::OccurrenceConstraintViolation);
        }
    }

    fn objects(&mut self, schema: &Value, here: &Value) {
        let format = ErrorCode::FormatViolation;
        let members = here.as_object().unwrap();
        let custom = schema["additionalProperties"].is_null();
        let with = |name: &str, value: Value| {
            let mut members = members.clone();
            members.insert(name.to_owned(), value);
            Value::Object(members)
        };
        for name in members.keys() {
            let mut without = members.clone();
            without.remove(name);
            let code = ErrorCode::OccurrenceConstraintViolation;
            self.put(Tag::Missing, Value::Object(without), code);
            // A second member of the same name: before the first or behind it, spelt the same or with an escape. In
            // custom data only the vendor is ours to look at.
            if custom && name != "vendorId" {
                continue;
            }
            for (place, spelling) in [
                ("!", name.clone()),
                ("~", name.clone()),
                ("~", escaped(name)),
            ] {
                let hole = format!("{place}{HOLE}");
                let whole = self.with(with(&hole, members[name].clone()));
                let text = whole.to_string().replace(&hole, &spelling);
                self.push(Tag::Duplicate, text, None, format);
            }
        }
        self.put(Tag::Extra, with("unheardOf", json!(1)), format);
        self.put(Tag::Extra, with("", json!(1)), format);
        if custom {
            let deep = "{\"a\":".repeat(40) + "1" + &"}".repeat(40);
            let whole = self.with(with("deep", json!(HOLE)));
            let text = whole.to_string().replace(&format!("\"{HOLE}\""), &deep);
            self.push(Tag::TooDeep, text, None, format);
            return;
        }
        let custom = |value: Value| with("customData", value);
        let (whole, none, long) = (
            custom(json!({"vendorId": "v", "more": [null]})),
            custom(json!({})),
            custom(json!({"vendorId": "v".repeat(256)})),
        );
        self.put(Tag::Extra, whole, format);
        if self.subject.edition != Edition::V16 {
            self.put(Tag::Missing, none, ErrorCode::OccurrenceConstraintViolation);
            self.put(Tag::TooLong, long, ErrorCode::PropertyConstraintViolation);
        }
    }

    /// The payload with `value` in this place.
    fn with(&self, value: Value) -> Value {
        let mut whole = self.whole.clone();
        *whole.pointer_mut(&self.place.pointer).unwrap() = value;
        whole
    }

    fn put(&mut self, tag: Tag, value: Value, code: ErrorCode) {
        let whole = self.with(value);
        self.push(tag, whole.to_string(), Some(whole), code);
    }

    /// The payload with `text`, which serde_json would not write, in this place.
    fn text(&mut self, tag: Tag, text: &str, code: ErrorCode) {
        let whole = self.with(json!(HOLE)).to_string();
        let text = whole.replace(&format!("\"{HOLE}\""), text);
        self.push(tag, text, None, code);
    }

    fn push(&mut self, tag: Tag, text: String, value: Option<Value>, code: ErrorCode) {
        let pointer = self.place.pointer.clone();
        let mut steps = pointer.rsplit('/');
        let property = steps.find(|step| step.parse::<usize>().is_err());
        self.out.push(Mutant {
            tag,
            property: property.unwrap_or("").to_owned(),
            minimum: self.place.schema["minimum"].as_f64().map(|min| min as i64),
            pointer,
            text,
            value,
            code,
        });
    }
}

/// The same name with its first letter escaped.
fn escaped(name: &str) -> String {
    let first = name.chars().next().unwrap();
    format!("\\u{:04x}{}", u32::from(first), &name[first.len_utf8()..])
}
