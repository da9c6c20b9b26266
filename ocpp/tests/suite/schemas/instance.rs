//! Values that follow a schema.

use serde_json::{Map, Value, json};

use super::seed::Seed;

/// How much of what may be left out is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fill {
    /// Only what must be.
    Least,
    /// Everything but custom data.
    Most,
    /// Some of it, with custom data.
    Random,
}

/// The schema behind a `$ref`.
pub(crate) fn resolve<'s>(root: &'s Value, mut schema: &'s Value) -> &'s Value {
    while let Some(reference) = schema["$ref"].as_str() {
        schema = root.pointer(reference.trim_start_matches('#')).unwrap();
    }
    schema
}

pub(crate) fn instance(root: &Value, fill: Fill, seed: &mut Seed) -> Value {
    of(root, root, fill, seed)
}

fn of(root: &Value, schema: &Value, fill: Fill, seed: &mut Seed) -> Value {
    let schema = resolve(root, schema);
    let bound = |name: &str| schema[name].as_f64();
    match schema["type"].as_str() {
        None => seed
            .pick(&[
                json!(null),
                json!({"a": [1, {"b": "\\"}]}),
                json!("text"),
                json!(-1.5e3),
            ])
            .clone(),
        Some("boolean") => json!(seed.below(2) == 1),
        Some("integer") => {
            let min = bound("minimum").map_or(0, |min| min as i64);
            let max = bound("maximum").map_or(i64::from(i32::MAX), |max| max as i64);
            let some = min + seed.below(usize::try_from(max - min).unwrap() + 1) as i64;
            json!(*seed.pick(&[min, max, some]))
        }
        Some("number") => {
            let numbers = [
                json!(0),
                json!(7.5),
                json!(-12.3),
                json!(16),
                json!(1e3),
                json!(-0.1),
            ];
            let in_range = |value: &&Value| {
                let value = value.as_f64().unwrap();
                bound("minimum").is_none_or(|min| min <= value)
                    && bound("maximum").is_none_or(|max| value <= max)
            };
            let numbers: Vec<&Value> = numbers.iter().filter(in_range).collect();
            (*seed.pick(&numbers)).clone()
        }
        Some("string") => string(schema, seed),
        Some("array") => {
            let min = schema["minItems"].as_u64().unwrap_or(0) as usize;
            let max = schema["maxItems"].as_u64().map(|max| max as usize);
            let many = max.filter(|max| *max <= 8).unwrap_or(min + 2);
            let len = match fill {
                Fill::Least => min,
                Fill::Most => 1.max(min),
                Fill::Random => min + seed.below(many - min + 1),
            };
            (0..len)
                .map(|_| of(root, &schema["items"], fill, seed))
                .collect()
        }
        Some("object") => {
            let required = schema["required"].as_array();
            let mut members = Map::new();
            for (name, schema) in schema["properties"].as_object().into_iter().flatten() {
                let required = required.is_some_and(|names| names.contains(&json!(name)));
                let there = match fill {
                    Fill::Least => required,
                    Fill::Most => required || name != "customData",
                    Fill::Random => required || seed.below(3) > 0,
                };
                if there {
                    // The one integer that we bound more narrowly; see `Divergence::Multiplier`.
                    let value = match name.as_str() {
                        "multiplier" => json!(*seed.pick(&[-3, 0, 3])),
                        _ => of(root, schema, fill, seed),
                    };
                    members.insert(name.clone(), value);
                }
            }
            if schema["additionalProperties"].is_null() && fill == Fill::Random {
                members.insert(
                    "vendorsOwn".to_owned(),
                    json!([{"deep": [1, 2.5, null, "\u{1f600}"]}]),
                );
            }
            Value::Object(members)
        }
        Some(other) => panic!("schema type {other}"),
    }
}

fn string(schema: &Value, seed: &mut Seed) -> Value {
    if let Some(words) = schema["enum"].as_array() {
        return seed.pick(words).clone();
    }
    match schema["format"].as_str() {
        Some("date-time") => json!(*seed.pick(&[
            "2026-11-22T10:15:30Z",
            "2026-11-22T10:15:30.123Z",
            "2024-02-29T23:59:59.999999+02:00",
            "1999-12-31T00:00:00-05:30",
            "2026-11-22t10:15:30z",
        ])),
        Some("uri") => json!(*seed.pick(&[
            "https://example.com/firmware.bin?version=1.2#x",
            "ftp://user:secret@10.0.0.1:2121/log/",
            "sftp://[2001:db8::1]/%20",
        ])),
        Some(other) => panic!("format {other}"),
        None => {
            let max = schema["maxLength"].as_u64().unwrap_or(40) as usize;
            // Up to the last character, of one to four bytes and some that are escaped.
            let len = *seed.pick(&[0, 1, max / 2, max]);
            let alphabet = [
                'a', 'Z', '0', ' ', '"', '\\', '/', '\n', '\u{1}', 'é', '日', '😀',
            ];
            json!((0..len).map(|_| *seed.pick(&alphabet)).collect::<String>())
        }
    }
}
