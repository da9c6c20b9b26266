//! The types of one version, each under one name.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context as _, bail, ensure};

use crate::rules::{self, Edition};
use crate::schema::Schema;
use crate::{Kind as K, names};

/// What stands in a place of a message.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// A string, with its limit in characters.
    Text(Option<usize>),
    /// A string that something is found by.
    Key(Option<usize>),
    /// A string for which some stations send something else.
    LooseText(Option<usize>),
    /// RFC 3339.
    Date,
    /// RFC 3986.
    Uri,
    /// A word of the enumeration of this name.
    Word(String),
    /// A word of it, or another.
    OpenWord(String),
    /// An integer with its bounds.
    Integer(Option<i64>, Option<i64>),
    /// An integer that is never negative.
    Count,
    /// A counter of messages.
    Sequence,
    /// A decimal with its bounds and the digits after its point.
    Number(Option<i64>, Option<i64>, Option<usize>),
    /// True or false.
    Bool,
    /// Any JSON.
    Any,
    /// An array with its bounds.
    List(usize, Option<usize>, Box<Kind>),
    /// An object of the type of this name.
    Record(String),
    /// Meter values, read by hand.
    MeterValues,
}

/// A member of an object.
#[derive(Clone, Debug)]
pub struct Field {
    /// Its name on the wire.
    pub property: String,
    /// True if it must be there.
    pub required: bool,
    /// What it holds.
    pub kind: Kind,
}

/// An object, or a set of words.
#[derive(Clone, Debug)]
pub struct Type<T> {
    /// Its name in the specification, where that is not our own.
    pub definition: Option<String>,
    /// Fields or words, in the order of the schema.
    pub parts: Vec<T>,
    rules: String,
}

/// One action.
#[derive(Clone, Debug)]
pub struct Message {
    /// Its name on the wire.
    pub action: String,
    /// False for a message that is sent without an answer (2.1 SEND).
    pub answered: bool,
}

/// The types of one version.
#[derive(Debug)]
pub struct Model {
    /// Which version.
    pub edition: Edition,
    /// Every action, in the order of the alphabet.
    pub messages: Vec<Message>,
    /// Payloads and datatypes by our name.
    pub records: BTreeMap<String, Type<Field>>,
    /// Enumerations by our name.
    pub words: BTreeMap<String, Type<String>>,
    /// The names of [`Model::records`] that are payloads.
    pub payloads: BTreeSet<String>,
}

impl Model {
    /// Reads every schema of `edition` under `spec`.
    ///
    /// # Errors
    ///
    /// As [`crate::generate`].
    pub fn read(edition: Edition, spec: &Path) -> anyhow::Result<Model> {
        let mut files = BTreeMap::new();
        for folder in edition.folders() {
            let folder = spec.join(folder);
            let entries = std::fs::read_dir(&folder).with_context(|| {
                format!("schemas of {} in {}", edition.title(), folder.display())
            })?;
            for entry in entries {
                let path = entry?.path();
                if path
                    .extension()
                    .is_some_and(|extension| extension == "json")
                {
                    let name = path.file_stem().unwrap_or_default().to_string_lossy();
                    files.insert(name.into_owned(), Schema::read(&path)?);
                }
            }
        }
        let mut model = Model {
            edition,
            messages: Vec::new(),
            records: BTreeMap::new(),
            words: BTreeMap::new(),
            payloads: BTreeSet::new(),
        };
        for (file, schema) in &files {
            let payload = match edition {
                Edition::V16 => file,
                Edition::V201 | Edition::V21 => file.strip_suffix("Request").unwrap_or(file),
            };
            if !payload.ends_with("Response") {
                model.messages.push(Message {
                    action: payload.to_owned(),
                    answered: files.contains_key(&format!("{payload}Response")),
                });
            }
            let mut reader = Reader {
                model: &mut model,
                root: schema,
                payload,
            };
            reader
                .record(payload, None, schema)
                .with_context(|| format!("{} {file}", edition.title()))?;
            model.payloads.insert(payload.to_owned());
        }
        model.messages.sort_by(|a, b| a.action.cmp(&b.action));
        for name in model.words.keys() {
            ensure!(
                !model.records.contains_key(name),
                "{}: {name} is both an object and an enumeration",
                edition.title()
            );
        }
        Ok(model)
    }

    /// True when a value of this kind borrows from the message.
    pub fn borrows(&self, kind: &Kind) -> bool {
        match kind {
            K::Text(_) | K::Key(_) | K::LooseText(_) | K::Date | K::Uri | K::OpenWord(_) => true,
            K::Number(..) | K::Any | K::MeterValues => true,
            K::Word(_) | K::Integer(..) | K::Count | K::Sequence | K::Bool => false,
            K::List(_, _, item) => self.borrows(item),
            K::Record(name) => self.record_borrows(name),
        }
    }

    /// True when an object of this type borrows from the message.
    pub fn record_borrows(&self, name: &str) -> bool {
        let mut fields = self.records[name].parts.iter();
        fields.any(|field| self.borrows(&field.kind))
    }

    /// About how many bytes a value takes where it stands.
    pub fn size(&self, kind: &Kind) -> usize {
        match kind {
            K::Text(_) | K::Key(_) | K::LooseText(_) | K::Uri | K::OpenWord(_) | K::Number(..) => {
                24
            }
            K::List(..) => 24,
            K::Date => 40,
            K::Any | K::Integer(..) | K::Sequence => 16,
            K::Count | K::MeterValues => 8,
            K::Word(_) | K::Bool => 1,
            K::Record(name) => {
                let fields = self.records[name].parts.iter();
                fields.map(|field| self.size(&field.kind)).sum()
            }
        }
    }
}

/// Goes through one file.
struct Reader<'m> {
    model: &'m mut Model,
    root: &'m Schema,
    payload: &'m str,
}

impl Reader<'_> {
    /// Notes an object under `name`.
    fn record(
        &mut self,
        name: &str,
        definition: Option<&str>,
        schema: &Schema,
    ) -> anyhow::Result<()> {
        if let Some(known) = self.model.records.get(name) {
            ensure!(
                known.rules == schema.rules(),
                "{name} stands for two different objects"
            );
            return Ok(());
        }
        ensure!(
            schema.kind.as_deref() == Some("object") && schema.additional_properties == Some(false),
            "{name} is no closed object"
        );
        let mut fields = Vec::new();
        for (property, schema_of) in &schema.properties.0 {
            if property == "customData" {
                continue;
            }
            let kind = self
                .kind(name, property, schema_of)
                .with_context(|| format!("{name}.{property}"))?;
            fields.push(Field {
                property: property.clone(),
                required: schema.required.contains(property),
                kind,
            });
        }
        let record = Type {
            definition: definition.map(str::to_owned),
            parts: fields,
            rules: schema.rules(),
        };
        self.model.records.insert(name.to_owned(), record);
        Ok(())
    }

    fn kind(&mut self, record: &str, property: &str, schema: &Schema) -> anyhow::Result<Kind> {
        let edition = self.model.edition;
        if rules::is_meter_values(property) {
            return Ok(K::MeterValues);
        }
        if let Some(reference) = &schema.reference {
            let definition = reference.trim_start_matches("#/definitions/");
            let schema = self.root.definitions.get(definition);
            let schema = schema.with_context(|| format!("no definition {definition}"))?;
            let name = rules::renamed(edition, definition)
                .map_or_else(|| names::datatype(definition), str::to_owned);
            return self.named(record, property, name, Some(definition), schema);
        }
        let integer = |bound: Option<f64>| -> anyhow::Result<Option<i64>> {
            let Some(bound) = bound else { return Ok(None) };
            ensure!(bound.fract() == 0.0, "a bound of {bound}");
            Ok(Some(bound as i64))
        };
        let (min, max) = (integer(schema.minimum)?, integer(schema.maximum)?);
        Ok(match schema.kind.as_deref() {
            None => K::Any,
            Some("boolean") => K::Bool,
            Some("integer") if property == "seqNo" => K::Sequence,
            Some("integer") if (min, max) == (Some(0), None) => K::Count,
            Some("integer") if (min, max) == (None, None) && rules::is_count(record, property) => {
                K::Count
            }
            Some("integer") => K::Integer(min, max),
            Some("number") => {
                let decimals = match schema.multiple_of {
                    None => None,
                    Some(0.1) => Some(1),
                    Some(other) => bail!("a multiple of {other}"),
                };
                K::Number(min, max, decimals)
            }
            Some("string") if schema.words.is_some() => {
                let name = rules::nameless(self.payload, property, false)
                    .context("an enumeration without a name")?;
                return self.named(record, property, name.to_owned(), None, schema);
            }
            Some("string") => match schema.format.as_deref() {
                Some("date-time") => K::Date,
                Some("uri") => K::Uri,
                Some(other) => bail!("a format {other}"),
                None if rules::is_key(record, property) => K::Key(schema.max_length),
                None if rules::is_loose(edition, record, property) => {
                    K::LooseText(schema.max_length)
                }
                None => K::Text(schema.max_length),
            },
            Some("array") => {
                let items = schema.items.as_ref().context("an array of anything")?;
                let item = self.kind(record, property, items)?;
                K::List(
                    schema.min_items.unwrap_or(0),
                    schema.max_items,
                    Box::new(item),
                )
            }
            Some("object") => {
                let name = rules::nameless(self.payload, property, true)
                    .context("an object without a name")?;
                return self.named(record, property, name.to_owned(), None, schema);
            }
            Some(other) => bail!("a type {other}"),
        })
    }

    fn named(
        &mut self,
        record: &str,
        property: &str,
        name: String,
        definition: Option<&str>,
        schema: &Schema,
    ) -> anyhow::Result<Kind> {
        let Some(words) = &schema.words else {
            self.record(&name, definition, schema)?;
            return Ok(K::Record(name));
        };
        match self.model.words.get_mut(&name) {
            Some(known) => {
                ensure!(
                    known.rules == schema.rules(),
                    "{name} stands for two different enumerations"
                );
                known.definition = known.definition.take().or(definition.map(str::to_owned));
            }
            None => {
                let words = Type {
                    definition: definition.map(str::to_owned),
                    parts: words.clone(),
                    rules: schema.rules(),
                };
                self.model.words.insert(name.clone(), words);
            }
        }
        if rules::is_open(self.model.edition, record, property) {
            Ok(K::OpenWord(name))
        } else {
            Ok(K::Word(name))
        }
    }
}
