//! From the first byte of a socket to a station's connection.

use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::time::Duration;

use fleet::record::{Acceptance, Connected, ConnectionRefused, Moment, Protocol, SecurityEvent};
use fleet::{StationKey, TENANT_DEFAULT};
use net::driver::ConnId;
use net::http::{UpgradeLimits, UpgradeRequest, parse_upgrade, write_refusal, write_switching};
use net::tls::CertificateFault;
use net::ws::{self, Agreement, CloseCode};
use ocpp::{Inbound, Rpc, Version};

use super::conns::{Began, Live, Revocation, Stage};
use super::errands::Purpose;
use super::{Effect, Now, Shard};
use crate::admission::{Circumstances, Entry, Refusal, judge, route};
use crate::certificates::{Wish, Worth};
use crate::config::NoCommonVersion;
use crate::quirks::Make;
use crate::tls::{ForeignCertificate, RevocationCheck, Transport};

/// A takeover from a connection that sent something this recently may be a second peer with the same identity.
const IN_USE: Duration = Duration::from_secs(10);
/// More such takeovers than this within a minute raise an alert.
const SWAPS_MAX: usize = 3;
const SWAPS_WITHIN: Duration = Duration::from_secs(60);

/// An HTTP answer that ends the socket.
pub(super) struct Refused<'a> {
    status: u16,
    headers: &'a [(&'a str, &'a str)],
    body: &'a str,
}

/// For what responders say of a certificate: less than a station has for its upgrade.
const REVOCATION_WAIT: Duration = Duration::from_secs(5);

/// Why a certificate does not let its station in.
enum Unchecked {
    Revoked,
    /// Nobody says that it is good, and why.
    Untold(String),
}

/// One text for whoever may not come in, so that it tells nothing about which identities exist.
const NOT_LET_IN: &str = "this endpoint does not know the station, or not with these credentials\n";

/// Why a station cannot be spoken with.
const NO_COMMON_VERSION: &str =
    "no common subprotocol, offered here: ocpp2.1, ocpp2.0.1, ocpp1.6\n";

impl Shard {
    /// Answers how many bytes the upgrade took; 0 until it is whole.
    pub(super) fn handshake(&mut self, now: Now, id: ConnId, bytes: &[u8]) -> usize {
        match parse_upgrade(bytes, &UpgradeLimits::default()) {
            Ok(None) => 0,
            Ok(Some((request, len))) => match self.upgrade(now, id, &request) {
                Ok(true) => len,
                // These bytes are read again: by another shard, or once its certificate was asked about.
                Ok(false) => 0,
                Err(refused) => {
                    self.refuse(id, &refused);
                    bytes.len()
                }
            },
            Err(error) => {
                let body = format!("{error}\n");
                self.refuse(
                    id,
                    &Refused {
                        status: error.status(),
                        headers: error.headers(),
                        body: &body,
                    },
                );
                bytes.len()
            }
        }
    }

    /// A socket that no shard takes: its home has no room for it.
    pub(crate) fn refuse_busy(&mut self, id: ConnId) {
        if self.conns.peer(id).is_some() {
            self.refuse(id, &TOO_MANY);
        }
    }

    pub(super) fn refuse(&mut self, id: ConnId, refused: &Refused<'_>) {
        self.tally.refused(refused.status);
        self.outbox.send(id, |out| {
            write_refusal(out, refused.status, refused.headers, refused.body)
        });
        self.end(id);
    }

    /// True when the socket became a connection (or was closed in the words of WebSocket), false when it goes to
    /// another shard or waits.
    fn upgrade(
        &mut self,
        now: Now,
        id: ConnId,
        request: &UpgradeRequest<'_>,
    ) -> Result<bool, Refused<'static>> {
        self.check_origin(request)?;
        let key = route(request.path).map_err(|error| match error {
            crate::admission::RouteError::NoIdentity => UNKNOWN,
            _ => Refused {
                status: 400,
                headers: &[],
                body: "the path does not end in a station identity\n",
            },
        })?;
        debug_assert_eq!(key.tenant(), TENANT_DEFAULT);
        let home = key.partition().shard(self.settings.shards);
        if home != self.index {
            if let Some(peer) = self.conns.peer(id) {
                self.conns.remove(id);
                self.outbox.push(Effect::HandOver {
                    conn: id,
                    shard: home,
                    peer,
                });
            }
            return Ok(false);
        }
        if self.is_draining() {
            return Err(unavailable("the server is going down\n"));
        }
        if self.stalled || self.reads_paused {
            return Err(unavailable("the log does not take records now\n"));
        }
        let Some(entry) = self.admit(now, id, &key, request)? else {
            return Ok(false);
        };
        let named = request.protocols().find_map(Version::from_subprotocol);
        let silent = request.protocols().next().is_none();
        let Some(version) = named.or_else(|| self.default_version(&key).filter(|_| silent)) else {
            return match self.config.no_common_version {
                NoCommonVersion::Closed => {
                    self.outbox
                        .send(id, |out| write_switching(out, request.key, None, None));
                    self.outbox.send(id, |out| {
                        let code = Some(CloseCode::PROTOCOL_ERROR);
                        ws::write_close(out, None, code, NO_COMMON_VERSION.trim_end());
                    });
                    self.end(id);
                    Ok(true)
                }
                NoCommonVersion::Refused => Err(Refused {
                    status: 400,
                    headers: &[],
                    body: NO_COMMON_VERSION,
                }),
            };
        };
        self.displace(now, &key, entry)?;
        let shards = self.settings.shards;
        let deflate = self
            .compression
            .agree(&self.config.compression, shards, request);
        self.outbox.send(id, |out| {
            let subprotocol = named.map(Version::subprotocol);
            write_switching(out, request.key, subprotocol, deflate.as_ref())
        });
        self.connect(now, id, &key, entry, version, deflate.as_ref());
        Ok(true)
    }

    /// The version that a station speaks which names none: its profile says so, or it stays unknown.
    fn default_version(&mut self, key: &StationKey) -> Option<Version> {
        match self.stations.find(key) {
            Some(station) => self.profile(station)?.default_version,
            None => {
                self.refresh_book();
                let make = Make {
                    identity: key.identity(),
                    ..Make::default()
                };
                let book = &self.shelved.book;
                book.profiles().get(book.find(&make)?)?.default_version
            }
        }
    }

    /// Only browsers send an origin, and no station is one.
    fn check_origin(&self, request: &UpgradeRequest<'_>) -> Result<(), Refused<'static>> {
        let listed = |origin: &[u8]| {
            self.config
                .origins
                .iter()
                .any(|listed| listed.as_bytes() == origin)
        };
        match request.origin {
            Some(origin) if !listed(origin) => Err(Refused {
                status: 403,
                headers: &[],
                body: "requests with this Origin are not let in\n",
            }),
            Some(_) | None => Ok(()),
        }
    }

    /// `None` for a peer whose certificate is asked about first.
    fn admit(
        &mut self,
        now: Now,
        id: ConnId,
        key: &StationKey,
        request: &UpgradeRequest<'_>,
    ) -> Result<Option<Entry>, Refused<'static>> {
        let transport = self
            .conns
            .handshake_mut(id)
            .map_or(Transport::Plain, |handshake| handshake.transport.clone());
        let station = self.stations.find(key);
        let mut verdict = self.judge_request(now, key, station, &transport, request);
        if request.authorization.is_some()
            && self.may_show_another(station, &verdict)
            && self.settle_password(now, key, request.authorization)
        {
            verdict = self.judge_request(now, key, station, &transport, request);
        }
        if verdict.is_ok()
            && let Transport::Tls(Some(certificate)) = &transport
        {
            match self.revocation(now, id, certificate.der()) {
                Ok(true) => {}
                Ok(false) => return Ok(None),
                Err(Unchecked::Revoked) => {
                    verdict = Err(Refusal::Certificate(ForeignCertificate::Revoked));
                }
                Err(Unchecked::Untold(reason)) => return Err(self.untold(now, id, station, reason)),
            }
        }
        verdict.map(Some).map_err(|refusal| match refusal {
            Refusal::Unknown => UNKNOWN,
            Refusal::Malformed => Refused {
                status: 400,
                headers: &[],
                body: "the Authorization field is not Basic as RFC 7617 has it\n",
            },
            Refusal::Credentials => {
                let reason = "missing or wrong credentials".into();
                self.not_let_in(now, id, key, station, reason, UNAUTHORIZED)
            }
            Refusal::Profile { found, expected } => {
                let reason = format!("security profile {found}, at least {expected} is wanted");
                self.not_let_in(now, id, key, station, reason, FORBIDDEN)
            }
            Refusal::Certificate(foreign) => {
                let refused =
                    self.not_let_in(now, id, key, station, foreign.to_string(), FORBIDDEN);
                if refused.status == FORBIDDEN.status
                    && let Some(station) = station
                {
                    self.note_certificate(now, station, &foreign.to_string());
                }
                refused
            }
        })
    }

    /// Whether a certificate was asked about, if the configuration wants that; begins to where it was not.
    fn revocation(&mut self, now: Now, id: ConnId, der: &[u8]) -> Result<bool, Unchecked> {
        let tls = self.config.tls.as_ref();
        let wanted = tls.and_then(|tls| tls.clients.as_ref());
        let wanted = wanted.map_or(RevocationCheck::None, |clients| clients.revocation);
        let Some(handshake) = self.conns.handshake_mut(id) else {
            return Ok(false);
        };
        let found = match (wanted, &handshake.revocation) {
            (RevocationCheck::None, _) => return Ok(true),
            (RevocationCheck::Revoked | RevocationCheck::Good, Revocation::Known(found)) => found,
            (RevocationCheck::Revoked | RevocationCheck::Good, _) => {
                handshake.revocation = Revocation::Asked;
                let (wish, purpose) = (Wish::Station(der.to_vec()), Purpose::Upgrade { conn: id });
                let Some(errand) = self.begin_errand(now, wish, purpose, REVOCATION_WAIT) else {
                    // Nobody can be asked, and that is known at once.
                    return self.revocation(now, id, der);
                };
                self.send_errand(errand);
                self.outbox.push(Effect::Pause(id));
                return Ok(false);
            }
        };
        match (found, wanted) {
            (Worth::Revoked, _) => Err(Unchecked::Revoked),
            (Worth::Unproven(reason), RevocationCheck::Good) => {
                Err(Unchecked::Untold(reason.clone()))
            }
            (Worth::Good | Worth::Expired | Worth::Unproven(_), _) => Ok(true),
        }
    }

    /// Responders have spoken of the certificate of a socket; its upgrade is read again.
    pub(super) fn certificate_judged(&mut self, id: ConnId, worth: Worth) {
        if let Some(handshake) = self.conns.handshake_mut(id) {
            handshake.revocation = Revocation::Known(worth);
            self.outbox.push(Effect::Resume(id));
        }
    }

    /// Nobody can tell whether a certificate is revoked, which says nothing against its station: it may come again.
    fn untold(
        &mut self,
        now: Now,
        id: ConnId,
        station: Option<u32>,
        reason: String,
    ) -> Refused<'static> {
        if let Some((station, peer)) = station.zip(self.conns.peer(id)) {
            let refused = ConnectionRefused {
                peer: peer.to_string(),
                reason: format!("whether its certificate is revoked is not known: {reason}"),
            };
            self.record(now, station, &refused);
        }
        unavailable("whether the certificate is revoked cannot be told now\n")
    }

    /// What its credentials and the circumstances make of a peer.
    fn judge_request(
        &self,
        now: Now,
        key: &StationKey,
        station: Option<u32>,
        transport: &Transport,
        request: &UpgradeRequest<'_>,
    ) -> Result<Entry, Refusal> {
        let config = &self.config;
        let clients = config.tls.as_ref().and_then(|tls| tls.clients.as_ref());
        let given = Circumstances {
            onboarding: config.onboarding,
            forwarded: request.forwarded,
            authorization: request.authorization,
            transport,
            organizations: clients.map_or(&[], |clients| &clients.organizations),
            now: now.utc.0,
            profile_min: config.security_profile_min,
            room_for_pending: self.settings.pending.load(Ordering::Relaxed) < config.pending_max,
        };
        let state = station.map(|station| &self.stations[station].state);
        judge(key, state, given)
    }

    /// True for a password that is not the one which is known of its station: it may be one in doubt. Any other is let in,
    /// or not, without a look at the store; of nobody's station there is one too, so that the time tells nothing.
    fn may_show_another(&self, station: Option<u32>, verdict: &Result<Entry, Refusal>) -> bool {
        let has_none = |station: u32| self.stations[station].state.details().password.is_none();
        match verdict {
            Err(Refusal::Credentials) => true,
            Ok(_) | Err(Refusal::Profile { .. }) => station.is_some_and(has_none),
            Err(Refusal::Unknown | Refusal::Malformed | Refusal::Certificate(_)) => false,
        }
    }

    /// Counts and notes a peer that did not show what it had to, unless too many have done so.
    fn not_let_in(
        &mut self,
        now: Now,
        id: ConnId,
        key: &StationKey,
        station: Option<u32>,
        reason: String,
        refused: Refused<'static>,
    ) -> Refused<'static> {
        let Some(peer) = self.conns.peer(id) else {
            return UNKNOWN;
        };
        if !self.guesses.wrong(now.mono, peer.ip(), key.as_str()) {
            return Refused {
                status: 429,
                headers: &[("Retry-After", "60")],
                body: NOT_LET_IN,
            };
        }
        if let Some(station) = station {
            let refused = ConnectionRefused {
                peer: peer.to_string(),
                reason,
            };
            self.record(now, station, &refused);
        }
        refused
    }

    /// Somebody showed a certificate that says it is of `key`, and that TLS refused (A00.FR.407).
    pub(crate) fn certificate_refused(
        &mut self,
        now: Now,
        key: &StationKey,
        peer: SocketAddr,
        fault: CertificateFault,
    ) {
        let Some(station) = self.stations.find(key) else {
            return;
        };
        if !self.guesses.wrong(now.mono, peer.ip(), key.as_str()) {
            return;
        }
        let refused = ConnectionRefused {
            peer: peer.to_string(),
            reason: fault.to_string(),
        };
        self.record(now, station, &refused);
        self.note_certificate(now, station, &fault.to_string());
    }

    /// A00.FR.408.
    fn note_certificate(&mut self, now: Now, station: u32, reason: &str) {
        let event = SecurityEvent {
            event_type: "InvalidChargingStationCertificate".into(),
            occurred: Moment {
                at: now.utc.0,
                raw: String::new(),
                clock_trusted: true,
            },
            info: format!("seen by the server: {reason}"),
            critical: true,
        };
        self.record(now, station, &event);
    }

    /// Makes room for a connection that was let in: the newest wins among equals, a weaker one never.
    fn displace(
        &mut self,
        now: Now,
        key: &StationKey,
        entry: Entry,
    ) -> Result<(), Refused<'static>> {
        let Some(station) = self.stations.find(key) else {
            return Ok(());
        };
        let Some(old) = self.stations[station].conn else {
            return Ok(());
        };
        if entry.security.profile() < self.stations[station].state.security.profile() {
            return Err(Refused {
                status: 409,
                headers: &[],
                body: "the station is connected with stronger credentials\n",
            });
        }
        let seen_at = self.conns.get_mut(old).map_or(0, |conn| conn.seen_at);
        if u64::from(now.tick().saturating_sub(seen_at)) < IN_USE.as_secs() {
            self.note_swap(now, station);
        }
        self.tally.counters.connections_replaced += 1;
        self.say_goodbye(
            now,
            old,
            CloseCode::POLICY_VIOLATION,
            "replaced by a newer connection",
        );
        Ok(())
    }

    fn note_swap(&mut self, now: Now, station: u32) {
        let swaps = &mut self.stations[station].side_mut().swaps;
        swaps.retain(|at| now.mono - *at < SWAPS_WITHIN);
        swaps.push(now.mono);
        if SWAPS_MAX < swaps.len() {
            let count = swaps.len();
            // The next alert takes as many again.
            swaps.clear();
            let event = SecurityEvent {
                event_type: "Sigec.ConnectionContested".into(),
                occurred: Moment {
                    at: now.utc.0,
                    raw: String::new(),
                    clock_trusted: true,
                },
                info: format!("{count} takeovers of a connection in use within a minute"),
                critical: true,
            };
            self.record(now, station, &event);
        }
    }

    fn connect(
        &mut self,
        now: Now,
        id: ConnId,
        key: &StationKey,
        entry: Entry,
        version: Version,
        deflate: Option<&Agreement>,
    ) {
        let station = self.stations.entry(key);
        let connection = self.journal.next().0;
        let Some((peer, conn)) = self.conns.peer(id).zip(self.conns.get_mut(id)) else {
            return;
        };
        let config = &self.config;
        conn.stage = Stage::Live(Live {
            codec: self.compression.begin(id, deflate),
            version,
            station,
            connection,
            held: 0,
            paused: false,
            pinged: false,
            boot_requested: false,
            is_compressed: deflate.is_some(),
            is_established: false,
            leaves: false,
            heard: 0,
            began: Began::default(),
            rpc: Rpc::new(u16::try_from(config.command_queue_len_max).unwrap_or(u16::MAX)),
            inbound: Inbound::new(),
        });
        let connected = Connected {
            connection,
            peer: peer.to_string(),
            protocol: protocol(version).code(),
            security: entry.security.code(),
            acceptance: entry.acceptance.code(),
            first_seen: entry.first_seen,
        };
        self.tally.counters.connections_opened += 1;
        self.tally.before.begun(now.tick(), connection);
        let before = self.stations[station].state.acceptance;
        let waits = |acceptance| acceptance == Some(Acceptance::Pending);
        match (waits(before), waits(Some(entry.acceptance))) {
            (false, true) => {
                self.settings.pending.fetch_add(1, Ordering::Relaxed);
            }
            (true, false) => {
                self.settings.pending.fetch_sub(1, Ordering::Relaxed);
            }
            (true, true) | (false, false) => {}
        }
        // Of one that waits nothing is kept but that it was there.
        if entry.acceptance == Acceptance::Accepted || before != Some(entry.acceptance) {
            let seen_at = self.stations[station].state.seen_at;
            self.record(now, station, &connected);
            self.run_noted_at = now.tick();
            self.charging_reconnected(now, station, seen_at);
        }
        self.stations[station].conn = Some(id);
    }
}

/// The record's word for a version.
pub(super) fn protocol(version: Version) -> Protocol {
    match version {
        Version::V16 => Protocol::Ocpp16,
        Version::V201 => Protocol::Ocpp201,
        Version::V21 => Protocol::Ocpp21,
    }
}

const UNKNOWN: Refused<'static> = Refused {
    status: 404,
    headers: &[],
    body: NOT_LET_IN,
};

const UNAUTHORIZED: Refused<'static> = Refused {
    status: 401,
    headers: &[(
        "WWW-Authenticate",
        "Basic realm=\"ocpp\", charset=\"UTF-8\"",
    )],
    body: NOT_LET_IN,
};

const FORBIDDEN: Refused<'static> = Refused {
    status: 403,
    headers: &[],
    body: NOT_LET_IN,
};

const TOO_MANY: Refused<'static> = unavailable("more stations come than are let in at once\n");

const fn unavailable(body: &'static str) -> Refused<'static> {
    Refused {
        status: 503,
        headers: &[("Retry-After", "30")],
        body,
    }
}
