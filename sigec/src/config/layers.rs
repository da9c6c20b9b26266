//! Layers of settings, lowest first: `defaults.toml`, a file, the environment, flags.
//!
//! The defaults decide which keys exist and which TOML type each has; a later layer can only replace values.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use toml::Value;

use super::ConfigError;
use super::units::{Bytes, Span};

/// The documented defaults, which are also the reference of every setting.
pub(crate) const DEFAULTS: &str = include_str!("../../defaults.toml");

/// Which layer a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    Default,
    File(PathBuf),
    Env(String),
    Flag(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("the defaults"),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Env(name) => f.write_str(name),
            Self::Flag(name) => f.write_str(name),
        }
    }
}

/// Every setting's value and origin, by `section.key`.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    values: BTreeMap<String, (Value, Origin)>,
}

impl Settings {
    pub(super) fn defaults() -> Self {
        let table = DEFAULTS
            .parse()
            .expect("defaults.toml is TOML, as its test shows");
        let values = flatten(table)
            .into_iter()
            .map(|(key, value)| (key, (value, Origin::Default)));
        Self {
            values: values.collect(),
        }
    }

    pub(super) fn add_file(&mut self, path: &Path) -> Result<(), ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Read {
            path: path.to_owned(),
            source,
        })?;
        let table = text.parse().map_err(|source| ConfigError::Syntax {
            path: path.to_owned(),
            source,
        })?;
        for (key, value) in flatten(table) {
            self.replace(&key, value, Origin::File(path.to_owned()))?;
        }
        Ok(())
    }

    /// Takes each `SIGEC_SECTION__KEY`; other variables, such as `SIGEC_ADMIN_TOKEN`, are not settings.
    pub(super) fn add_env(
        &mut self,
        env: impl IntoIterator<Item = (String, String)>,
    ) -> Result<(), ConfigError> {
        for (name, text) in env {
            let Some((section, key)) = name
                .strip_prefix("SIGEC_")
                .and_then(|rest| rest.split_once("__"))
            else {
                continue;
            };
            let key = format!("{}.{}", section.to_lowercase(), key.to_lowercase());
            self.replace_text(&key, text, Origin::Env(name))?;
        }
        Ok(())
    }

    pub(super) fn add_flags(&mut self, flags: &[(&str, String)]) -> Result<(), ConfigError> {
        for (key, text) in flags {
            let flag = key
                .rsplit_once('.')
                .map_or(*key, |(section, key)| match key {
                    "listen" => section,
                    key => key,
                });
            let origin = Origin::Flag(format!("--{}", flag.replace('_', "-")));
            self.replace_text(key, text.clone(), origin)?;
        }
        Ok(())
    }

    /// Reads `text` as the type the default has, since neither a shell nor a flag carries types.
    fn replace_text(&mut self, key: &str, text: String, origin: Origin) -> Result<(), ConfigError> {
        let typed = match self.values.get(key) {
            Some((Value::Boolean(_), _)) => text.parse().ok().map(Value::Boolean),
            Some((Value::Integer(_), _)) => text.parse().ok().map(Value::Integer),
            Some((Value::Array(_), _)) => Some(Value::Array(
                text.split(',')
                    .map(str::trim)
                    .filter(|item| !item.is_empty())
                    .map(Value::from)
                    .collect(),
            )),
            Some(_) | None => None,
        };
        self.replace(key, typed.unwrap_or(Value::String(text)), origin)
    }

    fn replace(&mut self, key: &str, value: Value, origin: Origin) -> Result<(), ConfigError> {
        let Some(slot) = self.values.get_mut(key) else {
            return Err(ConfigError::UnknownKey {
                origin: origin.to_string(),
                key: key.to_owned(),
                nearest: self.nearest(key),
            });
        };
        if value.type_str() != slot.0.type_str() {
            return Err(ConfigError::Invalid {
                key: key.to_owned(),
                origin: origin.to_string(),
                found: format!("{value} ({})", value.type_str()),
                expected: format!("{} such as {}", with_article(slot.0.type_str()), slot.0),
            });
        }
        *slot = (value, origin);
        Ok(())
    }

    /// The known key that a person most likely meant: same word in another section, or few letters away.
    fn nearest(&self, key: &str) -> Option<String> {
        let word = |key: &str| key.rsplit('.').next().unwrap_or_default().to_owned();
        self.values
            .keys()
            .map(|known| {
                let whole = strsim::damerau_levenshtein(key, known);
                let last = strsim::damerau_levenshtein(&word(key), &word(known)) + 1;
                (whole.min(last), whole, known)
            })
            .min()
            .filter(|(distance, _, _)| *distance <= 4)
            .map(|(_, _, known)| known.clone())
    }

    pub(super) fn value(&self, key: &str) -> (&Value, &Origin) {
        let (value, origin) = self
            .values
            .get(key)
            .unwrap_or_else(|| panic!("defaults.toml lacks {key}"));
        (value, origin)
    }

    /// Takes the value of `other`, and where that comes from.
    pub(super) fn take(&mut self, key: &str, other: &Settings) {
        let (value, origin) = other.value(key);
        self.values
            .insert(key.to_owned(), (value.clone(), origin.clone()));
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        self.values.keys().map(String::as_str)
    }
}

/// Typed readings; each names the setting, its layer and what was expected when the value does not fit.
impl Settings {
    pub(super) fn invalid(&self, key: &str, expected: impl Into<String>) -> ConfigError {
        let (value, origin) = self.value(key);
        ConfigError::Invalid {
            key: key.to_owned(),
            origin: origin.to_string(),
            found: value.to_string(),
            expected: expected.into(),
        }
    }

    fn text(&self, key: &str) -> &str {
        match self.value(key).0 {
            Value::String(text) => text,
            other => panic!("{key} is a string in defaults.toml, here {other}"),
        }
    }

    pub(super) fn non_empty(&self, key: &str) -> Result<String, ConfigError> {
        match self.text(key) {
            "" => Err(self.invalid(key, "some text")),
            text => Ok(text.to_owned()),
        }
    }

    pub(super) fn boolean(&self, key: &str) -> Result<bool, ConfigError> {
        match self.value(key).0 {
            Value::Boolean(value) => Ok(*value),
            _ => Err(self.invalid(key, "true or false")),
        }
    }

    pub(super) fn count(
        &self,
        key: &str,
        range: RangeInclusive<usize>,
    ) -> Result<usize, ConfigError> {
        let count = match self.value(key).0 {
            Value::Integer(value) => usize::try_from(*value).ok(),
            _ => None,
        };
        count.filter(|count| range.contains(count)).ok_or_else(|| {
            self.invalid(
                key,
                format!("a number from {} to {}", range.start(), range.end()),
            )
        })
    }

    pub(super) fn duration(
        &self,
        key: &str,
        range: RangeInclusive<Duration>,
    ) -> Result<Duration, ConfigError> {
        let Span(duration) = self.parse(key)?;
        if range.contains(&duration) {
            return Ok(duration);
        }
        let (start, end) = (Span(*range.start()), Span(*range.end()));
        Err(self.invalid(key, format!("a duration from {start} to {end}")))
    }

    pub(super) fn size(
        &self,
        key: &str,
        range: RangeInclusive<usize>,
    ) -> Result<usize, ConfigError> {
        let Bytes(bytes) = self.parse(key)?;
        if range.contains(&bytes) {
            return Ok(bytes);
        }
        let (start, end) = (Bytes(*range.start()), Bytes(*range.end()));
        Err(self.invalid(key, format!("a size from {start} to {end}")))
    }

    /// The same, or "auto", which is `None`.
    pub(super) fn size_or_auto(
        &self,
        key: &str,
        range: RangeInclusive<usize>,
    ) -> Result<Option<usize>, ConfigError> {
        match self.text(key) {
            "auto" => Ok(None),
            _ => self.size(key, range).map(Some),
        }
    }

    pub(super) fn address(&self, key: &str) -> Result<SocketAddr, ConfigError> {
        let expected = "an IP address and a port, such as 127.0.0.1:9000 or [::1]:9000";
        self.text(key)
            .parse()
            .map_err(|_| self.invalid(key, expected))
    }

    pub(super) fn list(&self, key: &str) -> Result<Vec<String>, ConfigError> {
        let texts = match self.value(key).0 {
            Value::Array(items) => items
                .iter()
                .map(|i| i.as_str().map(str::to_owned))
                .collect(),
            _ => None,
        };
        texts.ok_or_else(|| self.invalid(key, "a list of strings"))
    }

    pub(super) fn choice<T: Copy>(
        &self,
        key: &str,
        choices: &[(&str, T)],
    ) -> Result<T, ConfigError> {
        let text = self.text(key);
        choices
            .iter()
            .find(|(name, _)| *name == text)
            .map(|(_, value)| *value)
            .ok_or_else(|| {
                let names: Vec<_> = choices
                    .iter()
                    .map(|(name, _)| format!("{name:?}"))
                    .collect();
                self.invalid(key, format!("one of {}", names.join(", ")))
            })
    }

    pub(super) fn parse<T>(&self, key: &str) -> Result<T, ConfigError>
    where
        T: std::str::FromStr<Err = &'static str>,
    {
        self.text(key)
            .parse()
            .map_err(|expected| self.invalid(key, expected))
    }
}

/// `{ocpp: {listen: …}}` as `ocpp.listen`, sections first level only.
fn flatten(table: toml::Table) -> Vec<(String, Value)> {
    let mut flat = Vec::new();
    for (section, value) in table {
        match value {
            Value::Table(keys) => {
                flat.extend(
                    keys.into_iter()
                        .map(|(key, value)| (format!("{section}.{key}"), value)),
                );
            }
            value => flat.push((section, value)),
        }
    }
    flat
}

fn with_article(kind: &str) -> String {
    let article = if kind.starts_with(['a', 'i']) {
        "an"
    } else {
        "a"
    };
    format!("{article} {kind}")
}
