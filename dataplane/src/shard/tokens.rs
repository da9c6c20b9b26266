//! Whether a token may charge.
//!
//! A token is judged twice. What it is and where it is shown is known before anything is recorded; what it has running
//! at the same time is known when the transaction that it begins has its place among the others, see [`Running`].
//! Neither judgement ends or hinders a transaction: the station is told, and acts.

mod answer;
mod cache;
mod messages;
mod row;
mod running;
mod terms;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use fleet::record::TransactionState;
use fleet::{TransactionId, UtcMicros};
use ring::hmac;
use storage::state::Table;

use super::summary::TransactionReport;
use super::{Now, Settings, Shard, StoreUnreadable};
use crate::config::{DirectPayments, Onboarding};
use crate::retry::Canonical;
use crate::state::{StationState, Transaction};
use crate::token::{Token, TokenStatus, TokenType};
pub(crate) use answer::{id_tag_info, id_token_info, id_token_type};
pub(super) use answer::{message_content, token_type};
pub(crate) use cache::TokenCache;
pub(crate) use messages::ChangedMessages;
pub(crate) use row::{read_token, token_key, token_type_code, token_type_of, write_token};
pub(crate) use running::Running;

/// A token as a station shows it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shown<'a> {
    pub(super) id: &'a str,
    /// `None` in 1.6.
    pub(super) kind: Option<TokenType>,
    /// It is the reference of a payment that the station's own terminal has taken (2.1 `DirectPayment`).
    pub(super) is_payment: bool,
    /// Where; 0 where the station does not say.
    pub(super) evse_id: u32,
}

/// What is thought of a token that was shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Judgement {
    Accepted,
    Blocked,
    /// It has as many transactions as it may.
    ConcurrentTx,
    Expired,
    Invalid,
    NoCredit,
    NotAtThisLocation,
    Unknown,
}

impl Judgement {
    /// The word of 2.x.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "Accepted",
            Self::Blocked => "Blocked",
            Self::ConcurrentTx => "ConcurrentTx",
            Self::Expired => "Expired",
            Self::Invalid => "Invalid",
            Self::NoCredit => "NoCredit",
            Self::NotAtThisLocation => "NotAtThisLocation",
            Self::Unknown => "Unknown",
        }
    }
}

/// What a station is told about a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Authorization {
    pub(crate) judgement: Judgement,
    /// `None` for one that nobody put.
    token: Option<Arc<Token>>,
    /// Until when the station may go by this.
    cache_until: Option<UtcMicros>,
    /// EVSEs where it may charge; empty for all.
    pub(crate) evse_ids: Vec<u32>,
    /// It was shown at one of them.
    is_here: bool,
}

impl Authorization {
    /// Of a token of which nothing is known.
    fn unheard_of(judgement: Judgement) -> Self {
        Self {
            judgement,
            token: None,
            cache_until: None,
            evse_ids: Vec::new(),
            is_here: false,
        }
    }
}

impl Settings {
    /// What stands for a token in facts.
    fn token_ref(&self, id: &str) -> [u8; 16] {
        let tag = hmac::sign(&self.token_key, id.to_lowercase().as_bytes());
        let mut reference = [0; 16];
        reference.copy_from_slice(&tag.as_ref()[..16]);
        reference
    }

    /// A token has another message than before, which its drivers are to hear while they charge.
    pub(crate) fn message_changed(&self, tenant: &str, token: &Token) {
        let owner = owner(tenant, self.token_ref(&token.id));
        self.messages
            .changed(&self.running.of(owner), token.message.as_ref());
    }
}

impl Shard {
    /// Judges a token shown at `station` by what it is and where that is.
    pub(super) fn authorize(
        &mut self,
        now: Now,
        station: u32,
        shown: Shown<'_>,
    ) -> Result<Authorization, StoreUnreadable> {
        if shown.kind == Some(TokenType::NoAuthorization) {
            // The station lets everybody charge (C02.FR.02).
            return Ok(Authorization::unheard_of(Judgement::Accepted));
        }
        let Some(token) = self.find_token(station, shown.id)? else {
            return Ok(Authorization::unheard_of(
                self.judge_unknown(now, station, shown)?,
            ));
        };
        if !is_of_type(&token, shown) {
            // The same text of another type is another token, of which nothing is told.
            return Ok(Authorization::unheard_of(Judgement::Invalid));
        }
        let state = &self.stations[station].state;
        let details = state.details();
        let site = details.configured.as_deref().map_or("", |c| &*c.site);
        let evse_ids = allowed_evses(&token, state.key.identity(), site);
        // An empty account may be filled at any time (C17.FR.02).
        let cache_s = match token.status {
            TokenStatus::NoCredit => Some(0),
            TokenStatus::Accepted
            | TokenStatus::Blocked
            | TokenStatus::Expired
            | TokenStatus::Invalid => token.cache_s,
        };
        let cache_until =
            cache_s.map(|seconds| UtcMicros(now.utc.0 + i64::from(seconds) * 1_000_000));
        Ok(Authorization {
            judgement: judge(now.utc, &token, shown, evse_ids),
            // An answer is good no longer than its token.
            cache_until: cache_until.into_iter().chain(token.expires_at).min(),
            evse_ids: evse_ids.unwrap_or_default().to_vec(),
            is_here: is_here(shown, evse_ids),
            token: Some(token),
        })
    }

    /// The tariff of the driver whose token a message shows, if he may charge, or might when that happened: an answer that
    /// comes too late to be heeded changes no bill.
    pub(super) fn driver_tariff(
        &self,
        now: Now,
        station: u32,
        report: &TransactionReport<'_>,
        authorization: &Authorization,
    ) -> Option<String> {
        let token = authorization.token.as_deref()?;
        let might = || {
            let clock = self.clock(now, station);
            let was_in_time = token.expires_at.is_none_or(|at| clock.began(report) < at.0);
            // Since when it has its status nobody knows.
            let had_status = match token.status {
                TokenStatus::Accepted => true,
                TokenStatus::Blocked
                | TokenStatus::Expired
                | TokenStatus::Invalid
                | TokenStatus::NoCredit => clock.began_away(report),
            };
            authorization.is_here && was_in_time && had_status
        };
        let has_one = !token.tariff_id.is_empty()
            && (authorization.judgement == Judgement::Accepted || might());
        has_one.then(|| token.tariff_id.to_string())
    }

    /// Judges the token that was shown to begin a transaction once that is on record: one that only ends transactions,
    /// or that has enough of them, is refused now.
    pub(super) fn admit_token(
        &self,
        station: u32,
        ocpp_id: &str,
        shown: Shown<'_>,
        authorization: &mut Authorization,
    ) {
        let (Judgement::Accepted, Some(token)) = (authorization.judgement, &authorization.token)
        else {
            return;
        };
        let state = &self.stations[station].state;
        let Some(transaction) = state.transaction_named(ocpp_id) else {
            return;
        };
        let token_ref = self.token_ref(shown.id);
        // Another one of the group, or a stranger: this transaction is not its own.
        let is_own = transaction.token_ref == Some(token_ref);
        if transaction.state != TransactionState::Active || !is_own {
            return;
        }
        let owner = owner(state.key.tenant(), token_ref);
        let running = &self.settings.running;
        if token.master_pass {
            authorization.judgement = Judgement::Blocked;
        } else if let Some(limit) = token.concurrent_max
            && !running.is_within(owner, transaction.id, limit)
        {
            authorization.judgement = Judgement::ConcurrentTx;
        }
    }

    fn judge_unknown(
        &mut self,
        now: Now,
        station: u32,
        shown: Shown<'_>,
    ) -> Result<Judgement, StoreUnreadable> {
        // Whoever took the payment has authorized it (C18.FR.04).
        let is_paid = shown.is_payment && self.config.direct_payments == DirectPayments::Accepted;
        if is_paid || self.config.onboarding == Onboarding::Open {
            return Ok(Judgement::Accepted);
        }
        // An operator who starts a charge from here has authorized it.
        let token_ref = self.token_ref(shown.id);
        Ok(if self.is_start_token(now, station, token_ref)? {
            Judgement::Accepted
        } else if shown.kind == Some(TokenType::KeyCode) {
            // C04.FR.01.
            Judgement::Invalid
        } else {
            Judgement::Unknown
        })
    }

    /// What is known of a token.
    pub(super) fn find_token(
        &mut self,
        station: u32,
        id: &str,
    ) -> Result<Option<Arc<Token>>, StoreUnreadable> {
        let key = token_key(self.stations[station].state.key.tenant(), id);
        // Before the read: a change that comes after it makes the next look read again.
        let changes = self.settings.token_changes.load(Ordering::Acquire);
        if let Some(token) = self.tokens.find(changes, &key) {
            return Ok(token);
        }
        let row = self.look_up(Table::Tokens, &key)?;
        let token = row.as_deref().and_then(read_token).map(Arc::new);
        let row_len = row.map_or(0, |row| row.len());
        self.tokens.keep(key, row_len, token.clone());
        Ok(token)
    }

    /// What stands for a token in facts.
    pub(super) fn token_ref(&self, id: &str) -> [u8; 16] {
        self.settings.token_ref(id)
    }

    /// Gives the running transactions of a station their places among those of their tokens.
    pub(super) fn count_running(&self, station: u32) {
        let state = &self.stations[station].state;
        let running = &self.settings.running;
        let active: Vec<_> = state.active().collect();
        for (at, transaction) in active.iter().enumerate() {
            let Some(token_ref) = transaction.token_ref else {
                continue;
            };
            let owner = owner(state.key.tenant(), token_ref);
            if counts(&active, at) {
                running.begin(owner, transaction.id);
            } else {
                running.end(owner, transaction.id);
                self.settings.messages.take(transaction.id);
            }
        }
    }

    /// Takes its place from a transaction that no longer runs.
    pub(super) fn uncount_running(
        &self,
        station: u32,
        token_ref: Option<[u8; 16]>,
        id: TransactionId,
    ) {
        if let Some(token_ref) = token_ref {
            let tenant = self.stations[station].state.key.tenant();
            self.settings.running.end(owner(tenant, token_ref), id);
            self.settings.messages.take(id);
        }
    }
}

/// What a station is told of a token in a list that it keeps; `None` where the token may not charge at all.
pub(crate) fn listed(
    now: UtcMicros,
    token: &Arc<Token>,
    identity: &str,
    site: &str,
) -> Option<Authorization> {
    let evse_ids = allowed_evses(token, identity, site)?;
    let shown = Shown {
        id: &token.id,
        kind: None,
        is_payment: false,
        evse_id: 0,
    };
    Some(Authorization {
        judgement: judge(now, token, shown, Some(evse_ids)),
        // A list is good until the next one.
        cache_until: token.expires_at,
        evse_ids: evse_ids.to_vec(),
        is_here: is_here(shown, Some(evse_ids)),
        token: Some(Arc::clone(token)),
    })
}

/// Counts what ran before the start.
pub(super) fn load_running(settings: &Settings, state: &StationState) {
    let active: Vec<_> = state.active().collect();
    for (at, transaction) in active.iter().enumerate() {
        if let (Some(token_ref), true) = (transaction.token_ref, counts(&active, at)) {
            let owner = owner(state.key.tenant(), token_ref);
            settings.running.load(owner, transaction.id);
        }
    }
}

/// Whether one of a station's transactions, which are in the order of their beginnings, counts as running. An EVSE has
/// one at a time, so what it had before is over even if its end was lost, or a driver could never charge again.
fn counts(active: &[&Transaction], at: usize) -> bool {
    let evse_id = active[at].evse_id;
    let mut later = active[at + 1..].iter();
    evse_id == 0 || later.all(|after| after.evse_id != evse_id)
}

/// Tokens of two tenants are two, though their references are the same.
fn owner(tenant: &str, token_ref: [u8; 16]) -> running::Owner {
    let mut canonical = Canonical::default();
    canonical.begin("token", tenant).bytes(&token_ref).hash()
}

/// EVSEs of a station where a token may charge: empty for all of them, `None` for not at this station.
fn allowed_evses<'a>(token: &'a Token, identity: &str, site: &str) -> Option<&'a [u32]> {
    let everywhere = token.sites.is_empty() && token.devices.is_empty();
    if everywhere || (!site.is_empty() && token.sites.iter().any(|allowed| allowed == site)) {
        return Some(&[]);
    }
    let device = token.devices.iter().find(|device| device.id == identity);
    device.map(|device| device.evse_ids.as_slice())
}

fn is_of_type(token: &Token, shown: Shown<'_>) -> bool {
    match (token.kind, shown.kind) {
        (Some(kind), Some(shown)) => kind == shown,
        // A payment is of a type that no token of ours has.
        (Some(_), None) if shown.is_payment => false,
        // 1.6 tells no type, and an operator need not.
        (None, _) | (_, None) => true,
    }
}

/// Whether a token is shown where it may charge.
fn is_here(shown: Shown<'_>, evse_ids: Option<&[u32]>) -> bool {
    evse_ids.is_some_and(|allowed| {
        allowed.is_empty() || shown.evse_id == 0 || allowed.contains(&shown.evse_id)
    })
}

/// Why a token may not charge, the gravest first, if it may not.
fn judge(now: UtcMicros, token: &Token, shown: Shown<'_>, evse_ids: Option<&[u32]>) -> Judgement {
    match token.status {
        TokenStatus::Blocked => Judgement::Blocked,
        TokenStatus::Expired => Judgement::Expired,
        TokenStatus::Invalid => Judgement::Invalid,
        TokenStatus::NoCredit => Judgement::NoCredit,
        TokenStatus::Accepted if token.expires_at.is_some_and(|at| at <= now) => Judgement::Expired,
        TokenStatus::Accepted if !is_here(shown, evse_ids) => Judgement::NotAtThisLocation,
        TokenStatus::Accepted => Judgement::Accepted,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::TokenDevice;

    const NOW: UtcMicros = UtcMicros(100);

    fn at(evse_id: u32) -> Shown<'static> {
        Shown {
            id: "TAG",
            kind: None,
            is_payment: false,
            evse_id,
        }
    }

    fn check(token: &Token, shown: Shown<'_>, expected: Judgement) {
        let evse_ids = allowed_evses(token, "CP1", "Centro");
        assert_eq!(judge(NOW, token, shown, evse_ids), expected, "{token:?}");
    }

    #[test]
    fn a_token_is_judged_by_its_status_and_its_time() {
        for (status, expires_at, expected) in [
            (TokenStatus::Accepted, None, Judgement::Accepted),
            (TokenStatus::Accepted, Some(101), Judgement::Accepted),
            (TokenStatus::Accepted, Some(100), Judgement::Expired),
            (TokenStatus::Blocked, Some(100), Judgement::Blocked),
            (TokenStatus::Expired, None, Judgement::Expired),
            (TokenStatus::Invalid, None, Judgement::Invalid),
            (TokenStatus::NoCredit, None, Judgement::NoCredit),
        ] {
            let token = Token {
                expires_at: expires_at.map(UtcMicros),
                ..Token::new("TAG", status)
            };
            check(&token, at(0), expected);
        }
    }

    #[test]
    fn a_type_counts_where_both_sides_tell_one() {
        let (card, code) = (Some(TokenType::Iso14443), Some(TokenType::KeyCode));
        for (kind, shown, expected) in [
            (None, None, true),
            (None, card, true),
            (card, None, true),
            (card, card, true),
            (card, code, false),
        ] {
            let token = Token {
                kind,
                ..Token::new("TAG", TokenStatus::Accepted)
            };
            let shown = Shown {
                kind: shown,
                ..at(0)
            };
            assert_eq!(is_of_type(&token, shown), expected, "{kind:?} {shown:?}");
        }
    }

    #[test]
    fn a_token_with_places_is_good_there_alone() {
        let token = |sites: &[&str], devices: &[(&str, &[u32])]| Token {
            sites: sites.iter().map(|&site| site.into()).collect(),
            devices: devices
                .iter()
                .map(|(id, evse_ids)| TokenDevice {
                    id: (*id).into(),
                    evse_ids: evse_ids.to_vec(),
                })
                .collect(),
            ..Token::new("TAG", TokenStatus::Accepted)
        };
        let elsewhere = Judgement::NotAtThisLocation;
        check(&token(&["Centro"], &[]), at(1), Judgement::Accepted);
        check(&token(&["Norte"], &[]), at(1), elsewhere);
        check(
            &token(&["Norte"], &[("CP1", &[])]),
            at(1),
            Judgement::Accepted,
        );
        check(&token(&[], &[("CP2", &[])]), at(0), elsewhere);
        let first = token(&[], &[("CP1", &[1])]);
        check(&first, at(0), Judgement::Accepted);
        check(&first, at(1), Judgement::Accepted);
        check(&first, at(2), elsewhere);
        // A station without a site is at none.
        assert_eq!(allowed_evses(&token(&[""], &[]), "CP1", ""), None);
    }

    #[test]
    fn tenants_do_not_share_a_token() {
        assert_ne!(owner("a", [1; 16]), owner("b", [1; 16]));
    }
}
