//! JSON schema as far as OCPP uses it, with its members in the order of the file.

use std::fmt;
use std::marker::PhantomData;
use std::path::Path;

use anyhow::Context as _;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};

/// One schema. A keyword that is not here is an error, so that no rule is passed over.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub(crate) struct Schema {
    #[serde(rename = "type")]
    pub(crate) kind: Option<String>,
    #[serde(rename = "$ref")]
    pub(crate) reference: Option<String>,
    #[serde(rename = "enum")]
    pub(crate) words: Option<Vec<String>>,
    pub(crate) format: Option<String>,
    pub(crate) max_length: Option<usize>,
    pub(crate) minimum: Option<f64>,
    pub(crate) maximum: Option<f64>,
    pub(crate) multiple_of: Option<f64>,
    pub(crate) min_items: Option<usize>,
    pub(crate) max_items: Option<usize>,
    pub(crate) items: Option<Box<Schema>>,
    pub(crate) properties: Ordered<Schema>,
    pub(crate) required: Vec<String>,
    pub(crate) additional_properties: Option<bool>,
    pub(crate) definitions: Ordered<Schema>,
    #[serde(rename = "$schema")]
    _draft: IgnoredAny,
    #[serde(rename = "$id", alias = "id")]
    _id: IgnoredAny,
    #[serde(rename = "title")]
    _title: IgnoredAny,
    #[serde(rename = "comment")]
    _comment: IgnoredAny,
    #[serde(rename = "description")]
    _description: IgnoredAny,
    #[serde(rename = "javaType")]
    _java_type: IgnoredAny,
    /// What a reader may assume; it changes no verdict.
    #[serde(rename = "default")]
    _default: IgnoredAny,
    /// Beside an `items` that is one schema, it says nothing.
    #[serde(rename = "additionalItems")]
    _additional_items: IgnoredAny,
}

impl Schema {
    pub(crate) fn read(path: &Path) -> anyhow::Result<Schema> {
        let text =
            std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
        serde_json::from_str(text.trim_start_matches('\u{feff}'))
            .with_context(|| format!("schema {}", path.display()))
    }

    /// The keywords that decide about a value, to tell two types of one name apart.
    pub(crate) fn rules(&self) -> String {
        let Schema {
            kind,
            reference,
            words,
            format,
            max_length,
            minimum,
            maximum,
            multiple_of,
            min_items,
            max_items,
            items,
            properties,
            required,
            ..
        } = self;
        let mut properties: Vec<String> = properties
            .0
            .iter()
            .map(|(name, schema)| format!("{name}: {}", schema.rules()))
            .collect();
        let (mut required, mut words) = (required.clone(), words.clone().unwrap_or_default());
        properties.sort_unstable();
        required.sort_unstable();
        words.sort_unstable();
        let items = items.as_ref().map(|items| items.rules());
        format!(
            "{kind:?} {reference:?} {words:?} {format:?} {max_length:?} {minimum:?} {maximum:?} {multiple_of:?} \
             {min_items:?} {max_items:?} {items:?} {properties:?} {required:?}"
        )
    }
}

/// A JSON object as a list.
#[derive(Debug)]
pub(crate) struct Ordered<T>(pub(crate) Vec<(String, T)>);

impl<T> Default for Ordered<T> {
    fn default() -> Self {
        Ordered(Vec::new())
    }
}

impl<T> Ordered<T> {
    pub(crate) fn get(&self, name: &str) -> Option<&T> {
        let found = self.0.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Ordered<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Members<T> {
            type Value = Ordered<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of schemas")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Ordered<T>, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Ordered(members))
            }
        }

        deserializer.deserialize_map(Members(PhantomData))
    }
}
