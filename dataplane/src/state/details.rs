//! What is known of a station beyond what a Heartbeat needs.
//!
//! A fleet is at rest most of the time, and a station at rest is only looked at: its details lie in one byte string,
//! half the memory of the same in structs and vectors, until a record changes them.
//!
//! # Invariants
//!
//! - A station with a running transaction lies open.
//! - Packing loses the retry keys, which the state store has for as long as they count, and nothing else: the station's row is written from what is
//!   unpacked.

use std::borrow::Cow;
use std::net::{Ipv4Addr, SocketAddrV4};

use fleet::UtcMicros;
use fleet::record::{ConnectorStatus, TransactionState};

use super::compact::{
    Maybe, Texts, Words, exact, put_bytes, put_signed, put_unsigned, take_array, take_signed,
    take_text, take_unsigned,
};
use super::transactions::Transactions;
use super::{Boot, Configured, Connector, Transaction};
use crate::away::{self, Away};
use crate::normalize::OFFLINE_AFTER_MICROS;
use crate::password::Password;
use crate::plug::{Declared, Plug};
use crate::retry::Recent;
use crate::said::Said;

/// Everything a station has said or was said of it that is no number a Heartbeat moves.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Details {
    pub(crate) password: Option<Box<Password>>,
    pub(crate) configured: Option<Box<Configured>>,
    pub(crate) boot: Option<Boot>,
    /// Where the live connection comes from; empty while offline.
    pub(crate) peer: Box<str>,
    pub(super) connected_at: Maybe,
    /// When it was heard last before that, on a connection that lasted: what it has queued since may come on this one.
    pub(super) heard_until: Maybe,
    /// Other times when it was out of touch before that, oldest first: those of which something may be told yet, and all
    /// while a transaction runs, or is over by an operator's word alone.
    pub(super) away_before: Vec<Away>,
    /// In the order of (EVSE, connector).
    pub(crate) connectors: Vec<Connector>,
    /// What the device model says of them, in the same order; connector 0 is all of an EVSE.
    pub(crate) plugs: Vec<Plug>,
    /// Those that run and those that ended within [`super::ENDED_KEPT_MICROS`], oldest first.
    pub(crate) transactions: Transactions,
    pub(crate) recent: Recent,
    /// What it told of its own accord.
    pub(crate) said: Said,
}

impl Default for Details {
    fn default() -> Self {
        Self {
            password: None,
            configured: None,
            boot: None,
            peer: Box::default(),
            connected_at: Maybe::NONE,
            heard_until: Maybe::NONE,
            away_before: Vec::new(),
            connectors: Vec::new(),
            plugs: Vec::new(),
            transactions: Transactions::default(),
            recent: Recent::default(),
            said: Said::default(),
        }
    }
}

impl Details {
    /// A connection begins, and the station was heard last at `heard_at`. Of a connection that ended before a queue could be
    /// told nothing follows: the time out of touch before it goes on.
    pub(super) fn connects(&mut self, at: UtcMicros, heard_at: UtcMicros) {
        if let Some(newest) = self.away() {
            // Our own clock was ahead for a moment when it was heard.
            let heard_at = if at < heard_at {
                UtcMicros(newest.back_at)
            } else {
                heard_at
            };
            let lasted = OFFLINE_AFTER_MICROS < heard_at.0 - newest.back_at;
            if lasted || newest.heard_until.is_none() {
                self.away_before.push(newest);
                self.heard_until = Maybe::new(Some(heard_at.0));
            }
            if !lasted {
                let same = |away: &&mut Away| away.back_at == newest.back_at;
                let goes_on = self.away_before.iter_mut().filter(same);
                goes_on.for_each(|away| away.back_at = at.0);
            }
        }
        self.connected_at = Maybe::new(Some(at.0));
        let counts = |t: &Transaction| t.state == TransactionState::Active || t.is_closed();
        if !self.transactions.iter().any(|t| counts(&t)) {
            let all = self.all_away();
            let awaited: Vec<_> = away::awaited(&all, at.0).collect();
            self.away_before.retain(|away| awaited.contains(&away));
        }
        away::bound(&mut self.away_before);
    }

    /// The station that waited is let in: what it could not tell over its connection until now, it tells from here on.
    pub(super) fn let_in(&mut self, at: UtcMicros) {
        let Some(newest) = self.away() else { return };
        let same = self
            .away_before
            .iter_mut()
            .filter(|away| away.back_at == newest.back_at);
        same.for_each(|away| away.back_at = at.0);
        self.connected_at = Maybe::new(Some(at.0));
    }

    /// When it was out of touch before its connection.
    fn away(&self) -> Option<Away> {
        Some(Away {
            heard_until: self.heard_until.get(),
            back_at: self.connected_at.get()?,
        })
    }

    /// When it was out of touch before its connection, and before that as far as it is of use; the newest is the last.
    pub(super) fn all_away(&self) -> Vec<Away> {
        let before = self.away_before.iter().copied();
        before.chain(self.away()).collect()
    }
}

/// [`Details`], open or packed.
#[derive(Clone, Debug)]
pub(super) enum Rest {
    Open(Box<Details>),
    Packed(Box<[u8]>),
}

const _: () = assert!(size_of::<Rest>() <= 16);

impl Rest {
    pub(super) fn new(details: Details) -> Self {
        Self::Open(Box::new(details))
    }

    pub(super) fn get(&self) -> Cow<'_, Details> {
        match self {
            Self::Open(details) => Cow::Borrowed(details),
            Self::Packed(bytes) => Cow::Owned(unpack(bytes)),
        }
    }

    pub(super) fn as_open(&self) -> Option<&Details> {
        match self {
            Self::Open(details) => Some(details),
            Self::Packed(_) => None,
        }
    }

    pub(super) fn open(&mut self) -> &mut Details {
        if let Self::Packed(bytes) = self {
            *self = Self::new(unpack(bytes));
        }
        match self {
            Self::Open(details) => details,
            Self::Packed(_) => unreachable!("it was opened above"),
        }
    }

    pub(super) fn is_packed(&self) -> bool {
        matches!(self, Self::Packed(_))
    }

    pub(super) fn pack(&mut self) {
        if let Self::Open(details) = self
            && details.transactions.active().next().is_none()
        {
            *self = Self::Packed(pack(details));
        }
    }

    /// When the ended transaction that may leave memory first was last heard of.
    pub(super) fn ended_first(&self) -> Option<i64> {
        match self {
            Self::Open(details) => details.transactions.ended_first(),
            Self::Packed(bytes) => {
                let rest = &mut &**bytes;
                let has_ended = take_unsigned(rest) & ENDED != 0;
                has_ended.then(|| take_signed(rest))
            }
        }
    }
}

impl Default for Rest {
    fn default() -> Self {
        Self::new(Details::default())
    }
}

impl PartialEq for Rest {
    fn eq(&self, other: &Self) -> bool {
        self.get() == other.get()
    }
}

/// What is there.
const ENDED: u64 = 1;
const PASSWORD: u64 = 1 << 1;
const CONFIGURED: u64 = 1 << 2;
const LOCATION: u64 = 1 << 3;
const BOOT: u64 = 1 << 4;
const CONNECTED: u64 = 1 << 5;
const HEARD: u64 = 1 << 6;
const BOOT_PROVEN: u64 = 1 << 7;
const AWAY_BEFORE: u64 = 1 << 8;
const PEER_V4: u64 = 1 << 9;

/// The details in as few bytes as they need. They live in memory only and are never stored.
///
/// # Layout
///
/// What is there, as a varint; then of that, in this order: when the first of the ended transactions was last heard of,
/// salt and digest of the password, what was configured, `connected_at`, `heard_until`, how often and when it was out of
/// touch before, the boot. Other times are differences to `connected_at`. Then the peer, six bytes of IPv4 and port or a text,
/// and, each after its number, connectors, what they are, transactions and the keys of what was said.
fn pack(details: &Details) -> Box<[u8]> {
    let ended_first = details.transactions.ended_first();
    let connected_at = details.connected_at.get();
    let configured = details.configured.as_deref();
    let location = configured.and_then(|c| c.location);
    let peer = details.peer.parse::<SocketAddrV4>().ok();
    let peer = peer.filter(|peer| *peer.to_string() == *details.peer);
    let bit = |bit: u64, is_there: bool| if is_there { bit } else { 0 };
    let there = bit(ENDED, ended_first.is_some())
        | bit(PASSWORD, details.password.is_some())
        | bit(CONFIGURED, configured.is_some())
        | bit(LOCATION, location.is_some())
        | bit(BOOT, details.boot.is_some())
        | bit(BOOT_PROVEN, details.boot.as_ref().is_some_and(|b| b.proven))
        | bit(CONNECTED, connected_at.is_some())
        | bit(HEARD, details.heard_until.get().is_some())
        | bit(AWAY_BEFORE, !details.away_before.is_empty())
        | bit(PEER_V4, peer.is_some());
    let mut bytes = Vec::with_capacity(512);
    put_unsigned(&mut bytes, there);
    if let Some(at) = ended_first {
        put_signed(&mut bytes, at);
    }
    if let Some(password) = &details.password {
        bytes.extend_from_slice(&password.salt);
        bytes.extend_from_slice(&password.mac);
    }
    if let Some(configured) = configured {
        put_bytes(&mut bytes, configured.site.as_bytes());
        put_bytes(&mut bytes, configured.address.as_bytes());
        let (count, each) = configured.declared.parts();
        put_unsigned(&mut bytes, u64::from(count));
        put_plugs(&mut bytes, each);
    }
    if let Some((latitude, longitude)) = location {
        bytes.extend_from_slice(&latitude.to_le_bytes());
        bytes.extend_from_slice(&longitude.to_le_bytes());
    }
    if let Some(at) = connected_at {
        put_signed(&mut bytes, at);
    }
    let base = connected_at.unwrap_or(0);
    if let Some(at) = details.heard_until.get() {
        put_signed(&mut bytes, at.wrapping_sub(base));
    }
    if !details.away_before.is_empty() {
        put_unsigned(&mut bytes, details.away_before.len() as u64);
        for away in &details.away_before {
            put_unsigned(&mut bytes, u64::from(away.heard_until.is_some()));
            put_signed(
                &mut bytes,
                away.heard_until.unwrap_or(base).wrapping_sub(base),
            );
            put_signed(&mut bytes, away.back_at.wrapping_sub(base));
        }
    }
    if let Some(boot) = &details.boot {
        put_signed(&mut bytes, boot.at.0.wrapping_sub(base));
        boot.texts.put(&mut bytes);
    }
    match peer {
        Some(peer) => {
            bytes.extend_from_slice(&peer.ip().octets());
            bytes.extend_from_slice(&peer.port().to_le_bytes());
        }
        None => put_bytes(&mut bytes, details.peer.as_bytes()),
    }
    put_unsigned(&mut bytes, details.connectors.len() as u64);
    for connector in &details.connectors {
        put_connector(&mut bytes, base, connector);
    }
    put_plugs(&mut bytes, &details.plugs);
    details.transactions.put(&mut bytes);
    put_unsigned(&mut bytes, details.said.iter().len() as u64);
    for key in details.said.iter() {
        bytes.extend_from_slice(&key.to_le_bytes());
    }
    exact(&bytes)
}

fn unpack(bytes: &[u8]) -> Details {
    let rest = &mut &*bytes;
    let there = take_unsigned(rest);
    if there & ENDED != 0 {
        // The transactions say it themselves.
        take_signed(rest);
    }
    let password = (there & PASSWORD != 0).then(|| {
        Box::new(Password {
            salt: take_array(rest),
            mac: take_array(rest),
        })
    });
    let mut configured = (there & CONFIGURED != 0).then(|| {
        Box::new(Configured {
            site: take_text(rest).into(),
            address: take_text(rest).into(),
            location: None,
            declared: {
                let count = take_unsigned(rest) as u32;
                Declared::new(count, take_plugs(rest))
            },
        })
    });
    if let Some(configured) = configured.as_mut().filter(|_| there & LOCATION != 0) {
        let latitude = f64::from_le_bytes(take_array(rest));
        configured.location = Some((latitude, f64::from_le_bytes(take_array(rest))));
    }
    let connected_at = (there & CONNECTED != 0).then(|| take_signed(rest));
    let base = connected_at.unwrap_or(0);
    let heard_until = (there & HEARD != 0).then(|| take_signed(rest).wrapping_add(base));
    let away_before = match there & AWAY_BEFORE {
        0 => 0,
        _ => take_unsigned(rest),
    };
    let away_before = (0..away_before)
        .map(|_| {
            let is_known = take_unsigned(rest) != 0;
            let heard_until = take_signed(rest).wrapping_add(base);
            Away {
                heard_until: is_known.then_some(heard_until),
                back_at: take_signed(rest).wrapping_add(base),
            }
        })
        .collect();
    let boot = (there & BOOT != 0).then(|| Boot {
        at: UtcMicros(take_signed(rest).wrapping_add(base)),
        texts: Texts::take(rest),
        proven: there & BOOT_PROVEN != 0,
    });
    let peer = match there & PEER_V4 {
        0 => take_text(rest).into(),
        _ => {
            let ip = Ipv4Addr::from(take_array::<4>(rest));
            let port = u16::from_le_bytes(take_array(rest));
            SocketAddrV4::new(ip, port).to_string().into()
        }
    };
    let connectors = take_unsigned(rest);
    let connectors = (0..connectors)
        .map(|_| take_connector(rest, base))
        .collect();
    let plugs = take_plugs(rest);
    let transactions = Transactions::take(rest);
    let said = take_unsigned(rest);
    let said = (0..said).map(|_| half(rest)).collect();
    Details {
        password,
        configured,
        boot,
        peer,
        connected_at: Maybe::new(connected_at),
        heard_until: Maybe::new(heard_until),
        away_before,
        connectors,
        plugs,
        transactions,
        recent: Recent::default(),
        said,
    }
}

/// Half of a hash.
fn half(rest: &mut &[u8]) -> u64 {
    u64::from_le_bytes(take_array(rest))
}

/// Their number, then of each EVSE and connector, the plug and the power, 0 for none.
fn put_plugs(bytes: &mut Vec<u8>, plugs: &[Plug]) {
    put_unsigned(bytes, plugs.len() as u64);
    for plug in plugs {
        put_unsigned(bytes, u64::from(plug.evse_id));
        put_unsigned(bytes, u64::from(plug.connector_id));
        put_bytes(bytes, plug.kind.as_bytes());
        put_unsigned(
            bytes,
            plug.max_power_w.map_or(0, |watts| u64::from(watts) + 1),
        );
    }
}

fn take_plugs(rest: &mut &[u8]) -> Vec<Plug> {
    let plugs = take_unsigned(rest);
    (0..plugs)
        .map(|_| Plug {
            evse_id: take_unsigned(rest) as u32,
            connector_id: take_unsigned(rest) as u32,
            kind: take_text(rest).into(),
            max_power_w: take_unsigned(rest).checked_sub(1).map(|watts| watts as u32),
        })
        .collect()
}

/// EVSE and connector, the status with a bit for the register, the words, the time, the hash, the register.
fn put_connector(bytes: &mut Vec<u8>, base: i64, connector: &Connector) {
    let register = connector.register.get();
    put_unsigned(bytes, u64::from(connector.evse_id));
    put_unsigned(bytes, u64::from(connector.connector_id));
    let status = connector.status.map_or(0, ConnectorStatus::code);
    put_unsigned(
        bytes,
        u64::from(status) << 1 | u64::from(register.is_some()),
    );
    connector.words.put(bytes);
    put_signed(bytes, connector.status_at.wrapping_sub(base));
    bytes.extend_from_slice(&connector.status_content.to_le_bytes());
    if let Some(register) = register {
        put_signed(bytes, register);
    }
}

fn take_connector(rest: &mut &[u8], base: i64) -> Connector {
    let (evse_id, connector_id) = (take_unsigned(rest) as u32, take_unsigned(rest) as u32);
    let status = take_unsigned(rest);
    Connector {
        evse_id,
        connector_id,
        status: ConnectorStatus::from_code((status >> 1) as u8),
        words: Words::take(rest),
        status_at: take_signed(rest).wrapping_add(base),
        status_content: half(rest),
        register: Maybe::new((status & 1 != 0).then(|| take_signed(rest))),
    }
}

#[cfg(test)]
mod tests {
    use super::super::transactions::tests::ended;
    use super::*;
    use proptest::collection::vec;
    use proptest::option;
    use proptest::prelude::*;

    fn configured() -> impl Strategy<Value = Box<Configured>> {
        let location = option::of((-90.0..90.0, -180.0..180.0));
        let declared = (any::<u32>(), vec(plug(), 0..3));
        (".*", ".*", location, declared).prop_map(|(site, address, location, (count, each))| {
            Box::new(Configured {
                site: site.into(),
                address: address.into(),
                location,
                declared: Declared::new(count, each),
            })
        })
    }

    fn plug() -> impl Strategy<Value = Plug> {
        let place = (any::<u32>(), any::<u32>());
        (place, ".*", any::<Option<u32>>()).prop_map(|(place, kind, max_power_w)| Plug {
            evse_id: place.0,
            connector_id: place.1,
            kind: kind.into(),
            max_power_w,
        })
    }

    fn connector() -> impl Strategy<Value = Connector> {
        let status = (any::<u8>(), "Charging|Faulted|.*", "OtherError|.*");
        let place = (any::<u32>(), any::<u32>());
        let rest = (any::<i64>(), any::<u64>(), any::<Option<i64>>());
        (place, status, rest).prop_map(|(place, status, rest)| Connector {
            evse_id: place.0,
            connector_id: place.1,
            status: ConnectorStatus::from_code(status.0 % 8),
            words: Words::new(&status.1, &status.2),
            status_at: rest.0,
            status_content: rest.1,
            register: Maybe::new(rest.2),
        })
    }

    fn details() -> impl Strategy<Value = Details> {
        let password = option::of((any::<[u8; 16]>(), any::<[u8; 32]>()));
        let boot = option::of((any::<i64>(), ".*", ".*", any::<bool>()));
        let peer = r".*|10\.0\.[0-9]{1,2}\.[0-9]:[0-9]{1,5}";
        let connection = (peer, any::<Option<i64>>(), any::<Option<i64>>());
        let lists = (
            vec(connector(), 0..4),
            vec(ended(), 0..4),
            vec(any::<(u64, u64)>(), 0..12),
            vec(plug(), 0..4),
            vec(any::<(Option<i64>, i64)>(), 0..3),
            vec(any::<u64>(), 0..4),
        );
        (password, option::of(configured()), boot, connection, lists).prop_map(
            |(password, configured, boot, connection, lists)| Details {
                password: password.map(|(salt, mac)| Box::new(Password { salt, mac })),
                configured,
                boot: boot.map(|(at, vendor, model, proven)| {
                    Boot::new(UtcMicros(at), [&vendor, &model, "", "1.2"], proven)
                }),
                peer: connection.0.into(),
                connected_at: Maybe::new(connection.1),
                heard_until: Maybe::new(connection.2),
                away_before: lists
                    .4
                    .into_iter()
                    .map(|(heard_until, back_at)| Away {
                        heard_until,
                        back_at,
                    })
                    .collect(),
                connectors: lists.0,
                plugs: lists.3,
                transactions: lists.1.into_iter().collect(),
                recent: Recent::from_pairs(lists.2.into_iter()),
                said: lists.5.into_iter().collect(),
            },
        )
    }

    proptest! {
        #[test]
        fn packing_loses_retry_keys_alone(mut details in details()) {
            let ended_first = details.transactions.ended_first();
            let mut rest = Rest::new(details.clone());
            rest.pack();
            details.recent = Recent::default();
            prop_assert!(rest.is_packed());
            prop_assert_eq!(rest.ended_first(), ended_first);
            prop_assert_eq!(&*rest.get(), &details);
            prop_assert_eq!(&*rest.open(), &details);
            prop_assert!(!rest.is_packed());
        }
    }

    #[test]
    fn a_station_that_charges_lies_open() {
        let running = super::super::Transaction::running_for_test();
        let mut rest = Rest::new(Details {
            transactions: std::iter::once(running).collect(),
            ..Details::default()
        });
        rest.pack();
        assert!(!rest.is_packed());
    }
}
