//! What stations tell of their own accord, said again: an event, a part of a report, a security event.
//!
//! Such a message has no key but its content. Who says the very same of the very same moment under another message id says
//! it again; a moment that its clock cannot have known tells nothing, since every boot may begin with it. A part that a
//! command asked for is known by its number in the course, and taken once there.

use fleet::UtcMicros;
use fleet::record::{Moment, Notified};
use ocpp::Timestamp;

use super::{Now, Shard, StoreUnreadable};
use crate::charging::held::members;
use crate::normalize::moment;
use crate::retry::{Canonical, Verdict};

/// The key of a message, of its content; `None` for one without a time worth believing.
pub(super) fn said_key(
    canonical: &mut Canonical,
    station: &str,
    (action, payload): (&str, &str),
    received_at: UtcMicros,
) -> Option<[u8; 16]> {
    let members = members(payload);
    // When it was made, or what it tells of happened.
    let at = members.get("generatedAt").or(members.get("timestamp"))?;
    let at: String = serde_json::from_str(at.get()).ok()?;
    let at = moment(Some(&Timestamp::read(&at)?), received_at);
    let canonical = canonical.begin("said", station).text(action);
    at.clock_trusted.then(|| canonical.text(payload).hash())
}

/// The same of a security event.
pub(super) fn security_key(
    canonical: &mut Canonical,
    station: &str,
    (event_type, info): (&str, &str),
    occurred_at: Option<i64>,
) -> Option<[u8; 16]> {
    let canonical = canonical.begin("security", station).int(occurred_at?);
    Some(canonical.text(event_type).text(info).hash())
}

impl Shard {
    /// True for a message that its station has sent before; it is counted, and is to have no effect.
    pub(super) fn is_said_again(
        &mut self,
        now: Now,
        station: u32,
        notified: &Notified,
    ) -> Result<bool, StoreUnreadable> {
        let said = (notified.action.as_str(), notified.payload.as_str());
        let key = self.stations[station].state.key.as_str();
        let key = said_key(&mut self.scratch.canonical, key, said, now.utc);
        self.is_kept(key)
    }

    /// The same of a security event.
    pub(super) fn is_security_event_again(
        &mut self,
        station: u32,
        said: (&str, &str),
        occurred: &Moment,
    ) -> Result<bool, StoreUnreadable> {
        let occurred_at = occurred.clock_trusted.then_some(occurred.at);
        let key = self.stations[station].state.key.as_str();
        let key = security_key(&mut self.scratch.canonical, key, said, occurred_at);
        self.is_kept(key)
    }

    fn is_kept(&mut self, key: Option<[u8; 16]>) -> Result<bool, StoreUnreadable> {
        let verdict = match key {
            Some(key) if self.kept(key, true)?.is_some() => Verdict::Same,
            Some(_) | None => Verdict::New,
        };
        Ok(self.is_repeated(verdict))
    }
}
