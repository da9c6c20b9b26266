//! Chargers as they are: what stations of a make are known for, and what is done about it.
//!
//! A profile says by which patterns of vendor, model, firmware and identity its stations are known, and how they are
//! to be treated. Some come with the program (`dataplane/quirks/*.toml`), others from the operator's files; both are
//! read alike, and read again without a restart. A [`QuirkBook`] is never changed: a new one takes its place on the
//! [`Shelf`], and each shard fetches it before its next message.

mod glob;
mod read;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ocpp::{Clock, Policy, Quirks, Rules, Version};

use glob::Glob;
pub use read::QuirkError;

/// Most profiles that a book holds.
pub const QUIRK_PROFILES_MAX: usize = 1_000;

/// How far stations may stray from the schemas.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum QuirkPolicy {
    /// Not at all: what breaks the schema is refused.
    Strict,
    /// By every deviation that is known from the field.
    #[default]
    Tolerant,
    /// By those that the station's profile names; without a profile not at all.
    Profile,
}

impl QuirkPolicy {
    /// Every policy, with its name in the configuration.
    pub const NAMES: [(&'static str, QuirkPolicy); 3] = [
        ("strict", QuirkPolicy::Strict),
        ("tolerant", QuirkPolicy::Tolerant),
        ("profile", QuirkPolicy::Profile),
    ];

    /// Its name in the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Strict => "strict",
            Self::Tolerant => "tolerant",
            Self::Profile => "profile",
        }
    }
}

/// How stations are treated that stray from the specification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuirksConfig {
    /// How far they may; default [`QuirkPolicy::Tolerant`].
    pub policy: QuirkPolicy,
    /// The operator's profiles: a TOML file, or a directory of them. Default none.
    pub path: Option<PathBuf>,
    /// Messages of one station that are kept aside within an hour: so many that were changed, and so many that were
    /// refused; the others are counted. Default 60.
    pub kept_per_hour_max: u16,
}

impl Default for QuirksConfig {
    fn default() -> Self {
        Self {
            policy: QuirkPolicy::default(),
            path: None,
            kept_per_hour_max: 60,
        }
    }
}

/// Whether and how often a silent station is pinged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuirkPing {
    /// Never: it closes, or does not answer. Whatever else it sends shows that it lives.
    Off,
    /// This often.
    Every(Duration),
}

/// How stations of a make are treated.
#[derive(Clone, Debug, PartialEq)]
pub struct QuirkProfile {
    /// Its name; no two of a book are alike.
    pub id: String,
    /// Which edition of it this is; whoever changes a profile counts it up.
    pub revision: u32,
    /// Where it stands: a path, or `built-in`.
    pub origin: String,
    /// What is known of these stations, for people.
    pub note: String,
    identity: Glob,
    vendor: Glob,
    model: Glob,
    firmware: Glob,
    /// Deviations from the schemas that they are known for.
    pub quirks: Quirks,
    /// Frames that are nearly JSON are put right.
    pub repair: bool,
    /// Actions whose answers leave later, and how much.
    pub answer_delays: Vec<(String, Duration)>,
    /// The version they speak that name none.
    pub default_version: Option<Version>,
    /// What their clocks are worth.
    pub clock: Clock,
    /// When they are pinged; `None` as all others.
    pub ping: Option<QuirkPing>,
    /// Silence that ends their connections; `None` as for all others.
    pub idle_timeout: Option<Duration>,
    /// Time in which a transaction that runs sends meter values, else an alert says that it does not.
    pub meter_values_within: Option<Duration>,
}

impl QuirkProfile {
    /// The patterns by which its stations are known: identity, vendor, model, firmware version.
    pub fn patterns(&self) -> [&str; 4] {
        [&self.identity, &self.vendor, &self.model, &self.firmware].map(Glob::as_str)
    }

    fn covers(&self, make: &Make<'_>) -> bool {
        self.identity.matches(make.identity)
            && self.vendor.matches(make.vendor)
            && self.model.matches(make.model)
            && self.firmware.matches(make.firmware)
    }

    /// Characters that its patterns spell out.
    fn specificity(&self) -> usize {
        let patterns = [&self.identity, &self.vendor, &self.model, &self.firmware];
        patterns.map(Glob::spelled_out).iter().sum()
    }
}

/// What a station is known by. Texts are empty before it booted for the first time.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Make<'a> {
    pub(crate) identity: &'a str,
    pub(crate) vendor: &'a str,
    pub(crate) model: &'a str,
    pub(crate) firmware: &'a str,
}

/// Every profile, the most specific first.
#[derive(Clone, Debug, PartialEq)]
pub struct QuirkBook {
    policy: QuirkPolicy,
    profiles: Vec<QuirkProfile>,
}

impl QuirkBook {
    /// Reads the profiles that come with the program, and the operator's; one of these takes the place of a built-in one
    /// of the same name.
    ///
    /// # Errors
    ///
    /// Any [`QuirkError`]; each names the file, the profile and the key.
    pub fn load(config: &QuirksConfig) -> Result<Self, QuirkError> {
        let mut profiles = read::built_in()?;
        if let Some(path) = &config.path {
            for profile in read::files(path)? {
                profiles.retain(|known| known.id != profile.id);
                profiles.push(profile);
            }
        }
        if QUIRK_PROFILES_MAX < profiles.len() {
            return Err(QuirkError::TooMany {
                count: profiles.len(),
            });
        }
        // The order is stable: of two that spell out as much, the operator's and then the later one goes before.
        profiles.reverse();
        profiles.sort_by_key(|profile| std::cmp::Reverse(profile.specificity()));
        Ok(Self {
            policy: config.policy,
            profiles,
        })
    }

    /// The policy that the profiles serve.
    pub fn policy(&self) -> QuirkPolicy {
        self.policy
    }

    /// The profiles, in the order in which they are tried.
    pub fn profiles(&self) -> &[QuirkProfile] {
        &self.profiles
    }

    /// The first profile that covers a station.
    pub(crate) fn find(&self, make: &Make<'_>) -> Option<usize> {
        self.profiles
            .iter()
            .position(|profile| profile.covers(make))
    }

    /// How messages of a station with this profile are read.
    pub(crate) fn rules(&self, profile: Option<&QuirkProfile>) -> Rules<'static> {
        let named = profile.map_or(Quirks::default(), |profile| profile.quirks);
        let policy = match self.policy {
            QuirkPolicy::Strict => Policy::Strict,
            QuirkPolicy::Tolerant if named.contains(Quirks::EXTRA_PROPERTY) => Policy::Lenient,
            QuirkPolicy::Tolerant => Policy::Tolerant,
            QuirkPolicy::Profile => Policy::Only(named),
        };
        Rules {
            policy,
            clock: profile.map_or(Clock::default(), |profile| profile.clock),
            notes: None,
        }
    }

    /// Whether frames of a station with this profile are put right.
    pub(crate) fn repairs(&self, profile: Option<&QuirkProfile>) -> bool {
        self.policy != QuirkPolicy::Strict && profile.is_some_and(|profile| profile.repair)
    }
}

/// Where the book in force lies.
#[derive(Debug)]
pub(crate) struct Shelf {
    /// What the book is made by; held while files are read, and no shard asks for it.
    config: Mutex<QuirksConfig>,
    book: Mutex<Arc<QuirkBook>>,
    /// Counted up after each change; never zero.
    generation: AtomicU32,
}

impl Shelf {
    pub(crate) fn open(config: QuirksConfig) -> Result<Self, QuirkError> {
        let book = QuirkBook::load(&config)?;
        Ok(Self {
            config: Mutex::new(config),
            book: Mutex::new(Arc::new(book)),
            generation: AtomicU32::new(1),
        })
    }

    /// Which book is in force; cheap enough for every message.
    pub(crate) fn generation(&self) -> u32 {
        self.generation.load(Ordering::Acquire)
    }

    pub(crate) fn book(&self) -> Arc<QuirkBook> {
        // A book is replaced whole: who panicked with it in hand left it as it was.
        Arc::clone(&self.book.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads all files again; after an error the book in force stays.
    pub(crate) fn reload(&self) -> Result<Arc<QuirkBook>, QuirkError> {
        let config = self.config.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(self.replace(QuirkBook::load(&config)?))
    }

    /// The same by another policy, or with other files; after an error both stay.
    pub(crate) fn reload_by(&self, wanted: QuirksConfig) -> Result<(), QuirkError> {
        let mut config = self.config.lock().unwrap_or_else(PoisonError::into_inner);
        self.replace(QuirkBook::load(&wanted)?);
        *config = wanted;
        Ok(())
    }

    /// Puts another book in its place.
    pub(crate) fn replace(&self, book: QuirkBook) -> Arc<QuirkBook> {
        let book = Arc::new(book);
        *self.book.lock().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&book);
        self.generation.fetch_add(1, Ordering::Release);
        book
    }
}
