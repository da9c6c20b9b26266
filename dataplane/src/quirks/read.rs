//! Profiles out of TOML. Whatever is wrong is named with its file, its profile and its key.

use std::path::{Path, PathBuf};
use std::time::Duration;

use ocpp::{Clock, Quirks, Version, v16, v21, v201};
use toml::{Table, Value};

use super::glob::Glob;
use super::{QUIRK_PROFILES_MAX, QuirkPing, QuirkProfile};

/// The layout that this program reads.
const FORMAT: i64 = 1;
/// Longest file, bytes.
const FILE_LEN_MAX: u64 = 1 << 20;
/// Most files of a directory.
const FILES_MAX: usize = 256;
/// Longest answer delay; stations wait 30 s for an answer and more.
const DELAY_MS_MAX: i64 = 10_000;

/// What comes with the program: file name and text.
const BUILT_IN: &[(&str, &str)] = &[
    ("clocks.toml", include_str!("../../quirks/clocks.toml")),
    ("frames.toml", include_str!("../../quirks/frames.toml")),
    ("makes.toml", include_str!("../../quirks/makes.toml")),
];

/// Keys of a file, and of a profile.
const FILE_KEYS: &[&str] = &["format", "profile"];
const PROFILE_KEYS: &[&str] = &[
    "id",
    "revision",
    "note",
    "identity",
    "vendor",
    "model",
    "firmware",
    "coerce",
    "tolerate",
    "repair",
    "answer_delay_ms",
    "default_version",
    "clock_zone",
    "clock_local_as_utc",
    "clock_trusted",
    "ping",
    "ping_interval_s",
    "idle_timeout_s",
    "meter_values_within_s",
];

/// Why profiles cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum QuirkError {
    /// A file that cannot be read.
    #[error("reading the quirk profiles in {}", path.display())]
    Read {
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// A file that is too long, or a directory that holds too many.
    #[error("{}: found {found}, expected {expected}", path.display())]
    TooLarge {
        /// The file or directory.
        path: PathBuf,
        /// Its size.
        found: String,
        /// What is allowed.
        expected: String,
    },
    /// A file that is no TOML.
    #[error("{origin} is not TOML")]
    Syntax {
        /// The file.
        origin: String,
        /// What is wrong with it.
        #[source]
        source: toml::de::Error,
    },
    /// A key that there is not.
    #[error("{origin}: {place} has no key {key:?}{}", hint(nearest.as_deref()))]
    UnknownKey {
        /// The file.
        origin: String,
        /// The profile in it.
        place: String,
        /// What was found.
        key: String,
        /// What was probably meant.
        nearest: Option<String>,
    },
    /// A key that must be there.
    #[error("{origin}: {place} lacks the key {key:?}")]
    Missing {
        /// The file.
        origin: String,
        /// The profile in it.
        place: String,
        /// What is missing.
        key: String,
    },
    /// A value that makes no sense.
    #[error("{origin}: {key} of {place}: found {found}, expected {expected}")]
    Invalid {
        /// The file.
        origin: String,
        /// The profile in it.
        place: String,
        /// The key.
        key: String,
        /// Its value.
        found: String,
        /// What it may be.
        expected: String,
    },
    /// Two profiles of one name.
    #[error("{origin}: there are two profiles with the id {id:?}")]
    Twice {
        /// The file of the second.
        origin: String,
        /// The name.
        id: String,
    },
    /// More profiles than a book holds.
    #[error("there are {count} quirk profiles, expected at most {QUIRK_PROFILES_MAX}")]
    TooMany {
        /// How many there are.
        count: usize,
    },
}

fn hint(nearest: Option<&str>) -> String {
    nearest.map_or(String::new(), |nearest| {
        format!("; did you mean {nearest:?}?")
    })
}

/// The profiles that come with the program.
pub(super) fn built_in() -> Result<Vec<QuirkProfile>, QuirkError> {
    let mut profiles = Vec::new();
    for (_, text) in BUILT_IN {
        read("built-in", text, &mut profiles)?;
    }
    Ok(profiles)
}

/// Those of a file, or of all `*.toml` files of a directory in the order of their names. Hidden ones are not among them: editors
/// leave their locks and copies so.
pub(super) fn files(path: &Path) -> Result<Vec<QuirkProfile>, QuirkError> {
    let failed = |path: &Path, source| QuirkError::Read {
        path: path.to_owned(),
        source,
    };
    let mut files = vec![path.to_owned()];
    if path.is_dir() {
        files.clear();
        for entry in std::fs::read_dir(path).map_err(|e| failed(path, e))? {
            let file = entry.map_err(|e| failed(path, e))?.path();
            let is_hidden =
                (file.file_name()).is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
            let is_toml = file
                .extension()
                .is_some_and(|extension| extension == "toml");
            if is_toml && !is_hidden && !file.is_dir() {
                files.push(file);
            }
            if FILES_MAX < files.len() {
                return Err(QuirkError::TooLarge {
                    path: path.to_owned(),
                    found: "more files".into(),
                    expected: format!("at most {FILES_MAX}"),
                });
            }
        }
        files.sort();
    }
    let mut profiles = Vec::new();
    for file in files {
        let len = std::fs::metadata(&file)
            .map_err(|e| failed(&file, e))?
            .len();
        if FILE_LEN_MAX < len {
            return Err(QuirkError::TooLarge {
                path: file,
                found: format!("{len} bytes"),
                expected: format!("at most {FILE_LEN_MAX}"),
            });
        }
        let text = std::fs::read_to_string(&file).map_err(|e| failed(&file, e))?;
        read(&file.display().to_string(), &text, &mut profiles)?;
    }
    Ok(profiles)
}

/// Adds the profiles of one text.
pub(super) fn read(
    origin: &str,
    text: &str,
    profiles: &mut Vec<QuirkProfile>,
) -> Result<(), QuirkError> {
    let table: Table = text.parse().map_err(|source| QuirkError::Syntax {
        origin: origin.to_owned(),
        source,
    })?;
    let file = Keys {
        origin,
        place: "the file".to_owned(),
        table: &table,
    };
    file.check(FILE_KEYS)?;
    if file.integer("format", 1..=i64::MAX)? != Some(FORMAT) {
        let found = table
            .get("format")
            .map_or("nothing".to_owned(), Value::to_string);
        return Err(file.invalid("format", found, format!("{FORMAT}")));
    }
    let entries = match table.get("profile") {
        None => return Ok(()),
        Some(Value::Array(entries)) => entries,
        Some(other) => {
            let expected = "tables that begin with [[profile]]".to_owned();
            return Err(file.invalid("profile", other.type_str().to_owned(), expected));
        }
    };
    for (index, entry) in entries.iter().enumerate() {
        let place = format!("profile {}", index + 1);
        let Value::Table(table) = entry else {
            let expected = "tables that begin with [[profile]]".to_owned();
            return Err(file.invalid("profile", entry.type_str().to_owned(), expected));
        };
        let profile = profile(Keys {
            origin,
            place,
            table,
        })?;
        if profiles.iter().any(|known| known.id == profile.id) {
            return Err(QuirkError::Twice {
                origin: origin.to_owned(),
                id: profile.id,
            });
        }
        profiles.push(profile);
    }
    Ok(())
}

fn profile(mut keys: Keys<'_>) -> Result<QuirkProfile, QuirkError> {
    let id = keys.text("id")?.unwrap_or_default();
    if !id.is_empty() {
        keys.place = format!("profile {id:?}");
    }
    keys.check(PROFILE_KEYS)?;
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if id.is_empty() {
        return Err(keys.missing("id"));
    }
    if 64 < id.len() || !id.chars().all(is_plain) {
        let expected = "at most 64 small letters, digits and hyphens".to_owned();
        return Err(keys.invalid("id", format!("{id:?}"), expected));
    }
    let revision = keys.integer("revision", 1..=i64::from(u32::MAX))?;
    let revision = revision.ok_or_else(|| keys.missing("revision"))?;
    let glob = |key: &str| Ok::<_, QuirkError>(Glob::new(&keys.text(key)?.unwrap_or("*".into())));
    let mut quirks = keys.quirks("coerce", false)?;
    quirks.insert(keys.quirks("tolerate", true)?);
    let zone_minutes = keys.zone("clock_zone")?;
    let utc_is_local = keys.boolean("clock_local_as_utc")?.unwrap_or(false);
    if utc_is_local && zone_minutes.is_none() {
        return Err(keys.missing("clock_zone"));
    }
    let seconds = |key: &str| {
        let seconds = keys.integer(key, 1..=604_800)?;
        Ok::<_, QuirkError>(seconds.map(|s| Duration::from_secs(s.unsigned_abs())))
    };
    let ping = match (keys.boolean("ping")?, seconds("ping_interval_s")?) {
        (Some(false), Some(_)) => {
            let expected = "no interval where ping is false".to_owned();
            return Err(keys.invalid("ping_interval_s", "an interval".to_owned(), expected));
        }
        (Some(false), None) => Some(QuirkPing::Off),
        (_, Some(interval)) => Some(QuirkPing::Every(interval)),
        (_, None) => None,
    };
    Ok(QuirkProfile {
        revision: u32::try_from(revision).unwrap_or(u32::MAX),
        origin: keys.origin.to_owned(),
        note: keys.text("note")?.unwrap_or_default(),
        identity: glob("identity")?,
        vendor: glob("vendor")?,
        model: glob("model")?,
        firmware: glob("firmware")?,
        quirks,
        repair: keys.boolean("repair")?.unwrap_or(false),
        answer_delays: keys.delays("answer_delay_ms")?,
        default_version: keys.version("default_version")?,
        clock: Clock {
            zone_minutes: zone_minutes.unwrap_or(0),
            utc_is_local,
            distrusted: !keys.boolean("clock_trusted")?.unwrap_or(true),
        },
        ping,
        idle_timeout: seconds("idle_timeout_s")?,
        meter_values_within: seconds("meter_values_within_s")?,
        id,
    })
}

/// A table of one profile, or of a file.
struct Keys<'a> {
    origin: &'a str,
    place: String,
    table: &'a Table,
}

impl Keys<'_> {
    fn check(&self, known: &[&str]) -> Result<(), QuirkError> {
        let unknown = self.table.keys().find(|key| !known.contains(&key.as_str()));
        unknown.map_or(Ok(()), |key| Err(self.unknown(key, known)))
    }

    fn unknown(&self, key: &str, known: &[&str]) -> QuirkError {
        QuirkError::UnknownKey {
            origin: self.origin.to_owned(),
            place: self.place.clone(),
            key: key.to_owned(),
            nearest: nearest(key, known),
        }
    }

    fn missing(&self, key: &str) -> QuirkError {
        QuirkError::Missing {
            origin: self.origin.to_owned(),
            place: self.place.clone(),
            key: key.to_owned(),
        }
    }

    fn invalid(&self, key: &str, found: String, expected: String) -> QuirkError {
        QuirkError::Invalid {
            origin: self.origin.to_owned(),
            place: self.place.clone(),
            key: key.to_owned(),
            found,
            expected,
        }
    }

    /// A value of another type than `expected`.
    fn wrong(&self, key: &str, found: &Value, expected: &str) -> QuirkError {
        let found = format!("{found} ({})", found.type_str());
        self.invalid(key, found, expected.to_owned())
    }

    fn text(&self, key: &str) -> Result<Option<String>, QuirkError> {
        match self.table.get(key) {
            None => Ok(None),
            Some(Value::String(text)) if text.chars().count() <= 500 => Ok(Some(text.clone())),
            Some(other) => Err(self.wrong(key, other, "a string of at most 500 characters")),
        }
    }

    fn boolean(&self, key: &str) -> Result<Option<bool>, QuirkError> {
        match self.table.get(key) {
            None => Ok(None),
            Some(Value::Boolean(value)) => Ok(Some(*value)),
            Some(other) => Err(self.wrong(key, other, "true or false")),
        }
    }

    fn integer(
        &self,
        key: &str,
        range: std::ops::RangeInclusive<i64>,
    ) -> Result<Option<i64>, QuirkError> {
        match self.table.get(key) {
            None => Ok(None),
            Some(Value::Integer(value)) if range.contains(value) => Ok(Some(*value)),
            Some(other) => {
                let expected = format!("a number from {} to {}", range.start(), range.end());
                Err(self.wrong(key, other, &expected))
            }
        }
    }

    /// Names of deviations; those by which values are kept as they are where `kept`, else those that change them.
    fn quirks(&self, key: &str, kept: bool) -> Result<Quirks, QuirkError> {
        let mut quirks = Quirks::default();
        // A local time is put right by its zone, see `clock_local_as_utc`.
        let fits = |quirk: Quirks| {
            Quirks::KEPT.contains(quirk) == kept && !Quirks::LOCAL_TIME.contains(quirk)
        };
        let known: Vec<&str> = Quirks::ALL
            .names()
            .filter(|name| Quirks::parse(name).is_some_and(fits))
            .collect();
        let names = match self.table.get(key) {
            None => return Ok(quirks),
            Some(Value::Array(names)) => names,
            Some(other) => return Err(self.wrong(key, other, "a list of strings")),
        };
        for name in names {
            let quirk = name.as_str().and_then(Quirks::parse).filter(|q| fits(*q));
            let Some(quirk) = quirk else {
                let expected = match nearest(name.as_str().unwrap_or_default(), &known) {
                    Some(nearest) => {
                        format!("one of {}; did you mean {nearest:?}?", known.join(", "))
                    }
                    None => format!("one of {}", known.join(", ")),
                };
                return Err(self.wrong(key, name, &expected));
            };
            quirks.insert(quirk);
        }
        Ok(quirks)
    }

    /// Milliseconds by action.
    fn delays(&self, key: &str) -> Result<Vec<(String, Duration)>, QuirkError> {
        let table = match self.table.get(key) {
            None => return Ok(Vec::new()),
            Some(Value::Table(table)) => table,
            Some(other) => {
                return Err(self.wrong(key, other, "a table such as { StartTransaction = 1000 }"));
            }
        };
        // Heartbeats are answered at once: they are most of what a fleet says.
        let actions: Vec<&str> = [
            v16::Request::ACTIONS,
            v201::Request::ACTIONS,
            v21::Request::ACTIONS,
        ]
        .concat()
        .into_iter()
        .filter(|action| *action != "Heartbeat")
        .collect();
        let inner = Keys {
            origin: self.origin,
            place: format!("{key} of {}", self.place),
            table,
        };
        inner.check(&actions)?;
        table
            .keys()
            .map(|action| {
                let millis = inner.integer(action, 1..=DELAY_MS_MAX)?.unwrap_or(1);
                Ok((action.clone(), Duration::from_millis(millis.unsigned_abs())))
            })
            .collect()
    }

    fn version(&self, key: &str) -> Result<Option<Version>, QuirkError> {
        let Some(text) = self.text(key)? else {
            return Ok(None);
        };
        match Version::from_subprotocol(&format!("ocpp{text}")) {
            Some(version) => Ok(Some(version)),
            None => {
                let expected = "one of \"1.6\", \"2.0.1\", \"2.1\"".to_owned();
                Err(self.invalid(key, format!("{text:?}"), expected))
            }
        }
    }

    /// An offset such as `+05:30`, in minutes east of UTC.
    fn zone(&self, key: &str) -> Result<Option<i16>, QuirkError> {
        let Some(text) = self.text(key)? else {
            return Ok(None);
        };
        let minutes = || {
            let (sign, rest) = match text.as_bytes().first()? {
                b'+' => (1, &text[1..]),
                b'-' => (-1, &text[1..]),
                _ => return None,
            };
            let (hours, minutes) = rest.split_once(':')?;
            let two = |digits: &str| {
                let plain = digits.len() == 2 && digits.bytes().all(|b| b.is_ascii_digit());
                digits.parse::<i16>().ok().filter(|_| plain)
            };
            let (hours, minutes) = (two(hours)?, two(minutes)?);
            (hours <= 14 && minutes < 60).then_some(sign * (hours * 60 + minutes))
        };
        match minutes() {
            Some(minutes) => Ok(Some(minutes)),
            None => {
                let expected = "an offset from UTC such as \"+08:00\" or \"-03:00\"".to_owned();
                Err(self.invalid(key, format!("{text:?}"), expected))
            }
        }
    }
}

/// The known word that a person most likely meant.
fn nearest(word: &str, known: &[&str]) -> Option<String> {
    let distance = |known: &&str| strsim::damerau_levenshtein(word, known);
    known
        .iter()
        .map(|known| (distance(known), *known))
        .min()
        .filter(|(distance, _)| *distance <= 4)
        .map(|(_, known)| known.to_owned())
}
