//! What stations told in passing, whichever kind of record says it.

use super::Body;
use crate::record::ArchivedDateRead;

/// A [`crate::record::Notified`], or a [`crate::record::NotifiedDated`].
#[derive(Clone, Copy, Debug)]
pub struct NotifiedView<'a> {
    /// OCPP action.
    pub action: &'a str,
    /// Its payload as JSON.
    pub payload: &'a str,
    dates: &'a [ArchivedDateRead],
}

impl NotifiedView<'_> {
    /// When the date at `pointer` is, UTC microseconds: by the clock of its station where that is known to be wrong, else as
    /// it reads `plain`.
    pub fn date(
        &self,
        pointer: impl FnOnce() -> String,
        plain: impl FnOnce() -> Option<i64>,
    ) -> Option<i64> {
        if self.dates.is_empty() {
            return plain();
        }
        let pointer = pointer();
        match self.dates.iter().find(|date| date.pointer == *pointer) {
            Some(date) => date.at.as_ref().map(|at| at.to_native()),
            None => plain(),
        }
    }
}

impl<'a> Body<'a> {
    /// What the station told in passing, if this is it.
    pub fn notified(&self) -> Option<NotifiedView<'a>> {
        let (notified, dates): (_, &[_]) = match self {
            Self::Notified(notified) => (*notified, &[]),
            Self::NotifiedDated(dated) => (&dated.notified, &dated.dates),
            _ => return None,
        };
        Some(NotifiedView {
            action: &notified.action,
            payload: &notified.payload,
            dates,
        })
    }
}
