//! What is done for a shard elsewhere, and the answers that wait for it.
//!
//! A station has one call unanswered at a time, so an answer that waits holds up nobody else; one whose station is gone by
//! then is dropped, and the station asks again. Answers that are not held back do not wait for one that is: a station
//! that sends a second call before it has heard the first gets that answered sooner.
//!
//! # Invariants
//!
//! - Every errand ends once: by its outcome, or at its deadline, whichever comes first.
//! - At most [`OPEN_MAX`] are open of stations that wait at the door, and as many of all others; what comes on top is answered at
//!   once as if nobody could be asked.
//! - What is over before a thread has come to it is not begun: the other server hears nothing of it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use net::driver::ConnId;
use ocpp::Version;

use super::calls::Inbound;
use super::certificates::{Refusal, Request, StatusKind};
use super::timers::Deadline;
use super::tokens::Authorization;
use super::{Now, Shard};
use crate::certificates::{Errand, Outcome, VatAsk, Wish, Worth};

/// Errands of one shard that are open at a time.
pub(super) const OPEN_MAX: usize = 256;
/// A station waits at least 30 s for an answer where nobody configured another time, and often no longer.
pub(super) const ANSWER_WAIT: Duration = Duration::from_secs(20);
/// For a signature nobody waits on the wire.
pub(super) const SIGNING_WAIT: Duration = Duration::from_secs(120);

/// A call whose answer waits.
pub(super) struct Held {
    pub(super) conn: ConnId,
    pub(super) station: u32,
    pub(super) version: Version,
    id: String,
    action: String,
}

impl Held {
    pub(super) fn new(version: Version, call: Inbound<'_>) -> Self {
        Self {
            conn: call.conn,
            station: call.station,
            version,
            id: call.id.to_owned(),
            action: call.action.to_owned(),
        }
    }

    pub(super) fn call(&self) -> Inbound<'_> {
        Inbound {
            conn: self.conn,
            station: self.station,
            id: &self.id,
            action: &self.action,
        }
    }
}

/// What an errand is for.
pub(super) enum Purpose {
    /// Whether to sign what a station asked for.
    Check { held: Held, request: Request },
    /// A certificate for a station: which of its requests, by the time that it came.
    Sign { station: u32, requested_at: i64 },
    /// GetCertificateStatus and GetCertificateChainStatus.
    Status { held: Held, kind: StatusKind },
    /// Get15118EVCertificate.
    Contract { held: Held },
    /// Authorize with a contract certificate.
    Authorize {
        held: Held,
        authorization: Authorization,
    },
    /// VatNumberValidation.
    Vat { held: Held, ask: VatAsk },
    /// The upgrade of a socket whose peer has shown a certificate.
    Upgrade { conn: ConnId },
}

impl Purpose {
    /// The connection without which nobody wants to know. What a station asked to have signed is signed for the next one too.
    fn conn(&self) -> Option<ConnId> {
        match self {
            Self::Check { .. } | Self::Sign { .. } => None,
            Self::Status { held, .. }
            | Self::Contract { held }
            | Self::Authorize { held, .. }
            | Self::Vat { held, .. } => Some(held.conn),
            Self::Upgrade { conn } => Some(*conn),
        }
    }

    /// A station waits at the door for it, which slow providers must keep no one at.
    fn is_at_door(&self) -> bool {
        matches!(self, Self::Upgrade { .. })
    }
}

/// The open errands of a shard.
#[derive(Default)]
pub(super) struct Errands {
    last: u64,
    /// What each is for; while it stands here, somebody waits for it.
    open: HashMap<u64, (Purpose, Arc<()>)>,
    /// Not handed in yet.
    out: Vec<Errand>,
}

impl Shard {
    /// Has something done; where too much is under way, the purpose fails at once.
    pub(super) fn begin_errand(
        &mut self,
        now: Now,
        wish: Wish,
        purpose: Purpose,
        wait: Duration,
    ) -> Option<Errand> {
        let at_door = purpose.is_at_door();
        let open = self.errands.open.values();
        if OPEN_MAX
            <= open
                .filter(|(other, _)| other.is_at_door() == at_door)
                .count()
        {
            self.errand_failed(now, purpose, "too much of this kind is under way");
            return None;
        }
        self.errands.last += 1;
        let id = self.errands.last;
        let asker = Arc::new(());
        let awaited = Arc::downgrade(&asker);
        self.errands.open.insert(id, (purpose, asker));
        self.deadlines.insert(now.mono + wait, Deadline::Errand(id));
        Some(Errand {
            shard: self.index,
            id,
            wish,
            asker: awaited,
        })
    }

    /// A connection is gone, and with it whoever asked for something on it.
    pub(super) fn drop_errands_of(&mut self, conn: ConnId) {
        let open = &mut self.errands.open;
        open.retain(|_, (purpose, _)| purpose.conn() != Some(conn));
    }

    /// An errand goes out with the next [`Shard::errands`].
    pub(super) fn send_errand(&mut self, errand: Errand) {
        self.errands.out.push(errand);
    }

    /// Errands to hand in.
    pub(crate) fn errands(&mut self) -> Vec<Errand> {
        std::mem::take(&mut self.errands.out)
    }

    /// What came of an errand. One that is late already has no effect.
    pub(crate) fn errand_done(&mut self, now: Now, id: u64, outcome: Outcome) {
        let Some((purpose, _)) = self.errands.open.remove(&id) else {
            return;
        };
        match (purpose, outcome) {
            (Purpose::Check { held, request }, Outcome::Checked(checked)) => {
                let checked = checked.map_err(|reason| Refusal("InvalidCSR", reason));
                self.request_checked(now, &held, request, checked);
            }
            (
                Purpose::Sign {
                    station,
                    requested_at,
                },
                Outcome::Signed(signed),
            ) => {
                self.request_signed(now, station, requested_at, signed);
            }
            (Purpose::Status { held, kind }, Outcome::Statuses(found)) => {
                self.statuses_found(now, &held, kind, found);
            }
            (Purpose::Contract { held }, Outcome::Contract(answer)) => {
                self.contract_answered(now, &held, answer);
            }
            (
                Purpose::Authorize {
                    held,
                    authorization,
                },
                outcome,
            ) => self.contract_judged(now, &held, authorization, outcome),
            (Purpose::Vat { held, ask }, Outcome::Vat(found)) => {
                self.vat_found(now, &held, &ask, found);
            }
            (Purpose::Upgrade { conn }, Outcome::Judged(worth)) => {
                self.certificate_judged(conn, worth);
            }
            (purpose, _) => self.errand_failed(now, purpose, "another errand was done"),
        }
    }

    /// An errand that nobody does: there was no room for it, or its time is over.
    pub(crate) fn errand_lost(&mut self, now: Now, id: u64, reason: &str) {
        if let Some((purpose, _)) = self.errands.open.remove(&id) {
            self.errand_failed(now, purpose, reason);
        }
    }

    fn errand_failed(&mut self, now: Now, purpose: Purpose, reason: &str) {
        let reason = reason.to_owned();
        match purpose {
            Purpose::Check { held, request } => {
                let refusal = Refusal("InternalError", reason);
                self.request_checked(now, &held, request, Err(refusal));
            }
            Purpose::Sign {
                station,
                requested_at,
            } => self.request_signed(now, station, requested_at, Err(reason)),
            Purpose::Status { held, kind } => self.statuses_found(now, &held, kind, Vec::new()),
            Purpose::Contract { held } => self.contract_answered(now, &held, Err(reason)),
            Purpose::Vat { held, ask } => self.vat_found(now, &held, &ask, Err(reason)),
            Purpose::Upgrade { conn } => self.certificate_judged(conn, Worth::Unproven(reason)),
            Purpose::Authorize {
                held,
                authorization,
            } => self.contract_judged(now, &held, authorization, Outcome::Contract(Err(reason))),
        }
    }

    pub(super) fn has_no_errands(&self) -> bool {
        self.errands.open.is_empty()
    }

    /// True while a station waits to hear whether something of its will be signed.
    pub(super) fn is_checking(&self, station: u32) -> bool {
        let mut open = self.errands.open.values();
        open.any(
            |(purpose, _)| matches!(purpose, Purpose::Check { held, .. } if held.station == station),
        )
    }
}
