//! A shard without sockets, disk or clock, and a small language to drive it.
//!
//! A line is `TIME WHO WHAT…`. Times are seconds and only grow; timers that come due before are fired on their way.
//! Records are durable at the end of each line unless the disk is held.

mod measure;
mod operator;
mod restart;
mod script;
mod show;
mod sockets;
mod store;
mod tokens;
mod turn;

use std::collections::HashMap;
use std::fmt::Write;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use fleet::{LogId, Seq, StationKey, UtcMicros};
use net::driver::ConnId;
use net::ws::{Deflater, Inflater};
use ocpp::Instant;
use ring::hmac;
use storage::state::Table;

use self::sockets::Socket;
pub(super) use self::sockets::{KEY, upgrade};
pub(super) use self::store::Store;
use crate::certificates::{Errand, Services};
use crate::config::{Config, Onboarding};
use crate::permutation::TransactionIds;
use crate::quirks::Shelf;
use crate::shard::{ChangedMessages, Now, Running, Settings, Shard, StoreUnreadable};

/// 2026-11-22T10:00:00Z: second 0 of every script.
pub(super) const EPOCH: i64 = 1_795_341_600_000_000;

/// Looks whether an operator has an answer.
type Heard = Box<dyn FnMut() -> Option<String>>;
type Rows = Arc<Store>;

pub(super) struct World {
    pub(super) shard: Shard,
    settings: Arc<Settings>,
    seconds: f64,
    names: HashMap<ConnId, String>,
    sockets: HashMap<String, Socket>,
    /// Of all stations.
    inflater: Inflater,
    pub(super) deflater: Deflater,
    next_conn: u64,
    /// Where the next connections come from.
    address: IpAddr,
    /// Records the log has taken, durable or not.
    pub(super) log: Vec<Vec<u8>>,
    durable: usize,
    held: bool,
    store_held: bool,
    full: bool,
    pub(super) rows: Rows,
    replies: Vec<(String, Heard)>,
    /// Does errands at once, unless it hangs.
    services: Services,
    services_hang: bool,
    /// What it did not do.
    pub(super) undone: Vec<Errand>,
    pub(super) out: String,
    /// The last HTTP answer that was no switch.
    pub(super) last_refusal: String,
    /// Records are shown as they are made.
    show_records: bool,
}

impl World {
    pub(super) fn new(config: Config) -> Self {
        let quirks = Arc::new(Shelf::open(config.quirks.clone()).expect("profiles that read"));
        let services =
            Services::open(&config.certificates, config.vat.as_ref()).expect("services that start");
        let settings = Arc::new(Settings {
            started: Arc::new(config),
            shards: 1,
            transaction_ids: TransactionIds::new(b"test"),
            token_key: hmac::Key::new(hmac::HMAC_SHA256, b"test"),
            pending: AtomicUsize::new(0),
            token_changes: AtomicU64::new(0),
            running: Running::default(),
            messages: ChangedMessages::default(),
            quirks,
            tariffs: crate::tariff::Books::default(),
        });
        let rows = Rows::default();
        let mut world = Self {
            services,
            services_hang: false,
            undone: Vec::new(),
            shard: shard(&settings, &rows, Seq(0), now_at(0.0)),
            settings,
            seconds: 0.0,
            names: HashMap::new(),
            sockets: HashMap::new(),
            inflater: Inflater::default(),
            deflater: Deflater::new(1),
            next_conn: 0,
            address: IpAddr::from([10, 0, 0, 1]),
            log: Vec::new(),
            durable: 0,
            held: false,
            store_held: false,
            full: false,
            rows,
            replies: Vec::new(),
            out: String::new(),
            last_refusal: String::new(),
            show_records: false,
        };
        world.settle();
        world
    }

    /// Goes on with the profiles and the policy of another world.
    pub(super) fn take_quirks_of(&mut self, other: &World) {
        self.settings
            .quirks
            .replace((*other.settings.quirks.book()).clone());
    }

    /// Changes settings of a shard that runs.
    pub(super) fn reconfigure(&mut self, change: impl FnOnce(&mut Config)) {
        let mut wanted = (*self.shard.config).clone();
        change(&mut wanted);
        let taken = self.settings.started.taking(wanted);
        self.shard.configured(Arc::new(taken));
        self.settle();
    }

    /// Reads the quirk profiles again.
    pub(super) fn reload_quirks(&mut self) {
        self.settings.quirks.reload().expect("profiles that read");
    }

    pub(super) fn now(&self) -> Now {
        now_at(self.seconds)
    }

    pub(super) fn say(&mut self, text: &str) {
        // Sums of tenths are no tenths.
        let seconds = (self.seconds * 1e3).round() / 1e3;
        writeln!(self.out, "{seconds} {text}").unwrap();
    }
}

/// Seconds the machine has run at second 0 of a script.
const BOOT: f64 = 1_000.0;
const LOG: LogId = LogId(1);

fn now_at(seconds: f64) -> Now {
    Now {
        mono: Instant(((BOOT + seconds) * 1e9).round() as u64),
        utc: UtcMicros(EPOCH + (seconds * 1e6) as i64),
    }
}

fn shard(settings: &Arc<Settings>, rows: &Rows, last: Seq, now: Now) -> Shard {
    let rows = Arc::clone(rows);
    let lookup = Box::new(move |table: Table, key: &[u8]| {
        if rows.broken.load(Ordering::Relaxed) {
            return Err(StoreUnreadable);
        }
        Ok(rows.lock().unwrap().get(&(table, key.to_vec())).cloned())
    });
    Shard::new(0, Arc::clone(settings), lookup, 42, LOG, last, now)
}

pub(super) fn key(identity: &str) -> StationKey {
    StationKey::new("default", identity).unwrap()
}

pub(super) fn config(onboarding: Onboarding) -> Config {
    Config {
        onboarding,
        // Scripts say in a second what takes a station longer.
        messages_per_second_max: 0,
        ..Config::default()
    }
}
